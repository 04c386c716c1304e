"""How long a live exercise of the built site takes in Chromium: `python -m benchmarks.live_exercise [SITE]`.

Cold: from the click, in a new browser profile, to the first report. Pyodide and NumPy come from this machine:
a reader's network, which has about 10 MB to bring, is not in the figures.
"""

from __future__ import annotations

import json
import statistics
import sys
import threading
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.table import Table

from book._tools import chromium, fetch_pyodide
from tests.site.conftest import Quiet

ROOT = Path(__file__).resolve().parent.parent
CHAPTER = "book/02-batchnorm/index.html"
RIGHT = """import numpy as np

def batchnorm_forward(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta
"""
CLICK = """exercise => new Promise((resolve, reject) => {
  const status = exercise.querySelector("[role=status]");
  const started = performance.now();
  new MutationObserver((_, seen) => {
    if (status.textContent.includes("…")) return;
    seen.disconnect();
    if (status.textContent.endsWith("passed")) resolve(performance.now() - started);
    else reject(new Error(status.textContent));
  }).observe(status, { childList: true });
  exercise.querySelector(".live-run").click();
})"""
COLD, LATER = 3, 30


class Site(Quiet):
    """The site, and Pyodide beside it."""

    extensions_map = Quiet.extensions_map | {".mjs": "text/javascript"}

    def translate_path(self, path: str) -> str:
        name = path.split("/")[-1].split("?")[0]
        return str(fetch_pyodide.CACHE / name) if "/_pyodide/" in path else super().translate_path(path)


def times(browser: Browser, address: str, settings: str) -> tuple[float, list[float]]:
    """Milliseconds of the first check, and of those after it."""
    context = browser.new_context()
    page = context.new_page()
    context.route("**/settings.json", lambda route: route.fulfill(body=settings))
    page.goto(f"{address}/{CHAPTER}", wait_until="networkidle")
    exercise = page.locator(".live-exercise").first
    exercise.locator("pre").first.evaluate("(code, text) => { code.textContent = text; }", RIGHT)
    first = exercise.evaluate(CLICK)
    later = [exercise.evaluate(CLICK) for _ in range(LATER)]
    context.close()
    return first, later


def main() -> None:
    folder = Path(sys.argv[1]) if sys.argv[1:] else ROOT / "_build/html"
    fetch_pyodide.runtime()
    named = json.loads((folder / "_static/live/settings.json").read_text("utf-8"))
    settings = json.dumps(named | {"pyodide": "/_pyodide/"})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Site, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.FLAGS)
        runs = [times(browser, f"http://127.0.0.1:{server.server_port}", settings) for _ in range(COLD)]
        browser.close()
    server.shutdown()
    cold, later = [first for first, _ in runs], [ms for _, rest in runs for ms in rest]
    table = Table("check in the page", "median, ms", "worst, ms")
    table.add_row("first, with Python and NumPy", f"{statistics.median(cold):.0f}", f"{max(cold):.0f}")
    table.add_row("later", f"{statistics.median(later):.0f}", f"{max(later):.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
