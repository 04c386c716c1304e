"""What the checks ask of the NumPy notebook, and the inputs they ask it on.

Inputs: all axes of different lengths, means far from zero, features of different scale, constant features,
8-bit integers, a ragged last batch, an eps that can be seen (rules 1 to 9 of the catalogue).

The exercises of the two notebooks have different names: a probe belongs to the exercise it names."""

import numpy as np

from autograder import Given, probe  # noqa: F401


def table(rng, N, D):
    """Examples whose features have means far from zero and different scales, large and below one."""
    scale = rng.permutation(np.geomspace(0.3, 6, D))
    centre = rng.permutation(np.linspace(-9, 14, D)) + rng.uniform(0, 1, D)
    return centre + scale * rng.uniform(-1.7, 1.7, (N, D))


def new_examples(rng, x_train, M):
    """Other examples of the same features: even ones reach below the range of training, odd ones above it."""
    D = x_train.shape[1]
    low, span = x_train.min(axis=0), np.ptp(x_train, axis=0)
    x = low + span * rng.uniform(0.2, 0.8, (M, D))
    beyond = np.where(np.arange(D) % 2, rng.uniform(1.2, 1.7, D), rng.uniform(-0.6, -0.2, D))
    x[rng.integers(M)] = low + span * beyond
    return x


def train_and_new(rng, N=7, D=4, M=5):
    x_train = table(rng, N, D)
    return {"x_train": x_train, "x": new_examples(rng, x_train, M)}


def with_a_constant_feature(rng):
    """The third feature is one whole number in training, and others in the new examples."""
    data = train_and_new(rng, 6, 5, 4)
    value = rng.integers(3, 12)
    data["x_train"][:, 2] = value
    data["x"][:, 2] = value + np.array([0, 2, -1, 5])
    return data


def of_eight_bits(rng):
    """Training values in the middle of the range, new ones below and above."""
    x_train = rng.integers(90, 190, (8, 3)) // np.array([1, 2, 1]) + np.array([0, 20, -40])
    low, high = x_train.min(axis=0), x_train.max(axis=0)
    x = np.stack([low - rng.integers(5, 40, 3), high + rng.integers(5, 30, 3), high - rng.integers(5, 9, 3)])
    return {"x_train": x_train.astype(np.uint8), "x": x.astype(np.uint8)}


# rtol 1e-4 below: a tiny number added to the divisor is no mistake, unless the divisor is zero
@probe("minmax_scale", rtol=1e-4)
def scales_with_the_range_of_the_training_data(s, x_train, x):
    return {"scaled": s.minmax_scale(x_train, x)}


@scales_with_the_range_of_the_training_data.inputs
def _(rng):
    return train_and_new(rng)


@probe("minmax_scale", cases=2, rtol=1e-4)
def divides_a_constant_feature_by_one(s, x_train, x):
    return {"scaled": s.minmax_scale(x_train, x)}


@divides_a_constant_feature_by_one.inputs
def _(rng):
    return with_a_constant_feature(rng)


@probe("minmax_scale", cases=2, rtol=1e-4)
def scales_integers_of_eight_bits(s, x_train, x):
    return {"scaled": s.minmax_scale(x_train, x)}


@scales_integers_of_eight_bits.inputs
def _(rng):
    return of_eight_bits(rng)


@probe("standardize", rtol=1e-4)
def standardizes_the_training_data(s, x_train, x):
    train, _other = s.standardize(x_train, x)
    return {"train": train}


@standardizes_the_training_data.inputs
def _(rng):
    return train_and_new(rng)


@probe("standardize", rtol=1e-4)
def standardizes_other_data_with_the_training_statistics(s, x_train, x):
    _train, other = s.standardize(x_train, x)
    return {"other": other}


@standardizes_other_data_with_the_training_statistics.inputs
def _(rng):
    return train_and_new(rng)


@probe("standardize", cases=2, rtol=1e-4)
def leaves_the_scale_of_a_constant_feature(s, x_train, x):
    train, other = s.standardize(x_train, x)
    return {"train": train, "other": other}


@leaves_the_scale_of_a_constant_feature.inputs
def _(rng):
    return with_a_constant_feature(rng)


@probe("standardize", cases=2, rtol=1e-4)
def finds_a_constant_feature_whose_mean_is_rounded(s, x_train, x):
    train, other = s.standardize(x_train, x)
    return {"train": train, "other": other}


@finds_a_constant_feature_whose_mean_is_rounded.inputs
def _(rng):
    """The third feature is a decimal fraction, as 0.1, whose standard deviation is not 0 in NumPy."""
    data = train_and_new(rng, 6, 5, 4)
    fractions = [k / 10 for k in range(1, 60) if np.full((6, 1), k / 10).std(axis=0)[0] > 0]
    value = rng.choice(fractions)
    data["x_train"][:, 2] = value
    data["x"][:, 2] = value + np.array([0, 0.2, -0.1, 0.5])
    return data


@probe("standardize", cases=2, rtol=1e-4)
def standardizes_integers_of_eight_bits(s, x_train, x):
    train, other = s.standardize(x_train, x)
    return {"train": train, "other": other}


@standardizes_integers_of_eight_bits.inputs
def _(rng):
    return of_eight_bits(rng)


@probe("standardize", cases=2, hidden=True)
def stays_exact_where_the_mean_is_large(s, x_train, x):
    train, other = s.standardize(x_train, x)
    return {"train": train, "other": other}


@stays_exact_where_the_mean_is_large.inputs
def _(rng):
    far = rng.uniform(4e4, 6e4, 3)
    return {"x_train": far + rng.normal(0, 1, (40, 3)), "x": far + rng.normal(0, 1, (5, 3))}


def pictures(rng, N, H=3, W=5, C=4):
    """8-bit images that differ from one another, and whose channels and pixels differ."""
    centre = rng.permutation(np.linspace(70, 180, C)) + rng.uniform(-25, 25, (N, 1, 1, 1))
    spread = rng.permutation(np.geomspace(6, 30, C)) * rng.uniform(0.5, 1.5, (N, 1, 1, 1))
    noise = rng.uniform(-1.7, 1.7, (N, H, W, C)) + rng.uniform(-0.4, 0.4, (1, H, W, 1))
    return np.clip(np.rint(centre + spread * noise), 0, 255).astype(np.uint8)


def ragged(rng, sizes=(6, 6, 2)):
    """Batches of images; the last one is shorter, and brighter."""
    batches = [pictures(rng, n) for n in sizes]
    batches[-1] = batches[-1] // 2 + 120
    return batches


@probe("channel_stats", rtol=1e-6)
def finds_the_mean_of_every_channel(s, batches):
    mean, _std = s.channel_stats(batches)
    return {"mean": mean}


@finds_the_mean_of_every_channel.inputs
def _(rng):
    return {"batches": ragged(rng)}


@probe("channel_stats", rtol=1e-6)
def finds_the_standard_deviation_of_every_channel(s, batches):
    _mean, std = s.channel_stats(batches)
    return {"std": std}


@finds_the_standard_deviation_of_every_channel.inputs
def _(rng):
    return {"batches": ragged(rng)}


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


@reads_each_batch_once_and_keeps_none.inputs
def _(rng):
    return {"batches": ragged(rng, (5, 5, 5, 3))}


@probe("channel_stats", cases=3)
def is_exact_where_the_mean_is_large(s, batches):
    _mean, std = s.channel_stats(batches)
    return {"std": std}


@is_exact_where_the_mean_is_large.inputs
def _(rng):
    far = rng.uniform(4e4, 6e4, 3)
    return {"batches": [far + rng.normal(t, 1 + t, (n, 4, 5, 3)) for t, n in enumerate((8, 8, 3))]}


# rtol 2e-5: images of single precision may be averaged in single precision
@probe("channel_stats", cases=2, rtol=2e-5, hidden=True)
def works_for_images_of_single_precision(s, batches):
    mean, std = s.channel_stats(batches)
    return {"mean": mean, "std": std}


@works_for_images_of_single_precision.inputs
def _(rng):
    far = rng.uniform(400, 600, 3)
    images = [far + rng.normal(t, 1 + t, (n, 3, 5, 3)) for t, n in enumerate((6, 6, 2))]
    return {"batches": [batch.astype(np.float32) for batch in images]}


def channel_numbers(rng, C):
    """A mean and a standard deviation for every channel, all different."""
    return {
        "mean": rng.permutation(np.linspace(60, 170, C)) + rng.uniform(0, 9, C),
        "std": rng.permutation(np.geomspace(8, 60, C)) * rng.uniform(0.9, 1.1, C),
    }


@probe("standardize_images", cases=2)
def standardizes_every_channel_of_images(s, images, mean, std):
    return {"z": s.standardize_images(images, mean, std)}


@standardizes_every_channel_of_images.inputs
def _(rng):
    return {"images": pictures(rng, 2) + rng.uniform(0, 1, (2, 3, 5, 4)), **channel_numbers(rng, 4)}


@probe("standardize_images", cases=2)
def standardizes_pictures_of_eight_bits(s, images, mean, std):
    return {"z": s.standardize_images(images, mean, std)}


@standardizes_pictures_of_eight_bits.inputs
def _(rng):
    return {"images": pictures(rng, 3, 4, 2, 5), **channel_numbers(rng, 5)}


@probe("global_contrast_normalize", cases=2)
def gives_every_image_its_own_mean_and_contrast(s, images, scale, lam):
    return {"y": s.global_contrast_normalize(images, scale=scale, lam=lam)}


@gives_every_image_its_own_mean_and_contrast.inputs
def _(rng):
    scale, lam = float(rng.uniform(1.5, 3)), float(rng.uniform(60, 120))
    return {"images": pictures(rng, 2), "scale": scale, "lam": lam}


@probe("global_contrast_normalize", cases=2)
def divides_by_eps_where_the_contrast_is_smaller(s, images, scale, lam, eps):
    return {"y": s.global_contrast_normalize(images, scale=scale, lam=lam, eps=eps)}


@divides_by_eps_where_the_contrast_is_smaller.inputs
def _(rng):
    """Contrasts 0.1, 0.9 and 0 of three images, and an eps between the first two."""
    images = rng.normal(0, 1, (3, 2, 5, 4)) * np.array([0.1, 0.9, 0.0]).reshape(3, 1, 1, 1)
    images += rng.integers(2, 9, (3, 1, 1, 1))
    numbers = {"scale": rng.uniform(1.5, 3), "lam": rng.uniform(0.01, 0.02), "eps": rng.uniform(0.3, 0.5)}
    return {"images": images[rng.permutation(3)], **{k: float(v) for k, v in numbers.items()}}


@probe("global_contrast_normalize", cases=2, rtol=1e-7, hidden=True)
def needs_nothing_but_the_images(s, images):
    return {"y": s.global_contrast_normalize(images)}


@needs_nothing_but_the_images.inputs
def _(rng):
    return {"images": pictures(rng, 3, 2, 4, 5)}


def textured(rng, N, H, W, C):
    """Images whose rows, columns, channels and neighbourhoods differ."""
    shades = rng.uniform(-4, 4, (N, H, 1, C)) + rng.uniform(-3, 3, (N, 1, W, C))
    return shades + rng.normal(size=(N, H, W, C)) * rng.uniform(0.5, 2, (N, 1, W, C))


# rtol 1e-6: mean square minus squared mean loses some digits, and is allowed here
@probe("local_contrast_normalize", cases=2, rtol=1e-6)
def standardizes_by_the_window_around_each_pixel(s, images, radius, eps):
    return {"y": s.local_contrast_normalize(images, radius, eps)}


@standardizes_by_the_window_around_each_pixel.inputs
def _(rng):
    images = textured(rng, 2, 4, 6, 3)
    return {"images": images, "radius": 1, "eps": float(rng.uniform(0.1, 0.2))}


@probe("local_contrast_normalize", cases=1, rtol=1e-6)
def takes_windows_of_other_sizes(s, images, radius, eps):
    return {"y": s.local_contrast_normalize(images, radius, eps)}


@takes_windows_of_other_sizes.inputs
def _(rng):
    images = textured(rng, 2, 9, 7, 2)
    return {"images": images, "radius": 3, "eps": float(rng.uniform(0.1, 0.2))}


@probe("local_contrast_normalize", cases=1, rtol=1e-6)
def standardizes_windows_of_pixels_of_eight_bits(s, images, radius, eps):
    return {"y": s.local_contrast_normalize(images, radius, eps)}


@standardizes_windows_of_pixels_of_eight_bits.inputs
def _(rng):
    return {"images": pictures(rng, 2, 4, 5, 3), "radius": 1, "eps": float(rng.uniform(20, 40))}


@probe("local_contrast_normalize", cases=2, rtol=1e-6, hidden=True)
def takes_a_window_that_covers_the_whole_image(s, images, radius, eps):
    return {"y": s.local_contrast_normalize(images, radius, eps)}


@takes_a_window_that_covers_the_whole_image.inputs
def _(rng):
    return {"images": 3 + rng.normal(size=(2, 4, 3, 5)), "radius": 6, "eps": float(rng.uniform(0.1, 0.2))}


def correlated(rng, N, D):
    """Features that lean on one another, of different scales and means; one is nearly a sum of others."""
    x = rng.normal(size=(N, D)) @ rng.normal(size=(D, D)) * rng.permutation(np.geomspace(0.4, 3, D))
    x[:, -1] = x[:, 0] - x[:, 1] + 0.05 * rng.normal(size=N)
    return x + rng.choice([-1, 1], D) * rng.uniform(2, 6, D)


# W @ W.T does not see whether W ends with a turn, nor with which signs the eigenvectors came
@probe("whitening", rtol=1e-7)
def divides_by_the_spread_along_each_axis(s, x, eps):
    _mean, W = s.whitening(x, eps)
    return {"W @ W.T": np.asarray(W) @ np.asarray(W).T}


@divides_by_the_spread_along_each_axis.inputs
def _(rng):
    return {"x": correlated(rng, 11, 4), "eps": float(rng.uniform(0.05, 0.1))}


@probe("whitening")
def turns_back_to_the_axes_of_the_data(s, x, eps):
    _mean, W = s.whitening(x, eps)
    return {"W_is_symmetric": np.array(np.allclose(W, np.asarray(W).T))}


@turns_back_to_the_axes_of_the_data.inputs
def _(rng):
    return {"x": correlated(rng, 9, 5), "eps": float(rng.uniform(0.05, 0.1))}


@probe("whitening", cases=2, rtol=1e-7)
def finds_the_mean_that_whitening_subtracts(s, x, eps):
    mean, _W = s.whitening(x, eps)
    return {"mean": mean}


@finds_the_mean_that_whitening_subtracts.inputs
def _(rng):
    return {"x": correlated(rng, 9, 5), "eps": float(rng.uniform(0.05, 0.1))}


@probe("whitening", cases=2, rtol=1e-6)
def whitens_fewer_examples_than_features(s, x, eps):
    mean, W = s.whitening(x, eps)
    z = (x - mean) @ W
    return {"z @ z.T": z @ z.T}


@whitens_fewer_examples_than_features.inputs
def _(rng):
    return {"x": rng.integers(20, 230, (4, 6)).astype(np.uint8), "eps": float(rng.uniform(60, 90))}


def apart_from_zero(rng, N, D):
    """Correlated features with means far from zero, and a condition number that single precision can hold."""
    x = rng.normal(size=(N, D)) @ (np.eye(D) + 0.4 * rng.normal(size=(D, D)))
    return x + rng.choice([-1, 1], D) * rng.uniform(1, 3, D)


# rtol 1e-4: single precision on the way is right
@probe("curvature", rtol=1e-4)
def finds_the_condition_number(s, x):
    condition, _max_lr = s.curvature(x)
    return {"condition": condition}


@finds_the_condition_number.inputs
def _(rng):
    return {"x": apart_from_zero(rng, 12, 4)}


@probe("curvature", rtol=1e-4)
def finds_the_bound_on_the_learning_rate(s, x):
    _condition, max_lr = s.curvature(x)
    return {"max_lr": max_lr}


@finds_the_bound_on_the_learning_rate.inputs
def _(rng):
    return {"x": apart_from_zero(rng, 12, 4)}


@probe("curvature", cases=2, rtol=1e-4)
def takes_pixels_of_eight_bits(s, x):
    condition, max_lr = s.curvature(x)
    return {"condition": condition, "max_lr": max_lr}


@takes_pixels_of_eight_bits.inputs
def _(rng):
    return {"x": rng.integers(0, 256, (9, 3)).astype(np.uint8)}


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
