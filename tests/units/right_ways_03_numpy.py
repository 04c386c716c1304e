"""Right answers to the NumPy exercises of 03-normalization-family, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways
from tests.units.right_ways_03_numpy_whitening import WAYS as WHITENING

WAYS = Ways(WHITENING)
way = WAYS.add

way(
    "normalize",
    "axes put back by hand",
    """
    def normalize(x, axes, eps=1e-5):
        mean = np.expand_dims(x.mean(axis=axes), axes)
        variance = np.expand_dims(x.var(axis=axes), axes)
        root = np.sqrt(variance + eps)
        return (x - mean) / root, 1 / root
    """,
)
way(
    "normalize",
    "a power of the mean square",
    """
    def normalize(x, axes, eps=1e-5):
        deviation = x - np.mean(x, axes, keepdims=True)
        ivar = ((deviation**2).mean(axes, keepdims=True) + eps) ** -0.5
        return deviation * ivar, ivar
    """,
)
way(
    "normalize",
    "float32",
    """
    def normalize(x, axes, eps=1e-5):
        x = x.astype(np.float32)
        ivar = (1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)).astype(np.float32)
        return (x - x.mean(axis=axes, keepdims=True)) * ivar, ivar
    """,
)
way(
    "normalize",
    "sums, one axis after the other",
    """
    def normalize(x, axes, eps=1e-5):
        m, total, squares = 1, x, x * x
        for a in axes:
            m *= x.shape[a]
            total, squares = total.sum(axis=a, keepdims=True), squares.sum(axis=a, keepdims=True)
        ivar = 1 / np.sqrt(squares / m - (total / m) ** 2 + eps)
        return x * ivar - total / m * ivar, ivar
    """,
)

way(
    "layer_norm",
    "transposed",
    """
    def layer_norm(x, gamma, beta, eps=1e-5):
        x_hat = ((x.T - x.mean(1)) / np.sqrt(x.var(1) + eps)).T
        return x_hat * gamma + beta
    """,
)
way(
    "layer_norm",
    "row by row",
    """
    def layer_norm(x, gamma, beta, eps=1e-5):
        out = []
        for row in x:
            out.append(gamma * (row - row.mean()) / (row.var() + eps) ** 0.5 + beta)
        return np.array(out)
    """,
)
way(
    "layer_norm",
    "one factor and one term",
    """
    def layer_norm(x, gamma, beta, eps=1e-5):
        scale = np.outer(1 / np.sqrt(x.var(axis=-1) + eps), gamma)
        return scale * x + (beta - scale * x.mean(axis=-1, keepdims=True))
    """,
)
way(
    "layer_norm",
    "in place on a copy",
    """
    def layer_norm(x, gamma, beta, eps=1e-5):
        y = x.copy()
        y -= y.mean(axis=1)[:, None]
        y /= np.sqrt((y * y).mean(axis=1)[:, None] + eps)
        y *= gamma
        y += beta
        return y
    """,
)

way(
    "layer_norm_backward",
    "node by node",
    """
    def layer_norm_backward(dout, x, gamma, eps=1e-5):
        D = x.shape[1]
        mu, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
        xc, ivar = x - mu, 1 / np.sqrt(var + eps)
        dxhat = dout * gamma
        dvar = (dxhat * xc).sum(axis=1, keepdims=True) * -0.5 * ivar**3
        dmu = -(dxhat * ivar).sum(axis=1, keepdims=True) + dvar * (-2 * xc).mean(axis=1, keepdims=True)
        dx = dxhat * ivar + dvar * 2 * xc / D + dmu / D
        return dx, np.sum(dout * xc * ivar, axis=0), np.sum(dout, axis=0)
    """,
)
way(
    "layer_norm_backward",
    "sums over m",
    """
    def layer_norm_backward(dout, x, gamma, eps=1e-5):
        m = x.shape[1]
        x_hat, ivar = normalize(x, (1,), eps)
        d = dout * gamma
        along = np.sum(d * x_hat, axis=1)[:, None]
        dx = ivar / m * (m * d - np.sum(d, axis=1)[:, None] - x_hat * along)
        return dx, np.einsum("nd,nd->d", dout, x_hat), np.einsum("nd->d", dout)
    """,
)
way(
    "layer_norm_backward",
    "the Jacobian of each row",
    """
    def layer_norm_backward(dout, x, gamma, eps=1e-5):
        D = x.shape[1]
        dx, dgamma, dbeta = np.empty_like(x), np.zeros(D), np.zeros(D)
        for n in range(len(x)):
            root = np.sqrt(x[n].var() + eps)
            own = (x[n] - x[n].mean()) / root
            J = (np.eye(D) - 1 / D - np.outer(own, own) / D) / root
            dx[n] = J @ (dout[n] * gamma)
            dgamma += dout[n] * own
            dbeta += dout[n]
        return dx, dgamma, dbeta
    """,
)
way(
    "layer_norm_backward",
    "a list, float32",
    """
    def layer_norm_backward(dout, x, gamma, eps=1e-5):
        dout, x, gamma = (v.astype(np.float32) for v in (dout, x, gamma))
        x_hat, ivar = normalize(x, (1,), np.float32(eps))
        d = dout * gamma
        d = d - d.mean(1, keepdims=True) - x_hat * (d * x_hat).mean(1, keepdims=True)
        return [ivar * d, (dout * x_hat).sum(0), dout.sum(0)]
    """,
)

way(
    "instance_norm",
    "pixels in a row",
    """
    def instance_norm(x, gamma, beta, eps=1e-5):
        N, C = x.shape[:2]
        flat = x.reshape(N, C, -1)
        mu, var = flat.mean(axis=2, keepdims=True), flat.var(axis=2, keepdims=True)
        y = gamma.reshape(1, C, 1) * (flat - mu) / np.sqrt(var + eps) + beta.reshape(1, C, 1)
        return y.reshape(x.shape)
    """,
)
way(
    "instance_norm",
    "channel by channel",
    """
    def instance_norm(x, gamma, beta, eps=1e-5):
        y = np.zeros_like(x)
        for n in range(x.shape[0]):
            for c in range(x.shape[1]):
                own = x[n, c]
                y[n, c] = gamma[c] * (own - own.mean()) / np.sqrt(own.var() + eps) + beta[c]
        return y
    """,
)
way(
    "instance_norm",
    "channels last",
    """
    def instance_norm(x, gamma, beta, eps=1e-5):
        last = np.moveaxis(x, 1, -1)
        x_hat, _ = normalize(last, (1, 2), eps)
        return np.moveaxis(gamma * x_hat + beta, -1, 1)
    """,
)
way(
    "instance_norm",
    "layer norm of each channel",
    """
    def instance_norm(x, gamma, beta, eps=1e-5):
        rows = x.reshape(x.shape[0] * x.shape[1], -1)
        m = rows.shape[1]
        x_hat = layer_norm(rows, np.ones(m), np.zeros(m), eps).reshape(x.shape)
        return np.einsum("c,nchw->nchw", gamma, x_hat) + beta[None, :, None, None]
    """,
)

way(
    "group_norm",
    "a row for each group",
    """
    def group_norm(x, gamma, beta, groups, eps=1e-5):
        rows = x.reshape(len(x), groups, -1)
        rows = (rows - rows.mean(axis=-1, keepdims=True)) / np.sqrt(rows.var(axis=-1, keepdims=True) + eps)
        return gamma.reshape(1, -1, 1, 1) * rows.reshape(x.shape) + beta.reshape(1, -1, 1, 1)
    """,
)
way(
    "group_norm",
    "group by group",
    """
    def group_norm(x, gamma, beta, groups, eps=1e-5):
        parts = [normalize(part, (1, 2, 3), eps)[0] for part in np.split(x, groups, axis=1)]
        return np.concatenate(parts, axis=1) * gamma[:, None, None] + beta[:, None, None]
    """,
)
way(
    "group_norm",
    "groups before images",
    """
    def group_norm(x, gamma, beta, groups, eps=1e-5):
        N, C, H, W = x.shape
        x_hat = normalize(x.reshape(N * groups, C // groups, H, W), (1, 2, 3), eps)[0]
        return (gamma * x_hat.reshape(N, C, -1).swapaxes(1, 2) + beta).swapaxes(1, 2).reshape(x.shape)
    """,
)
way(
    "group_norm",
    "statistics repeated for the channels",
    """
    def group_norm(x, gamma, beta, groups, eps=1e-5):
        size = x.shape[1] // groups
        y = np.empty_like(x)
        for n, image in enumerate(x):
            for g in range(groups):
                own = slice(g * size, (g + 1) * size)
                x_hat = (image[own] - image[own].mean()) / np.sqrt(image[own].var() + eps)
                y[n, own] = gamma[own].reshape(-1, 1, 1) * x_hat + beta[own].reshape(-1, 1, 1)
        return y
    """,
)

way(
    "group_norm_backward",
    "layer norm of the groups",
    """
    def group_norm_backward(dout, x, gamma, groups, eps=1e-5):
        rows = x.reshape(len(x) * groups, -1)
        dx_hat = (gamma.reshape(-1, 1, 1) * dout).reshape(rows.shape)
        dx = layer_norm_backward(dx_hat, rows, np.ones(rows.shape[1]), eps)[0].reshape(x.shape)
        x_hat = normalize(rows, (1,), eps)[0].reshape(x.shape)
        return dx, np.einsum("nchw,nchw->c", dout, x_hat), np.einsum("nchw->c", dout)
    """,
)
way(
    "group_norm_backward",
    "node by node",
    """
    def group_norm_backward(dout, x, gamma, groups, eps=1e-5):
        z = x.reshape(x.shape[0], groups, -1)
        m = z.shape[-1]
        mu, var = z.mean(-1, keepdims=True), z.var(-1, keepdims=True)
        xc, ivar = z - mu, (var + eps) ** -0.5
        d = (dout * gamma[None, :, None, None]).reshape(z.shape)
        dvar = -0.5 * ivar**3 * (d * xc).sum(-1, keepdims=True)
        dmu = -ivar * d.sum(-1, keepdims=True)
        dx = d * ivar + 2 * dvar * xc / m + dmu / m
        x_hat = (xc * ivar).reshape(x.shape)
        return dx.reshape(x.shape), (dout * x_hat).sum((0, 2, 3)), dout.sum((0, 2, 3))
    """,
)
way(
    "group_norm_backward",
    "group by group",
    """
    def group_norm_backward(dout, x, gamma, groups, eps=1e-5):
        pieces = [np.split(v, groups, axis=1) for v in (dout, x)]
        dx, dgamma, dbeta = [], [], []
        for d, own, g in zip(*pieces, np.split(gamma, groups)):
            x_hat, ivar = normalize(own, (1, 2, 3), eps)
            h = d * g.reshape(-1, 1, 1)
            inner = h - h.mean((1, 2, 3), keepdims=True) - x_hat * (h * x_hat).mean((1, 2, 3), keepdims=True)
            dx.append(ivar * inner)
            dgamma.append((d * x_hat).sum((0, 2, 3)))
            dbeta.append(d.sum((0, 2, 3)))
        return np.concatenate(dx, 1), np.concatenate(dgamma), np.concatenate(dbeta)
    """,
)
