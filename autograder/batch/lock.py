"""One run at a time writes to a course."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = ".grading.lock"


class Busy(RuntimeError):
    """Another run is grading this course."""


@contextmanager
def alone(target: Path) -> Iterator[None]:
    """Hold the course at `target`; Busy where another process does. The hold ends with its process."""
    target.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(target / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = os.pread(descriptor, 40, 0).decode("ascii", "replace").strip()
            raise Busy(
                f"Another run (process {who or 'unknown'}) is grading into {target}: wait until it has ended."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
