"""What the trusted side knows about one notebook: inputs, expected arrays, mistakes, and functions to serve.

The reference runs in sandboxed children of its own; what a submission's child gets is inputs only."""

from __future__ import annotations

import hashlib
import marshal
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from autograder import store
from autograder.authoring import release
from autograder.authoring.reference import hidden_seeds
from autograder.authoring.unit import Notebook, Unit
from autograder.engine import wire
from autograder.engine.clock import Allowance
from autograder.engine.process import Child, EngineError, Zygote
from autograder.engine.references import MAX_LOANS, References
from autograder.probes import Given
from autograder.verdict import Mistake, Question

REFERENCE_SECONDS = 300.0
MAX_CALL = 8 << 20


@dataclass(frozen=True)
class TestOfTests:
    """An exercise that asks for a test: which function it judges, and what it must reject."""

    probe: str
    of: str
    judges: str
    wrong: tuple[str, ...]


class Bank:
    """The questions of one notebook, public and hidden."""

    def __init__(self, unit: Unit, notebook: Notebook, root: Path, secret: bytes, zygote: Zygote):
        self.unit, self.notebook, self._secret, self._zygote = unit, notebook, secret, zygote
        self._plain = replace(unit, notebooks=[notebook]).to_json()  # once: it takes longer than a fork
        self._references = References(self._loaded)
        try:
            with self._references.one() as child:
                facts = self._ask(child, {"do": "facts"})[0]["probes"]
                self.hidden = [self._hidden(child, f) for f in facts if not f["judges"]]
        except BaseException:
            self.close()
            raise
        names = [f["name"] for f in facts]
        self.tests = [
            TestOfTests(f["name"], f["of"], f["judges"], tuple(f["wrong"])) for f in facts if f["judges"]
        ]
        checks = root / "exercises" / unit.slug / "checks"
        self.public, _ = store.load(checks, notebook.name)
        self._probes = {
            secret: _compiled(notebook.checks, names if secret else [q.name for q in self.public])
            for secret in (False, True)
        }

    def probes(self, secret: bool) -> wire.Arrays:
        """What a child needs to ask: the pass that is shown to the student meets only released probes."""
        return self._probes[secret]

    def questions(self, exercise: str) -> list[Question]:
        """Public questions first: what fails there can be told in full."""
        return [q for q in (*self.public, *self.hidden) if q.of == exercise]

    def known(self, exercise: str) -> list[Mistake]:
        return [p.mistake for p in self.unit.patches if p.mistake.of == exercise]

    def mistake(self, name: str) -> Mistake:
        return next(p.mistake for p in self.unit.patches if p.mistake.id == name)

    def lineup(self, test: TestOfTests) -> list[Given]:
        """The implementations that a student's test meets: right ones and wrong ones in secret order."""
        row = [Given(test.judges), Given(test.judges), *(Given(test.judges, m) for m in test.wrong)]

        def place(numbered: tuple[int, Given]) -> bytes:
            number, given = numbered
            return hashlib.sha256(
                self._secret + f"{self.unit.slug}/{test.probe}/{number}/{given}".encode()
            ).digest()

        return [given for _, given in sorted(enumerate(row), key=place)]

    def call(
        self,
        given: Given,
        request: dict[str, Any],
        arrays: wire.Arrays,
        within: Allowance,
    ) -> tuple[dict[str, Any], wire.Arrays]:
        """Serve one call of a reference function to a submission's child."""
        args, options = request.get("args"), request.get("options")
        if not isinstance(args, list) or not isinstance(options, dict):
            raise wire.BadFrame("a call needs args and options")
        if sum(a.nbytes for a in arrays.values()) > MAX_CALL:
            return {"raised": "ValueError: the arrays are too large for a test"}, {}
        order = {
            "do": "call",
            "given": given.name,
            "mistake": given.mistake,
            "args": args,
            "options": options,
        }
        with self._references.one() as reference:
            return reference.request(order, arrays, within=within)

    def _hidden(self, child: Child, fact: dict[str, Any]) -> Question:
        seeds = hidden_seeds(self.unit.slug, self._secret)
        numbers = [str(seeds(fact["name"], case)) for case in range(fact["cases"])]
        answer, arrays = self._ask(child, {"do": "question", "probe": fact["name"], "seeds": numbers})
        question = store.unpack_question(answer["question"], arrays)
        question.secret = True
        return question

    def _loaded(self) -> Child:
        """A process that has executed the solution; it may compute for all of its loans, the slowest, too:
        no submission's calls end it on the next one's watch."""
        a_call = int(self.unit.limits.probe_seconds) + 1
        child = self._zygote.spawn(cpu_seconds=3600 + MAX_LOANS * a_call, own=True)
        try:
            self._ask(child, {"do": "load", "unit": self._plain, "notebook": self.notebook.name})
        except BaseException:
            child.close()
            raise
        return child

    def close(self) -> None:
        self._references.close()

    def _ask(self, child: Child, header: dict[str, Any]) -> tuple[dict[str, Any], wire.Arrays]:
        try:
            return child.request(header, None, within=Allowance(REFERENCE_SECONDS), bounds=wire.TRUSTED)
        except (wire.Closed, wire.Silence, wire.BadFrame) as error:
            what = f"{self.notebook.key}, {header['do']} {header.get('probe', '')}".strip()
            raise EngineError(
                f"The reference of {what} failed ({type(error).__name__}): run `autograder verify`."
            ) from error


def _compiled(checks: str, names: list[str]) -> wire.Arrays:
    """The probes of these names, compiled once for all children, which are of the same Python."""
    code = compile(release.cut_probes(checks, names), "<checks>", "exec")
    return {"code": np.frombuffer(marshal.dumps(code), np.uint8)}
