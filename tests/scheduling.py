"""Which tests share a process when they run on several cores."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parent.parent
UNITS = [folder.name for folder in (ROOT / "solutions").glob("*")]
NOTEBOOKS = [path.stem for path in (ROOT / "solutions").glob("*/*_*.py")]
UNIT, NOTEBOOK = (re.compile(rf"\[.*?({'|'.join(names)})") for names in (UNITS, NOTEBOOKS))
SOLVED = re.compile(r'^SOLVED = \(".*", "(\w+)"\)', re.MULTILINE)


class ByWhatIsSolved(LoadScopeScheduling):
    """Tests that ask about one notebook stay together, whatever their file: to solve it takes long.

    So do those of one unit in a file that asks every unit, and the tests of any other file."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        about = _solved_in(file) or NOTEBOOK.search(test)
        if about:
            return about[1]
        unit = UNIT.search(test)
        return f"{file} {unit[1]}" if unit else file


@cache
def _solved_in(file: str) -> re.Match[str] | None:
    return SOLVED.search((ROOT / file).read_text(encoding="utf-8"))
