"""How much of unit 08's differences comes from running statistics that lag behind the weights.

Batch normalization predicts with running means, and these follow the weights over some tens of steps. After
few or long steps they are those of older weights. This trains some of the networks of `schedules` once more
and tests each twice: as it is, and after the statistics were measured with the last weights.

    python -m lab.experiments.schedules_statistics --size full --out statistics.json

    results = load_results("statistics.json")
    of(results, part="epochs", batch=512, rate=0.32, way="constant")
                            # {"test_accuracy", "again_accuracy", ...}: summaries over the seeds

results["runs"]: dicts with the fields of `schedules.Settings`, loss (a list, of training, in train mode),
test_accuracy, test_loss, and again_accuracy, again_loss: after measuring.
"""

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from lab.device import nn
from lab.experiments import schedules
from lab.experiments import schedules_measures as measures
from lab.experiments.command import run_missing, run_study
from lab.experiments.ensembles import measured_again
from lab.experiments.results import Results, last, load_results, summarize

__all__ = ["load_results", "measured", "of", "plan", "study"]

MEASURES = ("loss", "test_accuracy", "test_loss", "again_accuracy", "again_loss")


def plan(size: str) -> list[schedules.Settings]:
    """The runs, each once: two schedules, the rules for the largest batch, and ghost batches."""
    wanted = schedules.SIZES[size]
    large, small = max(wanted.batches), schedules.BASE_BATCH
    by_rule = (1.0, (large / small) ** 0.5, large / small)
    first = schedules.Settings("schedules", "photos", "constant", small, small, 0.03, 0)
    points = [first, replace(first, way="cosine")]
    epochs = replace(first, part="epochs", batch=large, micro=large)
    points += [replace(epochs, rate=round(schedules.BASE_RATE * factor, 6)) for factor in by_rule]
    points += [replace(points[-1], way="warm-up")]
    ghost = replace(first, part="ghost", way="BN", batch=schedules.GHOST_BATCH, rate=schedules.GHOST_RATE)
    points += [replace(ghost, micro=micro) for micro in schedules.MICROS["BN"]]
    return [replace(point, seed=seed) for point in points for seed in wanted.seeds]


def measured(at: schedules.Settings, size: str) -> Results:
    """One run, tested with its own running statistics and with those of the last weights."""
    seen: list[nn.Module] = []

    def loop(net: nn.Module, *rest: Any, **options: Any) -> float:
        seen[:] = [net]
        return measures.one_pass(net, *rest, **options)

    found = schedules.run(at, size, train_epoch=loop)
    data = schedules.images(at.data, size)
    loss, right = measures.evaluate(measured_again(seen[0], data), data.test_x, data.test_y)
    record = {key: found[key] for key in ("loss", "test_accuracy", "test_loss")}
    return asdict(at) | record | {"again_accuracy": right, "again_loss": loss}


def study(size: str = "full", data: str = "photos", begun: Results | None = None) -> Iterator[Results]:
    """All runs of `plan`, or those missing of what was `begun`; yields the results after every run."""
    results: Results = {"about": schedules.about(size, data), "runs": list(begun["runs"]) if begun else []}
    yield from run_missing(results, plan(size), lambda at: measured(at, size))


def of(results: Results, **at: Any) -> dict[str, Results]:
    """Summaries over the seeds of what was measured in the runs with these settings.

    Raises ValueError where the results hold no such run.
    """
    found = [run for run in results["runs"] if at.items() <= run.items()]
    if not found:
        raise ValueError(f"Expected settings of some runs of these results, got {at}: look at their fields.")
    return {key: summarize(np.array([last(run, key) for run in found], float)) for key in MEASURES}


if __name__ == "__main__":
    run_study("schedules_statistics", study, schedules.SIZES, ["photos"])
