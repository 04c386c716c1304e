"""Broken but innocent hand-ins, graded as one class: each earns what can be graded, hears what cannot, and
stops nobody."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.authoring import release
from autograder.authoring.unit import Limits
from autograder.bridge.autograded import write_autograded
from autograder.bridge.feedback import write_feedback
from autograder.bridge.gradebook import Book
from autograder.engine.grade import Grader, student_name, submissions
from tests.conftest import SLUG
from tests.faults.fault import FILE
from tests.faults.in_cells import IN_CELLS
from tests.faults.in_code import IN_CODE
from tests.faults.in_files import IN_FILES

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the engine forks and needs Linux")

FAULTS = IN_FILES | IN_CELLS | IN_CODE
CALLED = {student: student_name(Path(student)) for student in FAULTS}  # some folders have names unfit for one


@pytest.fixture(scope="module")
def unit(built_course):
    from autograder.authoring.build import load_built

    return replace(load_built(built_course, SLUG), limits=Limits(1, 1, 12))


@pytest.fixture(scope="module")
def handed_in(unit, tmp_path_factory):
    """The folder of the class: every fault is a student, named after it."""
    right = {FILE: release.notebook_json(unit.notebooks[0], solution=True).encode()}
    folder = tmp_path_factory.mktemp("faults")
    for student, fault in FAULTS.items():
        (folder / student / SLUG).mkdir(parents=True)
        for name, data in fault.spoil(dict(right)).items():
            path = folder / student / SLUG / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def results(handed_in, unit, built_course):
    with Grader(unit, built_course, sandbox="B") as grader:
        return {r.student: r for r in grader.grade_class(submissions(handed_in, SLUG), jobs=3)}


def marks(result):
    return {c.name: c.points for n in result.notebooks for c in n.checks.values()}


def said(result):
    """All that student and instructor are told: the record, and what the cells show."""
    shown = [o for n in result.notebooks for s in n.steps if s.kind != "check" for o in s.outputs]
    return json.dumps([result.record(), shown], ensure_ascii=False)


def test_nobody_is_lost(results):
    assert set(results) == set(CALLED.values())


@pytest.mark.parametrize("student", FAULTS)
def test_a_fault_costs_what_cannot_be_graded_and_is_told(student, results):
    fault, result = FAULTS[student], results[CALLED[student]]
    assert result.status == fault.status
    assert marks(result) == fault.expected
    assert fault.told in said(result)


def test_all_of_it_can_be_written_down(results, handed_in, unit, tmp_path):
    with Book(tmp_path, unit) as book:
        for student, called in CALLED.items():
            folder, result = handed_in / student / SLUG, results[called]
            book.write(result, folder)
            write_autograded(result, unit, tmp_path, folder)
            write_feedback(result, unit, tmp_path)
    assert len(list(tmp_path.glob(f"autograded/*/{SLUG}/{FILE}"))) == len(FAULTS)
    pages = [p.read_text(encoding="utf-8") for p in tmp_path.glob(f"feedback/*/{SLUG}/*.html")]
    assert len(pages) == len(FAULTS)
    assert max(map(len, pages)) < 2 << 20
