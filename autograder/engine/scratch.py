"""Folders that submissions may write in. Each is locked by the process that made it, as long as that lives:
a folder without a lock was left behind by one that was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

PREFIX = "autograder-scratch-"


class Scratch:
    """A new folder, removed with all that is in it when it is closed."""

    def __init__(self) -> None:
        self.path, self._lock = _made()

    def close(self) -> None:
        remove(self.path)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _made() -> tuple[str, int]:
    """A folder and the descriptor that locks it; `sweep` may take one for left behind before it is locked."""
    while True:
        path = tempfile.mkdtemp(prefix=PREFIX)
        with suppress(FileNotFoundError):
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if os.path.isdir(path):
                return path, lock
            os.close(lock)


def sweep() -> None:
    """Remove the folders that processes of this user left behind when they were killed."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            found = path.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
                _remove_unlocked(path)


def _remove_unlocked(path: Path) -> None:
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remove(str(path))
    finally:
        os.close(lock)


def remove(folder: str) -> None:
    """Remove a folder, however deep a submission nested it, and whatever in it may not be listed."""
    with suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if os.path.isdir(folder):
        for tool in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
            subprocess.run([*tool, "--", folder], stderr=subprocess.DEVNULL, check=False)
