"""The NumPy reference of unit 02 against torch, one thread, at the sizes of the experiments."""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from autograder.authoring.reference import Reference
from autograder.authoring.unit import read_unit

ROOT = Path(__file__).resolve().parent.parent
DENSE, IMAGES = (128, 1024), (128, 32, 32, 32)


def milliseconds(f: Callable[[], object], repeats: int = 15) -> float:
    f()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        f()
        times.append(1e3 * (time.perf_counter() - started))
    return statistics.median(times)


def main() -> None:
    torch.set_num_threads(1)
    unit = read_unit(ROOT, "02-batchnorm")
    mine = Reference(unit, unit.notebook("batchnorm_numpy")).names
    rng = np.random.default_rng(0)
    table = Table("float64", "NumPy, ms", "torch, ms", "ratio")
    x, dout = rng.normal(size=(2, *DENSE))
    gamma, beta = rng.normal(size=(2, DENSE[1]))
    images = rng.normal(size=IMAGES)
    scale, shift = rng.normal(size=(2, IMAGES[1]))
    t = {k: torch.from_numpy(v) for k, v in locals().copy().items() if isinstance(v, np.ndarray)}

    def norm(a: str, g: str, b: str) -> torch.Tensor:
        return torch.nn.functional.batch_norm(t[a], None, None, t[g], t[b], training=True)

    def backward() -> object:
        leaf = t["x"].clone().requires_grad_()
        y = torch.nn.functional.batch_norm(leaf, None, None, t["gamma"], t["beta"], training=True)
        return torch.autograd.grad(y, leaf, t["dout"])

    pairs = {
        f"forward {DENSE}": (
            lambda: mine["batchnorm_forward"](x, gamma, beta),
            lambda: norm("x", "gamma", "beta"),
        ),
        f"forward and backward {DENSE}": (
            lambda: (
                mine["batchnorm_forward"](x, gamma, beta),
                mine["batchnorm_backward"](dout, x, gamma),
            ),
            backward,
        ),
        f"spatial forward {IMAGES}": (
            lambda: mine["spatial_batchnorm"](images, scale, shift),
            lambda: norm("images", "scale", "shift"),
        ),
    }
    for name, (ours, theirs) in pairs.items():
        a, b = milliseconds(ours), milliseconds(theirs)
        table.add_row(name, f"{a:.2f}", f"{b:.2f}", f"{a / b:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
