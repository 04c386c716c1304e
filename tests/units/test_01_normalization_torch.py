"""Data normalization in PyTorch: the solutions against NumPy, scikit-learn, SciPy and torch's own layers."""

import copy
import io
import math
import re

import numpy as np
import pytest
import torch
from scipy import ndimage
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from autograder.authoring.reference import hidden_seeds
from tests.units.solved import solved

SOLVED = ("01-normalization", "normalization_torch")


SLIPS = {
    "a view instead of permute": (
        "images_to_tensor",
        "T-it-reshape",
        "N, H, W, C = images.shape\n    return images.view(N, C, H, W) / 255",
    ),
    "no floats at all": (
        "loader_stats",
        "T-ls-needs-floats",
        "x = torch.cat([x for x, _ in loader])\n"
        "    return x.mean(dim=(0, 2, 3)), x.std(dim=(0, 2, 3), correction=0)",
    ),
    "the default of torch.std": (
        "loader_stats",
        "T-ls-unbiased",
        "x = torch.cat([x for x, _ in loader]).double()\n"
        "    return x.mean(dim=(0, 2, 3)), x.std(dim=(0, 2, 3))",
    ),
    "the deviation within an image": (
        "loader_stats",
        "T-ls-images",
        "x = torch.cat([x for x, _ in loader]).double()\n"
        "    return x.mean(dim=(0, 2, 3)), x.std(dim=(2, 3), correction=0).mean(dim=0)",
    ),
    "deviations without roots": (
        "fold_standardization",
        "T-fo-mean-unscaled",
        "ones = [1] * (weight.dim() - 2)\n    std, mean = std.view(1, -1, *ones), mean.view(1, -1, *ones)\n"
        "    moved = (weight * mean).flatten(1).sum(1)\n"
        "    return weight / std, (0 if bias is None else bias) - moved",
    ),
    "the default of torch.var": (
        "global_contrast",
        "T-gc-unbiased",
        "flat = x.flatten(1)\n    contrast = (lam + flat.var(dim=1, keepdim=True)).sqrt().clamp(min=eps)\n"
        "    return (scale * (flat - flat.mean(dim=1, keepdim=True)) / contrast).view(x.shape)",
    ),
    "instance normalization": (
        "global_contrast",
        "T-gc-channel",
        "var, mean = torch.var_mean(x, dim=(2, 3), correction=0, keepdim=True)\n"
        "    return scale * (x - mean) / (lam + var).sqrt().clamp(min=eps)",
    ),
    "a forgotten argument of the pooling": (
        "local_contrast",
        "T-lc-padding-counted",
        "pool = nn.AvgPool2d(2 * radius + 1, 1, radius)\n    x = x - x.mean(dim=(2, 3), keepdim=True)\n"
        "    m = pool(x)\n    return (x - m) / ((pool(x * x) - m * m).clamp(min=0) + eps) ** 0.5",
    ),
    "squares in single precision, whatever comes": (
        "loader_stats",
        "T-ls-sum-of-squares",
        "n, total, squares = 0, 0, 0\n    for x, _ in loader:\n        x = x.float()\n"
        "        n += x[:, 0].numel()\n        total = total + x.sum((0, 2, 3))\n"
        "        squares = squares + (x * x).sum((0, 2, 3))\n"
        "    return total / n, (squares / n - (total / n) ** 2).clamp(min=0).sqrt()",
    ),
    "local squares in single precision, whatever comes": (
        "local_contrast",
        "T-lc-raw-squares",
        "side, d = 2 * radius + 1, x.float()\n"
        "    pool = lambda v: nn.functional.avg_pool2d(v, side, 1, radius, count_include_pad=False)\n"
        "    m = pool(d)\n    y = (d - m) / ((pool(d * d) - m * m).clamp(min=0) + eps).sqrt()\n"
        "    return y.to(x.dtype)",
    ),
    "a padding of half the radius": (
        "local_contrast",
        "T-lc-no-padding",
        "pool = nn.AvgPool2d(2 * radius + 1, 1, radius // 2, count_include_pad=False)\n"
        "    x = x - x.mean(dim=(2, 3), keepdim=True)\n    m = pool(x)\n"
        "    return (x - m) / ((pool(x * x) - m * m).clamp(min=0) + eps) ** 0.5",
    ),
    "the variance after the mean": (
        "local_contrast",
        "T-lc-own-mean",
        "side = 2 * radius + 1\n"
        "    pool = lambda v: nn.functional.avg_pool2d(v, side, 1, radius, count_include_pad=False)\n"
        "    d = x - pool(x)\n    return d / torch.sqrt(pool(d * d) + eps)",
    ),
}


@pytest.mark.parametrize(("exercise", "mistake", "body"), SLIPS.values(), ids=SLIPS)
def test_a_common_slip_is_named(exercise, mistake, body, notebook, questions):
    names = notebook.with_body(exercise, body)
    for asked in questions:
        found = notebook.verdicts(names, exercise, asked)
        assert mistake in {v.mistake for v in found if not v.passed}
        assert None not in {v.mistake for v in found if not v.passed}


@pytest.mark.parametrize("exercise", ["Standardize", "ZCA"])
def test_students_see_by_themselves_that_gradients_do_not_reach_the_input(exercise, notebook):
    class Cut(notebook.reference.names[exercise]):
        @torch.no_grad()
        def forward(self, x):
            return super().forward(x)

    names = {**notebook.reference.names, exercise: Cut}
    public = notebook.reference.questions(hidden_seeds(notebook.unit.slug, b"0"), hidden=False)
    failed = [v for v in notebook.verdicts(names, exercise, public) if not v.passed]
    assert [v.probe.startswith("passes_gradients") for v in failed] == [True]


@pytest.fixture
def images():
    """uint8 (N, H, W, C), a number of images that no batch size divides."""
    rng = np.random.default_rng(0)
    bright = rng.uniform(40, 200, (23, 1, 1, 1))
    return np.clip(bright + rng.normal(0, 25, (23, 6, 5, 3)), 0, 255).astype(np.uint8)


def test_a_picture_becomes_the_tensor_that_numpy_makes(answers, images):
    got = answers["images_to_tensor"](torch.tensor(images))
    np.testing.assert_allclose(got, np.moveaxis(images, 3, 1) / 255, rtol=1e-6)
    assert got.dtype == torch.float32


@pytest.mark.parametrize("as_floats", [False, True], ids=["uint8", "float32"])
def test_statistics_of_a_shuffled_loader_are_those_of_all_pixels(answers, images, as_floats):
    x = torch.tensor(images).permute(0, 3, 1, 2)
    data = TensorDataset(x.float() / 255 if as_floats else x, torch.zeros(len(x)))
    mean, std = answers["loader_stats"](DataLoader(data, batch_size=4, shuffle=True))
    pixels = images.reshape(-1, 3) / (255 if as_floats else 1)
    np.testing.assert_allclose(mean, pixels.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(std, pixels.std(axis=0), rtol=1e-5)


def test_statistics_of_many_pixels_keep_their_digits_in_single_precision(answers):
    generator = torch.Generator().manual_seed(0)
    x = 200 + torch.randn(96, 1, 64, 64, generator=generator)
    _, std = answers["loader_stats"]((batch, None) for batch in x.split(7))
    assert std.item() == pytest.approx(x.double().std(correction=0).item(), rel=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("value", [0.1, 77 / 255, 123.4])
def test_a_constant_channel_has_no_deviation_and_keeps_its_scale(answers, value, dtype):
    x = torch.full((23, 1, 8, 8), value, dtype=dtype)
    module = answers["Standardize"](*answers["loader_stats"]((batch, None) for batch in x.split(7)))
    assert module.std.item() == 0
    torch.testing.assert_close(module(x + 2), torch.full_like(x, 2), rtol=1e-5, atol=0)


@pytest.fixture
def table():
    """Features of different scale, the second constant; and other rows in which it is not."""
    rng = np.random.default_rng(1)
    train, new = rng.normal(3, 2, (9, 4)) * [1, 0, 30, 0.2] + 5, rng.normal(3, 2, (5, 4))
    return train, new


def fitted(answers, train):
    return answers["Standardize"](torch.tensor(train.mean(axis=0)), torch.tensor(train.std(axis=0)))


def test_the_module_is_the_scaler_of_scikit_learn(answers, table):
    train, new = table
    scaler, module = StandardScaler().fit(train), fitted(answers, train)
    np.testing.assert_allclose(module(torch.tensor(new)), scaler.transform(new), rtol=1e-12)
    np.testing.assert_allclose(module.inverse(torch.tensor(new)), scaler.inverse_transform(new), rtol=1e-12)


def test_inverse_undoes_forward_on_images(answers, images):
    x = torch.tensor(images).permute(0, 3, 1, 2)
    module = answers["Standardize"](torch.tensor([120.0, 90, 110]), torch.tensor([50.0, 0, 60]))
    torch.testing.assert_close(module.inverse(module(x)), x.float())


def test_a_saved_module_brings_its_statistics_along(answers, table):
    new = torch.tensor(table[1])
    model = nn.Sequential(fitted(answers, table[0]), nn.Linear(4, 2).double())
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    other = nn.Sequential(answers["Standardize"](torch.zeros(4), torch.ones(4)), nn.Linear(4, 2)).double()
    other.load_state_dict(torch.load(file))
    torch.testing.assert_close(other(new), model(new), rtol=0, atol=0)
    assert {name for name, _ in other.named_parameters()} == {"1.weight", "1.bias"}


def test_the_gradient_of_the_module_is_one_over_the_deviation(answers, table):
    train, new = table
    x = torch.tensor(new, requires_grad=True)
    module = fitted(answers, train)
    module(x).sum().backward()
    expected = 1 / np.where(train.std(axis=0) == 0, 1, train.std(axis=0))
    np.testing.assert_allclose(x.grad, np.broadcast_to(expected, x.shape))
    assert torch.autograd.gradcheck(module, x)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("layer", "shape"),
    [(lambda b: nn.Linear(3, 5, b), (6, 3)), (lambda b: nn.Conv2d(3, 5, (2, 4), bias=b), (2, 3, 7, 8))],
    ids=["linear", "conv"],
)
def test_a_folded_layer_does_the_work_of_two(answers, layer, shape, bias):
    first, mean, std = layer(bias).double(), torch.randn(3).double(), 0.5 + torch.rand(3).double()
    x = 4 + 3 * torch.randn(*shape, dtype=torch.float64)
    folded = layer(True).double()
    weight, new_bias = answers["fold_standardization"](first.weight, first.bias, mean, std)
    folded.load_state_dict({"weight": weight, "bias": new_bias})
    torch.testing.assert_close(folded(x), first(answers["Standardize"](mean, std)(x)))


def test_padding_differs_after_folding_unless_it_has_the_colour_of_the_mean(answers):
    """The model answer of the question on padding."""
    conv, mean = nn.Conv2d(3, 5, 3, padding=1).double(), torch.tensor([4.0, -2, 7]).double()
    std, x = torch.tensor([2.0, 0.5, 3]).double(), torch.randn(2, 3, 6, 5, dtype=torch.float64)
    expected = conv(answers["Standardize"](mean, std)(x))
    folded = answers["fold_standardization"](conv.weight, conv.bias, mean, std)
    black = nn.functional.conv2d(x, *folded, padding=1)
    inside = (..., slice(1, -1), slice(1, -1))
    torch.testing.assert_close(black[inside], expected[inside])
    assert (black - expected).abs().max() > 0.1
    framed = mean.view(1, 3, 1, 1).expand(2, 3, 8, 7).clone()
    framed[inside] = x
    torch.testing.assert_close(nn.functional.conv2d(framed, *folded), expected)


def test_global_contrast_is_layer_normalization_without_parameters(answers):
    x = 5 + 2 * torch.randn(4, 3, 5, 6, dtype=torch.float64)
    expected = 1.7 * nn.functional.layer_norm(x, x.shape[1:], eps=0.3)
    torch.testing.assert_close(answers["global_contrast"](x, scale=1.7, lam=0.3), expected)


def test_an_image_of_one_grey_has_no_contrast_and_no_trouble(answers):
    grey = torch.full((1, 3, 4, 4), 0.5)
    assert torch.equal(answers["global_contrast"](grey), torch.zeros_like(grey))
    assert torch.equal(answers["local_contrast"](grey, 1, 0.1), torch.zeros_like(grey))


@pytest.mark.parametrize("radius", [1, 2, 4])
def test_local_contrast_equals_scipy_with_a_corrected_count(answers, radius):
    x = np.random.default_rng(2).normal(3, 2, (2, 3, 7, 9))
    window = (1, 1, 2 * radius + 1, 2 * radius + 1)

    def box(values):
        return ndimage.uniform_filter(values, window, mode="constant")

    share = box(np.ones_like(x))
    mean = box(x) / share
    expected = (x - mean) / np.sqrt(box(x**2) / share - mean**2 + 0.2)
    np.testing.assert_allclose(answers["local_contrast"](torch.tensor(x), radius, 0.2), expected, rtol=1e-9)


def test_zca_is_pca_of_scikit_learn_turned_back(answers):
    rng = np.random.default_rng(3)
    x, new = (rng.normal(size=(n, 5)) @ rng.normal(size=(5, 5)) + 7 for n in (40, 6))
    pca = PCA().fit(x)
    scale = np.sqrt(pca.explained_variance_ * 39 / 40 + 0.1)
    expected = pca.transform(new) / scale @ pca.components_
    layer = answers["ZCA"](5).double().fit(torch.tensor(x), eps=0.1)
    np.testing.assert_allclose(layer(torch.tensor(new)), expected, rtol=1e-9, atol=1e-12)


def test_whitened_images_have_the_covariance_of_the_chapter(answers):
    """Eigenvalues lam / (lam + eps), and for more pixels than images zeros."""
    x = torch.randn(10, 2, 3, 4, dtype=torch.float64)
    layer = answers["ZCA"](24).double()
    rows = layer.fit(x, eps=0.05)(x).flatten(1)
    lam = torch.linalg.eigvalsh(torch.cov(x.flatten(1).T, correction=0)).clamp(min=0)
    got = torch.linalg.eigvalsh(torch.cov(rows.T, correction=0))
    torch.testing.assert_close(got, lam / (lam + 0.05), rtol=1e-9, atol=1e-12)


def test_both_notebooks_say_the_same(answers, images):
    other = solved("01-normalization", "normalization_numpy").names
    x = torch.tensor(images).permute(0, 3, 1, 2).double()
    mean, std = answers["loader_stats"]([(x[:20], None), (x[20:], None)])
    np.testing.assert_allclose([mean, std], other["channel_stats"]([images[:20], images[20:]]), rtol=1e-10)
    pairs = [
        (
            answers["Standardize"](mean, std)(x),
            other["standardize_images"](images, mean.numpy(), std.numpy()),
        ),
        (answers["global_contrast"](x, 2.0, 9.0), other["global_contrast_normalize"](images, 2.0, 9.0)),
        (answers["local_contrast"](x, 2, 9.0), other["local_contrast_normalize"](images, 2, 9.0)),
    ]
    for mine, theirs in pairs:
        np.testing.assert_allclose(mine, np.moveaxis(theirs, 3, 1), rtol=1e-8, atol=1e-10)
    rows = images.reshape(len(images), -1)[:, :12].astype(float)
    layer = answers["ZCA"](12).double().fit(torch.tensor(rows), eps=4.0)
    centre, W = other["whitening"](rows, 4.0)
    np.testing.assert_allclose(layer.mean, centre)
    np.testing.assert_allclose(layer.matrix, W, rtol=1e-8, atol=1e-10)


def test_examples_of_the_docstrings_hold(answers):
    picture = torch.tensor([[[[255, 0, 51], [0, 0, 102]]]], dtype=torch.uint8)
    got = answers["images_to_tensor"](picture)
    torch.testing.assert_close(got, torch.tensor([[[[1.0, 0.0]], [[0.0, 0.0]], [[0.2, 0.4]]]]))
    batches = [(torch.tensor([2.0, 4.0]).view(2, 1, 1, 1), None), (torch.full((1, 1, 1, 1), 9.0), None)]
    mean, std = answers["loader_stats"](batches)
    assert (mean.item(), round(std.item(), 3)) == (5, 2.944)
    module = answers["Standardize"](torch.tensor([10.0]), torch.tensor([2.0]))
    assert module(torch.tensor([[14.0]])).item() == 2 and module.inverse(torch.tensor([[2.0]])).item() == 14
    numbers = [torch.tensor(v) for v in ([[6.0]], [1.0], [10.0], [2.0])]
    assert [t.item() for t in answers["fold_standardization"](*numbers)] == [3, -29]
    image = torch.tensor([1.0, 3, 5, 7]).view(1, 1, 2, 2)
    for lam, divisor in ((0.0, math.sqrt(5)), (4.0, 3.0)):
        got = answers["global_contrast"](image, lam=lam).flatten() * divisor
        torch.testing.assert_close(got, torch.tensor([-3.0, -1, 1, 3]))
    got = answers["local_contrast"](torch.tensor([[[[0.0, 0, 6]]]]), 1, 1.0).flatten()
    torch.testing.assert_close(got, torch.tensor([0, -2 / 3, 3 / math.sqrt(10)]))
    matrix = answers["ZCA"](2).fit(torch.tensor([[1.0, 0], [-1, 0]]), 0.25).matrix
    torch.testing.assert_close(matrix, torch.tensor([[1 / math.sqrt(1.25), 0], [0, 2]]))


def test_nothing_changes_the_images_it_gets(answers, images):
    x = answers["images_to_tensor"](torch.tensor(images))
    before = copy.deepcopy(x)
    answers["global_contrast"](x)
    answers["local_contrast"](x, 1, 0.1)
    layer = answers["ZCA"](x[0].numel()).fit(x, 0.1)
    layer(x)
    answers["Standardize"](*answers["loader_stats"]([(x, None)]))(x)
    assert torch.equal(x, before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_the_answers_run_on_a_gpu_and_say_the_same(answers, images):
    found = []
    for device in ("cpu", "cuda"):
        x = answers["images_to_tensor"](torch.tensor(images, device=device))
        module = answers["Standardize"](*answers["loader_stats"]([(x[:20], None), (x[20:], None)]))
        zca = answers["ZCA"](x[0].numel()).to(device).fit(x, 0.1)
        results = [module(x), answers["global_contrast"](x), answers["local_contrast"](x, 2, 0.1), zca(x)]
        assert {r.device.type for r in results} == {device}
        assert module(x.half()).dtype == torch.float16
        found.append([r.cpu() for r in results])
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3)


def test_a_yes_or_no_is_one_boolean_whose_name_is_a_sentence(questions):
    found = {
        name: array
        for question in questions[0]
        for name, array in question.cases[0].expected.arrays.items()
        if array.dtype == bool
    }
    assert len(found) > 10
    for name, array in found.items():
        assert array.shape == (), name
        assert re.search(r"_is_|_requires_", name), name


def test_conventions_of_torch_are_told_as_conventions(notebook):
    told = {p.mistake.id: p.mistake for p in notebook.unit.patches if p.mistake.kind == "convention"}
    for mistake in ("T-ls-unbiased", "T-gc-unbiased", "T-zca-unbiased"):
        assert "default of torch" in told[mistake].says
        assert "This course divides by" in told[mistake].says
