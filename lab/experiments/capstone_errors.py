"""How sure an accuracy or a gain is, from results of `capstone_uncertainty`; all numbers are shares."""

import numpy as np

from lab.experiments.results import Results

DRAWS = 2000  # of a bootstrap
CELLS = 1000  # more than a photograph has: cell k of photograph c is number c * CELLS + k


def correct(results: Results, rung: str, key: str = "correct") -> np.ndarray:
    """Which images the networks of a rung have right: (seeds, N), 0 or 1; seeds that all rungs have."""
    of_rungs = [{run["seed"] for run in _runs(results, name)} for name in results["about"]["rungs"]]
    seeds = set.intersection(*of_rungs)
    kept = [run[key] for run in _runs(results, rung) if run["seed"] in seeds]
    return np.array([[int(digit) for digit in digits] for digits in kept])


def _runs(results: Results, rung: str) -> list[Results]:
    return sorted((run for run in results["runs"] if run["rung"] == rung), key=lambda run: run["seed"])


def gain_errors(
    results: Results, seed: int = 0, key: str = "fresh_correct"
) -> dict[str, tuple[float, float]]:
    """The gain of the second rung, and its standard error, by what is thought to be drawn anew.

    The first three are of one seed's two networks: as two samples of images, as one sample of images that
    both networks see (cp-paired-error), as one sample of cells. The last is the mean over the seeds, and
    its error over the seeds (cp-seeds).
    """
    before, after = (correct(results, rung, key) for rung in results["about"]["rungs"])
    one, other = before[seed], after[seed]
    n, gain = one.size, float(other.mean() - one.mean())
    by_seed = (after - before).mean(axis=1)
    errors = {
        "two samples": (gain, float(np.sqrt((one.var() + other.var()) / n))),
        "the same images": (gain, float(np.std(other - one, ddof=1) / np.sqrt(n))),
    }
    if key == "fresh_correct":
        cells = np.array(results["about"]["fresh_cells"])
        errors["the same images, by cell"] = (gain, cell_error(other - one, cells))
    errors["the same seeds"] = (float(by_seed.mean()), float(by_seed.std(ddof=1) / np.sqrt(by_seed.size)))
    return errors


def accuracy_errors(results: Results, rung: str | None = None, seed: int = 0) -> dict[str, float]:
    """Standard error of one network's accuracy on the shared fresh crops, and what the fresh sets show.

    "binomial" takes the crops as independent; "by cell" draws whole cells of each photograph. "fresh sets"
    is the deviation of the accuracy over further sets, which are new crops of the same cells; it and
    "binomial, a set" are for sets of their own size.
    """
    rung = rung or results["about"]["rungs"][-1]
    right = correct(results, rung, "fresh_correct")[seed]
    share, sets = right.mean(), np.array(_runs(results, rung)[seed]["fresh_accuracy"])
    a, size = sets.mean(), results["about"]["set_images"]
    return {
        "binomial": float(np.sqrt(share * (1 - share) / right.size)),
        "by cell": cell_error(right, np.array(results["about"]["fresh_cells"])),
        "binomial, a set": float(np.sqrt(a * (1 - a) / size)),
        "fresh sets": float(sets.std(ddof=1)),
    }


def cell_error(values: np.ndarray, cells: np.ndarray) -> float:
    """Standard error of the mean of values (N,) over crops, by a bootstrap that draws whole cells.

    Each photograph's cells are drawn with replacement, with all their crops; the photographs stay, for they
    are the classes. After Efron and Tibshirani (1993), chapter 6, with cells for single observations.
    """
    random = np.random.default_rng(0)
    names, cell = np.unique(cells, return_inverse=True)
    totals, counts = np.bincount(cell, values), np.bincount(cell)
    sums = np.zeros((2, DRAWS))
    for photograph in np.unique(names // CELLS):
        own = np.flatnonzero(names // CELLS == photograph)
        drawn = random.choice(own, (DRAWS, own.size))
        sums += totals[drawn].sum(axis=1), counts[drawn].sum(axis=1)
    return float(np.std(sums[0] / sums[1], ddof=1))


def variances(results: Results) -> dict[str, dict[str, float]]:
    """Per rung, of one measured test accuracy: variance over seeds, and over images (cp-two-sources).

    "images" is the mean over the seeds of a (1 - a) / N. "observed" is the variance of the accuracies over
    the seeds, on the same images; "seeds" is what is left of it without the noise of single images that are
    right for some seeds only: the variance over seeds on endlessly many images. It may come out negative.
    """
    found = {}
    for rung in results["about"]["rungs"]:
        right = correct(results, rung)
        shares, n = right.mean(axis=1), right.shape[1]
        observed, of_single_images = shares.var(ddof=1), right.var(axis=0, ddof=1).mean() / n
        found[rung] = {
            "observed": float(observed),
            "seeds": float(observed - of_single_images),
            "images": float((shares * (1 - shares)).mean() / n),
        }
    return found
