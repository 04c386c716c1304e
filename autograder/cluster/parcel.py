"""A submission as bytes: no file system is shared with the machine that grades it.

What grading never reads stays at home: of other files than notebooks and modules only the names travel."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from autograder.engine.answers import strip_control
from autograder.engine.beside import is_read
from autograder.engine.reading import MAX_FILE, MAX_FILES, submitted_files

MAX_BYTES = 64 << 20  # of all files of one submission together
NO_FILE = -1  # the size of what is a link, a pipe or a device

Entry = tuple[bytes, int, bytes]  # path in the folder, size, content; a size without content: nothing to read


@dataclass(frozen=True)
class Parcel:
    """The files of one submission; troubles: what could not be packed, in words for the student."""

    entries: list[Entry] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    @property
    def nbytes(self) -> int:
        return sum(len(content) for _, _, content in self.entries)


def pack(folder: Path, wanted: Sequence[str]) -> Parcel:
    """Pack what grading reads in `folder`, first the notebooks of the names `wanted`, within the limits."""
    files = list(islice(submitted_files(folder), MAX_FILES))
    proper = {folder / f"{name}.ipynb" for name in wanted}
    parcel, room = Parcel(), MAX_BYTES
    for path in sorted(files, key=lambda p: p not in proper):
        shown = strip_control(os.fsencode(path.relative_to(folder)).decode(errors="replace"))
        try:
            size, content = _content(path)
        except OSError as error:
            parcel.troubles.append(f"{shown} cannot be read ({error.strerror}): hand it in again.")
            continue
        if len(content) > room:
            most = f"the files of one submission may have {MAX_BYTES >> 20} MB together"
            parcel.troubles.append(f"{shown} was left out: {most}. Hand in what is asked for.")
            continue
        room -= len(content)
        parcel.entries.append((os.fsencode(path.relative_to(folder)), size, content))
    return parcel


def _content(path: Path) -> tuple[int, bytes]:
    if path.is_symlink() or not path.is_file():
        return NO_FILE, b""
    if not is_read(path):
        return 0, b""
    size = min(path.stat().st_size, MAX_FILE + 1)  # a worker's file system may not know such sizes
    return size, path.read_bytes() if size <= MAX_FILE else b""


def unpack(entries: Sequence[Entry], folder: Path) -> None:
    """Lay the files out in `folder` so that grading finds there what it would find at home."""
    folder.mkdir()
    for name, size, content in entries:
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if size == NO_FILE:
            path.symlink_to("nowhere")
            continue
        path.write_bytes(content)
        os.truncate(path, size)  # one that is too large to be read has its size, and takes no room
