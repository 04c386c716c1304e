"""What unit 12's experiments share: sets of the ladder's tricks, images, and what networks say of them."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from lab.data import read
from lab.device import nn, torch
from lab.ladder import ADDED, Size, Tricks
from lab.training import Images, as_tensors

TRICKS = tuple(name for name in ADDED if name not in ("plain", "capacity"))  # capacity breaks the budget


def tricks_of(names: Sequence[str] | frozenset[str]) -> Tricks:
    """The settings of a set of the ladder's tricks, by their names in TRICKS."""
    unknown = set(names) - set(TRICKS)
    if unknown:
        raise ValueError(f"Expected names of {', '.join(TRICKS)}, got {', '.join(sorted(unknown))}.")
    added: dict = {}
    for name in names:
        added |= ADDED[name]
    return Tricks(**added)


@cache
def images(size: Size) -> Images:
    """The first photo-patches of both splits, as many as this size of the ladder has, standardized."""
    return as_tensors(read("photo_patches"), size.train_images, size.test_images)


def standardized(pixels: np.ndarray) -> torch.Tensor:
    """Other images, uint8 (N, H, W, 3), scaled with mean and deviation of the training images."""
    data = read("photo_patches")
    known = data.train_images / 255
    mean, std = known.mean(axis=(0, 1, 2)), known.std(axis=(0, 1, 2))
    scaled = ((pixels / 255 - mean) / std).astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(0, 3, 1, 2)))


@torch.no_grad()
def probabilities(nets: Sequence[nn.Module], x: torch.Tensor, *, mirrored: bool = False) -> torch.Tensor:
    """Mean of the networks' probabilities (N, K), of each image or of the image and its mirror image."""
    views = (x, x.flip(-1)) if mirrored else (x,)
    found = [
        torch.cat([net(part).softmax(dim=1) for part in view.split(500)]) for net in nets for view in views
    ]
    return torch.stack(found).mean(dim=0)
