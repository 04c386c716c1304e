"""Every page in Chromium, as wide as a desk and as a phone: it shows, it fits, and it asks nobody else."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from .conftest import SITE, pages

pytestmark = [pytest.mark.slow, pytest.mark.browser]

BUDGET = 800_000  # bytes of a chapter, gzipped, before its reader runs anything: issue 3
SQUEEZED = {
    ".png",
    ".jpg",
    ".jpeg",
    ".webp",
    ".woff",
    ".woff2",
    ".ico",
}  # a server does not compress these again


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


def weights(page: Page) -> dict[str, int]:
    """Bytes on the wire of each file that the page has loaded, compressed as a server would."""
    settle(page)
    loaded = page.evaluate(
        "() => [location.href, ...performance.getEntriesByType('resource').map((e) => e.name)]"
    )
    files = {SITE / urlsplit(address).path.lstrip("/") for address in loaded}
    return {
        file.relative_to(SITE).as_posix(): file.stat().st_size
        if file.suffix in SQUEEZED
        else len(gzip.compress(file.read_bytes(), 9))
        for file in files
    }


def test_a_chapter_weighs_less_than_its_budget_before_anything_is_run(open_page: Callable[..., Page]) -> None:
    chapters = [address for address in pages() if re.fullmatch(r"book/\d\d-[\w-]+/index\.html", address)]
    assert chapters
    for chapter in chapters:
        with open_page(chapter, viewport={"width": 1280, "height": 900}) as page:
            loaded = weights(page)
        assert "_static/vendor/mathjax/tex-chtml.js" in loaded
        heaviest = sorted(((size, name) for name, size in loaded.items()), reverse=True)[:12]
        assert sum(loaded.values()) < BUDGET, f"{chapter}: {sum(loaded.values())} bytes; {heaviest}"


def test_a_page_loads_no_icon_script_and_no_search_index(open_page: Callable[..., Page]) -> None:
    with open_page("book/notation.html") as page:
        loaded = weights(page)
    assert "_static/scripts/fontawesome.js" not in loaded
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


def test_no_number_in_a_page_names_its_numpy_type(built_site: Path) -> None:
    """What a cell glues into a sentence is text or Python's own number: NumPy's reads np.int64(3)."""
    told = [
        path.name
        for path in built_site.glob("book/**/*.html")
        if re.search(r"np\.\w+\d+\(-?\d", path.read_text())
    ]
    assert told == []
