"""Right answers to the NumPy exercises of 08-schedules, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways
from tests.units.right_ways_08_numpy_batches import WAYS as OF_BATCHES

WAYS = Ways(OF_BATCHES)
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
