"""What unit 01 measures besides training: statistics of channels, and the eigenvalues of X^T X / N."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from lab.data import read
from lab.experiments.normalization_data import PREPARATIONS, Pair

SPECTRA = ("raw", "centred", "standardized per channel", "standardized per feature", "whitened (ZCA)")


def channels(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Mean and standard deviation of every channel, pixels from 0 to 1, over each set's training images."""
    return {name: _channels(read(name).train_images) for name in names}


def _channels(images: np.ndarray) -> dict[str, Any]:
    levels = np.arange(256) / 255
    means, stds = [], []
    for channel in range(images.shape[-1]):
        share = np.bincount(images[..., channel].ravel(), minlength=256) / images[..., channel].size
        mean = float(share @ levels)
        means.append(mean)
        stds.append(float(np.sqrt(share @ (levels - mean) ** 2)))
    return {"images": len(images), "mean": means, "std": stds}


def spectra(names: Iterable[str]) -> list[dict[str, Any]]:
    """The eigenvalues of H = X^T X / N over the training images, per data set and preparation.

    H is the Hessian of a linear model with half the mean squared error. "max_lr" is 2 / largest eigenvalue,
    above which gradient descent diverges on it. "condition" is largest / smallest, where eigenvalues that are
    rounding errors, as a constant pixel has, do not count; "rank" says how many count. "first_share" is the
    largest over the sum. "eigenvalues" has pairs (number, value), fewer among the small ones.
    """
    return [
        {"data": name, "preparation": p, **spectrum(_prepared(name, p))} for name in names for p in SPECTRA
    ]


def spectrum(x: np.ndarray) -> dict[str, Any]:
    """The measures of X^T X / N for x (N, D)."""
    values = np.linalg.eigvalsh(x.T @ x / len(x))[::-1]
    rank = int((values > values[0] * max(x.shape) * np.finfo(np.float64).eps).sum())
    kept = np.unique(np.geomspace(1, rank, 80).round().astype(int))
    return {
        "features": x.shape[1],
        "rank": rank,
        "largest": float(values[0]),
        "smallest": float(values[rank - 1]),
        "condition": float(values[0] / values[rank - 1]),
        "max_lr": float(2 / values[0]),
        "first_share": float(values[0] / values.sum()),
        "eigenvalues": [[int(k), float(f"{values[k - 1]:.4g}")] for k in kept],
    }


def _prepared(name: str, preparation: str) -> np.ndarray:
    images = read(name).train_images
    prepare = _centred if preparation == "centred" else PREPARATIONS[preparation]
    return prepare(images, images[:1])[0].reshape(len(images), -1).astype(np.float64)


def _centred(train: np.ndarray, images: np.ndarray) -> Pair:
    mean = train.mean(axis=0)
    return train - mean, images - mean
