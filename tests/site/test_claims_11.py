"""What the chapter of unit 11 says of formulas, of its figure and of our runs is true."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from lab.figures import transfer as figure

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "book/11-transfer-learning/index.md").read_text(encoding="utf-8")


def told(start: str, end: str) -> str:
    """The prose of a part of the chapter, without its code."""
    part = TEXT[TEXT.index(start) : TEXT.index(end)]
    return re.sub(r"^```.*?^```$", "", part, flags=re.MULTILINE | re.DOTALL)


def test_the_prepared_bytes_of_the_text_and_of_the_quiz_are_right() -> None:
    assert f"{(128 / 255 - 0.5) / 0.25:.4f}" == "0.0078" in TEXT
    answers = [(102 / 255 - 0.5) / 0.25, (102 - 0.5) / 0.25, (102 / 255 - 0.5) / 0.25**2]
    np.testing.assert_allclose(answers, [-0.4, 406, -1.6])


def test_the_loss_and_the_gradient_by_hand_are_those_of_autograd() -> None:
    scores = torch.tensor([[0, 0], [0, math.log(3)]], dtype=torch.float64, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(scores, torch.tensor([0, 1]))
    [delta] = torch.autograd.grad(loss, scores)
    assert f"{loss.item():.3f}" == "0.490" in TEXT
    np.testing.assert_allclose(2 * delta, [[-1 / 2, 1 / 2], [1 / 4, -1 / 4]])
    np.testing.assert_allclose(torch.tensor([1.0, 2.0]).double() @ delta, 0, atol=1e-15)
    np.testing.assert_allclose(delta.sum(0), [-1 / 8, 1 / 8])


def test_the_quiz_on_the_gradient_has_the_right_numbers() -> None:
    features, p, onehot = np.array([2, -1]), np.array([0.7, 0.3]), np.array([0, 1])
    slopes = np.outer(features, p - onehot)
    assert slopes[0, 1] == pytest.approx(-1.4)
    assert slopes[0, 0] == pytest.approx(1.4)
    assert slopes[1, 1] == pytest.approx(0.7)


def test_no_softmax_varies_more_than_half_the_sum_of_squares() -> None:
    """The bound on the curvature: the largest eigenvalue of diag(p) - p p' is at most 1/2, and reaches it."""
    rng = np.random.default_rng(0)
    largest = [
        np.linalg.eigvalsh(np.diag(p) - np.outer(p, p))[-1]
        for p in (rng.dirichlet(np.full(4, 0.3)) for _ in range(500))
    ]
    assert max(largest) <= 0.5
    assert np.linalg.eigvalsh(np.diag([0.5, 0.5]) - 0.25)[-1] == pytest.approx(0.5)


def test_the_folded_heads_of_the_text_and_of_the_quiz_are_right() -> None:
    assert 6 / 2 * 14 + (1 - 10 * 6 / 2) == 6 * (14 - 10) / 2 + 1 == 13
    assert 3 - 6 * 8 / 4 == -9


def test_the_components_by_hand_are_right() -> None:
    values = np.linalg.eigvalsh(np.cov(np.array([[0, 0], [2, 2], [4, 4], [2, 2]]).T, bias=True))
    np.testing.assert_allclose(values, [0, 4], atol=1e-12)


def test_running_statistics_are_half_forgotten_after_seven_batches_and_nearly_gone_after_44() -> None:
    norm = torch.nn.BatchNorm1d(1)
    norm.running_mean.fill_(1.0)
    shares = []
    for _ in range(44):
        norm(torch.tensor([[-1.0], [1.0]]))
        shares.append(norm.running_mean.item())
    assert shares[5] > 0.5 > shares[6]
    assert f"{math.log(0.5) / math.log(0.9):.1f}" == "6.6" in TEXT
    assert f"{100 * shares[-1]:.0f}" == "1"


def ended(**changed: float) -> tuple[figure.State, float, int, float]:
    """The last state, the error on other inputs, their wrong signs, and how far the features have moved."""
    state = figure.train(**({"degrees": 120, "rate": 0.1, "ratio": 1, "probe": 0} | changed))[-1]
    wrong = ((figure.INPUTS @ state.v > 0) != (figure.INPUTS @ figure.BEST > 0)).sum()
    moved = np.linalg.norm(figure.INPUTS @ (state.P - np.eye(2)).T, axis=1).mean()
    return state, figure.errors(state)[1], int(wrong), float(moved)


def test_what_the_reader_should_have_seen_in_the_figure_is_what_it_shows() -> None:
    answers = told(":::{dropdown} What you should have seen", "(tl-norm)=")
    _, _, wrong, moved = ended()
    assert wrong == 4 and f"instead of {moved:.2f}" in answers
    *_, moved = ended(probe=40)
    assert 0.005 < moved < 0.02 and "about 0.01" in answers
    state, _, wrong, _ = ended(ratio=0)
    np.testing.assert_allclose(state.v, figure.BEST, atol=1e-3)
    assert ended(ratio=0.1)[2] == wrong == 0
    _, error, wrong, moved = ended(length=0)
    assert wrong == 0 and f"by {moved:.2f} on average" in answers and f"{error:.3f}" in answers
    assert ended(degrees=180)[2] == 8 and "eight of the ten" in answers
    assert ended(degrees=180, ratio=0.1)[2] == 0


def test_the_training_error_goes_to_zero_in_every_way_of_the_figure() -> None:
    for changed in ({}, {"probe": 40}, {"ratio": 0}, {"ratio": 0.1}, {"length": 0}, {"degrees": 180}):
        assert figure.errors(ended(**changed)[0])[0] < 1e-4


def test_the_chapter_numbers_parts_from_the_image_with_the_head_as_the_last() -> None:
    rates = [0.1 * 0.1 ** (5 - part) for part in range(5, 0, -1)]
    np.testing.assert_allclose(rates, [0.1, 0.01, 0.001, 0.0001, 0.00001])
    assert "0.1, then 0.01, 0.001 and 0.0001 for the stages 3, 2 and 1, and 0.00001 for the stem" in TEXT


def test_every_mistake_of_the_catalogue_stands_in_the_table() -> None:
    rows = re.findall(r"^\| .* \|$", told("**The ten, each with its symptom.**", "**More of them.**"), re.M)
    assert len(rows[1:]) == 10
