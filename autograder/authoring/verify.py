"""The proof that a unit's checks work: mutation testing of the course itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

import numpy as np

from autograder.authoring import release
from autograder.authoring.chance import MAX_FALSE_ALARMS, RUNS, false_alarms
from autograder.authoring.reference import Reference, Seeds, execute, hidden_seeds, unwarned
from autograder.authoring.unit import Notebook, Unit
from autograder.probes import Given, Probe
from autograder.running import Outcome, run_probe
from autograder.verdict import Mistake, Question, judge, recognition_bound, same_outcome

SEEDS = 20
CHUNK = 5  # seeds that one process proves at a time


@dataclass
class Row:
    """What was proved about one exercise. missed: mistakes that no check caught; confused: that were caught
    and not recognised."""

    notebook: str
    exercise: str
    points: float
    probes: int
    hidden: int
    mistakes: int
    missed: set[str] = field(default_factory=set)
    confused: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    @property
    def caught(self) -> int:
        return self.mistakes - len(self.missed)

    @property
    def recognised(self) -> int:
        return self.mistakes - len(self.missed | self.confused)

    def note(self, fault: str) -> None:
        """Add a fault once, however many seeds show it."""
        if fault not in self.faults:
            self.faults.append(fault)

    def absorb(self, other: Row) -> None:
        self.missed |= other.missed
        self.confused |= other.confused
        for fault in other.faults:
            self.note(fault)


@dataclass
class Proof:
    unit: str
    rows: list[Row]

    @property
    def faults(self) -> list[str]:
        return [f"{r.exercise}: {fault}" for r in self.rows for fault in r.faults]


def verify(
    unit: Unit,
    tell: Callable[[str], None] = lambda _: None,
    jobs: int = 1,
    seeds: int = SEEDS,
    chance: bool = True,
) -> Proof:
    """Prove every exercise of the unit over so many seeds, in `jobs` processes; `tell` hears what is done.

    chance: False leaves out how rarely checks of something random refuse a right answer."""
    chunks = [range(first, min(first + CHUNK, seeds)) for first in range(0, seeds, CHUNK)]
    tasks = [(n.name, chunk) for n in unit.notebooks for chunk in chunks]
    rows: dict[tuple[str, str], Row] = {}
    for done, found in enumerate(_proved(unit, tasks, jobs, chance), 1):
        tell(f"{unit.slug}: {done} of {len(tasks)} parts verified")
        for row in found:
            rows.setdefault((row.notebook, row.exercise), row).absorb(row)
    order = [(n.name, exercise) for n in unit.notebooks for exercise in n.exercises]
    return Proof(unit.slug, [rows[key] for key in order])


def _proved(unit: Unit, tasks: list[tuple[str, range]], jobs: int, chance: bool) -> Iterator[list[Row]]:
    if jobs == 1:
        yield from (prove(unit, name, seeds, chance) for name, seeds in tasks)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        futures = [
            pool.submit(_prove_elsewhere, unit.to_json(), name, seeds, chance) for name, seeds in tasks
        ]
        yield from (future.result() for future in as_completed(futures))


def _prove_elsewhere(unit: dict[str, Any], name: str, seeds: range, chance: bool) -> list[Row]:
    return prove(Unit.from_json(unit), name, seeds, chance)


def prove(unit: Unit, name: str, seeds: range, chance: bool = True) -> list[Row]:
    """Prove one notebook's exercises over some seeds; what needs no seed goes with the first."""
    notebook = unit.notebook(name)
    reference = Reference(unit, notebook)
    rows = {exercise: _row(unit, notebook, exercise) for exercise in notebook.exercises}
    if 0 in seeds:
        _release_attempts_nothing(reference, rows)
        for probe in (p for p in unit.probes_of(notebook) if p.judges):
            with unwarned():
                _prove_test(reference, probe, rows[probe.of])
        for probe in (p for p in unit.probes_of(notebook) if chance and p.make_expected and p.share is None):
            _prove_chance(reference, probe, rows[probe.of])
    for seed in seeds:
        drawn_anew = seed == seeds.start
        _prove_seed(reference, hidden_seeds(unit.slug, b"verify %d" % seed), rows, drawn_anew)
    return list(rows.values())


def _row(unit: Unit, notebook: Notebook, exercise: str) -> Row:
    probes = [p for p in unit.probes_of(notebook) if p.of == exercise]
    points = sum(c.points for c in notebook.of_kind("check") if c.name == exercise)
    mistakes = sum(p.mistake.of == exercise for p in unit.patches)
    mistakes += sum(len(p.wrong) + len(p.breakers) for p in probes)
    row = Row(notebook.name, exercise, points, len(probes), sum(p.hidden for p in probes), mistakes)
    if not probes:
        row.note("no probe asks about it")
    if not points:
        row.note("no check cell gives points for it")
    return row


def _release_attempts_nothing(reference: Reference, rows: dict[str, Row]) -> None:
    """The untouched release runs from top to bottom, and every probe finds it "not attempted"."""
    unit, notebook = reference.unit, reference.notebook
    names: dict[str, object] = {"__name__": "release"}
    for cell in notebook.cells:
        if cell.kind in ("given", "listing", "solution") and not cell.markdown:
            source = release.stub(cell.source) if cell.kind == "solution" else cell.source
            try:
                execute(source, names, f"<release {cell.id}>")
            except Exception as error:
                fault = f"{cell.id} crashes the untouched release: {type(error).__name__}: {error}"
                next(iter(rows.values())).note(fault)
    seeds = hidden_seeds(unit.slug, b"release")
    for probe in (p for p in unit.probes_of(notebook) if not p.judges):
        outcome = reference.ask(probe, names, reference.inputs(probe, seeds(probe.name, 0)))
        if outcome.status != "not attempted":
            rows[probe.of].note(f"the untouched release gives {outcome.status} in {probe.name}")


def _prove_seed(reference: Reference, seeds: Seeds, rows: dict[str, Row], drawn_anew: bool) -> None:
    questions = reference.questions(seeds, hidden=True)
    for exercise, row in rows.items():
        asked = [q for q in questions if q.of == exercise]
        if asked:
            _solution_passes(reference, asked, row)
            patches = [p for p in reference.unit.patches if p.mistake.of == exercise]
            for patch in patches:
                mistake = patch.mistake
                stored = [[case.mistakes[mistake.id] for case in q.cases] for q in asked]
                fresh = [reference.mistaken(mistake, q) for q in asked] if drawn_anew else stored
                _mistake_is_named(mistake, [p.mistake for p in patches], asked, fresh, row)


def _solution_passes(reference: Reference, asked: list[Question], row: Row) -> None:
    probes = reference.unit.probes
    again = [[reference.ask(probes[q.name], reference.names, c.inputs) for c in q.cases] for q in asked]
    for verdict in judge(asked, again, []):
        if not verdict.passed:
            row.note(f"the solution itself fails {verdict.probe}: {verdict.message}")


def _mistake_is_named(
    mistake: Mistake, known: list[Mistake], asked: list[Question], answers: list[list[Outcome]], row: Row
) -> None:
    """Caught: a check fails. Recognised: every failing check names it or a declared synonym."""
    failed = [v for v in judge(asked, answers, known) if not v.passed or v.mistake]
    if not failed:
        row.missed.add(mistake.id)
        row.note(f"{mistake.id} is not caught: no check tells it from the solution")
        return
    same = {mistake.id, *mistake.synonyms}
    others = {m.id for m in known if m.id not in same and _equals(m.id, asked, answers)}
    others |= {str(v.mistake) for v in failed} - same
    if others:
        row.confused.add(mistake.id)
        row.note(f"{mistake.id} is not recognised as itself: it looks like {', '.join(sorted(others))}")


def _equals(other: str, asked: list[Question], answers: list[list[Outcome]]) -> bool:
    return all(
        same_outcome(case.mistakes[other], answer, recognition_bound(question))
        for question, given in zip(asked, answers, strict=True)
        for case, answer in zip(question.cases, given, strict=True)
    )


def _prove_chance(reference: Reference, probe: Probe, row: Row) -> None:
    """A check of something random fails a right solution less than once in a million times."""
    seed = hidden_seeds(reference.unit.slug, b"chance")(probe.name, 0)
    inputs = reference.inputs(probe, seed)
    wanted = reference.expected(probe, inputs, seed).arrays
    runs = [reference.ask(probe, reference.names, inputs).arrays for _ in range(RUNS)]
    for name, array in wanted.items():
        chance = false_alarms(np.array([run[name] for run in runs], dtype=float), array, probe.rtol or 0.0)
        if chance > MAX_FALSE_ALARMS:
            row.note(
                f"{probe.name} fails a right solution with probability {chance:.0e} in {name}: "
                f"average over more draws, or widen its rtol (at most {MAX_FALSE_ALARMS:g} is allowed)"
            )


def _prove_test(reference: Reference, probe: Probe, row: Row) -> None:
    """The solution's test must accept the reference and reject every mistake and breaker."""
    right = reference.given(Given(probe.judges or ""))
    if run_probe(probe, reference.names, {"implementation": right}).status != "values":
        row.note(f"the solution's test rejects the right {probe.judges}")
    broken = {b.__name__: b(right) for b in probe.breakers}
    broken |= {i: reference.given(Given(probe.judges or "", i)) for i in probe.wrong}
    for name, implementation in broken.items():
        if run_probe(probe, reference.names, {"implementation": implementation}).status != "raised":
            row.missed.add(name)
            row.note(f"the solution's test accepts {name}")
