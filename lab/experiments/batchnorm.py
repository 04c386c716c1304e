"""Unit 02's experiment: what batch normalization (BN) buys, and where it fails, on photo-patches.

In a notebook, with a layer of one's own:

    from lab.experiments import batchnorm
    results = batchnorm.compare(make_norm, size="short")    # make_norm(num_channels) -> nn.Module
    batchnorm.plot_training_curves(results)                 # the loss over the epochs, per learning rate
    batchnorm.plot_learning_rates(results)                  # the end of training over learning rates
    batchnorm.plot_weight_scales(results)                   # ... over scales of the initial weights

`compare` trains `lab.nets.small_cnn` with that layer behind every convolution, and without any, for every
learning rate and weight scale of `SIZES[size]` for three seeds; it takes about a minute ("tiny": seconds).
Each plot returns a matplotlib Figure and shows the mean over the seeds, and the least and greatest as a band.

For the chapter, the whole study with the library's layer, in two processes, written as JSON:

    python -m lab.experiments.batchnorm --size full --out results.json
    results = batchnorm.load_results("results.json")        # the plots take it too, and plot_batch_size
"""

import argparse
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cache
from itertools import product
from multiprocessing import get_context
from pathlib import Path

from lab.data import read
from lab.experiments.batchnorm_measures import batch_noise, epoch_seconds, modes
from lab.experiments.batchnorm_plots import (
    plot_batch_size,
    plot_learning_rates,
    plot_training_curves,
    plot_weight_scales,
)
from lab.experiments.command import described, made_with
from lab.experiments.results import Results, load_results, save_results
from lab.nets import MakeNorm, batch_norm, count_parameters, no_norm, small_cnn
from lab.progress import Progress, with_progress
from lab.training import Images, accuracy, as_tensors, train

__all__ = [
    "SIZES",
    "compare",
    "load_results",
    "plot_batch_size",
    "plot_learning_rates",
    "plot_training_curves",
    "plot_weight_scales",
    "study",
]

BASE_LR, BASE_BATCH = 0.01, 32
MOMENTUM = 0.9


@dataclass(frozen=True)
class Size:
    """How much is trained: images, epochs, seeds, and the values on the three axes."""

    train_images: int
    test_images: int
    epochs: int
    seeds: tuple[int, ...]
    lrs: tuple[float, ...]
    weight_scales: tuple[float, ...]
    batch_sizes: tuple[int, ...]


SIZES = {
    "tiny": Size(160, 100, 1, (0, 1), (0.01, 0.3), (0.1,), (4,)),
    "short": Size(1000, 500, 4, (0, 1, 2), (0.01, 0.1, 1.0), (0.1, 10.0), (4,)),
    "full": Size(
        5000, 1000, 5, (0, 1, 2), (0.003, 0.01, 0.03, 0.1, 0.3, 1.0), (0.1, 0.3, 3.0, 10.0), (2, 4, 8, 128)
    ),
}


@dataclass(frozen=True)
class Settings:
    """Everything that one training run depends on, apart from the layer itself."""

    norm: bool
    lr: float
    weight_scale: float
    batch_size: int
    seed: int


def plan(size: Size, batch_sizes: Iterable[int]) -> list[Settings]:
    """All runs: learning rates and weight scales at the base batch size, and batch sizes at the base scale.

    With the batch size the learning rate is scaled too (Goyal et al. 2017), for steps per epoch vary.
    """
    points = [(lr, 1.0, BASE_BATCH) for lr in size.lrs]
    points += [(BASE_LR, scale, BASE_BATCH) for scale in size.weight_scales]
    points += [(BASE_LR * batch / BASE_BATCH, 1.0, batch) for batch in batch_sizes]
    return [Settings(norm, *point, seed) for point, norm, seed in product(points, (True, False), size.seeds)]


def run(settings: Settings, make_norm: MakeNorm, images: Images, epochs: int) -> Results:
    """Train once; returns the settings and what was measured, per epoch and at the end."""
    s = settings
    net = small_cnn(make_norm if s.norm else no_norm, weight_scale=s.weight_scale, seed=s.seed)
    history = train(
        net, images, lr=s.lr, epochs=epochs, batch_size=s.batch_size, seed=s.seed, momentum=MOMENTUM
    )
    record = {**asdict(s), **asdict(history), "train_accuracy": accuracy(net, images.train_x, images.train_y)}
    if s.norm and (s.lr, s.weight_scale) == (BASE_LR, 1.0):
        record["modes"] = modes(net, images)
    return record


def compare(make_norm: MakeNorm, size: str = "short") -> Results:
    """Train with and without the layer that `make_norm(num_channels)` returns, in this process."""
    settings = SIZES[size]
    runs = plan(settings, ())
    images = _images(size)
    shown = with_progress("training", runs, _describe)
    records = [run(at, make_norm, images, settings.epochs) for at in shown]
    return {"about": _about(size), "runs": records}


def study(size: str = "full", workers: int = 2) -> Results:
    """The whole study with the library's layer: all runs in `workers` processes, then the other measures."""
    runs = plan(SIZES[size], SIZES[size].batch_sizes)
    progress = Progress("training", len(runs))
    records = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(_run_in_worker, settings, size) for settings in runs]):
            records.append(done.result())
            progress.update(1)
    progress.close()
    records.sort(key=lambda r: (-r["norm"], r["batch_size"], r["weight_scale"], r["lr"], r["seed"]))
    images = _images(size)
    return {
        "about": _about(size),
        "parameters": {
            "with BN": count_parameters(small_cnn(batch_norm)),
            "without": count_parameters(small_cnn(no_norm)),
        },
        "batch_noise": batch_noise(small_cnn(batch_norm), images, (2, 8, 32, 128)),
        "epoch_seconds": epoch_seconds(images, BASE_BATCH, repeats=2 if size == "tiny" else 9),
        "runs": records,
    }


def _run_in_worker(settings: Settings, size: str) -> Results:
    return run(settings, batch_norm, _images(size), SIZES[size].epochs)


@cache
def _images(size: str) -> Images:
    return as_tensors(read("photo_patches"), SIZES[size].train_images, SIZES[size].test_images)


def _describe(settings: Settings) -> str:
    layer = "with" if settings.norm else "without"
    return f"{layer} BN, learning rate {settings.lr}, weights x {settings.weight_scale}, seed {settings.seed}"


def _about(size: str) -> Results:
    return {
        "size": size,
        **asdict(SIZES[size]),
        "base": {"lr": BASE_LR, "weight_scale": 1.0, "batch_size": BASE_BATCH, "momentum": MOMENTUM},
        "data": described("photo_patches"),
        **made_with(),
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m lab.experiments.batchnorm")
    parser.add_argument("--size", choices=SIZES, default="tiny")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--workers", type=int, default=2, help="processes, of one thread each")
    options = parser.parse_args()
    save_results(study(options.size, options.workers), options.out)
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
