"""Unit 00's experiments: slips that raise nothing, rounding, speed, one classifier in NumPy and in PyTorch.

What needs no torch: `arrays_linear` (the classifier), `arrays_slips`, `arrays_numbers` (numerical gradients,
sums, uint8), `arrays_speed` (loops and arrays, views and copies). With a step of one's own, in a notebook
("tiny" and "short" take seconds):

    from lab.experiments import arrays
    results = arrays.compare(step, size="short")   # step(W, b, x, y, lr) -> loss, a number;
                                                   # W (D, K), b (K,): leaf tensors, to be changed in place;
                                                   # x (B, D), y (B,); left out: the course's own step
    arrays.plot_differences(results)               # d) torch and NumPy, weights after every step
    arrays.plot_formats(results)                   # the loss by epoch, a line per format of floats
    arrays.summary(results, part="formats", dtype="bfloat16", rate=0.1, key="loss")
    arrays.largest_difference(results, "torch and NumPy", "float64")     # over all steps and seeds

For the chapter, written as JSON, part by part; a file that was cut off is continued:

    python -m lab.experiments.arrays --size full --out full.json

    results = arrays.load_results("full.json")
    arrays.plot_slips(results)              # what fails on screen: the loss by epoch of each of SLIPS
    arrays.slips_table(results)             # [(way, summaries of loss, test_accuracy)]
    arrays.plot_regression(results)         # the loss with (N, 1) - (N,) and without
    arrays.plot_speed(results)              # a) CPU time over N, a line per way, a panel per task
    arrays.speed_table(results, "distances")   # [(way, n, median, least, most)] in seconds
    arrays.speedup(results, "distances", "loop over pairs", "matmul", 300)   # ratio of the medians
    arrays.plot_gradients(results)          # b) error of difference quotients over h, and as predicted
    arrays.gradients_table(results)         # [{dtype, difference, best_h, predicted_h, error, predicted}]
    arrays.plot_sums(results)               # c) error of sums of n numbers
    arrays.plot_training(results)           # d) loss and accuracy by epoch, digits and photographs
    arrays.best_rate(results, "digits")     # by mean VALIDATION accuracy
    arrays.plot_differences(results)        # d) torch and NumPy
    arrays.plot_formats(results)
    arrays.plot_views(results)              # e) time of views and of copies over n
    arrays.views_table(results, 1_000_000)  # [(what, median, least, most, bytes)]
    arrays.plot_seeds(results)              # f) test accuracy of each of 20 seeds
    arrays.summary(results, part="seeds", data="digits", way="both")           # of the test accuracy
    arrays.summary(results, part="slips", way="right", key="loss")

`summary` takes the fields of `Settings`; `key` is a number of a run or a list, whose last value counts.

Parts (Settings.part):
"slips"      `arrays_slips.SLIPS`, on digits in batches of ten; loss is NaN where it was no number.
"regression" `arrays_slips.REGRESSIONS`, the digit as a number; has test_r2, and no accuracy.
"rates"      the classifier with each of RATES, float64, on "digits" and "photos".
"seeds"      with CHOSEN, 20 seeds: of "both" first weights and orders, of the "weights" or the "order" alone.
"split"      digits, "mixed": test images drawn anew from all images, another draw per seed. In the set itself
             they are the last of each class, and probably other people's.
"repeated"   the first seeds of "seeds" once more: the same numbers.
"formats"    in PyTorch in each of `arrays_torch.FORMATS`, on digits, with each of FORMAT_RATES.

results["runs"]: dicts with the fields of `Settings`; loss and validation_accuracy, a value per epoch;
train_accuracy and test_accuracy at the end. "slips": reported_accuracy too, of (N, 1) == (N,).
results["speed"]: dicts {task, way, n, seconds: of each round}; results["views"]: {what, n, seconds, bytes};
CPU time of the process.
results["gradients"]: `arrays_numbers.gradient_errors`; results["sums"]: `arrays_numbers.sums` and of torch;
results["bytes"]: `arrays_numbers.bytes_of_images`; results["formats"]: `arrays_torch.formats`;
results["steps"]: `arrays_torch.differences`.
results["about"]: sizes, seeds, rates, device, versions, date, data.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from lab.experiments import arrays_linear as linear
from lab.experiments import arrays_numbers as numbers
from lab.experiments import arrays_slips as slips
from lab.experiments import arrays_speed as speed
from lab.experiments import arrays_torch as in_torch
from lab.experiments.arrays_plots import (
    best_rate,
    gradients_table,
    largest_difference,
    plot_differences,
    plot_formats,
    plot_gradients,
    plot_regression,
    plot_seeds,
    plot_slips,
    plot_speed,
    plot_sums,
    plot_training,
    plot_views,
    slips_table,
    speed_table,
    speedup,
    summary,
    views_table,
)
from lab.experiments.command import described, made_with, run_study
from lab.experiments.results import Results, load_results
from lab.progress import Progress

__all__ = [
    "CHOSEN",
    "RATES",
    "SIZES",
    "Settings",
    "best_rate",
    "compare",
    "gradients_table",
    "largest_difference",
    "load_results",
    "plan",
    "plot_differences",
    "plot_formats",
    "plot_gradients",
    "plot_regression",
    "plot_seeds",
    "plot_slips",
    "plot_speed",
    "plot_sums",
    "plot_training",
    "plot_views",
    "run",
    "slips_table",
    "speed_table",
    "speedup",
    "study",
    "summary",
    "views_table",
]

RATES = {"digits": (0.01, 0.03, 0.1, 0.3, 1.0), "photos": (0.001, 0.003, 0.01, 0.03, 0.1)}
CHOSEN = {"digits": 0.1, "photos": 0.01}  # the best of them, see `best_rate`
FORMAT_RATES = (0.003, 0.1)
SLIP_RATE, REGRESSION_RATE = 0.03, 0.003
SEEDED = ("both", "weights", "order")
AMOUNTS = {"digits": (1200, 297, 300), "photos": (4000, 1000, 1000)}  # images: training, validation, test


@dataclass(frozen=True)
class Size:
    """How much is trained, timed and differenced."""

    epochs: int
    format_epochs: int
    seeds: tuple[int, ...]
    many_seeds: int
    steps: tuple[float, ...]
    counts: tuple[int, ...]
    timed: dict[str, tuple[int, ...]]
    viewed: tuple[int, ...]
    rounds: int


SIZES = {
    "tiny": Size(
        epochs=2,
        format_epochs=2,
        seeds=(0, 1),
        many_seeds=3,
        steps=(1e-1, 1e-3, 1e-5, 1e-7),
        counts=(10, 1000),
        timed={"distances": (5, 20), "softmax": (10, 100), "confusion": (10, 100), "gram": (1, 4)},
        viewed=(1000,),
        rounds=3,
    ),
    "short": Size(
        epochs=20,
        format_epochs=20,
        seeds=(0, 1, 2),
        many_seeds=20,
        steps=numbers.STEPS[::2],
        counts=numbers.COUNTS[:-1],
        timed={task: sizes[:-1] for task, sizes in speed.SIZES.items()},
        viewed=(10**3, 10**5),
        rounds=3,
    ),
    "full": Size(
        epochs=30,
        format_epochs=60,
        seeds=(0, 1, 2),
        many_seeds=20,
        steps=numbers.STEPS,
        counts=numbers.COUNTS,
        timed=speed.SIZES,
        viewed=(10**3, 10**4, 10**5, 10**6, 10**7),
        rounds=7,
    ),
}


@dataclass(frozen=True)
class Settings:
    """Everything that one training run depends on, besides the size."""

    part: str
    data: str
    way: str
    dtype: str
    rate: float
    seed: int


def compare(step: in_torch.Step = in_torch.sgd_step, size: str = "short") -> Results:
    """Train with a step of one's own: beside NumPy's step by step, and in each format of floats."""
    of = SIZES[size]
    runs = [at for at in plan(size) if at.part == "formats"]
    progress = Progress("training", len(runs) + 2 * len(of.seeds))
    results: Results = {"about": about(size), "steps": []}
    for seed in of.seeds:
        for dtype in ("float64", "float32"):
            results["steps"] += in_torch.differences(dtype, seed, epochs=of.epochs, step=step)
            progress.update(1, f"torch and NumPy, {dtype}, seed {seed}")
    results["runs"] = []
    for at in runs:
        results["runs"].append(run(at, size, step))
        progress.update(1, f"{at.dtype}, rate {at.rate:g}, seed {at.seed}")
    progress.close()
    return results


def run(at: Settings, size: str, step: in_torch.Step = in_torch.sgd_step) -> Results:
    """One run, as the docstring of this module describes it."""
    of = SIZES[size]
    if at.part == "slips":
        return asdict(at) | slips.train(at.way, at.seed, rate=at.rate, epochs=of.epochs)
    if at.part == "regression":
        return asdict(at) | slips.regress(at.way, at.seed, rate=at.rate, epochs=of.epochs)
    mixed = at.seed if at.way == "mixed" else None
    data = linear.images(at.data, *AMOUNTS[at.data], mixed=mixed)
    if at.part == "formats":
        epochs = of.format_epochs
        return asdict(at) | in_torch.train(
            at.dtype, data, rate=at.rate, epochs=epochs, seed=at.seed, step=step
        )
    found = linear.train(
        data,
        rate=at.rate,
        epochs=of.epochs,
        dtype=at.dtype,
        seed=0 if at.way == "order" else at.seed,
        order_seed=0 if at.way == "weights" else at.seed,
    )
    return asdict(at) | found


def plan(size: str) -> list[Settings]:
    """The runs of the study, each once."""
    of = SIZES[size]
    double = "float64"
    points = [("slips", "digits", way, double, SLIP_RATE, seed) for way in slips.SLIPS for seed in of.seeds]
    points += [
        ("regression", "digits", way, double, REGRESSION_RATE, seed)
        for way in slips.REGRESSIONS
        for seed in of.seeds
    ]
    for data, rates in RATES.items():
        points += [("rates", data, "both", double, rate, seed) for rate in rates for seed in of.seeds]
        chosen = CHOSEN[data]
        points += [
            ("seeds", data, way, double, chosen, seed) for way in SEEDED for seed in range(of.many_seeds)
        ]
        points += [("repeated", data, "both", double, chosen, seed) for seed in of.seeds]
    points += [("split", "digits", "mixed", double, CHOSEN["digits"], seed) for seed in of.seeds]
    points += [
        ("formats", "digits", "torch", dtype, rate, seed)
        for dtype in in_torch.FORMATS
        for rate in FORMAT_RATES
        for seed in of.seeds
    ]
    return [Settings(*point) for point in points]


def measures(size: str) -> dict[str, Callable[[], list[Results]]]:
    """What is not trained: the name of each list in the results -> how it is measured."""
    of = SIZES[size]
    return {
        "gradients": lambda: [
            numbers.gradient_errors(dtype, difference, seed, of.steps)
            for dtype in ("float64", "float32")
            for difference in ("central", "forward")
            for seed in of.seeds
        ],
        "steps": lambda: [
            record
            for dtype in ("float64", "float32")
            for seed in of.seeds
            for record in in_torch.differences(dtype, seed, epochs=of.epochs)
        ],
        "sums": lambda: [
            record
            for seed in of.seeds
            for found in (
                *(numbers.sums(dtype, seed, of.counts) for dtype in numbers.FLOATS),
                in_torch.sums(seed, of.counts),
            )
            for record in found
        ],
        "bytes": numbers.bytes_of_images,
        "formats": in_torch.formats,
        "speed": lambda: list(speed.times(of.timed, of.rounds)),
        "views": lambda: list(speed.views_and_copies(of.viewed, of.rounds)),
    }


def study(size: str = "full", data: str = "all", begun: Results | None = None) -> Iterator[Results]:
    """The whole study, or what is missing of one that was `begun`; yields the results so far."""
    results: Results = begun or {"about": {}, "runs": []}
    results["about"] = about(size)
    runs = results.pop("runs")
    done = {Settings(**{key: run[key] for key in Settings.__dataclass_fields__}) for run in runs}
    missing = [at for at in plan(size) if at not in done]
    parts = measures(size)
    progress = Progress("measuring", len(parts) + len(missing))
    for at in missing:
        runs.append(run(at, size))
        progress.update(1, str(at))
        yield {**results, "runs": runs}  # the runs are last in the file
    for name, measure in parts.items():
        results |= {} if name in results else {name: measure()}
        progress.update(1, name)
        yield {**results, "runs": runs}
    progress.close()


def about(size: str) -> Results:
    """What the results were made with."""
    shared: dict[str, Any] = {
        "rates": RATES,
        "chosen": CHOSEN,
        "format_rates": FORMAT_RATES,
        "slip_rate": SLIP_RATE,
        "regression_rate": REGRESSION_RATE,
        "batch": linear.BATCH,
        "slip_batch": slips.BATCH,
        "noise": slips.NOISE,
        "gradient_images": numbers.IMAGES,
        "clock": "CPU time of the process",
    }
    return {
        "size": size,
        **asdict(SIZES[size]),
        **shared,
        "images": AMOUNTS,
        "data": {name: described(known) for name, known in linear.SETS.items()},
        **made_with(),
    }


if __name__ == "__main__":
    run_study("arrays", study, SIZES, ["all"])
