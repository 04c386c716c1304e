"""PostgreSQL as the gradebook: a real server, started here, named in nbgrader_config.py alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Barrier

import pytest
from nbgrader.api import Gradebook
from sqlalchemy import create_engine, text

from autograder.authoring.unit import Unit
from autograder.bridge.gradebook import Book, ByHand, open_gradebook
from autograder.bridge.register import BookError
from autograder.bridge.settings import gradebook_url
from autograder.classroom.export import to_csv
from autograder.classroom.marks import NoMarks, graded_cells, read_marks
from tests.bridge.conftest import make_rejected, make_result
from tests.conftest import SLUG, missing

STUDENTS = [f"student-{n}" for n in range(12)]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The folder of the server's socket; it refuses to run as root, so then it runs as nobody."""
    folders = [Path(p) for p in os.environ.get("PATH", "").split(os.pathsep)]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    tools = next((f for f in folders if (f / "initdb").exists() and (f / "pg_ctl").exists()), None)
    if tools is None:
        missing("postgresql", "No PostgreSQL: apt install postgresql brings initdb and pg_ctl.")
    pytest.importorskip("psycopg")
    user = "nobody" if os.geteuid() == 0 else None
    folder = tempfile.mkdtemp(prefix="pg")
    if user:
        shutil.chown(folder, user)

    def run(*command: str) -> None:
        subprocess.run(command, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)

    data = f"{folder}/data"
    run(f"{tools}/initdb", "-D", data, "-U", "staff", "-A", "trust", "-N")
    options = f"-k {folder} -c listen_addresses='' -F"
    run(f"{tools}/pg_ctl", "-w", "-D", data, "-l", f"{folder}/log", "-o", options, "start")
    yield folder
    run(f"{tools}/pg_ctl", "-D", data, "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def empty(server: str) -> str:
    """The address of a database as nbgrader makes it, which takes seconds; others are copied from it."""
    run_sql(server, "CREATE DATABASE empty")
    open_gradebook(address(server, "empty")).close()
    return address(server, "empty")


@pytest.fixture
def home(empty: str, server: str, tmp_path: Path) -> Path:
    """A course that names a new database in its settings."""
    run_sql(server, "DROP DATABASE IF EXISTS course", "CREATE DATABASE course TEMPLATE empty")
    (tmp_path / "nbgrader_config.py").write_text(
        f'c.CourseDirectory.db_url = "{address(server, "course")}"\n'
        'c.LateSubmissionPlugin.penalty_method = "zero"\n'
    )
    return tmp_path


def address(server: str, database: str) -> str:
    return f"postgresql+psycopg://staff@/{database}?host={server}"


def run_sql(server: str, *statements: str) -> None:
    engine = create_engine(address(server, "postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def sqlite_home(tmp_path: Path, empty_gradebook: Path) -> Path:
    folder = tmp_path / "sqlite"
    folder.mkdir()
    shutil.copy(empty_gradebook, folder)
    (folder / "nbgrader_config.py").write_text('c.LateSubmissionPlugin.penalty_method = "zero"\n')
    return folder


def live(root: Path, unit: Unit) -> str:
    """A term in short: graded, marked by hand, a changed release, lateness, graded again; the table of it."""
    with Book(root, unit) as book:
        book.write(make_result(unit))
        book.write(make_rejected(unit))
    with Gradebook(gradebook_url(root)) as gradebook:
        gradebook.find_grade("question-why", "tiny_numpy", SLUG, "ada").manual_score = 1.5
        gradebook.find_comment("question-why", "tiny_numpy", SLUG, "ada").manual_comment = "Größer."
        gradebook.update_or_create_assignment(SLUG, duedate=datetime(2026, 3, 1))
        gradebook.db.commit()
    (root / "timestamp.txt").write_text("2026-03-02 00:00 UTC")
    (root / "extensions.csv").write_text(f"student,unit,until\nada,{SLUG},2026-03-03 00:00 UTC\n")
    notebook = unit.notebooks[0]
    fewer = replace(
        unit, notebooks=[replace(notebook, cells=[c for c in notebook.cells if c.id != "center"])]
    )
    with Book(root, fewer) as book:
        book.write(make_result(unit), root)
    with Book(root, unit) as book:
        book.write(make_result(unit), root)
        book.write(make_result(unit, "eve"), root)
        assert book.by_hand("ada") == {"tiny_numpy": {"question-why": ByHand(1.5, "Größer.")}}
        assert book.penalties("eve") == {"tiny_numpy": 5.0}
    return to_csv(read_marks(root, SLUG, graded_cells(unit))).text


def test_a_term_ends_as_with_sqlite(unit: Unit, home: Path, sqlite_home: Path) -> None:
    assert live(home, unit) == live(sqlite_home, unit)
    assert not (home / "gradebook.db").exists()


def test_a_database_without_marks_is_one_sentence(unit: Unit, home: Path) -> None:
    with pytest.raises(NoMarks, match=f"The gradebook has no marks of {SLUG}"):
        read_marks(home, SLUG, graded_cells(unit))


def test_a_server_that_is_not_there_is_one_sentence_without_the_password(unit: Unit, tmp_path: Path) -> None:
    url = f"postgresql+psycopg://staff:secret@/course?host={tmp_path}"
    with pytest.raises(BookError, match="cannot be opened") as refused:
        Book(tmp_path, unit, url)
    assert "secret" not in str(refused.value) and "\n" not in str(refused.value)


def test_a_driver_that_is_not_there_is_named(unit: Unit, tmp_path: Path) -> None:
    with pytest.raises(BookError, match=r"needs asyncpg, .*training-neural-networks\[postgres\]"):
        Book(tmp_path, unit, "postgresql+asyncpg://staff@/course")


@pytest.mark.parametrize("kind", ["home", "sqlite_home"])
def test_a_person_marks_while_the_class_is_graded(
    unit: Unit, kind: str, request: pytest.FixtureRequest
) -> None:
    """One writes marks by hand as formgrader does, one commit each; the other grades everybody again."""
    root: Path = request.getfixturevalue(kind)
    with Book(root, unit) as book:
        for student in STUDENTS:
            book.write(make_result(unit, student))
    together = Barrier(2)

    def by_hand() -> None:
        with Gradebook(gradebook_url(root)) as gradebook:
            together.wait()
            for student in STUDENTS:
                gradebook.find_grade("question-why", "tiny_numpy", SLUG, student).manual_score = 1.5
                gradebook.db.commit()
                gradebook.find_comment("center", "tiny_numpy", SLUG, student).manual_comment = student
                gradebook.db.commit()

    def again() -> None:
        with Book(root, unit) as book:
            together.wait()
            for _ in range(2):
                for student in STUDENTS:
                    book.write(make_result(unit, student))
                book.settle()

    with ThreadPoolExecutor(2) as pool:
        for job in [pool.submit(by_hand), pool.submit(again)]:
            job.result()
    with Gradebook(gradebook_url(root)) as gradebook:
        for student in STUDENTS:
            assert gradebook.find_submission(SLUG, student).score == 6.5
            assert gradebook.find_comment("center", "tiny_numpy", SLUG, student).comment == student
