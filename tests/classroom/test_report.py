"""The instructor's page: what it says, that it is one file, and that nothing in it can run."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.authoring.unit import Unit
from autograder.bridge.gradebook import Book
from autograder.classroom.marks import Class, Marks, graded_cells, read_marks
from autograder.classroom.records import write_record
from autograder.classroom.report import bars, report_page, write_report
from autograder.classroom.similar import Pair
from autograder.engine.grade import SubmissionResult
from tests.bridge.conftest import make_rejected, make_result
from tests.bridge.pages import Page
from tests.conftest import SLUG

BAD = "<script>alert(1)</script><img src=x onerror=alert(1)>"


def unexplained(unit: Unit, student: str, digest: str) -> SubmissionResult:
    """A result whose second probe of `center` fails in a way that nobody knows."""
    result = make_result(unit, student)
    check = result.notebooks[0].checks["check-center"]
    check.verdicts[1] = replace(check.verdicts[1], status="wrong", message="the values are off")
    check.digests = {"returns_the_mean": digest}
    return result


def html(unit: Unit, results: list[SubmissionResult], alike: list[Pair] | None = None) -> str:
    cells = dict.fromkeys(graded_cells(unit), 3.0)
    marks = [Marks(r.student, handed_in=True, cells=dict.fromkeys(cells, 1.0)) for r in results]
    return report_page(unit, [r.record() for r in results], Class(marks, cells), alike or [], "../feedback")


def text(unit: Unit, results: list[SubmissionResult], alike: list[Pair] | None = None) -> str:
    return words(html(unit, results, alike))


def words(page: str) -> str:
    """What the page says, with one space between its parts."""
    body = page.partition("<body>")[2].replace("<wbr>", "")
    return re.sub(r"\s+", " ", Page(body.replace("<", " <").replace(">", "> ")).text)


def dangers(page: Page) -> list[str]:
    """Its own figures are SVG, without anything that could run or load in them."""
    return [d for d in page.dangers if d != "<svg>"]


def test_it_says_how_hard_each_exercise_is_and_warns_of_few_students(unit: Unit) -> None:
    told = text(unit, [make_rejected(unit, "eve"), *(make_result(unit, s) for s in ("ada", "bob", "kim"))])
    assert "scale tiny_numpy 3 3 3 100 %" in told
    assert "all passed" in told and "nobody passed" in told
    assert "Only 3 students: too few for a discrimination." in told


def test_a_class_of_ten_is_told_the_margin(unit: Unit) -> None:
    told = text(unit, [make_result(unit, f"s{i}") for i in range(10)])
    assert "Only 10 students: a discrimination within about ±0.63 of 0 may be chance." in told


def test_a_class_of_thirty_is_not_warned(unit: Unit) -> None:
    assert "Only" not in text(unit, [make_result(unit, f"s{i}") for i in range(30)])


def test_mistakes_have_their_sentence_and_their_students(unit: Unit) -> None:
    told = text(unit, [make_result(unit, "ada"), make_result(unit, "bob")])
    assert "2 The mean is over the batch, axis 0. wrong-axis in center : ada , bob" in told


def test_equal_unexplained_failures_are_put_together(unit: Unit) -> None:
    results = [unexplained(unit, s, d) for s, d in (("ada", "d1"), ("bob", "d1"), ("eve", "d2"))]
    told = text(unit, results)
    assert "2 center returns the mean “the values are off” ada , bob" in told
    assert "1 that only one student has" in told and "eve , center : returns the mean" in told
    assert "d1" not in told


def test_pairs_are_shown_as_a_hint_with_the_way_to_the_answers(unit: Unit) -> None:
    page = html(unit, [make_result(unit, "ada")], [Pair(("ada", "zoë k"), ["center"], 17.32)])
    assert "A hint, never a verdict" in page and "17.3" in page
    hrefs = [a["href"] for t, a in Page(page).tags if t == "a"]
    assert f"../feedback/ada/{SLUG}/tiny_numpy.html#check-center" in hrefs
    assert f"../feedback/zo%C3%AB%20k/{SLUG}/tiny_numpy.html#check-center" in hrefs


def test_what_could_not_be_graded_is_there_with_its_reason(unit: Unit) -> None:
    told = text(unit, [make_result(unit, "ada"), make_rejected(unit, "bob", "tiny_numpy.ipynb is missing.")])
    assert "bob not graded tiny_numpy.ipynb is missing." in told and "1 could not be graded" in told


def test_a_class_that_attempted_nothing_has_a_page(unit: Unit) -> None:
    told = text(unit, [make_rejected(unit, "bob")])
    assert "Nobody attempted anything." in told and "No pair stands out." in told


def test_nothing_that_a_student_wrote_can_run(unit: Unit) -> None:
    result = unexplained(unit, f"ada{BAD}", "d1")
    notebook = result.notebooks[0]
    notebook.notes.append(BAD)
    notebook.flags.append(BAD)
    check = notebook.checks["check-center"]
    check.verdicts[1].message = BAD
    check.said[0] = replace(check.said[0], says=f"`{BAD}`")
    bad = [
        replace(result, reason=BAD),
        replace(unexplained(unit, "javascript:alert(1)//", "d1"), sandbox=BAD),
    ]
    bad[1].notebooks[0].checks["check-center"].verdicts[1].message = BAD
    seen = Page(html(unit, bad, [Pair((f"ada{BAD}", "javascript:alert(1)//"), ["center"], 20.0)]))
    assert dangers(seen) == []
    assert seen.text.count("alert(1)") > 10


def test_the_page_is_one_file_whose_policy_allows_its_own_style_alone(unit: Unit) -> None:
    page = html(unit, [make_result(unit)])
    (style,) = re.findall("<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        in page
    )
    seen = Page(page)
    assert not [t for t, a in seen.tags if t in ("script", "link") or "style" in a]
    assert dangers(seen) == [] and "url(" not in style


@pytest.mark.parametrize(("marks", "counts"), [([0.0, 0.9, 1.0, 10.0], [2, 1, 0, 0, 0, 0, 0, 0, 0, 1])])
def test_bars_have_bounds_in_points(marks: list[float], counts: list[int]) -> None:
    found = bars(marks, 10.0)
    assert [b.students for b in found] == counts
    assert (found[0].low, found[0].high, found[-1].high) == (0.0, 1.0, 10.0)


def test_the_report_is_written_from_what_grading_left(unit: Unit, built_course: Path, home: Path) -> None:
    results = [make_result(unit, "ada"), make_rejected(unit, "bob")]
    with Book(home, unit) as book:
        for result in results:
            book.write(result)
            write_record(result, home)
    path = write_report(built_course, SLUG, home, home / "reports" / "tiny.html")
    told = words(path.read_text(encoding="utf-8"))
    middle = sum(m.mark for m in read_marks(home, SLUG, []).handed_in) / 2
    assert f"{middle:g} median of 12 points" in told
    assert "1 of them hold answers that a person still has to read" in told
