"""Exports: every mark for a spreadsheet; for Canvas and Moodle what their importers accept.

The oracles are nbgrader's own numbers, and the rules of the importers written down anew: Canvas's
gradebook_importer.rb (header? and process_student) and Moodle's grade/import/csv/classes/load_data.php."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook

from autograder.authoring.unit import Unit
from autograder.bridge.gradebook import Book
from autograder.bridge.settings import gradebook_url
from autograder.classroom.export import Export, number, to_canvas, to_csv, to_moodle
from autograder.classroom.marks import Class, Marks, NoMarks, read_marks
from autograder.classroom.roster import RosterError, read_roster
from tests.bridge.conftest import make_rejected, make_result
from tests.conftest import SLUG

WHY = ("tiny_numpy", "question-why")
CANVAS_FILE = '''\
Student,ID,SIS User ID,SIS Login ID,Section,Tiny (4711),Current Score
    Points Possible,,,,,12,(read only)
"Lovelace, Ada",101,S-1,ada,Lab 1,,
"Babbage, ""Charles""",102,S-2,bob,Lab 1,,
"Unseen, Una",103,S-3,una,Lab 2,,
"Student, Test",999,,,Lab 1,,
'''
MOODLE_FILE = """\
\ufeffFirst name;Last name;ID number;Email address;Groups
Ada;Lovelace;ada;Ada@example.org;A
Charles;Babbage;bob;bob@example.org;B
"""


@pytest.fixture
def book(unit: Unit, home: Path) -> Path:
    """ada earned 5 of 12, bob was rejected, una handed in nothing."""
    with Book(home, unit) as book:
        book.write(make_result(unit, "ada"))
        book.write(make_rejected(unit, "bob"))
    with stock(home) as gradebook:
        gradebook.add_student("una")
    return home


def stock(root: Path) -> Any:
    return Gradebook(gradebook_url(root))


def give(root: Path, cell: str, mark: float) -> None:
    with stock(root) as gradebook:
        found = gradebook.find_grade(cell, "tiny_numpy", SLUG, "ada")
        found.manual_score, found.needs_manual_grade = mark, False
        gradebook.db.commit()


def read(root: Path) -> Class:
    return read_marks(root, SLUG, [("tiny_numpy", "check-scale"), ("tiny_numpy", "check-center")])


def lines(done: Export) -> list[list[str]]:
    return list(csv.reader(io.StringIO(done.text)))


def table(done: Export) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(done.text)))


class TestMarks:
    """What is read is what nbgrader itself says."""

    def test_totals_are_those_of_nbgrader(self, book: Path) -> None:
        give(book, "question-why", 1.5)
        give(book, "check-center", 4)
        found = {m.student: m for m in read(book).students}
        with stock(book) as gradebook:
            for student in ("ada", "bob"):
                submission = gradebook.find_submission(SLUG, student)
                assert found[student].points == submission.score
                assert read(book).max_points == submission.max_score
        assert found["ada"].points == 3 + 4 + 1.5

    def test_a_late_penalty_is_taken_off_and_a_mark_is_never_negative(self, book: Path) -> None:
        for penalty, mark in ((2.0, 3.0), (50.0, 0.0)):
            with stock(book) as gradebook:
                (notebook,) = gradebook.find_submission(SLUG, "ada").notebooks
                notebook.late_submission_penalty = penalty
                gradebook.db.commit()
            (ada, *_) = read(book).students
            assert (ada.points, ada.penalty, ada.mark) == (5, penalty, mark)

    def test_an_unread_answer_is_known_as_such(self, book: Path) -> None:
        ada, bob, una = read(book).students
        assert ada.cells[WHY] is None and ada.unread == {WHY}
        assert bob.cells[WHY] == 0 and not bob.unread
        assert not una.handed_in and not una.cells

    def test_cells_stand_in_the_order_of_the_unit(self, book: Path) -> None:
        assert [cell for _, cell in read(book).most][:2] == ["check-scale", "check-center"]

    def test_no_gradebook_and_no_marks_are_two_sentences(self, book: Path, tmp_path: Path) -> None:
        with pytest.raises(NoMarks, match=r"no gradebook\.db in .* run `autograder grade 77-tiny`"):
            read_marks(tmp_path / "elsewhere", SLUG, [])
        assert not (tmp_path / "elsewhere").exists()
        with pytest.raises(NoMarks, match="no marks of 05-dropout"):
            read_marks(book, "05-dropout", [])


class TestCsv:
    def test_every_student_and_every_mark_is_there(self, book: Path) -> None:
        give(book, "question-why", 1.5)
        ada, bob, una = table(to_csv(read(book)))
        assert (ada["points"], ada["mark"], ada["max_points"], ada["to_be_read"]) == ("6.5", "6.5", "12", "0")
        assert (ada["tiny_numpy/check-center"], ada["tiny_numpy/question-why"]) == ("2", "1.5")
        assert (bob["handed_in"], bob["mark"]) == ("yes", "0")
        assert (una["handed_in"], una["mark"], una["tiny_numpy/check-center"]) == ("no", "", "")

    def test_what_nobody_has_read_is_empty_and_told(self, book: Path) -> None:
        done = to_csv(read(book))
        assert table(done)[0]["tiny_numpy/question-why"] == ""
        assert done.remarks == [
            "1 of these marks may change: answers wait for a person in formgrader; unread ones count 0."
        ]

    def test_names_with_commas_and_quotes_survive(self) -> None:
        marks = Marks("a,b", 'O"Neil', "Zoë\nK.", handed_in=True, when=datetime(2026, 3, 1, 12))
        (row,) = table(to_csv(Class([marks], {})))
        assert (row["student"], row["last_name"], row["first_name"]) == ("a,b", 'O"Neil', "Zoë\nK.")
        assert row["time_utc"] == "2026-03-01 12:00:00"


def canvas_reads(text: str) -> tuple[str, float, dict[tuple[str, str], str]]:
    """The assignment, its points, and the marks by (ID, name), as gradebook_importer.rb reads the file."""
    head, *rest = csv.reader(io.StringIO(text))
    assert len(head) > 3 and "Student" in head[0] and "ID" in head[1]
    info = 3
    if re.search(r"SIS\s+Login\s+ID", head[2]):
        info += 1
    elif re.search(r"SIS\s+User\s+ID", head[2]) and re.search(r"SIS\s+Login\s+ID", head[3]):
        info += 2 + bool(re.search(r"Integration\s+ID", head[4]))
        info += bool(re.search(r"Root\s+Account", head[info - 1]))
    assert "Section" in head[info - 1]
    (assignment,) = head[info:]
    points = [row for row in rest if "Points Possible" in row[0]]
    students = [row for row in rest if "Points Possible" not in row[0]]
    return assignment, float(points[0][info]), {(row[1], row[0]): row[info] for row in students}


class TestCanvas:
    def roster(
        self, tmp_path: Path, text: str = CANVAS_FILE, students: tuple[str, ...] = ("ada", "bob")
    ) -> Any:
        path = tmp_path / "canvas.csv"
        path.write_text(text, encoding="utf-8")
        return read_roster(path, students, ["SIS Login ID", "SIS User ID", "ID"])

    def test_the_importer_finds_assignment_points_and_students(self, book: Path, tmp_path: Path) -> None:
        done = to_canvas(read(book), "Tiny", self.roster(tmp_path))
        assignment, points, marks = canvas_reads(done.text)
        assert (assignment, points) == ("Tiny (4711)", 12)
        assert marks == {("101", "Lovelace, Ada"): "5", ("102", 'Babbage, "Charles"'): "0"}

    @pytest.mark.parametrize("more", ["Integration ID", "Integration ID,Root Account", "Root Account"])
    def test_further_columns_of_canvas_keep_their_places(self, book: Path, tmp_path: Path, more: str) -> None:
        gaps = "," * (1 + more.count(","))
        text = CANVAS_FILE.replace("Login ID,", f"Login ID,{more},").replace(",Lab", f"{gaps},Lab")
        assert len(canvas_reads(to_canvas(read(book), "Tiny", self.roster(tmp_path, text)).text)[2]) == 2

    def test_a_user_id_without_a_login_is_left_out_for_canvas_would_not_read_it(
        self, book: Path, tmp_path: Path
    ) -> None:
        text = "Student,ID,SIS User ID,Section\nAda,101,ada,1\nBob,102,bob,1\n"
        done = to_canvas(read(book), "Tiny", self.roster(tmp_path, text))
        assert lines(done)[0] == ["Student", "ID", "Section", "Tiny"]
        assert len(canvas_reads(done.text)[2]) == 2

    @pytest.mark.parametrize("student", ["ada", "S-1", "101"])
    def test_folders_may_bear_any_of_canvas_ids(self, tmp_path: Path, student: str) -> None:
        roster = self.roster(tmp_path, students=(student,))
        assert roster.rows[student]["Student"] == "Lovelace, Ada"

    def test_a_new_assignment_is_told(self, book: Path, tmp_path: Path) -> None:
        done = to_canvas(read(book), "Tiny again", self.roster(tmp_path))
        assert canvas_reads(done.text)[0] == "Tiny again"
        assert any("Tiny again" in remark for remark in done.remarks)

    def test_a_student_whom_the_roster_does_not_know_is_named(self, book: Path, tmp_path: Path) -> None:
        text = "\n".join(line for line in CANVAS_FILE.splitlines() if "bob" not in line)
        done = to_canvas(read(book), "Tiny", self.roster(tmp_path, text))
        assert "bob" not in done.text and done.students == 1
        assert any("does not know them: bob." in remark for remark in done.remarks)

    def test_the_gradebooks_own_list_serves_where_it_has_canvas_ids(self, book: Path) -> None:
        with stock(book) as gradebook:
            for student, id in (("ada", "101"), ("bob", "102")):
                gradebook.find_student(student).lms_user_id = id
            gradebook.find_student("ada").last_name = "Lovelace"
            gradebook.db.commit()
        assert canvas_reads(to_canvas(read(book), "Tiny").text)[2] == {
            ("101", "Lovelace"): "5",
            ("102", "bob"): "0",
        }

    def test_without_canvas_ids_one_sentence_says_where_to_get_them(self, book: Path) -> None:
        with pytest.raises(RosterError, match="The gradebook has no ID for ada, bob: say --roster"):
            to_canvas(read(book), "Tiny")


class TestMoodle:
    def roster(self, tmp_path: Path, text: str = MOODLE_FILE, chosen: str = "") -> Any:
        path = tmp_path / "participants.csv"
        path.write_text(text, encoding="utf-8")
        return read_roster(path, ["ada", "bob"], ["Username", "ID number", "Email address"], chosen)

    def test_each_line_names_a_user_and_a_number(self, book: Path, tmp_path: Path) -> None:
        done = to_moodle(read(book), "Tiny", self.roster(tmp_path))
        assert table(done) == [
            {
                "First name": "Ada",
                "Last name": "Lovelace",
                "ID number": "ada",
                "Email address": "Ada@example.org",
                "Tiny": "5",
            },
            {
                "First name": "Charles",
                "Last name": "Babbage",
                "ID number": "bob",
                "Email address": "bob@example.org",
                "Tiny": "0",
            },
        ]

    def test_nobody_without_a_submission_is_in_it_for_an_empty_grade_erases(
        self, book: Path, tmp_path: Path
    ) -> None:
        roster = self.roster(tmp_path, MOODLE_FILE + "Una;Unseen;una;una@example.org;B\n")
        assert "Una" not in to_moodle(read(book), "Tiny", roster).text

    def test_the_maximum_grade_is_told(self, book: Path, tmp_path: Path) -> None:
        remark = to_moodle(read(book), "Tiny", self.roster(tmp_path)).remarks[-1]
        assert "ID number or Email address to the user" in remark and "maximum grade is 12" in remark

    def test_headings_in_another_language_need_their_column_named(self, book: Path, tmp_path: Path) -> None:
        text = "Vorname;Anmeldename\nAda;ada\nCharles;bob\n"
        with pytest.raises(RosterError, match=r"none of the columns .*--id-column .*Vorname, Anm"):
            self.roster(tmp_path, text)
        done = to_moodle(read(book), "Tiny", self.roster(tmp_path, text, "Anmeldename"), "Anmeldename")
        assert lines(done) == [["Anmeldename", "Tiny"], ["ada", "5"], ["bob", "0"]]

    def test_a_roster_without_any_user_id_is_refused(self, book: Path, tmp_path: Path) -> None:
        roster = self.roster(tmp_path)
        roster.columns = ["First name", "Last name"]
        with pytest.raises(RosterError, match="no column Username or ID number or Email address"):
            to_moodle(read(book), "Tiny", roster)

    def test_the_gradebooks_own_list_needs_email_addresses(self, book: Path) -> None:
        with pytest.raises(RosterError, match="The gradebook has no Email address for ada, bob"):
            to_moodle(read(book), "Tiny")


class TestRoster:
    def write(self, tmp_path: Path, data: bytes) -> Path:
        path = tmp_path / "roster.csv"
        path.write_bytes(data)
        return path

    def read(self, tmp_path: Path, data: bytes, chosen: str = "") -> Any:
        return read_roster(self.write(tmp_path, data), ["ada", "bob"], ["Login", "ID"], chosen)

    def test_the_column_that_knows_most_students_is_taken(self, tmp_path: Path) -> None:
        roster = self.read(tmp_path, b"Login\tID\nx\tada\nada\tbob\n")
        assert roster.rows["bob"] == {"Login": "ada", "ID": "bob"}

    @pytest.mark.parametrize(
        ("data", "chosen", "told"),
        [
            (b"\xff\xfe\x00", "", "is not UTF-8"),
            (b"", "", "is not a CSV file"),
            (b"Name\nada\n", "", "none of the columns Login, ID"),
            (b"Login\nada\n", "Number", "no column Number; it has Login"),
            (b"Login\nada\nada\n", "", "has ada twice in the column Login"),
            (b"Login,ID\neve,1\n", "", r"knows no student of the gradebook \(ada, bob, …\)"),
        ],
    )
    def test_what_cannot_be_read_is_one_sentence(
        self, tmp_path: Path, data: bytes, chosen: str, told: str
    ) -> None:
        with pytest.raises(RosterError, match=told):
            self.read(tmp_path, data, chosen)

    def test_short_lines_have_empty_fields(self, tmp_path: Path) -> None:
        assert self.read(tmp_path, b"Login,ID\nada\n").rows["ada"] == {"Login": "ada", "ID": ""}


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (0.0, "0"), (5.0, "5"), (2 / 3, "0.6667"), (100.0, "100"), (1e-9, "0")]
)
def test_numbers_are_short_and_have_a_point(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize("spelled", ["NFC", "NFD"])
def test_a_name_is_known_however_its_accents_are_spelled(tmp_path: Path, spelled: str) -> None:
    other = {"NFC": "NFD", "NFD": "NFC"}[spelled]
    roster = tmp_path / "roster.csv"
    roster.write_text(f"ID,Section\n{unicodedata.normalize(spelled, 'zoë')},A\n", encoding="utf-8")
    student = unicodedata.normalize(other, "zoë")
    assert list(read_roster(roster, [student], ["ID"]).rows) == [student]
