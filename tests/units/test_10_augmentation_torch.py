"""Augmentation in PyTorch: the solutions against SciPy, slices in loops, torch's own losses, closed forms."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import affine_transform, map_coordinates
from torch import nn

from tests.units import right_ways_10_torch

SOLVED = ("10-augmentation", "augmentation_torch")
F = nn.functional
WAYS = right_ways_10_torch.WAYS
SEEDS = st.integers(0, 2**32 - 1)


def random(seed, *shape):
    """Uniform numbers of 64 bits."""
    return torch.tensor(np.random.default_rng(seed).random(shape))


def by_scipy(images, matrices):
    """Each channel of each image warped by scipy.ndimage, whose coordinates begin at pixel (0, 0)."""
    centre = (np.array(images.shape[2:]) - 1) / 2
    out = np.empty(images.shape)
    for n, c in np.ndindex(*images.shape[:2]):
        linear, shift = matrices[n, :, :2].numpy(), matrices[n, :, 2].numpy()
        offset = centre + shift - linear @ centre
        out[n, c] = affine_transform(images[n, c].numpy(), linear, offset, order=1, mode="grid-constant")
    return torch.tensor(out)


@given(SEEDS, st.integers(1, 6), st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_warp_is_the_affine_transform_of_scipy(answers, seed, H, W):
    images = random(seed, 3, 2, H, W)
    matrices = 4 * random(seed + 1, 3, 2, 3) - 2
    torch.testing.assert_close(
        answers["warp"](images, matrices), by_scipy(images, matrices), rtol=0, atol=1e-12
    )


def test_a_quarter_turn_by_warp_is_rot90(answers):
    images = random(1, 4, 3, 5, 5)
    turn = torch.tensor([[0.0, 1, 0], [-1, 0, 0]], dtype=torch.float64).expand(4, 2, 3)
    torch.testing.assert_close(answers["warp"](images, turn), images.rot90(1, (2, 3)))
    back = turn * -1
    torch.testing.assert_close(answers["warp"](answers["warp"](images, turn), back), images)


@pytest.mark.parametrize(("down", "right"), [(0, 0), (1, -2), (-2, 3), (4, 0), (0, -6)])
def test_whole_shifts_move_pixels_and_bring_in_zeros(answers, down, right):
    images = random(2, 2, 3, 4, 6)
    reading = torch.tensor([[1.0, 0, -down], [0, 1, -right]], dtype=torch.float64).expand(2, 2, 3)
    moved = torch.zeros_like(images)
    for r in range(4):
        for c in range(6):
            if 0 <= r - down < 4 and 0 <= c - right < 6:
                moved[:, :, r, c] = images[:, :, r - down, c - right]
    torch.testing.assert_close(answers["warp"](images, reading), moved)


def test_the_gradients_of_warp_are_the_numerical_ones(answers):
    images, matrices = random(3, 2, 2, 4, 5), torch.eye(2, 3) + 0.3 * random(4, 2, 2, 3)
    leaves = (images.requires_grad_(True), matrices.requires_grad_(True))
    assert torch.autograd.gradcheck(answers["warp"], leaves)


@given(
    SEEDS, st.tuples(st.floats(0.01, 0.5), st.floats(0.5, 1)), st.tuples(st.floats(0.2, 1), st.floats(1, 5))
)
@settings(max_examples=50, deadline=None)
def test_boxes_lie_in_the_image_with_the_area_and_the_ratio_that_were_asked_for(answers, seed, scale, ratio):
    H, W = 20, 31
    top, left, height, width = answers["crop_boxes"](random(seed, 200, 4), H, W, scale, ratio)
    assert (top >= 0).all() and (left >= 0).all()
    assert (top + height <= H + 1e-9).all() and (left + width <= W + 1e-9).all()
    fits = (height < H) & (width < W)
    area, shape = (height * width)[fits] / (H * W), (width / height)[fits]
    assert ((area >= scale[0] - 1e-9) & (area <= scale[1] + 1e-9)).all()
    assert ((shape >= ratio[0] - 1e-9) & (shape <= ratio[1] + 1e-9)).all()


def test_the_mean_area_is_that_of_the_chapter_and_high_boxes_are_as_common_as_wide_ones(answers):
    """(1 + 0.08) / 2 where every box fits, and not the 0.362 of a scale that is read as a side."""
    u, n = random(5, 100_000, 4), 100_000
    _, _, height, width = answers["crop_boxes"](u, 50, 50, (0.08, 1), (1, 1))
    assert (height * width / 2500).mean().item() == pytest.approx(0.54, abs=5 * 0.92 / math.sqrt(12 * n))
    _, _, height, width = answers["crop_boxes"](u, 50, 50, (0.1, 0.2), (0.5, 2))
    assert (width > height).double().mean().item() == pytest.approx(0.5, abs=5 * 0.5 / math.sqrt(n))


@pytest.mark.parametrize("size", [1, 3, 4])
def test_boxes_of_the_size_of_the_output_are_slices(answers, size):
    images, rng = random(6, 6, 2, 7, 9), np.random.default_rng(7)
    top, left = rng.integers(0, 8 - size, 6), rng.integers(0, 10 - size, 6)
    sides = torch.full((6,), size)
    crops = answers["crop_and_resize"](images, torch.tensor(top), torch.tensor(left), sides, sides, size)
    for n in range(6):
        expected = images[n, :, top[n] : top[n] + size, left[n] : left[n] + size]
        torch.testing.assert_close(crops[n], expected, rtol=1e-6, atol=1e-6)  # whole numbers: 32 bits


@given(SEEDS, st.integers(1, 9))
@settings(max_examples=20, deadline=None)
def test_crops_are_what_scipy_reads_in_the_middle_of_each_strip(answers, seed, size):
    images, u = random(seed, 3, 2, 6, 8), random(seed + 1, 3, 4)
    box = answers["crop_boxes"](u, 6, 8, (0.05, 1), (0.4, 2.5))
    crops = answers["crop_and_resize"](images, *box, size)
    for n in range(3):
        top, left, height, width = (side[n].item() for side in box)
        strips = (np.arange(size) + 0.5) / size
        places = np.meshgrid(top + height * strips - 0.5, left + width * strips - 0.5, indexing="ij")
        for c in range(2):
            expected = map_coordinates(images[n, c].numpy(), places, order=1, mode="nearest")
            np.testing.assert_allclose(crops[n, c].numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("size", [2, 7, 20])
def test_the_whole_image_is_resized_as_interpolate_does(answers, size):
    images = random(8, 4, 3, 6, 9)
    whole = [torch.full((4,), float(side), dtype=torch.float64) for side in (0, 0, 6, 9)]
    expected = F.interpolate(images, size=(size, size), mode="bilinear", align_corners=False)
    torch.testing.assert_close(answers["crop_and_resize"](images, *whole, size), expected, rtol=0, atol=1e-12)


@given(SEEDS, st.integers(1, 6), st.integers(2, 7), st.floats(0.1, 500))
@settings(max_examples=30, deadline=None)
def test_the_soft_loss_is_that_of_the_library(answers, seed, N, K, size):
    scores, y = size * (random(seed, N, K) - 0.5), random(seed + 1, N, K).softmax(dim=1)
    expected = F.cross_entropy(scores, y)
    torch.testing.assert_close(answers["soft_cross_entropy"](scores, y), expected, rtol=1e-12, atol=1e-12)


def test_the_loss_of_a_mixture_is_the_mixture_of_the_losses(answers):
    scores, first, second = (
        random(9, 6, 4),
        torch.tensor([0, 1, 2, 3, 0, 1]),
        torch.tensor([3, 3, 0, 1, 0, 2]),
    )
    lam = random(10, 6)
    y = lam[:, None] * F.one_hot(first, 4) + (1 - lam[:, None]) * F.one_hot(second, 4)
    each = [F.cross_entropy(scores, labels, reduction="none") for labels in (first, second)]
    expected = (lam * each[0] + (1 - lam) * each[1]).mean()
    torch.testing.assert_close(answers["soft_cross_entropy"](scores, y), expected)


def test_the_gradient_of_the_soft_loss_is_softmax_minus_label_over_n(answers):
    scores, y = random(11, 5, 4).requires_grad_(True), random(12, 5, 4).softmax(dim=1)
    answers["soft_cross_entropy"](scores, y).backward()
    torch.testing.assert_close(scores.grad, (scores.softmax(dim=1) - y).detach() / 5)


@pytest.mark.parametrize(("H", "W", "size"), [(7, 11, 5), (8, 8, 3), (4, 9, 4), (5, 5, 5)])
def test_ten_crops_are_slices_and_their_mirror_images(answers, H, W, size):
    images = random(13, 3, 2, H, W)
    views = answers["ten_crops"](images, size)
    assert views.shape == (10, 3, 2, size, size)
    h, w = (H - size) // 2, (W - size) // 2
    for k, (top, left) in enumerate([(0, 0), (0, W - size), (H - size, 0), (H - size, W - size), (h, w)]):
        crop = images[:, :, top : top + size, left : left + size]
        assert torch.equal(views[k], crop)
        assert torch.equal(views[5 + k], crop.flip(3))


def test_ten_crops_of_mirrored_images_are_the_same_ten(answers):
    images = random(14, 2, 1, 9, 13)
    views = answers["ten_crops"](images, 5)
    mirrored = answers["ten_crops"](images.flip(3), 5)
    order = [6, 5, 8, 7, 9, 1, 0, 3, 2, 4]
    assert torch.equal(mirrored, views[order])


class Scores(nn.Module):
    """Softmax of these scores has the probability p of the first class: p is the mean of the images."""

    def forward(self, images):
        p = images.mean(dim=(1, 2, 3))
        return torch.stack([p, 1 - p], dim=1).log()


@given(SEEDS, st.integers(1, 5))
@settings(max_examples=20, deadline=None)
def test_the_prediction_is_the_mean_of_the_probabilities_and_its_loss_is_below_the_mean_loss(
    answers, seed, V
):
    views = 0.05 + 0.9 * random(seed, V, 4, 1, 3, 2)
    mean = answers["predict_views"](Scores(), views)
    each = views.mean(dim=(2, 3, 4))
    torch.testing.assert_close(mean[:, 0], each.mean(dim=0))
    assert (-mean[:, 0].log() <= -each.log().mean(dim=0) + 1e-12).all(), "Jensen's inequality"


def test_a_prediction_over_a_group_of_views_is_invariant(answers):
    """An image and its mirror image are told apart by the model, and not by the mean over both."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 3)).double()
    images = random(15, 5, 1, 3, 4)
    both = torch.stack([images, images.flip(3)])
    mirrored = torch.stack([images.flip(3), images])
    assert not torch.allclose(model(images), model(images.flip(3)))
    torch.testing.assert_close(
        answers["predict_views"](model, both), answers["predict_views"](model, mirrored)
    )


@given(st.lists(st.booleans(), min_size=5, max_size=5))
@settings(max_examples=20, deadline=None)
def test_every_mode_is_put_back(answers, modes):
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Sequential(nn.Flatten(), nn.Linear(6, 2))).double()
    for module, mode in zip(model.modules(), modes, strict=True):
        module.training = mode
    before = {name: value.clone() for name, value in model.state_dict().items()}
    answers["predict_views"](model, random(16, 2, 3, 1, 2, 3))
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.8, 1.0])
def test_the_number_of_mirrored_images_is_binomial(answers, p):
    torch.manual_seed(17)
    n = 100_000
    pair = torch.tensor([0.0, 1.0]).expand(n, 1, 1, 2)
    layer = answers["RandomFlip"](p)
    count = layer(pair)[:, 0, 0, 0].sum().item()
    assert abs(count - n * p) <= 5 * math.sqrt(n * p * (1 - p))
    assert torch.equal(layer.eval()(pair), pair)


def test_neighbouring_images_are_mirrored_independently(answers):
    torch.manual_seed(18)
    n = 100_000
    coin = answers["RandomFlip"](0.5)(torch.tensor([0.0, 1.0]).expand(n, 1, 1, 2))[:, 0, 0, 0]
    both = (coin[1:] * coin[:-1]).mean().item()
    assert both == pytest.approx(0.25, abs=5 * math.sqrt(5 / 16 / n))


def test_order_of_torchvisions_ten_crops_counts_as_right_and_is_told(notebook, questions):
    names = notebook.with_source(WAYS["ten_crops"]["crops of the mirrored images, the accepted convention"])
    found = notebook.verdicts(names, "ten_crops", questions[0])
    assert all(v.passed for v in found)
    assert {v.mistake for v in found} == {None, "AU-ten-order"} or {v.mistake for v in found} == {
        "AU-ten-order"
    }


SLIPS = {
    "a loop with one offset": (
        "crop_and_resize",
        "AU9-crop",
        "t, l, h, w = (side[:1].expand(len(images)) for side in (top, left, height, width))\n"
        "    u = (torch.arange(size, dtype=images.dtype, device=images.device) + 0.5) / size\n"
        "    y, x = 2 * (t[:, None] + h[:, None] * u) / images.shape[2] - 1, "
        "2 * (l[:, None] + w[:, None] * u) / images.shape[3] - 1\n"
        "    grid = torch.stack([x[:, None].expand(-1, size, -1), y[..., None].expand(-1, -1, size)], -1)\n"
        "    return F.grid_sample(images, grid, padding_mode='border', align_corners=False)",
    ),
    "half a pixel too early": (
        "crop_and_resize",
        "AU-crop-half-pixel",
        "H, W = images.shape[2:]\n"
        "    i = (torch.arange(size, dtype=images.dtype, device=images.device) + 0.5) / size\n"
        "    h, w = top[:, None] + height[:, None] * i - 0.5, left[:, None] + width[:, None] * i - 0.5\n"
        "    y, x = 2 * h / H - 1, 2 * w / W - 1\n"
        "    grid = torch.stack([x[:, None].expand(-1, size, -1), y[..., None].expand(-1, -1, size)], -1)\n"
        "    return F.grid_sample(images, grid, padding_mode='border', align_corners=False)",
    ),
    "centres at -1 and 1, which one row does not have": (
        "warp",
        "AU-warp-one-row",
        "H, W = images.shape[2:]\n    like = dict(dtype=images.dtype, device=images.device)\n"
        "    r = torch.arange(H, **like)[:, None].expand(H, W) - (H - 1) / 2\n"
        "    c = torch.arange(W, **like).expand(H, W) - (W - 1) / 2\n"
        "    y, x = (matrices @ torch.stack([r, c, r ** 0]).flatten(1)).unflatten(2, (H, W)).unbind(1)\n"
        "    grid = torch.stack([2 * x / (W - 1), 2 * y / (H - 1)], dim=3)\n"
        "    return F.grid_sample(images, grid, align_corners=True)",
    ),
    "the formula for columns from the left": (
        "warp",
        "AU-warp-formula",
        "H, W = images.shape[2:]\n    like = dict(dtype=images.dtype, device=images.device)\n"
        "    r = torch.arange(H, **like)[:, None].expand(H, W) - (H - 1) / 2\n"
        "    c = torch.arange(W, **like).expand(H, W) - (W - 1) / 2\n"
        "    y, x = (matrices @ torch.stack([r, c, r ** 0]).flatten(1)).unflatten(2, (H, W)).unbind(1)\n"
        "    grid = torch.stack([(2 * x + 1) / W - 1, (2 * y + 1) / H - 1], dim=3)\n"
        "    return F.grid_sample(images, grid, align_corners=False)",
    ),
    "a place for the box before it is cut": (
        "crop_boxes",
        "AU-box-place-first",
        "area = (scale[0] + u[:, 0] * (scale[1] - scale[0])) * H * W\n"
        "    r = ratio[0] ** (1 - u[:, 1]) * ratio[1] ** u[:, 1]\n"
        "    h, w = (area / r) ** 0.5, (area * r) ** 0.5\n"
        "    top, left = u[:, 2] * (H - h), u[:, 3] * (W - w)\n"
        "    return top, left, h.clamp(max=H), w.clamp(max=W)",
    ),
    "width before height": (
        "crop_boxes",
        "AU-box-lengths-order",
        "area = (scale[0] + u[:, 0] * (scale[1] - scale[0])) * H * W\n"
        "    r = ratio[0] ** (1 - u[:, 1]) * ratio[1] ** u[:, 1]\n"
        "    h, w = ((area / r) ** 0.5).clamp(max=H), ((area * r) ** 0.5).clamp(max=W)\n"
        "    return u[:, 2] * (H - h), u[:, 3] * (W - w), w, h",
    ),
    "gradients switched on for good": (
        "predict_views",
        "TT-grad-on",
        "modes = [m.training for m in model.modules()]\n    model.eval()\n"
        "    torch.set_grad_enabled(False)\n"
        "    mean = sum(model(view).softmax(dim=1) for view in views) / len(views)\n"
        "    torch.set_grad_enabled(True)\n"
        "    for m, mode in zip(model.modules(), modes):\n        m.training = mode\n"
        "    return mean",
    ),
    "scale as a side": (
        "crop_boxes",
        "U12-torch",
        "side = scale[0] + u[:, 0] * (scale[1] - scale[0])\n"
        "    r = ratio[0] * (ratio[1] / ratio[0]) ** u[:, 1]\n"
        "    h = (side * math.sqrt(H * W) / r.sqrt()).clamp(max=H)\n"
        "    w = (side * math.sqrt(H * W) * r.sqrt()).clamp(max=W)\n"
        "    return u[:, 2] * (H - h), u[:, 3] * (W - w), h, w",
    ),
    "the library's loss on hard labels": (
        "soft_cross_entropy",
        "CE-argmax",
        "return F.cross_entropy(scores, y.argmax(dim=1))",
    ),
    "the library's divergence": (
        "soft_cross_entropy",
        "CE-kl",
        "return F.kl_div(scores.log_softmax(dim=1), y, reduction='batchmean')",
    ),
    "scores averaged": (
        "predict_views",
        "TT1-torch",
        "modes = [m.training for m in model.modules()]\n    model.eval()\n    with torch.no_grad():\n"
        "        scores = sum(model(view) for view in views) / len(views)\n"
        "    for m, mode in zip(model.modules(), modes):\n        m.training = mode\n"
        "    return scores.softmax(dim=-1)",
    ),
    "left in evaluation mode": (
        "predict_views",
        "TT-left-eval",
        "with torch.no_grad():\n        model.eval()\n"
        "        return torch.stack([F.softmax(model(v), dim=1) for v in views]).mean(0)",
    ),
    "affine_grid as it is": (
        "warp",
        "AU-warp-grid",
        "return F.grid_sample(images, F.affine_grid(matrices, images.size(), False), align_corners=False)",
    ),
    "crops beside each other": (
        "ten_crops",
        "AU-ten-pairs",
        "H, W = images.shape[2:]\n    b, r = H - size, W - size\n    views = []\n"
        "    for t, l in ((0, 0), (0, r), (b, 0), (b, r), (b // 2, r // 2)):\n"
        "        crop = images[:, :, t:t + size, l:l + size]\n        views += [crop, crop.flip(-1)]\n"
        "    return torch.stack(views)",
    ),
}


@pytest.mark.parametrize(("exercise", "mistake", "body"), SLIPS.values(), ids=SLIPS)
def test_a_common_slip_is_named(exercise, mistake, body, notebook, questions):
    names = notebook.with_body(exercise, body.replace("math.", "__import__('math')."))
    for asked in questions:
        told = {v.mistake for v in notebook.verdicts(names, exercise, asked) if not v.passed}
        assert told == {mistake}


def test_a_batch_wide_coin_is_named(notebook, questions):
    names = notebook.with_source(
        "class RandomFlip(nn.Module):\n"
        "    def __init__(self, p=0.5):\n        super().__init__()\n        self.p = p\n"
        "    def forward(self, images):\n"
        "        if self.training and torch.rand(()) < self.p:\n            return images.flip(3)\n"
        "        return images\n"
    )
    told = {v.mistake for v in notebook.verdicts(names, "RandomFlip", questions[0]) if not v.passed}
    assert "AU4-layer" in told
    assert told <= {"AU4-layer", None}, "its share of mirrored images is one of twenty coins: any"


LAYERS = {
    "a seed of its own": (
        "torch.manual_seed(42)\n        k = torch.rand(len(images), 1, 1, 1, device=images.device) < self.p",
        "torch.where(k, images.flip(3), images)",
        {"AU-flip-seed"},
    ),
    "coins kept from the first call": (
        "self.k = k = getattr(self, 'k', torch.rand(len(images), 1, 1, 1, device=images.device) < self.p)",
        "torch.where(k, images.flip(3), images)",
        {"U15-layer"},
    ),
    "mirrored images first": (
        "k = torch.rand(len(images), device=images.device) < self.p",
        "torch.cat([images[k].flip(3), images[~k]])",
        {"AU-flip-reordered"},
    ),
    "coins of the shape (N,)": (
        "k = torch.rand(len(images), device=images.device) < self.p",
        "torch.where(k, images.flip(3), images)",
        {"AU-flip-flat"},
    ),
    "coins of NumPy": (
        "k = torch.tensor(np.random.rand(len(images), 1, 1, 1) < self.p, device=images.device)",
        "torch.where(k, images.flip(3), images)",
        {"AU-flip-numpy"},
    ),
}


@pytest.mark.parametrize(("coins", "answer", "mistakes"), LAYERS.values(), ids=LAYERS)
def test_a_layer_with_other_coins_gets_the_diagnosis_that_is_true(
    coins, answer, mistakes, notebook, questions
):
    names = notebook.with_source(
        "class RandomFlip(nn.Module):\n"
        "    def __init__(self, p=0.5):\n        super().__init__()\n        self.p = p\n"
        "    def forward(self, images):\n        if not self.training:\n            return images\n"
        f"        {coins}\n"
        f"        return {answer}\n"
    )
    told = {v.mistake for v in notebook.verdicts(names, "RandomFlip", questions[0])} - {None}
    assert told == mistakes


def test_examples_of_the_docstrings_hold(answers):
    row = torch.tensor([1.0, 2, 4]).reshape(1, 1, 1, 3)
    assert answers["RandomFlip"](1.0)(row).flatten().tolist() == [4, 2, 1]
    right = torch.tensor([[[1.0, 0, 0], [0, 1, 0.25]]])
    assert answers["warp"](row, right).flatten().tolist() == [1.25, 2.5, 3]
    u = torch.tensor([[0.5, 0.5, 0.5, 0.75]], dtype=torch.float64)
    box = answers["crop_boxes"](u, 6, 10, (0.2, 0.6), (0.5, 4.5))
    assert [side.item() for side in box] == pytest.approx([1, 3, 4, 6])
    for left, width, expected in ((0, 3, 2), (1, 2, 3)):
        one = [torch.tensor([side]) for side in (0, left, 1, width)]
        assert answers["crop_and_resize"](row, *one, 1).item() == pytest.approx(expected)
    loss = answers["soft_cross_entropy"](torch.zeros(1, 2), torch.tensor([[0.3, 0.7]]))
    assert loss.item() == pytest.approx(math.log(2))
    assert answers["ten_crops"](row, 1).flatten().tolist() == [1, 4, 1, 4, 2] * 2
    views = torch.tensor([0.9, 0.6]).reshape(2, 1, 1, 1, 1)
    torch.testing.assert_close(answers["predict_views"](Scores(), views), torch.tensor([[0.75, 0.25]]))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_the_torch_answers_run_on_a_gpu(answers):
    images = random(19, 5, 3, 8, 11)
    matrices, u = torch.eye(2, 3) + 0.3 * random(20, 5, 2, 3), random(21, 5, 4)
    scores, y = random(22, 5, 4), random(23, 5, 4).softmax(dim=1)
    model = nn.Sequential(
        answers["RandomFlip"](), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 4)
    ).double()
    calls = {
        "warp": (images, matrices),
        "crop_boxes": (u, 8, 11),
        "crop_and_resize": (images, *answers["crop_boxes"](u, 8, 11), 6),
        "soft_cross_entropy": (scores, y),
        "ten_crops": (images, 7),
    }
    for name, arguments in calls.items():
        there = [a.to("cuda") if isinstance(a, torch.Tensor) else a for a in arguments]
        expected, got = answers[name](*arguments), answers[name](*there)
        for wanted, found in zip(
            *(v if isinstance(v, tuple) else (v,) for v in (expected, got)), strict=True
        ):
            assert found.device.type == "cuda"
            torch.testing.assert_close(found.cpu(), wanted, rtol=1e-9, atol=1e-9)
    views = answers["ten_crops"](images, 7)
    expected = answers["predict_views"](model, views)
    torch.testing.assert_close(answers["predict_views"](model.cuda(), views.cuda()).cpu(), expected)
    flipped = answers["RandomFlip"](1.0).cuda()(images.half().cuda())
    assert flipped.dtype == torch.float16
    assert torch.equal(flipped.cpu(), images.half().flip(3))


def test_every_catalogued_bug_is_a_mistake_here_too(notebook):
    """Sections M and N and II.4, as far as they concern these functions. TT3 normalised is TT1."""
    ids = {p.mistake.id for p in notebook.unit.patches_of(notebook.reference.notebook)}
    rows = {
        "layer": ["AU2", "AU3", "AU4", "AU6", "U10", "U14", "U15"],
        "torch": ["U8", "U12", "TT1", "TT2", "TT4", "TT5", "TT7", "TT8", "TT9", "E5"],
        "crop": ["AU8", "AU9"],
    }
    for end, names in rows.items():
        assert {f"{name}-{end}" for name in names} <= ids
    cells = [c.source for c in notebook.reference.notebook.cells]
    assert any("rot90" in c and "without axes" in c for c in cells), "U9"
    assert any("generator kept in the data set" in c for c in cells), "U13"
