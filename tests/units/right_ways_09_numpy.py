"""Right answers to the NumPy exercises of 09-hyperparameters, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways
from tests.units.right_ways_09_numpy_bayes import WAYS as BAYES

WAYS = Ways(BAYES)
way = WAYS.add

way(
    "log_uniform",
    "exponents of 10",
    """
    def log_uniform(u, low, high):
        a, b = np.log10(low), np.log10(high)
        return 10 ** (a + (b - a) * np.asarray(u))
    """,
)
way(
    "log_uniform",
    "natural logarithms, and interpolation",
    """
    def log_uniform(u, low, high):
        return np.exp(np.interp(u, [0, 1], [np.log(low), np.log(high)]))
    """,
)
way(
    "log_uniform",
    "a weighted geometric mean",
    """
    def log_uniform(u, low, high):
        u = np.array(u, dtype=float)
        return low ** (1 - u) * high**u
    """,
)
way(
    "log_uniform",
    "one after the other, single precision",
    """
    import math

    def log_uniform(u, low, high):
        def one(p):
            return np.float32(math.exp((1 - p) * math.log(low) + p * math.log(high)))

        return np.array([one(p) for p in np.ravel(u)]).reshape(np.shape(u))
    """,
)

way(
    "sample",
    "a chain of ifs",
    """
    def sample(u, space):
        configs = []
        for i in range(len(u)):
            config = {}
            for j, name in enumerate(space):
                p, how = u[i][j], space[name]
                if how[0] == "choice":
                    values = how[1:]
                    config[name] = values[int(np.floor(p * len(values)))]
                elif how[0] == "log":
                    config[name] = log_uniform(p, how[1], how[2])
                elif how[0] == "one-minus":
                    a, b = -np.log10(1 - how[1]), -np.log10(1 - how[2])
                    config[name] = 1 - 10 ** -(a + p * (b - a))
                else:
                    config[name] = how[1] + p * (how[2] - how[1])
            configs.append(config)
        return configs
    """,
)
way(
    "sample",
    "column by column, then rows",
    """
    def sample(u, space):
        columns = {}
        for p, (name, (kind, *rest)) in zip(np.asarray(u, dtype=float).T, space.items()):
            if kind == "linear":
                columns[name] = rest[0] * (1 - p) + rest[1] * p
            elif kind == "log":
                columns[name] = np.exp(np.log(rest[0]) * (1 - p) + np.log(rest[1]) * p)
            elif kind == "one-minus":
                columns[name] = 1 - np.exp(np.log1p(-rest[0]) * (1 - p) + np.log1p(-rest[1]) * p)
            else:
                columns[name] = [rest[k] for k in (p * len(rest)).astype(int)]
        return [{name: column[i] for name, column in columns.items()} for i in range(len(u))]
    """,
)
way(
    "sample",
    "match, values of NumPy, a tuple of dicts, names in another order",
    """
    def sample(u, space):
        def value(p, how):
            match how:
                case ("linear", low, high):
                    return np.float64(low + (high - low) * p)
                case ("log", low, high):
                    return np.float64(low * np.power(high / low, p))
                case ("one-minus", low, high):
                    return np.array(1 - np.power(1 - low, 1 - p) * np.power(1 - high, p))
                case ("choice", *values):
                    parts = np.arange(1, len(values) + 1) / len(values)
                    return values[np.searchsorted(parts, p, side="right")]

        names = list(space)
        order = sorted(range(len(names)), key=names.__getitem__)
        return tuple({names[j]: value(row[j], space[names[j]]) for j in order} for row in u)
    """,
)

way(
    "trials_needed",
    "count up",
    """
    def trials_needed(share, confidence):
        n = 0
        while chance_to_hit(share, n) < confidence:
            n += 1
        return n
    """,
)
way(
    "trials_needed",
    "the probability that all miss",
    """
    def trials_needed(share, confidence):
        n, miss = 0, 1.0
        while miss > 1 - confidence:
            miss *= 1 - share
            n = n + 1
        return np.int64(n)
    """,
)
way(
    "trials_needed",
    "logarithms to the base 2, as a float",
    """
    import math

    def trials_needed(share, confidence):
        return float(math.ceil(math.log2(1 - confidence) / math.log2(1 - share)))
    """,
)
way(
    "trials_needed",
    "log1p, and floor of the negative",
    """
    def trials_needed(share, confidence):
        return int(-(-np.log1p(-confidence) / np.log1p(-share) // 1))
    """,
)

way(
    "best_trial",
    "one after the other",
    """
    import math

    def best_trial(losses):
        best = None
        for i, loss in enumerate(losses):
            if math.isfinite(loss) and (best is None or loss < losses[best]):
                best = i
        if best is None:
            raise ValueError("every trial diverged")
        return best
    """,
)
way(
    "best_trial",
    "places of the finite ones",
    """
    def best_trial(losses):
        places = np.flatnonzero(np.isfinite(losses))
        if len(places) == 0:
            raise ValueError("no finite loss")
        return places[np.argmin(np.asarray(losses)[places])]
    """,
)
way(
    "best_trial",
    "min of pairs, its own error",
    """
    class AllDiverged(ValueError):
        pass

    def best_trial(losses):
        kept = [(loss, i) for i, loss in enumerate(losses) if abs(loss) < float("inf")]
        if not kept:
            raise AllDiverged("all diverged")
        return min(kept)[1]
    """,
)
way(
    "best_trial",
    "a copy, changed in place, and nanargmin",
    """
    def best_trial(losses):
        losses = np.array(losses, dtype=float)
        losses[np.isinf(losses)] = np.nan
        return np.nanargmin(losses)
    """,
)

way(
    "expected_best",
    "a loop over the scores",
    """
    def expected_best(scores, n):
        n = np.asarray(n)
        total, m = np.zeros(n.shape), len(scores)
        for i, score in enumerate(sorted(scores), start=1):
            total = total + score * ((i / m) ** n - ((i - 1) / m) ** n)
        return total
    """,
)
way(
    "expected_best",
    "one number of trials after the other",
    """
    def expected_best(scores, n):
        order = np.sort(scores)
        i = np.arange(1, len(order) + 1)

        def one(k):
            return float(np.dot(order, (i / len(i)) ** float(k) - ((i - 1) / len(i)) ** float(k)))

        return [one(k) for k in n] if np.ndim(n) else one(n)
    """,
)
way(
    "expected_best",
    "the largest less the steps below it",
    """
    def expected_best(scores, n):
        order = np.sort(np.array(scores))
        share = np.arange(1, len(order)) / len(order)
        return order[-1] - (np.diff(order) * share ** np.asarray(n)[..., None]).sum(axis=-1)
    """,
)
way(
    "expected_best",
    "distinct scores and how often they occur",
    """
    def expected_best(scores, n):
        values, counts = np.unique(scores, return_counts=True)
        cdf = np.cumsum(counts) / len(scores)
        before = np.concatenate([[0.0], cdf[:-1]])
        n = np.asarray(n, dtype=float)
        return sum(v * (b**n - a**n) for v, a, b in zip(values, before, cdf))
    """,
)

way(
    "successive_halving",
    "sorted, with a key for nan",
    """
    def successive_halving(evaluate, configs, budget, eta):
        places, rungs = list(range(len(configs))), []
        while places:
            losses = {i: evaluate(configs[i], budget) for i in places}
            rungs.append((len(places), budget))
            ranked = sorted(places, key=lambda i: (losses[i] != losses[i], losses[i]))
            places, budget = sorted(ranked[: len(places) // eta]), budget * eta
        return configs[ranked[0]], rungs
    """,
)
way(
    "successive_halving",
    "numbers of rungs known beforehand",
    """
    def successive_halving(evaluate, configs, budget, eta):
        n, alive, rungs, k = len(configs), np.arange(len(configs)), [], 0
        while n // eta**k > 0:
            alive = alive[: n // eta**k]
            loss = [evaluate(configs[i], budget * eta**k) for i in alive]
            loss = np.where(np.isnan(loss), np.inf, loss)
            rungs.append([len(alive), float(budget * eta**k)])
            alive = alive[np.lexsort((alive, loss))]
            k += 1
        return configs[alive[0]], np.array(rungs)
    """,
)
way(
    "successive_halving",
    "itself, once more",
    """
    import math

    def successive_halving(evaluate, configs, budget, eta):
        results = []
        for config in configs:
            loss = evaluate(config, budget)
            results.append((math.inf if math.isnan(loss) else loss, len(results)))
        rung, kept = (len(configs), budget), len(configs) // eta
        results.sort()
        if not kept:
            return configs[results[0][1]], [rung]
        left = sorted(place for _, place in results[:kept])
        best, later = successive_halving(evaluate, [configs[i] for i in left], budget * eta, eta)
        return [best, [rung] + later]
    """,
)
