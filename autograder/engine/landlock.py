"""The Landlock layer: which files may be read and which folder written, whoever owns them."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from .syscalls import SandboxError, call

LAYER = "Landlock"

# <linux/landlock.h>
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << bit for bit in range(6))
MAKE_DIR, MAKE_REG, REFER, TRUNCATE = 1 << 7, 1 << 8, 1 << 13, 1 << 14
SCRATCH = (
    WRITE_FILE | READ_FILE | READ_DIR | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER | TRUNCATE
)
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
KNOWN_BITS = {1: 13, 2: 14, 3: 15, 4: 15}  # rights by version of the interface; 16 since version 5


def version() -> int:
    """The kernel's Landlock interface; 0 where there is none."""
    try:
        return call("landlock_create_ruleset", None, 0, 1)
    except OSError:
        return 0


def _ruleset(abi: int) -> tuple[int, int]:
    """A ruleset that handles everything the kernel knows, and the mask of its file rights."""
    files = (1 << KNOWN_BITS.get(abi, 16)) - 1
    network, scopes = 0b11, 0b11  # TCP bind and connect; abstract sockets and signals
    fields = (files,) if abi < 4 else (files, network) if abi < 6 else (files, network, scopes)
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    return call("landlock_create_ruleset", attributes, len(attributes), 0), files


def _allow(ruleset: int, path: str, rights: int) -> None:
    target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(target).st_mode):
            rights &= ON_FILES
        call("landlock_add_rule", ruleset, 1, struct.pack("=Qi", rights, target), 0)
    finally:
        os.close(target)


def _rules(
    readable: Iterable[str], listable: Iterable[str], scratch: str | None
) -> Iterable[tuple[str, int]]:
    for path in readable:
        yield path, READ_FILE | READ_DIR | (WRITE_FILE if path == os.devnull else 0)
    for path in listable:
        yield path, READ_DIR
    if scratch is not None:
        yield scratch, SCRATCH


def condensed(readable: Iterable[str]) -> tuple[str, ...]:
    """The same files by fewer rules: a folder stands for its entries where all of them are readable.

    Each child makes its rules anew. In a file tree that holds little else, a few folders are enough."""
    found = {Path(path) for path in readable}
    folders = {folder for path in found for folder in path.parents}
    for folder in sorted(folders, key=lambda f: len(f.parts), reverse=True):
        with suppress(OSError):
            entries = set(folder.iterdir())
            if entries and entries <= found:
                found = (found - entries) | {folder}
    return tuple(sorted({os.devnull, *map(str, found)}))  # which may be written, too


def apply(readable: Iterable[str], listable: Iterable[str], scratch: str | None) -> None:
    """Confine the calling thread to these paths, for ever; nothing may be executed."""
    abi = version()
    if abi < 1:
        raise SandboxError(
            LAYER, "this kernel does not offer it (Linux 5.13 or later, with Landlock enabled)"
        )
    try:
        ruleset, known = _ruleset(abi)
        try:
            for path, rights in _rules(readable, listable, scratch):
                _allow(ruleset, path, rights & known)
            call("landlock_restrict_self", ruleset, 0)
        finally:
            os.close(ruleset)
    except OSError as error:
        raise SandboxError(LAYER, f"{error.strerror} ({error.filename})") from error
