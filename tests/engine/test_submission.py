"""The student's answers are put into the released frame; every repair is told."""

import json

import pytest

from autograder.authoring import release
from autograder.authoring.build import load_built
from autograder.engine import answers
from autograder.engine.answers import safe_outputs
from autograder.engine.reading import find_notebooks
from autograder.engine.submission import compose
from tests.conftest import SLUG


@pytest.fixture(scope="module")
def notebook(built_course):
    return load_built(built_course, SLUG).notebooks[0]


@pytest.fixture
def cells(notebook):
    return json.loads(release.notebook_json(notebook, solution=True))["cells"]


def by_id(composed):
    return {s.id: s for s in composed.steps}


def index(cells, id):
    return next(i for i, c in enumerate(cells) if c["id"] == id)


def test_points_checks_and_given_cells_come_from_the_release(notebook, cells):
    check, given = cells[index(cells, "check-scale")], cells[index(cells, "given-01")]
    check["metadata"]["nbgrader"]["points"] = 1000
    check["source"] = ["pass"]
    given["source"] = ["check = print"]
    steps = by_id(compose(notebook, cells))
    assert (steps["check-scale"].points, steps["check-scale"].source) == (3, "check(scale)")
    assert "autograder.checks" in steps["given-01"].source


def test_a_cell_that_the_student_added_runs_where_it_stood(notebook, cells):
    cells.insert(index(cells, "scale"), {"cell_type": "code", "source": "helper = 1", "metadata": {}})
    order = [s.source for s in compose(notebook, cells).steps]
    assert order.index("helper = 1") == next(i for i, s in enumerate(order) if "def scale(" in s) - 1


def test_a_lost_cell_is_not_attempted_and_told(notebook, cells):
    del cells[index(cells, "center")]
    composed = compose(notebook, cells)
    assert by_id(composed)["center"].source == ""
    assert composed.notes == ["The cell center is missing: it counts as not attempted."]


def test_of_a_doubled_answer_both_are_run_where_they_stand(notebook, cells):
    cells.append({**cells[index(cells, "scale")], "source": "def scale(x, a): return 0"})
    composed = compose(notebook, cells)
    assert "secret_product" in by_id(composed)["scale"].source
    assert composed.steps[-1].source == "def scale(x, a): return 0"
    assert composed.notes == ["The cell scale is there twice: both are run."]


def test_the_released_order_holds_whatever_the_submitted_one(notebook, cells):
    assert [s.id for s in compose(notebook, cells[::-1]).steps] == [c.id for c in notebook.cells]


@pytest.mark.parametrize("metadata", [None, [], "x", {"nbgrader": 3}, {"nbgrader": {"grade_id": ["scale"]}}])
def test_strange_metadata_harms_nothing(notebook, cells, metadata):
    for cell in cells:
        cell["metadata"] = metadata
    assert compose(notebook, cells).notes == []


def test_only_plain_text_and_png_pictures_survive_of_outputs():
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["a\x1b[31mred\x1b[0m", "\x07b"]},
        {
            "output_type": "display_data",
            "data": {"text/html": "<script>", "application/javascript": "alert(1)"},
        },
        {"output_type": "execute_result", "data": {"image/svg+xml": "<svg/>", "text/plain": "1"}},
        {"output_type": "display_data", "data": {"image/png": 'iVBORw0KGgo" onerror="alert(1)'}},
        {"output_type": "display_data", "data": {"image/png": "iVBORw0KGgoAAA=="}},
        "no output",
    ]
    assert list(safe_outputs(outputs)) == [
        {"output_type": "stream", "name": "stdout", "text": "aredb"},
        {"output_type": "display_data", "metadata": {}, "data": {"text/plain": "1"}},
        {"output_type": "display_data", "metadata": {}, "data": {"image/png": "iVBORw0KGgoAAA=="}},
    ]


class TestFiles:
    """What may be wrong with the file itself."""

    def found(self, notebook, folder):
        return find_notebooks(folder, [notebook])

    def put(self, folder, data, name="tiny_numpy.ipynb"):
        (folder / name).write_bytes(data)

    @pytest.fixture
    def good(self, notebook):
        return release.notebook_json(notebook, solution=True).encode()

    def test_a_byte_order_mark_is_no_fault(self, notebook, tmp_path, good):
        self.put(tmp_path, b"\xef\xbb\xbf" + good)
        cells, troubles = self.found(notebook, tmp_path)
        assert len(cells["tiny_numpy"]) == len(notebook.cells) and troubles == []

    def test_latin_1_is_read(self, notebook, tmp_path, good):
        self.put(tmp_path, good.replace(b"Multiply", b"Multipli\xe9"))
        assert "tiny_numpy" in self.found(notebook, tmp_path)[0]

    def test_a_renamed_notebook_is_known_by_its_metadata(self, notebook, tmp_path, good):
        self.put(tmp_path, good, "my final version (2).ipynb")
        cells, troubles = self.found(notebook, tmp_path)
        assert "tiny_numpy" in cells and "my final version (2).ipynb" in troubles[0]

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"{", "not valid JSON"),
            (b"", "is empty"),
            (b"[" * 100_000, "nested too deeply"),
            (b"[]", "no list of cells"),
            (b'{"cells": {}}', "no list of cells"),
            (json.dumps({"cells": [{}] * 3000}).encode(), "at most 2000"),
        ],
    )
    def test_what_cannot_be_read_gets_a_sentence(self, notebook, tmp_path, data, words):
        self.put(tmp_path, data)
        cells, (trouble,) = self.found(notebook, tmp_path)
        assert cells == {} and words in trouble

    def test_a_link_is_not_followed(self, notebook, tmp_path, good):
        self.put(tmp_path, good, "elsewhere")
        (tmp_path / "tiny_numpy.ipynb").symlink_to(tmp_path / "elsewhere")
        assert "not a regular file" in self.found(notebook, tmp_path)[1][0]

    def test_a_missing_notebook_is_told(self, notebook, tmp_path):
        told = "tiny_numpy.ipynb is missing: the folder is empty. Hand it in under that name."
        assert self.found(notebook, tmp_path) == ({}, [told])


PNG, JPEG, GIF = "iVBORw0KGgo=", "/9j/4AAQ", "R0lGODlh"


def pasted(notebook, cells, attachments):
    cells[index(cells, "question-why")]["attachments"] = attachments
    composed = compose(notebook, cells)
    told = [note for note in composed.notes if "picture" in note]
    return by_id(composed)["question-why"].pictures, told


def test_pictures_pasted_into_an_answer_are_carried_along(notebook, cells):
    attachments = {
        "a.png": {"image/png": PNG},
        "b": {"image/jpeg": [JPEG]},
        "c.gif": {"image/gif": f"{GIF}\n"},
    }
    found, notes = pasted(notebook, cells, attachments)
    assert found == [("image/png", PNG), ("image/jpeg", JPEG), ("image/gif", GIF)]
    assert notes == []


@pytest.mark.parametrize(
    "attachments",
    [
        pytest.param({"a.svg": {"image/svg+xml": "<svg onload=alert(1)>"}}, id="a picture that runs code"),
        pytest.param({"a.png": {"image/png": "<svg onload=alert(1)>"}}, id="another thing under its name"),
        pytest.param({"a.png": {"image/png": f'{PNG}"><script>'}}, id="a tag behind a picture"),
        pytest.param({"a.png": {"image/gif": PNG}}, id="another type"),
        pytest.param({"a.png": {}}, id="nothing"),
        pytest.param({"a.png": PNG}, id="no bundle"),
        pytest.param({"a.png": {"image/png": [3, {}]}}, id="no text"),
    ],
)
def test_other_attachments_are_left_out_and_it_is_told(notebook, cells, attachments):
    found, notes = pasted(notebook, cells, attachments)
    assert found == [] and "in the submitted file alone" in notes[0]


def test_pictures_are_carried_up_to_a_bound(notebook, cells, monkeypatch):
    monkeypatch.setattr(answers, "MAX_PASTED", 2 * len(PNG))
    found, notes = pasted(notebook, cells, {str(n): {"image/png": PNG} for n in range(3)})
    assert len(found) == 2 and len(notes) == 1
