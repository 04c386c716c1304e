"""One channel, one batch: what train mode and eval mode make of an example when its company drifts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lab.plots import BLUE, figure, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ONE = 1.5  # the example that we follow


def normalize(x: np.ndarray, eps: float = 1e-5) -> tuple[np.ndarray, np.ndarray]:
    """The outputs of x, (N,), in train mode, and in eval mode with running_mean = 0, running_var = 1."""
    return (x - x.mean()) / np.sqrt(x.var() + eps), x / np.sqrt(1 + eps)


@house_style
def plot() -> Figure:
    """The same example among others that are centred, that have drifted, and beside one only."""
    z = np.random.default_rng(5).normal(size=15)
    companies = {"no drift": z, "others at mean 2": z + 2, "one other example": z[:1]}
    picture, axes = figure(3, width=2.6, height=1.9, sharey=True)
    for ax, (title, others) in zip(axes, companies.items(), strict=True):
        x = np.r_[ONE, others]
        for height, row in zip((2, 1, 0), (x, *normalize(x)), strict=True):
            ax.plot(row[1:], np.full(len(others), height), "o", color="0.6", markersize=4, alpha=0.7)
            ax.plot(row[0], height, "o", color=BLUE, markersize=7)
        ax.set(title=title, xlim=(-3.5, 4.5), ylim=(-0.5, 2.5))
        ax.set_yticks((2, 1, 0), ("input x", "train mode", "eval mode"))
    return picture
