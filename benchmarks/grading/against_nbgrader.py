"""The same class through stock `nbgrader autograde` and through the engine, in turns.

`python -m benchmarks.grading.against_nbgrader [ROUNDS]`: 20 submissions of a NumPy and a torch notebook each,
all right, gradebook included. Experiment cells are taken out of what is handed in: stock would run them, and
the engine would not.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

from nbgrader.api import Gradebook
from rich.console import Console
from rich.progress import track

from autograder.authoring import release
from autograder.authoring.unit import Notebook, Unit, read_unit
from benchmarks.grading.measure import AUTOGRADER, Cost, rounded, run, write
from tests.conftest import ROOT

SLUG = "02-batchnorm"
STUDENTS = 20
CONFIG = f"""
c = get_config()
c.CourseDirectory.db_assignments = [dict(name={SLUG!r})]
c.Execute.timeout = 120
c.ClearSolutions.code_stub = {{"python": "raise NotImplementedError"}}
"""
KINDS = {"both": None, "NumPy only": False, "torch only": True}


def without_experiments(notebook: Notebook) -> str:
    """The solved notebook; where it has an experiment, an empty cell."""
    document = json.loads(release.notebook_json(notebook, solution=True))
    skipped = {cell.id for cell in notebook.cells if cell.kind == "experiment"}
    for cell in document["cells"]:
        if cell["id"] in skipped:
            cell["source"] = ""
    return json.dumps(document)


def notebooks(unit: Unit, kind: str) -> list[Notebook]:
    wanted = KINDS[kind]
    return [n for n in unit.notebooks if wanted is None or n.torch == wanted]


class Class:
    """One course folder for each grader, with the same submissions."""

    def __init__(self, unit: Unit, kind: str, folder: Path):
        self.stock, self.engine = folder / "stock", folder / "engine"
        texts = {n.name: without_experiments(n) for n in notebooks(unit, kind)}
        source = self.stock / "source" / SLUG
        source.mkdir(parents=True)
        for name, text in texts.items():
            (source / f"{name}.ipynb").write_text(text)
        shutil.copytree(ROOT / "exercises" / SLUG / "checks", source / "checks")
        (self.stock / "nbgrader_config.py").write_text(CONFIG)
        self._nbgrader("generate_assignment", SLUG, "--create")
        for root in (self.stock, self.engine):
            for number in range(STUDENTS):
                place = root / "submitted" / f"student-{number:02d}" / SLUG
                place.mkdir(parents=True)
                for name, text in texts.items():
                    (place / f"{name}.ipynb").write_text(text)
                if root is self.stock:
                    shutil.copytree(source / "checks", place / "checks")

    def by_stock(self) -> Cost:
        shutil.rmtree(self.stock / "autograded", ignore_errors=True)
        return self._nbgrader("autograde", SLUG)

    def by_engine(self, jobs: int) -> Cost:
        for name in ("gradebook.db", "autograded", "feedback", "records"):
            path = self.engine / name
            path.unlink() if path.is_file() else shutil.rmtree(path, ignore_errors=True)
        command = [AUTOGRADER, "grade", SLUG, "--jobs", str(jobs)]
        where = ["--submitted", str(self.engine / "submitted"), "--course", str(self.engine)]
        return run([*command, *where], ROOT)

    def _nbgrader(self, *arguments: str) -> Cost:
        return run([sys.executable, "-m", "nbgrader", *arguments], self.stock)

    def marks(self) -> list[tuple[float, float]]:
        """Of each student, by stock and by the engine."""
        found = []
        for root in (self.stock, self.engine):
            with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
                marks = {s.student_id: s.score for s in gradebook.assignment_submissions(SLUG)}
            found.append([marks[student] for student in sorted(marks)])
        return list(zip(*found, strict=True))


def main() -> None:
    os.environ["PATH"] = (
        f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls alembic
    )
    rounds = int(sys.argv[1]) if sys.argv[1:] else 2
    unit, console, figures = read_unit(ROOT, SLUG), Console(), {}
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            both = Class(unit, kind, Path(folder))
            graders = {"stock": both.by_stock, "engine": lambda c=both: c.by_engine(1)}
            if (os.cpu_count() or 1) > 1:
                graders["engine, two jobs"] = lambda c=both: c.by_engine(2)
            costs: dict[str, list[Cost]] = {name: [] for name in graders}
            for _ in track(range(rounds), kind):
                for name, grade in graders.items():
                    costs[name].append(grade())
            marks = both.marks()
        assert all(stock == engine > 0 for stock, engine in marks), marks
        figures[kind] = {name: [rounded(c, STUDENTS) for c in of] for name, of in costs.items()}
        cpu, wall = (
            {name: median(getattr(c, what) for c in of) for name, of in costs.items()}
            for what in ("cpu", "wall")
        )
        console.print(
            f"{kind}: CPU {cpu['stock'] / cpu['engine']:.1f} times less, "
            f"wall {wall['stock'] / wall['engine']:.1f} times less with one job; marks {marks[0]}"
        )
    console.print(write("against_nbgrader", {"unit": SLUG, "students": STUDENTS, "per submission": figures}))


if __name__ == "__main__":
    main()
