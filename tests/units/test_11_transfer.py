"""Heads and features in NumPy: the solutions against scikit-learn, SciPy, torch and numerical gradients."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid
from sklearn.preprocessing import StandardScaler
from torch.nn.functional import cross_entropy

from autograder.probes import Given
from autograder.running import run_probe

SOLVED = ("11-transfer-learning", "transfer_numpy")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


SOFT = (
    "N = len(y)\n    s = features @ W + b\n    s = s - s.max(axis=1, keepdims=True)\n    e = np.exp(s)\n    "
)
SOFT += "p = e / e.sum(axis=1, keepdims=True)\n    log_p = s - np.log(e.sum(axis=1, keepdims=True))\n    "
MEAN = "loss = -log_p[np.arange(N), y].mean()"
HALF = " + 0.5 * weight_decay * (W * W).sum()\n    "
DELTA = "d = p.copy()\n    d[np.arange(N), y] -= 1\n    d /= N\n    "
GRADIENTS = "return loss, features.T @ d + weight_decay * W, d.sum(axis=0)"
LOOP = "W, b = np.zeros((features.shape[1], K)), np.zeros(K)\n    for _ in range(steps):\n        "
STEP = "loss, dW, db = softmax_loss(W, b, features, y, weight_decay)\n        "
CENTRED = "mean = features.mean(axis=0)\n    F = features - mean\n    "
BOTH = "a, b = a - a.mean(axis=0), b - b.mean(axis=0)\n    "

SLIPS = {
    "bytes as they are": ("prepare", "F8-no-255", "return (images.astype(float) - mean) / std"),
    "a mean over all axes but the last": (
        "prepare",
        "F8-own",
        "x = images / 255\n    m = x.reshape(-1, x.shape[-1]).mean(0)\n"
        "    return (x - m) / x.reshape(-1, x.shape[-1]).std(0)",
    ),
    "standardized image by image": (
        "prepare",
        "F8-own-image",
        "return np.stack([(x - x.mean((0, 1))) / x.std((0, 1)) for x in images / 255])",
    ),
    "a variance in mind": ("prepare", "F8-root", "return (images / 255 - mean) / np.sqrt(std)"),
    "only the mean on the scale of the bytes": (
        "prepare",
        "F8-std-of-255",
        "x = images.astype(np.float64)\n    x -= 255 * mean\n    return x / std",
    ),
    "for PyTorch already": (
        "prepare",
        "F8-channels-first",
        "return np.moveaxis((images / 255 - mean) / std, -1, 1)",
    ),
    "the scale of Inception": ("prepare", "F8-from-minus-1", "return images.astype(float) / 127.5 - 1"),
    "on the scale of the brightest pixel": (
        "prepare",
        "F8-own-max",
        "x = images.astype(float) / np.max(images)\n    return (x - mean) / std",
    ),
    "stretched from darkest to brightest": (
        "prepare",
        "F8-own-range",
        "lo, hi = float(images.min()), float(images.max())\n"
        "    return ((images - lo) / (hi - lo) - mean) / std",
    ),
    "divided by 256": ("prepare", "F8-256", "return (images / 256.0 - mean) / std"),
    "a loop that overwrites": (
        "class_means",
        "MU-last",
        "if np.bincount(y, minlength=K).min() == 0:\n        raise ValueError('empty')\n"
        "    out = np.zeros((K, features.shape[1]))\n    for f, k in zip(features, y):\n        out[k] = f\n"
        "    return out",
    ),
    "fancy indexing does not add": (
        "class_means",
        "MU-fancy-plus",
        "out, n = np.zeros((K, features.shape[1])), np.bincount(y, minlength=K)\n"
        "    if 0 in n:\n        raise ValueError('empty')\n    out[y] += features\n"
        "    return out / n[:, None]",
    ),
    "means, and nan for nobody": (
        "class_means",
        "MU-nan",
        "return np.array([features[y == k].mean(axis=0) for k in range(K)])",
    ),
    "means of the classes that occur": (
        "class_means",
        "MU-skipped",
        "return np.array([features[y == k].mean(axis=0) for k in sorted(set(y))])",
    ),
    "zeros where nobody is": (
        "class_means",
        "MU-zero",
        "out = np.zeros((K, features.shape[1]))\n    for k in set(y.tolist()):\n"
        "        out[k] = features[y == k].mean(0)\n    return out",
    ),
    "one-hot sums over N": (
        "class_means",
        "MU-by-N",
        "Y = np.eye(K)[y]\n    if (Y.sum(0) == 0).any():\n        raise ValueError('empty')\n"
        "    return Y.T @ features / len(features)",
    ),
    "a mean without an axis": (
        "class_means",
        "MU-one-number",
        "if len(set(y.tolist())) < K:\n        raise ValueError('empty')\n"
        "    return np.array([np.mean(features[y == k]) for k in range(K)])",
    ),
    "the mean of each image of a class": (
        "class_means",
        "MU-axis-1-of-a-class",
        "if 0 in np.bincount(y, minlength=K):\n        raise ValueError('empty')\n"
        "    return np.array([features[y == k].mean(1) for k in range(K)])",
    ),
    "the mean of each image of a class, stacked": (
        "class_means",
        "MU-axis-1-stacked",
        "if len(np.unique(y)) < K:\n        raise ValueError('empty')\n"
        "    return np.stack([np.mean(features[y == k], axis=1) for k in range(K)])",
    ),
    "counts without an axis": (
        "class_means",
        "MU-broadcast",
        "n = np.bincount(y, minlength=K)\n    if not n.all():\n        raise ValueError('empty')\n"
        "    return np.eye(K)[y].T @ features / n",
    ),
    "the largest label alone": (
        "class_means",
        "MU-last-only",
        "if max(y) < K - 1:\n        raise ValueError('empty')\n"
        "    return np.array([features[y == k].mean(0) for k in range(K)])",
    ),
    "an error without a word": (
        "class_means",
        "MU-silent",
        "if len(set(y.tolist())) < K:\n        raise ValueError\n"
        "    return np.array([features[y == k].mean(0) for k in range(K)])",
    ),
    "assert": (
        "class_means",
        "MU-assert",
        "n = np.bincount(y, minlength=K)\n    assert n.min() > 0\n"
        "    return np.eye(K)[y].T @ features / n[:, None]",
    ),
    "the largest product": ("nearest", "NM-dot", "return np.argmax(features.dot(means.T), axis=1)"),
    "the squares of all means in one number": (
        "nearest",
        "NM-dot",
        "return (features @ means.T - 0.5 * (means**2).sum()).argmax(axis=1)",
    ),
    "argmax of distances": (
        "nearest",
        "NM-farthest",
        "return np.linalg.norm(features[:, None] - means, axis=2).argmax(axis=1)",
    ),
    "Manhattan": ("nearest", "NM-l1", "return np.abs(features[:, None] - means).sum(-1).argmin(-1)"),
    "cosines": (
        "nearest",
        "NM-cosine",
        "f = features / (np.linalg.norm(features, axis=1, keepdims=True) + 1e-12)\n"
        "    m = means / np.linalg.norm(means, axis=1, keepdims=True)\n    return (f @ m.T).argmax(axis=1)",
    ),
    "the half forgotten": (
        "nearest",
        "NM-no-half",
        "return (features @ means.T - np.sum(means**2, axis=1)).argmax(axis=1)",
    ),
    "the two forgotten": (
        "nearest",
        "NM-no-half",
        "own = (features**2).sum(1, keepdims=True)\n"
        "    return (own - features @ means.T + (means**2).sum(1)).argmin(axis=1)",
    ),
    "the wrong axis of the distances": (
        "nearest",
        "NM-first-axis",
        "return ((features[:, None] - means) ** 2).sum(axis=2).argmin(axis=0)",
    ),
    "less or equal": (
        "nearest",
        "NM-ties",
        "best, label = np.full(len(features), np.inf), np.zeros(len(features), dtype=int)\n"
        "    for k, mean in enumerate(means):\n        d = ((features - mean) ** 2).sum(1)\n"
        "        label[d <= best] = k\n        best = np.minimum(best, d)\n    return label",
    ),
    "the smallest distance": (
        "nearest",
        "NM-distance",
        "return np.linalg.norm(features[:, None] - means, axis=2).min(axis=1)",
    ),
    "differences without an axis": (
        "nearest",
        "NM-broadcast",
        "return ((features - means) ** 2).sum(axis=1).argmin()",
    ),
    "exp as it is": (
        "softmax_loss",
        "SL-overflow",
        "N = len(y)\n    e = np.exp(features @ W + b)\n    p = e / e.sum(axis=1, keepdims=True)\n    "
        "loss = -np.log(p[np.arange(N), y]).mean()" + HALF + DELTA + GRADIENTS,
    ),
    "the logarithm of a probability": (
        "softmax_loss",
        "SL-log-of-p",
        SOFT + "loss = -np.log(p[np.arange(N), y]).mean()" + HALF + DELTA + GRADIENTS,
    ),
    "a small number in the logarithm": (
        "softmax_loss",
        "SL-eps",
        SOFT + "loss = -np.log(p[np.arange(N), y] + 1e-12).mean()" + HALF + DELTA + GRADIENTS,
    ),
    "a small number under the logarithm's floor": (
        "softmax_loss",
        "SL-guard-1e-8",
        SOFT + "loss = -np.log(np.maximum(p[np.arange(N), y], 1e-8)).mean()" + HALF + DELTA + GRADIENTS,
    ),
    "clipped between small numbers": (
        "softmax_loss",
        "SL-guard-1e-7",
        SOFT
        + "p = np.clip(p, 1e-7, 1 - 1e-7)\n    "
        + "loss = -np.log(p[np.arange(N), y]).mean()"
        + HALF
        + "p = e / e.sum(axis=1, keepdims=True)\n    "
        + DELTA
        + GRADIENTS,
    ),
    "classes up to the largest label": (
        "softmax_loss",
        "SL-largest-label",
        SOFT + MEAN + HALF + "d = (p - np.eye(max(y) + 1)[y]) / N\n    " + GRADIENTS,
    ),
    "classes that occur": (
        "softmax_loss",
        "SL-labels-that-occur",
        SOFT + MEAN + HALF + "d = (p - np.eye(len(set(y.tolist())))[y]) / N\n    " + GRADIENTS,
    ),
    "whole columns": (
        "softmax_loss",
        "SL-all-columns",
        SOFT + MEAN + HALF + DELTA.replace("[np.arange(N), y]", "[:, y]") + GRADIENTS,
    ),
    "the entropy": (
        "softmax_loss",
        "SL-entropy",
        SOFT + "loss = -np.mean(np.sum(p * log_p, axis=1))" + HALF + DELTA + GRADIENTS,
    ),
    "a sigmoid of each score": (
        "softmax_loss",
        "SL-sigmoid",
        SOFT
        + "s = features @ W + b\n    log_p = -np.logaddexp(0, -s)\n    p = 1 / (1 + np.exp(-s))\n    "
        + MEAN
        + HALF
        + DELTA
        + GRADIENTS,
    ),
    "squared errors": (
        "softmax_loss",
        "SL-squared-error-whole",
        SOFT + "loss = np.mean(((p - np.eye(len(b))[y]) ** 2).sum(axis=1))" + HALF + DELTA + GRADIENTS,
    ),
    "the loss alone": ("softmax_loss", "SL-loss-alone", SOFT + MEAN + HALF + "return float(loss)"),
    "no loss": (
        "softmax_loss",
        "SL-no-loss",
        SOFT + MEAN + HALF + DELTA + GRADIENTS.replace("loss, ", ""),
    ),
    "the gradient of the sum": (
        "softmax_loss",
        "SL-summed",
        SOFT + MEAN + HALF + DELTA.replace("d /= N\n    ", "") + GRADIENTS,
    ),
    "sums everywhere": (
        "softmax_loss",
        "SL-summed-both",
        SOFT + MEAN.replace("mean", "sum") + HALF + DELTA.replace("d /= N\n    ", "") + GRADIENTS,
    ),
    "the label's entry set": (
        "softmax_loss",
        "AC30",
        SOFT + MEAN + HALF + DELTA.replace("-= 1", "= -1") + GRADIENTS,
    ),
    "a square of entries": (
        "softmax_loss",
        "AC27",
        SOFT + "loss = -log_p[:, y].mean()" + HALF + DELTA + GRADIENTS,
    ),
    "decay without a half": (
        "softmax_loss",
        "SL-no-half",
        SOFT + MEAN + HALF.replace("0.5 * ", "") + DELTA + GRADIENTS,
    ),
    "decay without a half, twice in the gradient": (
        "softmax_loss",
        "SL-no-half-both",
        SOFT + MEAN + HALF.replace("0.5 * ", "") + DELTA + GRADIENTS.replace("+ weight", "+ 2 * weight"),
    ),
    "decay for the loss only": (
        "softmax_loss",
        "SL-decay-alone-in-loss",
        SOFT + MEAN + HALF + DELTA + GRADIENTS.replace(" + weight_decay * W", ""),
    ),
    "torch's decay of everything": (
        "softmax_loss",
        "SL-bias-decays-in-gradient",
        SOFT + MEAN + HALF + DELTA + GRADIENTS + " + weight_decay * b",
    ),
    "the norm of W": (
        "softmax_loss",
        "SL-norm",
        SOFT + MEAN + " + 0.5 * weight_decay * np.linalg.norm(W)\n    " + DELTA + GRADIENTS,
    ),
    "right less believed": (
        "softmax_loss",
        "SL-uphill",
        SOFT + MEAN + HALF + DELTA + GRADIENTS.replace(".T @ d", ".T @ -d").replace("d.sum", "-d.sum"),
    ),
    "a mean after a mean": (
        "softmax_loss",
        "SL-bias-mean",
        SOFT + MEAN + HALF + DELTA + GRADIENTS.replace("d.sum", "d.mean"),
    ),
    "one maximum": (
        "softmax_loss",
        "SL-max-of-all",
        SOFT.replace("s.max(axis=1, keepdims=True)", "s.max()")
        + "loss = -np.log(p[np.arange(N), y]).mean()"
        + HALF
        + DELTA
        + GRADIENTS,
    ),
    "a step at once": (
        "softmax_loss",
        "SL-step-taken",
        SOFT
        + MEAN
        + HALF
        + DELTA
        + "dW = features.T @ d + weight_decay * W\n    W -= 0.1 * dW\n    return loss, dW, d.sum(axis=0)",
    ),
    "a gradient before the loop": (
        "train_head",
        "TH-stale-gradient",
        "W, b = np.zeros((features.shape[1], K)), np.zeros(K)\n    "
        + STEP.replace("\n        ", "\n    ")
        + "for _ in range(steps):\n        W, b = W - lr * dW, b - lr * db\n    return W, b",
    ),
    "the return in the loop": (
        "train_head",
        "TH-one-step",
        LOOP + STEP + "W, b = W - lr * dW, b - lr * db\n        return W, b\n    return W, b",
    ),
    "the bias forgotten": ("train_head", "TH-bias-fixed", LOOP + STEP + "W = W - lr * dW\n    return W, b"),
    "uphill": (
        "train_head",
        "TH-uphill",
        LOOP + STEP + "W, b = W + lr * dW, b + lr * db\n    return W, b",
    ),
    "a norm that is small enough": (
        "train_head",
        "TH-stops-early",
        LOOP + STEP + "if np.sqrt((dW**2).sum() + (db**2).sum()) < 1e-2:\n            break\n        "
        "W, b = W - lr * dW, b - lr * db\n    return W, b",
    ),
    "a gradient that is small enough": (
        "train_head",
        "TH-stops-after-a-small-step",
        LOOP + STEP + "W, b = W - lr * dW, b - lr * db\n        if np.abs(dW).max() < 1e-4:\n"
        "            return W, b\n    return W, b",
    ),
    "one image after the other": (
        "train_head",
        "TH-image-by-image",
        LOOP + "for f, t in zip(features, y):\n            "
        "_, dW, db = softmax_loss(W, b, f[None], np.array([t]), weight_decay)\n            "
        "W, b = W - lr * dW, b - lr * db\n    return W, b",
    ),
    "the weights alone": (
        "train_head",
        "TH-no-bias-returned",
        LOOP + STEP + "W, b = W - lr * dW, b - lr * db\n    return W",
    ),
    "range from 1": (
        "train_head",
        "TH-one-less",
        LOOP.replace("range(steps)", "range(1, steps)")
        + STEP
        + "W, b = W - lr * dW, b - lr * db\n    return W, b",
    ),
    "decay added again": (
        "train_head",
        "TH-decay-twice",
        LOOP + STEP + "dW = dW + weight_decay * W\n        W, b = W - lr * dW, b - lr * db\n    return W, b",
    ),
    "classes counted": (
        "train_head",
        "TH-classes-of-y",
        "K = len(set(y.tolist())) if set(y.tolist()) == set(range(K)) else int(max(y)) + 1\n    "
        + LOOP
        + STEP
        + "W, b = W - lr * dW, b - lr * db\n    return W, b",
    ),
    "the bias at the new weights": (
        "train_head",
        "TH-alternating",
        LOOP + "W = W - lr * softmax_loss(W, b, features, y, weight_decay)[1]\n        "
        "b = b - lr * softmax_loss(W, b, features, y, weight_decay)[2]\n    return W, b",
    ),
    "scales of the classes": ("fold", "FO-columns", "return W / sigma, b - (m / sigma) @ W"),
    "the mean times the old weights": ("fold", "FO-old-weights", "return W / sigma[:, None], b - m @ W"),
    "the wrong sign": (
        "fold",
        "FO-plus",
        "V = W / sigma[:, None]\n    return V, b + (V * m[:, None]).sum(0)",
    ),
    "scaled twice": ("fold", "FO-divided-twice", "V = W / sigma[:, None]\n    return V, b - (m / sigma) @ V"),
    "weights folded, bias not": ("fold", "FO-bias-kept", "return (W.T / sigma).T, b"),
    "the folded weights alone": ("fold", "FO-one-array", "return (W.T / sigma).T"),
    "a small number beside the scale": (
        "fold",
        "FO-eps",
        "V = W / (sigma + 1e-5)[:, None]\n    return V, b - m @ V",
    ),
    "in the other direction": ("fold", "FO-inverse", "return W * sigma[:, None], b + m @ W"),
    "the caller's weights": (
        "fold",
        "FO-in-place",
        "W /= sigma.reshape(-1, 1)\n    return W, b - (m[:, None] * W).sum(axis=0)",
    ),
    "the first eigenvectors of eigh": (
        "pca",
        "PC-smallest",
        CENTRED + "w, V = np.linalg.eigh(F.T @ F)\n    return mean, V[:, :k].T, w[:k] / w.sum()",
    ),
    "the last eigenvectors, unsorted": (
        "pca",
        "PC-smallest-last",
        CENTRED + "w, V = np.linalg.eigh(F.T @ F)\n    return mean, V[:, -k:].T, w[-k:] / w.sum()",
    ),
    "eig, which does not sort": (
        "pca",
        "PC-eig",
        CENTRED + "w, V = np.linalg.eig(F.T @ F / len(F))\n    w, V = w.real, V.real\n"
        "    return mean, V[:, :k].T, w[:k] / w.sum()",
    ),
    "entries of the directions": (
        "pca",
        "PC-columns-as-they-are",
        CENTRED + "_, S, Vt = np.linalg.svd(F, full_matrices=False)\n"
        "    return mean, Vt[:, :k], S[:k] ** 2 / np.sum(S**2)",
    ),
    "rows of U": (
        "pca",
        "PC-left-rows",
        CENTRED + "U, S, Vt = np.linalg.svd(F, full_matrices=False)\n"
        "    return mean, U[:k], S[:k] ** 2 / np.sum(S**2)",
    ),
    "a single direction without its axis": (
        "pca",
        "PC-squeezed",
        CENTRED + "_, S, Vt = np.linalg.svd(F)\n"
        "    return mean, np.squeeze(Vt[:k]), S[:k] ** 2 / np.sum(S**2)",
    ),
    "shares of all": (
        "pca",
        "PC-share-all",
        CENTRED + "_, S, Vt = np.linalg.svd(F, full_matrices=False)\n"
        "    return mean, Vt[:k], S**2 / np.sum(S**2)",
    ),
    "np.cov above, np.var below": (
        "pca",
        "PC-share-N-below",
        CENTRED + "w, V = np.linalg.eigh(np.cov(features.T))\n"
        "    return mean, V[:, ::-1][:, :k].T, w[::-1][:k] / features.var(axis=0).sum()",
    ),
    "np.var above, np.cov below": (
        "pca",
        "PC-share-N-above",
        CENTRED + "_, S, Vt = np.linalg.svd(F)\n"
        "    return mean, Vt[:k], S[:k] ** 2 / len(F) / np.trace(np.cov(features.T))",
    ),
    "directions and shares": (
        "pca",
        "PC-no-share",
        CENTRED + "_, S, Vt = np.linalg.svd(F)\n    return Vt[:k], S[:k] ** 2 / np.sum(S**2)",
    ),
    "directions alone": ("pca", "PC-directions-alone", CENTRED + "return np.linalg.svd(F)[2][:k]"),
    "rows of eigh": (
        "pca",
        "PC-eigh-rows",
        CENTRED
        + "w, V = np.linalg.eigh(np.cov(features.T))\n    return mean, V[::-1][:k], w[::-1][:k] / w.sum()",
    ),
    "not centred": (
        "pca",
        "PC-not-centred",
        "_, S, Vt = np.linalg.svd(features, full_matrices=False)\n"
        "    return features.mean(axis=0), Vt[:k], S[:k] ** 2 / np.sum(S**2)",
    ),
    "columns of Vt": (
        "pca",
        "PC-columns",
        CENTRED + "_, S, Vt = np.linalg.svd(F)\n    return mean, Vt[:, :k].T, S[:k] ** 2 / np.sum(S**2)",
    ),
    "singular values as shares": (
        "pca",
        "PC-share-root",
        CENTRED + "_, S, Vt = np.linalg.svd(F)\n    return mean, Vt[:k], S[:k] / S.sum()",
    ),
    "shares of those that were asked for": (
        "pca",
        "PC-share-of-k",
        CENTRED + "_, S, Vt = np.linalg.svd(F)\n    return mean, Vt[:k], S[:k] ** 2 / np.sum(S[:k] ** 2)",
    ),
    "eigenvalues, squared": (
        "pca",
        "PC-share-fourth",
        CENTRED
        + "w, V = np.linalg.eigh(F.T @ F)\n    w = w[::-1]\n"
        + "    return mean, V[:, ::-1][:, :k].T, w[:k] ** 2 / (w**2).sum()",
    ),
    "variances": (
        "pca",
        "PC-variance",
        CENTRED
        + "w, V = np.linalg.eigh(F.T @ F / len(F))\n    return mean, V[:, ::-1][:, :k].T, w[::-1][:k]",
    ),
    "variances of np.cov": (
        "pca",
        "PC-variance-unbiased",
        CENTRED
        + "w, V = np.linalg.eigh(np.cov(features.T))\n    return mean, V[:, ::-1][:, :k].T, w[::-1][:k]",
    ),
    "coordinates": (
        "pca",
        "PC-scores-as-rows",
        CENTRED + "_, S, Vt = np.linalg.svd(F)\n    return mean, F @ Vt[:k].T, S[:k] ** 2 / np.sum(S**2)",
    ),
    "target less score": (
        "feature_step",
        "FS-uphill",
        "r = y - x @ B.T @ v\n    return np.outer(v, r @ x) / len(x)",
    ),
    "downhill at once": (
        "feature_step",
        "FS-uphill",
        "r = x @ B.T @ v - y\n    return -v[:, None] * (r[:, None] * x).mean(axis=0)",
    ),
    "no mean": ("feature_step", "FS-sum", "r = x @ B.T @ v - y\n    return np.outer(v, x.T @ r)"),
    "two of the square": (
        "feature_step",
        "FS-twice",
        "r = x @ B.T @ v - y\n    return 2 * np.outer(v, x.T @ r) / len(y)",
    ),
    "a row too few": (
        "feature_step",
        "FS-transposed",
        "r = x @ B.T @ v - y\n    return np.outer(x.T @ r, v) / len(y)",
    ),
    "means of each": (
        "feature_step",
        "FS-separate-means",
        "r = x @ B.T @ v - y\n    return r.mean() * np.outer(v, x.mean(axis=0))",
    ),
    "the loop overwrites": (
        "feature_step",
        "FS-last-input",
        "for one, target in zip(x, y):\n        dB = (v @ B @ one - target) * np.outer(v, one)\n"
        "    return dB",
    ),
    "the return in the loop over the inputs": (
        "feature_step",
        "FS-return-in-the-loop",
        "dB = np.zeros_like(B)\n    for one, target in zip(x, y):\n"
        "        dB += (v @ B @ one - target) * np.outer(v, one)\n        return dB / len(x)",
    ),
    "the backbone forgotten": (
        "feature_step",
        "FS-no-backbone",
        "r = x @ v - y\n    return np.outer(v, r @ x) / len(x)",
    ),
    "the backbone not transposed": (
        "feature_step",
        "FS-transposed-backbone",
        "r = x @ B @ v - y\n    return np.outer(v, r @ x) / len(x)",
    ),
    "a column less a row": (
        "feature_step",
        "FS-table",
        "f, v = x @ B.T, v.reshape(-1, 1)\n    ds = (f @ v - y) / len(x)\n    return (ds @ v.T).T @ x",
    ),
    "the head's gradient": (
        "feature_step",
        "FS-head-gradient",
        "f = x @ B.T\n    return f.T @ (f @ v - y) / len(y)",
    ),
    "as they are": (
        "cka",
        "CK-not-centred",
        "size = lambda m: np.sum(m**2)\n    return size(a.T @ b) / np.sqrt(size(a.T @ a) * size(b.T @ b))",
    ),
    "tables that are not centred": (
        "cka",
        "CK-not-centred",
        "G, H = a @ a.T, b @ b.T\n    return (G * H).sum() / (np.linalg.norm(G) * np.linalg.norm(H))",
    ),
    "a norm without its square": (
        "cka",
        "CK-no-square",
        BOTH + "n = np.linalg.norm\n    return n(b.T @ a) / (n(a.T @ a) * n(b.T @ b))",
    ),
    "the largest singular values": (
        "cka",
        "CK-spectral-all",
        BOTH
        + "n = lambda m: np.linalg.norm(m, ord=2)\n    return n(b.T @ a) ** 2 / (n(a.T @ a) * n(b.T @ b))",
    ),
    "a quotient that goes on": (
        "cka",
        "CK-precedence",
        BOTH + "n = np.linalg.norm\n    return n(b.T @ a) ** 2 / n(a.T @ a) * n(b.T @ b)",
    ),
    "images centred": (
        "cka",
        "CK-rows-centred",
        "a = (a.T - a.mean(1)).T\n    b = (b.T - b.mean(1)).T\n    n = np.linalg.norm\n"
        "    return n(b.T @ a) ** 2 / (n(a.T @ a) * n(b.T @ b))",
    ),
    "the sizes of the features": (
        "cka",
        "CK-norms-of-features",
        BOTH + "return np.sum((a.T @ b) ** 2) / (np.sum(a**2) * np.sum(b**2))",
    ),
    "a distance": (
        "cka",
        "CK-distance",
        BOTH + "n = np.linalg.norm\n    return 1 - n(b.T @ a) ** 2 / (n(a.T @ a) * n(b.T @ b))",
    ),
    "features of one times features of the other": (
        "cka",
        "CK-images-product",
        BOTH + "n = np.linalg.norm\n    return n(a @ b.T) ** 2 / (n(a @ a.T) * n(b @ b.T))",
    ),
    "the caller's features": (
        "cka",
        "CK-in-place",
        "a -= a.mean(0)\n    b -= b.mean(0)\n    n = np.linalg.norm\n"
        "    return n(b.T @ a) ** 2 / (n(a.T @ a) * n(b.T @ b))",
    ),
}


@pytest.mark.parametrize(("exercise", "mistake", "body"), SLIPS.values(), ids=SLIPS)
def test_a_common_slip_is_named(exercise, mistake, body, notebook, questions):
    names = notebook.with_body(exercise, body)
    for asked in questions:
        told = {v.mistake for v in notebook.verdicts(names, exercise, asked) if not v.passed}
        assert told - {None} == {mistake}


@pytest.mark.parametrize(
    "body",
    [
        "W = W.astype(np.float32)\n    V = W / sigma[:, None]\n    return V, b - m @ V",
        "V = W / sigma[:, None]\n    return V, b - m @ V.astype(np.float32)",
    ],
    ids=["weights", "bias"],
)
def test_single_precision_on_the_way_is_no_small_number_beside_the_scale(body, notebook, questions):
    names = notebook.with_body("fold", body)
    for asked in questions:
        wrong = [v for v in notebook.verdicts(names, "fold", asked) if not v.passed]
        assert wrong and all(v.mistake is None and "float32" in v.message for v in wrong)


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        ("W", "one array was returned"),
        ("None", "is a `return` missing?"),
        ("(W, b, b)", "3 were returned"),
    ],
)
def test_what_came_back_is_counted_right(returned, told, notebook, questions):
    names = notebook.with_body("fold", f"return {returned}")
    assert all(told in v.message for v in notebook.verdicts(names, "fold", questions[0]))


MIXED = [3, 0, 1, 1, 2]
LAZY_TESTS = {
    "one image": (2, [2], 0.7, "summed"),
    "a bias of zeros": (0, MIXED, 0.7, "bias_ignored"),
    "no weight decay": (2, MIXED, 0.0, "decay_missing_in_the_gradient"),
    "a weight decay of 1": (2, MIXED, 1.0, "decay_always_1"),
    "one label": (2, [2, 2, 2, 2, 2], 0.7, "label_of_the_first_image"),
    "small scores": (2, MIXED, 0.7, "overflow"),
    "a copy handed in": (2, MIXED, 0.7, "weights_overwritten"),
}


@pytest.mark.parametrize(("bias", "labels", "decay", "overlooked"), LAZY_TESTS.values(), ids=LAZY_TESTS)
def test_a_lazy_test_of_the_loss_is_found_out(bias, labels, decay, overlooked, notebook):
    images = len(labels)
    body = (
        "rng = np.random.default_rng(0)\n"
        f"    W, b = rng.normal(size=(3, 4)), {bias} * rng.normal(size=4)\n"
        f"    f = rng.normal(size=({images}, 3))\n"
        f"    y, decay = np.array({labels}), {decay}\n"
        "    p = np.exp(f @ W + b)\n    p /= p.sum(axis=1, keepdims=True)\n"
        "    loss, dW, db = implementation(W.copy(), b, f, y, decay)\n"
        "    assert np.isclose(loss, decay / 2 * (W**2).sum() - np.log(p[range(len(y)), y]).mean())\n"
        "    d = (p - np.eye(4)[y]) / len(y)\n"
        "    assert np.allclose(dW, f.T @ d + decay * W) and np.allclose(db, d.sum(0))"
    )
    assert {"right", overlooked} <= accepts(notebook, body)


@pytest.mark.parametrize(
    ("looked_at", "overlooked"),
    [("Wb", "features_overwritten"), ("Wf", "bias_overwritten"), ("bf", "weights_overwritten")],
)
def test_a_test_that_does_not_look_at_all_inputs_is_found_out(looked_at, overlooked, notebook):
    body = (
        "rng = np.random.default_rng(0)\n"
        "    given = {'W': rng.normal(size=(3, 4)), 'b': rng.normal(size=4), 'f': rng.normal(size=(5, 3))}\n"
        "    handed = {name: v.copy() for name, v in given.items()}\n"
        f"    implementation(handed['W'], handed['b'], handed['f'], np.array({MIXED}), 0.7)\n"
        f"    assert all((handed[name] == given[name]).all() for name in '{looked_at}')"
    )
    accepted = accepts(notebook, body)
    assert overlooked in accepted
    every = body.replace(f"'{looked_at}'", "'Wbf'")
    assert overlooked not in accepts(notebook, every) and "right" in accepts(notebook, every)


def accepts(notebook, body):
    """Which losses a test with this body accepts: "right", and the names of broken ones."""
    names = notebook.with_body("test_softmax_loss", body)
    probe = next(p for p in notebook.unit.probes.values() if p.judges)
    right = notebook.reference.given(Given(probe.judges))
    offered = {"right": right} | {b.__name__: b(right) for b in probe.breakers}
    return {
        n for n, f in offered.items() if run_probe(probe, names, {"implementation": f}).status == "values"
    }


def test_difference_quotients_alone_do_not_judge_a_loss(notebook):
    body = (
        "rng, h = np.random.default_rng(0), 1e-6\n"
        "    W, b, f = rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=(5, 3))\n"
        "    y = np.array([3, 0, 1, 1, 2])\n"
        "    _, dW, db = implementation(W.copy(), b, f, y, 0.7)\n"
        "    for i in np.ndindex(W.shape):\n        e = np.zeros_like(W)\n        e[i] = h\n"
        "        up, down = (implementation(W + s * e, b, f, y, 0.7)[0] for s in (1, -1))\n"
        "        assert abs((up - down) / (2 * h) - dW[i]) < 1e-7\n"
        "    for e in h * np.eye(4):\n"
        "        up, down = (implementation(W, b + s * e, f, y, 0.7)[0] for s in (1, -1))\n"
        "        assert abs((up - down) / (2 * h) - db[np.argmax(e)]) < 1e-7"
    )
    overlooked = {
        "summed",
        "bias_decays_too",
        "twice_the_decay",
        "decay_always_1",
        "label_of_the_first_image",
    }
    assert overlooked <= accepts(notebook, body)


def test_the_examples_in_the_docstrings_are_right(answers):
    at = np.array
    pixel = answers["prepare"](np.full((1, 1, 1, 1), 51, np.uint8), at([0.3]), at([0.2]))
    np.testing.assert_allclose(pixel.ravel(), [-0.5])
    means = answers["class_means"](at([[1.0], [3], [8]]), at([1, 1, 0]), 2)
    assert means.ravel().tolist() == [8, 2]
    assert answers["nearest"](at([[1.0], [3], [2]]), at([[0.0], [4]])).tolist() == [0, 1, 0]
    found = answers["softmax_loss"](at([[0.0, 1]]), at([0.0, -2]), at([[2.0]]), at([0]), 0.5)
    assert found[0] == pytest.approx(0.943, abs=5e-4)
    np.testing.assert_allclose(np.concatenate([found[1][0], found[2]]), [-1, 1.5, -0.5, 0.5])
    W, b = answers["train_head"](at([[2.0]]), at([0]), 2, 0.1, 1, 0.0)
    np.testing.assert_allclose(np.concatenate([W[0], b]), [0.1, -0.1, 0.05, -0.05])
    W, b = answers["fold"](at([[6.0]]), at([1.0]), at([2.0]), at([3.0]))
    assert (W.item(), b.item()) == (2, -3)
    mean, directions, share = answers["pca"](at([(0.0, 1), (2, 1), (1, 0), (1, 2), (4, 1), (-2, 1)]), 1)
    np.testing.assert_allclose(
        np.concatenate([mean, abs(directions[0]), share]), [1, 1, 1, 0, 20 / 22], atol=1e-12
    )
    assert answers["feature_step"](at([[2.0]]), at([1.0]), at([[3.0]]), at([0.5])).item() == 2
    assert answers["cka"](at([[0.0], [1], [2]]), at([[0.0], [0], [1]])) == pytest.approx(0.75)


def test_prepared_training_images_of_the_source_have_mean_0_and_deviation_1(answers, rng):
    images = rng.integers(0, 256, (50, 6, 7, 3)).astype(np.uint8)
    scaler = StandardScaler().fit(images.reshape(-1, 3) / 255)
    found = answers["prepare"](images, scaler.mean_, scaler.scale_)
    np.testing.assert_allclose(found.mean(axis=(0, 1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(found.std(axis=(0, 1, 2)), 1)
    np.testing.assert_allclose(found.reshape(-1, 3), scaler.transform(images.reshape(-1, 3) / 255))


def clouds(rng, N=90, D=6, K=4):
    """Features of classes that overlap, and their labels."""
    y = rng.integers(0, K, N)
    return rng.normal(0, 2, (K, D))[y] + rng.normal(size=(N, D)) * rng.uniform(0.5, 3, D) + 5, y


def test_nearest_means_are_scikit_learn_s(answers, rng):
    features, y = clouds(rng)
    new = rng.normal(5, 3, (300, 6))
    fitted = NearestCentroid().fit(features, y)
    means = answers["class_means"](features, y, 4)
    np.testing.assert_allclose(means, fitted.centroids_)
    np.testing.assert_array_equal(answers["nearest"](new, means), fitted.predict(new))


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_class_without_images_is_named(answers, missing):
    y = np.array([k for k in (0, 1, 2, 1) if k != missing])
    with pytest.raises(ValueError, match=f"class {missing} has none"):
        answers["class_means"](np.ones((len(y), 2)), y, 3)


def test_loss_and_gradient_are_torch_s(answers, rng):
    features, y = clouds(rng)
    W, b, decay = rng.normal(size=(6, 4)), rng.normal(size=4), 0.3
    w, c = (torch.tensor(v, requires_grad=True) for v in (W, b))
    expected = cross_entropy(torch.tensor(features) @ w + c, torch.tensor(y)) + decay / 2 * w.square().sum()
    expected.backward()
    loss, dW, db = answers["softmax_loss"](W, b, features, y, decay)
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    np.testing.assert_allclose(dW, w.grad, rtol=1e-10)
    np.testing.assert_allclose(db, c.grad, rtol=1e-10, atol=1e-14)


def test_the_gradient_is_the_numerical_one(answers, rng):
    features, y = clouds(rng, 7, 3, 4)
    W, b, h = rng.normal(size=(3, 4)), rng.normal(size=4), 1e-6

    def loss(W, b):
        s = log_softmax(features @ W + b, axis=1)
        return 0.2 * (W**2).sum() - s[np.arange(7), y].mean()

    _, dW, db = answers["softmax_loss"](W, b, features, y, 0.4)
    for i in np.ndindex(W.shape):
        e = np.zeros_like(W)
        e[i] = h
        assert (loss(W + e, b) - loss(W - e, b)) / (2 * h) == pytest.approx(dW[i], abs=1e-8)
    for k, e in enumerate(h * np.eye(4)):
        assert (loss(W, b + e) - loss(W, b - e)) / (2 * h) == pytest.approx(db[k], abs=1e-8)


def test_scores_of_thousands_have_scipy_s_loss(answers, rng):
    features, W = 1000 * rng.normal(size=(40, 3)), rng.normal(size=(3, 5))
    y = rng.integers(0, 5, 40)
    loss, dW, db = answers["softmax_loss"](W, np.zeros(5), features, y, 0.0)
    expected = -log_softmax(features @ W, axis=1)[np.arange(40), y].mean()
    assert expected > 1000 and loss == pytest.approx(expected, rel=1e-12)
    assert np.isfinite(dW).all() and np.isfinite(db).all()


def test_a_head_of_zeros_has_the_logarithm_of_the_number_of_classes_as_loss(answers, rng):
    features, y = clouds(rng)
    loss, _, db = answers["softmax_loss"](np.zeros((6, 4)), np.zeros(4), features, y, 0.5)
    assert loss == pytest.approx(np.log(4))
    np.testing.assert_allclose(db, 0.25 - np.bincount(y, minlength=4) / len(y))


def test_a_long_training_ends_in_scikit_learn_s_minimum(answers, rng):
    """Its C weighs the sum of the losses: C = 1 / (weight_decay N)."""
    features, y = clouds(rng, 60, 3, 3)
    z = (features - features.mean(0)) / features.std(0)
    W, b = answers["train_head"](z, y, 3, 0.5, 3000, 0.1)
    fitted = LogisticRegression(C=1 / (0.1 * 60), tol=1e-10, max_iter=5000).fit(z, y)
    np.testing.assert_allclose(W, fitted.coef_.T, atol=1e-5)
    np.testing.assert_allclose(b - b.mean(), fitted.intercept_ - fitted.intercept_.mean(), atol=1e-5)


def test_steps_are_those_of_torch_s_sgd(answers, rng):
    features, y = clouds(rng, 12, 5, 3)
    head = torch.nn.Linear(5, 3, dtype=torch.float64)
    for parameter in head.parameters():
        torch.nn.init.zeros_(parameter)
    groups = [{"params": [head.weight], "weight_decay": 0.3}, {"params": [head.bias]}]
    optimizer = torch.optim.SGD(groups, lr=0.02)
    for _ in range(7):
        optimizer.zero_grad()
        cross_entropy(head(torch.tensor(features)), torch.tensor(y)).backward()
        optimizer.step()
    W, b = answers["train_head"](features, y, 3, 0.02, 7, 0.3)
    np.testing.assert_allclose(W, head.weight.detach().T, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(b, head.bias.detach(), rtol=1e-9, atol=1e-12)


def test_a_folded_head_gives_the_scores_of_scikit_learn_s_scaler_and_head(answers, rng):
    features, y = clouds(rng)
    scaler = StandardScaler().fit(features)
    head = LogisticRegression().fit(scaler.transform(features), y)
    W, b = answers["fold"](head.coef_.T, head.intercept_, scaler.mean_, scaler.scale_)
    expected = head.decision_function(scaler.transform(features))
    np.testing.assert_allclose(features @ W + b, expected, atol=1e-10)


@pytest.mark.parametrize(("N", "D", "k"), [(40, 6, 3), (8, 20, 7), (30, 5, 5)])
def test_directions_and_shares_are_scikit_learn_s(answers, N, D, k, rng):
    features = rng.normal(size=(N, D)) @ np.diag(0.7 ** np.arange(D)) @ rng.normal(size=(D, D)) + 3
    fitted = PCA(k).fit(features)
    mean, directions, share = answers["pca"](features, k)
    np.testing.assert_allclose(mean, fitted.mean_)
    np.testing.assert_allclose(share, fitted.explained_variance_ratio_, atol=1e-12)
    np.testing.assert_allclose(directions @ directions.T, np.eye(k), atol=1e-12)
    np.testing.assert_allclose(np.abs(directions @ fitted.components_.T), np.eye(k), atol=1e-7)


def test_the_step_of_the_backbone_is_torch_s(answers, rng):
    x, y, B, v = rng.normal(size=(9, 5)), rng.normal(size=9), rng.normal(size=(3, 5)), rng.normal(size=3)
    backbone = torch.tensor(B, requires_grad=True)
    score = torch.tensor(x) @ backbone.T @ torch.tensor(v)
    ((score - torch.tensor(y)) ** 2).mean().div(2).backward()
    np.testing.assert_allclose(answers["feature_step"](x, y, B, v), backbone.grad, rtol=1e-10)


def test_the_step_has_rank_one_and_leaves_other_directions_alone(answers, rng):
    x = np.zeros((6, 8))
    x[:, :3] = rng.normal(size=(6, 3))
    dB = answers["feature_step"](x, rng.normal(size=6), rng.normal(size=(4, 8)), rng.normal(size=4))
    assert np.linalg.matrix_rank(dB) == 1
    assert (dB[:, 3:] == 0).all() and (dB[:, :3] != 0).all()


def test_cka_of_one_feature_each_is_the_squared_correlation(answers, rng):
    a, b = rng.normal(3, 1, (20, 1)), rng.normal(-2, 5, (20, 1))
    expected = np.corrcoef(a[:, 0], b[:, 0])[0, 1] ** 2
    assert answers["cka"](a, b) == pytest.approx(expected)


def test_cka_is_the_cosine_of_the_centred_tables_of_products(answers, rng):
    """Kornblith et al. 2019, with HSIC by its definition: sums over pairs of images."""
    a, b = rng.normal(1, 2, (15, 4)), rng.normal(-1, 1, (15, 7))
    H = np.eye(15) - 1 / 15
    hsic = {
        (i, j): np.trace(u @ u.T @ H @ v @ v.T @ H)
        for i, u in enumerate((a, b))
        for j, v in enumerate((a, b))
    }
    assert answers["cka"](a, b) == pytest.approx(hsic[0, 1] / np.sqrt(hsic[0, 0] * hsic[1, 1]))


def test_cka_minds_neither_rotations_nor_scales_nor_order_but_stretching(answers, rng):
    a, b = rng.normal(size=(30, 5)), rng.normal(size=(30, 4))
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    value = answers["cka"](a, b)
    assert answers["cka"](7 * a @ turn + 3, b) == pytest.approx(value)
    assert answers["cka"](b, a) == pytest.approx(value)
    assert answers["cka"](a * [9, 1, 1, 1, 1], a) < 0.9


def test_the_given_training_of_both_follows_torch(answers, rng):
    x, y, B, v = rng.normal(size=(6, 5)), rng.normal(size=6), rng.normal(size=(2, 5)), rng.normal(size=2)
    backbone, head = (torch.tensor(w, requires_grad=True) for w in (B, v))
    optimizer = torch.optim.SGD([{"params": [head]}, {"params": [backbone], "lr": 0.01}], lr=0.05)
    for _ in range(9):
        optimizer.zero_grad()
        (torch.tensor(x) @ backbone.T @ head - torch.tensor(y)).square().mean().div(2).backward()
        optimizer.step()
    found_B, found_v, seen = answers["train_both"](x, y, B, v, 0.05, 0.01, 9, lambda B, v: B.sum())
    np.testing.assert_allclose(found_B, backbone.detach(), rtol=1e-10)
    np.testing.assert_allclose(found_v, head.detach(), rtol=1e-10)
    assert seen.shape == (9,) and seen[0] == B.sum()


def test_the_given_linear_head_takes_features_as_they_are(answers, rng):
    features, y = clouds(rng, 80, 6, 3)
    W, b = answers["linear_head"](features, y, 3, steps=50)
    moved_W, moved_b = answers["linear_head"](features * 1e3 + 1e4, y, 3, steps=50)
    np.testing.assert_allclose(features @ W + b, (features * 1e3 + 1e4) @ moved_W + moved_b, atol=1e-6)
    assert ((features @ W + b).argmax(axis=1) == y).mean() > 0.6
