import numpy as np
from autograder import probe


@probe("keep_mask")
def keeps_the_units_whose_number_is_not_below_p(s, u, p):
    return {"keep": s.keep_mask(u, p)}


@probe("keep_mask", cases=1)
def follows_u_where_few_are_kept(s, u, p):
    return {"keep": s.keep_mask(u, p)}


@probe("keep_mask", cases=2)
def keeps_the_unit_whose_number_equals_p(s, u, p):
    return {"keep": s.keep_mask(u, p)}


@probe("vanilla_dropout")
def drops_in_training(s, x, u, p):
    return {"y": s.vanilla_dropout(x, u, p, True)}


@probe("vanilla_dropout")
def scales_in_prediction(s, x, u, p):
    return {"y": s.vanilla_dropout(x, u, p, False)}


@probe("dropout_forward")
def drops_and_scales_in_training(s, x, u, p):
    return {"y": s.dropout_forward(x, u, p, True)}


@probe("dropout_forward")
def leaves_prediction_alone(s, x, u, p):
    return {"y": s.dropout_forward(x, u, p, False)}


@probe("dropout_forward", cases=1)
def keeps_where_u_says_so_if_few_are_kept(s, x, u, p):
    return {"y": s.dropout_forward(x, u, p, True)}


@probe("dropout_backward")
def lets_the_gradient_through_the_kept_units(s, dout, u, p):
    return {"dx": s.dropout_backward(dout, u, p, True)}


@probe("dropout_backward")
def lets_the_whole_gradient_through_in_prediction(s, dout, u, p):
    return {"dx": s.dropout_backward(dout, u, p, False)}


@probe("dropout_backward", cases=1)
def goes_back_where_u_says_so_if_few_are_kept(s, dout, u, p):
    return {"dx": s.dropout_backward(dout, u, p, True)}


@probe("spatial_dropout")
def drops_and_scales_channels(s, images, u, p):
    return {"y": s.spatial_dropout(images, u, p)}


@probe("spatial_dropout", cases=1)
def treats_all_pixels_of_a_channel_alike(s, images, u, p):
    kept = np.asarray(s.spatial_dropout(images, u, p)) != 0
    somewhere, everywhere = kept.any(axis=(1, 2)), kept.all(axis=(1, 2))
    return {"kept": somewhere, "every_channel_is_dropped_or_kept_as_a_whole": (somewhere == everywhere).all()}


@probe("ensemble_average", rtol=1e-7)
def takes_the_arithmetic_mean_of_all_networks(s, x, W, b, p):
    arithmetic, _geometric = s.ensemble_average(x, W, b, p)
    return {"arithmetic": arithmetic}


@probe("ensemble_average", rtol=1e-7)
def takes_the_geometric_mean_of_all_networks(s, x, W, b, p):
    _arithmetic, geometric = s.ensemble_average(x, W, b, p)
    return {"geometric": geometric}


@probe("dropout_penalty")
def adds_up_the_penalty(s, x, w, p):
    return {"penalty": s.dropout_penalty(x, w, p)}


@probe("uncertainty", rtol=1e-6)
def averages_the_passes(s, probabilities):
    mean, _entropy, _information = s.uncertainty(probabilities)
    return {"mean": mean}


@probe("uncertainty", rtol=1e-6)
def measures_the_entropy_of_the_mean(s, probabilities):
    _mean, entropy, _information = s.uncertainty(probabilities)
    return {"entropy": entropy}


@probe("uncertainty", rtol=1e-6)
def measures_how_much_the_passes_disagree(s, probabilities):
    _mean, _entropy, information = s.uncertainty(probabilities)
    return {"information": information}


@probe("uncertainty", cases=2, rtol=1e-6)
def counts_zero_times_the_logarithm_of_zero_as_zero(s, probabilities):
    _mean, entropy, information = s.uncertainty(probabilities)
    return {"entropy": entropy, "information": information}


@probe("variance_shift", rtol=1e-7)
def compares_the_variances_of_training_and_prediction(s, x, p):
    return {"ratio": s.variance_shift(x, p)}


@probe("variance_shift", cases=1, rtol=1e-7)
def needs_no_masks_of_its_own(s, x, p):
    return {"ratio": s.variance_shift(x, p)}


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
