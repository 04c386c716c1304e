"""nbgrader itself, with nothing changed but its configuration file."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config, PyFileConfigLoader

from autograder.authoring import release
from autograder.authoring.unit import Unit
from autograder.bridge.gradebook import Book
from autograder.bridge.settings import gradebook_url
from tests.bridge.pages import Page
from tests.bridge.test_markdown import ATTACKS
from tests.conftest import ROOT, SLUG

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.uname().sysname != "Linux", reason="the engine forks and needs Linux"),
]

ANSWER = "x * a"
STUDENTS = ["ada", "bob", "eve", "mal"]


@pytest.fixture(scope="module")
def course(built_course: Path, empty_gradebook: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course of four: all right, one mistake, a broken file, and attacks in an answer."""
    from autograder.authoring.unit import read_unit

    root = tmp_path_factory.mktemp("stock") / "course"
    shutil.copytree(built_course, root)
    shutil.copy(empty_gradebook, root)
    right = release.notebook_json(read_unit(root, SLUG).notebooks[0], solution=True)
    attack = "\\n\\n".join(ATTACKS[:3]).replace('"', "'")
    texts = [right, right.replace(ANSWER, "x + a", 1), "{ broken", right.replace("Your answer.", attack)]
    for student, text in zip(STUDENTS, texts, strict=True):
        folder = root / "submitted" / student / SLUG
        folder.mkdir(parents=True)
        (folder / "tiny_numpy.ipynb").write_text(text)
    return root


@pytest.fixture(scope="module")
def api(course: Path) -> Any:
    """nbgrader as formgrader calls it, with the course's own nbgrader_config.py."""
    from autograder.bridge.preprocessor import close_graders

    config: Config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    config.CourseDirectory.root = str(course)
    before = Path.cwd()
    os.chdir(course)
    yield NbGraderAPI(CourseDirectory(config=config), config=config)
    os.chdir(before)
    close_graders()


@pytest.fixture(scope="module")
def autograded(api: Any) -> dict[str, Any]:
    return {s: api.autograde(SLUG, s, force=True) for s in STUDENTS}


def score(course: Path, student: str) -> float:
    with Gradebook(gradebook_url(course)) as gradebook:
        return float(gradebook.find_submission(SLUG, student).score)


def test_autograde_records_the_marks_of_the_engine(course: Path, autograded: dict[str, Any]) -> None:
    assert all(done["success"] for done in autograded.values()), autograded
    assert {s: score(course, s) for s in STUDENTS} == {"ada": 10, "bob": 7, "eve": 0, "mal": 10}


def test_the_fast_path_records_the_same(
    course: Path, autograded: dict[str, Any], unit: Unit, tmp_path: Path, empty_gradebook: Path
) -> None:
    from autograder.engine.grade import Grader, submissions

    shutil.copy(empty_gradebook, tmp_path)
    folders = submissions(course / "submitted", SLUG)
    with Grader(unit, course, sandbox="B") as grader, Book(tmp_path, unit) as book:
        for result in grader.grade_class(folders, 1):
            book.write(result, folders[result.student])
    for student in STUDENTS:
        assert _grades(tmp_path, student) == _grades(course, student)


def _grades(root: Path, student: str) -> list[tuple[Any, ...]]:
    with Gradebook(gradebook_url(root)) as gradebook:
        (notebook,) = gradebook.find_submission(SLUG, student).notebooks
        marks = [(g.name, g.auto_score, g.needs_manual_grade) for g in notebook.grades]
        return sorted(marks) + sorted((c.name, c.comment) for c in notebook.comments)


def test_marks_by_hand_survive_autograde(course: Path, api: Any, autograded: dict[str, Any]) -> None:
    with Gradebook(gradebook_url(course)) as gradebook:
        gradebook.find_grade("question-why", "tiny_numpy", SLUG, "mal").manual_score = 1.5
        gradebook.db.commit()
    assert api.autograde(SLUG, "mal", force=True)["success"]
    assert score(course, "mal") == 11.5


def test_stock_feedback_tells_the_mistake_and_runs_nothing_of_a_student(
    course: Path, api: Any, autograded: dict[str, Any]
) -> None:
    pages = {}
    for student in STUDENTS:
        done = api.generate_feedback(SLUG, student, force=True)
        assert done["success"], done
        pages[student] = (course / "feedback" / student / SLUG / "tiny_numpy.html").read_text()
    assert "You added a; scaling multiplies." in pages["bob"]
    assert "not valid JSON" in pages["eve"]
    assert "alert(1)" in pages["mal"]
    assert _scripts(pages["mal"]) == _scripts(pages["ada"])  # those of nbgrader's own template


def _scripts(page: str) -> list[str]:
    return sorted(Page(page).dangers)


def test_no_solution_reaches_the_folders_that_students_get(course: Path, autograded: dict[str, Any]) -> None:
    names = {p.name for f in ("autograded", "feedback") for p in (course / f).rglob("*") if p.is_file()}
    assert names <= {"tiny_numpy.ipynb", "tiny_numpy.html", "timestamp.txt"}
