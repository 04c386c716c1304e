"""From what a probe brought back to what the student is told. Runs where the expected arrays are: on the
student's machine for public cases, on the trusted side for hidden ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from autograder.compare import MISTAKE_RTOL, Difference, agree, difference, shortfall
from autograder.probes import Inputs
from autograder.running import Outcome

UNTOUCHED = "not attempted yet"
NEVER_RAISED = (
    "It raises no error for any wrong one. Does it use `assert`? What a test returns is ignored. "
    "If it does, do its inputs let a wrong result show?"
)


@dataclass(frozen=True)
class Mistake:
    """A known mistake as a release may hold it: no code, only whom it concerns and what to say.

    kind: "mistake", or "convention" where another definition is in use elsewhere (accepted: counts as right).
    """

    id: str
    of: str
    says: str
    kind: str = "mistake"
    accepted: bool = False
    hint: str = ""
    see: str = ""
    synonyms: tuple[str, ...] = ()


def mistake_from(plain: dict[str, Any]) -> Mistake:
    """A Mistake from JSON or TOML, where tuples are lists."""
    return Mistake(**{**plain, "synonyms": tuple(plain.get("synonyms", ()))})


@dataclass
class Case:
    """One set of inputs, what the reference answers, and what each known mistake answers."""

    inputs: Inputs
    expected: Outcome
    mistakes: dict[str, Outcome] = field(default_factory=dict)


@dataclass
class Question:
    """A probe with its cases: all that is needed to judge answers to it."""

    name: str
    of: str
    cases: list[Case]
    rtol: float | None = None
    random: bool = False  # its answers are statistics: a mistake is recognised within rtol too
    share: float | None = None  # as many of the entries must be the expected ones, in place of all
    secret: bool = False  # its inputs come from the course's secret: tell the kind of failure, nothing else


@dataclass
class Verdict:
    """What a probe's answers are worth.

    status: "passed", "wrong", "raised", "not attempted" or "stopped"; kind: what differed, for "wrong":
    "names", "shape", "dtype", "nan", "value", "share" (too few entries are right), "type" (no array) or
    "modified" (an input was changed).
    """

    probe: str
    status: str
    message: str = ""
    mistake: str | None = None
    kind: str = ""

    @property
    def passed(self) -> bool:
        return self.status == "passed"

    @property
    def title(self) -> str:
        return self.probe.replace("_", " ")


def judge(
    questions: Sequence[Question], answers: Sequence[Sequence[Outcome]], known: Sequence[Mistake]
) -> list[Verdict]:
    """Judge the answers to all questions of one exercise together: a mistake is recognised only where it
    agrees with every answer, the right ones included."""
    troubles = [_first_trouble(q, a) for q, a in zip(questions, answers, strict=True)]
    named = recognise(questions, answers, troubles, known) if any(troubles) else [None] * len(troubles)
    verdicts = []
    for question, trouble, mistake in zip(questions, troubles, named, strict=True):
        if trouble is None:
            verdicts.append(Verdict(question.name, "passed"))
        elif mistake is not None and mistake.accepted:
            verdicts.append(Verdict(question.name, "passed", mistake.says, mistake.id))
        else:
            name = mistake.id if mistake else None
            verdicts.append(Verdict(question.name, trouble.status, trouble.message, name, trouble.kind))
    return verdicts


def recognise(
    questions: Sequence[Question],
    answers: Sequence[Sequence[Outcome]],
    troubles: Sequence[object | None],
    known: Sequence[Mistake],
) -> list[Mistake | None]:
    """Per question, the mistake that explains its wrong answers (None where it passed or nothing fits).

    A mistake that explains every question of the exercise comes first. Where several bugs met in one
    exercise, each question is explained by itself: the same output may be wrong for its own reason.
    That an input was overwritten and all else is right can be said of the whole exercise only.
    """
    candidates = [
        []
        if trouble is None
        else [m for m in known if _spoils(m, question) and _explains(m, question, given)]
        for question, given, trouble in zip(questions, answers, troubles, strict=True)
    ]
    right = [(q, a) for q, a, t in zip(questions, answers, troubles, strict=True) if t is None]
    wrong = [c for c, t in zip(candidates, troubles, strict=True) if t is not None]
    whole = [m for m in known if all(m in c for c in wrong) and all(_explains(m, q, a) for q, a in right)]
    shown = [
        m
        for q, given, found in zip(questions, answers, candidates, strict=True)
        for m in found
        if _shows(m, q, given)
    ]
    shown += [m for m in whole if any(_shows(m, q, a) for q, a in zip(questions, answers, strict=True))]
    whole = [m for m in whole if m in shown]
    candidates = [
        [m for m in found if m in whole or (m in shown and not _only_overwrites(m, question))]
        for question, found in zip(questions, candidates, strict=True)
    ]
    return [
        None if trouble is None else next((m for m in whole if m in found), found[0] if found else None)
        for trouble, found in zip(troubles, candidates, strict=True)
    ]


def _spoils(mistake: Mistake, question: Question) -> bool:
    """Does the mistake itself fail here? One that shows elsewhere only must not explain a rounding error."""
    return any(_trouble(question, case, case.mistakes[mistake.id]) for case in question.cases)


def _only_overwrites(mistake: Mistake, question: Question) -> bool:
    """Does the mistake give the right arrays here, so that only a change of an input makes it wrong?"""
    pairs = [(case.mistakes[mistake.id], case.expected) for case in question.cases]
    return all(known.status == "values" and differs(question, known, right) is None for known, right in pairs)


def _shows(mistake: Mistake, question: Question, answers: Sequence[Outcome]) -> bool:
    """Equal arrays are evidence, and so is an error word by word; one of the same type only is not.

    The order of the words is free: NumPy names two shapes in the order of the operands.
    """
    pairs = [
        (case.mistakes[mistake.id], answer) for case, answer in zip(question.cases, answers, strict=True)
    ]
    return any(
        known.status == "values" or sorted(known.error.split()) == sorted(answer.error.split())
        for known, answer in pairs
    )


def _explains(mistake: Mistake, question: Question, answers: Sequence[Outcome]) -> bool:
    pairs = [
        (case.mistakes.get(mistake.id), answer) for case, answer in zip(question.cases, answers, strict=True)
    ]
    within = recognition_bound(question)
    return all(known is not None and same_outcome(answer, known, within) for known, answer in pairs)


def recognition_bound(question: Question) -> float:
    """The relative error up to which an answer equals that of a mistake."""
    return question.rtol or MISTAKE_RTOL if question.random else MISTAKE_RTOL


def same_outcome(got: Outcome, known: Outcome, within: float) -> bool:
    """Do two outcomes agree up to the relative error `within`?"""
    if got.status != known.status:
        return False
    if got.status != "values":
        return got.error.split(":")[0] == known.error.split(":")[0]
    modified = set(got.modified) == set(known.modified)
    return modified and agree(got.arrays, known.arrays, within)


class Trouble(NamedTuple):
    """Why a question is not passed, in the terms of `Verdict`."""

    status: str
    message: str
    kind: str = ""


def _first_trouble(question: Question, answers: Sequence[Outcome]) -> Trouble | None:
    for case, answer in zip(question.cases, answers, strict=True):
        trouble = _trouble(question, case, answer)
        if trouble:
            return trouble
    return None


def _trouble(question: Question, case: Case, answer: Outcome) -> Trouble | None:
    if answer.status == "not attempted":
        return Trouble("not attempted", answer.error or UNTOUCHED)
    if answer.status == "raised":
        return Trouble("raised", answer.error + (f"\n{answer.line}" if answer.line else ""))
    if answer.status == "stopped":
        return Trouble("stopped", answer.error)
    if answer.status == "refused":
        return Trouble("wrong", answer.error, "type")
    if answer.modified:
        names = ", ".join(answer.modified)
        return Trouble("wrong", f"your code changed its input {names} in place: work on a copy", "modified")
    found = differs(question, answer, case.expected)
    return Trouble("wrong", found.sentence, found.kind) if found else None


def differs(question: Question, answer: Outcome, expected: Outcome) -> Difference | None:
    """The first thing in an answer's arrays that the question does not accept."""
    if question.share is not None:
        return shortfall(answer.arrays, expected.arrays, question.share)
    return difference(answer.arrays, expected.arrays, question.rtol)
