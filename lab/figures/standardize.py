"""Two features, raw and prepared; the loss of a linear model on them, and the path of gradient descent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lab.plots import BLUE, GREY, ORANGE, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TARGET = np.array([1.6, -0.6])  # the minimum of the loss, for every preparation
MEAN, SPREAD, CORRELATION, STEPS = 2.0, 0.5, 0.6, 20  # as the interactive figure begins
SEED, SHOWN = 6690, 60  # its first data
PREPARATIONS = ("raw", "centred", "standardized", "whitened")


def pairs(seed: int) -> np.ndarray:
    """The standard normal pairs, (60, 2), that the interactive figure draws from this seed.

    Its uniform numbers are those of mulberry32 (T. Ettinger 2017), in 32-bit integers.
    """
    last, state, uniform = 0xFFFFFFFF, seed, []
    for _ in range(4 * SHOWN):
        state = (state + 0x6D2B79F5) & last
        t = (state ^ (state >> 15)) * (state | 1) & last
        t ^= (t + (t ^ (t >> 7)) * (t | 61)) & last
        uniform.append(((t ^ (t >> 14)) + 0.5) / 2**32)
    u, v = np.reshape(uniform, (-1, 2)).T
    return (np.sqrt(-2 * np.log(u)) * np.cos(2 * np.pi * v)).reshape(SHOWN, 2)


def cloud(pairs: np.ndarray, mean: float, spread: float, correlation: float) -> np.ndarray:
    """Raw points, (N, 2), from standard normal pairs, (N, 2): both features have the same mean."""
    a, b = pairs.T
    return np.column_stack([mean + a, mean + spread * (correlation * a + np.sqrt(1 - correlation**2) * b)])


def prepare(x: np.ndarray, how: str) -> np.ndarray:
    """The points x, (N, 2), with the statistics of these points; whitened is ZCA."""
    centred = x - x.mean(axis=0)
    if how == "whitened":
        lam, U = np.linalg.eigh(centred.T @ centred / len(x))
        return centred @ (U / np.sqrt(lam)) @ U.T
    return {"raw": x, "centred": centred, "standardized": centred / x.std(axis=0)}[how]


def path(H: np.ndarray, lr: float, steps: int) -> np.ndarray:
    """The weights, (steps + 1, 2), of gradient descent from zero on (w - TARGET)' H (w - TARGET) / 2."""
    shrink = np.eye(2) - lr * H
    return np.array([TARGET - np.linalg.matrix_power(shrink, t) @ TARGET for t in range(steps + 1)])


def steps_to_arrive(H: np.ndarray, lr: float, close: float = 0.01) -> int:
    """Steps until `close` of the way from zero to TARGET is left. The rate must be stable."""
    left, steps = TARGET, 0
    while np.hypot(*left) > close * np.hypot(*TARGET):
        left, steps = left - lr * H @ left, steps + 1
    return steps


@house_style
def plot() -> Figure:
    """A column for each preparation: the data above, the loss and the path at the best rate below."""
    import matplotlib.pyplot as plt

    raw = cloud(pairs(SEED), MEAN, SPREAD, CORRELATION)
    u, v = grid = np.stack(np.meshgrid(*(np.linspace(t - 2.1, t + 2.1, 61) for t in TARGET)))
    away = grid - TARGET[:, None, None]
    picture, rows = plt.subplots(2, 4, figsize=(10, 5.6), sharex="row", sharey="row", layout="constrained")
    plt.close(picture)
    for (above, below), how in zip(rows.T, PREPARATIONS, strict=True):
        x = prepare(raw, how)
        H = x.T @ x / len(x)
        small, large = np.linalg.eigvalsh(H)
        best = 2 / (small + large)
        above.plot(*x.T, ".", color=GREY)
        above.set(title=how, xlim=(-5, 5), ylim=(-5, 5), xticks=(-4, 0, 4), yticks=(-4, 0, 4), aspect="equal")
        height = np.sqrt(np.einsum("iab,ij,jab->ab", away, H, away))
        below.contour(u, v, height, 0.15 * 1.5 ** np.arange(16), colors="0.8", linewidths=0.8)
        below.plot(*path(H, best, STEPS).T, ".-", color=BLUE, linewidth=1.2)
        below.plot(*TARGET, "x", color=ORANGE, markersize=9, markeredgewidth=2)
        needed = steps_to_arrive(H, best)
        below.set(
            title=f"condition number {large / small:.2g}\n"
            f"rate {best:.2g}: {needed} step{'s' if needed > 1 else ''}",
            xticks=(0, 1, 2, 3),
            yticks=(-2, -1, 0, 1),
            aspect="equal",
        )
        below.grid(visible=False)
    rows[0, 0].set(ylabel="feature 2")
    rows[1, 0].set(ylabel="weight 2")
    return picture
