"""Who is in the course, as the learning management system knows them: rows of a CSV file that it exports.

Without such a file the gradebook's own list serves, which `nbgrader db student import` fills."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

from autograder.classroom.marks import Marks


class RosterError(ValueError):
    """The roster lacks what is needed; the message says what, and where to get it."""


@dataclass
class Roster:
    """columns: as in the file's first line; rows: by the ids that the course's folders bear."""

    name: str
    columns: list[str]
    rows: dict[str, dict[str, str]]


def from_gradebook(students: Iterable[Marks], row: Callable[[Marks], dict[str, str]]) -> Roster:
    """The gradebook's students, each with the columns that `row` makes."""
    rows = {m.student: row(m) for m in students}
    return Roster("The gradebook", list(next(iter(rows.values()), {})), rows)


def read_roster(path: Path, students: Sequence[str], ids: Sequence[str], chosen: str = "") -> Roster:
    """Read a CSV file; commas, semicolons or tabs, UTF-8.

    ids: the columns that may hold the names of the students' folders; the one that knows most of them does,
    or the column `chosen`."""
    columns, lines = read_lines(path)
    candidates = [chosen] if chosen else [name for name in ids if name in columns]
    if chosen and chosen not in columns:
        raise RosterError(f"{path} has no column {chosen}; it has {', '.join(columns)}.")
    if not candidates:
        raise RosterError(
            f"{path} has none of the columns {', '.join(ids)}: say --id-column with the one that holds the "
            f"names of the students' folders ({', '.join(columns)})."
        )
    spelled = {normalize("NFC", student): student for student in students}
    known = set(students)

    def student(line: dict[str, str], column: str) -> str:
        """As the gradebook spells the name: an "é" may be one character or two."""
        return spelled.get(normalize("NFC", line[column]), line[column])

    column = max(candidates, key=lambda name: len(known & {student(line, name) for line in lines}))
    rows: dict[str, dict[str, str]] = {}
    for line in lines:
        name = student(line, column)
        if name in rows and name in known:
            raise RosterError(f"{path} has {name} twice in the column {column}: remove one of the lines.")
        rows[name] = line
    if not known & rows.keys():
        raise RosterError(
            f"{path} knows no student of the gradebook ({', '.join(sorted(known)[:3])}, …) in its "
            f"{'columns' if len(candidates) > 1 else 'column'} {', '.join(candidates)}."
        )
    return Roster(str(path), columns, rows)


def need(roster: Roster, columns: Sequence[str], students: Sequence[str], advice: str) -> None:
    """RosterError where a column is missing, or empty for one of the students."""
    missing = [name for name in columns if name not in roster.columns]
    if missing:
        raise RosterError(f"{roster.name} has no column {' and no column '.join(missing)}: {advice}")
    for name in columns:
        without = [s for s in students if s in roster.rows and not roster.rows[s][name]]
        if without:
            more = ", …" if len(without) > 3 else ""
            raise RosterError(f"{roster.name} has no {name} for {', '.join(without[:3])}{more}: {advice}")


def read_lines(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The columns of a CSV file and its rows by column; RosterError where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise RosterError(f"{path} is not UTF-8: save it as CSV in UTF-8.") from None
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        head, *rest = csv.reader(text.splitlines(keepends=True), delimiter=separator, strict=True)
    except (csv.Error, ValueError) as error:
        raise RosterError(f"{path} is not a CSV file with a first line of column names ({error}).") from None
    columns = [name.strip() for name in head]
    padded = ([value.strip() for value in line] + [""] * len(columns) for line in rest)
    return columns, [dict(zip(columns, line, strict=False)) for line in padded]
