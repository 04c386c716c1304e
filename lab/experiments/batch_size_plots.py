"""The figures and tables of unit 08 about the batch size, from results of `lab.experiments.schedules`."""

from typing import TYPE_CHECKING

import numpy as np

from lab.experiments.results import Results, last, summarize
from lab.experiments.schedules_plots import LOOKS, best_rate, ends, names, select, summary
from lab.plots import figure, house_style, mean_and_range, plain_log_ticks, whole_percents

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RULES = ("one rate", "square root", "linear", "linear, warm-up", "best rate")


def rate_by(results: Results, name: str, batch: int) -> float:
    """The rate that one of RULES gives for a batch size, from about["base_rate"] at about["base_batch"]."""
    about = results["about"]
    factor = batch / about["base_batch"]
    if name == "best rate":
        return best_rate(results, "epochs", way="constant", batch=batch)
    powers = {"one rate": 0.0, "square root": 0.5, "linear": 1.0, "linear, warm-up": 1.0}
    wanted = about["base_rate"] * factor ** powers[name]
    return min(names(results, "epochs", "rate", batch=batch), key=lambda rate: abs(np.log(rate / wanted)))


def rule(results: Results, name: str, batch: int, key: str = "test_accuracy") -> Results:
    """The summary of the runs at equal epochs at which one of RULES arrives for this batch size."""
    way = "warm-up" if name == "linear, warm-up" and batch > results["about"]["base_batch"] else "constant"
    rate = rate_by(results, name, batch)
    return summary(results, "epochs", key, way=way, batch=batch, rate=rate)


@house_style
def plot_rules(results: Results) -> "Figure":
    """Test accuracy over the batch size at equal epochs, a line per rule for the rate."""
    sizes = names(results, "epochs", "batch")
    fig, (ax,) = figure(width=5.6, height=3.9)
    for name, look in zip(RULES, LOOKS, strict=False):
        found = [rule(results, name, batch) for batch in sizes]
        values = np.array([[one[key] for one in found] for key in ("mean", "min", "max")])
        dashes = "--" if name == "best rate" else "-"
        ax.plot(sizes, values[0], color=look["colour"], marker=look["marker"], linestyle=dashes, label=name)
        ax.fill_between(sizes, values[1], values[2], color=look["colour"], alpha=0.14, linewidth=0)
    plain_log_ticks(ax, sizes, "batch size")
    ax.set_ylabel("test accuracy")
    whole_percents(ax.yaxis)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig


@house_style
def plot_batches(results: Results) -> "Figure":
    """Test accuracy over the rate, a line per batch size, at equal epochs; a cross where a seed diverged."""
    sizes = names(results, "epochs", "batch")
    fig, (ax,) = figure(width=5.6, height=3.9)
    for place, (batch, look) in enumerate(zip(sizes, LOOKS[1:], strict=False)):
        rates = names(results, "epochs", "rate", way="constant", batch=batch)
        runs = [select(results, "epochs", way="constant", batch=batch, rate=rate) for rate in rates]
        values = np.array([[last(run, "test_accuracy") for run in at] for at in runs]).T
        mean_and_range(ax, rates, values, label=f"B = {batch}", **look)
        lost = [
            rate
            for rate, at in zip(rates, runs, strict=True)
            if not all(np.isfinite(r["loss"]).all() for r in at)
        ]
        ax.plot(lost, [0.02 + 0.03 * place] * len(lost), "x", color=look["colour"], markeredgewidth=2)
    plain_log_ticks(ax, sorted(names(results, "epochs", "rate")), "learning rate")
    ax.set(ylabel="test accuracy", ylim=(0, 1))
    whole_percents(ax.yaxis)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return fig


@house_style
def plot_equal(results: Results, rate: float | None = None) -> "Figure":
    """Test accuracy over the batch size at one rate: as many epochs, and as many steps, for all."""
    sizes = names(results, "steps", "batch")
    at = rate or results["about"]["base_rate"]
    fig, (ax,) = figure(width=4.6, height=3.4)
    for part, look in (("epochs", LOOKS[1]), ("steps", LOOKS[2])):
        values = [ends(results, part, way="constant", batch=batch, rate=at) for batch in sizes]
        mean_and_range(ax, sizes, np.array(values).T, label=f"equal {part}", **look)
    plain_log_ticks(ax, sizes, "batch size")
    ax.set_ylabel("test accuracy")
    whole_percents(ax.yaxis)
    ax.legend()
    return fig


def step_time(results: Results, network: str = "plain") -> tuple[float, float]:
    """(a, b) of the seconds per step a + b B: least squares of the relative errors."""
    found = [record for record in results["speed"] if record["network"] == network]
    sizes, seconds = (np.array([r[key] for r in found], float) for key in ("batch", "seconds"))
    columns = np.stack([np.ones_like(sizes), sizes], axis=1)
    a, b = np.linalg.lstsq(columns / seconds[:, None], np.ones_like(sizes), rcond=None)[0]
    return float(a), float(b)


@house_style
def plot_speed(results: Results) -> "Figure":
    """Milliseconds per step and images per second over the batch size; lines: a + b B, fitted."""
    fig, axes = figure(2, width=4.3, height=3.6)
    for network, look in zip(dict.fromkeys(r["network"] for r in results["speed"]), LOOKS[1:], strict=False):
        found = [record for record in results["speed"] if record["network"] == network]
        sizes = np.array([record["batch"] for record in found])
        a, b = step_time(results, network)
        label = f"{network}: {1000 * a:.2f} ms + {1000 * b:.3f} ms B"
        style = {"color": look["colour"], "linewidth": 1.5}
        dots = {"color": look["colour"], "marker": look["marker"], "linestyle": "none"}
        axes[0].plot(sizes, 1000 * (a + b * sizes), label=label, **style)
        axes[0].plot(sizes, [1000 * record["seconds"] for record in found], **dots)
        axes[1].plot(sizes, sizes / (a + b * sizes), **style)
        axes[1].plot(sizes, [record["images_per_second"] for record in found], **dots)
    for ax, label in zip(axes, ("milliseconds per step", "images per second"), strict=True):
        plain_log_ticks(ax, sizes.tolist(), "batch size")
        ax.set(ylabel=label)
    axes[0].set_yscale("log")
    axes[0].set_yticks([2, 5, 10, 20, 50], ["2", "5", "10", "20", "50"])
    axes[0].set_yticks([], minor=True)
    axes[1].set_ylim(0, None)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig


def gap_table(results: Results) -> list[Results]:
    """A row per network, batch size and rate of Adam: summaries of both accuracies and of sharpness."""
    keys = ("data", "way", "batch", "rate")
    runs = [run for run in results["runs"] if run["part"] == "gap"]
    rows = []
    for at in dict.fromkeys(tuple(run[key] for key in keys) for run in runs):
        found = [run for run in runs if tuple(run[key] for key in keys) == at]
        row: Results = dict(zip(keys, at, strict=True))
        for name, key in (("train", "train_accuracy"), ("test", "test_accuracy"), ("sharpness", "sharpness")):
            row[name] = summarize(np.array([run[key] for run in found], float))
        rows.append(row)
    return rows


@house_style
def plot_gap(results: Results) -> "Figure":
    """Training accuracy, test accuracy and sharpness, a row per network and batch: mean and deviation."""
    rows = gap_table(results)
    fig, axes = figure(3, width=3.2, height=1.2 + 0.36 * len(rows), sharey=True)
    small = results["about"]["gap_batch"]
    for place, row in enumerate(rows):
        look = LOOKS[1] if row["batch"] == small else LOOKS[2] if row["rate"] == rows[0]["rate"] else LOOKS[3]
        for ax, key in zip(axes, ("train", "test", "sharpness"), strict=True):
            mean, std = row[key]["mean"], row[key]["std"]
            ax.errorbar(mean, place, xerr=std, color=look["colour"], marker=look["marker"])
    labels = [f"{r['way']} on {r['data']}, B = {r['batch']}, rate {r['rate']:.2g}" for r in rows]
    axes[0].set_yticks(range(len(rows)), labels)
    axes[0].set_ylim(len(rows) - 0.5, -0.5)
    for ax, title in zip(axes, ("training accuracy", "test accuracy", "sharpness (%)"), strict=True):
        ax.set_xlabel(title)
    whole_percents(axes[0].xaxis)
    whole_percents(axes[1].xaxis)
    axes[2].set_xscale("log")
    return fig


@house_style
def plot_accumulation(results: Results) -> "Figure":
    """Left how far the accumulated gradient is from the batch's; right accuracy after training with it."""
    fig, axes = figure(2, width=4.3, height=3.6)
    for way, look in (("BN", LOOKS[2]), ("plain", LOOKS[1])):
        found = [record for record in results["accumulation"] if record["way"] == way]
        micros = sorted({record["micro"] for record in found})
        values = np.array([[r["difference"] for r in found if r["micro"] == micro] for micro in micros]).T
        label = "with batch normalization" if way == "BN" else "without"
        mean_and_range(axes[0], micros, values, label=label, **look)
        trained = sorted(names(results, "ghost", "micro", way=way))
        right = [ends(results, "ghost", way=way, micro=micro) for micro in trained]
        mean_and_range(axes[1], trained, np.array(right).T, label=label, **look)
    for ax in axes:
        plain_log_ticks(ax, sorted({*micros, results["about"]["ghost_batch"]}), "images of a micro-batch")
    axes[0].set(yscale="log", ylabel="relative difference of the gradient")
    axes[1].set_ylabel("test accuracy")
    whole_percents(axes[1].yaxis)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig
