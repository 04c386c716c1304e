"""The problem of unit 09: a small network on few digits, its six hyperparameters, and one training run."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from lab.data import read
from lab.device import nn, pick_device, torch
from lab.experiments.hyperparameters_pool import KNOWS_NOTHING, SPACE, Config

SET = "mnist5k"
SIDE = 14  # pixels, after 2x2 of them are averaged
BASE: Config = {
    "lr": 0.03,
    "momentum": 0.9,
    "weight_decay": 1e-3,
    "batch": 32,
    "width": 64,
    "dropout": 0.2,
}


@dataclass(frozen=True)
class Amount:
    """How many images there are to train on, to choose with and to test with, and for how many epochs."""

    train: int
    validation: int
    test: int
    epochs: int


class Images(NamedTuple):
    """Images (N, 196), standardized with the training images, and labels (N,)."""

    train_x: torch.Tensor
    train_y: torch.Tensor
    validation_x: torch.Tensor
    validation_y: torch.Tensor
    test_x: torch.Tensor
    test_y: torch.Tensor


class Epoch(NamedTuple):
    """After an epoch: mean training loss of its steps, loss and accuracy on the validation images."""

    train_loss: float
    loss: float
    accuracy: float


@cache
def images(train: int, validation: int, test: int) -> Images:
    """The first images to train on, the next to choose with, and the last ones of all to test with."""
    data = read(SET)
    pixels = np.concatenate([data.train_images, data.test_images])[..., 0] / 255
    labels = torch.from_numpy(np.concatenate([data.train_labels, data.test_labels]))
    small = pixels.reshape(-1, SIDE, 2, SIDE, 2).mean(axis=(2, 4)).reshape(-1, SIDE * SIDE)
    first = small[:train]
    x = torch.from_numpy((small - first.mean()) / first.std()).float()
    rows = (slice(train), slice(train, train + validation), slice(len(x) - test, None))
    device = pick_device()
    return Images(*(part[row].to(device) for row in rows for part in (x, labels)))


def network(config: Config, seed: int) -> nn.Sequential:
    """One hidden layer of ReLU units with dropout; the start is PyTorch's own."""
    torch.manual_seed(seed)
    width = config["width"]
    return nn.Sequential(
        nn.Linear(SIDE * SIDE, width), nn.ReLU(), nn.Dropout(config["dropout"]), nn.Linear(width, 10)
    )


def sgd(net: nn.Module, config: Config) -> torch.optim.SGD:
    """Stochastic gradient descent with this configuration's rate, momentum and weight decay."""
    options = {key: config[key] for key in ("lr", "momentum", "weight_decay")}
    return torch.optim.SGD(net.parameters(), **options, fused=True)


def epochs(net: nn.Sequential, config: Config, data: Images, count: int, seed: int) -> Iterator[Epoch]:
    """Train `net` in place; yields after each epoch, and ends where the loss is no longer a number."""
    torch.set_num_threads(1)
    net.to(data.train_x.device)
    optimizer, shuffle = sgd(net, config), torch.Generator().manual_seed(seed)
    for _ in range(count):
        net.train()
        order = torch.randperm(len(data.train_x), generator=shuffle).to(data.train_x.device)
        losses = []
        for rows in order.split(config["batch"]):
            step_loss = nn.functional.cross_entropy(net(data.train_x[rows]), data.train_y[rows])
            optimizer.zero_grad()
            step_loss.backward()
            optimizer.step()
            losses.append(step_loss.detach())
        loss, accuracy = evaluate(net, data.validation_x, data.validation_y)
        yield Epoch(torch.stack(losses).mean().item(), loss, accuracy)
        if not loss >= 0:  # it is no number
            return


@torch.no_grad()
def evaluate(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
    """Cross-entropy and accuracy in eval mode; NaN and 0 once it diverged."""
    net.eval()
    scores = net(x)
    loss = nn.functional.cross_entropy(scores, y).item()
    return (loss, (scores.argmax(1) == y).float().mean().item()) if math.isfinite(loss) else (math.nan, 0.0)


def train(config: Config, seed: int, of: Amount, *, test: bool = False) -> dict[str, Any]:
    """One run: loss (of the validation images, a value per epoch) and accuracy, and of the test images.

    The test images are looked at with test=True alone.
    """
    data, net = images(of.train, of.validation, of.test), network(config, seed)
    history = list(epochs(net, config, data, of.epochs, seed))
    lost = [math.nan] * (of.epochs - len(history))
    record: dict[str, Any] = {
        "loss": [round(epoch.loss, 4) for epoch in history] + lost,
        "accuracy": history[-1].accuracy,
    }
    if test:
        record["test_loss"], record["test_accuracy"] = evaluate(net, data.test_x, data.test_y)
    return record


def blocks(config: Config, seed: int, of: Amount, size: int = 100) -> dict[str, Any]:
    """One run: accuracy on each block of `size` validation images, on all of them and on the test images."""
    data, net = images(of.train, of.validation, of.test), network(config, seed)
    history = list(epochs(net, config, data, of.epochs, seed))
    parts = zip(data.validation_x.split(size), data.validation_y.split(size), strict=True)
    return {
        "loss": [history[-1].loss],
        "accuracy": history[-1].accuracy,
        "blocks": [evaluate(net, x, y)[1] for x, y in parts],
        "test_accuracy": evaluate(net, data.test_x, data.test_y)[1],
    }


def suggest(trial: Any, space: Mapping[str, tuple] = SPACE) -> Config:
    """A configuration from an optuna trial; of a momentum, 1 - momentum is asked for, on a log scale."""
    config: Config = {}
    for name, (scale, *values) in space.items():
        if scale == "choice":
            config[name] = trial.suggest_categorical(name, values[0])
        elif scale == "one-minus-log":
            low, high = 1 - values[1], 1 - values[0]
            config[name] = 1 - trial.suggest_float(f"1 - {name}", low, high, log=True)
        else:
            config[name] = trial.suggest_float(name, *values, log=scale == "log")
    return config


def score(loss: float) -> float:
    """A validation loss to compare trials by: what is no number, or above log 10, counts as log 10."""
    return min(loss, KNOWS_NOTHING) if math.isfinite(loss) else KNOWS_NOTHING
