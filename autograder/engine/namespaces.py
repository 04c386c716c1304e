"""The namespaces layer: own users, network, IPC, host name and mounts; available on some systems only."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from .syscalls import call

LAYERS = {"net": 0x40000000, "ipc": 0x08000000, "uts": 0x04000000, "mount": 0x00020000}
USER = 0x10000000
ALL = frozenset({"user", *LAYERS, "root", "pid"})  # "pid" is not built yet: no machine reaches level A

# <linux/mount.h>
BIND, RECURSIVE, PRIVATE = 0x1000, 0x4000, 0x40000
READ_ONLY_NO_SETUID = 0x3
DETACH = 2
HERE, RECURSIVELY = -100, 0x8000  # AT_FDCWD, AT_RECURSIVE

STAGE = Path("/sys")  # any folder that exists everywhere and that nobody needs: the new tree is built over it


def isolate(readable: Iterable[str] = (), scratch: str | None = None) -> set[str]:
    """Enter new namespaces and return the layers obtained; never raises.

    Call it once in a process with one thread that has imported what it needs. With `readable`, the file tree
    becomes these paths, read-only, and `scratch`, writable (layer "root"); /proc stays for `lock_down`.
    """
    obtained = {"user"} if _enter_user() else set()
    for name, flag in LAYERS.items():
        if _succeeds("unshare", flag):
            obtained.add(name)
    if "mount" in obtained and not _succeeds("mount", None, b"/", None, RECURSIVE | PRIVATE, None):
        obtained.discard("mount")
    paths = tuple(readable)
    if "mount" in obtained and paths:
        try:
            _change_root(paths, scratch)
            obtained.add("root")
        except OSError:
            pass
    return obtained


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


def _change_root(readable: tuple[str, ...], scratch: str | None) -> None:
    call("mount", b"none", bytes(STAGE), b"tmpfs", 0, b"mode=755,size=4m")
    bound: list[str] = []
    for path in sorted((*readable, "/proc")):
        if not any(Path(path).is_relative_to(other) for other in bound):
            _bind(path)
            bound.append(path)
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
