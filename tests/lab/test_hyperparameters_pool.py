"""What a pool of trained configurations tells, against scipy, scikit-learn's forests and closed forms."""

import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from lab.experiments import hyperparameters_pool as pool
from lab.experiments import hyperparameters_tables as tables


def results_of(losses: np.ndarray, trials: list[dict[str, Any]]) -> dict[str, Any]:
    """Results that hold a pool with these losses (trials, seeds, epochs)."""
    return {
        "runs": [
            {"part": "pool", "way": "random", "number": k, "trial": k, "seed": seed, **trials[k]}
            | {"loss": row.tolist()}
            for k, rows in enumerate(losses)
            for seed, row in enumerate(rows)
        ]
    }


def test_each_scale_is_uniform_in_its_own_measure() -> None:
    stats = pytest.importorskip("scipy.stats")
    trials = pool.draw(4000, seed=7)
    column = {name: np.array([trial[name] for trial in trials]) for name in pool.SPACE}
    for found, law in (
        (column["lr"], stats.loguniform(1e-4, 1)),
        (column["weight_decay"], stats.loguniform(1e-6, 1e-1)),
        (1 - column["momentum"], stats.loguniform(0.01, 1)),
        (column["dropout"], stats.uniform(0, 0.6)),
    ):
        assert stats.kstest(found, law.cdf).pvalue > 1e-3
    for name in ("batch", "width"):
        values, counts = np.unique(column[name], return_counts=True)
        assert tuple(values) == pool.SPACE[name][1]
        assert stats.chisquare(counts).pvalue > 1e-3


def test_the_ends_of_the_cube_are_the_ends_of_the_space() -> None:
    low, high = pool.config_at(np.zeros(6)), pool.config_at(np.full(6, 1 - 1e-12))
    assert (low["lr"], high["lr"]) == pytest.approx((1e-4, 1))
    assert (low["momentum"], high["momentum"]) == pytest.approx((0, 0.99))
    assert (low["batch"], high["batch"], low["width"], high["width"]) == (16, 128, 16, 256)
    assert type(low["lr"]) is float and type(low["batch"]) is int


def test_more_trials_begin_with_the_same_ones() -> None:
    assert pool.draw(30, seed=2)[:4] == pool.draw(4, seed=2)
    assert pool.draw(4, seed=2) != pool.draw(4, seed=3)


def test_the_best_of_n_has_the_mean_of_the_closed_form() -> None:
    values = np.random.default_rng(0).normal(2, 1, 40)
    drawn = pool.best_so_far(values, 10, draws=20000).mean(axis=0)
    descending = np.sort(values)[::-1]
    place = np.arange(1, 41)
    for n in (1, 3, 10):
        chance = (place / 40) ** n - ((place - 1) / 40) ** n
        assert drawn[n - 1] == pytest.approx(descending @ chance, abs=0.02)


def test_weights_say_how_often_a_value_is_drawn() -> None:
    drawn = pool.best_so_far(np.array([1.0, 2.0, 3.0]), 1, draws=20000, weights=np.array([1.0, 0.0, 3.0]))
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == [1, 3] and counts[0] / 20000 == pytest.approx(0.25, abs=0.015)


def test_what_matters_explains_the_variance_and_chance_explains_none() -> None:
    trials = pool.draw(400, seed=5)
    noise = np.random.default_rng(1).normal(0, 1, 400)
    rate = np.array([math.log10(trial["lr"]) for trial in trials])
    bowl = (rate + 2) ** 2
    found = pool.importance(trials, bowl + noise * bowl.std())  # half of the variance is the rate's
    assert found["lr"] == pytest.approx(0.5, abs=0.08)
    for name in ("momentum", "weight_decay", "batch", "width", "dropout"):
        assert abs(found[name]) < 0.04
    mean = np.mean([pool.explained(rate, np.random.default_rng(k).normal(size=400)) for k in range(200)])
    assert mean == pytest.approx(0, abs=0.003)


def test_a_forest_names_the_same_hyperparameter() -> None:
    ensemble = pytest.importorskip("sklearn.ensemble")
    trials = pool.draw(300, seed=6)
    values = np.array([abs(math.log10(t["lr"]) + 2) + 0.3 * math.log2(t["width"]) / 8 for t in trials])
    columns = np.array([[t[name] for name in pool.SPACE] for t in trials])
    forest = ensemble.RandomForestRegressor(50, random_state=0).fit(columns, values)
    found = pool.importance(trials, values)
    assert max(pool.SPACE, key=found.__getitem__) == list(pool.SPACE)[forest.feature_importances_.argmax()]


def test_halving_pays_each_epoch_once_and_keeps_the_best() -> None:
    losses = np.array([[5.0, 4, 3, 2], [1, 2, 3, 4], [2, 1, 1, 1], [math.nan] * 4])
    # one epoch each: rows 1 and 2 stay; one more each: row 2 stays, and pays its last two
    assert pool.halve(losses, np.arange(4), eta=2) == (2, 4 + 2 + 2)
    assert pool.rungs(16, 2) == [1, 2, 4, 8, 16] and pool.rungs(16, 4) == [1, 4, 16]
    assert pool.rungs(10, 4) == [1, 4, 10] and pool.rungs(4, 2, start=4) == [4]
    assert pool.halve(losses, np.array([0, 1]), eta=4, start=4) == (0, 8)  # no rung but the last: all trained
    assert pool.halve(losses, np.array([3, 0]), eta=2)[0] == 0


def test_halving_among_ranks_that_never_change_finds_the_best_at_less_cost() -> None:
    quality = np.random.default_rng(3).permutation(64) / 64
    losses = quality[:, None] + np.linspace(1, 0, 16)
    winner, paid = pool.halve(losses, np.arange(64), eta=2)
    assert quality[winner] == 0 and paid == 64 + 32 + 16 * 2 + 8 * 4 + 4 * 8
    assert paid < 64 * 16 / 5


def test_ranks_are_those_of_scipy_and_losses_above_log_ten_are_ties() -> None:
    stats = pytest.importorskip("scipy.stats")
    losses = np.random.default_rng(4).exponential(1.5, (50, 5)).round(1)
    losses[7, 2:] = math.nan
    found = pool.rank_correlations(losses)
    capped = np.where(np.isnan(losses), np.inf, losses).clip(max=math.log(10))
    for epoch in range(5):
        assert found[epoch] == pytest.approx(stats.spearmanr(capped[:, epoch], capped[:, -1])[0])
    assert found[-1] == pytest.approx(1)


def test_the_expected_maximum_is_that_of_the_integral() -> None:
    stats, integrate = pytest.importorskip("scipy.stats"), pytest.importorskip("scipy.integrate")
    for m in (1, 2, 12, 50):
        expected, _ = integrate.quad(
            lambda z, m=m: z * m * stats.norm.pdf(z) * stats.norm.cdf(z) ** (m - 1), -8, 8
        )
        assert tables.expected_maximum(m) == pytest.approx(expected, abs=2e-3)
    assert tables.expected_maximum(50) == pytest.approx(2.249, abs=2e-3)


def test_the_winner_of_equal_models_is_as_far_above_them_as_the_formula_says() -> None:
    draw = np.random.default_rng(8)
    runs = [
        {
            "part": "winner",
            "loss": [0.3],
            "blocks": (draw.binomial(100, 0.9, 400) / 100).tolist(),
            "test_accuracy": 0.9,
        }
        for _ in range(50)
    ]
    rows = {row["n"]: row for row in tables.winner_table({"runs": runs})}
    assert rows[1000]["formula"] == pytest.approx(0.9213, abs=1e-3)
    for n, row in rows.items():
        assert row["winner"] == pytest.approx(row["simulated"], abs=0.006)
        # The binomial at 0.9 is skewed: with few images its normal approximation is too high.
        assert row["simulated"] == pytest.approx(row["formula"], abs=0.001 + 0.7 / n)
        assert row["std"] == pytest.approx(math.sqrt(0.09 / n), rel=0.05)
        assert row["excess"] == pytest.approx(row["winner"] - row["mean"])
        assert row["test_excess"] == pytest.approx(0)
        assert (row["test"], row["test_mean"]) == pytest.approx((0.9, 0.9))


def test_tables_of_a_pool_say_what_is_in_it() -> None:
    trials = pool.draw(20, seed=9)
    losses = np.linspace(0.5, 1.45, 20)[:, None, None] + np.zeros((20, 3, 4))
    losses[19, 1:, 2:] = math.nan
    losses[18] = 2.2
    results = results_of(losses, trials)
    assert pool.losses_of(results).shape == (20, 3, 4)
    assert pool.configs_of(results) == trials
    found = tables.pool_summary(results)
    assert found["trials"] == 20 and found["best"] == pytest.approx(0.5)
    assert found["good"] == 2 / 20  # 0.5 and 0.55
    assert found["diverged"] == 1 / 20 and found["useless"] == 1 / 20
    seeds = tables.seed_table(results)
    assert seeds["ranks"] == [1, 1, 1] and seeds["first"] == pytest.approx(0.5)
    assert seeds["tenth"] == pytest.approx(0.95)
    best = tables.best_table(results, trials=30)
    assert best[0]["log"] > best[9]["log"] > best[29]["log"] >= 0.5
    for row in tables.halving_table(results, draws=50):
        assert row["low"] <= row["loss"] <= row["high"]


def test_between_seeds_is_the_deviation_within_the_best() -> None:
    draw = np.random.default_rng(10)
    quality = np.linspace(0.4, 1.2, 100)
    values = quality[:, None] + draw.normal(0, 0.01, (100, 3))
    found = tables.seed_table(results_of(values[..., None], pool.draw(100, 0)), top=20)
    assert found["between_seeds"] == pytest.approx(0.01, rel=0.3)
    assert np.array(found["values"]).shape == (20, 3)


def test_tables_and_plots_need_no_torch() -> None:
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from lab.experiments import hyperparameters_plots, hyperparameters_tables\n"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0
