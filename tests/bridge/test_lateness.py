"""Late penalties and extensions: the oracle is nbgrader's own AssignLatePenalties, on the same gradebook."""

from __future__ import annotations

import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_notebook
from nbgrader.api import Gradebook
from nbgrader.preprocessors import AssignLatePenalties

from autograder.authoring.unit import Unit
from autograder.bridge.gradebook import Book
from autograder.bridge.lateness import extensions
from autograder.bridge.settings import SettingsError, gradebook_url, settings
from tests.bridge.conftest import make_rejected, make_result
from tests.conftest import SLUG

DUE = datetime(2026, 3, 1, 12)
RULES = {
    "zero": 'c.LateSubmissionPlugin.penalty_method = "zero"\n',
    "none": 'c.LateSubmissionPlugin.penalty_method = "none"\n',
    "own": """\
import os, sys
sys.path.insert(0, os.path.dirname(__file__))
c.AssignLatePenalties.plugin_class = "late_for_test.HalfAPointADay"
c.HalfAPointADay.points = 0.5
""",
    "too much": "import os, sys\nsys.path.insert(0, os.path.dirname(__file__))\n"
    'c.AssignLatePenalties.plugin_class = "late_for_test.TooMuch"\n',
    "a bonus": "import os, sys\nsys.path.insert(0, os.path.dirname(__file__))\n"
    'c.AssignLatePenalties.plugin_class = "late_for_test.Bonus"\n',
}
PLUGINS = """\
from nbgrader.plugins import LateSubmissionPlugin
from traitlets import Float

class HalfAPointADay(LateSubmissionPlugin):
    points = Float(0.0).tag(config=True)
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return self.points * (1 + total_seconds_late // 86400)

class TooMuch(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return score + 100

class Bonus(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return -1

class Broken(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return score / 0
"""


def arrange(home: Path, rule: str) -> None:
    (home / "nbgrader_config.py").write_text("c = get_config()\n" + rule)
    (home / "late_for_test.py").write_text(PLUGINS)
    with Gradebook(gradebook_url(home)) as gradebook:
        gradebook.add_assignment(SLUG, duedate=DUE)


def hand_in(book: Book, home: Path, unit: Unit, student: str, late: timedelta) -> None:
    folder = home / "submitted" / student
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "timestamp.txt").write_text(f"{DUE + late} UTC")
    book.write(make_result(unit, student), folder)


def penalties(home: Path) -> dict[str, Any]:
    with Gradebook(gradebook_url(home)) as gradebook:
        found = gradebook.assignment_submissions(SLUG)
        return {s.student.id: s.notebooks[0].late_submission_penalty for s in found}


def stock_penalties(home: Path, copy: Path) -> dict[str, Any]:
    """What nbgrader's own preprocessor makes of the same marks, dates and settings."""
    copy.mkdir()
    shutil.copy(home / "gradebook.db", copy)
    with Gradebook(gradebook_url(copy)) as gradebook:
        for submission in gradebook.assignment_submissions(SLUG):
            submission.notebooks[0].late_submission_penalty = 77.0
        gradebook.db.commit()
        students = [s.student.id for s in gradebook.assignment_submissions(SLUG)]
    for student in students:
        told = {"notebook": "tiny_numpy", "assignment": SLUG, "student": student}
        resources = {"nbgrader": told | {"db_url": gradebook_url(copy)}}
        AssignLatePenalties(config=settings(home)).preprocess(new_notebook(), resources)
    return penalties(copy)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_penalty_is_that_of_nbgrader(unit: Unit, home: Path, tmp_path: Path, rule: str) -> None:
    arrange(home, rule)
    with Book(home, unit) as book:
        for student, late in {"ada": timedelta(0), "bob": timedelta(seconds=1), "eve": timedelta(3)}.items():
            hand_in(book, home, unit, student, late)
        book.write(make_rejected(unit, "mal"))
    assert penalties(home) == stock_penalties(home, tmp_path / "stock")


def test_a_late_point_is_taken_and_only_where_it_is_due(unit: Unit, home: Path) -> None:
    arrange(home, RULES["own"])
    with Book(home, unit) as book:
        hand_in(book, home, unit, "ada", timedelta(-1))
        hand_in(book, home, unit, "bob", timedelta(days=1, seconds=1))
        assert book.penalties("bob") == {"tiny_numpy": 1.0} and book.penalties("ada") == {}
    assert penalties(home) == {"ada": None, "bob": 1.0}


def test_an_extension_moves_the_due_date_of_one_student(unit: Unit, home: Path, tmp_path: Path) -> None:
    arrange(home, RULES["zero"])
    (home / "extensions.csv").write_text(
        "student,unit,until\n"
        f"ada,{SLUG},2026-03-03 13:00 +0100\n"
        f"eve, {SLUG}, 2026-03-02 11:59 UTC\n"
        f"ada,other,2026-03-09 12:00 UTC\n"
    )
    with Book(home, unit) as book:
        for student in ("ada", "bob", "eve"):
            hand_in(book, home, unit, student, timedelta(days=1))
    assert penalties(home) == {"ada": None, "bob": 5.0, "eve": 5.0}
    assert penalties(home) == stock_penalties(home, tmp_path / "stock")
    with Gradebook(gradebook_url(home)) as gradebook:
        assert gradebook.find_submission(SLUG, "ada").extension == timedelta(days=2)


def test_settling_reaches_those_that_are_not_graded_again(unit: Unit, home: Path) -> None:
    arrange(home, RULES["zero"])
    with Book(home, unit) as book:
        hand_in(book, home, unit, "ada", timedelta(days=1))
    assert penalties(home) == {"ada": 5.0}
    (home / "extensions.csv").write_text(f"student,unit,until\nada,{SLUG},2026-03-03 12:00 UTC\n")
    with Book(home, unit) as book:
        book.settle()
    assert penalties(home) == {"ada": None}
    (home / "extensions.csv").write_text(f"student,unit,until\nada,{SLUG},2026-03-01 12:00 UTC\n")
    with Book(home, unit) as book:
        book.settle()
    assert penalties(home) == {"ada": 5.0}


def test_an_extension_by_nbgraders_own_call_stays(unit: Unit, home: Path) -> None:
    arrange(home, RULES["zero"])
    with Book(home, unit) as book:
        hand_in(book, home, unit, "ada", timedelta(days=1))
        with Gradebook(gradebook_url(home)) as gradebook:
            gradebook.grant_extension(SLUG, "ada", days=2)
        book.settle()
    assert penalties(home) == {"ada": None}


def test_marks_by_hand_count_in_the_score_that_is_lost(unit: Unit, home: Path) -> None:
    arrange(home, RULES["zero"])
    with Book(home, unit) as book:
        hand_in(book, home, unit, "ada", timedelta(days=1))
        with Gradebook(gradebook_url(home)) as gradebook:
            gradebook.find_grade("question-why", "tiny_numpy", SLUG, "ada").manual_score = 1.5
            gradebook.db.commit()
        book.settle()
    assert penalties(home) == {"ada": 6.5}


def test_without_a_due_date_nothing_is_late(unit: Unit, home: Path) -> None:
    (home / "nbgrader_config.py").write_text("c = get_config()\n" + RULES["zero"])
    (home / "extensions.csv").write_text(f"student,unit,until\nada,{SLUG},2026-03-03 12:00 UTC\n")
    with Book(home, unit) as book:
        hand_in(book, home, unit, "ada", timedelta(days=900))
    assert penalties(home) == {"ada": None}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,unit,until\n", "must be student,unit,until; it is 'name,unit,until'"),
        ("", "must be student,unit,until"),
        (f"student,unit,until\nada,{SLUG},tomorrow\n", "line 2: 'tomorrow' is no time"),
        (f"student,unit,until\nada,{SLUG}\n", "line 2: None is no time"),
        (f"student,unit,until\nada,{SLUG},\n", "line 2: '' is no time"),
        (f"student,unit,until\nada,{SLUG},2026-03-03\n", "line 2: '2026-03-03' is no time"),
    ],
)
def test_a_list_that_cannot_be_followed_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "extensions.csv").write_text(text)
    with pytest.raises(SettingsError, match=said):
        extensions(tmp_path, SLUG)


@pytest.mark.parametrize(
    ("settings_text", "said"),
    [
        ('c.AssignLatePenalties.plugin_class = "nowhere.Plugin"', "nowhere.Plugin, which cannot be used"),
        (RULES["own"].replace("HalfAPointADay", "Broken"), "Broken failed for ada, 86400 s late"),
        ("this is no Python", "nbgrader_config.py of .* cannot be read"),
    ],
)
def test_settings_that_cannot_be_followed_are_one_sentence(
    unit: Unit, home: Path, settings_text: str, said: str
) -> None:
    arrange(home, "")
    (home / "nbgrader_config.py").write_text("c = get_config()\n" + settings_text)
    with pytest.raises(SettingsError, match=said), Book(home, unit) as book:
        hand_in(book, home, unit, "ada", timedelta(days=1))


def test_a_relative_file_is_in_the_courses_folder(tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_text('c.CourseDirectory.db_url = "sqlite:///marks/book.db"')
    assert gradebook_url(tmp_path) == f"sqlite:///{tmp_path}/marks/book.db"


def test_an_address_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_text('c.CourseDirectory.db_url = "marks.db"')
    with pytest.raises(SettingsError, match="no address of a database"):
        gradebook_url(tmp_path)


class Found:
    """A grader that knows the results already."""

    def __init__(self, unit: Unit, root: Path, *, sandbox: str, locked: bool):
        self.unit = unit

    def grade_class(self, folders: Any, jobs: int) -> Any:
        yield from (make_result(self.unit, student) for student in folders)

    def __enter__(self) -> Found:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="grading needs Linux")
def test_autograder_grade_honours_settings_and_extensions_also_for_work_that_it_does_not_grade_again(
    built_course: Path, home: Path
) -> None:
    from autograder.batch.run import Options
    from autograder.grading import grade_unit

    arrange(home, RULES["zero"])
    for student in ("ada", "bob"):
        folder = home / "submitted" / student / SLUG
        folder.mkdir(parents=True)
        (folder / "tiny_numpy.ipynb").write_text("{}")
        (folder / "timestamp.txt").write_text("2026-03-02 12:00:00 UTC")

    def run() -> Any:
        options = Options(locked=False, grader=Found)
        return grade_unit(built_course, SLUG, home / "submitted", target=home, options=options)

    assert run().written == ["ada", "bob"]
    assert penalties(home) == {"ada": 5.0, "bob": 5.0}
    page = (home / "feedback" / "ada" / SLUG / "tiny_numpy.html").read_text()
    assert "handed in late" in page
    (home / "extensions.csv").write_text(f"student,unit,until\nada,{SLUG},2026-03-03 12:00 UTC\n")
    assert run().standing == ["ada", "bob"]
    assert penalties(home) == {"ada": None, "bob": 5.0}
