"""The hostile hand-ins of tests/attacks through stock `nbgrader autograde` and through the engine, in turns:
`python -m benchmarks.attacks_against_nbgrader [GROUP | STUDENT]...` writes attacks.json and attacks.md in
benchmarks/results. What an attack got is kept as soon as it is known, and measured again only where its group
or its student is named. Attacks on who opens a page of feedback are left out: no page is opened here.

It runs them without protection on this machine. They are bounded, but run it where nothing is to be lost.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from nbgrader.api import Gradebook
from rich.progress import track

from autograder.authoring import release
from autograder.authoring.build import load_built
from autograder.authoring.unit import Unit
from autograder.engine.doctor import diagnose
from autograder.engine.grade import Grader
from tests.attacks.attack import GAINED, Attack
from tests.attacks.catalogue import ATTACKS
from tests.attacks.classroom import ALWAYS, LIMITS, Decoys, as_victim, changes, left_running
from tests.attacks.stock import ASSERTS
from tests.conftest import SLUG, write_course

MEASURED = [attack for attack in ATTACKS if attack.group != "browser"]
RESULTS = Path(__file__).parent / "results" / "attacks.json"
NEIGHBOUR, POINTS = "zz-neighbour", 10
SECONDS = 180
CONFIG = f"""
c = get_config()
c.CourseDirectory.db_assignments = [dict(name={SLUG!r})]
c.Execute.timeout = 10
c.ClearSolutions.code_stub = {{"python": "raise NotImplementedError"}}
"""


@dataclass
class Outcome:
    """What one hand-in got out of one grader."""

    points: float | None  # None: there is no mark
    neighbour: float | None
    loot: bool
    changed: bool
    left: bool
    seconds: float

    def gained(self, attack: Attack) -> str:
        """In words; empty where it gained nothing."""
        found = {
            f"{self.points:g} points" if self.points is not None else "": (self.points or 0) > attack.points,
            "loot in the feedback": self.loot,
            "changes outside": self.changed,
            "processes left": self.left,
            "the neighbour's marks": self.neighbour != POINTS,
        }
        return ", ".join(words for words, true in found.items() if true)


class Stock:
    """A course as nbgrader's own quickstart makes one, with the tests in its source notebook."""

    def __init__(self, unit: Unit, folder: Path):
        self.template, self.folder = folder / "template", folder / "stock"
        source = self.template / "source" / SLUG
        source.mkdir(parents=True)
        document = json.loads(release.notebook_json(unit.notebooks[0], solution=True))
        for cell in document["cells"]:
            cell["source"] = ASSERTS.get(cell["id"], cell["source"])
        (source / "tiny_numpy.ipynb").write_text(json.dumps(document))
        (self.template / "nbgrader_config.py").write_text(CONFIG)
        nbgrader(self.template, "generate_assignment", SLUG, "--create", check=True)

    def grade(self, attack: Attack, submitted: Path) -> tuple[float | None, float | None, str]:
        """Marks of the attacker and of the neighbour, and all that is shown."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.template, self.folder)
        subprocess.run(["cp", "-a", submitted, self.folder / "submitted"], check=True)  # pipes are among them
        nbgrader(self.folder, "autograde", SLUG)
        shown = [p.read_text("utf-8") for p in (self.folder / "autograded").rglob("*.ipynb")]
        with Gradebook(f"sqlite:///{self.folder}/gradebook.db") as gradebook:
            marks = {s.student_id: s.score for s in gradebook.assignment_submissions(SLUG) if _graded(s)}
        return marks.get(attack.student), marks.get(NEIGHBOUR), "".join(map(_outputs, shown))


def _graded(submission: object) -> bool:
    return any(g.auto_score is not None for n in submission.notebooks for g in n.grades)  # type: ignore[attr-defined]


def _outputs(text: str) -> str:
    return json.dumps([cell.get("outputs") for cell in json.loads(text)["cells"]])


def nbgrader(folder: Path, *arguments: str, check: bool = False) -> None:
    """Run it in a process group of its own, which ends with it."""
    command = [sys.executable, "-m", "nbgrader", *arguments]
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it calls alembic
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | {"PATH": programs},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    try:
        _, said = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        said = "it took too long"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if check and process.returncode:
        sys.exit(said[-2000:])


def compare(attacks: Iterable[Attack], folder: Path) -> Iterator[tuple[Attack, Outcome, Outcome]]:
    """Each attack through both graders, one after the other."""
    unit = load_built(write_course(folder / "course"), SLUG)
    stock, decoys = Stock(unit, folder), Decoys(folder)
    with Grader(unit, folder / "course", sandbox=diagnose().level) as grader:
        grader.unit.limits = LIMITS
        keep = grader._zygotes["numpy"]._process.pid
        for attack in attacks:
            submitted = folder / "course/submitted"

            def engine(attack: Attack = attack, submitted: Path = submitted) -> tuple[float, float, str]:
                results = {s: grader.grade(s, submitted / s / SLUG) for s in (attack.student, NEIGHBOUR)}
                shown = json.dumps([[s.outputs for s in n.steps] for n in results[attack.student].notebooks])
                return results[attack.student].points, results[NEIGHBOUR].points, shown

            found = []
            for grade in (lambda a=attack, f=submitted: stock.grade(a, f), engine):
                decoys.lay()
                hand_in(attack, unit, submitted, decoys)
                before, started = decoys.state(), time.monotonic()
                points, neighbour, shown = grade()
                loot = any(word in shown for word in (GAINED, *decoys.canaries, *ALWAYS))
                changed = bool(changes(before, decoys.state()) or decoys.heard())
                left = bool(left_running(keep))
                found.append(Outcome(points, neighbour, loot, changed, left, time.monotonic() - started))
            yield attack, *found


def hand_in(attack: Attack, unit: Unit, submitted: Path, decoys: Decoys) -> None:
    shutil.rmtree(submitted, ignore_errors=True)
    for student in (NEIGHBOUR, "honest-0"):
        (submitted / student / SLUG).mkdir(parents=True)
        text = release.notebook_json(unit.notebooks[0], solution=True)
        (submitted / student / SLUG / "tiny_numpy.ipynb").write_text(text)
    attack.write(submitted / attack.student / SLUG, unit.notebooks[0], decoys.target())


def table(got: dict[str, dict[str, str]]) -> str:
    """What each attack of the catalogue that was measured got, in its order; before that, how many of each
    group got something."""
    rows = [(attack, got[attack.student]) for attack in MEASURED if attack.student in got]
    head = (
        f"# {len(rows)} hostile hand-ins\n\n"
        f"{max(row['date'] for _, row in rows)}, {platform.machine()}, nbgrader {version('nbgrader')}, "
        f"sandbox level {diagnose().level}. Written by `python -m benchmarks.attacks_against_nbgrader`.\n\n"
    )
    groups = ["| group | hand-ins | gain something of stock nbgrader | of the engine |", "|---|---|---|---|"]
    for group in (*dict.fromkeys(attack.group for attack, _ in rows), "all"):
        own = [row for attack, row in rows if group in (attack.group, "all")]
        lost = [sum(bool(row[grader]) for row in own) for grader in ("stock", "engine")]
        groups.append(f"| {group} | {len(own)} | {lost[0]} | {lost[1]} |")
    lines = ["| group | attack | would gain | stock nbgrader | engine |", "|---|---|---|---|---|"]
    for attack, row in rows:
        told = [row[grader] or "nothing" for grader in ("stock", "engine")]
        lines.append(f"| {attack.group} | {attack.name} | {attack.gains} | {told[0]} | {told[1]} |")
    return head + "\n".join(groups) + "\n\n" + "\n".join(lines) + "\n"


def main() -> None:
    got = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    named = set(sys.argv[1:])
    wanted = [a for a in MEASURED if ({a.group, a.student} & named if named else a.student not in got)]
    with tempfile.TemporaryDirectory() as folder:
        as_victim(Path(folder), "me", namespaces=True)
        for attack, stock, engine in compare(track(wanted), Path(folder)):
            words = {"stock": stock.gained(attack), "engine": engine.gained(attack)}
            got[attack.student] = words | {"date": f"{datetime.now(UTC):%Y-%m-%d}"}
            RESULTS.write_text(json.dumps(got, indent=1) + "\n", encoding="utf-8")
            RESULTS.with_suffix(".md").write_text(table(got), encoding="utf-8")


if __name__ == "__main__":
    main()
