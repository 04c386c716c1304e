"""`autograder check NOTEBOOK`: a whole notebook on the student's own machine, Windows and macOS included."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autograder.report import Report
from autograder.running import is_stub, without_magics
from autograder.student import PublicChecks
from autograder.verdict import Verdict


class NotANotebook(ValueError):
    """The file given is not a notebook of this course."""


def check_notebook(path: Path) -> list[Report]:
    """Run the code cells of `path` in order, experiments left out, and every public check at its cell."""
    os.environ.setdefault("MPLBACKEND", "Agg")  # `plt.show()` must not wait for somebody to close a window
    cells, key = _read(path)
    names: dict[str, Any] = {"__name__": "__main__"}
    reports: list[Report] = []
    with _inside(path.parent):
        public = PublicChecks(key)
        for number, cell in enumerate(cells):
            own = cell.get("metadata", {}).get("autograder", {})
            if own.get("kind") == "check":
                reports.append(public.report(own["name"], names))
            elif cell.get("cell_type") == "code" and own.get("kind") != "experiment":
                trouble = _run("".join(cell.get("source", "")), names, f"<cell {number}>")
                if trouble:
                    name = own.get("name") or f"cell {number}"
                    reports.append(Report(f"{name}", [Verdict("the cell runs", "raised", trouble)]))
    return reports


def _read(path: Path) -> tuple[list[dict[str, Any]], str]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
        return document["cells"], document["metadata"]["autograder"]["key"]
    except (ValueError, KeyError, TypeError):
        raise NotANotebook(
            f"{path.name} is not a notebook of this course: a released .ipynb was expected."
        ) from None


def _run(source: str, names: dict[str, Any], name: str) -> str:
    """Execute a cell; the error in one line, or nothing."""
    try:
        exec(compile(without_magics(source), name, "exec"), names)
    except Exception as error:
        return "" if is_stub(error) else f"{type(error).__name__}: {error}"
    return ""


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
