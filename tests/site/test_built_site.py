"""The built site stands alone: a reader's browser asks no other server for anything."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

SITE = Path(__file__).parents[2] / "_build" / "html"
LOADING_LINKS = {"stylesheet", "icon", "preload", "modulepreload", "preconnect", "dns-prefetch"}
SOURCES = {"script", "img", "iframe", "source", "video", "audio", "embed", "track", "input"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (SITE / "book/index.html").exists(), reason="the site is not built: make"),
]


class Page(HTMLParser):
    """Collects what a browser loads by itself, where links lead, and the ids that links may lead to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag in SOURCES:
            self.loaded += [values[name] for name in ("src", "poster") if values.get(name)]
            self.loaded += [part.split()[0] for part in values.get("srcset", "").split(",") if part.strip()]
        if tag == "link" and LOADING_LINKS & set(values.get("rel", "").split()):
            self.loaded.append(values["href"])


def html_pages() -> dict[Path, Page]:
    return {path: Page(path.read_text()) for path in SITE.rglob("*.html") if "_static" not in path.parts}


def is_elsewhere(address: str) -> bool:
    return address.startswith("//") or urlsplit(address).scheme in {"http", "https"}


def test_pages_load_nothing_from_elsewhere() -> None:
    external = {
        str(path): address
        for path, page in html_pages().items()
        for address in page.loaded
        if is_elsewhere(address)
    }
    assert not external


def test_stylesheets_load_nothing_from_elsewhere() -> None:
    for sheet in SITE.rglob("*.css"):
        addresses = re.findall(r"(?:url\(|@import\s+)[\"']?([^\"')\s;]+)", sheet.read_text())
        assert not [address for address in addresses if is_elsewhere(address)], sheet


def test_inline_scripts_name_no_content_delivery_network() -> None:
    for path in html_pages():
        assert not re.search(r"unpkg\.com|jsdelivr|cdnjs|googleapis", path.read_text()), path


def test_what_pages_load_and_link_to_is_there() -> None:
    pages = html_pages()
    for path, page in pages.items():
        for address in page.loaded + page.links:
            parts = urlsplit(address)
            if parts.scheme or is_elsewhere(address):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.exists(), f"{path.name}: {address}"
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in pages[target].ids, f"{path.name}: {address}"


def test_mathjax_is_the_vendored_one() -> None:
    assert "_static/vendor/mathjax/tex-chtml.js" in (SITE / "book/02-batchnorm/index.html").read_text()
