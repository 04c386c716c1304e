"""What the chapter of unit 11 says of formulas, of its figure and of our runs is true."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lab.experiments import transfer
from lab.figures import transfer as figure

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "book/11-transfer-learning/index.md").read_text(encoding="utf-8")


def told(start: str, end: str) -> str:
    """The prose of a part of the chapter, without its code."""
    part = TEXT[TEXT.index(start) : TEXT.index(end)]
    return re.sub(r"^```.*?^```$", "", part, flags=re.MULTILINE | re.DOTALL)


def test_the_prepared_bytes_of_the_text_and_of_the_quiz_are_right() -> None:
    assert f"{(128 / 255 - 0.5) / 0.25:.4f}" == "0.0078" in TEXT
    answers = [(102 / 255 - 0.5) / 0.25, (102 - 0.5) / 0.25, (102 / 255 - 0.5) / 0.25**2]
    np.testing.assert_allclose(answers, [-0.4, 406, -1.6])


def test_the_loss_and_the_gradient_by_hand_are_those_of_autograd() -> None:
    scores = torch.tensor([[0, 0], [0, math.log(3)]], dtype=torch.float64, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(scores, torch.tensor([0, 1]))
    [delta] = torch.autograd.grad(loss, scores)
    assert f"{loss.item():.3f}" == "0.490" in TEXT
    np.testing.assert_allclose(2 * delta, [[-1 / 2, 1 / 2], [1 / 4, -1 / 4]])
    np.testing.assert_allclose(torch.tensor([1.0, 2.0]).double() @ delta, 0, atol=1e-15)
    np.testing.assert_allclose(delta.sum(0), [-1 / 8, 1 / 8])


def test_the_quiz_on_the_gradient_has_the_right_numbers() -> None:
    features, p, onehot = np.array([2, -1]), np.array([0.7, 0.3]), np.array([0, 1])
    slopes = np.outer(features, p - onehot)
    assert slopes[0, 1] == pytest.approx(-1.4)
    assert slopes[0, 0] == pytest.approx(1.4)
    assert slopes[1, 1] == pytest.approx(0.7)


def test_no_softmax_varies_more_than_half_the_sum_of_squares() -> None:
    """The bound on the curvature: the largest eigenvalue of diag(p) - p p' is at most 1/2, and reaches it."""
    rng = np.random.default_rng(0)
    largest = [
        np.linalg.eigvalsh(np.diag(p) - np.outer(p, p))[-1]
        for p in (rng.dirichlet(np.full(4, 0.3)) for _ in range(500))
    ]
    assert max(largest) <= 0.5
    assert np.linalg.eigvalsh(np.diag([0.5, 0.5]) - 0.25)[-1] == pytest.approx(0.5)


def descended(W: torch.Tensor, b: torch.Tensor, y: torch.Tensor, steps: int) -> tuple[torch.Tensor, ...]:
    """Weights and bias after gradient descent with a penalty of 0.5, on eight images of two features."""
    features = torch.randn(8, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    W, b = W.double().requires_grad_(), b.double().requires_grad_()
    descent = torch.optim.SGD([W, b], lr=0.3)
    for _ in range(steps):
        descent.zero_grad()
        (torch.nn.functional.cross_entropy(features @ W + b, y) + W.square().sum() / 4).backward()
        descent.step()
    return W.detach(), b.detach()


def test_with_a_penalty_and_an_image_of_every_class_all_starts_end_at_one_head_but_for_a_number() -> None:
    y, start = torch.arange(8) % 3, torch.tensor([2.0, -1.0, 5.0])
    one, other = (
        descended(w, b, y, 3000) for w, b in ((torch.zeros(2, 3), 0 * start), (torch.ones(2, 3), start))
    )
    np.testing.assert_allclose(one[0], other[0], atol=1e-9)
    np.testing.assert_allclose(other[1] - one[1], 2, atol=1e-9)  # the mean of the start's bias
    assert one[1].sum().item() == pytest.approx(0, abs=1e-12)


def test_the_bias_of_a_class_without_an_image_falls_for_ever_by_less_and_less() -> None:
    y = torch.arange(8) % 2
    biases = [
        descended(torch.zeros(2, 3), torch.zeros(3), y, steps)[1][2].item() for steps in (500, 1000, 2000)
    ]
    assert biases[2] < biases[1] - 0.1 < biases[0] - 0.2


def test_the_heads_of_torch_begin_with_a_third_of_the_variance_of_the_text() -> None:
    torch.manual_seed(0)
    assert 300 * torch.nn.Linear(300, 400).weight.var().item() == pytest.approx(1 / 3, rel=0.02)


def test_the_folded_heads_of_the_text_and_of_the_quiz_are_right() -> None:
    assert 6 / 2 * 14 + (1 - 10 * 6 / 2) == 6 * (14 - 10) / 2 + 1 == 13
    assert 3 - 6 * 8 / 4 == -9


def test_the_components_by_hand_are_right() -> None:
    values = np.linalg.eigvalsh(np.cov(np.array([[0, 0], [2, 2], [4, 4], [2, 2]]).T, bias=True))
    np.testing.assert_allclose(values, [0, 4], atol=1e-12)


def test_running_statistics_are_half_forgotten_after_seven_batches_and_nearly_gone_after_44() -> None:
    norm = torch.nn.BatchNorm1d(1)
    norm.running_mean.fill_(1.0)
    shares = []
    for _ in range(44):
        norm(torch.tensor([[-1.0], [1.0]]))
        shares.append(norm.running_mean.item())
    assert shares[5] > 0.5 > shares[6]
    assert f"{math.log(0.5) / math.log(0.9):.1f}" == "6.6" in TEXT
    assert f"{100 * shares[-1]:.0f}" == "1"


def ended(**changed: float) -> tuple[figure.State, float, int, float]:
    """The last state, the error on other inputs, their wrong signs, and how far the features have moved."""
    state = figure.train(**({"degrees": 120, "rate": 0.1, "ratio": 1, "probe": 0} | changed))[-1]
    wrong = ((figure.INPUTS @ state.v > 0) != (figure.INPUTS @ figure.BEST > 0)).sum()
    moved = np.linalg.norm(figure.INPUTS @ (state.P - np.eye(2)).T, axis=1).mean()
    return state, figure.errors(state)[1], int(wrong), float(moved)


def test_what_the_reader_should_have_seen_in_the_figure_is_what_it_shows() -> None:
    answers = told(":::{dropdown} What you should have seen", "(tl-norm)=")
    _, _, wrong, moved = ended()
    assert wrong == 4 and f"instead of {moved:.2f}" in answers
    *_, moved = ended(probe=40)
    assert 0.005 < moved < 0.02 and "about 0.01" in answers
    state, _, wrong, _ = ended(ratio=0)
    np.testing.assert_allclose(state.v, figure.BEST, atol=1e-3)
    assert ended(ratio=0.1)[2] == wrong == 0
    _, error, wrong, moved = ended(length=0)
    assert wrong == 0 and f"by {moved:.2f} on average" in answers and f"{error:.3f}" in answers
    assert ended(degrees=180)[2] == 8 and "eight of the ten" in answers
    assert ended(degrees=180, length=0)[2] == 0, "a head without length has no direction"
    assert ended(degrees=180, ratio=0.1)[2] == 0


def test_the_training_error_goes_to_zero_in_every_way_of_the_figure() -> None:
    for changed in ({}, {"probe": 40}, {"ratio": 0}, {"ratio": 0.1}, {"length": 0}, {"degrees": 180}):
        assert figure.errors(ended(**changed)[0])[0] < 1e-4


def test_the_chapter_numbers_parts_from_the_image_with_the_head_as_the_last() -> None:
    rates = [0.1 * 0.1 ** (5 - part) for part in range(5, 0, -1)]
    np.testing.assert_allclose(rates, [0.1, 0.01, 0.001, 0.0001, 0.00001])
    assert "0.1, then 0.01, 0.001 and 0.0001 for the stages 3, 2 and 1, and 0.00001 for the stem" in TEXT


def test_every_mistake_of_the_catalogue_stands_in_the_table() -> None:
    rows = re.findall(r"^\| .* \|$", told("**The ten, each with its symptom.**", "**More of them.**"), re.M)
    assert len(rows[1:]) == 10


@pytest.mark.parametrize("frozen", [True, False])
def test_a_head_that_the_optimizer_does_not_hold_keeps_its_weights_and_so_does_the_one_that_it_holds(
    frozen: bool,
) -> None:
    torch.manual_seed(0)
    backbone, old, new = (
        torch.nn.Linear(4, 3).requires_grad_(not frozen),
        torch.nn.Linear(3, 2),
        torch.nn.Linear(3, 2),
    )
    optimizer = torch.optim.SGD(
        [*backbone.parameters(), *old.parameters()], lr=0.1, momentum=0.9, weight_decay=1e-3
    )
    first = [head.weight.detach().clone() for head in (old, new)]
    x, y, losses = torch.randn(20, 4), torch.arange(20) % 2, []
    for _ in range(100):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(new(backbone(x)), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert old.weight.grad is None
    assert all(torch.equal(head.weight, was) for head, was in zip((old, new), first, strict=True))
    assert (losses[-1] == losses[0]) == frozen and losses[-1] <= losses[0]


@cache
def results(name: str = "full") -> dict[str, Any]:
    return transfer.load_results(ROOT / f"book/results/11-transfer-learning/{name}.json")


def file_of(target: str) -> dict[str, Any]:
    return results("cifar10" if target == "cifar10" else "full")


def row(target: str, name: str, count: int = 10) -> float:
    """The mean test accuracy of a row of the table, in percent."""
    return 100 * dict(transfer.table(file_of(target), target=target))[name][count]["mean"]


def head(target: str, key: str = "mean", **at: Any) -> float:
    return 100 * transfer.head_summary(file_of(target), target=target, **at)[key]


def tuned(key: str = "test_accuracy", **at: Any) -> dict[str, float]:
    return transfer.summary(results(), key=key, **{"target": "photos", **at})


@pytest.mark.parametrize(("start", "end"), [("## The question", "## The idea"), ("(tl-buys)=", "(tl-norm)=")])
def test_the_chapter_says_nothing_of_a_run_in_plain_figures(start: str, end: str) -> None:
    assert not re.findall(r"\d+(?:\.\d+)? ?(?:percent|%|points)", told(start, end))


@pytest.mark.parametrize("name", ["full", "cifar10"])
def test_every_setting_was_run_with_all_of_at_least_three_seeds(name: str) -> None:
    about, runs = results(name)["about"], results(name)["runs"]
    assert len(about["seeds"]) >= 3
    settings = [field.name for field in fields(transfer.Settings) if field.name != "seed"]
    seeds = defaultdict(list)
    for run in runs:
        seeds[tuple(run[key] for key in settings)].append(run["seed"])
    assert all(sorted(found) == sorted(about["seeds"]) for found in seeds.values())


def test_alone_the_network_knows_its_images_by_heart_and_the_source_more_than_doubles_the_rest() -> None:
    alone = {"target": "cifar10", "start": "scratch", "head": "zero"}
    assert transfer.summary(results("cifar10"), "train_accuracy", **alone)["min"] > 0.98
    assert row("cifar10", "linear head") > 2 * row("cifar10", "from scratch")


def test_means_beat_the_linear_head_on_few_images_of_the_near_target_and_lose_on_many() -> None:
    ahead = [
        row("cifar10", "nearest class mean", n) - row("cifar10", "linear head", n) for n in (10, 25, 100)
    ]
    assert ahead[0] > 0 and ahead[1] > 0 > ahead[2]


def test_fine_tuning_brings_nothing_on_ten_images_of_the_near_target_and_something_on_a_hundred() -> None:
    gains = [row("cifar10", "linear head, then all", n) - row("cifar10", "linear head", n) for n in (10, 100)]
    assert gains[0] < 1 < gains[1]


def test_the_source_is_worth_the_more_the_nearer_it_is_and_on_photographs_nothing_with_a_hundred() -> None:
    worth = {t: row(t, "linear head") - row(t, "from scratch") for t in ("cifar10", "photos", "digits")}
    assert worth["cifar10"] > 20 > worth["photos"] > 3 > worth["digits"]
    assert abs(row("photos", "linear head", 100) - row("photos", "from scratch", 100)) < 1


def test_on_digits_pixels_are_as_good_as_features_and_a_random_head_beats_the_linear_head_first() -> None:
    assert head("digits", method="nearest", features="pixels") > head("digits", method="nearest") + 5
    assert abs(head("digits") - head("digits", features="pixels")) < 2
    assert row("digits", "random head, all at once") > row("digits", "linear head, then all") + 3
    assert row("digits", "random head, all at once") > row("digits", "from scratch") + 3
    assert row("digits", "from scratch", 100) > row("digits", "linear head", 100)


def test_a_large_part_of_what_means_lose_on_the_features_of_digits_is_their_scale() -> None:
    found = []
    for seed in results()["about"]["seeds"]:
        d = transfer.features("digits", per_class=10, seed=seed)
        scale = np.where(d.train_features.std(0) > 0, d.train_features.std(0), 1)
        means = np.stack([d.train_features[d.train_labels == k].mean(0) for k in range(10)])
        away = np.square((d.test_features[:, None] - means) / scale).sum(2)
        found.append(100 * (away.argmin(1) == d.test_labels).mean())
    pixels, features = (head("digits", method="nearest", features=f) for f in ("pixels", "stage3"))
    assert (pixels + features) / 2 < np.mean(found) < pixels


def test_each_stage_adds_on_the_near_target_and_on_photographs_the_last_is_not_the_best() -> None:
    stages = results()["about"]["stages"]
    near = [head("cifar10", features=stage) for stage in stages]
    assert near == sorted(near)
    photos = [head("photos", features=stage) for stage in stages]
    assert stages[int(np.argmax(photos))] == "stage2"
    assert head("photos", "min", features="stage2") > head("photos", "max", features="stage3")
    assert head("digits", features="stage2", grid=4) > head("digits", features="stage2") + 5


def test_an_untrained_stem_is_nearly_as_good_as_the_trained_one_and_depth_does_not_help_it() -> None:
    untrained = [head("photos", features=s, network="untrained") for s in results()["about"]["stages"]]
    assert abs(untrained[0] - head("photos", features="stem")) < 2
    assert untrained[0] > head("photos", features="pixels") + 15
    assert untrained == sorted(untrained, reverse=True)


def test_a_high_rate_ruins_the_features_whatever_the_first_head_and_it_is_no_fall_to_chance() -> None:
    _, middle, high = results()["about"]["rates"]
    for first in ("random", "zero", "probe"):
        assert tuned(head=first, rate=high)["mean"] < tuned(head=first, rate=middle)["mean"] - 0.1
        assert tuned(head=first, rate=high)["mean"] > 0.4
        assert tuned("cka", head=first, rate=high)["mean"] < 0.6
        assert 100 * tuned(head=first, rate=high)["mean"] < row("photos", "from scratch")


def test_at_the_middle_rate_the_first_head_decides_how_far_features_move_and_not_how_good_they_are() -> None:
    middle = results()["about"]["rates"][1]
    found = [tuned(head=first, rate=middle) for first in ("random", "zero", "probe")]
    means = [one["mean"] for one in found]
    assert max(means) - min(means) < min(one["std"] for one in found)
    moved = [tuned("cka", head=first, rate=middle)["mean"] for first in ("random", "zero", "probe")]
    assert moved == sorted(moved)


def test_at_the_low_rate_the_linear_head_first_is_best_and_yet_below_the_frozen_backbone() -> None:
    low = results()["about"]["rates"][0]
    random, zero, probe = (tuned(head=first, rate=low)["mean"] for first in ("random", "zero", "probe"))
    assert probe > max(random, zero)
    assert tuned("train_accuracy", head="random", rate=low)["mean"] < 0.85
    assert 100 * probe < row("photos", "linear head")


def test_after_the_linear_head_the_accuracy_falls_at_once_at_the_highest_rate() -> None:
    at = transfer.BASE | {"target": "photos", "rate": results()["about"]["rates"][-1]}
    for run in (run for run in results()["runs"] if at.items() <= run.items()):
        assert run["validation_accuracy"][1] < run["validation_accuracy"][0] - 0.2


def test_statistics_that_move_cost_a_frozen_backbone_more_than_five_points() -> None:
    rate = results()["about"]["rate"]
    at = {"trained": "head", "rate": rate}
    assert tuned(**at, norm="frozen")["mean"] > tuned(**at, norm="moving")["mean"] + 0.05
    assert 100 * tuned(**at, norm="frozen")["mean"] == pytest.approx(row("photos", "linear head"), abs=1)


def test_at_the_low_rate_moving_statistics_fall_behind_doing_nothing_and_frozen_ones_do_not() -> None:
    low = results()["about"]["rates"][0]
    moving, frozen = (100 * tuned(rate=low, norm=norm)["mean"] for norm in ("moving", "frozen"))
    assert moving < row("photos", "linear head") <= frozen


def test_batches_of_four_are_too_noisy_at_the_rate_of_the_study() -> None:
    rate = results()["about"]["rate"]
    assert max(tuned(batch=4, norm=norm, rate=rate)["mean"] for norm in ("moving", "frozen")) < 0.5


def test_smaller_rates_for_early_stages_make_it_worse_here_with_moving_statistics() -> None:
    rate = results()["about"]["rate"]
    one, third, tenth = (tuned(rate=rate, decay=decay)["mean"] for decay in (1.0, 0.3, 0.1))
    assert one > third > tenth
    assert one > tuned(rate=rate, gradual=True)["mean"]


def test_preparing_otherwise_later_ends_near_chance_and_throughout_it_costs_little_on_photographs() -> None:
    for target in ("photos", "digits"):
        assert head(target, tested_with="pixels / 255") < 17
    own = head("photos", trained_with="target", tested_with="target")
    assert abs(own - head("photos")) < 2
    assert head("digits", tested_with="blue first") == pytest.approx(head("digits"))
    assert head("photos", tested_with="blue first") < head("photos") - 20
    assert head("cifar10", trained_with="pixels / 255", tested_with="pixels / 255") < head("cifar10") - 5


def test_cached_features_make_an_epoch_cheaper_by_far() -> None:
    seconds = {found["what"]: found["seconds"] for found in results()["cost"]}
    assert seconds["cached"] < 0.1 * seconds["frozen"]
    assert 2 < seconds["fine-tuned"] / seconds["frozen"] < 4


def test_near_the_source_a_high_rate_does_less_harm_and_features_move_less() -> None:
    low, middle, high = results()["about"]["rates"]
    cifar = {"results": results("cifar10"), "target": "cifar10"}
    for first in ("random", "zero", "probe"):
        lost = tuned(head=first, rate=middle)["mean"] - tuned(head=first, rate=high)["mean"]
        near = [transfer.summary(**cifar, head=first, rate=rate)["mean"] for rate in (middle, high)]
        assert near[0] - near[1] < lost - 0.03
        for rate in (low, high):
            moved = transfer.summary(**cifar, key="cka", head=first, rate=rate)["mean"]
            assert moved > tuned("cka", head=first, rate=rate)["mean"] + 0.1
