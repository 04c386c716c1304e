"""What the checks ask of the PyTorch notebook, and the inputs they ask it on.

Inputs: all axes of different lengths, features whose means are far from 0 and whose scales differ, labels out
of order with classes of different sizes, a weight decay that shows."""

import numpy as np

from autograder import probe


def returned(found, *names):
    """By name, what a function returned; where it is not so many things, an error that says what came."""
    expected = f"{('two', 'three')[len(names) - 2]} things were expected ({', '.join(names)})"
    if found is None:
        raise TypeError(f"{expected}, None was returned: is a `return` missing?")
    if not isinstance(found, (tuple, list)):
        raise TypeError(f"{expected}, one {'array' if np.ndim(found) else 'number'} was returned")
    if len(found) != len(names):
        raise ValueError(f"{expected}, {len(found)} were returned")
    return dict(zip(names, found, strict=True))


def tensor(array):
    """A tensor with memory of its own: training changes things in place."""
    import torch

    return torch.tensor(array)


def fact(value):
    return np.array(bool(value))


ROUNDING = 1e-7  # the order of sums is free


def filled(module, numbers):
    """The module in 64 bits with these numbers in all parameters and buffers, one after the other.

    Parameters require gradients. Variances and scales are positive."""
    import torch

    module = module.double().requires_grad_(True)
    at = 0
    with torch.no_grad():
        for name, values in module.state_dict().items():
            if values.dtype == torch.float64:
                own = tensor(numbers[at : at + values.numel()]).reshape(values.shape)
                values.copy_(own.abs() + 0.3 if "running_var" in name else own)
                at += values.numel()
    return module


def numbers_for(rng, count=160):
    """Numbers of both signs, none of them small."""
    return rng.choice([-1, 1], count) * rng.uniform(0.3, 1.2, count)


def staged_backbone(numbers):
    """Stages (stem, middle, drop, last, pool) from images (N, 2, H, W) to features (N, 5).

    A batch norm inside of a block, and a dropout that, awake, lets nothing through: no luck in it."""
    from collections import OrderedDict

    from torch import nn

    block = nn.Sequential(nn.BatchNorm2d(4), nn.Tanh())
    stages = OrderedDict(
        stem=nn.Sequential(nn.Conv2d(2, 3, 2, bias=False), nn.BatchNorm2d(3), nn.Tanh()),
        middle=nn.Sequential(nn.Conv2d(3, 4, 2), block),
        drop=nn.Dropout(1.0),
        last=nn.Sequential(nn.Conv2d(4, 5, 1), nn.BatchNorm2d(5)),
        pool=nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )
    return filled(nn.Sequential(stages), numbers)


def flat(values):
    """All numbers of all tensors, one after the other."""
    import torch

    found = [v.detach().double().flatten().cpu() for v in values]
    return torch.cat(found) if found else torch.zeros(0)


def statistics(module):
    """Running means and variances of all batch norms."""
    return flat(v for name, v in module.named_buffers() if "running" in name)


def asking(parameters):
    """Which of the parameters require a gradient."""
    return np.array([p.requires_grad for p in parameters])


def modes_of(module):
    return np.array([part.training for part in module.modules()])


def with_gradients(function):
    """Asks with gradients on, and puts the switch back: code that turned it off spoils no other probe."""
    import functools

    @functools.wraps(function)
    def ask(*arguments, **named):
        import torch

        with torch.enable_grad():
            return function(*arguments, **named)

    return ask


def some_images(rng, N=5, C=2, H=4, W=5):
    """Images (N, C, H, W), brighter from one to the next."""
    return rng.normal(size=(N, C, H, W)) + np.linspace(-1, 1.5, N)[:, None, None, None]


@probe("FrozenBackbone", cases=2, rtol=ROUNDING)
@with_gradients
def gives_the_features_of_evaluation_mode_in_every_mode(s, numbers, images):
    from torch import nn

    frozen = s.FrozenBackbone(staged_backbone(numbers))
    model = nn.Sequential(frozen, nn.Linear(5, 3).double())
    found = {"features": frozen(tensor(images))}
    found["features_after_train_of_the_model"] = model.train()[0](tensor(images))
    found["features_after_eval_of_the_model"] = model.eval()[0](tensor(images))
    return found


@gives_the_features_of_evaluation_mode_in_every_mode.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "images": some_images(rng)}


@probe("FrozenBackbone", cases=1, rtol=ROUNDING)
@with_gradients
def leaves_running_statistics_alone(s, numbers, images):
    from torch import nn

    backbone = staged_backbone(numbers)
    model = nn.Sequential(s.FrozenBackbone(backbone))
    model(tensor(images))
    new = statistics(model)
    for _ in range(2):
        model.train()
        model(tensor(images))
    return {
        "batch_norms_in_the_wrapper": sum(hasattr(part, "running_mean") for part in model.modules()),
        "running_statistics_of_the_new_wrapper": new,
        "running_statistics_after_train": statistics(model),
    }


@leaves_running_statistics_alone.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "images": some_images(rng)}


@probe("FrozenBackbone", cases=1)
@with_gradients
def asks_for_no_gradient(s, numbers, images):
    import torch

    frozen = s.FrozenBackbone(staged_backbone(numbers))
    features = frozen(tensor(images))
    found = {
        "number_of_parameters": len(list(frozen.parameters())),
        "features_have_a_graph": fact(features.requires_grad),
        "features_are_made_in_inference_mode": fact(features.is_inference()),
        "gradients_are_on_afterwards": fact(torch.is_grad_enabled()),
    }
    for kind in ("Conv2d", "BatchNorm2d"):
        layers = [part for part in frozen.modules() if type(part).__name__ == kind]
        for name in ("weight", "bias"):
            own = [getattr(layer, name) for layer in layers if getattr(layer, name) is not None]
            found[f"{kind}_{name}s_that_require_a_gradient"] = int(asking(own).sum())
    behind_a_layer = frozen(tensor(images).requires_grad_(True))
    frozen.train()
    return {
        **found,
        "features_of_images_with_a_graph_have_one": fact(behind_a_layer.requires_grad),
        "parameters_that_require_a_gradient_after_train": int(asking(frozen.parameters()).sum()),
    }


@asks_for_no_gradient.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "images": some_images(rng, 3)}


@probe("FrozenBackbone", cases=1, rtol=ROUNDING)
@with_gradients
def stays_as_it_is_while_a_head_is_trained(s, numbers, images, douts, weight, lr, weight_decay):
    """Two steps of an optimizer that has all parameters, with momentum, weight decay and zeroed gradients."""
    import torch
    from torch import nn

    frozen = s.FrozenBackbone(staged_backbone(numbers))
    head = nn.Linear(5, 3).double()
    with torch.no_grad():
        head.weight.copy_(tensor(weight))
        head.bias.zero_()
    model = nn.Sequential(frozen, head).train()
    settings = {"lr": lr, "momentum": 0.7, "weight_decay": weight_decay}
    optimizer = torch.optim.SGD(model.parameters(), **settings)
    for dout in douts:
        optimizer.zero_grad(set_to_none=False)
        model(tensor(images)).backward(tensor(dout))
        optimizer.step()
    return {
        "numbers_of_the_backbone": flat(frozen.state_dict().values()),
        "weights_of_the_head": flat(head.parameters()),
    }


@stays_as_it_is_while_a_head_is_trained.inputs
def _(rng):
    return {
        "numbers": numbers_for(rng),
        "images": some_images(rng),
        "douts": rng.normal(size=(2, 5, 3)),
        "weight": rng.normal(size=(3, 5)),
        "lr": 0.1,
        "weight_decay": 0.2,
    }


@probe("FrozenBackbone", cases=1)
@with_gradients
def returns_itself_and_keeps_the_backbone_in_evaluation_mode(s, numbers, images):
    frozen = s.FrozenBackbone(staged_backbone(numbers))
    found = {
        "train_returns_the_module": fact(frozen.train() is frozen),
        "train_of_False_returns_the_module": fact(frozen.train(False) is frozen),
        "eval_returns_the_module": fact(frozen.eval() is frozen),
    }
    frozen.train()
    awake = modes_of(frozen.backbone).sum()
    frozen(tensor(images))
    awake = max(awake, modes_of(frozen.backbone).sum())
    return {**found, "modules_of_the_backbone_in_training_mode": int(awake)}


@returns_itself_and_keeps_the_backbone_in_evaluation_mode.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "images": some_images(rng, 3)}


@probe("FrozenBackbone", cases=1)
@with_gradients
def moves_and_is_saved_with_the_model(s, numbers, images):
    import torch
    from torch import nn

    model = nn.Sequential(s.FrozenBackbone(staged_backbone(numbers)), nn.Linear(5, 3).double())
    saved = len(model.state_dict())
    narrow = model.float()(tensor(images).float())
    there = model.to("meta")(torch.empty(images.shape, device="meta"))
    return {
        "entries_of_the_state_dict": saved,
        "scores_of_32_bits_after_float": fact(narrow.dtype == torch.float32),
        "scores_are_on_the_device_of_the_model": fact(there.device.type == "meta"),
    }


@moves_and_is_saved_with_the_model.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "images": some_images(rng, 3)}


@probe("new_head", cases=2, rtol=1e-4)
def begins_with_zeros_and_learns_at_the_first_step(s, features, dout, later):
    """One step of the rate 1; weights that are drawn do not show in what the step changes."""
    import torch

    width, classes = features.shape[1], dout.shape[1]
    head = s.new_head(width, classes).double()
    x, x_later = tensor(features), tensor(later)
    before = head(x_later).detach()
    scores, of_nothing = head(x), head(torch.zeros_like(x))
    optimizer = torch.optim.SGD(head.parameters(), lr=1.0)
    scores.backward(tensor(dout))
    optimizer.step()
    return {
        "all_scores_are_0": fact((scores == 0).all()),
        "all_scores_of_features_of_0_are_0": fact((of_nothing == 0).all()),
        "scores_hang_on_the_features": fact((scores != of_nothing).any()),
        "classes_have_different_scores": fact((scores != scores[:, :1]).any()),
        "change_of_the_scores_in_one_step": head(x_later) - before,
        "parameters_that_require_a_gradient": int(asking(head.parameters()).sum()),
    }


@begins_with_zeros_and_learns_at_the_first_step.inputs
def _(rng):
    return {
        "features": rng.normal(0.5, 1, (5, 4)),
        "dout": rng.normal(size=(5, 3)),
        "later": rng.normal(0.5, 1, (6, 4)),
    }


@probe("new_head", cases=1)
def is_a_linear_layer_that_can_be_trained(s, width, classes):
    from torch import nn

    head = s.new_head(width, classes)
    parameters = list(head.parameters())
    return {
        "is_an_nn_Linear": fact(isinstance(head, nn.Linear)),
        "numbers_in_all_parameters": sum(p.numel() for p in parameters),
        "parameters_that_require_a_gradient": sum(p.requires_grad for p in parameters),
        "shape_of_the_first_parameter": np.array(parameters[0].shape),
    }


@is_a_linear_layer_that_can_be_trained.inputs
def _(rng):
    return {"width": int(rng.integers(5, 8)), "classes": int(rng.integers(2, 5))}


def listened(backbone):
    """The sizes of all batches that the backbone gets from now on."""
    sizes = []
    backbone.register_forward_pre_hook(lambda module, given: sizes.append(len(given[0])))
    return sizes


@probe("cache_features", cases=2, rtol=ROUNDING)
@with_gradients
def gives_the_features_of_every_image(s, numbers, images, batch_size):
    backbone = staged_backbone(numbers).eval()
    features = s.cache_features(backbone, tensor(images), batch_size)
    of_its_own = fact(np.asarray(features.detach().cpu()).dtype == np.float64)
    return {"features": features, "features_have_the_dtype_of_the_backbone": of_its_own}


@gives_the_features_of_every_image.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "images": some_images(rng, 7), "batch_size": 3}


@probe("cache_features", cases=1, rtol=ROUNDING)
@with_gradients
def takes_batches_of_any_size(s, numbers, images, whole, larger):
    backbone = staged_backbone(numbers).eval()
    return {
        "features_of_one_batch_of_all_images": s.cache_features(backbone, tensor(images), whole),
        "features_for_a_batch_size_beyond_N": s.cache_features(backbone, tensor(images), larger),
        "features_of_batches_of_one_image": s.cache_features(backbone, tensor(images), 1),
    }


@takes_batches_of_any_size.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "images": some_images(rng, 6), "whole": 6, "larger": 11}


@probe("cache_features", cases=1)
@with_gradients
def never_has_more_than_a_batch_at_a_time(s, numbers, images, batch_size):
    backbone = staged_backbone(numbers).eval()
    sizes = listened(backbone)
    s.cache_features(backbone, tensor(images), batch_size)
    return {
        "a_batch_was_larger_than_batch_size": fact(max(sizes, default=0) > batch_size),
        "images_beyond_the_batch_size": max(*sizes, batch_size) - batch_size,
        "images_that_the_backbone_saw": sum(sizes),
    }


@never_has_more_than_a_batch_at_a_time.inputs
def _(rng):
    """Three batches of these images are larger than three images."""
    return {"numbers": numbers_for(rng), "images": some_images(rng, 11), "batch_size": 3}


@probe("cache_features", cases=1)
@with_gradients
def keeps_the_order_of_the_images(s, numbers, light):
    """Images of one colour each, lighter from one to the next, and a backbone that hands on the colour."""
    import torch
    from torch import nn

    class Colour(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(tensor(numbers))

        def forward(self, images):
            return images.mean(dim=(2, 3)) * self.scale

    images = np.ones((len(light), 1, 2, 3)) * light[:, None, None, None]
    features = s.cache_features(nn.Sequential(Colour()).eval(), tensor(images), 4)
    backwards = torch.cat(features.sort(dim=0).values.split(4)[::-1])
    return {
        "rows_are_in_the_order_of_the_images": fact((features[1:] > features[:-1]).all()),
        "batches_are_in_the_opposite_order": fact(torch.equal(features, backwards)),
        "number_of_rows": len(features),
    }


@keeps_the_order_of_the_images.inputs
def _(rng):
    return {"numbers": rng.uniform(0.5, 2, 1), "light": np.linspace(0.1, 0.9, 13)}


@probe("cache_features", cases=1, rtol=ROUNDING)
@with_gradients
def computes_in_evaluation_mode(s, numbers, images, batch_size):
    backbone = staged_backbone(numbers).train()
    features = s.cache_features(backbone, tensor(images), batch_size)
    return {"features": features, "running_statistics_afterwards": statistics(backbone)}


@computes_in_evaluation_mode.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "images": some_images(rng, 7), "batch_size": 5}


@probe("cache_features", cases=1)
@with_gradients
def puts_every_module_of_the_backbone_back_into_its_mode(s, numbers, images, training):
    backbone = staged_backbone(numbers)
    for module, mode in zip(backbone.modules(), training, strict=True):
        module.training = bool(mode)
    s.cache_features(backbone, tensor(images), 4)
    mixed = modes_of(backbone)
    s.cache_features(backbone.eval(), tensor(images), 4)
    return {"modes_of_a_mixed_backbone": mixed, "modes_of_a_backbone_in_evaluation_mode": modes_of(backbone)}


@puts_every_module_of_the_backbone_back_into_its_mode.inputs
def _(rng):
    """The whole in training mode, a stage and a layer not; another stage not, but a layer in it."""
    training = np.ones(17, dtype=bool)
    training[[1, 3, 5, 9, 11]] = False
    return {"numbers": numbers_for(rng), "images": some_images(rng, 5), "training": training}


@probe("cache_features", cases=1, rtol=ROUNDING)
@with_gradients
def keeps_no_graph_and_leaves_training_possible(s, numbers, images, weight, dout):
    import torch

    backbone = staged_backbone(numbers).eval()
    features = s.cache_features(backbone, tensor(images), 4)
    on = torch.is_grad_enabled()
    with torch.enable_grad():
        with torch.no_grad():
            s.cache_features(backbone, tensor(images), 4)
            still_off = not torch.is_grad_enabled()
        inputs = features.clone() if features.is_inference() else features
        leaf = tensor(weight).to(inputs.dtype).requires_grad_(True)
        (inputs @ leaf).backward(tensor(dout).to(inputs.dtype))
    return {
        "features_are_made_in_inference_mode": fact(features.is_inference()),
        "features_have_a_graph": fact(features.grad_fn is not None),
        "features_require_a_gradient": fact(features.requires_grad),
        "gradients_are_on_afterwards": fact(on),
        "gradients_that_were_off_are_off_afterwards": fact(still_off),
        "parameters_that_require_a_gradient_afterwards": int(asking(backbone.parameters()).sum()),
        "gradient_of_a_head_on_the_features": leaf.grad,
    }


@keeps_no_graph_and_leaves_training_possible.inputs
def _(rng):
    return {
        "numbers": numbers_for(rng),
        "images": some_images(rng, 6),
        "weight": rng.normal(size=(5, 3)),
        "dout": rng.normal(size=(6, 3)),
    }


def refuse_to_move(*_, **__):
    raise ValueError("the backbone was to be moved to another device: it stays, the images travel")


@probe("cache_features", cases=1)
@with_gradients
def computes_on_the_device_of_the_backbone_and_stays_there(s, numbers, images):
    """The backbone is on a device that computes shapes only, as strict as a GPU; the images are not."""
    backbone = staged_backbone(numbers).to("meta").eval()
    backbone._apply = refuse_to_move
    features = s.cache_features(backbone, tensor(images), 4)
    return {
        "shape_of_the_features": np.array(features.shape),
        "features_are_on_the_device_of_the_backbone": fact(features.device.type == "meta"),
    }


@computes_on_the_device_of_the_backbone_and_stays_there.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "images": some_images(rng, 6)}


def staged_head(numbers):
    """A head of two parameters, not zero."""
    from torch import nn

    return filled(nn.Linear(5, 3), numbers)


def grouped(s, backbone, head, lr, decay):
    """The groups; TypeError in words where they are no list of dicts."""
    groups = s.parameter_groups(backbone, head, lr, decay)
    kind = type(groups).__name__
    if not isinstance(groups, list | tuple):
        raise TypeError(f"a list of dicts was expected, a {kind} was returned")
    others = [type(group).__name__ for group in groups if not isinstance(group, dict)]
    if others:
        raise TypeError(f"a list of dicts was expected, a {kind} with a {others[0]} in it was returned")
    return groups


def without_rate(groups):
    """How many groups would get an optimizer's default; to be asked before one has filled it in."""
    return {"groups_without_a_rate": sum("lr" not in group for group in groups)}


def rates(groups, module):
    """For each parameter the learning rate that an optimizer of these groups gives it; 0 if it has none."""
    import torch

    optimizer = torch.optim.SGD(groups, lr=1.0)
    rate = {id(p): float(group["lr"]) for group in optimizer.param_groups for p in group["params"]}
    return np.array([rate.get(id(p), 0.0) for p in module.parameters()])


@probe("parameter_groups", cases=2)
def gives_every_stage_its_rate(s, numbers, lr, decay):
    backbone, head = staged_backbone(numbers), staged_head(numbers)
    groups = grouped(s, backbone, head, lr, decay)
    bare = without_rate(groups)
    found = {f"rates_of_{name}": rates(groups, part) for name, part in backbone.named_children()}
    return {**bare, "rates_of_the_head": rates(groups, head), **found}


@gives_every_stage_its_rate.inputs
def _(rng):
    return {
        "numbers": numbers_for(rng),
        "lr": float(rng.uniform(0.2, 0.4)),
        "decay": float(rng.uniform(0.25, 0.4)),
    }


@probe("parameter_groups", cases=1)
def counts_all_stages_of_another_backbone(s, numbers, lr, decay):
    """Stages that are single layers, one without parameters at the start and one in the middle."""
    from torch import nn

    first, second = nn.Linear(2, 3), nn.Linear(3, 4, bias=False)
    layers = [nn.Tanh(), first, nn.BatchNorm1d(3), nn.ReLU(), second, nn.PReLU()]
    backbone = filled(nn.Sequential(*layers), numbers)
    head = filled(nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 5)), numbers)
    groups = grouped(s, backbone, head, lr, decay)
    bare = without_rate(groups)
    return {
        **bare,
        "rates_of_the_head": rates(groups, head),
        "rates_of_the_backbone": rates(groups, backbone),
    }


@counts_all_stages_of_another_backbone.inputs
def _(rng):
    return {
        "numbers": numbers_for(rng, 60),
        "lr": float(rng.uniform(0.2, 0.4)),
        "decay": float(rng.uniform(0.55, 0.7)),
    }


@probe("parameter_groups", cases=1)
def leaves_out_what_is_frozen(s, numbers, lr, decay):
    """A stage in the middle is frozen, and so are batch norms and the weight of a convolution elsewhere."""
    import torch

    backbone, head = staged_backbone(numbers), staged_head(numbers)
    for part in (backbone.stem[1], backbone.middle, backbone.last[1]):
        part.requires_grad_(False)
    backbone.last[0].weight.requires_grad_(False)
    groups = grouped(s, backbone, head, lr, decay)
    bare = without_rate(groups)
    optimizer = torch.optim.SGD(groups, lr=1.0)
    return {
        **bare,
        "rates_of_the_backbone": rates(groups, backbone),
        "rates_of_the_head": rates(groups, head),
        "groups_without_parameters": sum(not group["params"] for group in optimizer.param_groups),
        "parameters_that_require_a_gradient_afterwards": int(asking(backbone.parameters()).sum()),
    }


@leaves_out_what_is_frozen.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "lr": float(rng.uniform(0.2, 0.4)), "decay": 0.3}


@probe("parameter_groups", cases=1)
def leaves_out_what_is_frozen_of_the_head(s, numbers, lr, decay):
    backbone, head = staged_backbone(numbers), staged_head(numbers)
    head.bias.requires_grad_(False)
    groups = grouped(s, backbone, head, lr, decay)
    bare = without_rate(groups)
    return {
        **bare,
        "rates_of_the_head": rates(groups, head),
        "rates_of_the_backbone": rates(groups, backbone),
    }


@leaves_out_what_is_frozen_of_the_head.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "lr": float(rng.uniform(0.2, 0.4)), "decay": 0.3}


@probe("parameter_groups", cases=1)
def has_a_group_for_the_head_and_one_for_each_stage_from_the_last(s, numbers, lr, decay):
    import torch

    backbone, head = staged_backbone(numbers), staged_head(numbers)
    returned = grouped(s, backbone, head, lr, decay)
    bare = without_rate(returned)
    lists = all(isinstance(group.get("params"), list | tuple) for group in returned)
    groups = torch.optim.SGD(returned, lr=1.0).param_groups
    of_head = {id(p) for p in head.parameters()}
    return {
        **bare,
        "params_are_lists": fact(lists),
        "number_of_groups": len(groups),
        "rates_in_the_order_of_the_groups": np.array([float(group["lr"]) for group in groups]),
        "parameters_in_each_group": np.array([len(group["params"]) for group in groups]),
        "the_head_is_first": fact(of_head == {id(p) for p in groups[0]["params"]}),
        "parameters_that_require_a_gradient_afterwards": int(asking(backbone.parameters()).sum()),
    }


@has_a_group_for_the_head_and_one_for_each_stage_from_the_last.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "lr": float(rng.uniform(0.2, 0.4)), "decay": 0.3}


def frozen_here_and_there(numbers):
    """A backbone of which every second parameter is frozen."""
    backbone = staged_backbone(numbers)
    for p in list(backbone.parameters())[::2]:
        p.requires_grad_(False)
    return backbone


def unfrozen(s, backbone, n):
    """Which parameters ask for a gradient, and the places of the stages whose names were returned."""
    from torch import nn

    names = [name for name, _ in backbone.named_children()]
    returned = s.unfreeze_last(backbone, n)
    if returned is None:
        raise ValueError("a list of names was expected, None was returned: is a `return` missing?")
    one_number, one_text = isinstance(returned, int), isinstance(returned, str)
    if not (isinstance(returned, list | tuple) or one_number or one_text):
        raise TypeError(f"a list of names was expected, a {type(returned).__name__} was returned")
    returned = [] if one_number else returned
    known = [names.index(name) for name in returned if isinstance(name, str) and name in names]
    return {
        **{f"{name}_requires_gradients": asking(getattr(backbone, name).parameters()) for name in names},
        "one_number_was_returned": fact(one_number),
        "one_text_was_returned": fact(one_text),
        "modules_were_returned": fact(any(isinstance(name, nn.Module) for name in returned)),
        "numbers_were_returned": fact(any(isinstance(name, int) for name in returned)),
        "number_of_names": len(returned),
        "places_of_the_named_stages": np.array(known, dtype=int),
    }


@probe("unfreeze_last", cases=1)
def opens_the_last_stages_and_no_other(s, numbers, counts):
    one, two = (unfrozen(s, frozen_here_and_there(numbers), n) for n in counts)
    return {
        **{f"n_{counts[0]}_{name}": value for name, value in one.items()},
        **{f"n_{counts[1]}_{name}": value for name, value in two.items()},
    }


@opens_the_last_stages_and_no_other.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "counts": [1, 2]}


@probe("unfreeze_last", cases=1)
def opens_none_for_0(s, numbers, n):
    return unfrozen(s, frozen_here_and_there(numbers), n)


@opens_none_for_0.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "n": 0}


@probe("unfreeze_last", cases=1)
def opens_all_where_n_is_the_number_of_stages_or_more(s, numbers, counts):
    all_of_them, more = (unfrozen(s, frozen_here_and_there(numbers), n) for n in counts)
    return {
        **{f"n_{counts[0]}_{name}": value for name, value in all_of_them.items()},
        **{f"n_{counts[1]}_{name}": value for name, value in more.items()},
    }


@opens_all_where_n_is_the_number_of_stages_or_more.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "counts": [3, 4]}


@probe("unfreeze_last", cases=1)
def closes_again_what_was_open(s, numbers, first, then):
    backbone = staged_backbone(numbers)
    s.unfreeze_last(backbone, first)
    return unfrozen(s, backbone, then)


@closes_again_what_was_open.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "first": 2, "then": 1}


@probe("unfreeze_last", cases=1)
def opens_again_what_was_closed(s, numbers, first, then):
    backbone = staged_backbone(numbers)
    s.unfreeze_last(backbone, first)
    return unfrozen(s, backbone, then)


@opens_again_what_was_closed.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "first": 0, "then": 2}


@probe("unfreeze_last", cases=1)
def changes_no_mode_and_no_number(s, numbers, training):
    backbone = staged_backbone(numbers)
    for module, mode in zip(backbone.modules(), training, strict=True):
        module.training = bool(mode)
    s.unfreeze_last(backbone, 2)
    numbers_afterwards = flat(backbone.state_dict().values())
    return {"modes_afterwards": modes_of(backbone), "numbers_afterwards": numbers_afterwards}


@changes_no_mode_and_no_number.inputs
def _(rng):
    training = np.zeros(17, dtype=bool)
    training[[3, 6, 10, 12]] = True
    return {"numbers": numbers_for(rng), "training": training}


def norms_of_every_kind():
    """By name, a layer of a small model and whether the modes are those before or after training began."""
    from torch import nn

    layers = {
        "trainable_batch_norm": nn.BatchNorm2d(2),
        "frozen_batch_norm": nn.BatchNorm2d(2),
        "batch_norm_whose_weight_alone_is_frozen": nn.BatchNorm2d(2),
        "batch_norm_whose_bias_alone_is_frozen": nn.BatchNorm2d(2),
        "frozen_batch_norm_1d": nn.BatchNorm1d(3),
        "frozen_batch_norm_3d": nn.BatchNorm3d(2),
        "trainable_batch_norm_1d": nn.BatchNorm1d(3),
        "frozen_convolution": nn.Conv2d(2, 2, 1),
        "dropout": nn.Dropout(0.3),
        "activation": nn.ReLU(),
        "trainable_linear_layer": nn.Linear(3, 2),
    }
    for name, layer in layers.items():
        layer.requires_grad_(not name.startswith("frozen"))
    layers["batch_norm_whose_weight_alone_is_frozen"].weight.requires_grad_(False)
    layers["batch_norm_whose_bias_alone_is_frozen"].bias.requires_grad_(False)
    return layers


def told_modes(s, training):
    """Which layers are in training mode after set_modes, in a model that is nested, in all modes before."""
    from torch import nn

    layers = norms_of_every_kind()
    parts = list(layers.values())
    frozen_block = nn.Sequential(nn.BatchNorm2d(2), nn.Dropout(0.2), nn.Conv2d(2, 2, 1)).requires_grad_(False)
    model = nn.Sequential(*parts[:2], nn.Sequential(*parts[2:5], nn.Sequential(*parts[5:])), frozen_block)
    for number, module in enumerate(model.modules()):
        module.training = bool(training[number % len(training)])
    s.set_modes(model)
    inner = dict(zip(("batch_norm", "dropout", "convolution"), frozen_block, strict=True))
    found = {**layers, **{f"{name}_of_a_frozen_block": part for name, part in inner.items()}}
    return {f"{name}_is_in_training_mode": fact(part.training) for name, part in found.items()}


@probe("set_modes", cases=1)
def trains_all_but_frozen_batch_norms(s, training):
    return told_modes(s, training)


@trains_all_but_frozen_batch_norms.inputs
def _(rng):
    return {"training": [True]}


@probe("set_modes", cases=1)
def does_so_whatever_the_modes_were(s, training, mixed):
    found = {f"{name}_after_evaluation": mode for name, mode in told_modes(s, training).items()}
    return found | {f"{name}_after_mixed_modes": mode for name, mode in told_modes(s, mixed).items()}


@does_so_whatever_the_modes_were.inputs
def _(rng):
    return {"training": [False], "mixed": [True, False, False]}


@probe("set_modes", cases=1, rtol=ROUNDING)
def keeps_the_statistics_of_frozen_batch_norms_only(s, numbers, images):
    """Two steps of a backbone whose stem is frozen; its dropout is set to 0 here."""
    backbone = staged_backbone(numbers)
    backbone.drop.p = 0.0
    backbone.stem.requires_grad_(False)
    for _ in range(2):
        s.set_modes(backbone)
        features = backbone(tensor(images))
        features.sum().backward()
    return {
        "statistics_of_the_frozen_stage": statistics(backbone.stem),
        "statistics_of_the_trained_stages": statistics(backbone)[statistics(backbone.stem).numel() :],
        "features": features,
    }


@keeps_the_statistics_of_frozen_batch_norms_only.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "images": some_images(rng, 6)}


@probe("set_modes", cases=1)
def changes_modes_and_nothing_else(s, numbers, frozen):
    backbone = staged_backbone(numbers)
    for p, still in zip(backbone.parameters(), frozen, strict=True):
        p.requires_grad_(not still)
    norms = [part for part in backbone.modules() if hasattr(part, "running_mean")]
    s.set_modes(backbone)
    return {
        "parameters_that_require_a_gradient": asking(backbone.parameters()),
        "momenta_of_the_batch_norms": np.array([part.momentum for part in norms]),
        "batch_norms_with_running_statistics": sum(part.running_mean is not None for part in norms),
        "batch_norms_that_track_them": sum(part.track_running_stats for part in norms),
        "numbers": flat(backbone.state_dict().values()),
    }


@changes_modes_and_nothing_else.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "frozen": np.arange(11) % 3 < 2}


def thawing(numbers, lr, kind="SGD"):
    """A backbone with a frozen stem and middle, a head, and an optimizer of head and last stage."""
    import torch

    backbone, head = staged_backbone(numbers), staged_head(-numbers)
    backbone.stem.requires_grad_(False)
    backbone.middle.requires_grad_(False)
    groups = [{"params": head.parameters()}, {"params": backbone.last.parameters(), "lr": lr / 2}]
    settings = {"lr": lr, "momentum": 0.7, "weight_decay": 0.1} if kind == "SGD" else {"lr": lr, "eps": 0.05}
    return backbone, head, getattr(torch.optim, kind)(groups, **settings)


def told_groups(optimizer):
    return {
        "number_of_groups": len(optimizer.param_groups),
        "rates_of_the_groups": np.array([float(group["lr"]) for group in optimizer.param_groups]),
        "parameters_in_each_group": np.array([len(group["params"]) for group in optimizer.param_groups]),
    }


@probe("thaw", cases=1)
def adds_one_group_with_its_rate(s, numbers, lr, later):
    backbone, head, optimizer = thawing(numbers, lr)
    backbone.eval()
    s.thaw(optimizer, backbone.middle, later)
    own = {id(p) for p in backbone.middle.parameters()}
    last = {id(p) for p in optimizer.param_groups[-1]["params"]}
    return {
        **told_groups(optimizer),
        "the_last_group_is_the_stage": fact(last == own),
        "the_stage_requires_gradients": asking(backbone.middle.parameters()),
        "another_frozen_stage_requires_gradients": asking(backbone.stem.parameters()),
        "trained_parts_require_gradients": asking([*backbone.last.parameters(), *head.parameters()]),
        "modules_in_training_mode": int(modes_of(backbone).sum()),
    }


@adds_one_group_with_its_rate.inputs
def _(rng):
    return {
        "numbers": numbers_for(rng),
        "lr": float(rng.uniform(0.2, 0.4)),
        "later": float(rng.uniform(0.02, 0.08)),
    }


def stepped(optimizer, parameters, slopes):
    """A step for each row of slopes; a row has a gradient for every parameter that requires one."""
    for slope in slopes:
        at = 0
        for p in parameters:
            size = p.numel()
            p.grad = tensor(slope[at : at + size]).reshape(p.shape) if p.requires_grad else None
            at += size
        optimizer.step()


def walk_of_thaw(s, numbers, slopes, lr, later, kind, calls=1):
    """Where the parameters are after two steps, thaw, and two more steps."""
    backbone, head, optimizer = thawing(numbers, lr, kind)
    parts = {"stem": backbone.stem, "middle": backbone.middle, "last": backbone.last, "head": head}
    parameters = [p for part in parts.values() for p in part.parameters()]
    stepped(optimizer, parameters, slopes[:2])
    for _ in range(calls):
        s.thaw(optimizer, backbone.middle, later)
    stepped(optimizer, parameters, slopes[2:])
    return {name: flat(part.parameters()) for name, part in parts.items()}


def walk(rng):
    return {
        "numbers": numbers_for(rng),
        "slopes": rng.normal(size=(4, 143)) * np.array([1, 3, 0.5, 0.7])[:, None],
        "lr": float(rng.uniform(0.1, 0.2)),
        "later": float(rng.uniform(0.02, 0.05)),
    }


@probe("thaw", cases=1, rtol=ROUNDING)
def trains_the_stage_and_keeps_the_velocities(s, numbers, slopes, lr, later):
    return walk_of_thaw(s, numbers, slopes, lr, later, "SGD")


@trains_the_stage_and_keeps_the_velocities.inputs
def _(rng):
    return walk(rng)


@probe("thaw", cases=1, rtol=ROUNDING)
def works_with_adam_too(s, numbers, slopes, lr, later):
    return walk_of_thaw(s, numbers, slopes, lr, later, "Adam")


@works_with_adam_too.inputs
def _(rng):
    return walk(rng)


@probe("thaw", cases=1, rtol=ROUNDING)
def changes_nothing_the_second_time(s, numbers, slopes, lr, later):
    backbone, _, optimizer = thawing(numbers, lr)
    for rate in (later, 2 * later):
        s.thaw(optimizer, backbone.middle, rate)
    return {**told_groups(optimizer), **walk_of_thaw(s, numbers, slopes, lr, later, "SGD", calls=2)}


@changes_nothing_the_second_time.inputs
def _(rng):
    return walk(rng)


@probe("thaw", cases=1)
def adds_a_stage_that_requires_gradients_already(s, numbers, lr, later):
    backbone, _, optimizer = thawing(numbers, lr)
    backbone.middle.requires_grad_(True)
    s.thaw(optimizer, backbone.middle, later)
    return {**told_groups(optimizer), "the_stage_requires_gradients": asking(backbone.middle.parameters())}


@adds_a_stage_that_requires_gradients_already.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "lr": 0.3, "later": float(rng.uniform(0.02, 0.08))}


@probe("thaw", cases=1)
def opens_a_frozen_stage_that_the_optimizer_has(s, numbers, lr, later):
    backbone, _, optimizer = thawing(numbers, lr)
    backbone.last.requires_grad_(False)
    s.thaw(optimizer, backbone.last, later)
    return {**told_groups(optimizer), "the_stage_requires_gradients": asking(backbone.last.parameters())}


@opens_a_frozen_stage_that_the_optimizer_has.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "lr": 0.3, "later": float(rng.uniform(0.02, 0.08))}


@probe("thaw", cases=1)
def changes_no_other_setting_and_no_gradient(s, numbers, lr, later, slopes):
    """The groups have settings of their own: those of the new one are the optimizer's defaults."""
    import torch

    backbone, head = staged_backbone(numbers), staged_head(-numbers)
    backbone.middle.requires_grad_(False)
    groups = [
        {"params": head.parameters(), "momentum": 0.3, "weight_decay": 0.2},
        {"params": backbone.last.parameters(), "momentum": 0.5, "nesterov": True},
    ]
    optimizer = torch.optim.SGD(groups, lr=lr, momentum=0.7, weight_decay=0.1)
    head.weight.grad = tensor(slopes)
    s.thaw(optimizer, backbone.middle, later)
    settings = ("momentum", "weight_decay", "nesterov")
    return {
        **told_groups(optimizer),
        **{
            f"{key}_of_the_groups": np.array([float(g[key]) for g in optimizer.param_groups])
            for key in settings
        },
        "default_rate_of_the_optimizer": optimizer.defaults["lr"],
        "default_momentum_of_the_optimizer": optimizer.defaults["momentum"],
        "a_gradient_of_the_head_is_gone": fact(head.weight.grad is None),
        "gradient_of_the_head": np.zeros(15) if head.weight.grad is None else flat([head.weight.grad]),
    }


@changes_no_other_setting_and_no_gradient.inputs
def _(rng):
    return {
        "numbers": numbers_for(rng),
        "lr": 0.3,
        "later": float(rng.uniform(0.02, 0.08)),
        "slopes": rng.normal(size=(3, 5)),
    }


@probe("thaw", cases=1)
def adds_what_is_new_of_a_stage_that_is_there_in_part(s, numbers, lr, later):
    """The optimizer has the first layer of the stage already: that one keeps its group and its rate."""
    backbone, _, optimizer = thawing(numbers, lr)
    s.thaw(optimizer, backbone.middle[0], 3 * later)
    s.thaw(optimizer, backbone.middle, later)
    return {**told_groups(optimizer), "the_stage_requires_gradients": asking(backbone.middle.parameters())}


@adds_what_is_new_of_a_stage_that_is_there_in_part.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "lr": 0.3, "later": float(rng.uniform(0.02, 0.08))}
