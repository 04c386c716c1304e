"""Records stay, one for each submission; damaged and missing ones are told in a sentence."""

from pathlib import Path

import pytest

from autograder.authoring.unit import Unit
from autograder.classroom.records import NoRecords, read_records, write_record
from tests.bridge.conftest import make_rejected, make_result
from tests.conftest import SLUG


def test_a_record_is_read_back_as_it_was_written(unit: Unit, tmp_path: Path) -> None:
    results = [make_result(unit, "zoë"), make_rejected(unit, "bob")]
    for result in results:
        write_record(result, tmp_path)
    assert read_records(tmp_path, SLUG) == [results[1].record(), results[0].record()]


def test_a_regrade_replaces_the_record(unit: Unit, tmp_path: Path) -> None:
    write_record(make_rejected(unit, "ada"), tmp_path)
    path = write_record(make_result(unit, "ada"), tmp_path)
    (record,) = read_records(tmp_path, SLUG)
    assert record["status"] == "graded"
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_digests_of_unexplained_failures_are_kept(unit: Unit, tmp_path: Path) -> None:
    result = make_result(unit)
    result.notebooks[0].checks["check-center"].digests = {"returns_the_mean": "0123456789abcdef"}
    write_record(result, tmp_path)
    (record,) = read_records(tmp_path, SLUG)
    kept = {p["name"]: p.get("digest") for c in record["checks"] for p in c["probes"] if "digest" in p}
    assert kept == {"returns_the_mean": "0123456789abcdef"}


def test_another_unit_has_no_records(unit: Unit, tmp_path: Path) -> None:
    write_record(make_result(unit), tmp_path)
    with pytest.raises(NoRecords, match="run `autograder grade 05-dropout`"):
        read_records(tmp_path, "05-dropout")


@pytest.mark.parametrize("text", ["", "[]", '{"student": "ada"}', '{"student": 1, "checks": []}'])
def test_a_damaged_record_is_named(unit: Unit, tmp_path: Path, text: str) -> None:
    path = write_record(make_result(unit), tmp_path)
    path.write_text(text)
    with pytest.raises(NoRecords, match=r"ada/77-tiny\.json is not a record"):
        read_records(tmp_path, SLUG)
