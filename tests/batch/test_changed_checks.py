"""A check that was wrong is corrected in mid-term: the difference is shown before it is written."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from nbgrader import api
from sqlalchemy import update

from autograder.batch import fingerprint
from autograder.batch.changes import Change, by_check
from autograder.batch.run import Options
from autograder.classroom.marks import read_marks
from autograder.classroom.records import read_records
from autograder.cli import main
from autograder.engine.grade import SubmissionResult
from autograder.verdict import Verdict
from tests.batch.conftest import Remembers, Run
from tests.batch.snapshot import snapshot
from tests.batch.test_resume import edit_notebook, in_gradebook
from tests.conftest import SLUG

pytestmark = pytest.mark.skipif(os.uname().sysname != "Linux", reason="the engine forks and needs Linux")

RIGHT, MISTAKEN = "leyla-singh", "nadia-okafor"
SCALE = ("tiny_numpy", "scale")


class Asked:
    """The person who is shown the difference."""

    def __init__(self, answer: bool):
        self.answer, self.shown = answer, list[list[Change]]()

    def __call__(self, changes: list[Change]) -> bool:
        self.shown.append(changes)
        return self.answer


@pytest.fixture
def corrected(run: Run, grader: Remembers, monkeypatch: pytest.MonkeyPatch) -> None:
    """The class was graded; then the unit changed: who had all points of `scale` has half of them."""
    run()
    release = fingerprint.release_digest
    monkeypatch.setattr(fingerprint, "release_digest", lambda *a: release(*a) + " corrected")
    grader.results = {s: with_half_of_scale(r) for s, r in grader.results.items()}


def with_half_of_scale(result: SubmissionResult) -> SubmissionResult:
    result = copy.deepcopy(result)
    for check in (c for n in result.notebooks for c in n.checks.values() if c.name == "scale"):
        verdict = "wrong" if check.points else "passed"
        check.verdicts = check.verdicts[:1] + [Verdict("scales_by_zero", verdict)] * len(check.verdicts[1:])
    return result


@pytest.mark.usefixtures("corrected")
class TestMarksThatChange:
    def test_nothing_is_written_until_it_is_accepted(self, run: Run, home: Path) -> None:
        before = snapshot_of_written(home)
        done = run(accept=Asked(False))
        assert len(done.left) == 6 and done.written == []
        assert snapshot_of_written(home) == before

    def test_what_is_accepted_is_written(self, run: Run, home: Path, grader: Remembers) -> None:
        done = run(accept=Asked(True))
        assert sorted(done.written) == sorted(grader.results)
        points = {r["student"]: r["points"] for r in read_records(home, SLUG)}
        assert points == {s: r.points for s, r in grader.results.items()}
        assert run().standing == sorted(points)

    def test_accepting_later_grades_nobody_again(self, run: Run, grader: Remembers, home: Path) -> None:
        run(accept=Asked(False))
        done = run(accept=Asked(True))
        assert grader.graded == [] and len(done.written) == 6
        assert not list((home / "records" / ".pending").rglob("*.json"))

    def test_the_difference_says_who_and_where(self, run: Run, results: dict[str, SubmissionResult]) -> None:
        asked = Asked(False)
        done = run(accept=asked)
        assert asked.shown == [done.changes]
        (change,) = (c for c in done.changes if c.student == RIGHT)
        assert (change.old, change.new, change.checks) == (10, 8.5, {SCALE: -1.5})
        full = [s for s, r in results.items() if r.notebooks[0].checks["check-scale"].points == 3]
        assert by_check(done.changes) == {SCALE: (0, len(full))}

    def test_who_had_feedback_is_to_be_told(self, run: Run, home: Path) -> None:
        (home / "feedback" / RIGHT / SLUG / "tiny_numpy.html").unlink()
        (home / "feedback" / RIGHT / SLUG).rmdir()
        changes = run().changes
        assert {c.student for c in changes if not c.told} == {RIGHT}

    def test_a_mark_given_by_hand_stays_and_is_said_to(self, run: Run, home: Path) -> None:
        in_gradebook(home, update(api.Grade).where(api.Grade.auto_score == 3).values(manual_score=2.75))
        done = run(accept=Asked(True))
        assert all(c.by_hand == {SCALE} for c in done.changes)
        marks = {m.student: m for m in read_marks(home, SLUG, []).students}
        assert marks[RIGHT].cells["tiny_numpy", "check-scale"] == 2.75

    def test_a_dry_run_shows_and_writes_nothing(self, run: Run, home: Path) -> None:
        before, asked = snapshot_of_written(home), Asked(True)
        done = run(dry=True, accept=asked)
        assert len(done.changes) > 0 and asked.shown == [] and done.written == []
        assert snapshot_of_written(home) == before

    def test_new_work_waits_with_the_rest_and_is_no_difference(
        self, run: Run, submitted: Path, home: Path
    ) -> None:
        edit_notebook(submitted / RIGHT / SLUG)
        done = run(accept=Asked(False))
        assert RIGHT in done.left and RIGHT not in {c.student for c in done.changes}

    def test_what_was_kept_of_older_work_is_forgotten(
        self, run: Run, submitted: Path, grader: Remembers
    ) -> None:
        run(accept=Asked(False))
        edit_notebook(submitted / MISTAKEN / SLUG)
        run(accept=Asked(True))
        assert grader.graded == [MISTAKEN]

    def test_forcing_is_not_accepting(self, run: Run, home: Path) -> None:
        before = snapshot_of_written(home)
        assert run(force=True).written == []
        assert snapshot_of_written(home) == before


def snapshot_of_written(home: Path) -> Any:
    """Without what is kept aside."""
    found = snapshot(home)
    found["files"] = {k: v for k, v in found["files"].items() if ".pending" not in k}
    return found


def test_a_change_that_changes_no_mark_is_written_at_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run()
    monkeypatch.setattr(fingerprint, "engine_digest", lambda: "a newer one")
    asked = Asked(False)
    done = run(accept=asked)
    assert len(done.written) == 6 and asked.shown == []


@pytest.fixture
def command(
    corrected: None,
    built_course: Path,
    submitted: Path,
    home: Path,
    grader: Remembers,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Result]:
    """`autograder grade` as a person types it, with the grader that knows the results."""
    monkeypatch.chdir(built_course)
    monkeypatch.setattr("autograder.grading.sandbox_level", lambda: "B")
    monkeypatch.setattr(Options, "__init__", _with(grader, Options.__init__))
    words = ["grade", SLUG, "--submitted", str(submitted), "--course", str(home)]
    return lambda *more: CliRunner().invoke(main, [*words, *more])


def test_the_command_says_what_to_do(command: Callable[..., Result], grader: Remembers) -> None:
    losers = sum(r.notebooks[0].checks["check-scale"].points == 1.5 for r in grader.results.values())
    refused = command()
    assert refused.exit_code == 1
    assert f"tiny_numpy: scale 0 {losers}" in words(refused)
    assert "leyla-singh 10 8.5 scale -1.5" in words(refused)
    assert "so tell them: " in words(refused) and "Say --accept to write them." in words(refused)
    assert "submissions:" not in words(refused)


def test_a_dry_run_of_the_command_succeeds(command: Callable[..., Result]) -> None:
    done = command("--dry-run")
    assert done.exit_code == 0 and "leyla-singh 10 8.5 scale -1.5" in words(done)
    assert command("--dry-run", "--json", "marks.json").exit_code == 1


def test_the_command_that_accepts_counts_what_it_wrote(command: Callable[..., Result]) -> None:
    done = command("--accept")
    assert done.exit_code == 0
    assert "6 submissions: 6 graded now, 0 graded before and unchanged; 1 rejected." in words(done)


def words(done: Result) -> str:
    return re.sub(r"\s+", " ", done.output)


def _with(grader: Remembers, init: Any) -> Any:
    def prepared(self: Any, **options: Any) -> None:
        init(self, **{**options, "grader": grader})

    return prepared
