"""The NumPy reference of unit 09 against torch, one thread. Torch has no halving and no expected improvement
of its own: beside them stands what the same formulas cost on tensors."""

from __future__ import annotations

from benchmarks.against_torch import reference, show  # isort: skip

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

TRIALS, PLACES, DRAWS = 60, 200, 100_000
Pairs = dict[str, tuple[Callable[[], object], Callable[[], object]]]


def draws(mine: Mapping[str, Any], rng: np.random.Generator) -> Pairs:
    u, scores, n = rng.uniform(size=DRAWS), rng.uniform(size=TRIALS), np.arange(1, TRIALS + 1)
    uniform, measured = torch.from_numpy(u), torch.from_numpy(scores)

    def weighted() -> torch.Tensor:
        at_most = torch.arange(TRIALS + 1, dtype=torch.float64).div(TRIALS) ** torch.from_numpy(n)[:, None]
        return at_most.diff() @ measured.sort().values

    return {
        f"{DRAWS:,} rates": (
            lambda: mine["log_uniform"](u, 1e-4, 1.0),
            lambda: 1e-4 * torch.pow(1e4, uniform),
        ),
        f"expected best of 1 to {TRIALS}": (lambda: mine["expected_best"](scores, n), weighted),
    }


def process(mine: Mapping[str, Any], rng: np.random.Generator) -> Pairs:
    x, y, places = rng.uniform(-3, 3, TRIALS), rng.normal(size=TRIALS), np.linspace(-4, 4, PLACES)
    mean, sd = mine["gp_posterior"](x, y, places, 0.5, 1.0, 0.1)
    at, values, new, mu, std = (torch.from_numpy(a) for a in (x, y, places, mean, sd))

    def kernel(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.exp(-((a[:, None] - b) ** 2) / (2 * 0.5**2))

    def posterior() -> tuple[torch.Tensor, torch.Tensor]:
        L = torch.linalg.cholesky(kernel(at, at) + 0.01 * torch.eye(TRIALS, dtype=torch.float64))
        v = torch.linalg.solve_triangular(L, kernel(at, new), upper=False)
        alpha = torch.linalg.solve_triangular(L, values[:, None], upper=False)
        return v.T @ alpha[:, 0], (1 - (v**2).sum(0)).clamp(min=0).sqrt()

    def improvement() -> torch.Tensor:
        gain, normal = 0.1 - mu, torch.distributions.Normal(0.0, 1.0)
        z = gain / std
        return gain * normal.cdf(z) + std * normal.log_prob(z).exp()

    return {
        f"posterior, {TRIALS} trials, {PLACES:,} places": (
            lambda: mine["gp_posterior"](x, y, places, 0.5, 1.0, 0.1),
            posterior,
        ),
        f"expected improvement, {PLACES:,} places": (
            lambda: mine["expected_improvement"](mean, sd, 0.1),
            improvement,
        ),
    }


def network(mine: Mapping[str, Any], rng: np.random.Generator) -> Pairs:
    """One epoch of the given network, on 500 digits in batches of 32."""
    x, y = rng.uniform(size=(500, 64)), rng.integers(10, size=500)
    images, labels = torch.from_numpy(x), torch.from_numpy(y)

    def epoch() -> None:
        layers = [torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)]
        net = torch.nn.Sequential(*layers).double()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.5)
        for rows in torch.randperm(500).split(32):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(images[rows]), labels[rows]).backward()
            optimizer.step()

    return {
        "an epoch of 500 digits": (
            lambda: mine["train"]({"lr": 0.1, "momentum": 0.5}, x, y, x, y, epochs=1),
            epoch,
        )
    }


def main() -> None:
    mine, rng = reference("09-hyperparameters", "hyperparameters_numpy"), np.random.default_rng(0)
    show(draws(mine, rng) | process(mine, rng) | network(mine, rng))


if __name__ == "__main__":
    main()
