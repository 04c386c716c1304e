"""One line of progress that overwrites itself: in a terminal, in a notebook, and nowhere else."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")


class Progress:
    """Shows `label: 40 % text`; pooch can drive it too (total, update, reset, close)."""

    def __init__(self, label: str, total: int) -> None:
        self.label, self.total, self.done = label, total, 0
        self._display: Any = None
        self._shown_at = 0.0

    def update(self, step: int = 1, text: str = "") -> None:
        """Count `step` more, and show the state ten times a second at most."""
        self.done += step
        now = time.monotonic()
        if now - self._shown_at > 0.1 or self.done >= self.total:
            self._shown_at = now
            self._show(f"{self.label}: {100 * min(self.done, self.total) // max(self.total, 1):3d} % {text}")

    def reset(self) -> None:
        """Count from the beginning."""
        self.done = 0

    def close(self) -> None:
        """End the line."""
        if self._display is None and sys.stdout.isatty():
            print(flush=True)

    def _show(self, line: str) -> None:
        if "ipykernel" in sys.modules:
            from IPython.display import display

            content = {"text/plain": line}
            if self._display is None:
                self._display = display(content, raw=True, display_id=True)
            else:
                self._display.update(content, raw=True)
        elif sys.stdout.isatty():
            print(f"\r\x1b[K{line}", end="", flush=True)


def with_progress(label: str, items: Sequence[Item], told: Callable[[Item], str] = str) -> Iterator[Item]:
    """The items one after the other; once one is done with, the line says what is told of it."""
    progress = Progress(label, len(items))
    for item in items:
        yield item
        progress.update(1, told(item))
    progress.close()
