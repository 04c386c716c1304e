"""`autograder feedback`: the pages once more, after a person gave marks or comments; no code is run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autograder.authoring.build import load_built
from autograder.authoring.unit import Notebook, Unit
from autograder.batch.lock import alone
from autograder.bridge.feedback import write_feedback
from autograder.bridge.gradebook import Book
from autograder.classroom.records import read_records
from autograder.engine.grade import NotebookResult, SubmissionResult
from autograder.engine.judging import CheckResult
from autograder.engine.submission import Step
from autograder.verdict import Verdict

PASTED = re.compile(r"\n\n!\[pasted picture \d+\]\(attachment:[^)]*\)")


class NotGraded(LookupError):
    """What grading wrote is not there any more; the message says what to do."""


def rewrite_feedback(
    root: Path, slug: str, target: Path, tell: Callable[[str], None] = lambda _: None
) -> list[str]:
    """Write every page of the unit anew, from the records, the graded notebooks and the gradebook."""
    unit = load_built(root, slug)
    students = []
    with alone(target), Book(target, unit) as book:
        book.settle()
        for record in read_records(target, slug):
            result = graded_result(record, unit, target)
            by_hand, late = book.by_hand(result.student), book.penalties(result.student)
            write_feedback(result, unit, target, by_hand, late)
            students.append(result.student)
            tell(f"feedback of {len(students)}: {result.student}")
    return students


def graded_result(record: dict[str, Any], unit: Unit, target: Path) -> SubmissionResult:
    """What grading found, as far as pages show it, from what it wrote."""
    folder = target / "autograded" / record["student"] / unit.slug
    notebooks = [
        NotebookResult(
            n.name,
            _steps(n, folder / f"{n.name}.ipynb"),
            _checks(n, record, unit),
            record["notes"].get(n.name, []),
        )
        for n in unit.notebooks
    ]
    return SubmissionResult(
        record["student"],
        unit.slug,
        record["status"],
        record["reason"],
        notebooks,
        record["seconds"],
        record["cpu_seconds"],
        record["sandbox"],
    )


def _steps(notebook: Notebook, path: Path) -> list[Step]:
    """The cells of a graded notebook, without the notes that grading put before them."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return [_step(notebook, cell) for cell in cells if cell["id"] != "grading-notes"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise NotGraded(
            f"{path} cannot be read ({type(error).__name__}): run `autograder grade {notebook.unit}`."
        ) from error


def _step(notebook: Notebook, cell: dict[str, Any]) -> Step:
    released = next((c for c in notebook.cells if c.id == cell["id"]), None)
    markdown = cell["cell_type"] == "markdown"
    pictures = [
        (kind, data) for pasted in cell.get("attachments", {}).values() for kind, data in pasted.items()
    ]
    source = PASTED.sub("", "".join(cell["source"])) if pictures else "".join(cell["source"])
    if released is None:
        return Step(cell["id"], "own", "", source, markdown, outputs=cell.get("outputs", []))
    outputs = [] if released.kind == "check" else cell.get("outputs", [])
    return Step(
        released.id, released.kind, released.name, source, markdown, released.points, outputs, pictures
    )


def _checks(notebook: Notebook, record: dict[str, Any], unit: Unit) -> dict[str, CheckResult]:
    known = {patch.mistake.id: patch.mistake for patch in unit.patches}
    return {
        f"check-{told['name']}": CheckResult(
            told["name"],
            told["max_points"],
            [Verdict(p["name"], p["status"], p["message"], p["mistake"]) for p in told["probes"]],
            [known[id] for id in told["says"] if id in known],
        )
        for told in record["checks"]
        if told["notebook"] == notebook.name
    }
