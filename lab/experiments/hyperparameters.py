"""Unit 09's experiments: what searches find at equal cost, what selection costs, and curves of sick programs.

The problem: 1000 digits of 14x14 pixels to train on, 1000 others to choose with, 3000 to test with;
one hidden layer, SGD, 16 epochs (`hyperparameters_problem`). SPACE has its six hyperparameters, BASE a first
guess by hand. A training takes a fifth of a second. In a notebook ("tiny" takes seconds, "short" less than a
minute each):

    from lab.experiments import hyperparameters as hp
    hp.SPACE                                   # {name: (scale, low, high) or ("choice", values)}
    hp.draw(9, seed=0)                         # configurations at random: dicts with the names of SPACE
    for loss in hp.losses(config, seed=0):     # trains; the validation loss after each epoch
        ...
    hp.suggest(trial)                          # a configuration from an optuna trial

    results = hp.compare_grids(size="short")       # 3x3 grids and nine random trials on rate and dropout
    hp.plot_grids(results); hp.grid_table(results)

    results = hp.compare_searches(size="short")    # over all of SPACE, an equal number of trials each
    hp.plot_searches(results); hp.search_table(results)

    results = hp.run_optuna(objective, samplers=("random", "TPE"), size="short", prune=True, pruned=(Pruned,))
    hp.plot_searches(results)                  # objective(trial) -> loss, yours

    results = hp.compare_lines(size="short", next_trial=...)   # the rate alone; next_trial(x, y, candidates)
    hp.plot_lines(results)

    results = hp.run_sick(size="short")            # a program per fault, and a healthy one
    hp.plot_sick(results)                      # a panel per program; names=False shows letters alone

For the chapter, written as JSON, job by job; a file that was cut off is continued:

    python -m lab.experiments.hyperparameters --size full --out full.json

    results = hp.load_results("full.json")
    hp.plot_pool(results)         # a) final loss over each hyperparameter
    hp.plot_importance(results)   # a) share of the variance that each explains, a dot per seed
    hp.plot_best(results)         # a) best loss after n random trials; the rate drawn on both scales
    hp.plot_halving(results)      # a) successive halving and random search, over the epochs paid
    hp.plot_ranks(results)        # a) does an early loss tell the final one?
    hp.plot_seeds(results)        # a) the best configurations: a dot per seed
    hp.plot_grids(results)        # b)
    hp.plot_lines(results)        # c) grid, random and a Gaussian process on the rate
    hp.plot_searches(results)     # c), f) random, coarse to fine, optuna: best so far
    hp.plot_finals(results)       # what a search reported, and what its winner does with new seeds and images
    hp.plot_winner(results)       # d) best of 50 networks that differ in their seeds alone
    hp.plot_sick(results)         # e)

Beside each figure are its numbers: `pool_summary`, `importance_table`, `best_table`, `halving_table`,
`rank_table`, `seed_table`, `grid_table`, `corner_table`, `line_table`, `search_table`, `final_table`,
`winner_table` (`hyperparameters_tables` says what is in them).

results["runs"]: dicts. part and way say what it belongs to, number which repetition, trial which trial of it,
seed that of the training; then the configuration; loss: the validation loss after each epoch (in "grid",
"corners", "curve", "line" and "search" after the last one alone), NaN where it was no number; accuracy: that
of the validation images at the end.

"pool"      random configurations, `number` of them, each with all seeds
"grid"      way "grid" or "random": nine trials on (lr, dropout), number: where the grid lies, or the draw
"corners"   a grid of two values in each of six dimensions
"curve"     rates at equal steps of the exponent, all else as in BASE
"line"      LINE_SEARCHES; number: the search, and the seed of its trainings
"search"    SEARCHES; number: the same
"final"     the best of each search, and BASE, trained with `final_seeds`: chosen (the loss the search saw),
            test_loss, test_accuracy. Nothing is chosen by these.
"winner"    BASE with 50 seeds: blocks (accuracy on each hundred of the validation images), test_accuracy
"sick"      `hyperparameters_sick.PROGRAMS`: train_loss, loss, train_accuracy, accuracy: a value per epoch
results["about"]: size, seeds, amounts, device, versions, date, data.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lab.experiments import hyperparameters_search as searching
from lab.experiments import hyperparameters_sick as sick
from lab.experiments.command import described, made_with, run_study
from lab.experiments.hyperparameters_plots import (
    plot_best,
    plot_finals,
    plot_grids,
    plot_halving,
    plot_importance,
    plot_lines,
    plot_pool,
    plot_ranks,
    plot_searches,
    plot_seeds,
    plot_sick,
    plot_winner,
)
from lab.experiments.hyperparameters_pool import SPACE, Config, draw
from lab.experiments.hyperparameters_problem import (
    BASE,
    SET,
    Amount,
    blocks,
    epochs,
    images,
    network,
    suggest,
    train,
)
from lab.experiments.hyperparameters_search import LINE_SEARCHES, SEARCHES, NextTrial, Search
from lab.experiments.hyperparameters_tables import (
    best_table,
    corner_table,
    final_table,
    grid_table,
    halving_table,
    importance_table,
    line_table,
    pool_summary,
    rank_table,
    search_table,
    seed_table,
    winner_table,
)
from lab.experiments.results import Results, load_results
from lab.progress import Progress

__all__ = [
    "BASE",
    "LINE_SEARCHES",
    "SEARCHES",
    "SIZES",
    "SPACE",
    "best_table",
    "compare_grids",
    "compare_lines",
    "compare_searches",
    "corner_table",
    "draw",
    "final_table",
    "grid_table",
    "halving_table",
    "importance_table",
    "line_table",
    "load_results",
    "losses",
    "plot_best",
    "plot_finals",
    "plot_grids",
    "plot_halving",
    "plot_importance",
    "plot_lines",
    "plot_pool",
    "plot_ranks",
    "plot_searches",
    "plot_seeds",
    "plot_sick",
    "plot_winner",
    "pool_summary",
    "rank_table",
    "run_optuna",
    "run_sick",
    "search_table",
    "seed_table",
    "study",
    "suggest",
    "winner_table",
]

GRID_WAYS = ("grid", "random")
NINE = 9
POOL_SEED = 1000  # no search has it
WRITTEN_EVERY = 5.0  # seconds, at least
HAND = "by hand"  # BASE, in the part "final"
RUN_BY_HAND = 0


@dataclass(frozen=True)
class Size:
    """How much is trained, and how often it is repeated."""

    amount: Amount
    pool: int
    placements: int  # of a grid of nine
    corners: int  # of 64, how many
    curve: int
    line_trials: int
    lines: int  # searches of the rate
    search_trials: int
    searches: int
    final_seeds: tuple[int, ...]
    equals: int  # networks that differ in the seed alone
    seeds: tuple[int, ...]


SIZES = {
    "tiny": Size(Amount(200, 200, 500, 4), 8, 2, 2, 4, 4, 2, 4, 2, (100, 101), 4, (0, 1)),
    "short": Size(Amount(1000, 1000, 3000, 8), 30, 3, 8, 9, 6, 3, 20, 3, (100, 101, 102), 12, (0, 1, 2)),
    "full": Size(
        amount=Amount(1000, 1000, 3000, 16),
        pool=400,
        placements=12,
        corners=64,
        curve=33,
        line_trials=8,
        lines=12,
        search_trials=32,
        searches=12,
        final_seeds=(100, 101, 102),
        equals=50,
        seeds=(0, 1, 2),
    ),
}


@dataclass(frozen=True)
class Job:
    """Runs that are written together."""

    part: str
    way: str
    number: int


def losses(config: Config, seed: int = 0, size: str = "short") -> Iterator[float]:
    """Train with a configuration; yields the validation loss after each epoch, and ends where it is NaN."""
    of = SIZES[size].amount
    data, net = images(of.train, of.validation, of.test), network(config, seed)
    for epoch in epochs(net, config, data, of.epochs, seed):
        yield epoch.loss


def plan(size: str) -> list[Job]:
    """The jobs of the study, the most telling ones first."""
    of = SIZES[size]
    searches = [("search", way, number) for number in range(of.searches) for way in SEARCHES]
    points = [
        *[("sick", name, seed) for name in sick.PROGRAMS for seed in of.seeds],
        *[("pool", "random", number) for number in range(of.pool)],
        *[("grid", way, number) for number in range(of.placements) for way in GRID_WAYS],
        *[("winner", "seeds", number) for number in range(of.equals)],
        *searches,
        *[("final", way, number) for _, way, number in searches],
        ("final", HAND, RUN_BY_HAND),
        *[("curve", "rates", number) for number in range(of.curve)],
        *[("line", way, number) for number in range(of.lines) for way in LINE_SEARCHES],
        *[("corners", "grid", number) for number in range(of.corners)],
    ]
    return [Job(*point) for point in points]


def run_job(job: Job, size: str, before: list[Results]) -> list[Results]:
    """The records of a job, as the docstring of this module describes them; `before` holds the searches."""
    of = SIZES[size]
    if job.part in ("line", "search"):
        search = (LINE_SEARCHES if job.part == "line" else SEARCHES)[job.way]
        return searched(job, size, search)
    if job.part == "grid":
        points = searching.plane(job.way, NINE, job.number)
        configs = [searching.on_plane(u) for u in points]
        return [
            record(job, trial, seed, config, last(train(config, seed, of.amount)))
            for trial, config in enumerate(configs)
            for seed in of.seeds
        ]
    if job.part == "sick":
        config = BASE | sick.PROGRAMS[job.way].config
        return [record(job, 0, job.number, config, sick.run(job.way, job.number, of.amount))]
    if job.part == "winner":
        return [record(job, 0, job.number, BASE, blocks(BASE, job.number, of.amount))]
    if job.part == "final":
        return final(job, size, before)
    config, short = configured(job, of)
    return [
        record(job, job.number, seed, config, (last if short else dict)(train(config, seed, of.amount)))
        for seed in of.seeds
    ]


def configured(job: Job, of: Size) -> tuple[Config, bool]:
    """The configuration of a job that trains one with all seeds, and whether its last loss is enough."""
    if job.part == "pool":
        return draw(of.pool, POOL_SEED)[job.number], False
    if job.part == "corners":
        return searching.corners()[job.number], True
    return searching.on_line(job.number / (of.curve - 1)), True


def searched(job: Job, size: str, search: Search) -> list[Results]:
    """The records of a search; its number is the seed of its draws, and of all its trainings."""
    of = SIZES[size]
    trials = of.line_trials if job.part == "line" else of.search_trials

    def one(config: Config) -> Results:
        return last(train(config, job.number, of.amount))

    found = searching.told(search, trials, job.number, one)
    return [{**asdict(job), "seed": job.number, **at} for at in found]


def final(job: Job, size: str, before: list[Results]) -> list[Results]:
    """The winner of a search, or BASE, trained with other seeds and looked at on the test images."""
    of = SIZES[size]
    runs = [
        run
        for run in before
        if (run["part"], run["way"], run["number"]) == ("search", job.way, job.number)
        and np.isfinite(run["loss"][-1])
    ]
    if job.way == HAND:
        config, chosen = BASE, last(train(BASE, job.number, of.amount))["loss"][-1]
    else:
        best = min(runs, key=lambda run: run["loss"][-1])
        config, chosen = {name: best[name] for name in SPACE}, best["loss"][-1]
    return [
        record(job, 0, seed, config, last(train(config, seed, of.amount, test=True)) | {"chosen": chosen})
        for seed in of.final_seeds
    ]


def record(job: Job, trial: int, seed: int, config: Config, found: Results) -> Results:
    """A run as it is written."""
    return {**asdict(job), "trial": trial, "seed": seed, **config, **found}


def last(found: Results) -> Results:
    """The record of a training with the last loss alone."""
    return found | {"loss": found["loss"][-1:]}


def study(size: str = "full", data: str = SET, begun: Results | None = None) -> Iterator[Results]:
    """The whole study, or what is missing of one that was `begun`; yields the results every few seconds."""
    results: Results = begun or {"about": {}, "runs": []}
    results["about"] = about(size)
    done = {(run["part"], run["way"], run["number"]) for run in results["runs"]}
    missing = [job for job in plan(size) if (job.part, job.way, job.number) not in done]
    progress, written = Progress("training", len(missing)), time.monotonic()
    for job in missing:
        results["runs"] += run_job(job, size, results["runs"])
        progress.update(1, f"{job.part}, {job.way}, {job.number}")
        if time.monotonic() - written >= WRITTEN_EVERY:
            yield results
            written = time.monotonic()
    progress.close()
    yield results


def of_jobs(jobs: Sequence[Job], size: str, run: Callable[[Job], list[Results]] | None = None) -> Results:
    """The results of these jobs alone, with progress shown."""
    progress = Progress("training", len(jobs))
    runs: list[Results] = []
    for job in jobs:
        runs += run(job) if run else run_job(job, size, runs)
        progress.update(1, f"{job.way}, {job.number}")
    progress.close()
    return {"about": about(size), "runs": runs}


def compare_grids(size: str = "short") -> Results:
    """Nine trials on rate and dropout, as a 3x3 grid and at random, for every placement and seed."""
    of = SIZES[size]
    return of_jobs([Job("grid", way, k) for k in range(of.placements) for way in GRID_WAYS], size)


def compare_lines(size: str = "short", next_trial: NextTrial | None = None) -> Results:
    """Searches of the rate alone: a grid, random, a Gaussian process; with a next_trial of one's own too.

    next_trial(x (n,), y (n,), candidates (m,)) returns the index of the candidate to try: x from 0 to 1, the
    share of the range of exponents, y the scores of the trials so far, standardized. It is told as "yours".
    """
    of = SIZES[size]
    ways = dict(LINE_SEARCHES)
    if next_trial is not None:
        ways["yours"] = lambda ask, trials, seed: searching.line_process(ask, trials, seed, next_trial)
    jobs = [Job("line", way, k) for k in range(of.lines) for way in ways]
    curve = of_jobs([Job("curve", "rates", k) for k in range(of.curve)], size)
    found = of_jobs(jobs, size, lambda job: searched(job, size, ways[job.way]))
    return found | {"runs": curve["runs"] + found["runs"]}


def compare_searches(size: str = "short", ways: Sequence[str] = tuple(SEARCHES)) -> Results:
    """Searches over all of SPACE with an equal number of trials, for every seed."""
    return of_jobs([Job("search", way, k) for k in range(SIZES[size].searches) for way in ways], size)


def run_optuna(
    objective: Callable[[Any], float],
    samplers: Sequence[str] = ("random", "TPE"),
    size: str = "short",
    prune: bool = False,
    pruned: tuple[type[BaseException], ...] = (),
) -> Results:
    """Optuna studies of an objective of one's own, for every sampler ("random", "TPE", "GP") and seed.

    `pruned` are exceptions that count as optuna.TrialPruned. Of a trial that was pruned the loss is the last
    one that it reported. The records hold `params`, the trial's own, and `state`: "COMPLETE" or "PRUNED".
    """
    of = SIZES[size]

    def run(job: Job) -> list[Results]:
        study = searching.optimize(objective, job.way, of.search_trials, job.number, prune, pruned)
        return [
            {
                **asdict(job),
                "trial": trial.number,
                "seed": job.number,
                "params": trial.params,
                "state": trial.state.name,
                "reported": len(trial.intermediate_values),
                "loss": [float("nan") if trial.value is None else trial.value],
            }
            for trial in study.trials
        ]

    return of_jobs([Job("search", way, k) for k in range(of.searches) for way in samplers], size, run)


def run_sick(size: str = "short", names: Sequence[str] = tuple(sick.PROGRAMS)) -> Results:
    """The curves of the sick programs and of the healthy one, for every seed."""
    return of_jobs([Job("sick", name, seed) for name in names for seed in SIZES[size].seeds], size)


def about(size: str) -> Results:
    """What the results were made with."""
    of = asdict(SIZES[size])
    return {
        "size": size,
        **of.pop("amount"),
        **of,
        "space": {name: list(row) for name, row in SPACE.items()},
        "base": BASE,
        "plane": searching.PLANE,
        "box": searching.BOX,
        "starts": searching.STARTS,
        "length": searching.LENGTH,
        "noise": searching.NOISE,
        "data": {SET: described(SET)},
        **made_with(),
    }


if __name__ == "__main__":
    run_study("hyperparameters", study, SIZES, (SET,))
