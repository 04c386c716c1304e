"""The head of a run on a cluster: hands submissions out, takes results in, and never lets many wait here."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any

from autograder.authoring.unit import Unit
from autograder.batch.pending import from_json
from autograder.cluster import parcel, shipment, worker
from autograder.cluster.workers import GO_ON, LOOK_SECONDS, ClusterError, Workers
from autograder.engine.grade import SubmissionResult, rejected
from autograder.engine.reading import find_notebooks

CONNECT_SECONDS = 20
PATIENCE = 300.0  # seconds without any worker after which a run ends
MAX_WAITING = 256 << 20  # bytes of submissions that are handed out at a time
TRIES = 3  # how often a submission is handed out again before it is tried alone


@dataclass
class _Flight:
    """A submission on its way. allowed: the workers that may take it; all where it names none."""

    student: str
    folder: Path
    nbytes: int
    troubles: list[str]
    allowed: frozenset[str]


class ClusterGrader:
    """Grades on the workers of the Dask scheduler at `address`; otherwise like `engine.grade.Grader`.

    sandbox: the lowest level of the workers at the start, whatever is asked for: each one proves its own.
    tell: is told, in a sentence, what the person at the terminal should know. patience: how many seconds a
    run waits while there is no worker."""

    def __init__(
        self,
        unit: Unit,
        root: Path,
        *,
        address: str,
        sandbox: str = "",
        locked: bool = True,
        tell: Callable[[str], None] = lambda _: None,
        patience: float = PATIENCE,
    ):
        self.unit, self.address = unit, address
        self._shipment = shipment.pack(unit, root, locked=locked)
        self._numbers = count()
        self._flying: dict[Any, _Flight] = {}
        self._landed: SimpleQueue[Any] = SimpleQueue()
        self._returned: deque[tuple[str, Path]] = deque()
        self._tries: Counter[str] = Counter()
        self._suspects: dict[str, Path] = {}
        self._client = _connect(address)
        self._workers = Workers(self._client, locked, tell, patience)
        try:
            self.sandbox = self._workers.assemble()
            # A task of its own, so that Dask keeps one copy on each worker and makes another if all are lost.
            self._content = self._client.submit(
                bytes, self._shipment.content, key=f"unit-{self._shipment.digest}"
            )
        except BaseException:
            self.close()
            raise

    def grade(self, student: str, folder: Path) -> SubmissionResult:
        return next(self.grade_class({student: folder}))

    def grade_class(self, folders: Mapping[str, Path], jobs: int = 0) -> Iterator[SubmissionResult]:
        """Grade many submissions; results in the order in which they are ready. `jobs` is for the workers.

        Submissions are taken one by one, so `folders` may come to an end early; results are not kept. Those
        whose workers died are graded again at the end, one at a time, so that no neighbour is blamed."""
        yield from self._stream(iter(folders.items()), alone=False)
        suspects, self._suspects = self._suspects, {}
        yield from self._stream(iter(suspects.items()), alone=True)

    def _stream(self, waiting: Iterator[tuple[str, Path]], alone: bool) -> Iterator[SubmissionResult]:
        more = True
        while more or self._returned or self._flying:
            while self._has_room(alone):
                taken = self._returned.popleft() if self._returned else next(waiting, None)
                if taken is None:
                    more = False
                    break
                yield from self._hand_out(*taken)
            if self._flying or not self._workers.fit:
                yield from self._take_in(alone)

    def _has_room(self, alone: bool) -> bool:
        """Two submissions a thread, so that none waits for the next one, and never too many bytes."""
        if not (self._flying and self._workers.fit):
            return bool(self._workers.fit)
        most = 1 if alone else 2 * self._workers.threads + 2
        return len(self._flying) < most and sum(f.nbytes for f in self._flying.values()) < MAX_WAITING

    def _hand_out(self, student: str, folder: Path) -> Iterator[SubmissionResult]:
        """Send a submission off, or reject it where its folder cannot even be opened."""
        _, troubles = find_notebooks(folder, [])
        if troubles:
            yield rejected(self.unit, student, " ".join(troubles), self.sandbox)
            return
        packed = parcel.pack(folder, [notebook.name for notebook in self.unit.notebooks])
        allowed = self._workers.fit if self._workers.excluded else frozenset()
        future = self._client.submit(
            worker.grade,
            self._shipment.digest,
            self._content,
            self._shipment.locked,
            packed.entries,
            key=(f"grade-{self._shipment.digest[:12]}-{id(self)}", next(self._numbers)),
            workers=sorted(allowed) or None,
        )
        self._flying[future] = _Flight(student, folder, packed.nbytes, packed.troubles, allowed)
        future.add_done_callback(self._landed.put)

    def _take_in(self, alone: bool) -> Iterator[SubmissionResult]:
        """Wait for a result, or for the time to look at the cluster."""
        future = None
        with suppress(Empty):
            future = self._landed.get(timeout=LOOK_SECONDS)
        if self._client.status != "running":
            raise ClusterError(f"The scheduler at {self.address} is gone. {GO_ON}")
        self._workers.look()
        for stranded in [f for f, flight in self._flying.items() if self._is_stranded(flight)]:
            self._again(stranded)
        if future in self._flying:
            yield from self._settle(future, alone)

    def _is_stranded(self, flight: _Flight) -> bool:
        """May only workers take it that are gone?"""
        return bool(flight.allowed) and not flight.allowed & self._workers.there.keys()

    def _settle(self, future: Any, alone: bool) -> Iterator[SubmissionResult]:
        from distributed import KilledWorker

        try:
            answer: worker.Answer = future.result(timeout=5 * LOOK_SECONDS)
        except TimeoutError:  # the worker died with the result: it is made again elsewhere
            self._landed.put(future)
        except CancelledError as error:
            raise ClusterError(f"The scheduler at {self.address} lost the run. {GO_ON}") from error
        except KilledWorker as death:
            died = f"its worker's process died {death.allowed_failures + 1} times"
            yield from self._suspected(future, died, TRIES, alone)
        except Exception as error:  # a newcomer without the package cannot even say that it must not grade
            if not self._workers.sort_out():
                raise ClusterError(f"A worker cannot start to grade: {error!r}. {GO_ON}") from error
            self._again(future)
        else:
            yield from self._answered(future, answer, alone)

    def _answered(self, future: Any, answer: worker.Answer, alone: bool) -> Iterator[SubmissionResult]:
        if answer.kind == "graded":
            yield _result(self._flying.pop(future), answer.result)
        elif answer.kind == "unfit":
            self._workers.exclude(answer.worker, answer.why)
            self._again(future)
        else:
            self._workers.stumbled(answer.worker, self._flying[future].student, answer.why)
            yield from self._suspected(future, f"the engine broke down ({answer.why})", 1, alone)

    def _again(self, future: Any) -> None:
        flight = self._flying.pop(future)
        future.cancel()
        self._returned.append((flight.student, flight.folder))

    def _suspected(self, future: Any, what: str, tries: int, alone: bool) -> Iterator[SubmissionResult]:
        """Grading it failed `tries` times more: whose fault is it?"""
        flight = self._flying[future]
        self._tries[flight.student] += tries
        if self._tries[flight.student] < TRIES:
            self._again(future)
            return
        del self._flying[future]
        if alone:
            reason = f"This submission cannot be graded: {what}, also with nothing else to grade."
            yield rejected(self.unit, flight.student, reason, self.sandbox)
        else:
            del self._tries[flight.student]
            self._suspects[flight.student] = flight.folder

    def close(self) -> None:
        """Let the cluster forget the unit and its secret, and leave."""
        self._workers.close()
        with suppress(Exception):  # what cannot be reached any more is not kept from anybody
            if self._client.status == "running":
                self._client.cancel(list(self._flying))
                self._client.run(worker.dismiss, self._shipment.digest, on_error="ignore")
        self._client.close()

    def __enter__(self) -> ClusterGrader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _connect(address: str) -> Any:
    """A client of the scheduler; ClusterError where none answers. Dask's own configuration sets up TLS."""
    try:
        from distributed import Client
    except ImportError:
        raise ClusterError(
            "Grading on a cluster needs Dask: pip install 'training-neural-networks[cluster]'."
        ) from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is told in one sentence
    try:
        asyncio.run(_knock(address))  # a client that cannot connect leaves threads behind
        return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(
            f"No Dask scheduler answers at {address} ({str(error).splitlines()[0]}): start one with "
            "`dask scheduler`, and give the address that it prints."
        ) from error


async def _knock(address: str) -> None:
    from distributed.comm import connect
    from distributed.security import Security

    arguments = Security().get_connection_args("client")
    comm = await connect(address, timeout=CONNECT_SECONDS, **arguments)
    await comm.close()


def _result(flight: _Flight, data: bytes) -> SubmissionResult:
    """What a worker sent. It is JSON all the same: nothing of a student's is ever an object here."""
    result = from_json(json.loads(data))
    result.student = flight.student
    result.reason = " ".join([*flight.troubles, result.reason]).strip()
    return result
