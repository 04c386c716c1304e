"""Dropout in NumPy: the solutions against torch, SciPy, scikit-learn and all masks, and no false alarms."""

from itertools import product

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from sklearn.linear_model import Ridge
from torch.nn.functional import dropout, dropout2d

from autograder.probes import Given
from autograder.running import run_probe

SOLVED = ("05-dropout", "dropout_numpy")

ARITHMETIC = (
    "masks = all_masks(len(x))\n"
    "    P = np.where(masks, 1 - p, p).prod(axis=1)\n"
    "    y = softmax((masks * x) @ W + b)\n"
    "    arithmetic = P @ y"
)
ENTROPY = "m = probabilities.mean(axis=0)\n    h = lambda P: -(P * np.log(P + 1e-12)).sum(axis=-1)"


def guarded(mistake, tiny):
    """A logarithm that a number too large keeps from minus infinity."""
    body = ENTROPY.replace("1e-12", tiny) + "\n    return m, h(m), h(m) - h(probabilities).mean(0)"
    return "uncertainty", mistake, body


SLIPS = {
    "the course's probability of keeping": (
        "keep_mask",
        "KM1",
        "return np.less(u, p)",
    ),
    "the course's probability of keeping, with p itself": (
        "keep_mask",
        "KM1-strict",
        "return u <= p",
    ),
    "strictly above p": (
        "keep_mask",
        "KM-strict",
        "return ~(u <= p)",
    ),
    "numbers of its own": (
        "keep_mask",
        "KM8",
        "return np.random.default_rng().random(u.shape) > p",
    ),
    "scaled twice": (
        "vanilla_dropout",
        "DV3",
        "q = 1 - p\n    return np.where(u < p, 0, x / q) if training else q * x",
    ),
    "q of the worked example": (
        "vanilla_dropout",
        "DV-global",
        "return np.where(u < p, 0, x) if training else q * x",
    ),
    "no prediction": (
        "vanilla_dropout",
        "DV6",
        "return np.where(u < p, 0.0, x)",
    ),
    "the lecture's vanilla dropout": (
        "dropout_forward",
        "DO-vanilla",
        "keep = 1 - p\n    return np.where(u < p, 0, x) if training else keep * x",
    ),
    "the input multiplied in place": (
        "dropout_forward",
        "DO-in-place",
        "if training:\n        x *= u >= p\n        x /= 1 - p\n    return x",
    ),
    "always on": (
        "dropout_forward",
        "DO6",
        "return np.where(u < p, 0, x / (1 - p))",
    ),
    "always on, with rand() < keep": (
        "dropout_forward",
        "DO6-below",
        "keep = 1 - p\n    mask = (u < keep) / keep\n    return x * mask",
    ),
    "numbers of its own, in training": (
        "dropout_forward",
        "DO-own-numbers",
        "return x * np.random.default_rng().binomial(1, 1 - p, x.shape) / (1 - p) if training else x",
    ),
    "the scale undone": (
        "dropout_backward",
        "DO8",
        "mask = (u >= p) / (1 - p)\n    return dout * mask * (1 - p) if training else dout",
    ),
    "a new mask": (
        "dropout_backward",
        "DB-new-mask",
        "return dout * (np.random.default_rng().random(u.shape) >= p) / (1 - p) if training else dout",
    ),
    "every pixel for itself": (
        "spatial_dropout",
        "SD-pixel",
        "return images * (np.random.default_rng().random(images.shape) >= p) / (1 - p)",
    ),
    "channels on axis 1": (
        "spatial_dropout",
        "SD-channels-second",
        "N, C = u.shape\n    return images * (u >= p).reshape(N, C, 1, 1) / (1 - p)",
    ),
    "the plain mean over the masks": (
        "ensemble_average",
        "EA-uniform",
        "y = softmax((all_masks(len(x)) * x) @ W + b)\n"
        "    g = np.exp(np.log(y).mean(0))\n"
        "    return y.mean(0), g / g.sum()",
    ),
    "the full network for the scaled one": (
        "ensemble_average",
        "EA-full",
        f"{ARITHMETIC}\n    return arithmetic, softmax(x @ W + b)",
    ),
    "scaled by p": (
        "ensemble_average",
        "EA-scaled-by-p",
        f"{ARITHMETIC}\n    return arithmetic, softmax(p * x @ W + b)",
    ),
    "the bias scaled, too": (
        "ensemble_average",
        "EA-bias-scaled",
        f"{ARITHMETIC}\n    return arithmetic, softmax((x @ W + b) * (1 - p))",
    ),
    "the arithmetic mean twice": (
        "ensemble_average",
        "EA-both-arithmetic",
        f"{ARITHMETIC}\n    return arithmetic, arithmetic / arithmetic.sum()",
    ),
    "divided by the largest": (
        "ensemble_average",
        "EA-largest",
        f"{ARITHMETIC}\n    g = np.prod(y ** P[:, None], axis=0)\n    return arithmetic, g / g.max()",
    ),
    "an axis of one mean left": (
        "ensemble_average",
        "EA-axis",
        f"{ARITHMETIC}\n    return (P[None] @ y), softmax((1 - p) * x @ W + b)",
    ),
    "a penalty with an axis": (
        "dropout_penalty",
        "DP-axis",
        "return p / (1 - p) * np.sum(x**2, axis=0, keepdims=True) @ w**2",
    ),
    "a penalty with two axes": (
        "dropout_penalty",
        "DP-axes",
        "return p / (1 - p) * np.sum((x * w) ** 2, keepdims=True)",
    ),
    "weight decay": (
        "dropout_penalty",
        "DP-ridge",
        "return p / (1 - p) * w @ w",
    ),
    "the penalty of vanilla dropout": (
        "dropout_penalty",
        "DP-vanilla",
        "return p * (1 - p) * ((x * w) ** 2).sum()",
    ),
    "zero times minus infinity": (
        "uncertainty",
        "UN-nan",
        "m = probabilities.mean(0)\n"
        "    h = -np.sum(m * np.log(m), axis=1)\n"
        "    return m, h, h + (probabilities * np.log(probabilities)).sum(2).mean(0)",
    ),
    "bits": (
        "uncertainty",
        "UN-log2",
        "P = probabilities + 1e-15\n"
        "    m = P.mean(0)\n"
        "    h = -np.sum(m * np.log2(m), axis=1)\n"
        "    return m, h, h + (P * np.log2(P)).sum(2).mean(0)",
    ),
    "two entropies, none subtracted": (
        "uncertainty",
        "UN-two-entropies",
        f"{ENTROPY}\n    return m, h(probabilities).mean(0), h(m)",
    ),
    "the entropy twice": (
        "uncertainty",
        "UN-entropy-twice",
        f"{ENTROPY}\n    return m, h(m), h(m)",
    ),
    "the information twice": (
        "uncertainty",
        "UN-information-twice",
        f"{ENTROPY}\n    i = h(m) - h(probabilities).mean(0)\n    return m, i, i",
    ),
    "the mean over the examples": (
        "uncertainty",
        "UN-examples-all",
        f"{ENTROPY}\n    m = probabilities.mean(1)\n    return m, h(m), h(m) - h(probabilities).mean(1)",
    ),
    "the sum over the examples": (
        "uncertainty",
        "UN-axis-0",
        f"{ENTROPY}\n"
        "    h = lambda P: -(P * np.log(P + 1e-12)).sum(0)\n"
        "    return m, h(m), h(m) - h(probabilities).mean(0)",
    ),
    "the sum over the examples, in the mean only": (
        "uncertainty",
        "UN-axis-0-mean",
        f"{ENTROPY}\n"
        "    e = -(m * np.log(m + 1e-12)).sum(axis=0)\n"
        "    return m, e, e - h(probabilities).mean(0)",
    ),
    "the axis of the passes left": (
        "uncertainty",
        "UN-axis",
        f"{ENTROPY}\n    return m[None], h(m)[None], (h(m) - h(probabilities).mean(0))[None]",
    ),
    "the axis of the classes left": (
        "uncertainty",
        "UN-axis-classes",
        f"{ENTROPY}\n    return m, h(m)[:, None], (h(m) - h(probabilities).mean(0))[:, None]",
    ),
    "divergences added up": (
        "uncertainty",
        "UN-divergences",
        f"{ENTROPY}\n"
        "    ratio = np.log((probabilities + 1e-12) / (m + 1e-12))\n"
        "    return m, h(m), (probabilities * ratio).sum(axis=(0, 2))",
    ),
    "one hundredth in the logarithm": guarded("UN-guard-2", "1e-2"),
    "one thousandth in the logarithm": guarded("UN-guard-3", "1e-3"),
    "1e-4 in the logarithm": guarded("UN-guard-4", "1e-4"),
    "1e-6 in the logarithm": guarded("UN-guard", "1e-6"),
    "a mask of its own": (
        "variance_shift",
        "VS-own-mask",
        "y = x * (np.random.default_rng().random(x.shape) >= p) / (1 - p)\n"
        "    return y.var(axis=0) / x.var(axis=0)",
    ),
    "a thousand masks of its own": (
        "variance_shift",
        "VS-own-mask",
        "y = x * np.random.default_rng().binomial(1, 1 - p, (1000, *x.shape)) / (1 - p)\n"
        "    return y.var(axis=(0, 1)) / x.var(axis=0)",
    ),
    "an axis left": (
        "variance_shift",
        "VS-axis",
        "mu, var = x.mean(0, keepdims=True), x.var(0, keepdims=True)\n"
        "    return ((var + mu**2) / (1 - p) - mu**2) / var",
    ),
    "the law for mean zero": (
        "variance_shift",
        "VS-no-mean",
        "return np.full(x.shape[1], 1 / (1 - p))",
    ),
    "the mean square for the variance": (
        "variance_shift",
        "VS-missing-p",
        "return (x**2).mean(0) / (1 - p) / x.var(0)",
    ),
}


@pytest.mark.parametrize(("exercise", "mistake", "body"), SLIPS.values(), ids=SLIPS)
def test_a_common_slip_is_named(exercise, mistake, body, notebook, questions):
    names = notebook.with_body(exercise, body)
    for asked in questions:
        told = {v.mistake for v in notebook.verdicts(names, exercise, asked) if not v.passed}
        assert told - {None} == {mistake}


OTHER_HALF = {
    "keep_mask": "return u < 1 - p",
    "vanilla_dropout": "return x * (u < 1 - p) if training else (1 - p) * x",
    "dropout_forward": "return np.where(u < 1 - p, x / (1 - p), 0) if training else x",
    "dropout_backward": "return dout * (u < 1 - p) / (1 - p) if training else dout",
    "spatial_dropout": "return images * (u < 1 - p)[:, None, None] / (1 - p)",
}


@pytest.mark.parametrize("exercise", OTHER_HALF)
def test_keeping_where_u_is_below_1_minus_p_is_told_and_earns_full_marks(exercise, notebook, questions):
    names = notebook.with_body(exercise, OTHER_HALF[exercise])
    for asked in questions:
        found = notebook.verdicts(names, exercise, asked)
        assert all(v.passed for v in found)
        assert any("counts as right" in v.message for v in found)


LAZY_TESTS = {
    "p of one half": ("rng.normal(size=(6, 4)), rng.random((6, 4)), 0.5", "divided_by_p"),
    "one unit per example": ("rng.normal(size=(6, 1)), rng.random((6, 1)), 0.3", "one_decision_per_example"),
    "one example": ("rng.normal(size=(1, 6)), rng.random((1, 6)), 0.3", "one_decision_per_unit"),
}


@pytest.mark.parametrize(("inputs", "overlooked"), LAZY_TESTS.values(), ids=LAZY_TESTS)
def test_a_lazy_test_of_dropout_is_found_out(inputs, overlooked, notebook):
    body = (
        "rng = np.random.default_rng(0)\n"
        f"    x, u, p = {inputs}\n"
        "    for training in (True, False):\n"
        "        wanted = np.where(u < p, 0, x / (1 - p)) if training else x\n"
        "        assert np.allclose(implementation(x, u, p, training), wanted)"
    )
    names = notebook.with_body("test_dropout", body)
    probe = next(p for p in notebook.unit.probes.values() if p.judges)
    right = notebook.reference.given(Given(probe.judges))
    assert run_probe(probe, names, {"implementation": right}).status == "values"
    breaker = next(b for b in probe.breakers if b.__name__ == overlooked)
    assert run_probe(probe, names, {"implementation": breaker(right)}).status == "values"


def test_the_examples_in_the_docstrings_are_right(answers):
    x, u, dout, p = np.array([[5.0, -3, 2]]), np.array([[0.1, 0.7, 0.3]]), np.array([[1.0, 2, 3]]), 0.2
    assert answers["keep_mask"](u, p).tolist() == [[False, True, True]]
    for name, given, training, wanted in (
        ("vanilla_dropout", x, True, [[0, -3, 2]]),
        ("vanilla_dropout", x, False, [[4, -2.4, 1.6]]),
        ("dropout_forward", x, True, [[0, -3.75, 2.5]]),
        ("dropout_backward", dout, True, [[0, 2.5, 3.75]]),
        ("dropout_backward", dout, False, [[1, 2, 3]]),
    ):
        np.testing.assert_allclose(answers[name](given, u, p, training), wanted)
    means = answers["ensemble_average"](np.ones(1), np.array([[2.0, 0]]), np.zeros(2), 0.25)
    np.testing.assert_allclose(means, [[0.786, 0.214], [0.818, 0.182]], atol=5e-4)
    assert answers["dropout_penalty"](np.array([[1, 2], [3, 0]]), np.array([1, -2]), p) == pytest.approx(6.5)
    _, entropy, information = answers["uncertainty"](np.array([[[1, 0]], [[0.5, 0.5]]]))
    np.testing.assert_allclose([*entropy, *information], [0.562, 0.216], atol=5e-4)
    np.testing.assert_allclose(answers["variance_shift"](np.array([[1.0], [3.0]]), p), [2.25])


def test_the_mask_drops_the_share_p(answers):
    u = np.random.default_rng(0).random(200_000)
    for p in (0.0, 0.1, 0.7):
        assert 1 - answers["keep_mask"](u, p).mean() == pytest.approx(p, abs=0.005)


def numbers_behind(kept, p):
    """Uniform numbers that lead to this mask."""
    return np.where(kept, (1 + p) / 2, p / 2)


@pytest.mark.parametrize("p", [0.0, 0.3, 0.75])
def test_forward_and_backward_equal_torch(answers, p):
    """torch draws the mask; its output for ones shows which it was."""
    torch.manual_seed(1)
    x, dout = (torch.randn(6, 5, dtype=torch.float64, requires_grad=r) for r in (True, False))
    state = torch.get_rng_state()
    u = numbers_behind(dropout(torch.ones_like(x), p).detach().numpy() > 0, p)
    for training in (True, False):
        torch.set_rng_state(state)
        x.grad = None
        y = dropout(x, p, training)
        y.backward(dout)
        mine = answers["dropout_forward"](x.detach().numpy(), u, p, training)
        np.testing.assert_allclose(mine, y.detach(), rtol=1e-14)
        dx = answers["dropout_backward"](dout.numpy(), u, p, training)
        np.testing.assert_allclose(dx, x.grad, rtol=1e-14)


def test_spatial_dropout_equals_torch(answers):
    torch.manual_seed(2)
    images, p = torch.randn(4, 6, 3, 5, dtype=torch.float64), 0.4
    state = torch.get_rng_state()
    kept = dropout2d(torch.ones_like(images), p)[:, :, 0, 0].numpy() > 0
    torch.set_rng_state(state)
    expected = dropout2d(images, p).permute(0, 2, 3, 1)
    assert 0 < kept.sum() < kept.size
    mine = answers["spatial_dropout"](images.permute(0, 2, 3, 1).numpy(), numbers_behind(kept, p), p)
    np.testing.assert_allclose(mine, expected, rtol=1e-14)


@pytest.mark.parametrize("training", [True, False])
def test_backward_equals_central_differences(answers, training):
    rng = np.random.default_rng(3)
    x, dout, u, p, h = rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), rng.random((4, 3)), 0.35, 1e-5
    numerical = np.zeros(x.size)
    for k in range(x.size):
        step = h * (np.arange(x.size) == k).reshape(x.shape)
        ahead, behind = (answers["dropout_forward"](z, u, p, training) for z in (x + step, x - step))
        numerical[k] = np.vdot(ahead - behind, dout) / (2 * h)
    exact = answers["dropout_backward"](dout, u, p, training)
    np.testing.assert_allclose(exact.ravel(), numerical, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("p", [0.2, 0.5, 0.7])
def test_vanilla_and_inverted_dropout_have_the_mean_of_their_prediction(answers, p):
    """Exactly: the mean over all masks of three units, each with its probability."""
    x = np.array([[1.5, -2.0, 0.7]])
    for name in ("vanilla_dropout", "dropout_forward"):
        mean = np.zeros_like(x)
        for kept in product([True, False], repeat=3):
            probability = np.prod([1 - p if k else p for k in kept])
            mean += probability * answers[name](x, numbers_behind(np.array([kept]), p), p, True)
        np.testing.assert_allclose(mean, answers[name](x, None, p, False), rtol=1e-12)


@pytest.fixture
def network():
    rng = np.random.default_rng(4)
    return rng.normal(size=6), rng.normal(size=(6, 3)), rng.normal(size=3), 0.3


def test_the_arithmetic_mean_is_where_random_passes_lead(answers, network):
    x, W, b, p = network
    draws = dropout(torch.ones(400_000, 6, dtype=torch.float64), p) * (1 - p)  # masks of 0 and 1
    outputs = scipy.special.softmax((draws.numpy() * x) @ W + b, axis=1)
    arithmetic, _ = answers["ensemble_average"](*network)
    np.testing.assert_allclose(arithmetic, outputs.mean(axis=0), atol=6 * outputs.std() / 400_000**0.5)


def test_the_geometric_mean_is_one_pass_of_the_scaled_network(answers, network):
    x, W, b, p = network
    _, geometric = answers["ensemble_average"](*network)
    np.testing.assert_allclose(geometric, scipy.special.softmax((1 - p) * x @ W + b), rtol=1e-12)


def test_loss_and_penalty_are_the_mean_loss_over_all_masks(answers):
    rng = np.random.default_rng(5)
    x, w, t, p = rng.normal(size=(3, 2)), rng.normal(size=2), rng.normal(size=3), 0.3
    mean = 0.0
    for kept in product([0, 1], repeat=6):
        probability = np.prod([1 - p if k else p for k in kept])
        mean += probability * ((t - (np.reshape(kept, (3, 2)) * x / (1 - p)) @ w) ** 2).sum()
    assert ((t - x @ w) ** 2).sum() + answers["dropout_penalty"](x, w, p) == pytest.approx(mean, rel=1e-12)


def test_the_penalty_is_that_of_ridge_regression_where_all_features_have_one_size(answers):
    """At the weights that scikit-learn finds, no small step lowers the loss with the penalty."""
    rng = np.random.default_rng(6)
    x, t, p = rng.normal(size=(20, 4)), rng.normal(size=20), 0.4
    x *= 3 / np.linalg.norm(x, axis=0)
    w = Ridge(alpha=9 * p / (1 - p), fit_intercept=False).fit(x, t).coef_

    def loss(w):
        return ((t - x @ w) ** 2).sum() + answers["dropout_penalty"](x, w, p)

    slopes = [(loss(w + step) - loss(w - step)) / 2e-4 for step in 1e-4 * np.eye(4)]
    np.testing.assert_allclose(slopes, 0, atol=1e-8)


def test_uncertainty_equals_the_entropies_and_divergences_of_scipy(answers):
    rng = np.random.default_rng(7)
    probabilities = rng.dirichlet(np.full(4, 0.3), size=(9, 5))
    probabilities[:, 0] = [1, 0, 0, 0]
    mean, entropy, information = answers["uncertainty"](probabilities)
    np.testing.assert_allclose(entropy, scipy.stats.entropy(probabilities.mean(axis=0), axis=1), atol=1e-14)
    divergences = scipy.stats.entropy(probabilities, np.broadcast_to(mean, probabilities.shape), axis=2)
    np.testing.assert_allclose(information, divergences.mean(axis=0), atol=1e-12)
    assert entropy[0] == information[0] == 0


def test_the_variance_shift_is_what_batch_normalization_of_torch_sees(answers):
    rng = np.random.default_rng(8)
    x, p = rng.normal(size=(50, 3)) * [1, 0.5, 2] + [0, 1, -3], 0.4
    torch.manual_seed(0)
    many = torch.tensor(x).repeat(20_000, 1)
    layer = torch.nn.BatchNorm1d(3, momentum=1.0).double()
    layer(dropout(many, p))
    ratio = layer.running_var.numpy() / x.var(axis=0)
    np.testing.assert_allclose(answers["variance_shift"](x, p), ratio, rtol=0.01)


def test_centred_features_get_the_variance_of_the_catalogue(answers):
    """P17: keep = 0.6 makes the variance 1.67 times larger, and the output at test 0.775 times too small."""
    x = np.array([[-1.0], [1.0], [-3.0], [3.0]])
    (ratio,) = answers["variance_shift"](x, 0.4)
    assert ratio == pytest.approx(1 / 0.6)
    assert ratio**-0.5 == pytest.approx(0.775, abs=5e-4)
