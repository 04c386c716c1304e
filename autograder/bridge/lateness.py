"""What lateness costs, reckoned as nbgrader's AssignLatePenalties does, and extensions for single students.

A unit has a due date once it is set in formgrader (Manage Assignments, the pencil) or by

    nbgrader db assignment add UNIT --duedate "2026-11-20T23:59+01:00"

Work is late when its timestamp.txt tells a later time. What that costs is said in nbgrader_config.py:

    c.LateSubmissionPlugin.penalty_method = "zero"    # all points; "none", the default, costs nothing

or, for a rule of one's own, by a class in a file late.py beside nbgrader_config.py:

    import os, sys
    sys.path.insert(0, os.path.dirname(__file__))
    c.AssignLatePenalties.plugin_class = "late.TenPercentADay"

    from nbgrader.plugins import LateSubmissionPlugin

    class TenPercentADay(LateSubmissionPlugin):
        def late_submission_penalty(self, student_id, score, total_seconds_late):
            return score * 0.1 * (1 + total_seconds_late // 86400)

An extension is a line of extensions.csv in the course's folder, before or after the work is handed in:

    student,unit,until
    ada,04-batch-norm,2026-11-27 23:59 +0100

It goes into nbgrader's own column for it, so that every plugin and formgrader know it. A line with the due
date as `until` takes it back; deleting the line does not. `autograder grade` reckons anew for the whole
class, graded again or not; `nbgrader autograde` for the submissions that it grades."""

from __future__ import annotations

import csv
import math
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from nbgrader import api
from nbgrader.plugins import LateSubmissionPlugin
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from traitlets.config import Config
from traitlets.utils.importstring import import_item

from autograder.bridge.settings import SettingsError, settings
from autograder.bridge.times import utc

FILE = "extensions.csv"
COLUMNS = ["student", "unit", "until"]


class Lateness:
    """The rules of the course in `folder` for one unit."""

    def __init__(self, folder: Path, slug: str):
        self._slug = slug
        self._until = extensions(folder, slug)
        self._plugin = late_plugin(settings(folder))

    def extend(self, db: Session, student: str = "") -> None:
        """Write the extensions of all students, or of one, where there is a submission and a due date."""
        due = self._due(db)
        changed = []
        for row in db.execute(self._submissions(student)):
            until = self._until.get(row.student_id)
            extension = max(until - due, timedelta(0)) if until and due else row.extension
            if extension != row.extension:
                changed.append({"id": row.id, "extension": extension})
        if changed:
            db.execute(update(api.SubmittedAssignment), changed)

    def settle(self, db: Session, student: str = "") -> None:
        """Write extensions and penalties of all students, or of one. The caller commits."""
        self.extend(db, student)
        due = self._due(db)
        late = {
            row.id: (row.student_id, _seconds_late(row.timestamp, due, row.extension))
            for row in db.execute(self._submissions(student))
        }
        changed = []
        for row in db.execute(self._notebooks(student)):
            who, seconds = late[row.assignment_id]
            penalty = self._penalty(who, float(row.score), seconds) if seconds > 0 else None
            if penalty != row.late_submission_penalty:
                changed.append({"id": row.id, "late_submission_penalty": penalty})
        if changed:
            db.execute(update(api.SubmittedNotebook), changed)

    def _due(self, db: Session) -> datetime | None:
        return db.scalar(select(api.Assignment.duedate).where(api.Assignment.name == self._slug))

    def _submissions(self, student: str) -> Any:
        table = api.SubmittedAssignment
        mine = (
            select(table.id, table.student_id, table.timestamp, table.extension)
            .join(api.Assignment, api.Assignment.id == table.assignment_id)
            .where(api.Assignment.name == self._slug)
        )
        return mine.where(table.student_id == student) if student else mine

    def _notebooks(self, student: str) -> Any:
        table = api.SubmittedNotebook
        score = func.coalesce(func.sum(api.Grade.score), 0.0).label("score")
        submissions = self._submissions(student).subquery()
        return (
            select(table.id, table.assignment_id, table.late_submission_penalty, score)
            .join(submissions, submissions.c.id == table.assignment_id)
            .outerjoin(api.Grade, api.Grade.notebook_id == table.id)
            .group_by(table.id, table.assignment_id, table.late_submission_penalty)
        )

    def _penalty(self, student: str, score: float, seconds: float) -> float | None:
        """What the plugin says, never less than nothing nor more than the notebook's score."""
        name = type(self._plugin).__name__
        try:
            said = self._plugin.late_submission_penalty(student, score, seconds)
            penalty = None if said is None else float(said)
        except Exception as error:  # the plugin is the course's own
            raise SettingsError(
                f"The late plugin {name} failed for {student}, {seconds:.0f} s late "
                f"({type(error).__name__}: {error}): correct it, and grade again."
            ) from error
        if penalty is not None and math.isnan(penalty):
            raise SettingsError(f"The late plugin {name} gave no number for {student}: correct it.")
        return None if penalty is None else min(max(penalty, 0.0), score)


def _seconds_late(when: datetime | None, due: datetime | None, extension: timedelta | None) -> float:
    if when is None or due is None:
        return 0.0
    return (when - due - (extension or timedelta(0))).total_seconds()


def late_plugin(config: Config) -> Any:
    """The plugin that the settings name, as nbgrader would make it."""
    named = config.AssignLatePenalties.get("plugin_class", LateSubmissionPlugin)
    try:
        kind = import_item(named) if isinstance(named, str) else named
        return kind(config=config)
    except Exception as error:  # an import or a constructor of the course's own
        raise SettingsError(
            f"AssignLatePenalties.plugin_class in the settings is {named}, which cannot be used "
            f"({type(error).__name__}: {error}): name a class as module.Class, in a folder on sys.path."
        ) from error


def extensions(folder: Path, slug: str) -> dict[str, datetime]:
    """Until when students may hand in the unit, in UTC, from the folder's extensions.csv."""
    path = folder / FILE
    if not path.exists():
        return {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, skipinitialspace=True)
        if rows.fieldnames != COLUMNS:
            first = ",".join(rows.fieldnames or [])
            raise SettingsError(f"The first line of {path} must be {','.join(COLUMNS)}; it is {first!r}.")
        return {
            row["student"].strip(): _until(row, f"{path}, line {rows.line_num}")
            for row in rows
            if (row["unit"] or "").strip() == slug
        }


def _until(row: dict[str, str], place: str) -> datetime:
    when = utc(row["until"] or "")
    if when is None or ":" not in row["until"] or None in row:  # a bare date: its first or its last minute?
        raise SettingsError(f"{place}: {row['until']!r} is no time; write it as 2026-11-27 23:59 +0100.")
    return when
