"""The course's secret: made once, for its owner only, and never guessed where it is damaged."""

import os

import pytest

from autograder.engine.secret import NAME, SecretError, course_secret


def test_it_is_made_once_and_readable_by_its_owner_only(tmp_path):
    first = course_secret(tmp_path)
    assert len(first) == 32 and course_secret(tmp_path) == first
    if os.name == "posix":
        assert (tmp_path / NAME).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "damaged", ["", "ab" * 31, "no hexadecimal digits at all, but long enough for it " * 2]
)
def test_a_damaged_one_is_refused_and_not_replaced(tmp_path, damaged):
    (tmp_path / NAME).write_text(damaged)
    with pytest.raises(SecretError, match="restore it from the backup"):
        course_secret(tmp_path)
    assert (tmp_path / NAME).read_text() == damaged
