"""The curves of unit 09's sick training programs, each with one fault, beside a healthy one.

    from lab.experiments import hyperparameters_sick as sick
    sick.PROGRAMS["rate too high"].says          # what is wrong, in a sentence
    sick.run("rate too high", seed=0, of=amount)    # {"train_loss", "loss", "train_accuracy", "accuracy"}

Each list has a value per epoch; a loss that was no number is NaN. `loss` and `accuracy` are those of the
validation images, as the program measures them, with its fault.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lab.device import nn, torch
from lab.experiments.hyperparameters_problem import BASE, Amount, Config, Images, images, network, sgd

Criterion = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
cross_entropy = nn.functional.cross_entropy


@dataclass(frozen=True)
class Program:
    """A training program: what differs from the healthy one."""

    says: str
    config: Config = field(default_factory=dict)
    criterion: Criterion = cross_entropy
    prepare: Callable[[Images, int], Images] = lambda data, seed: data
    start: Callable[[nn.Sequential], None] = lambda net: None
    shuffled: bool = True
    zeroed: bool = True
    evaluated: bool = True  # validation in eval mode


def shuffle_labels(data: Images, seed: int) -> Images:
    """The labels of the training images in another order than the images."""
    order = torch.randperm(len(data.train_y), generator=torch.Generator().manual_seed(seed))
    return data._replace(train_y=data.train_y[order.to(data.train_y.device)])


def sort_classes(data: Images, seed: int) -> Images:
    """The training images in the order of their classes."""
    order = data.train_y.argsort(stable=True)
    return data._replace(train_x=data.train_x[order], train_y=data.train_y[order])


def leak(data: Images, seed: int) -> Images:
    """The second half of the training images are validation images."""
    half = len(data.train_x) // 2
    return data._replace(
        train_x=torch.cat([data.train_x[:half], data.validation_x[:half]]),
        train_y=torch.cat([data.train_y[:half], data.validation_y[:half]]),
        validation_x=data.validation_x[:half],
        validation_y=data.validation_y[:half],
    )


def few(data: Images, seed: int) -> Images:
    """A tenth of the training images."""
    count = len(data.train_x) // 10
    return data._replace(train_x=data.train_x[:count], train_y=data.train_y[:count])


def raw_validation(data: Images, seed: int) -> Images:
    """Validation images as pixels from 0 to 1, where the training images are standardized."""
    x = data.validation_x
    return data._replace(validation_x=(x - x.min()) / (x.max() - x.min()))


def die(net: nn.Sequential) -> None:
    """Biases so low that no hidden unit is ever above zero."""
    nn.init.constant_(net[0].bias, -20.0)  # type: ignore[arg-type]


def softmax_twice(scores: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Cross-entropy, which takes scores, of probabilities."""
    return cross_entropy(torch.softmax(scores, 1), y)


PROGRAMS = {
    "healthy": Program("Nothing is wrong."),
    "rate too high": Program("The learning rate is 1, more than thirty times too high.", {"lr": 1.0}),
    "rate too low": Program("The learning rate is 0.0003, a hundredth.", {"lr": 3e-4}),
    "not shuffled": Program(
        "The images come in the order of their classes.", prepare=sort_classes, shuffled=False
    ),
    "labels shuffled": Program("The labels are shuffled, the images are not.", prepare=shuffle_labels),
    "softmax twice": Program("The loss gets probabilities where it takes scores.", criterion=softmax_twice),
    "gradients not zeroed": Program("The gradients of all steps add up.", zeroed=False),
    "dropout at validation": Program("Validation runs in train mode.", {"dropout": 0.6}, evaluated=False),
    "overfitting": Program(
        "A wide network has a tenth of the images.",
        {"weight_decay": 0.0, "width": 256, "batch": 16, "dropout": 0.0},
        prepare=few,
    ),
    "dead units": Program("No hidden unit is ever above zero.", start=die),
    "leak": Program("Validation images are among the training images.", {"dropout": 0.0}, prepare=leak),
    "other scaling": Program("Only the training images are standardized.", prepare=raw_validation),
}


def run(name: str, seed: int, of: Amount) -> dict[str, Any]:
    """The curves of one of PROGRAMS, as the docstring of this module describes them."""
    torch.set_num_threads(1)
    program = PROGRAMS[name]
    config = BASE | program.config
    data = program.prepare(images(of.train, of.validation, of.test), seed)
    net = network(config, seed)
    program.start(net)
    net.to(data.train_x.device)
    optimizer, draw = sgd(net, config), torch.Generator().manual_seed(seed)
    found: dict[str, Any] = {"train_loss": [], "loss": [], "train_accuracy": [], "accuracy": []}
    for _ in range(of.epochs):
        order = torch.randperm(len(data.train_x), generator=draw)
        rows = order if program.shuffled else order.sort().values
        train_loss, train_accuracy = one_epoch(net, data, rows, optimizer, program, config["batch"])
        loss, accuracy = measured(net, data, program)
        for key, value in zip(found, (train_loss, loss, train_accuracy, accuracy), strict=True):
            found[key].append(value)
    return found


def one_epoch(
    net: nn.Module,
    data: Images,
    order: torch.Tensor,
    optimizer: torch.optim.Optimizer,
    program: Program,
    batch: int,
) -> tuple[float, float]:
    """An epoch of a program: mean loss of its steps, and share of right answers while it trained."""
    net.train()
    losses, right = [], 0
    parts = order.to(data.train_x.device).split(batch)
    for rows in parts:
        scores = net(data.train_x[rows])
        loss = program.criterion(scores, data.train_y[rows])
        if program.zeroed:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        right += int((scores.argmax(1) == data.train_y[rows]).sum())
    return torch.stack(losses).mean().item(), right / len(order)


@torch.no_grad()
def measured(net: nn.Module, data: Images, program: Program) -> tuple[float, float]:
    """Validation loss and accuracy, as the program measures them."""
    net.train(not program.evaluated)
    scores = net(data.validation_x)
    loss = program.criterion(scores, data.validation_y).item()
    right = (scores.argmax(1) == data.validation_y).float().mean().item()
    return (loss if math.isfinite(loss) else math.nan), right
