"""What a notebook's process may do, and the layers that hold it to that.

Each layer is enough against some attacks and none against all: `breach` proves them together.
"""

from __future__ import annotations

import importlib.util
import os
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lab.photo_patches import SOURCES

from . import landlock, seccomp
from .syscalls import SandboxError, call, column

__all__ = ["Policy", "SandboxError", "default_listable", "default_readable", "lock_down"]

TORCH = ("torch", "functorch", "triton", "nvidia")  # first words of the folders that torch brings
COUNTED = 2_000_000_000  # a user that nobody is
PACKAGE_FOLDERS = ("site-packages", "dist-packages")
SYSTEM_FILES = (
    os.devnull,
    "/dev/urandom",
    "/etc/localtime",
    "/etc/fonts",
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/usr/share/zoneinfo",
)


def default_listable() -> tuple[str, ...]:
    """Folders whose names may be listed, which `import` does, but not all of whose files may be read."""
    packages = set(_package_folders())
    around = {folder for photograph in _photographs() for folder in photograph.parents}
    inside = {folder for folder in around if packages & set(folder.parents)}
    return tuple(sorted(str(folder) for folder in {_stdlib(), *packages, *inside}))


@dataclass(frozen=True)
class Policy:
    """The limits of one notebook's process; amounts come on top of what it has when it is locked down."""

    readable: tuple[str, ...]  # files, and folders with all that is in them
    scratch: str | None  # the one folder that may be written
    cpu_seconds: int
    memory_bytes: int
    file_bytes: int  # of each file
    threads: int
    open_files: int
    listable: tuple[str, ...] = field(default_factory=default_listable)


def lock_down(policy: Policy) -> None:
    """Confine this process for ever; SandboxError names the layer that failed.

    Call it in a forked child with one thread, whose open files are those that it may keep: open files stay
    usable whatever the layers say.
    """
    column()
    if len(os.listdir("/proc/self/task")) != 1:
        raise SandboxError("threads", "the process has several, and some layers would bind only one of them")
    for name, layer in (("resource limits", _limit), ("no_new_privs", _no_new_privileges)):
        try:
            layer(policy)
        except (OSError, ValueError) as error:
            raise SandboxError(name, str(error)) from error
    landlock.apply(policy.readable, policy.listable, policy.scratch)
    try:
        _drop_capabilities()
    except OSError as error:
        raise SandboxError("capabilities", str(error)) from error
    seccomp.apply()


def _limit(policy: Policy) -> None:
    import resource

    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + policy.cpu_seconds
    limits = {
        resource.RLIMIT_AS: (mapped + policy.memory_bytes,) * 2,
        resource.RLIMIT_CPU: (seconds, seconds + 1),  # SIGXCPU can be caught; a second later SIGKILL cannot
        resource.RLIMIT_FSIZE: (policy.file_bytes,) * 2,
        resource.RLIMIT_NOFILE: (policy.open_files,) * 2,
        resource.RLIMIT_NPROC: (_tasks_of_user() + policy.threads,) * 2,
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_MEMLOCK: (0, 0),
        resource.RLIMIT_MSGQUEUE: (0, 0),
    }
    for which, (soft, hard) in limits.items():
        ceiling = resource.getrlimit(which)[1]
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)
        resource.setrlimit(which, (soft, hard))


def be_counted() -> None:
    """Make the limit of threads hold for root, too: the kernel counts by real user, and never root's.

    Rights stay those of the effective user. Where root is an ordinary user outside, it is counted already."""
    if os.getuid() == 0:
        with suppress(OSError):
            os.setresuid(COUNTED, -1, -1)


def _tasks_of_user() -> int:
    """Threads that this user runs now: the kernel's limit counts them all, wherever they run."""
    user, tasks = f"Uid:\t{os.getuid()}\t", 0
    for entry in Path("/proc").glob("[0-9]*/status"):
        try:
            status = entry.read_text()
        except OSError:  # it ended meanwhile
            continue
        if user in status:
            tasks += int(status.partition("Threads:")[2].split(maxsplit=1)[0])
    return tasks


def _no_new_privileges(_: Policy) -> None:
    call("prctl", 38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    call("prctl", 4, 0, 0, 0, 0)  # PR_SET_DUMPABLE: no other process of this user may trace this one
    call("prctl", 1, 9, 0, 0, 0)  # PR_SET_PDEATHSIG: die with the zygote


def _drop_capabilities() -> None:
    header = (0x20080522).to_bytes(4, "little") + bytes(4)
    for capability in range(64):
        try:
            call("prctl", 24, capability, 0, 0, 0)  # PR_CAPBSET_DROP; matters only where we may do it
        except OSError:
            break
    call("prctl", 47, 4, 0, 0, 0)  # PR_CAP_AMBIENT_CLEAR_ALL
    call("capset", header, bytes(24))


def default_readable(torch: bool, photographs: bool = False) -> tuple[str, ...]:
    """What a notebook needs to read: Python, installed packages, `lab`, fonts; torch only on request.

    Packages are named one by one, because Landlock can grant a folder but not take a part of it away. Neither
    /proc (environments and memory of others) nor the engine itself is among them, nor, for submissions, the
    photographs from whose patches the capstone's marks come: one could look there instead of learning.
    """
    hidden = ("autograder",) if torch else ("autograder", *TORCH)
    found = [*_entries(_stdlib(), PACKAGE_FOLDERS), *_libraries()]
    for folder in _package_folders():
        found += _entries(folder, hidden)
    lab = importlib.util.find_spec("lab")
    if lab is not None and lab.submodule_search_locations:
        found += map(Path, lab.submodule_search_locations)
    found += map(Path, SYSTEM_FILES)
    secret = set() if photographs else _photographs()
    shown = (part for path in found if path.exists() for part in _without(path, secret))
    return tuple(sorted({str(path) for path in shown}))


def _photographs() -> set[Path]:
    inside = {
        folder / package / file for folder in _package_folders() for package, _, file in SOURCES.values()
    }
    return {path for path in inside if path.exists()}


def _without(path: Path, secret: set[Path]) -> Iterator[Path]:
    """The path, or the parts of a folder that are not secret."""
    if not any(file.is_relative_to(path) for file in secret):
        yield path
    elif path.is_dir():
        for entry in path.iterdir():
            yield from _without(entry, secret)


def _entries(folder: Path, hidden: Iterable[str]) -> Iterator[Path]:
    return (path for path in folder.iterdir() if not path.name.startswith(tuple(hidden)))


def _stdlib() -> Path:
    return Path(sysconfig.get_path("stdlib"))


def _package_folders() -> list[Path]:
    named = [*sys.path, *site.getsitepackages()]
    folders = {Path(name).resolve() for name in named if Path(name).name in PACKAGE_FOLDERS}
    return sorted(folder for folder in folders if folder.is_dir())


def _libraries() -> list[Path]:
    """Shared libraries that modules load late; never a folder that holds another Python's packages."""
    multiarch = sysconfig.get_config_var("MULTIARCH") or "none"
    folders = [path for path in (Path("/usr/lib") / multiarch, Path("/lib") / multiarch) if path.is_dir()]
    if not folders and Path("/usr/lib64").is_dir():
        folders = list(_entries(Path("/usr/lib64"), ("python",)))
    own = sysconfig.get_config_var("LIBDIR")
    return [*folders, *(Path(own).glob("libpython*.so*") if own else ()), Path("/etc/ld.so.cache")]
