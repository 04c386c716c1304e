"""What the checks ask of the NumPy notebook, and the inputs they ask it on.

Inputs: every step from 0 to past the end, least rates above 0, a warm-up, cycles of few steps, decays that
are no halves, ragged last batches, gradients of several sizes, axes of different lengths."""

import numpy as np

from autograder import probe


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
    period = int(rng.integers(4, 7))
    return {"t": steps(3 * period), "lr0": a_rate(rng), "gamma": a_share(rng), "period": period}


@probe("step_decay", cases=1)
def gives_the_rate_of_one_step(s, t, lr0, gamma, period):
    return {"rate": s.step_decay(t, lr0, gamma, period)}


@gives_the_rate_of_one_step.inputs
def _(rng):
    return {"t": int(rng.integers(12, 14)), "lr0": a_rate(rng), "gamma": a_share(rng), "period": 5}


@probe("step_decay", cases=1)
def takes_the_steps_in_any_order(s, t, lr0, gamma, period):
    return {"rates": s.step_decay(t, lr0, gamma, period)}


@takes_the_steps_in_any_order.inputs
def _(rng):
    return {"t": rng.permutation(steps(11))[:9], "lr0": a_rate(rng), "gamma": a_share(rng), "period": 4}


def two(found, *names):
    """Two results by name; where there are not two, an error that says what came."""
    listed = isinstance(found, (tuple, list)) or (isinstance(found, np.ndarray) and found.ndim)
    if not listed or len(found) != 2:
        kinds = {np.ndarray: "an array", float: "a number", np.float64: "a number", type(None): "None"}
        came = kinds.get(type(found), f"a {type(found).__name__}")
        came += f" of length {len(found)}" if listed else ""
        raise TypeError(f"two things were expected ({', '.join(names)}), and {came} came")
    return dict(zip(names, found, strict=True))


def both_decays(s, t, lr0, k):
    return two(s.smooth_decays(t, lr0, k), "exponential", "inverse")


@probe("smooth_decays", cases=2)
def falls_exponentially(s, t, lr0, k):
    return {"exponential": both_decays(s, t, lr0, k)["exponential"]}


@probe("smooth_decays", cases=2)
def falls_like_1_over_t(s, t, lr0, k):
    return {"inverse": both_decays(s, t, lr0, k)["inverse"]}


@falls_exponentially.inputs
@falls_like_1_over_t.inputs
def _(rng):
    return {"t": rng.permutation(steps(8))[:11], "lr0": a_rate(rng), "k": float(rng.uniform(0.22, 0.42))}


@probe("smooth_decays", cases=1)
def gives_both_rates_of_one_step(s, t, lr0, k):
    return both_decays(s, t, lr0, k)


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


@probe("cosine", cases=1)
def bears_a_least_rate_of_0_and_steps_in_any_order(s, t, lr0, lr_min, T):
    return {
        "rates_down_to_0": s.cosine(t, lr0, 0.0, T),
        "rates": s.cosine(t, lr0, lr_min, T),
    }


@bears_a_least_rate_of_0_and_steps_in_any_order.inputs
def _(rng):
    T = int(rng.integers(7, 10))
    return {"t": rng.permutation(steps(T)), **both_ends(rng), "T": T}


@probe("warmup_cosine", cases=2)
def rises_in_a_line_and_falls_along_a_cosine(s, t, lr0, lr_min, W, T):
    return {"rates": s.warmup_cosine(t, lr0, lr_min, W, T)}


@rises_in_a_line_and_falls_along_a_cosine.inputs
def _(rng):
    W = int(rng.integers(3, 5))
    T = 2 * W + int(rng.integers(3, 6))
    return {"t": np.arange(T), **both_ends(rng), "W": W, "T": T}


@probe("warmup_cosine", cases=1)
def ends_at_the_least_rate_and_stays_there(s, t, lr0, lr_min, W, T):
    return {"rates": s.warmup_cosine(t, lr0, lr_min, W, T)}


@ends_at_the_least_rate_and_stays_there.inputs
def _(rng):
    T = int(rng.integers(7, 10))
    return {"t": np.arange(3 * T), **both_ends(rng), "W": 3, "T": T}


@probe("warmup_cosine", cases=1)
def takes_one_step_alone(s, early, late, past, lr0, lr_min, W, T):
    return {
        "rate_in_the_warm_up": s.warmup_cosine(early, lr0, lr_min, W, T),
        "rate_of_the_cosine": s.warmup_cosine(late, lr0, lr_min, W, T),
        "rate_past_the_end": s.warmup_cosine(past, lr0, lr_min, W, T),
    }


@takes_one_step_alone.inputs
def _(rng):
    """Not the middle of the cosine: there two clocks that are one step off agree."""
    steps = {
        "early": int(rng.integers(0, 3)),
        "late": int(rng.choice([6, 8])),
        "past": int(rng.integers(14, 18)),
    }
    return {**steps, **both_ends(rng), "W": 4, "T": 11}


@probe("warmup_cosine", cases=1)
def is_the_cosine_without_a_warm_up(s, t, lr0, lr_min, W, T):
    """With W = 0 alone all that the warm-up does wrong is hidden: both are asked."""
    return {
        "rates_without_a_warm_up": s.warmup_cosine(t, lr0, lr_min, 0, T),
        "first_rate_without_a_warm_up": s.warmup_cosine(0, lr0, lr_min, 0, T),
        "rates": s.warmup_cosine(t, lr0, lr_min, W, T),
    }


@is_the_cosine_without_a_warm_up.inputs
def _(rng):
    T = int(rng.integers(8, 11))
    return {"t": steps(T), **both_ends(rng), "W": int(rng.integers(2, 4)), "T": T}


@probe("warmup_cosine", cases=1)
def takes_a_warm_up_of_one_step_and_steps_in_any_order(s, t, lr0, lr_min, W, T):
    return {
        "rates_after_one_step_of_warm_up": s.warmup_cosine(t, lr0, lr_min, 1, T),
        "rates": s.warmup_cosine(t, lr0, lr_min, W, T),
    }


@takes_a_warm_up_of_one_step_and_steps_in_any_order.inputs
def _(rng):
    """The least rate is above those of the first steps."""
    T, lr0 = int(rng.integers(9, 12)), a_rate(rng)
    lr_min = lr0 * float(rng.uniform(0.55, 0.65))
    return {"t": rng.permutation(steps(T)), "lr0": lr0, "lr_min": lr_min, "W": 4, "T": T}


def base_and_top(rng):
    return {"lr_base": float(rng.uniform(0.3, 0.7)), "lr_max": float(rng.uniform(1.7, 2.8))}


@probe("triangular", cases=2)
def goes_up_and_down_in_lines(s, t, lr_base, lr_max, half):
    return {"rates": s.triangular(t, lr_base, lr_max, half)}


@goes_up_and_down_in_lines.inputs
def _(rng):
    half = int(rng.integers(3, 6))
    return {"t": steps(4 * half), **base_and_top(rng), "half": half}


@probe("triangular", cases=1)
def gives_one_step_of_a_triangle(s, up, first, down, lr_base, lr_max, half):
    return {
        "rate_on_the_first_way_down": s.triangular(first, lr_base, lr_max, half),
        "rate_on_the_way_up": s.triangular(up, lr_base, lr_max, half),
        "rate_on_the_way_down": s.triangular(down, lr_base, lr_max, half),
        "rate_at_the_top": s.triangular(half, lr_base, lr_max, half),
    }


@gives_one_step_of_a_triangle.inputs
def _(rng):
    at = {"up": int(rng.integers(1, 4)), "first": int(rng.integers(6, 9)), "down": int(rng.integers(16, 19))}
    return {**at, **base_and_top(rng), "half": 5}


@probe("triangular", cases=1)
def takes_half_cycles_of_one_step_and_steps_in_any_order(s, t, lr_base, lr_max, half):
    return {
        "rates_with_s_1": s.triangular(t, lr_base, lr_max, 1),
        "rates": s.triangular(t, lr_base, lr_max, half),
    }


@takes_half_cycles_of_one_step_and_steps_in_any_order.inputs
def _(rng):
    return {"t": rng.permutation(steps(20)), **base_and_top(rng), "half": 7}


def cycles(s, t, lr0, lr_min, period):
    """Rates and snapshots; 0 and 1 are as good as False and True."""
    found = two(s.restarts(t, lr0, lr_min, period), "rates", "snapshots")
    snapshots = np.asarray(found["snapshots"])
    if snapshots.dtype.kind not in "biuf":
        raise TypeError(f"snapshots: True or False was expected for each step, and {snapshots.dtype} came")
    return {**found, "snapshots": snapshots * 1.0}


@probe("restarts", cases=2)
def jumps_back_after_each_period(s, t, lr0, lr_min, period):
    return {"rates": two(s.restarts(t, lr0, lr_min, period), "rates", "snapshots")["rates"]}


@probe("restarts", cases=2)
def takes_a_snapshot_after_the_last_step_of_a_cycle(s, t, lr0, lr_min, period):
    return {"snapshots": cycles(s, t, lr0, lr_min, period)["snapshots"]}


@jumps_back_after_each_period.inputs
@takes_a_snapshot_after_the_last_step_of_a_cycle.inputs
def _(rng):
    """The last cycle is not complete."""
    period = int(rng.integers(5, 8))
    return {"t": np.arange(3 * period + 2), **both_ends(rng), "period": period}


@probe("restarts", cases=1)
def knows_one_step_of_a_cycle(s, t, last, lr0, lr_min, period):
    """The snapshots of a whole cycle, asked one by one."""
    found = {
        "rate": cycles(s, t, lr0, lr_min, period)["rates"],
        "rate_of_the_last_step": cycles(s, last, lr0, lr_min, period)["rates"],
    }
    for k in range(period):
        step = last + 1 - period + k
        found[f"snapshot_after_step_{k}_of_a_cycle"] = cycles(s, step, lr0, lr_min, period)["snapshots"]
    return found


@knows_one_step_of_a_cycle.inputs
def _(rng):
    cycle = int(rng.integers(1, 4))
    return {"t": 6 * cycle + 2, "last": 6 * cycle + 5, **both_ends(rng), "period": 6}


@probe("restarts", cases=1)
def restarts_wherever_it_is_asked(s, t, lr0, lr_min, period):
    return cycles(s, t, lr0, lr_min, period)


@restarts_wherever_it_is_asked.inputs
def _(rng):
    period = int(rng.integers(3, 6))
    return {"t": rng.permutation(np.arange(100 * period, 103 * period)), **both_ends(rng), "period": period}


def mean_squares(weights, seen):
    """The loss of a linear model as a function of a batch; it notes in seen how many examples came."""

    def loss_and_gradient(x, y):
        seen.append(len(x))
        error = x @ weights - y
        return (error**2).mean(), 2 * np.tensordot(x, error, axes=(0, 0)) / len(x)

    return loss_and_gradient


def gathered(s, weights, x, y, b):
    seen = []
    found = two(s.accumulated_gradient(mean_squares(weights, seen), x, y, b), "loss", "gradient")
    return {
        **found,
        "examples_too_many_in_the_largest_piece": np.array(max([*seen, b]) - b),
        "a_piece_is_empty": np.array(min(seen, default=1) == 0),
    }


def a_regression(rng, N):
    """Examples whose error grows with their number: each piece has another loss."""
    x, weights = rng.normal(size=(N, 3)), rng.normal(size=3)
    return {"weights": weights, "x": x, "y": x @ weights + rng.uniform(0.5, 1, N) * np.linspace(0.5, 3, N)}


@probe("accumulated_gradient", cases=2)
def weighs_each_piece_by_its_examples(s, weights, x, y, b):
    return gathered(s, weights, x, y, b)


@weighs_each_piece_by_its_examples.inputs
def _(rng):
    """Two whole pieces or three, and one of two examples."""
    b = int(rng.integers(5, 8))
    return {**a_regression(rng, b * int(rng.integers(2, 4)) + 2), "b": b}


@probe("accumulated_gradient", cases=1)
def takes_pieces_of_one_size(s, weights, x, y, b):
    return gathered(s, weights, x, y, b)


@takes_pieces_of_one_size.inputs
def _(rng):
    return {**a_regression(rng, 12), "b": 4}


@probe("accumulated_gradient", cases=1)
def takes_a_batch_that_is_one_piece(s, weights, x, y, b):
    return gathered(s, weights, x, y, b)


@takes_a_batch_that_is_one_piece.inputs
def _(rng):
    return {**a_regression(rng, 5), "b": 8}


@probe("accumulated_gradient", cases=1)
def gathers_gradients_of_any_shape(s, weights, x, y, b):
    return gathered(s, weights, x, y, b)


@gathers_gradients_of_any_shape.inputs
def _(rng):
    """The last piece has one example."""
    x, weights = rng.normal(size=(13, 4)), rng.normal(size=(4, 2))
    return {"weights": weights, "x": x, "y": np.linspace(1, 3, 26).reshape(13, 2), "b": 3}


def batches_of_two_sizes(rng):
    """Neither is a power of two times the other, nor is the quotient a whole number."""
    B0 = int(rng.integers(20, 30))
    return {"lr0": float(rng.uniform(0.3, 0.7)), "B": round(B0 * rng.uniform(2.3, 3.7)) + 1, "B0": B0}


@probe("scaled_rate", cases=2)
def warms_up_to_the_scaled_rate(s, t, lr0, B, B0, W):
    return {"rates": s.scaled_rate(t, lr0, B, B0, W)}


@warms_up_to_the_scaled_rate.inputs
def _(rng):
    W = int(rng.integers(3, 7))
    return {"t": steps(W + 2), **batches_of_two_sizes(rng), "W": W}


@probe("scaled_rate", cases=1)
def scales_one_step(s, early, late, lr0, B, B0, W):
    return {
        "rate_in_the_warm_up": s.scaled_rate(early, lr0, B, B0, W),
        "rate_after_the_warm_up": s.scaled_rate(late, lr0, B, B0, W),
    }


@scales_one_step.inputs
def _(rng):
    return {
        "early": int(rng.integers(1, 4)),
        "late": int(rng.integers(8, 11)),
        **batches_of_two_sizes(rng),
        "W": 5,
    }


@probe("scaled_rate", cases=1)
def needs_no_warm_up(s, t, lr0, B, B0, W):
    """With W = 0 alone all that the warm-up does wrong is hidden: both are asked."""
    return {
        "rates_without_a_warm_up": s.scaled_rate(t, lr0, B, B0, 0),
        "first_rate_without_a_warm_up": s.scaled_rate(0, lr0, B, B0, 0),
        "rates": s.scaled_rate(t, lr0, B, B0, W),
    }


@needs_no_warm_up.inputs
def _(rng):
    return {"t": steps(3), **batches_of_two_sizes(rng), "W": 4}


@probe("scaled_rate", cases=1)
def scales_down_for_a_smaller_batch(s, t, lr0, B, B0, W):
    """With a smaller batch alone a rule for larger ones only is no scaling at all: both are asked."""
    return {
        "rates_for_the_smaller_batch": s.scaled_rate(t, lr0, B0, B, W),
        "rates_for_the_larger_batch": s.scaled_rate(t, lr0, B, B0, W),
    }


@scales_down_for_a_smaller_batch.inputs
def _(rng):
    return {"t": rng.permutation(steps(7)), **batches_of_two_sizes(rng), "W": 6}


CLIPPED = 1e-5  # with 1e-6 in the denominator, or without


def clipped(s, grads, c):
    found = s.clip_gradients(grads, c)
    if not isinstance(found, (list, tuple)):
        raise TypeError(f"a list of arrays was expected, and one {type(found).__name__} came")
    return {f"gradient_{k}": g for k, g in enumerate(found)}


def gradients(rng):
    """Three arrays of other sizes: neither norm nor largest entry of one of them is that of all."""
    return [rng.uniform(0.4, 1.6, n) * rng.choice([-1.0, 1.0], n) for n in ((2, 3), (2, 2, 3), (5,))]


def joint_norm(grads):
    return float(np.sqrt(sum(np.vdot(g, g) for g in grads)))


@probe("clip_gradients", cases=2, rtol=CLIPPED)
def shortens_all_by_one_factor(s, grads, c):
    return clipped(s, grads, c)


@shortens_all_by_one_factor.inputs
def _(rng):
    grads = gradients(rng)
    return {"grads": grads, "c": joint_norm(grads) * float(rng.uniform(0.15, 0.3))}


@probe("clip_gradients", cases=1, rtol=CLIPPED)
def leaves_short_gradients_as_they_are(s, grads, c):
    """Shorter than c together, though the sum of their norms is longer. The caller changes its own then."""
    own = [np.array(g) for g in grads]
    found = clipped(s, own, c)
    for g in own:
        g += 1000
    return found


@leaves_short_gradients_as_they_are.inputs
def _(rng):
    grads = gradients(rng)
    return {"grads": grads, "c": joint_norm(grads) * float(rng.uniform(1.1, 1.3))}


@probe("clip_gradients", cases=1, rtol=CLIPPED)
def looks_at_all_arrays_together(s, grads, c, tight):
    """Each array alone is shorter than c, together they are longer; some are longer than the tight limit."""
    limits = {"": c, "_with_a_tight_limit": tight}
    return {f"{k}{name}": g for name, limit in limits.items() for k, g in clipped(s, grads, limit).items()}


@looks_at_all_arrays_together.inputs
def _(rng):
    """One entry alone is longer than the tight limit."""
    grads = gradients(rng)
    grads[2][rng.integers(5)] = 0.85 * joint_norm(grads)
    norm = joint_norm(grads)
    return {
        "grads": grads,
        "c": norm * float(rng.uniform(0.88, 0.94)),
        "tight": norm * float(rng.uniform(0.12, 0.18)),
    }


@probe("clip_gradients", cases=1)
def bears_gradients_of_0(s, grads, c):
    return clipped(s, grads, c)


@bears_gradients_of_0.inputs
def _(rng):
    return {"grads": [np.zeros((2, 3)), np.zeros(4)], "c": float(rng.uniform(0.5, 2))}


@probe("clip_gradients", cases=1, rtol=CLIPPED, hidden=True)
def clips_a_single_array(s, grads, c):
    return clipped(s, grads, c)


@clips_a_single_array.inputs
def _(rng):
    return {"grads": gradients(rng)[:1], "c": float(rng.uniform(0.5, 1.5))}


@probe("ensemble", cases=2)
def averages_the_probabilities(s, logits):
    return {"p": s.ensemble(logits)}


@averages_the_probabilities.inputs
def _(rng):
    """Members that disagree, and one that is surer than the rest."""
    return {"logits": rng.normal(0, 2, (5, 4, 3)) * np.array([1, 1, 3, 0.5, 1])[:, None, None]}


@probe("ensemble", cases=1)
def survives_large_logits(s, logits):
    return {"p": s.ensemble(logits)}


@survives_large_logits.inputs
def _(rng):
    """Each member and example about another number; for one example both members are far above 0, for one
    only a single logit is."""
    about = rng.permuted(np.array([[1000.0, -1000, 20], [900, -300, 400]]), axis=0)
    about = rng.permutation(about, axis=1)[:, :, None]
    alone = np.zeros((2, 1, 5))
    alone[rng.integers(2), 0, rng.integers(5)] = 1000
    return {"logits": np.concatenate([about + 0 * alone, alone], 1) + rng.normal(0, 1.5, (2, 4, 5))}


@probe("ensemble", cases=1, hidden=True)
def is_the_softmax_of_one_member_and_a_mean_of_two(s, one, two_members):
    return {"p_of_one_member": s.ensemble(one), "p_of_two_members": s.ensemble(two_members)}


@is_the_softmax_of_one_member_and_a_mean_of_two.inputs
def _(rng):
    return {"one": rng.normal(0, 2, (1, 6, 4)), "two_members": rng.normal(0, 2, (2, 5, 6))}


def followed(s, path, decay=None):
    """The average after each of the weights, which the training loop overwrites afterwards."""
    average, found = None, []
    for n, w in enumerate(path):
        current = np.array(w)
        average = s.update_average(average, current, n, decay)
        current += 1000
        if average is None:
            raise TypeError("an average was expected, and None came: is a `return` missing?")
        found.append(np.array(average))
    return np.stack(found)


def a_path(rng):
    """Five weights, each further away than the one before."""
    return {
        "path": np.cumsum(rng.uniform(0.5, 1.5, (5, 2, 3)) * np.array([1, 2, -4, 3, 5])[:, None, None], 0)
    }


@probe("update_average", cases=2)
def is_the_mean_of_all_weights(s, path):
    return {"averages": followed(s, path)}


@is_the_mean_of_all_weights.inputs
def _(rng):
    return a_path(rng)


@probe("update_average", cases=2)
def forgets_old_weights_with_a_decay(s, path, decay):
    return {"averages": followed(s, path, decay)}


@forgets_old_weights_with_a_decay.inputs
def _(rng):
    return {**a_path(rng), "decay": a_share(rng)}


@probe("update_average", cases=1)
def goes_on_with_a_given_average(s, average, w, n, decay):
    return {
        "mean": s.update_average(average, w, n),
        "moving_average": s.update_average(average, w, n, decay),
        "moving_average_with_a_decay_of_0": s.update_average(average, w, n, 0.0),
    }


@goes_on_with_a_given_average.inputs
def _(rng):
    average, w = rng.uniform(1, 2, 4), rng.uniform(30, 50, 4)
    return {"average": average, "w": w, "n": int(rng.integers(5, 9)), "decay": a_share(rng)}


@probe("update_average", cases=1, hidden=True)
def begins_with_the_first_weights(s, w, decay):
    return {"mean": s.update_average(None, w, 0), "moving_average": s.update_average(None, w, 0, decay)}


@begins_with_the_first_weights.inputs
def _(rng):
    return {"w": rng.normal(size=(3, 2)), "decay": a_share(rng)}


# A mistake that writes into the argument stands below as a broken function and not in `wrong`:
# the engine serves those from another process, where the arguments are copies.
@probe(
    "test_warmup_cosine",
    judges="warmup_cosine",
    wrong=(
        "SC27",
        "SC28",
        "SC29",
        "WC-late",
        "WC-from-min",
        "WC-rises-again",
        "WC-cosine-to-T-plus-W",
        "WC-no-min",
        "WC-zero-past",
        "WC-line",
        "WC-whole",
        "WC-t-over-W-plus-1",
        "WC-cosine-up",
        "WC-product",
        "WC-no-warm-up",
        "WC-stays-up",
        "WC-if",
        "WC-one-early",
    ),
)
def accepts_a_right_schedule_and_rejects_wrong_ones(s, implementation):
    s.test_warmup_cosine(implementation)
    return {"accepts": np.array(True)}


@accepts_a_right_schedule_and_rejects_wrong_ones.broken
def steps_overwritten(right):
    """the rates are right, but the array of steps is overwritten"""

    def wrong(t, lr0, lr_min, W, T):
        found = right(np.array(t), lr0, lr_min, W, T)
        if np.ndim(t):
            t[...] = 0
        return found

    return wrong


@accepts_a_right_schedule_and_rejects_wrong_ones.broken
def one_step_wrong(right):
    """an array of steps has the right rates, one step alone has the rate of the next step"""

    def wrong(t, lr0, lr_min, W, T):
        return right(t if np.ndim(t) else t + 1, lr0, lr_min, W, T)

    return wrong


@accepts_a_right_schedule_and_rejects_wrong_ones.broken
def arrays_wrong(right):
    """one step alone has the right rate, an array of steps has that of its first step everywhere"""

    def wrong(t, lr0, lr_min, W, T):
        return right(0 * t + t[0] if np.ndim(t) else t, lr0, lr_min, W, T)

    return wrong


@accepts_a_right_schedule_and_rejects_wrong_ones.broken
def steps_sorted(right):
    """the steps of an array are sorted first"""

    def wrong(t, lr0, lr_min, W, T):
        return right(np.sort(t) if np.ndim(t) else t, lr0, lr_min, W, T)

    return wrong


@accepts_a_right_schedule_and_rejects_wrong_ones.broken
def always_a_warm_up(right):
    """with W = 0 it takes one step of warm-up all the same"""

    def wrong(t, lr0, lr_min, W, T):
        return right(t, lr0, lr_min, max(W, 1), T)

    return wrong


@accepts_a_right_schedule_and_rejects_wrong_ones.broken
def never_a_warm_up(right):
    """it forgets the warm-up (with W = 0 nobody sees it)"""

    def wrong(t, lr0, lr_min, W, T):
        return right(t, lr0, lr_min, 0, T)

    return wrong


@accepts_a_right_schedule_and_rejects_wrong_ones.broken
def down_to_0(right):
    """it falls to 0 in the place of lr_min (where that is 0 nobody sees it)"""

    def wrong(t, lr0, lr_min, W, T):
        return right(t, lr0, 0.0, W, T)

    return wrong


@accepts_a_right_schedule_and_rejects_wrong_ones.broken
def up_again_late(right):
    """long after the end the rate rises again"""

    def wrong(t, lr0, lr_min, W, T):
        found = right(t, lr0, lr_min, W, T)
        return found + (np.asarray(t) > T + 2) * lr0 / 10

    return wrong


@accepts_a_right_schedule_and_rejects_wrong_ones.broken
def end_one_step_early(right):
    """it is at lr_min one step too early"""

    def wrong(t, lr0, lr_min, W, T):
        return right(t, lr0, lr_min, W, T - 1)

    return wrong


@accepts_a_right_schedule_and_rejects_wrong_ones.broken
def one_percent_too_large(right):
    """every rate is one percent too large"""

    def wrong(t, lr0, lr_min, W, T):
        return 1.01 * right(t, lr0, lr_min, W, T)

    return wrong


@accepts_a_right_schedule_and_rejects_wrong_ones.broken
def rate_of_1(right):
    """its largest rate is always 1"""

    def wrong(t, lr0, lr_min, W, T):
        return right(t, 1.0, lr_min, W, T)

    return wrong


@accepts_a_right_schedule_and_rejects_wrong_ones.broken
def transposed(right):
    """the rates of an array come as a column"""

    def wrong(t, lr0, lr_min, W, T):
        found = np.asarray(right(t, lr0, lr_min, W, T))
        return found[:, None] if np.ndim(t) else found

    return wrong
