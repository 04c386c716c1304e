"""What <deep-signal> computes, against PyTorch (autograd, initializers) and the NumPy of its twin."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import batch_norm, leaky_relu

from lab.figures import deep_signal
from tests.site.figure_arithmetic import call, call_each

TORCH = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky": lambda z: leaky_relu(z, 0.1),
}
WIDTHS = (5, 4, 6, 3)  # all different: a transposed matrix would not fit, or be wrong
N = 7
RNG = np.random.default_rng(3)
X, DOUT = RNG.normal(size=(N, WIDTHS[0])), RNG.normal(size=(N, WIDTHS[-1]))
WEIGHTS = [RNG.normal(size=shape) for shape in pairwise(WIDTHS)]


def by_torch(activation: str, normalize: bool) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Outputs of the layers, and the gradients with respect to them."""
    outputs = [torch.from_numpy(X)]
    for W in WEIGHTS:
        z = outputs[-1] @ torch.from_numpy(W)
        z = batch_norm(z, None, None, training=True) if normalize else z
        outputs.append(TORCH[activation](z).requires_grad_())
        outputs[-1].retain_grad()
    outputs[-1].backward(torch.from_numpy(DOUT))
    return [h.detach().numpy() for h in outputs[1:]], [h.grad.numpy() for h in outputs[1:]]


def by_figure(activation: str, normalize: bool) -> tuple[list[Any], list[Any]]:
    flat = [W.ravel() for W in WEIGHTS]
    layers = call("random-network", "forward", X.ravel(), flat, N, activation, normalize)
    return [h["output"] for h in layers], call(
        "random-network", "backward", layers, DOUT.ravel(), N, activation
    )


@pytest.mark.parametrize("normalize", [False, True], ids=["plain", "batch-norm"])
@pytest.mark.parametrize("activation", TORCH)
def test_figure_and_twin_go_up_and_down_as_torch_does(activation: str, normalize: bool) -> None:
    outputs, gradients = by_torch(activation, normalize)
    layers = deep_signal.forward(X, WEIGHTS, activation, normalize)
    twin = [h.output for h in layers], deep_signal.backward(layers, DOUT, activation)
    for ours in (by_figure(activation, normalize), twin):
        for got, expected in zip([*ours[0], *ours[1]], [*outputs, *gradients], strict=True):
            np.testing.assert_allclose(np.ravel(got), expected.ravel(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "initialize"),
    [("he", lambda W: torch.nn.init.kaiming_normal_(W)), ("glorot", torch.nn.init.xavier_normal_)],
)
def test_the_scale_of_the_weights_is_that_of_torchs_initializer(name: str, initialize: Any) -> None:
    fan_in, fan_out = 300, 700
    torch.manual_seed(0)
    W = initialize(torch.empty(fan_out, fan_in))  # torch stores (fan_out, fan_in)
    std = call("random-network", "weightStd", name, fan_in, fan_out)
    # the std of m normal numbers has a relative error of 1 / sqrt(2 m); five of these
    assert std == pytest.approx(W.std().item(), rel=5 / (2 * W.numel()) ** 0.5)
    assert std == pytest.approx(deep_signal.weight_std(name, fan_in, fan_out), rel=1e-15)


def test_the_weights_are_standard_normal_before_they_are_scaled() -> None:
    z = np.array(call("random-network", "sample", 40000, 9))
    error = 5 / len(z) ** 0.5
    assert z.mean() == pytest.approx(0, abs=error)
    assert z.std() == pytest.approx(1, abs=error / 2**0.5)
    assert (z**4).mean() == pytest.approx(3, abs=error * 96**0.5)  # var(z^4) = 105 - 9


def test_the_weights_of_he_hold_the_mean_square_of_a_relu_network() -> None:
    n, width, depth = 20, 64, 10
    std = call("random-network", "weightStd", "he", width, width)
    *weights, x = (
        np.array(z) for z in call_each("random-network", "sample", [(width**2, s) for s in range(11)])
    )
    layers = call("random-network", "forward", x[: n * width], [std * z for z in weights], n, "relu", False)
    sizes = [np.square(layer["output"]).mean() for layer in layers]
    assert len(sizes) == depth
    assert all(0.3 < size < 3 for size in sizes)  # without the factor 2 the last would be about 0.001


def test_the_histogram_is_numpys_with_everything_outside_in_the_outermost_bins() -> None:
    values = RNG.normal(0, 2, 500)
    shares = call("random-network", "histogram", values, [-1, 3], 24)
    expected, _ = np.histogram(values.clip(-1, 3), bins=24, range=(-1, 3))
    np.testing.assert_allclose(shares, expected / 500, atol=1e-12)


def test_the_deviation_is_that_of_all_values_of_a_layer() -> None:
    values = RNG.normal(5, 2, 40)
    assert call("random-network", "deviation", values) == pytest.approx(values.std(), rel=1e-12)


@pytest.mark.parametrize(
    ("activation", "z", "share"),
    [("tanh", [-9, 0, 0.5, 9], 0.5), ("sigmoid", [-9, -8, 0, 9], 0.75), ("relu", [-1, 2, -3, -4], 0.75)],
)
def test_a_unit_is_flat_where_its_derivative_is_small(activation: str, z: list[float], share: float) -> None:
    outputs = TORCH[activation](torch.tensor(z, dtype=torch.float64)).tolist()
    assert call("random-network", "flatShare", outputs, activation) == share


def test_a_signal_is_said_to_vanish_hold_or_explode() -> None:
    words = call_each("random-network", "fate", [(1e-9,), (0.2,), (0.3,), (3,), (5,), (1e9,)])
    assert words == ["vanishes", "shrinks", "holds", "holds", "grows", "explodes"]


def random_network(activation: str, std: float, seed: int = 0) -> tuple[list[float], list[float]]:
    """The size of the signal, and of the gradient, in each layer of a network of the figure."""
    width, n, depth = deep_signal.WIDTH, deep_signal.N, deep_signal.DEPTH
    draws = [(width**2, 100 * seed + layer) for layer in range(depth)]
    draws += [(n * width, 100 * seed + depth + 30), (n * width, 100 * seed + depth + 31)]
    *z, x, dout = (np.array(values) for values in call_each("random-network", "sample", draws))
    weights = [std * W.reshape(width, width) for W in z]
    layers = deep_signal.forward(x.reshape(n, width), weights, activation, normalize=False)
    gradients = deep_signal.backward(layers, dout.reshape(n, width), activation)
    return [deep_signal.signal_std(layer.output) for layer in layers], [g.std() for g in gradients]


def test_units_with_constant_outputs_carry_no_signal() -> None:
    """Sigmoid, std 0.1: over all its values a layer has a std near 0.1, but nothing of the input arrives."""
    signal, _ = random_network("sigmoid", 0.1)
    assert signal[-1] < 1e-12
    assert call("random-network", "fate", signal[-1] / signal[0]) == "vanishes"
    values = RNG.normal(size=(N, 5)) * [0, 1, 2, 3, 4] + [9, 0, 0, 0, 0]
    found = call("random-network", "signalDeviation", values.ravel(), N)
    assert found == pytest.approx(values.std(axis=0).mean(), rel=1e-12)
    assert found == pytest.approx(deep_signal.signal_std(values), rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_with_large_weights_the_gradient_of_tanh_explodes_and_that_of_sigmoid_shrinks(seed: int) -> None:
    """What the gallery says: std 1, 50 units; the weights win against the slope of tanh, not of sigmoid."""
    for activation, words in (("tanh", {"explodes"}), ("sigmoid", {"shrinks", "vanishes"})):
        _, gradient = random_network(activation, 1.0, seed)
        assert call("random-network", "fate", gradient[0] / gradient[-1]) in words


@pytest.mark.parametrize("seed", range(3))
def test_batch_normalization_holds_the_signal_and_makes_the_gradient_grow_by_a_fifth(seed: int) -> None:
    """What the chapter says. Mean-field theory (Yang et al. 2019) has sqrt(pi / (pi - 1)) = 1.21."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(deep_signal.DEPTH, deep_signal.WIDTH, deep_signal.WIDTH))
    x, dout = rng.normal(size=(2, deep_signal.N, deep_signal.WIDTH))
    small, large = (deep_signal.forward(x, list(std * z), "relu", True) for std in (0.1, 1.0))
    for below, above in zip(small, large, strict=True):
        assert below.output.std() == pytest.approx(above.output.std(), rel=1e-2)  # eps is all that differs
    sizes = [gradient.std() for gradient in deep_signal.backward(large, dout, "relu")]
    growth = (sizes[0] / sizes[-1]) ** (1 / (deep_signal.DEPTH - 1))
    assert growth == pytest.approx((np.pi / (np.pi - 1)) ** 0.5, rel=0.05)
