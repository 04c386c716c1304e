"""Graded notebooks as nbgrader expects them in autograded/: for formgrader, and for its own feedback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autograder.authoring.unit import Notebook, Unit
from autograder.bridge.files import write_whole
from autograder.bridge.gradebook import timestamp, unanswered
from autograder.bridge.markdown import harmless
from autograder.bridge.register import released
from autograder.engine.grade import NotebookResult, SubmissionResult
from autograder.engine.judging import CheckResult
from autograder.engine.submission import Step
from autograder.report import Report


def write_autograded(result: SubmissionResult, unit: Unit, root: Path, folder: Path | None = None) -> None:
    """Write `autograded/<student>/<unit>/`, with the time of handing in from `folder`."""
    target = root / "autograded" / result.student / unit.slug
    for notebook in result.notebooks:
        document = graded_document(unit.notebook(notebook.name), notebook, preface(result, notebook))
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        write_whole(target / f"{notebook.name}.ipynb", text)
    when = timestamp(folder) if folder else None
    if when is not None:
        write_whole(target / "timestamp.txt", f"{when} UTC\n")


def preface(result: SubmissionResult, notebook: NotebookResult) -> str:
    """What the reader should know first: was it rejected, what was repaired, how safely it was run."""
    said = [result.reason, *notebook.notes]
    lines = [f"- {harmless(line)}" for line in said if line]
    level = f"Graded at sandbox level {result.sandbox}." if result.sandbox else "Graded."
    return "\n".join([f"**{level}**", "", *lines]) if lines else f"**{level}**"


def graded_document(notebook: Notebook, result: NotebookResult, preface: str) -> dict[str, Any]:
    """The released notebook with the student's answers and, under each check, its report and points."""
    document = released(notebook)
    frame = {cell["id"]: cell for cell in document["cells"]}
    untouched = unanswered(notebook, result)
    cells = []
    for step in result.steps:
        released_cell = frame.get(step.id, {"source": [], "metadata": {}})
        text = _shown(step, "".join(released_cell["source"]), step.id in untouched)
        cell = _cell(step.id, text, step.markdown, released_cell["metadata"])
        _paste(step.pictures, cell)
        if not step.markdown:
            check = result.checks.get(step.id)
            cell["outputs"] = check_outputs(check) if check else step.outputs
        cells.append(cell)
    document["cells"] = [_cell("grading-notes", preface, markdown=True), *cells]
    return document


def _shown(step: Step, as_released: str, untouched: bool) -> str:
    """The text of a cell; an untouched answer letter by letter, by which nbgrader knows it too."""
    if untouched or step.source == as_released:
        return as_released
    return harmless(step.source) if step.markdown else step.source


def _cell(id: str, text: str, markdown: bool, metadata: dict[str, Any] | None = None) -> dict[str, Any]:
    kind = "markdown" if markdown else "code"
    cell: dict[str, Any] = {"cell_type": kind, "id": id, "metadata": metadata or {}}
    cell["source"] = text.splitlines(keepends=True)
    return cell if markdown else cell | {"execution_count": None, "outputs": []}


def _paste(pictures: list[tuple[str, str]], cell: dict[str, Any]) -> None:
    """Pictures stand below the answer, under names of ours; nbconvert stops at one that is not there."""
    for number, (kind, data) in enumerate(pictures, 1):
        name = f"pasted-{number}.{kind.rpartition('/')[2]}"
        cell.setdefault("attachments", {})[name] = {kind: data}
        cell["source"].append(f"\n\n![pasted picture {number}](attachment:{name})")


def check_outputs(check: CheckResult) -> list[dict[str, Any]]:
    """The report, then the points as nbgrader reads them: the number that a graded cell returns."""
    report = Report(check.name, check.verdicts, check.said)
    points = f"<strong>{check.points:.4g} of {check.max_points:g} points</strong>"
    number = {"text/plain": repr(float(check.points)), "text/html": points}
    shown = {"text/plain": report.text(), "text/html": report.html()}
    return [
        {"output_type": "display_data", "metadata": {}, "data": shown},
        {"output_type": "execute_result", "execution_count": None, "metadata": {}, "data": number},
    ]
