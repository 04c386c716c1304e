"""Unit 10's experiment: a network has few images; which changes of them help, which hurt, at which cost?

In a notebook, with transforms of one's own:

    from lab.experiments import augmentation
    mine = {"my flip": flip, "my turn": turn}      # images (N, C, H, W) in [0, 1], torch.Generator -> images
    mixes = {"my mixup": mixup}                    # images, labels (N, K), generator -> images, labels
    results = augmentation.compare(mine, mixes, size="short")
    augmentation.plot_transforms(results)          # test accuracy with each: seeds, mean, deviation
    augmentation.plot_curves(results)              # accuracy on training and on test images, step by step

`compare()` without an argument takes four of `augmentation_transforms`. It trains `lab.nets.small_cnn` with
batch norm on few photo-patches of five classes, once without augmentation and once with each transform, for
every seed, in about a minute ("tiny": seconds). A transform is drawn anew for every image in every step, on
the device of the images and of the generator; test images stay as they are. All runs of one seed have the
same training images, the same first weights and the same number of steps. `data="digits"` takes MNIST.
Each plot returns a matplotlib Figure.

For the chapter, written as JSON, run by run; a file that was cut off is continued:

    python -m lab.experiments.augmentation --size full --out full.json

    results = augmentation.load_results("full.json")     # the plots above take it, and these:
    augmentation.plot_table(results)      # change of accuracy by each transform: scratch, fine-tuned, digits
    augmentation.plot_pairs(results)      # accuracy with each pair of PAIRED, singles on the diagonal
    augmentation.plot_images(results)     # digits: accuracy over the number of training images
    augmentation.plot_views(results)      # accuracy of one view and of the mean of several (test time)
    augmentation.plot_cost(results)       # CPU time per image of each, and of a training step
    augmentation.summary(results, transform="mirror")    # mean, std, min, max over seeds of the last value
    augmentation.gain(results, transform="mirror")       # the same of the differences to "none", seed by seed
    augmentation.table(results)           # rows (name, {column: summary}), as `plot_table` draws them

`summary` and `gain` take the fields of `Settings` (data="photos", start="scratch", transform="none",
per_class: the base of the data) and key="test_accuracy"; std is that of a sample (n - 1).

A run in results["runs"] is a dict: the fields of `Settings`, `train_seconds` (CPU time of the steps) and, a
value per entry of `steps`: loss (mean of the steps since the last entry, on augmented images), train_accuracy
and test_accuracy (images as they are, eval mode), test_loss. results["views"] has dicts with the settings of
a run and "accuracy" and "loss", each {"one view", "mirrored", "ten crops", "five scales"}.
results["source"] has {seed, test_accuracy}: fine-tuning begins with a network that learned the five other
photographs, tested on those. results["cost"] has dicts {transform, microseconds} (CPU time per image, one
thread); "training step" is forward, backward and update of the network.
Pawara et al. (2017) asked this of photographs of plants; their figures are not repeated here, because they
could not be checked against the paper.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache

import numpy as np

from lab.data import read
from lab.device import nn, pick_device, torch
from lab.experiments.augmentation_plots import (
    gain,
    plot_cost,
    plot_curves,
    plot_images,
    plot_pairs,
    plot_table,
    plot_transforms,
    plot_views,
    summary,
    table,
)
from lab.experiments.augmentation_transforms import MIXES, TRANSFORMS, Mix, Transform
from lab.experiments.augmentation_views import VIEWS, mean_probabilities
from lab.experiments.command import described, made_with, run_missing, run_study
from lab.experiments.dense_runs import FAST, fast_net
from lab.experiments.results import Results, load_results
from lab.nets import batch_norm, count_parameters, small_cnn
from lab.progress import with_progress
from lab.training import Images

__all__ = [
    "SIZES",
    "compare",
    "gain",
    "load_results",
    "plot_cost",
    "plot_curves",
    "plot_images",
    "plot_pairs",
    "plot_table",
    "plot_transforms",
    "plot_views",
    "study",
    "summary",
    "table",
]

BATCH = 32
RATES = {"scratch": 3e-3, "fine-tuned": 1e-3}  # Adam's learning rate at the start; it falls to 0 on a line
SOURCE = (0, 2, 4, 6, 8)  # astronaut, cat, retina, galaxies, temple: what fine-tuned networks learned before
TARGET = (1, 3, 5, 7, 9)  # coffee, rocket, tissue, motorcycle, flower
DATA = {"photos": ("photo_patches", TARGET), "digits": ("mnist5k", tuple(range(10)))}
PER_CLASS = {"photos": 10, "digits": 10}
CHOSEN = ("mirror", "turn 15°", "shift", "brightness")
PAIRED = ("quarter turns", "resized crop", "contrast", "cutout")  # a kind each
VIEWED = ("none", "mirror", "shift", "scale", "resized crop")  # predicted from several views too
FOR_DIGITS = (
    *("mirror", "upside down", "quarter turns", "turn 15°", "turn 180°", "scale", "shear", "shift"),
    *("resized crop", "cutout", "mixup", "CutMix"),
)
COUNTS = (10, 30, 100)
POLICIES = ("none", "turn 15° + shift")


@dataclass(frozen=True)
class Size:
    """How much is trained and measured."""

    steps: int
    every: int  # steps from one measurement to the next
    source_steps: int
    test_images: int
    seeds: tuple[int, ...]
    repeats: int  # of each transform when its time is taken


SIZES = {
    "tiny": Size(4, 2, 3, 40, (0, 1), 1),
    "short": Size(200, 20, 0, 300, (0, 1, 2), 1),
    "full": Size(160, 40, 300, 500, (0, 1, 2), 30),
}


@dataclass(frozen=True)
class Settings:
    """Everything that one training run depends on, besides the size."""

    data: str  # a name in DATA
    start: str  # a name in RATES
    transform: str  # "none", a name in TRANSFORMS or MIXES, or two names, "a + b", a first
    per_class: int
    seed: int


class Centre(nn.Module):
    """From [0, 1] to about -2 to 2, with no number taken from the data."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The same shape, in the memory format that convolutions like."""
        return ((x - 0.5) / 0.25).contiguous(memory_format=FAST)


def network(classes: int, seed: int, device: torch.device) -> nn.Sequential:
    """A `small_cnn` with batch norm for images in [0, 1]."""
    return fast_net(nn.Sequential(Centre(), *small_cnn(batch_norm, classes=classes, seed=seed)), device)


def as_mix(name: str, transforms: Mapping[str, Transform], mixes: Mapping[str, Mix]) -> Mix:
    """The transforms of a name, "a + b" one after the other, as a function of images and labels.

    Raises ValueError if it returns images of another shape.
    """
    parts = [] if name == "none" else name.split(" + ")

    def changed(
        x: torch.Tensor, y: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        shape = x.shape
        for part in parts:
            if part in mixes:
                x, y = mixes[part](x, y, generator)
            else:
                x = transforms[part](x, generator)
            if not isinstance(x, torch.Tensor) or x.shape != shape:
                came = tuple(x.shape) if isinstance(x, torch.Tensor) else type(x).__name__
                raise ValueError(f"Expected images {tuple(shape)} from the transform {part!r}, got {came}.")
        return x, y

    return changed


def train(
    net: nn.Module, images: Images, change: Mix, *, lr: float, steps: int, every: int, seed: int
) -> Results:
    """Train with Adam on changed images; returns what was measured on the images as they are."""
    torch.set_num_threads(1)
    x, y = images.train_x, images.train_y
    labels = nn.functional.one_hot(y, int(images.test_y.max()) + 1).to(x.dtype)
    order = torch.Generator().manual_seed(seed)
    draws = torch.Generator(x.device).manual_seed(seed)
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    falling = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    keys = ("steps", "loss", "train_accuracy", "test_accuracy", "test_loss")
    record: Results = {"train_seconds": 0.0} | {key: [] for key in keys}
    losses: list[torch.Tensor] = []
    for step in range(1, steps + 1):
        start = time.process_time()
        rows = torch.randperm(len(x), generator=order)[:BATCH].to(x.device)
        net.train()
        changed, wanted = change(x[rows], labels[rows], draws)
        loss = nn.functional.cross_entropy(net(changed), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        falling.step()
        losses.append(loss.detach())
        record["train_seconds"] += time.process_time() - start
        if step % every == 0 or step == steps:
            test_accuracy, test_loss = score(net, images.test_x, images.test_y)
            train_accuracy, _ = score(net, x, y)
            values = (step, torch.stack(losses).mean().item(), train_accuracy, test_accuracy, test_loss)
            for key, value in zip(keys, values, strict=True):
                record[key].append(value)
            losses = []
    return record


def score(net: nn.Module, x: torch.Tensor, y: torch.Tensor, view: str = "one view") -> tuple[float, float]:
    """Accuracy and cross-entropy of the mean of the probabilities over the views of each image."""
    probabilities = mean_probabilities(net, x, view)
    right = probabilities.argmax(1) == y
    loss = nn.functional.nll_loss(probabilities.clamp(min=1e-12).log(), y)
    return int(right.sum()) / len(y), loss.item()


def compare(
    transforms: Mapping[str, Transform] | None = None,
    mixes: Mapping[str, Mix] | None = None,
    size: str = "short",
    data: str = "photos",
) -> Results:
    """Train without augmentation and with each transform, for every seed; see the top of this module.

    Raises ValueError if a transform returns images of another shape, or if "none" or " + " is in a name.
    """
    if transforms is None and mixes is None:
        transforms = {name: TRANSFORMS[name] for name in CHOSEN}
    transforms, mixes = transforms or {}, mixes or {}
    names = [*transforms, *mixes]
    if "none" in names or any(" + " in name for name in names):
        raise ValueError(f'Expected names other than "none" and without " + ", got {", ".join(names)}.')
    points = [
        Settings(data, "scratch", name, PER_CLASS[data], seed)
        for name in ("none", *names)
        for seed in SIZES[size].seeds
    ]
    shown = with_progress("training", points, lambda at: f"{at.transform}, seed {at.seed}")
    records = [_run(at, size, as_mix(at.transform, transforms, mixes))[0] for at in shown]
    return {"about": _about(size, [*names]), "runs": records}


def plan(size: str) -> list[Settings]:
    """The runs of the study, each once."""
    names = ("none", *TRANSFORMS, *MIXES)
    pairs = [f"{a} + {b}" for i, a in enumerate(PAIRED) for b in PAIRED[i + 1 :]]
    photos = PER_CLASS["photos"]
    points = [("photos", start, name, photos) for start in RATES for name in names]
    points += [("digits", "scratch", name, PER_CLASS["digits"]) for name in ("none", *FOR_DIGITS)]
    points += [("photos", "scratch", pair, photos) for pair in pairs]
    points += [("digits", "scratch", name, count) for name in POLICIES for count in COUNTS]
    return list(dict.fromkeys(Settings(*point, seed) for point in points for seed in SIZES[size].seeds))


def study(size: str = "full", begun: Results | None = None) -> Iterator[Results]:
    """The whole study, or what is missing of one that was `begun`; yields the results after every run."""
    results: Results = begun or {
        "about": {},
        "source": [{"seed": seed, "test_accuracy": source(seed, size)[1]} for seed in SIZES[size].seeds],
        "cost": cost(size),
        "views": [],
        "runs": [],
    }
    results["about"] = _about(size, [*TRANSFORMS, *MIXES])

    def measured(at: Settings) -> Results:
        record, net = _run(at, size, as_mix(at.transform, TRANSFORMS, MIXES))
        if at.data == "photos" and at.per_class == PER_CLASS["photos"] and at.transform in VIEWED:
            images = photos_or_digits(at.data, at.per_class, at.seed, size)
            scores = {view: score(net, images.test_x, images.test_y, view) for view in VIEWS}
            accuracy, loss = ({view: pair[i] for view, pair in scores.items()} for i in (0, 1))
            results["views"].append({**asdict(at), "accuracy": accuracy, "loss": loss})
        return record

    yield from run_missing(results, plan(size), measured)


def _run(at: Settings, size: str, change: Mix) -> tuple[Results, nn.Module]:
    s = SIZES[size]
    images = photos_or_digits(at.data, at.per_class, at.seed, size)
    device = images.train_x.device
    classes = len(DATA[at.data][1])
    net = network(classes, at.seed, device)
    if at.start == "fine-tuned":
        learned, _ = source(at.seed, size)
        last = f"{len(net) - 1}."
        fresh = {name: value for name, value in net.state_dict().items() if name.startswith(last)}
        net.load_state_dict({**learned, **fresh})
    lr = RATES[at.start]
    record = train(net, images, change, lr=lr, steps=s.steps, every=s.every, seed=at.seed)
    return {**asdict(at), **record}, net


@cache
def source(seed: int, size: str) -> tuple[Mapping[str, torch.Tensor], float]:
    """Weights and test accuracy of a network that learned the classes in SOURCE from all their patches."""
    images = _of_classes("photo_patches", SOURCE, None, seed, size)
    net = network(len(SOURCE), seed + 1000, images.train_x.device)
    steps = SIZES[size].source_steps
    record = train(
        net, images, as_mix("none", {}, {}), lr=RATES["scratch"], steps=steps, every=steps, seed=seed
    )
    return net.state_dict(), record["test_accuracy"][-1]


def photos_or_digits(data: str, per_class: int, seed: int, size: str) -> Images:
    """The images of a run; which training images it has depends on the seed."""
    name, classes = DATA[data]
    return _of_classes(name, classes, per_class, seed, size)


@cache
def _of_classes(name: str, classes: tuple[int, ...], per_class: int | None, seed: int, size: str) -> Images:
    """`per_class` random training images of each class (None: all), and the test images; labels from 0.

    Pixels are from 0 to 1.
    """
    data, device = read(name), pick_device()
    random = np.random.default_rng(seed)
    chosen = [random.permutation(np.flatnonzero(data.train_labels == c))[:per_class] for c in classes]
    rows = np.concatenate(chosen)
    test = np.flatnonzero(np.isin(data.test_labels, classes))[: SIZES[size].test_images]

    def pixels(images: np.ndarray) -> torch.Tensor:
        colour = np.broadcast_to(images, (*images.shape[:3], 3))
        scaled = colour.transpose(0, 3, 1, 2).astype(np.float32) / 255
        return torch.from_numpy(np.ascontiguousarray(scaled)).to(device)

    def labels(values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.searchsorted(classes, values)).to(device)

    return Images(
        pixels(data.train_images[rows]),
        labels(data.train_labels[rows]),
        pixels(data.test_images[test]),
        labels(data.test_labels[test]),
    )


def cost(size: str) -> list[Results]:
    """Microseconds of CPU time per image of each transform, and of a step of training; batches of BATCH."""
    torch.set_num_threads(1)
    images = _of_classes("photo_patches", TARGET, PER_CLASS["photos"], 0, size)
    x, y = images.train_x[:BATCH], nn.functional.one_hot(images.train_y[:BATCH], len(TARGET)).float()
    generator = torch.Generator(x.device).manual_seed(0)
    net = network(len(TARGET), 0, x.device)
    optimizer = torch.optim.Adam(net.parameters())

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()

    found = []
    for name in (*TRANSFORMS, *MIXES, "training step"):
        change = as_mix(name, TRANSFORMS, MIXES)
        seconds = []
        for _ in range(SIZES[size].repeats + 1):  # the first one warms up
            start = time.process_time()
            if name == "training step":
                step()
            else:
                change(x, y, generator)
            seconds.append(time.process_time() - start)
        found.append({"transform": name, "microseconds": float(np.median(seconds[1:]) * 1e6 / len(x))})
    return found


def _about(size: str, names: list[str]) -> Results:
    return {
        "size": size,
        **asdict(SIZES[size]),
        "transforms": names,
        "paired": PAIRED,
        "counts": COUNTS,
        "policies": POLICIES,
        "per_class": PER_CLASS,
        "batch_size": BATCH,
        "lr": RATES,
        "source_classes": [read("photo_patches").classes[c] for c in SOURCE],
        "target_classes": [read("photo_patches").classes[c] for c in TARGET],
        "network": "lab.nets.small_cnn with batch norm, Adam, learning rate falling to 0 on a line",
        "parameters": count_parameters(network(len(TARGET), 0, torch.device("cpu")))["trained"],
        "data": {name: described(source) for name, (source, _) in DATA.items()},
        **made_with(),
    }


def main() -> None:
    """The command line."""
    run_study("augmentation", study, SIZES)


if __name__ == "__main__":
    main()
