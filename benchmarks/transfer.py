"""The NumPy reference of unit 11 against torch and scikit-learn, one thread."""

from __future__ import annotations

from benchmarks.against_torch import reference, show  # isort: skip

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch.nn.functional import cross_entropy, one_hot

N, D, K, STEPS = 1000, 128, 10, 50
DECAY, RATE = 0.1, 0.05


def main() -> None:
    mine = reference("11-transfer-learning", "transfer_numpy")
    rng = np.random.default_rng(0)
    features, y = rng.normal(1, 1, (N, D)), np.arange(N) % K
    images = rng.integers(0, 256, (N, 32, 32, 3)).astype(np.uint8)
    mean, std, m = rng.random(3), rng.uniform(0.2, 0.3, 3), rng.normal(size=D)
    W, b, s = rng.normal(size=(D, K)), rng.normal(size=K), rng.uniform(0.5, 2, D)
    means, other = mine["class_means"](features, y, K), rng.normal(size=(N, D))
    x, target = rng.normal(size=(N, 32)), rng.normal(size=N)
    B, v = rng.normal(size=(16, 32)), rng.normal(size=16)
    t = {k: torch.from_numpy(a) for k, a in locals().copy().items() if isinstance(a, np.ndarray)}

    def with_gradient(steps: int, rate: float) -> object:
        w, c = (torch.zeros(shape, dtype=torch.float64, requires_grad=True) for shape in ((D, K), (K,)))
        for _ in range(steps):
            loss = cross_entropy(t["features"] @ w + c, t["y"]) + DECAY / 2 * w.square().sum()
            dw, dc = torch.autograd.grad(loss, (w, c))
            with torch.no_grad():
                w -= rate * dw
                c -= rate * dc
        return w, c

    def step() -> torch.Tensor:
        backbone = t["B"].clone().requires_grad_()
        residual = t["x"] @ backbone.T @ t["v"] - t["target"]
        return torch.autograd.grad(residual.square().mean() / 2, backbone)[0]

    def alike() -> torch.Tensor:
        p, q = (z - z.mean(0) for z in (t["features"], t["other"]))
        return (p.T @ q).norm() ** 2 / ((p.T @ p).norm() * (q.T @ q).norm())

    def folded() -> object:
        weights = t["W"] / t["s"][:, None]
        return weights, t["b"] - t["m"] @ weights

    onehot = one_hot(t["y"], K).double()
    show(
        {
            f"prepare ({N}, 32, 32, 3)": (
                lambda: mine["prepare"](images, mean, std),
                lambda: (t["images"].double() / 255 - t["mean"]) / t["std"],
            ),
            f"class means ({N}, {D})": (
                lambda: mine["class_means"](features, y, K),
                lambda: onehot.T @ t["features"] / onehot.sum(0)[:, None],
            ),
            "nearest mean": (
                lambda: mine["nearest"](features, means),
                lambda: torch.cdist(t["features"], t["means"]).argmin(1),
            ),
            "loss and gradient": (
                lambda: mine["softmax_loss"](W, b, features, y, DECAY),
                lambda: with_gradient(1, RATE),
            ),
            f"{STEPS} steps of a head": (
                lambda: mine["train_head"](features, y, K, RATE, STEPS, DECAY),
                lambda: with_gradient(STEPS, RATE),
            ),
            "fold": (lambda: mine["fold"](W, b, m, s), folded),
            "PCA, 2 directions": (
                lambda: mine["pca"](features, 2),
                lambda: PCA(2, svd_solver="full").fit(features),
            ),
            "gradient of the backbone": (lambda: mine["feature_step"](x, target, B, v), step),
            "CKA": (lambda: mine["cka"](features, other), alike),
        }
    )


if __name__ == "__main__":
    main()
