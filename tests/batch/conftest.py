"""A class of six, graded once by the engine; after that by a grader that knows its results."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from autograder.authoring.build import load_built
from autograder.authoring.sample import make_class
from autograder.authoring.unit import Unit
from autograder.batch.run import Options, Outcome
from autograder.engine.grade import Grader, SubmissionResult, submissions
from autograder.grading import grade_unit
from tests.bridge.conftest import empty_gradebook
from tests.conftest import SLUG

__all__ = ["empty_gradebook"]


@pytest.fixture(scope="package")
def unit(built_course: Path) -> Unit:
    return load_built(built_course, SLUG)


@pytest.fixture(scope="package")
def handed_in(unit: Unit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of submissions; do not change it."""
    out = tmp_path_factory.mktemp("class") / "submitted"
    make_class(unit, 6, 1, out)
    (out / "expected.json").unlink()
    return out


@pytest.fixture(scope="package")
def results(built_course: Path, unit: Unit, handed_in: Path) -> dict[str, SubmissionResult]:
    """What the engine finds for each of them."""
    with Grader(unit, built_course, sandbox="B") as grader:
        return {r.student: r for r in grader.grade_class(submissions(handed_in, SLUG), jobs=2)}


class Remembers:
    """A grader that knows the results; graded: whom it was asked for, in order."""

    def __init__(self, results: Mapping[str, SubmissionResult]):
        self.results, self.graded = results, list[str]()

    def __call__(self, unit: Unit, root: Path, *, sandbox: str, locked: bool) -> Remembers:
        return self

    def grade_class(self, folders: Mapping[str, Path], jobs: int) -> Iterator[SubmissionResult]:
        for student in folders:
            self.graded.append(student)
            yield self.results[student]

    def __enter__(self) -> Remembers:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def grader(results: dict[str, SubmissionResult]) -> Remembers:
    return Remembers(dict(results))


@pytest.fixture
def submitted(handed_in: Path, tmp_path: Path) -> Path:
    """The class's work, to be changed."""
    return Path(shutil.copytree(handed_in, tmp_path / "submitted"))


@pytest.fixture
def home(tmp_path: Path, empty_gradebook: Path) -> Path:
    """A course's folder with an empty gradebook."""
    (tmp_path / "home").mkdir()
    shutil.copy(empty_gradebook, tmp_path / "home")
    return tmp_path / "home"


Run = Callable[..., Outcome]


@pytest.fixture
def run(built_course: Path, submitted: Path, home: Path, grader: Remembers) -> Run:
    """Grade the class into `home`; options as in `Options`. Forgets whom the grader was asked for before."""

    def grade(**options: object) -> Outcome:
        grader.graded.clear()
        said = Options(**{"grader": grader, "level": "B", **options})  # type: ignore[arg-type]
        return grade_unit(built_course, SLUG, submitted, target=home, options=said)

    return grade
