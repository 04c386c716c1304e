"""What the checks ask of both notebooks, and the inputs they ask it on.

Inputs: every step from 0 to past the end, least rates above 0, a warm-up, cycles of few steps, decays that
are no halves, ragged last batches, gradients of several sizes, other numbers of models, examples and classes."""

import numpy as np

from autograder import probe

# ------------------------------------------------------------------ schedules_numpy


def steps(end):
    """Every step from 0 to past the end, as whole numbers."""
    return np.arange(end + 5)


def a_rate(rng):
    return float(rng.uniform(1.2, 2.8))


def a_share(rng):
    """A decay that is not near a half, so that what is lost differs from what is kept."""
    return float(rng.choice([rng.uniform(0.25, 0.4), rng.uniform(0.65, 0.8)]))


@probe("step_decay", cases=2)
def drops_after_each_period(s, t, lr0, gamma, period):
    return {"rates": s.step_decay(t, lr0, gamma, period)}


@drops_after_each_period.inputs
def _(rng):
    period = int(rng.integers(3, 6))
    return {"t": steps(3 * period), "lr0": a_rate(rng), "gamma": a_share(rng), "period": period}


@probe("step_decay", cases=1)
def gives_the_rate_of_one_step(s, t, lr0, gamma, period):
    return {"rate": s.step_decay(t, lr0, gamma, period)}


@gives_the_rate_of_one_step.inputs
def _(rng):
    return {"t": int(rng.integers(7, 9)), "lr0": a_rate(rng), "gamma": a_share(rng), "period": 3}


@probe("step_decay", cases=1, hidden=True)
def takes_the_steps_in_any_order(s, t, lr0, gamma, period):
    return {"rates": s.step_decay(t, lr0, gamma, period)}


@takes_the_steps_in_any_order.inputs
def _(rng):
    return {"t": rng.permutation(steps(11))[:9], "lr0": a_rate(rng), "gamma": a_share(rng), "period": 4}


def two_rates(found):
    """Both decays by name; where there are not two, an error that says what came."""
    if not isinstance(found, (tuple, list, np.ndarray)) or len(found) != 2:
        kind = {type(None): "None", np.ndarray: "one array"}.get(type(found), f"a {type(found).__name__}")
        raise TypeError(f"two things were expected (exponential, inverse), {kind} was returned")
    return {"exponential": found[0], "inverse": found[1]}


@probe("smooth_decays", cases=2)
def falls_exponentially(s, t, lr0, k):
    return {"exponential": two_rates(s.smooth_decays(t, lr0, k))["exponential"]}


@probe("smooth_decays", cases=2)
def falls_like_1_over_t(s, t, lr0, k):
    return {"inverse": two_rates(s.smooth_decays(t, lr0, k))["inverse"]}


@falls_exponentially.inputs
@falls_like_1_over_t.inputs
def _(rng):
    return {"t": steps(8), "lr0": a_rate(rng), "k": float(rng.uniform(0.22, 0.42))}


@probe("smooth_decays", cases=1)
def gives_both_rates_of_one_step(s, t, lr0, k):
    return two_rates(s.smooth_decays(t, lr0, k))


@gives_both_rates_of_one_step.inputs
def _(rng):
    return {"t": int(rng.integers(3, 6)), "lr0": a_rate(rng), "k": float(rng.uniform(0.22, 0.42))}


def both_ends(rng):
    """The largest and the least rate, neither 0 nor 1 nor each other's half."""
    return {"lr0": a_rate(rng), "lr_min": float(rng.uniform(0.2, 0.5))}


@probe("cosine", cases=2)
def follows_half_a_cosine(s, t, lr0, lr_min, T):
    return {"rates": s.cosine(t, lr0, lr_min, T)}


@follows_half_a_cosine.inputs
def _(rng):
    T = int(rng.integers(8, 12))
    return {"t": np.arange(T), **both_ends(rng), "T": T}


@probe("cosine", cases=2)
def stays_at_the_least_rate_past_the_end(s, t, lr0, lr_min, T):
    return {"rates": s.cosine(t, lr0, lr_min, T)}


@stays_at_the_least_rate_past_the_end.inputs
def _(rng):
    """Two whole lengths: what rises again comes back to lr0."""
    T = int(rng.integers(5, 8))
    return {"t": np.arange(2 * T + 3), **both_ends(rng), "T": T}


@probe("cosine", cases=1)
def gives_the_cosine_of_one_step(s, t, past, lr0, lr_min, T):
    return {"rate": s.cosine(t, lr0, lr_min, T), "rate_past_the_end": s.cosine(past, lr0, lr_min, T)}


@gives_the_cosine_of_one_step.inputs
def _(rng):
    return {"t": int(rng.integers(2, 5)), "past": int(rng.integers(12, 15)), **both_ends(rng), "T": 9}


@probe("cosine", cases=1, hidden=True)
def bears_a_least_rate_of_0_and_steps_in_any_order(s, t, lr0, lr_min, T):
    return {
        "rates_down_to_0": s.cosine(t, lr0, 0.0, T),
        "rates": s.cosine(t, lr0, lr_min, T),
    }


@bears_a_least_rate_of_0_and_steps_in_any_order.inputs
def _(rng):
    T = int(rng.integers(7, 10))
    return {"t": rng.permutation(steps(T)), **both_ends(rng), "T": T}
