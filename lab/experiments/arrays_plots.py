"""The figures and tables of unit 00, from results of `lab.experiments.arrays`."""

from typing import TYPE_CHECKING, Any

import numpy as np

from lab.experiments.results import Results, last, rate_of_best, summarize
from lab.plots import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    as_percent,
    figure,
    house_style,
    looks,
    mark_diverged,
    mean_and_range,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOOKS = looks(ORANGE, PURPLE, GREY, GREEN, BLACK, BLUE)
SAME_AS_FIRST = "np.sum over axis 0"  # adds one after the other, and is not drawn twice
LEAST_ERROR = 1e-17
STACK = 0.035  # of the way from a row to the next, for each further equal value
COLOURS = {"float64": BLUE, "float32": ORANGE, "bfloat16": GREEN, "float16": PURPLE}
TITLES = {
    "distances": "distances of N and N points",
    "softmax": "softmax of N rows",
    "confusion": "counts of N pairs",
    "gram": "channel products of N images",
}
AXIS_SLIPS = ("right", "softmax over the batch", "sum without keepdims", "labels not shuffled")
DATA_SLIPS = ("right", "mean subtracted in uint8", "noise on a copy", "noise on a view")


def select(results: Results, **at: Any) -> list[Results]:
    """The runs with these settings. Raises ValueError where there are none."""
    found = [run for run in results["runs"] if at.items() <= run.items()]
    if not found:
        raise ValueError(f"Expected settings of some runs of these results, got {at}: look at their fields.")
    return found


def summary(results: Results, key: str = "test_accuracy", **at: Any) -> Results:
    """Mean, standard deviation (n - 1), min and max over the seeds of a number of the runs."""
    return summarize(np.array([last(run, key) for run in select(results, **at)], float))


def best_rate(results: Results, data: str) -> float:
    """The rate with the highest mean validation accuracy at the end."""
    return rate_of_best(select(results, part="rates", data=data))


def slips_table(results: Results) -> list[tuple[str, Results, Results]]:
    """A row per slip: its name, summaries of the last loss and of the accuracy on test images."""
    ways = _names(results, part="slips")
    return [
        (
            way,
            summary(results, "loss", part="slips", way=way),
            summary(results, part="slips", way=way),
        )
        for way in ways
    ]


def speed_table(results: Results, task: str) -> list[tuple[str, int, float, float, float]]:
    """(way, n, median, least, most): CPU seconds of a call over the rounds."""
    return [
        (record["way"], record["n"], *_middle(record["seconds"]))
        for record in results["speed"]
        if record["task"] == task
    ]


def speedup(results: Results, task: str, slow: str, fast: str, n: int) -> float:
    """How many times faster one way is than another, by the medians of their times."""
    found = {row[0]: row[2] for row in speed_table(results, task) if row[1] == n}
    return found[slow] / found[fast]


def views_table(results: Results, n: int) -> list[tuple[str, float, float, float, int]]:
    """(what, median, least, most, bytes): CPU seconds over the rounds, and bytes that the result holds."""
    return [
        (record["what"], *_middle(record["seconds"]), record["bytes"])
        for record in results["views"]
        if record["n"] == n
    ]


def gradients_table(results: Results) -> list[Results]:
    """For each dtype and difference quotient: best h and its error, measured (over seeds) and predicted."""
    rows = []
    for dtype, difference in _kinds(results):
        found = _quotients(results, dtype, difference)
        rows.append(
            {
                "dtype": dtype,
                "difference": difference,
                "best_h": sorted({record["best_h"] for record in found}),
                "predicted_h": summarize(np.array([record["predicted_h"] for record in found])),
                "error": summarize(np.array([min(record["error"]) for record in found])),
                "predicted": summarize(np.array([min(record["predicted"]) for record in found])),
            }
        )
    return rows


def largest_difference(results: Results, pair: str, dtype: str) -> float:
    """Over all steps and seeds: "torch and NumPy" or "float32 and float64"."""
    found = [
        record["difference"]
        for record in results["steps"]
        if (record["pair"], record["dtype"]) == (pair, dtype)
    ]
    if not found:
        known = ", ".join(sorted({f"{r['pair']} in {r['dtype']}" for r in results["steps"]}))
        raise ValueError(f"Expected a pair and dtype of these results ({known}), got {pair!r} in {dtype!r}.")
    return float(np.max(found))


@house_style
def plot_slips(results: Results) -> "Figure":
    """Reported loss and accuracy on validation images by epoch, a line per slip: axes above, data below."""
    fig, axes = figure(2, rows=2, width=5, height=3.2, sharex=True)
    for pair, ways in zip((axes[:2], axes[2:]), (AXIS_SLIPS, DATA_SLIPS), strict=True):
        for way, look in zip(ways, looks(BLUE, ORANGE, PURPLE, GREEN), strict=True):
            for ax, key in zip(pair, ("loss", "validation_accuracy"), strict=True):
                runs = _curves(results, key, part="slips", way=way)
                epochs = range(1, runs.shape[1] + 1)
                mean_and_range(ax, epochs, runs, label=way, **look)
                lost = int(np.isfinite(runs).all(axis=0).sum()) + 1  # its first epoch, if there is one
                mark_diverged(ax, epochs[:lost], runs[:, :lost], colour=look["colour"])
        pair[0].set(ylabel="loss, as reported", yscale="log")
        as_percent(pair[1], "accuracy, validation images")
        pair[0].margins(y=0.15)
        pair[1].legend(fontsize=9, loc=(0.42, 0.17))
    for ax in axes[2:]:
        ax.set_xlabel("epoch")
    return fig


@house_style
def plot_regression(results: Results) -> "Figure":
    """The squared error that the code reports by epoch, with (N, 1) minus (N,) and without."""
    fig, (ax,) = figure(width=5)
    for way, look in zip(_names(results, part="regression"), looks(BLUE, ORANGE), strict=True):
        runs = _curves(results, "loss", part="regression", way=way)
        mean_and_range(ax, range(1, runs.shape[1] + 1), runs, label=way, **look)
    ax.set(xlabel="epoch", ylabel="mean squared error", ylim=(0, None))
    ax.legend()
    return fig


@house_style
def plot_speed(results: Results) -> "Figure":
    """CPU time of a call over N: medians, and bars from the fastest round to the slowest."""
    tasks = [task for task in TITLES if speed_table(results, task)]
    fig, axes = figure(2, rows=(len(tasks) + 1) // 2, width=4.8, height=3.4)
    for ax, task in zip(axes, tasks, strict=False):
        table = speed_table(results, task)
        for way, look in zip(dict.fromkeys(row[0] for row in table), LOOKS, strict=False):
            _rounds(ax, [row[1:] for row in table if row[0] == way], way, look)
        ax.set(title=TITLES[task], xlabel="N", ylabel="CPU seconds", xscale="log", yscale="log")
        ax.legend(fontsize=8)
    return fig


@house_style
def plot_gradients(results: Results) -> "Figure":
    """The error of a numerical gradient over h, mean and range of the seeds; dotted as it is predicted."""
    fig, axes = figure(2, width=4.8, sharey=True)
    for dtype, difference in _kinds(results):
        ax = axes[0 if difference == "central" else 1]
        found = _quotients(results, dtype, difference)
        h = found[0]["h"]
        (look,) = looks(COLOURS[dtype])
        mean_and_range(ax, h, np.array([record["error"] for record in found]), label=dtype, **look)
        predicted = np.mean([record["predicted"] for record in found], axis=0)
        ax.plot(h, predicted, ":", color="black", linewidth=1.2)
        ax.set(title=f"{difference} difference", xlabel="h", xscale="log", yscale="log", ylim=(1e-11, 3))
    axes[0].set_ylabel("relative error of the gradient")
    axes[0].plot([], [], ":", color="black", linewidth=1.2, label="predicted")
    axes[0].legend()
    return fig


@house_style
def plot_sums(results: Results) -> "Figure":
    """The relative error of sums of n numbers, a panel per format, a line per way to add.

    A line ends where a sum of some seed overflowed. An error of 0 is drawn at LEAST_ERROR.
    """
    names = [name for name in COLOURS if any(record["dtype"] == name for record in results["sums"])]
    ways = [way for way in dict.fromkeys(r["way"] for r in results["sums"]) if way != SAME_AS_FIRST]
    fig, axes = figure(len(names), width=4, sharey=True)
    for ax, name in zip(axes, names, strict=True):
        for way, look in zip(ways, looks(ORANGE, PURPLE, GREEN, BLUE), strict=True):
            found = [r for r in results["sums"] if (r["dtype"], r["way"]) == (name, way)]
            n = sorted({record["n"] for record in found})
            errors = [[r["error"] for r in found if r["n"] == count] for count in n]
            if n:
                runs = np.maximum(np.array(errors, float).T, LEAST_ERROR)
                mean_and_range(ax, n, runs, label=way, **look)
        ax.set(title=name, xlabel="n", xscale="log", yscale="log")
    axes[0].set_ylabel("relative error of the sum")
    fig.legend(*axes[-1].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig


@house_style
def plot_training(results: Results) -> "Figure":
    """Loss and accuracy by epoch of the classifier at its best rate, digits and photographs."""
    fig, axes = figure(2)
    for data, look in zip(_names(results, "data", part="rates"), looks(BLUE, ORANGE), strict=False):
        at = {"part": "rates", "data": data, "rate": best_rate(results, data)}
        for ax, key in zip(axes, ("loss", "validation_accuracy"), strict=True):
            runs = _curves(results, key, **at)
            label = f"{data}, rate {at['rate']:g}"
            mean_and_range(ax, range(1, runs.shape[1] + 1), runs, label=label, **look)
    axes[0].set(xlabel="epoch", ylabel="training loss", ylim=(0, None))
    axes[0].legend()
    axes[1].set(xlabel="epoch")
    as_percent(axes[1], "accuracy, validation images")
    return fig


@house_style
def plot_differences(results: Results) -> "Figure":
    """How far the weights of two runs are apart after each step: mean and range of the seeds."""
    fig, (ax,) = figure(width=5.4)
    kinds = list(dict.fromkeys((record["pair"], record["dtype"]) for record in results["steps"]))
    for (pair, dtype), look in zip(kinds, looks(BLUE, ORANGE, GREEN), strict=False):
        runs = np.array(
            [r["difference"] for r in results["steps"] if (r["pair"], r["dtype"]) == (pair, dtype)]
        )
        label = pair if pair.startswith("float") else f"{pair}, {dtype}"
        some = np.unique(np.geomspace(1, runs.shape[1], 30).astype(int))
        mean_and_range(ax, some.tolist(), runs[:, some - 1], label=label, **look)
    ax.set(xlabel="step", ylabel="largest difference / largest weight", xscale="log", yscale="log")
    ax.legend()
    return fig


@house_style
def plot_formats(results: Results) -> "Figure":
    """The training loss by epoch in each format of floats, a panel per learning rate."""
    rates = _names(results, "rate", part="formats")
    fig, axes = figure(len(rates), sharey=True)
    for ax, rate in zip(axes, rates, strict=True):
        for dtype in _names(results, "dtype", part="formats"):
            runs = _curves(results, "loss", part="formats", dtype=dtype, rate=rate)
            (look,) = looks(COLOURS[dtype])
            mean_and_range(ax, range(1, runs.shape[1] + 1), runs, label=dtype, **look)
        ax.set(title=f"learning rate {rate:g}", xlabel="epoch", yscale="log")
    axes[0].set_ylabel("training loss")
    axes[0].legend()
    return fig


@house_style
def plot_views(results: Results) -> "Figure":
    """CPU time of taking n numbers over n: medians, and bars from the fastest round to the slowest."""
    fig, (ax,) = figure(width=5.6, height=3.8)
    shown = ("slice x[:n]", "slice and copy", "boolean mask", "integers in order", "integers in random order")
    colours = looks(BLUE, GREEN, PURPLE, GREY, ORANGE)
    for what, look in zip(shown, colours, strict=True):
        found = [record for record in results["views"] if record["what"] == what]
        _rounds(ax, [(record["n"], *_middle(record["seconds"])) for record in found], what, look)
    ax.set(xlabel="n", ylabel="CPU seconds", xscale="log", yscale="log")
    ax.legend(fontsize=9)
    return fig


@house_style
def plot_seeds(results: Results) -> "Figure":
    """Test accuracy of every seed, mean and standard deviation: of weights and orders, or of one alone."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    sets, ways = _names(results, "data", part="seeds"), _names(results, part="seeds")
    fig, axes = figure(len(sets), width=4.4, height=3, sharey=True)
    for ax, data in zip(axes, sets, strict=True):
        for row, way in enumerate(ways):
            runs = select(results, part="seeds", data=data, way=way)
            _stacked(ax, row, np.array([run["test_accuracy"] for run in runs]))
        ax.set(title=data, xlabel="accuracy, test images")
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    axes[0].set_yticks(range(len(ways)), ways)
    axes[0].set_ylim(len(ways) - 0.4, -0.6)
    return fig


def _stacked(ax: "Axes", row: int, values: np.ndarray) -> None:
    """A dot per value, equal ones above each other; below a bar at the mean, a line for the deviation."""
    levels, counts = np.unique(values, return_counts=True)
    for level, count in zip(levels, counts, strict=True):
        ax.plot([level] * count, row - STACK * np.arange(count), "o", color=BLUE, markersize=3.5)
    mean, spread = values.mean(), values.std(ddof=1)
    ax.plot([mean - spread, mean + spread], [row + 0.15] * 2, color=ORANGE, linewidth=1.5)
    ax.plot(mean, row + 0.15, "|", color=ORANGE, markersize=10, markeredgewidth=2)


def _names(results: Results, key: str = "way", **at: Any) -> list[Any]:
    return list(dict.fromkeys(run[key] for run in select(results, **at)))


def _curves(results: Results, key: str, **at: Any) -> np.ndarray:
    return np.array([run[key] for run in select(results, **at)], float)


def _rounds(
    ax: "Axes", rows: list[tuple[int, float, float, float]], label: str, look: dict[str, str]
) -> None:
    """A line through the medians of rows (n, median, least, most), with bars."""
    n, middle, least, most = np.array(rows).T
    spread = [middle - least, most - middle]
    ax.errorbar(n, middle, spread, label=label, color=look["colour"], marker=look["marker"], capsize=2)


def _middle(taken: list[float]) -> tuple[float, float, float]:
    return float(np.median(taken)), min(taken), max(taken)


def _kinds(results: Results) -> list[tuple[str, str]]:
    return list(dict.fromkeys((r["dtype"], r["difference"]) for r in results["gradients"]))


def _quotients(results: Results, dtype: str, difference: str) -> list[Results]:
    return [r for r in results["gradients"] if (r["dtype"], r["difference"]) == (dtype, difference)]
