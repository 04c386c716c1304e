"""Every page in Chromium, light as wide as a desk and dark as wide as a phone.

It shows, it fits, everybody can use it, it is light to load, and it asks nobody else. A page is opened once
in each way, and all that the tests ask is noted then: opening pages is what takes the time.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from . import axe
from .conftest import SITE, pages, settle

pytestmark = [pytest.mark.slow, pytest.mark.browser]

BUDGET = 800_000  # bytes of a chapter, gzipped, before its reader runs anything: issue 3
SQUEEZED = {".png", ".jpg", ".jpeg", ".webp", ".woff", ".woff2", ".ico"}  # not compressed again on the wire

TOO_WIDE = """() => {
  const wide = document.documentElement.clientWidth + 1;
  if (document.documentElement.scrollWidth <= wide) return [];
  return [...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > wide)
    .slice(0, 5).map((e) => `${e.outerHTML.slice(0, 120)}`);
}"""


@dataclass
class Visit:
    """What one page was like."""

    scheme: str | None
    problems: list[str]
    external: list[str]
    errors_in_formulas: int
    too_wide: list[str]
    inaccessible: list[str]
    loaded: set[str]  # files of the site


Visits = dict[str, Visit]


@pytest.fixture(scope="module", params=[("light", 1280), ("dark", 390)], ids=lambda way: f"{way[0]}-{way[1]}")
def way(request: pytest.FixtureRequest) -> tuple[str, int]:
    return request.param


@pytest.fixture(scope="module")
def visits(open_shared_page: Callable[..., Page], way: tuple[str, int]) -> Visits:
    scheme, width = way
    tool, rules = axe.source(), axe.OF_THE_LOOK if scheme == "dark" else None  # the other look is asked all
    found = {}
    for address in pages():
        with open_shared_page(address, color_scheme=scheme, viewport={"width": width, "height": 900}) as page:
            settle(page)
            found[address] = visit(page, tool, rules)
    return found


def visit(page: Page, tool: str, rules: list[str] | None) -> Visit:
    loaded = page.evaluate(
        "() => [location.href, ...performance.getEntriesByType('resource').map((e) => e.name)]"
    )
    return Visit(
        page.locator("html").get_attribute("data-theme"),
        page.problems,  # type: ignore[attr-defined]
        page.external,  # type: ignore[attr-defined]
        page.locator("mjx-merror").count(),
        page.evaluate(TOO_WIDE),
        axe.violations(page, tool, rules),
        {urlsplit(address).path.lstrip("/") for address in loaded},
    )


def lines(visits: Visits, what: Callable[[Visit], list[str]]) -> Iterator[str]:
    return (f"{address}: {line}" for address, seen in visits.items() for line in what(seen))


def test_it_shows_without_an_error(visits: Visits) -> None:
    assert list(lines(visits, lambda seen: seen.problems)) == []
    assert {address for address, seen in visits.items() if seen.errors_in_formulas} == set()


def test_it_asks_no_other_server(visits: Visits) -> None:
    assert list(lines(visits, lambda seen: seen.external)) == []


def test_it_does_not_scroll_sideways(visits: Visits) -> None:
    assert list(lines(visits, lambda seen: seen.too_wide)) == []


def test_it_has_no_fault_that_axe_knows(visits: Visits, way: tuple[str, int]) -> None:
    assert {seen.scheme for seen in visits.values()} == {way[0]}
    faults = list(lines(visits, lambda seen: seen.inaccessible))
    assert not faults, "\n".join(faults)


def weight(file: str) -> int:
    """Bytes on the wire, compressed as a server would."""
    path = SITE / file
    return path.stat().st_size if path.suffix in SQUEEZED else len(gzip.compress(path.read_bytes(), 9))


def test_a_chapter_weighs_less_than_its_budget_before_anything_is_run(visits: Visits) -> None:
    chapters = [address for address in visits if re.fullmatch(r"book/\d\d-[\w-]+/index\.html", address)]
    assert chapters
    for chapter in chapters:
        weights = {file: weight(file) for file in visits[chapter].loaded}
        assert "_static/vendor/mathjax/tex-chtml.js" in weights
        heaviest = sorted(((size, name) for name, size in weights.items()), reverse=True)[:12]
        assert sum(weights.values()) < BUDGET, f"{chapter}: {sum(weights.values())} bytes; {heaviest}"


def test_it_loads_no_icon_script_and_no_search_index(visits: Visits) -> None:
    loaded = visits["book/notation.html"].loaded
    assert "_static/scripts/fontawesome.js" not in loaded
    assert "searchindex.js" not in loaded
