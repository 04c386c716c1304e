"""How sure a gain of accuracy is: on other images for each network, on the same ones, over seeds."""

from __future__ import annotations

from math import hypot, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from lab.plots import BLUE, GREEN, GREY, ORANGE, PURPLE, figure, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WAYS = ("other images", "same images", "seeds", "same images and seeds")
BEGIN: dict[str, Any] = {
    "before": 0.8,
    "gain": 0.02,
    "images": 1000,
    "apart": 0.1,
    "seeds": 3,
    "spread": 0.01,
}


def disagreement(wanted: float, *, before: float, gain: float) -> float:
    """The share of images that two networks disagree on, within what their accuracies allow."""
    after = min(1, before + gain)
    return min(max(wanted, after - before), after + before, 2 - before - after)


def errors(
    *, before: float, gain: float, images: int, apart: float, seeds: int, spread: float
) -> tuple[float, ...]:
    """Standard errors of the gain, of `WAYS` (equations cp-binomial, cp-paired-error, cp-seeds)."""
    after = min(1, before + gain)
    other = sqrt((before * (1 - before) + after * (1 - after)) / images)
    same = sqrt((disagreement(apart, before=before, gain=gain) - (after - before) ** 2) / images)
    over = spread / sqrt(seeds)
    return other, same, over, hypot(same, over)


@house_style
def plot() -> Figure:
    """The gain with its errors as the interactive figure begins, and what is measured in two ways."""
    picture, (bars, bells) = figure(2, width=3.8, height=2.9)
    gain = 100 * BEGIN["gain"]
    found = 100 * np.array(errors(**BEGIN))
    for row, (error, colour) in enumerate(zip(found, (ORANGE, BLUE, GREEN, PURPLE), strict=True)):
        bars.errorbar(gain, row, xerr=1.96 * error, marker="o", color=colour, capsize=4)
    bars.set_yticks(range(4), WAYS)
    bars.set(ylim=(3.5, -0.5), xlabel="measured gain, points", title="± 1.96 standard errors")
    x = np.linspace(-6, 10, 400)
    for error, colour, name, dash in zip(found, (ORANGE, BLUE), WAYS, ("--", "-"), strict=False):
        density = np.exp(-(((x - gain) / error) ** 2) / 2) / error
        bells.plot(x, density, dash, color=colour, label=name)
        bells.fill_between(x, density, where=x <= 0, color=colour, alpha=0.4, linewidth=0)
    bells.set(yticks=[], xlabel="measured gain, points", title="what will be measured")
    bells.legend(fontsize=8)
    for ax in (bars, bells):
        ax.axvline(0, color=GREY, linewidth=1)
    return picture
