"""What the checks ask of the PyTorch notebook, and the inputs they ask it on.

Inputs: all axes of different lengths, pre-activations of both signs, with exact zeros and with 800 where it
matters, random upstream gradients, slopes and alphas that are neither 0 nor 1, layers that are not square."""

import numpy as np

from autograder import probe


def both_signs(rng, *shape):
    """Numbers of both signs, none near 0, the positive ones larger on the whole."""
    size = rng.uniform(0.25, 2.5, shape)
    return np.where(rng.random(shape) < 0.5, size, -0.7 * size)


def upstream(rng, *shape):
    """A random gradient of both signs, with another mean in each column."""
    return rng.normal(size=shape) + rng.permutation(np.linspace(-0.8, 1.1, shape[-1]))


def pieces(rng, N, K, M):
    """Pieces of which the largest is negative in some units, and not always the largest in size."""
    return {"dout": upstream(rng, N, M), "z": both_signs(rng, N, K, M) - 0.4}


ROUNDING = 1e-6  # the order of sums is free


def tensor(array):
    """A tensor with memory of its own."""
    import torch

    return torch.tensor(np.asarray(array))


def leaf(array):
    return tensor(array).requires_grad_()


def fact(value):
    return np.array(bool(value))


def with_gradients(function):
    """Asks with gradients on, and puts the switch back: code that turned it off spoils no other probe."""
    import functools

    @functools.wraps(function)
    def ask(*arguments, **named):
        import torch

        with torch.enable_grad():
            return function(*arguments, **named)

    return ask


def filled(module, numbers):
    """The module in 64 bits with these numbers in all parameters and buffers, over and over.

    Running variances are positive."""
    import torch

    module = module.double()
    at = 0
    with torch.no_grad():
        for name, values in module.state_dict().items():
            if values.dtype == torch.float64:
                own = tensor(np.resize(np.roll(numbers, -at), values.numel())).reshape(values.shape)
                values.copy_(own.abs() + 0.3 if "running_var" in name else own)
                at += values.numel()
    return module


def numbers_for(rng, count=211):
    """Numbers of both signs, none of them small."""
    return rng.choice([-1, 1], count) * rng.uniform(0.2, 0.9, count)


def flat(values):
    """All numbers of all tensors, one after the other."""
    import torch

    found = [v.detach().double().flatten() for v in values]
    return torch.cat(found) if found else torch.zeros(0)


def gradient_of(p):
    """Its gradient; zeros where none came."""
    return tensor(np.zeros(p.shape)) if p.grad is None else p.grad


def one_tensor(answer):
    """What was returned, if it is a tensor; else an error that says what came."""
    import torch

    if answer is None:
        raise TypeError("a tensor was expected, None was returned: is a `return` missing?")
    if not isinstance(answer, torch.Tensor):
        raise ValueError(f"a tensor was expected, a {type(answer).__name__} was returned")
    return answer


def a_dict(report):
    """What was returned, if it is a dict; else an error that says what came."""
    if report is None:
        raise TypeError("a dict was expected, None was returned: is a `return` missing?")
    if not isinstance(report, dict):
        raise ValueError(f"a dict was expected, a {type(report).__name__} was returned")
    return report


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


def moments_of_normal_weights(variance):
    """Of all three layers, where the weights are normal, of mean 0, with this variance times fan_in."""
    right = {
        "fan_in_times_mean_square": variance,
        "fourth_moment_by_mean_square_squared": 3.0,
        "share_of_positive_weights": 0.5,
    }
    names = ("linear", "convolution", "convolution_in_groups")
    return {f"{statistic}_of_the_{name}": value for name in names for statistic, value in right.items()}


@probe("initialize", cases=1, rtol=0.06)
@with_gradients
def draws_normal_weights_of_the_size_of_he(s):
    return drawn(s, None)


@draws_normal_weights_of_the_size_of_he.inputs
def _(rng):
    return {}


@draws_normal_weights_of_the_size_of_he.expect
def _():
    return moments_of_normal_weights(2.0)


@probe("initialize", cases=1, rtol=0.06)
@with_gradients
def takes_the_gain_of_the_slope(s, slope):
    return drawn(s, slope)


@takes_the_gain_of_the_slope.inputs
def _(rng):
    return {"slope": float(rng.uniform(0.68, 0.72))}


@takes_the_gain_of_the_slope.expect
def _(slope):
    return moments_of_normal_weights(2 / (1 + slope**2))


OTHERS = ("norm", "norm_of_features", "table", "activation", "line", "upwards")


def layers_of_many_kinds(numbers):
    """By name, the layers of a model in which they are nested, and the model, in 64 bits."""
    from torch import nn

    layers = {
        "first": nn.Conv2d(2, 4, 3),
        "norm": nn.BatchNorm2d(4),
        "inner": nn.Conv2d(4, 4, (1, 2), bias=False),
        "twin": nn.Conv2d(4, 4, (1, 2)),
        "norm_of_features": nn.LayerNorm(3),
        "table": nn.Embedding(5, 3),
        "activation": nn.PReLU(4),
        "line": nn.Conv1d(2, 3, 2),
        "upwards": nn.ConvTranspose2d(2, 3, 2),
        "last": nn.Linear(4, 3),
    }
    block = nn.ModuleDict({"deep": nn.Sequential(layers["inner"], nn.ReLU(), nn.Sequential(layers["twin"]))})
    rest = nn.ModuleList(layers[name] for name in OTHERS[1:])
    model = nn.Sequential(layers["first"], layers["norm"], block, rest, nn.Sequential(layers["last"]))
    return layers, filled(model, numbers)


DRAWN = ("first", "inner", "twin", "last")


@probe("initialize", cases=1)
@with_gradients
def goes_to_all_linear_and_convolutional_layers(s, numbers):
    layers, model = layers_of_many_kinds(numbers)
    before = {name: layers[name].weight.detach().clone() for name in DRAWN}
    s.initialize(model)
    changed = {f"{name}_has_new_weights": fact((layers[name].weight != before[name]).all()) for name in DRAWN}
    return changed | {
        "layers_of_one_shape_have_different_weights": fact(
            (layers["inner"].weight != layers["twin"].weight).any()
        ),
        "rows_of_a_layer_differ": fact((layers["last"].weight[0] != layers["last"].weight[1]).any()),
    }


@goes_to_all_linear_and_convolutional_layers.inputs
def _(rng):
    return {"numbers": numbers_for(rng)}


@probe("initialize", cases=1)
@with_gradients
def sets_biases_to_0(s, numbers):
    layers, model = layers_of_many_kinds(numbers)
    s.initialize(model)
    found = {f"bias_of_{name}": layers[name].bias for name in ("first", "twin", "last")}
    return found | {"a_layer_without_bias_has_none": fact(layers["inner"].bias is None)}


@sets_biases_to_0.inputs
def _(rng):
    return {"numbers": numbers_for(rng)}


@probe("initialize", cases=1)
@with_gradients
def leaves_all_other_modules_as_they_are(s, numbers):
    layers, model = layers_of_many_kinds(numbers)
    s.initialize(model)
    return {
        f"{part}_of_{name}": getattr(layers[name], part)
        for name in OTHERS
        for part in ("weight", "bias", "running_mean", "running_var")
        if getattr(layers[name], part, None) is not None
    }


@leaves_all_other_modules_as_they_are.inputs
def _(rng):
    return {"numbers": numbers_for(rng)}


@probe("initialize", cases=1)
@with_gradients
def keeps_the_parameters_and_what_they_are(s, numbers):
    import torch

    layers, model = layers_of_many_kinds(numbers)
    layers["inner"].weight.requires_grad_(False)
    layers["norm"].eval()
    before = list(model.parameters())
    s.initialize(model)
    after = list(model.parameters())
    return {
        "modes_afterwards": np.array([m.training for m in model.modules()]),
        "gradients_are_on_afterwards": fact(torch.is_grad_enabled()),
        "parameters_that_are_the_same_objects": sum(p is q for p, q in zip(before, after, strict=False)),
        "parameters_of_64_bits": sum(str(p.dtype) == "torch.float64" for p in after),
        "parameters_that_require_a_gradient": np.array([p.requires_grad for p in after]),
        "parameters_with_a_graph": sum(p.grad_fn is not None for p in after),
    }


@keeps_the_parameters_and_what_they_are.inputs
def _(rng):
    return {"numbers": numbers_for(rng)}


@probe("initialize", cases=1)
@with_gradients
def counts_the_layers(s, numbers):
    from torch import nn

    counts = {
        "of_a_nested_model": s.initialize(layers_of_many_kinds(numbers)[1]),
        "of_a_model_that_is_one": s.initialize(nn.Linear(2, 3)),
        "of_a_model_without_any": s.initialize(nn.Sequential(nn.ReLU(), nn.BatchNorm1d(3))),
    }
    return {f"layers_{name}": number for name, number in counts.items()}


@counts_the_layers.inputs
def _(rng):
    return {"numbers": numbers_for(rng)}


@probe("initialize", cases=1)
@with_gradients
def draws_from_the_global_generator(s, seed):
    import torch
    from torch import nn

    layer, weights = nn.Linear(3, 4), []
    for again in (True, False, True):
        if again:
            torch.manual_seed(seed)
        s.initialize(layer)
        weights.append(layer.weight.detach().clone())
    return {
        "a_second_call_draws_other_weights": fact((weights[0] != weights[1]).any()),
        "the_same_seed_gives_the_same_weights": fact((weights[0] == weights[2]).all()),
    }


@draws_from_the_global_generator.inputs
def _(rng):
    return {"seed": int(rng.integers(1, 1000))}


def small_net(numbers, activation="ReLU", final="ReLU"):
    """From (N, 3) to (N, 4): two activations, one of them in a block, and a batch normalization."""
    from torch import nn

    block = nn.Sequential(nn.Linear(5, 5), nn.BatchNorm1d(5), getattr(nn, final)())
    net = nn.Sequential(nn.Linear(3, 5), getattr(nn, activation)(), block, nn.Dropout(0.0), nn.Linear(5, 4))
    return filled(net, numbers)


def told_signals(report):
    """The report as arrays, in its order."""
    pairs = a_dict(report)
    for name, pair in pairs.items():
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise TypeError(f"(std, share) was expected for {name!r}, {pair!r} came")
    found = {f"std_behind_{name}": float(pair[0]) for name, pair in pairs.items()}
    return found | {f"share_of_zeros_behind_{name}": float(pair[1]) for name, pair in pairs.items()}


def features_and_numbers(rng, N=7):
    return {"x": rng.normal(0.4, 1.2, (N, 3)), "numbers": numbers_for(rng)}


@probe("signal_report", cases=2, rtol=ROUNDING)
@with_gradients
def measures_behind_every_relu(s, x, numbers):
    return told_signals(s.signal_report(small_net(numbers).eval(), tensor(x)))


@measures_behind_every_relu.inputs
def _(rng):
    return features_and_numbers(rng)


@probe("signal_report", cases=1, rtol=ROUNDING)
@with_gradients
def measures_in_training_mode_too(s, x, numbers):
    return told_signals(s.signal_report(small_net(numbers).train(), tensor(x)))


@measures_in_training_mode_too.inputs
def _(rng):
    return features_and_numbers(rng)


@probe("signal_report", cases=1, rtol=ROUNDING)
@with_gradients
def measures_behind_the_kinds_that_are_asked_for(s, x, numbers):
    from torch import nn

    found = {}
    for kinds in (nn.Tanh, (nn.Tanh, nn.LeakyReLU)):
        net = small_net(numbers, "LeakyReLU", "Tanh").eval()
        told = told_signals(s.signal_report(net, tensor(x), kinds))
        asked_for = "_and_".join(kind.__name__ for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))
        found |= {f"{name}_for_{asked_for}": value for name, value in told.items()}
    return found


@measures_behind_the_kinds_that_are_asked_for.inputs
def _(rng):
    return features_and_numbers(rng)


@probe("signal_report", cases=1)
@with_gradients
def keeps_the_order_of_the_model(s, x, numbers):
    from torch import nn

    net = small_net(numbers, "Tanh", "Sigmoid").eval()
    names = [name for name, _ in net.named_modules()]
    report = a_dict(s.signal_report(net, tensor(x), (nn.Sigmoid, nn.Tanh)))
    return {"places": np.array([names.index(name) for name in report if name in names], dtype=int)}


@keeps_the_order_of_the_model.inputs
def _(rng):
    return features_and_numbers(rng)


@probe("signal_report", cases=1, rtol=ROUNDING)
@with_gradients
def measures_maps_and_what_is_overwritten_later(s, images, numbers):
    from torch import nn

    net = nn.Sequential(nn.Conv2d(2, 3, 2), nn.Tanh(), nn.ReLU(inplace=True), nn.Conv2d(3, 2, 1))
    return told_signals(s.signal_report(filled(net, numbers), tensor(images), nn.Tanh))


@measures_maps_and_what_is_overwritten_later.inputs
def _(rng):
    return {"images": rng.normal(0.3, 1, (2, 2, 3, 4)), "numbers": numbers_for(rng)}


@probe("signal_report", cases=1, rtol=ROUNDING)
@with_gradients
def finds_classes_that_inherit_from_the_kind(s, x, numbers):
    from torch import nn

    net = small_net(numbers, "Tanh", "ReLU6").eval()
    return told_signals(s.signal_report(net, tensor(x), nn.Hardtanh))


@finds_classes_that_inherit_from_the_kind.inputs
def _(rng):
    return features_and_numbers(rng)


@probe("signal_report", cases=1)
@with_gradients
def counts_what_is_exactly_0(s, x):
    from torch import nn

    told = told_signals(s.signal_report(nn.Sequential(nn.Flatten(), nn.ReLU()), tensor(x)))
    return {name: value for name, value in told.items() if "share" in name}


@counts_what_is_exactly_0.inputs
def _(rng):
    """Three of eight are positive and tiny, one is positive and large, four become 0."""
    return {"x": rng.permutation(np.array([1e-4, 1e-9, 1e-12, 0.7, 0.0, -0.4, -0.6, -1e-9])).reshape(2, 4)}


def watched(net, module):
    """Whether a graph was kept, at each call of the module; a copy of the net notes it here, too."""
    seen = []
    module.register_forward_hook(lambda _module, _inputs, a: seen.append(a.requires_grad))
    return seen


def state_of(net):
    """What a measurement must not change."""
    import torch

    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in net.modules()]
    return {
        "gradients_are_on_afterwards": fact(torch.is_grad_enabled()),
        "hooks_of_the_modules": np.array(hooks),
        "modes_of_the_modules": np.array([m.training for m in net.modules()]),
        "parameters_and_buffers": flat(net.state_dict().values()),
        "parameters_that_require_a_gradient": np.array([p.requires_grad for p in net.parameters()]),
    }


@probe("signal_report", cases=1)
@with_gradients
def asks_once_without_a_graph_and_leaves_the_model_alone(s, x, numbers):
    net = small_net(numbers).train()
    net[2][1].eval()
    net[4].weight.requires_grad_(False)
    seen = watched(net, net[0])
    net[1].register_forward_hook(lambda *_: None)
    batch = tensor(x)
    s.signal_report(net, batch)
    found = {
        "forward_passes": len(seen),
        "forward_passes_with_a_graph": sum(seen),
        "x_afterwards": batch,
        **state_of(net),
    }
    frozen_statistics = small_net(numbers).train()
    s.signal_report(frozen_statistics, tensor(x))
    return found | {"state_after_training_mode": state_of(frozen_statistics)["parameters_and_buffers"]}


@asks_once_without_a_graph_and_leaves_the_model_alone.inputs
def _(rng):
    return features_and_numbers(rng)


def told_lengths(report):
    return {f"gradient_of_{name}": float(length) for name, length in a_dict(report).items()}


def labelled(rng, N=7):
    return {**features_and_numbers(rng, N), "y": rng.permutation(np.resize(np.arange(4), N))}


@probe("gradient_report", cases=2, rtol=ROUNDING)
@with_gradients
def measures_the_gradient_of_every_weight(s, x, y, numbers):
    return told_lengths(s.gradient_report(small_net(numbers, "Tanh").eval(), tensor(x), tensor(y)))


@measures_the_gradient_of_every_weight.inputs
def _(rng):
    return labelled(rng)


@probe("gradient_report", cases=1, rtol=ROUNDING)
@with_gradients
def measures_gradients_in_training_mode_too(s, x, y, numbers):
    return told_lengths(s.gradient_report(small_net(numbers).train(), tensor(x), tensor(y)))


@measures_gradients_in_training_mode_too.inputs
def _(rng):
    return labelled(rng)


@probe("gradient_report", cases=1, rtol=ROUNDING)
@with_gradients
def takes_kernels_for_weights_and_leaves_out_what_is_frozen(s, images, y, numbers):
    import torch
    from torch import nn

    class Mixing(nn.Module):
        def __init__(self):
            super().__init__()
            self.matrix = nn.Parameter(torch.zeros(5, 5))

        def forward(self, a):
            return a @ self.matrix

    parts = [nn.Conv2d(2, 3, 2), nn.GroupNorm(1, 3), nn.Flatten(), nn.Linear(18, 5), nn.Tanh(), Mixing()]
    net = filled(nn.Sequential(*parts, nn.Linear(5, 4)), numbers)
    net[3].weight.requires_grad_(False)
    return told_lengths(s.gradient_report(net, tensor(images), tensor(y)))


@takes_kernels_for_weights_and_leaves_out_what_is_frozen.inputs
def _(rng):
    given = labelled(rng, 5)
    return {"images": rng.normal(0.3, 1, (5, 2, 3, 4)), "y": given["y"], "numbers": given["numbers"]}


@probe("gradient_report", cases=1, rtol=ROUNDING)
@with_gradients
def is_not_disturbed_by_old_gradients_and_keeps_them(s, x, y, numbers):
    import torch

    net = small_net(numbers).eval()
    for p in net[0].parameters():
        p.grad = torch.full_like(p, 2.0)
    found = told_lengths(s.gradient_report(net, tensor(x), tensor(y)))
    kept = [p.grad for p in net.parameters() if p.grad is not None]
    return {
        **found,
        "parameters_with_a_gradient_afterwards": np.array([p.grad is not None for p in net.parameters()]),
        "gradients_afterwards": flat(kept)[:20] if kept else np.zeros(20),
    }


@is_not_disturbed_by_old_gradients_and_keeps_them.inputs
def _(rng):
    return labelled(rng)


@probe("gradient_report", cases=1)
@with_gradients
def leaves_modes_and_running_statistics_alone(s, x, y, numbers):
    net = small_net(numbers).train()
    net[3].eval()
    s.gradient_report(net, tensor(x), tensor(y))
    return state_of(net)


@leaves_modes_and_running_statistics_alone.inputs
def _(rng):
    return labelled(rng)


def activations_in_batches(rng, places=()):
    """Three batches of 4, 3 and 2 examples, and units of every kind, in random order.

    Units 1, 2 and 3 live in one example of one batch, at the last place; 4 lives everywhere, 5 in one example
    of each batch, at the first place, 6 throughout the first batch. 0 and 7 are dead."""
    batches = [-rng.uniform(0.5, 2, (n, 8, *places)) for n in (4, 3, 2)]
    for number, batch in enumerate(batches):
        lively = int(rng.integers(len(batch)))
        batch[(lively, number + 1, *(-1 for _ in places))] = rng.uniform(0.5, 2)
        batch[(lively, 5, *(0 for _ in places))] = rng.uniform(0.5, 2)
        batch[:, 4] *= -1
    batches[0][:, 6] *= -1
    order = rng.permutation(8)
    return [batch[:, order] for batch in batches]


@probe("dead_units", cases=2)
@with_gradients
def finds_units_that_are_0_for_every_example(s, batches):
    from torch import nn

    return {"dead": one_tensor(s.dead_units(nn.ReLU(), [tensor(batch) for batch in batches]))}


@finds_units_that_are_0_for_every_example.inputs
def _(rng):
    return {"batches": activations_in_batches(rng)}


@probe("dead_units", cases=1)
@with_gradients
def finds_channels_that_are_0_at_every_place(s, batches):
    from torch import nn

    return {"dead": one_tensor(s.dead_units(nn.ReLU(), [tensor(batch) for batch in batches]))}


@finds_channels_that_are_0_at_every_place.inputs
def _(rng):
    return {"batches": activations_in_batches(rng, (3, 2))}


@probe("dead_units", cases=1)
@with_gradients
def takes_what_is_small_or_negative_for_alive(s, batches):
    from torch import nn

    return {"dead": one_tensor(s.dead_units(nn.Identity(), [tensor(batch) for batch in batches]))}


@takes_what_is_small_or_negative_for_alive.inputs
def _(rng):
    """Units: dead, negative, of both signs with the sum 0, tiny and positive or negative in one batch."""
    first, second = np.zeros((3, 7)), np.zeros((2, 7))
    first[:, 1] = second[:, 1] = -0.5
    first[0, 2], first[2, 2], second[0, 2], second[1, 2] = 0.75, -0.75, 0.5, -0.5
    first[1, 3], second[0, 4] = 1e-200, 1e-200
    first[2, 5], second[1, 6] = -1e-200, -1e-200
    order = rng.permutation(7)
    return {"batches": [first[:, order], second[:, order]]}


def net_with_dropout(numbers):
    """A dropout that, awake, lets nothing through, and a batch normalization."""
    from torch import nn

    parts = [nn.Linear(3, 6), nn.BatchNorm1d(6), nn.Dropout(1.0), nn.ReLU()]
    return filled(nn.Sequential(nn.Sequential(*parts[:3]), parts[3]), numbers)


@probe("dead_units", cases=1)
@with_gradients
def asks_in_evaluation_mode(s, batches, numbers, shift):
    """The running means put some units below 0 everywhere; the means of a batch would put none there."""
    import torch

    net = net_with_dropout(numbers).train()
    norm = net[0][1]
    with torch.no_grad():
        norm.weight.fill_(1.0)
        norm.bias.zero_()
        norm.running_mean += tensor(shift)
    return {"dead": one_tensor(s.dead_units(net, [tensor(batch) for batch in batches]))}


@asks_in_evaluation_mode.inputs
def _(rng):
    shift = rng.permutation([-30.0, -30.0, 30.0, 30.0, 30.0, -30.0])
    return {"batches": [rng.normal(size=(n, 3)) for n in (5, 2)], "numbers": numbers_for(rng), "shift": shift}


@probe("dead_units", cases=1)
@with_gradients
def puts_every_mode_back_and_leaves_the_net_alone(s, batches, numbers):
    found = {}
    for mode in (True, False):
        net = net_with_dropout(numbers).train(mode)
        net[0][1].train(not mode)
        seen = watched(net, net[0][0])
        s.dead_units(net, [tensor(batch) for batch in batches])
        told = {"a_graph_was_kept": fact(any(seen)), **state_of(net)}
        before = "training" if mode else "evaluation"
        found |= {f"{name}_where_the_net_was_in_{before}": value for name, value in told.items()}
    return found


@puts_every_mode_back_and_leaves_the_net_alone.inputs
def _(rng):
    return {"batches": [rng.normal(size=(n, 3)) for n in (5, 2)], "numbers": numbers_for(rng)}


@probe("dead_units", cases=1)
@with_gradients
def takes_batches_from_a_generator(s, batches):
    from torch import nn

    return {"dead": one_tensor(s.dead_units(nn.ReLU(), (tensor(batch) for batch in batches)))}


@takes_batches_from_a_generator.inputs
def _(rng):
    return {"batches": activations_in_batches(rng)}


def maxout(s, weight, bias):
    """Their Maxout in 64 bits, with these numbers."""
    pieces, units, inputs = weight.shape
    layer = s.Maxout(inputs, units, pieces).double()
    given = {"weight": weight, "bias": bias}
    for name, values in layer.state_dict().items():
        if name in given and values.shape != given[name].shape:
            raise ValueError(f"{name} has shape {tuple(values.shape)}, expected {given[name].shape}")
    state = layer.state_dict()
    if state and set(state) != set(given):
        raise ValueError(f"the state dict holds {', '.join(state)}, expected weight and bias")
    layer.load_state_dict({name: tensor(array) for name, array in given.items()})
    return layer


def pieces_and_inputs(rng, pieces=3):
    return {
        "x": rng.normal(0.5, 1, (7, 4)),
        "weight": rng.normal(0, 0.7, (pieces, 5, 4)),
        "bias": rng.normal(0, 0.6, (pieces, 5)),
    }


@probe("Maxout", cases=2)
@with_gradients
def takes_the_largest_of_the_pieces(s, x, weight, bias):
    return {"y": one_tensor(maxout(s, weight, bias)(tensor(x)))}


@takes_the_largest_of_the_pieces.inputs
def _(rng):
    return pieces_and_inputs(rng, int(rng.choice([2, 3])))


@probe("Maxout", cases=1)
@with_gradients
def sends_the_gradient_to_the_largest_piece(s, x, weight, bias, dout):
    layer, at = maxout(s, weight, bias), leaf(x)
    one_tensor(layer(at)).backward(tensor(dout))
    return {"x.grad": at.grad} | {
        f"{name}.grad": gradient_of(getattr(layer, name)) for name in ("weight", "bias")
    }


@sends_the_gradient_to_the_largest_piece.inputs
def _(rng):
    return {**pieces_and_inputs(rng), "dout": rng.normal(size=(7, 5))}


@probe("Maxout", cases=1)
@with_gradients
def has_a_weight_and_a_bias_for_each_piece(s, sizes):
    found = {}
    for name, layer in {"two": s.Maxout(*sizes), "four": s.Maxout(*sizes, pieces=4)}.items():
        trained = dict(layer.named_parameters())
        found |= {f"{p}_of_{name}_pieces_is_a_parameter": fact(p in trained) for p in ("weight", "bias")}
        found[f"shape_of_the_weight_of_{name}"] = np.array(layer.weight.shape)
        found[f"bias_of_{name}"] = layer.bias
        found[f"pieces_of_{name}_differ"] = fact((layer.weight[0] != layer.weight[1]).any())
    return found


@has_a_weight_and_a_bias_for_each_piece.inputs
def _(rng):
    return {"sizes": [3, 2]}


@probe("Maxout", cases=1, rtol=0.06)
def starts_with_weights_of_variance_1_by_inputs(s, inputs, units, pieces):
    return moments_of_a_weight(s.Maxout(inputs, units, pieces).weight, inputs)


@starts_with_weights_of_variance_1_by_inputs.inputs
def _(rng):
    return {"inputs": 160, "units": 70, "pieces": 3}


@starts_with_weights_of_variance_1_by_inputs.expect
def _(inputs, units, pieces):
    return {
        "fan_in_times_mean_square": 1.0,
        "fourth_moment_by_mean_square_squared": 3.0,
        "share_of_positive_weights": 0.5,
    }


class Context:
    """What autograd hands to forward and backward, for calling both by hand."""

    needs_input_grad = (True, False)

    def save_for_backward(self, *kept):
        self.saved_tensors = kept

    def mark_non_differentiable(self, *_):
        pass

    def set_materialize_grads(self, _):
        pass


def elu_inputs(rng):
    z = rng.permutation(np.linspace(-2.5, 2, 20)).reshape(4, 5) + 0.03
    return {"z": z, "alpha": float(rng.uniform(0.5, 0.8))}


def two_alphas(rng):
    """One below 1, one above."""
    return {**elu_inputs(rng), "larger": float(rng.uniform(1.7, 2.3))}


@probe("ELUFunction", cases=2)
@with_gradients
def bends_what_is_negative(s, z, alpha, larger):
    apply = s.ELUFunction.apply
    return {"a": apply(tensor(z), alpha), "a_for_the_larger_alpha": apply(tensor(z), larger)}


@bends_what_is_negative.inputs
def _(rng):
    return two_alphas(rng)


@probe("ELUFunction", cases=2)
@with_gradients
def multiplies_the_gradient_by_the_slope(s, z, alpha, dout):
    at, upstream = leaf(z), tensor(dout)
    s.ELUFunction.apply(at, alpha).backward(upstream)
    return {"dz": at.grad, "dout_afterwards": upstream}


@multiplies_the_gradient_by_the_slope.inputs
def _(rng):
    return {**elu_inputs(rng), "dout": rng.normal(size=(4, 5))}


@probe("ELUFunction", cases=1)
@with_gradients
def keeps_what_two_calls_save_apart(s, z, alpha, larger, dout):
    """Two layers go forward before the first of them goes backward."""
    first, second = leaf(z), leaf(z[::-1].copy())
    outputs = s.ELUFunction.apply(first, alpha), s.ELUFunction.apply(second, larger)
    for a in outputs:
        a.backward(tensor(dout))
    return {"dz_of_the_first_call": first.grad, "dz_of_the_second_call": second.grad}


@keeps_what_two_calls_save_apart.inputs
def _(rng):
    return {**two_alphas(rng), "dout": rng.normal(size=(4, 5))}


@probe("ELUFunction", cases=1)
@with_gradients
def has_the_slope_alpha_at_0(s, z, alpha, dout):
    at = leaf(z)
    a = s.ELUFunction.apply(at, alpha)
    a.backward(tensor(dout))
    return {"a": a, "dz": at.grad}


@has_the_slope_alpha_at_0.inputs
def _(rng):
    z = np.array([0.5, 0.0, -0.5, 0.0])
    return {"z": z, "alpha": float(rng.uniform(0.5, 0.8)), "dout": rng.normal(0, 1, 4) + 2}


@probe("ELUFunction", cases=1)
@with_gradients
def stays_finite_for_1000(s, z, alpha, dout):
    at = leaf(z)
    a = s.ELUFunction.apply(at, alpha)
    a.backward(tensor(dout))
    return {"a": a, "dz": at.grad}


@stays_finite_for_1000.inputs
def _(rng):
    z = np.array([1000.0, -1000.0, 3.0, -3.0])
    return {"z": z, "alpha": float(rng.uniform(0.5, 0.8)), "dout": rng.normal(0, 1, 4) + 2}


@probe("ELUFunction", cases=1)
@with_gradients
def keeps_the_digits_of_tiny_numbers(s, z, alpha):
    a = s.ELUFunction.apply(tensor(z), alpha)
    return {"a_divided_by_z": a / tensor(z)}


@keeps_the_digits_of_tiny_numbers.inputs
def _(rng):
    return {"z": -np.array([1e-17, 1e-12, 1e-9]), "alpha": float(rng.uniform(0.5, 0.8))}


@probe("ELUFunction", cases=1, rtol=1e-4)
@with_gradients
def keeps_the_precision(s, z, alpha):
    import torch

    at = tensor(z).float().requires_grad_()
    a = s.ELUFunction.apply(at, alpha)
    a.backward(torch.ones_like(a))
    context, half = Context(), tensor(z).half()
    s.ELUFunction.forward(context, half, alpha)
    dz = s.ELUFunction.backward(context, torch.ones_like(half))
    dz = one_tensor(dz[0] if isinstance(dz, (tuple, list)) else dz)
    return {
        "a_has_32_bits": fact(a.dtype == torch.float32),
        "dz_of_16_bits_has_16_bits": fact(dz.dtype == torch.float16),
        "z_afterwards": at,
    }


@keeps_the_precision.inputs
def _(rng):
    return elu_inputs(rng)


@probe("ELUFunction", cases=1)
@with_gradients
def returns_a_gradient_for_each_argument(s, z, alpha):
    context = Context()
    a = s.ELUFunction.forward(context, tensor(z), alpha)
    found = s.ELUFunction.backward(context, a)
    return {"number_of_gradients": len(found) if isinstance(found, (tuple, list)) else 1}


@returns_a_gradient_for_each_argument.inputs
def _(rng):
    return elu_inputs(rng)


def no_norm(channels):
    from torch import nn

    return nn.Identity(channels)


CHILDREN = ("conv1", "norm1", "conv2", "norm2", "shortcut")


def residual_block(s, numbers, *sizes, **settings):
    """Their block in 64 bits with the numbers of each parameter and buffer, whatever the order is.

    What a child holds counts: it may be known by a second name."""
    import torch

    block = s.ResidualBlock(*sizes, **settings).double()
    children = ((child, getattr(block, child, None)) for child in CHILDREN)
    named = [(child, part.state_dict()) for child, part in children if part is not None]
    with torch.no_grad():
        for child, name, values in ((child, *item) for child, state in named for item in state.items()):
            if values.dtype == torch.float64:
                start = sum(map(ord, child + name[-3:]))
                own = tensor(np.resize(np.roll(numbers, -start), values.numel())).reshape(values.shape)
                values.copy_(own.abs() + 0.3 if "running_var" in name else own)
    return block


def images_for_a_block(rng, C=3):
    """Both signs, and means that are not 0, so that what a ReLU or a norm does to them shows."""
    return {"x": rng.normal(0.3, 1, (3, C, 6, 4)), "numbers": numbers_for(rng)}


def parameters_of_children(block):
    """By name, whatever other names they have."""
    return {
        f"{child}.{name}": p for child in CHILDREN for name, p in getattr(block, child).named_parameters()
    }


@probe("ResidualBlock", cases=2, rtol=ROUNDING)
@with_gradients
def adds_branch_and_shortcut(s, x, numbers):
    return {"y": residual_block(s, numbers, 3, 3, norm=no_norm)(tensor(x))}


@adds_branch_and_shortcut.inputs
def _(rng):
    return images_for_a_block(rng)


@probe("ResidualBlock", cases=1, rtol=ROUNDING)
@with_gradients
def normalizes_behind_each_convolution(s, x, numbers):
    found = {}
    for kind, sizes in {"": (3, 3), "_of_a_block_that_projects": (3, 4, 2)}.items():
        block = residual_block(s, numbers, *sizes)
        found[f"y_in_training{kind}"] = block.train()(tensor(x))
        found[f"y_in_evaluation{kind}"] = block.eval()(tensor(x))
    return found


@normalizes_behind_each_convolution.inputs
def _(rng):
    return images_for_a_block(rng)


@probe("ResidualBlock", cases=1, rtol=ROUNDING)
@with_gradients
def projects_where_channels_or_stride_change(s, x, numbers):
    changes = {"channels": (3, 5), "stride": (3, 3, 2), "both": (3, 4, 2)}
    return {
        f"y_where_{name}_change": residual_block(s, numbers, *sizes, norm=no_norm)(tensor(x))
        for name, sizes in changes.items()
    }


@projects_where_channels_or_stride_change.inputs
def _(rng):
    return images_for_a_block(rng)


@probe("ResidualBlock", cases=1, rtol=ROUNDING)
@with_gradients
def passes_all_gradients(s, x, numbers, dout):
    found = {}
    for kind, out_channels in {"": 3, "_of_a_block_that_projects": 4}.items():
        block, at = residual_block(s, numbers, 3, out_channels, norm=no_norm), leaf(x)
        block(at * 1.0).backward(tensor(dout[:, :out_channels]))
        found[f"x.grad{kind}"] = at.grad
        for name, p in parameters_of_children(block).items():
            found[f"{name}.grad{kind}"] = gradient_of(p)
    return found


@passes_all_gradients.inputs
def _(rng):
    return {**images_for_a_block(rng), "dout": rng.normal(size=(3, 4, 6, 4))}


@probe("ResidualBlock", cases=1)
@with_gradients
def has_the_children_and_the_parameters_that_it_needs(s, channels):
    import torch

    found = {}
    for kind, (C, M, *stride) in {"same": (2, 2), "other_channels": channels, "stride": (2, 2, 2)}.items():
        block = s.ResidualBlock(C, M, *stride)
        named = parameters_of_children(block)
        found |= {f"{kind}_{name}": np.array(p.shape) for name, p in sorted(named.items())}
        found[f"{kind}_number_of_parameters"] = len(list(block.parameters()))
        for name, inputs in {"conv1": C, "conv2": M, "shortcut": C, "norm1": M, "norm2": M}.items():
            maps = getattr(block, name)(torch.zeros(2, inputs, 6, 5))
            found[f"{kind}_shape_of_what_{name}_gives"] = np.array(maps.shape)
    return found


@has_the_children_and_the_parameters_that_it_needs.inputs
def _(rng):
    return {"channels": [2, 3]}


@probe("ResidualBlock", cases=1)
@with_gradients
def makes_two_norms_of_the_kind_that_is_given(s, channels):
    from torch import nn

    asked = []

    def norm(C):
        asked.append(C)
        return nn.GroupNorm(1, C)

    given, plain = s.ResidualBlock(*channels, norm=norm), s.ResidualBlock(2, 2)
    batch_norms = [m for m in plain.modules() if isinstance(m, nn.BatchNorm2d)]
    return {
        "new_batch_norms_begin_with_gamma_1": fact(all((m.weight == 1).all() for m in batch_norms)),
        "new_batch_norms_begin_with_beta_0": fact(all((m.bias == 0).all() for m in batch_norms)),
        "new_kernels_are_drawn": fact(all(p.all() for p in plain.parameters() if p.ndim == 4)),
        "group_norms_of_a_block_that_asks_for_them": sum(
            isinstance(m, nn.GroupNorm) for m in given.modules()
        ),
        "batch_norms_of_a_new_block": len(batch_norms),
        "numbers_that_norm_was_called_with": np.array(asked),
    }


@makes_two_norms_of_the_kind_that_is_given.inputs
def _(rng):
    return {"channels": [2, 3]}


@probe("ResidualBlock", cases=1, rtol=ROUNDING)
@with_gradients
def leaves_its_input_as_it_is(s, x, numbers):
    images = tensor(x)
    y = residual_block(s, numbers, 3, 3, norm=no_norm)(images)
    return {"x_afterwards": images, "y": y}


@leaves_its_input_as_it_is.inputs
def _(rng):
    return images_for_a_block(rng)


def blocks_of_somebody_else(numbers):
    """By name, blocks with every kind of end, and two modules that are no blocks."""
    from torch import nn

    class Block(nn.Module):
        def __init__(self, norm2, bias=False):
            super().__init__()
            self.conv1, self.norm1 = nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2)
            self.conv2, self.norm2 = nn.Conv2d(2, 2, 3, padding=1, bias=bias), norm2
            self.shortcut = nn.Conv2d(2, 2, 1)

        def forward(self, x):
            return self.shortcut(x) + self.norm2(self.conv2(self.norm1(self.conv1(x)).tanh()))

    parts = {
        "batch_norm": Block(nn.BatchNorm2d(2)),
        "group_norm": Block(nn.GroupNorm(1, 2), bias=True),
        "no_norm": Block(nn.Identity()),
        "no_norm_and_a_bias": Block(nn.Identity(), bias=True),
        "a_norm_without_weight": Block(nn.BatchNorm2d(2, affine=False), bias=True),
        "conv2_alone": nn.ModuleDict({"conv2": nn.Conv2d(2, 2, 1), "other": nn.BatchNorm2d(2)}),
        "norm2_alone": nn.ModuleDict({"conv1": nn.Conv2d(2, 2, 1), "norm2": nn.BatchNorm2d(2)}),
    }
    return {name: filled(part, numbers) for name, part in parts.items()}


def nested(*parts):
    from torch import nn

    return nn.Sequential(parts[0], nn.Sequential(nn.ReLU(), nn.Sequential(*parts[1:])))


def ends_of(s, numbers, *kinds):
    """What blocks hold afterwards, all but norm1: of each kind one on top and one deep inside."""
    from torch import nn

    deep, top = blocks_of_somebody_else(numbers), blocks_of_somebody_else(numbers)
    inner = nested(nn.ReLU(), *(deep[kind] for kind in kinds))
    s.zero_init_residual(nn.Sequential(inner, *(top[kind] for kind in kinds)))
    return {
        f"{name}_with_{kind}_{place}": value
        for place, parts in {"on_top": top, "deep_inside": deep}.items()
        for kind in kinds
        for name, value in parts[kind].named_parameters()
        if name.split(".")[0] != "norm1"
    }


@probe("zero_init_residual", cases=1)
@with_gradients
def sets_norm2_to_0_where_it_has_a_weight(s, numbers):
    return ends_of(s, numbers, "batch_norm", "group_norm")


@sets_norm2_to_0_where_it_has_a_weight.inputs
def _(rng):
    return {"numbers": numbers_for(rng)}


@probe("zero_init_residual", cases=1)
@with_gradients
def sets_conv2_to_0_where_there_is_no_norm(s, numbers):
    return ends_of(s, numbers, "batch_norm", "no_norm_and_a_bias")


@sets_conv2_to_0_where_there_is_no_norm.inputs
def _(rng):
    return {"numbers": numbers_for(rng)}


@probe("zero_init_residual", cases=1)
@with_gradients
def takes_a_conv2_without_bias(s, numbers):
    return ends_of(s, numbers, "batch_norm", "no_norm")


@takes_a_conv2_without_bias.inputs
def _(rng):
    return {"numbers": numbers_for(rng)}


@probe("zero_init_residual", cases=1)
@with_gradients
def takes_a_norm_without_affine_parameters(s, numbers):
    return ends_of(s, numbers, "batch_norm", "a_norm_without_weight")


@takes_a_norm_without_affine_parameters.inputs
def _(rng):
    return {"numbers": numbers_for(rng)}


@probe("zero_init_residual", cases=1)
@with_gradients
def makes_a_block_its_shortcut(s, numbers, x):
    parts = blocks_of_somebody_else(numbers)
    found = {}
    for kind in ("batch_norm", "group_norm"):
        s.zero_init_residual(parts[kind])
        found[f"y_with_{kind}"] = parts[kind].train()(tensor(x))
    return found


@makes_a_block_its_shortcut.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "x": rng.normal(size=(2, 2, 3, 4))}


@probe("zero_init_residual", cases=1)
@with_gradients
def leaves_all_other_layers_as_they_are(s, numbers):
    parts = blocks_of_somebody_else(numbers)
    block, others = parts["batch_norm"], (parts["conv2_alone"], parts["norm2_alone"])
    s.zero_init_residual(nested(block, *others))
    return {
        "first_half_of_the_branch": flat([*block.conv1.parameters(), *block.norm1.parameters()]),
        "shortcut": flat(block.shortcut.parameters()),
        "running_statistics": flat(block.buffers()),
        "a_module_with_conv2_alone": flat(others[0].parameters()),
        "a_module_with_norm2_alone": flat(others[1].parameters()),
    }


@leaves_all_other_layers_as_they_are.inputs
def _(rng):
    return {"numbers": numbers_for(rng)}


@probe("zero_init_residual", cases=1)
@with_gradients
def keeps_the_parameters_as_they_are(s, numbers):
    import torch

    parts = blocks_of_somebody_else(numbers)
    model = nested(*(parts[kind] for kind in ("batch_norm", "group_norm")))
    parts["group_norm"].norm2.weight.requires_grad_(False)
    before = list(model.parameters())
    s.zero_init_residual(model)
    after = list(model.parameters())
    return {
        "gradients_are_on_afterwards": fact(torch.is_grad_enabled()),
        "parameters_that_are_the_same": sum(p is q for p, q in zip(before, after, strict=False)),
        "parameters_that_ask_for_a_gradient": np.array([p.requires_grad for p in after]),
        "parameters_with_a_graph": sum(p.grad_fn is not None for p in after),
        "modes": np.array([m.training for m in model.modules()]),
    }


@keeps_the_parameters_as_they_are.inputs
def _(rng):
    return {"numbers": numbers_for(rng)}


@probe("zero_init_residual", cases=1)
@with_gradients
def counts_the_blocks(s, numbers):
    from torch import nn

    parts = blocks_of_somebody_else(numbers)
    four = list(blocks_of_somebody_else(numbers).values())[:4]
    counts = {"four_blocks": nn.Sequential(*four[:3], nested(nn.ReLU(), four[3]))}
    counts["one_block"] = parts["batch_norm"]
    outer, inner = blocks_of_somebody_else(numbers)["no_norm"], parts["a_norm_without_weight"]
    outer.conv1 = inner
    counts["a_block_with_a_block_inside"] = outer
    counts["no_block"] = nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2))
    return {f"blocks_in_{name}": s.zero_init_residual(part) for name, part in counts.items()}


@counts_the_blocks.inputs
def _(rng):
    return {"numbers": numbers_for(rng)}
