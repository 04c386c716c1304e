"""How marks change when the same work is graded again, with another release or engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

SAME = 1e-9  # points: shares of a check are sums of binary fractions

Key = tuple[str, str]  # notebook and check


@dataclass
class Change:
    """One student. old, new: points of all checks; checks: by check, the points gained (lost: negative);
    by_hand: those of them whose mark a person gave, which stays."""

    student: str
    old: float
    new: float
    checks: dict[Key, float]
    by_hand: set[Key] = field(default_factory=set)
    told: bool = False  # a page of feedback was written: the student may know the old mark


def change(old: Mapping[str, Any], new: Mapping[str, Any]) -> Change | None:
    """What is different between two records of the same work; None where every check earns the same."""
    before, after = _points(old), _points(new)
    keys = dict.fromkeys([*before, *after])
    gained = {key: after.get(key, 0.0) - before.get(key, 0.0) for key in keys}
    changed = {key: points for key, points in gained.items() if abs(points) > SAME}
    return Change(new["student"], old["points"], new["points"], changed) if changed else None


def _points(record: Mapping[str, Any]) -> dict[Key, float]:
    return {(c["notebook"], c["name"]): c["points"] for c in record["checks"]}


def by_check(changes: Iterable[Change]) -> dict[Key, tuple[int, int]]:
    """For each check that changes anything: how many students gain, and how many lose."""
    counts: dict[Key, tuple[int, int]] = {}
    for found in changes:
        for key, points in found.checks.items():
            gain, lose = counts.get(key, (0, 0))
            counts[key] = (gain + (points > 0), lose + (points < 0))
    return counts
