"""Is the same installed on two machines? Otherwise a class would be graded by two engines."""

from __future__ import annotations

from collections.abc import Mapping

from autograder.engine.versions import PACKAGE


def difference(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    """In words, what is installed there in another version than here; nothing where all is the same."""
    said = []
    for name, version in here.items():
        other = there.get(name, "none")
        if other != version:
            said.append(f"another version of {name}" if name == PACKAGE else f"{name} {other}, not {version}")
    return " and ".join(said)
