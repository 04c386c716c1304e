"""An exercise in a page of the website: the reader's source goes in, what the page shows comes out.

Pyodide runs this in the reader's browser. One interpreter serves all exercises of a page, so every run leaves
it as it found it. The report is the one of `check` in a notebook. It is help, not a mark.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import json
import linecache
import traceback
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from autograder.student import PublicChecks

NAME = "<your code>"  # the file name in tracebacks; the brackets mark it as the student's for `running`
MOST_OUTPUT = 10_000  # characters: more helps nobody and makes the page slow


class Output(io.TextIOBase):
    """What the code prints, its beginning only."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._room = MOST_OUTPUT

    def write(self, text: str) -> int:
        if self._room > 0:
            self._parts.append(text[: self._room])
            if len(text) > self._room:
                self._parts.append(f"\n[cut here: only the first {MOST_OUTPUT} characters are shown]\n")
        self._room -= len(text)
        return len(text)

    def getvalue(self) -> str:
        return "".join(self._parts)


def answer(source: str, key: str, exercise: str) -> str:
    """Run `source`, then ask the public checks of `exercise` in the notebook `key`.

    Returns JSON: `output`, what was printed; `error`, the traceback without the lines of others, or null;
    `report`, which is `Report.plain()`, or null where the code ended with an error.
    """
    public = _public(key)
    shown = Output()
    error = report = None
    linecache.cache[NAME] = (len(source), None, source.splitlines(keepends=True), NAME)
    with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
        try:
            with _put_back():
                names: dict[str, Any] = {"__name__": "__main__", "input": _refuse_input}
                exec(compile(source, NAME, "exec", dont_inherit=True), names)
                with np.errstate(all="ignore"):
                    report = public.report(exercise, names).plain()
        except BaseException as problem:  # sys.exit() and KeyboardInterrupt too: the page must go on
            error = _students_traceback(problem)
    return json.dumps({"output": shown.getvalue(), "error": error, "report": report})


@cache
def _public(key: str) -> PublicChecks:
    """Read once: later checks of the page take milliseconds."""
    return PublicChecks(key)


@contextlib.contextmanager
def _put_back() -> Iterator[None]:
    """Undo what the code did to names and settings that the next run needs."""
    scopes = [vars(module) for module in (builtins, np)]
    kept = [(scope, scope.copy()) for scope in scopes]
    with np.errstate(), np.printoptions():
        try:
            yield
        finally:
            for scope, names in kept:  # calls no builtin: the code may have broken it
                scope.update(names)


def _refuse_input(*_: object) -> str:
    raise RuntimeError("input() cannot ask in a page: write the value into the code.")


def _students_traceback(error: BaseException) -> str:
    """The traceback as Python prints it, without the frames that are not the student's."""
    told = traceback.TracebackException.from_exception(error, compact=True)
    told.stack[:] = [frame for frame in told.stack if frame.filename == NAME]
    return "".join(told.format(chain=False)).strip()
