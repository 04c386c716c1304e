"""Feedback is written anew from what grading left: the same pages, with what persons gave since."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from nbgrader import api
from sqlalchemy import select, update

from autograder.authoring.unit import Unit
from autograder.bridge.autograded import write_autograded
from autograder.bridge.feedback import write_feedback
from autograder.bridge.gradebook import Book
from autograder.classroom.records import write_record
from autograder.classroom.returning import NotGraded, rewrite_feedback
from autograder.cli import main
from autograder.engine.grade import SubmissionResult
from tests.bridge.conftest import PNG, make_rejected, make_result
from tests.conftest import SLUG

OUTPUTS = {
    "center": [{"output_type": "stream", "name": "stdout", "text": "1 < 2 & \x1b[1mbold"}],
    "experiment-none": [{"output_type": "display_data", "metadata": {}, "data": {"image/png": PNG}}],
}


def graded(unit: Unit, home: Path) -> list[SubmissionResult]:
    """A class of three, as grading leaves it."""
    results = [
        make_result(unit, "ada", outputs=OUTPUTS, own="print('own')"),
        make_result(
            unit, "bob", answers={"why": "A picture.", "center": "def center(x):\n    return 1 < 2\n"}
        ),
        make_rejected(unit, "eve"),
    ]
    answer = next(s for s in results[1].notebooks[0].steps if s.kind == "question")
    answer.pictures = [("image/png", PNG), ("image/png", PNG)]
    known = {patch.mistake.id: patch.mistake for patch in unit.patches}
    for check in (c for r in results for n in r.notebooks for c in n.checks.values()):
        check.said = [known[mistake.id] for mistake in check.said]
    with Book(home, unit) as book:
        for result in results:
            book.write(result)
            write_autograded(result, unit, home)
            write_feedback(result, unit, home)
            write_record(result, home)
    return results


def pages(home: Path) -> dict[str, str]:
    return {
        p.relative_to(home).as_posix(): p.read_text(encoding="utf-8") for p in home.glob("feedback/*/*/*")
    }


def test_where_nobody_gave_anything_the_pages_are_the_same(
    built_course: Path, unit: Unit, home: Path
) -> None:
    graded(unit, home)
    before = pages(home)
    assert rewrite_feedback(built_course, SLUG, home) == ["ada", "bob", "eve"]
    assert pages(home) == before and len(before) == 3


def test_a_mark_and_a_comment_given_by_hand_come_into_the_page(
    built_course: Path, unit: Unit, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graded(unit, home)
    with Book(home, unit) as book:
        db = book._db()
        cell = db.scalar(select(api.GradeCell.id).where(api.GradeCell.name == "question-why"))
        db.execute(update(api.Grade).where(api.Grade.cell_id == cell).values(manual_score=1.5))
        said = db.scalar(select(api.SolutionCell.id).where(api.SolutionCell.name == "question-why"))
        db.execute(update(api.Comment).where(api.Comment.cell_id == said).values(manual_comment="Nearly."))
        db.commit()
    monkeypatch.chdir(built_course)
    done = CliRunner().invoke(main, ["feedback", SLUG, "--course", str(home)])
    assert done.exit_code == 0 and "3 students" in done.output
    page = pages(home)[f"feedback/ada/{SLUG}/tiny_numpy.html"]
    assert "Nearly." in page and "1.5" in page


def test_a_graded_notebook_that_is_gone_is_one_sentence(built_course: Path, unit: Unit, home: Path) -> None:
    graded(unit, home)
    (home / "autograded" / "bob" / SLUG / "tiny_numpy.ipynb").unlink()
    with pytest.raises(NotGraded, match="run `autograder grade 77-tiny`"):
        rewrite_feedback(built_course, SLUG, home)
