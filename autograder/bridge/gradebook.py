"""Marks into nbgrader's gradebook: one session for a class, one commit for each submission."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from nbgrader import api
from nbgrader.dbutil import ALEMBIC_DIR
from sqlalchemy import create_engine, insert, inspect, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from autograder.authoring.unit import Notebook, Unit
from autograder.bridge.lateness import Lateness
from autograder.bridge.register import BookError, Registered, register
from autograder.bridge.settings import gradebook_url
from autograder.bridge.times import utc
from autograder.engine.grade import NotebookResult, SubmissionResult

NO_RESPONSE = "No response."  # nbgrader's own words for an untouched answer
LOCK_SECONDS = 60  # formgrader may be writing at the same time
# nbgrader looks these up without an index: the thousandth submission would cost more than the first.
LOOKED_UP = {"grade": "notebook_id", "comment": "notebook_id", "submitted_notebook": "assignment_id"}


class ByHand(NamedTuple):
    """What a person gave to one cell."""

    mark: float | None
    comment: str = ""


class Book:
    """The gradebook of the course at `root`, with `unit` registered in it."""

    def __init__(self, root: Path, unit: Unit, url: str = ""):
        self.unit = unit
        self._lateness = Lateness(root, unit.slug)
        self._gradebook = open_gradebook(url or gradebook_url(root))
        try:
            add_indices(self._db())
            self._keys = register(self._db(), unit)
            self._assignment = self._db().scalar(
                select(api.Assignment.id).where(api.Assignment.name == unit.slug)
            )
            self._db().commit()
        except BaseException:
            self.close()
            raise

    def _db(self) -> Any:
        return self._gradebook.db

    def write(self, result: SubmissionResult, folder: Path | None = None) -> None:
        """Record one submission; `folder` is where its timestamp.txt may be. Marks given by hand stay."""
        try:
            submission = self._submission(result.student, timestamp(folder) if folder else None)
            found = {n.name: n for n in result.notebooks} if result.status == "graded" else {}
            for notebook in self.unit.notebooks:
                self._write_notebook(submission, notebook, found.get(notebook.name))
            self._lateness.settle(self._db(), result.student)
            self._db().commit()
        except BaseException:
            self._db().rollback()
            raise

    def settle(self) -> None:
        """Bring extensions and late penalties of the whole class in line with dates, marks and settings."""
        self._lateness.settle(self._db())
        self._db().commit()

    def penalties(self, student: str) -> dict[str, float]:
        """What lateness costs the student, per notebook."""
        table = api.SubmittedNotebook
        rows = self._db().execute(
            select(api.Notebook.name, table.late_submission_penalty)
            .join(api.Notebook, api.Notebook.id == table.notebook_id)
            .join(api.SubmittedAssignment, api.SubmittedAssignment.id == table.assignment_id)
            .where(api.SubmittedAssignment.assignment_id == self._assignment)
            .where(api.SubmittedAssignment.student_id == student, table.late_submission_penalty > 0)
        )
        return {name: float(penalty) for name, penalty in rows}

    def by_hand(self, student: str) -> dict[str, dict[str, ByHand]]:
        """What persons gave to the student's cells: per notebook and cell, the mark and the comment."""
        found: dict[str, dict[str, ByHand]] = {name: {} for name in self._keys}
        given = api.Grade.manual_score.is_not(None) | api.Grade.extra_credit.is_not(None)
        for notebook, cell, mark in self._given(student, api.Grade, api.Grade.score, given):
            found[notebook][cell] = ByHand(mark)
        said = api.Comment.manual_comment
        for notebook, cell, comment in self._given(student, api.Comment, said, said.is_not(None)):
            found[notebook][cell] = ByHand(found[notebook].get(cell, ByHand(None)).mark, comment)
        return found

    def _given(self, student: str, table: Any, column: Any, given: Any) -> Any:
        submitted = api.SubmittedNotebook
        return self._db().execute(
            select(api.Notebook.name, api.BaseCell.name, column)
            .select_from(table)
            .join(submitted, submitted.id == table.notebook_id)
            .join(api.SubmittedAssignment, api.SubmittedAssignment.id == submitted.assignment_id)
            .join(api.Notebook, api.Notebook.id == submitted.notebook_id)
            .join(api.BaseCell, api.BaseCell.id == table.cell_id)
            .where(api.SubmittedAssignment.assignment_id == self._assignment)
            .where(api.SubmittedAssignment.student_id == student, given)
        )

    def _submission(self, student: str, when: datetime | None) -> str:
        """The key of the student's submission, made where it is new."""
        db = self._db()
        if db.scalar(select(api.Student.id).where(api.Student.id == student)) is None:
            db.execute(insert(api.Student).values(id=student))
        table = api.SubmittedAssignment
        mine = (table.assignment_id == self._assignment) & (table.student_id == student)
        key = db.scalar(select(table.id).where(mine))
        if key is None:
            key = api.new_uuid()
            db.execute(insert(table).values(id=key, assignment_id=self._assignment, student_id=student))
        if when is not None:
            db.execute(update(table).where(table.id == key).values(timestamp=when))
        return str(key)

    def _write_notebook(self, submission: str, notebook: Notebook, result: NotebookResult | None) -> None:
        db, keys = self._db(), self._keys[notebook.name]
        table = api.SubmittedNotebook
        mine = (table.assignment_id == submission) & (table.notebook_id == keys.id)
        key = db.scalar(select(table.id).where(mine))
        if key is None:
            key = api.new_uuid()
            db.execute(insert(table).values(id=key, assignment_id=submission, notebook_id=keys.id))
        untouched = unanswered(notebook, result)
        self._write_marks(str(key), keys, marks(notebook, result, untouched))
        self._write_comments(str(key), keys, untouched)

    def _write_marks(self, submitted: str, keys: Registered, scores: dict[str, float | None]) -> None:
        known = self._rows(api.Grade, submitted, api.Grade.manual_score)
        new, changed = [], []
        for name, cell in keys.grades.items():
            score = scores[name]
            key, by_hand = known.get(cell, (None, None))
            # As in nbgrader: someone looks again at a mark given by hand when the submission is graded anew.
            row = {"auto_score": score, "needs_manual_grade": score is None or by_hand is not None}
            if key is None:
                new.append({**row, "id": api.new_uuid(), "cell_id": cell, "notebook_id": submitted})
            else:
                changed.append({**row, "id": key})
        self._store(api.Grade, new, changed)

    def _write_comments(self, submitted: str, keys: Registered, untouched: set[str]) -> None:
        known = self._rows(api.Comment, submitted, api.Comment.auto_comment)
        new, changed = [], []
        for name, cell in keys.comments.items():
            key, before = known.get(cell, (None, None))
            said = NO_RESPONSE if name in untouched else None
            if key is None:
                row = {"id": api.new_uuid(), "cell_id": cell, "notebook_id": submitted}
                new.append({**row, "auto_comment": said})
            elif said != before:
                changed.append({"id": key, "auto_comment": said})
        self._store(api.Comment, new, changed)

    def _rows(self, table: Any, submitted: str, column: Any) -> dict[str, tuple[str, Any]]:
        rows = self._db().execute(
            select(table.cell_id, table.id, column).where(table.notebook_id == submitted)
        )
        return {cell: (key, value) for cell, key, value in rows}

    def _store(self, table: Any, new: list[dict[str, Any]], changed: list[dict[str, Any]]) -> None:
        if new:
            self._db().execute(insert(table), new)
        if changed:
            self._db().execute(update(table), changed)

    def close(self) -> None:
        self._gradebook.close()

    def __enter__(self) -> Book:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_gradebook(url: str) -> Any:
    """nbgrader's Gradebook; BookError where it cannot be opened."""
    place = make_url(url)
    if place.get_backend_name() == "sqlite" and place.database:
        Path(place.database).parent.mkdir(parents=True, exist_ok=True)
        place = place.update_query_dict({"timeout": str(LOCK_SECONDS)} | dict(place.query))
    address = place.render_as_string(hide_password=False)
    try:
        make_database(address)
        return api.Gradebook(address)
    except ModuleNotFoundError as error:
        raise BookError(
            f"The gradebook {place!r} needs {error.name}, which is not installed: "
            'pip install "training-neural-networks[postgres]" brings it.'
        ) from error
    except SQLAlchemyError as error:
        raise BookError(
            f"The gradebook {place!r} cannot be opened ({str(error).splitlines()[0]}): "
            "see that it can be reached and written, or correct CourseDirectory.db_url in nbgrader_config.py."
        ) from error


def make_database(address: str) -> None:
    """The tables as nbgrader makes them in a new database. To learn their version it would start the program
    alembic, which takes seconds and an activated environment."""
    engine = create_engine(address)
    try:
        with engine.begin() as connection:
            if inspect(connection).get_table_names():
                return
            from alembic.script import ScriptDirectory

            api.Base.metadata.create_all(connection)
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
            version = {"version": ScriptDirectory(ALEMBIC_DIR).get_current_head()}
            connection.execute(text("INSERT INTO alembic_version VALUES (:version)"), version)
    finally:
        engine.dispose()


def add_indices(db: Any) -> None:
    """Make the gradebook as quick for a large class as for a small one; nbgrader does not mind."""
    for table, column in LOOKED_UP.items():
        db.execute(text(f"CREATE INDEX IF NOT EXISTS autograder_{table}_{column} ON {table} ({column})"))


def write_dates(db: Any, root: Path, slug: str, student: str, folder: Path) -> None:
    """The time of handing in and the extension of a submission that nbgrader itself has recorded."""
    when = timestamp(folder)
    table = api.SubmittedAssignment
    if when is not None:
        assignment = select(api.Assignment.id).where(api.Assignment.name == slug).scalar_subquery()
        mine = (table.assignment_id == assignment) & (table.student_id == student)
        db.execute(update(table).where(mine).values(timestamp=when))
    Lateness(root, slug).extend(db, student)
    db.commit()


def marks(notebook: Notebook, result: NotebookResult | None, untouched: set[str]) -> dict[str, float | None]:
    """The automatic score of each graded cell; None where a person has to read."""
    checks = result.checks if result else {}
    scores: dict[str, float | None] = {
        c.id: checks[c.id].points if c.id in checks else 0.0 for c in notebook.of_kind("check")
    }
    return scores | {c.id: 0.0 if c.id in untouched else None for c in notebook.of_kind("question")}


def unanswered(notebook: Notebook, result: NotebookResult | None) -> set[str]:
    """The answers that are missing or still as released."""
    from autograder.authoring.release import stub

    given = {s.id: s.source.strip() for s in result.steps} if result else {}
    return {
        c.id
        for c in notebook.cells
        if c.kind in ("solution", "question")
        and given.get(c.id, "") in ("", stub(c.source).strip() if c.kind == "solution" else c.source.strip())
    }


def timestamp(folder: Path) -> datetime | None:
    """When it was handed in, from nbgrader's timestamp.txt; None where that is missing or unreadable."""
    path = folder / "timestamp.txt"
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > 100:
            return None
        return utc(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
