"""Results that are graded and not yet written, on disk by what they depend on: no run grades them again.

They are in `records/.pending/<unit>/` in the course's folder, until they are written or out of date."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autograder.batch.fingerprint import Fingerprint
from autograder.bridge.files import write_whole
from autograder.classroom.records import FOLDER
from autograder.engine.grade import NotebookResult, SubmissionResult
from autograder.engine.judging import CheckResult
from autograder.engine.submission import Step
from autograder.verdict import Verdict, mistake_from


class Pending:
    """The results kept for the submissions that have these fingerprints, by student."""

    def __init__(self, target: Path, slug: str, fingerprints: Mapping[str, Fingerprint]):
        self._folder = target / FOLDER / ".pending" / slug
        self._fingerprints = fingerprints

    def put(self, result: SubmissionResult) -> None:
        write_whole(self._path(result.student), json.dumps(to_json(result), ensure_ascii=False))

    def get(self, student: str) -> SubmissionResult | None:
        """The result as it was put; None where there is none."""
        try:
            return from_json(json.loads(self._path(student).read_text(encoding="utf-8")))
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def remove(self, student: str) -> None:
        self._path(student).unlink(missing_ok=True)

    def keep_only(self, students: Collection[str]) -> None:
        """Remove what belongs to nobody of `students` any more: newer work, an older release."""
        wanted = {self._path(student) for student in students}
        for path in self._folder.glob("*"):
            if path not in wanted:
                path.unlink()

    def _path(self, student: str) -> Path:
        told = json.dumps([student, self._fingerprints[student]], sort_keys=True)
        return self._folder / f"{hashlib.sha256(told.encode()).hexdigest()}.json"


def to_json(result: SubmissionResult) -> dict[str, Any]:
    """Everything in a result, as JSON can hold it."""
    return asdict(result)


def from_json(plain: Mapping[str, Any]) -> SubmissionResult:
    """The result from which `to_json` made `plain`."""
    return SubmissionResult(**{**plain, "notebooks": [_notebook(n) for n in plain["notebooks"]]})


def _notebook(plain: Mapping[str, Any]) -> NotebookResult:
    steps = [Step(**{**s, "pictures": [tuple(p) for p in s["pictures"]]}) for s in plain["steps"]]
    checks = {id: _check(check) for id, check in plain["checks"].items()}
    return NotebookResult(**{**plain, "steps": steps, "checks": checks})


def _check(plain: Mapping[str, Any]) -> CheckResult:
    verdicts = [Verdict(**verdict) for verdict in plain["verdicts"]]
    said = [mistake_from(mistake) for mistake in plain["said"]]
    return CheckResult(**{**plain, "verdicts": verdicts, "said": said})
