"""The NumPy reference of unit 12 against torch, one thread. Torch has no choice of members: means only."""

from __future__ import annotations

from benchmarks.against_torch import reference, show  # isort: skip

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

IMAGES, CLASSES, MEMBERS = 10_000, 10, 12
FILTERS = (512, 256, 3, 3)

Pairs = dict[str, tuple[Callable[[], object], Callable[[], object]]]


def comparisons(mine: Mapping[str, Any], rng: np.random.Generator) -> Pairs:
    before, after = rng.random((2, IMAGES)) < [[0.8], [0.82]]
    first, second = torch.from_numpy(before), torch.from_numpy(after)

    def paired() -> None:
        d = second.double() - first.double()
        d.mean(), d.std() / len(d) ** 0.5

    return {f"paired gain, {IMAGES:,} images": (lambda: mine["paired_gain"](before, after), paired)}


def members(mine: Mapping[str, Any], rng: np.random.Generator) -> Pairs:
    """Torch tries as many means as the reference does, without choosing."""
    p, y = rng.dirichlet(np.ones(CLASSES), (MEMBERS, IMAGES)), rng.integers(CLASSES, size=IMAGES)
    tensors, labels, costs = torch.from_numpy(p), torch.from_numpy(y), np.ones(MEMBERS)
    own = tensors[:, torch.arange(IMAGES), labels]

    def tried() -> None:
        total = torch.zeros(IMAGES, dtype=torch.float64)
        for count in range(MEMBERS):
            losses = -((total + own[count:]) / (count + 1)).log().mean(dim=1)
            total = total + own[count + int(losses.argmin())]

    return {f"members, {MEMBERS} x {IMAGES:,}": (lambda: mine["choose_members"](p, y, costs, MEMBERS), tried)}


def storage(mine: Mapping[str, Any], rng: np.random.Generator) -> Pairs:
    w = rng.normal(size=FILTERS)
    tensor, zeros = torch.from_numpy(w).float(), torch.zeros(FILTERS[0], dtype=torch.int32)

    def quantized() -> None:
        scale = tensor.abs().amax(dim=(1, 2, 3)) / 127
        torch.fake_quantize_per_channel_affine(tensor, scale, zeros, 0, -127, 127)

    name = " x ".join(map(str, FILTERS))
    return {f"quantize {name}": (lambda: mine["quantize"](w), quantized)}


def training(mine: Mapping[str, Any], rng: np.random.Generator) -> Pairs:
    """One gradient of the small network of the experiments."""
    weights = [rng.normal(size=shape) for shape in ((64, 32), 32, (32, 10), 10)]
    x, y = rng.random((20, 8, 8)), rng.integers(10, size=20)
    leaves = [torch.from_numpy(w).requires_grad_() for w in weights]
    images, labels = torch.from_numpy(x).reshape(20, 64), torch.from_numpy(y)

    def backward() -> None:
        W1, b1, W2, b2 = leaves
        loss = cross_entropy(torch.relu(images @ W1 + b1) @ W2 + b2, labels)
        torch.autograd.grad(loss, leaves)

    return {"a gradient of 64-32-10, 20 digits": (lambda: mine["slopes"](weights, x, y), backward)}


def main() -> None:
    mine, rng = reference("12-capstone", "capstone_numpy"), np.random.default_rng(0)
    show(comparisons(mine, rng) | members(mine, rng) | storage(mine, rng) | training(mine, rng))


if __name__ == "__main__":
    main()
