"""Every attack of the breach matrix is real, and every one is stopped."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys

import pytest

from autograder.engine import breach, landlock

pytestmark = pytest.mark.skipif(
    platform.system() != "Linux" or landlock.version() == 0, reason="needs Linux with Landlock"
)


@pytest.fixture(scope="module")
def protected() -> list[breach.Result]:
    return breach.run_matrix()


def test_every_attack_is_stopped_and_the_layer_is_named(protected: list[breach.Result]):
    assert len(protected) >= 20
    assert [result for result in protected if not result.stopped or not result.by] == []
    assert {"Landlock", "seccomp", "resource limits"} <= {result.by for result in protected}


def test_attacks_succeed_without_the_sandbox():
    """Those that need no special right must work everywhere; otherwise 'stopped' would mean nothing."""
    worked = {result.name for result in breach.run_matrix(protected=False) if not result.stopped}
    assert worked >= {
        "read the gradebook",
        "overwrite the gradebook",
        "truncate the gradebook",
        "chmod the gradebook",
        "follow a symbolic link out",
        "read the parent's environment",
        "signal the parent",
        "signal through a pipe's owner",
        "execute a program",
        "fork",
        "TCP",
        "UDP",
        "a Unix socket",
        "an abstract Unix socket",
        "set resource limits",
        "map too much memory",
        "write too big a file",
        "open too many files",
        "start too many threads",
    }


AS_NOBODY = """
import ctypes, os, resource
from autograder.engine import attacks, breach, namespaces, sandbox, scratch
readable = ("/dev/null", "/dev/urandom")  # the interpreter may lie where only root may enter
breach._policy = lambda target: sandbox.Policy(
    readable, target.scratch, 5, target.memory_bytes, target.file_bytes, 16, 64, listable=()
)
os.setgroups([]); os.setgid(65534); os.setuid(65534)
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # traceable again, as a process that this user started
breach.main("protected")
"""


def test_an_ordinary_user_is_protected_too():
    if os.getuid() != 0:
        pytest.skip("the whole module runs as an ordinary user already")
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", AS_NOBODY]
    run = subprocess.run(command, env=one_thread, capture_output=True, text=True, check=True)
    assert [result for result in json.loads(run.stdout)["results"] if not result["stopped"]] == []
