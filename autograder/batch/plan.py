"""Which submissions of a class are graded already, and which are to be graded, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.authoring.unit import Unit
from autograder.batch.fingerprint import Fingerprint, same_work
from autograder.batch.marked import Marked
from autograder.classroom.records import SEAL, read_record


@dataclass
class Plan:
    """Students by what a run has to do for them.

    standing: graded as they would be now, and all that was written is there; todo: to be graded; again: those
    of `todo` whose unchanged work was graded before, with another release or engine, or is `force`d."""

    standing: list[str] = field(default_factory=list)
    todo: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)


def make_plan(unit: Unit, fingerprints: Mapping[str, Fingerprint], target: Path, force: bool) -> Plan:
    """Compare the fingerprint of each submission with its record."""
    plan = Plan()
    with Marked(target, unit.slug) as marked:
        for student, fingerprint in fingerprints.items():
            record = read_record(target, student, unit.slug)
            sealed = record.get(SEAL) if record else None
            if record and sealed == fingerprint and not force and _complete(record, unit, target, marked):
                plan.standing.append(student)
                continue
            plan.todo.append(student)
            if sealed and same_work(sealed, fingerprint):
                plan.again.append(student)
    return plan


def _complete(record: Mapping[str, Any], unit: Unit, target: Path, marked: Marked) -> bool:
    """Is all there that belongs to the record, with its points in the gradebook?"""
    student = record["student"]
    for notebook in unit.notebooks:
        graded = target / "autograded" / student / unit.slug / f"{notebook.name}.ipynb"
        page = target / "feedback" / student / unit.slug / f"{notebook.name}.html"
        if not (graded.is_file() and page.is_file()):
            return False
    scores = marked.automatic(student)
    return all(
        abs((scores.get((check["notebook"], f"check-{check['name']}")) or 0.0) - check["points"]) < 1e-9
        for check in record["checks"]
    ) and scores.keys() == {
        (n.name, c.id) for n in unit.notebooks for c in n.cells if c.kind in ("check", "question")
    }
