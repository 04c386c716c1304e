"""The figures of unit 12, from results as `lab.experiments.capstone` and its two neighbours make them."""

from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from lab.experiments.capstone_errors import correct, gain_errors
from lab.experiments.capstone_gains import ladder_of, lost_without, shapley_of
from lab.experiments.results import Results, summarize
from lab.plots import BLACK, BLUE, GREEN, GREY, MARKERS, ORANGE, dots_of_seeds, figure, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = {"float32": BLUE, "float16": GREEN, "int8": ORANGE}
ERRORS = {
    "two samples": GREY,
    "the same images": BLUE,
    "the same images, by cell": GREEN,
    "the same seeds": ORANGE,
}


def percent(values: np.ndarray) -> str:
    """Mean ± deviation (n - 1) of shares, in percent or points."""
    found = summarize(100 * values)
    return f"{found['mean']:.1f} ± {found['std']:.1f}"


def _rows(ax: "Axes", values: dict[str, np.ndarray], colour: str, label: str) -> None:
    """A row per name, from the top; the dots are seeds."""
    for row, found in enumerate(values.values()):
        dots_of_seeds(ax, row, 100 * found, colour, MARKERS[colour])
    ax.axvline(0, color=GREY, linewidth=1)
    ax.set_yticks(range(len(values)), list(values))
    ax.set_ylim(len(values) - 0.5, -0.5)
    ax.set_xlabel(label)


@house_style
def plot_leave_one_out(results: Results) -> "Figure":
    """What is lost without each trick, in points: a dot per seed, mean and standard deviation."""
    found = lost_without(results)
    fig, (ax,) = figure(width=5.4, height=1 + 0.38 * len(found))
    _rows(ax, found, BLUE, "points of test accuracy that all lose without it")
    return fig


@house_style
def plot_orders(results: Results) -> "Figure":
    """Gain of each of the four tricks, in points: a dot for every order (mean of seeds), Shapley's value."""
    four = results["about"]["four"]
    orders = list(permutations(four))
    gains = {order: dict(zip(order, ladder_of(results, order).mean(axis=1), strict=True)) for order in orders}
    values = shapley_of(results)
    fig, (ax,) = figure(width=5.4, height=1.2 + 0.5 * len(four))
    for row, name in enumerate(four):
        points = np.array([100 * gains[order][name] for order in orders])
        ax.plot(points, np.full(len(points), row), "o", color=BLUE, alpha=0.35, markeredgewidth=0)
        ax.plot(100 * values[name].mean(), row, "|", color=BLACK, markersize=18, markeredgewidth=2)
    ax.plot([], [], "o", color=BLUE, alpha=0.6, label="in one of the 24 orders")
    ax.plot([], [], "|", color=BLACK, markersize=12, markeredgewidth=2, label="mean of all: Shapley value")
    ax.axvline(0, color=GREY, linewidth=1)
    ax.set_yticks(range(len(four)), four)
    ax.set_ylim(len(four) - 0.5, -0.5)
    ax.set_xlabel("gain in points of test accuracy")
    fig.legend(loc="outside lower center", ncols=2)
    return fig


def budget_values(results: Results, way: str, key: str, stored: str = "float32") -> np.ndarray:
    """One number per seed of a way: a field of its runs ("seconds", ...) or of one of the formats."""
    runs = [run for run in results["runs"] if run["way"] == way]
    if not runs:
        raise ValueError(f"Expected one of {', '.join(results['about']['ways'])}, got {way!r}.")
    return np.array([run[key] if key in run else run["stored"][stored][key] for run in runs])


def budget_table(results: Results) -> list[dict[str, str]]:
    """A row per way: way, networks, numbers, stored as, kB, seconds, accuracy, mirrored, one alone."""
    rows = []
    for way, about in results["about"]["ways"].items():
        stored = about["stored"]
        rows.append(
            {
                "way": way,
                "networks": f"{about['networks']}",
                "numbers": f"{about['numbers']:,}".replace(",", " "),
                "stored": stored,
                "kB": f"{budget_values(results, way, 'bytes', stored)[0] / 1000:.0f}",
                "epochs": f"{about['epochs']}",
                "seconds": f"{budget_values(results, way, 'seconds').mean():.0f}",
                "one alone": percent(budget_values(results, way, "member_accuracy")),
                "accuracy": percent(budget_values(results, way, "accuracy", stored)),
                "mirrored": percent(budget_values(results, way, "mirrored", stored)),
            }
        )
    return rows


@house_style
def plot_budget(results: Results) -> "Figure":
    """Test accuracy, a row per way within the budget, without and with the mirror image: seeds, mean."""
    ways = results["about"]["ways"]
    fig, (ax,) = figure(width=5.8, height=1.3 + 0.5 * len(ways))
    for row, (way, about) in enumerate(ways.items()):
        for shift, key, colour in ((-0.14, "accuracy", BLUE), (0.14, "mirrored", ORANGE)):
            found = budget_values(results, way, key, about["stored"])
            dots_of_seeds(ax, row + shift, 100 * found, colour, MARKERS[colour])
    for colour, label in ((BLUE, "the image"), (ORANGE, "the image and its mirror image")):
        ax.plot([], [], MARKERS[colour], color=colour, label=label)
    ax.set_yticks(range(len(ways)), list(ways))
    ax.set_ylim(len(ways) - 0.5, -0.5)
    ax.set_xlabel("test accuracy in %")
    ax.xaxis.get_major_locator().set_params(integer=True)
    fig.legend(loc="outside lower center", ncols=2)
    return fig


@house_style
def plot_formats(results: Results) -> "Figure":
    """Change of test accuracy by the format of the file, against float32, in points; a row per way."""
    ways = list(results["about"]["ways"])
    fig, (ax,) = figure(width=5.8, height=1.3 + 0.5 * len(ways))
    for row, way in enumerate(ways):
        whole = budget_values(results, way, "accuracy")
        for shift, stored in ((-0.14, "float16"), (0.14, "int8")):
            change = 100 * (budget_values(results, way, "accuracy", stored) - whole)
            dots_of_seeds(ax, row + shift, change, FORMATS[stored], MARKERS[FORMATS[stored]])
    for stored in ("float16", "int8"):
        ax.plot([], [], MARKERS[FORMATS[stored]], color=FORMATS[stored], label=stored)
    ax.axvline(0, color=GREY, linewidth=1)
    ax.set_yticks(range(len(ways)), ways)
    ax.set_ylim(len(ways) - 0.5, -0.5)
    ax.set_xlabel("points of test accuracy, against float32")
    fig.legend(loc="outside lower center", ncols=2)
    return fig


@house_style
def plot_gain_errors(errors: dict[str, tuple[float, float]]) -> "Figure":
    """A gain and its standard error, computed in several ways, as `gain_errors` returns them."""
    fig, (ax,) = figure(width=5.4, height=1 + 0.42 * len(errors))
    _bars(ax, errors, [ERRORS[name] for name in errors])
    return fig


@house_style
def plot_gains_by_seed(results: Results, key: str = "fresh_correct") -> "Figure":
    """The gain of the second rung for each seed, with its error on the same images, and over the seeds."""
    count = len(correct(results, results["about"]["rungs"][0], key))
    errors = {f"seed {seed}": gain_errors(results, seed, key)["the same images"] for seed in range(count)}
    errors["mean of the seeds"] = gain_errors(results, 0, key)["the same seeds"]
    fig, (ax,) = figure(width=5.4, height=1 + 0.36 * len(errors))
    _bars(ax, errors, [BLUE] * count + [ORANGE])
    return fig


def _bars(ax: "Axes", errors: dict[str, tuple[float, float]], colours: list[str]) -> None:
    """A row per name, from the top: a gain and its error."""
    for row, ((gain, error), colour) in enumerate(zip(errors.values(), colours, strict=True)):
        ax.errorbar(100 * gain, row, xerr=196 * error, fmt=MARKERS[colour], color=colour, capsize=4)
    ax.axvline(0, color=GREY, linewidth=1)
    ax.set_yticks(range(len(errors)), list(errors))
    ax.set_ylim(len(errors) - 0.5, -0.5)
    ax.set_xlabel("gain in points, ± 1.96 standard errors")


@house_style
def plot_fresh_sets(results: Results) -> "Figure":
    """Accuracy on each fresh set of crops, a row per network: are the sets or the seeds further apart?"""
    rungs = results["about"]["rungs"]
    fig, axes = figure(len(rungs), width=4.2, height=3.2, sharex=True, sharey=True)
    for ax, rung in zip(axes, rungs, strict=True):
        runs = [run for run in results["runs"] if run["rung"] == rung]
        for run in runs:
            row = np.full(len(run["fresh_accuracy"]), run["seed"])
            ax.plot(
                100 * np.array(run["fresh_accuracy"]), row, "o", color=BLUE, alpha=0.25, markeredgewidth=0
            )
            ax.plot(100 * np.mean(run["fresh_accuracy"]), run["seed"], "|", color=BLACK, markersize=12)
        ax.set_title(rung)
        ax.set_xlabel("accuracy in %")
        ax.set_yticks(range(len(runs)))
        ax.margins(y=0.1)
    axes[0].set_ylabel("seed")
    return fig
