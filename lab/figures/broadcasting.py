"""Two shapes aligned on the right: which axes are repeated, and where a gradient is added up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lab.plots import BLACK, BLUE, GREEN, ORANGE, house_style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Shape = tuple[int, ...]
EXAMPLES = (((3, 1), (4,)), ((3, 4), (4,)), ((3, 4), (3,)))  # the last pair does not fit


def repeated(own: Shape, whole: Shape) -> list[int]:
    """The axes of the whole along which an array of the shape `own` is repeated."""
    missing = len(whole) - len(own)
    return [
        axis for axis, size in enumerate(whole) if axis < missing or (own[axis - missing] == 1 and size > 1)
    ]


def cells(ax: Axes, left: float, own: Shape, whole: Shape, values: np.ndarray, colour: str) -> None:
    """An array of at most two axes, repeated to the whole; the copies are dashed."""
    from matplotlib.patches import Rectangle

    copies = repeated(own, whole)
    shown = np.broadcast_to(values, whole)
    for place in np.ndindex(*whole):
        row, column = (0, *place)[-2:]
        first = all(place[axis] == 0 for axis in copies)
        look: dict = {"facecolor": colour, "alpha": 0.3} if first else {"facecolor": "none", "linestyle": ":"}
        ax.add_patch(Rectangle((left + column, -row), 1, 0.9, edgecolor=BLACK, linewidth=0.8, **look))
        grey = BLACK if first else "0.5"
        ax.text(
            left + column + 0.5, 0.45 - row, str(shown[place]), ha="center", va="center", color=grey, size=9
        )


def example(ax: Axes, a: Shape, b: Shape) -> None:
    """Shapes above, arrays below."""
    first = 10 * np.arange(1, 1 + int(np.prod(a))).reshape(a)
    second = np.arange(1, 1 + int(np.prod(b))).reshape(b)
    try:
        whole: Shape | None = np.broadcast_shapes(a, b)
    except ValueError:
        whole = None
    drawn: Sequence = [(a, whole or a, first, BLUE, "a"), (b, whole or b, second, ORANGE, "b")]
    if whole:
        drawn = [*drawn, (whole, whole, first + second, GREEN, "a + b")]
    for place, (own, form, values, colour, name) in enumerate(drawn):
        cells(ax, 4.6 * place, own, form, values, colour)
        ax.text(4.6 * place, 1.3, f"{name} {own}", size=9)
    if not whole:
        ax.text(9.2, 0.3, "ValueError:\n4 meets 3", size=9, va="top")
    ax.set(xlim=(-0.2, 13.6), ylim=(-2.3, 2.1), aspect="equal")
    ax.axis("off")


@house_style
def plot() -> Figure:
    """Two pairs of shapes that fit, and one that does not."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots(len(EXAMPLES), 1, figsize=(6.4, 6), layout="constrained")
    plt.close(picture)
    for ax, (a, b) in zip(axes, EXAMPLES, strict=True):
        example(ax, a, b)
    return picture
