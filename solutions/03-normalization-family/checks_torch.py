"""What the checks ask of the PyTorch notebook, and the inputs they ask it on.

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


def group_backward_inputs(rng):
    return {**backward_inputs(rng, 4, 6, 5, 2), "groups": int(rng.choice([2, 3]))}


def correlated(rng, N, D):
    """Examples of features that are correlated, of different scales and off centre."""
    turn = np.linalg.qr(rng.normal(size=(D, D)))[0]
    spread = turn * rng.permutation(np.geomspace(0.5, 2.5, D))
    return rng.normal(size=(N, D)) @ spread @ turn.T + rng.permutation(np.linspace(-2, 3, D))


def some_covariance(rng, D, condition=6.0):
    turn = np.linalg.qr(rng.normal(size=(D, D)))[0]
    size = rng.uniform(9, 12)
    return (turn * np.geomspace(size, size / condition, D)) @ turn.T


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
