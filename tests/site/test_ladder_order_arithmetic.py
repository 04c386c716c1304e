"""Four tricks in any order, in the page: numbers of the result file, gains and values of the lab."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from lab.experiments import capstone
from lab.figures import ladder_order as twin
from tests.site.figure_arithmetic import ROOT, call, evaluate

RESULTS = capstone.load_results(ROOT / "book/results/12-capstone/ablation.json")
ALL = [list(order) for order in permutations(range(4))]


def test_the_measured_accuracies_are_those_of_the_committed_runs() -> None:
    accuracies = capstone.measured(RESULTS)
    wanted = [
        accuracies[frozenset(name for i, name in enumerate(capstone.FOUR) if bits >> i & 1)]
        for bits in range(16)
    ]
    found = [call("ladder-order", "accuracies", str(seed)) for seed in RESULTS["about"]["seeds"]]
    np.testing.assert_allclose(np.transpose(found), 100 * np.array(wanted), atol=1e-9)
    mean = call("ladder-order", "accuracies", "mean")
    np.testing.assert_allclose(mean, 100 * np.mean(wanted, axis=1), atol=1e-9)
    evaluate("ladder-order", f"if (module.TRICKS.join() !== '{','.join(capstone.FOUR)}') throw 1;")


def test_the_orders_are_all_orders_each_once() -> None:
    assert call("ladder-order", "orders", [0, 1, 2, 3]) == ALL


def test_steps_are_differences_on_the_way_up_and_add_up() -> None:
    """Two tricks by hand: 74 without, 80 and 79 with one of them, 82 with both."""
    v = [74, 80, 79, 82]
    assert call("ladder-order", "climb", v, [1, 0]) == [74, 79, 82]
    assert call("ladder-order", "gains", v, [0, 1]) == [6, 2]
    assert call("ladder-order", "gains", v, [1, 0]) == [3, 5]
    found = call("ladder-order", "over", v, [[0, 1], [1, 0]])
    assert [row["mean"] for row in found] == [4.5, 3.5]
    assert (found[0]["least"], found[0]["greatest"]) == (3, 6)


def test_means_over_all_orders_are_the_shapley_values_of_the_lab_and_of_the_twin() -> None:
    v = call("ladder-order", "accuracies", "mean")
    found = [row["mean"] for row in call("ladder-order", "over", v, ALL)]
    of_the_lab = {name: 100 * value.mean() for name, value in capstone.shapley_of(RESULTS).items()}
    assert found == pytest.approx([of_the_lab[name] for name in capstone.FOUR])
    assert twin.values() == pytest.approx(of_the_lab)
    assert sum(found) == pytest.approx(v[-1] - v[0])


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 0, 2, 1)], ids=str)
def test_the_gains_of_an_order_are_those_of_the_twin(order: tuple[int, ...]) -> None:
    v = call("ladder-order", "accuracies", "mean")
    names = [capstone.FOUR[trick] for trick in order]
    found = dict(zip(capstone.FOUR, call("ladder-order", "gains", v, list(order)), strict=True))
    assert twin.gains(names) == pytest.approx(found)
