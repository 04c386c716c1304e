"""The released notebooks as the pages need them: the exercises, how long and how hard, and their stubs.

Pages read only what students hold. Nothing here knows `solutions/`.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

HEADING = re.compile(
    r"^## (?P<number>\d+)\. (?P<title>.+?) \((?P<dots>[●○]{3}), (?P<minutes>\d+) minutes\)$", re.M
)
EQUATIONS = re.compile(r"eq\. \((\d+)\)(?: to eq\. \((\d+)\))?")


class NoSuchExercise(LookupError):
    """A page asks for an exercise that was not released."""


@dataclass(frozen=True)
class Exercise:
    """One graded function or class of a notebook."""

    unit: str
    notebook: str
    name: str  # batchnorm_forward
    number: int
    title: str
    difficulty: int  # 1 to 3
    minutes: int
    points: float
    stub: str
    equations: tuple[int, ...]  # their numbers in the unit's chapter


def notebooks(root: Path, unit: str) -> list[str]:
    """The names of a unit's released notebooks."""
    return sorted(path.stem for path in (root / "exercises" / unit).glob("*.ipynb"))


def released(root: Path, unit: str, notebook: str) -> list[Exercise]:
    """The exercises of a released notebook, in order. FileNotFoundError where it is not built."""
    path = root / "exercises" / unit / f"{notebook}.ipynb"
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    points = {c["id"]: c["metadata"].get("nbgrader", {}).get("points", 0) for c in cells}
    found, heading, text = [], None, ""
    for cell in cells:
        source, kind = "".join(cell["source"]), cell["metadata"]["autograder"]["kind"]
        if matched := HEADING.search(source):
            heading, text = matched, source
        if kind == "solution" and heading and f"check-{cell['id']}" in points:
            numbers = _equations(text + source)
            found.append(
                Exercise(
                    unit, notebook, cell["id"], int(heading["number"]), heading["title"],
                    heading["dots"].count("●"), int(heading["minutes"]), points[f"check-{cell['id']}"],
                    source, numbers,
                )
            )  # fmt: skip
    return found


def _equations(text: str) -> tuple[int, ...]:
    """The numbers that a text cites; "eq. (1) to eq. (4)" cites four."""
    cited = [(int(first), int(last or first)) for first, last in EQUATIONS.findall(text)]
    return tuple(sorted({number for first, last in cited for number in range(first, last + 1)}))


def exercise(root: Path, unit: str, notebook: str, name: str) -> Exercise:
    """One exercise; NoSuchExercise says which there are."""
    known = released(root, unit, notebook)
    for candidate in known:
        if candidate.name == name:
            return candidate
    names = ", ".join(e.name for e in known) or "none"
    raise NoSuchExercise(f"{unit}/{notebook} has no exercise {name}; it has {names}.")
