"""What the guides tell people to type works, in the order in which they tell it."""

from __future__ import annotations

import csv
import shutil
import zipfile
from functools import cache
from pathlib import Path

import pytest

from autograder import grading
from autograder.authoring.build import load_built
from autograder.authoring.sample import make_class
from autograder.authoring.unit import read_unit
from autograder.authoring.verify import verify
from tests.conftest import ROOT, SLUG, write_course
from tests.guides.following import blocks, follow

SETTINGS = ("pyproject.toml", "nbgrader_config.py", "constraints.txt", "LICENSE")


@pytest.fixture(scope="module")
def term(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with the tiny unit, a class's zip from Moodle, and the list of its participants."""
    root = write_course(tmp_path_factory.mktemp("term") / "course")
    for name in SETTINGS:
        shutil.copy(ROOT / name, root)
    for package in ("autograder", "lab"):
        (root / package).symlink_to(ROOT / package)
    students = [plan.student for plan in make_class(load_built(root, SLUG), 4, 1, root / "class")]
    right = next(s for s in students if "raise Not" not in _work(root, s))
    names = {student: "ada" if student == right else f"s{number}" for number, student in enumerate(students)}
    with zipfile.ZipFile(root / "submissions.zip", "w") as archive:
        for number, student in enumerate(students):
            for path in (root / "class" / student / SLUG).iterdir():
                archive.write(path, f"{student.title()}_{number}_assignsubmission_file_/{path.name}")
    with (root / "participants.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["First name", "Last name", "Username"])
        table.writerows([*student.title().rsplit("-", 1), name] for student, name in names.items())
    return root


def _work(root: Path, student: str) -> str:
    return "".join(p.read_text(encoding="utf-8-sig") for p in (root / "class" / student / SLUG).iterdir())


def test_the_instructors_guide_from_a_class_to_the_end_of_a_term(
    term: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(term)
    monkeypatch.setattr(grading, "sandbox_level", cache(grading.sandbox_level))  # a second each time
    said = {}
    for block in blocks("instructors.md"):
        block = block.replace("02-batchnorm", SLUG)
        if block.startswith("autograder build"):
            _correct(term / "solutions" / SLUG)
        said[block] = follow(block, term)

    def of(word: str) -> str:
        return " ".join(next(text for block, text in said.items() if word in block).split())

    assert "4 new, 0 replaced, 0 unchanged." in of("collect")
    assert "4 submissions: 4 graded now" in of("autograder grade")
    assert "so tell them: ada" in of("--dry-run")
    assert "nothing was removed" in of("forget ada").lower()
    assert (term / "dist" / f"{SLUG}.zip").exists() and (term / "reports" / f"{SLUG}.html").exists()
    assert (term / "exports" / f"{SLUG}-moodle.csv").read_text().count("\n") == 5
    with zipfile.ZipFile(term / "exports" / "feedback-ada.zip") as archive:
        assert any(name.endswith("/tiny_numpy.html") for name in archive.namelist())
    with zipfile.ZipFile(next((term / "backups").glob("*.zip"))) as archive:
        assert {".secret", "gradebook.db", "extensions.csv"} <= set(archive.namelist())
    assert not (term / "submitted" / "ada").exists()


def _correct(unit: Path) -> None:
    """A check was wrong: another answer is the right one now."""
    for name in ("tiny_numpy.py", "mistakes.toml"):
        text = (unit / name).read_text(encoding="utf-8").replace("x.mean(axis=0)", "x.max(axis=0)")
        (unit / name).write_text(text, encoding="utf-8")


def test_the_authors_guide_ends_with_a_unit_that_is_proved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`verify` takes 20 seeds where a few show here whether the page's pieces fit together."""
    root = write_course(tmp_path / "course")
    monkeypatch.chdir(root)
    follow(blocks("authors.md")[0].splitlines(keepends=True)[0], root)
    exercise, probes = blocks("authors.md", "python")
    (mistakes,) = blocks("authors.md", "toml")
    for name, more in {"clipping_numpy.py": exercise, "checks.py": probes, "mistakes.toml": mistakes}.items():
        path = root / "solutions" / "77-clipping" / name
        path.write_text(f"{path.read_text(encoding='utf-8')}\n\n{more}", encoding="utf-8")
    unit = read_unit(root, "77-clipping")
    assert verify(unit, seeds=2).faults == []
    assert unit.notebooks[0].exercises == ["squared_error", "clip_by_norm"]


def test_the_table_of_attacks_is_that_of_the_benchmark() -> None:
    measured = (ROOT / "benchmarks/results/attacks.md").read_text("utf-8").split("\n\n")[2]
    assert measured.startswith("| group | hand-ins |")
    assert measured in (ROOT / "book/guides/instructors.md").read_text("utf-8")
