"""What one submission costs each part of a cluster: `python -m benchmarks.cluster [STUDENTS]`.

A scheduler and a worker with two threads on this machine, the head in this process. Processor time is counted
from the fifth result to the last: warming up is not in it. What the scheduler and the worker use by the
second without work is taken off. From that follows on paper what many submissions take on many machines, and
which part is busy first."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from distributed import Client
from rich.console import Console

from autograder.authoring.build import load_built
from autograder.authoring.unit import read_unit
from autograder.batch.run import Options
from autograder.cluster import head, shipment
from autograder.grading import grade_unit
from benchmarks.grading.against_nbgrader import without_experiments
from benchmarks.grading.measure import ONE_THREAD, cpu, write
from tests.conftest import ROOT

SLUG = "02-batchnorm"
WARM = 5
IDLE_SECONDS = 15
MANY, MACHINES, CORES, NETWORK = 100_000, 16, 16, 125e6  # NETWORK: bytes a second, 1 Gbit/s


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, dict[str, int]]]:
    """The scheduler's address, and the process ids of the parts."""
    told = folder / "scheduler.json"
    environment = os.environ | ONE_THREAD | {"DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "critical"}
    shape = ("--nthreads", "2", "--no-nanny", "--local-directory", str(folder / "worker"))
    processes = []
    try:
        for name, options in {"scheduler": ("--port", "0"), "worker": shape}.items():
            command = [sys.executable, "-m", "dask", name, "--scheduler-file", str(told), "--no-dashboard"]
            processes.append(subprocess.Popen([*command, "--host", "127.0.0.1", *options], env=environment))
        with Client(scheduler_file=str(told), timeout=120, set_as_default=False) as client:
            client.wait_for_workers(1)
            address = client.scheduler.address
        yield address, {"scheduler": processes[0].pid, "worker": processes[1].pid}
    finally:
        for process in processes:
            process.terminate()
            process.wait()


def hand_in(folder: Path, students: int) -> None:
    for notebook in read_unit(ROOT, SLUG).notebooks:
        text = without_experiments(notebook)
        for number in range(students):
            place = folder / f"student-{number:04d}" / SLUG
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{notebook.name}.ipynb").write_text(text)


class Meter:
    """Reads the clocks when the first results are written and when the last one is."""

    def __init__(self, pids: dict[str, int]):
        self._pids, self._before, self._used = pids, dict[str, float](), dict[str, float]()

    def clocks(self) -> dict[str, float]:
        own = {"wall": time.monotonic(), "head": time.process_time()}
        process = psutil.Process(self._pids["worker"]).cpu_times()
        own["worker's own process"] = process.user + process.system
        return own | {name: cpu(pid) for name, pid in self._pids.items()}

    def __call__(self, what: str, done: int, of: int) -> None:
        if done == WARM:
            self._before = self.clocks()
        if done == of:
            now = self.clocks()
            self._used = {name: (now[name] - self._before[name]) / (of - WARM) for name in now}

    def cost(self) -> dict[str, float]:
        """Of one submission. The cluster must have nothing to do any more."""
        before = self.clocks()
        time.sleep(IDLE_SECONDS)
        idle = {name: now - before[name] for name, now in self.clocks().items()}
        wall = self._used.pop("wall")
        return {name: used - wall * idle[name] / idle["wall"] for name, used in self._used.items()}


def weigh(sizes: dict[str, list[int]]) -> None:
    """Note how many bytes go out with each submission and come back with its result."""
    pack, unpack = head.parcel.pack, head._result

    def packed(*arguments: Any) -> Any:
        parcel = pack(*arguments)
        sizes["out"].append(parcel.nbytes)
        return parcel

    def result(flight: Any, data: bytes) -> Any:
        sizes["back"].append(len(data))
        return unpack(flight, data)

    head.parcel.pack, head._result = packed, result  # type: ignore[assignment]


def on_paper(cost: dict[str, float], bytes_each: float) -> dict[str, float]:
    """Minutes that each part is busy with MANY submissions; the head and the scheduler are one process each.

    Everything passes the scheduler twice: in and out."""
    return {
        "head": MANY * cost["head"] / 60,
        "scheduler": MANY * cost["scheduler"] / 60,
        "workers": MANY * cost["worker"] / (MACHINES * CORES) / 60,
        "network of the scheduler": MANY * 2 * bytes_each / NETWORK / 60,
    }


def main() -> None:
    students = int(sys.argv[1]) if sys.argv[1:] else 60
    sizes: dict[str, list[int]] = {"out": [], "back": []}
    weigh(sizes)
    unit = load_built(ROOT, SLUG)
    with tempfile.TemporaryDirectory() as name, cluster(Path(name)) as (address, pids):
        folder, meter = Path(name), Meter(pids)
        hand_in(folder / "submitted", students)
        options = Options(grader=partial(head.ClusterGrader, address=address), level="cluster", watch=meter)
        started = time.monotonic()
        done = grade_unit(ROOT, SLUG, folder / "submitted", target=folder / "course", options=options)
        wall = time.monotonic() - started
        cost = meter.cost()
    assert len(done.written) == students
    each = {name: sum(found) / len(found) for name, found in sizes.items()}
    minutes = on_paper(cost, sum(each.values()))
    figures = {
        "unit": SLUG,
        "students": students,
        "wall seconds with warming up": round(wall, 1),
        "CPU seconds per submission": {k: round(v, 4) for k, v in cost.items()},
        "bytes": {"unit": len(shipment.pack(unit, ROOT, locked=True).content)}
        | {k: round(v) for k, v in each.items()},
        "on paper": {"submissions": MANY, "machines": MACHINES, "cores each": CORES}
        | {"busy minutes": {k: round(v, 1) for k, v in minutes.items()}},
    }
    Console().print(figures)
    Console().print(write("cluster", figures))


if __name__ == "__main__":
    main()
