"""What the checks ask of the NumPy notebook, and the inputs they ask it on.

Inputs: all axes of different lengths, features whose means are far from 0 and whose scales differ, labels out
of order with classes of different sizes, a weight decay that shows."""

import numpy as np

from autograder import probe


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
