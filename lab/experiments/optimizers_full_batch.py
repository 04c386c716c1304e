"""Optimizers without noise: two small problems on all digits at once, where a line search is affordable."""

import numpy as np

from lab.data import read
from lab.device import nn, torch
from lab.experiments.optimizers_rules import MAKERS, half_decades
from lab.experiments.results import Results

PROBLEMS = ("softmax regression", "network")
RULES = {"GD": "SGD", "momentum": "momentum", "Adam": "Adam"}
RATES = half_decades(-2, 1)
L2 = 1e-3  # so that softmax regression has a minimum: its loss is then strictly convex


def full_batch(problem: str, name: str, lr: float, seed: int, evaluations: int) -> list[float]:
    """The loss at each evaluation of loss and gradient; of L-BFGS, whose line search takes some, too.

    In float64, with L2 / 2 times the sum of all squared weights in the loss. L-BFGS takes no rate: its line
    search looks for the strong Wolfe conditions.
    """
    data = read("digits")
    x = torch.from_numpy(data.train_images.reshape(len(data.train_images), -1) / 16)
    y = torch.from_numpy(data.train_labels)
    net = _net(problem, seed)
    parameters = list(net.parameters())
    losses: list[float] = []

    def evaluate() -> float:
        optimizer.zero_grad()
        squares = sum((p.square().sum() for p in parameters), torch.zeros(()))
        loss = nn.functional.cross_entropy(net(x), y) + L2 / 2 * squares
        loss.backward()
        losses.append(loss.item())
        return losses[-1]

    if name == "L-BFGS":
        optimizer = _lbfgs(parameters, evaluations)
        optimizer.step(evaluate)
    else:
        optimizer = MAKERS[RULES[name]](parameters, lr)
        for _ in range(evaluations):
            optimizer.step(evaluate)
    return losses[:evaluations]


def _net(problem: str, seed: int) -> nn.Module:
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    if problem == "softmax regression":
        return nn.Linear(64, 10).double()
    return nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10)).double()


def _lbfgs(parameters: list[nn.Parameter], evaluations: int) -> torch.optim.Optimizer:
    return torch.optim.LBFGS(
        parameters,
        max_iter=evaluations,
        max_eval=evaluations,
        tolerance_grad=0,
        tolerance_change=0,
        history_size=10,
        line_search_fn="strong_wolfe",
    )


def compare_full_batch(seeds: tuple[int, ...], evaluations: int) -> list[Results]:
    """A record for every optimizer at its best rate, that of the least median last loss, and every seed.

    "loss" is the least so far, after 1, 2, 3, ... "evaluations", each a tenth more than before; "above" is by
    how much it is above the least loss that any optimizer found from this seed.
    """
    records = []
    for problem in PROBLEMS:
        points = [("L-BFGS", 1.0), *((name, lr) for name in RULES for lr in RATES)]
        so_far = {
            (name, lr): [
                np.fmin.accumulate(full_batch(problem, name, lr, seed, evaluations)) for seed in seeds
            ]
            for name, lr in points
        }
        floors = [min(runs[i][-1] for runs in so_far.values()) for i in range(len(seeds))]
        for name in ("L-BFGS", *RULES):
            lasts = {
                lr: np.median([losses[-1] for losses in so_far[name, lr]]) for n, lr in points if n == name
            }
            lr = min(lasts, key=lambda lr: lasts[lr])
            for seed, losses, floor in zip(seeds, so_far[name, lr], floors, strict=True):
                at = {"problem": problem, "optimizer": name, "lr": lr, "seed": seed}
                records.append({**at, **_curve(losses, floor)})
    return records


def _curve(losses: np.ndarray, floor: float) -> Results:
    """Some points of a curve, about a tenth apart."""
    kept = sorted({min(len(losses), round(1.1**k)) for k in range(100)})
    values = losses[np.array(kept) - 1]
    return {"evaluations": kept, "loss": values.tolist(), "above": (values - floor).tolist()}
