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
