"""How often a check of something random fails a right solution.

Such a check compares means over many draws with what they should be. A mean over many draws is nearly
Gaussian, so its spread, seen in a few hundred runs, tells how rarely it leaves the bound."""

from __future__ import annotations

import math
import sys

import numpy as np

from autograder.compare import FLOOR

MAX_FALSE_ALARMS = 1e-6  # the probability that one case fails a right solution
RUNS = 300
SPREAD = 1.15  # the standard deviation of 300 runs is off by less than 15 %, but for one time in 10,000


def seed_all(seed: int) -> None:
    """Put the global random streams of NumPy and torch (where it is loaded) to a known place."""
    np.random.seed(seed % 2**32)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(seed % 2**63)


def false_alarms(runs: np.ndarray, wanted: np.ndarray, rtol: float) -> float:
    """The probability that a right answer is further than rtol from `wanted`; 1 where the mean already is.

    runs: (RUNS, ...), right answers; wanted: (...). The error is that of `autograder.compare`:
    max|a - b| / (max|b| + floor).
    """
    bound = rtol * (np.abs(wanted).max() + FLOOR)
    room = bound - np.abs(runs.mean(axis=0) - wanted)
    spread = SPREAD * runs.std(axis=0, ddof=1)
    if not np.isfinite(runs).all() or (room <= 0).any():
        return 1.0
    with np.errstate(divide="ignore"):
        distances = np.ravel(room / spread)
    return min(1.0, sum(math.erfc(d / math.sqrt(2)) for d in distances))
