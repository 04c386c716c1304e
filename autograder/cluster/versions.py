"""Is the same installed on two machines? Otherwise a class would be graded by two engines."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

import autograder
import lab

LIBRARIES = ("numpy", "torch", "ipython")
PACKAGE = "the course's package"
CODE = (".py", ".j2")


@cache
def versions() -> dict[str, str]:
    """What a mark may depend on: Python, libraries, and a digest of the code of this package."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"Python": python} | {name: _version(name) for name in LIBRARIES} | {PACKAGE: _code()}


def difference(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    """In words, what is installed there in another version than here; nothing where all is the same."""
    said = []
    for name, version in here.items():
        other = there.get(name, "none")
        if other != version:
            said.append(f"another version of {name}" if name == PACKAGE else f"{name} {other}, not {version}")
    return " and ".join(said)


def _version(name: str) -> str:
    try:
        return metadata.version(name).partition("+")[0]
    except metadata.PackageNotFoundError:
        return "none"


def _code() -> str:
    """Not of the released checks, which a wheel holds too: these travel with the unit."""
    digest = hashlib.sha256()
    for package in (autograder, lab):
        place = Path(str(package.__file__)).parent
        for path in sorted(p for p in place.rglob("*.*") if p.suffix in CODE):
            name = path.relative_to(place).as_posix()
            if not name.startswith("released/"):
                digest.update(f"{package.__name__}/{name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
