"""The accuracy ladder: one training program, one flag per trick, from a plain network to a good one.

    python -m lab.ladder                        the short ladder, photo-patches, minutes on two cores
    python -m lab.ladder --flip --crop 4        one network with these tricks alone, every seed
    python -m lab.ladder --data cifar10 --size gpu --out ladder.json

Each rung keeps the tricks of the rung below it (`RUNGS`). A result file is written after every training,
and continued: what it holds is not trained again. In a notebook:

    from lab import ladder
    results = ladder.load_results("ladder.json")
    ladder.table(results)              # rows (rung, test accuracy, training accuracy), over the seeds
    ladder.plot_ladder(results)        # both, rung by rung
    ladder.plot_curves(results)        # loss on the training images, epoch by epoch, as they were seen

A run in results["runs"] is a dict: "rung", "seed", "tricks", "lr", "parameters", "loss" (mean of each epoch,
on noisy and augmented images), "train_accuracy" and "test_accuracy" (at the end, images as they are, running
statistics), "seconds". Nothing is chosen by the test images: epochs and rates are fixed beforehand.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from lab.data import read
from lab.dataset import DataError
from lab.device import nn, pick_device, torch
from lab.experiments.command import described, made_with
from lab.experiments.results import Results, load_results, save_results
from lab.ladder_net import network
from lab.ladder_plots import plot_curves, plot_ladder, table
from lab.nets import count_parameters
from lab.progress import Progress
from lab.training import Images, accuracy, as_tensors

__all__ = [
    "ADDED",
    "RUNGS",
    "SIZES",
    "Tricks",
    "ladder",
    "load_results",
    "plot_curves",
    "plot_ladder",
    "prepared",
    "table",
    "train",
    "trained",
]

MOMENTUM, WARM_UP = 0.9, 0.2  # the rate rises over this share of the steps, then falls to 0


@dataclass(frozen=True)
class Tricks:
    """What may be added to the plain network; each field is a flag of the program."""

    noise: float = 0.0  # standard deviation of Gaussian noise on the standardized training images
    batch_norm: bool = False  # behind every convolution
    dropout: float = 0.0  # probability of dropping a feature before the last layer
    weight_decay: float = 0.0  # added to the gradient of every weight, see unit 06
    flip: bool = False  # left and right change places in half of the training images
    crop: int = 0  # training images are moved by up to so many pixels each way, with zeros beyond the border
    instance_norm: bool = False  # each channel of each image is standardized by itself, see unit 03
    width: int = 1  # so many times the channels


ADDED: dict[str, dict[str, Any]] = {
    "plain": {},
    "noise": {"noise": 0.1},
    "batch norm": {"batch_norm": True},
    "dropout": {"dropout": 0.2},
    "weight penalty": {"weight_decay": 5e-4},
    "flip": {"flip": True},
    "crop": {"crop": 4},
    "instance norm": {"instance_norm": True},
    "capacity": {"width": 2},
}


def _climbed() -> dict[str, Tricks]:
    rungs, tricks = {}, Tricks()
    for name, added in ADDED.items():
        rungs[name] = tricks = replace(tricks, **added)
    return rungs


RUNGS = _climbed()


@dataclass(frozen=True)
class Size:
    """How much is trained."""

    channels: int  # of the first convolution, at width 1
    epochs: int
    batch: int
    lr: float  # the highest rate, with batch norm
    plain_lr: float  # and without
    train_images: int | None = None  # all
    test_images: int | None = None
    seeds: tuple[int, ...] = (0, 1, 2)


SIZES = {
    "tiny": Size(2, 1, 64, 0.05, 0.01, 256, 100, (0, 1)),
    "short": Size(8, 6, 64, 0.05, 0.01, 2000),
    "full": Size(8, 20, 64, 0.05, 0.01),
    "cpu": Size(8, 5, 64, 0.05, 0.01),  # all of CIFAR-10 in what two cores do in two hours
    "gpu": Size(64, 40, 512, 0.4, 0.05),
}


def train(tricks: Tricks, data: Images, size: Size, seed: int) -> Results:
    """Train one network with these tricks, on the device of the images; returns what was measured."""
    start = time.perf_counter()
    data = prepared(tricks, data)
    net, losses = trained(tricks, data, size, seed)
    return {
        "tricks": asdict(tricks),
        "lr": size.lr if tricks.batch_norm else size.plain_lr,
        "parameters": count_parameters(net)["trained"],
        "loss": losses,
        "train_accuracy": accuracy(net, data.train_x, data.train_y),
        "test_accuracy": accuracy(net, data.test_x, data.test_y),
        "seconds": time.perf_counter() - start,
    }


def prepared(tricks: Tricks, data: Images) -> Images:
    """All images as these tricks want them, in training and at test time."""
    if not tricks.instance_norm:
        return data
    # Before the crop, whose border then has the mean colour of the image.
    train_x, test_x = (nn.functional.instance_norm(x) for x in (data.train_x, data.test_x))
    return data._replace(train_x=train_x, test_x=test_x)


def trained(tricks: Tricks, data: Images, size: Size, seed: int) -> tuple[nn.Module, list[float]]:
    """A network trained on `prepared` images, and the mean loss of each epoch.

    SGD with Nesterov's momentum; the rate rises on a line, and falls on a line to 0. On a GPU the network is
    compiled and computes in bfloat16, channels last.
    """
    device = data.train_x.device
    net = network(tricks, size.channels, seed).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    run = torch.compile(net) if device.type == "cuda" else net
    optimizer = torch.optim.SGD(
        net.parameters(),
        size.lr if tricks.batch_norm else size.plain_lr,
        MOMENTUM,
        weight_decay=tricks.weight_decay,
        nesterov=True,
    )
    steps = size.epochs * (len(data.train_x) // size.batch)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _share(step, steps))
    draws = torch.Generator(device).manual_seed(seed)
    losses = []
    for _ in range(size.epochs):
        net.train()
        losses.append(_epoch(run, _batches(data, tricks, size.batch, draws), optimizer, rate))
    return net, losses


def _epoch(
    run: Callable[[torch.Tensor], torch.Tensor],
    batches: Iterable[tuple[torch.Tensor, torch.Tensor]],
    optimizer: torch.optim.Optimizer,
    rate: torch.optim.lr_scheduler.LRScheduler,
) -> float:
    """One step per batch; returns the mean loss, read once, for reading makes a GPU wait."""
    losses = []
    for images, labels in batches:
        device = images.device.type
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            loss = nn.functional.cross_entropy(run(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rate.step()
        losses.append(loss.detach())
    return torch.stack(losses).mean().item()


def _share(step: int, steps: int) -> float:
    """Of the highest rate, before a step: up from nearly 0, then down to nearly 0."""
    rising = max(1, round(WARM_UP * steps))
    return min((step + 1) / rising, (steps - step) / max(1, steps - rising), 1.0)


def _batches(
    data: Images, tricks: Tricks, batch: int, draws: torch.Generator
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The training images once, in a new order, each changed anew; a smaller last batch is left out."""
    device = data.train_x.device
    order = torch.randperm(len(data.train_x), generator=draws, device=device)
    for rows in order[: len(order) // batch * batch].split(batch):
        yield changed(data.train_x[rows], tricks, draws), data.train_y[rows]


def changed(x: torch.Tensor, tricks: Tricks, draws: torch.Generator) -> torch.Tensor:
    """Training images (N, C, H, W) as a network with these tricks meets them once."""
    if tricks.flip:
        coins = torch.rand(len(x), generator=draws, device=x.device) < 0.5
        x = torch.where(coins.view(-1, 1, 1, 1), x.flip(-1), x)
    if tricks.crop:
        x = _cropped(x, tricks.crop, draws)
    if tricks.noise:
        x = x + tricks.noise * torch.randn(x.shape, generator=draws, device=x.device)
    return x.contiguous(memory_format=torch.channels_last)


def _cropped(x: torch.Tensor, pad: int, draws: torch.Generator) -> torch.Tensor:
    """A window of the old size out of each padded image, at a place of its own."""
    n, _, height, width = x.shape
    top, left = torch.randint(2 * pad + 1, (2, n, 1), generator=draws, device=x.device)
    rows = top + torch.arange(height, device=x.device)
    columns = left + torch.arange(width, device=x.device)
    padded = nn.functional.pad(x, (pad,) * 4).permute(0, 2, 3, 1)
    image = torch.arange(n, device=x.device).view(-1, 1, 1)
    return padded[image, rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)


def ladder(
    data: str = "photo_patches",
    size: str = "short",
    rungs: dict[str, Tricks] | None = None,
    begun: Results | None = None,
    jobs: int = 1,
) -> Iterator[Results]:
    """Train what is missing of a ladder, `jobs` networks at a time; yields the results after each."""
    rungs, s = rungs or RUNGS, SIZES[size]
    results = begun or {"about": {"rungs": []}, "runs": []}
    names = list(dict.fromkeys([*results["about"]["rungs"], *rungs]))
    results["about"] = _about(data, size, names)
    done = {(run["rung"], run["seed"]) for run in results["runs"]}
    todo = [(name, seed) for seed in s.seeds for name in rungs if (name, seed) not in done]
    progress = Progress("training", len(todo))
    for run in _trained([(data, size, name, rungs[name], seed) for name, seed in todo], jobs):
        results["runs"].append(run)
        results["runs"].sort(key=lambda run: (names.index(run["rung"]), run["seed"]))
        progress.update(1, f"{run['rung']}, seed {run['seed']}: {run['test_accuracy']:.1%}")
        yield results
    progress.close()


def _trained(points: Sequence[tuple[str, str, str, Tricks, int]], jobs: int) -> Iterator[Results]:
    if jobs == 1:
        yield from (_run(*point) for point in points)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from (done.result() for done in as_completed([pool.submit(_run, *point) for point in points]))


def _run(data: str, size: str, name: str, tricks: Tricks, seed: int) -> Results:
    torch.set_num_threads(1)
    return {"rung": name, "seed": seed, **train(tricks, _images(data, size), SIZES[size], seed)}


@cache
def _images(data: str, size: str) -> Images:
    return as_tensors(read(data), SIZES[size].train_images, SIZES[size].test_images)


def _about(data: str, size: str, rungs: Sequence[str]) -> Results:
    return {
        "data": data,
        "source": described(data),
        "size": size,
        **asdict(SIZES[size]),
        "momentum": MOMENTUM,
        "rungs": list(rungs),
        **made_with(),
    }


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _named(tricks: Tricks) -> str:
    """Its flags: a file that is continued tells networks apart by their names."""
    plain = asdict(Tricks())
    given = {key: value for key, value in asdict(tricks).items() if value != plain[key]}
    return " ".join(
        _flag(key) if value is True else f"{_flag(key)} {value:g}" for key, value in given.items()
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m lab.ladder", description=(__doc__ or "").split("\n", 1)[0]
    )
    parser.add_argument("--data", default="photo_patches", help="a data set of 32x32 colour images")
    parser.add_argument("--size", choices=SIZES, default="short")
    parser.add_argument("--jobs", type=int, help="networks at a time (default: 2 on a CPU, 1 on a GPU)")
    parser.add_argument("--out", type=Path, help="a JSON file to write after every training, and to continue")
    tricks = parser.add_argument_group("tricks: one network with these alone, in place of the ladder")
    for field in fields(Tricks):
        kind = {"action": "store_true"} if field.default is False else {"type": type(field.default)}
        tricks.add_argument(_flag(field.name), default=field.default, **kind)
    return parser.parse_args()


def main() -> int:
    """The command line; returns the exit status."""
    options = _options()
    chosen = Tricks(**{field.name: getattr(options, field.name) for field in fields(Tricks)})
    rungs = RUNGS if chosen == Tricks() else {_named(chosen): chosen}
    begun = load_results(options.out) if options.out and options.out.exists() else None
    if begun and (begun["about"]["data"], begun["about"]["size"]) != (options.data, options.size):
        held = f"{begun['about']['data']} of size {begun['about']['size']}"
        print(f"{options.out} holds {held}: name another file, or that.", file=sys.stderr)
        return 2
    jobs = options.jobs or (1 if pick_device().type == "cuda" else 2)
    try:
        results = begun or {"runs": []}
        for results in ladder(options.data, options.size, rungs, begun, jobs):
            if options.out:
                save_results(results, options.out)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    for name, test, training in table(results):
        print(f"{name:15} test {test}   training {training}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
