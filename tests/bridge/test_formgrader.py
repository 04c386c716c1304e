"""Formgrader in Chromium, as an instructor uses it: its buttons grade a class, a person reads and marks."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from nbgrader.api import Gradebook

from autograder.authoring import release
from autograder.authoring.build import load_built
from autograder.bridge.settings import gradebook_url
from tests.conftest import CHECKS, ROOT, SETTINGS, SLUG, write_course

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(os.uname().sysname != "Linux", reason="the engine forks and needs Linux"),
]

MORE = """\
# %%
import autograder

check = autograder.checks("77-tiny/more_numpy")

# %% solution="double"
def double(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

# %% check="double" points=2
check(double)

# %% [markdown] question="more" points=1
# Your answer.
"""
MORE_CHECKS = """

@probe("double")
def doubles(s, x):
    return {"y": s.double(x)}


@doubles.inputs
def _(rng):
    return {"x": rng.normal(size=(2, 3))}
"""
HIT = "window.hit = 1; fetch('/hit')"
PAGE = (
    f'<script>{HIT}</script><img src="x" onerror="{HIT}"><svg onload="{HIT}"></svg>'
    f'<a class="bait" href="javascript:{HIT}">see</a><iframe srcdoc="<script>parent.{HIT}</script>"></iframe>'
)
RICH = {"text/html": [PAGE], "image/svg+xml": [PAGE], "application/javascript": [HIT], "text/plain": [PAGE]}
CODE = f"""
from IPython.display import HTML, SVG, Javascript, display
display(HTML({PAGE!r}), Javascript({HIT!r}))
display({{"text/html": {PAGE!r}, "text/markdown": {PAGE!r}, "image/svg+xml": {PAGE!r}}}, raw=True)
print({PAGE!r}, "\\x1b[31m")
HTML({PAGE!r})
"""


@dataclass
class Formgrader:
    """The course's folder, the server's address, a page of the browser, and what hostile code did to it."""

    root: Path
    url: str
    page: Any
    hits: list[str] = field(default_factory=list)

    def open(self, path: str, ready: str) -> Any:
        self.page.goto(f"{self.url}/formgrader/{path}")
        self.page.wait_for_selector(ready)
        return self.page

    def press(self, button: Any) -> str:
        """Press a button that works for a while; "Success", or all that its message says."""
        button.click()
        said = self.page.wait_for_selector(".modal.in .modal-content").inner_text()
        self.page.click(".modal-footer button")
        self.page.wait_for_selector(".modal", state="detached")
        return "Success" if "Success" in said.splitlines()[:3] else said

    def table(self, path: str) -> list[str]:
        """The rows of the page's table as texts."""
        page = self.open(path, "#main-table td.score, #main-table td.status, #main-table td.overall-score")
        return [" ".join(row.split()) for row in page.locator("#main-table tr").all_inner_texts()]

    def submission(self, student: str, notebook: str) -> Any:
        with Gradebook(gradebook_url(self.root)) as gradebook:
            id = gradebook.find_submission_notebook(notebook, SLUG, student).id
        return self.open(f"submissions/{id}/", "textarea.comment")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, empty_gradebook: Path) -> Path:
    """Two notebooks a submission; ada has all right, mal too, and attacks the reader."""
    root = write_course(tmp_path_factory.mktemp("formgrader") / "course")
    unit = root / "solutions" / SLUG
    (unit / "more_numpy.py").write_text(MORE)
    (unit / "checks.py").write_text(CHECKS + MORE_CHECKS)
    (unit / "unit.toml").write_text(SETTINGS + "\n[notebooks.more_numpy]\ntorch = false\n")
    settings = (ROOT / "nbgrader_config.py").read_text()
    (root / "nbgrader_config.py").write_text(
        settings + '\nc.EngineGrades.sandbox = "none"\n'
    )  # its proof costs
    shutil.copy(empty_gradebook, root)
    for notebook in load_built(root, SLUG).notebooks:
        document = json.loads(release.notebook_json(notebook, solution=True))
        for student in ("ada", "mal"):
            if student == "mal":
                make_hostile(document["cells"], root)
            folder = root / "submitted" / student / SLUG
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{notebook.name}.ipynb").write_text(json.dumps(document))
    hostile = root / "submitted" / "mal" / SLUG
    (hostile / "page.html").write_text(PAGE)
    (hostile / "nbgrader_config.py").write_text(f"open({str(root / 'hit')!r}, 'w').close()")
    return root


def make_hostile(cells: list[dict[str, Any]], root: Path) -> None:
    links = f"[a](/formgrader/?path={root}/submitted/mal/{SLUG}) [b](page.html) [c](javascript:{HIT})"
    for cell in cells:
        if cell["id"].startswith("question-"):
            cell["source"] = f"Because. {links}\n\n{PAGE}"
        if cell["id"] == "experiment-none":
            cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": RICH}]
    own = {"metadata": {}, "source": f"{links}\n\n{PAGE}", "cell_type": "markdown"}
    code = {"metadata": {}, "source": CODE, "cell_type": "code", "outputs": [], "execution_count": None}
    cells[2:2] = [own, code]


@pytest.fixture(scope="module")
def server(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Jupyter server with formgrader on a free port; nothing of this machine's own settings."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    private = {f"JUPYTER_{k}_DIR": str(tmp_path_factory.mktemp(k)) for k in ("CONFIG", "DATA", "RUNTIME")}
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", "--IdentityProvider.token=secret"]
    command += ["--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader': True}"]
    environment = os.environ | private | {"JUPYTER_NO_CONFIG": "1", "PYTHONPATH": str(ROOT)}
    started = subprocess.Popen(command, cwd=root, env=environment, stderr=subprocess.PIPE, text=True)
    assert started.stderr is not None
    told = []
    for line in started.stderr:
        told.append(line)
        if "is running at" in line:
            break
    else:
        pytest.fail("".join(told))
    drain = Thread(target=started.stderr.read)
    drain.start()
    yield f"http://localhost:{port}"
    started.terminate()
    started.wait(30)
    drain.join(30)


@pytest.fixture(scope="module")
def formgrader(root: Path, server: str, chromium: Any) -> Iterator[Formgrader]:
    context = chromium.new_context(service_workers="block")
    found = Formgrader(root, server, context.new_page())

    def route(route: Any) -> None:
        address = route.request.url
        if address.endswith("/hit"):
            found.hits.append(address)
        if address.startswith((server, "file:")):
            route.continue_()
        else:
            route.abort()

    context.route("**/*", route)
    found.page.on("dialog", lambda dialog: found.hits.append(dialog.message))
    found.page.goto(f"{server}/formgrader?token=secret")
    yield found
    context.close()


@pytest.fixture(scope="module")
def autograded(formgrader: Formgrader) -> Formgrader:
    """The class after the button Autograde of each student was pressed."""
    page = formgrader.open(f"manage_submissions/{SLUG}", "td.autograde a")
    for number in range(2):
        assert formgrader.press(page.locator("td.autograde a").nth(number)) == "Success"
    return formgrader


@pytest.fixture(scope="module")
def marked(autograded: Formgrader) -> Formgrader:
    """mal's answer in words was read and marked; then everybody was graded again by `autograder grade`."""
    page = autograded.submission("mal", "tiny_numpy")
    for field_id, text in {
        "question-why": "1.5",
        "question-why-comment": "Well **put**.",
        "check-scale_extra_credit": "0.5",
    }.items():
        with page.expect_response(lambda answer: answer.request.method == "PUT" and answer.ok):
            page.fill(f"#{field_id}", text)
            page.keyboard.press("Tab")
    page.click("li.next a")
    page.wait_for_selector("#main-table td, textarea.comment")
    return autograded


@pytest.fixture(scope="module")
def graded_again(marked: Formgrader) -> Formgrader:
    from autograder.batch.run import Options
    from autograder.grading import grade_unit

    root = marked.root
    outcome = grade_unit(root, SLUG, root / "submitted", target=root, options=Options(locked=False))
    assert outcome.written == ["ada", "mal"]
    return marked


def grade(formgrader: Formgrader, cell: str) -> Any:
    with Gradebook(gradebook_url(formgrader.root)) as gradebook:
        return gradebook.find_grade(cell, "tiny_numpy", SLUG, "mal").to_dict()


def test_the_payload_works_where_nothing_stops_it(formgrader: Formgrader) -> None:
    """A check that cannot fail is none."""
    page = formgrader.page.context.new_page()
    page.goto(f"{formgrader.url}/formgrader/manage_students")
    page.evaluate("page => document.write(page)", PAGE)
    page.wait_for_function("window.hit === 1")
    page.close()
    assert formgrader.hits
    formgrader.hits.clear()


def test_the_counts_stand_on_the_first_page(autograded: Formgrader) -> None:
    page = autograded.open("manage_assignments", "td.num-submissions a")
    assert page.inner_text("td.num-submissions") == "2"
    assert page.inner_text("td.name") == SLUG


def test_the_button_grades_with_the_engine(autograded: Formgrader) -> None:
    ada, mal = autograded.table(f"manage_submissions/{SLUG}")
    assert "graded 12 / 15" in ada and "needs manual grading 12 / 15" in mal
    records = autograded.root / "records"
    checks = json.loads((records / "ada" / f"{SLUG}.json").read_text())["checks"]
    assert {c["notebook"] for c in checks} == {"tiny_numpy", "more_numpy"}


def test_the_page_of_a_submission_shows_cells_and_reports(autograded: Formgrader) -> None:
    page = autograded.submission("ada", "tiny_numpy")
    text = page.inner_text("#notebook")
    for shown in ("return x - mu, mu", "scale: all 2 checks passed", "4 of 4 points", "sandbox level"):
        assert shown in text
    page.wait_for_selector("#check-center[placeholder='4']")


@pytest.mark.parametrize("notebook", ["tiny_numpy", "more_numpy"])
def test_nothing_of_a_student_runs_or_can_be_clicked(autograded: Formgrader, notebook: str) -> None:
    page = autograded.submission("mal", notebook)
    page.wait_for_load_state("networkidle")
    assert "Because." in page.inner_text("#notebook") and "window.hit" in page.inner_text("#notebook")
    addresses = page.eval_on_selector_all("#notebook a", "all => all.map(a => a.getAttribute('href'))")
    assert all(address.startswith("#") for address in addresses)
    assert page.locator("#notebook :is(script, iframe, object, embed, svg, form, .bait)").count() == 0
    assert page.evaluate("window.hit") is None and autograded.hits == []


def test_no_file_of_a_student_is_served_by_formgrader(autograded: Formgrader) -> None:
    page = autograded.submission("mal", "tiny_numpy")
    assert page.request.get(f"{page.url}page.html").status == 404
    assert not (autograded.root / "hit").exists()


def test_marks_and_comments_by_hand_are_stored(marked: Formgrader) -> None:
    assert grade(marked, "question-why")["manual_score"] == 1.5
    assert grade(marked, "check-scale")["extra_credit"] == 0.5
    with Gradebook(gradebook_url(marked.root)) as gradebook:
        assert gradebook.find_comment("question-why", "tiny_numpy", SLUG, "mal").comment == "Well **put**."
        assert not gradebook.find_submission(SLUG, "mal").notebooks[-1].needs_manual_grade


def test_grading_again_keeps_marks_by_hand_and_asks_to_look_at_them(graded_again: Formgrader) -> None:
    page = graded_again.submission("mal", "tiny_numpy")
    page.wait_for_selector("#question-why.needs_manual_grade")
    assert page.input_value("#question-why") == "1.5"
    assert page.input_value("#question-why-comment") == "Well **put**."
    assert page.input_value("#check-scale_extra_credit") == "0.5"
    with page.expect_response(lambda answer: answer.request.method == "PUT" and answer.ok):
        page.locator(".panel-heading", has=page.locator("#question-why")).locator(".mark-graded").click()
    assert not grade(graded_again, "question-why")["needs_manual_grade"]


def test_the_tables_show_the_totals(graded_again: Formgrader) -> None:
    assert [row.split()[-3:] for row in graded_again.table("gradebook")] == [["13", "/", "15"]]
    ada, mal = graded_again.table("manage_students")
    assert "12 / 15" in ada and "14 / 15" in mal
    assert "14 / 15" in graded_again.table("manage_students/mal")[0]


def test_the_button_makes_nbgraders_own_feedback(graded_again: Formgrader) -> None:
    page = graded_again.open("manage_assignments", "td.generate-feedback a")
    assert graded_again.press(page.locator("td.generate-feedback a")) == "Success"
    folder = graded_again.root / "feedback" / "mal" / SLUG
    text = (folder / "tiny_numpy.html").read_text()
    assert "Well <strong>put</strong>." in text and "12.0 / 12.0" in text
    page.goto((folder / "tiny_numpy.html").as_uri())
    assert page.evaluate("window.hit") is None and graded_again.hits == []


def test_the_button_generate_removes_nothing(graded_again: Formgrader) -> None:
    released = graded_again.root / "exercises" / SLUG
    before = sorted(p.name for p in released.rglob("*"))
    page = graded_again.open("manage_assignments", "td.assign a")
    assert "are made by `autograder build`" in graded_again.press(page.locator("td.assign a"))
    assert sorted(p.name for p in released.rglob("*")) == before
