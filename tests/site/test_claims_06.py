"""What the chapter of unit 06 says of formulas, of libraries and of our runs is true."""

from __future__ import annotations

import inspect
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import ElasticNet, LogisticRegression
from sklearn.neural_network import MLPClassifier
from torch import nn
from torch.nn import functional as F  # noqa: N812

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


def test_the_chapter_says_nothing_of_a_run_in_plain_figures() -> None:
    told = TEXT[TEXT.index("## What it buys") : TEXT.index("## What goes wrong")]
    prose = re.sub(r"^```.*?^```$", "", told, flags=re.MULTILINE | re.DOTALL)
    assert not re.findall(r"\d+(?:\.\d+)? ?(?:percent|%|points)", prose)
