"""Unit 12: how sure is a gain? One rung against another, over images, over cells of photographs, over seeds.

    python -m lab.experiments.capstone_uncertainty --size full --out uncertainty.json

    from lab.experiments import capstone_uncertainty as uncertainty
    results = uncertainty.load_results("uncertainty.json")
    uncertainty.correct(results, "batch norm")     # (seeds, N) of 0 and 1, on the test images
    uncertainty.gain_errors(results)               # {way of computing it: (gain, its standard error)}
    uncertainty.accuracy_errors(results)           # {way: standard error of one network's accuracy}
    uncertainty.variances(results)                 # per rung: over seeds, over images, and of both
    uncertainty.plot_gain_errors(uncertainty.gain_errors(results))
    uncertainty.plot_fresh_sets(results)

A run in results["runs"] is a dict: "rung" (a name in RUNGS), "seed", "test_accuracy", "correct" (a text of 0
and 1, one for each test image), "fresh_correct" (the same for one set of fresh crops, the same for all runs)
and "fresh_accuracy" (on each of further fresh sets). results["about"]["fresh_cells"] numbers the cell of the
photographs that each crop in "fresh_correct" is from: a photograph's test cells are few, and crops of one
cell are alike. Fresh crops are windows of test cells (`lab.photo_patches.fresh`); no training image shares a
pixel with them. All runs of one seed have the same first weights and the same order of the images.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from lab import ladder
from lab.device import torch
from lab.experiments.capstone_plots import plot_fresh_sets, plot_gain_errors
from lab.experiments.capstone_training import images, probabilities, standardized, tricks_of
from lab.experiments.command import described, made_with, run_missing, run_study
from lab.experiments.results import Results, load_results
from lab.photo_patches import fresh

__all__ = [
    "RUNGS",
    "SIZES",
    "accuracy_errors",
    "correct",
    "gain_errors",
    "load_results",
    "plan",
    "plot_fresh_sets",
    "plot_gain_errors",
    "study",
    "variances",
]

RUNGS = {"batch norm": ("batch norm",), "batch norm, flip, crop": ("batch norm", "flip", "crop")}
DRAWS = 2000  # of a bootstrap
CELLS = 1000  # more than a photograph has: cell k of photograph c is number c * CELLS + k


@dataclass(frozen=True)
class Size:
    """How much is trained and measured."""

    ladder: str  # a size of the ladder
    fresh_images: int  # in the set that all runs share
    fresh_sets: int
    set_images: int
    seeds: tuple[int, ...]


SIZES = {
    "tiny": Size("tiny", 60, 4, 30, (0, 1)),
    "short": Size("short", 1000, 10, 500, (0, 1, 2)),
    "full": Size("short", 1000, 50, 500, (0, 1, 2, 3, 4, 5)),
}


@dataclass(frozen=True)
class Settings:
    """Everything that one training run depends on, besides the size."""

    rung: str
    seed: int


class Crops(NamedTuple):
    """Fresh test images (N, 3, 32, 32), their labels (N,), and numbers of the cells they are from (N,)."""

    x: torch.Tensor
    y: torch.Tensor
    cells: np.ndarray


@cache
def fresh_crops(size: str) -> list[Crops]:
    """The set that all runs share, and the further sets."""
    s, rng = SIZES[size], np.random.default_rng(0)
    found = []
    for n in (s.fresh_images, *[s.set_images] * s.fresh_sets):
        pixels, labels, cell = fresh(n, rng)
        found.append(Crops(standardized(pixels), torch.from_numpy(labels), CELLS * labels + cell))
    return found


def run(at: Settings, size: str) -> Results:
    """Train one network, and say which images it has right."""
    s = ladder.SIZES[SIZES[size].ladder]
    data = images(s)
    torch.set_num_threads(1)
    net = ladder.trained(tricks_of(RUNGS[at.rung]), data, s, at.seed)[0].eval()

    def right(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (probabilities([net], x.to(data.test_x.device)).argmax(dim=1).cpu() == y.cpu()).int()

    shared, *others = fresh_crops(size)
    on_test, on_shared = right(data.test_x, data.test_y), right(shared.x, shared.y)
    return {
        **asdict(at),
        "test_accuracy": on_test.double().mean().item(),
        "correct": "".join(map(str, on_test.tolist())),
        "fresh_correct": "".join(map(str, on_shared.tolist())),
        "fresh_accuracy": [right(crops.x, crops.y).double().mean().item() for crops in others],
    }


def plan(size: str) -> list[Settings]:
    """The runs of the study, seed by seed."""
    return [Settings(rung, seed) for seed in SIZES[size].seeds for rung in RUNGS]


def study(size: str = "full", begun: Results | None = None) -> Iterator[Results]:
    """All of `plan`, or what is missing of one that was `begun`; yields the results after every run."""
    results: Results = begun or {"about": {}, "runs": []}
    s = SIZES[size]
    results["about"] = {
        "data": described("photo_patches"),
        **asdict(ladder.SIZES[s.ladder]),
        **asdict(s),
        "size": size,
        "momentum": ladder.MOMENTUM,
        "rungs": list(RUNGS),
        "fresh_cells": fresh_crops(size)[0].cells.tolist(),
        **made_with(),
    }
    yield from run_missing(results, plan(size), lambda at: run(at, size))


def correct(results: Results, rung: str, key: str = "correct") -> np.ndarray:
    """Which images the networks of a rung have right: (seeds, N), 0 or 1; seeds that all rungs have."""
    of_rungs = [{run["seed"] for run in _runs(results, name)} for name in results["about"]["rungs"]]
    seeds = set.intersection(*of_rungs)
    kept = [run[key] for run in _runs(results, rung) if run["seed"] in seeds]
    return np.array([[int(digit) for digit in digits] for digits in kept])


def _runs(results: Results, rung: str) -> list[Results]:
    return sorted((run for run in results["runs"] if run["rung"] == rung), key=lambda run: run["seed"])


def gain_errors(
    results: Results, seed: int = 0, key: str = "fresh_correct"
) -> dict[str, tuple[float, float]]:
    """The gain of the second rung, and its standard error, by what is thought to be drawn anew.

    The first three are of one seed's two networks: as two samples of images, as one sample of images that
    both networks see (cp-paired-error), as one sample of cells. The last is the mean over the seeds, and
    its error over the seeds (cp-seeds).
    """
    before, after = (correct(results, rung, key) for rung in results["about"]["rungs"])
    one, other = before[seed], after[seed]
    n, gain = one.size, float(other.mean() - one.mean())
    by_seed = (after - before).mean(axis=1)
    errors = {
        "two samples": (gain, float(np.sqrt((one.var() + other.var()) / n))),
        "the same images": (gain, float(np.std(other - one, ddof=1) / np.sqrt(n))),
    }
    if key == "fresh_correct":
        cells = np.array(results["about"]["fresh_cells"])
        errors["the same images, by cell"] = (gain, cell_error(other - one, cells))
    errors["the same seeds"] = (float(by_seed.mean()), float(by_seed.std(ddof=1) / np.sqrt(by_seed.size)))
    return errors


def accuracy_errors(results: Results, rung: str | None = None, seed: int = 0) -> dict[str, float]:
    """Standard error of one network's accuracy on the shared fresh crops, and what the fresh sets show.

    "binomial" takes the crops as independent; "by cell" draws whole cells of each photograph. "fresh sets"
    is the deviation of the accuracy over further sets, which are new crops of the same cells; it and
    "binomial, a set" are for sets of their own size.
    """
    rung = rung or results["about"]["rungs"][-1]
    right = correct(results, rung, "fresh_correct")[seed]
    share, sets = right.mean(), np.array(_runs(results, rung)[seed]["fresh_accuracy"])
    a, size = sets.mean(), results["about"]["set_images"]
    return {
        "binomial": float(np.sqrt(share * (1 - share) / right.size)),
        "by cell": cell_error(right, np.array(results["about"]["fresh_cells"])),
        "binomial, a set": float(np.sqrt(a * (1 - a) / size)),
        "fresh sets": float(sets.std(ddof=1)),
    }


def cell_error(values: np.ndarray, cells: np.ndarray) -> float:
    """Standard error of the mean of values (N,) over crops, by a bootstrap that draws whole cells.

    Each photograph's cells are drawn with replacement, with all their crops; the photographs stay, for they
    are the classes. After Efron and Tibshirani (1993), chapter 6, with cells for single observations.
    """
    random = np.random.default_rng(0)
    names, cell = np.unique(cells, return_inverse=True)
    totals, counts = np.bincount(cell, values), np.bincount(cell)
    sums = np.zeros((2, DRAWS))
    for photograph in np.unique(names // CELLS):
        own = np.flatnonzero(names // CELLS == photograph)
        drawn = random.choice(own, (DRAWS, own.size))
        sums += totals[drawn].sum(axis=1), counts[drawn].sum(axis=1)
    return float(np.std(sums[0] / sums[1], ddof=1))


def variances(results: Results) -> dict[str, dict[str, float]]:
    """Per rung, of one measured test accuracy: variance over seeds, and over images (cp-two-sources).

    "images" is the mean over the seeds of a (1 - a) / N. "observed" is the variance of the accuracies over
    the seeds, on the same images; "seeds" is what is left of it without the noise of single images that are
    right for some seeds only: the variance over seeds on endlessly many images. It may come out negative.
    """
    found = {}
    for rung in results["about"]["rungs"]:
        right = correct(results, rung)
        shares, n = right.mean(axis=1), right.shape[1]
        observed, of_single_images = shares.var(ddof=1), right.var(axis=0, ddof=1).mean() / n
        found[rung] = {
            "observed": float(observed),
            "seeds": float(observed - of_single_images),
            "images": float((shares * (1 - shares)).mean() / n),
        }
    return found


def main() -> None:
    """The command line."""
    run_study("capstone_uncertainty", study, SIZES)


if __name__ == "__main__":
    main()
