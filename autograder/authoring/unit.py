"""A unit as its author wrote it: one folder in `solutions/`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from autograder.authoring.equations import Equations
from autograder.probes import Probe
from autograder.student import load_probes
from autograder.verdict import Mistake

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
MARKERS = ("solution", "check", "experiment", "question", "listing")


class UnitError(ValueError):
    """A unit's files contradict the conventions; the message says where and what to do."""


@dataclass(frozen=True)
class Cell:
    """One cell. kind: "text", "given", "listing", or one of the markers with its name."""

    kind: str
    name: str
    source: str
    points: float = 0
    markdown: bool = False

    @property
    def id(self) -> str:
        """Also nbgrader's grade id. A solution keeps the bare name of its exercise."""
        return self.name if self.kind == "solution" else f"{self.kind}-{self.name}"


@dataclass(frozen=True)
class Patch:
    """A known mistake with the change of the solution that makes it."""

    mistake: Mistake
    find: str
    replace: str


@dataclass(frozen=True)
class Limits:
    """Seconds that a cell, a probe and a whole submission may take when graded."""

    cell_seconds: float = 10.0
    probe_seconds: float = 10.0
    submission_seconds: float = 60.0


@dataclass
class Notebook:
    """One notebook of a unit."""

    unit: str
    name: str
    torch: bool
    cells: list[Cell]

    @property
    def key(self) -> str:
        return f"{self.unit}/{self.name}"

    @property
    def exercises(self) -> list[str]:
        return [c.name for c in self.cells if c.kind == "solution"]

    def of_kind(self, kind: str) -> Iterator[Cell]:
        return (c for c in self.cells if c.kind == kind)

    def solution(self, exercise: str) -> Cell:
        return next(c for c in self.of_kind("solution") if c.name == exercise)


class Unit:
    """Reads `solutions/<slug>/`; raises UnitError where something does not fit together."""

    def __init__(self, root: Path, slug: str):
        self.root, self.slug = root, slug
        self.folder = root / "solutions" / slug
        if not (self.folder / "unit.toml").exists():
            have = ", ".join(slugs(root)) or "none yet"
            raise UnitError(
                f"There is no unit {slug}: solutions/{slug}/unit.toml is missing (units: {have})."
            )
        self.settings: dict[str, Any] = _toml(self.folder / "unit.toml")

    @property
    def title(self) -> str:
        return str(self.settings["title"])

    @cached_property
    def limits(self) -> Limits:
        return Limits(**self.settings.get("limits", {}))

    @cached_property
    def equations(self) -> Equations:
        chapter = self.settings.get("chapter", f"book/{self.slug}/index.md")
        return Equations(self.root / chapter)

    @cached_property
    def notebooks(self) -> list[Notebook]:
        return [
            Notebook(self.slug, name, bool(settings.get("torch")), self._cells(name))
            for name, settings in self.settings["notebooks"].items()
        ]

    @cached_property
    def probes(self) -> dict[str, Probe]:
        return load_probes(self.folder / "checks.py")

    @cached_property
    def patches(self) -> list[Patch]:
        rows = _toml(self.folder / "mistakes.toml").get("mistake", [])
        patches = [self._patch(row) for row in rows]
        ids = [p.mistake.id for p in patches]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise UnitError(
                f"{self.slug}/mistakes.toml has the id {twice[0]} twice: ids are unique in a unit."
            )
        return patches

    def probes_of(self, notebook: Notebook) -> list[Probe]:
        return [p for p in self.probes.values() if p.of in notebook.exercises]

    def patches_of(self, notebook: Notebook) -> list[Patch]:
        return [p for p in self.patches if p.mistake.of in notebook.exercises]

    def _cells(self, notebook: str) -> list[Cell]:
        import jupytext

        path = self.folder / f"{notebook}.py"
        if not path.exists():
            raise UnitError(
                f"unit.toml names the notebook {notebook}, but {path.name} is missing in {self.slug}."
            )
        cells: list[Cell] = []
        for number, raw in enumerate(jupytext.read(path, fmt="py:percent").cells):
            source = self.equations.cite(raw.source, f"{self.slug}/{path.name}")
            marker = next((m for m in MARKERS if m in raw.metadata), None)
            kind = marker or ("text" if raw.cell_type == "markdown" else "given")
            name = str(raw.metadata[marker]) if marker else f"{number:02d}"
            cell = Cell(kind, name, source, float(raw.metadata.get("points", 0)), raw.cell_type == "markdown")
            cells.append(cell)
        _check_cells(cells, f"{self.slug}/{path.name}")
        return cells

    def _patch(self, row: dict[str, Any]) -> Patch:
        where = f"{self.slug}/mistakes.toml, {row.get('id', 'a row without id')}"
        missing = [k for k in ("id", "of", "find", "replace", "says") if k not in row]
        if missing:
            raise UnitError(f"{where}: {', '.join(missing)} missing.")
        fields = {k: v for k, v in row.items() if k not in ("find", "replace")}
        for key in ("says", "hint", "see"):
            if key in fields:
                fields[key] = self.equations.cite(fields[key], where)
        fields["synonyms"] = tuple(fields.get("synonyms", ()))
        try:
            mistake = Mistake(**fields)
        except TypeError as error:
            raise UnitError(f"{where}: {str(error).split('__init__() ')[-1]}.") from None
        return Patch(mistake, row["find"], row["replace"])


def slugs(root: Path) -> list[str]:
    """All units of the course, in order."""
    return sorted(p.parent.name for p in (root / "solutions").glob("*/unit.toml"))


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UnitError(f"{path.parent.name}/{path.name} is missing.") from None
    except tomllib.TOMLDecodeError as error:
        raise UnitError(f"{path.parent.name}/{path.name} is not valid TOML: {error}.") from None


def _check_cells(cells: list[Cell], where: str) -> None:
    ids = [c.id for c in cells]
    twice = sorted({i for i in ids if ids.count(i) > 1})
    if twice:
        raise UnitError(f"{where}: two cells are called {twice[0]}.")
    for cell in cells:
        if cell.kind == "solution" and (cell.source.count(BEGIN), cell.source.count(END)) not in (
            (1, 1),
            (2, 2),
            (3, 3),
        ):
            raise UnitError(f"{where}: the solution {cell.name} needs matching {BEGIN} and {END} lines.")
        if cell.kind in ("check", "question") and cell.points <= 0:
            raise UnitError(f"{where}: {cell.id} needs points, e.g. `points=4`.")
    solutions = {c.name for c in cells if c.kind == "solution"}
    for cell in cells:
        if cell.kind == "check" and cell.name not in solutions:
            raise UnitError(f"{where}: the check of {cell.name} has no solution cell.")
