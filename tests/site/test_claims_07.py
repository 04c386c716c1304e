"""What the chapter of unit 07 says about our runs, and about its figure, is true of results and figure."""

import json
import re
from functools import cache
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import pytest
import torch

from lab.figures.optimizers import SURFACES, path

ROOT = Path(__file__).parents[2]
UNCORRECTED, CLIPPED = "Adam without correction", "momentum, clipped"
SMOOTH, KINKED = "tanh, mean-pooling", "ReLU, max-pooling"


@cache
def results() -> dict[str, Any]:
    return json.loads((ROOT / "book/results/07-optimizers/full.json").read_text())


def of(kind: str, **at: Any) -> list[dict[str, Any]]:
    found = [record for record in results()[kind] if at.items() <= record.items()]
    assert len(found) == len(results()["about"]["seeds"]) >= 3
    return found


def ends(optimizer: str, lr: float, key: str = "val_accuracy") -> list[float]:
    return [run[key][-1] for run in of("runs", optimizer=optimizer, lr=lr)]


def rates(optimizer: str) -> list[float]:
    return sorted({run["lr"] for run in results()["runs"] if run["optimizer"] == optimizer})


def best_rate(optimizer: str) -> float:
    return max(rates(optimizer), key=lambda lr: median(ends(optimizer, lr)))


def best(optimizer: str) -> list[float]:
    return ends(optimizer, best_rate(optimizer))


def overlap(a: list[float], b: list[float]) -> bool:
    return max(a) >= min(b) and max(b) >= min(a)


SIX = ("momentum", "Nesterov", "AdaGrad", "RMSProp", "Adam", "AdamW")


def test_plain_sgd_is_behind_with_every_seed_and_three_seeds_do_not_tell_the_other_six_apart() -> None:
    for name in SIX:
        assert max(best("SGD")) < min(best(name))
        assert all(overlap(best(name), best(other)) for other in SIX)


def test_the_default_rate_of_pytorch_suits_adam_and_adagrad_but_not_sgd_and_rmsprop() -> None:
    for name, lr in (("Adam", 1e-3), ("AdamW", 1e-3), ("AdaGrad", 1e-2)):
        assert median(ends(name, lr)) > median(best(name)) - 0.01
    assert best_rate("AdaGrad") == 1e-2
    assert median(ends("SGD", 1e-3)) < 0.35
    assert median(ends("RMSProp", 1e-2)) < 0.35


def test_rmsprop_adam_and_adamw_stay_near_their_best_over_more_rates_than_momentum() -> None:
    near = {
        name: [lr for lr in rates(name) if median(ends(name, lr)) >= median(best(name)) - 0.1]
        for name in ("RMSProp", "Adam", "AdamW", "momentum", "Nesterov")
    }
    assert {name: len(found) for name, found in near.items()} == {
        "RMSProp": 4,
        "Adam": 4,
        "AdamW": 4,
        "momentum": 2,
        "Nesterov": 2,
    }
    for name in ("RMSProp", "Adam", "AdamW"):
        assert near[name][-1] / near[name][0] == pytest.approx(30, rel=0.1)


def test_both_ends_of_each_grid_fail_and_the_best_rates_lie_a_factor_of_a_hundred_apart() -> None:
    chosen = [best_rate(name) for name in ("SGD", *SIX)]
    assert max(chosen) / min(chosen) == pytest.approx(100)
    for name in ("SGD", *SIX):
        for lr in (rates(name)[0], rates(name)[-1]):
            assert median(ends(name, lr)) < median(best(name)) - 0.2


def test_at_one_rate_for_all_the_rate_decides_who_is_ahead() -> None:
    ahead = {1e-4: "RMSProp", 1e-3: "Adam", 1e-2: "AdaGrad", 1e-1: "SGD"}
    for lr, first in ahead.items():
        assert max((n for n in ("SGD", *SIX) if lr in rates(n)), key=lambda n: median(ends(n, lr))) == first


def test_without_correction_the_best_is_as_good_and_the_next_higher_rate_worse() -> None:
    assert overlap(best(UNCORRECTED), best("Adam"))
    assert max(ends(UNCORRECTED, 3.2e-3)) < min(ends("Adam", 3.2e-3))


def measured(name: str, key: str, step: int) -> list[float]:
    return [record[key][step - 1] for record in of("first_steps", optimizer=name)]


def test_without_correction_the_first_step_is_as_much_too_long_as_derived() -> None:
    pairs = zip(measured(UNCORRECTED, "step", 1), measured("Adam", "step", 1), strict=True)
    assert all(without / with_it == pytest.approx(0.1 / 0.001**0.5, rel=0.02) for without, with_it in pairs)


def test_the_first_step_of_rmsprop_is_nearly_ten_rates_and_raises_the_loss_with_every_seed() -> None:
    assert all(9 < step < 10 for step in measured("RMSProp", "step", 1))
    before, after = (measured("RMSProp", "loss", step) for step in (1, 2))
    assert all(b < a for b, a in zip(before, after, strict=True))


def test_without_correction_the_loss_is_lower_with_every_seed_after_the_first_steps() -> None:
    late = [
        [mean(record["loss"][-20:]) for record in of("first_steps", optimizer=name)]
        for name in (UNCORRECTED, "Adam")
    ]
    assert all(without < with_it for without, with_it in zip(*late, strict=True))


def test_the_rates_of_adagrad_shrink_about_as_the_root_of_the_steps() -> None:
    shrunk = [r["median"][0] / r["median"][-1] for r in of("step_sizes", optimizer="AdaGrad")]
    steps = of("step_sizes", optimizer="AdaGrad")[0]["steps"][-1]
    assert median(shrunk) == pytest.approx(steps**0.5, rel=0.25)
    for name in ("RMSProp", "Adam"):
        assert median(r["median"][0] / r["median"][-1] for r in of("step_sizes", optimizer=name)) < 12


def test_the_largest_rates_of_rmsprop_grow_again_with_every_seed() -> None:
    for record in of("step_sizes", optimizer="RMSProp"):
        assert record["high"][-1] > 2 * min(record["high"])


def test_the_rates_of_the_weights_lie_far_apart_at_every_moment() -> None:
    for record in results()["step_sizes"]:
        assert min(high / low for low, high in zip(record["low"], record["high"], strict=True)) > 10


def over_limit(network: str, optimizer: str, lr: float) -> list[np.ndarray]:
    found = of("curvature", network=network, optimizer=optimizer, lr=lr)
    return [np.array(record["sharpness"]) / record["limit"] for record in found]


@pytest.mark.parametrize("lr", [0.02, 0.05])
def test_gradient_descent_drives_the_curvature_up_to_its_limit_and_beyond(lr: float) -> None:
    for network, highest in ((SMOOTH, 1.5), (KINKED, 2.0)):
        for ratio in over_limit(network, "SGD", lr):
            late = np.median(ratio[-len(ratio) // 3 :])
            assert ratio[0] < 0.9 * late
            assert 0.97 < late < highest


def test_at_the_small_rate_the_curvature_of_the_smooth_network_stays_about_at_the_limit() -> None:
    for ratio in over_limit(SMOOTH, "SGD", 0.02):
        assert ratio[0] < 0.5
        assert np.median(ratio[-len(ratio) // 3 :]) == pytest.approx(1, abs=0.1)


def test_every_full_batch_run_ends_far_below_its_first_loss() -> None:
    assert all(record["loss"][-1] < 0.2 * record["loss"][0] for record in results()["curvature"])


def test_with_momentum_the_curvature_peaks_near_its_limit_and_then_falls() -> None:
    for network in (SMOOTH, KINKED):
        for ratio in over_limit(network, "momentum", 0.02):
            assert 0.6 < ratio.max() < 1.3
            assert ratio[-1] < 0.5 * ratio.max()


def test_a_strength_that_adamw_bears_leaves_adam_with_l2_at_chance() -> None:
    lr = results()["about"]["decay_lr"]
    assert min(ends("AdamW with decay 1", lr)) > 0.65
    assert max(ends("Adam with L2 1", lr)) <= 0.11
    assert min(ends("AdamW with decay 0.1", lr)) > max(ends("Adam with L2 0.1", lr))


def test_small_decays_hardly_change_adamw_and_the_best_of_the_two_cannot_be_told_apart() -> None:
    lr = results()["about"]["decay_lr"]
    small = [ends(f"AdamW with decay {strength}", lr) for strength in (0.001, 0.01, 0.1)]
    assert max(map(median, small)) - min(map(median, small)) < 0.025
    kinds = {name for name in {run["optimizer"] for run in results()["runs"]} if " with " in name}
    l2, decoupled = (
        max((ends(name, lr) for name in sorted(kinds) if name.startswith(start)), key=median)
        for start in ("Adam with L2", "AdamW with decay")
    )
    assert overlap(l2, decoupled)


def evaluations_until(optimizer: str, above: float) -> list[float]:
    return [
        next((n for n, v in zip(r["evaluations"], r["above"], strict=True) if v < above), float("inf"))
        for r in of("full_batch", problem="softmax regression", optimizer=optimizer)
    ]


def test_on_softmax_regression_lbfgs_is_first_and_gradient_descent_does_not_arrive() -> None:
    needed = {name: evaluations_until(name, 1e-4) for name in ("L-BFGS", "momentum", "Adam", "GD")}
    assert max(needed["L-BFGS"]) < 0.6 * min(needed["momentum"])
    assert max(needed["L-BFGS"]) < 0.6 * min(needed["Adam"])
    assert median(needed["momentum"]) < median(needed["Adam"])
    assert min(needed["GD"]) == float("inf")


def test_on_the_full_batch_network_lbfgs_has_the_lowest_loss_with_every_seed() -> None:
    last = {
        name: [r["loss"][-1] for r in of("full_batch", problem="network", optimizer=name)]
        for name in ("L-BFGS", "momentum", "Adam", "GD")
    }
    for name in ("momentum", "Adam", "GD"):
        assert all(a < b for a, b in zip(last["L-BFGS"], last[name], strict=True))


def test_clipping_saves_runs_at_high_rates_and_costs_time_at_low_ones() -> None:
    assert max(ends("momentum", 0.1)) < 0.2
    assert min(ends(CLIPPED, 0.1)) > 0.6
    assert min(ends(CLIPPED, 0.032)) > max(ends("momentum", 0.032)) + 0.1
    assert max(ends(CLIPPED, 1e-3)) < min(ends("momentum", 1e-3))
    assert overlap(best(CLIPPED), best("momentum"))


def end(rule: str, surface: str, lr: float, mu: float = 0.9, steps: int = 40) -> float:
    """How far from the nearest minimum a path of the figure ends, at the condition number it opens with."""
    points = path(rule, surface, 10**1.3, np.zeros((steps, 2)), lr, mu)
    return min(np.linalg.norm(points[-1] - SURFACES[surface].minima, axis=1))


def crosses(lr: float) -> bool:
    across = path("sgd", "bowl", 10**1.3, np.zeros((40, 2)), lr)[:, 1]
    return bool((across[1:] * across[:-1] < 0).all())


def test_in_the_figure_sgd_crosses_from_0056_on_and_leaves_at_011() -> None:
    assert not crosses(10**-1.3)
    assert crosses(10**-1.25)
    assert 0.7 < end("sgd", "bowl", 0.1) < 1
    assert end("sgd", "bowl", 10**-0.95) > 1e3


def test_in_the_figure_momentum_of_04_arrives_where_sgd_leaves_and_more_is_not_better() -> None:
    assert end("sgd", "bowl", 10**-0.9) > 1e3
    assert end("momentum", "bowl", 10**-0.9, mu=0.4) < 1e-3
    assert 0.05 < end("momentum", "bowl", 10**-0.9, mu=0.9) < 0.2


def test_in_the_figure_the_first_steps_are_as_told() -> None:
    moved = {
        rule: np.abs(path(rule, "bowl", 10**1.3, np.zeros((1, 2)), 10**-1.2)[1] - SURFACES["bowl"].start)
        for rule in ("sgd", "momentum", "adagrad", "rmsprop", "adam")
    }
    for rule in ("adagrad", "adam"):
        assert moved[rule] == pytest.approx(10**-1.2)
    assert moved["rmsprop"] == pytest.approx(10**-0.2)
    assert min(moved["sgd"][1], moved["momentum"][1]) > 1


def test_in_the_figure_adagrad_is_late_at_a_small_rate_and_arrives_at_1() -> None:
    assert end("adagrad", "bowl", 10**-1.2) > end("adagrad", "bowl", 10**-1.2, steps=100) > 1
    assert end("adagrad", "bowl", 1.0) < 1e-3


@pytest.mark.parametrize("rule", ["sgd", "momentum", "nesterov"])
def test_in_the_figure_a_turned_bowl_changes_nothing_for_those_that_do_not_rescale(rule: str) -> None:
    assert end(rule, "tilted", 10**-1.2) == pytest.approx(end(rule, "bowl", 10**-1.2), abs=1e-9)


@pytest.mark.parametrize("rule", ["adagrad", "rmsprop", "adam"])
def test_in_the_figure_a_turned_bowl_leaves_those_that_rescale_farther_away(rule: str) -> None:
    assert end(rule, "tilted", 10**-1.2) > end(rule, "bowl", 10**-1.2) + 0.2


def test_in_the_figure_sgd_is_still_near_the_ridge_after_40_steps_and_rmsprop_is_down() -> None:
    assert end("sgd", "saddle", 10**-1.2) > 1
    assert end("rmsprop", "saddle", 10**-1.2) < 1e-3


def test_in_the_figure_nesterov_leaves_at_0071_and_sgd_and_momentum_do_not() -> None:
    for rule in ("sgd", "momentum", "nesterov"):
        assert end(rule, "bowl", 10**-1.2) < 0.3
    assert end("nesterov", "bowl", 10**-1.15) > 100
    assert max(end(rule, "bowl", 10**-1.15) for rule in ("sgd", "momentum")) < 0.3


def test_in_the_figure_noise_of_1_takes_sgd_off_the_ridge_most_times() -> None:
    def off_the_ridge(noise: np.ndarray) -> bool:
        return abs(path("sgd", "saddle", 10**1.3, noise, 10**-1.2)[-1, 0]) > 0.5

    assert not off_the_ridge(np.zeros((40, 2)))
    draws = np.random.default_rng(0).standard_normal((200, 40, 2))
    assert 0.65 < sum(map(off_the_ridge, draws)) / len(draws) < 0.95


def largest_root(lr: float, mu: float, curvature: float, nesterov: bool = False) -> float:
    """Of the matrix that one step multiplies (w, v) by."""
    step = [[1 - lr * curvature, -lr * mu], [curvature, mu]]
    if nesterov:
        step[0] = [1 - (1 + mu) * lr * curvature, -lr * mu**2]
    return float(np.abs(np.linalg.eigvals(step)).max())


def after_torch(lr: float, mu: float, curvature: float, nesterov: bool) -> float:
    w = torch.ones(1, dtype=torch.float64)
    optimizer = torch.optim.SGD([w], lr=lr, momentum=mu, nesterov=nesterov)
    for _ in range(2000):
        w.grad = curvature * w
        optimizer.step()
    return abs(w.item())


@pytest.mark.parametrize("mu", [0.3, 0.9, 0.98])
@pytest.mark.parametrize("nesterov", [False, True])
def test_the_limits_of_momentum_and_of_nesterov_are_those_of_pytorch(mu: float, nesterov: bool) -> None:
    limit = 2 * (1 + mu) / ((1 + 2 * mu) if nesterov else 1) / 10
    assert after_torch(0.99 * limit, mu, 10, nesterov) < 1e-3
    assert after_torch(1.01 * limit, mu, 10, nesterov) > 1e3
    assert largest_root(limit, mu, 10, nesterov) == pytest.approx(1)


def test_no_rate_and_no_momentum_does_better_than_polyaks() -> None:
    found = min(
        max(largest_root(lr, mu, curvature) for curvature in (1, 5, 25))
        for mu in np.linspace(0, 0.98, 50)
        for lr in np.linspace(0.002, 0.15, 75)
    )
    assert 4 / 6 <= found < 4 / 6 + 0.03


def test_the_chapter_says_nothing_of_a_run_in_plain_figures() -> None:
    text = (ROOT / "book/07-optimizers/index.md").read_text(encoding="utf-8")
    told = text[text.index("## What it buys") : text.index("## What goes wrong")]
    prose = re.sub(r"^```.*?^```$", "", told, flags=re.MULTILINE | re.DOTALL)
    assert not re.findall(r"\d+(?:\.\d+)? ?(?:percent|%)", prose)
