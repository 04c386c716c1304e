"""What a course cannot make anew comes back from a backup, byte for byte or mark for mark."""

from __future__ import annotations

import sqlite3
import stat
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from autograder.authoring.unit import Unit
from autograder.bridge.gradebook import Book
from autograder.classroom.backup import BackupError, write_backup
from autograder.classroom.marks import read_marks
from autograder.cli import main
from tests.bridge.conftest import make_result
from tests.conftest import SLUG


@pytest.fixture
def course(home: Path, unit: Unit) -> Path:
    with Book(home, unit) as book:
        book.write(make_result(unit, "ada"))
    (home / ".secret").write_text("5" * 64)
    work = home / "submitted" / "zoë" / SLUG / "tiny_numpy.ipynb"
    work.parent.mkdir(parents=True)
    work.write_text("{}")
    return home


def test_a_course_that_is_lost_comes_back(course: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    path, new = course / "b.zip", tmp_path_factory.mktemp("new")
    told = write_backup(course, path)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(new)
    assert (new / ".secret").read_text() == "5" * 64
    assert (new / "submitted" / "zoë" / SLUG / "tiny_numpy.ipynb").read_text() == "{}"
    assert read_marks(new, SLUG, []) == read_marks(course, SLUG, [])
    assert told == [".secret", "submitted: 1 files", "records: 0 files", "gradebook.db"]


def test_it_is_whole_while_somebody_writes_to_the_gradebook(course: Path, tmp_path: Path) -> None:
    with sqlite3.connect(course / "gradebook.db") as writer:
        writer.execute("update student set email = 'half written'")
        write_backup(course, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        archive.extract("gradebook.db", tmp_path / "out")
    saved = sqlite3.connect(tmp_path / "out" / "gradebook.db")
    assert saved.execute("pragma integrity_check").fetchone() == ("ok",)
    assert saved.execute("select email from student").fetchone() == (None,)


def test_it_is_for_its_owner_alone_and_replaces_none(course: Path) -> None:
    write_backup(course, course / "b.zip")
    assert stat.S_IMODE((course / "b.zip").stat().st_mode) == 0o600
    with pytest.raises(BackupError, match="exists already"):
        write_backup(course, course / "b.zip")


def test_the_command_names_its_file_by_the_date(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (course / "solutions").mkdir()
    (course / "pyproject.toml").touch()
    monkeypatch.chdir(course)
    done = CliRunner().invoke(main, ["backup"])
    assert done.exit_code == 0 and len(list((course / "backups").glob("20*.zip"))) == 1


def test_a_folder_in_which_nothing_was_graded_is_told(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match=r"There is no \.secret"):
        write_backup(tmp_path, tmp_path / "b.zip")
    assert list(tmp_path.iterdir()) == []
