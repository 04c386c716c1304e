"""The marks of a unit as the gradebook has them: marks given by hand and late penalties included."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from nbgrader import api
from sqlalchemy import select
from sqlalchemy.engine import make_url

from autograder.authoring.unit import Unit
from autograder.bridge.gradebook import open_gradebook
from autograder.bridge.settings import gradebook_url

Cell = tuple[str, str]  # notebook and graded cell


class NoMarks(ValueError):
    """The gradebook has no marks of the unit; the message says what to do."""


@dataclass
class Marks:
    """One student's marks. handed_in: whether there is a submission; when: its time stamp, in UTC.

    cells: None where nobody has read the answer yet; unread: cells that wait for a person."""

    student: str
    last_name: str = ""
    first_name: str = ""
    email: str = ""
    lms_user_id: str = ""
    handed_in: bool = False
    when: datetime | None = None
    penalty: float = 0.0
    cells: dict[Cell, float | None] = field(default_factory=dict)
    unread: set[Cell] = field(default_factory=set)

    @property
    def points(self) -> float:
        return sum(mark or 0.0 for mark in self.cells.values())

    @property
    def mark(self) -> float:
        """What counts: the points without the late penalty, as nbgrader's own export has it."""
        return max(0.0, self.points - self.penalty)


@dataclass
class Class:
    """All students of the gradebook, by id, and the most points of each graded cell, in the unit's order."""

    students: list[Marks]
    most: dict[Cell, float]

    @property
    def max_points(self) -> float:
        return sum(self.most.values())

    @property
    def handed_in(self) -> list[Marks]:
        return [m for m in self.students if m.handed_in]


def graded_cells(unit: Unit) -> list[Cell]:
    """The unit's checks and questions, as its notebooks have them."""
    return [(n.name, c.id) for n in unit.notebooks for c in n.cells if c.kind in ("check", "question")]


def read_marks(root: Path, slug: str, order: list[Cell]) -> Class:
    """Read the unit's marks from the gradebook of the course at `root`; `order`: the unit's graded cells."""
    url = gradebook_url(root)
    place = make_url(url)
    if place.get_backend_name() == "sqlite" and not Path(place.database or "").exists():
        name = Path(place.database or "").name
        raise NoMarks(f"There is no {name} in {root}: run `autograder grade {slug}`, or say --course.")
    gradebook = open_gradebook(url)
    try:
        return _read(gradebook.db, slug, order)
    finally:
        gradebook.close()


def _read(db: Any, slug: str, order: list[Cell]) -> Class:
    assignment = db.scalar(select(api.Assignment.id).where(api.Assignment.name == slug))
    submissions = _submissions(db, assignment)
    if not submissions:
        raise NoMarks(f"The gradebook has no marks of {slug}: run `autograder grade {slug}`.")
    students = _students(db)
    for student, when, penalty in submissions:
        found = students[student]
        found.handed_in, found.when, found.penalty = True, when, penalty
    most: dict[Cell, float] = {}
    for student, cell, score, points, waits in _grades(db, assignment):
        most[cell] = points
        students[student].cells[cell] = score
        if waits:
            students[student].unread.add(cell)
    places = {cell: number for number, cell in enumerate(order)}
    ordered = sorted(most, key=lambda cell: (places.get(cell, len(places)), cell))
    return Class(sorted(students.values(), key=lambda m: m.student), {cell: most[cell] for cell in ordered})


def _students(db: Any) -> dict[str, Marks]:
    table = api.Student
    columns = (table.id, table.last_name, table.first_name, table.email, table.lms_user_id)
    named = [[str(value or "") for value in row] for row in db.execute(select(*columns))]
    return {id: Marks(id, last, first, email, lms) for id, last, first, email, lms in named}


def _submissions(db: Any, assignment: str | None) -> list[tuple[str, datetime | None, float]]:
    table = api.SubmittedAssignment
    rows = db.execute(
        select(table.student_id, table.timestamp, table.late_submission_penalty).where(
            table.assignment_id == assignment
        )
    )
    return [(student, when, float(penalty or 0.0)) for student, when, penalty in rows]


def _grades(db: Any, assignment: str | None) -> list[tuple[str, Cell, float | None, float, bool]]:
    """Student, cell, score (None: not read), the most it can earn, and whether a person should look."""
    read = api.Grade.manual_score.is_not(None) | api.Grade.auto_score.is_not(None)
    rows = db.execute(
        select(
            api.SubmittedAssignment.student_id,
            api.Notebook.name,
            api.GradeCell.name,
            api.Grade.score,
            read,
            api.GradeCell.max_score,
            api.Grade.needs_manual_grade,
        )
        .select_from(api.Grade)
        .join(api.SubmittedNotebook, api.SubmittedNotebook.id == api.Grade.notebook_id)
        .join(api.SubmittedAssignment, api.SubmittedAssignment.id == api.SubmittedNotebook.assignment_id)
        .join(api.Notebook, api.Notebook.id == api.SubmittedNotebook.notebook_id)
        .join(api.GradeCell, api.GradeCell.id == api.Grade.cell_id)
        .where(api.SubmittedAssignment.assignment_id == assignment)
    )
    return [
        (student, (notebook, cell), float(score) if known else None, float(most), bool(waits))
        for student, notebook, cell, score, known, most, waits in rows
    ]
