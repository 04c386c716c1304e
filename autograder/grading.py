"""`autograder grade`: prove the sandbox, then grade a class into gradebook, notebooks, pages and records."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.authoring.build import load_built

if TYPE_CHECKING:
    from autograder.batch.run import Options, Outcome


class Refused(ValueError):
    """Grading does not start, for the reason in the message."""


def grade_unit(
    root: Path, slug: str, submitted: Path, *, target: Path, options: Options | None = None
) -> Outcome:
    """Grade `submitted/<student>/<slug>/` into `target`; the gradebook is written by this process alone."""
    if sys.platform != "linux":
        raise Refused(
            "Grading needs Linux (fork and its sandbox): use WSL2 on Windows, or a Linux container."
        )
    from autograder.batch.lock import alone
    from autograder.batch.run import Options, Run

    options = options or Options()
    with alone(target):
        level = options.level or (sandbox_level() if options.locked else "none")
        return Run(root, load_built(root, slug), submitted, target, level, options).go()


def sandbox_level() -> str:
    """The level that the breach matrix proves on this machine; Refused below B."""
    from autograder.engine.doctor import diagnose

    diagnosis = diagnose()
    if not diagnosis.ok:
        raise Refused(
            f"{diagnosis.sentence()} Run `autograder doctor` for details, "
            "or say --sandbox=none to grade without protection."
        )
    return diagnosis.level
