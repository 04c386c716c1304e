"""What the chapter of unit 01 says about our runs is true of the committed results."""

import json
import math
import re
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import pytest

from lab.data import read
from lab.figures import standardize

ROOT = Path(__file__).parents[2]
RAW, UNIT, CHANNELS, FEATURES = "raw", "to [0, 1]", "standardized per channel", "standardized per feature"
GLOBAL, LOCAL, ZCA = "global contrast", "local contrast", "whitened (ZCA)"


@cache
def results(name: str = "full") -> dict[str, Any]:
    return json.loads((ROOT / f"book/results/01-normalization/{name}.json").read_text())


def runs(
    preparation: str, *, data: str = "photo_patches", optimizer: str = "Adam", lr: float = 1e-3
) -> list[dict[str, Any]]:
    of = results("cifar10" if data == "cifar10" else "full")
    wanted = {"data": data, "preparation": preparation, "optimizer": optimizer, "lr": lr}
    found = [run for run in of["runs"] if wanted.items() <= run.items()]
    assert len(found) == len(of["about"]["seeds"]) >= 3
    return found


def ends(preparation: str, **at: Any) -> list[float]:
    return [run["val_accuracy"][-1] for run in runs(preparation, **at)]


def first_loss(preparation: str, **at: Any) -> float:
    return mean(run["loss"][0] for run in runs(preparation, **at))


def test_raw_digits_are_learnt_and_raw_colour_patches_are_not() -> None:
    assert min(ends(RAW, data="mnist5k")) > 0.9
    assert max(ends(RAW)) < 0.6


def test_on_raw_images_the_first_epoch_is_worse_than_knowing_nothing() -> None:
    for data in ("photo_patches", "mnist5k"):
        assert first_loss(RAW, data=data) > 2 * math.log(10)
    assert first_loss(CHANNELS) < math.log(10)


def test_every_preparation_beats_raw_with_every_seed() -> None:
    for preparation in (UNIT, CHANNELS, FEATURES, GLOBAL, LOCAL, ZCA):
        assert min(ends(preparation)) > max(ends(RAW))


def test_the_scale_does_most_of_it_and_centring_adds_less() -> None:
    raw, unit, standardized = (mean(ends(name)) for name in (RAW, UNIT, CHANNELS))
    assert unit - raw > standardized - unit > 0


def test_seeds_do_not_tell_per_channel_from_per_feature() -> None:
    seeds = ends(CHANNELS) + ends(FEATURES)
    assert abs(mean(ends(CHANNELS)) - mean(ends(FEATURES))) < max(seeds) - min(seeds)


def test_contrast_normalization_and_whitening_give_less_than_standardization() -> None:
    for preparation in (GLOBAL, LOCAL, ZCA):
        assert mean(ends(preparation)) < mean(ends(CHANNELS))
    assert mean(ends(LOCAL)) < min(mean(ends(GLOBAL)), mean(ends(ZCA)))


def best(preparation: str, optimizer: str) -> tuple[float, float]:
    """The best mean accuracy over the learning rates, and its rate."""
    lrs = results()["about"][f"{optimizer.lower()}_lrs"]
    return max((mean(ends(preparation, optimizer=optimizer, lr=lr)), lr) for lr in lrs)


def test_sgd_trains_standardized_images_where_it_loses_raw_ones() -> None:
    assert {0.01, 0.1} <= set(results()["about"]["sgd_lrs"])
    for lr in (0.01, 0.1):
        assert all(run["loss"][-1] is None for run in runs(RAW, optimizer="SGD", lr=lr))
        assert min(ends(CHANNELS, optimizer="SGD", lr=lr)) > 0.4


def test_at_the_rates_of_raw_images_standardized_ones_are_nearly_at_rest() -> None:
    lr = best(RAW, "SGD")[1]
    for run in runs(CHANNELS, optimizer="SGD", lr=lr):
        assert run["loss"][0] - run["loss"][-1] < 0.2


def test_the_best_rate_of_sgd_is_higher_for_standardized_images_and_gives_more() -> None:
    (raw, raw_lr), (standardized, standardized_lr) = best(RAW, "SGD"), best(CHANNELS, "SGD")
    assert standardized_lr >= 100 * raw_lr
    assert standardized > raw + 0.05


def test_with_its_own_rate_adam_closes_a_part_of_the_gap_and_no_rate_closes_it() -> None:
    (raw, raw_lr), (standardized, standardized_lr) = best(RAW, "Adam"), best(CHANNELS, "Adam")
    assert raw_lr < standardized_lr == 1e-3
    assert raw > mean(ends(RAW)) + 0.1
    assert standardized > max(raw, best(RAW, "SGD")[0]) + 0.1


def spectrum(preparation: str, data: str = "photo_patches") -> dict[str, Any]:
    (found,) = (
        s for s in results()["measures"]["spectra"] if (s["data"], s["preparation"]) == (data, preparation)
    )
    return found


def test_one_eigenvalue_of_raw_images_holds_nearly_all() -> None:
    assert spectrum(RAW)["first_share"] > 0.85


def test_its_direction_is_that_of_the_mean_and_the_mean_is_most_of_it() -> None:
    x = read("photo_patches").train_images.reshape(-1, spectrum(RAW)["features"]).astype(float)
    along = x.mean(axis=0)
    curvature = np.mean((x @ along) ** 2) / (along @ along)
    assert 0.999 < curvature / spectrum(RAW)["largest"] <= 1 + 1e-6
    assert 0.5 < (along @ along) / spectrum(RAW)["largest"] < 0.9


def limit_for_windows(images: np.ndarray) -> float:
    corners = [images[:, i : i + 31, j : j + 31].reshape(-1, 3) for i in (0, 1) for j in (0, 1)]
    windows = np.concatenate(corners, axis=1)
    return 2 / np.linalg.norm(windows, ord=2) ** 2 * len(windows)


def test_the_limit_for_windows_fits_the_rates_of_sgd_on_standardized_images_and_not_on_raw_ones() -> None:
    raw = read("photo_patches").train_images[:1000].astype(float)
    standardized = (raw - raw.mean(axis=(0, 1, 2))) / raw.std(axis=(0, 1, 2))
    assert 0.1 < limit_for_windows(standardized) < 1
    assert all(run["loss"][-1] is None for run in runs(CHANNELS, optimizer="SGD", lr=1.0))
    assert 50 < 1e-3 / limit_for_windows(raw) < 200
    assert min(ends(RAW, optimizer="SGD", lr=1e-3)) > 0.4


def test_centring_does_not_lower_the_largest_stable_rate() -> None:
    for data in ("photo_patches", "mnist5k"):
        assert spectrum("centred", data)["max_lr"] >= spectrum(RAW, data)["max_lr"]


def test_on_photographs_the_division_does_not_lower_the_condition_number() -> None:
    assert spectrum("centred")["condition"] < spectrum(RAW)["condition"]
    assert spectrum("centred")["condition"] < spectrum(CHANNELS)["condition"]


def hessian(how: str, mean: float, spread: float, correlation: float) -> np.ndarray:
    """H for the data that the figure begins with."""
    raw = standardize.cloud(standardize.pairs(standardize.SEED), mean, spread, correlation)
    x = standardize.prepare(raw, how)
    return x.T @ x / len(x)


def test_play_correlation_alone_leaves_only_whitening_to_help() -> None:
    for how in ("raw", "centred", "standardized"):
        small, large = np.linalg.eigvalsh(hessian(how, 0, 1, 0.9))
        assert 16 <= large / small < 17


def test_play_centring_raises_a_condition_number_and_not_the_curvature() -> None:
    raw, centred = (np.linalg.eigvalsh(hessian(how, 1, 1, -0.9)) for how in ("raw", "centred"))
    assert f"{raw[1] / raw[0]:.1f}" == "1.1"
    assert f"{centred[1] / centred[0]:.0f}" == "20"
    assert centred[1] <= raw[1]


def test_the_quiz_tells_the_steps_of_the_figure_at_the_rate_of_raw_data() -> None:
    first = (standardize.MEAN, standardize.SPREAD, standardize.CORRELATION)
    both = [hessian(how, *first) for how in ("raw", "centred")]
    assert [standardize.steps_to_arrive(H, 0.2) for H in both] == [54, 106]
    raw, centred = (np.linalg.eigvalsh(H) for H in both)
    assert 2 / raw.sum() == pytest.approx(0.2, abs=0.005)
    assert [f"{values[0]:.2f}" for values in (raw, centred)] == ["0.41", "0.19"]
    assert [f"{values[1] / values[0]:.2g}" for values in (raw, centred)] == ["23", "6.9"]


def test_dividing_by_the_deviations_moves_the_spectrum_and_keeps_its_shape() -> None:
    centred, standardized = spectrum("centred"), spectrum(CHANNELS)
    assert standardized["max_lr"] > 1000 * centred["max_lr"]
    assert 0.8 < standardized["condition"] / centred["condition"] < 1.25
    assert spectrum(ZCA)["condition"] < 1e-3 * standardized["condition"]


def test_the_network_has_the_parameters_of_the_lecture() -> None:
    assert (results()["parameters"]["conv 1"], results()["parameters"]["conv 2"]) == (832, 16_448)


def test_cifar10_was_split_and_trained_as_in_the_lecture() -> None:
    about = results("cifar10")["about"]
    assert (about["train_images"], about["val_images"], about["epochs"]) == (40_000, 10_000, 10)


def test_on_cifar10_standardized_images_win_with_every_seed() -> None:
    raw, standardized = (ends(name, data="cifar10") for name in (RAW, CHANNELS))
    assert min(standardized) > max(raw) > 0.55


def test_on_cifar10_standardized_images_reach_the_figure_of_the_lecture_and_stay_there() -> None:
    found = runs(CHANNELS, data="cifar10")
    by_epoch = [mean(values) for values in zip(*(run["val_accuracy"] for run in found), strict=True)]
    losses = [mean(values) for values in zip(*(run["loss"] for run in found), strict=True)]
    peak = by_epoch.index(max(by_epoch))
    assert 0.71 <= by_epoch[peak] <= 0.72
    assert all(later < by_epoch[peak] for later in by_epoch[peak + 1 :])
    assert losses[peak:] == sorted(losses[peak:], reverse=True)


def test_on_raw_cifar10_the_seeds_lie_further_apart() -> None:
    raw, standardized = (ends(name, data="cifar10") for name in (RAW, CHANNELS))
    assert max(raw) - min(raw) > max(standardized) - min(standardized)


def test_the_chapter_says_nothing_of_a_run_in_plain_figures() -> None:
    text = (ROOT / "book/01-normalization/index.md").read_text(encoding="utf-8")
    told = text[text.index("## What it buys") : text.index("### On CIFAR-10")]
    prose = re.sub(r"^```.*?^```$", "", told, flags=re.MULTILINE | re.DOTALL)
    assert not re.findall(r"\d+(?:\.\d+)? ?(?:percent|%)", prose)
