"""The NumPy reference of unit 08 against torch, one thread. Torch's schedulers give one rate at a time."""

from __future__ import annotations

from benchmarks.against_torch import reference, show  # isort: skip

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from torch.optim import lr_scheduler
from torch.optim.swa_utils import get_ema_multi_avg_fn, get_swa_multi_avg_fn

STEPS, WEIGHTS, BATCH, PIECE = 1000, 100_000, 1024, 128
MEMBERS, EXAMPLES, CLASSES = 5, 10_000, 10


Pairs = dict[str, tuple[Callable[[], object], Callable[[], object]]]


def rates(make: Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler]) -> list[float]:
    """The rate of every step, from one of torch's schedulers."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler, found = make(optimizer), []
    for _ in range(STEPS):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def schedules(mine: Mapping[str, Any]) -> Pairs:
    t = np.arange(STEPS)
    return {
        f"cosine, {STEPS:,} steps": (
            lambda: mine["cosine"](t, 0.1, 0.0, STEPS),
            lambda: rates(lambda o: lr_scheduler.CosineAnnealingLR(o, STEPS)),
        ),
        "restarts": (
            lambda: mine["restarts"](t, 0.1, 0.0, 200),
            lambda: rates(lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 200)),
        ),
        "triangles": (
            lambda: mine["triangular"](t, 0.01, 0.1, 100),
            lambda: rates(lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1, 100, cycle_momentum=False)),
        ),
    }


def gradients(mine: Mapping[str, Any], rng: np.random.Generator) -> Pairs:
    grads = [rng.normal(size=WEIGHTS // 4) for _ in range(4)]
    params = [torch.nn.Parameter(torch.zeros(len(g), dtype=torch.float64)) for g in grads]
    x, y = rng.normal(size=(BATCH, 64)), rng.integers(CLASSES, size=BATCH)
    W = rng.normal(size=(64, CLASSES))

    def clip() -> None:
        for p, g in zip(params, grads, strict=True):
            p.grad = torch.from_numpy(g.copy())
        torch.nn.utils.clip_grad_norm_(params, 1.0)

    def pieces() -> None:
        leaf = torch.from_numpy(W).requires_grad_()
        for xs, ys in zip(torch.from_numpy(x).split(PIECE), torch.from_numpy(y).split(PIECE), strict=True):
            (cross_entropy(xs @ leaf, ys) * (len(xs) / BATCH)).backward()

    return {
        f"gradient of {BATCH} in pieces of {PIECE}": (
            lambda: mine["accumulated_gradient"](mine["on_digits"](W), x, y, PIECE),
            pieces,
        ),
        f"clipping, {WEIGHTS:,} weights": (lambda: mine["clip_gradients"](grads, 1.0), clip),
    }


def averages(mine: Mapping[str, Any], rng: np.random.Generator) -> Pairs:
    logits = rng.normal(0, 3, (MEMBERS, EXAMPLES, CLASSES))
    tensors = torch.from_numpy(logits)
    average, w = rng.normal(size=(2, WEIGHTS))
    kept, new, count = [torch.from_numpy(average.copy())], [torch.from_numpy(w)], torch.tensor(3.0)
    return {
        f"ensemble, {MEMBERS} x {EXAMPLES:,} x {CLASSES}": (
            lambda: mine["ensemble"](logits),
            lambda: tensors.softmax(dim=-1).mean(dim=0),
        ),
        f"SWA, {WEIGHTS:,} weights": (
            lambda: mine["update_average"](average, w, 3),
            lambda: get_swa_multi_avg_fn()(kept, new, count),
        ),
        f"EMA, {WEIGHTS:,} weights": (
            lambda: mine["update_average"](average, w, 3, 0.99),
            lambda: get_ema_multi_avg_fn(0.99)(kept, new, count),
        ),
    }


def main() -> None:
    mine, rng = reference("08-schedules", "schedules_numpy"), np.random.default_rng(0)
    show(schedules(mine) | gradients(mine, rng) | averages(mine, rng))


if __name__ == "__main__":
    main()
