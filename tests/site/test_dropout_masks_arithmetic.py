"""What <dropout-masks> computes, against an enumeration, torch's dropout and the NumPy of its twin."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import dropout

from lab.figures import dropout_masks
from tests.site.figure_arithmetic import call, call_each

N = 5
RNG = np.random.default_rng(7)
H, W = RNG.normal(1, 1, N), RNG.normal(0, 2, N)
OUTPUTS = {"linear": lambda z: z, "relu": lambda z: max(z, 0.0), "sigmoid": lambda z: 1 / (1 + math.exp(-z))}
P = 0.3  # not one half: there the probabilities of keeping and of dropping could be swapped


def figure(scaling: str, output: str, p: float = P) -> dict[str, Any]:
    return call("mask-ensemble", "ensemble", H, W, p, scaling, output)


def expectation(scaling: str, output: str) -> float:
    """The mean over all subsets of dropped units, written from the definition."""
    factor = 1 / (1 - P) if scaling == "inverted" else 1
    total = 0.0
    for k in range(N + 1):
        for dropped in combinations(range(N), k):
            z = sum(factor * H[i] * W[i] for i in range(N) if i not in dropped)
            total += P**k * (1 - P) ** (N - k) * OUTPUTS[output](z)
    return total


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("scaling", ["none", "inverted", "test"])
def test_the_exact_average_is_that_over_all_subsets_of_dropped_units(scaling: str, output: str) -> None:
    assert figure(scaling, output)["average"] == pytest.approx(expectation(scaling, output), rel=1e-12)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("scaling", ["none", "inverted", "test"])
def test_figure_and_twin_have_the_same_networks(scaling: Any, output: str) -> None:
    ours, (values, probability, prediction) = (
        figure(scaling, output),
        dropout_masks.ensemble(H, W, P, scaling, output),
    )
    np.testing.assert_allclose(ours["values"], values, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(ours["probability"], probability, rtol=1e-12)
    assert ours["prediction"] == pytest.approx(prediction, rel=1e-12)
    assert sum(ours["probability"]) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("p", [0, 0.3, 0.9])
@pytest.mark.parametrize("scaling", ["inverted", "test"])
def test_with_a_linear_output_the_scaled_network_is_the_exact_average(scaling: str, p: float) -> None:
    ours = figure(scaling, "linear", p)
    assert ours["prediction"] == pytest.approx(ours["average"], rel=1e-12)


def test_inverted_dropout_keeps_the_expectation_and_plain_dropout_does_not() -> None:
    assert figure("inverted", "linear")["average"] == pytest.approx(H @ W, rel=1e-12)
    assert figure("none", "linear")["average"] == pytest.approx((1 - P) * H @ W, rel=1e-12)
    assert figure("none", "linear")["prediction"] == pytest.approx(H @ W, rel=1e-12)


@pytest.mark.parametrize("output", ["relu", "sigmoid"])
def test_with_a_nonlinear_output_the_scaled_network_is_another_number(output: str) -> None:
    h, w = dropout_masks.H, dropout_masks.W  # the units that the reader sees
    ours = call("mask-ensemble", "ensemble", h, w, 0.5, "inverted", output)
    assert abs(ours["prediction"] - ours["average"]) > 0.05


def test_for_relu_the_average_is_above_the_prediction() -> None:
    """Jensen's inequality, strict where some masks are positive and some negative."""
    units = dropout_masks.H, dropout_masks.W
    for ours in call_each(
        "mask-ensemble", "ensemble", [(*units, p, "inverted", "relu") for p in (0.1, 0.5, 0.9)]
    ):
        assert ours["average"] > ours["prediction"]


def test_the_exact_average_and_spread_are_those_of_torchs_dropout() -> None:
    torch.manual_seed(1)
    draws = dropout(torch.from_numpy(H).expand(100_000, N), p=P) @ torch.from_numpy(W)
    ours = figure("inverted", "linear")
    variance = np.dot(ours["probability"], np.square(ours["values"])) - ours["average"] ** 2
    assert draws.mean().item() == pytest.approx(ours["average"], abs=5 * (variance / len(draws)) ** 0.5)
    assert draws.var().item() == pytest.approx(variance, rel=0.05)  # its own error is below 1 %


def test_a_unit_is_dropped_with_probability_p() -> None:
    uniform = RNG.uniform(size=(400, N))
    masks = call_each("mask-ensemble", "maskOf", [(row, P) for row in uniform])
    kept = np.array(call_each("mask-ensemble", "kept", [(mask, N) for mask in masks]))
    np.testing.assert_array_equal(kept, uniform < 1 - P)


def test_the_histogram_is_numpys() -> None:
    values, weights = RNG.normal(size=50), RNG.uniform(size=50)
    low, high = values.min(), values.max()
    expected, _ = np.histogram(values, bins=40, range=(low, high), weights=weights)
    np.testing.assert_allclose(call("mask-ensemble", "histogram", values, weights, low, high, 40), expected)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (-2.5, 3, [-2, -1, 0, 1, 2, 3]),
        (-25, 30, [-20, -10, 0, 10, 20, 30]),
    ],
)
def test_the_axis_names_round_numbers(low: float, high: float, ticks: list[float]) -> None:
    assert call("mask-ensemble", "ticks", low, high) == pytest.approx(ticks)
