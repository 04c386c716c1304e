"""A released notebook that is opened on Colab gets the course's package; anywhere else it gets nothing."""

import json
import subprocess
import sys
import types

import pytest
import yaml

from autograder.authoring.build import build
from autograder.authoring.unit import read_unit
from tests.conftest import ROOT, SLUG

ADDRESS = "https://github.com/someone/course"
NOTEBOOKS = sorted((ROOT / "exercises").glob("*/*.ipynb"))


def cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def first_code(path):
    return next(cell for cell in cells(path) if cell["cell_type"] == "code")


@pytest.fixture
def asked(monkeypatch):
    """The commands that a cell runs; none is."""
    commands = []
    monkeypatch.setattr(subprocess, "run", lambda command, **options: commands.append((command, options)))
    return commands


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_on_colab_the_first_code_cell_installs_the_package_from_the_courses_repository(
    notebook, asked, monkeypatch
):
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    exec("".join(first_code(notebook)["source"]), {})
    [(command, options)] = asked
    repository = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    assert command[:4] == [sys.executable, "-m", "pip", "install"]
    assert command[-1] == f"training-neural-networks[lab] @ git+{repository}"
    assert options == {"check": True}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_elsewhere_it_does_nothing(notebook, asked, monkeypatch):
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    names = {}
    exec("".join(first_code(notebook)["source"]), names)
    assert asked == []
    assert set(names) == {"__builtins__", "sys"}


def test_the_cell_is_given_and_locked_and_moves_no_other_cells_id(course):
    path = course / "exercises" / SLUG / "tiny_numpy.ipynb"
    build(read_unit(course, SLUG), course)
    before = [cell["id"] for cell in cells(path)]
    (course / "_config.yml").write_text(f"repository:\n  url: {ADDRESS}\n")
    build(read_unit(course, SLUG), course)
    first = first_code(path)
    assert first["id"] == "given-install"
    assert first["metadata"]["nbgrader"]["locked"] is True
    assert first["metadata"]["nbgrader"]["grade"] is False
    assert [cell["id"] for cell in cells(path) if cell["id"] != "given-install"] == before


def test_a_course_without_a_repository_has_no_such_cell(built_course):
    released = cells(built_course / "exercises" / SLUG / "tiny_numpy.ipynb")
    assert "given-install" not in [cell["id"] for cell in released]


def test_what_it_installs_leaves_the_runtimes_own_torch_and_jupyter_alone():
    import tomllib

    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["lab"]
    assert not [w for w in wanted if "==" in w or "<" in w or w.startswith("jupyter")]
