"""Every page in Chromium, as wide as a desk and as a phone: it shows, it fits, and it asks nobody else."""

import gzip
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Response

from .conftest import pages

pytestmark = [pytest.mark.slow, pytest.mark.browser]

BUDGET = 800_000  # bytes of a chapter, gzipped, before its reader runs anything: issue 3
SQUEEZED = re.compile(r"\.(png|jpe?g|webp|woff2?|ico)$")  # a server does not compress these again


def settle(page: Page) -> None:
    """Until everything has loaded and the formulas are set."""
    page.wait_for_load_state("networkidle")
    page.evaluate("() => window.MathJax?.startup?.promise")


@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_shows_without_an_error_and_asks_no_other_server(
    open_page: Callable[..., Page], width: int
) -> None:
    for address in pages():
        with open_page(address, viewport={"width": width, "height": 900}) as page:
            settle(page)
            assert not page.problems, address
            assert not page.external, address
            assert page.locator("mjx-merror").count() == 0, address


TOO_WIDE = """() => {
  const wide = document.documentElement.clientWidth + 1;
  if (document.documentElement.scrollWidth <= wide) return [];
  return [...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > wide)
    .slice(0, 5).map((e) => `${e.outerHTML.slice(0, 120)}`);
}"""


@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_scrolls_sideways(open_page: Callable[..., Page], width: int) -> None:
    for address in pages():
        with open_page(address, viewport={"width": width, "height": 900}) as page:
            settle(page)
            assert page.evaluate(TOO_WIDE) == [], address


def weights(page: Page, address: str) -> dict[str, int]:
    """Bytes on the wire of each file that a page loads, compressed as a server would."""
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(address)
    settle(page)
    return {
        answer.url: len(
            body if SQUEEZED.search(answer.url.split("?")[0]) else gzip.compress(body, 9, mtime=0)
        )
        for answer in answers
        if answer.ok and (body := answer.body())
    }


def test_a_chapter_weighs_less_than_its_budget_before_anything_is_run(
    open_page: Callable[..., Page], site: str
) -> None:
    chapters = [address for address in pages() if re.fullmatch(r"book/\d\d-[\w-]+/index\.html", address)]
    assert chapters
    for chapter in chapters:
        with open_page("robots.txt") as page:
            loaded = weights(page, f"{site}/{chapter}")
        heaviest = sorted(((size, url.removeprefix(site)) for url, size in loaded.items()), reverse=True)[:12]
        assert sum(loaded.values()) < BUDGET, f"{chapter}: {sum(loaded.values())} bytes; {heaviest}"


def test_a_page_loads_no_icon_font_and_no_search_index_before_they_are_needed(
    open_page: Callable[..., Page], site: str
) -> None:
    with open_page("robots.txt") as page:
        loaded = " ".join(weights(page, f"{site}/book/notation.html"))
    assert "fontawesome.js" not in loaded
    assert "searchindex.js" not in loaded


def test_the_search_dialog_opens_from_the_keyboard_and_leads_to_the_search(
    open_page: Callable[..., Page],
) -> None:
    with open_page("book/notation.html") as page:
        settle(page)
        page.keyboard.press("Control+k")
        page.keyboard.type("variance")
        page.keyboard.press("Enter")
        page.wait_for_url("**/search.html?q=variance")


def test_the_theme_switch_shows_an_icon_and_goes_round_the_modes(open_page: Callable[..., Page]) -> None:
    with open_page("book/notation.html", color_scheme="light") as page:
        settle(page)
        switch = page.locator("button.theme-switch-button").first
        seen = []
        for _ in range(3):
            assert switch.locator("svg:visible").count() == 1
            seen.append(page.locator("html").get_attribute("data-mode"))
            switch.click()
        assert sorted(filter(None, seen)) == ["auto", "dark", "light"]


def test_a_dark_page_is_dark_before_the_theme_s_scripts_have_come(open_page: Callable[..., Page]) -> None:
    with open_page("robots.txt", color_scheme="dark") as page:
        page.route("**/pydata-sphinx-theme.js*", lambda route: route.abort())
        page.goto(page.url.replace("robots.txt", "book/notation.html"))
        assert page.locator("html").get_attribute("data-theme") == "dark"
