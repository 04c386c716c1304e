"""What a result depends on, as digests: while they are equal, grading again would find the same."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from autograder.authoring.unit import Unit
from autograder.engine.beside import is_read
from autograder.engine.reading import MAX_FILE, MAX_FILES, submitted_files
from autograder.engine.secret import course_secret
from autograder.engine.versions import versions

Fingerprint = dict[str, str]


class Fingerprints:
    """Fingerprints of the submissions to `unit`, as the course at `root` grades them now at this level.

    Each has four parts: "submission", "release" (the unit with all that is never released, and which secret
    the hidden inputs come from), "engine" (its code and libraries) and "sandbox" (the level)."""

    def __init__(self, unit: Unit, root: Path, sandbox: str):
        self._shared = {"release": release_digest(unit, root), "engine": engine_digest(), "sandbox": sandbox}

    def of(self, folder: Path) -> Fingerprint:
        return {"submission": submission_digest(folder), **self._shared}


def same_work(one: Fingerprint, other: Fingerprint) -> bool:
    """Did the student hand in the same both times?"""
    return one["submission"] == other["submission"]


def submission_digest(folder: Path) -> str:
    """Of what grading reads in the folder: the names of its files, notebooks, modules and timestamp.txt."""
    digest = hashlib.sha256()
    for part in _submission(folder):
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def _submission(folder: Path) -> Iterator[bytes]:
    yield str([folder.is_symlink(), folder.parent.is_symlink(), os.access(folder, os.R_OK)]).encode()
    for path in islice(submitted_files(folder), MAX_FILES):
        yield os.fsencode(path.relative_to(folder))
        if is_read(path) or path.name == "timestamp.txt":
            yield _content(path)


def _content(path: Path) -> bytes:
    """What is in the file; what it is instead of a file that grading reads."""
    try:
        if path.is_symlink() or not path.is_file():
            return b"no regular file"
        size = path.stat().st_size
        return path.read_bytes() if size <= MAX_FILE else b"%d bytes" % size
    except OSError as error:
        return str(error.strerror).encode()


def release_digest(unit: Unit, root: Path) -> str:
    """Of the unit with its solutions, checks and mistakes, the released cases, and the secret's name."""
    digest = hashlib.sha256(json.dumps(unit.to_json(), sort_keys=True).encode())
    for path in sorted((root / "exercises" / unit.slug / "checks").glob("*.*")):
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    digest.update(secret_name(course_secret(root)))
    return digest.hexdigest()


def secret_name(secret: bytes) -> bytes:
    """Tells two secrets apart and gives neither away."""
    return hashlib.sha256(b"the name of the course's secret\0" + secret).digest()


def engine_digest() -> str:
    """Of the code that grades, and of the versions of the libraries that it runs on."""
    return hashlib.sha256(json.dumps(versions(), sort_keys=True).encode()).hexdigest()
