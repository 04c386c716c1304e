"""Classes of 20, 200 and 2,000: `python -m benchmarks.grading.growth [STUDENTS]...`.

Of twenty hand-ins one is hostile (tests/attacks) and one is broken; the rest are right, mistaken, half done
or untouched. Everybody must be in the records, with the marks that the same hand-in gets when it is graded
alone.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path
from random import Random

from rich.console import Console
from rich.progress import track

from autograder.authoring.build import load_built
from autograder.authoring.sample import make_class
from autograder.authoring.unit import Unit
from autograder.engine.grade import Grader
from benchmarks.grading.measure import AUTOGRADER, rounded, run, write
from tests.attacks.attack import Target
from tests.attacks.catalogue import ATTACKS
from tests.conftest import SLUG, write_course

KINDS = 48  # hand-ins of the sample class that are copied


def course_in(folder: Path) -> Path:
    """The course in miniature, less patient than in other tests."""
    root = write_course(folder / "course")
    settings = root / "solutions" / SLUG / "unit.toml"
    settings.write_text(re.sub(r"cell_seconds = 2", "cell_seconds = 1", settings.read_text()))
    return root


def hand_ins(unit: Unit, folder: Path) -> tuple[list[Path], list[Path], list[Path]]:
    """Folders to copy: honest, broken, hostile."""
    plans = make_class(unit, KINDS, 1, folder / "sample")
    of_kind = {kind: [folder / "sample" / p.student / SLUG for p in plans if (p.kind == "broken") == kind]
               for kind in (False, True)}  # fmt: skip
    target = Target(
        course=str(folder / "course"),
        home=str(folder),
        outside=str(folder),
        victim=os.getpid(),
        tcp=9,
        udp=9,
        unix=str(folder / "socket"),
        abstract="nobody",
        public=[],
    )
    hostile = []
    for attack in Random(1).sample(ATTACKS, len(ATTACKS)):
        place = folder / "hostile" / attack.student / SLUG
        attack.write(place, unit.notebooks[0], target)
        hostile.append(place)
    return of_kind[False], of_kind[True], hostile


def hand_in(
    students: int, kinds: tuple[list[Path], list[Path], list[Path]], submitted: Path
) -> dict[str, Path]:
    """Fill the folder; by student, what was copied."""
    shutil.rmtree(submitted, ignore_errors=True)
    honest, broken, hostile = map(cycle, kinds)
    order = cycle([hostile, broken, *[honest] * 18])
    copied = {}
    for number, kind in enumerate(islice(order, students)):
        student, source = f"s{number:06d}", next(kind)
        copied[student] = source
        (submitted / student).mkdir(parents=True)
        if source.is_dir() and not source.is_symlink():
            shutil.copytree(source, submitted / student / SLUG, symlinks=True)
        else:
            shutil.copy(source, submitted / student / SLUG, follow_symlinks=False)
    return copied


def alone(unit: Unit, root: Path, sources: set[Path]) -> dict[Path, float]:
    """The points of each hand-in when nobody else is graded."""
    with Grader(unit, root, sandbox="B") as grader:
        return {source: grader.grade("alone", source).points for source in track(sorted(sources), "alone")}


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [20, 200, 2000]
    figures, console = {}, Console()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        root = course_in(folder)
        unit = load_built(root, SLUG)
        kinds = hand_ins(unit, folder)
        points: dict[Path, float] = {}
        for students in sizes:
            copied = hand_in(students, kinds, folder / "submitted")
            target = folder / f"class-{students}"
            command = [AUTOGRADER, "grade", SLUG, "--course", str(target)]
            cost = run([*command, "--submitted", str(folder / "submitted")], root)
            records = [json.loads(p.read_text()) for p in (target / "records").glob(f"*/{SLUG}.json")]
            found = {r["student"]: r["points"] for r in records}
            missing = sorted(copied.keys() - found.keys())
            points |= alone(unit, root, set(copied.values()) - points.keys())
            other = sorted(s for s in found if found[s] != points[copied[s]])
            figures[str(students)] = {**rounded(cost, students), "missing": missing, "other marks": other}
            console.print(students, figures[str(students)])
    console.print(write("growth", {"unit": "the course in miniature", "per submission": figures}))


if __name__ == "__main__":
    main()
