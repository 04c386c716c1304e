"""Augmentation in the page against SciPy, Pillow, PyTorch, NumPy's flips and turns, and its twin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance
from scipy import ndimage, stats
from scipy.spatial.transform import Rotation

from lab.figures import augmentation as twin
from tests.site.figure_arithmetic import FIGURES, call, call_each

N = 20
PICTURE = np.random.default_rng(4).uniform(size=(N, N, 3))
BOUNDS = {
    "rotation": (-180, 180), "scale": (0.5, 2), "shear": (-30, 30), "side": (0.2, 1),
    "left": (0, 1), "top": (0, 1),
}  # fmt: skip


def ask(name: str, *args: Any, picture: np.ndarray = PICTURE) -> np.ndarray:
    return np.reshape(call("picture", name, picture.ravel(), *args), picture.shape)


def moved(fill: str = "constant", picture: np.ndarray = PICTURE, **changes: Any) -> np.ndarray:
    size = len(picture)
    place = call("picture", "inverseMap", twin.NEUTRAL | changes, size)
    return ask("resample", size, place, fill, picture=picture)


def recoloured(**changes: float) -> np.ndarray:
    return ask("recolour", twin.NEUTRAL | changes)


def random_geometry(seed: int) -> dict:
    rng = np.random.default_rng(seed)
    return {name: float(rng.uniform(*bounds)) for name, bounds in BOUNDS.items()} | {"flip": bool(seed % 2)}


def test_without_a_change_the_picture_stays() -> None:
    for fill in twin.MODES:
        np.testing.assert_array_equal(ask("augment", N, twin.NEUTRAL, fill, 1), PICTURE)


def test_a_mirrored_picture_has_its_columns_reversed() -> None:
    np.testing.assert_array_equal(moved(flip=True), PICTURE[:, ::-1])


@pytest.mark.parametrize("quarters", [1, 2, -1])
def test_a_positive_rotation_turns_against_the_clock(quarters: int) -> None:
    np.testing.assert_allclose(moved("edge", rotation=90 * quarters), np.rot90(PICTURE, quarters), atol=1e-12)


@pytest.mark.parametrize("degrees", [17, -60])
def test_rotation_is_that_of_scipy(degrees: int) -> None:
    expected = ndimage.rotate(PICTURE, degrees, reshape=False, order=1, mode="grid-constant")
    np.testing.assert_allclose(moved(rotation=degrees), expected, atol=1e-12)


@pytest.mark.parametrize("fill", twin.MODES)
def test_pixels_are_mixed_and_borders_filled_as_scipy_does(fill: str) -> None:
    for seed in range(4):
        place = call("picture", "inverseMap", random_geometry(seed), N)
        expected = [
            ndimage.affine_transform(c, place["M"], place["offset"], order=1, mode=twin.MODES[fill])
            for c in np.moveaxis(PICTURE, 2, 0)
        ]
        np.testing.assert_allclose(ask("resample", N, place, fill), np.stack(expected, axis=2), atol=1e-12)


def test_a_crop_is_resized_as_torch_does() -> None:
    corner = torch.from_numpy(PICTURE[5:15, 2:12]).permute(2, 0, 1)[None]
    resized = torch.nn.functional.interpolate(corner, size=(N, N), mode="bilinear", align_corners=False)
    crop = moved(side=0.5, left=0.2, top=0.5)
    inner = slice(1, -1)  # at its border we read what lies beyond the crop, torch repeats the border
    np.testing.assert_allclose(crop[inner, inner], resized[0].permute(1, 2, 0)[inner, inner], atol=1e-12)


def test_scale_enlarges_about_the_centre_and_shear_moves_rows_aside() -> None:
    dot = np.zeros((21, 21, 3))
    dot[6, 10] = 1  # four rows above the centre
    enlarged, sheared = moved(scale=1.5, picture=dot), moved(shear=np.rad2deg(np.arctan(0.5)), picture=dot)
    assert np.unravel_index(enlarged[..., 0].argmax(), (21, 21)) == (4, 10)
    assert np.unravel_index(sheared[..., 0].argmax(), (21, 21)) == (6, 8)


def test_brightness_and_contrast_are_those_of_pillow() -> None:
    image = Image.fromarray((PICTURE * 255).round().astype(np.uint8))
    for factor in (0.0, 0.6, 1.4):
        for name, enhance in (("brightness", ImageEnhance.Brightness), ("contrast", ImageEnhance.Contrast)):
            expected = np.asarray(enhance(image).enhance(factor)) / 255
            np.testing.assert_allclose(recoloured(**{name: factor}), expected, atol=2 / 255)  # bytes


@pytest.mark.parametrize("degrees", [-100, 40, 120])
def test_hue_turns_colours_about_the_grey_axis(degrees: int) -> None:
    turn = Rotation.from_rotvec(np.deg2rad(degrees) * np.ones(3) / np.sqrt(3)).as_matrix()
    np.testing.assert_allclose(recoloured(hue=degrees), np.clip(PICTURE @ turn.T, 0, 1), atol=1e-12)


def test_a_third_of_a_turn_makes_red_green() -> None:
    np.testing.assert_allclose(recoloured(hue=120), np.roll(PICTURE, 1, axis=2), atol=1e-12)


@pytest.mark.parametrize("sigma", [0.3, 1, 4])
def test_blur_is_the_gaussian_filter_of_scipy(sigma: float) -> None:
    expected = ndimage.gaussian_filter(PICTURE, (sigma, sigma, 0), mode="reflect")
    np.testing.assert_allclose(ask("blur", N, sigma), expected, atol=1e-12)


def test_noise_is_normal_independent_and_the_same_for_the_same_seed() -> None:
    grey = np.full((40, 40, 3), 0.5)
    noise = (ask("addNoise", 0.05, 7, picture=grey) - grey).ravel() / 0.05
    assert stats.kstest(noise, "norm").pvalue > 0.01
    assert abs(np.corrcoef(noise[1:], noise[:-1])[0, 1]) < 0.05
    np.testing.assert_array_equal(noise, (ask("addNoise", 0.05, 7, picture=grey) - grey).ravel() / 0.05)
    assert not np.allclose(noise, (ask("addNoise", 0.05, 8, picture=grey) - grey).ravel() / 0.05)


def test_a_hole_is_a_grey_square_cut_off_at_the_border_and_its_place_is_uniform() -> None:
    black, side, seeds = np.zeros((N, N, 3)), 6, range(300)
    results = call_each("picture", "cutout", [(black.ravel(), N, side / N, seed) for seed in seeds])
    first, whole = [], 0
    for result in np.reshape(results, (-1, N, N, 3)):
        rows, columns = (np.flatnonzero(result.any(axis=(axis, 2))) for axis in (1, 0))
        expected = black.copy()
        expected[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = 0.5
        np.testing.assert_array_equal(result, expected)
        assert max(len(rows), len(columns)) <= side
        whole += len(rows) == len(columns) == side
        first.append((rows[0] + rows[-1]) / 2 if len(rows) == side else np.nan)
    covered = np.reshape(results, (-1, N, N, 3))[..., 0].sum(axis=0)
    assert ndimage.center_of_mass(covered) == pytest.approx([(N - 1) / 2] * 2, abs=0.8)
    inside = np.array(first)[np.isfinite(first)]
    assert whole / len(results) == pytest.approx((1 - side / N) ** 2, abs=0.1)
    assert stats.kstest(inside, "uniform", (side / 2 - 1, N - side + 1)).pvalue > 0.01


def test_the_static_twin_computes_the_same() -> None:
    for seed in range(4):
        changes = random_geometry(seed) | {"brightness": 1.2, "contrast": 0.8, "hue": 20, "blur": 0.7}
        fill = list(twin.MODES)[seed % 3]
        result = ask("augment", N, twin.NEUTRAL | changes, fill, 1)
        np.testing.assert_allclose(result, twin.augment(PICTURE, fill, **changes), atol=1e-9)


def test_the_digit_is_the_digit_of_the_twin_and_turned_it_is_a_nine() -> None:
    digit = np.reshape(call("picture", "six", 32), (32, 32, 3))
    np.testing.assert_allclose(digit, twin.six(32), atol=1e-12)
    holes, count = ndimage.label(digit[..., 0] < 0.5)  # the ground, and the inside of the ring
    assert count == 2
    assert ndimage.center_of_mass(holes == 2)[0] > 16
    upside_down = moved(rotation=180, picture=digit)
    assert ndimage.center_of_mass(ndimage.label(upside_down[..., 0] < 0.5)[0] == 2)[0] < 16


def test_the_photo_is_the_one_whose_licence_we_give() -> None:
    shipped = FIGURES / "augmentation-cat.jpg"
    assert shipped.stat().st_size < 15_000
    with Image.open(shipped) as photo:
        difference = np.abs(np.asarray(photo) / 255 - twin.cat(160))
    assert difference.mean() < 0.02


def test_random_draws_stay_within_the_ranges_that_the_caption_gives() -> None:
    drawn = call_each("augmentation", "randomValues", [(seed,) for seed in range(400)])
    ranges = {
        "rotation": (-15, 15), "shear": (-10, 10), "hue": (-10, 10), "scale": (0.9, 1.1), "side": (0.6, 1),
        "brightness": (0.7, 1.3), "contrast": (0.7, 1.3), "blur": (0, 1), "noise": (0, 0.06),
        "left": (0, 1), "top": (0, 1),
    }  # fmt: skip
    assert drawn[0].keys() == twin.NEUTRAL.keys()
    for name, (low, high) in ranges.items():
        values = [draw[name] for draw in drawn]
        assert min(values) == low
        assert max(values) == high
        assert np.mean(values) == pytest.approx((low + high) / 2, abs=(high - low) * 0.06)
    for name in ("flip", "hole"):
        assert np.mean([bool(draw[name]) for draw in drawn]) == pytest.approx(0.5, abs=0.1)


def test_the_summary_names_what_is_on_and_nothing_else() -> None:
    assert call("augmentation", "describe", twin.NEUTRAL) == "nothing"
    changes = {"flip": True, "rotation": -12, "blur": 0.5}
    assert call("augmentation", "describe", twin.NEUTRAL | changes) == "mirrored, rotation −12°, blur 0.5"


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "still a 6"),
        ({"rotation": -90}, "could be"),
        ({"rotation": 180}, "reads as a 9"),
        ({"flip": True}, "no digit"),
        ({"contrast": 0}, "no label is right"),
    ],
)
def test_the_label_of_the_six_survives_a_little_only(changes: dict, verdict: str) -> None:
    assert verdict in call("augmentation", "labelOfSix", twin.NEUTRAL | changes)


def test_a_file_that_is_no_picture_or_too_large_is_told_so() -> None:
    good, text, huge = call_each(
        "augmentation",
        "complaint",
        [
            ({"name": "a.png", "size": 2e6, "type": "image/png"},),
            ({"name": "a.txt", "size": 20, "type": "text/plain"},),
            ({"name": "a.png", "size": 90e6, "type": "image/png"},),
        ],
    )
    assert good is None
    assert text.startswith("a.txt is not a picture.")
    assert huge == "a.png has 90 MB. Choose a picture of at most 30 MB."
