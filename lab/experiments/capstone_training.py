"""The ladder's training, for measurements that need the network and not its accuracy alone."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from lab.data import read
from lab.device import nn, torch
from lab.ladder import ADDED, MOMENTUM, SIZES, Tricks, changed
from lab.ladder_net import network
from lab.training import Images, as_tensors

WARM_UP = 0.2  # the rate rises over this share of the steps, then falls to 0, as in `lab.ladder`
TRICKS = tuple(name for name in ADDED if name not in ("plain", "capacity"))  # capacity breaks the budget


def tricks_of(names: Sequence[str] | frozenset[str]) -> Tricks:
    """The settings of a set of the ladder's tricks, by their names in TRICKS."""
    unknown = set(names) - set(TRICKS)
    if unknown:
        raise ValueError(f"Expected names of {', '.join(TRICKS)}, got {', '.join(sorted(unknown))}.")
    added: dict = {}
    for name in names:
        added |= ADDED[name]
    return Tricks(**added)


@cache
def images(size: str, train_images: int | None = None, test_images: int | None = None) -> Images:
    """The first photo-patches of both splits, standardized; None: as many as this size of the ladder has."""
    s = SIZES[size]
    return as_tensors(read("photo_patches"), train_images or s.train_images, test_images or s.test_images)


def standardized(pixels: np.ndarray) -> torch.Tensor:
    """Other images, uint8 (N, H, W, 3), scaled with mean and deviation of the training images."""
    data = read("photo_patches")
    known = data.train_images / 255
    mean, std = known.mean(axis=(0, 1, 2)), known.std(axis=(0, 1, 2))
    scaled = ((pixels / 255 - mean) / std).astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(0, 3, 1, 2)))


def trained(
    tricks: Tricks, data: Images, *, channels: int, epochs: int, batch: int, lr: float, seed: int
) -> nn.Module:
    """The network that `ladder.train` trains with these settings, after its last step.

    Not for instance norm, which the ladder applies to the images before.
    """
    torch.set_num_threads(1)
    device = data.train_x.device
    net = network(tricks, channels, seed).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(
        net.parameters(), lr, MOMENTUM, weight_decay=tricks.weight_decay, nesterov=True
    )
    of_epoch = len(data.train_x) // batch
    steps = epochs * of_epoch
    draws = torch.Generator(device).manual_seed(seed)
    net.train()
    for step in range(steps):
        if step % of_epoch == 0:
            order = torch.randperm(len(data.train_x), generator=draws, device=device)
        rows = order[step % of_epoch * batch :][:batch]
        loss = nn.functional.cross_entropy(
            net(changed(data.train_x[rows], tricks, draws)), data.train_y[rows]
        )
        optimizer.zero_grad()
        loss.backward()
        for group in optimizer.param_groups:
            group["lr"] = lr * share_of_rate(step, steps)
        optimizer.step()
    return net.eval()


def share_of_rate(step: int, steps: int) -> float:
    """Of the highest rate, at a step: up on a line, then down."""
    rising = max(1, round(WARM_UP * steps))
    return min((step + 1) / rising, (steps - step) / max(1, steps - rising), 1.0)


@torch.no_grad()
def probabilities(nets: Sequence[nn.Module], x: torch.Tensor, *, mirrored: bool = False) -> torch.Tensor:
    """Mean of the networks' probabilities (N, K), of each image or of the image and its mirror image."""
    views = (x, x.flip(-1)) if mirrored else (x,)
    found = [
        torch.cat([net(part).softmax(dim=1) for part in view.split(500)]) for net in nets for view in views
    ]
    return torch.stack(found).mean(dim=0)
