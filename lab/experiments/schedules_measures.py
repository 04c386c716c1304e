"""The data of unit 08's experiments, one training run, and what is measured on a network."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from lab.device import nn, torch
from lab.experiments.depth_measures import SETS, Amount, Prepared, prepared
from lab.nets import batch_norm, no_norm, small_cnn
from lab.training import evaluate

Record = dict[str, Any]
Batches = list[tuple[torch.Tensor, torch.Tensor]]
Scheduler = torch.optim.lr_scheduler.LRScheduler
TrainEpoch = Callable[..., float]  # (model, batches, optimizer, scheduler, max_norm) -> mean loss

FAST = torch.channels_last  # convolutions and max-pooling on a CPU take less time with it
MOMENTUM = 0.9
SHARP_EPS = 1e-3  # the box of Keskar et al. 2017, table 3
SHARP_STEPS = 10
TIMED_ROUNDS = 5

__all__ = ["SETS", "Prepared", "batches", "evaluate", "images", "network", "train"]


@cache
def images(name: str, train: int, validation: int, test: int) -> Prepared:
    """The first images of a set, standardized; colour images have 16x16 pixels."""
    found = prepared(name, "standardized", Amount(train, validation, test, 1, 1))
    splits = ("train_x", "validation_x", "test_x")
    return replace(found, **{x: getattr(found, x).contiguous(memory_format=FAST) for x in splits})


def network(name: str, seed: int) -> nn.Sequential:
    """small_cnn with ("BN") or without ("plain") batch normalization, or an "MLP" for mnist."""
    if name == "MLP":
        torch.manual_seed(seed)
        layers = (nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))
        return nn.Sequential(nn.Flatten(), *layers)
    net = small_cnn({"BN": batch_norm, "plain": no_norm}[name], seed=seed)
    net.to(memory_format=FAST)  # type: ignore[call-overload]  # torch's own types do not know it
    return net


def batches(data: Prepared, batch: int, steps: int, seed: int) -> Batches:
    """That many batches (x, y): every image once in a new order, then all again, cut in equal parts."""
    draw, count = torch.Generator().manual_seed(seed), len(data.train_x)
    orders = [torch.randperm(count, generator=draw) for _ in range(math.ceil(batch * steps / count))]
    rows = torch.cat(orders)[: batch * steps].to(data.train_x.device)
    return [(data.train_x[part], data.train_y[part]) for part in rows.split(batch)]


def one_pass(
    net: nn.Module,
    pairs: Batches,
    optimizer: torch.optim.Optimizer,
    scheduler: Scheduler,
    max_norm: float | None = None,
    *,
    micro: int | None = None,
    norms: list[float] | None = None,
) -> float:
    """Train on each of the batches, in parts of `micro` images; returns the mean loss.

    `norms` gets the norm of every gradient, before it is clipped.
    """
    net.train()
    weights, total = list(net.parameters()), 0.0
    for whole_x, whole_y in pairs:
        optimizer.zero_grad()
        loss = accumulate(net, whole_x, whole_y, micro or len(whole_x))
        if max_norm is not None or norms is not None:
            norm = torch.nn.utils.clip_grad_norm_(weights, math.inf if max_norm is None else max_norm)
            if norms is not None:
                norms.append(norm.item())
        optimizer.step()
        scheduler.step()
        total += loss
    return total / len(pairs)


def accumulate(net: nn.Module, whole_x: torch.Tensor, whole_y: torch.Tensor, micro: int) -> float:
    """Add up in p.grad the gradient of the mean loss over a batch, part by part; returns that loss."""
    total = torch.zeros((), device=whole_x.device)
    for x, y in zip(whole_x.split(micro), whole_y.split(micro), strict=True):
        part = nn.functional.cross_entropy(net(x), y, reduction="sum") / len(whole_x)
        part.backward()
        total += part.detach()
    return total.item()


def follow(rates: np.ndarray) -> Callable[[torch.optim.Optimizer, int], Scheduler]:
    """A maker of schedulers that use these rates (T,), one per step, and then the last one."""

    def make(optimizer: torch.optim.Optimizer, steps: int) -> Scheduler:
        (group,) = optimizer.param_groups
        group["lr"] = group["initial_lr"] = 1.0
        return torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: float(rates[min(step, len(rates) - 1)])
        )

    return make


def sgd(net: nn.Module, lr: float) -> torch.optim.SGD:
    """The optimizer of all parts but "gap"."""
    return torch.optim.SGD(net.parameters(), lr=lr, momentum=MOMENTUM, fused=True)


def train(
    net: nn.Module,
    data: Prepared,
    pairs: Batches,
    optimizer: torch.optim.Optimizer,
    scheduler: Scheduler,
    points: int,
    train_epoch: TrainEpoch = one_pass,
    **options: Any,
) -> Record:
    """Train on these batches in `points` parts; NaN from where the loss was no number.

    Returns steps, loss, rates, validation (lists, a value per part), and the measures of `ends`.
    """
    torch.set_num_threads(1)
    net.to(data.train_x.device)
    record: Record = {"steps": len(pairs), "loss": [], "rates": [], "validation": []}
    loss = 0.0
    for part in np.array_split(np.arange(len(pairs)), min(points, len(pairs))):
        record["rates"].append(optimizer.param_groups[0]["lr"])
        if math.isfinite(loss):
            now = pairs[part[0] : part[-1] + 1]
            loss = float(train_epoch(net, now, optimizer, scheduler, **options))
        record["loss"].append(loss if math.isfinite(loss) else math.nan)
        record["validation"].append(evaluate(net, data.validation_x, data.validation_y)[1])
    return record | ends(net, data)


def ends(net: nn.Module, data: Prepared) -> Record:
    """Loss and accuracy after training, of training, validation and test images."""
    found: Record = {}
    for split in ("train", "validation", "test"):
        x, y = getattr(data, f"{split}_x"), getattr(data, f"{split}_y")
        found[f"{split}_loss"], found[f"{split}_accuracy"] = evaluate(net, x, y)
    return found


def sharpness(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """How much the loss grows in a small box around the weights, in per cent of 1 + loss.

    Metric 2.1 of Keskar et al. (2017) with A = I: the greatest loss with every weight moved by at most
    SHARP_EPS (|w| + 1). The maximum is looked for with SHARP_STEPS projected steps of the gradient's signs,
    each a fifth of the box, where the paper uses L-BFGS-B. In eval mode; the weights are put back.
    """
    net.eval()
    weights = list(net.parameters())
    start = [w.detach().clone() for w in weights]
    limits = [SHARP_EPS * (w.abs() + 1) for w in start]
    found = []
    for step in range(SHARP_STEPS + 1):
        loss = nn.functional.cross_entropy(net(x), y)
        found.append(loss.item())
        if step < SHARP_STEPS:
            gradients = torch.autograd.grad(loss, weights)
            with torch.no_grad():
                for w, w0, limit, gradient in zip(weights, start, limits, gradients, strict=True):
                    moved = (w - w0 + limit / 5 * gradient.sign()).clamp(-limit, limit)
                    w.copy_(w0 + moved)
    with torch.no_grad():
        for w, w0 in zip(weights, start, strict=True):
            w.copy_(w0)
    return 100 * (max(found) - found[0]) / (1 + found[0])


def gradient(net: nn.Module, x: torch.Tensor, y: torch.Tensor, micro: int) -> torch.Tensor:
    """The gradient of the mean loss over a batch, accumulated in parts of `micro`, all in one vector (D,)."""
    net.zero_grad()
    accumulate(net, x, y, micro)
    return torch.cat([w.grad.flatten() for w in net.parameters() if w.grad is not None])


def differences(net: nn.Module, x: torch.Tensor, y: torch.Tensor, micros: Sequence[int]) -> list[Record]:
    """For each size of the parts: |g - g_whole| / |g_whole|, in train mode."""
    net.train()
    whole = gradient(net, x, y, len(x))
    return [
        {"micro": micro, "difference": float((gradient(net, x, y, micro) - whole).norm() / whole.norm())}
        for micro in micros
    ]


def seconds_per_step(net: nn.Module, data: Prepared, batch: int, steps: int) -> float:
    """CPU seconds of a step with that many images, median of TIMED_ROUNDS rounds of `steps` steps."""
    torch.set_num_threads(1)
    optimizer = sgd(net, 1e-3)
    scheduler = follow(np.full(1, 1e-3))(optimizer, 1)
    pairs = batches(data, batch, steps, 0)
    one_pass(net, pairs[:2], optimizer, scheduler)
    rounds = []
    for _ in range(TIMED_ROUNDS):
        begun = time.process_time()
        one_pass(net, pairs, optimizer, scheduler)
        rounds.append((time.process_time() - begun) / steps)
    return float(np.median(rounds))
