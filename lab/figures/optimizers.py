"""Six optimizers on the same surfaces, with the update rules of torch.optim: the paths of the figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lab.plots import BLUE, GREEN, ORANGE, PURPLE, figure, house_style

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure


class Surface(NamedTuple):
    """The loss and its gradient, of w (2, ...) and a condition number; where to start; the minima."""

    loss: Callable[[np.ndarray, float], np.ndarray]
    gradient: Callable[[np.ndarray, float], np.ndarray]
    start: np.ndarray
    minima: np.ndarray


def _bowl(turn: np.ndarray) -> Surface:
    """(u^2 + kappa v^2) / 2 with (u, v) = turn.T w."""
    return Surface(
        lambda w, kappa: np.einsum("i,i...->...", [0.5, kappa / 2], np.einsum("ji,j...->i...", turn, w) ** 2),
        lambda w, kappa: turn @ np.diag([1, kappa]) @ turn.T @ w,
        turn @ [-2.2, 1.0],
        np.zeros((1, 2)),
    )


COS, SIN = np.sqrt(3) / 2, 0.5  # of 30 degrees
SURFACES = {
    "bowl": _bowl(np.eye(2)),
    "tilted": _bowl(np.array([[COS, -SIN], [SIN, COS]])),
    "saddle": Surface(
        lambda w, kappa: w[0] ** 4 / 9 - w[0] ** 2 / 2 + kappa * w[1] ** 2 / 2,
        lambda w, kappa: np.array([4 * w[0] ** 3 / 9 - w[0], kappa * w[1]]),
        np.array([0.02, 1.2]),
        np.array([[-1.5, 0], [1.5, 0]]),
    ),
    "valley": Surface(
        lambda w, kappa: (w[0] - 1.5) ** 2 / 2 + kappa * (w[1] + 1 - w[0] ** 2 / 2) ** 2 / 2,
        lambda w, kappa: np.array(
            [
                w[0] - 1.5 - kappa * w[0] * (w[1] + 1 - w[0] ** 2 / 2),
                kappa * (w[1] + 1 - w[0] ** 2 / 2),
            ]
        ),
        np.array([-2.0, 0.8]),
        np.array([[1.5, 0.125]]),
    ),
}


class Optimizer:
    """One optimizer and what it remembers: `step` gives the next w."""

    def __init__(self, rule: str, lr: float, mu: float) -> None:
        self.rule, self.lr, self.mu = rule, lr, mu
        self.v, self.s, self.t = np.zeros(2), np.zeros(2), 0

    def step(self, w: np.ndarray, g: np.ndarray) -> np.ndarray:
        self.t += 1
        return w - self.lr * getattr(self, self.rule)(g)

    def sgd(self, g: np.ndarray) -> np.ndarray:
        return g

    def momentum(self, g: np.ndarray) -> np.ndarray:
        self.v = self.mu * self.v + g
        return self.v

    def nesterov(self, g: np.ndarray) -> np.ndarray:
        return g + self.mu * self.momentum(g)

    def adagrad(self, g: np.ndarray) -> np.ndarray:
        self.s = self.s + g**2
        return g / (np.sqrt(self.s) + 1e-10)

    def rmsprop(self, g: np.ndarray) -> np.ndarray:
        self.s = 0.99 * self.s + 0.01 * g**2
        return g / (np.sqrt(self.s) + 1e-8)

    def adam(self, g: np.ndarray) -> np.ndarray:
        self.v = self.mu * self.v + (1 - self.mu) * g
        self.s = 0.999 * self.s + 0.001 * g**2
        root = np.sqrt(self.s / (1 - 0.999**self.t))
        return self.v / (1 - self.mu**self.t) / (root + 1e-8)


def path(rule: str, surface: str, kappa: float, noise: np.ndarray, lr: float, mu: float = 0.9) -> np.ndarray:
    """The points from the start on, (steps + 1, 2), with `noise` (steps, 2) added to the gradients.

    `mu` is the momentum, and beta1 of Adam. A path ends early where it is farther than 1000 from the origin.
    """
    optimizer, ground = Optimizer(rule, lr, mu), SURFACES[surface]
    points = [ground.start]
    for xi in noise:
        points.append(optimizer.step(points[-1], ground.gradient(points[-1], kappa) + xi))
        if not np.hypot(*points[-1]) < 1e3:
            break
    return np.array(points)


LINES = {
    "sgd": ("SGD", "#222222", "-", "o"),
    "momentum": ("momentum", BLUE, "-", "s"),
    "nesterov": ("Nesterov", ORANGE, "--", "^"),
    "adagrad": ("AdaGrad", "#8a6500", ":", "D"),
    "rmsprop": ("RMSProp", GREEN, "-.", "x"),
    "adam": ("Adam", PURPLE, "--", "P"),
}


@house_style
def plot() -> Figure:
    """All six at one learning rate, 40 steps, on the bowl, the saddle and the valley."""
    steps, kappa, lr = 40, 20.0, 10**-1.2
    panels = {"bowl": "bowl", "saddle": "saddle, two minima", "tilted": "tilted bowl"}
    picture, axes = figure(3, width=3.2, height=2.5, sharey=True)
    u, v = np.meshgrid(np.linspace(-2.6, 2.6, 261), np.linspace(-1.5, 1.5, 151))
    for ax, (surface, title) in zip(axes, panels.items(), strict=True):
        ground = SURFACES[surface]
        above = ground.loss(np.array([u, v]), kappa) - ground.loss(ground.minima[0], kappa)
        ax.contour(u, v, above, 0.5 * (0.3 * 1.5 ** np.arange(14)) ** 2, colors="0.85", linewidths=0.8)
        for rule, (label, colour, dashes, marker) in LINES.items():
            points = path(rule, surface, kappa, np.zeros((steps, 2)), lr)
            ax.plot(*points.T, dashes, color=colour, linewidth=1.3)
            ax.plot(*points[-1], marker, color=colour, label=label)
        ax.set(title=title, xlim=(-2.6, 2.6), ylim=(-1.5, 1.5), aspect="equal")
        ax.grid(visible=False)
    picture.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
    return picture
