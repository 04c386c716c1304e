"""A class of hostile and honest students, graded side by side; what came of it, as JSON.

`python -m tests.attacks.classroom COURSE WORK SETTING...` grades once per setting, each in a process of its
own that is the victim: it holds decoys, listens for stolen goods, and looks afterwards at what changed.
A setting is "USER NAMESPACES PROTECTION ATTACKS", as in "root with locked all"; "machine" in place of "all"
means the attacks that only a wall of the machine stops.
"""

from __future__ import annotations

import json
import os
import resource
import secrets
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from autograder.authoring import release
from autograder.authoring.build import load_built
from autograder.authoring.unit import Limits, Unit
from autograder.engine import seccomp
from autograder.engine.grade import Grader, SubmissionResult
from autograder.engine.process import Zygote
from autograder.engine.syscalls import call, number
from autograder.store import load
from tests.attacks.attack import UNLOCKED, Attack, Target
from tests.attacks.catalogue import ATTACKS
from tests.conftest import SLUG

NOBODY = 65534
JOBS = 4
LIMITS = Limits(cell_seconds=1, probe_seconds=2, submission_seconds=20)
PATIENT = Limits(cell_seconds=60, probe_seconds=60, submission_seconds=300)  # to see an attack succeed
TOKEN = os.environ.get("TOKEN", "no token")  # of the instructor
ALWAYS = (TOKEN, "secret_product", "a neighbour's own words")  # nobody brings these home
HONEST = {  # what is replaced in the solution, and the points that are left
    "honest-0": ("Tiny", "Tiny", 10),
    "honest-1": ("secret_product = x * a", "secret_product = x + a", 7),
    "honest-2": ("return x - mu, mu", "return x - mu, 2 * mu", 8),
    "honest-3": ("Tiny", "Tiny", 10),
    "honest-4": ("assert np", "return np", 9),
}


@dataclass
class Seen:
    """What grading one class left behind."""

    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    canaries: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    namespaces: list[str] = field(default_factory=list)
    megabytes: float = 0
    changed_by: dict[str, list[str]] = field(default_factory=dict)


def main(course: str, work: str, *settings: str) -> None:
    unit = replace(load_built(Path(course), SLUG), limits=LIMITS)
    for setting in settings:
        user, namespaces, protection, which = setting.split()
        child = os.fork()
        if child == 0:
            folder = Path(work) / setting.replace(" ", "-")
            shutil.copytree(course, folder / "course")
            as_victim(folder, user, namespaces == "with")
            wanted = [a for a in ATTACKS if which == "all" or a.works == UNLOCKED]
            seen = (graded if protection == "locked" else graded_unlocked)(unit, folder, wanted)
            (folder / "seen.json").write_text(json.dumps(asdict(seen)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            sys.exit(f"the process for {setting} ended with {status}")


def as_victim(folder: Path, user: str, namespaces: bool) -> None:
    """Become who grades in this setting, on a machine with or without user namespaces."""
    for name in ("home/.ssh", "outside", "tmp", "graded"):
        (folder / name).mkdir(parents=True)
    (folder / "outside").chmod(0o777)
    fonts = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "autograder"
    if fonts.is_dir():
        shutil.copytree(fonts, folder / "cache/autograder")  # to find them anew takes seconds
    places = {"HOME": "home", "XDG_CACHE_HOME": "cache", "TMPDIR": "tmp"}
    os.environ.update({variable: str(folder / place) for variable, place in places.items()})
    tempfile.tempdir = None
    call("prctl", 36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: a daemon becomes a child of this process
    if user == "nobody":
        _become_nobody(folder)
    if not namespaces:
        _refuse_namespaces()


def _become_nobody(folder: Path) -> None:
    _let_everybody_run_python()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    call("prctl", 4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: as a process that this user started


def _let_everybody_run_python() -> None:
    """Where the interpreter lies in a folder that is root's alone, show it in one that is not."""
    prefix = Path(sys.base_prefix).resolve()
    closed = [p for p in reversed(prefix.parents) if not p.stat().st_mode & 0o001]
    if closed:
        kept = tempfile.mkdtemp(dir="/dev/shm")
        call("unshare", 0x00020000)
        call("mount", None, b"/", None, 0x44000, None)
        call("mount", os.fsencode(prefix), os.fsencode(kept), None, 0x5000, None)
        call("mount", b"none", os.fsencode(closed[0]), b"tmpfs", 0, b"mode=755")
        prefix.mkdir(parents=True)
        call("mount", os.fsencode(kept), os.fsencode(prefix), None, 0x5000, None)
        call("umount2", os.fsencode(kept), 2)
        Path(kept).rmdir()


def _refuse_namespaces() -> None:
    """As in a container with Docker's usual profile."""
    steps = [seccomp._load(0), (seccomp.EQUAL, 0, 1, number("unshare")), seccomp._give(seccomp.REFUSE)]
    call("prctl", 38, 1, 0, 0, 0)
    seccomp.install([*steps, seccomp._give(seccomp.ALLOW)])


class Decoys:
    """What an attacker could reach from the victim's process and folder."""

    def __init__(self, folder: Path):
        self.folder, self.canaries = folder, [secrets.token_hex(12) for _ in range(2)]
        self._sockets = [
            socket.socket(family, kind)
            for family, kind in (
                (socket.AF_INET, socket.SOCK_STREAM),
                (socket.AF_INET, socket.SOCK_DGRAM),
                (socket.AF_UNIX, socket.SOCK_STREAM),
                (socket.AF_UNIX, socket.SOCK_STREAM),
            )
        ]
        tcp, udp, unix, abstract = self._sockets
        os.chdir(folder)
        for listener, address in (
            (tcp, ("127.0.0.1", 0)),
            (udp, ("127.0.0.1", 0)),
            (unix, "door"),
            (abstract, f"\0{self._name}"),
        ):
            listener.bind(address)
            listener.setblocking(False)
        for listener in (tcp, unix, abstract):
            listener.listen(16)

    @property
    def _name(self) -> str:
        return f"attacks-{os.getpid()}"

    def lay(self) -> None:
        """Put back what an attack may have taken or changed."""
        course = self.folder / "course"
        (course / "gradebook.db").write_text(f"marks {self.canaries[0]}")
        (self.folder / "home/.ssh/id").write_text(f"a key {self.canaries[1]}")
        for path in (*(self.folder / "outside").iterdir(), course / "sitecustomize.py"):
            path.unlink(missing_ok=True)

    def target(self) -> Target:
        course = self.folder / "course"
        questions, _ = load(course / "exercises" / SLUG / "checks", "tiny_numpy")
        first, second = (q.cases for q in questions if q.of == "center")
        public = [
            [case.inputs["x"].tolist(), case.expected.arrays["centered"].tolist(), [0.0] * 3]
            for case in first
        ] + [[case.inputs["x"].tolist(), [], case.expected.arrays["mu"].tolist()] for case in second]
        tcp, udp, *_ = self._sockets
        return Target(
            str(course),
            str(self.folder / "home"),
            str(self.folder / "outside"),
            os.getpid(),
            tcp.getsockname()[1],
            udp.getsockname()[1],
            str(self.folder / "door"),
            self._name,
            public,
        )

    def heard(self) -> list[str]:
        """Which listeners somebody has reached."""
        reached = []
        for name, listener in zip(("TCP", "UDP", "unix", "abstract"), self._sockets, strict=True):
            try:
                listener.recv(64) if name == "UDP" else listener.accept()[0].close()
                reached.append(name)
            except BlockingIOError:
                pass
        return reached

    def state(self) -> dict[str, Any]:
        """Everything that could have been changed outside, with mode, times and content."""
        found: dict[str, Any] = {}
        for root in (*(self.folder / name for name in ("course", "home/.ssh", "outside")), Path("/dev/shm")):
            for path in root.rglob("*") if root.name != "shm" else root.glob("*attack*"):
                at = path.lstat()
                text = (
                    path.read_bytes()
                    if path.is_file() and not path.is_symlink() and at.st_size < 1 << 20
                    else b""
                )
                found[str(path)] = (at.st_mode, at.st_mtime_ns, at.st_nlink, at.st_size, hash(text))
        return found


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def graded(unit: Unit, folder: Path, attacks: Iterable[Attack]) -> Seen:
    """The whole class side by side, honest students among the hostile, with one warm grader."""
    decoys, seen = Decoys(folder), Seen()
    decoys.lay()
    course = folder / "course"
    with Grader(unit, course, sandbox="tested") as grader:
        seen.namespaces = namespaces_of(grader._zygotes["numpy"])
        folders = dict(hand_in(unit, course, attacks, decoys))
        before = decoys.state()
        for result in grader.grade_class(folders, jobs=JOBS):
            seen.results[result.student] = told(result)
            if result.student.startswith("browser"):
                write_pages(result, unit, folder / "graded")
        seen.changed, seen.heard = changes(before, decoys.state()), decoys.heard()
    secret = (course / ".secret").read_text().strip()
    seen.canaries = [*decoys.canaries, secret, *ALWAYS]
    seen.left = [*left_running(), *map(str, (folder / "tmp").iterdir())]
    seen.megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return seen


def graded_unlocked(unit: Unit, folder: Path, attacks: Iterable[Attack]) -> Seen:
    """Each attack alone and without protection, to see that it is real; decoys are laid anew each time."""
    decoys, seen = Decoys(folder), Seen()
    unit = replace(unit, limits=PATIENT)
    with Grader(unit, folder / "course", sandbox="none", locked=False) as grader:
        zygote = grader._zygotes["numpy"]._process.pid
        for attack in attacks:
            if attack.works == UNLOCKED:
                shutil.rmtree(folder / "course/submitted", ignore_errors=True)
                decoys.lay()
                folders = dict(hand_in(unit, folder / "course", [attack], decoys))
                before = decoys.state()
                seen.results[attack.student] = told(grader.grade(attack.student, folders[attack.student]))
                seen.changed_by[attack.student] = [
                    *changes(before, decoys.state()),
                    *decoys.heard(),
                    *left_running(zygote),
                ]
    secret = (folder / "course/.secret").read_text().strip()
    seen.canaries = [*decoys.canaries, secret, *ALWAYS]
    return seen


def hand_in(
    unit: Unit, course: Path, attacks: Iterable[Attack], decoys: Decoys
) -> Iterator[tuple[str, Path]]:
    """Lay out the submissions, and name them by student; the honest ones stand among the others."""
    notebook, target = unit.notebooks[0], decoys.target()
    solved = release.notebook_json(notebook, solution=True)
    submitted = course / "submitted"
    waiting = list(HONEST)
    for student, (old, new, _) in HONEST.items():
        (submitted / student / SLUG).mkdir(parents=True)
        text = solved.replace(old, new).replace("Your answer.", "In a neighbour's own words.")
        (submitted / student / SLUG / "tiny_numpy.ipynb").write_text(text)
    hostile = list(attacks)
    for place, attack in enumerate(hostile):
        folder = submitted / attack.student / SLUG
        attack.write(folder, notebook, target)
        yield attack.student, folder
        if waiting and place * len(HONEST) >= (len(HONEST) - len(waiting)) * len(hostile):
            student = waiting.pop(0)
            yield student, submitted / student / SLUG
    for student in waiting:
        yield student, submitted / student / SLUG


def told(result: SubmissionResult) -> dict[str, Any]:
    """The record, and what is shown under the cells."""
    outputs = [output for n in result.notebooks for step in n.steps for output in step.outputs]
    return {"record": result.record(), "outputs": outputs, "cpu": result.cpu}


def write_pages(result: SubmissionResult, unit: Unit, folder: Path) -> None:
    from autograder.bridge.autograded import write_autograded
    from autograder.bridge.feedback import write_feedback

    write_autograded(result, unit, folder)
    write_feedback(result, unit, folder)


def namespaces_of(zygote: Zygote) -> list[str]:
    """The namespaces that the children of the zygote live in, other than ours."""
    found = []
    started = zygote._process.pid
    children = Path(f"/proc/{started}/task/{started}/children").read_text().split()
    first = children[0] if zygote.namespaces else started  # without, they are references, which hide
    for path in Path(f"/proc/{first}/ns").iterdir():
        if path.readlink() != Path(f"/proc/self/ns/{path.name}").readlink():
            found.append(path.name)
    return sorted(found)


def left_running(*besides: int) -> list[str]:
    """Children of this process, by birth or by the death of their parents; they are ended."""
    left = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(entry.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == os.getpid() and int(entry.parent.name) not in besides:
            left.append(entry.parent.name)
            os.kill(int(entry.parent.name), signal.SIGKILL)
            os.waitpid(int(entry.parent.name), 0)
    return left


if __name__ == "__main__":
    main(*sys.argv[1:])
