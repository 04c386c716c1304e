"""Right answers to the later exercises of schedules_numpy, beside those of right_ways_08_numpy."""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "accumulated_gradient",
    "sums, divided at the end",
    """
    def accumulated_gradient(loss_and_gradient, x, y, b):
        loss, gradient = 0, 0
        for first in range(0, len(x), b):
            xs, ys = x[first : first + b], y[first : first + b]
            mean, slope = loss_and_gradient(xs, ys)
            loss += len(xs) * mean
            gradient += len(xs) * slope
        return loss / len(x), gradient / len(x)
    """,
)
way(
    "accumulated_gradient",
    "one example at a time",
    """
    def accumulated_gradient(loss_and_gradient, x, y, b):
        found = [loss_and_gradient(x[[n]], y[[n]]) for n in range(len(x))]
        return np.mean([loss for loss, _ in found]), np.mean([g for _, g in found], axis=0)
    """,
)
way(
    "accumulated_gradient",
    "np.average over pieces of almost one size",
    """
    def accumulated_gradient(loss_and_gradient, x, y, b):
        pieces = -(-len(x) // b)
        xs, ys = np.array_split(x, pieces), np.array_split(y, pieces)
        found = [loss_and_gradient(a, c) for a, c in zip(xs, ys)]
        sizes = [len(a) for a in xs]
        losses, gradients = [f[0] for f in found], [f[1] for f in found]
        return [np.average(losses, weights=sizes), np.average(gradients, axis=0, weights=sizes)]
    """,
)
way(
    "accumulated_gradient",
    "running means, from the end",
    """
    def accumulated_gradient(loss_and_gradient, x, y, b):
        loss, gradient, seen = 0.0, None, 0
        end = len(x)
        while end > 0:
            first = max(end - b, 0)
            mean, slope = loss_and_gradient(x[first:end], y[first:end])
            seen += end - first
            share = (end - first) / seen
            loss += share * (mean - loss)
            gradient = slope if gradient is None else gradient + share * (slope - gradient)
            end = first
        return loss, gradient
    """,
)

way(
    "scaled_rate",
    "np.where, with a special case",
    """
    def scaled_rate(t, lr0, B, B0, W):
        k = B / B0
        if W == 0:
            return k * lr0 * np.ones(np.shape(t))
        return np.where(np.asarray(t) < W, k * lr0 / W * (np.asarray(t) + 1), k * lr0)
    """,
)
way(
    "scaled_rate",
    "step by step",
    """
    def scaled_rate(t, lr0, B, B0, W):
        def rate(step):
            return lr0 * B / B0 * ((step + 1) / W if step < W else 1)

        return [rate(step) for step in t] if np.ndim(t) else rate(t)
    """,
)
way(
    "scaled_rate",
    "interpolation",
    """
    def scaled_rate(t, lr0, B, B0, W):
        top = lr0 * (B / B0)
        return np.interp(np.asarray(t) + 1, [0, W], [0, top]) if W else np.full_like(t, top, dtype=float)
    """,
)

way(
    "clip_gradients",
    "one long vector",
    """
    def clip_gradients(grads, c):
        norm = np.linalg.norm(np.concatenate([g.ravel() for g in grads]))
        return [g * min(c / (norm + 1e-6), 1) for g in grads]
    """,
)
way(
    "clip_gradients",
    "only where the norm is too long, and without the 1e-6",
    """
    import math

    def clip_gradients(grads, c):
        norm = math.hypot(*[np.linalg.norm(g) for g in grads])
        if norm <= c:
            return [g.copy() for g in grads]
        return tuple(g / norm * c for g in grads)
    """,
)
way(
    "clip_gradients",
    "copies changed in place, entry by entry",
    """
    def clip_gradients(grads, c):
        square = 0.0
        for g in grads:
            for entry in g.flat:
                square += entry * entry
        copies = [np.array(g) for g in grads]
        if square > c**2:
            for copy in copies:
                copy *= c / (square**0.5 + 1e-6)
        return copies
    """,
)
way(
    "clip_gradients",
    "np.clip of the factor, single precision",
    """
    def clip_gradients(grads, c):
        norm = np.sqrt(np.float32(sum(np.vdot(g, g) for g in grads)))
        factor = np.clip(c / (norm + np.float32(1e-6)), 0, 1)
        return [(factor * g).astype(np.float32) for g in grads]
    """,
)

way(
    "ensemble",
    "member by member",
    """
    def ensemble(logits):
        total = 0
        for z in logits:
            e = np.exp(z - np.max(z, axis=1)[:, None])
            total = total + e / np.sum(e, axis=1)[:, None]
        return total / len(logits)
    """,
)
way(
    "ensemble",
    "through logarithms",
    """
    def ensemble(logits):
        top = logits.max(-1, keepdims=True)
        log_p = logits - top - np.log(np.sum(np.exp(logits - top), axis=-1, keepdims=True))
        return np.mean(np.exp(log_p), axis=0)
    """,
)
way(
    "ensemble",
    "differences of logits, in single precision",
    """
    def ensemble(logits):
        gaps = (logits[..., None, :] - logits[..., :, None]).astype(np.float32)
        with np.errstate(over="ignore"):
            return (1 / np.exp(gaps).sum(axis=-1)).mean(axis=0)
    """,
)

way(
    "update_average",
    "weighted sums",
    """
    def update_average(average, w, n, decay=None):
        if average is None:
            return np.array(w)
        keep = n / (n + 1) if decay is None else decay
        return keep * average + (1 - keep) * w
    """,
)
way(
    "update_average",
    "a step towards the new weights",
    """
    def update_average(average, w, n, decay=None):
        if n == 0:
            return 1.0 * w
        rate = 1 / (n + 1) if decay is None else 1 - decay
        return average - rate * (average - w)
    """,
)
way(
    "update_average",
    "a copy changed in place",
    """
    def update_average(average, w, n, decay=None):
        if not n:
            return np.copy(w)
        new = average.copy()
        if decay is not None:
            new *= decay
            new += w * (1 - decay)
        else:
            new *= n
            new += w
            new /= n + 1
        return new
    """,
)
way(
    "update_average",
    "the mean without a case of its own",
    """
    def update_average(average, w, n, decay=None):
        if decay is None or n == 0:
            return (n * (0 if average is None else average) + w) / (n + 1)
        return average * decay + w - w * decay
    """,
)

way(
    "test_warmup_cosine",
    "a table by hand",
    """
    def test_warmup_cosine(implementation):
        table = [0.75, 1.5, 2.25, 3.0, 3.0, 2.75, 2.0, 1.25, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
        table[5] = 1 + 2 * np.cos(np.pi / 8) ** 2
        table[6], table[7] = 2.0, 1 + 2 * np.sin(np.pi / 8) ** 2
        short = [3.0, 2.5, 1.5, 1.0, 1.0, 1.0, 1.0]
        backwards = np.arange(len(table))[::-1].copy()
        found = implementation(backwards, 3.0, 1.0, 4, 8)
        assert (backwards == np.arange(len(table))[::-1]).all()
        np.testing.assert_allclose(np.asarray(found), table[::-1])
        np.testing.assert_allclose(np.asarray(implementation(np.arange(7), 3.0, 1.0, 0, 3)), short)
        for step, rate in enumerate(table):
            assert abs(implementation(step, 3.0, 1.0, 4, 8) - rate) < 1e-9
        for step, rate in enumerate(short):
            assert abs(implementation(step, 3.0, 1.0, 0, 3) - rate) < 1e-9
    """,
)
way(
    "test_warmup_cosine",
    "properties, and raise",
    """
    def test_warmup_cosine(implementation):
        lr0, lr_min, T = 1.7, 0.3, 11
        for W in (0, 2, 5):
            t = np.random.default_rng(1).permutation(40)
            kept = t.copy()
            r = np.asarray(implementation(t, lr0, lr_min, W, T))
            if r.shape != (40,) or (t != kept).any():
                raise ValueError("shape or argument")
            ordered = r[np.argsort(t)]
            if W and not np.allclose(np.diff(np.concatenate([[0], ordered[:W]])), lr0 / W):
                raise ValueError("warm-up")
            fall = ordered[W : T + 1]
            wave = np.cos(np.linspace(0, np.pi, T - W + 1))
            if not np.allclose(2 * (fall - lr_min) / (lr0 - lr_min) - 1, wave):
                raise ValueError("cosine")
            if not np.allclose(ordered[T:], lr_min):
                raise ValueError("past the end")
            for step in range(40):
                if not np.allclose(implementation(step, lr0, lr_min, W, T), ordered[step]):
                    raise ValueError("one step")
    """,
)
way(
    "test_warmup_cosine",
    "against the student's own cosine",
    """
    def test_warmup_cosine(implementation):
        for lr0, lr_min, W, T in [(2.0, 0.5, 3, 9), (0.8, 0.1, 0, 7)]:
            right = [lr0 * (k + 1) / W for k in range(W)]
            right += list(cosine(np.arange(25), lr0, lr_min, T - W))
            steps = np.arange(len(right))[::-1]
            before = steps.tolist()
            rates = implementation(steps, lr0, lr_min, W, T)
            assert steps.tolist() == before
            assert list(np.shape(rates)) == [len(before)]
            assert np.allclose(rates, right[::-1])
            assert all(np.isclose(implementation(k, lr0, lr_min, W, T), v) for k, v in enumerate(right))
    """,
)
