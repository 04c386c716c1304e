"""The images of unit 03's experiments: to train, to choose a rate, to test with; and their light changed."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from lab.data import read
from lab.device import pick_device, torch

SETS = {"photos": "photo_patches", "cifar10": "cifar10", "digits": "digits", "mnist": "mnist5k"}
CASTS = (1.0, 0.0, -1.0)  # exponents for red, green, blue
LIGHT: dict[str, tuple[float, ...]] = {
    "contrast": (0.25, 0.5, 1.0, 1.5, 2.0),  # factor about mid-grey
    "brightness": (-0.4, -0.2, 0.0, 0.2, 0.4),  # of the range from black to white
    "colour": (0.5, 0.7, 1.0, 1.4, 2.0),  # factor for red, its inverse for blue
    "contrast, clipped": (1.0, 1.5, 2.0),  # what is below black or above white is cut off
}
UNCHANGED = {kind: 0.0 if kind == "brightness" else 1.0 for kind in LIGHT}


@dataclass(frozen=True)
class Amount:
    """How many images, and how often they are seen."""

    train: int
    validation: int
    test: int
    epochs: int


@dataclass(frozen=True)
class Prepared:
    """Images (N, C, H, W), standardized per channel by the training images, with labels (N,)."""

    train_x: torch.Tensor
    train_y: torch.Tensor
    validation_x: torch.Tensor
    validation_y: torch.Tensor
    test_x: torch.Tensor
    test_y: torch.Tensor
    mean: torch.Tensor  # (C, 1, 1), of pixels in [0, 1]
    std: torch.Tensor


@cache
def prepared(name: str, amount: Amount) -> Prepared:
    """The first images of a set; validation images are training images that are not trained on."""
    data, device = read(SETS[name]), pick_device()
    last = amount.train + amount.validation
    white = 16 if name == "digits" else 255
    train, validation, test = (
        torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2), np.float32) / white)
        for images in (
            data.train_images[: amount.train],
            data.train_images[amount.train : last],
            data.test_images[: amount.test],
        )
    )
    std, mean = torch.std_mean(train.double(), dim=(0, 2, 3), correction=0)
    mean, std = (values.float().view(-1, 1, 1) for values in (mean, std))
    labels = [torch.from_numpy(y) for y in (data.train_labels[:last], data.test_labels[: amount.test])]
    parts = (
        *((train - mean) / std, labels[0][: amount.train]),
        *((validation - mean) / std, labels[0][amount.train :]),
        *((test - mean) / std, labels[1]),
        *(mean, std),
    )
    return Prepared(*(part.to(device) for part in parts))


def relit(data: Prepared, kind: str, value: float, images: int) -> Prepared:
    """The first test images under another light: a kind and a value of LIGHT, the same for every image."""
    pixels = data.test_x[:images] * data.std + data.mean
    if kind == "brightness":
        pixels = pixels + value
    elif kind == "colour":
        casts = torch.tensor(CASTS, device=pixels.device)
        pixels = pixels * (value**casts).view(3, 1, 1)
    else:
        pixels = 0.5 + value * (pixels - 0.5)
    if kind.endswith("clipped"):
        pixels = pixels.clamp(0, 1)
    return replace(data, test_x=(pixels - data.mean) / data.std, test_y=data.test_y[:images])
