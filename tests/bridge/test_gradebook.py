"""What stands in nbgrader's gradebook, read back through nbgrader's own API."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook
from nbgrader.dbutil import ALEMBIC_DIR
from sqlalchemy import text

from autograder.authoring.unit import Unit
from autograder.bridge.gradebook import LOOKED_UP, Book, ByHand
from autograder.bridge.register import BookError
from autograder.bridge.settings import gradebook_url
from tests.bridge.conftest import make_rejected, make_result
from tests.conftest import SLUG


@contextmanager
def stock(root: Path) -> Iterator[Any]:
    with Gradebook(gradebook_url(root)) as gradebook:
        yield gradebook


def grade(root: Path, cell: str, student: str = "ada") -> Any:
    with stock(root) as gradebook:
        return gradebook.find_grade(cell, "tiny_numpy", SLUG, student).to_dict()


def give_by_hand(root: Path, cell: str, mark: float, comment: str = "") -> None:
    with stock(root) as gradebook:
        found = gradebook.find_grade(cell, "tiny_numpy", SLUG, "ada")
        found.manual_score, found.needs_manual_grade = mark, False
        if comment:
            gradebook.find_comment(cell, "tiny_numpy", SLUG, "ada").manual_comment = comment
        gradebook.db.commit()


def changed(unit: Unit, **points: float) -> Unit:
    notebook = unit.notebooks[0]
    cells = [replace(c, points=points.get(c.name, c.points)) if c.points else c for c in notebook.cells]
    return replace(unit, notebooks=[replace(notebook, cells=cells)])


def without(unit: Unit, *ids: str) -> Unit:
    notebook = unit.notebooks[0]
    kept = [c for c in notebook.cells if c.id not in ids]
    return replace(unit, notebooks=[replace(notebook, cells=kept)])


def test_the_total_is_that_of_the_result(unit: Unit, home: Path) -> None:
    result = make_result(unit)
    with Book(home, unit) as book:
        book.write(result)
    with stock(home) as gradebook:
        submission = gradebook.find_submission(SLUG, "ada")
        assert submission.score == result.points == 3 + 2 + 0 + 0
        assert submission.max_score == 3 + 4 + 2 + 1 + 2
        assert submission.needs_manual_grade


def test_partial_points_stand_at_their_cell(unit: Unit, home: Path) -> None:
    with Book(home, unit) as book:
        book.write(make_result(unit))
    center = grade(home, "check-center")
    assert (center["auto_score"], center["max_score"], center["needs_manual_grade"]) == (2.0, 4.0, False)


def test_an_answer_in_words_waits_for_a_person_and_an_untouched_one_earns_nothing(
    unit: Unit, home: Path
) -> None:
    released = next(c.source for c in unit.notebooks[0].of_kind("question"))
    with Book(home, unit) as book:
        book.write(make_result(unit, "ada"))
        book.write(make_result(unit, "eve", answers={"why": released + "\n"}))
    answered, untouched = grade(home, "question-why"), grade(home, "question-why", "eve")
    assert (answered["auto_score"], answered["needs_manual_grade"]) == (None, True)
    assert (untouched["auto_score"], untouched["needs_manual_grade"]) == (0.0, False)
    with stock(home) as gradebook:
        assert gradebook.find_comment("question-why", "tiny_numpy", SLUG, "eve").comment == "No response."
        assert gradebook.find_comment("center", "tiny_numpy", SLUG, "ada").comment is not None
        assert gradebook.find_comment("scale", "tiny_numpy", SLUG, "ada").comment is None


def test_marks_and_comments_by_hand_survive_a_regrade(unit: Unit, home: Path) -> None:
    with Book(home, unit) as book:
        book.write(make_result(unit))
    give_by_hand(home, "question-why", 1.5, "Well put.")
    give_by_hand(home, "check-center", 4)
    with Book(home, unit) as book:
        book.write(make_result(unit))
    with stock(home) as gradebook:
        assert gradebook.find_submission(SLUG, "ada").score == 3 + 4 + 1.5
        assert gradebook.find_comment("question-why", "tiny_numpy", SLUG, "ada").comment == "Well put."
    assert grade(home, "check-center")["auto_score"] == 2.0


def test_what_persons_gave_can_be_read_back_for_feedback(unit: Unit, home: Path) -> None:
    with Book(home, unit) as book:
        book.write(make_result(unit))
        book.write(make_result(unit, "eve"))
    give_by_hand(home, "question-why", 1.5, "Well put.")
    give_by_hand(home, "check-center", 4)
    with Book(home, unit) as book:
        given = {"question-why": ByHand(1.5, "Well put."), "check-center": ByHand(4.0)}
        assert book.by_hand("ada") == {"tiny_numpy": given}
        assert book.by_hand("eve") == {"tiny_numpy": {}}


def test_a_rejected_submission_is_recorded_with_zeros(unit: Unit, home: Path) -> None:
    with Book(home, unit) as book:
        book.write(make_rejected(unit))
    with stock(home) as gradebook:
        submission = gradebook.find_submission(SLUG, "bob")
        assert submission.score == 0
        assert not submission.needs_manual_grade
        assert [g.auto_score for g in submission.notebooks[0].grades] == [0.0] * 5


def test_grading_again_replaces_and_never_doubles(unit: Unit, home: Path) -> None:
    for _ in range(2):
        with Book(home, unit) as book:
            book.write(make_rejected(unit, "ada"))
            book.write(make_result(unit))
    with stock(home) as gradebook:
        (submission,) = gradebook.assignment_submissions(SLUG)
        (notebook,) = submission.notebooks
        assert len(notebook.grades) == 5
        assert submission.score == 5


def test_the_release_is_registered_as_nbgrader_itself_would(unit: Unit, home: Path, tmp_path: Path) -> None:
    """The oracle is nbgrader's SaveCells, run on the released notebook."""
    from nbformat import reads
    from nbgrader.preprocessors import SaveCells

    from autograder.authoring.release import notebook_json

    with stock(home) as gradebook:
        gradebook.add_assignment(SLUG)
    text = notebook_json(unit.notebooks[0], solution=False)
    names = {"notebook": "tiny_numpy", "assignment": SLUG, "db_url": gradebook_url(home)}
    SaveCells().preprocess(reads(text, as_version=4), {"nbgrader": names})
    ours = tmp_path / "ours"
    with Book(ours, unit):
        pass
    assert _registered(ours) == _registered(home)


def _registered(root: Path) -> list[dict[str, Any]]:
    with stock(root) as gradebook:
        notebook = gradebook.find_notebook("tiny_numpy", SLUG)
        cells = [*notebook.grade_cells, *notebook.solution_cells, *notebook.source_cells]
        rows = [{**c.to_dict(), "kind": type(c).__name__} for c in cells]
        rows.append({"kernelspec": json.loads(notebook.kernelspec), "max": notebook.max_score})
    return sorted(({k: v for k, v in r.items() if k != "id"} for r in rows), key=str)


def test_changed_points_reach_old_submissions(unit: Unit, home: Path) -> None:
    with Book(home, unit) as book:
        book.write(make_result(unit))
    with Book(home, changed(unit, center=10)):
        pass
    assert grade(home, "check-center")["max_score"] == 10


def test_a_cell_that_came_later_is_added_to_old_submissions(unit: Unit, home: Path) -> None:
    early = without(unit, "check-scale", "question-why")
    with Book(home, early) as book:
        book.write(make_result(early))
    with Book(home, unit) as book:
        book.write(make_result(unit))
    assert grade(home, "check-scale")["auto_score"] == 3


def test_a_cell_that_is_gone_no_longer_counts(unit: Unit, home: Path) -> None:
    with Book(home, unit) as book:
        book.write(make_result(unit))
    with Book(home, without(unit, "check-scale")):
        pass
    with stock(home) as gradebook:
        submission = gradebook.find_submission(SLUG, "ada")
        assert (submission.score, submission.max_score) == (2, 9)


def test_marks_by_hand_are_not_removed_with_their_cell(unit: Unit, home: Path) -> None:
    with Book(home, unit) as book:
        book.write(make_result(unit))
    give_by_hand(home, "question-why", 2)
    with pytest.raises(BookError, match="question-why"):
        Book(home, without(unit, "question-why"))
    assert grade(home, "question-why")["manual_score"] == 2


def test_an_emptied_comment_does_not_keep_its_cell(unit: Unit, home: Path) -> None:
    """Formgrader stores "" where a comment was taken back."""
    with Book(home, unit) as book:
        book.write(make_result(unit))
    with stock(home) as gradebook:
        gradebook.find_comment("question-why", "tiny_numpy", SLUG, "ada").manual_comment = ""
        gradebook.db.commit()
    with Book(home, without(unit, "question-why")):
        pass
    with stock(home) as gradebook:
        assert gradebook.find_submission(SLUG, "ada").max_score == 10


def test_a_mark_by_hand_stays_and_is_looked_at_again_when_the_points_of_its_check_changed(
    unit: Unit, home: Path
) -> None:
    with Book(home, unit) as book:
        book.write(make_result(unit))
    give_by_hand(home, "check-center", 4)
    fewer = changed(unit, center=2)
    with Book(home, fewer) as book:
        book.write(make_result(fewer))
    center = grade(home, "check-center")
    assert (center["manual_score"], center["max_score"], center["needs_manual_grade"]) == (4, 2, True)


def test_extra_credit_survives_a_regrade(unit: Unit, home: Path) -> None:
    with Book(home, unit) as book:
        book.write(make_result(unit))
    with stock(home) as gradebook:
        gradebook.find_grade("check-scale", "tiny_numpy", SLUG, "ada").extra_credit = 0.5
        gradebook.db.commit()
    with Book(home, unit) as book:
        book.write(make_result(unit))
        assert book.by_hand("ada")["tiny_numpy"]["check-scale"].mark == 3.5
    with pytest.raises(BookError, match="check-scale"):
        Book(home, without(unit, "check-scale"))
    with stock(home) as gradebook:
        assert gradebook.find_submission(SLUG, "ada").score == 5.5


def test_a_notebook_that_is_gone_is_removed(unit: Unit, home: Path) -> None:
    second = replace(unit.notebooks[0], name="other")
    with Book(home, replace(unit, notebooks=[*unit.notebooks, second])) as book:
        book.write(make_result(unit))
    with Book(home, unit):
        pass
    with stock(home) as gradebook:
        assert gradebook.find_assignment(SLUG).max_score == 12
        assert [n.name for n in gradebook.find_submission(SLUG, "ada").notebooks] == ["tiny_numpy"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01 12:00:00.000000 UTC", datetime(2026, 3, 1, 12)),
        ("2026-03-01T13:00:00+01:00", datetime(2026, 3, 1, 12)),
        ("2026-03-01 13:00:00 +0100", datetime(2026, 3, 1, 12)),
        ("2026-03-01 13:00:00 Europe/Berlin", datetime(2026, 3, 1, 12)),
        ("yesterday", None),
        ("9" * 90, None),
        ("x" * 10**6, None),
    ],
)
def test_the_time_of_handing_in(unit: Unit, home: Path, text: str, expected: datetime | None) -> None:
    (home / "timestamp.txt").write_text(text)
    with Book(home, unit) as book:
        book.write(make_result(unit), home)
    with stock(home) as gradebook:
        assert gradebook.find_submission(SLUG, "ada").timestamp == expected


def test_no_look_up_reads_the_marks_of_the_whole_class(unit: Unit, home: Path) -> None:
    with Book(home, unit) as book:
        book.write(make_result(unit))
    with stock(home) as gradebook:
        for table, column in LOOKED_UP.items():
            rows = f"EXPLAIN QUERY PLAN SELECT id FROM {table} WHERE {column} = 'x'"
            (plan,) = gradebook.db.execute(text(rows)).all()
            assert plan.detail.startswith(f"SEARCH {table} USING ")


def test_a_failed_write_leaves_nothing_behind(unit: Unit, home: Path) -> None:
    broken = make_result(unit)
    broken.notebooks[0].steps = None  # type: ignore[assignment]
    with Book(home, unit) as book:
        with pytest.raises(TypeError):
            book.write(broken)
        book.write(make_result(unit, "eve"))
    with stock(home) as gradebook:
        assert [s.student.id for s in gradebook.assignment_submissions(SLUG)] == ["eve"]


def test_a_gradebook_is_made_where_the_environment_is_not_activated(
    unit: Unit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with Book(tmp_path, unit):
        pass
    with stock(tmp_path) as gradebook:
        version = gradebook.db.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    revisions = [p.read_text() for p in (Path(ALEMBIC_DIR) / "versions").glob("*.py")]
    known = {re.search(r"^revision = '(\w+)'", r, re.M)[1] for r in revisions}  # type: ignore[index]
    replaced = {re.search(r"^down_revision = (.+)$", r, re.M)[1].strip("'") for r in revisions}  # type: ignore[index]
    assert known - replaced == {version}
