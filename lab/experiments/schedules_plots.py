"""The figures and tables of unit 08's schedules and clipping, from results of `lab.experiments.schedules`."""

from collections import Counter
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
    from matplotlib.figure import Figure

LOOKS = looks(GREY, BLUE, ORANGE, GREEN, PURPLE, BLACK)
BASE: dict[str, Results] = {
    "schedules": {"data": "photos", "batch": 32},
    "epochs": {"data": "photos"},
    "steps": {"data": "photos"},
    "gap": {"data": "photos"},
    "ghost": {"data": "photos", "batch": 128},
    "clipping": {"data": "photos", "batch": 32},
}
SHOWN = ("constant", "step", "cosine", "warm-up, cosine", "restarts", "one cycle")


def select(results: Results, part: str = "schedules", **at: Any) -> list[Results]:
    """The runs of a part with these settings; what is not named is the part's BASE, but for rate and way.

    Where the results hold no run on BASE's data set, the one of their first run of this part is taken.
    """
    runs = [run for run in results["runs"] if run["part"] == part]
    base = dict(BASE[part])
    if runs and base["data"] not in {run["data"] for run in runs}:
        base["data"] = runs[0]["data"]
    wanted = {**base, **at}
    return [run for run in runs if all(run[key] == value for key, value in wanted.items())]


def best_rate(results: Results, part: str = "schedules", **at: Any) -> float:
    """The rate with the highest mean validation accuracy at the end. Raises ValueError without such runs.

    Of the rates that were run with the most seeds. One at which the loss of a run was no longer a number
    is not taken, unless there is no other.
    """
    found = select(results, part, **at)
    if not found:
        raise ValueError(f"Expected settings of some runs of these results, got {at}: look at their fields.")
    seeds = Counter(run["rate"] for run in found)
    return rate_of_best([run for run in found if seeds[run["rate"]] == max(seeds.values())])


def best_runs(results: Results, part: str = "schedules", **at: Any) -> list[Results]:
    """The runs, one per seed, at the rate that is named or at the best one."""
    return select(results, part, **{"rate": best_rate(results, part, **at), **at})


def ends(results: Results, part: str = "schedules", key: str = "test_accuracy", **at: Any) -> np.ndarray:
    """A number per seed, at the rate that is named or at the best one."""
    return np.array([last(run, key) for run in best_runs(results, part, **at)], float)


def summary(results: Results, part: str = "schedules", key: str = "test_accuracy", **at: Any) -> Results:
    """Mean, standard deviation (n - 1), min and max over the seeds, at the rate named or at the best one."""
    return summarize(ends(results, part, key, **at))


def names(results: Results, part: str, key: str, **at: Any) -> list[Any]:
    """The values of a field in the runs of a part that agree with `at`, each once, in their order."""
    return list(dict.fromkeys(run[key] for run in select(results, part, **at)))


def table(results: Results, part: str = "schedules") -> list[tuple[str, float, Results, Results]]:
    """A row per way at its best rate: its name, the rate, summaries of test accuracy and test loss."""
    return [
        (
            way,
            best_rate(results, part, way=way),
            summary(results, part, way=way),
            summary(results, part, "test_loss", way=way),
        )
        for way in names(results, part, "way")
    ]


@house_style
def plot_schedules(results: Results) -> "Figure":
    """Accuracy and loss of the test images, each schedule at its best rate: seeds, mean, deviation."""
    ways = names(results, "schedules", "way")
    fig, axes = figure(2, width=4.2, height=1.2 + 0.34 * len(ways), sharey=True)
    for ax, key in zip(axes, ("test_accuracy", "test_loss"), strict=True):
        for row, way in enumerate(ways):
            dots_of_seeds(ax, row, ends(results, key=key, way=way), BLUE)
        ax.set(xlabel=key.replace("_", " "))
    rows = [f"{way} ({best_rate(results, way=way):g})" for way in ways]
    axes[0].set_yticks(range(len(ways)), rows)
    axes[0].set_ylim(len(ways) - 0.5, -0.5)
    whole_percents(axes[0].xaxis)
    return fig


@house_style
def plot_curves(results: Results, ways: tuple[str, ...] = SHOWN) -> "Figure":
    """The rate, the training loss and the validation accuracy by step, each schedule at its best rate."""
    known = names(results, "schedules", "way")
    chosen = (
        [way for way in known if way in ways] if set(known) & set(ways) - {"constant", "cosine"} else known
    )
    fig, axes = figure(3, width=3.7, height=3.7)
    for way, look in zip(chosen, (LOOKS * 2), strict=False):
        runs = best_runs(results, way=way)
        edges = runs[0]["steps"] * np.arange(len(runs[0]["loss"]) + 1) / len(runs[0]["loss"])
        axes[0].plot(edges[:-1], runs[0]["rates"], color=look["colour"], marker=look["marker"], label=way)
        for ax, key in zip(axes[1:], ("loss", "validation"), strict=True):
            mean_and_range(ax, edges[1:], np.array([run[key] for run in runs], float), label=way, **look)
    for ax, title in zip(axes, ("learning rate", "training loss", "validation accuracy"), strict=True):
        ax.set(title=title, xlabel="step")
    axes[0].set_yscale("symlog", linthresh=1e-3)
    axes[1].set_ylim(0, None)
    whole_percents(axes[2].yaxis)
    fig.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig


@house_style
def plot_rates(results: Results) -> "Figure":
    """Mean test accuracy over the base rate, a line per schedule; of the seeds that were run there."""
    ways, rates = names(results, "schedules", "way"), sorted(names(results, "schedules", "rate"))
    fig, (ax,) = figure(width=6.4, height=4.2)
    for place, way in enumerate(ways):
        look = LOOKS[place % len(LOOKS)]
        values = [ends(results, way=way, rate=rate).mean() for rate in rates]
        dashes = ("-", "--")[place // len(LOOKS)]
        style = {"color": look["colour"], "marker": look["marker"], "linestyle": dashes}
        ax.plot(rates, values, label=way, **style)
    plain_log_ticks(ax, rates, "base or largest rate")
    ax.set_ylabel("test accuracy")
    whole_percents(ax.yaxis)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside right upper", fontsize=9, handlelength=3)
    return fig


@house_style
def plot_clipping(results: Results) -> "Figure":
    """Left test accuracy over the rate, with and without clipping; right the norms of gradients by step.

    A cross marks a rate at which the loss of a seed was no number. The norms, before clipping, are those
    of the first seed at the highest rate at which the run without clipping stayed finite.
    """
    rates = sorted(names(results, "clipping", "rate"))
    fig, axes = figure(2, width=4.4, height=3.6)
    finite = [
        rate
        for rate in rates
        if all(np.isfinite(r["loss"]).all() for r in select(results, "clipping", rate=rate))
    ]
    for place, (way, look) in enumerate(zip(("not clipped", "clipped"), LOOKS[2:0:-1], strict=True)):
        values = np.array([ends(results, "clipping", way=way, rate=rate) for rate in rates]).T
        mean_and_range(axes[0], rates, values, label=way, **look)
        lost = [
            rate
            for rate in rates
            if any(not np.isfinite(r["loss"]).all() for r in select(results, "clipping", way=way, rate=rate))
        ]
        axes[0].plot(lost, [0.03 + 0.05 * place] * len(lost), "x", color=look["colour"], markeredgewidth=2)
        norms = select(results, "clipping", way=way, rate=max(finite, default=rates[0]))[0]["norms"]
        axes[1].plot(norms, color=look["colour"], linewidth=1)
    plain_log_ticks(axes[0], rates, "learning rate")
    as_percent(axes[0], "test accuracy")
    axes[1].axhline(results["about"]["max_norm"], color="#222222", linewidth=1, linestyle=":")
    axes[1].set(yscale="log", xlabel="step", ylabel="norm of the gradient")
    axes[1].set_title(f"rate {max(finite, default=rates[0]):g}")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig
