"""Right answers to the NumPy exercises of 09-hyperparameters on Bayesian optimisation and the winner.

The search without a model is in right_ways_09_numpy.
"""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "gp_posterior",
    "solve with the whole matrix",
    """
    def gp_posterior(x, y, x_new, length, scale, noise):
        K = kernel(x, x, length, scale)
        K[np.diag_indices(len(x))] += noise**2
        Ks = kernel(x_new, x, length, scale)
        both = np.linalg.solve(K, np.column_stack([y, Ks.T]))
        var = scale**2 - np.einsum("ij,ji->i", Ks, both[:, 1:])
        return Ks @ both[:, 0], np.sqrt(var.clip(min=0))
    """,
)
way(
    "gp_posterior",
    "the inverse, and a kernel of one's own",
    """
    def gp_posterior(x, y, x_new, length, scale, noise):
        def k(a, b):
            return scale**2 * np.exp(-np.subtract.outer(a, b) ** 2 / length**2 / 2)

        inverse = np.linalg.inv(k(x, x) + noise * noise * np.identity(x.size))
        weights = k(x_new, x) @ inverse
        var = np.diag(k(x_new, x_new) - weights @ k(x, x_new))
        return weights @ y, np.where(var > 0, var, 0) ** 0.5
    """,
)
way(
    "gp_posterior",
    "place by place, with alpha",
    """
    def gp_posterior(x, y, x_new, length, scale, noise):
        L = np.linalg.cholesky(kernel(x, x, length, scale) + np.diag(np.full(len(x), noise**2)))
        alpha = np.linalg.solve(L.T, np.linalg.solve(L, y))
        mean, std = [], []
        for place in x_new:
            k = kernel(x, np.array([place]), length, scale)[:, 0]
            mean.append(k @ alpha)
            rest = scale**2 - np.sum(np.linalg.solve(L, k) ** 2)
            std.append(max(rest, 0.0) ** 0.5)
        return [np.array(mean), np.array(std)]
    """,
)
way(
    "gp_posterior",
    "single precision",
    """
    def gp_posterior(x, y, x_new, length, scale, noise):
        K = kernel(x, x, length, scale).astype(np.float32) + np.float32(noise**2) * np.eye(len(x), dtype="f")
        Ks = kernel(x, x_new, length, scale).astype(np.float32)
        v = np.linalg.solve(np.linalg.cholesky(K), Ks)
        var = np.float32(scale**2) - np.square(v).sum(axis=0)
        return Ks.T @ np.linalg.solve(K, y.astype(np.float32)), np.sqrt(np.maximum(var, 0))
    """,
)
way(
    "gp_posterior",
    "eigenvectors",
    """
    def gp_posterior(x, y, x_new, length, scale, noise):
        values, vectors = np.linalg.eigh(kernel(x, x, length, scale))
        values = np.maximum(values, 0) + noise**2
        turned = vectors.T @ kernel(x, x_new, length, scale)
        mean = turned.T @ (vectors.T @ y / values)
        var = scale**2 - (turned**2 / values[:, None]).sum(axis=0)
        return mean, np.sqrt(np.maximum(0, var))
    """,
)

way(
    "expected_improvement",
    "masks",
    """
    def expected_improvement(mu, sd, best, xi=0.0):
        mu, sd = np.broadcast_arrays(np.asarray(mu, dtype=float), np.asarray(sd, dtype=float))
        imp = best - xi - mu
        out = np.array(np.maximum(imp, 0))
        some = sd > 0
        z = imp[some] / sd[some]
        out[some] = sd[some] * (z * normal_cdf(z) + normal_density(z))
        return out
    """,
)
way(
    "expected_improvement",
    "one after the other, with math",
    """
    import math

    def expected_improvement(mu, sd, best, xi=0.0):
        def one(m, s):
            gain = best - m - xi
            if s == 0:
                return max(gain, 0.0)
            z = gain / s
            cdf = math.erfc(-z / math.sqrt(2)) / 2
            return gain * cdf + s * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

        return np.vectorize(one, otypes=[float])(mu, sd)
    """,
)
way(
    "expected_improvement",
    "errstate, and a tie put right",
    """
    def expected_improvement(mu, sd, best, xi=0.0):
        gain = np.asarray(best - mu - xi, dtype=float)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.nan_to_num(gain / sd, nan=0.0, posinf=1e9, neginf=-1e9)
        return np.maximum(gain * normal_cdf(z) + sd * normal_density(z), 0.0)
    """,
)
way(
    "expected_improvement",
    "divide first, choose then",
    """
    def expected_improvement(mu, sd, best, xi=0.0):
        gain = best - mu - xi
        with np.errstate(all="ignore"):
            z = gain / sd
            value = gain * normal_cdf(z) + sd * normal_density(z)
        return np.where(sd > 0, value, np.maximum(gain, 0))
    """,
)
way(
    "expected_improvement",
    "a mask for those without doubt",
    """
    def expected_improvement(mu, sd, best, xi=0.0):
        gain = best - mu - xi
        out, some = np.maximum(gain, 0), sd > 0
        z = gain[some] / sd[some]
        out[some] = gain[some] * normal_cdf(z) + sd[some] * normal_density(z)
        return out
    """,
)
way(
    "expected_improvement",
    "a very small deviation for none",
    """
    def expected_improvement(mu, sd, best, xi=0.0):
        sd = np.maximum(sd, 1e-12)
        z = (best - mu - xi) / sd
        return (best - mu - xi) * normal_cdf(z) + sd * normal_density(z)
    """,
)

way(
    "winners_curse",
    "counts, and max with a key",
    """
    def winners_curse(validation, test):
        best = max(range(len(validation)), key=lambda i: sum(validation[i]))
        return best, sum(validation[best]) / len(validation[best]), sum(test[best]) / len(test[best])
    """,
)
way(
    "winners_curse",
    "a list, single precision",
    """
    def winners_curse(validation, test):
        on_val = np.asarray(validation, dtype=np.float32).sum(-1)
        i = int(np.argmax(on_val))
        return [i, on_val[i] / np.float32(validation.shape[1]), np.float32(np.mean(test, axis=1)[i])]
    """,
)
way(
    "winners_curse",
    "one model after the other",
    """
    def winners_curse(validation, test):
        best, high = 0, -1
        for i, answers in enumerate(validation):
            right = np.count_nonzero(answers)
            if right > high:
                best, high = i, right
        return best, high / validation.shape[1], np.count_nonzero(test[best]) / test.shape[1]
    """,
)

way(
    "test_expected_improvement",
    "the closed form, with erfc",
    """
    import math

    def test_expected_improvement(implementation):
        cases = [(1.0, 0.5, 1.3, 0.1), (1.0, 2.0, 0.2, 0.0), (-0.5, 0.7, -1.5, 0.3), (0.4, 0.0, 0.9, 0.2)]
        cases += [(0.4, 0.0, 0.4, 0.0), (0.4, 0.0, 0.1, 0.0)]
        for m, s, best, xi in cases:
            gain = best - m - xi
            want = max(gain, 0)
            if s:
                want = gain * math.erfc(-gain / s / math.sqrt(2)) / 2
                want += s * math.exp(-((gain / s) ** 2) / 2) / math.sqrt(2 * math.pi)
            mu, sd = np.array([m, m + 1]), np.array([s, 1.7])
            got = implementation(mu, sd, best, xi)
            assert np.shape(got) == (2,) and abs(got[0] - want) < 1e-8
            assert mu.tolist() == [m, m + 1] and sd.tolist() == [s, 1.7]
            assert np.allclose(got, np.flip(implementation(mu[::-1], sd[::-1], best, xi)))
        alone = implementation(np.array([0.2]), np.array([0.6]), 0.5)
        assert np.allclose(alone, implementation(np.array([0.2]), np.array([0.6]), 0.5, 0.0))
    """,
)
way(
    "test_expected_improvement",
    "many draws",
    """
    def test_expected_improvement(implementation):
        draws = np.random.default_rng(0).normal(size=400_000)
        draws = np.concatenate([draws, -draws])
        mu, sd = np.array([0.1, 0.8, 1.9, -0.4]), np.array([0.3, 0.0, 2.2, 1.6])
        for best, xi in [(0.9, 0.0), (0.8, 0.0), (0.6, 0.15), (1.4, 0.2)]:
            want = [np.maximum(best - m - s * draws - xi, 0).mean() for m, s in zip(mu, sd)]
            kept = mu.copy(), sd.copy()
            got = np.asarray(implementation(mu, sd, best, xi))
            assert got.shape == (4,) and np.abs(got - want).max() < 4e-3
            assert (mu == kept[0]).all() and (sd == kept[1]).all()
        assert np.abs(implementation(mu, sd, 0.9) - implementation(mu, sd, 0.9, 0.0)).max() < 1e-9
    """,
)
way(
    "test_expected_improvement",
    "properties",
    """
    def test_expected_improvement(implementation):
        def ei(m, s, best, xi):
            mu, sd = np.array([m, 3.0]), np.array([s, 0.4])
            first = np.asarray(implementation(mu, sd, best, xi))
            assert mu.tolist() == [m, 3.0] and sd.tolist() == [s, 0.4]
            alone = np.asarray(implementation(mu[1:], sd[1:], best, xi))
            assert np.allclose(first[1:], alone)
            return first[0]

        root = np.sqrt(2 * np.pi)
        assert np.isclose(ei(0.7, 2.0, 0.7, 0.0), 2 / root)
        assert np.isclose(ei(0.7, 0.3, 1.0, 0.3), 0.3 / root)
        for m, best, xi in ((0.2, 0.9, 0.1), (0.9, 0.2, 0.1), (0.5, 0.5, 0.0), (0.5, 0.5, 0.2)):
            assert np.isclose(ei(m, 0.0, best, xi), max(best - m - xi, 0))
        for gain, s in ((0.4, 0.6), (1.1, 1.8), (0.2, 2.4)):
            assert np.isclose(ei(0.3, s, 0.3 + gain + 0.1, 0.1) - ei(0.3, s, 0.3 - gain + 0.1, 0.1), gain)
            assert np.isclose(ei(0.3, s, 0.3 + gain, 0.0) / s, ei(0.0, 1.0, gain / s, 0.0))
            eps = 1e-4
            slope = ei(0.3, s, 0.3 + eps, 0.0) - ei(0.3, s, 0.3 - eps, 0.0)
            assert np.isclose(slope / (2 * eps), 0.5)
        three = implementation(np.array([0.1, 0.2]), np.array([0.5, 0.7]), 0.4)
        assert np.allclose(three, implementation(np.array([0.1, 0.2]), np.array([0.5, 0.7]), 0.4, 0.0))
        assert np.isclose(ei(0.0, 1.0, 0.8, 0.0), 0.8 * 0.788144601416603 + 0.28969155276148273)
    """,
)
