"""Which entries share a mean and a variance, and what is left of a picture in another light."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lab.dataset import package_file
from lab.photo_patches import SOURCES, read_photo
from lab.plots import BLACK, BLUE, ORANGE, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE, EPS = 16, 1e-5
CROPS = {  # of photographs of scikit-image: left, upper, right, lower
    "cat": (90, 0, 390, 300),
    "coffee": (130, 0, 530, 400),
    "astronaut": (120, 0, 330, 210),
    "rocket": (150, 40, 470, 360),
}
CHANNELS, PLACES, IMAGES = 6, 6, 3  # of the table; the pictures have 3 channels
KINDS = {name: name.split()[0] for name in ("batch norm", "layer norm", "instance norm", "group norm, G = 2")}
MARKED = (1, 2, 1)  # image, channel, place
CONTRAST, BRIGHTNESS = 0.4, -0.2


def pictures() -> np.ndarray:
    """Four photographs, (4, 16, 16, 3) in [0, 1]."""
    from PIL import Image

    photos = [Image.fromarray(read_photo(package_file(*SOURCES[name]))) for name in CROPS]
    cut = [photo.crop(box) for photo, box in zip(photos, CROPS.values(), strict=True)]
    small = [np.asarray(photo.resize((SIZE, SIZE), Image.Resampling.BOX)) for photo in cut]
    return np.stack(small) / 255


def set_of(kind: str, n: int, c: int, channels: int, groups: int = 1) -> int:
    """The number of the set of an entry of image n and channel c."""
    if kind == "batch":
        return c
    parts = {"layer": 1, "instance": channels, "group": groups}[kind]
    return n * parts + c * parts // channels


def normalized(x: np.ndarray, kind: str, groups: int = 1) -> np.ndarray:
    """x: (N, H, W, C); each entry less the mean of its set and divided by its deviation."""
    N, C = len(x), x.shape[-1]
    numbers = np.array([[set_of(kind, n, c, C, groups) for c in range(C)] for n in range(N)])
    of = np.broadcast_to(numbers[:, None, None, :], x.shape)
    y = np.empty_like(x)
    for number in np.unique(numbers):
        own = x[of == number]
        y[of == number] = (own - own.mean()) / np.sqrt(own.var() + EPS)
    return y


def relit(x: np.ndarray, contrast: float, brightness: float) -> np.ndarray:
    """A picture in another light: a x + b, with b such that its mean moves by `brightness` alone."""
    return x.mean() + contrast * (x - x.mean()) + brightness


def table(ax: Axes, kind: str) -> None:
    """The entries, a sheet for each image; the marked one, and its set."""
    from matplotlib.patches import Rectangle

    groups = 2
    own = set_of(kind, MARKED[0], MARKED[1], CHANNELS, groups)
    for n, c, p in np.ndindex(IMAGES, CHANNELS, PLACES):
        here = (n, c, p) == MARKED
        colour = ORANGE if here else BLUE if set_of(kind, n, c, CHANNELS, groups) == own else "white"
        left = n * (PLACES + 1) + p
        edge: Any = {"edgecolor": BLACK if here else "0.6", "linewidth": 1.5 if here else 0.4}
        ax.add_patch(Rectangle((left, -2 * c), 1, 2, facecolor=colour, zorder=3 if here else 1, **edge))
    ax.set(xlim=(-0.5, IMAGES * (PLACES + 1)), ylim=(-2 * CHANNELS + 1.5, 2.5), aspect="equal")
    ax.axis("off")


@house_style
def plot() -> Figure:
    """Each row one normalization: its set, and the pictures before and after, the first one in two lights."""
    import matplotlib.pyplot as plt

    before = pictures()[:IMAGES]
    after = np.concatenate([relit(before[:1], CONTRAST, BRIGHTNESS), before[1:]])
    picture, axes = plt.subplots(
        3, 1 + len(KINDS), figsize=(9.6, 3.9), height_ratios=(2.2, 1, 1), layout="constrained"
    )
    plt.close(picture)
    for ax in axes.flat:
        ax.axis("off")
    lights = ((before, "as they come"), (after, "picture 1 in\nanother light"))
    for row, (shown, light) in enumerate(lights, start=1):
        axes[row, 0].imshow(np.hstack(list(shown)).clip(0, 1), interpolation="nearest")
        axes[row, 0].set_title(light, fontsize=9)
        for column, kind in enumerate(KINDS.values(), start=1):
            seen = 0.5 + np.hstack(list(normalized(shown, kind))) / 5
            axes[row, column].imshow(seen.clip(0, 1), interpolation="nearest")
    for ax, (name, kind) in zip(axes[0, 1:], KINDS.items(), strict=True):
        table(ax, kind)
        ax.set_title(name)
    return picture
