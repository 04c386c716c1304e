"""Optimizers in NumPy: the solutions against torch.optim and closed forms, and no false alarms."""

import numpy as np
import pytest
import torch

from autograder.probes import Given
from autograder.running import run_probe

SOLVED = ("07-optimizers", "optimizers_numpy")

ADAM = (
    "t = state.get('t', 0) + 1\n"
    "    m = beta1 * state.get('m', 0) + (1 - beta1) * dw\n"
    "    s = beta2 * state.get('s', 0) + (1 - beta2) * dw**2\n"
)
NEW = "dict(m=m, s=s, t=t)"
NEXT = "dict(m=m, s=s, t=t + 1)"
COUNTED_FROM_ONE = (
    ADAM.replace("state.get('t', 0) + 1", "state.get('t', 1)") + "    c1, c2 = 1 - beta1**t, 1 - beta2**t\n"
)


def averages(*lines):
    """Adam to the averages, then these lines."""
    return ADAM + "".join(f"    {line}\n" for line in lines)


SLIPS = {
    "the slope of the flat direction": (
        "good_rates",
        "GR-flat",
        "c = np.sort(curvatures)\n"
        "    k = c[-1] / c[0]\n"
        "    return 2 / c[0], 2 / (c[0] + c[-1]), (k - 1) / (k + 1)",
    ),
    "what a step takes away": (
        "good_rates",
        "GR-gone",
        "l, h = min(curvatures), max(curvatures)\n    return 2 / h, 2 / (l + h), 1 - (h - l) / (h + l)",
    ),
    "one over the condition number": (
        "good_rates",
        "GR-ratio",
        "l, h = min(curvatures), max(curvatures)\n    return 2 / h, 2 / (l + h), 1 / (h / l)",
    ),
    "the rate 1 / lambda_max": (
        "good_rates",
        "GR-steep",
        "c = np.sort(curvatures)\n    k = c[-1] / c[0]\n    return 2 / c[-1], 1 / c[-1], (k - 1) / (k + 1)",
    ),
    "the factor of momentum": (
        "good_rates",
        "GR-root",
        "c = np.sort(curvatures)\n"
        "    k = np.sqrt(c[-1] / c[0])\n"
        "    return 2 / c[-1], 2 / (c[0] + c[-1]), (k - 1) / (k + 1)",
    ),
    "sorted curvatures taken for granted": (
        "good_rates",
        "GR-order",
        "l, h = curvatures[0], curvatures[-1]\n    return 2 / h, 2 / (l + h), (h / l - 1) / (h / l + 1)",
    ),
    "the course's moving average": (
        "momentum",
        "MO1",
        "v = state.get('v', np.zeros_like(w))\n"
        "    v = v + (1 - mu) * (dw - v)\n"
        "    return w - lr * v, {'v': v}",
    ),
    "cs231n's momentum": (
        "momentum",
        "MO2-sign",
        "v = state.get('v', 0) * mu - lr * dw\n    w = w + v\n    return w, {'v': v}",
    ),
    "no memory": (
        "momentum",
        "MO3",
        "v = mu * 0 + dw\n    return w - lr * v, {'v': v}",
    ),
    "a velocity written where nobody reads": (
        "momentum",
        "MO-key-written",
        "v = state.get('v', 0) * mu + dw\n    return w - lr * v, {'old': v}",
    ),
    "a velocity that is not there yet": (
        "momentum",
        "MO-no-default",
        "v = dw + mu * state['v']\n    return w - v * lr, {'v': v}",
    ),
    "an old step": (
        "momentum",
        "MO7",
        "v = state['v'] if state else np.zeros_like(w)\n    w = w - lr * v\n    return w, {'v': mu * v + dw}",
    ),
    "the state written into": (
        "momentum",
        "MO-dict-in-place",
        "state['v'] = state.get('v', 0) * mu + dw\n    return w - lr * state['v'], state",
    ),
    "the velocity written into": (
        "momentum",
        "MO-dict-in-place",
        "if not state:\n        state = {'v': np.zeros_like(w)}\n"
        "    state['v'] *= mu\n    state['v'] += dw\n    return w - lr * state['v'], {**state}",
    ),
    "the weights written into": (
        "momentum",
        "MO-w-in-place",
        "v = state.get('v', 0) * mu + dw\n    np.subtract(w, lr * v, out=w)\n    return w, {'v': v}",
    ),
    "the weights alone": (
        "momentum",
        "MO-only-w",
        "v = state.get('v', 0) * mu + dw\n    w = w - lr * v\n    return w",
    ),
    "the velocity for the state": (
        "momentum",
        "MO-bare",
        "v = (state or {}).get('v', 0) * mu + dw\n    return w - lr * v, v",
    ),
    "a state before the weights": (
        "momentum",
        "MO-exchanged",
        "v = state.get('v', 0) * mu + dw\n    return {'v': v}, w - lr * v",
    ),
    "plain momentum for Nesterov's": (
        "nesterov",
        "NE1",
        "v = state.get('v', 0) * mu + dw\n    return w - lr * v, {'v': v}",
    ),
    "a velocity looked at too early": (
        "nesterov",
        "NE1",
        "v = state.get('v', np.zeros_like(w))\n"
        "    w = w - lr * (dw + mu * v)\n"
        "    return w, {'v': mu * v + dw}",
    ),
    "cs231n's Nesterov": (
        "nesterov",
        "NC",
        "v_prev = state.get('v', np.zeros_like(w))\n"
        "    v = mu * v_prev - lr * dw\n"
        "    return w + -mu * v_prev + (1 + mu) * v, {'v': v}",
    ),
    "AdaGrad's eps inside": (
        "adagrad",
        "AG3",
        "s = state.get('s', 0) + dw * dw\n    return w - lr * dw * (s + eps) ** -0.5, {'s': s}",
    ),
    "AdaGrad that steps first": (
        "adagrad",
        "AG5",
        "s = state.get('s', np.zeros_like(w))\n"
        "    w = w - lr * dw / (np.sqrt(s) + eps)\n"
        "    return w, {'s': s + dw**2}",
    ),
    "one sum for all weights": (
        "adagrad",
        "AG7",
        "s = state.get('s', 0) + np.full(dw.shape, np.linalg.norm(dw) ** 2)\n"
        "    return w - lr * dw / (np.sqrt(s) + eps), {'s': s}",
    ),
    "RMSProp's eps inside": (
        "rmsprop",
        "RM2",
        "s = state.get('s', 0)\n"
        "    s = s + (1 - rho) * (dw**2 - s)\n"
        "    return w - lr * dw * (s + eps) ** -0.5, {'s': s}",
    ),
    "RMSProp with Adam's correction": (
        "rmsprop",
        "RM8",
        "n = state.get('t', 0) + 1\n"
        "    s = state.get('s', 0) * rho + (1 - rho) * dw**2\n"
        "    return w - lr * dw / ((s / (1 - rho**n)) ** 0.5 + eps), {'s': s, 't': n}",
    ),
    "a cache": (
        "rmsprop",
        "RM-key",
        "c = rho * state.get('cache', 0) + (1 - rho) * dw**2\n"
        "    return w - lr * dw / (np.sqrt(c) + eps), {'cache': c}",
    ),
    "Adam without correction": (
        "adam",
        "AD1",
        averages(f"return w - lr * m / (s**0.5 + eps), {NEW}"),
    ),
    "Adam of Keras": (
        "adam",
        "AD8",
        averages(
            "rate = lr * (1 - beta2**t) ** 0.5 / (1 - beta1**t)",
            f"return w - rate * m / (s**0.5 + eps), {NEW}",
        ),
    ),
    "Adam's eps inside": (
        "adam",
        "AD7",
        averages(
            "m_hat, s_hat = m / (1 - beta1**t), s / (1 - beta2**t)",
            f"return w - lr * m_hat * (s_hat + eps) ** -0.5, {NEW}",
        ),
    ),
    "averages corrected where they are kept": (
        "adam",
        "AD-stored-hat",
        averages("m /= 1 - beta1**t", "s /= 1 - beta2**t", f"return w - lr * m / (np.sqrt(s) + eps), {NEW}"),
    ),
    "a product for the power": (
        "adam",
        "AD14",
        averages(
            "m_hat, s_hat = m / (1 - t * beta1), s / (1 - t * beta2)",
            f"return w - lr * m_hat / (np.sqrt(s_hat) + eps), {NEW}",
        ),
    ),
    "Adam with v for s": (
        "adam",
        "AD-key",
        (ADAM + f"    return w - lr * m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps), {NEW}")
        .replace("'s'", "'v'")
        .replace("s=s", "v=s"),
    ),
    "the number of the next step in Adam's state": (
        "adam",
        "AD-t-next",
        COUNTED_FROM_ONE + f"    return w - lr * m / c1 / ((s / c2) ** 0.5 + eps), {NEXT}",
    ),
    "a number of the step that stays": (
        "adam",
        "AD-t-never",
        COUNTED_FROM_ONE + f"    return w - lr * m / c1 / ((s / c2) ** 0.5 + eps), {NEW}",
    ),
    "the number of the next step in AdamW's state": (
        "adamw",
        "WD-t-next",
        COUNTED_FROM_ONE + "    w = w - lr * weight_decay * w\n"
        f"    return w - lr * m / c1 / ((s / c2) ** 0.5 + eps), {NEXT}",
    ),
    "Adam's eps squared in the root": (
        "adam",
        "AD-eps-squared",
        averages(
            "m_hat, s_hat = m / (1 - beta1**t), s / (1 - beta2**t)",
            f"return w - lr * m_hat / np.hypot(np.sqrt(s_hat), eps), {NEW}",
        ),
    ),
    "one power forgotten": (
        "adam",
        "AD-no-power-s",
        averages(
            "m_hat, s_hat = m / (1 - beta1**t), s / (1 - beta2)",
            f"return w - lr * m_hat / (s_hat**0.5 + eps), {NEW}",
        ),
    ),
    "only one default forgotten": (
        "adam",
        "AD-no-default",
        averages(
            "m = beta1 * state['m'] + (1 - beta1) * dw",
            f"return w - lr * m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps), {NEW}",
        ).replace("    m = beta1 * state.get('m', 0) + (1 - beta1) * dw\n", "", 1),
    ),
    "the paper's words: too small": (
        "uncorrected_ratio",
        "UR-inverse",
        "return (1 - beta2**steps) ** 0.5 / (1 - beta1**steps)",
    ),
    "no root in the ratio": (
        "uncorrected_ratio",
        "UR-no-root",
        "return np.array([(1 - beta1**t) / (1 - beta2**t) for t in steps])",
    ),
    "steps from zero": (
        "uncorrected_ratio",
        "UR-from-zero",
        "t = steps - 1\n    return (1 - beta1**t) / np.sqrt(1 - beta2**t)",
    ),
    "Adam with a penalty": (
        "adamw",
        "WD1",
        "g = dw + weight_decay * w\n"
        + ADAM.replace("t = state", "    t = state", 1).replace("dw", "g")
        + f"    return w - lr * m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps), {NEW}",
    ),
    "decay without the rate": (
        "adamw",
        "WD2",
        "new, state = adam(w, dw, state, lr, beta1, beta2, eps)\n    return new - weight_decay * w, state",
    ),
    "the Hessian multiplied": (
        "newton",
        "NT1",
        "return w - np.dot(H + np.diag([damping] * len(w)), dw)",
    ),
    "damping everywhere": (
        "newton",
        "NT3",
        "return w - np.linalg.inv(H + damping) @ dw",
    ),
    "the diagonal alone": (
        "newton",
        "NT-diagonal",
        "return w - dw / np.diagonal(H + damping * np.eye(len(w)))",
    ),
    "saddle-free": (
        "newton",
        "NT-absolute",
        "k, Q = np.linalg.eigh(H)\n    return w - Q @ np.diag(1 / np.abs(k + damping)) @ Q.T @ dw",
    ),
}


@pytest.mark.parametrize(("exercise", "mistake", "body"), SLIPS.values(), ids=SLIPS)
def test_a_common_slip_is_named(exercise, mistake, body, notebook, questions):
    names = notebook.with_body(exercise, body)
    for asked in questions:
        told = {v.mistake for v in notebook.verdicts(names, exercise, asked) if not v.passed}
        assert told - {None} == {mistake}


def test_decay_after_the_step_of_adam_is_told_and_earns_full_marks(notebook, questions):
    body = "w, state = adam(w, dw, state, lr, beta1, beta2, eps)\n    return w - lr * weight_decay * w, state"
    names = notebook.with_body("adamw", body)
    for asked in questions:
        found = notebook.verdicts(names, "adamw", asked)
        assert all(v.passed for v in found)
        assert any("counts as right" in v.message for v in found)


def test_what_a_step_returns_instead_is_said(notebook, questions):
    for body, said in (
        ("return w - lr * dw", "yours returned: ndarray"),
        ("return w, dw, state", "yours returned: ndarray, ndarray, dict"),
        ("pass", "yours returned: NoneType. Your code returned None: is a `return` missing?"),
    ):
        names = notebook.with_body("momentum", body)
        assert all(said in v.message for v in notebook.verdicts(names, "momentum", questions[0]))


LAZY_TESTS = {
    "one step": ("[[1.0, -3.0]]", "0.7, 0.9, 0.05", "state_never_read"),
    "equal betas": ("[[1.0, -3.0], [0.2, 4.0], [0.1, -0.1]]", "0.8, 0.8, 0.05", "betas_exchanged"),
    "the usual betas": ("[[1.0, -3.0], [0.2, 4.0], [0.1, -0.1]]", "0.9, 0.999, 0.05", "betas_fixed"),
    "a tiny eps": ("[[1.0, -3.0], [0.2, 4.0], [0.1, -0.1]]", "0.7, 0.9, 1e-8", "eps_fixed"),
    "arguments never looked at": (
        "[[1.0, -3.0], [0.2, 4.0], [0.1, -0.1]]",
        "0.7, 0.9, 0.05",
        "state_in_place",
    ),
}


@pytest.mark.parametrize(("gradients", "settings", "overlooked"), LAZY_TESTS.values(), ids=LAZY_TESTS)
def test_a_lazy_test_of_adam_is_found_out(gradients, settings, overlooked, notebook):
    body = (
        "w, state, m, s = np.array([1.0, -2.0]), {}, 0, 0\n"
        f"    beta1, beta2, eps = {settings}\n"
        f"    for t, g in enumerate(np.array({gradients}), 1):\n"
        "        m, s = beta1 * m + (1 - beta1) * g, beta2 * s + (1 - beta2) * g**2\n"
        "        right = w - 0.1 * m / (1 - beta1**t) / ((s / (1 - beta2**t)) ** 0.5 + eps)\n"
        "        w, state = implementation(w, g, state, 0.1, beta1, beta2, eps)\n"
        "        assert np.allclose(w, right)"
    )
    names = notebook.with_body("test_adam", body)
    probe = next(p for p in notebook.unit.probes.values() if p.of == "test_adam")
    right = notebook.reference.given(Given(probe.judges))
    assert run_probe(probe, names, {"implementation": right}).status == "values"
    breaker = next(b for b in probe.breakers if b.__name__ == overlooked)
    assert run_probe(probe, names, {"implementation": breaker(right)}).status == "values"


def test_the_examples_in_the_docstrings_are_right(answers):
    np.testing.assert_allclose(answers["good_rates"](np.array([1.0, 4])), [0.5, 0.4, 0.6])
    w, dw = np.array([1.0]), np.array([2.0])
    for name, velocity, weight, settings in (
        ("momentum", 4.0, 0.6, (0.5,)),
        ("nesterov", 4.0, 0.6, (0.5,)),
    ):
        after, state = answers[name](w, dw, {"v": np.array([4.0])}, 0.1, *settings)
        np.testing.assert_allclose([*after, *state["v"]], [weight, velocity])
    after, state = answers["nesterov"](w, dw, {"v": np.array([8.0])}, 0.1, 0.5)
    np.testing.assert_allclose([*after, *state["v"]], [0.5, 6])
    after, state = answers["adagrad"](w, np.array([3.0]), {"s": np.array([16.0])}, 0.1, 1)
    np.testing.assert_allclose([*after, *state["s"]], [0.95, 25])
    after, state = answers["rmsprop"](w, dw, {"s": np.array([5.0])}, 0.1, 0.8, 1)
    np.testing.assert_allclose([*after, *state["s"]], [0.937, 4.8], atol=5e-4)
    after, state = answers["adam"](w, dw, {}, 0.1, 0.9, 0.99, 0.5)
    np.testing.assert_allclose([*after, *state["m"], *state["s"]], [0.92, 0.2, 0.04])
    np.testing.assert_allclose(answers["adamw"](w, dw, {}, 0.1, 0.9, 0.99, 0.5, 0.3)[0], [0.89])
    ratio = answers["uncorrected_ratio"](0.5, 0.75, np.array([1, 2]))
    np.testing.assert_allclose(ratio, [1, 1.134], atol=5e-4)
    step = (np.array([1.0, 1]), np.array([2.0, 6]), np.diag([1.0, 3]))
    np.testing.assert_allclose(answers["newton"](*step, 1), [0, -0.5])
    np.testing.assert_allclose(answers["newton"](*step, 0), [-1, -1])


PARITY = {
    "momentum": [(torch.optim.SGD, {"momentum": mu}, (mu,)) for mu in (0.05, 0.37, 0.9)],
    "nesterov": [(torch.optim.SGD, {"momentum": mu, "nesterov": True}, (mu,)) for mu in (0.37, 0.9)],
    "adagrad": [(torch.optim.Adagrad, {"eps": eps}, (eps,)) for eps in (1e-10, 0.2)],
    "rmsprop": [
        (torch.optim.RMSprop, {"alpha": rho, "eps": eps}, (rho, eps))
        for rho, eps in ((0.99, 1e-8), (0.3, 0.1))
    ],
    "adam": [
        (torch.optim.Adam, {"betas": (b1, b2), "eps": eps}, (b1, b2, eps))
        for b1, b2, eps in ((0.9, 0.999, 1e-8), (0.0, 0.5, 0.3), (0.95, 0.7, 1e-3))
    ],
    "adamw": [
        (torch.optim.AdamW, {"betas": (b1, b2), "eps": eps, "weight_decay": wd}, (b1, b2, eps, wd))
        for b1, b2, eps, wd in ((0.9, 0.999, 1e-8, 0.01), (0.6, 0.8, 0.1, 1.7))
    ],
}
SETTINGS = [(name, *case) for name, cases in PARITY.items() for case in cases]


@pytest.mark.parametrize(("name", "theirs", "options", "settings"), SETTINGS)
def test_twelve_steps_equal_torch(answers, name, theirs, options, settings):
    """With a spike, zeros, and a learning rate that changes in every step."""
    rng = np.random.default_rng(4)
    w, gradients = rng.normal(size=(3, 2)), rng.normal(size=(12, 3, 2))
    gradients[3] *= 30
    gradients[5:] *= 0.01
    gradients[::4, 0] = 0
    parameter = torch.nn.Parameter(torch.tensor(w))
    optimizer, state = theirs([parameter], lr=0.1, **options), {}
    for lr, dw in zip(rng.uniform(0.01, 0.5, 12), gradients, strict=True):
        w, state = answers[name](w, dw, state, lr, *settings)
        optimizer.param_groups[0]["lr"] = lr
        parameter.grad = torch.tensor(dw)
        optimizer.step()
        np.testing.assert_allclose(w, parameter.detach(), rtol=1e-12, atol=1e-14)
    kept = optimizer.state[parameter]
    same = {"v": "momentum_buffer", "m": "exp_avg", "t": "step"}
    same["s"] = {"adagrad": "sum", "rmsprop": "square_avg"}.get(name, "exp_avg_sq")
    for key, value in state.items():
        np.testing.assert_allclose(value, kept[same[key]], rtol=1e-12)


def growth(rate, curvatures):
    """By how much ten steps of gradient descent change the worst direction."""
    return np.abs((1 - rate * curvatures) ** 10).max()


def test_the_rates_are_the_limit_and_the_best_of_a_fine_grid(answers):
    curvatures = np.array([3.0, 0.5, 7.0, 2.2])
    largest, best, factor = answers["good_rates"](curvatures)
    assert growth(0.999 * largest, curvatures) < 1 < growth(1.001 * largest, curvatures)
    grid = np.linspace(0.001, 0.4, 4000)
    worst = np.array([growth(rate, curvatures) for rate in grid])
    assert grid[worst.argmin()] == pytest.approx(best, abs=1e-4)
    assert worst.min() ** 0.1 == pytest.approx(factor, abs=1e-3)


def test_the_ratio_is_that_of_two_runs_and_of_the_catalogue(answers):
    """Too large, not too small: 3.16, 4.25, 4.95, 5.80, 6.5 and still 1.26 after a thousand steps."""
    steps = np.array([1, 2, 3, 5, 10, 1000])
    ratio = answers["uncorrected_ratio"](0.9, 0.999, steps)
    np.testing.assert_allclose(ratio, [3.16, 4.25, 4.95, 5.80, 6.53, 1.26], atol=5e-3)
    m = s = 0.0
    for t in range(1, 1001):
        m, s = 0.9 * m + 0.1, 0.999 * s + 0.001
        if t in steps:
            assert m / s**0.5 == pytest.approx(ratio[steps == t][0], rel=1e-9)


def test_one_step_of_newton_finds_the_point_with_gradient_zero(answers):
    """Minimum, saddle or maximum; gradient and Hessian from torch."""
    rng = np.random.default_rng(2)
    for curvatures in ([1.0, 20, 3], [1.0, -2, 3], [-1.0, -2, -5]):
        basis, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        A, b = torch.tensor(basis * curvatures @ basis.T), torch.tensor(rng.normal(size=3))

        def quadratic(w, A=A, b=b):
            return w @ A @ w / 2 - b @ w

        w = torch.tensor(rng.normal(size=3))
        dw, H = torch.func.grad(quadratic)(w), torch.func.hessian(quadratic)(w)
        end = answers["newton"](w.numpy(), dw.numpy(), H.numpy(), 0.0)
        left = torch.func.grad(quadratic)(torch.tensor(end))
        np.testing.assert_allclose(left, np.zeros(3), atol=1e-12)


def test_damping_shortens_the_step_and_turns_it_to_the_gradient(answers):
    rng = np.random.default_rng(3)
    w, dw, H = rng.normal(size=4), rng.normal(size=4), np.diag([0.1, 1, 5, 20])
    steps = [w - answers["newton"](w, dw, H, damping) for damping in (0, 0.1, 1, 10, 1e6)]
    lengths = [np.linalg.norm(step) for step in steps]
    assert lengths == sorted(lengths, reverse=True)
    np.testing.assert_allclose(steps[-1] * 1e6, dw, rtol=1e-4)


def test_both_places_of_the_rate_agree_until_the_rate_changes(answers):
    w = inside = np.array([1.0, -2.0])
    state, other = {}, {}
    for t, lr in enumerate([0.1] * 5 + [0.01] * 3):
        w, state = answers["momentum"](w, w * [1, 5], state, lr, 0.8)
        inside, other = answers["momentum_inside"](inside, inside * [1, 5], other, lr, 0.8)
        assert np.allclose(w, inside, rtol=1e-12) == (t < 5)


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"])
def test_no_optimizer_changes_what_it_was_given(answers, name):
    settings = {"sgd": (), "adagrad": (0.1,), "rmsprop": (0.9, 0.1), "adam": (0.9, 0.99, 0.1)}
    settings |= {"momentum": (0.9,), "nesterov": (0.9,), "adamw": (0.9, 0.99, 0.1, 0.2)}
    w, dw, state = np.ones(3), np.arange(3.0), {}
    for _ in range(3):
        kept = [a.copy() for a in (w, dw)], {k: np.copy(v) for k, v in state.items()}
        w_new, state_new = answers[name](w, dw, state, 0.1, *settings[name])
        assert state_new is not state and w_new is not w
        np.testing.assert_array_equal([w, dw], kept[0])
        assert state.keys() == kept[1].keys()
        assert all(np.array_equal(state[k], kept[1][k]) for k in state)
        w, state = w_new, state_new
