import numpy as np
from autograder import probe


@probe("step_decay", cases=2)
def drops_after_each_period(s, t, lr0, gamma, period):
    return {"rates": s.step_decay(t, lr0, gamma, period)}


@probe("step_decay", cases=1)
def gives_the_rate_of_one_step(s, t, lr0, gamma, period):
    return {"rate": s.step_decay(t, lr0, gamma, period)}


@probe("step_decay", cases=1)
def takes_the_steps_in_any_order(s, t, lr0, gamma, period):
    return {"rates": s.step_decay(t, lr0, gamma, period)}


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


@probe("smooth_decays", cases=1)
def gives_both_rates_of_one_step(s, t, lr0, k):
    return both_decays(s, t, lr0, k)


@probe("cosine", cases=2)
def follows_half_a_cosine(s, t, lr0, lr_min, T):
    return {"rates": s.cosine(t, lr0, lr_min, T)}


@probe("cosine", cases=2)
def stays_at_the_least_rate_past_the_end(s, t, lr0, lr_min, T):
    return {"rates": s.cosine(t, lr0, lr_min, T)}


@probe("cosine", cases=1)
def gives_the_cosine_of_one_step(s, t, past, lr0, lr_min, T):
    return {"rate": s.cosine(t, lr0, lr_min, T), "rate_past_the_end": s.cosine(past, lr0, lr_min, T)}


@probe("cosine", cases=1)
def bears_a_least_rate_of_0_and_steps_in_any_order(s, t, lr0, lr_min, T):
    return {
        "rates_down_to_0": s.cosine(t, lr0, 0.0, T),
        "rates": s.cosine(t, lr0, lr_min, T),
    }


@probe("warmup_cosine", cases=2)
def rises_in_a_line_and_falls_along_a_cosine(s, t, lr0, lr_min, W, T):
    return {"rates": s.warmup_cosine(t, lr0, lr_min, W, T)}


@probe("warmup_cosine", cases=1)
def ends_at_the_least_rate_and_stays_there(s, t, lr0, lr_min, W, T):
    return {"rates": s.warmup_cosine(t, lr0, lr_min, W, T)}


@probe("warmup_cosine", cases=1)
def takes_one_step_alone(s, early, late, past, lr0, lr_min, W, T):
    return {
        "rate_in_the_warm_up": s.warmup_cosine(early, lr0, lr_min, W, T),
        "rate_of_the_cosine": s.warmup_cosine(late, lr0, lr_min, W, T),
        "rate_past_the_end": s.warmup_cosine(past, lr0, lr_min, W, T),
    }


@probe("warmup_cosine", cases=1)
def is_the_cosine_without_a_warm_up(s, t, lr0, lr_min, W, T):
    """With W = 0 alone all that the warm-up does wrong is hidden: both are asked."""
    return {
        "rates_without_a_warm_up": s.warmup_cosine(t, lr0, lr_min, 0, T),
        "first_rate_without_a_warm_up": s.warmup_cosine(0, lr0, lr_min, 0, T),
        "rates": s.warmup_cosine(t, lr0, lr_min, W, T),
    }


@probe("warmup_cosine", cases=1)
def takes_a_warm_up_of_one_step_and_steps_in_any_order(s, t, lr0, lr_min, W, T):
    return {
        "rates_after_one_step_of_warm_up": s.warmup_cosine(t, lr0, lr_min, 1, T),
        "rates": s.warmup_cosine(t, lr0, lr_min, W, T),
    }


@probe("triangular", cases=2)
def goes_up_and_down_in_lines(s, t, lr_base, lr_max, half):
    return {"rates": s.triangular(t, lr_base, lr_max, half)}


@probe("triangular", cases=1)
def gives_one_step_of_a_triangle(s, up, first, down, lr_base, lr_max, half):
    return {
        "rate_on_the_first_way_down": s.triangular(first, lr_base, lr_max, half),
        "rate_on_the_way_up": s.triangular(up, lr_base, lr_max, half),
        "rate_on_the_way_down": s.triangular(down, lr_base, lr_max, half),
        "rate_at_the_top": s.triangular(half, lr_base, lr_max, half),
    }


@probe("triangular", cases=1)
def takes_half_cycles_of_one_step_and_steps_in_any_order(s, t, lr_base, lr_max, half):
    return {
        "rates_with_s_1": s.triangular(t, lr_base, lr_max, 1),
        "rates": s.triangular(t, lr_base, lr_max, half),
    }


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


@probe("restarts", cases=1)
def restarts_wherever_it_is_asked(s, t, lr0, lr_min, period):
    return cycles(s, t, lr0, lr_min, period)


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


@probe("accumulated_gradient", cases=2)
def weighs_each_piece_by_its_examples(s, weights, x, y, b):
    return gathered(s, weights, x, y, b)


@probe("accumulated_gradient", cases=1)
def takes_pieces_of_one_size(s, weights, x, y, b):
    return gathered(s, weights, x, y, b)


@probe("accumulated_gradient", cases=1)
def takes_a_batch_that_is_one_piece(s, weights, x, y, b):
    return gathered(s, weights, x, y, b)


@probe("accumulated_gradient", cases=1)
def gathers_gradients_of_any_shape(s, weights, x, y, b):
    return gathered(s, weights, x, y, b)


@probe("scaled_rate", cases=2)
def warms_up_to_the_scaled_rate(s, t, lr0, B, B0, W):
    return {"rates": s.scaled_rate(t, lr0, B, B0, W)}


@probe("scaled_rate", cases=1)
def scales_one_step(s, early, late, lr0, B, B0, W):
    return {
        "rate_in_the_warm_up": s.scaled_rate(early, lr0, B, B0, W),
        "rate_after_the_warm_up": s.scaled_rate(late, lr0, B, B0, W),
    }


@probe("scaled_rate", cases=1)
def needs_no_warm_up(s, t, lr0, B, B0, W):
    """With W = 0 alone all that the warm-up does wrong is hidden: both are asked."""
    return {
        "rates_without_a_warm_up": s.scaled_rate(t, lr0, B, B0, 0),
        "first_rate_without_a_warm_up": s.scaled_rate(0, lr0, B, B0, 0),
        "rates": s.scaled_rate(t, lr0, B, B0, W),
    }


@probe("scaled_rate", cases=1)
def scales_down_for_a_smaller_batch(s, t, lr0, B, B0, W):
    """With a smaller batch alone a rule for larger ones only is no scaling at all: both are asked."""
    return {
        "rates_for_the_smaller_batch": s.scaled_rate(t, lr0, B0, B, W),
        "rates_for_the_larger_batch": s.scaled_rate(t, lr0, B, B0, W),
    }


CLIPPED = 1e-5  # with 1e-6 in the denominator, or without


def clipped(s, grads, c):
    found = s.clip_gradients(grads, c)
    if not isinstance(found, (list, tuple)):
        raise TypeError(f"a list of arrays was expected, and one {type(found).__name__} came")
    return {f"gradient_{k}": g for k, g in enumerate(found)}


@probe("clip_gradients", cases=2, rtol=CLIPPED)
def shortens_all_by_one_factor(s, grads, c):
    return clipped(s, grads, c)


@probe("clip_gradients", cases=1, rtol=CLIPPED)
def leaves_short_gradients_as_they_are(s, grads, c):
    """Shorter than c together, though the sum of their norms is longer. The caller changes its own then."""
    own = [np.array(g) for g in grads]
    found = clipped(s, own, c)
    for g in own:
        g += 1000
    return found


@probe("clip_gradients", cases=1, rtol=CLIPPED)
def looks_at_all_arrays_together(s, grads, c, tight):
    """Each array alone is shorter than c, together they are longer; some are longer than the tight limit."""
    limits = {"": c, "_with_a_tight_limit": tight}
    return {f"{k}{name}": g for name, limit in limits.items() for k, g in clipped(s, grads, limit).items()}


@probe("clip_gradients", cases=1)
def bears_gradients_of_0(s, grads, c):
    return clipped(s, grads, c)


@probe("ensemble", cases=2)
def averages_the_probabilities(s, logits):
    return {"p": s.ensemble(logits)}


@probe("ensemble", cases=1)
def survives_large_logits(s, logits):
    return {"p": s.ensemble(logits)}


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


@probe("update_average", cases=2)
def is_the_mean_of_all_weights(s, path):
    return {"averages": followed(s, path)}


@probe("update_average", cases=2)
def forgets_old_weights_with_a_decay(s, path, decay):
    return {"averages": followed(s, path, decay)}


@probe("update_average", cases=1)
def goes_on_with_a_given_average(s, average, w, n, decay):
    return {
        "mean": s.update_average(average, w, n),
        "moving_average": s.update_average(average, w, n, decay),
        "moving_average_with_a_decay_of_0": s.update_average(average, w, n, 0.0),
    }


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
