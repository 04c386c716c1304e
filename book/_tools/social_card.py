"""Draw what a shared link shows: `.venv/bin/python book/_tools/social_card.py` writes it to book/_static."""

from pathlib import Path

import matplotlib
import numpy as np
import yaml

matplotlib.use("agg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from lab.plots import BLUE, ORANGE

ROOT = Path(__file__).parents[2]
CARD = ROOT / "book" / "_static" / "social-card.png"
WIDTH, HEIGHT, DPI = 1200, 630, 100


def draw(title: str, subtitle: str) -> Figure:
    """A wide, shifted curve and the normalized one, as in the logo, under the title of the course."""
    figure = plt.figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 0.55), frameon=False, xticks=[], yticks=[], xlim=(-7, 7), ylim=(0, 1.05))
    x = np.linspace(-7, 7, 600)
    for mean, std, height, colour in [(2.6, 2.2, 0.45, ORANGE), (-2.4, 0.8, 1, BLUE)]:
        curve = height * np.exp(-(((x - mean) / std) ** 2) / 2)
        axes.plot(x, curve, color=colour, lw=6)
        axes.fill_between(x, curve, color=colour, alpha=0.12, lw=0)
    figure.text(0.06, 0.80, title, size=50, weight="bold", color="#1b1f24")
    figure.text(0.06, 0.69, subtitle, size=25, color="#3f4650")
    return figure


if __name__ == "__main__":
    title = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["title"]
    draw(title, "An open course, from scratch and graded").savefig(CARD, dpi=DPI, metadata={"Software": None})
