"""What the checks ask of the NumPy notebook, and the inputs they ask it on.

Inputs: all axes of different lengths, means far from zero, features of different scale, gamma and beta
neither one nor zero, an eps that can be seen, random upstream gradients (rules 1 to 8 of the catalogue)."""

import numpy as np

from autograder import Given, probe


def batch(rng, *shape):
    """Examples whose features (axis 1) have means far from zero and different scales."""
    D = shape[1]
    along = (1, D) + (1,) * (len(shape) - 2)
    scale = rng.permutation(np.geomspace(0.3, 4, D)).reshape(along)
    centre = rng.permutation(np.linspace(-4, 7, D) + rng.uniform(0, 1, D)).reshape(along)
    return rng.normal(size=shape) * scale + centre


def scale_and_shift(rng, D):
    """gamma and beta: all entries different, of both signs, never near each other."""
    gamma = rng.permutation(np.linspace(0.5, 2.5, D)) * rng.choice([-1.0, 1.0], D)
    beta = rng.permutation(np.linspace(-2.2, 1.7, D)) + rng.uniform(-0.1, 0.1, D)
    return gamma, beta


def visible_eps(rng):
    return float(rng.uniform(0.03, 0.06))


@probe("batchnorm_forward", cases=4)
def normalizes_each_feature_then_scales_and_shifts(s, x, gamma, beta, eps):
    return {"y": s.batchnorm_forward(x, gamma, beta, eps=eps)}


@normalizes_each_feature_then_scales_and_shifts.inputs
def _(rng):
    gamma, beta = scale_and_shift(rng, 4)
    return {"x": batch(rng, 7, 4), "gamma": gamma, "beta": beta, "eps": visible_eps(rng)}


@probe("batchnorm_forward", cases=2)
def gives_beta_for_a_constant_feature(s, x, gamma, beta, eps):
    return {"y": s.batchnorm_forward(x, gamma, beta, eps=eps)}


@gives_beta_for_a_constant_feature.inputs
def _(rng):
    x = batch(rng, 5, 3)
    x[:, rng.integers(3)] = rng.integers(2, 9)
    gamma, beta = scale_and_shift(rng, 3)
    return {"x": x, "gamma": gamma, "beta": beta, "eps": visible_eps(rng)}


@probe("batchnorm_forward", cases=2, hidden=True)
def keeps_eps_small_by_default(s, x, gamma, beta):
    return {"y": s.batchnorm_forward(x, gamma, beta)}


@keeps_eps_small_by_default.inputs
def _(rng):
    gamma, beta = scale_and_shift(rng, 5)
    return {"x": 0.02 * batch(rng, 6, 5), "gamma": gamma, "beta": beta}


# rtol 1e-6 below: statistics of single precision are right, also where the average is kept in float64
def batches(rng, sizes, D):
    """Batches that drift, so that their order matters."""
    first = batch(rng, 3, D)[:1]
    return [first * (1 + t) + rng.normal(size=(n, D)) * np.arange(1, D + 1) for t, n in enumerate(sizes)]


@probe("running_statistics", rtol=1e-6)
def averages_the_means_of_the_batches(s, batches, momentum):
    running_mean, _running_var = s.running_statistics(batches, momentum=momentum)
    return {"running_mean": running_mean}


@averages_the_means_of_the_batches.inputs
def _(rng):
    return {"batches": batches(rng, (6, 6, 6, 4), 3), "momentum": float(rng.uniform(0.75, 0.92))}


@probe("running_statistics", rtol=1e-6)
def averages_the_variances_of_the_batches(s, batches, momentum):
    _running_mean, running_var = s.running_statistics(batches, momentum=momentum)
    return {"running_var": running_var}


@averages_the_variances_of_the_batches.inputs
def _(rng):
    return {"batches": batches(rng, (6, 6, 6, 4), 3), "momentum": float(rng.uniform(0.75, 0.92))}


@probe("running_statistics", cases=2, rtol=1e-6)
def averages_batches_of_integers_as_well(s, batches):
    running_mean, running_var = s.running_statistics(batches, momentum=0.9)
    return {"running_mean": running_mean, "running_var": running_var}


@averages_batches_of_integers_as_well.inputs
def _(rng):
    sizes = (5, 5, 5, 3)
    return {"batches": [rng.integers(20 * t, 90 + 40 * t, (n, 4)) for t, n in enumerate(sizes)]}


@probe("batchnorm_inference")
def normalizes_with_the_given_statistics(s, x, running_mean, running_var, gamma, beta, eps):
    return {"y": s.batchnorm_inference(x, running_mean, running_var, gamma, beta, eps=eps)}


@normalizes_with_the_given_statistics.inputs
def _(rng):
    x = batch(rng, 6, 4)
    gamma, beta = scale_and_shift(rng, 4)
    return {
        "x": x,
        "running_mean": x.mean(axis=0) + rng.uniform(0.3, 1, 4) * rng.choice([-1, 1], 4),
        "running_var": x.var(axis=0) * rng.uniform(1.2, 2, 4) + 0.05,
        "gamma": gamma,
        "beta": beta,
        "eps": visible_eps(rng),
    }


@probe("batchnorm_inference", cases=2)
def works_for_one_example_alone(s, x, running_mean, running_var, gamma, beta, eps):
    return {"y": s.batchnorm_inference(x, running_mean, running_var, gamma, beta, eps=eps)}


@works_for_one_example_alone.inputs
def _(rng):
    gamma, beta = scale_and_shift(rng, 3)
    return {
        "x": batch(rng, 1, 3),
        "running_mean": rng.normal(2, 1, 3),
        "running_var": rng.uniform(0.1, 3, 3),
        "gamma": gamma,
        "beta": beta,
        "eps": visible_eps(rng),
    }


def upstream(rng, *shape):
    """A random gradient whose column sums are not small."""
    return rng.normal(size=shape) + rng.choice([-0.8, 0.8], (1, shape[1]))


def backward_inputs(rng, N=7, D=4):
    return {"dout": upstream(rng, N, D), "x": batch(rng, N, D), "eps": visible_eps(rng)}


@probe("parameter_gradients")
def adds_up_the_gradient_of_gamma(s, dout, x, eps):
    dgamma, _dbeta = s.parameter_gradients(dout, x, eps=eps)
    return {"dgamma": dgamma}


@adds_up_the_gradient_of_gamma.inputs
def _(rng):
    return backward_inputs(rng)


@probe("parameter_gradients")
def adds_up_the_gradient_of_beta(s, dout, x, eps):
    _dgamma, dbeta = s.parameter_gradients(dout, x, eps=eps)
    return {"dbeta": dbeta}


@adds_up_the_gradient_of_beta.inputs
def _(rng):
    return backward_inputs(rng)


def statistics_inputs(rng):
    return {"dx_hat": upstream(rng, 6, 4), "x": batch(rng, 6, 4), "eps": visible_eps(rng)}


@probe("statistics_gradients")
def finds_the_gradient_of_the_variance(s, dx_hat, x, eps):
    dvar, _dmu = s.statistics_gradients(dx_hat, x, eps=eps)
    return {"dvar": dvar}


@finds_the_gradient_of_the_variance.inputs
def _(rng):
    return statistics_inputs(rng)


@probe("statistics_gradients")
def finds_the_gradient_of_the_mean(s, dx_hat, x, eps):
    _dvar, dmu = s.statistics_gradients(dx_hat, x, eps=eps)
    return {"dmu": dmu}


@finds_the_gradient_of_the_mean.inputs
def _(rng):
    return statistics_inputs(rng)


@probe("input_gradient", cases=4)
def adds_the_three_paths_from_the_input(s, dx_hat, x, dvar, dmu, eps):
    return {"dx": s.input_gradient(dx_hat, x, dvar, dmu, eps=eps)}


@adds_the_three_paths_from_the_input.inputs
def _(rng):
    size = rng.uniform(1, 3, (2, 4)) * rng.choice([-1, 1], (2, 4))
    return {**statistics_inputs(rng), "dvar": size[0], "dmu": 3 * size[1]}


def whole_backward_inputs(rng):
    gamma, _ = scale_and_shift(rng, 4)
    return {**backward_inputs(rng), "gamma": gamma}


@probe("batchnorm_backward")
def finds_the_gradient_of_the_input(s, dout, x, gamma, eps):
    dx, _dgamma, _dbeta = s.batchnorm_backward(dout, x, gamma, eps=eps)
    return {"dx": dx}


@finds_the_gradient_of_the_input.inputs
def _(rng):
    return whole_backward_inputs(rng)


@probe("batchnorm_backward")
def finds_the_gradient_of_gamma(s, dout, x, gamma, eps):
    _dx, dgamma, _dbeta = s.batchnorm_backward(dout, x, gamma, eps=eps)
    return {"dgamma": dgamma}


@finds_the_gradient_of_gamma.inputs
def _(rng):
    return whole_backward_inputs(rng)


@probe("batchnorm_backward")
def finds_the_gradient_of_beta(s, dout, x, gamma, eps):
    _dx, _dgamma, dbeta = s.batchnorm_backward(dout, x, gamma, eps=eps)
    return {"dbeta": dbeta}


@finds_the_gradient_of_beta.inputs
def _(rng):
    return whole_backward_inputs(rng)


def image_inputs(rng):
    gamma, beta = scale_and_shift(rng, 5)
    x = batch(rng, 2, 5, 3, 4)
    x += rng.normal(size=(2, 5, 1, 1)) + rng.normal(size=(1, 1, 3, 4))  # images and pixels differ, too
    return {"x": x, "gamma": gamma, "beta": beta, "eps": visible_eps(rng)}


@probe("spatial_batchnorm")
def normalizes_each_channel_of_images(s, x, gamma, beta, eps, batchnorm):
    return {"y": s.spatial_batchnorm(x, gamma, beta, eps, batchnorm)}


@normalizes_each_channel_of_images.inputs
def _(rng):
    return {**image_inputs(rng), "batchnorm": Given("batchnorm_forward")}


def curved(z):
    """Every output depends on every input of its column, and not linearly."""
    return np.sin(2 * z) * z.sum(axis=0) + z**3


def narrowing(z):
    """(N, 3) to (N, 2)."""
    return np.tanh(z @ np.array([[0.5, -1.0], [0.7, 0.2], [-0.4, 0.9]])) + z[:, :1] * z[:, 1:2]


def dyadic(rng, *shape):
    """Numbers that h = 1/8 can be added to and taken from without rounding."""
    return np.round(rng.normal(size=shape) * 32) / 32


@probe("numerical_gradient")
def differentiates_by_central_differences(s, x, dout, h):
    return {"gradient": s.numerical_gradient(curved, x, dout, h)}


@differentiates_by_central_differences.inputs
def _(rng):
    return {"x": dyadic(rng, 4, 3), "dout": upstream(rng, 4, 3), "h": 0.125}


@probe("numerical_gradient", cases=2)
def works_where_the_output_has_another_shape(s, x, dout, h):
    return {"gradient": s.numerical_gradient(narrowing, x, dout, h)}


@works_where_the_output_has_another_shape.inputs
def _(rng):
    return {"x": dyadic(rng, 4, 3), "dout": upstream(rng, 4, 2), "h": 0.125}


@probe("numerical_gradient", cases=2)
def works_for_an_input_with_one_axis(s, x, dout, h):
    return {"gradient": s.numerical_gradient(lambda z: np.outer(np.exp(z / 2), z), x, dout, h)}


@works_for_an_input_with_one_axis.inputs
def _(rng):
    return {"x": dyadic(rng, 4), "dout": upstream(rng, 4, 4), "h": 0.125}


@probe(
    "test_batchnorm_backward",
    judges="batchnorm_backward",
    wrong=("BB2", "BB3", "BB4b", "BB5", "BB6", "BB8", "BB8b", "BB12", "BB13", "BB14", "BB15"),
)
def accepts_a_right_function_and_rejects_broken_ones(s, implementation):
    s.test_batchnorm_backward(implementation)
    return {"accepts": np.array(True)}


@accepts_a_right_function_and_rejects_broken_ones.broken
def averaged_dgamma(right):
    """dgamma is averaged over the batch instead of summed"""

    def wrong(dout, x, gamma, eps=1e-5):
        dx, dgamma, dbeta = right(dout, x, gamma, eps)
        return dx, dgamma / len(x), dbeta

    return wrong


@accepts_a_right_function_and_rejects_broken_ones.broken
def averaged_dbeta(right):
    """dbeta is averaged over the batch instead of summed"""

    def wrong(dout, x, gamma, eps=1e-5):
        dx, dgamma, dbeta = right(dout, x, gamma, eps)
        return dx, dgamma, dbeta / len(x)

    return wrong


@accepts_a_right_function_and_rejects_broken_ones.broken
def too_large(right):
    """dx is too large by a factor of N (with dout full of ones, dx is zero and nobody sees it)"""

    def wrong(dout, x, gamma, eps=1e-5):
        dx, dgamma, dbeta = right(dout, x, gamma, eps)
        return dx * len(x), dgamma, dbeta

    return wrong


@accepts_a_right_function_and_rejects_broken_ones.broken
def uneven_columns(right):
    """the columns of dx do not sum to zero: something is wrong on the path through the mean"""

    def wrong(dout, x, gamma, eps=1e-5):
        dx, dgamma, dbeta = right(dout, x, gamma, eps)
        return dx + dout.mean(axis=0), dgamma, dbeta

    return wrong


@accepts_a_right_function_and_rejects_broken_ones.broken
def wrong_path_through_the_variance(right):
    """the path through the variance is wrong (with dout full of ones nobody sees it)"""

    def wrong(dout, x, gamma, eps=1e-5):
        dx, dgamma, dbeta = right(dout, x, gamma, eps)
        return dx + (x - x.mean(axis=0)) * dgamma / len(x), dgamma, dbeta

    return wrong


@accepts_a_right_function_and_rejects_broken_ones.broken
def forgotten_gamma(right):
    """dx is computed as if gamma were one everywhere"""

    def wrong(dout, x, gamma, eps=1e-5):
        _, dgamma, dbeta = right(dout, x, gamma, eps)
        return right(dout, x, np.ones_like(gamma), eps)[0], dgamma, dbeta

    return wrong


@accepts_a_right_function_and_rejects_broken_ones.broken
def forgotten_eps(right):
    """eps is ignored and a tiny one is used instead"""

    def wrong(dout, x, gamma, eps=1e-5):
        return right(dout, x, gamma, 1e-12)

    return wrong


@accepts_a_right_function_and_rejects_broken_ones.broken
def exchanged_parameters(right):
    """dgamma and dbeta are exchanged"""

    def wrong(dout, x, gamma, eps=1e-5):
        dx, dgamma, dbeta = right(dout, x, gamma, eps)
        return dx, dbeta, dgamma

    return wrong
