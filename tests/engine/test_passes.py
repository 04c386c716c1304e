"""When the hidden questions are asked: after the last cell where that says the same, else at their places."""

import json
import sys
from types import SimpleNamespace

import pytest

from autograder.authoring import release

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the engine forks and needs Linux")

FULL = {"scale": 3, "center": 4, "scale_centered": 2, "test_scale": 1}


@pytest.fixture
def graded(grader, unit, tmp_path, monkeypatch):
    """Grade the solution after a replacement, with a cell put in front of another or at the end."""

    def run(old="", new="", *, above="", below="", also=()):
        notebook = json.loads(release.notebook_json(unit.notebooks[0], solution=True))
        for cell in notebook["cells"]:
            for before, after in {old: new, **dict(also)}.items():
                cell["source"] = "".join(cell["source"]).replace(before, after, 1 if before else 0)
        first = [cell["id"] for cell in notebook["cells"]].index("check-scale") - 1
        own = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
        notebook["cells"].insert(first, {**own, "id": "above", "source": above})
        notebook["cells"].append({**own, "id": "below", "source": below})
        (tmp_path / "tiny_numpy.ipynb").write_text(json.dumps(notebook))
        (zygote,) = grader._zygotes.values()
        spawn, born = zygote.spawn, []
        with monkeypatch.context() as patch:
            patch.setattr(zygote, "spawn", lambda **how: born.append(how) or spawn(**how))
            result = grader.grade("ada", tmp_path)
        marks = {c.name: c.points for n in result.notebooks for c in n.checks.values()}
        (notes,) = [n.notes for n in result.notebooks]
        return SimpleNamespace(marks=marks, children=len(born), notes=notes)

    return run


def test_a_right_notebook_takes_one_process(graded):
    found = graded()
    assert found.marks == FULL
    assert found.children == 1


def test_what_fails_in_public_is_not_asked_twice_in_secret(graded):
    found = graded("return x - mu, mu", "return x + mu, mu")
    assert found.marks == {**FULL, "center": 2}
    assert found.children == 1


def test_a_stub_takes_one_process(graded):
    found = graded("return x - mu, mu", "raise NotImplementedError")
    assert found.marks == {**FULL, "center": 0}
    assert found.children == 1


@pytest.mark.parametrize(
    "below",
    [
        "def scale(x, a): return None",
        "del np",
        "np = 3",
        "def abs(x): raise ValueError",
        "import sys; sys.setrecursionlimit(100); np.seterr(all='raise')",
    ],
)
def test_names_mean_in_secret_what_they_meant_at_the_check(graded, below):
    found = graded("secret_product = x * a", "secret_product = np.multiply(x, a) * abs(-1)", below=below)
    assert found.marks == FULL
    assert found.children == 1


def test_a_name_that_only_a_later_cell_binds_is_none_at_the_check(graded):
    """Hidden inputs take another branch than public ones; it names what is defined below the check."""
    found = graded("secret_product = x * a", "secret_product = x * a if a else LATER * x", below="LATER = 0")
    assert found.children == 3, "after the last cell, at its own place, and once more for what raised there"
    assert found.marks == FULL
    assert "scale could be run only after the last cell" in " ".join(found.notes)


@pytest.mark.parametrize("below", ["HOW.clear()", "np.multiply = None", "import os; HOW[0] = os._exit"])
def test_what_a_later_cell_breaks_costs_nothing_at_the_checks_above_it(graded, below):
    """Names are put back, objects are not: a fresh process asks at the check's own place."""
    found = graded("x * a", "np.multiply(x, HOW[0](a))", above="HOW = [float]", below=below)
    assert found.marks == FULL
    assert found.children == 2


def test_an_answer_that_is_right_in_public_only_is_asked_in_a_fresh_process_too(graded):
    found = graded("secret_product = x * a", "secret_product = x * a if x.shape == (4, 3) else x")
    assert found.marks["scale"] < FULL["scale"]
    assert found.children == 2


def test_a_served_function_that_was_kept_in_public_answers_nothing_in_secret(graded):
    """`scale_centered` is served the reference `scale`, after `scale` was asked in public and before it is
    asked in secret."""
    found = graded(
        "secret_product = x * a",
        "secret_product = x * a if x.shape == (4, 3) else KEPT[-1](x, a)",
        above="KEPT = []",
        also={"return scale(x - x.mean": "KEPT.append(scale)\n    return scale(x - x.mean"},
    )
    assert found.marks == {**FULL, "scale": 1.5}
    assert found.children > 1
