"""Processes that hold the reference solution of one notebook, kept from one submission to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from autograder.engine.process import Child

MAX_LOANS = 2000  # then a process has earned its end


class References:
    """As many processes as are needed at a time: to load a solution takes as long as to grade a notebook.

    What they are asked comes from submissions, but it is arrays and numbers, and the functions that get them
    keep nothing: no submission leaves a trace for the next. One that does not answer is not used again."""

    def __init__(self, load: Callable[[], Child]):
        self._load = load
        self._idle: list[tuple[Child, int]] = []  # with how often they were lent

    @contextmanager
    def one(self) -> Iterator[Child]:
        """Borrow a process; safe to use from threads."""
        try:
            child, loans = self._idle.pop()
        except IndexError:
            child, loans = self._load(), 0
        try:
            yield child
        except BaseException:
            child.close()
            raise
        if loans < MAX_LOANS:
            self._idle.append((child, loans + 1))
        else:
            child.close()

    def close(self) -> None:
        while self._idle:
            self._idle.pop()[0].close()
