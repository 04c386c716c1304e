"""The arithmetic of a figure, asked in Node: the helper itself, and the drifting batch against torch."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lab.figures import bn_drift
from tests.site.figure_arithmetic import call, call_each


def test_numbers_travel_unchanged_infinite_and_undefined_ones_too() -> None:
    numbers = [0.1, -1e-300, 3, math.inf, -math.inf]
    there_and_back = call_each("base", "fixed", [(value, 1) for value in numbers])
    assert there_and_back == ["0.1", "−0.0", "3.0", math.inf, "−Infinity"]
    assert math.isnan(call("bn-drift", "normalize", np.array([math.nan, 1.0]))["mu"])


def test_an_error_of_the_figure_is_the_error_of_the_test() -> None:
    with pytest.raises(AssertionError, match="exports no function nothing"):
        call("bn-drift", "nothing")


def test_the_followed_example_stays_in_the_picture_of_the_drifting_batch() -> None:
    """All others equal, the largest batch: nothing can be further out than sqrt(N - 1)."""
    furthest = max(call("bn-drift", "normalize", np.r_[1.5, np.full(63, -3.0)])["train"])
    assert furthest == pytest.approx(63**0.5, rel=1e-4)
    radius, width, centre = 7, 740, 370
    left, right = call_each("bn-drift", "place", [(-furthest,), (furthest,)])
    assert radius <= left
    assert right <= width - radius
    assert right - centre == pytest.approx(centre - left)
    assert 735 not in (left, right)  # not clamped


@pytest.mark.parametrize("N", [1, 2, 7])
def test_bn_drift_normalizes_as_torch_and_as_its_twin(N: int) -> None:
    x = np.random.default_rng(N).normal(3, 2, N)
    figure = call("bn-drift", "normalize", x, 0.03)
    train, evaluated = bn_drift.normalize(x, 0.03)
    np.testing.assert_allclose(figure["train"], train, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(figure["eval"], evaluated, rtol=1e-13)
    if N > 1:  # torch refuses to train on one value per channel
        layer = torch.nn.BatchNorm1d(1, eps=0.03).double()
        column = torch.from_numpy(x)[:, None]
        layer.eval()
        np.testing.assert_allclose(figure["eval"], layer(column).detach()[:, 0], rtol=1e-12)
        layer.train()
        np.testing.assert_allclose(figure["train"], layer(column).detach()[:, 0], rtol=1e-12, atol=1e-12)
