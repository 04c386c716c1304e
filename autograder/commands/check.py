"""`autograder check`: a student's whole notebook on their own machine."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.markup import escape

from autograder.commands.common import console, plainly


@click.command()
@click.argument("notebook", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@plainly
def check(notebook: Path) -> None:
    """Run your whole NOTEBOOK and every public check in it, on this machine. Not a grade."""
    from autograder.selfcheck import check_notebook

    results = check_notebook(notebook)
    for report in results:
        colour = "green" if report.passed else "yellow"
        console.print(f"[{colour}]{escape(report.text())}[/]", highlight=False)
    done = sum(r.passed for r in results)
    console.print(
        f"{done} of {len(results)} exercises pass their public checks. This is not a grade.", highlight=False
    )
    if done < len(results):
        sys.exit(1)
