"""One notebook in one child: cells in order, each check answered at its own cell."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autograder import store
from autograder.authoring.unit import Limits
from autograder.engine import wire
from autograder.engine.bank import Bank, TestOfTests
from autograder.engine.digest import digest
from autograder.engine.process import Child, Zygote
from autograder.engine.submission import Step, safe_outputs, strip_control
from autograder.probes import Given, Inputs
from autograder.running import Outcome
from autograder.verdict import NEVER_RAISED, Mistake, Question, Verdict, judge

STATUSES = {"values", "raised", "not attempted", "refused"}
MAX_CALLS = 2000
MAX_OUTPUT = 16 << 20  # characters of outputs that are kept of one notebook
HIDDEN_SAYS = {
    "names": "the names of what is returned are wrong",
    "shape": "the shape is wrong",
    "dtype": "the kind of numbers is wrong",
    "nan": "NaN or infinity where there should be a number, or the reverse",
    "value": "the values are wrong",
    "type": "what is returned is no array of numbers",
    "modified": "an input was changed in place",
}


@dataclass
class CheckResult:
    """One check cell: what each probe found, and the sentences of the recognised mistakes.

    digests: by probe, a name for a failure that no known mistake explains; for the instructor alone."""

    name: str
    max_points: float
    verdicts: list[Verdict]
    said: list[Mistake] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def points(self) -> float:
        """The points are shared equally among the probes; what is not an explicit pass is none."""
        passed = sum(v.passed for v in self.verdicts)
        return self.max_points * passed / len(self.verdicts) if self.verdicts else 0.0


@dataclass
class Asked:
    """What the questions of one check cell brought back so far."""

    questions: list[Question] = field(default_factory=list)
    answers: list[list[Outcome]] = field(default_factory=list)
    tests: list[Verdict] = field(default_factory=list)

    def foregone(self) -> Outcome | None:
        """The answer to all further questions where it is known: an endless loop, or a stub."""
        flat = [answer for row in self.answers for answer in row]
        if flat and all(answer.status == "not attempted" for answer in flat):
            return flat[0]
        return next((answer for answer in flat if answer.status == "stopped"), None)


class Session:
    """Runs the steps of one composed notebook twice, each time in a child of its own.

    The first pass is shown: its outputs are the student's to see, and it meets public inputs only. The
    second one meets the hidden inputs and the served functions, and nothing that it prints is kept: so no
    hand-in can carry them home to the next one. After a crash or an endless loop the cells that were right
    are run again in a fresh child, so that one cell's fault stays its own.
    """

    def __init__(self, zygote: Zygote, bank: Bank, limits: Limits):
        self.zygote, self.bank, self.limits = zygote, bank, limits
        self.cpu = 0.0
        self._child: Child | None = None
        self._reference: Child | None = None
        self._failed: set[str] = set()
        self._room = MAX_OUTPUT
        self._begin(secret=False)

    def _begin(self, secret: bool) -> None:
        """Start a pass, with the submission's whole time before it."""
        self._drop()
        self._secret = secret
        self._good: list[dict[str, Any]] = []
        self.deadline = time.monotonic() + self.limits.submission_seconds
        self._own = self.limits.submission_seconds / 2  # what is left of it for the student's own cells

    def run(self, steps: list[Step]) -> dict[str, CheckResult]:
        """Run all steps; outputs are kept in them. Results of the checks by cell id."""
        asked = {step.id: Asked() for step in steps if step.kind == "check"}
        try:
            for secret in (False, True):
                self._begin(secret)
                for step in steps:
                    self._step(step, asked.get(step.id))
        finally:
            self._drop()
        return {step.id: self._judged(step, asked[step.id]) for step in steps if step.kind == "check"}

    def _step(self, step: Step, asked: Asked | None) -> None:
        if asked is not None:
            self.ask_check(step, asked)
        elif step.kind == "own":
            self.own_cell(step)
        elif _runs(step):
            self.cell(step)

    def own_cell(self, step: Step) -> None:
        """Cells that the student added may take half of the time: the rest is for what earns points."""
        if self._own <= 0:
            self._show(step, [_said("This cell was not run: the cells above that you added took too long.")])
            return
        started = time.monotonic()
        self.cell(step)
        self._own -= time.monotonic() - started

    def cell(self, step: Step) -> None:
        if step.id in self._failed:
            return
        order = {"do": "cell", "source": step.source, "defines": step.name if step.kind == "solution" else ""}
        try:
            _, arrays = self._request(order, self.limits.cell_seconds)
            self._show(step, [] if self._secret else self._kept(_outputs(arrays)))
            self._good.append(order)
        except (wire.Closed, wire.Silence, wire.BadFrame) as error:
            self._drop()
            self._failed.add(step.id)
            self._show(step, [_said(self._reason(error, "This cell", self.limits.cell_seconds))])

    def _show(self, step: Step, outputs: list[dict[str, Any]]) -> None:
        if not self._secret:
            step.outputs = outputs

    def _kept(self, outputs: Any) -> list[dict[str, Any]]:
        """Outputs as far as there is room for them: a class's notebooks stay in memory together."""
        kept = list(safe_outputs(outputs))
        size = sum(len(str(o.get("text", ""))) + sum(map(len, o.get("data", {}).values())) for o in kept)
        if size > self._room:
            return [_said("[output cut: this notebook prints too much]")]
        self._room -= size
        return kept

    def ask_check(self, step: Step, asked: Asked) -> None:
        """Ask the exercise's questions of this pass."""
        for question in self.bank.questions(step.name):
            if question.secret == self._secret:
                asked.questions.append(question)
                row: list[Outcome] = []
                asked.answers.append(row)
                for case in question.cases:
                    row.append(asked.foregone() or self._ask(question.name, case.inputs, {}))
        if self._secret:
            asked.tests = [self._try_test(t) for t in self.bank.tests if t.of == step.name]

    def _judged(self, step: Step, asked: Asked) -> CheckResult:
        judged = judge(asked.questions, asked.answers, self.bank.known(step.name))
        digests = undiagnosed(judged, asked.answers)
        verdicts = [*merged(asked.questions, judged), *asked.tests]
        named = dict.fromkeys(v.mistake for v in verdicts if v.mistake)
        return CheckResult(step.name, step.points, verdicts, [self.bank.mistake(n) for n in named], digests)

    def _try_test(self, test: TestOfTests) -> Verdict:
        """The student's test meets right and wrong implementations, one at a time."""
        accepted, rejects = None, False
        for given in self.bank.lineup(test):
            answer = self._ask(test.probe, {"implementation": Given(test.judges)}, {test.judges: given})
            if answer.status in ("not attempted", "stopped"):
                return Verdict(test.probe, answer.status, answer.error)
            if given.mistake is None and answer.status != "values":
                return Verdict(test.probe, "wrong", f"your test rejects a right {test.judges}")
            if given.mistake is not None:
                rejects = rejects or answer.status != "values"
                if answer.status == "values":
                    accepted = accepted or given.mistake
            if accepted and rejects:
                break
        if accepted is None:
            return Verdict(test.probe, "passed")
        says = self.bank.mistake(accepted).says
        message = f"your test accepts a wrong {test.judges} with this mistake: {says}"
        return Verdict(test.probe, "wrong", message if rejects else f"{message} {NEVER_RAISED}")

    def _ask(self, probe: str, inputs: Inputs, served: Mapping[str, Given]) -> Outcome:
        arrays: wire.Arrays = {}
        header = {"do": "ask", "probe": probe, "inputs": store.pack_inputs(inputs, "in", arrays)}
        offered = {v.name: v for v in inputs.values() if isinstance(v, Given)} | dict(served)
        try:
            answer, found = self._request(header, self.limits.probe_seconds, arrays, offered)
            return _outcome(answer, found)
        except (wire.Closed, wire.Silence, wire.BadFrame) as error:
            self._drop()
            return Outcome("stopped", error=self._reason(error, "Your code", self.limits.probe_seconds))

    def _request(
        self,
        header: dict[str, Any],
        seconds: float,
        arrays: wire.Arrays | None = None,
        served: Mapping[str, Given] | None = None,
    ) -> tuple[dict[str, Any], wire.Arrays]:
        """Send a request; meanwhile serve the calls of functions that came with it."""
        child = self._living()
        end = min(time.monotonic() + seconds, self.deadline)
        child.send(header, arrays, seconds=end - time.monotonic())
        for _ in range(MAX_CALLS):
            answer, found = child.receive(end - time.monotonic())
            if "call" not in answer:
                return answer, found
            given = (served or {}).get(str(answer["call"]))
            if given is None:
                raise wire.BadFrame("a call of a function that was not offered")
            if self._reference is None:
                self._reference = self.bank.reference()
            value, back = self.bank.call(self._reference, given, answer, found, end - time.monotonic())
            child.send(value, back, seconds=end - time.monotonic())
        raise wire.BadFrame("too many calls")

    def _living(self) -> Child:
        """The child, or a fresh one in which all good cells were run again."""
        if time.monotonic() >= self.deadline:
            raise wire.Silence
        if self._child is None:
            self._child = self.zygote.spawn(cpu_seconds=int(self.limits.submission_seconds) + 5)
            for order in ({"do": "probes", "source": self.bank.source}, *self._good):
                left = self.deadline - time.monotonic()
                self._child.request(order, seconds=min(self.limits.cell_seconds, left))
        return self._child

    def _reason(self, error: Exception, who: str, seconds: float) -> str:
        if isinstance(error, wire.Silence) and time.monotonic() >= self.deadline:
            whole = self.limits.submission_seconds
            return f"{who} was stopped: the whole notebook took longer than {whole:g} seconds."
        if isinstance(error, wire.Silence):
            return f"{who} was stopped: it took longer than {seconds:g} seconds. Is there an endless loop?"
        if isinstance(error, wire.Closed):
            return f"{who} ended the Python process (a crash, exit, or too much memory)."
        return f"{who} disturbed the grading process and was stopped."

    def _drop(self) -> None:
        for child in (self._child, self._reference):
            if child is not None:
                child.close()
                self.cpu += child.cpu
        self._child = self._reference = None


def _runs(step: Step) -> bool:
    """A lost solution cell runs too: it leaves a stand-in for its exercise."""
    return (
        step.kind != "experiment"
        and not step.markdown
        and bool(step.source.strip() or step.kind == "solution")
    )


def undiagnosed(verdicts: list[Verdict], answers: list[list[Outcome]]) -> dict[str, str]:
    """By probe, the digest of a wrong answer or an error that no known mistake explains."""
    digests = {}
    for probe in dict.fromkeys(v.probe for v in verdicts):
        own = [(v, row) for v, row in zip(verdicts, answers, strict=True) if v.probe == probe]
        statuses = {v.status for v, _ in own}
        if (
            statuses & {"wrong", "raised"}
            and "stopped" not in statuses
            and not any(v.mistake for v, _ in own)
        ):
            digests[probe] = digest(answer for _, row in own for answer in row)
    return digests


def merged(questions: list[Question], verdicts: list[Verdict]) -> list[Verdict]:
    """One verdict per probe: it passed where it passed on public and on hidden inputs."""
    by_probe: dict[str, Verdict] = {}
    for question, verdict in zip(questions, verdicts, strict=True):
        if question.secret:
            verdict.message = hidden_message(verdict)
        before = by_probe.get(verdict.probe)
        if before is None or before.passed:
            by_probe[verdict.probe] = verdict
    return list(by_probe.values())


def hidden_message(verdict: Verdict) -> str:
    """The class of failure only: no input, array, exception text or output of a hidden case."""
    if verdict.passed or verdict.status in ("not attempted", "stopped"):
        return verdict.message if verdict.status != "not attempted" else "not attempted"
    what = (
        "your code raised an error" if verdict.status == "raised" else HIDDEN_SAYS.get(verdict.kind, "wrong")
    )
    return f"on hidden inputs: {what}"


def _outcome(answer: dict[str, Any], arrays: wire.Arrays) -> Outcome:
    status = answer.get("status")
    if status not in STATUSES:
        raise wire.BadFrame("an answer without a status")
    error, line = (strip_control(str(answer.get(k, "")))[:600] for k in ("error", "line"))
    modified = answer.get("modified")
    names = tuple(str(m)[:80] for m in modified[:20]) if isinstance(modified, list) else ()
    return Outcome(status, arrays, error, line, names)


def _outputs(arrays: wire.Arrays) -> Any:
    raw = arrays.get("outputs")
    if raw is None or raw.nbytes > 16 << 20:
        raise wire.BadFrame("a cell without outputs")
    try:
        return json.loads(raw.tobytes())
    except (ValueError, RecursionError):
        raise wire.BadFrame("outputs that are not JSON") from None


def _said(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text + "\n"}
