"""Unit 08's two experiments in NumPy: a noisy quadratic, and the noise of a gradient over the batch size.

    from lab.experiments import schedules_noise as noise
    t = np.arange(2000)
    results = noise.descend({"constant": np.full(2000, 0.1), "1/t": inverse_decay(t, 0.5, 0.25)})
    noise.plot_descent(results)        # left the rates; right the distance from the minimum, dashed: floors

`descend` takes arrays of rates (T,), any number of them by name, and makes the steps
w <- w - lr_t (h w + noise) from w = START, the noise normal with standard deviation sigma; many runs side by
side. It returns {"about": {h, sigma, runs, seed}, "runs": [{name, rates: (T,), distance: (T + 1,)}]}: the
distance is the root mean square of w over the runs, before each step and after the last; inf at an overflow.

    data = noise.digits()              # data.x (1497, 65), data.y (1497,), data.w (65, 10): float64
    results = noise.batch_noise(sizes=(1, 4, 16, 64, 256), gradient=mine)       # mine(w, x, y) -> (65, 10)
    noise.plot_batch_noise(results)    # std over the batch size; lines: 1/sqrt(B), and with the factor for N
    results["runs"][0]                 # {"batch", "std", "std_sqrt_b", "expected"}

`batch_noise` draws `draws` batches without replacement; std is the root of the mean squared distance of their
gradients from the gradient of all images, "expected" that of single images (all of them) times
sqrt((N - B) / ((N - 1) B)). `gradient` left out is that of softmax regression, the mean over the batch.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lab.data import read
from lab.experiments.results import Results
from lab.plots import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, figure, house_style, looks, plain_log_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

START = 10.0
LOOKS = looks(BLUE, ORANGE, GREEN, PURPLE, BLACK, GREY)
Gradient = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def descend(
    rates: Mapping[str, np.ndarray], h: float = 1.0, sigma: float = 1.0, runs: int = 400, seed: int = 0
) -> Results:
    """Many runs of noisy gradient descent on h w^2 / 2 for each array of rates; see the top of this module.

    Raises ValueError for rates that are no array (T,) of numbers.
    """
    records = []
    for name, values in rates.items():
        lr = np.asarray(values, float)
        if lr.ndim != 1 or not np.isfinite(lr).all():
            raise ValueError(
                f"Expected an array (T,) of numbers for {name!r}, got shape {lr.shape}: a rate per step."
            )
        draw = np.random.default_rng(seed)
        w = np.full(runs, START)
        distance = [START]
        with np.errstate(over="ignore", invalid="ignore"):
            for rate in lr:
                w = w - rate * (h * w + sigma * draw.normal(size=runs))
                distance.append(np.sqrt(np.mean(w**2)))
        records.append({"name": name, "rates": lr, "distance": np.array(distance)})
    return {"about": {"h": h, "sigma": sigma, "runs": runs, "seed": seed}, "runs": records}


def floor(rate: float, h: float = 1.0, sigma: float = 1.0) -> float:
    """The root mean square distance at which a constant rate stays; inf where it diverges."""
    return float(sigma * np.sqrt(rate / (h * (2 - rate * h)))) if rate * h < 2 else float("inf")


@house_style
def plot_descent(results: Results) -> "Figure":
    """Left the rates by step; right the root mean square distance, dashed the floor of a constant rate."""
    about = results["about"]
    fig, axes = figure(2, width=4.3, height=3.6)
    for record, look in zip(results["runs"], LOOKS * 2, strict=False):
        colour, steps = look["colour"], len(record["rates"])
        shown = _spaced(steps)
        axes[0].plot(shown + 1, record["rates"][np.minimum(shown, steps - 1)], color=colour)
        axes[1].plot(shown + 1, record["distance"][shown], color=colour, label=record["name"])
        if np.ptp(record["rates"]) == 0:
            level = floor(record["rates"][0], about["h"], about["sigma"])
            axes[1].axhline(level, color=colour, linestyle="--", linewidth=1)
    axes[0].set(ylabel="learning rate")
    axes[1].set(ylabel="distance from the minimum")
    for ax in axes:
        ax.set(xscale="log", yscale="log", xlabel="step + 1")
    fig.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig


def _spaced(steps: int) -> np.ndarray:
    """Some steps from 0 to the last one, the same factor apart: a curve of thousands of points is heavy."""
    return np.unique(np.geomspace(1, steps + 1, 120).astype(int)) - 1


class Digits(NamedTuple):
    """Images (N, 65), the last feature one for the bias, labels (N,), and weights (65, 10)."""

    x: np.ndarray
    y: np.ndarray
    w: np.ndarray


def digits(seed: int = 0) -> Digits:
    """The training images of digits, pixels from 0 to 1, and weights of standard deviation 0.1."""
    data = read("digits")
    pixels = data.train_images.reshape(len(data.train_images), -1) / 16
    x = np.concatenate([pixels, np.ones((len(pixels), 1))], axis=1)
    return Digits(x, data.train_labels, np.random.default_rng(seed).normal(0, 0.1, (65, 10)))


def softmax_gradient(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The gradient (D, K) of the mean cross-entropy of softmax regression with weights w (D, K)."""
    scores = x @ w
    likely = np.exp(scores - np.logaddexp.reduce(scores, axis=1, keepdims=True))
    return x.T @ (likely - np.eye(w.shape[1])[y]) / len(x)


def batch_noise(
    sizes: Sequence[int] = (1, 4, 16, 64, 256, 1024),
    gradient: Gradient | None = None,
    draws: int = 300,
    seed: int = 0,
) -> Results:
    """How far gradients of batches of digits are from that of all images; see the top of this module.

    Raises ValueError for a gradient of another shape than the weights have.
    """
    of, (x, y, w) = gradient or softmax_gradient, digits(seed)
    whole = np.asarray(of(w, x, y), float)
    if whole.shape != w.shape:
        raise ValueError(f"Expected a gradient of shape {w.shape}, got {whole.shape}: that of the weights.")
    count, draw = len(x), np.random.default_rng(seed)
    single = np.mean([np.sum((of(w, x[i : i + 1], y[i : i + 1]) - whole) ** 2) for i in range(count)])
    records = []
    for batch in sizes:
        squares = []
        for _ in range(draws):
            rows = draw.choice(count, batch, replace=False)
            squares.append(np.sum((of(w, x[rows], y[rows]) - whole) ** 2))
        std = float(np.sqrt(np.mean(squares)))
        expected = float(np.sqrt(single * (count - batch) / ((count - 1) * batch)))
        found = {"batch": batch, "std": std, "std_sqrt_b": std * batch**0.5, "expected": expected}
        records.append(found)
    about = {"images": count, "draws": draws, "seed": seed, "std_of_one": float(np.sqrt(single))}
    return {"about": about, "runs": records}


@house_style
def plot_batch_noise(results: Results) -> "Figure":
    """Left the noise of the gradient over the batch size; right the same times sqrt(B)."""
    about, runs = results["about"], results["runs"]
    sizes = np.array([record["batch"] for record in runs])
    fine = np.geomspace(sizes[0], sizes[-1], 60)
    one, count = about["std_of_one"], about["images"]
    left = np.sqrt((count - fine) / (count - 1))
    fig, axes = figure(2, width=4.3, height=3.6)
    for ax, power, key in zip(axes, (0.5, 0.0), ("std", "std_sqrt_b"), strict=True):
        ax.plot(fine, one / fine**power, color=GREY, linestyle="--", label="1 / sqrt(B)")
        ax.plot(fine, one * left / fine**power, color=ORANGE, label="and batches without replacement")
        ax.plot(sizes, [record[key] for record in runs], "o", color=BLUE, label="measured")
        plain_log_ticks(ax, sizes.tolist(), "batch size B")
        ax.set(ylabel="noise of the gradient")
    axes[0].set_yscale("log")
    axes[1].set(ylim=(0, None), ylabel="noise times sqrt(B)")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig
