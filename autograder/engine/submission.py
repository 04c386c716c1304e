"""A submission is data: the student's answers are put into the released notebook's frame."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.authoring.unit import Cell, Notebook

MAX_FILE = 32 << 20
MAX_CELLS = 2000
MAX_SOURCE = 200_000


class Unreadable(ValueError):
    """The file cannot be read as a notebook; the message is for the student."""


@dataclass
class Step:
    """One cell of the notebook to be run: kind as in the unit, or "own" for a cell that the student added."""

    id: str
    kind: str
    name: str
    source: str
    markdown: bool = False
    points: float = 0
    outputs: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Composed:
    steps: list[Step]
    notes: list[str]


def find_notebooks(folder: Path, wanted: list[Notebook]) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """The cells of each wanted notebook that `folder` holds, by name, and a sentence for each trouble.

    A renamed notebook is known by its metadata."""
    found: dict[str, list[dict[str, Any]]] = {}
    troubles: list[str] = []
    if folder.is_symlink() or folder.parent.is_symlink():
        return found, ["The folder is a link, which may lead to somebody else's work: hand in the files."]
    for notebook in wanted:
        path = folder / f"{notebook.name}.ipynb"
        if not path.exists():
            others = [p for p in sorted(folder.glob("*.ipynb")) if _key(p) == notebook.key]
            if not others:
                troubles.append(f"{path.name} is missing.")
                continue
            troubles.append(
                f"{path.name} is missing: {whole_text(others[0].name)}, which was made from it, "
                "is graded instead."
            )
            path = others[0]
        try:
            found[notebook.name] = document_cells(read_document(path), path.name)
        except Unreadable as error:
            troubles.append(str(error))
    return found, troubles


def _key(path: Path) -> str:
    try:
        document = read_document(path)
        return str(document["metadata"]["autograder"]["key"])
    except (Unreadable, KeyError, TypeError):
        return ""


def read_document(path: Path) -> Any:
    """The JSON of a submitted file; Unreadable in words where that is impossible."""
    if path.is_symlink() or not path.is_file():
        raise Unreadable(f"{path.name} is not a regular file.")
    if path.stat().st_size > MAX_FILE:
        raise Unreadable(
            f"{path.name} is larger than {MAX_FILE >> 20} MB: clear its outputs and hand it in again."
        )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path.name} cannot be read ({error.strerror}): hand it in again.") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    try:
        return json.loads(text)
    except RecursionError:
        raise Unreadable(f"{path.name} is nested too deeply to be a notebook.") from None
    except ValueError as error:
        raise Unreadable(
            f"{path.name} is not valid JSON ({str(error)[:80]}): save it again in Jupyter."
        ) from None


def document_cells(document: Any, name: str) -> list[dict[str, Any]]:
    cells = document.get("cells") if isinstance(document, dict) else None
    if not isinstance(cells, list):
        raise Unreadable(f"{name} is not a notebook of format 4: it has no list of cells.")
    if len(cells) > MAX_CELLS:
        raise Unreadable(
            f"{name} has {len(cells)} cells, at most {MAX_CELLS} are read: delete those of your own."
        )
    return [c for c in cells if isinstance(c, dict)]


def compose(notebook: Notebook, cells: list[dict[str, Any]]) -> Composed:
    """Put the student's answers into the released notebook's frame.

    Points, checks, given cells and order come from the release. A cell that the student added runs where it
    stood: after the released cell that precedes it. Lost and doubled cells are told in `notes`."""
    submitted, own, notes = _sorted_out(notebook, cells)
    steps: list[Step] = list(own.get("", []))
    for cell in notebook.cells:
        steps.append(_step(cell, submitted.get(cell.id), notes))
        steps += own.get(cell.id, [])
    return Composed(steps, notes)


def _sorted_out(
    notebook: Notebook, cells: list[dict[str, Any]]
) -> tuple[dict[str, dict[str, Any]], dict[str, list[Step]], list[str]]:
    ids = {c.id for c in notebook.cells}
    submitted: dict[str, dict[str, Any]] = {}
    own: dict[str, list[Step]] = {}
    notes: list[str] = []
    last = ""
    for number, cell in enumerate(cells):
        id = next((i for i in _ids(cell) if i in ids), None)
        if id is None:
            if cell.get("cell_type") == "code" and source_of(cell).strip():
                own.setdefault(last, []).append(Step(f"own-{number}", "own", "", source_of(cell)))
        elif id in submitted:
            notes.append(f"The cell {id} is there twice: the first one counts.")
        else:
            submitted[id] = cell
            last = id
    return submitted, own, notes


def _step(cell: Cell, found: dict[str, Any] | None, notes: list[str]) -> Step:
    step = Step(cell.id, cell.kind, cell.name, cell.source, cell.markdown, cell.points)
    if cell.kind in ("solution", "question"):
        if found is None:
            notes.append(f"The cell {cell.id} is missing: it counts as not attempted.")
            step.source = ""
        else:
            step.source = source_of(found)
    elif cell.kind == "experiment" and found is not None:
        step.source = source_of(found)
        step.outputs = list(safe_outputs(found.get("outputs")))
    return step


def _ids(cell: dict[str, Any]) -> Iterator[str]:
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    for found in (nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None, cell.get("id")):
        if isinstance(found, str):
            yield found


def source_of(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(s for s in source if isinstance(s, str))
    return whole_text(source[:MAX_SOURCE]) if isinstance(source, str) else ""


def whole_text(text: str) -> str:
    """Half characters, which JSON and file names may hold and no file can, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def safe_outputs(outputs: Any) -> Iterator[dict[str, Any]]:
    """Of what a student's process or file calls outputs, the plain text and the PNG pictures."""
    for output in outputs if isinstance(outputs, list) else []:
        if not isinstance(output, dict):
            continue
        if output.get("output_type") == "stream":
            name = "stderr" if output.get("name") == "stderr" else "stdout"
            yield {"output_type": "stream", "name": name, "text": _text(output.get("text"))}
        elif output.get("output_type") == "error":
            yield {"output_type": "stream", "name": "stdout", "text": _text(output.get("traceback"), "\n")}
        else:
            data = _safe_data(output.get("data"))
            if data:
                yield {"output_type": "display_data", "metadata": {}, "data": data}


def _safe_data(data: Any) -> dict[str, str]:
    if not isinstance(data, dict):
        return {}
    kept = {}
    if "text/plain" in data:
        kept["text/plain"] = _text(data["text/plain"])
    png = "".join(_text(data.get("image/png"), cap=8 << 20).split())
    if png.startswith("iVBORw0KGgo") and set(png) <= BASE64:
        kept["image/png"] = png
    return kept


BASE64 = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")


def _text(value: Any, joined: str = "", cap: int = 64 << 10) -> str:
    """Text without terminal codes and control characters, at most `cap` characters."""
    if isinstance(value, list):
        value = joined.join(v for v in value if isinstance(v, str))
    if not isinstance(value, str):
        return ""
    return strip_control(value[:cap])


def strip_control(text: str) -> str:
    text = re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)?", "", text)
    return "".join(c for c in text if c in "\n\t" or c.isprintable())
