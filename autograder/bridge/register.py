"""A unit in nbgrader's gradebook: what `nbgrader generate_assignment` would store, taken from the release."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbgrader import api
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from autograder.authoring import release
from autograder.authoring.unit import Notebook, Unit

# Keyed by kind of cell: the gradebook's class, and what the cell says about itself.
Wanted = dict[type[Any], dict[str, dict[str, Any]]]


class BookError(ValueError):
    """The gradebook and the unit contradict each other; the message says what to do."""


@dataclass(frozen=True)
class Registered:
    """One notebook's keys in the database: its own, and those of its cells by grade id."""

    id: str
    grades: dict[str, str]
    comments: dict[str, str]


def released(notebook: Notebook) -> dict[str, Any]:
    """The released notebook, as a document."""
    document: dict[str, Any] = json.loads(release.notebook_json(notebook, solution=False))
    return document


def register(db: Session, unit: Unit) -> dict[str, Registered]:
    """Bring the assignment in line with `unit`; marks stay. The caller commits."""
    assignment = db.scalar(select(api.Assignment).where(api.Assignment.name == unit.slug))
    if assignment is None:
        assignment = api.Assignment(name=unit.slug)
        db.add(assignment)
    known = {n.name: n for n in assignment.notebooks}
    for name in known.keys() - {n.name for n in unit.notebooks}:
        _forget_notebook(db, known[name])
    found = {}
    for notebook in unit.notebooks:
        entry = known.get(notebook.name) or api.Notebook(name=notebook.name, assignment=assignment)
        found[notebook.name] = _register_notebook(db, entry, released(notebook))
    return found


def _register_notebook(db: Session, entry: Any, document: dict[str, Any]) -> Registered:
    entry.kernelspec = json.dumps(document["metadata"]["kernelspec"])
    db.add(entry)
    db.flush()
    keys = {kind: _register_cells(db, entry, kind, cells) for kind, cells in _wanted(document).items()}
    return Registered(entry.id, keys[api.GradeCell], keys[api.SolutionCell])


def _wanted(document: dict[str, Any]) -> Wanted:
    wanted: Wanted = {api.GradeCell: {}, api.SolutionCell: {}, api.SourceCell: {}}
    for cell in document["cells"]:
        told = cell["metadata"].get("nbgrader")
        if told is None:
            continue
        name, cell_type = told["grade_id"], cell["cell_type"]
        if told["grade"]:
            wanted[api.GradeCell][name] = {"max_score": float(told["points"]), "cell_type": cell_type}
        if told["solution"]:
            wanted[api.SolutionCell][name] = {}
        wanted[api.SourceCell][name] = {
            "cell_type": cell_type,
            "locked": told["locked"],
            "source": "".join(cell["source"]),
            "checksum": told["checksum"],
        }
    return wanted


def _register_cells(
    db: Session, entry: Any, kind: type[Any], wanted: Mapping[str, dict[str, Any]]
) -> dict[str, str]:
    """Add, change and remove cells of one kind; their keys by name."""
    known = {c.name: c for c in db.scalars(select(kind).where(kind.notebook_id == entry.id))}
    for name in known.keys() - wanted.keys():
        _forget_cell(db, known[name])
    for name, told in wanted.items():
        cell = known.get(name) or kind(name=name, notebook_id=entry.id)
        for key, value in told.items():
            setattr(cell, key, value)
        db.add(cell)
        known[name] = cell
    db.flush()
    return {name: known[name].id for name in wanted}


def _forget_cell(db: Session, cell: Any) -> None:
    """Remove a cell that the unit no longer has, but never marks or comments given by hand."""
    if not isinstance(cell, api.SourceCell):
        by_hand = select(api.Grade.id).where(
            api.Grade.cell_id == cell.id,
            api.Grade.manual_score.is_not(None) | api.Grade.extra_credit.is_not(None),
        )
        said = select(api.Comment.id).where(api.Comment.cell_id == cell.id, api.Comment.manual_comment != "")
        if db.scalar(by_hand) or db.scalar(said):
            raise BookError(
                f"The unit no longer has the cell {cell.name}, but the gradebook holds marks or comments "
                "given to it by hand. Put the cell back, or remove the marks in formgrader."
            )
        db.execute(delete(api.Grade).where(api.Grade.cell_id == cell.id))
        db.execute(delete(api.Comment).where(api.Comment.cell_id == cell.id))
    db.delete(cell)
    db.flush()


def _forget_notebook(db: Session, entry: Any) -> None:
    for kind in (api.BaseCell, api.SourceCell):
        for cell in db.scalars(select(kind).where(kind.notebook_id == entry.id)).all():
            _forget_cell(db, cell)
    db.execute(delete(api.SubmittedNotebook).where(api.SubmittedNotebook.notebook_id == entry.id))
    db.expire(entry)
    db.delete(entry)
    db.flush()
