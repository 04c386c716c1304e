"""All that a run leaves in a course, without what is different each time: keys of rows, seconds."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

MARKS = """
select w.student_id, n.name, b.name, g.auto_score, g.manual_score, g.needs_manual_grade, w.timestamp
from grade g join submitted_notebook s on s.id = g.notebook_id
join submitted_assignment w on w.id = s.assignment_id
join notebook n on n.id = s.notebook_id join base_cell b on b.id = g.cell_id
"""
COMMENTS = """
select w.student_id, b.name, c.auto_comment, c.manual_comment
from comment c join submitted_notebook s on s.id = c.notebook_id
join submitted_assignment w on w.id = s.assignment_id
join base_cell b on b.id = c.cell_id
"""
TABLES = (
    "student",
    "assignment",
    "base_cell",
    "source_cell",
    "submitted_assignment",
    "submitted_notebook",
    "grade",
)


SECONDS = ("seconds", "cpu_seconds")


def snapshot(home: Path, without: tuple[str, ...] = SECONDS) -> dict[str, Any]:
    """without: what is left out of each record."""
    with sqlite3.connect(home / "gradebook.db") as db:
        return {
            "marks": sorted(map(repr, db.execute(MARKS))),
            "comments": sorted(map(repr, db.execute(COMMENTS))),
            "rows": {table: db.execute(f"select count(*) from {table}").fetchone() for table in TABLES},
            "files": {
                p.relative_to(home).as_posix(): _content(p, without) for p in home.rglob("*") if _counts(p)
            },
        }


def _counts(path: Path) -> bool:
    return path.is_file() and path.name not in ("gradebook.db", ".grading.lock")


def _content(path: Path, without: tuple[str, ...]) -> Any:
    if path.parts[-3] != "records":
        return path.read_bytes()
    record = json.loads(path.read_text(encoding="utf-8"))
    return {k: v for k, v in record.items() if k not in without}
