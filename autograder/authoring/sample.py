"""A class of submissions made from the unit itself: right, mistaken, half done, untouched and broken ones."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import count, cycle, islice
from pathlib import Path
from random import Random
from typing import Any

from autograder.authoring.handin import FAULTS, Desk, Work, with_bom
from autograder.authoring.reference import apply
from autograder.authoring.styles import STYLES, Style, as_written, reformatted, renamed, unmarked
from autograder.authoring.unit import Notebook, Patch, Unit

EXPECTED = "expected.json"
# 24: 6 right, 8 with a mistake, 1 with two, 3 half done, 2 untouched, 4 broken. Small classes vary too.
KINDS = """
right|mistake|broken|half done|mistake|right|mistake|untouched|mistake|broken|right|mistake
two mistakes|right|half done|mistake|broken|right|mistake|untouched|mistake|half done|right|broken
""".strip().replace("\n", "|")
FIRST_NAMES = """
Adaeze Aiko Amir Anneke Bilal Camila Chidi Daria Elif Emeka Fatou Felix Greta Hana Ines Ivan Jamal Kaito
Lena Leyla Lucia Mateo Mei Milan Nadia Noor Olga Omar Paula Priya Quang Rosa Sami Soren Tariq Uma Viktor
Wei Yara Zoë
"""
LAST_NAMES = """
Abebe Almeida Baker Bauer Castillo Cohen Dang Diallo Eriksen Farah Fischer Garcia Haddad Horvat Ito Jansen
Kaya Kim Kowalska Laurent Lopez Mensah Moreau Nguyen Novak Okafor Olsen Park Petrova Quist Rao Rossi Sato
Silva Singh Tanaka Torres Ueda Varga Weber Yilmaz Zhou
"""


@dataclass(frozen=True)
class Known:
    """A mistake that was put in: grading must tell it, or a declared synonym, in the check of `of`."""

    id: str
    notebook: str
    of: str
    synonyms: tuple[str, ...] = ()


@dataclass
class Plan:
    """One student of the class. points: what must be earned, where that is known beforehand."""

    student: str
    kind: str
    how: str = ""
    mistakes: list[Known] = field(default_factory=list)
    points: float | None = None


def make_class(unit: Unit, students: int, seed: int, out: Path) -> list[Plan]:
    """Write `students` submissions to `<out>/<student>/<unit>/`, the same ones for the same unit and seed.

    `<out>/expected.json` says per student what was done and what grading must tell."""
    _clear(out)
    plans = []
    maker = _Maker(unit, Random(f"{unit.slug}/{seed}"))
    for student, kind in zip(maker.names(students), cycle(KINDS.split("|")), strict=False):
        plan = Plan(student, kind)
        files = maker.desk.files(maker.work(plan))
        folder = out / student / unit.slug
        folder.mkdir(parents=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        plans.append(plan)
    expected = {p.student: asdict(p) for p in plans}
    (out / EXPECTED).write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return plans


def untold(expected: dict[str, Any], records: list[dict[str, Any]]) -> Iterator[str]:
    """One sentence for every expectation in expected.json that the records of `grade` do not meet."""
    graded = {r["student"]: r for r in records}
    for student, plan in expected.items():
        record = graded.get(student)
        if record is None:
            yield f"{student} ({plan['kind']}) was not graded."
            continue
        for known in plan["mistakes"]:
            says = [c["says"] for c in record["checks"] if (c["notebook"], c["name"]) == _where(known)]
            if not any({known["id"], *known["synonyms"]} & set(told) for told in says):
                yield f"{student} was not told the mistake {known['id']} in {known['of']}: {says}"
        if plan["points"] is not None and abs(record["points"] - plan["points"]) > 1e-9:
            yield (
                f"{student} ({plan['kind']}, {plan['how']}) must have {plan['points']:g} points, "
                f"has {record['points']:g}."
            )


def _where(known: dict[str, Any]) -> tuple[str, str]:
    return known["notebook"], known["of"]


def _clear(out: Path) -> None:
    """Remove the class that was here before, and nothing else."""
    before = out / EXPECTED
    if before.exists():
        for student in json.loads(before.read_text(encoding="utf-8")):
            shutil.rmtree(out / student, ignore_errors=True)
        before.unlink()


class _Maker:
    """Deals out styles, mistakes and faults, each one once before any comes again."""

    def __init__(self, unit: Unit, rng: Random):
        self.unit, self.rng = unit, rng
        self.desk = Desk(unit)
        self._exercises = [(n, c) for n in unit.notebooks for c in n.of_kind("solution")]
        self._styles = cycle(STYLES.items())
        self._faults = cycle(FAULTS.items())
        dealt = list(_dealt(unit, rng))
        self._notebooks = len({notebook.name for notebook, _ in dealt})
        self._patches = cycle(dealt)
        self._halves = cycle((2, 1, 3))

    def names(self, wanted: int) -> Iterator[str]:
        pairs = [f"{first}-{last}".lower() for first in FIRST_NAMES.split() for last in LAST_NAMES.split()]
        self.rng.shuffle(pairs)
        pairs.insert(0, "zoë-lindström")  # a folder name that is not ASCII
        numbered = (f"{name}-{n}" for n in count(2) for name in pairs)
        return islice((name for names in (pairs, numbered) for name in names), wanted)

    def work(self, plan: Plan) -> Work:
        """Do the student's work, and note in the plan what must come of it."""
        work = {
            "right": self._right,
            "mistake": lambda p: self._mistaken(p, 1),
            "two mistakes": lambda p: self._mistaken(p, 2),
            "half done": self._half_done,
            "untouched": lambda p: Work(),
            "broken": self._broken,
        }[plan.kind](plan)
        if plan.kind in ("right", "half done", "untouched"):
            plan.points = self._points(set(work.answers))
        return work

    def _right(self, plan: Plan) -> Work:
        plan.how, style = next(self._styles)
        work = self._solved(style)
        if style is reformatted:
            plan.how += ", saved with a byte order mark"
            work.spoil = with_bom
        return work

    def _mistaken(self, plan: Plan, wanted: int) -> Work:
        """One mistake per notebook: two in one notebook may hide each other."""
        patches: dict[str, tuple[Notebook, Patch]] = {}
        for notebook, patch in self._patches:
            patches.setdefault(notebook.name, (notebook, patch))
            if len(patches) >= min(wanted, self._notebooks):
                break
        style = self.rng.choice([as_written, reformatted, renamed])
        work = self._solved(style)
        for notebook, patch in patches.values():
            m = patch.mistake
            plan.mistakes.append(Known(m.id, notebook.name, m.of, m.synonyms))
            work.answers[m.of] = style(unmarked(apply(patch, notebook.solution(m.of))))[1]
        plan.how = ", ".join(m.id for m in plan.mistakes)
        return work

    def _half_done(self, plan: Plan) -> Work:
        done = max(1, len(self._exercises) * next(self._halves) // 4)
        plan.how = f"the first {done} of {len(self._exercises)} exercises"
        return self._solved(as_written, done)

    def _broken(self, plan: Plan) -> Work:
        plan.how, fault = next(self._faults)
        work = self._solved(as_written)
        fault(work, self.unit.notebooks[0])
        return work

    def _solved(self, style: Style, exercises: int | None = None) -> Work:
        work = Work()
        for _, cell in self._exercises[:exercises]:
            own, work.answers[cell.name] = style(unmarked(cell.source))
            if own:
                work.own[cell.name] = own
        return work

    def _points(self, answered: set[str]) -> float:
        return sum(c.points for n in self.unit.notebooks for c in n.of_kind("check") if c.name in answered)


def _dealt(unit: Unit, rng: Random) -> Iterator[tuple[Notebook, Patch]]:
    """Every mistake that checks can name, shuffled, the notebooks in turn."""
    piles = []
    for notebook in unit.notebooks:
        asked = {p.of for p in unit.probes_of(notebook) if p.judges is None}
        pile = [(notebook, p) for p in unit.patches_of(notebook) if p.mistake.of in asked]
        rng.shuffle(pile)
        piles.append(pile)
    while any(piles):
        for pile in filter(None, piles):
            yield pile.pop()


def main(expected: str, records: str) -> int:
    """Compare the two files; say what was found, and return the exit code."""
    faults = list(untold(*(json.loads(Path(p).read_text(encoding="utf-8")) for p in (expected, records))))
    print("\n".join(faults) or "Every known mistake of the sample class was told; every mark is as expected.")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
