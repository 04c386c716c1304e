"""Right answers to the NumPy exercises of 01-normalization, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "minmax_scale",
    "feature by feature, plain loops",
    """
    def minmax_scale(x_train, x):
        out = np.zeros(x.shape)
        for j in range(x.shape[1]):
            low = float(min(x_train[:, j]))
            high = float(max(x_train[:, j]))
            for n in range(x.shape[0]):
                out[n, j] = (float(x[n, j]) - low) / ((high - low) or 1)
        return out
    """,
)
way(
    "minmax_scale",
    "ptp, and the zeros replaced",
    """
    def minmax_scale(x_train, x):
        a = np.asarray(x_train, dtype=np.float64)
        span = np.ptp(a, axis=0, keepdims=True)
        span[span == 0] = 1
        return np.divide(np.subtract(x, a.min(axis=0, keepdims=True)), span)
    """,
)
way(
    "minmax_scale",
    "a tiny number where the range is zero only",
    """
    def minmax_scale(x_train, x):
        low, high = np.min(x_train, 0) * 1.0, np.max(x_train, 0) * 1.0
        constant = np.isclose(low, high)
        return (x - low) / (high - low + constant)
    """,
)
way(
    "minmax_scale",
    "one scale and one shift",
    """
    def minmax_scale(x_train, x):
        low, high = x_train.min(axis=0).astype(float), x_train.max(axis=0).astype(float)
        with np.errstate(divide="ignore"):
            scale = 1 / (high - low)
        scale[np.isinf(scale)] = 1.0
        return x * scale - low * scale
    """,
)
way(
    "minmax_scale",
    "single precision",
    """
    def minmax_scale(x_train, x):
        x_train, x = x_train.astype(np.float32), x.astype(np.float32)
        low, high = x_train.min(0), x_train.max(0)
        return (x - low) / np.where(high == low, np.float32(1), high - low)
    """,
)

way(
    "standardize",
    "feature by feature",
    """
    def standardize(x_train, x):
        train, other = np.zeros(x_train.shape), np.zeros(x.shape)
        for j in range(x_train.shape[1]):
            mean = sum(float(v) for v in x_train[:, j]) / len(x_train)
            variance = sum((float(v) - mean) ** 2 for v in x_train[:, j]) / len(x_train)
            std = variance ** 0.5 if len(set(x_train[:, j])) > 1 else 1.0
            train[:, j] = (x_train[:, j] - mean) / std
            other[:, j] = (x[:, j] - mean) / std
        return train, other
    """,
)
way(
    "standardize",
    "one helper for both",
    """
    def standardize(x_train, x):
        mu = np.mean(x_train, axis=0, keepdims=True)
        sigma = np.sqrt(np.mean((x_train - mu) ** 2, axis=0, keepdims=True))
        sigma[np.ptp(x_train, axis=0, keepdims=True) == 0] = 1

        def apply(a):
            return (a - mu) / sigma

        return [apply(x_train), apply(x)]
    """,
)
way(
    "standardize",
    "copies changed in place",
    """
    def standardize(x_train, x):
        train, other = x_train.astype(float), x.astype(float)
        mean, std = train.mean(axis=0), train.std(axis=0)
        for a in (train, other):
            a -= mean
            a /= np.where(x_train.max(axis=0) == x_train.min(axis=0), 1, std)
        return train, other
    """,
)
way(
    "standardize",
    "np.divide where it may",
    """
    def standardize(x_train, x):
        mean, std = x_train.mean(axis=0), x_train.std(axis=0)
        both = np.concatenate([x_train - mean, x - mean])
        both = np.divide(both, std, out=both.copy(), where=~np.isclose(x_train, x_train[0]).all(axis=0))
        return both[: len(x_train)], both[len(x_train) :]
    """,
)

way(
    "standardize",
    "a bound relative to the size of the feature",
    """
    def standardize(x_train, x):
        mean, std = x_train.mean(axis=0), x_train.std(axis=0)
        varies = std > 1e-10 * np.abs(x_train).max(axis=0)
        divisor = np.where(varies, std, 1)
        return (x_train - mean) / divisor, (x - mean) / divisor
    """,
)

way(
    "channel_stats",
    "sums of shifted values",
    """
    def channel_stats(batches):
        shift, n = None, 0
        for images in batches:
            images = images.astype(np.float64)
            if shift is None:
                shift = images.mean(axis=(0, 1, 2))
                total, square = np.zeros_like(shift), np.zeros_like(shift)
            total += (images - shift).sum(axis=(0, 1, 2))
            square += ((images - shift) ** 2).sum(axis=(0, 1, 2))
            n += images[..., 0].size
        return shift + total / n, np.sqrt(square / n - (total / n) ** 2)
    """,
)
way(
    "channel_stats",
    "Welford, pixel by pixel",
    """
    def channel_stats(batches):
        count = 0
        for images in batches:
            C = images.shape[-1]
            if count == 0:
                mean, m2 = np.zeros(C), np.zeros(C)
            for pixel in images.reshape(-1, C):
                count += 1
                delta = pixel - mean
                mean = mean + delta / count
                m2 = m2 + delta * (pixel - mean)
        return mean, np.sqrt(m2 / count)
    """,
)
way(
    "channel_stats",
    "means and variances of batches, weighted at the end",
    """
    def channel_stats(batches):
        counts, means, variances = [], [], []
        for images in batches:
            counts.append(images.shape[0] * images.shape[1] * images.shape[2])
            means.append(images.mean(axis=(0, 1, 2), dtype=np.float64))
            variances.append(images.var(axis=(0, 1, 2), dtype=np.float64))
        weights = np.array(counts) / sum(counts)
        mean = weights @ np.array(means)
        return mean, np.sqrt(weights @ (np.array(variances) + (np.array(means) - mean) ** 2))
    """,
)
way(
    "channel_stats",
    "merged in the precision of the batch, mean as weighted mean",
    """
    def channel_stats(batches):
        n = 0
        for images in batches:
            nb = images.size // images.shape[-1]
            mb = images.mean(axis=(0, 1, 2))
            sb = images.var(axis=(0, 1, 2)) * nb
            if n == 0:
                n, mean, m2 = nb, mb, sb
                continue
            d = mb - mean
            m2 = m2 + sb + d * d * (n * nb / (n + nb))
            mean = (n * mean + nb * mb) / (n + nb)
            n += nb
        return np.array(mean), (m2 / n) ** 0.5
    """,
)

way(
    "standardize_images",
    "channel by channel",
    """
    def standardize_images(images, mean, std):
        out = np.empty(images.shape)
        for c in range(images.shape[3]):
            out[..., c] = (images[..., c] - mean[c]) / std[c]
        return out
    """,
)
way(
    "standardize_images",
    "axes written out",
    """
    def standardize_images(images, mean, std):
        mean, std = np.reshape(mean, (1, 1, 1, -1)), np.reshape(std, (1, 1, 1, -1))
        return np.divide(images.astype(float) - mean, std)
    """,
)
way(
    "standardize_images",
    "single precision, one scale and one shift",
    """
    def standardize_images(images, mean, std):
        scale = (1 / std).astype(np.float32)
        return images.astype(np.float32) * scale - (mean / std).astype(np.float32)
    """,
)

way(
    "global_contrast_normalize",
    "image by image",
    """
    def global_contrast_normalize(images, scale=1.0, lam=0.0, eps=1e-8):
        out = []
        for image in images:
            contrast = np.sqrt(lam + image.var())
            out.append(scale * (image - image.mean()) / max(eps, contrast))
        return np.array(out)
    """,
)
way(
    "global_contrast_normalize",
    "rows of a table",
    """
    def global_contrast_normalize(images, scale=1.0, lam=0.0, eps=1e-8):
        rows = images.reshape(len(images), -1).astype(float)
        rows = rows - rows.mean(axis=1, keepdims=True)
        contrast = (lam + (rows**2).sum(axis=1) / rows.shape[1]) ** 0.5
        rows *= (scale / np.where(contrast < eps, eps, contrast))[:, None]
        return rows.reshape(images.shape)
    """,
)
way(
    "global_contrast_normalize",
    "var over three axes, single precision",
    """
    def global_contrast_normalize(images, scale=1.0, lam=0.0, eps=1e-8):
        x = np.asarray(images, dtype=np.float32)
        axes = (-3, -2, -1)
        contrast = np.sqrt(x.var(axis=axes, keepdims=True) + np.float32(lam))
        centred = np.float32(scale) * (x - x.mean(axis=axes, keepdims=True))
        return centred / np.maximum(contrast, np.float32(eps))
    """,
)

way(
    "local_contrast_normalize",
    "pixel by pixel",
    """
    def local_contrast_normalize(images, radius, eps):
        N, H, W, C = images.shape
        out = np.zeros((N, H, W, C))
        for h in range(H):
            for w in range(W):
                rows = slice(max(0, h - radius), h + radius + 1)
                columns = slice(max(0, w - radius), w + radius + 1)
                window = images[:, rows, columns]
                mean, var = window.mean(axis=(1, 2)), window.var(axis=(1, 2))
                out[:, h, w] = (images[:, h, w] - mean) / np.sqrt(var + eps)
        return out
    """,
)
way(
    "local_contrast_normalize",
    "shifted copies of the image and of ones",
    """
    def local_contrast_normalize(images, radius, eps):
        x = images.astype(np.float64)
        N, H, W, C = x.shape
        total, square, count = np.zeros_like(x), np.zeros_like(x), np.zeros((1, H, W, 1))
        for dh in range(-min(radius, H - 1), min(radius, H - 1) + 1):
            for dw in range(-min(radius, W - 1), min(radius, W - 1) + 1):
                to = (slice(None), slice(max(0, -dh), H - max(0, dh)), slice(max(0, -dw), W - max(0, dw)))
                source = (slice(None), slice(max(0, dh), H + min(0, dh)), slice(max(0, dw), W + min(0, dw)))
                total[to] += x[source]
                square[to] += x[source] ** 2
                count[to] += 1
        mean = total / count
        return (x - mean) / np.sqrt(square / count - mean**2 + eps)
    """,
)
way(
    "local_contrast_normalize",
    "cumulative sums",
    """
    def local_contrast_normalize(images, radius, eps):
        x = images.astype(float)

        def window_sum(a):
            for axis in (1, 2):
                size = a.shape[axis]
                sums = np.cumsum(a, axis=axis)
                sums = np.concatenate([np.zeros_like(np.take(sums, [0], axis=axis)), sums], axis=axis)
                place = np.arange(size)
                last, first = np.minimum(place + radius + 1, size), np.maximum(place - radius, 0)
                a = np.take(sums, last, axis=axis) - np.take(sums, first, axis=axis)
            return a

        count = window_sum(np.ones((1, *x.shape[1:3], 1)))
        mean = window_sum(x) / count
        var = window_sum(x**2) / count - mean**2
        return (x - mean) / np.sqrt(np.maximum(var, 0) + eps)
    """,
)
way(
    "local_contrast_normalize",
    "sliding windows of an image padded with NaN",
    """
    def local_contrast_normalize(images, radius, eps):
        x = images.astype(float)
        side = 2 * radius + 1
        padded = np.pad(x, ((0, 0), (radius, radius), (radius, radius), (0, 0)), constant_values=np.nan)
        windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2))
        mean, var = np.nanmean(windows, axis=(-2, -1)), np.nanvar(windows, axis=(-2, -1))
        return (x - mean) / np.sqrt(var + eps)
    """,
)
way(
    "local_contrast_normalize",
    "padded with zeros, and the same sum of ones to divide by",
    """
    def local_contrast_normalize(images, radius, eps):
        def box(a):
            N, H, W, C = a.shape
            padded = np.pad(a.astype(float), ((0, 0), (radius, radius), (radius, radius), (0, 0)))
            steps = range(2 * radius + 1)
            return sum(padded[:, i : i + H, k : k + W] for i in steps for k in steps)

        count = box(np.ones_like(images))
        mean = box(images) / count
        var = box(images.astype(float) ** 2) / count - mean**2
        return (images - mean) * (var + eps) ** -0.5
    """,
)

way(
    "local_contrast_normalize",
    "the given sum of windows, and a count of one image",
    """
    def local_contrast_normalize(images, radius, eps):
        count = window_sum(np.ones((1, *images.shape[1:3], 1)), radius)
        mean, square = (window_sum(images.astype(float) ** power, radius) / count for power in (1, 2))
        return (images - mean) / np.sqrt(square - mean**2 + eps)
    """,
)

way(
    "whitening",
    "np.cov and eigenvectors one by one",
    """
    def whitening(x, eps):
        covariance = np.cov(x.T, bias=True)
        values, vectors = np.linalg.eigh(covariance)
        W = np.zeros_like(covariance)
        for value, vector in zip(values, vectors.T):
            W += np.outer(vector, vector) / np.sqrt(value + eps)
        return x.mean(axis=0), W
    """,
)
way(
    "whitening",
    "singular values of the centred data",
    """
    def whitening(x, eps):
        N, D = x.shape
        mean = np.mean(x, axis=0)
        _, s, Vt = np.linalg.svd(x - mean, full_matrices=True)
        lam = np.zeros(D)
        lam[: len(s)] = s**2 / N
        return mean, Vt.T @ np.diag((lam + eps) ** -0.5) @ Vt
    """,
)
way(
    "whitening",
    "singular values of the covariance",
    """
    def whitening(x, eps):
        mean = x.mean(axis=0, keepdims=True)
        covariance = np.dot((x - mean).T, x - mean) / x.shape[0]
        U, S, _ = np.linalg.svd(covariance)
        return mean.ravel(), np.dot(U, np.dot(np.diag(1.0 / np.sqrt(S + eps)), U.T))
    """,
)
way(
    "whitening",
    "general eigenvectors, eps on the diagonal",
    """
    def whitening(x, eps):
        mean = x.mean(axis=0)
        covariance = (x - mean).T @ (x - mean) / len(x) + eps * np.eye(x.shape[1])
        lam, U = np.linalg.eigh(covariance)
        return mean, U @ np.diag(lam**-0.5) @ U.T
    """,
)

way(
    "whitening",
    "single precision",
    """
    def whitening(x, eps):
        x = x.astype(np.float32)
        mean = x.mean(axis=0)
        lam, U = np.linalg.eigh((x - mean).T @ (x - mean) / np.float32(len(x)))
        return mean, (U / np.sqrt(lam + np.float32(eps))) @ U.T
    """,
)

way(
    "curvature",
    "np.linalg.cond and the largest singular value",
    """
    def curvature(x):
        x = np.array(x, dtype=float)
        return np.linalg.cond(x) ** 2, 2 * len(x) / np.linalg.norm(x, 2) ** 2
    """,
)
way(
    "curvature",
    "sum of outer products, general eigenvalues",
    """
    def curvature(x):
        H = sum(np.outer(row, row) for row in x.astype(float)) / x.shape[0]
        lam = np.linalg.eigvals(H).real
        return lam.max() / lam.min(), 2.0 / lam.max()
    """,
)
way(
    "curvature",
    "singular values of the data",
    """
    def curvature(x):
        s = np.linalg.svd(x * 1.0, compute_uv=False)
        lam = s**2 / x.shape[0]
        return np.array(lam[0] / lam[-1]), np.array(2 / lam[0])
    """,
)

way(
    "curvature",
    "single precision",
    """
    def curvature(x):
        x = x.astype(np.float32)
        lam = np.linalg.eigvalsh(x.T @ x / np.float32(len(x)))
        return lam[-1] / lam[0], 2 / lam[-1]
    """,
)
way(
    "curvature",
    "single precision, returned as Python's floats",
    """
    def curvature(x):
        lam = np.linalg.eigvalsh((x.astype("float32").T @ x.astype("float32")) / len(x))
        return float(lam.max() / lam.min()), 2 / float(lam.max())
    """,
)

way(
    "test_standardize",
    "invariants of random data, raising by hand",
    """
    def test_standardize(implementation):
        rng = np.random.default_rng(1)
        x_train, x = rng.normal([5, -40, 0.1], [2, 30, 0.01], (50, 3)), rng.normal(9, 5, (7, 3))
        x_train[:, 2] = 4
        kept = x_train.copy()
        train, other = implementation(x_train, x)
        if not np.array_equal(kept, x_train):
            raise AssertionError("x_train was changed")
        if abs(train.mean(axis=0)).max() > 1e-9:
            raise AssertionError("the mean of a feature is not 0")
        if abs(train[:, :2].std(axis=0) - 1).max() > 1e-9:
            raise AssertionError("the standard deviation of a feature is not 1")
        back = other[:, :2] * kept[:, :2].std(axis=0) + kept[:, :2].mean(axis=0)
        if abs(back - x[:, :2]).max() > 1e-9:
            raise AssertionError("x was not mapped as x_train")
        if not np.allclose(other[:, 2], x[:, 2] - 4):
            raise AssertionError("a constant feature is divided by 1")
    """,
)
way(
    "test_standardize",
    "against a second implementation",
    """
    def test_standardize(implementation):
        for seed in range(3):
            rng = np.random.RandomState(seed)
            a, b = 3 + rng.randn(6, 4) * [1, 10, 0.1, 0], rng.randn(5, 4)
            a_before = a.copy()
            expected = standardize(a, b)
            for got, wanted in zip(implementation(a, b), expected):
                np.testing.assert_allclose(got, wanted)
            np.testing.assert_array_equal(a, a_before)
    """,
)
way(
    "test_standardize",
    "one batch, then each example alone",
    """
    def test_standardize(implementation):
        x_train = np.array([[0.0, 2.0, 10.0], [4.0, 2.0, 30.0]])
        x = np.array([[2.0, 2.0, 20.0], [6.0, 5.0, 0.0], [-2.0, 0.0, 50.0]])
        train, other = implementation(x_train.copy(), x.copy())
        assert np.allclose(train, [[-1, 0, -1], [1, 0, 1]])
        assert np.allclose(other, [[0, 0, 0], [2, 3, -2], [-2, -2, 3]])
        for row, wanted in zip(x, other):
            given = x_train.copy()
            assert np.allclose(implementation(given, row[None])[1][0], wanted)
            assert (given == x_train).all()
    """,
)
