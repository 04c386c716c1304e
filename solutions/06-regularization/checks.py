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
    return {"is_zero": np.asarray(s.soft_threshold(v, t)) == 0}


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


# ------------------------------------------------------------------ labels


def classified(rng, N=7, K=4):
    """Scores and classes; every class is there, in no order."""
    y = rng.permutation(np.arange(N) % K)
    return {"scores": rng.normal(0, 1.5, (N, K)), "y": y, "eps": float(rng.uniform(0.15, 0.35))}


# rtol 1e-7 below: the order of sums is free, and 1 - eps + eps / K may be computed in many ways
@probe("smoothed_cross_entropy", rtol=1e-7)
def compares_with_the_smoothed_labels(s, scores, y, eps):
    loss, _dscores = s.smoothed_cross_entropy(scores, y, eps)
    return {"loss": loss}


@compares_with_the_smoothed_labels.inputs
def _(rng):
    return classified(rng)


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
    given["scores"][2, rng.integers(5)] = 800.0
    given["scores"][5, rng.integers(5)] = -800.0
    return given
