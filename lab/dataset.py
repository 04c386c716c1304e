"""What `load` returns, what it is made from, and the one exception that it raises."""

import hashlib
import importlib
import importlib.util
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import numpy as np

INSTALL = 'pip install "training-neural-networks[course]"'


class DataError(Exception):
    """A data set could not be had. The message is one sentence: what was expected, what came, what to do."""


def need(module: str, purpose: str) -> ModuleType:
    """Import an optional package, or say which one is missing and how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise DataError(
            f"{purpose} needs the package {module}, which is not installed: {INSTALL}."
        ) from error


@dataclass(frozen=True)
class Dataset:
    """Images uint8 (N, H, W, C), labels int64 (N,), the name of each class, and where it all came from."""

    name: str
    train_images: np.ndarray = field(repr=False)
    train_labels: np.ndarray = field(repr=False)
    test_images: np.ndarray = field(repr=False)
    test_labels: np.ndarray = field(repr=False)
    classes: tuple[str, ...] = field(repr=False)
    origin: str
    digest: str

    @property
    def source(self) -> str:
        """Where the images came from, how many there are, and the start of their digest, in one line."""
        shape = "x".join(map(str, self.train_images.shape[1:]))
        return (
            f"{self.name}: {len(self.train_images)} training and {len(self.test_images)} test images "
            f"of {shape}, {len(self.classes)} classes, {self.origin} (SHA-256 {self.digest[:12]})"
        )


def dataset(
    name: str,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    classes: tuple[str, ...],
    origin: str,
) -> Dataset:
    """Check (images, labels) of both splits against each other and make a `Dataset` of them."""
    for split, (images, labels) in (("training", train), ("test", test)):
        problem = _problem(images, labels, len(classes))
        if problem:
            raise DataError(
                f"The {split} images of {name} {origin} are not usable: {problem}; prepare them again."
            )
    arrays = (train[0], train[1].astype(np.int64), test[0], test[1].astype(np.int64))
    return Dataset(name, *arrays, classes, origin, _digest(arrays))


def _problem(images: np.ndarray, labels: np.ndarray, classes: int) -> str:
    if images.dtype != np.uint8 or images.ndim != 4:
        return f"expected uint8 images of shape (N, H, W, C), found {images.dtype} of shape {images.shape}"
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or len(labels) != len(images):
        return f"expected {len(images)} integer labels, found {labels.dtype} of shape {labels.shape}"
    if not len(labels) or labels.min() < 0 or labels.max() >= classes:
        return f"expected labels from 0 to {classes - 1}"
    return ""


def _digest(arrays: tuple[np.ndarray, ...]) -> str:
    """SHA-256 over shapes and contents, the same on every machine (labels are little-endian int64)."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(repr(array.shape).encode())
        total.update(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).data)
    return total.hexdigest()


def package_file(package: str, distribution: str, inner: str) -> Path:
    """The path of a file inside an installed package, found without importing the package."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise DataError(
            f"This data set is made from the package {distribution}, which is not installed: {INSTALL}."
        )
    path = Path(next(iter(spec.submodule_search_locations))) / inner
    if not path.is_file():
        raise DataError(
            f"Expected {inner} inside {distribution} {version(distribution)}, but it is not there; "
            f"install the version that the course was made with: {INSTALL}."
        )
    return path
