"""Right answers to the NumPy exercises of 07-optimizers, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "good_rates",
    "from the condition number",
    """
    def good_rates(curvatures):
        kappa = max(curvatures) / min(curvatures)
        return 2 / max(curvatures), 2 / (min(curvatures) + max(curvatures)), (kappa - 1) / (kappa + 1)
    """,
)
way(
    "good_rates",
    "sorted, and the factor of the flat direction",
    """
    def good_rates(curvatures):
        flat, *_, steep = sorted(curvatures)
        best = 2 / (flat + steep)
        return [2 / steep, best, 1 - best * flat]
    """,
)
way(
    "good_rates",
    "the largest factor of all",
    """
    def good_rates(curvatures):
        best = 2 / (np.min(curvatures) + np.max(curvatures))
        return 2 / np.max(curvatures), best, np.abs(1 - best * curvatures).max()
    """,
)
way(
    "good_rates",
    "single precision",
    """
    def good_rates(curvatures):
        c = np.sort(curvatures.astype(np.float32))
        return 2 / c[-1], 2 / (c[0] + c[-1]), (c[-1] - c[0]) / (c[-1] + c[0])
    """,
)

way(
    "momentum",
    "zeros where the state is empty",
    """
    def momentum(w, dw, state, lr, mu):
        v = state["v"] if "v" in state else np.zeros_like(w)
        v = v * mu + dw
        return w - lr * (v), dict(v=v)
    """,
)
way(
    "momentum",
    "a copied state, a copy changed in place",
    """
    def momentum(w, dw, state, lr, mu):
        new = dict(state)
        if not new:
            new["v"] = 0.0 * dw
        new["v"] = new["v"] * mu
        new["v"] += dw
        v = new["v"]
        w = np.copy(w)
        w -= lr * (v)
        return w, new
    """,
)
way(
    "momentum",
    "entry by entry",
    """
    def momentum(w, dw, state, lr, mu):
        old = state.get("v", np.zeros(w.shape))
        velocity, new = np.empty(w.shape), np.empty(w.shape)
        for i in np.ndindex(w.shape):
            velocity[i] = mu * old[i] + dw[i]
            new[i] = w[i] - lr * (velocity[i])
        return new, {"v": velocity}
    """,
)
way(
    "momentum",
    "the first step by itself, in single precision",
    """
    def momentum(w, dw, state, lr, mu):
        v = dw.astype(np.float32)
        if state:
            v = np.float32(mu) * state["v"].astype(np.float32) + v
        return (w - lr * (v)).astype(np.float32), {"v": v}
    """,
)

way(
    "nesterov",
    "zeros where the state is empty",
    """
    def nesterov(w, dw, state, lr, mu):
        v = state["v"] if "v" in state else np.zeros_like(w)
        v = v * mu + dw
        return w - lr * (dw + mu * v), dict(v=v)
    """,
)
way(
    "nesterov",
    "a copied state, a copy changed in place",
    """
    def nesterov(w, dw, state, lr, mu):
        new = dict(state)
        if not new:
            new["v"] = 0.0 * dw
        new["v"] = new["v"] * mu
        new["v"] += dw
        v = new["v"]
        w = np.copy(w)
        w -= lr * (dw + mu * v)
        return w, new
    """,
)
way(
    "nesterov",
    "entry by entry",
    """
    def nesterov(w, dw, state, lr, mu):
        old = state.get("v", np.zeros(w.shape))
        velocity, new = np.empty(w.shape), np.empty(w.shape)
        for i in np.ndindex(w.shape):
            velocity[i] = mu * old[i] + dw[i]
            new[i] = w[i] - lr * (dw[i] + mu * velocity[i])
        return new, {"v": velocity}
    """,
)
way(
    "nesterov",
    "the first step by itself, in single precision",
    """
    def nesterov(w, dw, state, lr, mu):
        v = dw.astype(np.float32)
        if state:
            v = np.float32(mu) * state["v"].astype(np.float32) + v
        return (w - lr * (dw + mu * v)).astype(np.float32), {"v": v}
    """,
)
way(
    "nesterov",
    "with the velocity expanded",
    """
    def nesterov(w, dw, state, lr, mu):
        old = state.get("v", 0.0)
        return w - lr * ((1 + mu) * dw + mu**2 * old), {"v": mu * old + dw}
    """,
)
way(
    "nesterov",
    "with its own momentum",
    """
    def nesterov(w, dw, state, lr, mu):
        _, state = momentum(w, dw, state, lr, mu)
        return w - lr * dw - lr * mu * state["v"], state
    """,
)

way(
    "adagrad",
    "zeros where the state is empty",
    """
    def adagrad(w, dw, state, lr, eps):
        s = np.zeros_like(w) if state == {} else state["s"]
        s = s + np.square(dw)
        return w - lr / (s**0.5 + eps) * dw, {"s": s}
    """,
)
way(
    "adagrad",
    "a copied state, a copy changed in place",
    """
    def adagrad(w, dw, state, lr, eps):
        s = state["s"].copy() if "s" in state else np.zeros(w.shape)
        s += dw * dw
        step = lr * dw
        step /= np.sqrt(s) + eps
        return w - step, {**state, "s": s}
    """,
)
way(
    "adagrad",
    "the length of two vectors",
    """
    def adagrad(w, dw, state, lr, eps):
        root = np.hypot(np.sqrt(state.get("s", 0.0)), dw)
        return w - lr * dw / (root + eps), {"s": root**2}
    """,
)
way(
    "adagrad",
    "entry by entry",
    """
    def adagrad(w, dw, state, lr, eps):
        s, new = np.zeros(w.shape), np.zeros(w.shape)
        for i in np.ndindex(w.shape):
            s[i] = (state["s"][i] if state else 0) + dw[i] ** 2
            new[i] = w[i] - lr * dw[i] / (s[i] ** 0.5 + eps)
        return new, {"s": s}
    """,
)

way(
    "rmsprop",
    "a step towards the square",
    """
    def rmsprop(w, dw, state, lr, rho, eps):
        s = state.get("s", np.zeros(w.shape))
        s = s + (1 - rho) * (dw**2 - s)
        return w - lr * dw / (np.sqrt(s) + eps), {"s": s}
    """,
)
way(
    "rmsprop",
    "a copied state, a copy changed in place",
    """
    def rmsprop(w, dw, state, lr, rho, eps):
        new = {key: value.copy() for key, value in state.items()} or {"s": np.zeros_like(dw)}
        new["s"] *= rho
        new["s"] += (1 - rho) * dw * dw
        return w + -lr * dw * (np.sqrt(new["s"]) + eps) ** -1, new
    """,
)
way(
    "rmsprop",
    "np.average",
    """
    def rmsprop(w, dw, state, lr, rho, eps):
        old = state["s"] if len(state) else np.zeros(dw.shape)
        s = np.average([old, dw**2], axis=0, weights=[rho, 1 - rho])
        return np.subtract(w, lr * dw / (eps + s**0.5)), {"s": s}
    """,
)
way(
    "rmsprop",
    "single precision",
    """
    def rmsprop(w, dw, state, lr, rho, eps):
        g = dw.astype(np.float32)
        s = np.float32(rho) * np.asarray(state.get("s", 0), np.float32) + np.float32(1 - rho) * g**2
        return w.astype(np.float32) - np.float32(lr) * g / (np.sqrt(s) + np.float32(eps)), {"s": s}
    """,
)

way(
    "adam",
    "the correction in the rate",
    """
    def adam(w, dw, state, lr, beta1, beta2, eps):
        m, s, t = state.get("m", 0.0), state.get("s", 0.0), state.get("t", 0) + 1
        m = m + (1 - beta1) * (dw - m)
        s = s + (1 - beta2) * (dw * dw - s)
        root = np.sqrt(s) / np.sqrt(1 - beta2**t) + eps
        return w - lr / (1 - beta1**t) * m / root, {"m": m, "s": s, "t": t}
    """,
)
way(
    "adam",
    "a copied state, copies changed in place",
    """
    def adam(w, dw, state, lr, beta1, beta2, eps):
        if not state:
            state = {"m": np.zeros_like(w), "s": np.zeros_like(w), "t": 0}
        new = dict(state)
        new["t"] += 1
        new["m"] = beta1 * new["m"]
        new["m"] += (1 - beta1) * dw
        new["s"] = beta2 * new["s"]
        new["s"] += (1 - beta2) * dw**2
        mhat = new["m"] / (1 - np.power(beta1, new["t"]))
        vhat = new["s"] / (1 - np.power(beta2, new["t"]))
        return w - lr * mhat / (vhat**0.5 + eps), new
    """,
)
way(
    "adam",
    "eps scaled into the uncorrected root",
    """
    def adam(w, dw, state, lr, beta1, beta2, eps):
        t = 1 + state.get("t", 0)
        m = beta1 * state.get("m", np.zeros(w.shape)) + (1 - beta1) * dw
        s = beta2 * state.get("s", np.zeros(w.shape)) + (1 - beta2) * np.square(dw)
        c1, c2 = 1 - beta1**t, np.sqrt(1 - beta2**t)
        return w - lr * c2 / c1 * m / (np.sqrt(s) + eps * c2), {"t": t, "m": m, "s": s}
    """,
)
way(
    "adam",
    "entry by entry, t as a float, and a key of its own",
    """
    def adam(w, dw, state, lr, beta1, beta2, eps):
        t = state.get("t", 0.0) + 1.0
        m, s, new = np.zeros(w.shape), np.zeros(w.shape), np.zeros(w.shape)
        for i in np.ndindex(w.shape):
            m[i] = beta1 * (state["m"][i] if "m" in state else 0) + (1 - beta1) * dw[i]
            s[i] = beta2 * (state["s"][i] if "s" in state else 0) + (1 - beta2) * dw[i] ** 2
            new[i] = w[i] - lr * m[i] / (1 - beta1**t) / (np.sqrt(s[i] / (1 - beta2**t)) + eps)
        return new, {"m": m, "s": s, "t": t, "name": "Adam"}
    """,
)
way(
    "adam",
    "the powers kept in the state, too",
    """
    def adam(w, dw, state, lr, beta1, beta2, eps):
        t = state.get("t", 0) + 1
        one = state.get("power1", beta1 ** (t - 1)) * beta1
        two = state.get("power2", beta2 ** (t - 1)) * beta2
        m = beta1 * state.get("m", 0) + (1 - beta1) * dw
        s = beta2 * state.get("s", 0) + (1 - beta2) * dw**2
        new = w - lr * (m / (1 - one)) / (np.sqrt(s / (1 - two)) + eps)
        return new, {"m": m, "s": s, "t": t, "power1": one, "power2": two}
    """,
)

way(
    "uncorrected_ratio",
    "from the two averages of ones",
    """
    def uncorrected_ratio(beta1, beta2, steps):
        ratios = []
        for t in steps:
            m = s = 0.0
            for _ in range(t):
                m, s = beta1 * m + 1 - beta1, beta2 * s + 1 - beta2
            ratios.append(m / s**0.5)
        return np.array(ratios)
    """,
)
way(
    "uncorrected_ratio",
    "a list of floats",
    """
    def uncorrected_ratio(beta1, beta2, steps):
        return [(1 - beta1 ** int(t)) / (1 - beta2 ** int(t)) ** 0.5 for t in steps]
    """,
)
way(
    "uncorrected_ratio",
    "np.power",
    """
    def uncorrected_ratio(beta1, beta2, steps):
        m_correction = 1 - np.power(beta1, steps)
        s_correction = 1 - np.power(beta2, steps)
        return m_correction / np.sqrt(s_correction)
    """,
)
way(
    "uncorrected_ratio",
    "with expm1",
    """
    def uncorrected_ratio(beta1, beta2, steps):
        return -np.expm1(steps * np.log(beta1)) * (-np.expm1(steps * np.log(beta2))) ** -0.5
    """,
)

way(
    "adamw",
    "written out, all in one line",
    """
    def adamw(w, dw, state, lr, beta1, beta2, eps, weight_decay):
        t = state.get("t", 0) + 1
        m = beta1 * state.get("m", 0) + (1 - beta1) * dw
        s = beta2 * state.get("s", 0) + (1 - beta2) * dw**2
        direction = m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps)
        return w - lr * (direction + weight_decay * w), {"m": m, "s": s, "t": t}
    """,
)
way(
    "adamw",
    "Adam first, the decay of the old weights after it",
    """
    def adamw(w, dw, state, lr, beta1, beta2, eps, weight_decay):
        new, state = adam(w, dw, state, lr, beta1, beta2, eps)
        return new - lr * weight_decay * w, state
    """,
)
way(
    "adamw",
    "a copy that is multiplied in place",
    """
    def adamw(w, dw, state, lr, beta1, beta2, eps, weight_decay):
        shrunk = w.copy()
        shrunk *= 1 - lr * weight_decay
        new, after = adam(shrunk, dw, state, lr=lr, beta1=beta1, beta2=beta2, eps=eps)
        return [new, after]
    """,
)
way(
    "adamw",
    "after the step: a convention",
    """
    def adamw(w, dw, state, lr, beta1, beta2, eps, weight_decay):
        w, state = adam(w, dw, state, lr, beta1, beta2, eps)
        return w - lr * weight_decay * w, state
    """,
)

way(
    "newton",
    "the inverse",
    """
    def newton(w, dw, H, damping):
        return w - np.linalg.inv(H + damping * np.identity(w.size)) @ dw
    """,
)
way(
    "newton",
    "a copy with a new diagonal",
    """
    def newton(w, dw, H, damping):
        A = H.copy()
        A[np.diag_indices_from(A)] += damping
        step = np.linalg.solve(A, -dw)
        return w + step
    """,
)
way(
    "newton",
    "in the basis of the eigenvectors",
    """
    def newton(w, dw, H, damping):
        values, vectors = np.linalg.eigh(H)
        return w - vectors @ (vectors.T @ dw / (values + damping))
    """,
)
way(
    "newton",
    "columns, and a row at the end",
    """
    def newton(w, dw, H, damping):
        step = np.linalg.solve(H + np.diag(np.full(len(H), damping)), dw[:, None])
        return (w[:, None] - step).ravel()
    """,
)
way(
    "newton",
    "least squares",
    """
    def newton(w, dw, H, damping):
        return w - np.linalg.lstsq(H + damping * np.eye(*H.shape), dw, rcond=None)[0]
    """,
)

way(
    "test_adam",
    "the numbers of another implementation",
    """
    def test_adam(implementation):
        def expected(w, gradients, rates, beta1, beta2, eps):
            m = s = 0
            for t, (g, lr) in enumerate(zip(gradients, rates), 1):
                m = beta1 * m + (1 - beta1) * g
                s = beta2 * s + (1 - beta2) * g * g
                w = w - lr * m / (1 - beta1**t) / ((s / (1 - beta2**t)) ** 0.5 + eps)
                yield w, m, s, t

        rng = np.random.default_rng(1)
        w = rng.normal(size=(2, 3))
        gradients = rng.normal(size=(6, 2, 3)) * np.array([1, 9, 0.2, 0.3, 0.1, 0.2])[:, None, None]
        rates = [0.1, 0.1, 0.3, 0.05, 0.2, 0.1]
        state = {}
        for g, lr, wanted in zip(gradients, rates, expected(w, gradients, rates, 0.6, 0.85, 0.1)):
            copies = w.copy(), g.copy(), dict(state)
            new, after = implementation(w, g, state, lr, 0.6, 0.85, 0.1)
            assert (w == copies[0]).all() and (g == copies[1]).all() and state.keys() == copies[2].keys()
            assert all(np.array_equal(state[key], copies[2][key]) for key in state)
            for got, right in zip((new, after["m"], after["s"], after["t"]), wanted):
                assert np.allclose(got, right)
            w, state = new, after
    """,
)
way(
    "test_adam",
    "numbers worked out by hand",
    """
    def test_adam(implementation):
        # beta1 = 0.25, beta2 = 0.75, eps = 1; first gradient 8, -4, then 0, 2
        w, g, lr = np.array([3.0, -1.0]), np.array([8.0, -4.0]), 0.9
        first, state = implementation(w, g, {}, lr, 0.25, 0.75, 1.0)
        assert w.tolist() == [3, -1] and g.tolist() == [8, -4]
        np.testing.assert_allclose(first, [3 - 0.9 * 8 / 9, -1 + 0.9 * 4 / 5])
        np.testing.assert_allclose([*state["m"], *state["s"], state["t"]], [6, -3, 16, 4, 1])

        held = {key: np.copy(value) for key, value in state.items()}
        second, later = implementation(first, np.array([0.0, 2.0]), state, 0.1, 0.25, 0.75, 1.0)
        assert all(np.array_equal(state[key], held[key]) for key in held)
        m, s = np.array([1.5, 0.75]), np.array([12.0, 4.0])
        np.testing.assert_allclose([*later["m"], *later["s"], later["t"]], [*m, *s, 2])
        np.testing.assert_allclose(second, first - 0.1 * (m / 0.9375) / (np.sqrt(s / 0.4375) + 1))

        third, last = implementation(second, np.array([1.0, -1.0]), later, 0.2, 0.25, 0.75, 1.0)
        m, s = m / 4 + [0.75, -0.75], 0.75 * s + 0.25
        assert np.allclose(third, second - 0.2 * (m * 64 / 63) / (np.sqrt(s / (1 - 0.75**3)) + 1))
        assert last["t"] == 3
    """,
)
way(
    "test_adam",
    "with exceptions of its own",
    """
    def test_adam(implementation):
        w = np.linspace(-2, 1, 4)
        state, m, s = {}, 0.0, 0.0
        for t in range(1, 9):
            dw = np.sin(np.arange(4) + 2.3 * t) * (20 if t == 3 else 0.5)
            lr = 0.3 / t
            before = [w.copy(), dw.copy(), {k: np.array(v) for k, v in state.items()}]
            answer = implementation(w, dw, state, lr, beta1=0.8, beta2=0.93, eps=0.02)
            if not (np.array_equal(before[0], w) and np.array_equal(before[1], dw)):
                raise ValueError("an argument was changed")
            if set(before[2]) != set(state) or any(not np.array_equal(before[2][k], state[k]) for k in state):
                raise ValueError("the state was changed")
            m, s = 0.8 * m + 0.2 * dw, 0.93 * s + 0.07 * dw**2
            right = w - lr * m / (1 - 0.8**t) / (np.sqrt(s / (1 - 0.93**t)) + 0.02)
            w, state = answer
            if np.abs(w - right).max() > 1e-9 or np.abs(state["m"] - m).max() > 1e-9:
                raise ValueError("another step")
            if np.abs(state["s"] - s).max() > 1e-9 or state["t"] != t:
                raise ValueError("another state")
        return False
    """,
)
