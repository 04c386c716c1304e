"""The commands of `autograder`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from autograder.commands.backup import backup
from autograder.commands.bundle import bundle
from autograder.commands.check import check
from autograder.commands.collect import collect
from autograder.commands.common import console, course, honest_output, plainly, telling
from autograder.commands.feedback import feedback
from autograder.commands.forget import forget
from autograder.commands.grade import grade
from autograder.commands.marks import marks
from autograder.commands.update import update

JOBS = click.option(
    "--jobs",
    type=click.IntRange(1),
    default=lambda: os.cpu_count() or 1,
    show_default="one a core",
    help="Processes at a time.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="training-neural-networks")
def main() -> None:
    """Build, prove and grade the exercises of the course."""
    honest_output()


main.add_command(backup)
main.add_command(bundle)
main.add_command(check)
main.add_command(collect)
main.add_command(feedback)
main.add_command(forget)
main.add_command(grade)
main.add_command(marks)
main.add_command(update)


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
        with telling(f"building {unit.slug}"):
            written = build_unit(unit, course())
        console.print(
            f"[green]✓[/] {unit.slug}: {len(written)} files in exercises/{unit.slug}", highlight=False
        )


@main.command()
@click.argument("unit")
@plainly
def new(unit: str) -> None:
    """Start UNIT (such as 05-dropout): a small unit that builds, to be replaced piece by piece."""
    from autograder.authoring.new import create

    root = course()
    for path in create(root, unit):
        console.print(f"[green]✓[/] {path.relative_to(root)}", highlight=False)
    console.print(
        f"Next: autograder build {unit}, autograder verify {unit}, and book/{unit}/index in _toc.yml."
    )


@main.command()
@click.argument("units", nargs=-1)
@JOBS
@plainly
def verify(units: tuple[str, ...], jobs: int) -> None:
    """Prove that the checks of UNITS accept the solution and name every known mistake."""
    from autograder.authoring.verify import SEEDS
    from autograder.authoring.verify import verify as prove

    faults: list[str] = []
    for unit in _units(units):
        with telling(f"verifying {unit.slug}") as tell:
            proof = prove(unit, tell, jobs)
        console.print(_proof_table(proof, SEEDS))
        faults += proof.faults
    for fault in faults:
        console.print(f"[red]✗[/] {fault}", highlight=False)
    if faults:
        sys.exit(1)


COUNTS = {
    "points": "points",
    "probes": "probes",
    "hidden": "hidden",
    "mistakes": "known",
    "caught": "caught",
    "recognised": "named",
}


def _proof_table(proof: Any, seeds: int) -> Table:
    table = Table(
        title=f"{proof.unit}, over {seeds} seeds", title_justify="left", box=SIMPLE_HEAD, pad_edge=False
    )
    table.add_column("exercise", no_wrap=True)
    for heading in COUNTS.values():
        table.add_column(heading, justify="right", no_wrap=True)
    for notebook in dict.fromkeys(r.notebook for r in proof.rows):
        table.add_row(notebook, style="bold")
        for r in (r for r in proof.rows if r.notebook == notebook):
            counts = (f"{getattr(r, c):g}" for c in COUNTS)
            table.add_row(f"  {r.exercise}", *counts, style="red" if r.faults else None)
    table.add_section()
    table.add_row("all", *(f"{sum(getattr(r, c) for r in proof.rows):g}" for c in COUNTS), style="bold")
    return table


COURSE = click.option(
    "--course",
    "folder",
    type=click.Path(path_type=Path),
    help="Where gradebook.db and records/ are (default: the course's own folder).",
)


@main.command()
@click.argument("unit")
@click.option(
    "--to", "form", type=click.Choice(["csv", "canvas", "moodle"]), default="csv", show_default=True
)
@click.option(
    "--roster",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Canvas's exported gradebook, or Moodle's list of participants (CSV).",
)
@click.option(
    "--id-column", default="", help="The roster's column that holds the names of students' folders."
)
@click.option("--assignment", default="", help="What the LMS calls the unit (default: its title).")
@click.option(
    "--out", type=click.Path(path_type=Path), help="The file to write (default: exports/UNIT-FORM.csv)."
)
@COURSE
@plainly
def export(
    unit: str,
    form: str,
    roster: Path | None,
    id_column: str,
    assignment: str,
    out: Path | None,
    folder: Path | None,
) -> None:
    """Write the marks of UNIT, those given by hand included, as a table or for an LMS to import."""
    from autograder.classroom.export import export_unit

    target = folder or course()
    path = out or target / "exports" / f"{unit}-{form}.csv"
    done = export_unit(
        course(), unit, form, target=target, roster=roster, id_column=id_column, assignment=assignment
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(done.text.encode())
    console.print(f"[green]✓[/] {done.students} students: {escape(str(path))}", highlight=False)
    for remark in done.remarks:
        console.print(f"[yellow]![/] {escape(remark)}", highlight=False, soft_wrap=True)


@main.command()
@click.argument("unit")
@click.option(
    "--out", type=click.Path(path_type=Path), help="The file to write (default: reports/UNIT.html)."
)
@COURSE
@plainly
def report(unit: str, out: Path | None, folder: Path | None) -> None:
    """Write a page about the class: marks, checks, mistakes, and what deserves a look."""
    from autograder.classroom.report import write_report

    target = folder or course()
    with telling(f"reading the records of {unit}"):
        path = write_report(course(), unit, target, out or target / "reports" / f"{unit}.html")
    console.print(f"[green]✓[/] {escape(str(path))}", highlight=False)


@main.command()
@plainly
def doctor() -> None:
    """Say which sandbox layers work on this machine, what each stops, and what is missing."""
    from autograder.engine.doctor import diagnose

    diagnosis = diagnose()
    console.print(diagnosis.render())
    if not diagnosis.ok:
        sys.exit(1)


@main.command()
@click.argument("unit")
@click.option("--students", type=click.IntRange(1), default=24, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for <student>/<unit>/.")
@plainly
def sample(unit: str, students: int, seed: int, out: Path) -> None:
    """Make a class of submissions to UNIT: right, mistaken, half done, untouched and broken ones."""
    from autograder.authoring.build import load_built
    from autograder.authoring.sample import make_class

    made = make_class(load_built(course(), unit), students, seed, out)
    console.print(f"[green]✓[/] {len(made)} submissions in {out}", highlight=False)
