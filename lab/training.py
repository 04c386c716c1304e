"""A plain training loop: stochastic gradient descent with momentum, one history per run."""

import math
import time
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from lab.dataset import Dataset
from lab.device import nn, pick_device, torch
from lab.progress import Progress


class Images(NamedTuple):
    """A data set as tensors: images (N, C, H, W) and labels (N,)."""

    train_x: torch.Tensor
    train_y: torch.Tensor
    test_x: torch.Tensor
    test_y: torch.Tensor


@dataclass
class History:
    """One value per epoch: mean training loss, accuracy on the test images, seconds. NaN once it diverged."""

    loss: list[float] = field(default_factory=list)
    test_accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def as_tensors(
    data: Dataset,
    train_size: int | None = None,
    test_size: int | None = None,
    device: torch.device | None = None,
) -> Images:
    """The first images of a data set as tensors, scaled with mean and deviation of its training images."""
    device = device or pick_device()
    pixels = data.train_images.astype(np.float32) / 255
    # Summing five million float32 numbers in float32 would put the mean off by 0.001.
    mean = pixels.mean(axis=(0, 1, 2), dtype=np.float64).astype(np.float32)
    std = pixels.std(axis=(0, 1, 2), dtype=np.float64).astype(np.float32)

    def images(array: np.ndarray) -> torch.Tensor:
        standardized = (array.astype(np.float32) / 255 - mean) / std
        return torch.from_numpy(np.ascontiguousarray(standardized.transpose(0, 3, 1, 2))).to(device)

    def labels(array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array).to(device)

    return Images(
        images(data.train_images[:train_size]),
        labels(data.train_labels[:train_size]),
        images(data.test_images[:test_size]),
        labels(data.test_labels[:test_size]),
    )


def train(
    net: nn.Module,
    data: Images,
    *,
    lr: float,
    epochs: int,
    batch_size: int,
    seed: int,
    momentum: float = 0.9,
    progress: Progress | None = None,
) -> History:
    """Train `net` in place and return its history. Stops when the loss is no longer a number.

    A last batch smaller than `batch_size` is left out: batch normalization would see fewer images in it.
    """
    torch.set_num_threads(1)
    net.to(data.train_x.device)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=momentum)
    shuffle = torch.Generator().manual_seed(seed)
    history = History()
    for _ in range(epochs):
        start = time.perf_counter()
        diverged = bool(history.loss) and not math.isfinite(history.loss[-1])
        loss = math.nan if diverged else train_epoch(net, data, optimizer, batch_size, shuffle)
        history.seconds.append(time.perf_counter() - start)
        history.loss.append(loss)
        history.test_accuracy.append(accuracy(net, data.test_x, data.test_y))
        if progress:
            progress.update(1, f"loss {loss:.3f}, test accuracy {history.test_accuracy[-1]:.1%}")
    return history


def train_epoch(
    net: nn.Module,
    data: Images,
    optimizer: torch.optim.Optimizer,
    batch_size: int,
    shuffle: torch.Generator,
) -> float:
    """One pass over the training images in a new order; returns the mean loss of its steps."""
    net.train()
    order = torch.randperm(len(data.train_x), generator=shuffle).to(data.train_x.device)
    total = torch.zeros((), device=data.train_x.device)
    steps = len(order) // batch_size
    for rows in order[: steps * batch_size].split(batch_size):
        loss = nn.functional.cross_entropy(net(data.train_x[rows]), data.train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.detach()
    return total.item() / steps


@torch.no_grad()
def accuracy(
    net: nn.Module, x: torch.Tensor, y: torch.Tensor, *, batch_size: int = 500, training: bool = False
) -> float:
    """Share of images (N, C, H, W) classified right, in eval mode or in train mode (batch statistics).

    The running statistics that train mode would change are put back.
    """
    kept = {name: value.clone() for name, value in net.state_dict().items()}
    net.train(training)
    pairs = zip(x.split(batch_size), y.split(batch_size), strict=True)
    right = sum(int((net(images).argmax(dim=1) == labels).sum()) for images, labels in pairs)
    net.load_state_dict(kept)
    net.eval()
    return right / len(x)


@torch.no_grad()
def evaluate(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
    """Cross-entropy and accuracy in eval mode; NaN and 0 once it diverged. The mode is put back."""
    mode = net.training
    net.eval()
    scores = torch.cat([net(part) for part in x.split(500)])
    net.train(mode)
    loss = nn.functional.cross_entropy(scores, y).item()
    right = (scores.argmax(1) == y).float().mean().item()
    return (loss, right) if math.isfinite(loss) else (math.nan, 0.0)
