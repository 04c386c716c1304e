"""One broken but innocent hand-in: how it came about, what it may still earn, and what must be said."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

FULL = {"scale": 3.0, "center": 4.0, "scale_centered": 2.0, "test_scale": 1.0}
FILE = "tiny_numpy.ipynb"

Document = dict[str, Any]
Files = dict[str, bytes]


@dataclass(frozen=True)
class Fault:
    """What `spoil` makes of the files of a right solution.

    marks: where they differ from full ones; told: words of the sentence that student and instructor read.
    """

    spoil: Callable[[Files], Files]
    marks: dict[str, float] | None = None
    told: str = ""
    status: str = "graded"

    @property
    def expected(self) -> dict[str, float]:
        return FULL | (self.marks or {})


def rejected(spoil: Callable[[Files], Files], told: str) -> Fault:
    return Fault(spoil, dict.fromkeys(FULL, 0.0), told, "rejected")


def data(change: Callable[[bytes], bytes]) -> Callable[[Files], Files]:
    """The bytes of the notebook are changed."""
    return lambda files: {FILE: change(files[FILE])}


def document(change: Callable[[Document], Any]) -> Callable[[Files], Files]:
    """The notebook is changed as JSON, in place."""

    def spoil(files: Files) -> Files:
        found = json.loads(files[FILE])
        change(found)
        return {FILE: json.dumps(found).encode()}

    return spoil


def names(*names: str) -> Callable[[Files], Files]:
    """The notebook is handed in under these names instead."""
    return lambda files: dict.fromkeys(names, files[FILE])


def cell(found: Document, id: str) -> Document:
    return next(c for c in found["cells"] if c.get("id") == id)


def source(found: Document, id: str) -> str:
    return "".join(cell(found, id)["source"])


def place(found: Document, id: str) -> int:
    return found["cells"].index(cell(found, id))


def code(text: str) -> Document:
    """A cell of the student's own."""
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": text}


def own(*texts: str, before: str = "scale") -> Callable[[Files], Files]:
    """The student added cells above the released cell `before`; "" for the end of the notebook."""

    def change(found: Document) -> None:
        at = place(found, before) if before else len(found["cells"])
        found["cells"][at:at] = [code(text) for text in texts]

    return document(change)


def answer(old: str, new: str) -> Callable[[Files], Files]:
    """A text of some solution cell is replaced."""

    def change(found: Document) -> None:
        (one,) = [
            c for c in found["cells"] if old in "".join(c["source"]) and "### BEGIN" in str(c["source"])
        ]
        one["source"] = "".join(one["source"]).replace(old, new, 1)

    return document(change)


def above(id: str, text: str) -> Callable[[Files], Files]:
    """`text` stands in the solution cell `id`, above the definition."""
    return document(lambda found: cell(found, id).update(source=f"{text}\n{source(found, id)}"))


def below(id: str, text: str) -> Callable[[Files], Files]:
    """`text` stands in the solution cell `id`, below the definition."""
    return document(lambda found: cell(found, id).update(source=f"{source(found, id)}\n{text}"))


def both(*spoils: Callable[[Files], Files]) -> Callable[[Files], Files]:
    def spoil(files: Files) -> Files:
        for one in spoils:
            files = one(files)
        return files

    return spoil
