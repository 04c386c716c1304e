"""The NumPy reference of unit 04 against torch, one thread. Torch's gradients include its forward pass."""

from __future__ import annotations

from benchmarks.against_torch import reference, show  # isort: skip

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

N, D, PIECES, L = 256, 256, 4, 20


def main() -> None:
    mine = reference("04-initialization", "initialization_numpy")
    rng = np.random.default_rng(0)
    z, dout = rng.normal(size=(2, N, D))
    pieces = rng.normal(size=(N, PIECES, D))
    W1, W2 = rng.normal(size=(2, D, D)) / D**0.5
    weights = [rng.normal(size=(D, D)) * (2 / D) ** 0.5 for _ in range(L)]
    t = {k: torch.from_numpy(v) for k, v in (("z", z), ("dout", dout), ("p", pieces), ("a", W1), ("b", W2))}
    layers = [torch.from_numpy(W) for W in weights]
    generator = torch.Generator().manual_seed(0)

    def backward(f: Callable[[Tensor], Tensor], of: str = "z") -> Callable[[], object]:
        leaf = t[of].clone().requires_grad_()
        return lambda: torch.autograd.grad(f(leaf), leaf, t["dout"])

    def block(x: Tensor, W1: Tensor, W2: Tensor) -> Tensor:
        return (x + (x @ W1).relu() @ W2).relu()

    def block_gradients() -> object:
        leaves = [t[k].clone().requires_grad_() for k in ("z", "a", "b")]
        return torch.autograd.grad(block(*leaves), leaves, t["dout"])

    def stds() -> list[Tensor]:
        x, found = t["z"], []
        for W in layers:
            x = (x @ W).relu()
            found.append(x.std())
        return found

    empty = torch.empty(D, D, dtype=torch.float64)
    show(
        {
            f"sigmoid, gradient ({N}, {D})": (
                lambda: mine["sigmoid_backward"](dout, z),
                backward(torch.sigmoid),
            ),
            "tanh, gradient": (lambda: mine["tanh_backward"](dout, z), backward(torch.tanh)),
            "leaky ReLU, gradient": (
                lambda: mine["leaky_relu_backward"](dout, z, 0.1),
                backward(lambda v: functional.leaky_relu(v, 0.1)),
            ),
            "ELU, gradient": (
                lambda: mine["elu_backward"](dout, z, 1.5),
                backward(lambda v: functional.elu(v, 1.5)),
            ),
            f"maxout, gradient ({N}, {PIECES}, {D})": (
                lambda: mine["maxout_backward"](dout, pieces),
                backward(lambda v: v.max(dim=1).values, "p"),
            ),
            f"Glorot's weights ({D}, {D})": (
                lambda: mine["glorot_uniform"](D, D, rng),
                lambda: nn.init.xavier_uniform_(empty, generator=generator),
            ),
            "He's weights": (
                lambda: mine["he_normal"](D, D, rng),
                lambda: nn.init.kaiming_normal_(empty, generator=generator),
            ),
            f"{L} layers and their stds": (lambda: mine["layer_stds"](z, weights, mine["relu"]), stds),
            "residual block": (
                lambda: mine["residual_block"](z, W1, W2),
                lambda: block(t["z"], t["a"], t["b"]),
            ),
            "residual block, gradients": (
                lambda: mine["residual_block_backward"](dout, z, W1, W2),
                block_gradients,
            ),
        }
    )


if __name__ == "__main__":
    main()
