"""What the checks ask of hyperparameters_torch, and the inputs they ask it on.

The repaired programs are asked for their curves and for what the network is afterwards, on batches of several
sizes, with gradients left from before, in the wrong mode, and over several epochs."""

import functools
import itertools

import numpy as np

from autograder import probe

ROUNDING = 1e-6  # the order of sums is free


def tensor(array):
    """A tensor with memory of its own."""
    import torch

    return torch.tensor(np.asarray(array))


def fact(value):
    return np.array(bool(value))


def with_gradients(function):
    """Asks with gradients on, and puts the switch back: code that turned it off spoils no other probe."""

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
    """The module in 64 bits with these numbers in all parameters and buffers, over and over."""
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


def plain(numbers):
    """From 4 inputs to the scores of 3 classes."""
    from torch import nn

    return filled(nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)), numbers)


def normalized(numbers):
    """The same with batch normalization, which is another function in each mode."""
    from torch import nn

    parts = (nn.Linear(4, 5), nn.BatchNorm1d(5, momentum=0.3), nn.Tanh(), nn.Linear(5, 3))
    return filled(nn.Sequential(*parts), numbers)


def flat(values):
    """All numbers of all tensors, one after the other."""
    import torch

    return torch.cat([v.detach().double().flatten() for v in values])


def after(net):
    """What a network is: its parameters, and its buffers if it has any."""
    buffers = list(net.buffers())
    found = {"parameters": flat(net.parameters())}
    return found | ({"running_statistics": flat(buffers)} if buffers else {})


def modes_of(model):
    return np.array([part.training for part in model.modules()])


def numbers_of(found, count, *names):
    """`count` results by name, each as an array; where there are others, an error that says what came."""
    if found is None:
        raise TypeError(f"{' and '.join(names)} expected, None was returned: is a `return` missing?")
    if count == 1:
        return {names[0]: without_graph(found, names[0])}
    if not isinstance(found, (tuple, list)) or len(found) != count:
        size = f" of length {len(found)}" if isinstance(found, (tuple, list)) else ""
        raise TypeError(f"{' and '.join(names)} expected, a {type(found).__name__}{size} was returned")
    return {name: without_graph(value, name) for name, value in zip(names, found, strict=True)}


def without_graph(values, name):
    """An array of floats; for tensors that still have a graph an error that says how to get floats."""
    parts = values if isinstance(values, (tuple, list)) else [values]
    if any(getattr(part, "requires_grad", False) for part in parts):
        raise TypeError(f"{name}: floats expected, tensors with a graph were returned; .item() gives a float")
    return np.asarray(values, dtype=float)


def batch_inputs(rng, N=7):
    return {
        "numbers": far_from_0(rng, 61),
        "x": 2 * far_from_0(rng, N, 4),
        "y": rng.permutation(np.arange(N) % 3),
        "lr": float(rng.uniform(0.03, 0.08)),
    }


def before_and_after(s, model, x, y, steps, lr):
    found = s.overfits_one_batch(model, tensor(x), tensor(y), steps, lr)
    return numbers_of(found, 2, "loss_before", "loss_after")


@probe("overfits_one_batch", cases=2, rtol=ROUNDING)
@with_gradients
def gives_the_loss_before_the_first_step(s, numbers, x, y, lr, steps):
    found = before_and_after(s, plain(numbers), x, y, steps, lr)
    return {"loss_before": found["loss_before"]}


@probe("overfits_one_batch", cases=2, rtol=ROUNDING)
@with_gradients
def gives_the_loss_after_the_last_step(s, numbers, x, y, lr, steps):
    return before_and_after(s, plain(numbers), x, y, steps, lr)


@gives_the_loss_before_the_first_step.inputs
@gives_the_loss_after_the_last_step.inputs
def _(rng):
    return {**batch_inputs(rng), "steps": int(rng.integers(4, 7))}


@probe("overfits_one_batch", cases=1, rtol=ROUNDING)
@with_gradients
def takes_exactly_so_many_steps(s, numbers, x, y, lr):
    return {
        f"loss_after_{steps}_steps": before_and_after(s, plain(numbers), x, y, steps, lr)["loss_after"]
        for steps in (0, 1, 2)
    }


@probe("overfits_one_batch", cases=1, rtol=ROUNDING)
@with_gradients
def trains_the_copy_in_training_mode(s, numbers, x, y, lr):
    found = {}
    for kind in ("training", "evaluation"):
        model = normalized(numbers).train(kind == "training")
        losses = before_and_after(s, model, x, y, 3, lr)
        found |= {f"{name}_of_a_model_in_{kind}_mode": value for name, value in losses.items()}
    return found


@probe("overfits_one_batch", cases=1, rtol=ROUNDING)
@with_gradients
def keeps_frozen_parameters_frozen(s, numbers, x, y, lr):
    model = plain(numbers)
    model[0].requires_grad_(False)
    return before_and_after(s, model, x, y, 3, lr)


@probe("overfits_one_batch", cases=1, rtol=1e-5)
@with_gradients
def goes_on_where_the_loss_is_small(s, numbers, x, y, lr):
    """After 150 long steps the loss is below a thousandth: nobody asks whether less would do."""
    return before_and_after(s, plain(numbers), x, y, 150, 5 * lr)


@goes_on_where_the_loss_is_small.inputs
def _(rng):
    """The classes are those that the network says already: others it may never learn, with dead units."""
    given = batch_inputs(rng)
    said = plain(given["numbers"])(tensor(given["x"])).argmax(dim=1)
    return {**given, "y": said.numpy()}


@takes_exactly_so_many_steps.inputs
@trains_the_copy_in_training_mode.inputs
@keeps_frozen_parameters_frozen.inputs
def _(rng):
    return batch_inputs(rng)


@probe("overfits_one_batch", cases=1, rtol=ROUNDING)
@with_gradients
def leaves_no_trace(s, numbers, x, y, lr, left):
    """One module is in another mode than the rest, one gradient is there, the others are None."""
    found = {}
    for kind in ("training", "evaluation"):
        model = normalized(numbers).train(kind == "training")
        model[1].train(kind != "training")
        model[0].bias.grad = tensor(left)
        before_and_after(s, model, x, y, 3, lr)
        kept = model[0].bias.grad
        found |= {f"{name}_in_{kind}_mode": value for name, value in after(model).items()}
        found[f"modes_that_were_{kind}"] = modes_of(model)
        found[f"gradient_from_before_in_{kind}_mode"] = left * 0 if kept is None else kept
        found[f"new_gradients_in_{kind}_mode"] = fact(model[3].weight.grad is not None)
    return found


@leaves_no_trace.inputs
def _(rng):
    return {**batch_inputs(rng), "left": far_from_0(rng, 5)}


def cut(x, y, sizes):
    """The rows of x and y as batches of these sizes, one after the other."""
    parts = np.split(np.arange(len(x)), np.cumsum(sizes)[:-1])
    return [(tensor(x[rows]), tensor(y[rows])) for rows in parts]


def run_inputs(rng, *sizes, epochs=1):
    """Inputs of growing size, so that the losses and the gradients of the batches differ."""
    N = sum(sizes)
    return {
        "numbers": far_from_0(rng, 61),
        "x": far_from_0(rng, N, 4) * np.linspace(0.6, 2.2, N)[:, None],
        "y": rng.integers(0, 3, N),
        "sizes": list(sizes),
        "epochs": epochs,
        "lr": float(rng.uniform(0.12, 0.25)),
    }


def run_a(s, net, x, y, sizes, epochs, lr):
    losses = s.repaired_a(net, cut(x, y, sizes), epochs, lr)
    return {**numbers_of(losses, 1, "losses"), **after(net)}


def one_batch(rng):
    return run_inputs(rng, 5)


def equal_batches(rng):
    return run_inputs(rng, 5, 5, 5)


def three_epochs(rng):
    return run_inputs(rng, 4, 4, epochs=3)


def ragged_batches(rng):
    return run_inputs(rng, 6, 5, 2, epochs=2)


@probe("repaired_a", cases=2, rtol=ROUNDING)
@with_gradients
def a_takes_one_step(s, numbers, x, y, sizes, epochs, lr):
    return run_a(s, plain(numbers), x, y, sizes, epochs, lr)


@probe("repaired_a", cases=2, rtol=ROUNDING)
@with_gradients
def a_steps_with_the_gradient_of_each_batch(s, numbers, x, y, sizes, epochs, lr):
    """Batches of one size: each way to average the losses gives the same."""
    return run_a(s, plain(numbers), x, y, sizes, epochs, lr)


@probe("repaired_a", cases=2, rtol=ROUNDING)
@with_gradients
def a_has_a_loss_for_every_epoch(s, numbers, x, y, sizes, epochs, lr):
    return run_a(s, plain(numbers), x, y, sizes, epochs, lr)


@probe("repaired_a", cases=2, rtol=ROUNDING)
@with_gradients
def a_counts_every_example_once(s, numbers, x, y, sizes, epochs, lr):
    return run_a(s, plain(numbers), x, y, sizes, epochs, lr)


@probe("repaired_a", cases=1, rtol=ROUNDING)
@with_gradients
def a_forgets_gradients_from_before(s, numbers, x, y, sizes, epochs, lr, left):
    net = plain(numbers)
    net[2].bias.grad = tensor(left)
    return run_a(s, net, x, y, sizes, epochs, lr)


@probe("repaired_a", cases=1, rtol=ROUNDING)
@with_gradients
def a_trains_in_training_mode(s, numbers, x, y, sizes, epochs, lr):
    return run_a(s, normalized(numbers).eval(), x, y, sizes, epochs, lr)


@probe("repaired_a", cases=1)
@with_gradients
def a_steps_down_the_gradient_by_the_rate(s, numbers, x, y, sizes, epochs, lr):
    """Facts about the first step: they say the same of each rate that is too small, and of each too large."""
    import torch

    net = plain(numbers)
    before = flat(net.parameters())
    loss = torch.nn.functional.cross_entropy(net(tensor(x)), tensor(y))
    wanted = -lr * flat(torch.autograd.grad(loss, list(net.parameters())))
    s.repaired_a(net, cut(x, y, sizes), epochs, lr)
    step = flat(net.parameters()) - before
    share = (step @ wanted / (wanted @ wanted)).item()
    return {
        "a_step_is_taken": fact(step.any()),
        "along_the_gradient": fact(torch.allclose(step, share * wanted, rtol=1e-3, atol=1e-6)),
        "too_short": fact(share < 1 - 1e-3),
        "too_long": fact(share > 1 + 1e-3),
    }


a_takes_one_step.inputs(one_batch)
a_steps_down_the_gradient_by_the_rate.inputs(one_batch)
a_steps_with_the_gradient_of_each_batch.inputs(equal_batches)
a_has_a_loss_for_every_epoch.inputs(three_epochs)
a_counts_every_example_once.inputs(ragged_batches)
a_trains_in_training_mode.inputs(three_epochs)


@a_forgets_gradients_from_before.inputs
def _(rng):
    return {**run_inputs(rng, 5, 5), "left": 2 * far_from_0(rng, 3)}


def run_b(s, net, x, y, sizes, epochs, lr):
    curves = s.repaired_b(net, cut(x, y, sizes), epochs, lr)
    return {**numbers_of(curves, 2, "losses", "how_sure_it_is"), **after(net)}


@probe("repaired_b", cases=2, rtol=ROUNDING)
@with_gradients
def b_takes_one_step_on_the_cross_entropy(s, numbers, x, y, sizes, epochs, lr):
    found = run_b(s, plain(numbers), x, y, sizes, epochs, lr)
    return {name: found[name] for name in ("losses", "parameters")}


@probe("repaired_b", cases=2, rtol=ROUNDING)
@with_gradients
def b_knows_how_sure_it_is(s, numbers, x, y, sizes, epochs, lr):
    return {"how_sure_it_is": run_b(s, plain(numbers), x, y, sizes, epochs, lr)["how_sure_it_is"]}


@probe("repaired_b", cases=2, rtol=ROUNDING)
@with_gradients
def b_has_two_numbers_for_every_epoch(s, numbers, x, y, sizes, epochs, lr):
    return run_b(s, plain(numbers), x, y, sizes, epochs, lr)


@probe("repaired_b", cases=2, rtol=ROUNDING)
@with_gradients
def b_counts_every_example_once(s, numbers, x, y, sizes, epochs, lr):
    return run_b(s, plain(numbers), x, y, sizes, epochs, lr)


@probe("repaired_b", cases=1, rtol=ROUNDING)
@with_gradients
def b_forgets_gradients_and_trains_in_training_mode(s, numbers, x, y, sizes, epochs, lr, left):
    net = normalized(numbers).eval()
    net[3].bias.grad = tensor(left)
    return run_b(s, net, x, y, sizes, epochs, lr)


b_takes_one_step_on_the_cross_entropy.inputs(one_batch)
b_knows_how_sure_it_is.inputs(one_batch)
b_has_two_numbers_for_every_epoch.inputs(three_epochs)
b_counts_every_example_once.inputs(ragged_batches)


@b_forgets_gradients_and_trains_in_training_mode.inputs
def _(rng):
    return {**run_inputs(rng, 5, 5), "left": 2 * far_from_0(rng, 3)}


@probe("repaired_b", cases=1, rtol=ROUNDING)
@with_gradients
def b_survives_scores_that_are_1000_apart(s, numbers, x, y, sizes, epochs, lr, factor):
    """The loss is of thousands there; in hundreds each bound that cuts it off looks the same."""
    found = run_b(s, plain(numbers), x, y, sizes, epochs, lr)
    far = plain(numbers * factor)
    hundreds = np.round(run_b(s, far, x, y, sizes, 1, lr)["losses"], -2)
    return {"losses": found["losses"], "losses_far_apart_to_hundreds": hundreds}


@b_survives_scores_that_are_1000_apart.inputs
def _(rng):
    return {**run_inputs(rng, 9), "factor": 1500.0}


def order_inputs(rng, N, batch_size, epochs=1):
    given = run_inputs(rng, N)
    orders = [rng.permutation(N) for _ in range(epochs)]
    return {
        **{name: given[name] for name in ("numbers", "x", "lr")},
        "y": rng.permutation(np.arange(N) % 3),
        "orders": np.array(orders),
        "batch_size": batch_size,
    }


def run_c(s, net, x, y, orders, batch_size, lr):
    losses = s.repaired_c(net, x, y, [tensor(order) for order in orders], batch_size, lr)
    return {**numbers_of(losses, 1, "losses"), **after(net)}


@probe("repaired_c", cases=2, rtol=ROUNDING)
@with_gradients
def c_pairs_each_example_with_its_label(s, numbers, x, y, orders, batch_size, lr):
    """One batch of all: only the pairs count, and not their order."""
    return run_c(s, plain(numbers), tensor(x), tensor(y), orders, batch_size, lr)


@probe("repaired_c", cases=2, rtol=ROUNDING)
@with_gradients
def c_cuts_the_order_into_batches(s, numbers, x, y, orders, batch_size, lr):
    return run_c(s, plain(numbers), tensor(x), tensor(y), orders, batch_size, lr)


@probe("repaired_c", cases=2, rtol=ROUNDING)
@with_gradients
def c_has_another_order_in_each_epoch(s, numbers, x, y, orders, batch_size, lr):
    return run_c(s, plain(numbers), tensor(x), tensor(y), orders, batch_size, lr)


@probe("repaired_c", cases=2, rtol=ROUNDING)
@with_gradients
def c_counts_every_example_once(s, numbers, x, y, orders, batch_size, lr):
    return run_c(s, plain(numbers), tensor(x), tensor(y), orders, batch_size, lr)


@c_pairs_each_example_with_its_label.inputs
def _(rng):
    return order_inputs(rng, 7, 9)


@c_cuts_the_order_into_batches.inputs
def _(rng):
    return order_inputs(rng, 12, 4)


@c_has_another_order_in_each_epoch.inputs
def _(rng):
    return order_inputs(rng, 12, 4, epochs=3)


@c_counts_every_example_once.inputs
def _(rng):
    return order_inputs(rng, 11, 4, epochs=2)


@probe("repaired_c", cases=1, rtol=ROUNDING)
@with_gradients
def c_forgets_gradients_and_trains_in_training_mode(s, numbers, x, y, orders, batch_size, lr, left):
    net = normalized(numbers).eval()
    net[3].bias.grad = tensor(left)
    return run_c(s, net, tensor(x), tensor(y), orders, batch_size, lr)


@c_forgets_gradients_and_trains_in_training_mode.inputs
def _(rng):
    return {**order_inputs(rng, 10, 5, epochs=2), "left": 2 * far_from_0(rng, 3)}


@probe("repaired_c", cases=1, rtol=ROUNDING)
@with_gradients
def c_leaves_the_examples_as_they_are(s, numbers, x, y, orders, batch_size, lr):
    given = tensor(x), tensor(y)
    run_c(s, plain(numbers), *given, orders, batch_size, lr)
    return {"x": given[0], "y": given[1]}


@c_leaves_the_examples_as_they_are.inputs
def _(rng):
    return order_inputs(rng, 11, 4, epochs=2)


def d_inputs(rng, *sizes, epochs):
    """The validation loss falls and rises again: the labels of the validation examples are partly wrong.

    A class has its own corner, so that training soon gets sure of it."""
    corners = 1.4 * np.array([[1.0, -1.0, 0.6, -0.4], [-1.0, 0.7, 1.0, 0.5], [0.3, 1.0, -0.8, -1.0]])
    N, n = sum(sizes), 10
    y, y_val = np.arange(N) % 3, np.arange(n) % 3
    wrong = (y_val + (np.arange(n) >= 6)) % 3
    spread = np.linspace(0.7, 1.4, N)[:, None]
    return {
        "numbers": 0.3 * far_from_0(rng, 61),
        "x": corners[y] * spread + rng.normal(0, 0.2, (N, 4)),
        "y": y,
        "sizes": list(sizes),
        "x_val": corners[y_val] + rng.normal(0, 0.2, (n, 4)),
        "y_val": wrong,
        "epochs": epochs,
        "lr": float(rng.uniform(0.07, 0.1)),
    }


def run_d(s, net, x, y, sizes, x_val, y_val, epochs, lr):
    curves = s.repaired_d(net, cut(x, y, sizes), (tensor(x_val), tensor(y_val)), epochs, lr)
    named = numbers_of(curves, 2, "training_losses", "validation_losses")
    return {**named, **{f"{name}_at_the_end": value for name, value in after(net).items()}}


@probe("repaired_d", cases=2, rtol=ROUNDING)
@with_gradients
def d_measures_one_epoch(s, numbers, x, y, sizes, x_val, y_val, epochs, lr):
    return run_d(s, normalized(numbers), x, y, sizes, x_val, y_val, epochs, lr)


@d_measures_one_epoch.inputs
def _(rng):
    return d_inputs(rng, 5, 5, epochs=1)


@probe("repaired_d", cases=2, rtol=ROUNDING)
@with_gradients
def d_trains_in_training_mode_in_every_epoch(s, numbers, x, y, sizes, x_val, y_val, epochs, lr):
    found = run_d(s, normalized(numbers).eval(), x, y, sizes, x_val, y_val, epochs, lr)
    return {"training_losses": found["training_losses"], "validation_losses": found["validation_losses"]}


@probe("repaired_d", cases=2, rtol=ROUNDING)
@with_gradients
def d_gives_the_best_epoch_back(s, numbers, x, y, sizes, x_val, y_val, epochs, lr):
    return run_d(s, normalized(numbers), x, y, sizes, x_val, y_val, epochs, lr)


@probe("repaired_d", cases=2, rtol=ROUNDING)
@with_gradients
def d_gives_the_best_epoch_back_without_buffers(s, numbers, x, y, sizes, x_val, y_val, epochs, lr):
    return run_d(s, plain(numbers), x, y, sizes, x_val, y_val, epochs, lr)


@d_trains_in_training_mode_in_every_epoch.inputs
@d_gives_the_best_epoch_back.inputs
@d_gives_the_best_epoch_back_without_buffers.inputs
def _(rng):
    return d_inputs(rng, 5, 5, 5, epochs=12)


def restless(given):
    """Whether the best epoch is inside, is not the one learned best, and the loss falls again after it."""
    import torch

    net = plain(given["numbers"])
    sgd = torch.optim.SGD(net.parameters(), lr=given["lr"], momentum=0.9)
    x, y, x_val, y_val = (tensor(given[name]) for name in ("x", "y", "x_val", "y_val"))
    entropy, learned, watched = torch.nn.functional.cross_entropy, [], []
    for _ in range(given["epochs"]):
        learned.append(0.0)
        for rows in torch.arange(len(x)).split(given["sizes"]):
            sgd.zero_grad()
            step_loss = entropy(net(x[rows]), y[rows])
            step_loss.backward()
            sgd.step()
            learned[-1] += step_loss.item() * len(rows)
        watched.append(entropy(net(x_val), y_val).item())
    best = int(np.argmin(watched))
    again = any(b < a for a, b in itertools.pairwise(watched[best + 1 :]))
    inside = 0 < best < len(watched) - 2 and int(np.argmin(learned)) not in (best, len(learned) - 1)
    clear = np.diff(np.sort(watched)[:2])[0] > 0.01 and np.diff(np.sort(learned)[:2])[0] > 0.01
    return inside and again and clear and int(np.argmax(watched)) != best


@probe("repaired_d", cases=2, rtol=1e-5)
@with_gradients
def d_goes_by_the_validation_loss_of_all_epochs(s, numbers, x, y, sizes, x_val, y_val, epochs, lr):
    return run_d(s, plain(numbers), x, y, sizes, x_val, y_val, epochs, lr)


@d_goes_by_the_validation_loss_of_all_epochs.inputs
def _(rng):
    """Steps so long that both curves jump."""
    while True:
        given = d_inputs(rng, 5, 5, 5, epochs=8)
        given |= {"x": given["x"] * 1.5, "y": rng.permutation(given["y"]), "lr": float(rng.uniform(0.2, 0.4))}
        if restless(given):
            return given


@probe("repaired_d", cases=2, rtol=ROUNDING)
@with_gradients
def d_counts_every_example_once(s, numbers, x, y, sizes, x_val, y_val, epochs, lr):
    return run_d(s, normalized(numbers), x, y, sizes, x_val, y_val, epochs, lr)


@d_counts_every_example_once.inputs
def _(rng):
    return d_inputs(rng, 6, 5, 2, epochs=3)


@probe("repaired_d", cases=1, rtol=ROUNDING)
@with_gradients
def d_keeps_the_first_of_two_best_epochs(s, numbers, x, y, sizes, epochs, lr):
    """Without biases, validation inputs of zeros have the loss log 3 in every epoch."""
    from torch import nn

    net = filled(nn.Sequential(nn.Linear(4, 5, bias=False), nn.Tanh(), nn.Linear(5, 3, bias=False)), numbers)
    return run_d(s, net, x, y, sizes, np.zeros((6, 4)), np.arange(6) % 3, epochs, lr)


@d_keeps_the_first_of_two_best_epochs.inputs
def _(rng):
    given = d_inputs(rng, 5, 4, epochs=3)
    return {name: given[name] for name in ("numbers", "x", "y", "sizes", "epochs", "lr")}


@probe("repaired_d", cases=1, rtol=ROUNDING)
@with_gradients
def d_ends_in_evaluation_mode(s, numbers, x, y, sizes, x_val, y_val, epochs, lr, left):
    """With a gradient from before, and with its modes while it works, in however many passes."""
    import torch

    net, seen = normalized(numbers), []
    net[3].bias.grad = tensor(left)
    net.register_forward_hook(lambda module, _inputs, y: seen.append([module.training, y.requires_grad]))
    found = run_d(s, net, x, y, sizes, x_val, y_val, epochs, lr)
    return {
        "training_losses": found["training_losses"],
        "modes_at_the_end": modes_of(net),
        "validated_in_training_mode": fact(any(training and not graph for training, graph in seen)),
        "validated_with_a_graph": fact(any(graph and not training for training, graph in seen)),
        "gradients_are_on_afterwards": fact(torch.is_grad_enabled()),
    }


@d_ends_in_evaluation_mode.inputs
def _(rng):
    return {**d_inputs(rng, 4, 4, epochs=2), "left": 2 * far_from_0(rng, 3)}


def logs_inputs(rng, n=6):
    """Points in no order, none of the three near 1, where its square would be itself."""
    return {
        "x": rng.permutation(np.cumsum(rng.uniform(0.2, 0.7, n))),
        "y": far_from_0(rng, n),
        "log_length": float(np.log(rng.uniform(0.4, 0.7))),
        "log_scale": float(np.log(rng.uniform(1.4, 1.9))),
        "log_noise": float(np.log(rng.uniform(0.25, 0.4))),
    }


def one_tensor(answer):
    """What was returned, if it is a tensor with one number; else an error that says what came."""
    import torch

    if answer is None:
        raise TypeError("a tensor was expected, None was returned: is a `return` missing?")
    if not isinstance(answer, torch.Tensor):
        raise TypeError(f"a tensor was expected, a {type(answer).__name__} was returned: it has no gradient")
    return answer.reshape(()) if answer.numel() == 1 else answer


def evidence_of(s, x, y, *logs):
    return one_tensor(s.log_evidence(tensor(x), tensor(y), *(tensor(v).double() for v in logs)))


@probe("log_evidence", cases=2)
@with_gradients
def gives_the_log_density_of_the_values(s, x, y, log_length, log_scale, log_noise):
    return {"log_evidence": evidence_of(s, x, y, log_length, log_scale, log_noise)}


@probe("log_evidence", cases=1)
@with_gradients
def needs_one_value_only(s, x, y, log_length, log_scale, log_noise):
    """One value and two: of one alone the length says nothing."""
    one = evidence_of(s, x[:1], y[:1], log_length, log_scale, log_noise)
    return {"of_one_value": one, "of_two_values": evidence_of(s, x, y, log_length, log_scale, log_noise)}


@gives_the_log_density_of_the_values.inputs
def _(rng):
    return logs_inputs(rng)


@needs_one_value_only.inputs
def _(rng):
    return logs_inputs(rng, 2)


@probe("log_evidence", cases=2)
@with_gradients
def lets_the_gradient_through(s, x, y, log_length, log_scale, log_noise):
    import torch

    given = {"x": x, "y": y, "log_length": log_length, "log_scale": log_scale, "log_noise": log_noise}
    leaves = {name: tensor(value).double().requires_grad_() for name, value in given.items()}
    told = one_tensor(s.log_evidence(*leaves.values()))
    if not told.requires_grad:
        raise ValueError("the answer has no graph: none of the arguments gets a gradient")
    slopes = torch.autograd.grad(told, list(leaves.values()), allow_unused=True)
    pairs = zip(leaves.items(), slopes, strict=True)
    return {
        f"gradient_of_{name}": torch.zeros_like(leaf) if slope is None else slope
        for (name, leaf), slope in pairs
    }


@lets_the_gradient_through.inputs
def _(rng):
    return logs_inputs(rng, 5)


@probe("log_evidence", cases=1, rtol=1e-6)
@with_gradients
def bears_200_values_with_little_noise(s, x, y, log_length, log_scale, log_noise):
    """The determinant is below the least positive number that 64 bits can hold."""
    few = evidence_of(s, x[:6], y[:6], log_length, log_scale, log_noise)
    return {"of_6_values": few, "of_200_values": evidence_of(s, x, y, log_length, log_scale, log_noise)}


@bears_200_values_with_little_noise.inputs
def _(rng):
    given = logs_inputs(rng, 200)
    return {**given, "x": given["x"] / 5, "log_noise": float(np.log(rng.uniform(0.02, 0.04)))}


@probe("log_evidence", cases=1, rtol=1e-3)
@with_gradients
def keeps_32_bits(s, x, y, log_length, log_scale, log_noise):
    import torch

    logs = (torch.tensor(v) for v in (log_length, log_scale, log_noise))
    told = one_tensor(s.log_evidence(tensor(x).float(), tensor(y).float(), *logs))
    return {"log_evidence": told.double(), "bits": torch.finfo(told.dtype).bits}


@keeps_32_bits.inputs
def _(rng):
    return logs_inputs(rng)


def hill(slopes, seen=None):
    """A function of three logarithms to climb; it notes in seen what it was asked with."""
    import torch

    a, b, c, d = slopes

    def evidence(log_length, log_scale, log_noise):
        logs = [log_length, log_scale, log_noise]
        if seen is not None:
            seen.append([v.detach().clone() for v in logs])
        u, v, w = logs
        return 5 - (a * (u - 0.4) ** 2 + b * torch.cosh(v + u) + c * torch.exp(w - d * v) - w)

    return evidence


def fit_inputs(rng):
    start = [rng.uniform(0.3, 0.6), rng.uniform(1.5, 2.5), rng.uniform(0.15, 0.3)]
    return {
        "slopes": rng.uniform(0.6, 1.6, 4),
        "start": [float(v) for v in start],
        "lr": float(rng.uniform(0.05, 0.09)),
    }


def fitted(s, evidence, start, steps, lr):
    found = s.fit_gp(evidence, *start, steps, lr)
    return numbers_of(found, 3, "length", "scale", "noise")


@probe("fit_gp", cases=1, rtol=1e-10)
@with_gradients
def gives_the_start_back_after_no_step(s, slopes, start, lr):
    """And after one, for with no step alone everything is right that returns its arguments."""
    still = fitted(s, hill(slopes), start, 0, lr)
    moved = fitted(s, hill(slopes), start, 1, lr)
    return still | {f"{name}_after_one_step": value for name, value in moved.items()}


@probe("fit_gp", cases=2, rtol=ROUNDING)
@with_gradients
def climbs_with_the_steps_of_adam(s, slopes, start, lr, steps):
    return fitted(s, hill(slopes), start, steps, lr)


@gives_the_start_back_after_no_step.inputs
def _(rng):
    return fit_inputs(rng)


@climbs_with_the_steps_of_adam.inputs
def _(rng):
    return {**fit_inputs(rng), "steps": int(rng.integers(5, 9))}


@probe("fit_gp", cases=1, rtol=ROUNDING)
@with_gradients
def goes_past_the_top_and_comes_back(s, slopes, start, lr):
    """Long steps: some of these places are worse than one on the way."""
    found = {}
    for steps in (7, 13, 19, 25, 150):
        end = fitted(s, hill(slopes), start, steps, 6 * lr)
        found |= {f"log_{name}_after_{steps}_steps": np.log(value) for name, value in end.items()}
    return found


@probe("fit_gp", cases=1, rtol=ROUNDING)
@with_gradients
def asks_in_logarithms_of_64_bits(s, slopes, start, lr):
    import torch

    seen = []
    fitted(s, hill(slopes, seen), start, 3, lr)
    asked = [v.reshape(()) for logs in seen[:3] for v in logs]
    return {
        "logarithms_that_it_asked_with": torch.stack([v.double() for v in asked]),
        "bits": np.array([torch.finfo(v.dtype).bits for v in asked]),
    }


@goes_past_the_top_and_comes_back.inputs
@asks_in_logarithms_of_64_bits.inputs
def _(rng):
    return fit_inputs(rng)


@probe("fit_gp", cases=1, rtol=ROUNDING)
@with_gradients
def begins_anew_in_each_call(s, slopes, start, lr):
    evidence = hill(slopes)
    fitted(s, evidence, start, 2, lr)
    return fitted(s, evidence, [2 * v for v in start], 3, lr)


@begins_anew_in_each_call.inputs
def _(rng):
    return fit_inputs(rng)


class Trial:
    """Notes what it is asked and told; the values that it gives depend on their range, not on the order."""

    def __init__(self, u, stops_after=None):
        self.u, self.stops_after = u, stops_after
        self.asked, self.reports, self.questions = {}, [], 0

    def suggest_float(self, name, low, high, *, step=None, log=False):
        self.asked[name] = np.array([low, high, float(log), step or 0.0], dtype=float)
        value = low * (high / low) ** self.u if log else low + self.u * (high - low)
        return float(value)

    def suggest_categorical(self, name, choices):
        self.asked[name] = np.asarray(choices, dtype=float)
        return choices[int(self.u * len(choices))]

    def suggest_int(self, name, low, high, step=1, log=False):
        self.asked[name] = np.array([low, high, float(log), step], dtype=float)
        return int(low + self.u * (high - low))

    def report(self, value, step):
        if step in [told for _, told in self.reports]:
            raise ValueError(f"the trial was told of step {step} twice")
        self.reports.append((float(value), int(step)))

    def should_prune(self):
        self.questions += 1
        return self.stops_after is not None and len(self.reports) > self.stops_after


def training(losses, log):
    """A generator of losses; it notes in log the settings and how many epochs were paid for."""

    def train(settings):
        log.append({"settings": dict(settings), "epochs": 0})
        for loss in losses:
            log[-1]["epochs"] += 1
            yield loss

    return train


def ended(s, objective, trial):
    """What the objective returned, and whether it raised Pruned instead."""
    try:
        returned = objective(trial)
    except s.Pruned:
        return {"raised_Pruned": fact(True), "returned": np.array(-1.0)}
    if returned is None:
        raise TypeError("a float was expected, the objective returned None: is a `return` missing?")
    return {"raised_Pruned": fact(False), "returned": np.asarray(returned, dtype=float)}


def trial_inputs(rng, epochs=5):
    """The least loss is in the middle, and the last is not the largest."""
    losses = rng.permutation(np.linspace(0.3, 1.1, epochs))
    at = int(rng.integers(1, epochs - 1))
    least = int(losses.argmin())
    losses[[at, least]] = losses[[least, at]]
    if losses[-1] == losses.max():
        losses[[0, -1]] = losses[[-1, 0]]
    return {"losses": losses + rng.uniform(0, 0.1, epochs), "u": float(rng.uniform(0.55, 0.7))}


def told(trial):
    """What the trial was told."""
    return {
        "reported_losses": np.array([value for value, _ in trial.reports]),
        "reported_steps": np.array([step for _, step in trial.reports], dtype=float),
    }


@probe("make_objective", cases=2)
def asks_for_each_value_on_its_scale(s, losses, u):
    trial = Trial(u)
    ended(s, s.make_objective(training(losses, [])), trial)
    return {f"range_of_{name}": trial.asked[name] for name in sorted(trial.asked)}


@probe("make_objective", cases=2)
def hands_the_settings_to_the_training(s, losses, u):
    log = []
    ended(s, s.make_objective(training(losses, log)), Trial(u))
    settings = log[0]["settings"]
    return {name: np.asarray(settings[name], dtype=float) for name in sorted(settings)}


@probe("make_objective", cases=2)
def returns_the_loss_of_the_last_epoch(s, losses, u):
    return ended(s, s.make_objective(training(losses, [])), Trial(u))


@probe("make_objective", cases=2)
def tells_the_trial_every_loss(s, losses, u):
    trial = Trial(u)
    ended(s, s.make_objective(training(losses, [])), trial)
    return {**told(trial), "times_it_asked_whether_to_prune": np.array(trial.questions)}


for ask in (
    asks_for_each_value_on_its_scale,
    hands_the_settings_to_the_training,
    returns_the_loss_of_the_last_epoch,
    tells_the_trial_every_loss,
):
    ask.inputs(trial_inputs)


@probe("make_objective", cases=2)
def stops_where_the_trial_says_so(s, losses, u, stops_after):
    log, trial = [], Trial(u, stops_after)
    found = ended(s, s.make_objective(training(losses, log)), trial)
    return {**found, **told(trial), "epochs_that_were_trained": np.array(log[0]["epochs"])}


@stops_where_the_trial_says_so.inputs
def _(rng):
    return {**trial_inputs(rng, 7), "stops_after": int(rng.integers(2, 4))}


@probe("make_objective", cases=2)
def prunes_a_run_that_diverged(s, losses, u, at):
    found = {}
    for name, value in {"nan": np.nan, "infinite": np.inf, "minus_infinite": -np.inf}.items():
        lost = [float(loss) for loss in losses]
        lost[at] = float(value)
        log, trial = [], Trial(u)
        end = {**ended(s, s.make_objective(training(lost, log)), trial), **told(trial)}
        end["epochs_that_were_trained"] = np.array(log[0]["epochs"])
        found |= {f"{what}_with_a_loss_that_is_{name}": value for what, value in end.items()}
    return found


@prunes_a_run_that_diverged.inputs
def _(rng):
    return {**trial_inputs(rng, 6), "at": int(rng.integers(2, 4))}


@probe("make_objective", cases=1)
def bears_a_large_loss(s, losses, u, at):
    """A loss of millions is finite: the trial is told of it, and the run goes on."""
    losses = [float(loss) for loss in losses]
    losses[at] *= 1e7
    trial = Trial(u)
    return {**ended(s, s.make_objective(training(losses, [])), trial), **told(trial)}


@bears_a_large_loss.inputs
def _(rng):
    return {**trial_inputs(rng, 5), "at": int(rng.integers(1, 4))}


@probe("make_objective", cases=1, hidden=True)
def asks_anew_in_every_trial(s, losses, u):
    log = []
    objective = s.make_objective(training(losses, log))
    found = {}
    for number, own in enumerate((u, u / 3), start=1):
        trial = Trial(own)
        end = {**ended(s, objective, trial), **told(trial)}
        found |= {f"{what}_in_trial_{number}": value for what, value in end.items()}
        settings = log[-1]["settings"]
        found |= {
            f"{name}_in_trial_{number}": np.asarray(settings[name], dtype=float) for name in sorted(settings)
        }
    return found


@asks_anew_in_every_trial.inputs
def _(rng):
    return trial_inputs(rng, 4)
