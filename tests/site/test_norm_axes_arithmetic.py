"""Sets and pictures of the page's figure: against torch's layers, the text and the static twin."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from lab.figures import norm_axes
from tests.site.figure_arithmetic import call, call_each, evaluate

LAYERS = {
    "batch": nn.BatchNorm2d(3, affine=False, track_running_stats=False),
    "layer": nn.GroupNorm(1, 3, affine=False),
    "instance": nn.InstanceNorm2d(3),
    "group": nn.GroupNorm(3, 3, affine=False),
}
GROUPS = 3


def page(x: np.ndarray, kind: str, groups: int = GROUPS) -> np.ndarray:
    """What the figure makes of pictures (N, 16, 16, 3)."""
    return np.reshape(call("norm-axes", "normalized", x.reshape(len(x), -1), kind, groups), x.shape)


def relit(x: np.ndarray, contrast: float, brightness: float) -> np.ndarray:
    return np.reshape(call("norm-axes", "relit", x.ravel(), contrast, brightness), x.shape)


@pytest.mark.parametrize("kind", LAYERS)
def test_pictures_are_normalized_as_by_torch_and_as_in_the_twin(kind: str) -> None:
    x = norm_axes.pictures()[:3]
    found = page(x, kind)
    expected = LAYERS[kind](torch.tensor(x).movedim(-1, 1)).movedim(1, -1)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(norm_axes.normalized(x, kind, GROUPS), found, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
@pytest.mark.parametrize("kind", LAYERS)
def test_an_entry_shares_its_set_with_exactly_the_entries_whose_change_moves_its_mean(
    kind: str, groups: int
) -> None:
    """By autograd through torch: the mean of another set does not depend on the entry."""
    layer = {
        "batch": nn.BatchNorm2d(6, affine=False, track_running_stats=False),
        "layer": nn.GroupNorm(1, 6, affine=False),
        "instance": nn.InstanceNorm2d(6),
        "group": nn.GroupNorm(groups, 6, affine=False),
    }[kind]
    x = torch.randn(3, 6, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    jacobian = torch.func.jacrev(lambda z: layer(z)[1, 2, 0, 1])(x)
    shares = (jacobian.abs().amax((2, 3)) > 1e-12).numpy()
    entries = [(kind, n, c, 6, groups) for n, c in np.ndindex(3, 6)]
    numbers = np.reshape(call_each("norm-axes", "setOf", entries), (3, 6))
    np.testing.assert_array_equal(numbers == numbers[1, 2], shares)
    twin = [[norm_axes.set_of(kind, n, c, 6, groups) for c in range(6)] for n in range(3)]
    np.testing.assert_array_equal(numbers, twin)
    found = call("norm-axes", "counted", kind, 3, 6, 6, groups)
    assert found == {"sets": len(np.unique(numbers)), "entries": shares.sum() * 6}


def test_instance_norm_sees_no_light_layer_norm_sees_a_tint_batch_norm_hands_light_on() -> None:
    x = norm_axes.pictures()[:3]
    dark, tinted = x.copy(), x.copy()
    dark[0] = relit(x[0], 0.4, -0.2)
    tinted[0] = x[0] * [0.5, 1, 0.8] + [0.1, 0, 0.2]
    away = {
        kind: [
            np.abs(page(changed, kind, 1) - page(x, kind, 1)).mean((1, 2, 3)) for changed in (dark, tinted)
        ]
        for kind in ("batch", "layer", "instance")
    }
    assert np.max(away["instance"]) < 5e-3  # what eps leaves; the summary calls it no change
    assert away["layer"][0].max() < 5e-3 < 0.1 < away["layer"][1][0]
    assert away["batch"][0].min() > 0.1


def test_the_light_moves_the_mean_by_the_brightness_and_the_deviation_by_the_contrast() -> None:
    x = norm_axes.pictures()[2]
    found = relit(x, 0.3, -0.1)
    assert found.mean() == pytest.approx(x.mean() - 0.1)
    assert found.std() == pytest.approx(0.3 * x.std())
    np.testing.assert_allclose(found, norm_axes.relit(x, 0.3, -0.1))


def test_the_pictures_of_the_page_are_those_of_the_twin() -> None:
    expected = (255 * norm_axes.pictures()).round().astype(int).reshape(4, -1).tolist()
    evaluate(
        "small-pictures",
        f"const expected = {expected};"
        "module.PICTURES.forEach((x, n) => x.forEach((v, k) => {"
        "  if (Math.abs(255 * v - expected[n][k]) > 1.5) throw new Error(`picture ${n}, number ${k}`); }));"
        "if (module.PICTURES.length !== 4 || module.PICTURES[0].length !== 768) throw new Error('size');",
    )


def test_three_channels_leave_one_group_or_three() -> None:
    assert call_each("norm-axes", "groupsOfThree", [(1,), (2,), (3,), (6,)]) == [1, 1, 3, 3]


@pytest.mark.parametrize(
    ("kind", "N", "says"),
    [
        ("batch", 3, "6 means, one for each channel, each over 18 entries"),
        ("layer", 1, "1 mean, one for each image, each over 36 entries"),
        ("instance", 3, "18 means, one for each channel of each image, each over 6 entries"),
        ("group", 4, "8 means, 2 for each image, each over 18 entries"),
    ],
)
def test_the_summary_counts_the_means(kind: str, N: int, says: str) -> None:
    told = call("norm-axes", "describe", kind, N, 2, [0.0, 0.3])
    assert says in told
    assert "picture 1 does not change" in told
    assert ("of the others changes by 0.30 on average" in told) == (N > 1)
