"""What the chapter of unit 09 says of formulas, of its figures and of our runs is true."""

from __future__ import annotations

import math
import re
from functools import cache
from itertools import combinations, pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import binom, f, loguniform, multivariate_normal, norm

from lab.experiments import hyperparameters as study
from lab.experiments import hyperparameters_pool as pool
from lab.experiments import hyperparameters_tables as tables
from lab.figures import bayes_opt, search_projection

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "book/09-hyperparameters/index.md").read_text(encoding="utf-8")


def said(number: float, digits: int) -> str:
    """A number as the text would write it."""
    return f"{number:.{digits}f}"


def answer(question: str) -> float:
    """The right number of the quiz's question that has these words."""
    part = TEXT[TEXT.index(question) :]
    return float(re.findall(r"^\[x\] (-?[\d.]+)$", part, re.MULTILINE)[0])


def options(question: str) -> dict[str, str]:
    """The boxes and numbers of the quiz's question that has these words."""
    part = TEXT[TEXT.index(question) :].partition("\n::::\n")[0]
    return {number: box for box, number in re.findall(r"^\[([^]]+)\] (-?[\d.]+)$", part, re.MULTILINE)}


def test_a_log_uniform_rate_is_as_often_in_each_decade_and_a_uniform_one_is_not() -> None:
    assert loguniform(1e-5, 1e-1).cdf(1e-3) == pytest.approx(2 / 4)
    assert said((1e-3 - 1e-5) / (1e-1 - 1e-5), 4) == "0.0099" and "= 0.0099$" in TEXT
    t = 0.02
    assert loguniform(1e-5, 1e-1).pdf(t) == pytest.approx(1 / (t * math.log(1e4)))


def test_half_of_the_momenta_are_above_99_percent_on_the_scale_of_the_text() -> None:
    assert 1 - 1 / loguniform(10, 1000).ppf(0.5) == pytest.approx(0.99)
    assert pytest.approx(1 / 11) == 0.009 / 0.099
    assert [round(1 / (1 - mu)) for mu in (0.98, 0.99)] == [50, 100]


def test_distances_to_the_best_are_those_of_the_integrals() -> None:
    assert quad(lambda t: (1 - 2 * t) ** 16, 0, 0.5)[0] == pytest.approx(1 / 34)
    assert quad(lambda t: t * 8, 0, 1 / 8)[0] == pytest.approx(1 / 16), "uniform from 0 to half the spacing"
    assert said(1 / 16, 4) == "0.0625" and said(1 / 34, 3) == "0.029"
    assert "$1/16 = 0.0625$ for the grid, $1/34 = 0.029$" in TEXT


def test_59_trials_hit_the_best_twentieth_and_58_do_not() -> None:
    hits = {n: binom(n, 0.05).sf(0) for n in (20, 58, 59)}
    assert hits[58] < 0.95 < hits[59] and said(hits[20], 2) == "0.64"
    assert said(math.log(0.05) / math.log(0.95), 1) == "58.4"
    assert said(100 * hits[58], 1) == "94.9"


def test_the_expected_best_by_hand_is_the_mean_over_all_draws() -> None:
    draws = list(product((0.2, 0.5, 0.9), repeat=2))
    assert said(np.mean([max(draw) for draw in draws]), 3) == "0.689"


def test_the_rungs_by_hand_cost_as_much_each() -> None:
    rungs = [(27 // 3**k, 3**k) for k in range(4)]
    assert rungs == [(27, 1), (9, 3), (3, 9), (1, 27)]
    assert sum(n * r for n, r in rungs) == 108 and 27 * 27 == 729
    assert all((a // 3) // 3 == a // 9 for a in range(200)), "rounding down twice is rounding down once"
    assert 3**5 == 243 and math.floor(math.log(243) / math.log(3)) == 4, "floats lose a rung"


def test_the_process_by_hand_is_the_conditional_of_a_normal_distribution() -> None:
    mean, sd = bayes_opt.posterior(np.array([0.0]), np.array([2.0]), np.array([1.0, 0, 99]), 1.0, 0.5)
    assert [said(v, 3) for v in (mean[0], sd[0] ** 2, mean[1])] == ["0.970", "0.706", "1.600"]
    assert (mean[2], sd[2]) == pytest.approx((0, 1))
    assert [said(math.exp(-0.5 * d**2), 2) for d in (1, 3)] == ["0.61", "0.01"]


def test_the_evidence_by_hand_is_a_density() -> None:
    assert said(norm(0, 1.25**0.5).logpdf(2), 2) == "-2.63"
    terms = [said(v, 3) for v in (1.25**0.5, 2 / 1.25, math.log(1.25) / 2, math.log(2 * math.pi) / 2)]
    assert terms == ["1.118", "1.600", "0.112", "0.919"]


def expected(mu: float, s: float, best: float) -> float:
    """The mean of max(best - f, 0) over a normal f, by its integral."""
    return quad(lambda f: (best - f) * norm.pdf(f, mu, s), mu - 12 * s, best)[0]


def test_the_improvements_by_hand_are_the_integrals_and_their_slopes_those_of_the_text() -> None:
    assert said(expected(0.6, 0.2, 0.5), 3) == "0.040" and said(expected(0.52, 0.02, 0.5), 4) == "0.0017"
    h, z = 1e-4, -0.5
    slopes = [
        (expected(0.6 + h, 0.2, 0.5) - expected(0.6 - h, 0.2, 0.5)) / (2 * h),
        (expected(0.6, 0.2 + h, 0.5) - expected(0.6, 0.2 - h, 0.5)) / (2 * h),
    ]
    assert slopes == pytest.approx([-norm.cdf(z), norm.pdf(z)], rel=1e-4)


def greatest(m: int) -> float:
    """The expected maximum of m standard normals."""
    return quad(lambda t: t * m * norm.cdf(t) ** (m - 1) * norm.pdf(t), -10, 10)[0]


def test_the_best_of_fifty_equal_models_looks_two_points_better() -> None:
    assert [said(greatest(m), 2) for m in (10, 50, 400)] == ["1.54", "2.25", "2.97"]
    assert said(0.9 + (0.09 / 1000) ** 0.5 * greatest(50), 3) == "0.921"
    assert said(0.9 + (0.09 / 100) ** 0.5 * greatest(50), 3) == "0.967"


def test_models_that_share_a_part_of_their_luck_are_less_far_apart() -> None:
    rng, rho = np.random.default_rng(0), 0.6
    luck = rho**0.5 * rng.normal(size=(40_000, 1)) + (1 - rho) ** 0.5 * rng.normal(size=(40_000, 50))
    assert luck.max(axis=1).mean() == pytest.approx((1 - rho) ** 0.5 * greatest(50), rel=0.02)


def test_who_knows_nothing_has_the_loss_of_the_text() -> None:
    loss = torch.nn.functional.cross_entropy(torch.zeros(4, 10), torch.tensor([0, 3, 9, 9])).item()
    assert loss == pytest.approx(math.log(10), rel=1e-6) and said(loss, 3) == "2.303"
    assert said(math.exp(-0.7), 1) == "0.5"


def test_what_goes_wrong_goes_wrong_as_the_table_says() -> None:
    assert said(10**1e-1, 2) == "1.26" and said(10**1e-4, 4) == "1.0002"
    assert said(math.exp(math.log10(1e-4)), 3) == "0.018" and math.exp(math.log10(1)) == 1
    assert 20 * 0.05 <= 1 < 21 * 0.05
    assert np.argmin([math.nan, 0.3, 0.2]) == 0


def test_the_figure_of_the_grid_shows_what_its_tasks_say() -> None:
    of_grid, at_random, wins = search_projection.odds(3, ratio=0, width=0.1, draws=20_000)
    assert [said(v, 2) for v in (of_grid, at_random)] == ["0.68", "0.83"] and 0.63 < wins < 0.72
    both = search_projection.odds(3, ratio=1, width=0.1, draws=20_000)
    assert both[0] > both[1] and 0.35 < both[2] < 0.45, "random wins four of ten"
    more = search_projection.odds(5, ratio=0, width=0.1, draws=5_000)
    assert more[0] - of_grid > more[1] - at_random > 0
    wide = search_projection.odds(3, ratio=0, width=0.3, draws=5_000)
    assert wide[1] - wide[0] < 0.04


def test_the_figure_of_the_process_searches_a_valley_as_deep_as_its_tasks_say() -> None:
    assert said(bayes_opt.true_loss(bayes_opt.PLACES).min(), 2) == "0.43"
    assert said(10 ** bayes_opt.search(4)[3], 3) == "0.022"


def test_the_answers_of_the_quiz_are_right() -> None:
    assert answer("A rate is log-uniform from 0.0001 to 1") == pytest.approx(loguniform(1e-4, 1).ppf(0.25))
    assert "0.0498" in options("A rate is log-uniform from 0.0001 to 1") and said(math.exp(-3), 4) == "0.0498"
    needed = answer("How many random trials hit the best 10 %")
    assert binom(needed - 1, 0.1).sf(0) < 0.9 <= binom(needed, 0.1).sf(0)
    assert said(0.9**10, 2) == "0.35" and said(1 - 0.9**21, 3) == "0.891"
    scores = (0.8, 0.9, 0.6, 0.7)
    drawn = np.mean([max(pair) for pair in product(scores, repeat=2)])
    assert answer("Four trials had the accuracies") == pytest.approx(drawn)
    assert said(np.mean([max(pair) for pair in combinations(scores, 2)]), 3) == "0.833"
    weights = np.array([1, 3, 5, 7]) / 16
    assert options("Four trials had")[f"{weights @ scores:.4f}"] == "EB-unsorted"
    assert answer("Successive halving with 64") == sum((64 // 4**k) * 2 * 4**k for k in range(4))
    assert answer("The best loss so far is 1") == pytest.approx(expected(1, 0.5, 1), abs=1e-3)


def test_improving_the_sign_of_the_quiz_is_named_by_mistakes_that_exist() -> None:
    known = (ROOT / "solutions/09-hyperparameters/mistakes_numpy.toml").read_text(encoding="utf-8")
    boxes = set(re.findall(r"^\[([A-Z][\w-]+)\] ", TEXT, re.MULTILINE))
    assert boxes and all(f'id = "{box}"' in known for box in boxes)


def test_the_chart_of_the_steps_has_a_box_for_each_step_of_the_list() -> None:
    section = TEXT.partition("### The loss does not fall")[2].partition("### Twelve patients")[0]
    boxes = re.findall(r'^    \("([^"]+)", "', section.partition("STEPS = (")[2], re.MULTILINE)
    steps = re.findall(r"^\d\. \**([^*]+)\*\*", section, re.MULTILINE)
    words = ("", "first loss", "by heart", "training loss", "validation loss", "too good", "earch")
    for box, step, word in zip(boxes, steps, words, strict=True):
        assert word in box.replace("\\n", " ") and word in step


@cache
def full() -> dict[str, Any]:
    return study.load_results(ROOT / "book/results/09-hyperparameters/full.json")


def runs(part: str, **at: Any) -> list[dict[str, Any]]:
    return [run for run in full()["runs"] if run["part"] == part and at.items() <= run.items()]


def test_the_joint_normal_draws_of_the_text_have_the_conditional_mean() -> None:
    both = multivariate_normal([0, 0], [[1.25, 0.607], [0.607, 1]]).rvs(1_000_000, random_state=0)
    near = both[np.abs(both[:, 0] - 2) < 0.1, 1]
    assert near.mean() == pytest.approx(0.97, abs=0.03) and near.var() == pytest.approx(0.706, abs=0.03)


def test_the_pool_has_every_configuration_with_every_seed() -> None:
    about = full()["about"]
    assert len(runs("pool")) == about["pool"] * len(about["seeds"]) and len(about["seeds"]) >= 3
    assert "test_accuracy" not in runs("pool")[0], "nothing of the pool has seen a test image"


def test_few_configurations_are_good_and_the_rate_matters_most() -> None:
    summary = study.pool_summary(full())
    assert summary["good"] < 0.1 < summary["useless"] < 0.3
    shares = {row["name"]: row["mean"] for row in study.importance_table(full())}
    six = {name: shares[name] for name in full()["about"]["space"]}
    assert max(six, key=lambda name: six[name]) == "lr" and sorted(six.values())[-2] < 0.05
    assert all(six[name] < 0.01 for name in ("weight_decay", "dropout", "batch"))
    assert shares[pool.EFFECTIVE] > 1.5 * (shares["lr"] + shares["momentum"])


def test_the_wrong_scale_costs_at_least_twice_as_many_trials() -> None:
    best = {row["n"]: row for row in study.best_table(full())}
    assert all(best[2 * n]["uniform"] > best[n]["log"] for n in (5, 10, 20))
    assert best[5]["log"] - best[20]["log"] > 3 * (best[20]["log"] - best[100]["log"])
    values = np.sort(-tables.final_scores(full()).mean(axis=1))
    m = len(values)
    for n in (5, 20):
        weights = np.diff((np.arange(m + 1) / m) ** n)
        assert best[n]["log"] == pytest.approx(-(weights @ values), abs=0.01)


def test_early_losses_tell_the_hopeless_and_not_the_best() -> None:
    ranks = {row["epochs"]: row for row in study.rank_table(full())}
    assert ranks[1]["all"]["mean"] > 0.5 and ranks[4]["all"]["mean"] > 0.8
    assert ranks[4]["best_tenth"]["mean"] < 0.5


def test_halving_gets_the_same_for_a_fraction_of_the_epochs() -> None:
    rows = {(row["way"], row["configurations"]): row for row in study.halving_table(full())}
    few, many = rows["halving, eta 2", 16], rows["halving, eta 2", 64]
    assert few["epochs"] < rows["random search", 8]["epochs"] / 2
    assert few["loss"] < rows["random search", 8]["loss"] + 0.005
    assert many["epochs"] < rows["random search", 64]["epochs"] / 5
    assert many["loss"] < rows["random search", 64]["loss"] + 0.005


def test_seeds_count_for_as_much_as_the_first_ten_configurations() -> None:
    table = study.seed_table(full())
    assert table["tenth"] - table["first"] < 2.1 * table["between_seeds"]
    assert len(table["ranks"]) == 3 and max(table["ranks"]) > 1


def test_a_grid_of_nine_is_within_chance_of_nine_random_trials() -> None:
    table = study.grid_table(full())
    assert (table["grid"]["values"], table["random"]["values"]) == (3, 9)
    assert abs(table["grid"]["mean"] - table["random"]["mean"]) < table["grid"]["std"]
    ratio = (table["grid"]["std"] / table["random"]["std"]) ** 2
    freedom = full()["about"]["placements"] - 1
    assert ratio > 1 and f.sf(ratio, freedom, freedom) > 0.025, "the spreads are within chance too"
    assert table["grid"]["max"] > table["random"]["max"]


def test_the_winner_of_equal_networks_wins_nothing_on_new_images() -> None:
    rows = {row["n"]: row for row in study.winner_table(full())}
    gains = {n: row["winner"] - row["mean"] for n, row in rows.items()}
    assert gains[100] > gains[300] > gains[1000] > 0.01
    assert all(abs(row["test"] - row["test_mean"]) < 0.004 for row in rows.values())
    curse = {n: gain / (rows[n]["formula"] - rows[n]["mean"]) for n, gain in gains.items()}
    assert curse[100] < curse[300] < curse[1000] < 1 and rows[1000]["parts"] == 1 < rows[300]["parts"]
    assert curse[100] == pytest.approx(0.5, abs=0.05), "about a half, and its square a quarter"
    assert rows[100]["formula"] > rows[100]["simulated"]


def curve(name: str, key: str) -> np.ndarray:
    return np.array([run[key] for run in runs("sick", way=name)], float)


def test_the_patients_have_the_symptoms_that_the_quiz_names() -> None:
    healthy, nothing = curve("healthy", "loss"), math.log(10)
    assert healthy[:, -1].max() < 0.45 and curve("healthy", "train_loss")[:, -1].max() < 0.1
    shuffled = curve("labels shuffled", "loss")
    assert (
        shuffled.min() > nothing - 0.05
        and (np.diff(curve("labels shuffled", "train_loss").mean(axis=0)) < 0.05).all()
    )
    assert np.abs(curve("dead units", "loss") - nothing).max() < 0.05
    scaled = curve("other scaling", "train_loss")
    assert scaled == pytest.approx(curve("healthy", "train_loss")), (
        "training knows nothing of the validation images"
    )
    assert (curve("other scaling", "loss") > healthy + 0.2).all()
    assert curve("leak", "loss")[:, -1].max() < 0.05
    assert (curve("not shuffled", "loss")[:, -1] < curve("not shuffled", "train_loss")[:, -1]).all()
    assert (curve("rate too low", "loss")[:, -1] > 1).all()


def test_searches_beat_the_guess_in_loss_not_in_accuracy_and_look_better_than_they_are() -> None:
    ends = {way: curve[-1] for way, curve in study.search_table(full()).items()}
    assert len(ends) == 4 and max(ends, key=lambda way: ends[way]) == "random"
    finals = study.final_table(full())
    by_hand = finals.pop("by hand")
    assert max(ends.values()) - min(ends.values()) < 1.1 * max(
        found["chosen"]["std"] for found in finals.values()
    )
    for found in finals.values():
        assert found["chosen"]["mean"] < found["loss"]["mean"] < by_hand["loss"]["mean"]
        assert abs(found["test_accuracy"]["mean"] - by_hand["test_accuracy"]["mean"]) < 0.006
    best = {way: tables.best_by_trial(full(), "search", way) for way in ends}
    assert (best["random"][:, :16] == best["coarse to fine"][:, :16]).all()
    assert (best["optuna, TPE"][:, :10] == best["optuna, GP"][:, :10]).all()


def test_a_process_saves_trials_and_has_nothing_left_to_find_at_the_end() -> None:
    lines, about = study.line_table(full()), full()["about"]
    process, random, grid = (lines[way] for way in ("Gaussian process", "random", "grid"))
    assert about["line_trials"] == 8 and process[: about["starts"]] == random[: about["starts"]]
    assert process[4] < min(random[4], grid[4]) - 0.01 and process[4] < random[7]
    assert abs(grid[7] - process[7]) < 0.005 and grid[7] < process[4] + 0.005


def test_a_grid_of_two_values_per_dimension_is_as_good_as_random_trials_here() -> None:
    table = study.corner_table(full())
    assert table["trials"] == 64 and 0.4 < table["random_wins"] < 0.6
    assert abs(table["grid"]["mean"] - table["random"]["mean"]) < 0.005
    quotients = sorted({run["lr"] / (1 - run["momentum"]) for run in runs("corners")})
    assert len(quotients) == 4
    assert [b / a for a, b in pairwise(quotients)] == pytest.approx([10] * 3, rel=0.02)
    rates = {run["lr"]: [] for run in runs("curve")}
    for run in runs("curve"):
        rates[run["lr"]].append(tables.score(run))
    means = {rate: np.mean(values) for rate, values in rates.items()}
    good = [rate for rate, mean in means.items() if mean < 1.1 * min(means.values())]
    assert 0.8 < math.log10(max(good) / min(good)) < 1.2, "about a decade of four"
