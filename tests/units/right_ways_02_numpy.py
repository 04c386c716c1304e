"""Right answers to the NumPy exercises of 02-batchnorm, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "batchnorm_forward",
    "feature by feature",
    """
    def batchnorm_forward(x, gamma, beta, eps=1e-5):
        N, D = x.shape
        y = np.zeros((N, D))
        for d in range(D):
            mean = sum(x[n, d] for n in range(N)) / N
            variance = sum((x[n, d] - mean) ** 2 for n in range(N)) / N
            for n in range(N):
                y[n, d] = gamma[d] * (x[n, d] - mean) / (variance + eps) ** 0.5 + beta[d]
        return y
    """,
)
way(
    "batchnorm_forward",
    "keepdims and a power",
    """
    def batchnorm_forward(x, gamma, beta, eps=1e-5):
        centred = x - np.mean(x, axis=0, keepdims=True)
        variance = np.mean(centred**2, axis=0, keepdims=True)
        return np.add(gamma * (centred * (variance + eps) ** -0.5), beta)
    """,
)
way(
    "batchnorm_forward",
    "one scale and one shift",
    """
    def batchnorm_forward(x, gamma, beta, eps=1e-5):
        scale = gamma / np.sqrt(x.std(axis=0) ** 2 + eps)
        return x * scale + (beta - x.mean(axis=0) * scale)
    """,
)
way(
    "batchnorm_forward",
    "difference of moments",
    """
    def batchnorm_forward(x, gamma, beta, eps=1e-5):
        mean = x.mean(0)
        var = (x * x).mean(0) - mean * mean
        return gamma * (x - mean) / np.sqrt(var + eps) + beta
    """,
)
way(
    "batchnorm_forward",
    "single precision",
    """
    def batchnorm_forward(x, gamma, beta, eps=1e-5):
        x = x.astype(np.float32)
        x = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + np.float32(eps))
        return gamma.astype(np.float32) * x + beta.astype(np.float32)
    """,
)

way(
    "running_statistics",
    "in place",
    """
    def running_statistics(batches, momentum=0.9):
        mean = np.zeros(batches[0].shape[1])
        var = np.zeros(batches[0].shape[1])
        for b in batches:
            mean *= momentum
            mean += (1 - momentum) * b.mean(axis=0)
            var *= momentum
            var += (1 - momentum) * b.var(axis=0)
        return mean, var
    """,
)
way(
    "running_statistics",
    "weights written out",
    """
    def running_statistics(batches, momentum=0.9):
        T = len(batches)
        weights = (1 - momentum) * momentum ** np.arange(T - 1, -1, -1.0)
        means = np.stack([b.mean(axis=0) for b in batches])
        variances = np.stack([((b - b.mean(axis=0)) ** 2).mean(axis=0) for b in batches])
        return weights @ means, weights @ variances
    """,
)
way(
    "running_statistics",
    "towards the new value, starting from scalars",
    """
    def running_statistics(batches, momentum=0.9):
        mean = var = 0.0
        for b in batches:
            mean = mean + (1 - momentum) * (np.mean(b, axis=0) - mean)
            var = var + (1 - momentum) * (np.var(b, axis=0) - var)
        return [mean, var]
    """,
)

way(
    "batchnorm_inference",
    "example by example",
    """
    def batchnorm_inference(x, running_mean, running_var, gamma, beta, eps=1e-5):
        return np.array([gamma * (row - running_mean) / np.sqrt(running_var + eps) + beta for row in x])
    """,
)
way(
    "batchnorm_inference",
    "one scale and one shift",
    """
    def batchnorm_inference(x, running_mean, running_var, gamma, beta, eps=1e-5):
        scale = gamma * (running_var + eps) ** -0.5
        return scale * x + (beta - scale * running_mean)
    """,
)
way(
    "batchnorm_inference",
    "a new axis each",
    """
    def batchnorm_inference(x, running_mean, running_var, gamma, beta, eps=1e-5):
        mean, var, g, b = (a[np.newaxis, :] for a in (running_mean, running_var, gamma, beta))
        y = x.copy()
        y -= mean
        y /= np.sqrt(var + eps)
        return g * y + b
    """,
)

way(
    "parameter_gradients",
    "einsum",
    """
    def parameter_gradients(dout, x, eps=1e-5):
        x_hat = (x - x.mean(0)) / np.sqrt(x.var(0) + eps)
        return np.einsum("nd,nd->d", dout, x_hat), np.einsum("nd->d", dout)
    """,
)
way(
    "parameter_gradients",
    "loop over examples",
    """
    def parameter_gradients(dout, x, eps=1e-5):
        mean, std = x.mean(axis=0), np.sqrt(x.var(axis=0) + eps)
        dgamma, dbeta = np.zeros(x.shape[1]), np.zeros(x.shape[1])
        for row, d in zip(x, dout):
            dgamma += d * (row - mean) / std
            dbeta += d
        return dgamma, dbeta
    """,
)
way(
    "parameter_gradients",
    "matrix products",
    """
    def parameter_gradients(dout, x, eps=1e-5):
        x_hat = (x - x.mean(axis=0, keepdims=True)) / np.sqrt(x.var(axis=0, keepdims=True) + eps)
        dbeta = np.ones(len(x)) @ dout
        dgamma = np.diag(dout.T @ x_hat)
        return dgamma, dbeta
    """,
)

way(
    "statistics_gradients",
    "the path from the variance to the mean kept (BB0)",
    """
    def statistics_gradients(dx_hat, x, eps=1e-5):
        mu, var = x.mean(axis=0), x.var(axis=0)
        ivar = 1.0 / np.sqrt(var + eps)
        dvar = (dx_hat * (x - mu)).sum(axis=0) * -0.5 * ivar ** 3
        dmu = -(dx_hat * ivar).sum(axis=0) + dvar * (-2 * (x - mu)).mean(axis=0)
        return dvar, dmu
    """,
)
way(
    "statistics_gradients",
    "powers of var + eps",
    """
    def statistics_gradients(dx_hat, x, eps=1e-5):
        v = np.var(x, axis=0) + eps
        dvar = -0.5 * v ** (-3 / 2) * np.sum(dx_hat * (x - x.mean(axis=0)), axis=0)
        dmu = -np.sum(dx_hat, axis=0) / np.sqrt(v)
        return dvar, dmu
    """,
)
way(
    "statistics_gradients",
    "through std",
    """
    def statistics_gradients(dx_hat, x, eps=1e-5):
        std = np.sqrt(((x - x.mean(0)) ** 2).mean(0) + eps)
        x_hat = (x - x.mean(0)) / std
        dstd = -(dx_hat * x_hat).sum(0) / std
        return dstd / (2 * std), (-dx_hat / std).sum(0)
    """,
)

way(
    "input_gradient",
    "row by row",
    """
    def input_gradient(dx_hat, x, dvar, dmu, eps=1e-5):
        N = len(x)
        mean, var = x.mean(axis=0), x.var(axis=0)
        dx = np.zeros_like(x)
        for n in range(N):
            dx[n] = dx_hat[n] / np.sqrt(var + eps) + dvar * 2 / N * (x[n] - mean) + dmu / N
        return dx
    """,
)
way(
    "input_gradient",
    "three arrays",
    """
    def input_gradient(dx_hat, x, dvar, dmu, eps=1e-5):
        N, D = x.shape
        direct = dx_hat * (x.var(axis=0) + eps) ** -0.5
        through_var = 2 / N * (x - x.mean(axis=0)) * dvar[None, :]
        through_mean = np.full((N, D), 1 / N) * dmu
        return direct + through_var + through_mean
    """,
)
way(
    "input_gradient",
    "accumulated in place, dvar -> dmu kept",
    """
    def input_gradient(dx_hat, x, dvar, dmu, eps=1e-5):
        centred = x - x.mean(axis=0)
        dx = dx_hat / np.sqrt((centred**2).mean(axis=0) + eps)
        dx += centred * (2 * dvar / x.shape[0])
        dx += (dmu - 2 * dvar * centred.mean(axis=0)) / x.shape[0]
        return dx
    """,
)

way(
    "batchnorm_backward",
    "node by node, dvar -> dmu kept (BB0)",
    """
    def batchnorm_backward(dout, x, gamma, eps=1e-5):
        N = x.shape[0]
        mu, var = x.mean(axis=0), x.var(axis=0)
        ivar = 1.0 / np.sqrt(var + eps)
        xhat = (x - mu) * ivar
        dxhat = dout * gamma
        dvar = (dxhat * (x - mu)).sum(axis=0) * -0.5 * ivar ** 3
        dmu = -(dxhat * ivar).sum(axis=0) + dvar * (-2 * (x - mu)).mean(axis=0)
        dx = dxhat * ivar + dvar * 2 * (x - mu) / N + dmu / N
        return dx, (dout * xhat).sum(axis=0), dout.sum(axis=0)
    """,
)
way(
    "batchnorm_backward",
    "the student's own functions chained",
    """
    def batchnorm_backward(dout, x, gamma, eps=1e-5):
        dgamma, dbeta = parameter_gradients(dout, x, eps)
        dvar, dmu = statistics_gradients(dout * gamma, x, eps)
        return input_gradient(dout * gamma, x, dvar, dmu, eps), dgamma, dbeta
    """,
)
way(
    "batchnorm_backward",
    "projections with means",
    """
    def batchnorm_backward(dout, x, gamma, eps=1e-5):
        std = np.sqrt(x.var(0) + eps)
        x_hat = (x - x.mean(0)) / std
        d = dout * gamma
        dx = (d - d.mean(0) - x_hat * (d * x_hat).mean(0)) / std
        return (dx, np.sum(dout * x_hat, 0), np.sum(dout, 0))
    """,
)
way(
    "batchnorm_backward",
    "the whole Jacobian of each feature",
    """
    def batchnorm_backward(dout, x, gamma, eps=1e-5):
        N, D = x.shape
        dx, dgamma = np.zeros((N, D)), np.zeros(D)
        for j in range(D):
            std = np.sqrt(x[:, j].var() + eps)
            h = (x[:, j] - x[:, j].mean()) / std
            jacobian = (np.eye(N) - np.ones((N, N)) / N - np.outer(h, h) / N) / std
            dx[:, j] = gamma[j] * jacobian.T @ dout[:, j]
            dgamma[j] = dout[:, j] @ h
        return dx, dgamma, dout.sum(axis=0)
    """,
)

way(
    "spatial_batchnorm",
    "over three axes, batchnorm unused",
    """
    def spatial_batchnorm(x, gamma, beta, eps=1e-5, batchnorm=None):
        mean = x.mean(axis=(0, 2, 3), keepdims=True)
        var = x.var(axis=(0, 2, 3), keepdims=True)
        y = (x - mean) / np.sqrt(var + eps)
        return gamma.reshape(1, -1, 1, 1) * y + beta.reshape(1, -1, 1, 1)
    """,
)
way(
    "spatial_batchnorm",
    "channels first, as rows",
    """
    def spatial_batchnorm(x, gamma, beta, eps=1e-5, batchnorm=batchnorm_forward):
        N, C, H, W = x.shape
        rows = x.swapaxes(0, 1).reshape(C, -1).T
        return batchnorm(rows, gamma, beta, eps).T.reshape(C, N, H, W).swapaxes(0, 1)
    """,
)
way(
    "spatial_batchnorm",
    "channel by channel",
    """
    def spatial_batchnorm(x, gamma, beta, eps=1e-5, batchnorm=batchnorm_forward):
        y = np.empty_like(x)
        for c in range(x.shape[1]):
            column = x[:, c].reshape(-1, 1)
            y[:, c] = batchnorm(column, gamma[c : c + 1], beta[c : c + 1], eps).reshape(x[:, c].shape)
        return y
    """,
)
way(
    "spatial_batchnorm",
    "moveaxis, eps by keyword",
    """
    def spatial_batchnorm(x, gamma, beta, eps=1e-5, batchnorm=batchnorm_forward):
        last = np.moveaxis(x, 1, -1)
        y = batchnorm(last.reshape(-1, x.shape[1]), gamma, beta, eps=eps)
        return np.moveaxis(y.reshape(last.shape), -1, 1)
    """,
)

way(
    "numerical_gradient",
    "in place and restored from a saved value",
    """
    def numerical_gradient(f, x, dout, h=1e-5):
        grad = np.zeros(x.shape)
        it = np.nditer(x, flags=["multi_index"])
        while not it.finished:
            i = it.multi_index
            old = x[i]
            x[i] = old + h
            up = np.sum(f(x) * dout)
            x[i] = old - h
            down = np.sum(f(x) * dout)
            x[i] = old
            grad[i] = (up - down) / (2 * h)
            it.iternext()
        return grad
    """,
)
way(
    "numerical_gradient",
    "unit vectors of the flattened input",
    """
    def numerical_gradient(f, x, dout, h=1e-5):
        def loss(z):
            return np.vdot(f(z.reshape(x.shape)), dout)

        flat = x.ravel()
        steps = h * np.eye(x.size)
        return np.array([(loss(flat + e) - loss(flat - e)) / 2 / h for e in steps]).reshape(x.shape)
    """,
)
way(
    "numerical_gradient",
    "two terms",
    """
    def numerical_gradient(f, x, dout, h=1e-5):
        gradient = np.zeros_like(x)
        for index, value in np.ndenumerate(x):
            z = np.array(x)
            z[index] = value + h
            gradient[index] = np.sum(f(z) * dout) / (2 * h)
            z[index] = value - h
            gradient[index] -= np.sum(f(z) * dout) / (2 * h)
        return gradient
    """,
)

way(
    "test_batchnorm_backward",
    "numbers and invariants, raising by hand",
    """
    def test_batchnorm_backward(implementation):
        x = np.array([[1.0, -2.0, 0.5], [3.0, 0.1, 1.5], [-1.0, 4.0, 0.7], [0.2, 1.0, 2.9]])
        dout = np.array([[1.0, 0.3, -2.0], [-0.5, 2.0, 0.4], [0.7, -1.1, 1.9], [2.2, 0.6, -0.3]])
        gamma, eps = np.array([0.5, -2.0, 3.0]), 0.3
        dx, dgamma, dbeta = implementation(dout, x, gamma, eps)
        if not np.allclose(dbeta, dout.sum(0)):
            raise AssertionError("dbeta")
        x_hat = (x - x.mean(0)) / np.sqrt(x.var(0) + eps)
        if not np.allclose(dgamma, (dout * x_hat).sum(0)):
            raise AssertionError("dgamma")
        h = 1e-6
        for n in range(4):
            for d in range(3):
                shift = np.zeros_like(x)
                shift[n, d] = h
                up = (batchnorm_forward(x + shift, gamma, 0 * gamma, eps) * dout).sum()
                down = (batchnorm_forward(x - shift, gamma, 0 * gamma, eps) * dout).sum()
                if abs((up - down) / (2 * h) - dx[n, d]) > 1e-5:
                    raise AssertionError(f"dx[{n}, {d}]")
    """,
)
way(
    "test_batchnorm_backward",
    "against a second implementation, several seeds",
    """
    def test_batchnorm_backward(implementation):
        for seed in range(3):
            rng = np.random.RandomState(seed)
            dout, x, gamma = rng.randn(5, 3), 2 + 0.7 * rng.randn(5, 3), rng.rand(3) + 0.5
            got = implementation(dout, x, gamma, 0.1)
            for a, b in zip(got, batchnorm_backward(dout, x, gamma, 0.1)):
                np.testing.assert_allclose(a, b, rtol=1e-7)
    """,
)
way(
    "test_batchnorm_backward",
    "numerical gradients, relative error",
    """
    def test_batchnorm_backward(implementation):
        rng = np.random.default_rng(7)
        x, dout, gamma, beta = rng.random((4, 3)), rng.random((4, 3)) - 0.3, rng.random(3) + 1, np.ones(3)
        dx, dgamma, dbeta = implementation(dout, x, gamma, 0.02)
        nx = numerical_gradient(lambda v: batchnorm_forward(v, gamma, beta, 0.02), x, dout)
        ng = numerical_gradient(lambda v: batchnorm_forward(x, v, beta, 0.02), gamma, dout)
        nb = numerical_gradient(lambda v: batchnorm_forward(x, gamma, v, 0.02), beta, dout)
        for a, n in ((dx, nx), (dgamma, ng), (dbeta, nb)):
            assert np.abs(a - n).max() < 1e-6 * max(1, np.abs(n).max())
    """,
)
