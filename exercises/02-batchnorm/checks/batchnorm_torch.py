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


def batches(rng, sizes, D):
    """Batches that drift, so that their order matters."""
    first = batch(rng, 3, D)[:1]
    return [first * (1 + t) + rng.normal(size=(n, D)) * np.arange(1, D + 1) for t, n in enumerate(sizes)]


def tensor(array):
    """A tensor that shares the array's memory, so that a change in place is seen."""
    import torch

    return torch.as_tensor(array)


def tensors(*arrays):
    return [tensor(a) for a in arrays]


@probe("batchnorm_train")
def normalizes_each_feature_of_the_batch(s, x, gamma, beta, eps):
    return {"y": s.batchnorm_train(*tensors(x, gamma, beta), eps)}


@probe("batchnorm_train")
def normalizes_each_channel_of_the_images(s, x, gamma, beta, eps):
    return {"y": s.batchnorm_train(*tensors(x, gamma, beta), eps)}


@probe("batchnorm_train", cases=2)
def lets_gradients_through_the_statistics(s, x, gamma, beta, eps, dout):
    leaf = tensor(x).clone().requires_grad_(True)
    s.batchnorm_train(leaf, *tensors(gamma, beta), eps).backward(tensor(dout))
    return {"x.grad": leaf.grad}


@probe("batchnorm_train", cases=2)
def survives_a_mean_far_from_zero_in_float32(s, x, gamma, beta):
    y = s.batchnorm_train(*tensors(x, gamma, beta), 1e-5)
    spread = y.detach().double().std(dim=0, correction=0) / tensor(gamma).double().abs()
    return {"standard_deviation_of_x_hat_is_one": np.array(((spread - 1).abs() < 0.1).all().item())}


@probe("batchnorm_train", cases=1)
def stays_on_the_device_of_its_input(s, shape):
    import torch

    x = torch.empty(*shape, device="meta")  # a device that computes shapes only
    parameter = torch.empty(shape[1], device="meta")
    y = s.batchnorm_train(x, parameter, parameter, 0.05)
    return {"shape": np.array(y.shape), "y_is_on_the_device_of_x": np.array(y.device == x.device)}


@probe("update_running")
def mixes_the_mean_of_the_batch_into_the_running_mean(s, running_mean, running_var, x, momentum):
    mean, _var = s.update_running(*tensors(running_mean, running_var, x), momentum)
    return {"running_mean": mean}


@probe("update_running")
def mixes_the_variance_of_the_batch_into_the_running_variance(s, running_mean, running_var, x, momentum):
    _mean, var = s.update_running(*tensors(running_mean, running_var, x), momentum)
    return {"running_var": var}


@probe("update_running")
def counts_all_pixels_of_a_channel(s, running_mean, running_var, x, momentum):
    mean, var = s.update_running(*tensors(running_mean, running_var, x), momentum)
    return {"running_mean": mean, "running_var": var}


def requires_gradients(**tensors):
    return {f"{name}_requires_a_gradient": np.array(t.requires_grad) for name, t in tensors.items()}


@probe("update_running", cases=1)
def remembers_no_graph(s, running_mean, running_var, x, momentum):
    leaf = tensor(x).clone().requires_grad_(True)
    mean, var = s.update_running(*tensors(running_mean, running_var), leaf, momentum)
    return requires_gradients(running_mean=mean, running_var=var)


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


@probe("BatchNorm", cases=2)
def normalizes_images_in_training(s, x, **state):
    return {"y": loaded(s, **state)(tensor(x))}


def after_training(s, batches, momentum, state):
    layer = loaded(s, **state, momentum=momentum)
    for x in batches:
        layer(tensor(x))
    return layer


@probe("BatchNorm", cases=2)
def keeps_the_running_mean_of_its_batches(s, batches, momentum, **state):
    return {"running_mean": after_training(s, batches, momentum, state).running_mean}


@probe("BatchNorm", cases=2)
def keeps_the_running_variance_of_its_batches(s, batches, momentum, **state):
    return {"running_var": after_training(s, batches, momentum, state).running_var}


@probe("BatchNorm", cases=1)
def counts_its_batches(s, batches, momentum, **state):
    layer = after_training(s, batches, momentum, state)
    layer.eval()
    layer(tensor(batches[0]))
    return {"num_batches_tracked": np.array(int(layer.num_batches_tracked))}


@probe("BatchNorm", cases=2)
def normalizes_with_the_running_statistics_in_evaluation(s, x, **state):
    return {"y": loaded(s, **state).eval()(tensor(x))}


@probe("BatchNorm", cases=2)
def leaves_its_statistics_alone_in_evaluation(s, x, **state):
    layer = loaded(s, **state).eval()
    layer(tensor(x))
    return {"running_mean": layer.running_mean, "running_var": layer.running_var}


@probe("BatchNorm", cases=1)
def starts_as_the_layer_of_the_library_starts(s, num_features):
    layer = s.BatchNorm(num_features)
    names = ("weight", "bias", "running_mean", "running_var")
    return {name: getattr(layer, name) for name in names}


@probe("BatchNorm", cases=1)
def keeps_its_tensors_where_the_library_keeps_them(s, num_features):
    layer = s.BatchNorm(num_features)
    names = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    saved, trained = set(layer.state_dict()), {name for name, _ in layer.named_parameters()}
    found = {f"{name}_is_in_state_dict": np.array(name in saved) for name in names}
    return found | {f"{name}_is_a_parameter": np.array(name in trained) for name in names}


@probe("BatchNorm", cases=1)
def keeps_no_graph_from_batch_to_batch(s, x, **state):
    layer = loaded(s, **state)
    layer(tensor(x).clone().requires_grad_(True))
    return requires_gradients(running_mean=layer.running_mean, running_var=layer.running_var)


def function_gradients(s, x, gamma, beta, eps, dout):
    leaves = [t.clone().requires_grad_(True) for t in tensors(x, gamma, beta)]
    s.BatchNormFunction.apply(*leaves, eps).backward(tensor(dout))
    return [leaf.grad for leaf in leaves]


@probe("BatchNormFunction")
def returns_the_normalized_batch(s, x, gamma, beta, eps):
    return {"y": s.BatchNormFunction.apply(*tensors(x, gamma, beta), eps)}


@probe("BatchNormFunction")
def returns_the_gradient_of_the_input(s, **inputs):
    return {"dx": function_gradients(s, **inputs)[0]}


@probe("BatchNormFunction", cases=2)
def returns_the_gradient_of_gamma(s, **inputs):
    return {"dgamma": function_gradients(s, **inputs)[1]}


@probe("BatchNormFunction", cases=2)
def returns_the_gradient_of_beta(s, **inputs):
    return {"dbeta": function_gradients(s, **inputs)[2]}


@probe("BatchNormFunction", cases=1)
def is_passed_by_gradcheck(s, x, gamma, beta, eps):
    import torch

    leaves = [t.clone().requires_grad_(True) for t in tensors(x, gamma, beta)]
    passed = torch.autograd.gradcheck(
        lambda *args: s.BatchNormFunction.apply(*args, eps), leaves, raise_exception=False
    )
    return {"gradcheck_passes": np.array(passed)}


@probe("convert_to_torch")
def converts_momentum(s, momentum, running_var, n):
    converted, _var = s.convert_to_torch(momentum, tensor(running_var), n)
    return {"momentum": converted}


@probe("convert_to_torch")
def converts_the_running_variance(s, momentum, running_var, n):
    _momentum, converted = s.convert_to_torch(momentum, tensor(running_var), n)
    return {"running_var": converted}


def folded(s, eps, bias, **arrays):
    given = {name: tensor(a) for name, a in arrays.items()}
    return s.fold_batchnorm(bias=None if bias is None else tensor(bias), eps=eps, **given)


@probe("fold_batchnorm")
def scales_the_weight_of_a_linear_layer(s, **inputs):
    weight, _bias = folded(s, **inputs)
    return {"weight": weight}


@probe("fold_batchnorm")
def moves_the_constants_into_the_bias(s, **inputs):
    _weight, bias = folded(s, **inputs)
    return {"bias": bias}


@probe("fold_batchnorm", cases=2)
def folds_into_a_convolution(s, **inputs):
    weight, bias = folded(s, **inputs)
    return {"weight": weight, "bias": bias}


@probe("fold_batchnorm", cases=2)
def folds_into_a_layer_without_bias(s, **inputs):
    weight, bias = folded(s, **inputs)
    return {"weight": weight, "bias": bias}


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


@probe("freeze_batchnorm", cases=1)
def stops_the_parameters_of_these_layers_only(s, width):
    parameters = frozen(s, width).named_parameters()
    return requires_gradients(**{path.removeprefix("Sequential."): p for path, p in parameters})
