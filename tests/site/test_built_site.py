"""The built site stands alone and hangs together: no foreign file, no broken link inside it."""

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from .conftest import ROOT, SITE, pages

LOADING_LINKS = {"stylesheet", "icon", "preload", "modulepreload", "preconnect", "dns-prefetch"}
SOURCES = {"script", "img", "iframe", "source", "video", "audio", "embed", "track", "input"}
GENERATED = {"genindex.html", "search.html", "py-modindex.html"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("built_site"),
]


class Page(HTMLParser):
    """Collects what a browser loads by itself, where links lead, what they may lead to, and pictures."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.names: set[str] = set()
        self.undescribed: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids += [values["id"]] if "id" in values else []
        self.names |= {values["name"]} if tag == "a" and "name" in values else set()
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "img" and "alt" not in values:
            self.undescribed.append(values.get("src", ""))
        if tag in SOURCES:
            self.loaded += [values[name] for name in ("src", "poster") if values.get(name)]
            self.loaded += [part.split()[0] for part in values.get("srcset", "").split(",") if part.strip()]
        if tag == "link" and LOADING_LINKS & set(values.get("rel", "").split()):
            self.loaded.append(values["href"])


@pytest.fixture(scope="module")
def html_pages() -> dict[Path, Page]:
    return {SITE / address: Page((SITE / address).read_text(encoding="utf-8")) for address in pages()}


def is_elsewhere(address: str) -> bool:
    return address.startswith("//") or urlsplit(address).scheme in {"http", "https"}


def test_pages_load_nothing_from_elsewhere(html_pages: dict[Path, Page]) -> None:
    external = {
        str(path): address
        for path, page in html_pages.items()
        for address in page.loaded
        if is_elsewhere(address)
    }
    assert not external


def test_stylesheets_load_nothing_from_elsewhere() -> None:
    for sheet in SITE.rglob("*.css"):
        addresses = re.findall(r"(?:url\(|@import\s+)[\"']?([^\"')\s;]+)", sheet.read_text(encoding="utf-8"))
        assert not [address for address in addresses if is_elsewhere(address)], sheet


def test_stylesheets_and_the_files_they_name_are_there() -> None:
    for sheet in SITE.rglob("*.css"):
        for address in re.findall(r"url\([\"']?([^\"')\s]+)", sheet.read_text(encoding="utf-8")):
            if not address.startswith(("data:", "#")):
                assert (sheet.parent / urlsplit(address).path).exists(), f"{sheet.name}: {address}"


def test_pages_name_no_content_delivery_network(html_pages: dict[Path, Page]) -> None:
    for path in html_pages:
        assert not re.search(r"unpkg\.com|jsdelivr|cdnjs|googleapis", path.read_text(encoding="utf-8")), path


def test_what_pages_load_and_link_to_is_there(html_pages: dict[Path, Page]) -> None:
    broken = []
    for path, page in html_pages.items():
        for address in page.loaded + page.links:
            parts = urlsplit(address)
            if parts.scheme or is_elsewhere(address):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            known = html_pages.get(target)
            if not target.exists() or (anchor and known and anchor not in {*known.ids, *known.names}):
                broken.append(f"{path.relative_to(SITE)}: {address}")
    assert not broken, "\n".join(broken)


def test_an_id_names_one_place_of_a_page(html_pages: dict[Path, Page]) -> None:
    twice = {
        f"{path.relative_to(SITE)}: {name}"
        for path, page in html_pages.items()
        for name, count in Counter(page.ids).items()
        if count > 1
    }
    assert not twice


def test_every_picture_has_an_alternative_text(html_pages: dict[Path, Page]) -> None:
    """Empty for decoration; whether it says what the picture shows is for a reader to judge."""
    assert not {
        str(path.relative_to(SITE)): page.undescribed for path, page in html_pages.items() if page.undescribed
    }


def toc_files(node: object) -> list[str]:
    if isinstance(node, list):
        return [file for child in node for file in toc_files(child)]
    if isinstance(node, dict):
        own = [str(node[key]) for key in ("root", "file") if key in node]
        return own + [file for child in node.values() for file in toc_files(child)]
    return []


def test_the_site_has_the_pages_of_the_table_of_contents_and_no_other() -> None:
    listed = {f"{file}.html" for file in toc_files(yaml.safe_load((ROOT / "_toc.yml").read_text()))}
    assert set(pages()) - GENERATED == listed


def test_every_page_can_be_reached_from_the_first(html_pages: dict[Path, Page]) -> None:
    reached, waiting = set(), [SITE / "book/index.html"]
    while waiting:
        path = waiting.pop()
        if path in reached or path not in html_pages:
            continue
        reached.add(path)
        paths = [urlsplit(link).path for link in html_pages[path].links if not urlsplit(link).scheme]
        waiting += [(path.parent / unquote(p)).resolve() for p in paths if p]
    assert {p.relative_to(SITE).as_posix() for p in set(html_pages) - reached} <= GENERATED


def test_only_the_launch_links_lead_to_the_reader_s_own_machine(html_pages: dict[Path, Page]) -> None:
    local = {
        link
        for page in html_pages.values()
        for link in page.links
        if urlsplit(link).hostname in {"localhost", "127.0.0.1"} and "/lab/tree/" not in link
    }
    assert not local


def test_mathjax_is_the_vendored_one() -> None:
    chapter = (SITE / "book/02-batchnorm/index.html").read_text(encoding="utf-8")
    assert "_static/vendor/mathjax/tex-chtml.js" in chapter


@pytest.mark.parametrize("name", ["fontawesome.js", "bootstrap.js.map"])
def test_files_that_no_page_needs_are_not_published(name: str) -> None:
    assert not list(SITE.rglob(name))
