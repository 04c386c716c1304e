"""Reaching other processes and the kernel past the file system."""

from tests.attacks.attack import NOWHERE, UNLOCKED, Attack

GROUP = "kernel"
REFUSED = "PermissionError|OSError"


def calls(
    name: str, gains: str, source: str, tells: str = REFUSED, by: str = "anyone", works: str = UNLOCKED
) -> Attack:
    cell = (
        "import os, struct\nfrom autograder.engine.syscalls import call, call_number\n"
        + source
        + "\ngained()"
    )
    return Attack(GROUP, name, gains, (cell,), tells=tells, by=by, works=works)


# getpid through the 32-bit entry of x86: its numbers mean other calls than those that a filter names.
INT80 = """
import ctypes, mmap, platform
assert platform.machine() == "x86_64", "OSError: no 32-bit entry here"
code = mmap.mmap(-1, 4096, prot=7)
code.write(bytes.fromhex("b814000000cd80c3"))
ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
"""

ATTACKS = [
    calls("ptrace", "the grader's memory and registers", "call('ptrace', 0x4206, victim, 0, 0)"),
    calls(
        "reading another's memory",
        "hidden inputs and expected arrays",
        "import ctypes\n"
        "here = ctypes.create_string_buffer(8)\n"
        "ours = struct.pack('@PN', ctypes.addressof(here), 8)\n"
        "call('process_vm_readv', os.getppid(), ours, 1, ours, 1, 0)",
    ),
    calls("a signal to the grader", "the end of the batch", "os.kill(victim, 0)"),
    calls("a signal to the zygote", "the end of the batch", "os.kill(os.getppid(), 0)"),
    calls("a signal to everybody", "the end of everything", "os.kill(-1, 0)"),
    calls(
        "a signal to the group",
        "the end of the neighbours",
        "os.killpg(os.getpgid(victim), 0)",
        tells="PermissionError|ProcessLookupError",
    ),
    calls("a signal through a pidfd", "the end of the batch", "call('pidfd_open', victim, 0)"),
    calls(
        "a signal through a pipe's owner",
        "the end of the batch",
        "import fcntl\nfcntl.fcntl(os.pipe()[0], fcntl.F_SETOWN, victim)",
    ),
    calls("io_uring", "files and sockets without system calls", "call('io_uring_setup', 1, bytes(120))"),
    calls(
        "the x32 table of calls",
        "calls under numbers that the filter does not name",
        "assert call_number(0x40000000 | 39) > 0",
        tells="ended the Python process",
        works=NOWHERE,
    ),
    calls(
        "the 32-bit entry of the kernel",
        "calls under numbers that the filter does not name",
        INT80,
        tells="ended the Python process|OSError",
    ),
    calls(
        "nested namespaces",
        "the rights of root in a namespace of one's own",
        "call('unshare', 0x10000000)",
        works=NOWHERE,
    ),
    calls(
        "namespaces by clone",
        "the rights of root in a namespace of one's own",
        "from signal import SIGCHLD\n"
        "if call('clone', 0x10000000 | SIGCHLD, None, None, None, 0) == 0: os._exit(0)",
    ),
    calls("a program in memory", "a program that no folder shows", "call('memfd_create', b'program', 0)"),
    calls(
        "a mount",
        "the file tree, changed for oneself",
        "call('mount', b'none', os.fsencode(os.getcwd()), b'tmpfs', 0, None)\n"
        "call('umount2', os.fsencode(os.getcwd()), 0)",
        by="root",
    ),
    calls(
        "chroot", "the file tree, changed for oneself", "call('chroot', os.fsencode(os.getcwd()))", by="root"
    ),
    calls("another user", "the files of somebody else", "call('setuid', os.getuid())"),
    calls("the kernel's keys", "keys of the instructor's session", "call('keyctl', 0, -4, 1)"),
    calls(
        "a BPF program",
        "code in the kernel",
        "call('bpf', 0, struct.pack('=IIII', 2, 4, 4, 1) + bytes(112), 128)",
        by="root",
    ),
    calls(
        "performance counters",
        "what others compute",
        "call('perf_event_open', struct.pack('=IIQ', 1, 112, 0) + bytes(96), 0, -1, -1, 0)",
        by="root",
    ),
    calls("page faults in user space", "time to win races in the kernel", "call('userfaultfd', 1)"),
    calls(
        "raised limits",
        "more memory, time and processes",
        "import resource\nsoft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (soft - 1, hard))",
        tells="ValueError|PermissionError",
    ),
    calls("another's processor", "a grader that is slow for others", "os.sched_setaffinity(victim, {0})"),
    calls("a traceable self", "a helper that traces this process", "call('prctl', 4, 1, 0, 0, 0)"),
    calls("a life after the zygote", "a process that outlives the grading", "call('prctl', 1, 0, 0, 0, 0)"),
    calls(
        "a filter of one's own",
        "system calls that lie to the engine",
        "call('prctl', 22, 2, b'', 0, 0)",
        tells="PermissionError",
        works=NOWHERE,
    ),
    calls(
        "settings of the kernel",
        "a machine without its guards",
        "open('/proc/sys/kernel/core_pattern', 'r+').close()",
        tells="PermissionError|FileNotFoundError|OSError",
        by="root",
    ),
]
