"""A submission writes as much as it may, and is ended for more, with the reason told."""

import sys
from pathlib import Path

import pytest

from autograder.engine import disk
from autograder.engine.session import Session
from autograder.engine.submission import Step

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the engine forks and needs Linux")


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(disk, "MAX_BYTES", 100_000)
    monkeypatch.setattr(disk, "MAX_FILES", 10)


def test_what_is_in_a_folder_counts_together(small, tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(3):
        (tmp_path / "in" / str(number)).write_bytes(bytes(20_000))
    assert not disk.full(str(tmp_path))
    (tmp_path / "more").write_bytes(bytes(50_000))
    assert disk.full(str(tmp_path))


def test_a_file_that_is_all_hole_takes_no_room(small, tmp_path):
    with (tmp_path / "hole").open("wb") as file:
        file.truncate(1 << 30)
    assert not disk.full(str(tmp_path))


def test_too_many_files_are_too_much_whatever_is_in_them(small, tmp_path):
    for number in range(11):
        (tmp_path / str(number)).touch()
    assert disk.full(str(tmp_path))


def test_links_are_not_followed_and_a_folder_that_is_gone_is_empty(small, tmp_path):
    (tmp_path / "up").symlink_to("/")
    assert not disk.full(str(tmp_path))
    assert not disk.full(str(tmp_path / "gone"))


def test_a_cell_that_fills_the_disk_is_ended_long_before_its_time(grader, unit):
    """It would sleep for an hour afterwards: only the engine can end it."""
    patient = type(unit.limits)(cell_seconds=600, probe_seconds=600, submission_seconds=600)
    session = Session(grader._zygotes["numpy"], grader._banks["tiny_numpy"], patient)
    fill = "[open(str(n), 'wb').write(bytes(60 << 20)) for n in range(5)]\nimport time; time.sleep(3600)"
    step = Step("own-0", "own", "", fill)
    try:
        session.cell(step)
        folder = Path(session.dialogue.zygote._scratch.path)
    finally:
        session.dialogue.end()
    assert disk.TOO_MUCH in step.outputs[0]["text"]
    assert list(folder.iterdir()) == []
