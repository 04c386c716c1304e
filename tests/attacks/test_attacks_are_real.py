"""The same hand-ins succeed where protection is missing: otherwise "nothing gained" would mean nothing."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.attacks.attack import GAINED, NOWHERE, PAGE, STOCK, UNLOCKED
from tests.attacks.catalogue import ATTACKS, BY_STUDENT
from tests.attacks.classroom import Seen
from tests.attacks.conftest import run_module
from tests.attacks.stock import HONEST, gained

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the engine forks and needs Linux"),
]
ROOT_USER = os.getuid() == 0


def test_every_group_is_proved_and_most_attacks_are() -> None:
    real = Counter(a.group for a in ATTACKS if a.works != NOWHERE)
    assert set(real) == {a.group for a in ATTACKS}
    assert sum(real.values()) > 0.7 * len(ATTACKS)


def test_an_engine_without_its_locks_is_robbed(seen_in: Callable[[str], Seen]) -> None:
    seen = seen_in(f"{'root' if ROOT_USER else 'me'} without unlocked machine")
    expected = {a.student for a in ATTACKS if a.works == UNLOCKED and (ROOT_USER or a.by == "anyone")}
    robbed = {
        student
        for student, result in seen.results.items()
        if seen.changed_by[student] or any(w in json.dumps(result) for w in (GAINED, *seen.canaries))
    }
    assert expected - robbed == set()


def test_a_grader_as_usual_and_a_page_as_usual_are_deceived(built_course: Path, place: Path) -> None:
    shutil.copytree(built_course, place / "course-of-stock")
    (place / "stock").mkdir()
    found = json.loads(
        run_module("tests.attacks.stock", str(place / "course-of-stock"), str(place / "stock"))
    )
    assert not any(gained(HONEST, tried) for tried in found.pop(HONEST.student))
    assert set(found) == {a.student for a in ATTACKS if a.works in (STOCK, PAGE)}
    assert [s for s, tried in found.items() if not any(gained(BY_STUDENT[s], t) for t in tried)] == []
