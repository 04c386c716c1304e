"""What students get works by itself on a fresh machine, and holds nothing that they must not have."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from autograder.authoring.build import load_built
from autograder.authoring.release import notebook_json
from autograder.authoring.unit import Unit, read_unit, slugs
from autograder.cli import main
from autograder.handout.bundle import howto, howto_page, write_bundle
from autograder.handout.wheel import HandoutError, build_wheel
from tests.conftest import ROOT
from tests.units.kept_back import files, leaks, secrets, texts

SLUG = "02-batchnorm"
Student = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def unit() -> Unit:
    return load_built(ROOT, SLUG)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of one unit, unpacked as a student unpacks it."""
    place = tmp_path_factory.mktemp("bundle")
    write_bundle(ROOT, [SLUG], place / "handout.zip")
    with zipfile.ZipFile(place / "handout.zip") as archive:
        archive.extractall(place)
    return place / "handout"


@pytest.fixture(scope="module")
def student(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Student:
    """Run a program of a fresh environment, with the wheel and the packages of this one, and no network."""
    home = tmp_path_factory.mktemp("home")
    venv.create(home / ".venv", with_pip=False)
    python = home / ".venv" / "bin" / "python"
    site = next((home / ".venv" / "lib").glob("*/site-packages"))
    (site / "others.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}

    def run(program: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
        command = [python.with_name(program), *words]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)

    wheel = next(folder.glob("*.whl"))
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel]
    done = subprocess.run(pip, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    where = run("python", "-c", "import autograder, lab; print(autograder.__file__, lab.__file__)").stdout
    assert where.count(str(site)) == 2, where
    return run


def test_a_fresh_notebook_is_checked_and_nothing_is_attempted(student: Student, unit: Unit) -> None:
    done = student("autograder", "check", f"{SLUG}/batchnorm_numpy.ipynb")
    wanted = len(unit.notebook("batchnorm_numpy").exercises)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.count("not attempted yet") == wanted
    assert f"0 of {wanted} exercises pass" in done.stdout


def test_a_right_notebook_passes_every_check(student: Student, unit: Unit, folder: Path) -> None:
    notebook = unit.notebook("batchnorm_numpy")
    path = folder / SLUG / "right.ipynb"
    path.write_text(notebook_json(notebook, solution=True), encoding="utf-8")
    done = student("autograder", "check", path)
    path.unlink()
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(notebook.exercises)} of {len(notebook.exercises)} exercises pass" in done.stdout


def test_students_get_two_commands_and_no_engine(student: Student) -> None:
    listed = student("autograder", "--help").stdout.partition("Commands:")[2]
    assert [line.split()[0] for line in listed.splitlines() if line.startswith("  ")] == ["check", "update"]
    code = "import importlib.util as u\n" + "".join(
        f"assert u.find_spec('autograder.{name}') is None\n"
        for name in ("authoring", "batch", "bridge", "classroom", "cluster", "engine", "grading", "handout")
    )
    done = student("python", "-c", code)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_fixed_notebook_can_be_taken_over_with_it(student: Student, folder: Path, tmp_path: Path) -> None:
    release = folder / SLUG / "batchnorm_numpy.ipynb"
    document = json.loads(release.read_text(encoding="utf-8"))
    next(c for c in document["cells"] if c["id"] == "batchnorm_forward")["source"] = ["my_own = 1"]
    mine = tmp_path / release.name
    mine.write_text(json.dumps(document), encoding="utf-8")
    done = student("autograder", "update", mine, release)
    assert (done.returncode, done.stderr) == (0, "")
    assert "batchnorm_forward: your work was taken over." in done.stdout
    assert "my_own = 1" in mine.read_text(encoding="utf-8")


@cache
def known(slug: str) -> Unit:
    return read_unit(ROOT, slug)


@pytest.fixture(scope="module")
def shown(folder: Path) -> list[tuple[str, str]]:
    """The text of every file of the bundle and of its wheel."""
    return list(texts(files(folder)))


@pytest.mark.parametrize("slug", slugs(ROOT))
def test_no_line_of_a_solution_or_a_mistake_and_no_hidden_probe_is_in_it(
    shown: list[tuple[str, str]], slug: str
) -> None:
    assert leaks(known(slug), shown, [known(slug), known(SLUG)]) == []


def test_a_line_of_a_solution_inside_the_wheel_would_be_found(unit: Unit, tmp_path: Path) -> None:
    line = max(secrets(unit), key=len)
    with zipfile.ZipFile(tmp_path / "x.whl", "w") as archive:
        archive.writestr("lab/given.py", f"def given():\n    {line}\n")
    assert leaks(unit, list(texts(files(tmp_path))))


def test_it_holds_the_released_files_of_its_units_alone(folder: Path) -> None:
    names = {name for name, _ in files(folder)}
    release = {f"{SLUG}/{name}" for name, _ in files(ROOT / "exercises" / SLUG)}
    wheel = next(folder.glob("*.whl"))
    assert names == release | {"HOWTO.html", "HOWTO.txt", "constraints.txt", wheel.name}
    with zipfile.ZipFile(wheel) as archive:
        packed = {n.split("/")[2] for n in archive.namelist() if n.startswith("autograder/released/")}
    assert packed == {SLUG}


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (write_bundle(ROOT, [SLUG], tmp_path / n / "handout.zip").path for n in "ab")
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        names = archive.namelist()
        assert names == sorted(names) and {i.date_time[0] for i in archive.infolist()} == {1980}


def test_the_page_names_units_points_and_files(unit: Unit) -> None:
    text = howto([unit], "course.whl", pinned=False)
    assert f"| {unit.title}: `{SLUG}/batchnorm_numpy.ipynb` | 48 |" in text
    assert 'pip install "./course.whl[course]"' in text
    page = howto_page(text)
    assert f"<td>{unit.title}: <code>{SLUG}/batchnorm_numpy.ipynb</code></td>" in page
    assert 'href="https://pytorch.org' in page and "<script" not in page


def test_the_command_says_what_it_packed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    done = CliRunner().invoke(main, ["bundle", SLUG, SLUG, "--out", str(tmp_path / "b.zip")])
    assert done.exit_code == 0 and "12 files" in done.output
    assert f"{SLUG}/checks/batchnorm_torch.npz" in done.output


def test_an_unknown_unit_leaves_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    done = CliRunner().invoke(main, ["bundle", "42-none", "--out", str(tmp_path / "b.zip")])
    assert done.exit_code == 1 and "There is no unit 42-none" in done.output
    assert list(tmp_path.iterdir()) == []


def test_a_course_without_the_packages_source_is_told(course: Path, tmp_path: Path) -> None:
    with pytest.raises(HandoutError, match="There is no autograder/"):
        build_wheel(course, [SLUG], tmp_path)
