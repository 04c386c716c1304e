"""Runs and numbers of unit 06's results, found by their settings."""

from typing import Any

import numpy as np

from lab.experiments.regularization_ways import PENALTIES
from lab.experiments.results import Results, summarize

FIELDS = ("lam", "weight_decay", "sigma", "probability", "eps", "max_norm", "dropout")
CHOSEN = ("decay", "noise", "label smoothing", "max-norm", "dropout")  # whose best settings are combined


def select(results: Results, **at: Any) -> list[Results]:
    """The runs with these settings, one per seed; what is left out is as in the plain network.

    The four PENALTIES are those with SGD and its rate, where there are such runs and no optimizer is named.
    """
    about = results["about"]
    wanted = {key: value for key, value in about["base"].items() if key != "seed"} | {"way": "plain"}
    if at.get("way") in PENALTIES:
        wanted["optimizer"] = _optimizer_of(results, at["way"])
    wanted |= at
    if wanted["optimizer"] == "SGD" and "lr" not in at:
        wanted["lr"] = about["sgd_rate"]
    return [run for run in results["runs"] if all(run[key] == value for key, value in wanted.items())]


def _optimizer_of(results: Results, way: str) -> str:
    """The optimizer that is meant where none is named."""
    with_sgd = any(run["optimizer"] == "SGD" for run in results["runs"] if run["way"] == way)
    name: str = "SGD" if way in PENALTIES and with_sgd else results["about"]["base"]["optimizer"]
    return name


def value(run: Results, key: str) -> float:
    """A number of a run, or the last one of a list; "weights/zeros" is the number "zeros" in "weights"."""
    found: Any = run
    for part in key.split("/"):
        found = found[part]
    return found[-1] if isinstance(found, list) else found


def ends(results: Results, key: str = "val_accuracy", **at: Any) -> np.ndarray:
    """A number per seed of the runs that `select` finds. Raises ValueError without such runs."""
    found = select(results, **at)
    if not found:
        raise ValueError(f"Expected settings of some runs of these results, got {at}: look at their fields.")
    return np.array([value(run, key) for run in found], float)


def summary(results: Results, key: str = "val_accuracy", **at: Any) -> dict[str, float]:
    """Mean, standard deviation (n - 1), min and max over the seeds."""
    return summarize(ends(results, key, **at))


def values_of(results: Results, field: str, way: str, **at: Any) -> list[Any]:
    """The values of a field in the runs of a way, in ascending order."""
    wanted = {"way": way, **at}
    found = {r[field] for r in results["runs"] if all(r[key] == v for key, v in wanted.items())}
    return sorted(found)


def best(results: Results, field: str, way: str, **at: Any) -> Any:
    """The value of a field with the highest mean choice_accuracy over the seeds; of equals the smallest."""
    fixed = {"optimizer": _optimizer_of(results, way)} if "optimizer" not in at else {}
    found = values_of(results, field, way, **fixed, **at)
    return max(found, key=lambda v: ends(results, "choice_accuracy", way=way, **at, **{field: v}).mean())


def chosen_runs(results: Results) -> dict[str, Results]:
    """The plain run and, of each way in CHOSEN, one with the settings of the highest mean choice_accuracy.

    All have the plain network's optimizer and rate. Of equal settings those of the first run are taken.
    """
    base, found = results["about"]["base"], {}
    for way in ("plain", *CHOSEN):
        runs = [r for r in results["runs"] if r["way"] == way]
        runs = [r for r in runs if all(r[key] == base[key] for key in ("optimizer", "lr"))]
        groups: dict[tuple, list[Results]] = {}
        for run in runs:
            groups.setdefault(tuple(run[key] for key in FIELDS), []).append(run)
        means = {at: np.mean([value(r, "choice_accuracy") for r in group]) for at, group in groups.items()}
        found[way] = groups[max(means, key=lambda at: means[at])][0]
    return found


def stopped(results: Results, patience: int, **at: Any) -> list[Results]:
    """What early stopping on choice_loss makes of runs with a curve, a dict per seed.

    Training ends once `patience` epochs in a row brought no lower choice_loss; the weights of the best epoch
    until then are taken. "stop" and "best" are epochs, counted from 1; "test_loss", "test_accuracy",
    "val_loss" and "val_accuracy" are those of the best epoch.
    """
    rows = []
    for run in select(results, **at):
        losses = np.array(run["choice_loss"], float)
        lowest = np.fmin.accumulate(losses)
        at_best = np.array([np.flatnonzero(losses == low)[0] for low in lowest])
        waited = np.arange(len(losses)) - at_best
        stop = int(np.argmax(waited >= patience)) if (waited >= patience).any() else len(losses) - 1
        row = {"seed": run["seed"], "stop": run["epochs"][stop], "best": run["epochs"][at_best[stop]]}
        for key in ("test_loss", "test_accuracy", "val_loss", "val_accuracy"):
            row[key] = run[key][at_best[stop]]
        rows.append(row)
    return rows
