"""What the chapter of unit 03 says of formulas, of its figures and of its runs is true."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils import parametrizations

from lab.experiments import family
from lab.experiments import family_whitening as whitening
from lab.experiments.family_small_batches import BATCHES, NORMS
from lab.figures import norm_axes

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "book/03-normalization-family/index.md").read_text(encoding="utf-8")
TINY = 1e-12


def told(start: str, end: str) -> str:
    """The prose of a part of the chapter, without its code."""
    part = TEXT[TEXT.index(start) : TEXT.index(end)]
    return re.sub(r"^```.*?^```$", "", part, flags=re.MULTILINE | re.DOTALL)


def test_the_first_entry_by_hand_is_that_of_torch() -> None:
    x = torch.tensor([[[[0.0, 2]], [[4, 6]]], [[[10, 10]], [[0, 8]]]], dtype=torch.float64)
    found = {
        "Batch": F.batch_norm(x, None, None, training=True, eps=TINY),
        "Layer": F.layer_norm(x, (2, 1, 2), eps=TINY),
        "Instance": F.instance_norm(x, eps=TINY),
    }
    for name, y in found.items():
        [line] = re.findall(rf"^- {name} norm: its set .*$", TEXT, re.MULTILINE)
        said = re.findall(r"-\d[\d.]*", line)[-1].rstrip(".")
        assert y[0, 0, 0, 0].item() == pytest.approx(float(said), abs=5e-4)


def test_the_row_by_hand_has_the_gradient_of_autograd_and_gamma_outside_gives_zero_first() -> None:
    x = torch.tensor([[0.0, 0, 6, 6]], dtype=torch.float64, requires_grad=True)
    gamma, dout = torch.tensor([1.0, 2, 1, 1]).double(), torch.tensor([[3.0, 3, 0, 0]]).double()
    [dx] = torch.autograd.grad(F.layer_norm(x, (4,), gamma, eps=TINY), x, dout)
    np.testing.assert_allclose(dx, [[-0.5, 0.5, 0, 0]], atol=1e-9)
    [outside] = torch.autograd.grad(F.layer_norm(x, (4,), eps=TINY), x, dout)
    assert (gamma * outside)[0, 0].item() == pytest.approx(0, abs=1e-9)


def test_over_every_set_the_gradient_sums_to_zero_and_with_x_hat_to_what_eps_leaves() -> None:
    torch.manual_seed(0)
    x = torch.randn(3, 6, 4, 5, dtype=torch.float64, requires_grad=True)
    gamma, dout, eps = torch.rand(6).double(), torch.randn(3, 6, 4, 5).double(), 0.1
    x_hat = F.group_norm(x, 2, eps=eps).detach().reshape(6, -1)
    s = (x.detach().reshape(6, -1).var(1, correction=0) + eps).sqrt()
    [dx] = torch.autograd.grad(F.group_norm(x, 2, gamma, eps=eps), x, dout)
    along = ((dout * gamma[:, None, None]).reshape(6, -1) * x_hat).sum(1)
    np.testing.assert_allclose(dx.reshape(6, -1).sum(1), 0, atol=1e-12)
    np.testing.assert_allclose((dx.reshape(6, -1) * x_hat).sum(1), eps / s**3 * along)


def test_the_sets_of_the_table_have_these_numbers() -> None:
    N, C, P, G = 3, 6, 20, 2
    expected = {
        "batch": (C, N * P),
        "layer": (N, C * P),
        "instance": (N * C, P),
        "group": (N * G, C // G * P),
    }
    for kind, (sets, entries) in expected.items():
        found = [norm_axes.set_of(kind, n, c, C, G) for n, c in np.ndindex(N, C)]
        assert len(set(found)) == sets
        assert P * found.count(found[0]) == entries


def changed(change: str, h: torch.Tensor, w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    first = torch.ones(len(w), 1).double()
    first[0] = 3
    one = torch.ones(len(h), 1).double()
    one[0] = 3
    return {
        "multiply all weights by $a$": (h, 3 * w),
        "multiply the weights of one output by $a$": (h, first * w),
        "add one vector to the weights of all outputs": (h, w + torch.arange(5).double()),
        "multiply all examples by $a$": (3 * h, w),
        "multiply one example by $a$": (one * h, w),
    }[change]


def test_the_table_of_invariances_is_what_torch_shows() -> None:
    torch.manual_seed(1)
    h, w = torch.randn(7, 5).double(), torch.randn(4, 5).double()
    norms = (
        lambda h, w: F.batch_norm(h @ w.mT, None, None, training=True, eps=TINY),
        lambda h, w: F.layer_norm(h @ w.mT, (4,), eps=TINY),
        lambda h, w: h @ F.normalize(w, dim=1).mT,
    )
    rows = re.findall(
        r"^\| ((?:multiply|add) .*?) \| (yes|no) \| (yes|no) \| (yes|no) \|$", TEXT, re.MULTILINE
    )
    assert len(rows) == 5
    for change, *said in rows:
        stays = [torch.allclose(norm(*changed(change, h, w)), norm(h, w), atol=1e-6) for norm in norms]
        assert stays == [word == "yes" for word in said], change


def test_each_whitening_is_a_turned_zca_and_zca_is_the_closest() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 4)) @ rng.normal(size=(4, 4))
    x -= x.mean(0)
    values, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
    zca = vectors / np.sqrt(values) @ vectors.T
    away = {}
    for name, matrix in {"zca": zca, "pca": (vectors / np.sqrt(values)).T}.items():
        np.testing.assert_allclose(np.cov((x @ matrix.T).T, bias=True), np.eye(4), atol=1e-9)
        turn = matrix @ np.linalg.inv(zca)
        np.testing.assert_allclose(turn @ turn.T, np.eye(4), atol=1e-9)
        away[name] = np.square(x @ matrix.T - x).sum(1).mean()
    for _ in range(50):
        turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
        assert away["zca"] < np.square(x @ zca.T @ turn.T - x).sum(1).mean()
    root = vectors * np.sqrt(values) @ vectors.T
    assert away["zca"] == pytest.approx(4 - 2 * np.trace(root) + values.sum())


def test_newtons_errors_follow_the_recursion_and_fall_between_0_and_3() -> None:
    starts = np.linspace(0.01, 2.99, 300)
    s, e = starts.copy(), 1 - starts
    for step in range(60):
        s, before = s * (3 - s) ** 2 / 4, e
        e = (3 * e**2 + e**3) / 4
        np.testing.assert_allclose(1 - s, e, atol=1e-12)
        assert (np.abs(e) <= np.abs(before)).all()
        assert step or (e >= 0).all()
    np.testing.assert_allclose(e, 0, atol=1e-12)
    inside = np.linspace(-2, 0, 2001)
    assert np.max(-inside * (3 + inside) / 4) == pytest.approx(9 / 16)


def test_the_newton_step_by_hand_and_of_the_quiz_are_right() -> None:
    found = (3 - np.array([1, 3]) / 4) / 2 / np.sqrt(4)
    np.testing.assert_allclose(found, [0.6875, 0.5625])
    assert "0.6875 and 0.5625. The roots are 1 and 0.577." in TEXT
    assert f"{3**-0.5:.3f}" == "0.577"
    s = 0.5 * (3 - 0.5) ** 2 / 4
    assert f"{1 - s:.3f} {s:.3f} {3 * 0.25 / 4:.3f} {3 * 0.25 + 0.125:.3f}" == "0.219 0.781 0.188 0.875"


def weight_gradients(v: list[float], g: float, dw: list[float]) -> tuple[float, np.ndarray]:
    """The gradients of g and v by PyTorch's own weight normalization."""
    layer = parametrizations.weight_norm(nn.Linear(2, 1, bias=False))
    weight = layer.parametrizations.weight
    with torch.no_grad():
        weight.original0.fill_(g)
        weight.original1.copy_(torch.tensor([v]))
    (layer.weight * torch.tensor([dw])).sum().backward()
    return weight.original0.grad.item(), weight.original1.grad[0].numpy()


def test_the_gradients_of_weight_norm_by_hand_and_of_the_quiz_are_those_of_torch() -> None:
    dg, dv = weight_gradients([3.0, 4.0], 2.0, [1.0, 2.0])
    assert dg == pytest.approx(2.2)
    np.testing.assert_allclose(dv, [-0.128, 0.096], atol=1e-6)
    dg, dv = weight_gradients([0.0, 2.0], 3.0, [4.0, 5.0])
    assert dg == pytest.approx(5)
    np.testing.assert_allclose(dv, [6, 0], atol=1e-5)


def test_the_quiz_on_four_entries_has_the_right_numbers() -> None:
    x = torch.tensor([[[[1.0, 3]], [[5, 7]]]], dtype=torch.float64)
    assert F.instance_norm(x, eps=TINY)[0, 1, 0, 1].item() == pytest.approx(1)
    assert f"{F.layer_norm(x, (2, 1, 2), eps=TINY)[0, 1, 0, 1].item():.3f}" == "1.342"
    assert f"{1 / 2**0.5:.3f}" == "0.707"


def test_five_features_make_unbiased_outputs_eleven_percent_too_small() -> None:
    assert f"{100 * (1 - (4 / 5) ** 0.5):.0f}" == "11" and "11 percent with five features" in TEXT


@pytest.mark.parametrize("kind", ["layer", "instance", "group"])
def test_what_the_reader_should_have_seen_in_the_figure_is_what_it_shows(kind: str) -> None:
    x = norm_axes.pictures()[:3]
    lit = x.copy()
    lit[0] = norm_axes.relit(x[0], 0.4, -0.2)
    away = {k: np.abs(norm_axes.normalized(lit, k) - norm_axes.normalized(x, k)) for k in (kind, "batch")}
    assert away[kind].mean() < 5e-3 < 0.1 < away["batch"][1:].mean()
    alone = norm_axes.normalized(x[:1], "batch")
    np.testing.assert_allclose(alone, norm_axes.normalized(x[:1], "instance"))


@cache
def newton() -> list[dict[str, Any]]:
    return list(results("full")["newton"])


def newton_errors(steps: int, **at: Any) -> list[float]:
    at = {"form": "with trace", "scale": 10.0, "dtype": "float32", **at}
    found = [record["error"][steps] for record in newton() if at.items() <= record.items()]
    return [float("nan") if error is None else error for error in found]


def test_newtons_iteration_turns_round_in_float32_and_float64_and_the_coupled_form_does_not() -> None:
    for dtype in ("float32", "float64"):
        least = min(np.max(newton_errors(step, condition=1e1, dtype=dtype)) for step in range(20))
        assert not np.min(newton_errors(20, condition=1e1, dtype=dtype)) < 100 * least
    assert np.max(newton_errors(7, condition=1e1)) < 0.05 < 0.5 < np.min(newton_errors(7, condition=1e3))
    assert np.max(newton_errors(20, condition=1e1, form="coupled")) < 1e-3


def test_without_the_trace_an_eigenvalue_of_ten_does_not_converge() -> None:
    for condition in whitening.CONDITIONS:
        assert not np.min(newton_errors(7, condition=condition, form="without trace")) < 1


def test_zca_axes_stay_and_pca_axes_do_not() -> None:
    records = results()["axes"]
    same = {
        form: np.mean(
            [r["same"] for r in records if (r["form"], r["features"], r["examples"]) == (form, 16, 64)]
        )
        for form in ("PCA", "ZCA")
    }
    assert same["ZCA"] > 0.95 > 0.5 > same["PCA"]


def test_batch_norm_fails_with_batches_of_two_and_is_best_with_32_and_layer_norm_does_not_care() -> None:
    found: dict[str, np.ndarray] = {}
    for norm in NORMS:
        rows = [
            [r["error"] for r in results()["small batches"] if (r["norm"], r["seed"]) == (norm, seed)]
            for seed in results()["about"]["seeds"]
        ]
        found[norm] = np.mean(rows, axis=0)
    none, batch, layer = found["none"], found["batch norm"], found["layer norm"]
    assert batch[0] > 0.4 > 0.2 > max(none[0], layer[0])
    assert (batch[BATCHES.index(8) :] < none[BATCHES.index(8) :] - 0.04).all()
    assert batch[-1] < layer[-1]


def test_the_chapter_says_nothing_of_a_run_in_plain_figures() -> None:
    part = told("(nf-buys)=", "(nf-used)=").replace("10.6 percentage points", "")
    assert re.findall(r"\d+(?:\.\d+)? ?(?:percent|%|points)", part) == []


@cache
def results(name: str = "full") -> dict[str, Any]:
    return family.load_results(ROOT / f"book/results/03-normalization-family/{name}.json")


def accuracy(part: str = "images", key: str = "test_accuracy", **at: Any) -> dict[str, float]:
    """In percent, at the best rate."""
    found = family.summary(results(), part=part, key=key, **at)
    return {name: 100 * value for name, value in found.items()}


def lit(kind: str, norm: str, name: str = "full") -> dict[float, float]:
    row = dict(family.illumination_table(results(name), kind))[norm]
    return {value: 100 * found["mean"] for value, found in row.items()}


@pytest.mark.parametrize("name", ["full", "cifar10"])
def test_every_setting_was_run_with_all_of_at_least_three_seeds(name: str) -> None:
    seeds: dict[tuple, list[int]] = defaultdict(list)
    for run in results(name)["runs"]:
        seeds[tuple(run[key] for key in ("part", "data", "norm", "rate", "batch", "scale"))].append(
            run["seed"]
        )
    assert len(results(name)["about"]["seeds"]) >= 3
    assert all(sorted(found) == results(name)["about"]["seeds"] for found in seeds.values())


def test_pca_stays_near_chance_in_both_modes_and_zca_does_not() -> None:
    for key in ("test_accuracy", "test_accuracy_train_mode"):
        assert accuracy("whitening", key, norm="PCA")["mean"] < 20
    assert accuracy("whitening", norm="ZCA")["min"] > 80


def test_whitening_gains_nothing_over_batch_norm_and_five_steps_are_better_than_all_of_it() -> None:
    found = {norm: accuracy("whitening", norm=norm)["mean"] for norm in family.WHITENERS}
    assert found["Newton-Schulz"] < found["batch norm"] + 0.5
    assert found["ZCA"] < found["Newton-Schulz"] - 2
    assert results()["about"]["newton_steps"] == 5 and results()["about"]["width"]["whitening"] == 32


def longer(norm: str, where: str) -> np.ndarray:
    rate = family.best_rate(results(), part="recurrent", norm=norm)
    at = {"part": "recurrent", "norm": norm, "rate": rate}
    return 100 * np.mean([r["longer"][where] for r in results()["runs"] if at.items() <= r.items()], axis=0)


def test_one_batch_norm_for_all_steps_has_better_weights_than_statistics() -> None:
    own = accuracy("recurrent", "test_accuracy_train_mode", norm="batch norm")["mean"]
    assert own > accuracy("recurrent", norm="batch norm")["mean"] + 10


def test_rows_before_the_digit_halve_batch_norm_per_step_and_cost_layer_norm_nothing() -> None:
    rows = results()["about"]["blank_rows"]
    assert rows[:2] == [0, 4]
    per_step = longer("batch norm per step", "before")
    assert 0.4 < per_step[1] / per_step[0] < 0.65
    for norm in ("layer norm", "none"):
        assert np.ptp(longer(norm, "before")) < 2


def test_rows_behind_the_digit_ruin_all_and_layer_norm_is_no_better_than_the_plain_network() -> None:
    for norm in family.RECURRENT:
        assert longer(norm, "behind")[1:].max() < 35
    assert accuracy("recurrent", norm="layer norm")["mean"] < accuracy("recurrent", norm="none")["mean"]


def lengths(rate: float) -> list[list[float | None]]:
    at = {"part": "weights", "norm": "weight norm", "scale": 1.0, "rate": rate}
    return [run["length"] for run in results()["runs"] if at.items() <= run.items()]


def test_v_grows_in_every_epoch_and_faster_at_a_higher_rate() -> None:
    growth = {}
    for rate in (0.03, 0.1, 0.3):
        found = np.array(lengths(rate), float)
        assert (np.diff(found, axis=1) >= 0).all()
        growth[rate] = (found[:, -1] / found[:, 0]).mean() - 1
    assert growth[0.3] > growth[0.1] > growth[0.03] > 0
    lost = {rate: [None in found for found in lengths(rate)] for rate in (1.0, 3.0)}
    assert any(lost[1.0]) and not all(lost[1.0]) and all(lost[3.0])


def test_after_a_bad_start_a_look_at_the_data_helps_and_a_length_alone_does_not() -> None:
    found = {
        (norm, scale): accuracy("weights", norm=norm, scale=scale)
        for norm in family.WEIGHTS
        for scale in (0.1, 1.0, 10.0)
    }
    means = {at: one["mean"] for at, one in found.items()}
    for scale in (0.1, 1.0, 10.0):
        assert abs(means["weight norm", scale] - means["plain", scale]) < 2
        assert means["batch norm", scale] > max(
            means["plain", scale], means["weight norm, first batch", scale]
        )
    small, large = (found["weight norm, first batch", scale] for scale in (0.1, 10.0))
    assert small["min"] > found["weight norm", 0.1]["max"]
    assert large["min"] < found["weight norm", 10.0]["max"]


@pytest.mark.parametrize("kind", ["contrast", "brightness", "colour"])
def test_instance_norm_at_the_input_is_flat_and_all_others_fall(kind: str) -> None:
    for norm in family.NORMS:
        seen = list(lit(kind, norm).values())
        if norm == "instance at the input":
            assert np.ptp(seen) < 2
        else:
            assert min(seen[0], seen[-1]) < max(seen) - 8


def test_the_price_of_instance_norm_and_what_is_cut_off() -> None:
    assert lit("contrast", "instance at the input")[1.0] < lit("contrast", "batch norm")[1.0] - 4
    assert lit("contrast", "instance norm")[1.0] < 45
    clipped = lit("contrast, clipped", "instance at the input")
    assert clipped[2.0] < clipped[1.0] - 15


def error(norm: str, batch: int, key: str = "mean", name: str = "full") -> float:
    return 100 * dict(family.table(results(name)))[norm][batch][key]


def test_batch_norm_loses_with_small_batches_group_norm_does_not_and_the_curves_cross() -> None:
    assert error("batch norm", 2) > error("batch norm", 32) + 10
    assert error("group norm", 2) < error("group norm", 32)
    assert error("none", 2) < error("group norm", 2) < error("batch norm", 2)
    assert error("batch norm", 32) < error("group norm", 32) - 10


def test_layers_that_normalize_each_image_are_behind_none_on_the_patches() -> None:
    for norm in ("layer norm", "group norm"):
        assert error(norm, 32) > error("none", 32) > error("batch norm", 32)


def cifar(norm: str, batch: int, key: str = "mean") -> float:
    return error(norm, batch, key, "cifar10")


def test_on_cifar10_batch_norm_loses_less_with_batches_of_two_and_the_curves_do_not_cross() -> None:
    lost = cifar("batch norm", 2) - cifar("batch norm", 32)
    assert 3 < lost < (error("batch norm", 2) - error("batch norm", 32)) / 2
    assert cifar("batch norm", 2) < cifar("group norm", 2)
    assert cifar("batch norm", 2, "max") > cifar("group norm", 2, "min")
    for batch in (4, 8, 32):
        for norm in ("group norm", "none"):
            assert cifar("batch norm", batch, "max") < cifar(norm, batch, "min")
    for batch in (2, 32):
        apart = abs(cifar("group norm", batch) - cifar("none", batch))
        assert apart < min(cifar(norm, batch, "std") for norm in ("group norm", "none"))


def test_on_cifar10_instance_norm_at_the_input_sees_no_light_and_has_no_price() -> None:
    first = "instance at the input"
    for kind in ("contrast", "brightness", "colour"):
        assert np.ptp(list(lit(kind, first, "cifar10").values())) < 2
    seen = lit("contrast", "batch norm", "cifar10")
    assert seen[0.25] < seen[1.0] - 20
    apart = abs(cifar(first, 32) - cifar("batch norm", 32))
    assert apart < max(cifar(norm, 32, "std") for norm in (first, "batch norm"))
    clipped = lit("contrast, clipped", first, "cifar10")
    assert clipped[2.0] > clipped[1.0] - 4
