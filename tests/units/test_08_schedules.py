"""Schedules in NumPy: the solutions against torch and closed forms, slips by name, and no false alarms."""

import warnings
from functools import partial

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler
from torch.optim.swa_utils import get_ema_multi_avg_fn, get_swa_multi_avg_fn

from autograder.probes import Given
from autograder.running import run_probe

SOLVED = ("08-schedules", "schedules_numpy")

SHARE = "share = np.minimum(np.maximum(t - W, 0) / (T - W), 1)\n"
WAVE = SHARE + "    wave = lr_min + (lr0 - lr_min) * (1 + np.cos(np.pi * share)) / 2\n"
PIECES = (
    "starts = range(0, len(x), b)\n"
    "    found = [loss_and_gradient(x[i : i + b], y[i : i + b]) for i in starts]\n"
    "    losses, gradients = [f[0] for f in found], [f[1] for f in found]\n"
    "    sizes = np.array([len(x[i : i + b]) for i in starts])\n"
)
SOFTMAX = (
    "e = np.exp(logits - np.max(logits, axis=2)[:, :, None])\n    p = e / np.sum(e, axis=2)[:, :, None]\n"
)

SLIPS = {
    "a rate that falls within the period": (
        "step_decay",
        "SC1",
        "return lr0 * np.exp(np.log(gamma) * t / period)",
    ),
    "what is lost for what is kept": (
        "step_decay",
        "SC6",
        "return lr0 * np.power(1 - gamma, np.floor_divide(t, period))",
    ),
    "a loop that decays what has decayed": (
        "step_decay",
        "SC8",
        "rates, lr = [], lr0\n"
        "    for step in np.atleast_1d(t):\n"
        "        lr = lr * gamma ** (step // period)\n"
        "        rates.append(lr)\n"
        "    return np.array(rates) if np.ndim(t) else rates[0]",
    ),
    "rates in an array of integers": (
        "step_decay",
        "SC-whole",
        "rates = np.zeros_like(t)\n    rates[...] = lr0 * gamma ** (t // period)\n    return rates",
    ),
    "k for a share": (
        "smooth_decays",
        "SC11",
        "return lr0 * np.power(1 - k, t), lr0 / (t * k + 1)",
    ),
    "inverse square root": (
        "smooth_decays",
        "SC16",
        "return lr0 / np.exp(t * k), lr0 * (1 + t * k) ** -0.5",
    ),
    "a cosine that goes on": (
        "cosine",
        "SC-rises-again",
        "return lr_min + (lr0 - lr_min) * np.cos(np.pi / 2 * t / T) ** 2",
    ),
    "a branch for one step": (
        "cosine",
        "SC-if",
        "if t >= T:\n        return lr_min\n"
        "    return lr_min + (lr0 - lr_min) * (1 + np.cos(np.pi * t / T)) / 2",
    ),
    "a warm-up of papers": (
        "warmup_cosine",
        "SC27",
        WAVE + "    return np.where(t < W, lr0 * np.asarray(t) / max(W, 1), wave)",
    ),
    "a warm-up with a step too many": (
        "warmup_cosine",
        "WC-late",
        WAVE + "    return np.where(np.asarray(t) > W, wave, lr0 * (t + 1) / max(W, 1))",
    ),
    "a cosine of T steps": (
        "warmup_cosine",
        "SC29",
        (WAVE + "    return np.where(t < W, lr0 * (t + 1) / max(W, 1), wave)").replace("(T - W)", "T"),
    ),
    "a division by no warm-up": (
        "warmup_cosine",
        "WC-zero-division",
        WAVE + "    return np.where(t < W, (t + 1) / W * lr0, wave)",
    ),
    "at the least rate in the last step": (
        "warmup_cosine",
        "WC-last-step",
        "wave = cosine(t - W, lr0, lr_min, T - 1 - W)\n"
        "    return np.where(t < W, lr0 * (t + 1) / max(W, 1), wave)",
    ),
    "the caller's list where nothing is clipped": (
        "clip_gradients",
        "GC-alias",
        "n = np.sqrt(sum(np.vdot(g, g) for g in grads))\n"
        "    if n <= c:\n        return grads\n    return [g * (c / (n + 1e-6)) for g in grads]",
    ),
    "a triangle on top of the base": (
        "triangular",
        "SC33",
        "u = t % (2 * s)\n    return lr_base + lr_max * np.minimum(u, 2 * s - u) / s",
    ),
    "a cycle of s steps": (
        "triangular",
        "SC32",
        "u = t % s\n    return lr_base + (lr_max - lr_base) * np.minimum(u, s - u) * 2 / s",
    ),
    "no restart": (
        "restarts",
        "SC36",
        "rates = lr_min + (lr0 - lr_min) * np.cos(np.pi * t / period / 2) ** 2\n"
        "    return rates, (t + 1) % period == 0",
    ),
    "snapshots after the jump": (
        "restarts",
        "E2",
        "return cosine(t - t // period * period, lr0, lr_min, period), t % period < 1",
    ),
    "the sum of the pieces": (
        "accumulated_gradient",
        "BS1",
        PIECES + "    return sum(losses), sum(gradients)",
    ),
    "the mean of the pieces": (
        "accumulated_gradient",
        "BS2",
        PIECES + "    return np.mean(losses), np.mean(gradients, axis=0)",
    ),
    "the mean of the losses only": (
        "accumulated_gradient",
        "BS6",
        PIECES + "    return np.mean(losses), np.average(gradients, axis=0, weights=sizes)",
    ),
    "the last loss": (
        "accumulated_gradient",
        "BS9",
        PIECES + "    return losses[-1], np.average(gradients, axis=0, weights=sizes)",
    ),
    "everything in one call": ("accumulated_gradient", "BS-all-at-once", "return loss_and_gradient(x, y)"),
    "the square root rule": (
        "scaled_rate",
        "BS11",
        "return lr0 * (B / B0) ** 0.5 * np.clip((t + 1) / max(W, 1), 0, 1)",
    ),
    "the warm-up of Goyal et al.": (
        "scaled_rate",
        "LS-from-lr0",
        "share = np.clip((t + 1) / max(W, 1), 0, 1)\n    return lr0 * (1 - share) + lr0 * B / B0 * share",
    ),
    "a norm for each array": (
        "clip_gradients",
        "GC1",
        "out = []\n    for g in grads:\n        n = np.sqrt((g * g).sum())\n"
        "        out.append(g * c / n if n > c else g.copy())\n    return out",
    ),
    "always the norm c": (
        "clip_gradients",
        "GC3",
        "norm = np.linalg.norm(np.concatenate([g.ravel() for g in grads]))\n"
        "    return [g / (norm + 1e-6) * c for g in grads]",
    ),
    "the mean of logits": (
        "ensemble",
        "TT1",
        "z = np.mean(logits, axis=0)\n    e = np.exp(z - np.max(z, axis=1)[:, None])\n"
        "    return e / np.sum(e, axis=1)[:, None]",
    ),
    "a vote": (
        "ensemble",
        "TT2",
        "return np.eye(logits.shape[2])[np.argmax(logits, axis=2)].mean(axis=0)",
    ),
    "the mean over examples": ("ensemble", "TT4", SOFTMAX + "    return p.mean(axis=1)"),
    "no largest logit": (
        "ensemble",
        "TT-overflow",
        "e = np.exp(logits)\n    return np.mean(e / e.sum(axis=2, keepdims=True), axis=0)",
    ),
    "the first weights themselves": (
        "update_average",
        "WA-alias",
        "if average is None:\n        return w\n"
        "    keep = n / (n + 1) if decay is None else decay\n    return keep * average + (1 - keep) * w",
    ),
    "the decay of the new weights": (
        "update_average",
        "WA-decay-swapped",
        "if average is None:\n        return w.copy()\n"
        "    new = 1 / (n + 1) if decay is None else decay\n    return new * w + (1 - new) * average",
    ),
}


@pytest.mark.parametrize(("exercise", "mistake", "body"), SLIPS.values(), ids=SLIPS)
def test_a_slip_gets_its_own_name_in_every_check_that_fails(exercise, mistake, body, notebook, questions):
    names = notebook.with_body(exercise, body)
    same = next(p.mistake for p in notebook.unit.patches if p.mistake.id == mistake)
    for asked in questions:
        told = {v.mistake for v in notebook.verdicts(names, exercise, asked) if not v.passed}
        assert told and told <= {mistake, *same.synonyms}, told


PLACES = "if np.ndim(t):\n        t = np.arange(len(t))\n    "
RISE = "rising = lr0 * (t + 1) / max(W, 1)\n    "

OVERLOOKED_ONCE = {
    "drops counted by places": (
        "step_decay",
        "if not np.ndim(t):\n        return lr0 * gamma ** (t // period)\n"
        "    rates, lr = [], lr0\n    for place in range(len(t)):\n"
        "        lr = lr * gamma if place and place % period == 0 else lr\n"
        "        rates.append(lr)\n    return np.array(rates)",
    ),
    "decays by places": ("smooth_decays", PLACES + "return lr0 * np.exp(-k * t), lr0 / (1 + k * t)"),
    "a wave that stays at the least of the array": (
        "cosine",
        "r = lr_min + (lr0 - lr_min) / 2 * (1 + np.cos(np.pi * t / T))\n"
        "    return np.minimum.accumulate(r) if np.ndim(t) else r if t < T else lr_min",
    ),
    "a warm-up by places": (
        "warmup_cosine",
        PLACES + RISE + "return np.where(t < W, rising, cosine(t - W, lr0, lr_min, T - W))",
    ),
    "a warm-up cut at the least rate": (
        "warmup_cosine",
        RISE + "return np.where(t < W, np.maximum(rising, lr_min), cosine(t - W, lr0, lr_min, T - W))",
    ),
    "no warm-up of one step": (
        "warmup_cosine",
        "W = 0 if W == 1 else W\n    "
        + RISE
        + "return np.where(t < W, rising, cosine(t - W, lr0, lr_min, T - W))",
    ),
    "triangles by places": (
        "triangular",
        PLACES + "return lr_base + (lr_max - lr_base) * (1 - np.abs(t % (2 * s) / s - 1))",
    ),
    "snapshots before a rise in the array": (
        "restarts",
        "rates = cosine(t % period, lr0, lr_min, period)\n"
        "    if not np.ndim(t):\n        return rates, (t + 1) % period == 0\n"
        "    return rates, np.append(np.diff(rates) > 0, (t[-1] + 1) % period == 0)",
    ),
    "a gradient of one axis": (
        "accumulated_gradient",
        "G, L = np.zeros(x.shape[1]), 0.0\n    for i in range(0, len(x), b):\n"
        "        loss, g = loss_and_gradient(x[i : i + b], y[i : i + b])\n"
        "        share = len(x[i : i + b]) / len(x)\n        L, G = L + share * loss, G + share * g\n"
        "    return L, G",
    ),
    "never a smaller rate": (
        "scaled_rate",
        "return max(lr0, lr0 * B / B0) * np.minimum((t + 1) / max(W, 1), 1)",
    ),
    "the mean subtracted": (
        "ensemble",
        "e = np.exp(logits - logits.mean(-1, keepdims=True))\n"
        "    return (e / e.sum(-1, keepdims=True)).mean(0)",
    ),
    "the least subtracted": (
        "ensemble",
        "e = np.exp(logits - logits.min(-1, keepdims=True))\n"
        "    return (e / e.sum(-1, keepdims=True)).mean(0)",
    ),
    "the caller's arrays where nothing is clipped": (
        "clip_gradients",
        "n = np.sqrt(sum((g**2).sum() for g in grads))\n"
        "    return [g * c / (n + 1e-6) if n > c else g for g in grads]",
    ),
    "a decay of 0 taken for none": (
        "update_average",
        "if n == 0:\n        return w.copy()\n"
        "    decay = decay or n / (n + 1)\n    return decay * average + (1 - decay) * w",
    ),
}


@pytest.mark.parametrize(("exercise", "body"), OVERLOOKED_ONCE.values(), ids=OVERLOOKED_ONCE)
def test_a_wrong_answer_is_refused_by_a_check_that_the_student_sees(exercise, body, notebook, questions):
    names = notebook.with_body(exercise, body)
    shown = {p.name for p in notebook.unit.probes.values() if not p.hidden}
    for asked in questions:
        verdicts = notebook.verdicts(names, exercise, asked)
        assert any(not v.passed and v.probe in shown for v in verdicts), verdicts


UNNAMED = {
    "another foot": ("cosine", "return 0.9 * lr_min + (lr0 - lr_min) * np.cos(np.pi * t / T / 2) ** 2"),
    "a text": ("step_decay", "return 'slow'"),
    "a dict": ("restarts", "return {'rates': t}"),
    "three things": ("smooth_decays", "return t, t, t"),
    "one thing": ("accumulated_gradient", "return 3.0"),
    "nothing": ("clip_gradients", "pass"),
}


@pytest.mark.parametrize(("exercise", "body"), UNNAMED.values(), ids=UNNAMED)
def test_what_no_mistake_describes_gets_no_name(exercise, body, notebook, questions):
    for asked in questions:
        verdicts = notebook.verdicts(notebook.with_body(exercise, body), exercise, asked)
        assert not any(v.passed for v in verdicts) and {v.mistake for v in verdicts} == {None}, verdicts


LIKE_ANOTHER = {
    "a mean rounded down": (
        "update_average",
        "if n == 0:\n        return w.copy()\n"
        "    if decay is None:\n        return average + (w - average) // (n + 1)\n"
        "    return decay * average + (1 - decay) * w",
    ),
    "snapshots where the rate falls": (
        "restarts",
        "r = cosine(t % period, lr0, lr_min, period)\n    return r, r < np.roll(r, 1)",
    ),
    "a triangle rounded down": (
        "triangular",
        "u = t % (2 * s)\n    return lr_base + (lr_max - lr_base) * np.minimum(u, 2 * s - u) // s",
    ),
    "a warm-up rounded down": (
        "scaled_rate",
        "return lr0 * B / B0 * np.minimum(1, (t + 1) // max(W, 1))",
    ),
    "a norm of means": (
        "clip_gradients",
        "n = np.sqrt(sum((g**2).mean() for g in grads))\n    return [g * min(1, c / n) for g in grads]",
    ),
}


@pytest.mark.parametrize(("exercise", "body"), LIKE_ANOTHER.values(), ids=LIKE_ANOTHER)
def test_what_looks_like_a_mistake_on_few_inputs_only_is_not_called_by_its_name(
    exercise, body, notebook, questions
):
    """True names are allowed: one step alone has no neighbour, and the mean of one array is a mean."""
    for asked in questions:
        verdicts = notebook.verdicts(notebook.with_body(exercise, body), exercise, asked)
        told = {v.mistake for v in verdicts if not v.passed}
        assert told and told <= {None, "RS-never", "GC-mean"}, verdicts


def test_what_came_in_the_place_of_two_things_is_said(notebook, questions):
    for body, came in (
        ("return t, t, t", "a tuple of length 3 came"),
        ("return {}", "a dict came"),
        ("return 2.0", "a number came"),
        ("pass", "None came"),
    ):
        names = notebook.with_body("restarts", body)
        assert all(came in v.message for v in notebook.verdicts(names, "restarts", questions[0])), came


LAZY_TESTS = {
    "no lr_min": ("(2.0, 0.0, 3, 8)", "np.arange(20)", True, {"down_to_0"}),
    "no warm-up": ("(2.0, 0.5, 0, 8)", "np.arange(20)", True, {"never_a_warm_up"}),
    "never without a warm-up": ("(2.0, 0.5, 3, 8)", "np.arange(20)[::-1].copy()", True, {"always_a_warm_up"}),
    "no step past the end": ("(2.0, 0.5, 3, 8)", "np.arange(9)", True, {"up_again_late"}),
    "steps in order": ("(2.0, 0.5, 3, 8)", "np.arange(20)", True, {"steps_sorted"}),
    "arrays alone": ("(2.0, 0.5, 3, 8)", "np.arange(20)", False, {"one_step_wrong"}),
    "a largest rate of 1": ("(1.0, 0.5, 3, 8)", "np.arange(20)", True, {"rate_of_1"}),
    "steps never looked at": ("(2.0, 0.5, 3, 8)", "np.arange(20)", True, {"steps_overwritten"}),
}


@pytest.mark.parametrize(("settings", "steps", "alone", "overlooked"), LAZY_TESTS.values(), ids=LAZY_TESTS)
def test_a_lazy_test_of_a_schedule_is_found_out(settings, steps, alone, overlooked, notebook):
    body = (
        f"lr0, lr_min, W, T = {settings}\n    t = {steps}\n"
        "    share = np.clip((t - W) / (T - W), 0, 1)\n"
        "    right = lr_min + (lr0 - lr_min) * np.cos(np.pi / 2 * share) ** 2\n"
        "    right = np.where(t < W, lr0 * (t + 1) / max(W, 1), right)\n"
        "    many = list(t)\n"
        "    assert np.allclose(implementation(t, lr0, lr_min, W, T), right)\n"
        f"    for step, rate in zip(many, right) if {alone} else []:\n"
        "        assert np.allclose(implementation(int(step), lr0, lr_min, W, T), rate)\n"
    )
    names = notebook.with_body("test_warmup_cosine", body)
    probe = next(p for p in notebook.unit.probes.values() if p.of == "test_warmup_cosine")
    right = notebook.reference.given(Given(probe.judges))
    assert run_probe(probe, names, {"implementation": right}).status == "values"
    broken = {b.__name__: b(right) for b in probe.breakers}
    lets_pass = {
        name
        for name, f in broken.items()
        if run_probe(probe, names, {"implementation": f}).status == "values"
    }
    assert overlooked <= lets_pass


def test_the_examples_in_the_docstrings_are_right(answers):
    t = np.arange(8)
    close = partial(np.testing.assert_allclose, atol=5e-4)
    close(answers["step_decay"](t[[0, 2, 3, 6]], 2, 0.1, 3), [2, 2, 0.2, 0.02])
    close(answers["smooth_decays"](t[[0, 2]], 2, 0.5), [[2, 0.736], [2, 1]])
    close(answers["cosine"](t[:5], 2, 1, 3), [2, 1.75, 1.25, 1, 1])
    close(answers["warmup_cosine"](t[:7], 2, 1, 2, 5), [1, 2, 2, 1.75, 1.25, 1, 1])
    close(answers["triangular"](t, 1, 4, 3), [1, 2, 3, 4, 3, 2, 1, 2])
    close(answers["restarts"](t[:5], 2, 1, 3), [[2, 1.75, 1.25, 2, 1.75], [0, 0, 1, 0, 0]])
    losses = iter([2.0, 6.0])
    loss, _ = answers["accumulated_gradient"](lambda x, y: (next(losses), 0.0), t[:4], t[:4], 3)
    assert loss == 3
    close(answers["scaled_rate"](t[:6], 0.1, 128, 32, 4), [0.1, 0.2, 0.3, 0.4, 0.4, 0.4])
    grads = [np.array([3.0]), np.array([[0.0, 4.0]])]
    first, second = answers["clip_gradients"](grads, 1)
    close(first, [0.6])
    close(second, [[0, 0.8]])
    assert all(np.array_equal(a, b) for a, b in zip(answers["clip_gradients"](grads, 10), grads, strict=True))
    logits = np.log([[[3.0, 1]], [[1, 3]]])
    close(answers["ensemble"](logits), [[0.5, 0.5]])
    close(answers["ensemble"](np.log([[[3.0, 1]], [[7, 1]]])), [[13 / 16, 3 / 16]])
    average, w = np.array([2.0]), np.array([6.0])
    close(answers["update_average"](average, w, 3), [3])
    close(answers["update_average"](average, w, 3, 0.9), [2.4])


def rates_of(make, lr, steps):
    """The rate that each step uses under a scheduler of torch."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SequentialLR calls its parts in a deprecated way
        scheduler, rates = make(optimizer), []
        for _ in range(steps):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
    return rates


def warmup_and_cosine(optimizer):
    rise = lr_scheduler.LinearLR(optimizer, start_factor=1 / 4, total_iters=3)
    fall = lr_scheduler.CosineAnnealingLR(optimizer, T_max=9, eta_min=0.2)
    return lr_scheduler.SequentialLR(optimizer, [rise, fall], milestones=[4])


TORCH = {
    "step": ("step_decay", (0.3, 4), lambda o: lr_scheduler.StepLR(o, 4, 0.3), 20),
    "exponential": ("exponential", (0.2,), lambda o: lr_scheduler.ExponentialLR(o, np.exp(-0.2)), 20),
    "1/t": ("inverse", (0.2,), lambda o: lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + 0.2 * t)), 20),
    "cosine": ("cosine", (0.2, 11), lambda o: lr_scheduler.CosineAnnealingLR(o, 11, 0.2), 12),
    "warm-up": ("warmup_cosine", (0.2, 4, 13), warmup_and_cosine, 14),
    "restarts": (
        "rates",
        (0.2, 6),
        lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 6, eta_min=0.2),
        20,
    ),
    "triangles": ("triangular", (2.5, 4), lambda o: lr_scheduler.CyclicLR(o, 1.5, 2.5, step_size_up=4), 20),
}


@pytest.mark.parametrize(("name", "settings", "make", "steps"), TORCH.values(), ids=TORCH)
def test_the_rate_of_every_step_is_that_of_torch(answers, name, settings, make, steps):
    schedules = dict(answers)
    schedules["exponential"] = lambda *a: answers["smooth_decays"](*a)[0]
    schedules["inverse"] = lambda *a: answers["smooth_decays"](*a)[1]
    schedules["rates"] = lambda *a: answers["restarts"](*a)[0]
    t = np.arange(steps)
    expected = rates_of(make, 1.5, steps)
    np.testing.assert_allclose(schedules[name](t, 1.5, *settings), expected, rtol=1e-9)
    alone = [schedules[name](int(step), 1.5, *settings) for step in t]
    np.testing.assert_allclose(alone, expected, rtol=1e-9)


def test_a_cosine_stays_where_it_ended(answers):
    rates = answers["cosine"](np.arange(11, 60), 1.5, 0.2, 11)
    np.testing.assert_array_equal(rates, np.full(49, 0.2))
    late = answers["warmup_cosine"](np.arange(13, 60), 1.5, 0.2, 4, 13)
    np.testing.assert_array_equal(late, np.full(47, 0.2))


def test_snapshots_come_where_the_rate_is_least(answers):
    """Huang et al. take one at the end of each cycle: the next step has the largest rate again."""
    rates, snapshots = answers["restarts"](np.arange(50), 0.1, 0.0, 10)
    np.testing.assert_array_equal(np.flatnonzero(snapshots), [9, 19, 29, 39, 49])
    np.testing.assert_allclose(rates[9], 0.1 * (1 - np.cos(np.pi / 10)) / 2)  # 0.0024
    assert all(rates[k] == rates[k - 9 : k + 1].min() for k in np.flatnonzero(snapshots))


@pytest.mark.parametrize("b", [1, 3, 5, 10, 13, 50])
def test_pieces_give_the_gradient_that_autograd_finds_for_all(answers, b):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(13, 64)), rng.integers(10, size=13)
    W = torch.tensor(rng.normal(size=(64, 10)), requires_grad=True)
    expected = torch.nn.functional.cross_entropy(torch.tensor(x) @ W, torch.tensor(y))
    (slope,) = torch.autograd.grad(expected, W)
    loss, gradient = answers["accumulated_gradient"](answers["on_digits"](W.detach().numpy()), x, y, b)
    np.testing.assert_allclose(loss, expected.item(), rtol=1e-12)
    np.testing.assert_allclose(gradient, slope, rtol=1e-10, atol=1e-14)


def test_the_linear_rule_has_the_rates_of_goyal_et_al(answers):
    """0.1 for 256 images on ImageNet, so 3.2 for 8192, after a warm-up of five epochs."""
    steps_of_an_epoch = 1_281_167 // 8192
    W = 5 * steps_of_an_epoch
    rates = answers["scaled_rate"](np.arange(2 * W), 0.1, 8192, 256, W)
    np.testing.assert_allclose(rates[W - 1 :], 3.2)
    np.testing.assert_allclose(np.diff(rates[:W]), 3.2 / W)
    assert answers["scaled_rate"](0, 0.1, 256, 256, 0) == 0.1


@pytest.mark.parametrize("c", [0.1, 3.0, 1e3])
def test_clipped_gradients_are_those_of_torch(answers, c):
    rng = np.random.default_rng(2)
    grads = [rng.normal(size=shape) for shape in ((3, 4), (5,), (), (2, 2, 2))]
    params = [torch.nn.Parameter(torch.zeros(g.shape, dtype=torch.float64)) for g in grads]
    for p, g in zip(params, grads, strict=True):
        p.grad = torch.tensor(g)
    torch.nn.utils.clip_grad_norm_(params, c)
    for mine, p in zip(answers["clip_gradients"](grads, c), params, strict=True):
        np.testing.assert_allclose(mine, p.grad, rtol=1e-12)


def test_an_ensemble_is_the_mean_of_the_softmax_of_torch(answers):
    logits = np.random.default_rng(3).normal(0, 30, (4, 6, 5))
    logits[0, 0] += 1e4
    expected = torch.tensor(logits).softmax(dim=-1).mean(dim=0)
    np.testing.assert_allclose(answers["ensemble"](logits), expected, rtol=1e-12)


def test_the_loss_of_an_ensemble_is_never_above_the_mean_of_its_members(answers):
    rng = np.random.default_rng(4)
    for _ in range(50):
        logits = rng.normal(0, rng.uniform(0.1, 5), (3, 8, 4))
        members = [-np.log(answers["ensemble"](one[None])[:, 0]).mean() for one in logits]
        assert -np.log(answers["ensemble"](logits)[:, 0]).mean() <= np.mean(members) + 1e-12


@pytest.mark.parametrize("decay", [None, 0.3, 0.99])
def test_averages_are_those_of_torch(answers, decay):
    path = np.random.default_rng(5).normal(size=(12, 3, 2))
    theirs = get_swa_multi_avg_fn() if decay is None else get_ema_multi_avg_fn(decay)
    average, copied = None, [torch.tensor(path[0])]
    for n, w in enumerate(path):
        average = answers["update_average"](average, w, n, decay)
        if n:
            theirs(copied, [torch.tensor(w)], torch.tensor(float(n), dtype=torch.float64))
        np.testing.assert_allclose(average, copied[0], rtol=1e-12)
    if decay is None:
        np.testing.assert_allclose(average, path.mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize(("rate", "curvature", "sigma"), [(0.5, 1.0, 1.0), (0.1, 1.0, 2.0), (0.3, 4.0, 0.5)])
def test_a_constant_rate_ends_at_its_noise_floor(answers, rate, curvature, sigma):
    """sc-noise-floor, within four standard errors of the variance of 20,000 runs."""
    path = answers["descend"](np.full(200, rate), np.zeros(20_000), curvature, sigma)
    floor = rate * sigma**2 / (curvature * (2 - rate * curvature))
    assert path[-1].var() == pytest.approx(floor, rel=4 * np.sqrt(2 / 20_000))


def test_no_function_changes_what_it_was_given(answers):
    t, w = np.arange(12), np.arange(3.0)
    calls = {
        "step_decay": (t, 1.0, 0.5, 3),
        "smooth_decays": (t, 1.0, 0.5),
        "cosine": (t, 1.0, 0.1, 8),
        "warmup_cosine": (t, 1.0, 0.1, 2, 8),
        "triangular": (t, 0.1, 1.0, 3),
        "restarts": (t, 1.0, 0.1, 4),
        "scaled_rate": (t, 0.1, 64, 32, 3),
    }
    for name, arguments in calls.items():
        answers[name](*arguments)
        np.testing.assert_array_equal(t, np.arange(12), err_msg=name)
    for n, decay in ((0, None), (2, None), (2, 0.9)):
        new = answers["update_average"](np.ones(3), w, n, decay)
        assert not np.shares_memory(new, w)
        np.testing.assert_array_equal(w, np.arange(3.0))
    grads = [w.copy(), np.ones((2, 2))]
    answers["clip_gradients"](grads, 0.1)
    np.testing.assert_array_equal(grads[0], w)
    np.testing.assert_array_equal(grads[1], np.ones((2, 2)))
