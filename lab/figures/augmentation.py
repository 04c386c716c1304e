"""A photo and a digit under the same augmentations, which the label survives, or does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lab.dataset import package_file
from lab.photo_patches import SOURCES, read_photo
from lab.plots import house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

PRINTED = 96  # pixels a side: SVG holds them as PNG, which is large
NEUTRAL = {
    "flip": False, "rotation": 0, "scale": 1, "shear": 0, "side": 1, "left": 0.5, "top": 0.5,
    "brightness": 1, "contrast": 1, "hue": 0, "blur": 0, "noise": 0, "hole": 0,
}  # fmt: skip
MODES = {"constant": "grid-constant", "edge": "nearest", "reflect": "reflect"}  # as scipy.ndimage calls them


def cat(size: int) -> np.ndarray:
    """The photo, (size, size, 3) in [0, 1]: of scikit-image's chelsea.png (Stéfan van der Walt, CC0)."""
    from PIL import Image

    photo = Image.fromarray(read_photo(package_file(*SOURCES["cat"])))
    return np.asarray(photo.crop((90, 0, 390, 300)).resize((size, size), Image.Resampling.LANCZOS)) / 255


def six(size: int) -> np.ndarray:
    """A handwritten 6, (size, size, 3) in [0, 1]: a ring and an arc, white on black."""
    unit = size / 160
    y, x = (np.indices((size, size)) + 0.5) / unit
    ring = np.abs(np.hypot(x - 82, y - 100) - 28)
    arc = np.where(
        (y < 100) & (5 * (x - 124) < 2 * (y - 100)), np.abs(np.hypot(x - 124, y - 100) - 70), np.inf
    )
    end = np.hypot(x - 98, y - 35)
    ink = np.clip((8 - np.minimum(np.minimum(ring, arc), end)) * unit + 0.5, 0, 1)
    return np.repeat(ink[..., None], 3, axis=2)


def forward_map(values: dict, size: int) -> np.ndarray:
    """(3, 3): from a place (x, y, 1) in the picture, in pixels, to its place in the result."""

    def about(centre: tuple[float, float], linear: ArrayLike) -> np.ndarray:
        there, back, matrix = np.eye(3), np.eye(3), np.eye(3)
        there[:2, 2], back[:2, 2], matrix[:2, :2] = centre, np.negative(centre), linear
        return there @ matrix @ back

    middle = ((size - 1) / 2, (size - 1) / 2)
    angle, slant = np.deg2rad(values["rotation"]), np.tan(np.deg2rad(values["shear"]))
    rotation = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]  # y points down
    crop = np.diag([1 / values["side"], 1 / values["side"], 1])
    corner = np.array([values["left"], values["top"]]) * (1 - values["side"]) * size
    crop[:2, 2] = -(corner - 0.5) / values["side"] - 0.5  # pixel i covers i - 1/2 to i + 1/2
    return (
        about(middle, rotation)
        @ about(middle, [[1, slant], [0, 1]])
        @ about(middle, np.diag([values["scale"]] * 2))
        @ about(middle, np.diag([-1 if values["flip"] else 1, 1]))
        @ crop
    )


def augment(picture: np.ndarray, fill: str = "constant", seed: int = 0, **changes: float) -> np.ndarray:
    """`picture`, (N, N, 3) in [0, 1], under `changes` of NEUTRAL: geometry, colours, blur, noise, a hole."""
    from scipy.ndimage import affine_transform, gaussian_filter
    from scipy.spatial.transform import Rotation

    values, size, rng = NEUTRAL | changes, len(picture), np.random.default_rng(seed)
    swap = np.eye(3)[[1, 0, 2]]  # SciPy counts rows first
    backward = swap @ np.linalg.inv(forward_map(values, size)) @ swap
    moved = [affine_transform(c, backward, order=1, mode=MODES[fill]) for c in np.moveaxis(picture, 2, 0)]
    x = np.clip(np.stack(moved, axis=2) * values["brightness"], 0, 1)
    grey = (x @ [0.299, 0.587, 0.114]).mean()
    x = np.clip(grey + values["contrast"] * (x - grey), 0, 1)
    turn = Rotation.from_rotvec(np.deg2rad(values["hue"]) * np.ones(3) / np.sqrt(3))
    x = np.clip(x @ turn.as_matrix().T, 0, 1)
    x = gaussian_filter(x, (values["blur"], values["blur"], 0), mode="reflect")
    x = np.clip(x + values["noise"] * rng.normal(size=x.shape), 0, 1)
    away = np.abs(np.indices((size, size)) + 0.5 - rng.uniform(0, size, (2, 1, 1)))
    x[(away < values["hole"] * size / 2).all(axis=0)] = 0.5
    return x


SHOWN: dict[str, dict] = {
    "original": {},
    "mirrored": {"flip": True},
    "turned by 15°": {"rotation": 15},
    "cropped": {"side": 0.6, "left": 0.3, "top": 0.3},
    "other colours": {"brightness": 0.8, "contrast": 1.4, "hue": 60},
    "blur, noise, a hole": {"blur": 1, "noise": 0.06, "hole": 0.3},
    "turned by 180°": {"rotation": 180},
}


@house_style
def plot() -> Figure:
    """A photo and a digit in rows, an augmentation in each column."""
    import matplotlib.pyplot as plt

    picture, rows = plt.subplots(2, len(SHOWN), figsize=(9.5, 3.2), layout="constrained")
    plt.close(picture)
    for axes, original in zip(rows, (cat(PRINTED), six(PRINTED)), strict=True):
        for ax, changes in zip(axes, SHOWN.values(), strict=True):
            ax.imshow(augment(original, seed=3, **changes), interpolation="none")
            ax.axis("off")
    for ax, title in zip(rows[0], SHOWN, strict=True):
        ax.set_title(title, fontsize=9)
    return picture
