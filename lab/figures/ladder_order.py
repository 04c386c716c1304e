"""Four tricks in different orders: the gain of each, and its Shapley value, from 16 measured sets."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lab.experiments import capstone
from lab.plots import BLACK, BLUE, GREY, ORANGE, figure, house_style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

MEASURED = Path(__file__).parents[2] / "book" / "results" / "12-capstone" / "ablation.json"


def gains(order: Sequence[str]) -> dict[str, float]:
    """Gain of each trick in this order, in points, mean over the seeds (equation cp-ladder)."""
    found = capstone.ladder_of(capstone.load_results(MEASURED), order).mean(axis=1)
    return dict(zip(order, 100 * found, strict=True))


def values() -> dict[str, float]:
    """Shapley value of each trick, in points, mean over the seeds (equation cp-shapley)."""
    found = capstone.shapley_of(capstone.load_results(MEASURED))
    return {name: 100 * float(value.mean()) for name, value in found.items()}


@house_style
def plot() -> Figure:
    """The gains in the order in which the interactive figure begins, and in the opposite one."""
    four, shapley = capstone.FOUR, values()
    everywhere = [gains(order) for order in permutations(four)]
    picture, axes = figure(2, width=3.8, height=2.8, sharex=True)
    for ax, order, colour in zip(axes, (four, four[::-1]), (BLUE, ORANGE), strict=True):
        found = gains(order)
        ax.barh(order, list(found.values()), color=colour, height=0.5)
        for row, name in enumerate(order):
            every = np.array([each[name] for each in everywhere])
            ax.plot([every.min(), every.max()], [row + 0.38] * 2, color=GREY, linewidth=2)
            ax.plot(shapley[name], row, "|", color=BLACK, markersize=16, markeredgewidth=2)
        ax.axvline(0, color=GREY, linewidth=1)
        ax.invert_yaxis()
        ax.set(xlabel="gain, points", title=f"{order[0]} first")
    return picture
