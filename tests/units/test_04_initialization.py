"""Activations, initializers and blocks in NumPy: the solutions against torch, SciPy and quotients."""

import numpy as np
import pytest
import torch
from scipy.special import expit
from scipy.stats import kstest
from torch import nn
from torch.nn import functional

from autograder.probes import Given
from autograder.running import run_probe
from tests.conftest import ROOT

SOLVED = ("04-initialization", "initialization_numpy")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def quotients(f, x, dout, h=1e-6):
    """The gradient of sum(f(x) * dout), entry by entry."""
    gradient = np.zeros(x.size)
    for k in range(x.size):
        step = np.zeros(x.size)
        step[k] = h
        up, down = (f(x + sign * step.reshape(x.shape)) for sign in (1, -1))
        gradient[k] = np.vdot(up - down, dout) / (2 * h)
    return gradient.reshape(x.shape)


def by_autograd(f, dout, *arrays):
    leaves = [torch.tensor(v, requires_grad=True) for v in arrays]
    f(*leaves).backward(torch.tensor(dout))
    return [leaf.grad.numpy() for leaf in leaves]


def test_the_examples_in_the_docstrings_are_right(answers):
    at, close = np.array, np.testing.assert_allclose
    close(answers["sigmoid_backward"](at([8.0, 1]), at([0.0, 2])), [2, 0.105], atol=5e-4)
    close(answers["tanh_backward"](at([8.0, 1]), at([0.0, 1])), [8, 0.42], atol=5e-4)
    dout, z = at([10.0, 20, -30]), at([-2.0, 0, 3])
    close(answers["leaky_relu_backward"](dout, z, 0.1), [1, 2, -30])
    close(answers["elu_backward"](at([10.0] * 3), at([-1.0, 0, 2]), 1.5), [5.518, 15, 10], atol=5e-4)
    found = answers["maxout_backward"](at([[5.0]]), at([[[-1.0], [4], [4]]]))
    close(found, [[[0], [5], [0]]])
    assert answers["product_variance"](2, 1, 3, 4) == 29
    assert answers["fan_in_and_out"]((300, 100)) == (300, 100)
    assert answers["fan_in_and_out"]((16, 3, 5, 5)) == (75, 400)
    W = answers["glorot_uniform"](4, 2, np.random.default_rng(0))
    assert W.shape == (4, 2) and np.abs(W).max() <= 1
    stds = answers["layer_stds"](at([[1.0], [3]]), [at([[2.0]]), at([[-2.0]])], np.abs)
    close(stds, [2, 4])
    x, W1, W2 = at([[1.0, -2]]), at([[3.0], [1]]), at([[-2.0, 4]])
    close(answers["residual_block"](x, W1, W2), [[0, 2]])
    dx, dW1, dW2 = answers["residual_block_backward"](at([[5.0, 10]]), x, W1, W2)
    close(dx, [[120, 50]])
    close(dW1, [[40], [-80]])
    close(dW2, [[0, 10]])


TORCH = {
    "sigmoid_backward": ((), torch.sigmoid),
    "tanh_backward": ((), torch.tanh),
    "leaky_relu_backward": ((0.2,), lambda z: functional.leaky_relu(z, 0.2)),
    "elu_backward": ((1.7,), lambda z: functional.elu(z, 1.7)),
}


@pytest.mark.parametrize("name", TORCH)
def test_activations_are_torch_s_at_0_and_at_800_too(answers, name, rng):
    z = np.concatenate([rng.normal(0, 3, 40), [0.0, 0.0, 800, -800, 1000, -1000]])
    dout, (rest, f) = rng.normal(size=z.shape), TORCH[name]
    np.testing.assert_allclose(answers[name](dout, z, *rest), by_autograd(f, dout, z)[0], atol=1e-12)


@pytest.mark.parametrize(
    ("name", "rest", "f"),
    [
        ("sigmoid_backward", (), expit),
        ("tanh_backward", (), np.tanh),
        ("leaky_relu_backward", (0.3,), lambda z: np.maximum(z, 0.3 * z)),
        ("elu_backward", (0.6,), lambda z: np.where(z > 0, z, 0.6 * (np.exp(z) - 1))),
    ],
)
def test_activations_backward_are_difference_quotients(answers, name, rest, f, rng):
    z, dout = rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
    np.testing.assert_allclose(answers[name](dout, z, *rest), quotients(f, z, dout), atol=1e-8)


def test_relu_is_leaky_relu_with_the_slope_0_as_in_torch(answers, rng):
    z, dout = np.append(rng.normal(size=20), 0.0), rng.normal(size=21)
    expected = by_autograd(torch.relu, dout, z)[0]
    np.testing.assert_array_equal(answers["leaky_relu_backward"](dout, z, 0.0), expected)
    np.testing.assert_array_equal(answers["relu_backward"](dout, z), expected)


def test_elu_is_torch_s(answers, rng):
    z = np.append(rng.normal(size=20), [800, -800, -1e-12])
    np.testing.assert_allclose(answers["elu"](z, 1.3), functional.elu(torch.tensor(z), 1.3), rtol=1e-12)


def test_maxout_gives_the_gradient_where_torch_gives_it(answers, rng):
    z, dout = rng.normal(size=(6, 4, 5)), rng.normal(size=(6, 5))
    expected = by_autograd(lambda v: v.max(dim=1).values, dout, z)[0]
    np.testing.assert_array_equal(answers["maxout_backward"](dout, z), expected)


def test_maxout_loses_nothing_and_doubles_nothing_where_pieces_are_equal(answers, rng):
    z, dout = rng.integers(-1, 2, (9, 4, 5)).astype(float), rng.normal(size=(9, 5))
    np.testing.assert_allclose(answers["maxout_backward"](dout, z).sum(axis=1), dout)


def test_the_variance_of_a_product_is_that_of_all_pairs_of_values(answers, rng):
    x, y = rng.normal(2, 3, 70), rng.exponential(1.5, 50)
    expected = np.multiply.outer(x, y).var()
    found = answers["product_variance"](x.mean(), x.var(), y.mean(), y.var())
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("shape", [(30, 70), (8, 3, 5, 2), (4, 6, 1, 7)])
def test_fans_are_those_of_torch_s_layers(answers, shape):
    layer = nn.Linear(*shape) if len(shape) == 2 else nn.Conv2d(shape[1], shape[0], shape[2:])
    expected = nn.init._calculate_fan_in_and_fan_out(layer.weight)
    assert tuple(answers["fan_in_and_out"](shape)) == expected


@pytest.mark.parametrize(("fan_in", "fan_out"), [(200, 300), (300, 80)])
def test_initializers_have_the_distributions_of_torch_s(answers, fan_in, fan_out, rng):
    """A test of Kolmogorov and Smirnov against the distribution that torch's documentation names."""
    r = nn.init.calculate_gain("linear") * (6 / (fan_in + fan_out)) ** 0.5
    uniform = answers["glorot_uniform"](fan_in, fan_out, rng)
    assert kstest(uniform.ravel(), "uniform", (-r, 2 * r)).pvalue > 0.01
    for slope in (0.0, 0.4):
        std = nn.init.calculate_gain("leaky_relu", slope) / fan_in**0.5
        normal = answers["he_normal"](fan_in, fan_out, rng, slope)
        assert normal.shape == (fan_in, fan_out)
        assert kstest(normal.ravel(), "norm", (0, std)).pvalue > 0.01
    torch.manual_seed(0)
    for own, other in (
        (uniform, nn.init.xavier_uniform_(torch.empty(fan_out, fan_in))),
        (normal, nn.init.kaiming_normal_(torch.empty(fan_out, fan_in), 0.4)),
    ):
        assert own.std() == pytest.approx(other.std().item(), rel=0.02)


def test_the_block_is_torch_s_forward_and_backward(answers, rng):
    x, dout = rng.normal(size=(2, 6, 4))
    W1, W2 = rng.normal(size=(4, 7)), rng.normal(size=(7, 4))

    def block(x, W1, W2):
        return functional.relu(x + functional.linear(functional.relu(functional.linear(x, W1.T)), W2.T))

    expected = block(*map(torch.tensor, (x, W1, W2)))
    np.testing.assert_allclose(answers["residual_block"](x, W1, W2), expected, atol=1e-12)
    found = answers["residual_block_backward"](dout, x, W1, W2)
    for mine, other in zip(found, by_autograd(block, dout, x, W1, W2), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-12)


def test_the_block_backward_is_the_difference_quotients_of_the_block(answers, rng):
    x, dout = rng.normal(size=(2, 5, 3))
    W1, W2 = rng.normal(size=(3, 4)), rng.normal(size=(4, 3))
    block, found = answers["residual_block"], answers["residual_block_backward"](dout, x, W1, W2)
    expected = (
        quotients(lambda v: block(v, W1, W2), x, dout),
        quotients(lambda v: block(x, v, W2), W1, dout),
        quotients(lambda v: block(x, W1, v), W2, dout),
    )
    for mine, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-8)


def test_the_given_quotients_are_autograd_s(answers, rng):
    x, dout = rng.normal(size=(2, 3, 4))
    expected = by_autograd(torch.sin, dout, x)[0]
    np.testing.assert_allclose(answers["difference_quotients"](np.sin, x, dout), expected, atol=1e-9)


def test_gradient_stds_are_autograd_s(answers, rng):
    weights = [rng.normal(0, 0.5, s) for s in ((5, 6), (6, 4), (4, 7))]
    x, dout = rng.normal(size=(8, 5)), rng.normal(size=(8, 7))
    a, zs = torch.tensor(x), []
    for W in weights:
        zs.append((a @ torch.tensor(W)).requires_grad_())
        zs[-1].retain_grad()
        a = zs[-1].tanh()
    a.backward(torch.tensor(dout))
    found = answers["gradient_stds"](x, weights, np.tanh, answers["tanh_backward"], dout)
    np.testing.assert_allclose(found, [z.grad.numpy().std() for z in zs])


@pytest.mark.parametrize("keep", [1.0, 0.5])
def test_blocks_in_a_row_are_autograd_s(answers, keep, rng):
    blocks = [(rng.normal(size=(4, 6)), rng.normal(size=(6, 4))) for _ in range(3)]
    x, dout = rng.normal(size=(2, 5, 4))
    signals = [torch.tensor(x, requires_grad=True)]
    for W1, W2 in blocks:
        branch = (signals[-1] @ torch.tensor(W1)).relu() @ torch.tensor(W2)
        signals.append((keep * signals[-1] + branch).relu())
        signals[-1].retain_grad()
    signals[-1].backward(torch.tensor(dout))
    up, down = answers["through_blocks"](x, blocks, dout, keep)
    np.testing.assert_allclose(up, [s.detach().numpy().std() for s in signals[1:]])
    np.testing.assert_allclose(down, [s.grad.numpy().std() for s in signals[:-1]])


def test_relu_keeps_its_signal_with_he_s_weights_and_loses_half_of_its_variance_with_glorot_s(answers, rng):
    """The catalogue's I18: 20 layers of 1/sqrt(D) leave 2^-10; its probe found 8.9e-4."""
    x, D, relu = rng.normal(size=(200, 300)), 300, answers["relu"]
    for name, expected in (("he_normal", 1.0), ("glorot_uniform", 2.0**-10)):
        weights = [answers[name](D, D, rng) for _ in range(20)]
        last = answers["layer_stds"](x, weights, relu)[-1]
        assert 0.4 < last / expected < 2.5, name


def test_twenty_blocks_explode_with_he_s_weights_and_live_with_branches_over_the_root_of_20(answers, rng):
    x, dout, D = *rng.normal(size=(2, 100, 64)), 64
    he = [(answers["he_normal"](D, D, rng), answers["he_normal"](D, D, rng)) for _ in range(20)]
    up, down = answers["through_blocks"](x, he, dout)
    assert up[-1] > 500 and down[0] > 500
    up, down = answers["through_blocks"](x, [(W1, W2 / 20**0.5) for W1, W2 in he], dout)
    assert 0.5 < up[-1] < 3 and 0.5 < down[0] < 3


def test_half_of_the_input_leaves_a_millionth_after_twenty_blocks(answers, rng):
    """The catalogue's I21: 0.5 to the power of 20 is 9.5e-7."""
    x, dout = rng.normal(size=(2, 100, 16))
    nothing = [(np.zeros((16, 16)), np.zeros((16, 16)))] * 20
    (up, down), (up_of_half, down_of_half) = (
        answers["through_blocks"](x, nothing, dout, keep) for keep in (1.0, 0.5)
    )
    passed = np.arange(1, 21)
    np.testing.assert_allclose(up_of_half / up, 0.5**passed)
    np.testing.assert_allclose(down_of_half / down, 0.5 ** passed[::-1])


EACH = "out = []\n    for W in weights:\n        "

SLIPS = {
    "the other exponent": (
        "sigmoid_backward",
        "I22",
        "a = np.exp(z) / (np.exp(z) + 1)\n    return dout * a * (1 - a)",
    ),
    "the slope of tanh": (
        "sigmoid_backward",
        "AC5b",
        "a = 1 / (1 + np.exp(-z))\n    return dout - dout * a * a",
    ),
    "a slope without its chain": ("tanh_backward", "TB-no-dout", "return 1 - np.square(np.tanh(z))"),
    "z for a": ("tanh_backward", "AC6", "return dout - dout * z**2"),
    "the rule of guided backpropagation": (
        "leaky_relu_backward",
        "AC10",
        "dz = dout.copy()\n    dz[dout <= 0] *= slope\n    return dz",
    ),
    "the caller's gradient": (
        "leaky_relu_backward",
        "LR-in-place",
        "below = z <= 0\n    dout[below] = slope * dout[below]\n    return dout",
    ),
    "a maximum of the two slopes' products": (
        "leaky_relu_backward",
        "AC10",
        "return np.maximum(dout, slope * dout)",
    ),
    "two masks": (
        "elu_backward",
        "EL-nan",
        "up, down = z > 0, z <= 0\n    return dout * up + dout * alpha * np.exp(z) * down",
    ),
    "the output for the slope": (
        "elu_backward",
        "EL-output",
        "return dout * np.where(z > 0, 1, alpha * (np.exp(z) - 1))",
    ),
    "equality with the maximum": (
        "maxout_backward",
        "MX-all-equal",
        "top = np.max(z, axis=1)\n    return np.where(z == top[:, None, :], dout[:, None, :], 0.0)",
    ),
    "the moment of the square": (
        "product_variance",
        "PV-second-moment",
        "return (var_x + mean_x * mean_x) * (var_y + mean_y * mean_y)",
    ),
    "channels alone": (
        "fan_in_and_out",
        "I14",
        "return (shape[0], shape[1]) if len(shape) == 2 else (shape[1], shape[0])",
    ),
    "the layout of torch": (
        "fan_in_and_out",
        "I15",
        "k = int(np.prod(shape[2:]))\n    return shape[1] * k, shape[0] * k",
    ),
    "the standard deviation as the bound": (
        "glorot_uniform",
        "I8",
        "s = (2 / (fan_in + fan_out)) ** 0.5\n    return s * (2 * rng.random((fan_in, fan_out)) - 1)",
    ),
    "Glorot, but normal": (
        "glorot_uniform",
        "I5",
        "return rng.standard_normal((fan_in, fan_out)) * np.sqrt(2 / (fan_in + fan_out))",
    ),
    "a seed of one's own": (
        "glorot_uniform",
        "GU-own-generator",
        "rng, r = np.random.default_rng(0), np.sqrt(6 / (fan_in + fan_out))\n"
        "    return rng.uniform(-r, r, (fan_in, fan_out))",
    ),
    "the variance for the standard deviation": (
        "he_normal",
        "I3",
        "return rng.normal(0, 2 / fan_in / (1 + slope**2), (fan_in, fan_out))",
    ),
    "outputs for inputs": (
        "he_normal",
        "I2",
        "return rng.standard_normal((fan_in, fan_out)) * (2 / fan_out / (1 + slope**2)) ** 0.5",
    ),
    "rand for randn": (
        "he_normal",
        "I10",
        "return rng.random((fan_in, fan_out)) * np.sqrt(2 / fan_in / (1 + slope**2))",
    ),
    "fan_in outside of the root": (
        "he_normal",
        "HN-fan-in-outside",
        "gain = np.sqrt(2 / (1 + slope**2))\n    return rng.normal(0, gain / fan_in, (fan_in, fan_out))",
    ),
    "nothing below 0, or everything": (
        "leaky_relu_backward",
        "LR-identity",
        "return np.array(dout)",
    ),
    "the old generator": (
        "he_normal",
        "HN-global",
        "return np.random.randn(fan_in, fan_out) * np.sqrt(2 / fan_in / (1 + slope**2))",
    ),
    "before the activation": (
        "layer_stds",
        "LS-pre-activation",
        EACH + "z = x @ W\n        out.append(np.std(z))\n        x = activation(z)\n    return out",
    ),
    "a column's spread": (
        "layer_stds",
        "LS-of-each-unit",
        EACH + "x = activation(x @ W)\n        out.append(np.mean(np.std(x, 0)))\n    return out",
    ),
    "the input again and again": (
        "layer_stds",
        "LS-same-x",
        "return np.array([activation(x @ W).std() for W in weights])",
    ),
    "plus, equals": ("residual_block", "I25", "x += relu(x @ W1) @ W2\n    return np.maximum(x, 0)"),
    "an activation at the end of the branch": (
        "residual_block",
        "RE7",
        "a = relu(x @ W1)\n    a = relu(a @ W2)\n    return relu(x + a)",
    ),
    "the skip without the last ReLU": (
        "residual_block_backward",
        "RE6",
        "h = relu(x @ W1)\n    d = dout * (x + h @ W2 > 0)\n    dh = d @ W2.T * (h > 0)\n"
        "    return dout + dh @ W1.T, x.T @ dh, h.T @ d",
    ),
    "the branch alone at the last ReLU": (
        "residual_block_backward",
        "BB-last-relu-of-branch",
        "h = relu(x @ W1)\n    d = dout * (h @ W2 > 0)\n    dh = d @ W2.T * (h > 0)\n"
        "    return d + dh @ W1.T, x.T @ dh, h.T @ d",
    ),
}


@pytest.mark.parametrize(("exercise", "mistake", "body"), SLIPS.values(), ids=SLIPS)
def test_a_slip_in_other_words_is_named(exercise, mistake, body, notebook, questions):
    names = notebook.with_body(exercise, body)
    known = {p.mistake.id: p.mistake.synonyms for p in notebook.unit.patches}
    for asked in questions:
        failed = [v for v in notebook.verdicts(names, exercise, asked) if not v.passed]
        assert failed and {v.mistake for v in failed} <= {mistake, *known[mistake]}, failed


LAZY_TESTS = {
    "a dout of ones": ("np.ones((6, 3))", "rng.normal(size=(6, 3))", "upstream_of_ones"),
    "a positive dout": ("rng.random((6, 3))", "rng.normal(size=(6, 3))", "negative_gradients_lost"),
    "one example": ("rng.normal(size=(1, 3))", "rng.normal(size=(1, 3))", "weights_of_one_example"),
    "one example for the batch": (
        "rng.normal(size=(1, 3))",
        "rng.normal(size=(1, 3))",
        "added_up_over_the_batch",
    ),
    "a positive x": ("rng.normal(size=(6, 3))", "rng.random((6, 3))", "BB-dW1-of-relu"),
}


@pytest.mark.parametrize(("dout", "x", "overlooked"), LAZY_TESTS.values(), ids=LAZY_TESTS)
def test_a_lazy_test_of_the_block_is_found_out(dout, x, overlooked, notebook):
    body = (
        f"rng = np.random.default_rng(0)\n    dout, x = {dout}, {x}\n"
        "    W1, W2 = rng.normal(size=(3, 5)), rng.normal(size=(5, 3))\n"
        "    found = implementation(dout.copy(), x.copy(), W1.copy(), W2.copy())\n"
        "    h = relu(x @ W1)\n    d2 = dout * (x + h @ W2 > 0)\n    d1 = d2 @ W2.T * (h > 0)\n"
        "    for got, right in zip(found, (d2 + d1 @ W1.T, x.T @ d1, h.T @ d2)):\n"
        "        assert got.shape == right.shape and np.allclose(got, right)"
    )
    assert {"right", overlooked, "overwritten", "weights_overwritten"} <= accepts(notebook, body)


def test_a_difference_that_is_not_larger_than_a_tolerance_may_be_nan(notebook):
    body = (
        "rng = np.random.default_rng(0)\n    dout, x, W1, W2 = rng.normal(size=(4, 5, 5))\n"
        "    found = implementation(dout.copy(), x.copy(), W1.copy(), W2.copy())\n"
        "    right = residual_block_backward(dout, x, W1, W2)\n"
        "    for a, b in zip(found, right):\n        assert not (abs(a - b) > 1e-6).any()"
    )
    assert {"right", "not_a_number"} <= accepts(notebook, body)


def accepts(notebook, body):
    """Which functions a test with this body accepts: "right", names of broken ones, ids of mistakes."""
    names = notebook.with_body("test_residual_block_backward", body)
    probe = next(p for p in notebook.unit.probes.values() if p.judges == "residual_block_backward")
    given = notebook.reference.given
    right = given(Given("residual_block_backward"))
    offered = {"right": right} | {b.__name__: b(right) for b in probe.breakers}
    offered |= {i: given(Given("residual_block_backward", i)) for i in probe.wrong}
    return {
        n for n, f in offered.items() if run_probe(probe, names, {"implementation": f}).status == "values"
    }


def test_every_row_of_the_catalogue_is_a_mistake_or_explained(notebook):
    rows = """AC2 AC3 AC5 AC5b AC6 AC7 AC8 AC10 AC11 AC12 AC14 AC15 AC18 AC19 AC20 AC21 RE1 RE2 RE3 RE6 RE7
    RE8 RE9 RE10 I1 I2 I3 I4 I5 I6 I7 I8 I9 I10 I11 I12 I13 I14 I15 I16 I17 I18 I20 I21 I22 I23 I24 I25 I26
    I28"""
    texts = (ROOT / "solutions" / notebook.unit.slug).glob("mistakes_*.toml")
    text = "\n".join(path.read_text(encoding="utf-8") for path in texts)
    explained = "\n".join(line for line in text.splitlines() if line.startswith("#"))
    ids = {patch.mistake.id for patch in notebook.unit.patches}
    assert [row for row in rows.split() if row not in ids and row not in explained] == []


@pytest.mark.parametrize(
    ("exercise", "returned", "told"),
    [
        ("fan_in_and_out", "shape[0]", "one number was returned"),
        ("fan_in_and_out", "None", "is a `return` missing?"),
        ("fan_in_and_out", "(1, 2, 3)", "3 were returned"),
        ("residual_block_backward", "x", "one array was returned"),
        ("residual_block_backward", "(x, W1)", "2 were returned"),
    ],
)
def test_what_came_back_is_counted_right(exercise, returned, told, notebook, questions):
    names = notebook.with_body(exercise, f"return {returned}")
    assert all(told in v.message for v in notebook.verdicts(names, exercise, questions[0]))
