"""What the chapter of unit 04 says of formulas, of its figure and of our runs is true."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from lab.experiments import depth
from lab.figures import deep_signal

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "book/04-initialization/index.md").read_text(encoding="utf-8")


def told(start: str, end: str) -> str:
    """The prose of a part of the chapter, without its code."""
    part = TEXT[TEXT.index(start) : TEXT.index(end)]
    return re.sub(r"^```.*?^```$", "", part, flags=re.MULTILINE | re.DOTALL)


def slope_at(function: Callable[[torch.Tensor], torch.Tensor], z: float) -> tuple[float, float]:
    """The value of a function of torch at z, and its derivative there."""
    at = torch.tensor(z, dtype=torch.float64, requires_grad=True)
    value = function(at)
    [slope] = torch.autograd.grad(value, at)
    return value.item(), slope.item()


def test_two_layers_of_one_unit_have_the_gradient_of_the_text() -> None:
    _, slope = slope_at(lambda x: torch.sigmoid(4 * torch.sigmoid(2 * x - 2) - 2), 1)
    assert slope == pytest.approx(1 / 2)
    assert r"\frac{1}{4} \cdot 4 \cdot \frac{1}{4} \cdot 2 = \frac{1}{2}" in TEXT


def test_the_slopes_by_hand_are_those_of_autograd() -> None:
    assert slope_at(torch.sigmoid, math.log(3)) == pytest.approx((0.75, 0.1875))
    assert f"{slope_at(torch.sigmoid, 5)[1]:.4f}" == "0.0066" in TEXT
    assert slope_at(torch.tanh, math.log(2)) == pytest.approx((0.6, 0.64))
    assert slope_at(lambda z: F.elu(z, 2), -math.log(2)) == pytest.approx((-1, 1))
    pieces = torch.tensor([1.0, 3, 3], requires_grad=True)
    (5 * pieces.max(0).values).backward()
    assert pieces.grad is not None and pieces.grad.tolist() == [0, 5, 0]


def test_at_zero_torch_takes_the_slope_of_the_left_side() -> None:
    assert slope_at(torch.relu, 0)[1] == 0
    assert slope_at(lambda z: F.leaky_relu(z, 0.3), 0)[1] == pytest.approx(0.3)
    assert slope_at(lambda z: F.elu(z, 0.7), 0)[1] == pytest.approx(0.7)


def test_of_equal_pieces_max_serves_one_and_amax_shares() -> None:
    pieces = torch.tensor([2.0, 2.0], requires_grad=True)
    assert torch.autograd.grad(pieces.amax(0), pieces)[0].tolist() == [0.5, 0.5]


def test_a_square_matrix_of_variance_one_over_its_side_stretches_by_about_two() -> None:
    torch.manual_seed(0)
    assert torch.linalg.matrix_norm(torch.randn(800, 800) / 800**0.5, 2).item() == pytest.approx(2, rel=0.02)


def test_relu_keeps_half_of_the_mean_square_of_symmetric_numbers_and_a_third_of_a_normal_variance() -> None:
    torch.manual_seed(0)
    normal = torch.randn(10**6).double()
    for z in (normal, torch.rand(10**6).double() - 0.5, normal**3):
        assert (torch.relu(z).square().mean() / z.square().mean()).item() == pytest.approx(0.5, rel=0.03)
    assert f"{0.5 - 1 / (2 * math.pi):.2f}" == "0.34" in TEXT
    assert torch.relu(normal).var().item() == pytest.approx(0.34, abs=0.005)


def test_outputs_of_leaky_relu_and_elu_are_closer_to_mean_zero_than_those_of_relu() -> None:
    torch.manual_seed(0)
    z = torch.randn(10**5)
    means = [f(z).mean().item() for f in (torch.relu, lambda z: F.leaky_relu(z, 0.2), F.elu)]
    assert means[0] > means[1] > means[2] > 0


def test_the_variance_of_a_product_by_hand_is_right() -> None:
    values = [x * y for x in (1, 3) for y in (-3, 3)]
    assert np.var(values) == 45
    assert "1 \\cdot 9 + 1 \\cdot 0 + 9 \\cdot 4 = 45" in TEXT


def test_the_sizes_of_weights_by_hand_are_those_of_torch() -> None:
    torch.manual_seed(0)
    layer = torch.empty(
        1000, 3000
    )  # 10 times 100 and 300: stds and bounds are those of the text over root 10
    found = {
        "0.0816": nn.init.kaiming_normal_(layer, nonlinearity="relu").std().item() * 10**0.5,
        "0.1414": nn.init.kaiming_uniform_(layer, nonlinearity="relu").max().item() * 10**0.5,
        "0.0707": nn.init.xavier_normal_(layer).std().item() * 10**0.5,
        "0.1225": nn.init.xavier_uniform_(layer).max().item() * 10**0.5,
    }
    for said, value in found.items():
        assert said in TEXT
        assert value == pytest.approx(float(said), rel=3e-3)
    kernel = nn.init.kaiming_normal_(torch.empty(320, 16, 3, 3), nonlinearity="relu")
    assert kernel.std().item() == pytest.approx(0.118, rel=0.02)


def test_the_default_of_torch_has_a_third_of_one_over_fan_in() -> None:
    torch.manual_seed(0)
    assert 300 * nn.Linear(300, 4000).weight.var().item() == pytest.approx(1 / 3, rel=0.01)


def test_the_residual_block_by_hand_is_that_of_autograd() -> None:
    x, W1, W2 = (torch.tensor(v, requires_grad=True) for v in (1.0, 2.0, 3.0))
    y = torch.relu(x + torch.relu(x * W1) * W2)
    assert [y.item(), *(g.item() for g in torch.autograd.grad(y, (x, W1, W2)))] == [7, 7, 3, 2]


def test_two_blocks_of_one_number_each_have_the_gradient_of_the_text() -> None:
    x = torch.ones(1, dtype=torch.float64, requires_grad=True)
    first = x + 0.1 * x
    [slope] = torch.autograd.grad(first - 0.2 * first, x)
    assert slope.item() == pytest.approx(0.88)
    assert r"$0.8 \cdot 1.1 = 0.88$" in TEXT


def test_a_relu_behind_the_sum_lets_the_mean_square_grow_by_more_than_a_half_and_less_than_threefold() -> (
    None
):
    torch.manual_seed(0)
    x, sizes = torch.relu(torch.randn(200, 300)), []
    for _ in range(8):
        W1, W2 = torch.randn(2, 300, 300) * (2 / 300) ** 0.5
        x = torch.relu(x + torch.relu(x @ W1) @ W2)
        sizes.append(x.square().mean().item())
    growth = np.array(sizes[1:]) / sizes[:-1]
    assert (growth > 1.5).all() and (growth < 3).all()


def test_with_the_last_layer_of_a_branch_at_zero_it_alone_has_a_gradient_in_the_first_step() -> None:
    x = torch.ones(2, 3)
    W1, W2 = torch.ones(3, 4, requires_grad=True), torch.zeros(4, 3, requires_grad=True)
    loss = (x + torch.relu(x @ W1) @ W2).square().sum()
    of_first, of_last = torch.autograd.grad(loss, (W1, W2))
    assert of_last.all() and not of_first.any()


def test_the_numbers_of_the_scaled_identity_are_right() -> None:
    assert f"{0.9**50:.3f}" == "0.005"
    assert r"For $\lambda = 0.9$ and fifty blocks $\lambda^L$ is 0.005" in TEXT


def answer(question: str) -> float:
    """The right number of the quiz's question that has these words."""
    part = TEXT[TEXT.index(question) :]
    return float(re.findall(r"^\[x\] (-?[\d.]+)$", part, re.MULTILINE)[0])


def test_the_answers_of_the_quiz_are_those_of_autograd_and_of_torch() -> None:
    _, slope = slope_at(torch.sigmoid, math.log(4))
    assert slope == pytest.approx(answer("A sigmoid has the output 0.8"))
    products = [(3 + x) * y for x in (-1, 1) for y in (-2, 2)]
    assert np.var(products) == answer("$X$ has mean 3 and variance 1")
    torch.manual_seed(0)
    kernel = nn.init.kaiming_normal_(torch.empty(3200, 8, 5, 5), nonlinearity="relu")
    assert kernel.std().item() == pytest.approx(answer("kernels of 5×5 from 8 to 32"), rel=0.01)
    z = torch.randn(10**5)
    a, weights = torch.relu(z[:50000].reshape(100, 500)), torch.empty(500, 500)
    nn.init.kaiming_normal_(weights, nonlinearity="relu")
    kept = torch.relu(a @ (weights / 2)).square().mean().sqrt() / a.square().mean().sqrt()
    assert kept.item() == pytest.approx(answer("Forty ReLU layers"), rel=0.05)
    assert answer("Twelve pre-activation blocks") == 2**12
    _, slope = slope_at(lambda x: torch.relu(x + torch.relu(x * -1) * 5), 2)
    assert 3 * slope == answer("$x = 2$, $W_1 = -1$")


def test_uniform_weights_within_a_tenth_have_the_deviation_of_the_quiz() -> None:
    torch.manual_seed(0)
    std = (0.1 * (2 * torch.rand(10**6) - 1)).std().item()
    assert "[x] One with standard deviation 0.058" in TEXT
    assert std == pytest.approx(0.058, abs=5e-4)


Sizes = dict[str, float]


@cache
def played(activation: str, initializer: str, scale: float = 1.0, normalize: bool = False) -> list[Sizes]:
    """What the figure shows of eight draws: dots of layers 1 and 20, the gradient's growth, what is flat."""
    found = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        z = rng.normal(size=(deep_signal.DEPTH, deep_signal.WIDTH, deep_signal.WIDTH))
        x, dout = rng.normal(size=(2, deep_signal.N, deep_signal.WIDTH))
        std = scale * deep_signal.weight_std(initializer, deep_signal.WIDTH, deep_signal.WIDTH)
        layers = deep_signal.forward(x, list(std * z), activation, normalize)
        gradients = deep_signal.backward(layers, dout, activation)
        outputs = layers[-1].output
        found.append(
            {
                "first": deep_signal.signal_std(layers[0].output),
                "last": deep_signal.signal_std(outputs),
                "rms": float(np.sqrt(np.square(outputs).mean())),
                "gradient": float(gradients[0].std() / gradients[-1].std()),
                "flat": float((deep_signal.slope(outputs, activation) < 0.05).mean()),
            }
        )
    return found


def test_too_small_weights_leave_two_millionths_in_the_figure() -> None:
    for sizes in played("relu", "fixed"):
        assert 1e-7 < sizes["last"] / sizes["first"] < 2e-6 == pytest.approx(2**-19, rel=0.1)
        assert 1e-6 < sizes["gradient"] < 4e-6


def test_he_is_twice_the_fixed_size_of_the_figure_and_its_dots_fall_though_the_mean_square_holds() -> None:
    assert deep_signal.weight_std("he", 50, 50) == pytest.approx(2 * deep_signal.weight_std("fixed", 50, 50))
    for sizes in played("relu", "he"):
        assert sizes["last"] < 0.7 * sizes["first"]
        assert 0.4 < sizes["rms"] < 2
        assert 0.5 < sizes["gradient"] < 2


def test_the_sigmoid_of_the_figure_loses_its_gradient_or_its_slopes() -> None:
    assert all(1e-13 < sizes["gradient"] < 1e-11 for sizes in played("sigmoid", "glorot"))
    for sizes in played("sigmoid", "glorot", 10):
        assert sizes["gradient"] > 0.1
        assert sizes["flat"] > 0.45


def test_three_times_glorot_holds_the_signal_of_tanh_and_not_its_gradient() -> None:
    for sizes in played("tanh", "glorot", 3):
        assert sizes["last"] > 0.9 * sizes["first"]
        assert 200 < sizes["gradient"] < 600


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "leaky"])
def test_with_batch_norm_neither_dots_nor_squares_of_the_figure_depend_on_the_slider(activation: str) -> None:
    one, ten = (played(activation, "he", scale, normalize=True) for scale in (1.0, 10.0))
    for sizes, scaled in zip(one, ten, strict=True):
        assert sizes["last"] == pytest.approx(scaled["last"], rel=0.01)
        assert sizes["gradient"] == pytest.approx(scaled["gradient"], rel=0.01)


def test_with_batch_norm_the_gradient_of_relu_grows_by_a_fifth_in_each_layer() -> None:
    growth = [sizes["gradient"] ** (1 / 19) for sizes in played("relu", "he", normalize=True)]
    assert np.mean(growth) == pytest.approx(1.22, abs=0.05)


@cache
def results(name: str = "full") -> dict[str, Any]:
    return depth.load_results(ROOT / f"book/results/04-initialization/{name}.json")


def accuracy(
    way: str, layers: int, data: str = "photos", form: str = "standardized", key: str = "mean"
) -> float:
    """Test accuracy of a cell of the grid at its best rate, in percent."""
    at = {"way": way, "depth": layers, "data": data, "input": form}
    return 100 * depth.summary(results("cifar10" if data == "cifar10" else "full"), **at)[key]


def trained(form: str, key: str = "mean") -> float:
    return 100 * depth.summary(results(), part="blocks", way=form)[key]


def of_dead(way: str, rate: float, key: str = "silent") -> float:
    return 100 * depth.summary(results(), part="dead", way=way, rate=rate, key=key)["mean"]


def signal(activation: str, init: str, key: str, layer: int) -> float:
    """A number of a layer of the random networks, averaged over the seeds."""
    at = {"activation": activation, "init": init}
    return float(np.mean([r[key][layer] for r in results()["signals"] if at.items() <= r.items()]))


def block(name: str, key: str, place: int) -> float:
    return float(np.mean([r[key][place] for r in results()["blocks"] if r["block"] == name]))


def start(way: str, key: str, place: int) -> float:
    at = {"way": way, "data": "photos", "input": "standardized"}
    return float(np.mean([r[key][place] for r in results()["starts"] if at.items() <= r.items()]))


PANELS = [
    ("mnist", "standardized"),
    ("photos", "standardized"),
    ("photos", "raw"),
    ("cifar10", "standardized"),
]
GUESS = 15  # percent; a guess of ten classes is 10


@pytest.mark.parametrize(
    ("first", "last"), [("## The question", "## The idea"), ("(in-buys)=", "(in-wrong)=")]
)
def test_the_chapter_says_nothing_of_a_run_in_plain_figures(first: str, last: str) -> None:
    assert not re.findall(r"\d+(?:\.\d+)? ?(?:percent|%|points)", told(first, last))


@pytest.mark.parametrize("name", ["full", "cifar10"])
def test_every_setting_was_run_with_all_of_at_least_three_seeds(name: str) -> None:
    about, runs = results(name)["about"], results(name)["runs"]
    assert about["size"] == "full" and len(about["seeds"]) >= 3
    seeds = defaultdict(list)
    for run in runs:
        key = tuple(run[field] for field in ("part", "data", "input", "way", "depth", "rate"))
        seeds[key].append(run["seed"])
    assert all(sorted(found) == sorted(about["seeds"]) for found in seeds.values())


def test_with_two_hidden_layers_the_network_of_the_question_learns_and_with_twenty_at_no_rate() -> None:
    assert accuracy("ReLU", 2, key="min") > 40
    for rate in results()["about"]["rates"]["standardized"]:
        found = depth.summary(results(), way="ReLU", depth=20, rate=rate)
        assert 100 * found["max"] < GUESS
    assert 1e3 * start("ReLU", "gradient", 0) < start("ReLU", "gradient", 19)


def test_twenty_layers_of_relu_keep_the_mean_square_that_the_equation_says() -> None:
    for init, expected in {"He": 1, "Glorot": 2**-10, "default": 6**-10, "3 x He": 3**20}.items():
        assert signal("relu", init, "rms", -1) == pytest.approx(expected, rel=0.25)


def test_elu_and_tanh_live_with_glorot_and_elu_grows_with_he() -> None:
    assert 0.05 < signal("elu", "Glorot", "std", -1) < 0.5
    assert 0.05 < signal("tanh", "Glorot", "std", -1) < 0.5
    assert signal("elu", "He", "std", -1) > 1.5 * signal("elu", "He", "std", 0)
    assert signal("leaky relu", "He", "rms", -1) == pytest.approx(signal("relu", "He", "rms", -1), rel=0.2)


def test_no_size_of_weights_saves_the_gradient_of_the_sigmoid_and_relu_has_one_size_in_all_layers() -> None:
    for init in ("std 0.01", "default", "Glorot", "He", "3 x He"):
        assert signal("sigmoid", init, "gradient", 0) < 1e-2 * signal("sigmoid", init, "gradient", -1)
        assert signal("sigmoid", init, "std", -1) > 0.01, "its way up shows nothing of this"
        assert signal("relu", init, "gradient", 0) == pytest.approx(
            signal("relu", init, "gradient", -1), rel=0.3
        )


def test_at_the_start_batch_norm_holds_the_signal_and_lets_the_gradient_grow() -> None:
    assert start("ReLU, He", "gradient", 0) < 10 * start("ReLU, He", "gradient", 19)
    assert start("ReLU, batch norm", "std", -1) > 0.3
    assert start("ReLU, batch norm", "gradient", 0) > 20 * start("ReLU, batch norm", "gradient", 19)


@pytest.mark.parametrize(("data", "form"), PANELS)
@pytest.mark.parametrize("way", ["sigmoid", "sigmoid, Glorot"])
def test_the_sigmoid_ends_between_two_and_five_layers_on_all_data(way: str, data: str, form: str) -> None:
    assert accuracy(way, 2, data, form) > 20
    assert all(accuracy(way, layers, data, form, "max") < GUESS for layers in (5, 10, 20))


@pytest.mark.parametrize(("data", "form"), [panel for panel in PANELS if panel[1] == "standardized"])
def test_relu_ends_where_its_weights_do_and_tanh_goes_on(data: str, form: str) -> None:
    assert accuracy("ReLU", 5, data, form) > 20
    assert all(accuracy("ReLU", layers, data, form) < GUESS for layers in (10, 20))
    assert accuracy("ReLU, Glorot", 10, data, form) > 1.5 * accuracy("ReLU, Glorot", 20, data, form)
    assert accuracy("ReLU, Glorot", 20, data, form) < 25
    assert accuracy("ReLU, He", 20, data, form) > 1.5 * accuracy("ReLU, Glorot", 20, data, form)
    assert accuracy("tanh, Glorot", 20, data, form) > 1.5 * accuracy("ReLU, Glorot", 20, data, form)


def test_three_changes_let_twenty_layers_learn_from_raw_pixels_and_standardizing_alone_does_not() -> None:
    assert accuracy("ReLU", 20, form="raw", key="max") < GUESS
    for way in ("ReLU, He", "ReLU, batch norm", "ReLU, skips"):
        assert accuracy(way, 20, form="raw") > 25
        assert accuracy(way, 20) > accuracy(way, 20, form="raw")
    assert accuracy("ReLU", 20, key="max") < GUESS
    assert accuracy("ReLU", 10, form="raw") > accuracy("ReLU", 10) + 5


def test_only_rows_with_skips_are_flat_and_he_in_the_branches_spoils_them() -> None:
    for way in ("ReLU, skips", "ReLU, He, batch norm, skips"):
        found = [accuracy(way, layers) for layers in (5, 20, 40)]
        assert max(found) - min(found) < 6
    for way in ("tanh, Glorot", "ReLU, He", "ReLU, batch norm", "ReLU, He, skips"):
        assert accuracy(way, 40) < accuracy(way, 5) - 10
    assert accuracy("ReLU, He, skips", 20) < accuracy("ReLU, skips", 20) - 10
    assert accuracy("ReLU, He, skips", 40) < GUESS


def test_on_all_data_skips_are_the_best_single_change_at_twenty_layers() -> None:
    for data in ("mnist", "photos", "cifar10"):
        skips = accuracy("ReLU, skips", 20, data)
        assert skips > max(accuracy(way, 20, data) for way in ("ReLU, He", "ReLU, batch norm"))


def test_a_high_rate_kills_relus_and_makes_the_others_diverge() -> None:
    assert of_dead("relu", 0.01) < 2 < of_dead("relu", 0.1) < 20 < of_dead("relu", 0.2) < of_dead("relu", 0.3)
    assert 10 < of_dead("relu", 0.2, "test_accuracy") < 50 < of_dead("relu", 0.1, "test_accuracy")
    assert of_dead("relu", 0.3, "test_accuracy") < GUESS
    lost = {
        way: [
            not np.isfinite(run["loss"]).all()
            for run in results()["runs"]
            if (run["part"], run["way"], run["rate"]) == ("dead", way, 0.2)
        ]
        for way in ("relu", "leaky relu", "elu")
    }
    assert all(lost["leaky relu"]) and all(lost["elu"]) and not all(lost["relu"])
    ends = [
        run["loss"]
        for run in results()["runs"]
        if (run["part"], run["way"], run["rate"]) == ("dead", "relu", 0.3)
    ]
    assert all(max(loss[:3]) > 2.5 and loss[-1] == pytest.approx(math.log(10), abs=0.05) for loss in ends)
    good = [of_dead(way, 0.01, "test_accuracy") for way in ("relu", "leaky relu", "elu")]
    assert max(good) - min(good) < 3


def test_twenty_blocks_have_the_sizes_of_the_equations() -> None:
    for name, expected in {
        "full scale": 2**10,
        "branch / sqrt(L)": 1.05**10,
        "last layer zero": 1,
        "batch norm in the branch": 21**0.5,
        "0.5 x + branch": 1.25**10,
    }.items():
        assert block(name, "std", -1) == pytest.approx(expected, rel=0.25), name
    one, post = (
        block(name, "std", -1)
        for name in ("full scale, one layer, relu at its end", "full scale, relu behind the sum")
    )
    assert one > post > block("full scale", "std", -1)
    assert block("0.5 x, last layer zero", "gradient", 0) == pytest.approx(2**-20, rel=0.01)


def test_blocks_train_as_their_sizes_predict() -> None:
    assert trained("full scale", "max") < GUESS
    assert all(
        trained(form, "max") < GUESS for form in ("0.5 x + branch / sqrt(L)", "0.5 x, last layer zero")
    )
    good = [trained(form) for form in ("branch / sqrt(L)", "last layer zero", "batch norm in the branch")]
    assert min(good) > 50 > trained("0.5 x + branch") > trained("no skip") > 20
    lost = [run for run in results()["runs"] if (run["part"], run["way"]) == ("blocks", "full scale")]
    assert not any(np.isfinite(run["loss"]).all() for run in lost)


def test_measured_products_and_convolutions_are_those_of_the_formulas() -> None:
    for record in results()["products"]:
        assert record["measured"] == pytest.approx(record["formula"], rel=0.02)
        if record["what"] == "weight x pixel in [0, 1]":
            assert record["var(X) var(Y)"] == pytest.approx(record["measured"] / 4, rel=0.03)
    found = defaultdict(list)
    for record in results()["convolutions"]:
        found[record["kernel"], record["rule"]].append(record["var"])
    for (kernel, rule), values in found.items():
        assert np.mean(values) == pytest.approx(2 if rule == "C k k" else 2 * kernel**2, rel=0.06)
