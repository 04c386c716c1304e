"""What the runs on `lab.nets.dense_cnn` share, of units 05 to 07: images, and a training that is measured."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from typing import Any

from lab.data import read
from lab.device import nn, torch
from lab.experiments.results import Results
from lab.training import Images, as_tensors, train_epoch

FAST = torch.channels_last  # max-pooling on a CPU takes less time with it
MEASURED = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
Fit = Callable[[nn.Module, torch.Tensor, torch.Tensor], tuple[float, float]]  # net, x, y -> loss, accuracy


@cache
def fast_images(name: str, train: int, val: int) -> Images:
    """The first images of a set, in the memory format FAST."""
    images = as_tensors(read(name), train, val)
    train_x, test_x = (x.contiguous(memory_format=FAST) for x in (images.train_x, images.test_x))
    return images._replace(train_x=train_x, test_x=test_x)


def fast_net(net: nn.Sequential, device: torch.device) -> nn.Sequential:
    """The network itself, on the device and in the memory format FAST."""
    return net.to(device=device, memory_format=FAST)  # type: ignore[call-overload]  # torch's types lack it


def score(scores: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
    """Cross-entropy and accuracy of scores (N, K) for labels (N,)."""
    right = (scores.argmax(dim=1) == y).sum().item()
    return nn.functional.cross_entropy(scores, y).item(), right / len(y)


class Run:
    """A network in training; `record` has its settings, a dataclass with a seed, and what was measured."""

    optimizer: torch.optim.Optimizer

    def __init__(self, settings: Any, net: nn.Sequential, images: Images, batch: int, fit: Fit) -> None:
        torch.set_num_threads(1)
        self.settings, self.images, self.batch, self.fit = settings, images, batch, fit
        self.net = fast_net(net, images.train_x.device)
        self.shuffle = torch.Generator().manual_seed(settings.seed)
        self.record: Results = {**asdict(settings), "train_seconds": 0.0, "epochs": [], "loss": []}
        self.record |= {key: [] for key in MEASURED}

    def train(self, epochs: int, every: int) -> None:
        """Train; measure after every `every` epochs and after the last one; NaN once it diverged."""
        loss = 0.0
        for epoch in range(1, epochs + 1):
            start = time.process_time()
            if math.isfinite(loss):
                loss = train_epoch(self.net, self.images, self.optimizer, self.batch, self.shuffle)
            self.record["train_seconds"] += time.process_time() - start
            if epoch % every == 0 or epoch == epochs:
                self._measure(epoch, loss)

    def _measure(self, epoch: int, loss: float) -> None:
        i = self.images
        values = [*self.fit(self.net, i.train_x, i.train_y), *self.fit(self.net, i.test_x, i.test_y)]
        for key, value in zip(("epochs", "loss", *MEASURED), (epoch, loss, *values), strict=True):
            self.record[key].append(value)
