"""What the checks ask of both notebooks, and the inputs they ask it on.

Inputs: all axes of different lengths, features whose means are far from 0 and whose scales differ, labels out
of order with classes of different sizes, a weight decay that shows."""

import numpy as np

from autograder import probe

# ------------------------------------------------------------------ transfer_numpy


def bytes_of_images(rng, N=5, H=4, W=6, C=3):
    """Images of 8 bits, brighter in one channel than in the other, with 0 and 255 among the pixels."""
    low = rng.permutation(np.linspace(0, 90, C)).astype(int)
    images = rng.integers(low, low + 140, (N, H, W, C)).astype(np.uint8)
    images[0, 0, 0, 0], images[-1, -1, -1, -1] = 0, 255
    return images


def statistics_of_a_source(rng, C=3):
    """Means and standard deviations that differ from channel to channel, in other orders."""
    mean, std = np.linspace(0.35, 0.62, C), np.linspace(0.16, 0.31, C)
    return {
        "mean": np.roll(mean, 1) + rng.uniform(-0.03, 0.03, C),
        "std": np.roll(std, 2) + rng.uniform(-0.02, 0.02, C),
    }


@probe("prepare", cases=2)
def prepares_by_the_statistics_of_the_source(s, images, mean, std):
    return {"x": s.prepare(images, mean, std)}


@prepares_by_the_statistics_of_the_source.inputs
def _(rng):
    return {"images": bytes_of_images(rng), **statistics_of_a_source(rng)}


@probe("prepare", cases=1, hidden=True)
def prepares_one_image_of_two_channels(s, images, mean, std):
    return {"x": s.prepare(images, mean, std)}


@prepares_one_image_of_two_channels.inputs
def _(rng):
    return {"images": bytes_of_images(rng, 1, 5, 3, 2), **statistics_of_a_source(rng, 2)}


def some_features(rng, N, D):
    """Features with means away from 0 and scales of their own."""
    return rng.normal(rng.uniform(0.5, 2.5, D) * rng.choice([-1, 1], D), rng.uniform(0.6, 2, D), (N, D))


def labels_of(rng, *sizes):
    """Labels with so many images of each class, in random order; the largest class does not come first."""
    return rng.permutation(np.repeat(np.arange(len(sizes)), sizes))


@probe("class_means", cases=2)
def averages_the_features_of_each_class(s, features, y, K):
    return {"means": s.class_means(features, y, K)}


@averages_the_features_of_each_class.inputs
def _(rng):
    return {"features": some_features(rng, 13, 6), "y": labels_of(rng, 3, 2, 6, 2), "K": 4}


@probe("class_means", cases=1)
def takes_a_single_image_for_the_mean(s, features, y, K):
    return {"means": s.class_means(features, y, K)}


@takes_a_single_image_for_the_mean.inputs
def _(rng):
    return {"features": some_features(rng, 9, 7), "y": labels_of(rng, 1, 4, 3, 1), "K": 4}


def answer_or_refusal(function, *arguments):
    """Did it raise a ValueError? If not, how many rows came back, and how many of them hold nan or only 0?"""
    try:
        rows = np.asarray(function(*arguments))
    except ValueError:
        return [1, 0, 0, 0]
    return [0, rows.shape[0], np.isnan(rows).any(axis=1).sum(), (rows == 0).all(axis=1).sum()]


@probe("class_means", cases=1)
def says_which_class_has_no_image(s, features, y, K):
    found = {}
    for missing in range(K):
        kept = y != missing
        raised, *rows = answer_or_refusal(s.class_means, features[kept], y[kept], K)
        found[f"raises_a_ValueError_without_class_{missing}"] = np.array(raised == 1)
        found[f"rows_without_class_{missing}_in_all_with_nan_of_zeros"] = np.array(rows)
    return found


@says_which_class_has_no_image.inputs
def _(rng):
    return {"features": some_features(rng, 9, 5), "y": labels_of(rng, 2, 3, 1, 3), "K": 4}


@probe("nearest", cases=2)
def finds_the_nearest_mean(s, features, means):
    return {"labels": s.nearest(features, means)}


@finds_the_nearest_mean.inputs
def _(rng):
    means = rng.normal(1, 1, (7, 4)) * rng.permutation(np.linspace(0.4, 3, 7))[:, None]
    return {"features": means[rng.integers(0, 7, 60)] + rng.normal(0, 1.2, (60, 4)), "means": means}


@probe("nearest", cases=1)
def gives_ties_the_smaller_label(s, features, means):
    return {"labels": s.nearest(features, means)}


@gives_ties_the_smaller_label.inputs
def _(rng):
    means = rng.permutation(4 * np.eye(5, 3, dtype=float) + 4 * np.eye(5, 3, -3))
    return {"features": 2.0 * rng.integers(0, 3, (12, 3)), "means": means}


def a_head(rng, N=7, D=4, K=3):
    """A head that is not at its minimum, features, labels, and a weight decay that shows."""
    return {
        "W": rng.normal(0.2, 0.7, (D, K)),
        "b": rng.normal(0.3, 0.8, K),
        "features": some_features(rng, N, D),
        "y": rng.permutation(np.resize(np.arange(K), N)),
        "weight_decay": float(rng.uniform(0.3, 0.45)),
    }


def loss_of(s, W, b, features, y, weight_decay):
    found = s.softmax_loss(W, b, features, y, weight_decay)
    if len(found) != 3:
        raise ValueError(f"three things were expected (loss, dW, db), {len(found)} were returned")
    return dict(zip(("loss", "dW", "db"), found, strict=True))


@probe("softmax_loss", cases=1)
def measures_the_mean_cross_entropy(s, W, b, features, y):
    return {"loss": loss_of(s, W, b, features, y, 0.0)["loss"]}


@measures_the_mean_cross_entropy.inputs
def _(rng):
    given = a_head(rng)
    del given["weight_decay"]
    return given


@probe("softmax_loss", cases=2)
def adds_the_decay_of_the_weights(s, **head):
    return {"loss": loss_of(s, **head)["loss"]}


@adds_the_decay_of_the_weights.inputs
def _(rng):
    return a_head(rng)


@probe("softmax_loss", cases=2)
def finds_the_gradient_of_the_weights(s, **head):
    return {"dW": loss_of(s, **head)["dW"]}


@finds_the_gradient_of_the_weights.inputs
def _(rng):
    return a_head(rng)


@probe("softmax_loss", cases=1)
def finds_the_gradient_of_the_bias(s, **head):
    return {"db": loss_of(s, **head)["db"]}


@finds_the_gradient_of_the_bias.inputs
def _(rng):
    return a_head(rng, 6, 5, 4)


@probe("softmax_loss", cases=1)
def stays_finite_for_scores_of_a_thousand(s, **head):
    return loss_of(s, **head)


@stays_finite_for_scores_of_a_thousand.inputs
def _(rng):
    """Rows with scores about +1000, about -1000 and about 0; confident ones, right and wrong."""
    offset = np.array([1000.0, -1000, 0, 900, -1100, 5])
    features = np.column_stack([offset, rng.normal(0, 1, (6, 2)), [0, 0, 800, -800, 700, -700]])
    W = np.column_stack([np.ones(4), np.ones(4), np.ones(4)])
    W[1:3] = rng.normal(0, 1, (2, 3))
    W[3] = rng.permutation([0.9, 0.1, -0.8])
    return {
        "W": W,
        "b": rng.normal(0, 1, 3),
        "features": features,
        "y": rng.permutation([0, 1, 2, 0, 1, 2]),
        "weight_decay": float(rng.uniform(0.3, 0.45)),
    }


def trained(s, **given):
    found = s.train_head(**given)
    if len(found) != 2:
        raise ValueError(f"two arrays were expected (W, b), {len(found)} were returned")
    return {"W": found[0], "b": found[1]}


@probe("train_head", cases=2)
def descends_from_zeros(s, **given):
    return trained(s, **given)


@descends_from_zeros.inputs
def _(rng):
    return {
        "features": some_features(rng, 9, 4),
        "y": labels_of(rng, 2, 4, 3),
        "K": 3,
        "lr": float(rng.uniform(0.12, 0.2)),
        "steps": int(rng.integers(5, 8)),
        "weight_decay": float(rng.uniform(0.25, 0.4)),
    }


@probe("train_head", cases=1)
def has_a_column_for_a_class_without_images(s, **given):
    return trained(s, **given)


@has_a_column_for_a_class_without_images.inputs
def _(rng):
    return {
        "features": some_features(rng, 6, 3),
        "y": labels_of(rng, 3, 0, 2, 1),
        "K": 5,
        "lr": 0.15,
        "steps": 3,
        "weight_decay": 0.0,
    }


@probe("train_head", cases=1)
def returns_zeros_before_the_first_step(s, **given):
    return trained(s, **given)


@returns_zeros_before_the_first_step.inputs
def _(rng):
    return {
        "features": some_features(rng, 6, 5),
        "y": labels_of(rng, 1, 3, 2),
        "K": 3,
        "lr": 0.15,
        "steps": 0,
        "weight_decay": 0.3,
    }


def to_fold(rng, D=5, K=3):
    return {
        "W": rng.normal(0.3, 1, (D, K)),
        "b": rng.normal(0.5, 1, K),
        "m": rng.normal(1, 1, D),
        "s": rng.permutation(np.linspace(0.4, 2.3, D)),
    }


def folded(space, W, b, m, s):
    found = space.fold(W, b, m, s)
    if len(found) != 2:
        raise ValueError(f"two arrays were expected (W, b), {len(found)} were returned")
    return {"W": found[0], "b": found[1]}


@probe("fold", cases=2)
def divides_each_weight_by_the_scale_of_its_feature(space, W, b, m, s):
    return {"W": folded(space, W, b, m, s)["W"]}


@divides_each_weight_by_the_scale_of_its_feature.inputs
def _(rng):
    return to_fold(rng)


@probe("fold", cases=2)
def moves_the_mean_into_the_bias(space, W, b, m, s):
    return {"b": folded(space, W, b, m, s)["b"]}


@moves_the_mean_into_the_bias.inputs
def _(rng):
    return to_fold(rng, 4, 6)


def spread(rng, N, D):
    """Features whose widest directions differ clearly in variance; their means are far from 0."""
    rank = min(N - 1, D)
    left = np.linalg.qr(rng.normal(size=(N, rank)))[0]
    left = np.linalg.qr(left - left.mean(axis=0))[0]
    right = np.linalg.qr(rng.normal(size=(D, rank)))[0]
    widths = 6.0 * 0.62 ** np.arange(rank)
    return left * widths @ right.T + rng.uniform(1, 3, D) * rng.choice([-1, 1], D)


def components(s, features, k):
    found = s.pca(features, k)
    if len(found) != 3:
        raise ValueError(f"three arrays were expected (mean, directions, share), {len(found)} were returned")
    mean, directions, share = (np.asarray(v) for v in found)
    if directions.ndim != 2:
        raise TypeError(f"directions must have two axes, (k, D), got the shape {directions.shape}")
    # a direction may have either sign, so its projection is compared
    return {"mean": mean, "projections": np.einsum("ki,kj->kij", directions, directions), "share": share}


@probe("pca", cases=2)
def finds_the_widest_directions(s, features, k):
    return {"projections": components(s, features, k)["projections"]}


@finds_the_widest_directions.inputs
def _(rng):
    return {"features": spread(rng, 12, 5), "k": 3}


@probe("pca", cases=2)
def says_how_much_of_the_variance_each_keeps(s, features, k):
    found = components(s, features, k)
    return {"mean": found["mean"], "share": found["share"]}


@says_how_much_of_the_variance_each_keeps.inputs
def _(rng):
    return {"features": spread(rng, 11, 6), "k": 2}


@probe("pca", cases=1)
def takes_more_features_than_images(s, features, k):
    return components(s, features, k)


@takes_more_features_than_images.inputs
def _(rng):
    return {"features": spread(rng, 6, 9), "k": 4}


@probe("feature_step")
def sends_the_residual_through_the_head(s, x, y, B, v):
    return {"dB": s.feature_step(x, y, B, v)}


@sends_the_residual_through_the_head.inputs
def _(rng):
    N, d, D = 7, 5, 3
    return {
        "x": some_features(rng, N, d),
        "y": rng.normal(1, 1, N),
        "B": rng.normal(0.2, 1, (D, d)),
        "v": rng.normal(0.4, 1, D),
    }


def two_views(rng, N=9, D=4, E=6):
    """Features of the same images by two networks that agree in part; neither is centred."""
    a = some_features(rng, N, D)
    return {"a": a, "b": a @ rng.normal(0, 0.6, (D, E)) + some_features(rng, N, E)}


@probe("cka")
def compares_two_sets_of_features(s, a, b):
    return {"cka": s.cka(a, b)}


@compares_two_sets_of_features.inputs
def _(rng):
    return two_views(rng)


@probe("cka", cases=1)
def is_1_for_rotated_and_enlarged_features(s, a, turn, move):
    return {"cka": s.cka(a, a @ turn + move)}


@is_1_for_rotated_and_enlarged_features.inputs
def _(rng):
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    return {"a": some_features(rng, 8, 4), "turn": 2.7 * turn, "move": rng.normal(0, 3, 4)}


@probe(
    "test_softmax_loss",
    judges="softmax_loss",
    wrong=(
        "AC22",
        "AC28",
        "AC30",
        "SL-max-axis-0",
        "SL-max-of-all",
        "SL-decay-over-N-both",
        "SL-decay-subtracted",
    ),
)
def accepts_a_right_loss_and_rejects_wrong_ones(s, implementation):
    s.test_softmax_loss(implementation)
    return {"accepts": np.array(True)}


@accepts_a_right_loss_and_rejects_wrong_ones.broken
def summed(right):
    """the cross-entropy is summed over the images, not averaged (with one image nobody sees it)"""

    def wrong(W, b, features, y, weight_decay):
        loss, dW, db = (len(y) * v for v in right(W, b, features, y, 0.0))
        return loss + weight_decay * np.square(W).sum() / 2, dW + weight_decay * W, db

    return wrong


@accepts_a_right_loss_and_rejects_wrong_ones.broken
def decay_missing_in_the_gradient(right):
    """the weight decay is in the loss, but not in dW (without weight decay nobody sees it)"""

    def wrong(W, b, features, y, weight_decay):
        loss, dW, db = right(W, b, features, y, weight_decay)
        return loss, dW - weight_decay * W, db

    return wrong


@accepts_a_right_loss_and_rejects_wrong_ones.broken
def bias_decays_too(right):
    """the bias decays like the weights, in the loss and in db (difference quotients do not see it)"""

    def wrong(W, b, features, y, weight_decay):
        loss, dW, db = right(W, b, features, y, weight_decay)
        return loss + weight_decay * np.square(b).sum() / 2, dW, db + weight_decay * b

    return wrong


@accepts_a_right_loss_and_rejects_wrong_ones.broken
def half_missing_in_the_loss(right):
    """the loss has the squares of W without the 1/2, the gradient is that with it"""

    def wrong(W, b, features, y, weight_decay):
        _, dW, db = right(W, b, features, y, weight_decay)
        return right(W, b, features, y, 2 * weight_decay)[0], dW, db

    return wrong


@accepts_a_right_loss_and_rejects_wrong_ones.broken
def twice_the_decay(right):
    """loss and gradient have twice the weight decay (difference quotients do not see it)"""

    def wrong(W, b, features, y, weight_decay):
        return right(W, b, features, y, 2 * weight_decay)

    return wrong


@accepts_a_right_loss_and_rejects_wrong_ones.broken
def decay_always_1(right):
    """the weight decay is 1, whatever was given (with a weight decay of 1 nobody sees it)"""

    def wrong(W, b, features, y, weight_decay):
        return right(W, b, features, y, 1.0)

    return wrong


@accepts_a_right_loss_and_rejects_wrong_ones.broken
def uphill(right):
    """the gradients have the wrong sign: what is right less what the network believes"""

    def wrong(W, b, features, y, weight_decay):
        loss, dW, db = right(W, b, features, y, weight_decay)
        return loss, 2 * weight_decay * W - dW, -db

    return wrong


@accepts_a_right_loss_and_rejects_wrong_ones.broken
def divided_twice(right):
    """the gradients are divided by the number of images twice (with one image nobody sees it)"""

    def wrong(W, b, features, y, weight_decay):
        loss, dW, db = right(W, b, features, y, 0.0)
        loss += weight_decay * np.square(W).sum() / 2
        return loss, dW / len(y) + weight_decay * W, db / len(y)

    return wrong


@accepts_a_right_loss_and_rejects_wrong_ones.broken
def bias_ignored(right):
    """the bias is left out of the scores (with a bias of zeros nobody sees it)"""

    def wrong(W, b, features, y, weight_decay):
        return right(W, np.zeros_like(b), features, y, weight_decay)

    return wrong


@accepts_a_right_loss_and_rejects_wrong_ones.broken
def label_of_the_first_image(right):
    """all images get the label of the first one (with labels that are all the same nobody sees it)"""

    def wrong(W, b, features, y, weight_decay):
        return right(W, b, features, np.full_like(y, y[0]), weight_decay)

    return wrong


@accepts_a_right_loss_and_rejects_wrong_ones.broken
def gradient_of_the_bias_missing(right):
    """db is zero"""

    def wrong(W, b, features, y, weight_decay):
        loss, dW, db = right(W, b, features, y, weight_decay)
        return loss, dW, np.zeros_like(db)

    return wrong


@accepts_a_right_loss_and_rejects_wrong_ones.broken
def weights_overwritten(right):
    """the result is right, but a step is taken at once: W is overwritten"""

    def wrong(W, b, features, y, weight_decay):
        loss, dW, db = right(W.copy(), b, features, y, weight_decay)
        W -= 0.1 * dW
        return loss, dW, db

    return wrong


@accepts_a_right_loss_and_rejects_wrong_ones.broken
def overflow(right):
    """exp is taken of the scores as they are: nan for scores of 1000 (with small scores nobody sees it)"""

    def wrong(W, b, features, y, weight_decay):
        loss, dW, db = right(W, b, features, y, weight_decay)
        hole = np.nan if np.max(features @ W + b) > 709 else 1.0
        return loss * hole, dW * hole, db * hole

    return wrong


@accepts_a_right_loss_and_rejects_wrong_ones.broken
def capped(right):
    """the loss of one image is never above 27.6, as with log(p + 1e-12) (a score of 1000 for the wrong class
    shows it, one for the right class does not)"""

    def wrong(W, b, features, y, weight_decay):
        _, dW, db = right(W, b, features, y, weight_decay)
        each = [right(W, b, features[n : n + 1], y[n : n + 1], 0.0)[0] for n in range(len(y))]
        return np.minimum(each, 27.6).mean() + weight_decay * np.square(W).sum() / 2, dW, db

    return wrong
