"""Unit 05's experiment: a network that knows its training images by heart, and what dropout does about it.

In a notebook, with a layer of one's own:

    from lab.experiments import dropout
    results = dropout.compare(Dropout, size="short")   # Dropout(p) returns a module; p drops, as in torch
    dropout.plot_gap(results)          # loss on training and on validation images, a panel per p
    dropout.plot_accuracy(results)     # validation accuracy, epoch by epoch, and its last value over p

`compare()` without an argument takes `nn.Dropout`. It trains `lab.nets.dense_cnn` on 500 photo-patches with
Adam for every p in {0, 0.2, 0.5, 0.8} and each of three seeds, in about a minute ("tiny": seconds). Dropout
stands before the hidden layer and behind it. The patches that the data set keeps apart are the validation
images. Both losses and both accuracies are measured without dropout, in eval mode.
Each plot returns a matplotlib Figure; bands reach from the least to the greatest of the seeds.

For the chapter, written as JSON, run by run; a file that was cut off is continued:

    python -m lab.experiments.dropout --size full --out full.json

    results = dropout.load_results("full.json")      # the plots above take it, and these:
    dropout.plot_order(results)           # batch norm and dropout in different orders
    dropout.plot_variance_shift(results)  # variance in training over that at test, against the closed form
    dropout.plot_advice(results)          # with and without dropout and batch norm, over learning rates
    dropout.plot_redundancy(results)      # accuracy while hidden units are switched off
    dropout.plot_certain(results)         # accuracy on the images that the network is most certain of
    dropout.plot_unseen(results)          # entropy on a class that was left out of training
    dropout.plot_spatial(results)         # single numbers or whole channels dropped behind convolutions
    dropout.summary(results, "val_loss", p=0.5)      # mean, min and max over seeds of the last values
    [dropout.summary(results, **run) for run in dropout.ADVICE[0]["runs"]]   # validation accuracies

A run in results["runs"] is a dict: the fields of `Settings`, `train_seconds` (CPU time of the training alone)
and, a value per entry of `epochs`: loss (mean over the steps of that epoch, dropout on), train_loss,
train_accuracy, val_loss, val_accuracy. A loss that is no number is NaN. results["measures"] has lists of
dicts, each with the run's settings and what `lab.experiments.dropout_measures` says of its network:
"redundancy", "variance_shift", "certainty", "unseen". results["advice"] is `ADVICE`, what Garbin, Zhu and
Marques (2020) advise, and the runs that test it.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache

from lab.data import read
from lab.device import nn, torch
from lab.experiments import dense_runs
from lab.experiments.command import described, made_with, run_missing, run_study
from lab.experiments.dense_runs import MEASURED, fast_images, score
from lab.experiments.dropout_advice import ADVICE
from lab.experiments.dropout_measures import certainty, redundancy, unseen, variance_shift
from lab.experiments.dropout_nets import VARIANTS, MakeDropout
from lab.experiments.dropout_plots import (
    plot_accuracy,
    plot_advice,
    plot_certain,
    plot_gap,
    plot_order,
    plot_redundancy,
    plot_spatial,
    plot_unseen,
    plot_variance_shift,
    summary,
)
from lab.experiments.results import Results, load_results
from lab.nets import count_parameters, dense_cnn
from lab.progress import with_progress
from lab.training import Images

__all__ = [
    "ADVICE",
    "MEASURED",
    "SIZES",
    "compare",
    "load_results",
    "plot_accuracy",
    "plot_advice",
    "plot_certain",
    "plot_gap",
    "plot_order",
    "plot_redundancy",
    "plot_spatial",
    "plot_unseen",
    "plot_variance_shift",
    "study",
    "summary",
]

BATCH, CLASSES = 32, 10
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "Adam": torch.optim.Adam,
    "RMSprop": torch.optim.RMSprop,
    "SGD": torch.optim.SGD,
}


@dataclass(frozen=True)
class Size:
    """How much is trained and measured: images, epochs, seeds, passes with dropout on, batches, draws."""

    train_images: int
    val_images: int
    epochs: int
    every: int  # epochs from one measurement to the next, where a curve is not asked for
    seeds: tuple[int, ...]
    passes: int  # with dropout on, of one network
    batches: int  # with dropout on, for the variance of what a batch norm gets
    draws: int  # of hidden units that are switched off


SIZES = {
    "tiny": Size(48, 50, 2, 1, (0, 1), 4, 3, 3),
    "short": Size(500, 300, 20, 5, (0, 1, 2), 50, 100, 20),
    "full": Size(500, 1000, 40, 10, (0, 1, 2), 50, 100, 20),
}


@dataclass(frozen=True)
class Settings:
    """Everything that one training run depends on, besides the size."""

    variant: str  # a name in VARIANTS
    p: float
    seed: int
    optimizer: str = "Adam"
    lr: float = 1e-3
    momentum: float = 0.0
    max_norm: float | None = None  # the greatest norm of the weights that lead into a unit
    units: int = 256
    left_out: int | None = None  # the class that the network never sees


RATES = (0.0, 0.2, 0.5, 0.8)
ORDERS = (
    "batch norm",
    "dropout, then batch norm",
    "batch norm, then dropout",
    "batch norm, dropout before the last layer",
)
LEFT_OUT = (2, 5, 8)  # cat, tissue, temple


class Run(dense_runs.Run):
    """A network in training; `record` has its settings and what was measured."""

    def __init__(self, settings: Settings, images: Images, make_dropout: MakeDropout = nn.Dropout) -> None:
        s = settings
        layers = VARIANTS[s.variant](s.p, make_dropout)
        classes = CLASSES - (s.left_out is not None)
        net = dense_cnn(layers, units=s.units, classes=classes, seed=s.seed)
        super().__init__(s, net, images, BATCH, fit)
        options = {"momentum": s.momentum} if s.optimizer == "SGD" else {}
        self.optimizer = OPTIMIZERS[s.optimizer](self.net.parameters(), lr=s.lr, **options)
        if s.max_norm is not None:
            limit = s.max_norm
            self.optimizer.register_step_post_hook(lambda *_: limit_norms(self.net, limit))
        torch.manual_seed(s.seed)  # the masks: dropout draws from the global generator


@torch.no_grad()
def fit(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
    """Cross-entropy and accuracy on images (N, C, H, W) with labels (N,), in eval mode."""
    net.eval()
    scores = torch.cat([net(part) for part in x.split(500)])
    return score(scores, y)


@torch.no_grad()
def limit_norms(net: nn.Module, limit: float) -> None:
    """Scale the weights into each unit down to a norm of `limit`, in place (Srivastava et al. 2014)."""
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.weight.copy_(torch.renorm(layer.weight.flatten(1), 2, 0, limit).view_as(layer.weight))


def compare(make_dropout: MakeDropout = nn.Dropout, size: str = "short") -> Results:
    """Train with `make_dropout(p)` for every p in RATES and every seed; see the top of this module.

    Raises ValueError if `make_dropout` returns no module.
    """
    for p in RATES:
        layer = make_dropout(p)
        if not isinstance(layer, nn.Module):
            raise ValueError(f"Expected a torch module from make_dropout({p:g}), got {type(layer).__name__}.")
    s = SIZES[size]
    runs = [Settings("dropout", p, seed) for p in RATES for seed in s.seeds]
    records = []
    for at in with_progress("training", runs, lambda at: f"p = {at.p:g}, seed {at.seed}"):
        run = Run(at, _images(size), make_dropout)
        run.train(s.epochs, every=1)
        records.append(run.record)
    return {"about": _about(size), "runs": records}


def plan(size: str) -> list[Settings]:
    """The runs of the study, without those that two of its parts share."""
    points: list[Results] = [{"variant": "dropout", "p": p} for p in RATES]
    points += [{"variant": name, "p": 0.0 if name == "batch norm" else 0.5} for name in ORDERS]
    points += [{"variant": name, "p": p} for name in ("single numbers", "whole channels") for p in (0.2, 0.5)]
    points += [{"variant": "dropout", "p": 0.5, "left_out": c} for c in LEFT_OUT]
    points += [run for piece in ADVICE for run in piece["runs"]]
    settings = [Settings(**point, seed=seed) for point in points for seed in SIZES[size].seeds]
    return list(dict.fromkeys(settings))


def study(size: str = "full", begun: Results | None = None) -> Iterator[Results]:
    """The whole study, or what is missing of one that was `begun`; yields the results after every run."""
    measures: Results = {"redundancy": [], "variance_shift": [], "certainty": [], "unseen": []}
    results: Results = begun or {"about": {}, "advice": ADVICE, "measures": measures, "runs": []}
    results["about"] = _about(size)

    def measured(at: Settings) -> Results:
        run = Run(at, _images(size, at.left_out))
        curve = at == Settings("dropout", at.p, at.seed)
        run.train(SIZES[size].epochs, every=1 if curve else SIZES[size].every)
        for name, found in _measures(run, size).items():
            results["measures"][name].append({**asdict(at), **found})
        return run.record

    yield from run_missing(results, plan(size), measured)


def _measures(run: Run, size: str) -> Results:
    """What is measured on the trained network of a run, besides how well it does."""
    s, at, images = SIZES[size], run.settings, run.images
    torch.manual_seed(at.seed)
    if at.left_out is not None:
        strange = _images_of_class(size, at.left_out)
        return {"unseen": unseen(run.net, images.test_x, strange, s.passes)}
    if at.variant in ORDERS and at.optimizer == "Adam":
        return {"variance_shift": variance_shift(run.net, images, at.p, BATCH, s.batches)}
    if at == Settings("dropout", at.p, at.seed):
        found = {"redundancy": redundancy(run.net, images.test_x, images.test_y, s.draws, at.seed)}
        if at.p:
            found["certainty"] = certainty(run.net, images.test_x, images.test_y, s.passes)
        return found
    return {}


@cache
def _images(size: str, left_out: int | None = None) -> Images:
    """Training and validation images, without a class if one is named; labels above it move down by one."""
    if left_out is None:
        s = SIZES[size]
        return fast_images("photo_patches", s.train_images, s.val_images)
    images, parts = _images(size), []
    for x, y in ((images.train_x, images.train_y), (images.test_x, images.test_y)):
        kept = y != left_out
        parts += [x[kept], y[kept] - (y[kept] > left_out).long()]
    return Images(*parts)


def _images_of_class(size: str, label: int) -> torch.Tensor:
    images = _images(size)
    return images.test_x[images.test_y == label]


def _about(size: str) -> Results:
    s = SIZES[size]
    base = asdict(Settings("dropout", 0.5, 0))
    return {
        "size": size,
        **asdict(s),
        "base": {key: base[key] for key in ("optimizer", "lr", "momentum", "max_norm", "units", "left_out")},
        "batch_size": BATCH,
        "classes": read("photo_patches").classes,
        "rates": RATES,
        "network": "lab.nets.dense_cnn: two convolutions 3x3, 256 hidden units, Glorot uniform weights",
        "parameters": count_parameters(dense_cnn())["trained"],
        "data": described("photo_patches"),
        "validation": f"{s.val_images} of the patches that the set keeps apart",
        **made_with(),
    }


def main() -> None:
    """The command line."""
    run_study("dropout", study, SIZES)


if __name__ == "__main__":
    main()
