"""The zip with all submissions that Moodle or Canvas lets a teacher download: whose file is which.

Moodle ("Download all submissions"): `Full Name_NUMBER_assignsubmission_file_/FILE`, or without the slash
where folders are switched off; the group may stand before the name, as `Group-Full Name`. NUMBER is the
participant's number in this assignment, which the grading worksheet lists as Identifier. Canvas ("Download
Submissions"): `lovelaceada_LATE_USER_ATTACHMENT_FILE`, LATE only for late work; a file handed in again is
FILE-1.

Nothing in such a file is trusted: names and sizes are what students, or anybody, wrote into it. What comes
first in a name is the LMS's, all behind it the student's."""

from __future__ import annotations

import io
import lzma
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

MAX_ENTRIES = 100_000
MAX_FILE = 32 << 20  # as for grading
MAX_STUDENT = 128 << 20
MAX_FILES = 500
MOODLE = re.compile(r"(?P<who>[^/]+?)_(?P<id>\d+)_assignsubmission_(?P<kind>[a-z]+)_?/?(?P<file>.*)")
CANVAS = re.compile(r"(?P<who>[^/_]+)_(?P<late>LATE_)?(?P<id>\d+)_(?P<number>\d+)_(?P<file>[^/]+)")
BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError),
    *(RuntimeError, NotImplementedError, ValueError),
)
NOBODYS = ("__MACOSX", ".ipynb_checkpoints", ".DS_Store", "Thumbs.db", "desktop.ini")


class ZipError(ValueError):
    """The file as a whole cannot be collected from; the message says why."""


@dataclass
class HandedIn:
    """One student's files, as the zip has them. who: the name in it; id: the LMS's number."""

    who: str
    id: str
    late: bool = False
    files: dict[str, bytes] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)


@dataclass
class _Entry:
    info: zipfile.ZipInfo
    file: str
    number: int


def read_zip(path: Path, lms: str) -> Iterator[HandedIn]:
    """What each student handed in, in alphabetical order; a last one without a name has what is nobody's."""
    try:
        archive = zipfile.ZipFile(path)
    except BROKEN as error:
        raise ZipError(
            f"{path.name} is not a zip file that can be read ({error}): download it again."
        ) from None
    with archive:
        entries = archive.infolist()
        if len(entries) > MAX_ENTRIES:
            raise ZipError(f"{path.name} lists {len(entries):,} files; at most {MAX_ENTRIES:,} are read.")
        found, strangers = _by_student(entries, MOODLE if lms == "moodle" else CANVAS)
        if not found:
            raise ZipError(
                f"No name in {path.name} looks like a submission from {lms.capitalize()} "
                f"({', '.join(strangers[:2]) or 'it is empty'}): is --from right?"
            )
        for student, own in sorted(found.values(), key=lambda pair: (pair[0].who, pair[0].id)):
            _Budget(student).read(archive, own)
            yield student
    if strangers:
        yield HandedIn("", "", troubles=[f"{name}: nobody's, by its name" for name in strangers])


def _by_student(
    entries: list[zipfile.ZipInfo], pattern: re.Pattern[str]
) -> tuple[dict[str, tuple[HandedIn, list[_Entry]]], list[str]]:
    """By student, and the names that are nobody's."""
    found: dict[str, tuple[HandedIn, list[_Entry]]] = {}
    strangers = []
    for info in entries:
        name = info.filename.replace("\\", "/")
        match = pattern.fullmatch(name)
        if info.is_dir() or any(part in NOBODYS for part in name.split("/")):
            continue
        if match is None:
            strangers.append(_shown(name))
            continue
        told = match.groupdict()
        student, own = found.setdefault(told["id"], (HandedIn(_shown(told["who"]), told["id"]), []))
        student.late |= bool(told.get("late"))
        if told.get("kind", "file") != "file":
            student.troubles.append(f"{told['kind']}: what was typed into Moodle is not collected")
        else:
            own.append(_Entry(info, told["file"], int(told.get("number") or 0)))
    return found, strangers


class _Budget:
    """Reads one student's entries, within bounds for all of them together."""

    def __init__(self, student: HandedIn):
        self._student = student
        self._left = MAX_STUDENT

    def read(self, archive: zipfile.ZipFile, entries: list[_Entry], inside: str = "") -> None:
        """The latest of two files of one name comes first, and counts."""
        for entry in sorted(entries, key=lambda e: (-e.number, e.file)):
            name = f"{inside}{entry.file}"
            try:
                self._take(archive, entry.info, name, nested=bool(inside))
            except _Refused as why:
                self._student.troubles.append(f"{_shown(name)}: {why}")

    def _take(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, nested: bool) -> None:
        target = safe_path(name)
        data = self._content(archive, info)
        if target.lower().endswith(".zip") and not nested:
            self._unpack(data, target)
        elif target.casefold() in {known.casefold() for known in self._student.files}:
            raise _Refused("there is a later file of this name")
        elif len(self._student.files) >= MAX_FILES:
            raise _Refused(f"more than {MAX_FILES} files")
        else:
            self._student.files[target] = data

    def _unpack(self, data: bytes, name: str) -> None:
        try:
            inner = zipfile.ZipFile(io.BytesIO(data))
        except BROKEN as error:
            raise _Refused(f"a zip that cannot be read ({error})") from None
        with inner:
            infos = [i for i in inner.infolist() if not i.is_dir()]
            if len(infos) > MAX_FILES:
                raise _Refused(f"a zip with more than {MAX_FILES} files")
            wanted = [i for i in infos if not any(p in NOBODYS for p in i.filename.split("/"))]
            entries = [_Entry(i, i.filename.replace("\\", "/"), 0) for i in wanted]
            self.read(inner, entries, f"{name.removesuffix('.zip')}/")

    def _content(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
        """At most what is allowed is unpacked, whatever the zip says about its size."""
        if stat.S_ISLNK(info.external_attr >> 16):
            raise _Refused("a link, not a file")
        most = min(MAX_FILE, self._left)
        try:
            if info.file_size <= most:
                with archive.open(info) as file:
                    data = file.read(most + 1)
            if info.file_size > most or len(data) > most:
                raise _Refused(f"larger than {MAX_FILE >> 20} MB, or than {MAX_STUDENT >> 20} MB in all")
        except BROKEN as error:
            if isinstance(error, _Refused):
                raise
            raise _Refused(f"cannot be unpacked ({error})") from None
        self._left -= len(data)
        return data


class _Refused(ValueError):
    """Why one file is left out."""


def safe_path(name: str) -> str:
    """The name as a path that stays in its folder on every system; refuses what tries to leave it."""
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", name):
        raise _Refused("a path that leads out of its folder")
    clean = [_part(part) for part in parts]
    if not clean or len(clean) > 6:
        raise _Refused("nested too deeply" if clean else "without a name")
    if clean[-1].casefold() == "timestamp.txt":
        raise _Refused("the time of handing in is not the student's to say")
    return "/".join(clean)


def _part(part: str) -> str:
    """Without characters that some system forbids, never hidden, at most as long as systems allow."""
    text = re.sub(r'[<>:"|?*\\]', "_", "".join(c for c in part if c.isprintable()))
    text = text.strip(" .") if set(text) - {" ", "."} else ""
    stem, dot, suffix = text.rpartition(".")
    while len(text.encode()) > 200:
        stem = stem[:-1]
        text = f"{stem}{dot}{suffix[:20]}"
        if not stem:
            break
    if not text:
        raise _Refused("a name without a letter")
    return text


def _shown(name: str) -> str:
    """For a terminal: no control characters, not too long."""
    return "".join(c if c.isprintable() else "?" for c in name)[:120]
