"""A grid and random trials on a square, seen from each axis (Bergstra and Bengio 2012, Figure 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lab.plots import BLUE, GREEN, ORANGE, figure, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PEAK, WIDTH = (0.31, 0.62), 0.1  # as the interactive figure begins


def score(places: np.ndarray, peak: np.ndarray, *, ratio: float, width: float) -> np.ndarray:
    """The scores of places, (..., 2): a bump along each axis, the second `ratio` times as important."""
    bumps = np.exp(-((places - peak) ** 2) / (2 * width**2))
    return (bumps[..., 0] + ratio * bumps[..., 1]) / (1 + ratio)


def grid(k: int) -> np.ndarray:
    """(k * k, 2) places, each in the middle of its cell, the first axis slowest."""
    middles = (np.arange(k) + 0.5) / k
    return np.stack(np.meshgrid(middles, middles, indexing="ij"), axis=-1).reshape(-1, 2)


def odds(k: int, *, ratio: float, width: float, draws: int, seed: int = 0) -> tuple[float, float, float]:
    """Over optima anywhere: the mean best score of the grid and at random, and how often random wins."""
    rng = np.random.default_rng(seed)
    peaks, trials = rng.random((draws, 1, 2)), rng.random((draws, k * k, 2))
    of_grid, at_random = (
        score(places, peaks, ratio=ratio, width=width).max(axis=1) for places in (grid(k)[None], trials)
    )
    return float(of_grid.mean()), float(at_random.mean()), float((at_random > of_grid).mean())


@house_style
def plot() -> Figure:
    """Nine trials each, on a score that depends on the first axis alone, and its curve with their values."""
    picture, axes = figure(2, width=3.6, height=3.4, sharey=True)
    line, peak = np.linspace(0, 1, 201), np.array(PEAK)
    curve = np.exp(-((line - PEAK[0]) ** 2) / (2 * WIDTH**2))
    field = np.tile(curve[::4], (2, 1))
    ways = {"grid": grid(3), "random": np.random.default_rng(1).random((9, 2))}
    for ax, (name, places) in zip(axes, ways.items(), strict=True):
        scores = score(places, peak, ratio=0, width=WIDTH)
        ax.imshow(field, extent=(0, 1, 0, 1), cmap="Greens", vmax=1.3, aspect="auto")
        ax.plot(line, 1.1 + 0.4 * curve, color=GREEN)
        ax.plot(*places.T, "o", color=BLUE)
        ax.plot(places[:, 0], 1.1 + 0.4 * scores, "o", color=BLUE, alpha=0.6)
        ax.plot(*places[scores.argmax()], "o", markersize=12, markerfacecolor="none", color=ORANGE)
        values = len(np.unique(places[:, 0]))
        ax.set(title=f"{name}: {values} values, best {scores.max():.2f}", xlabel="first hyperparameter")
        ax.set(xticks=[], yticks=[], xlim=(0, 1), ylim=(0, 1.6))
        ax.grid(visible=False)
    axes[0].set_ylabel("second, and above it the score")
    return picture
