"""The smallest network that can be fine-tuned: features move, and other inputs go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lab.plots import BLUE, GREEN, ORANGE, figure, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INPUTS = np.array([
    [1.6, 0.5], [1.2, -0.6], [0.7, 0.9], [0.8, -1.3], [0.4, 0.1],
    [-1.5, -0.65], [-1.1, 0.45], [-0.6, -1.05], [-0.7, 1.15], [-0.3, -0.25],
])  # fmt: skip
BEST = np.array([1.0, 0.4])
STEPS, RATE, DEGREES, PROBE = 200, 0.1, 120, 40  # as the interactive figure begins; it has no probe at first


class State(NamedTuple):
    """The head v, (2,), and the part P, (2, 2), of the backbone that sees the training inputs."""

    v: np.ndarray
    P: np.ndarray


def train(
    degrees: float, rate: float, ratio: float, probe: int, length: float = 1, steps: int = STEPS
) -> list[State]:
    """Head and backbone before each step and after the last: the head alone for `probe` steps, then both.

    Training inputs are (a, 0) and inputs of another kind (0, a), for the rows a of INPUTS. The backbone
    [P, Q] begins as [I, I]; Q gets no gradient. Gradient descent on half the mean squared error to BEST . a
    (Kumar et al. 2022), at `rate` for the head and `ratio` times that for the backbone.
    """
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    states = [State(length * turn @ BEST, np.eye(2))]
    for t in range(steps):
        v, P = states[-1]
        away = np.mean((INPUTS @ (v @ P - BEST))[:, None] * INPUTS, axis=0)
        moving = 0 if t < probe else ratio
        states.append(State(v - rate * P @ away, P - moving * rate * np.multiply.outer(v, away)))
    return states


def errors(state: State) -> tuple[float, float]:
    """Half the mean squared error on training inputs and on inputs of another kind."""
    targets = INPUTS @ BEST
    scores = INPUTS @ state.P.T @ state.v, INPUTS @ state.v
    training, outside = (float(np.square(found - targets).mean() / 2) for found in scores)
    return training, outside


def plane(ax: Axes, state: State) -> None:
    """Where the features of both kinds of inputs are, and what the head makes of them."""
    first = INPUTS @ BEST > 0
    for kind, colour in ((first, BLUE), (~first, ORANGE)):
        now = INPUTS[kind] @ state.P.T
        for a, feature in zip(INPUTS[kind], now, strict=True):
            ax.plot(*zip(a, feature, strict=True), color="0.7", linewidth=1)
        ax.plot(*INPUTS[kind].T, "o", markerfacecolor="white", markeredgecolor=colour, markersize=6)
        ax.plot(*now.T, "o", color=colour, markersize=6)
    failed = INPUTS[(INPUTS @ state.v > 0) != first]
    ax.plot(*failed.T, "x", color="#222222", markersize=9)
    across = np.array([-state.v[1], state.v[0]]) / np.linalg.norm(state.v)
    ax.plot(*(9 * np.outer((-1, 1), across)).T, color="#222222", linewidth=1)
    for head, dash, colour in ((BEST, "--", GREEN), (state.v, "-", "#222222")):
        style = {"arrowstyle": "->", "color": colour, "linestyle": dash, "lw": 1.8}
        ax.annotate("", (head[0], head[1]), (0, 0), arrowprops=style)
    ax.set(xlim=(-2.6, 2.6), ylim=(-2.6, 2.6), aspect="equal", xticks=[], yticks=[])


@house_style
def plot() -> Figure:
    """The plane of features after training all at once and after the head came first; then the errors."""
    ways = {"all at once": 0, "head first": PROBE}
    runs = {name: train(DEGREES, RATE, 1, probe) for name, probe in ways.items()}
    picture, axes = figure(3, width=2.7, height=2.8)
    for ax, (name, states) in zip(axes, runs.items(), strict=False):
        plane(ax, states[-1])
        ax.set_title(name)
    for (name, states), colour in zip(runs.items(), (ORANGE, BLUE), strict=True):
        found = np.maximum([errors(state) for state in states], 1e-6)
        axes[2].semilogy(found[:, 0], color=colour, label=f"training, {name}")
        axes[2].semilogy(found[:, 1], "--", color=colour, label=f"other inputs, {name}")
    axes[2].set(title="error", xlabel="steps", ylim=(1e-5, 4))
    axes[2].legend(fontsize=7, loc="upper right", bbox_to_anchor=(1, 0.85))
    return picture
