"""Unit 03's opening: what small batches do to batch normalization, on a network that trains in a second.

small_batches(seed): dicts {norm: one of NORMS, batch: one of BATCHES, seed, error: of the test images}.
Two hidden layers of 32 ReLU units on 8x8 digits, SGD with momentum 0.9, four times over 600 images; the
learning rate is 0.1 for batches of 32 and in proportion to the batch.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from lab.data import read
from lab.experiments.results import Results
from lab.plots import BLUE, GREY, ORANGE, as_percent, figure, house_style, mean_and_range, plain_log_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["BATCHES", "NORMS", "plot_small_batches", "small_batches"]

BATCHES = (2, 4, 8, 16, 32)
NORMS: dict[str, Callable[[int], nn.Module]] = {
    "none": nn.Identity,
    "batch norm": nn.BatchNorm1d,
    "layer norm": nn.LayerNorm,
}
TRAINING, EPOCHS = 600, 4
RATE = 0.1 / 32  # for each image of a batch
COLOURS = {"none": (GREY, "v"), "batch norm": (BLUE, "o"), "layer norm": (ORANGE, "s")}


def small_batches(seed: int) -> list[Results]:
    """Train once for each norm and batch size. seed: of the weights and of the order of the images."""
    data = read("digits")
    chosen = np.random.default_rng(0).permutation(len(data.train_images))[:TRAINING]
    training = _pixels(data.train_images[chosen]), torch.tensor(data.train_labels[chosen])
    test = _pixels(data.test_images), torch.tensor(data.test_labels)
    return [
        {"norm": norm, "batch": batch, "seed": seed, "error": _test_error(make, batch, seed, training, test)}
        for norm, make in NORMS.items()
        for batch in BATCHES
    ]


Examples = tuple[torch.Tensor, torch.Tensor]


def _pixels(images: np.ndarray) -> torch.Tensor:
    """Pixels from 0 to 16 as rows of numbers from -1 to 1."""
    return torch.tensor(images.reshape(len(images), -1) / 8 - 1, dtype=torch.float32)


def _test_error(
    norm: Callable[[int], nn.Module], batch: int, seed: int, training: Examples, test: Examples
) -> float:
    torch.manual_seed(seed)
    hidden = [nn.Linear(64, 32), norm(32), nn.ReLU(), nn.Linear(32, 32), norm(32), nn.ReLU()]
    net, order = nn.Sequential(*hidden, nn.Linear(32, 10)), np.random.default_rng(seed)
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE * batch, momentum=0.9)
    x, y = training
    for _ in range(EPOCHS):
        for at in order.permutation(TRAINING)[: TRAINING // batch * batch].reshape(-1, batch):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[at]), y[at]).backward()
            optimizer.step()
    with torch.no_grad():
        return (net.eval()(test[0]).argmax(1) != test[1]).double().mean().item()


@house_style
def plot_small_batches(results: Results, norms: tuple[str, ...] = tuple(NORMS)) -> "Figure":
    """Test error over the batch size."""
    fig, [ax] = figure(1, width=5, height=2.8)
    for norm in norms:
        of_norm = [record for record in results["small batches"] if record["norm"] == norm]
        seeds = sorted({record["seed"] for record in of_norm})
        errors = {(record["seed"], record["batch"]): record["error"] for record in of_norm}
        values = np.array([[errors[seed, batch] for batch in BATCHES] for seed in seeds])
        colour, marker = COLOURS[norm]
        label = {"none": "no normalization"}.get(norm, norm)
        mean_and_range(ax, BATCHES, values, label=label, colour=colour, marker=marker)
    as_percent(ax, "test error")
    plain_log_ticks(ax, BATCHES, "batch size")
    ax.legend()
    return fig
