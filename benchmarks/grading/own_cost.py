"""What the engine costs beside the student's own code: `python -m benchmarks.grading.own_cost [UNIT]`.

CPU milliseconds of a right hand-in, for each notebook: all that grading it takes (the fork, the messages, the
judging); its cells and what the checks ask of them, run in a warm Python with nothing around; and the page of
feedback.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.table import Table

from autograder.authoring.build import load_built
from autograder.authoring.reference import Reference, hidden_seeds, public_seeds
from autograder.authoring.unit import Notebook, Unit
from autograder.bridge.feedback import write_feedback
from autograder.engine.grade import Grader
from autograder.probes import Given
from autograder.running import run_probe
from benchmarks.grading.against_nbgrader import without_experiments
from benchmarks.grading.measure import cpu, write
from tests.conftest import ROOT

TIMES = 20


def milliseconds(what: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """CPU time of one call, over TIMES of them, after one that warms up."""
    what()
    started = clock()
    for _ in range(TIMES):
        what()
    return 1e3 * (clock() - started) / TIMES


def own_code(unit: Unit, notebook: Notebook) -> float:
    """The student's cells from the first to the last, and all that the checks ask of them.

    An exercise that is a test judges the right and the wrong functions."""
    reference = Reference(unit, notebook)
    secrets = {False: public_seeds(unit.slug), True: hidden_seeds(unit.slug, b"benchmark")}
    asked = [
        (probe, reference.inputs(probe, seeds(probe.name, case)))
        for secret, seeds in secrets.items()
        for probe in unit.probes_of(notebook)
        if not probe.judges and (secret or not probe.hidden)
        for case in range(probe.cases)
    ]
    tests = [
        (probe, Given(probe.judges, wrong))
        for probe in unit.probes_of(notebook)
        if probe.judges
        for wrong in (None, None, *probe.wrong)
    ]
    judged = {given: reference.given(given) for _, given in tests}

    def run() -> None:
        with redirect_stdout(StringIO()):
            own = Reference(unit, notebook)
            for probe, inputs in asked:
                own.ask(probe, own.names, inputs)
            for probe, given in tests:
                run_probe(probe, own.names, {"implementation": given}, judged.__getitem__)

    return milliseconds(run)


def costs(unit: Unit, notebook: Notebook, folder: Path) -> dict[str, float]:
    alone = replace(unit, notebooks=[notebook])
    (folder / f"{notebook.name}.ipynb").write_text(without_experiments(notebook))
    with Grader(alone, ROOT, sandbox="B") as grader:
        whole = milliseconds(lambda: grader.grade("ada", folder), lambda: cpu(os.getpid()))
        result = grader.grade("ada", folder)
    assert result.points == result.max_points > 0
    page = milliseconds(lambda: write_feedback(result, alone, folder, {}))
    own = own_code(unit, notebook)
    return {"graded": whole, "own code": own, "engine alone": whole - own, "feedback": page}


def main() -> None:
    unit = load_built(ROOT, sys.argv[1] if sys.argv[1:] else "02-batchnorm")
    figures = {}
    for notebook in unit.notebooks:
        with tempfile.TemporaryDirectory() as folder:
            figures[notebook.name] = costs(unit, notebook, Path(folder))
    table = Table("CPU, ms", *figures)
    for name in next(iter(figures.values())):
        table.add_row(name, *(f"{of[name]:.0f}" for of in figures.values()))
    Console().print(table)
    rounded = {notebook: {k: round(v, 1) for k, v in of.items()} for notebook, of in figures.items()}
    Console().print(write("own_cost", {"unit": unit.slug, "times": TIMES, "CPU ms a submission": rounded}))


if __name__ == "__main__":
    main()
