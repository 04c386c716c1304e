"""How long `check(f)` takes, right and with known mistakes: `python benchmarks/checks.py`."""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from autograder.authoring.reference import Reference
from autograder.authoring.unit import Notebook, Unit, read_unit, slugs
from autograder.student import PublicChecks

ROOT = Path(__file__).resolve().parent.parent


def milliseconds(public: PublicChecks, exercise: str, names: dict[str, Any]) -> float:
    started = time.perf_counter()
    public.report(exercise, names)
    return 1e3 * (time.perf_counter() - started)


def rows(unit: Unit, notebook: Notebook) -> list[tuple[str, ...]]:
    reference = Reference(unit, notebook)
    public = PublicChecks(notebook.key)
    first = milliseconds(public, notebook.exercises[0], reference.names)
    found = [(f"first check of {notebook.name}", f"{first:.1f}", "")]
    for exercise in notebook.exercises:
        right = statistics.median(milliseconds(public, exercise, reference.names) for _ in range(5))
        patches = [p for p in unit.patches if p.mistake.of == exercise]
        wrong = [milliseconds(public, exercise, reference.patched(p)) for p in patches]
        found.append((exercise, f"{right:.1f}", f"{max(wrong):.1f}" if wrong else ""))
    return found


def main() -> None:
    table = Table("exercise", "right, ms", "worst mistake, ms")
    for slug in sys.argv[1:] or slugs(ROOT):
        unit = read_unit(ROOT, slug)
        for notebook in unit.notebooks:
            for row in rows(unit, notebook):
                table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    main()
