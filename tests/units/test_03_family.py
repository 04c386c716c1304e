"""The family in NumPy: the solutions against torch, SciPy, scikit-learn and float64 difference quotients."""

import numpy as np
import pytest
import torch
from scipy.linalg import fractional_matrix_power
from sklearn.decomposition import PCA
from torch import nn
from torch.nn.functional import group_norm, instance_norm, layer_norm

from autograder.probes import Given
from autograder.running import run_probe
from tests.conftest import ROOT

SOLVED = ("03-normalization-family", "family_numpy")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def difference_quotients(f, x, dout, h=1e-6):
    """The gradient of sum(f(x) * dout), entry by entry."""
    gradient = np.zeros(x.size)
    for k in range(x.size):
        step = np.zeros(x.size)
        step[k] = h
        up, down = (f(x + sign * step.reshape(x.shape)) for sign in (1, -1))
        gradient[k] = np.vdot(up - down, dout) / (2 * h)
    return gradient.reshape(x.shape)


def parameters(rng, D):
    return rng.normal(1, 1, D), rng.normal(size=D)


def test_the_examples_in_the_docstrings_are_right(answers):
    at, close = np.array, np.testing.assert_allclose
    x_hat, ivar = answers["normalize"](at([[0.0, 2], [10, 16]]), (1,), 0)
    close(x_hat, [[-1, 1], [-1, 1]])
    close(ivar, [[1], [1 / 3]])
    x_hat, ivar = answers["normalize"](at([[0.0, 2], [10, 16]]), (0,), 0)
    close(x_hat, [[-1, -1], [1, 1]])
    close(ivar, [[1 / 5, 1 / 7]])
    y = answers["layer_norm"](at([[1.0, 3, 8]]), at([1.0, 2, 3]), at([0.0, 0, 10]), 0)
    close(y, [[-1.019, -0.679, 14.076]], atol=5e-4)
    row, dout, four = at([[0.0, 0, 3, 3]]), at([[0.0, 3, 0, 0]]), np.ones(4)
    close(answers["layer_norm_backward"](dout, row, four, 0)[0], [[-1, 1, 0, 0]], atol=1e-12)
    one_pixel = (v.reshape(1, 4, 1, 1) for v in (dout, row))
    found = answers["group_norm_backward"](*one_pixel, four, 1, 0)[0]
    close(found.ravel(), [-1, 1, 0, 0], atol=1e-12)
    pixels = at([0.0, 2, 4, 10]).reshape(1, 1, 2, 2)
    y = answers["instance_norm"](pixels, at([2.0]), at([1.0]), 0)
    close(y.ravel(), [-1.138, -0.069, 1, 4.207], atol=5e-4)
    y = answers["group_norm"](at([0.0, 2, 10, 16]).reshape(1, 4, 1, 1), four, 0 * four, 2, 0)
    close(y.ravel(), [-1, 1, -1, 1])
    y, mu, W = answers["decorrelated_batchnorm"](at([(1.0, 0), (-1, 0), (0, 3), (0, -3)]), 0)
    close(np.concatenate([np.diag(W), y[0], mu]), [1.414, 0.471, 1.414, 0, 0, 0], atol=5e-4)
    for steps in (0, 1, 5):
        close(answers["newton_schulz"](at([[4.0]]), steps), [[0.5]])
    for steps, diagonal in ((0, (0.5, 0.5)), (1, (0.6875, 0.5625))):
        close(answers["newton_schulz"](np.diag([1.0, 3]), steps), np.diag(diagonal))
    dv, dg = answers["weight_norm_backward"](at([[5.0, 0]]), at([[3.0, 4]]), at([10.0]))
    close(np.append(dv, dg), [6.4, -4.8, 3])


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 2, 3), (1, 2, 3), (2, 3), (3,)])
def test_every_set_gets_mean_0_and_variance_1(answers, axes, rng):
    x = rng.normal(3, 2, (4, 3, 5, 6))
    x_hat, ivar = answers["normalize"](x, axes, 1e-12)
    np.testing.assert_allclose(x_hat.mean(axis=axes), 0, atol=1e-12)
    np.testing.assert_allclose(x_hat.var(axis=axes), 1)
    np.testing.assert_allclose(ivar.squeeze(axes) ** -2, x.var(axis=axes))


def test_layer_norm_is_torch_s(answers, rng):
    x, (gamma, beta) = rng.normal(2, 3, (7, 5)), parameters(rng, 5)
    expected = layer_norm(torch.tensor(x), (5,), *map(torch.tensor, (gamma, beta)), 0.1)
    np.testing.assert_allclose(answers["layer_norm"](x, gamma, beta, 0.1), expected, rtol=1e-10)


def test_instance_norm_is_torch_s(answers, rng):
    x, (gamma, beta) = rng.normal(2, 3, (4, 3, 5, 6)), parameters(rng, 3)
    expected = instance_norm(torch.tensor(x), None, None, *map(torch.tensor, (gamma, beta)), eps=0.1)
    np.testing.assert_allclose(answers["instance_norm"](x, gamma, beta, 0.1), expected, atol=1e-12)


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_group_norm_is_torch_s(answers, groups, rng):
    x, (gamma, beta) = rng.normal(2, 3, (4, 6, 5, 7)), parameters(rng, 6)
    expected = group_norm(torch.tensor(x), groups, *map(torch.tensor, (gamma, beta)), 0.1)
    np.testing.assert_allclose(answers["group_norm"](x, gamma, beta, groups, 0.1), expected, atol=1e-12)


def with_autograd(norm, dout, x, gamma):
    """dx, dgamma, dbeta by torch."""
    leaves = [torch.tensor(v, requires_grad=True) for v in (x, gamma, np.zeros_like(gamma))]
    norm(*leaves).backward(torch.tensor(dout))
    return [leaf.grad for leaf in leaves]


def test_layer_norm_backward_is_autograd_s(answers, rng):
    dout, x, gamma = rng.normal(size=(7, 5)), rng.normal(2, 3, (7, 5)), rng.normal(size=5)
    expected = with_autograd(lambda x, g, b: layer_norm(x, (5,), g, b, 0.1), dout, x, gamma)
    for mine, other in zip(answers["layer_norm_backward"](dout, x, gamma, 0.1), expected, strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-12)


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_group_norm_backward_is_autograd_s(answers, groups, rng):
    dout, x, gamma = rng.normal(size=(4, 6, 3, 5)), rng.normal(2, 3, (4, 6, 3, 5)), rng.normal(size=6)
    expected = with_autograd(lambda x, g, b: group_norm(x, groups, g, b, 0.1), dout, x, gamma)
    for mine, other in zip(
        answers["group_norm_backward"](dout, x, gamma, groups, 0.1), expected, strict=True
    ):
        np.testing.assert_allclose(mine, other, atol=1e-11)


def test_backward_passes_are_difference_quotients_of_the_forward_ones(answers, rng):
    x, dout = rng.normal(1, 2, (4, 5)), rng.normal(size=(4, 5))
    gamma, beta = parameters(rng, 5)
    found = answers["layer_norm_backward"](dout, x, gamma, 0.2)
    f = answers["layer_norm"]
    expected = (
        difference_quotients(lambda v: f(v, gamma, beta, 0.2), x, dout),
        difference_quotients(lambda v: f(x, v, beta, 0.2), gamma, dout),
        difference_quotients(lambda v: f(x, gamma, v, 0.2), beta, dout),
    )
    for mine, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-8)
    images, douts = rng.normal(1, 2, (2, 6, 2, 3)), rng.normal(size=(2, 6, 2, 3))
    gamma, beta = parameters(rng, 6)
    found = answers["group_norm_backward"](douts, images, gamma, 2, 0.2)[0]
    quotients = difference_quotients(lambda v: answers["group_norm"](v, gamma, beta, 2, 0.2), images, douts)
    np.testing.assert_allclose(found, quotients, atol=1e-8)


def test_the_gradient_of_a_set_sums_to_zero_and_is_orthogonal_to_x_hat(answers, rng):
    dout, x, gamma = rng.normal(size=(3, 6, 4, 5)), rng.normal(2, 3, (3, 6, 4, 5)), rng.normal(size=6)
    dx = answers["group_norm_backward"](dout, x, gamma, 3, 1e-12)[0].reshape(9, -1)
    rows = x.reshape(9, -1)
    np.testing.assert_allclose(dx.sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose((dx * rows).sum(axis=1), 0, atol=1e-10)


def test_no_image_looks_at_another(answers, rng):
    x, (gamma, beta) = rng.normal(size=(3, 4, 5, 2)), parameters(rng, 4)
    for norm in (
        lambda v: answers["instance_norm"](v, gamma, beta),
        lambda v: answers["group_norm"](v, gamma, beta, 2),
    ):
        np.testing.assert_array_equal(norm(x)[1:2], norm(x[1:2]))


def test_whitening_is_scikit_learn_s_pca_turned_back_and_the_closest_to_the_data(answers, rng):
    """PCA's whitened coordinates, turned back by its own directions, are ZCA's (Kessy et al. 2018)."""
    x = rng.normal(size=(200, 5)) @ rng.normal(size=(5, 5)) + 3
    y, mu, _ = answers["decorrelated_batchnorm"](x, 0)
    np.testing.assert_allclose(np.cov(y.T, bias=True), np.eye(5), atol=1e-9)
    fitted = PCA(whiten=True, svd_solver="full").fit(x)
    turned = fitted.transform(x) @ fitted.components_ * np.sqrt(200 / 199)
    np.testing.assert_allclose(y, turned, atol=1e-9)
    np.testing.assert_allclose(mu, fitted.mean_)
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    assert ((y - (x - mu)) ** 2).sum() < ((y @ turn - (x - mu)) ** 2).sum()


def test_the_matrix_is_scipy_s_power_of_the_covariance(answers, rng):
    x = rng.normal(size=(30, 4)) @ rng.normal(size=(4, 4))
    sigma = np.cov(x.T, bias=True) + 0.1 * np.eye(4)
    _, _, W = answers["decorrelated_batchnorm"](x, 0.1)
    np.testing.assert_allclose(W, fractional_matrix_power(sigma, -0.5), atol=1e-9)
    well = 9 * np.eye(4) + 9 * sigma / np.trace(sigma)
    found = answers["newton_schulz"](well, 8)
    np.testing.assert_allclose(found, fractional_matrix_power(well, -0.5), atol=1e-9)


def test_five_to_seven_steps_come_close_and_twenty_in_float32_do_not(answers):
    covariance, error = answers["covariance"], answers["whitening_error"]
    sigma = covariance(10, np.float32)
    assert sigma.dtype == np.float32 and answers["newton_schulz"](sigma, 7).dtype == np.float32
    assert error(sigma, answers["newton_schulz"](sigma, 7)) < 1e-3
    assert error(sigma, answers["newton_schulz"](sigma, 20)) > 1
    with np.errstate(all="ignore"):
        sigma = covariance(1000, np.float32)
        assert not np.isfinite(answers["newton_schulz"](sigma, 20)).all()


def test_a_number_converges_below_3_goes_to_the_negative_root_above_and_away_above_5(answers):
    found = {value: answers["errors_of_one_eigenvalue"](value, 25)[-1] for value in (0.01, 2.9, 3.1, 4.5)}
    np.testing.assert_allclose(list(found.values()), [0, 0, 2, 2], atol=1e-9)
    assert answers["errors_of_one_eigenvalue"](5.1, 8)[-1] > 100


def test_weight_norm_is_torch_s_forward_and_backward(answers, rng):
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(4, 5, dtype=torch.float64), dim=0)
    g, v = layer.parametrizations.weight.original0, layer.parametrizations.weight.original1
    with torch.no_grad():
        g.copy_(torch.tensor(rng.normal(size=(5, 1))))
    dw, v_np, g_np = rng.normal(size=(5, 4)), v.detach().numpy(), g.detach().numpy()[:, 0]
    np.testing.assert_allclose(answers["weight_norm"](v_np, g_np), layer.weight.detach(), rtol=1e-12)
    layer.weight.backward(torch.tensor(dw))
    dv, dg = answers["weight_norm_backward"](dw, v_np, g_np)
    np.testing.assert_allclose(dv, v.grad, atol=1e-12)
    np.testing.assert_allclose(dg, g.grad[:, 0], atol=1e-12)


def test_weight_norm_s_gradient_is_orthogonal_and_its_difference_quotient(answers, rng):
    v, g, dw = rng.normal(size=(3, 4)), rng.normal(size=3), rng.normal(size=(3, 4))
    dv, dg = answers["weight_norm_backward"](dw, v, g)
    np.testing.assert_allclose((dv * v).sum(axis=1), 0, atol=1e-12)
    forward = answers["weight_norm"]
    np.testing.assert_allclose(dv, difference_quotients(lambda a: forward(a, g), v, dw), atol=1e-8)
    np.testing.assert_allclose(dg, difference_quotients(lambda a: forward(v, a), g, dw), atol=1e-8)


LAZY_TESTS = {
    "one image": ("(1, 6, 4, 5)", 2, "spread", 0.1, "across_the_batch"),
    "as many groups as channels in one": ("(3, 4, 2, 5)", 2, "spread", 0.1, "size_for_number"),
    "one group": ("(3, 6, 4, 5)", 1, "spread", 0.1, "one_group"),
    "a group for each channel": ("(3, 6, 4, 5)", 6, "spread", 0.1, "own_channel"),
    "one row of pixels": ("(3, 6, 1, 5)", 2, "spread", 0.1, "row_by_row"),
    "gamma of ones": ("(3, 6, 4, 5)", 2, "ones", 0.1, "no_scale"),
    "beta of zeros": ("(3, 6, 4, 5)", 2, "zeros", 0.1, "no_shift"),
    "a tiny eps": ("(3, 6, 4, 5)", 2, "spread", 1e-5, "fixed_eps"),
}
PARAMETERS = {
    "spread": "rng.uniform(1, 2, C), rng.normal(size=C)",
    "ones": "np.ones(C), rng.normal(size=C)",
    "zeros": "rng.uniform(1, 2, C), np.zeros(C)",
}


@pytest.mark.parametrize(
    ("shape", "groups", "kind", "eps", "overlooked"), LAZY_TESTS.values(), ids=LAZY_TESTS
)
def test_a_lazy_test_of_group_norm_is_found_out(shape, groups, kind, eps, overlooked, notebook):
    body = (
        f"rng, shape, groups, eps = np.random.default_rng(0), {shape}, {groups}, {eps}\n"
        "    C = shape[1]\n"
        "    x = rng.normal(size=shape) * rng.uniform(0.5, 2, (C, 1, 1)) + rng.normal(size=(C, 1, 1))\n"
        f"    gamma, beta = {PARAMETERS[kind]}\n"
        "    y = implementation(x.copy(), gamma.copy(), beta.copy(), groups, eps)\n"
        "    z = x.reshape(shape[0], groups, -1)\n"
        "    z = (z - z.mean(2, keepdims=True)) / np.sqrt(z.var(2, keepdims=True) + eps)\n"
        "    expected = z.reshape(shape) * gamma[:, None, None] + beta[:, None, None]\n"
        "    assert y.shape == x.shape and np.allclose(y, expected)"
    )
    assert {"right", overlooked, "overwritten"} <= accepts(notebook, body)


SETTING = (
    "rng = np.random.default_rng(0)\n"
    "    x, gamma, beta = rng.normal(2, 3, (3, 6, 4, 5)), rng.uniform(1, 2, 6), rng.normal(size=6)\n"
    "    x = x + rng.normal(size=(3, 6, 1, 1))\n    "
)
TRUTH = (
    "z = x.reshape(3, groups, -1)\n"
    "        z = (z - z.mean(2, keepdims=True)) / np.sqrt(z.var(2, keepdims=True) + 0.2)\n"
    "        expected = z.reshape(x.shape) * gamma[:, None, None] + beta[:, None, None]\n        "
)
LOOP, CALL = "for groups in (2, 3):\n        ", "y = implementation(x, gamma, beta, groups, 0.2)\n        "
ALL = "assert y.shape == x.shape and np.allclose(y, expected)"
OVERSIGHTS = {
    "the truth is computed from x after the call": (LOOP + CALL + TRUTH + ALL, {"overwritten"}),
    "one value of groups": (
        LOOP.replace("(2, 3)", "(2,)")
        + TRUTH
        + "x0, g0 = x.copy(), gamma.copy()\n        "
        + CALL
        + ALL
        + " and (x == x0).all() and (gamma == g0).all()",
        {"groups_of_the_first_call"},
    ),
    "some entries of y": (
        LOOP
        + TRUTH
        + "x0, g0 = x.copy(), gamma.copy()\n        "
        + CALL
        + "assert y.shape == x.shape and np.allclose(y[1, 3, 2], expected[1, 3, 2])\n"
        "        assert (x == x0).all() and (gamma == g0).all()",
        {"last_entry"},
    ),
}


@pytest.mark.parametrize(("body", "overlooked"), OVERSIGHTS.values(), ids=OVERSIGHTS)
def test_what_a_test_of_group_norm_overlooks_is_found_out(body, overlooked, notebook):
    assert {"right"} | overlooked <= accepts(notebook, SETTING + body)


@pytest.mark.parametrize("compare", ["np.array_equal(y, own)", "(y == own).all()"])
def test_a_test_that_allows_no_rounding_is_told_so(compare, notebook):
    """It agrees with the student's own function bit by bit, and would refuse another right one."""
    own = "own = group_norm(x, gamma, beta, groups, 0.2)\n        "
    names = notebook.with_body("test_group_norm", SETTING + LOOP + CALL + own + f"assert {compare}")
    probe = next(p for p in notebook.unit.probes.values() if p.judges == "group_norm")
    outcome = run_probe(probe, names, {"implementation": names["group_norm"]})
    assert outcome.status == "raised" and "compare with np.allclose" in outcome.error


ROOT_IN_FLOAT64 = "    for _ in range(steps):\n        P = 1.5 * P - P @ P @ P @ S / 2\n    "
ROUNDED = {
    "an identity of float64": "t = np.trace(sigma)\n    S, P = sigma / t, np.eye(len(sigma))\n",
    "a copy in float64": (
        "S = sigma.astype(np.float64)\n    t = np.trace(S)\n    S, P = S / t, np.eye(len(S))\n"
    ),
    "np.array in float64": (
        "S = np.array(sigma, dtype=float)\n    t = np.trace(S)\n    S, P = S / t, np.eye(len(S))\n"
    ),
}


@pytest.mark.parametrize("start", ROUNDED.values(), ids=ROUNDED)
def test_steps_in_float64_that_are_rounded_at_the_end_are_named(start, notebook, questions):
    body = start + ROOT_IN_FLOAT64 + "return (P / np.sqrt(t)).astype(sigma.dtype)"
    names = notebook.with_body("newton_schulz", body)
    for asked in questions:
        assert {v.mistake for v in notebook.verdicts(names, "newton_schulz", asked) if not v.passed} == {
            "NW-rounded"
        }


def accepts(notebook, body):
    """Which group norms a test with this body accepts: "right", and the names of broken ones."""
    names = notebook.with_body("test_group_norm", body)
    probe = next(p for p in notebook.unit.probes.values() if p.judges == "group_norm")
    right = notebook.reference.given(Given("group_norm"))
    offered = {"right": right} | {b.__name__: b(right) for b in probe.breakers}
    return {
        n for n, f in offered.items() if run_probe(probe, names, {"implementation": f}).status == "values"
    }


def test_every_row_of_the_catalogue_is_a_mistake_or_explained(notebook):
    rows = """WH2 WH3 WH5 WH6 WH7 WH8 WH9 LN1 LN2 LN3 LN4 LN5 LN6 LB1 LB2 LB3 LB4 LB5 LB6 IN1 IN2 IN3
    GN1 GN2 GN3 GN4 GN5 DB1 DB2 DB3 DB4 DB5 DB6 DB7 DB8 P7 P8 P9 P10 P16"""
    texts = (ROOT / "solutions" / notebook.unit.slug).glob("mistakes_*.toml")
    text = "\n".join(path.read_text(encoding="utf-8") for path in texts)
    explained = "\n".join(line for line in text.splitlines() if line.startswith("#"))
    ids = {patch.mistake.id for patch in notebook.unit.patches}
    assert [row for row in rows.split() if row not in ids and row not in explained] == []


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        ("x", "one array was returned"),
        ("None", "is a `return` missing?"),
        ("(x, x, x)", "3 were returned"),
        ("{'x_hat': x}", "a dict was returned"),
    ],
)
def test_what_came_back_is_counted_right(returned, told, notebook, questions):
    names = notebook.with_body("normalize", f"return {returned}")
    assert all(told in v.message for v in notebook.verdicts(names, "normalize", questions[0]))
