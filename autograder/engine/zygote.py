"""A warm interpreter that forks a child per notebook.

Run as `python -I -m autograder.engine.zygote FD KIND SCRATCH`. It is single-threaded whenever it forks: with
two OpenMP threads alive in the parent, a forked child hangs.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from autograder.engine import child, disk, landlock, namespaces, seccomp
from autograder.engine.sandbox import be_counted, default_readable

LOOK_SECONDS = 0.1  # how often the children's scratch folders are looked at


def main(fd: int, kind: str, scratch: str) -> None:
    """Warm up, take refuge in namespaces where there are any, name them, obey until the parent hangs up:
    {"spawn": policy} with two descriptors, {"reap": pid}. scratch: where each child gets a folder of its own.
    """
    control = socket.socket(fileno=fd)
    for number in (signal.SIGINT, signal.SIGTERM):  # they are for the parent, which then hangs up
        signal.signal(number, signal.SIG_IGN)
    child.warm(torch=kind == "torch")
    seccomp.prepared()
    readable = default_readable(torch=kind == "torch", photographs=True)
    to_submissions = default_readable(torch=kind == "torch")
    _assert_single_threaded()
    be_counted()
    gc.collect()
    gc.freeze()
    layers = namespaces.isolate(readable, scratch)
    if "root" in layers:
        readable, to_submissions = landlock.condensed(readable), landlock.condensed(to_submissions)
    with suppress(BrokenPipeError, ConnectionResetError):  # the parent was killed meanwhile
        control.send(json.dumps({"ready": sorted(layers)}).encode())
        Nursery(control, {True: readable, False: to_submissions}, own_scratch="root" in layers).serve()


class Nursery:
    """Bears the children, watches what they write, and buries them.

    readable: by whether a child is the course's own."""

    def __init__(self, control: socket.socket, readable: dict[bool, tuple[str, ...]], own_scratch: bool):
        self.control, self.readable, self.own_scratch = control, readable, own_scratch
        self.bound: dict[int, str] = {}  # the scratch folders that are file systems of their own
        self.clocks = os.readlink("/proc/self") == str(os.getpid())  # else /proc has other numbers for us all
        self.watched: dict[int, str] = {}  # the scratch folder of each child that may not write as it likes
        self.ended: dict[int, str] = {}  # why a child had to be ended

    def serve(self) -> None:
        while True:
            self.look()
            if self.watched and not select.select([self.control], [], [], LOOK_SECONDS)[0]:
                continue
            message, fds, _, _ = socket.recv_fds(self.control, 1 << 16, 2)
            if not message:
                return
            order = json.loads(message)
            if "spawn" in order:
                self.spawn(order["spawn"], fds)
            else:
                self.answer(self.reap(order["reap"]))

    def look(self) -> None:
        for pid, scratch in list(self.watched.items()):
            if disk.full(scratch):
                os.kill(pid, signal.SIGKILL)
                self.ended[pid] = disk.TOO_MUCH
                del self.watched[pid]

    def spawn(self, policy: dict[str, Any], fds: list[int]) -> None:
        """Answer with the child's number, which means nothing in another namespace, and with its clock."""
        scratch = policy["scratch"]
        bound = self.own_scratch and namespaces.bound(scratch, disk.MAX_BYTES, disk.MAX_FILES)
        readable = self.readable[policy.pop("own")]
        pid = _fork({**policy, "readable": readable}, fds, self.control)
        if bound:
            self.bound[pid] = scratch
        elif policy["locked"]:
            self.watched[pid] = scratch
        clock = []
        with suppress(OSError):
            clock = [os.open(f"/proc/{pid}/stat", os.O_RDONLY)] if self.clocks else []
        self.answer({"pid": pid}, clock)
        for fd in clock:
            os.close(fd)

    def answer(self, answer: dict[str, Any], fds: Sequence[int] = ()) -> None:
        socket.send_fds(self.control, [json.dumps(answer).encode()], fds)

    def reap(self, pid: int) -> dict[str, Any]:
        """Kill and wait: only this process waits for its children, so the number cannot be another's."""
        self.watched.pop(pid, None)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _, _, usage = os.wait4(pid, 0)
        if pid in self.bound:
            namespaces.unbound(self.bound.pop(pid))
        return {"cpu": usage.ru_utime + usage.ru_stime, "ended": self.ended.pop(pid, "")}


def _fork(policy: dict[str, Any], fds: list[int], control: socket.socket) -> int:
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
    return pid


def _assert_single_threaded() -> None:
    with open("/proc/self/status") as status:
        threads = next(int(line.split()[1]) for line in status if line.startswith("Threads"))
    if threads != 1:
        raise SystemExit(f"the zygote has {threads} threads; it forks safely with one only")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
