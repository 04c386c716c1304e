"""The house style as a reader meets it: the length of a line, phones, paper, the keyboard, no script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

CHAPTER = "book/02-batchnorm/index.html"
OpenPage = Callable[..., Any]

# Characters of each full line of the page's paragraphs: a line ends where the next letter stands lower.
LINES = """() => [...document.querySelectorAll("article > section > section > p")].flatMap(p => {
  const lines = [], range = document.createRange();
  if (p.querySelector("mjx-container, code")) return [];
  const walker = document.createTreeWalker(p, NodeFilter.SHOW_TEXT);
  let top = null;
  while (walker.nextNode()) for (let i = 0; i < walker.currentNode.length; i++) {
    range.setStart(walker.currentNode, i); range.setEnd(walker.currentNode, i + 1);
    const box = range.getBoundingClientRect();
    if (!box.width) continue;
    if (top === null || box.top > top + 10) { lines.push(0); top = box.top; }
    lines[lines.length - 1]++;
  }
  return lines.slice(0, -1);
})"""


def typeset(page: Page) -> Page:
    page.wait_for_function("window.MathJax?.startup?.promise?.then(() => true)")
    return page


@pytest.fixture
def phone(open_page: OpenPage) -> Iterator[Page]:
    with open_page(CHAPTER, viewport={"width": 390, "height": 844}, has_touch=True) as page:
        yield typeset(page)


@pytest.fixture
def paper(open_page: OpenPage) -> Iterator[Page]:
    with open_page(CHAPTER, viewport={"width": 700, "height": 990}) as page:
        page.emulate_media(media="print")
        yield typeset(page)


@pytest.mark.parametrize("width", [1280, 1920])
def test_a_line_of_text_holds_about_70_characters_however_wide_the_window(
    open_page: OpenPage, width: int
) -> None:
    with open_page(CHAPTER, viewport={"width": width, "height": 900}) as page:
        lines = sorted(typeset(page).evaluate(LINES))
    assert len(lines) > 50
    assert 60 <= lines[len(lines) // 2] <= 76
    assert lines[-1] <= 90


def test_the_fonts_of_text_are_the_readers_own(open_page: OpenPage) -> None:
    with open_page(CHAPTER) as page:
        typeset(page).wait_for_load_state("networkidle")
        fonts = page.evaluate(
            "performance.getEntriesByType('resource').map(e => e.name).filter(n => /woff|ttf|otf/.test(n))"
        )
    assert [f for f in fonts if "/vendor/mathjax/" not in f] == []


# Of each formula, code block and table: the box that scrolls it, its right edge, and by how much it scrolls.
SCROLLING = """() => [...document.querySelectorAll("article div.math mjx-math, article pre, article table")]
  .filter(e => e.getClientRects().length).map(e => {
    let box = e;
    while (box && !["auto", "scroll"].includes(getComputedStyle(box).overflowX)) box = box.parentElement;
    const right = box ? box.getBoundingClientRect().right : Infinity;
    return [e.tagName, right, box ? box.scrollWidth - box.clientWidth : 0];
  })"""


def test_on_a_phone_wide_formulas_tables_and_code_scroll_in_their_own_box(phone: Page) -> None:
    boxes = phone.evaluate(SCROLLING)
    assert {"MJX-MATH", "PRE", "TABLE"} <= {tag for tag, _, _ in boxes}
    assert [tag for tag, right, _ in boxes if right > 390] == []
    assert any(beyond > 1 for _, _, beyond in boxes)
    assert phone.evaluate("document.scrollingElement.scrollWidth") <= 390


def test_the_number_of_an_equation_stays_in_sight_on_a_phone(phone: Page) -> None:
    rights = phone.evaluate(
        "[...document.querySelectorAll('article .eqno')].map(e => e.getBoundingClientRect().right)"
    )
    assert len(rights) > 30
    assert max(rights) <= 390


def test_links_between_equations_and_code_and_ways_to_open_are_large_enough_to_touch(phone: Page) -> None:
    sizes = phone.evaluate(
        """[...document.querySelectorAll(".equation-code a, .exercise-equations a, .exercise-ways a")]
          .map(e => e.getBoundingClientRect()).map(r => [r.width, r.height])"""
    )
    assert len(sizes) > 50
    assert min(min(size) for size in sizes) >= 24


def test_a_link_that_the_keyboard_reaches_has_an_outline(open_page: OpenPage) -> None:
    with open_page(CHAPTER) as page:
        link = page.locator(".exercise-ways a").first
        link.focus()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Tab")
        assert link.evaluate("e => document.activeElement === e")
        outline = link.evaluate("e => [getComputedStyle(e).outlineStyle, getComputedStyle(e).outlineWidth]")
    assert outline == ["solid", "3px"]


def test_without_scripts_recall_opens_and_the_page_says_why_formulas_are_tex(open_page: OpenPage) -> None:
    with open_page(CHAPTER, java_script_enabled=False) as page:
        assert page.locator("article h1 + noscript p").is_visible()
        assert page.locator("html").get_attribute("data-theme") == "light"
        question = page.locator(".recall details").first
        answer = question.locator(".sd-summary-content")
        assert not answer.is_visible()
        question.locator("summary").click()
        assert answer.is_visible()


def test_paper_shows_the_text_alone_in_black_on_white(paper: Page) -> None:
    for around in (".bd-sidebar-primary", ".bd-sidebar-secondary", ".bd-header-article", ".prev-next-area"):
        assert not paper.locator(around).first.is_visible(), around
    assert paper.locator("article h1").is_visible()
    colours = paper.locator("article p").first.evaluate(
        "e => [getComputedStyle(e).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert colours == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]


def test_a_dark_reader_prints_on_white_too(open_page: OpenPage) -> None:
    with open_page(CHAPTER, color_scheme="dark") as page:
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.locator("article p").first.evaluate("e => getComputedStyle(e).color") == "rgb(0, 0, 0)"


def test_paper_shows_the_answers_of_recall_and_the_list_of_exercises(paper: Page) -> None:
    answers = paper.locator(".recall .sd-summary-content")
    heights = answers.evaluate_all("all => all.map(e => e.getBoundingClientRect().height)")
    assert heights
    assert min(heights) > 10
    assert paper.locator(".exercise-list > li").first.is_visible()
    assert not paper.locator(".exercise-ways").first.is_visible()


def test_paper_keeps_figures_formulas_and_code_in_one_piece(paper: Page) -> None:
    for block in ("figure", "div.math", "pre", ".exercise-list > li"):
        breaks = paper.locator(f"article {block}").evaluate_all(
            "all => all.map(e => getComputedStyle(e).breakInside)"
        )
        assert set(breaks) == {"avoid"}, block


def test_paper_cuts_no_code_off(paper: Page) -> None:
    wraps = paper.locator("article pre").evaluate_all("all => all.map(e => getComputedStyle(e).whiteSpace)")
    assert set(wraps) <= {"pre-wrap", "break-spaces"}
