"""What the chapter of unit 00 says about our runs is true of the committed results."""

import math
import warnings
from contextlib import nullcontext
from functools import cache
from typing import Any

import numpy as np
import pytest

from lab.experiments import arrays as study
from lab.experiments import arrays_slips
from lab.experiments.arrays_slips import SLIPS, gradient
from tests.conftest import ROOT

CHAPTER = ROOT / "book/00-numpy/index.md"
LARGE = 300


@cache
def results() -> dict[str, Any]:
    return study.load_results(ROOT / "book/results/00-numpy/full.json")


def about(key: str) -> Any:
    return results()["about"][key]


def runs(**at: Any) -> list[dict[str, Any]]:
    found = [run for run in results()["runs"] if at.items() <= run.items()]
    assert len(found) >= len(about("seeds")) >= 3
    return found


def accuracy(**at: Any) -> dict[str, float]:
    return study.summary(results(), **at)


def slip(way: str, key: str = "test_accuracy") -> dict[str, float]:
    return study.summary(results(), key, part="slips", way=way)


def sums(dtype: str, way: str, n: int) -> list[float]:
    return [
        row["error"] for row in results()["sums"] if (row["dtype"], row["way"], row["n"]) == (dtype, way, n)
    ]


def views(n: int) -> dict[str, tuple]:
    return {row[0]: row for row in study.views_table(results(), n)}


def test_the_chapter_shows_the_full_study_of_the_seven_programs_that_it_counts() -> None:
    assert "results/00-numpy/full.json" in CHAPTER.read_text()
    assert about("size") == "full" and len(results()["runs"]) == len(study.plan("full"))
    assert len(SLIPS) == 7


def test_two_programs_do_what_was_meant_and_every_slip_is_worse_with_every_seed() -> None:
    meant = ("right", "noise on a copy")
    assert abs(slip("right")["mean"] - slip("noise on a copy")["mean"]) < 0.02
    assert max(slip(way)["max"] for way in SLIPS if way not in meant) < min(slip(way)["min"] for way in meant)


def test_a_mean_subtracted_in_bytes_comes_near_enough_that_nobody_would_look() -> None:
    assert 0.02 < slip("right")["mean"] - slip("mean subtracted in uint8")["mean"] < 0.08
    for run in runs(part="slips", way="mean subtracted in uint8"):
        assert run["loss"][-1] < 0.15 * run["loss"][0]


@pytest.mark.parametrize("way", SLIPS)
def test_numpy_warns_of_the_forgotten_keepdims_alone_and_only_when_the_loss_is_no_number(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays_slips, "np", Outspoken())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        losses = arrays_slips.train(way, seed=0, epochs=6)["loss"]
    silent = way != "sum without keepdims"
    assert {str(warning.message) for warning in caught} == (
        set() if silent else {"invalid value encountered in divide"}
    )
    assert all(map(math.isfinite, losses)) == silent
    assert all(map(math.isfinite, losses[:4]))


class Outspoken:
    """NumPy, where nobody can turn its warnings off."""

    def __getattr__(self, name: str) -> Any:
        return (lambda **_: nullcontext()) if name == "errstate" else getattr(np, name)


def test_labels_in_another_order_do_no_better_than_guessing() -> None:
    assert slip("labels not shuffled")["max"] <= 0.1


def test_without_keepdims_the_loss_falls_for_three_epochs_and_is_then_no_number() -> None:
    for run in runs(part="slips", way="sum without keepdims"):
        assert run["loss"][0] > run["loss"][1] > run["loss"][2]
        assert run["loss"][-1] is None or math.isnan(run["loss"][-1])
    assert slip("sum without keepdims")["max"] < 0.11


def test_accuracy_counted_with_wrong_shapes_says_the_same_of_every_program() -> None:
    reported = {run["reported_accuracy"] for run in runs(part="slips")}
    assert max(reported) - min(reported) < 1e-6 and max(reported) < 0.11


def test_a_loop_over_rows_loses_at_ten_points_and_wins_at_three_hundred() -> None:
    rows = {(way, n): (least, most) for way, n, _, least, most in study.speed_table(results(), "distances")}
    assert rows["broadcasting", 10][1] < rows["loop over rows", 10][0]
    assert rows["loop over rows", LARGE][1] < rows["broadcasting", LARGE][0]
    assert round(LARGE * LARGE * 64 * 8 / 1e6) == 46 and "46 MB" in CHAPTER.read_text()


def test_the_products_of_matrices_are_the_fastest_way_and_einsum_is_slower() -> None:
    for way in ("Python", "loop over pairs", "loop over rows", "broadcasting", "einsum"):
        assert study.speedup(results(), "distances", way, "matmul", LARGE) > 2
    assert study.speedup(results(), "gram", "einsum", "matmul", 64) > 1.3
    assert study.speedup(results(), "softmax", "loop over rows", "arrays", 10_000) > 10
    assert study.speedup(results(), "confusion", "add.at", "bincount", 100_000) > 1


@pytest.mark.parametrize(("kind", "slope"), [("float64", 2), ("float64", -1), ("float32", -1)])
def test_the_error_of_central_differences_has_both_slopes(kind: str, slope: int) -> None:
    for row in results()["gradients"]:
        if (row["dtype"], row["difference"]) == (kind, "central"):
            h, error = row["h"], row["error"]
            near = {2: (1e-2, 1e-3), -1: (1e-4, 1e-5) if kind == "float32" else (1e-8, 1e-10)}[slope]
            high, low = (error[min(range(len(h)), key=lambda i, at=at: abs(h[i] / at - 1))] for at in near)
            found = math.log10(high / low) / math.log10(near[0] / near[1])
            assert found == pytest.approx(slope, abs=0.35)


def test_the_best_nudge_is_near_the_predicted_one_and_one_side_is_never_as_good() -> None:
    rows = {(row["dtype"], row["difference"]): row for row in study.gradients_table(results())}
    for row in rows.values():
        for h in row["best_h"]:
            assert 0.3 < h / row["predicted_h"]["mean"] < 3
        assert 0.3 < row["error"]["mean"] / row["predicted"]["mean"] < 3
    for kind in ("float32", "float64"):
        assert rows[kind, "forward"]["error"]["min"] > 10 * rows[kind, "central"]["error"]["max"]


def test_in_float32_nothing_is_right_with_the_nudge_that_is_best_in_float64() -> None:
    for row in results()["gradients"]:
        if (row["dtype"], row["difference"]) == ("float32", "central"):
            assert row["error"][row["h"].index(1e-5)] > 0.01


def test_the_rates_that_are_shown_are_best_on_validation_and_the_digits_test_images_are_harder() -> None:
    for data, rate in about("chosen").items():
        assert study.best_rate(results(), data) == rate
    at = {"part": "rates", "data": "digits", "rate": study.best_rate(results(), "digits")}
    validation = study.summary(results(), "validation_accuracy", **at)
    assert validation["min"] > accuracy(**at)["max"] + 0.05


def test_the_order_makes_nearly_all_of_the_spread_and_the_first_weights_little() -> None:
    for data in ("digits", "photos"):
        both, weights, order = (
            accuracy(part="seeds", data=data, way=way)["std"] for way in ("both", "weights", "order")
        )
        assert 0.7 < order / both < 1.4
        assert weights < both / 3


def test_two_seeds_may_be_three_points_apart_on_photographs_and_seed_zero_is_the_best() -> None:
    found = runs(part="seeds", data="photos", way="both")
    ends = {run["seed"]: run["test_accuracy"] for run in found}
    assert len(ends) == about("many_seeds") == 20
    assert max(ends.values()) - min(ends.values()) > 0.03
    assert max(ends, key=lambda seed: ends[seed]) == 0


def test_the_same_seed_gives_the_same_losses() -> None:
    for again in runs(part="repeated"):
        at = {key: again[key] for key in ("data", "way", "seed")}
        (first,) = [run for run in results()["runs"] if run["part"] == "seeds" and at.items() <= run.items()]
        assert first["loss"] == again["loss"]


def test_numpy_and_torch_stay_together() -> None:
    assert study.largest_difference(results(), "torch and NumPy", "float64") < 1e-13
    assert study.largest_difference(results(), "torch and NumPy", "float32") < 1e-5


def test_half_of_all_pixels_are_wrong_in_the_difference_of_two_images_in_bytes() -> None:
    rows = {row["what"]: row for row in results()["bytes"]}
    assert rows["absolute difference of two images"]["share_wrong"] == pytest.approx(0.5, abs=0.01)
    assert rows["brighter by 60"]["value"] < rows["brighter by 60"]["right"]


def test_a_float16_sum_stands_still_and_pairs_help_in_float32_but_not_along_axis_0() -> None:
    assert min(sums("float16", "one after the other", 10_000)) > 0.5
    slow = sums("float32", "one after the other", 10_000_000)
    assert min(slow) > 30 * max(sums("float32", "np.sum of a vector", 10_000_000))
    assert sums("float32", "np.sum over axis 0", 10_000_000) == slow
    assert set(sums("float16", "np.sum of a vector", 1_000_000)) <= {None, math.inf}


def test_float32_trains_as_float64_and_bfloat16_is_behind_at_both_rates() -> None:
    low, high = about("format_rates")
    loss = {
        (kind, rate): study.summary(results(), "loss", part="formats", dtype=kind, rate=rate)["mean"]
        for kind in ("float64", "float32", "bfloat16", "float16")
        for rate in (low, high)
    }
    for rate in (low, high):
        assert loss["float32", rate] == pytest.approx(loss["float64", rate], rel=1e-3)
    assert loss["bfloat16", low] == pytest.approx(2 * loss["float64", low], rel=0.1)
    assert loss["bfloat16", high] == pytest.approx(1.25 * loss["float64", high], rel=0.05)
    brain, double = (
        [accuracy(part="formats", dtype=kind, rate=rate)["mean"] for rate in (low, high)]
        for kind in ("bfloat16", "float64")
    )
    assert abs(brain[0] - double[0]) < 0.01 < double[1] - brain[1]


def test_a_slice_costs_the_same_for_any_length_and_a_copy_does_not() -> None:
    few, many = views(1000), views(10_000_000)
    assert many["slice x[:n]"][1] < 2 * few["slice x[:n]"][1]
    assert many["slice and copy"][1] > 1000 * few["slice and copy"][1]
    assert many["integers in random order"][3] > many["slice and copy"][2]


def test_the_wrong_shapes_explain_next_to_nothing_though_the_loss_falls() -> None:
    wrong = "(N, 1) minus (N,)"
    assert study.summary(results(), "test_r2", part="regression", way=wrong)["max"] < 0.05
    assert study.summary(results(), "test_r2", part="regression", way="right")["min"] > 0.4
    for run in runs(part="regression", way=wrong):
        assert run["loss"][-1] < run["loss"][0]


def test_with_other_sizes_the_forgotten_keepdims_is_an_error_and_no_other_slip_is() -> None:
    rng = np.random.default_rng(0)
    W, b, x, y = rng.normal(size=(5, 10)), np.zeros(10), rng.normal(size=(12, 5)), rng.integers(10, size=12)
    for way in SLIPS:
        if way == "sum without keepdims":
            with pytest.raises(ValueError, match="broadcast"):
                gradient(way, W, b, x, y)
        else:
            assert np.isfinite(gradient(way, W, b, x, y)[0])
