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

For the chapter, written as JSON, run by run; a file that was cut off is continued:

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

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from lab.device import nn, torch
from lab.experiments import dense_runs
from lab.experiments.command import described, made_with, run_missing, run_study
from lab.experiments.dense_runs import MEASURED, fast_images, fast_net
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
from lab.experiments.results import Results, load_results
from lab.nets import count_parameters, dense_cnn
from lab.progress import with_progress
from lab.training import Images, evaluate

__all__ = [
    "CLIPPED",
    "DECOUPLED",
    "DEFAULT_RATES",
    "L2",
    "MAKERS",
    "MEASURED",
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

BATCH, UNITS = 50, 64
DECAY_LR = 1e-3  # of Adam, where weight decay is compared
FIRST_STEPS = ("Adam", UNCORRECTED, "RMSProp")  # at a learning rate of 0.001
STEP_SIZES = {"AdaGrad": 1e-2, "RMSProp": 1e-3, "Adam": 1e-3}
CURVATURE = (("SGD", 0.02), ("SGD", 0.05), ("momentum", 0.02))
NETWORKS: dict[str, Callable[[nn.Sequential], nn.Sequential]] = {
    "ReLU, max-pooling": lambda net: net,
    "tanh, mean-pooling": lambda net: smooth(net),
}
PRODUCTS = 6  # Hessian-vector products, from the eigenvector before


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


class Run(dense_runs.Run):
    """A network in training; `record` has its settings and what was measured."""

    def __init__(self, settings: Settings, make: MakeOptimizer, images: Images) -> None:
        super().__init__(settings, dense_cnn(units=UNITS, seed=settings.seed), images, BATCH, evaluate)
        self.optimizer = make(list(self.net.parameters()), settings.lr)
        if not isinstance(self.optimizer, torch.optim.Optimizer):
            came = type(self.optimizer).__name__
            raise ValueError(
                f"Expected a torch optimizer from the function for {settings.optimizer!r}, got {came}."
            )


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
    shown = with_progress(
        "training", runs, lambda at: f"{at.optimizer}, learning rate {at.lr:g}, seed {at.seed}"
    )
    return {"about": _about(size), "runs": [_trained(at, makers[at.optimizer], size) for at in shown]}


def _images(size: str) -> Images:
    return fast_images("photo_patches", SIZES[size].train_images, SIZES[size].val_images)


def _about(size: str) -> Results:
    s = SIZES[size]
    return {
        "size": size,
        **asdict(s),
        "batch_size": BATCH,
        "momentum": MU,
        "max_norm": MAX_NORM,
        "decay_lr": DECAY_LR,
        "network": f"lab.nets.dense_cnn: two convolutions 3x3, {UNITS} hidden units, Glorot uniform weights",
        "parameters": count_parameters(dense_cnn(units=UNITS))["trained"],
        "data": described("photo_patches"),
        "validation": f"{s.val_images} of the patches that the set keeps apart",
        **made_with(),
    }


def plan(size: str) -> list[Settings]:
    """The runs of the study."""
    points = [(name, lr) for name in NAMES for lr in RATES[name]]
    points += [(UNCORRECTED, lr) for lr in RATES["Adam"]]
    points += [(CLIPPED, lr) for lr in RATES["momentum"]]
    points += [(name, DECAY_LR) for table in (L2, DECOUPLED) for name in table.values()]
    return [Settings(name, lr, seed) for name, lr in points for seed in SIZES[size].seeds]


def study(size: str = "full", begun: Results | None = None) -> Iterator[Results]:
    """The whole study, or what is missing of one that was `begun`; yields the results after every run."""
    s = SIZES[size]
    results: Results = begun or {
        "about": {},
        "full_batch": compare_full_batch(s.seeds, s.evaluations),
        **{part: [] for part in ("first_steps", "step_sizes", "curvature", "runs")},
    }
    results["about"] = _about(size)
    for seed in s.seeds:
        if seed not in {record["seed"] for record in results["curvature"]}:
            _measure_steps(results, seed, size)
            _measure_curvature(results, seed, size)
            yield results
    yield from run_missing(results, plan(size), lambda at: _trained(at, MAKERS[at.optimizer], size))


def _trained(at: Settings, make: MakeOptimizer, size: str) -> Results:
    run = Run(at, make, _images(size))
    run.train(SIZES[size].epochs, SIZES[size].every)
    return run.record


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
            net = fast_net(change(dense_cnn(units=UNITS, seed=seed)), x.device)
            optimizer = MAKERS[name](list(net.parameters()), lr)
            limit = 2 * (1 + (MU if name == "momentum" else 0)) / lr
            found = curvature(net, optimizer, images, s.curvature_steps, s.curvature_steps // 20, PRODUCTS)
            at = {"network": network, "optimizer": name, "lr": lr, "seed": seed, "limit": limit}
            results["curvature"].append({**at, **found})


def main() -> None:
    """The command line."""
    run_study("optimizers", study, SIZES)


if __name__ == "__main__":
    main()
