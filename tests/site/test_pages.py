"""What the theme gives to every page: search, light and dark; and numbers that read as numbers."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from .conftest import settle

pytestmark = [pytest.mark.slow, pytest.mark.browser]


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
