"""kill -9 at any moment, the same command again: the same as if nothing had happened."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.batch.pending import to_json
from autograder.classroom.records import read_records
from autograder.engine.grade import SubmissionResult
from tests.batch.snapshot import snapshot
from tests.conftest import ROOT, SLUG

pytestmark = pytest.mark.skipif(os.uname().sysname != "Linux", reason="the engine forks and needs Linux")

MOMENTS = 16
Order = Callable[..., str]


@pytest.fixture(scope="module")
def order(
    built_course: Path,
    handed_in: Path,
    results: dict[str, SubmissionResult],
    empty_gradebook: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Order]:
    """Have a process grade the class: order(home, die_at, only_writing)."""
    first = tmp_path_factory.mktemp("first")
    shutil.copy(empty_gradebook, first)
    known = first / "results.json"
    known.write_text(json.dumps([to_json(r) for r in results.values()]))
    command = [
        sys.executable,
        "-m",
        "tests.batch.victims",
        *map(str, (built_course, handed_in, known, first)),
    ]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as victims:

        def grade(home: Path, die_at: int = 0, only_writing: bool = False) -> str:
            assert victims.stdin and victims.stdout
            line = json.dumps({"home": str(home), "die_at": die_at, "only_writing": only_writing})
            print(line, file=victims.stdin, flush=True)
            return victims.stdout.readline().strip()

        yield grade


@pytest.fixture(scope="module")
def new(empty_gradebook: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course that nothing was graded in."""
    folder = tmp_path_factory.mktemp("new")
    shutil.copy(empty_gradebook, folder)
    return folder


@pytest.fixture(scope="module")
def old(new: Path, order: Order, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course whose class an older engine graded: two points too few each, and pages that say otherwise."""
    folder = tmp_path_factory.mktemp("old")
    shutil.copytree(new, folder, dirs_exist_ok=True)
    assert order(folder) != "killed"
    for path in (folder / "records").glob("*/*.json"):
        record = json.loads(path.read_text())
        record["fingerprint"]["engine"] = "an older one"
        for check in record["checks"]:
            check["points"] = max(0.0, check["points"] - 2)
        path.write_text(json.dumps(record))
    for path in (folder / "feedback").glob("*/*/*.html"):
        path.write_text("old")
    return folder


@pytest.mark.parametrize("start", ["new", "old"])
@pytest.mark.parametrize("only_writing", [False, True], ids=["anywhere", "while writing"])
def test_a_killed_run_is_made_good_by_the_next_one(
    request: pytest.FixtureRequest, order: Order, start: str, only_writing: bool, tmp_path: Path
) -> None:
    begin = request.getfixturevalue(start)
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(begin, undisturbed)
    calls = int(order(undisturbed, only_writing=only_writing))
    expected = snapshot(undisturbed)
    assert len(read_records(undisturbed, SLUG)) == 6
    moments = random.Random(f"{start} {only_writing}")
    for number in range(MOMENTS // 4):
        home = tmp_path / str(number)
        shutil.copytree(begin, home)
        assert order(home, moments.randint(1, calls), only_writing) == "killed"
        assert order(home) != "killed"
        assert snapshot(home) == expected


def test_a_run_killed_again_and_again_comes_to_its_end(order: Order, new: Path, tmp_path: Path) -> None:
    expected, home = tmp_path / "expected", tmp_path / "home"
    shutil.copytree(new, expected)
    shutil.copytree(new, home)
    whole = int(order(expected, only_writing=True))
    runs = 0
    while order(home, whole // 4, only_writing=True) == "killed":
        runs += 1
        assert runs < 8
    assert runs >= 3
    assert snapshot(home) == snapshot(expected)


def test_the_snapshot_sees_what_a_killed_run_leaves(order: Order, new: Path, tmp_path: Path) -> None:
    """The comparison above can fail."""
    expected, home = tmp_path / "expected", tmp_path / "home"
    shutil.copytree(new, expected)
    shutil.copytree(new, home)
    calls = int(order(expected, only_writing=True))
    assert order(home, calls // 2, only_writing=True) == "killed"
    left: dict[str, Any] = snapshot(home)
    whole = snapshot(expected)
    assert left["marks"] != whole["marks"] and left["files"] != whole["files"]
