"""What the records of a class say about its checks: how hard each is, and whether it tells students apart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Record = dict[str, Any]
FEW = 30  # students; below, a correlation says little


@dataclass
class Probe:
    """One probe of a check: how many of the students who attempted it passed."""

    name: str
    passed: int
    attempted: int


@dataclass
class Item:
    """One check. discrimination: None where it does not exist, for the reason in `why`."""

    notebook: str
    check: str
    points: float
    passed: int
    attempted: int
    students: int
    discrimination: float | None
    why: str
    probes: list[Probe] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """The share of all who took part that passed; who did not attempt it did not pass."""
        return self.passed / self.students


def took_part(records: Iterable[Record]) -> list[Record]:
    """Submissions that could be graded and in which at least one check was attempted."""
    return [r for r in records if r["status"] == "graded" and any(attempted(c) for c in r["checks"])]


def attempted(check: Record) -> bool:
    return any(p["status"] != "not attempted" for p in check["probes"])


def passed(check: Record) -> bool:
    return bool(check["probes"]) and all(p["passed"] for p in check["probes"])


def analyse(records: Sequence[Record]) -> list[Item]:
    """The items of the class, in the unit's order; `records` as `took_part` gives them."""
    return [_item(records, key) for key in _keys(records)]


def _keys(records: Iterable[Record]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((c["notebook"], c["name"]) for r in records for c in r["checks"]))


def _item(records: Sequence[Record], key: tuple[str, str]) -> Item:
    own = [c for r in records for c in r["checks"] if (c["notebook"], c["name"]) == key]
    right = [passed(c) for c in own]
    rest = [
        sum(c["points"] for c in r["checks"] if (c["notebook"], c["name"]) != key)
        for r in records
        if any((c["notebook"], c["name"]) == key for c in r["checks"])
    ]
    value, why = discrimination(right, rest)
    tried = [c for c in own if attempted(c)]
    names = dict.fromkeys(p["name"] for c in tried for p in c["probes"])
    asked = {name: [p for c in tried for p in c["probes"] if p["name"] == name] for name in names}
    probes = [Probe(name, sum(p["passed"] for p in found), len(found)) for name, found in asked.items()]
    points = max(c["max_points"] for c in own)
    return Item(*key, points, sum(right), len(tried), len(own), value, why, probes)


def discrimination(right: Sequence[bool], rest: Sequence[float]) -> tuple[float | None, str]:
    """The point-biserial correlation of passing a check with the points of all other checks.

    It is Pearson's correlation with 1 for passed and 0 for not passed. Leaving the check itself out keeps it
    from agreeing with itself (the corrected item-total correlation of classical test theory)."""
    x, y = np.asarray(right, dtype=float), np.asarray(rest, dtype=float)
    if len(x) < 3:
        return None, "too few students"
    if x.min() == x.max():
        return None, "all passed" if x[0] else "nobody passed"
    if np.ptp(y) == 0:
        return None, "all have the same points elsewhere"
    x, y = x - x.mean(), y - y.mean()
    return float(x @ y / math.sqrt((x @ x) * (y @ y))), ""


def margin(students: int) -> float:
    """How far from 0 the correlation of unrelated things strays in 95 of 100 classes: Fisher's z, which has
    the standard deviation 1 / sqrt(n - 3)."""
    return math.tanh(1.96 / math.sqrt(students - 3)) if students > 3 else 1.0


def histogram(marks: Sequence[float], most: float, bins: int = 10) -> list[int]:
    """How many marks lie in each of `bins` equal parts of 0 to `most`; a bound belongs to the upper part."""
    counts = [0] * bins
    for mark in marks:
        place = math.floor(mark / most * bins + 1e-9) if most > 0 else 0
        counts[min(max(place, 0), bins - 1)] += 1
    return counts
