"""The figures of unit 06, drawn from results as `lab.experiments.regularization` makes them."""

from typing import TYPE_CHECKING, Any

import numpy as np

from lab.experiments.regularization_select import ends, select
from lab.experiments.results import Results
from lab.plots import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    dots_of_seeds,
    figure,
    house_style,
    looks,
    mean_and_range,
    whole_percents,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOOKS = looks(BLUE, ORANGE, GREEN, PURPLE, BLACK, GREY)
TRAIN, VAL = {**LOOKS[0], "label": "training images"}, {**LOOKS[1], "label": "new images"}


@house_style
def plot_ways(results: Results) -> "Figure":
    """A row per way: loss and accuracy on new images after the last epoch, a dot per seed."""
    ways = list(dict.fromkeys(run["way"] for run in results["runs"]))
    fig, axes = figure(2, width=4.0, height=1.2 + 0.35 * len(ways), sharey=True)
    for ax, key in zip(axes, ("val_loss", "val_accuracy"), strict=True):
        for row, way in enumerate(ways):
            dots_of_seeds(ax, row, ends(results, key, way=way), GREY if way == "plain" else BLUE)
        ax.set(ylim=(len(ways) - 0.5, -0.5), xlabel=key.replace("val_", "") + " on new images")
    axes[0].set_yticks(range(len(ways)), ways)
    whole_percents(axes[1].xaxis)
    return fig


@house_style
def plot_curves(results: Results) -> "Figure":
    """Loss on training and on new images by epoch, a panel per way."""
    ways = [way for way in dict.fromkeys(run["way"] for run in results["runs"]) if _curves(results, way)]
    columns = min(len(ways), 4)
    fig, axes = figure(columns, rows=-(-len(ways) // columns), width=2.5, height=2.7, sharey=True)
    for ax, way in zip(axes, ways, strict=False):
        runs = _curves(results, way)
        length = min(len(run["epochs"]) for run in runs)  # those that were stopped early differ
        for key, look in (("train_loss", TRAIN), ("val_loss", VAL)):
            values = np.array([run[key][:length] for run in runs], float)
            mean_and_range(ax, runs[0]["epochs"][:length], values, **{**look, "marker": ""})
        ax.set(title=way, xlabel="epoch")
    for ax in axes[len(ways) :]:
        ax.remove()
    axes[0].set(ylabel="loss", ylim=(0, None))
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig


def _curves(results: Results, way: str) -> list[Results]:
    return [run for run in select(results, way=way) if len(run["epochs"]) > 1]


def _lines(
    axes: "list[Axes]",
    results: Results,
    field: str,
    places: list[float],
    way: str,
    keys: tuple[str, ...],
    look: Any,
) -> None:
    """Mean and range over the seeds of each key over the values of a field, a panel per key."""
    for ax, key in zip(axes, keys, strict=True):
        values = np.array([ends(results, key, way=way, **{field: place}) for place in places]).T
        mean_and_range(ax, places, values, **look)


@house_style
def plot_strengths(results: Results) -> "Figure":
    """Not drawn yet."""
    fig, _ = figure()
    return fig


@house_style
def plot_histograms(results: Results) -> "Figure":
    """Not drawn yet."""
    fig, _ = figure()
    return fig


@house_style
def plot_zeros(results: Results) -> "Figure":
    """Not drawn yet."""
    fig, _ = figure()
    return fig


@house_style
def plot_decay(results: Results) -> "Figure":
    """Not drawn yet."""
    fig, _ = figure()
    return fig


@house_style
def plot_noise(results: Results) -> "Figure":
    """Not drawn yet."""
    fig, _ = figure()
    return fig


@house_style
def plot_noisy_test(results: Results) -> "Figure":
    """Not drawn yet."""
    fig, _ = figure()
    return fig


@house_style
def plot_stopping(results: Results) -> "Figure":
    """Not drawn yet."""
    fig, _ = figure()
    return fig


@house_style
def plot_smoothing(results: Results) -> "Figure":
    """Not drawn yet."""
    fig, _ = figure()
    return fig


@house_style
def plot_reliability(results: Results) -> "Figure":
    """Not drawn yet."""
    fig, _ = figure()
    return fig


@house_style
def plot_max_norm(results: Results) -> "Figure":
    """Not drawn yet."""
    fig, _ = figure()
    return fig


@house_style
def plot_together(results: Results) -> "Figure":
    """Not drawn yet."""
    fig, _ = figure()
    return fig
