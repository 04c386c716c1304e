"""The tiny course's unit and a grader for it, warm for a whole module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.authoring.build import load_built
from autograder.authoring.unit import Unit
from tests.conftest import SLUG


@pytest.fixture(scope="module")
def unit(built_course: Path) -> Unit:
    return load_built(built_course, SLUG)


@pytest.fixture(scope="module")
def grader(built_course: Path, unit: Unit) -> Iterator[object]:
    from autograder.engine.grade import Grader

    with Grader(unit, built_course, sandbox="B") as grader:
        yield grader
