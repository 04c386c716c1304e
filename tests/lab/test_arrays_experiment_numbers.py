"""Unit 00's numerical gradients, sums and bytes, and the ways whose times are measured."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
distance = pytest.importorskip("scipy.spatial.distance", reason="scipy is not installed")
metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")

from lab.data import read  # noqa: E402
from lab.experiments import arrays_numbers as numbers  # noqa: E402
from lab.experiments import arrays_speed as speed  # noqa: E402

ORACLES: dict[str, Callable[..., Any]] = {
    "distances": lambda a, b: distance.cdist(a, b, "sqeuclidean"),
    "softmax": lambda z: torch.from_numpy(z).softmax(1).numpy(),
    "confusion": lambda truth, guess: metrics.confusion_matrix(truth, guess, labels=range(10)),
    "gram": lambda x: torch.from_numpy(x).flatten(2).matmul(torch.from_numpy(x).flatten(2).mT).numpy() / 256,
}


def test_higher_derivatives_are_autograds() -> None:
    rng = np.random.default_rng(0)
    W, b, x, y = rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=(6, 3)), rng.integers(4, size=6)
    found = []
    for place in np.ndindex(3, 4):
        t = torch.zeros((), dtype=torch.float64, requires_grad=True)
        moved = torch.from_numpy(W) + t * torch.from_numpy(
            np.eye(12)[np.ravel_multi_index(place, (3, 4))]
        ).view(3, 4)
        value = torch.nn.functional.cross_entropy(
            torch.from_numpy(x) @ moved + torch.from_numpy(b), torch.from_numpy(y)
        )
        slopes = []
        for _ in range(3):
            (value,) = torch.autograd.grad(value, t, create_graph=True)
            slopes.append(abs(value.item()))
        found.append(slopes[1:])
    np.testing.assert_allclose(numbers.higher_derivatives(W, b, x), np.max(found, axis=0), rtol=1e-9)


@pytest.mark.parametrize("difference", ["central", "forward"])
def test_a_quotient_of_a_cubic_has_the_error_of_its_taylor_series(difference: str) -> None:
    W, h = np.array([[1.0, -2.0, 0.7]]), 1e-3
    found = numbers.quotient(lambda x: (x**3).sum(), W, h, difference)
    error = h**2 if difference == "central" else 3 * W * h + h**2
    np.testing.assert_allclose(found - 3 * W**2, np.broadcast_to(error, W.shape), rtol=1e-5)
    np.testing.assert_array_equal(W, [[1.0, -2.0, 0.7]])


@pytest.mark.parametrize(
    "dtype, difference", [("float64", "central"), ("float64", "forward"), ("float32", "central")]
)
def test_the_error_of_a_gradient_is_as_predicted(dtype: str, difference: str) -> None:
    steps = tuple(10.0**-k for k in range(1, 9))
    found = numbers.gradient_errors(dtype, difference, 0, steps, images=40)
    error, predicted = np.array(found["error"]), np.array(found["predicted"])
    small = predicted < 0.1
    assert small.sum() >= 4
    assert (error[small] < 3 * predicted[small]).all() and (error[small] > predicted[small] / 30).all()
    assert found["best_h"] / 10 < found["predicted_h"] < found["best_h"] * 10


def test_sums_of_many_float16_stop_growing_one_after_the_other_and_overflow_in_a_vector() -> None:
    errors = {(r["way"], r["n"]): r["error"] for r in numbers.sums("float16", 0, (10, 10_000, 1_000_000))}
    assert errors["one after the other", 1_000_000] > 0.99
    assert errors["np.sum over axis 0", 10_000] == errors["one after the other", 10_000] > 0.5
    assert errors["np.sum of a vector", 10_000] < 1e-3
    assert np.isinf(errors["np.sum of a vector", 1_000_000])
    assert errors["np.sum, dtype=float64", 1_000_000] < 1e-12


def test_uint8_counts_modulo_256() -> None:
    found = {record["what"]: record for record in numbers.bytes_of_images(20)}
    pixels = [int(value) for value in read("photo_patches").train_images[:20].ravel()]
    brighter = found["brighter by 60"]
    assert brighter["value"] == pytest.approx(sum((p + 60) % 256 for p in pixels) / len(pixels))
    assert brighter["right"] == pytest.approx(sum(min(p + 60, 255) for p in pixels) / len(pixels))
    pairs = list(zip(pixels[: len(pixels) // 2], pixels[len(pixels) // 2 :], strict=True))
    means, gaps = found["mean of two images"], found["absolute difference of two images"]
    assert means["value"] == pytest.approx(sum((a + b) % 256 // 2 for a, b in pairs) / len(pairs))
    assert gaps["value"] == pytest.approx(sum((a - b) % 256 for a, b in pairs) / len(pairs))
    assert gaps["share_wrong"] == pytest.approx(sum(a < b for a, b in pairs) / len(pairs))


@pytest.mark.parametrize("task, way", [(task, way) for task, ways in speed.TASKS.items() for way in ways])
def test_what_is_timed_is_right(task: str, way: str) -> None:
    args = speed.inputs(task, 12)
    np.testing.assert_allclose(speed.TASKS[task][way](*args), ORACLES[task](*args), rtol=1e-9, atol=1e-9)


def test_a_race_has_a_time_per_way_and_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "LEAST", 1e-4)
    found = speed.race({"one": lambda x: x + 1, "two": lambda x: x.sum()}, np.ones(9), rounds=3)
    assert list(found) == ["one", "two"] and all(len(taken) == 3 for taken in found.values())
    assert speed.plot_race(found).axes


def test_a_view_holds_no_numbers_and_a_copy_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "LEAST", 1e-4)
    held = {record["what"]: record["bytes"] for record in speed.views_and_copies((10_000,), rounds=1)}
    views = {"slice x[:n]", "transpose"}
    assert all(held[what] < 1000 for what in views)
    assert all(held[what] >= 80_000 for what in held if what not in views and "sum" not in what)
