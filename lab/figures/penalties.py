"""Two weights, a quadratic loss, and what is left of its minimum under an L1 or an L2 penalty."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from lab.plots import BLUE, GREY, ORANGE, figure, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TARGET = np.array([1.0, 2.0])  # the minimum of the loss, and the rest, as the interactive figure begins
CONDITION, DEGREES, STRENGTH = 4, 30, 0.4


def hessian(condition: float, degrees: float) -> np.ndarray:
    """(2, 2), curvature 1 across the valley and 1 / condition along it; the valley rises by `degrees`."""
    angle = np.deg2rad(degrees)
    axes = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return axes @ np.diag([1 / condition, 1]) @ axes.T


def penalized_minimum(A: np.ndarray, target: np.ndarray, strength: float, l1: float) -> np.ndarray:
    """The w, (2,), with the least (w - target)' A (w - target) / 2 + penalty, exactly.

    The penalty is strength * (l1 * sum|w| + (1 - l1) / 2 * sum w^2): the elastic net, Zou and Hastie (2005).
    Where the signs of w are known, its minimum solves a linear system: one of the nine patterns meets the
    optimality conditions.
    """
    pull, ridge = A @ target, A + strength * (1 - l1) * np.eye(2)
    for signs in product((0, 1, -1), repeat=2):
        active, w = np.flatnonzero(signs), np.zeros(2)
        wanted = pull - strength * l1 * np.array(signs)
        w[active] = np.linalg.solve(ridge[np.ix_(active, active)], wanted[active])
        slack = np.abs(ridge @ w - pull) <= strength * l1 + 1e-12
        if all(w[i] * s > 0 if s else slack[i] for i, s in enumerate(signs)):
            return w
    return np.zeros(2)


def same_penalty(w: np.ndarray, l1: float) -> np.ndarray:
    """Points, (120, 2), of the curve on which the penalty is as large as at w, which is not 0."""
    angle = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    around = np.column_stack([np.cos(angle), np.sin(angle)])
    level = l1 * np.abs(w).sum() + (1 - l1) / 2 * (w**2).sum()
    linear = l1 * np.abs(around).sum(axis=1, keepdims=True)
    return around * 2 * level / (linear + np.sqrt(linear**2 + 2 * (1 - l1) * level))


def contours(ax: Axes, A: np.ndarray, l1: float) -> None:
    """The loss, the shape of the penalty, the path of the minimum and where it stands."""
    grid = np.stack(np.meshgrid(np.linspace(-1.5, 3, 60), np.linspace(-1.5, 3, 60)))
    away = grid - TARGET[:, None, None]
    height = np.sqrt(
        np.einsum("iab,ij,jab->ab", away, A, away)
    )  # of the square root: linear, so 60 are enough
    w = penalized_minimum(A, TARGET, STRENGTH, l1)
    path = np.array([penalized_minimum(A, TARGET, s, l1) for s in np.linspace(0, 3, 61)])
    ax.contour(*grid, height, levels=np.arange(0.5, 4, 0.5), colors=GREY, linewidths=0.6)
    ax.contour(*grid, height, levels=[np.sqrt((w - TARGET) @ A @ (w - TARGET))], colors=BLUE)
    ax.fill(*same_penalty(w, l1).T, facecolor=ORANGE + "40", edgecolor=ORANGE)
    ax.plot(*path.T, ":", color="#222222")
    ax.plot(*TARGET, "x", color="#222222", markersize=8)
    ax.plot(*w, "o", color=BLUE, markersize=8)
    ax.set(xlabel="$w_1$", ylabel="$w_2$", aspect="equal")


@house_style
def plot() -> Figure:
    """Contours with a diamond and with a circle; then both weights against the strength of the penalty."""
    A, strengths = hessian(CONDITION, DEGREES), np.linspace(0, 3, 61)
    picture, (left, middle, right) = figure(3, width=2.8, height=2.8)
    contours(left, A, 1)
    contours(middle, A, 0)
    for l1, name, colour in ((1, "L1", BLUE), (0, "L2", ORANGE)):
        path = np.array([penalized_minimum(A, TARGET, s, l1) for s in strengths])
        right.plot(strengths, path[:, 0], color=colour, label=f"$w_1$, {name}")
        right.plot(strengths, path[:, 1], "--", color=colour, label=f"$w_2$, {name}")
    left.set_title("L1")
    middle.set_title("L2")
    right.set(title="regularization paths", xlabel=r"strength $\lambda$")
    right.legend(fontsize=8)
    return picture
