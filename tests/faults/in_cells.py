"""What goes wrong with cells: lost, doubled, moved, split, merged, and stripped of what names them."""

from __future__ import annotations

from typing import Any

from tests.faults.fault import Document, Fault, above, answer, both, cell, code, document, own, place, source

RIGHT = "def scale(x, a):\n    return a * x"
WRONG = "def scale(x, a):\n    return x + a"
STUB = "def scale(x, a):\n    raise NotImplementedError"
LONG = "data = [" + "0.25, " * 40_000 + "]"


def _delete(*ids: str) -> Any:
    return document(lambda found: found.update(cells=[c for c in found["cells"] if c["id"] not in ids]))


def _strip(*keys: str) -> Any:
    """What other programs leave of a cell."""

    def change(found: Document) -> None:
        for one in found["cells"]:
            for key in keys:
                one.pop(key)

    return document(change)


def _move(found: Document, id: str, to: int) -> None:
    one = cell(found, id)
    found["cells"].remove(one)
    found["cells"].insert(to, one)


def _tests_first(found: Document) -> None:
    found["cells"].sort(key=lambda c: not c["id"].startswith("check-"))


def _double(id: str, text: str | None = None, after: str = "", new_id: bool = True) -> Any:
    """A cell is copied, as Jupyter does it: the copy has an id of its own and the metadata of the first."""

    def change(found: Document) -> None:
        copy = {**cell(found, id), **({} if text is None else {"source": text})}
        if new_id:
            copy["id"] = "f00dbeef"
        found["cells"].insert(place(found, after or id) + 1, copy)

    return document(change)


def _merge(*ids: str) -> Any:
    """Jupyter keeps id and metadata of the first."""

    def change(found: Document) -> None:
        cell(found, ids[0])["source"] = "\n\n".join(source(found, i) for i in ids)
        found["cells"] = [c for c in found["cells"] if c["id"] not in ids[1:]]

    return document(change)


def _split(found: Document) -> None:
    """A helper above, the exercise below: the first half keeps id and metadata."""
    one = cell(found, "scale")
    rest = source(found, "scale").replace("x * a", "times(x, a)")
    one["source"] = "def times(x, a):\n    return x * a\n"
    found["cells"].insert(place(found, "scale") + 1, code(rest))


def _imports_last(found: Document) -> None:
    center = cell(found, "center")
    center["source"] = source(found, "center").replace("x.mean(axis=0)", "fmean_of_columns(x)")
    found["cells"].append(code("def fmean_of_columns(x):\n    return x.mean(axis=0)"))


def _below_the_stub(found: Document) -> None:
    right = source(found, "scale")
    cell(found, "scale")["source"] = STUB
    found["cells"].insert(place(found, "check-center"), code(right))


def _retype(kind: str) -> Any:
    return document(lambda found: cell(found, "center").update(cell_type=kind))


def _restyle(change: Any) -> Any:
    def each(found: Document) -> None:
        for one in found["cells"]:
            one["source"] = change("".join(one["source"]))

    return document(each)


def _pasted(found: Document) -> None:
    pictures = {"photo.png": {"image/png": "iVBORw0KGgo="}, "drawing.tiff": {"image/tiff": "SUkqAA=="}}
    cell(found, "question-why").update(source="![photo.png](attachment:photo.png)", attachments=pictures)


stubbed = document(lambda found: cell(found, "scale").update(source=STUB))

IN_CELLS = {
    "metadata of all cells lost": Fault(_strip("metadata")),
    "ids and metadata of all cells lost": Fault(_strip("metadata", "id")),
    "ids and metadata lost, nothing attempted in one": Fault(
        both(stubbed, _strip("metadata", "id")),
        {"scale": 0},
        "not attempted",
    ),
    "a cell deleted": Fault(_delete("center"), {"center": 0}, "The cell center is missing"),
    "checks deleted": Fault(
        _delete("check-scale", "check-center", "check-scale_centered", "check-test_scale")
    ),
    "the given cell deleted": Fault(_delete("given-01")),
    "a cell doubled": Fault(_double("scale"), told="The cell scale is there twice"),
    "a cell doubled with its id": Fault(_double("scale", new_id=False), told="The cell scale is there twice"),
    "a copy improved above the check": Fault(
        both(answer("x * a", "x + a"), _double("scale", RIGHT)), told="twice"
    ),
    "a copy spoiled below the check": Fault(_double("scale", WRONG, after="check-scale"), told="twice"),
    "a stub with its copy filled in": Fault(both(stubbed, _double("scale", RIGHT)), told="twice"),
    "a check doubled": Fault(_double("check-center"), told="The cell check-center is there twice"),
    "tests first": Fault(document(_tests_first)),
    "all cells in reverse": Fault(document(lambda found: found["cells"].reverse())),
    "imports last": Fault(document(lambda found: _move(found, "given-01", len(found["cells"]) - 1))),
    "a helper last": Fault(document(_imports_last), told="center could be run only after the last cell"),
    "answered below the stub": Fault(document(_below_the_stub), told="scale could be run only after"),
    "a cell split in two": Fault(document(_split)),
    "two cells merged": Fault(_merge("scale", "center"), told="center is written in the cell scale"),
    "cells merged with their checks": Fault(
        _merge("scale", "check-scale", "center", "check-center"), told="center is written in the cell scale"
    ),
    "everything in one cell": Fault(
        _merge("given-01", "scale", "center", "scale_centered", "test_scale"), told="written in the cell"
    ),
    "an answer made Markdown": Fault(_retype("markdown")),
    "an answer made raw text": Fault(_retype("raw")),
    "empty cells": Fault(own("", "   \n\t\n", "", before="center")),
    "cells that are no cells": Fault(
        document(lambda found: found["cells"].extend([None, 3, "cell", [], {}]))
    ),
    "sources of every kind": Fault(
        document(
            lambda found: found["cells"].extend(
                [{"cell_type": "code", "source": s} for s in (None, 3, {}, [1, None, ["x"]])]
            )
        )
    ),
    "a very long cell": Fault(own(LONG, before="center"), told="at most 200,000"),
    "a very long answer": Fault(above("scale", LONG), {"scale": 0}, "at most 200,000"),
    "CRLF in the cells": Fault(_restyle(lambda text: text.replace("\n", "\r\n"))),
    "tabs": Fault(_restyle(lambda text: text.replace("    ", "\t"))),
    "null bytes": Fault(_restyle(lambda text: text.replace("\n", "\x00\n"))),
    "a kernel of one's own": Fault(
        document(
            lambda found: found["metadata"].update(
                kernelspec={
                    "display_name": "ml (conda) 最新",
                    "language": "python",
                    "name": "conda-env-ml-py",
                },
                language_info={"name": "python", "version": "2.7.18"},
            )
        )
    ),
    "a kernel of another language": Fault(
        document(
            lambda found: found["metadata"].update(
                kernelspec={"display_name": "R", "language": "R", "name": "ir"}, language_info={"name": "R"}
            )
        )
    ),
    "no metadata of the notebook": Fault(document(lambda found: found.pop("metadata"))),
    "a picture pasted into an answer": Fault(
        document(_pasted), told="question-why holds a pasted picture that is"
    ),
}
