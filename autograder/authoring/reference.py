"""The reference solution, and the reference with one known mistake, as namespaces to be probed."""

from __future__ import annotations

import hashlib
import hmac
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stdout
from functools import cached_property
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from autograder.authoring.chance import seed_all
from autograder.authoring.unit import Cell, Notebook, Patch, Unit, UnitError
from autograder.probes import Given, Inputs, Probe
from autograder.running import Outcome, run_probe, to_array, without_magics
from autograder.verdict import Case, Mistake, Question

Seeds = Callable[[str, int], int]  # (probe, case) -> seed


def public_seeds(unit: str) -> Seeds:
    """The seeds of the released cases: anyone may know them."""
    return lambda probe, case: _number(hashlib.sha256(f"public/{unit}/{probe}/{case}".encode()).digest())


def hidden_seeds(unit: str, secret: bytes) -> Seeds:
    """The seeds of the hidden cases, from the course's secret; the same for the whole class."""
    return lambda probe, case: _number(
        hmac.new(secret, f"{unit}/{probe}/{case}".encode(), hashlib.sha256).digest()
    )


def _number(digest: bytes) -> int:
    return int.from_bytes(digest[:8], "big")


class Reference:
    """One notebook's solution, executed cell by cell. Experiments and checks are not run."""

    def __init__(self, unit: Unit, notebook: Notebook):
        self.unit, self.notebook = unit, notebook
        self.names: dict[str, Any] = {"__name__": "reference"}
        with beside(unit.files):
            for cell in notebook.cells:
                if cell.kind in ("given", "listing", "solution") and not cell.markdown:
                    _execute(cell, cell.source, self.names, f"{unit.slug}/{notebook.name}")

    def patched(self, patch: Patch) -> dict[str, Any]:
        """The namespace in which the patched solution cell was executed last."""
        names = dict(self.names)
        cell = self.notebook.solution(patch.mistake.of)
        with beside(self.unit.files):
            _execute(cell, apply(patch, cell), names, f"mistake {patch.mistake.id}")
        return names

    def given(self, wanted: Given) -> Any:
        """What stands behind a `Given` input: the reference's function, or a mistaken one."""
        if wanted.mistake is None:
            return self.names[wanted.name]
        patch = next(p for p in self.unit.patches if p.mistake.id == wanted.mistake)
        return self.patched(patch)[wanted.name]

    def questions(self, seeds: Seeds, *, hidden: bool = False) -> list[Question]:
        """Every probe of the notebook with inputs from `seeds`, the reference's answers and the mistakes'.

        hidden: include the probes that are never released. Exercises that ask for a test have no arrays."""
        return [
            self.question(probe.name, seeds)
            for probe in self.unit.probes_of(self.notebook)
            if probe.judges is None and (hidden or not probe.hidden)
        ]

    def question(self, name: str, seeds: Seeds) -> Question:
        """One probe, asked of the reference and of every known mistake of its exercise."""
        probe = self.unit.probes[name]
        variants = {k: names for k, (of, names) in self._variants.items() if of == probe.of}
        cases = []
        for number in range(probe.cases):
            seed = seeds(name, number)
            drawn = self.inputs(probe, seed)
            expected, inputs = self.expected(probe, drawn, seed), probe.asked(drawn)
            mistaken = {key: self.ask(probe, names, inputs, seed) for key, names in variants.items()}
            cases.append(Case(inputs, expected, mistaken))
        random = probe.make_expected is not None and probe.share is None
        return Question(name, probe.of, cases, probe.rtol, random, probe.share)

    def expected(self, probe: Probe, inputs: Inputs, seed: int) -> Outcome:
        """What is right on these inputs: the reference's answer, or what the author says of random ones."""
        answer = self.ask(probe, self.names, inputs, seed)
        if answer.status != "values":
            raise UnitError(f"{probe.name}: the reference itself fails: {answer.error} {answer.line}")
        if probe.make_expected is None:
            return answer
        if probe.rtol is None and probe.share is None:
            raise UnitError(
                f"{probe.name}: a probe with @{probe.name}.expect needs its own rtol, or a share."
            )
        wanted = {name: to_array(name, value) for name, value in probe.make_expected(**inputs).items()}
        if wanted.keys() != answer.arrays.keys():
            raise UnitError(
                f"{probe.name}: the probe returns {', '.join(answer.arrays)}, "
                f"but its expect gives {', '.join(wanted)}."
            )
        return Outcome("values", wanted)

    def mistaken(self, mistake: Mistake, question: Question) -> list[Outcome]:
        """What a student with this mistake answers; random answers are drawn anew."""
        if not question.random:
            return [case.mistakes[mistake.id] for case in question.cases]
        probe, names = self.unit.probes[question.name], self._variants[mistake.id][1]
        return [self.ask(probe, names, case.inputs) for case in question.cases]

    @cached_property
    def _variants(self) -> dict[str, tuple[str, dict[str, Any]]]:
        patches = self.unit.patches_of(self.notebook)
        return {p.mistake.id: (p.mistake.of, self.patched(p)) for p in patches}

    def inputs(self, probe: Probe, seed: int) -> Inputs:
        if probe.make_inputs is None:
            raise UnitError(f"The probe {probe.name} has no inputs: add @{probe.name}.inputs.")
        inputs = probe.make_inputs(np.random.default_rng(seed))
        kept = inputs.keys() - probe.asked(inputs).keys()
        if kept and probe.make_expected is None:
            raise UnitError(
                f"{probe.name}: its inputs hold {', '.join(sorted(kept))}, for which it has no parameter, "
                f"and there is no @{probe.name}.expect that could use it."
            )
        return inputs

    def ask(self, probe: Probe, names: dict[str, Any], inputs: Inputs, seed: int | None = None) -> Outcome:
        """Ask the probe of a namespace; with a seed, what it draws is the same every time.

        Of inputs that are kept for its `expect` it hears nothing."""
        if seed is not None:
            seed_all(seed)
        with unwarned():
            return run_probe(probe, names, probe.asked(inputs), self.given)


@contextmanager
def beside(files: Mapping[str, bytes]) -> Iterator[None]:
    """Work in a folder that holds these files, as a submission's process does."""
    if not files:
        yield
        return
    with TemporaryDirectory() as folder, chdir(folder):
        for name, content in files.items():
            Path(name).write_bytes(content)
        yield


@contextmanager
def unwarned() -> Iterator[None]:
    """Divisions by zero and misuses of a library are what many a mistake is about: nobody needs telling."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def apply(patch: Patch, cell: Cell) -> str:
    """The source of `cell` with the mistake in it; what is searched must occur exactly once."""
    found = cell.source.count(patch.find)
    if found != 1:
        raise UnitError(
            f"The mistake {patch.mistake.id} does not apply: its `find` occurs {found} times in {cell.name}, "
            "it must occur exactly once."
        )
    return cell.source.replace(patch.find, patch.replace)


def released_mistakes(unit: Unit, notebook: Notebook) -> list[Mistake]:
    return [p.mistake for p in unit.patches_of(notebook)]


def _execute(cell: Cell, source: str, names: dict[str, Any], where: str) -> None:
    try:
        execute(source, names, f"<{where}, {cell.id}>")
    except Exception as error:
        raise UnitError(f"{where}: the cell {cell.id} fails: {type(error).__name__}: {error}") from error


def execute(source: str, names: dict[str, Any], filename: str) -> None:
    """Run a cell's source without a shell: magics are passed over, what it prints is for students."""
    with redirect_stdout(StringIO()):
        exec(compile(without_magics(source), filename, "exec"), names)
