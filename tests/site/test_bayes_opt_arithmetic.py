"""The Gaussian process of the page against scikit-learn and scipy, and the static twin against the page."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF

from lab.figures import bayes_opt as twin
from tests.site.figure_arithmetic import call, call_each, evaluate

X = np.array([-3.4, -1.2, -2.75, -0.3, -1.9])
LOSSES = np.array([1.9, 0.42, 1.5, 2.2, 0.7])
PLACES = np.linspace(-4, 0, 23)


def test_the_triangle_is_that_of_numpy() -> None:
    half = np.random.default_rng(0).normal(size=(5, 7))
    matrix = half @ half.T
    np.testing.assert_allclose(call("bayes-opt", "cholesky", matrix), np.linalg.cholesky(matrix), rtol=1e-10)


@pytest.mark.parametrize(("length", "noise"), [(0.1, 0.01), (0.6, 0.03), (2.0, 0.5)])
def test_the_posterior_is_that_of_scikit_learn(length: float, noise: float) -> None:
    process = GaussianProcessRegressor(RBF(length), alpha=noise**2, optimizer=None)
    mean, sd = process.fit(X[:, None], LOSSES).predict(PLACES[:, None], return_std=True)
    figure = call("bayes-opt", "posterior", X, LOSSES, PLACES, {"length": length, "noise": noise})
    np.testing.assert_allclose(figure["mean"], mean, atol=1e-7)
    np.testing.assert_allclose(figure["sd"], sd, atol=1e-7)
    np.testing.assert_allclose(twin.posterior(X, LOSSES, PLACES, length, noise), (mean, sd), atol=1e-7)


def test_the_distribution_function_is_that_of_scipy() -> None:
    z = np.r_[np.linspace(-9, 9, 181), 0.0]
    np.testing.assert_allclose(call_each("base", "cdf", [(v,) for v in z]), norm.cdf(z), atol=1e-14)


@pytest.mark.parametrize(("mu", "sd"), [(1.0, 0.3), (0.4, 0.2), (0.7, 1.3), (2.0, 0.1)])
def test_the_expected_improvement_is_its_integral(mu: float, sd: float) -> None:
    best = 0.7
    low = min(mu - 12 * sd, best)
    wanted = quad(lambda f: (best - f) * norm.pdf(f, mu, sd), low, best)[0]
    assert call("bayes-opt", "expectedImprovement", mu, sd, best) == pytest.approx(wanted, abs=1e-9)


def test_without_doubt_the_improvement_is_what_is_gained_or_nothing() -> None:
    assert call_each("bayes-opt", "expectedImprovement", [(0.5, 0, 0.7), (0.9, 0, 0.7)]) == pytest.approx(
        [0.2, 0]
    )


def test_the_prediction_is_in_units_of_the_loss_and_the_twin_says_the_same() -> None:
    settings = {"length": 0.6, "noise": 0.05}
    figure = call("bayes-opt", "predict", X, LOSSES, PLACES, settings)
    found = twin.predict(X, LOSSES, PLACES, **settings)
    for name, values in zip(("mean", "sd", "ei"), found, strict=True):
        np.testing.assert_allclose(figure[name], values, atol=1e-9)
    at_the_trials = call("bayes-opt", "predict", X, LOSSES, X, {"length": 0.3, "noise": 0.001})
    np.testing.assert_allclose(at_the_trials["mean"], LOSSES, atol=1e-3)


def test_the_hidden_loss_is_that_of_the_twin_and_has_a_valley() -> None:
    figure = call_each("bayes-opt", "trueLoss", [(e,) for e in PLACES])
    np.testing.assert_allclose(figure, twin.true_loss(PLACES), rtol=1e-12)
    assert figure[0] > 2 < figure[-1] and min(figure) < 0.5


def test_its_first_choices_are_those_of_the_chapters_tasks() -> None:
    evaluate(
        "bayes-opt",
        """
        const tried = [...module.FIRST], settings = { length: 0.6, noise: 0.03 };
        for (let i = 0; i < 4; i++) {
          const { ei } = module.predict(tried, module.measured(tried, 0.03), module.PLACES, settings);
          tried.push(module.PLACES[ei.indexOf(Math.max(...ei))]);
        }
        const losses = module.measured(tried, 0.03);
        const least = Math.min(...losses.slice(0, 5)).toFixed(2);
        const said = [(10 ** tried[3]).toFixed(3), least, tried[6]].join(" ");
        if (said !== "0.022 0.46 -4") throw new Error(said);
        """,
    )
