"""What a student hands in: answers put into the released notebooks, and the ways in which files break."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from autograder.authoring import release
from autograder.authoring.unit import Notebook, Unit

Files = dict[str, bytes]
BOM = b"\xef\xbb\xbf"


@dataclass
class Work:
    """What a student hands in: an answer per exercise, own cells before some, faults of the files."""

    answers: dict[str, str] = field(default_factory=dict)
    own: dict[str, list[str]] = field(default_factory=dict)
    spoil: Callable[[Files], None] = lambda files: None


class Desk:
    """Where the released notebooks of a unit are filled in."""

    def __init__(self, unit: Unit):
        self._beside = unit.files
        self._released = {n.name: release.notebook_json(n, solution=False) for n in unit.notebooks}

    def files(self, work: Work) -> Files:
        files = {}
        for name, text in self._released.items():
            document = json.loads(text)
            document["cells"] = [c for cell in document["cells"] for c in _written(cell, work)]
            files[f"{name}.ipynb"] = (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
        work.spoil(files)
        return files | self._beside if work.answers else files


def _written(cell: dict[str, Any], work: Work) -> Iterator[dict[str, Any]]:
    """The released cell with the student's answer in it, after the student's own cells."""
    marks = cell["metadata"]["autograder"]
    if marks["kind"] == "solution" and marks["name"] in work.answers:
        for number, source in enumerate(work.own.get(marks["name"], [])):
            yield _own_cell(f"own-{marks['name']}-{number}"[:64], source)
        cell["source"] = work.answers[marks["name"]].splitlines(keepends=True)
    elif marks["kind"] == "question" and work.answers:
        cell["source"] = ["I worked it out on paper; the result agrees with what the notebook shows."]
    yield cell


def _own_cell(id: str, source: str) -> dict[str, Any]:
    lines = source.splitlines(keepends=True)
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": id,
        "metadata": {},
        "outputs": [],
        "source": lines,
    }


def with_bom(files: Files) -> None:
    files.update({name: BOM + data for name, data in files.items()})


def _cut_off(work: Work, notebook: Notebook) -> None:
    def spoil(files: Files) -> None:
        data = files[f"{notebook.name}.ipynb"]
        files[f"{notebook.name}.ipynb"] = data[: len(data) // 2]

    work.spoil = spoil


def _missing(work: Work, notebook: Notebook) -> None:
    def spoil(files: Files) -> None:
        del files[f"{notebook.name}.ipynb"]

    work.spoil = spoil


def _empty(work: Work, notebook: Notebook) -> None:
    empty = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    work.spoil = lambda files: files.update({f"{notebook.name}.ipynb": json.dumps(empty).encode()})


def _answers(statement: str) -> Callable[[Work, Notebook], None]:
    """The body of the last plain function of the notebook is `statement`."""

    def fault(work: Work, notebook: Notebook) -> None:
        cell = [c for c in notebook.of_kind("solution") if c.source.lstrip().startswith("def ")][-1]
        work.answers[cell.name] = release.stub(cell.source).replace(release.STUB, statement)

    return fault


def _runs(source: str) -> Callable[[Work, Notebook], None]:
    """A cell of the student's own, in the middle of the notebook, does this."""

    def fault(work: Work, notebook: Notebook) -> None:
        middle = notebook.exercises[len(notebook.exercises) // 2]
        work.own.setdefault(middle, []).append(source)

    return fault


FAULTS: dict[str, Callable[[Work, Notebook], None]] = {
    "not valid JSON": _cut_off,
    "endless loop in a function": _answers("while True: pass"),
    "crash in a cell": _runs("import os\n\nos._exit(1)"),
    "a notebook is missing": _missing,
    "endless loop in a cell": _runs("while True:\n    pass"),
    "crash in a function": _answers('__import__("os").abort()'),
    "a notebook without cells": _empty,
}
