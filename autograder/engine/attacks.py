"""What hostile code in a notebook would try: each attack does harm, or raises OSError where it is stopped.

Every one of them works for an ordinary process of the same user, or of root, on a common Linux; none leaves
anything behind that outlives the decoys in `Target`.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .syscalls import call, call_number, column

SECRET = ctypes.create_string_buffer(b"hidden inputs", 64)  # at the same address in parent and forked child


@dataclass(frozen=True)
class Target:
    """Decoys to attack."""

    folder: str  # holds `gradebook.db`
    scratch: str  # may be written; `link` in it points at the gradebook
    victim: int  # process id of the parent
    tcp: int  # port on which the parent listens
    udp: int
    memory_bytes: int  # the limits in force
    file_bytes: int

    @property
    def gradebook(self) -> Path:
        return Path(self.folder) / "gradebook.db"


def read_gradebook(target: Target) -> None:
    target.gradebook.read_bytes()


def list_submissions(target: Target) -> None:
    os.listdir(target.folder)


def overwrite_gradebook(target: Target) -> None:
    with target.gradebook.open("r+b") as file:
        file.write(b"100")


def create_outside(target: Target) -> None:
    (Path(target.folder) / "planted").write_bytes(b"")


def delete_gradebook(target: Target) -> None:
    target.gradebook.unlink()


def steal_by_rename(target: Target) -> None:
    target.gradebook.rename(Path(target.scratch) / "stolen")


def truncate_gradebook(target: Target) -> None:
    os.truncate(target.gradebook, 0)


def open_modes(target: Target) -> None:
    target.gradebook.chmod(0o666)


def forge_times(target: Target) -> None:
    os.utime(target.gradebook, (0, 0))


def hard_link(target: Target) -> None:
    os.link(target.gradebook, Path(target.scratch) / "hard")


def make_symlink(target: Target) -> None:
    os.symlink("/etc/passwd", Path(target.scratch) / "soft")


def follow_symlink(target: Target) -> None:
    (Path(target.scratch) / "link").read_bytes()


def open_by_handle(target: Target) -> None:
    handle = ctypes.create_string_buffer(struct.pack("=Ii", 128, 0), 136)
    mount_id = ctypes.create_string_buffer(8)
    call("name_to_handle_at", -100, os.fsencode(target.gradebook), handle, mount_id, 0)
    call("open_by_handle_at", os.open(target.scratch, os.O_RDONLY), handle, os.O_RDONLY)


def read_environment(target: Target) -> None:
    Path(f"/proc/{target.victim}/environ").read_bytes()


def read_memory_file(target: Target) -> None:
    with open(f"/proc/{target.victim}/mem", "rb", buffering=0) as memory:
        memory.seek(ctypes.addressof(SECRET))
        memory.read(8)


def read_memory(target: Target) -> None:
    found = ctypes.create_string_buffer(8)
    ours = struct.pack("@PN", ctypes.addressof(found), 8)
    theirs = struct.pack("@PN", ctypes.addressof(SECRET), 8)
    call("process_vm_readv", target.victim, ours, 1, theirs, 1, 0)


def trace(target: Target) -> None:
    call("ptrace", 0x4206, target.victim, 0, 0)  # PTRACE_SEIZE


def signal_parent(target: Target) -> None:
    os.kill(target.victim, 0)


def see_parent(target: Target) -> None:
    os.stat(f"/proc/{target.victim}")


def signal_everyone(_: Target) -> None:
    os.kill(-1, 0)


def signal_by_pidfd(target: Target) -> None:
    call("pidfd_send_signal", call("pidfd_open", target.victim, 0), 0, None, 0)


def signal_by_pipe(target: Target) -> None:
    fcntl.fcntl(os.pipe()[0], fcntl.F_SETOWN, target.victim)


def execute(_: Target) -> None:
    os.execv("/bin/sh", ["sh", "-c", "exit 0"])


def execute_from_memory(_: Target) -> None:
    call("memfd_create", b"program", 0)


def fork(_: Target) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def tcp(target: Target) -> None:
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).connect(("127.0.0.1", target.tcp))


def udp(target: Target) -> None:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"answers", ("127.0.0.1", target.udp))


def unix_socket(target: Target) -> None:
    socket.socket(socket.AF_UNIX).connect(f"{target.folder}/socket")


def abstract_socket(target: Target) -> None:
    socket.socket(socket.AF_UNIX).connect(f"\0autograder-breach-{target.victim}")


def socket_pair(_: Target) -> None:
    socket.socketpair()


def become_user(_: Target) -> None:
    call("setuid", os.getuid())


def mount(target: Target) -> None:
    call("mount", b"none", os.fsencode(target.scratch), b"tmpfs", 0, None)
    call("umount2", os.fsencode(target.scratch), 0)


def new_namespaces(_: Target) -> None:
    call("unshare", 0x10000000)


def new_root(target: Target) -> None:
    call("chroot", os.fsencode(target.scratch))


def io_uring(_: Target) -> None:
    call("io_uring_setup", 1, bytes(120))


def kernel_keys(_: Target) -> None:
    call("keyctl", 0, -4, 1)


def raise_limits(_: Target) -> None:
    call("prlimit64", 0, 7, struct.pack("@QQ", 16, 16), None)  # RLIMIT_NOFILE: lowering is setting, too


def become_traceable(_: Target) -> None:
    call("prctl", 4, 1, 0, 0, 0)


def pin_others(target: Target) -> None:
    os.sched_setaffinity(target.victim, os.sched_getaffinity(0))


def too_much_memory(target: Target) -> None:
    mmap.mmap(-1, target.memory_bytes + (1 << 20)).close()


def too_big_file(target: Target) -> None:
    with (Path(target.scratch) / "big").open("wb", buffering=0) as file:
        file.truncate(target.file_bytes + 1)


def too_many_files(_: Target) -> None:
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(512)]
    for descriptor in opened:
        os.close(descriptor)


def too_many_threads(_: Target) -> None:
    stop = threading.Event()
    threading.stack_size(64 << 10)
    try:
        for _number in range(128):
            threading.Thread(target=stop.wait, daemon=True).start()
    except RuntimeError as error:  # it hides the kernel's EAGAIN
        raise OSError(errno.EAGAIN, str(error)) from error
    finally:
        stop.set()


def other_call_table(_: Target) -> None:
    """getpid of the x32 table, which lists made for x86-64 often forget."""
    if column() != 0:
        raise OSError(errno.ENOSYS, "this architecture has no x32 calls")
    call_number(0x40000000 | 39)


Attack = Callable[[Target], None]

ATTACKS: dict[str, Attack] = {
    "read the gradebook": read_gradebook,
    "list other submissions": list_submissions,
    "overwrite the gradebook": overwrite_gradebook,
    "create a file outside": create_outside,
    "delete the gradebook": delete_gradebook,
    "move the gradebook away": steal_by_rename,
    "truncate the gradebook": truncate_gradebook,
    "chmod the gradebook": open_modes,
    "forge file times": forge_times,
    "hard-link the gradebook": hard_link,
    "make a symbolic link": make_symlink,
    "follow a symbolic link out": follow_symlink,
    "open a file by handle": open_by_handle,
    "read the parent's environment": read_environment,
    "read /proc/PARENT/mem": read_memory_file,
    "process_vm_readv the parent": read_memory,
    "ptrace the parent": trace,
    "signal the parent": signal_parent,
    "signal every process": signal_everyone,
    "signal through a pidfd": signal_by_pidfd,
    "signal through a pipe's owner": signal_by_pipe,
    "execute a program": execute,
    "make a program in memory": execute_from_memory,
    "fork": fork,
    "TCP": tcp,
    "UDP": udp,
    "a Unix socket": unix_socket,
    "an abstract Unix socket": abstract_socket,
    "a socket pair": socket_pair,
    "setuid": become_user,
    "mount": mount,
    "enter new namespaces": new_namespaces,
    "chroot": new_root,
    "io_uring": io_uring,
    "the kernel's keys": kernel_keys,
    "set resource limits": raise_limits,
    "become traceable": become_traceable,
    "pin the parent to a core": pin_others,
    "map too much memory": too_much_memory,
    "write too big a file": too_big_file,
    "open too many files": too_many_files,
    "start too many threads": too_many_threads,
    "x32 system calls": other_call_table,
}

# What each namespace stops alone, with no other layer: so that it is a wall, and not only said to be there.
BY_NAMESPACE: dict[str, dict[str, Attack]] = {
    "pid": {
        "signal the parent": signal_parent,
        "see the parent": see_parent,
        "read the parent's environment": read_environment,
        "process_vm_readv the parent": read_memory,
    },
    "root": {
        "read the gradebook": read_gradebook,
        "create a file outside": create_outside,
        "a Unix socket": unix_socket,
    },
    "net": {"TCP": tcp, "an abstract Unix socket": abstract_socket},
}
