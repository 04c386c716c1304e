"""The figures of unit 05, drawn from results as `lab.experiments.dropout` makes them."""

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

TRAIN = {"colour": BLUE, "marker": "o", "label": "training images"}
VAL = {"colour": ORANGE, "marker": "s", "label": "validation images"}
RATES = ({"colour": ORANGE, "marker": "s"}, {"colour": GREEN, "marker": "^"}, {"colour": BLUE, "marker": "o"})
WITHOUT, BATCH_NORM = RATES[2], RATES[0]
LOOKS = (*RATES, {"colour": PURPLE, "marker": "D"}, {"colour": GREY, "marker": "v"})


def select(results: Results, **at: Any) -> list[Results]:
    """The runs at the base settings but for those named, one per seed."""
    wanted = {"variant": "dropout", **results["about"]["base"], **at}
    return [run for run in results["runs"] if all(_same(run[key], value) for key, value in wanted.items())]


def summary(results: Results, key: str = "val_accuracy", **at: Any) -> dict[str, float]:
    """Mean, min and max over seeds of the last value of `key` of the runs that `select` finds."""
    ends = _ends(select(results, **at), key)
    return {"mean": float(ends.mean()), "min": float(ends.min()), "max": float(ends.max())}


def _same(a: Any, b: Any) -> bool:
    both = isinstance(a, int | float) and isinstance(b, int | float)
    return bool(np.isclose(a, b)) if both else a == b


def _ends(runs: list[Results], key: str) -> np.ndarray:
    return np.array([run[key][-1] for run in runs])


@house_style
def plot_gap(results: Results) -> "Figure":
    """Loss on training and on validation images over the epochs, a panel per p; the gap is between them."""
    rates = results["about"]["rates"]
    fig, axes = figure(len(rates), width=2.5, height=2.9, sharey=True)
    for ax, p in zip(axes, rates, strict=True):
        runs = select(results, p=p)
        for key, look in (("train_loss", TRAIN), ("val_loss", VAL)):
            mean_and_range(ax, runs[0]["epochs"], np.array([r[key] for r in runs]), **{**look, "marker": ""})
        ax.set(title=f"p = {p:g}", xlabel="epoch")
    axes[0].set(ylabel="loss, dropout off", ylim=(0, None))
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig


@house_style
def plot_accuracy(results: Results) -> "Figure":
    """Validation accuracy over the epochs, a line per p, and the last accuracies over p, a dot per seed."""
    rates = results["about"]["rates"]
    fig, (left, right) = figure(2, sharey=True)
    for p, look in zip(rates, LOOKS, strict=False):
        runs = select(results, p=p)
        values = np.array([run["val_accuracy"] for run in runs])
        mean_and_range(left, runs[0]["epochs"], values, label=f"p = {p:g}", **{**look, "marker": ""})
    for key, look in (("train_accuracy", TRAIN), ("val_accuracy", VAL)):
        ends = np.array([_ends(select(results, p=p), key) for p in rates])
        _dots(right, rates, ends, look)
    left.set_xlabel("epoch")
    left.xaxis.get_major_locator().set_params(integer=True)
    right.set(xlabel="p, the probability of dropping", xticks=rates)
    as_percent(left, "validation accuracy")
    left.legend(loc="lower right")
    right.legend(loc="lower left")
    right.set_title("accuracy after the last epoch")
    return fig


@house_style
def plot_order(results: Results) -> "Figure":
    """Validation loss and accuracy after the last epoch, a row for each order of batch norm and dropout."""
    rows: list[tuple[str, Results]] = [("neither", {"p": 0}), ("dropout", {"p": 0.5})]
    names = ("batch norm", "dropout, then batch norm", "batch norm, then dropout")
    rows += [(name, {"variant": name}) for name in (*names, "batch norm, dropout before the last layer")]
    labels = [name.replace(", dropout before", ",\ndropout before") for name, _ in rows]
    fig, axes = figure(2, width=4.6, height=3.2, sharey=True)
    shifts = [m for m in results["measures"]["variance_shift"] if m["p"]]
    for ax, key in zip(axes, ("val_loss", "val_accuracy"), strict=True):
        for row, (_, at) in enumerate(rows):
            _seeds(ax, row, _ends(select(results, **at), key), {"colour": BLUE, "marker": "o"})
            again = [m[f"adapted_{key}"] for m in shifts if m["variant"] == at.get("variant")]
            if again:
                _seeds(ax, row + 0.28, np.array(again), {"colour": ORANGE, "marker": "s"})
        ax.set(ylim=(len(rows) - 0.4, -0.6), xlabel=key.replace("val_", "validation "))
    axes[0].set_yticks(range(len(rows)), labels)
    _percent_x(axes[1])
    axes[0].plot([], [], "o", color=BLUE, label="as trained")
    axes[0].plot([], [], "s", color=ORANGE, label="statistics measured again, dropout off")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig


@house_style
def plot_variance_shift(results: Results) -> "Figure":
    """Variance of a batch norm's input in training over that at test, against 1/q + (mean^2/var) p/q."""
    from matplotlib.ticker import NullLocator

    names = (
        "dropout, then batch norm",
        "batch norm, then dropout",
        "batch norm, dropout before the last layer",
    )
    fig, axes = figure(3, width=3.1, height=3.2, sharex=True, sharey=True)
    for ax, name in zip(axes, names, strict=True):
        found = [m for m in results["measures"]["variance_shift"] if m["variant"] == name]
        places = ("first batch norm", "second batch norm")
        for layer, (label, colour) in enumerate(zip(places, (BLUE, ORANGE), strict=True)):
            pairs = np.concatenate([np.array(m["layers"][layer]["units"]) for m in found])
            ax.plot(*pairs.T, ".", color=colour, label=label, markersize=4)
        ends = np.array([1, 6])
        ax.plot(ends, ends, color=GREY, linewidth=1, zorder=0)
        ax.axhline(1, color=GREY, linewidth=1, linestyle="--", zorder=0)
        ax.set_title(name.replace(", dropout before", ",\ndropout before"), fontsize=10)
        plain_log_ticks(ax, (1, 2, 4, 8), "dropout directly before it gives")
    axes[0].set_yscale("log")
    axes[0].set_yticks([0.5, 1, 2, 4], ["0.5", "1", "2", "4"])
    axes[0].yaxis.set_minor_locator(NullLocator())
    axes[0].set_ylabel("measured ratio of variances")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, markerscale=3)
    return fig


@house_style
def plot_advice(results: Results) -> "Figure":
    """Validation accuracy after the last epoch of each network of Garbin et al. (2020), RMSprop, per rate."""
    from lab.experiments.dropout_advice import LRS, NETWORKS, SETTINGS

    fig, axes = figure(len(LRS), width=2.7, height=3.2, sharex=True, sharey=True)
    for ax, lr in zip(axes, LRS, strict=True):
        for row, name in enumerate(NETWORKS):
            runs = select(results, **SETTINGS[name], optimizer="RMSprop", lr=lr)
            look = BATCH_NORM if "norm" in SETTINGS[name]["variant"] or "both" in name else WITHOUT
            if runs:  # those with dropout everywhere have one learning rate
                _seeds(ax, row, _ends(runs, "val_accuracy"), look)
        ax.set(title=f"learning rate {lr:g}", ylim=(len(NETWORKS) - 0.5, -0.5))
        ax.set_xlabel("validation accuracy")
        _percent_x(ax)
    axes[0].set_yticks(range(len(NETWORKS)), NETWORKS)
    return fig


@house_style
def plot_redundancy(results: Results) -> "Figure":
    """Validation accuracy and loss over the share of hidden units switched off, the rest scaled up."""
    fig, (left, right) = figure(2)
    for p, look in zip(results["about"]["rates"], LOOKS, strict=False):
        found = [m for m in results["measures"]["redundancy"] if m["p"] == p]
        for ax, key in ((left, "accuracy"), (right, "loss")):
            means = np.array([m["rescaled"][key] for m in found])[:, :, 0]
            mean_and_range(ax, found[0]["shares"], means, label=f"trained with p = {p:g}", **look)
            ax.set_xlabel("share of the hidden units switched off")
    as_percent(left, "validation accuracy")
    right.set(ylabel="validation loss", ylim=(0, 4))
    left.legend(loc="lower left", fontsize=9)
    return fig


@house_style
def plot_certain(results: Results) -> "Figure":
    """Accuracy on the most certain images: ordered by one pass without dropout, or by the mean of many."""
    rates = [p for p in results["about"]["rates"] if p]
    fig, axes = figure(len(rates), width=3, height=3, sharey=True)
    for ax, p in zip(axes, rates, strict=True):
        found = [m for m in results["measures"]["certainty"] if m["p"] == p]
        passes = found[0]["passes"]
        looks = {
            "single": {"label": "one pass, no dropout", "colour": BLUE, "marker": "o"},
            "mean": {"label": f"mean of {passes} passes", "colour": ORANGE, "marker": "s"},
        }
        for key, look in looks.items():
            values = np.array([m[key]["accuracy"] for m in found])
            mean_and_range(ax, found[0]["fractions"], values, **look)
        ax.set(title=f"p = {p:g}", xlabel="most certain share of the images")
    axes[0].set_ylabel("accuracy on it")
    axes[0].yaxis.set_major_formatter(_percent())
    axes[0].legend(loc="lower left", fontsize=9)
    return fig


@house_style
def plot_unseen(results: Results) -> "Figure":
    """How often an image of the class left out scores as more uncertain than one of a known class."""
    found = results["measures"]["unseen"]
    classes = list(dict.fromkeys(m["left_out"] for m in found))
    scores = {
        "single": ("entropy of one pass, no dropout", {"colour": BLUE, "marker": "o"}),
        "mean": (f"entropy of the mean of {found[0]['passes']} passes", {"colour": ORANGE, "marker": "s"}),
        "information": ("mutual information", {"colour": GREEN, "marker": "^"}),
    }
    fig, (ax,) = figure(width=7.2, height=3.2)
    for step, (key, (label, look)) in enumerate(scores.items()):
        for row, label_left_out in enumerate(classes):
            values = np.array([m[key]["auc"] for m in found if m["left_out"] == label_left_out])
            _seeds(ax, row + 0.25 * (step - 1), values, look)
        ax.plot([], [], look["marker"], color=look["colour"], label=label)
    ax.axvline(0.5, color=GREY, linewidth=1, linestyle="--")
    names = results["about"]["classes"]
    ax.set_yticks(range(len(classes)), [f"{names[c]} left out" for c in classes])
    ax.set(
        ylim=(len(classes) - 0.5, -0.5), xlabel="probability that an unseen image is the more uncertain one"
    )
    ax.set_xlim(0, 1)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
    return fig


@house_style
def plot_spatial(results: Results) -> "Figure":
    """Last validation loss and accuracy: single numbers or whole channels dropped behind convolutions."""
    rows: list[tuple[str, Results]] = [("no dropout", {"p": 0})]
    for p in (0.2, 0.5):
        rows += [
            (f"{name}, p = {p:g}", {"variant": name, "p": p}) for name in ("single numbers", "whole channels")
        ]
    rows.append(("in the dense part, p = 0.5", {"p": 0.5}))
    fig, axes = figure(2, width=4.2, height=3, sharey=True)
    for ax, key in zip(axes, ("val_loss", "val_accuracy"), strict=True):
        for row, (_, at) in enumerate(rows):
            _seeds(ax, row, _ends(select(results, **at), key), {"colour": BLUE, "marker": "o"})
        ax.set(ylim=(len(rows) - 0.5, -0.5), xlabel=key.replace("val_", "validation "))
    axes[0].set_yticks(range(len(rows)), [name for name, _ in rows])
    _percent_x(axes[1])
    return fig


def _dots(ax: Any, x: list[float], values: np.ndarray, look: Results) -> None:
    """A dot per seed at each x, values (len(x), seeds), and a line through the means."""
    places = np.repeat(x, values.shape[1])
    ax.plot(places, values.ravel(), look["marker"], color=look["colour"])
    ax.plot(x, values.mean(axis=1), color=look["colour"], label=look["label"])


def _seeds(ax: Any, row: float, values: np.ndarray, look: Results) -> None:
    """A dot per seed in a row, a bar at their mean."""
    ax.plot(values, np.full(len(values), row), look["marker"], color=look["colour"])
    ax.plot(values.mean(), row, "|", color=look["colour"], markersize=14, markeredgewidth=2)


def _percent() -> Any:
    from matplotlib.ticker import PercentFormatter

    return PercentFormatter(1, decimals=0)


def _percent_x(ax: Any) -> None:
    ax.xaxis.set_major_formatter(_percent())
