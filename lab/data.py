"""The course's one way to image data: `load(name, size="auto")`.

The embedded sets (digits, mnist5k, photo_patches) are made from installed packages. The full sets
(fashion_mnist, cifar10, cifar100) are read from the prepared folder $LAB_DATA, or from the user's cache.
Nothing is downloaded unless asked for, by size="full" or `python -m lab fetch NAME`; no set ever stands in
for another.
"""

import os
from pathlib import Path

import numpy as np

from lab.class_names import CLASSES
from lab.dataset import DataError, Dataset, dataset
from lab.embedded import EMBEDDED
from lab.fetch import CANONICAL, cache_folder, fetch, places


def load(name: str, size: str = "auto") -> Dataset:
    """A data set by name, and one printed line that says what it is and where it came from.

    size="auto" takes what is on this machine; size="full" also downloads a full set that is not.
    """
    data = read(name, size)
    print(data.source)
    return data


def read(name: str, size: str = "auto") -> Dataset:
    """As `load`, without the line."""
    if size not in ("auto", "full"):
        raise DataError(f'Expected size "auto" or "full", got {size!r}.')
    if name in EMBEDDED:
        return EMBEDDED[name]()
    if name not in CANONICAL:
        known = ", ".join([*EMBEDDED, *CANONICAL])
        raise DataError(f"Expected the name of a data set ({known}), got {name!r}.")
    folder = _folder(name)
    if folder is None:
        if size != "full":
            raise DataError(
                f"{name} is not on this machine: run `python -m lab fetch {name}` or load it with "
                f'size="full" to download it, or prepare a folder and set LAB_DATA to it; {places(name)}.'
            )
        folder = fetch(name)
    return _prepared(name, folder)


def _folder(name: str) -> Path | None:
    """Where the prepared arrays of a full set are: in $LAB_DATA, else in the cache, else nowhere."""
    prepared = os.environ.get("LAB_DATA")
    if prepared and not Path(prepared).is_dir():
        raise DataError(
            f"LAB_DATA is {prepared!r}, which is not a folder: set it to a prepared folder, or unset it."
        )
    candidates = [Path(prepared) / name] if prepared else []
    candidates.append(cache_folder() / name)
    return next((folder for folder in candidates if folder.is_dir()), None)


def _prepared(name: str, folder: Path) -> Dataset:
    splits = []
    for split in ("train", "test"):
        paths = [folder / f"{split}_{part}.npy" for part in ("images", "labels")]
        splits.append((_array(paths[0]), _array(paths[1])))
    return dataset(name, splits[0], splits[1], CLASSES[name], f"read from {folder}")


def _array(path: Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        came = "it is not there" if isinstance(error, FileNotFoundError) else "it is damaged or incomplete"
        raise DataError(
            f"Expected an array in {path}, but {came}: "
            f"delete the folder {path.parent.name} and prepare or fetch it again."
        ) from error
