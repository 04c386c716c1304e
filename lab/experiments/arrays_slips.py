"""Slips with arrays that raise nothing: the same classifier, each with one line that means something else.

Each of SLIPS is trained on the digits in batches of ten images, as there are ten classes: then two axes have
one length, and a wrong axis fits as well as the right one.

    from lab.experiments import arrays_slips
    run = arrays_slips.train("softmax over the batch", seed=0)      # as `arrays_linear.train`
    run = arrays_slips.regress("(N, 1) minus (N,)", seed=0)         # {"loss", "test_r2"}

"right"                      nothing is wrong
"softmax over the batch"     the scores of a batch are divided by their sum over the images, axis 0
"sum without keepdims"       e / e.sum(axis=1): the sums of the rows (10,) divide the columns
"labels not shuffled"        the images of a batch are taken in the new order, the labels in the old
"mean subtracted in uint8"   images - mean, both uint8: what is below 0 begins again at 255
"noise on a copy"            as "right", with noise added to every batch, a new one in every epoch
"noise on a view"            the batch is a slice of the images, and `+=` writes the noise into them for good

Loss is what the code with the slip says of itself. Accuracies are counted rightly, on images that were
prepared with the slip.
"""

from functools import cache
from typing import Any

import numpy as np

from lab.data import read
from lab.experiments import arrays_linear as linear

Record = dict[str, Any]
BATCH = 10  # as many as classes
NOISE = 0.5
SLIPS = (
    *("right", "softmax over the batch", "sum without keepdims", "labels not shuffled"),
    *("mean subtracted in uint8", "noise on a copy", "noise on a view"),
)
REGRESSIONS = ("right", "(N, 1) minus (N,)")


def train(way: str, seed: int, *, rate: float = 0.03, epochs: int = 20) -> Record:
    """Train with one of SLIPS; "reported_accuracy" compares predictions (N, 1) with labels (N,)."""
    data, batch = images(way == "mean subtracted in uint8"), BATCH
    x, y = data.train_x.copy(), data.train_y
    W, b = linear.first_weights(x.shape[1], 10, seed)
    noise = np.random.default_rng([seed, 2])
    record: Record = {"loss": [], "validation_accuracy": []}
    for parts in linear.epochs_of_batches(len(y), batch, epochs, seed):
        losses = []
        for part, rows in enumerate(parts):
            place = slice(part * batch, (part + 1) * batch)
            batch_x = x[place] if way.startswith("noise") else x[rows]
            batch_y = y[place] if way.startswith("noise") or way == "labels not shuffled" else y[rows]
            drawn = noise.normal(0, NOISE, batch_x.shape)
            if way == "noise on a view":
                batch_x += drawn
            elif way == "noise on a copy":
                batch_x = batch_x + drawn
            with np.errstate(all="ignore"):  # a slip may divide by zero
                loss, dW, db = gradient(way, W, b, batch_x, batch_y)
            W, b = W - rate * dW, b - rate * db
            losses.append(loss)
        record["loss"].append(float(np.mean(losses)))
        record["validation_accuracy"].append(linear.accuracy(W, b, data.validation_x, data.validation_y))
    predicted = (data.test_x @ W + b).argmax(1)
    record["reported_accuracy"] = float((predicted[:, None] == data.test_y).mean())
    return record | linear.ends(W, b, data)


@cache
def images(wrapped: bool) -> linear.Data:
    """The digits; `wrapped`: their mean image is subtracted in uint8 before anything else."""
    data = read("digits")
    whole, tested = data.train_images, data.test_images
    if wrapped:
        mean = whole[:1200].mean(axis=0).astype(np.uint8)
        whole, tested = whole - mean, tested - mean
    return linear.from_pixels(data, whole.astype(float), tested.astype(float), 1200, 290, 300)


def gradient(
    way: str, W: np.ndarray, b: np.ndarray, x: np.ndarray, y: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Loss, dW and db of a batch, with the slip. x: (B, D), W: (D, K), B = K."""
    scores = x @ W + b
    e = np.exp(scores - np.max(scores))
    if way == "softmax over the batch":
        p = e / e.sum(axis=0, keepdims=True)
    elif way == "sum without keepdims":
        p = e / e.sum(axis=1)
    else:
        p = e / e.sum(axis=1, keepdims=True)
    right = (np.arange(len(y)), y)
    loss = -np.log(p[right] + 1e-300).mean()
    slope = p / len(y)
    slope[right] -= 1 / len(y)
    return float(loss), x.T @ slope, slope.sum(axis=0)


def regress(way: str, seed: int, *, rate: float = 0.003, epochs: int = 20) -> Record:
    """Linear least squares for the digit's value; R^2 is 1 - squared error / variance, of the test images."""
    data = images(False)
    x, y = data.train_x, data.train_y.astype(float)
    w, b = np.random.default_rng([seed, 0]).normal(0, linear.START, (x.shape[1], 1)), np.zeros(1)
    losses = []
    for parts in linear.epochs_of_batches(len(y), linear.BATCH, epochs, seed):
        total = 0.0
        for rows in parts:
            target = y[rows] if way == "(N, 1) minus (N,)" else y[rows, None]
            error = x[rows] @ w + b - target
            slope = 2 * error.sum(axis=1, keepdims=True) / error.size
            w, b = w - rate * x[rows].T @ slope, b - rate * slope.sum(axis=0)
            total += (error**2).mean() * len(rows)
        losses.append(total / len(y))
    residual = (data.test_x @ w + b)[:, 0] - data.test_y
    return {"loss": losses, "test_r2": 1 - float((residual**2).mean() / data.test_y.var())}
