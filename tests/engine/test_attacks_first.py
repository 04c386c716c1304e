"""What a hostile or unlucky submission tried against the engine, and must not reach: the others."""

import json
import os
import sys
from pathlib import Path

import pytest

from autograder.authoring import release
from autograder.batch.run import Options
from autograder.batch.writing import CannotWrite
from autograder.bridge.autograded import write_autograded
from autograder.bridge.feedback import write_feedback
from autograder.bridge.gradebook import timestamp
from autograder.classroom.records import read_records
from autograder.engine.clock import Allowance
from autograder.engine.grade import Grader, submissions
from autograder.engine.reading import find_notebooks
from autograder.engine.session import MAX_OUTPUT, Session, cell_order
from autograder.engine.submission import Step
from autograder.grading import grade_unit
from tests.conftest import SLUG

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the engine forks and needs Linux")

SEND = """
import json, os, struct
def send(header, body=b''):
    text = json.dumps(header).encode()
    os.write(11, struct.pack('<I', len(text)) + text + body)
"""


def solution(unit, old="", new="", first=()):
    """The solution after a replacement in its text, and with cells of the student's own before it."""
    text = release.notebook_json(unit.notebooks[0], solution=True)
    assert old in text
    document = json.loads(text.replace(old, json.dumps(new)[1:-1], 1))
    own = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": code} for code in first]
    return {**document, "cells": own + document["cells"]}


@pytest.fixture
def grade(grader, unit, tmp_path):
    def run(*replacement, first=()):
        document = solution(unit, *replacement, first=first)
        (tmp_path / "tiny_numpy.ipynb").write_text(json.dumps(document))
        return grader.grade("ada", tmp_path)

    return run


def marks(result):
    return {c.name: c.points for n in result.notebooks for c in n.checks.values()}


FULL = {"scale": 3, "center": 4, "scale_centered": 2, "test_scale": 1}


@pytest.mark.parametrize(
    "call",
    [
        "scale(np.ones((3400, 1)), np.ones((1, 32768)))",  # 0.9 GB: too large for the pipe's other end
        "scale(np.ones((4096, 1)), np.ones((1, 40000)))",  # 1.3 GB: too large for the reference's own memory
        "scale([1], 200_000_000)",  # a list: minutes
    ],
)
def test_a_served_function_broken_by_a_submission_is_whole_for_the_next(grade, call):
    hostile = grade("return scale(x - x.mean(axis=0), a)", f"return {call}")
    assert marks(hostile) == {**FULL, "scale_centered": 0}
    assert marks(grade()) == FULL


def test_a_call_with_a_name_that_is_no_text_costs_one_cell(grade):
    result = grade(first=[SEND + "send({'call': ['scale'], 'arrays': []})"])
    assert (result.status, marks(result)) == ("graded", FULL)


def test_half_characters_in_the_source_can_be_written_down(grade, unit, tmp_path):
    result = grade("secret_product = x * a", "secret_product = x * a  # \ud800")
    assert marks(result) == FULL
    write_autograded(result, unit, tmp_path)
    write_feedback(result, unit, tmp_path)
    assert "secret_product" in (tmp_path / "autograded" / "ada" / SLUG / "tiny_numpy.ipynb").read_text(
        "utf-8"
    )


def test_folders_nested_without_end_are_removed_and_cost_nothing(built_course, unit, tmp_path):
    deep = "import os\nfor _ in range(3000):\n    os.mkdir('d'); os.chdir('d')"
    (tmp_path / "tiny_numpy.ipynb").write_text(json.dumps(solution(unit, first=[deep, "os._exit(0)"])))
    with Grader(unit, built_course, sandbox="B") as grader:
        (scratch,) = {z._scratch.path for z in grader._zygotes.values()}
        before = sorted(Path(scratch).iterdir())
        assert marks(grader.grade("ada", tmp_path)) == FULL
        assert sorted(Path(scratch).iterdir()) == before
    assert not Path(scratch).exists()


def test_cells_that_are_run_again_share_the_submissions_time(grader, unit, monkeypatch):
    """A cell that was quick at first may sleep in the child that replaces a dead one."""
    session = Session(grader._zygotes["numpy"], grader._banks["tiny_numpy"], unit.limits)
    slow = Step("slow", "own", "", "import time; time.sleep(1.5)")
    session._good = [(slow, cell_order(slow))] * 20
    session.dialogue.time = Allowance(3)
    asked = []
    monkeypatch.setattr(
        "autograder.engine.process.Child.request",
        lambda self, order, arrays=None, *, within, **_: (
            asked.append(within.left) or within.spend(0.0, 0.5, 0.5)
        ),
    )
    try:
        session.dialogue.child()
    finally:
        session.dialogue.end()
    assert asked[0] == unit.limits.cell_seconds
    assert min(asked) <= 0  # then the wire refuses at once


def test_a_cell_that_fails_when_it_is_run_again_is_at_fault_itself(grader, unit):
    session = Session(grader._zygotes["numpy"], grader._banks["tiny_numpy"], unit.limits)
    unlucky, after = Step("own-1", "own", "", "import os\nos._exit(1)"), Step("b", "own", "", "print(1 + 1)")
    session._good = [(unlucky, cell_order(unlucky))]
    try:
        session.cell(after)
    finally:
        session.dialogue.end()
    assert after.outputs[0]["text"] == "2\n"
    assert "This cell, when it was run again, ended the Python process" in unlucky.outputs[0]["text"]


def test_a_cell_is_not_blamed_for_the_time_of_the_whole_notebook(grader, unit):
    session = Session(grader._zygotes["numpy"], grader._banks["tiny_numpy"], unit.limits)
    session.dialogue.time = Allowance(0)
    step = Step("quick", "given", "", "1 + 1")
    session.cell(step)
    told = f"the whole notebook took longer than {unit.limits.submission_seconds:g} seconds"
    assert told in step.outputs[0]["text"]


def test_outputs_of_a_notebook_are_kept_up_to_a_bound(grader, unit):
    session = Session(grader._zygotes["numpy"], grader._banks["tiny_numpy"], unit.limits)
    flood = [{"output_type": "stream", "text": "x" * 65000}] * 200
    first, second = session._kept(flood), session._kept(flood)
    assert len(first) == 200
    assert len(json.dumps([first, second])) < 1.1 * MAX_OUTPUT
    assert "output cut" in json.dumps(second)


def test_slow_cells_of_ones_own_leave_time_for_what_earns_points(grade):
    result = grade(first=["import time; time.sleep(9)"] * 8)
    assert marks(result) == FULL
    assert "was not run" in json.dumps(result.notebooks[0].steps[7].outputs)


def test_a_timestamp_that_is_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "timestamp.txt")
    assert timestamp(tmp_path) is None


@pytest.mark.parametrize("link", ["student", "unit"])
def test_a_link_to_anothers_work_is_rejected_with_a_reason(grader, unit, tmp_path, link):
    ada = tmp_path / "ada" / SLUG
    ada.mkdir(parents=True)
    (ada / "tiny_numpy.ipynb").write_text(json.dumps(solution(unit)))
    if link == "student":
        (tmp_path / "eve").symlink_to(tmp_path / "ada")
    else:
        (tmp_path / "eve").mkdir()
        (tmp_path / "eve" / SLUG).symlink_to(ada)
    found = {r.student: r for r in grader.grade_class(submissions(tmp_path, SLUG), jobs=1)}
    assert (found["ada"].points, found["eve"].points) == (10, 0)
    assert "link" in found["eve"].reason


def test_a_link_to_nowhere_and_a_file_in_place_of_a_folder_are_rejected_not_forgotten(grader, tmp_path):
    for student in ("ada", "eve"):
        (tmp_path / student).mkdir()
    (tmp_path / "ada" / SLUG).symlink_to(tmp_path / "nowhere")
    (tmp_path / "eve" / SLUG).write_text("my work")
    found = {r.student: r for r in grader.grade_class(submissions(tmp_path, SLUG), jobs=1)}
    assert {r.status for r in found.values()} == {"rejected"}
    assert "link" in found["ada"].reason
    assert "Not a directory" in found["eve"].reason


def test_a_pipe_in_place_of_a_notebook_is_not_read(unit, tmp_path):
    os.mkfifo(tmp_path / "tiny_numpy.ipynb")
    found, (trouble,) = find_notebooks(tmp_path, unit.notebooks)
    assert (found, "not a regular file" in trouble) == ({}, True)


def test_names_that_are_no_utf8_are_graded_under_a_name_that_is(built_course, unit, tmp_path):
    for name in (b"eve\xff", b"eve\xfe", b"<script>alert(1)<script>"):
        folder = tmp_path / "in" / os.fsdecode(name) / SLUG
        folder.mkdir(parents=True)
        (folder / "tiny_numpy.ipynb").write_text(json.dumps(solution(unit)))
    grade_unit(built_course, SLUG, tmp_path / "in", target=tmp_path / "out", options=Options(locked=False))
    assert [r["points"] for r in read_records(tmp_path / "out", SLUG)] == [10, 10, 10]
    pages = list((tmp_path / "out" / "feedback").glob("*/*/*.html"))
    assert len(pages) == 3
    assert not any("<script" in page.read_text("utf-8") for page in pages)


def test_a_place_that_cannot_be_written_is_told_in_one_sentence(built_course, unit, tmp_path):
    folder = tmp_path / "in" / "ada" / SLUG
    folder.mkdir(parents=True)
    (folder / "tiny_numpy.ipynb").write_text(json.dumps(solution(unit)))
    (tmp_path / "feedback").write_text("a file where a folder should be")
    with pytest.raises(CannotWrite, match="could not be written"):
        grade_unit(built_course, SLUG, tmp_path / "in", target=tmp_path, options=Options(locked=False))
