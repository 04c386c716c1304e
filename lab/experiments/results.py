"""Results of experiments as JSON: results["runs"] is a list of dicts, a run each."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

Results = dict[str, Any]


def load_results(path: str | Path) -> Results:
    """The results in a JSON file; a loss in a run's lists that was no number, null in the file, is NaN."""
    results = json.loads(Path(path).read_text())
    for run in results["runs"]:
        for key, values in run.items():
            if key.endswith("loss") and isinstance(values, list):
                run[key] = [math.nan if value is None else value for value in values]
    return results


def save_results(results: Results, path: str | Path) -> None:
    """Write results as JSON, a run a line, numbers to six significant digits, null for what is no number."""
    compact = _rounded(results)
    runs = ",\n".join("  " + json.dumps(record) for record in compact.pop("runs"))
    rest = "".join(f"{json.dumps(key)}: {json.dumps(value)},\n" for key, value in compact.items())
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(f'{{\n{rest}"runs": [\n{runs}\n]\n}}\n')


def summarize(values: np.ndarray) -> dict[str, float]:
    """Mean, standard deviation (n - 1), min and max of numbers, one per seed."""
    return {
        "mean": float(values.mean()),
        "std": float(values.std(ddof=1)),
        "min": float(values.min()),
        "max": float(values.max()),
    }


def last(run: Results, key: str) -> float:
    """A number of a run, or the last one of a list."""
    return run[key][-1] if isinstance(run[key], list) else run[key]


def rate_of_best(runs: list[Results]) -> float:
    """The `rate` with the highest mean `validation_accuracy` of these runs.

    A rate at which the loss of a run was no longer a number is not taken, unless there is no other.
    """

    def merit(rate: float) -> tuple[bool, float]:
        found = [run for run in runs if run["rate"] == rate]
        finite = all(np.isfinite(run["loss"]).all() for run in found)
        return finite, float(np.mean([last(run, "validation_accuracy") for run in found]))

    return max(sorted({run["rate"] for run in runs}), key=merit)


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
