"""The figures of unit 02, drawn from results as `lab.experiments.batchnorm` makes them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lab.experiments.results import Results
from lab.plots import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    as_percent,
    figure,
    house_style,
    mark_diverged,
    mean_and_range,
    plain_log_ticks,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOOKS: tuple[tuple[bool, dict[str, str]], ...] = (
    (True, {"label": "with BN", "colour": BLUE, "marker": "o"}),
    (False, {"label": "without", "colour": ORANGE, "marker": "s"}),
)


@house_style
def plot_training_curves(results: Results) -> "Figure":
    """Training loss over the epochs, a panel per learning rate."""
    lrs = results["about"]["lrs"]
    fig, axes = figure(len(lrs), width=max(2.1, 6.3 / len(lrs)), height=2.9, sharey=True)
    epochs = range(1, results["about"]["epochs"] + 1)
    for ax, lr in zip(axes, lrs, strict=True):
        for norm, look in LOOKS:
            runs = np.array([r["loss"] for r in _runs(results, norm, lr=lr)])
            mean_and_range(ax, epochs, runs, **look)
            if not np.isfinite(runs).all():
                ax.text(0.5, 0.9, "× diverged", color=look["colour"], transform=ax.transAxes, ha="center")
        ax.set(title=f"learning rate {lr:g}", xlabel="epoch", ylim=(0, 2.6), xticks=list(epochs))
    axes[0].set_ylabel("training loss")
    axes[0].legend(loc="lower left")
    return fig


@house_style
def plot_learning_rates(results: Results) -> "Figure":
    """The last training loss and the test accuracy over learning rates."""
    return _plot_end(results, "lr", results["about"]["lrs"], "learning rate")


@house_style
def plot_weight_scales(results: Results) -> "Figure":
    """The last training loss and the test accuracy over scales of the initial weights."""
    about = results["about"]
    scales = sorted({*about["weight_scales"], about["base"]["weight_scale"]})
    return _plot_end(results, "weight_scale", scales, "scale of the initial weights (1 = He)")


@house_style
def plot_batch_size(results: Results) -> "Figure":
    """Noise of the batch statistics over the batch size, and the test accuracy after training with it."""
    fig, (left, right) = figure(2)
    _plot_noise(left, results["batch_noise"])
    about = results["about"]
    base = about["base"]
    sizes = sorted({*about["batch_sizes"], base["batch_size"]})
    for norm, look in LOOKS:
        points = [
            _runs(results, norm, lr=base["lr"] * size / base["batch_size"], batch_size=size) for size in sizes
        ]
        mean_and_range(right, sizes, _ends(points, "test_accuracy"), **look)
    plain_log_ticks(right, sizes, "batch size (learning rate in proportion)")
    as_percent(right, "test accuracy")
    right.legend(loc="lower right")
    return fig


def _plot_noise(ax: "Axes", noise: list[Results]) -> None:
    from matplotlib.ticker import NullLocator

    for quantity, marker, colour in (("mean", "o", BLUE), ("variance", "s", GREEN)):
        for layer, line in (("first", "-"), ("last", "--")):
            points = [(n["batch_size"], n[quantity]) for n in noise if n["layer"] == layer]
            ax.plot(
                *zip(*points, strict=True),
                line,
                marker=marker,
                color=colour,
                label=f"{quantity}, {layer} layer",
            )
    sizes = sorted({n["batch_size"] for n in noise})
    ax.plot(sizes, [1 / np.sqrt(size) for size in sizes], ":", color=GREY, label=r"$1/\sqrt{N}$")
    ax.set_yscale("log")
    ticks = (0.05, 0.1, 0.2, 0.5)
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_ylabel("relative error of batch statistics")
    plain_log_ticks(ax, sizes, "batch size $N$")
    ax.legend(fontsize=9)


def _plot_end(results: Results, axis: str, values: Sequence[float], label: str) -> "Figure":
    fig, (left, right) = figure(2)
    for norm, look in LOOKS:
        points = [_runs(results, norm, **{axis: value}) for value in values]
        loss = _ends(points, "loss")
        mean_and_range(left, values, loss, **look)
        mark_diverged(left, values, loss, colour=look["colour"])
        mean_and_range(right, values, _ends(points, "test_accuracy"), **look)
    left.set(ylabel="training loss, last epoch", ylim=(0, 2.6))
    as_percent(right, "test accuracy")
    for ax in (left, right):
        plain_log_ticks(ax, values, label)
    right.legend(loc="best")
    return fig


def _runs(results: Results, norm: bool, **at: float) -> list[Results]:
    """The runs at the base settings but for those named, one per seed."""
    base = results["about"]["base"]
    wanted = {key: base[key] for key in ("lr", "weight_scale", "batch_size")} | at
    return [
        run
        for run in results["runs"]
        if run["norm"] == norm and all(np.isclose(run[key], value) for key, value in wanted.items())
    ]


def _ends(points: list[list[Results]], quantity: str) -> np.ndarray:
    """The last epoch's values as (seeds, points)."""
    return np.array([[run[quantity][-1] for run in runs] for runs in points]).T
