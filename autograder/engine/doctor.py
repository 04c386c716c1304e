"""Can this machine grade safely? Which layers it has, what each stops, and the remedy for what is missing."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from . import breach, landlock, namespaces, seccomp
from .syscalls import SandboxError, column

if TYPE_CHECKING:
    from rich.console import RenderableType

Level = Literal["A", "B", "none"]

STOPS = {
    "system": "everything below is built from it",
    "resource limits": "endless loops, too much memory, too big files, too many threads",
    "no_new_privs": "gaining rights through setuid programs",
    landlock.LAYER: "reading and writing files outside the allowed ones",
    "capabilities": "the powers of root",
    seccomp.LAYER: "programs, processes, sockets, changes of mode and owner, tracing, the rest of the kernel",
    "breach matrix": "nothing: it tries attacks in a real child and sees each one fail",
    "namespaces": "seeing the machine's users, processes, network, host name and mounts (a second wall)",
}
REMEDIES = {
    "system": "Grade on Linux, x86-64 or aarch64. On Windows, install WSL2 (`wsl --install`) and run the "
    "course in it; on macOS, run it in a Linux container (Docker, Podman or a virtual machine).",
    landlock.LAYER: "Use Linux 5.13 or later with Landlock enabled: add `landlock` to the boot parameter "
    "`lsm=` (`cat /sys/kernel/security/lsm` lists what is on). In a container, update its runtime: old "
    "seccomp profiles hide Landlock.",
    seccomp.LAYER: "Use a kernel built with CONFIG_SECCOMP_FILTER, as those of all common distributions are.",
    "breach matrix": "Do not grade here: the attacks were not all stopped. Report it with this output.",
    "namespaces": "For level A, allow unprivileged user namespaces: on Ubuntu 24.04 an AppArmor profile with "
    "`userns` for this Python; in a container, a seccomp profile that allows `unshare`, `mount` and "
    "`pivot_root`, and a /proc of which nothing is masked.",
}
ANY_OTHER = "Run the command outside of wrappers that change limits or rights, and see the reason given here."


@dataclass(frozen=True)
class Layer:
    """One layer: whether it is there, what it stops, and what was found."""

    name: str
    present: bool
    found: str

    @property
    def stops(self) -> str:
        return STOPS.get(self.name, "")

    @property
    def remedy(self) -> str:
        return "" if self.present else REMEDIES.get(self.name, ANY_OTHER)


@dataclass(frozen=True)
class Diagnosis:
    """The level at which this machine can grade: "A" all layers, "B" all but namespaces, or "none"."""

    level: Level
    layers: tuple[Layer, ...]
    breaches: tuple[breach.Result, ...] = ()

    @property
    def ok(self) -> bool:
        return self.level != "none"

    @property
    def missing(self) -> tuple[Layer, ...]:
        return tuple(layer for layer in self.layers if not layer.present)

    def sentence(self) -> str:
        """The verdict for a log or a refusal."""
        if self.level == "A":
            return "Sandbox level A: all layers are in place and every attack was stopped."
        names = ", ".join(layer.name for layer in self.missing)
        remedies = " ".join(layer.remedy for layer in self.missing)
        if self.level == "B":
            return f"Sandbox level B: every attack was stopped; without {names}. {remedies}"
        return f"No safe sandbox here: missing {names}. {remedies}"

    def render(self) -> RenderableType:
        """A table for the terminal."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table("Layer", "", "Stops", "Found")
        for layer in self.layers:
            mark = Text("yes", "green") if layer.present else Text("no", "red")
            table.add_row(layer.name, mark, layer.stops, layer.found)
        return Group(table, Text(self.sentence(), "green" if self.ok else "red"))


def diagnose() -> Diagnosis:
    """Look at the layers one by one, then try the attacks."""
    try:
        column()
    except SandboxError as error:
        return Diagnosis("none", (Layer("system", False, error.reason),))
    abi = landlock.version()
    layers = [
        Layer(landlock.LAYER, abi > 0, f"interface {abi}" if abi else "the kernel does not offer it"),
        Layer(
            seccomp.LAYER,
            seccomp.available(),
            "filters" if seccomp.available() else "the kernel has no filters",
        ),
    ]
    if not all(layer.present for layer in layers):
        return Diagnosis("none", tuple(layers))
    try:
        proof = breach.prove()
    except SandboxError as error:
        return Diagnosis("none", (*layers, Layer(error.layer, False, error.reason)))
    except (OSError, subprocess.TimeoutExpired) as error:
        return Diagnosis("none", (*layers, Layer("breach matrix", False, str(error))))
    return _judge(layers, proof)


def _judge(layers: list[Layer], proof: breach.Proof) -> Diagnosis:
    through = [result.name for result in proof.results if not result.stopped]
    tried = len(proof.results)
    safe = not through and tried > 0
    matrix = f"went through: {', '.join(through)}" if through else f"{tried} attacks, {tried} stopped"
    absent = sorted(namespaces.ALL - proof.namespaces)
    obtained = ", ".join(sorted(proof.namespaces))
    everything = (
        *(Layer(name, True, "set") for name in ("resource limits", "no_new_privs", "capabilities")),
        *layers,
        Layer("breach matrix", safe, matrix),
        Layer("namespaces", not absent, f"without {', '.join(absent)}" if absent else obtained),
    )
    level: Level = "none" if not safe else "B" if absent else "A"
    return Diagnosis(level, everything, tuple(proof.results))
