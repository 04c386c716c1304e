"""`autograder forget`: delete what the course holds of one student."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from autograder.commands.common import console, course, plainly


@click.command()
@click.argument("student")
@click.option("--dry-run", "dry", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--submitted", type=click.Path(path_type=Path), help="Folder with <student>/<unit>/ (default: submitted)."
)
@click.option("--course", "folder", type=click.Path(path_type=Path), help="Where gradebook.db is.")
@plainly
def forget(student: str, dry: bool, yes: bool, submitted: Path | None, folder: Path | None) -> None:
    """Remove the work, feedback, records and marks of STUDENT."""
    from autograder.classroom.forget import forget as remove

    target = folder or course()
    place = submitted or target / "submitted"
    found = remove(target, student, place, dry=True)
    for line in found.removed:
        console.print(f"  {escape(line)}", highlight=False, soft_wrap=True)
    if dry:
        console.print("Nothing was removed: --dry-run.")
    elif yes or click.confirm("Remove this for good?"):
        remove(target, student, place)
        console.print(f"[green]✓[/] Nothing of {escape(student)} is left there.", highlight=False)
    for line in found.mentioned:
        _warn(f"{line} names them: write it anew, or delete it.")
    _warn("Backups, and files that you exported or sent, are not touched.")


def _warn(sentence: str) -> None:
    console.print(f"[yellow]![/] {escape(sentence)}", highlight=False, soft_wrap=True)
