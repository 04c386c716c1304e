"""Unit 01's experiment: the lecture's network on raw images, and on images that were prepared.

In a notebook, with functions of one's own:

    from lab.experiments import normalization
    results = normalization.compare({"standardized": mine}, size="short")   # "raw" is always compared too
    normalization.plot_training_curves(results)      # training loss and validation accuracy over the epochs
    normalization.plot_preparations(results)         # the accuracy after the last epoch, a dot per seed

`mine(train_images, images)` returns both prepared, and learns what it must know from `train_images` alone. It
gets uint8 arrays (N, H, W, C). It returns two float arrays (N, H, W, C), or two tensors (N, C, H, W).
`compare()` without functions takes `PREPARATIONS`, a library's own tools, name -> function. It trains
`lab.nets.lecture_cnn` on photo-patches with Adam for every preparation and each of three seeds, in about a
minute ("tiny": seconds). The 1,000 patches that the data set keeps apart serve as validation images.
Each plot returns a matplotlib Figure; bands reach from the least to the greatest of the seeds.

For the chapter, two studies, written as JSON; each file is complete after every line of progress:

    python -m lab.experiments.normalization --size full --out full.json
    LAB_DATA=... python -m lab.experiments.normalization --data cifar10 --size full --out cifar10.json

    results = normalization.load_results("full.json")    # the plots above take it, and these:
    normalization.plot_question(results)             # raw digits and raw photo-patches, epoch by epoch
    normalization.plot_learning_rates(results)       # the last accuracy over learning rates, Adam and SGD
    normalization.plot_spectra(results)              # eigenvalues of X^T X / N, per data set and preparation
    cifar = normalization.load_results("cifar10.json")   # plot_training_curves and plot_preparations take it

A run in results["runs"] is a dict: data ("photo_patches", "mnist5k", "cifar10"), preparation (a name),
optimizer ("Adam", "SGD"), lr, seed, and loss and val_accuracy, a value per epoch; a loss that is no number is
NaN. results["measures"] has "channels", name -> mean and std of its training images, pixels from 0 to 1, and
"spectra", a list of dicts: data, preparation, and what `normalization_measures.spectra` says.
"""

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lab.data import read
from lab.device import nn, pick_device, torch
from lab.experiments.command import described, made_with, run_missing
from lab.experiments.normalization_data import PREPARATIONS, Prepare, raw
from lab.experiments.normalization_measures import channels, spectra
from lab.experiments.normalization_plots import (
    plot_learning_rates,
    plot_preparations,
    plot_question,
    plot_spectra,
    plot_training_curves,
)
from lab.experiments.results import Results, load_results, save_results
from lab.nets import count_parameters, lecture_cnn
from lab.progress import Progress, with_progress
from lab.training import Images, accuracy, train_epoch

__all__ = [
    "PREPARATIONS",
    "SIZES",
    "compare",
    "load_results",
    "plot_learning_rates",
    "plot_preparations",
    "plot_question",
    "plot_spectra",
    "plot_training_curves",
    "study",
    "study_cifar10",
]

ADAM_LR, BATCH = 1e-3, 32
STANDARDIZED = "standardized per channel"
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "Adam": torch.optim.Adam,
    "SGD": torch.optim.SGD,  # plain, without momentum
}


@dataclass(frozen=True)
class Size:
    """How much is trained: images, epochs, seeds, and the learning rates of each optimizer."""

    train_images: int
    val_images: int
    epochs: int
    seeds: tuple[int, ...]
    adam_lrs: tuple[float, ...]
    sgd_lrs: tuple[float, ...]
    cifar10: tuple[int, int, int]  # training images, validation images, epochs


SIZES = {
    "tiny": Size(96, 50, 2, (0, 1), (1e-3,), (1e-4,), (96, 50, 2)),
    "short": Size(1000, 300, 4, (0, 1, 2), (1e-4, 1e-3), (1e-5, 1e-2), (4000, 1000, 3)),
    "full": Size(
        2000,
        1000,
        5,
        (0, 1, 2),
        (1e-5, 1e-4, 1e-3, 1e-2),
        (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0),
        (40_000, 10_000, 10),
    ),
}


@dataclass(frozen=True)
class Settings:
    """Everything that one training run depends on."""

    data: str
    preparation: str
    optimizer: str
    lr: float
    seed: int


class Run:
    """A network in training; `record` has its settings and what each epoch gave."""

    def __init__(self, settings: Settings, images: Images) -> None:
        torch.set_num_threads(1)
        shape = images.train_x.shape
        self.images = images
        self.net = lecture_cnn((shape[1], shape[2], shape[3]), seed=settings.seed).to(images.train_x.device)
        self.optimizer = OPTIMIZERS[settings.optimizer](self.net.parameters(), lr=settings.lr)
        self.shuffle = torch.Generator().manual_seed(settings.seed)
        self.record: Results = {**asdict(settings), "loss": [], "val_accuracy": []}

    def epoch(self) -> None:
        """Train for an epoch, and measure; a network whose loss is no number is not trained on."""
        losses = self.record["loss"]
        diverged = bool(losses) and not math.isfinite(losses[-1])
        losses.append(
            math.nan if diverged else train_epoch(self.net, self.images, self.optimizer, BATCH, self.shuffle)
        )
        self.record["val_accuracy"].append(accuracy(self.net, self.images.test_x, self.images.test_y))


def compare(prepare: dict[str, Prepare] | None = None, size: str = "short") -> Results:
    """Train on raw photo-patches and on each preparation of them, with Adam; see the top of this module.

    Raises ValueError if a function returns images of another shape.
    """
    preparations = PREPARATIONS if prepare is None else {"raw": raw} | prepare
    settings = SIZES[size]
    data = "photo_patches"
    prepared = {name: _prepared(data, size, name, function) for name, function in preparations.items()}
    runs = [Settings(data, name, "Adam", ADAM_LR, seed) for name in preparations for seed in settings.seeds]
    shown = with_progress("training", runs, lambda at: f"{at.preparation}, seed {at.seed}")
    records = [_train(at, prepared[at.preparation], settings.epochs) for at in shown]
    return {"about": _about(data, size, settings.epochs), "runs": records}


def plan(size: str) -> list[Settings]:
    """The runs of the study: the question, every preparation, raw and standardized over learning rates."""
    s = SIZES[size]
    points = [("mnist5k", "raw", "Adam", ADAM_LR)]
    points += [("photo_patches", name, "Adam", ADAM_LR) for name in PREPARATIONS]
    for optimizer, lrs in (("SGD", s.sgd_lrs), ("Adam", s.adam_lrs)):
        points += [("photo_patches", name, optimizer, lr) for lr in lrs for name in ("raw", STANDARDIZED)]
    return [Settings(*point, seed) for point in dict.fromkeys(points) for seed in s.seeds]


def study(size: str = "full") -> Iterator[Results]:
    """The whole study on the embedded sets; yields the results so far, after every run."""
    epochs = SIZES[size].epochs
    results: Results = {
        "about": _about("photo_patches", size, epochs),
        "parameters": _parameters(),
        "measures": {
            "channels": channels(["photo_patches", "mnist5k"]),
            "spectra": spectra(["digits"] if size == "tiny" else ["photo_patches", "mnist5k"]),
        },
        "runs": [],
    }
    yield from run_missing(
        results, plan(size), lambda at: _train(at, _library_prepared(at.data, size, at.preparation), epochs)
    )


def study_cifar10(size: str = "full") -> Iterator[Results]:
    """CIFAR-10, raw and standardized per channel; yields the results so far, after every epoch of all runs.

    All networks train an epoch in turn, so that a study that is cut short compares equals.
    """
    epochs = SIZES[size].cifar10[2]
    settings = [
        Settings("cifar10", name, "Adam", ADAM_LR, seed)
        for seed in SIZES[size].seeds
        for name in ("raw", STANDARDIZED)
    ]
    runs = [Run(s, _library_prepared("cifar10", size, s.preparation)) for s in settings]
    measures = {"channels": channels(["cifar10"])}
    progress = Progress("training", epochs * len(runs))
    for epoch in range(1, epochs + 1):
        for run in runs:
            run.epoch()
            progress.update(1, f"epoch {epoch}")
        records = [run.record for run in runs]
        about = _about("cifar10", size, epoch)
        yield {"about": about, "parameters": _parameters(), "measures": measures, "runs": records}
    progress.close()


def _train(settings: Settings, images: Images, epochs: int) -> Results:
    run = Run(settings, images)
    for _ in range(epochs):
        run.epoch()
    return run.record


@cache
def _library_prepared(data: str, size: str, name: str) -> Images:
    return _prepared(data, size, name, PREPARATIONS[name])


def _prepared(data: str, size: str, name: str, prepare: Prepare) -> Images:
    """The images of a data set after `prepare`, as tensors; `test_x` has the validation images.

    CIFAR-10's are the last of its training images. Those of the embedded sets are their test images: patches
    cut from one place overlap, so a part of the training patches would not tell what is new.
    """
    images = read(data)
    s = SIZES[size]
    if data == "cifar10":
        n, n_val, _ = s.cifar10
        train_x, val_x = images.train_images[:n], images.train_images[-n_val:]
        train_y, val_y = images.train_labels[:n], images.train_labels[-n_val:]
    else:
        train_x, val_x = images.train_images[: s.train_images], images.test_images[: s.val_images]
        train_y, val_y = images.train_labels[: s.train_images], images.test_labels[: s.val_images]
    result = prepare(train_x.copy(), val_x.copy())  # what the function does in place stays its own
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise ValueError(f"Expected two prepared sets of images from {name!r}, got {type(result).__name__}.")
    device = pick_device()
    x, new_x = (_tensor(p, old, name).to(device) for p, old in zip(result, (train_x, val_x), strict=True))
    y, new_y = (torch.from_numpy(labels.astype(np.int64)).to(device) for labels in (train_y, val_y))
    return Images(x, y, new_x, new_y)


def _tensor(prepared: Any, images: np.ndarray, name: str) -> torch.Tensor:
    """What a preparation returned for images (N, H, W, C), as a float32 tensor (N, C, H, W)."""
    n, height, width, num_channels = images.shape
    if isinstance(prepared, torch.Tensor):
        x, expected = prepared.detach(), (n, num_channels, height, width)
    else:
        x, expected = torch.from_numpy(np.asarray(prepared, dtype=np.float32)), images.shape
    if x.shape != expected:
        raise ValueError(f"Expected images of shape {expected} from {name!r}, got {tuple(x.shape)}.")
    return (x if isinstance(prepared, torch.Tensor) else x.permute(0, 3, 1, 2)).float().contiguous()


def _parameters() -> dict[str, int]:
    """How many numbers each layer of the network has for 32x32 colour images, and all together."""
    net = lecture_cnn()
    layers = [layer for layer in net if isinstance(layer, nn.Conv2d | nn.Linear)]
    counts = [count_parameters(layer)["trained"] for layer in layers]
    return dict(zip(("conv 1", "conv 2", "dense 1", "dense 2"), counts, strict=True)) | {"all": sum(counts)}


def _about(data: str, size: str, epochs: int) -> Results:
    s = SIZES[size]
    n, n_val = s.cifar10[:2] if data == "cifar10" else (s.train_images, s.val_images)
    return {
        "size": size,
        "train_images": n,
        "val_images": n_val,
        "epochs": epochs,
        "seeds": s.seeds,
        **({} if data == "cifar10" else {"adam_lrs": s.adam_lrs, "sgd_lrs": s.sgd_lrs}),
        "base": {"optimizer": "Adam", "lr": ADAM_LR, "batch_size": BATCH},
        "network": "lab.nets.lecture_cnn: no padding, Glorot uniform weights, zero biases",
        "data": described(data),
        "validation": f"the last {n_val} training images" if data == "cifar10" else f"{n_val} test images",
        **made_with(),
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m lab.experiments.normalization")
    parser.add_argument("--size", choices=SIZES, default="tiny")
    parser.add_argument("--data", choices=("embedded", "cifar10"), default="embedded")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write, again and again")
    options = parser.parse_args()
    for results in (study if options.data == "embedded" else study_cifar10)(options.size):
        save_results(results, options.out)
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
