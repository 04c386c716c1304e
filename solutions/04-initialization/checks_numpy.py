"""What the checks ask of the NumPy notebook, and the inputs they ask it on.

Inputs: all axes of different lengths, pre-activations of both signs, with exact zeros and with 800 where it
matters, random upstream gradients, slopes and alphas that are neither 0 nor 1, layers that are not square."""

from itertools import pairwise

import numpy as np

from autograder import probe


def both_signs(rng, *shape):
    """Numbers of both signs, none near 0, the positive ones larger on the whole."""
    size = rng.uniform(0.25, 2.5, shape)
    return np.where(rng.random(shape) < 0.5, size, -0.7 * size)


def near_and_far(rng, *shape):
    """Numbers of both signs, from a thousandth to 2.5: a kink that is not quite at 0 shows."""
    z = np.geomspace(1e-3, 2.5, np.prod(shape)) * np.resize([1, 1, -0.7, -0.7, 1], np.prod(shape))
    return rng.permutation(z).reshape(shape)


def upstream(rng, *shape):
    """A random gradient of both signs, with another mean in each column."""
    return rng.normal(size=shape) + rng.permutation(np.linspace(-0.8, 1.1, shape[-1]))


def extremes(rng):
    """Pre-activations that overflow an exponential, beside ordinary ones; their upstream gradient."""
    z = rng.permutation(np.array([-1000.0, -800, -1.2, -0.4, 0.7, 2.1, 800, 1000])).reshape(2, 4)
    return {"dout": upstream(rng, 2, 4), "z": z}


def at_zero(rng, *shape):
    """Some pre-activations are exactly 0, others close to it."""
    z = near_and_far(rng, *shape)
    z.flat[rng.permutation(z.size)[: z.size // 3]] = 0
    return {"dout": upstream(rng, *shape), "z": z}


@probe("sigmoid_backward", cases=2)
def multiplies_by_the_slope_of_the_sigmoid(s, dout, z):
    return {"dz": s.sigmoid_backward(dout, z)}


@multiplies_by_the_slope_of_the_sigmoid.inputs
def _(rng):
    return {"dout": upstream(rng, 7, 5), "z": both_signs(rng, 7, 5)}


CLIPPED = 1e-4  # who clips z at 12 has a slope of 6e-6 where 0 is right: no mistake


@probe("sigmoid_backward", cases=1, rtol=CLIPPED)
def survives_z_of_800_and_minus_800(s, dout, z):
    return {"dz": s.sigmoid_backward(dout, z)}


@survives_z_of_800_and_minus_800.inputs
def _(rng):
    return extremes(rng)


@probe("sigmoid_backward", cases=1, hidden=True)
def takes_images_and_exact_zeros(s, dout, z):
    return {"dz": s.sigmoid_backward(dout, z)}


@takes_images_and_exact_zeros.inputs
def _(rng):
    return at_zero(rng, 2, 3, 4, 5)


@probe("tanh_backward", cases=2)
def multiplies_by_the_slope_of_tanh(s, dout, z):
    return {"dz": s.tanh_backward(dout, z)}


@multiplies_by_the_slope_of_tanh.inputs
def _(rng):
    return {"dout": upstream(rng, 6, 4), "z": both_signs(rng, 6, 4)}


@probe("tanh_backward", cases=1, rtol=CLIPPED)
def bears_z_of_800_and_minus_800(s, dout, z):
    return {"dz": s.tanh_backward(dout, z)}


@bears_z_of_800_and_minus_800.inputs
def _(rng):
    return extremes(rng)


def small_slope(rng):
    return float(rng.uniform(0.12, 0.35))


@probe("leaky_relu_backward", cases=2)
def multiplies_by_the_slope_of_each_side(s, dout, z, slope):
    return {"dz": s.leaky_relu_backward(dout, z, slope)}


@multiplies_by_the_slope_of_each_side.inputs
def _(rng):
    return {"dout": upstream(rng, 7, 5), "z": near_and_far(rng, 7, 5), "slope": small_slope(rng)}


@probe("leaky_relu_backward", cases=1)
def is_that_of_relu_for_a_slope_of_0(s, dout, z, slope):
    # with 0 alone all that vanishes with the slope is the same mistake
    return {
        "dz_for_a_slope_of_0": s.leaky_relu_backward(dout, z, 0.0),
        "dz": s.leaky_relu_backward(dout, z, slope),
    }


@is_that_of_relu_for_a_slope_of_0.inputs
def _(rng):
    return {"dout": upstream(rng, 5, 6), "z": near_and_far(rng, 5, 6), "slope": small_slope(rng)}


@probe("leaky_relu_backward", cases=1)
def takes_the_slope_of_the_negative_side_at_0(s, dout, z, slope):
    return {"dz": s.leaky_relu_backward(dout, z, slope)}


@takes_the_slope_of_the_negative_side_at_0.inputs
def _(rng):
    return {**at_zero(rng, 4, 6), "slope": small_slope(rng)}


@probe("leaky_relu_backward", cases=1, hidden=True)
def changes_nothing_for_a_slope_of_1(s, dout, z):
    return {"dz": s.leaky_relu_backward(dout, z, 1.0)}


@changes_nothing_for_a_slope_of_1.inputs
def _(rng):
    return at_zero(rng, 2, 3, 5)


def visible_alpha(rng):
    return float(rng.choice([rng.uniform(0.4, 0.7), rng.uniform(1.3, 1.8)]))


@probe("elu_backward", cases=2)
def multiplies_by_the_slope_of_elu(s, dout, z, alpha):
    return {"dz": s.elu_backward(dout, z, alpha)}


@multiplies_by_the_slope_of_elu.inputs
def _(rng):
    return {"dout": upstream(rng, 7, 5), "z": near_and_far(rng, 7, 5), "alpha": visible_alpha(rng)}


@probe("elu_backward", cases=1, rtol=CLIPPED)
def makes_no_nan_of_z_of_800_and_minus_800(s, dout, z, alpha):
    return {"dz": s.elu_backward(dout, z, alpha)}


@makes_no_nan_of_z_of_800_and_minus_800.inputs
def _(rng):
    return {**extremes(rng), "alpha": visible_alpha(rng)}


@probe("elu_backward", cases=1)
def takes_alpha_at_0(s, dout, z, alpha):
    return {"dz": s.elu_backward(dout, z, alpha)}


@takes_alpha_at_0.inputs
def _(rng):
    return {**at_zero(rng, 3, 6), "alpha": visible_alpha(rng)}


def pieces(rng, N, K, M):
    """Pieces of which the largest is negative in some units, and not always the largest in size."""
    return {"dout": upstream(rng, N, M), "z": both_signs(rng, N, K, M) - 0.4}


@probe("maxout_backward", cases=2)
def gives_the_gradient_to_the_largest_piece(s, dout, z):
    return {"dz": s.maxout_backward(dout, z)}


@gives_the_gradient_to_the_largest_piece.inputs
def _(rng):
    return pieces(rng, 6, 3, 4)


@probe("maxout_backward", cases=1)
def takes_the_first_of_equal_pieces(s, dout, z):
    return {"dz": s.maxout_backward(dout, z)}


@takes_the_first_of_equal_pieces.inputs
def _(rng):
    return {"dout": upstream(rng, 7, 5), "z": rng.integers(-2, 2, (7, 4, 5)).astype(float)}


@probe("maxout_backward", cases=1, hidden=True)
def passes_everything_through_a_single_piece(s, dout, z):
    return {"dz": s.maxout_backward(dout, z)}


@passes_everything_through_a_single_piece.inputs
def _(rng):
    return pieces(rng, 4, 1, 3)


@probe("product_variance", cases=3)
def adds_the_three_terms(s, **moments):
    return {"variance": s.product_variance(**moments)}


@adds_the_three_terms.inputs
def _(rng):
    means = rng.uniform(0.6, 3, 2) * rng.choice([-1, 1], 2)
    variances = rng.uniform(0.4, 2.5, 2)
    names = ("mean_x", "mean_y", "var_x", "var_y")
    return dict(zip(names, map(float, [*means, *variances]), strict=True))


@probe("product_variance", cases=1)
def needs_no_mean_of_the_weights(s, mean_x, var_x, var_w):
    return {"variance": s.product_variance(mean_x, var_x, 0.0, var_w)}


@needs_no_mean_of_the_weights.inputs
def _(rng):
    return {name: float(rng.uniform(0.5, 3)) for name in ("mean_x", "var_x", "var_w")}


def returned(found, *names):
    """By name, what a function returned; where it is not so many things, an error that says what came."""
    expected = f"{('two', 'three')[len(names) - 2]} things were expected ({', '.join(names)})"
    if found is None:
        raise TypeError(f"{expected}, None was returned: is a `return` missing?")
    if not isinstance(found, (tuple, list)):
        kinds = {np.ndarray: "array", int: "number", float: "number"}
        raise TypeError(f"{expected}, one {kinds.get(type(found), type(found).__name__)} was returned")
    if len(found) != len(names):
        raise ValueError(f"{expected}, {len(found)} were returned")
    return dict(zip(names, found, strict=True))


def fans(s, shape):
    found = s.fan_in_and_out(tuple(shape))
    found = returned(
        list(found) if isinstance(found, np.ndarray) and found.ndim else found, "fan_in", "fan_out"
    )
    return {name: np.asarray(v, dtype=float) for name, v in found.items()}


@probe("fan_in_and_out", cases=2)
def reads_both_off_a_dense_layer(s, shape):
    return fans(s, shape)


@reads_both_off_a_dense_layer.inputs
def _(rng):
    return {"shape": [int(v) for v in rng.permutation([rng.integers(5, 40), rng.integers(50, 90)])]}


@probe("fan_in_and_out", cases=2)
def counts_channels_and_kernel_of_a_convolution(s, shape):
    return fans(s, shape)


@counts_channels_and_kernel_of_a_convolution.inputs
def _(rng):
    channels = rng.permutation([rng.integers(6, 9), rng.integers(17, 30)])
    return {"shape": [int(v) for v in [*channels, *rng.permutation([2, 3, 5])[:2]]]}


def generator():
    """A generator in a state that nobody knows, from the global stream."""
    return np.random.default_rng(np.random.randint(1 << 30, size=4))


def moments(W, fan_in):
    """What tells initializers apart: whether all weights are drawn, and then their size, form and centre."""
    W = np.atleast_2d(np.asarray(W, dtype=float))
    corner = W[:40, :40]
    different = len(np.unique(corner)) / corner.size
    # of numbers that are repeated the moments say nothing
    drawn = W if different > 0.9 and W.size > 1 else 0 * W
    centred = drawn - drawn.mean()
    var = (centred**2).mean()
    return {
        "share_of_different_weights": different,
        "variance_times_fan_in": var * fan_in,
        "fourth_moment_over_the_square_of_the_variance": (centred**4).mean() / max(var**2, 1e-300),
        "share_of_positive_weights": (drawn > 0).mean(),
    }


def facts_of(draw):
    """The shape of what draw(rng) returns, and how it uses its generator."""
    rng, same = np.random.default_rng(7), np.random.default_rng(7)
    first, again = np.asarray(draw(rng)), np.asarray(draw(same))
    rows = np.atleast_2d(first)
    return {
        "shape": np.array(first.shape),
        "is_the_same_for_the_same_generator": np.array(np.array_equal(first, again)),
        "is_another_at_the_next_call": np.array(not np.array_equal(first, np.asarray(draw(rng)))),
        "its_rows_differ": np.array(bool(np.ptp(rows, axis=0).any())),
        "its_columns_differ": np.array(bool(np.ptp(rows, axis=1).any())),
    }


def sizes_of_a_layer(rng):
    """More outputs than inputs: sums, means, products and quotients of the two give variances that differ."""
    fan_in = int(rng.integers(150, 170))
    return {"fan_in": fan_in, "fan_out": round(fan_in * rng.uniform(2.38, 2.52))}


@probe("glorot_uniform", cases=1, rtol=0.06)
def has_the_moments_of_glorot_weights(s, fan_in, fan_out):
    return moments(s.glorot_uniform(fan_in, fan_out, generator()), fan_in)


@has_the_moments_of_glorot_weights.inputs
def _(rng):
    return sizes_of_a_layer(rng)


@has_the_moments_of_glorot_weights.expect
def _(fan_in, fan_out):
    return expected_moments(2 * fan_in / (fan_in + fan_out), 1.8)


def expected_moments(variance_times_fan_in, fourth):
    return {
        "share_of_different_weights": 1.0,
        "variance_times_fan_in": variance_times_fan_in,
        "fourth_moment_over_the_square_of_the_variance": fourth,
        "share_of_positive_weights": 0.5,
    }


@probe("glorot_uniform", cases=1)
def draws_every_weight_from_rng(s, fan_in, fan_out):
    return facts_of(lambda rng: s.glorot_uniform(fan_in, fan_out, rng))


@draws_every_weight_from_rng.inputs
def _(rng):
    return {"fan_in": int(rng.integers(4, 7)), "fan_out": int(rng.integers(8, 11))}


@probe("he_normal", cases=1, rtol=0.06)
def has_the_moments_of_he_weights(s, fan_in, fan_out):
    return moments(s.he_normal(fan_in, fan_out, generator()), fan_in)


@has_the_moments_of_he_weights.inputs
def _(rng):
    return sizes_of_a_layer(rng)


@has_the_moments_of_he_weights.expect
def _(fan_in, fan_out):
    return expected_moments(2.0, 3.0)


def by_slope(slopes, moments_for):
    """The moments for each slope in one answer: one number alone is hit by wrong gains by chance."""
    return {f"{name}_for_slope_{k}": m for k in slopes for name, m in moments_for(slopes[k]).items()}


@probe("he_normal", cases=1, rtol=0.06)
def has_the_gain_of_a_leaky_relu(s, fan_in, fan_out, slopes):
    def drawn(slope):
        return moments(s.he_normal(fan_in, fan_out, generator(), slope), fan_in)

    return by_slope(slopes, drawn)


@has_the_gain_of_a_leaky_relu.inputs
def _(rng):
    slopes = {"a": float(rng.uniform(0.56, 0.62)), "b": float(rng.uniform(0.84, 0.9)), "0": 0.0}
    return {**sizes_of_a_layer(rng), "slopes": slopes}


@has_the_gain_of_a_leaky_relu.expect
def _(fan_in, fan_out, slopes):
    return by_slope(slopes, lambda slope: expected_moments(2 / (1 + slope**2), 3.0))


@probe("he_normal", cases=1)
def draws_from_rng_and_from_nothing_else(s, fan_in, fan_out):
    return facts_of(lambda rng: s.he_normal(fan_in, fan_out, rng))


@draws_from_rng_and_from_nothing_else.inputs
def _(rng):
    return {"fan_in": int(rng.integers(4, 7)), "fan_out": int(rng.integers(8, 11))}


def layers_of(rng, *widths):
    """A batch with a mean of its own in each column, and one matrix for each step from width to width."""
    weights = [rng.normal(0.1, 1.2 / D**0.5, (D, M)) for D, M in pairwise(widths)]
    return {"x": upstream(rng, 9, widths[0]), "weights": weights}


@probe("layer_stds", cases=2)
def measures_each_layer_of_tanh(s, x, weights):
    return {"stds": s.layer_stds(x, weights, np.tanh)}


@measures_each_layer_of_tanh.inputs
def _(rng):
    return layers_of(rng, 5, 7, 4, 6)


def leaky(z):
    return np.maximum(z, z / 8)


@probe("layer_stds", cases=1)
def measures_each_layer_of_another_activation(s, x, weights):
    return {"stds": s.layer_stds(x, weights, leaky)}


@measures_each_layer_of_another_activation.inputs
def _(rng):
    return layers_of(rng, 6, 6, 6, 6, 6)


@probe("layer_stds", cases=1, hidden=True)
def measures_a_single_layer(s, x, weights):
    return {"stds": s.layer_stds(x, weights, np.abs)}


@measures_a_single_layer.inputs
def _(rng):
    return layers_of(rng, 4, 7)


def a_block(rng, N=8, D=4, H=6):
    """A block whose ReLUs are open for about half of the entries; positive and negative inputs."""
    return {
        "x": both_signs(rng, N, D),
        "W1": rng.normal(0.1, 0.8, (D, H)),
        "W2": rng.normal(-0.1, 0.7, (H, D)),
    }


@probe("residual_block", cases=2)
def adds_the_branch_to_its_input(s, x, W1, W2):
    return {"y": s.residual_block(x, W1, W2)}


@adds_the_branch_to_its_input.inputs
def _(rng):
    return a_block(rng)


@probe("residual_block", cases=1)
def adds_a_branch_of_equal_width(s, x, W1, W2):
    return {"y": s.residual_block(x, W1, W2)}


@adds_a_branch_of_equal_width.inputs
def _(rng):
    return a_block(rng, 7, 5, 5)


@probe("residual_block", cases=1, hidden=True)
def is_relu_where_the_branch_is_0(s, x, W1, W2):
    return {"y": s.residual_block(x, W1, W2)}


@is_relu_where_the_branch_is_0.inputs
def _(rng):
    block = a_block(rng, 5, 3, 4)
    return {**block, "W2": 0 * block["W2"]}


def gradients_of(s, block):
    return returned(s.residual_block_backward(**block), "dx", "dW1", "dW2")


def backward_block(rng, N=8, D=4, H=6):
    return {"dout": upstream(rng, N, D), **a_block(rng, N, D, H)}


@probe("residual_block_backward", cases=2)
def adds_the_gradients_of_both_paths(s, **block):
    return {"dx": gradients_of(s, block)["dx"]}


@adds_the_gradients_of_both_paths.inputs
def _(rng):
    return backward_block(rng)


@probe("residual_block_backward", cases=1)
def adds_them_where_both_layers_have_one_width(s, **block):
    return {"dx": gradients_of(s, block)["dx"]}


@adds_them_where_both_layers_have_one_width.inputs
def _(rng):
    return backward_block(rng, 7, 5, 5)


@probe("residual_block_backward", cases=2)
def finds_the_gradients_of_the_weights(s, **block):
    found = gradients_of(s, block)
    return {"dW1": found["dW1"], "dW2": found["dW2"]}


@finds_the_gradients_of_the_weights.inputs
def _(rng):
    return backward_block(rng, 9, 3, 5)


@probe(
    "test_residual_block_backward",
    judges="residual_block_backward",
    wrong=(
        "RE6",
        "RE10",
        "BB-branch-only",
        "BB-last-relu-of-branch",
        "BB-no-inner-relu",
        "BB-inner-relu-of-gradient",
        "BB-branch-from-dout",
        "BB-dW1-of-relu",
        "BB-dW1-unmasked",
        "BB-dW2-of-z1",
        "BB-dW2-of-dout",
        "BB-mean",
    ),
)
def accepts_a_right_function_and_rejects_wrong_ones(s, implementation):
    s.test_residual_block_backward(implementation)
    return {"accepts": np.array(True)}


@accepts_a_right_function_and_rejects_wrong_ones.broken
def overwritten(right):
    """the gradients are right, but x is overwritten"""

    def wrong(dout, x, W1, W2):
        found = right(dout, x.copy(), W1, W2)
        x += 1
        return found

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def upstream_overwritten(right):
    """the gradients are right, but dout is overwritten"""

    def wrong(dout, x, W1, W2):
        found = right(dout.copy(), x, W1, W2)
        dout += 1
        return found

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def first_weights_overwritten(right):
    """the gradients are right, but W1 is overwritten"""

    def wrong(dout, x, W1, W2):
        found = right(dout, x, W1.copy(), W2)
        W1 += 1
        return found

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def weights_overwritten(right):
    """the gradients are right, but W2 is overwritten"""

    def wrong(dout, x, W1, W2):
        found = right(dout, x, W1, W2.copy())
        W2 += 1
        return found

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def upstream_of_ones(right):
    """dout is taken for ones (a dout of random numbers shows it)"""

    def wrong(dout, x, W1, W2):
        return right(np.ones_like(dout), x, W1, W2)

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def negative_gradients_lost(right):
    """negative entries of dout are lost (they show where the last ReLU is open)"""

    def wrong(dout, x, W1, W2):
        return right(np.maximum(dout, 0), x, W1, W2)

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def weights_of_one_example(right):
    """the gradients of the weights come from the first example alone (a batch of several shows it)"""

    def wrong(dout, x, W1, W2):
        return right(dout, x, W1, W2)[0], *right(dout[:1], x[:1], W1, W2)[1:]

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def first_layer_lost(right):
    """dW1 is 0 everywhere (with a W2 of zeros that is right)"""

    def wrong(dout, x, W1, W2):
        dx, dW1, dW2 = right(dout, x, W1, W2)
        return dx, 0 * dW1, dW2

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def upside_down(right):
    """dW1 has the right numbers in the wrong places (its sum and its size are right)"""

    def wrong(dout, x, W1, W2):
        dx, dW1, dW2 = right(dout, x, W1, W2)
        return dx, dW1[::-1, ::-1], dW2

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def last_entry_off(right):
    """the last entry of dx is twice as large (all others are right)"""

    def wrong(dout, x, W1, W2):
        dx, dW1, dW2 = right(dout, x, W1, W2)
        dx = dx.copy()
        dx[-1, -1] = 2 * dx[-1, -1] + 1
        return dx, dW1, dW2

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def second_layer_off(right):
    """dW2 is 2 % too large (with a generous tolerance nobody sees it)"""

    def wrong(dout, x, W1, W2):
        dx, dW1, dW2 = right(dout, x, W1, W2)
        return dx, dW1, 1.02 * dW2

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def not_a_number(right):
    """one entry of dx is nan (and nan is neither larger nor smaller than a tolerance)"""

    def wrong(dout, x, W1, W2):
        dx, dW1, dW2 = right(dout, x, W1, W2)
        dx = dx.copy()
        dx[0, 0] = np.nan
        return dx, dW1, dW2

    return wrong


@accepts_a_right_function_and_rejects_wrong_ones.broken
def added_up_over_the_batch(right):
    """dx is the same for all examples: it was added up over the batch (several examples show it)"""

    def wrong(dout, x, W1, W2):
        dx, dW1, dW2 = right(dout, x, W1, W2)
        return 0 * dx + dx.sum(axis=0), dW1, dW2

    return wrong


def moments_of_a_weight(weight, fan_in):
    """What tells one way to draw weights from another: variance, shape, and whether the mean is 0."""
    w = weight.detach().double()
    mean_square = (w**2).mean()
    return {
        "fan_in_times_mean_square": fan_in * mean_square,
        "fourth_moment_by_mean_square_squared": (w**4).mean() / (mean_square**2 + 1e-30),
        "share_of_positive_weights": (w > 0).double().mean(),
    }


def drawn(s, slope):
    from torch import nn

    layers = {
        "linear": (nn.Linear(120, 300), 120),
        "convolution": (nn.Conv2d(30, 70, (3, 5)), 450),
        "convolution_in_groups": (nn.Conv2d(60, 120, (3, 5), groups=3), 300),
    }
    model = nn.Sequential(*(layer for layer, _ in layers.values()))
    s.initialize(model) if slope is None else s.initialize(model, slope)
    return {
        f"{statistic}_of_the_{name}": value
        for name, (layer, fan_in) in layers.items()
        for statistic, value in moments_of_a_weight(layer.weight, fan_in).items()
    }
