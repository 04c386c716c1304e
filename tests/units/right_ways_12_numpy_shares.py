"""The second half of right_ways_12_numpy: shares of a gain, members, whole numbers, the student's test."""

from __future__ import annotations

from collections.abc import Callable


def add_shares(way: Callable[[str, str, str], None]) -> None:
    """Hand each to `way(exercise, style, source)`."""
    for exercise, style, source in SHARES:
        way(exercise, style, source)


SHARES = [
    (
        "ladder_gains",
        "climbing",
        """
        def ladder_gains(measure, order):
            gains, now, below = {}, frozenset(), measure(frozenset())
            for name in order:
                now = now | {name}
                here = measure(now)
                gains[name] = here - below
                below = here
            return gains
        """,
    ),
    (
        "ladder_gains",
        "from the top, with a dictionary of what was measured",
        """
        def ladder_gains(measure, order):
            seen = {}
            for k in range(len(order), -1, -1):
                seen[frozenset(order[:k])] = measure(frozenset(order[:k]))
            gains = {}
            for k in range(len(order)):
                gains[order[k]] = seen[frozenset(order[: k + 1])] - seen[frozenset(order[:k])]
            return gains
        """,
    ),
    (
        "ladder_gains",
        "np.diff and accumulate",
        """
        def ladder_gains(measure, order):
            sets = itertools.accumulate(order, lambda s, name: s | {name}, initial=frozenset())
            return dict(zip(order, np.diff([measure(s) for s in sets])))
        """,
    ),
    (
        "losses_without",
        "with a loop over a copy",
        """
        def losses_without(measure, tricks):
            full, losses = measure(frozenset(tricks)), {}
            for name in reversed(tricks):
                others = list(tricks)
                others.remove(name)
                losses[name] = full - measure(frozenset(others))
            return losses
        """,
    ),
    (
        "losses_without",
        "all measured first, sets that are not frozen",
        """
        def losses_without(measure, tricks):
            found = [measure({t for t in tricks if t != left}) for left in [*tricks, None]]
            return dict(zip(tricks, np.float64(found[-1]) - np.array(found[:-1])))
        """,
    ),
    (
        "losses_without",
        "combinations of all but one",
        """
        def losses_without(measure, tricks):
            n, top = len(tricks), measure(frozenset(tricks))
            losses = {}
            for kept in itertools.combinations(tricks, n - 1):
                (left,) = set(tricks) - set(kept)
                losses[left] = top - measure(frozenset(kept))
            return losses
        """,
    ),
    (
        "shapley_gains",
        "over all orders, with a dictionary of what was measured",
        """
        def shapley_gains(measure, tricks):
            seen = {}

            def v(names):
                key = frozenset(names)
                if key not in seen:
                    seen[key] = measure(key)
                return seen[key]

            orders = list(itertools.permutations(tricks))
            gains = {name: 0 for name in tricks}
            for order in orders:
                for k, name in enumerate(order):
                    gains[name] += (v(order[: k + 1]) - v(order[:k])) / len(orders)
            return gains
        """,
    ),
    (
        "shapley_gains",
        "a mean within each size, then over the sizes",
        """
        def shapley_gains(measure, tricks):
            K = len(tricks)
            subsets = lambda names, n: map(frozenset, itertools.combinations(names, n))
            v = {s: measure(s) for n in range(K + 1) for s in subsets(tricks, n)}
            gains = {}
            for name in tricks:
                others = [t for t in tricks if t != name]
                sizes = [np.mean([v[s | {name}] - v[s] for s in subsets(others, n)]) for n in range(K)]
                gains[name] = np.mean(sizes)
            return gains
        """,
    ),
    (
        "shapley_gains",
        "by recursion on the last trick of an order",
        """
        def shapley_gains(measure, tricks):
            from functools import cache

            v = cache(measure)

            @cache
            def shares(names):
                if not names:
                    v(names)
                    return {}
                found = dict.fromkeys(names, 0.0)
                for last in names:
                    found[last] += (v(names) - v(names - {last})) / len(names)
                    for name, share in shares(names - {last}).items():
                        found[name] += share / len(names)
                return found

            return shares(frozenset(tricks))
        """,
    ),
    (
        "shapley_gains",
        "bits for sets",
        """
        def shapley_gains(measure, tricks):
            K = len(tricks)
            members = lambda bits: frozenset(t for i, t in enumerate(tricks) if bits >> i & 1)
            v = np.array([measure(members(bits)) for bits in range(2**K)])
            gains = {}
            for i, t in enumerate(tricks):
                without = [bits for bits in range(2**K) if not bits >> i & 1]
                weights = [1 / (K * math.comb(K - 1, bits.bit_count())) for bits in without]
                gains[t] = np.dot(weights, v[[b | 1 << i for b in without]] - v[without])
            return gains
        """,
    ),
    (
        "choose_members",
        "whole probabilities, member by member",
        """
        def choose_members(probabilities, y, costs, budget):
            chosen, best_loss, left = [], float("inf"), budget
            improved = True
            while improved:
                improved, winner = False, None
                for m in range(len(probabilities)):
                    if m in chosen or costs[m] > left:
                        continue
                    mean = np.mean(probabilities[chosen + [m]], axis=0)
                    loss = np.mean([-math.log(mean[n, y[n]]) for n in range(len(y))])
                    if loss < best_loss:
                        best_loss, winner = loss, m
                if winner is not None:
                    improved = True
                    chosen.append(winner)
                    left -= costs[winner]
            return chosen
        """,
    ),
    (
        "choose_members",
        "a running mean and masks, in an array",
        """
        def choose_members(probabilities, y, costs, budget):
            M = len(probabilities)
            own = np.take_along_axis(probabilities, y[None, :, None], axis=2)[:, :, 0]
            inside, order, mean, lowest = np.zeros(M, dtype=bool), [], np.zeros(len(y)), np.inf
            costs = np.asarray(costs)
            while True:
                fits = ~inside & (costs[inside].sum() + costs <= budget)
                rivals = mean + (own - mean) / (len(order) + 1)
                losses = np.where(fits, -np.log(rivals).mean(axis=1), np.inf)
                m = np.argmin(losses)
                if not losses[m] < lowest:
                    return np.array(order, dtype=int)
                inside[m], mean, lowest = True, rivals[m], losses[m]
                order.append(m)
        """,
    ),
    (
        "choose_members",
        "a tuple, by recursion",
        """
        def choose_members(probabilities, y, costs, budget, chosen=(), loss=np.inf):
            def loss_with(m):
                mean = sum(probabilities[j] for j in (*chosen, m)) / (len(chosen) + 1)
                return -np.log(mean[np.arange(len(y)), y]).sum() / len(y)

            spent = sum(costs[m] for m in chosen)
            rivals = [
                (loss_with(m), m)
                for m in range(len(costs))
                if m not in chosen and spent + costs[m] <= budget
            ]
            if not rivals or min(rivals)[0] >= loss:
                return chosen
            new, m = min(rivals)
            return choose_members(probabilities, y, costs, budget, (*chosen, m), new)
        """,
    ),
    (
        "choose_members",
        "logarithms of sums of exponentials",
        """
        def choose_members(probabilities, y, costs, budget):
            logs = np.log(probabilities[:, np.arange(len(y)), y])
            chosen, lowest = [], np.inf
            while True:
                losses = {}
                for m in set(range(len(logs))) - set(chosen):
                    if sum(costs[j] for j in [*chosen, m]) <= budget:
                        some = logs[[*chosen, m]]
                        top = some.max(axis=0)
                        total = top + np.log(np.exp(some - top).sum(axis=0))
                        losses[m] = math.log(len(some)) - total.mean()
                best = min(losses, key=losses.get, default=None)
                if best is None or losses[best] >= lowest:
                    return chosen
                chosen.append(best)
                lowest = losses[best]
        """,
    ),
    (
        "choose_members",
        "in single precision",
        """
        def choose_members(probabilities, y, costs, budget):
            own = probabilities.astype(np.float32)[:, np.arange(len(y)), y]
            chosen, total, left, lowest = [], np.zeros(len(y), np.float32), budget, np.inf
            while True:
                losses = -np.log((total + own) / np.float32(len(chosen) + 1)).mean(axis=1)
                losses[[m for m in range(len(own)) if m in chosen or costs[m] > left]] = np.inf
                best = losses.argmin()
                if losses[best] >= lowest:
                    return chosen
                chosen.append(int(best))
                total, left, lowest = total + own[best], left - costs[best], losses[best]
        """,
    ),
    (
        "quantize",
        "channel by channel, zero scales",
        """
        def quantize(w):
            q, scales = np.zeros(w.shape, dtype=np.int8), []
            for j, channel in enumerate(w):
                scale = max(channel.max(), -channel.min()) / 127
                if scale > 0:
                    q[j] = np.rint(channel / scale)
                scales.append(scale)
            return q, np.array(scales)
        """,
    ),
    (
        "quantize",
        "with keepdims, a scale of 1 for zeros, clipped",
        """
        def quantize(w):
            axes = tuple(range(1, w.ndim))
            largest = np.abs(w).max(axis=axes, keepdims=True)
            scale = np.where(largest == 0, 127.0, largest) / 127
            return np.clip(np.round(w / scale), -127, 127).astype("int8"), scale.ravel()
        """,
    ),
    (
        "quantize",
        "scales in single precision, a list, halves away from zero",
        """
        def quantize(w):
            flat = np.abs(w).reshape(w.shape[0], -1)
            scale = np.array([row.max() / 127 for row in flat])
            safe = np.maximum(scale, np.finfo(float).tiny).reshape((-1,) + (1,) * (w.ndim - 1))
            steps = np.sign(w) * np.floor(np.abs(w) / safe + 0.5)
            return [np.int8(steps), scale.astype(np.float32)]
        """,
    ),
    (
        "quantize",
        "the other way round: transposed",
        """
        def quantize(w):
            last = np.moveaxis(w, 0, -1)
            scale = np.max(np.abs(last), axis=tuple(range(w.ndim - 1))) / 127
            inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale != 0)
            return np.moveaxis(np.around(last * inverse), -1, 0).astype(np.int8), scale
        """,
    ),
    (
        "quantize",
        "scales of 1e-12 at least",
        """
        def quantize(w):
            scale = np.maximum(np.abs(w.reshape(len(w), -1)).max(axis=1) / 127, 1e-12)
            return np.round((w.T / scale).T).astype(np.int8), scale
        """,
    ),
    (
        "test_paired_gain",
        "with plain Python",
        """
        def test_paired_gain(implementation):
            loss = [1, 1, 0, 0, 1, 0, 1], [0, 0, 0, 1, 0, 0, 0]
            for before, after in (loss, ([0, 1, 0] * 4, [1, 1, 0] * 4)):
                d = [a - b for a, b in zip(after, before)]
                mean = sum(d) / len(d)
                error = (sum((x - mean) ** 2 for x in d) / (len(d) - 1) / len(d)) ** 0.5
                args = np.array(before, dtype=bool), np.array(after, dtype=bool)
                found = implementation(*args)
                assert abs(found[0] - mean) < 1e-9 and abs(found[1] - error) < 1e-9
                assert np.array_equal(args, (before, after))
        """,
    ),
    (
        "test_paired_gain",
        "the example of the docstring, and a loss",
        """
        def test_paired_gain(implementation):
            before = np.array([True, False, False, True, False])
            after = np.array([True, True, True, False, False])
            for first, second, sign in ((before, after, 1), (after, before, -1)):
                kept = first.copy(), second.copy()
                gain, error = implementation(first, second)
                assert np.isclose(gain, sign * 0.2)
                assert np.isclose(error, np.std([0, 1, 1, -1, 0], ddof=1) / np.sqrt(5))
                assert np.array_equal(kept, (first, second))
            last = np.array([False, False, True])
            assert np.isclose(implementation(~last & False, last)[0], 1 / 3)
        """,
    ),
    (
        "test_paired_gain",
        "against the covariance, many times",
        """
        def test_paired_gain(implementation):
            rng = np.random.default_rng(5)
            for _ in range(20):
                N = int(rng.integers(5, 40))
                before, after = rng.random(N) < 0.6, rng.random(N) < 0.5
                copies = before.copy(), after.copy()
                gain, error = implementation(before, after)
                C = np.cov(np.array(copies, dtype=float))
                np.testing.assert_allclose(gain, copies[1].mean() - copies[0].mean(), atol=1e-12)
                np.testing.assert_allclose(error**2, (C[0, 0] + C[1, 1] - 2 * C[0, 1]) / N, atol=1e-12)
                np.testing.assert_array_equal((before, after), copies)
        """,
    ),
]
