"""What the chapter of unit 08 says of formulas, of its figure and of our runs is true."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import astuple
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.optim import lr_scheduler as schedulers
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lab.experiments import ensembles, schedules
from lab.experiments import schedules_statistics as statistics
from lab.experiments.schedules_plots import best_runs
from lab.figures import schedules as figure

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "book/08-schedules/index.md").read_text(encoding="utf-8")


def said(number: float, digits: int) -> str:
    """A number as the text would write it."""
    return f"{number:.{digits}f}"


def used(make: Callable[[torch.optim.Optimizer], Any], steps: int, lr: float = 1.0) -> np.ndarray:
    """The rates that the steps of one of torch's schedulers use."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr)
    scheduler, found = make(optimizer), []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return np.array(found)


def answer(question: str) -> float:
    """The right number of the quiz's question that has these words."""
    part = TEXT[TEXT.index(question) :]
    return float(re.findall(r"^\[x\] (-?[\d.]+)$", part, re.MULTILINE)[0])


def test_step_decay_and_cosine_by_hand_are_those_of_torch() -> None:
    drops = used(lambda o: schedulers.StepLR(o, 40, 0.1), 81, 0.2)
    assert drops[[0, 39, 40, 79, 80]] == pytest.approx([0.2, 0.2, 0.02, 0.02, 0.002])
    falls = used(lambda o: schedulers.CosineAnnealingLR(o, 8, 0.04), 9, 0.2)
    assert falls[[0, 4, 8]] == pytest.approx([0.2, 0.12, 0.04])
    assert said(falls[2], 3) == "0.177" and said(falls[7], 4) == "0.0461"
    assert "0.177$ at 2, 0.12 at 4, and 0.0461 at 7" in TEXT


def test_exponential_decay_meets_step_decay_once_a_period_and_lies_below_one_over_t() -> None:
    gamma, period, k, t = 0.3, 20, -math.log(0.3) / 20, np.arange(100)
    drops = used(lambda o: schedulers.StepLR(o, period, gamma), 100)
    falls = used(lambda o: schedulers.ExponentialLR(o, math.exp(-k)), 100)
    assert falls[::period] == pytest.approx(drops[::period])
    assert (falls <= drops * (1 + 1e-12)).all()
    inverse = used(lambda o: schedulers.LambdaLR(o, lambda t: 1 / (1 + k * t)), 100)
    assert (falls <= inverse).all() and (falls[t > 0] < inverse[t > 0]).all()
    assert said(math.exp(-10), 5) == "0.00005" and said(1 / 11, 2) == "0.09"


def test_the_mean_of_a_cosine_is_hardly_more_than_halfway() -> None:
    for steps in (7, 8, 100):
        rates = used(lambda o, T=steps: schedulers.CosineAnnealingLR(o, T, 0.1), steps, 0.7)
        assert rates.mean() == pytest.approx(0.1 + 0.3 * (1 + 1 / steps))
    slopes = np.diff(used(lambda o: schedulers.CosineAnnealingLR(o, 2000), 2001))
    assert slopes.min() * 2000 == pytest.approx(-math.pi / 2, rel=1e-5)
    assert abs(slopes[[0, -1]]).max() < 1e-5


def test_warm_up_by_hand_is_that_of_torch() -> None:
    def warm(optimizer: torch.optim.Optimizer) -> Any:
        rise = schedulers.LinearLR(optimizer, 1 / 4, total_iters=3)
        return schedulers.SequentialLR(optimizer, [rise, schedulers.CosineAnnealingLR(optimizer, 4)], [4])

    assert used(warm, 9) == pytest.approx([0.25, 0.5, 0.75, 1, 1, 0.854, 0.5, 0.146, 0], abs=5e-4)
    assert "$0.25, 0.5, 0.75, 1$, then $1, 0.854, 0.5, 0.146$" in TEXT


def test_cycles_by_hand_are_those_of_torch() -> None:
    triangles = used(lambda o: schedulers.CyclicLR(o, 0.1, 0.5, 4, cycle_momentum=False), 9)
    assert triangles[[1, 4, 7, 8]] == pytest.approx([0.2, 0.5, 0.2, 0.1])
    again = used(lambda o: schedulers.CosineAnnealingWarmRestarts(o, 4), 8)
    assert again == pytest.approx([1, 0.854, 0.5, 0.146] * 2, abs=5e-4)
    growing = used(lambda o: schedulers.CosineAnnealingWarmRestarts(o, 5, 2), 60)
    assert [t for t in range(60) if growing[t] == 1] == [0, 5, 15, 35], "P, 3 P and 7 P"
    cycle = used(lambda o: schedulers.OneCycleLR(o, 1.0, 100), 99)
    assert cycle.argmax() == 29 and cycle[0] == pytest.approx(1 / 25)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0, momentum=0.9)
    scheduler = schedulers.OneCycleLR(optimizer, 1.0, 100)
    momenta = []
    for _ in range(99):
        momenta.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        scheduler.step()
    assert momenta[0] == 0.95 and min(momenta) == pytest.approx(0.85) == momenta[29]


def test_the_cosine_of_torch_rises_again_after_its_end() -> None:
    past = used(lambda o: schedulers.CosineAnnealingLR(o, 4), 9)
    assert past[4:] == pytest.approx([0, 0.146, 0.5, 0.854, 1], abs=5e-4)


def test_the_floors_and_times_by_hand_are_right() -> None:
    assert pytest.approx(1 / 3) == 0.5 / (2 - 0.5) and said(0.01 / 1.99, 3) == "0.005"
    assert said(math.log(100) / math.log(2), 1) == "6.6" and said(-math.log(100) / math.log(0.99), 0) == "458"
    assert "= 6.6$ steps" in TEXT and "takes 458 steps" in TEXT


def test_noise_of_a_constant_rate_settles_at_the_floor_and_one_over_t_at_the_mean() -> None:
    torch.manual_seed(0)
    constant, falling, total = (torch.full((40_000,), 10.0).double() for _ in range(3))
    total = torch.zeros_like(constant)
    for t in range(200):
        total += constant
        constant = constant - 0.4 * (2 * constant + 3 * torch.randn(40_000).double())
        falling = falling - (2 * falling + 3 * torch.randn(40_000).double()) / (2 * (t + 1))
    assert constant.var().item() == pytest.approx(0.4 * 9 / (2 * (2 - 0.8)), rel=0.03)
    assert falling.var().item() == pytest.approx(9 / (4 * 200), rel=0.03)
    late = (total / 200).var().item()
    assert late == pytest.approx(9 / (4 * 200), rel=0.03), "the mean of the weights of a constant rate"


def test_a_rate_that_falls_too_fast_for_the_curvature_forgets_like_a_power() -> None:
    w = 1.0
    found = []
    for t in range(1, 4000):
        w *= 1 - 0.2 / t if t > 1 else 0.8
        found.append(w)
    assert found[3998] / found[39] == pytest.approx(100**-0.2, rel=0.02)


def test_every_pair_of_four_gradients_has_the_variance_of_the_text() -> None:
    gradients = (1, 3, 5, 7)
    means = [sum(pair) / 2 for pair in combinations(gradients, 2)]
    assert sorted(means) == [2, 3, 4, 4, 5, 6]
    assert np.var(means) == pytest.approx(5 / 3) == 5 / 2 * 2 / 3
    assert np.var(gradients) == 5


def test_steps_and_rates_by_hand_are_right() -> None:
    assert (20 * 1000 // 4, 20 * math.ceil(1000 / 64), 1000 % 64) == (5000, 320, 40)
    assert pytest.approx(0.8) == 0.05 * 64 / 4 and pytest.approx(0.2) == 0.05 * (64 / 4) ** 0.5
    assert "5,000 steps with $B = 4$, and 320 with $B = 64$: 16 in each epoch" in TEXT


def test_the_best_rate_for_a_noisy_gradient_is_the_one_of_the_text() -> None:
    H, g, S = np.diag([1.0, 4.0]), np.array([2.0, 1.0]), 6.0
    rates = np.linspace(1e-4, 1, 100_001)
    for B in (1, 4, 64):
        loss = -rates * (g @ g) + rates**2 / 2 * (g @ H @ g + S / B)
        best = (g @ g / (g @ H @ g)) / (1 + S / (g @ H @ g) / B)
        assert rates[loss.argmin()] == pytest.approx(best, abs=2e-5)
        assert loss.min() == pytest.approx(-best * (g @ g) / 2, rel=1e-6)


def test_adam_moves_by_noise_as_far_for_every_batch_when_noise_is_all_of_the_gradient() -> None:
    torch.manual_seed(0)
    ends = {}
    for B, lr in ((1, 1e-3), (16, 4e-3)):
        w = torch.zeros(4000, requires_grad=True)
        adam = torch.optim.Adam([w], lr=lr, betas=(0.0, 0.999))
        for _ in range(1600 // B):
            w.grad = torch.randn(4000) / B**0.5 + 0.02
            adam.step()
        ends[B] = (w.detach().mean().item(), w.detach().std().item())
    assert ends[1][0] == pytest.approx(ends[16][0], rel=0.1)
    assert ends[1][1] == pytest.approx(ends[16][1], rel=0.1)


def test_gradients_of_pieces_add_up_except_with_batch_norm() -> None:
    assert (
        pytest.approx(2.4) == (4 * 1 + 4 * 2 + 2 * 6) / 10
        and "= 2.4$. The mean of the three would be 3" in TEXT
    )

    def apart(norm: nn.Module) -> float:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(6, 16), norm, nn.ReLU(), nn.Linear(16, 3)).double()
        x, y = torch.randn(10, 6).double(), torch.randint(3, (10,))
        found = []
        for size in (10, 4):
            net.zero_grad()
            for xs, ys in zip(x.split(size), y.split(size), strict=True):
                (F.cross_entropy(net(xs), ys) * len(xs) / 10).backward()
            found.append(torch.cat([p.grad.ravel() for p in net.parameters() if p.grad is not None]))
        return ((found[1] - found[0]).norm() / found[0].norm()).item()

    assert apart(nn.Identity()) < 1e-12 > apart(nn.LayerNorm(16))
    assert apart(nn.BatchNorm1d(16)) > 0.1


def test_clipping_turns_the_mean_of_a_skewed_gradient_round() -> None:
    values, shares = np.array([10.0, -1]), np.array([0.1, 0.9])
    assert shares @ values == pytest.approx(0.1)
    clipped = []
    for value in values:
        w = torch.zeros(1, requires_grad=True)
        w.grad = torch.tensor([value], dtype=torch.float32)
        nn.utils.clip_grad_norm_([w], 1.0)
        clipped.append(w.grad.item())
    assert shares @ np.array(clipped) == pytest.approx(-0.8, abs=1e-5)


def test_the_ensemble_by_hand_is_right() -> None:
    members = np.array([0.9, 0.5])
    losses = -np.log(members)
    assert [said(v, 3) for v in (*losses, losses.mean(), -math.log(0.7))] == [
        "0.105",
        "0.693",
        "0.399",
        "0.357",
    ]
    assert ((1 - members) ** 2).mean() == pytest.approx(0.13) and members.var() == pytest.approx(0.04)
    assert pytest.approx(0.13 - 0.04) == 0.3**2


def test_the_mean_of_logits_is_a_normalized_geometric_mean() -> None:
    torch.manual_seed(0)
    logits = torch.randn(3, 5, 4).double()
    product = logits.softmax(-1).prod(0) ** (1 / 3)
    wanted = product / product.sum(-1, keepdim=True)
    torch.testing.assert_close(logits.mean(0).softmax(-1), wanted)


def test_an_ensemble_can_be_wrong_where_most_of_its_members_are_right() -> None:
    members = np.array([[0.51, 0.49], [0.51, 0.49], [0.01, 0.99]])
    assert (members.argmax(1) == 0).sum() == 2 and members.mean(0).argmax() == 1


def test_five_members_bring_four_fifths_of_what_can_be_had() -> None:
    rho, v = 0.3, 1.0
    gain = {M: v - (rho * v + (1 - rho) * v / M) for M in (2, 5)}
    assert gain[2] / (1 - rho) == pytest.approx(1 / 2) and gain[5] / (1 - rho) == pytest.approx(4 / 5)


def averaged(values: list[float], **options: Any) -> list[float]:
    """The running averages of torch's AveragedModel over these weights."""
    model = nn.Linear(1, 1, bias=False)
    average, found = AveragedModel(model, **options), []
    for value in values:
        nn.init.constant_(model.weight, value)
        average.update_parameters(model)
        found.append(next(average.parameters()).item())
    return found


def test_the_averages_by_hand_are_those_of_torch() -> None:
    assert averaged([4, 6, 11]) == pytest.approx([4, 5, 7])
    assert averaged([4, 6, 11], multi_avg_fn=get_ema_multi_avg_fn(0.5)) == pytest.approx([4, 5, 8])
    assert "running means 4, then $4 + \\frac{2}{2} = 5$, then $5 + \\frac{6}{3} = 7$" in TEXT


def test_a_moving_average_has_the_age_and_the_variance_of_the_text() -> None:
    d = 0.98
    ages = np.arange(20_000)
    shares = (1 - d) * d**ages
    assert shares.sum() == pytest.approx(1)
    assert shares @ ages == pytest.approx(d / (1 - d)) == answer("A moving average of weights has $d = 0.98$")
    assert (shares**2).sum() == pytest.approx((1 - d) / (1 + d))


def test_the_answers_of_the_quiz_are_right() -> None:
    cosine = used(lambda o: schedulers.CosineAnnealingLR(o, 6, 0.1), 6, 0.4)
    assert answer("A cosine from 0.4 to 0.1") == pytest.approx(cosine[2])
    rates = figure.rates("cosine", base=1, T=1000, W=100)
    assert np.flatnonzero(np.isclose(rates, 0.5, atol=1e-9)).tolist() == [49, 550]
    assert "[x] Steps 49 and 550" in TEXT
    assert answer("Rate 0.2, curvature 1, noise") == pytest.approx(0.2 * 9 / 1.8)
    assert answer("48,000 training images") == (10 * 48_000 / 32) * 480 / 48_000
    assert answer("Three pieces of 6, 6 and 3") == pytest.approx((6 * 1 + 6 * 2 + 3 * 4) / 15)
    assert answer("Members have the variance 1") == pytest.approx(0.4 + 0.6 / 3)


def test_the_clipped_arrays_of_the_quiz_are_those_of_torch() -> None:
    parts = [torch.zeros(2, requires_grad=True) for _ in range(2)]
    for part, values in zip(parts, ([8.0, 0.0], [0.0, 6.0]), strict=True):
        part.grad = torch.tensor(values)
    nn.utils.clip_grad_norm_(parts, 5.0)
    found = [part.grad.tolist() for part in parts if part.grad is not None]
    assert np.allclose(found, [[4, 0], [0, 3]])
    assert "[x] $(4, 0)$ and $(0, 3)$" in TEXT


def test_the_figure_shows_what_its_tasks_say() -> None:
    whole = {steps: figure.rates("cosine", base=0.1, T=steps).mean() for steps in (100, 10)}
    assert whole == pytest.approx({100: 0.0505, 10: 0.055})
    warm = figure.rates("cosine", base=1, T=100, W=50).mean()
    assert warm == pytest.approx(figure.rates("cosine", base=1, T=100).mean(), abs=0.01)
    restarts, cycles = (figure.rates(name, base=1, T=100, period=20) for name in ("restarts", "cyclic"))
    assert restarts.min() > 0 == cycles[0] == cycles[20]
    one, late = figure.rates("onecycle", base=1, T=100), figure.rates("cosine", base=1, T=100, W=30)
    assert one.argmax() == late.argmax() == 29 and late[30] == 1
    assert one[-1] == pytest.approx(1 / 250_000) and one[-1] < late[-1]
    drops, falls = (figure.rates(name, base=1, T=90, period=30) for name in ("step", "exponential"))
    assert np.flatnonzero(np.isclose(drops, falls)).tolist() == [0, 30, 60] and drops.mean() > falls.mean()


@cache
def full() -> dict[str, Any]:
    return schedules.load_results(ROOT / "book/results/08-schedules/full.json")


def again(**at: Any) -> dict[str, Any]:
    return statistics.of(statistics.load_results(ROOT / "book/results/08-schedules/statistics.json"), **at)


def accuracy(part: str, **at: Any) -> float:
    return schedules.summary(full(), part, **at)["mean"]


def test_every_schedule_ends_above_a_constant_rate_and_the_best_five_are_too_close_to_rank() -> None:
    table = schedules.table(full())
    ends = {way: found["mean"] for way, _, found, _ in table}
    assert len(ends) == 9 and min(ends, key=lambda way: ends[way]) == "constant"
    five = sorted(ends, key=lambda way: ends[way])[-5:]
    assert ends[five[-1]] - ends[five[0]] < 0.02
    spreads = [found["std"] for way, _, found, _ in table if way in five]
    assert ends[five[-1]] - ends[five[0]] < 2 * max(spreads)
    losses = {way: found["mean"] for way, _, _, found in table}
    assert max(losses, key=lambda way: losses[way]) == "constant"


def test_the_training_loss_falls_with_the_rate_and_rises_at_each_restart() -> None:
    def curve(way: str) -> np.ndarray:
        return np.mean([run["loss"] for run in best_runs(full(), "schedules", way=way)], axis=0)

    restarts = curve("restarts")
    assert len(restarts) == 12
    assert all(restarts[start] > restarts[start - 1] for start in (3, 6, 9))
    assert curve("cosine")[-1] < curve("constant")[-1] - 0.1


def test_rates_of_schedules_were_chosen_with_one_seed_and_run_with_three() -> None:
    for way in schedules.SCHEDULES:
        runs = [run for run in full()["runs"] if (run["part"], run["way"]) == ("schedules", way)]
        first = [run for run in runs if run["seed"] == 0]
        assert sorted(run["rate"] for run in first) == [0.01, 0.03, 0.1, 0.3]
        chosen = max(first, key=lambda run: run["validation_accuracy"])["rate"]
        assert {run["rate"] for run in runs if run["seed"]} == {chosen}
        assert len(runs) == 4 + 2


def test_the_linear_rule_fails_for_few_long_steps_and_warm_up_does_not_save_it() -> None:
    for batch in (128, 512):
        rules = {name: schedules.rule(full(), name, batch)["mean"] for name in schedules.RULES}
        assert rules["linear"] < rules["one rate"] - 0.1
        assert rules["linear, warm-up"] < rules["one rate"]
    assert rules["square root"] == max(rules.values()) == rules["best rate"]
    assert rules["one rate"] < accuracy("epochs", way="constant", batch=32, rate=0.02) - 0.2
    [steps] = {run["steps"] for run in full()["runs"] if (run["part"], run["batch"]) == ("epochs", 512)}
    assert steps == 18 and said(100 * 0.9**18, 0) == "15"
    assert full()["about"]["warm_share"] == 0.25


def test_most_of_that_failure_is_one_of_the_running_statistics() -> None:
    kept, root, linear = (again(part="epochs", way="constant", rate=rate) for rate in (0.02, 0.08, 0.32))
    assert linear["loss"]["mean"] < kept["loss"]["mean"] - 0.3
    before, after = (linear[key]["mean"] for key in ("test_accuracy", "again_accuracy"))
    assert after - before > 0.3 and after > kept["again_accuracy"]["mean"] + 0.1
    assert after == pytest.approx(root["again_accuracy"]["mean"], abs=0.03)
    assert again(way="warm-up")["again_accuracy"]["mean"] < after
    constant, cosine = (again(part="schedules", way=way) for way in ("constant", "cosine"))
    assert constant["again_accuracy"]["mean"] - constant["test_accuracy"]["mean"] > 0.03
    assert abs(cosine["again_accuracy"]["mean"] - cosine["test_accuracy"]["mean"]) < 0.005
    assert cosine["again_accuracy"]["mean"] > constant["again_accuracy"]["mean"] + 0.04


def test_networks_tested_again_are_those_of_the_study() -> None:
    keys = schedules.Settings.__dataclass_fields__
    first = {tuple(run[key] for key in keys): run["test_accuracy"] for run in full()["runs"]}
    runs = statistics.load_results(ROOT / "book/results/08-schedules/statistics.json")["runs"]
    assert {tuple(run[key] for key in keys) for run in runs} == {
        astuple(at) for at in statistics.plan("full")
    }
    assert all(first[tuple(run[key] for key in keys)] == run["test_accuracy"] for run in runs)


def test_batches_are_compared_at_equal_epochs_and_at_equal_steps() -> None:
    ends = {
        part: [accuracy(part, way="constant", batch=batch, rate=0.02) for batch in (32, 128, 512)]
        for part in ("epochs", "steps")
    }
    assert ends["epochs"][2] < ends["epochs"][0] and ends["steps"][0] < ends["steps"][1] - 0.05
    assert ends["steps"][2] == pytest.approx(ends["steps"][1], abs=0.01)


def test_the_large_batch_of_adam_is_less_trained_and_its_gap_is_smaller() -> None:
    for data in ("mnist", "photos"):
        rows = [row for row in schedules.gap_table(full()) if row["data"] == data]
        small, large, root = rows
        assert (small["batch"], large["batch"], large["rate"]) == (32, 307, small["rate"])
        lower = {key: small[key]["mean"] - large[key]["mean"] for key in ("train", "test")}
        assert lower["train"] > lower["test"] > 0
        assert small["test"]["mean"] > root["test"]["mean"] > large["test"]["mean"]
        sharper = large["sharpness"]["min"] > small["sharpness"]["max"]
        assert sharper == (data == "mnist")


def test_accumulation_with_batch_norm_has_another_gradient_and_other_statistics() -> None:
    apart = {(r["way"], r["micro"], r["seed"]): r["difference"] for r in full()["accumulation"]}
    assert all((value < 1e-6) == (way == "plain") for (way, _, _), value in apart.items())
    assert max(apart["BN", 64, seed] for seed in range(3)) < 0.25
    assert min(apart["BN", 2, seed] for seed in range(3)) > 0.7
    pieces, whole = (again(part="ghost", micro=micro) for micro in (8, 128))
    assert pieces["test_accuracy"]["mean"] > whole["test_accuracy"]["mean"] + 0.1
    assert pieces["again_accuracy"]["mean"] < whole["again_accuracy"]["mean"]


def test_an_ensemble_costs_more_than_longer_training_brings_less_and_has_its_loss_below_its_members() -> None:
    rows = {row["way"]: row for row in ensembles.table(full())}

    def of(way: str, key: str = "accuracy") -> float:
        return float(rows[way][key]["mean"])

    for row in rows.values():
        assert row["networks"] == 1 or row["loss"]["mean"] < row["member_loss"]["mean"]
    five, long = rows["five members"], rows["one network, 5 T"]
    assert five["steps"] == long["steps"] == 5 * rows["one network"]["steps"]
    assert of("one network, 5 T") > of("snapshots, 5 T") > of("five members") > of("one network")
    assert min(rows, key=lambda way: of(way, "loss")) == "snapshots, 5 T"
    assert of("snapshots, T") < of("one network") - 0.03
    assert of("weights of five members") == pytest.approx(0.1, abs=0.02)
    members = of("snapshots, 5 T", "member_accuracy")
    assert of("weights of snapshots, 5 T") == pytest.approx(members, abs=0.005)
    assert of("five members", "disagreement") > of("snapshots, 5 T", "disagreement")


def test_a_part_of_what_averaged_weights_gain_is_their_new_statistics() -> None:
    last, swa, ema, one = (
        ensembles.summary(full(), way)["mean"] for way in ("SWA's last weights", "SWA", "EMA", "one network")
    )
    ends = [
        r["accuracy"][r["alphas"].index(1.0)] for r in full()["lines"] if r["between"] == "a run's weights"
    ]
    assert last < np.mean(ends) < ema < swa
    assert swa == pytest.approx(one, abs=0.01)


def test_two_members_lie_in_two_valleys_and_two_snapshots_in_one() -> None:
    def at(between: str, alpha: float) -> float:
        found = [line for line in full()["lines"] if line["between"] == between]
        return float(np.mean([line["accuracy"][line["alphas"].index(alpha)] for line in found]))

    assert at("two members", 0.5) < 0.25
    assert at("two snapshots, 5 T", 0.5) == pytest.approx(at("two snapshots, 5 T", 1.0), abs=0.01)
    run = [at("a run's weights", alpha) for alpha in (0.0, 0.5, 1.0)]
    assert run[1] > max(run[0], run[2])


def test_clipping_helps_at_every_rate_and_cuts_nearly_every_gradient_at_the_lowest() -> None:
    rates = sorted({run["rate"] for run in full()["runs"] if run["part"] == "clipping"})
    free, clipped = (
        [accuracy("clipping", way=way, rate=rate) for rate in rates] for way in ("not clipped", "clipped")
    )
    assert (np.array(clipped) > free).all() and clipped[0] == max(clipped)
    assert free[2] < 0.1 and clipped[2] > 0.3 and clipped[4] < 0.15 < clipped[3]
    norms = [
        run["norms"]
        for run in full()["runs"]
        if (run["part"], run["way"], run["rate"]) == ("clipping", "clipped", rates[0])
    ]
    assert (np.array(norms) > full()["about"]["max_norm"]).mean() > 0.95
