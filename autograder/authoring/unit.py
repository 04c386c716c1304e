"""A unit as its author wrote it: one folder in `solutions/`."""

from __future__ import annotations

import ast
import tomllib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from autograder.authoring import install
from autograder.authoring.equations import Equations
from autograder.probes import Probe
from autograder.student import probes_in
from autograder.verdict import Mistake, mistake_from

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
    """Seconds that a cell, a probe and a whole submission may compute or sleep when graded, and bytes of
    arrays, such as weights, that are read beside its notebooks."""

    cell_seconds: float = 10.0
    probe_seconds: float = 10.0
    submission_seconds: float = 60.0
    array_bytes: int = 16 << 20


@dataclass
class Notebook:
    """One notebook of a unit."""

    unit: str
    name: str
    torch: bool
    cells: list[Cell]
    forbidden: list[str] = field(default_factory=list)
    checks: str = ""  # the source of its checks
    checks_file: str = "checks.py"

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


@dataclass
class Unit:
    """Everything that grading and building need, and nothing that needs a file: it travels as JSON.

    beside: the files of `solutions/<slug>/beside/` by name, in base 64; the solution opens them as a
    submission opens its own."""

    slug: str
    title: str
    limits: Limits
    notebooks: list[Notebook]
    patches: list[Patch]
    beside: dict[str, str] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, bytes]:
        return {name: b64decode(text) for name, text in self.beside.items()}

    @cached_property
    def probes(self) -> dict[str, Probe]:
        probes: dict[str, Probe] = {}
        for file, checks in {n.checks_file: n.checks for n in self.notebooks}.items():
            found = probes_in(checks, f"{self.slug}/{file}")
            for twice in sorted(probes.keys() & found.keys()):
                raise UnitError(f"{self.slug} has two probes called {twice}: names are unique in a unit.")
            probes |= found
        return probes

    def notebook(self, name: str) -> Notebook:
        return next(n for n in self.notebooks if n.name == name)

    def probes_of(self, notebook: Notebook) -> list[Probe]:
        return [p for p in self.probes.values() if p.of in notebook.exercises]

    def patches_of(self, notebook: Notebook) -> list[Patch]:
        return [p for p in self.patches if p.mistake.of in notebook.exercises]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Unit:
        notebooks = [Notebook(**{**n, "cells": [Cell(**c) for c in n["cells"]]}) for n in plain["notebooks"]]
        patches = [Patch(mistake_from(p["mistake"]), p["find"], p["replace"]) for p in plain["patches"]]
        return cls(
            **{**plain, "limits": Limits(**plain["limits"]), "notebooks": notebooks, "patches": patches}
        )


def read_unit(root: Path, slug: str) -> Unit:
    """Read `solutions/<slug>/`; raises UnitError where something does not fit together."""
    folder = root / "solutions" / slug
    if not (folder / "unit.toml").exists():
        have = ", ".join(slugs(root)) or "none yet"
        raise UnitError(f"There is no unit {slug}: solutions/{slug}/unit.toml is missing (units: {have}).")
    settings = _toml(folder / "unit.toml")
    missing = [key for key in ("title", "notebooks") if key not in settings]
    if missing:
        raise UnitError(f"{slug}/unit.toml: {' and '.join(missing)} missing.")
    equations = Equations(root / settings.get("chapter", f"book/{slug}/index.md"))
    try:
        limits = Limits(**settings.get("limits", {}))
    except TypeError as error:
        raise UnitError(f"{slug}/unit.toml, [limits]: {str(error).split('__init__() ')[-1]}.") from None
    repository = install.repository(root)
    notebooks = [
        _notebook(folder, name, own, equations, repository) for name, own in settings["notebooks"].items()
    ]
    mistakes = sorted(folder.glob("mistakes_*.toml")) or [folder / "mistakes.toml"]
    patches = [
        _patch(row, equations, f"{slug}/{path.name}")
        for path in mistakes
        for row in _toml(path).get("mistake", [])
    ]
    _check_names(notebooks, patches, slug)
    beside = _beside(folder / "beside", limits.array_bytes)
    return Unit(slug, str(settings["title"]), limits, notebooks, patches, beside)


def _beside(folder: Path, most: int) -> dict[str, str]:
    files = {path.name: path.read_bytes() for path in sorted(folder.glob("*"))}
    size = sum(map(len, files.values()))
    if size > most:
        where = f"{folder.parent.name}/beside"
        raise UnitError(f"{where} has {size:,} bytes, and submissions may have {most:,} (array_bytes).")
    return {name: b64encode(content).decode() for name, content in files.items()}


def _notebook(
    folder: Path, name: str, own: dict[str, Any], equations: Equations, repository: str
) -> Notebook:
    """Its checks are in `checks_<last word of its name>.py`, or in the `checks.py` that notebooks share."""
    cells = _with_install(_cells(folder / f"{name}.py", equations), repository)
    checks = folder / f"checks_{name.split('_')[-1]}.py"
    if not checks.exists():
        checks = folder / "checks.py"
    if not checks.exists():
        raise UnitError(f"{folder.name}/checks.py is missing.")
    return Notebook(
        folder.name,
        name,
        bool(own.get("torch")),
        cells,
        own.get("forbidden", []),
        checks.read_text(encoding="utf-8"),
        checks.name,
    )


def _cells(path: Path, equations: Equations) -> list[Cell]:
    import jupytext

    where = f"{path.parent.name}/{path.name}"
    if not path.exists():
        raise UnitError(f"unit.toml names the notebook {path.stem}, but {where} is missing.")
    cells: list[Cell] = []
    for number, raw in enumerate(jupytext.read(path, fmt="py:percent").cells):
        marker = next((m for m in MARKERS if m in raw.metadata), None)
        kind = marker or ("text" if raw.cell_type == "markdown" else "given")
        name = str(raw.metadata[marker]) if marker else f"{number:02d}"
        points = float(raw.metadata.get("points", 0))
        source = equations.cite(raw.source, where)
        cells.append(Cell(kind, name, source, points, raw.cell_type == "markdown"))
    _check_cells(cells, where)
    return cells


def _with_install(cells: list[Cell], repository: str) -> list[Cell]:
    """The cells with one before the first code that gets the course's package where it is missing."""
    if not repository:
        return cells
    first = next((i for i, cell in enumerate(cells) if not cell.markdown), len(cells))
    return [*cells[:first], Cell("given", "install", install.source(repository)), *cells[first:]]


def _patch(row: dict[str, Any], equations: Equations, file: str) -> Patch:
    where = f"{file}, {row.get('id', 'a row without id')}"
    missing = [k for k in ("id", "of", "find", "replace", "says") if k not in row]
    if missing:
        raise UnitError(f"{where}: {', '.join(missing)} missing.")
    fields = {k: v for k, v in row.items() if k not in ("find", "replace")}
    for key in ("says", "hint", "see"):
        if key in fields:
            fields[key] = equations.cite(fields[key], where)
    try:
        return Patch(mistake_from(fields), row["find"], row["replace"])
    except TypeError as error:
        raise UnitError(f"{where}: {str(error).split('__init__() ')[-1]}.") from None


def _check_names(notebooks: list[Notebook], patches: list[Patch], slug: str) -> None:
    """What is looked up by name across the unit; a second function of a name would replace the first."""
    for twice in _repeated([p.mistake.id for p in patches]):
        raise UnitError(f"{slug} has the mistake {twice} twice: ids are unique in a unit.")
    for twice in _repeated([name for notebook in notebooks for name in notebook.exercises]):
        raise UnitError(f"{slug} has two exercises called {twice}: names are unique in a unit.")
    for notebook in notebooks:
        defined = [n.name for n in ast.parse(notebook.checks).body if isinstance(n, ast.FunctionDef)]
        for twice in _repeated([name for name in defined if name != "_"]):
            where = f"{slug}/{notebook.checks_file}"
            raise UnitError(f"{where} defines {twice} twice: the first one would be lost, rename one.")


def _repeated(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


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
        regions = cell.source.count(BEGIN)
        if cell.kind == "solution" and not (regions and regions == cell.source.count(END)):
            raise UnitError(f"{where}: the solution {cell.name} needs matching {BEGIN} and {END} lines.")
        if cell.kind in ("check", "question") and cell.points <= 0:
            raise UnitError(f"{where}: {cell.id} needs points, e.g. `points=4`.")
    solutions = {c.name for c in cells if c.kind == "solution"}
    for cell in cells:
        if cell.kind == "check" and cell.name not in solutions:
            raise UnitError(f"{where}: the check of {cell.name} has no solution cell.")
