"""The NumPy reference of unit 07 against torch.optim, one thread: one step for a million weights."""

from __future__ import annotations

from benchmarks.against_torch import reference, show  # isort: skip

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

WEIGHTS, DIMENSIONS = 1_000_000, 500
BETAS, EPS = (0.9, 0.999), 1e-8
SETTINGS = {
    "momentum": (0.9,),
    "nesterov": (0.9,),
    "adagrad": (EPS,),
    "rmsprop": (0.99, EPS),
    "adam": (*BETAS, EPS),
    "adamw": (*BETAS, EPS, 0.01),
}
TORCH: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "momentum": partial(torch.optim.SGD, momentum=0.9),
    "nesterov": partial(torch.optim.SGD, momentum=0.9, nesterov=True),
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}


def main() -> None:
    mine = reference("07-optimizers", "optimizers_numpy")
    rng = np.random.default_rng(0)
    w, dw = rng.normal(size=WEIGHTS), rng.normal(size=WEIGHTS)
    pairs = {}
    for name, settings in SETTINGS.items():
        parameter = torch.nn.Parameter(torch.tensor(w))
        parameter.grad = torch.tensor(dw)
        state = mine[name](w, dw, {}, 1e-3, *settings)[1]
        ours = partial(mine[name], w, dw, state, 1e-3, *settings)
        pairs[f"{name}, {WEIGHTS:,} weights"] = (ours, TORCH[name]([parameter], lr=1e-3).step)
    A = rng.normal(size=(DIMENSIONS, DIMENSIONS))
    H, g = A @ A.T, rng.normal(size=DIMENSIONS)
    damped = torch.tensor(H + 0.1 * np.eye(DIMENSIONS)), torch.tensor(g)
    pairs[f"newton, {DIMENSIONS} weights"] = (
        lambda: mine["newton"](g, g, H, 0.1),
        lambda: torch.linalg.solve(*damped),
    )
    show(pairs)


if __name__ == "__main__":
    main()
