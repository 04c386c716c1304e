"""What was handed in, and how: work in the wrong place, times that cannot be read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from autograder.authoring.unit import Unit, slugs
from autograder.bridge.gradebook import timestamp
from autograder.engine.grade import SubmissionResult, has_unfit_name, student_name
from autograder.engine.reading import MAX_FILES, Unreadable, made_from, read_document, submitted_files

NO_TIME = (
    "timestamp.txt holds no time that can be read, such as 2026-03-01 12:00:00 UTC: "
    "when this was handed in is not known."
)

OTHER_NAME = (
    "The folder's name is too long, or has characters that a page or a terminal takes for orders: "
    "this student is called {} here."
)


def noted(result: SubmissionResult, folder: Path) -> SubmissionResult:
    """The result, with a sentence where the time of handing in cannot be read, or the student's name is not
    the folder's."""
    told = [result.reason]
    if os.path.lexists(folder / "timestamp.txt") and not timestamp(folder):
        told.append(NO_TIME)
    if has_unfit_name(folder.parent):
        told.append(OTHER_NAME.format(result.student))
    return replace(result, reason=" ".join(filter(None, told)))


def elsewhere(submitted: Path, unit: Unit, root: Path) -> dict[str, list[str]]:
    """By student, the notebooks of `unit` outside of every unit's folder: nothing looks for them there.

    "" stands for a student who is not known, for the file lies in no student's folder."""
    units = set(slugs(root))
    found: dict[str, list[str]] = {}
    for path in sorted(submitted.iterdir()):
        student = "" if path.is_file() else student_name(path)
        for file in [path] if path.is_file() else _outside(path, units):
            if _is_of(unit, file):
                found.setdefault(student, []).append(file.relative_to(submitted).as_posix())
    return found


def _outside(folder: Path, units: set[str]) -> Iterator[Path]:
    if folder.is_dir() and not folder.is_symlink():
        for path in islice(submitted_files(folder), MAX_FILES):
            if path.relative_to(folder).parts[0] not in units:
                yield path


def _is_of(unit: Unit, path: Path) -> bool:
    """Is it a notebook of the unit, by its name or by what it was made from?"""
    name = path.name.lower()
    if ".ipynb" not in name:
        return False
    if name.startswith(tuple(n.name.lower() for n in unit.notebooks)):
        return True
    try:
        return made_from(read_document(path)) in {n.key for n in unit.notebooks}
    except Unreadable:
        return False
