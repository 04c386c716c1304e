"""Unit 00's classifier, its slips, its twin in PyTorch, and the study as a whole."""

import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from lab.data import read  # noqa: E402
from lab.experiments import arrays, arrays_linear, arrays_slips, arrays_speed, arrays_torch, command  # noqa: E402
from lab.experiments.results import save_results  # noqa: E402

RESULTS = Path(__file__).resolve().parents[2] / "book" / "results" / "00-numpy" / "full.json"
PLOTS = [getattr(arrays, name) for name in arrays.__all__ if name.startswith("plot_")]


@pytest.fixture(scope="module")
def committed() -> Any:
    return arrays.load_results(RESULTS)


@pytest.fixture
def small() -> arrays_linear.Data:
    rng = np.random.default_rng(3)
    sizes = {"train": 50, "validation": 20, "test": 30}
    parts = {f"{split}_x": rng.normal(size=(n, 7)) for split, n in sizes.items()}
    parts |= {f"{split}_y": rng.integers(10, size=n) for split, n in sizes.items()}
    parts["train_y"][0] = 9
    return arrays_linear.Data(**parts)


def test_the_splits_are_disjoint_and_standardized_with_the_training_images_alone() -> None:
    data = arrays_linear.images("digits", 1000, 400, 300)
    assert data.train_x.shape == (1000, 64) and data.validation_x.shape == (400, 64)
    assert data.train_x.mean() == pytest.approx(0, abs=1e-12) and data.train_x.std() == pytest.approx(1)
    digits, mean = read("digits"), read("digits").train_images[:1000].astype(float)
    expected = (digits.test_images.reshape(300, 64) - mean.mean()) / mean.std()
    np.testing.assert_allclose(data.test_x, expected)
    whole = (digits.train_images.reshape(-1, 64) - mean.mean()) / mean.std()
    np.testing.assert_allclose(np.concatenate([data.train_x, data.validation_x]), whole[:1400])


def test_mixed_images_are_the_same_ones_with_their_labels_in_other_places() -> None:
    data = read("digits")
    mixed = arrays_linear.shuffled(data, seed=1)
    assert len(mixed.test_images) == len(data.test_images)

    def pairs(*parts: Any) -> list[tuple[bytes, int]]:
        return sorted((image.tobytes(), int(y)) for xs, ys in parts for image, y in zip(xs, ys, strict=True))

    before, after = (
        pairs((d.train_images, d.train_labels), (d.test_images, d.test_labels)) for d in (data, mixed)
    )
    assert before == after
    assert not np.array_equal(mixed.test_images, data.test_images)


def test_photographs_are_averaged_over_squares_of_pixels() -> None:
    images = read("photo_patches").train_images[:5]
    expected = torch.nn.functional.avg_pool2d(torch.from_numpy(images).double().permute(0, 3, 1, 2), 2)
    np.testing.assert_allclose(arrays_linear.pixels(images), expected.permute(0, 2, 3, 1))


def test_loss_and_gradients_are_torchs() -> None:
    rng = np.random.default_rng(0)
    W, b, x, y = (
        rng.normal(size=(5, 4)),
        rng.normal(size=4),
        rng.normal(3, 9, (6, 5)),
        rng.integers(4, size=6),
    )
    leaves = [torch.from_numpy(array).requires_grad_() for array in (W, b)]
    loss = torch.nn.functional.cross_entropy(torch.from_numpy(x) @ leaves[0] + leaves[1], torch.from_numpy(y))
    loss.backward()
    found = arrays_linear.cross_entropy(W, b, x, y)
    for one, other in zip(found, (loss.item(), leaves[0].grad, leaves[1].grad), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def test_every_example_comes_once_an_epoch_and_the_last_batch_is_ragged() -> None:
    epochs = list(arrays_linear.epochs_of_batches(23, 5, 3, seed=1))
    assert [len(rows) for rows in epochs[0]] == [5, 5, 5, 5, 3]
    assert all(sorted(np.concatenate(parts)) == list(range(23)) for parts in epochs)
    assert not np.array_equal(np.concatenate(epochs[0]), np.concatenate(epochs[1]))


def test_same_seed_same_numbers_and_weights_and_orders_have_seeds_of_their_own(small: Any) -> None:
    def run(seed: int, order_seed: int | None = None) -> list[float]:
        return arrays_linear.train(small, rate=0.1, epochs=2, seed=seed, order_seed=order_seed)["loss"]

    assert run(0) == run(0) == run(0, 0)
    assert len({tuple(run(*seeds)) for seeds in ((0,), (1,), (0, 1), (1, 0))}) == 4


def test_test_images_play_no_part_in_training(small: Any) -> None:
    before = arrays_linear.train(small, rate=0.1, epochs=2, seed=0)
    small.test_x[:] = 1e6
    after = arrays_linear.train(small, rate=0.1, epochs=2, seed=0)
    assert {key: before[key] for key in before if "test" not in key} == {
        key: after[key] for key in after if "test" not in key
    }


def test_a_step_is_torchs_sgd(small: Any) -> None:
    W, b = arrays_torch.parameters(7, 0, "float64")
    twins = [leaf.detach().clone().requires_grad_() for leaf in (W, b)]
    x, y = arrays_torch.tensors(small, "float64")
    optimizer = torch.optim.SGD(twins, lr=0.3)
    for _ in range(3):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(x @ twins[0] + twins[1], y).backward()
        optimizer.step()
        arrays_torch.sgd_step(W, b, x, y, 0.3)
    torch.testing.assert_close(W, twins[0])
    torch.testing.assert_close(b, twins[1])


def test_numpy_and_torch_go_the_same_way_and_a_wrong_step_does_not() -> None:
    def half(W: Any, b: Any, x: Any, y: Any, lr: float) -> float:
        return arrays_torch.sgd_step(W, b, x, y, lr / 2)

    (right,) = arrays_torch.differences("float64", 0, epochs=1)
    (wrong,) = arrays_torch.differences("float64", 0, epochs=1, step=half)
    assert len(right["difference"]) == 38 and max(right["difference"]) < 1e-13
    assert min(wrong["difference"]) > 1e-3
    pairs = {
        record["pair"]: record["difference"] for record in arrays_torch.differences("float32", 0, epochs=1)
    }
    assert all(1e-9 < max(found) < 1e-5 for found in pairs.values())


def test_formats_are_those_of_numpy() -> None:
    for row in arrays_torch.formats():
        if row["dtype"] != "bfloat16":
            kind = np.finfo(row["dtype"])
            expected = (kind.eps, kind.tiny, kind.max, np.dtype(row["dtype"]).itemsize)
            assert (row["eps"], row["least"], row["greatest"], row["bytes"]) == expected
            assert row["tenth"] == float(np.array(0.1, row["dtype"]))
        whole = torch.tensor(row["whole"], dtype=getattr(torch, row["dtype"]))
        assert whole + 1 == whole and whole - 1 != whole


def test_without_a_slip_it_is_the_classifier_of_the_course() -> None:
    found = arrays_slips.train("right", 1, epochs=2)
    data = arrays_slips.images(False)
    expected = arrays_linear.train(data, rate=0.03, epochs=2, seed=1, batch=arrays_slips.BATCH)
    assert found["loss"] == pytest.approx(expected["loss"])
    assert found["test_accuracy"] == expected["test_accuracy"]


def test_slips_raise_nothing_and_differ() -> None:
    losses = {way: tuple(arrays_slips.train(way, 0, epochs=2)["loss"]) for way in arrays_slips.SLIPS}
    assert len(set(losses.values())) == len(losses)
    again = arrays_slips.train("noise on a view", 0, epochs=2)["loss"]
    assert tuple(again) == losses["noise on a view"], "the images of the next run are as they were"


def test_labels_of_shape_n_1_report_the_share_of_a_class() -> None:
    assert arrays_slips.train("right", 0, epochs=1)["reported_accuracy"] == pytest.approx(0.1)


def test_the_regression_comes_near_the_least_squares_solution_and_the_slip_to_the_mean() -> None:
    data = arrays_slips.images(False)
    x = np.column_stack([data.train_x, np.ones(len(data.train_x))])
    best = np.linalg.lstsq(x, data.train_y, rcond=None)[0]
    least = float(np.mean((x @ best - data.train_y) ** 2))
    right, slip = (arrays_slips.regress(way, 0, epochs=30) for way in arrays_slips.REGRESSIONS)
    assert least < right["loss"][-1] < 1.1 * least
    assert slip["loss"][-1] > 0.95 * data.train_y.var() and abs(slip["test_r2"]) < 0.05 < right["test_r2"]


def test_a_study_is_written_run_by_run_and_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tiny.json"
    monkeypatch.setattr(arrays_speed, "LEAST", 1e-4)
    for results in itertools.islice(arrays.study("tiny"), 30):
        save_results(results, out)
    begun = arrays.load_results(out)
    monkeypatch.setattr(sys, "argv", ["arrays", "--size", "tiny", "--out", str(out)])
    command.run_study("arrays", arrays.study, arrays.SIZES, ["all"])
    results = arrays.load_results(out)
    assert len(begun["runs"]) == 30 < len(results["runs"]) == len(arrays.plan("tiny"))
    assert [run["loss"] for run in results["runs"][:14]] == [run["loss"] for run in begun["runs"][:14]]
    assert set(arrays.measures("tiny")) <= set(results)
    for plot in PLOTS:
        assert plot(results).axes
    monkeypatch.setattr(sys, "argv", ["arrays", "--size", "short", "--out", str(out)])
    with pytest.raises(SystemExit):
        command.run_study("arrays", arrays.study, arrays.SIZES, ["all"])
    assert "holds size tiny" in capsys.readouterr().err


def test_one_compares_a_step_of_ones_own() -> None:
    calls = []

    def mine(*args: Any) -> float:
        calls.append(args)
        return arrays_torch.sgd_step(*args)

    results = arrays.compare(mine, size="tiny")
    assert calls and arrays.largest_difference(results, "torch and NumPy", "float64") < 1e-12
    assert {run["dtype"] for run in results["runs"]} == set(arrays_torch.FORMATS)
    assert arrays.summary(results, dtype="float32", rate=0.1)["mean"] > 0.5
    for plot in (arrays.plot_differences, arrays.plot_formats):
        assert plot(results).axes
    with pytest.raises(ValueError, match="Expected settings of some runs of these results"):
        arrays.summary(results, part="seeds")
    with pytest.raises(ValueError, match="Expected a pair and dtype of these results"):
        arrays.largest_difference(results, "torch and NumPy", "float16")


def test_committed_results_hold_every_run_and_are_drawn(committed: Any) -> None:
    assert committed["about"]["size"] == "full" and committed["about"]["seeds"] == [0, 1, 2]
    keys = arrays.Settings.__dataclass_fields__
    done = [arrays.Settings(**{key: run[key] for key in keys}) for run in committed["runs"]]
    assert sorted(map(str, done)) == sorted(map(str, arrays.plan("full")))
    for plot in PLOTS:
        assert plot(committed).axes


def test_a_committed_run_with_the_same_seed_gave_the_same_numbers(committed: Any) -> None:
    for data, seed in itertools.product(arrays.CHOSEN, committed["about"]["seeds"]):
        at = {"data": data, "way": "both", "rate": arrays.CHOSEN[data], "seed": seed}
        runs = [run for run in committed["runs"] if at.items() <= run.items()]
        assert [run["part"] for run in runs] == ["rates", "seeds", "repeated"]
        assert len({(*run["loss"], run["test_accuracy"]) for run in runs}) == 1


def test_the_chosen_rates_are_the_best_on_validation_images(committed: Any) -> None:
    assert {data: arrays.best_rate(committed, data) for data in arrays.CHOSEN} == arrays.CHOSEN
