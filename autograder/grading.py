"""`autograder grade`: prove the sandbox, grade the class, write gradebook, notebooks, pages and records."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from autograder.authoring.build import load_built
from autograder.engine.grade import Grader, SubmissionResult, submissions


class Refused(ValueError):
    """Grading does not start, for the reason in the message."""


def grade_unit(
    root: Path,
    slug: str,
    submitted: Path,
    *,
    target: Path,
    jobs: int,
    locked: bool = True,
    tell: Callable[[str], None] = lambda _: None,
) -> list[SubmissionResult]:
    """Grade `submitted/<student>/<slug>/` into `target`; the gradebook is written by this process alone."""
    if sys.platform != "linux":
        raise Refused(
            "Grading needs Linux (fork and its sandbox): use WSL2 on Windows, or a Linux container."
        )
    from autograder.bridge.autograded import write_autograded
    from autograder.bridge.feedback import write_feedback
    from autograder.bridge.gradebook import Book
    from autograder.classroom.records import write_record

    level = sandbox_level() if locked else "none"
    unit = load_built(root, slug)
    folders = submissions(submitted, slug)
    results = []
    with Grader(unit, root, sandbox=level, locked=locked) as grader, Book(target, unit) as book:
        for result in grader.grade_class(folders, jobs):
            with _writing(result.student, target):
                book.write(result, folders[result.student])
                write_autograded(result, unit, target, folders[result.student])
                write_feedback(result, unit, target, book.by_hand(result.student))
                write_record(result, target)
            results.append(result)
            tell(f"graded {len(results)} of {len(folders)}: {result.student}")
    return results


@contextmanager
def _writing(student: str, target: Path) -> Iterator[None]:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (OSError, SQLAlchemyError) as error:
        raise Refused(
            f"The result of {student} could not be written to {target} ({str(error).splitlines()[0]}). "
            "What was graded before is kept: make room or give the right to write there, and start again."
        ) from error


def sandbox_level() -> str:
    """The level that the breach matrix proves on this machine; Refused below B."""
    from autograder.engine.doctor import diagnose

    diagnosis = diagnose()
    if not diagnosis.ok:
        raise Refused(
            f"{diagnosis.sentence()} Run `autograder doctor` for details, "
            "or say --sandbox=none to grade without protection."
        )
    return diagnosis.level
