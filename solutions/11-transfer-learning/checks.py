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


@probe("prepare", cases=1)
def prepares_images_without_black_and_white_pixels(s, images, mean, std):
    return {"x": s.prepare(images, mean, std)}


@prepares_images_without_black_and_white_pixels.inputs
def _(rng):
    dark = rng.integers(20, 130, (4, 5, 3, 3)).astype(np.uint8)
    return {"images": dark, **statistics_of_a_source(rng)}


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
    """Did it raise a ValueError, and with a word? If not, how many rows came back, and how many of them hold
    nan or only 0?"""
    try:
        rows = np.asarray(function(*arguments))
    except ValueError as error:
        return [1, bool(str(error).strip()), 0, 0, 0]
    return [0, 0, rows.shape[0], np.isnan(rows).any(axis=1).sum(), (rows == 0).all(axis=1).sum()]


@probe("class_means", cases=1)
def says_which_class_has_no_image(s, features, y, K):
    found = {"means_of_all_classes": s.class_means(features, y, K)}  # an error here is no refusal
    for missing in range(K):
        kept = y != missing
        raised, said, *rows = answer_or_refusal(s.class_means, features[kept], y[kept], K)
        found[f"raises_a_ValueError_without_class_{missing}"] = np.array(raised == 1)
        found[f"its_sentence_says_something_without_class_{missing}"] = np.array(said == 1)
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
    """Whole numbers, and so are the means of both arrays: ties stay exact where a solution moves both."""
    means = rng.permutation(10 * np.eye(5, 3, dtype=float) + 10 * np.eye(5, 3, -3))
    half = 5.0 * rng.integers(0, 3, (7, 3))
    return {"features": rng.permutation(np.vstack([half, 10 - half])), "means": means}


def returned(found, *names):
    """By name, what a function returned; where it is not so many things, an error that says what came."""
    expected = f"{('two', 'three')[len(names) - 2]} things were expected ({', '.join(names)})"
    if found is None:
        raise TypeError(f"{expected}, None was returned: is a `return` missing?")
    if not isinstance(found, (tuple, list)):
        raise TypeError(f"{expected}, one {'array' if np.ndim(found) else 'number'} was returned")
    if len(found) != len(names):
        raise ValueError(f"{expected}, {len(found)} were returned")
    return dict(zip(names, found, strict=True))


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
    return returned(s.softmax_loss(W, b, features, y, weight_decay), "loss", "dW", "db")


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
def stays_finite_for_scores_of_a_thousand(s, W, b, y, weight_decay, **batches):
    return {
        f"{name}_for_scores_{batch}": value
        for batch, features in batches.items()
        for name, value in loss_of(s, W, b, features, y, weight_decay).items()
    }


@stays_finite_for_scores_of_a_thousand.inputs
def _(rng):
    """Three batches. Feature 0 moves all scores of an image, feature 3 pulls them apart. In the last batch an
    image has the label of its smallest score, another one that of its largest."""
    W = np.ones((4, 3))
    W[1:3] = rng.normal(0, 1, (2, 3))
    W[3] = rng.permutation([0.9, 0.1, -0.8])
    low, high = W[3].argmin(), W[3].argmax()

    def batch(together, apart):
        return np.column_stack([together, rng.normal(0, 1, (3, 2)), apart])

    return {
        "W": W,
        "b": rng.normal(0, 1, 3),
        "y": np.array([low, high, 3 - low - high]),
        "weight_decay": float(rng.uniform(0.3, 0.45)),
        "near_1000": batch([1000.0, 990, 1010], 0.0 * np.ones(3)),
        "near_1000_and_near_minus_1000": batch([1000.0, -1000, 3], 0.0 * np.ones(3)),
        "a_thousand_apart": batch([0.0, 0, 0], [900.0, 850, -800]),
    }


@probe("softmax_loss", cases=1)
def takes_a_batch_that_lacks_a_class(s, W, b, weight_decay, **batches):
    found = {}
    for lacking in ("middle", "last"):
        features, y = batches[f"features_without_the_{lacking}"], batches[f"y_without_the_{lacking}"]
        for name, value in loss_of(s, W, b, features, y, weight_decay).items():
            found[f"{name}_without_the_{lacking}_class"] = value
    return found


@takes_a_batch_that_lacks_a_class.inputs
def _(rng):
    head = a_head(rng, 6, 3, 4)
    given = {name: head[name] for name in ("W", "b", "weight_decay")}
    for lacking, sizes in (("middle", (2, 0, 1, 3)), ("last", (1, 3, 2, 0))):
        given[f"features_without_the_{lacking}"] = some_features(rng, 6, 3)
        given[f"y_without_the_{lacking}"] = labels_of(rng, *sizes)
    return given


def trained(s, **given):
    return returned(s.train_head(**given), "W", "b")


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


@probe("train_head", cases=1)
def takes_every_step_however_small_the_gradient_is(s, **given):
    return {"W": trained(s, **given)["W"]}


@takes_every_step_however_small_the_gradient_is.inputs
def _(rng):
    """Tiny features and classes of the same size: no gradient is above 1e-6 from the first step on."""
    return {
        "features": 1e-6 * rng.normal(0, 0.5, (6, 4)),
        "y": labels_of(rng, 2, 2, 2),
        "K": 3,
        "lr": float(rng.uniform(1.5, 2)),
        "steps": 20,
        "weight_decay": 0.0,
    }


def to_fold(rng, D=5, K=3):
    """One feature hardly varies, so that a small number added to its scale shows."""
    return {
        "W": rng.normal(0.3, 1, (D, K)),
        "b": rng.normal(0.5, 1, K),
        "m": rng.choice([-1, 1], D) * rng.uniform(0.6, 2, D),
        "sigma": rng.permutation(np.concatenate([[0.008], np.linspace(0.4, 2.3, D - 1)])),
    }


def folded(s, W, b, m, sigma):
    return returned(s.fold(W, b, m, sigma), "W", "b")


@probe("fold", cases=2)
def divides_each_weight_by_the_scale_of_its_feature(s, W, b, m, sigma):
    return {"W": folded(s, W, b, m, sigma)["W"]}


@divides_each_weight_by_the_scale_of_its_feature.inputs
def _(rng):
    return to_fold(rng)


@probe("fold", cases=2)
def moves_the_mean_into_the_bias(s, W, b, m, sigma):
    return {"b": folded(s, W, b, m, sigma)["b"]}


@moves_the_mean_into_the_bias.inputs
def _(rng):
    return to_fold(rng, 4, 6)


def spread(rng, N, D, towards=0.0):
    """Features whose widest directions differ clearly in variance; their means are far from 0.

    towards: (D, rank), which way the directions lean."""
    rank = min(N - 1, D)
    left = np.linalg.qr(rng.normal(size=(N, rank)))[0]
    left = np.linalg.qr(left - left.mean(axis=0))[0]
    right = np.linalg.qr(rng.normal(size=(D, rank)) + towards)[0]
    widths = 6.0 * 0.62 ** np.arange(rank)
    return left * widths @ right.T + rng.uniform(1, 3, D) * rng.choice([-1, 1], D)


def components(s, features, k):
    found = returned(s.pca(features, k), "mean", "directions", "share")
    mean, directions, share = (np.asarray(v) for v in found.values())
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


@probe("pca", cases=1)
def finds_a_single_direction_and_all_of_them(s, features, counts):
    one, all_of_them = (components(s, features, k) for k in counts)
    return {f"{name}_of_1": value for name, value in one.items()} | {
        f"{name}_of_{counts[1]}": value for name, value in all_of_them.items()
    }


@finds_a_single_direction_and_all_of_them.inputs
def _(rng):
    """The widest direction leans towards the last feature: np.linalg.eig finds these in another order."""
    return {"features": spread(rng, 12, 5, towards=6 * np.eye(5)[::-1]), "counts": [1, 5]}


def a_linear_model(rng, N, d, k):
    """Residuals of both signs, and none of the same size."""
    x, B, v = some_features(rng, N, d), rng.normal(0.2, 1, (k, d)), rng.normal(0.4, 1, k)
    gap = rng.permutation([-1, -1, -1, 1, 1, 1, 1]) * rng.uniform(0.3, 2, N)
    return {"x": x, "y": x @ B.T @ v - gap, "B": B, "v": v}


@probe("feature_step")
def sends_the_residual_through_the_head(s, x, y, B, v):
    return {"dB": s.feature_step(x, y, B, v)}


@sends_the_residual_through_the_head.inputs
def _(rng):
    return a_linear_model(rng, 7, 5, 3)


@probe("feature_step", cases=1)
def takes_as_many_features_as_inputs_have_entries(s, x, y, B, v):
    return {"dB": s.feature_step(x, y, B, v)}


@takes_as_many_features_as_inputs_have_entries.inputs
def _(rng):
    return a_linear_model(rng, 7, 4, 4)


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
def features_overwritten(right):
    """the result is right, but the features of the caller are centred in place"""

    def wrong(W, b, features, y, weight_decay):
        found = right(W, b, features.copy(), y, weight_decay)
        features -= features.mean(axis=0)
        return found

    return wrong


@accepts_a_right_loss_and_rejects_wrong_ones.broken
def bias_overwritten(right):
    """the result is right, but a step is taken at once: b is overwritten"""

    def wrong(W, b, features, y, weight_decay):
        loss, dW, db = right(W, b.copy(), features, y, weight_decay)
        b -= 0.1 * db
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


# ------------------------------------------------------------------ transfer_torch


def tensor(array):
    """A tensor with memory of its own: training changes things in place."""
    import torch

    return torch.tensor(array)


def fact(value):
    return np.array(bool(value))


ROUNDING = 1e-7  # the order of sums is free


def filled(module, numbers):
    """The module in 64 bits with these numbers in all parameters and buffers, one after the other.

    Parameters require gradients. Variances and scales are positive."""
    import torch

    module = module.double().requires_grad_(True)
    at = 0
    with torch.no_grad():
        for name, values in module.state_dict().items():
            if values.dtype == torch.float64:
                own = tensor(numbers[at : at + values.numel()]).reshape(values.shape)
                values.copy_(own.abs() + 0.3 if "running_var" in name else own)
                at += values.numel()
    return module


def numbers_for(rng, count=160):
    """Numbers of both signs, none of them small."""
    return rng.choice([-1, 1], count) * rng.uniform(0.3, 1.2, count)


def staged_backbone(numbers):
    """Stages (stem, middle, drop, last, pool) from images (N, 2, H, W) to features (N, 5).

    A batch norm inside of a block, and a dropout that, awake, lets nothing through: no luck in it."""
    from collections import OrderedDict

    from torch import nn

    block = nn.Sequential(nn.BatchNorm2d(4), nn.Tanh())
    stages = OrderedDict(
        stem=nn.Sequential(nn.Conv2d(2, 3, 2, bias=False), nn.BatchNorm2d(3), nn.Tanh()),
        middle=nn.Sequential(nn.Conv2d(3, 4, 2), block),
        drop=nn.Dropout(1.0),
        last=nn.Sequential(nn.Conv2d(4, 5, 1), nn.BatchNorm2d(5)),
        pool=nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )
    return filled(nn.Sequential(stages), numbers)


def flat(values):
    """All numbers of all tensors, one after the other."""
    import torch

    found = [v.detach().double().flatten().cpu() for v in values]
    return torch.cat(found) if found else torch.zeros(0)


def statistics(module):
    """Running means and variances of all batch norms."""
    return flat(v for name, v in module.named_buffers() if "running" in name)


def asking(parameters):
    """Which of the parameters require a gradient."""
    return np.array([p.requires_grad for p in parameters])


def modes_of(module):
    return np.array([part.training for part in module.modules()])


def with_gradients(function):
    """Asks with gradients on, and puts the switch back: code that turned it off spoils no other probe."""
    import functools

    @functools.wraps(function)
    def ask(*arguments, **named):
        import torch

        with torch.enable_grad():
            return function(*arguments, **named)

    return ask


def some_images(rng, N=5, C=2, H=4, W=5):
    """Images (N, C, H, W), brighter from one to the next."""
    return rng.normal(size=(N, C, H, W)) + np.linspace(-1, 1.5, N)[:, None, None, None]


@probe("FrozenBackbone", cases=2, rtol=ROUNDING)
@with_gradients
def gives_the_features_of_evaluation_mode_in_every_mode(s, numbers, images):
    from torch import nn

    frozen = s.FrozenBackbone(staged_backbone(numbers))
    model = nn.Sequential(frozen, nn.Linear(5, 3).double())
    found = {"features": frozen(tensor(images))}
    found["features_after_train_of_the_model"] = model.train()[0](tensor(images))
    found["features_after_eval_of_the_model"] = model.eval()[0](tensor(images))
    return found


@gives_the_features_of_evaluation_mode_in_every_mode.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "images": some_images(rng)}


@probe("FrozenBackbone", cases=1, rtol=ROUNDING)
@with_gradients
def leaves_running_statistics_alone(s, numbers, images):
    from torch import nn

    backbone = staged_backbone(numbers)
    model = nn.Sequential(s.FrozenBackbone(backbone))
    model(tensor(images))
    new = statistics(model)
    for _ in range(2):
        model.train()
        model(tensor(images))
    return {
        "batch_norms_in_the_wrapper": sum(hasattr(part, "running_mean") for part in model.modules()),
        "running_statistics_of_the_new_wrapper": new,
        "running_statistics_after_train": statistics(model),
    }


@leaves_running_statistics_alone.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "images": some_images(rng)}


@probe("FrozenBackbone", cases=1)
@with_gradients
def asks_for_no_gradient(s, numbers, images):
    import torch

    frozen = s.FrozenBackbone(staged_backbone(numbers))
    features = frozen(tensor(images))
    found = {
        "number_of_parameters": len(list(frozen.parameters())),
        "features_have_a_graph": fact(features.requires_grad),
        "features_are_made_in_inference_mode": fact(features.is_inference()),
        "gradients_are_on_afterwards": fact(torch.is_grad_enabled()),
    }
    for kind in ("Conv2d", "BatchNorm2d"):
        layers = [part for part in frozen.modules() if type(part).__name__ == kind]
        for name in ("weight", "bias"):
            own = [getattr(layer, name) for layer in layers if getattr(layer, name) is not None]
            found[f"{kind}_{name}s_that_require_a_gradient"] = int(asking(own).sum())
    behind_a_layer = frozen(tensor(images).requires_grad_(True))
    frozen.train()
    return {
        **found,
        "features_of_images_with_a_graph_have_one": fact(behind_a_layer.requires_grad),
        "parameters_that_require_a_gradient_after_train": int(asking(frozen.parameters()).sum()),
    }


@asks_for_no_gradient.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "images": some_images(rng, 3)}


@probe("FrozenBackbone", cases=1, rtol=ROUNDING)
@with_gradients
def stays_as_it_is_while_a_head_is_trained(s, numbers, images, douts, weight, lr, weight_decay):
    """Two steps of an optimizer that has all parameters, with momentum, weight decay and zeroed gradients."""
    import torch
    from torch import nn

    frozen = s.FrozenBackbone(staged_backbone(numbers))
    head = nn.Linear(5, 3).double()
    with torch.no_grad():
        head.weight.copy_(tensor(weight))
        head.bias.zero_()
    model = nn.Sequential(frozen, head).train()
    settings = {"lr": lr, "momentum": 0.7, "weight_decay": weight_decay}
    optimizer = torch.optim.SGD(model.parameters(), **settings)
    for dout in douts:
        optimizer.zero_grad(set_to_none=False)
        model(tensor(images)).backward(tensor(dout))
        optimizer.step()
    return {
        "numbers_of_the_backbone": flat(frozen.state_dict().values()),
        "weights_of_the_head": flat(head.parameters()),
    }


@stays_as_it_is_while_a_head_is_trained.inputs
def _(rng):
    return {
        "numbers": numbers_for(rng),
        "images": some_images(rng),
        "douts": rng.normal(size=(2, 5, 3)),
        "weight": rng.normal(size=(3, 5)),
        "lr": 0.1,
        "weight_decay": 0.2,
    }


@probe("FrozenBackbone", cases=1)
@with_gradients
def returns_itself_and_keeps_the_backbone_in_evaluation_mode(s, numbers, images):
    frozen = s.FrozenBackbone(staged_backbone(numbers))
    found = {
        "train_returns_the_module": fact(frozen.train() is frozen),
        "train_of_False_returns_the_module": fact(frozen.train(False) is frozen),
        "eval_returns_the_module": fact(frozen.eval() is frozen),
    }
    frozen.train()
    awake = modes_of(frozen.backbone).sum()
    frozen(tensor(images))
    awake = max(awake, modes_of(frozen.backbone).sum())
    return {**found, "modules_of_the_backbone_in_training_mode": int(awake)}


@returns_itself_and_keeps_the_backbone_in_evaluation_mode.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "images": some_images(rng, 3)}


@probe("FrozenBackbone", cases=1)
@with_gradients
def moves_and_is_saved_with_the_model(s, numbers, images):
    import torch
    from torch import nn

    model = nn.Sequential(s.FrozenBackbone(staged_backbone(numbers)), nn.Linear(5, 3).double())
    saved = len(model.state_dict())
    narrow = model.float()(tensor(images).float())
    there = model.to("meta")(torch.empty(images.shape, device="meta"))
    return {
        "entries_of_the_state_dict": saved,
        "scores_of_32_bits_after_float": fact(narrow.dtype == torch.float32),
        "scores_are_on_the_device_of_the_model": fact(there.device.type == "meta"),
    }


@moves_and_is_saved_with_the_model.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "images": some_images(rng, 3)}


@probe("new_head", cases=2, rtol=1e-4)
def begins_with_zeros_and_learns_at_the_first_step(s, features, dout, later):
    """One step of the rate 1; weights that are drawn do not show in what the step changes."""
    import torch

    width, classes = features.shape[1], dout.shape[1]
    head = s.new_head(width, classes).double()
    x, x_later = tensor(features), tensor(later)
    before = head(x_later).detach()
    scores, of_nothing = head(x), head(torch.zeros_like(x))
    optimizer = torch.optim.SGD(head.parameters(), lr=1.0)
    scores.backward(tensor(dout))
    optimizer.step()
    return {
        "all_scores_are_0": fact((scores == 0).all()),
        "all_scores_of_features_of_0_are_0": fact((of_nothing == 0).all()),
        "scores_hang_on_the_features": fact((scores != of_nothing).any()),
        "classes_have_different_scores": fact((scores != scores[:, :1]).any()),
        "change_of_the_scores_in_one_step": head(x_later) - before,
        "parameters_that_require_a_gradient": int(asking(head.parameters()).sum()),
    }


@begins_with_zeros_and_learns_at_the_first_step.inputs
def _(rng):
    return {
        "features": rng.normal(0.5, 1, (5, 4)),
        "dout": rng.normal(size=(5, 3)),
        "later": rng.normal(0.5, 1, (6, 4)),
    }


@probe("new_head", cases=1)
def is_a_linear_layer_that_can_be_trained(s, width, classes):
    from torch import nn

    head = s.new_head(width, classes)
    parameters = list(head.parameters())
    return {
        "is_an_nn_Linear": fact(isinstance(head, nn.Linear)),
        "numbers_in_all_parameters": sum(p.numel() for p in parameters),
        "parameters_that_require_a_gradient": sum(p.requires_grad for p in parameters),
        "shape_of_the_first_parameter": np.array(parameters[0].shape),
    }


@is_a_linear_layer_that_can_be_trained.inputs
def _(rng):
    return {"width": int(rng.integers(5, 8)), "classes": int(rng.integers(2, 5))}


def listened(backbone):
    """The sizes of all batches that the backbone gets from now on."""
    sizes = []
    backbone.register_forward_pre_hook(lambda module, given: sizes.append(len(given[0])))
    return sizes


@probe("cache_features", cases=2, rtol=ROUNDING)
@with_gradients
def gives_the_features_of_every_image(s, numbers, images, batch_size):
    backbone = staged_backbone(numbers).eval()
    features = s.cache_features(backbone, tensor(images), batch_size)
    of_its_own = fact(np.asarray(features.detach().cpu()).dtype == np.float64)
    return {"features": features, "features_have_the_dtype_of_the_backbone": of_its_own}


@gives_the_features_of_every_image.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "images": some_images(rng, 7), "batch_size": 3}


@probe("cache_features", cases=1, rtol=ROUNDING)
@with_gradients
def takes_batches_of_any_size(s, numbers, images, whole, larger):
    backbone = staged_backbone(numbers).eval()
    return {
        "features_of_one_batch_of_all_images": s.cache_features(backbone, tensor(images), whole),
        "features_for_a_batch_size_beyond_N": s.cache_features(backbone, tensor(images), larger),
        "features_of_batches_of_one_image": s.cache_features(backbone, tensor(images), 1),
    }


@takes_batches_of_any_size.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "images": some_images(rng, 6), "whole": 6, "larger": 11}


@probe("cache_features", cases=1)
@with_gradients
def never_has_more_than_a_batch_at_a_time(s, numbers, images, batch_size):
    backbone = staged_backbone(numbers).eval()
    sizes = listened(backbone)
    s.cache_features(backbone, tensor(images), batch_size)
    return {
        "a_batch_was_larger_than_batch_size": fact(max(sizes, default=0) > batch_size),
        "images_beyond_the_batch_size": max(*sizes, batch_size) - batch_size,
        "images_that_the_backbone_saw": sum(sizes),
    }


@never_has_more_than_a_batch_at_a_time.inputs
def _(rng):
    """Three batches of these images are larger than three images."""
    return {"numbers": numbers_for(rng), "images": some_images(rng, 11), "batch_size": 3}


@probe("cache_features", cases=1)
@with_gradients
def keeps_the_order_of_the_images(s, numbers, light):
    """Images of one colour each, lighter from one to the next, and a backbone that hands on the colour."""
    import torch
    from torch import nn

    class Colour(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(tensor(numbers))

        def forward(self, images):
            return images.mean(dim=(2, 3)) * self.scale

    images = np.ones((len(light), 1, 2, 3)) * light[:, None, None, None]
    features = s.cache_features(nn.Sequential(Colour()).eval(), tensor(images), 4)
    backwards = torch.cat(features.sort(dim=0).values.split(4)[::-1])
    return {
        "rows_are_in_the_order_of_the_images": fact((features[1:] > features[:-1]).all()),
        "batches_are_in_the_opposite_order": fact(torch.equal(features, backwards)),
        "number_of_rows": len(features),
    }


@keeps_the_order_of_the_images.inputs
def _(rng):
    return {"numbers": rng.uniform(0.5, 2, 1), "light": np.linspace(0.1, 0.9, 13)}


@probe("cache_features", cases=1, rtol=ROUNDING)
@with_gradients
def computes_in_evaluation_mode(s, numbers, images, batch_size):
    backbone = staged_backbone(numbers).train()
    features = s.cache_features(backbone, tensor(images), batch_size)
    return {"features": features, "running_statistics_afterwards": statistics(backbone)}


@computes_in_evaluation_mode.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "images": some_images(rng, 7), "batch_size": 5}


@probe("cache_features", cases=1)
@with_gradients
def puts_every_module_of_the_backbone_back_into_its_mode(s, numbers, images, training):
    backbone = staged_backbone(numbers)
    for module, mode in zip(backbone.modules(), training, strict=True):
        module.training = bool(mode)
    s.cache_features(backbone, tensor(images), 4)
    mixed = modes_of(backbone)
    s.cache_features(backbone.eval(), tensor(images), 4)
    return {"modes_of_a_mixed_backbone": mixed, "modes_of_a_backbone_in_evaluation_mode": modes_of(backbone)}


@puts_every_module_of_the_backbone_back_into_its_mode.inputs
def _(rng):
    """The whole in training mode, a stage and a layer not; another stage not, but a layer in it."""
    training = np.ones(17, dtype=bool)
    training[[1, 3, 5, 9, 11]] = False
    return {"numbers": numbers_for(rng), "images": some_images(rng, 5), "training": training}


@probe("cache_features", cases=1, rtol=ROUNDING)
@with_gradients
def keeps_no_graph_and_leaves_training_possible(s, numbers, images, weight, dout):
    import torch

    backbone = staged_backbone(numbers).eval()
    features = s.cache_features(backbone, tensor(images), 4)
    on = torch.is_grad_enabled()
    with torch.enable_grad():
        with torch.no_grad():
            s.cache_features(backbone, tensor(images), 4)
            still_off = not torch.is_grad_enabled()
        inputs = features.clone() if features.is_inference() else features
        leaf = tensor(weight).to(inputs.dtype).requires_grad_(True)
        (inputs @ leaf).backward(tensor(dout).to(inputs.dtype))
    return {
        "features_are_made_in_inference_mode": fact(features.is_inference()),
        "features_have_a_graph": fact(features.grad_fn is not None),
        "features_require_a_gradient": fact(features.requires_grad),
        "gradients_are_on_afterwards": fact(on),
        "gradients_that_were_off_are_off_afterwards": fact(still_off),
        "parameters_that_require_a_gradient_afterwards": int(asking(backbone.parameters()).sum()),
        "gradient_of_a_head_on_the_features": leaf.grad,
    }


@keeps_no_graph_and_leaves_training_possible.inputs
def _(rng):
    return {
        "numbers": numbers_for(rng),
        "images": some_images(rng, 6),
        "weight": rng.normal(size=(5, 3)),
        "dout": rng.normal(size=(6, 3)),
    }


def refuse_to_move(*_, **__):
    raise ValueError("the backbone was to be moved to another device: it stays, the images travel")


@probe("cache_features", cases=1)
@with_gradients
def computes_on_the_device_of_the_backbone_and_stays_there(s, numbers, images):
    """The backbone is on a device that computes shapes only, as strict as a GPU; the images are not."""
    backbone = staged_backbone(numbers).to("meta").eval()
    backbone._apply = refuse_to_move
    features = s.cache_features(backbone, tensor(images), 4)
    return {
        "shape_of_the_features": np.array(features.shape),
        "features_are_on_the_device_of_the_backbone": fact(features.device.type == "meta"),
    }


@computes_on_the_device_of_the_backbone_and_stays_there.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "images": some_images(rng, 6)}


def staged_head(numbers):
    """A head of two parameters, not zero."""
    from torch import nn

    return filled(nn.Linear(5, 3), numbers)


def grouped(s, backbone, head, lr, decay):
    """The groups; TypeError in words where they are no list of dicts."""
    groups = s.parameter_groups(backbone, head, lr, decay)
    kind = type(groups).__name__
    if not isinstance(groups, list | tuple):
        raise TypeError(f"a list of dicts was expected, a {kind} was returned")
    others = [type(group).__name__ for group in groups if not isinstance(group, dict)]
    if others:
        raise TypeError(f"a list of dicts was expected, a {kind} with a {others[0]} in it was returned")
    return groups


def without_rate(groups):
    """How many groups would get an optimizer's default; to be asked before one has filled it in."""
    return {"groups_without_a_rate": sum("lr" not in group for group in groups)}


def rates(groups, module):
    """For each parameter the learning rate that an optimizer of these groups gives it; 0 if it has none."""
    import torch

    optimizer = torch.optim.SGD(groups, lr=1.0)
    rate = {id(p): float(group["lr"]) for group in optimizer.param_groups for p in group["params"]}
    return np.array([rate.get(id(p), 0.0) for p in module.parameters()])


@probe("parameter_groups", cases=2)
def gives_every_stage_its_rate(s, numbers, lr, decay):
    backbone, head = staged_backbone(numbers), staged_head(numbers)
    groups = grouped(s, backbone, head, lr, decay)
    bare = without_rate(groups)
    found = {f"rates_of_{name}": rates(groups, part) for name, part in backbone.named_children()}
    return {**bare, "rates_of_the_head": rates(groups, head), **found}


@gives_every_stage_its_rate.inputs
def _(rng):
    return {
        "numbers": numbers_for(rng),
        "lr": float(rng.uniform(0.2, 0.4)),
        "decay": float(rng.uniform(0.25, 0.4)),
    }


@probe("parameter_groups", cases=1)
def counts_all_stages_of_another_backbone(s, numbers, lr, decay):
    """Stages that are single layers, one without parameters at the start and one in the middle."""
    from torch import nn

    first, second = nn.Linear(2, 3), nn.Linear(3, 4, bias=False)
    layers = [nn.Tanh(), first, nn.BatchNorm1d(3), nn.ReLU(), second, nn.PReLU()]
    backbone = filled(nn.Sequential(*layers), numbers)
    head = filled(nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 5)), numbers)
    groups = grouped(s, backbone, head, lr, decay)
    bare = without_rate(groups)
    return {
        **bare,
        "rates_of_the_head": rates(groups, head),
        "rates_of_the_backbone": rates(groups, backbone),
    }


@counts_all_stages_of_another_backbone.inputs
def _(rng):
    return {
        "numbers": numbers_for(rng, 60),
        "lr": float(rng.uniform(0.2, 0.4)),
        "decay": float(rng.uniform(0.55, 0.7)),
    }


@probe("parameter_groups", cases=1)
def leaves_out_what_is_frozen(s, numbers, lr, decay):
    """A stage in the middle is frozen, and so are batch norms and the weight of a convolution elsewhere."""
    import torch

    backbone, head = staged_backbone(numbers), staged_head(numbers)
    for part in (backbone.stem[1], backbone.middle, backbone.last[1]):
        part.requires_grad_(False)
    backbone.last[0].weight.requires_grad_(False)
    groups = grouped(s, backbone, head, lr, decay)
    bare = without_rate(groups)
    optimizer = torch.optim.SGD(groups, lr=1.0)
    return {
        **bare,
        "rates_of_the_backbone": rates(groups, backbone),
        "rates_of_the_head": rates(groups, head),
        "groups_without_parameters": sum(not group["params"] for group in optimizer.param_groups),
        "parameters_that_require_a_gradient_afterwards": int(asking(backbone.parameters()).sum()),
    }


@leaves_out_what_is_frozen.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "lr": float(rng.uniform(0.2, 0.4)), "decay": 0.3}


@probe("parameter_groups", cases=1)
def leaves_out_what_is_frozen_of_the_head(s, numbers, lr, decay):
    backbone, head = staged_backbone(numbers), staged_head(numbers)
    head.bias.requires_grad_(False)
    groups = grouped(s, backbone, head, lr, decay)
    bare = without_rate(groups)
    return {
        **bare,
        "rates_of_the_head": rates(groups, head),
        "rates_of_the_backbone": rates(groups, backbone),
    }


@leaves_out_what_is_frozen_of_the_head.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "lr": float(rng.uniform(0.2, 0.4)), "decay": 0.3}


@probe("parameter_groups", cases=1)
def has_a_group_for_the_head_and_one_for_each_stage_from_the_last(s, numbers, lr, decay):
    import torch

    backbone, head = staged_backbone(numbers), staged_head(numbers)
    returned = grouped(s, backbone, head, lr, decay)
    bare = without_rate(returned)
    lists = all(isinstance(group.get("params"), list | tuple) for group in returned)
    groups = torch.optim.SGD(returned, lr=1.0).param_groups
    of_head = {id(p) for p in head.parameters()}
    return {
        **bare,
        "params_are_lists": fact(lists),
        "number_of_groups": len(groups),
        "rates_in_the_order_of_the_groups": np.array([float(group["lr"]) for group in groups]),
        "parameters_in_each_group": np.array([len(group["params"]) for group in groups]),
        "the_head_is_first": fact(of_head == {id(p) for p in groups[0]["params"]}),
        "parameters_that_require_a_gradient_afterwards": int(asking(backbone.parameters()).sum()),
    }


@has_a_group_for_the_head_and_one_for_each_stage_from_the_last.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "lr": float(rng.uniform(0.2, 0.4)), "decay": 0.3}


def frozen_here_and_there(numbers):
    """A backbone of which every second parameter is frozen."""
    backbone = staged_backbone(numbers)
    for p in list(backbone.parameters())[::2]:
        p.requires_grad_(False)
    return backbone


def unfrozen(s, backbone, n):
    """Which parameters ask for a gradient, and the places of the stages whose names were returned."""
    from torch import nn

    names = [name for name, _ in backbone.named_children()]
    returned = s.unfreeze_last(backbone, n)
    if returned is None:
        raise ValueError("a list of names was expected, None was returned: is a `return` missing?")
    one_number, one_text = isinstance(returned, int), isinstance(returned, str)
    if not (isinstance(returned, list | tuple) or one_number or one_text):
        raise TypeError(f"a list of names was expected, a {type(returned).__name__} was returned")
    returned = [] if one_number else returned
    known = [names.index(name) for name in returned if isinstance(name, str) and name in names]
    return {
        **{f"{name}_requires_gradients": asking(getattr(backbone, name).parameters()) for name in names},
        "one_number_was_returned": fact(one_number),
        "one_text_was_returned": fact(one_text),
        "modules_were_returned": fact(any(isinstance(name, nn.Module) for name in returned)),
        "numbers_were_returned": fact(any(isinstance(name, int) for name in returned)),
        "number_of_names": len(returned),
        "places_of_the_named_stages": np.array(known, dtype=int),
    }


@probe("unfreeze_last", cases=1)
def opens_the_last_stages_and_no_other(s, numbers, counts):
    one, two = (unfrozen(s, frozen_here_and_there(numbers), n) for n in counts)
    return {
        **{f"n_{counts[0]}_{name}": value for name, value in one.items()},
        **{f"n_{counts[1]}_{name}": value for name, value in two.items()},
    }


@opens_the_last_stages_and_no_other.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "counts": [1, 2]}


@probe("unfreeze_last", cases=1)
def opens_none_for_0(s, numbers, n):
    return unfrozen(s, frozen_here_and_there(numbers), n)


@opens_none_for_0.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "n": 0}


@probe("unfreeze_last", cases=1)
def opens_all_where_n_is_the_number_of_stages_or_more(s, numbers, counts):
    all_of_them, more = (unfrozen(s, frozen_here_and_there(numbers), n) for n in counts)
    return {
        **{f"n_{counts[0]}_{name}": value for name, value in all_of_them.items()},
        **{f"n_{counts[1]}_{name}": value for name, value in more.items()},
    }


@opens_all_where_n_is_the_number_of_stages_or_more.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "counts": [3, 4]}


@probe("unfreeze_last", cases=1)
def closes_again_what_was_open(s, numbers, first, then):
    backbone = staged_backbone(numbers)
    s.unfreeze_last(backbone, first)
    return unfrozen(s, backbone, then)


@closes_again_what_was_open.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "first": 2, "then": 1}


@probe("unfreeze_last", cases=1)
def opens_again_what_was_closed(s, numbers, first, then):
    backbone = staged_backbone(numbers)
    s.unfreeze_last(backbone, first)
    return unfrozen(s, backbone, then)


@opens_again_what_was_closed.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "first": 0, "then": 2}


@probe("unfreeze_last", cases=1)
def changes_no_mode_and_no_number(s, numbers, training):
    backbone = staged_backbone(numbers)
    for module, mode in zip(backbone.modules(), training, strict=True):
        module.training = bool(mode)
    s.unfreeze_last(backbone, 2)
    numbers_afterwards = flat(backbone.state_dict().values())
    return {"modes_afterwards": modes_of(backbone), "numbers_afterwards": numbers_afterwards}


@changes_no_mode_and_no_number.inputs
def _(rng):
    training = np.zeros(17, dtype=bool)
    training[[3, 6, 10, 12]] = True
    return {"numbers": numbers_for(rng), "training": training}


def norms_of_every_kind():
    """By name, a layer of a small model and whether the modes are those before or after training began."""
    from torch import nn

    layers = {
        "trainable_batch_norm": nn.BatchNorm2d(2),
        "frozen_batch_norm": nn.BatchNorm2d(2),
        "batch_norm_whose_weight_alone_is_frozen": nn.BatchNorm2d(2),
        "batch_norm_whose_bias_alone_is_frozen": nn.BatchNorm2d(2),
        "frozen_batch_norm_1d": nn.BatchNorm1d(3),
        "frozen_batch_norm_3d": nn.BatchNorm3d(2),
        "trainable_batch_norm_1d": nn.BatchNorm1d(3),
        "frozen_convolution": nn.Conv2d(2, 2, 1),
        "dropout": nn.Dropout(0.3),
        "activation": nn.ReLU(),
        "trainable_linear_layer": nn.Linear(3, 2),
    }
    for name, layer in layers.items():
        layer.requires_grad_(not name.startswith("frozen"))
    layers["batch_norm_whose_weight_alone_is_frozen"].weight.requires_grad_(False)
    layers["batch_norm_whose_bias_alone_is_frozen"].bias.requires_grad_(False)
    return layers


def told_modes(s, training):
    """Which layers are in training mode after set_modes, in a model that is nested, in all modes before."""
    from torch import nn

    layers = norms_of_every_kind()
    parts = list(layers.values())
    frozen_block = nn.Sequential(nn.BatchNorm2d(2), nn.Dropout(0.2), nn.Conv2d(2, 2, 1)).requires_grad_(False)
    model = nn.Sequential(*parts[:2], nn.Sequential(*parts[2:5], nn.Sequential(*parts[5:])), frozen_block)
    for number, module in enumerate(model.modules()):
        module.training = bool(training[number % len(training)])
    s.set_modes(model)
    inner = dict(zip(("batch_norm", "dropout", "convolution"), frozen_block, strict=True))
    found = {**layers, **{f"{name}_of_a_frozen_block": part for name, part in inner.items()}}
    return {f"{name}_is_in_training_mode": fact(part.training) for name, part in found.items()}


@probe("set_modes", cases=1)
def trains_all_but_frozen_batch_norms(s, training):
    return told_modes(s, training)


@trains_all_but_frozen_batch_norms.inputs
def _(rng):
    return {"training": [True]}


@probe("set_modes", cases=1)
def does_so_whatever_the_modes_were(s, training, mixed):
    found = {f"{name}_after_evaluation": mode for name, mode in told_modes(s, training).items()}
    return found | {f"{name}_after_mixed_modes": mode for name, mode in told_modes(s, mixed).items()}


@does_so_whatever_the_modes_were.inputs
def _(rng):
    return {"training": [False], "mixed": [True, False, False]}


@probe("set_modes", cases=1, rtol=ROUNDING)
def keeps_the_statistics_of_frozen_batch_norms_only(s, numbers, images):
    """Two steps of a backbone whose stem is frozen; its dropout is set to 0 here."""
    backbone = staged_backbone(numbers)
    backbone.drop.p = 0.0
    backbone.stem.requires_grad_(False)
    for _ in range(2):
        s.set_modes(backbone)
        features = backbone(tensor(images))
        features.sum().backward()
    return {
        "statistics_of_the_frozen_stage": statistics(backbone.stem),
        "statistics_of_the_trained_stages": statistics(backbone)[statistics(backbone.stem).numel() :],
        "features": features,
    }


@keeps_the_statistics_of_frozen_batch_norms_only.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "images": some_images(rng, 6)}


@probe("set_modes", cases=1)
def changes_modes_and_nothing_else(s, numbers, frozen):
    backbone = staged_backbone(numbers)
    for p, still in zip(backbone.parameters(), frozen, strict=True):
        p.requires_grad_(not still)
    norms = [part for part in backbone.modules() if hasattr(part, "running_mean")]
    s.set_modes(backbone)
    return {
        "parameters_that_require_a_gradient": asking(backbone.parameters()),
        "momenta_of_the_batch_norms": np.array([part.momentum for part in norms]),
        "batch_norms_with_running_statistics": sum(part.running_mean is not None for part in norms),
        "batch_norms_that_track_them": sum(part.track_running_stats for part in norms),
        "numbers": flat(backbone.state_dict().values()),
    }


@changes_modes_and_nothing_else.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "frozen": np.arange(11) % 3 < 2}


def thawing(numbers, lr, kind="SGD"):
    """A backbone with a frozen stem and middle, a head, and an optimizer of head and last stage."""
    import torch

    backbone, head = staged_backbone(numbers), staged_head(-numbers)
    backbone.stem.requires_grad_(False)
    backbone.middle.requires_grad_(False)
    groups = [{"params": head.parameters()}, {"params": backbone.last.parameters(), "lr": lr / 2}]
    settings = {"lr": lr, "momentum": 0.7, "weight_decay": 0.1} if kind == "SGD" else {"lr": lr, "eps": 0.05}
    return backbone, head, getattr(torch.optim, kind)(groups, **settings)


def told_groups(optimizer):
    return {
        "number_of_groups": len(optimizer.param_groups),
        "rates_of_the_groups": np.array([float(group["lr"]) for group in optimizer.param_groups]),
        "parameters_in_each_group": np.array([len(group["params"]) for group in optimizer.param_groups]),
    }


@probe("thaw", cases=1)
def adds_one_group_with_its_rate(s, numbers, lr, later):
    backbone, head, optimizer = thawing(numbers, lr)
    backbone.eval()
    s.thaw(optimizer, backbone.middle, later)
    own = {id(p) for p in backbone.middle.parameters()}
    last = {id(p) for p in optimizer.param_groups[-1]["params"]}
    return {
        **told_groups(optimizer),
        "the_last_group_is_the_stage": fact(last == own),
        "the_stage_requires_gradients": asking(backbone.middle.parameters()),
        "another_frozen_stage_requires_gradients": asking(backbone.stem.parameters()),
        "trained_parts_require_gradients": asking([*backbone.last.parameters(), *head.parameters()]),
        "modules_in_training_mode": int(modes_of(backbone).sum()),
    }


@adds_one_group_with_its_rate.inputs
def _(rng):
    return {
        "numbers": numbers_for(rng),
        "lr": float(rng.uniform(0.2, 0.4)),
        "later": float(rng.uniform(0.02, 0.08)),
    }


def stepped(optimizer, parameters, slopes):
    """A step for each row of slopes; a row has a gradient for every parameter that requires one."""
    for slope in slopes:
        at = 0
        for p in parameters:
            size = p.numel()
            p.grad = tensor(slope[at : at + size]).reshape(p.shape) if p.requires_grad else None
            at += size
        optimizer.step()


def walk_of_thaw(s, numbers, slopes, lr, later, kind, calls=1):
    """Where the parameters are after two steps, thaw, and two more steps."""
    backbone, head, optimizer = thawing(numbers, lr, kind)
    parts = {"stem": backbone.stem, "middle": backbone.middle, "last": backbone.last, "head": head}
    parameters = [p for part in parts.values() for p in part.parameters()]
    stepped(optimizer, parameters, slopes[:2])
    for _ in range(calls):
        s.thaw(optimizer, backbone.middle, later)
    stepped(optimizer, parameters, slopes[2:])
    return {name: flat(part.parameters()) for name, part in parts.items()}


def walk(rng):
    return {
        "numbers": numbers_for(rng),
        "slopes": rng.normal(size=(4, 143)) * np.array([1, 3, 0.5, 0.7])[:, None],
        "lr": float(rng.uniform(0.1, 0.2)),
        "later": float(rng.uniform(0.02, 0.05)),
    }


@probe("thaw", cases=1, rtol=ROUNDING)
def trains_the_stage_and_keeps_the_velocities(s, numbers, slopes, lr, later):
    return walk_of_thaw(s, numbers, slopes, lr, later, "SGD")


@trains_the_stage_and_keeps_the_velocities.inputs
def _(rng):
    return walk(rng)


@probe("thaw", cases=1, rtol=ROUNDING)
def works_with_adam_too(s, numbers, slopes, lr, later):
    return walk_of_thaw(s, numbers, slopes, lr, later, "Adam")


@works_with_adam_too.inputs
def _(rng):
    return walk(rng)


@probe("thaw", cases=1, rtol=ROUNDING)
def changes_nothing_the_second_time(s, numbers, slopes, lr, later):
    backbone, _, optimizer = thawing(numbers, lr)
    for rate in (later, 2 * later):
        s.thaw(optimizer, backbone.middle, rate)
    return {**told_groups(optimizer), **walk_of_thaw(s, numbers, slopes, lr, later, "SGD", calls=2)}


@changes_nothing_the_second_time.inputs
def _(rng):
    return walk(rng)


@probe("thaw", cases=1)
def adds_a_stage_that_requires_gradients_already(s, numbers, lr, later):
    backbone, _, optimizer = thawing(numbers, lr)
    backbone.middle.requires_grad_(True)
    s.thaw(optimizer, backbone.middle, later)
    return {**told_groups(optimizer), "the_stage_requires_gradients": asking(backbone.middle.parameters())}


@adds_a_stage_that_requires_gradients_already.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "lr": 0.3, "later": float(rng.uniform(0.02, 0.08))}


@probe("thaw", cases=1)
def opens_a_frozen_stage_that_the_optimizer_has(s, numbers, lr, later):
    backbone, _, optimizer = thawing(numbers, lr)
    backbone.last.requires_grad_(False)
    s.thaw(optimizer, backbone.last, later)
    return {**told_groups(optimizer), "the_stage_requires_gradients": asking(backbone.last.parameters())}


@opens_a_frozen_stage_that_the_optimizer_has.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "lr": 0.3, "later": float(rng.uniform(0.02, 0.08))}


@probe("thaw", cases=1)
def changes_no_other_setting_and_no_gradient(s, numbers, lr, later, slopes):
    """The groups have settings of their own: those of the new one are the optimizer's defaults."""
    import torch

    backbone, head = staged_backbone(numbers), staged_head(-numbers)
    backbone.middle.requires_grad_(False)
    groups = [
        {"params": head.parameters(), "momentum": 0.3, "weight_decay": 0.2},
        {"params": backbone.last.parameters(), "momentum": 0.5, "nesterov": True},
    ]
    optimizer = torch.optim.SGD(groups, lr=lr, momentum=0.7, weight_decay=0.1)
    head.weight.grad = tensor(slopes)
    s.thaw(optimizer, backbone.middle, later)
    settings = ("momentum", "weight_decay", "nesterov")
    return {
        **told_groups(optimizer),
        **{
            f"{key}_of_the_groups": np.array([float(g[key]) for g in optimizer.param_groups])
            for key in settings
        },
        "default_rate_of_the_optimizer": optimizer.defaults["lr"],
        "default_momentum_of_the_optimizer": optimizer.defaults["momentum"],
        "a_gradient_of_the_head_is_gone": fact(head.weight.grad is None),
        "gradient_of_the_head": np.zeros(15) if head.weight.grad is None else flat([head.weight.grad]),
    }


@changes_no_other_setting_and_no_gradient.inputs
def _(rng):
    return {
        "numbers": numbers_for(rng),
        "lr": 0.3,
        "later": float(rng.uniform(0.02, 0.08)),
        "slopes": rng.normal(size=(3, 5)),
    }


@probe("thaw", cases=1)
def adds_what_is_new_of_a_stage_that_is_there_in_part(s, numbers, lr, later):
    """The optimizer has the first layer of the stage already: that one keeps its group and its rate."""
    backbone, _, optimizer = thawing(numbers, lr)
    s.thaw(optimizer, backbone.middle[0], 3 * later)
    s.thaw(optimizer, backbone.middle, later)
    return {**told_groups(optimizer), "the_stage_requires_gradients": asking(backbone.middle.parameters())}


@adds_what_is_new_of_a_stage_that_is_there_in_part.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "lr": 0.3, "later": float(rng.uniform(0.02, 0.08))}
