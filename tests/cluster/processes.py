"""A scheduler and workers of Dask's, each a process of its own, as on a cluster."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.conftest import ROOT

SECONDS = 120  # after which a test gives up
GRACE = 5  # for a process that was asked to end


class Cluster:
    """Processes that end with the `with` block. client: for looking at them."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self.client: Any = None
        self.port = 0

    def __enter__(self) -> Cluster:
        self.start_scheduler()
        return self

    def start_scheduler(self) -> None:
        """On the port of the last one, if there was one."""
        from distributed import Client

        told = self.folder / f"scheduler-{len(self.processes)}.json"
        self.scheduler = self._run("scheduler", "--port", self.port, "--scheduler-file", told)
        self.client = Client(scheduler_file=str(told), timeout=SECONDS, set_as_default=False)
        self.address = self.client.scheduler.address
        self.port = int(self.address.rpartition(":")[2])

    def start_workers(self, count: int = 1, *options: object) -> None:
        """Start processes of one thread; returns when the scheduler knows them."""
        known = len(self.client.nthreads())
        self._run_workers(count, *options)
        self.client.wait_for_workers(known + count, timeout=SECONDS)

    def start_workers_with(self, *flaws: str) -> None:
        """Start a worker with each flaw of `preload`."""
        known = len(self.client.nthreads())
        for flaw in flaws:
            self._run_workers(1, "--no-nanny", flaw=flaw)
        self.client.wait_for_workers(known + len(flaws), timeout=SECONDS)

    def _run_workers(self, count: int, *options: object, flaw: str = "") -> None:
        place = self.folder / f"workers-{len(self.processes)}"
        shape = ("--nworkers", count, "--nthreads", 1, "--local-directory", place)
        preload = ("--preload", ROOT / "tests" / "cluster" / "preload.py")
        self._run("worker", self.address, *shape, *preload, *options, FLAW=flaw)

    def _run(self, *arguments: object, **environment: str) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            "dask",
            *map(str, arguments),
            "--host",
            "127.0.0.1",
            "--no-dashboard",
        ]
        quiet = {
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
            "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "critical",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "PROOF": str(self.folder / "sandbox-level"),
        }
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **quiet, **environment})
        self.processes.append(process)
        return process

    def kill_scheduler(self) -> None:
        self.scheduler.kill()
        self.scheduler.wait()

    def __exit__(self, *_: object) -> None:
        if self.client is not None:
            self.client.close()
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
            process.kill()
            process.wait()


def children(pid: int) -> dict[int, str]:
    """The processes that a process started and that live, with their command lines."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            if f"\nPPid:\t{pid}\n" in status.read_text():
                found[int(status.parent.name)] = (status.parent / "cmdline").read_text().replace("\0", " ")
    return found


def kill_and_see_the_end_of(victim: int, others: list[int]) -> bool:
    """Kill one process; do the others end, too?"""
    handles = [os.pidfd_open(pid) for pid in others]
    try:
        os.kill(victim, signal.SIGKILL)
        return all(select.select([handle], [], [], SECONDS)[0] for handle in handles)
    finally:
        for handle in handles:
            os.close(handle)
