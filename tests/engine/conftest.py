"""The tiny course's unit and a grader for it, warm for a whole module."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.authoring.build import load_built
from autograder.authoring.unit import Limits, Unit
from tests.conftest import SLUG


@pytest.fixture(scope="module")
def unit(built_course: Path) -> Unit:
    return replace(load_built(built_course, SLUG), limits=Limits(1, 1, 6))


@pytest.fixture(scope="module")
def grader(built_course: Path, unit: Unit) -> Iterator[object]:
    from autograder.engine.grade import Grader

    with Grader(unit, built_course, sandbox="B") as grader:
        yield grader


def descendants(pid: int) -> list[int]:
    """The processes that this one started, and those that they did."""
    born = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*born, *(grandchild for child in born for grandchild in descendants(child))]
