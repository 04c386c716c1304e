import numpy as np
from autograder import probe


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


@probe("LayerNorm", cases=2)
def normalizes_the_last_axis(s, x, eps, **parameters):
    return in_both_modes(holding(s.LayerNorm(x.shape[-1], eps=eps), **parameters), x)


@probe("LayerNorm", cases=2)
def normalizes_as_many_axes_as_its_shape_has(s, x, shape, eps, **parameters):
    return {"y": holding(s.LayerNorm(list(shape), eps=eps), **parameters)(tensor(x))}


@probe("LayerNorm", cases=1)
def starts_with_parameters_of_its_shape(s, shape):
    return kept_by(s.LayerNorm(tuple(shape)), ("weight", "bias"))


@probe("LayerNorm", cases=1)
def passes_all_gradients_of_the_last_axes(s, x, dout, eps, **parameters):
    return all_gradients(holding(s.LayerNorm(x.shape[1:], eps=eps), **parameters), x, dout)


@probe("GroupNorm", cases=2)
def normalizes_neighbouring_channels(s, x, groups, eps, **parameters):
    return in_both_modes(holding(s.GroupNorm(groups, x.shape[1], eps=eps), **parameters), x)


@probe("GroupNorm", cases=1)
def refuses_channels_that_cannot_be_shared_out(s, uneven_channels, channels, groups):
    fits = refusal(lambda: s.GroupNorm(groups, channels))["raises_a_ValueError"]
    said = refusal(lambda: s.GroupNorm(groups, uneven_channels), numbers=(uneven_channels, groups))
    return said | {"refuses_what_fits": fits}


@probe("GroupNorm", cases=1)
def starts_with_parameters_per_channel(s, groups, channels):
    return kept_by(s.GroupNorm(groups, channels), ("weight", "bias"))


@probe("GroupNorm", cases=1)
def passes_all_gradients_of_the_groups(s, x, dout, groups, eps, **parameters):
    return all_gradients(holding(s.GroupNorm(groups, x.shape[1], eps=eps), **parameters), x, dout)


@probe("InstanceNorm", cases=2)
def normalizes_each_channel_by_itself(s, x, eps, **parameters):
    return in_both_modes(holding(s.InstanceNorm(x.shape[1], eps=eps), **parameters), x)


@probe("InstanceNorm", cases=1)
def refuses_maps_of_one_pixel_in_both_modes(s, pixels):
    layer, x = s.InstanceNorm(pixels.shape[1]).double(), tensor(pixels)
    found = refusal(lambda: layer(x), "_in_training")
    layer.eval()
    return found | refusal(lambda: layer(x), "_in_evaluation")


@probe("InstanceNorm", cases=1)
def goes_on_with_one_row_or_one_column(s, x, eps, **parameters):
    layer = holding(s.InstanceNorm(x.shape[1], eps=eps), **parameters)
    return {"row": layer(tensor(x[:, :, :1])), "column": layer(tensor(x[:, :, :, :1]))}


@probe("InstanceNorm", cases=1)
def goes_on_with_one_image(s, x, eps, **parameters):
    return {"y": holding(s.InstanceNorm(x.shape[1], eps=eps), **parameters)(tensor(x[:1]))}


@probe("InstanceNorm", cases=1)
def goes_on_with_one_channel(s, x, eps, **parameters):
    return {"y": holding(s.InstanceNorm(1, eps=eps), **parameters)(tensor(x))}


@probe("InstanceNorm", cases=1)
def goes_on_with_a_channel_of_one_colour(s, x, eps, **parameters):
    return {"y": holding(s.InstanceNorm(x.shape[1], eps=eps), **parameters)(tensor(x))}


@probe("InstanceNorm", cases=1)
def passes_all_gradients_of_the_maps(s, x, dout, eps, **parameters):
    return all_gradients(holding(s.InstanceNorm(x.shape[1], eps=eps), **parameters), x, dout)


@probe("InstanceNorm", cases=1)
def starts_with_a_weight_and_a_bias_per_channel(s, channels):
    return kept_by(s.InstanceNorm(channels), ("weight", "bias"))


def of_group_norm(s, dout, x, gamma, beta, groups, eps):
    leaves = [leaf(a) for a in (x, gamma, beta)]
    s.GroupNormFunction.apply(*leaves, groups, eps).backward(tensor(dout))
    return {name: at.grad for name, at in zip(("dx", "dgamma", "dbeta"), leaves, strict=True)}


@probe("GroupNormFunction", cases=2)
def normalizes_forward(s, x, gamma, beta, groups, eps):
    return {"y": s.GroupNormFunction.apply(tensor(x), tensor(gamma), tensor(beta), groups, eps)}


@probe("GroupNormFunction", cases=2)
def returns_the_gradient_of_x(s, **given):
    return {"dx": of_group_norm(s, **given)["dx"]}


@probe("GroupNormFunction", cases=2)
def returns_the_gradients_of_gamma_and_beta(s, **given):
    found = of_group_norm(s, **given)
    return {"dgamma": found["dgamma"], "dbeta": found["dbeta"]}


@probe("GroupNormFunction", cases=1)
def leaves_what_it_is_given_alone(s, dout, x, gamma, beta, groups, eps):
    given = {"x": leaf(x), "gamma": leaf(gamma), "beta": leaf(beta)}
    above = tensor(dout)
    s.GroupNormFunction.apply(*given.values(), groups, eps).backward(above)
    return {**given, "dout": above}


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


@probe("replace_batchnorm", cases=2)
def computes_with_groups_of_the_same_gamma_and_beta(s, numbers, x, groups, eps):
    return {"y": s.replace_batchnorm(batch_normalized(numbers, eps), groups)(tensor(x))}


@probe("replace_batchnorm", cases=1)
def takes_the_greatest_common_divisor(s, numbers, x, groups, eps):
    model = s.replace_batchnorm(batch_normalized(numbers, eps), groups)
    from torch import nn

    found = [m.num_groups for m in norms_in(model) if isinstance(m, nn.GroupNorm)]
    return {"num_groups": np.array(found, dtype=int), "y": model(tensor(x))}


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


@probe("replace_batchnorm", cases=1)
def leaves_other_layers_as_they_are(s, groups):
    from torch import nn

    old = nn.Sequential(nn.BatchNorm1d(6), nn.BatchNorm2d(6), nn.Dropout(), nn.Dropout().eval())
    model = s.replace_batchnorm(old, groups)
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm, nn.Dropout)
    found = {kind.__name__: np.array(sum(isinstance(m, kind) for m in model.modules())) for kind in kinds}
    modes = [m.training for m in model.modules() if not isinstance(m, kinds[1:3])]
    return found | {"training_of_model_and_other_layers": np.array(modes)}


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


@probe("depends_on_batch", cases=1)
def tells_the_layers_of_pytorch_apart(s, x):
    kinds = ("batch_norm_in_training", "batch_norm_in_evaluation", "batch_norm_in_a_block")
    return answer_on(s, (*kinds, "layer_norm", "group_norm", "no_norm"), x)


@probe("depends_on_batch", cases=1)
def measures_layers_that_it_has_never_seen(s, x):
    whole = (f"less_the_{what}_of_the_batch" for what in ("mean", "largest", "sum"))
    return answer_on(s, (*whole, "less_the_example_before"), x)


@probe("depends_on_batch", cases=1)
def tells_a_small_dependence_from_rounding(s, x):
    return answer_on(s, ("less_a_little_of_the_sum", "innocent_up_to_rounding"), x)


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


def whitening_layer(s, D, eps, steps=3, momentum=0.1, **arrays):
    return holding(s.DecorrelatedBatchNorm(D, eps=eps, steps=steps, momentum=momentum), **arrays)


@probe("DecorrelatedBatchNorm", cases=2)
def whitens_a_batch_in_training(s, x, eps, steps, **parameters):
    return {"y": whitening_layer(s, x.shape[1], eps, steps, **parameters)(tensor(x))}


def after_two_batches(s, x, other, eps, momentum, **parameters):
    layer = whitening_layer(s, x.shape[1], eps, momentum=momentum, **parameters)
    for batch in (x, other):
        layer(leaf(batch))
    return layer


@probe("DecorrelatedBatchNorm", cases=2)
def keeps_a_running_mean_and_a_running_matrix(s, **given):
    layer = after_two_batches(s, **given)
    return {"running_mean": layer.running_mean, "running_matrix": layer.running_matrix}


@probe("DecorrelatedBatchNorm", cases=1)
def has_buffers_that_remember_no_graph(s, **given):
    layer = after_two_batches(s, **given)
    names = ("running_mean", "running_matrix")
    return {f"{name}_requires_a_gradient": fact(getattr(layer, name).requires_grad) for name in names}


@probe("DecorrelatedBatchNorm", cases=1)
def uses_its_buffers_in_evaluation_and_keeps_them(s, x, eps, **state):
    layer = whitening_layer(s, x.shape[1], eps, **state).eval()
    y = layer(tensor(x))
    return {"y": y, "running_mean": layer.running_mean, "running_matrix": layer.running_matrix}


@probe("DecorrelatedBatchNorm", cases=1)
def starts_with_the_identity(s, D):
    found = kept_by(s.DecorrelatedBatchNorm(D), ("weight", "bias"), ("running_mean", "running_matrix"))
    return found


@probe("DecorrelatedBatchNorm", cases=2)
def passes_gradients_through_the_iteration(s, x, dout, eps, **parameters):
    return all_gradients(whitening_layer(s, x.shape[1], eps, **parameters), x, dout)


@probe("DecorrelatedBatchNorm", cases=1)
def works_where_its_input_is(s, shape):
    def make():
        return s.DecorrelatedBatchNorm(shape[1])

    modes = {"training": True, "evaluation": False}
    return {f"on_another_device_in_{m}": computes_where_x_is(make, shape, on) for m, on in modes.items()}


def weight_normalized(s, v, g, bias):
    return holding(s.WeightNormLinear(v.shape[1], v.shape[0]), v=v, g=g, bias=bias)


@probe("WeightNormLinear", cases=2)
def multiplies_by_rows_of_length_g(s, x, v, g, bias):
    return {"y": weight_normalized(s, v, g, bias)(tensor(x))}


@probe("WeightNormLinear", cases=1)
def passes_gradients_to_directions_and_lengths(s, x, dout, v, g, bias):
    return all_gradients(weight_normalized(s, v, g, bias), x, dout, ("v", "g", "bias"))


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
