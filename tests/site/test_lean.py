"""Pictures that cells drew get smaller, and no other picture changes."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from .conftest import ROOT

sys.path.append(str(ROOT / "book/_ext"))
from lean import trim_picture


def drawing() -> Image.Image:
    """Lines with soft edges, as matplotlib draws them."""
    picture = Image.new("RGB", (2400, 1600), "white")
    for n in range(12):
        colour = [(31, 119, 180), (255, 127, 14), (68, 68, 68)][n % 3]
        ImageDraw.Draw(picture).line([(80, 1500 - 90 * n), (2300, 100 + 40 * n)], fill=colour, width=14)
    return picture.resize((600, 400), Image.Resampling.BOX)


def photograph() -> Image.Image:
    points = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    return Image.fromarray(points)


def transparent() -> Image.Image:
    picture = drawing().convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    return picture


def test_a_drawing_gets_smaller_and_looks_the_same(tmp_path: Path) -> None:
    drawing().convert("RGBA").save(tmp_path / "a.png")
    before = (tmp_path / "a.png").stat().st_size
    trim_picture(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size < before
    with Image.open(tmp_path / "a.png") as small:
        error = np.abs(np.asarray(small.convert("RGB"), int) - np.asarray(drawing(), int))
    assert error.max() <= 12


@pytest.mark.parametrize("draw", [photograph, transparent])
def test_a_photograph_and_a_transparent_picture_stay_as_they_are(draw, tmp_path: Path) -> None:
    draw().save(tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    trim_picture(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == before
