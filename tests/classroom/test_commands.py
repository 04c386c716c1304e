"""`export` and `report` as a person types them."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from autograder.authoring.unit import Unit
from autograder.bridge.gradebook import Book
from autograder.classroom.records import write_record
from autograder.cli import main
from tests.bridge.conftest import make_rejected, make_result
from tests.conftest import SLUG

Run = Callable[..., Result]


@pytest.fixture
def run(built_course: Path, unit: Unit, home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command in the tiny course, whose class of two is graded in the folder `home`."""
    monkeypatch.chdir(built_course)
    with Book(home, unit) as book:
        book.write(make_result(unit, "ada"))
        book.write(make_rejected(unit, "bob"))
    return lambda *words: CliRunner().invoke(main, [*words, "--course", str(home)])


def test_export_writes_a_table_and_says_where(run: Run, home: Path) -> None:
    done = run("export", SLUG)
    path = home / "exports" / f"{SLUG}-csv.csv"
    assert done.exit_code == 0 and "2 students:" in done.output
    assert "1 of these marks may change" in done.output.replace("\n", " ")
    with path.open(newline="", encoding="utf-8") as file:
        assert [row["mark"] for row in csv.DictReader(file)] == ["5", "0"]


def test_export_takes_a_roster_an_assignments_name_and_a_file(run: Run, tmp_path: Path) -> None:
    roster, out = tmp_path / "canvas.csv", tmp_path / "new" / "marks.csv"
    roster.write_text('Student,ID,SIS Login ID,Section\n"L, Ada",1,ada,A\n"B, Bob",2,bob,A\n')
    words = ("--to", "canvas", "--roster", str(roster), "--assignment", "Homework 1", "--out", str(out))
    done = run("export", SLUG, *words)
    assert done.exit_code == 0
    assert out.read_text().splitlines()[:2] == [
        "Student,ID,SIS Login ID,Section,Homework 1",
        "    Points Possible,,,,12",
    ]


def test_a_table_takes_no_roster(run: Run, tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_text("ID\nada\n")
    done = run("export", SLUG, "--roster", str(tmp_path / "roster.csv"))
    assert done.exit_code == 1 and "--roster goes with --to canvas" in done.output


@pytest.mark.parametrize("form", ["canvas", "moodle"])
def test_what_the_roster_lacks_is_one_sentence(run: Run, home: Path, form: str) -> None:
    done = run("export", SLUG, "--to", form)
    assert done.exit_code == 1 and "say --roster" in done.output
    assert not (home / "exports").exists()


def test_a_folder_without_a_gradebook_is_one_sentence(run: Run, home: Path) -> None:
    (home / "gradebook.db").unlink()
    done = run("export", SLUG)
    assert done.exit_code == 1 and "There is no gradebook.db" in done.output


def test_report_writes_a_page_and_says_where(run: Run, unit: Unit, home: Path) -> None:
    write_record(make_result(unit, "ada"), home)
    done = run("report", SLUG)
    assert done.exit_code == 0 and f"{SLUG}.html" in done.output.replace("\n", "")
    assert "Tiny: the class" in (home / "reports" / f"{SLUG}.html").read_text(encoding="utf-8")


def test_report_without_records_says_what_to_do(run: Run) -> None:
    done = run("report", SLUG)
    assert done.exit_code == 1 and f"run `autograder grade {SLUG}`" in done.output
