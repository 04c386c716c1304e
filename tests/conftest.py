"""A course in miniature, for tests that must not depend on any real unit."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

ROOT = Path(__file__).resolve().parent.parent
SLUG = "77-tiny"


def missing(what: str, why: str) -> NoReturn:
    """Skip a test for want of `what`; fail it where $REQUIRED names that: site, chromium, node, pyodide."""
    if what in os.environ.get("REQUIRED", "").split():
        pytest.fail(f"{why} ($REQUIRED says that it is here)", pytrace=False)
    pytest.skip(why)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for all tests of a process: Debian's, or the one that $CHROMIUM names."""
    sync_api = pytest.importorskip("playwright.sync_api")
    from book._tools import chromium as finder

    try:
        path = finder.find()
    except FileNotFoundError as error:
        missing("chromium", str(error))
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=finder.FLAGS)
        yield browser
        browser.close()


@contextmanager
def without_the_browsers_loop(item: pytest.Item) -> Iterator[None]:
    """Playwright leaves its event loop running in the main thread, where no other could be run meanwhile."""
    uses_it = "chromium" in getattr(item, "fixturenames", ())
    loop = asyncio._get_running_loop()
    asyncio._set_running_loop(loop if uses_it else None)
    try:
        yield
    finally:
        asyncio._set_running_loop(asyncio._get_running_loop() or loop)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with without_the_browsers_loop(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with without_the_browsers_loop(item):
        return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from tests.scheduling import ByWhatIsSolved

    return ByWhatIsSolved(config, log)


NOTEBOOK = '''\
# %% [markdown]
# # Tiny

# %%
import numpy as np

import autograder

check = autograder.checks("77-tiny/tiny_numpy")

# %% solution="scale"
def scale(x, a):
    """Multiply by a. x: (N, D). Returns y: (N, D)."""
    ### BEGIN SOLUTION
    secret_product = x * a
    return secret_product
    ### END SOLUTION

# %% check="scale" points=3
check(scale)

# %% solution="center"
def center(x):
    """Subtract the mean over the batch. x: (N, D). Returns (centered, mu)."""
    ### BEGIN SOLUTION
    mu = x.mean(axis=0)
    return x - mu, mu
    ### END SOLUTION

# %% check="center" points=4
check(center)

# %% solution="scale_centered"
def scale_centered(x, a, scale=scale):
    """Center, then scale with the function given."""
    ### BEGIN SOLUTION
    return scale(x - x.mean(axis=0), a)
    ### END SOLUTION

# %% check="scale_centered" points=2
check(scale_centered)

# %% solution="test_scale"
def test_scale(implementation):
    """Raise AssertionError unless `implementation(x, a)` scales."""
    ### BEGIN SOLUTION
    x = np.array([[1.0, -2.0, 3.0]])
    assert np.allclose(implementation(x, 3.0), 3 * x)
    ### END SOLUTION

# %% check="test_scale" points=1
check(test_scale)

# %% experiment="none"
undefined_when_graded = 1

# %% [markdown] question="why" points=2
# Your answer.
'''

CHECKS = '''\
"""Checks of the tiny unit."""

import numpy as np

from autograder import Given, probe

UNUSED = "an author's note"


@probe("scale", cases=3)
def scales_every_entry(s, x, a):
    return {"y": s.scale(x, a)}


@scales_every_entry.inputs
def _(rng):
    return {"x": rng.normal(size=(4, 3)), "a": float(rng.uniform(1.5, 2.5))}


@probe("scale", cases=2, hidden=True)
def scales_by_zero(s, x, a):
    return {"y": s.scale(x, a)}


@scales_by_zero.inputs
def _(rng):
    return {"x": rng.normal(size=(5, 2)), "a": 0.0}


@probe("center", cases=3)
def subtracts_the_mean_of_the_batch(s, x):
    return {"centered": s.center(x)[0]}


@subtracts_the_mean_of_the_batch.inputs
def _(rng):
    return {"x": rng.normal(2, 3, (4, 3))}


@probe("center", cases=3)
def returns_the_mean(s, x):
    return {"mu": s.center(x)[1]}


@returns_the_mean.inputs
def _(rng):
    return {"x": rng.normal(2, 3, (4, 3))}


@probe("scale_centered", cases=2)
def centers_and_scales(s, x, a, scale):
    return {"y": s.scale_centered(x, a, scale)}


@centers_and_scales.inputs
def _(rng):
    return {"x": rng.normal(2, 3, (4, 3)), "a": 1.7, "scale": Given("scale")}


@probe("test_scale", judges="scale", wrong=["adds", "squares"])
def accepts_the_right_one_only(s, implementation):
    s.test_scale(implementation)
    return {"accepts": np.array(True)}


@accepts_the_right_one_only.broken
def twice(scale):
    """everything twice as large"""
    return lambda x, a: 2 * scale(x, a)
'''

MISTAKES = """\
[[mistake]]
id = "adds"
of = "scale"
find = "x * a"
replace = "x + a"
says = "You added a; scaling multiplies."

[[mistake]]
id = "squares"
of = "scale"
find = "x * a"
replace = "x * a * a"
says = "You multiplied by a twice."

[[mistake]]
id = "wrong-axis"
of = "center"
find = "x.mean(axis=0)"
replace = "x.mean(axis=1, keepdims=True)"
says = "The mean is over the batch, axis 0."

[[mistake]]
id = "not-centered"
of = "scale_centered"
find = "x - x.mean(axis=0)"
replace = "x"
says = "You left out the mean."
"""

SETTINGS = """\
title = "Tiny"

[notebooks.tiny_numpy]
torch = false
forbidden = ["np.multiply"]

[limits]
cell_seconds = 2
probe_seconds = 2
submission_seconds = 12
"""


def write_course(root: Path) -> Path:
    folder = root / "solutions" / SLUG
    folder.mkdir(parents=True)
    (root / "pyproject.toml").write_text("")
    for name, text in {
        "tiny_numpy.py": NOTEBOOK,
        "checks.py": CHECKS,
        "mistakes.toml": MISTAKES,
        "unit.toml": SETTINGS,
    }.items():
        (folder / name).write_text(text)
    return root


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A fresh copy of the tiny course, not built yet."""
    return write_course(tmp_path / "course")


@pytest.fixture(scope="session")
def built_course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny course, built; do not change it."""
    from autograder.authoring.build import load_built

    root = write_course(tmp_path_factory.mktemp("tiny") / "course")
    load_built(root, SLUG)
    return root
