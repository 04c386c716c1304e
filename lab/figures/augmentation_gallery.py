"""One photograph under every transformation of the chapter on augmentation; SciPy does the reading."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from lab.dataset import package_file
from lab.figures.augmentation import cat
from lab.photo_patches import SOURCES, read_photo
from lab.plots import house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PRINTED = 120  # pixels a side
COLUMNS = 5
GREY_AXIS = np.ones(3) / np.sqrt(3)
Change = Callable[[np.ndarray, np.ndarray], np.ndarray]  # of a picture and a partner


def cup(size: int) -> np.ndarray:
    """The partner, (size, size, 3) in [0, 1]: of scikit-image's coffee.png (Rachel Michetti, CC0)."""
    from PIL import Image

    photo = Image.fromarray(read_photo(package_file(*SOURCES["coffee"])))
    return np.asarray(photo.crop((130, 0, 530, 400)).resize((size, size), Image.Resampling.LANCZOS)) / 255


def centred(size: int) -> np.ndarray:
    """(2, size, size): right and down of each pixel, from the centre, in half sides of the picture."""
    down, right = np.indices((size, size)) - (size - 1) / 2
    return np.stack([right, down]) * 2 / size


def read(picture: np.ndarray, places: np.ndarray, outside: str = "grid-constant") -> np.ndarray:
    """The picture (N, N, 3) at places (2, M, M), as `centred` gives them, between four neighbours."""
    from scipy.ndimage import map_coordinates

    pixels = places[::-1] * len(picture) / 2 + (len(picture) - 1) / 2
    channels = [map_coordinates(c, pixels, order=1, mode=outside) for c in np.moveaxis(picture, 2, 0)]
    return np.stack(channels, axis=2)


def warp(picture: np.ndarray, to_source: np.ndarray, outside: str = "grid-constant") -> np.ndarray:
    """Each place of the result reads where the matrix (3, 3) on (right, down, 1) sends it."""
    right, down = centred(len(picture))
    a, b, scale = np.einsum("ij,jhw->ihw", to_source, np.stack([right, down, np.ones_like(right)]))
    return read(picture, np.stack([a, b]) / scale, outside)


def linear(picture: np.ndarray, to_source: list, outside: str = "grid-constant") -> np.ndarray:
    whole = np.eye(3)
    whole[:2, :2] = to_source
    return warp(picture, whole, outside)


def turned(picture: np.ndarray, degrees: float, outside: str = "grid-constant") -> np.ndarray:
    """Counter-clockwise, as seen."""
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return linear(picture, [[cos, -sin], [sin, cos]], outside)


def shifted(picture: np.ndarray, right: int, down: int) -> np.ndarray:
    """Moved by whole pixels; black comes in."""
    whole = np.eye(3)
    whole[:2, 2] = -2 * right / len(picture), -2 * down / len(picture)
    return warp(picture, whole)


def resized_crop(picture: np.ndarray, side: tuple[float, float], centre: tuple[float, float]) -> np.ndarray:
    """A part with these shares of width and height about `centre`, stretched to the whole."""
    return warp(picture, np.array([[side[0], 0, centre[0]], [0, side[1], centre[1]], [0, 0, 1]]))


def bulged(picture: np.ndarray, k: float) -> np.ndarray:
    places = centred(len(picture)) / np.sqrt(2)  # the corners have radius 1
    return read(picture, np.sqrt(2) * places * (1 + k * (places**2).sum(axis=0)))


def lit(picture: np.ndarray) -> np.ndarray:
    right, _ = centred(len(picture))
    return picture * (0.9 + 0.6 * right)[..., None]


def more_contrast(picture: np.ndarray, factor: float) -> np.ndarray:
    return picture.mean() * (1 - factor) + picture * factor


def hue(picture: np.ndarray, degrees: float) -> np.ndarray:
    from scipy.spatial.transform import Rotation

    return picture @ Rotation.from_rotvec(np.deg2rad(degrees) * GREY_AXIS).as_matrix().T


def blurred(picture: np.ndarray, sigma: float) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(picture, (sigma, sigma, 0), mode="reflect")


def grainy(picture: np.ndarray, sigma: float) -> np.ndarray:
    return np.random.default_rng(0).normal(picture, sigma)


def specks(picture: np.ndarray, share: float) -> np.ndarray:
    chance = np.random.default_rng(0).random((*picture.shape[:2], 1))
    return np.select([chance < share / 2, chance < share], [0.0, 1.0], picture)


def holed(picture: np.ndarray, other: np.ndarray | float) -> np.ndarray:
    """A square of half the side, right of and above the centre, shows something else."""
    right, down = centred(len(picture))
    inside = np.maximum(np.abs(right - 0.3), np.abs(down + 0.1)) < 0.5
    return np.where(inside[..., None], other, picture)


def alone(change: Callable[..., np.ndarray], *values: float | str | list | tuple) -> Change:
    return lambda picture, _: change(picture, *values)


TRANSFORMATIONS: dict[str, Change] = {
    "original": lambda picture, _: picture,
    "mirrored": alone(linear, [[-1, 0], [0, 1]]),
    "upside down": alone(linear, [[1, 0], [0, -1]]),
    "turned by 90°": alone(turned, 90),
    "by 20°, black": alone(turned, 20),
    "by 20°, edge": alone(turned, 20, "nearest"),
    "by 20°, reflected": alone(turned, 20, "reflect"),
    "scaled out": alone(linear, [[1.4, 0], [0, 1.4]]),
    "scaled in": alone(linear, [[0.7, 0], [0, 0.7]]),
    "stretched": alone(linear, [[0.75, 0], [0, 1]]),
    "sheared": alone(linear, [[1, 0.35], [0, 1]]),
    "cropped, resized": alone(resized_crop, (0.55, 0.7), (0.05, -0.2)),
    "padded, cropped": alone(shifted, 18, -12),
    "projective": lambda picture, _: warp(picture, np.array([[1.1, 0, 0], [0, 1.1, 0], [0.1, 0.35, 1]])),
    "lens": alone(bulged, 0.5),
    "brighter": lambda picture, _: 1.4 * picture,
    "more contrast": alone(more_contrast, 1.8),
    "illumination": alone(lit),
    "hue": alone(hue, 60),
    "blurred": alone(blurred, 2.0),
    "Gaussian noise": alone(grainy, 0.12),
    "salt and pepper": alone(specks, 0.1),
    "cutout": alone(holed, 0.0),
    "mixup": lambda picture, partner: 0.6 * picture + 0.4 * partner,
    "CutMix": holed,
}


def transformed(name: str, size: int = PRINTED) -> np.ndarray:
    """The photograph of a cat, (size, size, 3) in [0, 1], under one of TRANSFORMATIONS."""
    return np.clip(TRANSFORMATIONS[name](cat(size), cup(size)), 0, 1)


@house_style
def plot() -> Figure:
    """Every transformation of the photograph, with its name."""
    import matplotlib.pyplot as plt

    rows = -(-len(TRANSFORMATIONS) // COLUMNS)
    picture, axes = plt.subplots(rows, COLUMNS, figsize=(7.4, 1.64 * rows), layout="constrained")
    plt.close(picture)
    for ax, name in zip(axes.flat, TRANSFORMATIONS, strict=True):
        ax.imshow(transformed(name), interpolation="none")
        ax.set_title(name, fontsize=10)
        ax.axis("off")
    return picture
