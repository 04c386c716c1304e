"""Which tests share a process when they run on several cores."""

from __future__ import annotations

import re
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

SOLUTIONS = Path(__file__).parent.parent / "solutions"
UNITS_AND_NOTEBOOKS = [p.stem for p in (*SOLUTIONS.glob("*"), *SOLUTIONS.glob("*/*_*.py"))]
ASKED = re.compile(rf"\[.*?({'|'.join(UNITS_AND_NOTEBOOKS)})")


class ByFileAndUnit(LoadScopeScheduling):
    """The tests of a file share fixtures and stay together; those that ask every unit, unit by unit."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        asked = ASKED.search(test)
        return f"{file} {asked[1]}" if asked else file
