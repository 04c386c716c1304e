"""Two runs never write to one course at the same time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autograder.batch.lock import Busy, alone
from tests.batch.conftest import Run

pytestmark = pytest.mark.skipif(os.uname().sysname != "Linux", reason="the engine forks and needs Linux")


def test_a_second_run_is_refused_in_a_sentence(run: Run, home: Path) -> None:
    with alone(home), pytest.raises(Busy, match=rf"process {os.getpid()}\) is grading into .*wait"):
        run()
    assert len(run().written) == 6


def test_another_course_is_not_concerned(tmp_path: Path) -> None:
    with alone(tmp_path / "one"), alone(tmp_path / "other"):
        pass


def test_a_run_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    ready, holding = os.pipe()
    child = os.fork()
    if child == 0:
        with alone(tmp_path):
            os.write(holding, b"1")
            os.kill(os.getpid(), 9)
    os.close(holding)
    assert os.read(ready, 1) == b"1"
    os.waitpid(child, 0)
    with alone(tmp_path):
        pass
