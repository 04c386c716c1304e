"""The talk with a submission's process: started when needed, asked within its time, and always ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from autograder.authoring.unit import Limits
from autograder.engine import wire
from autograder.engine.bank import Bank
from autograder.engine.clock import Allowance
from autograder.engine.process import Child, Zygote
from autograder.probes import Given

MAX_CALLS = 2000
LOST = (wire.Closed, wire.Silence, wire.BadFrame)  # the child is of no use any more


class Dialogue:
    """One child at a time, and the time that it has.

    catch_up: called for each fresh child, with the probes in it, before anything else is asked of it. It may
    end the child again; then the next one is started.
    """

    def __init__(
        self,
        zygote: Zygote,
        bank: Bank,
        limits: Limits,
        catch_up: Callable[[], None],
        files: Mapping[str, bytes],
    ):
        self.files = files  # that each child finds in its folder
        self.zygote, self.bank, self.limits = zygote, bank, limits
        self.cpu = 0.0
        self._catch_up = catch_up
        self._ended = ""  # why the zygote ended the last child, if it did
        self._child: Child | None = None
        self.begin(secret=False)

    def begin(self, secret: bool) -> None:
        """Start a pass, with the submission's whole time before it."""
        self.end()
        self._secret, self._started = secret, 0
        self.time = self._latest = Allowance(self.limits.submission_seconds)

    def reveal(self, before: list[str]) -> None:
        """Give the child that is there the probes of the second pass; before: the checks below its last cell.
        Errors: LOST."""
        self._secret = True
        self.repeat({"do": "probes", "before": before}, self.bank.probes(secret=True))

    @property
    def undisturbed(self) -> bool:
        """Is the pass's first child still there?"""
        return self._child is not None and self._started == 1

    def request(
        self,
        header: dict[str, Any],
        seconds: float,
        arrays: wire.Arrays | None = None,
        served: Mapping[str, Given] | None = None,
    ) -> tuple[dict[str, Any], wire.Arrays]:
        """Send a request; meanwhile serve the calls of functions that came with it. Errors: LOST."""
        child = self.child()
        within = self._allow(seconds)
        child.send(header, arrays, within=within)
        for _ in range(MAX_CALLS):
            answer, found = child.receive(within)
            if "call" not in answer:
                return answer, found
            given = (served or {}).get(str(answer["call"]))
            if given is None:
                raise wire.BadFrame("a call of a function that was not offered")
            value, back = self.bank.call(given, answer, found, within)
            child.send(value, back, within=within)
        raise wire.BadFrame("too many calls")

    def stream(
        self, header: dict[str, Any], seconds: float, arrays: wire.Arrays, answers: int
    ) -> Iterator[tuple[dict[str, Any], wire.Arrays]]:
        """Send a request with so many answers; each may take so long after the one before. Errors: LOST."""
        child = self.child()
        within = self._allow(seconds)
        child.send(header, arrays, within=within)
        for _ in range(answers):
            yield child.receive(within)
            within = self._allow(seconds)

    def child(self) -> Child:
        """The child, or a fresh one that has caught up."""
        while self._child is None:
            if self.time.left <= 0:
                raise wire.Silence
            seconds = int(self.limits.submission_seconds) + 5
            self._child = self.zygote.spawn(cpu_seconds=seconds, files=self.files)
            self._started += 1
            self.repeat({"do": "probes", "before": []}, self.bank.probes(self._secret))
            self._catch_up()
        return self._child

    def repeat(self, order: dict[str, Any], arrays: wire.Arrays | None = None) -> None:
        """Give the child that is there an order whose answer is known."""
        assert self._child is not None
        self._child.request(order, arrays, within=self._allow(self.limits.cell_seconds))

    def _allow(self, seconds: float) -> Allowance:
        """The time of one request, which is a part of the whole submission's."""
        self._latest = Allowance(seconds, within=self.time)
        return self._latest

    def reason(self, error: Exception, who: str) -> str:
        """Why the child was lost, for the student; ask when it was ended."""
        if isinstance(error, wire.Silence) and self.time.left <= 0:
            whole = self.limits.submission_seconds
            return f"{who} was stopped: the whole notebook took longer than {whole:g} seconds."
        if isinstance(error, wire.Silence):
            return f"{who} was stopped: {self._latest.why()}"
        if self._ended:
            return f"{who} was stopped: {self._ended}."
        if isinstance(error, wire.Closed):
            return f"{who} ended the Python process (a crash, exit, or too much memory)."
        return f"{who} disturbed the grading process and was stopped."

    def end(self) -> None:
        """End the process."""
        self._ended = ""
        if self._child is not None:
            self._child.close()
            self.cpu, self._ended = self.cpu + self._child.cpu, self._child.ended
        self._child = None
