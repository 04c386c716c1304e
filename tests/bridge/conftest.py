"""Results built by hand: what the engine would have found, without running it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring.release import stub
from autograder.authoring.unit import Unit, read_unit
from autograder.engine.grade import NotebookResult, SubmissionResult
from autograder.engine.judging import CheckResult
from autograder.engine.submission import compose
from autograder.verdict import Mistake, Verdict
from tests.conftest import SLUG

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WRONG_AXIS = Mistake(
    "wrong-axis", "center", "The mean is over the batch, axis 0.", hint="Look at x.shape.", see="equation (3)"
)


@pytest.fixture
def unit(built_course: Path) -> Unit:
    return read_unit(built_course, SLUG)


@pytest.fixture(scope="session")
def empty_gradebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """nbgrader takes seconds to make an empty database: once is enough."""
    from autograder.bridge.gradebook import open_gradebook
    from autograder.bridge.settings import gradebook_url

    folder = tmp_path_factory.mktemp("empty")
    open_gradebook(gradebook_url(folder)).close()
    return folder / "gradebook.db"


@pytest.fixture
def home(tmp_path: Path, empty_gradebook: Path) -> Path:
    """A course's folder with an empty gradebook."""
    shutil.copy(empty_gradebook, tmp_path)
    return tmp_path


def make_result(
    unit: Unit,
    student: str = "ada",
    *,
    answers: dict[str, str] | None = None,
    outputs: dict[str, list[dict[str, Any]]] | None = None,
    own: str = "",
) -> SubmissionResult:
    """scale: all of 3 points; center: half of 4; scale_centered: not attempted; test_scale: rejected."""
    notebook = unit.notebooks[0]
    answers = {"scale": "def scale(x, a):\n    return x * a\n", "why": "Because."} | (answers or {})
    cells = [
        {"id": c.id, "cell_type": "code", "source": answers.get(c.name, stub(c.source))}
        for c in notebook.cells
        if c.kind in ("solution", "question")
    ]
    if own:
        cells.insert(1, {"cell_type": "code", "source": own})
    composed = compose(notebook, cells)
    for step in composed.steps:
        step.outputs = (outputs or {}).get(step.id, [])
    found = {
        "check-scale": [Verdict("scales_every_entry", "passed"), Verdict("scales_by_zero", "passed")],
        "check-center": [
            Verdict("subtracts_the_mean_of_the_batch", "wrong", "the shape is (4, 1)", "wrong-axis"),
            Verdict("returns_the_mean", "passed"),
        ],
        "check-scale_centered": [Verdict("centers_and_scales", "not attempted", "not attempted yet")],
        "check-test_scale": [Verdict("accepts_the_right_one_only", "wrong", "rejects a right scale")],
    }
    checks = {c.id: CheckResult(c.name, c.points, found[c.id]) for c in notebook.of_kind("check")}
    checks["check-center"].said.append(WRONG_AXIS)
    graded = NotebookResult(notebook.name, composed.steps, checks, composed.notes)
    return SubmissionResult(student, unit.slug, "graded", "", [graded], 0.5, 0.2, "A")


def make_rejected(unit: Unit, student: str = "bob", reason: str = "tiny_numpy.ipynb is missing.") -> Any:
    notebooks = []
    for n in unit.notebooks:
        checks = {c.id: CheckResult(c.name, c.points, []) for c in n.of_kind("check")}
        notebooks.append(NotebookResult(n.name, compose(n, []).steps, checks, ["The notebook is missing."]))
    return SubmissionResult(student, unit.slug, "rejected", reason, notebooks, sandbox="A")
