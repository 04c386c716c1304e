"""Right answers to the whitening, the weights and the test of family_numpy, each written in another way.

The layers and their gradients are in right_ways_03_numpy.
"""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "decorrelated_batchnorm",
    "singular values of the batch",
    """
    def decorrelated_batchnorm(x, eps=1e-3):
        N, D = x.shape
        mu = x.mean(axis=0)
        _, s, Vt = np.linalg.svd(x - mu)
        variances = np.zeros(D)
        variances[: len(s)] = s**2 / N
        W = Vt.T @ np.diag((variances + eps) ** -0.5) @ Vt
        return (x - mu) @ W, mu, W
    """,
)
way(
    "decorrelated_batchnorm",
    "np.cov, singular values of the covariance",
    """
    def decorrelated_batchnorm(x, eps=1e-3):
        covariance = np.cov(x, rowvar=False, bias=True) + eps * np.identity(x.shape[1])
        U, s, _ = np.linalg.svd(covariance)
        W = np.einsum("ik,k,jk->ij", U, 1 / np.sqrt(s), U)
        mean = np.mean(x, axis=0)
        return np.dot(x - mean, W), mean, W
    """,
)
way(
    "decorrelated_batchnorm",
    "direction by direction",
    """
    def decorrelated_batchnorm(x, eps=1e-3):
        mean = sum(x) / len(x)
        centred = np.array([row - mean for row in x])
        sigma = sum(np.outer(row, row) for row in centred) / len(x)
        W = np.zeros_like(sigma)
        values, vectors = np.linalg.eigh(sigma)
        for value, u in zip(values, vectors.T):
            W += np.outer(u, u) / (value + eps) ** 0.5
        return (W @ centred.T).T, mean, W
    """,
)
way(
    "decorrelated_batchnorm",
    "the root, then its inverse",
    """
    def decorrelated_batchnorm(x, eps=1e-3):
        mu = x.mean(0)
        xc = x - mu
        sigma = xc.T.dot(xc) / x.shape[0]
        sigma[np.diag_indices(x.shape[1])] += eps
        values, vectors = np.linalg.eigh(sigma)
        W = np.linalg.inv(vectors @ np.diag(np.sqrt(values)) @ vectors.T)
        return xc @ W, mu, W
    """,
)

way(
    "newton_schulz",
    "two matrices side by side",
    """
    def newton_schulz(sigma, steps):
        trace = sigma.diagonal().sum()
        one = np.eye(len(sigma), dtype=sigma.dtype)
        Y, Z = sigma / trace, one
        for _ in range(steps):
            T = (3 * one - Z @ Y) / 2
            Y, Z = Y @ T, T @ Z
        return Z * trace**-0.5
    """,
)
way(
    "newton_schulz",
    "powers of a matrix, factored out",
    """
    def newton_schulz(sigma, steps):
        size = np.trace(sigma)
        one = np.identity(sigma.shape[0]).astype(sigma.dtype)
        P = one.copy()
        for k in range(steps):
            P = P @ (1.5 * one - 0.5 * np.linalg.matrix_power(P, 2) @ (sigma / size))
        return P / np.sqrt(size)
    """,
)
way(
    "newton_schulz",
    "the size in the start",
    """
    def newton_schulz(sigma, steps):
        P = np.eye(len(sigma), dtype=sigma.dtype) / np.sqrt(np.trace(sigma))
        for _ in range(steps):
            P = (3 * P - P @ P @ P @ sigma) / 2
        return P
    """,
)
way(
    "newton_schulz",
    "recursive",
    """
    def newton_schulz(sigma, steps):
        trace = np.trace(sigma)

        def iterate(k):
            if k == 0:
                return np.eye(sigma.shape[0], dtype=sigma.dtype)
            P = iterate(k - 1)
            return 1.5 * P - 0.5 * (P @ P) @ (P @ sigma) / trace

        return (iterate(steps) / np.sqrt(trace)).astype(sigma.dtype)
    """,
)
way(
    "newton_schulz",
    "on the eigenvalues",
    """
    def newton_schulz(sigma, steps):
        values, U = np.linalg.eigh(sigma)
        total, p = values.sum(), np.ones_like(values)
        for _ in range(steps):
            p = (3 * p - p**3 * values / total) / 2
        return (U * p) @ U.T / total**0.5
    """,
)

way(
    "weight_norm_backward",
    "as in the paper",
    """
    def weight_norm_backward(dw, v, g):
        n = np.sqrt(np.sum(v**2, axis=1))
        dg = np.sum(dw * v, axis=1) / n
        return (g / n)[:, None] * dw - (g * dg / n**2)[:, None] * v, dg
    """,
)
way(
    "weight_norm_backward",
    "the Jacobian of each row",
    """
    def weight_norm_backward(dw, v, g):
        dv, dg = [], []
        for row, one, length in zip(dw, v, g):
            u = one / np.linalg.norm(one)
            M = np.eye(len(one)) - np.outer(u, u)
            dv.append(length / np.linalg.norm(one) * M @ row)
            dg.append(row @ u)
        return np.array(dv), np.array(dg)
    """,
)
way(
    "weight_norm_backward",
    "einsum, transposed",
    """
    def weight_norm_backward(dw, v, g):
        n = np.linalg.norm(v, axis=1)
        u = v.T / n
        dg = np.einsum("kd,dk->k", dw, u)
        return (g / n * (dw.T - dg * u)).T, dg
    """,
)
way(
    "weight_norm_backward",
    "float32, in place on copies",
    """
    def weight_norm_backward(dw, v, g):
        dw, u, g = dw.astype(np.float32), v.astype(np.float32), g.astype(np.float32)
        n = np.linalg.norm(u, axis=1, keepdims=True)
        u /= n
        dg = (dw * u).sum(axis=1, keepdims=True)
        dw -= dg * u
        dw *= g.reshape(-1, 1) / n
        return dw, dg.ravel()
    """,
)

way(
    "test_group_norm",
    "a loop over the groups",
    """
    def test_group_norm(implementation):
        rng = np.random.default_rng(3)
        x = 2 + 3 * rng.normal(size=(2, 12, 3, 5)) * np.arange(1, 13).reshape(12, 1, 1)
        gamma, beta = rng.normal(size=12), rng.normal(size=12)
        before = x.copy(), gamma.copy(), beta.copy()
        for size in (3, 2):
            y = implementation(x, gamma, beta, groups=12 // size, eps=0.7)
            for now, then in zip((x, gamma, beta), before):
                np.testing.assert_array_equal(now, then)
            expected = np.zeros_like(x)
            for n in range(2):
                for k in range(0, 12, size):
                    z = x[n, k : k + size]
                    z = (z - np.mean(z)) / np.sqrt(np.var(z) + 0.7)
                    for c in range(size):
                        expected[n, k + c] = gamma[k + c] * z[c] + beta[k + c]
            np.testing.assert_allclose(y, expected)
    """,
)
way(
    "test_group_norm",
    "properties",
    """
    def test_group_norm(implementation):
        rng = np.random.default_rng(0)
        x = rng.normal(size=(3, 6, 4, 5)) + rng.normal(size=(3, 6, 1, 1))
        x[1] += 5
        one, zero = np.ones(6), np.zeros(6)
        kept = x.copy()
        y = implementation(x, one, zero, 2, 0.3)
        assert y.shape == x.shape and (x == kept).all()
        assert (one == 1).all() and (zero == 0).all()
        for n in range(3):
            assert np.allclose(implementation(x[n : n + 1].copy(), one, zero, 2, 0.3)[0], y[n])
            for own in (slice(0, 3), slice(3, 6)):
                assert abs(y[n, own].mean()) < 1e-10
                v = x[n, own].var()
                assert np.isclose(y[n, own].var(), v / (v + 0.3))
                ratio = (y[n, own] - y[n, own][0, 0, 0])[1:] / (x[n, own] - x[n, own][0, 0, 0])[1:]
                assert np.allclose(ratio, 1 / np.sqrt(v + 0.3))
        z = implementation(x.copy(), one, zero, 3, 0.3)
        assert max(abs(z[n, k : k + 2].mean()) for n in range(3) for k in (0, 2, 4)) < 1e-10
        gamma, beta = rng.normal(size=6), rng.normal(size=6)
        scaled = implementation(x, gamma.copy(), beta.copy(), 2, 0.3)
        assert np.allclose(scaled, gamma[:, None, None] * y + beta[:, None, None])
    """,
)
way(
    "test_group_norm",
    "against a formula with raise",
    """
    def test_group_norm(implementation):
        rng = np.random.default_rng(1)
        for N, C, G in ((2, 8, 2), (3, 6, 3)):
            x = rng.normal(1, 2, (N, C, 5, 3)) * rng.uniform(0.5, 3, (N, C, 1, 1))
            g, b = rng.uniform(1, 3, C), rng.uniform(-2, 2, C)
            handed = (x.copy(), g.copy(), b.copy())
            y = implementation(*handed, G, 0.2)
            rows = x.reshape(N, G, -1)
            mean, var = rows.mean(2)[..., None], rows.var(2)[..., None]
            expected = ((rows - mean) * (var + 0.2) ** -0.5).reshape(x.shape) * g.reshape(-1, 1, 1)
            expected += b.reshape(-1, 1, 1)
            if y.shape != expected.shape or abs(y - expected).max() > 1e-8:
                raise ValueError("wrong")
            if any((a != c).any() for a, c in zip(handed, (x, g, b))):
                raise ValueError("overwritten")
    """,
)
