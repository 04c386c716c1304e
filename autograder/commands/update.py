"""`autograder update`: take a fixed notebook over without losing work."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from autograder.commands.common import console, plainly

NOTEBOOK = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("notebook", type=NOTEBOOK)
@click.argument("release", type=NOTEBOOK)
@plainly
def update(notebook: Path, release: Path) -> None:
    """Put your work in NOTEBOOK into the new RELEASE of it; the old notebook is kept beside it."""
    from autograder.takeover import update_notebook

    taken = update_notebook(notebook, release)
    for sentence in taken.told:
        console.print(f"  {escape(sentence)}", highlight=False, soft_wrap=True)
    if taken.checks:
        console.print(
            f"  The checks in {escape(str(notebook.parent / 'checks'))} are the new ones.", highlight=False
        )
    console.print(
        f"[green]✓[/] {escape(str(notebook))} is the new release with your work in it; "
        f"what it was is in {escape(taken.backup.name)}.",
        highlight=False,
        soft_wrap=True,
    )
