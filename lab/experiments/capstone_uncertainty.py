"""Unit 12: how sure is a gain? One rung against another, over images, over cells of photographs, over seeds.

    python -m lab.experiments.capstone_uncertainty --size full --out uncertainty.json

    from lab.experiments import capstone_uncertainty as uncertainty
    results = uncertainty.load_results("uncertainty.json")
    uncertainty.correct(results, "batch norm")     # (seeds, N) of 0 and 1, on the test images
    uncertainty.gain_errors(results)               # {way of computing it: (gain, its standard error)}
    uncertainty.accuracy_errors(results)           # {way: standard error of one network's accuracy}
    uncertainty.variances(results)                 # per rung: over seeds, over images, and of both
    uncertainty.plot_gain_errors(uncertainty.gain_errors(results, seed))
    uncertainty.plot_gains_by_seed(results)        # of every seed's pair, paired by image
    uncertainty.plot_fresh_sets(results)           # accuracy of every network on fresh sets of crops

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
from lab.experiments.capstone_errors import CELLS, accuracy_errors, correct, gain_errors, variances
from lab.experiments.capstone_plots import plot_fresh_sets, plot_gain_errors, plot_gains_by_seed
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
    "plot_gains_by_seed",
    "study",
    "variances",
]

RUNGS = {"batch norm": ("batch norm",), "batch norm, flip, crop": ("batch norm", "flip", "crop")}


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


def main() -> None:
    """The command line."""
    run_study("capstone_uncertainty", study, SIZES)


if __name__ == "__main__":
    main()
