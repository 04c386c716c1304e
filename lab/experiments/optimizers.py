"""Unit 07's experiment: seven optimizers, each over a range of learning rates, on a network of images.

In a notebook, with optimizers of one's own:

    from lab.experiments import optimizers
    results = optimizers.compare(
        {
            "SGD": lambda parameters, lr: SGD(parameters, lr=lr),
            "momentum": lambda parameters, lr: SGD(parameters, lr=lr, momentum=0.9),
            "Adam": lambda parameters, lr: AdamW(parameters, lr=lr, weight_decay=0.0),
        },
        size="short",
    )
    optimizers.plot_rates(results)     # last losses and accuracy over the learning rate, a line per optimizer
    optimizers.plot_curves(results)    # the loss over the epochs, each optimizer at its best rate
    optimizers.best(results, "Adam")   # {"lr", "val_loss", "val_accuracy", "train_loss", "good": rates}

A function gets a list of parameters and a learning rate and returns a torch optimizer. The names are those of
`RATES`, which has the learning rates; other names need `rates={name: rates}`. `compare()` without an argument
takes torch.optim's seven: SGD, momentum, Nesterov, AdaGrad, RMSProp, Adam, AdamW. It trains
`lab.nets.dense_cnn` with 64 hidden units on photo-patches at a constant rate with every rate and each of
three seeds. "short" takes about 25 CPU-seconds for an optimizer, "tiny" one or two. The patches that the data
set keeps apart are the validation images. Each plot returns a matplotlib Figure; lines are medians over
seeds, bands reach from the least to the greatest.

For the chapter, written as JSON; the file is complete after every line of progress:

    python -m lab.experiments.optimizers --size full --out full.json

    results = optimizers.load_results("full.json")   # the plots above take it, and these:
    optimizers.plot_correction(results)    # Adam with and without bias correction: steps, early loss, rates
    optimizers.plot_step_sizes(results)    # lr / (sqrt(s) + eps) of AdaGrad, RMSProp and Adam along training
    optimizers.plot_curvature(results)     # largest Hessian eigenvalue along training, against the limit
    optimizers.plot_decay(results)         # weight decay in the gradient (L2) and decoupled, by strength
    optimizers.plot_full_batch(results)    # loss over evaluations: GD, momentum, Adam, L-BFGS
    optimizers.plot_clipping(results)      # momentum with and without clipping, over the learning rate

A run in results["runs"] is a dict: optimizer, lr, seed, `train_seconds` (CPU time of the training alone) and,
a value per entry of `epochs`: loss (mean over the steps of that epoch), train_loss, train_accuracy, val_loss,
val_accuracy. A loss that is no number is NaN, and its accuracy 0. Besides the seven, the full study's
"runs" have the optimizers named by `UNCORRECTED`, `CLIPPED`, and `L2` and `DECOUPLED` (names by strength).
The other keys are lists of dicts, each with optimizer, lr and seed:

    "first_steps": loss and step (root mean square change of a weight, over lr), a value per step
    "step_sizes": steps, and low, median, high: the 10, 50, 90 % quantiles over the weights, a value per entry
    "curvature": network (a name in NETWORKS), steps, sharpness (largest Hessian eigenvalue), loss, and limit
        (the largest eigenvalue at which full-batch training with this rate is stable)
    "full_batch": problem, evaluations, loss (least so far), above (by how much it is above the least of all)
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lab.data import read
from lab.device import nn, pick_device, torch
from lab.experiments.optimizers_full_batch import compare_full_batch
from lab.experiments.optimizers_measures import curvature, first_steps, smooth, step_sizes, train_steps
from lab.experiments.optimizers_plots import (
    best,
    plot_clipping,
    plot_correction,
    plot_curvature,
    plot_curves,
    plot_decay,
    plot_full_batch,
    plot_rates,
    plot_step_sizes,
)
from lab.experiments.optimizers_rules import (
    CLIPPED,
    DECOUPLED,
    DEFAULT_RATES,
    L2,
    MAKERS,
    MAX_NORM,
    MU,
    NAMES,
    RATES,
    UNCORRECTED,
    MakeOptimizer,
)
from lab.experiments.results import load_results as load_json
from lab.experiments.results import save_results
from lab.nets import count_parameters, dense_cnn
from lab.progress import Progress
from lab.training import Images, as_tensors, train_epoch

__all__ = [
    "CLIPPED",
    "DECOUPLED",
    "DEFAULT_RATES",
    "L2",
    "MAKERS",
    "NAMES",
    "RATES",
    "SIZES",
    "UNCORRECTED",
    "best",
    "compare",
    "load_results",
    "plot_clipping",
    "plot_correction",
    "plot_curvature",
    "plot_curves",
    "plot_decay",
    "plot_full_batch",
    "plot_rates",
    "plot_step_sizes",
    "study",
]

Results = dict[str, Any]
BATCH, UNITS = 50, 64
FAST = torch.channels_last  # max-pooling on a CPU takes less time with it
DECAY_LR = 1e-3  # of Adam, where weight decay is compared
FIRST_STEPS = ("Adam", UNCORRECTED, "RMSProp")  # at a learning rate of 0.001
STEP_SIZES = {"AdaGrad": 1e-2, "RMSProp": 1e-3, "Adam": 1e-3}
CURVATURE = (("SGD", 0.02), ("SGD", 0.05), ("momentum", 0.02))
NETWORKS: dict[str, Callable[[nn.Sequential], nn.Sequential]] = {
    "ReLU, max-pooling": lambda net: net,
    "tanh, mean-pooling": lambda net: smooth(net),
}
PRODUCTS = 6  # Hessian-vector products, from the eigenvector before
MEASURED = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")


@dataclass(frozen=True)
class Size:
    """How much is trained and measured."""

    train_images: int
    val_images: int
    epochs: int
    every: int  # epochs from one measurement to the next
    seeds: tuple[int, ...]
    first_steps: int  # that are looked at one by one
    curvature_images: int  # of the full batch
    curvature_steps: int
    evaluations: int  # of loss and gradient, of all digits


SIZES = {
    "tiny": Size(50, 50, 1, 1, (0, 1), 3, 10, 20, 12),
    "short": Size(500, 300, 8, 2, (0, 1, 2), 60, 50, 200, 100),
    "full": Size(1000, 1000, 20, 4, (0, 1, 2), 100, 100, 300, 300),
}


@dataclass(frozen=True)
class Settings:
    """Everything that one training run depends on, besides the size and the optimizer's maker."""

    optimizer: str
    lr: float
    seed: int


class Run:
    """A network in training; `record` has its settings and what was measured."""

    def __init__(self, settings: Settings, make: MakeOptimizer, images: Images) -> None:
        torch.set_num_threads(1)
        self.images, self.settings = images, settings
        net = dense_cnn(units=UNITS, seed=settings.seed)
        net.to(memory_format=FAST)  # type: ignore[call-overload]  # torch's own types do not know it
        self.net = net.to(images.train_x.device)
        self.optimizer = make(list(self.net.parameters()), settings.lr)
        if not isinstance(self.optimizer, torch.optim.Optimizer):
            came = type(self.optimizer).__name__
            raise ValueError(
                f"Expected a torch optimizer from the function for {settings.optimizer!r}, got {came}."
            )
        self.shuffle = torch.Generator().manual_seed(settings.seed)
        self.record: Results = {**asdict(settings), "train_seconds": 0.0, "epochs": [], "loss": []}
        self.record |= {key: [] for key in MEASURED}

    def train(self, epochs: int, every: int) -> None:
        """Train; measure after every `every` epochs and after the last one; NaN once it diverged."""
        loss = 0.0
        for epoch in range(1, epochs + 1):
            start = time.process_time()
            if math.isfinite(loss):
                loss = train_epoch(self.net, self.images, self.optimizer, BATCH, self.shuffle)
            self.record["train_seconds"] += time.process_time() - start
            if epoch % every == 0 or epoch == epochs:
                self._measure(epoch, loss)

    def _measure(self, epoch: int, loss: float) -> None:
        i = self.images
        values = [*fit(self.net, i.train_x, i.train_y), *fit(self.net, i.test_x, i.test_y)]
        for key, value in zip(("epochs", "loss", *MEASURED), (epoch, loss, *values), strict=True):
            self.record[key].append(value)


@torch.no_grad()
def fit(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
    """Cross-entropy and accuracy on images (N, C, H, W) with labels (N,); NaN and 0 once it diverged."""
    scores = torch.cat([net(part) for part in x.split(500)])
    loss = nn.functional.cross_entropy(scores, y).item()
    right = (scores.argmax(1) == y).float().mean().item()
    return loss, right if math.isfinite(loss) else 0.0


def compare(
    make_optimizers: Mapping[str, MakeOptimizer] | None = None,
    size: str = "short",
    rates: Mapping[str, Sequence[float]] | None = None,
) -> Results:
    """Train with every optimizer at each of its learning rates, for every seed; see the top of this module.

    Raises ValueError for a name without learning rates, and for a function that returns no torch optimizer.
    """
    makers = make_optimizers or {name: MAKERS[name] for name in NAMES}
    all_rates: dict[str, Sequence[float]] = {**RATES, **(rates or {})}
    for name in makers:
        if name not in all_rates:
            known = ", ".join(RATES)
            raise ValueError(
                f"Expected a name of {known}, got {name!r}: name it so or pass rates={{{name!r}: [...]}}."
            )
    s = SIZES[size]
    runs = [Settings(name, lr, seed) for name in makers for lr in all_rates[name] for seed in s.seeds]
    progress = Progress("training", len(runs))
    records = []
    for settings in runs:
        run = Run(settings, makers[settings.optimizer], _images(size))
        run.train(s.epochs, s.every)
        records.append(run.record)
        progress.update(1, f"{settings.optimizer}, learning rate {settings.lr:g}, seed {settings.seed}")
    progress.close()
    return {"about": _about(size), "runs": records}


@cache
def _images(size: str) -> Images:
    s = SIZES[size]
    images = as_tensors(read("photo_patches"), s.train_images, s.val_images)
    train_x, test_x = (x.contiguous(memory_format=FAST) for x in (images.train_x, images.test_x))
    return images._replace(train_x=train_x, test_x=test_x)


def load_results(path: str | Path) -> Results:
    """The results in a JSON file; a loss that was no number, null in the file, is NaN."""
    results = load_json(path)
    for record in results["runs"]:
        for key in ("train_loss", "val_loss"):
            record[key] = [math.nan if loss is None else loss for loss in record[key]]
    return results


def _about(size: str) -> Results:
    device, s = pick_device(), SIZES[size]
    return {
        "size": size,
        **asdict(s),
        "batch_size": BATCH,
        "momentum": MU,
        "max_norm": MAX_NORM,
        "decay_lr": DECAY_LR,
        "network": f"lab.nets.dense_cnn: two convolutions 3x3, {UNITS} hidden units, Glorot uniform weights",
        "parameters": count_parameters(dense_cnn(units=UNITS))["trained"],
        "data": read("photo_patches").source,
        "validation": f"{s.val_images} of the patches that the set keeps apart",
        "device": torch.cuda.get_device_name() if device.type == "cuda" else f"{device.type}, one thread",
        "torch": torch.__version__,
        "numpy": np.__version__,
        "date": datetime.now(UTC).date().isoformat(),
    }


def plan(size: str) -> list[Settings]:
    """The runs of the study."""
    points = [(name, lr) for name in NAMES for lr in RATES[name]]
    points += [(UNCORRECTED, lr) for lr in RATES["Adam"]]
    points += [(CLIPPED, lr) for lr in RATES["momentum"]]
    points += [(name, DECAY_LR) for table in (L2, DECOUPLED) for name in table.values()]
    return [Settings(name, lr, seed) for name, lr in points for seed in SIZES[size].seeds]


def study(size: str = "full") -> Iterator[Results]:
    """The whole study; yields the results so far, after every run."""
    s, images = SIZES[size], _images(size)
    results: Results = {"about": _about(size), "full_batch": compare_full_batch(s.seeds, s.evaluations)}
    results |= {"first_steps": [], "step_sizes": [], "curvature": [], "runs": []}
    runs = plan(size)
    progress = Progress("training", len(runs))
    for seed in s.seeds:
        _measure_steps(results, seed, size)
        _measure_curvature(results, seed, size)
        yield results
    for settings in runs:
        run = Run(settings, MAKERS[settings.optimizer], images)
        run.train(s.epochs, s.every)
        results["runs"].append(run.record)
        progress.update(1, str(settings))
        yield results
    progress.close()


def _measure_steps(results: Results, seed: int, size: str) -> None:
    """Steps of the first epochs, and the denominators along the whole training."""
    s, images = SIZES[size], _images(size)
    for name in FIRST_STEPS:
        run = Run(Settings(name, 1e-3, seed), MAKERS[name], images)
        losses = train_steps(run.net, run.optimizer, images, s.first_steps, BATCH, run.shuffle)
        found = first_steps(run.net, run.optimizer, 1e-3, losses)
        results["first_steps"].append({**asdict(run.settings), **found})
    for name, lr in STEP_SIZES.items():
        run = Run(Settings(name, lr, seed), MAKERS[name], images)
        steps = s.epochs * (s.train_images // BATCH)
        losses = train_steps(run.net, run.optimizer, images, steps, BATCH, run.shuffle)
        results["step_sizes"].append({**asdict(run.settings), **step_sizes(run.optimizer, losses)})


def _measure_curvature(results: Results, seed: int, size: str) -> None:
    s = SIZES[size]
    x, y = (part[: s.curvature_images] for part in _images(size)[:2])
    images = Images(x, y, x, y)
    for network, change in NETWORKS.items():
        for name, lr in CURVATURE:
            net = change(dense_cnn(units=UNITS, seed=seed))
            net.to(memory_format=FAST)  # type: ignore[call-overload]  # as in Run
            net.to(x.device)
            optimizer = MAKERS[name](list(net.parameters()), lr)
            limit = 2 * (1 + (MU if name == "momentum" else 0)) / lr
            found = curvature(net, optimizer, images, s.curvature_steps, s.curvature_steps // 20, PRODUCTS)
            at = {"network": network, "optimizer": name, "lr": lr, "seed": seed, "limit": limit}
            results["curvature"].append({**at, **found})


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m lab.experiments.optimizers")
    parser.add_argument("--size", choices=SIZES, default="tiny")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write, again and again")
    options = parser.parse_args()
    for results in study(options.size):
        save_results(results, options.out)
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
