"""Exercises that run and check themselves in the page, as a reader meets them.

Pyodide's address leads to files that were fetched once into .cache/ and verified; where they cannot be had,
the tests that need them skip and say what was tried. NumPy is the real one.
"""

from __future__ import annotations

import json
import linecache
import re
import threading
import tomllib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect
from pygments.styles import get_style_by_name
from pygments.token import Comment, Keyword, Name, Number, String

from autograder.student import PublicChecks
from book._tools import fetch_pyodide, vendor
from tests.conftest import ROOT, missing
from tests.site.conftest import SITE, OpenPage, Quiet, needs_node
from tests.units.right_ways_02_numpy import WAYS

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CHAPTER = "book/02-batchnorm/index.html"
KEY = "02-batchnorm/batchnorm_numpy"
EXERCISE = "batchnorm_forward"
BOOT = 120_000  # ms: all tests of a busy machine at once
MISTAKES = (ROOT / "solutions/02-batchnorm/mistakes_numpy.toml").read_text("utf-8")
SAYS = {m["id"]: m["says"] for m in tomllib.loads(MISTAKES)["mistake"]}
RIGHT = "import numpy as np\n\n" + WAYS[EXERCISE]["difference of moments"]
BIASED = "return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0, ddof=1) + eps) + beta"


@pytest.fixture(scope="session")
def runtime() -> Path:
    """The folder with Pyodide and NumPy."""
    try:
        return fetch_pyodide.runtime()
    except fetch_pyodide.NotFetched as error:
        missing("pyodide", str(error))


@pytest.fixture(scope="session")
def served(runtime: Path) -> Iterator[str]:
    """The address of a server of these files, as a CDN is one: for pages from anywhere."""

    class Anywhere(Quiet):
        extensions_map = SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript"}

        def end_headers(self) -> None:
            self.send_header("Access-Control-Allow-Origin", "*")
            super().end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Anywhere, directory=str(runtime)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def lead(context: BrowserContext, address: str, served: str) -> None:
    """Lead what is asked of `address` to the server of Pyodide's files."""

    def redirect(route: Route) -> None:
        location = f"{served}/{urlsplit(route.request.url).path.split('/')[-1]}"
        route.fulfill(status=302, headers={"Location": location, "Access-Control-Allow-Origin": "*"})

    context.route(f"{address}**", redirect)


@pytest.fixture(scope="module")
def chapter(chromium: Browser, site: str, served: str) -> Iterator[Page]:
    """The chapter, with Python where the site looks for it. Started once: each test writes its code anew."""
    context = chromium.new_context()
    lead(context, fetch_pyodide.CDN, served)
    page = context.new_page()
    page.goto(f"{site}/{CHAPTER}")
    yield page
    context.close()


def box(page: Page, exercise: str = EXERCISE) -> Locator:
    return page.locator(f'.live-exercise[data-exercise="{exercise}"]')


def edit(exercise: Locator) -> None:
    """Put the cursor into the editor, which the first time must be opened."""
    if exercise.locator(".cm-content").count():
        exercise.locator(".cm-content").focus()
    else:
        exercise.get_by_role("button", name="Edit").click()
    expect(exercise.locator(".cm-content")).to_be_focused(timeout=BOOT)


def write(exercise: Locator, source: str) -> None:
    """Put a whole text in the place of what the editor holds."""
    edit(exercise)
    exercise.page.keyboard.press("Control+a")
    exercise.page.keyboard.insert_text(source)


def run(exercise: Locator, then: str | re.Pattern[str]) -> None:
    """Press the button and wait until the status says `then`."""
    exercise.get_by_role("button", name="Run and check").click()
    expect(exercise.get_by_role("status")).to_have_text(then, timeout=BOOT)


def shown(exercise: Locator) -> str:
    """The headline and the report, in one line."""
    return " ".join(f"{exercise.get_by_role('status').inner_text()} {report(exercise)}".split())


def report(exercise: Locator) -> str:
    return exercise.locator(".live-report").inner_text()


def of_check(source: str, exercise: str) -> str:
    """What `check` says of this source in a notebook, in one line."""
    names: dict[str, object] = {}
    linecache.cache["<cell>"] = (len(source), None, source.splitlines(keepends=True), "<cell>")
    exec(compile(source, "<cell>", "exec"), names)
    return " ".join(PublicChecks(KEY).report(exercise, names).text().split())


def test_a_typed_mistake_is_named_and_the_right_answer_passes(chapter: Page) -> None:
    forward = box(chapter)
    forward.get_by_role("button", name="Reset").click()
    edit(forward)
    for key in ("Control+End", "ArrowUp", "Home", "Shift+End"):
        chapter.keyboard.press(key)
    chapter.keyboard.type(BIASED)
    chapter.keyboard.press("Shift+Enter")
    expect(forward.get_by_role("status")).to_have_text(f"{EXERCISE}: 0 of 2 checks passed", timeout=BOOT)
    assert SAYS["BF2"] in report(forward)

    write(forward, RIGHT)
    chapter.keyboard.press("Shift+Enter")
    expect(forward.get_by_role("status")).to_have_text(f"{EXERCISE}: all 2 checks passed")
    assert SAYS["BF2"] not in report(forward)


def test_the_report_has_the_words_of_check_in_a_notebook(chapter: Page) -> None:
    head = "import numpy as np\n\ndef {}:\n    {}\n"
    forward = "batchnorm_forward(x, gamma, beta, eps=1e-5)"
    for exercise, source in [
        (EXERCISE, head.format(forward, BIASED)),
        (EXERCISE, head.format(forward, "return x.mean(axis=1)")),
        (EXERCISE, head.format(forward, "raise NotImplementedError")),
        (EXERCISE, head.format(forward, "x -= x.mean(axis=0); return x")),
        (EXERCISE, head.format(forward, "return x.nothing")),
        ("statistics_gradients", head.format("statistics_gradients(dx_hat, x, eps=1e-5)", "return x, x")),
        *((name, f"import numpy as np\n\n{way}") for name in ("batchnorm_inference", "statistics_gradients")
          for way in list(WAYS[name].values())[:1]),
    ]:  # fmt: skip
        write(box(chapter, exercise), source)
        run(box(chapter, exercise), re.compile(f"^{exercise}: "))
        assert shown(box(chapter, exercise)) == of_check(source, exercise)


def test_a_page_loads_nothing_for_its_exercises_before_the_reader_acts(open_page: OpenPage) -> None:
    page = open_page(CHAPTER)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    page.reload(wait_until="networkidle")
    own = {path.split("/")[-1] for path in asked if "/live/" in path or "/vendor/codemirror/" in path}
    assert own == {"live-exercise.js", "live-exercise.css"}
    assert not page.external


def test_the_editor_comes_without_python(open_page: OpenPage) -> None:
    page = open_page(CHAPTER)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path.split("/")[-1]))
    edit(box(page))
    assert [name for name in asked if name.endswith((".json", ".js"))] == ["settings.json", "editor.js"]
    assert not page.external


def test_the_trouble_of_loading_the_editor_goes_when_it_loads(open_page: OpenPage) -> None:
    page = open_page(CHAPTER)
    page.context.route("**/settings.json", lambda route: route.abort())
    box(page).get_by_role("button", name="Edit").click()
    expect(box(page).get_by_role("status")).to_contain_text("Look at your connection")
    page.context.unroute("**/settings.json")
    edit(box(page))
    expect(box(page).get_by_role("status")).to_have_text("")


def test_a_site_that_serves_python_itself_asks_nobody_else(
    open_page: OpenPage, served: str, site: str
) -> None:
    page = open_page(CHAPTER)
    settings = json.loads((SITE / "_static/live/settings.json").read_text("utf-8"))
    own = json.dumps(settings | {"pyodide": "../../_static/pyodide/"})
    page.context.route("**/settings.json", lambda route: route.fulfill(body=own))
    lead(page.context, f"{site}/_static/pyodide/", served)
    run(box(page), f"{EXERCISE}: not attempted yet")
    assert not page.external


def test_an_endless_loop_is_stopped_and_others_go_on(chapter: Page) -> None:
    forward, inference = box(chapter), box(chapter, "batchnorm_inference")
    forward.evaluate("section => section.dataset.timeout = 1")
    write(forward, "while True:\n    pass\n")
    chapter.keyboard.press("Shift+Enter")
    inference.get_by_role("button", name="Run and check").click()
    expect(forward.get_by_role("status")).to_contain_text("more than 1 seconds", timeout=BOOT)
    forward.evaluate("section => section.dataset.timeout = 10")
    expect(inference.get_by_role("status")).to_contain_text("batchnorm_inference: ", timeout=BOOT)
    write(forward, RIGHT)
    run(forward, f"{EXERCISE}: all 2 checks passed")


def test_an_interpreter_that_dies_is_told_and_started_again(chapter: Page) -> None:
    write(box(chapter), 'import js\n\njs.postMessage(js.JSON.parse(\'{"failed": "out of memory"}\'))\n')
    run(box(chapter), "Python stopped (out of memory). The next run starts it again.")
    write(box(chapter), RIGHT)
    run(box(chapter), f"{EXERCISE}: all 2 checks passed")


def test_a_syntax_error_quotes_the_line(chapter: Page) -> None:
    write(box(chapter), "import numpy as np\n\ndef batchnorm_forward(x, gamma, beta, eps)\n    return x\n")
    run(box(chapter), "Your code ended with an error.")
    assert "line 3\n    def batchnorm_forward(x, gamma, beta, eps)\n" in report(box(chapter))


def test_what_comes_from_code_or_storage_is_text_and_never_markup(chapter: Page) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    write(box(chapter), f'print("{hostile}")\n')
    run(box(chapter), re.compile("not attempted yet"))
    assert hostile in box(chapter).locator(".live-printed").inner_text()
    write(box(chapter), f'raise ValueError("{hostile}")\n')
    run(box(chapter), "Your code ended with an error.")
    assert f"ValueError: {hostile}" in report(box(chapter))
    assert not box(chapter).locator("img").count()
    chapter.reload()
    assert hostile in box(chapter).locator("pre").first.inner_text()
    assert not box(chapter).locator("img").count()


def test_reset_starts_python_anew_and_code_sees_no_store_of_the_site(chapter: Page) -> None:
    forward = box(chapter)
    write(forward, "import sys\nsys.modules['mine'] = sys\n")
    run(forward, f"{EXERCISE}: not attempted yet")
    forward.get_by_role("button", name="Reset").click()
    write(
        forward,
        "import js, sys\nstores = [hasattr(js, name) for name in ('caches', 'indexedDB')]\n"
        "print(stores, 'mine' in sys.modules)\n",
    )
    run(forward, f"{EXERCISE}: not attempted yet")
    assert forward.locator(".live-printed").inner_text().strip() == "[False, False] False"


def test_a_solved_exercise_stays_marked_as_long_as_its_code(chapter: Page) -> None:
    solved = re.compile(r"\blive-solved\b")
    write(box(chapter), RIGHT)
    run(box(chapter), f"{EXERCISE}: all 2 checks passed")
    chapter.reload()
    expect(box(chapter)).to_have_class(solved)
    expect(box(chapter).get_by_role("status")).to_contain_text("You have solved this")
    edit(box(chapter))
    chapter.keyboard.type("#")
    expect(box(chapter)).not_to_have_class(solved)
    chapter.keyboard.press("Backspace")
    expect(box(chapter)).to_have_class(solved)
    box(chapter).get_by_role("button", name="Reset").click()
    expect(box(chapter)).not_to_have_class(solved)


def test_edits_stay_until_reset_brings_the_starter_back(open_page: OpenPage) -> None:
    page = open_page(CHAPTER)
    starter = box(page).locator("pre").inner_text()
    write(box(page), "mine = 1\n")
    page.reload()
    assert box(page).locator("pre").inner_text() == "mine = 1\n"
    [name] = page.evaluate("Object.keys(localStorage).filter(name => name.startsWith('live-exercise:'))")
    assert name == f"live-exercise:/{KEY}/{EXERCISE}", "the path of the site's root, then the exercise"
    page.evaluate(
        "name => localStorage.setItem(name, JSON.stringify({starter: 'old', text: 'mine = 1\\n'}))", name
    )
    page.reload()
    assert box(page).locator("pre").inner_text() == "mine = 1\n"
    expect(box(page).get_by_role("status")).to_have_text(
        "The exercise has changed since you wrote this; Reset shows the new one."
    )
    edit(box(page))
    expect(box(page).locator(".cm-content")).to_contain_text("mine = 1")
    box(page).get_by_role("button", name="Reset").click()
    expect(box(page).locator(".cm-content")).to_contain_text("raise NotImplementedError")
    page.reload()
    assert box(page).locator("pre").inner_text() == starter
    assert "raise NotImplementedError" in box(page, "statistics_gradients").locator("pre").inner_text()


def test_the_keyboard_alone_edits_leaves_and_runs(open_page: OpenPage) -> None:
    page = open_page(CHAPTER)
    forward = box(page)
    forward.get_by_role("button", name="Run and check").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # Edit
    expect(forward.locator(".cm-content")).to_be_focused(timeout=BOOT)
    page.keyboard.press("Control+Home")
    page.keyboard.type("# 1 / 2\n")  # a slash is a slash, not the search of the page
    page.keyboard.press("Tab")
    expect(forward.get_by_role("button", name="Run and check")).to_be_focused()
    page.keyboard.press("Enter")
    expect(forward.get_by_role("status")).to_contain_text("Python", timeout=BOOT)
    expect(forward.get_by_role("button", name="Run and check")).to_be_focused()
    assert (forward.locator("pre").text_content() or "").startswith("# 1 / 2\nimport numpy as np")


def test_the_editor_says_what_it_is_and_how_to_leave_it(open_page: OpenPage) -> None:
    page = open_page(CHAPTER)
    edit(box(page))
    editor = box(page).get_by_role("textbox", name=f"Python code of {EXERCISE}")
    expect(editor).to_have_accessible_description(re.compile("Tab leaves the editor"))


def test_without_scripts_the_starter_stands_there(open_page: OpenPage) -> None:
    page = open_page(CHAPTER, java_script_enabled=False)
    assert "raise NotImplementedError" in box(page).locator("pre").inner_text()
    assert "use the notebook" in box(page).inner_text()
    assert box(page).get_by_role("link", name="batchnorm_numpy.ipynb").is_visible()
    assert not box(page).get_by_role("button", name="Run and check").count()


def test_on_paper_the_code_stands_without_its_buttons(open_page: OpenPage) -> None:
    page = open_page(CHAPTER)
    write(box(page), "mine = 1\n")
    page.emulate_media(media="print")
    assert box(page).locator("pre").first.is_visible()
    assert "mine = 1" in box(page).locator("pre").first.inner_text()
    assert not box(page).locator(".live-editor, .live-bar, .live-keys").filter(visible=True).count()


def test_python_that_cannot_be_reached_is_told_with_what_to_do(open_page: OpenPage) -> None:
    page = open_page(CHAPTER)
    told = re.compile(r"^Python could not be loaded from cdn\.jsdelivr\.net .* or use the notebook\.$")
    run(box(page), told)
    run(box(page), told)


def test_a_page_opened_as_a_file_says_what_to_do(open_page: OpenPage) -> None:
    page = open_page(CHAPTER)
    page.context.unroute_all()
    page.goto((SITE / CHAPTER).as_uri())
    run(box(page), re.compile("opened as a file. Run make serve"))


def test_the_vendored_editor_is_what_its_packages_make(tmp_path: Path) -> None:
    needs_node("esbuild")
    for made in vendor.bundle(tmp_path):
        assert made.read_bytes() == (vendor.TARGET / made.name).read_bytes(), "run make vendor"


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_editor_has_the_colours_of_the_code_blocks(mode: str) -> None:
    css = (ROOT / "book/_static/live/live-exercise.css").read_text("utf-8")
    light, dark = re.findall(r"--live-keyword: [^\n]+", css)
    mine = dict(re.findall(r"--live-(\w+): (#\w+)", light if mode == "light" else dark))
    style = get_style_by_name(f"a11y-high-contrast-{mode}")
    tokens = {
        "keyword": Keyword,
        "string": String,
        "comment": Comment,
        "number": Number,
        "name": Name.Function,
    }
    assert mine == {name: f"#{style.style_for_token(token)['color']}" for name, token in tokens.items()}
