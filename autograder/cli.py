"""The commands: `autograder build`, `verify`, `check`, `grade`, `doctor`, `sample`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

console = Console()


class Refusal(click.ClickException):
    """One sentence for the person at the terminal, and exit code 1."""

    def show(self, file: Any = None) -> None:
        Console(stderr=True).print(f"[red]autograder:[/] {self.message}", highlight=False)


def course(start: Path | None = None) -> Path:
    """The root of the course: the folder with `solutions/`, here or above."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "solutions").is_dir() and (folder / "pyproject.toml").exists():
            return folder
    raise Refusal(
        "This command works in a course's folder (one that holds solutions/); go there and try again."
    )


def plainly(command: Callable[..., None]) -> Callable[..., None]:
    """Turn the course's own errors into one sentence on stderr."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
        except (ValueError, LookupError, FileNotFoundError) as error:
            if type(error).__module__.startswith("autograder") or isinstance(error, FileNotFoundError):
                raise Refusal(str(error)) from error
            raise

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="training-neural-networks")
def main() -> None:
    """Build, prove and grade the exercises of the course."""


def _units(names: tuple[str, ...]) -> list[Any]:
    from autograder.authoring.unit import read_unit, slugs

    root = course()
    return [read_unit(root, name) for name in names or slugs(root)]


@main.command()
@click.argument("units", nargs=-1)
@plainly
def build(units: tuple[str, ...]) -> None:
    """Cut the released notebooks and public checks of UNITS (all by default) from solutions/."""
    from autograder.authoring.build import build as build_unit

    for unit in _units(units):
        with console.status(f"building {unit.slug}"):
            written = build_unit(unit, course())
        console.print(
            f"[green]✓[/] {unit.slug}: {len(written)} files in exercises/{unit.slug}", highlight=False
        )


@main.command()
@click.argument("units", nargs=-1)
@plainly
def verify(units: tuple[str, ...]) -> None:
    """Prove that the checks of UNITS accept the solution and name every known mistake."""
    from autograder.authoring.verify import SEEDS
    from autograder.authoring.verify import verify as prove

    faults: list[str] = []
    for unit in _units(units):
        with console.status(f"verifying {unit.slug}") as status:
            proof = prove(unit, status.update)
        console.print(_proof_table(proof, SEEDS))
        faults += proof.faults
    for fault in faults:
        console.print(f"[red]✗[/] {fault}", highlight=False)
    if faults:
        sys.exit(1)


def _proof_table(proof: Any, seeds: int) -> Table:
    table = Table(title=f"{proof.unit}, over {seeds} seeds", title_justify="left")
    for heading in ("notebook", "exercise"):
        table.add_column(heading)
    for heading in ("points", "probes", "hidden", "mistakes", "caught", "recognised"):
        table.add_column(heading, justify="right")
    for r in proof.rows:
        cells = (f"{r.points:g}", r.probes, r.hidden, r.mistakes, r.caught, r.recognised)
        table.add_row(r.notebook, r.exercise, *map(str, cells), style="red" if r.faults else None)
    totals = [
        sum(getattr(r, k) for r in proof.rows)
        for k in ("points", "probes", "hidden", "mistakes", "caught", "recognised")
    ]
    table.add_section()
    table.add_row("", "all", f"{totals[0]:g}", *map(str, totals[1:]), style="bold")
    return table
