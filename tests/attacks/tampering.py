"""Changing what is graded, where it is kept, or whose it is."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

from tests.attacks.attack import NOWHERE, STOCK, Attack, Document, Target, cell, code_cell

GROUP = "tampering"
NAME = "tiny_numpy.ipynb"
RIGHT = {"scale": "def scale(x, a):\n    return x * a\n"}


def spoils(name: str, gains: str, spoil, tells: str = "", works: str = STOCK, **options) -> Attack:
    return Attack(GROUP, name, gains, spoil=spoil, tells=tells, works=works, **options)


def touches(name: str, gains: str, source: str) -> Attack:
    cell = "import os\nbook = course + '/gradebook.db'\n" + source
    return Attack(GROUP, name, gains, (cell,), tells="PermissionError|FileNotFoundError|OSError")


def _nbgrader(document: Document, id: str) -> Document:
    return cell(document, id)["metadata"]["nbgrader"]


def _more_points(document: Document) -> None:
    _nbgrader(document, "check-scale")["points"] = 1000


def _own_check(document: Document) -> None:
    bonus = {
        "grade": True,
        "grade_id": "bonus",
        "points": 50,
        "locked": True,
        "solution": False,
        "schema_version": 3,
    }
    document["cells"].append(code_cell("pass") | {"id": "bonus", "metadata": {"nbgrader": bonus}})


def _swap_ids(document: Document) -> None:
    """The check of an exercise that is solved stands for all others."""
    for id in ("check-center", "check-scale_centered", "check-test_scale"):
        points = _nbgrader(document, id)["points"]
        found = cell(document, id)
        copy = json.loads(json.dumps(cell(document, "check-scale")))
        found.update(source=copy["source"], metadata=copy["metadata"])
        found["metadata"]["nbgrader"].update(points=points, grade_id=f"{id}-too")


def _markdown_checks(document: Document) -> None:
    for found in document["cells"]:
        if found.get("id", "").startswith("check-"):
            found["cell_type"] = "markdown"


def _skipped_checks(document: Document) -> None:
    for found in document["cells"]:
        found["metadata"]["tags"] = ["skip-execution"]


def _no_checks(document: Document) -> None:
    document["cells"] = [c for c in document["cells"] if not c.get("id", "").startswith("check-")]


def _twice(document: Document) -> None:
    document["cells"].append(json.loads(json.dumps(cell(document, "check-scale"))))


def _upside_down(document: Document) -> None:
    document["cells"].reverse()


def _other_schema(document: Document) -> None:
    for found in document["cells"]:
        if "nbgrader" in found["metadata"]:
            found["metadata"]["nbgrader"]["schema_version"] = 99


def _odd_metadata(document: Document) -> None:
    for number, found in enumerate(document["cells"]):
        found["metadata"] = [None, [], "text", {"nbgrader": []}, {"nbgrader": {"grade_id": [number]}}][
            number % 5
        ]
        found["id"] = [number]


def _key_outside(document: Document) -> None:
    document["metadata"]["autograder"]["key"] = "../../../../etc/passwd"


def _neighbour(target: Target) -> Path:
    return Path(target.course) / "submitted" / "honest-0" / "77-tiny"


def _linked_file(folder: Path, _: str, target: Target) -> None:
    folder.mkdir(parents=True)
    (folder / NAME).symlink_to(_neighbour(target) / NAME)


def _linked_folder(folder: Path, _: str, target: Target) -> None:
    folder.parent.mkdir(parents=True)
    folder.symlink_to(_neighbour(target))


def _linked_device(folder: Path, *_: object) -> None:
    folder.mkdir(parents=True)
    (folder / NAME).symlink_to("/dev/zero")


def _pipe(folder: Path, *_: object) -> None:
    folder.mkdir(parents=True)
    os.mkfifo(folder / NAME)


def _data(make):
    def hand_in(folder: Path, text: str, _: Target) -> None:
        folder.mkdir(parents=True)
        (folder / NAME).write_bytes(make(text))

    return hand_in


def _zip_slip(_: str) -> bytes:
    with zipfile.ZipFile(data := io.BytesIO(), "w") as archive:
        for up in range(1, 6):
            archive.writestr("../" * up + "planted", "x")
        archive.writestr("/planted", "x")
    return data.getvalue()


def _zip_bomb(_: str) -> bytes:
    with zipfile.ZipFile(data := io.BytesIO(), "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(NAME, bytes(200 << 20))
    return data.getvalue()


def _with_modules(folder: Path, text: str, _: Target) -> None:
    """Files that Python prefers to the installed ones where the notebook's folder comes first."""
    folder.mkdir(parents=True)
    (folder / NAME).write_text(text)
    for name in ("numpy", "autograder", "sitecustomize", "usercustomize", "statistics"):
        (folder / f"{name}.py").write_text("print('GAI' + 'NED')\n")
    (folder / ".ipython").mkdir()
    (folder / "ipython_config.py").write_text("print('GAI' + 'NED')\n")


ATTACKS = [
    spoils(
        "points",
        "a thousand points for one exercise",
        _more_points,
        answers=RIGHT,
        points=3,
        tells='"max_points": 10',
    ),
    spoils("a check of one's own", "fifty points", _own_check, tells='"max_points": 10'),
    spoils(
        "ids of checks",
        "the points of all exercises for one",
        _swap_ids,
        answers=RIGHT,
        points=3,
        tells="not attempted",
    ),
    spoils(
        "checks as text", "checks that do not run, and so never fail", _markdown_checks, tells="not attempted"
    ),
    spoils(
        "checks that are skipped",
        "checks that do not run, and so never fail",
        _skipped_checks,
        tells="not attempted",
    ),
    spoils(
        "checks deleted",
        "exercises that nobody asks for",
        _no_checks,
        tells='"max_points": 10',
        works=NOWHERE,
    ),
    spoils(
        "cells twice",
        "the end of the batch",
        _twice,
        answers=RIGHT,
        points=3,
        tells="check-scale is there twice",
    ),
    spoils(
        "cells upside down", "checks before the answers", _upside_down, answers=RIGHT, points=3, works=NOWHERE
    ),
    spoils("another schema", "the end of the batch", _other_schema, answers=RIGHT, points=3, works=NOWHERE),
    spoils(
        "odd metadata",
        "an error in the grader",
        _odd_metadata,
        tells="not attempted",
        works=NOWHERE,
    ),
    spoils(
        "a key that leads outside",
        "a file that is not the student's",
        _key_outside,
        answers=RIGHT,
        points=3,
        works=NOWHERE,
    ),
    touches("marks in the gradebook", "full marks", "with open(book, 'r+b') as file: file.write(b'100')"),
    touches("an empty gradebook", "no marks for anybody", "os.truncate(book, 0)"),
    touches("a deleted gradebook", "no marks for anybody", "os.unlink(book)"),
    touches("the gradebook's mode", "a gradebook that others may write", "os.chmod(book, 0o646)"),
    touches("the gradebook's time", "a backup that passes it over", "os.utime(book, (0, 0))"),
    touches(
        "a hard link to the gradebook",
        "a second name, in a folder that may be written",
        "os.link(book, 'mine'); gained()",
    ),
    touches(
        "a symbolic link out",
        "a path that looks like one's own",
        "os.symlink(book, 'mine'); gained(open('mine').read())",
    ),
    touches("the gradebook moved", "no gradebook where it should be", "os.rename(book, outside + '/mine')"),
    touches(
        "a planted file",
        "code that the next reader of the folder runs",
        "open(course + '/sitecustomize.py', 'w').close()",
    ),
    touches(
        "a neighbour's notebook",
        "a rival's zero",
        "open(course + '/submitted/honest-0/77-tiny/tiny_numpy.ipynb', 'w').close()",
    ),
    touches(
        "an installed package",
        "code that everybody runs",
        "import numpy\nopen(numpy.__file__, 'r+').close()\ngained()",
    ),
    Attack(
        GROUP,
        "a link to a neighbour's notebook",
        "a neighbour's marks",
        hand_in=_linked_file,
        tells="not a regular file",
        works=STOCK,
    ),
    Attack(
        GROUP,
        "a link to a neighbour's folder",
        "a neighbour's marks",
        hand_in=_linked_folder,
        tells="The folder is a link",
        works=STOCK,
    ),
    Attack(
        GROUP,
        "a link to a device",
        "a grader that reads for ever",
        hand_in=_linked_device,
        tells="not a regular file",
        works=NOWHERE,
    ),
    Attack(
        GROUP,
        "a pipe",
        "a grader that waits for ever",
        hand_in=_pipe,
        tells="not a regular file",
        works=NOWHERE,
    ),
    Attack(
        GROUP,
        "an archive that climbs",
        "a file beside the grader's own",
        hand_in=_data(_zip_slip),
        tells="is a zip archive",
        works=NOWHERE,
    ),
    Attack(
        GROUP,
        "an archive that explodes",
        "the grader's memory",
        hand_in=_data(_zip_bomb),
        tells="is a zip archive",
        works=NOWHERE,
    ),
    Attack(
        GROUP,
        "a huge notebook",
        "the grader's memory",
        hand_in=_data(lambda _: b" " * (33 << 20)),
        tells="larger than 32 MB",
        works=NOWHERE,
    ),
    Attack(
        GROUP,
        "a notebook nested deeply",
        "the end of the batch",
        hand_in=_data(lambda _: b'{"cells": ' + b"[" * 200_000),
        tells="nested too deeply",
        works=NOWHERE,
    ),
    Attack(
        GROUP,
        "ten million objects",
        "the grader's memory",
        hand_in=_data(lambda _: b'{"cells": [' + b"{}," * (10 << 20) + b"{}]}"),
        tells="lists and objects",
        works=NOWHERE,
    ),
    Attack(
        GROUP,
        "a number without end",
        "the grader's time",
        hand_in=_data(lambda _: b'{"cells": ' + b"9" * (8 << 20) + b"}"),
        tells="not valid JSON",
        works=NOWHERE,
    ),
    Attack(
        GROUP,
        "ten thousand cells",
        "the grader's time",
        hand_in=_data(lambda _: json.dumps({"cells": [code_cell("1")] * 10_000}).encode()),
        tells="has 10000 cells",
        works=NOWHERE,
    ),
    Attack(
        GROUP,
        "modules beside the notebook",
        "code that the grader imports",
        hand_in=_with_modules,
        works=NOWHERE,
    ),
]
