"""Augmentation in NumPy: the solutions against SciPy, scikit-image, Pillow, torch and counted pixels."""

import numpy as np
import PIL.Image
import pytest
import torch
from scipy import ndimage
from scipy.spatial.transform import Rotation
from skimage.transform import EuclideanTransform, ProjectiveTransform
from skimage.transform import warp as skimage_warp
from torch.nn.functional import cross_entropy, grid_sample

from autograder.probes import Given
from autograder.running import run_probe

SOLVED = ("10-augmentation", "augmentation_numpy")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


CLEFT = "H, W = images.shape[1:3]\n    p = np.pad(images, ((0, 0), (pad, pad), (pad, pad), (0, 0)))\n    "
WINDOWS = CLEFT + "return np.stack([p[n, {}] for n in range(len(images))])"
PLACES = "h, w = np.indices((H, W))\n    h, w = h - (H - 1) / 2, w - (W - 1) / 2\n    t = np.radians(angle)"
PLACES += ".reshape(-1, 1, 1)\n    "
CENTRED = PLACES + "return {} + (H - 1) / 2, {} + (W - 1) / 2"
CORNERS = "n = np.arange(len(images))[:, None, None]\n    H, W = images.shape[1:3]\n    "
HOLES = "y = images.copy()\n    for n in range(len(y)):\n"
HOLES += "        r, c = row[n] - size // 2, column[n] - size // 2\n"
BOXES = "out, share = images.copy(), np.zeros((len(y), 1))\n    H, W = images.shape[1:3]\n"
BOXES += "    for n, j in enumerate(partner):\n"
MIXED = "\n    return out, (1 - share) * y + share * y[partner]"
PASTE = "        out[n, t : t + h, l : l + w] = images[j, t : t + h, l : l + w]\n"
LIMITS = "        t, l, h, w = top[n], left[n], height[n], width[n]\n"

CUT = "        b, r = min(top[n] + height[n], H), min(left[n] + width[n], W)\n"
CUT += "        t, l = max(top[n], 0), max(left[n], 0)\n"
CUT += "        out[n, t : max(b, 0), l : max(r, 0)] = images[j, t : max(b, 0), l : max(r, 0)]\n"

SLIPS = {
    "columns of another layout": (
        "flip",
        "AU2",
        "return np.where(coin.reshape(-1, 1, 1, 1), images[..., ::-1], images)",
    ),
    "upside down": (
        "flip",
        "FL-rows",
        "y = images.copy()\n    y[coin] = np.flip(y[coin], axis=1)\n    return y",
    ),
    "np.flip without an axis": (
        "flip",
        "FL-every-axis",
        "return np.stack([np.flip(x) if heads else x for x, heads in zip(images, coin)])",
    ),
    "fliplr of the batch": (
        "flip",
        "FL-rows",
        "return np.where(coin[:, None, None, None], np.fliplr(images), images)",
    ),
    "if coin": ("flip", "AU4", "return images[:, :, ::-1] if coin[0] else images"),
    "the data set mirrored": (
        "flip",
        "FL-in-place",
        "for n in np.flatnonzero(coin):\n        images[n] = images[n, :, ::-1].copy()\n    return images",
    ),
    "one offset": ("pad_and_crop", "AU9", CLEFT + "return p[:, top[0] : top[0] + H, left[0] : left[0] + W]"),
    "x before y": (
        "pad_and_crop",
        "AU8",
        WINDOWS.format("left[n] : left[n] + H, top[n] : top[n] + W"),
    ),
    "a window as wide as high": (
        "pad_and_crop",
        "PC-square",
        WINDOWS.format("top[n] : top[n] + H, left[n] : left[n] + H"),
    ),
    "a window that misses its end": (
        "pad_and_crop",
        "PC-one-short",
        WINDOWS.format("top[n] : top[n] + H - 1, left[n] : left[n] + W - 1"),
    ),
    "np.roll": (
        "pad_and_crop",
        "AU13",
        "moves = zip(images, pad - top, pad - left)\n"
        "    return np.stack([np.roll(x, (int(r), int(c)), (0, 1)) for x, r, c in moves])",
    ),
    "np.roll the other way": (
        "pad_and_crop",
        "PC-roll-back",
        "moves = zip(images, top - pad, left - pad)\n"
        "    return np.stack([np.roll(x, (int(r), int(c)), (0, 1)) for x, r, c in moves])",
    ),
    "mirrored border": (
        "pad_and_crop",
        "AU7",
        WINDOWS.replace("(0, 0)))", "(0, 0)), 'reflect')").format(
            "top[n] : top[n] + H, left[n] : left[n] + W"
        ),
    ),
    "slices with a number for each image": (
        "pad_and_crop",
        "PC-slices",
        CLEFT + "return p[:, top : top + H, left : left + W]",
    ),
    "every window out of the first image": (
        "pad_and_crop",
        "PC-image-0",
        WINDOWS.replace("p[n, {}]", "p[0, {}]").format("top[n] : top[n] + H, left[n] : left[n] + W"),
    ),
    "an angle beside a grid": (
        "rotation_coordinates",
        "RC-broadcast-grid",
        CENTRED.replace(".reshape(-1, 1, 1)", "").format(
            "np.cos(t) * h + np.sin(t) * w", "np.cos(t) * w - np.sin(t) * h"
        ),
    ),
    "a row that is turned too early": (
        "rotation_coordinates",
        "RC-overwritten",
        PLACES + "h = h * np.cos(t) + w * np.sin(t)\n    w = w * np.cos(t) - h * np.sin(t)\n"
        "    return h + (H - 1) / 2, w + (W - 1) / 2",
    ),
    "degrees for radians": (
        "rotation_coordinates",
        "U7",
        CENTRED.replace("np.radians(angle)", "angle").format(
            "h * np.cos(t) + w * np.sin(t)", "w * np.cos(t) - h * np.sin(t)"
        ),
    ),
    "the formula of the school book": (
        "rotation_coordinates",
        "RC-clockwise",
        CENTRED.format("w * np.sin(-t) + h * np.cos(-t)", "w * np.cos(-t) - h * np.sin(-t)"),
    ),
    "about the corner": (
        "rotation_coordinates",
        "U8",
        "h, w = np.indices((H, W))\n    t = np.radians(angle)[:, None, None]\n"
        "    return h * np.cos(t) + w * np.sin(t), w * np.cos(t) - h * np.sin(t)",
    ),
    "x and y returned": (
        "rotation_coordinates",
        "RC-order",
        PLACES
        + "x = w * np.cos(t) - h * np.sin(t) + (W - 1) / 2\n"
        + "    return x, h * np.cos(t) + w * np.sin(t) + (H - 1) / 2",
    ),
    "meshgrid as it comes": (
        "rotation_coordinates",
        "RC-transposed",
        "h, w = np.meshgrid(np.arange(H) - (H - 1) / 2, np.arange(W) - (W - 1) / 2, indexing='xy')\n"
        "    h, w, t = h.T, w.T, np.radians(angle)[:, None, None]\n"
        "    rows = h * np.cos(t) + w * np.sin(t) + (H - 1) / 2\n"
        "    cols = w * np.cos(t) - h * np.sin(t) + (W - 1) / 2\n"
        "    return rows.transpose(0, 2, 1), cols.transpose(0, 2, 1)",
    ),
    "the nearest pixel": (
        "bilinear",
        "BI-nearest",
        CORNERS
        + "i, j = np.round(rows).astype(int), np.round(cols).astype(int)\n"
        + "    inside = (i >= 0) & (i < H) & (j >= 0) & (j < W)\n"
        + "    return images[n, i.clip(0, H - 1), j.clip(0, W - 1)] * inside[..., None]",
    ),
    "the border repeated": (
        "bilinear",
        "BI-edge",
        CORNERS
        + "r, c = rows.clip(0, H - 1), cols.clip(0, W - 1)\n"
        + "    i, j = r.astype(int), c.astype(int)\n"
        + "    k, l = np.minimum(i + 1, H - 1), np.minimum(j + 1, W - 1)\n"
        + "    a, b = (r - i)[..., None], (c - j)[..., None]\n"
        + "    upper = (1 - b) * images[n, i, j] + b * images[n, i, l]\n"
        + "    return (1 - a) * upper + a * ((1 - b) * images[n, k, j] + b * images[n, k, l])",
    ),
    "no guard at all": (
        "bilinear",
        "BI-index",
        CORNERS
        + "i, j = np.floor(rows).astype(int), np.floor(cols).astype(int)\n"
        + "    a, b = (rows - i)[..., None], (cols - j)[..., None]\n"
        + "    upper = (1 - b) * images[n, i, j] + b * images[n, i, j + 1]\n"
        + "    return (1 - a) * upper + a * ((1 - b) * images[n, i + 1, j] + b * images[n, i + 1, j + 1])",
    ),
    "scipy's constant": (
        "bilinear",
        "BI-strict",
        CORNERS
        + "ok = (rows >= 0) & (rows <= H - 1) & (cols >= 0) & (cols <= W - 1)\n"
        + "    R = np.maximum(0, 1 - abs(rows[..., None] - np.arange(H)))\n"
        + "    C = np.maximum(0, 1 - abs(cols[..., None] - np.arange(W)))\n"
        + "    return np.einsum('npqh,npqw,nhwc->npqc', R, C, images) * ok[..., None]",
    ),
    "floor and ceiling": (
        "bilinear",
        "BI-ceil",
        CORNERS + "total = 0\n"
        "    up, down, left, right = np.floor(rows), np.ceil(rows), np.floor(cols), np.ceil(cols)\n"
        "    for r, u in ((up, down - rows), (down, rows - up)):\n"
        "        for c, v in ((left, right - cols), (right, cols - left)):\n"
        "            inside = (r >= 0) & (r < H) & (c >= 0) & (c < W)\n"
        "            i, j = (r * inside).astype(int), (c * inside).astype(int)\n"
        "            total = total + (u * v * inside)[..., None] * images[n, i, j]\n"
        "    return total",
    ),
    "the number of the image without axes": (
        "bilinear",
        "BI-image-axis",
        CORNERS + "i, j = np.floor(rows).astype(int), np.floor(cols).astype(int)\n"
        "    return images[np.arange(len(images)), i.clip(0, H - 1), j.clip(0, W - 1)]",
    ),
    "contrast first, two clips": (
        "brightness_contrast",
        "BC-contrast-first",
        "m = images.mean((1, 2, 3), keepdims=True)\n"
        "    y = np.clip(m + contrast.reshape(-1, 1, 1, 1) * (images - m), 0, 1)\n"
        "    return np.clip(y * brightness.reshape(-1, 1, 1, 1), 0, 1)",
    ),
    "brightness without axes, on the right": (
        "brightness_contrast",
        "BC-broadcast",
        "return np.clip(images * brightness, 0, 1)",
    ),
    "a mean without its axes": (
        "brightness_contrast",
        "BC-broadcast",
        "y = images * brightness[:, None, None, None]\n    return y - y.mean(axis=(1, 2, 3))",
    ),
    "a sum": (
        "brightness_contrast",
        "BC-added",
        "y = images + brightness.reshape(-1, 1, 1, 1)\n    m = y.mean((1, 2, 3), keepdims=True)\n"
        "    return np.clip(m + contrast.reshape(-1, 1, 1, 1) * (y - m), 0, 1)",
    ),
    "two steps, two clips": (
        "brightness_contrast",
        "BC-clipped-between",
        "y = np.clip(images * brightness.reshape(-1, 1, 1, 1), 0, 1)\n"
        "    m = y.mean((1, 2, 3), keepdims=True)\n"
        "    return np.clip(m + contrast.reshape(-1, 1, 1, 1) * (y - m), 0, 1)",
    ),
    "one mean for the batch": (
        "brightness_contrast",
        "BC-batch",
        "y = images * brightness.reshape(-1, 1, 1, 1)\n"
        "    return np.clip(y.mean() + contrast.reshape(-1, 1, 1, 1) * (y - y.mean()), 0, 1)",
    ),
    "p on both sides": (
        "salt_and_pepper",
        "U4",
        "y = images.copy()\n    y[u < p] = 0\n    y[u >= 1 - p] = 1\n    return y",
    ),
    "p on both sides, strictly": (
        "salt_and_pepper",
        "U4",
        "y = images.copy()\n    y[u < p] = 0\n    y[u > 1 - p] = 1\n    return y",
    ),
    "specks in colour": (
        "salt_and_pepper",
        "U5",
        "v = np.random.default_rng().random(images.shape)\n"
        "    return np.where(v < p / 2, 0, np.where(v >= 1 - p / 2, 1, images))",
    ),
    "salt above the threshold only": (
        "salt_and_pepper",
        "SP-strict-salt",
        "y = images.copy()\n    y[u < p / 2] = 0\n    y[u > 1 - p / 2] = 1\n    return y",
    ),
    "black and white exchanged": (
        "salt_and_pepper",
        "SP-exchanged",
        "y = images.copy()\n    y[u < p / 2] = 1\n    y[u >= 1 - p / 2] = 0\n    return y",
    ),
    "slices that begin below zero": (
        "cutout",
        "CO-slice",
        HOLES + "        y[n, r : r + size, c : c + size] = 0\n    return y",
    ),
    "half a side to both sides": (
        "cutout",
        "CO-odd",
        HOLES + "        h = 2 * (size // 2)\n"
        "        y[n, max(r, 0) : max(r + h, 0), max(c, 0) : max(c + h, 0)] = 0\n    return y",
    ),
    "a hole that begins at the centre": (
        "cutout",
        "CO-corner",
        HOLES.replace(" - size // 2", "") + "        y[n, r : r + size, c : c + size] = 0\n    return y",
    ),
    "the hole pushed inside": (
        "cutout",
        "CO-inside",
        HOLES + "        r, c = np.clip(r, 0, y.shape[1] - size), np.clip(c, 0, y.shape[2] - size)\n"
        "        y[n, r : r + size, c : c + size] = 0\n    return y",
    ),
    "size counted from the border": (
        "cutout",
        "CO-start-clipped",
        HOLES + "        r, c = max(r, 0), max(c, 0)\n"
        "        y[n, r : r + size, c : c + size] = 0\n    return y",
    ),
    "holes that stay": (
        "cutout",
        "CO-in-place",
        HOLES.replace("images.copy()", "images")
        + "        y[n, max(r, 0) : r + size, max(c, 0) : c + size] = 0\n    return y",
    ),
    "the reversed batch": (
        "mixup",
        "MX-reversed",
        "w = lam.reshape(-1, 1, 1, 1)\n    v = lam.reshape(-1, 1)\n"
        "    return w * images + (1 - w) * images[::-1], v * y + (1 - v) * y[::-1]",
    ),
    "labels left alone": (
        "mixup",
        "AU22",
        "w = lam.reshape(-1, 1, 1, 1)\n    return w * images + (1 - w) * images[partner], y",
    ),
    "the paper's single lambda": (
        "mixup",
        "MX-first",
        "t = lam[0]\n    return t * images + (1 - t) * images[partner], t * y + (1 - t) * y[partner]",
    ),
    "lambda for the other one": (
        "mixup",
        "MX-exchanged",
        "w = lam.reshape(-1, 1, 1, 1)\n    v = lam.reshape(-1, 1)\n"
        "    return (1 - w) * images + w * images[partner], (1 - v) * y + v * y[partner]",
    ),
    "labels of the image whose partner it is": (
        "mixup",
        "MX-labels-inverse",
        "w = lam.reshape(-1, 1, 1, 1)\n    v = lam.reshape(-1, 1)\n    other = np.zeros_like(y)\n"
        "    for n, j in enumerate(np.argsort(partner)):\n        other[n] = y[j]\n"
        "    return w * images + (1 - w) * images[partner], v * y + (1 - v) * other",
    ),
    "images alone": (
        "mixup",
        "MX-no-labels",
        "w = lam.reshape(-1, 1, 1, 1)\n    return w * images + (1 - w) * images[partner]",
    ),
    "an overlap below 0": (
        "cutmix",
        "CM-negative-area",
        BOXES + CUT + "        share[n] = (b - t) * (r - l) / (H * W)" + MIXED,
    ),
    "the pixels that look different": (
        "cutmix",
        "CM-changed",
        BOXES + CUT + "        share[n] = (out[n] != images[n]).any(axis=-1).mean()" + MIXED,
    ),
    "the area that was asked for": (
        "cutmix",
        "CM-asked",
        BOXES + LIMITS + "        b, r = t + h, l + w\n        t, l = max(t, 0), max(l, 0)\n"
        "        out[n, t : max(b, 0), l : max(r, 0)] = images[j, t : max(b, 0), l : max(r, 0)]\n"
        "        share[n] = h * w / (H * W)" + MIXED,
    ),
    "a box that begins below zero": (
        "cutmix",
        "CM-slice",
        BOXES + LIMITS + PASTE + "        box = np.zeros((H, W))\n        box[t : t + h, l : l + w] = 1\n"
        "        share[n] = box.mean()" + MIXED,
    ),
    "begin clipped before the end is known": (
        "cutmix",
        "CM-start-clipped",
        BOXES
        + LIMITS
        + "        t, l = max(t, 0), max(l, 0)\n"
        + PASTE
        + "        share[n] = max(min(t + h, H) - t, 0) * max(min(l + w, W) - l, 0) / (H * W)"
        + MIXED,
    ),
    "pasted from what is pasted": (
        "cutmix",
        "CM-in-loop",
        BOXES + LIMITS + "        b, r = max(t + h, 0), max(l + w, 0)\n        t, l = max(t, 0), max(l, 0)\n"
        "        out[n, t:b, l:r] = out[j, t:b, l:r]\n"
        "        share[n] = max(min(b, H) - t, 0) * max(min(r, W) - l, 0) / (H * W)" + MIXED,
    ),
}


@pytest.mark.parametrize(("exercise", "mistake", "body"), SLIPS.values(), ids=SLIPS)
def test_a_common_slip_is_named(exercise, mistake, body, notebook, questions):
    names = notebook.with_body(exercise, body)
    for asked in questions:
        told = {v.mistake for v in notebook.verdicts(names, exercise, asked) if not v.passed}
        assert told - {None} == {mistake}


OVERWRITTEN = {
    "twice the noise": (
        "salt_and_pepper",
        "images[u < p] = 0\n    images[u >= 1 - p] = 1\n    return images",
    ),
    "salt of 255": (
        "salt_and_pepper",
        "images[u < p / 2] = 0\n    images[u >= 1 - p / 2] = 255\n    return images",
    ),
    "no hole at the border": (
        "cutout",
        HOLES.replace("images.copy()", "images")
        + "        y[n, r : r + size, c : c + size] = 0\n    return y",
    ),
    "pasted from what is pasted": (
        "cutmix",
        BOXES.replace("images.copy()", "images")
        + CUT
        + "        share[n] = max(b - t, 0) * max(r - l, 0) / (H * W)"
        + MIXED,
    ),
}


@pytest.mark.parametrize(("exercise", "body"), OVERWRITTEN.values(), ids=OVERWRITTEN)
def test_a_wrong_result_in_an_overwritten_input_is_not_called_right(exercise, body, notebook, questions):
    names = notebook.with_body(exercise, body)
    says = {p.mistake.id: p.mistake.says for p in notebook.unit.patches}
    for asked in questions:
        told = {v.mistake for v in notebook.verdicts(names, exercise, asked) if not v.passed}
        assert told and not any("result is right" in says[m] for m in told - {None})


LAZY_TESTS = {
    "offsets in the middle": ("(3, 4, 5, 2)", "np.full(3, 2), np.full(3, 2)", "never_moved"),
    "one image": ("(1, 4, 5, 2)", "np.array([0]), np.array([3])", "one_offset_for_all"),
    "the same offset for both axes": (
        "(3, 4, 5, 2)",
        "np.array([0, 1, 4]), np.array([0, 1, 4])",
        "rows_and_columns_exchanged",
    ),
    "offsets below the last one": (
        "(3, 4, 5, 2)",
        "np.array([0, 1, 3]), np.array([3, 2, 0])",
        "last_offset_missing",
    ),
    "a copy handed in": ("(3, 4, 5, 2)", "np.array([0, 1, 4]), np.array([3, 4, 0])", "inputs_overwritten"),
}


@pytest.mark.parametrize(("shape", "offsets", "overlooked"), LAZY_TESTS.values(), ids=LAZY_TESTS)
def test_a_lazy_test_of_the_crop_is_found_out(shape, offsets, overlooked, notebook):
    body = (
        f"images = np.random.default_rng(0).random({shape})\n"
        f"    top, left = {offsets}\n"
        "    p = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))\n"
        "    found = implementation(images.copy(), 2, top, left)\n"
        "    for n, (t, l) in enumerate(zip(top, left)):\n"
        "        assert np.allclose(found[n], p[n, t : t + 4, l : l + 5])"
    )
    names = notebook.with_body("test_pad_and_crop", body)
    probe = next(p for p in notebook.unit.probes.values() if p.judges)
    right = notebook.reference.given(Given(probe.judges))
    assert run_probe(probe, names, {"implementation": right}).status == "values"
    breaker = next(b for b in probe.breakers if b.__name__ == overlooked)
    assert run_probe(probe, names, {"implementation": breaker(right)}).status == "values"


LOOKS = {
    "constant images": ("np.ones((3, 4, 5, 2))", "found == wanted", "all_from_the_first_image"),
    "sums": (
        "np.random.default_rng(0).random((3, 4, 5, 2))",
        "np.isclose(found.sum(), wanted.sum())",
        "mirrored_windows",
    ),
}


@pytest.mark.parametrize(("images", "compared", "overlooked"), LOOKS.values(), ids=LOOKS)
def test_a_test_that_does_not_look_at_the_content_is_found_out(images, compared, overlooked, notebook):
    body = (
        f"images, top, left = {images}, np.array([0, 1, 4]), np.array([3, 4, 0])\n"
        "    p = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))\n"
        "    wanted = np.stack([p[n, t : t + 4, l : l + 5] for n, (t, l) in enumerate(zip(top, left))])\n"
        "    found = implementation(images, 2, top, left)\n"
        f"    assert np.all({compared})"
    )
    names = notebook.with_body("test_pad_and_crop", body)
    probe = next(p for p in notebook.unit.probes.values() if p.judges)
    right = notebook.reference.given(Given(probe.judges))
    breaker = next(b for b in probe.breakers if b.__name__ == overlooked)
    for implementation in (right, breaker(right)):
        assert run_probe(probe, names, {"implementation": implementation}).status == "values"


def row_of(*pixels):
    """One image of one row and one channel."""
    return np.array(pixels, dtype=float).reshape(1, 1, -1, 1)


def test_the_examples_in_the_docstrings_are_right(answers):
    at = np.array
    assert answers["flip"](row_of(1, 2, 3), at([True])).ravel().tolist() == [3, 2, 1]
    for left, wanted in ((0, [0, 1, 2]), (2, [2, 3, 0])):
        assert answers["pad_and_crop"](row_of(1, 2, 3), 1, at([1]), at([left])).ravel().tolist() == wanted
    rows, cols = answers["rotation_coordinates"](at([90.0, 30.0]), 3, 3)
    np.testing.assert_allclose([rows[:, 0, 0], cols[:, 0, 0]], [[0, -0.366], [2, 0.634]], atol=5e-4)
    places = at([[[0, 0.5, 0, 0]]]), at([[[1.25, 1, -0.3, 3]]])
    np.testing.assert_allclose(answers["bilinear"](row_of(1, 2, 4), *places).ravel(), [2.5, 1, 0.7, 0])
    brighter = answers["brightness_contrast"](row_of(0.1, 0.3), at([2.0]), at([1.5]))
    np.testing.assert_allclose(brighter.ravel(), [0.1, 0.7])
    specks = answers["salt_and_pepper"](row_of(0.5, 0.5, 0.5), at([[[0.05, 0.5, 0.95]]]), 0.2)
    assert specks.ravel().tolist() == [0, 0.5, 1]
    hole = answers["cutout"](np.ones((1, 4, 4, 1)), at([0]), at([3]), 2)
    assert np.argwhere(hole[0, :, :, 0] == 0).tolist() == [[0, 2], [0, 3]]
    mixed, labels = answers["mixup"](at([1.0, 5]).reshape(2, 1, 1, 1), np.eye(2), at([1, 0]), at([0.75, 0.5]))
    assert mixed.ravel().tolist() == [2, 3] and labels.tolist() == [[0.75, 0.25], [0.5, 0.5]]
    box = [at([v, 0]) for v in (-1, 3, 3, 4)]
    pasted, labels = answers["cutmix"](
        np.arange(2.0).repeat(20).reshape(2, 4, 5, 1), np.eye(2), at([1, 0]), *box
    )
    assert np.argwhere(pasted[0, :, :, 0] == 1).tolist() == [[0, 3], [0, 4], [1, 3], [1, 4]]
    np.testing.assert_allclose(labels[0], [0.8, 0.2])


def test_a_mirrored_batch_is_pillow_s_mirror_image_by_image(answers, rng):
    images, coin = rng.integers(0, 256, (6, 5, 8, 3)).astype(np.uint8), rng.random(6) < 0.5
    found = answers["flip"](images / 255, coin)
    for image, heads, result in zip(images, coin, found, strict=True):
        expected = (
            PIL.Image.fromarray(image).transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT) if heads else image
        )
        np.testing.assert_array_equal(result, np.asarray(expected) / 255)


def test_every_crop_is_the_shift_of_scipy(answers, rng):
    pad, images = 2, rng.random((25, 4, 6, 2))
    top, left = np.indices((5, 5)).reshape(2, 25)
    found = answers["pad_and_crop"](images, pad, top, left)
    for image, t, c, result in zip(images, top, left, found, strict=True):
        np.testing.assert_array_equal(result, ndimage.shift(image, (pad - t, pad - c, 0), order=0))


@pytest.mark.parametrize("shape", [(5, 8), (6, 6), (7, 4)])
def test_the_coordinates_are_those_of_scikit_image_s_rotation(answers, shape):
    """Its points are (x, y) with y down, so that its positive angles turn clockwise."""
    (H, W), angle = shape, np.array([17.0, -120, 200])
    rows, cols = answers["rotation_coordinates"](angle, H, W)
    centre, points = np.array([W - 1, H - 1]) / 2, np.indices(shape)[::-1].reshape(2, -1).T
    for n, degrees in enumerate(angle):
        back = EuclideanTransform(rotation=np.radians(degrees))(points - centre) + centre
        np.testing.assert_allclose(np.stack([cols[n], rows[n]], -1).reshape(-1, 2), back, atol=1e-12)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_turn_by_right_angles_moves_whole_pixels(answers, turns, rng):
    images = rng.random((2, 6, 6, 3))
    coordinates = answers["rotation_coordinates"](np.full(2, 90.0 * turns), 6, 6)
    np.testing.assert_allclose(
        answers["bilinear"](images, *coordinates), np.rot90(images, turns, axes=(1, 2)), atol=1e-12
    )


@pytest.mark.parametrize("angle", [10.0, -35, 160])
def test_a_turned_image_is_that_of_scipy(answers, angle, rng):
    image = rng.random((9, 14, 3))
    turned = answers["bilinear"](image[None], *answers["rotation_coordinates"](np.array([angle]), 9, 14))
    expected = ndimage.rotate(image, angle, axes=(0, 1), reshape=False, order=1, mode="grid-constant")
    np.testing.assert_allclose(turned[0], expected, atol=1e-12)


def test_reading_between_pixels_is_that_of_scipy_inside_at_the_border_and_beyond(answers, rng):
    images = rng.random((4, 6, 9, 2))
    rows, cols = rng.uniform(-3, 8, (4, 20, 30)), rng.uniform(-3, 11, (4, 20, 30))
    rows[:, :5], cols[:, :, :7] = np.rint(rows[:, :5]), np.rint(cols[:, :, :7])
    found = answers["bilinear"](images, rows, cols)
    for n, c in np.ndindex(4, 2):
        expected = ndimage.map_coordinates(
            images[n, ..., c], [rows[n], cols[n]], order=1, mode="grid-constant"
        )
        np.testing.assert_allclose(found[n, ..., c], expected, atol=1e-12)


def test_reading_between_pixels_is_that_of_torch(answers, rng):
    images, (H, W) = rng.random((3, 5, 8, 4)), (5, 8)
    rows, cols = rng.uniform(-2, 6, (3, 7, 6)), rng.uniform(-2, 9, (3, 7, 6))
    grid = torch.tensor(np.stack([(2 * cols + 1) / W - 1, (2 * rows + 1) / H - 1], axis=-1))
    expected = grid_sample(torch.tensor(images).permute(0, 3, 1, 2), grid, align_corners=False)
    np.testing.assert_allclose(
        answers["bilinear"](images, rows, cols), expected.permute(0, 2, 3, 1), atol=1e-12
    )


def test_reading_reproduces_a_plane_exactly(answers, rng):
    h, w = np.indices((7, 9))
    image = (0.3 * h - 0.2 * w + 1)[None, ..., None]
    rows, cols = rng.uniform(0, 6, (1, 4, 5)), rng.uniform(0, 8, (1, 4, 5))
    np.testing.assert_allclose(answers["bilinear"](image, rows, cols)[..., 0], 0.3 * rows - 0.2 * cols + 1)


def test_contrast_keeps_the_mean_of_an_image_and_stretches_its_standard_deviation(answers, rng):
    images = rng.uniform(0.4, 0.5, (5, 6, 7, 3))
    b, c = rng.uniform(0.9, 1.1, 5), rng.uniform(0.5, 2, 5)
    found = answers["brightness_contrast"](images, b, c)
    np.testing.assert_allclose(found.mean(axis=(1, 2, 3)), b * images.mean(axis=(1, 2, 3)))
    np.testing.assert_allclose(found.std(axis=(1, 2, 3)), b * c * images.std(axis=(1, 2, 3)))


def test_contrast_and_brightness_clip(answers):
    """By hand: bright 0.4, 1.2, 2.0, 0.4, mean 1, stretched -0.2, 1.4, 3, -0.2."""
    found = answers["brightness_contrast"](row_of(0.2, 0.6, 1, 0.2), np.array([2.0]), np.array([2.0]))
    np.testing.assert_allclose(found.ravel(), [0, 1, 1, 0])


@pytest.mark.parametrize("p", [0.0, 0.1, 0.6, 1.0])
def test_a_share_p_of_the_pixels_is_lost_half_of_it_black(answers, p, rng):
    images = rng.uniform(0.2, 0.8, (10, 100, 100, 3))
    found = answers["salt_and_pepper"](images, rng.random(images.shape[:3]), p)
    lost = (found != images).any(axis=-1)
    assert lost.mean() == pytest.approx(p, abs=0.01)
    assert (found[lost] == 0).all(axis=-1).sum() == pytest.approx(lost.sum() / 2, rel=0.03)
    assert set(np.unique(found[lost])) <= {0.0, 1.0}


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
def test_a_hole_has_its_whole_area_where_it_fits_and_is_cut_off_elsewhere(answers, size):
    """Counted for every centre: a row of the image is in `size` holes, unless the border is near."""
    H, W = 9, 11
    row, column = np.indices((H, W)).reshape(2, -1)
    holes = answers["cutout"](np.ones((H * W, H, W, 2)), row, column, size) == 0
    assert (holes[..., 0] == holes[..., 1]).all()
    middle = (row == 4) & (column == 5)
    assert holes[middle].sum() == 2 * size**2
    top = np.argwhere(holes[middle][0, ..., 0])[0]
    assert top.tolist() == [4 - size // 2, 5 - size // 2]
    longest = [min(r - size // 2 + size, H) - max(r - size // 2, 0) for r in range(H)]
    widest = [min(c - size // 2 + size, W) - max(c - size // 2, 0) for c in range(W)]
    assert holes[..., 0].sum(axis=(1, 2)).tolist() == np.outer(longest, widest).ravel().tolist()


def test_the_loss_of_mixed_labels_is_the_mix_of_torch_s_losses(answers, rng):
    images, classes, partner, lam = (
        rng.random((6, 4, 5, 2)),
        rng.integers(0, 3, 6),
        rng.permutation(6),
        rng.random(6),
    )
    mixed, labels = answers["mixup"](images, np.eye(3)[classes], partner, lam)
    scores = torch.tensor(mixed.reshape(6, -1) @ rng.normal(size=(40, 3)))
    own, other = (
        cross_entropy(scores, torch.tensor(k), reduction="none") for k in (classes, classes[partner])
    )
    expected = torch.tensor(lam) * own + (1 - torch.tensor(lam)) * other
    found = cross_entropy(scores, torch.tensor(labels), reduction="none")
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_blend_is_pillow_s_blend_up_to_the_rounding_to_8_bits(answers, rng):
    pictures, lam = rng.integers(0, 256, (2, 5, 4, 3)).astype(np.uint8), 0.3
    mixed, _ = answers["mixup"](pictures / 255, np.eye(2), np.array([1, 0]), np.full(2, lam))
    expected = PIL.Image.blend(*map(PIL.Image.fromarray, pictures), 1 - lam)
    np.testing.assert_allclose(255 * mixed[0], np.asarray(expected, dtype=float), atol=1)


def test_the_label_of_cutmix_is_the_share_of_pixels_counted_in_the_image(answers, rng):
    """Image n is n everywhere, so that each pixel tells where it comes from."""
    N, H, W = 60, 7, 9
    images = np.arange(N).repeat(H * W).reshape(N, H, W, 1).astype(float)
    top, left = rng.integers(-5, H + 3, N), rng.integers(-5, W + 3, N)
    height, width = rng.integers(1, 9, N), rng.integers(1, 9, N)
    partner = np.roll(np.arange(N), 1)
    pasted, labels = answers["cutmix"](images, np.eye(N), partner, top, left, height, width)
    for n in range(N):
        counted = np.bincount(pasted[n].astype(int).ravel(), minlength=N) / (H * W)
        np.testing.assert_allclose(labels[n], counted, atol=1e-12)


def test_the_box_of_cutmix_is_pillow_s_paste(answers, rng):
    """Pillow cuts a box off at the border by itself."""
    pictures = rng.integers(0, 256, (8, 6, 9)).astype(np.uint8)
    top, left, height, width = (rng.integers(a, b, 8) for a, b in ((-3, 6), (-4, 9), (1, 6), (1, 7)))
    partner = rng.permutation(8)
    pasted, _ = answers["cutmix"](pictures[..., None] / 255, np.eye(8), partner, top, left, height, width)
    for n, (t, c, h, w) in enumerate(zip(top, left, height, width, strict=True)):
        own, other = (PIL.Image.fromarray(pictures[k]) for k in (n, partner[n]))
        piece = (int(c), int(t), int(c + w), int(t + h))
        own.paste(other.crop(piece), piece)
        np.testing.assert_array_equal(pasted[n, ..., 0], np.asarray(own) / 255)


def test_given_warps_are_those_of_scikit_image(answers, rng):
    """Bilinear on both sides, 0 outside; scikit-image's points are (x, y), from the corner."""
    image = rng.random((8, 11))
    matrix = np.array([[1.1, 0.2, 0.5], [-0.15, 0.9, -0.7], [0.02, -0.01, 1]])
    coordinates = answers["warp_coordinates"](matrix[None], 8, 11)
    found = answers["bilinear"](image[None, ..., None], *coordinates)[0, ..., 0]
    exchange, centre = np.eye(3)[[1, 0, 2]], np.array([[1, 0, 5], [0, 1, 3.5], [0, 0, 1]])
    about_corner = ProjectiveTransform(centre @ exchange @ matrix @ exchange @ np.linalg.inv(centre))
    expected = skimage_warp(image, about_corner.inverse, order=1, mode="constant")
    inner = ndimage.binary_erosion(found > 0, np.ones((3, 3)))
    assert inner.sum() > 20
    np.testing.assert_allclose(found[inner], expected[inner], atol=1e-12)


def test_the_given_hue_is_scipy_s_rotation_about_the_grey_axis(answers, rng):
    images, angle = rng.uniform(0.45, 0.55, (3, 4, 5, 3)), np.array([40.0, -120, 180])
    found = answers["rotate_hue"](images, angle)
    for image, degrees, result in zip(images, angle, found, strict=True):
        turn = Rotation.from_rotvec(np.radians(degrees) * np.ones(3) / np.sqrt(3))
        np.testing.assert_allclose(result.reshape(-1, 3), turn.apply(image.reshape(-1, 3)), atol=1e-12)


@pytest.mark.parametrize("sigma", [0.7, 1.5])
def test_the_given_blur_is_scipy_s_gaussian_filter(answers, sigma, rng):
    images = rng.random((2, 12, 9, 3))
    reach = int(3 * sigma + 1)
    expected = ndimage.gaussian_filter(images, sigma, axes=(1, 2), mode="nearest", radius=reach)
    np.testing.assert_allclose(answers["blur"](images, sigma), expected, atol=1e-12)


def test_the_given_lens_leaves_the_centre_and_reads_1_plus_k_times_further_out_at_the_corners(answers):
    rows, cols = answers["lens_coordinates"](np.array([0.25, -0.2]), 5, 9)
    np.testing.assert_allclose([rows[:, 2, 4], cols[:, 2, 4]], [[2, 2], [4, 4]])
    np.testing.assert_allclose(
        [rows[:, 4, 8], cols[:, 4, 8]], [[2 + 2 * 1.25, 2 + 2 * 0.8], [4 + 4 * 1.25, 4 + 4 * 0.8]]
    )


def test_the_given_light_is_a_ramp_that_keeps_the_middle_column(answers):
    found = answers["illuminate"](np.full((2, 3, 5, 2), 0.4), np.array([0.5, -0.5]))
    np.testing.assert_allclose(found[0, 1, :, 0], [0.2, 0.3, 0.4, 0.5, 0.6])
    np.testing.assert_allclose(found[1, 1, :, 0], [0.6, 0.5, 0.4, 0.3, 0.2])


def test_offsets_of_any_integer_type_count(answers):
    images = np.arange(24.0).reshape(2, 3, 4, 1)
    wanted = answers["pad_and_crop"](images, 1, np.array([0, 2]), np.array([2, 1]))
    for dtype in (np.int8, np.int32, np.uint8):
        given = np.array([0, 2], dtype), np.array([2, 1], dtype)
        np.testing.assert_array_equal(answers["pad_and_crop"](images, 1, *given), wanted)
