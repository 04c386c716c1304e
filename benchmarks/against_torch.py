"""Times of a NumPy reference beside torch's. Import it before NumPy: it sets the number of threads to one."""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from autograder.authoring.reference import Reference
from autograder.authoring.unit import read_unit

ROOT = Path(__file__).resolve().parent.parent
Call = Callable[[], object]

torch.set_num_threads(1)


def reference(slug: str, notebook: str) -> Mapping[str, Any]:
    """The names of a notebook's solution."""
    unit = read_unit(ROOT, slug)
    return Reference(unit, unit.notebook(notebook)).names


def milliseconds(f: Call, repeats: int = 15) -> float:
    """The median of some runs, after one that is not counted."""
    f()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        f()
        times.append(1e3 * (time.perf_counter() - started))
    return statistics.median(times)


def show(pairs: Mapping[str, tuple[Call, Call]]) -> None:
    """Print a table: what is computed -> (by the reference, by torch)."""
    table = Table("float64", "NumPy, ms", "torch, ms", "ratio")
    for name, (ours, theirs) in pairs.items():
        a, b = milliseconds(ours), milliseconds(theirs)
        table.add_row(name, f"{a:.2f}", f"{b:.2f}", f"{a / b:.1f}")
    Console().print(table)
