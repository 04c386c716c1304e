"""Photo-patches: a small stand-in for CIFAR-10, cut from ten photographs that installed packages bundle.

Every photograph is one class. It is divided into cells of 64x64 pixels; a quarter of the cells belong to the
test set, the rest to the training set, and a 32x32 patch lies wholly inside one cell, so no pixel is in both.
The files are read from the packages' own folders, because scikit-image's loaders download what is missing.
"""

from pathlib import Path

import numpy as np

from lab.dataset import DataError, need

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


def cut(photos: list[np.ndarray]) -> tuple[Split, Split]:
    """Training and test split of photographs (H, W, 3): patches (N, 32, 32, 3), and labels (N,)."""
    random = np.random.RandomState(
        SEED
    )  # its stream is frozen for ever (NEP 19): the same patches with every NumPy
    train, test = [], []
    for photo in photos:
        train_cells, test_cells = _divide(photo, random)
        train.append(_patches(photo, train_cells, TRAIN_PER_CLASS, random))
        test.append(_patches(photo, test_cells, TEST_PER_CLASS, random))
    return _shuffled(train, random), _shuffled(test, random)


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
