"""The figures of unit 09, from results of `lab.experiments.hyperparameters`."""

from typing import TYPE_CHECKING

import numpy as np

from lab.experiments import hyperparameters_pool as pool
from lab.experiments import hyperparameters_tables as tables
from lab.experiments.results import Results
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
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOOKS = looks(GREY, BLUE, ORANGE, GREEN, PURPLE, BLACK)
LABELS = {
    "lr": "learning rate",
    "momentum": "1 - momentum",
    "weight_decay": "weight decay",
    "batch": "batch size",
    "width": "width",
    "dropout": "dropout",
    pool.EFFECTIVE: "rate / (1 - momentum)",
}
NAMES = {**LABELS, "momentum": "momentum"}
LOSS = "validation loss"


@house_style
def plot_pool(results: Results) -> "Figure":
    """The final score of each configuration (mean over the seeds) over each hyperparameter."""
    values, trials = tables.final_scores(results).mean(axis=1), pool.configs_of(results)
    fig, axes = figure(3, rows=2, width=3.3, height=2.8, sharey=True)
    for ax, (name, (scale, *_)) in zip(axes, pool.SPACE.items(), strict=True):
        column = np.array([trial[name] for trial in trials], float)
        ax.plot(
            1 - column if name == "momentum" else column, values, ".", color=BLUE, markersize=3, alpha=0.6
        )
        ax.set_xlabel(LABELS[name])
        if scale in ("log", "one-minus-log"):
            ax.set_xscale("log")
        if scale == "choice":
            ax.set_xscale("log", base=2)
    score_axis(axes[0])
    axes[3].set_ylabel(LOSS)
    return fig


def score_axis(ax: "Axes") -> None:
    """A logarithmic y axis of validation losses."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    ax.set_yscale("log")
    low, high = ax.get_ylim()
    ax.set_yticks([tick for tick in (0.3, 0.35, 0.4, 0.5, 0.7, 1, 1.5, 2.3) if low <= tick <= high])
    ax.yaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_ylabel(LOSS)


def whole_numbers(ax: "Axes") -> None:
    """An x axis that counts."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))


@house_style
def plot_importance(results: Results) -> "Figure":
    """The share of the scores' variance that each hyperparameter alone explains, a dot per seed."""
    trials = pool.configs_of(results)
    shares = [pool.importance(trials, column) for column in tables.final_scores(results).T]
    order = [row["name"] for row in tables.importance_table(results)]
    fig, (ax,) = figure(width=6, height=3.2)
    for row, name in enumerate(order):
        colour = ORANGE if name == pool.EFFECTIVE else BLUE
        dots_of_seeds(ax, row, np.array([share[name] for share in shares]), colour)
    ax.set_yticks(range(len(order)), [NAMES[name] for name in order])
    ax.set_ylim(len(order) - 0.5, -0.5)
    ax.set_xlabel("share of the variance that it explains alone")
    whole_percents(ax.xaxis)
    return fig


@house_style
def plot_best(results: Results) -> "Figure":
    """The best of n random trials: mean, and from a tenth to nine tenths; rates on both scales."""
    rows = tables.best_table(results)
    n = [row["n"] for row in rows]
    fig, (ax,) = figure(width=6, height=3.8)
    for scale, label, look in (
        ("log", "rates log-uniform", LOOKS[1]),
        ("uniform", "rates uniform", LOOKS[2]),
    ):
        mean, low, high = (np.array([row[f"{scale}{end}"] for row in rows]) for end in ("", "_low", "_high"))
        ax.plot(n, mean, color=look["colour"], label=label)
        ax.fill_between(n, low, high, color=look["colour"], alpha=0.18, linewidth=0)
    ax.set_xscale("log")
    counts = [1, 2, 5, 10, 20, 50, 100]
    ax.set_xticks(counts, [str(count) for count in counts])
    ax.set_xlabel("random trials")
    score_axis(ax)
    ax.legend()
    return fig


@house_style
def plot_halving(results: Results) -> "Figure":
    """The winner's loss over the epochs paid, of random search and successive halving; number: how many."""
    rows = tables.halving_table(results)
    fig, (ax,) = figure(width=6, height=4)
    for way, look in zip(dict.fromkeys(row["way"] for row in rows), LOOKS[:3], strict=True):
        of = [row for row in rows if row["way"] == way]
        cost, loss, low, high = (
            np.array([row[key] for row in of]) for key in ("epochs", "loss", "low", "high")
        )
        ax.plot(cost, loss, color=look["colour"], marker=look["marker"], label=way)
        ax.fill_between(cost, low, high, color=look["colour"], alpha=0.15, linewidth=0)
        for row in of:
            ax.annotate(
                str(row["configurations"]),
                (row["epochs"], row["loss"]),
                xytext=(-6, -14) if way.endswith("4") else (4, 4),
                textcoords="offset points",
                color=look["colour"],
                fontsize=9,
            )
    ax.set_xscale("log")
    ax.set_xlabel("epochs of training, in all")
    score_axis(ax)
    ax.legend()
    return fig


@house_style
def plot_ranks(results: Results, early: int = 2) -> "Figure":
    """Left the loss after a few epochs and at the end; right the rank correlation over the epochs."""
    losses = pool.scores(pool.losses_of(results))
    fig, axes = figure(2, width=4.4, height=3.8)
    axes[0].plot(losses[:, 0, early - 1], losses[:, 0, -1], ".", color=BLUE, markersize=3, alpha=0.7)
    axes[0].set_xscale("log")
    axes[0].set_xticks([0.4, 0.7, 1, 1.5, 2.3], ["0.4", "0.7", "1", "1.5", "2.3"])
    axes[0].xaxis.minorticks_off()
    axes[0].set_xlabel(f"{LOSS} after {early} epochs")
    score_axis(axes[0])
    axes[0].set_ylabel(f"{LOSS} at the end")
    rows = tables.rank_table(results)
    epochs = [row["epochs"] for row in rows]
    shown = (("all", "all"), ("best_half", "best half"), ("best_tenth", "best tenth"))
    for (key, label), look in zip(shown, LOOKS[1:4], strict=True):
        mean, low, high = (np.array([row[key][end] for row in rows]) for end in ("mean", "min", "max"))
        axes[1].plot(epochs, mean, color=look["colour"], marker=look["marker"], label=label)
        axes[1].fill_between(epochs, low, high, color=look["colour"], alpha=0.18, linewidth=0)
    axes[1].set(xlabel="epochs", ylabel="rank correlation with the end", ylim=(None, 1.02))
    axes[1].set_xticks([epoch for epoch in epochs if epoch & (epoch - 1) == 0])
    axes[1].legend(title="configurations")
    return fig


@house_style
def plot_seeds(results: Results, top: int = 20) -> "Figure":
    """The best configurations by their mean: a dot per seed."""
    values = np.array(tables.seed_table(results, top)["values"])
    fig, (ax,) = figure(width=6, height=3.4)
    for seed, look in zip(range(values.shape[1]), LOOKS[1:], strict=False):
        place = np.arange(1, len(values) + 1)
        ax.plot(place, values[:, seed], look["marker"], color=look["colour"], label=f"seed {seed}", alpha=0.8)
    ax.plot(np.arange(1, len(values) + 1), values.mean(axis=1), color=GREY, linewidth=1, label="mean")
    ax.set(xlabel="configuration, by its mean", ylabel=LOSS)
    whole_numbers(ax)
    ax.legend(ncols=2, fontsize=9)
    return fig


@house_style
def plot_grids(results: Results) -> "Figure":
    """Left the nine points of the first grid and the first draw; right the best of nine, all placements."""
    fig, axes = figure(2, width=4.4, height=3.6)
    for row, (way, look) in enumerate(zip(tables.names(results, "grid"), LOOKS[1:3], strict=True)):
        runs = tables.select(results, "grid", way=way, number=0)
        points = sorted({(run["lr"], run["dropout"]) for run in runs})
        rates, dropout = zip(*points, strict=True)
        axes[0].plot(rates, dropout, look["marker"], color=look["colour"], label=way)
        axes[0].plot(rates, [-0.03] * len(rates), "|", color=look["colour"], markersize=10, markeredgewidth=2)
        dots_of_seeds(
            axes[1], row, tables.best_of_nine(results, way).mean(axis=1), look["colour"], look["marker"]
        )
    axes[0].set(xscale="log", xlabel="learning rate", ylabel="dropout")
    axes[0].legend(loc="upper center", bbox_to_anchor=(0.5, 1.17), ncols=2)
    axes[1].set_yticks(range(2), tables.names(results, "grid"))
    axes[1].set(ylim=(1.5, -0.5), xlabel=f"best {LOSS} of nine trials")
    return fig


@house_style
def plot_lines(results: Results) -> "Figure":
    """Left the score over the rate; right the best so far by trial, mean over the searches."""
    fig, axes = figure(2, width=4.6, height=3.8)
    curve = tables.select(results, "curve")
    rates, seeds = (sorted({run[key] for run in curve}) for key in ("lr", "seed"))
    values = np.array([[tables.score(run) for run in curve if run["seed"] == seed] for seed in seeds])
    mean_and_range(axes[0], rates, values, label="all rates", colour=GREY, marker=".")
    for way, look in zip(tables.names(results, "line"), (LOOKS[2], LOOKS[1], *LOOKS[3:]), strict=False):
        best = tables.best_by_trial(results, "line", way)
        trials = np.arange(1, best.shape[1] + 1)
        axes[1].plot(trials, best.mean(axis=0), color=look["colour"], marker=look["marker"], label=way)
        runs = tables.select(results, "line", way=way, number=0)
        scores = [tables.score(run) for run in runs]
        axes[0].plot([run["lr"] for run in runs], scores, look["marker"], color=look["colour"], alpha=0.8)
    axes[0].set(xscale="log", xlabel="learning rate")
    for ax in axes:
        score_axis(ax)
    axes[1].set(xlabel="trials")
    whole_numbers(axes[1])
    axes[1].legend()
    return fig


@house_style
def plot_searches(results: Results) -> "Figure":
    """Searches over all of SPACE: left the mean best so far; right the best of each search."""
    ways = tables.names(results, "search")
    fig, axes = figure(2, width=4.6, height=3.6)
    start = []
    for row, (way, look) in enumerate(zip(ways, LOOKS, strict=False)):
        best = tables.best_by_trial(results, "search", way)
        means = best.mean(axis=0)
        axes[0].plot(np.arange(1, best.shape[1] + 1), means, color=look["colour"], label=way)
        start.append(means[len(means) // 8])
        dots_of_seeds(axes[1], row, best[:, -1], **look)
    axes[0].set(xlabel="trials", ylim=(None, 1.1 * max(start)))
    whole_numbers(axes[0])
    score_axis(axes[0])
    axes[0].legend()
    axes[1].set_yticks(range(len(ways)), ways)
    axes[1].set(ylim=(len(ways) - 0.5, -0.5), xlabel=f"best {LOSS} in the end")
    return fig


@house_style
def plot_finals(results: Results) -> "Figure":
    """The loss that each search saw of its best trial, that of the same with new seeds, and of new images."""
    table = tables.final_table(results)
    fig, (ax,) = figure(width=6.4, height=0.9 + 0.55 * len(table))
    shown = (
        ("chosen", "as the search saw it"),
        ("loss", "new seeds"),
        ("test_loss", "new seeds, test images"),
    )
    for place, ((key, label), look) in enumerate(zip(shown, LOOKS[1:4], strict=True)):
        for row, way in enumerate(table):
            one = table[way][key]
            at = row + 0.22 * (place - 1)
            ax.plot([one["min"], one["max"]], [at, at], color=look["colour"], linewidth=1)
            style = {"color": look["colour"], "label": label if row == 0 else None}
            ax.plot(one["mean"], at, look["marker"], **style)
    ax.set_yticks(range(len(table)), list(table))
    ax.set(ylim=(len(table) - 0.5, -0.5), xlabel="loss")
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig


@house_style
def plot_winner(results: Results) -> "Figure":
    """The best of equal networks over the images it was chosen on: how far it is above the mean of all."""
    rows = tables.winner_table(results)
    n = [row["n"] for row in rows]
    fig, (ax,) = figure(width=6, height=4.2)
    shown = (
        ("formula_excess", "independent models, by the formula", LOOKS[0], ":"),
        ("simulated_excess", "independent models, simulated", LOOKS[4], "--"),
        ("excess", "best network, on the images it was chosen on", LOOKS[2], "-"),
        ("test_excess", "best network, on the test images", LOOKS[3], "-"),
    )
    for key, label, look, line in shown:
        values = [100 * row[key] for row in rows]
        ax.plot(n, values, line, color=look["colour"], marker=look["marker"], label=label)
    ax.axhline(0, color="#222222", linewidth=1)
    ax.set_xscale("log")
    ax.set_xticks(n, [str(count) for count in n])
    ax.xaxis.minorticks_off()
    ax.set(xlabel="validation images to choose on", ylabel="points above the mean of all")
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=1, fontsize=9)
    return fig


# The letters of a quiz: neither in the order of PROGRAMS nor of how sick they look.
LETTERS = (
    *("rate too low", "leak", "gradients not zeroed", "healthy", "softmax twice", "overfitting"),
    *("dead units", "dropout at validation", "labels shuffled", "rate too high", "other scaling"),
    "not shuffled",
)


@house_style
def plot_sick(results: Results, names: bool = True) -> "Figure":
    """Training and validation loss by epoch, a panel per program; without names a letter alone, as a riddle.

    A line per seed. The dotted line is log 10, the loss of who knows nothing.
    """
    known = tables.names(results, "sick")
    programs = [name for name in LETTERS if name in known]
    rows = -(-len(programs) // 3)
    fig, axes = figure(3, rows=rows, width=3.0, height=2.2, sharex=True)
    for ax, name in zip(axes, programs, strict=False):
        letter = "ABCDEFGHIJKL"[LETTERS.index(name)]
        for run in tables.select(results, "sick", way=name):
            for key, label, look in (("train_loss", "training", LOOKS[1]), ("loss", "validation", LOOKS[2])):
                epochs = np.arange(1, len(run[key]) + 1)
                dashes = "-" if key == "loss" else "--"
                ax.plot(epochs, run[key], dashes, color=look["colour"], linewidth=1.4, label=label)
        ax.axhline(pool.KNOWS_NOTHING, color=GREY, linewidth=1, linestyle=":")
        ax.set_title(f"{letter}: {name}" if names else letter)
        ax.set_ylim(
            0, max(2.6, 1.05 * np.nanmax([run["loss"] for run in tables.select(results, "sick", way=name)]))
        )
    for ax in axes[len(programs) :]:
        ax.set_visible(False)
    for ax in axes[::3]:
        ax.set_ylabel("loss")
    for ax in axes[-3:]:
        ax.set_xlabel("epoch")
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles[:2], labels[:2], loc="outside lower center", ncols=2)
    return fig
