"""A submission that travelled is read like one that stayed at home."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autograder.authoring import release
from autograder.cluster import parcel
from autograder.engine import reading
from autograder.engine.beside import find_beside
from autograder.engine.reading import find_notebooks
from tests.attacks.attack import Target
from tests.attacks.catalogue import BY_STUDENT

TARGET = Target("/course", "/home/nobody", "/tmp", 1, 1, 1, "unix", "abstract", [])
HANDED_IN_ODDLY = [
    "tampering-a-symbolic-link-out",
    "tampering-a-link-to-a-device",
    "tampering-a-pipe",
    "tampering-an-archive-that-climbs",
    "tampering-cells-twice",
    "tampering-modules-beside-the-notebook",
    "browser-the-name-of-the-file",
]


def there_and_back(folder, unit, tmp_path):
    """What grading reads in the folder, at home and after the journey."""
    packed = parcel.pack(folder, [n.name for n in unit.notebooks])
    parcel.unpack(packed.entries, tmp_path / "there")
    return find_notebooks(folder, unit.notebooks), find_notebooks(tmp_path / "there", unit.notebooks), packed


@pytest.mark.parametrize("name", HANDED_IN_ODDLY)
def test_what_was_handed_in_oddly_is_read_alike_here_and_there(name, unit, tmp_path):
    for neighbour in ("course/submitted/victim", "outside"):
        (tmp_path / neighbour).mkdir(parents=True)
    BY_STUDENT[name].write(tmp_path / "student" / "unit", unit.notebooks[0], TARGET)
    at_home, away, packed = there_and_back(tmp_path / "student" / "unit", unit, tmp_path)
    assert away == at_home and not packed.troubles


def test_a_renamed_notebook_in_a_folder_of_its_own_is_found_after_the_journey(unit, tmp_path):
    text = release.notebook_json(unit.notebooks[0], solution=True)
    folder = tmp_path / "student" / "unit"
    (folder / "my work").mkdir(parents=True)
    (folder / "my work" / "最終版 (2).ipynb").write_text(text)
    (folder / "data.csv").write_text("1,2,3")
    at_home, away, packed = there_and_back(folder, unit, tmp_path)
    assert away == at_home and "tiny_numpy" in away[0]
    assert packed.nbytes == len(text.encode()), "of other files only the names travel"


def test_a_module_beside_the_notebook_travels_with_it(unit, tmp_path):
    folder = tmp_path / "student" / "unit"
    (folder / "lib").mkdir(parents=True)
    (folder / "helpers.py").write_text("A = 1\n")
    (folder / "lib" / "helpers.py").write_text("A = 2\n")
    there_and_back(folder, unit, tmp_path)
    assert find_beside(tmp_path / "there", 0) == find_beside(folder, 0) == ({"helpers.py": b"A = 1\n"}, [])


def test_a_name_that_is_no_text_travels_too(unit, tmp_path):
    folder = tmp_path / "student" / "unit"
    folder.mkdir(parents=True)
    (folder / os.fsdecode(b"caf\xe9.ipynb")).write_text("{}")
    at_home, away, _ = there_and_back(folder, unit, tmp_path)
    assert away == at_home


def test_a_file_that_is_too_large_is_told_and_stays_at_home(unit, tmp_path):
    folder = tmp_path / "student" / "unit"
    folder.mkdir(parents=True)
    with (folder / "tiny_numpy.ipynb").open("wb") as file:
        file.truncate(reading.MAX_FILE + 1)
    at_home, away, packed = there_and_back(folder, unit, tmp_path)
    assert away == at_home and "larger than 32 MB" in away[1][0]
    assert packed.nbytes == 0


def test_a_file_of_holes_is_no_larger_there_than_it_must_be_to_be_refused(unit, tmp_path):
    """Else a worker whose file system knows no such sizes stumbles, and so does the next one."""
    with (tmp_path / "tiny_numpy.ipynb").open("wb") as file:
        file.truncate(1 << 40)
    ((_, size, content),) = parcel.pack(tmp_path, []).entries
    assert (size, content) == (reading.MAX_FILE + 1, b"")


def test_of_many_large_files_the_one_that_is_asked_for_travels(unit, tmp_path, monkeypatch):
    monkeypatch.setattr(parcel, "MAX_BYTES", 10_000)
    folder = tmp_path / "student" / "unit"
    folder.mkdir(parents=True)
    (folder / "a first one.ipynb").write_bytes(b"1" * 9_000)
    (folder / "tiny_numpy.ipynb").write_bytes(b"2" * 9_000)
    packed = parcel.pack(folder, ["tiny_numpy"])
    assert [name for name, _, _ in packed.entries] == [b"tiny_numpy.ipynb"]
    assert "a first one.ipynb was left out" in packed.troubles[0]


def test_no_more_files_travel_than_grading_looks_at(tmp_path, monkeypatch):
    monkeypatch.setattr(parcel, "MAX_FILES", 3)
    for number in range(9):
        (tmp_path / f"{number}.ipynb").write_text("{}")
    assert len(parcel.pack(tmp_path, []).entries) == 3


def test_a_name_that_a_terminal_would_obey_is_told_without_that(tmp_path, monkeypatch):
    monkeypatch.setattr(parcel, "MAX_BYTES", 1)
    (tmp_path / "\x1b[2J\u202eevil.ipynb").write_text("{}")
    (told,) = parcel.pack(tmp_path, []).troubles
    assert told.startswith("evil.ipynb was left out")


def test_what_may_not_be_read_is_told_by_the_reason(tmp_path, monkeypatch):
    (tmp_path / "tiny_numpy.ipynb").write_text("{}")

    def refused(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refused)
    packed = parcel.pack(tmp_path, ["tiny_numpy"])
    assert packed.troubles == ["tiny_numpy.ipynb cannot be read (Permission denied): hand it in again."]
