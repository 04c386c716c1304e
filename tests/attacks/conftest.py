"""Every setting is graded once; the tests look at what came of it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.attacks.classroom import Seen
from tests.conftest import ROOT

SECONDS = 1200
ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TOKEN": secrets.token_hex(12),
}


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    """A folder that an ordinary user may enter, too: pytest's own is closed, and closed again by each run."""
    folder = Path(tempfile.mkdtemp(prefix="attacks-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def seen_in(built_course: Path, place: Path) -> Callable[[str], Seen]:
    """What was seen in a setting of `classroom`."""

    @cache
    def grade(setting: str) -> Seen:
        run_module("tests.attacks.classroom", str(built_course), str(place), setting)
        return Seen(**json.loads((place / setting.replace(" ", "-") / "seen.json").read_text()))

    return grade


def run_module(*arguments: str) -> str:
    run = subprocess.run(
        [sys.executable, "-m", *arguments],
        env=ENVIRONMENT,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-5000:]
    return run.stdout
