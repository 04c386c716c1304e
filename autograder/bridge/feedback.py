"""One self-contained page of feedback for each notebook: marks, recognised mistakes, code and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from autograder.authoring.unit import Unit
from autograder.bridge.files import write_whole
from autograder.bridge.gradebook import ByHand
from autograder.bridge.html import render
from autograder.bridge.page import parts
from autograder.engine.grade import NotebookResult, SubmissionResult
from autograder.report import MARKS


def write_feedback(
    result: SubmissionResult,
    unit: Unit,
    root: Path,
    by_hand: Mapping[str, Mapping[str, ByHand]] | None = None,
    late: Mapping[str, float] | None = None,
) -> None:
    """Write the pages of one submission.

    by_hand: what a person gave, per notebook and cell; late: what lateness costs, in points per notebook."""
    folder = root / "feedback" / result.student / unit.slug
    for notebook in result.notebooks:
        given, penalty = (by_hand or {}).get(notebook.name, {}), (late or {}).get(notebook.name, 0.0)
        page = feedback_page(result, unit, notebook, given, penalty)
        write_whole(folder / f"{notebook.name}.html", page)


def feedback_page(
    result: SubmissionResult,
    unit: Unit,
    notebook: NotebookResult,
    by_hand: Mapping[str, ByHand],
    late: float = 0.0,
) -> str:
    """The whole page as one text."""
    found = parts(unit.notebook(notebook.name), notebook, by_hand)
    graded = [p for p in found if p.kind != "code"]
    points = sum(p.points or 0 for p in graded)
    return render(
        "bridge/feedback.html.j2",
        result=result,
        unit=unit,
        notebook=notebook,
        others=[n.name for n in result.notebooks if n is not notebook],
        parts=found,
        graded=graded,
        points=max(0.0, points - late),
        late=late,
        max_points=sum(p.max_points for p in graded),
        waiting=sum(p.max_points for p in graded if p.points is None),
        marks=MARKS,
        python=_python,
        colours=_colours(),
    )


@cache
def _formatter() -> HtmlFormatter[str]:
    return HtmlFormatter(nowrap=True, classprefix="c-")


def _python(source: str) -> Markup:
    """Highlighted Python; Pygments escapes what it shows."""
    return Markup(highlight(source, _lexer(), _formatter()))


@cache
def _lexer() -> PythonLexer:
    return PythonLexer(stripnl=False)


@cache
def _colours() -> Markup:
    """Pygments' colours, for a light and for a dark screen."""
    light = HtmlFormatter(style="friendly", classprefix="c-").get_style_defs(".code")
    dark = HtmlFormatter(style="github-dark", classprefix="c-").get_style_defs(".code")
    return Markup(f"{_tokens(light)}\n@media screen and (prefers-color-scheme: dark) {{\n{_tokens(dark)}\n}}")


def _tokens(css: str) -> str:
    """The rules for tokens alone: the ground is the page's own."""
    return "\n".join(line for line in css.splitlines() if line.startswith(".code .c-"))
