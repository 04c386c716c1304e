"""The preparations of images that unit 01 compares, each with a library's own tool.

A preparation is a function (train_images, images) -> (prepared train_images, prepared images). All arrays are
(N, H, W, C), uint8 as they are read and float32 as they are returned. Whatever it learns from data it learns
from `train_images` alone.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from lab.dataset import need

Prepare = Callable[[np.ndarray, np.ndarray], tuple[Any, Any]]
Pair = tuple[np.ndarray, np.ndarray]

LCN_RADIUS, LCN_EPS = 3, 10.0**2  # a window of 7x7; the noise floor is a deviation of 10 grey levels
ZCA_EPS = 0.01  # of pixels / 255, whose variances are near 0.06


def raw(train: np.ndarray, images: np.ndarray) -> Pair:
    """The pixels as they are, 0 to 255."""
    return train.astype(np.float32), images.astype(np.float32)


def unit_range(train: np.ndarray, images: np.ndarray) -> Pair:
    """Every feature to [0, 1] over the training images."""
    return _per_feature(_preprocessing().MinMaxScaler(), train, images)


def per_channel(train: np.ndarray, images: np.ndarray) -> Pair:
    """Every channel to mean 0 and variance 1 over all pixels of the training images."""
    pixels, new_pixels = (x.reshape(-1, x.shape[-1]) for x in (train, images))
    scaler = _preprocessing().StandardScaler().fit(pixels)
    return _like(scaler.transform(pixels), train), _like(scaler.transform(new_pixels), images)


def per_feature(train: np.ndarray, images: np.ndarray) -> Pair:
    """Every feature (a pixel's channel) to mean 0 and variance 1 over the training images."""
    return _per_feature(_preprocessing().StandardScaler(), train, images)


def global_contrast(train: np.ndarray, images: np.ndarray) -> Pair:
    """Every image to mean 0 and variance 1 over its own values."""
    scale = _preprocessing().scale
    return _like(scale(_rows(train), axis=1), train), _like(scale(_rows(images), axis=1), images)


def local_contrast(train: np.ndarray, images: np.ndarray) -> Pair:
    """Every value minus the mean of the 7x7 window around it, over that window's deviation, per channel."""
    return _local_contrast(train), _local_contrast(images)


def zca(train: np.ndarray, images: np.ndarray) -> Pair:
    """Pixels / 255, whitened and turned back to where they were (ZCA)."""
    pixels = _rows(train) / 255
    solver = "full" if len(pixels) < pixels.shape[1] else "covariance_eigh"  # the faster one
    pca = need("sklearn.decomposition", "Whitening").PCA(svd_solver=solver).fit(pixels)
    variances = pca.explained_variance_ * (len(train) - 1) / len(train)  # the course divides by N
    # Directions that fewer images than features leave without variance are divided by sqrt(eps) too.
    change = 1 / np.sqrt(variances + ZCA_EPS) - 1 / np.sqrt(ZCA_EPS)

    def whiten(x: np.ndarray) -> np.ndarray:
        centred = _rows(x) / 255 - pca.mean_
        within = centred @ pca.components_.T * change @ pca.components_
        return _like(centred / np.sqrt(ZCA_EPS) + within, x)

    return whiten(train), whiten(images)


PREPARATIONS: dict[str, Prepare] = {
    "raw": raw,
    "to [0, 1]": unit_range,
    "standardized per channel": per_channel,
    "standardized per feature": per_feature,
    "global contrast": global_contrast,
    "local contrast": local_contrast,
    "whitened (ZCA)": zca,
}


def _local_contrast(images: np.ndarray) -> np.ndarray:
    pixels = images.astype(np.float64)
    mean = _window_mean(pixels)
    variance = np.maximum(_window_mean(pixels**2) - mean**2, 0)
    return _like((pixels - mean) / np.sqrt(variance + LCN_EPS), images)


def _window_mean(x: np.ndarray) -> np.ndarray:
    """The mean over the window around each pixel; only pixels inside the image count."""
    window = (1, 2 * LCN_RADIUS + 1, 2 * LCN_RADIUS + 1, 1)
    box = need("scipy.ndimage", "Local contrast normalization").uniform_filter
    return box(x, window, mode="constant") / box(np.ones_like(x[:1]), window, mode="constant")


def _per_feature(scaler: Any, train: np.ndarray, images: np.ndarray) -> Pair:
    scaler.fit(_rows(train))
    return _like(scaler.transform(_rows(train)), train), _like(scaler.transform(_rows(images)), images)


def _rows(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(np.float64)


def _like(x: np.ndarray, images: np.ndarray) -> np.ndarray:
    return x.reshape(images.shape).astype(np.float32)


def _preprocessing() -> Any:
    return need("sklearn.preprocessing", "Preparing the images")
