"""Everything that one result brings, in an order that a run may be killed in at any moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from autograder.authoring.unit import Unit
from autograder.batch.fingerprint import Fingerprint
from autograder.bridge.autograded import write_autograded
from autograder.bridge.feedback import write_feedback
from autograder.bridge.files import remove_leftovers
from autograder.bridge.gradebook import Book
from autograder.classroom.records import FOLDER, break_seal, write_record
from autograder.engine.grade import SubmissionResult


class CannotWrite(RuntimeError):
    """A result has no place to go."""


class Writer:
    """Writes results into the course at `target`: one commit to the gradebook, notebooks, pages, the record.

    The record comes last and seals the rest; an older one loses its seal first. So whatever was not written
    in full has no sealed record, and the next run does it again from the start."""

    def __init__(self, unit: Unit, target: Path):
        self.unit, self.target = unit, target

    def __enter__(self) -> Writer:
        self._book = Book(self.target, self.unit)
        return self

    def __exit__(self, *_: object) -> None:
        self._book.close()

    def write(self, result: SubmissionResult, folder: Path, fingerprint: Fingerprint) -> None:
        """folder: what was handed in, for the time of it."""
        with _told(result.student, self.target):
            break_seal(self.target, result.student, self.unit.slug)
            self._book.write(result, folder)
            write_autograded(result, self.unit, self.target, folder)
            by_hand, late = self._book.by_hand(result.student), self._book.penalties(result.student)
            write_feedback(result, self.unit, self.target, by_hand, late)
            write_record(result, self.target, fingerprint)

    def settle(self) -> None:
        """Reckon anew what lateness costs the class: dates and rules may have changed since it was graded."""
        self._book.settle()


@contextmanager
def _told(student: str, target: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, SQLAlchemyError) as error:
        raise CannotWrite(
            f"The result of {student} could not be written to {target} ({str(error).splitlines()[0]}). "
            "What was graded before is kept: make room or give the right to write there, and start again."
        ) from error


def clean(target: Path, slug: str) -> None:
    """Remove the half-written files of runs that were killed."""
    folders = [(target / name).glob(f"*/{slug}") for name in ("autograded", "feedback")]
    for place in (*folders, (target / FOLDER).glob("*"), (target / FOLDER).glob(f".pending/{slug}")):
        for folder in place:
            remove_leftovers(folder)
