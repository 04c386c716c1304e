"""How much a submission may write: the kernel limits each file of a process, nobody limits all together.

With namespaces, its folder is a file system of this size (`namespaces.bound`). Without, it is looked
at ten times a second, and files that are deleted while open escape: no more than may be open at once,
each as large as one may be.
"""

from __future__ import annotations

import os

MAX_BYTES = 256 << 20
MAX_FILES = 5000
TOO_MUCH = f"it wrote too much (at most {MAX_BYTES >> 20} MB in {MAX_FILES} files)"


def full(folder: str) -> bool:
    """Is more in `folder` than may be there, or more than can be counted?"""
    size = files = 0
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    found = entry.stat(follow_symlinks=False)
                    size, files = size + 512 * found.st_blocks, files + 1
                    if size > MAX_BYTES or files > MAX_FILES:
                        return True
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except FileNotFoundError:
            continue  # it was there a moment ago
        except OSError:
            return True  # nested so deeply that its path has no name
    return False
