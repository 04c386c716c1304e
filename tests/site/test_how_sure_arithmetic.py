"""How sure a gain is, in the page: errors against exact variances, bounds against all tables, the twin."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import norm

from lab.figures import how_sure as twin
from tests.site.figure_arithmetic import call, call_each

SETTINGS = [
    {"before": 0.8, "gain": 0.02, "images": 1000, "apart": 0.1, "seeds": 3, "spread": 0.01},
    {"before": 0.62, "gain": 0.047, "images": 316, "apart": 0.23, "seeds": 7, "spread": 0.024},
    {"before": 0.95, "gain": 0.03, "images": 10_000, "apart": 0.05, "seeds": 1, "spread": 0.003},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_errors_are_the_exact_deviations_of_one_image_over_the_root_of_their_number(settings: dict) -> None:
    a, b, apart, n = (settings[key] for key in ("before", "gain", "apart", "images"))
    b += a
    only_before, only_after = (apart - (b - a)) / 2, (apart + (b - a)) / 2
    changes = np.array([-1, 0, 1])
    shares = np.array([only_before, 1 - apart, only_after])
    same = np.sqrt((shares @ changes**2 - (shares @ changes) ** 2) / n)
    coins = [np.var(np.repeat([0, 1], [round(1e6 * (1 - p)), round(1e6 * p)])) for p in (a, b)]
    other = np.sqrt(sum(coins) / n)
    over = settings["spread"] / settings["seeds"] ** 0.5
    wanted = [other, same, over, (same**2 + over**2) ** 0.5]
    assert call("how-sure", "errors", settings) == pytest.approx(wanted, rel=1e-9)
    assert twin.errors(**settings) == pytest.approx(wanted, rel=1e-9)


def test_the_disagreement_is_kept_within_what_two_accuracies_allow() -> None:
    """Of ten images: every way in which the first has five and the second seven right."""
    before = np.array([1] * 5 + [0] * 5)
    tables = [after for after in product([0, 1], repeat=10) if sum(after) == 7]
    possible = {int((before != np.array(after)).sum()) for after in tables}
    given = [(wanted / 10, {"before": 0.5, "gain": 0.2}) for wanted in range(11)]
    found = call_each("how-sure", "disagreement", given)
    assert (min(found), max(found)) == pytest.approx((min(possible) / 10, max(possible) / 10))
    assert found[5] == pytest.approx(0.5)
    assert found == pytest.approx([twin.disagreement(wanted, **rest) for wanted, rest in given])


def test_the_better_one_looks_worse_as_often_as_a_normal_gain_is_below_zero() -> None:
    pairs = [(0.02, 0.0175), (0.02, 0.01), (0.005, 0.0039), (0.0, 0.01)]
    wanted = [norm.cdf(0, gain, error) for gain, error in pairs]
    assert call_each("how-sure", "looksWorse", pairs) == pytest.approx(wanted, abs=1e-12)
    assert call_each("how-sure", "looksWorse", [(0.02, 0), (0, 0)]) == [0, 0.5]


def test_a_bell_is_a_normal_density_and_its_part_below_ends_at_zero() -> None:
    gain, error, peak = 2.0, 1.5, 1 / 1.5
    found = call("how-sure", "bell", gain, error, peak, 280)
    whole = np.array([[float(v) for v in point.split(",")] for point in found["whole"]])
    x = np.linspace(-6, 10, 97)
    heights = 280 * norm.pdf(x, gain, error) / norm.pdf(gain, gain, error)
    np.testing.assert_allclose(320 - whole[:, 1], heights, atol=0.06)
    edges = [float(point.split(",")[0]) for point in found["below"][96:98]]
    assert edges[0] == edges[1], "the curve ends where the ground of its part below zero begins"
