"""What was handed in, and how: work in the wrong place, times that cannot be read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from autograder.authoring.unit import Unit, slugs
from autograder.bridge.gradebook import timestamp
from autograder.engine.grade import SubmissionResult, student_name
from autograder.engine.reading import submitted_files

NO_TIME = (
    "timestamp.txt holds no time that can be read, such as 2026-03-01 12:00:00 UTC: "
    "when this was handed in is not known."
)


def noted(result: SubmissionResult, folder: Path) -> SubmissionResult:
    """The result, with a sentence where the time of handing in cannot be read."""
    if not os.path.lexists(folder / "timestamp.txt") or timestamp(folder):
        return result
    return replace(result, reason=f"{result.reason} {NO_TIME}".strip())


def elsewhere(submitted: Path, unit: Unit, root: Path) -> dict[str, list[str]]:
    """By student, the notebooks of `unit` outside of every unit's folder: nothing looks for them there."""
    names = tuple(n.name.lower() for n in unit.notebooks)
    units = set(slugs(root))
    found: dict[str, list[str]] = {}
    for folder in sorted(p for p in submitted.iterdir() if p.is_dir() and not p.is_symlink()):
        for path in _outside(folder, units):
            if path.name.lower().startswith(names) and ".ipynb" in path.name.lower():
                found.setdefault(student_name(folder), []).append(path.relative_to(submitted).as_posix())
    return found


def _outside(folder: Path, units: set[str]) -> Iterator[Path]:
    return (p for p in submitted_files(folder) if p.relative_to(folder).parts[0] not in units)
