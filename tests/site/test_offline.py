"""Reading without a network: a page once visited, the whole book if it was saved, and a folder on disk."""

import json
import re
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from tests.site.conftest import SITE, Quiet, Server

CHAPTER = "book/02-batchnorm/index.html"
HOME = "book/index.html"

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture
def reader(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context()
    yield context
    context.close()


@pytest.fixture
def own(site: str, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A copy of the site that a test may change, in a folder named as where it is published; its address."""
    folder = (
        tmp_path
        / (urlsplit(re.search(r"Sitemap: (\S+)", (SITE / "robots.txt").read_text())[1]).path.split("/")[1])
    )
    shutil.copytree(SITE, folder, ignore=shutil.ignore_patterns("_downloads", "_sources"))
    server = Server(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}/{folder.name}"
    server.shutdown()


def visit(reader: BrowserContext, address: str) -> Page:
    """Open a page and wait until its worker has kept it."""
    page = reader.new_page()
    page.goto(address)
    page.wait_for_selector("html[data-offline=ready]", state="attached")
    return page


def test_a_page_once_visited_opens_again_without_a_network(reader: BrowserContext, site: str) -> None:
    page = visit(reader, f"{site}/{CHAPTER}")
    page.evaluate("() => MathJax.startup.promise.then(() => document.fonts.ready).then(() => true)")
    reader.set_offline(True)
    page.reload()
    page.evaluate("() => MathJax.startup.promise.then(() => true)")
    assert page.locator("mjx-container").count() > 100
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontWeight") != "400", (
        "no style sheet"
    )
    with pytest.raises(Error, match="ERR_"):
        page.goto(f"{site}/book/bibliography.html")


def test_a_saved_book_opens_on_every_page_and_searches_without_a_network(
    reader: BrowserContext, own: tuple[Path, str]
) -> None:
    _, site = own
    page = visit(reader, f"{site}/{HOME}")
    page.get_by_role("button", name=re.compile("Save this book for offline reading")).click()
    expect(page.get_by_role("status")).to_contain_text("Saved.", timeout=60_000)
    reader.set_offline(True)
    for address in (SITE / "book").rglob("*.html"):
        path = address.relative_to(SITE)
        page.goto(f"{site}/{path}")
        expect(page.locator("article h1")).to_be_visible()
    page.goto(f"{site}/search.html?q=running+mean")
    expect(page.locator(".search-list a").first).to_be_visible()
    page.goto(f"{site}/")
    page.wait_for_url(f"**/{HOME}")
    page.goto(f"{site}/no/such/page.html")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontWeight") != "400", (
        "no style sheet"
    )


def test_a_new_build_takes_the_place_of_the_old_one_and_keeps_the_book_saved(
    reader: BrowserContext, own: tuple[Path, str]
) -> None:
    folder, site = own
    page = visit(reader, f"{site}/{HOME}")
    page.get_by_role("button", name=re.compile("Save this book")).click()
    expect(page.get_by_role("status")).to_contain_text("Saved.", timeout=60_000)
    listed = json.loads((folder / "offline.json").read_text())
    worker = folder / "offline.js"
    worker.write_text(worker.read_text().replace(listed["version"], "next"))
    page.evaluate(
        """async () => {
             const changed = new Promise(resolve =>
               navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
             await (await navigator.serviceWorker.ready).update();
             await changed;
             const { active } = await navigator.serviceWorker.ready;
             if (active.state !== "activated") await new Promise(resolve =>
               active.addEventListener("statechange", resolve, { once: true }));
           }"""
    )
    assert page.evaluate("caches.keys()") == [f"{site}/@next"]
    kept = page.evaluate(
        "next => caches.open(next).then(cache => cache.keys()).then(keys => keys.map(key => key.url))",
        f"{site}/@next",
    )
    assert {urljoin(f"{site}/", file) for file in listed["files"]} <= set(kept)


def test_a_full_disk_hides_no_page(reader: BrowserContext, site: str) -> None:
    page = visit(reader, f"{site}/{HOME}")
    quota = {"origin": site, "quotaSize": 1}
    reader.new_cdp_session(page).send("Storage.overrideQuotaForOrigin", quota)
    page.goto(f"{site}/{CHAPTER}?seen=once")
    expect(page.locator("article h1")).to_be_visible()
    page.goto(f"{site}/{HOME}")
    page.get_by_role("button", name=re.compile("Save this book")).click()
    expect(page.get_by_role("status")).to_contain_text("not enough room", timeout=60_000)


def test_pages_are_kept_once_whatever_their_query(reader: BrowserContext, site: str) -> None:
    page = visit(reader, f"{site}/{HOME}?from=a")
    page.goto(f"{site}/{HOME}?from=b")
    page.goto(f"{site}/{CHAPTER}?from=c")
    kept = page.evaluate(
        """() => caches.keys().then(([name]) => caches.open(name)).then(cache => cache.keys())
             .then(keys => keys.map(key => key.url).filter(url => url.includes(".html")))"""
    )
    assert sorted(kept) == sorted(f"{site}/{path}" for path in (HOME, CHAPTER))


def test_the_list_holds_what_pages_need_and_not_what_they_do_not(site: str) -> None:
    files = json.loads((SITE / "offline.json").read_text())["files"]
    assert {HOME, CHAPTER, "search.html", "_static/search/sections.js", "index.html"} <= set(files)
    unneeded = re.compile(r"pyodide/|^_sources|\.map|/locales/|webpack-macros")
    assert not [file for file in files if unneeded.search(file)]
    assert all((SITE / file).exists() for file in files)


def test_the_worker_is_small_and_asks_no_other_server(reader: BrowserContext, site: str) -> None:
    assert (SITE / "offline.js").stat().st_size <= 2560
    asked: list[str] = []
    reader.on("request", lambda request: request.service_worker and asked.append(request.url))
    visit(reader, f"{site}/{HOME}").goto(f"{site}/{CHAPTER}")
    assert f"{site}/{CHAPTER}" in asked
    assert not [address for address in asked if not address.startswith(f"{site}/")]


def test_a_page_opened_from_disk_can_be_read(chromium: Browser, site: str) -> None:
    page = chromium.new_page()
    page.goto((SITE / CHAPTER).as_uri())
    page.evaluate("() => MathJax.startup.promise.then(() => true)")
    assert page.locator("mjx-container").count() > 100
    assert page.locator("mjx-merror").count() == 0
    page.get_by_role("button", name="Color mode").first.click()
    assert page.locator("html").get_attribute("data-mode") != "auto"
    assert page.evaluate(
        "[...document.images].every(image => image.naturalWidth > 0 || image.loading === 'lazy')"
    )
    twin = page.locator(".live-figure .static-twin").first
    twin.evaluate("image => image.scrollIntoView()")  # it is fetched when it comes into view
    expect(twin).to_be_visible()
    page.goto((SITE / HOME).as_uri())
    expect(page.locator("#save-offline")).to_contain_text("can be read here without a network")
    page.close()
