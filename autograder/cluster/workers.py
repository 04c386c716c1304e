"""Who is on the cluster, and who of them may grade."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import Future as Promise
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from autograder.cluster import worker
from autograder.cluster.versions import difference
from autograder.engine.versions import versions

LOOK_SECONDS = 2.0  # how often the cluster is looked at
SAY_SECONDS = 10.0  # how often it is said that there is no worker
STUMBLES = 3  # a worker whose engine broke down over so many submissions gets no more of them
GO_ON = "What was graded is kept: the same command goes on from there."


class ClusterError(RuntimeError):
    """The cluster cannot grade; the message says what to do."""


class Workers:
    """The workers of one scheduler. patience: how many seconds a run waits while there is none.

    there: the threads of each one that is connected; excluded: those that must not grade, and why."""

    def __init__(self, client: Any, locked: bool, tell: Callable[[str], None], patience: float):
        self._client, self._locked, self._tell, self._patience = client, locked, tell, patience
        self.there: dict[str, int] = {}
        self.excluded: dict[str, str] = {}
        self._stumbles: dict[str, set[str]] = defaultdict(set)
        self._asked: set[str] = set()
        self._answers: Promise[Mapping[str, Any]] | None = None
        self._looked = self._said = float("-inf")
        self._deserted = time.monotonic()  # since when there has been none that may grade
        self._asking = ThreadPoolExecutor(max_workers=1)

    @property
    def fit(self) -> frozenset[str]:
        return frozenset(self.there.keys() - self.excluded.keys())

    @property
    def threads(self) -> int:
        return sum(self.there[address] for address in self.fit)

    def assemble(self) -> str:
        """Wait for a worker, ask all that are there, and give the lowest of their levels; ClusterError where
        one of them must not grade."""
        while not self.there:
            self._look()
            if not self.there:
                time.sleep(LOOK_SECONDS / 4)
        self._asked |= self.there.keys()
        answers = self._ask(list(self.there))
        unfit = [
            f"The worker {a} cannot grade: {why}" for a, said in answers.items() if (why := _unfit(said))
        ]
        if unfit:
            raise ClusterError(
                f"{' '.join(unfit)} Nothing was graded: mend that, or take it off the cluster."
            )
        return max(("A", *(said["level"] for said in answers.values() if isinstance(said, dict))))

    def look(self) -> None:
        """Every few seconds: who came, who went. ClusterError where there has been nobody for too long."""
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self._look()
            self._meet()

    def sort_out(self) -> bool:
        """Ask everybody now; was somebody found who must not grade?"""
        self._look()
        before = len(self.excluded)
        self._judge(self._ask(list(self.fit)))
        return len(self.excluded) > before

    def exclude(self, address: str, why: str) -> None:
        if address not in self.excluded:
            self.excluded[address] = why
            self._tell(f"The worker {address} gets no submissions: {why}")

    def stumbled(self, address: str, student: str, how: str) -> None:
        """Its engine broke down. With one submission, that may be the submission's fault."""
        self._stumbles[address].add(student)
        if len(self._stumbles[address]) >= STUMBLES:
            self.exclude(address, f"its engine breaks down again and again ({how})")

    def _look(self) -> None:
        self._looked = time.monotonic()
        try:
            self.there = dict(self._client.nthreads())
        except (OSError, ValueError, RuntimeError) as error:
            raise ClusterError(f"The scheduler does not answer any more ({error}). {GO_ON}") from error
        if self.fit:
            self._deserted = self._looked
            return
        waited = self._looked - self._deserted
        if waited >= self._patience:
            raise ClusterError(
                f"No worker that may grade for {waited:.0f} seconds: start one with "
                f"`dask worker {self._client.scheduler.address}`. {GO_ON}"
            )
        if waited >= LOOK_SECONDS and self._looked - self._said >= SAY_SECONDS:
            self._said = self._looked
            self._tell(f"no worker at {self._client.scheduler.address}: waiting for one ({waited:.0f} s)")

    def _meet(self) -> None:
        """Ask newcomers what they have, while others grade. Whoever must not grade finds out alone too."""
        if self._answers is None:
            new = self.fit - self._asked
            if new:
                self._asked |= new
                self._answers = self._asking.submit(self._ask, list(new))
        elif self._answers.done():
            self._judge(self._answers.result())
            self._answers = None

    def _judge(self, answers: Mapping[str, Any]) -> None:
        for address, said in answers.items():
            if why := _unfit(said):
                self.exclude(address, why)

    def _ask(self, addresses: list[str]) -> Mapping[str, Any]:
        try:
            return dict(self._client.run(worker.standing, self._locked, workers=addresses, on_error="return"))
        except OSError:  # they are gone again
            return {}

    def close(self) -> None:
        self._asking.shutdown(cancel_futures=True)


def _unfit(said: Any) -> str:
    """Why a worker with this answer must not grade; nothing where it may, or is gone already."""
    if isinstance(said, OSError):
        return ""
    if isinstance(said, Exception):
        missing = "ModuleNotFoundError" in repr(said) or "ImportError" in repr(said)
        return (
            f"the course's package is missing there ({said})."
            if missing
            else f"it does not answer ({said!r})."
        )
    told = difference(versions(), said)
    return f"it has {told}. Install the same versions as on the head." if told else said["why"]
