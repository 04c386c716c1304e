"""Right answers to the NumPy exercises of 06-regularization, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "add_l2",
    "a squared norm",
    """
    def add_l2(loss, dW, db, W, b, lam):
        return loss + 0.5 * lam * np.linalg.norm(W) ** 2, lam * W + dW, db.copy()
    """,
)
way(
    "add_l2",
    "a dot product, and a copy changed in place",
    """
    def add_l2(loss, dW, db, W, b, lam):
        w = W.ravel()
        gradient = dW.copy()
        gradient += lam * W
        return loss + lam * (w @ w) / 2, gradient, db
    """,
)
way(
    "add_l2",
    "entry by entry, plain numbers",
    """
    def add_l2(loss, dW, db, W, b, lam):
        total, gradient = loss, np.empty(W.shape)
        for i, j in np.ndindex(W.shape):
            total += lam / 2 * float(W[i, j]) ** 2
            gradient[i, j] = dW[i, j] + lam * W[i, j]
        return total, gradient, db + 0
    """,
)
way(
    "add_l2",
    "in single precision",
    """
    def add_l2(loss, dW, db, W, b, lam):
        W, dW, lam = W.astype(np.float32), dW.astype(np.float32), np.float32(lam)
        return np.float32(loss) + lam / 2 * np.sum(W * W), dW + lam * W, db
    """,
)

way(
    "elastic_net",
    "two penalties",
    """
    def elastic_net(W, lam, a):
        l1, l2 = lam * a, lam * (1 - a)
        penalty = l1 * np.abs(W).sum() + l2 / 2 * np.square(W).sum()
        return penalty, l1 * np.sign(W) + l2 * W
    """,
)
way(
    "elastic_net",
    "where",
    """
    def elastic_net(W, lam, a):
        signs = np.where(W > 0, 1, np.where(W < 0, -1, 0))
        penalty = np.sum(a * signs * W + 0.5 * (1 - a) * W * W) * lam
        return penalty, lam * (a * signs + W - a * W)
    """,
)
way(
    "elastic_net",
    "divided by the absolute value where there is one",
    """
    def elastic_net(W, lam, a):
        size = np.abs(W)
        signs = np.divide(W, size, out=np.zeros(W.shape), where=size > 0)
        return lam * (a * size.sum() + (1 - a) / 2 * np.linalg.norm(W) ** 2), lam * (a * signs + (1 - a) * W)
    """,
)
way(
    "elastic_net",
    "entry by entry",
    """
    def elastic_net(W, lam, a):
        penalty, gradient = 0.0, np.zeros(W.shape)
        for place in np.ndindex(W.shape):
            w = W[place]
            penalty += lam * (a * abs(w) + (1 - a) * w**2 / 2)
            if w != 0:
                gradient[place] = lam * (a * (1 if w > 0 else -1) + (1 - a) * w)
        return penalty, gradient
    """,
)

way(
    "soft_threshold",
    "what is left after clipping",
    """
    def soft_threshold(v, t):
        return v - np.clip(v, -t, t)
    """,
)
way(
    "soft_threshold",
    "three cases",
    """
    def soft_threshold(v, t):
        return np.where(v > t, v - t, np.where(v < -t, v + t, 0.0))
    """,
)
way(
    "soft_threshold",
    "two ramps",
    """
    def soft_threshold(v, t):
        return np.maximum(v - t, 0) - np.maximum(-v - t, 0)
    """,
)
way(
    "soft_threshold",
    "a copy, with masks",
    """
    def soft_threshold(v, t):
        moved = np.zeros_like(v)
        moved[v > t] = v[v > t] - t
        moved[v < -t] = v[v < -t] + t
        return moved
    """,
)
way(
    "soft_threshold",
    "a factor, where there is one",
    """
    def soft_threshold(v, t):
        size = np.abs(v)
        factor = 1 - np.divide(t, size, out=np.ones(v.shape), where=size > t)
        return v * factor
    """,
)
way(
    "soft_threshold",
    "number by number",
    """
    def soft_threshold(v, t):
        def move(number):
            if abs(number) <= t:
                return 0.0
            return number - t if number > 0 else number + t

        return np.vectorize(move, otypes=[float])(v)
    """,
)

way(
    "smoothed_cross_entropy",
    "two losses, mixed",
    """
    def smoothed_cross_entropy(scores, y, eps):
        N, K = scores.shape
        shifted = scores - scores.max(1, keepdims=True)
        sums = np.exp(shifted).sum(1)
        per_class = np.log(sums)[:, None] - shifted
        loss = (1 - eps) * per_class[np.arange(N), y].mean() + eps * per_class.mean()
        targets = (1 - eps) * np.eye(K)[y] + eps / K
        return loss, (np.exp(shifted) / sums[:, None] - targets) / N
    """,
)
way(
    "smoothed_cross_entropy",
    "logaddexp",
    """
    def smoothed_cross_entropy(scores, y, eps):
        N, K = scores.shape
        logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
        q = np.where(np.arange(K) == y[:, None], 1 - eps + eps / K, eps / K)
        return -np.mean((q * logs).sum(axis=1)), (np.exp(logs) - q) / len(y)
    """,
)
way(
    "smoothed_cross_entropy",
    "example by example",
    """
    def smoothed_cross_entropy(scores, y, eps):
        N, K = scores.shape
        loss, gradient = 0.0, np.zeros((N, K))
        for n in range(N):
            z = scores[n] - max(scores[n])
            log_sum = np.log(sum(np.exp(z)))
            for k in range(K):
                target = eps / K + (1 - eps) * (k == y[n])
                loss -= target * (z[k] - log_sum) / N
                gradient[n, k] = (np.exp(z[k] - log_sum) - target) / N
        return loss, gradient
    """,
)
way(
    "smoothed_cross_entropy",
    "a product of matrices",
    """
    def smoothed_cross_entropy(scores, y, eps):
        N, K = scores.shape
        onehot = np.zeros((N, K))
        onehot[range(N), y] = 1.0
        q = onehot @ ((1 - eps) * np.eye(K) + eps / K * np.ones((K, K)))
        z = (scores.T - scores.max(axis=1)).T
        p = np.exp(z) / np.exp(z).sum(axis=1)[:, None]
        log_sum = np.log(np.exp(z).sum(axis=1))
        return (log_sum - (q * z).sum(axis=1)).mean(), (p - q) / N
    """,
)
