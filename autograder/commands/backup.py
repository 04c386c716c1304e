"""`autograder backup`: what a course cannot make anew."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from rich.markup import escape

from autograder.commands.common import console, course, plainly


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="The zip to write (default: backups/DATE.zip).")
@plainly
def backup(out: Path | None) -> None:
    """Write the gradebook, the secret, submissions, records and extensions into one zip."""
    from autograder.classroom.backup import write_backup

    root = course()
    path = out or root / "backups" / f"{datetime.now():%Y-%m-%d-%H%M%S}.zip"
    for part in write_backup(root, path):
        console.print(f"  {escape(part)}", highlight=False)
    console.print(f"[green]✓[/] {escape(str(path))}", highlight=False, soft_wrap=True)
