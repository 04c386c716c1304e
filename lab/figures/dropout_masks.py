"""Four units before one output: every dropout mask is a network of its own, and there are 16 of them."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np

from lab.plots import BLUE, ORANGE, figure, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

H = np.array([1, 1.5, 0.5, 2])  # the activations of the four units
W = np.array([2, -1, 2, -0.5])  # their weights to the output
OUTPUTS = {
    "linear": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
}
Scaling = Literal["none", "inverted", "test"]


def ensemble(
    h: np.ndarray, w: np.ndarray, p: float, scaling: Scaling, output: str
) -> tuple[np.ndarray, np.ndarray, float]:
    """All 2^n networks of units h (n,) with weights w (n,); p is the probability of dropping a unit.

    Returns their outputs (2^n,), their probabilities (2^n,), and what the full network predicts.
    """
    train = 1 / (1 - p) if scaling == "inverted" else 1
    predict = 1 - p if scaling == "test" else 1
    kept = np.array(list(product((0, 1), repeat=len(h))))[:, ::-1]  # unit i is bit i, as in the page
    probabilities = np.where(kept, 1 - p, p).prod(axis=1)
    activate = OUTPUTS[output]
    return activate(train * kept @ (h * w)), probabilities, float(activate(predict * h @ w))


@house_style
def plot() -> Figure:
    """Inverted dropout with p = 0.5: the average is the prediction for a linear output, and for it only."""
    picture, axes = figure(3, width=2.6, height=2.2, sharey=True)
    for ax, (output, title) in zip(
        axes, {"linear": "linear", "relu": "ReLU", "sigmoid": "sigmoid"}.items(), strict=True
    ):
        values, probabilities, prediction = ensemble(H, W, 0.5, "inverted", output)
        ax.hist(values, bins=24, weights=probabilities, color="0.75", edgecolor="0.3")
        ax.axvline(probabilities @ values, color=BLUE, label="exact average")
        ax.axvline(prediction, color=ORANGE, linestyle="--", label="full network")
        ax.set(title=title, xlabel="output")
    axes[0].set_ylabel("probability")
    axes[1].legend(loc="upper right", fontsize=9)
    return picture
