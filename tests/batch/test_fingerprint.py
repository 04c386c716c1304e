"""A fingerprint changes with everything that a result depends on, and gives no secret away."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring.unit import Unit
from autograder.batch.fingerprint import Fingerprints, release_digest, submission_digest
from autograder.engine import versions as engine_versions
from autograder.engine.secret import NAME, course_secret
from autograder.engine.versions import code_digest
from tests.conftest import ROOT, SLUG


@pytest.fixture
def root(built_course: Path, tmp_path: Path) -> Path:
    """What is released of the course, and its secret."""
    shutil.copytree(built_course / "exercises", tmp_path / "exercises")
    course_secret(tmp_path)
    return tmp_path


def with_cell(unit: Unit, name: str, **changes: Any) -> Unit:
    (notebook,) = unit.notebooks
    cells = [replace(c, **changes) if c.id == name else c for c in notebook.cells]
    return replace(unit, notebooks=[replace(notebook, cells=cells)])


def with_checks(unit: Unit, old: str, new: str) -> Unit:
    (notebook,) = unit.notebooks
    return replace(unit, notebooks=[replace(notebook, checks=notebook.checks.replace(old, new))])


def with_mistake(unit: Unit, **changes: Any) -> Unit:
    first, *rest = unit.patches
    return replace(unit, patches=[replace(first, mistake=replace(first.mistake, **changes)), *rest])


RELEASES: dict[str, Callable[[Unit], Unit]] = {
    "a hidden probe": lambda u: with_checks(u, '"a": 0.0', '"a": 1.0'),
    "the reference's answer": lambda u: with_cell(u, "scale", source="def scale(x, a): return a * x"),
    "points": lambda u: with_cell(u, "check-scale", points=5),
    "a given cell": lambda u: with_cell(u, "given-01", source="import numpy as np"),
    "what a mistake is told": lambda u: with_mistake(u, says="Look again."),
    "limits": lambda u: replace(u, limits=replace(u.limits, probe_seconds=3.0)),
}


@pytest.mark.parametrize("what", RELEASES)
def test_a_changed_unit_has_another_digest(unit: Unit, root: Path, what: str) -> None:
    changed = RELEASES[what](unit)
    assert changed != unit
    assert release_digest(changed, root) != release_digest(unit, root)


def test_released_cases_count(unit: Unit, root: Path) -> None:
    before = release_digest(unit, root)
    (root / "exercises" / SLUG / "checks" / "tiny_numpy.npz").write_bytes(b"other numbers")
    assert release_digest(unit, root) != before


def test_another_secret_counts_and_none_is_shown(unit: Unit, root: Path) -> None:
    before = release_digest(unit, root)
    (root / NAME).write_text("ab" * 32)
    after = Fingerprints(unit, root, "A").of(root)
    assert after["release"] != before
    assert "ab" * 32 not in json.dumps(after)


def test_the_same_gives_the_same(unit: Unit, root: Path) -> None:
    again = Unit.from_json(json.loads(json.dumps(unit.to_json())))
    assert release_digest(unit, root) == release_digest(again, root)


def test_an_edited_engine_counts_wherever_it_lies(tmp_path: Path) -> None:
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "session.py").write_text("half = 0.5")
    here, there = ({"engine": tmp_path / place} for place in ("here", "there"))
    assert code_digest(here) == code_digest(there)
    (tmp_path / "there" / "session.py").write_text("half = 0.6")
    assert code_digest(here) != code_digest(there)


def test_the_engine_and_the_given_code_are_both_read(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Path] = {}
    monkeypatch.setattr(engine_versions, "code_digest", lambda packages: seen.update(packages) or "digest")
    assert engine_versions.versions.__wrapped__()[engine_versions.PACKAGE] == "digest"
    assert seen == {"autograder": ROOT / "autograder", "lab": ROOT / "lab"}


def test_files_cannot_be_cut_in_another_place(tmp_path: Path) -> None:
    """The name and the content of a file are not simply put one after the other."""
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, name, text in ((one, "a.ipynb", "b.ipynb"), (other, "a.ipynbb.ipynb", "")):
        folder.mkdir()
        (folder / name).write_text(text)
    assert submission_digest(one) != submission_digest(other)


@pytest.mark.skipif(os.name != "posix", reason="pipes are files there")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "timestamp.txt")
    assert submission_digest(tmp_path)
