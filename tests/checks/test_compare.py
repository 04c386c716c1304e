"""Equal arrays are the verdict; these tests say what equal means."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from autograder.compare import agree, difference

FLOATS = arrays(np.float64, array_shapes(max_dims=3, max_side=5), elements=st.floats(-1e6, 1e6))


@given(FLOATS)
def test_an_array_equals_itself(x):
    assert difference({"x": x}, {"x": x}) is None


@given(FLOATS)
def test_a_float32_copy_passes_within_its_own_precision(x):
    assert difference({"x": x.astype(np.float32)}, {"x": x}) is None


@given(FLOATS, st.floats(1e-6, 1e-1))
def test_a_relative_error_above_the_bound_is_seen_wherever_it_is(x, error):
    largest = np.abs(x).max()
    if largest < 1e-3:
        return
    wrong = x.copy()
    wrong.flat[np.argmax(np.abs(x))] += error * largest
    assert difference({"x": wrong}, {"x": x}).kind == "value"


@pytest.mark.parametrize(
    ("got", "wanted", "kind"),
    [
        ({"y": np.ones(3)}, {"x": np.ones(3)}, "names"),
        ({"x": np.ones((3, 1))}, {"x": np.ones(3)}, "shape"),
        ({"x": np.ones(3, int)}, {"x": np.ones(3)}, "dtype"),
        ({"x": np.ones(3, bool)}, {"x": np.ones(3)}, "dtype"),
        ({"x": np.array([1, np.nan])}, {"x": np.ones(2)}, "nan"),
        ({"x": np.ones(2)}, {"x": np.array([1, np.inf])}, "nan"),
        ({"x": np.array([-np.inf])}, {"x": np.array([np.inf])}, "nan"),
        ({"x": np.array([1, 2.0])}, {"x": np.array([1, 2.001])}, "value"),
    ],
)
def test_what_differs_first_is_named(got, wanted, kind):
    assert difference(got, wanted).kind == kind


def test_equal_nan_and_infinity_are_equal():
    x = {"x": np.array([np.nan, np.inf, -np.inf, 1.0])}
    assert difference(x, x) is None


def test_the_message_says_where_the_largest_error_is_and_what_was_expected():
    wrong, right = np.zeros((2, 3)), np.zeros((2, 3))
    right[1, 2] = 4.0
    assert "x[1, 2] = 0, expected 4" in difference({"x": wrong}, {"x": right}).sentence


def test_a_probes_own_bound_never_narrows_what_float32_can_do():
    x = np.linspace(1, 2, 50)
    assert difference({"x": x.astype(np.float32)}, {"x": x}, rtol=1e-12) is None
    assert difference({"x": x + 1e-10}, {"x": x}, rtol=1e-12).kind == "value"


@given(FLOATS, st.floats(-1e-3, 1e-3))
def test_agree_says_the_same_as_difference(x, shift):
    got = {"x": x * (1 + shift)}
    assert agree(got, {"x": x}, 3e-4) == (difference(got, {"x": x}, 3e-4) is None)


def test_half_precision_does_not_widen_the_bound():
    x = np.linspace(1, 2, 50)
    assert difference({"x": (1.01 * x).astype(np.float16)}, {"x": x}).kind == "value"


def test_a_wrong_boolean_is_told_as_one():
    found = difference({"ok": np.array(False)}, {"ok": np.array(True)})
    assert found.sentence == "ok is False, expected True"


def test_a_tiny_error_is_called_almost_right():
    assert "Almost right" in difference({"x": np.array([1 + 1e-7])}, {"x": np.array([1.0])}).sentence
