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
    "proximal_step",
    "with its own soft threshold",
    """
    def proximal_step(w, dw, lr, lam, a):
        return soft_threshold(w - lr * dw, lr * lam * a) / (1 + lr * lam * (1 - a))
    """,
)
way(
    "proximal_step",
    "clipped away",
    """
    def proximal_step(w, dw, lr, lam, a):
        there = w - lr * dw
        l1, l2 = lr * lam * a, lr * lam - lr * lam * a
        return (there - np.clip(there, -l1, l1)) / (l2 + 1)
    """,
)
way(
    "proximal_step",
    "three cases",
    """
    def proximal_step(w, dw, lr, lam, a):
        new = w.copy()
        new -= lr * dw
        l1 = lr * lam * a
        new = np.where(new > l1, new - l1, np.where(new < -l1, new + l1, 0))
        return new / (1 + lr * lam * (1 - a))
    """,
)
way(
    "proximal_step",
    "divided first, with a smaller threshold",
    """
    def proximal_step(w, dw, lr, lam, a):
        shrink = 1 / (1 + lr * lam * (1 - a))
        v = (w - lr * dw) * shrink
        return np.sign(v) * np.maximum(abs(v) - shrink * lr * lam * a, 0)
    """,
)

way(
    "momentum_step",
    "two branches",
    """
    def momentum_step(w, velocity, dw, lr, momentum, weight_decay, decoupled):
        if decoupled:
            v = momentum * velocity + dw
            return w - lr * v - lr * weight_decay * w, v
        v = momentum * velocity + dw + weight_decay * w
        return w - lr * v, v
    """,
)
way(
    "momentum_step",
    "strengths of which one is zero",
    """
    def momentum_step(w, velocity, dw, lr, momentum, weight_decay, decoupled):
        inside, outside = (0.0, weight_decay) if decoupled else (weight_decay, 0.0)
        new = momentum * velocity + (dw + inside * w)
        return (1 - lr * outside) * w - lr * new, new
    """,
)
way(
    "momentum_step",
    "copies changed in place",
    """
    def momentum_step(w, velocity, dw, lr, momentum, weight_decay, decoupled):
        w, velocity, dw = w.copy(), velocity.copy(), dw.copy()
        if not decoupled:
            dw += weight_decay * w
        else:
            w *= 1 - lr * weight_decay
        velocity *= momentum
        velocity += dw
        w -= lr * velocity
        return w, velocity
    """,
)
way(
    "momentum_step",
    "the convention that shrinks afterwards",
    """
    def momentum_step(w, velocity, dw, lr, momentum, weight_decay, decoupled):
        g = dw if decoupled else dw + weight_decay * w
        velocity = momentum * velocity + g
        w = w - lr * velocity
        if decoupled:
            w = w - lr * weight_decay * w
        return w, velocity
    """,
)

way(
    "max_norm",
    "a minimum, with a tiny number beside the norm",
    """
    def max_norm(W, c):
        norms = np.sqrt((W**2).sum(axis=0, keepdims=True))
        return W * np.minimum(1, c / (norms + 1e-7))
    """,
)
way(
    "max_norm",
    "only the long columns",
    """
    def max_norm(W, c):
        bounded = W.copy()
        norms = np.linalg.norm(W, axis=0)
        long = norms > c
        bounded[:, long] *= c / norms[long]
        return bounded
    """,
)
way(
    "max_norm",
    "column by column",
    """
    def max_norm(W, c):
        columns = []
        for column in W.T:
            norm = sum(column**2) ** 0.5
            columns.append(column if norm <= c else c * column / norm)
        return np.stack(columns, axis=1)
    """,
)
way(
    "max_norm",
    "a warning of a division by zero",
    """
    def max_norm(W, c):
        norms = np.linalg.norm(W, axis=0)
        with np.errstate(divide="ignore"):
            return np.where(norms > c, W * (c / norms), W)
    """,
)

way(
    "early_stopping",
    "a counter",
    """
    def early_stopping(losses, patience):
        lowest, best, wait = float("inf"), 0, 0
        for epoch, loss in enumerate(losses):
            if loss < lowest:
                lowest, best, wait = loss, epoch, 0
            else:
                wait += 1
            if wait == patience:
                break
        return epoch, best
    """,
)
way(
    "early_stopping",
    "a prefix at a time",
    """
    def early_stopping(losses, patience):
        for epoch in range(len(losses)):
            best = int(np.nanargmin(losses[: epoch + 1]))
            if epoch - best == patience:
                return epoch, best
        return epoch, best
    """,
)
way(
    "early_stopping",
    "running minima",
    """
    def early_stopping(losses, patience):
        lows = np.fmin.accumulate(losses)
        news = np.r_[True, lows[1:] < lows[:-1]]
        last = np.maximum.accumulate(np.where(news, np.arange(len(losses)), 0))
        over = np.flatnonzero(np.arange(len(losses)) - last >= patience)
        stop = over[0] if over.size else len(losses) - 1
        return stop, last[stop]
    """,
)
way(
    "early_stopping",
    "while",
    """
    def early_stopping(losses, patience):
        best, epoch = 0, 0
        while epoch < len(losses) - 1 and epoch - best < patience:
            epoch += 1
            if losses[epoch] < losses[best]:
                best = epoch
        return np.array([epoch, best])
    """,
)

way(
    "early_stopping",
    "in single precision",
    """
    def early_stopping(losses, patience):
        losses, best = np.asarray(losses, dtype=np.float32), 0
        for epoch in range(len(losses)):
            if losses[epoch] < losses[best]:
                best = epoch
            if epoch - best == patience:
                break
        return epoch, best
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

way(
    "noisy",
    "reshaped coins",
    """
    def noisy(images, coins, noise, sigma, p):
        return images + np.reshape(coins < p, (-1, 1, 1, 1)) * (sigma * noise)
    """,
)
way(
    "noisy",
    "a copy, with a mask",
    """
    def noisy(images, coins, noise, sigma, p):
        result = images.copy()
        result[coins < p] += sigma * noise[coins < p]
        return result
    """,
)
way(
    "noisy",
    "in single precision",
    """
    def noisy(images, coins, noise, sigma, p):
        return (images + sigma * noise * (coins < p).reshape(-1, 1, 1, 1)).astype(np.float32)
    """,
)
way(
    "noisy",
    "where",
    """
    def noisy(images, coins, noise, sigma, p):
        hit = (coins < p).reshape(len(images), 1, 1, 1)
        return np.where(hit, images + sigma * noise, images)
    """,
)
way(
    "noisy",
    "image by image",
    """
    def noisy(images, coins, noise, sigma, p):
        return np.stack([i + s * sigma if c < p else i for i, c, s in zip(images, coins, noise)])
    """,
)
way(
    "noisy",
    "einsum",
    """
    def noisy(images, coins, noise, sigma, p):
        return images + np.einsum("n,nhwc->nhwc", sigma * (coins < p), noise)
    """,
)
way(
    "noisy",
    "the convention of the other half",
    """
    def noisy(images, coins, noise, sigma, p):
        return images + sigma * noise * (coins >= 1 - p)[:, None, None, None]
    """,
)

way(
    "test_early_stopping",
    "one assertion per behaviour",
    """
    def test_early_stopping(implementation):
        def ends(*losses, patience=2):
            losses = np.array(losses, dtype=float)
            before = losses.copy()
            stop, best = implementation(losses, patience)
            assert np.array_equal(losses, before, equal_nan=True), "changed its argument"
            return [int(stop), int(best)]

        assert ends(3, 2, 2.5, 2.2, 1) == [3, 1], "stops late, or looks behind the stop"
        assert ends(3, 2, 2.5, 2.2, 1, patience=3) == [4, 4], "ignores patience"
        assert ends(3, 3, 3, 3) == [2, 0], "ties"
        assert ends(3, 2, 2.5, 1.8, 1.9, 1.7) == [5, 5], "counts from the start"
        assert ends(5, 2, 4, 3, 1) == [3, 1], "compares with the epoch before"
        assert ends(3, float("nan"), 4, 2, 9) == [2, 0], "nan"
        assert ends(3, 2, float("nan"), 1.5, 1.7) == [4, 3], "nan, or the end"
    """,
)
way(
    "test_early_stopping",
    "against a loop of its own",
    """
    def test_early_stopping(implementation):
        rng = np.random.default_rng(3)
        for _ in range(60):
            losses = np.concatenate([[1000.0], rng.integers(0, 12, 14).astype(float)])
            losses[rng.integers(1, 15, 2)] = np.nan
            given, patience = losses.copy(), int(rng.integers(2, 15))
            low, best, wait = np.inf, 0, 0
            for stop in range(15):
                if losses[stop] < low:
                    low, best, wait = losses[stop], stop, 0
                else:
                    wait += 1
                if wait >= patience:
                    break
            assert list(implementation(given, patience)) == [stop, best]
            np.testing.assert_array_equal(given, losses)
    """,
)
way(
    "test_early_stopping",
    "raises by itself, and hands in a list that it looks at",
    """
    def test_early_stopping(implementation):
        nan = float("nan")
        cases = [
            ([9, 7, 8, 7, 6, 8, nan, 7, 1], 3, (7, 4)),
            ([5, 9, 4, 9, 8, 3], 2, (4, 2)),
            ([2, 3, 1], 2, (2, 2)),
            ([3, 3, 3, 2], 2, (2, 0)),
        ]
        for losses, patience, wanted in cases:
            for _ in range(2):
                given = np.array(losses, dtype=float)
                if tuple(int(k) for k in implementation(given, patience)) != wanted:
                    raise ValueError("wrong")
                if given.tobytes() != np.array(losses, dtype=float).tobytes():
                    raise ValueError("changed")
        if tuple(implementation(np.array([4, 1, nan, 0.5, 3]), 2)) != (4, 3):
            raise ValueError("nan")
        if tuple(implementation(np.array([4, 1, 3, 2, 1.5, 0.5]), 2)) != (3, 1):
            raise ValueError("compares with the epoch before")
    """,
)
