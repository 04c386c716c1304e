import numpy as np
from autograder import probe


@probe("prepare", cases=2)
def prepares_by_the_statistics_of_the_source(s, images, mean, std):
    return {"x": s.prepare(images, mean, std)}


@probe("prepare", cases=1)
def prepares_images_without_black_and_white_pixels(s, images, mean, std):
    return {"x": s.prepare(images, mean, std)}


@probe("class_means", cases=2)
def averages_the_features_of_each_class(s, features, y, K):
    return {"means": s.class_means(features, y, K)}


@probe("class_means", cases=1)
def takes_a_single_image_for_the_mean(s, features, y, K):
    return {"means": s.class_means(features, y, K)}


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


@probe("nearest", cases=2)
def finds_the_nearest_mean(s, features, means):
    return {"labels": s.nearest(features, means)}


@probe("nearest", cases=1)
def gives_ties_the_smaller_label(s, features, means):
    return {"labels": s.nearest(features, means)}


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


def loss_of(s, W, b, features, y, weight_decay):
    return returned(s.softmax_loss(W, b, features, y, weight_decay), "loss", "dW", "db")


@probe("softmax_loss", cases=1)
def measures_the_mean_cross_entropy(s, W, b, features, y):
    return {"loss": loss_of(s, W, b, features, y, 0.0)["loss"]}


@probe("softmax_loss", cases=2)
def adds_the_decay_of_the_weights(s, **head):
    return {"loss": loss_of(s, **head)["loss"]}


@probe("softmax_loss", cases=2)
def finds_the_gradient_of_the_weights(s, **head):
    return {"dW": loss_of(s, **head)["dW"]}


@probe("softmax_loss", cases=1)
def finds_the_gradient_of_the_bias(s, **head):
    return {"db": loss_of(s, **head)["db"]}


@probe("softmax_loss", cases=1)
def stays_finite_for_scores_of_a_thousand(s, W, b, y, weight_decay, **batches):
    return {
        f"{name}_for_scores_{batch}": value
        for batch, features in batches.items()
        for name, value in loss_of(s, W, b, features, y, weight_decay).items()
    }


@probe("softmax_loss", cases=1)
def takes_a_batch_that_lacks_a_class(s, W, b, weight_decay, **batches):
    found = {}
    for lacking in ("middle", "last"):
        features, y = batches[f"features_without_the_{lacking}"], batches[f"y_without_the_{lacking}"]
        for name, value in loss_of(s, W, b, features, y, weight_decay).items():
            found[f"{name}_without_the_{lacking}_class"] = value
    return found


def trained(s, **given):
    return returned(s.train_head(**given), "W", "b")


@probe("train_head", cases=2)
def descends_from_zeros(s, **given):
    return trained(s, **given)


@probe("train_head", cases=1)
def has_a_column_for_a_class_without_images(s, **given):
    return trained(s, **given)


@probe("train_head", cases=1)
def returns_zeros_before_the_first_step(s, **given):
    return trained(s, **given)


@probe("train_head", cases=1)
def takes_every_step_however_small_the_gradient_is(s, **given):
    return {"W": trained(s, **given)["W"]}


def folded(s, W, b, m, sigma):
    return returned(s.fold(W, b, m, sigma), "W", "b")


@probe("fold", cases=2)
def divides_each_weight_by_the_scale_of_its_feature(s, W, b, m, sigma):
    return {"W": folded(s, W, b, m, sigma)["W"]}


@probe("fold", cases=2)
def moves_the_mean_into_the_bias(s, W, b, m, sigma):
    return {"b": folded(s, W, b, m, sigma)["b"]}


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


@probe("pca", cases=2)
def says_how_much_of_the_variance_each_keeps(s, features, k):
    found = components(s, features, k)
    return {"mean": found["mean"], "share": found["share"]}


@probe("pca", cases=1)
def takes_more_features_than_images(s, features, k):
    return components(s, features, k)


@probe("pca", cases=1)
def finds_a_single_direction_and_all_of_them(s, features, counts):
    one, all_of_them = (components(s, features, k) for k in counts)
    return {f"{name}_of_1": value for name, value in one.items()} | {
        f"{name}_of_{counts[1]}": value for name, value in all_of_them.items()
    }


@probe("feature_step")
def sends_the_residual_through_the_head(s, x, y, B, v):
    return {"dB": s.feature_step(x, y, B, v)}


@probe("feature_step", cases=1)
def takes_as_many_features_as_inputs_have_entries(s, x, y, B, v):
    return {"dB": s.feature_step(x, y, B, v)}


@probe("cka")
def compares_two_sets_of_features(s, a, b):
    return {"cka": s.cka(a, b)}


@probe("cka", cases=1)
def is_1_for_rotated_and_enlarged_features(s, a, turn, move):
    return {"cka": s.cka(a, a @ turn + move)}


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
