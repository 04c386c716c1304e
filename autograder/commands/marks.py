"""`autograder marks`: the marks of a class in the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from autograder.commands.common import Refusal, console, plainly


@click.command()
@click.argument("records", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@plainly
def marks(records: Path) -> None:
    """Print the marks of a class from the file that `grade --json` wrote."""
    try:
        table = marks_table(json.loads(records.read_text(encoding="utf-8")))
    except (ValueError, LookupError, TypeError, AttributeError):
        raise Refusal(f"{records} is not a file that `autograder grade --json` wrote.") from None
    console.print(table)


def marks_table(records: Iterable[dict[str, Any]]) -> Table:
    """One line per student: marks, the mistakes that were recognised, what could not be graded."""
    rows, levels, units = [], set(), set()
    for record in records:
        rows.append(_row(record))
        levels.add(str(record["sandbox"]))
        units.add(str(record["unit"]))
    title = f"{' '.join(sorted(units))}: {len(rows)} submissions, sandbox {', '.join(sorted(levels))}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for heading in ("student", "points", "of", "recognised mistakes", "remarks"):
        table.add_column(heading, justify="right" if heading in ("points", "of") else "left")
    for cells, style in sorted(rows):
        table.add_row(*cells, style=style or None)
    return table


def _row(record: dict[str, Any]) -> tuple[list[str], str]:
    told = ", ".join(dict.fromkeys(m for c in record["checks"] for m in c["says"]))
    points, most = f"{record['points']:.4g}", f"{record['max_points']:g}"
    cells = [escape(str(record["student"])), points, most, told, escape(_remarks(record))]
    return cells, "red" if record["status"] == "rejected" else ""


def _remarks(record: dict[str, Any]) -> str:
    """What an instructor should know beside the marks, in a line or two."""
    stopped = [c["name"] for c in record["checks"] if any(p["status"] == "stopped" for p in c["probes"])]
    remarks = (
        [record["reason"]]
        if record["reason"]
        else [n for notes in record["notes"].values() for n in notes[:1]]
    )
    remarks += [f"Stopped in {', '.join(stopped)}."] if stopped else []
    remarks += [f"To look at: {f}." for flags in record["flags"].values() for f in flags[:1]]
    return " ".join(remarks)
