import numpy as np
from autograder import probe


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


@probe("normalize", cases=1)
def returns_one_over_the_root_with_axes_of_length_1(s, x, sets, eps):
    return {over(axes): returned(s.normalize(x, axes, eps), "x_hat", "ivar")["ivar"] for axes in sets}


@probe("normalize", cases=1)
def gives_zeros_for_a_set_of_equal_entries(s, x, eps):
    return returned(s.normalize(x, (1,), eps), "x_hat", "ivar")


@probe("layer_norm", cases=3)
def normalizes_each_example_then_scales_and_shifts(s, x, gamma, beta, eps):
    return {"y": s.layer_norm(x, gamma, beta, eps)}


@probe("layer_norm", cases=1)
def takes_a_batch_of_one_example(s, x, gamma, beta, eps):
    return {"y": s.layer_norm(x, gamma, beta, eps)}


def gradients(found):
    return returned(found, "dx", "dgamma", "dbeta")


@probe("layer_norm_backward", cases=3)
def finds_the_gradient_of_the_examples(s, **given):
    return {"dx": gradients(s.layer_norm_backward(**given))["dx"]}


@probe("layer_norm_backward", cases=2)
def adds_up_the_gradient_of_gamma(s, **given):
    return {"dgamma": gradients(s.layer_norm_backward(**given))["dgamma"]}


@probe("layer_norm_backward", cases=2)
def adds_up_the_gradient_of_beta(s, **given):
    return {"dbeta": gradients(s.layer_norm_backward(**given))["dbeta"]}


@probe("instance_norm", cases=2)
def normalizes_each_channel_of_each_image(s, x, gamma, beta, eps):
    return {"y": s.instance_norm(x, gamma, beta, eps)}


@probe("instance_norm", cases=1)
def takes_away_the_light_of_each_channel(s, x, gain, light, gamma, beta):
    return {"y": s.instance_norm(gain * x + light, gamma, beta)}


@probe("group_norm", cases=3)
def normalizes_each_group_of_neighbours(s, x, gamma, beta, groups, eps):
    return {"y": s.group_norm(x, gamma, beta, groups, eps)}


@probe("group_norm", cases=1)
def is_layer_normalization_for_one_group(s, x, gamma, beta, groups, eps):
    return {"y": s.group_norm(x, gamma, beta, groups, eps)}


@probe("group_norm", cases=1)
def is_instance_normalization_for_groups_of_one_channel(s, x, gamma, beta, groups, eps):
    return {"y": s.group_norm(x, gamma, beta, groups, eps)}


@probe("group_norm_backward", cases=2)
def finds_the_gradient_of_the_images(s, **given):
    return {"dx": gradients(s.group_norm_backward(**given))["dx"]}


@probe("group_norm_backward", cases=2)
def adds_up_the_gradient_of_gamma_in_each_channel(s, **given):
    return {"dgamma": gradients(s.group_norm_backward(**given))["dgamma"]}


@probe("group_norm_backward", cases=1)
def adds_up_the_gradient_of_beta_in_each_channel(s, **given):
    return {"dbeta": gradients(s.group_norm_backward(**given))["dbeta"]}


def whitened(s, x, eps):
    return returned(s.decorrelated_batchnorm(x, eps), "y", "mu", "W")


@probe("decorrelated_batchnorm", cases=3)
def whitens_the_batch(s, x, eps):
    return {"y": whitened(s, x, eps)["y"]}


@probe("decorrelated_batchnorm", cases=2)
def returns_the_mean_and_the_symmetric_matrix(s, x, eps):
    found = whitened(s, x, eps)
    return {"mu": found["mu"], "W": found["W"]}


@probe("decorrelated_batchnorm", cases=1)
def whitens_by_a_symmetric_matrix(s, x, eps):
    found = whitened(s, x, eps)
    y, W = np.asarray(found["y"]), np.asarray(found["W"])
    return {"y_times_its_transpose": y @ y.T, "W_is_symmetric": np.array(np.allclose(W, W.T, atol=1e-5))}


@probe("newton_schulz", cases=2)
def takes_the_first_steps(s, sigma, steps):
    return {"W": s.newton_schulz(sigma, steps)}


@probe("newton_schulz", cases=1)
def comes_to_the_inverse_root(s, sigma):
    return {"W": s.newton_schulz(sigma, 4)}


@probe("newton_schulz", cases=1)
def starts_from_the_identity_over_the_root_of_the_trace(s, sigma):
    return {"W_after_0_steps": s.newton_schulz(sigma, 0)}


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


@probe("weight_norm_backward", cases=2)
def finds_the_gradient_of_the_directions(s, dw, v, g):
    return {"dv": returned(s.weight_norm_backward(dw, v, g), "dv", "dg")["dv"]}


@probe("weight_norm_backward", cases=2)
def finds_the_gradient_of_the_lengths(s, dw, v, g):
    return {"dg": returned(s.weight_norm_backward(dw, v, g), "dv", "dg")["dg"]}


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
