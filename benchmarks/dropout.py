"""The NumPy reference of unit 05 against torch, one thread. Both get their random numbers from outside."""

from __future__ import annotations

from benchmarks.against_torch import reference, show  # isort: skip

import numpy as np
import torch

DENSE, IMAGES, PASSES = (128, 1024), (128, 32, 32, 16), (50, 1000, 10)
P = 0.5


def main() -> None:
    mine = reference("05-dropout", "dropout_numpy")
    rng = np.random.default_rng(0)
    x, dout, images = rng.normal(size=DENSE), rng.normal(size=DENSE), rng.normal(size=IMAGES)
    u, u_channels = rng.random(DENSE), rng.random((IMAGES[0], IMAGES[3]))
    probabilities = rng.dirichlet(np.ones(PASSES[2]), PASSES[:2])
    t = {k: torch.from_numpy(v) for k, v in locals().copy().items() if isinstance(v, np.ndarray)}

    def dropped(a: str) -> torch.Tensor:
        return t[a] * (t["u"] >= P) / (1 - P)

    def channels() -> torch.Tensor:
        return t["images"] * (t["u_channels"] >= P)[:, None, None] / (1 - P)

    def entropies() -> object:
        mean = t["probabilities"].mean(0)
        return torch.special.entr(mean).sum(-1), torch.special.entr(t["probabilities"]).sum(-1).mean(0)

    show(
        {
            f"forward {DENSE}": (lambda: mine["dropout_forward"](x, u, P, True), lambda: dropped("x")),
            f"backward {DENSE}": (
                lambda: mine["dropout_backward"](dout, u, P, True),
                lambda: dropped("dout"),
            ),
            f"spatial {IMAGES}": (lambda: mine["spatial_dropout"](images, u_channels, P), channels),
            f"uncertainty {PASSES}": (lambda: mine["uncertainty"](probabilities), entropies),
        }
    )


if __name__ == "__main__":
    main()
