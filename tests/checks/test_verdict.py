"""A mistake is recognised where its arrays agree with every answer, and only there."""

import numpy as np

from autograder.running import Outcome
from autograder.verdict import Case, Mistake, Question, judge


def values(y):
    return Outcome("values", {"y": np.array(y, float)})


def question(name="q", **mistakes):
    return Question(name, "f", [Case({}, values([1, 2]), {k: values(v) for k, v in mistakes.items()})])


A, B = Mistake("a", "f", "says a"), Mistake("b", "f", "says b")


def test_equal_arrays_pass():
    (verdict,) = judge([question()], [[values([1, 2])]], [])
    assert verdict.passed and verdict.mistake is None


def test_a_known_mistake_is_named():
    (verdict,) = judge([question(a=[2, 4], b=[0, 0])], [[values([2, 4])]], [A, B])
    assert (verdict.status, verdict.mistake) == ("wrong", "a")


def test_float32_noise_does_not_hide_a_mistake():
    (verdict,) = judge([question(a=[2, 4])], [[values(np.float32([2, 4.0001]))]], [A])
    assert verdict.mistake == "a"


def test_what_matches_nothing_is_wrong_without_a_name():
    (verdict,) = judge([question(a=[2, 4])], [[values([2, 5])]], [A])
    assert (verdict.status, verdict.mistake) == ("wrong", None)


def test_a_mistake_that_would_spoil_a_passed_check_comes_after_one_that_would_not():
    questions = [question("first", a=[9, 9], b=[9, 9]), question("second", a=[1, 2], b=[7, 7])]
    verdicts = judge(questions, [[values([9, 9])], [values([1, 2])]], [B, A])
    assert [v.mistake for v in verdicts] == ["a", None]


def test_two_bugs_in_two_outputs_are_named_each():
    questions = [question("first", a=[9, 9], b=[1, 2]), question("second", a=[1, 2], b=[7, 7])]
    verdicts = judge(questions, [[values([9, 9])], [values([7, 7])]], [A, B])
    assert [v.mistake for v in verdicts] == ["a", "b"]


def test_an_accepted_convention_counts_and_is_told():
    convention = Mistake("c", "f", "This is the other convention.", kind="convention", accepted=True)
    (verdict,) = judge([question(c=[3, 3])], [[values([3, 3])]], [convention])
    assert verdict.passed and verdict.message == "This is the other convention."


def test_an_input_changed_in_place_is_wrong_even_with_right_arrays():
    answer = Outcome("values", {"y": np.array([1.0, 2.0])}, modified=("x",))
    (verdict,) = judge([question()], [[answer]], [])
    assert verdict.kind == "modified"


def overwritten(y):
    return Outcome("values", {"y": np.array(y, float)}, modified=("x",))


def overwriting():
    """Two questions, and a mistake that answers both rightly and writes into an input."""
    return [Question(name, "f", [Case({}, values([1, 2]), {"a": overwritten([1, 2])})]) for name in "pq"]


def test_a_right_result_written_into_the_input_is_named():
    verdicts = judge(overwriting(), [[overwritten([1, 2])]] * 2, [A])
    assert [v.mistake for v in verdicts] == ["a", "a"]


def test_that_only_the_input_is_overwritten_is_not_said_where_the_result_is_wrong_elsewhere():
    verdicts = judge(overwriting(), [[overwritten([1, 2])], [overwritten([9, 9])]], [A])
    assert [(v.kind, v.mistake) for v in verdicts] == [("modified", None)] * 2


RAISED = Outcome("raised", error="ValueError: shapes")


def test_an_error_of_the_same_type_alone_names_no_mistake_for_there_are_many_ways_to_it():
    known = Question("q", "f", [Case({}, values([1]), {"a": RAISED})])
    (verdict,) = judge([known], [[Outcome("raised", error="ValueError: other words")]], [A])
    assert (verdict.status, verdict.mistake) == ("raised", None)


def test_the_same_error_word_by_word_is_evidence():
    known = Question("q", "f", [Case({}, values([1]), {"a": RAISED})])
    (verdict,) = judge([known], [[RAISED]], [A])
    assert verdict.mistake == "a"


def test_an_error_that_names_the_same_shapes_in_another_order_is_the_same_error():
    first, second = (
        Outcome("raised", error=f"ValueError: no broadcast with shapes {s}")
        for s in ("(5,) (4,2)", "(4,2) (5,)")
    )
    known = Question("q", "f", [Case({}, values([1]), {"a": first})])
    (verdict,) = judge([known], [[second]], [A])
    assert verdict.mistake == "a"


def test_an_error_counts_beside_arrays_that_agree():
    known = [Question("q", "f", [Case({}, values([1]), {"a": RAISED})]), question(a=[9, 9])]
    verdicts = judge(known, [[Outcome("raised", error="ValueError: x")], [values([9, 9])]], [A])
    assert [v.mistake for v in verdicts] == ["a", "a"]


def test_an_error_in_one_check_counts_where_all_others_pass_as_the_mistake_would():
    known = [Question("q", "f", [Case({}, values([1]), {"a": RAISED})]), question(a=[1, 2])]
    verdicts = judge(known, [[Outcome("raised", error="ValueError: x")], [values([1, 2])]], [A])
    assert [v.mistake for v in verdicts] == ["a", None]


def test_a_rounding_error_is_not_explained_by_a_mistake_that_shows_elsewhere():
    questions = [question("first", a=[1, 2]), question("second", a=[9, 9])]
    verdicts = judge(questions, [[values([1, 2 + 1e-5])], [values([1, 2])]], [A])
    assert [(v.status, v.mistake) for v in verdicts] == [("wrong", None), ("passed", None)]
