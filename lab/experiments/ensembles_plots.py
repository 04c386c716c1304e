"""The figures and tables of unit 08's ensembles, from results of `lab.experiments.ensembles`."""

from typing import TYPE_CHECKING

import numpy as np

from lab.experiments.results import Results, last, summarize
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
    from matplotlib.figure import Figure

LOOKS = looks(BLUE, ORANGE, GREEN, PURPLE, GREY, BLACK)
SIZED = {"five members": BLUE, "snapshots, 5 T": ORANGE, "snapshots, T": GREEN}


def ways_of(results: Results) -> list[str]:
    """The ways of the ensembles, each once, in their order."""
    return list(dict.fromkeys(record["way"] for record in results["ensembles"]))


def records(results: Results, way: str) -> list[Results]:
    """The records of one way, one per seed. Raises ValueError for a way that the results do not hold."""
    found = [record for record in results["ensembles"] if record["way"] == way]
    if not found:
        raise ValueError(f"Expected one of {', '.join(ways_of(results))}, got {way!r}.")
    return found


def summary(results: Results, way: str, key: str = "accuracy") -> Results:
    """Mean, standard deviation (n - 1), min and max over the seeds; of a list, its mean counts."""
    return summarize(np.array([np.mean(record[key]) for record in records(results, way)], float))


def table(results: Results) -> list[Results]:
    """A row per way: way, steps (None in `compare`), networks, and summaries of what was measured."""
    keys = ("accuracy", "loss", "member_accuracy", "member_loss", "disagreement", "train_seconds")
    return [
        {
            "way": way,
            "steps": records(results, way)[0].get("steps"),
            "networks": records(results, way)[0]["networks"],
            **{key: summary(results, way, key) for key in keys},
        }
        for way in ways_of(results)
    ]


@house_style
def plot_ensembles(results: Results) -> "Figure":
    """Accuracy and loss of the test images, a row per way with its cost: seeds, mean, deviation.

    Of a way whose loss is more than twice the middle one only the numbers are written: it would squeeze
    the others.
    """
    rows = table(results)
    middle = float(np.median([row["loss"]["mean"] for row in rows]))
    fig, axes = figure(2, width=4.6, height=1.2 + 0.36 * len(rows), sharey=True)
    for ax, key in zip(axes, ("accuracy", "loss"), strict=True):
        for place, row in enumerate(rows):
            if row["loss"]["mean"] > 2 * middle:
                mean = row[key]["mean"]
                shown = f"{mean:.0%}" if key == "accuracy" else f"{mean:.2f}"
                ax.text(0.03 if key == "accuracy" else 0.9, place, shown, transform=ax.get_yaxis_transform())
                continue
            values = np.array([last(record, key) for record in records(results, row["way"])])
            colour = BLUE if row["networks"] == 1 else ORANGE
            dots_of_seeds(ax, place, values, colour, "o" if row["networks"] == 1 else "s")
        ax.set_xlabel(f"test {key}")
    axes[0].set_yticks(range(len(rows)), [_cost(row) for row in rows])
    axes[0].set_ylim(len(rows) - 0.5, -0.5)
    whole_percents(axes[0].xaxis)
    return fig


def _cost(row: Results) -> str:
    steps = f"{row['steps']} steps" if row["steps"] else f"{row['train_seconds']['mean']:.0f} s"
    return f"{row['way']}: {steps}, {row['networks']} net{'s' if row['networks'] > 1 else ''}"


@house_style
def plot_sizes(results: Results) -> "Figure":
    """Accuracy and loss of the test images over the number of networks, mean over all choices of so many."""
    fig, axes = figure(2, width=4.2, height=3.5)
    for key, ax in zip(("accuracy", "loss"), axes, strict=True):
        for way, colour in SIZED.items():
            if way in ways_of(results):
                values = np.array([record["by_size"][key] for record in records(results, way)])
                sizes = range(1, values.shape[1] + 1)
                mean_and_range(ax, sizes, values, label=way, **looks(colour)[0])
        ax.set(xlabel="networks", ylabel=f"test {key}")
        ax.xaxis.get_major_locator().set_params(integer=True)
    whole_percents(axes[0].yaxis)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig


@house_style
def plot_lines(results: Results) -> "Figure":
    """Loss and accuracy of the test images on the line between two sets of weights: 0 one, 1 the other."""
    fig, axes = figure(2, width=4.2, height=3.6)
    for key, ax in zip(("loss", "accuracy"), axes, strict=True):
        for between, look in zip(dict.fromkeys(r["between"] for r in results["lines"]), LOOKS, strict=False):
            found = [record for record in results["lines"] if record["between"] == between]
            values = np.array([record[key] for record in found], float)
            mean_and_range(ax, found[0]["alphas"], values, label=between, **look)
        ax.set(xlabel="position on the line", ylabel=f"test {key}")
    whole_percents(axes[1].yaxis)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig
