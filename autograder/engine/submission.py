"""A submission is data: the student's answers are put into the released notebook's frame."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from autograder.authoring.release import stub
from autograder.authoring.unit import Cell, Notebook
from autograder.engine.answers import MAX_PASTED, safe_outputs, safe_pictures
from autograder.engine.reading import source_of
from autograder.takeover import digest

MAX_SOURCE = 200_000
DEFINES = re.compile(r"^(?:async\s+)?(?:def|class)\s+(\w+)", re.MULTILINE)


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
    pictures: list[tuple[str, str]] = field(default_factory=list)  # pasted into an answer: type and base64


@dataclass
class Composed:
    steps: list[Step]
    notes: list[str]


def compose(notebook: Notebook, cells: list[dict[str, Any]]) -> Composed:
    """Put the student's answers into the released notebook's frame.

    Points, checks, given cells and order come from the release. A cell that the student added runs where it
    stood: after the released cell that precedes it. Lost and doubled cells are told in `notes`, and so is
    work on an older release."""
    found = _Sorted(notebook, cells)
    steps: list[Step] = list(found.own.get("", []))
    for cell in notebook.cells:
        steps.append(found.step(cell))
        steps += found.own.get(cell.id, [])
    return Composed(steps, [*older_release(notebook, cells), *found.notes])


def older_release(notebook: Notebook, cells: list[dict[str, Any]]) -> Iterator[str]:
    """Sentences where cells say that they were released with another text, or are released no more.

    What a student writes into a cell does not change what the cell says about its release."""
    present = {c.id: _digests(c) for c in notebook.cells}
    before = {id: mark for id, mark in map(_release_mark, cells) if mark}
    changed = [id for id, mark in before.items() if not _numbered(id) and mark not in present.get(id, {mark})]
    numbered = {digest for id, digests in present.items() if _numbered(id) for digest in digests}
    there = {mark for id, mark in before.items() if _numbered(id)}
    if changed or (there - numbered and numbered - there):
        what = f": {', '.join(changed)} changed since" if changed else ""
        yield f"This was written in an older release of the notebook and is graded as the present one{what}."
    for id in before:
        if id not in present and not _numbered(id) and not id.startswith("check-"):
            yield f"The cell {id} is not in the present release of the notebook: it earns no points."


def _release_mark(cell: dict[str, Any]) -> tuple[str, str]:
    """Under which id a cell was released, and the digest of its text then; "" where it does not say."""
    mark = _dict(_dict(cell.get("metadata")).get("autograder"))
    kind, name = mark.get("kind"), mark.get("name")
    return (str(name) if kind == "solution" else f"{kind}-{name}"), str(mark.get("digest", ""))


def _digests(cell: Cell) -> set[str]:
    """Of the text as it is released, to students and to the staff."""
    return {digest(cell.source), digest(stub(cell.source))}


def _numbered(id: str) -> bool:
    """Is the cell named by its place? That moves when a release gets another cell."""
    return id.startswith(("text-", "given-"))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


class _Sorted:
    """The submitted cells: by released id, or own ones by the released cell that they follow."""

    def __init__(self, notebook: Notebook, cells: list[dict[str, Any]]):
        self.released: dict[str, dict[str, Any]] = {}
        self.own: dict[str, list[Step]] = {}
        self.notes: list[str] = []
        self.written: dict[str, str] = {}  # where the definition of a name stands, first come first served
        kinds = {c.id: c.kind for c in notebook.cells}
        known = _Known(notebook, cells)
        last = ""
        for number, cell in enumerate(cells):
            id = known.id_of(cell, last)
            if id in self.released:
                counts = "both are run" if kinds[id] == "solution" else "the first one counts"
                self.notes.append(f"The cell {id} is there twice: {counts}.")
                if kinds[id] == "solution":
                    self._add_own(last, number, cell)
            elif id is None:
                self._add_own(last, number, cell)
            else:
                self.released[id] = cell
                last = id
                names = DEFINES.findall(source_of(cell))
                self.written = dict.fromkeys(names, id) | self.written
                if kinds[id] in ("given", "listing", "check") and known.missing & set(names):
                    self._add_own(last, number, cell)

    def _add_own(self, after: str, number: int, cell: dict[str, Any]) -> None:
        if cell.get("cell_type") == "code" and source_of(cell).strip():
            source = self._bounded(source_of(cell), "that you added")
            self.own.setdefault(after, []).append(Step(f"own-{number}", "own", "", source))

    def step(self, cell: Cell) -> Step:
        """The released cell, with the student's answer where it asks for one."""
        step = Step(cell.id, cell.kind, cell.name, cell.source, cell.markdown, cell.points)
        found = self.released.get(cell.id)
        if cell.kind in ("solution", "question"):
            step.source = self._lost(cell) if found is None else self._bounded(source_of(found), cell.id)
        elif cell.kind == "experiment" and found is not None:
            step.source = self._bounded(source_of(found), cell.id)
            step.outputs = list(safe_outputs(found.get("outputs")))
        if cell.kind == "question" and found is not None:
            step.pictures, lost = safe_pictures(found.get("attachments"))
            if lost:
                self.notes.append(
                    f"The cell {cell.id} holds a pasted picture that is in the submitted file alone: "
                    f"PNG, JPEG and GIF are shown, up to {MAX_PASTED * 3 // 4 >> 20} MB in a cell."
                )
        return step

    def _lost(self, cell: Cell) -> str:
        place = self.written.get(cell.name) if cell.kind == "solution" else None
        if place is None:
            self.notes.append(f"The cell {cell.id} is missing: it counts as not attempted.")
            return ""
        self.notes.append(f"The cell {cell.id} is missing: {cell.name} is written in the cell {place}.")
        return f"# {cell.name} is written in the cell {place}"

    def _bounded(self, source: str, which: str) -> str:
        """Half a cell is no answer: one that is too long is left out as a whole."""
        if len(source) <= MAX_SOURCE:
            return source
        self.notes.append(
            f"The cell {which} has {len(source):,} characters, at most {MAX_SOURCE:,} are read: "
            "it was left out. Keep data and pictures in files."
        )
        return f"# {len(source):,} characters were left out"


class _Known:
    """Which released cell a submitted one is: by its ids, or, where those were lost, by what stands in it."""

    def __init__(self, notebook: Notebook, cells: list[dict[str, Any]]):
        self._ids = {c.id for c in notebook.cells}
        numbered = [(digest(c.source), c.id) for c in notebook.cells if _numbered(c.id)]
        once = Counter(mark for mark, _ in numbered)
        self._moved = {mark: id for mark, id in numbered if once[mark] == 1}
        there = {id for cell in cells for id in _ids(cell)}
        lost = [c for c in notebook.cells if c.id not in there]
        self._texts = {(stub(c.source) if c.kind == "solution" else c.source).strip(): c.id for c in lost}
        self._names = {c.name: c.id for c in lost if c.kind == "solution"}
        self._follows = {
            a.id: b.id for a, b in pairwise(notebook.cells) if b in lost and b.kind == "question"
        }
        self.missing = set(self._names)  # the exercises whose own cell is lost

    def id_of(self, cell: dict[str, Any], last: str) -> str | None:
        """last: the released cell before this one."""
        id, mark = _release_mark(cell)
        if _numbered(id) and mark in self._moved:
            return self._moved[mark]
        for id in _ids(cell):
            if id in self._ids:
                return id
        text = source_of(cell)
        if text.strip() in self._texts:
            return self._texts.pop(text.strip())
        if cell.get("cell_type") != "code":
            return self._follows.pop(last, None)
        return next((self._names.pop(n) for n in DEFINES.findall(text) if n in self._names), None)


def _ids(cell: dict[str, Any]) -> Iterator[str]:
    nbgrader = _dict(_dict(cell.get("metadata")).get("nbgrader"))
    for found in (nbgrader.get("grade_id"), cell.get("id")):
        if isinstance(found, str):
            yield found
