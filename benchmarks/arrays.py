"""The NumPy reference of unit 00 against torch, one thread."""

from __future__ import annotations

from benchmarks.against_torch import reference, show  # isort: skip

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch.nn.functional import linear

EXAMPLES, FEATURES, CLASSES = 1024, 256, 10
POINTS, CHANNELS, SIDE = 500, 16, 16
WEIGHTS = (16, 10)  # of the numerical gradient; beside it torch's gradcheck

Pairs = dict[str, tuple[Callable[[], object], Callable[[], object]]]


def images(mine: Mapping[str, Any], rng: np.random.Generator) -> Pairs:
    photos = rng.integers(0, 256, (64, 32, 32, 3), dtype=np.uint8)
    bytes_ = torch.from_numpy(photos)
    return {
        "brighten, 64 x 32 x 32 x 3": (
            lambda: mine["brighten"](photos, 60),
            lambda: (bytes_.to(torch.int16) + 60).clamp(0, 255).to(torch.uint8),
        ),
        "crop": (
            lambda: mine["crop"](photos, 4, 4, 24, 24),
            lambda: bytes_[:, 4:28, 4:28].clone(),
        ),
    }


def classes(mine: Mapping[str, Any], rng: np.random.Generator) -> Pairs:
    z, (labels, guesses) = rng.normal(0, 3, (EXAMPLES, CLASSES)), rng.integers(CLASSES, size=(2, EXAMPLES))
    scores, pairs = torch.from_numpy(z), torch.from_numpy(CLASSES * labels + guesses)
    return {
        f"softmax, {EXAMPLES} x {CLASSES}": (lambda: mine["softmax"](z), lambda: scores.softmax(dim=-1)),
        f"confusion, {EXAMPLES}": (
            lambda: mine["confusion"](labels, guesses, CLASSES),
            lambda: pairs.bincount(minlength=CLASSES**2),
        ),
    }


def products(mine: Mapping[str, Any], rng: np.random.Generator) -> Pairs:
    a, b = rng.normal(size=(2, POINTS, FEATURES))
    x = rng.normal(size=(32, CHANNELS, SIDE, SIDE))
    ta, tb, maps = torch.from_numpy(a), torch.from_numpy(b), torch.from_numpy(x).flatten(2)
    return {
        f"squared distances, {POINTS} x {POINTS} x {FEATURES}": (
            lambda: mine["squared_distances"](a, b),
            lambda: torch.cdist(ta, tb).square(),
        ),
        f"gram, 32 x {CHANNELS} x {SIDE} x {SIDE}": (
            lambda: mine["gram"](x),
            lambda: torch.bmm(maps, maps.mT) / SIDE**2,
        ),
    }


def gradients(mine: Mapping[str, Any], rng: np.random.Generator) -> Pairs:
    x, W = rng.normal(size=(EXAMPLES, FEATURES)), rng.normal(size=(FEATURES, CLASSES))
    dout, small = rng.normal(size=(EXAMPLES, CLASSES)), rng.normal(size=WEIGHTS)
    leaves = [torch.from_numpy(array).requires_grad_() for array in (x, W, np.zeros(CLASSES))]
    upstream = torch.from_numpy(dout)

    def backward() -> object:
        return torch.autograd.grad(linear(leaves[0], leaves[1].T, leaves[2]), leaves, upstream)

    def check() -> object:
        w = torch.from_numpy(small).requires_grad_()
        return torch.autograd.gradcheck(lambda w: (w**3).sum(), w)

    return {
        f"linear backward, {EXAMPLES} x {FEATURES} x {CLASSES}": (
            lambda: mine["linear_backward"](dout, x, W),
            backward,
        ),
        f"sum to shape, {EXAMPLES} x {CLASSES}": (
            lambda: mine["sum_to_shape"](dout, (1, CLASSES)),
            lambda: upstream.sum_to_size(1, CLASSES),
        ),
        f"numerical gradient of {small.size} weights": (
            lambda: mine["numerical_gradient"](lambda w: (w**3).sum(), small),
            check,
        ),
    }


def main() -> None:
    mine, rng = reference("00-numpy", "arrays_numpy"), np.random.default_rng(0)
    show(images(mine, rng) | classes(mine, rng) | products(mine, rng) | gradients(mine, rng))


if __name__ == "__main__":
    main()
