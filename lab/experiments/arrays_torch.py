"""The linear classifier of unit 00 in PyTorch: beside NumPy's step by step, and in floats of few bits.

from lab.experiments import arrays_torch
arrays_torch.differences("float64", seed=0)        # {"step", "difference"}: torch's weights and NumPy's
arrays_torch.train("bfloat16", data, rate=0.03, epochs=10, seed=0)     # as `arrays_linear.train`
arrays_torch.formats()                             # a row per format of floats: eps, max, ...
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from lab.device import nn, pick_device, torch
from lab.experiments import arrays_linear as linear

Record = dict[str, Any]
Step = Callable[..., float]  # (W, b, x, y, lr) -> loss; W (D, K) and b (K,) are changed in place

FORMATS = ("float64", "float32", "bfloat16", "float16")


def sgd_step(W: torch.Tensor, b: torch.Tensor, x: torch.Tensor, y: torch.Tensor, lr: float) -> float:
    """One step of gradient descent on the mean cross-entropy of x W + b. Returns the loss before it."""
    loss = nn.functional.cross_entropy(x @ W + b, y)
    slopes = torch.autograd.grad(loss, (W, b))
    with torch.no_grad():
        for parameter, slope in zip((W, b), slopes, strict=True):
            parameter -= lr * slope
    return loss.detach().item()


def device_for(dtype: str) -> torch.device:
    """The device of the course; the CPU for float64 where that is Apple's GPU, which has none."""
    device = pick_device()
    return torch.device("cpu") if (device.type, dtype) == ("mps", "float64") else device


def tensors(data: linear.Data, dtype: str) -> tuple[torch.Tensor, torch.Tensor]:
    """The training images (N, D) in a dtype, and their classes, on the device of the course."""
    device = device_for(dtype)
    x = torch.from_numpy(data.train_x).to(getattr(torch, dtype)).to(device)
    return x, torch.from_numpy(data.train_y).to(device)


def parameters(D: int, seed: int, dtype: str) -> tuple[torch.Tensor, torch.Tensor]:
    """The first W (D, 10) and b (10,) of `arrays_linear`, as leaves that ask for gradients."""
    W, b = (
        torch.from_numpy(array).to(getattr(torch, dtype)).to(device_for(dtype)).requires_grad_()
        for array in linear.first_weights(D, 10, seed)
    )
    return W, b


def train(
    dtype: str, data: linear.Data, *, rate: float, epochs: int, seed: int, step: Step = sgd_step
) -> Record:
    """As `arrays_linear.train`, in PyTorch, in one of FORMATS; accuracies are counted in float64."""
    x, y = tensors(data, dtype)
    W, b = parameters(x.shape[1], seed, dtype)
    record: Record = {"loss": [], "validation_accuracy": []}
    for parts in linear.epochs_of_batches(len(y), linear.BATCH, epochs, seed):
        total = sum(step(W, b, x[rows], y[rows], rate) * len(rows) for rows in parts)
        record["loss"].append(total / len(y))
        found = in_numpy(W), in_numpy(b)
        record["validation_accuracy"].append(linear.accuracy(*found, data.validation_x, data.validation_y))
    return record | linear.ends(in_numpy(W), in_numpy(b), data)


def differences(
    dtype: str, seed: int, *, rate: float = 0.1, epochs: int = 20, step: Step = sgd_step
) -> list[Record]:
    """Largest difference of W after each step, over the largest |W|, from the same start and batches.

    "torch and NumPy": both in `dtype`. "float32 and float64": NumPy in `dtype` and in float64, for float32.
    """
    data = linear.images("digits")
    x, y = tensors(data, dtype)
    W, b = parameters(x.shape[1], seed, dtype)
    same, wide = (
        (data.train_x.astype(kind), *linear.first_weights(x.shape[1], 10, seed, kind))
        for kind in (dtype, "float64")
    )
    pairs: dict[str, list[float]] = {"torch and NumPy": [], "float32 and float64": []}
    for parts in linear.epochs_of_batches(len(y), linear.BATCH, epochs, seed):
        for rows in parts:
            step(W, b, x[rows], y[rows], rate)
            same, wide = (_descended(*state, data.train_y, rows, rate) for state in (same, wide))
            pairs["torch and NumPy"].append(_apart(in_numpy(W), same[1]))
            pairs["float32 and float64"].append(_apart(same[1], wide[1]))
    return [
        {"pair": pair, "dtype": dtype, "seed": seed, "difference": found}
        for pair, found in pairs.items()
        if pair == "torch and NumPy" or dtype == "float32"
    ]


def _descended(
    x: np.ndarray, W: np.ndarray, b: np.ndarray, y: np.ndarray, rows: np.ndarray, rate: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    _, dW, db = linear.cross_entropy(W, b, x[rows], y[rows])
    return x, W - np.asarray(rate * dW, W.dtype), b - np.asarray(rate * db, b.dtype)


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max() / np.abs(b).max())


def in_numpy(tensor: torch.Tensor) -> np.ndarray:
    """A tensor of any format as a float64 array of its own."""
    return tensor.detach().cpu().double().numpy().copy()


def formats() -> list[Record]:
    """What numbers each format can hold: bytes, spacing at 1, least normal and greatest number, its 0.1."""
    rows = []
    for name in FORMATS:
        dtype = getattr(torch, name)
        kind = torch.finfo(dtype)
        rows.append(
            {
                "dtype": name,
                "bytes": kind.bits // 8,
                "eps": kind.eps,
                "least": kind.tiny,
                "greatest": kind.max,
                "tenth": torch.tensor(0.1, dtype=dtype).double().item(),
                "whole": int(2 / kind.eps),
            }
        )
    return rows


def sums(seed: int, counts: tuple[int, ...]) -> list[Record]:
    """Relative errors of torch.sum over n random numbers from [0, 1), as `arrays_numbers.sums`."""
    records = []
    for name in FORMATS[1:]:
        numbers = torch.from_numpy(np.random.default_rng(seed).random(max(counts))).to(getattr(torch, name))
        for n in counts:
            exact = numbers[:n].double().sum().item()
            error = abs(numbers[:n].sum().item() - exact) / exact
            records.append({"dtype": name, "seed": seed, "n": n, "way": "torch.sum", "error": error})
    return records
