"""The figures and tables of unit 11, from results as `lab.experiments.transfer` makes them."""

from typing import TYPE_CHECKING, Any

import numpy as np

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
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Results = dict[str, Any]
LOOKS = (
    {"colour": GREY, "marker": "v"},
    {"colour": GREEN, "marker": "^"},
    {"colour": BLUE, "marker": "o"},
    {"colour": ORANGE, "marker": "s"},
    {"colour": PURPLE, "marker": "D"},
)
BASE: Results = {
    "per_class": 10,
    "start": "source",
    "head": "probe",
    "decay": 1.0,
    "gradual": False,
    "trained": "all",
    "norm": "moving",
    "batch": 32,
}
HEAD_BASE: Results = {
    "per_class": 10,
    "method": "linear",
    "network": "source",
    "features": "stage3",
    "grid": 1,
    "trained_with": "source",
    "tested_with": "source",
}
TABLE: dict[str, Results] = {
    "from scratch": {"start": "scratch", "head": "zero"},
    "nearest class mean": {"method": "nearest"},
    "linear head": {"method": "linear"},
    "linear head, then all": {"head": "probe"},
    "all at once, zero head": {"head": "zero"},
    "all at once, random head": {"head": "random"},
}


def first_target(results: Results) -> str:
    """The target that is meant where none is named."""
    return results["about"]["targets"][0]


def select(results: Results, **at: Any) -> list[Results]:
    """The runs with these settings; what is not named is BASE's, but for the rate."""
    wanted = {"target": first_target(results), **BASE, **at}
    return [run for run in results["runs"] if all(run[key] == value for key, value in wanted.items())]


def last(run: Results, key: str) -> float:
    """A number of a run, or the last one of a list."""
    return run[key][-1] if isinstance(run[key], list) else run[key]


def best_rate(results: Results, **at: Any) -> float:
    """The rate with the highest mean validation accuracy at the end. Raises ValueError without such runs."""
    found = select(results, **at)
    if not found:
        raise ValueError(f"Expected settings of some runs of these results, got {at}: look at their fields.")
    rates = sorted({run["rate"] for run in found})
    means = [
        np.mean([last(run, "validation_accuracy") for run in found if run["rate"] == rate]) for rate in rates
    ]
    return rates[int(np.argmax(means))]


def ends(results: Results, key: str = "test_accuracy", **at: Any) -> np.ndarray:
    """A number per seed, at the rate that is named or at the best one."""
    found = select(results, **{"rate": best_rate(results, **at), **at})
    return np.array([last(run, key) for run in found])


def summary(results: Results, key: str = "test_accuracy", **at: Any) -> dict[str, float]:
    """Mean, standard deviation (n - 1), min and max over the seeds, at the rate named or at the best one."""
    return _summary(ends(results, key, **at))


def head_ends(results: Results, key: str = "test_accuracy", **at: Any) -> np.ndarray:
    """A number per seed of heads on features that stay. Raises ValueError if there are none of this kind."""
    wanted = {"target": first_target(results), **HEAD_BASE, **at}
    found = [head[key] for head in results["heads"] if all(head[k] == v for k, v in wanted.items())]
    if not found:
        raise ValueError(f"Expected fields of some heads of these results, got {at}: look at their fields.")
    return np.array(found)


def head_summary(results: Results, key: str = "test_accuracy", **at: Any) -> dict[str, float]:
    """As `summary`, of results["heads"]."""
    return _summary(head_ends(results, key, **at))


def _summary(values: np.ndarray) -> dict[str, float]:
    return {
        "mean": float(values.mean()),
        "std": float(values.std(ddof=1)),
        "min": float(values.min()),
        "max": float(values.max()),
    }


def row_ends(results: Results, row: str, **at: Any) -> np.ndarray:
    """Test accuracies of a row of TABLE, a number per seed."""
    how = TABLE[row]
    return (head_ends if "method" in how else ends)(results, **how, **at)


def table(results: Results, target: str | None = None) -> list[tuple[str, dict[int, dict[str, float]]]]:
    """A row per name in TABLE: the name, and the summary of the test accuracy for each images per class."""
    target = target or first_target(results)
    counts = results["about"]["counts"]
    return [
        (row, {n: _summary(row_ends(results, row, target=target, per_class=n)) for n in counts})
        for row in TABLE
    ]


def method_table(results: Results) -> list[tuple[str, dict[str, float]]]:
    """A row per method of `compare`: its name, and the summary of the test accuracy."""
    names = list(dict.fromkeys(run["method"] for run in results["runs"]))
    return [(name, _summary(_of_method(results, name))) for name in names]


def _of_method(results: Results, name: str) -> np.ndarray:
    return np.array([run["test_accuracy"] for run in results["runs"] if run["method"] == name])


@house_style
def plot_methods(results: Results) -> "Figure":
    """Test accuracy of each method of `compare`: a dot per seed, mean and standard deviation."""
    names = [name for name, _ in method_table(results)]
    fig, (ax,) = figure(width=7.2, height=1.2 + 0.34 * len(names))
    for row, name in enumerate(names):
        _seeds(ax, row, _of_method(results, name), LOOKS[row % len(LOOKS)]["colour"])
    ax.set_yticks(range(len(names)), names)
    ax.set(ylim=(len(names) - 0.5, -0.5), xlabel="test accuracy")
    _percents(ax.xaxis)
    return fig


@house_style
def plot_curves(results: Results) -> "Figure":
    """Validation accuracy and CKA to the features at the start over the steps, a line per method."""
    names = [name for name, _ in method_table(results)]
    fig, axes = figure(2)
    for name, look in zip(names, LOOKS, strict=False):
        runs = [run for run in results["runs"] if run["method"] == name]
        for ax, key in zip(axes, ("validation_accuracy", "cka"), strict=True):
            values = np.array([run[key] for run in runs])
            if len(runs[0]["steps"]) == 1:
                ax.axhline(values.mean(), color=look["colour"], linestyle="--", label=name)
            else:
                mean_and_range(ax, runs[0]["steps"], values, label=name, **look)
    as_percent(axes[0], "validation accuracy")
    axes[1].set(ylim=(0, 1.02), ylabel="CKA to the features at the start")
    for ax in axes:
        ax.set_xlabel("step")
    axes[0].legend(loc="lower right", fontsize=9)
    return fig


def _seeds(ax: Any, row: float, values: np.ndarray, colour: str, marker: str = "o") -> None:
    """A small dot per seed in a row; a bar at their mean, a line as long as their standard deviation."""
    mean, spread = values.mean(), values.std(ddof=1)
    ax.plot(
        values, np.full(len(values), row), marker, color=colour, markersize=4, alpha=0.6, markeredgewidth=0
    )
    ax.plot([mean - spread, mean + spread], [row, row], color=colour, linewidth=1)
    ax.plot(mean, row, "|", color=colour, markersize=11, markeredgewidth=2)


def _percents(axis: Any) -> None:
    """An axis of shares, with ticks at whole percents."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(PercentFormatter(1, decimals=0))
