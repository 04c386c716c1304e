"""A built unit as bytes, named by its digest: all that a worker needs to grade it.

It holds solutions and the course's secret: it goes to workers that the instructor trusts, over Dask's own
connections, and lies in files for a moment only."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from autograder.authoring.unit import Unit
from autograder.engine import secret
from autograder.engine.grade import Grader
from autograder.engine.versions import versions


@dataclass(frozen=True)
class Shipment:
    """content: JSON; digest: of the content. locked: are submissions to be graded in the sandbox?"""

    digest: str
    content: bytes
    locked: bool


def pack(unit: Unit, root: Path, *, locked: bool) -> Shipment:
    """What grading `unit` of the course at `root` needs."""
    checks = root / "exercises" / unit.slug / "checks"
    plain = {
        "unit": unit.to_json(),
        "secret": secret.course_secret(root).hex(),
        "checks": {p.name: b64encode(p.read_bytes()).decode() for p in sorted(checks.glob("*.*"))},
        "versions": versions(),
        "locked": locked,
    }
    content = json.dumps(plain, sort_keys=True).encode()
    return Shipment(hashlib.sha256(content).hexdigest(), content, locked)


def warm_grader(content: bytes, sandbox: str) -> Grader:
    """A grader for the unit in `content`, which reads its files while it starts and never again."""
    plain = json.loads(content)
    unit = Unit.from_json(plain["unit"])
    with TemporaryDirectory(prefix="autograder-") as folder:
        root = Path(folder)
        checks = root / "exercises" / unit.slug / "checks"
        checks.mkdir(parents=True)
        for name, text in plain["checks"].items():
            (checks / name).write_bytes(b64decode(text))
        (root / secret.NAME).touch(0o600)
        (root / secret.NAME).write_text(plain["secret"])
        return Grader(unit, root, sandbox=sandbox, locked=plain["locked"])
