"""However large the class is, the parent holds the results of a few."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from autograder.engine.grade import Grader, SubmissionResult
from tests.batch.conftest import Remembers, Run
from tests.conftest import SLUG

pytestmark = pytest.mark.skipif(os.uname().sysname != "Linux", reason="the engine forks and needs Linux")

JOBS = 2


class Alive:
    """Counts the results that somebody holds."""

    def __init__(self) -> None:
        self.now, self.most = 0, 0

    def result(self, student: str) -> SubmissionResult:
        made = SubmissionResult(student, SLUG, "rejected", "", [])
        self.now += 1
        self.most = max(self.most, self.now)
        weakref.finalize(made, self._gone)
        return made

    def _gone(self) -> None:
        self.now -= 1


@pytest.fixture
def engine() -> Iterator[tuple[Grader, Alive, list[str]]]:
    """The engine's own `grade_class` over work that is done at once; whom it took."""
    alive, taken = Alive(), list[str]()
    grader = object.__new__(Grader)

    def grade(student: str, folder: Path) -> SubmissionResult:
        taken.append(student)
        return alive.result(student)

    grader._grade_safely = grade  # type: ignore[method-assign]
    yield grader, alive, taken


FOLDERS = {f"student-{n:04d}": Path() for n in range(2000)}


def test_the_engine_holds_no_more_results_than_it_has_hands(
    engine: tuple[Grader, Alive, list[str]],
) -> None:
    grader, alive, _ = engine
    found = sorted(result.student for result in grader.grade_class(FOLDERS, JOBS))
    assert found == list(FOLDERS)
    assert alive.most <= 4 * JOBS + 1


def test_the_engine_takes_no_more_submissions_than_it_needs(
    engine: tuple[Grader, Alive, list[str]],
) -> None:
    grader, _, taken = engine
    results = grader.grade_class(FOLDERS, JOBS)
    for done in range(1, 10):
        next(results)
        assert len(taken) <= done + 4 * JOBS
    results.close()
    assert len(taken) < 100


class Counted(Remembers):
    """Makes a copy of each result when it is asked for, and counts those that are held."""

    def __init__(self, results: Mapping[str, SubmissionResult], alive: Alive):
        super().__init__(results)
        self.alive = alive

    def grade_class(self, folders: Mapping[str, Path], jobs: int) -> Iterator[SubmissionResult]:
        for student in folders:
            copy = self.alive.result(student)
            copy.__dict__.update(self.results[student].__dict__)
            yield copy
            del copy


@pytest.mark.parametrize("dry", [False, True])
def test_a_run_holds_one_result_at_a_time(run: Run, grader: Remembers, dry: bool) -> None:
    alive = Alive()
    run(grader=Counted(grader.results, alive), dry=dry)
    assert alive.most <= 3 and alive.now == 0
