"""The numbers of the report, against scipy, NumPy and counting by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from autograder.classroom.statistics import analyse, discrimination, histogram, margin, took_part


def probe(status: str, name: str = "p") -> dict[str, Any]:
    return {"name": name, "status": status, "passed": status == "passed", "message": "", "mistake": None}


def check(name: str, *statuses: str, points: float = 2.0) -> dict[str, Any]:
    probes = [probe(s, f"probe {i}") for i, s in enumerate(statuses)]
    earned = points * sum(p["passed"] for p in probes) / len(probes) if probes else 0.0
    return {
        "notebook": "n",
        "name": name,
        "points": earned,
        "max_points": points,
        "probes": probes,
        "says": {},
    }


def record(*checks: dict[str, Any], status: str = "graded") -> dict[str, Any]:
    return {"student": "s", "status": status, "checks": list(checks)}


def random_class(students: int, seed: int = 0) -> list[dict[str, Any]]:
    """Able students pass more: three checks of two probes each."""
    rng = np.random.default_rng(seed)
    ability = rng.normal(size=students)
    statuses = np.where(rng.normal(size=(3, 2, students)) < ability, "passed", "wrong")
    return [
        record(*(check(f"check {i}", *statuses[i, :, s], points=i + 1.0) for i in range(3)))
        for s in range(students)
    ]


def test_discrimination_is_the_point_biserial_correlation_with_the_other_checks() -> None:
    records = random_class(40)
    for i, item in enumerate(analyse(records)):
        right = [all(p["passed"] for p in r["checks"][i]["probes"]) for r in records]
        rest = [sum(c["points"] for j, c in enumerate(r["checks"]) if j != i) for r in records]
        expected = stats.pointbiserialr(right, rest).statistic
        assert item.discrimination == pytest.approx(expected, abs=1e-12)
        assert 0.2 < expected < 1.0  # an able student passes more: else the test would test nothing


def test_the_check_itself_is_left_out() -> None:
    rights = [True, False, True, False]
    records = [
        record(check("a", "passed" if r else "wrong", points=100), check("b", "passed")) for r in rights
    ]
    assert analyse(records)[0].why == "all have the same points elsewhere"


@pytest.mark.parametrize(
    ("right", "rest", "why"),
    [
        ([True, True, True], [1, 2, 3], "all passed"),
        ([False, False, False], [1, 2, 3], "nobody passed"),
        ([True, False, True], [2, 2, 2], "all have the same points elsewhere"),
        ([True, False], [1, 2], "too few students"),
        ([], [], "too few students"),
    ],
)
def test_where_there_is_no_correlation_the_reason_is_said(
    right: list[bool], rest: list[float], why: str
) -> None:
    assert discrimination(right, rest) == (None, why)


def test_the_margin_covers_the_correlation_of_what_is_unrelated() -> None:
    """Of 2,000 unrelated pairs of 24 students, 95 of 100 correlations lie within the margin."""
    rng = np.random.default_rng(1)
    pairs = rng.normal(size=(2000, 2, 24))
    inside = np.mean([abs(np.corrcoef(p)[0, 1]) < margin(24) for p in pairs])
    assert inside == pytest.approx(0.95, abs=0.02)
    assert margin(3) == 1.0


def test_rates_count_who_took_part_and_probes_who_attempted() -> None:
    records = [
        record(check("a", "passed", "passed")),
        record(check("a", "passed", "wrong")),
        record(check("a", "not attempted", "not attempted"), check("b", "passed")),
        record(check("a", "not attempted", "not attempted")),
        record(check("a", "passed", "passed"), status="rejected"),
        record(check("a")),
    ]
    item, _ = analyse(took_part(records))
    assert (item.passed, item.attempted, item.students) == (1, 2, 3)
    assert item.rate == pytest.approx(1 / 3)
    assert [(p.passed, p.attempted) for p in item.probes] == [(2, 2), (1, 2)]


def test_a_check_of_a_notebook_that_is_missing_is_not_passed() -> None:
    (item,) = analyse([record(check("a"))])
    assert (item.passed, item.attempted) == (0, 0)


@pytest.mark.parametrize("most", [10.0, 87.0, 0.3])
def test_the_histogram_is_that_of_numpy(most: float) -> None:
    rng = np.random.default_rng(2)
    marks = [*(rng.uniform(0, most, 200)), 0.0, most]
    expected, _ = np.histogram(marks, bins=10, range=(0, most))
    assert histogram(marks, most) == expected.tolist()


def test_bounds_belong_to_the_part_above_whatever_the_rounding() -> None:
    assert histogram([0.1 * i for i in range(11)], 1.0) == [1] * 9 + [2]


def test_marks_above_the_most_and_a_unit_without_points_are_counted() -> None:
    assert histogram([11.0, -1.0], 10.0) == [1, *[0] * 8, 1]
    assert histogram([0.0, 0.0], 0.0) == [2, *[0] * 9]
