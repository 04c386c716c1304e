"""An exercise in a page of the website: the reader's source goes in, what the page shows comes out.

Pyodide runs this in the reader's browser. One interpreter serves all exercises of a page, so a run puts back
what code may change by an ordinary slip: the names of builtins, NumPy and the modules that judge, settings of
NumPy and of warnings, the recursion limit. Code that goes further can spoil the next runs until Reset, which
starts another interpreter. The report is the one of `check` in a notebook. It is help, not a mark.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import json
import linecache
import sys
import traceback
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from autograder.student import PublicChecks

NAME = "<your code>"  # the file name in tracebacks; the brackets mark it as the student's for `running`
MOST_OUTPUT = 10_000  # characters: more helps nobody and makes the page slow
JUDGES = (builtins, np, np.linalg, np.random, json, linecache, traceback, warnings)


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

    Returns JSON: `output`, what the code printed; `called`, what it printed when the checks called it, once
    for each case; `error`, the traceback without the lines of others, or null; `report`, which is
    `Report.plain()`, or null where the code ended with an error.
    """
    public = _public(key)
    own, called = Output(), Output()
    error = report = None
    linecache.cache[NAME] = (len(source), None, source.splitlines(keepends=True), NAME)
    try:
        with _put_back():
            names: dict[str, Any] = {"__name__": "__main__", "input": _refuse_input}
            with _printing_to(own):
                exec(compile(source, NAME, "exec", dont_inherit=True), names)
            with _printing_to(called), np.errstate(all="ignore"):
                report = public.report(exercise, names).plain()
    except BaseException as problem:  # sys.exit() and KeyboardInterrupt too: the page must go on
        error = _students_traceback(problem)
    printed = {"output": own.getvalue(), "called": called.getvalue()}
    return json.dumps(printed | {"error": error, "report": report})


@contextlib.contextmanager
def _printing_to(shown: Output) -> Iterator[None]:
    with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
        yield


@cache
def _public(key: str) -> PublicChecks:
    """Read once: later checks of the page take milliseconds."""
    return PublicChecks(key)


@contextlib.contextmanager
def _put_back() -> Iterator[None]:
    """Undo what the code did to names and settings that the next run needs."""
    scopes = [vars(module) for module in JUDGES]
    kept = [(scope, scope.copy()) for scope in scopes]
    limit, limited = sys.getrecursionlimit(), sys.setrecursionlimit
    with warnings.catch_warnings(), np.errstate(), np.printoptions():
        try:
            yield
        finally:
            for scope, names in kept:  # calls no builtin: the code may have broken it
                scope.update(names)
            for added in scopes[0].keys() - kept[0][1].keys():
                del scopes[0][added]
            limited(limit)


def _refuse_input(*_: object) -> str:
    raise RuntimeError("input() cannot ask in a page: write the value into the code.")


def _students_traceback(error: BaseException) -> str:
    """The traceback as Python prints it, without the frames that are not the student's."""
    told = traceback.TracebackException.from_exception(error, compact=True)
    told.stack[:] = [frame for frame in told.stack if frame.filename == NAME]
    text = Output()
    text.write("".join(told.format(chain=False)).strip())
    return text.getvalue()
