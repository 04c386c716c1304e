"""Zips as Moodle and Canvas make them, and as an attacker would: everybody's work in their own folder."""

from __future__ import annotations

import csv
import io
import stat
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.classroom import lms_zip
from autograder.classroom.collect import Collected, collect
from autograder.classroom.lms_zip import ZipError, read_zip, safe_path
from autograder.cli import main
from tests.conftest import SLUG

FILE = "assignsubmission_file_"
MOODLE = {
    f"Ada Lovelace_1201_{FILE}/tiny_numpy.ipynb": b"ada",
    f"Zoë Müller-Lüdenscheidt_1202_{FILE}/tiny_numpy.ipynb": b"zoe",
    f"Zoë Müller-Lüdenscheidt_1202_{FILE}/notes.txt": b"notes",
}
CANVAS = {
    "lovelaceada_7001_90001_tiny_numpy.ipynb": b"ada",
    "mllerzo_LATE_7002_90002_tiny_numpy-1.ipynb": b"zoe",
}
Pack = Callable[..., Path]
Collect = Callable[..., Collected]


def zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    def write(files: Mapping[str, bytes]) -> Path:
        (tmp_path / "all.zip").write_bytes(zipped(files))
        return tmp_path / "all.zip"

    return write


@pytest.fixture
def unpacked(built_course: Path, pack: Pack, tmp_path: Path) -> Collect:
    def run(files: Mapping[str, bytes], lms: str = "moodle", **options: object) -> Collected:
        return collect(built_course, SLUG, pack(files), lms, tmp_path / "submitted", **options)  # type: ignore[arg-type]

    return run


def roster(tmp_path: Path, *rows: dict[str, str]) -> Path:
    path = tmp_path / "roster.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def there(tmp_path: Path) -> dict[str, bytes]:
    home = tmp_path / "submitted"
    return {p.relative_to(home).as_posix(): p.read_bytes() for p in sorted(home.rglob("*")) if p.is_file()}


def test_moodles_folders_become_students_folders(unpacked: Collect, tmp_path: Path) -> None:
    done = unpacked(MOODLE)
    assert there(tmp_path) == {
        f"Ada Lovelace/{SLUG}/tiny_numpy.ipynb": b"ada",
        f"Zoë Müller-Lüdenscheidt/{SLUG}/notes.txt": b"notes",
        f"Zoë Müller-Lüdenscheidt/{SLUG}/tiny_numpy.ipynb": b"zoe",
    }
    assert done.new == ["Ada Lovelace", "Zoë Müller-Lüdenscheidt"] and done.left_out == []


def test_moodles_zip_without_folders_is_the_same(unpacked: Collect, tmp_path: Path) -> None:
    unpacked({name.replace("_/", "_"): data for name, data in MOODLE.items()})
    assert f"Ada Lovelace/{SLUG}/tiny_numpy.ipynb" in there(tmp_path)


def test_a_list_of_participants_gives_the_names_of_the_folders(unpacked: Collect, tmp_path: Path) -> None:
    who = roster(
        tmp_path,
        {"First name": "Ada", "Last name": "Lovelace", "Email address": "ada@x.org"},
        {"First name": "Zoë", "Last name": "Müller-Lüdenscheidt", "Email address": "zoe@x.org"},
    )
    files = {name.replace("Ada", "Group B-Ada"): data for name, data in MOODLE.items()}
    assert unpacked(files, roster=who).new == ["ada@x.org", "zoe@x.org"]


def test_the_grading_worksheet_knows_two_students_of_one_name_apart(
    unpacked: Collect, tmp_path: Path
) -> None:
    files = {f"Ada Lovelace_{n}_{FILE}/tiny_numpy.ipynb": b"%d" % n for n in (1201, 1202)}
    rows = [
        {"Identifier": f"Participant {n}", "Full name": "Ada Lovelace", "Email address": f"{n}@x.org"}
        for n in (1201, 1202)
    ]
    assert unpacked(files, roster=roster(tmp_path, *rows)).new == ["1201@x.org", "1202@x.org"]


def test_two_students_of_one_name_are_told_where_nothing_tells_them_apart(
    unpacked: Collect, tmp_path: Path
) -> None:
    files = {f"Ada Lovelace_{n}_{FILE}/tiny_numpy.ipynb": b"%d" % n for n in (1201, 1202)}
    done = unpacked(files)
    assert done.new == ["Ada Lovelace"]
    assert done.left_out == ["Ada Lovelace (1202): a second hand-in under the name Ada Lovelace."]
    rows = [
        {"First name": "Ada", "Last name": "Lovelace", "Email address": f"{n}@x.org"} for n in (1201, 1202)
    ]
    done = unpacked(files, roster=roster(tmp_path, *rows))
    assert done.new == [] and "several of this name" in done.left_out[0]


def test_who_is_not_in_the_roster_is_told(unpacked: Collect, tmp_path: Path) -> None:
    who = roster(tmp_path, {"First name": "Ada", "Last name": "Lovelace", "Email address": "ada@x.org"})
    done = unpacked(MOODLE, roster=who)
    assert done.new == ["ada@x.org"]
    assert done.left_out == ["Zoë Müller-Lüdenscheidt (1202): the roster knows nobody of this name."]


def test_what_was_typed_into_moodle_is_told(unpacked: Collect) -> None:
    done = unpacked(MOODLE | {"Ada Lovelace_1201_assignsubmission_onlinetext_/onlinetext.html": b"<p>hi"})
    assert done.left_out == ["Ada Lovelace (1201): onlinetext: what was typed into Moodle is not collected."]


def test_canvas_files_go_to_users_and_get_their_names_back(unpacked: Collect, tmp_path: Path) -> None:
    done = unpacked(CANVAS, "canvas")
    assert there(tmp_path) == {
        f"7001/{SLUG}/tiny_numpy.ipynb": b"ada",
        f"7002/{SLUG}/tiny_numpy.ipynb": b"zoe",
    }
    assert done.late == ["7002"]


def test_canvas_gradebook_gives_the_names_of_the_folders(unpacked: Collect, tmp_path: Path) -> None:
    who = roster(
        tmp_path,
        {"Student": "    Points Possible", "ID": "", "SIS Login ID": ""},
        {"Student": "Lovelace, Ada", "ID": "7001", "SIS Login ID": "ada"},
        {"Student": "Müller, Zoë", "ID": "7002", "SIS Login ID": "zoe"},
    )
    assert unpacked(CANVAS, "canvas", roster=who).new == ["ada", "zoe"]


def test_of_two_files_of_one_name_the_later_one_counts(unpacked: Collect, tmp_path: Path) -> None:
    unpacked(
        {
            "lovelaceada_7001_90009_tiny_numpy-1.ipynb": b"later",
            "lovelaceada_7001_90001_tiny_numpy.ipynb": b"first",
        },
        "canvas",
    )
    assert there(tmp_path) == {f"7001/{SLUG}/tiny_numpy.ipynb": b"later"}


def test_weights_that_were_handed_in_again_get_their_name_back(
    course: Path, pack: Pack, tmp_path: Path
) -> None:
    (course / "solutions" / SLUG / "beside").mkdir()
    (course / "solutions" / SLUG / "beside" / "weights.npz").write_bytes(b"solution")
    files = {
        "lovelaceada_7001_90009_weights-1.npz": b"later",
        "lovelaceada_7001_90001_weights.npz": b"first",
        "lovelaceada_7001_90002_plot-1.npz": b"of her own",
    }
    collect(course, SLUG, pack(files), "canvas", tmp_path / "submitted")
    assert there(tmp_path) == {
        f"7001/{SLUG}/weights.npz": b"later",
        f"7001/{SLUG}/plot-1.npz": b"of her own",
    }


def test_a_zip_in_the_zip_is_unpacked_once(unpacked: Collect, tmp_path: Path) -> None:
    work = zipped({"work/tiny_numpy.ipynb": b"ada", "__MACOSX/._x": b"", "deep.zip": zipped({"a": b"b"})})
    unpacked({f"Ada Lovelace_1201_{FILE}/all.zip": work})
    assert there(tmp_path) == {
        f"Ada Lovelace/{SLUG}/all/deep.zip": zipped({"a": b"b"}),
        f"Ada Lovelace/{SLUG}/all/work/tiny_numpy.ipynb": b"ada",
    }


class TestAgain:
    """A second zip, some days later."""

    def test_the_same_work_is_left_alone(self, unpacked: Collect, tmp_path: Path) -> None:
        unpacked(MOODLE)
        (tmp_path / "submitted" / "Ada Lovelace" / SLUG / "timestamp.txt").write_text("2026-11-20 12:00 UTC")
        before = there(tmp_path)
        assert unpacked(MOODLE).same == ["Ada Lovelace", "Zoë Müller-Lüdenscheidt"]
        assert there(tmp_path) == before

    def test_other_work_waits_for_a_word(self, unpacked: Collect, tmp_path: Path) -> None:
        unpacked(MOODLE)
        done = unpacked(MOODLE | {f"Ada Lovelace_1201_{FILE}/tiny_numpy.ipynb": b"better"})
        assert done.waiting == ["Ada Lovelace"]
        assert there(tmp_path)[f"Ada Lovelace/{SLUG}/tiny_numpy.ipynb"] == b"ada"

    def test_replaced_work_is_kept(self, unpacked: Collect, tmp_path: Path) -> None:
        for data in (b"one", b"two", b"three"):
            done = unpacked({f"Ada Lovelace_1201_{FILE}/tiny_numpy.ipynb": data}, replace=True)
        assert done.replaced == ["Ada Lovelace"]
        assert there(tmp_path) == {
            f"Ada Lovelace/.{SLUG}.replaced-1/tiny_numpy.ipynb": b"one",
            f"Ada Lovelace/.{SLUG}.replaced-2/tiny_numpy.ipynb": b"two",
            f"Ada Lovelace/{SLUG}/tiny_numpy.ipynb": b"three",
        }


class TestHostile:
    """Names and contents that students, or anybody, put into the zip."""

    @pytest.mark.parametrize(
        "name",
        [
            "../../evil.ipynb",
            "a/../../../evil",
            "/etc/passwd",
            "C:\\evil.ipynb",
            "..\\..\\evil",
            "timestamp.txt",
        ],
    )
    def test_a_path_that_leads_out_is_left_out(self, unpacked: Collect, tmp_path: Path, name: str) -> None:
        done = unpacked({f"Ada_1_{FILE}/{name}": b"x", f"Ada_1_{FILE}/tiny_numpy.ipynb": b"ada"})
        assert there(tmp_path) == {f"Ada/{SLUG}/tiny_numpy.ipynb": b"ada"}
        assert len(done.left_out) == 1

    def test_nobody_hands_in_for_another_student(self, unpacked: Collect, tmp_path: Path) -> None:
        files = {
            f"Ada Lovelace_1201_{FILE}/tiny_numpy.ipynb": b"ada",
            f"Eve_66_{FILE}/Ada Lovelace_1201_{FILE}/tiny_numpy.ipynb": b"eve",
            f"Eve_66_{FILE}Ada Lovelace_1201_{FILE}more.ipynb": b"eve",
        }
        unpacked(files)
        assert {k for k, v in there(tmp_path).items() if v == b"eve"} == {
            f"Eve/{SLUG}/Ada Lovelace_1201_{FILE}/tiny_numpy.ipynb",
            f"Eve/{SLUG}/Ada Lovelace_1201_{FILE}more.ipynb",
        }

    @pytest.mark.parametrize("who", ["..", ".hidden", "a\x01b"])
    def test_a_name_that_is_no_folder_is_told(self, unpacked: Collect, tmp_path: Path, who: str) -> None:
        done = unpacked({f"{who}_1_{FILE}/tiny_numpy.ipynb": b"x"})
        assert done.new in ([], ["a?b"]) and not list(tmp_path.glob("*.ipynb"))

    def test_a_name_that_a_page_would_take_for_code_is_written_otherwise_and_told(
        self, unpacked: Collect, tmp_path: Path
    ) -> None:
        """formgrader writes the folders' names into its pages as they are."""
        done = unpacked({f"<b>Ada_1_{FILE}/tiny_numpy.ipynb": b"x"})
        assert there(tmp_path) == {f"=3Cb=3EAda/{SLUG}/tiny_numpy.ipynb": b"x"}
        assert done.renamed == ["'<b>Ada' is called =3Cb=3EAda."]

    def test_a_link_is_left_out(self, unpacked: Collect, tmp_path: Path) -> None:
        info = zipfile.ZipInfo(f"Ada_1_{FILE}/tiny_numpy.ipynb")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        out = tmp_path / "links.zip"
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr(info, "/etc/passwd")
        (handed,) = read_zip(out, "moodle")
        assert handed.files == {} and handed.troubles == ["tiny_numpy.ipynb: a link, not a file"]

    def test_bombs_are_not_unpacked(self, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lms_zip, "MAX_FILE", 1 << 20)
        monkeypatch.setattr(lms_zip, "MAX_STUDENT", 2 << 20)
        big = bytes((1 << 20) - 1)
        bomb = zipped({f"{n}.bin": big for n in range(5)} | {"huge": bytes(3 << 20)})
        path = pack({f"Ada_1_{FILE}/bomb.zip": bomb, f"Bob_2_{FILE}/a.ipynb": b"bob"})
        ada, bob = read_zip(path, "moodle")
        assert sum(map(len, ada.files.values())) <= 2 << 20 and len(ada.troubles) >= 4
        assert bob.files == {"a.ipynb": b"bob"} and bob.troubles == []

    def test_a_size_that_lies_unpacks_no_more_than_allowed(
        self, pack: Pack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lms_zip, "MAX_FILE", 1 << 10)
        path = pack({f"Ada_1_{FILE}/a.bin": bytes(1 << 20)})
        data = bytearray(path.read_bytes())
        true = (1 << 20).to_bytes(4, "little")
        while true in data:
            at = data.index(true)
            data[at : at + 4] = (10).to_bytes(4, "little")
        path.write_bytes(data)
        (ada,) = read_zip(path, "moodle")
        assert ada.files == {} and len(ada.troubles) == 1

    def test_damage_in_one_file_costs_that_file(self, pack: Pack) -> None:
        path = pack({f"Ada_1_{FILE}/a.ipynb": b"a" * 5000, f"Bob_2_{FILE}/a.ipynb": b"bob"})
        data = bytearray(path.read_bytes())
        at = data.index(b"a.ipynb") + len("a.ipynb")
        data[at : at + 8] = b"\xff" * 8
        path.write_bytes(data)
        ada, bob = read_zip(path, "moodle")
        assert "cannot be unpacked" in ada.troubles[0] and bob.files == {"a.ipynb": b"bob"}

    def test_a_students_folder_that_is_a_link_is_left_alone(self, unpacked: Collect, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "submitted").mkdir()
        (tmp_path / "submitted" / "Ada").symlink_to(tmp_path / "elsewhere")
        done = unpacked({f"Ada_1_{FILE}/a.ipynb": b"a"})
        assert "is a link" in done.left_out[0] and list((tmp_path / "elsewhere").iterdir()) == []

    @settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.text(max_size=300))
    def test_every_name_is_refused_or_stays_in_its_folder(self, tmp_path: Path, name: str) -> None:
        try:
            found = safe_path(name)
        except ValueError:
            return
        assert (tmp_path / found).resolve().is_relative_to(tmp_path.resolve())
        assert not any(part.startswith(".") or len(part.encode()) > 255 for part in found.split("/"))


def test_a_zip_of_something_else_is_one_sentence(pack: Pack, tmp_path: Path) -> None:
    with pytest.raises(ZipError, match="looks like a submission from Canvas"):
        list(read_zip(pack(MOODLE), "canvas"))
    (tmp_path / "no.zip").write_text("hello")
    with pytest.raises(ZipError, match="not a zip file"):
        list(read_zip(tmp_path / "no.zip", "moodle"))


def test_the_command_says_what_became_of_all(
    built_course: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(built_course)
    path = pack(CANVAS | {"readme.txt": b""})

    def run() -> Result:
        words = ["collect", str(path), SLUG, "--from", "canvas", "--submitted", str(tmp_path / "s")]
        return CliRunner().invoke(main, words)

    said = run().output.replace("\n", " ")
    assert "2 new, 0 replaced, 0 unchanged." in said and "Late, says Canvas: 7002." in said
    assert "readme.txt: nobody's, by its name" in said
    assert "0 new, 0 replaced, 2 unchanged." in run().output
