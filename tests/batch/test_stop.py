"""Ctrl-C and SIGTERM leave a course from which the same command goes on."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from autograder.batch.run import Options
from autograder.batch.stop import Until, stoppable
from autograder.cli import main
from autograder.engine.grade import SubmissionResult
from tests.batch.conftest import Remembers, Run
from tests.batch.snapshot import snapshot
from tests.batch.test_changed_checks import _with
from tests.conftest import SLUG

pytestmark = pytest.mark.skipif(os.uname().sysname != "Linux", reason="the engine forks and needs Linux")


class Interrupted(Remembers):
    """Somebody asks to stop while the third submission is being graded."""

    def __init__(self, results: Mapping[str, SubmissionResult], number: int):
        super().__init__(results)
        self.number = number

    def grade_class(self, folders: Mapping[str, Path], jobs: int) -> Iterator[SubmissionResult]:
        for result in super().grade_class(folders, jobs):
            if len(self.graded) == 3:
                signal.raise_signal(self.number)
            yield result


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_in_hand_is_written_and_the_next_run_does_the_rest(
    run: Run, grader: Remembers, home: Path, number: signal.Signals, tmp_path: Path
) -> None:
    shutil.copytree(home, tmp_path / "undisturbed")
    with stoppable() as stopped:
        done = run(grader=Interrupted(grader.results, number), stopped=stopped)
    assert (len(done.written), len(done.left)) == (3, 3)
    again = run()
    assert sorted(again.written) == sorted(done.left) and sorted(again.standing) == sorted(done.written)
    whole = snapshot(home)
    shutil.rmtree(home)
    shutil.move(tmp_path / "undisturbed", home)
    run()
    assert whole == snapshot(home)


def test_the_command_says_how_to_go_on(
    built_course: Path,
    submitted: Path,
    home: Path,
    grader: Remembers,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(built_course)
    monkeypatch.setattr("autograder.grading.sandbox_level", lambda: "B")
    interrupted = Interrupted(grader.results, signal.SIGINT)
    monkeypatch.setattr(Options, "__init__", _with(interrupted, Options.__init__))
    words = ["grade", SLUG, "--submitted", str(submitted), "--course", str(home), "--jobs", "1"]
    done = CliRunner().invoke(main, words)
    said = re.sub(r"\s+", " ", done.output)
    assert done.exit_code == 130
    assert "Stopping: what is in hand is finished and written." in capfd.readouterr().err
    assert "Stopped: 3 submissions written, 3 left. The same command goes on from here." in said


def test_a_stopped_dry_grading_keeps_what_it_found(run: Run, grader: Remembers) -> None:
    with stoppable() as stopped:
        done = run(grader=Interrupted(grader.results, signal.SIGINT), stopped=stopped, dry=True)
    assert (done.written, len(done.left)) == ([], 6)
    assert len(run().written) == 6
    assert len(grader.graded) == 3


def test_the_second_signal_leaves_at_once() -> None:
    child = os.fork()
    if child == 0:
        with stoppable():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 130


def test_afterwards_signals_mean_what_they_meant_before() -> None:
    before = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
    with stoppable():
        assert signal.getsignal(signal.SIGINT) not in before
    assert [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)] == before


def test_submissions_end_when_somebody_asked_to_stop() -> None:
    taken: list[str] = []
    folders = Until({name: Path(name) for name in "abcd"}, lambda: len(taken) == 2)
    for student, folder in folders.items():
        taken.append(student)
        assert folder == Path(student)
    assert (taken, len(folders)) == (["a", "b"], 4)
