"""Photo-patches: a small stand-in for CIFAR-10, cut from ten photographs that installed packages bundle.

Every photograph is one class. It is divided into cells of 64x64 pixels; a quarter of the cells belong to the
test set, the rest to the training set, and a 32x32 patch lies wholly inside one cell, so no pixel is in both.
The files are read from the packages' own folders, because scikit-image's loaders download what is missing.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lab.dataset import DataError, need, package_file

SEED = 0
CELL, PATCH = 64, 32
TRAIN_PER_CLASS, TEST_PER_CLASS = 500, 100

_SKIMAGE = ("skimage", "scikit-image")
_SKLEARN = ("sklearn", "scikit-learn")
SOURCES = {  # class: (package, distribution, file inside it); all ten are in the wheels
    "astronaut": (*_SKIMAGE, "data/astronaut.png"),
    "coffee": (*_SKIMAGE, "data/coffee.png"),
    "cat": (*_SKIMAGE, "data/chelsea.png"),
    "rocket": (*_SKIMAGE, "data/rocket.jpg"),
    "retina": (*_SKIMAGE, "data/retina.jpg"),
    "tissue": (*_SKIMAGE, "data/ihc.png"),
    "galaxies": (*_SKIMAGE, "data/hubble_deep_field.jpg"),
    "motorcycle": (*_SKIMAGE, "data/motorcycle_left.png"),
    "temple": (*_SKLEARN, "datasets/images/china.jpg"),
    "flower": (*_SKLEARN, "datasets/images/flower.jpg"),
}

Split = tuple[np.ndarray, np.ndarray]


def read_photo(path: Path) -> np.ndarray:
    """A photograph as uint8 (H, W, 3)."""
    pillow = need("PIL.Image", "Reading the photographs of photo_patches")
    try:
        with pillow.open(path) as photo:
            return np.asarray(photo.convert("RGB"))
    except OSError as error:
        raise DataError(
            f"Expected a photograph in {path}, but it cannot be read ({error}); reinstall the package."
        ) from error


def photographs() -> dict[str, np.ndarray]:
    """All ten by class, each uint8 (H, W, 3)."""
    return {
        name: read_photo(package_file(package, distribution, inner))
        for name, (package, distribution, inner) in SOURCES.items()
    }


def cut(photos: list[np.ndarray]) -> tuple[Split, Split]:
    """Training and test split of photographs (H, W, 3): patches (N, 32, 32, 3), and labels (N,)."""
    random = np.random.RandomState(
        SEED
    )  # its stream is frozen for ever (NEP 19): the same patches with every NumPy
    cuts = [_cut(photo, random) for photo in photos]
    return _shuffled([c.train for c in cuts], random), _shuffled([c.test for c in cuts], random)


def fresh(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """New test images: windows at random places of random test cells, each class as likely.

    Returns patches (n, 32, 32, 3), labels (n,), and which of its class's cells each is from (n,).
    """
    cells = _test_cells()
    labels = rng.integers(len(cells), size=n)
    numbers = rng.integers([len(cells[label]) for label in labels])
    corners = rng.integers(CELL - PATCH + 1, size=(n, 2))
    patches = [
        cells[label][number, y : y + PATCH, x : x + PATCH]
        for label, number, (y, x) in zip(labels, numbers, corners, strict=True)
    ]
    return np.stack(patches), labels, numbers


def training_cells() -> np.ndarray:
    """Which cell each training image of the data set is from (5000,), numbered through all photographs.

    Patches of one cell overlap: validation images must be of cells that no training image is from."""
    random = np.random.RandomState(SEED)
    numbers, first = [], 0
    for photo in photographs().values():
        cells = len(_cut(photo, random).train_cells)
        numbers.append(first + np.arange(TRAIN_PER_CLASS) % cells)
        first += cells
    return np.concatenate(numbers)[random.permutation(len(numbers) * TRAIN_PER_CLASS)]


@cache
def _test_cells() -> list[np.ndarray]:
    """Of each photograph (n, 64, 64, 3)."""
    random = np.random.RandomState(SEED)
    found = []
    for photo in photographs().values():
        corners = _cut(photo, random).test_cells
        found.append(np.stack([photo[y : y + CELL, x : x + CELL] for y, x in corners]))
    return found


class _Cut(NamedTuple):
    """Of one photograph: patches (n, 32, 32, 3) of both splits, and the corners (n, 2) of their cells."""

    train: np.ndarray
    test: np.ndarray
    train_cells: np.ndarray
    test_cells: np.ndarray


def _cut(photo: np.ndarray, random: np.random.RandomState) -> _Cut:
    train_cells, test_cells = _divide(photo, random)
    train = _patches(photo, train_cells, TRAIN_PER_CLASS, random)
    return _Cut(train, _patches(photo, test_cells, TEST_PER_CLASS, random), train_cells, test_cells)


def _divide(photo: np.ndarray, random: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    """Upper left corners (n, 2) of the training cells and of the test cells."""
    rows, columns = photo.shape[0] // CELL, photo.shape[1] // CELL
    corners = CELL * np.stack(np.divmod(random.permutation(rows * columns), columns), axis=1)
    quarter = len(corners) // 4
    return corners[quarter:], corners[:quarter]


def _patches(photo: np.ndarray, cells: np.ndarray, n: int, random: np.random.RandomState) -> np.ndarray:
    """n patches (n, 32, 32, 3), each at a random place inside one of the cells, taken in turn."""
    corners = cells[np.arange(n) % len(cells)] + random.randint(0, CELL - PATCH + 1, (n, 2))
    return np.stack([photo[y : y + PATCH, x : x + PATCH] for y, x in corners])


def _shuffled(patches: list[np.ndarray], random: np.random.RandomState) -> Split:
    images = np.concatenate(patches)
    labels = np.repeat(np.arange(len(patches)), [len(p) for p in patches])
    order = random.permutation(len(images))
    return images[order], labels[order]
