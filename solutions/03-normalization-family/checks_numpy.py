"""What the checks ask of the NumPy notebook, and the inputs they ask it on.

Inputs: all axes of different lengths, images, channels and pixels with means far from 0 and scales of their
own, gamma and beta neither one nor zero, an eps that shows, random upstream gradients, groups of another size
than their number."""

import numpy as np

from autograder import probe


def uneven(rng, *shape):
    """Entries whose means and scales differ along every axis."""
    x = rng.normal(size=shape)
    for axis, length in enumerate(shape):
        along = [1] * len(shape)
        along[axis] = length
        x *= rng.permutation(np.geomspace(0.6, 1.8, length)).reshape(along)
        x += rng.permutation(np.linspace(-1.5, 2.2, length)).reshape(along)
    return x


def scale_and_shift(rng, D):
    """gamma and beta: all entries different, of both signs, never near each other."""
    gamma = rng.permutation(np.linspace(0.5, 2.5, D)) * rng.choice([-1.0, 1.0], D)
    beta = rng.permutation(np.linspace(-2.2, 1.7, D)) + rng.uniform(-0.1, 0.1, D)
    return {"gamma": gamma, "beta": beta}


def visible_eps(rng):
    return float(rng.uniform(0.1, 0.2))


def one_thing(found):
    if np.isscalar(found) or isinstance(found, np.ndarray):
        return "one array" if np.ndim(found) else "one number"
    return f"a {type(found).__name__}"


def returned(found, *names):
    """By name, what a function returned; where it is not so many things, an error that says what came."""
    expected = f"{('two', 'three')[len(names) - 2]} arrays were expected ({', '.join(names)})"
    if found is None:
        raise TypeError(f"{expected}, None was returned: is a `return` missing?")
    if not isinstance(found, (tuple, list)):
        raise TypeError(f"{expected}, {one_thing(found)} was returned")
    if len(found) != len(names):
        raise ValueError(f"{expected}, {len(found)} were returned")
    return dict(zip(names, found, strict=True))


def over(axes):
    """A name: over_axes_0_and_2."""
    return f"over_{'axis' if len(axes) == 1 else 'axes'}_" + "_and_".join(map(str, axes))


@probe("normalize", cases=2)
def normalizes_over_the_given_axes(s, x, sets, eps):
    return {over(axes): returned(s.normalize(x, axes, eps), "x_hat", "ivar")["x_hat"] for axes in sets}


@normalizes_over_the_given_axes.inputs
def _(rng):
    return {"x": uneven(rng, 3, 4, 2, 5), "sets": [(1,), (0, 2), (1, 2, 3)], "eps": visible_eps(rng)}


@probe("normalize", cases=1)
def returns_one_over_the_root_with_axes_of_length_1(s, x, sets, eps):
    return {over(axes): returned(s.normalize(x, axes, eps), "x_hat", "ivar")["ivar"] for axes in sets}


@returns_one_over_the_root_with_axes_of_length_1.inputs
def _(rng):
    return {"x": uneven(rng, 6, 4, 3), "sets": [(0,), (1,), (0, 2)], "eps": visible_eps(rng)}


@probe("normalize", cases=1)
def gives_zeros_for_a_set_of_equal_entries(s, x, eps):
    return returned(s.normalize(x, (1,), eps), "x_hat", "ivar")


@gives_zeros_for_a_set_of_equal_entries.inputs
def _(rng):
    x = uneven(rng, 5, 4, 3)
    x[rng.integers(5), :, rng.integers(3)] = rng.integers(2, 9)
    return {"x": x, "eps": visible_eps(rng)}


@probe("normalize", cases=1, hidden=True)
def normalizes_over_axes_that_are_no_neighbours(s, x, eps):
    return returned(s.normalize(x, (1, 3), eps), "x_hat", "ivar")


@normalizes_over_axes_that_are_no_neighbours.inputs
def _(rng):
    return {"x": uneven(rng, 4, 3, 2, 5), "eps": visible_eps(rng)}


@probe("layer_norm", cases=3)
def normalizes_each_example_then_scales_and_shifts(s, x, gamma, beta, eps):
    return {"y": s.layer_norm(x, gamma, beta, eps)}


@normalizes_each_example_then_scales_and_shifts.inputs
def _(rng):
    return {"x": uneven(rng, 7, 5), **scale_and_shift(rng, 5), "eps": visible_eps(rng)}


@probe("layer_norm", cases=1)
def takes_a_batch_of_one_example(s, x, gamma, beta, eps):
    return {"y": s.layer_norm(x, gamma, beta, eps)}


@takes_a_batch_of_one_example.inputs
def _(rng):
    return {"x": uneven(rng, 1, 6), **scale_and_shift(rng, 6), "eps": visible_eps(rng)}


@probe("layer_norm", cases=1, hidden=True)
def gives_beta_for_an_example_of_equal_features(s, x, gamma, beta):
    return {"y": s.layer_norm(x, gamma, beta)}


@gives_beta_for_an_example_of_equal_features.inputs
def _(rng):
    x = uneven(rng, 4, 3)
    x[rng.integers(4)] = rng.integers(2, 9)
    return {"x": x, **scale_and_shift(rng, 3)}


def upstream(rng, *shape):
    """A random gradient whose sums are not small along any axis."""
    dout = rng.normal(size=shape)
    for axis, length in enumerate(shape[:2]):
        along = [1] * len(shape)
        along[axis] = length
        dout += rng.permutation(np.linspace(-0.6, 1, length)).reshape(along)
    return dout


def backward_inputs(rng, *shape):
    return {
        "dout": upstream(rng, *shape),
        "x": uneven(rng, *shape),
        "gamma": scale_and_shift(rng, shape[1])["gamma"],
        "eps": visible_eps(rng),
    }


def gradients(found):
    return returned(found, "dx", "dgamma", "dbeta")


@probe("layer_norm_backward", cases=3)
def finds_the_gradient_of_the_examples(s, **given):
    return {"dx": gradients(s.layer_norm_backward(**given))["dx"]}


@finds_the_gradient_of_the_examples.inputs
def _(rng):
    return backward_inputs(rng, 7, 5)


@probe("layer_norm_backward", cases=2)
def adds_up_the_gradient_of_gamma(s, **given):
    return {"dgamma": gradients(s.layer_norm_backward(**given))["dgamma"]}


@adds_up_the_gradient_of_gamma.inputs
def _(rng):
    return backward_inputs(rng, 6, 4)


@probe("layer_norm_backward", cases=2)
def adds_up_the_gradient_of_beta(s, **given):
    return {"dbeta": gradients(s.layer_norm_backward(**given))["dbeta"]}


@adds_up_the_gradient_of_beta.inputs
def _(rng):
    return backward_inputs(rng, 6, 4)


def images(rng, C, groups=None):
    """Images with their parameters; images, channels, rows and columns differ in number."""
    x = uneven(rng, 4, C, 5, 2)
    given = {"x": x, **scale_and_shift(rng, C)}
    return {**given, **({"groups": groups} if groups else {}), "eps": visible_eps(rng)}


@probe("instance_norm", cases=2)
def normalizes_each_channel_of_each_image(s, x, gamma, beta, eps):
    return {"y": s.instance_norm(x, gamma, beta, eps)}


@normalizes_each_channel_of_each_image.inputs
def _(rng):
    return images(rng, 3)


@probe("instance_norm", cases=1)
def takes_away_the_light_of_each_channel(s, x, gain, light, gamma, beta):
    return {"y": s.instance_norm(gain * x + light, gamma, beta)}


@takes_away_the_light_of_each_channel.inputs
def _(rng):
    return {
        "x": rng.normal(size=(2, 6, 3, 4)),
        "gain": rng.uniform(0.5, 3, (2, 6, 1, 1)),
        "light": rng.uniform(-2, 2, (2, 6, 1, 1)),
        **scale_and_shift(rng, 6),
    }


@probe("group_norm", cases=3)
def normalizes_each_group_of_neighbours(s, x, gamma, beta, groups, eps):
    return {"y": s.group_norm(x, gamma, beta, groups, eps)}


@normalizes_each_group_of_neighbours.inputs
def _(rng):
    return images(rng, 6, int(rng.choice([2, 3])))


@probe("group_norm", cases=1)
def is_layer_normalization_for_one_group(s, x, gamma, beta, groups, eps):
    return {"y": s.group_norm(x, gamma, beta, groups, eps)}


@is_layer_normalization_for_one_group.inputs
def _(rng):
    return images(rng, 3, 1)


@probe("group_norm", cases=1)
def is_instance_normalization_for_groups_of_one_channel(s, x, gamma, beta, groups, eps):
    return {"y": s.group_norm(x, gamma, beta, groups, eps)}


@is_instance_normalization_for_groups_of_one_channel.inputs
def _(rng):
    return images(rng, 3, 3)


def group_backward_inputs(rng):
    return {**backward_inputs(rng, 4, 6, 5, 2), "groups": int(rng.choice([2, 3]))}


@probe("group_norm_backward", cases=2)
def finds_the_gradient_of_the_images(s, **given):
    return {"dx": gradients(s.group_norm_backward(**given))["dx"]}


@finds_the_gradient_of_the_images.inputs
def _(rng):
    return group_backward_inputs(rng)


@probe("group_norm_backward", cases=2)
def adds_up_the_gradient_of_gamma_in_each_channel(s, **given):
    return {"dgamma": gradients(s.group_norm_backward(**given))["dgamma"]}


@adds_up_the_gradient_of_gamma_in_each_channel.inputs
def _(rng):
    return group_backward_inputs(rng)


@probe("group_norm_backward", cases=1)
def adds_up_the_gradient_of_beta_in_each_channel(s, **given):
    return {"dbeta": gradients(s.group_norm_backward(**given))["dbeta"]}


@adds_up_the_gradient_of_beta_in_each_channel.inputs
def _(rng):
    return group_backward_inputs(rng)


def correlated(rng, N, D):
    """Examples of features that are correlated, of different scales and off centre."""
    turn = np.linalg.qr(rng.normal(size=(D, D)))[0]
    spread = turn * rng.permutation(np.geomspace(0.5, 2.5, D))
    return rng.normal(size=(N, D)) @ spread @ turn.T + rng.permutation(np.linspace(-2, 3, D))


def whitened(s, x, eps):
    return returned(s.decorrelated_batchnorm(x, eps), "y", "mu", "W")


@probe("decorrelated_batchnorm", cases=3)
def whitens_the_batch(s, x, eps):
    return {"y": whitened(s, x, eps)["y"]}


@whitens_the_batch.inputs
def _(rng):
    return {"x": correlated(rng, 11, 4), "eps": visible_eps(rng)}


@probe("decorrelated_batchnorm", cases=2)
def returns_the_mean_and_the_symmetric_matrix(s, x, eps):
    found = whitened(s, x, eps)
    return {"mu": found["mu"], "W": found["W"]}


@returns_the_mean_and_the_symmetric_matrix.inputs
def _(rng):
    return {"x": correlated(rng, 9, 5), "eps": visible_eps(rng)}


@probe("decorrelated_batchnorm", cases=1)
def whitens_by_a_symmetric_matrix(s, x, eps):
    found = whitened(s, x, eps)
    y, W = np.asarray(found["y"]), np.asarray(found["W"])
    return {"y_times_its_transpose": y @ y.T, "W_is_symmetric": np.array(np.allclose(W, W.T, atol=1e-5))}


@whitens_by_a_symmetric_matrix.inputs
def _(rng):
    return {"x": correlated(rng, 8, 6), "eps": visible_eps(rng)}


def some_covariance(rng, D, condition=6.0):
    turn = np.linalg.qr(rng.normal(size=(D, D)))[0]
    size = rng.uniform(9, 12)
    return (turn * np.geomspace(size, size / condition, D)) @ turn.T


def of_trace_16(sigma):
    """Few binary digits and a trace that divides without rounding: what float32 rounds, the steps do."""
    sigma = np.round(sigma * 16 / np.trace(sigma) * 1024) / 1024
    sigma[0, 0] += 16 - np.trace(sigma)
    return sigma


@probe("newton_schulz", cases=2)
def takes_the_first_steps(s, sigma, steps):
    return {"W": s.newton_schulz(sigma, steps)}


@takes_the_first_steps.inputs
def _(rng):
    return {"sigma": some_covariance(rng, 4), "steps": int(rng.integers(2, 5))}


@probe("newton_schulz", cases=1)
def comes_to_the_inverse_root(s, sigma):
    return {"W": s.newton_schulz(sigma, 4)}


@comes_to_the_inverse_root.inputs
def _(rng):
    return {"sigma": some_covariance(rng, 3, 1.5)}


@probe("newton_schulz", cases=1)
def starts_from_the_identity_over_the_root_of_the_trace(s, sigma):
    return {"W_after_0_steps": s.newton_schulz(sigma, 0)}


@starts_from_the_identity_over_the_root_of_the_trace.inputs
def _(rng):
    return {"sigma": some_covariance(rng, 5)}


@probe("newton_schulz", cases=1)
def takes_every_step_in_the_precision_of_sigma(s, sigma, steps):
    W, of_doubles = (np.asarray(s.newton_schulz(given, steps)) for given in (sigma, sigma.astype(float)))
    rounded = of_doubles.astype(np.float32)
    in_float64 = np.array_equal(W.astype(np.float32), rounded) and not np.array_equal(of_doubles, rounded)
    return {
        "bytes_where_sigma_has_4": W.dtype.itemsize,
        "bytes_where_sigma_has_8": of_doubles.dtype.itemsize,
        "W": W,
        "was_computed_in_float64": np.array(in_float64),
    }


@takes_every_step_in_the_precision_of_sigma.inputs
def _(rng):
    return {"sigma": of_trace_16(some_covariance(rng, 4)).astype(np.float32), "steps": 5}


def weight_inputs(rng):
    v = rng.normal(size=(5, 4)) * rng.permutation(np.geomspace(0.4, 3, 5))[:, None]
    g = rng.permutation(np.linspace(0.6, 2.6, 5)) * rng.choice([-1.0, 1.0], 5)
    return {"dw": upstream(rng, 5, 4), "v": v, "g": g}


@probe("weight_norm_backward", cases=2)
def finds_the_gradient_of_the_directions(s, dw, v, g):
    return {"dv": returned(s.weight_norm_backward(dw, v, g), "dv", "dg")["dv"]}


@finds_the_gradient_of_the_directions.inputs
def _(rng):
    return weight_inputs(rng)


@probe("weight_norm_backward", cases=2)
def finds_the_gradient_of_the_lengths(s, dw, v, g):
    return {"dg": returned(s.weight_norm_backward(dw, v, g), "dv", "dg")["dg"]}


@finds_the_gradient_of_the_lengths.inputs
def _(rng):
    return weight_inputs(rng)


@probe(
    "test_group_norm",
    judges="group_norm",
    wrong=("GN-eps-outside", "GN-gamma-per-group", "GN-mean-per-channel", "GN-second-moment"),
)
def accepts_a_right_function_and_rejects_wrong_ones(s, implementation):
    s.test_group_norm(implementation)
    try:
        s.test_group_norm(lambda *a, **named: np.nextafter(implementation(*a, **named), np.inf))
    except Exception as error:
        raise AssertionError(
            "where only the last digit of each number is another one, as in sums of another order: "
            "compare with np.allclose"
        ) from error
    return {"accepts": np.array(True)}


@accepts_a_right_function_and_rejects_wrong_ones.broken
def interleaved(right):
    """the groups are interleaved: channel c goes to group c % groups"""

    def wrong(x, gamma, beta, groups, eps=1e-5):
        order = np.argsort(np.arange(x.shape[1]) % groups, kind="stable")
        y = np.empty_like(x)
        y[:, order] = right(x[:, order], gamma[order], beta[order], groups, eps)
        return y

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def across_the_batch(right):
    """all images share their statistics (with one image nobody sees it)"""

    def wrong(x, gamma, beta, groups, eps=1e-5):
        beside = x.transpose(1, 0, 2, 3)[None]
        y = right(beside.reshape(1, x.shape[1], -1, x.shape[3]), gamma, beta, groups, eps)
        return y.reshape(beside.shape)[0].transpose(1, 0, 2, 3)

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def first_image_only(right):
    """only the first image is computed, the others come back as zeros (with one image nobody sees it)"""

    def wrong(x, gamma, beta, groups, eps=1e-5):
        y = np.zeros_like(x)
        y[:1] = right(x[:1], gamma, beta, groups, eps)
        return y

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def pixel_by_pixel(right):
    """each pixel has statistics of its own: height and width are not averaged"""

    def wrong(x, gamma, beta, groups, eps=1e-5):
        N, C, H, W = x.shape
        pixels = x.transpose(0, 2, 3, 1).reshape(-1, C, 1, 1)
        return right(pixels, gamma, beta, groups, eps).reshape(N, H, W, C).transpose(0, 3, 1, 2)

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def row_by_row(right):
    """each row of pixels has statistics of its own: the height is not averaged"""

    def wrong(x, gamma, beta, groups, eps=1e-5):
        rows = [right(x[:, :, h : h + 1], gamma, beta, groups, eps) for h in range(x.shape[2])]
        return np.concatenate(rows, axis=2)

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def one_group(right):
    """groups is ignored: all channels are one group (layer normalization)"""

    def wrong(x, gamma, beta, groups, eps=1e-5):
        return right(x, gamma, beta, 1, eps)

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def own_channel(right):
    """groups is ignored: each channel is a group of its own (instance normalization)"""

    def wrong(x, gamma, beta, groups, eps=1e-5):
        return right(x, gamma, beta, x.shape[1], eps)

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def size_for_number(right):
    """groups is taken for the number of channels in a group"""

    def wrong(x, gamma, beta, groups, eps=1e-5):
        return right(x, gamma, beta, x.shape[1] // groups, eps)

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def no_scale(right):
    """gamma is not applied (with gamma of ones nobody sees it)"""

    def wrong(x, gamma, beta, groups, eps=1e-5):
        return right(x, np.ones_like(gamma), beta, groups, eps)

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def no_shift(right):
    """beta is not added (with beta of zeros nobody sees it)"""

    def wrong(x, gamma, beta, groups, eps=1e-5):
        return right(x, gamma, np.zeros_like(beta), groups, eps)

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def shift_scaled(right):
    """beta is multiplied by gamma, too (with gamma of ones nobody sees it)"""

    def wrong(x, gamma, beta, groups, eps=1e-5):
        return right(x, gamma, gamma * beta, groups, eps)

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def fixed_eps(right):
    """eps is ignored and 1e-5 is used instead (with an eps that is as small nobody sees it)"""

    def wrong(x, gamma, beta, groups, eps=1e-5):
        return right(x, gamma, beta, groups, 1e-5)

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def one_less(right):
    """the variance is divided by the number of entries less 1 (with very many entries nobody sees it)"""

    def wrong(x, gamma, beta, groups, eps=1e-5):
        m = x[0].size // groups
        share = 1 - 1 / m
        return right(x, share**0.5 * gamma, beta, groups, share * eps)

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def overwritten(right):
    """the result is right, but each group of x has lost its mean (take the truth from x before the call)"""

    def wrong(x, gamma, beta, groups, eps=1e-5):
        y = right(x.copy(), gamma, beta, groups, eps)
        rows = x.reshape(len(x) * groups, -1)
        x[...] = (rows - rows.mean(axis=1, keepdims=True)).reshape(x.shape)
        return y

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def parameters_overwritten(right):
    """the result is right, but gamma is overwritten"""

    def wrong(x, gamma, beta, groups, eps=1e-5):
        y = right(x, gamma.copy(), beta, groups, eps)
        gamma *= 0.9
        return y

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def groups_of_the_first_call(right):
    """the value of groups in the first call is used in every later call (with one value nobody sees it)"""
    first = []

    def wrong(x, gamma, beta, groups, eps=1e-5):
        first.append(groups)
        return right(x, gamma, beta, first[0], eps)

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def last_entry(right):
    """the very last entry of y is not computed (a test that looks at some entries only does not see it)"""

    def wrong(x, gamma, beta, groups, eps=1e-5):
        y = right(x, gamma, beta, groups, eps).copy()
        y[-1, -1, -1, -1] = 0
        return y

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def another_shape(right):
    """the right numbers come back with an axis for the groups"""

    def wrong(x, gamma, beta, groups, eps=1e-5):
        N, C, H, W = x.shape
        return right(x, gamma, beta, groups, eps).reshape(N, groups, C // groups, H, W)

    return wrong
