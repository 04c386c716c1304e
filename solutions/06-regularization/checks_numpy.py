"""What the checks ask of the NumPy notebook, and the inputs they ask it on.

Inputs: all axes of different lengths, weights of both signs with an exact zero, no strength or share near
0, a half or 1."""

import numpy as np

from autograder import probe


def weights(rng, *shape):
    """Numbers of both signs, none near zero but one, which is zero; their sum is positive."""
    w = rng.uniform(0.4, 2.5, shape) * rng.choice([-1.0, 1.0, 1.0], shape)
    w.flat[0], w.flat[1] = rng.uniform(1.2, 2.5), -rng.uniform(0.4, 0.9)
    w.flat[rng.integers(2, w.size)] = 0.0
    return w if w.sum() > 0 else -w


def strength(rng):
    return float(rng.uniform(0.15, 0.4))


def share(rng):
    """A share that must not be taken for the rest."""
    return float(rng.choice([rng.uniform(0.2, 0.35), rng.uniform(0.65, 0.8)]))


def layer(rng):
    return {
        "loss": float(rng.uniform(1, 3)),
        "dW": rng.normal(size=(5, 3)),
        "db": rng.normal(size=3),
        "W": weights(rng, 5, 3),
        "b": rng.uniform(0.5, 2, 3) * rng.choice([-1.0, 1.0], 3),
        "lam": strength(rng),
    }


@probe("add_l2")
def adds_the_penalty_to_the_loss(s, loss, dW, db, W, b, lam):
    total, _dW, _db = s.add_l2(loss, dW, db, W, b, lam)
    return {"loss": total}


@adds_the_penalty_to_the_loss.inputs
def _(rng):
    return layer(rng)


@probe("add_l2")
def adds_its_gradient_to_that_of_the_weights(s, loss, dW, db, W, b, lam):
    _loss, gradient, _db = s.add_l2(loss, dW, db, W, b, lam)
    return {"dW": gradient}


@adds_its_gradient_to_that_of_the_weights.inputs
def _(rng):
    return layer(rng)


@probe("add_l2", cases=2)
def leaves_the_gradient_of_the_bias_alone(s, loss, dW, db, W, b, lam):
    _loss, _dW, gradient = s.add_l2(loss, dW, db, W, b, lam)
    return {"db": gradient}


@leaves_the_gradient_of_the_bias_alone.inputs
def _(rng):
    return layer(rng)


def net_inputs(rng):
    W = -weights(rng, 5, 3)  # a negative sum: it is not its own absolute value
    W[rng.integers(1, 5), 0] = 1e-10  # its sign is 1 as well
    return {"W": W, "lam": strength(rng), "a": share(rng)}


@probe("elastic_net")
def adds_up_the_mixed_penalty(s, W, lam, a):
    penalty, _gradient = s.elastic_net(W, lam, a)
    return {"penalty": penalty}


@adds_up_the_mixed_penalty.inputs
def _(rng):
    return net_inputs(rng)


@probe("elastic_net")
def gives_the_gradient_of_the_mixed_penalty(s, W, lam, a):
    _penalty, gradient = s.elastic_net(W, lam, a)
    return {"gradient": gradient}


@gives_the_gradient_of_the_mixed_penalty.inputs
def _(rng):
    return net_inputs(rng)


@probe("elastic_net", cases=2, hidden=True)
def is_pure_at_both_ends(s, W, lam):
    (l1, l1_gradient), (l2, l2_gradient) = s.elastic_net(W, lam, 1.0), s.elastic_net(W, lam, 0.0)
    return {"l1": l1, "l1_gradient": l1_gradient, "l2": l2, "l2_gradient": l2_gradient}


@is_pure_at_both_ends.inputs
def _(rng):
    return {"W": weights(rng, 3, 2, 4), "lam": strength(rng)}


def around_a_threshold(rng, *shape):
    """Numbers on all sides of -t and t and on both of them, and t. It has a short binary form, so that
    numbers on the threshold are on it exactly."""
    t = float(rng.choice([0.375, 0.625, 0.875]))
    v = rng.uniform(1.3, 4, shape) * t * rng.choice([-1.0, 1.0], shape)
    inside = rng.permutation(v.size)[: v.size // 3]
    v.flat[inside] = rng.uniform(0.2, 0.8, inside.size) * t * rng.choice([-1.0, 1.0], inside.size)
    v.flat[inside[:5]] = [0.0, t, -t, 0.6 * t, -0.6 * t]
    return v, t


@probe("soft_threshold", cases=4)
def moves_every_number_towards_zero(s, v, t):
    return {"moved": s.soft_threshold(v, t)}


@moves_every_number_towards_zero.inputs
def _(rng):
    v, t = around_a_threshold(rng, 6, 5)
    return {"v": v, "t": t}


@probe("soft_threshold", cases=2)
def makes_exact_zeros(s, v, t):
    moved = np.asarray(s.soft_threshold(v, t))
    return {"is_zero": moved == 0, "moved": moved}


@makes_exact_zeros.inputs
def _(rng):
    v, t = around_a_threshold(rng, 24)
    return {"v": v, "t": t}


@probe("soft_threshold", cases=1)
def leaves_numbers_alone_where_t_is_zero(s, v):
    return {"moved": s.soft_threshold(v, 0.0)}


@leaves_numbers_alone_where_t_is_zero.inputs
def _(rng):
    return {"v": weights(rng, 2, 3, 4)}


def proximal_inputs(rng, *shape):
    """Places after the gradient step on both sides of both thresholds, t * a and t, and below zero. One
    weight is exactly zero before the step and far from it afterwards."""
    lr, lam, a = float(rng.uniform(0.3, 0.45)), float(rng.uniform(1.2, 1.8)), share(rng)
    t = lr * lam
    v = rng.uniform(1.2, 4, shape) * rng.choice([-1.0, 1.0], shape)
    v.flat[:8] = t * np.array([0.5 * a, -0.5 * a, 0.5 * (1 + a), -0.5 * (1 + a), 0.9 * a, 1.5, -1.5, 0.0])
    v = rng.permutation(v.ravel()).reshape(shape)
    dw = rng.uniform(0.5, 2, shape) * rng.choice([-1.0, 1.0], shape)
    freed = np.argmax(np.abs(v))
    dw.flat[freed] = -v.flat[freed] / lr
    w = v + lr * dw
    w.flat[freed] = 0.0
    return {"w": w, "dw": dw, "lr": lr, "lam": lam, "a": a}


@probe("proximal_step", cases=4)
def steps_then_moves_to_the_minimum_of_the_penalty(s, w, dw, lr, lam, a):
    return {"w": s.proximal_step(w, dw, lr, lam, a)}


@steps_then_moves_to_the_minimum_of_the_penalty.inputs
def _(rng):
    return proximal_inputs(rng, 6, 4)


@probe("proximal_step", cases=1)
def does_pure_l1_and_pure_l2(s, w, dw, lr, lam):
    return {"l1": s.proximal_step(w, dw, lr, lam, 1.0), "l2": s.proximal_step(w, dw, lr, lam, 0.0)}


@does_pure_l1_and_pure_l2.inputs
def _(rng):
    given = proximal_inputs(rng, 13)
    del given["a"]
    return given


def state_of_training(rng):
    return {
        "w": rng.uniform(0.5, 2.5, (4, 3)) * rng.choice([-1.0, 1.0], (4, 3)),
        "velocity": rng.normal(0.3, 1, (4, 3)),
        "dw": rng.normal(size=(4, 3)),
        "lr": float(rng.uniform(0.15, 0.3)),
        "momentum": float(rng.choice([rng.uniform(0.6, 0.7), rng.uniform(0.8, 0.9)])),
        "weight_decay": float(rng.uniform(0.3, 0.6)),
    }


@probe("momentum_step")
def couples_decay_and_velocity(s, w, velocity, dw, lr, momentum, weight_decay):
    new, later = s.momentum_step(w, velocity, dw, lr, momentum, weight_decay, False)
    return {"w": new, "velocity": later}


@couples_decay_and_velocity.inputs
def _(rng):
    return state_of_training(rng)


@probe("momentum_step")
def decouples_decay_from_velocity(s, w, velocity, dw, lr, momentum, weight_decay):
    new, later = s.momentum_step(w, velocity, dw, lr, momentum, weight_decay, True)
    return {"w": new, "velocity": later}


@decouples_decay_from_velocity.inputs
def _(rng):
    return state_of_training(rng)


@probe("momentum_step", cases=1, hidden=True)
def follows_three_steps_of_either_kind(s, w, velocity, lr, momentum, weight_decay):
    paths = {}
    for decoupled in (False, True):
        at, pace, seen = w, velocity, []
        for rate in (lr, lr, lr / 3):
            at, pace = s.momentum_step(at, pace, 0 * w, rate, momentum, weight_decay, decoupled)
            seen.append(at)
        paths["decoupled" if decoupled else "coupled"] = np.array(seen)
    return paths


@follows_three_steps_of_either_kind.inputs
def _(rng):
    given = state_of_training(rng)
    del given["dw"]
    return given


def columns(rng, c, fan_in=5):
    """Columns with norms far below, just below, just above and far above c, in no order. Some within the
    bound have a sum of absolute values beyond it, and some beyond it have no entry beyond it."""
    norms = c * rng.permutation([0.3, 0.7, 0.9, 1.15, 1.6, 3.0, 5.0])
    W = rng.uniform(0.6, 1.4, (fan_in, 7)) * rng.choice([-1.0, 1.0], (fan_in, 7))
    return W * norms / np.sqrt((W**2).sum(axis=0))


# rtol 3e-6 below: a tiny number beside the norm is right, too
@probe("max_norm", rtol=3e-6)
def scales_columns_down_to_the_bound(s, W, c):
    return {"W": s.max_norm(W, c)}


@scales_columns_down_to_the_bound.inputs
def _(rng):
    c = float(rng.choice([rng.uniform(0.5, 0.7), rng.uniform(1.6, 2.4)]))
    return {"W": columns(rng, c), "c": c}


@probe("max_norm", cases=1, rtol=3e-6)
def leaves_small_columns_and_columns_of_zeros_alone(s, W, c):
    return {"W": s.max_norm(W, c)}


@leaves_small_columns_and_columns_of_zeros_alone.inputs
def _(rng):
    W = columns(rng, 2.0)
    W[:, rng.permutation(7)[:2]] = 0.0
    return {"W": W, "c": 2.0}


def blip(rng, best, epochs):
    """Epochs that bring nothing new: a tie first, then up and down above the best."""
    rest = best + np.resize([0.3, 0.2, 0.35, 0.1], max(epochs - 1, 0)) * rng.uniform(0.8, 1.2)
    return [best, *rest][:epochs]


def curve(rng, patience, last, falls):
    """Losses that fall for some epochs, then improve between two rests of patience - 1 epochs, once by half a
    per cent and once by very little; then a last rest of `last` epochs."""
    a, c = rng.uniform([4.0, 1.5], [4.9, 3.0])
    b, d = 0.995 * a, c - 1e-5  # as little as 32 bits can tell apart
    start = [*np.sort(rng.uniform(5, 6, falls))[::-1], a]
    return [*start, *blip(rng, a, patience - 1), b, c, *blip(rng, c, patience - 1), d, *blip(rng, d, last)]


def until_it_stops(rng):
    """A curve that stops, and is better than ever behind the stop."""
    patience = int(rng.integers(3, 6))
    behind = [0.5, 0.9, 0.4, 0.8, 0.7, 0.9, 0.6, 0.8, 0.95, 0.9]
    losses = [*curve(rng, patience, patience, int(rng.integers(1, 4))), *behind]
    return {"losses": np.array(losses), "patience": patience}


@probe("early_stopping", cases=4)
def stops_when_patience_is_used_up_and_finds_the_best_epoch(s, losses, patience):
    stop, best = s.early_stopping(losses, patience)
    return {"stop": stop, "best": best}


@stops_when_patience_is_used_up_and_finds_the_best_epoch.inputs
def _(rng):
    return until_it_stops(rng)


@probe("early_stopping", cases=2)
def goes_to_the_end_where_nothing_stops_it(s, losses, patience):
    stop, best = s.early_stopping(losses, patience)
    return {"stop": stop, "best": best}


@goes_to_the_end_where_nothing_stops_it.inputs
def _(rng):
    """The first rest follows epoch 0 at once, and the losses are large."""
    patience = int(rng.integers(3, 6))
    return {"losses": 100 * np.array(curve(rng, patience, patience - 1, 0)), "patience": patience}


@probe("early_stopping", cases=2)
def takes_nan_for_no_improvement(s, losses, patience, short):
    stop, best = s.early_stopping(losses, patience)
    end, best_of_short = s.early_stopping(short, len(short) + 1)
    return {"stop": stop, "best": best, "stop_of_short": end, "best_of_short": best_of_short}


@takes_nan_for_no_improvement.inputs
def _(rng):
    """A nan amid the losses, one in the last rest, and a better loss two epochs after the stop. The short
    list never stops; after its nan it goes up and down."""
    high, low = rng.uniform(2, 3), rng.uniform(1, 1.8)
    patience = int(rng.integers(3, 5))
    rests = [low + 0.3, np.nan, *[low + 0.3] * patience]
    return {
        "losses": np.array([high + 1, high, np.nan, low, *rests, low - 0.5, low, low]),
        "patience": patience,
        "short": np.array([high, low, np.nan, low + 0.2, low + 0.5, low + 0.4, np.nan]),
    }


@probe("early_stopping", cases=1)
def has_no_patience_at_all_with_patience_1(s, flat, rising, single):
    names = ("flat", "rising", "single")
    ends = [np.array(s.early_stopping(losses, 1)) for losses in (flat, rising, single)]
    return {f"stop_and_best_{name}": end for name, end in zip(names, ends, strict=True)}


@has_no_patience_at_all_with_patience_1.inputs
def _(rng):
    level = float(rng.uniform(1, 2))
    return {
        "flat": np.array([level] * 4),
        "rising": level + np.array([0.5, 0.2, 0.3, 0.1, 0.4, 0.5, 0.45, 0.6]),
        "single": np.array([level]),
    }


def classified(rng, N=7, K=4, seen=None):
    """Scores and classes, in no order. The first `seen` classes are there, else every one."""
    y = rng.permutation(np.arange(N) % (seen or K))
    return {"scores": rng.normal(0, 1.5, (N, K)), "y": y, "eps": float(rng.uniform(0.15, 0.35))}


# rtol 1e-7 below: the order of sums is free, and 1 - eps + eps / K may be computed in many ways
@probe("smoothed_cross_entropy", rtol=1e-7)
def compares_with_the_smoothed_labels(s, scores, y, eps):
    loss, _dscores = s.smoothed_cross_entropy(scores, y, eps)
    return {"loss": loss}


@compares_with_the_smoothed_labels.inputs
def _(rng):
    return classified(rng, K=5, seen=3)


@probe("smoothed_cross_entropy", rtol=1e-7)
def gives_the_gradient_of_the_scores(s, scores, y, eps):
    _loss, dscores = s.smoothed_cross_entropy(scores, y, eps)
    return {"dscores": dscores}


@gives_the_gradient_of_the_scores.inputs
def _(rng):
    return classified(rng)


@probe("smoothed_cross_entropy", cases=2, rtol=1e-7)
def bears_large_scores(s, scores, y, eps):
    loss, dscores = s.smoothed_cross_entropy(scores, y, eps)
    return {"loss": loss, "dscores": dscores}


@bears_large_scores.inputs
def _(rng):
    given = classified(rng, 6, 5)
    given["scores"] += np.array([800.0, -800, 0, 900, -900, 0])[:, None]
    given["scores"][2, rng.integers(5)] = 2000.0
    given["scores"][5, rng.integers(5)] = -2000.0
    return given


def noisy_inputs(rng):
    """Coins below, between and above p and 1 - p."""
    return {
        "images": rng.uniform(1, 4, (6, 3, 5, 2)),
        "coins": np.array([0.05, *rng.permutation([0.15, 0.45, 0.55, 0.9, 0.97])]),
        "noise": rng.normal(size=(6, 3, 5, 2)),
        "sigma": float(rng.choice([rng.uniform(0.2, 0.6), rng.uniform(1.5, 2.5)])),
        "p": share(rng),
    }


@probe("noisy")
def adds_noise_to_the_images_that_are_hit(s, images, coins, noise, sigma, p):
    return {"images": s.noisy(images, coins, noise, sigma, p)}


@adds_noise_to_the_images_that_are_hit.inputs
def _(rng):
    return noisy_inputs(rng)


@probe("noisy", cases=1)
def leaves_an_image_alone_whose_coin_is_exactly_p(s, images, coins, noise, sigma, p):
    hit = np.abs(s.noisy(images, coins, noise, sigma, p) - images) > 1e-4  # 32 bits are right, too
    return {"which_are_hit": hit.any(axis=(1, 2, 3))}


@leaves_an_image_alone_whose_coin_is_exactly_p.inputs
def _(rng):
    coins = np.array([0.9, *rng.permutation([0.25, 0.1, 0.75, 0.3, 0.6])])  # here the first one does not hit
    return noisy_inputs(rng) | {"coins": coins, "p": 0.25}


# A mistake that writes into the argument stands below as a broken function and not in `wrong`: what is wrong
# is served from another process, where a change of the argument does not come back.
@probe(
    "test_early_stopping",
    judges="early_stopping",
    wrong=(
        "O13",
        "O14",
        "ES-early",
        "ES-ties",
        "ES-total",
        "ES-previous",
        "ES-future",
        "ES-nan",
        "ES-length",
    ),
)
def accepts_a_right_one_and_rejects_wrong_ones(s, implementation):
    s.test_early_stopping(implementation)
    return {"accepts": np.array(True)}


@accepts_a_right_one_and_rejects_wrong_ones.broken
def one_epoch_late(right):
    """it stops one epoch too late"""

    def wrong(losses, patience):
        return right(losses, patience + 1)

    return wrong


@accepts_a_right_one_and_rejects_wrong_ones.broken
def first_rise(right):
    """it stops at the first epoch that brings nothing new, whatever the patience"""

    def wrong(losses, patience):
        return right(losses, 1)

    return wrong


@accepts_a_right_one_and_rejects_wrong_ones.broken
def last_for_best(right):
    """it returns the last epoch as the best one"""

    def wrong(losses, patience):
        stop, _best = right(losses, patience)
        return stop, stop

    return wrong


@accepts_a_right_one_and_rejects_wrong_ones.broken
def ties_are_better(right):
    """an equal loss counts as an improvement"""

    def wrong(losses, patience):
        return right(np.array(losses, dtype=float) - 1e-9 * np.arange(len(losses)), patience)

    return wrong


@accepts_a_right_one_and_rejects_wrong_ones.broken
def looks_behind_the_stop(right):
    """it takes the best epoch of all, those behind the stop included"""

    def wrong(losses, patience):
        stop, _best = right(losses, patience)
        return stop, int(np.nanargmin(losses))

    return wrong


@accepts_a_right_one_and_rejects_wrong_ones.broken
def never_stops(right):
    """it always goes to the end"""

    def wrong(losses, patience):
        return right(losses, len(losses) + 1)

    return wrong


@accepts_a_right_one_and_rejects_wrong_ones.broken
def counts_from_the_start(right):
    """epochs that bring nothing new are counted from the start, not in a row"""

    def wrong(losses, patience):
        lows = np.fmin.accumulate(np.array(losses, dtype=float))
        idle = np.flatnonzero(np.diff(lows) == 0) + 1
        seen = len(losses) if len(idle) < patience else idle[patience - 1] + 1
        return right(losses[:seen], patience)

    return wrong


@accepts_a_right_one_and_rejects_wrong_ones.broken
def nan_is_better(right):
    """nan counts as an improvement"""

    def wrong(losses, patience):
        known = np.array(losses, dtype=float)
        return right(np.where(np.isnan(known), np.nanmin(known) - 1, known), patience)

    return wrong


@accepts_a_right_one_and_rejects_wrong_ones.broken
def counts_epochs_from_one(right):
    """it counts the epochs from 1"""

    def wrong(losses, patience):
        stop, best = right(losses, patience)
        return stop + 1, best + 1

    return wrong


@accepts_a_right_one_and_rejects_wrong_ones.broken
def number_for_last_epoch(right):
    """it returns the number of epochs for the last one"""

    def wrong(losses, patience):
        stop, best = right(losses, patience)
        return stop + 1, best

    return wrong


@accepts_a_right_one_and_rejects_wrong_ones.broken
def end_that_does_not_exist(right):
    """where nothing stops it, it returns an epoch behind the last one"""

    def wrong(losses, patience):
        stop, best = right(losses, patience)
        return (stop if stop - best >= patience else stop + 1), best

    return wrong


@accepts_a_right_one_and_rejects_wrong_ones.broken
def sorts_the_losses(right):
    """it sorts the losses that it was given"""

    def wrong(losses, patience):
        found = right(losses, patience)
        losses.sort()
        return found

    return wrong
