"""What the checks ask of the PyTorch notebook, and the inputs they ask it on.

Inputs: every step from 0 to past the end, least rates above 0, a warm-up, cycles of few steps, decays that
are no halves, ragged last batches, gradients of several sizes, axes of different lengths."""

import numpy as np

from autograder import probe


def steps(end):
    """Every step from 0 to past the end, as whole numbers."""
    return np.arange(end + 5)


def gradients(rng):
    """Three arrays of other sizes: neither norm nor largest entry of one of them is that of all."""
    return [rng.uniform(0.4, 1.6, n) * rng.choice([-1.0, 1.0], n) for n in ((2, 3), (2, 2, 3), (5,))]


ROUNDING = 1e-6  # the order of sums is free


def tensor(array):
    """A tensor with memory of its own."""
    import torch

    return torch.tensor(np.asarray(array))


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


def far_from_0(rng, *shape):
    """Numbers of both signs, none of them small."""
    return rng.choice([-1, 1], shape) * rng.uniform(0.3, 1.2, shape)


def filled(module, numbers):
    """The module in 64 bits with these numbers in all parameters and buffers, over and over.

    Running variances are positive; counts of batches are small whole numbers."""
    import torch

    module = module.double()
    at = 0
    with torch.no_grad():
        for name, values in module.state_dict().items():
            own = np.resize(np.roll(numbers, -at), values.numel()).reshape(values.shape)
            if values.dtype != torch.float64:
                values.fill_(3 + int(10 * abs(own.sum())))
            else:
                values.copy_(tensor(np.abs(own) + 0.3 if "running_var" in name else own))
            at += values.numel()
    return module


def flat(values):
    """All numbers of all tensors, one after the other."""
    import torch

    return torch.cat([v.detach().double().flatten() for v in values])


def one_tensor(answer):
    """What was returned, if it is a tensor; else an error that says what came."""
    import torch

    if answer is None:
        raise TypeError("a tensor was expected, None was returned: is a `return` missing?")
    if not isinstance(answer, torch.Tensor):
        raise ValueError(f"a tensor was expected, a {type(answer).__name__} was returned")
    return answer


def modes_of(model):
    return np.array([part.training for part in model.modules()])


def runner(s, rates, W, T, lr_min):
    """An optimizer with one group for each rate, and their scheduler on it."""
    import torch

    groups = [{"params": [torch.nn.Parameter(torch.ones(2))], "lr": lr} for lr in rates]
    optimizer = torch.optim.SGD(groups, lr=77.0)
    return optimizer, s.WarmupCosine(optimizer, W, T, lr_min)


def rates_used(optimizer, scheduler, steps, also=lambda: None):
    """The rates that the optimizer holds when it takes each step: (steps,), or (steps, groups)."""
    used = []
    for _ in range(steps):
        used.append([float(group["lr"]) for group in optimizer.param_groups])
        optimizer.step()
        also()
        scheduler.step()
    return np.squeeze(np.array(used, dtype=float))


def schedule_inputs(rng, groups=1):
    return {
        "rates": [float(rate) for rate in rng.uniform(0.4, 0.9, groups)],
        "W": int(rng.integers(3, 5)),
        "T": int(rng.integers(11, 15)),
        "lr_min": float(rng.uniform(0.05, 0.15)),
    }


@probe("WarmupCosine", cases=2)
@with_gradients
def rises_along_a_straight_line(s, rates, W, T, lr_min):
    return {"rates": rates_used(*runner(s, rates, W, T, lr_min), W)}


@rises_along_a_straight_line.inputs
def _(rng):
    return schedule_inputs(rng)


@probe("WarmupCosine", cases=2)
@with_gradients
def falls_along_half_a_cosine_where_there_is_no_warm_up(s, rates, T, lr_min):
    return {"rates": rates_used(*runner(s, rates, 0, T, lr_min), T + 1)}


@falls_along_half_a_cosine_where_there_is_no_warm_up.inputs
def _(rng):
    given = schedule_inputs(rng)
    return {name: given[name] for name in ("rates", "T", "lr_min")}


@probe("WarmupCosine", cases=2)
@with_gradients
def falls_along_half_a_cosine_after_the_warm_up(s, rates, W, T, lr_min):
    return {"rates": rates_used(*runner(s, rates, W, T, lr_min), T + 1)}


@falls_along_half_a_cosine_after_the_warm_up.inputs
def _(rng):
    return schedule_inputs(rng)


@probe("WarmupCosine", cases=1)
@with_gradients
def keeps_the_least_rate_past_the_end(s, rates, W, T, lr_min):
    return {"rates": rates_used(*runner(s, rates, W, T, lr_min), 2 * T + 3)}


@keeps_the_least_rate_past_the_end.inputs
def _(rng):
    return schedule_inputs(rng)


@probe("WarmupCosine", cases=1)
@with_gradients
def has_a_rate_for_each_group(s, rates, W, T, lr_min):
    return {"rates": rates_used(*runner(s, rates, W, T, lr_min), T + 3)}


@has_a_rate_for_each_group.inputs
def _(rng):
    return schedule_inputs(rng, groups=3)


@probe("WarmupCosine", cases=1)
@with_gradients
def may_be_asked_twice(s, rates, W, T, lr_min):
    (optimizer, scheduler), told = runner(s, rates, W, T, lr_min), []

    def ask():
        told.append([float(rate) for rate in scheduler.get_lr()])

    used = rates_used(optimizer, scheduler, T + 2, also=ask)
    return {"rates": used, "rates_that_get_lr_tells_again": np.squeeze(np.array(told))}


@may_be_asked_twice.inputs
def _(rng):
    return schedule_inputs(rng)


@probe("WarmupCosine", cases=1)
@with_gradients
def begins_anew_in_a_second_scheduler(s, rates, W, T, lr_min):
    """The first one has left its least rate in the optimizer."""
    optimizer, scheduler = runner(s, rates, W, T, lr_min)
    rates_used(optimizer, scheduler, T + 1)
    return {"rates": rates_used(optimizer, s.WarmupCosine(optimizer, W, T, lr_min), T + 2)}


@begins_anew_in_a_second_scheduler.inputs
def _(rng):
    return schedule_inputs(rng)


@probe("WarmupCosine", cases=1)
@with_gradients
def goes_on_from_a_saved_state(s, rates, W, T, lr_min, at):
    """The new one was made with other numbers: the state has the right ones."""
    optimizer, scheduler = runner(s, rates, W, T, lr_min)
    rates_used(optimizer, scheduler, at)
    later, follower = runner(s, [2 * rate for rate in rates], W + 1, T + 5, lr_min / 2)
    later.load_state_dict(optimizer.state_dict())
    follower.load_state_dict(scheduler.state_dict())
    return {"rates": rates_used(later, follower, T + 2 - at)}


@goes_on_from_a_saved_state.inputs
def _(rng):
    return {**schedule_inputs(rng, groups=2), "at": 6}


def classifier(W, b):
    """A linear layer with the weights W (K, D) and b (K,)."""
    import torch

    model = torch.nn.Linear(W.shape[1], W.shape[0]).double()
    model.load_state_dict({"weight": tensor(W), "bias": tensor(b)})
    return model


def cut(x, y, sizes):
    """The rows of x and y as batches of these sizes, one after the other."""
    parts = [part.tolist() for part in np.split(np.arange(len(x)), np.cumsum(sizes)[:-1])]
    return [(tensor(x[rows]), tensor(y[rows])) for rows in parts]


def epoch_inputs(rng, *sizes):
    """Large inputs, so that the gradients are long and the losses of the batches differ."""
    N = sum(sizes)
    return {
        "W": far_from_0(rng, 3, 4),
        "b": far_from_0(rng, 3),
        "x": 2 * far_from_0(rng, N, 4) * np.linspace(0.5, 2, N)[:, None],
        "y": rng.integers(0, 3, N),
        "sizes": list(sizes),
        "lr": float(rng.uniform(0.2, 0.4)),
    }


def epoch(s, W, b, x, y, sizes, lr, left=None, **settings):
    """The loss that train_epoch returns, and the weights afterwards; they are in two groups."""
    import torch

    model = classifier(W, b)
    if left is not None:
        model.weight.grad = tensor(left)
    optimizer = torch.optim.SGD([{"params": [w]} for w in model.parameters()], lr=lr)
    loss = s.train_epoch(model, cut(x, y, sizes), optimizer, **settings)
    return {"loss": loss, "weights": model.weight, "biases": model.bias}


@probe("train_epoch", cases=2, rtol=ROUNDING)
@with_gradients
def takes_one_step(s, W, b, x, y, sizes, lr):
    return epoch(s, W, b, x, y, sizes, lr)


@takes_one_step.inputs
def _(rng):
    return epoch_inputs(rng, 5)


@probe("train_epoch", cases=2, rtol=ROUNDING)
@with_gradients
def takes_a_step_for_every_batch(s, W, b, x, y, sizes, lr):
    """Batches of one size: each way to average the losses gives the same."""
    return epoch(s, W, b, x, y, sizes, lr)


@takes_a_step_for_every_batch.inputs
def _(rng):
    return epoch_inputs(rng, 5, 5, 5)


@probe("train_epoch", cases=2, rtol=ROUNDING)
@with_gradients
def counts_every_example_once(s, W, b, x, y, sizes, lr):
    return epoch(s, W, b, x, y, sizes, lr)


@counts_every_example_once.inputs
def _(rng):
    return epoch_inputs(rng, 6, 5, 2)


@probe("train_epoch", cases=1, rtol=ROUNDING)
@with_gradients
def forgets_the_gradients_from_before(s, W, b, x, y, sizes, lr, left):
    return epoch(s, W, b, x, y, sizes, lr, left)


@forgets_the_gradients_from_before.inputs
def _(rng):
    return {**epoch_inputs(rng, 5), "left": far_from_0(rng, 3, 4)}


ABOUT_CLIPPED = 1e-5  # with 1e-6 in the denominator, or without


@probe("train_epoch", cases=2, rtol=ABOUT_CLIPPED)
@with_gradients
def clips_after_the_gradient_and_before_the_step(s, W, b, x, y, sizes, lr, left, max_norm):
    return epoch(s, W, b, x, y, sizes, lr, left, max_norm=max_norm)


@clips_after_the_gradient_and_before_the_step.inputs
def _(rng):
    given = {**epoch_inputs(rng, 5, 3), "left": 3 * far_from_0(rng, 3, 4)}
    return {**given, "max_norm": float(rng.uniform(0.2, 0.4))}


@probe("train_epoch", cases=1, rtol=ABOUT_CLIPPED)
@with_gradients
def leaves_a_short_gradient_as_it_is(s, W, b, x, y, sizes, lr, max_norm):
    return epoch(s, W, b, x, y, sizes, lr, max_norm=max_norm)


@leaves_a_short_gradient_as_it_is.inputs
def _(rng):
    given = epoch_inputs(rng, 5, 3)
    return {**given, "x": given["x"] / 20, "max_norm": 3.0}


@probe("train_epoch", cases=2, rtol=ROUNDING)
@with_gradients
def moves_the_schedule_on_after_each_step(s, W, b, x, y, sizes, lr):
    """The rates that the steps used, and the one that waits for the step to come."""
    import torch

    used = []

    class Watched(torch.optim.SGD):
        def step(self, closure=None):
            used.append(self.param_groups[0]["lr"])
            return super().step(closure)

    model = classifier(W, b)
    watched = Watched(model.parameters(), lr=lr)
    falling = torch.optim.lr_scheduler.LambdaLR(watched, lambda t: 0.7**t)
    s.train_epoch(model, cut(x, y, sizes), watched, falling)
    return {"rates": np.array([*used, watched.param_groups[0]["lr"]]), "weights": model.weight}


@moves_the_schedule_on_after_each_step.inputs
def _(rng):
    return epoch_inputs(rng, 5, 4, 3, 2)


@probe("train_epoch", cases=1, rtol=ROUNDING)
@with_gradients
def goes_through_a_generator_once(s, W, b, x, y, sizes, lr):
    import torch

    model, taken = classifier(W, b), []

    def stream():
        for number, batch in enumerate(cut(x, y, sizes)):
            taken.append(number)
            yield batch

    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    loss = s.train_epoch(model, stream(), optimizer)
    return {"loss": loss, "weights": model.weight, "batches": np.array(taken)}


@goes_through_a_generator_once.inputs
def _(rng):
    return epoch_inputs(rng, 5, 4, 3)


@probe("train_epoch", cases=1)
@with_gradients
def trains_in_training_mode(s, W, b, x, y, sizes, lr):
    import torch

    model = torch.nn.Sequential(classifier(W, b), torch.nn.Dropout(0.0)).eval()
    seen, loss = [], None
    model[1].register_forward_hook(lambda part, *_: seen.append(part.training))
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    loss = s.train_epoch(model, cut(x, y, sizes), optimizer)
    return {
        "asked_in_training_mode": fact(seen and all(seen)),
        "forward_passes": len(seen),
        "the_loss_is_a_float": fact(isinstance(loss, (float, np.floating))),
    }


@trains_in_training_mode.inputs
def _(rng):
    return epoch_inputs(rng, 5, 4, 3)


def pulled(scores, y):
    """A mean loss that tells its two arguments apart."""
    return ((scores - y) ** 2).mean() + scores.mean() / 2


def accumulation_inputs(rng, N, micro_batch):
    return {
        "W": far_from_0(rng, 3, 4),
        "b": far_from_0(rng, 3),
        "x": far_from_0(rng, N, 4) * np.linspace(0.4, 2, N)[:, None],
        "y": far_from_0(rng, N, 3),
        "micro_batch": micro_batch,
    }


def gradient_of(parameter):
    if parameter.grad is None:
        raise ValueError("a parameter has no gradient afterwards: its .grad is None")
    return parameter.grad


def accumulated(s, W, b, x, y, micro_batch, left=None):
    model = classifier(W, b)
    if left is not None:
        model.weight.grad, model.bias.grad = tensor(left), tensor(left[:, 0])
    loss = s.backward_in_parts(model, pulled, tensor(x), tensor(y), micro_batch)
    return {"loss": loss, "dW": gradient_of(model.weight), "db": gradient_of(model.bias)}


@probe("backward_in_parts", cases=2, rtol=ROUNDING)
@with_gradients
def gives_the_gradient_of_the_whole_batch(s, W, b, x, y, micro_batch):
    return accumulated(s, W, b, x, y, micro_batch)


@gives_the_gradient_of_the_whole_batch.inputs
def _(rng):
    return accumulation_inputs(rng, 8, 2)


@probe("backward_in_parts", cases=2, rtol=ROUNDING)
@with_gradients
def weighs_a_smaller_last_part(s, W, b, x, y, micro_batch):
    return accumulated(s, W, b, x, y, micro_batch)


@weighs_a_smaller_last_part.inputs
def _(rng):
    return accumulation_inputs(rng, 11, 3)


@probe("backward_in_parts", cases=1, rtol=ROUNDING)
@with_gradients
def takes_a_batch_that_is_smaller_than_a_part(s, W, b, x, y, micro_batch):
    return accumulated(s, W, b, x, y, micro_batch)


@takes_a_batch_that_is_smaller_than_a_part.inputs
def _(rng):
    return accumulation_inputs(rng, 5, 9)


@probe("backward_in_parts", cases=1, rtol=ROUNDING)
@with_gradients
def forgets_what_was_in_the_gradients(s, W, b, x, y, micro_batch, left):
    return accumulated(s, W, b, x, y, micro_batch, left)


@forgets_what_was_in_the_gradients.inputs
def _(rng):
    return {**accumulation_inputs(rng, 8, 2), "left": far_from_0(rng, 3, 4)}


FORWARD = 1


BACKWARD = -1


@probe("backward_in_parts", cases=1)
@with_gradients
def goes_backward_before_the_next_part_goes_forward(s, W, b, x, y, micro_batch):
    """1 for each forward pass, -1 for each backward pass, in the order in which they came."""
    model, passes, sizes = classifier(W, b), [], []

    def note(_module, inputs, _scores):
        passes.append(FORWARD)
        sizes.append(len(inputs[0]))

    model.register_forward_hook(note)
    model.weight.register_hook(lambda _: passes.append(BACKWARD))
    s.backward_in_parts(model, pulled, tensor(x), tensor(y), micro_batch)
    return {
        "forward_is_1_and_backward_minus_1": np.array(passes),
        "examples_in_each_part": np.array(sizes),
    }


@goes_backward_before_the_next_part_goes_forward.inputs
def _(rng):
    return accumulation_inputs(rng, 11, 3)


@probe("backward_in_parts", cases=1)
@with_gradients
def leaves_weights_and_frozen_parameters_alone(s, W, b, x, y, micro_batch):
    model = classifier(W, b)
    model.bias.requires_grad_(False)
    s.backward_in_parts(model, pulled, tensor(x), tensor(y), micro_batch)
    frozen = model.bias.grad
    return {
        "weights": flat(model.parameters()),
        "the_frozen_bias_has_a_gradient": fact(frozen is not None and bool(frozen.any())),
        "the_weights_ask_for_a_gradient": fact(model.weight.requires_grad),
    }


@probe("backward_in_parts", cases=1)
@with_gradients
def leaves_every_mode_and_returns_a_float(s, W, b, x, y, micro_batch):
    """A part of the model is in evaluation mode, as a frozen batch normalization is."""
    import torch

    model, seen = torch.nn.Sequential(torch.nn.Dropout(0.0), torch.nn.Tanh(), classifier(W, b)), []
    model[1].eval()
    was = modes_of(model)
    model.register_forward_hook(lambda *_: seen.append((modes_of(model) == was).all()))
    loss = s.backward_in_parts(model, pulled, tensor(x), tensor(y), micro_batch)
    return {
        "modes_as_they_were_in_all_forward_passes": fact(all(seen)),
        "modes_afterwards": modes_of(model),
        "the_loss_is_a_float": fact(isinstance(loss, (float, np.floating))),
    }


@leaves_weights_and_frozen_parameters_alone.inputs
@leaves_every_mode_and_returns_a_float.inputs
def _(rng):
    return accumulation_inputs(rng, 8, 3)


def noise_inputs(rng, *sizes):
    """A network of two layers, 12 examples, and the rows of some batches."""
    return {
        "numbers": far_from_0(rng, 61),
        "x": far_from_0(rng, 12, 4),
        "y": far_from_0(rng, 12, 2),
        "batches": [rng.integers(0, 12, size) for size in sizes],
    }


def two_layers(numbers):
    import torch

    parts = torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2)
    return filled(torch.nn.Sequential(*parts), numbers)


def noise(s, model, x, y, batches):
    return s.gradient_noise(model, pulled, tensor(x), tensor(y), [tensor(rows) for rows in batches])


@probe("gradient_noise", cases=2, rtol=ROUNDING)
@with_gradients
def is_the_distance_of_one_batch(s, numbers, x, y, batches):
    return {"noise": noise(s, two_layers(numbers), x, y, batches)}


@is_the_distance_of_one_batch.inputs
def _(rng):
    return noise_inputs(rng, 3)


@probe("gradient_noise", cases=2, rtol=ROUNDING)
@with_gradients
def is_the_root_mean_square_of_all_distances(s, numbers, x, y, batches):
    return {"noise": noise(s, two_layers(numbers), x, y, batches)}


@is_the_root_mean_square_of_all_distances.inputs
def _(rng):
    return noise_inputs(rng, 2, 2, 2, 2, 2)


@probe("gradient_noise", cases=1, rtol=ROUNDING)
@with_gradients
def counts_batches_of_all_sizes_alike(s, numbers, x, y, batches):
    return {"noise": noise(s, two_layers(numbers), x, y, batches)}


@counts_batches_of_all_sizes_alike.inputs
def _(rng):
    return noise_inputs(rng, 1, 9, 3)


@probe("gradient_noise", cases=1, rtol=ROUNDING)
@with_gradients
def passes_over_frozen_parameters(s, numbers, x, y, batches):
    model = two_layers(numbers)
    model[0].weight.requires_grad_(False)
    found = noise(s, model, x, y, batches)
    asks = [w.requires_grad for w in model.parameters()]
    return {"noise": found, "parameters_that_ask_for_a_gradient_afterwards": np.array(asks)}


@passes_over_frozen_parameters.inputs
def _(rng):
    return noise_inputs(rng, 3, 4)


@probe("gradient_noise", cases=1, rtol=ROUNDING)
@with_gradients
def leaves_gradients_and_weights_as_they_are(s, numbers, x, y, batches, left):
    model = two_layers(numbers)
    model[0].weight.grad = tensor(left)
    model[1].eval()
    found = noise(s, model, x, y, batches)
    others = [w.grad for w in model.parameters() if w is not model[0].weight]
    return {
        "noise": found,
        "weights": flat(model.parameters()),
        "gradient_from_before": gradient_of(model[0].weight),
        "modes_afterwards": modes_of(model),
        "a_parameter_without_a_gradient_has_one_now": fact(any(grad is not None for grad in others)),
    }


@leaves_gradients_and_weights_as_they_are.inputs
def _(rng):
    return {**noise_inputs(rng, 2, 5), "left": far_from_0(rng, 3, 4)}


def with_buffers(numbers):
    """Parameters, running statistics and a count of batches, in blocks."""
    from torch import nn

    block = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh())
    return filled(nn.Sequential(block, nn.Linear(4, 2)), numbers)


def life(s, numbers, steps, last):
    """A model whose numbers are others after each step, in place, and its snapshots."""
    model = with_buffers(-numbers[0])
    snapshots = s.Snapshots(model, steps)
    for t in range(last):
        filled(model, numbers[t])
        snapshots.after_step(t)
    return model, snapshots


def state_of(model):
    """Apart: what is learned, what is counted in fractions, and the whole numbers."""
    return {
        "parameters": flat(model.parameters()),
        "running_statistics": flat(b for b in model.buffers() if b.is_floating_point()),
        "counts": flat(b for b in model.buffers() if not b.is_floating_point()),
    }


def snapshot_inputs(rng, last=9):
    return {"numbers": far_from_0(rng, last, 47), "steps": [2, 5, 6], "last": last}


@probe("Snapshots", cases=1)
@with_gradients
def keeps_the_parameters_of_the_chosen_steps(s, numbers, steps, last):
    _, snapshots = life(s, numbers, steps, last)
    models = snapshots.models()
    found = {f"parameters_of_model_{k}": flat(m.parameters()) for k, m in enumerate(models)}
    return {"number_of_models": len(models), **found}


@keeps_the_parameters_of_the_chosen_steps.inputs
def _(rng):
    return snapshot_inputs(rng)


@probe("Snapshots", cases=1)
@with_gradients
def keeps_the_buffers_too(s, numbers, steps, last):
    models = life(s, numbers, steps, last)[1].models()
    found = [state_of(model) for model in models]
    return {
        f"{name}_of_model_{k}": state[name]
        for name in ("running_statistics", "counts")
        for k, state in enumerate(found)
    }


@keeps_the_buffers_too.inputs
def _(rng):
    return snapshot_inputs(rng)


@probe("Snapshots", cases=1)
@with_gradients
def takes_any_iterable_of_steps(s, numbers, steps, last):
    found = {}
    kinds = {"an_array": np.array(steps), "a_generator": (t for t in steps), "a_range": range(3, 8, 2)}
    for kind, chosen in kinds.items():
        models = life(s, numbers, chosen, last)[1].models()
        found |= {f"model_{k}_of_{kind}": flat(m.parameters()) for k, m in enumerate(models)}
    return found


@takes_any_iterable_of_steps.inputs
def _(rng):
    return {**snapshot_inputs(rng), "steps": [6, 1, 3]}


@probe("Snapshots", cases=1)
@with_gradients
def makes_models_that_share_no_memory(s, numbers, steps, last):
    """One of them is overwritten; then look at all the others."""
    trained, snapshots = life(s, numbers, steps, last)
    first, *others = snapshots.models()
    filled(first, -numbers[0] / 3)
    again = snapshots.models()
    found = {f"model_{k}_of_the_same_list": m for k, m in enumerate(others, start=1)}
    found |= {f"model_{k}_asked_for_again": m for k, m in enumerate(again)}
    found["the_trained_model"] = trained
    return {name: flat(model.state_dict().values()) for name, model in found.items()}


@makes_models_that_share_no_memory.inputs
def _(rng):
    return snapshot_inputs(rng)


@probe("Snapshots", cases=1)
@with_gradients
def leaves_the_trained_model_in_training(s, numbers, steps, last):
    trained, snapshots = life(s, numbers, steps, last)
    modes = modes_of(trained)
    trained[0][1].eval()
    before = list(trained.parameters())
    models = snapshots.models()
    same = zip(before, trained.parameters(), strict=True)
    return {
        "modes_while_it_is_trained": modes,
        "modes_of_the_trained_model": modes_of(trained),
        "modes_of_the_snapshots": np.array([modes_of(model) for model in models]),
        "parameters_that_are_still_the_same": sum(p is q for p, q in same),
        "numbers_of_the_trained_model": flat(trained.state_dict().values()),
    }


@leaves_the_trained_model_in_training.inputs
def _(rng):
    return snapshot_inputs(rng)


@probe("Snapshots", cases=1)
@with_gradients
def has_no_models_before_the_first_chosen_step(s, numbers, steps, last):
    models = life(s, numbers, steps, last)[1].models()
    found = {f"parameters_of_model_{k}": flat(m.parameters()) for k, m in enumerate(models)}
    return {"number_of_models": len(models), **found}


@has_no_models_before_the_first_chosen_step.inputs
def _(rng):
    return {**snapshot_inputs(rng), "last": 2}


def members_of_an_ensemble(numbers):
    """One model for each row of numbers, with a batch normalization; scores of different sizes."""
    from torch import nn

    parts = (nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 3)) for _ in numbers)
    models = [filled(part, row) for part, row in zip(parts, numbers, strict=True)]
    return [model.eval() for model in models]


def ensemble_inputs(rng, M=4):
    return {"numbers": far_from_0(rng, M, 41) * np.linspace(1, 2.5, M)[:, None], "x": far_from_0(rng, 5, 4)}


@probe("ensemble_probabilities", cases=2)
@with_gradients
def gives_the_probabilities_of_one_model(s, numbers, x):
    return {"p": s.ensemble_probabilities(members_of_an_ensemble(numbers), tensor(x))}


@gives_the_probabilities_of_one_model.inputs
def _(rng):
    return ensemble_inputs(rng, 1)


@probe("ensemble_probabilities", cases=2)
@with_gradients
def gives_the_mean_probabilities_of_several(s, numbers, x):
    return {"p": s.ensemble_probabilities(members_of_an_ensemble(numbers), tensor(x))}


@gives_the_mean_probabilities_of_several.inputs
def _(rng):
    return ensemble_inputs(rng)


@probe("ensemble_probabilities", cases=1)
@with_gradients
def asks_in_evaluation_mode(s, numbers, x):
    models = [model.train() for model in members_of_an_ensemble(numbers)]
    p = s.ensemble_probabilities(models, tensor(x))
    return {"p": p, "running_statistics": flat(b for model in models for b in model.buffers())}


@asks_in_evaluation_mode.inputs
def _(rng):
    return ensemble_inputs(rng)


@probe("ensemble_probabilities", cases=1)
@with_gradients
def gives_every_module_its_mode_back(s, numbers, x):
    models = members_of_an_ensemble(numbers)
    models[0].train()
    models[1].train()[1].eval()
    models[2][0].train()
    s.ensemble_probabilities(models, tensor(x))
    return {f"modes_of_model_{k}": modes_of(model) for k, model in enumerate(models)}


@gives_every_module_its_mode_back.inputs
def _(rng):
    return ensemble_inputs(rng)


@probe("ensemble_probabilities", cases=1)
@with_gradients
def records_no_graph(s, numbers, x):
    import torch

    models, recorded = members_of_an_ensemble(numbers), []
    for model in models:
        model[0].register_forward_hook(lambda *_: recorded.append(torch.is_grad_enabled()))
    p = one_tensor(s.ensemble_probabilities(models, tensor(x)))
    return {
        "the_answer_has_a_graph": fact(p.requires_grad),
        "a_forward_pass_recorded_one": fact(any(recorded) and p.requires_grad),
        "gradients_are_on_afterwards": fact(torch.is_grad_enabled()),
        "parameters_ask_for_gradients": fact(all(w.requires_grad for m in models for w in m.parameters())),
    }


@records_no_graph.inputs
def _(rng):
    return ensemble_inputs(rng)


@probe("ensemble_probabilities", cases=1)
@with_gradients
def survives_scores_of_1000(s, numbers, x, factor):
    models = members_of_an_ensemble(numbers)
    return {"p": s.ensemble_probabilities(models, factor * tensor(x))}


@survives_scores_of_1000.inputs
def _(rng):
    return {**ensemble_inputs(rng, 3), "factor": 3000.0}


def watched_average(s, numbers, decay):
    """The average after each model that it is shown; the one that it is made with has numbers of its own."""
    model = with_buffers(-numbers[-1] / 3)
    average = s.WeightAverage(model) if decay is None else s.WeightAverage(model, decay)
    seen = []
    for row in numbers:
        average.update(filled(model, row))
        seen.append({**state_of(average.average), "updates": float(average.updates)})
    return model, average, seen


def average_inputs(rng, shown=5):
    return {"numbers": far_from_0(rng, shown, 47) + np.linspace(0, 2, shown)[:, None]}


def decays(rng):
    return float(rng.uniform(0.6, 0.72))


def after_each(seen, name):
    return {f"{name}_after_{k}": state[name] for k, state in enumerate(seen, start=1)}


@probe("WeightAverage", cases=1, rtol=ROUNDING)
@with_gradients
def begins_with_the_first_model_that_it_is_shown(s, numbers, decay):
    found = {}
    for kind, own in {"mean": None, "moving_average": decay}.items():
        seen = watched_average(s, numbers, own)[2]
        found[f"parameters_of_the_{kind}"] = seen[0]["parameters"]
    return found


@begins_with_the_first_model_that_it_is_shown.inputs
def _(rng):
    return {**average_inputs(rng, 1), "decay": decays(rng)}


@probe("WeightAverage", cases=2, rtol=ROUNDING)
@with_gradients
def is_the_mean_of_all_models(s, numbers):
    return after_each(watched_average(s, numbers, None)[2], "parameters")


@is_the_mean_of_all_models.inputs
def _(rng):
    return average_inputs(rng)


@probe("WeightAverage", cases=2, rtol=ROUNDING)
@with_gradients
def fades_with_the_decay(s, numbers, decay):
    found = after_each(watched_average(s, numbers, decay)[2], "parameters")
    return found | {"parameters_with_the_decay_0": watched_average(s, numbers, 0.0)[2][-1]["parameters"]}


@fades_with_the_decay.inputs
def _(rng):
    return {**average_inputs(rng), "decay": decays(rng)}


@probe("WeightAverage", cases=1, rtol=ROUNDING)
@with_gradients
def copies_the_buffers_of_the_last_model(s, numbers, decay):
    found = {}
    for kind, own in {"mean": None, "moving_average": decay}.items():
        _, average, seen = watched_average(s, numbers, own)
        found |= {f"{name}_of_the_{kind}": seen[-1][name] for name in ("running_statistics", "counts")}
        counts = [b for b in average.average.buffers() if not b.is_floating_point()]
        found[f"whole_numbers_of_the_{kind}"] = len(counts)
    return found


@copies_the_buffers_of_the_last_model.inputs
def _(rng):
    return {**average_inputs(rng), "decay": decays(rng)}


@probe("WeightAverage", cases=1, rtol=ROUNDING)
@with_gradients
def counts_the_models_that_it_is_shown(s, numbers):
    return {"updates": np.array([state["updates"] for state in watched_average(s, numbers, None)[2]])}


@counts_the_models_that_it_is_shown.inputs
def _(rng):
    return average_inputs(rng, 3)


@probe("WeightAverage", cases=1, rtol=ROUNDING)
@with_gradients
def averages_frozen_parameters_as_well(s, numbers, decay):
    found = {}
    for kind, own in {"mean": None, "moving_average": decay}.items():
        model = with_buffers(numbers[0])
        model[0].requires_grad_(False)
        average = s.WeightAverage(model, own)
        for row in numbers:
            average.update(filled(model, row))
        found[kind] = flat(average.average.parameters())
    return found


@averages_frozen_parameters_as_well.inputs
def _(rng):
    return {**average_inputs(rng, 3), "decay": decays(rng)}


@probe("WeightAverage", cases=1, rtol=ROUNDING)
@with_gradients
def is_a_model_of_its_own(s, numbers, x):
    """The trained model is overwritten at the end, and must not have been changed before."""
    model = with_buffers(-numbers[-1] / 3)
    model[0][1].eval()
    for w in model.parameters():
        w.grad = w.detach() / 2
    gradients = flat(w.grad for w in model.parameters())
    average = s.WeightAverage(model)
    for row in numbers:
        average.update(filled(model, row))
    kept = [w.grad for w in model.parameters() if w.grad is not None]
    modes = modes_of(model)
    shown = flat(model.state_dict().values())
    has_graph = any(p.grad_fn is not None for p in average.average.parameters())
    filled(model, -numbers[0])
    y = average.average.eval()(tensor(x))
    return {
        "model_as_it_was_shown": shown,
        "y_of_the_average": y,
        "it_has_a_graph": fact(has_graph),
        "modes_of_the_model_that_was_shown": modes,
        "its_gradients_are_as_they_were": fact(kept and np.array_equal(flat(kept), gradients)),
    }


@is_a_model_of_its_own.inputs
def _(rng):
    return {**average_inputs(rng, 3), "x": far_from_0(rng, 6, 3)}


def normalized(numbers):
    """Batch normalization of two kinds at three depths, behind layers that give other means and variances."""
    from torch import nn

    images = nn.Sequential(nn.Conv2d(2, 3, (2, 1)), nn.BatchNorm2d(3, momentum=0.3), nn.Tanh())
    deep = nn.Sequential(nn.Sequential(nn.Linear(18, 4), nn.BatchNorm1d(4)), nn.Tanh())
    return filled(nn.Sequential(images, nn.Flatten(), deep, nn.Linear(4, 2), nn.BatchNorm1d(2)), numbers)


def refresh_inputs(rng, *sizes):
    N = sum(sizes)
    return {
        "numbers": far_from_0(rng, 89),
        "x": far_from_0(rng, N, 2, 4, 2) * np.linspace(0.5, 3, N).reshape(-1, 1, 1, 1) + 1,
        "sizes": list(sizes),
    }


def batches_of(x, sizes):
    return [tensor(part) for part in np.split(x, np.cumsum(sizes)[:-1])]


def statistics_of(model):
    places = {"0": "the_first", "2": "the_second", "4": "the_third"}
    return {
        f"{name.rpartition('.')[2]}_of_{places[name[0]]}": values for name, values in model.named_buffers()
    }


def refreshed(s, numbers, x, sizes):
    """The model, which was in evaluation mode, as one is that has just been tested."""
    model = normalized(numbers).eval()
    s.refresh_batchnorm(model, batches_of(x, sizes))
    return model


@probe("refresh_batchnorm", cases=2, rtol=ROUNDING)
@with_gradients
def takes_the_statistics_of_one_batch(s, numbers, x, sizes):
    return statistics_of(refreshed(s, numbers, x, sizes))


@takes_the_statistics_of_one_batch.inputs
def _(rng):
    return refresh_inputs(rng, 5)


@probe("refresh_batchnorm", cases=2, rtol=ROUNDING)
@with_gradients
def takes_the_mean_over_all_batches(s, numbers, x, sizes):
    return statistics_of(refreshed(s, numbers, x, sizes))


@takes_the_mean_over_all_batches.inputs
def _(rng):
    return refresh_inputs(rng, 4, 4, 4)


@probe("refresh_batchnorm", cases=1, rtol=ROUNDING)
@with_gradients
def counts_each_batch_the_same(s, numbers, x, sizes):
    return statistics_of(refreshed(s, numbers, x, sizes))


@counts_each_batch_the_same.inputs
def _(rng):
    return refresh_inputs(rng, 7, 4, 2)


@probe("refresh_batchnorm", cases=1, rtol=ROUNDING)
@with_gradients
def takes_batches_from_a_generator(s, numbers, x, sizes):
    model = normalized(numbers)
    s.refresh_batchnorm(model, (batch for batch in batches_of(x, sizes)))
    return statistics_of(model)


@takes_batches_from_a_generator.inputs
def _(rng):
    return refresh_inputs(rng, 4, 3)


@probe("refresh_batchnorm", cases=1)
@with_gradients
def puts_every_mode_and_momentum_back(s, numbers, x, sizes):
    found = {}
    for kind in ("training", "evaluation", "mixed"):
        model = normalized(numbers).train(kind != "evaluation")
        if kind == "mixed":
            model[0].eval()
            model[2][0][1].momentum = None
        s.refresh_batchnorm(model, batches_of(x, sizes))
        found[f"modes_of_a_{kind}_model"] = modes_of(model)
        momenta = [model[0][1].momentum, model[2][0][1].momentum]
        found[f"momenta_of_a_{kind}_model_minus_1_for_None"] = np.array(
            [-1.0 if m is None else m for m in momenta]
        )
    return found


@puts_every_mode_and_momentum_back.inputs
def _(rng):
    return refresh_inputs(rng, 4, 3)


@probe("refresh_batchnorm", cases=1)
@with_gradients
def leaves_parameters_and_gradients_alone(s, numbers, x, sizes):
    import torch

    model, recorded = normalized(numbers), []
    before, frozen = model[0][0].weight, model[2][0][0].bias
    before.grad = torch.ones_like(before)
    frozen.requires_grad_(False)
    model.register_forward_hook(lambda _module, _inputs, y: recorded.append(y.requires_grad))
    s.refresh_batchnorm(model, batches_of(x, sizes))
    return {
        "parameters": flat(model.parameters()),
        "a_graph_was_recorded": fact(any(recorded)),
        "the_gradient_from_before_is_left": fact(before.grad is not None and bool((before.grad == 1).all())),
        "another_parameter_has_a_gradient_now": fact(
            any(p.grad is not None for p in model.parameters() if p is not before)
        ),
        "parameters_that_ask_for_gradients": np.array([p.requires_grad for p in model.parameters()]),
        "gradients_are_on_afterwards": fact(torch.is_grad_enabled()),
    }


@leaves_parameters_and_gradients_alone.inputs
def _(rng):
    return refresh_inputs(rng, 4, 3)


@probe("refresh_batchnorm", cases=1, rtol=ROUNDING)
@with_gradients
def leaves_other_layers_as_they_are(s, numbers, x):
    """One has no running statistics, one is no batch normalization but has a momentum of its own.

    The momentum 0 keeps its statistics, in training mode too: only a reset changes them."""
    from torch import nn

    own = nn.InstanceNorm1d(3, momentum=0.0, track_running_stats=True)
    plain = nn.BatchNorm1d(3, track_running_stats=False)
    model = filled(nn.Sequential(nn.Linear(3, 3), plain, nn.LayerNorm(3)), numbers)
    alone = filled(nn.Sequential(nn.Unflatten(1, (3, 1)), nn.ConstantPad1d((0, 1), 0.5), own), numbers)
    s.refresh_batchnorm(model, [tensor(x)])
    s.refresh_batchnorm(alone, [tensor(x)])
    return {
        "parameters": flat(model.parameters()),
        "instance_normalization": flat(alone.state_dict().values()),
    }


@probe("refresh_batchnorm", cases=1, rtol=ROUNDING)
@with_gradients
def measures_all_three_kinds_with_the_whole_model_in_training_mode(s, numbers, x):
    """The first layer doubles in training mode alone, as dropout with rate 1/2 does with what it keeps."""
    from torch import nn

    class Doubles(nn.Module):
        def forward(self, x):
            return 2 * x if self.training else x

    found = {}
    for kind, shape in {
        nn.BatchNorm1d: (3,),
        nn.BatchNorm2d: (3, 1, 1),
        nn.BatchNorm3d: (3, 1, 1, 1),
    }.items():
        model = filled(nn.Sequential(Doubles(), nn.Unflatten(1, shape), kind(3)), numbers).eval()
        s.refresh_batchnorm(model, [tensor(x)])
        found |= {
            f"{name}_of_{kind.__name__}": getattr(model[2], name) for name in ("running_mean", "running_var")
        }
    return found


@leaves_other_layers_as_they_are.inputs
@measures_all_three_kinds_with_the_whole_model_in_training_mode.inputs
def _(rng):
    return {"numbers": far_from_0(rng, 29), "x": far_from_0(rng, 6, 3)}
