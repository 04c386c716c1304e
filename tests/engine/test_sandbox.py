"""The sandbox lets honest work through and nothing else. Each case runs in a fresh interpreter."""

from __future__ import annotations

import os
import platform
import select
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from autograder.engine import landlock, namespaces, syscalls
from autograder.engine.sandbox import default_readable
from tests.conftest import ROOT
from tests.engine.conftest import descendants

linux = pytest.mark.skipif(
    platform.system() != "Linux" or landlock.version() == 0, reason="needs Linux with Landlock"
)

PRELUDE = """
import os, sys, tempfile
from autograder.engine.sandbox import Policy, default_readable, lock_down
{warm}
scratch = tempfile.mkdtemp()
policy = Policy(default_readable(torch={torch}), scratch, 30, 1 << 30, 1 << 20, 16, 64)
child = os.fork()
if child == 0:
    code = 1
    try:
        lock_down(policy)
        os.chdir(scratch)
        tempfile.tempdir = scratch
        exec(sys.argv[1], {{"__name__": "__main__"}})
        code = 0
    except BaseException as error:
        import traceback
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(code)
_, status = os.waitpid(child, 0)
import shutil
shutil.rmtree(scratch)
sys.exit(os.waitstatus_to_exitcode(status))
"""
NUMPY = "import numpy"
TORCH = "import torch; torch.set_num_threads(1); torch.ones(2, 2) @ torch.ones(2, 2)"
PLOTS = """
import matplotlib; matplotlib.use("Agg")
import matplotlib.pyplot
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
config = Config()
config.HistoryManager.enabled = False
InteractiveShell.instance(config=config)
"""


ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",  # a second thread would be refused
    "OPENBLAS_NUM_THREADS": "1",
    "IPYTHONDIR": tempfile.gettempdir() + "/autograder-test-ipython",
}


def inside(work: str, warm: str = NUMPY, torch: bool = False, user: int | None = None) -> str:
    """Run `work` in a locked-down child of a fresh interpreter; its output, or a failed test."""
    script = PRELUDE.format(warm=textwrap.dedent(warm), torch=torch)
    command = [sys.executable, "-c", script, textwrap.dedent(work)]
    run = subprocess.run(
        command, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False, user=user
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout.strip()


@linux
def test_numpy_time_random_threads_and_files_in_scratch_work():
    said = inside(
        """
        import json, pathlib, random, tempfile, threading, time
        import numpy as np
        a = np.random.default_rng(0).normal(size=(64, 64))
        np.testing.assert_allclose(a @ np.linalg.inv(a), np.eye(64), atol=1e-8)
        time.sleep(0.001); time.localtime(); random.random()
        found = []
        threads = [threading.Thread(target=found.append, args=(i,)) for i in range(8)]
        [t.start() for t in threads]; [t.join() for t in threads]
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "a.npy"
            np.save(path, a)
            path = path.rename(path.with_name("b.npy"))
            assert (np.load(path) == a).all()
        import fractions, statistics, zoneinfo  # modules that nothing had imported before
        print(sorted(found))
        """
    )
    assert said == str(list(range(8)))


@linux
def test_torch_trains_and_checks_gradients():
    said = inside(
        """
        import torch
        from torch import nn
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(108, 2))
        optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
        x, y = torch.randn(8, 1, 8, 8), torch.arange(8) % 2
        losses = []
        for _ in range(10):
            loss = nn.functional.cross_entropy(net(x), y)
            optimizer.zero_grad(); loss.backward(); optimizer.step()
            losses.append(loss.item())
        class Cube(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x**3
            @staticmethod
            def backward(ctx, dout):
                return 3 * ctx.saved_tensors[0] ** 2 * dout
        assert torch.autograd.gradcheck(Cube.apply, torch.ones(3, dtype=torch.double, requires_grad=True))
        print(losses[-1] < losses[0] / 2)
        """,
        warm=TORCH,
        torch=True,
    )
    assert said.splitlines()[-1] == "True"


@linux
def test_figures_and_ipython_cells_work():
    said = inside(
        """
        import io
        import matplotlib.pyplot as plt
        from IPython import get_ipython
        shell = get_ipython()
        result = shell.run_cell("%precision 3\\nx = 6 * 7\\nx", silent=True)
        assert result.success and shell.user_ns["x"] == 42
        figure, axes = plt.subplots(); axes.plot([1, 2]); axes.set_title("$x^2$")
        image = io.BytesIO(); figure.savefig(image)
        print(image.getvalue()[1:4].decode())
        """,
        warm=NUMPY + PLOTS,
    )
    assert said.splitlines()[-1] == "PNG"


@linux
def test_torch_cannot_be_imported_under_the_numpy_policy():
    pytest.importorskip("torch")
    said = inside(
        """
        try:
            import torch
        except (ImportError, PermissionError) as error:
            print(type(error).__name__)
        """
    )
    assert said in ("ImportError", "ModuleNotFoundError", "PermissionError")


@linux
def test_an_ordinary_user_is_held_as_well():
    if os.getuid() != 0:
        pytest.skip("already an ordinary user: the other tests say so")
    if not _nobody_can_run_python():
        pytest.skip("this interpreter lies in a folder that only root may enter")
    work = "try:\n    open('/etc/passwd')\nexcept PermissionError as error:\n    print(error.errno)"
    assert inside(work, user=65534) == "13"


def _nobody_can_run_python() -> bool:
    try:
        run = subprocess.run(
            [sys.executable, "-c", "import numpy"], user=65534, capture_output=True, check=False
        )
    except PermissionError:
        return False
    return run.returncode == 0


@linux
@pytest.mark.parametrize(
    "path", ["/proc/self/environ", "/proc/1/environ", "/etc/passwd", __file__, str(Path(syscalls.__file__))]
)
def test_other_files_cannot_be_read(path: str):
    work = f"try:\n    open({path!r})\nexcept (PermissionError, FileNotFoundError):\n    print('no')"
    assert inside(work) == "no"


@linux
def test_writing_outside_scratch_is_refused_even_where_reading_is_allowed():
    work = "import numpy\ntry:\n    open(numpy.__file__, 'r+')\nexcept PermissionError:\n    print('no')"
    assert inside(work) == "no"


@linux
def test_a_process_may_signal_itself_and_nobody_else():
    said = inside(
        """
        import os, signal
        heard = []
        signal.signal(signal.SIGUSR1, lambda *_: heard.append(1))
        os.kill(os.getpid(), signal.SIGUSR1)
        signal.raise_signal(signal.SIGUSR1)
        for other in (os.getppid(), 0, -1, 1, -os.getpid()):
            try:
                os.kill(other, 0)
                print("reached", other)
            except PermissionError:
                pass
        print(len(heard))
        """
    )
    assert said == "2"


@linux
def test_limits_may_be_read_but_not_set_even_with_a_pointer_whose_low_half_is_zero():
    said = inside(
        """
        import ctypes, mmap, resource, struct
        from errno import EPERM
        print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mmap.restype = ctypes.c_void_p
        libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
        at = libc.mmap(1 << 32, 4096, 3, 0x100032, -1, 0)  # MAP_FIXED_NOREPLACE | MAP_ANONYMOUS | MAP_PRIVATE
        assert at == 1 << 32
        ctypes.memmove(at, struct.pack("QQ", 32, 32), 16)
        assert libc.prlimit(0, 7, ctypes.c_void_p(at), None) == -1 and ctypes.get_errno() == EPERM
        """
    )
    assert said == "64"


@linux
def test_endless_computing_is_ended_by_the_kernel():
    script = PRELUDE.format(warm="", torch=False).replace("scratch, 30", "scratch, 1")
    spin = "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass"
    run = subprocess.run(
        [sys.executable, "-c", script, spin], env=ENVIRONMENT, capture_output=True, timeout=120, check=False
    )
    assert run.returncode == -signal.SIGKILL & 0xFF


@linux
def test_a_process_with_several_threads_is_refused():
    script = """
    import threading, time
    from autograder.engine.sandbox import Policy, SandboxError, lock_down
    threading.Thread(target=time.sleep, args=(1,)).start()
    try:
        lock_down(Policy((), None, 1, 1 << 30, 1, 1, 64))
    except SandboxError as error:
        print(error.layer)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    run = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "threads"


@linux
def test_a_folder_that_does_not_exist_is_an_error_that_names_it():
    script = """
    from autograder.engine.sandbox import Policy, lock_down
    lock_down(Policy(("/nonexistent/data",), None, 1, 1 << 30, 1, 1, 64))
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    run = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert "SandboxError" in run.stderr and "Landlock" in run.stderr and "/nonexistent/data" in run.stderr


@linux
def test_what_may_be_read_holds_no_secret_and_torch_only_on_request():
    root = Path(syscalls.__file__).resolve().parents[2]
    for torch in (False, True):
        allowed = [Path(path) for path in default_readable(torch)]
        for secret in (
            root / "solutions",
            root / "gradebook.db",
            Path("/proc/self"),
            Path(syscalls.__file__),
        ):
            assert not any(secret.is_relative_to(path) for path in allowed)
    assert not any(Path(path).name == "torch" for path in default_readable(False))


ALONE = """
import os, socket, sys, tempfile
from autograder.engine.namespaces import isolate
if os.getuid() == 0 and sys.argv[1] == "nobody":
    import ctypes
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # traceable again, as a process that this user started
scratch, outside = tempfile.mkdtemp(), os.getpid()
got = isolate(("/dev/null",), scratch)
if "root" in got:
    assert not os.path.exists("/etc") and [name for _, name in socket.if_nameindex()] == ["lo"]
    open(scratch + "/a", "w").write("here"); os.unlink(scratch + "/a")
    try:
        os.mkdir("/new")
    except OSError as error:
        assert error.errno == 30
if "pid" in got:
    child = os.fork()
    if child == 0:
        import time
        time.sleep(3600)
    seen = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
    assert seen == [os.getpid(), child] == [1, 2], seen
    try:
        os.kill(outside, 0)
        print("reached")
    except ProcessLookupError:
        pass
print(*sorted(got))
"""


@linux
@pytest.mark.parametrize("user", ["me", "nobody"])
def test_namespaces_hide_the_files_the_network_and_the_processes(user: str):
    """The run ends although a process in it would sleep for an hour: with the first one all end."""
    command = [sys.executable, "-c", ALONE, user]
    run = subprocess.run(
        command, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=True, cwd=ROOT
    )
    if "root" not in run.stdout:
        pytest.skip("this system gives no namespaces to this user")
    assert run.stdout.split() == sorted(namespaces.ALL)


LEADER = """
import sys
from autograder.engine.clock import Allowance
from autograder.engine import seccomp
from autograder.engine.process import Zygote
from autograder.engine.syscalls import call, number
if sys.argv[1] != "nothing":
    steps = [seccomp._load(0), (seccomp.EQUAL, 0, 1, number(sys.argv[1])), seccomp._give(seccomp.REFUSE)]
    call("prctl", 38, 1, 0, 0, 0)
    seccomp.install([*steps, seccomp._give(seccomp.ALLOW)])
zygote = Zygote("numpy")
child = zygote.spawn(cpu_seconds=60)
child.send({"do": "cell", "source": "while True: pass", "defines": "", "given": False, "own": True,
            "define": False}, within=Allowance(10))
print("none" if child._meter.stat is None else "clock", *sorted(zygote.namespaces), flush=True)
sys.stdin.read()
"""


@linux
@pytest.mark.parametrize("refused", ["nothing", "mount", "unshare"])
def test_whoever_kills_the_grading_process_ends_all_that_it_started(refused: str):
    """With all namespaces; in a container that lets nobody mount /proc; in one without namespaces."""
    command = [sys.executable, "-c", LEADER, refused]
    with subprocess.Popen(
        command, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as leader:
        said = leader.stdout.readline()
        family = descendants(leader.pid)
        waiting = [os.pidfd_open(pid) for pid in family]
        leader.kill()
    clock, *layers = said.split()
    assert len(family) >= 2  # the zygote and the child, and who waits outside where there are namespaces
    assert refused == "nothing" or "pid" not in layers
    blind = refused == "mount" and len(family) == 3  # its /proc names other processes by the child's number
    assert clock == ("none" if blind else "clock")
    for process in waiting:
        assert select.select([process], [], [], 60)[0], "a process outlived the grading"
        os.close(process)
