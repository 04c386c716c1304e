"""Addresses that keep working, what shared links show, and services that readers are not sent to unasked."""

import re
import struct
import sys
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit
from xml.etree import ElementTree

import pytest
import yaml
from playwright.sync_api import expect
from sphinx.errors import ConfigError

from tests.site.conftest import ROOT, SITE, OpenPage

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import comments
import site_address

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text())
HOME = site_address.pages_address(CONFIG["repository"]["url"])
REDIRECTS = CONFIG["sphinx"]["config"]["redirects"]
ADDRESSES = (ROOT / "book" / "addresses.txt").read_text().split()

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("built_site")]


def toc_pages(node: Any) -> list[str]:
    if isinstance(node, list):
        return [page for child in node for page in toc_pages(child)]
    if isinstance(node, dict):
        own = [node[key] for key in ("root", "file") if key in node]
        return own + [page for child in node.values() for page in toc_pages(child)]
    return []


PAGES = [f"{page}.html" for page in toc_pages(yaml.safe_load((ROOT / "_toc.yml").read_text()))]


class Head(HTMLParser):
    """What the head of a page says: meta tags by name or property, links by their relation, scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.meta: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self.scripts: list[str] = []
        self.feed((SITE / page).read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "meta" and (name := values.get("name") or values.get("property")):
            assert name not in self.meta or name == "viewport", f"{name} is said twice"
            self.meta[name] = values["content"]
        if tag == "link":
            self.links[values["rel"]] = values["href"]
        if tag == "script":
            self.scripts.append(values.get("src", ""))


@pytest.mark.parametrize("source", REDIRECTS)
def test_a_redirect_leads_to_a_page_that_exists(source: str) -> None:
    target = re.search(r'<a href="([^"]+)"', (SITE / f"{source}.html").read_text())
    assert target
    assert not urlsplit(target[1]).scheme, "a redirect works offline too"
    assert ((SITE / source).parent / unquote(target[1])).resolve().is_file()


def test_every_page_is_in_the_list_of_published_addresses() -> None:
    missing = set(PAGES) - set(ADDRESSES)
    assert not missing, f"add {missing} to book/addresses.txt: from now on they must lead somewhere"


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_published_address_leads_to_a_page_or_is_redirected(address: str) -> None:
    assert address in PAGES or address.removesuffix(".html") in REDIRECTS, (
        f"{address} was published: `redirects` in _config.yml must name the page that took its place"
    )
    assert (SITE / address).is_file()


@pytest.mark.browser
@pytest.mark.parametrize("javascript", [True, False])
def test_a_short_address_opens_the_chapter(open_page: OpenPage, javascript: bool) -> None:
    page = open_page("batchnorm/", java_script_enabled=javascript)
    page.wait_for_url("**/book/02-batchnorm/index.html")
    assert page.title().startswith("Batch normalization")


@pytest.mark.browser
def test_a_redirect_keeps_the_place_in_the_page(open_page: OpenPage) -> None:
    page = open_page("batchnorm/#equation-bn-dx")
    page.wait_for_url("**/book/02-batchnorm/index.html#equation-bn-dx")


@pytest.mark.parametrize(
    ("repository", "site"),
    [
        ("https://github.com/Owner/name", "https://owner.github.io/name/"),
        ("https://github.com/owner/name.git", "https://owner.github.io/name/"),
        ("https://github.com/owner/owner.github.io/", "https://owner.github.io/"),
    ],
)
def test_the_address_of_the_site_follows_from_the_repository(repository: str, site: str) -> None:
    assert site_address.pages_address(repository) == site


def test_a_repository_elsewhere_needs_an_address_of_its_own() -> None:
    with pytest.raises(ConfigError, match=r"html\.baseurl"):
        site_address.pages_address("https://example.org/owner/name")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_its_address_title_description_and_card(page: str) -> None:
    head = Head(page)
    assert head.links["canonical"] == head.meta["og:url"] == HOME + page
    assert head.meta["og:title"]
    assert 40 <= len(head.meta["description"]) <= 200
    assert head.meta["description"] == head.meta["og:description"]
    assert re.search(r"[.…?]$", head.meta["description"]), (
        "a description is a sentence, or says that it was cut"
    )
    assert head.meta["og:image"].startswith(HOME)
    assert (SITE / head.meta["og:image"].removeprefix(HOME)).is_file()
    assert (SITE / page).parent.joinpath(head.links["icon"]).is_file()


def test_descriptions_differ() -> None:
    assert len({Head(page).meta["description"] for page in PAGES}) == len(PAGES)


def test_the_address_that_people_share_shows_the_card() -> None:
    head = Head("index.html")
    assert head.meta["og:image"] == Head(PAGES[0]).meta["og:image"]
    assert head.meta["twitter:card"] == "summary_large_image"


def test_the_card_is_a_small_picture_of_the_size_that_services_ask_for() -> None:
    card = (SITE / "_static/social-card.png").read_bytes()
    assert struct.unpack(">II", card[16:24]) == (1200, 630)
    assert len(card) <= 60_000


def test_the_sitemap_lists_the_pages_and_robots_txt_names_it() -> None:
    root = ElementTree.parse(SITE / "sitemap.xml").getroot()
    listed = [loc.text for loc in root.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert sorted(filter(None, listed)) == sorted(HOME + page for page in PAGES)
    assert f"Sitemap: {HOME}sitemap.xml" in (SITE / "robots.txt").read_text().splitlines()


def test_the_page_for_lost_readers_works_at_any_depth() -> None:
    text = (SITE / "404.html").read_text()
    lost = urljoin(HOME, "no/such/page.html")
    for address in re.findall(r'(?:href|src|action|data-content_root)="([^"#?]+)', text):
        target = urljoin(lost, address)
        if target.startswith(HOME):
            assert (SITE / unquote(target.removeprefix(HOME))).exists(), address
    assert 'href="#main-content"' in text, "the skip link stays on the page"
    assert "<base" not in text


def test_edit_buttons_lead_to_the_sources_of_pages() -> None:
    repository = CONFIG["repository"]
    for page in PAGES:
        [edited] = set(re.findall(r'href="([^"]+/edit/[^"]+)"', (SITE / page).read_text()))
        path = edited.removeprefix(f"{repository['url']}/edit/{repository['branch']}/")
        assert (ROOT / path).is_file(), edited


def choose(settings: dict) -> SimpleNamespace:
    config = SimpleNamespace(comments_config=settings, comments_service=None)
    comments.choose_service(None, config)
    return config


def test_comments_are_off_and_no_page_names_a_service() -> None:
    assert not CONFIG["html"]["comments"]
    for page in SITE.rglob("*.html"):
        assert not re.search(r"giscus|utteranc|hypothes\.is|comments\.js", page.read_text()), page


def test_comments_are_turned_on_by_one_setting_which_sphinx_comments_never_sees() -> None:
    config = choose({"giscus": {"repo": "o/n"}, "utterances": False, "hypothesis": False})
    assert config.comments_service == ("giscus", {"repo": "o/n"})
    assert config.comments_config == {}


@pytest.mark.parametrize(
    "wrong", [{"disqus": {"id": 1}}, {"giscus": True}, {"giscus": {"a": 1}, "utterances": {"b": 2}}]
)
def test_settings_of_comments_that_make_no_sense_are_refused(wrong: dict) -> None:
    with pytest.raises(ConfigError, match=r"html\.comments in _config\.yml must hold giscus or utterances"):
        choose(wrong)


@pytest.mark.browser
@pytest.mark.parametrize(("scheme", "theme"), [("light", "light"), ("dark", "dark")])
def test_comments_load_when_a_reader_asks_and_not_before(
    open_page: OpenPage, scheme: str, theme: str
) -> None:
    page = open_page("book/notation.html", color_scheme=scheme)
    html = comments.block("giscus", {"repo": "owner/name"})
    page.evaluate("html => document.querySelector('article').insertAdjacentHTML('beforeend', html)", html)
    page.add_script_tag(url="../_static/comments/comments.js", type="module")
    expect(page.get_by_role("heading", name="Comments")).to_be_visible()
    expect(page.locator("#comments")).to_contain_text("learn your address")
    assert page.external == []  # type: ignore[attr-defined]
    page.evaluate(
        """() => new MutationObserver(changes => {
             const script = changes.flatMap(({addedNodes}) => [...addedNodes]).find(node => node.src);
             if (script) window.asked = {...script.dataset, src: script.src};
           }).observe(document.getElementById("comments"), {childList: true})"""
    )
    page.get_by_role("button", name="Show comments").click()
    expect(page.locator("#comments")).to_contain_text("The comments cannot be reached")
    asked = page.evaluate("asked")
    assert asked == {"src": "https://giscus.app/client.js", "repo": "owner/name", "theme": theme}
    assert page.external == [asked["src"]]  # type: ignore[attr-defined]
