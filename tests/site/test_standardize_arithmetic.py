"""Gradient descent on prepared data: the page against scikit-learn, NumPy, torch and the twin."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from lab.figures import standardize
from tests.site.figure_arithmetic import ROOT, call, call_each

RNG = np.random.default_rng(3)
CLOUDS = [
    standardize.cloud(RNG.normal(size=(17, 2)), mean, spread, correlation)
    for mean, spread, correlation in ((0, 1, 0), (2, 0.5, 0.6), (4, 3, -0.9), (0.3, 0.1, 0.95))
]


def hessians(how: str) -> list[np.ndarray]:
    return [np.array(H) for H in call_each("standardize", "hessian", [(prepared(x, how),) for x in CLOUDS])]


def prepared(x: np.ndarray, how: str) -> np.ndarray:
    return np.array(call("standardize", "prepare", x, how))


def test_the_cloud_has_the_mean_the_spread_and_the_correlation_of_the_sliders() -> None:
    x = np.array(call("standardize", "cloud", RNG.normal(size=(20_000, 2)), 2, 0.5, 0.6))
    np.testing.assert_allclose(x.mean(axis=0), 2, atol=0.05)
    np.testing.assert_allclose(x.std(axis=0), [1, 0.5], rtol=0.03)
    assert np.corrcoef(x.T)[0, 1] == pytest.approx(0.6, abs=0.03)


@pytest.mark.parametrize("x", CLOUDS)
def test_standardized_points_are_those_of_scikit_learn(x: np.ndarray) -> None:
    np.testing.assert_allclose(prepared(x, "standardized"), StandardScaler().fit_transform(x), atol=1e-12)


@pytest.mark.parametrize("x", CLOUDS)
def test_whitened_points_are_the_whitened_principal_components_turned_back(x: np.ndarray) -> None:
    pca = PCA(whiten=True)
    rows = pca.fit_transform(x) * math.sqrt(len(x) / (len(x) - 1))  # it divides by N - 1
    np.testing.assert_allclose(prepared(x, "whitened"), rows @ pca.components_, atol=1e-9)


def test_figure_twin_and_text_begin_with_the_same_data_and_count_the_same_steps() -> None:
    first = standardize.pairs(standardize.SEED)
    np.testing.assert_allclose(call("standardize", "pairs", standardize.SEED), first, atol=1e-12)
    raw = standardize.cloud(first, standardize.MEAN, standardize.SPREAD, standardize.CORRELATION)
    needed = []
    for how in standardize.PREPARATIONS:
        H = call("standardize", "hessian", prepared(raw, how))
        needed.append(call("standardize", "stepsToArrive", H, call("standardize", "bestRate", H)))
    assert "needs {}, {}, {} and {} steps".format(*needed) in (ROOT / "book/figures.md").read_text("utf-8")


@pytest.mark.parametrize("how", standardize.PREPARATIONS)
def test_the_twin_prepares_the_same_points(how: str) -> None:
    for x in CLOUDS:
        np.testing.assert_allclose(prepared(x, how), standardize.prepare(x, how), atol=1e-9)


@pytest.mark.parametrize("how", standardize.PREPARATIONS)
def test_eigenvalues_and_best_rate_are_those_of_numpy(how: str) -> None:
    for H in hessians(how):
        small, large = np.linalg.eigvalsh(H)
        found = call("standardize", "eigen", H)
        np.testing.assert_allclose(found["values"], [large, small], rtol=1e-9)
        np.testing.assert_allclose(H @ found["first"], large * np.array(found["first"]), atol=1e-9)
        assert call("standardize", "bestRate", H) == pytest.approx(2 / (large + small))


@pytest.mark.parametrize("how", standardize.PREPARATIONS)
def test_the_path_is_that_of_torch_on_the_mean_squared_error(how: str) -> None:
    x = torch.tensor(prepared(CLOUDS[1], how))
    target = x @ torch.tensor(standardize.TARGET)
    w = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.15)
    points = [w.detach().clone().numpy()]
    for _ in range(12):
        optimizer.zero_grad()
        (((x @ w - target) ** 2).mean() / 2).backward()
        optimizer.step()
        points.append(w.detach().clone().numpy())
    H = (x.T @ x / len(x)).numpy()
    np.testing.assert_allclose(call("standardize", "path", H, 0.15, 12), points, atol=1e-12)
    np.testing.assert_allclose(standardize.path(H, 0.15, 12), points, atol=1e-12)


@pytest.mark.parametrize("how", standardize.PREPARATIONS)
@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_the_steps_to_arrive_are_those_of_walking_there(how: str, share: float) -> None:
    for H in hessians(how):
        lr = share * 2 / np.linalg.eigvalsh(H)[1]
        assert call("standardize", "stepsToArrive", H, lr) == standardize.steps_to_arrive(H, lr)


def test_no_rate_arrives_sooner_than_the_best_where_both_directions_count() -> None:
    H = hessians("centred")[1]
    best = call("standardize", "bestRate", H)
    needed = call("standardize", "stepsToArrive", H, best)
    others = call_each("standardize", "stepsToArrive", [(H, best * share) for share in (0.3, 0.6, 0.8, 1.08)])
    assert all(other > needed for other in others)


def test_from_the_largest_stable_rate_on_it_does_not_arrive() -> None:
    H = hessians("raw")[1]
    limit = 2 / np.linalg.eigvalsh(H)[1]
    assert call("standardize", "stepsToArrive", H, 0.999 * limit) < math.inf
    assert call("standardize", "stepsToArrive", H, 1.001 * limit) == math.inf
    assert "does not arrive" in call("standardize", "describe", "raw", H, 1.001 * limit)
    assert np.hypot(*call("standardize", "path", H, 3 * limit, 500)[-1]) < 1e5  # it stops where it is lost


def test_whitened_data_need_one_step() -> None:
    for H in hessians("whitened"):
        np.testing.assert_allclose(H, np.eye(2), atol=1e-9)
        assert call("standardize", "stepsToArrive", H, 1) == 1
    assert "1 step." in call("standardize", "describe", "whitened", np.eye(2), 1)


def test_the_summary_names_condition_number_limit_and_steps() -> None:
    said = call("standardize", "describe", "raw", np.diag([4, 0.5]), 0.2)
    assert "condition number 8." in said
    assert "below the learning rate 0.5." in said
    assert f"needs {standardize.steps_to_arrive(np.diag([4, 0.5]), 0.2)} steps" in said
