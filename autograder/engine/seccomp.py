"""The seccomp layer: a classic-BPF list of the system calls that a notebook needs; all others fail.

A list of what is allowed, not of what is denied: a denied-list let a chmod of the gradebook through.
Everything here that takes a path is also bound by Landlock, which knows nothing of modes, owners, times,
links' targets, attributes or `truncate` before Linux 6.2: so those calls are absent. `fallocate` is, because
it claims a disk faster than anybody can look; and so is `membarrier`, which sleeps in a state that is free.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from functools import cache

from .syscalls import AUDIT_ARCH, SandboxError, call, column, number

LAYER = "seccomp"
SOMEBODY = 0x7FFF_FFF1  # stands for the process that the filter is for; no process has this number

NEEDS = {
    "files, within what Landlock grants": """
        read write pread64 pwrite64 readv writev preadv pwritev lseek close close_range dup dup2 dup3
        pipe pipe2 open openat access faccessat faccessat2 stat fstat lstat newfstatat statx statfs fstatfs
        readlink readlinkat getdents64 getcwd chdir fchdir fsync fdatasync ftruncate fadvise64 umask
        mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2""",
    "memory": "mmap mprotect munmap mremap madvise msync brk",
    "threads and waiting": """
        futex futex_waitv set_robust_list set_tid_address rseq getcpu sched_yield sched_getaffinity
        sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min
        poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait eventfd2
        pause wait4 waitid exit exit_group restart_syscall""",
    "time, timers, signals to oneself, randomness": """
        time gettimeofday clock_gettime clock_getres nanosleep clock_nanosleep times
        alarm getitimer setitimer rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending
        rt_sigtimedwait rt_sigsuspend sigaltstack getrandom""",
    "who and where am I": """
        getpid getppid gettid getpgrp getpgid getsid getuid geteuid getgid getegid getgroups
        getresuid getresgid uname sysinfo getrlimit getrusage getpriority""",
}
FREE = tuple(name for names in NEEDS.values() for name in names.split())

ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
REFUSE = ERRNO | errno.EPERM
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06

CLONE_THREAD, CLONE_VFORK, CLONE_NEW_NAMESPACES = 0x00010000, 0x00004000, 0x7E020000
FCNTL = (0, 1, 2, 3, 4, 5, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_DUPFD_CLOEXEC
IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIO(N)CLEX
PRCTL = (3, 15, 16, 0x53564D41)  # PR_GET_DUMPABLE, PR_SET_NAME, PR_GET_NAME, PR_SET_VMA

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, constant


def _load(offset: int) -> Instruction:
    return (LOAD, 0, 0, offset)


def _argument(index: int, high: bool = False) -> Instruction:
    """Load half of an argument of struct seccomp_data (both architectures are little-endian)."""
    return _load(16 + 8 * index + 4 * high)


def _give(action: int) -> Instruction:
    return (RETURN, 0, 0, action)


def _one_of(index: int, values: tuple[int, ...]) -> list[Instruction]:
    """Allow where the (32-bit) argument is one of these."""
    tests = [step for value in values for step in ((EQUAL, 0, 1, value), _give(ALLOW))]
    return [_argument(index), *tests, _give(REFUSE)]


def _only_threads() -> list[Instruction]:
    """Not those that are waited for (vfork): who waits looks as if for a disk, and sleeps for nothing."""
    return [
        _argument(0),
        (ANY_BIT, 2, 0, CLONE_NEW_NAMESPACES | CLONE_VFORK),
        (ANY_BIT, 0, 1, CLONE_THREAD),
        _give(ALLOW),
        _give(REFUSE),
    ]


def _only_null(index: int) -> list[Instruction]:
    """Allow a null pointer; both halves count, since a process may map memory at 1 << 32."""
    low, high = _argument(index), _argument(index, high=True)
    return [low, (EQUAL, 0, 3, 0), high, (EQUAL, 0, 1, 0), _give(ALLOW), _give(REFUSE)]


def guarded(pid: int) -> dict[str, list[Instruction]]:
    """Calls that are allowed with some arguments only, in the process with this id."""
    return {
        "clone": _only_threads(),
        "clone3": [
            _give(ERRNO | errno.ENOSYS)
        ],  # flags are behind a pointer; the C library falls back to clone
        "prlimit64": _only_null(2),  # reading limits, not setting them
        "kill": _one_of(0, (pid,)),  # abort and raise
        "tgkill": _one_of(0, (pid,)),
        "fcntl": _one_of(1, FCNTL),  # not F_SETOWN and F_SETSIG, which send signals to others
        "ioctl": _one_of(1, IOCTL),  # not TIOCSTI, which types into a terminal
        "prctl": _one_of(0, PRCTL),
    }


def program(pid: int) -> list[Instruction]:
    """The whole filter."""
    steps = [_load(4), (EQUAL, 1, 0, AUDIT_ARCH[column()]), _give(KILL), _load(0)]
    steps += [(AT_LEAST, 0, 1, 0x40000000), _give(KILL)]  # the x32 calls of x86-64
    for name, block in guarded(pid).items():
        nr = number(name)
        assert nr is not None
        steps += [(EQUAL, 0, len(block), nr), *block]
    for name in FREE:
        nr = number(name)
        if nr is not None:
            steps += [(EQUAL, 0, 1, nr), _give(ALLOW)]
    return [*steps, _give(REFUSE)]


def available() -> bool:
    """Whether the kernel takes filters: PR_GET_SECCOMP answers, and a null filter is a bad address."""
    try:
        call("prctl", 22, 2, 0, 0, 0)
    except OSError as error:
        return error.errno == errno.EFAULT
    return True


def apply() -> None:
    """Confine the calling thread to the list above, for ever."""
    _install(prepared().replace(struct.pack("=I", SOMEBODY), struct.pack("=I", os.getpid())))


def install(steps: list[Instruction]) -> None:
    """Filter the calling thread's system calls by these steps, for ever."""
    _install(_assembled(steps))


@cache
def prepared() -> bytes:
    """The filter of a process that is not born yet: each child would take milliseconds to write it."""
    return _assembled(program(SOMEBODY))


def _assembled(steps: list[Instruction]) -> bytes:
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _install(assembled: bytes) -> None:
    code = ctypes.create_string_buffer(assembled)
    header = struct.pack("@HP", len(assembled) // 8, ctypes.addressof(code))
    try:
        call("prctl", 22, 2, ctypes.create_string_buffer(header, len(header)), 0, 0)  # PR_SET_SECCOMP
    except OSError as error:
        raise SandboxError(LAYER, error.strerror or str(error)) from error
