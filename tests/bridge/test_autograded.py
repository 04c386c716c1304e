"""The notebooks in autograded/: valid, with nbgrader's metadata, the reports, and nothing of the student's
that could run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.utils import compute_checksum, determine_grade, is_grade, is_locked

from autograder.authoring.unit import Unit
from autograder.bridge.autograded import write_autograded
from tests.bridge.conftest import PNG, make_rejected, make_result
from tests.conftest import SLUG


def written(root: Path, student: str = "ada") -> Any:
    path = root / "autograded" / student / SLUG / "tiny_numpy.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    MetadataValidator().validate_nb(notebook)
    return notebook


def cell(notebook: Any, id: str) -> Any:
    return next(c for c in notebook.cells if c.id == id)


def test_nbgrader_reads_the_same_points_from_the_notebook(unit: Unit, tmp_path: Path) -> None:
    result = make_result(unit)
    write_autograded(result, unit, tmp_path)
    graded = {c.id: determine_grade(c)[0] for c in written(tmp_path).cells if is_grade(c)}
    points = {id: check.points for id, check in result.notebooks[0].checks.items()}
    assert graded == points | {"question-why": None}


def test_an_untouched_answer_is_known_to_nbgrader(unit: Unit, tmp_path: Path) -> None:
    write_autograded(make_rejected(unit), unit, tmp_path)
    notebook = written(tmp_path, "bob")
    assert all(determine_grade(c)[0] == 0 for c in notebook.cells if is_grade(c))


def test_checksums_are_those_of_the_release(unit: Unit, tmp_path: Path) -> None:
    write_autograded(make_result(unit), unit, tmp_path)
    notebook = written(tmp_path)
    locked = [c for c in notebook.cells if is_locked(c)]
    assert locked and all(c.metadata.nbgrader.checksum == compute_checksum(c) for c in locked)
    scale = cell(notebook, "scale")
    assert scale.metadata.nbgrader.checksum != compute_checksum(scale)


def test_a_check_shows_its_report_with_the_mistake(unit: Unit, tmp_path: Path) -> None:
    write_autograded(make_result(unit), unit, tmp_path)
    report = cell(written(tmp_path), "check-center").outputs[0].data
    for kind in ("text/plain", "text/html"):
        assert "The mean is over the batch, axis 0." in report[kind]


def test_own_cells_stay_where_they_were(unit: Unit, tmp_path: Path) -> None:
    write_autograded(make_result(unit, own="print('mine')"), unit, tmp_path)
    sources = [c.source for c in written(tmp_path).cells]
    assert sources.index("print('mine')") == sources.index("def scale(x, a):\n    return x * a\n") + 1


def test_repairs_and_reasons_stand_first(unit: Unit, tmp_path: Path) -> None:
    result = make_rejected(
        unit, reason="tiny.ipynb is missing: <img src=x onerror=alert(1)>.ipynb is graded."
    )
    write_autograded(result, unit, tmp_path)
    first = written(tmp_path, "bob").cells[0].source
    assert "sandbox level A" in first and "is missing" in first and "<img" not in first


def test_only_readable_times_are_copied(unit: Unit, tmp_path: Path) -> None:
    (tmp_path / "timestamp.txt").write_text("2026-03-01 12:00:00 UTC")
    write_autograded(make_result(unit), unit, tmp_path, tmp_path)
    (tmp_path / "timestamp.txt").write_text("<script>")
    write_autograded(make_result(unit, "eve"), unit, tmp_path, tmp_path)
    folder = tmp_path / "autograded"
    assert (folder / "ada" / SLUG / "timestamp.txt").read_text() == "2026-03-01 12:00:00 UTC\n"
    assert not (folder / "eve" / SLUG / "timestamp.txt").exists()


def test_a_read_only_notebook_of_nbgrader_is_replaced(unit: Unit, tmp_path: Path) -> None:
    write_autograded(make_rejected(unit, "ada"), unit, tmp_path)
    (tmp_path / "autograded" / "ada" / SLUG / "tiny_numpy.ipynb").chmod(0o444)
    write_autograded(make_result(unit), unit, tmp_path)
    assert "return x * a" in cell(written(tmp_path), "scale").source


@pytest.mark.parametrize("answer", ["<b>x</b>", "[x](javascript:alert(1))", "![x](attachment:gone.png)"])
def test_a_students_markdown_is_made_harmless(unit: Unit, tmp_path: Path, answer: str) -> None:
    write_autograded(make_result(unit, answers={"why": answer}), unit, tmp_path)
    shown = cell(written(tmp_path), "question-why").source
    assert answer not in shown and json.dumps(shown)


def test_a_pasted_picture_stands_below_its_answer(unit: Unit, tmp_path: Path) -> None:
    result = make_result(unit, answers={"why": "As drawn: ![photo](attachment:photo.png)"})
    (question,) = [s for s in result.notebooks[0].steps if s.kind == "question"]
    question.pictures = [("image/png", PNG)]
    write_autograded(result, unit, tmp_path)
    found = cell(written(tmp_path), "question-why")
    assert found.attachments == {"pasted-1.png": {"image/png": PNG}}
    body, _ = HTMLExporter(template_name="basic").from_notebook_node(nbformat.v4.new_notebook(cells=[found]))
    assert f'src="data:image/png;base64,{PNG}"' in body and "photo.png" not in body.replace("photo.png)", "")
