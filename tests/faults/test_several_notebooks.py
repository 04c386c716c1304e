"""A unit has several notebooks: what is wrong with one file is told, and costs nothing of the others."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from autograder.authoring import release
from autograder.authoring.unit import read_unit
from autograder.engine.reading import find_notebooks
from tests.conftest import SLUG

ONE, TWO = "tiny_numpy.ipynb", "tiny_torch.ipynb"


@pytest.fixture(scope="module")
def notebooks(built_course):
    (one,) = read_unit(built_course, SLUG).notebooks
    return [one, replace(one, name="tiny_torch", cells=one.cells[:4])]


@pytest.fixture
def files(notebooks):
    return {f"{n.name}.ipynb": release.notebook_json(n, solution=True).encode() for n in notebooks}


@pytest.fixture
def found(notebooks, tmp_path):
    """How many cells of each notebook are found in a folder with these files, and what is told."""

    def look(files):
        for name, data in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(data)
        cells, troubles = find_notebooks(tmp_path, notebooks)
        return {name: len(there) for name, there in cells.items()}, troubles

    return look


@pytest.fixture
def whole(notebooks):
    return {n.name: len(n.cells) for n in notebooks}


def test_nothing_is_told_of_what_is_right(found, files, whole):
    assert found(files) == (whole, [])


def test_one_broken_file_leaves_the_other(found, files, whole):
    cells, (told,) = found({**files, TWO: b"{"})
    assert cells == {"tiny_numpy": whole["tiny_numpy"]}
    assert told.startswith(f"{TWO} is not valid JSON")


def test_swapped_names_are_put_right(found, files, whole):
    cells, troubles = found({ONE: files[TWO], TWO: files[ONE]})
    assert cells == whole
    assert troubles == [
        f"{ONE} was made from {SLUG}/tiny_torch: {TWO}, which was made from {SLUG}/tiny_numpy, "
        "is graded instead.",
        f"{TWO} was made from {SLUG}/tiny_numpy: {ONE}, which was made from {SLUG}/tiny_torch, "
        "is graded instead.",
    ]


def test_both_in_folders_of_their_own_are_found(found, files, whole):
    cells, troubles = found({f"part {n}/{name}": data for n, (name, data) in enumerate(files.items())})
    assert cells == whole
    assert [t.split(":")[0] for t in troubles] == [f"{ONE} is missing", f"{TWO} is missing"]


def test_a_copy_under_the_other_name_is_told(found, files):
    _, (told,) = found({ONE: files[ONE], TWO: files[ONE]})
    assert told == (
        f"{TWO} was made from {SLUG}/tiny_numpy, not from {SLUG}/tiny_torch: hand in the right notebook."
    )


def test_folders_without_end_are_not_searched(found, files, notebooks, tmp_path):
    (tmp_path / "/".join("d" * 60)).mkdir(parents=True)
    (tmp_path / "/".join("d" * 60) / ONE).write_bytes(files[ONE])
    assert found({})[0] == {}


def test_a_notebook_that_names_no_unit_is_known_by_the_checks_it_asks_for(found, files, whole):
    document = json.loads(files[ONE])
    document["metadata"] = {"language_info": {"name": "python"}}
    cells, _ = found({"my work.ipynb": json.dumps(document).encode(), TWO: files[TWO]})
    assert cells == whole
