"""One notebook in one child: cells in order, each check answered at its own cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autograder import store
from autograder.authoring.unit import Limits
from autograder.engine import wire
from autograder.engine.answers import cell_outputs, outcome, safe_outputs
from autograder.engine.bank import Bank, TestOfTests
from autograder.engine.clock import Allowance
from autograder.engine.digest import digest
from autograder.engine.process import Child, Zygote
from autograder.engine.submission import DEFINES, Step
from autograder.probes import Given, Inputs
from autograder.running import Outcome
from autograder.verdict import NEVER_RAISED, Mistake, Question, Verdict, judge

MAX_CALLS = 2000
MAX_OUTPUT = 16 << 20  # characters of outputs that are kept of one notebook
LOST = (wire.Closed, wire.Silence, wire.BadFrame)  # the child is of no use any more
DEFINED = "Only its definitions were run, for the checks."
LATE = (
    "could be run only after the last cell and with the released names put back: it uses something that is "
    "defined below it, or that another cell overwrites."
)
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

    def unanswered(self, elsewhere: bool) -> bool:
        """Might another answer come after the last cell? A stub stays one unless it is defined elsewhere."""
        flat = [(answer.status, answer.error) for row in self.answers for answer in row]
        flat += [("raised" if v.status == "wrong" else v.status, v.message) for v in self.tests]
        return any(
            status == "raised" or (status == "not attempted" and (why or elsewhere)) for status, why in flat
        )

    def add(self, other: Asked) -> None:
        self.questions += other.questions
        self.answers += other.answers
        self.tests += other.tests


class Session:
    """Runs the steps of one composed notebook twice, each time in a child of its own.

    The first pass is shown: its outputs are the student's to see, and it meets public inputs only. The
    second one meets the hidden inputs and the served functions, and nothing that it prints is kept: so no
    hand-in can carry them home to the next one. After a crash or an endless loop the cells that were right
    are run again in a fresh child, so that one cell's fault stays its own. A check that raised at its own
    place is asked once more after the last cell. notes: what of this the student should know.
    """

    def __init__(self, zygote: Zygote, bank: Bank, limits: Limits):
        self.zygote, self.bank, self.limits = zygote, bank, limits
        self.cpu = 0.0
        self._ended = ""  # why the zygote ended the last child, if it did
        self._child: Child | None = None
        self._reference: Child | None = None
        self.notes: list[str] = []
        self._failed: set[str] = set()
        self._hopeless: set[str] = set()  # of these not even the definitions can be run
        self._room = MAX_OUTPUT
        self._begin(secret=False)

    def _begin(self, secret: bool) -> None:
        """Start a pass, with the submission's whole time before it."""
        self._drop()
        self._secret = secret
        self._good: list[tuple[Step, dict[str, Any]]] = []
        self.time = self._request_time = Allowance(self.limits.submission_seconds)
        self._own = self.limits.submission_seconds / 2  # what is left of it for the student's own cells

    def run(self, steps: list[Step]) -> dict[str, CheckResult]:
        """Run all steps; outputs are kept in them. Results of the checks by cell id."""
        checks = [step for step in steps if step.kind == "check"]
        asked = {check.id: Asked() for check in checks}
        elsewhere = {name for step in steps if step.kind == "own" for name in DEFINES.findall(step.source)}
        try:
            for secret in (False, True):
                self._begin(secret)
                found = {step.id: self.ask_check(step) for step in steps if self._ran(step)}
                again = [check for check in checks if found[check.id].unanswered(check.name in elsewhere)]
                if secret and again:
                    self._drop()  # another child answers: this one met the hidden inputs, and the reference
                for check in again:
                    found[check.id] = self._asked_again(check, found[check.id])
                for check in checks:
                    asked[check.id].add(found[check.id])
        finally:
            self._drop()
        return {check.id: self._judged(check, asked[check.id]) for check in checks}

    def _ran(self, step: Step) -> bool:
        """Run the step, unless it is a check."""
        if step.kind == "own":
            self.own_cell(step)
        elif step.kind != "check" and _runs(step):
            self.cell(step)
        return step.kind == "check"

    def own_cell(self, step: Step) -> None:
        """Cells that the student added may take half of the time: the rest is for what earns points."""
        if self._own <= 0:
            self._show(step, [_said("This cell was not run: the cells above that you added took too long.")])
            return
        before = self.time.spent
        self.cell(step)
        self._own -= self.time.spent - before

    def cell(self, step: Step) -> None:
        if step.id in self._failed:
            self._define(step)
            return
        try:
            outputs, defined = self._run(step)
            self._show(step, [*outputs, *([_said(DEFINED)] if defined else [])])
        except LOST as error:
            self._give_up(step, error, "This cell")

    def _give_up(self, step: Step, error: Exception, who: str) -> None:
        """A cell ended its process or took too long: from then on its definitions alone are run."""
        self._drop()
        reason = self._reason(error, who)
        if self.time.left > 0:
            self._failed.add(step.id)
            if self._define(step):
                reason = f"{reason} {DEFINED}"
        self._show(step, [_said(reason)])

    def _define(self, step: Step) -> bool:
        if step.id in self._hopeless:
            return False
        try:
            return self._run(step, define=True)[1]
        except LOST:
            self._drop()
            if self.time.left > 0:
                self._hopeless.add(step.id)
            return False

    def _run(self, step: Step, define: bool = False) -> tuple[list[dict[str, Any]], bool]:
        """Run a cell, or its definitions only; its outputs, and whether it failed and definitions were taken
        that it had not come to."""
        order = cell_order(step, define)
        answer, arrays = self._request(order, self.limits.cell_seconds)
        outputs = [] if self._secret else self._kept(cell_outputs(arrays))
        self._good.append((step, order))
        return outputs, answer.get("defined") is True

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

    def ask_check(self, step: Step, as_released: bool = False) -> Asked:
        """Ask the exercise's questions of this pass. as_released: overwritten names are put back."""
        asked = Asked()
        for question in self.bank.questions(step.name):
            if question.secret == self._secret:
                asked.questions.append(question)
                row: list[Outcome] = []
                asked.answers.append(row)
                for case in question.cases:
                    row.append(asked.foregone() or self._ask(question.name, case.inputs, {}, as_released))
        if self._secret:
            tests = [t for t in self.bank.tests if t.of == step.name]
            asked.tests = [self._try_test(t, as_released) for t in tests]
        return asked

    def _asked_again(self, step: Step, first: Asked) -> Asked:
        """The answers to a check after the last cell, or the first ones where these are no better."""
        second = self.ask_check(step, as_released=True)
        if second.unanswered(elsewhere=True) or second.foregone():
            return first
        note = f"{step.name} {LATE}"
        if note not in self.notes:
            self.notes.append(note)
        return second

    def _judged(self, step: Step, asked: Asked) -> CheckResult:
        judged = judge(asked.questions, asked.answers, self.bank.known(step.name))
        digests = undiagnosed(judged, asked.answers)
        verdicts = [*merged(asked.questions, judged), *asked.tests]
        named = dict.fromkeys(v.mistake for v in verdicts if v.mistake)
        return CheckResult(step.name, step.points, verdicts, [self.bank.mistake(n) for n in named], digests)

    def _try_test(self, test: TestOfTests, as_released: bool) -> Verdict:
        """The student's test meets right and wrong implementations, one at a time."""
        accepted, rejects = None, False
        for given in self.bank.lineup(test):
            inputs: Inputs = {"implementation": Given(test.judges)}
            answer = self._ask(test.probe, inputs, {test.judges: given}, as_released)
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

    def _ask(
        self, probe: str, inputs: Inputs, served: Mapping[str, Given], as_released: bool = False
    ) -> Outcome:
        arrays: wire.Arrays = {}
        packed = store.pack_inputs(inputs, "in", arrays)
        header = {"do": "ask", "probe": probe, "inputs": packed, "as_released": as_released}
        offered = {v.name: v for v in inputs.values() if isinstance(v, Given)} | dict(served)
        try:
            answer, found = self._request(header, self.limits.probe_seconds, arrays, offered)
            return outcome(answer, found)
        except LOST as error:
            self._drop()
            return Outcome("stopped", error=self._reason(error, "Your code"))

    def _request(
        self,
        header: dict[str, Any],
        seconds: float,
        arrays: wire.Arrays | None = None,
        served: Mapping[str, Given] | None = None,
    ) -> tuple[dict[str, Any], wire.Arrays]:
        """Send a request; meanwhile serve the calls of functions that came with it."""
        child = self._living()
        within = self._allow(seconds)
        child.send(header, arrays, within=within)
        for _ in range(MAX_CALLS):
            answer, found = child.receive(within)
            if "call" not in answer:
                return answer, found
            given = (served or {}).get(str(answer["call"]))
            if given is None:
                raise wire.BadFrame("a call of a function that was not offered")
            if self._reference is None:
                self._reference = self.bank.reference()
            value, back = self.bank.call(self._reference, given, answer, found, within)
            child.send(value, back, within=within)
        raise wire.BadFrame("too many calls")

    def _allow(self, seconds: float) -> Allowance:
        """The time of one request, which is a part of the whole submission's."""
        self._request_time = Allowance(seconds, within=self.time)
        return self._request_time

    def _living(self) -> Child:
        """The child, or a fresh one in which all good cells were run again."""
        while self._child is None:
            if self.time.left <= 0:
                raise wire.Silence
            self._child = self.zygote.spawn(cpu_seconds=int(self.limits.submission_seconds) + 5)
            probes = {"do": "probes", "source": self.bank.source(self._secret)}
            self._child.request(probes, within=self._allow(self.limits.cell_seconds))
            self._run_again()
        return self._child

    def _run_again(self) -> None:
        """Run the good cells once more. One that fails now is at fault itself, not the next one."""
        child = self._living()
        for number, (step, order) in enumerate(self._good):
            try:
                child.request(order, within=self._allow(self.limits.cell_seconds))
            except LOST as error:
                if self.time.left <= 0:
                    raise
                del self._good[number]
                if order["define"]:
                    self._hopeless.add(step.id)
                    self._drop()
                else:
                    self._give_up(step, error, "This cell, when it was run again,")
                return

    def _reason(self, error: Exception, who: str) -> str:
        if isinstance(error, wire.Silence) and self.time.left <= 0:
            whole = self.limits.submission_seconds
            return f"{who} was stopped: the whole notebook took longer than {whole:g} seconds."
        if isinstance(error, wire.Silence):
            return f"{who} was stopped: {self._request_time.why()}"
        if self._ended:
            return f"{who} was stopped: {self._ended}."
        if isinstance(error, wire.Closed):
            return f"{who} ended the Python process (a crash, exit, or too much memory)."
        return f"{who} disturbed the grading process and was stopped."

    def _drop(self) -> None:
        """End the processes."""
        self._ended = ""
        for child in (self._reference, self._child):
            if child is not None:
                child.close()
                self.cpu, self._ended = self.cpu + child.cpu, child.ended
        self._child = self._reference = None


def cell_order(step: Step, define: bool = False) -> dict[str, Any]:
    """What the child is told of a cell; define: to run its definitions only."""
    return {
        "do": "cell",
        "source": step.source,
        "defines": step.name if step.kind == "solution" else "",
        "given": step.kind in ("given", "listing"),
        "own": step.kind == "own",
        "define": define,
    }


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


def _said(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text + "\n"}
