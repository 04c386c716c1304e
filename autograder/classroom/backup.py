"""`autograder backup`: what a course cannot make anew, in one zip."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import make_url

from autograder.bridge.settings import gradebook_url
from autograder.engine.secret import NAME as SECRET

FILES = (SECRET, "extensions.csv", "nbgrader_config.py")
FOLDERS = ("submitted", "records")


class BackupError(ValueError):
    """Nothing was written, for the reason in the message."""


def write_backup(target: Path, path: Path) -> list[str]:
    """Write gradebook, secret, extensions, submissions and records of the course at `target` into a new zip.

    The gradebook is copied as of one moment, also while others write to it. Returns a line for each part."""
    if path.exists():
        raise BackupError(f"{path} exists already, and a backup replaces none: name another file with --out.")
    if not (target / SECRET).exists():
        raise BackupError(f"There is no {SECRET} in {target}: nothing was graded there.")
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    # It holds the secret and everybody's marks: for its owner alone.
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        told = [*_files(target, archive), _gradebook(target, archive)]
    fresh.replace(path)
    return told


def _files(target: Path, archive: zipfile.ZipFile) -> Iterator[str]:
    for name in FILES:
        if (target / name).is_file():
            archive.write(target / name, name)
            yield name
    for folder in FOLDERS:
        paths = sorted(p for p in (target / folder).rglob("*") if p.is_file() and not p.is_symlink())
        for path in paths:
            info = zipfile.ZipInfo.from_file(path, path.relative_to(target), strict_timestamps=False)
            archive.writestr(info, path.read_bytes(), zipfile.ZIP_DEFLATED)
        yield f"{folder}: {len(paths)} files"


def _gradebook(target: Path, archive: zipfile.ZipFile) -> str:
    url = make_url(gradebook_url(target))
    if url.get_backend_name() != "sqlite":
        return f"not the gradebook, which is in {url.get_backend_name()}: use pg_dump for it"
    file = Path(url.database or "")
    if not file.exists():
        return "no gradebook yet"
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / file.name
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as into:
            source.backup(into)
        archive.write(copy, file.name)
    return file.name
