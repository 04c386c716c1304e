"""The shapes, places and gradients of the page's figure: against NumPy and against torch's autograd."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from lab.figures import broadcasting
from tests.site.figure_arithmetic import call, call_each

SHAPES = [
    (),
    (4,),
    (3,),
    (1, 4),
    (3, 1),
    (3, 4),
    (2, 1, 1),
    (2, 1, 4),
    (2, 3, 1),
    (2, 3, 4),
    (2, 4, 3),
    (1, 1),
]
PAIRS = list(product(SHAPES, SHAPES))


def numpy_result(a: tuple, b: tuple) -> list[int] | None:
    try:
        return list(np.broadcast_shapes(a, b))
    except ValueError:
        return None


FITTING = [pair for pair in PAIRS if numpy_result(*pair) is not None]


def test_every_pair_of_shapes_has_numpys_result_or_none() -> None:
    assert call_each("broadcasting", "result", PAIRS) == [numpy_result(a, b) for a, b in PAIRS]
    assert 0 < len(FITTING) < len(PAIRS)


def test_every_place_reads_the_number_that_numpy_broadcasts_to_it() -> None:
    asked, expected = [], []
    for own, whole in {(a, tuple(np.broadcast_shapes(a, b))) for a, b in FITTING}:
        numbers = np.broadcast_to(np.arange(int(np.prod(own))).reshape(own), whole)
        asked += [(own, place) for place in np.ndindex(*whole)]
        expected += numbers.ravel().tolist()
    assert call_each("broadcasting", "reads", asked) == expected


@pytest.mark.parametrize(("a", "b"), [((3, 1), (4,)), ((2, 3, 4), (3, 1)), ((2, 1, 4), (3, 1)), ((3, 4), ())])
def test_the_gradient_is_that_of_torchs_autograd(a: tuple, b: tuple) -> None:
    rng = np.random.default_rng(0)
    left, right = torch.zeros(a, dtype=torch.float64), torch.zeros(b, dtype=torch.float64, requires_grad=True)
    dout = rng.normal(size=np.broadcast_shapes(a, b))
    ((left + right) * torch.tensor(dout)).sum().backward()
    found = call("broadcasting", "gradient", list(b), list(dout.shape), dout.ravel().tolist())
    np.testing.assert_allclose(found, right.grad.numpy().ravel())


def test_an_array_is_repeated_along_axes_that_it_lacks_or_has_no_stride_along_and_the_twin_agrees() -> None:
    asked = [(own, tuple(np.broadcast_shapes(own, b))) for own, b in FITTING]
    expected = []
    for own, whole in asked:
        strides = np.broadcast_to(np.zeros(own), whole).strides
        missing = len(whole) - len(own)
        still = [strides[axis] == 0 and whole[axis] > 1 for axis in range(len(whole))]
        expected.append([axis for axis in range(len(whole)) if axis < missing or still[axis]])
    assert call_each("broadcasting", "repeated", asked) == expected
    assert [broadcasting.repeated(own, whole) for own, whole in asked] == expected


def test_shapes_are_read_and_written_as_python_does() -> None:
    texts = [str(shape) for shape in SHAPES]
    assert call_each("broadcasting", "sizes", [(text,) for text in texts]) == [
        list(shape) for shape in SHAPES
    ]
    assert call_each("broadcasting", "shape", [(list(shape),) for shape in SHAPES]) == texts


def test_the_words_name_the_axis_that_does_not_fit_or_those_that_are_repeated() -> None:
    told = call("broadcasting", "describe", [3, 4], [3], False)
    assert "4 meets 3, and neither is 1" in told
    told = call("broadcasting", "describe", [2, 3, 1], [4], True)
    assert "a + b has (2, 3, 4)" in told
    assert "a is repeated along axis 2. b is repeated along axes 0 and 1." in told
    assert told.endswith("db is the sum of dout over axes 0 and 1.")
