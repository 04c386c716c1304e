"""The family in PyTorch: the solutions against torch's own layers, gradcheck, NumPy and exact roots."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

SOLVED = ("03-normalization-family", "family_torch")


@pytest.fixture
def images():
    return torch.tensor(np.random.default_rng(0).normal(1, 2, (4, 6, 5, 3)))


def with_numbers(layer, seed=1):
    """The layer in 64 bits with random parameters."""
    numbers = np.random.default_rng(seed)
    layer = layer.double()
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(torch.tensor(numbers.normal(0.5, 1, p.shape)))
    return layer


def gradients(layer, x):
    """Output, gradient of the input, and gradients of the parameters by name."""
    leaf = x.clone().requires_grad_()
    y = layer(leaf)
    (y * torch.cos(y)).sum().backward()
    return {"y": y, "x": leaf.grad} | {name: p.grad for name, p in layer.named_parameters()}


def agree(mine, library, x):
    library = library.double()
    library.load_state_dict(mine.state_dict())
    found, expected = gradients(mine, x), gradients(library, x)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        torch.testing.assert_close(found[name], values, rtol=1e-9, atol=1e-11, msg=name)


@pytest.mark.parametrize("shape", [3, (3,), [5, 3], (6, 5, 3)])
def test_layer_norm_is_that_of_torch_for_any_number_of_last_axes(answers, images, shape):
    mine = with_numbers(answers["LayerNorm"](shape, eps=0.01))
    agree(mine, nn.LayerNorm(shape, eps=0.01), images)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 5), st.integers(1, 5), st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_group_norm_is_that_of_torch_for_any_shape(answers, groups, size, H, W, N):
    x = torch.tensor(np.random.default_rng(H + W).normal(1, 2, (N, groups * size, H, W)))
    mine = with_numbers(answers["GroupNorm"](groups, groups * size, eps=0.01))
    library = nn.GroupNorm(groups, groups * size, eps=0.01).double()
    library.load_state_dict(mine.state_dict())
    if N * x[0].numel() // groups > 1:
        torch.testing.assert_close(mine(x), library(x), rtol=1e-9, atol=1e-11)


def test_group_norm_has_the_gradients_of_torch(answers, images):
    agree(with_numbers(answers["GroupNorm"](3, 6)), nn.GroupNorm(3, 6), images)


def test_instance_norm_is_that_of_torch_with_affine(answers, images):
    agree(with_numbers(answers["InstanceNorm"](6)), nn.InstanceNorm2d(6, affine=True), images)


@pytest.mark.parametrize(("groups", "channels"), [(4, 6), (5, 6), (8, 4)])
def test_group_norm_refuses_what_torch_refuses_and_names_both_numbers(answers, groups, channels):
    with pytest.raises(ValueError, match="divisible"):
        nn.GroupNorm(groups, channels)
    with pytest.raises(ValueError, match=f"{channels} .*{groups}"):
        answers["GroupNorm"](groups, channels)


@pytest.mark.parametrize("training", [True, False])
def test_instance_norm_refuses_what_torch_refuses_in_both_modes(answers, training):
    """P8."""
    point = torch.ones(4, 3, 1, 1)
    for layer in (nn.InstanceNorm2d(3, affine=True), answers["InstanceNorm"](3)):
        layer.train(training)
        with pytest.raises(ValueError, match=r"more than (1|one)"):
            layer(point)
        assert layer(torch.ones(1, 3, 1, 2)).shape == (1, 3, 1, 2)


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_the_function_passes_gradcheck_and_agrees_with_the_gradients_of_torch(answers, images, groups):
    layer = with_numbers(nn.GroupNorm(groups, 6, eps=0.01))
    x = images[:2, :, :2].clone().requires_grad_()

    def function(*leaves):
        return answers["GroupNormFunction"].apply(*leaves, groups, 0.01)

    assert torch.autograd.gradcheck(function, (x, layer.weight, layer.bias))
    dout = torch.randn(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(0))
    mine = torch.autograd.grad(function(x, layer.weight, layer.bias), (x, layer.weight, layer.bias), dout)
    expected = torch.autograd.grad(layer(x), (x, layer.weight, layer.bias), dout)
    for a, b in zip(mine, expected, strict=True):
        torch.testing.assert_close(a, b)


def network():
    torch.manual_seed(0)
    inner = nn.ModuleDict({"norm": nn.BatchNorm2d(9, eps=0.1), "act": nn.ReLU()})
    block = nn.Sequential(nn.Conv2d(6, 9, 1), nn.Sequential(*inner.values()))
    return nn.Sequential(nn.Conv2d(3, 6, 2), nn.BatchNorm2d(6), nn.BatchNorm1d(4), nn.ModuleList([block]))


@pytest.mark.parametrize(("groups", "expected"), [(1, [1, 1]), (2, [2, 1]), (6, [6, 3]), (36, [6, 9])])
def test_every_batch_norm_2d_is_replaced_and_nothing_else(answers, groups, expected):
    model = network()
    for p in model.parameters():
        nn.init.normal_(p)
    kept = copy.deepcopy(model.state_dict())
    other = answers["replace_batchnorm"](model, groups)
    new = [m for m in other.modules() if isinstance(m, nn.GroupNorm)]
    old = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert [m.num_groups for m in new] == expected
    assert not any(isinstance(m, nn.BatchNorm2d) for m in other.modules())
    assert isinstance(other[2], nn.BatchNorm1d)
    for a, b in zip(old, new, strict=True):
        assert torch.equal(a.weight, b.weight) and torch.equal(a.bias, b.bias) and a.eps == b.eps
    assert {p.data_ptr() for p in model.parameters()}.isdisjoint(p.data_ptr() for p in other.parameters())
    nn.init.zeros_(other[0].weight)
    assert all(torch.equal(v, kept[name]) for name, v in model.state_dict().items())


class Residual(nn.Module):
    """A block whose forward is more than its children in a row, with a parameter and a buffer of its own."""

    def __init__(self):
        super().__init__()
        self.inside = nn.Sequential(nn.BatchNorm2d(4), nn.Dropout())
        self.share = nn.Parameter(torch.tensor(0.5))
        self.register_buffer("shift", torch.tensor(3.0))

    def forward(self, x):
        return x + self.share * self.inside(x) + self.shift


def test_a_block_keeps_its_forward_its_tensors_and_its_modes(answers):
    model = nn.Sequential(Residual(), nn.Dropout())
    model[0].inside[1].eval()
    other = answers["replace_batchnorm"](model, 2)
    assert other[0].share.item() == 0.5 and other[0].shift.item() == 3
    assert [m.training for m in (other, other[0], other[0].inside[1], other[1])] == [True, True, False, True]
    x = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    expected = x + 0.5 * nn.functional.group_norm(x, 2) + 3
    torch.testing.assert_close(other[0](x), expected)


def test_what_is_replaced_stays_in_its_precision(answers):
    assert answers["replace_batchnorm"](network().double(), 2)[1].weight.dtype == torch.float64


def test_whether_a_model_depends_on_its_batch_is_measured(answers):
    """P10."""
    ask, x = answers["depends_on_batch"], torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    tracked = nn.BatchNorm1d(4, track_running_stats=False)
    assert ask(nn.BatchNorm1d(4), x) is True
    assert ask(nn.BatchNorm1d(4).eval(), x) is False
    assert ask(tracked.eval(), x) is True, "without running statistics evaluation uses the batch, too"
    assert ask(nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3), nn.ReLU()), x) is False
    images = torch.randn(6, 4, 3, 3, generator=torch.Generator().manual_seed(1))
    assert ask(nn.InstanceNorm2d(4, track_running_stats=True), images) is False
    assert ask(nn.Sequential(nn.Conv2d(4, 2, 2), nn.BatchNorm2d(2)), images) is True
    mixed = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=False)
    assert ask(mixed, images.flatten(2).transpose(1, 2)) is True, "axis 0 is time there: it is mixed"


class LessOf(nn.Module):
    """x less a share of what a function makes of the batch."""

    def __init__(self, function, share=1.0):
        super().__init__()
        self.function, self.share = function, share

    def forward(self, x):
        return x - self.share * self.function(x)


@pytest.mark.parametrize("where", range(6))
@pytest.mark.parametrize("what", ["abs", "neg", "clone"])
def test_a_layer_that_looks_at_the_largest_entry_is_found_wherever_that_stands(answers, what, where):
    x = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    x[where] *= 10
    assert answers["depends_on_batch"](LessOf(lambda x: getattr(x, what)().amax(0)), x) is True


def test_rounding_is_no_dependence_and_a_thousandth_is_one(answers):
    x = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    rounded = LessOf(lambda x: (100 * x.sum(0) + x) - 100 * x.sum(0) - x)
    assert not torch.equal(rounded(x)[:3], rounded(x[:3])), "it does differ in the last digits"
    assert answers["depends_on_batch"](rounded.double(), x.double()) is False
    assert answers["depends_on_batch"](LessOf(lambda x: x.mean(0), 0.001), x) is True


def test_asking_leaves_no_trace(answers):
    model = nn.Sequential(nn.BatchNorm1d(4), nn.BatchNorm1d(4).eval())
    before, x = copy.deepcopy(model.state_dict()), torch.randn(6, 4)
    kept = x.clone()
    answers["depends_on_batch"](model, x)
    assert all(torch.equal(v, before[name]) for name, v in model.state_dict().items())
    assert [m.training for m in model.modules()] == [True, True, False]
    assert torch.equal(x, kept)


def correlated(N=200, D=5, seed=0):
    rng = np.random.default_rng(seed)
    return torch.tensor(rng.normal(size=(N, D)) @ (np.eye(D) + 0.3 * rng.normal(size=(D, D))) + 2)


def inverse_root(x, eps):
    centred = x.numpy() - x.numpy().mean(axis=0)
    values, U = np.linalg.eigh(centred.T @ centred / len(x) + eps * np.eye(x.shape[1]))
    return centred.mean(axis=0) + x.numpy().mean(axis=0), U / np.sqrt(values) @ U.T


def test_with_many_steps_the_whitening_is_that_of_the_eigenvectors(answers):
    x = correlated()
    layer = answers["DecorrelatedBatchNorm"](5, eps=0.01, steps=9, momentum=1.0).double()
    mean, W = inverse_root(x, 0.01)
    np.testing.assert_allclose(layer(x).detach(), (x.numpy() - mean) @ W, atol=1e-5)
    np.testing.assert_allclose(layer.running_mean, mean)
    np.testing.assert_allclose(layer.running_matrix, W, atol=1e-5)


def test_five_steps_whiten_a_batch_nearly(answers):
    y = answers["DecorrelatedBatchNorm"](5, eps=1e-5).double()(correlated())
    assert y.mean(dim=0).abs().max() < 1e-9
    eigenvalues = torch.linalg.eigvalsh(torch.cov(y.T, correction=0))
    assert eigenvalues.min() > 0.5 and eigenvalues.max() < 1.001


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_the_whitening_passes_gradcheck(answers, steps):
    layer = answers["DecorrelatedBatchNorm"](3, steps=steps).double()
    x = correlated(7, 3).requires_grad_()
    assert torch.autograd.gradcheck(layer, (x,))
    y = layer(x)
    (y * torch.cos(y)).sum().backward()
    assert x.grad.sum(dim=0).abs().max() < 1e-9, "a shift of the batch changes nothing"


def test_the_statistics_of_the_whitening_are_running_means_that_come_with_the_state(answers):
    layer = answers["DecorrelatedBatchNorm"](3, momentum=0.25).double()
    one, two = correlated(9, 3, 1), correlated(9, 3, 2)
    layer(one)
    layer(two)
    expected = 0.75 * 0.25 * one.mean(dim=0) + 0.25 * two.mean(dim=0)
    torch.testing.assert_close(layer.running_mean, expected)
    loaded = answers["DecorrelatedBatchNorm"](3).double()
    loaded.load_state_dict(layer.state_dict())
    torch.testing.assert_close(loaded.eval()(one[:2]), layer.eval()(one)[:2])
    assert {name for name, _ in layer.named_parameters()} == {"weight", "bias"}


def test_weight_norm_is_that_of_torch(answers):
    mine = with_numbers(answers["WeightNormLinear"](4, 3))
    library = nn.utils.parametrizations.weight_norm(nn.Linear(4, 3).double())
    parameters = library.parametrizations.weight
    with torch.no_grad():
        parameters.original0.copy_(mine.g[:, None])
        parameters.original1.copy_(mine.v)
        library.bias.copy_(mine.bias)
    x = correlated(6, 4)
    found, expected = gradients(mine, x), gradients(library, x)
    torch.testing.assert_close(found["y"], expected["y"])
    torch.testing.assert_close(found["x"], expected["x"])
    torch.testing.assert_close(found["g"][:, None], parameters.original0.grad)
    torch.testing.assert_close(found["v"], parameters.original1.grad)
    assert (mine.v.grad * mine.v).sum(dim=1).abs().max() < 1e-12


def test_a_new_weight_norm_is_a_linear_layer_and_its_v_only_grows(answers):
    torch.manual_seed(0)
    layer = answers["WeightNormLinear"](4, 3)
    x = torch.randn(8, 4)
    torch.testing.assert_close(layer(x), x @ layer.v.T)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.5)
    for _ in range(5):
        before = layer.v.detach().norm(dim=1)
        optimizer.zero_grad()
        layer(x).square().mean().backward()
        optimizer.step()
        assert (layer.v.detach().norm(dim=1) >= before - 1e-6).all()


@pytest.mark.parametrize("kind", ["LayerNorm", "GroupNorm", "InstanceNorm", "DecorrelatedBatchNorm"])
def test_layers_work_in_the_precision_and_on_the_device_of_their_input(answers, kind):
    arguments = {"LayerNorm": ((6, 2, 3),), "GroupNorm": (2, 6), "InstanceNorm": (6,)}.get(kind, (6,))
    shape = (5, 6) if kind == "DecorrelatedBatchNorm" else (5, 6, 2, 3)
    layer = answers[kind](*arguments)
    for where in (
        {"dtype": torch.float32},
        {"dtype": torch.float64},
        {"device": "meta", "dtype": torch.float64},
    ):
        x = torch.ones(shape).to(**where)
        y = layer.to(**where)(x)
        assert (y.dtype, y.device, y.shape) == (x.dtype, x.device, x.shape)


def test_the_examples_in_the_docstrings_are_right(answers):
    def numbers(y):
        return y.detach().numpy().ravel()

    close = np.testing.assert_allclose
    close(
        numbers(answers["LayerNorm"](3, eps=0)(torch.tensor([1.0, 3, 8]))), [-1.019, -0.340, 1.359], atol=5e-4
    )
    four = torch.tensor([0.0, 2, 10, 16]).view(1, 4, 1, 1)
    close(numbers(answers["GroupNorm"](2, 4, eps=0)(four)), [-1, 1, -1, 1], atol=1e-6)
    layer = answers["InstanceNorm"](1, eps=0)
    nn.init.constant_(layer.weight, 2)
    nn.init.ones_(layer.bias)
    y = layer(torch.tensor([0.0, 2, 4, 10]).view(1, 1, 2, 2))
    close(numbers(y), [-1.138, -0.069, 1, 4.207], atol=5e-4)
    x = torch.tensor([0.0, 0, 3, 3]).view(1, 4, 1, 1).requires_grad_()
    dout = torch.tensor([0.0, 3, 0, 0]).view(1, 4, 1, 1)
    answers["GroupNormFunction"].apply(x, torch.ones(4), torch.zeros(4), 1, 0.0).backward(dout)
    close(numbers(x.grad), [-1, 1, 0, 0], atol=1e-6)
    two = answers["replace_batchnorm"](nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6)), 4)[1]
    assert (two.num_groups, two.num_channels) == (2, 6)
    for steps in (0, 5):
        layer = answers["DecorrelatedBatchNorm"](1, eps=0, steps=steps)
        close(numbers(layer(torch.tensor([[1.0], [5]]))), [-1, 1], atol=1e-6)
        close((layer.running_mean.item(), layer.running_matrix.item()), (0.3, 0.95), atol=1e-6)
    layer = answers["WeightNormLinear"](2, 1)
    with torch.no_grad():
        layer.v.copy_(torch.tensor([[3.0, 4]]))
        layer.g.fill_(10)
        layer.bias.fill_(1)
    close(numbers(layer(torch.ones(1, 2))), [15], atol=1e-5)


def test_each_exercise_is_asked_in_several_ways(questions):
    asked = {}
    for question in questions[0]:
        asked.setdefault(question.of, set()).add(question.name)
    assert all(len(names) >= 3 for names in asked.values()), asked
