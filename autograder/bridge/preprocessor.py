"""The engine inside nbgrader: `nbgrader autograde` and formgrader's button grade as `autograder grade` does.

nbgrader_config.py names these in place of nbgrader's own. What the engine needs starts once per process. The
whole submission is graded when nbgrader comes to its first notebook; its record goes where `autograder
report` looks for it."""

from __future__ import annotations

import atexit
import json
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Enum

from autograder.authoring.build import load_built
from autograder.bridge.autograded import graded_document, preface
from autograder.bridge.gradebook import Book, open_gradebook, write_dates
from autograder.classroom.records import write_record
from autograder.engine.grade import Grader, SubmissionResult, fit_name, has_unfit_name

_graders: dict[tuple[Path, str], Grader] = {}
_results: dict[tuple[Path, str], SubmissionResult] = {}  # by folder and unit, while nbgrader is at them
_troubles: list[Exception] = []  # of the hook: nbgrader would log them and go on


class EngineGrades(NbGraderPreprocessor):
    """Stands where nbgrader's Execute does: grades the submitted notebook, and returns it composed anew.

    Each check ends with its points as a number, from which SaveAutoGrades takes the mark."""

    sandbox = Enum(["auto", "none"], default_value="auto", help="none: grade without protection").tag(
        config=True
    )

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        if _troubles:
            raise _troubles[0]
        told = resources["nbgrader"]
        student, slug, name = told["student"], told["assignment"], told["notebook"]
        refuse_unfit_name(student, told["db_url"])
        course = CourseDirectory(parent=self)
        root = Path(course.root)
        folder = Path(course.format_path(course.submitted_directory, student, slug))
        grader = grader_for(root, slug, self.sandbox)
        result = _results.get((folder, slug))
        if result is None:
            result = _results[folder, slug] = grader.grade(student, folder)
            gradebook = open_gradebook(told["db_url"])
            try:
                write_dates(gradebook.db, root, slug, student, folder)
            finally:
                gradebook.close()
            remove_foreign(Path(course.format_path(course.autograded_directory, student, slug)), grader)
            write_record(result, root)
        graded = next(n for n in result.notebooks if n.name == name)
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


class NotByNbgrader(NotebookExporter):
    """Refuses formgrader's button Generate and `nbgrader generate_assignment` before they remove anything."""

    def __init__(self, **_: Any):
        raise NbGraderException(
            "Nothing was generated: the notebooks that students get are made by `autograder build`, with "
            "checks beside them that nbgrader would remove."
        )


def register_unit(assignment: str, **_: Any) -> None:
    """nbgrader's hook before each submission: the unit stands in the gradebook as it is now."""
    _results.clear()
    _troubles.clear()
    try:
        with Book(Path.cwd(), load_built(Path.cwd(), assignment)):
            pass
    except Exception as error:
        _troubles.append(error)


def refuse_unfit_name(student: str, url: str) -> None:
    """formgrader writes names into its pages as they are: one that would be live there gets into none."""
    if not has_unfit_name(Path(student)):
        return
    gradebook = open_gradebook(url)
    try:
        if not any(s.score for s in gradebook.find_student(student).submissions):
            gradebook.remove_student(student)  # nbgrader has just entered it
    finally:
        gradebook.close()
    raise NbGraderException(
        f"The folder {student!r} has a name that formgrader's pages would take for code, or a too long one: "
        f"rename it, or grade with `autograder grade`, which calls this student {fit_name(student)}."
    )


def remove_foreign(folder: Path, grader: Grader) -> None:
    """Remove what nbgrader copied along with the notebooks, and through links: formgrader would serve a
    student's page as its own, and generate_feedback would hand a file of the course to the student."""
    known = {f"{n.name}.ipynb" for n in grader.unit.notebooks} | {"timestamp.txt"}
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        elif path.parent != folder or path.name not in known:
            path.unlink()


def grader_for(root: Path, slug: str, sandbox: str) -> Grader:
    """A warm grader for the unit; a new one where the unit changed since."""
    unit = load_built(root, slug)
    known = _graders.get((root, slug))
    if known is not None and known.unit == unit:
        return known
    if known is not None:
        known.close()
    from autograder.grading import sandbox_level

    locked = sandbox != "none"
    fresh = Grader(unit, root, sandbox=sandbox_level() if locked else "none", locked=locked)
    _graders[root, slug] = fresh
    return fresh


@atexit.register
def close_graders() -> None:
    """End the processes that the graders hold."""
    while _graders:
        _graders.popitem()[1].close()
