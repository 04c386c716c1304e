"""Unit 12's errors of a gain, against closed forms and simulations whose answer is known."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("skimage", reason="scikit-image is not installed")
stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")

from lab.data import read  # noqa: E402
from lab.experiments import capstone_errors as errors  # noqa: E402
from lab.experiments import capstone_uncertainty as uncertainty  # noqa: E402
from lab.experiments.results import save_results  # noqa: E402

BOOK = Path(__file__).resolve().parents[2] / "book" / "results" / "12-capstone"


def made_up(before: np.ndarray, after: np.ndarray, cells: np.ndarray) -> uncertainty.Results:
    """Results whose networks have these images right: (seeds, N) each."""

    def text(right: np.ndarray) -> str:
        return "".join(map(str, right.astype(int)))

    rungs = {"low": before, "high": after}
    runs = [
        {"rung": rung, "seed": seed, "correct": text(right), "fresh_correct": text(right)}
        for rung, found in rungs.items()
        for seed, right in enumerate(found)
    ]
    return {"about": {"rungs": list(rungs), "fresh_cells": cells.tolist()}, "runs": runs}


def drawn(seed: int, seeds: int = 4, n: int = 90) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    hard = rng.random(n)
    return rng.random((seeds, n)) < 0.8 - 0.5 * hard, rng.random((seeds, n)) < 0.95 - 0.5 * hard


def test_errors_over_images_are_those_of_scipys_two_tests() -> None:
    before, after = drawn(0)
    found = uncertainty.gain_errors(made_up(before, after, np.arange(90)), seed=2, key="correct")
    assert list(found) == ["two samples", "the same images", "the same seeds"]
    gain, paired = found["the same images"]
    assert gain == pytest.approx(after[2].mean() - before[2].mean())
    test = stats.ttest_rel(after[2].astype(float), before[2].astype(float))
    assert gain / paired == pytest.approx(test.statistic)
    p = before[2].mean(), after[2].mean()
    assert found["two samples"][1] == pytest.approx(np.sqrt(sum(a * (1 - a) for a in p) / 90))


def test_the_error_over_seeds_is_that_of_the_mean_of_paired_differences() -> None:
    before, after = drawn(1)
    gain, error = uncertainty.gain_errors(made_up(before, after, np.arange(90)))["the same seeds"]
    differences = after.mean(axis=1) - before.mean(axis=1)
    assert gain == pytest.approx(differences.mean())
    assert error == pytest.approx(stats.sem(differences))


def test_cells_of_one_crop_each_are_images_and_copies_in_a_cell_count_once() -> None:
    values = np.random.default_rng(2).random(300)
    single = errors.cell_error(values, np.arange(300))
    assert single == pytest.approx(values.std() / np.sqrt(300), rel=0.06)
    copied = errors.cell_error(values.repeat(5), np.arange(300).repeat(5))
    assert copied == pytest.approx(single)


def test_photographs_are_not_drawn_anew() -> None:
    """All crops of a photograph are right or all are wrong: nothing is unsure but the photographs."""
    photograph = np.arange(200) % 2
    cells = photograph * errors.CELLS + np.arange(200) // 2 % 10
    assert errors.cell_error(photograph.astype(float), cells) == pytest.approx(0, abs=1e-12)


def test_the_error_by_cell_is_what_new_cells_would_show() -> None:
    rng = np.random.default_rng(3)

    def sample() -> np.ndarray:
        return (rng.random((40, 10)) < rng.beta(1, 1, (40, 1))).astype(float).ravel()

    cells = np.arange(40).repeat(10)
    truth = np.std([sample().mean() for _ in range(2000)])
    by_cell = np.mean([errors.cell_error(sample(), cells) for _ in range(30)])
    by_image = np.mean([errors.cell_error(sample(), np.arange(400)) for _ in range(30)])
    assert by_cell == pytest.approx(truth, rel=0.1)
    assert by_image < 0.6 * truth


def test_the_variance_over_seeds_is_found_though_the_images_are_few() -> None:
    rng, n, deviation, found = np.random.default_rng(4), 400, 0.05, []
    for _ in range(100):
        shares = rng.normal(0.7, deviation, (6, 1))
        right = rng.random((6, n)) < shares
        found.append(uncertainty.variances(made_up(right, right, np.arange(n)))["low"])
    assert np.mean([each["seeds"] for each in found]) == pytest.approx(deviation**2, rel=0.15)
    assert np.mean([each["images"] for each in found]) == pytest.approx(0.7 * 0.3 / n, rel=0.05)


@pytest.fixture(scope="module")
def results() -> uncertainty.Results:
    *_, last = uncertainty.study("tiny")
    return last


def test_all_runs_see_the_same_fresh_crops_and_the_same_test_images(results: uncertainty.Results) -> None:
    s = uncertainty.SIZES["tiny"]
    for run in results["runs"]:
        assert len(run["fresh_correct"]) == len(results["about"]["fresh_cells"]) == s.fresh_images
        assert run["test_accuracy"] == pytest.approx(run["correct"].count("1") / len(run["correct"]))
        assert len(run["fresh_accuracy"]) == s.fresh_sets
    firsts = uncertainty.fresh_crops("tiny")
    assert not torch.equal(firsts[1].x, firsts[2].x)
    labels = firsts[0].cells // errors.CELLS
    np.testing.assert_array_equal(labels, firsts[0].y)


def test_a_fresh_crop_shows_nothing_that_was_trained_on() -> None:
    pixels, _, _ = uncertainty.fresh(200, np.random.default_rng(5))
    known = {image.tobytes() for image in read("photo_patches").train_images}
    again = [image for image in pixels if image.tobytes() in known]
    assert all(np.ptp(image, axis=(0, 1)).max() == 0 for image in again)  # the black frame of the retina


def test_a_rerun_is_the_same_and_another_seed_is_not() -> None:
    def numbers(seed: int) -> Any:
        found = uncertainty.run(uncertainty.Settings("batch norm", seed), "tiny")
        return found["correct"], found["fresh_accuracy"]

    assert numbers(0) == numbers(0) != numbers(1)


def test_a_study_is_continued_saved_and_drawn(results: uncertainty.Results, tmp_path: Path) -> None:
    *_, again = uncertainty.study("tiny", {**results, "runs": results["runs"][:-1]})
    assert again["runs"] == results["runs"]
    save_results(results, tmp_path / "r.json")
    back = uncertainty.load_results(tmp_path / "r.json")
    assert uncertainty.plot_gain_errors(uncertainty.gain_errors(back)).axes
    assert len(uncertainty.plot_gains_by_seed(back).axes[0].get_yticks()) == 3
    assert len(uncertainty.plot_fresh_sets(back).axes) == 2
    found = uncertainty.accuracy_errors(back)
    rung = results["about"]["rungs"][-1]
    sets = np.array(next(r for r in results["runs"] if r["rung"] == rung)["fresh_accuracy"])
    assert found["fresh sets"] == pytest.approx(sets.std(ddof=1), rel=1e-5)


def test_a_seed_that_one_rung_lacks_is_left_out(results: uncertainty.Results) -> None:
    cut = {**results, "runs": results["runs"][:-1]}
    assert [len(uncertainty.correct(cut, rung)) for rung in uncertainty.RUNGS] == [1, 1]


def test_the_committed_results_are_whole_and_can_be_drawn() -> None:
    results = uncertainty.load_results(BOOK / "uncertainty.json")
    about, size = results["about"], uncertainty.SIZES["full"]
    assert len(about["seeds"]) >= 3 and {"device", "torch", "date", "data"} <= set(about)
    assert [(run["rung"], run["seed"]) for run in results["runs"]] == [
        (at.rung, at.seed) for at in uncertainty.plan("full")
    ]
    for run in results["runs"]:
        assert (len(run["correct"]), len(run["fresh_accuracy"])) == (1000, size.fresh_sets)
    assert uncertainty.plot_gain_errors(uncertainty.gain_errors(results)).axes
    assert uncertainty.plot_gains_by_seed(results).axes
    assert uncertainty.plot_fresh_sets(results).axes
