"""The trusted side's handles on a zygote and on the child that it forked for one notebook."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from autograder.engine import wire
from autograder.engine.clock import Allowance, Meter
from autograder.engine.scratch import Scratch, remove

START_SECONDS = 120.0
GIB = 1 << 30


class EngineError(RuntimeError):
    """The engine itself cannot work: not the fault of any submission."""


class Zygote:
    """One warm interpreter ("numpy" or "torch") that forks children on order; safe to use from threads."""

    def __init__(self, kind: str, *, locked: bool = True):
        self.kind, self.locked = kind, locked
        self._lock = threading.Lock()
        self._scratch = Scratch()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    "-m",
                    "autograder.engine.zygote",
                    str(theirs.fileno()),
                    kind,
                    self._scratch.path,
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=_clean_environment(),
                cwd="/",
            )
        self._control = ours
        ours.settimeout(START_SECONDS)
        try:
            ready = ours.recv(1 << 16)
        except TimeoutError:
            self._process.kill()
            self.close()
            raise EngineError(
                f"The {kind} zygote was not ready in {START_SECONDS:g} seconds: "
                "start again on a less busy machine."
            ) from None
        if not ready:
            self.close()
            raise EngineError(f"The {kind} zygote did not start; its own message stands above.")
        self.namespaces = frozenset(json.loads(ready)["ready"])  # the layers that it obtained

    def spawn(
        self,
        *,
        cpu_seconds: int,
        memory_bytes: int = 2 * GIB,
        files: Mapping[str, bytes] | None = None,
        own: bool = False,
    ) -> Child:
        """Start a child in a folder of its own; files: what lies in that, by name; own: it runs the course's
        code, and not a submission's."""
        try:
            scratch = tempfile.mkdtemp(dir=self._scratch.path)
            for name, content in (files or {}).items():
                Path(scratch, name).write_bytes(content)
        except OSError as error:  # a full disk is no fault of whose turn it is
            raise EngineError(
                f"No folder could be made for a child in {self._scratch.path} ({error.strerror}): "
                "make room, and start the run again."
            ) from error
        policy = {
            "locked": self.locked,
            "own": own,
            "scratch": scratch,
            "cpu_seconds": cpu_seconds,
            "memory_bytes": memory_bytes,
            "file_bytes": 64 << 20,
            "threads": 64,
            "open_files": 64,
        }
        (requests, ask), (listen, answers) = os.pipe(), os.pipe()
        try:
            order = json.dumps({"spawn": policy}).encode()
            spawned, clock = self._order(order, [requests, answers])
        except BaseException:
            os.close(ask)
            os.close(listen)
            remove(scratch)
            raise
        finally:
            os.close(requests)
            os.close(answers)
        return Child(self, spawned["pid"], ask, listen, Meter(clock[0] if clock else None), scratch)

    def reap(self, pid: int) -> dict[str, Any]:
        return self._order(json.dumps({"reap": pid}).encode(), [])[0]

    def _order(self, order: bytes, fds: list[int]) -> tuple[dict[str, Any], list[int]]:
        """The zygote's answer, and the files that came with it."""
        opened: list[int] = []
        with self._lock:
            try:
                socket.send_fds(self._control, [order], fds)
                answer, opened, _, _ = socket.recv_fds(self._control, 1 << 16, 1)
            except OSError:  # a late answer would be taken for the next one's
                self._control.close()
                answer = b""
        if not answer:
            raise EngineError(f"The {self.kind} zygote is gone: start the run again.")
        for fd in opened:
            os.set_inheritable(fd, False)
        return dict(json.loads(answer)), opened

    def close(self) -> None:
        self._control.close()
        self._process.wait()
        self._scratch.close()

    def __enter__(self) -> Zygote:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Child:
    """A locked-down child; always killed and reaped, its scratch folder removed."""

    def __init__(self, zygote: Zygote, pid: int, ask: int, listen: int, meter: Meter, scratch: str):
        self.zygote, self.pid, self.scratch = zygote, pid, scratch
        self._ask, self._listen, self._meter = ask, listen, meter
        self.cpu, self.ended = 0.0, ""  # known when it is closed; ended: why the zygote ended it, if it did
        try:
            hello = self._hello()
            if "up" not in hello:
                raise EngineError(
                    f"A child could not lock itself down: {hello.get('failed', 'no reason given')}."
                )
        except BaseException:
            self.close()
            raise

    def _hello(self) -> dict[str, Any]:
        """The child's first word. No student's code has run yet: if it does not come, the fault is ours."""
        try:
            return self.receive(Allowance(30.0))[0]
        except (wire.Closed, wire.Silence, wire.BadFrame) as error:
            raise EngineError(
                f"A child did not start ({type(error).__name__}): start the run again."
            ) from error

    def request(
        self,
        header: dict[str, Any],
        arrays: wire.Arrays | None = None,
        *,
        within: Allowance,
        bounds: wire.Bounds = wire.FROM_STUDENT,
    ) -> tuple[dict[str, Any], wire.Arrays]:
        """Send a request and wait for the answer; wire.Closed, Silence or BadFrame where none comes."""
        self.send(header, arrays, within=within)
        return self.receive(within, bounds)

    def send(self, header: dict[str, Any], arrays: wire.Arrays | None = None, *, within: Allowance) -> None:
        self._meter.start()
        wire.send(self._ask, header, arrays, self._meter.left(within))

    def receive(
        self, within: Allowance, bounds: wire.Bounds = wire.FROM_STUDENT
    ) -> tuple[dict[str, Any], wire.Arrays]:
        try:
            return wire.receive(self._listen, self._meter.left(within), bounds)
        finally:
            self._meter.look(within, answered=True)

    def close(self) -> None:
        if self._ask < 0:
            return
        os.close(self._ask)
        os.close(self._listen)
        self._meter.close()
        self._ask = -1
        buried = self.zygote.reap(self.pid)
        self.cpu, self.ended = float(buried["cpu"]), str(buried["ended"])
        remove(self.scratch)

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _clean_environment() -> dict[str, str]:
    """Nothing of the instructor's environment reaches a submission."""
    fonts = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "autograder"
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(fonts),
        "IPYTHONDIR": str(fonts / "ipython"),
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }
