"""The experiments of unit 12: what sets of tricks say about a trick, and what the study promises."""

from itertools import permutations
from math import factorial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("skimage", reason="scikit-image is not installed")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from lab import ladder  # noqa: E402
from lab.data import read  # noqa: E402
from lab.experiments import capstone  # noqa: E402
from lab.experiments.capstone_training import (  # noqa: E402
    images,
    probabilities,
    standardized,
    tricks_of,
)
from lab.experiments.results import save_results  # noqa: E402
from lab.ladder import RUNGS, Tricks  # noqa: E402

BOOK = Path(__file__).resolve().parents[2] / "book" / "results" / "12-capstone"
PLOTS = [capstone.plot_leave_one_out, capstone.plot_orders]
EVERYTHING = frozenset(capstone.TRICKS)


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """No training: an accuracy that depends on the set and on the seed."""

    def train(tricks: Tricks, data: Any, size: Any, seed: int) -> dict[str, Any]:
        drawn = np.random.default_rng([abs(hash(tricks)) % 10**6, seed])
        return {"test_accuracy": drawn.random(), "loss": [1.0]}

    monkeypatch.setattr(ladder, "train", train)


@pytest.fixture
def results(made_up: None) -> capstone.Results:
    *_, last = capstone.study("tiny")
    return last


def test_all_tricks_are_those_of_the_last_rung_that_fits_the_budget() -> None:
    assert tricks_of(capstone.TRICKS) == RUNGS["instance norm"]
    assert tricks_of([]) == Tricks()
    assert tricks_of(["crop", "batch norm"]) == Tricks(batch_norm=True, crop=4)
    with pytest.raises(ValueError, match=r"Expected names of noise, .*, got capacity"):
        tricks_of(["flip", "capacity"])


def test_the_plan_has_every_set_of_four_and_all_but_one_each_once() -> None:
    for size in capstone.SIZES:
        seeds = capstone.SIZES[size].seeds
        found = [(frozenset(at.tricks), at.seed) for at in capstone.plan(size)]
        assert len(set(found)) == len(found) == (16 + 1 + 7) * len(seeds)
        sets = {names for names, _ in found}
        assert sum(names <= set(capstone.FOUR) for names in sets) == 16
        assert {EVERYTHING - names for names in sets if len(names) > 5} == {
            frozenset(),
            *(frozenset([name]) for name in capstone.TRICKS),
        }
    assert len(capstone.SIZES["full"].seeds) >= 3


def test_what_is_lost_without_a_trick_is_paired_by_seed(results: capstone.Results) -> None:
    lost = capstone.lost_without(results)
    assert list(lost) == list(capstone.TRICKS)
    for name, found in lost.items():
        for seed in (0, 1):
            with_it, without = (
                next(
                    run["test_accuracy"]
                    for run in results["runs"]
                    if set(run["tricks"]) == names and run["seed"] == seed
                )
                for names in (EVERYTHING, EVERYTHING - {name})
            )
            assert found[seed] == pytest.approx(with_it - without)


def test_gains_of_a_ladder_add_up_whatever_the_order(results: capstone.Results) -> None:
    values = capstone.measured(results)
    whole = values[frozenset(capstone.FOUR)] - values[frozenset()]
    for order in permutations(capstone.FOUR):
        np.testing.assert_allclose(capstone.ladder_of(results, order).sum(axis=0), whole)


def test_shapley_values_are_the_mean_over_all_orders_and_the_weighted_sum(results: capstone.Results) -> None:
    values, found = capstone.measured(results), capstone.shapley_of(results)
    orders = list(permutations(capstone.FOUR))
    for name in capstone.FOUR:
        gains = [capstone.ladder_of(results, order)[order.index(name)] for order in orders]
        np.testing.assert_allclose(found[name], np.mean(gains, axis=0))
        weighted = sum(
            factorial(len(s)) * factorial(3 - len(s)) / factorial(4) * (values[s | {name}] - values[s])
            for s in values
            if s <= set(capstone.FOUR) - {name}
        )
        np.testing.assert_allclose(found[name], weighted)


def test_of_two_tricks_each_gets_its_gain_alone_and_half_of_the_interaction() -> None:
    accuracies = {(): 0.5, ("flip",): 0.6, ("crop",): 0.65, ("flip", "crop"): 0.7}
    runs = [{"tricks": list(names), "seed": 3, "test_accuracy": a} for names, a in accuracies.items()]
    results = {"about": {"four": ["flip", "crop"]}, "runs": runs}
    assert capstone.shares_of(results)[frozenset({"flip", "crop"})] == pytest.approx([-0.05])
    assert capstone.shapley_of(results)["flip"] == pytest.approx([0.1 - 0.025])
    assert capstone.shapley_of(results)["crop"] == pytest.approx([0.15 - 0.025])


def test_a_seed_that_a_set_lacks_is_left_out(results: capstone.Results) -> None:
    cut = {**results, "runs": results["runs"][:-1]}
    assert {len(values) for values in capstone.measured(cut).values()} == {1}
    assert {len(values) for values in capstone.measured(results).values()} == {2}


def test_a_study_is_continued_and_saved_and_drawn(results: capstone.Results, tmp_path: Path) -> None:
    *_, again = capstone.study("tiny", {**results, "runs": results["runs"][:-2]})
    assert [run["test_accuracy"] for run in again["runs"]] == [
        run["test_accuracy"] for run in results["runs"]
    ]
    save_results(results, tmp_path / "r.json")
    for plot in PLOTS:
        assert plot(capstone.load_results(tmp_path / "r.json")).axes


def test_in_a_notebook_some_tricks_are_left_out_one_by_one(made_up: None) -> None:
    results = capstone.compare(["crop", "flip"], size="tiny")
    lost = capstone.lost_without(results)
    assert list(lost) == ["flip", "crop"] and len(results["runs"]) == 3 * 2
    both, flip = (
        capstone.accuracy_with(frozenset(names), 1, "tiny") for names in (["flip", "crop"], ["flip"])
    )
    assert lost["crop"][1] == pytest.approx(both - flip)
    assert capstone.plot_leave_one_out(results).axes


def test_one_set_and_seed_is_one_number_and_another_seed_another_network() -> None:
    at = [capstone.Settings(["flip"], seed) for seed in (0, 0, 1)]
    losses = [capstone.run(settings, "tiny")["loss"] for settings in at]
    assert losses[0] == losses[1] != losses[2]


def test_other_images_are_scaled_as_the_training_images_are() -> None:
    test_images = read("photo_patches").test_images[:7]
    np.testing.assert_allclose(standardized(test_images), images(ladder.SIZES["short"]).test_x[:7], atol=1e-4)


def test_probabilities_are_means_over_networks_and_mirror_images() -> None:
    nets = [ladder.network(Tricks(), 2, seed).eval() for seed in (0, 1)]
    x = torch.randn(5, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = sum(net(v).softmax(1) for net in nets for v in (x, x.flip(3))) / 4
    torch.testing.assert_close(probabilities(nets, x, mirrored=True), expected)
    torch.testing.assert_close(probabilities(nets[:1], x).sum(dim=1), torch.ones(5))


def test_what_is_trained_on_is_not_tested_on_but_for_the_black_frame_of_the_retina() -> None:
    data = read("photo_patches")
    known = {image.tobytes() for image in data.train_images}
    again = [image for image in data.test_images if image.tobytes() in known]
    assert len(again) < 0.02 * len(data.test_images)
    assert all(np.ptp(image, axis=(0, 1)).max() == 0 for image in again)  # of one colour


def test_the_committed_results_are_whole_and_can_be_drawn() -> None:
    results = capstone.load_results(BOOK / "ablation.json")
    about = results["about"]
    assert len(about["seeds"]) >= 3 and {"device", "torch", "date", "data"} <= set(about)
    found = {(tuple(run["tricks"]), run["seed"]) for run in results["runs"]}
    assert found == {(tuple(at.tricks), at.seed) for at in capstone.plan("full")}
    assert {len(run["loss"]) for run in results["runs"]} == {about["epochs"]}
    for plot in PLOTS:
        assert plot(results).axes


def test_the_committed_ladder_is_the_ablations_where_both_have_a_set() -> None:
    """Two programs' files: the ladder's rung, and the set of its tricks."""
    ladders = ladder.load_results(BOOK / "short.json")["runs"]
    rung = {run["seed"]: run["test_accuracy"] for run in ladders if run["rung"] == "instance norm"}
    everything = capstone.measured(capstone.load_results(BOOK / "ablation.json"))[EVERYTHING]
    np.testing.assert_allclose(everything[: len(rung)], [rung[seed] for seed in sorted(rung)])
