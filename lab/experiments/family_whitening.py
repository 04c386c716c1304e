"""Unit 03, without torch: how far Newton-Schulz gets, and which way the axes of a whitening point.

    from lab.experiments import family_whitening as whitening
    records = whitening.newton_errors(newton_schulz)    # newton_schulz(sigma, steps) -> Sigma^(-1/2)
    whitening.plot_newton(records)                      # |W Sigma W - I| over the steps
    batches, marked = whitening.minibatches(4, features=2)        # [(64, 2)] real features, (40, 2) to follow
    whitening.plot_row({"ZCA": zca, "PCA": pca}, batches, marked)    # each: x -> (y, mu, W), y = (x - mu) W^T
    records = whitening.axes({"ZCA": zca, "PCA": pca})
    whitening.plot_axes(records)                        # share of axes that flip or swap from batch to batch

Functions that are left out are this module's own. Everything is NumPy; each call takes a few seconds at most.

newton_errors: dicts {form: "with trace", "without trace" or "coupled" (with trace, two sequences), condition,
scale: the largest eigenvalue, dtype: "float32" or "float64", seed, steps: [0, ..., 30], error: [Frobenius
norm of W Sigma W - I after so many steps, in float64; NaN if not finite]}.
axes: dicts {form, features, examples (of a mini-batch), seed, flips, swaps, same: shares of the axes of
successive mini-batches that point the other way, that became another axis, that stayed; correlation: mean of
an axis' outputs in one batch with those in the next, on the same examples}.
"""

from collections.abc import Callable, Mapping
from functools import cache, partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from lab.data import read
from lab.experiments.results import Results
from lab.plots import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, figure, house_style, looks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["axes", "minibatches", "newton_errors", "pca", "plot_axes", "plot_newton", "plot_row", "zca"]

Root = Callable[[np.ndarray, int], np.ndarray]
Whitener = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]

CONDITIONS = (1e1, 1e2, 1e3, 1e4, 1e5, 1e6)
STEPS = 30
SCALES = (1.0, 10.0)
DIMENSIONS = 16
EPS = 1e-3
FEATURES = (2, 8, 16, 32)
EXAMPLES = (64, 256)
BATCHES = 40
FOLLOWED = 40


def covariance(condition: float, scale: float = 1.0, seed: int = 0) -> np.ndarray:
    """A matrix (16, 16) with random axes and eigenvalues from scale / condition to scale, evenly in log."""
    random = np.random.default_rng(seed)
    axes = np.linalg.qr(random.standard_normal((DIMENSIONS, DIMENSIONS)))[0]
    matrix = axes * np.geomspace(scale / condition, scale, DIMENSIONS) @ axes.T
    return (matrix + matrix.T) / 2


def newton(matrix: np.ndarray, steps: int, trace: bool = True) -> np.ndarray:
    """Sigma^(-1/2) of (D, D), nearly: Newton-Schulz in the precision of the matrix."""
    eye = np.eye(len(matrix), dtype=matrix.dtype)
    size = np.trace(matrix) if trace else matrix.dtype.type(1)
    root = eye
    for _ in range(steps):
        root = root @ (eye + (eye - root @ root @ (matrix / size)) / 2)
    return root / np.sqrt(size)


def coupled(matrix: np.ndarray, steps: int) -> np.ndarray:
    """The same limit by two sequences, y to the root of S and z to its inverse (Higham 2008, chapter 6)."""
    eye, size = np.eye(len(matrix), dtype=matrix.dtype), np.trace(matrix)
    y, z = matrix / size, eye
    for _ in range(steps):
        change = (3 * eye - z @ y) / 2
        y, z = y @ change, change @ z
    return z / np.sqrt(size)


ROOTS: dict[str, Root] = {
    "with trace": newton,
    "without trace": partial(newton, trace=False),
    "coupled": coupled,
}


def newton_errors(newton_schulz: Root | None = None, seed: int = 0) -> list[Results]:
    """|W Sigma W - I| after 0 to 30 steps of each of ROOTS; the function given is "with trace"."""
    records = []
    for form, root in {**ROOTS, **({"with trace": newton_schulz} if newton_schulz else {})}.items():
        for dtype in ("float32", "float64"):
            for scale in SCALES:
                for condition in CONDITIONS:
                    matrix = covariance(condition, scale, seed).astype(dtype)
                    with np.errstate(all="ignore"):
                        errors = [whiteness(root(matrix.copy(), steps), matrix) for steps in range(STEPS + 1)]
                    records.append(
                        {
                            "condition": condition,
                            "dtype": dtype,
                            "form": form,
                            "scale": scale,
                            "seed": seed,
                            "steps": list(range(STEPS + 1)),
                            "error": errors,
                        }
                    )
    return records


def whiteness(root: np.ndarray, matrix: np.ndarray) -> float:
    """The Frobenius norm of W Sigma W - I, computed in float64; NaN if it is not finite."""
    w = root.astype(np.float64)
    error = float(np.linalg.norm(w @ matrix.astype(np.float64) @ w - np.eye(len(w))))
    return error if np.isfinite(error) else float("nan")


@cache
def _pixels() -> np.ndarray:
    """Training digits as rows (1497, 64) in [0, 1], pixels that vary most first."""
    flat = read("digits").train_images.reshape(-1, 64) / 16
    return flat[:, np.argsort(-flat.var(0), kind="stable")]


def minibatches(
    count: int, examples: int = 64, features: int = 2, seed: int = 0
) -> tuple[list[np.ndarray], np.ndarray]:
    """`count` mini-batches (examples, features) of digits' pixels, and other examples (40, features).

    The features are the pixels with the largest variance (64 at most). An example may be in several batches.
    """
    random = np.random.default_rng(seed)
    rows = random.permutation(_pixels()[:, :features])
    marked, rest = rows[:FOLLOWED], rows[FOLLOWED:]
    return [rest[random.choice(len(rest), examples, replace=False)] for _ in range(count)], marked


def _decomposed(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mu = x.mean(0)
    centred = x - mu
    values, vectors = np.linalg.eigh(centred.T @ centred / len(x) + EPS * np.eye(x.shape[1]))
    return mu, values[::-1], vectors[:, ::-1]


def zca(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ZCA whitening of (N, D): y, mu, W."""
    mu, values, vectors = _decomposed(x)
    matrix = vectors / np.sqrt(values) @ vectors.T
    return (x - mu) @ matrix.T, mu, matrix


def pca(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """PCA whitening of (N, D), the axis of largest variance first: y, mu, W."""
    mu, values, vectors = _decomposed(x)
    matrix = (vectors / np.sqrt(values)).T
    return (x - mu) @ matrix.T, mu, matrix


FORMS: dict[str, Whitener] = {"ZCA": zca, "PCA": pca}


def outputs(whitener: Whitener, batch: np.ndarray, marked: np.ndarray) -> np.ndarray:
    """The marked examples, whitened with the mean and the matrix of a mini-batch."""
    _, mu, matrix = whitener(batch.copy())
    return (marked - mu) @ matrix.T


def axes(forms: Mapping[str, Whitener] | None = None, seed: int = 0) -> list[Results]:
    """How often axes flip and swap from one mini-batch to the next, for each form, width and batch size."""
    records = []
    for form, whitener in (forms or FORMS).items():
        for features in FEATURES:
            for examples in EXAMPLES:
                batches, marked = minibatches(BATCHES, examples, features, seed)
                seen = [outputs(whitener, batch, marked) for batch in batches]
                found = np.mean([turned(before, after) for before, after in pairwise(seen)], axis=0)
                shares = dict(zip(("flips", "swaps", "same", "correlation"), map(float, found), strict=True))
                at = {"form": form, "features": features, "examples": examples, "seed": seed}
                records.append({**at, **shares})
    return records


def turned(before: np.ndarray, after: np.ndarray) -> tuple[float, float, float, float]:
    """Shares of the axes of (n, D) that flipped, became another one, stayed; and their mean correlation.

    An axis became the one of `after` whose outputs correlate most with its own, whatever the sign.
    """
    width = before.shape[1]
    between = np.corrcoef(before.T, after.T)[:width, width:]
    own = np.diag(between)
    moved = np.abs(between).argmax(1) != np.arange(width)
    flipped = ~moved & (own < 0)
    return flipped.mean(), moved.mean(), (~moved & ~flipped).mean(), own.mean()


@house_style
def plot_newton(results: Results | list[Results]) -> "Figure":
    """|W Sigma W - I| over the steps: float32 and float64 with the trace, then without it."""
    records = results["newton"] if isinstance(results, dict) else results
    panels = (
        ("with trace, float32", {"form": "with trace", "dtype": "float32", "scale": 10.0}),
        ("with trace, float64", {"form": "with trace", "dtype": "float64", "scale": 10.0}),
        ("without trace, float32", {"form": "without trace", "dtype": "float32", "scale": 10.0}),
        ("coupled, float32", {"form": "coupled", "dtype": "float32", "scale": 10.0}),
    )
    fig, all_axes = figure(len(panels), width=2.9, height=3.4, sharey=True)
    colours = looks(GREY, GREEN, BLUE, PURPLE, ORANGE, BLACK)
    for ax, (title, at) in zip(all_axes, panels, strict=True):
        for condition, look in zip(CONDITIONS, colours, strict=True):
            found = [r for r in records if r["condition"] == condition and all(r[k] == at[k] for k in at)]
            errors = np.array([r["error"] for r in found], float)
            known = np.isfinite(errors).all(0)
            shown, where = np.exp(np.log(errors[:, known]).mean(0)), np.flatnonzero(known)
            ax.plot(where, shown, color=look["colour"], label=f"$10^{{{np.log10(condition):.0f}}}$")
            if not known.all():
                ax.plot(where[-1], min(shown[-1], 1e9), "x", color=look["colour"], markeredgewidth=2)
        ax.set(title=title, xlabel="steps", yscale="log", ylim=(1e-15, 1e10), xlim=(0, STEPS))
    all_axes[0].set_ylabel(r"$\|W \Sigma W - I\|$")
    all_axes[0].legend(title="condition", ncols=2, fontsize=9, loc="lower left")
    return fig


@house_style
def plot_axes(results: Results | list[Results]) -> "Figure":
    """Shares of axes that flip or swap from one mini-batch to the next, over the number of features."""
    records = results["axes"] if isinstance(results, dict) else results
    forms = list(dict.fromkeys(r["form"] for r in records))
    widths = sorted({r["features"] for r in records})
    sizes = sorted({r["examples"] for r in records})
    fig, panels = figure(len(sizes), width=4.3, height=3.4, sharey=True)
    for ax, examples in zip(panels, sizes, strict=True):
        for step, form in enumerate(forms):
            place = np.arange(len(widths)) + 0.38 * (step - (len(forms) - 1) / 2)
            base = np.zeros(len(widths))
            for key, colour in (("same", GREEN), ("flips", PURPLE), ("swaps", ORANGE)):
                means = np.array([_mean(records, key, form, width, examples) for width in widths])
                ax.bar(place, means, 0.34, bottom=base, color=colour, label=key if step == 0 else None)
                base += means
            for x in place:
                ax.text(x, 1.01, form, ha="center", va="bottom", fontsize=9)
        ax.set_xticks(range(len(widths)), [str(width) for width in widths])
        ax.set_title(f"mini-batches of {examples}", pad=18)
        ax.set_xlabel("features")
        ax.set_ylim(0, 1)
        ax.grid(visible=False, axis="x")
    panels[0].set_ylabel("share of the axes")
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig


def _mean(records: list[Results], key: str, form: str, features: int, examples: int) -> float:
    wanted = (form, features, examples)
    return float(np.mean([r[key] for r in records if (r["form"], r["features"], r["examples"]) == wanted]))


@house_style
def plot_row(forms: Mapping[str, Whitener], batches: list[np.ndarray], marked: np.ndarray) -> "Figure":
    """The marked examples of two features, whitened by one mini-batch after the other, a row per form.

    A colour is the same example everywhere.
    """
    import matplotlib.pyplot as plt

    centred = marked - marked.mean(0)
    hue = np.arctan2(centred[:, 1], centred[:, 0])
    fig, grid = plt.subplots(
        len(forms),
        len(batches),
        figsize=(2.1 * len(batches), 2.2 * len(forms)),
        squeeze=False,
        sharex=True,
        sharey=True,
        layout="constrained",
    )
    plt.close(fig)
    for row, (form, whitener) in zip(grid, forms.items(), strict=True):
        for number, (ax, batch) in enumerate(zip(row, batches, strict=True), start=1):
            y = outputs(whitener, batch, marked)
            ax.scatter(y[:, 0], y[:, 1], c=hue, cmap="twilight", s=28, edgecolor="#444444", linewidth=0.4)
            ax.set(title=f"{form}, batch {number}", aspect="equal")
    return fig
