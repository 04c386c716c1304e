"""How long the website takes to build, and what its chapters cost a reader: `python benchmarks/site.py`.

Builds a copy of the working tree, cold and after a change of one text. Then opens each chapter in Chromium,
with an empty cache, once as it is and once as Lighthouse's phone: four times slower, 1.6 Mbit/s, 150 ms away.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import tempfile
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console
from rich.table import Table

from book._tools import chromium

ROOT = Path(__file__).resolve().parent.parent
READERS = {"desk": (1280, 1, None), "phone": (390, 4, 1.6e6 / 8)}  # width, times slower, bytes a second
SQUEEZED = {".png", ".jpg", ".woff", ".woff2", ".ico"}
WATCH = """
  window.slow = 0;
  addEventListener("DOMContentLoaded", async () => {
    await window.MathJax?.startup?.promise;
    window.formulas = performance.now();
  });
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) window.slow += Math.max(0, task.duration - 50);
  }).observe({ type: "longtask", buffered: true });
"""
FIGURES = """() => {
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  const page = performance.getEntriesByType("navigation")[0];
  const loaded = [page, ...performance.getEntriesByType("resource")];
  const sum = (key) => loaded.reduce((total, file) => total + file[key], 0) / 1000;
  return [loaded.length, sum("decodedBodySize"), sum("encodedBodySize"),
    paint.startTime, page.domContentLoadedEventEnd, window.formulas, window.slow];
}"""


class Compressing(SimpleHTTPRequestHandler):
    """Text goes out gzipped, as the host of the site sends it."""

    def send_head(self):  # type: ignore[no-untyped-def]
        path = Path(self.translate_path(self.path))
        if not path.is_file() or path.suffix in SQUEEZED:
            return super().send_head()
        body = gzip.compress(path.read_bytes(), 9)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return io.BytesIO(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def copy_of_the_tree(folder: Path) -> Path:
    """The tracked files, as old as they are, with this tree's environment."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


def seconds_to_make_the_site(tree: Path) -> float:
    started = time.perf_counter()
    done = subprocess.run(["make", "-o", ".venv/stamp", "site"], cwd=tree, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout[-4000:] + done.stderr[-4000:])
    return time.perf_counter() - started


def build_times(tree: Path) -> Table:
    table = Table("build", "s")
    table.add_row("cold", f"{seconds_to_make_the_site(tree):.1f}")
    chapter = next(iter(sorted((tree / "book").glob("[0-9]*/index.md"))))
    for name, page in [
        ("one chapter's text changed", chapter),
        ("the notation changed", tree / "book/notation.md"),
    ]:
        page.write_text(page.read_text(encoding="utf-8") + "\nOne more sentence.\n", encoding="utf-8")
        table.add_row(name, f"{seconds_to_make_the_site(tree):.1f}")
    table.add_row("nothing changed", f"{seconds_to_make_the_site(tree):.1f}")
    return table


def slowed(page: Page, times: float, speed: float | None) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": times})
    if speed:
        limits = {"offline": False, "latency": 150, "downloadThroughput": speed, "uploadThroughput": speed}
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", limits)


def visit(browser: Browser, address: str, reader: str) -> list[str]:
    """Requests, kB raw and gzipped; milliseconds to first text, DOM and formulas, and blocked meanwhile."""
    width, times, speed = READERS[reader]
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    page.add_init_script(WATCH)
    slowed(page, times, speed)
    page.goto(address, wait_until="networkidle", timeout=120_000)
    figures = page.evaluate(FIGURES)
    context.close()
    return [str(round(figure)) for figure in figures]


def page_figures(site: Path) -> Table:
    columns = [
        "requests",
        "kB",
        "kB gzipped",
        "first text, ms",
        "DOM ready, ms",
        "formulas, ms",
        "blocked, ms",
    ]
    table = Table("page", "reader", *columns)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Compressing, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.FLAGS)
        for path in sorted(site.glob("book/[0-9]*/index.html")):
            address = f"http://127.0.0.1:{server.server_port}/{path.relative_to(site).as_posix()}"
            for reader in READERS:
                table.add_row(path.parent.name, reader, *visit(browser, address, reader))
        browser.close()
    server.shutdown()
    return table


def main() -> None:
    os.environ.pop("MAKEFLAGS", None)
    with tempfile.TemporaryDirectory() as folder:
        tree = copy_of_the_tree(Path(folder))
        Console().print(build_times(tree), page_figures(tree / "_build/html"))


if __name__ == "__main__":
    main()
