"""One training run of each part of unit 03's experiments, and what is measured on it."""

import math
from collections.abc import Callable
from typing import Any

from lab.device import nn, torch
from lab.experiments.family_data import LIGHT, UNCHANGED, Prepared, relit
from lab.experiments.family_nets import directions, linears
from lab.training import Images, accuracy, train_epoch

Record = dict[str, Any]
BLANK_ROWS = (0, 4, 8, 16, 28)


def fit(
    net: nn.Module,
    data: Prepared,
    *,
    rate: float,
    batch: int,
    epochs: int,
    seed: int,
    momentum: float = 0.9,
    falling: bool = True,
    watch: Callable[[], Record] = dict,
) -> Record:
    """Train with SGD; `falling`: the rate falls to 0 on a line, a step an epoch. NaN once it diverged.

    Returns lists with a value per epoch: loss, validation_accuracy, and the numbers that `watch` returns; and
    at the end train_accuracy and test_accuracy.
    """
    torch.set_num_threads(1)
    net.to(data.train_x.device)
    shown = Images(data.train_x, data.train_y, data.test_x, data.test_y)
    optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=momentum)
    shuffle = torch.Generator().manual_seed(seed)
    record: Record = {"loss": [], "validation_accuracy": []}
    for epoch in range(epochs):
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 - epoch / epochs) if falling else rate
        diverged = bool(record["loss"]) and not math.isfinite(record["loss"][-1])
        loss = math.nan if diverged else train_epoch(net, shown, optimizer, batch, shuffle)
        valid = accuracy(net, data.validation_x, data.validation_y)
        for key, value in {"loss": loss, "validation_accuracy": valid, **watch()}.items():
            record.setdefault(key, []).append(value)
    record["train_accuracy"] = accuracy(net, data.train_x, data.train_y)
    record["test_accuracy"] = accuracy(net, data.test_x, data.test_y)
    return record


def illumination(net: nn.Module, data: Prepared, images: int) -> dict[str, list[float]]:
    """Accuracy on test images for every kind and value of LIGHT."""
    plain = accuracy(net, data.test_x[:images], data.test_y[:images])

    def seen(kind: str, value: float) -> float:
        if value == UNCHANGED[kind]:
            return plain
        changed = relit(data, kind, value, images)
        return accuracy(net, changed.test_x, changed.test_y)

    return {kind: [seen(kind, value) for value in values] for kind, values in LIGHT.items()}


def train_mode_accuracy(net: nn.Module, data: Prepared, batch: int) -> float:
    """Test accuracy where every full batch of test images has its own statistics."""
    whole = len(data.test_x) // batch * batch
    return accuracy(net, data.test_x[:whole], data.test_y[:whole], batch_size=batch, training=True)


def longer(net: nn.Module, data: Prepared) -> dict[str, list[float]]:
    """Test accuracy with BLANK_ROWS rows of background before each image (N, 1, H, W), and behind it."""
    background = data.test_x.min().item()

    def seen(above: int, below: int) -> float:
        taller = nn.functional.pad(data.test_x, (0, 0, above, below), value=background)
        return accuracy(net, taller, data.test_y)

    return {
        "before": [seen(rows, 0) for rows in BLANK_ROWS],
        "behind": [seen(0, rows) for rows in BLANK_ROWS],
    }


def length_watch(net: nn.Module) -> Callable[[], Record]:
    """A `watch`: the mean length of v over all units, and how far the first layer's rows turned since."""
    layers = linears(net)
    before = directions(layers[0]).detach().clone()

    def watch() -> Record:
        nonlocal before
        lengths = torch.cat([directions(layer).detach().norm(dim=1) for layer in layers])
        now = directions(layers[0]).detach().clone()
        cosine = nn.functional.cosine_similarity(before.double(), now.double(), dim=1)
        before = now
        return {
            "length": lengths.mean().item(),
            "angle": cosine.clamp(-1, 1).acos().rad2deg().mean().item(),
        }

    return watch
