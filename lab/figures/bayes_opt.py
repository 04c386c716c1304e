"""Which learning rate to try next: a Gaussian process through the known losses, and expected improvement."""

from __future__ import annotations

from math import erf
from typing import TYPE_CHECKING

import numpy as np

from lab.plots import BLACK, BLUE, ORANGE, figure, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIRST, LENGTH, NOISE = (-3.4, -2.0, -0.2), 0.6, 0.03  # as the interactive figure begins
PLACES = -4 + np.arange(81) / 20  # exponents of 10


def true_loss(e: np.ndarray) -> np.ndarray:
    """The loss that is searched: too slow on the left, diverging on the right."""
    return 0.3 + 2 / (1 + np.exp(2 * (e + 2.6))) + 2.2 / (1 + np.exp(-8 * (e + 0.6)))


def posterior(
    x: np.ndarray, y: np.ndarray, places: np.ndarray, length: float, noise: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation at places, (m,), of a process that had the values y, (n,), at x, (n,).

    Rasmussen and Williams (2006), eqs. 2.25 and 2.26, with a squared-exponential kernel of size 1.
    """

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.exp(-((a[:, None] - b) ** 2) / (2 * length**2))

    across = kernel(x, places)
    weights = np.linalg.solve(kernel(x, x) + noise**2 * np.eye(len(x)), across)
    return weights.T @ y, np.sqrt(np.maximum(0, 1 - (across * weights).sum(axis=0)))


def predict(
    x: np.ndarray, losses: np.ndarray, places: np.ndarray, length: float, noise: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, standard deviation and expected improvement, (m,) each; losses are standardized on the way."""
    middle, size = losses.mean(), losses.std() or 1.0
    mean, sd = posterior(x, (losses - middle) / size, places, length, noise / size)
    mu, s = middle + size * mean, size * sd
    z = (losses.min() - mu) / s
    below = (1 + np.array([erf(value / 2**0.5) for value in z])) / 2
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return mu, s, np.maximum(0, (losses.min() - mu) * below + s * density)


def search(trials: int) -> np.ndarray:
    """The rates tried, (trials,): the first three, then always where expected improvement is greatest."""
    x = np.array(FIRST)
    while len(x) < trials:
        improvement = predict(x, true_loss(x), PLACES, LENGTH, NOISE)[2]
        x = np.append(x, PLACES[improvement.argmax()])
    return x


@house_style
def plot() -> Figure:
    """The model and expected improvement after 3, 5 and 7 trials."""
    picture, axes = figure(3, rows=2, width=2.7, height=1.9, sharex=True)
    for top, bottom, trials in zip(axes[:3], axes[3:], (3, 5, 7), strict=True):
        x = search(trials)
        mean, sd, improvement = predict(x, true_loss(x), PLACES, LENGTH, NOISE)
        top.fill_between(PLACES, mean - 2 * sd, mean + 2 * sd, color=BLUE, alpha=0.18, linewidth=0)
        top.plot(PLACES, true_loss(PLACES), ":", color=BLACK, linewidth=1)
        top.plot(PLACES, mean, color=BLUE)
        top.plot(x, true_loss(x), "o", color=BLUE)
        top.set(title=f"{trials} trials", ylim=(-0.5, 3.5))
        bottom.plot(PLACES, improvement, color=ORANGE)
        bottom.axvline(PLACES[improvement.argmax()], color=ORANGE, linestyle="--", linewidth=1)
        bottom.set(xticks=[-4, -2, 0], xticklabels=["0.0001", "0.01", "1"], xlabel="learning rate")
    axes[0].set_ylabel("loss")
    axes[3].set_ylabel("EI")
    return picture
