"""Where the kernel lacks a layer, the real command says so: a filter of system calls takes each away."""

from __future__ import annotations

import errno
import json
import os
import platform
import subprocess
import sys
from functools import cache

import pytest

from autograder.engine import landlock, seccomp, syscalls

pytestmark = pytest.mark.skipif(
    platform.system() != "Linux" or landlock.version() == 0, reason="needs Linux with Landlock"
)

COMMAND = """
import json, sys
from click.testing import CliRunner
from autograder.engine import seccomp
from autograder.engine.syscalls import call
call("prctl", 38, 1, 0, 0, 0)
seccomp.install([tuple(step) for step in json.loads(sys.argv[1])])
from autograder.cli import main
from autograder.grading import Refused, sandbox_level
doctor = CliRunner().invoke(main, ["doctor"])
try:
    level = sandbox_level()
except Refused as refused:
    level = str(refused)
print(json.dumps([doctor.exit_code, " ".join(doctor.output.split()), level]))
"""


def fails(name: str, error: int, first: int | None = None) -> list[seccomp.Instruction]:
    """All calls work but this one, or this one with this first argument."""
    fail, work = seccomp._give(seccomp.ERRNO | error), seccomp._give(seccomp.ALLOW)
    if first is not None:
        fail_it = [seccomp._argument(0), (seccomp.EQUAL, 0, 1, first), fail, work]
    else:
        fail_it = [fail]
    nr = syscalls.number(name)
    assert nr is not None
    return [seccomp._load(0), (seccomp.EQUAL, 0, len(fail_it), nr), *fail_it, work]


MISSING = {
    "Landlock": fails("landlock_create_ruleset", errno.ENOSYS),
    "seccomp": fails("prctl", errno.EINVAL, first=22),
    "namespaces": fails("unshare", errno.EPERM),
    "no_new_privs": fails("prctl", errno.EINVAL, first=38),
}


@cache
def told(layer: str) -> tuple[int, str, str]:
    """Where it is missing: exit code and words of `autograder doctor`, and the level or the refusal."""
    run = subprocess.run(
        [sys.executable, "-c", COMMAND, json.dumps(MISSING[layer])],
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "COLUMNS": "250"},
        capture_output=True,
        text=True,
        check=True,
    )
    code, output, level = json.loads(run.stdout)
    return code, output, level


@pytest.mark.parametrize(
    ("layer", "remedy"),
    [
        ("Landlock", "Use Linux 5.13 or later with Landlock enabled"),
        ("seccomp", "Use a kernel built with CONFIG_SECCOMP_FILTER"),
        ("no_new_privs", "Run the command outside of wrappers that change limits or rights"),
    ],
)
def test_below_level_b_it_refuses_and_names_layer_and_remedy(layer: str, remedy: str):
    code, output, refusal = told(layer)
    assert code != 0
    for words in (output, refusal):
        assert f"No safe sandbox here: missing {layer}" in words and remedy in words
    assert "--sandbox=none" in refusal


def test_without_namespaces_it_grades_at_level_b_and_says_what_to_do_for_a():
    code, output, level = told("namespaces")
    assert (code, level) == (0, "B")
    assert "Sandbox level B" in output and "allow unprivileged user namespaces" in output
