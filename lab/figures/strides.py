"""Views of one memory: what a slice, a transpose and an array of integers make of an array."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lab.plots import BLUE, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

X = np.arange(12.0).reshape(3, 4)
EXAMPLES = {
    "x": X,
    "x[:, 1:3]": X[:, 1:3],
    "x.T": X.T,
    "x[:, ::-1]": X[:, ::-1],
    "x[[2, 0]]": X[[2, 0]],
}


def start(array: np.ndarray) -> int:
    """How many bytes the first entry of a view of X lies behind that of X."""
    return array.__array_interface__["data"][0] - X.__array_interface__["data"][0]


def described(name: str, array: np.ndarray) -> str:
    """Shape and strides, and whether the memory is that of X."""
    kind = f"starts at byte {start(array)}" if np.shares_memory(array, X) else "a copy"
    return f"{name}   shape {array.shape}, strides {array.strides}, {kind}"


def row(ax: Axes, y: float, name: str, array: np.ndarray) -> None:
    """The memory that an array reads, coloured where it is the array's own."""
    from matplotlib.patches import Rectangle

    shared = np.shares_memory(array, X)
    memory = X.ravel() if shared else array.ravel()
    own = set(array.ravel().tolist())
    for k, number in enumerate(memory):
        colour = BLUE if number in own else "none"
        alpha = 0.3 if number in own else 1
        ax.add_patch(Rectangle((k, y), 1, 0.8, facecolor=colour, edgecolor="none", alpha=alpha))
        ax.add_patch(Rectangle((k, y), 1, 0.8, fill=False, edgecolor="0.4", linewidth=0.7))
        ax.text(k + 0.5, y + 0.4, f"{number:g}", ha="center", va="center", size=9)
    ax.text(0, y + 1, described(name, array), size=9)


@house_style
def plot() -> Figure:
    """The memory of an array, and which of it each of its views reads; a copy has memory of its own."""
    import matplotlib.pyplot as plt

    picture, ax = plt.subplots(figsize=(6.4, 4.6), layout="constrained")
    plt.close(picture)
    for place, (name, array) in enumerate(EXAMPLES.items()):
        row(ax, -1.9 * place, name, array)
    ax.set(xlim=(-0.2, 12.2), ylim=(-1.9 * len(EXAMPLES) + 1.6, 1.7))
    ax.axis("off")
    return picture
