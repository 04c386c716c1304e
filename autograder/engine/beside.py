"""What was handed in beside the notebooks and they may open: modules of Python, and arrays such as weights.

It lies where the notebook runs, which could write it itself: so it needs no more trust than the notebook."""

from __future__ import annotations

import re
from collections.abc import Container
from itertools import islice
from pathlib import Path

from autograder.engine.answers import strip_control
from autograder.engine.reading import MAX_FILES, submitted_files

MODULE = re.compile(r"[A-Za-z_]\w*\.py", re.ASCII)
ARRAYS = re.compile(r"\w[\w.-]*\.(?:npy|npz|safetensors|pt|pth)", re.ASCII)
MAX_MODULE = 200_000  # bytes of one file
MAX_MODULES = 10 * MAX_MODULE  # of all together: each process of the submission gets them anew


def is_read(path: Path) -> bool:
    """Does grading look into the file? Into notebooks under any name, and what they may open."""
    return ".ipynb" in path.name.lower() or bool(MODULE.fullmatch(path.name) or ARRAYS.fullmatch(path.name))


def find_beside(
    folder: Path, max_arrays: int, wanted: Container[str] = ()
) -> tuple[dict[str, bytes], list[str]]:
    """The files by name, the first of each name, and a sentence for each that was left out.

    max_arrays: bytes of arrays, one or many; wanted: names that get their room before others."""
    found: dict[str, bytes] = {}
    left_out: list[str] = []
    room = {MODULE: MAX_MODULES, ARRAYS: max_arrays}
    paths = list(islice(submitted_files(folder), MAX_FILES))
    for path in sorted(paths, key=lambda path: path.name not in wanted):
        kind = next((kind for kind in room if kind.fullmatch(path.name)), None)
        if kind and path.name not in found:
            most = min(MAX_MODULE, room[kind]) if kind is MODULE else room[kind]
            try:
                found[path.name] = _content(path, most)
                room[kind] -= len(found[path.name])
            except OSError as error:
                left_out.append(f"{strip_control(path.name)} was left out: {error.strerror or error}.")
    return found, left_out


def _content(path: Path, most: int) -> bytes:
    if path.is_symlink() or not path.is_file():
        raise OSError("it is no regular file")
    size = path.stat().st_size
    if size > most:
        raise OSError(f"it has {size:,} bytes, and at most {most:,} are read")
    return path.read_bytes()
