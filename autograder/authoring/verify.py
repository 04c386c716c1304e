"""The proof that a unit's checks work: mutation testing of the course itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from autograder.authoring import release
from autograder.authoring.reference import Reference, Seeds, execute, hidden_seeds
from autograder.authoring.unit import Notebook, Patch, Unit
from autograder.probes import Given, Probe
from autograder.running import Outcome, run_probe
from autograder.verdict import Question, judge, same_outcome

SEEDS = 20


@dataclass
class Row:
    """What was proved about one exercise."""

    notebook: str
    exercise: str
    points: float
    probes: int
    hidden: int
    mistakes: int = 0
    caught: int = 0
    recognised: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass
class Proof:
    unit: str
    rows: list[Row]

    @property
    def faults(self) -> list[str]:
        return [f"{r.exercise}: {fault}" for r in self.rows for fault in r.faults]


def verify(unit: Unit, tell: Callable[[str], None] = lambda _: None) -> Proof:
    """Prove every exercise of the unit over SEEDS seeds; `tell` hears what is being done."""
    rows: list[Row] = []
    for notebook in unit.notebooks:
        tell(f"{notebook.key}: solution")
        reference = Reference(unit, notebook)
        of = {name: _row(unit, notebook, name) for name in notebook.exercises}
        _release_attempts_nothing(reference, of)
        for seed in range(SEEDS):
            tell(f"{notebook.key}: seed {seed + 1} of {SEEDS}")
            _prove_seed(reference, hidden_seeds(unit.slug, b"verify %d" % seed), of, first=seed == 0)
        for probe in (p for p in unit.probes_of(notebook) if p.judges):
            _prove_test(reference, probe, of[probe.of])
        rows += of.values()
    return Proof(unit.slug, rows)


def _row(unit: Unit, notebook: Notebook, exercise: str) -> Row:
    probes = [p for p in unit.probes_of(notebook) if p.of == exercise]
    points = sum(c.points for c in notebook.of_kind("check") if c.name == exercise)
    row = Row(notebook.name, exercise, points, len(probes), sum(p.hidden for p in probes))
    row.mistakes = sum(p.mistake.of == exercise for p in unit.patches)
    row.caught = row.recognised = row.mistakes
    if not probes:
        row.faults.append("no probe asks about it")
    if not points:
        row.faults.append("no check cell gives points for it")
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
                next(iter(rows.values())).faults.append(fault)
    seeds = hidden_seeds(unit.slug, b"release")
    for probe in (p for p in unit.probes_of(notebook) if not p.judges):
        outcome = run_probe(probe, names, reference.inputs(probe, seeds(probe.name, 0)), reference.given)
        if outcome.status != "not attempted":
            rows[probe.of].faults.append(f"the untouched release gives {outcome.status} in {probe.name}")


def _prove_seed(reference: Reference, seeds: Seeds, rows: dict[str, Row], first: bool) -> None:
    questions = reference.questions(seeds, hidden=True)
    for exercise, row in rows.items():
        asked = [q for q in questions if q.of == exercise]
        if not asked:
            continue
        _solution_passes(reference, asked, row)
        patches = [p for p in reference.unit.patches if p.mistake.of == exercise]
        for patch in patches:
            _mistake_is_named(patch, patches, asked, row)


def _solution_passes(reference: Reference, asked: list[Question], row: Row) -> None:
    probes = reference.unit.probes
    again = [[reference.ask(probes[q.name], reference.names, c.inputs) for c in q.cases] for q in asked]
    for verdict in judge(asked, again, []):
        if not verdict.passed:
            _note(row, f"the solution itself fails {verdict.probe}: {verdict.message}")


def _mistake_is_named(patch: Patch, patches: list[Patch], asked: list[Question], row: Row) -> None:
    """Caught: a check fails. Recognised: every failing check names it or a declared synonym."""
    mistake = patch.mistake
    known = [p.mistake for p in patches]
    answers: list[list[Outcome]] = [[c.mistakes[mistake.id] for c in q.cases] for q in asked]
    verdicts = judge(asked, answers, known)
    failed = [v for v in verdicts if not v.passed or v.mistake]
    if not failed and _note(row, f"{mistake.id} is not caught: no check tells it from the solution"):
        row.caught -= 1
    same = {mistake.id, *mistake.synonyms}
    others = {m.id for m in known if m.id not in same and _equals(m.id, asked, answers)}
    named = {v.mistake for v in failed}
    if failed and (others or not named <= same):
        told = ", ".join(sorted(others | {str(n) for n in named - same}))
        if _note(row, f"{mistake.id} is not recognised as itself: it looks like {told}"):
            row.recognised -= 1


def _equals(other: str, asked: list[Question], answers: list[list[Outcome]]) -> bool:
    pairs = [
        (c.mistakes[other], a)
        for q, row in zip(asked, answers, strict=True)
        for c, a in zip(q.cases, row, strict=True)
    ]
    return all(same_outcome(a, b) for a, b in pairs)


def _note(row: Row, fault: str) -> bool:
    """Add a fault once, however many seeds show it; True the first time."""
    if fault in row.faults:
        return False
    row.faults.append(fault)
    return True


def _prove_test(reference: Reference, probe: Probe, row: Row) -> None:
    """The solution's test must accept the reference and reject every mistake and breaker."""
    right = reference.given(Given(probe.judges or ""))
    if run_probe(probe, reference.names, {"implementation": right}).status != "values":
        _note(row, f"the solution's test rejects the right {probe.judges}")
    broken = {b.__name__: b(right) for b in probe.breakers}
    broken |= {i: reference.given(Given(probe.judges or "", i)) for i in probe.wrong}
    for name, implementation in broken.items():
        if run_probe(probe, reference.names, {"implementation": implementation}).status != "raised":
            _note(row, f"the solution's test accepts {name}")
    row.mistakes = row.caught = row.recognised = len(broken)
