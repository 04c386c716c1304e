import numpy as np
from autograder import probe


@probe("add_l2")
def adds_the_penalty_to_the_loss(s, loss, dW, db, W, b, lam):
    total, _dW, _db = s.add_l2(loss, dW, db, W, b, lam)
    return {"loss": total}


@probe("add_l2")
def adds_its_gradient_to_that_of_the_weights(s, loss, dW, db, W, b, lam):
    _loss, gradient, _db = s.add_l2(loss, dW, db, W, b, lam)
    return {"dW": gradient}


@probe("add_l2", cases=2)
def leaves_the_gradient_of_the_bias_alone(s, loss, dW, db, W, b, lam):
    _loss, _dW, gradient = s.add_l2(loss, dW, db, W, b, lam)
    return {"db": gradient}


@probe("elastic_net")
def adds_up_the_mixed_penalty(s, W, lam, a):
    penalty, _gradient = s.elastic_net(W, lam, a)
    return {"penalty": penalty}


@probe("elastic_net")
def gives_the_gradient_of_the_mixed_penalty(s, W, lam, a):
    _penalty, gradient = s.elastic_net(W, lam, a)
    return {"gradient": gradient}


@probe("soft_threshold", cases=4)
def moves_every_number_towards_zero(s, v, t):
    return {"moved": s.soft_threshold(v, t)}


@probe("soft_threshold", cases=2)
def makes_exact_zeros(s, v, t):
    moved = np.asarray(s.soft_threshold(v, t))
    return {"is_zero": moved == 0, "moved": moved}


@probe("soft_threshold", cases=1)
def leaves_numbers_alone_where_t_is_zero(s, v):
    return {"moved": s.soft_threshold(v, 0.0)}


@probe("proximal_step", cases=4)
def steps_then_moves_to_the_minimum_of_the_penalty(s, w, dw, lr, lam, a):
    return {"w": s.proximal_step(w, dw, lr, lam, a)}


@probe("proximal_step", cases=1)
def does_pure_l1_and_pure_l2(s, w, dw, lr, lam):
    return {"l1": s.proximal_step(w, dw, lr, lam, 1.0), "l2": s.proximal_step(w, dw, lr, lam, 0.0)}


@probe("momentum_step")
def couples_decay_and_velocity(s, w, velocity, dw, lr, momentum, weight_decay):
    new, later = s.momentum_step(w, velocity, dw, lr, momentum, weight_decay, False)
    return {"w": new, "velocity": later}


@probe("momentum_step")
def decouples_decay_from_velocity(s, w, velocity, dw, lr, momentum, weight_decay):
    new, later = s.momentum_step(w, velocity, dw, lr, momentum, weight_decay, True)
    return {"w": new, "velocity": later}


@probe("max_norm", rtol=3e-6)
def scales_columns_down_to_the_bound(s, W, c):
    return {"W": s.max_norm(W, c)}


@probe("max_norm", cases=1, rtol=3e-6)
def leaves_small_columns_and_columns_of_zeros_alone(s, W, c):
    return {"W": s.max_norm(W, c)}


@probe("early_stopping", cases=4)
def stops_when_patience_is_used_up_and_finds_the_best_epoch(s, losses, patience):
    stop, best = s.early_stopping(losses, patience)
    return {"stop": stop, "best": best}


@probe("early_stopping", cases=2)
def goes_to_the_end_where_nothing_stops_it(s, losses, patience):
    stop, best = s.early_stopping(losses, patience)
    return {"stop": stop, "best": best}


@probe("early_stopping", cases=2)
def takes_nan_for_no_improvement(s, losses, patience, short):
    stop, best = s.early_stopping(losses, patience)
    end, best_of_short = s.early_stopping(short, len(short) + 1)
    return {"stop": stop, "best": best, "stop_of_short": end, "best_of_short": best_of_short}


@probe("early_stopping", cases=1)
def has_no_patience_at_all_with_patience_1(s, flat, rising, single):
    names = ("flat", "rising", "single")
    ends = [np.array(s.early_stopping(losses, 1)) for losses in (flat, rising, single)]
    return {f"stop_and_best_{name}": end for name, end in zip(names, ends, strict=True)}


@probe("smoothed_cross_entropy", rtol=1e-7)
def compares_with_the_smoothed_labels(s, scores, y, eps):
    loss, _dscores = s.smoothed_cross_entropy(scores, y, eps)
    return {"loss": loss}


@probe("smoothed_cross_entropy", rtol=1e-7)
def gives_the_gradient_of_the_scores(s, scores, y, eps):
    _loss, dscores = s.smoothed_cross_entropy(scores, y, eps)
    return {"dscores": dscores}


@probe("smoothed_cross_entropy", cases=2, rtol=1e-7)
def bears_large_scores(s, scores, y, eps):
    loss, dscores = s.smoothed_cross_entropy(scores, y, eps)
    return {"loss": loss, "dscores": dscores}


@probe("noisy")
def adds_noise_to_the_images_that_are_hit(s, images, coins, noise, sigma, p):
    return {"images": s.noisy(images, coins, noise, sigma, p)}


@probe("noisy", cases=1)
def leaves_an_image_alone_whose_coin_is_exactly_p(s, images, coins, noise, sigma, p):
    hit = np.abs(s.noisy(images, coins, noise, sigma, p) - images) > 1e-4  # 32 bits are right, too
    return {"which_are_hit": hit.any(axis=(1, 2, 3))}


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
