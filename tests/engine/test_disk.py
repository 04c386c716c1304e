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


@pytest.fixture
def shown(grader, unit):
    """What is shown of a cell that would sleep for an hour after its work, and what it leaves behind."""
    patient = type(unit.limits)(cell_seconds=30, probe_seconds=30, submission_seconds=60)

    def run(source):
        session = Session(grader._zygotes["numpy"], grader._banks["tiny_numpy"], patient)
        step = Step("own-0", "own", "", f"{source}\nimport time; time.sleep(3600)")
        scratch = Path(session.dialogue.zygote._scratch.path)
        before = set(scratch.iterdir())
        try:
            session.cell(step)
        finally:
            session.dialogue.end()
        return step.outputs[0]["text"], sorted(set(scratch.iterdir()) - before)

    return run


def test_a_cell_that_fills_the_disk_is_ended_long_before_its_time(shown, grader):
    text, left = shown("[open(str(n), 'wb').write(bytes(60 << 20)) for n in range(5)]")
    bounded = "root" in grader._zygotes["numpy"].namespaces
    assert ("No space left on device" if bounded else disk.TOO_MUCH) in text
    assert left == []


def test_files_that_were_deleted_while_open_count_too(shown, grader):
    if "root" not in grader._zygotes["numpy"].namespaces:
        pytest.skip("only a folder that is a file system of its own knows them")
    text, _ = shown(
        "import os\nkept = []\nfor n in range(6):\n"
        "    kept.append(open('a', 'wb', buffering=0)); os.unlink('a'); kept[-1].write(bytes(60 << 20))"
    )
    assert "No space left on device" in text
