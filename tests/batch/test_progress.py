"""Progress with rate and time left: a bar in a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from autograder.commands.progress import Watcher, pace_of


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def watch(terminal: bool, clock: Clock) -> tuple[Watcher, io.StringIO]:
    out = io.StringIO()
    return Watcher(Console(file=out, force_terminal=terminal, width=120), "warming up", clock), out


def test_elsewhere_a_line_comes_every_few_seconds() -> None:
    clock = Clock()
    watcher, out = watch(False, clock)
    with watcher:
        for done in range(1, 13):
            clock.now += 1
            watcher("written", done, 20)
    first, *lines = out.getvalue().splitlines()
    assert first == "warming up"
    assert lines == [
        "written 5 of 20, 1.0 a second, 15 s left",
        "written 10 of 20, 1.0 a second, 10 s left",
    ]


def test_a_new_kind_of_work_has_a_rate_of_its_own() -> None:
    clock = Clock()
    watcher, out = watch(False, clock)
    with watcher:
        watcher("graded", 1, 2)
        clock.now += 60
        watcher("graded", 2, 2)
        watcher("written", 1, 2)
        clock.now += 6
        watcher("written", 2, 2)
    assert out.getvalue().splitlines()[1:] == ["graded 2 of 2, 1.0 a minute", "written 2 of 2, 10.0 a minute"]


def test_a_terminal_shows_a_bar_with_rate_and_time_left() -> None:
    clock = Clock()
    watcher, out = watch(True, clock)
    with watcher:
        watcher("written", 1, 10)
        clock.now += 2
        watcher("written", 5, 10)
        watcher._bar.refresh()
        assert "5/10" in out.getvalue() and "2.0 a second, 2 s left" in out.getvalue()


@pytest.mark.parametrize(
    ("done", "left", "seconds", "words"),
    [
        (0, 10, 5.0, ""),
        (3, 10, 0.0, ""),
        (10, 0, 5.0, "2.0 a second"),
        (2, 98, 8.0, "15.0 a minute, 7 min left"),
        (1, 1000, 20.0, "3.0 a minute, 5.6 h left"),
    ],
)
def test_rate_and_time_left_in_words(done: int, left: int, seconds: float, words: str) -> None:
    assert pace_of(done, left, seconds) == words
