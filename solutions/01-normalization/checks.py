"""What the checks ask of both notebooks, and the inputs they ask it on.

Inputs: all axes of different lengths, means far from zero, features of different scale, constant features,
8-bit integers, a ragged last batch, an eps that can be seen (rules 1 to 9 of the catalogue).

The exercises of the two notebooks have different names: a probe belongs to the exercise it names."""

import numpy as np

from autograder import Given, probe  # noqa: F401

# ------------------------------------------------------------------ normalization_numpy


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


# ------------------------------------------------------------------ normalization_torch


def tensor(array):
    """A tensor that shares the array's memory, so that a change in place is seen."""
    import torch

    return torch.as_tensor(array)


def photographs(rng, *shape):
    """Pictures (N, H, W, C) of 8 bits, none of them 0 or 255; pictures and channels differ."""
    N, _, _, C = shape
    bright = rng.permutation(np.linspace(70, 180, N)).reshape(N, 1, 1, 1)
    scale = rng.permutation(np.linspace(8, 30, C))
    return np.clip(bright + scale * rng.normal(size=shape) + 9 * np.arange(C), 3, 240).astype(np.uint8)


def channels_second(rng, *shape):
    """float64 images (N, C, H, W): means far from zero, channels of different scale, images that differ."""
    N, C, H, W = shape
    scale = rng.permutation(np.geomspace(0.4, 4, C)).reshape(C, 1, 1)
    centre = rng.permutation(np.linspace(-4, 7, C) + rng.uniform(0, 1, C)).reshape(C, 1, 1)
    texture = rng.normal(size=shape) + 1.5 * rng.normal(size=(N, 1, 1, 1)) + rng.normal(size=(1, 1, H, W))
    return texture * scale + centre


@probe("images_to_tensor", rtol=1e-6)
def scales_pixels_and_puts_the_channels_second(s, images):
    return {"x": s.images_to_tensor(tensor(images))}


@scales_pixels_and_puts_the_channels_second.inputs
def _(rng):
    return {"images": photographs(rng, 2, 4, 5, 3)}


@probe("images_to_tensor", cases=1)
def returns_single_precision(s, images):
    x = s.images_to_tensor(tensor(images))
    return {"bits_of_each_number": np.array(8 * x.element_size())}


@returns_single_precision.inputs
def _(rng):
    return {"images": photographs(rng, 2, 4, 5, 3)}


class Loader:
    """Batches with labels, as a DataLoader yields them; it counts how often it was gone through."""

    def __init__(self, batches):
        self.batches = [tensor(x) for x in batches]
        self.passes = 0

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        self.passes += 1
        return ((x, tensor(np.arange(len(x)))) for x in self.batches)


# rtol 1e-5 below: statistics of single precision are right
@probe("loader_stats", rtol=1e-5)
def averages_over_all_pixels_of_all_batches(s, batches):
    mean, _std = s.loader_stats(Loader(batches))
    return {"mean": mean}


@averages_over_all_pixels_of_all_batches.inputs
def _(rng):
    return {"batches": [channels_second(rng, n, 4, 3, 2) + t for t, n in enumerate((3, 3, 2))]}


@probe("loader_stats", rtol=1e-5)
def finds_the_deviation_over_all_pixels_of_all_batches(s, batches):
    _mean, std = s.loader_stats(Loader(batches))
    return {"std": std}


@finds_the_deviation_over_all_pixels_of_all_batches.inputs
def _(rng):
    return {"batches": [channels_second(rng, n, 4, 3, 2) + t for t, n in enumerate((3, 3, 2))]}


@probe("loader_stats", cases=2, rtol=1e-5)
def works_for_numbers_of_eight_bits(s, batches):
    mean, std = s.loader_stats(Loader(batches))
    return {"mean": mean, "std": std}


@works_for_numbers_of_eight_bits.inputs
def _(rng):
    sizes = (4, 4, 4, 1)
    return {"batches": [photographs(rng, n, 3, 5, 2).transpose(0, 3, 1, 2).copy() for n in sizes]}


@probe("loader_stats", cases=1)
def goes_through_the_loader_once(s, batches):
    loader = Loader(batches)
    s.loader_stats(loader)
    return {"passes_through_the_loader": np.array(loader.passes)}


@goes_through_the_loader_once.inputs
def _(rng):
    return {"batches": [channels_second(rng, n, 3, 2, 4) for n in (3, 3, 2)]}


@probe("loader_stats", cases=1)
def survives_channels_far_from_zero_in_float32(s, batches, offset):
    far, near = (
        tensor(s.loader_stats(Loader([(x - shift).astype(np.float32) for x in batches]))[1]).double()
        for shift in (0, offset)
    )
    same = bool(((far - near).abs() < 0.02 * near.abs()).all())
    return {"std_is_the_same_far_from_zero": np.array(same)}


@survives_channels_far_from_zero_in_float32.inputs
def _(rng):
    far = rng.uniform(5e3, 8e3, (2, 1, 1))
    return {"batches": [(far + rng.normal(size=(n, 2, 5, 6))).round(3) for n in (8, 8, 3)], "offset": far}


# rtol 1e-6 below: single precision on the way is right, what type comes out is asked by itself
def standardizer(s, mean, std):
    """The student's module, in float64, with these statistics."""
    return s.Standardize(tensor(mean).clone(), tensor(std).clone()).double()


def kept_as(layer, names):
    """Per name: is it saved, is it trained, does it move with the module?"""
    saved, trained = set(layer.state_dict()), {name for name, _ in layer.named_parameters()}
    layer.to("meta")  # a device that computes shapes only
    found = {}
    for name in names:
        place = getattr(getattr(layer, name, None), "device", None)
        found[f"{name}_is_in_state_dict"] = np.array(name in saved)
        found[f"{name}_is_a_parameter"] = np.array(name in trained)
        found[f"{name}_is_moved_with_the_module"] = np.array(str(place) == "meta")
    return found


def channel_statistics(rng, C):
    return {
        "mean": rng.permutation(np.linspace(-3, 6, C) + rng.uniform(0.1, 0.9, C)),
        "std": rng.permutation(np.linspace(0.4, 3.1, C) + rng.uniform(0, 0.2, C)),
    }


@probe("Standardize", rtol=1e-6)
def standardizes_images_with_the_given_statistics(s, x, mean, std):
    return {"z": standardizer(s, mean, std)(tensor(x))}


@standardizes_images_with_the_given_statistics.inputs
def _(rng):
    return {"x": channels_second(rng, 2, 5, 3, 4), **channel_statistics(rng, 5)}


@probe("Standardize", cases=2, rtol=1e-6)
def standardizes_tables_with_the_given_statistics(s, x, mean, std):
    return {"z": standardizer(s, mean, std)(tensor(x))}


@standardizes_tables_with_the_given_statistics.inputs
def _(rng):
    return {"x": channels_second(rng, 7, 4, 1, 1)[:, :, 0, 0].copy(), **channel_statistics(rng, 4)}


@probe("Standardize", cases=2, rtol=1e-6)
def divides_a_constant_channel_by_one(s, x, mean, std):
    return {"z": standardizer(s, mean, std)(tensor(x))}


@divides_a_constant_channel_by_one.inputs
def _(rng):
    statistics = channel_statistics(rng, 5)
    statistics["std"][rng.integers(5)] = 0.0
    return {"x": channels_second(rng, 2, 5, 3, 4), **statistics}


@probe("Standardize", cases=2, rtol=1e-6)
def takes_images_of_eight_bits(s, x, mean, std):
    return {"z": standardizer(s, mean, std)(tensor(x))}


@takes_images_of_eight_bits.inputs
def _(rng):
    statistics = {"mean": rng.uniform(90, 160, 3), "std": rng.uniform(15, 60, 3)}
    return {"x": photographs(rng, 2, 4, 5, 3).transpose(0, 3, 1, 2).copy(), **statistics}


@probe("Standardize", cases=1, rtol=1e-6)
def does_the_same_in_training_and_in_evaluation(s, x, mean, std):
    layer = standardizer(s, mean, std)
    return {"in_training": layer.train()(tensor(x)), "in_evaluation": layer.eval()(tensor(x))}


@does_the_same_in_training_and_in_evaluation.inputs
def _(rng):
    return {"x": channels_second(rng, 2, 5, 3, 4), **channel_statistics(rng, 5)}


@probe("Standardize", cases=1)
def keeps_its_statistics_in_buffers(s, mean, std):
    return kept_as(standardizer(s, mean, std), ("mean", "std"))


@keeps_its_statistics_in_buffers.inputs
def _(rng):
    return channel_statistics(rng, 3)


@probe("Standardize", cases=1, rtol=1e-6)
def uses_the_statistics_that_are_loaded_into_it(s, x, mean, std):
    layer = standardizer(s, mean - 1, std + 2)
    layer.load_state_dict({"mean": tensor(mean).clone(), "std": tensor(std).clone()}, strict=False)
    return {"z": layer(tensor(x))}


@uses_the_statistics_that_are_loaded_into_it.inputs
def _(rng):
    return {"x": channels_second(rng, 2, 5, 3, 4), **channel_statistics(rng, 5)}


@probe("Standardize", cases=1)
def keeps_the_type_of_its_input(s, x, mean, std):
    import torch

    types = {16: torch.float16, 32: torch.float32, 64: torch.float64}
    found = {}
    for own in (32, 64):
        layer = standardizer(s, mean, std).to(types[own])
        bits = [8 * layer(tensor(x).to(t)).element_size() for t in types.values()]
        found[f"bits_of_z_for_x_of_16_32_64_and_statistics_of_{own}"] = np.array(bits)
    return found


@keeps_the_type_of_its_input.inputs
def _(rng):
    return {"x": channels_second(rng, 2, 5, 3, 4), **channel_statistics(rng, 5)}


@probe("Standardize", cases=2, rtol=1e-6)
def goes_back_to_the_images(s, z, mean, std):
    return {"x": standardizer(s, mean, std).inverse(tensor(z))}


@goes_back_to_the_images.inputs
def _(rng):
    return {"z": channels_second(rng, 2, 5, 3, 4), **channel_statistics(rng, 5)}


@probe("Standardize", cases=1, rtol=1e-6)
def goes_back_to_a_table(s, z, mean, std):
    return {"x": standardizer(s, mean, std).inverse(tensor(z))}


@goes_back_to_a_table.inputs
def _(rng):
    return {"z": channels_second(rng, 7, 4, 1, 1)[:, :, 0, 0].copy(), **channel_statistics(rng, 4)}


@probe("Standardize", cases=2, rtol=1e-6)
def passes_gradients_to_its_input(s, x, dz, mean, std):
    leaf = tensor(x).clone().requires_grad_(True)
    standardizer(s, mean, std)(leaf).backward(tensor(dz))
    return {"x.grad": leaf.grad}


@passes_gradients_to_its_input.inputs
def _(rng):
    dz = rng.normal(size=(2, 5, 3, 4))
    return {"x": channels_second(rng, 2, 5, 3, 4), "dz": dz, **channel_statistics(rng, 5)}


def layer_to_fold_into(rng, *shape):
    in_channels = shape[1]
    return {
        "weight": rng.normal(size=shape),
        "bias": rng.normal(1, 0.5, shape[0]),
        **channel_statistics(rng, in_channels),
    }


def folded_into(s, weight, bias, mean, std):
    given = [None if a is None else tensor(a) for a in (weight, bias, mean, std)]
    return s.fold_standardization(*given)


@probe("fold_standardization", rtol=1e-6)
def divides_the_weight_of_a_linear_layer(s, **inputs):
    weight, _bias = folded_into(s, **inputs)
    return {"weight": weight}


@divides_the_weight_of_a_linear_layer.inputs
def _(rng):
    return layer_to_fold_into(rng, 4, 3)


@probe("fold_standardization", rtol=1e-6)
def moves_the_means_into_the_bias(s, **inputs):
    _weight, bias = folded_into(s, **inputs)
    return {"bias": bias}


@moves_the_means_into_the_bias.inputs
def _(rng):
    return layer_to_fold_into(rng, 4, 3)


@probe("fold_standardization", cases=2, rtol=1e-6)
def folds_standardization_into_a_convolution(s, **inputs):
    weight, bias = folded_into(s, **inputs)
    return {"weight": weight, "bias": bias}


@folds_standardization_into_a_convolution.inputs
def _(rng):
    return layer_to_fold_into(rng, 4, 3, 2, 5)


@probe("fold_standardization", cases=2, rtol=1e-6)
def makes_a_bias_where_there_was_none(s, **inputs):
    weight, bias = folded_into(s, **inputs)
    return {"weight": weight, "bias": bias}


@makes_a_bias_where_there_was_none.inputs
def _(rng):
    return {**layer_to_fold_into(rng, 4, 3, 2, 5), "bias": None}


def on_its_device(f, x):
    """Does f mix x with tensors that are made without a device?

    Asked in two ways: a GPU's tensors may be mixed with one number of the CPU, and may be compared."""
    import torch

    try:
        with torch.device("meta"):  # where a tensor lands that is made without a device
            y = f(x)
    except RuntimeError:
        x = x.to("meta")
        y = f(x)
    return {"y_is_on_the_device_of_x": np.array(y.device == x.device)}


def contrast_inputs(rng):
    return {
        "x": channels_second(rng, 3, 4, 2, 5),
        "scale": float(rng.uniform(1.6, 2.4)),
        "lam": float(rng.uniform(0.6, 0.9)),
        "eps": 1e-8,
    }


@probe("global_contrast", rtol=1e-6)
def gives_every_image_the_same_contrast(s, x, scale, lam, eps):
    return {"y": s.global_contrast(tensor(x), scale, lam, eps)}


@gives_every_image_the_same_contrast.inputs
def _(rng):
    return contrast_inputs(rng)


@probe("global_contrast", cases=2, rtol=1e-6)
def divides_by_eps_where_there_is_less_contrast(s, x, scale, lam, eps):
    return {"y": s.global_contrast(tensor(x), scale, lam, eps)}


@divides_by_eps_where_there_is_less_contrast.inputs
def _(rng):
    faint = np.array([1.0, 0.002, 0.0]).reshape(3, 1, 1, 1)
    eps = float(rng.uniform(0.04, 0.08))
    return {**contrast_inputs(rng), "x": faint * channels_second(rng, 3, 4, 2, 5), "lam": 0.0, "eps": eps}


@probe("global_contrast", cases=2, rtol=1e-6)
def works_with_its_default_arguments(s, x):
    return {"y": s.global_contrast(tensor(x))}


@works_with_its_default_arguments.inputs
def _(rng):
    return {"x": channels_second(rng, 3, 4, 2, 5)}


@probe("global_contrast", cases=2, rtol=1e-6)
def lets_gradients_through_the_contrast(s, x, scale, lam, eps, dy):
    leaf = tensor(x).clone().requires_grad_(True)
    s.global_contrast(leaf, scale, lam, eps).backward(tensor(dy))
    return {"x.grad": leaf.grad}


@lets_gradients_through_the_contrast.inputs
def _(rng):
    return {**contrast_inputs(rng), "dy": rng.normal(size=(3, 4, 2, 5)) + 0.5}


@probe("global_contrast", cases=1)
def makes_no_tensors_on_another_device(s, x, scale, lam, eps):
    return on_its_device(lambda x: s.global_contrast(x, scale, lam, eps), tensor(x))


@makes_no_tensors_on_another_device.inputs
def _(rng):
    return contrast_inputs(rng)


# rtol 1e-4 below: single precision on the way is right, and small variances enlarge its rounding
@probe("local_contrast", rtol=1e-4)
def gives_every_neighbourhood_the_same_contrast(s, x, radius, eps):
    return {"y": s.local_contrast(tensor(x), radius, eps)}


@gives_every_neighbourhood_the_same_contrast.inputs
def _(rng):
    return {"x": channels_second(rng, 2, 3, 7, 5), "radius": 1, "eps": float(rng.uniform(0.3, 0.6))}


@probe("local_contrast", cases=2, rtol=1e-4)
def works_for_larger_windows(s, x, radius, eps):
    return {"y": s.local_contrast(tensor(x), radius, eps)}


@works_for_larger_windows.inputs
def _(rng):
    return {"x": channels_second(rng, 2, 4, 7, 9), "radius": 3, "eps": float(rng.uniform(0.3, 0.6))}


@probe("local_contrast", cases=1, rtol=1e-4)
def works_for_images_as_small_as_the_window(s, x, radius, eps):
    return {"y": s.local_contrast(tensor(x), radius, eps)}


@works_for_images_as_small_as_the_window.inputs
def _(rng):
    return {"x": channels_second(rng, 2, 4, 3, 3), "radius": 1, "eps": float(rng.uniform(0.3, 0.6))}


@probe("local_contrast", cases=1)
def survives_bright_images_in_float32(s, x, radius, eps, offset):
    bright, dark = (
        s.local_contrast(tensor((x - shift).astype(np.float32)), radius, eps).double()
        for shift in (0, offset)
    )
    same = bool(((bright - dark).abs() < 0.05).all())
    return {"y_is_the_same_for_brighter_images": np.array(same)}


@survives_bright_images_in_float32.inputs
def _(rng):
    far = rng.uniform(5e3, 8e3, (2, 1, 1, 1))
    x = (far + rng.normal(size=(2, 3, 8, 9))).round(3)
    return {"x": x, "radius": 2, "eps": 0.1, "offset": far}


@probe("local_contrast", cases=1)
def makes_no_tensors_elsewhere(s, x, radius, eps):
    return on_its_device(lambda x: s.local_contrast(x, radius, eps), tensor(x))


@makes_no_tensors_elsewhere.inputs
def _(rng):
    return {"x": channels_second(rng, 2, 3, 7, 5), "radius": 1, "eps": 0.3}


def mixed_features(rng, N, D):
    """Rows whose features are correlated, with means far from zero."""
    mix = rng.normal(size=(D, D)) + np.diag(rng.uniform(1, 3, D))
    return rng.normal(size=(N, D)) @ mix + rng.permutation(np.linspace(-3, 5, D))


def whitener(s, D):
    return s.ZCA(D).double()


@probe("ZCA", rtol=1e-4)
def learns_the_mean_and_the_matrix(s, x, eps):
    layer = whitener(s, x.shape[1])
    layer.fit(tensor(x), eps)
    return {"mean": layer.mean, "matrix": layer.matrix}


@learns_the_mean_and_the_matrix.inputs
def _(rng):
    return {"x": mixed_features(rng, 12, 4), "eps": float(rng.uniform(0.2, 0.4))}


@probe("ZCA", cases=2, rtol=1e-4)
def whitens_other_data_with_what_it_learned(s, x, new, eps):
    layer = whitener(s, x.shape[1])
    layer.fit(tensor(x), eps)
    return {"z": layer(tensor(new))}


@whitens_other_data_with_what_it_learned.inputs
def _(rng):
    x = mixed_features(rng, 12, 4)
    return {"x": x, "new": x[:5] * 1.3 + rng.normal(size=(5, 4)), "eps": float(rng.uniform(0.2, 0.4))}


@probe("ZCA", cases=2, rtol=1e-4)
def flattens_images_and_returns_images(s, x, new, eps):
    layer = whitener(s, x[0].size)
    layer.fit(tensor(x), eps)
    return {"z": layer(tensor(new))}


@flattens_images_and_returns_images.inputs
def _(rng):
    eps = float(rng.uniform(2, 4))
    return {"x": channels_second(rng, 9, 2, 3, 4), "new": channels_second(rng, 5, 2, 3, 4), "eps": eps}


@probe("ZCA", cases=1, rtol=1e-4)
def survives_features_that_are_copies(s, x, eps):
    layer = whitener(s, x.shape[1])
    layer.fit(tensor(x), eps)
    return {"z": layer(tensor(x))}


@survives_features_that_are_copies.inputs
def _(rng):
    x = mixed_features(rng, 12, 4)
    return {"x": np.concatenate([x, 2 * x[:, :1]], axis=1), "eps": float(rng.uniform(0.2, 0.4))}


@probe("ZCA", cases=1)
def starts_by_changing_nothing(s, num_features):
    layer = s.ZCA(num_features)
    return {"mean": layer.mean, "matrix": layer.matrix}


@starts_by_changing_nothing.inputs
def _(rng):
    return {"num_features": 5}


@probe("ZCA", cases=1)
def keeps_what_it_learned_in_buffers(s, x, eps):
    layer = whitener(s, x.shape[1])
    layer.fit(tensor(x), eps)
    return kept_as(layer, ("mean", "matrix"))


@keeps_what_it_learned_in_buffers.inputs
def _(rng):
    return {"x": mixed_features(rng, 12, 4), "eps": 0.3}


@probe("ZCA", cases=1, rtol=1e-4)
def whitens_with_what_is_loaded_into_it(s, x, mean, matrix):
    layer = whitener(s, len(mean))
    state = {"mean": tensor(mean).clone(), "matrix": tensor(matrix).clone()}
    layer.load_state_dict(state, strict=False)
    return {"z": layer(tensor(x))}


@whitens_with_what_is_loaded_into_it.inputs
def _(rng):
    root = rng.normal(size=(4, 4))
    return {"x": mixed_features(rng, 6, 4), "mean": rng.normal(2, 1, 4), "matrix": root @ root.T}


@probe("ZCA", cases=1)
def keeps_no_graph_of_the_training_set(s, x, eps):
    layer = whitener(s, x.shape[1])
    layer.fit(tensor(x).clone().requires_grad_(True), eps)
    buffers = {"mean": layer.mean, "matrix": layer.matrix}
    return {f"{name}_requires_a_gradient": np.array(b.requires_grad) for name, b in buffers.items()}


@keeps_no_graph_of_the_training_set.inputs
def _(rng):
    return {"x": mixed_features(rng, 12, 4), "eps": 0.3}


@probe("ZCA", cases=1)
def returns_itself_from_fit(s, x, eps):
    layer = whitener(s, x.shape[1])
    return {"what_fit_returns_is_the_module": np.array(layer.fit(tensor(x), eps) is layer)}


@returns_itself_from_fit.inputs
def _(rng):
    return {"x": mixed_features(rng, 12, 4), "eps": 0.3}


@probe("ZCA", cases=2, rtol=1e-4)
def passes_gradients_through_the_whitening(s, x, dz, eps):
    layer = whitener(s, x.shape[1])
    layer.fit(tensor(x), eps)
    leaf = tensor(x).clone().requires_grad_(True)
    layer(leaf).backward(tensor(dz))
    return {"x.grad": leaf.grad}


@passes_gradients_through_the_whitening.inputs
def _(rng):
    return {"x": mixed_features(rng, 12, 4), "dz": rng.normal(size=(12, 4)) + 0.4, "eps": 0.3}
