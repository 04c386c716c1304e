"""How long the same arithmetic takes as a loop and as operations on arrays; views and copies. NumPy alone.

    from lab.experiments import arrays_speed
    times = arrays_speed.race({"loop": slow, "arrays": fast}, a, b)     # {name: [seconds of each round]}
    arrays_speed.plot_race(times)

Times are CPU time of this process, so that others at work on the machine count little; a round repeats the
call until it has taken LEAST seconds, and gives the mean of the repetitions.
"""

import math
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lab.plots import BLUE, figure, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Record = dict[str, Any]
LEAST, ROUNDS = 0.02, 5
FEATURES, CLASSES, CHANNELS = 64, 10, 8
SLOWEST = 0.2  # seconds: once a call took longer, larger sizes of that way are left out


def race(ways: Mapping[str, Callable], *args: Any, rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Seconds of CPU time of a call of each way with these arguments, a value per round."""
    return {name: seconds(partial(way, *args), rounds) for name, way in ways.items()}


def seconds(call: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """CPU seconds of a call, a value per round; the first call is not counted."""
    repeats, taken = 1, _taken(call, 1)
    while taken < LEAST:
        repeats = max(2 * repeats, int(repeats * LEAST / max(taken, 1e-6)))
        taken = _taken(call, repeats)
    return [_taken(call, repeats) / repeats for _ in range(rounds)]


def _taken(call: Callable[[], object], repeats: int) -> float:
    begun = time.process_time()
    for _ in range(repeats):
        call()
    return time.process_time() - begun


# Squared distances of the rows of a (N, D) and b (M, D): (N, M).


def distances_in_python(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    found = np.empty((len(a), len(b)))
    for i, one in enumerate(a):
        for j, other in enumerate(b):
            found[i, j] = sum((u - v) ** 2 for u, v in zip(one.tolist(), other.tolist(), strict=True))
    return found


def distances_of_pairs(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.array([[np.square(one - other).sum() for other in b] for one in a])


def distances_by_row(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.stack([np.square(one - b).sum(1) for one in a])


def distances_broadcast(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.square(a[:, np.newaxis] - b).sum(-1)


def distances_by_einsum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    dots = np.einsum("nd,md->nm", a, b)
    return np.einsum("nd,nd->n", a, a)[:, np.newaxis] - 2 * dots + np.einsum("md,md->m", b, b)


def distances_by_matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    lengths = np.square(a).sum(1)[:, np.newaxis] + np.square(b).sum(1)
    return lengths - 2 * a @ b.T


# Softmax of the rows of z (N, K).


def softmax_in_python(z: np.ndarray) -> np.ndarray:
    found = []
    for row in z.tolist():
        top = max(row)
        powers = [math.exp(value - top) for value in row]
        found.append([power / sum(powers) for power in powers])
    return np.array(found)


def softmax_by_row(z: np.ndarray) -> np.ndarray:
    rows = [np.exp(row - row.max()) for row in z]
    return np.array([row / row.sum() for row in rows])


def softmax_of_all(z: np.ndarray) -> np.ndarray:
    powers = np.exp(z - np.amax(z, 1, keepdims=True))
    powers /= powers.sum(1, keepdims=True)
    return powers


# Counts of pairs (truth, guess), each (N,): (K, K).


def pairs_in_python(truth: np.ndarray, guess: np.ndarray) -> np.ndarray:
    counts = np.zeros((CLASSES, CLASSES), int)
    for one, other in zip(truth, guess, strict=True):
        counts[one, other] += 1
    return counts


def pairs_by_add_at(truth: np.ndarray, guess: np.ndarray) -> np.ndarray:
    counts = np.zeros((CLASSES, CLASSES), int)
    np.add.at(counts, (truth, guess), 1)
    return counts


def pairs_by_bincount(truth: np.ndarray, guess: np.ndarray) -> np.ndarray:
    return np.bincount(CLASSES * truth + guess, minlength=CLASSES**2).reshape(CLASSES, CLASSES)


# Means over the pixels of products of channels, x (N, C, H, W): (N, C, C).


def products_in_loops(x: np.ndarray) -> np.ndarray:
    return np.array([[[(one * other).mean() for other in image] for one in image] for image in x])


def products_by_einsum(x: np.ndarray) -> np.ndarray:
    return np.einsum("nihw,njhw->nij", x, x) / (x.shape[2] * x.shape[3])


def products_by_optimized_einsum(x: np.ndarray) -> np.ndarray:
    return np.einsum("nihw,njhw->nij", x, x, optimize=True) / (x.shape[2] * x.shape[3])


def products_by_matmul(x: np.ndarray) -> np.ndarray:
    flat = x.reshape(*x.shape[:2], -1)
    return flat @ flat.swapaxes(1, 2) / flat.shape[-1]


TASKS: dict[str, dict[str, Callable[..., np.ndarray]]] = {
    "distances": {
        "Python": distances_in_python,
        "loop over pairs": distances_of_pairs,
        "loop over rows": distances_by_row,
        "broadcasting": distances_broadcast,
        "einsum": distances_by_einsum,
        "matmul": distances_by_matmul,
    },
    "softmax": {"Python": softmax_in_python, "loop over rows": softmax_by_row, "arrays": softmax_of_all},
    "confusion": {"Python": pairs_in_python, "add.at": pairs_by_add_at, "bincount": pairs_by_bincount},
    "gram": {
        "loops": products_in_loops,
        "einsum": products_by_einsum,
        "einsum, optimize": products_by_optimized_einsum,
        "matmul": products_by_matmul,
    },
}
SIZES = {  # N of each task; distances: N = M
    "distances": (10, 30, 100, 300, 1000),
    "softmax": (10, 100, 1000, 10_000),
    "confusion": (10, 100, 1000, 10_000, 100_000),
    "gram": (1, 4, 16, 64),
}


def inputs(task: str, n: int) -> tuple[np.ndarray, ...]:
    """The arrays that a task works on."""
    rng = np.random.default_rng(0)
    if task == "distances":
        return rng.normal(size=(n, FEATURES)), rng.normal(size=(n, FEATURES))
    if task == "softmax":
        return (rng.normal(0, 3, (n, CLASSES)),)
    if task == "confusion":
        return rng.integers(CLASSES, size=n), rng.integers(CLASSES, size=n)
    return (rng.normal(size=(n, CHANNELS, 16, 16)),)


def times(sizes: Mapping[str, tuple[int, ...]], rounds: int = ROUNDS) -> Iterator[Record]:
    """{task, way, n, seconds: a value per round}, of every way at every size that is not too slow for it."""
    for task, ways in TASKS.items():
        for name, way in ways.items():
            for n in sizes[task]:
                args = inputs(task, n)
                taken = seconds(partial(way, *args), rounds)
                yield {"task": task, "way": name, "n": n, "seconds": taken}
                if min(taken) > SLOWEST:
                    break


def views_and_copies(counts: tuple[int, ...], rounds: int = ROUNDS) -> Iterator[Record]:
    """{what, n, seconds, bytes} of each of `ways_to_take`; bytes: newly allocated for the result."""
    for n in counts:
        for what, way in ways_to_take(n).items():
            yield {"what": what, "n": n, "seconds": seconds(way, rounds), "bytes": allocated(way)}


def ways_to_take(n: int) -> dict[str, Callable[[], np.ndarray]]:
    """Ways to take n of 2n float64 numbers, and to turn or add up a square of about n."""
    x, square = np.zeros(2 * n), np.zeros((int(n**0.5), int(n**0.5)))
    ordered, mixed = np.arange(n), np.random.default_rng(0).permutation(n)
    mask = np.arange(2 * n) < n
    return {
        "slice x[:n]": lambda: x[:n],
        "slice and copy": lambda: x[:n].copy(),
        "integers in order": lambda: x[ordered],
        "integers in random order": lambda: x[mixed],
        "boolean mask": lambda: x[mask],
        "transpose": lambda: square.T,
        "transpose and copy": lambda: square.T.copy(),
        "sum of each row": lambda: square.sum(axis=1),
        "sum of each column": lambda: square.sum(axis=0),
    }


def allocated(call: Callable[[], object]) -> int:
    """Bytes that the result of a call holds on its own: what stays allocated while it is kept."""
    call()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = call()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del kept
    return after - before


@house_style
def plot_race(found: Mapping[str, list[float]]) -> "Figure":
    """A row per way: a dot per round, on a logarithmic axis of seconds."""
    fig, (ax,) = figure(width=6, height=1.1 + 0.4 * len(found))
    for row, taken in enumerate(found.values()):
        ax.plot(taken, [row] * len(taken), "o", color=BLUE, alpha=0.6)
    ax.set_yticks(range(len(found)), list(found))
    ax.set_ylim(len(found) - 0.5, -0.5)
    ax.set_xscale("log")
    ax.set_xlabel("CPU time of a call, seconds")
    return fig
