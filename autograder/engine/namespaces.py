"""The namespaces layer: own users, network, IPC, host name, mounts and processes; on some systems only."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from .syscalls import call

LAYERS = {"net": 0x40000000, "ipc": 0x08000000, "uts": 0x04000000, "mount": 0x00020000}
USER, PROCESSES = 0x10000000, 0x20000000
ALL = frozenset({"user", *LAYERS, "root", "pid"})

# <linux/mount.h>
NO_SETUID_NO_DEVICES_NO_PROGRAMS = 0xE
BIND, RECURSIVE, PRIVATE = 0x1000, 0x4000, 0x40000
READ_ONLY_NO_SETUID = 0x3
DETACH = 2
HERE, RECURSIVELY = -100, 0x8000  # AT_FDCWD, AT_RECURSIVE

STAGE = Path("/sys")  # any folder that exists everywhere and that nobody needs: the new tree is built over it


def isolate(readable: Iterable[str], scratch: str | None = None) -> set[str]:
    """Enter new namespaces and return the layers obtained; never raises.

    Call it once in a process with one thread that has imported what it needs. The file tree becomes
    `readable`, read-only, `scratch`, writable (layer "root"), and /proc, for `lock_down`.

    It may return in another process, the first one of its namespace (layer "pid"): when that one ends, the
    kernel ends all others in it. The caller's process waits for it and ends as it does.
    """
    obtained = {"user"} if _enter_user() else set()
    for name, flag in LAYERS.items():
        if _succeeds("unshare", flag):
            obtained.add(name)
    alone = _succeeds("unshare", PROCESSES)
    if alone:
        _go_on_as_the_first()
    if "mount" in obtained and not _succeeds("mount", None, b"/", None, RECURSIVE | PRIVATE, None):
        obtained.discard("mount")
    if "mount" in obtained:
        with suppress(OSError):
            obtained |= _change_root(tuple(readable), scratch, alone)
    return obtained


def bound(folder: str, size: int, files: int) -> bool:
    """Make `folder` a file system of its own that holds so many bytes and files; what is in it stays.

    For a process that has the layer "root" from `isolate`. Files that are deleted while they are open count
    there, too. Where it cannot be made, the folder stays as it is."""
    kept = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    options = f"mode=700,size={size},nr_inodes={files}".encode()
    made = _succeeds(
        "mount", b"scratch", os.fsencode(folder), b"tmpfs", NO_SETUID_NO_DEVICES_NO_PROGRAMS, options
    )
    for name, content in kept.items() if made else ():
        Path(folder, name).write_bytes(content)
    return made


def unbound(folder: str) -> None:
    """Undo `bound`: what was written there is gone."""
    _succeeds("umount2", os.fsencode(folder), DETACH)


def _go_on_as_the_first() -> None:
    """Only a process that is born in the namespace is in it."""
    first = os.fork()
    if first:
        _, status = os.waitpid(first, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    call("prctl", 1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG: end with the one that waits


def _succeeds(name: str, *arguments: int | bytes | None) -> bool:
    try:
        call(name, *arguments)
    except OSError:
        return False
    return True


def _enter_user() -> bool:
    """A user namespace in which we are who we were."""
    user, group = os.geteuid(), os.getegid()
    if not _succeeds("unshare", USER):
        return False
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    except OSError:
        return False
    return True


def _change_root(readable: tuple[str, ...], scratch: str | None, alone: bool) -> set[str]:
    """The layers that the new tree gives: processes are out of sight only where /proc can be made anew."""
    call("mount", b"none", bytes(STAGE), b"tmpfs", 0, b"mode=755,size=4m")
    for path in _outermost(readable):
        _bind(path)
    _make("/proc")
    fresh = alone and _succeeds(
        "mount", b"proc", bytes(_staged("/proc")), b"proc", NO_SETUID_NO_DEVICES_NO_PROGRAMS, None
    )
    if not fresh:
        _bind("/proc")
    attributes = READ_ONLY_NO_SETUID.to_bytes(8, "little") + bytes(24)
    if scratch is not None:
        _make(scratch)
    call("mount_setattr", HERE, bytes(STAGE), RECURSIVELY, attributes, len(attributes))
    if scratch is not None:
        _bind(scratch)
    os.chdir(STAGE)
    call("pivot_root", b".", b".")  # the old root now lies over the new one
    call("umount2", b".", DETACH)
    os.chdir("/")
    return {"root", "pid"} if fresh else {"root"}


def _outermost(paths: Iterable[str]) -> list[str]:
    """Without those that lie in another one."""
    kept: list[Path] = []
    for path in sorted(map(Path, paths), key=lambda p: p.parts):  # a folder comes right before what is in it
        if not kept or not path.is_relative_to(kept[-1]):
            kept.append(path)
    return [str(path) for path in kept]


def _staged(path: str) -> Path:
    return STAGE / Path(path).relative_to("/")


def _make(path: str) -> None:
    """An empty file or folder in the new tree for the real one to be bound over."""
    target = _staged(path)
    if Path(path).is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()


def _bind(path: str) -> None:
    if not _staged(path).exists():
        _make(path)
    call("mount", os.fsencode(path), bytes(_staged(path)), None, BIND | RECURSIVE, None)
