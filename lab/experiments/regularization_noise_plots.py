"""The figures of unit 06 on what makes a network less sure: noise on the images, and smoothed labels."""

from typing import TYPE_CHECKING

import numpy as np

from lab.experiments.regularization_select import ends, select, values_of
from lab.experiments.results import Results
from lab.plots import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    as_percent,
    figure,
    house_style,
    looks,
    mean_and_range,
    plain_log_ticks,
    whole_percents,
    without,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ORANGE_LOOK, BLUE_LOOK, GREEN_LOOK = looks(ORANGE, BLUE, GREEN)
SHARES = {0.5: "every other image, at random", 1.0: "every image"}


@house_style
def plot_noise(results: Results) -> "Figure":
    """Accuracy and loss on new images over the noise in training, by how many images get it; dashed: none."""
    fig, axes = figure(2, width=4.2, height=3.4)
    sigmas = values_of(results, "sigma", "noise")
    for ax, key in zip(axes, ("val_accuracy", "val_loss"), strict=True):
        for (p, label), look in zip(SHARES.items(), (ORANGE_LOOK, BLUE_LOOK), strict=True):
            values = [ends(results, key, way="noise", sigma=sigma, probability=p) for sigma in sigmas]
            mean_and_range(ax, sigmas, np.array(values).T, **look, label=label)
        without(ax, ends(results, key), label="no image")
        plain_log_ticks(ax, sigmas, "standard deviation of the noise")
        ax.set_ylabel(key.replace("val_", "") + " on new images")
    whole_percents(axes[0].yaxis)
    axes[1].set_ylim(0, None)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig


@house_style
def plot_noisy_test(results: Results) -> "Figure":
    """Accuracy over the noise at test, of a copy of an image or of the mean over many; by network."""
    sigma = values_of(results, "sigma", "noise")[-1]
    networks: dict[str, Results] = {"trained without noise": {}}
    networks |= {
        f"trained with {sigma:g} on\n{label}": {"way": "noise", "sigma": sigma, "probability": p}
        for p, label in SHARES.items()
    }
    fig, axes = figure(len(networks), width=3.1, height=3.3, sharey=True)
    for ax, (title, at) in zip(axes, networks.items(), strict=True):
        runs = select(results, **at)
        noisy = runs[0]["noisy"]
        labels = {"single": "one noisy copy", "mean": f"mean over {noisy['draws']} noisy copies"}
        for (key, label), look in zip(labels.items(), (BLUE_LOOK, ORANGE_LOOK), strict=True):
            values = [[run["val_accuracy"][-1], *run["noisy"][key]["accuracy"]] for run in runs]
            mean_and_range(ax, [0, *noisy["sigmas"]], np.array(values), **look, label=label)
        ax.set(title=title, xlabel="noise at test")
    as_percent(axes[0], "accuracy on new images")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig


@house_style
def plot_smoothing(results: Results) -> "Figure":
    """Over eps: how sure and how often right; loss; and the distance of the two, the calibration error."""
    eps = [0.0, *values_of(results, "eps", "label smoothing")]
    fig, (left, middle, right) = figure(3, width=3.4, height=3.3)
    lines = (
        (left, "calibration/confidence", "mean largest probability", BLUE_LOOK),
        (left, "val_accuracy", "accuracy", ORANGE_LOOK),
        (middle, "val_loss", "loss", BLUE_LOOK),
        (right, "calibration/error", "calibration error", BLUE_LOOK),
    )
    for ax, key, label, look in lines:
        values = [ends(results, key, way="label smoothing" if e else "plain", eps=e) for e in eps]
        mean_and_range(ax, eps, np.array(values).T, **look, label=label)
        ax.set(xlabel="eps", ylabel=label, ylim=(0, None))
    as_percent(left, "")
    left.legend(fontsize=9, loc="lower left")
    whole_percents(right.yaxis)
    return fig


@house_style
def plot_reliability(results: Results) -> "Figure":
    """How often a network is right over how sure it is, for some values of eps."""
    known = values_of(results, "eps", "label smoothing")
    shown = [0.0, *known[:: max(1, len(known) // 3)][:3]]
    fig, axes = figure(len(shown), width=2.5, height=3.0, sharey=True)
    for ax, eps in zip(axes, shown, strict=True):
        runs = select(results, way="label smoothing" if eps else "plain", eps=eps)
        for run in runs:
            share, sure, right = np.array(run["calibration"]["bins"], float).T
            ax.scatter(sure, right, s=10 + 300 * share, color=BLUE, alpha=0.35, linewidth=0)
        ax.plot([0, 1], [0, 1], "--", color=GREY, linewidth=1.2)
        error = np.mean([run["calibration"]["error"] for run in runs])
        ax.set(title=f"eps = {eps:g}\ncalibration error {error:.1%}", xlabel="largest probability")
        ax.set_xlim(0, 1.03)
    as_percent(axes[0], "accuracy on new images")
    return fig
