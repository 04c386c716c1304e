import numpy as np
from autograder import probe


@probe("step_decay", cases=2)
def drops_after_each_period(s, t, lr0, gamma, period):
    return {"rates": s.step_decay(t, lr0, gamma, period)}


@probe("step_decay", cases=1)
def gives_the_rate_of_one_step(s, t, lr0, gamma, period):
    return {"rate": s.step_decay(t, lr0, gamma, period)}


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


@probe("smooth_decays", cases=1)
def gives_both_rates_of_one_step(s, t, lr0, k):
    return two_rates(s.smooth_decays(t, lr0, k))


@probe("cosine", cases=2)
def follows_half_a_cosine(s, t, lr0, lr_min, T):
    return {"rates": s.cosine(t, lr0, lr_min, T)}


@probe("cosine", cases=2)
def stays_at_the_least_rate_past_the_end(s, t, lr0, lr_min, T):
    return {"rates": s.cosine(t, lr0, lr_min, T)}


@probe("cosine", cases=1)
def gives_the_cosine_of_one_step(s, t, past, lr0, lr_min, T):
    return {"rate": s.cosine(t, lr0, lr_min, T), "rate_past_the_end": s.cosine(past, lr0, lr_min, T)}
