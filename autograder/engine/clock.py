"""Limits of time that a busy machine does not tighten.

A process is charged what it computed (its processor time, all threads together) and what it slept. What it
waits for a processor or a disk is the machine's fault, and free: a right answer earns its marks on a machine
that has ten times too much to do. The kernel tells both in /proc/PID/stat, which no process can forge.
Time by the clock on the wall has a bound of its own, far away, for a machine that never comes round to it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

TICK = 0.1  # seconds between two looks at a process
MOMENT = 0.01  # no answers are worth more looks than this: a look costs as much as a short answer
PATIENCE, GRACE = 10, 30  # an allowance of s seconds ends after PATIENCE * s + GRACE by the clock on the wall
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
NOT_ITS_FAULT = b"RD"  # it runs or waits for a processor; it waits for a disk, or for its own memory


class Allowance:
    """Seconds that a process may spend, of which each is also one of `within`."""

    def __init__(self, seconds: float, within: Allowance | None = None):
        self.seconds, self.within = seconds, within
        self.computed = self.slept = self.passed = 0.0

    def spend(self, computed: float, slept: float, passed: float) -> None:
        self.computed, self.slept = self.computed + computed, self.slept + slept
        self.passed += passed
        if self.within is not None:
            self.within.spend(computed, slept, passed)

    @property
    def spent(self) -> float:
        return self.computed + self.slept

    @property
    def left(self) -> float:
        """Seconds until the first bound; at most 0 when it is reached."""
        own = min(self.seconds - self.spent, PATIENCE * self.seconds + GRACE - self.passed)
        return own if self.within is None else min(own, self.within.left)

    def why(self) -> str:
        """What used it up, for the student."""
        if self.spent < self.seconds:
            return (
                f"it took longer than {PATIENCE * self.seconds + GRACE:g} seconds, most of them waiting for "
                "a busy machine. Ask for it to be graded again."
            )
        if self.computed >= self.slept:
            return f"it took longer than {self.seconds:g} seconds of computing. Is there an endless loop?"
        return f"it took longer than {self.seconds:g} seconds, most of them asleep. What does it wait for?"


@dataclass
class Meter:
    """What one process spends. stat: its /proc/PID/stat, open; without one, it is charged all the time."""

    stat: int | None
    now: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._at = self._looked = self.now()
        self._computed, _ = self._read()

    def start(self) -> None:
        """What passed since the last look is not its time, for nobody had asked it for anything."""
        self._at = self.now()

    def left(self, allowance: Allowance) -> Callable[[], float]:
        """For the wire: how long to wait until this is asked again; 0 when the allowance is spent."""

        def left() -> float:
            if self.now() - self._at >= TICK:
                self.look(allowance)
            return max(0.0, min(TICK, allowance.left))

        return left

    def look(self, allowance: Allowance, answered: bool = False) -> None:
        """Charge what was spent since the last look. One that has answered sleeps until the next question."""
        now = self.now()
        if answered and now - self._looked < MOMENT:
            return  # what it computed is charged at the next look
        passed = min(now - self._at, 2 * TICK)  # more, and it was the looking process that did not run
        self._at = self._looked = now
        total, at_fault = self._read()
        computed, self._computed = total - self._computed, total
        slept = max(0.0, passed - computed) if at_fault and not answered else 0.0
        allowance.spend(computed, slept, passed)

    def _read(self) -> tuple[float, bool]:
        """Seconds computed so far, and whether it is asleep, or stopped."""
        try:
            line = os.pread(self.stat, 4096, 0) if self.stat is not None else b""
        except ProcessLookupError:  # it has ended; the wire will say so
            line = b""
        if not line:
            return getattr(self, "_computed", 0.0), True
        state, *fields = line.rpartition(b")")[2].split()  # the name before it may hold anything
        return (int(fields[10]) + int(fields[11])) / TICKS_PER_SECOND, state not in NOT_ITS_FAULT

    def close(self) -> None:
        if self.stat is not None:
            os.close(self.stat)
            self.stat = None
