"""What the checks ask of the PyTorch notebook, and the inputs they ask it on.

Inputs: all axes of different lengths, means far from zero, features of different scale, gamma and beta
neither one nor zero, an eps that can be seen, random upstream gradients (rules 1 to 8 of the catalogue)."""

from collections import OrderedDict

import numpy as np

from autograder import probe


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


# rtol 1e-6 below: statistics of single precision are right, also where the average is kept in float64
def batches(rng, sizes, D):
    """Batches that drift, so that their order matters."""
    first = batch(rng, 3, D)[:1]
    return [first * (1 + t) + rng.normal(size=(n, D)) * np.arange(1, D + 1) for t, n in enumerate(sizes)]


def upstream(rng, *shape):
    """A random gradient whose column sums are not small."""
    return rng.normal(size=shape) + rng.choice([-0.8, 0.8], (1, shape[1]))


def image_inputs(rng):
    gamma, beta = scale_and_shift(rng, 5)
    x = batch(rng, 2, 5, 3, 4)
    x += rng.normal(size=(2, 5, 1, 1)) + rng.normal(size=(1, 1, 3, 4))  # images and pixels differ, too
    return {"x": x, "gamma": gamma, "beta": beta, "eps": visible_eps(rng)}


def tensor(array):
    """A tensor that shares the array's memory, so that a change in place is seen."""
    import torch

    return torch.as_tensor(array)


def tensors(*arrays):
    return [tensor(a) for a in arrays]


def layer_inputs(rng, *shape):
    gamma, beta = scale_and_shift(rng, shape[1])
    return {"x": batch(rng, *shape), "gamma": gamma, "beta": beta, "eps": visible_eps(rng)}


@probe("batchnorm_train")
def normalizes_each_feature_of_the_batch(s, x, gamma, beta, eps):
    return {"y": s.batchnorm_train(*tensors(x, gamma, beta), eps)}


@normalizes_each_feature_of_the_batch.inputs
def _(rng):
    return layer_inputs(rng, 7, 4)


@probe("batchnorm_train")
def normalizes_each_channel_of_the_images(s, x, gamma, beta, eps):
    return {"y": s.batchnorm_train(*tensors(x, gamma, beta), eps)}


@normalizes_each_channel_of_the_images.inputs
def _(rng):
    return image_inputs(rng)


@probe("batchnorm_train", cases=2)
def lets_gradients_through_the_statistics(s, x, gamma, beta, eps, dout):
    leaf = tensor(x).clone().requires_grad_(True)
    s.batchnorm_train(leaf, *tensors(gamma, beta), eps).backward(tensor(dout))
    return {"x.grad": leaf.grad}


@lets_gradients_through_the_statistics.inputs
def _(rng):
    return {**layer_inputs(rng, 7, 4), "dout": upstream(rng, 7, 4)}


@probe("batchnorm_train", cases=2)
def survives_a_mean_far_from_zero_in_float32(s, x, gamma, beta):
    y = s.batchnorm_train(*tensors(x, gamma, beta), 1e-5)
    spread = y.detach().double().std(dim=0, correction=0) / tensor(gamma).double().abs()
    return {"standard_deviation_of_x_hat_is_one": np.array(((spread - 1).abs() < 0.1).all().item())}


@survives_a_mean_far_from_zero_in_float32.inputs
def _(rng):
    gamma, beta = scale_and_shift(rng, 3)
    x = rng.normal(size=(64, 3))
    far = (x - x.mean(axis=0)) / x.std(axis=0) + rng.uniform(2e4, 4e4, 3)
    return {name: a.astype(np.float32) for name, a in (("x", far), ("gamma", gamma), ("beta", beta))}


@probe("batchnorm_train", cases=1)
def stays_on_the_device_of_its_input(s, shape):
    import torch

    x = torch.empty(*shape, device="meta")  # a device that computes shapes only
    parameter = torch.empty(shape[1], device="meta")
    y = s.batchnorm_train(x, parameter, parameter, 0.05)
    return {"shape": np.array(y.shape), "y_is_on_the_device_of_x": np.array(y.device == x.device)}


@stays_on_the_device_of_its_input.inputs
def _(rng):
    return {"shape": [2, 3, 5, 4]}


def running_inputs(rng, *shape):
    C = shape[1]
    return {
        "running_mean": rng.normal(size=C),
        "running_var": rng.uniform(0.4, 2, C),
        "x": batch(rng, *shape),
        "momentum": float(rng.uniform(0.12, 0.3)),
    }


@probe("update_running")
def mixes_the_mean_of_the_batch_into_the_running_mean(s, running_mean, running_var, x, momentum):
    mean, _var = s.update_running(*tensors(running_mean, running_var, x), momentum)
    return {"running_mean": mean}


@mixes_the_mean_of_the_batch_into_the_running_mean.inputs
def _(rng):
    return running_inputs(rng, 6, 4)


@probe("update_running")
def mixes_the_variance_of_the_batch_into_the_running_variance(s, running_mean, running_var, x, momentum):
    _mean, var = s.update_running(*tensors(running_mean, running_var, x), momentum)
    return {"running_var": var}


@mixes_the_variance_of_the_batch_into_the_running_variance.inputs
def _(rng):
    return running_inputs(rng, 6, 4)


@probe("update_running")
def counts_all_pixels_of_a_channel(s, running_mean, running_var, x, momentum):
    mean, var = s.update_running(*tensors(running_mean, running_var, x), momentum)
    return {"running_mean": mean, "running_var": var}


@counts_all_pixels_of_a_channel.inputs
def _(rng):
    return running_inputs(rng, 2, 5, 3, 4)


def requires_gradients(**tensors):
    return {f"{name}_requires_a_gradient": np.array(t.requires_grad) for name, t in tensors.items()}


@probe("update_running", cases=1)
def remembers_no_graph(s, running_mean, running_var, x, momentum):
    leaf = tensor(x).clone().requires_grad_(True)
    mean, var = s.update_running(*tensors(running_mean, running_var), leaf, momentum)
    return requires_gradients(running_mean=mean, running_var=var)


@remembers_no_graph.inputs
def _(rng):
    return running_inputs(rng, 6, 4)


def loaded(s, weight, bias, running_mean, running_var, eps, momentum=0.2):
    """The student's layer with this state, in float64."""
    layer = s.BatchNorm(len(weight), eps=eps, momentum=momentum).double()
    state = {"weight": weight, "bias": bias, "running_mean": running_mean, "running_var": running_var}
    layer.load_state_dict({name: tensor(a).clone() for name, a in state.items()}, strict=False)
    return layer


def state(rng, C):
    weight, bias = scale_and_shift(rng, C)
    running_mean, running_var = rng.normal(size=C), rng.uniform(0.4, 2, C)
    eps = visible_eps(rng)
    return {
        "weight": weight,
        "bias": bias,
        "running_mean": running_mean,
        "running_var": running_var,
        "eps": eps,
    }


@probe("BatchNorm", cases=2)
def normalizes_examples_in_training(s, x, **state):
    return {"y": loaded(s, **state)(tensor(x))}


@normalizes_examples_in_training.inputs
def _(rng):
    return {"x": batch(rng, 7, 4), **state(rng, 4)}


@probe("BatchNorm", cases=2)
def normalizes_images_in_training(s, x, **state):
    return {"y": loaded(s, **state)(tensor(x))}


@normalizes_images_in_training.inputs
def _(rng):
    return {"x": image_inputs(rng)["x"], **state(rng, 5)}


def after_training(s, batches, momentum, state):
    layer = loaded(s, **state, momentum=momentum)
    for x in batches:
        layer(tensor(x))
    return layer


def training_inputs(rng):
    images = [batch(rng, n, 3, 2, 4) for n in (2, 2, 5)]
    return {"batches": images, "momentum": float(rng.uniform(0.15, 0.3)), **state(rng, 3)}


@probe("BatchNorm", cases=2)
def keeps_the_running_mean_of_its_batches(s, batches, momentum, **state):
    return {"running_mean": after_training(s, batches, momentum, state).running_mean}


@keeps_the_running_mean_of_its_batches.inputs
def _(rng):
    return training_inputs(rng)


@probe("BatchNorm", cases=2)
def keeps_the_running_variance_of_its_batches(s, batches, momentum, **state):
    return {"running_var": after_training(s, batches, momentum, state).running_var}


@keeps_the_running_variance_of_its_batches.inputs
def _(rng):
    return training_inputs(rng)


@probe("BatchNorm", cases=1)
def counts_its_batches(s, batches, momentum, **state):
    layer = after_training(s, batches, momentum, state)
    layer.eval()
    layer(tensor(batches[0]))
    return {"num_batches_tracked": np.array(int(layer.num_batches_tracked))}


@counts_its_batches.inputs
def _(rng):
    return training_inputs(rng)


@probe("BatchNorm", cases=2)
def normalizes_with_the_running_statistics_in_evaluation(s, x, **state):
    return {"y": loaded(s, **state).eval()(tensor(x))}


@normalizes_with_the_running_statistics_in_evaluation.inputs
def _(rng):
    return {"x": image_inputs(rng)["x"], **state(rng, 5)}


@probe("BatchNorm", cases=2)
def leaves_its_statistics_alone_in_evaluation(s, x, **state):
    layer = loaded(s, **state).eval()
    layer(tensor(x))
    return {"running_mean": layer.running_mean, "running_var": layer.running_var}


@leaves_its_statistics_alone_in_evaluation.inputs
def _(rng):
    return {"x": image_inputs(rng)["x"], **state(rng, 5)}


@probe("BatchNorm", cases=1)
def starts_as_the_layer_of_the_library_starts(s, num_features):
    layer = s.BatchNorm(num_features)
    names = ("weight", "bias", "running_mean", "running_var")
    return {name: getattr(layer, name) for name in names}


@starts_as_the_layer_of_the_library_starts.inputs
def _(rng):
    return {"num_features": 4}


@probe("BatchNorm", cases=1)
def keeps_its_tensors_where_the_library_keeps_them(s, num_features):
    layer = s.BatchNorm(num_features)
    names = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    saved, trained = set(layer.state_dict()), {name for name, _ in layer.named_parameters()}
    found = {f"{name}_is_in_state_dict": np.array(name in saved) for name in names}
    return found | {f"{name}_is_a_parameter": np.array(name in trained) for name in names}


@keeps_its_tensors_where_the_library_keeps_them.inputs
def _(rng):
    return {"num_features": 4}


@probe("BatchNorm", cases=1)
def keeps_no_graph_from_batch_to_batch(s, x, **state):
    layer = loaded(s, **state)
    layer(tensor(x).clone().requires_grad_(True))
    return requires_gradients(running_mean=layer.running_mean, running_var=layer.running_var)


@keeps_no_graph_from_batch_to_batch.inputs
def _(rng):
    return {"x": batch(rng, 7, 4), **state(rng, 4)}


@probe("BatchNorm", cases=2, hidden=True)
def passes_gradients_to_its_input_and_parameters(s, x, dout, **state):
    layer = loaded(s, **state)
    leaf = tensor(x).clone().requires_grad_(True)
    layer(leaf).backward(tensor(dout))
    return {"x.grad": leaf.grad, "weight.grad": layer.weight.grad, "bias.grad": layer.bias.grad}


@passes_gradients_to_its_input_and_parameters.inputs
def _(rng):
    return {"x": batch(rng, 7, 4), "dout": upstream(rng, 7, 4), **state(rng, 4)}


def function_inputs(rng):
    return {**layer_inputs(rng, 7, 4), "dout": upstream(rng, 7, 4)}


def function_gradients(s, x, gamma, beta, eps, dout):
    leaves = [t.clone().requires_grad_(True) for t in tensors(x, gamma, beta)]
    s.BatchNormFunction.apply(*leaves, eps).backward(tensor(dout))
    return [leaf.grad for leaf in leaves]


@probe("BatchNormFunction")
def returns_the_normalized_batch(s, x, gamma, beta, eps):
    return {"y": s.BatchNormFunction.apply(*tensors(x, gamma, beta), eps)}


@returns_the_normalized_batch.inputs
def _(rng):
    return layer_inputs(rng, 7, 4)


@probe("BatchNormFunction")
def returns_the_gradient_of_the_input(s, **inputs):
    return {"dx": function_gradients(s, **inputs)[0]}


@returns_the_gradient_of_the_input.inputs
def _(rng):
    return function_inputs(rng)


@probe("BatchNormFunction", cases=2)
def returns_the_gradient_of_gamma(s, **inputs):
    return {"dgamma": function_gradients(s, **inputs)[1]}


@returns_the_gradient_of_gamma.inputs
def _(rng):
    return function_inputs(rng)


@probe("BatchNormFunction", cases=2)
def returns_the_gradient_of_beta(s, **inputs):
    return {"dbeta": function_gradients(s, **inputs)[2]}


@returns_the_gradient_of_beta.inputs
def _(rng):
    return function_inputs(rng)


@probe("BatchNormFunction", cases=1)
def is_passed_by_gradcheck(s, x, gamma, beta, eps):
    import torch

    leaves = [t.clone().requires_grad_(True) for t in tensors(x, gamma, beta)]
    passed = torch.autograd.gradcheck(
        lambda *args: s.BatchNormFunction.apply(*args, eps), leaves, raise_exception=False
    )
    return {"gradcheck_passes": np.array(passed)}


@is_passed_by_gradcheck.inputs
def _(rng):
    return layer_inputs(rng, 4, 3)


def kept_in_numpy(rng):
    return {
        "momentum": float(rng.uniform(0.8, 0.95)),
        "running_var": rng.uniform(0.3, 5, 4),
        "n": int(rng.integers(3, 9)),
    }


@probe("convert_to_torch")
def converts_momentum(s, momentum, running_var, n):
    converted, _var = s.convert_to_torch(momentum, tensor(running_var), n)
    return {"momentum": converted}


@converts_momentum.inputs
def _(rng):
    return kept_in_numpy(rng)


@probe("convert_to_torch")
def converts_the_running_variance(s, momentum, running_var, n):
    _momentum, converted = s.convert_to_torch(momentum, tensor(running_var), n)
    return {"running_var": converted}


@converts_the_running_variance.inputs
def _(rng):
    return kept_in_numpy(rng)


def folding_inputs(rng, *shape):
    out = shape[0]
    bn_weight, bn_bias = scale_and_shift(rng, out)
    return {
        "weight": rng.normal(size=shape),
        "bias": rng.normal(1, 0.5, out),
        "bn_weight": bn_weight,
        "bn_bias": bn_bias,
        "running_mean": rng.normal(-1, 2, out),
        "running_var": rng.uniform(0.1, 3, out),
        "eps": visible_eps(rng),
    }


def folded(s, eps, bias, **arrays):
    given = {name: tensor(a) for name, a in arrays.items()}
    return s.fold_batchnorm(bias=None if bias is None else tensor(bias), eps=eps, **given)


@probe("fold_batchnorm")
def scales_the_weight_of_a_linear_layer(s, **inputs):
    weight, _bias = folded(s, **inputs)
    return {"weight": weight}


@scales_the_weight_of_a_linear_layer.inputs
def _(rng):
    return folding_inputs(rng, 4, 3)


@probe("fold_batchnorm")
def moves_the_constants_into_the_bias(s, **inputs):
    _weight, bias = folded(s, **inputs)
    return {"bias": bias}


@moves_the_constants_into_the_bias.inputs
def _(rng):
    return folding_inputs(rng, 4, 3)


@probe("fold_batchnorm", cases=2)
def folds_into_a_convolution(s, **inputs):
    weight, bias = folded(s, **inputs)
    return {"weight": weight, "bias": bias}


@folds_into_a_convolution.inputs
def _(rng):
    return folding_inputs(rng, 4, 3, 2, 5)


@probe("fold_batchnorm", cases=2)
def folds_into_a_layer_without_bias(s, **inputs):
    weight, bias = folded(s, **inputs)
    return {"weight": weight, "bias": bias}


@folds_into_a_layer_without_bias.inputs
def _(rng):
    return {**folding_inputs(rng, 4, 3), "bias": None}


def frozen(s, width):
    """A small network in training mode, with layers inside of layers, after freezing.

    Each layer has the name of its class."""
    from torch import nn

    def named(*layers):
        return nn.Sequential(OrderedDict((type(layer).__name__, layer) for layer in layers))

    block = named(nn.Conv2d(2, width, 3), nn.BatchNorm2d(width), nn.ReLU())
    model = named(block, nn.Flatten(), nn.Linear(width, 3), nn.BatchNorm1d(3), nn.Dropout(0.2))
    s.freeze_batchnorm(model.train())
    return model


def last_name(path):
    """Of "Sequential.BatchNorm2d": the class."""
    return path.split(".")[-1] or "model"


@probe("freeze_batchnorm", cases=1)
def stops_the_statistics_of_these_layers_only(s, width):
    layers = frozen(s, width).named_modules()
    return {f"{last_name(path)}_is_in_training_mode": np.array(layer.training) for path, layer in layers}


@stops_the_statistics_of_these_layers_only.inputs
def _(rng):
    return {"width": 4}


@probe("freeze_batchnorm", cases=1)
def stops_the_parameters_of_these_layers_only(s, width):
    parameters = frozen(s, width).named_parameters()
    return requires_gradients(**{path.removeprefix("Sequential."): p for path, p in parameters})


@stops_the_parameters_of_these_layers_only.inputs
def _(rng):
    return {"width": 4}
