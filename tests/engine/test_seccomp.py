"""The list of system calls, as the kernel reads it, on both architectures: whichever of them runs the tests.

The numbers here are those of <asm-generic/unistd.h> and <asm/unistd_64.h>, written down a second time.
"""

from __future__ import annotations

import platform
import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.engine import seccomp, syscalls
from autograder.engine.sandbox import SandboxError

X86_64, AARCH64, I386, ARM = 0xC000003E, 0xC00000B7, 0x40000003, 0x40000028  # <linux/audit.h>
ARCHITECTURES = {"x86_64": X86_64, "aarch64": AARCH64}
ALLOWED = {
    "x86_64": """
        read=0 write=1 pread64=17 pwrite64=18 readv=19 writev=20 preadv=295 pwritev=296 lseek=8 close=3
        close_range=436 dup=32 dup2=33 dup3=292 pipe=22 pipe2=293 open=2 openat=257 access=21 faccessat=269
        faccessat2=439 stat=4 fstat=5 lstat=6 newfstatat=262 statx=332 statfs=137 fstatfs=138 readlink=89
        readlinkat=267 getdents64=217 getcwd=79 chdir=80 fchdir=81 fsync=74 fdatasync=75 ftruncate=77
        fadvise64=221 umask=95 mkdir=83 mkdirat=258 rmdir=84 unlink=87 unlinkat=263 rename=82 renameat=264
        renameat2=316 mmap=9 mprotect=10 munmap=11 mremap=25 madvise=28 msync=26 brk=12
        futex=202 futex_waitv=449 set_robust_list=273 set_tid_address=218 rseq=334 getcpu=309 sched_yield=24
        sched_getaffinity=204 sched_getparam=143 sched_getscheduler=145 sched_get_priority_max=146
        sched_get_priority_min=147 poll=7 ppoll=271 select=23 pselect6=270 epoll_create=213
        epoll_create1=291 epoll_ctl=233 epoll_wait=232 epoll_pwait=281 eventfd2=290 pause=34 wait4=61
        waitid=247 exit=60 exit_group=231 restart_syscall=219 time=201 gettimeofday=96 clock_gettime=228
        clock_getres=229 nanosleep=35 clock_nanosleep=230 times=100 alarm=37 getitimer=36 setitimer=38
        rt_sigaction=13 rt_sigprocmask=14 rt_sigreturn=15 rt_sigpending=127 rt_sigtimedwait=128
        rt_sigsuspend=130 sigaltstack=131 getrandom=318 getpid=39 getppid=110 gettid=186 getpgrp=111
        getpgid=121 getsid=124 getuid=102 geteuid=107 getgid=104 getegid=108 getgroups=115 getresuid=118
        getresgid=120 uname=63 sysinfo=99 getrlimit=97 getrusage=98 getpriority=140""",
    "aarch64": """
        read=63 write=64 pread64=67 pwrite64=68 readv=65 writev=66 preadv=69 pwritev=70 lseek=62 close=57
        close_range=436 dup=23 dup3=24 pipe2=59 openat=56 faccessat=48 faccessat2=439 fstat=80 newfstatat=79
        statx=291 statfs=43 fstatfs=44 readlinkat=78 getdents64=61 getcwd=17 chdir=49 fchdir=50 fsync=82
        fdatasync=83 ftruncate=46 fadvise64=223 umask=166 mkdirat=34 unlinkat=35 renameat=38 renameat2=276
        mmap=222 mprotect=226 munmap=215 mremap=216 madvise=233 msync=227 brk=214 futex=98
        futex_waitv=449 set_robust_list=99 set_tid_address=96 rseq=293 getcpu=168 sched_yield=124
        sched_getaffinity=123 sched_getparam=121 sched_getscheduler=120 sched_get_priority_max=125
        sched_get_priority_min=126 ppoll=73 pselect6=72 epoll_create1=20 epoll_ctl=21 epoll_pwait=22
        eventfd2=19 wait4=260 waitid=95 exit=93 exit_group=94 restart_syscall=128 gettimeofday=169
        clock_gettime=113 clock_getres=114 nanosleep=101 clock_nanosleep=115 times=153 getitimer=102
        setitimer=103 rt_sigaction=134 rt_sigprocmask=135 rt_sigreturn=139 rt_sigpending=136
        rt_sigtimedwait=137 rt_sigsuspend=133 sigaltstack=132 getrandom=278 getpid=172 getppid=173 gettid=178
        getpgid=155 getsid=156 getuid=174 geteuid=175 getgid=176 getegid=177 getgroups=158 getresuid=148
        getresgid=150 uname=160 sysinfo=179 getrlimit=163 getrusage=165 getpriority=141""",
}
BY_ARGUMENT = {
    "x86_64": "clone=56 clone3=435 prlimit64=302 kill=62 tgkill=234 fcntl=72 ioctl=16 prctl=157",
    "aarch64": "clone=220 clone3=435 prlimit64=261 kill=129 tgkill=131 fcntl=25 ioctl=29 prctl=167",
}
HARMFUL = {  # a sample of what the sweep below finds refused, by name
    "x86_64": """
        socket=41 connect=42 bind=49 sendto=44 socketpair=53 fork=57 vfork=58 execve=59 execveat=322 chmod=90
        fchmod=91 fchmodat=268 chown=92 setxattr=188 utimensat=280 link=86 linkat=265 symlinkat=266
        mknodat=259 truncate=76 fallocate=285 ptrace=101 process_vm_readv=310 process_vm_writev=311 tkill=200
        rt_sigqueueinfo=129 pidfd_open=434 pidfd_send_signal=424 pidfd_getfd=438 io_uring_setup=425
        io_uring_enter=426 bpf=321 perf_event_open=298 userfaultfd=323 memfd_create=319 unshare=272 setns=308
        mount=165 pivot_root=155 chroot=161 setuid=105 capset=126 keyctl=250 add_key=248 init_module=175
        kexec_load=246 reboot=169 settimeofday=164 setrlimit=160 setpriority=141 sched_setaffinity=203
        shmget=29 msgget=68 mq_open=240 inotify_init1=294 fanotify_init=300 modify_ldt=154 iopl=172
        personality=135 acct=163 quotactl=179 seccomp=317""",
    "aarch64": """
        socket=198 connect=203 bind=200 sendto=206 socketpair=199 execve=221 execveat=281 fchmod=52
        fchmodat=53 fchown=55 setxattr=5 utimensat=88 linkat=37 symlinkat=36 mknodat=33 truncate=45
        fallocate=47 ptrace=117 process_vm_readv=270 process_vm_writev=271 tkill=130 rt_sigqueueinfo=138
        pidfd_open=434 pidfd_send_signal=424 pidfd_getfd=438 io_uring_setup=425 io_uring_enter=426 bpf=280
        perf_event_open=241 userfaultfd=282 memfd_create=279 unshare=97 setns=268 mount=40 pivot_root=41
        chroot=51 setuid=146 capset=91 keyctl=219 add_key=217 init_module=105 kexec_load=104 reboot=142
        settimeofday=170 setrlimit=164 setpriority=140 sched_setaffinity=122 shmget=194 msgget=186
        mq_open=180 inotify_init1=26 fanotify_init=262 personality=92 acct=89 quotactl=60 seccomp=277""",
}

Verdict = Callable[..., int]


def numbers(table: str) -> dict[str, int]:
    return {name: int(nr) for name, _, nr in (pair.partition("=") for pair in table.split())}


@pytest.fixture(params=ARCHITECTURES)
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: request.param)
    return str(request.param)


@pytest.fixture
def verdict(machine: str) -> Verdict:
    """What the filter of process 7 answers to a call by number."""
    steps = seccomp.program(pid=7)

    def answer(nr: int, *arguments: int, arch: int = ARCHITECTURES[machine]) -> int:
        return _interpret(steps, nr, arch, arguments)

    return answer


def test_what_work_needs_is_allowed_and_nothing_else(machine: str, verdict: Verdict):
    """Every number that a kernel of today has, and room for those to come."""
    allowed, by_argument = numbers(ALLOWED[machine]), numbers(BY_ARGUMENT[machine])
    found = {nr for nr in range(1024) if verdict(nr) == seccomp.ALLOW} - set(by_argument.values())
    assert found == set(allowed.values())
    rest = set(range(1024)) - found - set(by_argument.values())
    assert {verdict(nr) for nr in rest} == {seccomp.REFUSE}


def test_what_does_harm_is_refused_whatever_its_arguments(machine: str, verdict: Verdict):
    for name, nr in numbers(HARMFUL[machine]).items():
        assert verdict(nr) == verdict(nr, *[7] * 6) == seccomp.REFUSE, name


def test_some_calls_are_allowed_with_some_arguments(machine: str, verdict: Verdict):
    nr = numbers(BY_ARGUMENT[machine])
    allow, refuse = seccomp.ALLOW, seccomp.REFUSE
    assert verdict(nr["clone"], 0x3D0F00) == allow  # what pthread_create asks for
    assert verdict(nr["clone"], 17) == verdict(nr["clone"], 0x3D0F00 | 0x40000000) == refuse
    assert verdict(nr["clone"], 0x3D0F00 | 0x4000) == refuse  # CLONE_VFORK: to wait in a state that is free
    assert verdict(nr["clone3"]) == seccomp.ERRNO | 38  # ENOSYS: the C library then takes clone
    assert verdict(nr["kill"], 7, 9) == verdict(nr["tgkill"], 7, 8, 9) == allow
    assert verdict(nr["kill"], 8, 9) == verdict(nr["kill"], 0, 9) == verdict(nr["kill"], 2**32 - 1) == refuse
    assert verdict(nr["tgkill"], 8, 8, 9) == refuse
    assert verdict(nr["prlimit64"], 0, 7, 0) == allow
    assert verdict(nr["prlimit64"], 0, 7, 1 << 32) == verdict(nr["prlimit64"], 0, 7, 4) == refuse
    assert verdict(nr["ioctl"], 0, 0x5401) == allow and verdict(nr["ioctl"], 0, 0x5412) == refuse  # TIOCSTI
    assert verdict(nr["fcntl"], 0, 3) == allow and verdict(nr["fcntl"], 0, 8) == refuse  # F_SETOWN
    assert verdict(nr["prctl"], 15) == allow  # PR_SET_NAME
    assert verdict(nr["prctl"], 4, 1) == verdict(nr["prctl"], 22, 2) == verdict(nr["prctl"], 1) == refuse


def test_calls_by_another_table_end_the_process(machine: str, verdict: Verdict):
    """Its numbers mean other calls: 32-bit code by int 80 on x86-64, and on the other architecture's."""
    foreign = {I386, ARM, *ARCHITECTURES.values()} - {ARCHITECTURES[machine]}
    for arch in foreign:
        assert {verdict(nr, arch=arch) for nr in range(512)} == {seccomp.KILL}


def test_x32_calls_end_the_process(machine: str, verdict: Verdict):
    assert {verdict(0x40000000 | nr) for nr in range(1024)} == {seccomp.KILL}


@pytest.mark.parametrize("table", [ALLOWED, BY_ARGUMENT, HARMFUL])
@pytest.mark.parametrize("column", [0, 1])
def test_the_numbers_written_down_here_are_the_kernels(column: int, table: dict[str, str]):
    known = _header(column)
    for name, nr in numbers(table[("x86_64", "aarch64")[column]]).items():
        assert known.get(name) == nr, name


HEADERS = {
    0: Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    1: Path("/usr/include/asm-generic/unistd.h"),
}


@pytest.mark.parametrize("column", HEADERS)
def test_system_call_numbers_are_the_kernels(column: int):
    known = _header(column)
    for name, both in syscalls.NUMBERS.items():
        assert known.get(name) == both[column] or (column == 0 and both[0] is None), name


def test_an_unknown_machine_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(SandboxError, match="riscv64; grade on one of those"):
        syscalls.column()


def _header(column: int) -> dict[str, int]:
    if not HEADERS[column].exists():
        pytest.skip("no kernel headers here")
    text = HEADERS[column].read_text()
    known = {name: int(nr) for name, nr in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text)}
    known.setdefault("newfstatat", known.get("fstatat", -1))
    return known


def _interpret(steps: list[seccomp.Instruction], nr: int, arch: int, arguments: tuple[int, ...]) -> int:
    """Classic BPF, by its definition, on one struct seccomp_data."""
    words = [nr, arch, 0, 0]
    for value in (*arguments, *[0] * (6 - len(arguments))):
        words += [value & 0xFFFFFFFF, value >> 32]
    at = accumulator = 0
    while True:
        code, if_true, if_false, constant = steps[at]
        if code == 0x06:
            return constant
        if code == 0x20:
            accumulator, at = words[constant // 4], at + 1
            continue
        test = {0x15: accumulator == constant, 0x35: accumulator >= constant, 0x45: accumulator & constant}[
            code
        ]
        at += 1 + (if_true if test else if_false)


def test_the_prepared_filter_becomes_that_of_any_process():
    for pid in (1, 7, 4_194_304):
        own = seccomp.prepared().replace(struct.pack("=I", seccomp.SOMEBODY), struct.pack("=I", pid))
        assert own == b"".join(struct.pack("=HBBI", *step) for step in seccomp.program(pid))
