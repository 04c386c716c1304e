"""`autograder report`: the class on one page, for the instructor alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import quote

from autograder.authoring.unit import Unit, read_unit
from autograder.bridge.files import write_whole
from autograder.bridge.html import render
from autograder.classroom import failures, similar, statistics
from autograder.classroom.marks import Class, graded_cells, read_marks
from autograder.classroom.records import read_records
from autograder.classroom.statistics import Item, Probe, Record

BINS = 10


@dataclass
class Bar:
    """One part of the histogram. low and high: its bounds in points."""

    low: float
    high: float
    students: int


def write_report(root: Path, slug: str, target: Path, path: Path) -> Path:
    """Write the report on the class that was graded in the folder `target`."""
    unit = read_unit(root, slug)
    records = read_records(target, slug)
    marks = read_marks(target, slug, graded_cells(unit))
    alike = similar.unit_pairs(unit, target, [r["student"] for r in records])
    feedback = os.path.relpath(target / "feedback", path.parent)
    write_whole(path, report_page(unit, records, marks, alike, feedback))
    return path


def report_page(
    unit: Unit, records: list[Record], marks: Class, alike: list[similar.Pair], feedback: str
) -> str:
    """The whole page as one text; marks come from the gradebook, all else from the records.

    feedback: the way from the page to the folder of the students' feedback."""
    part = statistics.took_part(records)
    found = [m.mark for m in marks.handed_in]
    clusters = failures.clusters(records)
    items = statistics.analyse(part)
    return render(
        "classroom/report.html.j2",
        unit=unit,
        link=lambda student, exercise: address(unit, feedback, student, exercise),
        records=records,
        took_part=part,
        marks=marks,
        middle=median(found) if found else 0.0,
        mean=sum(found) / len(found) if found else 0.0,
        unread=sum(bool(m.unread) for m in marks.handed_in),
        bars=bars(found, marks.max_points),
        items=items,
        probes=hardest(items),
        margin=statistics.margin(len(part)),
        few=statistics.FEW,
        mistakes=[m for m in failures.mistakes(records) if not m.accepted],
        conventions=[m for m in failures.mistakes(records) if m.accepted],
        clusters=[c for c in clusters if len(c.students) > 1],
        alone=[c for c in clusters if len(c.students) == 1],
        alike=alike,
        similar=similar,
        troubles=failures.troubles(records),
        levels=sorted({r["sandbox"] for r in records}),
    )


def address(unit: Unit, feedback: str, student: str, exercise: str) -> str:
    """Where the student's feedback on an exercise is; that on the first notebook for an unknown one."""
    notebook = next((n for n in unit.notebooks if exercise in n.exercises), unit.notebooks[0])
    path = quote(f"{feedback}/{student}/{unit.slug}/{notebook.name}.html")
    return f"{path}#check-{exercise}" if exercise in notebook.exercises else path


def hardest(items: list[Item]) -> list[tuple[float, Probe, str]]:
    """Every probe with the share of attempts that passed and its exercise, the smallest share first."""
    probes = [(p.passed / p.attempted, p, i.check) for i in items for p in i.probes]
    return sorted(probes, key=lambda row: row[0])


def bars(marks: list[float], most: float) -> list[Bar]:
    """The histogram of the marks."""
    counts = statistics.histogram(marks, most, BINS)
    return [Bar(most * i / BINS, most * (i + 1) / BINS, count) for i, count in enumerate(counts)]
