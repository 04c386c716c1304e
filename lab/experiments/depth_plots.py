"""The figures and tables of unit 04, from results as `lab.experiments.depth` makes them."""

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

LOOKS = looks(GREY, BLUE, ORANGE, GREEN, PURPLE, BLACK)
BASE: dict[str, Results] = {
    "grid": {"data": "photos", "input": "standardized", "depth": 20},
    "dead": {"data": "mnist", "input": "standardized", "depth": 3},
    "blocks": {"data": "photos", "input": "standardized", "depth": 20},
}
STORY: tuple[tuple[str, tuple[tuple[str, Results], ...]], ...] = (
    (
        "sigmoid",
        tuple((f"{depth} layers", {"way": "sigmoid", "depth": depth}) for depth in (2, 5)),
    ),
    (
        "ReLU instead",
        tuple((f"{depth} layers", {"way": "ReLU", "depth": depth}) for depth in (2, 5, 10, 20)),
    ),
    (
        "20 layers, four changes",
        (
            ("none of them", {"way": "ReLU", "input": "raw"}),
            ("standardized input", {"way": "ReLU"}),
            ("He", {"way": "ReLU, He", "input": "raw"}),
            ("batch norm", {"way": "ReLU, batch norm", "input": "raw"}),
            ("skips", {"way": "ReLU, skips", "input": "raw"}),
        ),
    ),
    (
        "each with standardized input",
        (
            ("none of them", {"way": "ReLU"}),
            ("He", {"way": "ReLU, He"}),
            ("batch norm", {"way": "ReLU, batch norm"}),
            ("skips", {"way": "ReLU, skips"}),
        ),
    ),
)
CHANGES = dict(zip(("none of them", "He", "batch norm", "skips", "standardized input"), LOOKS, strict=False))


def select(results: Results, part: str = "grid", **at: Any) -> list[Results]:
    """The runs with these settings; what is not named is the part's BASE, but for the rate and the way.

    Where the results hold no run on BASE's data set, the one of their first run of this part is taken.
    """
    runs = [run for run in results["runs"] if run["part"] == part]
    base = dict(BASE[part])
    if runs and base["data"] not in {run["data"] for run in runs}:
        base["data"] = runs[0]["data"]
    wanted = {**base, **at}
    return [run for run in runs if all(run[key] == value for key, value in wanted.items())]


def best_rate(results: Results, part: str = "grid", **at: Any) -> float:
    """The rate with the highest mean validation accuracy at the end. Raises ValueError without such runs.

    A rate at which the loss of a run was no longer a number is not taken, unless there is no other.
    """
    found = select(results, part, **at)
    if not found:
        raise ValueError(f"Expected settings of some runs of these results, got {at}: look at their fields.")
    return rate_of_best(found)


def best_runs(results: Results, part: str = "grid", **at: Any) -> list[Results]:
    """The runs, one per seed, at the rate that is named or at the best one."""
    return select(results, part, **{"rate": best_rate(results, part, **at), **at})


def ends(results: Results, part: str = "grid", key: str = "test_accuracy", **at: Any) -> np.ndarray:
    """A number per seed, at the rate that is named or at the best one."""
    return np.array([last(run, key) for run in best_runs(results, part, **at)], float)


def summary(results: Results, part: str = "grid", key: str = "test_accuracy", **at: Any) -> Results:
    """Mean, standard deviation (n - 1), min and max over the seeds, at the rate named or at the best one."""
    return summarize(ends(results, part, key, **at))


def names(results: Results, part: str, key: str, **at: Any) -> list[Any]:
    """The values of a field in the runs of a part that agree with `at`, each once, in their order."""
    runs = [run for run in results["runs"] if run["part"] == part]
    return list(dict.fromkeys(run[key] for run in runs if all(run[k] == v for k, v in at.items())))


def table(
    results: Results, data: str = "photos", input: str = "standardized", key: str = "test_accuracy"
) -> list[tuple[str, dict[int, Results]]]:
    """A row per way of "grid": its name, and for each depth the summary at the best rate of that cell."""
    at = {"data": data, "input": input}
    return [
        (
            way,
            {
                depth: summary(results, key=key, way=way, depth=depth, **at)
                for depth in names(results, "grid", "depth", way=way, **at)
            },
        )
        for way in names(results, "grid", "way", **at)
    ]


@house_style
def plot_grid(results: Results, key: str = "test_accuracy") -> "Figure":
    """Mean accuracy over the seeds at the best rate, a row per way, a column per depth; a panel per input."""
    panels = list(
        dict.fromkeys((run["data"], run["input"]) for run in results["runs"] if run["part"] == "grid")
    )
    ways = names(results, "grid", "way")
    fig, axes = figure(len(panels), width=2.4 + 3 / len(panels), height=1.5 + 0.34 * len(ways), sharey=True)
    for ax, (data, input) in zip(axes, panels, strict=True):
        rows = table(results, data, input, key)
        depths = names(results, "grid", "depth", data=data, input=input)
        means = np.array([[cells[depth]["mean"] for depth in depths] for _, cells in rows])
        picture = ax.imshow(means, cmap="viridis", vmin=0.1, vmax=1, aspect="auto")
        for (row, column), mean in np.ndenumerate(means):
            shade = "white" if mean < 0.6 else "black"
            ax.text(column, row, f"{100 * mean:.0f}", ha="center", va="center", color=shade, fontsize=9)
        ax.set_xticks(range(len(depths)), [str(depth) for depth in depths])
        ax.set_yticks(range(len(ways)), ways)
        ax.set(title=f"{data}, {input}", xlabel="hidden layers")
        ax.grid(visible=False)
    fig.colorbar(picture, ax=axes, label=key.replace("_", " "), format="{x:.0%}")
    return fig


def _curve(ax: "Axes", results: Results, label: str, look: dict[str, str], **at: Any) -> None:
    runs = best_runs(results, **at)
    every = results["about"]["every"]
    losses = np.array([run["loss"] for run in runs], float)
    x = every * np.arange(1, losses.shape[1] + 1)
    mean_and_range(ax, x, losses, label=label, **look)


def _chance(ax: "Axes") -> None:
    ax.axhline(np.log(10), color="#999999", linewidth=1, linestyle=":")


@house_style
def plot_curves(results: Results) -> "Figure":
    """Training loss by step at the best rate, a panel per depth, a line per way; dotted: a guess, log 10."""
    ways, depths = (names(results, "grid", key) for key in ("way", "depth"))
    first = next(run for run in results["runs"] if run["part"] == "grid")
    fig, axes = figure(len(depths), width=4.0, height=3.6, sharey=True)
    for ax, depth in zip(axes, depths, strict=True):
        for place, way in enumerate(ways):
            look = LOOKS[place % len(LOOKS)]
            _curve(ax, results, way, look, way=way, depth=depth, input=first["input"])
            ax.lines[-1].set_linestyle(("-", "--")[place // len(LOOKS)])
        _chance(ax)
        ax.set(title=f"{depth} hidden layers", xlabel="step")
    axes[0].set(ylabel="training loss", ylim=(0, 3))
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return fig


@house_style
def plot_story(results: Results) -> "Figure":
    """Photos: sigmoid, then ReLU with more and more layers, then what helps; each at its best rate.

    Training loss by step: mean, least and greatest of the seeds; dotted: a guess, log 10.
    """
    fig, axes = figure(len(STORY), width=3.2, height=4.2, sharey=True)
    for ax, (title, lines) in zip(axes, STORY, strict=True):
        for (label, at), look in zip(lines, LOOKS, strict=False):
            if select(results, **at):
                _curve(ax, results, label, CHANGES.get(label, look), **at)
        _chance(ax)
        ax.set(title=title, xlabel="step")
        if ax.lines[1:]:
            ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), fontsize=9)
    axes[0].set(ylabel="training loss", ylim=(0, 3))
    return fig


@house_style
def plot_starts(results: Results, data: str | None = None, input: str = "standardized") -> "Figure":
    """By layer, before any training: the norm of dW, and how far apart the images still are."""
    records = results["starts"]
    data = data or records[0]["data"]
    ways = list(dict.fromkeys(record["way"] for record in records))
    fig, axes = figure(2, width=5.0, height=4.8)
    for place, way in enumerate(ways):
        found = [r for r in records if (r["way"], r["data"], r["input"]) == (way, data, input)]
        look = LOOKS[place % len(LOOKS)]
        for ax, key in zip(axes, ("gradient", "std"), strict=True):
            values = np.array([record[key] for record in found], float)
            values = np.where(values > 0, values, np.nan)
            x = found[0]["std_at"] if key == "std" else range(1, values.shape[1] + 1)
            mean_and_range(ax, x, values, label=way, **look)
            ax.lines[-1].set_linestyle(("-", "--")[place // len(LOOKS)])
    axes[0].set(title="norm of dW", xlabel="linear layer", yscale="log")
    axes[1].set(title="std of a unit over the images", xlabel="behind layer", yscale="log")
    for ax in axes:
        ax.xaxis.get_major_locator().set_params(integer=True)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
    return fig


@house_style
def plot_dead(results: Results) -> "Figure":
    """The share of silent units after training, and test accuracy, over the learning rate.

    A cross is at a rate where at least one of the runs diverged: its units have no sign.
    """
    ways, rates = (names(results, "dead", key) for key in ("way", "rate"))
    fig, axes = figure(2, width=4.3, height=3.8)
    for way, look in zip(ways, (LOOKS[2], LOOKS[1], LOOKS[3]), strict=True):
        for ax, key in zip(axes, ("silent", "test_accuracy"), strict=True):
            values = np.array([ends(results, "dead", key, way=way, rate=rate) for rate in rates]).T
            mean_and_range(ax, rates, values, label=way, **look)
            if key == "silent":
                lost = np.array(rates)[~np.isfinite(values).all(axis=0)]
                height = 0.97 - 0.06 * ways.index(way)
                ax.plot(
                    lost, [height] * len(lost), "x", color=look["colour"], markersize=8, markeredgewidth=2
                )
    for ax, label in zip(axes, ("silent units", "test accuracy"), strict=True):
        plain_log_ticks(ax, rates, "learning rate")
        as_percent(ax, label)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig


@house_style
def plot_forms(results: Results) -> "Figure":
    """Test accuracy of networks of 20 blocks at the best rate, a row per form: seeds, mean, deviation."""
    forms = names(results, "blocks", "way")
    fig, (ax,) = figure(width=6.4, height=1.2 + 0.36 * len(forms))
    for row, form in enumerate(forms):
        dots_of_seeds(ax, row, ends(results, "blocks", way=form), BLUE)
    ax.set_yticks(range(len(forms)), forms)
    ax.set_ylim(len(forms) - 0.5, -0.5)
    ax.set_xlabel("test accuracy")
    whole_percents(ax.xaxis)
    return fig


@house_style
def plot_rates(results: Results, depth: int = 20) -> "Figure":
    """Validation accuracy over the rates that were tried, a panel per way, for each form of the input."""
    ways, inputs = (names(results, "grid", key) for key in ("way", "input"))
    data = BASE["grid"]["data"] if not select(results) else select(results)[0]["data"]
    fig, axes = figure(len(ways), width=1.9, height=3.2, sharey=True)
    for ax, way in zip(axes, ways, strict=True):
        for input, look in zip(inputs, LOOKS[1:], strict=False):
            at = {"way": way, "depth": depth, "input": input, "data": data}
            rates = sorted({run["rate"] for run in select(results, **at)})
            values = [ends(results, key="validation_accuracy", rate=rate, **at) for rate in rates]
            mean_and_range(ax, rates, np.array(values).T, label=input, **look)
        ax.set(title=way.replace("batch norm", "BN"), xlabel="rate", xscale="log")
        ax.title.set_fontsize(9)
    as_percent(axes[0], "validation accuracy")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig
