"""What goes wrong with files: on the way to Jupyter, in a download, in an upload, in a folder."""

from __future__ import annotations

import io
import json

import numpy as np

from autograder.authoring.unit import Limits
from tests.conftest import SLUG
from tests.faults.fault import (
    FILE,
    Document,
    Fault,
    Files,
    answer,
    both,
    data,
    document,
    names,
    own,
    rejected,
)


def _format_3(found: Document) -> None:
    """As `jupyter nbconvert --to notebook --nbformat 3` writes it."""
    for cell in found["cells"]:
        del cell["id"]
        if cell["cell_type"] == "code":
            cell |= {"input": cell.pop("source"), "language": "python", "collapsed": False}
    found["worksheets"] = [{"cells": found.pop("cells"), "metadata": {}}]
    found |= {"nbformat": 3, "nbformat_minor": 0}


def _format_4(minor: int) -> Fault:
    def older(found: Document) -> None:
        found["nbformat_minor"] = minor
        for cell in found["cells"]:
            del cell["id"]

    return Fault(document(older))


def _with_a_module(files: Files) -> Files:
    """A helper that the notebook imports was handed in beside it, and a file that no notebook can import."""
    helped = both(
        own("from helpers import times\n"), answer("secret_product = x * a", "secret_product = times(x, a)")
    )
    return helped(files) | {"helpers.py": b"def times(x, a):\n    return x * a\n", "my notes.py": b"1/0"}


def _with_arrays(files: Files) -> Files:
    """The answer reads a number from a file that was handed in beside the notebook."""
    factor = io.BytesIO()
    np.savez(factor, one=np.ones(()))
    loaded = answer("secret_product = x * a", 'secret_product = x * a * np.load("factor.npz")["one"]')
    return loaded(files) | {"factor.npz": factor.getvalue()}


def _with_too_large_arrays(files: Files) -> Files:
    return files | {"weights.safetensors": bytes(Limits.array_bytes + 1)}


def _without_key(name: str) -> Fault:
    def spoil(files: Files) -> Files:
        found = json.loads(files[FILE])
        del found["metadata"]
        return {name: json.dumps(found).encode()}

    return Fault(spoil, told=name)


def _conflict(notebook: bytes) -> bytes:
    lines = notebook.splitlines()
    return b"\n".join(
        [*lines[:20], b"<<<<<<< HEAD", *lines[20:22], b"=======", b">>>>>>> theirs", *lines[22:]]
    )


def _beside(**others: bytes) -> Fault:
    return Fault(lambda files: {FILE: files[FILE]} | others)


wrong = answer("x * a", "x + a")

IN_FILES = {
    "name: Юлия Ким-Øster'd, 李 小龙 🙂 <b>": Fault(lambda files: files),
    "a module beside the notebook": Fault(_with_a_module, told="code of helpers.py"),
    "arrays beside the notebook": Fault(_with_arrays),
    "arrays that are too large": Fault(_with_too_large_arrays, told="weights.safetensors was left out"),
    "half a file": rejected(data(lambda notebook: notebook[: len(notebook) // 2]), "not valid JSON"),
    "an empty file": rejected(data(lambda _: b""), f"{FILE} is empty"),
    "a file of zeros": rejected(data(lambda notebook: bytes(len(notebook))), f"{FILE} is empty"),
    "a web page": rejected(data(lambda _: b"\n<!DOCTYPE html><html>Log in</html>"), "is a web page"),
    "a zip archive": rejected(data(lambda _: b"PK\x03\x04" + bytes(40)), "is a zip archive"),
    "a PDF": rejected(data(lambda _: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3"), "is a PDF"),
    "JSON, but no notebook": rejected(data(lambda _: b'{"scale": 3}'), "no list of cells"),
    "marks of a git conflict": rejected(data(_conflict), "git"),
    "two notebooks in one file": rejected(data(lambda notebook: 2 * notebook), "not valid JSON"),
    "a byte order mark": Fault(data(lambda notebook: b"\xef\xbb\xbf" + notebook)),
    "UTF-16": Fault(data(lambda notebook: notebook.decode().encode("utf-16"))),
    "UTF-16 without a mark": Fault(data(lambda notebook: notebook.decode().encode("utf-16-le"))),
    "latin-1": Fault(data(lambda notebook: notebook.replace(b"Multiply", b"Multipli\xe9"))),
    "a real line break in a text": Fault(
        data(lambda notebook: notebook.replace(b"mu = x.mean(axis=0)\\n", b"mu = x.mean(axis=0)\n"))
    ),
    "CRLF in the file": Fault(data(lambda notebook: notebook.replace(b"\n", b"\r\n"))),
    "a number that is not finite": Fault(document(lambda found: found["metadata"].update(loss=float("nan")))),
    "format 3": Fault(document(_format_3)),
    **{f"format 4.{minor} without ids": _format_4(minor) for minor in range(6)},
    "a format that is not out yet": Fault(document(lambda found: found.update(nbformat=5))),
    "no format": Fault(document(lambda found: [found.pop(k) for k in ("nbformat", "nbformat_minor")])),
    "no notebook": rejected(
        lambda _: {"tiny_numpy.py": b"", "notes.pdf": b""}, "holds notes.pdf, tiny_numpy.py"
    ),
    "nothing at all": rejected(lambda _: {}, "is missing: the folder is empty"),
    "renamed": Fault(names("hand in.ipynb"), told="hand in.ipynb"),
    "renamed with non-Latin letters": Fault(
        names("Домашняя работа 最终版.ipynb"), told="Домашняя работа 最终版.ipynb"
    ),
    "renamed, its metadata lost": _without_key("final.ipynb"),
    "downloaded as text": Fault(names(f"{FILE}.txt"), told=f"{FILE}.txt"),
    "in capitals": Fault(names(FILE.upper()), told=FILE.upper()),
    "a second copy beside": Fault(
        lambda files: {FILE: files[FILE], "tiny_numpy (1).ipynb": wrong(files)[FILE]},
        told="tiny_numpy (1).ipynb was not graded",
    ),
    "numbered copies only": Fault(
        lambda files: {
            f"tiny_numpy ({n}).ipynb": (files if n == 10 else wrong(files))[FILE] for n in (1, 2, 10)
        },
        told="tiny_numpy (10).ipynb",
    ),
    "a whole copy beside half a file": Fault(
        lambda files: {FILE: files[FILE][:99], "tiny_numpy (1).ipynb": files[FILE]},
        told="tiny_numpy (1).ipynb",
    ),
    "in a folder in the folder": Fault(names(f"{SLUG}/my work/{FILE}"), told=f"{SLUG}/my work/{FILE}"),
    "with Jupyter's checkpoints": Fault(
        lambda files: {FILE: files[FILE], f".ipynb_checkpoints/{FILE}": wrong(files)[FILE]}
    ),
    "only what macOS packs along": rejected(names(f"__MACOSX/._{FILE}", f"._{FILE}"), "is missing"),
    "a notebook of another unit": Fault(
        document(
            lambda found: (
                found["metadata"]["autograder"].update(key="76-other/other"),
                found.update(cells=[]),
            )
        ),
        dict.fromkeys(("scale", "center", "scale_centered", "test_scale"), 0.0),
        "76-other/other",
    ),
    "a time stamp of words": _beside(**{"timestamp.txt": b"yesterday, I think"}),
    "a time stamp in UTF-16": _beside(**{"timestamp.txt": "2026-11-21 10:00:00".encode("utf-16")}),
    "a time stamp of year 99999": _beside(**{"timestamp.txt": b"99999-01-01 00:00:00 UTC"}),
    "an empty time stamp": _beside(**{"timestamp.txt": b""}),
    "much output that was saved": Fault(
        both(
            own("1"),
            document(
                lambda found: found["cells"][0].update(
                    outputs=[{"output_type": "stream", "text": ["0\n"] * 300_000}]
                )
            ),
        )
    ),
}
