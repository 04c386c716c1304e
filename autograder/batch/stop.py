"""Ctrl-C and SIGTERM: what is in hand is finished and written, nothing new is begun."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
EXIT_CODE = 130
STOPPING = b"\nStopping: what is in hand is finished and written. Once more to leave at once.\n"


class Stop:
    """Calling it tells whether somebody asked to stop."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        return self.asked


@contextmanager
def stoppable() -> Iterator[Stop]:
    """The first signal is noted and told; the second ends the process at once, which the next run mends."""
    stop = Stop()

    def on_signal(_: int, __: FrameType | None) -> None:
        if stop.asked:
            os._exit(EXIT_CODE)
        stop.asked = True
        os.write(2, STOPPING)  # not print: the signal may have come in the middle of one

    before = {number: signal.signal(number, on_signal) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Until(Mapping[str, Path]):
    """Submissions that come to an end when somebody asks to stop: who takes them one by one takes no more."""

    def __init__(self, folders: Mapping[str, Path], stopped: Callable[[], bool]):
        self._folders, self._stopped = folders, stopped

    def __getitem__(self, student: str) -> Path:
        return self._folders[student]

    def __len__(self) -> int:
        return len(self._folders)

    def __iter__(self) -> Iterator[str]:
        for student in self._folders:
            if self._stopped():
                return
            yield student
