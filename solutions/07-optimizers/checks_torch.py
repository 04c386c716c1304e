"""What the checks ask of the PyTorch notebook, and the inputs they ask it on.

Inputs: several steps, gradients that change their sign and size (a spike, then small ones), learning rates
that change, an eps that can be seen, and settings that are neither a half nor each other's complement."""

import numpy as np

from autograder import probe


def signed(rng, low, high, *shape):
    """Numbers of both signs, none near zero."""
    return rng.uniform(low, high, shape) * rng.choice([-1.0, 1.0], shape)


def decay(rng):
    """How much is kept: not near a half, nor what is usual."""
    return float(rng.uniform(0.65, 0.8))


def tensor(array):
    """A tensor with memory of its own: optimizers change things in place."""
    import torch

    return torch.tensor(array)


def fact(value):
    return np.array(bool(value))


def as_parameters(arrays):
    import torch

    return [torch.nn.Parameter(tensor(array)) for array in arrays]


def descend(optimizer, params, slopes, rates, present=None):
    """Each parameter after every step, (steps, ...), by name.

    slopes: for each parameter a gradient per step. rates: each is the rate of the first group; those of
    others change in proportion. present: (steps, parameters), which gradients are there; None: all."""
    import torch

    found = [[] for _ in params]
    first = optimizer.param_groups[0]["lr"]
    proportions = [group["lr"] / first for group in optimizer.param_groups]
    for t, rate in enumerate(rates):
        for group, proportion in zip(optimizer.param_groups, proportions, strict=True):
            group["lr"] = rate * proportion
        for number, (p, rows) in enumerate(zip(params, slopes, strict=True)):
            p.grad = tensor(rows[t]) if present is None or present[t, number] else None
        optimizer.step()
        for p, rows in zip(params, found, strict=True):
            rows.append(p.detach().clone())
    return {f"w{number}": torch.stack(rows) for number, rows in enumerate(found)}


def walks(kind, starts, slopes, rates, present=None, **settings):
    """The paths of parameters that start at `starts`, with an optimizer of this kind."""
    params = as_parameters(starts)
    return descend(kind(params, lr=rates[0], **settings), params, slopes, rates, present)


def walks_of_groups(kind, starts, slopes, rates, factor, first, second):
    """The paths where the first parameter has other settings than the rest, and a rate of its own."""
    params = as_parameters(starts)
    groups = [{"params": params[:1], **first}, {"params": params[1:], "lr": factor * rates[0], **second}]
    return descend(kind(groups, lr=rates[0]), params, slopes, rates)


def walks_after_loading(kind, starts, slopes, rates, **settings):
    """The paths where a new optimizer walks the second half: it has loaded the state of the first half's."""
    import torch

    half = len(rates) // 2
    params = as_parameters(starts)
    old = kind(params, lr=rates[0], **settings)
    before = descend(old, params, slopes, rates[:half])
    copies = as_parameters([p.detach().numpy() for p in params])
    new = kind(copies, lr=rates[0], **settings)
    new.load_state_dict(old.state_dict())
    later = [rows[half:] for rows in slopes]
    after = descend(new, copies, later, rates[half:])
    return {name: torch.cat([before[name], after[name]]) for name in before}


def side_effects(kind, start, slope, lr, **settings):
    """What one step does besides moving the parameter."""
    import torch

    (p,) = as_parameters([start])
    alias = p.detach()
    p.grad = tensor(slope)
    optimizer = kind([p], lr=lr, **settings)
    optimizer.step()
    kept = [value for value in optimizer.state[p].values() if torch.is_tensor(value)]
    return {
        "the_numbers_are_changed_in_place": fact(alias.data_ptr() == p.data_ptr()),
        "the_parameter_still_requires_a_gradient": fact(p.requires_grad and p.is_leaf),
        "something_that_is_kept_has_a_graph": fact(any(value.requires_grad for value in kept)),
        "gradients_are_recorded_afterwards": fact(torch.is_grad_enabled()),
        "gradient": p.grad,
    }


def walk_with_one_gradient_tensor(kind, start, slopes, rates, **settings):
    """The path where each new gradient is written into the same tensor."""
    (p,) = as_parameters([start])
    optimizer = kind([p], lr=rates[0], **settings)
    p.grad = tensor(slopes[0])
    points = []
    for slope in slopes:
        p.grad.copy_(tensor(slope))
        optimizer.step()
        points.append(p.detach().numpy().copy())
    return {"w": np.stack(points)}


def steps_on_another_device(kind, shape, **settings):
    """Two steps on a device that computes shapes only, beside the CPU: as on a GPU."""
    import torch

    p = torch.nn.Parameter(torch.empty(*shape, device="meta"))
    p.grad = torch.empty(*shape, device="meta")
    optimizer = kind([p], **settings)
    optimizer.step()
    optimizer.step()
    kept = [value for value in optimizer.state[p].values() if torch.is_tensor(value) and value.ndim]
    return {
        "shape": np.array(p.shape),
        "what_is_kept_is_on_the_device_of_the_parameter": fact(all(v.device == p.device for v in kept)),
    }


def refusals(kind, asked, named):
    """What a class says to settings: asked has a name for each with the value in question and the settings.

    named: the settings whose error must say which value came."""
    found = {}
    for name, (value, settings) in asked.items():
        error = None
        try:
            kind(as_parameters([np.ones(2)]), **settings)
        except (ValueError, AssertionError) as caught:
            error = caught
        is_kind = isinstance(error, ValueError)
        found[f"{name}_is_refused"] = fact(error is not None)
        found[f"the_error_for_{name}_is_no_ValueError"] = fact(error is not None and not is_kind)
        if name in named:
            found[f"the_error_for_{name}_says_what_came"] = fact(not is_kind or f"{value:g}" in str(error))
    return found


def training(rng, *shapes):
    """Starts of parameters, gradients and rates of eight steps: a spike, then small gradients."""
    sizes = np.array([1, 0.6, 6, 0.5, 0.2, 0.3, 0.1, 0.4])
    slopes = [sizes.reshape(8, *[1] * len(shape)) * signed(rng, 0.5, 1.5, 8, *shape) for shape in shapes]
    rates = np.array([1, 1, 0.5, 0.5, 2, 0.3, 0.3, 1.5]) * rng.uniform(0.1, 0.2)
    return {"starts": [signed(rng, 1, 3, *shape) for shape in shapes], "slopes": slopes, "rates": rates}


def friction(rng):
    """A momentum that is far from a half and not the usual one."""
    return float(rng.uniform(0.65, 0.8))


def pull(rng):
    """A weight decay that can be seen."""
    return float(rng.uniform(0.2, 0.4))


@probe("SGD", cases=2)
def steps_against_every_gradient(s, starts, slopes, rates):
    return walks(s.SGD, starts, slopes, rates)


@steps_against_every_gradient.inputs
def _(rng):
    return training(rng, (3, 4), (5,))


@probe("SGD", cases=2)
def has_a_velocity_for_every_parameter(s, starts, slopes, rates, momentum):
    return walks(s.SGD, starts, slopes, rates, momentum=momentum)


@has_a_velocity_for_every_parameter.inputs
def _(rng):
    return {**training(rng, (2, 3), (2, 3), (2, 3)), "momentum": friction(rng)}


@probe("SGD", cases=2)
def looks_ahead_as_nesterov(s, starts, slopes, rates, momentum):
    return walks(s.SGD, starts, slopes, rates, momentum=momentum, nesterov=True)


@looks_ahead_as_nesterov.inputs
def _(rng):
    return {**training(rng, (4,), (2, 3)), "momentum": friction(rng)}


@probe("SGD", cases=1)
def adds_weight_decay_to_the_gradient(s, starts, slopes, rates, momentum, weight_decay):
    decay = {"weight_decay": weight_decay}
    return {
        "without_momentum": walks(s.SGD, starts, slopes, rates, **decay)["w0"],
        "with_momentum": walks(s.SGD, starts, slopes, rates, momentum=momentum, **decay)["w0"],
        "with_nesterov": walks(s.SGD, starts, slopes, rates, momentum=momentum, nesterov=True, **decay)["w0"],
    }


@adds_weight_decay_to_the_gradient.inputs
def _(rng):
    given = training(rng, (3, 2))
    given["slopes"][0][4:7] = 0
    return {**given, "momentum": friction(rng), "weight_decay": pull(rng)}


@probe("SGD", cases=1)
def goes_on_from_a_kept_velocity(s, start, velocity, slope, lr, momentum):
    (p,) = as_parameters([start])
    optimizer = s.SGD([p], lr=lr, momentum=momentum)
    optimizer.state[p]["momentum_buffer"] = tensor(velocity)
    p.grad = tensor(slope)
    optimizer.step()
    return {"w": p, "momentum_buffer": optimizer.state[p]["momentum_buffer"]}


@goes_on_from_a_kept_velocity.inputs
def _(rng):
    return {
        "start": signed(rng, 1, 3, 5),
        "velocity": signed(rng, 1, 3, 5),
        "slope": signed(rng, 0.4, 1.5, 5),
        "lr": float(rng.uniform(0.2, 0.4)),
        "momentum": friction(rng),
    }


@probe("SGD", cases=1)
def loads_a_saved_velocity(s, starts, slopes, rates, momentum):
    return walks_after_loading(s.SGD, starts, slopes, rates, momentum=momentum)


@loads_a_saved_velocity.inputs
def _(rng):
    return {**training(rng, (3,), (2, 2)), "momentum": friction(rng)}


@probe("SGD", cases=1)
def heeds_the_settings_of_each_group(s, starts, slopes, rates, factor, momentum, weight_decay):
    second = {"momentum": momentum, "weight_decay": weight_decay, "nesterov": True}
    return walks_of_groups(s.SGD, starts, slopes, rates, factor, {}, second)


@heeds_the_settings_of_each_group.inputs
def _(rng):
    given = training(rng, (3,), (3,), (2, 2))
    return {**given, "factor": 0.3, "momentum": friction(rng), "weight_decay": pull(rng)}


def sometimes_absent(rng, steps, count):
    """Which gradients are there: the first parameter lacks one at the start and two later, others never."""
    present = np.ones((steps, count), dtype=bool)
    present[[0, 3, 4], 0] = False
    return present


@probe("SGD", cases=1)
def passes_over_parameters_without_a_gradient(s, starts, slopes, rates, present, momentum, weight_decay):
    settings = {"momentum": momentum, "weight_decay": weight_decay}
    return walks(s.SGD, starts, slopes, rates, present, **settings)


@passes_over_parameters_without_a_gradient.inputs
def _(rng):
    given = training(rng, (3,), (2, 2))
    return {
        **given,
        "present": sometimes_absent(rng, 8, 2),
        "momentum": friction(rng),
        "weight_decay": pull(rng),
    }


@probe("SGD", cases=1)
def changes_the_parameter_in_place_and_nothing_else(s, start, slope, lr, momentum, weight_decay):
    return side_effects(s.SGD, start, slope, lr, momentum=momentum, weight_decay=weight_decay)


@changes_the_parameter_in_place_and_nothing_else.inputs
def _(rng):
    return {
        "start": signed(rng, 1, 3, 2, 3),
        "slope": signed(rng, 1, 3, 2, 3),
        "lr": 0.2,
        "momentum": friction(rng),
        "weight_decay": pull(rng),
    }


@probe("SGD", cases=1)
def keeps_a_velocity_of_its_own(s, start, slopes, rates, momentum):
    return walk_with_one_gradient_tensor(s.SGD, start, slopes, rates, momentum=momentum)


@keeps_a_velocity_of_its_own.inputs
def _(rng):
    given = training(rng, (4,))
    return {
        "start": given["starts"][0],
        "slopes": given["slopes"][0],
        "rates": given["rates"],
        "momentum": friction(rng),
    }


@probe("SGD", cases=1)
def keeps_the_velocity_on_the_device_of_its_parameter(s, shape, lr, momentum):
    return steps_on_another_device(s.SGD, shape, lr=lr, momentum=momentum)


@keeps_the_velocity_on_the_device_of_its_parameter.inputs
def _(rng):
    return {"shape": [3, 5], "lr": 0.1, "momentum": 0.7}


@probe("SGD", cases=1)
def refuses_a_negative_learning_rate(s, outside, inside):
    asked = {f"lr_{lr:g}": (lr, {"lr": lr}) for lr in (*outside, *inside)}
    return refusals(s.SGD, asked, [f"lr_{lr:g}" for lr in outside])


@refuses_a_negative_learning_rate.inputs
def _(rng):
    return {"outside": [-0.3, -7.0], "inside": [0.0, 0.1, 30.0]}


@probe("SGD", cases=1, hidden=True)
def has_no_momentum_and_no_decay_by_default(s, starts, slopes, rates):
    params = as_parameters(starts)
    return descend(s.SGD(params, rates[0]), params, slopes, rates)


@has_no_momentum_and_no_decay_by_default.inputs
def _(rng):
    return training(rng, (3,), (2, 2))


def averages(rng):
    """Two betas, not each other's complement, far from a half and not the usual ones."""
    return [float(rng.uniform(0.65, 0.8)), float(rng.uniform(0.86, 0.94))]


def adam_training(rng, *shapes):
    """As `training`, where the first number of each parameter has the gradient zero throughout.

    It tells 0 / 0, of a count from 0, from the roots of negative numbers: of these, 0 is none."""
    given = training(rng, *shapes)
    for rows in given["slopes"]:
        rows.reshape(len(rows), -1)[:, 0] = 0
    return given


def adam_settings(betas, eps, weight_decay=0.0):
    return {"betas": tuple(betas), "eps": eps, "weight_decay": weight_decay}


@probe("AdamW", cases=2)
def walks_as_adam_without_decay(s, starts, slopes, rates, betas, eps):
    return walks(s.AdamW, starts, slopes, rates, **adam_settings(betas, eps))


@walks_as_adam_without_decay.inputs
def _(rng):
    given = adam_training(rng, (3, 4), (5,))
    return {**given, "betas": averages(rng), "eps": float(rng.uniform(0.02, 0.05))}


@probe("AdamW", cases=2)
def shrinks_the_weights_besides(s, starts, slopes, rates, betas, eps, weight_decay):
    return walks(s.AdamW, starts, slopes, rates, **adam_settings(betas, eps, weight_decay))


@shrinks_the_weights_besides.inputs
def _(rng):
    given = adam_training(rng, (4,), (2, 3))
    return {
        **given,
        "betas": averages(rng),
        "eps": float(rng.uniform(0.02, 0.05)),
        "weight_decay": pull(rng),
    }


@probe("AdamW", cases=1)
def has_averages_for_every_parameter(s, starts, slopes, rates, betas, eps):
    return walks(s.AdamW, starts, slopes, rates, **adam_settings(betas, eps))


@has_averages_for_every_parameter.inputs
def _(rng):
    given = adam_training(rng, (2, 3), (2, 3), (2, 3))
    return {**given, "betas": averages(rng), "eps": float(rng.uniform(0.02, 0.05))}


@probe("AdamW", cases=1)
def stands_still_where_the_gradient_is_zero(s, starts, slopes, rates, betas, eps):
    return walks(s.AdamW, starts, slopes, rates, **adam_settings(betas, eps))


@stands_still_where_the_gradient_is_zero.inputs
def _(rng):
    given = training(rng, (4,))
    given["slopes"][0][:, 1] = 0
    return {**given, "betas": averages(rng), "eps": float(rng.uniform(0.02, 0.05))}


@probe("AdamW", cases=2)
def goes_on_from_kept_averages(s, start, step, mean, square, slope, lr, betas, eps, weight_decay):
    (p,) = as_parameters([start])
    optimizer = s.AdamW([p], lr=lr, **adam_settings(betas, eps, weight_decay))
    optimizer.state[p].update(step=step, exp_avg=tensor(mean), exp_avg_sq=tensor(square))
    p.grad = tensor(slope)
    optimizer.step()
    state = optimizer.state[p]
    return {
        "w": p,
        "step": np.array(int(state["step"])),
        "exp_avg": state["exp_avg"],
        "exp_avg_sq": state["exp_avg_sq"],
    }


@goes_on_from_kept_averages.inputs
def _(rng):
    return {
        "start": signed(rng, 1, 3, 5),
        "step": int(rng.integers(2, 6)),
        "mean": signed(rng, 0.3, 1, 5),
        "square": rng.uniform(0.5, 2, 5),
        "slope": signed(rng, 0.4, 1.5, 5),
        "lr": float(rng.uniform(0.2, 0.4)),
        "betas": averages(rng),
        "eps": float(rng.uniform(0.02, 0.05)),
        "weight_decay": pull(rng),
    }


@probe("AdamW", cases=1)
def loads_saved_averages(s, starts, slopes, rates, betas, eps):
    return walks_after_loading(s.AdamW, starts, slopes, rates, **adam_settings(betas, eps))


@loads_saved_averages.inputs
def _(rng):
    return {**adam_training(rng, (3,), (2, 2)), "betas": averages(rng), "eps": float(rng.uniform(0.02, 0.05))}


@probe("AdamW", cases=1)
def heeds_the_settings_of_each_of_its_groups(s, starts, slopes, rates, factor, betas, eps, weight_decay):
    first, second = (adam_settings(betas[k], eps[k], weight_decay[k]) for k in (0, 1))
    return walks_of_groups(s.AdamW, starts, slopes, rates, factor, first, second)


@heeds_the_settings_of_each_of_its_groups.inputs
def _(rng):
    return {
        **adam_training(rng, (3,), (3,), (2, 2)),
        "factor": 0.3,
        "betas": np.array([averages(rng), [0.55, 0.83]]),
        "eps": np.array([0.02, 0.05]),
        "weight_decay": np.array([0.0, pull(rng)]),
    }


@probe("AdamW", cases=1)
def leaves_a_parameter_without_a_gradient_alone(s, starts, slopes, rates, present, betas, eps, weight_decay):
    return walks(s.AdamW, starts, slopes, rates, present, **adam_settings(betas, eps, weight_decay))


@leaves_a_parameter_without_a_gradient_alone.inputs
def _(rng):
    """The first never has one, so that every way to count steps is right."""
    return {
        **adam_training(rng, (3,), (2, 2)),
        "present": np.tile([False, True], (8, 1)),
        "betas": averages(rng),
        "eps": float(rng.uniform(0.02, 0.05)),
        "weight_decay": pull(rng),
    }


@probe("AdamW", cases=1)
def counts_the_steps_of_each_parameter(s, starts, slopes, rates, present, betas, eps, weight_decay):
    return walks(s.AdamW, starts, slopes, rates, present, **adam_settings(betas, eps, weight_decay))


@counts_the_steps_of_each_parameter.inputs
def _(rng):
    return {
        **adam_training(rng, (3,), (2, 2)),
        "present": sometimes_absent(rng, 8, 2),
        "betas": averages(rng),
        "eps": float(rng.uniform(0.02, 0.05)),
        "weight_decay": pull(rng),
    }


@probe("AdamW", cases=1)
def changes_its_parameter_in_place_and_nothing_else(s, start, slope, lr, betas, eps, weight_decay):
    return side_effects(s.AdamW, start, slope, lr, **adam_settings(betas, eps, weight_decay))


@changes_its_parameter_in_place_and_nothing_else.inputs
def _(rng):
    return {
        "start": signed(rng, 1, 3, 2, 3),
        "slope": signed(rng, 1, 3, 2, 3),
        "lr": 0.2,
        "betas": averages(rng),
        "eps": 0.03,
        "weight_decay": pull(rng),
    }


@probe("AdamW", cases=1)
def keeps_averages_of_its_own(s, start, slopes, rates, betas, eps):
    return walk_with_one_gradient_tensor(s.AdamW, start, slopes, rates, **adam_settings(betas, eps))


@keeps_averages_of_its_own.inputs
def _(rng):
    given = adam_training(rng, (4,))
    return {
        "start": given["starts"][0],
        "slopes": given["slopes"][0],
        "rates": given["rates"],
        "betas": averages(rng),
        "eps": 0.03,
    }


@probe("AdamW", cases=1)
def keeps_its_averages_on_the_device_of_their_parameter(s, shape, lr):
    return steps_on_another_device(s.AdamW, shape, lr=lr)


@keeps_its_averages_on_the_device_of_their_parameter.inputs
def _(rng):
    return {"shape": [3, 5], "lr": 0.1}


@probe("AdamW", cases=1)
def refuses_settings_that_make_no_sense(s, rates, betas):
    first, second = betas
    asked = {f"lr_{lr:g}": (lr, {"lr": lr}) for lr in rates}
    asked |= {f"beta1_{beta:g}": (beta, {"betas": (beta, 0.9)}) for beta in first}
    asked |= {f"beta2_{beta:g}": (beta, {"betas": (0.7, beta)}) for beta in second}
    return refusals(s.AdamW, asked, asked)


@refuses_settings_that_make_no_sense.inputs
def _(rng):
    return {"rates": [-0.3, 0.0, 30.0], "betas": np.array([[-0.2, 0.0, 1.0], [-0.4, 0.0, 1.3]])}


@probe("AdamW", cases=1, hidden=True)
def has_the_settings_of_torch_by_default(s, starts, slopes):
    params = as_parameters(starts)
    optimizer = s.AdamW(params)
    return descend(optimizer, params, slopes, [optimizer.param_groups[0]["lr"]] * 8)


@has_the_settings_of_torch_by_default.inputs
def _(rng):
    given = adam_training(rng, (3,), (2, 2))
    return {"starts": given["starts"], "slopes": given["slopes"]}


CLIPPED = 1e-5  # with 1e-6 in the denominator, or without


def gradients_on(arrays, absent=()):
    """Parameters of the shapes of the arrays, these as gradients; None at the places in `absent`."""
    params = as_parameters([np.full_like(array, 7.0) for array in arrays])
    for number, (p, array) in enumerate(zip(params, arrays, strict=True)):
        p.grad = None if number in absent else tensor(array)
    return params


def clipped(clip, params, max_norm):
    norm = clip(params, max_norm)
    there = [p for p in params if p.grad is not None]
    return {"norm": norm, **{f"gradient{number}": p.grad for number, p in enumerate(there)}}


def long_gradients(rng):
    return [signed(rng, 0.5, 3, *shape) for shape in ((3, 4), (5,), (2, 2, 3))]


@probe("clip_gradients", rtol=CLIPPED)
def shortens_a_long_gradient(s, slopes, max_norm):
    return clipped(s.clip_gradients, gradients_on(slopes), max_norm)


@shortens_a_long_gradient.inputs
def _(rng):
    return {"slopes": long_gradients(rng), "max_norm": float(rng.uniform(0.7, 2))}


@probe("clip_gradients", rtol=CLIPPED)
def leaves_a_short_gradient_alone(s, slopes, max_norm):
    return clipped(s.clip_gradients, gradients_on(slopes), max_norm)


@leaves_a_short_gradient_alone.inputs
def _(rng):
    """Shorter than the limit all together, with a sum of norms and of sizes that is longer."""
    slopes = long_gradients(rng)
    whole = np.sqrt(sum((slope**2).sum() for slope in slopes))
    return {"slopes": slopes, "max_norm": float(whole * rng.uniform(1.1, 1.3))}


@probe("clip_gradients", cases=2, rtol=CLIPPED)
def takes_a_generator(s, slopes, max_norm):
    params = gradients_on(slopes)
    norm = s.clip_gradients((p for p in params), max_norm)
    return {"norm": norm, **{f"gradient{number}": p.grad for number, p in enumerate(params)}}


@takes_a_generator.inputs
def _(rng):
    return {"slopes": long_gradients(rng), "max_norm": float(rng.uniform(0.7, 2))}


@probe("clip_gradients", cases=1, rtol=CLIPPED)
def passes_over_what_has_no_gradient(s, slopes, max_norm):
    return clipped(s.clip_gradients, gradients_on(slopes, absent=(0, 2)), max_norm)


@passes_over_what_has_no_gradient.inputs
def _(rng):
    slopes = [signed(rng, 0.5, 3, *shape) for shape in ((3, 4), (5,), (2, 3), (3,))]
    return {"slopes": slopes, "max_norm": float(rng.uniform(0.7, 2))}


@probe("clip_gradients", cases=1, rtol=CLIPPED)
def survives_zero_gradients_and_none_at_all(s, slopes, max_norm):
    found = clipped(s.clip_gradients, gradients_on(slopes), max_norm)
    absent = range(len(slopes))
    nothing = s.clip_gradients(gradients_on(slopes, absent), max_norm)
    return {**found, "norm_without_gradients": float(nothing)}


@survives_zero_gradients_and_none_at_all.inputs
def _(rng):
    return {"slopes": [np.zeros((2, 3)), np.zeros(4)], "max_norm": 0.8}


@probe("clip_gradients", cases=1)
def leaves_the_weights_alone(s, slopes, max_norm):
    params = gradients_on(slopes)
    s.clip_gradients(params, max_norm)
    return {f"w{number}": p for number, p in enumerate(params)}


@leaves_the_weights_alone.inputs
def _(rng):
    return {"slopes": long_gradients(rng), "max_norm": 1.3}


def network_with_everything():
    """Convolutions, several kinds of norms, blocks in blocks, parameters of its own, a shared weight.

    Class and name of a parameter together occur once."""
    from torch import nn

    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = nn.Parameter(tensor(2.0))
            self.table = nn.Parameter(tensor(np.ones((2, 3))))

    first, second = nn.Linear(4, 4), nn.Linear(4, 4, bias=False)
    second.weight = first.weight
    block = nn.Sequential(nn.Conv2d(3, 5, 2), nn.BatchNorm2d(5), nn.Sequential(nn.GroupNorm(5, 5), Scale()))
    return nn.Sequential(block, nn.Conv1d(2, 3, 4, bias=False), first, second, nn.LayerNorm(4))


@probe("parameter_groups", cases=2)
def lets_matrices_decay_and_vectors_not(s, weight_decay):
    import torch

    model = network_with_everything()
    groups = torch.optim.AdamW(s.parameter_groups(model, weight_decay), lr=0.1).param_groups
    found = {
        f"{type(layer).__name__}_{name}": [
            group["weight_decay"] for group in groups for q in group["params"] if q is p
        ]
        for layer in model.modules()
        for name, p in layer.named_parameters(recurse=False)
    }
    return {
        **{f"{name}_is_in_a_group": fact(decays) for name, decays in found.items()},
        **{f"{name}_is_there_twice": fact(len(decays) > 1) for name, decays in found.items()},
        **{f"weight_decay_of_{name}": float(max(decays, default=0)) for name, decays in found.items()},
    }


@lets_matrices_decay_and_vectors_not.inputs
def _(rng):
    return {"weight_decay": pull(rng)}


@probe("parameter_groups", cases=1)
def takes_a_model_without_vectors(s, weight_decay):
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(2, 3, bias=False), nn.Linear(3, 1, bias=False))
    groups = torch.optim.AdamW(s.parameter_groups(model, weight_decay), lr=0.1).param_groups
    return {"decays": np.array([group["weight_decay"] for group in groups for _ in group["params"]])}


@takes_a_model_without_vectors.inputs
def _(rng):
    return {"weight_decay": pull(rng)}


@probe("parameter_groups", cases=1)
def puts_the_group_that_decays_first(s, weight_decay):
    import torch

    groups = torch.optim.AdamW(s.parameter_groups(network_with_everything(), weight_decay)).param_groups
    return {"weight_decay_of_each_group": np.array([group["weight_decay"] for group in groups])}


@puts_the_group_that_decays_first.inputs
def _(rng):
    return {"weight_decay": pull(rng)}


def lopsided(scores, y):
    """A loss that tells its two arguments apart: the mean square error, and a pull of the scores downward."""
    return ((scores - y) ** 2).mean() + scores.mean() / 2


def linear_model(W, b):
    """A linear layer with the weights W (K, D) and b (K,)."""
    import torch

    model = torch.nn.Linear(W.shape[1], W.shape[0]).double()
    model.load_state_dict({"weight": tensor(W), "bias": tensor(b)})
    return model


def steps_of_training(s, W, b, batches, lr, max_norm=None, left=None):
    """Loss and weights after each step; left: what the gradient of the weights holds before the first."""
    import torch

    model = linear_model(W, b)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    if left is not None:
        model.weight.grad = tensor(left)
    losses, points = [], []
    for x, y in batches:
        limit = {} if max_norm is None else {"max_norm": max_norm}
        loss = s.train_step(model, optimizer, lopsided, tensor(x), tensor(y), **limit)
        losses.append(loss.item() if torch.is_tensor(loss) else loss)
        points.append(model.weight.detach().clone())
    found = {"loss": np.array(losses), "weights": torch.stack(points)}
    if max_norm is None:
        return found
    left = [p.grad for p in model.parameters() if p.grad is not None]
    length = sum((slope**2).sum().item() for slope in left) ** 0.5
    return {**found, "a_gradient_is_left_that_is_too_long": fact(length > 1.01 * max_norm)}


def regression(rng, *sizes):
    """Weights of a linear model and the batches to train it on."""
    batches = [(signed(rng, 0.5, 1.5, n, 4), signed(rng, 0.5, 2, n, 3)) for n in sizes]
    return {
        "W": signed(rng, 0.3, 1, 3, 4),
        "b": signed(rng, 0.3, 1, 3),
        **{f"{name}{k}": batch[j] for k, batch in enumerate(batches) for j, name in enumerate("xy")},
        "lr": float(rng.uniform(0.2, 0.4)),
    }


@probe("train_step", rtol=CLIPPED)
def steps_and_returns_the_loss_from_before(s, W, b, x0, y0, lr):
    return steps_of_training(s, W, b, [(x0, y0)], lr)


@steps_and_returns_the_loss_from_before.inputs
def _(rng):
    return regression(rng, 5)


@probe("train_step", rtol=CLIPPED)
def takes_one_batch_after_another(s, W, b, x0, y0, x1, y1, x2, y2, lr):
    return steps_of_training(s, W, b, [(x0, y0), (x1, y1), (x2, y2)], lr)


@takes_one_batch_after_another.inputs
def _(rng):
    return regression(rng, 5, 7, 2)


@probe("train_step", cases=2, rtol=CLIPPED)
def forgets_the_gradients_that_were_there(s, W, b, x0, y0, lr, left):
    return steps_of_training(s, W, b, [(x0, y0)], lr, left=left)


@forgets_the_gradients_that_were_there.inputs
def _(rng):
    return {**regression(rng, 5), "left": signed(rng, 1, 3, 3, 4)}


@probe("train_step", cases=2, rtol=CLIPPED)
def clips_between_the_gradient_and_the_step(s, W, b, x0, y0, x1, y1, lr, left, max_norm):
    return steps_of_training(s, W, b, [(x0, y0), (x1, y1)], lr, max_norm, left)


@clips_between_the_gradient_and_the_step.inputs
def _(rng):
    given = {**regression(rng, 5, 3), "left": signed(rng, 1, 3, 3, 4)}
    return {**given, "max_norm": float(rng.uniform(0.1, 0.2))}


@probe("train_step", cases=1, rtol=CLIPPED)
def goes_backward_once_and_steps_once(s, W, b, x0, y0, lr):
    import torch

    backward, steps, modes = [], [], []

    class Watched(torch.optim.SGD):
        def step(self, closure=None):
            steps.append({"early": not backward, "empty": self.param_groups[0]["params"][0].grad is None})
            return super().step(closure)

    model = linear_model(W, b)
    model.weight.register_hook(lambda _: backward.append(True))
    model.register_forward_hook(lambda *_: modes.append(model.training))
    watched = Watched(model.parameters(), lr=lr)
    loss = s.train_step(model, watched, lopsided, tensor(x0), tensor(y0))
    return {
        "times_backward": np.array(len(backward)),
        "steps": np.array(len(steps)),
        "it_steps_before_it_goes_backward": fact(any(step["early"] for step in steps)),
        "it_steps_without_a_gradient": fact(any(step["empty"] for step in steps)),
        "the_model_is_in_training_mode": fact(all(modes)),
        "is_a_float": fact(isinstance(loss, float)),
    }


@goes_backward_once_and_steps_once.inputs
def _(rng):
    return regression(rng, 5)


def from_matrix(A, b, quartic):
    """w -> quartic |w|^4 / 4 + w A w / 2 - b w, of tensors."""
    A, b = tensor(A), tensor(b)

    def f(w):
        return quartic * (w @ w) ** 2 / 4 + w @ A @ w / 2 - b @ w

    return f


def curved(rng, *curvatures):
    """A symmetric matrix with these eigenvalues and no axis of its own."""
    D = len(curvatures)
    turn, _ = np.linalg.qr(rng.normal(size=(D, D)))
    while np.abs(turn).min() < 0.15:
        turn, _ = np.linalg.qr(rng.normal(size=(D, D)))
    return turn @ np.diag(curvatures) @ turn.T


def newton_inputs(rng, *curvatures):
    A = curved(rng, *curvatures)
    return {"A": (A + A.T) / 2, "b": signed(rng, 0.5, 2, len(A)), "start": signed(rng, 1, 2, len(A))}


EXACT = 1e-7  # solved or inverted


@probe("newton_step", rtol=EXACT)
def lands_where_a_quadratic_is_flat(s, A, b, start, damping):
    return {"w": s.newton_step(from_matrix(A, b, 0.0), tensor(start), damping)}


@lands_where_a_quadratic_is_flat.inputs
def _(rng):
    return {**newton_inputs(rng, 0.5, 2.5, 6), "damping": 0.0}


@probe("newton_step", rtol=EXACT)
def adds_damping_to_every_curvature(s, A, b, start, damping):
    return {"w": s.newton_step(from_matrix(A, b, 0.0), tensor(start), damping)}


@adds_damping_to_every_curvature.inputs
def _(rng):
    return {**newton_inputs(rng, 0.5, 2.5, 6), "damping": float(rng.uniform(0.7, 1.3))}


@probe("newton_step", rtol=EXACT)
def uses_the_curvature_at_w(s, A, b, start, quartic, damping):
    return {"w": s.newton_step(from_matrix(A, b, quartic), tensor(start), damping)}


@uses_the_curvature_at_w.inputs
def _(rng):
    return {**newton_inputs(rng, 0.7, 2, 3, 5), "quartic": float(rng.uniform(0.1, 0.3)), "damping": 0.4}


@probe("newton_step", cases=2, rtol=EXACT)
def goes_to_a_saddle_as_well(s, A, b, start, damping):
    return {"w": s.newton_step(from_matrix(A, b, 0.0), tensor(start), damping)}


@goes_to_a_saddle_as_well.inputs
def _(rng):
    return {**newton_inputs(rng, -3, 1.5, 4), "damping": 0.0}


@probe("newton_step", cases=1, rtol=EXACT)
def returns_a_new_tensor_without_a_graph(s, A, b, start, damping):
    (w,) = as_parameters([start])
    new = s.newton_step(from_matrix(A, b, 0.1), w, damping)
    itself = new.data_ptr() == w.data_ptr()
    return {
        "w_afterwards": w.detach().clone(),
        "it_is_w_itself": fact(itself),
        "it_has_a_graph": fact(new.requires_grad and not itself),
    }


@returns_a_new_tensor_without_a_graph.inputs
def _(rng):
    return {**newton_inputs(rng, 0.5, 2.5, 6), "damping": 0.3}


@probe("newton_step", cases=1)
def steps_on_the_device_of_w(s, size, damping):
    import torch

    w = torch.ones(*size, device="meta")
    new = s.newton_step(lambda point: (point**3).sum(), w, damping)
    return {"shape": np.array(new.shape), "it_is_on_the_device_of_w": fact(new.device == w.device)}


@steps_on_the_device_of_w.inputs
def _(rng):
    return {"size": [4], "damping": 0.3}
