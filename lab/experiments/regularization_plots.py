"""The figures of unit 06, drawn from results as `lab.experiments.regularization` makes them."""

from typing import TYPE_CHECKING, Any

import numpy as np

from lab.experiments.regularization_select import (
    FIELDS,
    chosen_runs,
    ends,
    select,
    stopped,
    values_of,
)
from lab.experiments.regularization_ways import PENALTIES
from lab.experiments.results import Results
from lab.plots import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    as_percent,
    dots_of_seeds,
    figure,
    house_style,
    looks,
    mean_and_range,
    plain_log_ticks,
    whole_percents,
    without,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOOKS = looks(BLUE, ORANGE, GREEN, PURPLE, BLACK, GREY)
EARLY = "early stopping"
ACCURACIES = ("train_accuracy", "val_accuracy")
TRAIN, VAL = {**LOOKS[0], "label": "training images"}, {**LOOKS[1], "label": "new images"}


@house_style
def plot_ways(results: Results) -> "Figure":
    """A row per way: loss and accuracy at the end on images that chose nothing, a dot per seed."""
    ways = list(dict.fromkeys(run["way"] for run in results["runs"]))
    fig, axes = figure(2, width=4.0, height=1.2 + 0.35 * len(ways), sharey=True)
    for ax, key in zip(axes, ("test_loss", "test_accuracy"), strict=True):
        for row, way in enumerate(ways):
            dots_of_seeds(ax, row, ends(results, key, way=way), GREY if way == "plain" else BLUE)
        ax.set(ylim=(len(ways) - 0.5, -0.5), xlabel=key.replace("test_", "") + " on new images")
    axes[0].set_yticks(range(len(ways)), ways)
    whole_percents(axes[1].xaxis)
    return fig


@house_style
def plot_curves(results: Results) -> "Figure":
    """Loss on training and on new images by epoch, a panel per way: mean and range over the seeds.

    Training that was stopped early has a line per seed, and a dot at the epoch it went back to."""
    ways = [way for way in dict.fromkeys(run["way"] for run in results["runs"]) if _curves(results, way)]
    columns = min(len(ways), 4)
    fig, axes = figure(columns, rows=-(-len(ways) // columns), width=2.5, height=2.7, sharey=True)
    for ax, way in zip(axes, ways, strict=False):
        runs = _curves(results, way)
        for key, look in (("train_loss", TRAIN), ("val_loss", VAL)):
            line = {**look, "marker": ""}
            if "stopped" not in runs[0]:
                values = np.array([run[key] for run in runs], float)
                mean_and_range(ax, runs[0]["epochs"], values, **line)
                continue
            for run in runs:
                *epochs, back = run["epochs"]
                ax.plot(epochs, run[key][:-1], color=look["colour"])
                ax.plot(back, run[key][-1], "o", color=look["colour"])
        ax.set(title=way, xlabel="epoch")
    for ax in axes[len(ways) :]:
        ax.remove()
    axes[0].set(ylabel="loss", ylim=(0, None))
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig


def _curves(results: Results, way: str) -> list[Results]:
    return [run for run in select(results, way=way) if len(run["epochs"]) > 1]


@house_style
def plot_strengths(results: Results) -> "Figure":
    """Accuracy on training and on new images, and loss on new ones, over lambda; dashed: no penalty."""
    fig, axes = figure(3, width=3.5, height=3.5)
    for way, look in zip(PENALTIES, LOOKS, strict=False):
        places = values_of(results, "lam", way, optimizer="SGD")
        _lines(axes, results, "lam", places, way, (*ACCURACIES, "val_loss"), {**look, "label": way})
    for ax, key in zip(axes, (*ACCURACIES, "val_loss"), strict=True):
        without(ax, ends(results, key, way="plain", optimizer="SGD"))
        ax.set(xscale="log", xlabel="strength lambda")
    _accuracy_titles(axes)
    axes[1].set_ylim(0.5, 0.8)
    axes[2].set(title="new images", ylabel="loss", ylim=(0, None))
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=9)
    return fig


@house_style
def plot_zeros(results: Results) -> "Figure":
    """The share of weights that are exactly 0, and the norm of all, over lambda; dashed: no penalty."""
    fig, axes = figure(2, width=4.2, height=3.4)
    keys = ("weights/zeros", "weights/norm")
    for way, look in zip(PENALTIES, LOOKS, strict=False):
        places = values_of(results, "lam", way, optimizer="SGD")
        _lines(axes, results, "lam", places, way, keys, {**look, "label": way})
    for ax, key in zip(axes, keys, strict=True):
        without(ax, ends(results, key, way="plain", optimizer="SGD"))
        ax.set(xscale="log", xlabel="strength lambda")
    as_percent(axes[0], "weights that are exactly 0")
    axes[1].set(ylabel="norm of all weights", ylim=(0, None))
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=9)
    return fig


@house_style
def plot_histograms(results: Results) -> "Figure":
    """How many weights lie where, mean over the seeds, at the `strongest` lambda of each penalty."""
    edges = np.array(results["about"]["edges"])
    ways = ("plain", *PENALTIES)
    fig, axes = figure(len(ways), width=2.3, height=2.9, sharey=True)
    for ax, way in zip(axes, ways, strict=True):
        at = {} if way == "plain" else {"lam": strongest(results, way)}
        runs = select(results, way=way, optimizer="SGD", **at)
        counts = np.mean([run["weights"]["histogram"] for run in runs], axis=0)
        ax.stairs(np.maximum(counts, 0.5), edges, fill=True, color=BLUE, baseline=0.5)
        zeros = np.mean([run["weights"]["zeros"] for run in runs])
        strength = f"lambda {at['lam']:g}" if at else "no penalty"
        ax.set(title=f"{way}\n{strength}\n{zeros:.1%} are 0", xlabel="weight", yscale="log")
        ax.title.set_fontsize(9)
    axes[0].set(ylabel="number of weights", ylim=(0.5, None))
    return fig


def strongest(results: Results, way: str, cost: float = 0.03) -> float:
    """The greatest lambda that costs at most this much mean choice_accuracy against the best one."""
    places: list[float] = values_of(results, "lam", way, optimizer="SGD")
    means = [ends(results, "choice_accuracy", way=way, lam=place).mean() for place in places]
    return max(place for place, mean in zip(places, means, strict=True) if mean >= max(means) - cost)


@house_style
def plot_decay(results: Results) -> "Figure":
    """Mean accuracy on new images over learning rate and decay; framed: the best cell of each picture."""
    known = {
        "Adam, L2 in the loss": decay_grid(results, "Adam", "L2"),
        "Adam, decoupled": decay_grid(results, "Adam", "decay"),
    }
    low, high = (f([f(means) for means, _, _ in known.values()]) for f in (np.min, np.max))
    fig, axes = figure(len(known), width=3.2, height=3.3)
    for ax, (title, (means, rates, decays)) in zip(axes, known.items(), strict=True):
        picture = ax.imshow(means, cmap="viridis", vmin=low, vmax=high, aspect="auto", origin="lower")
        for (row, column), mean in np.ndenumerate(means):
            shade = "white" if mean < (low + high) / 2 else "black"
            ax.text(column, row, f"{100 * mean:.1f}", ha="center", va="center", color=shade)
        row, column = np.unravel_index(np.argmax(means), means.shape)
        ax.plot(column, row, "s", markersize=34, markerfacecolor="none", markeredgecolor=ORANGE)
        ax.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates])
        ax.set_yticks(range(len(decays)), [f"{decay:g}" for decay in decays])
        ax.set(title=title, xlabel="learning rate")
        ax.set_ylabel("weight decay" if "decoupled" in title else "lambda")
        ax.grid(visible=False)
    fig.colorbar(picture, ax=axes, label="accuracy on new images", format="{x:.0%}")
    return fig


def decay_grid(
    results: Results, optimizer: str, way: str, key: str = "val_accuracy"
) -> tuple[np.ndarray, list[float], list[float]]:
    """Means over the seeds (decays, rates), the rates, and the decays that were run at all of them.

    The first row is without any decay.
    """
    field = "lam" if way == "L2" else "weight_decay"
    rates = values_of(results, "lr", way, optimizer=optimizer)
    at_each = [set(values_of(results, field, way, optimizer=optimizer, lr=lr)) for lr in rates]
    decays = [0.0, *sorted(set.intersection(*at_each))] if rates else []
    means = np.empty((len(decays), len(rates)))
    for (row, column), _ in np.ndenumerate(means):
        at: Results = {"way": way, field: decays[row]} if decays[row] else {}
        means[row, column] = ends(results, key, optimizer=optimizer, lr=rates[column], **at).mean()
    return means, rates, decays


@house_style
def plot_stopping(results: Results) -> "Figure":
    """Loss by epoch of the plain network; the epochs, test loss and test accuracy by patience."""
    fig, (curves, epochs, *others) = figure(2, rows=2, width=4.2, height=2.8)
    runs = select(results)
    for key, look in (("train_loss", TRAIN), ("choice_loss", {**VAL, "label": "images to choose with"})):
        values = np.array([run[key] for run in runs])
        mean_and_range(curves, runs[0]["epochs"], values, **{**look, "marker": ""})
    curves.set(xlabel="epoch", ylabel="loss", ylim=(0, None))
    patiences = range(1, 21)
    found = [stopped(results, patience) for patience in patiences]
    lines = (
        (epochs, "stop", "training ends"),
        (epochs, "best", "weights are taken from"),
        (others[0], "test_loss", "stopped early"),
        (others[1], "test_accuracy", "stopped early"),
    )
    for ax, key, label in lines:
        values = np.array([[row[key] for row in rows] for rows in found]).T
        colour = ORANGE if key == "best" else BLUE
        mean_and_range(ax, patiences, values, label=label, colour=colour, marker="")
        ax.set_xlabel("patience, epochs")
    for ax, key in zip(others, ("test_loss", "test_accuracy"), strict=True):
        without(ax, ends(results, key), label="after the last epoch")
        ax.set(ylabel=key.replace("_", " "))
    others[0].set_ylim(0, None)
    whole_percents(others[1].yaxis)
    epochs.set(ylabel="epoch", ylim=(0, None))
    for ax in (curves, epochs, *others):
        ax.legend(fontsize=9)
    return fig


@house_style
def plot_max_norm(results: Results) -> "Figure":
    """Accuracy on training and on new images over the learning rate, a line per bound on the norms."""
    fig, axes = figure(2, width=4.2, height=3.4, sharey=True)
    bounds = [None, *values_of(results, "max_norm", "max-norm")]
    rates = values_of(results, "lr", "max-norm")
    for bound, look in zip(bounds, (LOOKS[5], *LOOKS), strict=False):
        label = "no bound" if bound is None else f"c = {bound:g}"
        way = "plain" if bound is None else "max-norm"
        for ax, key in zip(axes, ACCURACIES, strict=True):
            values = np.array([ends(results, key, way=way, lr=lr, max_norm=bound) for lr in rates]).T
            mean_and_range(ax, rates, values, **look, label=label)
    for ax in axes:
        plain_log_ticks(ax, rates, "learning rate")
    _accuracy_titles(axes)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return fig


@house_style
def plot_together(results: Results, patience: int = 5) -> "Figure":
    """A row per way and combination: test loss and accuracy, a dot per seed; squares: with dropout."""
    rows = together(results)
    names = ["plain", EARLY, *list(rows)[1:]]
    fig, axes = figure(2, width=4.2, height=1.0 + 0.34 * len(names), sharey=True)
    for ax, key in zip(axes, ("test_loss", "test_accuracy"), strict=True):
        early = np.array([row[key] for row in stopped(results, patience)])
        for row, name in enumerate(names):
            values = early if name == EARLY else ends(results, key, **rows[name])
            dropped = "dropout" in name
            colour = GREY if name == "plain" else ORANGE if dropped else BLUE
            dots_of_seeds(ax, row, values, colour, "s" if dropped else "o")
        ax.set(ylim=(len(names) - 0.5, -0.5), xlabel=key.replace("_", " "))
    axes[0].set_yticks(range(len(names)), [_short(name) for name in names])
    whole_percents(axes[1].xaxis)
    return fig


def _short(name: str) -> str:
    parts = name.split(" + ")
    if len(parts) < 4:
        return name
    return "all of these" if "dropout" in parts else "all but dropout"


def together(results: Results) -> dict[str, Results]:
    """The settings of each way alone, chosen on the choice images, and of all combinations in the results."""
    chosen = {way: {key: run[key] for key in FIELDS} for way, run in chosen_runs(results).items()}
    combined = [run for run in results["runs"] if " + " in run["way"]]
    rows = {way: {"way": way, **at} for way, at in chosen.items()}
    return rows | {run["way"]: {key: run[key] for key in ("way", *FIELDS)} for run in combined}


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
        ax.lines[-1].set_linestyle("--" if "proximal" in way else "-")  # L1 and L1 often coincide


def _accuracy_titles(axes: "list[Axes]") -> None:
    for ax, title in zip(axes, ("training images", "new images"), strict=False):
        as_percent(ax, "accuracy")
        ax.set_title(title)
