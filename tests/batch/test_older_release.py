"""A released notebook is fixed while students work: what they wrote in the old one counts in the new one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring import release
from autograder.authoring.build import load_built
from autograder.authoring.unit import Cell, Notebook, Unit
from autograder.engine.grade import Grader, SubmissionResult
from autograder.engine.submission import compose, older_release
from tests.conftest import SLUG, write_course

OLDER = "This was written in an older release of the notebook and is graded as the present one"
HELPER = {"cell_type": "code", "id": "mine", "metadata": {}, "source": "def twice(x):\n    return 2 * x"}
NEW_EXERCISE = '''\
# %% [markdown]
# One more exercise.

# %%
half = 0.5

# %% solution="halve"
def halve(x):
    """Half of x."""
    ### BEGIN SOLUTION
    return half * x
    ### END SOLUTION

# %% check="halve" points=2
check(halve)

# %% solution="scale"
'''
NEW_CHECK = """

@probe("halve", cases=1)
def halves(s, x):
    return {"y": s.halve(x)}


@halves.inputs
def _(rng):
    return {"x": rng.normal(size=3)}
"""


@pytest.fixture(scope="module")
def old(unit: Unit) -> Notebook:
    return unit.notebooks[0]


@pytest.fixture(scope="module")
def written(old: Notebook) -> list[dict[str, Any]]:
    """A student's cells in the old release: three answers, a helper, an answer in words."""
    cells = json.loads(release.notebook_json(old, solution=False))["cells"]
    answers = {c.id: c.source for c in old.of_kind("solution") if c.id != "center"}
    answers["center"] = "def center(x):\n    mu = twice(x.mean(axis=0)) / 2\n    return x - mu, mu"
    answers["question-why"] = "Because the mean is linear."
    for cell in cells:
        cell["source"] = answers.get(cell["id"], cell["source"])
    place = next(i for i, c in enumerate(cells) if c["id"] == "given-01")
    return [*cells[: place + 1], HELPER, *cells[place + 1 :]]


@pytest.fixture(scope="module")
def fixed_course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course after the fix: a new exercise at the top, another given cell, a question of another name."""
    root = write_course(tmp_path_factory.mktemp("fixed") / "course")
    notebook, checks = (root / "solutions" / SLUG / name for name in ("tiny_numpy.py", "checks.py"))
    text = notebook.read_text().replace('# %% solution="scale"\n', NEW_EXERCISE, 1)
    text = text.replace("import numpy as np\n", "import numpy as np\n\nnp.set_printoptions(precision=3)\n")
    notebook.write_text(text.replace('question="why"', 'question="reason"'))
    checks.write_text(checks.read_text() + NEW_CHECK)
    return root


@pytest.fixture(scope="module")
def graded(
    fixed_course: Path, written: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SubmissionResult]:
    folder = tmp_path_factory.mktemp("ada")
    metadata = {"autograder": {"key": f"{SLUG}/tiny_numpy"}}
    document = {"cells": written, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    (folder / "tiny_numpy.ipynb").write_text(json.dumps(document))
    with Grader(load_built(fixed_course, SLUG), fixed_course, sandbox="B") as grader:
        yield grader.grade("ada", folder)


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="the engine forks and needs Linux")
class TestAfterTheFix:
    def test_old_answers_earn_what_they_earned(self, graded: SubmissionResult) -> None:
        points = {c.name: c.points for c in graded.notebooks[0].checks.values()}
        assert points == {"halve": 0, "scale": 3, "center": 4, "scale_centered": 2, "test_scale": 1}

    def test_everything_that_was_written_is_there(
        self, graded: SubmissionResult, written: list[dict[str, Any]], old: Notebook
    ) -> None:
        there = {step.source for step in graded.notebooks[0].steps}
        own = {c["source"] for c in written if isinstance(c["source"], str)}
        assert len(own) == 6 and own <= there

    def test_the_answer_to_a_renamed_question_answers_the_new_one(self, graded: SubmissionResult) -> None:
        (step,) = (s for s in graded.notebooks[0].steps if s.id == "question-reason")
        assert step.source == "Because the mean is linear."

    def test_own_code_stays_behind_the_cell_that_it_followed(self, graded: SubmissionResult) -> None:
        ids = [s.id for s in graded.notebooks[0].steps]
        helper = next(i for i, s in enumerate(graded.notebooks[0].steps) if "def twice" in s.source)
        assert ids.index("given-01") < helper < ids.index("scale") < ids.index("center")

    def test_student_and_instructor_are_told(self, graded: SubmissionResult) -> None:
        notes = " ".join(graded.notebooks[0].notes)
        assert OLDER in notes
        assert "The cell halve is missing: it counts as not attempted." in notes
        assert "center" not in notes


def cells_of(notebook: Notebook) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(release.notebook_json(notebook, solution=False))["cells"]
    return found


def changed(notebook: Notebook, id: str, **changes: Any) -> Notebook:
    return replace(notebook, cells=[replace(c, **changes) if c.id == id else c for c in notebook.cells])


def test_the_present_release_is_not_called_older(old: Notebook, written: list[dict[str, Any]]) -> None:
    assert list(older_release(old, cells_of(old))) == []
    assert list(older_release(old, written)) == []
    assert list(older_release(old, json.loads(release.notebook_json(old, solution=True))["cells"])) == []


def test_a_deleted_cell_makes_no_older_release(old: Notebook) -> None:
    for number, cell in enumerate(cells_of(old)):
        rest = [c for i, c in enumerate(cells_of(old)) if i != number]
        assert list(older_release(old, rest)) == [], cell["id"]


def test_a_cell_copied_from_another_notebook_makes_no_older_release(old: Notebook) -> None:
    foreign = {"kind": "given", "name": "03", "digest": "0123456789abcdef"}
    copied = {"cell_type": "code", "source": "x = 1", "metadata": {"autograder": foreign}}
    assert list(older_release(old, [*cells_of(old), copied])) == []


@pytest.mark.parametrize("id", ["given-01", "text-00", "check-scale", "center", "question-why"])
def test_another_text_of_a_released_cell_is_told(old: Notebook, id: str) -> None:
    source = next(c.source for c in old.cells if c.id == id)
    notes = list(older_release(changed(old, id, source=f"{source}\n# fixed"), cells_of(old)))
    what = "" if id.startswith(("given", "text")) else f": {id} changed since"
    assert notes == [f"{OLDER}{what}."]


def test_an_exercise_that_was_taken_out_is_told_and_its_code_runs(old: Notebook) -> None:
    rest = [c for c in old.cells if c.id not in ("scale", "check-scale")]
    composed = compose(replace(old, cells=rest), cells_of(old))
    assert (
        "The cell scale is not in the present release of the notebook: it earns no points." in composed.notes
    )
    assert any(step.kind == "own" and "def scale(" in step.source for step in composed.steps)


def test_cells_with_the_same_text_keep_their_places(old: Notebook) -> None:
    given = next(c for c in old.cells if c.kind == "given")
    twice = replace(old, cells=[*old.cells, replace(given, name="98"), replace(given, name="99")])
    assert compose(twice, cells_of(twice)).notes == []


def test_own_code_follows_the_text_of_a_given_cell_not_its_number(old: Notebook) -> None:
    a, b, new = (
        Cell("given", number, f"{name} = 1") for number, name in (("00", "a"), ("01", "b"), ("00", "new"))
    )
    submitted = cells_of(replace(old, cells=[a, b]))
    fixed = replace(old, cells=[new, replace(a, name="01"), replace(b, name="02")])
    steps = compose(fixed, [*submitted, HELPER]).steps
    assert [s.source for s in steps] == ["new = 1", "a = 1", "b = 1", HELPER["source"]]
