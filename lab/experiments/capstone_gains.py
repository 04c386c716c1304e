"""What follows from the accuracies of sets of tricks: gains in an order, losses without one, Shapley values.

All are paired by seed: computed for each seed, an array (seeds,) each, in shares (0.01 is a point).
"""

from collections.abc import Iterable, Sequence
from itertools import chain, combinations

import numpy as np

from lab.experiments.results import Results

Sets = dict[frozenset[str], np.ndarray]


def measured(results: Results, key: str = "test_accuracy") -> Sets:
    """Set of tricks -> values (seeds,), in the order of the seeds; seeds that all the sets have."""
    found: dict[frozenset[str], dict[int, float]] = {}
    for run in results["runs"]:
        found.setdefault(frozenset(run["tricks"]), {})[run["seed"]] = run[key]
    seeds = sorted(set.intersection(*map(set, found.values())))
    return {names: np.array([values[seed] for seed in seeds]) for names, values in found.items()}


def lost_without(results: Results) -> dict[str, np.ndarray]:
    """Of all tricks: accuracy with all of them minus accuracy without this one (cp-leave-one-out)."""
    values, everything = measured(results), frozenset(results["about"]["tricks"])
    return {name: values[everything] - values[everything - {name}] for name in results["about"]["tricks"]}


def ladder_of(results: Results, order: Sequence[str]) -> np.ndarray:
    """Gain of each trick when they are added in this order (cp-ladder): (tricks, seeds)."""
    values = measured(results)
    climbed = [values[frozenset(order[:rung])] for rung in range(len(order) + 1)]
    return np.diff(climbed, axis=0)


def shares_of(results: Results) -> Sets:
    """What each set of FOUR adds beyond all smaller sets in it: v(S) = sum of the shares of S's subsets.

    Of one trick: its gain alone; of two: their interaction. Harsanyi (1959) called it a dividend.
    """
    values, shares = measured(results), Sets()
    for names in _subsets(results["about"]["four"]):
        inside = [shares[smaller] for smaller in shares if smaller < names]
        shares[names] = values[names] - sum(inside, np.zeros(len(values[names])))
    return shares


def shapley_of(results: Results) -> dict[str, np.ndarray]:
    """Shapley value of each trick of FOUR: every set's share, divided equally among its tricks."""
    shares = shares_of(results)
    equal = {names: share / max(1, len(names)) for names, share in shares.items()}
    return {
        name: np.sum([part for names, part in equal.items() if name in names], axis=0)
        for name in results["about"]["four"]
    }


def _subsets(names: Iterable[str]) -> list[frozenset[str]]:
    """The smaller ones first."""
    pool = list(names)
    return [frozenset(c) for c in chain.from_iterable(combinations(pool, n) for n in range(len(pool) + 1))]
