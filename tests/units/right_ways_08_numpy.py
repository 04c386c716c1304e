"""Right answers to the NumPy exercises of 08-schedules, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "step_decay",
    "one step after another",
    """
    def step_decay(t, lr0, gamma, period):
        def rate_of(step):
            rate = lr0
            for _ in range(step // period):
                rate *= gamma
            return rate

        return np.array([rate_of(step) for step in t]) if np.ndim(t) else rate_of(t)
    """,
)
way(
    "step_decay",
    "floor of a quotient",
    """
    def step_decay(t, lr0, gamma, period):
        return lr0 * np.power(gamma, np.floor(np.asarray(t) / period))
    """,
)
way(
    "step_decay",
    "np.vectorize, and divmod",
    """
    def step_decay(t, lr0, gamma, period):
        periods = np.vectorize(lambda step: divmod(step, period)[0], otypes=[float])
        return lr0 * np.exp(periods(t) * np.log(gamma))
    """,
)
way(
    "step_decay",
    "a list in single precision",
    """
    def step_decay(t, lr0, gamma, period):
        rates = np.float32(lr0) * np.float32(gamma) ** (np.asarray(t) // period).astype(np.float32)
        return [np.float32(rate) for rate in rates] if rates.ndim else rates
    """,
)

way(
    "smooth_decays",
    "a list of two, as powers of e and a reciprocal",
    """
    def smooth_decays(t, lr0, k):
        return [lr0 * np.e ** (-k * t), lr0 * (1 + k * np.asarray(t)) ** -1.0]
    """,
)
way(
    "smooth_decays",
    "step by step with math",
    """
    import math

    def smooth_decays(t, lr0, k):
        if not np.ndim(t):
            return lr0 / math.exp(k * t), lr0 / (1 + k * t)
        both = [smooth_decays(int(step), lr0, k) for step in t]
        return np.array([pair[0] for pair in both]), np.array([pair[1] for pair in both])
    """,
)
way(
    "smooth_decays",
    "both in one array",
    """
    def smooth_decays(t, lr0, k):
        t = np.asarray(t, dtype=float)
        return lr0 * np.stack([1 / np.exp(k * t), 1 / (1 + k * t)])
    """,
)

way(
    "cosine",
    "with np.where, weights of both ends",
    """
    def cosine(t, lr0, lr_min, T):
        up = (1 + np.cos(np.pi * t / T)) / 2
        return np.where(t < T, up * lr0 + (1 - up) * lr_min, lr_min)
    """,
)
way(
    "cosine",
    "a copy of t, cut in place",
    """
    def cosine(t, lr0, lr_min, T):
        t = np.array(t)
        t[t > T] = T
        return lr_min + 0.5 * (lr0 - lr_min) * (1 + np.cos(t / T * np.pi))
    """,
)
way(
    "cosine",
    "step by step with math",
    """
    import math

    def cosine(t, lr0, lr_min, T):
        if np.ndim(t):
            return [cosine(step, lr0, lr_min, T) for step in t]
        if t >= T:
            return lr_min
        return lr_min + (lr0 - lr_min) * math.cos(math.pi * t / T / 2) ** 2
    """,
)
way(
    "cosine",
    "a mask over zeros of its own",
    """
    def cosine(t, lr0, lr_min, T):
        steps = np.atleast_1d(t)
        rates = np.full(steps.shape, lr_min, dtype=float)
        before = steps < T
        rates[before] += 0.5 * (lr0 - lr_min) * (1 + np.cos(np.pi * steps[before] / T))
        return rates if np.ndim(t) else rates[0]
    """,
)

way(
    "warmup_cosine",
    "no other function, the warm-up written over the cosine",
    """
    def warmup_cosine(t, lr0, lr_min, W, T):
        steps = np.atleast_1d(np.asarray(t, dtype=float))
        share = np.clip((steps - W) / (T - W), 0, 1)
        rates = lr_min + (lr0 - lr_min) * (1 + np.cos(np.pi * share)) / 2
        early = steps < W
        rates[early] = lr0 / max(W, 1) * (steps[early] + 1)
        return rates if np.ndim(t) else float(rates[0])
    """,
)
way(
    "warmup_cosine",
    "step by step with math",
    """
    import math

    def warmup_cosine(t, lr0, lr_min, W, T):
        def rate(step):
            if step < W:
                return lr0 * (step + 1) / W
            if step > T:
                return lr_min
            angle = math.pi * (step - W) / (T - W)
            return lr_min + 0.5 * (lr0 - lr_min) * (1 + math.cos(angle))

        return np.array([rate(step) for step in t]) if isinstance(t, np.ndarray) else rate(t)
    """,
)
way(
    "warmup_cosine",
    "np.piecewise",
    """
    def warmup_cosine(t, lr0, lr_min, W, T):
        def fall(step):
            return lr_min + (lr0 - lr_min) * np.cos(np.pi / 2 * np.minimum(step - W, T - W) / (T - W)) ** 2

        t = np.asarray(t, dtype=float)
        return np.piecewise(t, [t < W], [lambda step: lr0 * (step + 1) / W, fall])
    """,
)
way(
    "warmup_cosine",
    "the smaller of a line and a cosine, in single precision",
    """
    def warmup_cosine(t, lr0, lr_min, W, T):
        t = np.asarray(t, dtype=np.float32)
        line = lr0 * (t + 1) / W if W else np.full_like(t, np.inf)
        share = np.clip((t - W) / (T - W), 0, 1)
        wave = lr_min + (lr0 - lr_min) * (1 + np.cos(np.float32(np.pi) * share)) / 2
        return np.where(t < W, line, wave).astype(np.float32)
    """,
)

way(
    "triangular",
    "the smaller of the two ways to the base",
    """
    def triangular(t, lr_base, lr_max, s):
        u = np.mod(t, 2 * s)
        return lr_base + (lr_max - lr_base) * np.minimum(u, 2 * s - u) / s
    """,
)
way(
    "triangular",
    "Smith's formula",
    """
    def triangular(t, lr_base, lr_max, s):
        cycle = np.floor(1 + np.asarray(t) / (2 * s))
        x = np.abs(t / s - 2 * cycle + 1)
        return lr_base + (lr_max - lr_base) * np.maximum(0, 1 - x)
    """,
)
way(
    "triangular",
    "interpolation of a remainder",
    """
    def triangular(t, lr_base, lr_max, s):
        return np.interp(np.mod(t, 2 * s), [0, s, 2 * s], [lr_base, lr_max, lr_base])
    """,
)
way(
    "triangular",
    "step by step",
    """
    def triangular(t, lr_base, lr_max, s):
        if np.ndim(t):
            return [triangular(int(step), lr_base, lr_max, s) for step in t]
        cycles, u = divmod(t, 2 * s)
        share = u / s if u < s else 2 - u / s
        return (1 - share) * lr_base + share * lr_max
    """,
)

way(
    "restarts",
    "no other function",
    """
    def restarts(t, lr0, lr_min, period):
        u = np.asarray(t) % period
        rate = lr_min + 0.5 * (lr0 - lr_min) * (1 + np.cos(np.pi * u / period))
        return rate, (np.asarray(t) + 1) % period == 0
    """,
)
way(
    "restarts",
    "step by step, zeros and ones in a list",
    """
    import math

    def restarts(t, lr0, lr_min, period):
        if np.ndim(t):
            rates, ends = zip(*[restarts(int(step), lr0, lr_min, period) for step in t])
            return [np.array(rates), np.array(ends)]
        while t >= period:
            t = t - period
        return lr_min + (lr0 - lr_min) * math.cos(math.pi * t / period / 2) ** 2, int(t + 1 == period)
    """,
)
way(
    "restarts",
    "through a table of one cycle",
    """
    def restarts(t, lr0, lr_min, period):
        table = cosine(np.arange(period), lr0, lr_min, period)
        ends = np.zeros(period, dtype=bool)
        ends[-1] = True
        place = np.mod(t, period)
        return table[place], ends[place]
    """,
)

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
