"""The figures of unit 01, drawn from results as `lab.experiments.normalization` makes them."""

from typing import TYPE_CHECKING, Any

import numpy as np

from lab.experiments.results import Results
from lab.plots import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    as_percent,
    figure,
    house_style,
    mean_and_range,
    plain_log_ticks,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RAW = {"colour": ORANGE, "marker": "s"}
OTHERS = (
    {"colour": BLUE, "marker": "o"},
    {"colour": GREEN, "marker": "^"},
    {"colour": PURPLE, "marker": "D"},
    {"colour": GREY, "marker": "v"},
    {"colour": "#56B4E9", "marker": "P"},
    {"colour": "#000000", "marker": "X"},
)


@house_style
def plot_training_curves(results: Results) -> "Figure":
    """Training loss and validation accuracy over the epochs, a line per preparation."""
    data = results["runs"][-1]["data"]
    curves = [(name, _runs(results, data=data, preparation=name)) for name in _preparations(results, data)]
    return _plot_curves(curves)


@house_style
def plot_question(results: Results) -> "Figure":
    """Training loss and validation accuracy over the epochs: raw grey digits and raw colour patches."""
    sets = (("colour patches, raw", "photo_patches"), ("grey digits, raw", "mnist5k"))
    return _plot_curves([(label, _runs(results, data=data, preparation="raw")) for label, data in sets])


@house_style
def plot_preparations(results: Results) -> "Figure":
    """Validation accuracy after the last epoch per preparation: a dot per seed, a bar at their mean."""
    from matplotlib.ticker import PercentFormatter

    data = results["runs"][-1]["data"]
    names = _preparations(results, data)
    fig, (ax,) = figure(width=7.2, height=1.2 + 0.38 * len(names))
    for row, (name, look) in enumerate(zip(names, _looks(names), strict=True)):
        ends = np.array([run["val_accuracy"][-1] for run in _runs(results, data=data, preparation=name)])
        ax.plot(ends, np.full(len(ends), row), look["marker"], color=look["colour"])
        ax.plot(ends.mean(), row, "|", color=look["colour"], markersize=18, markeredgewidth=2)
    ax.set_yticks(range(len(names)), names)
    ax.set(ylim=(len(names) - 0.5, -0.5), xlim=(0, 1), xlabel="validation accuracy after the last epoch")
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return fig


@house_style
def plot_learning_rates(results: Results) -> "Figure":
    """Validation accuracy after the last epoch over learning rates, raw and standardized, per optimizer."""
    fig, axes = figure(2, sharey=True)
    for ax, optimizer in zip(axes, ("Adam", "SGD"), strict=True):
        lrs = results["about"][f"{optimizer.lower()}_lrs"]
        for name, look in (("raw", RAW), ("standardized per channel", OTHERS[0])):
            points = [_runs(results, preparation=name, optimizer=optimizer, lr=lr) for lr in lrs]
            ends = np.array([[run["val_accuracy"][-1] for run in runs] for runs in points]).T
            mean_and_range(ax, lrs, ends, label=name, **look)
        plain_log_ticks(ax, lrs, "learning rate")
        ax.set_title(optimizer)
    as_percent(axes[0], "validation accuracy")
    axes[1].legend(loc="upper left")
    return fig


@house_style
def plot_spectra(results: Results) -> "Figure":
    """The eigenvalues of X^T X / N from the largest on, a panel per data set, a line per preparation."""
    spectra = results["measures"]["spectra"]
    sets = list(dict.fromkeys(s["data"] for s in spectra))
    names = list(dict.fromkeys(s["preparation"] for s in spectra))
    fig, axes = figure(len(sets))
    for ax, data in zip(axes, sets, strict=True):
        for name, look in zip(names, _looks(names), strict=True):
            (line,) = (s for s in spectra if s["data"] == data and s["preparation"] == name)
            style = "--" if name in ("centred", "standardized per feature") else "-"  # they cover the others
            ax.loglog(*zip(*line["eigenvalues"], strict=True), style, color=look["colour"], label=name)
        ax.set(title=data, xlabel="number of the eigenvalue")
    axes[0].set_ylabel("eigenvalue of $X^T X / N$")
    axes[0].legend(fontsize=8, loc="lower left")
    return fig


def _plot_curves(curves: list[tuple[str, list[Results]]]) -> "Figure":
    fig, (left, right) = figure(2)
    names = [name for name, _ in curves]
    for (name, runs), look in zip(curves, _looks(names), strict=True):
        epochs = range(1, len(runs[0]["loss"]) + 1)
        mean_and_range(left, epochs, np.array([run["loss"] for run in runs]), label=name, **look)
        mean_and_range(right, epochs, np.array([run["val_accuracy"] for run in runs]), label=name, **look)
        for ax in (left, right):
            ax.set(xlabel="epoch", xticks=list(epochs))
    left.set_ylabel("training loss (logarithmic)")
    left.set_yscale("log")
    as_percent(right, "validation accuracy")
    if len(names) > 3:
        fig.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
    else:
        right.legend(loc="lower right")
    return fig


def _preparations(results: Results, data: str) -> list[str]:
    return list(dict.fromkeys(run["preparation"] for run in results["runs"] if run["data"] == data))


def _looks(names: list[str]) -> list[dict[str, str]]:
    """A look for each name: raw, the first, has the same one in every figure."""
    others = (OTHERS[i % len(OTHERS)] for i in range(len(names)))
    return [RAW if i == 0 else next(others) for i in range(len(names))]


def _runs(results: Results, **at: Any) -> list[Results]:
    """The runs at the base settings but for those named, one per seed."""
    base = results["about"]["base"]
    wanted = {"data": "photo_patches", "optimizer": base["optimizer"], "lr": base["lr"]} | at
    return [
        run
        for run in results["runs"]
        if np.isclose(run["lr"], wanted["lr"]) and all(run[k] == v for k, v in wanted.items() if k != "lr")
    ]
