"""The searches of unit 09: each asks for configurations one by one and is told their scores.

A search is a function (ask, trials, seed) -> None that calls ask(config) -> score for each of its trials, a
validation loss to make small. `SEARCHES` are those over all of SPACE, `LINE_SEARCHES` those of the rate.
"""

from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from lab.dataset import need
from lab.experiments.hyperparameters_pool import KNOWS_NOTHING, SPACE, Config, config_at, draw
from lab.experiments.hyperparameters_problem import BASE, suggest

Ask = Callable[[Config], float]
Search = Callable[[Ask, int, int], None]
NextTrial = Callable[[np.ndarray, np.ndarray, np.ndarray], int]

STARTS = 3  # trials before a Gaussian process has something to go by
LENGTH, NOISE = 0.15, 0.15  # of the process: share of the logarithmic range, share of the scores' deviation
CANDIDATES = 201
PLANE = ("lr", "dropout")  # what a grid of 3x3 is compared on
BOX = 0.5  # side of the box that the second stage searches, of a unit cube
QUANTILES = np.array([NormalDist().inv_cdf((k + 0.5) / 1000) for k in range(1000)])


def on_line(u: float) -> Config:
    """BASE with the rate at u of its range."""
    return BASE | {"lr": config_at([u], {"lr": SPACE["lr"]})["lr"]}


def on_plane(u: Sequence[float] | np.ndarray) -> Config:
    """BASE with the two hyperparameters of PLANE at u (2,)."""
    return BASE | config_at(u, {name: SPACE[name] for name in PLANE})


def plane(way: str, count: int, seed: int) -> np.ndarray:
    """Points of the unit square (count, 2): random, or a square grid that is laid at random."""
    draws = np.random.default_rng(seed)
    if way == "random":
        return draws.random((count, 2))
    side = round(count**0.5)
    offset = draws.random(2)
    ticks = (np.arange(side)[:, None] + offset) / side
    return np.array([(a, b) for a in ticks[:, 0] for b in ticks[:, 1]])


def corners() -> list[Config]:
    """A grid of two values in each of the six dimensions, at a quarter and three quarters: 64 in all."""
    return [config_at(u) for u in 0.25 + 0.5 * np.indices((2,) * len(SPACE)).reshape(len(SPACE), -1).T]


def line_random(ask: Ask, trials: int, seed: int) -> None:
    """Rates at random, on a log scale."""
    for u in np.random.default_rng(seed).random(trials):
        ask(on_line(u))


def line_grid(ask: Ask, trials: int, seed: int) -> None:
    """Rates at equal steps of the exponent, laid at random; asked for in a random order."""
    draws = np.random.default_rng(seed)
    for u in draws.permutation((np.arange(trials) + draws.random()) / trials):
        ask(on_line(u))


def line_process(ask: Ask, trials: int, seed: int, next_trial: NextTrial | None = None) -> None:
    """STARTS random rates, then the one with the highest expected improvement under a Gaussian process.

    next_trial(x (n,), y (n,), candidates (m,)) -> index of the candidate to try; x are the exponents, from
    0 to 1, and y the scores, standardized.
    """
    x = list(np.random.default_rng(seed).random(min(STARTS, trials)))
    y = [ask(on_line(u)) for u in x]
    candidates = np.linspace(0, 1, CANDIDATES)
    for _ in range(trials - len(x)):
        values = np.array(y)
        standardized = (values - values.mean()) / (values.std() + 1e-9)
        chosen = candidates[(next_trial or most_promising)(np.array(x), standardized, candidates)]
        x.append(float(chosen))
        y.append(ask(on_line(chosen)))


def most_promising(x: np.ndarray, y: np.ndarray, candidates: np.ndarray) -> int:
    """The candidate with the highest expected improvement on the lowest of the means at x."""
    mu, sd = posterior(x, y, candidates)
    best = posterior(x, y, x)[0].min()
    possible = mu + sd * QUANTILES[:, None]  # each as likely as the others: their mean is the expectation
    return int(np.maximum(best - possible, 0).mean(axis=0).argmax())


def posterior(x: np.ndarray, y: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation at new (m,) of scikit-learn's Gaussian process through (x, y)."""
    need("sklearn", "The Gaussian process of the experiment")
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF

    process = GaussianProcessRegressor(RBF(LENGTH), alpha=NOISE**2, optimizer=None)
    return process.fit(x[:, None], y).predict(new[:, None], return_std=True)


def random_search(ask: Ask, trials: int, seed: int) -> None:
    """Configurations at random, each on its scale."""
    for config in draw(trials, seed):
        ask(config)


def coarse_to_fine(ask: Ask, trials: int, seed: int) -> None:
    """Half of the trials at random in the whole cube, the others in a box of side BOX around their best."""
    draws = np.random.default_rng(seed)
    coarse = draws.random((trials // 2, len(SPACE)))
    found = [ask(config_at(u)) for u in coarse]
    low = np.clip(coarse[int(np.argmin(found))] - BOX / 2, 0, 1 - BOX)
    for u in low + BOX * draws.random((trials - len(coarse), len(SPACE))):
        ask(config_at(u))


def sampler(name: str, seed: int) -> Any:
    """An optuna sampler: "random", "TPE" (Bergstra et al. 2011) or "GP", a Gaussian process."""
    need("optuna", "The search with optuna")
    import warnings

    from optuna.exceptions import ExperimentalWarning
    from optuna.samplers import GPSampler, RandomSampler, TPESampler

    warnings.simplefilter("ignore", ExperimentalWarning)
    return {"random": RandomSampler, "TPE": TPESampler, "GP": GPSampler}[name](seed=seed)


def optimize(
    objective: Callable[[Any], float],
    name: str,
    trials: int,
    seed: int,
    prune: bool = False,
    pruned: tuple[type[BaseException], ...] = (),
) -> Any:
    """An optuna study of that many trials; `pruned` are exceptions that count as optuna's TrialPruned.

    With `prune` a trial ends when what it reports is worse than the median of the trials before it.
    """
    chosen = sampler(name, seed)
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def counted(trial: Any) -> float:
        try:
            return objective(trial)
        except pruned as error:
            raise optuna.TrialPruned from error

    pruner = optuna.pruners.MedianPruner(n_warmup_steps=1) if prune else optuna.pruners.NopPruner()
    study = optuna.create_study(direction="minimize", sampler=chosen, pruner=pruner)
    study.optimize(counted, n_trials=trials)
    return study


def by_optuna(name: str) -> Search:
    """The search by one of optuna's samplers."""

    def search(ask: Ask, trials: int, seed: int) -> None:
        optimize(lambda trial: ask(suggest(trial)), name, trials, seed)

    return search


LINE_SEARCHES: dict[str, Search] = {
    "grid": line_grid,
    "random": line_random,
    "Gaussian process": line_process,
}
SEARCHES: dict[str, Search] = {
    "random": random_search,
    "coarse to fine": coarse_to_fine,
    "optuna, TPE": by_optuna("TPE"),
    "optuna, GP": by_optuna("GP"),
}


def told(search: Search, trials: int, seed: int, train: Callable[[Config], dict]) -> Iterator[dict]:
    """The records of a search: its configurations with what `train` returns for each, in their order.

    The search is told the last loss, or log 10 where that was no number, or more.
    """
    records: list[dict] = []

    def ask(config: Config) -> float:
        records.append({"trial": len(records)} | config | train(config))
        return float(np.fmin(records[-1]["loss"][-1], KNOWS_NOTHING))

    search(ask, trials, seed)
    return iter(records)
