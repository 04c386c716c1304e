"""A warm interpreter that forks a child per notebook.

Run as `python -I -m autograder.engine.zygote FD KIND SCRATCH`. It is single-threaded whenever it forks: with
two OpenMP threads alive in the parent, a forked child hangs.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

from autograder.engine import child
from autograder.engine.namespaces import isolate
from autograder.engine.sandbox import default_readable


def main(fd: int, kind: str, scratch: str) -> None:
    """Warm up, take refuge in namespaces where there are any, say "ready", then obey: {"spawn": policy} with
    two descriptors, {"reap": pid}. scratch: the folder in which each child gets one of its own."""
    control = socket.socket(fileno=fd)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then hangs up
    child.warm(torch=kind == "torch")
    readable = default_readable(torch=kind == "torch")
    _assert_single_threaded()
    isolate(readable, scratch)
    gc.collect()
    gc.freeze()
    control.send(b"ready")
    while True:
        message, fds, _, _ = socket.recv_fds(control, 1 << 16, 2)
        if not message:
            return
        order = json.loads(message)
        answer = (
            _spawn({**order["spawn"], "readable": readable}, fds, control)
            if "spawn" in order
            else _reap(order["reap"])
        )
        control.send(json.dumps(answer).encode())


def _spawn(policy: dict[str, Any], fds: list[int], control: socket.socket) -> dict[str, Any]:
    pid = os.fork()
    if pid == 0:
        try:
            control.close()
            signal.signal(signal.SIGINT, signal.default_int_handler)
            child.main(policy, *fds)
        finally:
            os._exit(70)
    for fd in fds:
        os.close(fd)
    return {"pid": pid}


def _reap(pid: int) -> dict[str, Any]:
    """Kill and wait: only this process waits for its children, so the number cannot be another's."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    _, _, usage = os.wait4(pid, 0)
    return {"cpu": usage.ru_utime + usage.ru_stime}


def _assert_single_threaded() -> None:
    with open("/proc/self/status") as status:
        threads = next(int(line.split()[1]) for line in status if line.startswith("Threads"))
    if threads != 1:
        raise SystemExit(f"the zygote has {threads} threads; it forks safely with one only")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
