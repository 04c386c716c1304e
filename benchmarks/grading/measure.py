"""CPU, wall time and memory of a command with all the processes that it starts."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent.parent / "results"
SAMPLE_SECONDS = 0.25
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
AUTOGRADER = str(Path(sys.executable).with_name("autograder"))
TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Cost:
    """wall, cpu: seconds. memory: the largest sum of the processes' own shares (PSS) that was sampled;
    parent: what the first of the processes held at its largest (RSS). Both in MB."""

    wall: float
    cpu: float
    memory: float
    parent: float


def run(command: list[str], folder: Path) -> Cost:
    """Run it to its end; CalledProcessError where it fails, with what it said."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | ONE_THREAD,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watcher = Watcher(process.pid)
    said, _ = process.communicate()
    wall = time.monotonic() - started
    memory, parent = watcher.stop()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, said[-3000:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu, memory, parent)


class Watcher:
    """Samples the memory of a process and of its descendants; its own CPU time is not theirs."""

    def __init__(self, pid: int):
        self._pid, self._ended = pid, threading.Event()
        self._memory = self._parent = 0.0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self._memory = max(self._memory, sum(map(share, descendants(self._pid))))
            self._parent = max(self._parent, status(self._pid, "VmHWM"))

    def stop(self) -> tuple[float, float]:
        self._ended.set()
        self._thread.join()
        return self._memory, self._parent


def descendants(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from descendants(int(child))


def cpu(pid: int) -> float:
    """Seconds that a process, its living descendants, and those that they buried have used."""
    seconds = 0.0
    for each in descendants(pid):
        with suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            seconds += sum(map(int, fields[11:15])) / TICK
    return seconds


def share(pid: int) -> float:
    """The process's proportional share of the memory that it uses, in MB."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def status(pid: int, entry: str) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{entry}:"):
                return int(line.split()[1]) / 1024
    return 0.0


def write(name: str, figures: Any) -> Path:
    """Write benchmarks/results/grading-NAME.json."""
    where = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "load before": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        **{package: metadata.version(package) for package in ("numpy", "torch", "nbgrader")},
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"grading-{name}.json"
    path.write_text(json.dumps({"where": where, **figures}, indent=1) + "\n", encoding="utf-8")
    return path


def rounded(cost: Cost, over: int = 1) -> dict[str, float]:
    """The cost, times for each of so many submissions."""
    plain = asdict(cost)
    return {k: round(v / over, 4) if k in ("wall", "cpu") else round(v, 1) for k, v in plain.items()}
