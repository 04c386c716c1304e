"""Rules for a file tree that holds little else: as few as give the same files."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.engine.landlock import condensed


@pytest.fixture
def tree(tmp_path):
    for name in ("a/x", "a/y", "b/c/z", "b/hidden"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_a_folder_stands_for_its_entries(tree):
    assert set(condensed([f"{tree}/a/x", f"{tree}/a/y"])) == {f"{tree}/a", os.devnull}


def test_a_folder_with_something_else_in_it_does_not(tree):
    assert set(condensed([f"{tree}/b/c/z"])) == {f"{tree}/b/c", os.devnull}


def test_an_empty_folder_stands_for_nothing(tree):
    (tree / "empty").mkdir()
    assert f"{tree}/empty" not in condensed([f"{tree}/a/x"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(granted=st.sets(st.sampled_from(["a/x", "a/y", "b/c/z", "b/hidden", "b/c"])))
def test_no_file_is_won_or_lost(tree, granted):
    rules = condensed(f"{tree}/{name}" for name in granted)
    for file in (p for p in tree.rglob("*") if p.is_file()):
        wanted = any(file.is_relative_to(tree / name) for name in granted)
        assert any(file.is_relative_to(rule) for rule in rules) == wanted
