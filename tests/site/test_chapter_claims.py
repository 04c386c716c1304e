"""What the chapter says about our runs is true of the committed results: new ones cannot outdate it."""

import json
import math
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

RESULTS = json.loads((Path(__file__).parents[2] / "book/results/02-batchnorm/full.json").read_text())
WITH, WITHOUT = True, False


def runs(
    norm: bool, lr: float = 0.01, weight_scale: float = 1.0, batch_size: int = 32
) -> list[dict[str, Any]]:
    wanted = {"norm": norm, "lr": lr, "weight_scale": weight_scale, "batch_size": batch_size}
    found = [run for run in RESULTS["runs"] if wanted.items() <= run.items()]
    assert len(found) == 3
    return found


def accuracy(norm: bool, **at: Any) -> float:
    return mean(run["test_accuracy"][-1] for run in runs(norm, **at))


def test_loss_falls_faster_with_it_in_every_epoch() -> None:
    for epoch in range(5):
        with_it, without = (mean(run["loss"][epoch] for run in runs(norm)) for norm in (WITH, WITHOUT))
        assert with_it < without


def test_without_it_no_run_leaves_chance_at_a_learning_rate_of_a_tenth() -> None:
    losses = [run["loss"][-1] for run in runs(WITHOUT, lr=0.1)]
    assert None in losses
    assert all(loss is None or abs(loss - math.log(10)) < 0.2 for loss in losses)
    assert max(run["test_accuracy"][-1] for run in runs(WITHOUT, lr=0.1)) == pytest.approx(0.1)


@pytest.mark.parametrize("lr", [0.1, 0.3])
def test_with_it_high_learning_rates_train(lr: float) -> None:
    assert min(run["test_accuracy"][-1] for run in runs(WITH, lr=lr)) > 0.5


def test_at_a_learning_rate_of_one_it_trains_badly() -> None:
    assert 0.15 < accuracy(WITH, lr=1.0) < 0.5


def test_the_best_learning_rate_is_higher_with_it_and_the_seeds_blur_by_how_much() -> None:
    lrs = RESULTS["about"]["lrs"]
    assert max(lrs, key=lambda lr: accuracy(WITHOUT, lr=lr)) == 0.003
    assert max(lrs, key=lambda lr: accuracy(WITH, lr=lr)) == 0.03
    assert max(accuracy(WITH, lr=lr) for lr in lrs) > max(accuracy(WITHOUT, lr=lr) for lr in lrs)
    seeds = [run["test_accuracy"][-1] for run in runs(WITH, lr=0.01)]
    means = [accuracy(WITH, lr=lr) for lr in (0.003, 0.01, 0.03)]
    assert max(seeds) - min(seeds) > max(means) - min(means)


def test_every_scale_of_the_weights_trains_with_it_and_few_without() -> None:
    for scale in (0.1, 0.3, 1.0, 3.0, 10.0):
        assert accuracy(WITH, weight_scale=scale) > 0.7
    assert accuracy(WITHOUT, weight_scale=0.1) == pytest.approx(0.1)
    assert all(run["loss"][0] is None for scale in (3.0, 10.0) for run in runs(WITHOUT, weight_scale=scale))


def test_the_gap_between_training_and_test_is_no_further_apart_than_the_seeds() -> None:
    gaps = {n: [run["train_accuracy"] - run["test_accuracy"][-1] for run in runs(n)] for n in (WITH, WITHOUT)}
    between = abs(mean(gaps[WITH]) - mean(gaps[WITHOUT]))
    assert between <= min(max(gap) - min(gap) for gap in gaps.values())


def test_it_adds_208_trained_parameters_for_208_channels() -> None:
    parameters = RESULTS["parameters"]
    assert parameters["with BN"]["trained"] - parameters["without"]["trained"] == 208
    assert parameters["with BN"]["kept"] == 416


def test_train_mode_ruins_small_and_sorted_batches_and_beats_eval_mode_in_large_ones() -> None:
    modes = [run["modes"] for run in runs(WITH)]
    shuffled, by_class = (
        [mean(m[order][i] for m in modes) for i in range(5)] for order in ("train", "train, sorted by class")
    )
    eval_mode = mean(m["eval"] for m in modes)
    assert shuffled[0] < 0.5 * eval_mode
    assert max(by_class) < 0.5 * eval_mode
    sizes = modes[0]["batch_sizes"]
    assert [size for size, of_size in zip(sizes, shuffled, strict=True) if of_size > eval_mode] == [32, 128]


def test_batches_of_two_turn_the_order_around() -> None:
    assert accuracy(WITH, batch_size=2, lr=0.000625) < accuracy(WITHOUT, batch_size=2, lr=0.000625)
    assert accuracy(WITH) > accuracy(WITHOUT)


def test_at_the_first_layer_the_places_of_an_image_hardly_count_as_examples() -> None:
    for noise in RESULTS["batch_noise"]:
        if noise["layer"] == "first":
            assert 0.8 < noise["mean"] * noise["batch_size"] ** 0.5 < 1
