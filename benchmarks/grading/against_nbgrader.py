"""The same classes through stock `nbgrader autograde` and through the engine, in turns, gradebook included.

`python -m benchmarks.grading.against_nbgrader [ROUNDS]`: 20 submissions, all right. A plain course measures
the grading itself; 02-batchnorm has code and checks as students have them. A class of one tells what is paid
once a run. Experiment cells are left out of what is handed in: stock would run them, the engine would not.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import median

from nbgrader.api import Gradebook
from rich.console import Console
from rich.progress import track

from autograder.authoring import release
from autograder.authoring.build import load_built
from autograder.authoring.unit import Notebook, Unit
from benchmarks.grading import plain
from benchmarks.grading.measure import AUTOGRADER, Cost, run, write
from tests.conftest import ROOT

STUDENTS = 20
KINDS = {"both notebooks": None, "NumPy only": False, "torch only": True}
CONFIG = """
c = get_config()
c.CourseDirectory.db_assignments = [dict(name={slug!r})]
c.Execute.timeout = 120
c.ClearSolutions.code_stub = {{"python": "raise NotImplementedError"}}
"""


def without_experiments(notebook: Notebook) -> str:
    """The solved notebook; where it has an experiment, an empty cell."""
    document = json.loads(release.notebook_json(notebook, solution=True))
    skipped = {cell.id for cell in notebook.cells if cell.kind == "experiment"}
    for cell in document["cells"]:
        if cell["id"] in skipped:
            cell["source"] = ""
    return json.dumps(document)


class Class:
    """One course folder for each grader, with the same submissions."""

    def __init__(self, unit: Unit, root: Path, torch: bool | None, students: int, folder: Path):
        self.slug, self.root = unit.slug, root
        self.stock, self.engine = folder / "stock", folder / "engine"
        texts = {n.name: without_experiments(n) for n in unit.notebooks if torch in (None, n.torch)}
        source = self.stock / "source" / self.slug
        self._fill(source, texts)
        (self.stock / "nbgrader_config.py").write_text(CONFIG.format(slug=self.slug))
        self._nbgrader("generate_assignment", self.slug, "--create")
        for number in range(students):
            student = f"student-{number:02d}"
            for course in (self.stock, self.engine):
                self._fill(course / "submitted" / student / self.slug, texts)

    def _fill(self, place: Path, texts: dict[str, str]) -> None:
        place.mkdir(parents=True)
        for name, text in texts.items():
            (place / f"{name}.ipynb").write_text(text)
        if place.is_relative_to(
            self.stock
        ):  # stock nbgrader knows of checks only what lies beside the notebook
            shutil.copytree(self.root / "exercises" / self.slug / "checks", place / "checks")

    def by_stock(self) -> Cost:
        shutil.rmtree(self.stock / "autograded", ignore_errors=True)
        return self._nbgrader("autograde", self.slug)

    def by_engine(self, jobs: int) -> Cost:
        for name in ("gradebook.db", "autograded", "feedback", "records"):
            path = self.engine / name
            path.unlink() if path.is_file() else shutil.rmtree(path, ignore_errors=True)
        where = ["--submitted", str(self.engine / "submitted"), "--course", str(self.engine)]
        return run([AUTOGRADER, "grade", self.slug, "--jobs", str(jobs), *where], self.root)

    def _nbgrader(self, *arguments: str) -> Cost:
        return run([sys.executable, "-m", "nbgrader", *arguments], self.stock)

    def marks(self) -> list[list[float]]:
        """Of all students, by stock and by the engine."""
        found = []
        for course in (self.stock, self.engine):
            with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
                marks = {s.student_id: s.score for s in gradebook.assignment_submissions(self.slug)}
            found.append([marks[student] for student in sorted(marks)])
        return found


Graders = dict[str, Callable[[], Cost]]


def costs(unit: Unit, root: Path, torch: bool | None, rounds: int, what: str) -> dict[str, dict[str, Cost]]:
    """By grader, the median cost of the class of 20 and of a class of one."""
    found: dict[str, dict[str, list[Cost]]] = {}
    for students in (1, STUDENTS):
        with tempfile.TemporaryDirectory() as folder:
            both = Class(unit, root, torch, students, Path(folder))
            graders: Graders = {"stock": both.by_stock, "engine": lambda c=both: c.by_engine(1)}  # type: ignore[misc]
            if (os.cpu_count() or 1) > 1:
                graders["engine, two jobs"] = lambda c=both: c.by_engine(2)  # type: ignore[misc]
            for _ in track(range(rounds), f"{what}, {students}"):
                for name, grade in graders.items():
                    found.setdefault(name, {}).setdefault(str(students), []).append(grade())
            stock, engine = both.marks()
        assert stock == engine and len(stock) == students and min(stock) > 0, (stock, engine)
    return {name: {n: middle(of) for n, of in sizes.items()} for name, sizes in found.items()}


def middle(rounds: list[Cost]) -> Cost:
    return Cost(*(median(values) for values in zip(*(asdict(c).values() for c in rounds), strict=True)))


def figures(cost: dict[str, Cost]) -> dict[str, float]:
    """For one grader: a whole class for each submission, and what one more submission costs."""
    one, all_ = cost["1"], cost[str(STUDENTS)]
    return {
        "CPU s, whole class / 20": round(all_.cpu / STUDENTS, 3),
        "CPU s, one more": round((all_.cpu - one.cpu) / (STUDENTS - 1), 3),
        "wall s, whole class / 20": round(all_.wall / STUDENTS, 3),
        "wall s, one more": round((all_.wall - one.wall) / (STUDENTS - 1), 3),
        "memory MB": round(all_.memory, 1),
    }


def main() -> None:
    os.environ["PATH"] = (
        f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls alembic
    )
    rounds = int(sys.argv[1]) if sys.argv[1:] else 2
    console, told = Console(), {}
    with tempfile.TemporaryDirectory() as folder:
        courses = {plain.SLUG: plain.write_plain(Path(folder) / "plain"), "02-batchnorm": ROOT}
        for slug, root in courses.items():
            unit = load_built(root, slug)
            for kind, torch in KINDS.items():
                if slug == plain.SLUG or torch is None:
                    found = costs(unit, root, torch, rounds, f"{slug}, {kind}")
                    told[f"{slug}, {kind}"] = {name: figures(cost) for name, cost in found.items()}
                    console.print(kind, told[f"{slug}, {kind}"])
                    write("against_nbgrader", {"students": STUDENTS, "rounds": rounds, "classes": told})


if __name__ == "__main__":
    main()
