"""Right answers to the NumPy exercises of 11-transfer-learning, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "prepare",
    "on the scale up to 255",
    """
    def prepare(images, mean, std):
        mean, std = 255 * np.asarray(mean), 255 * np.asarray(std)
        return (images.astype(float) - mean) / std
    """,
)
way(
    "prepare",
    "channel by channel",
    """
    def prepare(images, mean, std):
        out = np.zeros(images.shape)
        for c in range(images.shape[-1]):
            out[..., c] = (images[..., c] / 255.0 - mean[c]) / std[c]
        return out
    """,
)
way(
    "prepare",
    "float32, in place on a copy",
    """
    def prepare(images, mean, std):
        x = images.astype(np.float32)
        x /= 255
        x -= mean.astype(np.float32)
        x /= std.astype(np.float32)
        return x
    """,
)
way(
    "prepare",
    "one factor and one term",
    """
    def prepare(images, mean, std):
        scale = 1 / (255 * std)
        return images * scale - mean / std
    """,
)

way(
    "class_means",
    "class by class",
    """
    def class_means(features, y, K):
        means = []
        for k in range(K):
            own = features[y == k]
            if len(own) == 0:
                raise ValueError(f"class {k} has no image")
            means.append(own.mean(axis=0))
        return np.array(means)
    """,
)
way(
    "class_means",
    "np.add.at",
    """
    def class_means(features, y, K):
        missing = set(range(K)) - set(y.tolist())
        if missing:
            raise ValueError(f"Expected all of {K} classes, without images are {sorted(missing)}.")
        sums, counts = np.zeros((K, features.shape[1])), np.zeros((K, 1))
        np.add.at(sums, y, features)
        np.add.at(counts, y, 1)
        return sums / counts
    """,
)
way(
    "class_means",
    "a comparison as weights, nan found at the end",
    """
    def class_means(features, y, K):
        own = y == np.arange(K)[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            weights = own / own.sum(axis=1, keepdims=True)
        if np.isnan(weights).any():
            raise ValueError("a class has no image")
        return weights @ features
    """,
)
way(
    "class_means",
    "image by image",
    """
    def class_means(features, y, K):
        total, count = np.zeros((K, features.shape[1])), [0] * K
        for f, k in zip(features, y):
            total[k] += f
            count[k] += 1
        if 0 in count:
            raise ValueError(f"no image of class {count.index(0)}")
        return total / np.array(count).reshape(-1, 1)
    """,
)
way(
    "class_means",
    "sorted and cut",
    """
    def class_means(features, y, K):
        if set(np.unique(y)) != set(range(K)):
            raise ValueError("every class needs an image")
        order = np.argsort(y, kind="stable")
        ends = np.searchsorted(y[order], np.arange(1, K))
        return np.stack([part.mean(0) for part in np.split(features[order], ends)])
    """,
)

way(
    "nearest",
    "all differences",
    """
    def nearest(features, means):
        return ((features[:, None, :] - means[None]) ** 2).sum(axis=2).argmin(axis=1)
    """,
)
way(
    "nearest",
    "distances with a root",
    """
    def nearest(features, means):
        distances = [np.linalg.norm(features - mean, axis=1) for mean in means]
        return np.argmin(distances, axis=0)
    """,
)
way(
    "nearest",
    "image by image",
    """
    def nearest(features, means):
        labels = []
        for f in features:
            best, label = np.inf, -1
            for k, mean in enumerate(means):
                distance = np.sum((f - mean) ** 2)
                if distance < best:
                    best, label = distance, k
            labels.append(label)
        return np.array(labels)
    """,
)
way(
    "nearest",
    "the whole square, multiplied out",
    """
    def nearest(features, means):
        squares = (features**2).sum(1)[:, None] - 2 * features @ means.T + (means**2).sum(1)
        return np.argmin(squares, axis=-1)
    """,
)
way(
    "nearest",
    "moved by the mean of the means",
    """
    def nearest(features, means):
        centre = means.mean(axis=0)
        f, m = features - centre, means - centre
        return (f @ m.T - (m**2).sum(axis=1) / 2).argmax(axis=1)
    """,
)
way(
    "nearest",
    "moved by the mean of the features",
    """
    def nearest(features, means):
        centre = features.mean(axis=0)
        return ((features - centre)[:, None] - (means - centre)).__pow__(2).sum(-1).argmin(-1)
    """,
)
way(
    "nearest",
    "a head",
    """
    def nearest(features, means):
        W, b = means.T, -0.5 * np.einsum("kd,kd->k", means, means)
        return np.argmax(features @ W + b, axis=1)
    """,
)

way(
    "softmax_loss",
    "np.logaddexp and a subtraction at the label",
    """
    def softmax_loss(W, b, features, y, weight_decay):
        N = features.shape[0]
        s = features @ W + b
        total = np.logaddexp.reduce(s, axis=1)
        loss = np.mean(total - s[np.arange(N), y]) + 0.5 * weight_decay * np.sum(W * W)
        ds = np.exp(s - total[:, None])
        ds[np.arange(N), y] -= 1
        ds /= N
        return loss, features.T @ ds + weight_decay * W, ds.sum(axis=0)
    """,
)
way(
    "softmax_loss",
    "image by image",
    """
    def softmax_loss(W, b, features, y, weight_decay):
        loss, dW, db = 0.0, np.zeros_like(W), np.zeros_like(b)
        for f, label in zip(features, y):
            s = f @ W + b
            s = s - max(s)
            e = np.exp(s)
            loss += np.log(e.sum()) - s[label]
            p = e / e.sum()
            p[label] -= 1
            dW += np.outer(f, p)
            db += p
        N = len(y)
        penalty = weight_decay * np.linalg.norm(W) ** 2 / 2
        return loss / N + penalty, dW / N + weight_decay * W, db / N
    """,
)
way(
    "softmax_loss",
    "one-hot rows and a mean at the end",
    """
    def softmax_loss(W, b, features, y, weight_decay):
        N, K = len(features), len(b)
        onehot = (y[:, None] == np.arange(K)).astype(float)
        s = features.dot(W) + b[None]
        s -= s.max(axis=1)[:, None]
        e = np.exp(s)
        loss = (np.log(e.sum(axis=1)) - (s * onehot).sum(axis=1)).mean()
        loss = loss + weight_decay / 2 * np.square(W).sum()
        delta = e / e.sum(axis=1, keepdims=True) - onehot
        dW = np.einsum("nd,nk->dk", features, delta) / N + weight_decay * W
        return loss, dW, delta.mean(axis=0)
    """,
)
way(
    "softmax_loss",
    "the bias as a last row",
    """
    def softmax_loss(W, b, features, y, weight_decay):
        x = np.hstack([features, np.ones((len(features), 1))])
        V = np.vstack([W, b])
        s = x @ V
        log_p = s - s.max(1, keepdims=True)
        log_p = log_p - np.log(np.sum(np.exp(log_p), axis=1, keepdims=True))
        own = np.take_along_axis(log_p, y[:, None], axis=1)
        loss = -own.sum() / len(y) + weight_decay * (W**2).sum() / 2
        d = np.exp(log_p)
        np.subtract.at(d, (np.arange(len(y)), y), 1)
        dV = x.T @ d / len(y)
        return loss, dV[:-1] + weight_decay * W, dV[-1]
    """,
)
way(
    "softmax_loss",
    "a list of three",
    """
    def softmax_loss(W, b, features, y, weight_decay):
        s = features @ W + b
        gaps = s[:, None, :] - s[:, :, None]
        with np.errstate(over="ignore"):
            p = 1 / np.exp(gaps).sum(axis=2)
        top = s.max(axis=1)
        log_sum = top + np.log(np.exp(s - top[:, None]).sum(axis=1))
        loss = (log_sum - s[range(len(y)), y]).mean() + weight_decay * (W * W).sum() / 2
        d = (p - np.identity(len(b))[y]) / len(y)
        return [loss, features.T @ d + weight_decay * W, d.sum(0)]
    """,
)

way(
    "train_head",
    "softmax of its own",
    """
    def train_head(features, y, K, lr, steps, weight_decay):
        N, D = features.shape
        W, b = np.zeros((D, K)), np.zeros(K)
        Y = np.eye(K)[y]
        for step in range(steps):
            s = features @ W + b
            e = np.exp(s - s.max(axis=1, keepdims=True))
            ds = (e / e.sum(axis=1, keepdims=True) - Y) / N
            dW, db = features.T @ ds + weight_decay * W, ds.sum(axis=0)
            W -= lr * dW
            b -= lr * db
        return W, b
    """,
)
way(
    "train_head",
    "while, in place",
    """
    def train_head(features, y, K, lr, steps, weight_decay):
        W, b = np.zeros((features.shape[-1], K)), np.zeros((K,))
        while steps > 0:
            loss, dW, db = softmax_loss(W, b, features, y, weight_decay)
            W += -lr * dW
            b += -lr * db
            steps -= 1
        return W, b
    """,
)
way(
    "train_head",
    "decay as a shrinking factor",
    """
    def train_head(features, y, K, lr, steps, weight_decay):
        W, b = np.zeros((features.shape[1], K)), np.zeros(K)
        for _ in range(steps):
            dW, db = softmax_loss(W, b, features, y, 0)[1:]
            W, b = (1 - lr * weight_decay) * W - lr * dW, b - lr * db
        return W, b
    """,
)
way(
    "train_head",
    "recursion",
    """
    def train_head(features, y, K, lr, steps, weight_decay):
        if steps == 0:
            return np.zeros((features.shape[1], K)), np.zeros(K)
        W, b = train_head(features, y, K, lr, steps - 1, weight_decay)
        _, dW, db = softmax_loss(W, b, features, y, weight_decay)
        return W - lr * dW, b - lr * db
    """,
)

way(
    "fold",
    "with the old weights",
    """
    def fold(W, b, m, sigma):
        return W / sigma.reshape(-1, 1), b - (m / sigma) @ W
    """,
)
way(
    "fold",
    "matrices",
    """
    def fold(W, b, m, sigma):
        scale = np.diag(1 / sigma)
        new = scale @ W
        return new, b - new.T @ m
    """,
)
way(
    "fold",
    "feature by feature",
    """
    def fold(W, b, m, sigma):
        new_W, new_b = W.copy(), b.copy()
        for j in range(len(sigma)):
            new_W[j] /= sigma[j]
            new_b -= m[j] * new_W[j]
        return new_W, new_b
    """,
)
way(
    "fold",
    "asked at zero and at the unit vectors",
    """
    def fold(W, b, m, sigma):
        def scores(f):
            return (f - m) / sigma @ W + b

        new_b = scores(np.zeros_like(m))
        return scores(np.eye(len(m))) - new_b, new_b
    """,
)

way(
    "pca",
    "eigenvectors of the covariance",
    """
    def pca(features, k):
        mean = np.mean(features, axis=0)
        values, vectors = np.linalg.eigh(np.cov(features, rowvar=False))
        order = np.argsort(values)[::-1][:k]
        return mean, vectors[:, order].T, values[order] / values.sum()
    """,
)
way(
    "pca",
    "the other signs, all factors",
    """
    def pca(features, k):
        mean = features.mean(0, keepdims=True)
        U, S, Vt = np.linalg.svd(features - mean)
        share = (S / np.linalg.norm(S)) ** 2
        return mean[0], -Vt[0:k, :], share[0:k]
    """,
)
way(
    "pca",
    "the table of products of the images",
    """
    def pca(features, k):
        mean = features.mean(axis=0)
        F = features - mean
        values, vectors = np.linalg.eigh(F @ F.T)
        values, vectors = values[::-1], vectors[:, ::-1]
        directions = (F.T @ vectors[:, :k] / np.sqrt(values[:k])).T
        return mean, directions, values[:k] / np.trace(F @ F.T)
    """,
)
way(
    "pca",
    "one direction after the other",
    """
    def pca(features, k):
        mean = features.mean(axis=0)
        rest = features - mean
        total = np.var(features, axis=0).sum()
        directions, shares = [], []
        for _ in range(k):
            u = np.linalg.svd(rest.T)[0][:, 0]
            shares.append(np.var(rest @ u) / total)
            directions.append(u if u[0] > 0 else -u)
            rest = rest - np.outer(rest @ u, u)
        return mean, np.array(directions), np.array(shares)
    """,
)

way(
    "feature_step",
    "features first",
    """
    def feature_step(x, y, B, v):
        features = x @ B.T
        ds = (features @ v - y) / len(x)
        df = ds[:, None] * v
        return df.T @ x
    """,
)
way(
    "feature_step",
    "input by input",
    """
    def feature_step(x, y, B, v):
        dB = np.zeros_like(B)
        for one, target in zip(x, y):
            r = v @ (B @ one) - target
            dB += r * np.outer(v, one)
        return dB / x.shape[0]
    """,
)
way(
    "feature_step",
    "einsum",
    """
    def feature_step(x, y, B, v):
        r = np.einsum("i,il,nl->n", v, B, x) - y
        return np.einsum("n,i,nl->il", r, v, x) / r.size
    """,
)
way(
    "feature_step",
    "a column times a row",
    """
    def feature_step(x, y, B, v):
        q = ((x.dot(B.T).dot(v) - y)[:, None] * x).mean(axis=0)
        return v[:, None] * q[None, :]
    """,
)

way(
    "cka",
    "tables of products",
    """
    def cka(a, b):
        N = len(a)
        H = np.eye(N) - 1 / N
        G, L = H @ a @ a.T @ H, H @ b @ b.T @ H
        return (G * L).sum() / np.sqrt((G**2).sum() * (L**2).sum())
    """,
)
way(
    "cka",
    "traces",
    """
    def cka(a, b):
        a = a - np.mean(a, 0)
        b = b - np.mean(b, 0)
        cross = a.T @ b

        def size(m):
            return np.sqrt(np.trace(m.T @ m))

        return np.trace(cross @ cross.T) / size(a.T @ a) / size(b.T @ b)
    """,
)
way(
    "cka",
    "covariances",
    """
    def cka(a, b):
        D = a.shape[1]
        C = np.cov(a.T, b.T)
        own, other, cross = C[:D, :D], C[D:, D:], C[:D, D:]
        return np.sum(cross**2) / np.sqrt(np.sum(own**2) * np.sum(other**2))
    """,
)
way(
    "cka",
    "singular values",
    """
    def cka(a, b):
        U, S, _ = np.linalg.svd(a - a.mean(axis=0), full_matrices=False)
        V, T, _ = np.linalg.svd(b - b.mean(axis=0), full_matrices=False)
        weights = np.outer(S**2, T**2) * (U.T @ V) ** 2
        return weights.sum() / (np.linalg.norm(S**2) * np.linalg.norm(T**2))
    """,
)

TRIES = """
        rng = np.random.default_rng(3)
        W, b, f = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=(6, 4))
        y, decay = np.array([2, 0, 1, 1, 0, 2]), 0.3
"""
FAR = """
        W, b, f, y = np.array([[2000.0, 0.0]]), np.zeros(2), np.array([[1.0], [-1.0]]), np.array([1, 1])
        loss, dW, db = implementation(W, b, f, y, 0.0)
        assert abs(loss - 1000) < 1e-6
        assert np.allclose(dW, [[0.5, -0.5]]) and np.allclose(db, [0.5, -0.5])
"""

way(
    "test_softmax_loss",
    "difference quotients, and a loss by hand",
    f"""
    def test_softmax_loss(implementation):
{TRIES}
        def loss_at(W, b):
            s = f @ W + b
            each = np.log(np.exp(s).sum(axis=1)) - s[np.arange(6), y]
            return each.mean() + decay * (W**2).sum() / 2

        kept = W.copy(), b.copy(), f.copy(), y.copy()
        loss, dW, db = implementation(W, b, f, y, decay)
        for now, before in zip((W, b, f, y), kept):
            assert np.array_equal(now, before)
        assert abs(loss - loss_at(W, b)) < 1e-10
        h = 1e-6
        for i in np.ndindex(W.shape):
            up, down = W.copy(), W.copy()
            up[i] += h
            down[i] -= h
            assert abs((loss_at(up, b) - loss_at(down, b)) / (2 * h) - dW[i]) < 1e-7
        for k in range(3):
            e = h * np.eye(3)[k]
            assert abs((loss_at(W, b + e) - loss_at(W, b - e)) / (2 * h) - db[k]) < 1e-7
{FAR}
    """,
)
way(
    "test_softmax_loss",
    "image by image",
    f"""
    def test_softmax_loss(implementation):
{TRIES}
        loss, dW, db = 0.5 * decay * np.sum(W**2), decay * W, np.zeros(3)
        for n in range(6):
            p = np.exp(f[n] @ W + b)
            p = p / p.sum()
            loss = loss - np.log(p[y[n]]) / 6
            p[y[n]] -= 1
            dW, db = dW + np.outer(f[n], p) / 6, db + p / 6
        given = [v.copy() for v in (W, b, f, y)]
        found = implementation(*given, decay)
        for name, got, wanted in zip(("loss", "dW", "db"), found, (loss, dW, db)):
            np.testing.assert_allclose(got, wanted, rtol=1e-9, err_msg=name)
        for now, before in zip(given, (W, b, f, y)):
            np.testing.assert_array_equal(now, before)
{FAR}
    """,
)
way(
    "test_softmax_loss",
    "another implementation",
    f"""
    def test_softmax_loss(implementation):
        def mine(W, b, f, y, decay):
            s = f @ W + b
            total = np.logaddexp.reduce(s, axis=1, keepdims=True)
            d = (np.exp(s - total) - np.eye(len(b))[y]) / len(y)
            loss = (total[:, 0] - s[np.arange(len(y)), y]).mean() + decay / 2 * (W**2).sum()
            return loss, f.T @ d + decay * W, d.sum(axis=0)

        rng = np.random.default_rng(1)
        for size in (1, 300):
            for decay in (0.0, 0.4):
                args = [size * rng.normal(size=(3, 5)), rng.normal(size=5), 5 * rng.normal(size=(7, 3))]
                args.append(np.array([4, 0, 3, 1, 1, 2, 0]))
                given = [a.copy() for a in args]
                for got, wanted in zip(implementation(*given, decay), mine(*args, decay)):
                    assert np.allclose(got, wanted, rtol=1e-9, atol=1e-12)
                assert all(np.array_equal(a, g) for a, g in zip(args, given))
{FAR}
    """,
)
