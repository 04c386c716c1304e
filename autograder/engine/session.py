"""One notebook in one child: cells in order, each check answered at its own cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from autograder import store
from autograder.authoring.unit import Limits
from autograder.engine import wire
from autograder.engine.answers import cell_outputs, outcome, safe_outputs
from autograder.engine.bank import Bank, TestOfTests
from autograder.engine.dialogue import LOST, Dialogue
from autograder.engine.judging import Asked, CheckResult, judged
from autograder.engine.names import Names
from autograder.engine.process import Zygote
from autograder.engine.submission import DEFINES, Step
from autograder.probes import Given, Inputs
from autograder.running import Outcome
from autograder.verdict import NEVER_RAISED, Question, Verdict

MAX_OUTPUT = 16 << 20  # characters of outputs that are kept of one notebook
Where = dict[str, str]  # the check whose questions are asked, and what names mean meanwhile
DEFINED = "Only its definitions were run, for the checks."
LATE = (
    "could be run only after the last cell and with the released names put back: it uses something that is "
    "defined below it, or that another cell overwrites."
)


class Session:
    """Runs the steps of one composed notebook, asks what is public, and then what is hidden.

    The first pass is shown: its outputs are the student's to see, and it meets public inputs only. Nothing
    that is printed after it is kept: so no hand-in can carry hidden inputs home to the next one. They are
    asked after the last cell, with the names as they stood at each check. Where anything fails in secret that
    did not in public, that is no verdict: then a fresh child runs the cells once more, and each hidden
    question is asked at its own place. After a crash or an endless loop the cells that were right are run
    again in a fresh child, so that one cell's fault stays its own. A check that raised at its own place is
    asked once more after the last cell. notes: what of this the student should know; beside: files that
    the cells may open, by name.
    """

    def __init__(self, zygote: Zygote, bank: Bank, limits: Limits, beside: Mapping[str, bytes] | None = None):
        self.bank, self.limits = bank, limits
        self.dialogue = Dialogue(zygote, bank, limits, self._run_again, beside or {})
        self.notes: list[str] = []
        self._failed: set[str] = set()
        self._hopeless: set[str] = set()  # of these not even the definitions can be run
        self._room = MAX_OUTPUT
        self._begin(secret=False)

    def _begin(self, secret: bool) -> None:
        """Start a pass, with the submission's whole time before it."""
        self.dialogue.begin(secret)
        self._secret = secret
        self._good: list[tuple[Step, dict[str, Any]]] = []
        self._own = self.limits.submission_seconds / 2  # what is left of it for the student's own cells
        self._before: list[str] = []  # the checks between the last cell and the next

    def run(self, steps: list[Step]) -> dict[str, CheckResult]:
        """Run all steps; outputs are kept in them. Results of the checks by cell id."""
        checks = [step for step in steps if step.kind == "check"]
        try:
            shown, settled = self._pass(steps, secret=False)
            hidden = self._after_the_last_cell(checks) if settled else None
            results = self._judged(checks, shown, hidden) if hidden else {}
            if not results or any(result.unseen for result in results.values()):
                results = self._judged(checks, shown, self._pass(steps, secret=True)[0])
        finally:
            self.dialogue.end()
        return results

    def _pass(self, steps: list[Step], secret: bool) -> tuple[dict[str, Asked], bool]:
        """Run all steps in a fresh child, with each check's questions at its own place.

        What came back, by the check's id, and whether all of it came at once."""
        self._begin(secret)
        elsewhere = {name for step in steps if step.kind == "own" for name in DEFINES.findall(step.source)}
        checks = {step.id: step for step in steps if step.kind == "check"}
        found = {step.id: self.ask_check(step) for step in steps if self._ran(step)}
        settled = self.dialogue.undisturbed
        again = [check for check in checks.values() if found[check.id].unanswered(check.name in elsewhere)]
        if secret and again:
            self.dialogue.end()  # another child answers: this one met hidden inputs and the reference
        for check in again:
            found[check.id] = self._asked_again(check, found[check.id])
        return found, settled and not again

    def _after_the_last_cell(self, checks: list[Step]) -> dict[str, Asked] | None:
        """The hidden questions, asked of the child that ran the cells; nothing where it is lost over them."""
        self._secret = True
        found = {}
        try:
            self.dialogue.reveal(self._before)
        except LOST:
            return None
        for check in checks:
            found[check.id] = self.ask_check(check, Names.AT_CHECK)
            if not self.dialogue.undisturbed:
                return None
        return found

    def _judged(
        self, checks: list[Step], shown: dict[str, Asked], hidden: dict[str, Asked]
    ) -> dict[str, CheckResult]:
        return {c.id: judged(c, shown[c.id] + hidden[c.id], self.bank) for c in checks}

    def _ran(self, step: Step) -> bool:
        """Run the step, unless it is a check."""
        if step.kind == "check":
            self._before.append(step.id)
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
        before = self.dialogue.time.spent
        self.cell(step)
        self._own -= self.dialogue.time.spent - before

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
        self.dialogue.end()
        reason = self.dialogue.reason(error, who)
        if self.dialogue.time.left > 0:
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
            self.dialogue.end()
            if self.dialogue.time.left > 0:
                self._hopeless.add(step.id)
            return False

    def _run(self, step: Step, define: bool = False) -> tuple[list[dict[str, Any]], bool]:
        """Run a cell, or its definitions only; its outputs, and whether it failed and definitions were taken
        that it had not come to."""
        order = {**cell_order(step, define, drawn=not self._secret), "before": self._before}
        self._before = []
        answer, arrays = self.dialogue.request(order, self.limits.cell_seconds)
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

    def ask_check(self, step: Step, names: Names = Names.AS_THEY_ARE) -> Asked:
        """Ask the exercise's questions of this pass."""
        where = {"check": step.id, "names": names}
        asked = Asked()
        for question in self.bank.questions(step.name):
            if question.secret == self._secret:
                asked.questions.append(question)
                row: list[Outcome] = []
                asked.answers.append(row)
                row += [] if asked.foregone() else self._answers(question, where)
                rest = len(question.cases) - len(row)
                row += [foregone] * rest if (foregone := asked.foregone()) else []
        if self._secret:
            tests = [t for t in self.bank.tests if t.of == step.name]
            asked.tests = [self._try_test(t, where) for t in tests]
        return asked

    def _asked_again(self, step: Step, first: Asked) -> Asked:
        """The answers to a check after the last cell, or the first ones where these are no better."""
        second = self.ask_check(step, Names.AS_RELEASED)
        if second.unanswered(elsewhere=True) or second.foregone():
            return first
        note = f"{step.name} {LATE}"
        if note not in self.notes:
            self.notes.append(note)
        return second

    def _try_test(self, test: TestOfTests, where: Where) -> Verdict:
        """The student's test meets right and wrong implementations, one at a time."""
        accepted, rejects = None, False
        for given in self.bank.lineup(test):
            inputs: Inputs = {"implementation": Given(test.judges)}
            answer = self._ask(test.probe, inputs, {test.judges: given}, where)
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

    def _answers(self, question: Question, where: Where) -> Iterator[Outcome]:
        """One answer for each case; fewer where the last one is that the child was stopped.

        The cases are sent together: to wait for each in turn costs more than most answers do."""
        cases = [case.inputs for case in question.cases]
        if any(isinstance(value, Given) for inputs in cases for value in inputs.values()):
            for inputs in cases:
                alone = self._ask(question.name, inputs, {}, where)
                yield alone
                if alone.status == "stopped":
                    return
            return
        header, arrays = _order(question.name, cases, where)
        try:
            for answer, found in self.dialogue.stream(header, self.limits.probe_seconds, arrays, len(cases)):
                yield outcome(answer, found)
        except LOST as error:
            yield self._stopped(error)

    def _ask(self, probe: str, inputs: Inputs, served: Mapping[str, Given], where: Where) -> Outcome:
        header, arrays = _order(probe, [inputs], where)
        offered = {v.name: v for v in inputs.values() if isinstance(v, Given)} | dict(served)
        try:
            return outcome(*self.dialogue.request(header, self.limits.probe_seconds, arrays, offered))
        except LOST as error:
            return self._stopped(error)

    def _stopped(self, error: Exception) -> Outcome:
        self.dialogue.end()
        return Outcome("stopped", error=self.dialogue.reason(error, "Your code"))

    def _run_again(self) -> None:
        """Run the good cells once more. One that fails now is at fault itself, not the next one."""
        for number, (step, order) in enumerate(self._good):
            try:
                self.dialogue.repeat(order)
            except LOST as error:
                if self.dialogue.time.left <= 0:
                    raise
                del self._good[number]
                if order["define"]:
                    self._hopeless.add(step.id)
                    self.dialogue.end()
                else:
                    self._give_up(step, error, "This cell, when it was run again,")
                return


def _order(probe: str, cases: list[Inputs], where: Where) -> tuple[dict[str, Any], wire.Arrays]:
    """What the child is asked: a probe on the inputs of some cases."""
    arrays: wire.Arrays = {}
    packed = [store.pack_inputs(inputs, f"in{number}", arrays) for number, inputs in enumerate(cases)]
    return {"do": "ask", "probe": probe, "cases": packed, **where}, arrays


def cell_order(step: Step, define: bool = False, drawn: bool = True) -> dict[str, Any]:
    """What the child is told of a cell; define: to run its definitions only; drawn: figures are kept."""
    return {
        "do": "cell",
        "drawn": drawn,
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


def _said(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text + "\n"}
