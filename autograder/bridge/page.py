"""What a feedback page shows, in the order of the notebook: plain values, nothing of HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from autograder.authoring.unit import Notebook
from autograder.bridge.gradebook import ByHand, unanswered
from autograder.engine.grade import NotebookResult
from autograder.engine.judging import CheckResult
from autograder.engine.submission import Step
from autograder.report import Report
from autograder.verdict import Mistake, Verdict

SHOWN = ("solution", "own", "experiment")


@dataclass
class Part:
    """One exercise, question or experiment, with the code that led to it."""

    kind: str  # "check", "question" or "code"
    id: str
    title: str
    points: float | None  # None: a person has not read it yet
    max_points: float
    steps: list[Step] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    comment: str = ""
    untouched: bool = False

    @property
    def state(self) -> str:
        if self.points is None:
            return "waits"
        if self.untouched and not self.points:
            return "untouched"
        full = self.points >= self.max_points
        return "full" if full else "some" if self.points else "none"

    @property
    def symbol(self) -> str:
        return {"waits": "…", "untouched": "·", "full": "✓", "some": "◐", "none": "✗"}[self.state]


def parts(notebook: Notebook, result: NotebookResult, by_hand: Mapping[str, ByHand]) -> list[Part]:
    """The notebook cut after each check and question; what follows the last one is a part of its own."""
    untouched = unanswered(notebook, result)
    found: list[Part] = []
    waiting: list[Step] = []
    for step in result.steps:
        if step.kind == "check":
            found.append(_exercise(step, waiting, result.checks.get(step.id)))
            waiting = []
        elif step.kind == "question":
            found += _code(waiting)
            asked = 1 + sum(p.kind == "question" for p in found)
            found.append(_question(step, asked, step.id in untouched))
            waiting = []
        elif (step.kind in SHOWN and step.source.strip() and step.id not in untouched) or step.outputs:
            waiting.append(step)
    found += _code(waiting)
    for part in found:
        _add_by_hand(part, by_hand)
    return found


def _exercise(step: Step, steps: list[Step], check: CheckResult | None) -> Part:
    verdicts = check.verdicts if check else []
    mistakes = Report(step.name, verdicts, check.said).said() if check else []
    points = check.points if check else 0.0
    idle = all(v.status == "not attempted" for v in verdicts)
    return Part("check", step.id, step.name, points, step.points, steps, verdicts, mistakes, untouched=idle)


def _question(step: Step, number: int, untouched: bool) -> Part:
    points = 0.0 if untouched else None
    return Part("question", step.id, f"Question {number}", points, step.points, [step], untouched=untouched)


def _code(steps: list[Step]) -> list[Part]:
    if not steps:
        return []
    names = [s.name.replace("-", " ") for s in steps if s.kind == "experiment"]
    return [Part("code", steps[0].id, ", ".join(names) or "More of your code", 0.0, 0.0, steps)]


def _add_by_hand(part: Part, by_hand: Mapping[str, ByHand]) -> None:
    """Marks stand at the check, comments at the solution, whose cell bears the exercise's name."""
    given, said = by_hand.get(part.id, ByHand(None)), by_hand.get(part.title, ByHand(None))
    part.points = part.points if given.mark is None else given.mark
    part.comment = given.comment or said.comment
