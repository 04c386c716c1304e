"""The NumPy reference of unit 03 against torch and SciPy, one thread."""

from __future__ import annotations

from benchmarks.against_torch import reference, show  # isort: skip

from collections.abc import Callable

import numpy as np
import torch
from scipy.linalg import fractional_matrix_power
from torch import Tensor, nn
from torch.nn.functional import group_norm, instance_norm, layer_norm

N, D, C, SIDE, GROUPS, STEPS = 256, 256, 32, 16, 8, 7


def main() -> None:
    mine = reference("03-normalization-family", "family_numpy")
    rng = np.random.default_rng(0)
    rows, drows, scale, shift = (rng.normal(size=s) for s in ((N, D), (N, D), D, D))
    images, dimages = (rng.normal(size=(64, C, SIDE, SIDE)) for _ in range(2))
    gamma, beta, v, g = (rng.normal(size=s) for s in (C, C, (D, D), D))
    sigma = np.cov(rows.T, bias=True) + np.eye(D)
    t = {k: torch.from_numpy(a) for k, a in locals().copy().items() if isinstance(a, np.ndarray)}
    weights = nn.utils.parametrizations.weight_norm(nn.Linear(D, D, dtype=torch.float64))

    def with_gradients(norm: Callable[..., Tensor], dout: Tensor, *inputs: Tensor) -> object:
        leaves = [v.clone().requires_grad_() for v in inputs]
        return torch.autograd.grad(norm(*leaves), leaves, dout)

    def whiten() -> Tensor:
        x = t["rows"] - t["rows"].mean(0)
        values, vectors = torch.linalg.eigh(x.T @ x / N + 1e-3 * torch.eye(D))
        return x @ (vectors / values.sqrt() @ vectors.T)

    def weight_gradients() -> object:
        own = weights.parametrizations.weight
        return torch.autograd.grad(weights.weight, (own.original0, own.original1), t["drows"])

    def of_features(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        return layer_norm(x, (D,), scale, shift)

    def of_groups(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        return group_norm(x, GROUPS, scale, shift)

    show(
        {
            f"layer norm ({N}, {D})": (
                lambda: mine["layer_norm"](rows, scale, shift),
                lambda: of_features(t["rows"], t["scale"], t["shift"]),
            ),
            "layer norm, gradients": (
                lambda: mine["layer_norm_backward"](drows, rows, scale),
                lambda: with_gradients(of_features, t["drows"], t["rows"], t["scale"], t["shift"]),
            ),
            f"instance norm (64, {C}, {SIDE}, {SIDE})": (
                lambda: mine["instance_norm"](images, gamma, beta),
                lambda: instance_norm(t["images"], None, None, t["gamma"], t["beta"]),
            ),
            "group norm": (
                lambda: mine["group_norm"](images, gamma, beta, GROUPS),
                lambda: of_groups(t["images"], t["gamma"], t["beta"]),
            ),
            "group norm, gradients": (
                lambda: mine["group_norm_backward"](dimages, images, gamma, GROUPS),
                lambda: with_gradients(of_groups, t["dimages"], t["images"], t["gamma"], t["beta"]),
            ),
            f"whitening ({N}, {D})": (lambda: mine["decorrelated_batchnorm"](rows), whiten),
            f"{STEPS} steps of Newton-Schulz; SciPy's root": (
                lambda: mine["newton_schulz"](sigma, STEPS),
                lambda: fractional_matrix_power(sigma, -0.5),
            ),
            f"weight norm, gradients ({D}, {D})": (
                lambda: mine["weight_norm_backward"](drows, v, g),
                weight_gradients,
            ),
        }
    )


if __name__ == "__main__":
    main()
