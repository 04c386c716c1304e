"""Right answers to the NumPy exercises of 05-dropout, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "keep_mask",
    "not dropped",
    """
    def keep_mask(u, p):
        return ~(u < p)
    """,
)
way(
    "keep_mask",
    "filled in",
    """
    def keep_mask(u, p):
        keep = np.zeros(u.shape, dtype=bool)
        keep[u >= p] = True
        return keep
    """,
)
way(
    "keep_mask",
    "entry by entry",
    """
    def keep_mask(u, p):
        return np.array([[number >= p for number in row] for row in u])
    """,
)
way(
    "keep_mask",
    "where, then bool",
    """
    def keep_mask(u, p):
        return np.where(u < p, 0, 1).astype(bool)
    """,
)

way(
    "vanilla_dropout",
    "where",
    """
    def vanilla_dropout(x, u, p, training):
        return np.where(u < p, 0.0, x) if training else (1 - p) * x
    """,
)
way(
    "vanilla_dropout",
    "a copy changed in place",
    """
    def vanilla_dropout(x, u, p, training):
        y = x.copy()
        if training:
            y[u < p] = 0
        else:
            y *= 1 - p
        return y
    """,
)
way(
    "vanilla_dropout",
    "its own mask function, entry by entry",
    """
    def vanilla_dropout(x, u, p, training):
        if not training:
            return x - p * x
        y = np.zeros(x.shape)
        for i in np.ndindex(x.shape):
            if keep_mask(u, p)[i]:
                y[i] = x[i]
        return y
    """,
)
way(
    "vanilla_dropout",
    "the other half of the numbers",
    """
    def vanilla_dropout(x, u, p, training):
        q = 1 - p
        return x * (u >= 1 - q) if training else x * q
    """,
)

way(
    "dropout_forward",
    "a scaled mask",
    """
    def dropout_forward(x, u, p, training):
        mask = (u >= p) / (1 - p) if training else np.ones_like(x)
        return x * mask
    """,
)
way(
    "dropout_forward",
    "vanilla, divided by keep",
    """
    def dropout_forward(x, u, p, training):
        keep = 1 - p
        if training:
            return vanilla_dropout(x, u, p, True) / keep
        return x.copy()
    """,
)
way(
    "dropout_forward",
    "a copy changed in place",
    """
    def dropout_forward(x, u, p, training):
        y = np.array(x)
        if training:
            y[np.logical_not(u >= p)] = 0.0
            y /= 1.0 - p
        return y
    """,
)
way(
    "dropout_forward",
    "single precision",
    """
    def dropout_forward(x, u, p, training):
        if not training:
            return x
        return x.astype(np.float32) * np.where(u >= p, np.float32(1 / (1 - p)), np.float32(0))
    """,
)

way(
    "dropout_backward",
    "where",
    """
    def dropout_backward(dout, u, p, training):
        return np.where(u < p, 0, dout / (1 - p)) if training else dout.copy()
    """,
)
way(
    "dropout_backward",
    "the forward pass, since it is linear",
    """
    def dropout_backward(dout, u, p, training):
        return dropout_forward(dout, u, p, training)
    """,
)
way(
    "dropout_backward",
    "forward pass of ones",
    """
    def dropout_backward(dout, u, p, training):
        slope = dropout_forward(np.ones(dout.shape), u, p, training)
        return slope * dout
    """,
)
way(
    "dropout_backward",
    "a matrix per example",
    """
    def dropout_backward(dout, u, p, training):
        if not training:
            return dout
        return np.stack([np.diag((row >= p) / (1 - p)) @ d for row, d in zip(u, dout)])
    """,
)

way(
    "spatial_dropout",
    "reshaped",
    """
    def spatial_dropout(images, u, p):
        N, H, W, C = images.shape
        mask = ((u >= p) / (1 - p)).reshape(N, 1, 1, C)
        return images * mask
    """,
)
way(
    "spatial_dropout",
    "image by image, channel by channel",
    """
    def spatial_dropout(images, u, p):
        out = np.zeros(images.shape)
        for n in range(images.shape[0]):
            for c in range(images.shape[3]):
                if u[n, c] >= p:
                    out[n, :, :, c] = images[n, :, :, c] / (1 - p)
        return out
    """,
)
way(
    "spatial_dropout",
    "repeated numbers",
    """
    def spatial_dropout(images, u, p):
        _, H, W, _ = images.shape
        numbers = np.repeat(np.repeat(u[:, None, None], H, axis=1), W, axis=2)
        return np.where(numbers < p, 0, images) / (1 - p)
    """,
)
way(
    "spatial_dropout",
    "einsum",
    """
    def spatial_dropout(images, u, p):
        return np.einsum("nhwc,nc->nhwc", images, (u >= p) / (1 - p))
    """,
)
way(
    "spatial_dropout",
    "channels to the front",
    """
    def spatial_dropout(images, u, p):
        second = images.transpose(0, 3, 1, 2)
        dropped = dropout_forward(second, u[:, :, None, None], p, True)
        return dropped.transpose(0, 2, 3, 1)
    """,
)

way(
    "ensemble_average",
    "mask by mask",
    """
    def ensemble_average(x, W, b, p):
        from itertools import product

        arithmetic, geometric = np.zeros(len(b)), np.ones(len(b))
        for mask in product([0, 1], repeat=len(x)):
            probability = 1.0
            for m in mask:
                probability *= (1 - p) if m else p
            output = softmax((np.array(mask) * x) @ W + b)
            arithmetic += probability * output
            geometric *= output**probability
        return arithmetic, geometric / sum(geometric)
    """,
)
way(
    "ensemble_average",
    "one unit after the other",
    """
    def ensemble_average(x, W, b, p):
        logits, weights = b[None, :], np.ones(1)
        for x_j, w_j in zip(x, W):
            logits = np.concatenate([logits, logits + x_j * w_j])
            weights = np.concatenate([p * weights, (1 - p) * weights])
        outputs = softmax(logits)
        powers = np.prod(outputs ** weights[:, None], axis=0)
        return (weights[:, None] * outputs).sum(axis=0), powers / powers.sum()
    """,
)
way(
    "ensemble_average",
    "the geometric mean in one pass",
    """
    def ensemble_average(x, W, b, p):
        masks = all_masks(len(x))
        weights = np.where(masks == 1, 1 - p, p).prod(axis=1)
        outputs = softmax(np.matmul(masks * x, W) + b)
        return np.average(outputs, axis=0, weights=weights), softmax((1 - p) * x @ W + b)
    """,
)
way(
    "ensemble_average",
    "logarithms throughout",
    """
    def ensemble_average(x, W, b, p):
        masks = all_masks(len(x))
        outputs = softmax(masks @ (x[:, None] * W) + b)
        weights = np.exp(masks @ np.full(len(x), np.log(1 - p)) + (1 - masks).sum(1) * np.log(p))
        logs = (weights[:, None] * np.log(outputs)).sum(0)
        return np.einsum("m,mk->k", weights, outputs), softmax(logs)
    """,
)

way(
    "dropout_penalty",
    "entry by entry",
    """
    def dropout_penalty(x, w, p):
        total = 0.0
        for row in x:
            for x_j, w_j in zip(row, w):
                total += (x_j * w_j) ** 2
        return total * p / (1 - p)
    """,
)
way(
    "dropout_penalty",
    "a product of matrices",
    """
    def dropout_penalty(x, w, p):
        keep = 1 - p
        return w @ np.diag(np.diag(x.T @ x)) @ w * p / keep
    """,
)
way(
    "dropout_penalty",
    "the squared norm of the products",
    """
    def dropout_penalty(x, w, p):
        return (1 / (1 - p) - 1) * np.linalg.norm(x * w) ** 2
    """,
)
way(
    "dropout_penalty",
    "the variance of the mask, scaled",
    """
    def dropout_penalty(x, w, p):
        q = 1 - p
        return float(p * q / q**2 * np.einsum("nj,j->", x**2, w**2))
    """,
)

way(
    "uncertainty",
    "logarithm where there is one",
    """
    def uncertainty(probabilities):
        def plogp(P):
            out = np.zeros_like(P)
            np.log(P, out=out, where=P > 0)
            return P * out

        mean = np.mean(probabilities, axis=0)
        entropy = -np.sum(plogp(mean), axis=1)
        return mean, entropy, entropy + plogp(probabilities).sum(axis=2).mean(axis=0)
    """,
)
way(
    "uncertainty",
    "a tiny number in the logarithm",
    """
    def uncertainty(probabilities):
        T = probabilities.shape[0]
        mean = probabilities.sum(axis=0) / T
        entropy = -(mean * np.log(mean + 1e-12)).sum(axis=-1)
        each = -(probabilities * np.log(probabilities + 1e-12)).sum(axis=-1)
        return mean, entropy, entropy - each.mean(axis=0)
    """,
)
way(
    "uncertainty",
    "example by example",
    """
    def uncertainty(probabilities):
        def entropy_of(values):
            return -sum(v * np.log(v) for v in values if v > 0)

        T, N, K = probabilities.shape
        mean = [[sum(probabilities[t, n, k] for t in range(T)) / T for k in range(K)] for n in range(N)]
        entropy = [entropy_of(mean[n]) for n in range(N)]
        each = [sum(entropy_of(probabilities[t, n]) for t in range(T)) / T for n in range(N)]
        return mean, entropy, [h - e for h, e in zip(entropy, each)]
    """,
)
way(
    "uncertainty",
    "the mean divergence of the passes from their mean",
    """
    def uncertainty(probabilities):
        mean = probabilities.mean(0)
        with np.errstate(all="ignore"):
            entropy = -np.nansum(mean * np.log(mean), axis=-1)
            information = np.nansum(probabilities * np.log(probabilities / mean), axis=-1).mean(0)
        return mean, entropy, information
    """,
)
way(
    "uncertainty",
    "clipped",
    """
    def uncertainty(probabilities):
        safe = np.clip(probabilities, 1e-15, 1)
        mean = probabilities.mean(axis=0)
        entropy = -(mean * np.log(np.clip(mean, 1e-15, 1))).sum(-1)
        return mean, entropy, entropy + np.mean((probabilities * np.log(safe)).sum(-1), axis=0)
    """,
)

way(
    "variance_shift",
    "moments",
    """
    def variance_shift(x, p):
        first, second = x.mean(axis=0), (x**2).mean(axis=0)
        return (second / (1 - p) - first**2) / (second - first**2)
    """,
)
way(
    "variance_shift",
    "feature by feature",
    """
    def variance_shift(x, p):
        q = 1 - p
        ratios = np.zeros(x.shape[1])
        for j, column in enumerate(x.T):
            mu = sum(column) / len(column)
            var = sum((v - mu) ** 2 for v in column) / len(column)
            ratios[j] = ((var + mu**2) / q - mu**2) / var
        return ratios
    """,
)
way(
    "variance_shift",
    "one plus what dropout adds",
    """
    def variance_shift(x, p):
        added = np.mean(np.square(x), axis=0) * p / (1 - p)
        return 1 + added / np.std(x, axis=0) ** 2
    """,
)
way(
    "variance_shift",
    "the law of total variance",
    """
    def variance_shift(x, p):
        of_the_means = x.var(axis=0)
        mean_of_the_variances = (x**2 * p / (1 - p)).mean(axis=0)
        return (of_the_means + mean_of_the_variances) / of_the_means
    """,
)

way(
    "test_dropout",
    "a formula of its own",
    """
    def test_dropout(implementation):
        rng = np.random.default_rng(1)
        x, u, p = rng.normal(size=(8, 5)), rng.random((8, 5)), 0.3
        y = implementation(x, u, p, True)
        assert y.shape == x.shape
        assert (y[u < p] == 0).all()
        assert np.allclose(y[u >= p] * 0.7, x[u >= p])
        assert np.array_equal(implementation(x, u, p, False), x)
    """,
)
way(
    "test_dropout",
    "ones, entry by entry",
    """
    def test_dropout(implementation):
        u = np.linspace(0, 0.99, 12).reshape(3, 4)[::-1]
        for p in (0.2, 0.6):
            for i in np.ndindex(u.shape):
                expected = 1 / (1 - p) if u[i] >= p else 0
                assert abs(implementation(np.ones((3, 4)), u, p, True)[i] - expected) < 1e-9
                assert implementation(np.ones((3, 4)), u, p, False)[i] == 1
    """,
)
way(
    "test_dropout",
    "raises by itself",
    """
    def test_dropout(implementation):
        rng = np.random.default_rng(2)
        x, u = rng.normal(2, 1, (6, 7)), rng.random((6, 7))
        for training in (True, False):
            right = np.where(u < 0.4, 0, x / 0.6) if training else x
            if not np.allclose(implementation(x, u, 0.4, training), right):
                raise ValueError("wrong")
    """,
)
way(
    "test_dropout",
    "library assertions",
    """
    def test_dropout(implementation):
        x, u = np.arange(1.0, 13).reshape(3, 4), np.random.default_rng(3).random((3, 4))
        np.testing.assert_allclose(implementation(x, u, 0.25, True), keep_mask(u, 0.25) * x / 0.75)
        np.testing.assert_allclose(implementation(x, u, 0.25, False), x)
    """,
)
