"""`autograder update`: a student's own work goes into a fixed release of the notebook, and nothing is lost.

Cells are matched by their names. A cell whose text differs from the digest that the release left in it is the
student's work."""

from __future__ import annotations

import copy
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

Document = dict[str, Any]
Raw = dict[str, Any]

EDITABLE = ("solution", "question", "experiment")  # where a student is asked to write
NUMBERED = ("text", "given")  # named by where they stand, all others by their author
DEFINES = re.compile(r"^(?:def|class) (\w+)", re.MULTILINE)
HEADING = (
    "## From your earlier notebook\n\n"
    "These cells found no place in the new release. Copy what you need, then delete them."
)


class TakeoverError(ValueError):
    """Nothing was changed, for the reason in the message."""


@dataclass
class Taken:
    """What was done: a sentence for each cell, the copy of the old notebook, the files of checks replaced."""

    told: list[str]
    backup: Path
    checks: list[str]


def digest(source: str) -> str:
    """By which a released text is known again; editors may change line ends and the space around it."""
    return hashlib.sha256(source.replace("\r\n", "\n").strip().encode()).hexdigest()[:16]


def update_notebook(mine: Path, release: Path) -> Taken:
    """Put the student's own work of `mine` into the text of `release`, under the name of `mine`.

    The old notebook is kept beside it. The checks beside the release take the place of older ones."""
    if mine.resolve() == release.resolve():
        raise TakeoverError("Both names are one file: give your notebook first, then the new release.")
    old, new = _read(mine), _read(release)
    merged, told = merge(old, new, mine.name, release.name)
    text = json.dumps(merged, indent=1, ensure_ascii=False) + "\n"
    backup = _backup(mine)
    fresh = mine.with_name(f".{mine.name}.new")
    fresh.write_text(text, encoding="utf-8", newline="\n")
    fresh.replace(mine)
    return Taken(told, backup, _take_checks(new, mine.parent, release.parent))


def merge(
    old: Document, new: Document, mine: str = "your notebook", release: str = "the release"
) -> tuple[Document, list[str]]:
    """The new release with the student's work in it, and a sentence for each cell that was taken."""
    key = _key(new)
    if not key:
        raise TakeoverError(
            f"{release} is not a released notebook of the course: give the new release second."
        )
    if _key(old) not in ("", key):
        raise TakeoverError(
            f"{mine} was made from {_key(old)}, {release} is {key}: they do not belong together."
        )
    changed = [c.name for c in map(Cell, new["cells"]) if c.digest and c.touched]
    if changed:
        raise TakeoverError(
            f"{release} is not as it was released ({changed[0]} was changed): give your notebook first, and "
            "a fresh copy of the release second."
        )
    sheet = _Sheet(new["cells"])
    sheet.take(old["cells"])
    metadata = dict(new["metadata"])
    for name in ("kernelspec", "language_info"):  # the student's Python
        if isinstance(old.get("metadata"), dict) and name in old["metadata"]:
            metadata[name] = old["metadata"][name]
    return {**new, "metadata": metadata, "cells": sheet.cells()}, sheet.told


class Cell:
    """One cell of a notebook. kind and name: as released, empty for a cell of the student's own."""

    def __init__(self, raw: Raw):
        self.raw = raw
        own, nbgrader = (_dict(_dict(raw.get("metadata")).get(by)) for by in ("autograder", "nbgrader"))
        self.kind = str(own.get("kind", ""))
        self.name = str(own.get("name", ""))
        self.digest = str(own.get("digest", ""))
        ids = [nbgrader.get("grade_id"), raw.get("id")]
        named = [self.name if self.kind == "solution" else f"{self.kind}-{self.name}"] if self.kind else []
        self.addresses = [*named, *(i for i in ids if isinstance(i, str))]

    @property
    def source(self) -> str:
        source = self.raw.get("source", "")
        source = "".join(map(str, source)) if isinstance(source, list) else str(source)
        return source.replace("\r\n", "\n")

    @property
    def code(self) -> bool:
        return self.raw.get("cell_type") == "code"

    @property
    def touched(self) -> bool:
        """Was the text changed since its release? Yes, where that cannot be known."""
        return self.digest != digest(self.source)

    @property
    def empty(self) -> bool:
        return not (self.source.strip() or self.raw.get("attachments"))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


@dataclass
class Slot:
    """A cell of the new release, and what of the student's stands around it."""

    cell: Cell
    taken: Cell | None = None
    before: list[Raw] = field(default_factory=list)
    after: list[Raw] = field(default_factory=list)


class _Sheet:
    """The new notebook while the old one's cells are put in."""

    def __init__(self, cells: list[Raw]):
        self._slots = [Slot(Cell(copy.deepcopy(raw))) for raw in cells]
        self._by_address = {slot.cell.addresses[0]: slot for slot in self._slots if slot.cell.addresses}
        self._kept: set[str] = set()  # digests of the old notebook's cells
        self._first: list[Raw] = []
        self._rest: list[Cell] = []
        self.told: list[str] = []

    def take(self, old: list[Any]) -> None:
        """Each cell of the old notebook finds its slot, stays behind the slot before it, or comes last."""
        cells = [Cell(raw) for raw in old if isinstance(raw, dict)]
        lost = self._lost(cells)
        self._kept = {cell.digest for cell in cells}
        own, where = self._first, "at the top"
        for cell in cells:
            slot = self._slot(cell, lost)
            if slot is not None and slot.taken is None:
                self._fill(slot, cell)
                own, where = slot.after, f"after {_shown(slot.cell)}"
            elif slot is None and cell.kind:
                self._without_place(cell)
            elif not cell.empty:
                own.append(_own(cell.raw))
                self.told.append(f"Your own cell {where}: {_first_line(cell)}")

    def _lost(self, cells: list[Cell]) -> dict[str, Slot]:
        """Exercises by name whose own cell is nowhere in the old notebook."""
        there = {address for cell in cells for address in cell.addresses}
        return {s.cell.name: s for s in self._slots if s.cell.kind == "solution" and s.cell.name not in there}

    def _slot(self, cell: Cell, lost: dict[str, Slot]) -> Slot | None:
        """Numbers move when a release gets another cell: what was released under them decides first."""
        if cell.kind in NUMBERED:
            same = [s for s in self._slots if s.cell.digest == cell.digest and s.cell.kind == cell.kind]
            if same:
                return next((slot for slot in same if slot.taken is None), same[0])
        for slot in (self._by_address[a] for a in cell.addresses if a in self._by_address):
            if slot.cell.kind not in NUMBERED or slot.cell.digest not in self._kept:
                return slot
        names = DEFINES.findall(cell.source) if cell.code and not cell.kind else []
        return next((lost.pop(name) for name in names if name in lost), None)

    def _fill(self, slot: Slot, cell: Cell) -> None:
        slot.taken = cell
        new, name = slot.cell, _shown(slot.cell)
        fixed = bool(cell.digest) and cell.digest != new.digest
        if cell.source.strip() == new.source.strip():
            _keep_outputs(new, cell)
        elif not cell.touched:
            self.told.append(f"{name}: the new release's text; you had not changed it.")
        elif new.kind in EDITABLE:
            if fixed:
                slot.before.append(_note(f"The new release changed {name}. Its new text:", new))
            _put(new, cell)
            more = " The release changed this cell too: its new text stands above yours." if fixed else ""
            self.told.append(f"{name}: your work was taken over.{more}")
        elif not fixed and cell.digest:
            _put(new, cell)
            self.told.append(f"{name}: your change was taken over.")
        else:
            self._rest.append(cell)
            self.told.append(f"{name}: the new release's text; what you had there is at the end.")

    def _without_place(self, cell: Cell) -> None:
        if cell.touched and not cell.empty:
            self._rest.append(cell)
            self.told.append(f"{_shown(cell)}: not in the new release any more; what you had is at the end.")

    def cells(self) -> list[Raw]:
        found = list(self._first)
        for slot in self._slots:
            found += [*slot.before, slot.cell.raw, *slot.after]
        if self._rest:
            found += [_text(HEADING), *(_own(cell.raw) for cell in self._rest)]
        return list(_with_ids(found, {slot.cell.raw.get("id") for slot in self._slots}))


def _put(new: Cell, old: Cell) -> None:
    """The student's text in the released cell, with what belongs to it."""
    new.raw["source"] = old.source.splitlines(keepends=True)
    if old.raw.get("attachments"):
        new.raw["attachments"] = old.raw["attachments"]
    _keep_outputs(new, old)


def _keep_outputs(new: Cell, old: Cell) -> None:
    if new.code and old.code:
        new.raw["outputs"] = old.raw.get("outputs") or []
        new.raw["execution_count"] = old.raw.get("execution_count")
    if old.raw.get("attachments"):
        new.raw["attachments"] = old.raw["attachments"]


def _own(raw: Raw) -> Raw:
    """A cell of the student's, without the marks of a released one, which it may be a copy of."""
    kind = raw.get("cell_type") if raw.get("cell_type") in ("code", "markdown", "raw") else "raw"
    metadata = _dict(raw.get("metadata"))
    kept: Raw = {
        "cell_type": kind,
        "id": raw.get("id"),
        "metadata": {k: v for k, v in metadata.items() if k not in ("autograder", "nbgrader")},
        "source": Cell(raw).source.splitlines(keepends=True),
    }
    if kind == "code":
        return kept | {
            "execution_count": raw.get("execution_count"),
            "outputs": raw.get("outputs") or [],
        }
    return kept | ({"attachments": raw["attachments"]} if raw.get("attachments") else {})


def _note(text: str, cell: Cell) -> Raw:
    fence = "`" * 4
    return _text(f"{text}\n\n{fence}{'python' if cell.code else 'markdown'}\n{cell.source}\n{fence}")


def _text(source: str) -> Raw:
    return {
        "cell_type": "markdown",
        "id": None,
        "metadata": {},
        "source": source.splitlines(keepends=True),
    }


def _with_ids(cells: list[Raw], released: set[Any]) -> Iterator[Raw]:
    """Every cell has an id of its own; released cells keep theirs."""
    used: set[Any] = set()
    fresh = (f"own-{number}" for number in count(1))
    theirs = {cell.get("id") for cell in cells}
    for cell in cells:
        id = cell.get("id")
        marked = "autograder" in cell["metadata"]
        good = isinstance(id, str) and re.fullmatch(r"[\w-]{1,64}", id, re.ASCII)
        if not good or id in used or (id in released and not marked):
            cell["id"] = next(name for name in fresh if name not in theirs)
        used.add(cell["id"])
        yield cell


def _shown(cell: Cell) -> str:
    """How a sentence calls the cell: an exercise by its name."""
    return cell.name if cell.kind == "solution" else f"{cell.kind} {cell.name}"


def _first_line(cell: Cell) -> str:
    line = next((line.strip() for line in cell.source.splitlines() if line.strip()), "a picture")
    return line if len(line) <= 60 else f"{line[:57]}..."


def _key(document: Document) -> str:
    try:
        return str(document["metadata"]["autograder"]["key"])
    except (KeyError, TypeError):
        return ""


def _read(path: Path) -> Document:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
        cells, metadata = document["cells"], document.get("metadata", {})
        if isinstance(cells, list) and isinstance(metadata, dict):
            return dict(document)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise TakeoverError(f"{path.name} is not a notebook that can be read: an .ipynb of Jupyter was expected.")


def _backup(path: Path) -> Path:
    """A copy beside the notebook, never in place of an older one."""
    names = (f"{path.stem}.before-update{'' if n == 1 else f'-{n}'}{path.suffix}" for n in count(1))
    backup = next(p for p in map(path.with_name, names) if not p.exists())
    shutil.copy2(path, backup)
    return backup


def _take_checks(new: Document, here: Path, there: Path) -> list[str]:
    """The public checks that lie beside the new release belong beside the notebook."""
    notebook = _key(new).split("/")[-1]
    files = [there / "checks" / f"{notebook}.{kind}" for kind in ("json", "npz", "py")]
    target = here / "checks"
    if here.resolve() == there.resolve() or not all(file.is_file() for file in files):
        return []
    target.mkdir(exist_ok=True)
    for file in files:
        shutil.copyfile(file, target / file.name)
    return [file.name for file in files]
