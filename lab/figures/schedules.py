"""Learning-rate schedules: the rate of every step, from the formulas of the papers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lab.plots import BLUE, GREEN, ORANGE, PURPLE, figure, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def rates(
    name: str, *, base: float, T: int, W: int = 0, period: int = 30, gamma: float = 0.3, least: float = 0
) -> np.ndarray:
    """The rates of the steps 0 to T - 1, (T,). A linear warm-up of W steps comes before the decays."""
    t = np.arange(T)
    swing = {
        "cyclic": least + (base - least) * np.interp(t % period, [0, period / 2, period], [0, 1, 0]),
        "onecycle": _one_cycle(t, base, T),
    }
    if name in swing:
        return swing[name]
    s = np.maximum(t - W, 0)
    decay = {
        "constant": np.full(T, base),
        "step": base * gamma ** (s // period),
        "exponential": base * np.exp(np.log(gamma) * s / period),
        "inverse": base / (1 + s / period),
        "cosine": least + (base - least) * (1 + np.cos(np.pi * s / (T - W))) / 2,
        "restarts": least + (base - least) * (1 + np.cos(np.pi * (s % period) / period)) / 2,
    }
    return np.where(t < W, base * (t + 1) / max(W, 1), decay[name])


def _one_cycle(t: np.ndarray, base: float, T: int) -> np.ndarray:
    """From base / 25 up for 30 % of the steps, down to base / 250 000, each along half a cosine."""
    top, low, end = 0.3 * T - 1, base / 25, base / 25 / 1e4
    rise = low + (base - low) * (1 - np.cos(np.pi * t / top)) / 2
    fall = end + (base - end) * (1 + np.cos(np.pi * (t - top) / (T - 1 - top))) / 2
    return np.where(t <= top, rise, fall)


@house_style
def plot() -> Figure:
    """Left the decays after a warm-up of 10 steps, right the schedules that rise again."""
    panels = {
        "decays, after a warm-up": {
            "step": "step decay",
            "exponential": "exponential decay",
            "inverse": "1/t decay",
            "cosine": "cosine",
        },
        "rates that rise again": {
            "restarts": "cosine with restarts",
            "cyclic": "triangular cycles",
            "onecycle": "one cycle",
        },
    }
    picture, axes = figure(2, height=3, sharey=True)
    looks = list(zip((ORANGE, GREEN, PURPLE, BLUE), ("--", "-.", ":", "-"), strict=True))
    for ax, (title, schedules), warm_up in zip(axes, panels.items(), (10, 0), strict=True):
        for (name, label), (colour, dashes) in zip(schedules.items(), looks[-len(schedules) :], strict=True):
            values = rates(name, base=0.1, T=100, W=warm_up)
            ax.stairs(values, color=colour, linestyle=dashes, linewidth=1.6, baseline=None, label=label)
        ax.set(title=title, xlabel="step", ylim=(0, 0.13))
        ax.legend(ncols=2, fontsize=9, loc="upper center")
    axes[0].set_ylabel("learning rate")
    return picture
