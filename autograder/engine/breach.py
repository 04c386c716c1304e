"""The breach matrix: attacks tried in real locked-down children, before anything is graded.

The attacks run in an interpreter of their own, one forked child each, so that the caller may have threads.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .syscalls import SandboxError, column

if TYPE_CHECKING:
    from . import attacks
    from .sandbox import Policy

MEMORY_BYTES, FILE_BYTES, OPEN_FILES = 256 << 20, 1 << 20, 64
SECONDS = 60
STILL_READABLE = (os.devnull, "/dev/urandom")

# Who stops with which error. Anything else, as "no such file", means that an attack was not really tried.
STOPPED_BY = {
    errno.EACCES: "Landlock",
    errno.EPERM: "seccomp",
    errno.ENOSYS: "the kernel",
    errno.ENOMEM: "resource limits",
    errno.EFBIG: "resource limits",
    errno.EMFILE: "resource limits",
    errno.EAGAIN: "resource limits",
}
# How a namespace stops: what it hides is not there.
OUT_OF_REACH = {errno.ENOENT, errno.EROFS, errno.ESRCH, errno.ECONNREFUSED, errno.ENETUNREACH}


@dataclass(frozen=True)
class Result:
    """One attack: whether and by which layer it was stopped, and what it saw."""

    name: str
    stopped: bool
    by: str
    detail: str


@dataclass(frozen=True)
class Proof:
    """All attacks, and the namespaces that a zygote would obtain here."""

    results: list[Result]
    namespaces: frozenset[str]


def run_matrix(*, protected: bool = True) -> list[Result]:
    """Try every attack; `protected=False` tries them without the sandbox (to see that they are real)."""
    return prove(protected=protected).results


def prove(*, protected: bool = True) -> Proof:
    """As `run_matrix`, with the namespaces; SandboxError where a layer cannot be set up at all."""
    column()
    command = [
        sys.executable,
        "-P",
        "-s",
        "-m",
        "autograder.engine.breach",
        "protected" if protected else "open",
    ]
    environment = {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "AUTOGRADER_DECOY": "the course's secret",
    }
    run = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if run.returncode != 0:
        reason = (run.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise SandboxError("breach matrix", f"its process ended with code {run.returncode}: {reason}")
    answer = json.loads(run.stdout)
    if "layer" in answer:
        raise SandboxError(answer["layer"], answer["reason"])
    return Proof([Result(**result) for result in answer["results"]], frozenset(answer["namespaces"]))


def main(mode: str) -> None:
    """In the interpreter of its own: print one JSON object."""
    from . import attacks
    from .scratch import Scratch

    with Scratch() as scratch:
        folder = scratch.path
        ports = _listen(folder)
        target = attacks.Target(folder, f"{folder}/scratch", os.getpid(), *ports, MEMORY_BYTES, FILE_BYTES)
        print(json.dumps(_report(target, protected=mode == "protected")))


def _report(target: attacks.Target, protected: bool) -> dict[str, Any]:
    from . import attacks

    policy = _policy(target) if protected else None
    try:
        if policy is not None:
            _attempt("nothing", lambda _: None, target, policy)
            policy = replace(policy, readable=STILL_READABLE)  # the same layers, set up in half the time
        results = [_attempt(name, attack, target, policy) for name, attack in attacks.ATTACKS.items()]
    except SandboxError as error:
        return {"layer": error.layer, "reason": error.reason}
    layers, walls = _namespaces(target) if protected else ([], [])
    return {"results": [asdict(result) for result in (*results, *walls)], "namespaces": layers}


def _policy(target: attacks.Target) -> Policy:
    from .sandbox import Policy, default_readable

    return Policy(default_readable(torch=False), target.scratch, 5, MEMORY_BYTES, FILE_BYTES, 16, OPEN_FILES)


def _listen(folder: str) -> tuple[int, int]:
    """Sockets to reach, open for as long as this process; returns the TCP and UDP ports."""
    sockets = [
        socket.socket(family, kind)
        for family, kind in (
            (socket.AF_INET, socket.SOCK_STREAM),
            (socket.AF_INET, socket.SOCK_DGRAM),
            (socket.AF_UNIX, socket.SOCK_STREAM),
            (socket.AF_UNIX, socket.SOCK_STREAM),
        )
    ]
    tcp, udp, unix, abstract = sockets
    tcp.bind(("127.0.0.1", 0))
    udp.bind(("127.0.0.1", 0))
    unix.bind(f"{folder}/socket")
    abstract.bind(f"\0autograder-breach-{os.getpid()}")
    for listener in (tcp, unix, abstract):
        listener.listen()
    ports = tcp.getsockname()[1], udp.getsockname()[1]
    for opened in sockets:
        opened.detach()
    return ports


def _lay_out(target: attacks.Target) -> None:
    """Fresh decoys: without the sandbox, an attack destroys them."""
    shutil.rmtree(target.scratch, ignore_errors=True)
    Path(target.scratch).mkdir()
    target.gradebook.write_bytes(b"0")
    (Path(target.scratch) / "link").symlink_to(target.gradebook)


def _attempt(name: str, attack: attacks.Attack, target: attacks.Target, policy: Policy | None) -> Result:
    _lay_out(target)
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(ours)
            os.write(theirs, json.dumps(_try(attack, target, policy)).encode())
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as answer:
        said = answer.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        by_seccomp = os.WTERMSIG(status) == signal.SIGSYS
        return Result(
            name, by_seccomp, "seccomp" if by_seccomp else "", f"killed by signal {os.WTERMSIG(status)}"
        )
    code, detail = json.loads(said) if said else (0, "the process became another")
    if isinstance(code, str):
        raise SandboxError(code, detail)
    return Result(name, code in STOPPED_BY, STOPPED_BY.get(code, ""), detail)


def _try(attack: attacks.Attack, target: attacks.Target, policy: Policy | None) -> tuple[int | str, str]:
    """In the child: the error that stopped the attack, 0 for none, or the layer that could not be set up."""
    try:
        if policy is not None:
            from .sandbox import be_counted, lock_down

            be_counted()
            lock_down(policy)
        attack(target)
    except SandboxError as error:
        return error.layer, error.reason
    except OSError as error:
        return error.errno or 0, error.strerror or str(error)
    except Exception as error:
        return 0, f"it could not be tried: {error!r}"
    return 0, "it succeeded"


def _namespaces(target: attacks.Target) -> tuple[list[str], list[Result]]:
    """The layers that `isolate` obtains, and what each stops with no other layer to help it."""
    _lay_out(target)
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(theirs, json.dumps(_behind_namespaces(target)).encode())
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as answer:
        said = answer.read()
    os.waitpid(child, 0)
    layers, tried = json.loads(said or b"[[], []]")
    return layers, [
        Result(f"{name}, {layer} namespace alone", code in OUT_OF_REACH, layer, detail)
        for layer, name, code, detail in tried
    ]


def _behind_namespaces(target: attacks.Target) -> tuple[list[str], list[tuple[str, str, int | str, str]]]:
    from . import attacks
    from .namespaces import isolate

    layers = isolate((os.devnull,), target.scratch)
    return sorted(layers), [
        (layer, name, *_try(attack, target, None))
        for layer, wall in attacks.BY_NAMESPACE.items()
        if layer in layers
        for name, attack in wall.items()
    ]


if __name__ == "__main__":
    main(sys.argv[1])
