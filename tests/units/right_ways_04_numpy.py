"""Right answers to the NumPy exercises of 04-initialization, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "sigmoid_backward",
    "one over 1 + exp(-z), which overflows and is right",
    """
    def sigmoid_backward(dout, z):
        a = 1 / (1 + np.exp(-z))
        return dout * (a * (1 - a))
    """,
)
way(
    "sigmoid_backward",
    "a tanh in disguise",
    """
    def sigmoid_backward(dout, z):
        t = np.tanh(z / 2)
        return 0.25 * dout * (1 - t * t)
    """,
)
way(
    "sigmoid_backward",
    "a hyperbolic cosine",
    """
    def sigmoid_backward(dout, z):
        return dout / (2 + 2 * np.cosh(np.clip(z, -700, 700)))
    """,
)
way(
    "sigmoid_backward",
    "clipped at 15",
    """
    def sigmoid_backward(dout, z):
        a = 1 / (1 + np.exp(-np.clip(z, -15, 15)))
        return dout * a * (1 - a)
    """,
)
way(
    "sigmoid_backward",
    "boolean masks, side by side",
    """
    def sigmoid_backward(dout, z):
        a = np.empty_like(z)
        up = z >= 0
        a[up] = 1 / (1 + np.exp(-z[up]))
        e = np.exp(z[~up])
        a[~up] = e / (1 + e)
        return a * (1 - a) * dout
    """,
)
way(
    "sigmoid_backward",
    "the falling sigmoid, which has the same product",
    """
    def sigmoid_backward(dout, z):
        b = 1 / (1 + np.exp(z))
        return dout * b * (1 - b)
    """,
)
way(
    "sigmoid_backward",
    "float32",
    """
    def sigmoid_backward(dout, z):
        z = z.astype(np.float32)
        a = 1 / (1 + np.exp(-z))
        return dout.astype(np.float32) * a * (1 - a)
    """,
)

way(
    "tanh_backward",
    "two factors",
    """
    def tanh_backward(dout, z):
        a = np.tanh(z)
        return dout * (1 - a) * (1 + a)
    """,
)
way(
    "tanh_backward",
    "one over cosh squared",
    """
    def tanh_backward(dout, z):
        return dout / np.cosh(z) ** 2
    """,
)
way(
    "tanh_backward",
    "four times the sigmoid's at 2z",
    """
    def tanh_backward(dout, z):
        return 4 * sigmoid_backward(dout, 2 * z)
    """,
)
way(
    "tanh_backward",
    "entry by entry",
    """
    def tanh_backward(dout, z):
        dz = np.zeros_like(z)
        for place in np.ndindex(z.shape):
            dz[place] = dout[place] * (1 - np.tanh(z[place]) ** 2)
        return dz
    """,
)

way(
    "leaky_relu_backward",
    "a copy and a mask",
    """
    def leaky_relu_backward(dout, z, slope):
        dz = dout.copy()
        dz[z <= 0] *= slope
        return dz
    """,
)
way(
    "leaky_relu_backward",
    "two terms",
    """
    def leaky_relu_backward(dout, z, slope):
        return relu_backward(dout, z) + slope * dout * (z <= 0)
    """,
)
way(
    "leaky_relu_backward",
    "np.where of products",
    """
    def leaky_relu_backward(dout, z, slope):
        return np.where(z > 0, dout, slope * dout)
    """,
)
way(
    "leaky_relu_backward",
    "slope plus the rest",
    """
    def leaky_relu_backward(dout, z, slope):
        return dout * (slope + (1 - slope) * np.heaviside(z, 0))
    """,
)
way(
    "leaky_relu_backward",
    "convention: the slope 1 at 0",
    """
    def leaky_relu_backward(dout, z, slope):
        dz = np.array(dout)
        dz[z < 0] = slope * dz[z < 0]
        return dz
    """,
)

way(
    "elu_backward",
    "np.where of both sides, which overflows and is right",
    """
    def elu_backward(dout, z, alpha):
        return np.where(z > 0, dout, dout * alpha * np.exp(z))
    """,
)
way(
    "elu_backward",
    "the output plus alpha",
    """
    def elu_backward(dout, z, alpha):
        return dout * np.where(z > 0, 1, elu(z, alpha) + alpha)
    """,
)
way(
    "elu_backward",
    "clipped at -20",
    """
    def elu_backward(dout, z, alpha):
        return np.where(z > 0, 1.0, alpha * np.exp(np.clip(z, -20, 0))) * dout
    """,
)
way(
    "elu_backward",
    "the negative entries alone",
    """
    def elu_backward(dout, z, alpha):
        slope = np.ones(z.shape)
        below = z <= 0
        slope[below] = alpha * np.exp(z[below])
        return slope * dout
    """,
)
way(
    "elu_backward",
    "convention: the slope 1 at 0",
    """
    def elu_backward(dout, z, alpha):
        return dout * ((z >= 0) + (z < 0) * alpha * np.exp(-np.abs(z)))
    """,
)

way(
    "maxout_backward",
    "a loop over examples and units",
    """
    def maxout_backward(dout, z):
        dz = np.zeros(z.shape)
        for n in range(z.shape[0]):
            for m in range(z.shape[2]):
                dz[n, np.argmax(z[n, :, m]), m] = dout[n, m]
        return dz
    """,
)
way(
    "maxout_backward",
    "put along an axis",
    """
    def maxout_backward(dout, z):
        dz = np.zeros_like(z)
        np.put_along_axis(dz, np.argmax(z, axis=1, keepdims=True), dout[:, np.newaxis, :], axis=1)
        return dz
    """,
)
way(
    "maxout_backward",
    "one-hot rows",
    """
    def maxout_backward(dout, z):
        hot = np.eye(z.shape[1])[z.argmax(axis=1)]
        return np.einsum("nm,nmk->nkm", dout, hot)
    """,
)
way(
    "maxout_backward",
    "piece by piece, the first that is as large as the maximum",
    """
    def maxout_backward(dout, z):
        top = z.max(axis=1)
        left = np.ones_like(top, dtype=bool)
        dz = []
        for k in range(z.shape[1]):
            wins = left & (z[:, k] == top)
            dz.append(np.where(wins, dout, 0))
            left &= ~wins
        return np.stack(dz, axis=1)
    """,
)
way(
    "maxout_backward",
    "convention: equal pieces share",
    """
    def maxout_backward(dout, z):
        best = (z == z.max(axis=1, keepdims=True)).astype(float)
        return best / best.sum(axis=1, keepdims=True) * dout[:, None, :]
    """,
)

way(
    "product_variance",
    "second moments",
    """
    def product_variance(mean_x, var_x, mean_y, var_y):
        return (var_x + mean_x**2) * (var_y + mean_y**2) - (mean_x * mean_y) ** 2
    """,
)
way(
    "product_variance",
    "two terms",
    """
    def product_variance(mean_x, var_x, mean_y, var_y):
        return var_x * (var_y + mean_y * mean_y) + mean_x * mean_x * var_y
    """,
)
way(
    "product_variance",
    "exactly, by two values for each variable",
    """
    def product_variance(mean_x, var_x, mean_y, var_y):
        x = mean_x + np.sqrt(var_x) * np.array([-1, 1])
        y = mean_y + np.sqrt(var_y) * np.array([-1, 1])
        return np.outer(x, y).var()
    """,
)

way(
    "fan_in_and_out",
    "the product of the kernel",
    """
    def fan_in_and_out(shape):
        fan_in, fan_out = (shape[0], shape[1]) if len(shape) == 2 else (shape[1], shape[0])
        kernel = np.prod(shape[2:])
        return fan_in * kernel, fan_out * kernel
    """,
)
way(
    "fan_in_and_out",
    "all weights over the other side",
    """
    def fan_in_and_out(shape):
        size = 1
        for n in shape:
            size = size * n
        if len(shape) == 4:
            return size // shape[0], size // shape[1]
        return size // shape[1], size // shape[0]
    """,
)
way(
    "fan_in_and_out",
    "a list, from an empty array",
    """
    def fan_in_and_out(shape):
        W = np.empty(shape)
        if W.ndim == 2:
            return list(W.shape)
        return [W[0].size, W[:, 0].size]
    """,
)
way(
    "fan_in_and_out",
    "an array of two numbers",
    """
    def fan_in_and_out(shape):
        if len(shape) == 2:
            return np.array(shape)
        return np.array([shape[1], shape[0]]) * np.prod(shape[2:])
    """,
)
way(
    "fan_in_and_out",
    "slices and stars",
    """
    def fan_in_and_out(shape):
        try:
            out, into, h, w = shape
        except ValueError:
            into, out = shape
            h = w = 1
        return (into * h * w, out * h * w)
    """,
)

way(
    "glorot_uniform",
    "numbers from 0 to 1, moved and stretched",
    """
    def glorot_uniform(fan_in, fan_out, rng):
        r = (6.0 / (fan_out + fan_in)) ** 0.5
        return (2 * rng.random((fan_in, fan_out)) - 1) * r
    """,
)
way(
    "glorot_uniform",
    "from the variance",
    """
    def glorot_uniform(fan_in, fan_out, rng):
        variance = 2 / (fan_in + fan_out)
        bound = np.sqrt(3 * variance)
        return rng.uniform(low=-bound, high=bound, size=(fan_in, fan_out))
    """,
)
way(
    "glorot_uniform",
    "drawn as (fan_out, fan_in) and turned",
    """
    def glorot_uniform(fan_in, fan_out, rng):
        r = np.sqrt(6) / np.sqrt(fan_in + fan_out)
        return rng.uniform(-r, r, (fan_out, fan_in)).T
    """,
)
way(
    "glorot_uniform",
    "row by row in float32",
    """
    def glorot_uniform(fan_in, fan_out, rng):
        r = np.sqrt(6 / (fan_in + fan_out))
        rows = [rng.random(fan_out, dtype=np.float32) for _ in range(fan_in)]
        return np.float32(r) * (2 * np.array(rows) - 1)
    """,
)

way(
    "he_normal",
    "a gain times standard normal numbers",
    """
    def he_normal(fan_in, fan_out, rng, slope=0.0):
        gain = np.sqrt(2.0 / (1 + slope * slope))
        return gain / np.sqrt(fan_in) * rng.standard_normal((fan_in, fan_out))
    """,
)
way(
    "he_normal",
    "column by column",
    """
    def he_normal(fan_in, fan_out, rng, slope=0.0):
        std = (2 / (fan_in * (1 + slope**2))) ** 0.5
        return np.stack([rng.normal(scale=std, size=fan_in) for _ in range(fan_out)], axis=1)
    """,
)
way(
    "he_normal",
    "Box and Muller from uniform numbers",
    """
    def he_normal(fan_in, fan_out, rng, slope=0.0):
        u, v = rng.random((2, fan_in, fan_out))
        z = np.sqrt(-2 * np.log(1 - u)) * np.cos(2 * np.pi * v)
        return z * np.sqrt(2 / (1 + slope**2) / fan_in)
    """,
)
way(
    "he_normal",
    "float32, in place on its own array",
    """
    def he_normal(fan_in, fan_out, rng, slope=0.0):
        W = rng.standard_normal(size=(fan_in, fan_out), dtype=np.float32)
        W *= np.float32(np.sqrt(2 / ((1 + slope**2) * fan_in)))
        return W
    """,
)

way(
    "layer_stds",
    "a list of numbers",
    """
    def layer_stds(x, weights, activation):
        found, a = [], x
        for matrix in weights:
            a = activation(a.dot(matrix))
            found.append(float(np.std(a)))
        return found
    """,
)
way(
    "layer_stds",
    "an array that is filled",
    """
    def layer_stds(x, weights, activation):
        stds = np.zeros(len(weights))
        h = x.copy()
        for layer in range(len(weights)):
            h = activation(np.matmul(h, weights[layer]))
            stds[layer] = np.sqrt(((h - h.mean()) ** 2).mean())
        return stds
    """,
)
way(
    "layer_stds",
    "all activations first",
    """
    def layer_stds(x, weights, activation):
        from itertools import accumulate

        outputs = accumulate(weights, lambda a, W: activation(a @ W), initial=x)
        return np.array([a.var() ** 0.5 for a in list(outputs)[1:]])
    """,
)
way(
    "layer_stds",
    "one layer and the rest",
    """
    def layer_stds(x, weights, activation):
        if len(weights) == 0:
            return np.zeros(0)
        a = activation(x @ weights[0])
        return np.concatenate([[a.std()], layer_stds(a, weights[1:], activation)])
    """,
)

way(
    "residual_block",
    "np.maximum",
    """
    def residual_block(x, W1, W2):
        branch = np.maximum(x @ W1, 0) @ W2
        return np.maximum(x + branch, 0)
    """,
)
way(
    "residual_block",
    "masks",
    """
    def residual_block(x, W1, W2):
        z = np.dot(x, W1)
        z[z < 0] = 0
        y = z.dot(W2) + x
        return y * (y > 0)
    """,
)
way(
    "residual_block",
    "a copy that grows",
    """
    def residual_block(x, W1, W2):
        y = x.copy()
        y += relu(x @ W1) @ W2
        y[y < 0] = 0.0
        return y
    """,
)
way(
    "residual_block",
    "example by example",
    """
    def residual_block(x, W1, W2):
        return np.array([relu(one + relu(one @ W1) @ W2) for one in x])
    """,
)

way(
    "residual_block_backward",
    "masks, node by node",
    """
    def residual_block_backward(dout, x, W1, W2):
        hidden = np.maximum(0, x @ W1)
        total = x + hidden @ W2
        dtotal = dout * (total > 0)
        dx_skip, dbranch = dtotal, dtotal
        dW2 = hidden.T @ dbranch
        dhidden = dbranch @ W2.T
        dz = dhidden * (hidden > 0)
        dW1 = x.T @ dz
        return dx_skip + dz @ W1.T, dW1, dW2
    """,
)
way(
    "residual_block_backward",
    "example by example",
    """
    def residual_block_backward(dout, x, W1, W2):
        dx, dW1, dW2 = np.zeros_like(x), np.zeros_like(W1), np.zeros_like(W2)
        for n, (g, one) in enumerate(zip(dout, x)):
            z = one @ W1
            h = relu(z)
            g = np.where(one + h @ W2 > 0, g, 0)
            dh = np.where(z > 0, W2 @ g, 0)
            dx[n] = g + W1 @ dh
            dW1 += np.outer(one, dh)
            dW2 += np.outer(h, g)
        return dx, dW1, dW2
    """,
)
way(
    "residual_block_backward",
    "einsum, and the output as the mask",
    """
    def residual_block_backward(dout, x, W1, W2):
        y = residual_block(x, W1, W2)
        h = relu(x @ W1)
        d2 = np.where(y > 0, dout, 0.0)
        d1 = np.einsum("nd,hd->nh", d2, W2) * np.sign(h)
        return [
            d2 + np.einsum("nh,dh->nd", d1, W1),
            np.einsum("nd,nh->dh", x, d1),
            np.einsum("nh,nd->hd", h, d2),
        ]
    """,
)
way(
    "residual_block_backward",
    "in place on copies",
    """
    def residual_block_backward(dout, x, W1, W2):
        h = x @ W1
        closed = h <= 0
        h[closed] = 0
        d = dout.copy()
        d[x + h @ W2 <= 0] = 0
        dh = d @ W2.T
        dh[closed] = 0
        dx = dh @ W1.T
        dx += d
        return dx, x.T.dot(dh), h.T.dot(d)
    """,
)

CASE = """
        rng = np.random.default_rng(4)
        dout, x = rng.normal(size=(7, 3)), rng.normal(size=(7, 3))
        W1, W2 = rng.normal(size=(3, 4)), rng.normal(size=(4, 3))
"""
way(
    "test_residual_block_backward",
    "quotients of its own",
    f"""
    def test_residual_block_backward(implementation):
{CASE}
        def loss(x, W1, W2):
            y = np.maximum(x + np.maximum(x @ W1, 0) @ W2, 0)
            return (y * dout).sum()

        arrays = [x, W1, W2]
        kept = [v.copy() for v in arrays] + [dout.copy()]
        gradients = implementation(dout, *arrays)
        for v, before in zip([*arrays, dout], kept):
            assert np.array_equal(v, before), "an input was changed"
        for k in range(3):
            assert gradients[k].shape == arrays[k].shape
            for i in np.ndindex(arrays[k].shape):
                up, down = [v.copy() for v in arrays], [v.copy() for v in arrays]
                up[k][i] += 1e-5
                down[k][i] -= 1e-5
                assert abs((loss(*up) - loss(*down)) / 2e-5 - gradients[k][i]) < 1e-5
    """,
)
way(
    "test_residual_block_backward",
    "another implementation",
    f"""
    def test_residual_block_backward(implementation):
{CASE}
        given = dout.copy(), x.copy(), W1.copy(), W2.copy()
        dx, dW1, dW2 = implementation(*given)
        for now, before in zip(given, (dout, x, W1, W2)):
            np.testing.assert_array_equal(now, before)
        h = relu(x @ W1)
        d2 = dout * (x + h @ W2 > 0)
        d1 = (d2 @ W2.T) * (h > 0)
        np.testing.assert_allclose(dx, d2 + d1 @ W1.T)
        np.testing.assert_allclose(dW1, x.T @ d1)
        np.testing.assert_allclose(dW2, h.T @ d2)
    """,
)
way(
    "test_residual_block_backward",
    "a square block and a random direction",
    """
    def test_residual_block_backward(implementation):
        for seed in range(4):
            rng = np.random.default_rng(seed)
            dout, x, W1, W2 = rng.normal(size=(4, 5, 5))
            arrays, way = (x, W1, W2), rng.normal(size=(3, 5, 5))
            safe = [v.copy() for v in (dout, *arrays)]
            found = implementation(*safe)
            if any((a != b).any() for a, b in zip(safe, (dout, *arrays))):
                raise ValueError("overwritten")

            def loss(t, k):
                moved = [v + t * way[k] if i == k else v for i, v in enumerate(arrays)]
                return (dout * relu(moved[0] + relu(moved[0] @ moved[1]) @ moved[2])).sum()

            for k in range(3):
                slope = (loss(1e-6, k) - loss(-1e-6, k)) / 2e-6
                assert found[k].shape == (5, 5)
                assert np.isclose((found[k] * way[k]).sum(), slope, rtol=1e-5, atol=1e-6)
    """,
)
