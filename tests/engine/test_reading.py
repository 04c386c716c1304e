"""Files that were handed in to cost much: of what is read, only so much is held."""

from __future__ import annotations

import tracemalloc

import pytest

from autograder.engine import beside
from autograder.engine.beside import find_beside
from autograder.engine.reading import find_notebooks


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


@pytest.mark.parametrize("suffix", ["py", "npz"])
def test_what_lies_beside_has_a_bound_for_all_together(tmp_path, monkeypatch, suffix):
    """Each process of a submission gets it anew, and a submission may make its processes crash."""
    monkeypatch.setattr(beside, "MAX_MODULES", 25)
    for name in "abcd":
        (tmp_path / f"{name}.{suffix}").write_text("#" * 10)
    found, left_out = find_beside(tmp_path, 25)
    assert list(found) == [f"a.{suffix}", f"b.{suffix}"]
    assert left_out == [
        f"{name}.{suffix} was left out: it has 10 bytes, and at most 5 are read." for name in "cd"
    ]


def test_other_files_and_links_are_not_opened(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "secret.npz").symlink_to("/etc/passwd")
    assert find_beside(tmp_path, 25) == ({}, ["secret.npz was left out: it is no regular file."])
