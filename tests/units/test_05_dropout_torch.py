"""Dropout in PyTorch: the solutions against torch's own layers, numerical gradients and binomial bounds."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from tests.units import right_ways_05_torch

SOLVED = ("05-dropout", "dropout_torch")
F = nn.functional
WAYS = right_ways_05_torch.WAYS


def test_the_other_way_to_read_the_numbers_counts_as_right_and_is_told(notebook, questions):
    names = notebook.with_source(WAYS["apply_dropout"]["kept below 1 - p, the accepted convention"])
    found = notebook.verdicts(names, "apply_dropout", questions[0])
    assert all(v.passed for v in found)
    assert {v.mistake for v in found} == {None, "DO-keep-torch"}


SLIPS = {
    "not scaled, in the other convention": (
        "apply_dropout",
        "DO1-torch",
        "return x * (u < 1 - p) if training else x",
    ),
    "divided by p, in the other convention": (
        "apply_dropout",
        "DO2-torch",
        "return x * (u < 1 - p) / (p or 1) if training else x",
    ),
    "on in evaluation, in the other convention": (
        "apply_dropout",
        "DO6-torch",
        "return x * (u < 1 - p) * (1 / (1 - p) if p < 1 else 0)",
    ),
    "the mean of what survived": (
        "apply_dropout",
        "DO13-torch",
        "kept = u >= p\n    share = kept.double().mean()\n"
        "    return x * kept / (share if share > 0 else 1) if training else x",
    ),
    "a list of layers": (
        "set_dropout",
        "SP-list",
        "found = [m for m in model.modules() if isinstance(m, DROPOUT_LAYERS)]\n"
        "    for m in found:\n        m.p = p\n    return [m.p for m in found]",
    ),
    "train and hope": (
        "mc_predict",
        "MC-train",
        "before = [(m, m.training) for m in model.modules()]\n    model.train()\n"
        "    with torch.no_grad():\n"
        "        out = torch.stack([F.softmax(model(x), dim=1) for _ in range(passes)])\n"
        "    for m, mode in before:\n        m.training = mode\n"
        "    return out.mean(0), out.std(0, unbiased=False)",
    ),
}


@pytest.mark.parametrize(("exercise", "mistake", "body"), SLIPS.values(), ids=SLIPS)
def test_a_common_slip_is_named(exercise, mistake, body, notebook, questions):
    names = notebook.with_body(exercise, body)
    for asked in questions:
        told = [v.mistake for v in notebook.verdicts(names, exercise, asked) if not v.passed]
        assert mistake in told, told


def test_the_layer_of_the_library_passes_every_probe(notebook, questions):
    """The checks ask for nothing that torch's own layers do not do."""
    library = {"Dropout": nn.Dropout, "SpatialDropout": nn.Dropout2d}
    for exercise, layer in library.items():
        names = notebook.reference.names | {exercise: layer}
        for asked in questions:
            assert all(v.passed for v in notebook.verdicts(names, exercise, asked)), exercise


def within_five_deviations(count, n, probability):
    """A binomial count is further off than this once in two million times."""
    return abs(count - n * probability) <= 5 * math.sqrt(n * probability * (1 - probability))


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5, 0.8])
def test_the_share_of_zeros_is_binomial(answers, p):
    torch.manual_seed(1)
    x = torch.ones(300, 400)
    assert within_five_deviations((answers["Dropout"](p)(x) == 0).sum().item(), x.numel(), p)
    images = torch.ones(300, 400, 2, 3)
    channels = (answers["SpatialDropout"](p)(images) == 0).all(dim=(2, 3))
    assert within_five_deviations(channels.sum().item(), channels.numel(), p)


@pytest.mark.parametrize("p", [0.2, 0.7])
def test_the_mean_over_the_masks_is_the_input_and_the_variance_that_of_the_chapter(answers, p):
    torch.manual_seed(2)
    x, T = torch.tensor([3.0, -1.0, 0.5, -8.0], dtype=torch.float64), 40_000
    y = answers["Dropout"](p)(x.expand(T, 4))
    keep = 1 - p
    deviation = x.abs() * math.sqrt(p / keep)
    assert ((y.mean(dim=0) - x).abs() <= 5 * deviation / math.sqrt(T)).all()
    torch.testing.assert_close(y.std(dim=0), deviation, rtol=0.05, atol=0)


@pytest.mark.parametrize(("name", "library"), [("Dropout", nn.Dropout), ("SpatialDropout", nn.Dropout2d)])
def test_the_layer_does_what_the_layer_of_the_library_does(answers, name, library):
    torch.manual_seed(3)
    images = 1 + torch.rand(40, 60, 4, 5, dtype=torch.float64)
    mine, theirs = (answers["describe"](layer, images) for layer in (answers[name](0.3), library(0.3)))
    for what in ("kept, y / x", "kept, gradient", "whole channels", "same in evaluation"):
        assert mine[what] == pytest.approx(theirs[what], rel=1e-12), what
    for what in ("share of zeros", "mean"):
        assert mine[what] == pytest.approx(theirs[what], rel=0.15), what


def test_with_the_mask_of_the_library_the_outputs_are_equal(answers):
    """u = 0 where torch dropped, almost 1 where it did not: both must say the same, gradient included."""
    torch.manual_seed(4)
    x, dout = (torch.randn(30, 20, dtype=torch.float64) for _ in range(2))
    theirs = x.clone().requires_grad_(True)
    y = F.dropout(theirs, 0.3)
    y.backward(dout)
    u = torch.where(y == 0, 0.0, 1 - 2.0**-53).double()
    function, own = answers["apply_dropout"], answers["DropoutFunction"].apply
    for f in (lambda a: function(a, u, 0.3, True), lambda a: own(a, u, 0.3)):
        leaf = x.clone().requires_grad_(True)
        out = f(leaf)
        out.backward(dout)
        torch.testing.assert_close(out, y, rtol=1e-14, atol=0)
        torch.testing.assert_close(leaf.grad, theirs.grad, rtol=1e-14, atol=0)


@pytest.mark.parametrize("p", [0, 0.3, 0.9, 1])
def test_the_own_backward_pass_equals_numerical_gradients(answers, p):
    generator = torch.Generator().manual_seed(5)
    u = torch.rand(4, 6, dtype=torch.float64, generator=generator)
    x = torch.randn(4, 6, dtype=torch.float64, generator=generator)
    x[0] = 0
    x.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda a: answers["DropoutFunction"].apply(a, u, p), x)
    assert torch.autograd.gradcheck(lambda a: answers["apply_dropout"](a, u, p, True), x)


@pytest.mark.parametrize("p", [-0.1, 1.1, math.inf, -1e-9])
def test_a_p_that_is_no_probability_is_refused_as_the_library_refuses_it(answers, p):
    for layer in (answers["Dropout"], nn.Dropout):
        with pytest.raises(ValueError, match="between 0 and 1"):
            layer(p)


def test_one_image_without_a_batch_loses_rows_in_the_library(answers):
    """The trap that the notebook shows: three axes are taken for (N, C, L)."""
    torch.manual_seed(6)
    with pytest.warns(UserWarning, match="3D input"):
        y = nn.Dropout2d(0.5)(torch.ones(2, 40, 4))
    rows = y == 0
    assert (rows.all(dim=2) == rows.any(dim=2)).all()
    assert 0 < rows.all(dim=2).sum() < 80
    assert (F.dropout(torch.ones(1000), 0.5) == 0).any(), "training is True by default"


def test_set_dropout_changes_how_the_model_behaves(answers):
    torch.manual_seed(7)
    model = nn.Sequential(nn.Dropout(0.1), nn.Sequential(nn.Flatten(), nn.Dropout1d(0.2)))
    assert answers["set_dropout"](model, 0.0) == 2
    x = torch.randn(5, 6)
    assert torch.equal(model(x), x)
    assert answers["set_dropout"](model, 1.0) == 2
    assert not model(x).any()


def test_monte_carlo_agrees_with_the_exact_average_over_all_masks(answers):
    """Three inputs have eight masks: the mean over passes comes near the sum over all of them."""
    torch.manual_seed(8)
    p, passes, x = 0.3, 20_000, torch.tensor([[1.0, -2.0, 0.5]], dtype=torch.float64)
    linear = nn.Linear(3, 4).double()
    masks = torch.tensor(np.array(np.meshgrid(*[[0.0, 1.0]] * 3)).reshape(3, -1).T)
    weight = torch.where(masks == 1, 1 - p, p).double().prod(dim=1)
    with torch.no_grad():
        each = linear(masks * x / (1 - p)).softmax(dim=1)
    exact = weight @ each
    std = (weight @ (each - exact) ** 2).sqrt()
    mean, got = answers["mc_predict"](nn.Sequential(nn.Dropout(p), linear), x.expand(1, 3), passes)
    assert ((mean[0] - exact).abs() <= 5 * std / math.sqrt(passes)).all()
    torch.testing.assert_close(got[0], std, rtol=0.05, atol=0)


def test_a_prediction_does_not_hang_on_its_batch_and_changes_nothing(answers):
    torch.manual_seed(9)
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.0), nn.Linear(6, 3)).train()
    x, before = torch.randn(8, 4), copy.deepcopy(model.state_dict())
    whole, alone = answers["mc_predict"](model, x, 2)[0], answers["mc_predict"](model, x[:1], 2)[0]
    torch.testing.assert_close(whole[:1], alone)
    assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())
    assert all(m.training for m in model.modules())


@pytest.mark.parametrize("p", [0.2, 0.5, 0.8])
def test_the_measured_ratio_is_that_of_the_chapter(answers, p):
    """1/q + (mu^2 / var) p/q; behind a ReLU of normal numbers mu^2 / var is 1 / (pi - 1)."""
    torch.manual_seed(10)
    x = torch.randn(4000, 50, dtype=torch.float64)
    for data, square in ((x, 0.0), (x.relu(), 1 / (math.pi - 1))):
        expected = 1 / (1 - p) + square * p / (1 - p)
        assert answers["measured_ratio"](nn.Dropout(p), data, passes=20) == pytest.approx(expected, rel=0.03)
        assert answers["predicted_ratio"](data, p) == pytest.approx(expected, rel=0.03)


def test_examples_of_the_docstrings_hold(answers):
    y = answers["apply_dropout"](torch.tensor([3.0, 3.0]), torch.tensor([0.1, 0.9]), 0.25, True)
    assert y.tolist() == [0, 4]
    model = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout2d(0.5)))
    assert answers["set_dropout"](model, 0.2) == 2

    class Turns(nn.Dropout):
        calls = 0

        def forward(self, x):
            self.calls += self.training
            p = (0.7, 0.9)[self.calls - 1]
            return torch.tensor([[p, 1 - p]]).log()

    mean, std = answers["mc_predict"](nn.Sequential(Turns()), torch.zeros(1, 2), 2)
    torch.testing.assert_close(mean, torch.tensor([[0.8, 0.2]]))
    torch.testing.assert_close(std, torch.tensor([[0.1, 0.1]]))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_the_torch_answers_run_on_a_gpu(answers):
    x, u = torch.randn(6, 5, 4, 3, device="cuda"), torch.rand(6, 5, 4, 3, device="cuda")
    y = answers["apply_dropout"](x, u, 0.3, True)
    expected = answers["apply_dropout"](x.cpu(), u.cpu(), 0.3, True)
    torch.testing.assert_close(y.cpu(), expected)
    torch.testing.assert_close(answers["DropoutFunction"].apply(x, u, 0.3), y)
    for name in ("Dropout", "SpatialDropout"):
        big = torch.ones(200, 300, 1, 2, device="cuda")
        out = answers[name](0.3).to("cuda")(big)
        assert out.device.type == "cuda"
        assert (out == 0).double().mean().item() == pytest.approx(0.3, rel=0.05)
        assert answers[name](0.3)(big.half()).dtype == torch.float16
        assert torch.equal(answers[name](0.3).eval()(big), big)
    model = nn.Sequential(nn.Flatten(), nn.Linear(60, 8), nn.Dropout(0.5), nn.Linear(8, 3)).to("cuda")
    mean, std = answers["mc_predict"](model, x, 20)
    assert mean.device.type == std.device.type == "cuda"
    torch.testing.assert_close(mean.sum(dim=1), torch.ones(6, device="cuda"))
    assert (std > 0).any()


def test_every_catalogued_bug_is_a_mistake_here_too(notebook):
    """Section G of the catalogue, and O10; DO8b is the same function as DO8, DV2 and DV3 are of vanilla."""
    ids = {p.mistake.id for p in notebook.unit.patches_of(notebook.reference.notebook)}
    for row in ["DO1", "DO2", "DO3", "DO3b", "DO4", "DO5", "DO6", "DO11"]:
        assert f"{row}-torch" in ids and f"{row}-layer" in ids, row
    for row in ["DO1", "DO2", "DO3", "DO3b", "DO4", "DO7", "DO8", "DO9", "DO14"]:
        assert f"{row}-function" in ids, row
    assert any(
        "training=True" in c.source or "training`" in c.source for c in notebook.reference.notebook.cells
    ), "O10"
