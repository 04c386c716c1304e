"""The commands as a person types them: honest exit codes, one clear sentence for bad input."""

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from autograder.cli import main
from autograder.engine.process import EngineError
from tests.conftest import SLUG


@pytest.fixture
def run(built_course, monkeypatch):
    monkeypatch.chdir(built_course)
    return lambda *words: CliRunner().invoke(main, words)


def test_build_says_what_it_wrote(run):
    done = run("build", SLUG)
    assert done.exit_code == 0 and f"4 files in exercises/{SLUG}" in done.output


def test_verify_prints_one_table_and_succeeds(run):
    done = run("verify", SLUG)
    assert done.exit_code == 0
    assert "named" in done.output and "scale_centered" in done.output


def test_verify_fails_with_the_fault_in_words(course, monkeypatch):
    monkeypatch.chdir(course)
    path = course / "solutions" / SLUG / "mistakes.toml"
    path.write_text(path.read_text().replace('"x + a"', '"a * x"'))
    done = CliRunner().invoke(main, ["verify", SLUG])
    assert done.exit_code == 1 and "adds is not caught" in done.output


def test_an_unknown_unit_is_one_sentence(run):
    done = run("build", "42-none")
    assert done.exit_code == 1 and "There is no unit 42-none" in done.output


def test_outside_a_course_the_way_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["build"])
    assert done.exit_code == 1 and "solutions/" in done.output


def test_grade_without_submissions_says_where_they_should_be(run):
    done = run("grade", SLUG, "--submitted", "nowhere", "--sandbox", "none")
    assert done.exit_code == 1 and f"nowhere/<student>/{SLUG}" in done.output.replace("\n", "")


def test_what_breaks_in_the_engine_is_one_sentence(run, monkeypatch):
    def broken(*_, **__):
        raise EngineError("The numpy zygote is gone: start the run again.")

    monkeypatch.setattr("autograder.grading.grade_unit", broken)
    done = run("grade", SLUG)
    told = "autograder: The numpy zygote is gone: start the run again."
    assert done.exit_code == 1 and told in done.output


@pytest.mark.parametrize("text", ["", '{"a": 1}', "[1]", '[{"student": "ada"}]'])
def test_marks_of_another_file_are_refused_in_words(run, tmp_path, text):
    (tmp_path / "other.json").write_text(text)
    done = run("marks", str(tmp_path / "other.json"))
    assert done.exit_code == 1 and "autograder grade --json" in done.output.replace("\n", " ")


def test_output_to_a_file_that_knows_no_tick_is_no_crash(built_course):
    """As on Windows, where a redirected output has the code page 1252."""
    done = subprocess.run(
        [sys.executable, "-c", "from autograder.cli import main; main()", "build", SLUG],
        cwd=built_course,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        capture_output=True,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"files in exercises" in done.stdout


class TestCheck:
    """`autograder check NOTEBOOK`, on the student's own machine."""

    def write(self, built_course, name, old="", new=""):
        master = built_course / "_build" / "masters" / SLUG / "tiny_numpy.ipynb"
        path = built_course / "exercises" / SLUG / name
        path.write_text(master.read_text().replace(old, new, 1))
        return str(path)

    def test_a_right_notebook(self, run, built_course):
        done = run("check", self.write(built_course, "right.ipynb"))
        assert done.exit_code == 0 and "4 of 4 exercises pass" in done.output
        assert "This is not a grade." in done.output

    def test_a_wrong_one_is_told_the_mistake(self, run, built_course):
        done = run("check", self.write(built_course, "wrong.ipynb", "x * a", "x + a"))
        assert done.exit_code == 1 and "You added a; scaling multiplies." in done.output

    def test_a_cell_that_fails_is_told_and_the_rest_is_checked(self, run, built_course):
        done = run("check", self.write(built_course, "fails.ipynb", "x * a", "x *"))
        assert done.exit_code == 1
        assert "SyntaxError" in done.output and "center: all 2 checks passed" in done.output

    def test_another_file_is_one_sentence(self, run, built_course):
        path = built_course / "exercises" / SLUG / "other.ipynb"
        path.write_text(json.dumps({"cells": []}))
        assert "a released .ipynb was expected" in run("check", str(path)).output
