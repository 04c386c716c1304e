"""Files that were handed in to cost much: of what is read, only so much is held."""

from __future__ import annotations

import tracemalloc

import pytest

from autograder.engine import reading
from autograder.engine.reading import find_modules, find_notebooks


def peak(folder, notebooks):
    """Bytes that looking for the notebooks takes at most."""
    tracemalloc.start()
    try:
        find_notebooks(folder, notebooks)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture
def large():
    return "[" + "[]," * 20_000 + "0]"


def test_of_many_large_notebooks_one_at_a_time_is_in_memory(unit, tmp_path, large):
    for folder, files in (("one", 1), ("many", 8)):
        (tmp_path / folder).mkdir()
        for number in range(files):
            (tmp_path / folder / f"{number}.ipynb").write_text(large)
    assert peak(tmp_path / "many", unit.notebooks) < 2 * peak(tmp_path / "one", unit.notebooks)


def test_modules_have_a_bound_for_all_together(tmp_path, monkeypatch):
    """Each process of a submission gets them anew, and a submission may make its processes crash."""
    monkeypatch.setattr(reading, "MAX_MODULES", 25)
    for name in "abcd":
        (tmp_path / f"{name}.py").write_text("#" * 10)
    assert list(find_modules(tmp_path)) == ["a.py", "b.py"]
