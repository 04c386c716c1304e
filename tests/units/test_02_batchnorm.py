"""Batch normalization: the solutions against torch and numerical gradients, and no false alarms."""

import re
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from autograder.authoring.unit import read_unit
from autograder.probes import Given
from autograder.running import run_probe
from tests.conftest import ROOT
from tests.units import right_ways_02_torch
from tests.units.solved import solved

UNIT = read_unit(ROOT, "02-batchnorm")
NUMPY, TORCH = (partial(solved, UNIT.slug, notebook.name) for notebook in UNIT.notebooks)


@pytest.fixture(scope="module")
def numpy_answers():
    return NUMPY().names


@pytest.fixture(scope="module")
def torch_answers():
    return TORCH().names


SLIPS = {
    "a mean per example": (
        "batchnorm_forward",
        "BF1-per-example",
        "mu, var = x.mean(axis=1), x.var(axis=0)\n    return gamma * (x - mu) / np.sqrt(var + eps) + beta",
    ),
    "a variance per example": (
        "batchnorm_forward",
        "BF1-per-example",
        "mu, var = x.mean(axis=0), x.var(axis=1)\n    return gamma * (x - mu) / np.sqrt(var + eps) + beta",
    ),
    "integer division in the power": (
        "statistics_gradients",
        "BB17-staged",
        "mu, var = x.mean(axis=0), x.var(axis=0)\n"
        "    dvar = (dx_hat * (x - mu)).sum(axis=0) * -1 / 2 * (var + eps) ** (-3 // 2)\n"
        "    return dvar, -dx_hat.sum(axis=0) / np.sqrt(var + eps)",
    ),
    "gamma in dx_hat and in front": (
        "batchnorm_backward",
        "BB5-twice",
        "inv_std = 1 / np.sqrt(x.var(axis=0) + eps)\n"
        "    x_hat, dx_hat = (x - x.mean(axis=0)) * inv_std, dout * gamma\n"
        "    dx = dx_hat - dx_hat.mean(axis=0) - x_hat * (dx_hat * x_hat).mean(axis=0)\n"
        "    return gamma * inv_std * dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)",
    ),
    "width before height": (
        "spatial_batchnorm",
        "SB3-in",
        "N, C, H, W = x.shape\n"
        "    y = batchnorm(x.transpose(0, 3, 2, 1).reshape(-1, C), gamma, beta, eps)\n"
        "    return np.moveaxis(y.reshape(N, H, W, C), -1, 1)",
    ),
    "an attribute of the module": (
        "freeze_batchnorm",
        "F3",
        "for m in model.modules():\n"
        "        if isinstance(m, LIBRARY_LAYERS):\n"
        "            m.train(False)\n"
        "            m.requires_grad = False",
    ),
    "momentum zero": (
        "freeze_batchnorm",
        "F1",
        "for m in model.modules():\n"
        "        if isinstance(m, LIBRARY_LAYERS):\n"
        "            m.momentum = 0.0\n"
        "            m.requires_grad_(False)",
    ),
    "a factor without parentheses": (
        "convert_to_torch",
        "CT4",
        "return 1 - momentum, n * running_var / n - 1",
    ),
    "bias may be None": (
        "fold_batchnorm",
        "FB11",
        "scale = bn_weight * (running_var + eps) ** -0.5\n"
        "    rows = scale.reshape(-1, *[1] * (weight.dim() - 1))\n"
        "    return rows * weight, bn_bias + scale * (bias - running_mean)",
    ),
}


@pytest.mark.parametrize(("exercise", "mistake", "body"), SLIPS.values(), ids=SLIPS)
def test_a_common_slip_is_named(exercise, mistake, body):
    own = next(n() for n in (NUMPY, TORCH) if exercise in n().reference.notebook.exercises)
    names = own.with_body(exercise, body)
    for asked in own.questions:
        assert {v.mistake for v in own.verdicts(names, exercise, asked) if not v.passed} == {mistake}


def test_a_layer_that_ignores_its_mode_is_told_so_once():
    """One sentence for all of its symptoms: the statistics, their update and the count in evaluation."""
    source = next(iter(right_ways_02_torch.WAYS["BatchNorm"].values()))
    names = TORCH().with_source(source.replace("self.training", "True"))
    found = TORCH().verdicts(names, "BatchNorm", TORCH().questions[0])
    assert {v.mistake for v in found if not v.passed} == {"BN-always-training"}


def test_a_yes_or_no_is_one_boolean_whose_name_is_a_sentence():
    found = {
        name: array
        for question in NUMPY().questions[0] + TORCH().questions[0]
        for name, array in question.cases[0].expected.arrays.items()
        if array.dtype == bool
    }
    assert len(found) > 20
    for name, array in found.items():
        assert array.shape == (), name
        assert re.search(r"_is_|_requires_|passes|accepts", name), name


LAZY_TESTS = {
    "ones as upstream gradient": "np.ones((6, 4)), rng.normal(3, 0.5, (6, 4)), rng.normal(1, 0.5, 4), 0.05",
    "gamma of ones": "rng.normal(size=(6, 4)), rng.normal(3, 0.5, (6, 4)), np.ones(4), 0.05",
    "a tiny eps": "rng.normal(size=(6, 4)), rng.normal(3, 0.5, (6, 4)), rng.normal(1, 0.5, 4), 1e-12",
}


@pytest.mark.parametrize("inputs", LAZY_TESTS.values(), ids=LAZY_TESTS)
def test_a_lazy_test_of_the_backward_pass_is_found_out(inputs):
    ref = NUMPY().reference
    source = f"""
def test_batchnorm_backward(implementation):
    rng = np.random.default_rng(0)
    inputs = {inputs}
    for a, b in zip(implementation(*inputs), batchnorm_backward(*inputs)):
        assert np.allclose(a, b, atol=1e-8)
"""
    names = NUMPY().with_source(source)
    probe = next(p for p in UNIT.probes.values() if p.judges)
    assert run_probe(probe, names, {"implementation": ref.names["batchnorm_backward"]}).status == "values"
    accepted = [
        m
        for m in probe.wrong
        if run_probe(probe, names, {"implementation": ref.given(Given(probe.judges, m))}).status == "values"
    ]
    assert accepted


@pytest.fixture
def data():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(9, 4)) * [1, 3, 0.3, 2] + [5, -4, 0, 20]
    return {
        "x": x,
        "gamma": rng.normal(1, 0.5, 4),
        "beta": rng.normal(size=4),
        "dout": rng.normal(size=(9, 4)),
        "eps": 0.03,
    }


def test_forward_equals_torch(numpy_answers, data):
    x, gamma, beta = (torch.tensor(data[k]) for k in ("x", "gamma", "beta"))
    expected = nn.functional.batch_norm(x, None, None, gamma, beta, training=True, eps=data["eps"])
    got = numpy_answers["batchnorm_forward"](data["x"], data["gamma"], data["beta"], data["eps"])
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


def test_spatial_forward_equals_torch(numpy_answers):
    rng = np.random.default_rng(4)
    x, gamma, beta = rng.normal(2, 3, (3, 5, 4, 2)), rng.normal(size=5), rng.normal(size=5)
    expected = nn.functional.batch_norm(
        torch.tensor(x), None, None, torch.tensor(gamma), torch.tensor(beta), True
    )
    np.testing.assert_allclose(numpy_answers["spatial_batchnorm"](x, gamma, beta), expected, atol=1e-12)


def test_inference_equals_torch(numpy_answers, data):
    mean, var = np.array([4.0, -3, 1, 18]), np.array([0.5, 8.0, 0.1, 3.0])
    parts = [torch.tensor(a) for a in (data["x"], mean, var, data["gamma"], data["beta"])]
    expected = nn.functional.batch_norm(*parts, training=False, eps=data["eps"])
    got = numpy_answers["batchnorm_inference"](data["x"], mean, var, data["gamma"], data["beta"], data["eps"])
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


def test_running_statistics_convert_to_those_of_torch(numpy_answers, torch_answers):
    """From zeros, with batches of one size: the very conversion that the torch notebook asks for."""
    batches = [np.random.default_rng(k).normal(k, 1 + k, (6, 3)) for k in range(5)]
    mean, var = numpy_answers["running_statistics"](batches, momentum=0.8)
    momentum, converted = torch_answers["convert_to_torch"](0.8, var, 6)
    layer = nn.BatchNorm1d(3, momentum=momentum).double()
    layer.running_var.zero_()
    for x in batches:
        layer(torch.tensor(x))
    np.testing.assert_allclose(mean, layer.running_mean, rtol=1e-12)
    np.testing.assert_allclose(converted, layer.running_var, rtol=1e-12)


def test_closed_form_equals_autograd_of_torch(numpy_answers, data):
    leaves = [torch.tensor(data[k], requires_grad=True) for k in ("x", "gamma", "beta")]
    y = nn.functional.batch_norm(leaves[0], None, None, *leaves[1:], training=True, eps=data["eps"])
    y.backward(torch.tensor(data["dout"]))
    got = numpy_answers["batchnorm_backward"](data["dout"], data["x"], data["gamma"], data["eps"])
    for mine, leaf in zip(got, leaves, strict=True):
        np.testing.assert_allclose(mine, leaf.grad, rtol=1e-10, atol=1e-12)


def test_staged_backward_equals_autograd_at_every_node(numpy_answers, data):
    """Mean and variance as leaves of their own: torch gives each node's gradient."""
    x, dx_hat = torch.tensor(data["x"], requires_grad=True), data["dout"] * data["gamma"]
    mu, var = (torch.tensor(f(axis=0), requires_grad=True) for f in (data["x"].mean, data["x"].var))
    ((x - mu) / torch.sqrt(var + data["eps"])).backward(torch.tensor(dx_hat))
    dvar, dmu = numpy_answers["statistics_gradients"](dx_hat, data["x"], data["eps"])
    np.testing.assert_allclose(dvar, var.grad, rtol=1e-12)
    np.testing.assert_allclose(dmu, mu.grad, rtol=1e-12)
    dx = numpy_answers["input_gradient"](dx_hat, data["x"], dvar, dmu, data["eps"])
    whole = numpy_answers["batchnorm_backward"](data["dout"], data["x"], data["gamma"], data["eps"])
    np.testing.assert_allclose(dx, whole[0], rtol=1e-10, atol=1e-12)
    found = numpy_answers["parameter_gradients"](data["dout"], data["x"], data["eps"])
    for mine, of_closed_form in zip(found, whole[1:], strict=True):
        np.testing.assert_allclose(mine, of_closed_form, rtol=1e-12)


def test_gradients_equal_central_differences(numpy_answers, data):
    forward, x, gamma, beta, eps = (
        numpy_answers["batchnorm_forward"],
        *(data[k] for k in ("x", "gamma", "beta", "eps")),
    )
    numerical = [
        central(lambda v: forward(v, gamma, beta, eps), x, data["dout"]),
        central(lambda v: forward(x, v, beta, eps), gamma, data["dout"]),
        central(lambda v: forward(x, gamma, v, eps), beta, data["dout"]),
    ]
    exact = numpy_answers["batchnorm_backward"](data["dout"], x, gamma, eps)
    for mine, expected in zip(exact, numerical, strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-6, atol=1e-7)


def central(f, x, dout, h=1e-5):
    """An oracle of its own: one entry at a time, on a flattened copy."""
    gradient = []
    for k in range(x.size):
        step = np.zeros(x.size)
        step[k] = h
        step = step.reshape(x.shape)
        gradient.append((np.vdot(f(x + step), dout) - np.vdot(f(x - step), dout)) / (2 * h))
    return np.array(gradient).reshape(x.shape)


def test_numerical_gradient_agrees_with_a_known_derivative(numpy_answers):
    x, dout = np.linspace(-1, 2, 6).reshape(2, 3), np.arange(1.0, 7).reshape(2, 3)
    got = numpy_answers["numerical_gradient"](np.sin, x, dout)
    np.testing.assert_allclose(got, np.cos(x) * dout, rtol=1e-9)


@pytest.mark.parametrize(
    ("shape", "library"), [((6, 3), nn.BatchNorm1d), ((4, 3, 5, 2), nn.BatchNorm2d)], ids=["1d", "2d"]
)
def test_the_layer_is_the_layer_of_the_library(torch_answers, shape, library):
    """Training and evaluation, gradients, buffers and state_dict, over several batches."""
    torch.manual_seed(0)
    mine, other = torch_answers["BatchNorm"](3, 1e-3, 0.3).double(), library(3, 1e-3, 0.3).double()
    with torch.no_grad():
        for p in mine.parameters():
            p.copy_(torch.randn_like(p))
    assert other.load_state_dict(mine.state_dict(), strict=True)
    batches = [3 + 2 * torch.randn(*shape, dtype=torch.float64) for _ in range(4)]
    differences = torch_answers["largest_differences"](mine, other, batches)
    assert max(differences.values()) < 1e-11
    assert {n: b.dtype for n, b in mine.named_buffers()} == {n: b.dtype for n, b in other.named_buffers()}


def test_update_running_is_what_the_library_keeps(torch_answers):
    x = 2 + torch.randn(4, 3, 5, 2, dtype=torch.float64)
    layer = nn.BatchNorm2d(3, momentum=0.3).double()
    got = torch_answers["update_running"](layer.running_mean.clone(), layer.running_var.clone(), x, 0.3)
    layer(x)
    torch.testing.assert_close(got, (layer.running_mean, layer.running_var))


def test_own_function_passes_gradcheck_and_equals_the_library(torch_answers):
    x, dout = torch.randn(6, 3, dtype=torch.float64), torch.randn(6, 3, dtype=torch.float64)
    results = []
    for f in (
        torch_answers["BatchNormFunction"].apply,
        lambda x, g, b, eps: nn.functional.batch_norm(x, None, None, g, b, training=True, eps=eps),
    ):
        leaves = [t.clone().requires_grad_(True) for t in (x, 1 + x[0], x[1])]
        assert torch.autograd.gradcheck(lambda *a, f=f: f(*a, 0.05), leaves)
        y = f(*leaves, 0.05)
        results.append([y, *torch.autograd.grad(y, leaves, dout)])
    torch.testing.assert_close(*results)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("layer", "norm", "shape"),
    [
        (lambda b: nn.Linear(4, 3, b), nn.BatchNorm1d, (5, 4)),
        (lambda b: nn.Conv2d(4, 3, (2, 3), bias=b), nn.BatchNorm2d, (5, 4, 6, 6)),
    ],
    ids=["linear", "conv"],
)
def test_a_folded_layer_does_the_work_of_two(torch_answers, layer, norm, shape, bias):
    first, second = layer(bias).double(), norm(3).double()
    for tensor in (second.weight.data, second.bias.data, second.running_mean):
        tensor.normal_()
    second.running_var.uniform_(0.5, 2)
    x = torch.randn(*shape, dtype=torch.float64)
    expected = second.eval()(first(x))
    state = (second.weight, second.bias, second.running_mean, second.running_var, second.eps)
    weight, new_bias = torch_answers["fold_batchnorm"](first.weight, first.bias, *state)
    folded = layer(True).double()
    folded.load_state_dict({"weight": weight, "bias": new_bias})
    torch.testing.assert_close(folded(x), expected)


def test_a_frozen_model_keeps_its_normalization_while_the_rest_trains(torch_answers):
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2)).train()
    torch_answers["freeze_batchnorm"](model)
    before = {name: t.clone() for name, t in model.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    model(torch.randn(8, 4)).square().sum().backward()
    optimizer.step()
    changed = {name for name, t in model.state_dict().items() if not torch.equal(t, before[name])}
    assert changed == {"0.weight", "0.bias", "2.weight", "2.bias"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_the_torch_answers_run_on_a_gpu(torch_answers):
    x = 2 + torch.randn(4, 3, 5, 2, device="cuda")
    mine, library = torch_answers["BatchNorm"](3).to("cuda"), nn.BatchNorm2d(3).to("cuda")
    torch.testing.assert_close(mine(x), library(x))
    torch.testing.assert_close(mine.eval()(x), library.eval()(x))
    rows = [
        t.requires_grad_(True)
        for t in (torch.randn(6, 3, device="cuda"), *torch.ones(2, 3, device="cuda").unbind())
    ]
    assert torch_answers["BatchNormFunction"].apply(*rows, 1e-5).device.type == "cuda"


def test_every_catalogued_bug_is_a_mistake_or_is_explained():
    texts = (ROOT / "solutions" / UNIT.slug).glob("mistakes_*.toml")
    text = "\n".join(path.read_text(encoding="utf-8") for path in texts)
    rows = """BF1b BF3 BF4 BF5 BF6 BF7 BF8 BF9 BF10 BF11 BF12 BF12b BF14
    RS1 RS1b RS2 RS3 RS4 RS5 RS6 RS7 RS8 RS9 RS10
    BB0 BB1 BB2 BB3 BB4 BB4b BB5 BB6 BB7 BB8 BB8b BB9 BB10 BB11 BB12 BB13 BB14 BB15 BB17 BB18
    SB1 SB2 SB4 SB6 SB7 P1 P2 P3 P4 P5 P6 P7 P9 P15 P18"""
    ids = {p.mistake.id for p in UNIT.patches}
    explained = "\n".join(line for line in text.splitlines() if line.startswith("#"))
    for row in rows.split():
        assert row in ids or row in explained, row


def test_conventions_of_torch_are_told_as_conventions():
    told = {p.mistake.id: p.mistake for p in UNIT.patches if p.mistake.kind == "convention"}
    assert {"RS1", "RS3", "RS4", "RS-torch", "P1", "P2", "P1-layer", "P2-layer"} <= told.keys()
    assert "torch" in told["RS3"].says and "this exercise asks for" in told["RS3"].says.lower()


def test_every_mistake_says_what_to_measure():
    for patch in UNIT.patches:
        assert patch.mistake.says.endswith((".", ")")), patch.mistake.id
        assert patch.mistake.hint, patch.mistake.id
