"""One run over a class. Data flows one way: submissions, a plan, results from a grader, the writer.

Where the same work would get other marks than before, nothing is written until somebody accepts that: the
results are kept aside meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Protocol

from autograder.authoring.unit import Unit
from autograder.batch.changes import Change, change
from autograder.batch.fingerprint import Fingerprints
from autograder.batch.handed_in import elsewhere, noted
from autograder.batch.marked import Marked
from autograder.batch.pending import Pending
from autograder.batch.plan import make_plan
from autograder.batch.stop import Until
from autograder.batch.writing import Writer, clean
from autograder.classroom.records import read_record
from autograder.engine.grade import Grader, SubmissionResult, submissions
from autograder.engine.scratch import sweep


class ClassGrader(Protocol):
    """Grades a class: `Grader` on this machine, or another one elsewhere.

    `folders` is taken one by one, as there is room for more: it comes to an end early when somebody asks to
    stop. What was taken is still graded and yielded."""

    def grade_class(self, folders: Mapping[str, Path], jobs: int) -> Iterator[SubmissionResult]: ...

    def __enter__(self) -> ClassGrader: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class OpenGrader(Protocol):
    def __call__(self, unit: Unit, root: Path, *, sandbox: str, locked: bool) -> ClassGrader: ...


@dataclass
class Options:
    """How to grade, and whom to ask and to tell meanwhile.

    level: the sandbox's, where it was proved elsewhere than on this machine. force: grade again what stands.
    dry: write no marks, notebooks, pages or records. accept: is shown how marks of unchanged work would
    change; only if it says True they are written. stopped: did somebody ask to stop? watch: is told how many
    are "graded" or "written", and of how many."""

    jobs: int = 1
    locked: bool = True
    level: str = ""
    force: bool = False
    dry: bool = False
    grader: OpenGrader = Grader
    accept: Callable[[list[Change]], bool] = lambda changes: False
    stopped: Callable[[], bool] = lambda: False
    watch: Callable[[str, int, int], None] = lambda what, done, of: None


@dataclass
class Outcome:
    """What a run did, by student.

    standing: graded before, and nothing changed since; written: graded, and all their files are there now;
    left: still to be written, for the run was stopped, was dry, or `changes` of marks were not accepted;
    elsewhere: work that was found where no unit's work belongs, and not graded."""

    standing: list[str]
    written: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    elsewhere: dict[str, list[str]] = field(default_factory=dict)


class Run:
    """level: the sandbox's, as it was proved."""

    def __init__(self, root: Path, unit: Unit, submitted: Path, target: Path, level: str, options: Options):
        self.root, self.unit, self.target, self.level, self.options = root, unit, target, level, options
        sweep()
        clean(target, unit.slug)
        self.folders = submissions(submitted, unit.slug)
        known = Fingerprints(unit, root, level)
        self.fingerprints = {student: known.of(folder) for student, folder in self.folders.items()}
        self.plan = make_plan(unit, self.fingerprints, target, options.force)
        self.pending = Pending(target, unit.slug, self.fingerprints)
        self.pending.keep_only(self.plan.todo)
        self.outcome = Outcome(self.plan.standing, elsewhere=elsewhere(submitted, unit, root))

    def go(self) -> Outcome:
        todo, options = self.plan.todo, self.options
        kept = dict.fromkeys(s for s in todo if not options.force and self.pending.get(s))
        with closing(self._graded({s: self.folders[s] for s in todo if s not in kept})) as graded:
            if not (self.plan.again or options.dry):
                self._write(chain(self._kept(kept), graded))
            elif self._keep(graded, len(kept)) and self._accepted():
                self._write(self._kept(todo))
        written = set(self.outcome.written)
        self.outcome.left = [s for s in todo if s not in written]
        return self.outcome

    def _graded(self, folders: Mapping[str, Path]) -> Generator[SubmissionResult, None, None]:
        if not folders or self.options.stopped():
            return
        options = self.options
        with options.grader(self.unit, self.root, sandbox=self.level, locked=options.locked) as grader:
            for result in grader.grade_class(Until(folders, options.stopped), options.jobs):
                yield noted(result, folders[result.student])

    def _kept(self, students: Iterable[str]) -> Iterator[SubmissionResult]:
        for student in students:
            result = None if self.options.stopped() else self.pending.get(student)
            if result is not None:
                yield result

    def _keep(self, results: Iterable[SubmissionResult], kept: int) -> bool:
        """Keep the results aside, with those that are; are all there now?"""
        for result in results:
            self.pending.put(result)
            kept += 1
            self.options.watch("graded", kept, len(self.plan.todo))
        return kept == len(self.plan.todo)

    def _accepted(self) -> bool:
        self.outcome.changes = list(self._changes())
        return not self.options.dry and (
            not self.outcome.changes or self.options.accept(self.outcome.changes)
        )

    def _changes(self) -> Iterator[Change]:
        with Marked(self.target, self.unit.slug) as marked:
            for student in self.plan.again:
                old, new = read_record(self.target, student, self.unit.slug), self.pending.get(student)
                found = change(old, new.record()) if old and new else None
                if found is not None:
                    found.told = (self.target / "feedback" / student / self.unit.slug).is_dir()
                    found.by_hand = {key for key in found.checks if _cell(key) in marked.by_hand(student)}
                    yield found

    def _write(self, results: Iterable[SubmissionResult]) -> None:
        with Writer(self.unit, self.target) as writer:
            for result in results:
                student = result.student
                writer.write(result, self.folders[student], self.fingerprints[student])
                self.pending.remove(student)
                self.outcome.written.append(student)
                self.options.watch("written", len(self.outcome.written), len(self.plan.todo))
            writer.settle()


def _cell(check: tuple[str, str]) -> tuple[str, str]:
    return check[0], f"check-{check[1]}"
