"""What grading found: `records/<student>/<unit>.json` in the course's folder, one file for each submission.

They are for the instructor alone: what stands in them beside the feedback is not for students."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autograder.bridge.files import write_whole
from autograder.engine.grade import SubmissionResult

FOLDER = "records"
SEAL = "fingerprint"


class NoRecords(ValueError):
    """There is nothing to read, or it cannot be read; the message says what to do."""


def write_record(
    result: SubmissionResult, target: Path, fingerprint: Mapping[str, str] | None = None
) -> Path:
    """Write the record of one submission, in place of an older one.

    fingerprint: what the result depends on (`batch.fingerprint`). It seals the record: all else that this
    result brings, marks, notebooks and pages, has been written. A later run grades nothing again that is
    sealed and unchanged."""
    path = record_path(target, result.student, result.unit)
    _write(path, result.record() | ({SEAL: dict(fingerprint)} if fingerprint else {}))
    return path


def break_seal(target: Path, student: str, slug: str) -> None:
    """What belongs to the record is about to be replaced: a run that dies meanwhile leaves no false seal."""
    record = read_record(target, student, slug)
    if record is not None and record.pop(SEAL, None):
        _write(record_path(target, student, slug), record)


def record_path(target: Path, student: str, slug: str) -> Path:
    return target / FOLDER / student / f"{slug}.json"


def _write(path: Path, record: Mapping[str, Any]) -> None:
    write_whole(path, json.dumps(record, indent=1, ensure_ascii=False) + "\n")


def read_records(target: Path, slug: str) -> list[dict[str, Any]]:
    """The records of a unit, by student in alphabetical order; NoRecords where there are none."""
    paths = sorted((target / FOLDER).glob(f"*/{slug}.json"))
    if not paths:
        raise NoRecords(
            f"There are no records of {slug} in {target / FOLDER}: run `autograder grade {slug}`."
        )
    return [_read(path) for path in paths]


def read_record(target: Path, student: str, slug: str) -> dict[str, Any] | None:
    """One student's record; None where there is none that can be read."""
    path = record_path(target, student, slug)
    try:
        return _read(path)
    except (OSError, NoRecords):
        return None


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(record["student"], str) or not isinstance(record["checks"], list):
            raise TypeError
    except (ValueError, KeyError, TypeError):
        raise NoRecords(
            f"{path} is not a record that `autograder grade` wrote: remove it, and grade again."
        ) from None
    return dict(record)
