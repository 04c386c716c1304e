"""`autograder bundle`: the zip that students get."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from autograder.commands.common import console, course, plainly


@click.command()
@click.argument("units", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path), help="The zip to write (default: dist/UNITS.zip).")
@plainly
def bundle(units: tuple[str, ...], out: Path | None) -> None:
    """Pack UNITS for students: notebooks, public checks, their side of the package, a page to start from."""
    from autograder.handout.bundle import write_bundle

    root = course()
    done = write_bundle(root, units, out or root / "dist" / f"{'-'.join(dict.fromkeys(units))}.zip")
    for name in done.names:
        console.print(f"  {escape(name)}", highlight=False)
    size = f"{done.size / 1e6:.1f} MB"
    console.print(
        f"[green]✓[/] {len(done.names)} files, {size}: {escape(str(done.path))}",
        highlight=False,
        soft_wrap=True,
    )
