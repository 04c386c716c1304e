"""What was graded stands until its work, its unit or the engine changes, or something of it is missing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from nbgrader import api
from sqlalchemy import delete, update

from autograder.batch import writing
from autograder.bridge.gradebook import gradebook_url, open_gradebook
from autograder.classroom.records import read_records, record_path
from autograder.engine.grade import SubmissionResult
from tests.batch.conftest import Remembers, Run
from tests.batch.snapshot import snapshot
from tests.conftest import SLUG

pytestmark = pytest.mark.skipif(os.uname().sysname != "Linux", reason="the engine forks and needs Linux")

STUDENT = "leyla-singh"


def test_the_first_run_grades_everybody(
    run: Run, grader: Remembers, results: dict[str, SubmissionResult]
) -> None:
    done = run()
    assert sorted(grader.graded) == sorted(done.written) == sorted(results)
    assert (done.standing, done.left) == ([], [])


def test_the_second_run_grades_nobody_and_reports_the_same(run: Run, grader: Remembers, home: Path) -> None:
    first = run()
    records = read_records(home, SLUG)
    second = run()
    assert (grader.graded, second.written) == ([], [])
    assert sorted(second.standing) == sorted(first.written)
    assert read_records(home, SLUG) == records


def test_a_record_holds_what_the_engine_found(
    run: Run, home: Path, results: dict[str, SubmissionResult]
) -> None:
    run()
    for record in read_records(home, SLUG):
        assert set(record.pop("fingerprint")) == {"submission", "release", "engine", "sandbox"}
        assert record == results[record["student"]].record()


def edit_notebook(folder: Path) -> None:
    path = folder / "tiny_numpy.ipynb"
    path.write_text(path.read_text() + "\n")


CHANGES: dict[str, Callable[[Path], object]] = {
    "another text of the notebook": edit_notebook,
    "another time of handing in": lambda f: (f / "timestamp.txt").write_text("2026-03-01 12:00:00 UTC"),
    "one more notebook": lambda f: (f / "copy.ipynb").write_text("{}"),
    "one more file, which a remark may name": lambda f: (f / "data.csv").write_text("1"),
    "another name": lambda f: (f / "tiny_numpy.ipynb").rename(f / "tiny_numpy (1).ipynb"),
    "a notebook in a folder": lambda f: ((f / "in").mkdir(), (f / "in" / "x.ipynb").write_text("{}")),
    "a link in place of the file": lambda f: (
        (f / "tiny_numpy.ipynb").rename(f / "data.txt"),
        (f / "tiny_numpy.ipynb").symlink_to("data.txt"),
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_changed_work_is_graded_again_and_nobody_elses(
    run: Run, grader: Remembers, submitted: Path, what: str
) -> None:
    run()
    CHANGES[what](submitted / STUDENT / SLUG)
    done = run()
    assert grader.graded == done.written == [STUDENT]
    assert done.changes == []


def test_what_grading_does_not_read_changes_nothing(run: Run, grader: Remembers, submitted: Path) -> None:
    folder = submitted / STUDENT / SLUG
    (folder / "data.csv").write_text("1")
    run()
    (folder / "data.csv").write_text("2")
    (folder / ".DS_Store").write_text("")
    os.utime(folder / "tiny_numpy.ipynb", (0, 0))
    run()
    assert grader.graded == []


def in_gradebook(home: Path, *statements: object) -> None:
    gradebook = open_gradebook(gradebook_url(home))
    for statement in statements:
        gradebook.db.execute(statement)
    gradebook.db.commit()
    gradebook.close()


LOSSES: dict[str, Callable[[Path], object]] = {
    "its page of feedback": lambda home: (home / "feedback" / STUDENT / SLUG / "tiny_numpy.html").unlink(),
    "its notebook": lambda home: (home / "autograded" / STUDENT / SLUG / "tiny_numpy.ipynb").unlink(),
    "its record": lambda home: record_path(home, STUDENT, SLUG).unlink(),
    "half of its record": lambda home: record_path(home, STUDENT, SLUG).write_text('{"student": "leyla'),
    "its rows in the gradebook": lambda home: in_gradebook(home, delete(api.Grade)),
    "its points in the gradebook": lambda home: in_gradebook(
        home, update(api.Grade).where(api.Grade.auto_score == 3).values(auto_score=2.5)
    ),
}


@pytest.mark.parametrize("what", LOSSES)
def test_what_is_lost_is_made_again(run: Run, grader: Remembers, home: Path, what: str) -> None:
    run()
    before = read_records(home, SLUG)
    LOSSES[what](home)
    run()
    assert STUDENT in grader.graded
    assert read_records(home, SLUG) == before
    run()
    assert grader.graded == []


def test_force_grades_everybody_again(run: Run, grader: Remembers, home: Path) -> None:
    run()
    done = run(force=True)
    assert len(grader.graded) == len(done.written) == 6


def test_another_sandbox_level_is_another_result(run: Run, grader: Remembers, home: Path) -> None:
    run()
    done = run(level="A")
    assert len(grader.graded) == 6 and done.changes == []


def test_another_unit_of_the_student_is_left_alone(run: Run, home: Path) -> None:
    other = record_path(home, STUDENT, "05-dropout")
    other.parent.mkdir(parents=True)
    other.write_text(json.dumps({"student": STUDENT, "checks": []}))
    run()
    assert json.loads(other.read_text()) == {"student": STUDENT, "checks": []}


def test_half_written_new_work_is_no_old_result_when_the_old_work_comes_back(
    run: Run, grader: Remembers, submitted: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notebook is the new one, the record still the old one, which would fit the old work."""
    run()
    before, (path,) = snapshot(home), (submitted / STUDENT / SLUG).glob("*.ipynb")
    old_work, old_result = path.read_bytes(), grader.results[STUDENT]
    edit_notebook(path.parent)
    (notebook,) = old_result.notebooks
    grader.results[STUDENT] = replace(old_result, notebooks=[replace(notebook, notes=["Other work."])])
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(writing, "write_record", dies)
        run()
    path.write_bytes(old_work)
    grader.results[STUDENT] = old_result
    run()
    assert grader.graded == [STUDENT]
    assert snapshot(home) == before


def dies(*_: object) -> None:
    raise KeyboardInterrupt
