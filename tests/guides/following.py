"""A guide's shell blocks, followed to the letter in a course of the tests."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner
from jupyter_core.application import NoStart
from nbgrader.apps import NbGraderApp

from autograder.cli import main
from tests.conftest import ROOT

FENCE = re.compile(r"^```(bash|python|toml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str, kind: str = "bash") -> list[str]:
    """The page's blocks of a kind, in order."""
    text = (ROOT / "book" / "guides" / page).read_text(encoding="utf-8")
    return [code for language, code in FENCE.findall(text) if language == kind]


def follow(block: str, course: Path) -> str:
    """Run a block in the course's folder; what it printed. Commands in Python run in this process: to start
    one for each would take most of the time."""
    said = []
    for step in re.findall(r"(?:(?:autograder|nbgrader) .*\n)|(?:(?!autograder |nbgrader ).*\n)+", block):
        said.append(_run(step, course))
    return "".join(said)


def _run(step: str, course: Path) -> str:
    if step.startswith("autograder "):
        done = CliRunner().invoke(main, shlex.split(step)[1:])
        assert done.exit_code == 0, f"{step}{done.output}{done.exception or ''}"
        return done.output
    if step.startswith("nbgrader "):
        return _nbgrader(shlex.split(step)[1:])
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    shell = subprocess.run(
        ["bash", "-euc", step], cwd=course, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert shell.returncode == 0, f"{step}{shell.stdout}{shell.stderr}"
    return shell.stdout


def _nbgrader(words: list[str]) -> str:
    app = NbGraderApp.instance()
    try:
        app.initialize(words)
        with contextlib.suppress(NoStart):  # by which it says that a part of it has done the work
            app.start()
    finally:
        NbGraderApp.clear_instance()
    return ""
