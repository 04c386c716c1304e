"""Search in NumPy: the solutions against scipy, scikit-learn, autograd and a paper's table."""

import itertools
from copy import deepcopy

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel

SOLVED = ("09-hyperparameters", "hyperparameters_numpy")


def test_the_examples_in_the_docstrings_are_right(answers):
    close = np.testing.assert_allclose
    close(answers["log_uniform"](np.array([0, 0.25, 0.5]), 0.0001, 1), [0.0001, 0.001, 0.01])
    space = {
        "lr": ("log", 0.01, 1.0),
        "momentum": ("one-minus", 0.9, 0.999),
        "width": ("choice", 16, 32, 64),
    }
    (config,) = answers["sample"]([[0.5, 0.5, 0.7]], space)
    assert list(config) == ["lr", "momentum", "width"] and config["width"] == 64
    close([config["lr"], config["momentum"]], [0.1, 0.99])
    assert [answers["trials_needed"](*given) for given in ((0.05, 0.95), (0.5, 0.75))] == [59, 2]
    assert answers["best_trial"]([np.nan, 0.3, 0.2]) == 2
    close(answers["expected_best"]([3, 1], np.array([1, 2])), [2, 2.5])
    _, rungs = answers["successive_halving"](lambda config, budget: config / budget, range(20), 2, 3)
    assert rungs == [(20, 2), (6, 6), (2, 18)]
    x, y, x_new = np.array([2.0]), np.array([3.0]), np.array([2.0, 90.0])
    mean, std = answers["gp_posterior"](x, y, x_new, 0.7, 2, 1)
    close(mean, [2.4, 0])
    close(std**2, [0.8, 4])
    mu = np.zeros(1)
    close(answers["expected_improvement"](mu, mu + 2, 0), [0.798], atol=5e-4)
    close(answers["expected_improvement"](mu, mu, 3), [3])
    validation = np.array([[1, 0, 1, 0], [1, 1, 1, 0]], dtype=bool)
    test = np.array([[1, 1], [0, 1]], dtype=bool)
    assert answers["winners_curse"](validation, test) == (1, 0.75, 0.5)


def test_rates_have_the_quantiles_of_a_log_uniform_distribution(answers):
    u = np.linspace(0, 1, 21)
    rates = answers["log_uniform"](u, 3e-5, 2.0)
    np.testing.assert_allclose(rates, stats.loguniform(3e-5, 2.0).ppf(u), rtol=1e-12)


def test_half_of_the_momenta_are_above_099(answers):
    """And hardly any, drawn uniformly: 0.090."""
    u = (np.arange(1000)[:, None] + 0.5) / 1000
    shares = [
        np.mean([config["m"] > 0.99 for config in answers["sample"](u, {"m": (kind, 0.9, 0.999)})])
        for kind in ("one-minus", "linear")
    ]
    np.testing.assert_allclose(shares, [0.5, 9 / 99], atol=2e-3)


@pytest.mark.parametrize("number", [2, 3, 7, 10, 49])
def test_every_choice_is_equally_likely(answers, number):
    """To the last bit of u below 1."""
    u = np.append((np.arange(100 * number) + 0.5) / (100 * number), 1 - 2**-53)[:, None]
    found = [config["k"] for config in answers["sample"](u, {"k": ("choice", *range(number))})]
    assert np.bincount(found[:-1]).tolist() == [100] * number
    assert found[-1] == number - 1


@pytest.mark.parametrize("share", [0.003, 0.05, 0.11, 0.4])
@pytest.mark.parametrize("confidence", [0.07, 0.5, 0.8, 0.95, 0.999])
def test_the_number_of_trials_is_the_quantile_of_a_geometric_distribution(answers, share, confidence):
    assert answers["trials_needed"](share, confidence) == stats.geom(share).ppf(confidence)


def test_the_chance_to_hit_is_that_of_a_binomial_count(answers):
    for n in (1, 20, 60):
        np.testing.assert_allclose(answers["chance_to_hit"](0.05, n), stats.binom(n, 0.05).sf(0))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6])
def test_the_expected_best_is_the_mean_over_all_draws(answers, n):
    scores = np.array([0.3, 0.9, -0.4, 0.9, 0.1])
    all_draws = [max(draw) for draw in itertools.product(scores, repeat=n)]
    np.testing.assert_allclose(answers["expected_best"](scores, n), np.mean(all_draws), rtol=1e-12)


def test_halving_has_the_rungs_of_a_published_table(answers):
    """Li et al. 2018, Table 1, its first column (s = 4): R = 81 and eta = 3."""
    best, rungs = answers["successive_halving"](lambda config, budget: (config - 40) ** 2, range(81), 1, 3)
    assert best == 40 and rungs == [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)]


def test_of_equal_losses_the_first_of_the_list_wins_in_later_rungs_too(answers):
    losses = {1: [0.4, 0.3, 0.9, 0.8, 0.7, 0.6], 3: [0.2, 0.2]}
    best, rungs = answers["successive_halving"](lambda i, budget: losses[budget][i], range(6), 1, 3)
    assert (best, rungs) == (0, [(6, 1), (2, 3)])


@pytest.mark.parametrize(("n", "eta", "last"), [(243, 3, 5), (1000, 10, 3), (242, 3, 4), (64, 4, 3)])
def test_a_power_of_eta_is_halved_to_one(answers, n, eta, last):
    _, rungs = answers["successive_halving"](lambda i, budget: i, range(n), 1, eta)
    assert rungs == [(n // eta**k, eta**k) for k in range(last + 1)]


def test_halving_trains_nothing_that_it_dropped_and_nothing_twice(answers):
    calls = []

    def evaluate(config, budget):
        calls.append((config, budget))
        return np.nan if config == 3 else config % 7 + 1 / budget

    _, rungs = answers["successive_halving"](evaluate, list(range(30)), 2, 2)
    assert len(set(calls)) == len(calls) == sum(n for n, _ in rungs)
    best_15 = {config for config in range(30) if config % 7 < 3} | {10}  # 3 diverges
    assert {config for config, budget in calls if budget == 4} == best_15


def process_of_scikit_learn(x, y, length, scale, noise):
    kernel = ConstantKernel(scale**2) * RBF(length)
    return GaussianProcessRegressor(kernel, alpha=noise**2, optimizer=None).fit(x[:, None], y)


@pytest.mark.parametrize("noise", [1e-3, 0.3, 2.0])
def test_the_process_is_that_of_scikit_learn(answers, noise):
    rng = np.random.default_rng(3)
    x, y, x_new = rng.uniform(-3, 3, 9), rng.normal(2, 1, 9), np.linspace(-5, 5, 31)
    expected = process_of_scikit_learn(x, y, 0.8, 1.7, noise).predict(x_new[:, None], return_std=True)
    for mine, right in zip(answers["gp_posterior"](x, y, x_new, 0.8, 1.7, noise), expected, strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-6, atol=1e-8)


def test_without_noise_the_process_goes_through_the_trials(answers):
    x = np.linspace(0, 6, 13)
    mean, std = answers["gp_posterior"](x, np.sin(x), x, 0.7, 2.0, 0.0)
    np.testing.assert_allclose(mean, np.sin(x), atol=1e-9)
    assert np.all(std < 1e-5)


def test_the_given_density_and_distribution_function_are_those_of_the_standard_normal(answers):
    z = np.linspace(-6, 6, 25).reshape(5, 5)
    np.testing.assert_allclose(answers["normal_density"](z), stats.norm.pdf(z), rtol=1e-12)
    np.testing.assert_allclose(answers["normal_cdf"](z), stats.norm.cdf(z), rtol=1e-6)


@pytest.mark.parametrize("xi", [0.0, 0.3])
@pytest.mark.parametrize(("mu", "sd", "best"), [(0.4, 0.7, 1.1), (1.1, 2.3, 0.4), (-2.0, 0.2, -1.9)])
def test_the_expected_improvement_is_the_integral_that_defines_it(answers, mu, sd, best, xi):
    top = best - xi  # where the improvement begins

    def gain(f):
        return (top - f) * stats.norm(mu, sd).pdf(f)

    expected, _ = integrate.quad(gain, min(top, mu) - 12 * sd, top, epsabs=1e-13)
    found = answers["expected_improvement"](np.array([mu]), np.array([sd]), best, xi)
    np.testing.assert_allclose(found, [expected], rtol=1e-8)


def test_without_doubt_the_improvement_is_the_gain(answers, recwarn):
    mu, sd = np.array([0.2, 0.5, 0.9]), np.zeros(3)
    np.testing.assert_array_equal(answers["expected_improvement"](mu, sd, 0.5), [0.3, 0, 0])
    np.testing.assert_allclose(answers["expected_improvement"](mu, sd + 1e-9, 0.5), [0.3, 0, 0], atol=1e-8)
    assert not recwarn.list


def largest_of(m):
    """The mean of the largest of m standard normals, by its density."""
    density = stats.norm.pdf
    return integrate.quad(lambda z: z * m * density(z) * stats.norm.cdf(z) ** (m - 1), -9, 9)[0]


def test_the_winner_of_50_equal_models_looks_as_good_as_the_equation_says(answers):
    """The catalogue's H6: 0.921 for 50 models that are right with 0.90, on 1000 images."""
    rng = np.random.default_rng(0)
    assert round(largest_of(50), 3) == 2.249
    found = [
        answers["winners_curse"](rng.uniform(size=(50, 1000)) < 0.9, rng.uniform(size=(50, 400)) < 0.9)[1:]
        for _ in range(100)
    ]
    validation, test = np.mean(found, axis=0)
    assert abs(validation - (0.9 + largest_of(50) * np.sqrt(0.09 / 1000))) < 2e-3
    assert abs(test - 0.9) < 6e-3


def test_the_gradient_of_the_given_network_is_that_of_autograd(answers):
    rng = np.random.default_rng(4)
    weights = [rng.normal(size=shape) for shape in ((6, 5), (5,), (5, 10), (10,))]
    x, y = rng.normal(size=(8, 6)), rng.integers(10, size=8)
    leaves = [torch.tensor(w, requires_grad=True) for w in weights]
    scores = torch.relu(torch.tensor(x) @ leaves[0] + leaves[1]) @ leaves[2] + leaves[3]
    loss = torch.nn.functional.cross_entropy(scores, torch.tensor(y))
    np.testing.assert_allclose(answers["loss_of"](weights, x, y), loss.item(), rtol=1e-12)
    for mine, right in zip(
        answers["gradients"](weights, x, y), torch.autograd.grad(loss, leaves), strict=True
    ):
        np.testing.assert_allclose(mine, right, rtol=1e-9, atol=1e-12)


def test_a_training_repeats_itself_and_begins_at_the_loss_of_knowing_nothing(answers):
    rng = np.random.default_rng(5)
    x, y = rng.uniform(size=(100, 16)), np.arange(100) % 10
    runs = [answers["train"]({"lr": 0.1, "init": 0.01}, x, y, x, y, epochs=2, seed=s)[1] for s in (0, 0, 1)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2]) and runs[0].shape == (3, 2)
    np.testing.assert_allclose(runs[0][0], np.log(10), atol=1e-3)


def test_the_bayesian_search_finds_the_minimum_of_a_smooth_function(answers):
    places = np.linspace(-3, 3, 121)

    def loss(place):
        return float(np.sin(2 * place) + 0.3 * place**2)

    tried, values = answers["bayesian_search"](loss, places, [-2.5, 0.1, 2.0], 12)
    lowest = min(loss(place) for place in places)
    assert len(tried) == len(values) == 12 and values.min() < lowest + 0.01
    _, stuck = answers["bayesian_search"](lambda place: 2.3, places, [-2.0, 1.0], 5)
    assert np.array_equal(stuck, np.full(5, 2.3))


def test_a_grid_has_all_combinations_and_few_distinct_values(answers):
    trials = answers["grid"]({"a": [1, 2, 3], "b": [4, 5]})
    assert trials[:3] == [{"a": 1, "b": 4}, {"a": 1, "b": 5}, {"a": 2, "b": 4}] and len(trials) == 6
    assert [answers["distinct"](trials, name) for name in "ab"] == [3, 2]


def test_no_function_changes_what_it_was_given(answers):
    u, scores, losses = (
        np.array([[0.4, 0.1], [0.9, 0.6]]),
        np.array([3.0, 1.0, 2.0]),
        np.array([np.nan, 2, 1]),
    )
    mu, sd, right = np.array([0.3, 0.1]), np.array([0.0, 2.0]), np.eye(3, dtype=bool)
    space = {"lr": ("log", 0.1, 3.0), "width": ("choice", 8, 9)}
    calls = {
        "log_uniform": (u, 0.1, 3.0),
        "sample": (u, space),
        "best_trial": (losses,),
        "expected_best": (scores, np.array([2, 1])),
        "gp_posterior": (scores, losses, mu, 0.7, 2.0, 0.3),
        "expected_improvement": (mu, sd, 0.2, 0.1),
        "winners_curse": (right, ~right),
    }
    for name, arguments in calls.items():
        before = deepcopy(arguments)
        answers[name](*arguments)
        np.testing.assert_equal(arguments, before, err_msg=name)
