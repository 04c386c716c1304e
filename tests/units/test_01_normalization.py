"""Data normalization: the solutions against scikit-learn, SciPy and torch, and no false alarms."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from sklearn.decomposition import PCA
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from autograder.probes import Given
from autograder.running import run_probe

SOLVED = ("01-normalization", "normalization_numpy")


SLIPS = {
    "the range of both arrays, stacked": (
        "minmax_scale",
        "DM1-both",
        "a = np.vstack([x_train, x]).astype(float)\n"
        "    span = np.ptp(a, axis=0)\n"
        "    return (x.astype(float) - a.min(0)) / np.where(span == 0, 1, span)",
    ),
    "a tiny number for safety": (
        "minmax_scale",
        "DM6-tiny",
        "low = x_train.min(axis=0).astype(float)\n    return (x - low) / (x_train.max(axis=0) - low + 1e-8)",
    ),
    "pandas' standard deviation": (
        "standardize",
        "DN6",
        "s = x_train.std(0, ddof=1)\n"
        "    s[np.ptp(x_train, axis=0) == 0] = 1\n"
        "    return (x_train - x_train.mean(0)) / s, (x - x_train.mean(0)) / s",
    ),
    "a standard deviation of exactly zero": (
        "standardize",
        "DN17-std-is-zero",
        "m, s = x_train.mean(0), x_train.std(0)\n"
        "    s[s == 0] = 1\n"
        "    return (x_train - m) / s, (x - m) / s",
    ),
    "no small standard deviation": (
        "standardize",
        "DN17-maximum",
        "m, s = x_train.mean(0), np.clip(x_train.std(0), 1, None)\n    return (x_train - m) / s, (x - m) / s",
    ),
    "NaN swept away": (
        "standardize",
        "DN17-nan-to-num",
        "m, s = x_train.mean(0), x_train.std(0)\n"
        "    return np.nan_to_num((x_train - m) / s), np.nan_to_num((x - m) / s)",
    ),
    "one array of two": (
        "standardize",
        "DN16-one",
        "s = np.where(np.ptp(x_train, axis=0) > 0, x_train.std(0), 1)\n"
        "    return (x_train - x_train.mean(0)) / s",
    ),
    "each array by itself": (
        "standardize",
        "DN2",
        "scaled = []\n"
        "    for a in (x_train, x):\n"
        "        s = a.std(axis=0)\n"
        "        scaled.append((a - a.mean(axis=0)) / np.where(np.ptp(a, axis=0) == 0, 1, s))\n"
        "    return scaled",
    ),
    "the mean of the standard deviations of images": (
        "channel_stats",
        "DN12",
        "means, stds = [], []\n"
        "    for b in batches:\n"
        "        means.extend(b.mean(axis=(1, 2), dtype=float))\n"
        "        stds.extend(b.std(axis=(1, 2), dtype=float))\n"
        "    return np.mean(means, axis=0), np.mean(stds, axis=0)",
    ),
    "all batches kept": (
        "channel_stats",
        "DN15-keeps-all",
        "everything = np.concatenate(list(batches)).astype(float)\n"
        "    return everything.mean(axis=(0, 1, 2)), everything.std(axis=(0, 1, 2))",
    ),
    "statistics of float32": (
        "channel_stats",
        "DN14-float32",
        "n, mean, m2 = 0, np.float32(0), np.float32(0)\n"
        "    for b in batches:\n"
        "        rows = np.float32(b).reshape(-1, b.shape[-1])\n"
        "        k, m = len(rows), rows.mean(0)\n"
        "        d = m - mean\n"
        "        m2 = m2 + ((rows - m) ** 2).sum(0) + d * d * np.float32(n * k / (n + k))\n"
        "        mean = mean + d * np.float32(k / (n + k))\n"
        "        n += k\n"
        "    return mean, np.sqrt(m2 / n)",
    ),
    "squares summed": (
        "channel_stats",
        "DN14",
        "n, s, q = 0, 0, 0\n"
        "    for b in batches:\n"
        "        b = b.astype(np.float64)\n"
        "        n += b[..., 0].size\n"
        "        s = s + b.sum(axis=(0, 1, 2))\n"
        "        q = q + (b * b).sum(axis=(0, 1, 2))\n"
        "    return s / n, np.sqrt(q / n - (s / n) ** 2)",
    ),
    "instance normalization": (
        "global_contrast_normalize",
        "GC2-channel",
        "m, v = images.mean(axis=(1, 2), keepdims=True), images.var(axis=(1, 2), keepdims=True)\n"
        "    return scale * (images - m) / np.maximum(np.sqrt(v + lam), eps)",
    ),
    "scipy's border": (
        "local_contrast_normalize",
        "LC1-reflect",
        "r = radius\n"
        "    p = np.pad(images * 1.0, ((0, 0), (r, r), (r, r), (0, 0)), mode='symmetric')\n"
        "    w = np.lib.stride_tricks.sliding_window_view(p, (2 * r + 1, 2 * r + 1), axis=(1, 2))\n"
        "    return (images - w.mean(axis=(-2, -1))) / np.sqrt(w.var(axis=(-2, -1)) + eps)",
    ),
    "padding with zeros": (
        "local_contrast_normalize",
        "LC1-zeros",
        "r, n = radius, (2 * radius + 1) ** 2\n"
        "    H, W = images.shape[1:3]\n"
        "    p = np.pad(images * 1.0, ((0, 0), (r, r), (r, r), (0, 0)))\n"
        "    box = lambda a: sum(a[:, i:i+H, k:k+W] for i in range(2*r+1) for k in range(2*r+1)) / n\n"
        "    return (images - box(p)) / np.sqrt(box(p * p) - box(p) ** 2 + eps)",
    ),
    "half of the radius": (
        "local_contrast_normalize",
        "LC2-half",
        "count = window_sum(np.ones(images.shape), radius // 2)\n"
        "    m = window_sum(images, radius // 2) / count\n"
        "    q = window_sum(images * 1.0 * images, radius // 2) / count\n"
        "    return (images - m) / np.sqrt(q - m * m + eps)",
    ),
    "windows added up in 8 bits": (
        "local_contrast_normalize",
        "LC4-uint8-sums",
        "total, square, count = np.zeros_like(images), np.zeros_like(images), np.zeros(images.shape)\n"
        "    H, W = images.shape[1:3]\n"
        "    for i in range(-radius, radius + 1):\n"
        "        for k in range(-radius, radius + 1):\n"
        "            to = np.s_[:, max(0, -i):max(0, H - max(0, i)), max(0, -k):max(0, W - max(0, k))]\n"
        "            at = np.s_[:, max(0, i):max(0, H + min(0, i)), max(0, k):max(0, W + min(0, k))]\n"
        "            total[to] += images[at]\n"
        "            square[to] += images[at] ** 2\n"
        "            count[to] += 1\n"
        "    m = total / count\n"
        "    return (images - m) / np.sqrt(square / count - m**2 + eps)",
    ),
    "PCA from singular values": (
        "whitening",
        "WH2",
        "m = x.mean(axis=0)\n"
        "    U, S, _ = np.linalg.svd(np.cov(x.T, bias=True))\n"
        "    return m, U / np.sqrt(S + eps)",
    ),
    "np.cov as it comes": (
        "whitening",
        "WH5",
        "S, U = np.linalg.eigh(np.cov(x, rowvar=False))\n"
        "    return x.mean(axis=0), U @ np.diag(1 / np.sqrt(S + eps)) @ U.T",
    ),
    "the condition number of the data": (
        "curvature",
        "CU3-root",
        "x = x * 1.0\n    return np.linalg.cond(x), 2 / np.linalg.eigvalsh(x.T @ x / len(x)).max()",
    ),
}


@pytest.mark.parametrize(("exercise", "mistake", "body"), SLIPS.values(), ids=SLIPS)
def test_a_common_slip_is_named(exercise, mistake, body, notebook, questions):
    names = notebook.with_body(exercise, body)
    for asked in questions:
        told = {v.mistake for v in notebook.verdicts(names, exercise, asked) if not v.passed}
        assert told == {mistake}


def test_two_bugs_at_once_are_told_one_by_one(notebook, questions):
    """One mean for all features, and N - 1: the check that sees the second alone names it."""
    names = dict(notebook.reference.names)
    exec(
        "def whitening(x, eps):\n"
        "    mean = x.mean()\n"
        "    values, U = np.linalg.eigh(np.cov(x.T))\n"
        "    return mean, U @ np.diag(1 / np.sqrt(values + eps)) @ U.T\n",
        names,
    )
    told = {v.probe: v.mistake for v in notebook.verdicts(names, "whitening", questions[0])}
    assert told["divides_by_the_spread_along_each_axis"] == "WH5"
    assert told["turns_back_to_the_axes_of_the_data"] is None


LAZY_TESTS = {
    "looks at x_train only": "assert np.allclose(train, standardize(x_train, x)[0])",
    "looks at shapes only": "assert train.shape == x_train.shape and other.shape == x.shape",
    "looks at the mean only": "assert np.allclose(train.mean(axis=0), 0)",
    "takes x_train for x": "again = implementation(x_train, x_train); assert np.allclose(*again)",
    "has no constant feature": "assert np.allclose(other, standardize(x_train, x)[1])",
}


@pytest.mark.parametrize("body", LAZY_TESTS.values(), ids=LAZY_TESTS)
def test_a_lazy_test_of_standardize_is_found_out(body, notebook):
    names = dict(notebook.reference.names)
    source = f"""
def test_standardize(implementation):
    rng = np.random.default_rng(0)
    x_train, x = rng.normal(3, 2, (6, 3)), rng.normal(5, 1, (4, 3))
    train, other = implementation(x_train, x)
    {body}
"""
    exec(source, names)
    probe = next(p for p in notebook.unit.probes.values() if p.judges)
    right = notebook.reference.given(Given(probe.judges))
    assert run_probe(probe, names, {"implementation": right}).status == "values"
    accepted = [
        breaker.__name__
        for breaker in probe.breakers
        if run_probe(probe, names, {"implementation": breaker(right)}).status == "values"
    ]
    assert accepted


def test_a_test_of_standardize_may_follow_either_convention_of_the_variance(notebook):
    """N and N - 1 are both in use: the exercise does not list ddof=1 among the wrong functions."""
    probe = next(p for p in notebook.unit.probes.values() if p.judges)
    assert "DN6" not in probe.wrong


@pytest.fixture
def table():
    rng = np.random.default_rng(3)
    x_train = rng.normal(size=(40, 5)) * [1, 30, 0.01, 2, 0] + [5, -400, 0, 20, 3]
    return x_train, rng.normal(size=(9, 5)) * 7


def test_minmax_equals_scikit_learn(answers, table):
    x_train, x = table
    expected = MinMaxScaler().fit(x_train).transform(x)
    np.testing.assert_allclose(answers["minmax_scale"](x_train, x), expected, rtol=1e-12, atol=1e-12)


def test_standardize_equals_scikit_learn(answers, table):
    x_train, x = table
    scaler = StandardScaler().fit(x_train)
    train, other = answers["standardize"](x_train, x)
    np.testing.assert_allclose(train, scaler.transform(x_train), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(other, scaler.transform(x), rtol=1e-9, atol=1e-12)


def test_standardize_of_a_linear_map_keeps_its_sign_only(answers, table):
    """The proof of the chapter, in numbers: a x + b gives sign(a) times the same."""
    x_train, x = (a[:, :4] for a in table)
    plain = answers["standardize"](x_train, x)[1]
    for a, b in ((3.0, -7.0), (-0.25, 100.0)):
        moved = answers["standardize"](a * x_train + b, a * x + b)[1]
        np.testing.assert_allclose(moved, np.sign(a) * plain, rtol=1e-9)


def images(rng, *shape):
    return rng.integers(0, 256, shape).astype(np.uint8)


def test_channel_stats_equal_torch_on_all_pixels_at_once(answers):
    rng = np.random.default_rng(4)
    batches = [images(rng, n, 6, 5, 3) // (t + 1) for t, n in enumerate((8, 8, 3))]
    pixels = torch.tensor(np.concatenate(batches)).double()
    mean, std = answers["channel_stats"](iter(batches))
    np.testing.assert_allclose(mean, pixels.mean(dim=(0, 1, 2)), rtol=1e-13)
    np.testing.assert_allclose(std, pixels.std(dim=(0, 1, 2), correction=0), rtol=1e-13)


def test_channel_stats_keep_their_digits_where_the_usual_sums_lose_all(answers):
    """Two values, exactly representable: the true standard deviation is 1."""
    far = 2.0**40
    batches = [far + np.array([-1.0, 1.0, 1.0, -1.0]).reshape(1, 2, 2, 1) for _ in range(5)]
    _, std = answers["channel_stats"](batches)
    together = np.concatenate(batches)
    assert abs(std[0] - 1) < 1e-12
    assert not abs((together**2).mean() - together.mean() ** 2 - 1) < 0.1


def test_channel_stats_do_not_depend_on_how_images_are_batched(answers):
    rng = np.random.default_rng(5)
    data = images(rng, 23, 4, 3, 2)
    whole = answers["channel_stats"]([data])
    for size in (1, 5, 22):
        parts = answers["channel_stats"](data[i : i + size] for i in range(0, 23, size))
        np.testing.assert_allclose(parts, whole, rtol=1e-13)


def test_every_picture_survives_standardization_and_back(answers):
    rng = np.random.default_rng(6)
    pictures = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1) + images(rng, 2, 1, 1, 3)
    mean, std = answers["channel_stats"]([pictures])
    z = answers["standardize_images"](pictures, mean, std)
    np.testing.assert_allclose(z.mean(axis=(0, 1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(z.std(axis=(0, 1, 2)), 1)
    restored = answers["restore_images"](z, mean, std)  # given code of the notebook
    assert restored.dtype == np.uint8
    np.testing.assert_array_equal(restored, pictures)


def test_global_contrast_equals_layer_norm_of_torch(answers):
    """Without bounds it is layer normalization over all values of an image, up to the scale."""
    x = np.random.default_rng(7).normal(3, 2, (4, 5, 6, 3))
    expected = 2.5 * torch.nn.functional.layer_norm(torch.tensor(x), (5, 6, 3), eps=0.7)
    got = answers["global_contrast_normalize"](x, scale=2.5, lam=0.7)
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)


def test_global_contrast_forgets_brightness_and_contrast(answers):
    x = np.random.default_rng(8).uniform(20, 60, (2, 4, 5, 3))
    got = answers["global_contrast_normalize"](np.stack([x[0], 3 * x[0] + 17]))
    np.testing.assert_allclose(got[0], got[1], rtol=1e-10)


@pytest.mark.parametrize("radius", [1, 2, 4])
def test_local_contrast_equals_scipy_with_a_corrected_count(answers, radius):
    x = np.random.default_rng(9).normal(size=(2, 9, 6, 3)) * 4 + 10

    def box(a):
        return ndimage.uniform_filter(a, size=(1, 2 * radius + 1, 2 * radius + 1, 1), mode="constant")

    inside = box(np.ones_like(x))
    mean = box(x) / inside
    expected = (x - mean) / np.sqrt(box(x**2) / inside - mean**2 + 0.3)
    got = answers["local_contrast_normalize"](x, radius, 0.3)
    np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-8)


def test_local_contrast_equals_pooling_of_torch(answers):
    x = images(np.random.default_rng(10), 2, 7, 8, 3)
    first = torch.tensor(x).double().permute(0, 3, 1, 2)

    def box(a):
        return torch.nn.functional.avg_pool2d(a, 5, stride=1, padding=2, count_include_pad=False)

    mean = box(first)
    expected = (first - mean) / torch.sqrt(box(first**2) - mean**2 + 9)
    got = answers["local_contrast_normalize"](x, 2, 9.0)
    np.testing.assert_allclose(got, expected.permute(0, 2, 3, 1), rtol=1e-9, atol=1e-10)


@pytest.fixture
def mixed():
    rng = np.random.default_rng(11)
    return rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4)) + [3, -2, 40, 0]


def test_whitening_is_pca_of_scikit_learn_turned_back(answers, mixed):
    """scikit-learn divides by N - 1 and knows no eps."""
    mean, W = answers["whitening"](mixed, 0.0)
    pca = PCA(whiten=True).fit(mixed)
    expected = pca.transform(mixed) @ pca.components_ * np.sqrt(60 / 59)
    np.testing.assert_allclose((mixed - mean) @ W, expected, rtol=1e-8, atol=1e-9)


def test_whitened_data_have_the_covariance_of_the_chapter(answers, mixed):
    mean, W = answers["whitening"](mixed, 0.2)
    lam, U = np.linalg.eigh(np.cov(mixed.T, bias=True))
    z = (mixed - mean) @ W
    np.testing.assert_allclose(np.cov(z.T, bias=True), U @ np.diag(lam / (lam + 0.2)) @ U.T, atol=1e-12)


def test_zca_stays_nearer_to_the_data_than_any_turned_whitening(answers, mixed):
    mean, W = answers["whitening"](mixed, 0.0)
    centred = mixed - mean
    turns = [np.linalg.qr(np.random.default_rng(k).normal(size=(4, 4)))[0] for k in range(20)]
    nearest = ((centred @ W - centred) ** 2).sum()
    assert all(nearest < ((centred @ W @ turn - centred) ** 2).sum() for turn in turns)


def test_condition_number_is_that_of_numpy_squared(answers, mixed):
    condition, _ = answers["curvature"](mixed)
    assert condition == pytest.approx(np.linalg.cond(mixed) ** 2, rel=1e-8)


def test_centring_never_raises_the_largest_eigenvalue_but_may_raise_the_condition_number(answers):
    """Means 1, spreads 1, correlation -0.9: the mean lies along the flattest direction of the covariance."""
    rng = np.random.default_rng(12)
    white = rng.normal(size=(50, 2))
    white = (white - white.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(white.T, bias=True))).T
    centred = white @ np.linalg.cholesky([[1, -0.9], [-0.9, 1]]).T
    raw = answers["curvature"](centred + 1)
    without_mean = answers["curvature"](centred)
    np.testing.assert_allclose(raw, [2.1 / 1.9, 2 / 2.1], rtol=1e-9)
    np.testing.assert_allclose(without_mean, [1.9 / 0.1, 2 / 1.9], rtol=1e-9)
    for _ in range(20):
        x = rng.normal(size=(9, 3)) * rng.uniform(0.1, 3, 3) + rng.normal(size=3)
        assert answers["curvature"](x - x.mean(axis=0))[1] >= answers["curvature"](x)[1]


def test_a_constant_feature_is_found_though_its_mean_is_rounded(answers):
    x_train = np.full((3, 1), 0.1)
    assert x_train.std(axis=0)[0] > 0
    train, other = answers["standardize"](x_train, np.array([[0.6]]))
    np.testing.assert_allclose(train, 0, atol=1e-15)
    np.testing.assert_allclose(other, 0.5)


def test_descent_stays_below_the_bound_and_leaves_above_it(answers, mixed):
    _, max_lr = answers["curvature"](mixed)
    start = np.ones(4)
    for factor, stays in ((0.99, True), (1.01, False)):
        w = start
        for _ in range(2000):
            w = w - factor * max_lr * mixed.T @ (mixed @ w) / len(mixed)
        loss = ((mixed @ w) ** 2).sum()
        assert (loss < ((mixed @ start) ** 2).sum()) == stays


def test_examples_of_the_docstrings_hold(answers):
    column = np.array([[2.0], [4.0], [6.0]])
    np.testing.assert_allclose(answers["minmax_scale"](column, np.array([[3.0], [10.0]])).ravel(), [0.25, 2])
    train, other = answers["standardize"](np.array([[1.0], [3], [5], [7]]), np.array([[4.0], [8]]))
    np.testing.assert_allclose(train.ravel(), [-1.342, -0.447, 0.447, 1.342], atol=5e-4)
    np.testing.assert_allclose(other.ravel(), [0, 1.789], atol=5e-4)
    first, second = np.array([1.0, 3]).reshape(1, 2, 1, 1), np.array([8.0]).reshape(1, 1, 1, 1)
    mean, std = answers["channel_stats"]([first, second])
    np.testing.assert_allclose([mean[0], std[0]], [4, 2.944], atol=5e-4)
    z = np.array([0.117, -3, 4]).reshape(1, 1, 3, 1)
    restored = answers["restore_images"](z, np.array([100.0]), np.array([50.0]))
    np.testing.assert_array_equal(restored.ravel(), [106, 0, 255])
    four = np.array([1.0, 3, 5, 7]).reshape(1, 2, 2, 1)
    for eps, expected in ((1e-8, [-2, -0.667, 0.667, 2]), (6, [-1, -0.333, 0.333, 1])):
        got = answers["global_contrast_normalize"](four, scale=2.0, lam=4.0, eps=eps)
        np.testing.assert_allclose(got.ravel(), expected, atol=5e-4)
    row = answers["local_contrast_normalize"](np.array([1.0, 3, 8]).reshape(1, 1, 3, 1), 1, 0.0)
    np.testing.assert_allclose(row.ravel()[:2], [-1, -0.340], atol=5e-4)
    cross = np.array([[3.0, 0], [-3, 0], [0, 1], [0, -1]])
    mean, W = answers["whitening"](cross, 0.5)
    np.testing.assert_allclose(mean, 0, atol=1e-12)
    np.testing.assert_allclose(W, np.diag([0.447, 1]), atol=5e-4)
    np.testing.assert_allclose(answers["curvature"](cross), [9, 0.444], atol=5e-4)


def test_a_yes_or_no_is_one_boolean_whose_name_is_a_sentence(questions):
    found = {
        name: array
        for question in questions[0]
        for name, array in question.cases[0].expected.arrays.items()
        if array.dtype == bool
    }
    assert found.keys() == {"W_is_symmetric"}
    assert all(array.shape == () for array in found.values())
