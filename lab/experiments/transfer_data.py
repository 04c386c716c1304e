"""The targets of unit 11's experiment: few training images of each class, validation and test images."""

from dataclasses import dataclass, field
from functools import cache

import numpy as np

from lab.data import read
from lab.dataset import DataError
from lab.device import nn, torch

TARGETS = {"photos": "photo_patches", "digits": "digits", "cifar10": "cifar10"}
SIDE = 32
KEPT_PER_CLASS = 30  # for validation
MOST_PER_CLASS = 100  # the digits have about 150 training images of a class


@dataclass(frozen=True)
class Target:
    """Images uint8 (N, 32, 32, 3) with labels int64 (N,): to train, to choose, to test with."""

    name: str
    classes: tuple[str, ...]
    train_images: np.ndarray = field(repr=False)
    train_labels: np.ndarray = field(repr=False)
    validation_images: np.ndarray = field(repr=False)
    validation_labels: np.ndarray = field(repr=False)
    test_images: np.ndarray = field(repr=False)
    test_labels: np.ndarray = field(repr=False)


@cache
def target_images(
    name: str, per_class: int, seed: int, test_images: int, validation: int = KEPT_PER_CLASS
) -> Target:
    """`per_class` training images of every class, drawn by the seed; the others are the same for all seeds.

    `validation` is a number of each class, too, KEPT_PER_CLASS at most.
    Raises DataError for an unknown name, and for more than MOST_PER_CLASS images.
    """
    if name not in TARGETS:
        raise DataError(f"Expected the name of a target ({', '.join(TARGETS)}), got {name!r}.")
    if not 1 <= per_class <= MOST_PER_CLASS:
        raise DataError(f"Expected 1 to {MOST_PER_CLASS} images of each class, got {per_class}.")
    data = read(TARGETS[name])
    fixed, random = np.random.default_rng(2026), np.random.default_rng(seed)
    kept, drawn = [], []
    for label in range(len(data.classes)):
        rows = fixed.permutation(np.flatnonzero(data.train_labels == label))
        kept.append(rows[:KEPT_PER_CLASS][:validation])
        drawn.append(random.permutation(rows[KEPT_PER_CLASS:])[:per_class])
    train, choose = np.concatenate(drawn), np.concatenate(kept)
    return Target(
        name,
        data.classes,
        enlarged(data.train_images[train]),
        data.train_labels[train],
        enlarged(data.train_images[choose]),
        data.train_labels[choose],
        enlarged(data.test_images[:test_images]),
        data.test_labels[:test_images],
    )


def enlarged(images: np.ndarray) -> np.ndarray:
    """Images (N, H, W, 1 or 3) as (N, 32, 32, 3): grey three times, 8x8 stretched, 16 made 255."""
    colour = np.broadcast_to(images, (*images.shape[:3], 3))
    if images.shape[1] == SIDE:
        return np.ascontiguousarray(colour)
    pixels = torch.from_numpy(colour.transpose(0, 3, 1, 2) * (255 / 16)).float()
    larger = nn.functional.interpolate(pixels, (SIDE, SIDE), mode="bilinear", align_corners=False)
    return np.ascontiguousarray(larger.round().to(torch.uint8).numpy().transpose(0, 2, 3, 1))


def as_input(
    images: np.ndarray, mean: tuple[float, ...], std: tuple[float, ...], device: torch.device | None = None
) -> torch.Tensor:
    """uint8 (N, H, W, 3) as a network expects it: float (N, 3, H, W), by these statistics per channel."""
    shares = torch.tensor(images, device=device).permute(0, 3, 1, 2) / 255
    centre, spread = (
        torch.tensor(s, dtype=torch.float32, device=device).view(1, 3, 1, 1) for s in (mean, std)
    )
    return ((shares - centre) / spread).contiguous(memory_format=torch.channels_last)
