"""What runs in a worker's process: prove the sandbox, keep a warm grader for each unit, grade.

No code of a student's runs in this process: it runs in locked-down children of zygotes, which are processes
of their own. So threads of Dask's do no harm, and a zygote ends when this process does."""

from __future__ import annotations

import asyncio
import atexit
import json
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, NamedTuple

from autograder.batch.pending import to_json
from autograder.cluster.parcel import Entry, unpack
from autograder.cluster.shipment import warm_grader
from autograder.cluster.versions import difference
from autograder.engine.grade import Grader
from autograder.engine.process import EngineError
from autograder.engine.versions import versions

MAX_WARM = 2  # units that are kept ready; one takes some 300 MB where it needs torch


class Unfit(RuntimeError):
    """This worker must not grade, for the reason in the message."""


class Answer(NamedTuple):
    """What comes back of one submission. kind: "graded"; "unfit", where this worker must not grade at all; or
    "stumbled", where its engine broke down. The last two come with the worker's address, and why."""

    kind: str
    result: bytes = b""  # JSON
    worker: str = ""
    why: str = ""


class _Warm:
    """A grader, and how many threads are using it."""

    def __init__(self, grader: Grader):
        self.grader, self.users = grader, 0


_lock = Lock()  # one thread warms or closes at a time; the others wait for the grader that it makes
_warm: dict[str, _Warm] = {}


async def standing(locked: bool) -> dict[str, str]:
    """What the head asks each worker: what is installed here, and the sandbox level or why there is none."""
    return await asyncio.to_thread(_standing, locked)


def _standing(locked: bool) -> dict[str, str]:
    try:
        with _lock:
            level, why = _level(locked)
    except Exception as error:
        level, why = "none", f"its sandbox could not be tried ({type(error).__name__}: {error})."
    return {"level": level, "why": why, **versions()}


@cache
def _level(locked: bool) -> tuple[str, str]:
    """The level that the breach matrix proves here, once in the life of this process."""
    from autograder.grading import Refused, sandbox_level

    if not locked:
        return "none", ""
    try:
        return sandbox_level(), ""
    except Refused as refused:
        return "none", str(refused)


def grade(digest: str, content: bytes, locked: bool, entries: Sequence[Entry]) -> Answer:
    """Grade one submission, from its files to its result as JSON. Its student is not known here.

    It never raises: Dask would send the exception with all that it refers to."""
    try:
        return Answer("graded", json.dumps(_graded(digest, content, locked, entries)).encode())
    except Unfit as unfit:
        return Answer("unfit", worker=_address(), why=str(unfit))
    except Exception as error:
        return Answer("stumbled", worker=_address(), why=f"{type(error).__name__}: {error}")


def _graded(digest: str, content: bytes, locked: bool, entries: Sequence[Entry]) -> dict[str, Any]:
    warm = _enter(digest, content, locked)
    try:
        with TemporaryDirectory(prefix="autograder-", ignore_cleanup_errors=True) as folder:
            unpack(entries, Path(folder) / "submission")
            (result,) = warm.grader.grade_class({"": Path(folder) / "submission"}, jobs=1)
            return to_json(result)
    except EngineError:
        _close(digest, warm)  # it is started anew for the next one
        raise
    finally:
        with _lock:
            warm.users -= 1


def _enter(digest: str, content: bytes, locked: bool) -> _Warm:
    """The warm grader of the unit, started where this is its first submission here."""
    with _lock:
        if digest not in _warm:
            _make_room()
            _warm[digest] = _Warm(_start(content, locked))
        _warm[digest] = _warm.pop(digest)  # the last one used goes to the end
        _warm[digest].users += 1
        return _warm[digest]


def _start(content: bytes, locked: bool) -> Grader:
    told = difference(json.loads(content)["versions"], versions())
    level, why = _level(locked)
    if told or why:
        raise Unfit(f"it has {told}. Install the same versions as on the head." if told else why)
    return warm_grader(content, level)


def _make_room() -> None:
    idle = [digest for digest, warm in _warm.items() if not warm.users]
    for digest in idle[: max(0, len(_warm) - MAX_WARM + 1)]:
        _warm.pop(digest).grader.close()


def _close(digest: str, broken: _Warm | None = None) -> None:
    """broken: close this one only, and not what another thread has started in its place."""
    with _lock:
        if digest in _warm and broken in (None, _warm[digest]):
            with suppress(EngineError):
                _warm.pop(digest).grader.close()


async def dismiss(digest: str) -> None:
    """End what was kept warm for the unit, and forget its secret."""
    await asyncio.to_thread(_close, digest)


@atexit.register
def _close_all() -> None:
    for digest in list(_warm):
        _close(digest)


def _address() -> str:
    from distributed import get_worker

    return str(get_worker().address)
