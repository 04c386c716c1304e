"""What a hostile hand-in is made of, and what it is told about its victims."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from autograder.authoring import release
from autograder.authoring.unit import Notebook

Document = dict[str, Any]

# Where the same hand-in succeeds: in a grader as usual, in an unlocked engine, on a raw page; or nowhere that
# a test may go, as it needs what is not here or would bring the machine down.
STOCK, UNLOCKED, PAGE, NOWHERE = "stock", "unlocked", "page", "nowhere"


@dataclass(frozen=True)
class Target:
    """All that an attacker could find out about the machine; hostile cells know it by these names."""

    course: str  # the instructor's folder: solutions, secret, gradebook, everybody's submissions
    home: str  # the instructor's home
    outside: str  # a folder that everybody may write
    victim: int  # process id of the grading process
    tcp: int  # ports and sockets on which somebody waits for stolen goods
    udp: int
    unix: str
    abstract: str
    public: list[Any]  # the released cases of `center`: x, centered, mu


@dataclass(frozen=True)
class Attack:
    """One hostile hand-in. It starts from the released notebook, where nothing is solved."""

    group: str
    name: str
    gains: str  # what it would gain
    cells: tuple[str, ...] = ()  # code of its own, run first
    answers: dict[str, str] = field(default_factory=dict)  # per exercise, the cell that is handed in
    last: str = ""  # code of its own, run last
    spoil: Callable[[Document], Any] | None = None  # what it does to the notebook
    hand_in: Callable[[Path, str, Target], Any] | None = (
        None  # (folder, text, target), in place of writing it
    )
    points: float = 0  # what the honest part of it earns
    tells: str = ""  # a regular expression: the true reason, in the record or under the cell
    works: str = UNLOCKED  # where the same hand-in is seen to succeed
    by: str = "anyone"  # "root" where it works for root only, even unlocked

    @property
    def student(self) -> str:
        return f"{self.group}-{self.name}".replace(" ", "-")

    def document(self, notebook: Notebook, target: Target, *, prelude: bool = True) -> Document:
        """The notebook that is handed in."""
        found: Document = json.loads(release.notebook_json(notebook, solution=False))
        for cell in found["cells"]:
            if cell["id"] in self.answers:
                cell["source"] = self.answers[cell["id"]]
        own = [PRELUDE.format(**asdict(target)), *self.cells] if prelude else []
        found["cells"] = [*map(code_cell, own), *found["cells"]]
        if self.last:
            found["cells"].append(code_cell(self.last))
        if self.spoil is not None:
            self.spoil(found)
        return found

    def write(self, folder: Path, notebook: Notebook, target: Target) -> None:
        """Hand it in as `folder`."""
        text = json.dumps(self.document(notebook, target))
        if self.hand_in is not None:
            self.hand_in(folder, text, target)
        else:
            folder.mkdir(parents=True)
            (folder / f"{notebook.name}.ipynb").write_text(text, encoding="utf-8")


# Success is told in a word that stands in no source, so that quoting a cell is not taken for it.
GAINED = "GAINED"
PRELUDE = """
course, home, outside, victim = {course!r}, {home!r}, {outside!r}, {victim!r}
tcp, udp, unix, abstract = {tcp!r}, {udp!r}, {unix!r}, {abstract!r}
public = {public!r}

def gained(*what):
    print("GAI" + "NED", *what)
"""


def code_cell(source: str) -> Document:
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}


def cell(document: Document, id: str) -> Document:
    """The cell of `document` with this id."""
    return next(c for c in document["cells"] if c.get("id") == id)
