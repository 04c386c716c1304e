"""`autograder collect`: submissions from Moodle's or Canvas's zip."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from autograder.commands.common import console, course, plainly

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("zip_file", metavar="ZIP", type=FILE)
@click.argument("unit")
@click.option("--from", "lms", type=click.Choice(["moodle", "canvas"]), required=True)
@click.option(
    "--roster", type=FILE, help="Who is who: Canvas's gradebook, Moodle's participants or worksheet."
)
@click.option("--id-column", default="", help="The roster's column that names the students' folders.")
@click.option("--replace", is_flag=True, help="Put new work in place of other work; that is kept, hidden.")
@click.option(
    "--submitted", type=click.Path(path_type=Path), help="Where <student>/<unit>/ goes (default: submitted)."
)
@plainly
def collect(
    zip_file: Path,
    unit: str,
    lms: str,
    roster: Path | None,
    id_column: str,
    replace: bool,
    submitted: Path | None,
) -> None:
    """Unpack the ZIP with all submissions to UNIT that the LMS lets you download."""
    from autograder.classroom.collect import collect as unpack

    root = course()
    done = unpack(
        root,
        unit,
        zip_file,
        lms,
        submitted or root / "submitted",
        roster=roster,
        id_column=id_column,
        replace=replace,
    )
    counts = f"{len(done.new)} new, {len(done.replaced)} replaced, {len(done.same)} unchanged"
    console.print(f"[green]✓[/] {counts}.", highlight=False)
    if done.waiting:
        _warn(f"Other work is there already, --replace takes the new: {', '.join(done.waiting)}.")
    if done.late:
        _warn(f"Late, says Canvas: {', '.join(done.late)}.")
    for sentence in done.renamed:
        _warn(f"A name that a page would take for code, or too long: {sentence}")
    for sentence in done.left_out:
        _warn(f"Left out: {sentence}")


def _warn(sentence: str) -> None:
    console.print(f"[yellow]![/] {escape(sentence)}", highlight=False, soft_wrap=True)
