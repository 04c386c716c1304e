"""Unit 12: within one budget, is one network better, or several small ones, or a larger one in fewer bytes?

    python -m lab.experiments.capstone_budget --size full --out budget.json

    from lab.experiments import capstone_budget as budget
    results = budget.load_results("budget.json")
    budget.budget_table(results)       # a row per way: what it costs, what it reaches
    budget.plot_budget(results)        # test accuracy of each way, without and with the mirror image
    budget.plot_formats(results)       # what float16 and int8 cost, against float32
    budget.budget_values(results, way, "mirrored", "float16")   # one number per seed

A way in WAYS is a number of networks of a width, stored in a format, so that all their numbers (running
statistics of batch norm too) fit into BYTES. The first five multiply about as often in training: a network
of w times the channels costs w^2 times as much per image, so it is trained for fewer epochs. Small networks
still take longer: their time does not go into multiplications. The last two have all epochs, and compute
more. All use TRICKS.

A run in results["runs"] is a dict: "way", "seed", "seconds" (CPU time of training, one thread),
"member_accuracy" (mean of the networks alone, float32) and "stored": for each of FORMATS a dict with
"bytes", "accuracy" and "mirrored" (probabilities averaged over networks; and over the image and its mirror
image). results["about"]["ways"] has networks, channels, epochs, numbers and the format of each way.
Test images are measured at the end; nothing is chosen by them.
"""

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace

from lab import ladder
from lab.device import nn, torch
from lab.experiments.capstone_plots import budget_table, budget_values, plot_budget, plot_formats
from lab.experiments.capstone_training import images, probabilities, tricks_of
from lab.experiments.command import described, made_with, run_missing, run_study
from lab.experiments.results import Results, load_results
from lab.ladder_net import network
from lab.nets import count_parameters

__all__ = [
    "BYTES",
    "FORMATS",
    "SIZES",
    "TRICKS",
    "WAYS",
    "budget_table",
    "budget_values",
    "load_results",
    "plan",
    "plot_budget",
    "plot_formats",
    "study",
]

BYTES = 500_000
TRICKS = ("batch norm", "flip", "crop")
FORMATS = ("float32", "float16", "int8")


@dataclass(frozen=True)
class Way:
    """How the budget is spent."""

    networks: int
    channels: int  # of the first convolution
    stored: str = "float32"
    all_epochs: bool = False  # as many as the one network has: more computing


WAYS = {
    "one network": Way(1, 8),
    "three of a third": Way(3, 5),
    "eight of an eighth": Way(8, 3),
    "twice as large, float16": Way(1, 12, "float16"),
    "four times as large, int8": Way(1, 17, "int8"),
    "twice as large, all epochs": Way(1, 12, "float16", all_epochs=True),
    "four times as large, all epochs": Way(1, 17, "int8", all_epochs=True),
}


SIZES = {  # channels and epochs are those of the one network
    "tiny": replace(ladder.SIZES["short"], epochs=1, train_images=128, test_images=40, seeds=(0, 1)),
    "short": ladder.SIZES["short"],
    "full": replace(ladder.SIZES["short"], epochs=12),
}


@dataclass(frozen=True)
class Settings:
    """Everything that one training run depends on, besides the size."""

    way: str
    seed: int


def epochs_of(way: Way, size: ladder.Size) -> int:
    """So many that a way computes about as much as the one network of the size, or all."""
    if way.all_epochs:
        return size.epochs
    cost = way.networks * way.channels**2 / size.channels**2
    return max(1, round(size.epochs / cost))


def run(at: Settings, size: str) -> Results:
    """Train the networks of a way, and measure them in every format."""
    way = WAYS[at.way]
    s = replace(SIZES[size], channels=way.channels, epochs=epochs_of(way, SIZES[size]))
    data, tricks = images(SIZES[size]), tricks_of(TRICKS)
    begun = time.process_time()
    torch.set_num_threads(1)
    seeds = [100 * at.seed + member for member in range(way.networks)]
    nets = [ladder.trained(tricks, data, s, seed)[0].eval() for seed in seeds]
    seconds = time.process_time() - begun

    def right(nets: list[nn.Module], mirrored: bool = False) -> float:
        found = probabilities(nets, data.test_x, mirrored=mirrored).argmax(dim=1)
        return (found == data.test_y).double().mean().item()

    stored = {}
    for name in FORMATS:
        kept = [as_stored(net, name) for net in nets]
        size_in_bytes = sum(bytes_of(net, name) for net in nets)
        stored[name] = {"bytes": size_in_bytes, "accuracy": right(kept), "mirrored": right(kept, True)}
    alone = sum(right([net]) for net in nets) / len(nets)
    return {**asdict(at), "seconds": seconds, "member_accuracy": alone, "stored": stored}


def as_stored(net: nn.Module, stored: str) -> nn.Module:
    """A copy of the network with the numbers that a file in this format gives back."""
    change: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "float32": lambda values: values,
        "float16": lambda values: values.half().float(),
        "int8": lambda values: of_255_levels(values) if values.ndim > 1 else values,
    }
    copied = copy.deepcopy(net)
    known = {
        name: change[stored](values) if values.is_floating_point() else values
        for name, values in net.state_dict().items()
    }
    copied.load_state_dict(known)
    return copied


def of_255_levels(weight: torch.Tensor) -> torch.Tensor:
    """Each output channel in whole multiples of its largest weight / 127 (cp-quantize), as floats again."""
    levels = weight.flatten(1).abs().amax(dim=1).clamp(min=torch.finfo(weight.dtype).tiny) / 127
    levels = levels.view(-1, *(1,) * (weight.ndim - 1))
    return (weight / levels).round() * levels


def bytes_of(net: nn.Module, stored: str) -> int:
    """Of the arrays in the file; with int8, scales and all that is no weight are float32. No step counter."""
    arrays = [values for values in net.state_dict().values() if values.is_floating_point()]
    if stored == "int8":
        return sum(a.numel() + 4 * len(a) if a.ndim > 1 else 4 * a.numel() for a in arrays)
    return sum(a.numel() for a in arrays) * (2 if stored == "float16" else 4)


def plan(size: str) -> list[Settings]:
    """The runs of the study, seed by seed."""
    return [Settings(way, seed) for seed in SIZES[size].seeds for way in WAYS]


def study(size: str = "full", begun: Results | None = None) -> Iterator[Results]:
    """All of `plan`, or what is missing of one that was `begun`; yields the results after every run."""
    results: Results = begun or {"about": {}, "runs": []}
    results["about"] = _about(size)
    yield from run_missing(results, plan(size), lambda at: run(at, size))


def _about(size: str) -> Results:
    s = SIZES[size]
    ways = {}
    for name, way in WAYS.items():
        counts = count_parameters(network(tricks_of(TRICKS), way.channels, 0))
        numbers = way.networks * sum(counts.values())
        ways[name] = {**asdict(way), "epochs": epochs_of(way, s), "numbers": numbers}
    return {
        "data": described("photo_patches"),
        "size": size,
        **asdict(s),
        "momentum": ladder.MOMENTUM,
        "tricks": TRICKS,
        "bytes": BYTES,
        "formats": FORMATS,
        "ways": ways,
        **made_with(),
    }


def main() -> None:
    """The command line."""
    run_study("capstone_budget", study, SIZES)


if __name__ == "__main__":
    main()
