"""Whether a release is what a build makes of its unit, on a processor that may round differently."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from autograder import store
from autograder.authoring.reference import Reference
from autograder.authoring.unit import Notebook, Unit
from autograder.probes import Inputs
from autograder.running import Outcome
from autograder.verdict import Case, Question


def differences(unit: Unit, notebook: Notebook, committed: Path, built: Path) -> list[str]:
    """Cases that differ by more than rounding; `committed` and `built` are folders with cases."""
    questions = [store.load(folder, notebook.name)[0] for folder in (committed, built)]
    found: list[str] = []
    doubtful: list[tuple[Question, Case, str]] = []
    for before, now in zip(*questions, strict=True):
        for number, (old, new) in enumerate(zip(before.cases, now.cases, strict=True)):
            if not (same_inputs(old.inputs, new.inputs) and same(old.expected, new.expected)):
                found.append(f"{now.name}, case {number}")
            if old.mistakes.keys() != new.mistakes.keys():
                found.append(f"{now.name}, case {number}: the mistakes")
            else:
                differ = [k for k in new.mistakes if not same(old.mistakes[k], new.mistakes[k])]
                doubtful += [(now, new, mistake) for mistake in differ]
    reference = Reference(unit, notebook) if doubtful else None
    return found + [
        f"{question.name}: {mistake}"
        for question, case, mistake in doubtful
        if reference and not is_decided_by_rounding(reference, question, case, mistake)
    ]


def is_decided_by_rounding(reference: Reference, question: Question, case: Case, mistake: str) -> bool:
    """Does the answer change as a whole where inputs change by nearly nothing?

    So it is, for example, with directions in which nothing varies: any of them is an eigenvector.
    """
    patch = next(p for p in reference.unit.patches if p.mistake.id == mistake)
    probe, names = reference.unit.probes[question.name], reference.patched(patch)
    first, *others = (
        reference.ask(probe, names, {name: nudge(value, seed) for name, value in case.inputs.items()}, 0)
        for seed in range(9)
    )
    return not all(same(first, other) for other in others)


def nudge(value: object, seed: int) -> object:
    if isinstance(value, np.ndarray) and value.dtype.kind in "iuf":
        wide = value if value.dtype.kind == "f" else value.astype(np.float64)
        signs = np.random.default_rng(seed).choice([-1, 1], value.shape)
        return wide * (1 + 4 * np.finfo(wide.dtype).eps * signs).astype(wide.dtype)
    return value


def same_inputs(a: Inputs, b: Inputs) -> bool:
    arrays = [{k: v for k, v in x.items() if isinstance(v, np.ndarray | float)} for x in (a, b)]
    return a.keys() == b.keys() and all(close(arrays[0][k], arrays[1].get(k)) for k in arrays[0])


def same(a: Outcome, b: Outcome) -> bool:
    return (a.status, a.error, a.modified) == (b.status, b.error, b.modified) and (
        a.arrays.keys() == b.arrays.keys() and all(close(a.arrays[k], b.arrays[k]) for k in a.arrays)
    )


def close(a: object, b: object) -> bool:
    x, y = np.asarray(a), np.asarray(b)
    if x.shape != y.shape or x.dtype != y.dtype:
        return False
    if x.dtype.kind not in "fc":
        return bool((x == y).all())
    return np.allclose(x, y, rtol=1e-4, atol=1e-6, equal_nan=True)
