"""The figures of unit 10, drawn from results as `lab.experiments.augmentation` makes them."""

from typing import TYPE_CHECKING, Any

import numpy as np

from lab.experiments.results import Results, summarize
from lab.plots import (
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
    from matplotlib.figure import Figure

LOOKS = looks(BLUE, ORANGE, GREEN, PURPLE, GREY)
COLUMNS = {
    "photos, from scratch": {"data": "photos", "start": "scratch"},
    "photos, fine-tuned": {"data": "photos", "start": "fine-tuned"},
    "digits, from scratch": {"data": "digits", "start": "scratch"},
}


def select(results: Results, **at: Any) -> list[Results]:
    """The runs with these settings, one per seed; what is not named is as in the docstring of the study."""
    data = at.get("data", results["runs"][0]["data"])
    base = {"start": "scratch", "transform": "none", "per_class": results["about"]["per_class"][data]}
    wanted = {"data": data, **base, **at}
    return [run for run in results["runs"] if all(run[key] == value for key, value in wanted.items())]


def ends(results: Results, key: str = "test_accuracy", **at: Any) -> np.ndarray:
    """The last value of `key` of each seed. Raises ValueError where there is no such run."""
    found = [run[key][-1] for run in select(results, **at)]
    if not found:
        raise ValueError(f"Expected settings of some runs of these results, got {at}: look at its names.")
    return np.array(found)


def summary(results: Results, key: str = "test_accuracy", **at: Any) -> dict[str, float]:
    """Mean, standard deviation (n - 1), min and max over seeds of the last value of `key`."""
    return summarize(ends(results, key, **at))


def gain(results: Results, key: str = "test_accuracy", **at: Any) -> dict[str, float]:
    """As `summary`, of the differences to the run of the same seed without augmentation."""
    return summarize(ends(results, key, **at) - ends(results, key, **{**at, "transform": "none"}))


def table(results: Results) -> list[tuple[str, dict[str, dict[str, float]]]]:
    """A row per transform, "none" first: its name, and the summary for each of COLUMNS that has it."""
    names = ["none", *results["about"]["transforms"]]
    return [
        (
            name,
            {
                c: summary(results, transform=name, **at)
                for c, at in COLUMNS.items()
                if _has(results, name, at)
            },
        )
        for name in names
    ]


def _has(results: Results, name: str, at: Results) -> bool:
    return bool(select(results, transform=name, **at))


@house_style
def plot_transforms(results: Results) -> "Figure":
    """Test accuracy after the last step with each transform: a dot per seed, mean and standard deviation."""
    names = ["none", *results["about"]["transforms"]]
    fig, (ax,) = figure(width=7.2, height=1.2 + 0.32 * len(names))
    for row, name in enumerate(names):
        dots_of_seeds(ax, row, ends(results, transform=name), GREY if name == "none" else BLUE)
    ax.axvline(ends(results).mean(), color=GREY, linewidth=1, linestyle="--")
    ax.set_yticks(range(len(names)), names)
    ax.set(ylim=(len(names) - 0.5, -0.5), xlabel="test accuracy; dashed: mean without augmentation")
    whole_percents(ax.xaxis)
    return fig


@house_style
def plot_curves(results: Results) -> "Figure":
    """Accuracy over the steps, on training images as they are and on test images, a line per transform."""
    names = ["none", *results["about"]["transforms"]][: len(LOOKS)]
    fig, axes = figure(2, sharey=True)
    for ax, key in zip(axes, ("train_accuracy", "test_accuracy"), strict=True):
        for name, look in zip(names, LOOKS, strict=False):
            runs = select(results, transform=name)
            values = np.array([run[key] for run in runs])
            mean_and_range(ax, runs[0]["steps"], values, label=name, colour=look["colour"], marker="")
        ax.set(title=key.replace("_accuracy", " images"), xlabel="step")
    as_percent(axes[0], "accuracy")
    axes[1].legend(loc="lower right", fontsize=9)
    return fig


@house_style
def plot_table(results: Results) -> "Figure":
    """Change of the test accuracy by each transform, seed by seed, a panel per data set and start."""
    names = results["about"]["transforms"]
    fig, axes = figure(len(COLUMNS), width=3, height=1 + 0.27 * len(names), sharey=True)
    for ax, (title, at) in zip(axes, COLUMNS.items(), strict=True):
        plain = ends(results, **at)
        for row, name in enumerate(names):
            if _has(results, name, at):
                change = 100 * (ends(results, transform=name, **at) - plain)
                dots_of_seeds(ax, row, change, BLUE if change.mean() > 0 else ORANGE)
        ax.axvline(0, color=GREY, linewidth=1)
        ax.set_title(
            f"{title}\nwithout: {100 * plain.mean():.1f} ± {100 * plain.std(ddof=1):.1f} %", fontsize=10
        )
        ax.set_xlabel("percentage points")
    axes[0].set_yticks(range(len(names)), names)
    axes[0].set_ylim(len(names) - 0.5, -0.5)
    return fig


@house_style
def plot_pairs(results: Results) -> "Figure":
    """Mean and standard deviation of the test accuracy with every pair; single transforms on the diagonal."""
    names = results["about"]["paired"]
    first = f"{names[0]} + {names[1]}"
    starts = {title: at for title, at in COLUMNS.items() if _has(results, first, at)}
    grids = [_pairs(results, names, at) for at in starts.values()]
    means = [grid[..., 0] for grid in grids]
    low, high = np.nanmin(means), np.nanmax(means)
    fig, axes = figure(len(grids), width=4.4, height=4.2, sharey=True)
    for ax, (title, at), grid in zip(axes, starts.items(), grids, strict=True):
        ax.imshow(grid[..., 0], cmap="cividis", vmin=low, vmax=high)
        for row, column in zip(*np.tril_indices(len(names)), strict=True):
            mean, std = grid[row, column]
            ink = "white" if mean < (low + high) / 2 else "black"
            ax.text(column, row, f"{mean:.1f}\n± {std:.1f}", ha="center", va="center", color=ink)
        without = summary(results, **at)
        ax.set_title(
            f"{title}\nwithout: {100 * without['mean']:.1f} ± {100 * without['std']:.1f} %", fontsize=10
        )
        ax.set_xticks(range(len(names)), names, rotation=25, ha="right")
        ax.set_yticks(range(len(names)), names)
        ax.grid(visible=False)
    return fig


def _pairs(results: Results, names: list[str], at: Results) -> np.ndarray:
    """(n, n, 2): mean and standard deviation in percent; NaN above the diagonal."""
    grid = np.full((len(names), len(names), 2), np.nan)
    for i, first in enumerate(names):
        for j, second in enumerate(names[i:], start=i):
            name = first if first == second else f"{first} + {second}"
            found = summary(results, transform=name, **at)
            grid[j, i] = 100 * found["mean"], 100 * found["std"]
    return grid


@house_style
def plot_images(results: Results) -> "Figure":
    """Test accuracy on digits over the training images per class, a line per way of augmenting."""
    counts = results["about"]["counts"]
    fig, (ax,) = figure(width=6, height=3.4)
    for name, look in zip(results["about"]["policies"], LOOKS, strict=False):
        values = np.array(
            [ends(results, data="digits", transform=name, per_class=count) for count in counts]
        ).T
        mean_and_range(ax, counts, values, label="without" if name == "none" else name, **look)
    plain_log_ticks(ax, counts, "training images per class")
    whole_percents(ax.yaxis)
    ax.set_ylabel("test accuracy")
    ax.legend(loc="lower right")
    return fig


@house_style
def plot_views(results: Results) -> "Figure":
    """Accuracy and loss of the mean over views of each test image, by what the network was trained with."""
    found = [m for m in results["views"] if m["start"] == "scratch"]
    names = list(dict.fromkeys(m["transform"] for m in found))
    fig, axes = figure(2, width=4.4, height=3.6, sharey=True)
    for ax, key in zip(axes, ("accuracy", "loss"), strict=True):
        for step, (view, look) in enumerate(zip(found[0]["accuracy"], LOOKS, strict=False)):
            for row, name in enumerate(names):
                values = np.array([m[key][view] for m in found if m["transform"] == name])
                dots_of_seeds(ax, row + 0.18 * (step - 1.5), values, look["colour"], look["marker"])
            ax.plot([], [], look["marker"], color=look["colour"], label=view)
        ax.set_xlabel(f"test {key}")
    axes[0].set_yticks(
        range(len(names)), [f"trained with {name}" if name != "none" else "trained without" for name in names]
    )
    axes[0].set_ylim(len(names) - 0.5, -0.5)
    whole_percents(axes[0].xaxis)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return fig


@house_style
def plot_cost(results: Results) -> "Figure":
    """CPU time per image of each transform; the line is a step of training."""
    costs = {c["transform"]: c["microseconds"] for c in results["cost"]}
    step = costs.pop("training step")
    names = sorted(costs, key=lambda name: costs[name])
    fig, (ax,) = figure(width=7.2, height=1 + 0.24 * len(names))
    ax.barh(range(len(names)), [costs[name] for name in names], color=BLUE)
    ax.axvline(step, color=ORANGE)
    ax.text(step, 0, "training step ", color=ORANGE, ha="right", va="center")
    ax.set_yticks(range(len(names)), names)
    ax.set(xlabel="microseconds of CPU time per image", ylim=(-0.6, len(names) - 0.4))
    ax.grid(visible=False, axis="y")
    return fig
