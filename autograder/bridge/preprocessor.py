"""The engine inside nbgrader: `nbgrader autograde` and formgrader's button grade as `autograder grade` does.

nbgrader_config.py names these in place of nbgrader's own. What the engine needs starts once per process."""

from __future__ import annotations

import atexit
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Enum

from autograder.authoring.build import load_built
from autograder.bridge.autograded import graded_document, preface
from autograder.bridge.gradebook import Book
from autograder.engine.grade import Grader

_graders: dict[tuple[Path, str, str], Grader] = {}


class EngineGrades(NbGraderPreprocessor):
    """Stands where nbgrader's Execute does: grades the submitted notebook, and returns it composed anew.

    Each check ends with its points as a number, from which SaveAutoGrades takes the mark."""

    sandbox = Enum(["auto", "none"], default_value="auto", help="none: grade without protection").tag(
        config=True
    )

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        told = resources["nbgrader"]
        student, slug, name = told["student"], told["assignment"], told["notebook"]
        course = CourseDirectory(parent=self)
        folder = Path(course.format_path(course.submitted_directory, student, slug))
        grader = grader_for(Path(course.root), slug, name, self.sandbox)
        result = grader.grade(student, folder)
        (graded,) = result.notebooks
        document = graded_document(grader.unit.notebook(name), graded, preface(result, graded))
        return nbformat.reads(json.dumps(document), as_version=4), resources


class TolerantExporter(NotebookExporter):
    """A file that is no notebook becomes an empty one: the engine reads the submitted file itself, and says
    what is wrong with it. nbgrader would lose the whole submission."""

    def from_filename(self, filename: str, resources: Any = None, **options: Any) -> tuple[Any, Any]:
        try:
            return super().from_filename(filename, resources, **options)
        except Exception:  # whatever nbformat makes of a broken file
            return self.from_notebook_node(nbformat.v4.new_notebook(), resources, **options)


def register_unit(assignment: str, **_: Any) -> None:
    """nbgrader's hook before each submission: the unit stands in the gradebook as it is now."""
    with Book(Path.cwd(), load_built(Path.cwd(), assignment)):
        pass


def grader_for(root: Path, slug: str, name: str, sandbox: str) -> Grader:
    """A warm grader for one notebook; a new one where the unit changed since."""
    unit = load_built(root, slug)
    unit = replace(unit, notebooks=[unit.notebook(name)])
    known = _graders.get((root, slug, name))
    if known is not None and known.unit == unit:
        return known
    if known is not None:
        known.close()
    from autograder.grading import sandbox_level

    locked = sandbox != "none"
    fresh = Grader(unit, root, sandbox=sandbox_level() if locked else "none", locked=locked)
    _graders[root, slug, name] = fresh
    return fresh


@atexit.register
def close_graders() -> None:
    """End the processes that the graders hold."""
    while _graders:
        _graders.popitem()[1].close()
