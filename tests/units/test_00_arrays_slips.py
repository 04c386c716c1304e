"""Slips in the NumPy exercises of unit 00, as students write them: told by name, and no false alarms."""

import pytest

SOLVED = ("00-numpy", "arrays_numpy")

DIFFERENCES = (
    "x = np.array(x, dtype=float)\n"
    "    g = np.zeros(x.shape)\n"
    "    it = np.nditer(x, flags=['multi_index'])\n"
    "    for _ in it:\n"
    "        i = it.multi_index\n"
    "        up, down = x.copy(), x.copy()\n"
    "        up[i] += h\n"
    "        down[i] -= h\n"
)

SLIPS = {
    "clipped too late": ("brighten", "U1", "sums = images + amount\n    return sums.clip(0, 255)"),
    "never clipped": (
        "brighten",
        "BR-wraps-back",
        "return (images.astype(np.int32) + amount).astype('uint8')",
    ),
    "black becomes white": (
        "brighten",
        "BR-top-only",
        "s = images.astype(int) + amount\n    s[s > 255] = 255\n    return s.astype(np.uint8)",
    ),
    "left in int16": (
        "brighten",
        "BR-wide",
        "return np.clip(images.astype(np.int16) + np.int16(amount), 0, 255)",
    ),
    "left in floats": ("brighten", "BR-float", "return np.clip(images.astype(float) + amount, 0, 255)"),
    "signed bytes": (
        "brighten",
        "BR-int8-throughout",
        "signed = images.astype(np.int8)\n    return np.clip(signed + amount, 0, 255).astype(np.uint8)",
    ),
    "256": (
        "brighten",
        "BR-256",
        "s = images + 1.0 * amount\n    return np.maximum(np.minimum(s, 256), 0).astype(np.uint8)",
    ),
    "a view": ("crop", "CR-view", "return images[:, top:][:, :height, left:][:, :, :width]"),
    "a copy where one is needed": (
        "crop",
        "CR-only-where-needed",
        "part = images[:, top : top + height, left : left + width]\n"
        "    return part.reshape(-1).reshape(part.shape)",
    ),
    "ends as sizes": ("crop", "CR-end", "return images[:, top:height, left:width].copy()"),
    "an end too far": (
        "crop",
        "CR-inclusive",
        "return np.array(images[:, top : top + height + 1, left : left + width + 1])",
    ),
    "the images cut": (
        "crop",
        "CR-batch",
        "return np.copy(images[top : top + height, left : left + width])",
    ),
    "height for width": (
        "crop",
        "CR-sizes",
        "return images[:, top : top + width, left : left + height].copy()",
    ),
    "from the right": (
        "crop",
        "CR-last-axes",
        "return images[..., top : top + height, left : left + width].copy()",
    ),
    "pairs counted once": (
        "confusion",
        "CM-once",
        "m = np.zeros((K, K), int)\n    m[labels, predicted] = m[labels, predicted] + 1\n    return m",
    ),
    "columns of the truth": (
        "confusion",
        "CM-transposed",
        "m = np.zeros((K, K), int)\n"
        "    for t, p in zip(labels, predicted):\n        m[p, t] += 1\n    return m",
    ),
    "bytes that wrap": (
        "confusion",
        "CM-bytes",
        "return np.bincount(predicted + K * labels, minlength=K**2).reshape((K, K))",
    ),
    "no length": (
        "confusion",
        "CM-no-minlength",
        "return np.bincount(predicted + K * labels.astype(int)).reshape((K, K))",
    ),
    "classes that occur": (
        "confusion",
        "CM-K-from-data",
        "k = 1 + max(max(labels), max(predicted))\n    m = np.zeros((k, k), dtype=int)\n"
        "    for t, p in zip(labels, predicted):\n        m[t, p] += 1\n    return m",
    ),
    "true classes that occur": (
        "confusion",
        "CM-K-of-labels",
        "rows = []\n    for i in sorted(set(labels)):\n        hits = predicted[labels == i]\n"
        "        rows.append([(hits == j).sum() for j in sorted(set(labels))])\n    return np.array(rows)",
    ),
    "floats of counts": (
        "confusion",
        "CM-float",
        "m = np.zeros([K, K])\n    for i in range(len(labels)):\n"
        "        m[labels[i], predicted[i]] += 1\n    return m",
    ),
    "overflow": ("softmax", "SM-overflow", "return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)"),
    "one maximum for all": (
        "softmax",
        "SM-max-of-all",
        "e = np.exp(z - z.max())\n    return e / e.sum(-1)[..., None]",
    ),
    "a lost axis": (
        "softmax",
        "SM-no-keepdims",
        "e = np.exp(z - z.max(-1, keepdims=True))\n    return e / e.sum(-1)",
    ),
    "columns": (
        "softmax",
        "SM-axis-0",
        "z = z - z.max(axis=0)\n    return np.exp(z) / np.exp(z).sum(axis=0)",
    ),
    "two axes at most": (
        "softmax",
        "SM-axis-1",
        "e = np.exp(z - z.max(1, keepdims=True))\n    return e / e.sum(1, keepdims=True)",
    ),
    "the dtype that came, for probabilities": (
        "softmax",
        "SM-zeros-like",
        "out = np.empty_like(z)\n    e = np.exp(z - z.max(-1, keepdims=True))\n"
        "    np.divide(e, e.sum(-1, keepdims=True), out=out, casting='unsafe')\n    return out",
    ),
    "one maximum for all, and no nan": (
        "softmax",
        "SM-max-of-all-nan",
        "e = np.exp(z - z.max())\n    p = e / e.sum(-1)[..., None]\n    return np.where(np.isnan(p), 0, p)",
    ),
    "all behind axis 0 as one row": (
        "softmax",
        "SM-first-axis",
        "rows = z.reshape(len(z), -1)\n    e = np.exp(rows - rows.max(axis=1, keepdims=True))\n"
        "    return (e / e.sum(axis=1, keepdims=True)).reshape(z.shape)",
    ),
    "many digits and no maximum": (
        "softmax",
        "SM-mean",
        "e = np.exp(z.astype(np.longdouble))\n    return e / e.sum(axis=-1, keepdims=True)",
    ),
    "large scores cut": (
        "softmax",
        "SM-clip-700",
        "e = np.exp(np.minimum(np.maximum(z, -700), 700))\n    return e / e.sum(axis=-1, keepdims=True)",
    ),
    "aligned on the left": (
        "broadcast_shape",
        "BS-left",
        "n = max(len(a), len(b))\n"
        "    a = list(a) + [1] * (n - len(a))\n    b = list(b) + [1] * (n - len(b))\n"
        "    out = []\n    for i, j in zip(a, b):\n        if i != j and i != 1 and j != 1:\n"
        "            raise ValueError('no')\n        out.append(j if i == 1 else i)\n    return tuple(out)",
    ),
    "the larger one": (
        "broadcast_shape",
        "BS-max",
        "out = []\n    for k in range(1, max(len(a), len(b)) + 1):\n"
        "        i, j = (a[-k] if k <= len(a) else 1), (b[-k] if k <= len(b) else 1)\n"
        "        if i != j and i != 1 and j != 1:\n            raise ValueError\n"
        "        out.append(max(i, j))\n    return tuple(out[::-1])",
    ),
    "never turned back": (
        "broadcast_shape",
        "BS-reversed",
        "out = []\n    for k in range(1, max(len(a), len(b)) + 1):\n"
        "        i, j = (a[-k] if k <= len(a) else 1), (b[-k] if k <= len(b) else 1)\n"
        "        if i != j and i != 1 and j != 1:\n            raise ValueError\n"
        "        out.append(j if i == 1 else i)\n    return tuple(out)",
    ),
    "a root": (
        "squared_distances",
        "SD-root",
        "return np.linalg.norm(a[:, None] - b[None, :], axis=-1)",
    ),
    "below zero": (
        "squared_distances",
        "SD-negative",
        "return (a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2 * np.dot(a, b.T)",
    ),
    "the rows of b": (
        "squared_distances",
        "SD-transposed",
        "return np.sum((b[:, None] - a) ** 2, axis=2)",
    ),
    "a mean": ("squared_distances", "SD-mean-of-all", "return np.mean((a[:, None] - b) ** 2, axis=-1)"),
    "a sum over pixels": ("gram", "GR-sum", "f = x.reshape(*x.shape[:2], -1)\n    return f @ f.mT"),
    "as in Johnson et al.": (
        "gram",
        "GR-CHW",
        "N, C, H, W = x.shape\n    f = x.reshape(N, C, H * W)\n"
        "    return f @ f.transpose(0, 2, 1) / (C * H * W)",
    ),
    "the images summed": (
        "gram",
        "GR-over-images",
        "return np.einsum('nchw,ndhw->cd', x, x) / x[0, 0].size",
    ),
    "pixels by pixels": (
        "gram",
        "GR-flat-order",
        "f = x.reshape(x.shape[0], x.shape[1], -1)\n    return np.einsum('nci,ncj->nij', f, f) / f.shape[2]",
    ),
    "left axes only": (
        "sum_to_shape",
        "UB-left-only",
        "while grad.ndim > len(shape):\n        grad = grad.sum(axis=0)\n    return grad",
    ),
    "axes that move up": (
        "sum_to_shape",
        "UB-axes-move",
        "for i in range(grad.ndim - len(shape)):\n        grad = grad.sum(axis=i)\n"
        "    for i, n in enumerate(shape):\n        if n == 1:\n"
        "            grad = grad.sum(axis=i, keepdims=True)\n    return grad",
    ),
    "compared from the left": (
        "sum_to_shape",
        "UB-compared-on-the-left",
        "axes = tuple(i for i, (g, n) in enumerate(zip(grad.shape, shape)) if n != g)\n"
        "    return grad.sum(axis=axes).reshape(shape)",
    ),
    "ones that vanish": (
        "sum_to_shape",
        "UB-no-keepdims",
        "while grad.ndim > len(shape):\n        grad = grad.sum(0)\n"
        "    return grad.sum(axis=tuple(i for i in range(len(shape)) if shape[i] == 1))",
    ),
    "a mean of what was repeated": (
        "sum_to_shape",
        "UB-mean-both",
        "while grad.ndim > len(shape):\n        grad = grad.mean(0)\n"
        "    return grad.mean(axis=tuple(i for i in range(len(shape)) if shape[i] == 1), keepdims=True)",
    ),
    "reshape for a transposition, of channels": (
        "gram",
        "GR-reshape-for-T",
        "N, C, H, W = x.shape\n    f = x.reshape(N, C, -1)\n    return f @ f.reshape(N, -1, C) / (H * W)",
    ),
    "reshape for a transposition": (
        "linear_backward",
        "LB-dx-reshaped",
        "return dout @ W.reshape(dout.shape[1], -1), np.einsum('nd,nk->dk', x, dout), dout.sum(0)",
    ),
    "x for dout": (
        "linear_backward",
        "LB-db-of-x",
        "return np.dot(dout, W.T), np.dot(x.T, dout), x.sum(0)",
    ),
    "a mean for the weights": (
        "linear_backward",
        "LB-dW-mean",
        "return np.dot(dout, W.T), np.dot(x.T, dout) / len(dout), dout.sum(0)",
    ),
    "as PyTorch keeps them": (
        "linear_backward",
        "LB-dW-transposed",
        "return np.matmul(dout, W.T), np.matmul(x.T, dout).T, sum(dout)",
    ),
    "a row for the bias": (
        "linear_backward",
        "LB-db-column",
        "return np.matmul(dout, W.T), np.matmul(x.T, dout), np.ones((1, len(dout))) @ dout",
    ),
    "a bias of each example": (
        "linear_backward",
        "LB-db-axis",
        "return np.matmul(dout, W.T), np.matmul(x.T, dout), dout @ np.ones(dout.shape[1])",
    ),
    "forward": (
        "numerical_gradient",
        "NG-forward",
        DIFFERENCES + "        g[i] = (f(up) - f(x)) / h\n    return g",
    ),
    "backward": (
        "numerical_gradient",
        "NG-backward-half",
        DIFFERENCES + "        g[i] = (f(x) - f(down)) / h\n    return g",
    ),
    "half of the way": (
        "numerical_gradient",
        "NG-no-2",
        DIFFERENCES + "        g[i] = (f(up) - f(down)) / h\n    return g",
    ),
    "brackets": (
        "numerical_gradient",
        "NG-brackets",
        DIFFERENCES + "        g[i] = (f(up) - f(down)) / 2 * h\n    return g",
    ),
    "the dtype that came": (
        "numerical_gradient",
        "NG-dtype-of-x",
        "x = x.copy()\n    g = np.zeros_like(x)\n    for i in np.ndindex(x.shape):\n        old = x[i]\n"
        "        x[i] = old + h\n        up = f(x)\n        x[i] = old - h\n        down = f(x)\n"
        "        x[i] = old\n        g[i] = (up - down) / (2 * h)\n    return g",
    ),
    "cut to float32": (
        "numerical_gradient",
        "NG-cut-to-float32",
        DIFFERENCES + "        g[i] = (f(up) - f(down)) / (2 * h)\n    return np.float32(g)",
    ),
    "x moved and nearly back": (
        "numerical_gradient",
        "NG-overwrites",
        "g = np.zeros(x.shape)\n    for i in np.ndindex(x.shape):\n        x[i] += h\n        up = f(x)\n"
        "        x[i] -= 2 * h\n        g[i] = (up - f(x)) / (2 * h)\n        x[i] += h\n    return g",
    ),
}


@pytest.mark.parametrize(("exercise", "mistake", "body"), SLIPS.values(), ids=SLIPS)
def test_a_slip_is_caught_and_called_by_its_name(exercise, mistake, body, notebook, questions):
    names = notebook.with_body(exercise, body)
    synonyms = next(p.mistake.synonyms for p in notebook.unit.patches if p.mistake.id == mistake)
    for asked in questions:
        told = {v.mistake for v in notebook.verdicts(names, exercise, asked) if not v.passed}
        assert told & {mistake, *synonyms} and told <= {mistake, *synonyms, None}, told


TWO_AT_ONCE = {
    "counted once, in floats": (
        "confusion",
        "CM-once-float",
        "m = np.zeros((K, K))\n    m[labels, predicted] += 1\n    return m",
    ),
    "one sum for all, and overflow": ("softmax", "SM-all-overflow", "return np.exp(z) / np.exp(z).sum()"),
    "a lost axis, and overflow": (
        "softmax",
        "SM-no-keepdims-overflow",
        "return np.exp(z) / np.exp(z).sum(axis=-1)",
    ),
    "means for the weights": (
        "linear_backward",
        "LB-mean-weights",
        "return np.dot(dout, W.T), np.dot(x.T, dout) / len(x), sum(dout) / len(x)",
    ),
    "two names of one array": (
        "numerical_gradient",
        "NG-alias",
        "g = np.zeros(x.shape)\n    for i in np.ndindex(x.shape):\n        x1 = x\n        x1[i] += h\n"
        "        x2 = x\n        x2[i] -= h\n        g[i] = (f(x1) - f(x2)) / (2 * h)\n    return g",
    ),
    "two names of one copy": (
        "numerical_gradient",
        "NG-copy-moved",
        "x = x.astype(float)\n    g = np.zeros(x.shape)\n    for i in np.ndindex(x.shape):\n"
        "        x1, x2 = x, x\n        x1[i] += h\n        x2[i] -= h\n"
        "        g[i] = (f(x1) - f(x2)) / (2 * h)\n    return g",
    ),
}


@pytest.mark.parametrize(("exercise", "mistake", "body"), TWO_AT_ONCE.values(), ids=TWO_AT_ONCE)
def test_two_slips_that_go_together_are_told_together(exercise, mistake, body, notebook, questions):
    synonyms = next(p.mistake.synonyms for p in notebook.unit.patches if p.mistake.id == mistake)
    for asked in questions:
        verdicts = notebook.verdicts(notebook.with_body(exercise, body), exercise, asked)
        assert {v.mistake for v in verdicts if not v.passed} <= {mistake, *synonyms}
        assert not all(v.passed for v in verdicts)


OVERLOOKED_ONCE = {
    "zeros that rounding makes equal": (
        "squared_distances",
        "return np.diag(a @ a.T)[:, None] - 2 * a @ b.T + np.diag(b @ b.T)",
    ),
    "counts in bytes": (
        "confusion",
        "m = np.zeros((K, K), np.uint8)\n    np.add.at(m, (labels, predicted), 1)\n    return m",
    ),
    "one-hot vectors in bytes": (
        "confusion",
        "eye = np.eye(K, dtype=np.uint8)\n    return eye[labels].T @ eye[predicted]",
    ),
    "arrays in the place of a rule": ("broadcast_shape", "return (np.ones(a) * np.ones(b)).shape"),
    "half precision": (
        "softmax",
        "z = z.astype(np.float16)\n    e = np.exp(z - z.max(-1, keepdims=True))\n"
        "    return e / e.sum(-1, keepdims=True)",
    ),
    "float32 in, float32 out": (
        "numerical_gradient",
        "x = x * 1.0\n    g = np.zeros(x.shape)\n    for i in np.ndindex(x.shape):\n"
        "        p, m = x.copy(), x.copy()\n        p[i] += h\n        m[i] -= h\n"
        "        g[i] = (f(p) - f(m)) / (2 * h)\n    return g",
    ),
    "small distances cut": (
        "squared_distances",
        "d = ((a[:, None] - b) ** 2).sum(2)\n    d[d < 1e-3] = 0\n    return d",
    ),
    "a floor under the distances": (
        "squared_distances",
        "return np.maximum(((a[:, None] - b) ** 2).sum(2), 1e-6)",
    ),
    "a constant on the distances": ("squared_distances", "return ((a[:, None] - b) ** 2).sum(2) + 1e-9"),
    "sizes as texts": (
        "broadcast_shape",
        "return tuple(str(size) for size in np.broadcast_shapes(a, b))",
    ),
    "sizes as floats": (
        "broadcast_shape",
        "return tuple(float(size) for size in np.broadcast_shapes(a, b))",
    ),
    "a fraction of 255, cut": (
        "brighten",
        "return (np.clip(images / 255 + amount / 255, 0, 1) * 255).astype(np.uint8)",
    ),
}


@pytest.mark.parametrize(("exercise", "body"), OVERLOOKED_ONCE.values(), ids=OVERLOOKED_ONCE)
def test_a_wrong_answer_is_refused_by_a_check_that_the_student_sees(exercise, body, notebook, questions):
    shown = {p.name for p in notebook.unit.probes.values() if not p.hidden}
    for asked in questions:
        verdicts = notebook.verdicts(notebook.with_body(exercise, body), exercise, asked)
        assert any(not v.passed and v.probe in shown for v in verdicts), verdicts


UNNAMED = {
    "a text": ("brighten", "return 'bright'"),
    "nothing": ("gram", "pass"),
    "one number": ("squared_distances", "return 3.0"),
    "a dict of gradients": ("linear_backward", "return {'dx': dout, 'dW': x, 'db': W}"),
    "correlations": (
        "gram",
        "f = x.reshape(*x.shape[:2], -1)\n    return np.array([np.corrcoef(one) for one in f])",
    ),
    "a scaled gradient": ("numerical_gradient", "return 0.9 * np.array(x, dtype=float)"),
}


@pytest.mark.parametrize(("exercise", "body"), UNNAMED.values(), ids=UNNAMED)
def test_what_no_mistake_describes_gets_no_name(exercise, body, notebook, questions):
    for asked in questions:
        verdicts = notebook.verdicts(notebook.with_body(exercise, body), exercise, asked)
        assert not any(v.passed for v in verdicts) and {v.mistake for v in verdicts} == {None}, verdicts


def test_what_came_in_the_place_of_three_gradients_is_said(notebook, questions):
    for body, came in (
        ("return dout @ W.T, x.T @ dout", "2 things came"),
        ("return {}", "a dict came"),
        ("return dout", "a ndarray came"),
        ("pass", "None came"),
    ):
        names = notebook.with_body("linear_backward", body)
        assert all(came in v.message for v in notebook.verdicts(names, "linear_backward", questions[0])), came
