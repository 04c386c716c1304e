"""Grade submissions: from a folder of notebooks to results. One bad submission never stops the rest."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import time
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

from autograder.authoring.unit import Notebook, Unit
from autograder.engine.bank import Bank
from autograder.engine.beside import MODULE, find_beside
from autograder.engine.judging import CheckResult
from autograder.engine.namespaces import ALL
from autograder.engine.process import EngineError, Zygote
from autograder.engine.reading import find_notebooks
from autograder.engine.secret import course_secret
from autograder.engine.session import Session
from autograder.engine.submission import Step, compose

NO_ANSWER = "The notebook is missing or cannot be read."
MAX_NAME = 128  # characters of a student's name that nbgrader's tables hold
MAX_NAME_BYTES = 200  # a folder of that name must be possible, and files in it
# Characters that make HTML live where nobody escapes them, as in formgrader's pages, that a terminal obeys,
# or that turn the order of what is read.
UNFIT = re.compile('[\x00-\x1f\x7f-\x9f<>"\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]')


@dataclass
class NotebookResult:
    """A graded notebook: its cells with outputs, and its checks by cell id."""

    name: str
    steps: list[Step]
    checks: dict[str, CheckResult]
    notes: list[str] = field(default_factory=list)  # repairs, told to student and instructor
    flags: list[str] = field(default_factory=list)  # for the instructor to look at


@dataclass
class SubmissionResult:
    """Everything that grading one submission found."""

    student: str
    unit: str
    status: str  # "graded" or "rejected"
    reason: str
    notebooks: list[NotebookResult]
    seconds: float = 0.0
    cpu: float = 0.0
    sandbox: str = ""

    @property
    def points(self) -> float:
        return sum(c.points for n in self.notebooks for c in n.checks.values())

    @property
    def max_points(self) -> float:
        return sum(c.max_points for n in self.notebooks for c in n.checks.values())

    def record(self) -> dict[str, Any]:
        """The result as one JSON object."""
        return {
            "student": self.student,
            "unit": self.unit,
            "status": self.status,
            "reason": self.reason,
            "seconds": round(self.seconds, 3),
            "cpu_seconds": round(self.cpu, 3),
            "sandbox": self.sandbox,
            "points": self.points,
            "max_points": self.max_points,
            "notes": {n.name: n.notes for n in self.notebooks if n.notes},
            "flags": {n.name: n.flags for n in self.notebooks if n.flags},
            "checks": [_check_record(n.name, c) for n in self.notebooks for c in n.checks.values()],
        }


def _check_record(notebook: str, check: CheckResult) -> dict[str, Any]:
    probes = [
        {"name": v.probe, "passed": v.passed, "status": v.status, "message": v.message, "mistake": v.mistake}
        | ({"digest": check.digests[v.probe]} if v.probe in check.digests else {})
        for v in check.verdicts
    ]
    plain = {"notebook": notebook, "name": check.name, "points": check.points, "max_points": check.max_points}
    return {**plain, "probes": probes, "says": {m.id: m.says for m in check.said}}


class Grader:
    """Holds what a whole class shares: warm zygotes, and per notebook the questions with their answers."""

    def __init__(self, unit: Unit, root: Path, *, sandbox: str, locked: bool = True):
        self.unit, self.sandbox = unit, sandbox
        secret = course_secret(root)
        with ExitStack() as stack:
            kinds = {"torch" if n.torch else "numpy" for n in unit.notebooks}
            self._zygotes = {k: stack.enter_context(Zygote(k, locked=locked)) for k in sorted(kinds)}
            self._assert_level()
            self._banks: dict[str, Bank] = {}
            for notebook in unit.notebooks:
                bank = Bank(unit, notebook, root, secret, self._zygote(notebook))
                self._banks[notebook.name] = stack.enter_context(closing(bank))
            self._stack = stack.pop_all()

    def _assert_level(self) -> None:
        """What every record says must hold for each process that grades."""
        missing = {layer for z in self._zygotes.values() for layer in ALL - z.namespaces}
        if self.sandbox == "A" and missing:
            raise EngineError(
                f"Level A was found, and a zygote runs without {', '.join(sorted(missing))}: start again."
            )

    def _zygote(self, notebook: Notebook) -> Zygote:
        return self._zygotes["torch" if notebook.torch else "numpy"]

    def grade(self, student: str, folder: Path) -> SubmissionResult:
        """Grade the notebooks in `folder`. What is wrong with it is in the result."""
        started = time.monotonic()
        cells, troubles = find_notebooks(folder, self.unit.notebooks)
        most, wanted = self.unit.limits.array_bytes, self.unit.beside
        beside, left_out = find_beside(folder, most, wanted) if cells else ({}, [])
        notebooks, cpu = [], 0.0
        for notebook in self.unit.notebooks:
            if notebook.name in cells:
                result, spent = self._grade_notebook(notebook, cells[notebook.name], beside)
                cpu += spent
            else:
                result = _unanswered(notebook)
            notebooks.append(result)
        status = "graded" if cells else "rejected"
        reason = " ".join([*troubles, *left_out])
        seconds = time.monotonic() - started
        return SubmissionResult(
            student, self.unit.slug, status, reason, notebooks, seconds, cpu, self.sandbox
        )

    def _grade_notebook(
        self, notebook: Notebook, cells: list[dict[str, Any]], beside: dict[str, bytes]
    ) -> tuple[NotebookResult, float]:
        composed = compose(notebook, cells)
        session = Session(self._zygote(notebook), self._banks[notebook.name], self.unit.limits, beside)
        checks = session.run(composed.steps)
        flags = [*forbidden_calls(composed.steps, notebook.forbidden), *imported(composed.steps, beside)]
        notes = composed.notes + session.notes
        return NotebookResult(notebook.name, composed.steps, checks, notes, flags), session.dialogue.cpu

    def grade_class(self, folders: Mapping[str, Path], jobs: int) -> Iterator[SubmissionResult]:
        """Grade many submissions side by side; results in the order in which they are ready.

        Submissions are taken one by one, so `folders` may come to an end early; results are not kept."""
        waiting = iter(folders.items())
        with ThreadPoolExecutor(max_workers=jobs) as pool:

            def take(count: int) -> set[Future[SubmissionResult]]:
                return {pool.submit(self._grade_safely, s, f) for s, f in islice(waiting, count)}

            running = take(2 * jobs)  # no worker waits while a result is being written
            try:
                while running:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    running |= take(len(done))
                    while done:
                        yield done.pop().result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _grade_safely(self, student: str, folder: Path) -> SubmissionResult:
        try:
            return self.grade(student, folder)
        except EngineError:
            raise
        except Exception as error:  # a fault that nobody foresaw is this submission's alone
            reason = f"The engine could not grade this submission ({type(error).__name__}: {error})."
            return rejected(self.unit, student, reason, self.sandbox)

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> Grader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def rejected(unit: Unit, student: str, reason: str, sandbox: str) -> SubmissionResult:
    """The result of a submission that could not be graded at all."""
    notebooks = [_unanswered(notebook) for notebook in unit.notebooks]
    return SubmissionResult(student, unit.slug, "rejected", reason, notebooks, sandbox=sandbox)


def _unanswered(notebook: Notebook) -> NotebookResult:
    steps = compose(notebook, []).steps
    checks = {c.id: CheckResult(c.name, c.points, []) for c in notebook.of_kind("check")}
    return NotebookResult(notebook.name, steps, checks, [NO_ANSWER])


def forbidden_calls(steps: list[Step], forbidden: list[str]) -> Iterator[str]:
    """Uses of the library's own layer in a graded answer: told to the instructor, never a verdict."""
    words = [name.split(".")[-1] for name in forbidden]
    for step in steps:
        if step.kind in ("solution", "own") and not step.markdown:
            spelled = unicodedata.normalize("NFKC", step.source)  # as Python reads names
            if not any(word in spelled for word in words):
                continue
            try:
                names = {_dotted(node) for node in ast.walk(ast.parse(step.source))}
            except (SyntaxError, ValueError, RecursionError):
                continue
            for name in forbidden:
                if any(used == name or used.endswith("." + name) for used in names):
                    yield f"{step.id} uses {name}"


def _dotted(node: ast.AST) -> str:
    """A name as it is written, such as nn.BatchNorm2d; what it is an attribute of may be no name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id if isinstance(node, ast.Name) else "", *reversed(parts)])


def imported(steps: list[Step], beside: Iterable[str]) -> Iterator[str]:
    """Modules of the student's own that are imported: told to the instructor, who sees them on no page."""
    for name in filter(MODULE.fullmatch, beside):
        uses = re.compile(rf"^\s*(?:from|import|%run)\s+{name.removesuffix('.py')}\b", re.MULTILINE)
        if any(uses.search(step.source) for step in steps if not step.markdown):
            yield f"code of {name}, which was handed in beside the notebook, is used"


def submissions(folder: Path, unit: str) -> dict[str, Path]:
    """Every `<folder>/<student>/<unit>/`, by student."""
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}: expected {folder}/<student>/{unit}/*.ipynb.")
    found: dict[str, Path] = {}
    for path in sorted((p for p in folder.iterdir() if _handed_in(p, unit)), key=_normal_first):
        name = student_name(path)
        if name in found:
            name = fit_name(_spelled(path))
        while name in found:
            name += "="
        found[name] = path / unit
    if not found:
        raise FileNotFoundError(f"No submission in {folder}: expected {folder}/<student>/{unit}/*.ipynb.")
    return found


def _handed_in(folder: Path, unit: str) -> bool:
    """Links (to nowhere, too), files and what is not ours to read count: they are rejected with a reason."""
    try:
        (folder / unit).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def student_name(folder: Path) -> str:
    """The folder's name as text that a file, a database or a page can hold, in the normal form NFC: macOS
    spells an "é" with two characters where others take one."""
    return fit_name(unicodedata.normalize("NFC", fit_name(_spelled(folder))))


def has_unfit_name(folder: Path) -> bool:
    """Is the student called otherwise than the folder, for more than how letters are spelled?"""
    return fit_name(_spelled(folder)) != _spelled(folder)


def fit_name(name: str) -> str:
    """The name without unfit characters, in whose place their numbers stand ("=3C" for "<"), and no longer
    than names may be."""
    name = UNFIT.sub(lambda found: f"={ord(found[0]):02X}", name)
    if len(name) <= MAX_NAME and len(name.encode()) <= MAX_NAME_BYTES:
        return name
    kept = name.encode()[: MAX_NAME // 2].decode(errors="ignore")
    return f"{kept}={hashlib.sha256(name.encode()).hexdigest()[:16]}"


def _normal_first(folder: Path) -> tuple[bool, Path]:
    """Of two folders that look alike, the one whose name is in the normal form bears it."""
    return student_name(folder) != _spelled(folder), folder


def _spelled(folder: Path) -> str:
    return os.fsencode(folder.name).decode("utf-8", "backslashreplace")
