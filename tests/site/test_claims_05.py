"""What the chapter of unit 05 says about our runs is true of the committed results."""

import json
import re
from functools import cache
from pathlib import Path
from statistics import mean, median
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NORM = {"variant": "batch norm", "p": 0.0}
BEFORE, AFTER = "dropout, then batch norm", "batch norm, then dropout"
LAST = "batch norm, dropout before the last layer"


@cache
def results() -> dict[str, Any]:
    return json.loads((ROOT / "book/results/05-dropout/full.json").read_text())


def runs(**at: Any) -> list[dict[str, Any]]:
    wanted = {"variant": "dropout", "p": 0.5, **results()["about"]["base"], **at}
    found = [run for run in results()["runs"] if wanted.items() <= run.items()]
    seeds = len(results()["about"]["seeds"])
    assert seeds >= 3 and len(found) == (1 if "seed" in at else seeds)
    return found


def ends(key: str = "val_accuracy", **at: Any) -> list[float]:
    return [run[key][-1] for run in runs(**at)]


def measured(name: str, **at: Any) -> list[dict[str, Any]]:
    return [m for m in results()["measures"][name] if at.items() <= m.items()]


def overlap(a: list[float], b: list[float]) -> bool:
    return max(a) >= min(b) and max(b) >= min(a)


def test_without_dropout_the_validation_loss_turns_around_while_the_training_loss_falls() -> None:
    for run in runs(p=0.0):
        assert run["train_accuracy"][-1] > 0.95
        assert run["val_loss"][-1] > min(run["val_loss"]) + 0.15
        assert run["train_loss"][-1] < 0.2 * run["train_loss"][0]


def test_while_the_validation_loss_rises_the_validation_accuracy_still_rises() -> None:
    losses, accuracies = (
        [mean(values) for values in zip(*(run[key] for run in runs(p=0.0)), strict=True)]
        for key in ("val_loss", "val_accuracy")
    )
    assert accuracies[-1] > accuracies[losses.index(min(losses))] + 0.05


def test_dropout_lowers_the_validation_loss_with_every_seed_and_nearly_ends_its_rise() -> None:
    assert max(ends("val_loss", p=0.5)) < min(ends("val_loss", p=0.0))
    rises = [mean(run["val_loss"][-1] - min(run["val_loss"]) for run in runs(p=p)) for p in (0.0, 0.5)]
    assert rises[1] < 0.25 * rises[0]


@pytest.mark.parametrize(("one", "other"), [(0.0, 0.2), (0.0, 0.5), (0.2, 0.5)])
def test_seeds_do_not_tell_the_accuracies_of_small_rates_apart(one: float, other: float) -> None:
    assert overlap(ends(p=one), ends(p=other))


def test_the_largest_rate_has_the_smallest_gap_and_the_worst_accuracies() -> None:
    gaps = {
        p: mean(t - v for t, v in zip(ends("train_accuracy", p=p), ends(p=p), strict=True))
        for p in results()["about"]["rates"]
    }
    assert min(gaps, key=gaps.__getitem__) == 0.8
    assert max(ends("train_accuracy", p=0.8)) < 0.9
    for p in (0.0, 0.2, 0.5):
        assert max(ends(p=0.8)) < min(ends(p=p))


def test_half_of_the_units_dropped_still_lets_it_learn_by_heart() -> None:
    assert min(ends("train_accuracy", p=0.5)) > 0.94


def test_single_numbers_lower_the_loss_and_whole_channels_the_accuracy() -> None:
    single = ends("val_loss", variant="single numbers")
    assert max(single) < min(ends("val_loss", p=0.0))
    assert overlap(single, ends("val_loss", p=0.5))
    accuracies = [mean(ends(variant="whole channels", p=p)) for p in (0.2, 0.5)]
    assert accuracies[1] < accuracies[0] < min(ends(p=0.0))


def with_units_off(p: float, share: float, key: str = "accuracy") -> list[float]:
    return [m["rescaled"][key][m["shares"].index(share)][0] for m in measured("redundancy", p=p)]


def test_trained_with_dropout_it_loses_far_less_when_units_are_switched_off() -> None:
    lost = {p: mean(with_units_off(p, 0.0)) - mean(with_units_off(p, 0.5)) for p in (0.0, 0.5)}
    assert lost[0.5] < 0.4 * lost[0.0]
    assert min(with_units_off(0.5, 0.8)) > max(with_units_off(0.0, 0.8)) + 0.1
    grown = {
        p: mean(with_units_off(p, 0.5, "loss")) - mean(with_units_off(p, 0.0, "loss")) for p in (0.0, 0.5)
    }
    assert abs(grown[0.5]) < 0.4 * grown[0.0]


def medians(variant: str, layer: int) -> list[float]:
    return [m["layers"][layer]["median"] for m in measured("variance_shift", variant=variant)]


def test_the_first_ratio_is_that_of_the_formula_and_the_second_is_above_it() -> None:
    for found in measured("variance_shift", variant=BEFORE):
        (first, second) = (
            tuple(median(unit[side] for unit in layer["units"]) for side in (0, 1))
            for layer in found["layers"]
        )
        assert first[1] == pytest.approx(first[0], rel=0.1)
        assert second[1] > second[0]


def test_behind_batch_norm_the_noise_comes_to_the_next_and_behind_the_last_to_none() -> None:
    assert all(abs(ratio - 1) < 0.05 for ratio in medians(AFTER, 0))
    assert all(1.1 < ratio < min(medians(BEFORE, 1)) for ratio in medians(AFTER, 1))
    assert all(abs(ratio - 1) < 0.05 for layer in (0, 1) for ratio in medians(LAST, layer))


def test_dropout_before_batch_norm_has_the_lower_loss_and_the_recommended_order_gains_nothing() -> None:
    assert max(ends("val_loss", variant=BEFORE)) < min(ends("val_loss", **NORM))
    assert mean(ends("val_loss", variant=LAST)) > mean(ends("val_loss", **NORM))


def test_the_highest_accuracy_of_the_orders_is_that_of_dropout_behind_batch_norm() -> None:
    after = mean(ends(variant=AFTER))
    assert after > max(mean(ends(**at)) for at in ({"variant": BEFORE}, {"variant": LAST}, NORM))


def test_without_the_shift_the_loss_rises_and_the_accuracy_stays() -> None:
    for found in measured("variance_shift", variant=BEFORE):
        assert found["adapted_val_loss"] > found["val_loss"] + 0.1
        assert abs(found["adapted_val_accuracy"] - found["val_accuracy"]) < 0.01


def test_measuring_again_raises_the_accuracy_of_the_recommended_order_with_every_seed() -> None:
    found = measured("variance_shift", variant=LAST)
    assert len(found) == len(results()["about"]["seeds"])
    assert all(m["adapted_val_accuracy"] > m["val_accuracy"] for m in found)


RMSPROP = {"optimizer": "RMSprop", "lr": 1e-3}
NEITHER, DROPOUT = {"p": 0.0}, {"p": 0.5}
EVERYWHERE = {"variant": "dropout everywhere"}
NORMALIZED = {"variant": "batch norm in all layers", "p": 0.0}
BOTH, BOTH_EVERYWHERE = {"variant": "both"}, {"variant": "both everywhere"}
SGD = {"optimizer": "SGD", "lr": 0.01}
PUSHED = {**SGD, "momentum": 0.95}
FAST = {**PUSHED, "lr": 0.1}


def test_batch_norm_gains_much_at_the_outer_rates_and_nothing_sure_at_the_middle_one() -> None:
    for lr in (1e-4, 1e-2):
        at = {**RMSPROP, "lr": lr}
        assert min(ends(**NORMALIZED, **at)) > max(ends(**NEITHER, **at)) + 0.05
    assert overlap(ends(**NORMALIZED, **RMSPROP), ends(**NEITHER, **RMSPROP))


def test_a_higher_rate_harms_every_network_but_that_with_batch_norm_alone() -> None:
    high = {**RMSPROP, "lr": 1e-2}
    for network in (NEITHER, DROPOUT, BOTH):
        assert max(ends(**network, **high)) < min(ends(**network, **RMSPROP)) - 0.1
    assert overlap(ends(**NORMALIZED, **high), ends(**NORMALIZED, **RMSPROP))


def test_taking_dropout_out_changes_less_than_the_seeds_and_never_raises_the_mean() -> None:
    pairs = [(DROPOUT, NEITHER), (EVERYWHERE, NEITHER), (BOTH, NORMALIZED), (BOTH_EVERYWHERE, NORMALIZED)]
    for with_it, without in pairs:
        before, after = ends(**with_it, **RMSPROP), ends(**without, **RMSPROP)
        assert overlap(before, after)
        assert mean(after) < mean(before)


def test_a_lower_rate_of_dropout_with_batch_norm_does_not_help() -> None:
    assert mean(ends(**BOTH, **{**RMSPROP, "p": 0.1})) < mean(ends(**BOTH, **RMSPROP))


@pytest.mark.parametrize("p", [0.0, 0.5])
def test_twice_the_units_change_less_than_the_seeds(p: float) -> None:
    assert overlap(ends(p=p), ends(p=p, units=512))


def test_momentum_surely_harms_sgd_with_dropout_only_and_a_limit_does_not_surely_bring_it_back() -> None:
    assert max(ends(**PUSHED)) < min(ends(**SGD))
    assert overlap(ends(p=0.0, **PUSHED), ends(p=0.0, **SGD))
    for p in (0.0, 0.5):
        assert overlap(ends(p=p, **PUSHED), ends(p=p, **PUSHED, max_norm=3.0))


@pytest.mark.parametrize("p", [0.0, 0.5])
def test_next_to_the_momentum_the_limit_of_the_norm_changes_nothing_with_the_first_seed(p: float) -> None:
    free, limited = (runs(p=p, **PUSHED, max_norm=limit, seed=0) for limit in (None, 3.0))
    assert free[0]["val_loss"] == limited[0]["val_loss"]


@pytest.mark.parametrize("p", [0.0, 0.5])
def test_ten_times_the_rate_as_well_leaves_every_run_at_chance(p: float) -> None:
    for max_norm in (None, 3.0):
        assert max(ends(p=p, **FAST, max_norm=max_norm)) <= 0.11


@pytest.mark.parametrize("p", [0.0, 0.5])
def test_rmsprop_is_far_ahead_of_sgd_at_one_rate_and_far_behind_at_the_other(p: float) -> None:
    assert min(ends(p=p, **RMSPROP)) > max(ends(p=p, **SGD)) + 0.05
    assert max(ends(p=p, **{**RMSPROP, "lr": 1e-2})) < min(ends(p=p, **SGD)) - 0.05


def certainties(p: float, how: str, share: float) -> list[float]:
    return [m[how]["accuracy"][m["fractions"].index(share)] for m in measured("certainty", p=p)]


def test_entropy_ranks_and_for_a_half_dropped_one_pass_ranks_about_as_well_as_many() -> None:
    many, one = (mean(certainties(0.5, how, 0.5)) for how in ("mean", "single"))
    assert many > mean(certainties(0.5, "mean", 1.0)) + 0.1
    assert many == pytest.approx(one, abs=0.01)


def test_many_passes_rank_better_with_every_seed_at_the_small_rate_and_worse_at_the_large_one() -> None:
    small, large = (
        list(zip(certainties(p, "mean", 0.5), certainties(p, "single", 0.5), strict=True)) for p in (0.2, 0.8)
    )
    assert len(small) == len(large) == len(results()["about"]["seeds"])
    assert all(many > one for many, one in small)
    assert all(many < one for many, one in large)


def test_the_mean_of_many_passes_lowers_the_loss_except_at_the_largest_rate() -> None:
    for p in (0.2, 0.5):
        assert all(m["mean"]["loss"] < m["single"]["loss"] - 0.05 for m in measured("certainty", p=p))
    for m in measured("certainty", p=0.8):
        assert m["mean"]["loss"] == pytest.approx(m["single"]["loss"], abs=0.03)


def unseen(score: str, left_out: int) -> list[float]:
    return [m[score]["auc"] for m in measured("unseen", left_out=left_out)]


def test_the_mean_of_many_passes_finds_a_class_left_out_more_often_than_one_pass() -> None:
    found = measured("unseen")
    assert len({m["left_out"] for m in found}) == 3
    assert all(m["mean"]["auc"] > m["single"]["auc"] for m in found)


def test_mutual_information_is_the_best_score_for_two_classes_and_the_worst_for_the_cat() -> None:
    names = results()["about"]["classes"]
    assert {names[m["left_out"]] for m in measured("unseen")} == {"cat", "tissue", "temple"}
    for left_out in {m["left_out"] for m in measured("unseen")}:
        single, of_mean, information = (mean(unseen(s, left_out)) for s in ("single", "mean", "information"))
        if names[left_out] == "cat":
            assert information < min(single, of_mean)
        else:
            assert information > max(single, of_mean)


def test_the_chapter_says_nothing_of_a_run_in_plain_figures() -> None:
    text = (ROOT / "book/05-dropout/index.md").read_text(encoding="utf-8")
    told = text[text.index("## What it buys") : text.index("## What goes wrong")]
    prose = re.sub(r"^```.*?^```$", "", told, flags=re.MULTILINE | re.DOTALL)
    assert not re.findall(r"\d+(?:\.\d+)? ?(?:percent|%|points)", prose)
