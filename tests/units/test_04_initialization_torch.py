"""Unit 04 in PyTorch: the solutions against torch's own initializers, activations, gradcheck and blocks."""

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

SOLVED = ("04-initialization", "initialization_torch")
F = nn.functional


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def kurtosis(w):
    return ((w**4).mean() / (w**2).mean() ** 2).item()


@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(
    "layer",
    [nn.Linear(300, 700), nn.Conv2d(30, 70, (3, 5)), nn.Conv2d(60, 120, 3, groups=4)],
    ids=["linear", "convolution", "in groups"],
)
def test_weights_have_the_moments_of_kaiming_normal(answers, layer, slope):
    """I1, I2, I14, I15: fan_in and gain as torch computes them."""
    torch.manual_seed(0)
    assert answers["initialize"](layer, slope) == 1
    fan_in = nn.init._calculate_correct_fan(layer.weight, "fan_in")
    expected = nn.init.calculate_gain("leaky_relu", slope) / math.sqrt(fan_in)
    assert layer.weight.std().item() == pytest.approx(expected, rel=0.02)
    assert abs(layer.weight.mean().item()) < 5 * expected / layer.weight.numel() ** 0.5
    assert kurtosis(layer.weight) == pytest.approx(3, rel=0.06)
    assert not layer.bias.any()


def test_he_keeps_the_signal_through_20_relu_layers_and_torch_s_default_does_not(answers):
    """I12, I18, by the mean of squares over many examples and a wide layer."""
    torch.manual_seed(0)
    x = torch.randn(256, 512)
    net = nn.Sequential(*(part for _ in range(20) for part in (nn.Linear(512, 512, bias=False), nn.ReLU())))
    with torch.no_grad():
        default = net(x).square().mean().item()
        answers["initialize"](net)
        he = net(x).square().mean().item()
    assert default == pytest.approx(6**-20, rel=0.9)
    assert 0.3 < he < 3


def test_the_optimizer_that_has_the_parameters_goes_on_with_them(answers):
    layer = nn.Linear(3, 2).double()
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
    answers["initialize"](layer)
    before = layer.weight.detach().clone()
    layer(torch.ones(1, 3, dtype=torch.float64)).sum().backward()
    optimizer.step()
    torch.testing.assert_close(layer.weight, before - 1)


def residual_net():
    torch.manual_seed(0)
    block = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
    return nn.Sequential(nn.Conv2d(2, 4, 3), nn.Tanh(), block, nn.Flatten(), nn.Linear(4 * 9, 3)).double()


@pytest.fixture
def images():
    return torch.randn(5, 2, 5, 5, dtype=torch.float64, generator=seeded())


@pytest.mark.parametrize("training", [True, False])
def test_the_report_of_signals_is_what_a_forward_pass_by_hand_gives(answers, images, training):
    net = residual_net().train(training)
    state = copy.deepcopy(net.state_dict())
    report = answers["signal_report"](net, images, (nn.Tanh, nn.ReLU))
    assert all(torch.equal(value, state[name]) for name, value in net.state_dict().items())
    with torch.no_grad():
        tanh = torch.tanh(net[0](images))
        relu = torch.relu(net[2][1](net[2][0](tanh)))
    assert list(report) == ["1", "2.2"]
    for name, a in (("1", tanh), ("2.2", relu)):
        std, share = report[name]
        assert std == pytest.approx(a.numpy().std(), rel=1e-12)
        assert share == pytest.approx((a.numpy() == 0).mean(), abs=1e-12)


def test_the_report_of_gradients_is_that_of_autograd_and_leaves_none_behind(answers, images):
    net = residual_net()
    net[0].weight.requires_grad_(False)
    y = torch.tensor([0, 2, 1, 1, 0])
    report = answers["gradient_report"](net, images, y)
    assert all(p.grad is None for p in net.parameters())
    assert list(report) == ["2.0.weight", "4.weight"]
    wanted = [net[2][0].weight, net[4].weight]
    found = torch.autograd.grad(F.cross_entropy(net(images), y), wanted)
    for length, gradient in zip(report.values(), found, strict=True):
        assert length == pytest.approx(math.sqrt((gradient.numpy() ** 2).sum()), rel=1e-12)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_a_unit_is_dead_if_no_example_of_any_batch_wakes_it(answers, sizes, seed):
    z = torch.randn(sum(sizes), 6, 2, 3, generator=seeded(seed)) - 1.3
    z[:, 0] = -1
    dead = answers["dead_units"](nn.ReLU(), z.split(sizes))
    assert dead.dtype == torch.bool and dead[0]
    assert dead.tolist() == [bool((z[:, unit] <= 0).all()) for unit in range(6)]


def test_a_dead_unit_gets_no_gradient_and_a_living_one_does(answers):
    torch.manual_seed(1)
    layer = nn.Linear(4, 30)
    layer.bias.data -= 2
    x = torch.randn(20, 4)
    torch.relu(layer(x)).sum().backward()
    dead = answers["dead_units"](nn.Sequential(layer, nn.ReLU()), [x[:7], x[7:]])
    assert 0 < dead.sum() < 30
    assert torch.equal(dead, (layer.weight.grad == 0).all(dim=1))


@pytest.mark.parametrize("pieces", [1, 2, 5])
def test_maxout_is_the_maximum_of_linear_layers(answers, pieces):
    layer = answers["Maxout"](4, 3, pieces).double()
    nn.init.normal_(layer.bias)
    x = torch.randn(7, 4, dtype=torch.float64, generator=seeded())
    each = torch.stack([F.linear(x, w, b) for w, b in zip(layer.weight, layer.bias, strict=True)])
    torch.testing.assert_close(layer(x), each.max(dim=0).values)
    assert torch.autograd.gradcheck(layer, x.requires_grad_())


def test_two_pieces_keep_the_mean_of_squares_and_five_do_not(answers):
    """What the exercise says of the start, and what its question asks."""
    torch.manual_seed(0)
    x = torch.randn(2000, 256)
    with torch.no_grad():
        squares = {k: answers["Maxout"](256, 256, k)(x).square().mean().item() for k in (2, 5)}
    assert squares[2] == pytest.approx(1, rel=0.05)
    assert squares[5] == pytest.approx(1.80, rel=0.05)


@pytest.mark.parametrize("alpha", [0.4, 1.0, 2.5])
def test_the_function_is_the_library_s_elu_and_passes_gradcheck(answers, alpha):
    apply = answers["ELUFunction"].apply
    z = torch.cat([torch.linspace(-30, 30, 41), torch.tensor([0.0, 1e-9, -1e-9, 900.0, -900.0])]).double()
    dout = torch.randn(z.shape, dtype=z.dtype, generator=seeded())
    mine, library = (z.clone().requires_grad_() for _ in range(2))
    a, b = apply(mine, alpha), F.elu(library, alpha)
    torch.testing.assert_close(a, b, rtol=1e-12, atol=0)
    a.backward(dout)
    b.backward(dout)
    torch.testing.assert_close(mine.grad, library.grad, rtol=1e-9, atol=1e-12)
    away = z[(z.abs() > 0.1) & (z.abs() < 20)].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda z: apply(z, alpha), away)


def expected_block(block, x):
    """The block by functional calls, from its state dict."""
    state = block.state_dict()
    stride = 1 if block(x).shape[2:] == x.shape[2:] else 2
    h = F.conv2d(x, state["conv1.weight"], stride=stride, padding=1)
    h = F.relu(F.batch_norm(h, None, None, state["norm1.weight"], state["norm1.bias"], training=True))
    h = F.conv2d(h, state["conv2.weight"], padding=1)
    h = F.batch_norm(h, None, None, state["norm2.weight"], state["norm2.bias"], training=True)
    skip = x
    if "shortcut.weight" in state:
        skip = F.conv2d(x, state["shortcut.weight"], stride=stride)
    return F.relu(skip + h)


@pytest.mark.parametrize("sizes", [(3, 3), (3, 5), (3, 3, 2), (3, 4, 2)])
def test_the_block_is_what_functional_calls_give(answers, sizes):
    torch.manual_seed(0)
    block = answers["ResidualBlock"](*sizes).double()
    for p in block.parameters():
        nn.init.normal_(p)
    x = torch.randn(4, 3, 6, 5, dtype=torch.float64, generator=seeded())
    torch.testing.assert_close(block(x), expected_block(block, x))
    assert ("shortcut.weight" in block.state_dict()) == (sizes != (3, 3))


def test_the_gradient_reaches_the_first_of_100_blocks_through_the_skips(answers):
    """With every branch at 0 nothing but the identity is left: the gradient arrives as it was sent."""
    block = answers["ResidualBlock"]
    net = nn.Sequential(*(block(2, 2) for _ in range(100))).double()
    assert answers["zero_init_residual"](net) == 100
    x = torch.rand(2, 2, 4, 3, dtype=torch.float64, generator=seeded()).requires_grad_()
    dout = torch.randn(x.shape, dtype=x.dtype, generator=seeded(1))
    y = net(x)
    y.backward(dout)
    torch.testing.assert_close(y, x)
    torch.testing.assert_close(x.grad, dout)


@pytest.mark.parametrize("norm", [nn.BatchNorm2d, nn.Identity, lambda C: nn.GroupNorm(1, C)])
def test_a_block_that_begins_as_its_shortcut_can_learn_more(answers, norm):
    block = answers["ResidualBlock"](2, 2, norm=norm).double()
    answers["zero_init_residual"](block)
    x = torch.randn(3, 2, 4, 3, dtype=torch.float64, generator=seeded())
    torch.testing.assert_close(block(x), torch.relu(x))
    optimizer = torch.optim.SGD(block.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        block(x).square().mean().backward()
        optimizer.step()
    assert all(p.grad.abs().max() > 0 for p in block.parameters())


def test_a_branch_with_two_factors_0_learns_a_constant_and_nothing_else(answers):
    """What the question in-torch-zero asks for."""
    block = answers["ResidualBlock"](2, 2).double()
    answers["zero_init_residual"](block)
    nn.init.zeros_(block.conv2.weight)
    x = torch.randn(3, 2, 4, 3, dtype=torch.float64, generator=seeded())
    optimizer = torch.optim.SGD(block.parameters(), lr=0.1)
    for _ in range(5):
        optimizer.zero_grad()
        block(x).square().mean().backward()
        optimizer.step()
        moved = {name for name, p in block.named_parameters() if p.grad.abs().max() > 0}
        assert moved == {"norm2.bias"}
