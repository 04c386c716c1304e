"""A student's data is removed wherever the course holds it, and nobody else's is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from autograder.authoring.unit import Unit
from autograder.bridge.autograded import write_autograded
from autograder.bridge.feedback import write_feedback
from autograder.bridge.gradebook import Book
from autograder.classroom.forget import UnknownStudent, forget
from autograder.classroom.records import write_record
from autograder.cli import main
from tests.bridge.conftest import make_result
from tests.conftest import SLUG

STUDENTS = ("ada", "ada2", "bob")


@pytest.fixture
def course(home: Path, unit: Unit) -> Path:
    """A course in which three students were graded; two have extensions, all are in an export."""
    with Book(home, unit) as book:
        for student in STUDENTS:
            result = make_result(unit, student)
            book.write(result)
            write_autograded(result, unit, home)
            write_feedback(result, unit, home)
            write_record(result, home)
            (home / "submitted" / student / SLUG).mkdir(parents=True)
            (home / "submitted" / student / SLUG / "tiny_numpy.ipynb").write_text("{}")
    pending = home / "records" / ".pending" / SLUG
    pending.mkdir(parents=True)
    for student in STUDENTS:
        (pending / f"{student[::-1]}.json").write_text(json.dumps({"student": student}))
    (home / "extensions.csv").write_text(
        "student,unit,until\n" + "".join(f"{s},{SLUG},2026-11-27 23:59 +0100\n" for s in ("ada", "bob"))
    )
    (home / "exports").mkdir()
    (home / "exports" / "marks.csv").write_text("student,mark\nada,5\n")
    for student in ("ada", "bob"):
        (home / "exports" / f"feedback-{student}.zip").write_bytes(b"PK")
    return home


def traces(course: Path, word: str) -> list[str]:
    """Files that have the word in their path or their bytes."""
    paths = [p for p in course.rglob("*") if p.is_file()]
    return [
        p.relative_to(course).as_posix()
        for p in sorted(paths)
        if word in p.relative_to(course).parts or word.encode() in p.read_bytes()
    ]


def test_nothing_of_the_student_is_left_not_even_in_the_databases_file(course: Path) -> None:
    done = forget(course, "ada2", course / "submitted")
    assert traces(course, "ada2") == []
    assert len(done.removed) == 6 and done.mentioned == []


def test_nothing_of_the_others_is_touched(course: Path) -> None:
    before = traces(course, "bob")
    forget(course, "ada2", course / "submitted")
    assert traces(course, "bob") == before
    with pytest.raises(UnknownStudent):
        forget(course, "ad", course / "submitted")


def test_extensions_go_and_a_file_about_the_class_is_told(course: Path) -> None:
    done = forget(course, "ada", course / "submitted")
    lines = (course / "extensions.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["student", "bob"]
    names = ("feedback-ada.zip", "marks.csv")
    assert done.mentioned == [str(course / "exports" / name) for name in names]


def test_a_dry_run_says_the_same_and_removes_nothing(course: Path) -> None:
    before = {p: p.read_bytes() for p in course.rglob("*") if p.is_file() and p.name != ".grading.lock"}
    said = forget(course, "ada", course / "submitted", dry=True)
    assert {p: p.read_bytes() for p in before} == before
    assert said == forget(course, "ada", course / "submitted")


def test_a_link_goes_and_what_it_leads_to_stays(course: Path) -> None:
    (course / "elsewhere").mkdir()
    (course / "elsewhere" / "precious").write_text("keep")
    (course / "submitted" / "eve").symlink_to(course / "elsewhere")
    forget(course, "eve", course / "submitted")
    assert (course / "elsewhere" / "precious").exists()
    assert not (course / "submitted" / "eve").is_symlink()


def test_work_in_a_folder_that_is_spelled_otherwise_goes_too(course: Path) -> None:
    (course / "submitted" / "<ada").mkdir()
    (course / "submitted" / "ada").rename(course / "submitted" / "=3Cada")
    forget(course, "=3Cada", course / "submitted")
    assert (course / "submitted" / "<ada").exists(), "that one is another's"
    forget(course, "=3Cada", course / "submitted")
    assert not (course / "submitted" / "<ada").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "../submitted", "a/b"])
def test_what_is_no_students_name_removes_nothing(course: Path, name: str) -> None:
    with pytest.raises(UnknownStudent, match="is no student"):
        forget(course, name, course / "submitted")
    assert (course / "submitted" / "bob").exists()


def test_the_command_asks_first(course: Path) -> None:
    words = ["forget", "ada", "--course", str(course)]
    no = CliRunner().invoke(main, words, input="n\n")
    assert no.exit_code == 0 and (course / "submitted" / "ada").exists()
    yes = CliRunner().invoke(main, words, input="y\n").output.replace("\n", " ")
    assert "Nothing of ada is left there." in yes and "marks.csv names them" in yes
    again = CliRunner().invoke(main, [*words, "--yes"])
    assert again.exit_code == 1 and "There is nothing of ada" in again.output
