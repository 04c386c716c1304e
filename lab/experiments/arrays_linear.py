"""A linear classifier trained with NumPy alone: what the arrays of unit 00 are for.

    from lab.experiments import arrays_linear
    data = arrays_linear.images("digits")      # data.train_x (N, D), .train_y (N,), .validation_x, ...
    run = arrays_linear.train(data, rate=0.1, epochs=20, seed=0)
    run = arrays_linear.train(data, rate=0.1, epochs=20, seed=0, gradient=mine)
    run["loss"], run["test_accuracy"]

`mine(W, b, x, y)` returns (loss, dW, db) of one mini-batch: x (B, D), y (B,), W (D, K), b (K,).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from lab.data import read
from lab.dataset import Dataset

Record = dict[str, Any]
Gradient = Callable[..., tuple[float, np.ndarray, np.ndarray]]  # (W, b, x, y) -> loss, dW, db

SETS = {"digits": "digits", "photos": "photo_patches"}
BATCH = 32
START = 0.01  # standard deviation of the first weights


@dataclass(frozen=True)
class Data:
    """Images as rows x: (N, D) with classes y: (N,): to train, to choose a rate, to test with."""

    train_x: np.ndarray
    train_y: np.ndarray
    validation_x: np.ndarray
    validation_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray


@cache
def images(
    name: str = "digits", train: int = 1200, validation: int = 297, test: int = 300, mixed: int | None = None
) -> Data:
    """The first images of a set as float64 rows, less the mean and over the deviation of the training pixels.

    Mean and deviation are those of each channel. Of photographs each 2x2 pixels are averaged: D = 16*16*3.
    With a seed `mixed`, test images and the others change places at random before.
    """
    data = read(SETS[name])
    if mixed is not None:
        data = shuffled(data, mixed)
    return from_pixels(data, pixels(data.train_images), pixels(data.test_images), train, validation, test)


def shuffled(data: Dataset, seed: int) -> Dataset:
    """As many training and test images as before, drawn anew from both."""
    whole = np.concatenate([data.train_images, data.test_images])
    labels = np.concatenate([data.train_labels, data.test_labels])
    order = np.random.default_rng([seed, 3]).permutation(len(labels))
    first, rest = np.split(order, [len(data.train_labels)])
    return replace(
        data,
        train_images=whole[first],
        train_labels=labels[first],
        test_images=whole[rest],
        test_labels=labels[rest],
    )


def from_pixels(
    data: Dataset, whole: np.ndarray, tested: np.ndarray, train: int, validation: int, test: int
) -> Data:
    """Standardized rows of images (N, H, W, C); the images after the first `train` are for validation."""
    mean = whole[:train].mean(axis=(0, 1, 2))
    std = whole[:train].std(axis=(0, 1, 2))
    x = ((whole - mean) / std).reshape(len(whole), -1)
    last = train + validation
    return Data(
        *(x[:train], data.train_labels[:train]),
        *(x[train:last], data.train_labels[train:last]),
        *(((tested - mean) / std).reshape(len(tested), -1)[:test], data.test_labels[:test]),
    )


def pixels(images: np.ndarray) -> np.ndarray:
    """uint8 (N, H, W, C) as float64; 32x32 pixels become 16x16."""
    if images.shape[1] < 32:
        return images.astype(np.float64)
    N, H, W, C = images.shape
    return images.reshape(N, H // 2, 2, W // 2, 2, C).mean(axis=(2, 4))


def cross_entropy(
    W: np.ndarray, b: np.ndarray, x: np.ndarray, y: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Mean cross-entropy of softmax(x W + b), and its gradients. x: (B, D), W: (D, K), b: (K,), y: (B,)."""
    scores = x @ W + b
    scores -= np.amax(scores, 1, keepdims=True)
    log_p = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    rows = np.arange(len(y))
    slope = np.exp(log_p)
    slope[rows, y] -= 1
    slope /= len(y)
    return -float(log_p[rows, y].mean()), x.T @ slope, slope.sum(0)


def accuracy(W: np.ndarray, b: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    """The share of rows x: (N, D) whose greatest score is that of their class y: (N,)."""
    return float(((x @ W + b).argmax(1) == y).mean())


def first_weights(D: int, K: int, seed: int, dtype: str = "float64") -> tuple[np.ndarray, np.ndarray]:
    """W (D, K), small and random, and b (K,), zero."""
    return np.random.default_rng([seed, 0]).normal(0, START, (D, K)).astype(dtype), np.zeros(K, dtype)


def epochs_of_batches(count: int, batch: int, epochs: int, seed: int) -> Iterator[list[np.ndarray]]:
    """For each epoch its mini-batches: indices of all examples in a new order, the last batch ragged."""
    rng = np.random.default_rng([seed, 1])
    for _ in range(epochs):
        order = rng.permutation(count)
        yield [order[start : start + batch] for start in range(0, count, batch)]


def train(
    data: Data,
    *,
    rate: float,
    epochs: int,
    seed: int,
    batch: int = BATCH,
    gradient: Gradient = cross_entropy,
    dtype: str = "float64",
    order_seed: int | None = None,
) -> Record:
    """Train with stochastic gradient descent; the seed draws the first weights and the orders.

    Returns "loss" (mean over the epoch, as training goes on) and "validation_accuracy", a value per epoch,
    and the accuracies at the end. With `order_seed` the orders have a seed of their own.
    """
    x, y = data.train_x.astype(dtype), data.train_y
    W, b = first_weights(x.shape[1], int(data.train_y.max()) + 1, seed, dtype)
    record: Record = {"loss": [], "validation_accuracy": []}
    for parts in epochs_of_batches(len(y), batch, epochs, seed if order_seed is None else order_seed):
        total = 0.0
        for rows in parts:
            loss, dW, db = gradient(W, b, x[rows], y[rows])
            W, b = W - np.asarray(rate * dW, dtype), b - np.asarray(rate * db, dtype)
            total += loss * len(rows)
        record["loss"].append(total / len(y))
        record["validation_accuracy"].append(accuracy(W, b, data.validation_x, data.validation_y))
    return record | ends(W, b, data)


def ends(W: np.ndarray, b: np.ndarray, data: Data) -> Record:
    """Accuracy of the training and of the test images after training."""
    return {
        f"{split}_accuracy": accuracy(W, b, getattr(data, f"{split}_x"), getattr(data, f"{split}_y"))
        for split in ("train", "test")
    }
