"""Fixtures for the tests of one notebook: the module names it, `SOLVED = ("05-dropout", "dropout_numpy")`."""

import pytest

from tests.units.solved import solved


@pytest.fixture(scope="module")
def notebook(request):
    return solved(*request.module.SOLVED)


@pytest.fixture(scope="module")
def answers(notebook):
    """The names of the solution."""
    return notebook.names


@pytest.fixture(scope="module")
def questions(notebook):
    """Every probe on hidden cases of several secrets."""
    return notebook.questions
