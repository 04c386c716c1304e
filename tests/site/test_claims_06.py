"""What the chapter of unit 06 says of formulas, of libraries and of our runs is true."""

from __future__ import annotations

import inspect
import math
import re
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import ElasticNet, LogisticRegression
from sklearn.neural_network import MLPClassifier
from torch import nn
from torch.nn import functional as F  # noqa: N812

from lab.experiments import regularization
from lab.experiments.regularization_plots import decay_grid, together
from lab.experiments.regularization_select import ends

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "book/06-regularization/index.md").read_text(encoding="utf-8")


def leaf(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def gradient_of(value: torch.Tensor, at: torch.Tensor) -> list[float]:
    return [g.item() for g in torch.autograd.grad(value, at)[0]]


def test_the_gradient_of_an_l2_penalty_by_hand_is_that_of_autograd() -> None:
    W = leaf(3, -1)
    J = 2 + 0.5 * (W - W.detach()).sum() + 0.2 / 2 * W.square().sum()
    assert J.item() == pytest.approx(3)
    assert gradient_of(J, W) == pytest.approx([1.1, 0.3])
    assert "= (1.1, 0.3)$" in TEXT


def test_the_minimum_under_l2_by_hand_is_where_the_gradient_vanishes() -> None:
    w = leaf(1.6, 2 / 3)
    J = (torch.tensor([4, 0.5]) * (w - 2).square()).sum() / 2 + w.square().sum() / 2
    assert gradient_of(J, w) == pytest.approx([0, 0], abs=1e-12)
    assert "= (1.6, 0.667)$" in TEXT


def test_the_elastic_net_by_hand_is_that_of_autograd() -> None:
    W = leaf(3, -1, 0)
    penalty = 0.2 * (0.75 * W.abs().sum() + 0.125 * W.square().sum())
    assert penalty.item() == pytest.approx(0.85)
    assert gradient_of(penalty, W) == pytest.approx([0.3, -0.2, 0])
    assert "= 0.85$" in TEXT and "= (0.3, -0.2, 0)$" in TEXT


def test_gradient_steps_of_l1_jump_over_zero_for_ever() -> None:
    w, seen = leaf(0.03), []
    sgd = torch.optim.SGD([w], lr=0.1)
    for _ in range(6):
        sgd.zero_grad()
        (0.5 * w.abs().sum()).backward()
        sgd.step()
        seen.append(w.item())
    assert seen == pytest.approx([-0.02, 0.03] * 3)
    assert "goes to $-0.02$, then to $0.03$" in TEXT


def test_the_soft_thresholds_by_hand_are_those_of_torch() -> None:
    v = torch.tensor([0.5, -0.1, -2.0])
    assert F.softshrink(v, 0.2).tolist() == pytest.approx([0.3, 0, -1.8])
    assert F.softshrink(torch.tensor(-0.7), 0.5 * 0.4).item() == pytest.approx(-0.5)
    assert "give $(0.3, 0, -1.8)$" in TEXT


def test_the_proximal_step_of_the_elastic_net_is_the_minimum_and_thresholds_first() -> None:
    w = np.linspace(-3, 3, 600_001)
    t, a = 0.8, 0.25
    for v in (-2.0, -0.5, 0.15, 0.6, 2.5):
        lowest = w[np.argmin((w - v) ** 2 / 2 + t * (a * np.abs(w) + (1 - a) / 2 * w**2))]
        thresholded = F.softshrink(torch.tensor(v), t * a).item()
        assert lowest == pytest.approx(thresholded / (1 + t * (1 - a)), abs=1e-5)


def test_a_prior_of_each_kind_is_a_penalty_with_the_strength_of_the_text() -> None:
    N, tau, s = 50, 0.7, 0.4
    w = torch.tensor([-1.5, 0.2, 2.0])
    priors = {
        1 / (N * tau**2): (torch.distributions.Normal(0, tau), w.square() / 2),
        1 / (N * s): (torch.distributions.Laplace(0, s), w.abs()),
    }
    for lam, (prior, penalty) in priors.items():
        told = -prior.log_prob(w) / N - lam * penalty
        assert told.tolist() == pytest.approx([told[0].item()] * 3, abs=1e-6)


def test_momentum_by_hand_is_that_of_torch_and_makes_coupled_decay_ten_times_as_strong() -> None:
    w = leaf(1)
    w.grad = torch.zeros_like(w)
    sgd = torch.optim.SGD([w], lr=0.1, momentum=0.9, weight_decay=0.1)
    seen = []
    for _ in range(3):
        sgd.step()
        seen.append(w.item())
    assert [f"{value:.4f}" for value in seen] == ["0.9900", "0.9711", "0.9444"]
    assert "$0.9444$ | $0.9703$" in TEXT and f"{0.99**3:.4f}" == "0.9703"

    slow = torch.optim.SGD([w], lr=0.001, momentum=0.9, weight_decay=0.1)
    for _ in range(200):
        slow.step()
    before = w.item()
    slow.step()
    assert math.log(before / w.item()) / (0.001 * 0.1) == pytest.approx(10, rel=0.02)


def test_the_decay_of_a_habit_is_a_thousand_times_weaker_in_adamw() -> None:
    momentum, adamw = 0.1 * 0.0005 / (1 - 0.9), 0.001 * 0.0005
    assert momentum / adamw == pytest.approx(1000)
    assert f"${momentum:.4f}$" in TEXT and f"${adamw:.7f}$" in TEXT


def test_max_norm_by_hand_is_that_of_torch() -> None:
    W = torch.tensor([[3.0, 0.6], [4.0, 0.8]])
    assert torch.renorm(W, 2, 1, 2).flatten().tolist() == pytest.approx([1.2, 0.6, 1.6, 0.8])
    column = torch.tensor([[2.0, -3.0, 6.0]])
    assert torch.renorm(column, 2, 0, 2)[0, 2].item() == pytest.approx(1.714, abs=1e-3)


def stop_of(losses: list[float], patience: int) -> int | None:
    """The first epoch whose best loss so far is `patience` epochs old."""
    return next((e for e in range(len(losses)) if e - int(np.argmin(losses[: e + 1])) == patience), None)


def test_the_epochs_of_early_stopping_by_hand_are_right() -> None:
    losses = [5, 4, 4.4, 4.2, 3.9]
    assert (stop_of(losses, 2), stop_of(losses, 3)) == (3, None)
    assert stop_of([3, 2, 2, 2.1, 1.9, 1.8], 2) == 3


def test_stopped_early_lets_through_at_most_a_fifth_more_than_l2() -> None:
    a = np.linspace(0, 100, 100_001)
    more = (1 - np.exp(-a)) - a / (1 + a)
    assert more.min() >= 0 and f"{more.max():.1f}" == "0.2"


def test_smoothed_labels_by_hand_have_the_loss_and_the_gap_of_torch() -> None:
    scores = leaf(0.3, -1, 2, 0.5)[None]
    target = torch.tensor([0.05, 0.05, 0.85, 0.05], dtype=torch.float64)
    ours = F.cross_entropy(scores, target[None])
    theirs = F.cross_entropy(scores, torch.tensor([2]), label_smoothing=0.2)
    assert ours.item() == pytest.approx(theirs.item())
    assert "0.85 for the right class, 0.05 for each other one" in TEXT
    best = torch.zeros(1, 10, dtype=torch.float64, requires_grad=True)
    with torch.no_grad():
        best[0, 3] = math.log(91)
    F.cross_entropy(best, torch.tensor([3]), label_smoothing=0.1).backward()
    assert best.grad is not None and best.grad.abs().max() < 1e-12
    assert rf"$\log 91 = {math.log(91):.2f}$" in TEXT


def test_the_other_form_of_label_smoothing_is_ours_with_another_eps() -> None:
    eps, K = 0.3, 5
    ours = eps * K / (K - 1)
    assert (ours / K, 1 - ours + ours / K) == pytest.approx((eps / (K - 1), 1 - eps))


def test_noise_by_hand_adds_what_the_text_says() -> None:
    torch.manual_seed(0)
    noise = 0.1 * torch.randn(10**6, 2) * (torch.rand(10**6, 1) < 0.5)
    assert (noise @ torch.tensor([3.0, -4.0])).square().mean().item() == pytest.approx(0.125, rel=0.01)
    assert "= 0.125$" in TEXT


def test_scikit_learns_strengths_are_ours() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    y = X @ [2, -1, 1] + rng.normal(size=30)
    lam, a = 0.1, 0.4
    w = leaf(*ElasticNet(lam, l1_ratio=a, fit_intercept=False, tol=1e-12).fit(X, y).coef_)
    L = (torch.tensor(X) @ w - torch.tensor(y)).square().mean() / 2
    assert (w != 0).all()
    penalty = a * w.abs().sum() + (1 - a) / 2 * w.square().sum()
    assert gradient_of(L + lam * penalty, w) == pytest.approx([0] * 3, abs=1e-6)

    model = LogisticRegression(C=1 / (30 * lam), fit_intercept=False, tol=1e-10).fit(X, y > 0)
    w = leaf(*model.coef_[0])
    L = F.binary_cross_entropy_with_logits(torch.tensor(X) @ w, torch.tensor(y > 0).double())
    assert gradient_of(L + lam / 2 * w.square().sum(), w) == pytest.approx([0] * 3, abs=1e-6)


def test_a_plateau_of_torch_and_the_networks_of_scikit_learn_wait_one_epoch_more() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=2)
    rates = []
    for loss in (5, 4, 4.4, 4.2, 4.3):
        plateau.step(loss)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([1, 1, 1, 1, 0.1])
    assert "_no_improvement_count > self.n_iter_no_change" in inspect.getsource(MLPClassifier._fit_stochastic)


@cache
def results() -> dict[str, Any]:
    return regularization.load_results(ROOT / "book/results/06-regularization/full.json")


def of_seeds(key: str = "val_accuracy", **at: Any) -> list[float]:
    found = ends(results(), key, **at)
    assert len(found) == len(results()["about"]["seeds"]) >= 3
    return found.tolist()


def overlap(one: list[float], other: list[float]) -> bool:
    return max(one) >= min(other) and max(other) >= min(one)


SGD = {"optimizer": "SGD"}
TOP_L2, TOP_L1 = {"way": "L2", "lam": 0.1}, {"way": "L1", "lam": 0.003}
PROXIMAL = {**TOP_L1, "way": "L1, proximal"}
HALF, EVERY = ({"way": "noise", "sigma": 0.4, "probability": p} for p in (0.5, 1.0))


def test_the_strongest_l2_penalty_shortens_the_weights_and_harms_both_accuracies_with_every_seed() -> None:
    for key in ("weights/norm", "train_accuracy", "val_accuracy"):
        assert max(of_seeds(key, **TOP_L2)) < min(of_seeds(key, **SGD))
    assert max(of_seeds("train_accuracy", **TOP_L2)) < 0.8


def test_at_the_chosen_strengths_seeds_do_not_tell_penalties_from_none() -> None:
    for way in regularization.PENALTIES:
        lam = regularization.best(results(), "lam", way=way)
        assert overlap(of_seeds("test_accuracy", way=way, lam=lam), of_seeds("test_accuracy", **SGD))


def test_the_lowest_loss_of_l2_is_not_surely_below_that_without() -> None:
    lams = [0.001, 0.003, 0.01, 0.03, 0.1]
    lowest = min((of_seeds("val_loss", way="L2", lam=lam) for lam in lams), key=mean)
    assert mean(lowest) < mean(of_seeds("val_loss", **SGD))
    assert overlap(lowest, of_seeds("val_loss", **SGD))


def test_sgd_is_less_sure_than_adam_of_what_it_gets_wrong() -> None:
    assert max(of_seeds("val_loss", **SGD)) < min(of_seeds("val_loss"))


def test_gradient_steps_make_no_zero_and_proximal_steps_many_at_the_same_norm_and_accuracy() -> None:
    for lam in (0.00003, 0.0001, 0.0003, 0.001, 0.003):
        assert of_seeds("weights/zeros", way="L1", lam=lam) == [0, 0, 0]
        assert min(of_seeds("weights/zeros", way="L1, proximal", lam=lam)) > 0
    for key, near in (("weights/norm", 0.1), ("val_accuracy", 0.005)):
        assert mean(of_seeds(key, **PROXIMAL)) == pytest.approx(mean(of_seeds(key, **TOP_L1)), abs=near)
    zeros = of_seeds("weights/zeros", **PROXIMAL)
    assert all(0.4 < share < 0.5 for share in zeros)
    assert max(of_seeds("weights/zeros", **{**PROXIMAL, "way": "elastic net, proximal"})) < min(zeros)
    assert max(of_seeds(**PROXIMAL)) < min(of_seeds(**SGD))


def test_noise_on_every_other_image_raises_no_mean_and_seeds_differ_by_more_than_the_lecture() -> None:
    for sigma in (0.05, 0.1, 0.2, 0.4):
        assert mean(of_seeds(way="noise", sigma=sigma, probability=0.5)) < mean(of_seeds())
    assert max(of_seeds()) - min(of_seeds()) > 0.809 - 0.802


ADAM = {"optimizer": "Adam"}


def test_at_the_middle_rate_decay_keeps_the_accuracy_and_decoupled_surely_lowers_the_loss() -> None:
    for at in ({"way": "L2", "lam": 0.01, **ADAM}, {"way": "decay", "weight_decay": 1.0}):
        assert overlap(of_seeds(**at), of_seeds())
        assert mean(of_seeds("val_loss", **at)) < mean(of_seeds("val_loss"))
    for decay in (1.0, 3.0):
        assert max(of_seeds("val_loss", way="decay", weight_decay=decay)) < min(of_seeds("val_loss"))


@pytest.mark.parametrize("way", ["L2", "decay"])
def test_the_rate_counts_more_than_the_decay_and_by_the_loss_the_strongest_is_best(way: str) -> None:
    accuracies, _, _ = decay_grid(results(), "Adam", way)
    assert np.ptp(accuracies, axis=1).mean() > np.ptp(accuracies, axis=0).mean()
    assert max(of_seeds()) - min(of_seeds()) > np.ptp(accuracies, axis=0).mean()
    losses, _, _ = decay_grid(results(), "Adam", way, "val_loss")
    assert (losses[-1] <= losses.min(axis=0) + 0.005).all()


def test_a_hundredth_of_the_number_shortens_the_weights_more_in_the_loss_than_beside_it() -> None:
    for lam in (0.003, 0.01, 0.03):
        coupled = of_seeds("weights/norm", way="L2", lam=lam, **ADAM)
        assert max(coupled) < min(of_seeds("weights/norm", way="decay", weight_decay=100 * lam))


def under_noise(how: str, key: str = "accuracy", **at: Any) -> list[float]:
    noisy = [run["noisy"] for run in regularization.select(results(), **at)]
    return [found[how][key][found["sigmas"].index(0.4)] for found in noisy]


def test_on_cifar_10_only_strong_noise_on_every_image_is_told_from_none_and_it_harms() -> None:
    cifar = regularization.load_results(ROOT / "book/results/06-regularization/cifar10.json")
    plain = ends(cifar).tolist()
    for sigma, p in ((0.1, 0.5), (0.1, 1.0), (0.4, 0.5), (0.4, 1.0)):
        noisy = ends(cifar, way="noise", sigma=sigma, probability=p).tolist()
        assert len(noisy) == len(plain) == 3
        assert (max(noisy) < min(plain)) if (sigma, p) == (0.4, 1.0) else overlap(noisy, plain)
    assert min(run["train_accuracy"][-1] for run in cifar["runs"]) > 0.98


def test_noise_on_every_image_ruins_clean_ones_and_on_half_of_them_does_not() -> None:
    assert max(of_seeds(**EVERY)) < min(of_seeds(**HALF)) - 0.1


def test_a_network_that_met_only_noisy_images_is_better_on_them_and_on_the_mean_of_noisy_copies() -> None:
    assert min(under_noise("single", **EVERY)) > max(of_seeds(**EVERY)) + 0.1
    assert min(under_noise("mean", **EVERY)) > max(of_seeds(**EVERY)) + 0.1
    assert mean(under_noise("single", **HALF)) == pytest.approx(mean(of_seeds(**HALF)), abs=0.04)
    assert max(under_noise("single")) < 0.5 and max(under_noise("mean")) < 0.5


def test_the_mean_over_noisy_copies_has_the_smaller_loss_and_about_the_same_accuracy() -> None:
    for at in ({}, HALF, EVERY):
        pairs = zip(under_noise("mean", "loss", **at), under_noise("single", "loss", **at), strict=True)
        assert all(many < one for many, one in pairs)
        assert mean(under_noise("mean", **at)) == pytest.approx(mean(under_noise("single", **at)), abs=0.02)


def test_early_stopping_lowers_the_loss_and_the_accuracy_with_every_seed() -> None:
    early = regularization.stopped(results(), 5)
    for row, loss, accuracy in zip(early, of_seeds("test_loss"), of_seeds("test_accuracy"), strict=True):
        assert row["test_loss"] < loss and row["test_accuracy"] < accuracy


def test_patience_20_is_hardly_better_than_5_and_patience_1_worse() -> None:
    found = [regularization.stopped(results(), patience) for patience in (1, 5, 20)]
    one, five, twenty = (mean(row["test_loss"] for row in rows) for rows in found)
    assert five - 0.02 < twenty <= five < one


def test_smoothed_labels_keep_the_accuracy_lower_the_loss_and_make_too_sure_then_too_unsure() -> None:
    smooth = [{}, {"way": "label smoothing", "eps": 0.1}, {"way": "label smoothing", "eps": 0.4}]
    for eps in (0.1, 0.2, 0.4):
        assert overlap(of_seeds(way="label smoothing", eps=eps), of_seeds())
    sure = [mean(of_seeds("calibration/confidence", **at)) for at in smooth]
    right = [mean(of_seeds(**at)) for at in smooth]
    assert sure[0] > right[0] + 0.1 and abs(sure[1] - right[1]) < 0.05 and sure[2] < right[2] - 0.2
    errors = [of_seeds("calibration/error", **at) for at in smooth]
    assert max(errors[1]) < min(errors[0]) and max(errors[0]) < min(errors[2])
    assert max(of_seeds("val_loss", **smooth[1])) < min(of_seeds("val_loss"))


def test_a_bound_lets_a_high_rate_do_less_harm_and_changes_little_at_the_usual_one() -> None:
    bounded = {"way": "max-norm", "max_norm": 1.0}
    assert min(of_seeds(**bounded, lr=0.01)) > max(of_seeds(lr=0.01))
    for bound in (1.0, 2.0):
        at = {"way": "max-norm", "max_norm": bound}
        assert overlap(of_seeds(**at), of_seeds())
        assert max(of_seeds(**at, lr=0.01)) < min(of_seeds(**at))


@pytest.mark.parametrize("parts", [("decay", "dropout"), ("label smoothing", "dropout")])
def test_two_together_have_a_smaller_loss_than_each_alone_with_every_seed(parts: tuple[str, str]) -> None:
    rows = together(results())
    pair = of_seeds("test_loss", **rows[" + ".join(parts)])
    for part in parts:
        assert all(two < one for two, one in zip(pair, of_seeds("test_loss", **rows[part]), strict=True))
        assert max(of_seeds("test_loss", **rows[part])) < min(of_seeds("test_loss"))
    everything = of_seeds("test_loss", **rows["decay + noise + label smoothing + max-norm + dropout"])
    assert mean(everything) > mean(pair)


def test_in_accuracy_only_early_stopping_is_told_from_the_plain_network() -> None:
    rows, plain = together(results()), of_seeds("test_accuracy")
    assert all(overlap(of_seeds("test_accuracy", **at), plain) for at in rows.values())
    assert max(row["test_accuracy"] for row in regularization.stopped(results(), 5)) < min(plain)
    both = of_seeds("test_accuracy", **rows["label smoothing + dropout"])
    assert all(two > none for two, none in zip(both, plain, strict=True))


def test_the_chapter_says_nothing_of_a_run_in_plain_figures() -> None:
    told = TEXT[TEXT.index("## What it buys") : TEXT.index("## What goes wrong")]
    prose = re.sub(r"^```.*?^```$", "", told, flags=re.MULTILINE | re.DOTALL)
    assert not re.findall(r"\d+(?:\.\d+)? ?(?:percent|%|points)", prose)
