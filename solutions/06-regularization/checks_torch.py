"""What the checks ask of the NumPy notebook, and the inputs they ask it on.

Inputs: all axes of different lengths, weights of both signs with an exact zero, no strength or share near
0, a half or 1."""

import numpy as np

from autograder import probe


def weights(rng, *shape):
    """Numbers of both signs, none near zero but one, which is zero; their sum is positive."""
    w = rng.uniform(0.4, 2.5, shape) * rng.choice([-1.0, 1.0, 1.0], shape)
    w.flat[0], w.flat[1] = rng.uniform(1.2, 2.5), -rng.uniform(0.4, 0.9)
    w.flat[rng.integers(2, w.size)] = 0.0
    return w if w.sum() > 0 else -w


def strength(rng):
    return float(rng.uniform(0.15, 0.4))


def layer(rng):
    return {
        "loss": float(rng.uniform(1, 3)),
        "dW": rng.normal(size=(5, 3)),
        "db": rng.normal(size=3),
        "W": weights(rng, 5, 3),
        "b": rng.uniform(0.5, 2, 3) * rng.choice([-1.0, 1.0], 3),
        "lam": strength(rng),
    }


CLOSE = 1e-6  # a constant of 32 bits on the way is as right as one of 64


def as_tensor(array):
    """A tensor that shares the array's memory, so that a change in place is seen."""
    import torch

    return torch.as_tensor(array)


def signed(rng, *shape):
    """Numbers of both signs, none near zero but one, which is zero."""
    w = rng.uniform(0.4, 2.5, shape) * rng.choice([-1.0, 1.0, 1.0], shape)
    w.flat[0], w.flat[1], w.flat[-1] = rng.uniform(1.2, 2.5), -rng.uniform(0.4, 0.9), 0.0
    return w


def calls(function, *arguments):
    """What it returns; a switch for gradients that it left off is put back."""
    import torch

    with torch.enable_grad():
        return function(*arguments)


def truth(value):
    return np.array(bool(value))


def parameters_from(arrays):
    """Parameters of their own, with a gradient each; the arrays stay as they are."""
    from torch import nn

    found = [nn.Parameter(as_tensor(a).clone()) for a in arrays]
    for w in found:
        w.grad = w.detach().cos()
    return found


def some_model(kernels, matrix, tables, vectors):
    """Two convolutions, a batch normalization and a linear layer, some in blocks, and two bare matrices.

    Biases and the parameters of the normalization are the vectors."""
    from torch import nn

    def fill(layer, weight, bias):
        layer = layer.double()
        layer.weight.data, layer.bias.data = as_tensor(weight).clone(), as_tensor(bias).clone()
        return layer

    first, second = (fill(nn.Conv2d(2, 3, (2, 1)), kernels[n], vectors[n]) for n in (0, 1))
    norm = fill(nn.BatchNorm2d(3), vectors[2], vectors[3])
    dense = fill(nn.Linear(5, 3), matrix, vectors[4])
    model = nn.Sequential(first, nn.Sequential(norm, nn.ReLU(), nn.Sequential(dense, second)))
    for n in (0, 1):
        model.register_parameter(f"table_{n}", nn.Parameter(as_tensor(tables[n]).clone()))
    return model


def model_arrays(rng):
    return {
        "kernels": signed(rng, 2, 3, 2, 2, 1),
        "matrix": signed(rng, 3, 5),
        "tables": signed(rng, 2, 4, 2),
        "vectors": rng.uniform(0.5, 2, (5, 3)),
    }


def penalties(rng):
    return {
        "loss": float(rng.uniform(1, 3)),
        **model_arrays(rng),
        "l1": float(rng.uniform(0.05, 0.12)),
        "l2": float(rng.uniform(0.2, 0.4)),
    }


def lossy(loss):
    """A loss with a graph, and what it hangs on."""
    import torch

    source = torch.tensor(float(loss), dtype=torch.float64, requires_grad=True)
    return source, 3 * source - 2 * float(loss)


@probe("penalized_loss", rtol=CLOSE)
def adds_both_penalties(s, loss, l1, l2, **arrays):
    return {"loss": s.penalized_loss(lossy(loss)[1], some_model(**arrays), l1, l2)}


@adds_both_penalties.inputs
def _(rng):
    return penalties(rng)


@probe("penalized_loss", rtol=CLOSE)
def sends_gradients_to_all_weights(s, loss, l1, l2, **arrays):
    import torch

    model, (source, value) = some_model(**arrays), lossy(loss)
    s.penalized_loss(value, model, l1, l2).backward()
    found = {"the_loss": source.grad}
    for name, w in model.named_parameters():
        grad = torch.zeros_like(w) if w.grad is None else w.grad
        found[name.replace(".", "_")] = grad
    return {f"gradient_of_{name}": g for name, g in found.items() if g is not None}


@sends_gradients_to_all_weights.inputs
def _(rng):
    return penalties(rng)


@probe("penalized_loss", cases=2, rtol=CLOSE)
def takes_one_penalty_alone(s, loss, l1, l2, **arrays):
    def penalized(first, second):
        return s.penalized_loss(lossy(loss)[1], some_model(**arrays), first, second)

    return {"l1_alone": penalized(l1, 0.0), "l2_alone": penalized(0.0, l2), "neither": penalized(0.0, 0.0)}


@takes_one_penalty_alone.inputs
def _(rng):
    return penalties(rng)


@probe("penalized_loss", cases=1, rtol=CLOSE)
def leaves_loss_and_model_alone(s, loss, l1, l2, **arrays):
    model, (_source, value) = some_model(**arrays), lossy(loss)
    model[1][0].eval()
    modes = [module.training for module in model.modules()]
    for w in model.parameters():
        w.grad = w.detach().cos()
    s.penalized_loss(value, model, l1, l2)
    lost = [w.grad is None or not w.grad.any() for w in model.parameters()]
    same = [g or bool((w.grad == w.cos()).all()) for g, w in zip(lost, model.parameters(), strict=True)]
    return {
        "loss_afterwards": value,
        **{name.replace(".", "_"): w for name, w in model.named_parameters()},
        "some_gradient_is_lost": truth(any(lost)),
        "some_gradient_is_another": truth(not all(same)),
        "modes_are_as_before": truth(modes == [module.training for module in model.modules()]),
    }


@leaves_loss_and_model_alone.inputs
def _(rng):
    return penalties(rng)


@probe("penalized_loss", cases=1, rtol=CLOSE)
def takes_a_model_of_one_layer_or_without_weights(s, loss, l1, l2, matrix, bias):
    from torch import nn

    layer = nn.Linear(5, 3).double()
    layer.weight.data, layer.bias.data = as_tensor(matrix).clone(), as_tensor(bias).clone()
    value = lossy(loss)[1]
    narrow = nn.Linear(5, 1, bias=False).double()
    narrow.weight.data = as_tensor(matrix[:1]).clone()
    return {
        "one_layer": s.penalized_loss(value, layer, l1, l2),
        "one_unit": s.penalized_loss(value, narrow, l1, l2),
        "no_weights": s.penalized_loss(value, nn.Sequential(nn.ReLU(), nn.BatchNorm1d(3)), l1, l2),
    }


@takes_a_model_of_one_layer_or_without_weights.inputs
def _(rng):
    given = penalties(rng)
    return {**{k: given[k] for k in ("loss", "l1", "l2", "matrix")}, "bias": rng.uniform(0.5, 2, 3)}


def three_arrays(rng):
    """Numbers on both sides of a threshold, some exactly on it, some zero."""
    t = float(rng.uniform(0.4, 0.7))
    arrays = [signed(rng, 4, 3), signed(rng, 5), signed(rng, 2, 3, 2, 1)]
    for a in arrays:
        small = rng.permutation(a.size)[: a.size // 2]
        a.flat[small] = rng.uniform(-0.9, 0.9, len(small)) * t
        a.flat[small[0]], a.flat[small[1]] = t, -t
    return {"arrays": arrays, "threshold": t}


@probe("soft_threshold_", rtol=CLOSE)
def moves_all_parameters_towards_zero(s, arrays, threshold):
    found = parameters_from(arrays)
    found[-1].grad = None
    calls(s.soft_threshold_, found, threshold)
    return {f"parameter_{n}": w for n, w in enumerate(found)}


@moves_all_parameters_towards_zero.inputs
def _(rng):
    return three_arrays(rng)


@probe("soft_threshold_", cases=2, rtol=CLOSE)
def makes_small_numbers_exactly_zero(s, arrays, threshold):
    found = parameters_from(arrays)
    calls(s.soft_threshold_, found, threshold)
    zeros = {f"zero_in_parameter_{n}": w == 0 for n, w in enumerate(found)}
    return {**zeros, "sum_of_sizes": sum(w.detach().abs().sum() for w in found)}


@makes_small_numbers_exactly_zero.inputs
def _(rng):
    return three_arrays(rng)


@probe("soft_threshold_", cases=1)
def works_in_place(s, arrays, threshold):
    import torch

    with torch.enable_grad():
        found = parameters_from(arrays)
        places = [w.data_ptr() for w in found]
        s.soft_threshold_(found, threshold)
        same = [w.data_ptr() == place for w, place in zip(found, places, strict=True)]
        return {
            "the_numbers_lie_where_they_lay": np.array(same),
            "they_still_want_gradients": np.array([w.requires_grad for w in found]),
            "they_have_a_graph": np.array([w.grad_fn is not None for w in found]),
            "gradients_are_switched_on": truth(torch.is_grad_enabled()),
        }


@works_in_place.inputs
def _(rng):
    return three_arrays(rng)


@probe("soft_threshold_", cases=1)
def leaves_the_gradients_alone(s, arrays, threshold):
    import torch

    found = parameters_from(arrays)
    calls(s.soft_threshold_, found, threshold)
    missing = torch.full((1,), float("nan"))
    return {f"gradient_{n}": missing if w.grad is None else w.grad for n, w in enumerate(found)}


@leaves_the_gradients_alone.inputs
def _(rng):
    return three_arrays(rng)


@probe("soft_threshold_", cases=1, rtol=CLOSE)
def takes_a_generator_of_parameters(s, arrays, threshold):
    found = parameters_from(arrays)
    calls(s.soft_threshold_, (w for w in found), threshold)
    return {f"parameter_{n}": w for n, w in enumerate(found)}


@takes_a_generator_of_parameters.inputs
def _(rng):
    return three_arrays(rng)


@probe("soft_threshold_", cases=1, rtol=CLOSE)
def changes_nothing_for_the_threshold_0(s, arrays, threshold):
    found = parameters_from(arrays)
    calls(s.soft_threshold_, found, threshold)
    return {f"parameter_{n}": w for n, w in enumerate(found)}


@changes_nothing_for_the_threshold_0.inputs
def _(rng):
    return {**three_arrays(rng), "threshold": 0.0}


def layers_for_norms(rng):
    """Units on both sides of the bound c, and a unit of zeros; one is so long that other norms are, too."""
    c = float(rng.uniform(1.5, 2.5))

    def units(*shape):
        w = rng.normal(size=shape)
        w /= np.sqrt((w.reshape(shape[0], -1) ** 2).sum(axis=1)).reshape(-1, *[1] * (w.ndim - 1))
        lengths = c * np.array([0.0, 0.55, 0.8, 2.9, *rng.uniform(1.3, 2.9, shape[0] - 4)])
        return w * rng.permutation(lengths).reshape(-1, *[1] * (w.ndim - 1))

    return {
        "matrix": units(6, 4),
        "kernel": units(5, 3, 1, 2),
        "bias": rng.uniform(2.6, 4, 6),
        "c": c,
    }


def layer_with(weight, bias):
    """nn.Linear or nn.Conv2d with these numbers, and a gradient on each."""
    from torch import nn

    shape = weight.shape
    layer = nn.Linear(shape[1], shape[0]) if weight.ndim == 2 else nn.Conv2d(shape[1], shape[0], shape[2:])
    layer = layer.double()
    layer.weight.data, layer.bias.data = as_tensor(weight).clone(), as_tensor(bias[: len(weight)]).clone()
    for w in layer.parameters():
        w.grad = w.detach().cos()
    return layer


@probe("max_norm_", rtol=1e-5)  # c / (norm + 1e-6) is right, too
def shortens_the_rows_of_a_linear_layer(s, matrix, bias, c):
    layer = layer_with(matrix, bias)
    calls(s.max_norm_, layer, c)
    return {"weight": layer.weight}


@shortens_the_rows_of_a_linear_layer.inputs
def _(rng):
    given = layers_for_norms(rng)
    return {k: given[k] for k in ("matrix", "bias", "c")}


@probe("max_norm_", rtol=1e-5)
def shortens_the_output_channels_of_a_convolution(s, kernel, bias, c):
    layer = layer_with(kernel, bias)
    calls(s.max_norm_, layer, c)
    return {"weight": layer.weight}


@shortens_the_output_channels_of_a_convolution.inputs
def _(rng):
    given = layers_for_norms(rng)
    return {k: given[k] for k in ("kernel", "bias", "c")}


@probe("max_norm_", cases=2, rtol=1e-5)
def leaves_all_alone_where_nothing_is_too_long(s, matrix, bias, c):
    layer = layer_with(matrix, bias)
    calls(s.max_norm_, layer, c)
    return {"weight": layer.weight, "bias": layer.bias}


@leaves_all_alone_where_nothing_is_too_long.inputs
def _(rng):
    given = layers_for_norms(rng)
    return {"matrix": given["matrix"], "bias": given["bias"], "c": 3.2 * given["c"]}


@probe("max_norm_", cases=1)
def leaves_bias_and_gradients_alone(s, matrix, bias, c):
    import torch

    layer = layer_with(matrix, bias)
    calls(s.max_norm_, layer, c)
    missing = torch.full((1,), float("nan"))
    grads = {"weight": layer.weight.grad, "bias": layer.bias.grad}
    return {
        "bias": layer.bias,
        **{f"gradient_of_{n}": missing if g is None else g for n, g in grads.items()},
        "the_layer_is_in_training_mode": truth(layer.training),
    }


@leaves_bias_and_gradients_alone.inputs
def _(rng):
    given = layers_for_norms(rng)
    return {k: given[k] for k in ("matrix", "bias", "c")}


@probe("max_norm_", cases=1)
def keeps_the_weight_where_it_is(s, matrix, kernel, bias, c):
    import torch

    found = {}
    with torch.enable_grad():
        for name, numbers in (("linear", matrix), ("convolution", kernel)):
            layer = layer_with(numbers, bias)
            weight, place = layer.weight, layer.weight.data_ptr()
            s.max_norm_(layer, c)
            found |= {
                f"the_weight_of_the_{name}_is_the_same_object": truth(layer.weight is weight),
                f"its_numbers_lie_where_they_lay_in_the_{name}": truth(layer.weight.data_ptr() == place),
                f"the_{name}_still_wants_gradients": truth(layer.weight.requires_grad),
                f"the_{name}_has_a_graph": truth(layer.weight.grad_fn is not None),
            }
        return {**found, "gradients_are_switched_on": truth(torch.is_grad_enabled())}


@keeps_the_weight_where_it_is.inputs
def _(rng):
    return layers_for_norms(rng)


@probe("max_norm_", cases=1, rtol=1e-5)
def takes_a_layer_without_bias(s, kernel, c):
    from torch import nn

    layer = nn.Conv2d(3, 5, (1, 2), bias=False).double()
    layer.weight.data = as_tensor(kernel).clone()
    calls(s.max_norm_, layer, c)
    return {"weight": layer.weight}


@takes_a_layer_without_bias.inputs
def _(rng):
    given = layers_for_norms(rng)
    return {k: given[k] for k in ("kernel", "c")}


@probe("max_norm_", cases=1, rtol=1e-5)
def takes_a_kernel_in_the_order_channels_last(s, kernel, bias, c):
    import torch

    layer = layer_with(kernel, bias)
    layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
    calls(s.max_norm_, layer, c)
    return {"weight": layer.weight}


@takes_a_kernel_in_the_order_channels_last.inputs
def _(rng):
    given = layers_for_norms(rng)
    return {k: given[k] for k in ("kernel", "bias", "c")}


def watched(number=0.0):
    """A model with a weight, and a buffer that no optimizer knows: the statistics of a normalization."""
    from torch import nn

    return set_to(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).double(), number)


def set_to(model, number):
    """Every floating number of the model becomes this one, in place."""
    for t in model.state_dict().values():
        if t.is_floating_point():
            t.fill_(number)
    return model


def numbers_in(model):
    """What the model holds: the weights all the same, and the buffers too."""
    return {
        "weight": model[0].weight.detach().mean(),
        "bias": model[0].bias.detach().mean(),
        "gamma": model[1].weight.detach().mean(),
        "running_mean": model[1].running_mean.mean(),
        "running_var": model[1].running_var.mean(),
    }


def driven(s, losses, patience):
    """The stopper, the model and what it answered, until it said stop; the model is k + 1 in epoch k."""
    stopper, model, answers = s.EarlyStopping(patience), watched(), []
    for k, loss in enumerate(losses):
        set_to(model, k + 1.0)
        answer = stopper.step(float(loss), model)
        answers.append(answer if answer is None else bool(answer))
        if answer:
            break
    return stopper, model, answers


def stops(s, losses, patience):
    answers = driven(s, losses, patience)[2]
    return None if None in answers else np.array(answers)


def scale_of(rng):
    return float(rng.uniform(0.7, 1.4))


@probe("EarlyStopping", cases=2)
def stops_where_patience_is_at_its_end(s, losses, patience):
    return {"answers": stops(s, losses, patience)}


@stops_where_patience_is_at_its_end.inputs
def _(rng):
    falling = [3.0, 2.5, 2.0]
    rising = [2.2, 2.4, 2.3, 2.6, 2.1, 2.5, 2.7]
    return {"losses": scale_of(rng) * np.array(falling + rising), "patience": int(rng.integers(2, 5))}


@probe("EarlyStopping", cases=1)
def begins_to_wait_anew_after_something_better(s, losses, patience):
    return {"answers": stops(s, losses, patience)}


@begins_to_wait_anew_after_something_better.inputs
def _(rng):
    losses = [5.0, 4.0, 4.5, 4.2, 4 - 1e-5, 4.3, 4.1, 3.7, 3.95, 3.9, 3.85, 3.8]
    return {"losses": scale_of(rng) * np.array(losses), "patience": 3}


@probe("EarlyStopping", cases=1)
def compares_with_the_lowest_so_far(s, losses, patience):
    return {"answers": stops(s, losses, patience)}


@compares_with_the_lowest_so_far.inputs
def _(rng):
    losses = [5.0, 2.0, 4.8, 4.5, 4.1, 3.6, 3.1, 2.7]
    return {"losses": scale_of(rng) * np.array(losses), "patience": 3}


@probe("EarlyStopping", cases=1)
def takes_equal_for_not_better(s, losses, patience):
    return {"answers": stops(s, losses, patience)}


@takes_equal_for_not_better.inputs
def _(rng):
    return {"losses": scale_of(rng) * np.array([3.0, 2.0, 2.0, 2.0, 2.0, 2.0]), "patience": 3}


@probe("EarlyStopping", cases=1)
def takes_what_is_no_number_for_not_better(s, losses, late, patience):
    stopper, _model, answers = driven(s, losses, patience)
    return {
        "answers": None if None in answers else np.array(answers),
        "best_loss": stopper.best_loss,
        "answers_after_a_first_loss_that_is_none": stops(s, late, patience),
    }


@takes_what_is_no_number_for_not_better.inputs
def _(rng):
    nan, scale = float("nan"), scale_of(rng)
    losses = np.array([3.0, 2.0, nan, nan, 2.5, 2.6, 2.7, 1.0])
    late = np.array([nan, nan, 2.0, 3.0, 1.5, 4.0, 4.0, 4.0])
    return {"losses": scale * losses, "late": scale * late, "patience": 3}


@probe("EarlyStopping", cases=1)
def stops_at_once_for_patience_1(s, losses):
    return {"answers": stops(s, losses, 1)}


@stops_at_once_for_patience_1.inputs
def _(rng):
    return {"losses": scale_of(rng) * np.array([3.0, 2.5, 2.0, 2.1, 1.0, 1.1])}


@probe("EarlyStopping", cases=2)
def goes_on_while_losses_fall(s, losses, patience):
    return {"answers": stops(s, losses, patience), "best_loss": driven(s, losses, patience)[0].best_loss}


@goes_on_while_losses_fall.inputs
def _(rng):
    return {"losses": np.sort(rng.uniform(1, 3, 9))[::-1].copy(), "patience": int(rng.integers(1, 4))}


@probe("EarlyStopping", cases=2)
def restores_the_best_epoch(s, losses, patience):
    stopper, model, _answers = driven(s, losses, patience)
    stopper.restore(model)
    return {**numbers_in(model), "best_loss": stopper.best_loss}


@restores_the_best_epoch.inputs
def _(rng):
    best = int(rng.integers(2, 5))
    losses = [*np.linspace(4, 2, best), 2.6, 2.4, 2.8, 2.7, 2.9]
    return {"losses": scale_of(rng) * np.array(losses), "patience": int(rng.integers(2, 5))}


@probe("EarlyStopping", cases=1)
def keeps_a_copy(s, losses, patience):
    stopper, model, _answers = driven(s, losses, patience)
    set_to(model, 77.0)
    kept = {name.replace(".", "_"): t for name, t in stopper.best_state.items()}
    return {f"best_state_{name}": t for name, t in kept.items() if not name.endswith("num_batches_tracked")}


@keeps_a_copy.inputs
def _(rng):
    return {"losses": scale_of(rng) * np.array([3.0, 2.0, 2.5, 2.6, 2.7]), "patience": 2}


@probe("EarlyStopping", cases=1)
def can_restore_again_and_another_model(s, losses, patience):
    stopper, model, _answers = driven(s, losses, patience)
    weight, place = model[0].weight, model[0].weight.data_ptr()
    stopper.restore(model)
    same = {
        "the_weight_is_the_same_object": truth(model[0].weight is weight),
        "its_numbers_lie_where_they_lay": truth(model[0].weight.data_ptr() == place),
        "it_is_the_best_the_first_time": model[0].weight.detach().mean(),
    }
    set_to(model, 55.0)
    other = watched(66.0).eval()
    stopper.restore(model)
    stopper.restore(other)
    same["modes_of_both"] = np.array([model.training, other.training])
    found = {f"again_{name}": number for name, number in numbers_in(model).items()}
    return {**same, **found, **{f"another_{name}": n for name, n in numbers_in(other).items()}}


@can_restore_again_and_another_model.inputs
def _(rng):
    return {"losses": scale_of(rng) * np.array([3.0, 2.0, 2.5, 2.6, 2.7]), "patience": 2}


@probe("EarlyStopping", cases=1)
def leaves_the_model_alone_before_there_is_a_best_epoch(s, patience):
    stopper, model = s.EarlyStopping(patience), watched(4.0)
    known = stopper.best_state is not None
    stopper.restore(model)
    stopper.step(float("nan"), model)
    stopper.restore(model)
    return {"there_is_a_best_state": truth(known), "best_loss": stopper.best_loss, **numbers_in(model)}


@leaves_the_model_alone_before_there_is_a_best_epoch.inputs
def _(rng):
    return {"patience": 2}


@probe("EarlyStopping", cases=1)
def changes_neither_model_nor_mode_when_it_looks(s, losses, patience):
    found = {}
    for name, mode in (("training", True), ("evaluation", False)):
        stopper, model, after = s.EarlyStopping(patience), watched().train(mode), []
        for w in model.parameters():
            w.grad = w.detach().cos()
        for k, loss in enumerate(losses):
            stopper.step(float(loss), set_to(model, k + 1.0))
            after.append([float(number) for number in numbers_in(model).values()])
        found |= {
            f"training_modes_after_{name}": np.array([m.training for m in model.modules()]),
            f"numbers_after_each_step_in_{name}": np.array(after),
            f"weights_want_gradients_in_{name}": truth(all(w.requires_grad for w in model.parameters())),
            f"weights_have_their_gradients_in_{name}": truth(
                all(w.grad is not None and w.grad.any() for w in model.parameters())
            ),
        }
    return found


@changes_neither_model_nor_mode_when_it_looks.inputs
def _(rng):
    return {"losses": np.array([3.0, 2.0, 2.5, 2.6, 2.7]), "patience": 3}


@probe("EarlyStopping", cases=1, hidden=True)
def keeps_two_trainings_apart(s, first, second, patience):
    one, other = s.EarlyStopping(patience), s.EarlyStopping(patience)
    model, another, answers = watched(), watched(), []
    for k, (a, b) in enumerate(zip(first, second, strict=True)):
        answer = one.step(a, set_to(model, k + 1.0))
        answers.append((bool(answer), bool(other.step(b, set_to(another, k + 11.0)))))
    one.restore(model)
    other.restore(another)
    found = {f"first_{name}": n for name, n in numbers_in(model).items()}
    return {
        "answers": np.array(answers),
        **found,
        **{f"second_{name}": n for name, n in numbers_in(another).items()},
    }


@keeps_two_trainings_apart.inputs
def _(rng):
    return {"first": [3.0, 2.0, 2.5, 2.6], "second": [5.0, 4.5, 4.2, 4.3], "patience": 2}


def scored(rng):
    """Scores of classes that are not all named, of an example that is sure and wrong among them."""
    scores = rng.normal(0, 2, (7, 5))
    y = rng.integers(0, 4, 7)  # the last class is never right
    scores[0, y[0]] -= 6
    return {"scores": scores, "y": y, "eps": float(rng.uniform(0.12, 0.3))}


def smoothed(s, scores, y, eps):
    return s.SmoothedCrossEntropy(eps)(as_tensor(scores), as_tensor(y))


@probe("SmoothedCrossEntropy", rtol=CLOSE)
def is_the_cross_entropy_with_smooth_targets(s, scores, y, eps):
    return {"loss": smoothed(s, scores, y, eps)}


@is_the_cross_entropy_with_smooth_targets.inputs
def _(rng):
    return scored(rng)


@probe("SmoothedCrossEntropy", cases=2, rtol=CLOSE)
def has_the_gradient_of_the_chapter(s, scores, y, eps):
    leaf = as_tensor(scores).clone().requires_grad_(True)
    s.SmoothedCrossEntropy(eps)(leaf, as_tensor(y)).backward()
    return {"dscores": leaf.grad}


@has_the_gradient_of_the_chapter.inputs
def _(rng):
    return scored(rng)


@probe("SmoothedCrossEntropy", cases=1, rtol=CLOSE)
def is_the_plain_loss_for_eps_0(s, scores, y, eps):
    return {"loss": smoothed(s, scores, y, eps)}


@is_the_plain_loss_for_eps_0.inputs
def _(rng):
    return {**scored(rng), "eps": 0.0}


@probe("SmoothedCrossEntropy", cases=1, rtol=1e-4)  # targets of 32 bits, times a thousand
def bears_scores_of_a_thousand(s, scores, y, eps):
    return {
        "loss_of_scores_far_apart": smoothed(s, 400 * scores, y, eps),
        "loss_of_scores_near_a_thousand": smoothed(s, 1000 + scores, y, eps),
    }


@bears_scores_of_a_thousand.inputs
def _(rng):
    return scored(rng)


@probe("SmoothedCrossEntropy", cases=1, rtol=CLOSE)
def reads_eps_at_every_call(s, scores, y, eps, later):
    module = s.SmoothedCrossEntropy(eps)
    first = module(as_tensor(scores), as_tensor(y))
    module.eps = later
    return {"loss": first, "loss_with_another_eps": module(as_tensor(scores), as_tensor(y))}


@reads_eps_at_every_call.inputs
def _(rng):
    return {**scored(rng), "later": float(rng.uniform(0.4, 0.6))}


@probe("SmoothedCrossEntropy", cases=1, rtol=CLOSE)
def is_the_same_in_both_modes(s, scores, y, eps):
    module = s.SmoothedCrossEntropy(eps)
    found = {}
    for name, mode in (("training", True), ("evaluation", False)):
        found[f"loss_in_{name}"] = module.train(mode)(as_tensor(scores), as_tensor(y))
    return found


@is_the_same_in_both_modes.inputs
def _(rng):
    return scored(rng)


@probe("SmoothedCrossEntropy", cases=1, rtol=CLOSE, hidden=True)
def smooths_by_a_tenth_by_default(s, scores, y):
    return {"loss": s.SmoothedCrossEntropy()(as_tensor(scores), as_tensor(y))}


@smooths_by_a_tenth_by_default.inputs
def _(rng):
    given = scored(rng)
    return {"scores": given["scores"], "y": given["y"]}


def noise_on(s, sigma, p, x):
    """What the layer adds to x, and which images it changed."""
    added = s.GaussianNoise(sigma, p)(x) - x
    return added, (added != 0).reshape(len(x), -1)


def images_and_settings(rng, *shape):
    return {
        "x": rng.normal(2, 3, shape),
        "sigma": float(rng.uniform(0.3, 0.6)),
        "p": float(rng.uniform(0.27, 0.36)),
    }


@probe("GaussianNoise", cases=2)
def changes_whole_images_or_nothing(s, x, sigma, p, calls):
    layer, images = s.GaussianNoise(sigma, p), as_tensor(x)
    changed = [(layer(images) != images).flatten(2).double().mean(dim=2) for _ in range(calls)]
    shares = [each_channel.mean(dim=1) for each_channel in changed]
    return {
        "some_images_are_changed_in_part": truth(any(((c > 0) & (c < 1)).any() for c in shares)),
        "some_channels_are_changed_in_part": truth(any(((c > 0) & (c < 1)).any() for c in changed)),
        "some_call_changes_all_images": truth(any((c > 0).all() for c in shares)),
        "some_call_changes_no_image": truth(any((c == 0).all() for c in shares)),
    }


@changes_whole_images_or_nothing.inputs
def _(rng):
    return {**images_and_settings(rng, 70, 3, 1, 2), "calls": 40}


def noises(layer, images, calls):
    """What some calls add to images of two threes, (calls, images, 2), and which images are noisy."""
    import torch

    x = torch.full((images, 2), 3.0, dtype=torch.float64)
    added = torch.stack([layer(x.clone()) - x for _ in range(calls)])
    return added, (added != 0).any(dim=2)


def many_images(rng):
    """p and 1 - p, their roots, and sigma and its square are all far apart."""
    p, sigma = float(rng.uniform(0.22, 0.27)), float(rng.uniform(0.27, 0.35))
    return {"sigma": sigma, "p": p, "images": 30, "calls": 1500}


def spread(numbers):
    return numbers.std() if numbers.numel() > 1 else numbers.sum() * float("nan")


@probe("GaussianNoise", cases=1, rtol=0.12)
def has_the_right_size_and_shape(s, sigma, p, images, calls):
    added, noisy = noises(s.GaussianNoise(sigma, p), images, calls)
    z = added[noisy] / sigma
    return {
        "1_and_mean_over_std": 1 + z.mean() / spread(z),
        "std_over_sigma": spread(z),
        "1_and_tenfold_share_beyond_2_std": 1 + 10 * (z.abs() > 2 * spread(z)).double().mean(),
    }


@has_the_right_size_and_shape.inputs
def _(rng):
    return many_images(rng)


@has_the_right_size_and_shape.expect
def _(sigma, p, images, calls):
    return {"1_and_mean_over_std": 1.0, "std_over_sigma": 1.0, "1_and_tenfold_share_beyond_2_std": 1.455}


@probe("GaussianNoise", cases=1, rtol=0.12)
def tosses_a_coin_for_each_image(s, sigma, p, images, calls):
    noisy = noises(s.GaussianNoise(sigma, p), images, calls)[1].double()
    deviation = (images * p * (1 - p)) ** 0.5
    return {
        "share_of_noisy_images": noisy.mean(),
        "share_of_the_others": 1 - noisy.mean(),
        "spread_of_their_number": noisy.sum(dim=1).std(correction=0) / deviation,
        "some_place_is_nearly_never_hit": truth(noisy.mean(dim=0).min() < p / 2),
        "some_place_is_nearly_always_hit": truth(noisy.mean(dim=0).max() > (1 + p) / 2),
    }


@tosses_a_coin_for_each_image.inputs
def _(rng):
    return many_images(rng)


@tosses_a_coin_for_each_image.expect
def _(sigma, p, images, calls):
    never = {"some_place_is_nearly_never_hit": truth(False), "some_place_is_nearly_always_hit": truth(False)}
    shares = {"share_of_noisy_images": p, "share_of_the_others": 1 - p}
    return {**shares, "spread_of_their_number": 1.0, **never}


@probe("GaussianNoise", cases=2)
def draws_for_every_number_by_itself(s, x, sigma):
    added = noise_on(s, sigma, 1.0, as_tensor(x))[0]
    names = ("images", "channels", "rows", "columns")
    same = [(added == added.narrow(axis, 0, 1)).all() for axis in range(4)]
    return {f"all_{name}_get_the_same_noise": truth(v) for name, v in zip(names, same, strict=True)}


@draws_for_every_number_by_itself.inputs
def _(rng):
    return {"x": np.zeros((6, 3, 4, 5)), "sigma": images_and_settings(rng, 1)["sigma"]}


@probe("GaussianNoise", cases=1)
def draws_anew_at_every_call(s, x, sigma):
    import torch

    layer, images = s.GaussianNoise(sigma, 1.0), as_tensor(x)
    first, second, other = layer(images), layer(images), s.GaussianNoise(sigma, 1.0)(images)
    smaller = layer(images[:2])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(20_261_122)
        layer(images)
        kept = torch.initial_seed() == 20_261_122
    return {
        "a_second_call_adds_the_same": truth((first == second).all()),
        "another_layer_adds_the_same": truth((first == other).all()),
        "shape_of_a_smaller_batch": np.array(smaller.shape),
        "the_seed_is_the_same_afterwards": truth(kept),
    }


@draws_anew_at_every_call.inputs
def _(rng):
    given = images_and_settings(rng, 5, 2, 3, 4)
    return {"x": given["x"], "sigma": given["sigma"]}


@probe("GaussianNoise", cases=2)
def does_nothing_in_evaluation(s, x, sigma):
    layer = s.GaussianNoise(sigma, 1.0)
    images = as_tensor(x)
    layer(images)
    first, second = layer.eval()(images), layer(images)
    return {
        "something_is_added": truth(first.shape != images.shape or (first != images).any()),
        "two_answers_differ": truth((first != second).any()),
    }


@does_nothing_in_evaluation.inputs
def _(rng):
    given = images_and_settings(rng, 5, 2, 3, 4)
    return {"x": given["x"], "sigma": given["sigma"]}


@probe("GaussianNoise", cases=1)
def changes_nothing_for_sigma_0_or_p_0(s, x, sigma, p):
    images = as_tensor(x)
    return {
        "y_for_sigma_0": s.GaussianNoise(0.0, p)(images),
        "y_for_p_0": s.GaussianNoise(sigma, 0.0)(images),
    }


@changes_nothing_for_sigma_0_or_p_0.inputs
def _(rng):
    return images_and_settings(rng, 5, 2, 3, 4)


@probe("GaussianNoise", cases=1, rtol=0.12)
def asks_for_sigma_and_p_at_every_call(s, sigma, p, images, calls):
    layer = s.GaussianNoise(sigma, 1.0)
    noises(layer, images, 2)
    layer.sigma, layer.p = 7 * sigma, p
    added, noisy = noises(layer, images, calls)
    return {"std_over_sigma": spread(added[noisy]) / sigma, "share_of_noisy_images": noisy.double().mean()}


@asks_for_sigma_and_p_at_every_call.inputs
def _(rng):
    return many_images(rng)


@asks_for_sigma_and_p_at_every_call.expect
def _(sigma, p, images, calls):
    return {"std_over_sigma": 7.0, "share_of_noisy_images": p}


@probe("GaussianNoise", cases=1)
def takes_images_with_any_number_of_axes(s, sigma, p):
    import torch

    shapes = {"numbers": (400,), "features": (400, 3), "images": (400, 2, 1, 3), "films": (400, 2, 1, 3, 2)}
    found = {}
    for name, shape in shapes.items():
        added, changed = noise_on(s, sigma, p, torch.ones(shape))
        found |= {
            f"shape_of_{name}": np.array(added.shape),
            f"{name}_are_changed_in_part": truth((changed.any(dim=1) != changed.all(dim=1)).any()),
        }
    return found


@takes_images_with_any_number_of_axes.inputs
def _(rng):
    given = images_and_settings(rng, 1)
    return {"sigma": given["sigma"], "p": given["p"]}


@probe("GaussianNoise", cases=1)
def keeps_type_and_device(s, sigma, p, shape):
    import torch

    found = {}
    for bits, dtype in ((16, torch.float16), (32, torch.float32), (64, torch.float64)):
        y = s.GaussianNoise(sigma, p)(torch.ones(shape, dtype=dtype))
        found[f"bits_of_the_answer_to_{bits}"] = torch.finfo(y.dtype).bits
    return {**found, "it_draws_where_the_images_are": truth(draws_in_place(s.GaussianNoise(sigma, p), shape))}


def draws_in_place(layer, shape):
    """Would it work on a GPU? Nothing that was made without a device meets the images unmoved."""
    import torch
    from torch.overrides import TorchFunctionMode

    def tensors_in(things):
        parts = [part for t in things for part in (t if isinstance(t, (list, tuple)) else [t])]
        return [t for t in parts if isinstance(t, torch.Tensor)]

    class Watch(TorchFunctionMode):
        def __init__(self):
            super().__init__()
            self.lost, self.met = {}, False  # tensors on the default device, kept so that no id is used twice

        def __torch_function__(self, function, types, args=(), kwargs=None):
            kwargs, name = kwargs or {}, function.__name__
            found, given = function(*args, **kwargs), tensors_in([*args, *kwargs.values()])
            if not isinstance(found, torch.Tensor):
                return found
            lost = [t for t in given if id(t) in self.lost]
            to_where = tensors_in(args[1:]) or any(isinstance(o, (torch.device, str)) for o in args[1:])
            if name in ("to", "type_as") and (to_where or kwargs.keys() & {"device", "other"}):
                self.lost.pop(id(found), None)
                return found
            only_shapes = name in ("expand_as", "view_as", "reshape_as")
            free = only_shapes or name in ("__getitem__", "__setitem__", "copy_")
            mixed = len(lost) < len(given)
            self.met |= mixed and not free and any(t.ndim > 0 for t in lost)
            if (lost and (only_shapes or not mixed)) or (not given and kwargs.get("device") is None):
                self.lost[id(found)] = found
            return found

    with Watch() as watch:
        layer(torch.ones(shape, device="cpu"))
    return not watch.met


@keeps_type_and_device.inputs
def _(rng):
    given = images_and_settings(rng, 1)
    return {"sigma": given["sigma"], "p": given["p"], "shape": [6, 3, 4, 5]}


@probe("GaussianNoise", cases=1)
def lets_the_gradient_through(s, x, sigma, p, dout):
    leaf = as_tensor(x).clone().requires_grad_(True)
    s.GaussianNoise(sigma, p)(leaf).backward(as_tensor(dout))
    return {"dx": leaf.grad}


@lets_the_gradient_through.inputs
def _(rng):
    return {**images_and_settings(rng, 9, 2, 3, 4), "dout": rng.normal(size=(9, 2, 3, 4))}


@probe("GaussianNoise", cases=1, hidden=True)
def puts_noise_on_every_image_by_default(s, x, sigma):
    images = as_tensor(x)
    return {"unchanged_images": truth((s.GaussianNoise(sigma)(images) == images).flatten(1).all(dim=1).any())}


@puts_noise_on_every_image_by_default.inputs
def _(rng):
    given = images_and_settings(rng, 40, 3, 2)
    return {"x": given["x"], "sigma": given["sigma"]}


def wavering(first, second, mean, var, steps):
    """A network whose layers of a kind `Wavers` multiply by other numbers at each call, always the same,
    in training. Batch normalization is in it, and dropout that is not of that kind. Returns both."""
    from torch import nn

    class Wavers(nn.Module):
        def __init__(self, step):
            super().__init__()
            self.step, self.calls = step, 0

        def forward(self, x):
            if not self.training:
                return x
            self.calls += 1
            return x * (0.4 + self.step * self.calls)

    class WaversMore(Wavers):
        pass

    class Louder(nn.Module):
        def forward(self, x):
            return 1.5 * x if self.training else x

    def linear(weight):
        layer = nn.Linear(*weight.shape[::-1], bias=False).double()
        layer.weight.data = as_tensor(weight).clone()
        return layer

    norm = nn.BatchNorm1d(len(mean)).double()
    norm.running_mean, norm.running_var = as_tensor(mean).clone(), as_tensor(var).clone()
    body = nn.Sequential(norm, nn.Sequential(Wavers(steps[0])), nn.Tanh(), WaversMore(steps[1]))
    return nn.Sequential(Wavers(steps[2]), linear(first), body, Louder(), linear(second)), Wavers


def wavering_inputs(rng):
    return {
        "x": rng.normal(size=(5, 4)),
        "draws": int(rng.integers(3, 6)),
        "first": rng.normal(size=(6, 4)),
        "second": rng.normal(size=(3, 6)),
        "mean": rng.normal(size=6),
        "var": rng.uniform(0.5, 2, 6),
        "steps": rng.uniform(0.2, 0.7, 3),
    }


def marginal(s, net, x, draws, kind):
    import torch

    with torch.enable_grad():
        return s.predict_marginal(net, as_tensor(x), draws, kinds=(kind, torch.nn.Dropout3d))


@probe("predict_marginal", rtol=CLOSE)
def takes_the_mean_of_the_probabilities(s, x, draws, **network):
    found = {}
    for name, mode in (("training", True), ("evaluation", False)):
        net, kind = wavering(**network)
        found[f"mean_of_a_model_in_{name}"] = marginal(s, net.train(mode), x, draws, kind)
    return found


@takes_the_mean_of_the_probabilities.inputs
def _(rng):
    return wavering_inputs(rng)


@probe("predict_marginal", cases=1, rtol=CLOSE)
def takes_a_single_draw_and_none_that_is_random(s, x, draws, **network):
    import torch

    net, kind = wavering(**network)
    once = marginal(s, net, x, 1, kind)
    still = marginal(s, wavering(**network)[0], x, draws, torch.nn.Dropout2d)
    return {"one_draw": once, "no_random_layer": still}


@takes_a_single_draw_and_none_that_is_random.inputs
def _(rng):
    return wavering_inputs(rng)


@probe("predict_marginal", cases=1)
def puts_all_modes_back(s, x, draws, **network):
    found = {}
    for name in ("training", "evaluation", "mixed"):
        net, kind = wavering(**network)
        net.train(name != "evaluation")
        if name == "mixed":
            net[2][0].eval()
            net[2][3].eval()
        marginal(s, net, x, draws, kind)
        found[f"modes_of_a_model_in_{name}"] = np.array([module.training for module in net.modules()])
    return found


@puts_all_modes_back.inputs
def _(rng):
    return wavering_inputs(rng)


@probe("predict_marginal", cases=1, rtol=CLOSE)
def leaves_statistics_and_weights_alone(s, x, draws, **network):
    net, kind = wavering(**network)
    for w in net.parameters():
        w.grad = w.detach().cos()
    marginal(s, net, x, draws, kind)
    return {
        "running_mean": net[2][0].running_mean,
        "running_var": net[2][0].running_var,
        "weight": net[1].weight,
        "some_gradient_is_lost": truth(any(w.grad is None or not w.grad.any() for w in net.parameters())),
    }


@leaves_statistics_and_weights_alone.inputs
def _(rng):
    return wavering_inputs(rng)


@probe("predict_marginal", cases=1)
def has_no_graph_and_leaves_the_switches(s, x, draws, **network):
    import torch

    net, kind = wavering(**network)
    net[1].requires_grad_(False)
    kinds = (kind, torch.nn.Dropout3d)
    with torch.enable_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(20_261_123)
        mean = s.predict_marginal(net, as_tensor(x), draws, kinds=kinds)
        found = {
            "the_mean_has_a_graph": truth(mean.requires_grad),
            "gradients_are_switched_on": truth(torch.is_grad_enabled()),
            "weights_want_gradients": np.array([w.requires_grad for w in net.parameters()]),
            "the_seed_is_the_same": truth(torch.initial_seed() == 20_261_123),
        }
        with torch.no_grad():
            s.predict_marginal(net, as_tensor(x), draws, kinds=kinds)
            found["switched_on_where_they_were_off"] = truth(torch.is_grad_enabled())
        return found


@has_no_graph_and_leaves_the_switches.inputs
def _(rng):
    return wavering_inputs(rng)


@probe("predict_marginal", cases=1)
def calls_the_model_once_for_each_draw(s, x, draws, **network):
    net, kind = wavering(**network)
    sizes = []
    net.register_forward_hook(lambda module, given, scores: sizes.append(len(given[0])))
    marginal(s, net, x, draws, kind)
    return {"images_in_each_call": np.array(sizes)}


@calls_the_model_once_for_each_draw.inputs
def _(rng):
    return wavering_inputs(rng)


@probe("predict_marginal", cases=1, hidden=True)
def knows_the_dropout_layers_by_default(s, x, p):
    import torch
    from torch import nn

    net = nn.Sequential(nn.Dropout(p), nn.Flatten()).double().eval()
    with torch.enable_grad():
        mean = s.predict_marginal(net, as_tensor(x), 2)
    even = torch.full_like(mean, 1 / mean.shape[1])
    return {"everything_is_dropped": truth(torch.allclose(mean, even))}


@knows_the_dropout_layers_by_default.inputs
def _(rng):
    return {"x": rng.uniform(2, 5, (4, 3)) * np.array([1.0, -1.0, 2.0]), "p": 1.0}
