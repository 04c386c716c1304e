"""Unit 11's experiment: ten classes, few images of each; what of a network that saw other images can be used?

For the NumPy notebook, real features without a line of torch:

    from lab.experiments import transfer
    data = transfer.features("photos", per_class=10, seed=0)     # "photos", "digits" or "cifar10"
    data.train_features, data.train_labels     # float64 (N, 128), int64 (N,), N = 10 classes x per_class
    data.test_features, data.test_labels       # the same test images for every seed and every per_class
    data.train_images, data.test_images        # uint8 (N, 32, 32, 3): the pixels that the features are of
    data.classes, data.mean, data.std          # names of the classes; the source's statistics per channel

For the torch notebook, five ways with functions of one's own (those that are left out are the experiment's):

    mine = transfer.Tools(FrozenBackbone, new_head, cache_features, parameter_groups,
                          unfreeze_last, set_modes, thaw)
    results = transfer.compare(mine, target="photos", per_class=10, size="short")   # about a minute
    transfer.plot_methods(results)             # test accuracy of each way: seeds, mean, deviation
    transfer.plot_curves(results)              # validation accuracy and CKA to the first features, by step
    transfer.method_table(results)             # [(method, {"mean", "std", "min", "max"})], test accuracy

The methods are METHODS: "from scratch", "frozen", "fine-tuned" (one rate), "rates per stage", "gradual"; all
but the first begin with the linear head of "frozen" (a new head, the linear probe's numbers in it).
"tiny" takes seconds. Each plot returns a matplotlib Figure.

For the chapter, written as JSON, run by run; a file that was cut off is continued:

    python -m lab.experiments.transfer --size full --out full.json                     # photos and digits
    LAB_DATA=... python -m lab.experiments.transfer --targets cifar10 --size full --out cifar10.json

    results = transfer.load_results("full.json")       # these take it, `target` is the first one if left out:
    transfer.table(results, target="photos")           # [(row of TABLE, {per_class: summary})]
    transfer.plot_table(results)               # a) accuracy over images per class, a panel per target
    transfer.plot_heads(results)               # b) accuracy and CKA over the rate: random, zero, probed head
    transfer.plot_forgetting(results)          # b) the same along training, at the highest rate
    transfer.plot_norms(results)               # c) photos: moving and frozen norms, over the batch size
    transfer.plot_rates(results)               # d) photos: rates by stage, gradual unfreezing, all at once
    transfer.plot_stages(results)              # e) linear heads on each stage: source, untrained; near, far
    transfer.plot_preparation(results)         # f) prepared wrongly in training and test, or in the test only
    transfer.plot_cost(results)                # g) CPU seconds of an epoch: cached, frozen, fine-tuned
    transfer.summary(results, target="photos", start="source", head="probe", per_class=10)   # best rate
    transfer.best_rate(results, ...)           # the rate it chose: highest mean VALIDATION accuracy
    transfer.head_summary(results, method="linear", target="photos", per_class=10)

`summary` and `best_rate` take the fields of `Settings`; what is left out is BASE, the rate is the best one of
those that were run unless it is named, and key="test_accuracy" may be "train_accuracy", "validation_accuracy"
or "cka" (the last value of a list). `head_summary` takes the fields of results["heads"]; left out: HEAD_BASE.
A summary is {"mean", "std", "min", "max"} over seeds, std that of a sample (n - 1).

Nothing is augmented. Validation images are the same for all seeds and no training images; but patches of one
photograph may overlap, so accuracy on the validation patches is flattered. Test patches have no pixel in
common with either. The test images are looked at once, at the end of a run.

results["runs"]: dicts with the fields of `Settings` (and "method" in `compare`); `train_seconds` (CPU);
lists with a value per entry of `steps`, from step 0: loss (mean of the steps since the last entry; NaN at
step 0), validation_accuracy, cka (of the features of the validation images, to those at step 0; 0 where
all features have died);
and at the end train_accuracy, test_accuracy.
results["heads"]: dicts {target, per_class, seed, method: "nearest" or "linear", network: "source" or
"untrained", features: "pixels", "stem", "stage1", "stage2", "stage3", grid: 1 (mean over all places) or 4
(means in 4x4 fields), trained_with, tested_with: a name of PREPARATIONS, train_accuracy,
validation_accuracy, test_accuracy}. "stage3" with grid 1 is what the backbone gives.
results["cost"]: dicts {what, images, seconds}: CPU time of an epoch with that many images; "caching" is once.
results["about"]: sizes, seeds, rates, steps, device, versions, date, digest of the source's weights.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from lab import sources
from lab.device import nn, pick_device, torch
from lab.experiments.command import described, made_with, run_missing, run_study
from lab.experiments.results import Results, load_results
from lab.experiments.transfer_data import TARGETS, Target, as_input, target_images
from lab.experiments.transfer_heads import GRIDS, PREPARATIONS, STAGES, cost, heads, own_statistics
from lab.experiments.transfer_methods import (
    HEAD_DECAY,
    MOMENTUM,
    Data,
    Tools,
    features_of,
    linear_head,
    random_head,
    tune,
)
from lab.experiments.transfer_plots import (
    BASE,
    HEAD_BASE,
    HEADS,
    NORM_PANELS,
    RATES_ROWS,
    TABLE,
    best_rate,
    head_summary,
    method_table,
    plot_cost,
    plot_curves,
    plot_forgetting,
    plot_heads,
    plot_methods,
    plot_norms,
    plot_preparation,
    plot_rates,
    plot_stages,
    plot_table,
    summary,
    table,
)
from lab.progress import with_progress
from lab.source_nets import small_backbone

__all__ = [
    "BASE",
    "HEAD_BASE",
    "METHODS",
    "SIZES",
    "TABLE",
    "TARGETS",
    "Tools",
    "best_rate",
    "compare",
    "features",
    "head_summary",
    "load_results",
    "method_table",
    "plot_cost",
    "plot_curves",
    "plot_forgetting",
    "plot_heads",
    "plot_methods",
    "plot_norms",
    "plot_preparation",
    "plot_rates",
    "plot_stages",
    "plot_table",
    "study",
    "summary",
    "table",
]

COUNTS = (10, 25, 100)
RATES = (1e-3, 1e-2, 1e-1)
RATE = 1e-2  # of all other fine-tuning; the best of RATES on the validation images of photos
SCRATCH_RATES = (1e-2, 1e-1)  # with the most images, which cost most: the first alone
FROZEN_RATES = (1e-3, 1e-2)  # where norms are frozen, which bear less
BATCHES = (4, 32)
METHODS: dict[str, Results] = {
    "from scratch": {"start": "scratch", "head": "zero", "rate": 3e-2},
    "frozen": {"rate": 0.0},
    "fine-tuned": {"rate": 1e-2},
    "rates per stage": {"rate": 1e-2, "decay": 0.3},
    "gradual": {"rate": 1e-2, "gradual": True},
}


@dataclass(frozen=True)
class Size:
    """How much is trained and measured."""

    steps: int  # with the source's weights
    scratch_steps: int  # with ten images of each class; more by the root of their number
    every: int  # steps from one measurement to the next
    test_images: int
    validation: int  # images of each class
    seeds: tuple[int, ...]


SIZES = {
    "tiny": Size(4, 4, 4, 40, 3, (0, 1)),
    "short": Size(80, 120, 20, 500, 30, (0, 1, 2)),
    "full": Size(60, 160, 20, 1000, 30, (0, 1, 2)),
}


@dataclass(frozen=True)
class Settings:
    """Everything that one training run depends on, besides the size."""

    target: str  # a name in TARGETS
    per_class: int
    seed: int
    rate: float  # of the head; SGD's at the first step
    start: str = BASE["start"]  # "source", or "scratch": He's random weights
    head: str = BASE["head"]  # "probe": the linear head; "zero"; "random": variance 1 / width
    decay: float = BASE["decay"]  # of the rate, from a stage to the one before it
    gradual: bool = BASE["gradual"]
    trained: str = BASE["trained"]  # "all", or "head"
    norm: str = BASE["norm"]  # "moving", or "frozen"
    batch: int = BASE["batch"]


@dataclass(frozen=True)
class Features:
    """Features and pixels of a target's images as NumPy arrays."""

    train_features: np.ndarray = field(repr=False)
    train_labels: np.ndarray = field(repr=False)
    test_features: np.ndarray = field(repr=False)
    test_labels: np.ndarray = field(repr=False)
    train_images: np.ndarray = field(repr=False)
    test_images: np.ndarray = field(repr=False)
    classes: tuple[str, ...]
    mean: np.ndarray
    std: np.ndarray


def features(target: str = "photos", per_class: int = 10, seed: int = 0, test_images: int = 500) -> Features:
    """What the source's backbone says of `per_class` training images of every class, and of test images.

    Features are float64 (N, 128), labels int64 (N,), images uint8 (N, 32, 32, 3). The seed draws the training
    images. Raises DataError for an unknown target, and where cifar10 is not on this machine.
    """
    torch.set_num_threads(1)
    images, source = target_images(target, per_class, seed, test_images), sources.load_source()

    def seen(pixels: np.ndarray) -> np.ndarray:
        return features_of(source.backbone, as_input(pixels, source.mean, source.std)).double().numpy()

    return Features(
        seen(images.train_images),
        images.train_labels,
        seen(images.test_images),
        images.test_labels,
        images.train_images,
        images.test_images,
        images.classes,
        np.array(source.mean),
        np.array(source.std),
    )


def prepared(images: Target, mean: tuple[float, ...], std: tuple[float, ...]) -> Data:
    """All images of a target as tensors, on the device."""
    device = pick_device()
    parts: list[torch.Tensor] = []
    for part in ("train", "validation", "test"):
        parts.append(as_input(getattr(images, f"{part}_images"), mean, std, device))
        parts.append(torch.from_numpy(getattr(images, f"{part}_labels")).to(device))
    return Data(*parts)


def compare(
    tools: Tools | None = None, target: str = "photos", per_class: int = 10, size: str = "short"
) -> Results:
    """Train in all ways of METHODS, for every seed, with these functions; see the top of this module."""
    points = [
        (method, Settings(target, per_class, seed, **how))
        for method, how in METHODS.items()
        for seed in SIZES[size].seeds
    ]
    shown = with_progress("training", points, lambda point: f"{point[0]}, seed {point[1].seed}")
    runs = [{"method": method, **run(at, size, tools)} for method, at in shown]
    return {"about": about(size, (target,)), "runs": runs}


def run(at: Settings, size: str, tools: Tools | None = None) -> Results:
    """One run, as the docstring of this module describes it."""
    torch.set_num_threads(1)
    tools, s = tools or Tools(), SIZES[size]
    images = target_images(at.target, at.per_class, at.seed, s.test_images, s.validation)
    classes = len(images.classes)
    torch.manual_seed(at.seed)
    if at.start == "scratch":
        data = prepared(images, *own_statistics(images.train_images))
        backbone, width = small_backbone(at.seed), sources.load_source().width
    else:
        source = sources.load_source()
        data = prepared(images, source.mean, source.std)
        backbone, width = source.backbone, source.width
    backbone = backbone.to(device=data.train_x.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    head = random_head(width, classes) if at.head == "random" else tools.new_head(width, classes)
    if at.head == "probe":
        cache = tools.cache_features(backbone, data.train_x, 250)
        head.load_state_dict(linear_head(cache, data.train_y, classes).state_dict())
    head.to(data.train_x.device)
    if not at.rate:
        backbone = nn.Sequential(tools.FrozenBackbone(backbone))
    longer = round(s.scratch_steps * (at.per_class / 10) ** 0.5)
    steps = 0 if not at.rate else longer if at.start == "scratch" else s.steps
    how = {key: getattr(at, key) for key in ("rate", "decay", "gradual", "trained", "norm", "batch", "seed")}
    return asdict(at) | tune(backbone, head, data, steps=steps, every=s.every, tools=tools, **how)


def plan(size: str, targets: Sequence[str]) -> list[Settings]:
    """The runs of the study, each once: from scratch, then fine-tuned; photos are looked at most closely."""
    ten: Results = {"per_class": BASE["per_class"], "rate": RATE}
    points: list[Results] = []
    for target in targets:
        on: Results = {"target": target}
        points += [
            {**on, "per_class": n, "rate": rate, "start": "scratch", "head": "zero"}
            for n in COUNTS
            for rate in (SCRATCH_RATES if n < max(COUNTS) else SCRATCH_RATES[:1])
        ]
        ways: list[Results] = [{"head": "probe"}, {"head": "random"}]
        ways += [{"norm": "frozen", "rate": rate} for rate in FROZEN_RATES]
        points += [{**on, "per_class": n, "rate": RATE, **way} for n in COUNTS for way in ways]
        points += [{**on, **ten, "head": "zero"}]
        if target != "digits":
            points += [{**on, **ten, "rate": rate, "head": head} for rate in RATES for head in HEADS]
        if target == "photos":
            points += [{**on, **ten, **way} for way in RATES_ROWS.values()]
            points += [
                {**on, **ten, "trained": trained, "rate": rate, "norm": norm, "batch": batch}
                for trained, rate in NORM_PANELS
                for norm in ("moving", "frozen")
                for batch in BATCHES
            ]
    return list(dict.fromkeys(Settings(seed=seed, **point) for point in points for seed in SIZES[size].seeds))


def study(
    size: str = "full", targets: Sequence[str] = ("photos", "digits"), begun: Results | None = None
) -> Iterator[Results]:
    """The whole study, or what is missing of one that was `begun`; yields the results after every run."""
    results: Results = begun or {"about": {}, "heads": [], "cost": [], "runs": []}
    results["about"] = about(size, targets)

    def measured(at: Settings) -> Results:
        if at.start == "source" and not results["heads"]:
            _add_heads(results, size, targets)
        return run(at, size)

    yield from run_missing(results, plan(size, targets), measured)


def _add_heads(results: Results, size: str, targets: Sequence[str]) -> None:
    """Fill in what needs no training of a backbone."""
    s = SIZES[size]
    for target in targets:
        for n in COUNTS:
            for seed in s.seeds:
                images = target_images(target, n, seed, s.test_images, s.validation)
                results["heads"] += heads(images, n, seed, whole=n == BASE["per_class"])
    results["cost"] = cost(target_images(targets[0], max(COUNTS), 0, s.test_images))


def about(size: str, targets: Sequence[str]) -> Results:
    """What the results were made with."""
    weights = sources.WEIGHTS / "cifar100.safetensors"
    return {
        "size": size,
        **asdict(SIZES[size]),
        "targets": targets,
        "counts": COUNTS,
        "rates": RATES,
        "rate": RATE,
        "frozen_rates": FROZEN_RATES,
        "scratch_rates": SCRATCH_RATES,
        "batches": BATCHES,
        "stages": STAGES,
        "grids": GRIDS,
        "preparations": PREPARATIONS,
        "base": BASE,
        "momentum": MOMENTUM,
        "head_decay": HEAD_DECAY,
        "source": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "data": {name: described(TARGETS[name]) for name in targets},
        **made_with(),
    }


def main() -> None:
    """The command line."""
    targets = {"nargs": "+", "choices": TARGETS, "default": ["photos", "digits"]}
    run_study("transfer", study, SIZES, targets=targets)


if __name__ == "__main__":
    main()
