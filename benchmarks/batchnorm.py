"""The NumPy reference of unit 02 against torch, one thread, at the sizes of the experiments."""

from __future__ import annotations

from benchmarks.against_torch import reference, show  # isort: skip

import numpy as np
import torch

DENSE, IMAGES = (128, 1024), (128, 32, 32, 32)


def main() -> None:
    mine = reference("02-batchnorm", "batchnorm_numpy")
    rng = np.random.default_rng(0)
    x, dout = rng.normal(size=(2, *DENSE))
    gamma, beta = rng.normal(size=(2, DENSE[1]))
    images = rng.normal(size=IMAGES)
    scale, shift = rng.normal(size=(2, IMAGES[1]))
    t = {k: torch.from_numpy(v) for k, v in locals().copy().items() if isinstance(v, np.ndarray)}

    def norm(a: str, g: str, b: str) -> torch.Tensor:
        return torch.nn.functional.batch_norm(t[a], None, None, t[g], t[b], training=True)

    def backward() -> object:
        leaf = t["x"].clone().requires_grad_()
        y = torch.nn.functional.batch_norm(leaf, None, None, t["gamma"], t["beta"], training=True)
        return torch.autograd.grad(y, leaf, t["dout"])

    show(
        {
            f"forward {DENSE}": (
                lambda: mine["batchnorm_forward"](x, gamma, beta),
                lambda: norm("x", "gamma", "beta"),
            ),
            f"forward and backward {DENSE}": (
                lambda: (
                    mine["batchnorm_forward"](x, gamma, beta),
                    mine["batchnorm_backward"](dout, x, gamma),
                ),
                backward,
            ),
            f"spatial forward {IMAGES}": (
                lambda: mine["spatial_batchnorm"](images, scale, shift),
                lambda: norm("images", "scale", "shift"),
            ),
        }
    )


if __name__ == "__main__":
    main()
