"""The feedback page and the class report as Chromium shows them: on a phone, on paper, light and dark."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from autograder.authoring.unit import Unit
from autograder.bridge.feedback import feedback_page
from autograder.classroom.marks import Class, Marks, graded_cells
from autograder.classroom.report import report_page
from autograder.classroom.similar import Pair
from tests.bridge.conftest import make_result

pytestmark = pytest.mark.browser

LONG = "x" * 300
INJECTED = """() => {
  const style = document.createElement("style");
  style.textContent = "body { color: rgb(1, 2, 3) }";
  document.head.append(style);
  document.body.setAttribute("style", "color: rgb(1, 2, 3)");
  return getComputedStyle(document.body).color;
}"""
CONTRAST = """() => {
  const parts = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const linear = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const light = (text) => {
    const [r, g, b] = parts(text).map((c) => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = light(getComputedStyle(document.body).backgroundColor);
  const texts = document.querySelectorAll("body, .soft, .warn, .bad, td, th, summary");
  const ratios = [...texts].map((element) => {
    const ink = light(getComputedStyle(element).color);
    return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
  });
  return Math.min(...ratios);
}"""


@pytest.fixture
def pages(unit: Unit, tmp_path: Path) -> dict[str, Path]:
    """Both pages of a student who writes long lines, as files."""
    output = {"output_type": "stream", "name": "stdout", "text": LONG}
    answers = {"scale": f"def scale(x, a):\n    return x * a  # {LONG}\n", "why": LONG}
    result = make_result(unit, f"ada-{LONG[:60]}", answers=answers, outputs={"scale": [output]})
    cells = dict.fromkeys(graded_cells(unit), 3.0)
    marks = [Marks(result.student, handed_in=True, cells=dict.fromkeys(cells, 1.0))]
    alike = [Pair((result.student, LONG[:80]), ["scale", "center"], 20.0)]
    texts = {
        "feedback": feedback_page(result, unit, result.notebooks[0], {}),
        "report": report_page(unit, [result.record()], Class(marks, cells), alike, "../feedback"),
    }
    paths = {name: tmp_path / f"{name}.html" for name in texts}
    for name, text in texts.items():
        paths[name].write_text(text, encoding="utf-8")
    return paths


@pytest.fixture
def show(chromium: Browser, pages: dict[str, Path]) -> Iterator[Any]:
    """Open a page by name; it may ask for nothing but itself."""
    contexts = []
    asked: list[str] = []

    def open_page(name: str, **options: Any) -> Page:
        context = chromium.new_context(**{"viewport": {"width": 390, "height": 800}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(pages[name].as_uri())
        return page

    yield open_page
    assert {url.partition("#")[0] for url in asked} <= {path.as_uri() for path in pages.values()}
    for context in contexts:
        context.close()


BOTH = pytest.mark.parametrize("name", ["feedback", "report"])


@BOTH
def test_on_a_phone_nothing_is_wider_than_the_screen(show: Any, name: str) -> None:
    page = show(name)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 16


@BOTH
def test_the_pages_own_style_is_applied_and_no_other(show: Any, name: str) -> None:
    page = show(name)
    assert page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") != "none"
    assert page.evaluate(INJECTED) != "rgb(1, 2, 3)"


@BOTH
def test_a_script_that_slipped_in_would_not_run(show: Any, pages: dict[str, Path], name: str) -> None:
    text = pages[name].read_text(encoding="utf-8")
    slipped = "<script>document.title = 'ran'</script><img src='data:,' onerror='document.title = \"ran\"'>"
    pages[name].write_text(text.replace("<main>", f"<main>{slipped}", 1), encoding="utf-8")
    assert show(name).title() != "ran"


@BOTH
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_the_ground(show: Any, name: str, scheme: str) -> None:
    """The contrast that WCAG 2 asks of text, AA: 4.5."""
    assert show(name, color_scheme=scheme).evaluate(CONTRAST) >= 4.5


@BOTH
def test_on_paper_the_ground_is_white_and_everything_is_unfolded(show: Any, name: str) -> None:
    from pypdf import PdfReader

    page = show(name, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    reader = PdfReader(io.BytesIO(page.pdf(format="A4")))
    printed = "".join(sheet.extract_text() for sheet in reader.pages)
    folded = {"feedback": "return x * a", "report": "scales by zero"}  # in <details> that are closed
    assert page.locator("details:not([open])").count() >= 1
    assert folded[name].replace(" ", "") in printed.replace(" ", "").replace("\n", "")
