"""`autograder collect`: an LMS's zip of submissions into `submitted/<student>/<unit>/`."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from autograder.authoring.build import load_built
from autograder.authoring.unit import Unit
from autograder.classroom.lms_zip import HandedIn, read_zip
from autograder.classroom.roster import RosterError, read_lines
from autograder.engine.grade import fit_name

# The columns that may name the students' folders; the first one that the roster has does.
IDS = {
    "canvas": ["SIS Login ID", "SIS User ID", "ID"],
    "moodle": ["Username", "ID number", "Email address"],
}


@dataclass
class Collected:
    """Students' folders by what became of them, and a sentence for all that was left out."""

    new: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)  # there is other work; --replace was not said
    late: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def collect(
    root: Path,
    slug: str,
    path: Path,
    lms: str,
    submitted: Path,
    *,
    roster: Path | None = None,
    id_column: str = "",
    replace: bool = False,
) -> Collected:
    """Unpack the zip `path`; lms: "moodle" or "canvas". Work that is already there stays unless `replace`."""
    unit = load_built(root, slug)
    names = Names(roster, lms, id_column)
    done = Collected()
    for handed in read_zip(path, lms):
        whose = f"{handed.who} ({handed.id})" if handed.who else path.name
        done.left_out += [f"{whose}: {trouble}." for trouble in handed.troubles]
        if not handed.files:
            continue
        name = names.of(handed)
        if name is None:
            done.left_out.append(f"{whose}: {names.why}.")
            continue
        student = fit_name(name)
        if student != name:
            done.renamed.append(f"{name!r} is called {student}.")
        if student in {*done.new, *done.same, *done.replaced, *done.waiting}:
            done.left_out.append(f"{whose}: a second hand-in under the name {student}.")
        else:
            _store(done, submitted / student, unit, handed, replace)
            done.late += [student] if handed.late else []
    return done


class Names:
    """The names of the students' folders: from the roster, or as the LMS has them."""

    def __init__(self, roster: Path | None, lms: str, id_column: str):
        self._lms = lms
        self.why = ""
        self._rows: dict[str, list[str]] | None = None
        if roster:
            columns, lines = read_lines(roster)
            wanted = [id_column] if id_column else IDS[lms]
            column = next((c for c in wanted if c in columns), None)
            if column is None:
                raise RosterError(
                    f"{roster} has no column {' or '.join(wanted)}: say --id-column with the one that names "
                    f"the students' folders ({', '.join(columns)})."
                )
            self._rows = {}
            for line in lines:
                for key in _keys(line, lms):
                    self._rows.setdefault(key, []).append(line[column])

    def of(self, handed: HandedIn) -> str | None:
        """The student's folder; None, and `why`, where that is not certain."""
        if self._rows is None:
            name = handed.id if self._lms == "canvas" else handed.who
        else:
            found = next((self._rows[k] for k in _asked(handed, self._lms) if k in self._rows), [])
            if len(found) != 1 or not found[0]:
                self.why = (
                    "the roster knows nobody of this name" if not found else "the roster has no name for them"
                )
                self.why = "the roster has several of this name" if len(found) > 1 else self.why
                return None
            name = found[0]
        if name.startswith(".") or re.search(r"[/\\\0-\x1f]", name) or len(name.encode()) > 200 or not name:
            self.why = f"{name[:40]!r} cannot be the name of a folder"
            return None
        return name


def _keys(line: dict[str, str], lms: str) -> Iterable[str]:
    """By what a row of the roster is found: Canvas's number, Moodle's number in the assignment, the name."""
    if lms == "canvas":
        return [f"id {line.get('ID', '')}"] if line.get("ID") else []
    first, last = line.get("First name", ""), line.get("Last name", line.get("Surname", ""))
    full = {line.get("Full name", ""), f"{first} {last}", f"{last} {first}"}
    number = re.search(r"\d+$", line.get("Identifier", ""))
    numbers = [f"id {number[0]}"] if number else []
    return numbers + [f"name {_plain(name)}" for name in sorted(full) if name.strip()]


def _asked(handed: HandedIn, lms: str) -> list[str]:
    if lms == "canvas":
        return [f"id {handed.id}"]
    after = [m.end() for m in re.finditer("-", handed.who)]  # what stands before may be the group
    return [f"id {handed.id}", *(f"name {_plain(handed.who[at:])}" for at in (0, *after))]


def _plain(name: str) -> str:
    """Moodle writes a name into a zip with its spaces and dots changed."""
    return " ".join(re.sub(r"[^\w]+", " ", name.replace("_", " ")).casefold().split())


def _store(done: Collected, home: Path, unit: Unit, handed: HandedIn, replace: bool) -> None:
    student, target = home.name, home / unit.slug
    files = _named(handed, unit)
    if home.is_symlink() or target.is_symlink():
        done.left_out.append(f"{student}: {home} is a link.")
        return
    if target.exists() and _content(target) == files:
        done.same.append(student)
        return
    if target.exists() and not replace:
        done.waiting.append(student)
        return
    fresh = home / f".{unit.slug}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    for name, data in files.items():
        (fresh / name).parent.mkdir(parents=True, exist_ok=True)
        (fresh / name).write_bytes(data)
    done_with = done.replaced if target.exists() else done.new
    if target.exists():
        olds = (home / f".{unit.slug}.replaced-{number}" for number in count(1))
        target.rename(next(old for old in olds if not old.exists()))
    fresh.rename(target)
    done_with.append(student)


def _named(handed: HandedIn, unit: Unit) -> dict[str, bytes]:
    """Canvas puts -1, -2, … behind the name of what was handed in again: the latest gets its name back."""
    known = {f"{notebook.name}.ipynb" for notebook in unit.notebooks} | unit.beside.keys()
    named: dict[str, bytes] = {}
    for name, data in handed.files.items():  # the latest first
        first = re.sub(r"-\d+(\.\w+)$", r"\1", name)
        named.setdefault(first if first in known else name, data)
    return named


def _content(folder: Path) -> dict[str, bytes]:
    """The files of a folder, without the time of handing in, which is the instructor's."""
    paths = [Path(place, name) for place, _, names in os.walk(folder) for name in names]
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in paths
        if path.is_file() and not path.is_symlink() and path.name != "timestamp.txt"
    }
