"""Slips in the NumPy notebook of unit 03, written as students would: each is recognized as what it is."""

import pytest

SOLVED = ("03-normalization-family", "family_numpy")

LN = "mu, var = x.mean(1, keepdims=True), x.var(1, keepdims=True)\n    "
IN = "mu, var = x.mean((2, 3), keepdims=True), x.var((2, 3), keepdims=True)\n    "
Z = "N, C, H, W = x.shape\n    z = x.reshape(N, groups, C // groups, H, W)\n    "
GN = Z + "mu, var = z.mean((2, 3, 4), keepdims=True), z.var((2, 3, 4), keepdims=True)\n    "
BACK = "h = ((z - mu) / np.sqrt(var + eps)).reshape(N, C, H, W)\n    "
PER = "gamma.reshape(1, -1, 1, 1) * h + beta.reshape(1, -1, 1, 1)"
LB = (
    LN
    + "ivar = 1 / np.sqrt(var + eps)\n    h = (x - mu) * ivar\n    "
    + "D = x.shape[1]\n    dh = dout * gamma\n    "
)
SUMS = "s, t = dh.sum(1, keepdims=True), (dh * h).sum(1, keepdims=True)\n    "
PARAMETERS = ", (dout * h).sum(0), dout.sum(0)"
GB = GN + "ivar = 1 / np.sqrt(var + eps)\n    h = (z - mu) * ivar\n    m = C // groups * H * W\n    "
DH = "dh = (dout * gamma.reshape(1, -1, 1, 1)).reshape(z.shape)\n    "
GSUMS = "s, t = dh.sum((2, 3, 4), keepdims=True), (dh * h).sum((2, 3, 4), keepdims=True)\n    "
GDX = "dx = (ivar * (dh - s / m - h * t / m)).reshape(x.shape)\n    "
GPAR = ", (dout * h.reshape(x.shape)).sum((0, 2, 3)), dout.sum((0, 2, 3))"
XC = "mu = x.mean(0)\n    c = x - mu\n    "
COV = XC + "S = c.T @ c / len(x) + eps * np.eye(x.shape[1])\n    "
EIG = COV + "lam, U = np.linalg.eigh(S)\n    "
NW = "t = np.trace(sigma)\n    S = sigma / t\n    P = np.eye(len(sigma), dtype=sigma.dtype)\n    "
STEP = "for _ in range(steps):\n        P = 1.5 * P - 0.5 * P @ P @ P @ S\n    "
WN = "n = np.linalg.norm(v, axis=1, keepdims=True)\n    u = v / n\n    "
WN += "dg = (dw * u).sum(1, keepdims=True)\n    "

SLIPS = {
    "np.std with ddof": (
        "normalize",
        "NO-ddof",
        "s = x.std(axes, ddof=1, keepdims=True)\n    r = 1 / np.sqrt(s**2 + eps)\n"
        "    return (x - x.mean(axes, keepdims=True)) * r, r",
    ),
    "std plus eps": (
        "normalize",
        "NO-eps-outside",
        "r = 1 / (x.std(axis=axes, keepdims=True) + eps)\n"
        "    return (x - x.mean(axis=axes, keepdims=True)) * r, r",
    ),
    "statistics that do not fit": (
        "normalize",
        "NO-keepdims",
        "m, r = x.mean(axes), 1 / np.sqrt(x.var(axes) + eps)\n    return (x - m) * r, r",
    ),
    "the root itself returned": (
        "normalize",
        "NO-std-returned",
        "s = np.sqrt(x.var(axes, keepdims=True) + eps)\n    return (x - x.mean(axes, keepdims=True)) / s, s",
    ),
    "no axes at all": (
        "normalize",
        "NO-all",
        "r = 1 / np.sqrt(np.var(x) + eps)\n    return (x - np.mean(x)) * r, r",
    ),
    "the axes that stay": (
        "normalize",
        "NO-other-axes",
        "axes = tuple(set(range(x.ndim)) - set(axes))\n    m, v = x.mean(axes, keepdims=True), "
        "x.var(axes, keepdims=True)\n    return (x - m) / np.sqrt(v + eps), 1 / np.sqrt(v + eps)",
    ),
    "mean of squares": (
        "normalize",
        "NO-second-moment",
        "m, q = x.mean(axes, keepdims=True), np.square(x).mean(axes, keepdims=True)\n"
        "    r = (q + eps) ** -0.5\n    return (x - m) * r, r",
    ),
    "columns": (
        "layer_norm",
        "LN-batch",
        "return gamma * (x - x.mean(0)) / np.sqrt(x.var(0) + eps) + beta",
    ),
    "one mean": ("layer_norm", "LN-all", "return gamma * (x - x.mean()) / np.sqrt(x.var() + eps) + beta"),
    "torch.std": (
        "layer_norm",
        "LN2",
        LN + "var = x.std(1, ddof=1, keepdims=True) ** 2\n"
        "    return gamma * (x - mu) / np.sqrt(var + eps) + beta",
    ),
    "the Annotated Transformer": (
        "layer_norm",
        "LN4",
        LN + "return gamma * (x - mu) / (x.std(1, ddof=1, keepdims=True) + eps) + beta",
    ),
    "std beside eps": ("layer_norm", "LN3", LN + "return gamma * (x - mu) / (var**0.5 + eps) + beta"),
    "root mean square": (
        "layer_norm",
        "LN5",
        "return gamma * x / np.sqrt(np.mean(x * x, axis=1, keepdims=True) + eps) + beta",
    ),
    "parentheses around the sum": (
        "layer_norm",
        "LN-shift-scaled",
        LN + "return gamma * ((x - mu) / np.sqrt(var + eps) + beta)",
    ),
    "the variance": ("layer_norm", "LN-root-missing", LN + "return gamma * (x - mu) / (var + eps) + beta"),
    "no eps": (
        "layer_norm",
        "LN-eps-missing",
        LN + "return gamma * (x - mu) / np.sqrt(var) + beta",
    ),
    "a fixed eps": (
        "layer_norm",
        "LN-eps-ignored",
        LN + "return gamma * (x - mu) / np.sqrt(var + 1e-5) + beta",
    ),
    "columns of gamma": (
        "layer_norm",
        "LN-gamma-column",
        LN + "return gamma.reshape(-1, 1) * ((x - mu) / np.sqrt(var + eps)) + beta.reshape(-1, 1)",
    ),
    "centred in place": (
        "layer_norm",
        "LN-in-place",
        "x -= x.mean(axis=1, keepdims=True)\n"
        "    return gamma * x / np.sqrt((x**2).mean(1, keepdims=True) + eps) + beta",
    ),
    "constants": ("layer_norm_backward", "LB6", LB + "return dh * ivar" + PARAMETERS),
    "no path through the mean": (
        "layer_norm_backward",
        "LB-no-mean-path",
        LB + SUMS + "return ivar * (dh - h * t / D)" + PARAMETERS,
    ),
    "gamma in front, as in batch norm": (
        "layer_norm_backward",
        "LB-gamma-outside",
        LB
        + "s, t = dout.sum(1, keepdims=True), (dout * h).sum(1, keepdims=True)\n    "
        + "return gamma * ivar / D * (D * dout - s - h * t)"
        + PARAMETERS,
    ),
    "the sums of gamma and beta": (
        "layer_norm_backward",
        "LB-parameter-sums",
        LB
        + "dgamma, dbeta = (dout * h).sum(0), dout.sum(0)\n    "
        + "return gamma * ivar / D * (D * dout - dbeta - h * dgamma), dgamma, dbeta",
    ),
    "no gamma": (
        "layer_norm_backward",
        "LB5",
        LB + "dh = dout\n    " + SUMS + "return ivar / D * (D * dh - s - h * t)" + PARAMETERS,
    ),
    "the whole of batch norm": (
        "layer_norm_backward",
        "LB-batch-norm",
        "m, r = len(x), 1 / np.sqrt(x.var(0) + eps)\n    h = (x - x.mean(0)) * r\n    dh = dout * gamma\n    "
        "return r / m * (m * dh - dh.sum(0) - h * (dh * h).sum(0))" + PARAMETERS,
    ),
    "len(x)": (
        "layer_norm_backward",
        "LB3",
        LB + SUMS + "return ivar * (dh - s / len(x) - h * t / len(x))" + PARAMETERS,
    ),
    "len(x) three times": (
        "layer_norm_backward",
        "LB3",
        LB + SUMS + "D = len(x)\n    return ivar / D * (D * dh - s - h * t)" + PARAMETERS,
    ),
    "no division by D": (
        "layer_norm_backward",
        "LB-times-m",
        LB + SUMS + "return ivar * (D * dh - s - h * t)" + PARAMETERS,
    ),
    "sums for means": (
        "layer_norm_backward",
        "LB-sums",
        LB + SUMS + "return ivar * (dh - s - h * t)" + PARAMETERS,
    ),
    "a power lost": (
        "layer_norm_backward",
        "LB-power",
        LB + "dvar = -0.5 * ivar * (dh * (x - mu)).sum(1, keepdims=True)\n    "
        "dmu = -ivar * dh.sum(1, keepdims=True)\n    "
        "return dh * ivar + dvar * 2 * (x - mu) / D + dmu / D" + PARAMETERS,
    ),
    "x_hat in dvar": (
        "layer_norm_backward",
        "LB-ivar-extra",
        LB + "dvar = -0.5 * ivar**3 * (dh * h).sum(1, keepdims=True)\n    "
        "dmu = -ivar * dh.sum(1, keepdims=True)\n    "
        "return dh * ivar + dvar * 2 * (x - mu) / D + dmu / D" + PARAMETERS,
    ),
    "dmu positive": (
        "layer_norm_backward",
        "LB-mean-sign",
        LB + SUMS + "return ivar / D * (D * dh + s - h * t)" + PARAMETERS,
    ),
    "both signs": (
        "layer_norm_backward",
        "LB-both-signs",
        LB + SUMS + "return ivar / D * (D * dh + s + h * t)" + PARAMETERS,
    ),
    "parameters over the features": (
        "layer_norm_backward",
        "LB2-both",
        LB + SUMS + "return ivar / D * (D * dh - s - h * t), (dout * h).sum(1), dout.sum(1)",
    ),
    "dgamma of dx_hat": (
        "layer_norm_backward",
        "LB-dgamma-dx-hat",
        LB + SUMS + "return ivar / D * (D * dh - s - h * t), (dh * h).sum(0), dout.sum(0)",
    ),
    "the order of cs231n's cache": (
        "layer_norm_backward",
        "LB-order",
        LB + SUMS + "return ivar / D * (D * dh - s - h * t), dout.sum(0), (dout * h).sum(0)",
    ),
    "the axes of batch norm": (
        "instance_norm",
        "IN1",
        IN.replace("(2, 3)", "(0, 2, 3)") + "h = (x - mu) / np.sqrt(var + eps)\n    return " + PER,
    ),
    "the axes of layer norm": (
        "instance_norm",
        "IN2",
        IN.replace("(2, 3)", "(1, 2, 3)") + "h = (x - mu) / np.sqrt(var + eps)\n    return " + PER,
    ),
    "channels at each pixel": (
        "instance_norm",
        "IN3",
        IN.replace("(2, 3)", "1") + "h = (x - mu) / np.sqrt(var + eps)\n    return " + PER,
    ),
    "statistics of images that do not fit": (
        "instance_norm",
        "IN-keepdims",
        IN.replace(", keepdims=True", "") + "h = (x - mu) / np.sqrt(var + eps)\n    return " + PER,
    ),
    "statistics of groups that do not fit": (
        "group_norm",
        "GN-keepdims",
        GN.replace(", keepdims=True", "") + BACK + "return " + PER,
    ),
    "sums of groups that do not fit": (
        "group_norm_backward",
        "GB-keepdims",
        GB + DH + GSUMS.replace(", keepdims=True", "") + GDX + "return dx" + GPAR,
    ),
    "statistics of rows that do not fit": (
        "layer_norm",
        "LN-keepdims",
        "return gamma * (x - x.mean(1)) / np.sqrt(x.var(1) + eps) + beta",
    ),
    "channels last": (
        "instance_norm",
        "IN-channels-last",
        IN.replace("(2, 3)", "(1, 2)") + "h = (x - mu) / np.sqrt(var + eps)\n    return " + PER,
    ),
    "gamma as it is": (
        "instance_norm",
        "IN-gamma-last",
        IN + "return gamma * ((x - mu) / np.sqrt(var + eps)) + beta",
    ),
    "the size of a group": (
        "group_norm",
        "GN1",
        "groups = x.shape[1] // groups\n    " + GN + BACK + "return " + PER,
    ),
    "every second channel": (
        "group_norm",
        "GN2",
        "y = np.empty_like(x)\n    for g in range(groups):\n        z = x[:, g::groups]\n"
        "        mu, var = z.mean((1, 2, 3), keepdims=True), z.var((1, 2, 3), keepdims=True)\n"
        "        y[:, g::groups] = (z - mu) / np.sqrt(var + eps)\n    h = y\n    return " + PER,
    ),
    "channels of a group at each pixel": (
        "group_norm",
        "GN3",
        GN.replace("(2, 3, 4)", "2") + BACK + "return " + PER,
    ),
    "the batch among the axes": (
        "group_norm",
        "GN4",
        GN.replace("(2, 3, 4)", "(0, 2, 3, 4)") + BACK + "return " + PER,
    ),
    "the batch among the axes, in a loop": (
        "group_norm",
        "GN4",
        "h = np.concatenate([(z - z.mean()) / np.sqrt(z.var() + eps) for z in np.split(x, groups, 1)], 1)\n"
        "    return " + PER,
    ),
    "axes of the array before": (
        "group_norm",
        "GN-instance",
        GN.replace("(2, 3, 4)", "(3, 4)") + BACK + "return " + PER,
    ),
    "all but the batch": (
        "group_norm",
        "GN-layer",
        GN.replace("(2, 3, 4)", "(1, 2, 3, 4)") + BACK + "return " + PER,
    ),
    "a gamma for each group": (
        "group_norm",
        "GN-gamma-per-group",
        GN + BACK + "gamma = np.repeat(gamma[:groups], C // groups)\n    "
        "beta = np.repeat(beta[:groups], C // groups)\n    return " + PER,
    ),
    "a view overwritten": (
        "group_norm",
        "GN-in-place",
        GN + "z -= mu\n    z /= np.sqrt(var + eps)\n    h = z.reshape(x.shape)\n    return " + PER,
    ),
    "eps beside the std": (
        "group_norm",
        "GN-eps-outside",
        GN + "h = ((z - mu) / (np.sqrt(var) + eps)).reshape(x.shape)\n    return " + PER,
    ),
    "constants in groups": (
        "group_norm_backward",
        "GB-constants",
        GB + DH + "return (ivar * dh).reshape(x.shape)" + GPAR,
    ),
    "sums of a channel": (
        "group_norm_backward",
        "GB-sums-per-channel",
        GB + DH + "s, t = dh.mean((3, 4), keepdims=True), (dh * h).mean((3, 4), keepdims=True)\n    "
        "return (ivar * (dh - s - h * t)).reshape(x.shape)" + GPAR,
    ),
    "pixels only in m": (
        "group_norm_backward",
        "GB-pixels-for-m",
        GB + DH + GSUMS + "m = H * W\n    " + GDX + "return dx" + GPAR,
    ),
    "gamma after the sums": (
        "group_norm_backward",
        "GB-gamma-outside",
        GB
        + "dh = dout.reshape(z.shape)\n    "
        + GSUMS
        + GDX
        + "return dx * gamma.reshape(1, -1, 1, 1)"
        + GPAR,
    ),
    "no gamma in groups": (
        "group_norm_backward",
        "GB-no-gamma",
        GB + "dh = dout.reshape(z.shape)\n    " + GSUMS + GDX + "return dx" + GPAR,
    ),
    "pixels of dgamma forgotten": (
        "group_norm_backward",
        "GB-both-per-pixel",
        GB + DH + GSUMS + GDX + "return dx, (dout * h.reshape(x.shape)).sum(0), dout.sum(0)",
    ),
    "images of dgamma forgotten": (
        "group_norm_backward",
        "GB-both-per-image",
        GB + DH + GSUMS + GDX + "return dx, (dout * h.reshape(x.shape)).sum((2, 3)), dout.sum((2, 3))",
    ),
    "a shape left": (
        "group_norm_backward",
        "GB-five-axes",
        GB + DH + GSUMS + "return ivar * (dh - s / m - h * t / m)" + GPAR,
    ),
    "the coordinates of the eigenvectors": (
        "decorrelated_batchnorm",
        "DB1",
        EIG + "W = U @ np.diag(1 / np.sqrt(lam))\n    return c @ W, mu, W",
    ),
    "the inverse": (
        "decorrelated_batchnorm",
        "DB2",
        COV + "W = np.linalg.inv(S)\n    return c @ W, mu, W",
    ),
    "np.cov": (
        "decorrelated_batchnorm",
        "DB5",
        XC + "lam, U = np.linalg.eigh(np.cov(x.T) + eps * np.eye(x.shape[1]))\n    "
        "W = U * lam**-0.5 @ U.T\n    return c @ W, mu, W",
    ),
    "eps everywhere": (
        "decorrelated_batchnorm",
        "DB6-everywhere",
        XC
        + "lam, U = np.linalg.eigh(c.T @ c / len(x) + eps)\n    W = U * lam**-0.5 @ U.T\n    "
        + "return c @ W, mu, W",
    ),
    "batch norm": (
        "decorrelated_batchnorm",
        "DB7",
        COV + "W = np.diag(1 / np.sqrt(np.diag(S)))\n    return c @ W, mu, W",
    ),
    "rows for columns": (
        "decorrelated_batchnorm",
        "DB3",
        EIG + "W = U.T @ np.diag(lam**-0.5) @ U\n    return c @ W, mu, W",
    ),
    "Cholesky": (
        "decorrelated_batchnorm",
        "DB4",
        COV + "W = np.linalg.inv(np.linalg.cholesky(S)).T\n    return c @ W, mu, W",
    ),
    "Cholesky of the inverse": (
        "decorrelated_batchnorm",
        "DB-rotated",
        COV + "W = np.linalg.cholesky(np.linalg.inv(S))\n    return c @ W, mu, W",
    ),
    "not centred": (
        "decorrelated_batchnorm",
        "WH8",
        EIG + "W = U * lam**-0.5 @ U.T\n    return x @ W, mu, W",
    ),
    "no trace": (
        "newton_schulz",
        "P16",
        "S, P = sigma, np.eye(len(sigma), dtype=sigma.dtype)\n    " + STEP + "return P",
    ),
    "the trace given back by itself": ("newton_schulz", "NW-trace-itself", NW + STEP + "return P / t"),
    "not given back": ("newton_schulz", "NW-trace-inside-only", NW + STEP + "return P"),
    "multiplied": ("newton_schulz", "NW-times-root", NW + STEP + "return P * t**0.5"),
    "an identity of 64 bits": (
        "newton_schulz",
        "NW-float64",
        NW.replace(", dtype=sigma.dtype", "") + STEP + "return P / np.sqrt(t)",
    ),
    "stars": (
        "newton_schulz",
        "NW-elementwise-all",
        NW + STEP.replace("@", "*") + "return P / np.sqrt(t)",
    ),
    "a power of entries": (
        "newton_schulz",
        "NW-elementwise",
        NW + STEP.replace("P @ P @ P", "P**3") + "return P / np.sqrt(t)",
    ),
    "the Frobenius norm": (
        "newton_schulz",
        "NW-frobenius",
        NW.replace("np.trace(sigma)", "np.sqrt((sigma**2).sum())") + STEP + "return P / np.sqrt(t)",
    ),
    "by eigenvectors": (
        "newton_schulz",
        "NW-exact",
        "lam, U = np.linalg.eigh(sigma)\n    return U @ np.diag(1 / np.sqrt(lam)) @ U.T",
    ),
    "the return in the loop": (
        "newton_schulz",
        "NW-return-in-the-loop",
        NW
        + "for _ in range(steps):\n        P = 1.5 * P - 0.5 * P @ P @ P @ S\n        return P / np.sqrt(t)",
    ),
    "the length as a constant": (
        "weight_norm_backward",
        "WN-no-projection",
        WN + "return g[:, None] * dw / n, dg.ravel()",
    ),
    "no g": ("weight_norm_backward", "WN-no-g", WN + "return (dw - dg * u) / n, dg.ravel()"),
    "the dot product with v": (
        "weight_norm_backward",
        "WN-dg-no-length",
        WN + "dg = (dw * v).sum(1)\n    return g[:, None] / n * (dw - dg[:, None] * u), dg",
    ),
    "dg right at the end": (
        "weight_norm_backward",
        "WN-dg-only-no-length",
        WN + "return g[:, None] / n * (dw - dg * u), (dw * v).sum(1)",
    ),
    "columns of weights": (
        "weight_norm_backward",
        "WN-columns",
        "n = np.sqrt((v**2).sum(0))\n    u = v / n\n    dg = (dw * u).sum(1)\n    "
        "return g[:, None] / n * (dw - dg[:, None] * u), dg",
    ),
    "one length": (
        "weight_norm_backward",
        "WN-whole",
        "n = np.linalg.norm(v)\n    u = v / n\n    dg = (dw * u).sum(1)\n    "
        "return g[:, None] / n * (dw - dg[:, None] * u), dg",
    ),
    "dg as a column": (
        "weight_norm_backward",
        "WN-dg-two-axes",
        WN + "return g[:, None] / n * (dw - dg * u), dg",
    ),
    "v for its direction": (
        "weight_norm_backward",
        "WN-v-for-direction",
        WN + "return g[:, None] / n * (dw - dg * v), dg.ravel()",
    ),
}


@pytest.mark.parametrize(("exercise", "mistake", "body"), SLIPS.values(), ids=SLIPS)
def test_a_common_slip_is_named(exercise, mistake, body, notebook, questions):
    names = notebook.with_body(exercise, body)
    for asked in questions:
        told = {v.mistake for v in notebook.verdicts(names, exercise, asked) if not v.passed}
        assert told - {None} == {mistake}
