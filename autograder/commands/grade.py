"""`autograder grade`: a class into the gradebook, with feedback for each student."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from autograder.batch.stop import EXIT_CODE, stoppable
from autograder.commands.changes import show
from autograder.commands.common import Refusal, console, course, plainly
from autograder.commands.marks import marks_table
from autograder.commands.progress import Watcher

if TYPE_CHECKING:
    from autograder.batch.changes import Change
    from autograder.batch.run import Outcome


@click.command()
@click.argument("unit")
@click.option(
    "--submitted", type=click.Path(path_type=Path), help="Folder with <student>/<unit>/ (default: submitted)."
)
@click.option(
    "--json", "records", type=click.Path(path_type=Path), help="Write one JSON object per submission here."
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=lambda: os.cpu_count() or 1,
    show_default="one a core",
    help="Processes at a time.",
)
@click.option(
    "--scheduler",
    default="",
    metavar="ADDRESS",
    help="Grade on a cluster: its Dask scheduler, such as tcp://10.0.0.1:8786.",
)
@click.option(
    "--sandbox",
    type=click.Choice(["auto", "none"]),
    default="auto",
    help="auto: refuse where none is safe; none: at your own risk.",
)
@click.option(
    "--course",
    "folder",
    type=click.Path(path_type=Path),
    help="Where gradebook.db, autograded/ and feedback/ go.",
)
@click.option("--force", is_flag=True, help="Grade everything again, also what nothing changed for.")
@click.option("--accept", is_flag=True, help="Write marks that change although the work did not.")
@click.option("--dry-run", "dry", is_flag=True, help="Show which marks would change, and write none.")
@plainly
def grade(
    unit: str,
    submitted: Path | None,
    records: Path | None,
    jobs: int,
    scheduler: str,
    sandbox: str,
    folder: Path | None,
    force: bool,
    accept: bool,
    dry: bool,
) -> None:
    """Grade every submission of UNIT into the gradebook, with feedback for each student.

    What was graded before is not graded again unless the work, the unit or the engine changed."""
    if dry and records:
        raise Refusal("--dry-run writes no marks, so it has none for --json: leave one of the two out.")
    from autograder.batch.run import Options
    from autograder.grading import grade_unit

    root = course()
    target = folder or root

    def accepted(changes: list[Change]) -> bool:
        watch.pause()
        show(console, changes)
        return accept or (sys.stdin.isatty() and click.confirm("Write these marks?"))

    with Watcher(console, f"warming up for {unit}") as watch, stoppable() as stopped:
        options = Options(
            jobs=jobs,
            locked=sandbox != "none",
            force=force,
            dry=dry,
            accept=accepted,
            stopped=stopped,
            watch=watch,
            **_on_cluster(scheduler, sandbox, watch.say),
        )
        done = grade_unit(root, unit, submitted or root / "submitted", target=target, options=options)
    if dry:
        show(console, done.changes)
    elif not done.changes or not done.left:
        _report(done, target, unit, records)
    _warn(done, unit)
    _leave(done, dry, stopped())


def _on_cluster(scheduler: str, sandbox: str, say: Callable[[str], None]) -> dict[str, Any]:
    """The options by which others grade than this machine."""
    if not scheduler:
        return {}
    from autograder.cluster.head import ClusterGrader

    level = "cluster" if sandbox != "none" else "none"
    return {"grader": partial(ClusterGrader, address=scheduler, tell=say), "level": level}


def _leave(done: Outcome, dry: bool, stopped: bool) -> None:
    """End with an exit code that says whether all that was handed in is graded and written."""
    if stopped and done.left:
        _say(
            f"Stopped: {len(done.written)} submissions written, {len(done.left)} left. "
            "The same command goes on from here."
        )
        sys.exit(EXIT_CODE)
    if done.changes and done.left and not dry:
        raise Refusal(
            "Nothing was written: marks would change for work that did not. Say --accept to write them."
        )
    if done.left and not dry:
        raise Refusal(f"{len(done.left)} submissions are not graded: start the same command again.")
    if done.elsewhere:
        sys.exit(1)


def _report(done: Outcome, target: Path, unit: str, path: Path | None) -> None:
    students = sorted([*done.standing, *done.written])
    if path:
        _write(path, _records(target, students, unit))
    else:
        console.print(marks_table(_records(target, students, unit)))
    rejected = sum(r["status"] == "rejected" for r in _records(target, students, unit))
    _say(
        f"[green]✓[/] {len(students)} submissions: {len(done.written)} graded now, {len(done.standing)} "
        f"graded before and unchanged; {rejected} rejected{f': {escape(str(path))}' if path else '.'}"
    )


def _say(line: str) -> None:
    console.print(line, highlight=False, soft_wrap=True)


def _records(target: Path, students: Iterable[str], unit: str) -> Iterator[dict[str, Any]]:
    """One after the other: a large class does not fit into memory twice."""
    from autograder.classroom.records import read_record

    return (record for s in students if (record := read_record(target, s, unit)))


def _write(path: Path, records: Iterable[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with fresh.open("w", encoding="utf-8", newline="\n") as file:
        separator = "[\n"
        for record in records:
            file.write(separator + json.dumps(record, indent=1, ensure_ascii=False))
            separator = ",\n"
        file.write("\n]\n" if separator != "[\n" else "[]\n")
    fresh.replace(path)


def _warn(done: Outcome, unit: str) -> None:
    for student, paths in done.elsewhere.items():
        _say(
            f"[yellow]![/] {escape(student or 'Somebody')}: {escape(', '.join(paths))} was not graded. "
            f"Move it to <student>/{unit}/, and grade again."
        )
