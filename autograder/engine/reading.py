"""The notebooks of a submission: found under whatever name, read in whatever encoding."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from autograder.authoring.unit import Notebook
from autograder.engine.answers import strip_control

MAX_FILE = 32 << 20
MAX_CELLS = 2000
MAX_PIECES = 1_000_000  # lists and objects: in memory each takes thirty times its place in the file
MAX_FILES = 500  # that are looked at in one submission
TAKEN_FOR_NOTEBOOKS = {
    b"PK": "a zip archive",
    b"%PDF": "a PDF",
    b"<": "a web page",
    b"version ": "a link",
}
KEY = re.compile(r"""\bchecks\(\s*["']([\w-]+/\w+)["']""")

Cells = list[dict[str, Any]]


class Unreadable(ValueError):
    """The file cannot be read as a notebook; the message is for the student."""


def find_notebooks(folder: Path, wanted: list[Notebook]) -> tuple[dict[str, Cells], list[str]]:
    """The cells of each wanted notebook that `folder` holds, by name, and a sentence for each trouble.

    A renamed notebook is known by its metadata, or by the checks that it asks for."""
    if folder.is_symlink() or folder.parent.is_symlink():
        return {}, ["The folder is a link, which may lead to somebody else's work: hand in the files."]
    try:
        os.listdir(folder)
    except OSError as error:
        return {}, [f"The folder cannot be read ({error.strerror}): hand it in again."]
    pile = _Pile(folder)
    found = {notebook.name: pile.take(notebook) for notebook in wanted}
    return {name: cells for name, cells in found.items() if cells is not None}, pile.troubles


class _Pile:
    """The files of one submission, and what was found wrong with them."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.files = list(islice(submitted_files(folder), MAX_FILES))
        self.troubles: list[str] = []
        self._keys: dict[Path, str] = {}
        self._last: tuple[Path, Any] | None = None  # one at a time: in memory they are large

    def take(self, notebook: Notebook) -> Cells | None:
        """The cells of the notebook, from the file of its name, or else from the latest copy of it."""
        proper = self.folder / f"{notebook.name}.ipynb"
        why = "is missing"
        for path in self._candidates(notebook, proper):
            try:
                cells = document_cells(self._document(path), path.name)
            except Unreadable as error:
                self.troubles.append(str(error))
                why = "cannot be read"
                continue
            self._tell(notebook, proper, path, why)
            return cells
        if why == "is missing":
            self.troubles.append(f"{proper.name} is missing: {self._contents()}. Hand it in under that name.")
        return None

    def _candidates(self, notebook: Notebook, proper: Path) -> Iterator[Path]:
        """A file of the right name and another notebook's content comes last: two names may be swapped."""
        there = os.path.lexists(proper)
        right = there and self._key(proper) in ("", notebook.key)
        if right:
            yield proper
        others = [p for p in self.files if p != proper and ".ipynb" in p.name.lower()]
        others.sort(key=lambda p: (-len(p.parts), len(p.name), p.name), reverse=True)
        yield from (p for p in others if self._key(p) == notebook.key)
        if there and not right:
            yield proper

    def _tell(self, notebook: Notebook, proper: Path, path: Path, why: str) -> None:
        key = self._key(path)
        if key not in ("", notebook.key):
            self.troubles.append(
                f"{path.name} was made from {key}, not from {notebook.key}: hand in the right notebook."
            )
        elif path != proper:
            found = self._key(proper) if os.path.lexists(proper) else ""
            why = f"was made from {found}" if found else why
            self.troubles.append(
                f"{proper.name} {why}: {self._shown(path)}, which was made from {notebook.key}, "
                "is graded instead."
            )
        copy = (f"{notebook.name} (", f"{notebook.name}(", f"{notebook.name}-copy")
        others = (p for p in self.files if p not in (path, proper))
        copies = [self._shown(p) for p in others if p.name.lower().startswith(copy)]
        if copies:
            self.troubles.append(f"{', '.join(copies)} was not graded: {self._shown(path)} was.")

    def _document(self, path: Path) -> Any:
        if self._last is None or self._last[0] != path:
            self._last = None  # before the next one is read
            self._last = path, read_document(path)
        return self._last[1]

    def _key(self, path: Path) -> str:
        if path not in self._keys:
            try:
                self._keys[path] = made_from(self._document(path))
            except Unreadable:
                self._keys[path] = ""
        return self._keys[path]

    def _contents(self) -> str:
        names = [self._shown(p) for p in self.files]
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        return f"the folder holds {', '.join(names[:5])}{more}" if names else "the folder is empty"

    def _shown(self, path: Path) -> str:
        return strip_control(whole_text(path.relative_to(self.folder).as_posix()))


def made_from(document: Any) -> str:
    """Which released notebook it was made from: "02-batchnorm/batchnorm_numpy", or nothing."""
    try:
        return str(document["metadata"]["autograder"]["key"])
    except (KeyError, TypeError):
        asked = KEY.search(_code(document))
        return asked[1] if asked else ""


def submitted_files(folder: Path) -> Iterator[Path]:
    """The files of a folder and of the folders in it, without hidden ones and what macOS packs along."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith((".", "__MACOSX")))
        if len(Path(place).parts) - len(folder.parts) >= 4:
            folders.clear()
        yield from (Path(place, f) for f in sorted(files) if not f.startswith("."))


def read_document(path: Path) -> Any:
    """The JSON of a submitted file; Unreadable in words where that is impossible."""
    name = strip_control(whole_text(path.name))
    if path.is_symlink() or not path.is_file():
        raise Unreadable(f"{name} is not a regular file: hand in the notebook itself.")
    if path.stat().st_size > MAX_FILE:
        raise Unreadable(f"{name} is larger than {MAX_FILE >> 20} MB: clear its outputs, hand it in again.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{name} cannot be read ({error.strerror}): hand it in again.") from None
    start = data[:1000].lstrip()
    if not data.strip(b"\0 \t\r\n"):
        raise Unreadable(f"{name} is empty: save it again in Jupyter and hand it in.")
    for first, what in TAKEN_FOR_NOTEBOOKS.items():
        if start.startswith(first):
            raise Unreadable(f"{name} is {what}, not a notebook: hand in the .ipynb file that Jupyter saved.")
    return _parsed(_decoded(data), name)


def _decoded(data: bytes) -> str:
    try:
        return data.decode(json.detect_encoding(data))
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _parsed(text: str, name: str) -> Any:
    if text.count("{") + text.count("[") > MAX_PIECES:
        raise Unreadable(f"{name} has more than {MAX_PIECES:,} lists and objects: clear its outputs.")
    try:
        return json.loads(text, strict=False)
    except RecursionError:
        raise Unreadable(f"{name} is nested too deeply to be a notebook.") from None
    except ValueError as error:
        if re.search(r"^<<<<<<< ", text, re.MULTILINE):
            raise Unreadable(f"{name} holds both sides of a git conflict: resolve it.") from None
        raise Unreadable(f"{name} is not valid JSON ({str(error)[:80]}): save it again in Jupyter.") from None


def document_cells(document: Any, name: str) -> Cells:
    """The cells of a notebook of format 4, or of format 3, which kept them in worksheets."""
    cells = document.get("cells") if isinstance(document, dict) else None
    if isinstance(document, dict) and isinstance(document.get("worksheets"), list) and cells is None:
        sheets = [s.get("cells") for s in document["worksheets"] if isinstance(s, dict)]
        cells = [cell for sheet in sheets if isinstance(sheet, list) for cell in sheet]
    if not isinstance(cells, list):
        raise Unreadable(f"{name} is not a notebook: it has no list of cells. Hand in what Jupyter saved.")
    if len(cells) > MAX_CELLS:
        raise Unreadable(
            f"{name} has {len(cells)} cells, at most {MAX_CELLS} are read: delete those of your own."
        )
    return [c for c in cells if isinstance(c, dict)]


def _code(document: Any) -> str:
    try:
        return "\n".join(source_of(cell) for cell in document_cells(document, ""))
    except Unreadable:
        return ""


def source_of(cell: dict[str, Any]) -> str:
    """The text of a cell; lines end in a line feed."""
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(s for s in source if isinstance(s, str))
    if not isinstance(source, str):
        return ""
    return whole_text(source).replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def whole_text(text: str) -> str:
    """Half characters, which JSON and file names may hold and no file can, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
