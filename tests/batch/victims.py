"""Runs that are killed, each in a process of its own that this one forks. Run as

    python -m tests.batch.victims COURSE SUBMITTED RESULTS HOME

It grades into HOME once, so that its children have all that is imported and cached. Then each line on stdin
is a JSON object: {"home": folder, "die_at": n, "only_writing": bool}. The n-th call of a function, of Python
or C, does not happen: the process group is killed before it. 0: nobody is killed. only_writing: calls are
counted from the first result's writing on. The answer is a line: how many calls there were, or "killed"."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from autograder.batch.pending import from_json
from autograder.batch.run import Options
from autograder.grading import grade_unit
from tests.batch.conftest import Remembers
from tests.conftest import SLUG


def main(course: Path, submitted: Path, results: Path, home: Path) -> None:
    known = {r["student"]: from_json(r) for r in json.loads(results.read_text())}
    grade(course, submitted, Remembers(known), home)
    for line in sys.stdin:
        order = json.loads(line)
        listen, answer = os.pipe()
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            with counted(order["die_at"], order["only_writing"]) as calls:
                grade(course, submitted, Remembers(known), Path(order["home"]))
            os.write(answer, str(calls[0]).encode())
            os._exit(0)
        os.close(answer)
        os.waitpid(child, 0)
        with os.fdopen(listen) as said:
            print(said.read() or "killed", flush=True)


def grade(course: Path, submitted: Path, grader: Remembers, home: Path) -> None:
    options = Options(grader=grader, level="B", accept=lambda changes: True)
    grade_unit(course, SLUG, submitted, target=home, options=options)


@contextmanager
def counted(die_at: int, only_writing: bool) -> Iterator[list[int]]:
    calls, counting = [0], not only_writing

    def on_event(frame: FrameType, event: str, _: Any) -> None:
        nonlocal counting
        if event in ("call", "c_call"):
            counting = counting or frame.f_code.co_qualname == "Writer.write"
            calls[0] += counting
            if counting and calls[0] == die_at:
                os.killpg(0, signal.SIGKILL)

    sys.setprofile(on_event)
    yield calls
    sys.setprofile(None)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
