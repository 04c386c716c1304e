import numpy as np
from autograder import probe


@probe("minmax_scale", rtol=1e-4)
def scales_with_the_range_of_the_training_data(s, x_train, x):
    return {"scaled": s.minmax_scale(x_train, x)}


@probe("minmax_scale", cases=2, rtol=1e-4)
def divides_a_constant_feature_by_one(s, x_train, x):
    return {"scaled": s.minmax_scale(x_train, x)}


@probe("minmax_scale", cases=2, rtol=1e-4)
def scales_integers_of_eight_bits(s, x_train, x):
    return {"scaled": s.minmax_scale(x_train, x)}


@probe("standardize", rtol=1e-4)
def standardizes_the_training_data(s, x_train, x):
    train, _other = s.standardize(x_train, x)
    return {"train": train}


@probe("standardize", rtol=1e-4)
def standardizes_other_data_with_the_training_statistics(s, x_train, x):
    _train, other = s.standardize(x_train, x)
    return {"other": other}


@probe("standardize", cases=2, rtol=1e-4)
def leaves_the_scale_of_a_constant_feature(s, x_train, x):
    train, other = s.standardize(x_train, x)
    return {"train": train, "other": other}


@probe("standardize", cases=2, rtol=1e-4)
def finds_a_constant_feature_whose_mean_is_rounded(s, x_train, x):
    train, other = s.standardize(x_train, x)
    return {"train": train, "other": other}


@probe("standardize", cases=2, rtol=1e-4)
def standardizes_integers_of_eight_bits(s, x_train, x):
    train, other = s.standardize(x_train, x)
    return {"train": train, "other": other}


@probe("channel_stats", rtol=1e-6)
def finds_the_mean_of_every_channel(s, batches):
    mean, _std = s.channel_stats(batches)
    return {"mean": mean}


@probe("channel_stats", rtol=1e-6)
def finds_the_standard_deviation_of_every_channel(s, batches):
    _mean, std = s.channel_stats(batches)
    return {"std": std}


def through_one_memory(batches):
    """As a loader hands out its batches: once, and each in the memory of the one before."""
    memory = np.empty_like(batches[0])
    for batch in batches:
        memory[: len(batch)] = batch
        yield memory[: len(batch)]


@probe("channel_stats", cases=2, rtol=1e-6)
def reads_each_batch_once_and_keeps_none(s, batches):
    mean, std = s.channel_stats(through_one_memory(batches))
    return {"mean": mean, "std": std}


@probe("channel_stats", cases=3)
def is_exact_where_the_mean_is_large(s, batches):
    _mean, std = s.channel_stats(batches)
    return {"std": std}


@probe("standardize_images", cases=2)
def standardizes_every_channel_of_images(s, images, mean, std):
    return {"z": s.standardize_images(images, mean, std)}


@probe("standardize_images", cases=2)
def standardizes_pictures_of_eight_bits(s, images, mean, std):
    return {"z": s.standardize_images(images, mean, std)}


@probe("global_contrast_normalize", cases=2)
def gives_every_image_its_own_mean_and_contrast(s, images, scale, lam):
    return {"y": s.global_contrast_normalize(images, scale=scale, lam=lam)}


@probe("global_contrast_normalize", cases=2)
def divides_by_eps_where_the_contrast_is_smaller(s, images, scale, lam, eps):
    return {"y": s.global_contrast_normalize(images, scale=scale, lam=lam, eps=eps)}


@probe("local_contrast_normalize", cases=2, rtol=1e-6)
def standardizes_by_the_window_around_each_pixel(s, images, radius, eps):
    return {"y": s.local_contrast_normalize(images, radius, eps)}


@probe("local_contrast_normalize", cases=1, rtol=1e-6)
def takes_windows_of_other_sizes(s, images, radius, eps):
    return {"y": s.local_contrast_normalize(images, radius, eps)}


@probe("local_contrast_normalize", cases=1, rtol=1e-6)
def standardizes_windows_of_pixels_of_eight_bits(s, images, radius, eps):
    return {"y": s.local_contrast_normalize(images, radius, eps)}


@probe("whitening", rtol=1e-7)
def divides_by_the_spread_along_each_axis(s, x, eps):
    _mean, W = s.whitening(x, eps)
    return {"W @ W.T": np.asarray(W) @ np.asarray(W).T}


@probe("whitening")
def turns_back_to_the_axes_of_the_data(s, x, eps):
    _mean, W = s.whitening(x, eps)
    return {"W_is_symmetric": np.array(np.allclose(W, np.asarray(W).T))}


@probe("whitening", cases=2, rtol=1e-7)
def finds_the_mean_that_whitening_subtracts(s, x, eps):
    mean, _W = s.whitening(x, eps)
    return {"mean": mean}


@probe("whitening", cases=2, rtol=1e-6)
def whitens_fewer_examples_than_features(s, x, eps):
    mean, W = s.whitening(x, eps)
    z = (x - mean) @ W
    return {"z @ z.T": z @ z.T}


@probe("curvature", rtol=1e-4)
def finds_the_condition_number(s, x):
    condition, _max_lr = s.curvature(x)
    return {"condition": condition}


@probe("curvature", rtol=1e-4)
def finds_the_bound_on_the_learning_rate(s, x):
    _condition, max_lr = s.curvature(x)
    return {"max_lr": max_lr}


@probe("curvature", cases=2, rtol=1e-4)
def takes_pixels_of_eight_bits(s, x):
    condition, max_lr = s.curvature(x)
    return {"condition": condition, "max_lr": max_lr}


@probe(
    "test_standardize",
    judges="standardize",
    wrong=(
        "DN1",
        "DN1b",
        "DN2",
        "DN3",
        "DN4",
        "DN4b",
        "DN5",
        "DN7",
        "DN8",
        "DN9",
        "DN17-nan",
        "DN17-tiny",
    ),
)
def accepts_a_right_function_and_rejects_wrong_ones(s, implementation):
    s.test_standardize(implementation)
    return {"accepts": np.array(True)}


@accepts_a_right_function_and_rejects_wrong_ones.broken
def leaking(right):
    """the statistics come from both arrays together: validation data leak into training"""

    def wrong(x_train, x):
        both, other = right(np.concatenate([x_train, x]), x)
        return both[: len(x_train)], other

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def own_statistics(right):
    """the second array is standardized with its own statistics: it looks perfect and means another thing"""

    def wrong(x_train, x):
        return right(x_train, x)[0], right(x, x)[0]

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def standardized_rows(right):
    """every example is standardized over its features"""

    def wrong(x_train, x):
        return right(x_train.T, x_train.T)[0].T, right(x.T, x.T)[0].T

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def one_number_for_all_features(right):
    """all features share one mean and one standard deviation"""

    def wrong(x_train, x):
        train, other = right(x_train.reshape(-1, 1), x.reshape(-1, 1))
        return train.reshape(x_train.shape), other.reshape(x.shape)

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def unshifted_second_array(right):
    """the second array is divided but not centred"""

    def wrong(x_train, x):
        train, other = right(x_train, x)
        return train, other - right(x_train, np.zeros_like(x))[1]

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def not_a_number(right):
    """a constant feature becomes NaN"""

    def wrong(x_train, x):
        train, other = right(x_train, x)
        constant = np.ptp(x_train, axis=0) == 0
        return np.where(constant, np.nan, train), np.where(constant, np.nan, other)

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def exploding(right):
    """a feature that is constant in training is divided by a tiny number: in the second array it explodes"""

    def wrong(x_train, x):
        train, other = right(x_train, x)
        return train, np.where(np.ptp(x_train, axis=0) == 0, other * 1e8, other)

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def exchanged_results(right):
    """the two results have changed places"""

    def wrong(x_train, x):
        return right(x_train, x)[::-1]

    return wrong
