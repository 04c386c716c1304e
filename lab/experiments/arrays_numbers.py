"""Numbers of few bits: numerical gradients, long sums, whole numbers of 8 bits. NumPy alone.

from lab.experiments import arrays_numbers
arrays_numbers.gradient_errors("float64", "central", seed=0)   # the V: relative error over h
arrays_numbers.sums("float16", seed=0)                         # how far off sums of n numbers are
arrays_numbers.bytes_of_images()                               # what arithmetic in uint8 does to photographs
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from lab.data import read
from lab.experiments import arrays_linear as linear

Record = dict[str, Any]
STEPS = tuple(10 ** (-k / 2) for k in range(27))  # h from 1 to 1e-13
IMAGES = 200  # that the loss is the mean over
WEIGHTS = 0.1  # standard deviation of the weights where the gradient is taken
COUNTS = tuple(10**k for k in range(1, 8))
FLOATS = ("float16", "float32")
SUMS = ("one after the other", "np.sum of a vector", "np.sum over axis 0", "np.sum, dtype=float64")
BRIGHTER = 60  # grey levels


def gradient_errors(
    dtype: str, difference: str, seed: int, steps: tuple[float, ...] = STEPS, images: int = IMAGES
) -> Record:
    """Error of a "central" or "forward" difference quotient over h, for the classifier's loss on digits.

    {h, error, predicted, best_h, predicted_h}: error is max|a - b| / (max|a| + max|b|), b the gradient from
    the formula, in float64. The loss is computed in `dtype`. `predicted` has truncation h^2/6 max|f'''|
    (forward: h/2 max|f''|) and rounding eps |f| / h (forward: 2 eps |f| / h) over 2 max|b|, with eps the
    spacing of `dtype` at 1, and `predicted_h` is where it is least.
    """
    data = linear.images("digits")
    x, y = data.train_x[:images], data.train_y[:images]
    rng = np.random.default_rng(seed)
    W, b = rng.normal(0, WEIGHTS, (x.shape[1], 10)), rng.normal(0, WEIGHTS, 10)
    value, dW, _ = linear.cross_entropy(W, b, x, y)
    loss = loss_of(x.astype(dtype), y, b.astype(dtype))
    errors = []
    for h in steps:
        found = quotient(loss, W.astype(dtype), h, difference)
        errors.append(float(np.abs(found - dW).max() / (np.abs(found).max() + np.abs(dW).max())))
    second, third = higher_derivatives(W, b, x)
    eps, scale, hs = float(np.finfo(dtype).eps), 2 * np.abs(dW).max(), np.array(steps)
    if difference == "central":
        predicted, best = hs**2 / 6 * third + eps * value / hs, (3 * eps * value / third) ** (1 / 3)
    else:
        predicted, best = hs / 2 * second + 2 * eps * value / hs, 2 * (eps * value / second) ** 0.5
    return {
        "dtype": dtype,
        "difference": difference,
        "seed": seed,
        "h": list(steps),
        "error": errors,
        "predicted": list(map(float, predicted / scale)),
        "best_h": steps[int(np.argmin(errors))],
        "predicted_h": float(best),
    }


def loss_of(x: np.ndarray, y: np.ndarray, b: np.ndarray) -> Callable[[np.ndarray], np.floating]:
    """W (D, K) -> the mean cross-entropy of x W + b, in the dtype of the arrays."""

    def loss(W: np.ndarray) -> np.floating:
        z = x @ W + b
        top = z.max(1)
        return (np.log(np.exp(z - top[:, None]).sum(1)) + top - z[np.arange(len(y)), y]).mean()

    return loss


def quotient(f: Callable[[np.ndarray], np.floating], W: np.ndarray, h: float, difference: str) -> np.ndarray:
    """The difference quotient of f at W for every entry, in the dtype of W; returned as float64."""
    moved, found = W.copy(), np.empty(W.shape)
    here, step = f(W), W.dtype.type(h)
    for place in np.ndindex(*W.shape):
        moved[place] = W[place] + step
        above = f(moved)
        moved[place] = W[place] - step
        below = f(moved) if difference == "central" else here
        found[place] = (above - below) / (step + step if difference == "central" else step)
        moved[place] = W[place]
    return found


def higher_derivatives(W: np.ndarray, b: np.ndarray, x: np.ndarray) -> tuple[float, float]:
    """Largest second and third derivative of the loss along one entry of W.

    Along W_dk the loss is a mean of log(sum exp): its second derivative is the mean of x_d^2 p_k (1 - p_k),
    the third that of x_d^3 p_k (1 - p_k) (1 - 2 p_k).
    """
    z = x @ W + b
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    second = (x**2).T @ (p * (1 - p)) / len(x)
    third = (x**3).T @ (p * (1 - p) * (1 - 2 * p)) / len(x)
    return float(np.abs(second).max()), float(np.abs(third).max())


def sums(dtype: str, seed: int, counts: tuple[int, ...] = COUNTS) -> list[Record]:
    """Relative errors of sums of n random numbers from [0, 1) in `dtype`, added up in each of SUMS' ways.

    The exact sum is `math.fsum` of the same numbers. An overflow is an error of infinity.
    """
    numbers = np.random.default_rng(seed).random(max(counts)).astype(dtype)
    records = []
    for n in counts:
        some = numbers[:n]
        exact = math.fsum(some.tolist())
        with np.errstate(over="ignore"):
            found = {
                SUMS[0]: np.cumsum(some, dtype=dtype)[-1],
                SUMS[1]: some.sum(),
                SUMS[2]: np.stack([some, some], axis=1).sum(axis=0)[0],
                SUMS[3]: some.sum(dtype=np.float64),
            }
        for way, value in found.items():
            error = abs(float(value) - exact) / exact
            records.append({"dtype": dtype, "seed": seed, "n": n, "way": way, "error": error})
    return records


def bytes_of_images(count: int = 1000) -> list[Record]:
    """What arithmetic in uint8 does to the first photographs: {what, value, right}, means over all pixels."""
    images = read("photo_patches").train_images[:count]
    one, other = images[: count // 2], images[count // 2 :]
    floats, halves = images.astype(float), (one.astype(float), other.astype(float))
    brighter = np.uint8(BRIGHTER)
    scaled = floats * 0.7
    return [
        {
            "what": f"brighter by {BRIGHTER}",
            "value": float((images + brighter).mean()),
            "right": float(np.minimum(floats + BRIGHTER, 255).mean()),
            "share_wrong": float((floats + BRIGHTER > 255).mean()),
        },
        {
            "what": "mean of two images",
            "value": float(((one + other) // 2).mean()),
            "right": float(np.floor((halves[0] + halves[1]) / 2).mean()),
            "share_wrong": float((halves[0] + halves[1] > 255).mean()),
        },
        {
            "what": "absolute difference of two images",
            "value": float(np.abs(one - other).mean()),
            "right": float(np.abs(halves[0] - halves[1]).mean()),
            "share_wrong": float((halves[0] < halves[1]).mean()),
        },
        {
            "what": "times 0.7, cut to whole numbers",
            "value": float(scaled.astype(np.uint8).mean()),
            "right": float(scaled.mean()),
            "share_wrong": float((scaled.astype(np.uint8) != np.rint(scaled)).mean()),
        },
    ]
