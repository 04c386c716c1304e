"""A wheel of the student's side alone: checks and given code; no engine, no gradebook, no build."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

# What goes in is named; what is not named stays out.
MODULES = (
    *("__init__", "compare", "probes", "report", "running", "selfcheck"),
    *("store", "student", "takeover", "verdict"),
    *("commands/__init__", "commands/common", "commands/check", "commands/student", "commands/update"),
)
EXTRAS = ("course", "lab")


class HandoutError(ValueError):
    """The bundle cannot be made, for the reason in the message."""


def build_wheel(root: Path, units: Iterable[str], out: Path) -> Path:
    """The wheel, in `out`, with the public checks of `units`; the same files give the same bytes."""
    try:
        from hatchling.builders.wheel import WheelBuilder
    except ModuleNotFoundError:
        raise HandoutError("The wheel is built with hatchling: python -m pip install hatchling.") from None
    if not (root / "autograder" / "student.py").exists():
        raise HandoutError(f"There is no autograder/ in {root}: a bundle is made in the course's repository.")
    config = student_side(tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")), units)
    builder = WheelBuilder(str(root), config=config)
    return Path(next(iter(builder.build(directory=str(out), versions=["standard"]))))


def student_side(config: dict[str, Any], units: Iterable[str]) -> dict[str, Any]:
    """The project's settings, cut down to what students get."""
    project = {k: v for k, v in config["project"].items() if k != "readme"}
    extras = project.get("optional-dependencies", {})
    project["optional-dependencies"] = {name: extras[name] for name in EXTRAS if name in extras}
    project["scripts"] = {"autograder": "autograder.commands.student:main"}
    modules = [f"/autograder/{name}.py" for name in MODULES]
    checks = [f"/exercises/{unit}/checks/" for unit in units]
    wheel = {
        "include": [*modules, "/autograder/py.typed", "/lab/", *checks],
        "sources": {"exercises": "autograder/released"},
    }
    return {**config, "project": project, "tool": {"hatch": {"build": {"targets": {"wheel": wheel}}}}}
