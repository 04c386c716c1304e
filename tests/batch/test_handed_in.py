"""Nothing that was handed in is passed over in silence."""

from __future__ import annotations

import json
import os
import re
import shutil
import unicodedata
from pathlib import Path

import pytest
from click.testing import CliRunner

from autograder.authoring.unit import Unit
from autograder.batch.handed_in import elsewhere, noted
from autograder.batch.run import Options
from autograder.cli import main
from autograder.engine.grade import SubmissionResult, submissions
from tests.batch.conftest import Remembers, Run
from tests.batch.test_changed_checks import _with
from tests.conftest import SLUG

NFC, NFD = (unicodedata.normalize(form, "zoë") for form in ("NFC", "NFD"))


def hand_in(folder: Path, name: str = "tiny_numpy.ipynb", text: str = "{}") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder


class TestWorkInTheWrongPlace:
    @pytest.mark.parametrize(
        "place", ["ada/tiny_numpy.ipynb", "ada/77_Tiny/tiny_numpy (1).ipynb", "ada/a/b/Tiny_Numpy.ipynb"]
    )
    def test_it_is_found(self, unit: Unit, built_course: Path, tmp_path: Path, place: str) -> None:
        hand_in((tmp_path / place).parent, Path(place).name)
        assert elsewhere(tmp_path, unit, built_course) == {"ada": [place]}

    def test_without_any_folder_of_a_student_too(
        self, unit: Unit, built_course: Path, tmp_path: Path
    ) -> None:
        hand_in(tmp_path, "tiny_numpy_ada.ipynb")
        assert elsewhere(tmp_path, unit, built_course) == {"": ["tiny_numpy_ada.ipynb"]}

    def test_a_renamed_notebook_is_known_by_what_it_was_made_from(
        self, unit: Unit, built_course: Path, tmp_path: Path
    ) -> None:
        made_from = json.dumps({"metadata": {"autograder": {"key": f"{SLUG}/tiny_numpy"}}, "cells": []})
        hand_in(tmp_path / "ada", "homework.ipynb", made_from)
        assert elsewhere(tmp_path, unit, built_course) == {"ada": ["ada/homework.ipynb"]}

    def test_its_own_place_other_units_and_other_files_are_none(
        self, unit: Unit, built_course: Path, tmp_path: Path
    ) -> None:
        for name in (SLUG, ".ipynb_checkpoints"):
            hand_in(tmp_path / "ada" / name)
        hand_in(tmp_path / "ada", "essay.ipynb")
        hand_in(tmp_path / "ada", "tiny_numpy.txt")
        assert elsewhere(tmp_path, unit, built_course) == {}

    @pytest.mark.skipif(os.uname().sysname != "Linux", reason="the engine forks and needs Linux")
    def test_the_command_names_it_and_its_exit_code_says_that_work_is_not_graded(
        self,
        built_course: Path,
        submitted: Path,
        home: Path,
        grader: Remembers,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        hand_in(submitted / "ada")
        monkeypatch.chdir(built_course)
        monkeypatch.setattr("autograder.grading.sandbox_level", lambda: "B")
        monkeypatch.setattr(Options, "__init__", _with(grader, Options.__init__))
        words = ["grade", SLUG, "--submitted", str(submitted), "--course", str(home)]
        done = CliRunner().invoke(main, words)
        said = re.sub(r"\s+", " ", done.output)
        assert done.exit_code == 1
        assert f"ada: ada/tiny_numpy.ipynb was not graded. Move it to <student>/{SLUG}/," in said
        assert "6 submissions: 6 graded now" in said
        shutil.rmtree(submitted / "ada")
        assert CliRunner().invoke(main, words).exit_code == 0


class TestTheTimeOfHandingIn:
    @pytest.fixture
    def result(self, results: dict[str, SubmissionResult]) -> SubmissionResult:
        return results["leyla-singh"]

    @pytest.mark.parametrize("text", ["", "yesterday", "x" * 200, "2026-13-45"])
    def test_one_that_cannot_be_read_is_said(
        self, result: SubmissionResult, tmp_path: Path, text: str
    ) -> None:
        hand_in(tmp_path, "timestamp.txt", text)
        assert "timestamp.txt holds no time" in noted(result, tmp_path).record()["reason"]
        assert result.reason == ""

    def test_a_readable_one_and_none_at_all_are_not(self, result: SubmissionResult, tmp_path: Path) -> None:
        assert noted(result, tmp_path).reason == ""
        hand_in(tmp_path, "timestamp.txt", "2026-03-01 12:00:00 UTC")
        assert noted(result, tmp_path).reason == ""

    @pytest.mark.skipif(os.uname().sysname != "Linux", reason="the engine forks and needs Linux")
    def test_the_record_has_it(self, run: Run, submitted: Path, home: Path) -> None:
        hand_in(submitted / "leyla-singh" / SLUG, "timestamp.txt", "tomorrow")
        run()
        record = json.loads((home / "records" / "leyla-singh" / f"{SLUG}.json").read_text())
        assert (record["status"], record["points"]) == ("graded", 10)
        assert "timestamp.txt holds no time" in record["reason"]


class TestNamesOfStudents:
    def test_a_name_has_one_form_however_the_folder_is_spelled(self, tmp_path: Path) -> None:
        assert NFC != NFD
        hand_in(tmp_path / NFD / SLUG)
        assert submissions(tmp_path, SLUG) == {NFC: tmp_path / NFD / SLUG}

    def test_two_folders_that_look_alike_are_both_graded(self, tmp_path: Path) -> None:
        for name in (NFC, NFD):
            hand_in(tmp_path / name / SLUG)
        found = submissions(tmp_path, SLUG)
        assert set(found) == {NFC, NFD} and set(found.values()) == {tmp_path / n / SLUG for n in (NFC, NFD)}

    @pytest.mark.parametrize(
        ("folder", "student"),
        [
            ("<b>ada", "=3Cb=3Eada"),
            ('ada" onclick="x', "ada=22 onclick==22x"),
            ("ada\nbob", "ada=0Abob"),
            ("ada\u202egpj", "ada=202Egpj"),
            ("ada\x1b[2J", "ada=1B[2J"),
            ("seán o'brien & co", "seán o'brien & co"),
        ],
    )
    def test_no_name_is_live_in_a_page_or_a_terminal(self, tmp_path: Path, folder: str, student: str) -> None:
        hand_in(tmp_path / folder / SLUG)
        assert submissions(tmp_path, SLUG) == {student: tmp_path / folder / SLUG}

    def test_whoever_is_called_otherwise_for_that_is_told_and_nobody_else(self, tmp_path: Path) -> None:
        def reason(folder: str) -> str:
            place = hand_in(tmp_path / folder / SLUG)
            ((student, _),) = submissions(tmp_path, SLUG).items()
            told = noted(SubmissionResult(student, SLUG, "graded", "", []), place).reason
            shutil.rmtree(tmp_path / folder)
            return told

        assert "this student is called =3Cb=3Eada here" in reason("<b>ada")
        assert reason(NFD) == reason("seán o'brien") == ""

    def test_a_name_that_was_made_never_takes_anothers_place(self, tmp_path: Path) -> None:
        for name in ("<ada", "=3Cada", "=3Cada="):
            hand_in(tmp_path / name / SLUG)
        found = submissions(tmp_path, SLUG)
        assert found["=3Cada"] == tmp_path / "=3Cada" / SLUG
        assert set(found.values()) == {tmp_path / n / SLUG for n in ("<ada", "=3Cada", "=3Cada=")}

    @pytest.mark.parametrize("name", [b"\xff" * 100, "\U0001d160".encode() * 60, b"a" * 250])
    def test_a_name_that_grows_too_long_for_a_folder_or_a_table_is_cut(
        self, tmp_path: Path, name: bytes
    ) -> None:
        """The results of the whole class are written under such names: one must not stop the run."""
        for last in (b"1", b"2"):
            hand_in(tmp_path / os.fsdecode(name + last) / SLUG)
        found = submissions(tmp_path, SLUG)
        assert len(found) == 2
        for student in found:
            assert len(student) <= 128
            (tmp_path / "graded" / student).mkdir(parents=True)
