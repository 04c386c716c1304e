"""The figures and tables of unit 11, from results as `lab.experiments.transfer` makes them."""

from typing import TYPE_CHECKING, Any

import numpy as np

from lab.experiments.results import Results, last, summarize
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

LOOKS = looks(GREY, GREEN, BLUE, ORANGE, PURPLE, BLACK)
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
    "the same, norms frozen": {"head": "probe", "norm": "frozen"},
    "random head, all at once": {"head": "random"},
}
HEADS = {"random": "random head", "zero": "zero head", "probe": "linear head first"}
RATES_ROWS: dict[str, Results] = {
    "one rate": {},
    "rates x 0.3 per stage": {"decay": 0.3},
    "rates x 0.1 per stage": {"decay": 0.1},
    "gradual unfreezing": {"gradual": True},
    "norms frozen, one rate": {"norm": "frozen"},
    "norms frozen, rates x 0.3": {"norm": "frozen", "decay": 0.3},
    "norms frozen, gradual": {"norm": "frozen", "gradual": True},
}
NORM_PANELS = (("all", 1e-3), ("all", 1e-2), ("head", 1e-2))  # what is trained, and the rate
STAGE_LINES: dict[str, Results] = {
    "source, one mean": {"network": "source", "grid": 1},
    "source, 4x4 means": {"network": "source", "grid": 4},
    "untrained, one mean": {"network": "untrained", "grid": 1},
    "untrained, 4x4 means": {"network": "untrained", "grid": 4},
}


def first_target(results: Results) -> str:
    """The target that is meant where none is named."""
    return results["about"]["targets"][0]


def select(results: Results, **at: Any) -> list[Results]:
    """The runs with these settings; what is not named is BASE's, but for the rate."""
    wanted = {"target": first_target(results), **BASE, **at}
    return [run for run in results["runs"] if all(run[key] == value for key, value in wanted.items())]


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
    return summarize(ends(results, key, **at))


def head_ends(results: Results, key: str = "test_accuracy", **at: Any) -> np.ndarray:
    """A number per seed of heads on features that stay. Raises ValueError if there are none of this kind."""
    wanted = {"target": first_target(results), **HEAD_BASE, **at}
    found = [head[key] for head in results["heads"] if all(head[k] == v for k, v in wanted.items())]
    if not found:
        raise ValueError(f"Expected fields of some heads of these results, got {at}: look at their fields.")
    return np.array(found)


def head_summary(results: Results, key: str = "test_accuracy", **at: Any) -> dict[str, float]:
    """As `summary`, of results["heads"]."""
    return summarize(head_ends(results, key, **at))


def row_ends(results: Results, row: str, **at: Any) -> np.ndarray:
    """Test accuracies of a row of TABLE, a number per seed."""
    how = TABLE[row]
    return (head_ends if "method" in how else ends)(results, **how, **at)


def table(results: Results, target: str | None = None) -> list[tuple[str, dict[int, dict[str, float]]]]:
    """A row per name in TABLE: the name, and the summary of the test accuracy for each images per class."""
    target = target or first_target(results)
    counts = results["about"]["counts"]
    return [
        (row, {n: summarize(row_ends(results, row, target=target, per_class=n)) for n in counts})
        for row in TABLE
    ]


def method_table(results: Results) -> list[tuple[str, dict[str, float]]]:
    """A row per method of `compare`: its name, and the summary of the test accuracy."""
    names = list(dict.fromkeys(run["method"] for run in results["runs"]))
    return [(name, summarize(_of_method(results, name))) for name in names]


def _of_method(results: Results, name: str) -> np.ndarray:
    return np.array([run["test_accuracy"] for run in results["runs"] if run["method"] == name])


@house_style
def plot_methods(results: Results) -> "Figure":
    """Test accuracy of each method of `compare`: a dot per seed, mean and standard deviation."""
    names = [name for name, _ in method_table(results)]
    fig, (ax,) = figure(width=7.2, height=1.2 + 0.34 * len(names))
    for row, name in enumerate(names):
        dots_of_seeds(ax, row, _of_method(results, name), LOOKS[row % len(LOOKS)]["colour"])
    ax.set_yticks(range(len(names)), names)
    ax.set(ylim=(len(names) - 0.5, -0.5), xlabel="test accuracy")
    whole_percents(ax.xaxis)
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


def _targets(results: Results) -> list[str]:
    return list(results["about"]["targets"])


@house_style
def plot_table(results: Results) -> "Figure":
    """Test accuracy of each row of TABLE over the training images per class, a panel per target."""
    targets, counts = _targets(results), results["about"]["counts"]
    fig, axes = figure(len(targets), width=4.4, height=4.2, sharey=True)
    for ax, target in zip(axes, targets, strict=True):
        for row, look in zip(TABLE, LOOKS, strict=False):
            values = np.array([row_ends(results, row, target=target, per_class=n) for n in counts]).T
            mean_and_range(ax, counts, values, label=row, **look)
        plain_log_ticks(ax, counts, "training images per class")
        ax.set_title(target)
    whole_percents(axes[0].yaxis)
    axes[0].set_ylabel("test accuracy")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
    return fig


@house_style
def plot_heads(results: Results) -> "Figure":
    """Test accuracy and CKA of the features to the source's, over the rate, a line per head at the start."""
    rates = sorted({run["rate"] for run in select(results)})
    fig, axes = figure(2)
    for (head, label), look in zip(HEADS.items(), LOOKS, strict=False):
        for ax, key in zip(axes, ("test_accuracy", "cka"), strict=True):
            values = np.array([ends(results, key, head=head, rate=rate) for rate in rates]).T
            mean_and_range(ax, rates, values, label=label, **look)
    frozen = head_ends(results).mean()
    axes[0].axhline(frozen, color=GREY, linewidth=1, linestyle="--")
    for ax in axes:
        plain_log_ticks(ax, rates, "learning rate at the start")
    as_percent(axes[0], "test accuracy; dashed: linear head")
    axes[1].set(ylim=(0, 1.02), ylabel="CKA to the source's features")
    axes[1].legend(loc="lower left", fontsize=9)
    return fig


@house_style
def plot_forgetting(results: Results) -> "Figure":
    """Validation accuracy and CKA along training at the highest rate, a line per head at the start."""
    rate = max(run["rate"] for run in select(results))
    fig, axes = figure(2)
    for (head, label), look in zip(HEADS.items(), LOOKS, strict=False):
        runs = select(results, head=head, rate=rate)
        for ax, key in zip(axes, ("validation_accuracy", "cka"), strict=True):
            mean_and_range(ax, runs[0]["steps"], np.array([run[key] for run in runs]), label=label, **look)
    as_percent(axes[0], "validation accuracy")
    axes[1].set(ylim=(0, 1.02), ylabel="CKA to the source's features")
    for ax in axes:
        ax.set_xlabel(f"step; learning rate {rate:g} at the start")
    axes[1].legend(loc="lower left", fontsize=9)
    return fig


@house_style
def plot_norms(results: Results) -> "Figure":
    """Test accuracy over the batch size with moving and with frozen batch norms; dashed: the linear head."""
    batches = results["about"]["batches"]
    fig, axes = figure(len(NORM_PANELS), width=3.6, sharey=True)
    for ax, (trained, rate) in zip(axes, NORM_PANELS, strict=True):
        for norm, look in zip(("moving", "frozen"), LOOKS[3:1:-1], strict=True):
            at: Results = {"trained": trained, "norm": norm, "rate": rate}
            values = np.array([ends(results, batch=batch, **at) for batch in batches]).T
            mean_and_range(ax, batches, values, label=f"{norm} statistics", **look)
        ax.axhline(head_ends(results).mean(), color=GREY, linewidth=1, linestyle="--")
        plain_log_ticks(ax, batches, "images in a batch")
        ax.set_title(f"{'all is' if trained == 'all' else 'only the head is'} trained, rate {rate:g}")
    as_percent(axes[0], "test accuracy")
    axes[-1].legend(loc="lower right", fontsize=9)
    return fig


@house_style
def plot_rates(results: Results) -> "Figure":
    """Test accuracy with rates by stage and with gradual unfreezing: a dot per seed; dashed: linear head."""
    fig, (ax,) = figure(width=7.2, height=3.4)
    for row, at in enumerate(RATES_ROWS.values()):
        dots_of_seeds(ax, row, ends(results, rate=results["about"]["rate"], **at), LOOKS[row % 6]["colour"])
    ax.axvline(head_ends(results).mean(), color=GREY, linewidth=1, linestyle="--")
    ax.set_yticks(range(len(RATES_ROWS)), list(RATES_ROWS))
    ax.set(ylim=(len(RATES_ROWS) - 0.5, -0.5), xlabel="test accuracy; dashed: linear head")
    whole_percents(ax.xaxis)
    return fig


@house_style
def plot_stages(results: Results) -> "Figure":
    """Test accuracy of linear heads on the features of each stage, of both networks, a panel per target."""
    targets = _targets(results)
    names = ["pixels", *results["about"]["stages"]]
    fig, axes = figure(len(targets), width=4.4, sharey=True)
    for ax, target in zip(axes, targets, strict=True):
        for (label, at), look in zip(STAGE_LINES.items(), LOOKS[1:], strict=False):
            values = np.array(
                [head_ends(results, target=target, features=name, **at) for name in names[1:]]
            ).T
            mean_and_range(ax, range(1, len(names)), values, label=label, **look)
        pixels = head_ends(results, target=target, features="pixels")
        ax.plot(np.zeros(len(pixels)), pixels, "k.", label="pixels")
        ax.set_xticks(range(len(names)), names)
        ax.set_title(target)
    as_percent(axes[0], "test accuracy of a linear head")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
    return fig


@house_style
def plot_preparation(results: Results) -> "Figure":
    """Test accuracy of linear heads with images prepared wrongly: throughout, or in the test only."""
    targets, names = _targets(results), results["about"]["preparations"]
    fig, axes = figure(len(targets), width=4.4, height=3, sharey=True)
    for ax, target in zip(axes, targets, strict=True):
        for row, name in enumerate(names):
            always = head_ends(results, target=target, trained_with=name, tested_with=name)
            later = head_ends(results, target=target, tested_with=name)
            dots_of_seeds(ax, row - 0.12, always, BLUE)
            dots_of_seeds(ax, row + 0.12, later, ORANGE, "s")
        ax.plot([], [], "o", color=BLUE, label="in training and test")
        ax.plot([], [], "s", color=ORANGE, label="in the test only")
        ax.set(title=target, xlabel="test accuracy")
        whole_percents(ax.xaxis)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].set_ylim(len(names) - 0.5, -0.5)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
    return fig


@house_style
def plot_cost(results: Results) -> "Figure":
    """CPU seconds over the epochs: fine-tuning, a frozen backbone run in every epoch, and cached features."""
    seconds = {cost["what"]: cost["seconds"] for cost in results["cost"]}
    epochs = np.arange(1, 51)
    fig, (ax,) = figure(width=6, height=3.4)
    lines = {
        "all is trained": epochs * seconds["fine-tuned"],
        "frozen, no cache": epochs * seconds["frozen"],
        "cached features": seconds["caching"] + epochs * seconds["cached"],
    }
    for (label, values), look in zip(lines.items(), LOOKS[1:], strict=False):
        ax.plot(epochs, values, color=look["colour"], label=label)
    ax.set(yscale="log", xlabel="epochs", ylabel="CPU seconds")
    ax.legend(fontsize=9)
    return fig
