"""One cluster for a module: a scheduler, and two workers with a nanny."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autograder.authoring import release
from autograder.authoring.build import load_built
from autograder.authoring.unit import Unit
from tests.bridge.conftest import empty_gradebook
from tests.conftest import SLUG

__all__ = ["empty_gradebook"]

pytest.importorskip("distributed", reason="Dask is not installed: pip install -e '.[cluster]'")


@pytest.fixture(scope="package")
def unit(built_course: Path) -> Unit:
    return load_built(built_course, SLUG)


@pytest.fixture
def hand_in(unit: Unit, tmp_path: Path) -> Callable[..., Path]:
    """Write the solution, changed by pairs of texts, as a student's work; returns its folder."""

    def write(student: str, *changes: tuple[str, str]) -> Path:
        text = release.notebook_json(unit.notebooks[0], solution=True)
        for old, new in changes:
            assert json.dumps(old)[1:-1] in text
            text = text.replace(json.dumps(old)[1:-1], json.dumps(new)[1:-1])
        folder = tmp_path / "submitted" / student / SLUG
        folder.mkdir(parents=True)
        (folder / "tiny_numpy.ipynb").write_text(text)
        return folder

    return write


@pytest.fixture(scope="package")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    from tests.cluster.processes import Cluster

    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster
