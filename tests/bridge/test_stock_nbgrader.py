"""nbgrader itself, with nothing changed but its configuration file."""

from __future__ import annotations

import csv
import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import CsvExportPlugin
from nbgrader.utils import temp_attrs
from traitlets.config import Config, PyFileConfigLoader

from autograder.authoring import release
from autograder.authoring.unit import Unit
from autograder.bridge.gradebook import Book
from autograder.bridge.settings import gradebook_url
from autograder.classroom.export import export_unit
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
        (folder / "timestamp.txt").write_text("2026-03-01 13:00:00 +0100")
    hostile = root / "submitted" / "mal" / SLUG
    (hostile / "pages" / "deep").mkdir(parents=True)
    (hostile / "pages" / "deep" / "page.html").write_text("<script>alert(1)</script>")
    (hostile / "nbgrader_config.py").write_text("raise SystemExit")
    (hostile / "mistakes.txt").symlink_to(root / "solutions" / SLUG / "mistakes.toml")
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


def test_the_record_is_the_same_too(course: Path, autograded: dict[str, Any], unit: Unit) -> None:
    from autograder.classroom.records import SEAL, read_records
    from autograder.engine.grade import Grader, submissions

    found = {r["student"]: r for r in read_records(course, SLUG)}
    with Grader(unit, course, sandbox=found["ada"]["sandbox"]) as grader:
        for result in grader.grade_class(submissions(course / "submitted", SLUG), 1):
            assert _timeless(found[result.student]) == _timeless(result.record())
    assert not any(SEAL in r for r in found.values())  # `autograder grade` still has its own pages to write


def _timeless(record: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in record.items() if "seconds" not in k}


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


def test_the_time_of_handing_in_is_right_where_nbgrader_misreads_it(
    course: Path, autograded: dict[str, Any]
) -> None:
    with Gradebook(gradebook_url(course)) as gradebook:
        assert gradebook.find_submission(SLUG, "ada").timestamp == datetime(2026, 3, 1, 12)


def test_late_penalties_and_extensions_hold_in_autograde(
    course: Path, api: Any, autograded: dict[str, Any]
) -> None:
    with Gradebook(gradebook_url(course)) as gradebook:
        gradebook.update_or_create_assignment(SLUG, duedate="2026-02-28 12:00:00 UTC")
    (course / "extensions.csv").write_text(f"student,unit,until\nada,{SLUG},2026-03-02 12:00 UTC\n")
    with temp_attrs(api.config.LateSubmissionPlugin, penalty_method="zero"):
        for student in ("ada", "bob"):
            assert api.autograde(SLUG, student, force=True)["success"]
    with Gradebook(gradebook_url(course)) as gradebook:
        found = {s: gradebook.find_submission(SLUG, s).late_submission_penalty for s in ("ada", "bob")}
        gradebook.update_or_create_assignment(SLUG, duedate=None)
    assert found == {"ada": 0.0, "bob": 7.0}


def test_stock_export_has_the_marks_of_ours(course: Path, autograded: dict[str, Any], tmp_path: Path) -> None:
    with Gradebook(gradebook_url(course)) as gradebook:
        CsvExportPlugin(to=str(tmp_path / "stock.csv")).export(gradebook)
    ours = csv.DictReader(export_unit(course, SLUG, "csv", target=course).text.splitlines())
    with (tmp_path / "stock.csv").open() as file:
        stock = {row["student_id"]: row for row in csv.DictReader(file)}
    assert stock.keys() == set(STUDENTS)
    for row in ours:
        theirs = stock[row["student"]]
        for name, of_stock in {
            "points": "raw_score",
            "late_penalty": "late_submission_penalty",
            "mark": "score",
            "max_points": "max_score",
        }.items():
            assert float(row[name]) == float(theirs[of_stock])


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


MIXED = {
    "secret_product = x * a": "secret_product = x * a if a else x",  # wrong on the hidden input alone
    "return x - mu, mu": "return x, mu",  # one probe of two
    "implementation(x, 3.0), 3 * x": "x, x",  # wrong altogether
}
WHY_NOT_AS_STOCK = {
    "check-scale": "a hidden probe fails: stock runs the public ones alone",
    "check-center": "points are shared among the probes: in stock a check is all or nothing",
}


@pytest.fixture(scope="module")
def stock_marks(course: Path, unit_of_course: Unit, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One submission with all kinds of verdicts through nbgrader as it comes, without our configuration."""
    root = tmp_path_factory.mktemp("engine-off")
    shutil.copytree(course / "exercises", root / "exercises")
    shutil.copytree(course / "_build" / "masters", root / "source")
    (text,) = (p.read_text() for p in (course / "submitted" / "ada").rglob("tiny_numpy.ipynb"))
    for right, wrong in MIXED.items():
        assert right in text
        text = text.replace(right, wrong)
    folder = root / "submitted" / "mixed" / SLUG
    folder.mkdir(parents=True)
    (folder / "tiny_numpy.ipynb").write_text(text)
    with Book(root, unit_of_course):
        pass
    config = Config()
    config.CourseDirectory.root = str(root)
    config.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}
    before = Path.cwd()
    os.chdir(root)
    try:
        api = NbGraderAPI(CourseDirectory(config=config), config=config)
        done = api.autograde(SLUG, "mixed", force=True)
    finally:
        os.chdir(before)
    assert done["success"], done
    return root


@pytest.fixture(scope="module")
def unit_of_course(course: Path) -> Unit:
    from autograder.authoring.unit import read_unit

    return read_unit(course, SLUG)


def test_without_the_engine_the_marks_are_the_same_where_all_verdicts_of_a_check_agree(
    stock_marks: Path, unit_of_course: Unit, course: Path
) -> None:
    from autograder.engine.grade import Grader

    with Grader(unit_of_course, course, sandbox="B") as grader:
        result = grader.grade("mixed", stock_marks / "submitted" / "mixed" / SLUG)
    engine, agree = {}, set()
    for id, check in result.notebooks[0].checks.items():
        engine[id] = check.points
        if len({v.passed for v in check.verdicts}) == 1:
            agree.add(id)
    with Gradebook(gradebook_url(stock_marks)) as gradebook:
        (notebook,) = gradebook.find_submission(SLUG, "mixed").notebooks
        stock = {g.name: g.auto_score for g in notebook.grades}
    assert {id: stock[id] for id in agree} == {"check-scale_centered": 2, "check-test_scale": 0}
    assert {id: engine[id] for id in agree} == {id: stock[id] for id in agree}
    assert engine.keys() - agree == WHY_NOT_AS_STOCK.keys()
    assert (stock["check-scale"], engine["check-scale"]) == (3, 1.5)
    assert (stock["check-center"], engine["check-center"]) == (0, 2)


def test_no_solution_reaches_the_folders_that_students_get(course: Path, autograded: dict[str, Any]) -> None:
    assert (course / "submitted" / "mal" / SLUG / "mistakes.txt").exists()
    names = {p.name for f in ("autograded", "feedback") for p in (course / f).rglob("*") if p.is_file()}
    assert names <= {"tiny_numpy.ipynb", "tiny_numpy.html", "timestamp.txt"}


def test_a_mark_by_hand_of_a_cell_that_is_gone_stops_autograde_with_a_sentence(
    course: Path, api: Any, autograded: dict[str, Any]
) -> None:
    source = course / "solutions" / SLUG / "tiny_numpy.py"
    text = source.read_text()
    with Gradebook(gradebook_url(course)) as gradebook:
        gradebook.find_grade("question-why", "tiny_numpy", SLUG, "mal").manual_score = 1.5
        gradebook.db.commit()
    source.write_text(text[: text.index('# %% [markdown] question="why"')])
    done = api.autograde(SLUG, "mal", force=True)
    source.write_text(text)
    assert not done["success"]
    assert "The unit no longer has the cell question-why" in done["log"]
    assert score(course, "mal") == 11.5


def test_a_name_that_formgrader_would_show_as_code_is_refused_and_stays_out_of_the_gradebook(
    course: Path, api: Any
) -> None:
    folder = course / "submitted" / "<b>zed" / SLUG
    shutil.copytree(course / "submitted" / "ada" / SLUG, folder)
    told = api.autograde(SLUG, "<b>zed", force=True)
    assert not told["success"] and "calls this student =3Cb=3Ezed" in told["log"]
    with Gradebook(gradebook_url(course)) as gradebook:
        assert not [s.id for s in gradebook.students if "<" in s.id]
    shutil.rmtree(folder.parent)
