"""What the gradebook holds of a unit, read without changing it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbgrader import api
from sqlalchemy import select

from autograder.bridge.gradebook import gradebook_url, open_gradebook

Cell = tuple[str, str]  # notebook and graded cell


class Marked:
    """The marks of `slug` in the gradebook of the course at `target`."""

    def __init__(self, target: Path, slug: str):
        self._gradebook = open_gradebook(gradebook_url(target))
        self._slug = slug

    def automatic(self, student: str) -> dict[Cell, float | None]:
        """What the engine gave to each cell; nothing where the student's work is not in the gradebook."""
        return {(n, c): score for n, c, score in self._marks(student, api.Grade.auto_score)}

    def by_hand(self, student: str) -> set[Cell]:
        """The cells whose marks a person gave: they stay, whatever the engine finds."""
        return {(n, c) for n, c, score in self._marks(student, api.Grade.manual_score) if score is not None}

    def _marks(self, student: str, column: Any) -> Any:
        submitted, work = api.SubmittedNotebook, api.SubmittedAssignment
        return self._gradebook.db.execute(
            select(api.Notebook.name, api.BaseCell.name, column)
            .select_from(api.Grade)
            .join(submitted, submitted.id == api.Grade.notebook_id)
            .join(work, work.id == submitted.assignment_id)
            .join(api.Assignment, api.Assignment.id == work.assignment_id)
            .join(api.Notebook, api.Notebook.id == submitted.notebook_id)
            .join(api.BaseCell, api.BaseCell.id == api.Grade.cell_id)
            .where(api.Assignment.name == self._slug, work.student_id == student)
        )

    def close(self) -> None:
        self._gradebook.close()

    def __enter__(self) -> Marked:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
