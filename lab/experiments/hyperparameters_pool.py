"""What a pool of trained configurations tells with no more training: all that needs NumPy alone.

losses, trials = losses_of(results), configs_of(results)     # (trials, seeds, epochs), list of dicts
best_so_far(losses[:, 0, -1], 30)      # (draws, 30): best of the first 1, 2, ... trials drawn
importance(trials, score)              # share of the scores' variance that each hyperparameter explains
halve(losses[:, 0], rows, eta=4)       # successive halving among these rows: (winner, epochs paid)
rank_correlations(losses[:, 0])        # Spearman's, of the loss after each epoch with the last one
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lab.experiments.results import Results

Config = dict[str, Any]

KNOWS_NOTHING = math.log(10)  # the loss of a classifier of ten classes that knows nothing
SPACE: dict[str, tuple] = {  # name: scale, and from where to where, or among what
    "lr": ("log", 1e-4, 1.0),
    "momentum": ("one-minus-log", 0.0, 0.99),
    "weight_decay": ("log", 1e-6, 1e-1),
    "batch": ("choice", (16, 32, 64, 128)),
    "width": ("choice", (16, 32, 64, 128, 256)),
    "dropout": ("linear", 0.0, 0.6),
}
BINS = 8
EFFECTIVE = "lr / (1 - momentum)"


def config_at(u: Sequence[float] | np.ndarray, space: Mapping[str, tuple] = SPACE) -> Config:
    """The configuration at a point u (d,) of the unit cube, each scale from its low to its high end."""
    config: Config = {}
    for place, (name, (scale, *ends)) in zip(u, space.items(), strict=True):
        if scale == "choice":
            config[name] = ends[0][int(place * len(ends[0]))]
        elif scale == "linear":
            config[name] = float(np.interp(place, (0, 1), ends))
        elif scale == "log":
            config[name] = float(np.exp(np.interp(place, (0, 1), np.log(ends))))
        else:
            config[name] = float(-np.expm1(np.interp(place, (0, 1), np.log1p(np.negative(ends)))))
    return config


def draw(count: int, seed: int, space: Mapping[str, tuple] = SPACE) -> list[Config]:
    """That many random configurations; the first ones are the same however many are drawn."""
    u = np.random.default_rng(seed).random((count, len(space)))
    return [config_at(row, space) for row in u]


def losses_of(results: Results, part: str = "pool") -> np.ndarray:
    """Validation losses (trials, seeds, epochs) of the pool; NaN where training diverged."""
    runs = [run for run in results["runs"] if run["part"] == part]
    count = len({run["seed"] for run in runs})
    return np.array([run["loss"] for run in runs], float).reshape(-1, count, len(runs[0]["loss"]))


def configs_of(results: Results, part: str = "pool") -> list[Config]:
    """The configurations of the pool, one per row of `losses_of`."""
    found = {run["trial"]: run for run in results["runs"] if run["part"] == part}
    return [{name: run[name] for name in SPACE} for run in found.values()]


def scores(losses: np.ndarray) -> np.ndarray:
    """Losses of the same shape to compare trials by: what is no number, or above log 10, is log 10."""
    return np.fmin(losses, KNOWS_NOTHING)


def best_so_far(
    values: np.ndarray, trials: int, draws: int = 2000, weights: np.ndarray | None = None, seed: int = 0
) -> np.ndarray:
    """The least of the first 1, 2, ... of `trials` values drawn with replacement: (draws, trials).

    A value is drawn as often as its weight says, or all alike.
    """
    chances = None if weights is None else weights / weights.sum()
    rows = np.random.default_rng(seed).choice(len(values), (draws, trials), p=chances)
    return np.minimum.accumulate(values[rows], axis=1)


def importance(trials: Sequence[Config], values: np.ndarray) -> dict[str, float]:
    """The share of the variance of values (trials,) that each hyperparameter alone explains.

    The mean of the values in each of BINS bins of equal count (fewer of few trials) is the main effect of
    functional ANOVA (Hutter, Hoos and Leyton-Brown 2014); from its variance that is taken off which chance
    alone would give (epsilon squared, Kelley 1935). EFFECTIVE, lr / (1 - momentum), is a seventh.
    """
    columns: dict[str, list[float]] = {name: [trial[name] for trial in trials] for name in SPACE}
    columns[EFFECTIVE] = [trial["lr"] / (1 - trial["momentum"]) for trial in trials]
    return {name: explained(np.array(column), values) for name, column in columns.items()}


def explained(column: np.ndarray, values: np.ndarray) -> float:
    """The share of the variance of values (trials,) between bins of a column (trials,), without chance's."""
    known = np.unique(column)
    bins = max(min(BINS, len(values) // 4), 2)
    if len(known) > bins:
        edges = np.quantile(column, np.arange(1, bins) / bins)
        groups = np.searchsorted(edges, column)
    else:
        groups = np.searchsorted(known, column)
    sizes = np.bincount(groups)
    means = np.bincount(groups, weights=values) / sizes
    within = ((values - means[groups]) ** 2).sum() / (len(values) - len(sizes))
    total = ((values - values.mean()) ** 2).sum()
    between = total - within * (len(values) - len(sizes))
    return float((between - (len(sizes) - 1) * within) / total)


def halve(losses: np.ndarray, rows: np.ndarray, eta: int, start: int = 1) -> tuple[int, int]:
    """Successive halving among `rows` of losses (trials, epochs): the winning row, and the epochs paid.

    Rungs are at start, start * eta, ... epochs, the last at all of them. A run goes on from its rung.
    """
    alive, paid, trained = rows, 0, 0
    ranked = np.where(np.isnan(losses), np.inf, losses)
    end = losses.shape[1]
    for epochs in rungs(end, eta, start):
        paid += len(alive) * (epochs - trained)
        order = np.argsort(ranked[alive, epochs - 1], kind="stable")
        left = len(alive) if epochs == end else max(len(alive) // eta, 1)
        alive, trained = alive[order[:left]], epochs
    return int(alive[0]), paid


def rungs(epochs: int, eta: int, start: int = 1) -> list[int]:
    """start, start * eta, ... up to all epochs, which is the last rung in any case."""
    found = []
    while start < epochs:
        found.append(start)
        start *= eta
    return [*found, epochs]


def rank_correlations(losses: np.ndarray, share: float = 1.0) -> np.ndarray:
    """Spearman's correlation of losses (trials, epochs) after each epoch with those after the last.

    `share` keeps that share of the trials, those that are best at the end.
    """
    end = scores(losses)[:, -1]
    best = np.argsort(end, kind="stable")[: max(round(share * len(end)), 2)]
    ranks = np.stack([ranked(column) for column in scores(losses)[best].T])
    return np.array([np.corrcoef(row, ranks[-1])[0, 1] for row in ranks])


def ranked(values: np.ndarray) -> np.ndarray:
    """The ranks of values (n,); equal values share the mean of their ranks."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[group]
