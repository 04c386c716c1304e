"""What a killed run leaves on the disk is removed by the next one, and nothing that a living one needs."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from autograder.bridge.files import remove_leftovers, write_whole

pytestmark = pytest.mark.skipif(os.uname().sysname != "Linux", reason="the engine forks and needs Linux")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left_by_a_killed_process() -> str:
    """A scratch folder with a file in it, whose process was killed."""
    from autograder.engine.scratch import Scratch

    ready, told = os.pipe()
    child = os.fork()
    if child == 0:
        scratch = Scratch()
        (Path(scratch.path) / "half.npy").write_bytes(b"0")
        os.write(told, scratch.path.encode())
        os.kill(os.getpid(), 9)
    os.close(told)
    os.waitpid(child, 0)
    with os.fdopen(ready) as said:
        return said.read()


def test_folders_of_killed_processes_are_removed(place: Path) -> None:
    from autograder.engine.scratch import Scratch, sweep

    left = left_by_a_killed_process()
    with Scratch() as used:
        assert Path(left).is_dir()
        sweep()
        assert [str(p) for p in place.iterdir()] == [used.path]
    assert list(place.iterdir()) == []


def test_folders_that_may_not_be_listed_are_removed(place: Path) -> None:
    """A submission may make such ones; root may list them all, so this is somebody else."""
    from autograder.engine.scratch import remove

    place.chmod(0o777)
    for folder in place.parents:
        if folder.stat().st_mode & 0o001 == 0:
            folder.chmod(0o711)
    child = os.fork()
    if child == 0:
        try:
            if os.getuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            within = place / "scratch" / "closed" / "within"
            within.mkdir(parents=True)
            for folder in (within, within.parent):
                (folder / "waste").write_bytes(b"0")
                folder.chmod(0o300)
            remove(str(place / "scratch"))
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert list(place.iterdir()) == []


def test_folders_and_links_of_others_stay(place: Path) -> None:
    from autograder.engine.scratch import PREFIX, sweep

    (place / "autograder-notes").mkdir()
    (place / "target").mkdir()
    (place / f"{PREFIX}link").symlink_to(place / "target")
    (place / f"{PREFIX}file").write_text("keep")
    sweep()
    assert len(list(place.iterdir())) == 4


def test_a_folder_that_was_taken_away_before_it_was_locked_is_made_again(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from autograder.engine.scratch import Scratch

    made: list[str] = []
    make = tempfile.mkdtemp

    def swept_once(**options: str) -> str:
        made.append(make(**options))
        if len(made) == 1:
            Path(made[0]).rmdir()
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", swept_once)
    with Scratch() as scratch:
        assert (len(made), scratch.path) == (2, made[1]) and Path(scratch.path).is_dir()


def test_half_written_files_of_dead_processes_are_removed(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    for name in (f".page.html.{child}", ".page.html.1", ".gitignore", f"page.html.{child}"):
        (tmp_path / name).write_text("half")
    write_whole(tmp_path / "page.html", "whole")
    remove_leftovers(tmp_path)
    kept = {".page.html.1", ".gitignore", f"page.html.{child}", "page.html"}
    assert {p.name for p in tmp_path.iterdir()} == kept
