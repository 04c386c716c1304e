"""The doctor says whether grading is safe here, and names what is missing with its remedy."""

from __future__ import annotations

import io
import platform
import subprocess
import sys
import textwrap

import pytest
from rich.console import Console

from autograder.engine import breach, doctor, landlock, namespaces, seccomp
from autograder.engine.syscalls import SandboxError

linux = pytest.mark.skipif(platform.system() != "Linux", reason="looks at a Linux kernel")
STOPPED = breach.Result("fork", True, "seccomp", "Operation not permitted")
THROUGH = breach.Result("UDP", False, "", "it succeeded")


def shown(diagnosis: doctor.Diagnosis) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(diagnosis.render())
    return console.export_text()


@pytest.fixture
def healthy(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine with every layer, without asking the real one."""
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(landlock, "version", lambda: 6)
    monkeypatch.setattr(seccomp, "available", lambda: True)
    monkeypatch.setattr(breach, "prove", lambda: breach.Proof([STOPPED], namespaces.ALL))
    return monkeypatch


def test_all_layers_give_level_a(healthy):
    diagnosis = doctor.diagnose()
    assert (diagnosis.level, diagnosis.ok, diagnosis.missing) == ("A", True, ())


def test_without_user_namespaces_level_b_is_accepted_with_a_notice(healthy):
    healthy.setattr(breach, "prove", lambda: breach.Proof([STOPPED], frozenset()))
    diagnosis = doctor.diagnose()
    assert diagnosis.level == "B" and diagnosis.ok
    assert "namespaces" in diagnosis.sentence() and "AppArmor" in shown(diagnosis)


def test_without_landlock_it_refuses_and_names_it(healthy):
    healthy.setattr(landlock, "version", lambda: 0)
    diagnosis = doctor.diagnose()
    assert diagnosis.level == "none" and not diagnosis.ok
    assert [layer.name for layer in diagnosis.missing] == ["Landlock"]
    assert "lsm=" in diagnosis.sentence() and "Landlock" in shown(diagnosis)


def test_without_seccomp_it_refuses_and_names_it(healthy):
    healthy.setattr(seccomp, "available", lambda: False)
    assert [layer.name for layer in doctor.diagnose().missing] == ["seccomp"]


def test_one_attack_that_goes_through_means_no_grading(healthy):
    healthy.setattr(breach, "prove", lambda: breach.Proof([STOPPED, THROUGH], namespaces.ALL))
    diagnosis = doctor.diagnose()
    assert diagnosis.level == "none" and "UDP" in shown(diagnosis)


def test_no_attack_tried_proves_nothing(healthy):
    healthy.setattr(breach, "prove", lambda: breach.Proof([], namespaces.ALL))
    assert doctor.diagnose().level == "none"


def test_a_layer_that_fails_in_the_child_is_named(healthy):
    def fails() -> breach.Proof:
        raise SandboxError("capabilities", "not permitted")

    healthy.setattr(breach, "prove", fails)
    diagnosis = doctor.diagnose()
    assert diagnosis.level == "none" and diagnosis.missing[0].name == "capabilities"


@pytest.mark.parametrize(
    ("system", "machine"), [("Darwin", "arm64"), ("Windows", "AMD64"), ("Linux", "riscv64")]
)
def test_other_systems_are_refused_with_a_recipe(monkeypatch: pytest.MonkeyPatch, system: str, machine: str):
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    diagnosis = doctor.diagnose()
    assert (
        diagnosis.level == "none" and "WSL2" in diagnosis.sentence() and "container" in diagnosis.sentence()
    )


def test_modules_import_where_there_is_no_resource_and_no_fcntl():
    script = """
    import sys
    sys.modules["resource"] = sys.modules["fcntl"] = None
    import ctypes
    ctypes.CDLL = None
    from autograder.engine import breach, doctor, landlock, namespaces, sandbox, seccomp, syscalls
    import platform
    platform.system = lambda: "Windows"
    print(doctor.diagnose().level)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "none"


@linux
def test_this_machine_is_judged_by_what_it_does():
    if landlock.version() == 0:
        assert doctor.diagnose().level == "none"
        return
    diagnosis = doctor.diagnose()
    assert diagnosis.level in ("A", "B") and len(diagnosis.breaches) >= 20
