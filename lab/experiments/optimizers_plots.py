"""The figures of unit 07, drawn from results as `lab.experiments.optimizers` makes them."""

from typing import TYPE_CHECKING, Any

import numpy as np

from lab.plots import BLUE, GREEN, GREY, ORANGE, PURPLE, figure, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Results = dict[str, Any]
LOOKS: dict[str, Results] = {
    "SGD": {"color": "#222222", "linestyle": "-", "marker": "o"},
    "momentum": {"color": BLUE, "linestyle": "-", "marker": "s"},
    "Nesterov": {"color": ORANGE, "linestyle": "--", "marker": "^"},
    "AdaGrad": {"color": "#8a6500", "linestyle": ":", "marker": "D"},
    "RMSProp": {"color": GREEN, "linestyle": "-.", "marker": "x"},
    "Adam": {"color": PURPLE, "linestyle": "--", "marker": "P"},
    "AdamW": {"color": GREY, "linestyle": ":", "marker": "v"},
}
OTHER: Results = {"color": "#56B4E9", "linestyle": "-", "marker": "*"}
GUESSING = float(np.log(10))  # the loss of equal probabilities for ten classes


def names_of(results: Results) -> list[str]:
    """The optimizers of the runs over learning rates, in the order of the study."""
    names = dict.fromkeys(run["optimizer"] for run in results["runs"])
    known = [name for name in names if name in LOOKS]
    return known or list(names)


def over_rates(results: Results, name: str, key: str) -> tuple[list[float], np.ndarray]:
    """The learning rates of an optimizer, and the last value of `key` as (rates, seeds)."""
    runs = [run for run in results["runs"] if run["optimizer"] == name]
    if not runs:
        raise ValueError(f"Expected runs of {name!r}, but the results have none: train with it first.")
    rates = sorted({run["lr"] for run in runs})
    return rates, np.array([[run[key][-1] for run in runs if run["lr"] == lr] for lr in rates])


def best(results: Results, name: str, slack: float = 0.02) -> Results:
    """The rate of the greatest median validation accuracy, and what was measured there, medians over seeds.

    "good" are all rates whose median accuracy is at most `slack` below.
    """
    rates, accuracy = over_rates(results, name, "val_accuracy")
    medians = np.median(accuracy, axis=1)
    at = int(medians.argmax())
    found: Results = {"lr": rates[at]}
    for key in ("train_loss", "val_loss", "val_accuracy"):
        values = over_rates(results, name, key)[1][at]
        found |= {key: float(np.median(values)), f"{key}_range": [float(values.min()), float(values.max())]}
    found["good"] = [lr for lr, median in zip(rates, medians, strict=True) if median >= medians[at] - slack]
    return found


@house_style
def plot_rates(results: Results, names: list[str] | None = None) -> "Figure":
    """Last training loss, validation loss and validation accuracy over the learning rate."""
    fig, axes = figure(3, width=4, height=3.4)
    for ax, key in zip(axes, ("train_loss", "val_loss", "val_accuracy"), strict=True):
        for name in names or names_of(results):
            rates, values = over_rates(results, name, key)
            values = np.where(np.isfinite(values), values, np.inf)
            line(ax, rates, values, name)
        ax.set(xscale="log", xlabel="learning rate")
        if key != "val_accuracy":
            ax.axhline(GUESSING, color=GREY, linewidth=1)
    axes[0].set(ylabel="training loss", ylim=(0, 1.25 * GUESSING))
    axes[1].set(ylabel="validation loss", ylim=(0.5, 1.25 * GUESSING))
    axes[2].set(ylabel="validation accuracy", ylim=(0, 1))
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=7)
    return fig


@house_style
def plot_curves(results: Results, names: list[str] | None = None) -> "Figure":
    """Loss on training and validation images over the epochs, each optimizer at its best rate."""
    fig, axes = figure(2, width=4.6, height=3.4)
    for name in names or names_of(results):
        lr = best(results, name)["lr"]
        runs = [run for run in results["runs"] if (run["optimizer"], run["lr"]) == (name, lr)]
        for ax, key in zip(axes, ("train_loss", "val_loss"), strict=True):
            line(ax, runs[0]["epochs"], np.array([run[key] for run in runs]).T, name, f"{name}, {lr:g}")
            ax.set(xlabel="epoch", ylabel=f"{'training' if key == 'train_loss' else 'validation'} loss")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return fig


def line(ax: Any, x: Any, values: np.ndarray, name: str, label: str | None = None) -> None:
    """The median over seeds of values (len(x), seeds), and a band from the least to the greatest."""
    look = LOOKS.get(name, OTHER)
    ax.plot(x, np.median(values, axis=1), **look, label=label or name, linewidth=1.5)
    ax.fill_between(x, values.min(axis=1), values.max(axis=1), color=look["color"], alpha=0.12, linewidth=0)
