"""The feedback page: all that helps the student, nothing that could run, no request."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from pathlib import Path

from autograder.authoring.unit import Unit
from autograder.bridge.feedback import feedback_page, write_feedback
from autograder.bridge.gradebook import ByHand
from autograder.engine.grade import SubmissionResult
from autograder.verdict import Mistake
from tests.bridge.conftest import PNG, make_rejected, make_result
from tests.bridge.pages import Page
from tests.bridge.test_markdown import ATTACKS

BAD = "<script>alert(1)</script><img src=x onerror=alert(1)>\x1b[31m"


def page(unit: Unit, result: SubmissionResult, by_hand: dict[str, ByHand] | None = None) -> Page:
    return Page(feedback_page(result, unit, result.notebooks[0], by_hand or {}))


def test_it_tells_the_marks_the_mistake_and_where_to_read(unit: Unit) -> None:
    text = page(unit, make_result(unit)).text
    for told in (
        "5 of 12 points",
        "2 of 4",
        "The mean is over the batch, axis 0.",
        "Look at x.shape.",
        "equation (3)",
        "the shape is (4, 1)",
        "return x * a",
        "sandbox level A",
        "graded by hand: 2 points",
        "Not attempted yet.",
    ):
        assert told in text


def test_a_rejected_submission_is_told_why(unit: Unit) -> None:
    text = page(unit, make_rejected(unit)).text
    assert "tiny_numpy.ipynb is missing." in text and "0 of 12 points" in text


def test_marks_and_comments_by_hand_are_shown_and_counted(unit: Unit) -> None:
    text = page(unit, make_result(unit), {"question-why": ByHand(1.5, "Well put.")}).text
    assert "6.5 of 12 points" in text and "Well put." in text and "graded by hand" not in text


def test_a_late_penalty_is_told_and_taken_off(unit: Unit) -> None:
    result = make_result(unit)
    text = Page(feedback_page(result, unit, result.notebooks[0], {}, 1.5)).text
    assert "3.5 of 12 points" in text and "handed in late" in text and "−1.5" in text
    assert "late" not in page(unit, result).text


def test_a_comment_on_a_solution_stands_at_its_exercise(unit: Unit) -> None:
    assert "Too long." in page(unit, make_result(unit), {"scale": ByHand(None, "Too long.")}).text


def test_nothing_that_a_student_wrote_can_run(unit: Unit) -> None:
    stream = {"output_type": "stream", "name": "stdout", "text": BAD}
    plain = {"output_type": "display_data", "metadata": {}, "data": {"text/plain": BAD}}
    result = make_result(
        unit,
        answers={"scale": f'def scale(x, a):\n    return "{BAD}"\n', "why": "\n\n".join(ATTACKS)},
        outputs={"scale": [stream, plain]},
        own=f"# {BAD}",
    )
    notebook = result.notebooks[0]
    notebook.notes.append(BAD)
    check = notebook.checks["check-center"]
    check.verdicts[0].message = BAD
    check.said[0] = replace(check.said[0], says=f"`{BAD}` {BAD}", hint=BAD, see=BAD)
    seen = page(unit, replace(result, student=f"ada{BAD}", reason=BAD))
    assert seen.dangers == []
    assert seen.text.count("alert(1)") > 10


def test_pictures_are_inside_the_page(unit: Unit) -> None:
    figure = {"output_type": "display_data", "metadata": {}, "data": {"image/png": PNG, "text/plain": "F"}}
    seen = page(unit, make_result(unit, outputs={"scale": [figure]}))
    assert [a["src"] for t, a in seen.tags if t == "img"] == [f"data:image/png;base64,{PNG}"]
    assert seen.dangers == []


def test_the_page_forbids_scripts_requests_and_forms(unit: Unit) -> None:
    """The policy names the page's one style by its digest: no other, not even an attribute, is applied."""
    html = feedback_page(make_result(unit), unit, make_result(unit).notebooks[0], {})
    (style,) = re.findall("<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    seen = Page(html)
    rules = [a["content"] for t, a in seen.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert rules == [
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    ]
    assert not [t for t, a in seen.tags if t in ("link", "script") or "style" in a]
    assert "@import" not in style and "url(" not in style


def test_backticks_of_a_sentence_become_code_and_nothing_else(unit: Unit) -> None:
    result = make_result(unit)
    said = result.notebooks[0].checks["check-center"].said
    said[0] = Mistake(said[0].id, "center", "Use `x.mean(axis=0)`, for 1 < 2.")
    html = feedback_page(result, unit, result.notebooks[0], {})
    assert "Use <code>x.mean(axis=0)</code>, for 1 &lt; 2." in html


def test_each_notebook_gets_its_file(unit: Unit, tmp_path: Path) -> None:
    write_feedback(make_result(unit), unit, tmp_path)
    assert (tmp_path / "feedback" / "ada" / unit.slug / "tiny_numpy.html").exists()


def test_a_picture_pasted_into_an_answer_is_shown(unit: Unit) -> None:
    result = make_result(unit, answers={"why": "As drawn."})
    (question,) = [s for s in result.notebooks[0].steps if s.kind == "question"]
    question.pictures = [("image/png", PNG)]
    found = page(unit, result)
    assert [a["src"] for tag, a in found.tags if tag == "img"] == [f"data:image/png;base64,{PNG}"]
    assert found.dangers == []
