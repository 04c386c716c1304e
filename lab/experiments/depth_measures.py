"""The data of unit 04's experiments, one training run, and what is measured on a network."""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from lab.data import read
from lab.device import nn, pick_device, torch
from lab.training import accuracy

Record = dict[str, Any]
SETS = {"mnist": "mnist5k", "photos": "photo_patches", "cifar10": "cifar10"}
INPUTS = ("standardized", "centred", "raw")
BATCH = 64
MOMENTUM = 0.9
PROBED = 256  # images that gradients and activations at the start are measured on
ACTIVATIONS = (nn.Sigmoid, nn.Tanh, nn.ReLU, nn.LeakyReLU, nn.ELU)


@dataclass(frozen=True)
class Amount:
    """How many images, how many steps, and how many steps a value of the training curve stands for."""

    train: int
    validation: int
    test: int
    steps: int
    every: int


@dataclass(frozen=True)
class Prepared:
    """Images (N, C, H, W) with labels (N,): to train, to choose a rate, to test with."""

    train_x: torch.Tensor
    train_y: torch.Tensor
    validation_x: torch.Tensor
    validation_y: torch.Tensor
    test_x: torch.Tensor
    test_y: torch.Tensor


@cache
def prepared(name: str, form: str, amount: Amount) -> Prepared:
    """The first images of a set; of colour images each 2x2 pixels are averaged: (N, 3, 16, 16).

    `form` is one of INPUTS: "raw" pixels from 0 to 255, "centred" (less the mean of the training images per
    channel), "standardized" (that, over their standard deviation per channel).
    """
    data, device = read(SETS[name]), pick_device()
    last = amount.train + amount.validation
    parts = [
        _images(data.train_images[: amount.train]),
        _images(data.train_images[amount.train : last]),
        _images(data.test_images[: amount.test]),
    ]
    std, mean = torch.std_mean(parts[0].double(), dim=(0, 2, 3), correction=0)
    shift = torch.zeros_like(mean) if form == "raw" else mean
    scale = std if form == "standardized" else torch.ones_like(std)
    shift, scale = (values.float().view(-1, 1, 1) for values in (shift, scale))
    labels = [torch.from_numpy(y) for y in (data.train_labels[:last], data.test_labels[: amount.test])]
    train, validation, test = ((part - shift) / scale for part in parts)
    found = (
        *(train, labels[0][: amount.train]),
        *(validation, labels[0][amount.train :]),
        *(test, labels[1]),
    )
    return Prepared(*(part.to(device) for part in found))


def _images(pixels: np.ndarray) -> torch.Tensor:
    images = torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), np.float32))
    return nn.functional.avg_pool2d(images, 2) if images.shape[1] == 3 else images


def fit(net: nn.Module, data: Prepared, amount: Amount, *, rate: float, seed: int) -> Record:
    """Train with SGD and momentum at one rate; a loss that is no number ends it, and what is left is NaN.

    Returns loss, a mean for every `amount.every` steps; train_accuracy, validation_accuracy and
    test_accuracy at the end.
    """
    torch.set_num_threads(1)
    net.to(data.train_x.device).train()
    optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=MOMENTUM, fused=True)
    draw = torch.Generator().manual_seed(seed)
    record: Record = {"loss": [math.nan] * (amount.steps // amount.every)}
    for place in range(len(record["loss"])):
        total = torch.zeros((), device=data.train_x.device)
        for _ in range(amount.every):
            rows = torch.randint(len(data.train_x), (BATCH,), generator=draw).to(data.train_x.device)
            loss = nn.functional.cross_entropy(net(data.train_x[rows]), data.train_y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach()
        record["loss"][place] = total.item() / amount.every
        if not math.isfinite(record["loss"][place]):
            break
    record["train_accuracy"] = accuracy(net, data.train_x[: amount.test], data.train_y[: amount.test])
    record["validation_accuracy"] = accuracy(net, data.validation_x, data.validation_y)
    record["test_accuracy"] = accuracy(net, data.test_x, data.test_y)
    return record


def start(net: nn.Module, data: Prepared) -> Record:
    """By layer, from the first, before any training and for PROBED images: what arrives.

    gradient: Frobenius norm of the gradient of the weights of each linear or convolutional layer, the one of
    the scores included; std: of each unit behind an activation over the images, averaged over the units;
    std_at: how many such layers are before it. What is inside the branch of a `Skip` is not taken.
    """
    net.to(data.train_x.device).train()
    weights: list[torch.Tensor] = []
    std_at: list[int] = []
    outputs: list[torch.Tensor] = []
    hooks = []
    for name, module in net.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            weights.append(module.weight)
        elif isinstance(module, ACTIVATIONS) and "branch" not in name.split("."):
            std_at.append(len(weights))
            hooks.append(
                module.register_forward_hook(lambda module, inputs, output: outputs.append(output.detach()))
            )
    loss = nn.functional.cross_entropy(net(data.train_x[:PROBED]), data.train_y[:PROBED])
    gradients = torch.autograd.grad(loss, weights)
    for hook in hooks:
        hook.remove()
    return {
        "gradient": [float(gradient.norm()) for gradient in gradients],
        "std": [float(output.std(dim=0).mean()) for output in outputs],
        "std_at": std_at,
    }


@torch.no_grad()
def silent_share(net: nn.Module, images: torch.Tensor) -> float:
    """The share of hidden units whose z is not positive for any of the images: dead ones, with ReLU.

    NaN for a network whose weights are no longer numbers.
    """
    if not all(values.isfinite().all() for values in net.parameters()):
        return math.nan
    net.eval()
    alive: list[torch.Tensor] = []
    hooks = [
        module.register_forward_pre_hook(lambda module, inputs: alive.append((inputs[0] > 0).any(dim=0)))
        for module in net.modules()
        if isinstance(module, ACTIVATIONS)
    ]
    net(images)
    for hook in hooks:
        hook.remove()
    return 1 - float(torch.cat(alive).float().mean())
