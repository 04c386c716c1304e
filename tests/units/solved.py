"""A notebook's solution with all that its checks ask, for judging other answers to its exercises."""

from __future__ import annotations

import contextlib
import inspect
import io
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import Any

from autograder.authoring.reference import Reference, beside, hidden_seeds
from autograder.authoring.unit import Unit, read_unit
from autograder.probes import Given, Probe
from autograder.running import run_probe
from autograder.verdict import Question, Verdict, judge
from tests.conftest import ROOT

SECRETS = 2


class Solved:
    """The solution of one notebook, executed; `questions` has a list of them for each of some secrets."""

    def __init__(self, unit: Unit, notebook: str):
        self.unit = unit
        with contextlib.redirect_stdout(io.StringIO()):
            self.reference = Reference(unit, unit.notebook(notebook))
        self.names: Mapping[str, Any] = self.reference.names

    @cached_property
    def questions(self) -> list[list[Question]]:
        secrets = [hidden_seeds(self.unit.slug, b"%d" % k) for k in range(SECRETS)]
        return [self.reference.questions(seeds, hidden=True) for seeds in secrets]

    def with_source(self, source: str) -> dict[str, Any]:
        """The names of the solution after another cell was run, beside the solution's own files."""
        names = dict(self.names)
        with beside(self.unit.files):
            exec(compile(source, "<another answer>", "exec"), names)
        return names

    def with_body(self, exercise: str, body: str) -> dict[str, Any]:
        """The names of the solution, where the function `exercise` has another body."""
        right = self.names[exercise]
        arguments = ", ".join(inspect.signature(right).parameters)
        names = self.with_source(f"def {exercise}({arguments}):\n    {body}\n")
        names[exercise].__defaults__ = right.__defaults__
        return names

    def verdicts(self, names: Mapping[str, Any], exercise: str, asked: Sequence[Question]) -> list[Verdict]:
        """What the checks of `exercise` say of the code in `names`."""
        known = [p.mistake for p in self.unit.patches if p.mistake.of == exercise]
        own = [q for q in asked if q.of == exercise]
        probes = self.unit.probes
        given = [[self.reference.ask(probes[q.name], dict(names), c.inputs) for c in q.cases] for q in own]
        return judge(own, given, known)

    def accepts_and_rejects(self, probe: Probe, names: Mapping[str, Any]) -> None:
        """A student's test in `names` accepts the right function and rejects every wrong one."""
        right = self.reference.given(Given(probe.judges or ""))
        assert run_probe(probe, names, {"implementation": right}).status == "values"
        wrong = {i: self.reference.given(Given(probe.judges or "", i)) for i in probe.wrong}
        wrong |= {str(breaker.__doc__): breaker(right) for breaker in probe.breakers}
        for name, implementation in wrong.items():
            assert run_probe(probe, names, {"implementation": implementation}).status == "raised", name


@cache
def solved(slug: str, notebook: str) -> Solved:
    """One for each notebook and process: to ask every question of every mistake takes seconds."""
    return Solved(read_unit(ROOT, slug), notebook)


def refused(notebook: Solved, questions: list[list[Question]], exercise: str, names: dict[str, Any]) -> bool:
    """Some probe fails, on the cases of each secret."""
    return all(any(not v.passed for v in notebook.verdicts(names, exercise, asked)) for asked in questions)
