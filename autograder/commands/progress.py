"""How far a long piece of work is, how fast it goes, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

EVERY = 5.0  # seconds from line to line where there is no terminal


class Watcher:
    """Called with what is done, how many are done and of how many. A bar in a terminal, elsewhere lines."""

    def __init__(self, console: Console, first: str, clock: Callable[[], float] = time.monotonic):
        self._console, self._clock = console, clock
        self._what, self._start, self._before, self._last = first, clock(), 0, clock()
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task(first, total=None, pace="")

    def __call__(self, what: str, done: int, of: int) -> None:
        now = self._clock()
        if what != self._what:
            self._what, self._start, self._before = what, now, done
        pace = pace_of(done - self._before, of - done, now - self._start)
        self._bar.update(self._task, description=what, completed=done, total=of, pace=pace)
        if not self._console.is_terminal and now - self._last >= EVERY:
            self._last = now
            self.say(f"{what} {done} of {of}{', ' if pace else ''}{pace}")

    def say(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def __enter__(self) -> Watcher:
        if self._console.is_terminal:
            self._bar.start()
        else:
            self.say(self._what)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pause()

    def pause(self) -> None:
        """Give the terminal free, for a question."""
        if self._bar.live.is_started:
            self._bar.stop()


def pace_of(done: int, left: int, seconds: float) -> str:
    """The rate and the time left, in words; nothing while too little is known."""
    if done < 1 or seconds <= 0:
        return ""
    rate = done / seconds
    each = f"{rate:.1f} a second" if rate >= 1 else f"{60 * rate:.1f} a minute"
    return f"{each}, {duration(left / rate)} left" if left else each


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
