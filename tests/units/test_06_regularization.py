"""Weight penalties and noise in NumPy: the solutions against torch, SciPy, scikit-learn and difference
quotients, and no false alarms."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize, minimize_scalar
from sklearn.linear_model import ElasticNet, Ridge
from torch.nn.functional import cross_entropy

from autograder.probes import Given
from autograder.running import run_probe

SOLVED = ("06-regularization", "regularization_numpy")


def quotients(f, at, h=1e-6):
    """The gradient of f, one entry after the other."""
    gradient = np.zeros(at.shape)
    for place in np.ndindex(at.shape):
        step = np.zeros(at.shape)
        step[place] = h
        gradient[place] = (f(at + step) - f(at - step)) / (2 * h)
    return gradient


def test_the_examples_in_the_docstrings_are_right(answers):
    loss, dW, db = answers["add_l2"](
        1.0, np.array([[10.0, 20]]), np.array([5.0]), np.array([[2.0, -4]]), np.array([3.0]), 0.1
    )
    assert loss == pytest.approx(2)
    np.testing.assert_allclose(dW, [[10.2, 19.6]])
    assert db.tolist() == [5]
    penalty, gradient = answers["elastic_net"](np.array([2.0, -4, 0]), 0.1, 0.75)
    assert penalty == pytest.approx(0.7)
    np.testing.assert_allclose(gradient, [0.125, -0.175, 0])
    np.testing.assert_allclose(answers["soft_threshold"](np.array([2, 0.3, -0.8]), 0.5), [1.5, 0, -0.3])
    step = answers["proximal_step"](np.array([2, 0.3]), np.array([5.0, 1]), 0.2, 1.0, 0.5)
    np.testing.assert_allclose(step, [0.9 / 1.1, 0], atol=1e-15)
    for decoupled, velocity in ((False, 4.2), (True, 4)):
        found = answers["momentum_step"](1.0, 4.0, 2.0, 0.1, 0.5, 0.2, decoupled)
        assert found == pytest.approx((0.58, velocity))
    bounded = answers["max_norm"](np.array([[3, 0.3], [4, 0.4]]), 1.0)
    np.testing.assert_allclose(bounded, [[0.6, 0.3], [0.8, 0.4]])
    for patience, ends in ((2, (3, 1)), (3, (4, 4))):
        assert answers["early_stopping"](np.array([5, 4, 4.5, 4, 3]), patience) == ends
    loss, dscores = answers["smoothed_cross_entropy"](np.zeros((1, 2)), np.array([0]), 0.2)
    assert loss == pytest.approx(0.693, abs=5e-4)
    np.testing.assert_allclose(dscores, [[-0.4, 0.4]])
    images, noise = (np.reshape(v, (2, 1, 1, 1)) for v in ([5.0, 6.0], [1.0, -2.0]))
    assert answers["noisy"](images, np.array([0.7, 0.1]), noise, 0.5, 0.3).ravel().tolist() == [5, 5]


def test_l2_adds_what_weight_decay_of_torch_adds(answers):
    """A step of SGD along the gradient with the penalty is torch's step with weight decay."""
    rng = np.random.default_rng(0)
    W, dW, b, db, lam = rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), np.ones(3), np.zeros(3), 0.3
    weight = torch.tensor(W, requires_grad=True)
    weight.grad = torch.tensor(dW)
    torch.optim.SGD([weight], lr=1.0, weight_decay=lam).step()
    loss, gradient, _ = answers["add_l2"](0.0, dW, db, W, b, lam)
    np.testing.assert_allclose(W - gradient, weight.detach(), rtol=1e-12)
    assert loss == pytest.approx(lam / 2 * float(torch.tensor(W).square().sum()))


def test_the_gradient_of_l2_equals_difference_quotients(answers):
    rng = np.random.default_rng(1)
    W, b, zeros = rng.normal(size=(4, 3)), rng.normal(size=3), np.zeros((4, 3))
    numerical = quotients(lambda V: answers["add_l2"](0.0, zeros, b, V, b, 0.7)[0], W)
    np.testing.assert_allclose(answers["add_l2"](0.0, zeros, b, W, b, 0.7)[1], numerical, atol=1e-8)


@pytest.mark.parametrize("a", [0.0, 0.3, 1.0])
def test_the_elastic_net_equals_autograd(answers, a):
    W = torch.randn(5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    W[1, 2] = 0
    W.requires_grad_()
    penalty = 0.3 * (a * W.abs().sum() + (1 - a) / 2 * W.square().sum())
    penalty.backward()
    mine, gradient = answers["elastic_net"](W.detach().numpy(), 0.3, a)
    assert mine == pytest.approx(penalty.item(), rel=1e-12)
    np.testing.assert_allclose(gradient, W.grad, rtol=1e-12)


@pytest.mark.parametrize("t", [0.0, 0.4, 1.7])
def test_the_soft_threshold_equals_softshrink_of_torch(answers, t):
    v = np.random.default_rng(3).normal(0, 2, (6, 5))
    expected = torch.nn.functional.softshrink(torch.tensor(v), t)
    np.testing.assert_allclose(answers["soft_threshold"](v, t), expected, rtol=1e-14)


def test_the_soft_threshold_is_the_minimum_that_it_stands_for(answers):
    for v in (2.0, 0.3, -0.3, -1.2):
        found = minimize_scalar(lambda w, v=v: (w - v) ** 2 / 2 + 0.5 * abs(w), bounds=(-3, 3)).x
        assert answers["soft_threshold"](np.array([v]), 0.5)[0] == pytest.approx(found, abs=1e-4)


@pytest.mark.parametrize("eps", [0.0, 0.1, 0.6])
def test_smoothed_cross_entropy_equals_torch(answers, eps):
    rng = np.random.default_rng(4)
    scores, y = rng.normal(0, 3, (9, 5)), rng.integers(0, 5, 9)
    scores[0, 1] = 800
    theirs = torch.tensor(scores, requires_grad=True)
    expected = cross_entropy(theirs, torch.tensor(y), label_smoothing=eps)
    expected.backward()
    loss, dscores = answers["smoothed_cross_entropy"](scores, y, eps)
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    np.testing.assert_allclose(dscores, theirs.grad, atol=1e-14)


def test_smoothing_is_none_for_an_eps_of_zero_and_its_gradient_adds_up_to_zero(answers):
    scores, y = np.random.default_rng(5).normal(size=(6, 4)), np.arange(6) % 4
    loss, _ = answers["smoothed_cross_entropy"](scores, y, 0.0)
    assert loss == pytest.approx(cross_entropy(torch.tensor(scores), torch.tensor(y)).item(), rel=1e-12)
    _, dscores = answers["smoothed_cross_entropy"](scores, y, 0.3)
    np.testing.assert_allclose(dscores.sum(axis=1), 0, atol=1e-15)


@pytest.mark.parametrize("a", [0.0, 0.4, 1.0])
def test_proximal_steps_lead_to_the_elastic_net_of_scikit_learn(answers, a):
    rng = np.random.default_rng(6)
    x = rng.normal(size=(40, 8))
    target = x @ np.array([2, -1, 0.5, 0, 0, 0, 0, 0]) + 0.3 * rng.normal(size=40)
    w, lr = np.zeros(8), 0.5 / np.linalg.eigvalsh(x.T @ x / 40).max()
    for _ in range(2000):
        w = answers["proximal_step"](w, x.T @ (x @ w - target) / 40, lr, 0.2, a)
    if a:
        expected = ElasticNet(alpha=0.2, l1_ratio=a, fit_intercept=False, tol=1e-12, max_iter=100_000)
    else:
        expected = Ridge(alpha=40 * 0.2, fit_intercept=False)
    np.testing.assert_allclose(w, expected.fit(x, target).coef_, atol=1e-7)
    assert (w == 0).sum() == (expected.coef_ == 0).sum()


def test_a_proximal_step_is_the_minimum_that_it_stands_for(answers):
    w, dw, lr, lam, a = np.array([1.0]), np.array([0.7]), 0.4, 0.8, 0.3
    there = float((w - lr * dw)[0])

    def cost(u):
        return (u[0] - there) ** 2 / 2 + lr * lam * (a * abs(u[0]) + (1 - a) / 2 * u[0] ** 2)

    found = minimize(cost, [0.5], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-15}).x
    np.testing.assert_allclose(answers["proximal_step"](w, dw, lr, lam, a), found, atol=1e-6)


def walk(answers, decoupled, gradients, rates, momentum, weight_decay):
    w, velocity, seen = np.linspace(-1, 2, 5), np.zeros(5), []
    for dw, lr in zip(gradients, rates, strict=True):
        w, velocity = answers["momentum_step"](w, velocity, dw, lr, momentum, weight_decay, decoupled)
        seen.append(w)
    return np.array(seen)


def test_coupled_decay_is_the_weight_decay_of_sgd_in_torch(answers):
    rng = np.random.default_rng(7)
    gradients, rates = rng.normal(size=(6, 5)), [0.1, 0.1, 0.3, 0.05, 0.02, 0.2]
    w = torch.linspace(-1, 2, 5, dtype=torch.float64, requires_grad=True)
    sgd, seen = torch.optim.SGD([w], lr=0.1, momentum=0.8, weight_decay=0.3), []
    for dw, lr in zip(gradients, rates, strict=True):
        sgd.param_groups[0]["lr"] = lr
        w.grad = torch.tensor(dw)
        sgd.step()
        seen.append(w.detach().numpy().copy())
    np.testing.assert_allclose(walk(answers, False, gradients, rates, 0.8, 0.3), seen, rtol=1e-12)


def test_without_momentum_both_kinds_of_decay_are_the_same(answers):
    gradients, rates = np.random.default_rng(8).normal(size=(4, 5)), [0.1, 0.3, 0.2, 0.1]
    paths = [walk(answers, decoupled, gradients, rates, 0.0, 0.4) for decoupled in (False, True)]
    np.testing.assert_allclose(*paths, rtol=1e-12)


def test_three_steps_without_a_gradient_have_the_numbers_of_the_catalogue(answers):
    """O8: 0.9444 coupled, 0.9703 decoupled."""
    for decoupled, wanted in ((False, 0.9444), (True, 0.9703)):
        w, velocity = 1.0, 0.0
        for _ in range(3):
            w, velocity = answers["momentum_step"](w, velocity, 0.0, 0.1, 0.9, 0.1, decoupled)
        assert w == pytest.approx(wanted, abs=5e-5)


def test_max_norm_equals_renorm_of_torch(answers):
    W = np.random.default_rng(9).normal(size=(6, 4)) * [0.1, 1, 3, 0]
    expected = torch.renorm(torch.tensor(W), p=2, dim=1, maxnorm=1.3)
    np.testing.assert_allclose(answers["max_norm"](W, 1.3), expected, rtol=1e-6)


def first_stop(losses, patience):
    """By the definition: the first epoch such that none of the last `patience` is below all before it."""
    known = [float("inf") if np.isnan(v) else v for v in losses]
    news = [all(v < earlier for earlier in known[:t]) for t, v in enumerate(known)]
    stops = [t for t in range(patience, len(known)) if not any(news[t - patience + 1 : t + 1])]
    stop = stops[0] if stops else len(known) - 1
    return stop, known.index(min(known[: stop + 1]))


def test_early_stopping_agrees_with_its_definition_on_many_runs(answers):
    rng = np.random.default_rng(10)
    for _ in range(300):
        losses = rng.integers(0, 9, int(rng.integers(1, 15))).astype(float)
        losses[1:][rng.random(len(losses) - 1) < 0.1] = np.nan
        patience = int(rng.integers(1, 6))
        assert answers["early_stopping"](losses, patience) == first_stop(losses, patience)


def test_early_stopping_with_patience_2_has_the_numbers_of_the_catalogue(answers):
    """O13: it stops at 3, and not at 4."""
    assert answers["early_stopping"](np.array([1, 0.9, 0.95, 0.96, 0.97, 0.98]), 2) == (3, 1)


def test_noise_hits_the_share_p_of_images_with_the_standard_deviation_sigma(answers):
    rng = np.random.default_rng(11)
    images = rng.uniform(size=(4000, 2, 3, 1))
    coins, noise = rng.random(4000), rng.normal(size=images.shape)
    added = answers["noisy"](images, coins, noise, 0.4, 0.3) - images
    hit = (added != 0).all(axis=(1, 2, 3))
    assert ((added == 0).all(axis=(1, 2, 3)) | hit).all()
    assert hit.mean() == pytest.approx(0.3, abs=0.03)
    assert added[hit].std() == pytest.approx(0.4, rel=0.03)


def test_noise_on_the_inputs_is_ridge_regression(answers):
    """Least squares on many noisy copies, against scikit-learn with the strength p sigma^2 per example."""
    rng = np.random.default_rng(12)
    images, target = rng.normal(size=(30, 2, 2, 1)), rng.normal(size=30)
    copies = 4000
    many = np.tile(images, (copies, 1, 1, 1))
    seen = answers["noisy"](many, rng.random(len(many)), rng.normal(size=many.shape), 0.8, 0.5)
    w = np.linalg.lstsq(seen.reshape(-1, 4), np.tile(target, copies), rcond=None)[0]
    ridge = Ridge(alpha=30 * 0.5 * 0.8**2, fit_intercept=False).fit(images.reshape(30, 4), target)
    np.testing.assert_allclose(w, ridge.coef_, atol=0.01)


TARGETS = "N, K = scores.shape\n    q = (1 - eps) * np.eye(K)[y] + eps / K\n    "
LOOP = "best, wait = 0, 0\n    for epoch in range(len(losses)):\n        "
END = "\n    return len(losses) - 1, best"

SLIPS = {
    "no half in the loss": (
        "add_l2",
        "RG1",
        "return loss + lam * np.sum(W * W), dW + lam * W, db",
    ),
    "no half anywhere": (
        "add_l2",
        "RG-convention",
        "return loss + lam * np.linalg.norm(W) ** 2, dW + lam * 2 * W, db",
    ),
    "the bias, too": (
        "add_l2",
        "RG3",
        "both = (W**2).sum() + b @ b\n    return loss + 0.5 * lam * both, dW + lam * W, lam * b + db",
    ),
    "the gradient written in place": (
        "add_l2",
        "RG-in-place",
        "dW += lam * W\n    return loss + lam * np.square(W).sum() / 2, dW, db",
    ),
    "NumPy's 1-norm of a matrix": (
        "elastic_net",
        "RG15",
        "l1 = np.linalg.norm(W, 1) if W.ndim == 2 else np.abs(W).sum(axis=0).max()\n"
        "    return lam * (a * l1 + (1 - a) / 2 * np.sum(W**2)), lam * (a * np.sign(W) + (1 - a) * W)",
    ),
    "a subgradient of one at zero": (
        "elastic_net",
        "RG14",
        "signs = 2.0 * (W >= 0) - 1\n"
        "    penalty = a * np.abs(W).sum() + (1 - a) / 2 * np.sum(W**2)\n"
        "    return lam * penalty, lam * (a * signs + (1 - a) * W)",
    ),
    "the half of L2 forgotten, as in Zou and Hastie": (
        "elastic_net",
        "RG20-convention",
        "l1, l2 = lam * a, lam * (1 - a)\n"
        "    return l1 * np.abs(W).sum() + l2 * (W**2).sum(), l1 * np.sign(W) + 2 * l2 * W",
    ),
    "the hard threshold": (
        "soft_threshold",
        "ST-hard",
        "return np.where(np.abs(v) <= t, 0, v)",
    ),
    "zero overshot": (
        "soft_threshold",
        "ST-no-stop",
        "return v - t * np.sign(v)",
    ),
    "only the positive side": (
        "soft_threshold",
        "ST-positive",
        "return (v - t) * (v > t)",
    ),
    "a threshold without the rate": (
        "proximal_step",
        "PX-lr",
        "v = w - lr * dw\n    return soft_threshold(v, lam * a) / (1 + lam * (1 - a))",
    ),
    "the gradient of the penalty": (
        "proximal_step",
        "PX-subgradient",
        "return w - lr * (dw + elastic_net(w, lam, a)[1])",
    ),
    "divided, then thresholded": (
        "proximal_step",
        "PX-order",
        "return soft_threshold((w - lr * dw) / (1 + lr * lam * (1 - a)), lr * lam * a)",
    ),
    "decay that is always coupled": (
        "momentum_step",
        "WD1",
        "velocity = momentum * velocity + dw + weight_decay * w\n    return w - lr * velocity, velocity",
    ),
    "decay that is never coupled": (
        "momentum_step",
        "O8",
        "v = momentum * velocity + dw\n    return w - lr * (v + weight_decay * w), v",
    ),
    "the rate in the velocity": (
        "momentum_step",
        "WD-lr-inside",
        "w, g = (w - lr * weight_decay * w, dw) if decoupled else (w, dw + weight_decay * w)\n"
        "    velocity = momentum * velocity + lr * g\n"
        "    return w - velocity, velocity",
    ),
    "rows for columns": (
        "max_norm",
        "MN-rows",
        "norms = np.sqrt((W**2).sum(axis=1))[:, None]\n    return np.where(norms > c, c * W / norms, W)",
    ),
    "every column to the bound": (
        "max_norm",
        "MN-always-nan",
        "return c * W / np.sqrt((W * W).sum(axis=0))",
    ),
    "the whole matrix": (
        "max_norm",
        "MN-matrix",
        "norm = np.sqrt((W**2).sum())\n    return W * c / norm if norm > c else W.copy()",
    ),
    "one epoch late": (
        "early_stopping",
        "O13",
        LOOP + "if losses[epoch] < losses[best]:\n            best, wait = epoch, 0\n"
        "        elif epoch > 0:\n            wait += 1\n"
        "        if wait > patience:\n            return epoch, best" + END,
    ),
    "never back to zero": (
        "early_stopping",
        "ES-total",
        LOOP + "if losses[epoch] < losses[best] or epoch == 0:\n            best = epoch\n"
        "        else:\n            wait += 1\n"
        "        if wait == patience:\n            return epoch, best" + END,
    ),
    "the smallest of all": (
        "early_stopping",
        "ES-argmin",
        "best = int(np.nanargmin(losses))\n    return min(best + patience, len(losses) - 1), best",
    ),
    "epoch 0 counted as a bad one": (
        "early_stopping",
        "ES-waits-from-1",
        "low, best, wait = losses[0], 0, 1\n    for epoch in range(1, len(losses)):\n"
        "        if losses[epoch] < low:\n            low, best, wait = losses[epoch], epoch, 0\n"
        "        else:\n            wait += 1\n"
        "            if wait >= patience:\n                return epoch, best" + END,
    ),
    "the place of a nan at the end": (
        "early_stopping",
        "ES-end-nan",
        LOOP + "if losses[epoch] < losses[best] or epoch == 0:\n            best, wait = epoch, 0\n"
        "        else:\n            wait += 1\n"
        "            if wait == patience:\n                return epoch, best\n"
        "    return len(losses) - 1, int(np.argmin(losses))",
    ),
    "a minimum that becomes nan": (
        "early_stopping",
        "ES-nan-stays",
        LOOP + "if epoch == 0 or losses[epoch] < np.min(losses[:epoch]):\n            best, wait = epoch, 0\n"
        "        else:\n            wait += 1\n"
        "            if wait == patience:\n                return epoch, best" + END,
    ),
    "a best loss of zero to begin with": (
        "early_stopping",
        "ES-low-start",
        "low, best, wait = 0, 0, 0\n    for epoch in range(1, len(losses)):\n"
        "        if losses[epoch] < low:\n            low, best, wait = losses[epoch], epoch, 0\n"
        "        else:\n            wait += 1\n"
        "            if wait >= patience:\n                return epoch, best" + END,
    ),
    "zero for ever": (
        "proximal_step",
        "PX-frozen",
        "new = soft_threshold(w - lr * dw, lr * lam * a) / (1 + lr * lam * (1 - a))\n"
        "    return np.where(w == 0, 0, new)",
    ),
    "only the classes that occur": (
        "smoothed_cross_entropy",
        "SM-seen",
        "N, K = scores.shape\n"
        "    q = (1 - eps) * np.eye(K)[y] + eps / len(set(y.tolist()))\n"
        "    logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)\n"
        "    return -(q * logs).sum() / N, (np.exp(logs) - q) / N",
    ),
    "L2 in the penalty only": (
        "elastic_net",
        "EN-no-l2-gradient",
        "return lam * (a * np.abs(W).sum() + (1 - a) / 2 * (W**2).sum()), lam * a * np.sign(W)",
    ),
    "a factor that divides by zero": (
        "soft_threshold",
        "ST-ratio-nan",
        "return v * np.clip(1 - t / abs(v), 0, None)",
    ),
    "nearly zero": (
        "soft_threshold",
        "ST-guard",
        "return np.sign(v) * np.maximum(np.abs(v) - t, 1e-12)",
    ),
    "a wrong class has all of eps": (
        "smoothed_cross_entropy",
        "SM-others",
        "N, K = scores.shape\n"
        "    q = np.where(np.arange(K) == y[:, None], 1 - eps, eps / (K - 1))\n"
        "    logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)\n"
        "    return -(q * logs).sum() / N, (np.exp(logs) - q) / N",
    ),
    "exponentials of large scores": (
        "smoothed_cross_entropy",
        "SM-unstable",
        TARGETS + "p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)\n"
        "    return -(q * np.log(p)).sum() / N, (p - q) / N",
    ),
    "a gradient that is no mean": (
        "smoothed_cross_entropy",
        "SM-gradient-sum",
        TARGETS + "logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)\n"
        "    return -(q * logs).sum(axis=1).mean(), np.exp(logs) - q",
    ),
    "noise that stays in the data set": (
        "noisy",
        "U3",
        "images[coins < p] += sigma * noise[coins < p]\n    return images",
    ),
    "one coin for the batch": (
        "noisy",
        "U18",
        "return images + sigma * noise if coins[0] < p else images.copy()",
    ),
    "noise in standard deviations of the images": (
        "noisy",
        "U17",
        "return np.where((coins < p)[:, None, None, None], images + sigma * images.std() * noise, images)",
    ),
}


@pytest.mark.parametrize(("exercise", "mistake", "body"), SLIPS.values(), ids=SLIPS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_common_slip_is_named(exercise, mistake, body, notebook, questions):
    names = notebook.with_body(exercise, body)
    for asked in questions:
        told = {v.mistake for v in notebook.verdicts(names, exercise, asked) if not v.passed}
        assert mistake in told
        assert told <= {mistake, None}


ACCEPTED = {
    "decay after the step": (
        "momentum_step",
        "g = dw if decoupled else dw + weight_decay * w\n"
        "    v = momentum * velocity + g\n"
        "    return (w - lr * v) * (1 - lr * weight_decay * decoupled), v",
    ),
    "coins from above": (
        "noisy",
        "return images + sigma * (coins >= 1 - p)[:, None, None, None] * noise",
    ),
}


@pytest.mark.parametrize(("exercise", "body"), ACCEPTED.values(), ids=ACCEPTED)
def test_another_convention_is_told_and_earns_full_marks(exercise, body, notebook, questions):
    names = notebook.with_body(exercise, body)
    for asked in questions:
        found = notebook.verdicts(names, exercise, asked)
        assert all(v.passed for v in found)
        assert any("counts as right" in v.message for v in found)


WRONG = {
    "the number of classes from the labels": (
        "smoothed_cross_entropy",
        "q = (1 - eps) * np.eye(y.max() + 1)[y] + eps / scores.shape[1]\n"
        "    logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)\n"
        "    return -(q * logs).sum() / len(y), (np.exp(logs) - q) / len(y)",
    ),
    "a first loss of at most 100": (
        "early_stopping",
        "low, best, wait = 100, 0, 0\n    for epoch, loss in enumerate(losses):\n        wait += 1\n"
        "        if loss < low:\n            low, best, wait = loss, epoch, 0\n"
        "        if wait == patience and epoch:\n            break\n    return epoch, best",
    ),
    "no answer for a single epoch": (
        "early_stopping",
        "best = 0\n    for epoch in range(1, len(losses)):\n"
        "        if losses[epoch] < losses[best]:\n            best = epoch\n"
        "        if epoch - best == patience:\n            break\n    return epoch, best",
    ),
}


@pytest.mark.parametrize(("exercise", "body"), WRONG.values(), ids=WRONG)
def test_a_rare_slip_is_refused(exercise, body, notebook, questions):
    names = notebook.with_body(exercise, body)
    for asked in questions:
        assert not all(v.passed for v in notebook.verdicts(names, exercise, asked))


LAZY_TESTS = {
    "no epoch behind the stop": ("[3, 2, 4, 3]", 2, (3, 1), "looks_behind_the_stop"),
    "one rest only": ("[3, 2, 4, 3, 1]", 2, (3, 1), "counts_from_the_start"),
    "no two losses equal": ("[3, 2, 4, 3.5, 1]", 2, (3, 1), "ties_are_better"),
    "no nan": ("[3, 2, 4, 3, 1]", 2, (3, 1), "nan_is_better"),
    "patience 1": ("[3, 2, 4, 3, 1]", 1, (2, 1), "first_rise"),
    "a curve that only falls": ("[4, 3, 2, 1]", 2, (3, 3), "never_stops"),
    "no list that never stops": ("[3, 2, 4, 3, 1]", 2, (3, 1), "end_that_does_not_exist"),
    "no look at the argument": ("[3, 2, 4, 3, 1]", 2, (3, 1), "sorts_the_losses"),
}


@pytest.mark.parametrize(("losses", "patience", "ends", "overlooked"), LAZY_TESTS.values(), ids=LAZY_TESTS)
def test_a_lazy_test_of_early_stopping_is_found_out(losses, patience, ends, overlooked, notebook):
    """It accepts the right function, and one that is wrong."""
    body = f"assert tuple(implementation(np.array({losses}, dtype=float), {patience})) == {ends}"
    names = notebook.with_body("test_early_stopping", body)
    probe = next(p for p in notebook.unit.probes.values() if p.judges == "early_stopping")
    right = notebook.reference.given(Given("early_stopping"))
    assert run_probe(probe, names, {"implementation": right}).status == "values"
    breaker = next(b for b in probe.breakers if b.__name__ == overlooked)
    assert run_probe(probe, names, {"implementation": breaker(right)}).status == "values"


def test_a_test_that_looks_at_the_best_epoch_only_is_found_out(notebook):
    body = "assert implementation(np.array([3.0, 2, 4]), 1)[1] == 1"
    names = notebook.with_body("test_early_stopping", body)
    probe = next(p for p in notebook.unit.probes.values() if p.judges == "early_stopping")
    right = notebook.reference.given(Given("early_stopping"))
    late = {b.__name__: b(right) for b in probe.breakers}["number_for_last_epoch"]
    for implementation in (right, late):
        assert run_probe(probe, names, {"implementation": implementation}).status == "values"


RIGHT_OTHERS = {
    "a counter": "low, best, wait = float('inf'), 0, 0\n    for epoch, loss in enumerate(losses):\n"
    "        wait += 1\n        if loss < low:\n            low, best, wait = loss, epoch, 0\n"
    "        if wait == patience:\n            break\n    return epoch, best",
    "whole numbers of NumPy, in an array": "found = []\n    for t in range(len(losses)):\n"
    "        best = np.nanargmin(losses[: t + 1])\n"
    "        if t - best == patience:\n            break\n    return np.array([t, best])",
}


@pytest.mark.parametrize("body", RIGHT_OTHERS.values(), ids=RIGHT_OTHERS)
def test_the_solution_of_the_test_accepts_other_right_functions(body, notebook):
    other = notebook.with_body("early_stopping", body)["early_stopping"]
    notebook.names["test_early_stopping"](other)
