"""What the answers of a submission are worth: one verdict per probe, and what is told of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from autograder.engine.bank import Bank
from autograder.engine.digest import digest
from autograder.engine.submission import Step
from autograder.running import Outcome
from autograder.verdict import Mistake, Question, Verdict, judge

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

    digests: by probe, a name for a failure that no known mistake explains; for the instructor alone. unseen:
    something failed in secret that had not failed in public."""

    name: str
    max_points: float
    verdicts: list[Verdict]
    said: list[Mistake] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    unseen: bool = False

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

    def __add__(self, other: Asked) -> Asked:
        return Asked(self.questions + other.questions, self.answers + other.answers, self.tests + other.tests)


def judged(step: Step, asked: Asked, bank: Bank) -> CheckResult:
    """The result of a check cell, from all that its questions brought back."""
    verdicts = judge(asked.questions, asked.answers, bank.known(step.name))
    digests = undiagnosed(verdicts, asked.answers)
    for test in asked.tests:  # where it met the wrong implementations, it had met hidden inputs
        test.message = "not attempted" if test.status == "not attempted" else test.message
    shown = [*merged(asked.questions, verdicts), *asked.tests]
    named = dict.fromkeys(v.mistake for v in shown if v.mistake)
    said = [bank.mistake(name) for name in named]
    unseen = failed_in_secret(asked.questions, verdicts) or any(_failed(test) for test in asked.tests)
    return CheckResult(step.name, step.points, shown, said, digests, unseen)


def failed_in_secret(questions: list[Question], verdicts: list[Verdict]) -> bool:
    """Did a probe fail on hidden inputs that had not failed on public ones?"""
    failed: dict[bool, set[str]] = {False: set(), True: set()}
    for question, verdict in zip(questions, verdicts, strict=True):
        if _failed(verdict):
            failed[question.secret].add(verdict.probe)
    return not failed[True] <= failed[False]


def _failed(verdict: Verdict) -> bool:
    return not verdict.passed and verdict.status != "not attempted"


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
    """The class of failure, and of labels how many were right: no input, array, exception text or output."""
    if verdict.passed or verdict.status in ("not attempted", "stopped"):
        return verdict.message if verdict.status != "not attempted" else "not attempted"
    if verdict.kind == "share":  # a number of the whole, which is what was asked for
        return f"on hidden inputs: {verdict.message}"
    what = (
        "your code raised an error" if verdict.status == "raised" else HIDDEN_SAYS.get(verdict.kind, "wrong")
    )
    return f"on hidden inputs: {what}"
