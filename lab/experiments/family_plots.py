"""The figures and tables of unit 03, from results as `lab.experiments.family` makes them."""

from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from lab.experiments.family_whitening import plot_axes, plot_newton
from lab.experiments.results import Results, last, rate_of_best, summarize
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
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "BASE",
    "best_rate",
    "illumination_table",
    "plot_axes",
    "plot_batch_sizes",
    "plot_illumination",
    "plot_lengths",
    "plot_newton",
    "plot_rates",
    "plot_recurrent",
    "plot_starts",
    "plot_whitening",
    "summary",
    "table",
]

LOOKS = looks(GREY, ORANGE, BLUE, GREEN, PURPLE, BLACK)
IMAGE_NORMS = ("none", "batch norm", "layer norm", "group norm", "instance norm", "instance at the input")
BASE: dict[str, Results] = {
    "images": {"data": "photos", "batch": 32, "scale": 1.0},
    "whitening": {"data": "digits", "batch": 64, "scale": 1.0},
    "recurrent": {"data": "mnist", "batch": 32, "scale": 1.0},
    "weights": {"data": "digits", "batch": 32, "scale": 1.0},
}


def select(results: Results, part: str = "images", **at: Any) -> list[Results]:
    """The runs with these settings; what is not named is the part's BASE, but for the rate and the norm."""
    base = dict(BASE[part])
    if part == "images":
        base["data"] = next((run["data"] for run in results["runs"] if run["part"] == part), base["data"])
    wanted = {"part": part, **base, **at}
    return [run for run in results["runs"] if all(run[key] == value for key, value in wanted.items())]


def best_rate(results: Results, part: str = "images", **at: Any) -> float:
    """The rate with the highest mean validation accuracy at the end. Raises ValueError without such runs.

    A rate at which the loss of a run was no longer a number is not taken, unless there is no other.
    """
    found = select(results, part, **at)
    if not found:
        raise ValueError(f"Expected settings of some runs of these results, got {at}: look at their fields.")
    return rate_of_best(found)


def ends(results: Results, part: str = "images", key: str = "test_accuracy", **at: Any) -> np.ndarray:
    """A number per seed, at the rate that is named or at the best one."""
    found = select(results, part, **{"rate": best_rate(results, part, **at), **at})
    return np.array([last(run, key) for run in found])


def summary(results: Results, part: str = "images", key: str = "test_accuracy", **at: Any) -> Results:
    """Mean, standard deviation (n - 1), min and max over the seeds, at the rate named or at the best one."""
    return summarize(ends(results, part, key, **at))


def norms_of(results: Results, part: str, **at: Any) -> list[str]:
    """The norms of these runs, in their order."""
    return list(dict.fromkeys(run["norm"] for run in select(results, part, **at)))


def batches_of(results: Results, norm: str) -> list[int]:
    """The batch sizes that a norm was trained with."""
    runs = [run for run in results["runs"] if run["part"] == "images" and run["norm"] == norm]
    return sorted({run["batch"] for run in runs})


def errors(results: Results, norm: str, batch: int) -> np.ndarray:
    """Test errors, a number per seed, at the rate chosen at BASE's batch size."""
    rate = best_rate(results, norm=norm)
    return 1 - ends(results, norm=norm, batch=batch, rate=rate)


def table(results: Results) -> list[tuple[str, dict[int, Results]]]:
    """A row per norm of "images": its name, and the summary of the test error for each batch size."""
    return [
        (norm, {batch: summarize(errors(results, norm, batch)) for batch in batches_of(results, norm)})
        for norm in norms_of(results, "images")
    ]


def illumination_table(results: Results, kind: str = "contrast") -> list[tuple[str, dict[float, Results]]]:
    """A row per norm of "images": its name, and the summary of the accuracy for each value of a light."""
    values = results["about"]["illumination"][kind]
    return [
        (norm, {v: summarize(lit(results, norm, kind)[:, i]) for i, v in enumerate(values)})
        for norm in norms_of(results, "images")
    ]


def lit(results: Results, norm: str, kind: str) -> np.ndarray:
    """Accuracies (seeds, values of this kind of light) at the best rate."""
    runs = select(results, norm=norm, rate=best_rate(results, norm=norm))
    return np.array([run["illumination"][kind] for run in runs])


def _image_looks(names: list[str]) -> list[Results]:
    """A look per norm, the same in all pictures of "images"; layers of one's own take what is left."""
    known = dict(zip(IMAGE_NORMS, LOOKS, strict=True))
    free = cycle([look for norm, look in known.items() if norm not in names] or LOOKS)
    return [known[name] if name in known else next(free) for name in names]


@house_style
def plot_batch_sizes(results: Results) -> "Figure":
    """Test error over the batch size, a line per norm: mean, least and greatest of the seeds."""
    fig, (ax,) = figure(width=6.4, height=3.8)
    names = [norm for norm in norms_of(results, "images") if len(batches_of(results, norm)) > 1]
    for norm, look in zip(names, _image_looks(names), strict=True):
        batches = batches_of(results, norm)
        values = np.array([errors(results, norm, batch) for batch in batches]).T
        mean_and_range(ax, batches, values, label=norm, **look)
    plain_log_ticks(ax, sorted({b for norm in names for b in batches_of(results, norm)}), "batch size")
    whole_percents(ax.yaxis)
    ax.set_ylabel("test error")
    ax.legend(fontsize=9)
    return fig


@house_style
def plot_illumination(results: Results) -> "Figure":
    """Accuracy on test images under another light, a panel per kind, a line per norm."""
    kinds = results["about"]["illumination"]
    units = {"brightness": "shift", "colour": "red times, blue by"}
    names = norms_of(results, "images")
    columns = 2  # four in a row would be too small to read in a column of text
    fig, axes = figure(columns, rows=-(-len(kinds) // columns), width=3.8, height=2.9, sharey=True)
    for ax, (kind, values) in zip(axes, kinds.items(), strict=True):
        for norm, look in zip(names, _image_looks(names), strict=True):
            mean_and_range(ax, values, lit(results, norm, kind), label=norm, **look)
        label = units.get(kind, "factor")
        if kind == "brightness":
            ax.set_xlabel(label)
        else:
            plain_log_ticks(ax, values, label)
        ax.set_title(kind)
    for ax in axes[::columns]:
        as_percent(ax, "test accuracy")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig


@house_style
def plot_rates(results: Results) -> "Figure":
    """Validation accuracy over the rates that each norm was tried at, a panel per part."""
    parts = [part for part in BASE if len({run["rate"] for run in select(results, part)}) > 1]
    fig, axes = figure(len(parts), width=3.4, height=4.4, sharey=True)
    for ax, part in zip(axes, parts, strict=True):
        rates = sorted({run["rate"] for run in select(results, part)})
        for norm, look in zip(norms_of(results, part), LOOKS, strict=False):
            values = [ends(results, part, "validation_accuracy", norm=norm, rate=rate) for rate in rates]
            mean_and_range(ax, rates, np.array(values).T, label=norm, **look)
        plain_log_ticks(ax, rates, "learning rate")
        ax.set_title(part)
        ax.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.2))
    as_percent(axes[0], "validation accuracy")
    return fig


@house_style
def plot_whitening(results: Results) -> "Figure":
    """Validation accuracy by epoch; test accuracy with running statistics and with each batch's own."""
    fig, (left, right) = figure(2, width=4.6, height=3.6)
    names = norms_of(results, "whitening")
    for norm, look in zip(names, LOOKS, strict=False):
        _curve(left, results, "whitening", norm, look)
    for row, norm in enumerate(names):
        for key, shift, colour in (("", -0.14, BLUE), ("_train_mode", 0.14, ORANGE)):
            values = ends(results, "whitening", f"test_accuracy{key}", norm=norm)
            dots_of_seeds(right, row + shift, values, colour, "os"[bool(key)])
    for label, colour, marker in (("running statistics", BLUE, "o"), ("the batch's own", ORANGE, "s")):
        right.plot([], [], marker, color=colour, label=label)
    right.set_yticks(range(len(names)), names)
    right.set(ylim=(len(names) - 0.5, -0.5), xlabel="test accuracy")
    whole_percents(right.xaxis)
    right.legend(fontsize=9)
    left.legend(fontsize=9, loc="center right")
    as_percent(left, "validation accuracy")
    return fig


def _curve(ax: "Axes", results: Results, part: str, norm: str, look: dict[str, str]) -> None:
    runs = select(results, part, norm=norm, rate=best_rate(results, part, norm=norm))
    values = np.array([run["validation_accuracy"] for run in runs])
    mean_and_range(ax, range(1, values.shape[1] + 1), values, label=norm, **look)
    ax.set_xlabel("epoch")


@house_style
def plot_recurrent(results: Results) -> "Figure":
    """Validation accuracy by epoch; test accuracy with empty rows before the digit, and behind it."""
    fig, (left, *others) = figure(3, width=3.7, height=3.6, sharey=True)
    for norm, look in zip(norms_of(results, "recurrent"), LOOKS, strict=False):
        _curve(left, results, "recurrent", norm, look)
        runs = select(results, "recurrent", norm=norm, rate=best_rate(results, "recurrent", norm=norm))
        for ax, place in zip(others, ("before", "behind"), strict=True):
            values = np.array([run["longer"][place] for run in runs])
            mean_and_range(ax, results["about"]["blank_rows"], values, label=norm, **look)
            ax.set(title=f"test, empty rows {place} the digit", xlabel="empty rows")
    left.set_title("28 rows, as in training")
    as_percent(left, "accuracy")
    left.legend(fontsize=9)
    return fig


@house_style
def plot_lengths(results: Results, scale: float = 1.0) -> "Figure":
    """Weight norm: the mean length of v by epoch for each rate; the angle by which w turned in each epoch.

    `scale` is that of the weights at the start. Runs that diverged are left out, and the legend counts them.
    """
    from matplotlib.ticker import LogLocator, NullLocator

    norm = next(norm for norm in norms_of(results, "weights", scale=scale) if "weight norm" in norm)
    fig, (left, right) = figure(2, width=4.4, height=3.6)
    rates = sorted({run["rate"] for run in select(results, "weights", norm=norm, scale=scale)})
    for rate, look in zip(rates[-len(LOOKS) :], LOOKS, strict=False):
        runs = select(results, "weights", norm=norm, scale=scale, rate=rate)
        kept = [run for run in runs if np.isfinite(np.array(run["length"], float)).all()]
        lost = f" ({len(runs) - len(kept)} of {len(runs)} diverged)" if len(kept) < len(runs) else ""
        for ax, key in ((left, "length"), (right, "angle")):
            values = np.array([run[key] for run in kept or runs], float)  # all NaN: a name without a line
            mean_and_range(ax, range(1, values.shape[1] + 1), values, label=f"{rate:g}{lost}", **look)
    for ax, title in ((left, "mean length of v"), (right, "turn of the first layer's w, degrees")):
        ax.set(title=title, xlabel="epoch", yscale="log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter("{x:g}")
    fig.legend(
        *left.get_legend_handles_labels(),
        title="learning rate",
        loc="outside lower center",
        ncols=3,
        fontsize=9,
    )
    return fig


@house_style
def plot_starts(results: Results) -> "Figure":
    """Test accuracy at the best rate for each, after starts with weights 0.1, 1 and 10 times He's."""
    scales = sorted({run["scale"] for run in results["runs"] if run["part"] == "weights"})
    names = list(dict.fromkeys(run["norm"] for run in results["runs"] if run["part"] == "weights"))
    fig, axes = figure(len(scales), width=3.4, height=1.4 + 0.4 * len(names), sharey=True, sharex=True)
    for ax, scale in zip(axes, scales, strict=True):
        for row, (norm, look) in enumerate(zip(names, LOOKS, strict=False)):
            dots_of_seeds(ax, row, ends(results, "weights", norm=norm, scale=scale), look["colour"])
        ax.set(title=f"weights x {scale:g}", xlabel="test accuracy")
        whole_percents(ax.xaxis)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].set_ylim(len(names) - 0.5, -0.5)
    return fig
