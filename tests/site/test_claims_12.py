"""What the chapter of unit 12 says of formulas, of its figures and of our runs is true."""

from __future__ import annotations

import math
import re
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import binomtest, norm, t

from lab import ladder
from lab.data import read
from lab.experiments import capstone as study
from lab.experiments import capstone_budget as budget
from lab.experiments import capstone_uncertainty as uncertainty
from lab.figures import how_sure

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "book/12-capstone/index.md").read_text(encoding="utf-8")
RESULTS = ROOT / "book/results/12-capstone"
ABLATION = study.load_results(RESULTS / "ablation.json")


def said(number: float, digits: int) -> str:
    """A number as the text would write it."""
    return f"{number:.{digits}f}"


def answer(question: str) -> float:
    """The right number of the quiz's question that has these words."""
    part = TEXT[TEXT.index(question) :]
    return float(re.findall(r"^\[x\] (-?[\d.]+)", part, re.MULTILINE)[0])


def test_errors_of_one_accuracy_are_those_of_the_text() -> None:
    assert said(math.sqrt(0.16 / 1000), 4) == "0.0126" and said(196 * 0.0126, 1) == "2.5"
    assert said(100 * math.sqrt(0.16 / 10_000), 1) == "0.4" and said(196 * 0.004, 1) == "0.8"
    assert said(100 * math.sqrt(0.907 * 0.093 / 10_000), 2) == "0.29"
    assert answer("90 percent right on 2,500") == pytest.approx(100 * math.sqrt(0.09 / 2500))


def test_the_interval_by_hand_is_that_of_scipy() -> None:
    interval = binomtest(10, 10).proportion_ci(method="wilson")
    assert [said(100 * end, 0) for end in interval] == ["72", "100"]
    assert said(1.96**2 / 10, 3) == "0.384" and said(1.192 / 1.384, 3) == "0.861"
    assert said(1.96 / 1.384 * 1.96 / 20, 3) == "0.139"


@pytest.mark.parametrize("a", [0.02, 0.4, 0.83])
def test_the_quadratic_has_the_ends_of_the_interval_as_its_zeros(a: float) -> None:
    n, z = 50, norm.ppf(0.975)
    found = round(a * n) / n
    zeros = np.sort(np.roots([1 + z**2 / n, -(2 * found + z**2 / n), found**2]))
    wanted = binomtest(round(a * n), n).proportion_ci(method="wilson")
    assert zeros == pytest.approx(list(wanted))
    root = (2 * found + z**2 / n) ** 2 - 4 * (1 + z**2 / n) * found**2
    assert root == pytest.approx(4 * z**2 * (found * (1 - found) / n + z**2 / (4 * n**2)))


def test_the_paired_gain_by_hand_is_a_mean_of_changes() -> None:
    d = np.repeat([1, -1, 0], [60, 40, 900])
    assert said(d.var(ddof=1), 4) == "0.0997" and said(math.sqrt(0.0997 / 1000), 4) == "0.0100"
    assert d.var(ddof=1) == pytest.approx((100 - 1000 * d.mean() ** 2) / 999)
    assert said(math.sqrt((0.16 + 0.82 * 0.18) / 1000), 4) == "0.0175"
    assert said(0.82 * 0.18, 4) == "0.1476"
    assert [said(norm.cdf(-0.0205 / error), 2) for error in (0.01, 0.0175)] == ["0.02", "0.12"]


def test_students_factors_and_the_seeds_by_hand() -> None:
    assert [said(t.ppf(0.975, n - 1), 2) for n in (3, 5, 10)] == ["4.30", "2.78", "2.26"]
    assert said(t.ppf(0.975, 1), 1) == "12.7"
    gains = np.array([2.1, 0.9, 1.5])
    assert (gains.mean(), gains.std(ddof=1)) == pytest.approx((1.5, 0.6))
    assert said(0.6 / 3**0.5, 2) == "0.35" and said(4.30 * 0.6 / 3**0.5, 2) == "1.49"
    assert said(math.sqrt(2 / 3), 2) == "0.82"
    covered = t.cdf(1.96, 2) - t.cdf(-1.96, 2)
    assert said(100 * covered, 0) == "81"


def by_orders(v: dict[frozenset[str], float], names: str) -> dict[str, float]:
    """Mean step of each over all orders."""
    shares = dict.fromkeys(names, 0.0)
    for order in (all_orders := list(permutations(names))):
        for i, name in enumerate(order):
            step = v[frozenset(order[: i + 1])] - v[frozenset(order[:i])]
            shares[name] += step / len(all_orders)
    return shares


def test_the_shares_of_two_tricks_are_those_of_the_text_and_of_the_quiz() -> None:
    sets = [frozenset(), frozenset("f"), frozenset("c"), frozenset("fc")]
    assert by_orders(dict(zip(sets, (74, 80, 79, 82), strict=True)), "fc") == {"f": 4.5, "c": 3.5}
    assert by_orders(dict(zip(sets, (70, 76, 75, 77), strict=True)), "fc")["f"] == 4
    assert answer("v(\\emptyset) = 70") == 4


def test_the_weights_of_shapley_count_orders() -> None:
    K, k = 5, 2
    for size in range(K):
        for before in combinations([j for j in range(K) if j != k], size):
            counted = sum(set(order[: order.index(k)]) == set(before) for order in permutations(range(K)))
            assert counted == math.factorial(size) * math.factorial(K - size - 1)


def test_a_convolution_by_hand_and_in_the_quiz_is_that_of_torch() -> None:
    conv = torch.nn.Conv2d(16, 32, 3, stride=2, padding=1)
    assert sum(p.numel() for p in conv.parameters()) == 4640
    assert tuple(conv(torch.zeros(1, 16, 15, 20)).shape) == (1, 32, 8, 10)
    assert 80 * 32 * 144 == 368_640
    _, channels, height, width = torch.nn.Conv2d(8, 16, 5, 2, 2)(torch.zeros(1, 8, 17, 17)).shape
    assert answer("A convolution from 8 to 16") == round(height * width * channels * 8 * 25 / 1000)


def test_float16_is_as_exact_as_the_text_says() -> None:
    w = np.random.default_rng(0).uniform(2**-14, 65504, 100_000)
    assert np.abs(w.astype(np.float16) / w - 1).max() <= 2**-11
    info = np.finfo(np.float16)
    assert (info.max, info.tiny) == (65504, 2**-14) and said(2**-14, 5) == "0.00006"


def test_the_quantized_weights_by_hand() -> None:
    w = np.array([0.5, -1.27, 0.004])
    unit = np.abs(w).max() / 127
    assert unit == pytest.approx(0.01) and (w / unit).round().tolist() == [50, -127, 0]
    assert abs(w - (w / unit).round() * unit).max() == pytest.approx(0.004)


def test_greedy_takes_the_members_of_the_text_and_a_better_pair_is_left() -> None:
    p = np.array([[0.9, 0.2], [0.5, 0.5], [0.3, 0.8]])
    loss = {
        chosen: said(-np.log(p[list(chosen)].mean(axis=0)).mean(), 3)
        for size in (1, 2, 3)
        for chosen in combinations(range(3), size)
    }
    assert [loss[0,], loss[1,], loss[2,]] == ["0.857", "0.693", "0.714"]
    assert [loss[0, 1], loss[1, 2], loss[0, 1, 2], loss[0, 2]] == ["0.703", "0.674", "0.631", "0.602"]


def test_the_clock_by_hand_leaves_the_rate_of_the_text() -> None:
    spent, longest = [0], 0
    for seconds in (11, *[9] * 20):
        if spent[-1] + longest > 60:
            break
        spent.append(spent[-1] + seconds)
        longest = max(longest, seconds)
    assert (spent[5], spent[-1], len(spent) - 1) == (47, 56, 6)
    assert said(47 / 60, 2) == "0.78" and said(100 * (1 - 47 / 60) / 0.8, 0) == "27"


def test_what_the_first_figure_shows_is_what_the_answers_say() -> None:
    two = {"before": 0.8, "gain": 0.02, "images": 1000, "apart": 0.1, "seeds": 3, "spread": 0.01}
    other, same, over, both = (100 * error for error in how_sure.errors(**two))
    assert said((other / same) ** 2, 1) == "3.1"
    reaches = [(said(2 - 1.96 * e, 1), said(2 + 1.96 * e, 1)) for e in (other, same, over, both)]
    assert reaches == [("-1.4", "5.4"), ("0.0", "4.0"), ("0.9", "3.1"), ("-0.3", "4.3")]
    at = {"before": 0.8, "gain": 0.01, "images": 1000, "seeds": 3, "spread": 0.01}
    alike, unlike = (how_sure.errors(**at, apart=apart)[1] for apart in (0.04, 0.2))
    assert said(unlike / alike, 1) == "2.2"
    many = [how_sure.errors(**{**two, "images": 100_000, "seeds": seeds})[3] for seeds in (12, 13)]
    assert many[0] > 0.003 > many[1]
    step = {"before": 0.907, "gain": 0.005, "images": 10_000, "apart": 0.06, "seeds": 1, "spread": 0.003}
    _, same, _, both = how_sure.errors(**step)
    assert (said(100 * same, 2), said(100 * both, 2)) == ("0.24", "0.39")
    assert said(norm.cdf(-0.005 / both), 1) == "0.1"


def test_the_answers_of_the_quiz_are_right() -> None:
    assert answer("2,000 images. 90 were wrong") == pytest.approx(100 * (90 - 50) / 2000)
    assert said(100 * math.sqrt((0.07 - 0.02**2) / 2000), 2) == "0.59"
    assert said(100 * math.sqrt(0.16 / 1000), 1) == "1.3"


def lost(name: str) -> np.ndarray:
    return 100 * study.lost_without(ABLATION)[name]


def step(trick: str, below: frozenset[str]) -> np.ndarray:
    """Gain of a trick of the four on top of others, in points, per seed."""
    accuracies = study.measured(ABLATION)
    return 100 * (accuracies[below | {trick}] - accuracies[below])


def contexts(trick: str) -> list[frozenset[str]]:
    others = [name for name in study.FOUR if name != trick]
    return [frozenset(chosen) for size in range(4) for chosen in combinations(others, size)]


def test_on_the_photographs_batch_norm_brings_ten_points_and_instance_norm_takes_twenty() -> None:
    short = ladder.load_results(RESULTS / "short.json")
    rungs = short["about"]["rungs"]
    of = {
        name: np.mean([run["test_accuracy"] for run in short["runs"] if run["rung"] == name])
        for name in rungs
    }
    assert of["noise"] < of["plain"]
    assert 9.5 < 100 * (of["batch norm"] - of["noise"]) < 10.5
    assert 19 < 100 * (of["crop"] - of["instance norm"]) < 20.5
    assert of["capacity"] - of["instance norm"] < 0.02
    assert of["dropout"] < of["weight penalty"] < of["flip"], "steps up, on the ladder"


def test_from_the_top_batch_norm_alone_is_missed_and_three_signs_are_open() -> None:
    assert (lost("batch norm") > 10).all()
    for name in ("instance norm", "dropout", "crop"):
        assert (lost(name) < 0).all()
    for name in ("noise", "weight penalty", "flip"):
        assert lost(name).min() < 0 < lost(name).max()
    training = study.measured(ABLATION, "train_accuracy")
    with_it, without = (
        training[frozenset(names)] for names in (("batch norm", "instance norm"), ("batch norm",))
    )
    assert without.mean() - with_it.mean() < 0.06, "nearly as well"


def test_batch_norm_gains_and_instance_norm_loses_in_every_order_and_with_every_seed() -> None:
    assert min(step("batch norm", below).min() for below in contexts("batch norm")) > 0
    assert max(step("instance norm", below).max() for below in contexts("instance norm")) < 0
    means = {below: step("instance norm", below).mean() for below in contexts("instance norm")}
    assert "batch norm" in max(means, key=means.get), "costs least behind it"
    assert min(means, key=means.get) == frozenset(), "and most where it comes first"
    for trick in ("flip", "crop"):
        every = np.concatenate([step(trick, below) for below in contexts(trick)])
        assert every.min() < 0 < every.max(), "either sign can be had"


def test_batch_norm_repairs_a_part_of_what_instance_norm_takes() -> None:
    assert study.shares_of(ABLATION)[frozenset({"batch norm", "instance norm"})].mean() > 0.02
    gains = {True: [], False: []}
    for below in contexts("batch norm"):
        gains["instance norm" in below].append(step("batch norm", below).mean())
    assert min(gains[True]) > max(gains[False])


def test_no_set_with_instance_norm_is_the_best_of_the_sixteen() -> None:
    accuracies = study.measured(ABLATION)
    sets = [names for names in accuracies if names <= set(study.FOUR)]
    assert len(sets) == 16
    with_it = max(accuracies[names].mean() for names in sets if "instance norm" in names)
    without = [names for names in sets if names == {"batch norm"} or names == {"batch norm", "flip"}]
    assert min(accuracies[names].mean() for names in without) > with_it


def test_pairs_win_what_cells_take_away_again() -> None:
    sure = uncertainty.load_results(RESULTS / "uncertainty.json")
    errors = {name: error for name, (_, error) in uncertainty.gain_errors(sure).items()}
    assert errors["the same images"] < 0.7 * errors["two samples"]
    assert errors["the same images, by cell"] > errors["two samples"]
    reach = t.ppf(0.975, len(sure["about"]["seeds"]) - 1)
    for name, (gain, error) in uncertainty.gain_errors(sure).items():
        assert gain < 0 and abs(gain) < (reach if name == "the same seeds" else 1.96) * error
    before, after = (uncertainty.correct(sure, r, "fresh_correct").mean(1) for r in sure["about"]["rungs"])
    assert (after - before).min() < -0.03 and (after - before).max() > 0


def test_fresh_sets_of_the_same_cells_scatter_as_if_images_were_independent_and_cells_do_not() -> None:
    found = uncertainty.accuracy_errors(uncertainty.load_results(RESULTS / "uncertainty.json"))
    assert found["fresh sets"] == pytest.approx(found["binomial, a set"], rel=0.05)
    assert found["by cell"] > 1.5 * found["binomial"]


def test_fourteen_test_images_of_the_photographs_equal_a_training_image() -> None:
    data = read("photo_patches")
    seen = {image.tobytes() for image in data.train_images}
    assert sum(image.tobytes() in seen for image in data.test_images) == 14


def test_the_intervals_of_three_tricks_stay_clear_of_nothing_and_of_four_do_not() -> None:
    seeds = len(ABLATION["about"]["seeds"])
    reach = t.ppf(0.975, seeds - 1) / math.sqrt(seeds)
    clear = {
        name
        for name in ABLATION["about"]["tricks"]
        if abs(lost(name).mean()) > reach * lost(name).std(ddof=1)
    }
    assert clear == {"batch norm", "dropout", "instance norm"}


def test_within_one_budget_one_network_beats_its_size_in_members_and_larger_ones_with_fewer_epochs() -> None:
    spent = budget.load_results(RESULTS / "budget.json")
    ways = spent["about"]["ways"]

    def values(way: str, key: str = "accuracy") -> np.ndarray:
        return budget.budget_values(spent, way, key, ways[way]["stored"])

    one = values("one network")
    for way in ("three of a third", "eight of an eighth"):
        assert (values(way) < one).all()
        assert (values(way) > values(way, "member_accuracy")).all()
    for way in ("twice as large, float16", "four times as large, int8"):
        assert (values(way) < one).all()
        assert ways[way]["epochs"] < ways["one network"]["epochs"]
    for way in ("twice as large, all epochs", "four times as large, all epochs"):
        gains = values(way) - one
        assert gains.min() > 0
        assert gains.mean() < 4.3 * gains.std(ddof=1) / math.sqrt(3), "how much is left open"
        assert values(way, "seconds").mean() > 1.5 * values("one network", "seconds").mean()
    assert values("eight of an eighth", "seconds").mean() > 3 * values("one network", "seconds").mean()
    kept = [budget.budget_values(spent, way, "bytes", about["stored"]) for way, about in ways.items()]
    assert np.max(kept) <= spent["about"]["bytes"]
    for way in ways:
        for stored, points in (("float16", 0.3), ("int8", 1)):
            change = budget.budget_values(spent, way, "accuracy", stored) - budget.budget_values(
                spent, way, "accuracy"
            )
            assert abs(change).max() < points / 100


def test_on_cifar_10_the_gap_closes_and_the_accuracy_falls_with_it() -> None:
    cifar = ladder.load_results(RESULTS / "cifar10_cpu.json")

    def mean(rung: str, key: str = "test_accuracy") -> float:
        return 100 * np.mean([run[key] for run in cifar["runs"] if run["rung"] == rung])

    def gap(rung: str) -> float:
        return mean(rung, "train_accuracy") - mean(rung)

    assert mean("batch norm") > mean("noise") + 5
    assert mean("noise") < mean("plain")
    assert mean("dropout") < mean("batch norm")
    assert gap("batch norm") > gap("dropout") > gap("crop")
    assert gap("batch norm") > 5 and gap("crop") < 2
    assert mean("capacity") > mean("instance norm") + 3


def test_what_is_written_weighs_three_times_as_much_as_predict() -> None:
    source = (ROOT / "solutions/12-capstone/capstone_torch.py").read_text(encoding="utf-8")
    by_hand = sum(map(int, re.findall(r'question="cp-[a-z]+" points=(\d+)', source)))
    [of_predict] = map(int, re.findall(r'check="predict" points=(\d+)', source))
    assert by_hand / of_predict == pytest.approx(3, abs=0.3)
    assert "array_bytes = 520000\n" in (ROOT / "solutions/12-capstone/unit.toml").read_text()
