"""The NumPy reference of unit 06 against torch, one thread. Both get their random numbers from outside."""

from __future__ import annotations

from benchmarks.against_torch import reference, show  # isort: skip

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812

WEIGHTS, SCORES, IMAGES = (1024, 512), (128, 1000), (128, 32, 32, 3)
LR, LAM, SHARE, BOUND, EPS, SIGMA = 0.1, 0.01, 0.5, 3.0, 0.1, 0.2


def main() -> None:
    mine = reference("06-regularization", "regularization_numpy")
    rng = np.random.default_rng(0)
    W, dW, velocity = (rng.normal(size=WEIGHTS) for _ in range(3))
    scores, y = rng.normal(size=SCORES), rng.integers(0, SCORES[1], SCORES[0])
    images, noise, coins = rng.normal(size=IMAGES), rng.normal(size=IMAGES), rng.random(IMAGES[0])
    t = {k: torch.from_numpy(v) for k, v in locals().copy().items() if isinstance(v, np.ndarray)}

    def elastic() -> object:
        w = t["W"]
        penalty = LAM * (SHARE * w.abs().sum() + (1 - SHARE) / 2 * w.square().sum())
        return penalty, LAM * (SHARE * w.sign() + (1 - SHARE) * w)

    def proximal() -> torch.Tensor:
        moved = F.softshrink(t["W"] - LR * t["dW"], LR * LAM * SHARE)
        return moved / (1 + LR * LAM * (1 - SHARE))

    def momentum() -> object:
        pace = 0.9 * t["velocity"] + t["dW"]
        return t["W"] * (1 - LR * LAM) - LR * pace, pace

    def smoothed() -> object:
        leaf = t["scores"].detach().requires_grad_()
        loss = F.cross_entropy(leaf, t["y"], label_smoothing=EPS)
        return loss, torch.autograd.grad(loss, leaf)

    def with_noise() -> torch.Tensor:
        return t["images"] + SIGMA * (t["coins"] < 0.5)[:, None, None, None] * t["noise"]

    show(
        {
            f"elastic net {WEIGHTS}": (lambda: mine["elastic_net"](W, LAM, SHARE), elastic),
            f"proximal step {WEIGHTS}": (
                lambda: mine["proximal_step"](W, dW, LR, LAM, SHARE),
                proximal,
            ),
            f"momentum, decoupled {WEIGHTS}": (
                lambda: mine["momentum_step"](W, velocity, dW, LR, 0.9, LAM, True),
                momentum,
            ),
            f"max-norm {WEIGHTS}": (
                lambda: mine["max_norm"](W, BOUND),
                lambda: torch.renorm(t["W"], p=2, dim=1, maxnorm=BOUND),
            ),
            f"smoothed cross-entropy {SCORES}": (
                lambda: mine["smoothed_cross_entropy"](scores, y, EPS),
                smoothed,
            ),
            f"noise {IMAGES}": (lambda: mine["noisy"](images, coins, noise, SIGMA, 0.5), with_noise),
        }
    )


if __name__ == "__main__":
    main()
