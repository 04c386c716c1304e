"""`autograder feedback`: the students' pages with the marks and comments of persons in them."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from autograder.commands.common import console, course, plainly, telling


@click.command()
@click.argument("unit")
@click.option(
    "--course", "folder", type=click.Path(path_type=Path), help="Where gradebook.db and records/ are."
)
@plainly
def feedback(unit: str, folder: Path | None) -> None:
    """Write the feedback of UNIT anew, with what was marked by hand since; nothing is graded again."""
    from autograder.classroom.returning import rewrite_feedback

    target = folder or course()
    with telling(f"reading the records of {unit}") as tell:
        students = rewrite_feedback(course(), unit, target, tell)
    place = target / "feedback" / "<student>" / unit
    console.print(
        f"[green]✓[/] {len(students)} students: {escape(str(place))}", highlight=False, soft_wrap=True
    )
