"""What the checks ask of both notebooks, and the inputs they ask it on.

Inputs: all axes of different lengths, images, channels and pixels with means far from 0 and scales of their
own, gamma and beta neither one nor zero, an eps that shows, random upstream gradients, groups of another size
than their number."""

import numpy as np

from autograder import probe

# ------------------------------------------------------------------ family_numpy


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


# ------------------------------------------------------------------ family_torch


def tensor(array):
    """A tensor with memory of its own."""
    import torch

    return torch.tensor(np.asarray(array))


def leaf(array):
    return tensor(array).requires_grad_()


def fact(value):
    return np.array(bool(value))


def own_name(layer, name):
    """The name of this tensor in the layer: a layer that it holds inside may have it."""
    saved = [*layer.state_dict(), *dict(layer.named_parameters())]
    inside = {full for full in saved if full.endswith(f".{name}")}
    if name not in saved and len(inside) == 1:
        return inside.pop()
    if name in saved or hasattr(layer, name):
        return name
    has = ", ".join(dict.fromkeys(saved)) or "none"
    raise AttributeError(f"the layer has no {name}; its parameters and buffers: {has}")


def own(layer, name):
    *path, last = own_name(layer, name).split(".")
    return getattr(layer.get_submodule(".".join(path)), last)


def holding(layer, **arrays):
    """The layer in 64 bits, its parameters and buffers of these names with these numbers."""
    layer = layer.double()
    saved = layer.state_dict()
    arrays = {own_name(layer, name): a for name, a in arrays.items()}
    for name in (n for n in saved if n in arrays):
        if saved[name].shape != arrays[name].shape:
            raise ValueError(f"{name} has shape {tuple(saved[name].shape)}, expected {arrays[name].shape}")
    layer.load_state_dict({name: tensor(a) for name, a in arrays.items()}, strict=False)
    return layer


def kept_by(layer, parameters, buffers=()):
    """Where the layer keeps its tensors, and their values."""
    trained, saved = dict(layer.named_parameters()), layer.state_dict()
    names = {name: own_name(layer, name) for name in (*parameters, *buffers)}
    found = {f"{name}_is_a_parameter": fact(full in trained) for name, full in names.items()}
    found |= {f"{name}_is_in_state_dict": fact(full in saved) for name, full in names.items()}
    return found | {name: own(layer, name) for name in names}


def in_both_modes(layer, x):
    return {"y": layer.train()(tensor(x)), "y_in_evaluation": layer.eval()(tensor(x))}


def reached(at, name):
    if at.grad is None:
        raise ValueError(f"no gradient reaches {name}")
    return at.grad


def all_gradients(layer, x, dout, names=("weight", "bias")):
    at = leaf(x)
    layer(at).backward(tensor(dout))
    found = {"x.grad": reached(at, "x")}
    return found | {f"{name}.grad": reached(own(layer, name), name) for name in names}


def refusal(call, where="", numbers=()):
    """Whether a ValueError is raised, and what it says; any other error is the student's."""
    said = None
    try:
        call()
    except ValueError as error:
        said = str(error).strip()
    found = {f"raises_a_ValueError{where}": fact(said is not None), f"with_a_message{where}": fact(said)}
    named = {f"the_message_names_{n}{where}": fact(str(n) in (said or "")) for n in numbers}
    return found | named


def is_no_evidence(error):
    """Did code look at numbers where there are only shapes, as an `assert` does, or torch.cov?"""
    return "meta tensor" in str(error).lower()


def computes_where_x_is(make, shape, training):
    """Does the layer mix x with tensors that it makes elsewhere?

    Asked in two ways, as "meta" is a device that computes shapes, and not everything: layer and x there,
    or only what is made without a device. Where neither works nothing is held against the layer."""
    import torch

    for there in (True, False):
        layer = make().train(training)
        x = torch.rand(*shape, device="meta" if there else "cpu")
        try:
            if there:
                return fact(layer.to("meta")(x).device == x.device)
            with torch.device("meta"):
                return fact(layer(x).device == x.device)
        except (RuntimeError, NotImplementedError) as error:
            if "device" in str(error) and not is_no_evidence(error):
                return fact(False)
            if not is_no_evidence(error):
                raise
    return fact(True)


def of_shape(rng, *shape):
    """weight and bias of this shape."""
    found = scale_and_shift(rng, int(np.prod(shape)))
    return {"weight": found["gamma"].reshape(shape), "bias": found["beta"].reshape(shape)}


@probe("LayerNorm", cases=2)
def normalizes_the_last_axis(s, x, eps, **parameters):
    return in_both_modes(holding(s.LayerNorm(x.shape[-1], eps=eps), **parameters), x)


@normalizes_the_last_axis.inputs
def _(rng):
    return {"x": uneven(rng, 4, 3, 5), "eps": visible_eps(rng), **of_shape(rng, 5)}


@probe("LayerNorm", cases=2)
def normalizes_as_many_axes_as_its_shape_has(s, x, shape, eps, **parameters):
    return {"y": holding(s.LayerNorm(list(shape), eps=eps), **parameters)(tensor(x))}


@normalizes_as_many_axes_as_its_shape_has.inputs
def _(rng):
    return {"x": uneven(rng, 3, 2, 4, 5), "shape": [4, 5], "eps": visible_eps(rng), **of_shape(rng, 4, 5)}


@probe("LayerNorm", cases=1)
def starts_with_parameters_of_its_shape(s, shape):
    return kept_by(s.LayerNorm(tuple(shape)), ("weight", "bias"))


@starts_with_parameters_of_its_shape.inputs
def _(rng):
    return {"shape": [2, 3]}


@probe("LayerNorm", cases=1)
def passes_all_gradients_of_the_last_axes(s, x, dout, eps, **parameters):
    return all_gradients(holding(s.LayerNorm(x.shape[1:], eps=eps), **parameters), x, dout)


@passes_all_gradients_of_the_last_axes.inputs
def _(rng):
    given = {"x": uneven(rng, 4, 2, 3), "dout": upstream(rng, 4, 2, 3), "eps": visible_eps(rng)}
    return {**given, **of_shape(rng, 2, 3)}


def image_layer_inputs(rng, C=6, **more):
    return {"x": uneven(rng, 3, C, 5, 2), "eps": visible_eps(rng), **of_shape(rng, C), **more}


@probe("GroupNorm", cases=2)
def normalizes_neighbouring_channels(s, x, groups, eps, **parameters):
    return in_both_modes(holding(s.GroupNorm(groups, x.shape[1], eps=eps), **parameters), x)


@normalizes_neighbouring_channels.inputs
def _(rng):
    return image_layer_inputs(rng, groups=int(rng.choice([2, 3])))


@probe("GroupNorm", cases=1)
def refuses_channels_that_cannot_be_shared_out(s, uneven_channels, channels, groups):
    fits = refusal(lambda: s.GroupNorm(groups, channels))["raises_a_ValueError"]
    said = refusal(lambda: s.GroupNorm(groups, uneven_channels), numbers=(uneven_channels, groups))
    return said | {"refuses_what_fits": fits}


@refuses_channels_that_cannot_be_shared_out.inputs
def _(rng):
    return {"groups": 4, "uneven_channels": int(rng.choice([6, 10])), "channels": 8}


@probe("GroupNorm", cases=1)
def starts_with_parameters_per_channel(s, groups, channels):
    return kept_by(s.GroupNorm(groups, channels), ("weight", "bias"))


@starts_with_parameters_per_channel.inputs
def _(rng):
    return {"groups": 2, "channels": 6}


@probe("GroupNorm", cases=1)
def passes_all_gradients_of_the_groups(s, x, dout, groups, eps, **parameters):
    return all_gradients(holding(s.GroupNorm(groups, x.shape[1], eps=eps), **parameters), x, dout)


@passes_all_gradients_of_the_groups.inputs
def _(rng):
    return image_layer_inputs(rng, groups=2, dout=upstream(rng, 3, 6, 5, 2))


@probe("InstanceNorm", cases=2)
def normalizes_each_channel_by_itself(s, x, eps, **parameters):
    return in_both_modes(holding(s.InstanceNorm(x.shape[1], eps=eps), **parameters), x)


@normalizes_each_channel_by_itself.inputs
def _(rng):
    return image_layer_inputs(rng, 4)


@probe("InstanceNorm", cases=1)
def refuses_maps_of_one_pixel_in_both_modes(s, pixels):
    layer, x = s.InstanceNorm(pixels.shape[1]).double(), tensor(pixels)
    found = refusal(lambda: layer(x), "_in_training")
    layer.eval()
    return found | refusal(lambda: layer(x), "_in_evaluation")


@refuses_maps_of_one_pixel_in_both_modes.inputs
def _(rng):
    return {"pixels": rng.normal(size=(5, 3, 1, 1))}


@probe("InstanceNorm", cases=1)
def goes_on_with_one_row_or_one_column(s, x, eps, **parameters):
    layer = holding(s.InstanceNorm(x.shape[1], eps=eps), **parameters)
    return {"row": layer(tensor(x[:, :, :1])), "column": layer(tensor(x[:, :, :, :1]))}


@goes_on_with_one_row_or_one_column.inputs
def _(rng):
    return image_layer_inputs(rng, 4)


@probe("InstanceNorm", cases=1)
def goes_on_with_one_image(s, x, eps, **parameters):
    return {"y": holding(s.InstanceNorm(x.shape[1], eps=eps), **parameters)(tensor(x[:1]))}


@goes_on_with_one_image.inputs
def _(rng):
    return image_layer_inputs(rng, 4)


@probe("InstanceNorm", cases=1)
def goes_on_with_one_channel(s, x, eps, **parameters):
    return {"y": holding(s.InstanceNorm(1, eps=eps), **parameters)(tensor(x))}


@goes_on_with_one_channel.inputs
def _(rng):
    return image_layer_inputs(rng, 1)


@probe("InstanceNorm", cases=1)
def goes_on_with_a_channel_of_one_colour(s, x, eps, **parameters):
    return {"y": holding(s.InstanceNorm(x.shape[1], eps=eps), **parameters)(tensor(x))}


@goes_on_with_a_channel_of_one_colour.inputs
def _(rng):
    given = image_layer_inputs(rng, 4)
    given["x"][1, 2] = 0.5
    return given


@probe("InstanceNorm", cases=1)
def passes_all_gradients_of_the_maps(s, x, dout, eps, **parameters):
    return all_gradients(holding(s.InstanceNorm(x.shape[1], eps=eps), **parameters), x, dout)


@passes_all_gradients_of_the_maps.inputs
def _(rng):
    return image_layer_inputs(rng, dout=upstream(rng, 3, 6, 5, 2))


@probe("InstanceNorm", cases=1)
def starts_with_a_weight_and_a_bias_per_channel(s, channels):
    return kept_by(s.InstanceNorm(channels), ("weight", "bias"))


@starts_with_a_weight_and_a_bias_per_channel.inputs
def _(rng):
    return {"channels": 3}


def of_group_norm(s, dout, x, gamma, beta, groups, eps):
    leaves = [leaf(a) for a in (x, gamma, beta)]
    s.GroupNormFunction.apply(*leaves, groups, eps).backward(tensor(dout))
    return {name: at.grad for name, at in zip(("dx", "dgamma", "dbeta"), leaves, strict=True)}


def function_inputs(rng):
    found = group_backward_inputs(rng)
    return {**found, "beta": scale_and_shift(rng, 6)["beta"]}


@probe("GroupNormFunction", cases=2)
def normalizes_forward(s, x, gamma, beta, groups, eps):
    return {"y": s.GroupNormFunction.apply(tensor(x), tensor(gamma), tensor(beta), groups, eps)}


@normalizes_forward.inputs
def _(rng):
    return {name: given for name, given in function_inputs(rng).items() if name != "dout"}


@probe("GroupNormFunction", cases=2)
def returns_the_gradient_of_x(s, **given):
    return {"dx": of_group_norm(s, **given)["dx"]}


@returns_the_gradient_of_x.inputs
def _(rng):
    return function_inputs(rng)


@probe("GroupNormFunction", cases=2)
def returns_the_gradients_of_gamma_and_beta(s, **given):
    found = of_group_norm(s, **given)
    return {"dgamma": found["dgamma"], "dbeta": found["dbeta"]}


@returns_the_gradients_of_gamma_and_beta.inputs
def _(rng):
    return function_inputs(rng)


@probe("GroupNormFunction", cases=1)
def leaves_what_it_is_given_alone(s, dout, x, gamma, beta, groups, eps):
    given = {"x": leaf(x), "gamma": leaf(gamma), "beta": leaf(beta)}
    above = tensor(dout)
    s.GroupNormFunction.apply(*given.values(), groups, eps).backward(above)
    return {**given, "dout": above}


@leaves_what_it_is_given_alone.inputs
def _(rng):
    return function_inputs(rng)


class Context:
    """What autograd hands to forward and backward, for calling both by hand."""

    needs_input_grad = (True, True, True, False, False)

    def save_for_backward(self, *kept):
        self.saved_tensors = kept


@probe("GroupNormFunction", cases=1)
def returns_one_gradient_for_each_argument(s, x, gamma, beta, groups, eps):
    context = Context()
    y = s.GroupNormFunction.forward(context, *(tensor(a) for a in (x, gamma, beta)), groups, eps)
    found = s.GroupNormFunction.backward(context, y)
    names = ("shape_of_dx", "shape_of_dgamma", "shape_of_dbeta")
    shapes = {name: np.array(np.shape(g)) for name, g in zip(names, found[:3], strict=True)}
    nothing = fact(all(g is None for g in found[3:]))
    return {"number_of_gradients": np.array(len(found)), **shapes, "None_for_groups_and_eps": nothing}


@returns_one_gradient_for_each_argument.inputs
def _(rng):
    return {"x": uneven(rng, 2, 4, 1, 3), **scale_and_shift(rng, 4), "groups": 2, "eps": visible_eps(rng)}


def batch_normalized(numbers, eps):
    """Images (N, 2, H, W), batch norms of 6 channels and of 4, one of them two levels down, in 64 bits.

    Its block adds what went into it, so it is more than its children in a row."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.inside = nn.Sequential(nn.Conv2d(6, 4, 1), nn.BatchNorm2d(4, eps=eps), nn.Tanh())
            self.back = nn.Conv2d(4, 6, 1)
            self.share = nn.Parameter(torch.ones(()))

        def forward(self, x):
            return x + self.share * self.back(self.inside(x))

    model = nn.Sequential(nn.Conv2d(2, 6, 2), nn.BatchNorm2d(6, eps=eps), Block()).double()
    at = 0
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(tensor(numbers[at : at + p.numel()]).view_as(p))
            at += p.numel()
    return model


def norms_in(model):
    """Kinds and names of the modules that normalize."""
    from torch import nn

    kinds = (nn.BatchNorm2d, nn.GroupNorm)
    return [m for m in model.modules() if isinstance(m, kinds)]


def replacement_inputs(rng, groups):
    numbers = rng.choice([-1, 1], 150) * rng.uniform(0.3, 1.2, 150)
    return {"numbers": numbers, "x": uneven(rng, 3, 2, 4, 5), "groups": groups, "eps": visible_eps(rng)}


@probe("replace_batchnorm", cases=2)
def computes_with_groups_of_the_same_gamma_and_beta(s, numbers, x, groups, eps):
    return {"y": s.replace_batchnorm(batch_normalized(numbers, eps), groups)(tensor(x))}


@computes_with_groups_of_the_same_gamma_and_beta.inputs
def _(rng):
    return replacement_inputs(rng, 2)


@probe("replace_batchnorm", cases=1)
def takes_the_greatest_common_divisor(s, numbers, x, groups, eps):
    model = s.replace_batchnorm(batch_normalized(numbers, eps), groups)
    from torch import nn

    found = [m.num_groups for m in norms_in(model) if isinstance(m, nn.GroupNorm)]
    return {"num_groups": np.array(found, dtype=int), "y": model(tensor(x))}


@takes_the_greatest_common_divisor.inputs
def _(rng):
    return replacement_inputs(rng, 4)


@probe("replace_batchnorm", cases=1)
def leaves_the_model_that_it_gets_alone(s, numbers, x, groups, eps):
    import torch
    from torch import nn

    model = batch_normalized(numbers, eps)
    other = s.replace_batchnorm(model, groups)
    with torch.no_grad():
        for p in other.parameters():
            p.zero_()
    kinds = sum(isinstance(m, nn.BatchNorm2d) for m in model.modules())
    return {"batch_norms_in_the_old_model": np.array(kinds), "y_of_the_old_model": model.eval()(tensor(x))}


@leaves_the_model_that_it_gets_alone.inputs
def _(rng):
    return replacement_inputs(rng, 2)


@probe("replace_batchnorm", cases=1)
def replaces_a_model_that_is_a_batch_norm(s, x, groups, eps, **parameters):
    from torch import nn

    old = holding(nn.BatchNorm2d(x.shape[1], eps=eps), **parameters)
    new = s.replace_batchnorm(old, groups)
    found = {"is_an_nn.GroupNorm": fact(isinstance(new, nn.GroupNorm)), "y": new(tensor(x)).detach()}
    new.requires_grad_(False)
    for p in new.parameters():
        p.zero_()
    return found | {"old_weight": old.weight, "old_bias": old.bias}


@replaces_a_model_that_is_a_batch_norm.inputs
def _(rng):
    return image_layer_inputs(rng, groups=3)


@probe("replace_batchnorm", cases=1)
def leaves_other_layers_as_they_are(s, groups):
    from torch import nn

    old = nn.Sequential(nn.BatchNorm1d(6), nn.BatchNorm2d(6), nn.Dropout(), nn.Dropout().eval())
    model = s.replace_batchnorm(old, groups)
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm, nn.Dropout)
    found = {kind.__name__: np.array(sum(isinstance(m, kind) for m in model.modules())) for kind in kinds}
    modes = [m.training for m in model.modules() if not isinstance(m, kinds[1:3])]
    return found | {"training_of_model_and_other_layers": np.array(modes)}


@leaves_other_layers_as_they_are.inputs
def _(rng):
    return {"groups": 3}


def some_models():
    """By name, models of (N, 4): they depend on the batch, or not."""
    from torch import nn

    class LessTheMean(nn.Module):
        def forward(self, x):
            return x - x.mean(0)

    class LessTheLargest(nn.Module):
        def forward(self, x):
            return x - x.abs().amax(0)

    class LessTheSum(nn.Module):
        def forward(self, x):
            return x - x.sum(0)

    class LessTheOneBefore(nn.Module):
        def forward(self, x):
            return x - x.roll(1, 0)

    class LessALittleOfTheSum(nn.Module):
        def forward(self, x):
            return x - 0.0005 * x.sum(0)

    class RoundedByTheSum(nn.Module):
        def forward(self, x):
            return (x + 3e4 * x.sum(0)) - 3e4 * x.sum(0)

    block = nn.Sequential(nn.Tanh(), nn.Sequential(nn.BatchNorm1d(3)))
    models = {
        "batch_norm_in_training": nn.BatchNorm1d(4),
        "batch_norm_in_evaluation": nn.BatchNorm1d(4).eval(),
        "batch_norm_in_a_block": nn.Sequential(nn.Linear(4, 3), block),
        "layer_norm": nn.LayerNorm(4),
        "group_norm": nn.GroupNorm(2, 4),
        "no_norm": nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5), nn.Linear(3, 2)).eval(),
        "less_the_mean_of_the_batch": LessTheMean().eval(),
        "less_the_largest_of_the_batch": LessTheLargest(),
        "less_the_sum_of_the_batch": LessTheSum(),
        "less_the_example_before": LessTheOneBefore(),
        "less_a_little_of_the_sum": LessALittleOfTheSum(),
        "innocent_up_to_rounding": RoundedByTheSum(),
    }
    return {name: model.double() for name, model in models.items()}


def answer_on(s, names, x):
    import torch

    torch.manual_seed(0)
    models = some_models()
    return {name: fact(s.depends_on_batch(models[name], tensor(x))) for name in names}


def some_examples(rng):
    """Neither the first nor the last example is the largest in any feature, nor all of one half."""
    x = uneven(rng, 8, 4)
    largest = 1.3 * np.abs(x).max(axis=0)
    x[[3, 4, 3, 4], range(4)] = largest * rng.choice([-1, 1], 4)
    return {"x": x}


@probe("depends_on_batch", cases=1)
def tells_the_layers_of_pytorch_apart(s, x):
    kinds = ("batch_norm_in_training", "batch_norm_in_evaluation", "batch_norm_in_a_block")
    return answer_on(s, (*kinds, "layer_norm", "group_norm", "no_norm"), x)


@tells_the_layers_of_pytorch_apart.inputs
def _(rng):
    return some_examples(rng)


@probe("depends_on_batch", cases=1)
def measures_layers_that_it_has_never_seen(s, x):
    whole = (f"less_the_{what}_of_the_batch" for what in ("mean", "largest", "sum"))
    return answer_on(s, (*whole, "less_the_example_before"), x)


@measures_layers_that_it_has_never_seen.inputs
def _(rng):
    return some_examples(rng)


@probe("depends_on_batch", cases=1)
def tells_a_small_dependence_from_rounding(s, x):
    return answer_on(s, ("less_a_little_of_the_sum", "innocent_up_to_rounding"), x)


@tells_a_small_dependence_from_rounding.inputs
def _(rng):
    return some_examples(rng)


@probe("depends_on_batch", cases=1)
def leaves_the_model_and_the_batch_as_they_were(s, x, **state):
    from torch import nn

    frozen = nn.BatchNorm1d(4).double().eval()
    layer = holding(nn.BatchNorm1d(4), **state)
    model, batch = nn.Sequential(layer, frozen), tensor(x)
    s.depends_on_batch(model, batch)
    modes = [m.training for m in (model, layer, frozen)]
    kept = [np.array_equal(getattr(layer, name), numbers) for name, numbers in state.items()]
    return {"modes": np.array(modes), "running_statistics_are_as_before": fact(all(kept)), "x": batch}


@leaves_the_model_and_the_batch_as_they_were.inputs
def _(rng):
    state = {"running_mean": rng.normal(size=4), "running_var": rng.uniform(0.5, 2, 4)}
    return {"x": uneven(rng, 8, 4), **state}


def whitening_layer(s, D, eps, steps=3, momentum=0.1, **arrays):
    return holding(s.DecorrelatedBatchNorm(D, eps=eps, steps=steps, momentum=momentum), **arrays)


def whitening_inputs(rng, N=9, D=3):
    return {"x": correlated(rng, N, D), "eps": visible_eps(rng), **of_shape(rng, D)}


@probe("DecorrelatedBatchNorm", cases=2)
def whitens_a_batch_in_training(s, x, eps, steps, **parameters):
    return {"y": whitening_layer(s, x.shape[1], eps, steps, **parameters)(tensor(x))}


@whitens_a_batch_in_training.inputs
def _(rng):
    return {**whitening_inputs(rng), "steps": int(rng.integers(2, 4))}


def after_two_batches(s, x, other, eps, momentum, **parameters):
    layer = whitening_layer(s, x.shape[1], eps, momentum=momentum, **parameters)
    for batch in (x, other):
        layer(leaf(batch))
    return layer


def two_batches(rng):
    more = {"other": correlated(rng, 7, 3), "momentum": float(rng.uniform(0.15, 0.3))}
    return {**whitening_inputs(rng), **more}


@probe("DecorrelatedBatchNorm", cases=2)
def keeps_a_running_mean_and_a_running_matrix(s, **given):
    layer = after_two_batches(s, **given)
    return {"running_mean": layer.running_mean, "running_matrix": layer.running_matrix}


@keeps_a_running_mean_and_a_running_matrix.inputs
def _(rng):
    return two_batches(rng)


@probe("DecorrelatedBatchNorm", cases=1)
def has_buffers_that_remember_no_graph(s, **given):
    layer = after_two_batches(s, **given)
    names = ("running_mean", "running_matrix")
    return {f"{name}_requires_a_gradient": fact(getattr(layer, name).requires_grad) for name in names}


@has_buffers_that_remember_no_graph.inputs
def _(rng):
    return two_batches(rng)


@probe("DecorrelatedBatchNorm", cases=1)
def uses_its_buffers_in_evaluation_and_keeps_them(s, x, eps, **state):
    layer = whitening_layer(s, x.shape[1], eps, **state).eval()
    y = layer(tensor(x))
    return {"y": y, "running_mean": layer.running_mean, "running_matrix": layer.running_matrix}


@uses_its_buffers_in_evaluation_and_keeps_them.inputs
def _(rng):
    kept = {"running_mean": rng.normal(size=3), "running_matrix": some_covariance(rng, 3) / 10}
    return {**whitening_inputs(rng, 5), **kept}


@probe("DecorrelatedBatchNorm", cases=1)
def starts_with_the_identity(s, D):
    found = kept_by(s.DecorrelatedBatchNorm(D), ("weight", "bias"), ("running_mean", "running_matrix"))
    return found


@starts_with_the_identity.inputs
def _(rng):
    return {"D": 3}


@probe("DecorrelatedBatchNorm", cases=2)
def passes_gradients_through_the_iteration(s, x, dout, eps, **parameters):
    return all_gradients(whitening_layer(s, x.shape[1], eps, **parameters), x, dout)


@passes_gradients_through_the_iteration.inputs
def _(rng):
    return {**whitening_inputs(rng), "dout": upstream(rng, 9, 3)}


@probe("DecorrelatedBatchNorm", cases=1)
def works_where_its_input_is(s, shape):
    def make():
        return s.DecorrelatedBatchNorm(shape[1])

    modes = {"training": True, "evaluation": False}
    return {f"on_another_device_in_{m}": computes_where_x_is(make, shape, on) for m, on in modes.items()}


@works_where_its_input_is.inputs
def _(rng):
    return {"shape": [5, 3]}


def weight_normalized(s, v, g, bias):
    return holding(s.WeightNormLinear(v.shape[1], v.shape[0]), v=v, g=g, bias=bias)


def weight_norm_inputs(rng):
    signs = rng.choice([-1, 1], 3)
    v = rng.normal(size=(3, 4)) * rng.permutation(np.geomspace(0.4, 2, 3))[:, None]
    g = signs * rng.permutation(np.linspace(0.5, 2, 3))
    return {"x": rng.normal(0.5, 1, (5, 4)), "v": v, "g": g, "bias": rng.normal(size=3)}


@probe("WeightNormLinear", cases=2)
def multiplies_by_rows_of_length_g(s, x, v, g, bias):
    return {"y": weight_normalized(s, v, g, bias)(tensor(x))}


@multiplies_by_rows_of_length_g.inputs
def _(rng):
    return weight_norm_inputs(rng)


@probe("WeightNormLinear", cases=1)
def passes_gradients_to_directions_and_lengths(s, x, dout, v, g, bias):
    return all_gradients(weight_normalized(s, v, g, bias), x, dout, ("v", "g", "bias"))


@passes_gradients_to_directions_and_lengths.inputs
def _(rng):
    return {**weight_norm_inputs(rng), "dout": upstream(rng, 5, 3)}


@probe("WeightNormLinear", cases=1)
def starts_with_lengths_that_are_those_of_its_rows(s, inputs, outputs):
    layer = s.WeightNormLinear(inputs, outputs)
    v, g = layer.v.detach(), layer.g.detach()
    trained = dict(layer.named_parameters())
    found = {f"{name}_is_a_parameter": fact(name in trained) for name in ("v", "g", "bias")}
    return found | {
        "shape_of_v": np.array(v.shape),
        "shape_of_g": np.array(g.shape),
        "bias": layer.bias,
        "rows_of_v_differ": fact((v[0] - v[1]).abs().max() > 0),
        "v_of_the_next_layer_differs": fact((v - s.WeightNormLinear(inputs, outputs).v).abs().max() > 0),
        "g_is_the_length_of_v": fact(g.shape == v.shape[:1] and (g - v.norm(dim=1)).abs().max() < 1e-5),
    }


@starts_with_lengths_that_are_those_of_its_rows.inputs
def _(rng):
    return {"inputs": 4, "outputs": 3}
