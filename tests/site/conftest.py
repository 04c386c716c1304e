"""The built site, served on this machine, and a Chromium that may ask nobody else for anything."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.conftest import missing

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(os.environ.get("SITE", ROOT / "_build" / "html"))
NODE = ROOT / "node_modules"


def pages() -> list[str]:
    """The address of every page of the built site.

    Not those that only lead to another, and not 404.html, which is whole only where the site is published.
    """
    found = [path for path in SITE.rglob("*.html") if "_static" not in path.parts and path.name != "404.html"]
    return sorted(
        p.relative_to(SITE).as_posix() for p in found if 'http-equiv="refresh"' not in p.read_text("utf-8")
    )


@cache
def node_version() -> int:
    """The major version of Node; 0 where there is none."""
    if not shutil.which("node"):
        return 0
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return int(told.strip().removeprefix("v").split(".")[0])


def needs_node(package: str = "") -> Path:
    """The folder of a node package, or of all; skips the test where Node or the package is missing."""
    if node_version() < 18:
        missing("node", "needs Node 18 or later: install nodejs and npm")
    if package and not (NODE / package).exists():
        missing("node", f"needs {package}: make node_modules")
    return NODE / package


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A browser may leave a page before it has all of it."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def built_site() -> Path:
    """The folder of the built site."""
    if not (SITE / "book/index.html").exists():
        missing("site", "the site is not built: make site")
    return SITE


@pytest.fixture(scope="session")
def site(built_site: Path) -> Iterator[str]:
    """The address of the built site."""
    server = Server(("127.0.0.1", 0), partial(Quiet, directory=str(SITE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def settle(page: Page) -> None:
    """Until everything has loaded and the formulas are set."""
    page.wait_for_load_state("networkidle")
    page.evaluate("() => window.MathJax?.startup?.promise")


OpenPage = Callable[..., Page]


def profiles(chromium: Browser, site: str) -> Iterator[OpenPage]:
    """Open a page of the site in a browser profile of its own.

    `page.external` lists what it asked of other servers (each such request is refused), `page.problems` the
    errors of its scripts and console. Keywords go to Playwright's new_context, such as color_scheme="dark".
    """
    contexts = []

    def open_it(path: str, **options: object) -> Page:
        options = {"service_workers": "block"} | options  # it would pass by the guard below
        context = chromium.new_context(**options)  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_navigation_timeout(120_000)  # a busy machine is no fault of the page's
        page = context.new_page()
        page.external, page.problems = [], []  # type: ignore[attr-defined]

        def refuse(route: Route) -> None:
            page.external.append(route.request.url)  # type: ignore[attr-defined]
            route.abort()

        context.route(lambda url: urlsplit(url).netloc != urlsplit(site).netloc, refuse)
        page.on("pageerror", lambda error: page.problems.append(str(error)))  # type: ignore[attr-defined]
        page.on("console", lambda said: said.type == "error" and page.problems.append(said.text))  # type: ignore
        page.goto(f"{site}/{path}")
        return page

    yield open_it
    for context in contexts:
        context.close()


open_page = pytest.fixture(profiles, name="open_page")
# For tests that leave the page as it was.
open_shared_page = pytest.fixture(profiles, name="open_shared_page", scope="module")
