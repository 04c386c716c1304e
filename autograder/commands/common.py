"""How every command speaks: one sentence for what went wrong, a word about what is being done."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

console = Console()


class Refusal(click.ClickException):
    """One sentence for the person at the terminal, and exit code 1."""

    def show(self, file: Any = None) -> None:
        Console(stderr=True).print(
            f"[red]autograder:[/] {escape(self.message)}", highlight=False, soft_wrap=True
        )


def course(start: Path | None = None) -> Path:
    """The root of the course: the folder with `solutions/`, here or above."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "solutions").is_dir() and (folder / "pyproject.toml").exists():
            return folder
    raise Refusal(
        "This command works in a course's folder (one that holds solutions/); go there and try again."
    )


def plainly(command: Callable[..., None]) -> Callable[..., None]:
    """Turn the course's own errors into one sentence on stderr."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
        except (ValueError, LookupError, RuntimeError, FileNotFoundError) as error:
            if type(error).__module__.startswith("autograder") or isinstance(error, FileNotFoundError):
                raise Refusal(str(error)) from error
            raise

    return run


def honest_output() -> None:
    """A file on Windows may know no ✓: "?" is better than a crash."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


@contextmanager
def telling(first: str) -> Iterator[Callable[[str], None]]:
    """Say what is being done: a spinner in a terminal, a line every few seconds elsewhere."""
    if console.is_terminal:
        with console.status(first) as status:
            yield lambda what: status.update(escape(what))
        return
    last = time.monotonic()
    console.print(first, highlight=False)

    def tell(what: str) -> None:
        nonlocal last
        if time.monotonic() - last > 2.0:
            last = time.monotonic()
            console.print(escape(what), highlight=False)

    yield tell
