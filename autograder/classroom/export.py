"""Marks as a CSV file: every mark for a spreadsheet, or what Canvas and Moodle import.

Canvas (guide "How do I import grades in the Gradebook?", and its gradebook_importer.rb): the columns Student
and ID come first and Section is the last one before the assignments; SIS User ID and SIS Login ID may stand
between them, the first only with the second, then Integration ID and Root Account. A line "Points Possible"
gives the most points. An assignment is known by its title, or by the number in parentheses behind it.

Moodle (docs.moodle.org, "Grade import"): any columns with a heading; on the page of the import the teacher
says which one names the user (ID number, email address or username) and which grade item takes the marks.
An unknown user stops the whole import, and a new grade item counts to 100."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.authoring.unit import read_unit
from autograder.classroom.marks import Class, Marks, graded_cells, read_marks
from autograder.classroom.roster import Roster, RosterError, from_gradebook, need, read_roster

CANVAS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Integration ID", "Root Account", "Section"]
MOODLE = ["First name", "Last name", "Surname", "Username", "ID number", "Email address"]
# The columns that may hold the names of the students' folders.
IDS = {
    "canvas": ["SIS Login ID", "SIS User ID", "ID", "Integration ID"],
    "moodle": ["Username", "ID number", "Email address"],
}


@dataclass
class Export:
    """The text of the file, how many students are in it, and what the instructor should know."""

    text: str
    students: int
    remarks: list[str] = field(default_factory=list)


def export_unit(
    root: Path,
    slug: str,
    form: str,
    *,
    target: Path,
    roster: Path | None = None,
    id_column: str = "",
    assignment: str = "",
) -> Export:
    """The unit's marks from the gradebook at `target`; form: "csv", "canvas" or "moodle"."""
    if form == "csv" and roster:
        raise RosterError(
            "--roster goes with --to canvas or --to moodle: the table has the names of the gradebook, which "
            "`nbgrader db student import` fills."
        )
    unit = read_unit(root, slug)
    found = read_marks(target, slug, graded_cells(unit))
    if form == "csv":
        return to_csv(found)
    students = [m.student for m in found.handed_in]
    known = read_roster(roster, students, IDS[form], id_column) if roster else None
    title = assignment or unit.title
    if form == "canvas":
        return to_canvas(found, title, known)
    return to_moodle(found, title, known, id_column)


def to_csv(found: Class) -> Export:
    """All students of the gradebook with every mark; empty where nothing was handed in or read."""
    head = ["student", "last_name", "first_name", "email", "handed_in", "time_utc"]
    head += ["points", "late_penalty", "mark", "max_points", "to_be_read"]
    lines: list[list[Any]] = [head + [f"{notebook}/{cell}" for notebook, cell in found.most]]
    for m in found.students:
        totals = [m.points, m.penalty, m.mark] if m.handed_in else [None, None, None]
        who = [m.student, m.last_name, m.first_name, m.email, "yes" if m.handed_in else "no", m.when or ""]
        marks = [number(x) for x in (*totals, found.max_points)]
        each = [number(m.cells.get(cell)) for cell in found.most]
        lines.append([*who, *marks, len(m.unread), *each])
    return Export(_text(lines), len(found.students), _unread(found.handed_in))


def to_canvas(found: Class, assignment: str, roster: Roster | None = None) -> Export:
    """What Canvas's gradebook imports; `roster`: the file that Canvas's gradebook exports."""
    known = roster or from_gradebook(found.handed_in, _as_canvas)
    graded = [m for m in found.handed_in if m.student in known.rows]
    need(
        known,
        ["Student", "ID", "Section"] if roster else ["ID"],
        [m.student for m in graded],
        ADVICE["canvas"],
    )
    kept = [
        c for c in CANVAS if c in known.columns and (c != "SIS User ID" or "SIS Login ID" in known.columns)
    ]
    title = _known_title(known, assignment)
    most = ["    Points Possible", *[""] * (len(kept) - 1), number(found.max_points)]
    rows = [[known.rows[m.student][c] for c in kept] + [number(m.mark)] for m in graded]
    remarks = [*_unknown(found, known), *_unread(graded)]
    if title not in known.columns:
        remarks.append(f"Canvas asks what {title} is, unless it has an assignment of exactly this name.")
    return Export(_text([[*kept, title], most, *rows]), len(graded), remarks)


def to_moodle(found: Class, assignment: str, roster: Roster | None = None, id_column: str = "") -> Export:
    """What Moodle's gradebook imports; `roster`: a list of participants or of grades that Moodle exports."""
    known = roster or from_gradebook(found.handed_in, _as_moodle)
    graded = [m for m in found.handed_in if m.student in known.rows]
    kept = [c for c in known.columns if c in MOODLE or c == id_column]
    names = [c for c in kept if c in IDS["moodle"] or c == id_column]
    if not names:
        need(known, [" or ".join(IDS["moodle"])], [], ADVICE["moodle"])
    if not roster:
        need(known, ["Email address"], [m.student for m in graded], ADVICE["moodle"])
    rows = [[known.rows[m.student][c] for c in kept] + [number(m.mark)] for m in graded]
    remarks = [*_unknown(found, known), *_unread(graded)]
    remarks.append(
        f"In Moodle map {' or '.join(names)} to the user, and {assignment} to a grade item whose maximum "
        f"grade is {number(found.max_points)}: a new one would count these points of 100."
    )
    return Export(_text([[*kept, assignment], *rows]), len(graded), remarks)


ADVICE = {
    "canvas": "say --roster with the CSV file that Canvas's gradebook exports, or fill lms_user_id with "
    "`nbgrader db student import`.",
    "moodle": "say --roster with the CSV file of the participants that Moodle exports, or fill email with "
    "`nbgrader db student import`.",
}


def _as_canvas(m: Marks) -> dict[str, str]:
    name = ", ".join(filter(None, [m.last_name, m.first_name]))
    return {"Student": name or m.student, "ID": m.lms_user_id, "Section": ""}


def _as_moodle(m: Marks) -> dict[str, str]:
    return {"First name": m.first_name, "Last name": m.last_name, "Email address": m.email}


def _known_title(roster: Roster, assignment: str) -> str:
    """The assignment's heading in Canvas's own file, which ends with its number in parentheses."""
    same = re.compile(re.escape(assignment) + r"( \(\d+\))?")
    return next((c for c in roster.columns if same.fullmatch(c)), assignment)


def _unknown(found: Class, roster: Roster) -> list[str]:
    """Who handed in and is not in the roster: a mark must not get lost in silence."""
    graded = {m.student for m in found.handed_in}
    strangers = sorted(graded - roster.rows.keys())
    if not strangers:
        return []
    return [f"Left out, for {roster.name} does not know them: {', '.join(strangers)}."]


def _unread(students: Iterable[Marks]) -> list[str]:
    waiting = sum(bool(m.unread) for m in students)
    if not waiting:
        return []
    return [
        f"{waiting} of these marks may change: answers wait for a person in formgrader; unread ones count 0."
    ]


def _text(lines: Iterable[Iterable[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(lines)
    return out.getvalue()


def number(value: float | None) -> str:
    """At most four decimals, with a point; empty for None."""
    return "" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")
