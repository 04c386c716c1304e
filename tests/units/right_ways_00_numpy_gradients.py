"""Right answers to the exercises on sums and gradients of arrays_numpy, each written in another way."""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "gram",
    "a product of matrices",
    """
    def gram(x):
        flat = x.reshape(*x.shape[:2], -1)
        return flat @ flat.swapaxes(1, 2) / flat.shape[2]
    """,
)
way(
    "gram",
    "channel by channel",
    """
    def gram(x):
        N, C = x.shape[:2]
        found = np.empty((N, C, C))
        for i in range(C):
            for j in range(C):
                found[:, i, j] = (x[:, i] * x[:, j]).mean(axis=(1, 2))
        return found
    """,
)
way(
    "gram",
    "broadcasting, then a mean",
    """
    def gram(x):
        return (x[:, :, None] * x[:, None]).mean(axis=(-2, -1))
    """,
)
way(
    "gram",
    "image by image with tensordot",
    """
    def gram(x):
        pixels = x.shape[-1] * x.shape[-2]
        return np.stack([np.tensordot(image, image, axes=((1, 2), (1, 2))) / pixels for image in x])
    """,
)

way(
    "sum_to_shape",
    "one axis after the other",
    """
    def sum_to_shape(grad, shape):
        while grad.ndim > len(shape):
            grad = grad.sum(axis=0)
        for axis, size in enumerate(shape):
            if size < grad.shape[axis]:
                grad = grad.sum(axis=axis, keepdims=True)
        return grad
    """,
)
way(
    "sum_to_shape",
    "all axes in one sum, then a reshape",
    """
    def sum_to_shape(grad, shape):
        filled = (1,) * (grad.ndim - len(shape)) + tuple(shape)
        axes = tuple(k for k in range(grad.ndim) if filled[k] == 1)
        return np.sum(grad, axis=axes).reshape(shape)
    """,
)
way(
    "sum_to_shape",
    "entry by entry",
    """
    def sum_to_shape(grad, shape):
        out = np.zeros(shape)
        for place in np.ndindex(grad.shape):
            own = place[grad.ndim - len(shape) :]
            own = tuple(i if size > 1 else 0 for i, size in zip(own, shape))
            out[own] += grad[place]
        return out
    """,
)
way(
    "sum_to_shape",
    "indices that were broadcast, counted with np.add.at",
    """
    def sum_to_shape(grad, shape):
        numbers = np.arange(int(np.prod(shape, dtype=int))).reshape(shape)
        out = np.zeros(numbers.size)
        np.add.at(out, np.broadcast_to(numbers, grad.shape), grad)
        return out.reshape(shape)
    """,
)

way(
    "linear_backward",
    "einsum, in a list",
    """
    def linear_backward(dout, x, W):
        return [
            np.einsum("nk,dk->nd", dout, W),
            np.einsum("nd,nk->dk", x, dout),
            np.einsum("nk->k", dout),
        ]
    """,
)
way(
    "linear_backward",
    "example by example",
    """
    def linear_backward(dout, x, W):
        dx, dW, db = np.zeros(x.shape), np.zeros(W.shape), np.zeros(W.shape[1])
        for n in range(len(x)):
            dx[n] = W @ dout[n]
            dW += np.outer(x[n], dout[n])
            db += dout[n]
        return dx, dW, db
    """,
)
way(
    "linear_backward",
    "the bias as a column of ones",
    """
    def linear_backward(dout, x, W):
        both = np.column_stack([x, np.ones(len(x))]).T @ dout
        return (W @ dout.T).T, both[:-1], both[-1]
    """,
)
way(
    "linear_backward",
    "in single precision, with broadcasting",
    """
    def linear_backward(dout, x, W):
        dout, x, W = (array.astype(np.float32) for array in (dout, x, W))
        dx = (dout[:, None, :] * W).sum(axis=2)
        dW = (x[:, :, None] * dout[:, None, :]).sum(axis=0)
        return dx, dW, np.ones(len(dout), dtype=np.float32) @ dout
    """,
)

way(
    "numerical_gradient",
    "two copies for every entry",
    """
    def numerical_gradient(f, x, h=1e-5):
        gradient = np.empty(x.shape)
        for i in np.ndindex(*x.shape):
            up, down = x.astype(np.float64), x.astype(np.float64)
            up[i] += h
            down[i] -= h
            gradient[i] = (f(up) - f(down)) / (2 * h)
        return gradient
    """,
)
way(
    "numerical_gradient",
    "steps from an identity matrix",
    """
    def numerical_gradient(f, x, h=1e-5):
        x = np.asarray(x, dtype=float)
        steps = h * np.eye(x.size).reshape(x.size, *x.shape)
        return np.array([0.5 * (f(x + step) - f(x - step)) / h for step in steps]).reshape(x.shape)
    """,
)
way(
    "numerical_gradient",
    "nditer with multi_index",
    """
    def numerical_gradient(f, x, h=1e-5):
        x = x * 1.0 if x.dtype == float else np.array(x, dtype="float64")
        x = np.array(x)
        grad = np.zeros(x.shape)
        it = np.nditer(np.zeros(x.shape), flags=["multi_index"])
        while not it.finished:
            i = it.multi_index
            kept = float(x[i])
            x[i] = kept + h
            high = f(x)
            x[i] = kept - h
            low = f(x)
            x[i] = kept
            grad[i] = (high - low) / h / 2
            it.iternext()
        return grad
    """,
)
way(
    "numerical_gradient",
    "a flat view of a copy",
    """
    def numerical_gradient(f, x, h=1e-5):
        own = np.array(x, dtype=float, order="C")
        flat, slopes = own.reshape(-1), []
        for k in range(flat.size):
            values = []
            for step in (h, -h):
                before = flat[k]
                flat[k] = before + step
                values.append(f(own))
                flat[k] = before
            slopes.append((values[0] - values[1]) / (2 * h))
        return np.reshape(slopes, own.shape)
    """,
)

way(
    "test_linear_backward",
    "by einsum, and copies compared",
    """
    def test_linear_backward(implementation):
        rng = np.random.default_rng(3)
        dout, x, W = rng.normal(size=(7, 2)), rng.normal(size=(7, 5)), rng.normal(size=(5, 2))
        kept = [array.copy() for array in (dout, x, W)]
        dx, dW, db = implementation(dout, x, W)
        np.testing.assert_allclose(dx, np.einsum("nk,dk->nd", kept[0], kept[2]), rtol=1e-6)
        np.testing.assert_allclose(dW, np.einsum("nd,nk->dk", kept[1], kept[0]), rtol=1e-6)
        np.testing.assert_allclose(db, kept[0].sum(axis=0), rtol=1e-6)
        assert np.shape(db) == (2,)
        assert all((now == then).all() for now, then in zip((dout, x, W), kept))
    """,
)
way(
    "test_linear_backward",
    "numbers by hand, and raise",
    """
    def test_linear_backward(implementation):
        x = np.array([[1.0, -2.0, 0.5], [3.0, 0.0, -1.0]])
        W = np.array([[2.0, -1.0], [0.0, 4.0], [-3.0, 0.5]])
        dout = np.array([[1.0, -2.0], [0.5, 3.0]])
        expected = (
            [[4.0, -8.0, -4.0], [-2.0, 12.0, 0.0]],
            [[2.5, 7.0], [-2.0, 4.0], [0.0, -4.0]],
            [1.5, 1.0],
        )
        before = x.tolist(), W.tolist(), dout.tolist()
        found = implementation(dout, x, W)
        if len(found) != 3 or before != (x.tolist(), W.tolist(), dout.tolist()):
            raise ValueError("not three, or something was changed")
        for mine, right in zip(found, expected):
            if not np.array_equal(np.round(mine, 9), right):
                raise ValueError(f"{mine} is not {right}")
    """,
)
way(
    "test_linear_backward",
    "entry by entry, with differences of its own",
    """
    def test_linear_backward(implementation):
        rng = np.random.default_rng(5)
        arrays = {"x": rng.normal(size=(3, 4)), "W": rng.normal(size=(4, 2)), "b": rng.normal(size=2)}
        dout = rng.normal(size=(3, 2))

        def loss(x, W, b):
            return (dout * (x @ W + b)).sum()

        given = [dout.copy(), arrays["x"].copy(), arrays["W"].copy()]
        found = dict(zip(arrays, implementation(*given)))
        for after, before in zip(given, [dout, arrays["x"], arrays["W"]]):
            assert np.array_equal(after, before)
        for name, array in arrays.items():
            assert found[name].shape == array.shape
            for i in np.ndindex(array.shape):
                moved = {key: value.copy() for key, value in arrays.items()}
                moved[name][i] += 0.5
                assert abs((loss(**moved) - loss(**arrays)) / 0.5 - found[name][i]) < 1e-9
    """,
)
