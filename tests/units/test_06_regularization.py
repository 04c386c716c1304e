"""Weight penalties and noise in NumPy: the solutions against torch, SciPy, scikit-learn and difference
quotients, and no false alarms."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from torch.nn.functional import cross_entropy

SOLVED = ("06-regularization", "regularization_numpy")


def quotients(f, at, h=1e-6):
    """The gradient of f, one entry after the other."""
    gradient = np.zeros(at.shape)
    for place in np.ndindex(at.shape):
        step = np.zeros(at.shape)
        step[place] = h
        gradient[place] = (f(at + step) - f(at - step)) / (2 * h)
    return gradient


def test_the_examples_in_the_docstrings_are_right(answers):
    loss, dW, db = answers["add_l2"](
        1.0, np.array([[10.0, 20]]), np.array([5.0]), np.array([[2.0, -4]]), np.array([3.0]), 0.1
    )
    assert loss == pytest.approx(2)
    np.testing.assert_allclose(dW, [[10.2, 19.6]])
    assert db.tolist() == [5]
    penalty, gradient = answers["elastic_net"](np.array([2.0, -4, 0]), 0.1, 0.75)
    assert penalty == pytest.approx(0.7)
    np.testing.assert_allclose(gradient, [0.125, -0.175, 0])
    np.testing.assert_allclose(answers["soft_threshold"](np.array([2, 0.3, -0.8]), 0.5), [1.5, 0, -0.3])
    loss, dscores = answers["smoothed_cross_entropy"](np.zeros((1, 2)), np.array([0]), 0.2)
    assert loss == pytest.approx(0.693, abs=5e-4)
    np.testing.assert_allclose(dscores, [[-0.4, 0.4]])


def test_l2_adds_what_weight_decay_of_torch_adds(answers):
    """A step of SGD along the gradient with the penalty is torch's step with weight decay."""
    rng = np.random.default_rng(0)
    W, dW, b, db, lam = rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), np.ones(3), np.zeros(3), 0.3
    weight = torch.tensor(W, requires_grad=True)
    weight.grad = torch.tensor(dW)
    torch.optim.SGD([weight], lr=1.0, weight_decay=lam).step()
    loss, gradient, _ = answers["add_l2"](0.0, dW, db, W, b, lam)
    np.testing.assert_allclose(W - gradient, weight.detach(), rtol=1e-12)
    assert loss == pytest.approx(lam / 2 * float(torch.tensor(W).square().sum()))


def test_the_gradient_of_l2_equals_difference_quotients(answers):
    rng = np.random.default_rng(1)
    W, b, zeros = rng.normal(size=(4, 3)), rng.normal(size=3), np.zeros((4, 3))
    numerical = quotients(lambda V: answers["add_l2"](0.0, zeros, b, V, b, 0.7)[0], W)
    np.testing.assert_allclose(answers["add_l2"](0.0, zeros, b, W, b, 0.7)[1], numerical, atol=1e-8)


@pytest.mark.parametrize("a", [0.0, 0.3, 1.0])
def test_the_elastic_net_equals_autograd(answers, a):
    W = torch.randn(5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    W[1, 2] = 0
    W.requires_grad_()
    penalty = 0.3 * (a * W.abs().sum() + (1 - a) / 2 * W.square().sum())
    penalty.backward()
    mine, gradient = answers["elastic_net"](W.detach().numpy(), 0.3, a)
    assert mine == pytest.approx(penalty.item(), rel=1e-12)
    np.testing.assert_allclose(gradient, W.grad, rtol=1e-12)


@pytest.mark.parametrize("t", [0.0, 0.4, 1.7])
def test_the_soft_threshold_equals_softshrink_of_torch(answers, t):
    v = np.random.default_rng(3).normal(0, 2, (6, 5))
    expected = torch.nn.functional.softshrink(torch.tensor(v), t)
    np.testing.assert_allclose(answers["soft_threshold"](v, t), expected, rtol=1e-14)


def test_the_soft_threshold_is_the_minimum_that_it_stands_for(answers):
    for v in (2.0, 0.3, -0.3, -1.2):
        found = minimize_scalar(lambda w, v=v: (w - v) ** 2 / 2 + 0.5 * abs(w), bounds=(-3, 3)).x
        assert answers["soft_threshold"](np.array([v]), 0.5)[0] == pytest.approx(found, abs=1e-4)


@pytest.mark.parametrize("eps", [0.0, 0.1, 0.6])
def test_smoothed_cross_entropy_equals_torch(answers, eps):
    rng = np.random.default_rng(4)
    scores, y = rng.normal(0, 3, (9, 5)), rng.integers(0, 5, 9)
    scores[0, 1] = 800
    theirs = torch.tensor(scores, requires_grad=True)
    expected = cross_entropy(theirs, torch.tensor(y), label_smoothing=eps)
    expected.backward()
    loss, dscores = answers["smoothed_cross_entropy"](scores, y, eps)
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    np.testing.assert_allclose(dscores, theirs.grad, atol=1e-14)
