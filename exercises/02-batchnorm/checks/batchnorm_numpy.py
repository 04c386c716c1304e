import numpy as np
from autograder import probe


def batch(rng, *shape):
    """Examples whose features (axis 1) have means far from zero and different scales."""
    D = shape[1]
    along = (1, D) + (1,) * (len(shape) - 2)
    scale = rng.permutation(np.geomspace(0.3, 4, D)).reshape(along)
    centre = rng.permutation(np.linspace(-4, 7, D) + rng.uniform(0, 1, D)).reshape(along)
    return rng.normal(size=shape) * scale + centre


@probe("batchnorm_forward", cases=4)
def normalizes_each_feature_then_scales_and_shifts(s, x, gamma, beta, eps):
    return {"y": s.batchnorm_forward(x, gamma, beta, eps=eps)}


@probe("batchnorm_forward", cases=2)
def gives_beta_for_a_constant_feature(s, x, gamma, beta, eps):
    return {"y": s.batchnorm_forward(x, gamma, beta, eps=eps)}


def batches(rng, sizes, D):
    """Batches that drift, so that their order matters."""
    first = batch(rng, 3, D)[:1]
    return [first * (1 + t) + rng.normal(size=(n, D)) * np.arange(1, D + 1) for t, n in enumerate(sizes)]


@probe("running_statistics", rtol=1e-6)
def averages_the_means_of_the_batches(s, batches, momentum):
    running_mean, _running_var = s.running_statistics(batches, momentum=momentum)
    return {"running_mean": running_mean}


@probe("running_statistics", rtol=1e-6)
def averages_the_variances_of_the_batches(s, batches, momentum):
    _running_mean, running_var = s.running_statistics(batches, momentum=momentum)
    return {"running_var": running_var}


@probe("running_statistics", cases=2, rtol=1e-6)
def averages_batches_of_integers_as_well(s, batches):
    running_mean, running_var = s.running_statistics(batches, momentum=0.9)
    return {"running_mean": running_mean, "running_var": running_var}


@probe("batchnorm_inference")
def normalizes_with_the_given_statistics(s, x, running_mean, running_var, gamma, beta, eps):
    return {"y": s.batchnorm_inference(x, running_mean, running_var, gamma, beta, eps=eps)}


@probe("batchnorm_inference", cases=2)
def works_for_one_example_alone(s, x, running_mean, running_var, gamma, beta, eps):
    return {"y": s.batchnorm_inference(x, running_mean, running_var, gamma, beta, eps=eps)}


@probe("parameter_gradients")
def adds_up_the_gradient_of_gamma(s, dout, x, eps):
    dgamma, _dbeta = s.parameter_gradients(dout, x, eps=eps)
    return {"dgamma": dgamma}


@probe("parameter_gradients")
def adds_up_the_gradient_of_beta(s, dout, x, eps):
    _dgamma, dbeta = s.parameter_gradients(dout, x, eps=eps)
    return {"dbeta": dbeta}


@probe("statistics_gradients")
def finds_the_gradient_of_the_variance(s, dx_hat, x, eps):
    dvar, _dmu = s.statistics_gradients(dx_hat, x, eps=eps)
    return {"dvar": dvar}


@probe("statistics_gradients")
def finds_the_gradient_of_the_mean(s, dx_hat, x, eps):
    _dvar, dmu = s.statistics_gradients(dx_hat, x, eps=eps)
    return {"dmu": dmu}


@probe("input_gradient", cases=4)
def adds_the_three_paths_from_the_input(s, dx_hat, x, dvar, dmu, eps):
    return {"dx": s.input_gradient(dx_hat, x, dvar, dmu, eps=eps)}


@probe("batchnorm_backward")
def finds_the_gradient_of_the_input(s, dout, x, gamma, eps):
    dx, _dgamma, _dbeta = s.batchnorm_backward(dout, x, gamma, eps=eps)
    return {"dx": dx}


@probe("batchnorm_backward")
def finds_the_gradient_of_gamma(s, dout, x, gamma, eps):
    _dx, dgamma, _dbeta = s.batchnorm_backward(dout, x, gamma, eps=eps)
    return {"dgamma": dgamma}


@probe("batchnorm_backward")
def finds_the_gradient_of_beta(s, dout, x, gamma, eps):
    _dx, _dgamma, dbeta = s.batchnorm_backward(dout, x, gamma, eps=eps)
    return {"dbeta": dbeta}


@probe("spatial_batchnorm")
def normalizes_each_channel_of_images(s, x, gamma, beta, eps, batchnorm):
    return {"y": s.spatial_batchnorm(x, gamma, beta, eps, batchnorm)}


def curved(z):
    """Every output depends on every input of its column, and not linearly."""
    return np.sin(2 * z) * z.sum(axis=0) + z**3


def narrowing(z):
    """(N, 3) to (N, 2)."""
    return np.tanh(z @ np.array([[0.5, -1.0], [0.7, 0.2], [-0.4, 0.9]])) + z[:, :1] * z[:, 1:2]


@probe("numerical_gradient")
def differentiates_by_central_differences(s, x, dout, h):
    return {"gradient": s.numerical_gradient(curved, x, dout, h)}


@probe("numerical_gradient", cases=2)
def works_where_the_output_has_another_shape(s, x, dout, h):
    return {"gradient": s.numerical_gradient(narrowing, x, dout, h)}


@probe("numerical_gradient", cases=2)
def works_for_an_input_with_one_axis(s, x, dout, h):
    return {"gradient": s.numerical_gradient(lambda z: np.outer(np.exp(z / 2), z), x, dout, h)}


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
