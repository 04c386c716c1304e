"""The gallery of transformations: panels against scikit-image, Pillow or NumPy, and the whole figure."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.transform
from PIL import Image, ImageFilter

from lab.figures import augmentation_gallery as gallery
from lab.figures.augmentation import cat

SIZE = 40
CAT, CUP = cat(SIZE), gallery.cup(SIZE)


def panel(name: str) -> np.ndarray:
    return gallery.transformed(name, SIZE)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("original", CAT),
        ("mirrored", np.fliplr(CAT)),
        ("upside down", np.flipud(CAT)),
        ("turned by 90°", np.rot90(CAT)),
        ("brighter", np.minimum(1.4 * CAT, 1)),
        ("mixup", 0.6 * CAT + 0.4 * CUP),
    ],
)
def test_what_needs_no_reading_between_pixels_is_exact(name: str, expected: np.ndarray) -> None:
    np.testing.assert_allclose(panel(name), expected, atol=1e-9)


@pytest.mark.parametrize(("name", "mode"), [("by 20°, edge", "edge"), ("by 20°, reflected", "symmetric")])
def test_a_rotation_is_that_of_scikit_image_whatever_lies_outside(name: str, mode: str) -> None:
    expected = skimage.transform.rotate(CAT, 20, order=1, mode=mode)
    np.testing.assert_allclose(panel(name), expected, atol=1e-6)


def test_black_comes_in_where_the_turned_picture_is_not() -> None:
    expected = skimage.transform.rotate(CAT, 20, order=1, mode="constant")
    inside = skimage.transform.rotate(np.ones_like(CAT), 20, order=1, mode="constant") > 0.999
    np.testing.assert_allclose(panel("by 20°, black")[inside], expected[inside], atol=1e-6)
    assert (panel("by 20°, black")[0, 0] == 0).all()


@pytest.mark.parametrize(
    ("name", "box"),
    [("scaled in", (6, 6, 34, 34)), ("stretched", (5, 0, 35, 40)), ("cropped, resized", (10, 2, 32, 30))],
)
def test_a_crop_enlarged_is_that_of_pillow(name: str, box: tuple[int, ...]) -> None:
    channels = [Image.fromarray(c.astype(np.float32)) for c in np.moveaxis(CAT, 2, 0)]
    crops = [np.asarray(c.resize((SIZE, SIZE), Image.Resampling.BILINEAR, box)) for c in channels]
    within = (slice(2, -2), slice(2, -2))  # beyond the crop Pillow reads its edge, the gallery the photograph
    np.testing.assert_allclose(panel(name)[within], np.stack(crops, 2)[within], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "matrix"),
    [
        ("sheared", [[1, 0.35, 0], [0, 1, 0], [0, 0, 1]]),
        ("projective", [[1.1, 0, 0], [0, 1.1, 0], [0.005, 0.0175, 1]]),  # half a side is 20 pixels
        ("scaled out", [[1.4, 0, 0], [0, 1.4, 0], [0, 0, 1]]),
    ],
)
def test_a_matrix_sends_places_where_that_of_scikit_image_does(name: str, matrix: list) -> None:
    there = np.eye(3)
    there[:2, 2] = (SIZE - 1) / 2
    inverse = there @ matrix @ np.linalg.inv(there)
    expected = skimage.transform.warp(CAT, inverse, order=1)
    inside = skimage.transform.warp(np.ones_like(CAT), inverse, order=1) > 0.999
    assert 0.2 < inside.mean() < 0.95
    np.testing.assert_allclose(panel(name)[inside], expected[inside], atol=1e-6)


def test_the_lens_leaves_the_centre_and_sends_the_corners_to_one_and_a_half_radii() -> None:
    grid = np.zeros((41, 41, 3))
    grid[20, 20] = 1
    np.testing.assert_allclose(gallery.bulged(grid, 0.5)[20, 20], 1, atol=1e-9)
    corner = np.full((400, 400, 3), 1.0)
    seen = gallery.bulged(corner, 0.5)[..., 0] > 0.5
    half = np.diagonal(seen)[200:].sum()  # along the diagonal to where the radius read is 1: r (1 + r²/2) = 1
    root = np.roots([0.5, 0, 1, -1]).real[np.isreal(np.roots([0.5, 0, 1, -1]))][0]
    assert half == pytest.approx(200 * root, abs=2)


def test_padding_and_cropping_moves_by_whole_pixels_and_lets_black_in() -> None:
    expected = np.zeros_like(CAT)
    expected[:-12, 18:] = CAT[12:, :-18]
    np.testing.assert_allclose(panel("padded, cropped"), expected, atol=1e-9)


def test_more_contrast_keeps_the_mean_and_the_grey_axis_keeps_its_colour() -> None:
    stretched = gallery.more_contrast(CAT, 1.8)
    assert stretched.mean() == pytest.approx(CAT.mean())
    assert stretched.std() == pytest.approx(1.8 * CAT.std())
    np.testing.assert_allclose(gallery.hue(CAT, 120), CAT[..., [2, 0, 1]], atol=1e-12)
    np.testing.assert_allclose(gallery.hue(CAT, 60).mean(2), CAT.mean(2), atol=1e-12)


def test_the_blur_is_near_that_of_pillow() -> None:
    expected = Image.fromarray((255 * CAT).astype(np.uint8)).filter(ImageFilter.GaussianBlur(2))
    within = (slice(8, -8), slice(8, -8))
    np.testing.assert_allclose(panel("blurred")[within], np.asarray(expected)[within] / 255, atol=0.03)


def test_salt_and_pepper_hit_whole_pixels_and_the_share_that_was_asked_for() -> None:
    hit = gallery.specks(np.full((500, 400, 3), 0.5), 0.1) != 0.5
    assert (hit.all(axis=2) == hit.any(axis=2)).all()
    assert hit.mean() == pytest.approx(0.1, abs=0.005)


def test_cutout_and_cutmix_change_the_same_quarter() -> None:
    hole, patch = panel("cutout"), panel("CutMix")
    changed = (patch != CAT).any(axis=2)
    assert (hole[changed] == 0).all()
    np.testing.assert_array_equal(patch[changed], CUP[changed])
    assert changed.mean() == pytest.approx(0.25, abs=0.02)


def test_the_figure_has_a_panel_for_each_transformation_and_no_empty_one() -> None:
    panels = gallery.plot().axes
    assert [ax.get_title("left") for ax in panels] == list(gallery.TRANSFORMATIONS)
    assert all(ax.images for ax in panels)
    assert len({ax.images[0].get_array().tobytes() for ax in panels}) == len(panels)
