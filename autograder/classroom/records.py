"""What grading found: `records/<student>/<unit>.json` in the course's folder, one file for each submission.

They are for the instructor alone: what stands in them beside the feedback is not for students."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autograder.bridge.files import write_whole
from autograder.engine.grade import SubmissionResult

FOLDER = "records"


class NoRecords(ValueError):
    """There is nothing to read, or it cannot be read; the message says what to do."""


def write_record(result: SubmissionResult, target: Path) -> Path:
    """Write the record of one submission, in place of an older one."""
    path = target / FOLDER / result.student / f"{result.unit}.json"
    write_whole(path, json.dumps(result.record(), indent=1, ensure_ascii=False) + "\n")
    return path


def read_records(target: Path, slug: str) -> list[dict[str, Any]]:
    """The records of a unit, by student in alphabetical order; NoRecords where there are none."""
    paths = sorted((target / FOLDER).glob(f"*/{slug}.json"))
    if not paths:
        raise NoRecords(
            f"There are no records of {slug} in {target / FOLDER}: run `autograder grade {slug}`."
        )
    return [_read(path) for path in paths]


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
