"""The figures of unit 07, drawn from results as `lab.experiments.optimizers` makes them."""

from typing import TYPE_CHECKING, Any

import numpy as np

from lab.experiments.optimizers_rules import CLIPPED, DECOUPLED, L2, UNCORRECTED
from lab.experiments.results import Results
from lab.plots import BLUE, GREEN, GREY, ORANGE, PURPLE, figure, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOOKS: dict[str, Results] = {
    "SGD": {"color": "#222222", "linestyle": "-", "marker": "o"},
    "momentum": {"color": BLUE, "linestyle": "-", "marker": "s"},
    "Nesterov": {"color": ORANGE, "linestyle": "--", "marker": "^"},
    "AdaGrad": {"color": "#8a6500", "linestyle": ":", "marker": "D"},
    "RMSProp": {"color": GREEN, "linestyle": "-.", "marker": "x"},
    "Adam": {"color": PURPLE, "linestyle": "--", "marker": "P"},
    "AdamW": {"color": GREY, "linestyle": ":", "marker": "v"},
}
OTHER: Results = {"color": "#56B4E9", "linestyle": "-", "marker": "*"}  # Okabe and Ito's sky blue
CLASSES = 10
GUESSING = float(np.log(CLASSES))  # the loss of equal probabilities


def names_of(results: Results) -> list[str]:
    """The optimizers of the runs over learning rates, in the order of the study."""
    names = dict.fromkeys(run["optimizer"] for run in results["runs"])
    known = [name for name in names if name in LOOKS]
    return known or list(names)


def records(results: Results, part: str, **at: Any) -> list[Results]:
    """The records of a part of the results that have these values, one per seed."""
    return [r for r in results[part] if all(r[key] == value for key, value in at.items())]


def over_rates(results: Results, name: str, key: str) -> tuple[list[float], np.ndarray]:
    """The learning rates of an optimizer, and the last value of `key` as (rates, seeds)."""
    runs = records(results, "runs", optimizer=name)
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
    """Last training loss, validation loss and validation accuracy over the learning rate.

    A run whose loss is no number at the end counts as worse than any other, and a cross marks its rate."""
    fig, axes = figure(3, width=4, height=3.4)
    for ax, key in zip(axes, ("train_loss", "val_loss", "val_accuracy"), strict=True):
        for row, name in enumerate(names or names_of(results)):
            rates, values = over_rates(results, name, key)
            lost = ~np.isfinite(over_rates(results, name, "train_loss")[1])
            line(ax, rates, np.where(lost, -np.inf if key == "val_accuracy" else np.inf, values), name)
            crosses(ax, np.array(rates)[lost.any(axis=1)], name, row)
        ax.set(xscale="log", xlabel="learning rate")
        guess = 1 / CLASSES if key == "val_accuracy" else GUESSING
        ax.axhline(guess, color=GREY, linewidth=1)
        ax.annotate("guessing", (0.02, guess), (0, 2), ax.get_yaxis_transform(), "offset points", color=GREY)
    axes[0].plot([], [], "x", color=GREY, markeredgewidth=2, label="a seed diverged")
    axes[0].set(ylabel="training loss", ylim=(0, 1.25 * GUESSING))
    axes[1].set(ylabel="validation loss", ylim=(0.5, 1.25 * GUESSING))
    axes[2].set(ylabel="validation accuracy", ylim=(0, 1))
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return fig


@house_style
def plot_curves(results: Results, names: list[str] | None = None) -> "Figure":
    """Losses over the epochs, each optimizer at the rate of its greatest median validation accuracy."""
    fig, axes = figure(2, width=4.6, height=3.4)
    for name in names or names_of(results):
        lr = best(results, name)["lr"]
        runs = records(results, "runs", optimizer=name, lr=lr)
        for ax, key in zip(axes, ("train_loss", "val_loss"), strict=True):
            line(ax, runs[0]["epochs"], np.array([run[key] for run in runs]).T, name, f"{name}, {lr:g}")
            ax.set(xlabel="epoch", ylabel=_words(key))
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return fig


def line(ax: Any, x: Any, values: np.ndarray, name: str, label: str = "", **options: Any) -> None:
    """The median over seeds of values (len(x), seeds), and a band from the least to the greatest.

    In the look of the optimizer of that name; `options` of one's own, a plain line, take its place.
    """
    look = options or LOOKS.get(name, OTHER)
    ax.plot(x, np.median(values, axis=1), **look, label=label or name, linewidth=1.5)
    ax.fill_between(x, values.min(axis=1), values.max(axis=1), color=look["color"], alpha=0.12, linewidth=0)


def crosses(ax: Any, rates: np.ndarray, name: str, row: int) -> None:
    """A cross near the upper edge at each rate, in the colour of the optimizer and a row of its own."""
    look = {"color": LOOKS.get(name, OTHER)["color"], "markersize": 6, "markeredgewidth": 2}
    height = np.full(len(rates), 0.97 - 0.06 * row)
    ax.plot(rates, height, "x", transform=ax.get_xaxis_transform(), **look)


@house_style
def plot_correction(results: Results) -> "Figure":
    """Bias correction of Adam: the size of the first steps, their losses, and the end over learning rates."""
    pair = ("Adam", UNCORRECTED)
    fig, (steps, losses, rates) = figure(3, width=4, height=3.4)
    for name in (*pair, "RMSProp"):
        found = records(results, "first_steps", optimizer=name)
        for ax, key in ((steps, "step"), (losses, "loss")):
            values = np.array([record[key] for record in found]).T
            look = {**LOOKS.get(name, OTHER), "marker": ""}
            line(ax, range(1, len(values) + 1), values, name, **look)
    for name in pair:
        x, values = over_rates(results, name, "val_accuracy")
        line(rates, x, values, name)
    steps.set(xscale="log", yscale="log", xlabel="step", ylabel="root mean square step / lr")
    losses.set(xlabel="step", ylabel="loss of the batch")
    rates.set(xscale="log", xlabel="learning rate", ylabel="validation accuracy", ylim=(0, 1))
    fig.legend(*steps.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig


@house_style
def plot_step_sizes(results: Results) -> "Figure":
    """lr / (sqrt(s) + eps) along training: the median weight, and the middle 80 % of all weights."""
    names = list(dict.fromkeys(record["optimizer"] for record in results["step_sizes"]))
    fig, axes = figure(len(names), width=3.8, height=3.3, sharey=True)
    for ax, name in zip(axes, names, strict=True):
        found = records(results, "step_sizes", optimizer=name)
        x, look = found[0]["steps"], LOOKS[name]
        middle = [np.median([record[key] for record in found], axis=0) for key in ("low", "median", "high")]
        ax.fill_between(x, middle[0], middle[2], color=look["color"], alpha=0.15, linewidth=0)
        ax.plot(x, middle[1], **look)
        if name == "AdaGrad":
            ax.plot(x, middle[1][0] / np.sqrt(x), color=GREY, linewidth=1, label="1 / sqrt(t)")
            ax.legend(loc="lower left")
        ax.set(xscale="log", yscale="log", xlabel="step", title=f"{name}, lr = {found[0]['lr']:g}")
    axes[0].set_ylabel("lr / (sqrt(s) + eps)")
    return fig


@house_style
def plot_curvature(results: Results) -> "Figure":
    """Largest Hessian eigenvalue over the steps of full-batch training, and the limit of the rate."""
    networks = list(dict.fromkeys(record["network"] for record in results["curvature"]))
    fig, axes = figure(len(networks), width=4.8, height=3.6, sharey=True)
    points = dict.fromkeys((record["optimizer"], record["lr"]) for record in results["curvature"])
    for ax, network in zip(axes, networks, strict=True):
        for (name, lr), colour in zip(points, (ORANGE, "#222222", BLUE), strict=True):
            found = records(results, "curvature", network=network, optimizer=name, lr=lr)
            length = min(len(record["steps"]) for record in found)  # shorter where one diverged
            values = np.array([record["sharpness"][:length] for record in found])
            label = f"{name.replace('SGD', 'GD')}, lr = {lr:g}"
            steps = found[0]["steps"][:length]
            line(ax, steps, values.T, label, color=colour)
            ax.axhline(found[0]["limit"], color=colour, linewidth=1.2, linestyle="--")
        ax.set(title=network, xlabel="step", ylim=(0, None))
    axes[0].plot([], [], "--", color=GREY, label="limit of stability")
    axes[0].set_ylabel("largest eigenvalue")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return fig


@house_style
def plot_decay(results: Results) -> "Figure":
    """Last losses and accuracy over the strength of weight decay: in the gradient, and decoupled."""
    fig, axes = figure(3, width=4, height=3.3)
    looks = (("L2 in the gradient of Adam", L2, ORANGE, "s"), ("AdamW", DECOUPLED, BLUE, "o"))
    for ax, key in zip(axes, ("train_loss", "val_loss", "val_accuracy"), strict=True):
        for label, table, colour, marker in looks:
            values = np.array([over_rates(results, name, key)[1][0] for name in table.values()])
            ax.plot(list(table), np.median(values, axis=1), color=colour, marker=marker, label=label)
            ax.fill_between(
                list(table), values.min(axis=1), values.max(axis=1), color=colour, alpha=0.15, linewidth=0
            )
        x, values = over_rates(results, "Adam", key)
        without = np.median(values[x.index(results["about"]["decay_lr"])])
        ax.axhline(without, color=GREY, linewidth=1, linestyle="--", label="no weight decay")
        ax.set(
            xscale="log",
            xlabel="weight decay",
            ylabel=_words(key),
            ylim=(0, 1) if "acc" in key else (0, None),
        )
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig


@house_style
def plot_full_batch(results: Results) -> "Figure":
    """Least loss so far over evaluations of loss and gradient, each optimizer at its best learning rate."""
    looks = {"L-BFGS": ORANGE, "GD": "#222222", "momentum": BLUE, "Adam": PURPLE}
    fig, (left, right) = figure(2, width=4.8, height=3.6)
    shown = (("softmax regression", "above", left), ("network", "loss", right))
    for problem, key, ax in shown:
        for name, colour in looks.items():
            found = records(results, "full_batch", problem=problem, optimizer=name)
            length = min(len(record[key]) for record in found)
            values = np.array([record[key][:length] for record in found])
            line(ax, found[0]["evaluations"][:length], values.T, name, color=colour)
        ax.set(xlabel="evaluations of loss and gradient", yscale="log", title=problem)
    left.set(ylabel="loss above the least loss", ylim=(1e-10, None))
    right.set(ylabel="loss")
    fig.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return fig


@house_style
def plot_clipping(results: Results) -> "Figure":
    """Momentum with and without clipping of the gradient: the end of training over the learning rate."""
    fig, axes = figure(2, width=4.6, height=3.3)
    for ax, key in zip(axes, ("train_loss", "val_accuracy"), strict=True):
        for name, options in (("momentum", {}), (CLIPPED, {"color": ORANGE, "marker": "o"})):
            x, values = over_rates(results, name, key)
            line(ax, x, np.where(np.isfinite(values), values, np.inf), name, **options)
        ax.set(xscale="log", xlabel="learning rate", ylabel=_words(key))
    axes[0].set_ylim(0, 1.25 * GUESSING)
    axes[1].set_ylim(0, 1)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig


def _words(key: str) -> str:
    return key.replace("val_", "validation ").replace("train_", "training ")
