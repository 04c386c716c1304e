"""`autograder forget`: all that a course holds of one student is removed, and it is said what that was."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from sqlalchemy.engine import make_url

from autograder.batch.lock import alone
from autograder.bridge.files import write_whole
from autograder.bridge.gradebook import open_gradebook
from autograder.bridge.lateness import FILE as EXTENSIONS
from autograder.bridge.settings import gradebook_url
from autograder.engine.grade import student_name

FOLDERS = ("autograded", "feedback", "records")
WRITTEN = ("exports", "reports")  # about a whole class: written anew, not cut


class UnknownStudent(LookupError):
    """The course has nothing of a student of this name."""


@dataclass
class Forgotten:
    """removed: what there was; mentioned: files about the class that name the student and still do."""

    removed: list[str] = field(default_factory=list)
    mentioned: list[str] = field(default_factory=list)


def forget(target: Path, student: str, submitted: Path, *, dry: bool = False) -> Forgotten:
    """Remove the student's work, feedback, records, marks and extensions from the course at `target`.

    dry: only say what that would be. Raises UnknownStudent where there is nothing."""
    if student in ("", ".", "..") or re.search(r"[/\\\0]", student):
        raise UnknownStudent(f"{student!r} is no student: expected the name of a folder in {submitted}.")
    with alone(target):
        done = Forgotten()
        for path in _paths(target, student, submitted):
            done.removed.append(str(path))
            if not dry:
                _remove(path)
        done.removed += _from_gradebook(target, student, dry)
        done.removed += _from_extensions(target / EXTENSIONS, student, dry)
        done.mentioned = [str(path) for path in _naming(target, student)]
    if not done.removed:
        raise UnknownStudent(f"There is nothing of {student} in {target} or {submitted}.")
    return done


def _paths(target: Path, student: str, submitted: Path) -> Iterator[Path]:
    places = [folder / student for folder in (submitted, *(target / name for name in FOLDERS))]
    if submitted.is_dir() and not os.path.lexists(submitted / student):
        places += [path for path in sorted(submitted.iterdir()) if student_name(path) == student]
    yield from filter(os.path.lexists, places)
    for path in sorted((target / "records" / ".pending").glob("*/*.json")):
        if _student_in(path) == student:
            yield path


def _student_in(path: Path) -> str:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["student"])
    except (ValueError, LookupError, TypeError, OSError):
        return ""


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path)


def _from_gradebook(target: Path, student: str, dry: bool) -> list[str]:
    url = make_url(gradebook_url(target))
    file = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
    if file and not file.exists():
        return []
    with closing(open_gradebook(url.render_as_string(hide_password=False))) as gradebook:
        found = _marks(gradebook, student)
        if found and not dry:
            gradebook.remove_student(student)
    if found and not dry and file:
        with closing(sqlite3.connect(file)) as database:  # what is deleted would stay readable in the file
            database.execute("VACUUM")
    return found


def _marks(gradebook: Gradebook, student: str) -> list[str]:
    try:
        units = sorted(s.assignment.name for s in gradebook.find_student(student).submissions)
    except MissingEntry:
        return []
    return [f"the gradebook's entry of {student}, with marks of {', '.join(units) or 'no unit'}"]


def _from_extensions(path: Path, student: str, dry: bool) -> list[str]:
    if not path.exists():
        return []
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    kept = [row for row in rows if not row or row[0].strip() != student]
    if len(kept) == len(rows):
        return []
    if not dry:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(kept)
        write_whole(path, out.getvalue())
    return [f"{len(rows) - len(kept)} lines of {path}"]


def _naming(target: Path, student: str) -> Iterator[Path]:
    for folder in WRITTEN:
        for path in sorted((target / folder).glob("*.*")):
            if student in path.name + path.read_text(encoding="utf-8", errors="replace"):
                yield path
