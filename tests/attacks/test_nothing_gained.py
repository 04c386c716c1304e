"""0 of all attacks gain anything: at level A and B, as root and as an ordinary user."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.attack import GAINED, Attack
from tests.attacks.catalogue import ATTACKS, BY_STUDENT
from tests.attacks.classroom import HONEST, Seen
from tests.bridge.pages import Page
from tests.bridge.test_markdown import Page as Rendered
from tests.bridge.test_markdown import rendered

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the engine forks and needs Linux"),
]

GROUPS = {"stealing", "forging", "tampering", "resources", "network", "kernel", "browser"}
ME = "root" if os.getuid() == 0 else "me"
SETTINGS = {
    "A": f"{ME} with locked all",
    "B": f"{ME} without locked machine",
    "A as an ordinary user": "nobody with locked machine",
    "B as an ordinary user": "nobody without locked machine",
}
MEGABYTES = 700  # that the grading process may take, all hand-ins together


@pytest.fixture(params=SETTINGS, scope="module")
def setting(request: pytest.FixtureRequest) -> str:
    if ME != "root" and "ordinary" in request.param:
        pytest.skip("the other settings run as an ordinary user already")
    return SETTINGS[request.param]


@pytest.fixture
def seen(setting: str, seen_in: Callable[[str], Seen]) -> Seen:
    return seen_in(setting)


def shown(result: dict) -> str:
    return json.dumps([result["record"], result["outputs"]], ensure_ascii=False)


def test_there_are_enough_attacks_and_each_says_what_it_would_gain() -> None:
    assert len(ATTACKS) >= 60
    assert {a.group for a in ATTACKS} == GROUPS
    assert all(a.gains for a in ATTACKS)


def test_each_setting_meets_at_least_sixty(seen: Seen) -> None:
    assert len(seen.results.keys() - HONEST.keys()) >= 60


def test_the_setting_is_what_it_says(setting: str, seen: Seen) -> None:
    """Otherwise two of the four would be the same."""
    if " without " in setting:
        assert seen.namespaces == []
    elif not seen.namespaces:
        pytest.skip("this machine gives no namespaces to this user")
    else:
        assert {"ipc", "mnt", "net", "pid", "user", "uts"} <= set(seen.namespaces)


def test_no_attack_earns_a_point_more_than_its_honest_part(seen: Seen) -> None:
    marks = {s: r["record"]["points"] for s, r in seen.results.items() if s not in HONEST}
    assert marks == {student: BY_STUDENT[student].points for student in marks}
    assert {r["record"]["max_points"] for r in seen.results.values()} == {10}


def test_no_attack_brings_home_what_it_went_for(seen: Seen) -> None:
    loot = [GAINED, *seen.canaries]
    brought = {s: [w for w in loot if w in shown(r)] for s, r in seen.results.items()}
    assert {s: words for s, words in brought.items() if words} == {}


def test_the_neighbours_are_graded_right(seen: Seen) -> None:
    marks = {student: seen.results[student]["record"]["points"] for student in HONEST}
    assert marks == {student: points for student, (*_, points) in HONEST.items()}


def test_nothing_outside_was_changed_and_nobody_was_called(seen: Seen) -> None:
    assert (seen.changed, seen.heard) == ([], [])


def test_nothing_is_left_running_and_no_scratch_folder_stays(seen: Seen) -> None:
    assert seen.left == []


def test_the_grading_process_stays_small(seen: Seen) -> None:
    assert seen.megabytes < MEGABYTES


def test_the_record_tells_a_true_reason(seen: Seen) -> None:
    told = {s: BY_STUDENT[s].tells for s in seen.results if s not in HONEST}
    silent = {
        s: shown(seen.results[s])[-600:]
        for s, words in told.items()
        if not re.search(words, shown(seen.results[s]))
    }
    assert silent == {}
    odd = [s for s, r in seen.results.items() if hostile_characters("".join(texts(r["record"])))]
    assert odd == []
    unforeseen = [s for s, r in seen.results.items() if "The engine could not grade" in r["record"]["reason"]]
    assert unforeseen == []


READ = [a for a in ATTACKS if a.group == "browser"]


@pytest.mark.parametrize("attack", READ, ids=lambda a: a.name)
def test_nothing_runs_in_the_readers_browser(
    attack: Attack, seen_in: Callable[[str], Seen], place: Path
) -> None:
    seen_in(SETTINGS["A"])
    folder = place / SETTINGS["A"].replace(" ", "-") / "graded"
    page = (folder / "feedback" / attack.student / "77-tiny/tiny_numpy.html").read_text("utf-8")
    notebook = json.loads(
        (folder / "autograded" / attack.student / "77-tiny/tiny_numpy.ipynb").read_text("utf-8")
    )
    assert Page(page).dangers == []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            assert Rendered(rendered("".join(cell["source"]))).faults == []
        for output in cell.get("outputs", []):
            assert output["output_type"] in ("stream", "display_data", "execute_result")
            data = output.get("data", {})
            assert set(data) <= {"text/plain", "text/html", "image/png"}
            assert Page(data.get("text/html", "")).dangers == []
            assert re.fullmatch(r"(iVBORw0KGgo[A-Za-z0-9+/=]+)?", data.get("image/png", ""))
            assert not hostile_characters(output.get("text", "") + data.get("text/plain", ""))


def texts(told: Any) -> Iterator[str]:
    """All texts of a record."""
    if isinstance(told, str):
        yield told
    for part in told.values() if isinstance(told, dict) else told if isinstance(told, list) else ():
        yield from texts(part)


def hostile_characters(text: str) -> list[str]:
    """Those that a terminal obeys, or that turn the order of what is read."""
    return [c for c in text if c not in "\n\t" and not c.isprintable()]
