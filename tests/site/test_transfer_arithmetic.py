"""Fine-tuning in a plane: the page's training against autograd, the text's theorems and the static twin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from lab.figures import transfer
from tests.site.figure_arithmetic import call, call_each

SETTINGS = [
    {"degrees": 120, "length": 1, "rate": 0.1, "ratio": 1, "probe": 0},
    {"degrees": 35, "length": 0.4, "rate": 0.24, "ratio": 0.3, "probe": 25},
    {"degrees": 170, "length": 1.8, "rate": 0.06, "ratio": 1.7, "probe": 10},
    {"degrees": 90, "length": 1, "rate": 0.1, "ratio": 0, "probe": 0},
]


def trained(**settings: Any) -> list[dict[str, np.ndarray]]:
    states = call("transfer", "train", {**SETTINGS[0], **settings})
    return [{name: np.array(values) for name, values in state.items()} for state in states]


def by_autograd(
    degrees: float, length: float, rate: float, ratio: float, probe: int
) -> tuple[np.ndarray, ...]:
    """Head, and the whole backbone of four inputs, after 200 steps of `torch.optim.SGD`."""
    a = torch.tensor(transfer.INPUTS)
    inputs, targets = torch.cat([a, torch.zeros_like(a)], 1), a @ torch.tensor(transfer.BEST)
    angle = np.deg2rad(degrees) + np.arctan2(*transfer.BEST[::-1])
    size = length * np.linalg.norm(transfer.BEST)
    head = torch.tensor([size * np.cos(angle), size * np.sin(angle)], requires_grad=True)
    backbone = torch.eye(2, dtype=torch.float64).repeat(1, 2).requires_grad_()
    optimizer = torch.optim.SGD([{"params": [head], "lr": rate}, {"params": [backbone], "lr": 0.0}])
    for t in range(200):
        optimizer.param_groups[1]["lr"] = 0.0 if t < probe else ratio * rate
        optimizer.zero_grad()
        (torch.nn.functional.mse_loss(inputs @ backbone.mT @ head, targets) / 2).backward()
        optimizer.step()
    return head.detach().numpy(), backbone.detach().numpy()


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_training_is_that_of_autograd_and_the_other_inputs_see_the_old_backbone(settings: Any) -> None:
    last = trained(**settings)[-1]
    head, backbone = by_autograd(**settings)
    np.testing.assert_allclose(last["v"], head, atol=1e-12)
    np.testing.assert_allclose(last["P"], backbone[:, :2], atol=1e-12)
    np.testing.assert_array_equal(backbone[:, 2:], np.eye(2))


def test_a_linear_probe_becomes_right_for_all_inputs() -> None:
    last = trained(ratio=0)[-1]
    np.testing.assert_allclose(last["v"], transfer.BEST, atol=1e-4)
    np.testing.assert_array_equal(last["P"], np.eye(2))
    assert call("transfer", "errors", last) == pytest.approx({"training": 0, "outside": 0}, abs=1e-8)


def test_all_at_once_fits_the_training_inputs_and_spoils_the_others_and_the_head_first_does_not() -> None:
    """What the summary says where the figure begins, and what the chapter says of it."""
    together, first = (call("transfer", "errors", trained(probe=probe)[60]) for probe in (0, 40))
    assert together["training"] < 1e-3 < 0.4 < together["outside"]
    assert first["outside"] < 1e-3
    assert sum(call("transfer", "wrong", trained()[60])) == 4
    assert sum(call("transfer", "wrong", trained(probe=40)[60])) == 0


def test_a_step_of_the_backbone_has_rank_one_in_the_direction_of_the_head() -> None:
    for before, after in zip(trained()[:20], trained()[1:21], strict=True):
        step = after["P"] - before["P"]
        assert abs(np.linalg.det(step)) < 1e-14
        across = np.array([-before["v"][1], before["v"][0]])
        np.testing.assert_allclose(across @ step, 0, atol=1e-14)


@pytest.mark.parametrize("ratio", [0.3, 1])
def test_at_small_rates_the_balance_of_head_and_backbone_is_kept(ratio: float) -> None:
    """ratio * v v' - B B' does not change; the old half of B B' does not change either."""
    states = trained(rate=1e-4, ratio=ratio, length=1.5)
    balance = [ratio * np.outer(s["v"], s["v"]) - s["P"] @ s["P"].T for s in (states[0], states[-1])]
    assert abs(states[-1]["v"] - states[0]["v"]).max() > 0.01
    np.testing.assert_allclose(*balance, atol=1e-4)


def test_errors_signs_and_distances_are_those_of_the_features() -> None:
    state = trained()[25]
    errors = call("transfer", "errors", state)
    targets = transfer.INPUTS @ transfer.BEST
    features = transfer.INPUTS @ state["P"].T
    assert errors["training"] == pytest.approx(((features @ state["v"] - targets) ** 2).mean() / 2)
    assert errors["outside"] == pytest.approx(((transfer.INPUTS @ state["v"] - targets) ** 2).mean() / 2)
    signs = np.sign(transfer.INPUTS @ state["v"]) != np.sign(targets)
    assert call("transfer", "wrong", state) == signs.tolist()
    moved = np.linalg.norm(features - transfer.INPUTS, axis=1).mean()
    assert call("transfer", "moved", state) == pytest.approx(moved)


def test_the_first_head_is_turned_from_the_right_one() -> None:
    heads = np.array(call_each("transfer", "firstHead", [(0, 1), (90, 1), (180, 0.5)]))
    np.testing.assert_allclose(heads, [[1, 0.4], [-0.4, 1], [-0.5, -0.2]], atol=1e-15)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_the_static_twin_computes_the_same(settings: Any) -> None:
    for state, twin in zip(trained(**settings), transfer.train(**settings), strict=True):
        np.testing.assert_allclose(state["v"], twin.v, atol=1e-12)
        np.testing.assert_allclose(state["P"], twin.P, atol=1e-12)
    errors = call("transfer", "errors", trained(**settings)[7])
    assert tuple(errors.values()) == pytest.approx(transfer.errors(transfer.train(**settings)[7]))


def test_a_rate_that_is_too_high_is_told() -> None:
    states = trained(rate=20)
    assert len(states) < 200
    said = call("transfer", "describe", 9, {"training": 1e9, "outside": 1e9}, 3, 1e9, True)
    assert said == "After 9 steps it has diverged."


def test_the_summary_says_errors_wrong_signs_and_how_far_the_features_have_moved() -> None:
    said = call("transfer", "describe", 60, {"training": 0.0002, "outside": 0.4912}, 4, 1.234)
    assert "error under 0.001 on training inputs, 0.491 on inputs of another kind" in said
    assert "4 of those 10 get the wrong sign" in said
    assert "moved by 1.23 on average" in said
    assert "have not moved" in call("transfer", "describe", 1, {"training": 1, "outside": 1}, 1, 0)
