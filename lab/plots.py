"""The house style of figures: a white ground, which dark mode needs too, and colours that all can tell."""

from collections.abc import Callable, Sequence
from functools import wraps
from io import BytesIO
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np

from lab.dataset import INSTALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Okabe and Ito (2008), "Color universal design": distinct with every kind of colour vision, and in grey.
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#666666"
BLACK = "#000000"
MARKERS = {BLUE: "o", ORANGE: "s", GREEN: "^", PURPLE: "D", GREY: "v", BLACK: "x"}

STYLE: Any = {
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#444444",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "text.color": "#222222",
    "axes.labelcolor": "#222222",
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "lines.linewidth": 2,
    "lines.markersize": 5,
    "legend.frameon": False,
    "figure.dpi": 110,
    "savefig.dpi": 150,
}


P = ParamSpec("P")


def house_style(draw: "Callable[P, Figure]") -> "Callable[P, Figure]":
    """Give a function that draws a figure the style of the house."""

    @wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> "Figure":
        try:
            import matplotlib
        except ImportError as error:
            raise ImportError(f"Plots need matplotlib, which is not installed: {INSTALL}.") from error
        with matplotlib.rc_context(STYLE):
            return draw(*args, **kwargs)

    return styled


def figure(
    columns: int = 1, *, rows: int = 1, width: float = 4.3, height: float = 3.4, **options: Any
) -> tuple["Figure", list]:
    """A figure of the house with panels in rows; returns it and the list of its axes, row by row.

    `width` and `height` are those of a panel, in inches.
    """
    import matplotlib.pyplot as plt

    panel, axes = plt.subplots(
        rows,
        columns,
        figsize=(width * columns, height * rows),
        squeeze=False,
        layout="constrained",
        **options,
    )
    plt.close(panel)  # or a notebook would show it twice: once drawn, once returned
    return panel, list(axes.flat)


def in_few_colours(fig: "Figure") -> Any:
    """The figure as a PNG of 64 colours, to be shown: a third of the bytes, for a page that has a budget."""
    from IPython.display import Image
    from matplotlib import pyplot as plt
    from PIL import Image as Pictures

    whole, small = BytesIO(), BytesIO()
    fig.savefig(whole, format="png", dpi=80, facecolor="white", bbox_inches="tight")
    plt.close(fig)
    Pictures.open(whole).convert("RGB").quantize(64).save(small, format="png", optimize=True)
    return Image(small.getvalue())


def mean_and_range(
    ax: "Axes", x: Sequence[float], runs: np.ndarray, *, label: str, colour: str, marker: str = "o"
) -> None:
    """The mean over runs (seeds, len(x)) as a line, their least and greatest as a band; NaN is left out."""
    known = np.isfinite(runs).all(axis=0)
    x_known, values = np.asarray(x)[known], runs[:, known]
    ax.plot(x_known, values.mean(axis=0), color=colour, marker=marker, label=label)
    ax.fill_between(x_known, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.18, linewidth=0)


def looks(*colours: str) -> tuple[dict[str, str], ...]:
    """The `colour` and `marker` of a line in each of these colours: a colour has one mark everywhere."""
    return tuple({"colour": colour, "marker": MARKERS[colour]} for colour in colours)


def dots_of_seeds(ax: "Axes", row: float, values: np.ndarray, colour: str, marker: str = "o") -> None:
    """A small dot per seed in a row; a bar at their mean, a line as long as their standard deviation."""
    mean, spread = values.mean(), values.std(ddof=1)
    ax.plot(
        values, np.full(len(values), row), marker, color=colour, markersize=4, alpha=0.6, markeredgewidth=0
    )
    ax.plot([mean - spread, mean + spread], [row, row], color=colour, linewidth=1)
    ax.plot(mean, row, "|", color=colour, markersize=11, markeredgewidth=2)


def mark_diverged(ax: "Axes", x: Sequence[float], runs: np.ndarray, *, colour: str) -> None:
    """A cross at the upper edge where at least one of the runs (seeds, len(x)) is not finite."""
    lost = np.asarray(x)[~np.isfinite(runs).all(axis=0)]
    if len(lost):
        upper: dict[str, Any] = {"color": colour, "transform": ax.get_xaxis_transform()}
        ax.plot(lost, np.full(len(lost), 0.97), "x", markersize=8, markeredgewidth=2, **upper)
        ax.text(lost[-1], 0.87, "diverged", ha="right", **upper)


def without(ax: "Axes", values: np.ndarray, *, label: str = "without") -> None:
    """To compare with, over the whole axis: a dashed line at the mean of values (seeds,), a band."""
    ax.axhline(values.mean(), color=GREY, linestyle="--", linewidth=1.2, label=label, zorder=1)
    ax.axhspan(values.min(), values.max(), color=GREY, alpha=0.12, linewidth=0, zorder=0)


def plain_log_ticks(ax: "Axes", ticks: Sequence[float], label: str) -> None:
    """A logarithmic x axis that names exactly these values."""
    from matplotlib.ticker import NullLocator

    ax.set_xscale("log")
    ax.set_xticks(list(ticks), [f"{tick:g}" for tick in ticks])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel(label)


def whole_percents(axis: "Axis") -> None:
    """An x or y axis of shares, with ticks at whole percents."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(PercentFormatter(1, decimals=0))


def as_percent(ax: "Axes", label: str) -> None:
    """A y axis of shares, from 0 to 100 %."""
    from matplotlib.ticker import PercentFormatter

    ax.set_ylim(0, 1)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set_ylabel(label)
