"""What the checks ask of the NumPy notebook, and the inputs they ask it on.

Inputs: all axes of different lengths, p far from a half, inputs of both signs and an exact zero, random
upstream gradients, masks whose share of kept units is not 1 - p and in which rows and columns differ."""

import numpy as np

from autograder import probe


def share(rng):
    """A probability of dropping that is far from 0, from a half and from 1."""
    return float(rng.choice([rng.uniform(0.2, 0.35), rng.uniform(0.65, 0.8)]))


def decisions(rng, p, N, D):
    """Uniform numbers (N, D) that no two ways of deciding treat alike."""
    while True:
        u = rng.random((N, D))
        keep = u >= p
        telling = (
            0.05 < abs(keep.mean() - (1 - p)) < 0.2,
            (u < min(p, 1 - p)).sum() > 1 and (u > max(p, 1 - p)).sum() > 1,
            ((u > min(p, 1 - p)) & (u < max(p, 1 - p))).sum() > 2,
            0 < keep[0].sum() < D and 0 < keep[:, 0].sum() < N and 0 < keep[-1].sum() < D,
            (keep[0] != keep[-1]).any(),
            min(abs(u - p).min(), abs(u - 1 + p).min(), abs(u - 0.5).min()) > 1e-3,
        )
        if all(telling):
            return u


FEW = 2.0**-20  # so few units are kept that numbers of one's own keep none; exact in single precision, too


def few_kept(rng, N, D):
    """Uniform numbers (N, D) on all sides of FEW and of 1 - FEW, in the first row and column, too."""
    kinds = np.array([FEW / 4, 0.3, 0.7, 1 - FEW / 4])
    return kinds[(rng.permutation(N)[:, None] + rng.permutation(D)) % 4]


def activations(rng, *shape):
    """Numbers of both signs, none near zero but one, which is zero."""
    x = rng.uniform(0.5, 4, shape) * rng.choice([-1.0, 1.0], shape)
    x.flat[rng.integers(x.size)] = 0.0
    return x


@probe("keep_mask")
def keeps_the_units_whose_number_is_not_below_p(s, u, p):
    return {"keep": s.keep_mask(u, p)}


@keeps_the_units_whose_number_is_not_below_p.inputs
def _(rng):
    p = share(rng)
    return {"u": decisions(rng, p, 5, 4), "p": p}


@probe("keep_mask", cases=1)
def follows_u_where_few_are_kept(s, u, p):
    return {"keep": s.keep_mask(u, p)}


@follows_u_where_few_are_kept.inputs
def _(rng):
    return {"u": few_kept(rng, 5, 4), "p": 1 - FEW}


@probe("keep_mask", cases=2)
def keeps_the_unit_whose_number_equals_p(s, u, p):
    return {"keep": s.keep_mask(u, p)}


@keeps_the_unit_whose_number_equals_p.inputs
def _(rng):
    p = float(rng.choice([0.25, 0.75]))  # 1 - p is exact, too
    u = decisions(rng, p, 5, 4)
    u[rng.integers(5), rng.integers(4)] = p
    return {"u": u, "p": p}


def layer_inputs(rng, name="x"):
    p = share(rng)
    return {name: activations(rng, 5, 4), "u": decisions(rng, p, 5, 4), "p": p}


@probe("vanilla_dropout")
def drops_in_training(s, x, u, p):
    return {"y": s.vanilla_dropout(x, u, p, True)}


@drops_in_training.inputs
def _(rng):
    return layer_inputs(rng)


@probe("vanilla_dropout")
def scales_in_prediction(s, x, u, p):
    return {"y": s.vanilla_dropout(x, u, p, False)}


@scales_in_prediction.inputs
def _(rng):
    return layer_inputs(rng)


@probe("vanilla_dropout", cases=1, hidden=True)
def predicts_without_numbers(s, x, p):
    return {"y": s.vanilla_dropout(x, None, p, False)}


@predicts_without_numbers.inputs
def _(rng):
    return {"x": activations(rng, 5, 4), "p": share(rng)}


@probe("dropout_forward")
def drops_and_scales_in_training(s, x, u, p):
    return {"y": s.dropout_forward(x, u, p, True)}


@drops_and_scales_in_training.inputs
def _(rng):
    return layer_inputs(rng)


@probe("dropout_forward")
def leaves_prediction_alone(s, x, u, p):
    return {"y": s.dropout_forward(x, u, p, False)}


@leaves_prediction_alone.inputs
def _(rng):
    return layer_inputs(rng)


@probe("dropout_forward", cases=1)
def keeps_where_u_says_so_if_few_are_kept(s, x, u, p):
    return {"y": s.dropout_forward(x, u, p, True)}


@keeps_where_u_says_so_if_few_are_kept.inputs
def _(rng):
    return {"x": activations(rng, 5, 4), "u": few_kept(rng, 5, 4), "p": 1 - FEW}


@probe("dropout_backward")
def lets_the_gradient_through_the_kept_units(s, dout, u, p):
    return {"dx": s.dropout_backward(dout, u, p, True)}


@lets_the_gradient_through_the_kept_units.inputs
def _(rng):
    return layer_inputs(rng, "dout")


@probe("dropout_backward")
def lets_the_whole_gradient_through_in_prediction(s, dout, u, p):
    return {"dx": s.dropout_backward(dout, u, p, False)}


@lets_the_whole_gradient_through_in_prediction.inputs
def _(rng):
    return layer_inputs(rng, "dout")


@probe("dropout_backward", cases=1)
def goes_back_where_u_says_so_if_few_are_kept(s, dout, u, p):
    return {"dx": s.dropout_backward(dout, u, p, True)}


@goes_back_where_u_says_so_if_few_are_kept.inputs
def _(rng):
    return {"dout": activations(rng, 5, 4), "u": few_kept(rng, 5, 4), "p": 1 - FEW}


@probe("spatial_dropout")
def drops_and_scales_channels(s, images, u, p):
    return {"y": s.spatial_dropout(images, u, p)}


@drops_and_scales_channels.inputs
def _(rng):
    p = share(rng)
    return {"images": activations(rng, 4, 3, 5, 6), "u": decisions(rng, p, 4, 6), "p": p}


@probe("spatial_dropout", cases=1)
def treats_all_pixels_of_a_channel_alike(s, images, u, p):
    kept = np.asarray(s.spatial_dropout(images, u, p)) != 0
    somewhere, everywhere = kept.any(axis=(1, 2)), kept.all(axis=(1, 2))
    return {"kept": somewhere, "every_channel_is_dropped_or_kept_as_a_whole": (somewhere == everywhere).all()}


@treats_all_pixels_of_a_channel_alike.inputs
def _(rng):
    p = float(rng.uniform(0.2, 0.35))
    return {"images": rng.uniform(1, 4, (4, 7, 5, 6)), "u": decisions(rng, p, 4, 6), "p": p}


def small_network(rng, D=4, K=3):
    return {
        "x": rng.uniform(0.5, 1.5, D) * rng.choice([-1.0, 1.0], D),
        "W": rng.normal(0, 1.3, (D, K)),
        "b": rng.permutation(np.linspace(-0.8, 0.9, K)),
        "p": share(rng),
    }


# rtol 1e-7 below: the order of products and sums is free
@probe("ensemble_average", rtol=1e-7)
def takes_the_arithmetic_mean_of_all_networks(s, x, W, b, p):
    arithmetic, _geometric = s.ensemble_average(x, W, b, p)
    return {"arithmetic": arithmetic}


@takes_the_arithmetic_mean_of_all_networks.inputs
def _(rng):
    return small_network(rng)


@probe("ensemble_average", rtol=1e-7)
def takes_the_geometric_mean_of_all_networks(s, x, W, b, p):
    _arithmetic, geometric = s.ensemble_average(x, W, b, p)
    return {"geometric": geometric}


@takes_the_geometric_mean_of_all_networks.inputs
def _(rng):
    return small_network(rng)


@probe("dropout_penalty")
def adds_up_the_penalty(s, x, w, p):
    return {"penalty": s.dropout_penalty(x, w, p)}


@adds_up_the_penalty.inputs
def _(rng):
    w = rng.permutation(np.linspace(0.4, 1.9, 4)) * rng.choice([-1.0, 1.0], 4)
    scale = rng.permutation(np.geomspace(0.5, 2, 4))
    return {"x": scale * rng.normal(0.7, 1, (7, 4)), "w": w, "p": share(rng)}


def votes(rng, T=6, N=4, K=3):
    """Probabilities (T, N, K) of passes that agree about some examples and disagree about others."""
    logits = 2 * rng.normal(size=(1, N, K)) + np.linspace(0.3, 2, N)[:, None] * rng.normal(size=(T, N, K))
    weights = np.exp(logits)
    return weights / weights.sum(axis=-1, keepdims=True)


# rtol 1e-6 below: a tiny number inside the logarithm is right, too
@probe("uncertainty", rtol=1e-6)
def averages_the_passes(s, probabilities):
    mean, _entropy, _information = s.uncertainty(probabilities)
    return {"mean": mean}


@averages_the_passes.inputs
def _(rng):
    return {"probabilities": votes(rng)}


@probe("uncertainty", rtol=1e-6)
def measures_the_entropy_of_the_mean(s, probabilities):
    _mean, entropy, _information = s.uncertainty(probabilities)
    return {"entropy": entropy}


@measures_the_entropy_of_the_mean.inputs
def _(rng):
    return {"probabilities": votes(rng)}


@probe("uncertainty", rtol=1e-6)
def measures_how_much_the_passes_disagree(s, probabilities):
    _mean, _entropy, information = s.uncertainty(probabilities)
    return {"information": information}


@measures_how_much_the_passes_disagree.inputs
def _(rng):
    return {"probabilities": votes(rng)}


@probe("uncertainty", cases=2, rtol=1e-6)
def counts_zero_times_the_logarithm_of_zero_as_zero(s, probabilities):
    _mean, entropy, information = s.uncertainty(probabilities)
    return {"entropy": entropy, "information": information}


@counts_zero_times_the_logarithm_of_zero_as_zero.inputs
def _(rng):
    probabilities = votes(rng, T=5)
    probabilities[:, 0, rng.integers(3)] = 0  # no pass believes in this class
    probabilities[1:3, 1, rng.integers(3)] = 0  # two passes do not
    return {"probabilities": probabilities / probabilities.sum(axis=-1, keepdims=True)}


# rtol 1e-7: the variance as a difference of moments is right
@probe("variance_shift", rtol=1e-7)
def compares_the_variances_of_training_and_prediction(s, x, p):
    return {"ratio": s.variance_shift(x, p)}


@compares_the_variances_of_training_and_prediction.inputs
def _(rng):
    scale = rng.permutation(np.linspace(0.6, 1.8, 4))
    centre = rng.permutation(np.array([-2.0, -0.8, 0.9, 2.3])) + rng.uniform(-0.1, 0.1, 4)
    return {"x": centre + scale * rng.normal(size=(9, 4)), "p": share(rng)}


# so few units are kept that masks of one's own keep none
@probe("variance_shift", cases=1, rtol=1e-7)
def needs_no_masks_of_its_own(s, x, p):
    return {"ratio": s.variance_shift(x, p)}


@needs_no_masks_of_its_own.inputs
def _(rng):
    return {"x": rng.uniform(-2, 3, (9, 4)), "p": 1 - 2.0**-24}  # exact in single precision, too


@probe(
    "test_dropout",
    judges="dropout_forward",
    wrong=(
        "DO1",
        "DO2",
        "DO3",
        "DO3b",
        "DO4",
        "DO5",
        "DO6",
        "DO11",
        "DO-shared",
        "DO-root",
        "DO-measured",
        "DO-order",
        "DO-flag",
    ),
)
def accepts_a_right_dropout_and_rejects_wrong_ones(s, implementation):
    s.test_dropout(implementation)
    return {"accepts": np.array(True)}


@accepts_a_right_dropout_and_rejects_wrong_ones.broken
def unscaled(right):
    """the survivors are not divided by 1 - p in training"""

    def wrong(x, u, p, training):
        return right(x, u, p, training) * (1 - p if training else 1)

    return wrong


@accepts_a_right_dropout_and_rejects_wrong_ones.broken
def divided_by_p(right):
    """the survivors are divided by p (with p = 0.5 nobody sees it)"""

    def wrong(x, u, p, training):
        return right(x, u, p, training) * ((1 - p) / p if training else 1)

    return wrong


@accepts_a_right_dropout_and_rejects_wrong_ones.broken
def other_probability(right):
    """p is taken for the probability of keeping (with p = 0.5 nobody sees it)"""

    def wrong(x, u, p, training):
        return right(x, u, 1 - p, training)

    return wrong


@accepts_a_right_dropout_and_rejects_wrong_ones.broken
def exchanged(right):
    """the units that should be kept are dropped, and the others are kept"""

    def wrong(x, u, p, training):
        return x / (1 - p) - right(x, u, p, training) if training else right(x, u, p, training)

    return wrong


@accepts_a_right_dropout_and_rejects_wrong_ones.broken
def scaled_in_prediction(right):
    """prediction is scaled by 1 - p, although training was scaled already"""

    def wrong(x, u, p, training):
        return right(x, u, p, training) * (1 if training else 1 - p)

    return wrong


@accepts_a_right_dropout_and_rejects_wrong_ones.broken
def active_in_prediction(right):
    """units are dropped in prediction, too"""

    def wrong(x, u, p, training):
        return right(x, u, p, True)

    return wrong


@accepts_a_right_dropout_and_rejects_wrong_ones.broken
def never_active(right):
    """nothing is ever dropped"""

    def wrong(x, u, p, training):
        return right(x, u, p, False)

    return wrong


@accepts_a_right_dropout_and_rejects_wrong_ones.broken
def one_decision_per_example(right):
    """all units of an example share one decision (with one unit per example nobody sees it)"""

    def wrong(x, u, p, training):
        return right(x, np.broadcast_to(u[:, :1], u.shape), p, training)

    return wrong


@accepts_a_right_dropout_and_rejects_wrong_ones.broken
def one_decision_per_unit(right):
    """all examples share one mask (with one example nobody sees it)"""

    def wrong(x, u, p, training):
        return right(x, np.broadcast_to(u[:1], u.shape), p, training)

    return wrong


@accepts_a_right_dropout_and_rejects_wrong_ones.broken
def numbers_of_its_own(right):
    """it draws numbers of its own instead of using u"""

    def wrong(x, u, p, training):
        return right(x, np.random.default_rng(7).random(u.shape), p, training)

    return wrong
