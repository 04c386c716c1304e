"""What is stored comes back, and the same content gives the same bytes."""

import os

import numpy as np
import pytest

from autograder import store
from autograder.probes import Given
from autograder.running import Outcome
from autograder.verdict import Case, Mistake, Question

INPUTS = {
    "x": np.arange(6.0).reshape(2, 3),
    "batches": [np.ones(2), np.zeros((3, 1))],
    "eps": 0.05,
    "training": True,
    "shape": (2, 3),
    "f": Given("forward"),
    "none": None,
    "state": {"v": np.arange(3.0), "t": 2, "old": {"v": np.zeros(2)}},
}
QUESTIONS = [
    Question(
        "q",
        "f",
        [Case(INPUTS, Outcome("values", {"y": np.ones(2)}), {"m": Outcome("raised", error="E: x")})],
        1e-7,
    )
]
MISTAKES = [Mistake("m", "f", "says", hint="look", synonyms=("n",))]


def test_questions_and_mistakes_come_back(tmp_path):
    store.save(tmp_path, "nb", QUESTIONS, MISTAKES)
    (question,), mistakes = store.load(tmp_path, "nb")
    case = question.cases[0]
    assert mistakes == MISTAKES
    assert (question.name, question.of, question.rtol) == ("q", "f", 1e-7)
    assert (
        case.inputs["f"] == Given("forward")
        and case.inputs["shape"] == (2, 3)
        and case.inputs["none"] is None
    )
    assert case.inputs["training"] is True and case.inputs["eps"] == 0.05
    np.testing.assert_array_equal(case.inputs["batches"][1], np.zeros((3, 1)))
    state = case.inputs["state"]
    assert state.keys() == {"v", "t", "old"} and state["t"] == 2
    np.testing.assert_array_equal(state["v"], np.arange(3.0))
    np.testing.assert_array_equal(state["old"]["v"], np.zeros(2))
    assert case.mistakes["m"].error == "E: x"


def test_saving_twice_gives_the_same_bytes(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        store.save(tmp_path / folder, "nb", QUESTIONS, MISTAKES)
    for name in ("nb.json", "nb.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_saving_the_same_again_touches_no_file(tmp_path):
    """`make` builds the website anew from a check that is younger."""
    store.save(tmp_path, "nb", QUESTIONS, MISTAKES)
    for file in tmp_path.iterdir():
        os.utime(file, (1, 1))
    store.save(tmp_path, "nb", QUESTIONS, MISTAKES)
    assert {file.stat().st_mtime for file in tmp_path.iterdir()} == {1}


def test_arrays_that_differ_in_the_last_bit_are_not_rewritten(tmp_path):
    store.save(tmp_path, "nb", QUESTIONS, MISTAKES)
    before = (tmp_path / "nb.npz").read_bytes()
    nearly = Outcome("values", {"y": np.ones(2) * (1 + 1e-15)})
    moved = [Question("q", "f", [Case(INPUTS, nearly, QUESTIONS[0].cases[0].mistakes)], 1e-7)]
    store.save(tmp_path, "nb", moved, MISTAKES)
    assert (tmp_path / "nb.npz").read_bytes() == before


def test_inputs_that_cannot_be_shipped_are_refused_in_words(tmp_path):
    with pytest.raises(TypeError, match="arrays, numbers, texts"):
        store.pack_inputs({"x": object()}, "in", {})


def test_what_differs_in_the_last_digit_alone_is_not_written_anew(tmp_path):
    def saved(eps: float) -> bytes:
        store.save(
            tmp_path, "nb", [Question("q", "f", [Case({"eps": eps}, Outcome("values", {}))])], MISTAKES
        )
        return (tmp_path / "nb.json").read_bytes()

    first = saved(1.019893740717508)
    assert saved(1.0198937407175082) == first
    assert saved(1.0198937417175082) != first
