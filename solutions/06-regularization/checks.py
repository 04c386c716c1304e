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


# ------------------------------------------------------------------ penalties


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


# ------------------------------------------------------------------ weight decay and max-norm


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


# ------------------------------------------------------------------ early stopping


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


# ------------------------------------------------------------------ labels


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


# ------------------------------------------------------------------ noise


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


# ------------------------------------------------------------------ a test of one's own
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


# ------------------------------------------------------------------ regularization_torch

CLOSE = 1e-6  # a constant of 32 bits on the way is as right as one of 64


def as_tensor(array):
    """A tensor that shares the array's memory, so that a change in place is seen."""
    import torch

    return torch.as_tensor(array)


def signed(rng, *shape):
    """Numbers of both signs, none near zero but one, which is zero."""
    w = rng.uniform(0.4, 2.5, shape) * rng.choice([-1.0, 1.0, 1.0], shape)
    w.flat[0], w.flat[1], w.flat[-1] = rng.uniform(1.2, 2.5), -rng.uniform(0.4, 0.9), 0.0
    return w


def calls(function, *arguments):
    """What it returns; a switch for gradients that it left off is put back."""
    import torch

    with torch.enable_grad():
        return function(*arguments)


def truth(value):
    return np.array(bool(value))


def parameters_from(arrays):
    """Parameters of their own, with a gradient each; the arrays stay as they are."""
    from torch import nn

    found = [nn.Parameter(as_tensor(a).clone()) for a in arrays]
    for w in found:
        w.grad = w.detach().cos()
    return found


def some_model(kernels, matrix, tables, vectors):
    """Two convolutions, a batch normalization and a linear layer, some in blocks, and two bare matrices.

    Biases and the parameters of the normalization are the vectors."""
    from torch import nn

    def fill(layer, weight, bias):
        layer = layer.double()
        layer.weight.data, layer.bias.data = as_tensor(weight).clone(), as_tensor(bias).clone()
        return layer

    first, second = (fill(nn.Conv2d(2, 3, (2, 1)), kernels[n], vectors[n]) for n in (0, 1))
    norm = fill(nn.BatchNorm2d(3), vectors[2], vectors[3])
    dense = fill(nn.Linear(5, 3), matrix, vectors[4])
    model = nn.Sequential(first, nn.Sequential(norm, nn.ReLU(), nn.Sequential(dense, second)))
    for n in (0, 1):
        model.register_parameter(f"table_{n}", nn.Parameter(as_tensor(tables[n]).clone()))
    return model


def model_arrays(rng):
    return {
        "kernels": signed(rng, 2, 3, 2, 2, 1),
        "matrix": signed(rng, 3, 5),
        "tables": signed(rng, 2, 4, 2),
        "vectors": rng.uniform(0.5, 2, (5, 3)),
    }


def penalties(rng):
    return {
        "loss": float(rng.uniform(1, 3)),
        **model_arrays(rng),
        "l1": float(rng.uniform(0.05, 0.12)),
        "l2": float(rng.uniform(0.2, 0.4)),
    }


def lossy(loss):
    """A loss with a graph, and what it hangs on."""
    import torch

    source = torch.tensor(float(loss), dtype=torch.float64, requires_grad=True)
    return source, 3 * source - 2 * float(loss)


@probe("penalized_loss", rtol=CLOSE)
def adds_both_penalties(s, loss, l1, l2, **arrays):
    return {"loss": s.penalized_loss(lossy(loss)[1], some_model(**arrays), l1, l2)}


@adds_both_penalties.inputs
def _(rng):
    return penalties(rng)


@probe("penalized_loss", rtol=CLOSE)
def sends_gradients_to_all_weights(s, loss, l1, l2, **arrays):
    import torch

    model, (source, value) = some_model(**arrays), lossy(loss)
    s.penalized_loss(value, model, l1, l2).backward()
    found = {"the_loss": source.grad}
    for name, w in model.named_parameters():
        grad = torch.zeros_like(w) if w.grad is None else w.grad
        found[name.replace(".", "_")] = grad
    return {f"gradient_of_{name}": g for name, g in found.items() if g is not None}


@sends_gradients_to_all_weights.inputs
def _(rng):
    return penalties(rng)


@probe("penalized_loss", cases=2, rtol=CLOSE)
def takes_one_penalty_alone(s, loss, l1, l2, **arrays):
    def penalized(first, second):
        return s.penalized_loss(lossy(loss)[1], some_model(**arrays), first, second)

    return {"l1_alone": penalized(l1, 0.0), "l2_alone": penalized(0.0, l2), "neither": penalized(0.0, 0.0)}


@takes_one_penalty_alone.inputs
def _(rng):
    return penalties(rng)


@probe("penalized_loss", cases=1, rtol=CLOSE)
def leaves_loss_and_model_alone(s, loss, l1, l2, **arrays):
    model, (_source, value) = some_model(**arrays), lossy(loss)
    model[1][0].eval()
    modes = [module.training for module in model.modules()]
    for w in model.parameters():
        w.grad = w.detach().cos()
    s.penalized_loss(value, model, l1, l2)
    lost = [w.grad is None or not w.grad.any() for w in model.parameters()]
    same = [g or bool((w.grad == w.cos()).all()) for g, w in zip(lost, model.parameters(), strict=True)]
    return {
        "loss_afterwards": value,
        **{name.replace(".", "_"): w for name, w in model.named_parameters()},
        "some_gradient_is_lost": truth(any(lost)),
        "some_gradient_is_another": truth(not all(same)),
        "modes_are_as_before": truth(modes == [module.training for module in model.modules()]),
    }


@leaves_loss_and_model_alone.inputs
def _(rng):
    return penalties(rng)


@probe("penalized_loss", cases=1, rtol=CLOSE)
def takes_a_model_of_one_layer_or_without_weights(s, loss, l1, l2, matrix, bias):
    from torch import nn

    layer = nn.Linear(5, 3).double()
    layer.weight.data, layer.bias.data = as_tensor(matrix).clone(), as_tensor(bias).clone()
    value = lossy(loss)[1]
    narrow = nn.Linear(5, 1, bias=False).double()
    narrow.weight.data = as_tensor(matrix[:1]).clone()
    return {
        "one_layer": s.penalized_loss(value, layer, l1, l2),
        "one_unit": s.penalized_loss(value, narrow, l1, l2),
        "no_weights": s.penalized_loss(value, nn.Sequential(nn.ReLU(), nn.BatchNorm1d(3)), l1, l2),
    }


@takes_a_model_of_one_layer_or_without_weights.inputs
def _(rng):
    given = penalties(rng)
    return {**{k: given[k] for k in ("loss", "l1", "l2", "matrix")}, "bias": rng.uniform(0.5, 2, 3)}


def three_arrays(rng):
    """Numbers on both sides of a threshold, some exactly on it, some zero."""
    t = float(rng.uniform(0.4, 0.7))
    arrays = [signed(rng, 4, 3), signed(rng, 5), signed(rng, 2, 3, 2, 1)]
    for a in arrays:
        small = rng.permutation(a.size)[: a.size // 2]
        a.flat[small] = rng.uniform(-0.9, 0.9, len(small)) * t
        a.flat[small[0]], a.flat[small[1]] = t, -t
    return {"arrays": arrays, "threshold": t}


@probe("soft_threshold_", rtol=CLOSE)
def moves_all_parameters_towards_zero(s, arrays, threshold):
    found = parameters_from(arrays)
    found[-1].grad = None
    calls(s.soft_threshold_, found, threshold)
    return {f"parameter_{n}": w for n, w in enumerate(found)}


@moves_all_parameters_towards_zero.inputs
def _(rng):
    return three_arrays(rng)


@probe("soft_threshold_", cases=2, rtol=CLOSE)
def makes_small_numbers_exactly_zero(s, arrays, threshold):
    found = parameters_from(arrays)
    calls(s.soft_threshold_, found, threshold)
    zeros = {f"zero_in_parameter_{n}": w == 0 for n, w in enumerate(found)}
    return {**zeros, "sum_of_sizes": sum(w.detach().abs().sum() for w in found)}


@makes_small_numbers_exactly_zero.inputs
def _(rng):
    return three_arrays(rng)


@probe("soft_threshold_", cases=1)
def works_in_place(s, arrays, threshold):
    import torch

    with torch.enable_grad():
        found = parameters_from(arrays)
        places = [w.data_ptr() for w in found]
        s.soft_threshold_(found, threshold)
        same = [w.data_ptr() == place for w, place in zip(found, places, strict=True)]
        return {
            "the_numbers_lie_where_they_lay": np.array(same),
            "they_still_want_gradients": np.array([w.requires_grad for w in found]),
            "they_have_a_graph": np.array([w.grad_fn is not None for w in found]),
            "gradients_are_switched_on": truth(torch.is_grad_enabled()),
        }


@works_in_place.inputs
def _(rng):
    return three_arrays(rng)


@probe("soft_threshold_", cases=1)
def leaves_the_gradients_alone(s, arrays, threshold):
    import torch

    found = parameters_from(arrays)
    calls(s.soft_threshold_, found, threshold)
    missing = torch.full((1,), float("nan"))
    return {f"gradient_{n}": missing if w.grad is None else w.grad for n, w in enumerate(found)}


@leaves_the_gradients_alone.inputs
def _(rng):
    return three_arrays(rng)


@probe("soft_threshold_", cases=1, rtol=CLOSE)
def takes_a_generator_of_parameters(s, arrays, threshold):
    found = parameters_from(arrays)
    calls(s.soft_threshold_, (w for w in found), threshold)
    return {f"parameter_{n}": w for n, w in enumerate(found)}


@takes_a_generator_of_parameters.inputs
def _(rng):
    return three_arrays(rng)


@probe("soft_threshold_", cases=1, rtol=CLOSE)
def changes_nothing_for_the_threshold_0(s, arrays, threshold):
    found = parameters_from(arrays)
    calls(s.soft_threshold_, found, threshold)
    return {f"parameter_{n}": w for n, w in enumerate(found)}


@changes_nothing_for_the_threshold_0.inputs
def _(rng):
    return {**three_arrays(rng), "threshold": 0.0}


def layers_for_norms(rng):
    """Units on both sides of the bound c, and a unit of zeros; one is so long that other norms are, too."""
    c = float(rng.uniform(1.5, 2.5))

    def units(*shape):
        w = rng.normal(size=shape)
        w /= np.sqrt((w.reshape(shape[0], -1) ** 2).sum(axis=1)).reshape(-1, *[1] * (w.ndim - 1))
        lengths = c * np.array([0.0, 0.55, 0.8, 2.9, *rng.uniform(1.3, 2.9, shape[0] - 4)])
        return w * rng.permutation(lengths).reshape(-1, *[1] * (w.ndim - 1))

    return {
        "matrix": units(6, 4),
        "kernel": units(5, 3, 1, 2),
        "bias": rng.uniform(2.6, 4, 6),
        "c": c,
    }


def layer_with(weight, bias):
    """nn.Linear or nn.Conv2d with these numbers, and a gradient on each."""
    from torch import nn

    shape = weight.shape
    layer = nn.Linear(shape[1], shape[0]) if weight.ndim == 2 else nn.Conv2d(shape[1], shape[0], shape[2:])
    layer = layer.double()
    layer.weight.data, layer.bias.data = as_tensor(weight).clone(), as_tensor(bias[: len(weight)]).clone()
    for w in layer.parameters():
        w.grad = w.detach().cos()
    return layer


@probe("max_norm_", rtol=1e-5)  # c / (norm + 1e-6) is right, too
def shortens_the_rows_of_a_linear_layer(s, matrix, bias, c):
    layer = layer_with(matrix, bias)
    calls(s.max_norm_, layer, c)
    return {"weight": layer.weight}


@shortens_the_rows_of_a_linear_layer.inputs
def _(rng):
    given = layers_for_norms(rng)
    return {k: given[k] for k in ("matrix", "bias", "c")}


@probe("max_norm_", rtol=1e-5)
def shortens_the_output_channels_of_a_convolution(s, kernel, bias, c):
    layer = layer_with(kernel, bias)
    calls(s.max_norm_, layer, c)
    return {"weight": layer.weight}


@shortens_the_output_channels_of_a_convolution.inputs
def _(rng):
    given = layers_for_norms(rng)
    return {k: given[k] for k in ("kernel", "bias", "c")}


@probe("max_norm_", cases=2, rtol=1e-5)
def leaves_all_alone_where_nothing_is_too_long(s, matrix, bias, c):
    layer = layer_with(matrix, bias)
    calls(s.max_norm_, layer, c)
    return {"weight": layer.weight, "bias": layer.bias}


@leaves_all_alone_where_nothing_is_too_long.inputs
def _(rng):
    given = layers_for_norms(rng)
    return {"matrix": given["matrix"], "bias": given["bias"], "c": 3.2 * given["c"]}


@probe("max_norm_", cases=1)
def leaves_bias_and_gradients_alone(s, matrix, bias, c):
    import torch

    layer = layer_with(matrix, bias)
    calls(s.max_norm_, layer, c)
    missing = torch.full((1,), float("nan"))
    grads = {"weight": layer.weight.grad, "bias": layer.bias.grad}
    return {
        "bias": layer.bias,
        **{f"gradient_of_{n}": missing if g is None else g for n, g in grads.items()},
        "the_layer_is_in_training_mode": truth(layer.training),
    }


@leaves_bias_and_gradients_alone.inputs
def _(rng):
    given = layers_for_norms(rng)
    return {k: given[k] for k in ("matrix", "bias", "c")}


@probe("max_norm_", cases=1)
def keeps_the_weight_where_it_is(s, matrix, kernel, bias, c):
    import torch

    found = {}
    with torch.enable_grad():
        for name, numbers in (("linear", matrix), ("convolution", kernel)):
            layer = layer_with(numbers, bias)
            weight, place = layer.weight, layer.weight.data_ptr()
            s.max_norm_(layer, c)
            found |= {
                f"the_weight_of_the_{name}_is_the_same_object": truth(layer.weight is weight),
                f"its_numbers_lie_where_they_lay_in_the_{name}": truth(layer.weight.data_ptr() == place),
                f"the_{name}_still_wants_gradients": truth(layer.weight.requires_grad),
                f"the_{name}_has_a_graph": truth(layer.weight.grad_fn is not None),
            }
        return {**found, "gradients_are_switched_on": truth(torch.is_grad_enabled())}


@keeps_the_weight_where_it_is.inputs
def _(rng):
    return layers_for_norms(rng)


@probe("max_norm_", cases=1, rtol=1e-5)
def takes_a_layer_without_bias(s, kernel, c):
    from torch import nn

    layer = nn.Conv2d(3, 5, (1, 2), bias=False).double()
    layer.weight.data = as_tensor(kernel).clone()
    calls(s.max_norm_, layer, c)
    return {"weight": layer.weight}


@takes_a_layer_without_bias.inputs
def _(rng):
    given = layers_for_norms(rng)
    return {k: given[k] for k in ("kernel", "c")}


@probe("max_norm_", cases=1, rtol=1e-5)
def takes_a_kernel_in_the_order_channels_last(s, kernel, bias, c):
    import torch

    layer = layer_with(kernel, bias)
    layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
    calls(s.max_norm_, layer, c)
    return {"weight": layer.weight}


@takes_a_kernel_in_the_order_channels_last.inputs
def _(rng):
    given = layers_for_norms(rng)
    return {k: given[k] for k in ("kernel", "bias", "c")}


def watched(number=0.0):
    """A model with a weight, and a buffer that no optimizer knows: the statistics of a normalization."""
    from torch import nn

    return set_to(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).double(), number)


def set_to(model, number):
    """Every floating number of the model becomes this one, in place."""
    for t in model.state_dict().values():
        if t.is_floating_point():
            t.fill_(number)
    return model


def numbers_in(model):
    """What the model holds: the weights all the same, and the buffers too."""
    return {
        "weight": model[0].weight.detach().mean(),
        "bias": model[0].bias.detach().mean(),
        "gamma": model[1].weight.detach().mean(),
        "running_mean": model[1].running_mean.mean(),
        "running_var": model[1].running_var.mean(),
    }


def driven(s, losses, patience):
    """The stopper, the model and what it answered, until it said stop; the model is k + 1 in epoch k."""
    stopper, model, answers = s.EarlyStopping(patience), watched(), []
    for k, loss in enumerate(losses):
        set_to(model, k + 1.0)
        answer = stopper.step(float(loss), model)
        answers.append(answer if answer is None else bool(answer))
        if answer:
            break
    return stopper, model, answers


def stops(s, losses, patience):
    answers = driven(s, losses, patience)[2]
    return None if None in answers else np.array(answers)


def scale_of(rng):
    return float(rng.uniform(0.7, 1.4))


@probe("EarlyStopping", cases=2)
def stops_where_patience_is_at_its_end(s, losses, patience):
    return {"answers": stops(s, losses, patience)}


@stops_where_patience_is_at_its_end.inputs
def _(rng):
    falling = [3.0, 2.5, 2.0]
    rising = [2.2, 2.4, 2.3, 2.6, 2.1, 2.5, 2.7]
    return {"losses": scale_of(rng) * np.array(falling + rising), "patience": int(rng.integers(2, 5))}


@probe("EarlyStopping", cases=1)
def begins_to_wait_anew_after_something_better(s, losses, patience):
    return {"answers": stops(s, losses, patience)}


@begins_to_wait_anew_after_something_better.inputs
def _(rng):
    losses = [5.0, 4.0, 4.5, 4.2, 4 - 1e-5, 4.3, 4.1, 3.7, 3.95, 3.9, 3.85, 3.8]
    return {"losses": scale_of(rng) * np.array(losses), "patience": 3}


@probe("EarlyStopping", cases=1)
def compares_with_the_lowest_so_far(s, losses, patience):
    return {"answers": stops(s, losses, patience)}


@compares_with_the_lowest_so_far.inputs
def _(rng):
    losses = [5.0, 2.0, 4.8, 4.5, 4.1, 3.6, 3.1, 2.7]
    return {"losses": scale_of(rng) * np.array(losses), "patience": 3}


@probe("EarlyStopping", cases=1)
def takes_equal_for_not_better(s, losses, patience):
    return {"answers": stops(s, losses, patience)}


@takes_equal_for_not_better.inputs
def _(rng):
    return {"losses": scale_of(rng) * np.array([3.0, 2.0, 2.0, 2.0, 2.0, 2.0]), "patience": 3}


@probe("EarlyStopping", cases=1)
def takes_what_is_no_number_for_not_better(s, losses, late, patience):
    stopper, _model, answers = driven(s, losses, patience)
    return {
        "answers": None if None in answers else np.array(answers),
        "best_loss": stopper.best_loss,
        "answers_after_a_first_loss_that_is_none": stops(s, late, patience),
    }


@takes_what_is_no_number_for_not_better.inputs
def _(rng):
    nan, scale = float("nan"), scale_of(rng)
    losses = np.array([3.0, 2.0, nan, nan, 2.5, 2.6, 2.7, 1.0])
    late = np.array([nan, nan, 2.0, 3.0, 1.5, 4.0, 4.0, 4.0])
    return {"losses": scale * losses, "late": scale * late, "patience": 3}


@probe("EarlyStopping", cases=1)
def stops_at_once_for_patience_1(s, losses):
    return {"answers": stops(s, losses, 1)}


@stops_at_once_for_patience_1.inputs
def _(rng):
    return {"losses": scale_of(rng) * np.array([3.0, 2.5, 2.0, 2.1, 1.0, 1.1])}


@probe("EarlyStopping", cases=2)
def goes_on_while_losses_fall(s, losses, patience):
    return {"answers": stops(s, losses, patience), "best_loss": driven(s, losses, patience)[0].best_loss}


@goes_on_while_losses_fall.inputs
def _(rng):
    return {"losses": np.sort(rng.uniform(1, 3, 9))[::-1].copy(), "patience": int(rng.integers(1, 4))}


@probe("EarlyStopping", cases=2)
def restores_the_best_epoch(s, losses, patience):
    stopper, model, _answers = driven(s, losses, patience)
    stopper.restore(model)
    return {**numbers_in(model), "best_loss": stopper.best_loss}


@restores_the_best_epoch.inputs
def _(rng):
    best = int(rng.integers(2, 5))
    losses = [*np.linspace(4, 2, best), 2.6, 2.4, 2.8, 2.7, 2.9]
    return {"losses": scale_of(rng) * np.array(losses), "patience": int(rng.integers(2, 5))}


@probe("EarlyStopping", cases=1)
def keeps_a_copy(s, losses, patience):
    stopper, model, _answers = driven(s, losses, patience)
    set_to(model, 77.0)
    kept = {name.replace(".", "_"): t for name, t in stopper.best_state.items()}
    return {f"best_state_{name}": t for name, t in kept.items() if not name.endswith("num_batches_tracked")}


@keeps_a_copy.inputs
def _(rng):
    return {"losses": scale_of(rng) * np.array([3.0, 2.0, 2.5, 2.6, 2.7]), "patience": 2}


@probe("EarlyStopping", cases=1)
def can_restore_again_and_another_model(s, losses, patience):
    stopper, model, _answers = driven(s, losses, patience)
    weight, place = model[0].weight, model[0].weight.data_ptr()
    stopper.restore(model)
    same = {
        "the_weight_is_the_same_object": truth(model[0].weight is weight),
        "its_numbers_lie_where_they_lay": truth(model[0].weight.data_ptr() == place),
        "it_is_the_best_the_first_time": model[0].weight.detach().mean(),
    }
    set_to(model, 55.0)
    other = watched(66.0).eval()
    stopper.restore(model)
    stopper.restore(other)
    same["modes_of_both"] = np.array([model.training, other.training])
    found = {f"again_{name}": number for name, number in numbers_in(model).items()}
    return {**same, **found, **{f"another_{name}": n for name, n in numbers_in(other).items()}}


@can_restore_again_and_another_model.inputs
def _(rng):
    return {"losses": scale_of(rng) * np.array([3.0, 2.0, 2.5, 2.6, 2.7]), "patience": 2}


@probe("EarlyStopping", cases=1)
def leaves_the_model_alone_before_there_is_a_best_epoch(s, patience):
    stopper, model = s.EarlyStopping(patience), watched(4.0)
    known = stopper.best_state is not None
    stopper.restore(model)
    stopper.step(float("nan"), model)
    stopper.restore(model)
    return {"there_is_a_best_state": truth(known), "best_loss": stopper.best_loss, **numbers_in(model)}


@leaves_the_model_alone_before_there_is_a_best_epoch.inputs
def _(rng):
    return {"patience": 2}


@probe("EarlyStopping", cases=1)
def changes_neither_model_nor_mode_when_it_looks(s, losses, patience):
    found = {}
    for name, mode in (("training", True), ("evaluation", False)):
        stopper, model, after = s.EarlyStopping(patience), watched().train(mode), []
        for w in model.parameters():
            w.grad = w.detach().cos()
        for k, loss in enumerate(losses):
            stopper.step(float(loss), set_to(model, k + 1.0))
            after.append([float(number) for number in numbers_in(model).values()])
        found |= {
            f"training_modes_after_{name}": np.array([m.training for m in model.modules()]),
            f"numbers_after_each_step_in_{name}": np.array(after),
            f"weights_want_gradients_in_{name}": truth(all(w.requires_grad for w in model.parameters())),
            f"weights_have_their_gradients_in_{name}": truth(
                all(w.grad is not None and w.grad.any() for w in model.parameters())
            ),
        }
    return found


@changes_neither_model_nor_mode_when_it_looks.inputs
def _(rng):
    return {"losses": np.array([3.0, 2.0, 2.5, 2.6, 2.7]), "patience": 3}


@probe("EarlyStopping", cases=1, hidden=True)
def keeps_two_trainings_apart(s, first, second, patience):
    one, other = s.EarlyStopping(patience), s.EarlyStopping(patience)
    model, another, answers = watched(), watched(), []
    for k, (a, b) in enumerate(zip(first, second, strict=True)):
        answer = one.step(a, set_to(model, k + 1.0))
        answers.append((bool(answer), bool(other.step(b, set_to(another, k + 11.0)))))
    one.restore(model)
    other.restore(another)
    found = {f"first_{name}": n for name, n in numbers_in(model).items()}
    return {
        "answers": np.array(answers),
        **found,
        **{f"second_{name}": n for name, n in numbers_in(another).items()},
    }


@keeps_two_trainings_apart.inputs
def _(rng):
    return {"first": [3.0, 2.0, 2.5, 2.6], "second": [5.0, 4.5, 4.2, 4.3], "patience": 2}


def scored(rng):
    """Scores of classes that are not all named, of an example that is sure and wrong among them."""
    scores = rng.normal(0, 2, (7, 5))
    y = rng.integers(0, 4, 7)  # the last class is never right
    scores[0, y[0]] -= 6
    return {"scores": scores, "y": y, "eps": float(rng.uniform(0.12, 0.3))}


def smoothed(s, scores, y, eps):
    return s.SmoothedCrossEntropy(eps)(as_tensor(scores), as_tensor(y))


@probe("SmoothedCrossEntropy", rtol=CLOSE)
def is_the_cross_entropy_with_smooth_targets(s, scores, y, eps):
    return {"loss": smoothed(s, scores, y, eps)}


@is_the_cross_entropy_with_smooth_targets.inputs
def _(rng):
    return scored(rng)


@probe("SmoothedCrossEntropy", cases=2, rtol=CLOSE)
def has_the_gradient_of_the_chapter(s, scores, y, eps):
    leaf = as_tensor(scores).clone().requires_grad_(True)
    s.SmoothedCrossEntropy(eps)(leaf, as_tensor(y)).backward()
    return {"dscores": leaf.grad}


@has_the_gradient_of_the_chapter.inputs
def _(rng):
    return scored(rng)


@probe("SmoothedCrossEntropy", cases=1, rtol=CLOSE)
def is_the_plain_loss_for_eps_0(s, scores, y, eps):
    return {"loss": smoothed(s, scores, y, eps)}


@is_the_plain_loss_for_eps_0.inputs
def _(rng):
    return {**scored(rng), "eps": 0.0}


@probe("SmoothedCrossEntropy", cases=1, rtol=1e-4)  # targets of 32 bits, times a thousand
def bears_scores_of_a_thousand(s, scores, y, eps):
    return {
        "loss_of_scores_far_apart": smoothed(s, 400 * scores, y, eps),
        "loss_of_scores_near_a_thousand": smoothed(s, 1000 + scores, y, eps),
    }


@bears_scores_of_a_thousand.inputs
def _(rng):
    return scored(rng)


@probe("SmoothedCrossEntropy", cases=1, rtol=CLOSE)
def reads_eps_at_every_call(s, scores, y, eps, later):
    module = s.SmoothedCrossEntropy(eps)
    first = module(as_tensor(scores), as_tensor(y))
    module.eps = later
    return {"loss": first, "loss_with_another_eps": module(as_tensor(scores), as_tensor(y))}


@reads_eps_at_every_call.inputs
def _(rng):
    return {**scored(rng), "later": float(rng.uniform(0.4, 0.6))}


@probe("SmoothedCrossEntropy", cases=1, rtol=CLOSE)
def is_the_same_in_both_modes(s, scores, y, eps):
    module = s.SmoothedCrossEntropy(eps)
    found = {}
    for name, mode in (("training", True), ("evaluation", False)):
        found[f"loss_in_{name}"] = module.train(mode)(as_tensor(scores), as_tensor(y))
    return found


@is_the_same_in_both_modes.inputs
def _(rng):
    return scored(rng)


@probe("SmoothedCrossEntropy", cases=1, rtol=CLOSE, hidden=True)
def smooths_by_a_tenth_by_default(s, scores, y):
    return {"loss": s.SmoothedCrossEntropy()(as_tensor(scores), as_tensor(y))}


@smooths_by_a_tenth_by_default.inputs
def _(rng):
    given = scored(rng)
    return {"scores": given["scores"], "y": given["y"]}


def noise_on(s, sigma, p, x):
    """What the layer adds to x, and which images it changed."""
    added = s.GaussianNoise(sigma, p)(x) - x
    return added, (added != 0).reshape(len(x), -1)


def images_and_settings(rng, *shape):
    return {
        "x": rng.normal(2, 3, shape),
        "sigma": float(rng.uniform(0.3, 0.6)),
        "p": float(rng.uniform(0.27, 0.36)),
    }


@probe("GaussianNoise", cases=2)
def changes_whole_images_or_nothing(s, x, sigma, p, calls):
    layer, images = s.GaussianNoise(sigma, p), as_tensor(x)
    changed = [(layer(images) != images).flatten(2).double().mean(dim=2) for _ in range(calls)]
    shares = [each_channel.mean(dim=1) for each_channel in changed]
    return {
        "some_images_are_changed_in_part": truth(any(((c > 0) & (c < 1)).any() for c in shares)),
        "some_channels_are_changed_in_part": truth(any(((c > 0) & (c < 1)).any() for c in changed)),
        "some_call_changes_all_images": truth(any((c > 0).all() for c in shares)),
        "some_call_changes_no_image": truth(any((c == 0).all() for c in shares)),
    }


@changes_whole_images_or_nothing.inputs
def _(rng):
    return {**images_and_settings(rng, 70, 3, 1, 2), "calls": 40}


def noises(layer, images, calls):
    """What some calls add to images of two threes, (calls, images, 2), and which images are noisy."""
    import torch

    x = torch.full((images, 2), 3.0, dtype=torch.float64)
    added = torch.stack([layer(x.clone()) - x for _ in range(calls)])
    return added, (added != 0).any(dim=2)


def many_images(rng):
    """p and 1 - p, their roots, and sigma and its square are all far apart."""
    p, sigma = float(rng.uniform(0.22, 0.27)), float(rng.uniform(0.27, 0.35))
    return {"sigma": sigma, "p": p, "images": 30, "calls": 1500}


def spread(numbers):
    return numbers.std() if numbers.numel() > 1 else numbers.sum() * float("nan")


@probe("GaussianNoise", cases=1, rtol=0.12)
def has_the_right_size_and_shape(s, sigma, p, images, calls):
    added, noisy = noises(s.GaussianNoise(sigma, p), images, calls)
    z = added[noisy] / sigma
    return {
        "1_and_mean_over_std": 1 + z.mean() / spread(z),
        "std_over_sigma": spread(z),
        "1_and_tenfold_share_beyond_2_std": 1 + 10 * (z.abs() > 2 * spread(z)).double().mean(),
    }


@has_the_right_size_and_shape.inputs
def _(rng):
    return many_images(rng)


@has_the_right_size_and_shape.expect
def _(sigma, p, images, calls):
    return {"1_and_mean_over_std": 1.0, "std_over_sigma": 1.0, "1_and_tenfold_share_beyond_2_std": 1.455}


@probe("GaussianNoise", cases=1, rtol=0.12)
def tosses_a_coin_for_each_image(s, sigma, p, images, calls):
    noisy = noises(s.GaussianNoise(sigma, p), images, calls)[1].double()
    deviation = (images * p * (1 - p)) ** 0.5
    return {
        "share_of_noisy_images": noisy.mean(),
        "share_of_the_others": 1 - noisy.mean(),
        "spread_of_their_number": noisy.sum(dim=1).std(correction=0) / deviation,
        "some_place_is_nearly_never_hit": truth(noisy.mean(dim=0).min() < p / 2),
        "some_place_is_nearly_always_hit": truth(noisy.mean(dim=0).max() > (1 + p) / 2),
    }


@tosses_a_coin_for_each_image.inputs
def _(rng):
    return many_images(rng)


@tosses_a_coin_for_each_image.expect
def _(sigma, p, images, calls):
    never = {"some_place_is_nearly_never_hit": truth(False), "some_place_is_nearly_always_hit": truth(False)}
    shares = {"share_of_noisy_images": p, "share_of_the_others": 1 - p}
    return {**shares, "spread_of_their_number": 1.0, **never}


@probe("GaussianNoise", cases=2)
def draws_for_every_number_by_itself(s, x, sigma):
    added = noise_on(s, sigma, 1.0, as_tensor(x))[0]
    names = ("images", "channels", "rows", "columns")
    same = [(added == added.narrow(axis, 0, 1)).all() for axis in range(4)]
    return {f"all_{name}_get_the_same_noise": truth(v) for name, v in zip(names, same, strict=True)}


@draws_for_every_number_by_itself.inputs
def _(rng):
    return {"x": np.zeros((6, 3, 4, 5)), "sigma": images_and_settings(rng, 1)["sigma"]}


@probe("GaussianNoise", cases=1)
def draws_anew_at_every_call(s, x, sigma):
    import torch

    layer, images = s.GaussianNoise(sigma, 1.0), as_tensor(x)
    first, second, other = layer(images), layer(images), s.GaussianNoise(sigma, 1.0)(images)
    smaller = layer(images[:2])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(20_261_122)
        layer(images)
        kept = torch.initial_seed() == 20_261_122
    return {
        "a_second_call_adds_the_same": truth((first == second).all()),
        "another_layer_adds_the_same": truth((first == other).all()),
        "shape_of_a_smaller_batch": np.array(smaller.shape),
        "the_seed_is_the_same_afterwards": truth(kept),
    }


@draws_anew_at_every_call.inputs
def _(rng):
    given = images_and_settings(rng, 5, 2, 3, 4)
    return {"x": given["x"], "sigma": given["sigma"]}


@probe("GaussianNoise", cases=2)
def does_nothing_in_evaluation(s, x, sigma):
    layer = s.GaussianNoise(sigma, 1.0)
    images = as_tensor(x)
    layer(images)
    first, second = layer.eval()(images), layer(images)
    return {
        "something_is_added": truth(first.shape != images.shape or (first != images).any()),
        "two_answers_differ": truth((first != second).any()),
    }


@does_nothing_in_evaluation.inputs
def _(rng):
    given = images_and_settings(rng, 5, 2, 3, 4)
    return {"x": given["x"], "sigma": given["sigma"]}


@probe("GaussianNoise", cases=1)
def changes_nothing_for_sigma_0_or_p_0(s, x, sigma, p):
    images = as_tensor(x)
    return {
        "y_for_sigma_0": s.GaussianNoise(0.0, p)(images),
        "y_for_p_0": s.GaussianNoise(sigma, 0.0)(images),
    }


@changes_nothing_for_sigma_0_or_p_0.inputs
def _(rng):
    return images_and_settings(rng, 5, 2, 3, 4)


@probe("GaussianNoise", cases=1, rtol=0.12)
def asks_for_sigma_and_p_at_every_call(s, sigma, p, images, calls):
    layer = s.GaussianNoise(sigma, 1.0)
    noises(layer, images, 2)
    layer.sigma, layer.p = 7 * sigma, p
    added, noisy = noises(layer, images, calls)
    return {"std_over_sigma": spread(added[noisy]) / sigma, "share_of_noisy_images": noisy.double().mean()}


@asks_for_sigma_and_p_at_every_call.inputs
def _(rng):
    return many_images(rng)


@asks_for_sigma_and_p_at_every_call.expect
def _(sigma, p, images, calls):
    return {"std_over_sigma": 7.0, "share_of_noisy_images": p}


@probe("GaussianNoise", cases=1)
def takes_images_with_any_number_of_axes(s, sigma, p):
    import torch

    shapes = {"numbers": (400,), "features": (400, 3), "images": (400, 2, 1, 3), "films": (400, 2, 1, 3, 2)}
    found = {}
    for name, shape in shapes.items():
        added, changed = noise_on(s, sigma, p, torch.ones(shape))
        found |= {
            f"shape_of_{name}": np.array(added.shape),
            f"{name}_are_changed_in_part": truth((changed.any(dim=1) != changed.all(dim=1)).any()),
        }
    return found


@takes_images_with_any_number_of_axes.inputs
def _(rng):
    given = images_and_settings(rng, 1)
    return {"sigma": given["sigma"], "p": given["p"]}


@probe("GaussianNoise", cases=1)
def keeps_type_and_device(s, sigma, p, shape):
    import torch

    found = {}
    for bits, dtype in ((16, torch.float16), (32, torch.float32), (64, torch.float64)):
        y = s.GaussianNoise(sigma, p)(torch.ones(shape, dtype=dtype))
        found[f"bits_of_the_answer_to_{bits}"] = torch.finfo(y.dtype).bits
    return {**found, "it_draws_where_the_images_are": truth(draws_in_place(s.GaussianNoise(sigma, p), shape))}


def draws_in_place(layer, shape):
    """Would it work on a GPU? Nothing that was made without a device meets the images unmoved."""
    import torch
    from torch.overrides import TorchFunctionMode

    def tensors_in(things):
        parts = [part for t in things for part in (t if isinstance(t, (list, tuple)) else [t])]
        return [t for t in parts if isinstance(t, torch.Tensor)]

    class Watch(TorchFunctionMode):
        def __init__(self):
            super().__init__()
            self.lost, self.met = {}, False  # tensors on the default device, kept so that no id is used twice

        def __torch_function__(self, function, types, args=(), kwargs=None):
            kwargs, name = kwargs or {}, function.__name__
            found, given = function(*args, **kwargs), tensors_in([*args, *kwargs.values()])
            if not isinstance(found, torch.Tensor):
                return found
            lost = [t for t in given if id(t) in self.lost]
            to_where = tensors_in(args[1:]) or any(isinstance(o, (torch.device, str)) for o in args[1:])
            if name in ("to", "type_as") and (to_where or kwargs.keys() & {"device", "other"}):
                self.lost.pop(id(found), None)
                return found
            only_shapes = name in ("expand_as", "view_as", "reshape_as")
            free = only_shapes or name in ("__getitem__", "__setitem__", "copy_")
            mixed = len(lost) < len(given)
            self.met |= mixed and not free and any(t.ndim > 0 for t in lost)
            if (lost and (only_shapes or not mixed)) or (not given and kwargs.get("device") is None):
                self.lost[id(found)] = found
            return found

    with Watch() as watch:
        layer(torch.ones(shape, device="cpu"))
    return not watch.met


@keeps_type_and_device.inputs
def _(rng):
    given = images_and_settings(rng, 1)
    return {"sigma": given["sigma"], "p": given["p"], "shape": [6, 3, 4, 5]}


@probe("GaussianNoise", cases=1)
def lets_the_gradient_through(s, x, sigma, p, dout):
    leaf = as_tensor(x).clone().requires_grad_(True)
    s.GaussianNoise(sigma, p)(leaf).backward(as_tensor(dout))
    return {"dx": leaf.grad}


@lets_the_gradient_through.inputs
def _(rng):
    return {**images_and_settings(rng, 9, 2, 3, 4), "dout": rng.normal(size=(9, 2, 3, 4))}


@probe("GaussianNoise", cases=1, hidden=True)
def puts_noise_on_every_image_by_default(s, x, sigma):
    images = as_tensor(x)
    return {"unchanged_images": truth((s.GaussianNoise(sigma)(images) == images).flatten(1).all(dim=1).any())}


@puts_noise_on_every_image_by_default.inputs
def _(rng):
    given = images_and_settings(rng, 40, 3, 2)
    return {"x": given["x"], "sigma": given["sigma"]}


def wavering(first, second, mean, var, steps):
    """A network whose layers of a kind `Wavers` multiply by other numbers at each call, always the same,
    in training. Batch normalization is in it, and dropout that is not of that kind. Returns both."""
    from torch import nn

    class Wavers(nn.Module):
        def __init__(self, step):
            super().__init__()
            self.step, self.calls = step, 0

        def forward(self, x):
            if not self.training:
                return x
            self.calls += 1
            return x * (0.4 + self.step * self.calls)

    class WaversMore(Wavers):
        pass

    class Louder(nn.Module):
        def forward(self, x):
            return 1.5 * x if self.training else x

    def linear(weight):
        layer = nn.Linear(*weight.shape[::-1], bias=False).double()
        layer.weight.data = as_tensor(weight).clone()
        return layer

    norm = nn.BatchNorm1d(len(mean)).double()
    norm.running_mean, norm.running_var = as_tensor(mean).clone(), as_tensor(var).clone()
    body = nn.Sequential(norm, nn.Sequential(Wavers(steps[0])), nn.Tanh(), WaversMore(steps[1]))
    return nn.Sequential(Wavers(steps[2]), linear(first), body, Louder(), linear(second)), Wavers


def wavering_inputs(rng):
    return {
        "x": rng.normal(size=(5, 4)),
        "draws": int(rng.integers(3, 6)),
        "first": rng.normal(size=(6, 4)),
        "second": rng.normal(size=(3, 6)),
        "mean": rng.normal(size=6),
        "var": rng.uniform(0.5, 2, 6),
        "steps": rng.uniform(0.2, 0.7, 3),
    }


def marginal(s, net, x, draws, kind):
    import torch

    with torch.enable_grad():
        return s.predict_marginal(net, as_tensor(x), draws, kinds=(kind, torch.nn.Dropout3d))


@probe("predict_marginal", rtol=CLOSE)
def takes_the_mean_of_the_probabilities(s, x, draws, **network):
    found = {}
    for name, mode in (("training", True), ("evaluation", False)):
        net, kind = wavering(**network)
        found[f"mean_of_a_model_in_{name}"] = marginal(s, net.train(mode), x, draws, kind)
    return found


@takes_the_mean_of_the_probabilities.inputs
def _(rng):
    return wavering_inputs(rng)


@probe("predict_marginal", cases=1, rtol=CLOSE)
def takes_a_single_draw_and_none_that_is_random(s, x, draws, **network):
    import torch

    net, kind = wavering(**network)
    once = marginal(s, net, x, 1, kind)
    still = marginal(s, wavering(**network)[0], x, draws, torch.nn.Dropout2d)
    return {"one_draw": once, "no_random_layer": still}


@takes_a_single_draw_and_none_that_is_random.inputs
def _(rng):
    return wavering_inputs(rng)


@probe("predict_marginal", cases=1)
def puts_all_modes_back(s, x, draws, **network):
    found = {}
    for name in ("training", "evaluation", "mixed"):
        net, kind = wavering(**network)
        net.train(name != "evaluation")
        if name == "mixed":
            net[2][0].eval()
            net[2][3].eval()
        marginal(s, net, x, draws, kind)
        found[f"modes_of_a_model_in_{name}"] = np.array([module.training for module in net.modules()])
    return found


@puts_all_modes_back.inputs
def _(rng):
    return wavering_inputs(rng)


@probe("predict_marginal", cases=1, rtol=CLOSE)
def leaves_statistics_and_weights_alone(s, x, draws, **network):
    net, kind = wavering(**network)
    for w in net.parameters():
        w.grad = w.detach().cos()
    marginal(s, net, x, draws, kind)
    return {
        "running_mean": net[2][0].running_mean,
        "running_var": net[2][0].running_var,
        "weight": net[1].weight,
        "some_gradient_is_lost": truth(any(w.grad is None or not w.grad.any() for w in net.parameters())),
    }


@leaves_statistics_and_weights_alone.inputs
def _(rng):
    return wavering_inputs(rng)


@probe("predict_marginal", cases=1)
def has_no_graph_and_leaves_the_switches(s, x, draws, **network):
    import torch

    net, kind = wavering(**network)
    net[1].requires_grad_(False)
    kinds = (kind, torch.nn.Dropout3d)
    with torch.enable_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(20_261_123)
        mean = s.predict_marginal(net, as_tensor(x), draws, kinds=kinds)
        found = {
            "the_mean_has_a_graph": truth(mean.requires_grad),
            "gradients_are_switched_on": truth(torch.is_grad_enabled()),
            "weights_want_gradients": np.array([w.requires_grad for w in net.parameters()]),
            "the_seed_is_the_same": truth(torch.initial_seed() == 20_261_123),
        }
        with torch.no_grad():
            s.predict_marginal(net, as_tensor(x), draws, kinds=kinds)
            found["switched_on_where_they_were_off"] = truth(torch.is_grad_enabled())
        return found


@has_no_graph_and_leaves_the_switches.inputs
def _(rng):
    return wavering_inputs(rng)


@probe("predict_marginal", cases=1)
def calls_the_model_once_for_each_draw(s, x, draws, **network):
    net, kind = wavering(**network)
    sizes = []
    net.register_forward_hook(lambda module, given, scores: sizes.append(len(given[0])))
    marginal(s, net, x, draws, kind)
    return {"images_in_each_call": np.array(sizes)}


@calls_the_model_once_for_each_draw.inputs
def _(rng):
    return wavering_inputs(rng)


@probe("predict_marginal", cases=1, hidden=True)
def knows_the_dropout_layers_by_default(s, x, p):
    import torch
    from torch import nn

    net = nn.Sequential(nn.Dropout(p), nn.Flatten()).double().eval()
    with torch.enable_grad():
        mean = s.predict_marginal(net, as_tensor(x), 2)
    even = torch.full_like(mean, 1 / mean.shape[1])
    return {"everything_is_dropped": truth(torch.allclose(mean, even))}


@knows_the_dropout_layers_by_default.inputs
def _(rng):
    return {"x": rng.uniform(2, 5, (4, 3)) * np.array([1.0, -1.0, 2.0]), "p": 1.0}
