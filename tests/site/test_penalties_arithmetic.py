"""L1 and L2 in two weights: the page's exact minima against scikit-learn, brute force and the static twin."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import ElasticNet, Lasso, Ridge

from lab.figures import penalties
from tests.site.figure_arithmetic import call, call_each

RNG = np.random.default_rng(11)
PROBLEMS = [
    (penalties.hessian(kappa, degrees), target, strength)
    for kappa, degrees, target, strength in zip(
        RNG.uniform(1, 20, 24),
        RNG.uniform(-90, 90, 24),
        RNG.uniform(-3, 3, (24, 2)),
        RNG.uniform(0.02, 2, 24),
        strict=True,
    )
]


def minima(l1: float) -> np.ndarray:
    return np.array(call_each("penalties", "penalizedMinimum", [(*problem, l1) for problem in PROBLEMS]))


def as_regression(A: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """X and y of two examples, with X'X / 2 = A and the least-squares solution at the target."""
    X = np.sqrt(2) * np.linalg.cholesky(A).T
    return X, X @ target


@pytest.mark.parametrize("l1", [0.0, 0.5, 1.0])
def test_the_minimum_is_that_of_scikit_learn(l1: float) -> None:
    exact = {"fit_intercept": False, "tol": 1e-14}
    for w, (A, target, strength) in zip(minima(l1), PROBLEMS, strict=True):
        model = {
            0.0: Ridge(
                alpha=2 * strength, **exact
            ),  # it divides the squared error by 1, the others by 2 N = 4
            0.5: ElasticNet(alpha=strength, l1_ratio=0.5, max_iter=100_000, **exact),
            1.0: Lasso(alpha=strength, max_iter=100_000, **exact),
        }[l1]
        model.fit(*as_regression(A, target))
        np.testing.assert_allclose(w, model.coef_, atol=1e-7)
        np.testing.assert_array_equal(w == 0, model.coef_ == 0)


@pytest.mark.parametrize("l1", [0.0, 0.3, 1.0])
def test_no_other_weights_are_better(l1: float) -> None:
    def objective(w: np.ndarray, A: np.ndarray, target: np.ndarray, strength: float) -> float:
        penalty = l1 * np.abs(w).sum() + (1 - l1) / 2 * (w**2).sum()
        return (w - target) @ A @ (w - target) / 2 + strength * penalty

    for w, problem in zip(minima(l1)[::3], PROBLEMS[::3], strict=True):
        found = minimize(
            objective, problem[1], problem, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13}
        )
        assert objective(w, *problem) <= found.fun + 1e-12
        np.testing.assert_allclose(w, found.x, atol=1e-4)


def test_l1_gives_exact_zeros_and_l2_none() -> None:
    zeros = (minima(1) == 0).any(axis=1)
    assert 0 < zeros.sum() < len(PROBLEMS)
    assert not (minima(0) == 0).any()


def test_l2_shrinks_each_direction_by_its_curvature_and_a_weight_may_cross_zero() -> None:
    """What the gallery says: a / (a + strength) along each direction, but a weight may cross zero."""
    A, target, strengths = penalties.hessian(4, 30), np.array([0.1, 2.0]), [0.0, 0.1, 0.5, 3.0]
    curvatures, directions = np.linalg.eigh(A)
    walk = np.array(call("penalties", "path", A, target, strengths, 0))
    for w, strength in zip(walk, strengths, strict=True):
        kept = curvatures / (curvatures + strength)
        np.testing.assert_allclose(directions.T @ w, kept * (directions.T @ target), atol=1e-12)
    np.testing.assert_allclose(walk[:, 0], [0.10, -0.09, -0.25, -0.14], atol=0.005)


@pytest.mark.parametrize("l1", [0.5, 1.0])
def test_all_weights_are_zero_from_the_strength_that_the_summary_names(l1: float) -> None:
    for A, target, _ in PROBLEMS[:6]:
        limit = call("penalties", "allZeroFrom", A, target, l1)
        before, after = call("penalties", "path", A, target, [limit * 0.999, limit * 1.001], l1)
        assert any(before)
        assert after == [0, 0]


@pytest.mark.parametrize("l1", [0.0, 0.5, 1.0])
def test_the_shape_joins_weights_of_the_same_penalty(l1: float) -> None:
    w = np.array([0.7, -1.1])
    shape = np.array(call("penalties", "samePenalty", w, l1))
    penalty = l1 * np.abs(shape).sum(axis=1) + (1 - l1) / 2 * (shape**2).sum(axis=1)
    np.testing.assert_allclose(penalty, l1 * np.abs(w).sum() + (1 - l1) / 2 * (w**2).sum(), rtol=1e-12)
    assert len(np.unique(shape.round(9), axis=0)) == len(shape)
    assert call("penalties", "samePenalty", [0, 0], l1)[7] == [0, 0]


def test_the_static_twin_computes_the_same() -> None:
    for l1 in (0.0, 0.5, 1.0):
        twin = [penalties.penalized_minimum(*problem, l1) for problem in PROBLEMS]
        np.testing.assert_allclose(minima(l1), twin, atol=1e-12)


def test_the_valley_has_the_condition_number_and_the_direction_of_the_sliders() -> None:
    for kappa, degrees in [(1, 0), (4, 30), (20, -75)]:
        A, angle = np.array(call("penalties", "hessian", kappa, degrees)), np.deg2rad(degrees)
        valley = np.array([np.cos(angle), np.sin(angle)])
        np.testing.assert_allclose(np.linalg.eigvalsh(A), [1 / kappa, 1], rtol=1e-12)
        np.testing.assert_allclose(A @ valley, valley / kappa, atol=1e-12)
        np.testing.assert_allclose(
            call("penalties", "hessian", kappa, degrees), penalties.hessian(kappa, degrees), atol=1e-15
        )


def test_the_summary_says_which_weights_are_zero() -> None:
    assert "w₁ is exactly zero. From λ = 1.25" in call("penalties", "describe", "L1", 0.4, [0, 1.1], 1.25)
    assert "w = (−0.50, 0.25). No weight is exactly zero. L2 makes" in call(
        "penalties", "describe", "L2", 0.4, [-0.5, 0.25], np.inf
    )
    assert "Both weights are exactly zero." in call("penalties", "describe", "both", 3, [0, 0], 2.5)
