"""Results that wait are kept whole: what is written later is what would have been written at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autograder.authoring.unit import Unit
from autograder.batch.pending import Pending, from_json, to_json
from autograder.engine.grade import SubmissionResult
from tests.bridge.conftest import PNG, make_rejected, make_result


@pytest.fixture
def result(unit: Unit) -> SubmissionResult:
    """One with everything in it: outputs, a pasted picture, notes, flags, mistakes, digests."""
    found = make_result(
        unit, "zoë", outputs={"scale": [{"output_type": "stream", "text": "ü\u2028"}]}, own="x = 1"
    )
    (notebook,) = found.notebooks
    notebook.notes, notebook.flags = ["The cell why is there twice."], ["scale uses np.multiply"]
    notebook.steps[-1].pictures = [("image/png", PNG)]
    notebook.checks["check-center"].digests = {"returns_the_mean": "0123456789abcdef"}
    return found


def test_a_result_survives_json(result: SubmissionResult, unit: Unit) -> None:
    assert result.notebooks[0].checks["check-center"].said
    for one in (result, make_rejected(unit)):
        assert from_json(json.loads(json.dumps(to_json(one)))) == one


def test_a_result_is_found_by_what_it_depends_on(result: SubmissionResult, tmp_path: Path) -> None:
    now = {"submission": "1", "release": "2", "engine": "3", "sandbox": "A"}
    pending = Pending(tmp_path, result.unit, {"zoë": now, "ada": now})
    pending.put(result)
    assert pending.get("zoë") == result
    assert pending.get("ada") is None
    for part in now:
        assert Pending(tmp_path, result.unit, {"zoë": now | {part: "other"}}).get("zoë") is None
    assert Pending(tmp_path, "05-dropout", {"zoë": now}).get("zoë") is None


def test_what_is_damaged_is_not_there(result: SubmissionResult, tmp_path: Path) -> None:
    pending = Pending(tmp_path, result.unit, {"zoë": {}})
    pending.put(result)
    (path,) = tmp_path.rglob("*.json")
    path.write_text(path.read_text()[:-10])
    assert pending.get("zoë") is None


def test_what_nobody_needs_is_removed(result: SubmissionResult, tmp_path: Path) -> None:
    pending = Pending(tmp_path, result.unit, {"zoë": {}})
    pending.put(result)
    pending.keep_only(["zoë"])
    assert pending.get("zoë") == result
    pending.keep_only([])
    assert pending.get("zoë") is None
