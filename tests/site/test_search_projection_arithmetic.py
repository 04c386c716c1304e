"""Grid and random trials in the page: scores, places, and the odds against integrals and the static twin."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from lab.figures import search_projection as twin
from tests.site.figure_arithmetic import call, call_each

WIDTH = 0.13


def bump_exceeds(peak: float, level: float) -> float:
    """How likely a uniform place lies where the bump around `peak` is above `level`."""
    reach = WIDTH * np.sqrt(-2 * np.log(level))
    return min(1, peak + reach) - max(0, peak - reach)


def mean_of_the_best(peak: float, n: int) -> float:
    """The expected greatest bump of n uniform places, the integral of its survival function."""
    return quad(lambda level: 1 - (1 - bump_exceeds(peak, level)) ** n, 1e-12, 1)[0]


def test_a_place_scores_the_bumps_of_its_values_weighed_by_importance() -> None:
    rng = np.random.default_rng(0)
    places, peaks = rng.random((2, 20, 2))
    bumps = norm.pdf((places - peaks) / WIDTH) / norm.pdf(0)
    wanted = bumps @ [1, 0.4] / 1.4
    settings = {"ratio": 0.4, "width": WIDTH}
    asked = [(*pair, settings) for pair in zip(places, peaks, strict=True)]
    np.testing.assert_allclose(call_each("search-projection", "score", asked), wanted, rtol=1e-12)
    np.testing.assert_allclose(twin.score(places, peaks, **settings), wanted, rtol=1e-12)
    assert call("search-projection", "score", [0.2, 0.7], [0.2, 0.7], settings) == pytest.approx(1)


def test_a_grid_has_the_middles_of_its_cells_the_first_axis_slowest() -> None:
    sixth = [1 / 6, 3 / 6, 5 / 6]
    wanted = [(a, b) for a in sixth for b in sixth]
    np.testing.assert_allclose(call("search-projection", "grid", 3), wanted)
    np.testing.assert_allclose(twin.grid(3), wanted)


def test_the_best_place_is_the_one_with_the_greatest_score_the_first_of_equals() -> None:
    places = [[0.1, 0.9], [0.5, 0.2], [0.5, 0.8], [0.3, 0.3]]
    assert call("search-projection", "best", places, [0.55, 0.8], {"ratio": 0, "width": 0.1}) == 1
    assert call("search-projection", "best", places, [0.55, 0.8], {"ratio": 0.5, "width": 0.1}) == 2


@pytest.mark.parametrize("k", [2, 4])
def test_the_odds_are_those_of_the_integrals_where_one_axis_matters(k: int) -> None:
    middles = (np.arange(k) + 0.5) / k
    of_grid = quad(lambda p: np.exp(-((p - middles) ** 2).min() / (2 * WIDTH**2)), 0, 1, limit=200)[0]
    at_random = quad(lambda p: mean_of_the_best(p, k * k), 0, 1)[0]
    figure = call("search-projection", "odds", {"k": k, "ratio": 0, "width": WIDTH}, 20_000)
    assert figure["grid"] == pytest.approx(of_grid, abs=0.01)
    assert figure["random"] == pytest.approx(at_random, abs=0.01)


@pytest.mark.parametrize("ratio", [0.0, 0.35, 1.0])
def test_the_odds_of_the_figure_are_those_of_the_twin(ratio: float) -> None:
    settings = {"ratio": ratio, "width": 0.1}
    figure = call("search-projection", "odds", {"k": 3, **settings}, 20_000)
    found = twin.odds(3, draws=20_000, **settings)
    assert [figure[key] for key in ("grid", "random", "wins")] == pytest.approx(found, abs=0.015)
