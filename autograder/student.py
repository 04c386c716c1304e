"""`check(f)`: a student's own function on the public cases, on the student's own machine.

check = autograder.checks("02-batchnorm/batchnorm_numpy")
check(batchnorm_forward)
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np

from autograder import store
from autograder.probes import Inputs, Probe
from autograder.report import Report
from autograder.running import Outcome, run_probe
from autograder.verdict import NEVER_RAISED, UNTOUCHED, Mistake, Question, Verdict, judge


class CheckFailed(AssertionError):
    """A check did not pass, in a run that must stop for it (nbgrader's validate)."""


class NoChecks(LookupError):
    """The public checks of a notebook are not where they should be."""


@dataclass
class PublicChecks:
    """The released checks of one notebook."""

    key: str  # "02-batchnorm/batchnorm_numpy"

    @cached_property
    def folder(self) -> Path:
        return find_checks(self.key)

    @cached_property
    def probes(self) -> dict[str, Probe]:
        path = self.folder / f"{self._notebook}.py"
        return probes_in(path.read_text(encoding="utf-8"), str(path))

    @cached_property
    def _stored(self) -> tuple[list[Question], list[Mistake]]:
        return store.load(self.folder, self._notebook)

    @property
    def _notebook(self) -> str:
        return self.key.split("/")[-1]

    @property
    def mistakes(self) -> list[Mistake]:
        return self._stored[1]

    def exercises(self) -> list[str]:
        return list(dict.fromkeys(p.of for p in self.probes.values()))

    def report(self, exercise: str, names: Mapping[str, Any]) -> Report:
        """Ask all public probes of `exercise` of the namespace `names`."""
        questions = [q for q in self._stored[0] if q.of == exercise]
        known = [m for m in self.mistakes if m.of == exercise]
        answers = [[self._ask(q, c.inputs, names) for c in q.cases] for q in questions]
        verdicts = judge(questions, answers, known)
        for probe in (p for p in self.probes.values() if p.of == exercise and p.judges):
            ready = self.report(probe.judges, names).passed if probe.judges in self.exercises() else True
            verdicts.append(try_test(probe, names) if ready else _too_early(probe))
        return Report(exercise, verdicts, known)

    def _ask(self, question: Question, inputs: Inputs, names: Mapping[str, Any]) -> Outcome:
        return run_probe(self.probes[question.name], names, inputs)


def checks(key: str) -> Callable[[Any], None]:
    """The check function of a notebook: `check(f)` for a function or class `f` of it."""
    public = PublicChecks(key)

    def check(f: Any) -> None:
        """Check the function or class `f` on the public cases and show what was found."""
        name = getattr(f, "__name__", str(f))
        try:
            if name not in public.exercises():
                raise NoChecks(f"check expects one of {', '.join(public.exercises())}; it got {name}.")
            with np.errstate(all="ignore"):
                report = public.report(name, {**_names_of(f), name: f})
        except (NoChecks, store.OtherFormat) as error:
            if os.environ.get("NBGRADER_EXECUTION"):  # nbgrader gives full marks to a cell that prints
                raise CheckFailed(str(error)) from None
            print(error)
            return
        _show(report)

    return check


def try_test(probe: Probe, names: Mapping[str, Any]) -> Verdict:
    """A test that the student wrote: it must accept their own function and reject ways of breaking it."""
    own = names.get(probe.judges or "")
    if own is None:
        return Verdict(probe.name, "not attempted", f"needs your {probe.judges}")
    outcome = run_probe(probe, names, {"implementation": own})
    if outcome.status == "not attempted":
        return Verdict(probe.name, "not attempted", outcome.error or UNTOUCHED)
    if outcome.status == "raised":
        return Verdict(
            probe.name,
            "wrong",
            f"your test rejects your own {probe.judges}: {outcome.error}\n{outcome.line}".strip(),
        )
    accepted = [
        breaker
        for breaker in probe.breakers
        if run_probe(probe, names, {"implementation": breaker(own)}).status == "values"
    ]
    if not accepted:
        return Verdict(probe.name, "passed")
    told = (accepted[0].__doc__ or accepted[0].__name__).strip().rstrip(".")
    message = f"your test accepts a broken {probe.judges}: {told}."
    if len(accepted) == len(probe.breakers):
        message += f" {NEVER_RAISED}"
    return Verdict(probe.name, "wrong", message)


def _too_early(probe: Probe) -> Verdict:
    """Against a function that is wrong itself no test can be tried."""
    name = probe.judges
    message = f"your {name} must be right first: this check breaks it on purpose. Run check({name})."
    return Verdict(probe.name, "not attempted", message)


def find_checks(key: str) -> Path:
    """Where the public checks of `key` lie: beside the notebook, in the installed package, in a checkout."""
    unit, notebook = key.split("/")
    here = Path(__file__).parent
    places = [
        Path.cwd() / "checks",
        Path.cwd() / "exercises" / unit / "checks",
        here / "released" / unit / "checks",
        here.parent / "exercises" / unit / "checks",
    ]
    for place in places:
        if all((place / f"{notebook}.{kind}").exists() for kind in ("json", "npz", "py")):
            return place
    raise NoChecks(
        f"No checks for {key}: {notebook}.json, .npz and .py were expected in a folder `checks` beside the "
        "notebook. "
        "Copy the folder that came with the notebook, or install the course package of the same version."
    )


def probes_in(source: str, path: str) -> dict[str, Probe]:
    """The probes that a file of checks defines, by name."""
    return probes_of(compile(source, path, "exec"))


def probes_of(checks: CodeType) -> dict[str, Probe]:
    """The probes that a compiled file of checks defines, by name."""
    names: dict[str, Any] = {"__name__": "checks", "__file__": checks.co_filename}
    exec(checks, names)
    return {p.name: p for p in names.values() if isinstance(p, Probe)}


def _names_of(f: Any) -> Mapping[str, Any]:
    """The notebook's namespace, seen from one of its functions or classes."""
    if hasattr(f, "__globals__"):
        return f.__globals__
    module = sys.modules.get(getattr(f, "__module__", ""), None)
    return vars(module) if module else {}


def _show(report: Report) -> None:
    if os.environ.get("NBGRADER_EXECUTION"):
        print(report.text())
        if not report.passed:
            raise CheckFailed(report.headline)
        return
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        ipython.display.display(report)
    else:
        print(report.text())
