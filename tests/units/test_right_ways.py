"""Every exercise has at least three right answers of other styles, and no check refuses one."""

import importlib

import pytest

from autograder.authoring.styles import STYLES, unmarked
from autograder.authoring.unit import read_unit, slugs
from tests.conftest import ROOT
from tests.units.solved import solved

NOTEBOOKS = {notebook.name: slug for slug in slugs(ROOT) for notebook in read_unit(ROOT, slug).notebooks}


def ways(notebook):
    """By exercise and style, other right answers: right_ways_05_numpy.py has those of dropout_numpy."""
    number, side = NOTEBOOKS[notebook][:2], notebook.rpartition("_")[2]
    return importlib.import_module(f"tests.units.right_ways_{number}_{side}").WAYS


CASES = [(n, e, style) for n in NOTEBOOKS for e, styles in ways(n).items() for style in styles]


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_exercise_has_three_right_ways_of_its_own(notebook):
    for exercise in read_unit(ROOT, NOTEBOOKS[notebook]).notebook(notebook).exercises:
        assert len(ways(notebook).get(exercise, {})) >= 3, exercise


@pytest.mark.parametrize(("notebook", "exercise", "style"), CASES)
def test_a_right_way_passes_every_probe(notebook, exercise, style):
    """It is told of a convention where its style names one, and of nothing else."""
    own = solved(NOTEBOOKS[notebook], notebook)
    names = own.with_source(ways(notebook)[exercise][style])
    conventions = {p.mistake.id for p in own.unit.patches if p.mistake.accepted and "convention" in style}
    for asked in own.questions:
        for verdict in own.verdicts(names, exercise, asked):
            assert verdict.passed and verdict.mistake in {None, *conventions}, verdict
    for probe in (p for p in own.unit.probes.values() if p.of == exercise and p.judges):
        own.accepts_and_rejects(probe, names)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_the_solution_in_the_hand_of_another_student_passes_every_probe(notebook, style):
    """The sample class hands these in, and expects full marks."""
    own = solved(NOTEBOOKS[notebook], notebook)
    for exercise in own.reference.notebook.exercises:
        before, cell = STYLES[style](unmarked(own.reference.notebook.solution(exercise).source))
        names = own.with_source("\n".join([*before, cell]))
        for verdict in own.verdicts(names, exercise, own.questions[0]):
            assert verdict.passed, (exercise, verdict)
