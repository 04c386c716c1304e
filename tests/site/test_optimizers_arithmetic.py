"""Six optimizers in the page: steps against torch.optim, paths against theory and the static twin."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lab.figures import optimizers
from tests.site.figure_arithmetic import call, call_each, evaluate

TORCH: dict[str, tuple[type[torch.optim.Optimizer], list[tuple[dict, dict]]]] = {
    "sgd": (torch.optim.SGD, [({}, {}), ({"lr": 0.3}, {"lr": 0.3})]),
    "momentum": (
        torch.optim.SGD,
        [({}, {}), ({"lr": 0.3, "mu": 0.8}, {"lr": 0.3, "momentum": 0.8})],
    ),
    "nesterov": (
        torch.optim.SGD,
        [
            ({"mu": 0.8}, {"momentum": 0.8, "nesterov": True}),
            ({"lr": 0.3, "mu": 0.95}, {"lr": 0.3, "momentum": 0.95, "nesterov": True}),
        ],
    ),
    "adagrad": (torch.optim.Adagrad, [({}, {}), ({"lr": 0.3, "eps": 0.02}, {"lr": 0.3, "eps": 0.02})]),
    "rmsprop": (
        torch.optim.RMSprop,
        [
            ({}, {}),
            ({"lr": 0.3, "alpha": 0.8, "eps": 0.02}, {"lr": 0.3, "alpha": 0.8, "eps": 0.02}),
        ],
    ),
    "adam": (
        torch.optim.Adam,
        [
            ({}, {}),
            (
                {"lr": 0.3, "beta1": 0.8, "beta2": 0.95, "eps": 0.02},
                {"lr": 0.3, "betas": (0.8, 0.95), "eps": 0.02},
            ),
        ],
    ),
}
UPDATES = [(rule, *settings) for rule, (_, cases) in TORCH.items() for settings in cases]
GRADIENTS = np.array(  # signs change, a spike, then small ones, and zeros
    [[1, -2, 0], [-0.5, 3, 0.1], [40, -30, 2], [0.02, 0.01, -2], [-0.03, 0, 1], [0, 0, 0], [2, -1, 0.3]]
)


@pytest.mark.parametrize(("rule", "settings", "options"), UPDATES)
def test_an_update_rule_takes_the_steps_of_torch(rule: str, settings: dict, options: dict) -> None:
    start = np.array([1.5, -2.0, 0.25])
    w = torch.tensor(start, requires_grad=True)
    optimizer = TORCH[rule][0]([w], **options)
    mine, state = start, {}
    for dw in GRADIENTS:
        w.grad = torch.from_numpy(dw)
        optimizer.step()
        after = call("update-rules", rule, mine, dw, state, settings)
        mine, state = after["w"], after["state"]
        np.testing.assert_allclose(mine, w.detach().numpy(), rtol=1e-12, atol=1e-14)


def test_an_update_changes_nothing_in_place() -> None:
    script = """
      const w = Object.freeze([1, 2]), dw = Object.freeze([3, -4]);
      for (const rule of ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"]) {
        const { state } = module[rule](w, dw, Object.freeze({}));
        for (const part of Object.values(state)) Object.freeze(part);
        module[rule](w, dw, Object.freeze(state));
      }
    """
    evaluate("update-rules", script)


SETTINGS = [(20.0, 0.063, 0.9), (3.0, 0.4, 0.5), (100.0, 0.01, 0.98)]
RUNS = [(rule, surface) for rule in optimizers.LINES for surface in optimizers.SURFACES]


@pytest.mark.parametrize(("rule", "surface"), RUNS)
def test_a_path_is_that_of_the_twin_to_its_end(rule: str, surface: str) -> None:
    noise = np.random.default_rng(1).normal(0, 0.3, (30, 2))
    calls = [(rule, surface, k, noise, {"lr": lr, "mu": mu, "beta1": mu}) for k, lr, mu in SETTINGS]
    for (kappa, lr, mu), points in zip(SETTINGS, call_each("optimizers", "path", calls), strict=True):
        twin = optimizers.path(rule, surface, kappa, noise, lr, mu)
        # 30 steps of a valley multiply a rounding error by up to 1e6
        np.testing.assert_allclose(points, twin, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("surface", optimizers.SURFACES)
def test_the_gradient_is_the_derivative_of_the_loss(surface: str) -> None:
    h, points = 1e-6, np.random.default_rng(2).uniform(-2, 2, (8, 2))
    slopes = call_each("surfaces", "gradient", [(surface, 7.0, w) for w in points])
    for axis in (0, 1):
        step = h * np.eye(2)[axis]
        ahead = np.array(call_each("surfaces", "loss", [(surface, 7.0, w + step) for w in points]))
        behind = np.array(call_each("surfaces", "loss", [(surface, 7.0, w - step) for w in points]))
        np.testing.assert_allclose(
            (ahead - behind) / (2 * h), np.array(slopes)[:, axis], rtol=1e-6, atol=1e-6
        )


@pytest.mark.parametrize("surface", optimizers.SURFACES)
@pytest.mark.parametrize("above", [0.05, 1.0, 6.0])
def test_the_loss_is_the_same_all_along_a_contour(surface: str, above: float) -> None:
    curves = call("surfaces", "contour", surface, 7.0, above)
    ground = optimizers.SURFACES[surface]
    level = ground.loss(ground.minima[0], 7.0) + above
    assert len(curves) == (2 if surface == "saddle" and above < 0.5625 else 1)
    for curve in curves:
        np.testing.assert_allclose(ground.loss(np.array(curve).T, 7.0), level, rtol=1e-6, atol=1e-6)


def test_minima_are_where_the_distance_is_zero_and_the_gradient_too() -> None:
    for surface, ground in optimizers.SURFACES.items():
        for minimum in ground.minima:
            assert call("surfaces", "distance", surface, minimum) == pytest.approx(0, abs=1e-15)
            np.testing.assert_allclose(call("surfaces", "gradient", surface, 9.0, minimum), 0, atol=1e-12)
    assert call("surfaces", "distance", "saddle", [1.5, 2.0]) == pytest.approx(2)


@pytest.mark.parametrize(("mu", "rule"), [(0.0, "sgd"), (0.8, "momentum"), (0.8, "nesterov")])
def test_a_path_leaves_for_good_just_above_the_stable_rate(mu: float, rule: str) -> None:
    kappa = 20.0
    limit = {"sgd": 2, "momentum": 2 * (1 + mu), "nesterov": 2 * (1 + mu) / (1 + 2 * mu)}[rule] / kappa
    still = np.zeros((400, 2))
    calls = [(rule, "bowl", kappa, still, {"lr": limit * factor, "mu": mu}) for factor in (0.97, 1.05)]
    stays, leaves = call_each("optimizers", "path", calls)
    assert np.hypot(*stays[-1]) < 0.05
    assert np.hypot(*leaves[-1]) > 1000


def test_the_best_rate_of_gradient_descent_is_near_the_one_of_theory() -> None:
    """2 / (1 + kappa) contracts both directions alike (Nesterov 2004, 2.1.15); rates are 33 % apart."""
    for kappa in (5.0, 20.0):
        best = call("optimizers", "bestRate", "sgd", "bowl", kappa, np.zeros((100, 2)), {})
        assert 2 / (1 + kappa) / 1.34 < best < 2 / (1 + kappa) * 1.34


@pytest.mark.parametrize("surface", ["tilted", "valley"])  # in the valley better rates leave the picture
def test_the_best_rate_is_better_than_its_neighbours_that_stay_near(surface: str) -> None:
    still, settings = np.zeros((100, 2)), {"mu": 0.9, "beta1": 0.9}
    ground = optimizers.SURFACES[surface]
    for rule in optimizers.LINES:
        best = call("optimizers", "bestRate", rule, surface, 20.0, still, settings)
        paths = [optimizers.path(rule, surface, 20.0, still, best * f) for f in (1, 10**0.125, 10**-0.125)]
        inside = [p for p in paths if np.hypot(*p.T).max() <= 3]
        assert inside[0] is paths[0]
        means = [ground.loss(p.T, 20.0).mean() for p in inside]
        assert means[0] == min(means)


def test_a_tilt_hurts_those_that_scale_each_coordinate_and_no_other() -> None:
    """What the gallery asks the reader to try, with condition number 100 and 100 steps."""
    still, settings = np.zeros((100, 2)), {"mu": 0.9, "beta1": 0.9}
    for rule in optimizers.LINES:
        ends = []
        for surface in ("bowl", "tilted"):
            best = call("optimizers", "bestRate", rule, surface, 100.0, still, settings)
            ends.append(np.hypot(*optimizers.path(rule, surface, 100.0, still, best)[-1]))
        if rule in ("sgd", "momentum", "nesterov"):
            assert ends[1] == pytest.approx(ends[0], rel=1e-6)
        elif rule == "adam":
            assert 2.5 < ends[1] / ends[0] < 3.5
        else:
            assert ends[0] < 1e-3
            assert ends[1] > 0.2


def test_noise_drives_sgd_from_the_ridge_of_the_saddle_and_a_little_may_keep_it_there() -> None:
    """What the gallery asks the reader to try: condition number 20, rate 0.063, 40 steps."""

    def distances(rule: str, size: float, seeds: range) -> list[float]:
        calls = [
            (rule, "saddle", 10**1.3, size * noise(seed), {"lr": 10**-1.2, "mu": 0.9, "beta1": 0.9})
            for seed in seeds
        ]
        ends = [path[-1] for path in call_each("optimizers", "path", calls)]
        return call_each("surfaces", "distance", [("saddle", end) for end in ends])

    def noise(seed: int) -> np.ndarray:
        return np.array(call("optimizers", "noises", seed))[:40]

    still = distances("sgd", 0.0, range(1, 2))[0]
    assert still > 1.2
    assert all(distances(rule, 0.0, range(1, 2))[0] < 0.9 for rule in optimizers.LINES if rule != "sgd")
    assert max(distances("sgd", 1.0, range(1, 9))) < 0.7
    little = distances("sgd", 0.1, range(1, 5))
    assert min(little) < still < max(little)
