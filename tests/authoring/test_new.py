"""An author starts from a unit that works."""

import pytest

from autograder.authoring.build import build
from autograder.authoring.new import create
from autograder.authoring.unit import UnitError, read_unit
from autograder.authoring.verify import verify


def test_a_new_unit_builds_and_verifies(tmp_path):
    create(tmp_path, "42-loss-terms")
    unit = read_unit(tmp_path, "42-loss-terms")
    assert unit.title == "Loss terms"
    assert len(build(unit, tmp_path)) == 4
    proof = verify(unit)
    assert proof.faults == [] and proof.rows[0].recognised == 2


def test_its_equations_are_cited_by_number(tmp_path):
    create(tmp_path, "42-loss-terms")
    assert "eq. (1)" in read_unit(tmp_path, "42-loss-terms").notebooks[0].solution("squared_error").source


@pytest.mark.parametrize("slug", ["dropout", "5-dropout", "05-Dropout", "05-dropout/x", "../05-dropout"])
def test_a_name_that_is_no_slug_is_refused(tmp_path, slug):
    with pytest.raises(UnitError, match="NN-name"):
        create(tmp_path, slug)


def test_nothing_that_exists_is_touched(tmp_path):
    create(tmp_path, "42-loss")
    with pytest.raises(UnitError, match="exists already"):
        create(tmp_path, "42-loss")
