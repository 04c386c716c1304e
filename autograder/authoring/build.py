"""solutions/<unit> → exercises/<unit> (released) and _build/masters/<unit> (with solutions, for nbgrader)."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from autograder import store
from autograder.authoring import install, release
from autograder.authoring.reference import Reference, public_seeds, released_mistakes
from autograder.authoring.unit import Notebook, Unit, read_unit

MASTERS = Path("_build") / "masters"


def build(unit: Unit, root: Path) -> list[Path]:
    """Write the release and the masters of `unit`; returns the released files."""
    target = root / "exercises" / unit.slug
    masters = root / MASTERS / unit.slug
    (target / "checks").mkdir(parents=True, exist_ok=True)
    masters.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for notebook in unit.notebooks:
        written += _build_notebook(unit, notebook, target)
        store.write_if_changed(
            masters / f"{notebook.name}.ipynb", release.notebook_json(notebook, solution=True)
        )
    _remove_others(target, written)
    plain = {**unit.to_json(), "sources": _digest(root, unit.slug)}
    store.write_if_changed(masters / "unit.json", json.dumps(plain, indent=1, ensure_ascii=False))
    shutil.copytree(target / "checks", masters / "checks", dirs_exist_ok=True)
    return written


def load_built(root: Path, slug: str) -> Unit:
    """The unit as last built; built now where its sources changed since (or never were built)."""
    saved = root / MASTERS / slug / "unit.json"
    if saved.exists():
        plain = json.loads(saved.read_text(encoding="utf-8"))
        if plain.pop("sources") == _digest(root, slug) and (root / "exercises" / slug / "checks").is_dir():
            return Unit.from_json(plain)
    unit = read_unit(root, slug)
    build(unit, root)
    return unit


def _digest(root: Path, slug: str) -> str:
    """Of everything that a unit is built from: its folder, its chapter, the repository's address."""
    digest = hashlib.sha256(install.repository(root).encode() + b"\0")
    for path in sorted([*(root / "solutions" / slug).glob("*.*"), *(root / "book" / slug).glob("*.md")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _build_notebook(unit: Unit, notebook: Notebook, target: Path) -> list[Path]:
    questions = Reference(unit, notebook).questions(public_seeds(unit.slug))
    checks = target / "checks"
    store.save(checks, notebook.name, questions, released_mistakes(unit, notebook))
    public = [p.name for p in unit.probes_of(notebook) if not p.hidden]
    store.write_if_changed(checks / f"{notebook.name}.py", release.cut_probes(notebook.checks, public))
    store.write_if_changed(target / f"{notebook.name}.ipynb", release.notebook_json(notebook, solution=False))
    return [
        target / f"{notebook.name}.ipynb",
        *(checks / f"{notebook.name}.{e}" for e in ("py", "json", "npz")),
    ]


def _remove_others(target: Path, written: list[Path]) -> None:
    """What an earlier build wrote for a notebook that is gone."""
    for path in [*target.glob("*.ipynb"), *(target / "checks").glob("*.*")]:
        if path not in written:
            path.unlink()
