"""The ladder as a table and as figures."""

from typing import TYPE_CHECKING

import numpy as np

from lab.experiments.results import Results, summarize
from lab.plots import BLUE, MARKERS, ORANGE, dots_of_seeds, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def of_rung(results: Results, rung: str, key: str) -> np.ndarray:
    """One number per seed: (seeds,), or (seeds, epochs) where a run has a list."""
    return np.array([run[key] for run in results["runs"] if run["rung"] == rung])


def rungs(results: Results) -> list[str]:
    """Those that were trained at least twice, from the bottom."""
    return [name for name in results["about"]["rungs"] if len(of_rung(results, name, "seed")) > 1]


def table(results: Results) -> list[tuple[str, str, str]]:
    """Rows (rung, test accuracy, training accuracy): percent, mean ± deviation (n - 1) over the seeds."""

    def percent(rung: str, key: str) -> str:
        found = summarize(100 * of_rung(results, rung, key))
        return f"{found['mean']:.1f} ± {found['std']:.1f}"

    return [
        (name, percent(name, "test_accuracy"), percent(name, "train_accuracy")) for name in rungs(results)
    ]


def plot_ladder(results: Results) -> "Figure":
    """Test and training accuracy, rung by rung: a dot per seed, mean and standard deviation."""
    names = rungs(results)
    panel, (ax,) = figure(width=5.2, height=0.9 + 0.34 * len(names))
    for row, name in enumerate(names):
        dots_of_seeds(ax, row + 0.13, 100 * of_rung(results, name, "test_accuracy"), BLUE, MARKERS[BLUE])
        dots_of_seeds(ax, row - 0.13, 100 * of_rung(results, name, "train_accuracy"), ORANGE, MARKERS[ORANGE])
    for colour, label in ((BLUE, "test images"), (ORANGE, "training images")):
        ax.plot([], [], MARKERS[colour], color=colour, label=label)
    ax.set_yticks(range(len(names)), [names[0], *(f"+ {name}" for name in names[1:])])
    ax.set_xlabel("accuracy in %")
    panel.legend(loc="outside lower center", ncols=2)
    return panel


def plot_curves(results: Results) -> "Figure":
    """Loss on the training images as they were seen, noisy and augmented, per epoch: mean over the seeds."""
    panel, (ax,) = figure(width=5.2)
    names = rungs(results)
    for i, name in enumerate(names):
        losses = of_rung(results, name, "loss").mean(axis=0)
        ax.plot(np.arange(1, losses.size + 1), losses, color=str(0.8 * (1 - i / len(names))), label=name)
    ax.set_xlabel("epoch")
    ax.set_ylabel("training loss")
    ax.legend(fontsize="small")
    return panel
