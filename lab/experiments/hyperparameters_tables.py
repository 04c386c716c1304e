"""The numbers of unit 09's chapter, from results of `lab.experiments.hyperparameters`; needs NumPy alone.

A score is a validation loss at the end of training; what is no number, or above log 10, is log 10.

    pool_summary(results)     # {"trials", "best", "median", "good", "useless", "diverged"}
    importance_table(results) # [{name, mean, min, max over the seeds: share of the variance explained}]
    best_table(results)       # [{n, log, log_low, log_high, uniform, ...}]: best of n: mean, two quantiles
    halving_table(results)    # [{way, configurations, epochs, loss, low, high}]
    rank_table(results)       # [{epochs, all, best_half, best_tenth}]: rank correlation with the end
    seed_table(results)       # {"between_seeds", "first", "tenth", "same_winner", ...}
    grid_table(results)       # {way: {mean, std, min, max, values: distinct rates}}: best of nine
    corner_table(results)     # {"grid", "random", "random_wins"}: 64 trials
    line_table(results)       # {way: best so far, mean over the searches, a value per trial}
    search_table(results)     # the same, over all of SPACE
    final_table(results)      # {way: {chosen, loss, test_loss, test_accuracy: mean, std, min, max}}
    winner_table(results)     # [{n, winner, test, mean, formula, simulated}]: best of m equal networks
"""

import math
from statistics import NormalDist
from typing import Any

import numpy as np

from lab.experiments import hyperparameters_pool as pool
from lab.experiments.results import Results, summarize

DRAWS = 1000
START = 1  # epochs on the first rung
CONFIGURATIONS = (8, 16, 32, 64, 128)


def select(results: Results, part: str, **at: Any) -> list[Results]:
    """The runs of a part with these fields."""
    return [
        run
        for run in results["runs"]
        if run["part"] == part and all(run[key] == value for key, value in at.items())
    ]


def names(results: Results, part: str, key: str = "way") -> list[Any]:
    """The values of a field in the runs of a part, each once, in their order."""
    return list(dict.fromkeys(run[key] for run in select(results, part)))


def final_scores(results: Results) -> np.ndarray:
    """The scores of the pool (trials, seeds)."""
    return pool.scores(pool.losses_of(results)[..., -1])


def pool_summary(results: Results) -> dict[str, float]:
    """How rare good configurations are; of the means over the seeds.

    good: the share within 10 % of the best; useless: the share above nine tenths of log 10.
    """
    found, means = pool.losses_of(results)[..., -1], final_scores(results).mean(axis=1)
    return {
        "trials": len(means),
        "best": float(means.min()),
        "median": float(np.median(means)),
        "good": float((means <= 1.1 * means.min()).mean()),
        "useless": float((means >= 0.9 * pool.KNOWS_NOTHING).mean()),
        "diverged": float(np.isnan(found).any(axis=1).mean()),
    }


def importance_table(results: Results) -> list[Results]:
    """Each hyperparameter's share of the variance of the scores; the greatest mean first."""
    trials = pool.configs_of(results)
    shares = [pool.importance(trials, column) for column in final_scores(results).T]
    rows = [{"name": name, **summarize(np.array([s[name] for s in shares]))} for name in shares[0]]
    return sorted(rows, key=lambda row: -row["mean"])


def best_table(results: Results, trials: int = 100, draws: int = 2000) -> list[Results]:
    """The best of n random trials of the pool, with rates on a log scale ("log") and uniform ("uniform").

    Uniform rates: the pool's trials, each drawn as often as its rate is high. Mean, a tenth and nine tenths.
    """
    values = final_scores(results).mean(axis=1)
    rates = np.array([trial["lr"] for trial in pool.configs_of(results)])
    rows: list[Results] = [{"n": n} for n in range(1, trials + 1)]
    for scale, weights in (("log", None), ("uniform", rates)):
        best = pool.best_so_far(values, trials, draws, weights)
        low, high = np.quantile(best, (0.1, 0.9), axis=0)
        for row, mean, lower, upper in zip(rows, best.mean(axis=0), low, high, strict=True):
            row |= {scale: float(mean), f"{scale}_low": float(lower), f"{scale}_high": float(upper)}
    return rows


def halving_table(results: Results, draws: int = DRAWS) -> list[Results]:
    """What the winner's loss is, over the epochs that were paid: halving at two rates, and random search."""
    losses = pool.losses_of(results)
    trials, seeds, epochs = losses.shape
    rows = []
    for way, eta in (("random search", 0), ("halving, eta 2", 2), ("halving, eta 4", 4)):
        for count in (c for c in CONFIGURATIONS if c <= trials):
            draw, found = np.random.default_rng(count), []
            for k in range(draws):
                chosen = draw.choice(trials, count, replace=False)
                of_seed = losses[:, k % seeds]
                winner, paid = pool.halve(of_seed, chosen, eta or epochs, START if eta else epochs)
                found.append((pool.scores(of_seed[winner, -1]), paid))
            values, costs = np.array(found, float).T
            low, high = np.quantile(values, (0.1, 0.9))
            rows.append(
                {
                    "way": way,
                    "configurations": count,
                    "epochs": float(costs.mean()),
                    "loss": float(values.mean()),
                    "low": float(low),
                    "high": float(high),
                }
            )
    return rows


def rank_table(results: Results) -> list[Results]:
    """Rank correlation of the loss after each epoch with that at the end: mean, min and max over seeds.

    Of all trials, of the half that is best at the end, and of the best tenth.
    """
    losses = pool.losses_of(results)
    rows: list[Results] = [{"epochs": epoch + 1} for epoch in range(losses.shape[2])]
    for name, share in (("all", 1.0), ("best_half", 0.5), ("best_tenth", 0.1)):
        found = np.array([pool.rank_correlations(losses[:, k], share) for k in range(losses.shape[1])])
        for row, column in zip(rows, found.T, strict=True):
            row[name] = summarize(column)
    return rows


def seed_table(results: Results, top: int = 20) -> Results:
    """How far seeds are apart, against how far the best configurations are apart.

    between_seeds: standard deviation over the seeds, within the `top` configurations; first and tenth: means
    of the best and of the tenth; ranks: where the winner of each seed stands by the mean of the other seeds.
    """
    values = final_scores(results)
    means = values.mean(axis=1)
    order = np.argsort(means, kind="stable")[:top]
    seeds = values.shape[1]
    ranks = []
    for k in range(seeds):
        others = np.delete(values, k, axis=1).mean(axis=1)
        ranks.append(1 + int((others < others[values[:, k].argmin()]).sum()))
    return {
        "between_seeds": float(np.sqrt(values[order].var(axis=1, ddof=1).mean())),
        "first": float(means[order[0]]),
        "tenth": float(means[order[min(9, len(order) - 1)]]),
        "ranks": ranks,
        "values": values[order].tolist(),
    }


def grid_table(results: Results) -> Results:
    """The best of nine, mean over the seeds; summaries over the placements, and how many rates were tried."""
    table = {}
    for way in names(results, "grid"):
        runs = select(results, "grid", way=way)
        rates = {
            number: {run["lr"] for run in runs if run["number"] == number}
            for number in {run["number"] for run in runs}
        }
        found = best_of_nine(results, way)
        table[way] = summarize(found.mean(axis=1)) | {"values": len(rates[0])}
    return table


def best_of_nine(results: Results, way: str) -> np.ndarray:
    """The best score of each placement (placements, seeds)."""
    runs = select(results, "grid", way=way)
    numbers, seeds = ([*dict.fromkeys(run[key] for run in runs)] for key in ("number", "seed"))
    return np.array(
        [
            [
                min(score(run) for run in runs if (run["number"], run["seed"]) == (number, seed))
                for seed in seeds
            ]
            for number in numbers
        ]
    )


def score(run: Results) -> float:
    """The score of a run."""
    return float(pool.scores(np.array(run["loss"][-1], float)))


def corner_table(results: Results, draws: int = DRAWS) -> Results:
    """The best of a grid of two values per dimension, and of as many random trials of the pool, by seed."""
    runs = select(results, "corners")
    seeds = sorted({run["seed"] for run in runs})
    values = final_scores(results)
    count = len({run["trial"] for run in runs})
    grid = np.array([min(score(run) for run in runs if run["seed"] == seed) for seed in seeds])
    draw = np.random.default_rng(0)
    random = np.array(
        [
            values[draw.choice(len(values), min(count, len(values)), replace=False)].min(axis=0)
            for _ in range(draws)
        ]
    )
    return {
        "trials": count,
        "grid": summarize(grid),
        "random": summarize(random.mean(axis=1)),
        "random_wins": float((random < grid).mean()),
    }


def best_by_trial(results: Results, part: str, way: str) -> np.ndarray:
    """The best score of each search after each trial (searches, trials)."""
    runs = select(results, part, way=way)
    numbers = dict.fromkeys(run["number"] for run in runs)
    found = [[score(run) for run in runs if run["number"] == number] for number in numbers]
    return np.minimum.accumulate(np.array(found), axis=1)


def line_table(results: Results) -> dict[str, list[float]]:
    """Best so far of the searches of the rate: the mean over the searches, a value per trial."""
    return {way: best_by_trial(results, "line", way).mean(axis=0).tolist() for way in names(results, "line")}


def search_table(results: Results) -> dict[str, list[float]]:
    """Best so far of the searches over all of SPACE: the mean over the searches, a value per trial."""
    return {
        way: best_by_trial(results, "search", way).mean(axis=0).tolist() for way in names(results, "search")
    }


def final_table(results: Results) -> dict[str, Results]:
    """What each search saw of its best trial, and what that does with other seeds, and on the test images.

    Summaries over the searches, each a mean over the seeds; of BASE, which nobody searched, over the seeds.
    """
    table: dict[str, Results] = {}
    for way in names(results, "final"):
        runs = select(results, "final", way=way)
        groups = {run["number"] for run in runs} if way in names(results, "search") else None
        table[way] = {
            key: summarize(np.array(means(runs, key, groups)))
            for key in ("chosen", "loss", "test_loss", "test_accuracy")
        }
    return table


def means(runs: list[Results], key: str, groups: set[int] | None) -> list[float]:
    """A value per search, its mean over the seeds; without searches a value per seed."""

    def value(run: Results) -> float:
        return run[key][-1] if isinstance(run[key], list) else run[key]

    if groups is None:
        return [value(run) for run in runs]
    return [
        float(np.mean([value(run) for run in runs if run["number"] == number])) for number in sorted(groups)
    ]


def winner_table(
    results: Results, sizes: tuple[int, ...] = (100, 300, 1000), draws: int = 4000
) -> list[Results]:
    """The best of m networks that differ in their seeds, chosen on n validation images.

    mean: the accuracy of all m on those n images, std: how far they are apart there; winner: that of the
    best; test: the winner's on the test images, test_mean: of all. Each is a mean over the parts of n images
    that the validation images hold.
    formula: mean + formula_std E[max of m standard normals], formula_std: sqrt(mean (1 - mean) / n);
    simulated: the best of m models that are right with the mean's probability, each on n images of its own.
    excess, test_excess, formula_excess, simulated_excess: how far the same are above the mean of all.
    """
    runs = select(results, "winner")
    blocks = np.array([run["blocks"] for run in runs])  # (m, parts of 100)
    test = np.array([run["test_accuracy"] for run in runs])
    rows, draw = [], np.random.default_rng(0)
    for n in (n for n in sizes if n <= 100 * blocks.shape[1]):
        width, count = n // 100, blocks.shape[1] // (n // 100)
        accuracy = blocks[:, : width * count].reshape(len(runs), count, width).mean(axis=2)
        mean = float(accuracy.mean())
        row = {
            "n": n,
            "parts": count,
            "mean": mean,
            "std": float(accuracy.std(axis=0, ddof=1).mean()),
            "winner": float(accuracy.max(axis=0).mean()),
            "test": float(test[accuracy.argmax(axis=0)].mean()),
            "test_mean": float(test.mean()),
            "formula_std": math.sqrt(mean * (1 - mean) / n),
            "simulated": float((draw.binomial(n, mean, (draws, len(runs))).max(axis=1) / n).mean()),
        }
        row["formula"] = mean + row["formula_std"] * expected_maximum(len(runs))
        row |= {f"{key}_excess": row[key] - mean for key in ("formula", "simulated")}
        rows.append(row | {"excess": row["winner"] - mean, "test_excess": row["test"] - row["test_mean"]})
    return rows


def expected_maximum(m: int, steps: int = 20000) -> float:
    """The expectation of the greatest of m standard normals, from quantiles of the greatest of m uniforms."""
    u = ((np.arange(steps) + 0.5) / steps) ** (1 / m)  # equally likely values of the greatest of m uniforms
    return float(np.mean([NormalDist().inv_cdf(float(value)) for value in u]))
