"""kill -9 of the command while the engine's own processes work: none of them stays, and all is made good."""

from __future__ import annotations

import os
import random
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.batch.conftest import Run
from tests.batch.snapshot import SECONDS, snapshot
from tests.conftest import ROOT, SLUG

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.uname().sysname != "Linux", reason="the engine forks and needs Linux"),
]

PATIENCE = 300.0
COMMAND = """
import sys
from autograder import grading
from autograder.cli import main
grading.sandbox_level = lambda: "B"
main()
"""


class Command:
    """`autograder grade` with a folder for temporary files of its own, by which its processes are known."""

    def __init__(self, course: Path, submitted: Path, home: Path, temporary: Path):
        self.course, self.home, self.temporary = course, home, temporary
        temporary.mkdir()
        self.words = ["grade", SLUG, "--submitted", str(submitted), "--course", str(home), "--jobs", "2"]

    def start(self) -> subprocess.Popen[bytes]:
        environment = os.environ | {"TMPDIR": str(self.temporary), "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, *self.words],
            cwd=self.course,
            env=environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
        )

    def processes(self) -> Iterator[int]:
        """Those that name the folder on their command line: zygotes, and children, who bear their names."""
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if str(self.temporary).encode() in path.read_bytes():
                    yield int(path.parent.name)

    def wait_for_the_last(self) -> None:
        for pid in self.processes():
            with suppress(ProcessLookupError):
                descriptor = os.pidfd_open(pid)
                assert select.select([descriptor], [], [], PATIENCE)[0], f"process {pid} lives on"
                os.close(descriptor)


@pytest.fixture
def course(built_course: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built_course, tmp_path / "course"))


@pytest.fixture
def killed(course: Path, handed_in: Path, empty_gradebook: Path, tmp_path: Path) -> Command:
    (tmp_path / "killed").mkdir()
    shutil.copy(empty_gradebook, tmp_path / "killed")
    return Command(course, handed_in, tmp_path / "killed", tmp_path / "temporary")


def records(home: Path) -> int:
    return len(list(home.glob(f"records/*/{SLUG}.json")))


def test_killed_while_the_engine_works(killed: Command, run: Run, home: Path) -> None:
    """As soon as a result is there, and a moment later; only the parent, so that the others are orphans."""
    with killed.start() as process:
        while not records(killed.home) and process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.01)
        with suppress(subprocess.TimeoutExpired):
            process.wait(random.Random(1).uniform(0, 0.2))
        process.kill()
    killed.wait_for_the_last()
    assert list(killed.processes()) == []
    assert 1 <= records(killed.home) < 6
    assert list(killed.temporary.iterdir()) != []
    assert killed.start().wait(PATIENCE) == 0
    assert list(killed.temporary.iterdir()) == []
    run()
    varies = (*SECONDS, "fingerprint")  # another process may find the engine edited meanwhile
    assert snapshot(killed.home, varies) == snapshot(home, varies)
