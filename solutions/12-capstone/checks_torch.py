"""What the checks ask of the PyTorch notebook, and the inputs they ask it on.

Inputs: all axes of different lengths, models of 64 bits with numbers that show in every place, clocks whose
seconds are exact in binary."""

import numpy as np

from autograder import probe

ROUNDING = 1e-7  # the order of sums is free


def fact(value):
    return np.array(bool(value))


def tensor(array):
    """A tensor with memory of its own: training changes things in place."""
    import torch

    return torch.tensor(array)


def filled(module, numbers):
    """The module with these numbers in all parameters and buffers, one after the other."""
    import torch

    at = 0
    with torch.no_grad():
        for name, values in module.state_dict().items():
            if values.is_floating_point():
                own = tensor(numbers[at : at + values.numel()]).reshape(values.shape)
                values.copy_(own.abs() + 0.3 if "running_var" in name else own)
                at += values.numel()
    return module


def numbers_for(rng, count=160):
    """Numbers of both signs, none of them small."""
    return rng.choice([-1, 1], count) * rng.uniform(0.3, 1.2, count)


def modes_of(models):
    return np.array([part.training for model in models for part in model.modules()])


def standardized(s, images, mean, std):
    x = s.to_network(images, mean, std)
    bits = str(getattr(x, "dtype", "")).removeprefix("torch.")
    is_tensor = type(x).__module__.partition(".")[0] == "torch"
    return {"x": x, "x_is_a_tensor": fact(is_tensor), "x_has_32_bits": fact(bits == "float32")}


def colours(rng, shape):
    """Bytes (N, H, W, C) of the whole range, no two channels alike; mean and std (C,) of such pixels."""
    C = shape[-1]
    images = rng.integers(0, 256, shape) * np.linspace(1, 0.4, C)
    return {
        "images": images.astype(np.uint8),
        "mean": rng.uniform(0.3, 0.6, C),
        "std": rng.uniform(0.15, 0.35, C),
    }


@probe("to_network", cases=2, rtol=1e-5)
def standardizes_each_channel(s, images, mean, std):
    return standardized(s, images, mean, std)


@standardizes_each_channel.inputs
def _(rng):
    return colours(rng, (4, 5, 6, 3))


@probe("to_network", cases=1, rtol=1e-5)
def takes_one_image_of_two_channels(s, images, mean, std):
    return standardized(s, images, mean, std)


@takes_one_image_of_two_channels.inputs
def _(rng):
    return colours(rng, (1, 4, 3, 2))


@probe("to_network", cases=1, rtol=1e-5)
def takes_a_mirrored_view(s, images, mean, std):
    """And it has memory of its own: the images are overwritten before anybody reads x."""
    images = images.copy()
    found = s.to_network(images[:, :, ::-1], mean, std)
    images[:] = 7
    return {"x_of_the_mirrored_images": found}


@takes_a_mirrored_view.inputs
def _(rng):
    return colours(rng, (3, 5, 4, 3))


@probe("stored_numbers", cases=2)
def counts_parameters_and_running_statistics(s, c_in, width, classes):
    from torch import nn

    norm = nn.BatchNorm2d(width)
    model = nn.Sequential(nn.Conv2d(c_in, width, 3), norm, nn.Flatten(), nn.Linear(7 * width, classes))
    return {
        "of_a_linear_layer": s.stored_numbers(nn.Linear(c_in, classes)),
        "of_a_convolution_without_bias": s.stored_numbers(nn.Conv2d(c_in, width, 3, bias=False)),
        "of_batch_normalization": s.stored_numbers(norm),
        "of_the_network": s.stored_numbers(model),
    }


@counts_parameters_and_running_statistics.inputs
def _(rng):
    return {"c_in": int(rng.integers(2, 4)), "width": int(rng.integers(5, 9)), "classes": 11}


@probe("stored_numbers", cases=1)
def counts_shared_layers_once_and_frozen_ones(s, width):
    from torch import nn

    class Twice(nn.Module):
        """One layer under two names, and one whose weight is that of another."""

        def __init__(self):
            super().__init__()
            self.first = nn.Linear(width, width)
            self.again = self.first
            self.last = nn.Linear(width, width)
            self.last.weight = self.first.weight

    frozen = nn.Sequential(nn.Linear(width, 3), nn.BatchNorm1d(3)).requires_grad_(False)
    norm = nn.BatchNorm1d(width)
    return {
        "of_a_network_with_shared_layers": s.stored_numbers(Twice()),
        "of_one_norm_in_two_places": s.stored_numbers(nn.Sequential(norm, nn.Linear(width, width), norm)),
        "of_a_frozen_network": s.stored_numbers(frozen),
    }


@counts_shared_layers_once_and_frozen_ones.inputs
def _(rng):
    return {"width": int(rng.integers(4, 9))}


@probe("stored_numbers", cases=1)
def leaves_the_model_alone_and_counts_modules_of_any_kind(s, numbers):
    import torch
    from torch import nn

    class Own(nn.Module):
        """A parameter and a buffer of its own, beside a layer."""

        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(5, 2))
            self.inner = nn.Sequential(nn.Linear(2, 3))
            self.register_buffer("mean", torch.zeros(7))
            self.register_buffer("steps", torch.zeros(4, dtype=torch.int64))

    model = filled(Own(), numbers)
    found = {
        "numbers_stored": s.stored_numbers(model),
        "of_a_model_without_numbers": s.stored_numbers(nn.Sequential(nn.ReLU(), nn.Flatten())),
    }
    return {**found, "scale_afterwards": model.scale, "modes_afterwards": modes_of([model])}


@leaves_the_model_alone_and_counts_modules_of_any_kind.inputs
def _(rng):
    return {"numbers": numbers_for(rng)}


def small_network(numbers, inner=4):
    """A convolution, batch norm, and a linear layer, in 32 bits, from (N, 2, 3, 3) to (N, 5)."""
    from torch import nn

    layers = nn.Conv2d(2, inner, 2), nn.BatchNorm2d(inner), nn.Flatten(), nn.Linear(4 * inner, 5)
    return filled(nn.Sequential(*layers), numbers)


@probe("pack", cases=2)
def gives_arrays_of_16_bits_by_name(s, numbers):
    arrays = s.pack(small_network(numbers))
    weights = [name for name in sorted(arrays) if "num_batches" not in name]
    return {
        "all_are_numpy_arrays": fact(all(isinstance(values, np.ndarray) for values in arrays.values())),
        "bits_of_each_number": np.array([8 * np.asarray(arrays[name]).dtype.itemsize for name in weights]),
        **{name: np.asarray(arrays[name], dtype=np.float64) for name in sorted(arrays)},
    }


@gives_arrays_of_16_bits_by_name.inputs
def _(rng):
    return {"numbers": numbers_for(rng)}


@probe("pack", cases=1)
def keeps_integers_as_they_are(s, numbers, steps):
    """The counter is so large that no float16 holds it."""
    model = small_network(numbers)
    model[1].num_batches_tracked.fill_(steps)
    arrays = s.pack(model)
    counter = arrays["1.num_batches_tracked"]
    return {
        "the_counter": np.asarray(counter, dtype=np.float64),
        "the_counter_is_an_array_of_int64": fact(
            isinstance(counter, np.ndarray) and counter.dtype == np.int64
        ),
    }


@keeps_integers_as_they_are.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "steps": int(rng.integers(70001, 80001))}


@probe("pack", cases=1)
def is_a_photograph_of_the_moment(s, numbers, images):
    """The model goes on: a forward pass in training mode, and new weights."""
    import torch

    model = small_network(numbers)
    arrays = s.pack(model)
    own = {f"{name}_of_the_model": values for name, values in model.state_dict().items()}
    own = {name: values.clone() for name, values in own.items()}
    bits = {str(values.dtype) for values in model.state_dict().values() if values.is_floating_point()}
    model.train()(tensor(images).to(model[0].weight.dtype))
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(3)
    return {
        **{name: np.asarray(arrays[name], dtype=np.float64) for name in sorted(arrays)},
        "the_model_still_has_32_bits": fact(bits == {"torch.float32"}),
        **own,
    }


@is_a_photograph_of_the_moment.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "images": rng.normal(1, 2, (6, 2, 3, 3))}


@probe("pack", cases=1)
def asks_nothing_of_modes_and_gradients(s, numbers):
    model = small_network(numbers).train()
    model[0].requires_grad_(False)
    arrays = s.pack(model)
    return {
        "number_of_arrays": len(arrays),
        "numbers_in_all_arrays": int(sum(np.size(values) for values in arrays.values())),
        "modes_afterwards": modes_of([model]),
        "gradients_are_asked_for": np.array([p.requires_grad for p in model.parameters()]),
    }


@asks_nothing_of_modes_and_gradients.inputs
def _(rng):
    return {"numbers": numbers_for(rng)}


def arrays_like(model, numbers):
    """Arrays as pack would make them, of other numbers."""
    other = filled(model, numbers).state_dict()
    return {
        name: values.numpy().astype(np.float16) if values.is_floating_point() else np.array(29)
        for name, values in other.items()
    }


@probe("unpack", cases=2)
def loads_every_entry(s, numbers, others):
    model = small_network(numbers)
    s.unpack(model, arrays_like(small_network(numbers), others))
    return {name: values.double() for name, values in model.state_dict().items()}


@loads_every_entry.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "others": numbers_for(rng)}


@probe("unpack", cases=1)
def works_in_place_and_keeps_the_dtype(s, numbers, others):
    """What held the tensors before still holds them: an optimizer takes a step with the new weights."""
    import torch

    model = small_network(numbers).train()
    model[3].requires_grad_(False)
    held = list(model.state_dict(keep_vars=True).values())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.25)
    s.unpack(model, arrays_like(small_network(numbers), others))
    model[0].weight.grad = torch.ones_like(model[0].weight)
    optimizer.step()
    now = list(model.state_dict(keep_vars=True).values())
    return {
        "the_same_tensors": np.array([a is b for a, b in zip(held, now, strict=True)]),
        "tensors_of_32_bits": sum(values.dtype == torch.float32 for values in now),
        "tensors_of_16_bits": sum(values.dtype == torch.float16 for values in now),
        "weights_after_a_step": model[0].weight.double(),
        "gradients_are_asked_for": np.array([p.requires_grad for p in model.parameters()]),
        "modes_afterwards": modes_of([model]),
    }


@works_in_place_and_keeps_the_dtype.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "others": numbers_for(rng)}


def refusal(s, numbers, arrays, name):
    """What unpack does with arrays that do not fit, and what becomes of the model."""
    model = small_network(numbers)
    before = {key: values.clone() for key, values in model.state_dict().items()}
    error = "no error"
    try:
        s.unpack(model, arrays)
    except NotImplementedError:
        raise
    except ValueError as raised:
        error = f"ValueError, which {'names' if name in str(raised) else 'does not name'} it"
    except Exception as raised:  # a guess of the type is an answer, too
        error = type(raised).__name__
    changed = [key for key, values in model.state_dict().items() if not values.equal(before[key])]
    return {
        "no_error": fact(error == "no error"),
        "a_ValueError": fact(error.startswith("ValueError")),
        "the_error_names_it": fact(error.endswith("which names it")),
        "tensors_that_have_changed": len(changed),
    }


@probe("unpack", cases=1)
def refuses_a_missing_name(s, numbers, others):
    arrays = arrays_like(small_network(numbers), others)
    del arrays["1.running_var"]
    return refusal(s, numbers, arrays, "1.running_var")


@refuses_a_missing_name.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "others": numbers_for(rng)}


@probe("unpack", cases=1)
def refuses_a_name_too_many(s, numbers, others):
    arrays = arrays_like(small_network(numbers), others)
    arrays["7.weight"] = arrays["3.weight"]
    return refusal(s, numbers, arrays, "7.weight")


@refuses_a_name_too_many.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "others": numbers_for(rng)}


@probe("unpack", cases=1)
def refuses_another_shape(s, numbers, others):
    """Of a wider network; then one that broadcasts, then one with as many numbers in another shape."""
    found = {}
    fits = arrays_like(small_network(numbers), others)
    wrong = {
        "of_another_width": np.ones((5, 20), dtype=np.float16),
        "that_would_broadcast": np.ones((5, 1), dtype=np.float16),
        "of_as_many_numbers": fits["3.weight"].reshape(16, 5),
    }
    for kind, array in wrong.items():
        told = refusal(s, numbers, {**fits, "3.weight": array}, "3.weight")
        found |= {f"{key}_for_a_shape_{kind}": value for key, value in told.items()}
    return found


@refuses_another_shape.inputs
def _(rng):
    return {"numbers": numbers_for(rng), "others": numbers_for(rng)}


@probe("build_network", cases=1)
def fits_the_images_and_the_budget(s, seed, images):
    import torch

    model = s.build_network(seed)
    held = [values for values in [*model.parameters(), *model.buffers()] if values.is_floating_point()]
    with torch.no_grad():
        scores = model.eval()(tensor(images))
    return {
        "shape_of_the_scores": np.array(scores.shape),
        "scores_are_finite": fact(scores.isfinite().all()),
        "scores_are_probabilities": fact(scores.ndim == 2 and (scores.sum(dim=1) - 1).abs().max() < 1e-4),
        "fits_into_500000_bytes_of_float16": fact(2 * sum(values.numel() for values in held) <= 500_000),
        "something_can_be_trained": fact(any(p.requires_grad for p in model.parameters())),
    }


@fits_the_images_and_the_budget.inputs
def _(rng):
    return {"seed": int(rng.integers(2, 9)), "images": rng.normal(size=(3, 3, 32, 32)).astype(np.float32)}


@probe("build_network", cases=1)
def is_drawn_from_the_seed(s, seed, other):
    """The same layers for every seed, with other weights."""
    first, again, second = (s.build_network(k).state_dict() for k in (seed, seed, other))
    shapes = [[(name, tuple(v.shape)) for name, v in state.items()] for state in (first, second)]
    same = [all(first[name].equal(state[name]) for name in first) for state in (again, second)]
    return {
        "the_same_layers": fact(shapes[0] == shapes[1]),
        "the_same_weights_for_the_same_seed": fact(same[0]),
        "the_same_weights_for_another_seed": fact(shapes[0] == shapes[1] and same[1]),
    }


@is_drawn_from_the_seed.inputs
def _(rng):
    seed = int(rng.integers(2, 9))
    return {"seed": seed, "other": seed + 5 * int(rng.integers(4, 12)) + 2}


def trained_within(s, durations, seconds, since):
    """What train_within does while epochs take these seconds; a clock that runs out stops it."""
    now, shares = [since], []

    def epoch(share):
        if len(shares) == len(durations):
            raise RuntimeError(f"after {len(shares)} epochs another one began: when does it stop?")
        shares.append(float(share))
        now[0] += durations[len(shares) - 1]

    return {
        "epochs": s.train_within(epoch, seconds, lambda: now[0]),
        "epochs_that_began": len(shares),
        "shares": np.array(shares),
        "seconds_spent": now[0] - since,
    }


def eighths(values):
    """Seconds that add up without rounding."""
    return np.round(8 * np.asarray(values)) / 8


@probe("train_within", cases=2)
def stops_before_the_longest_epoch_no_longer_fits(s, durations, seconds, since):
    """A long epoch near the start: the last, the first, the shortest and the mean each say another end."""
    return trained_within(s, durations, seconds, since)


@stops_before_the_longest_epoch_no_longer_fits.inputs
def _(rng):
    scale, later = float(rng.choice([1, 1.5, 2.5, 3])), int(rng.integers(1, 3))
    durations = scale * np.array([2.25, 0.25, 0.75, 3.5] + (later + 4) * [0.75] + 12 * [0.25])
    seconds = durations[: 4 + later].sum() + scale * 3.375
    return {"durations": durations, "seconds": float(seconds), "since": float(eighths(rng.uniform(90, 99)))}


@probe("train_within", cases=1)
def fitting_exactly_is_fitting(s, durations, seconds, since):
    return trained_within(s, durations, seconds, since)


@fitting_exactly_is_fitting.inputs
def _(rng):
    each = float(eighths(rng.uniform(2, 3)))
    n = int(rng.integers(4, 7))
    return {"durations": np.full(n + 4, each), "seconds": n * each, "since": 16.0}


@probe("train_within", cases=1)
def the_first_epoch_always_begins(s, durations, seconds, since):
    return trained_within(s, durations, seconds, since)


@the_first_epoch_always_begins.inputs
def _(rng):
    return {"durations": eighths(rng.uniform(9, 12, 3)), "seconds": 6.5, "since": 40.0}


@probe("train_within", cases=1)
def follows_the_clock_it_is_given(s, durations, seconds, since):
    """Seconds of a thousandth of a second: by the clock on the wall the budget would never be spent."""
    return trained_within(s, durations, seconds, since)


@follows_the_clock_it_is_given.inputs
def _(rng):
    return {"durations": eighths(rng.uniform(100, 300, 30)), "seconds": 1712.5, "since": -2000.0}


def member(numbers):
    """From images (N, 2, 4, 6) to scores (N, 5), in 64 bits; an awake dropout lets nothing through."""
    from torch import nn

    layers = (
        *(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout(1.0)),
        *(nn.Flatten(), nn.Linear(24, 5)),
    )
    return filled(nn.Sequential(*layers).double(), numbers)


def members(numbers):
    return [member(row) for row in numbers]


def listened(models):
    """The sizes of all batches that the models get from now on."""
    sizes = []
    for asked in models:
        asked.register_forward_pre_hook(lambda module, given: sizes.append(len(given[0])))
    return sizes


def with_gradients(function):
    """Asks with gradients on, and puts the switch back: code that turned it off spoils no other probe."""
    import functools

    @functools.wraps(function)
    def ask(*arguments, **named):
        import torch

        with torch.enable_grad():
            return function(*arguments, **named)

    return ask


def views(rng, M=3, N=7):
    """Numbers of M members, and images (N, C, H, W)."""
    return {
        "numbers": np.stack([numbers_for(rng, 200) for _ in range(M)]),
        "x": rng.normal(0.3, 1.5, (N, 2, 4, 6)),
    }


@probe("mean_probabilities", cases=2, rtol=ROUNDING)
@with_gradients
def is_the_mean_over_models_and_both_views(s, numbers, x):
    models = [model.eval() for model in members(numbers)]
    return {"probabilities": s.mean_probabilities(models, tensor(x), len(x))}


@is_the_mean_over_models_and_both_views.inputs
def _(rng):
    return views(rng)


@probe("mean_probabilities", cases=1, rtol=ROUNDING)
@with_gradients
def takes_one_model(s, numbers, x):
    return {"probabilities": s.mean_probabilities([member(numbers[0]).eval()], tensor(x), 10)}


@takes_one_model.inputs
def _(rng):
    return views(rng, 1, 6)


@probe("mean_probabilities", cases=1, rtol=ROUNDING)
@with_gradients
def counts_a_smaller_last_batch(s, numbers, x, batch):
    models = [model.eval() for model in members(numbers)]
    sizes = listened(models)
    found = s.mean_probabilities(models, tensor(x), batch)
    return {"probabilities": found, "images_beyond_the_batch": max(*sizes, batch) - batch}


@counts_a_smaller_last_batch.inputs
def _(rng):
    return {**views(rng, 2, 11), "batch": 4}


@probe("mean_probabilities", cases=1, rtol=ROUNDING)
@with_gradients
def asks_in_evaluation_mode_and_puts_the_modes_back(s, numbers, x):
    """One model is in training mode, one in evaluation mode, one is mixed.

    How far the running means move depends on the order of the calls, whether they move does not."""
    import torch

    models = members(numbers)
    models[1].eval()
    models[2][1].eval()
    before = [model[1].running_mean.clone() for model in models]
    found = s.mean_probabilities(models, tensor(x), 3)
    after = [model[1].running_mean for model in models]
    return {
        "probabilities": found,
        "modes_of_the_model_in_training_mode": modes_of(models[:1]),
        "modes_of_the_model_in_evaluation_mode": modes_of(models[1:2]),
        "modes_of_the_mixed_model": modes_of(models[2:]),
        "running_means_are_as_they_were": fact(all(map(torch.equal, before, after))),
    }


@asks_in_evaluation_mode_and_puts_the_modes_back.inputs
def _(rng):
    return views(rng)


@probe("mean_probabilities", cases=1)
@with_gradients
def keeps_no_graph_and_changes_no_image(s, numbers, x):
    import torch

    models, images = [model.eval() for model in members(numbers)], tensor(x)
    found = s.mean_probabilities(models, images, 4)
    return {
        "it_is_a_tensor": fact(torch.is_tensor(found)),
        "a_graph_is_kept": fact(getattr(found, "requires_grad", False)),
        "gradients_are_on_afterwards": fact(torch.is_grad_enabled()),
        "parameters_that_require_a_gradient": sum(p.requires_grad for m in models for p in m.parameters()),
        "images_afterwards": images,
    }


@keeps_no_graph_and_changes_no_image.inputs
def _(rng):
    return views(rng, 2, 5)


def accuracies(table, names, seeds, asked):
    """train(chosen, seed): the accuracy of a set and a seed stands in `table`; calls go to `asked`."""

    def train(chosen, seed):
        asked.append((tuple(sorted(chosen)), int(seed)))
        row = sum(2**k for k, name in enumerate(names) if name in chosen)
        return float(table[row, list(seeds).index(int(seed))])

    return train


def left_out(s, table, names, seeds):
    asked = []
    found = s.leave_one_out(accuracies(table, names, seeds, asked), list(names), list(map(int, seeds)))
    told = {f"loss_without_{name}": np.asarray(found[name], dtype=np.float64) for name in names}
    return {
        **told,
        "each_loss_is_an_array": fact(all(isinstance(found[name], np.ndarray) for name in names)),
        "number_of_tricks": len(found),
        "networks_trained": len(asked),
        "networks_trained_twice": len(asked) - len(set(asked)),
    }


def table_of(rng, names, seeds):
    """Accuracies (2**K, S) of all sets of K names; the spread over the seeds is large."""
    K, S = len(names), len(seeds)
    return {
        "table": rng.uniform(0.5, 0.9, (2**K, S)) + rng.uniform(-0.2, 0.1, S),
        "names": names,
        "seeds": np.array(seeds),
    }


@probe("leave_one_out", cases=2)
def gives_the_paired_loss_without_each_trick(s, table, names, seeds):
    return left_out(s, table, names, seeds)


@gives_the_paired_loss_without_each_trick.inputs
def _(rng):
    return table_of(rng, ["flip", "crop", "norm"], [7, 3, 11, 5])


@probe("leave_one_out", cases=1)
def takes_two_tricks_and_any_seeds(s, table, names, seeds):
    return left_out(s, table, names, seeds)


@takes_two_tricks_and_any_seeds.inputs
def _(rng):
    return table_of(rng, ["warm-up", "weight decay"], [104, 2, 33])


@probe("leave_one_out", cases=1)
def hands_over_frozensets_and_keeps_the_lists(s, table, names, seeds):
    kinds, own, tricks = [], [int(seed) for seed in seeds], list(names)
    train = accuracies(table, names, seeds, [])

    def told(chosen, seed):
        kinds.append((type(chosen).__name__, isinstance(seed, (int, np.integer))))
        return train(chosen, seed)

    s.leave_one_out(told, tricks, own)
    return {
        "every_set_is_a_frozenset": fact(all(kind == "frozenset" for kind, _ in kinds)),
        "sets_that_can_be_changed": sum(kind == "set" for kind, _ in kinds),
        "every_seed_is_an_integer": fact(all(whole for _, whole in kinds)),
        "the_lists_are_as_they_were": fact(tricks == list(names) and own == list(map(int, seeds))),
    }


@hands_over_frozensets_and_keeps_the_lists.inputs
def _(rng):
    return table_of(rng, ["flip", "crop", "noise"], [4, 9])


def coloured(rng, N=19):
    """Images (N, 32, 32, 3), each of its own colour with much noise: any network tells some of them apart."""
    colour, noise = rng.integers(0, 256, (N, 1, 1, 3)), rng.integers(-60, 61, (N, 32, 32, 3))
    return np.clip(colour + noise, 0, 255).astype(np.uint8)


NO_FILE = (
    "the cell of section 9 has found no capstone.npz beside the notebook. "
    "Run the training cell, then the cell of section 9 again, then this one"
)


def ask(s, images):
    """What predict returns. Where it fails for want of a file, the error says so."""
    try:
        return s.predict(images)
    except NotImplementedError:
        raise
    except Exception as error:
        if getattr(s, "weights", None) == {}:
            raise FileNotFoundError(NO_FILE) from error
        raise


def label(found):
    """What predict returned, as numbers."""
    return np.asarray(found).astype(np.float64)


def labels_of(s, images):
    """What predict says of a copy of the images, one number after the other."""
    return label(ask(s, images.copy())).reshape(-1)


def compared(s, images, found, expected):
    """Facts that hold for any weights, so that a mistake looks alike in everybody's network.

    A right predict has the same facts where all of its labels are the same."""
    same = np.array_equal(found, expected)
    again = ask(s, images.copy())
    return {
        "the_labels_are_the_same": fact(same),
        "there_are_fewer_labels": fact(len(found) < len(expected)),
        "there_is_one_for_each_image": fact(np.shape(again) == (len(images),)),
        "another_call_says_the_same": fact(np.array_equal(labels_of(s, images), label(again).reshape(-1))),
        "they_are_the_same_in_the_opposite_order": fact(not same and np.array_equal(found[::-1], expected)),
        "they_are_the_same_in_another_order": fact(
            not same and np.array_equal(np.sort(found), np.sort(expected))
        ),
    }


@probe("predict", cases=1)
def gives_a_label_for_each_image(s, images):
    labels = ask(s, images)
    found = label(labels)
    return {
        "shape": np.array(found.shape),
        "is_an_array": fact(isinstance(labels, np.ndarray)),
        "holds_integers": fact("int" in str(getattr(labels, "dtype", ""))),
        "some_label_is_no_class": fact(((found < 0) | (found > 9) | (found % 1 != 0)).any()),
    }


@gives_a_label_for_each_image.inputs
def _(rng):
    return {"images": coloured(rng)}


@probe("predict", cases=1)
def says_the_same_of_an_image_alone_and_among_others(s, images):
    alone = [labels_of(s, images[i : i + 1])[:1] for i in range(len(images))]
    return compared(s, images, labels_of(s, images), np.concatenate(alone))


@says_the_same_of_an_image_alone_and_among_others.inputs
def _(rng):
    return {"images": coloured(rng)}


@probe("predict", cases=1)
def follows_the_order_of_the_images(s, images, order):
    labels, turned = labels_of(s, images), labels_of(s, images[order])
    follow = len(labels) == len(order) and np.array_equal(turned, labels[order])
    stay = not follow and np.array_equal(turned, labels)
    expected = labels[order] if len(labels) == len(order) else images[:, 0, 0, 0]
    return {"they_stay_where_they_were": fact(stay), **compared(s, images, turned, expected)}


@follows_the_order_of_the_images.inputs
def _(rng):
    return {"images": coloured(rng), "order": rng.permutation(19)}


@probe("predict", cases=1)
def answers_the_same_twice_and_keeps_the_images(s, images):
    own = images.copy()
    first = label(ask(s, own)).reshape(-1)
    kept = np.array_equal(own, images)
    again = compared(s, images, labels_of(s, images), first)
    return {**again, "images_are_as_they_were": fact(kept)}


@answers_the_same_twice_and_keeps_the_images.inputs
def _(rng):
    return {"images": coloured(rng)}


@probe("predict", cases=1)
def takes_any_number_of_images(s, images):
    """One image, and so many that they do not fill the last batch: all of them six times."""
    found = labels_of(s, np.concatenate([images] * 6))
    expected = np.concatenate([labels_of(s, images)] * 6)
    shape = np.array(np.shape(ask(s, images[:1].copy())))
    return {"shape_for_one_image": shape, **compared(s, images, found, expected)}


@takes_any_number_of_images.inputs
def _(rng):
    return {"images": coloured(rng)}


def fresh(rng, N):
    """Images of the test cells that nobody has seen, and what they show."""
    from lab.photo_patches import fresh

    images, labels, _ = fresh(N, rng)
    return {"images": images, "truth": labels}


@probe("predict", cases=1, hidden=True, share=0.3)
def finds_three_in_ten_of_fresh_images(s, images):
    return {"labels": ask(s, images)}


@finds_three_in_ten_of_fresh_images.inputs
def _(rng):
    return fresh(rng, 60)


@finds_three_in_ten_of_fresh_images.expect
def _(images, truth):
    return {"labels": truth}


@probe("predict", cases=1, hidden=True, share=0.6)
def finds_six_in_ten_of_fresh_images(s, images):
    return {"labels": ask(s, images)}


@finds_six_in_ten_of_fresh_images.inputs
def _(rng):
    return fresh(rng, 60)


@finds_six_in_ten_of_fresh_images.expect
def _(images, truth):
    return {"labels": truth}


@probe("predict", cases=1, hidden=True, share=0.75)
def finds_three_quarters_of_fresh_images(s, images):
    return {"labels": ask(s, images)}


@finds_three_quarters_of_fresh_images.inputs
def _(rng):
    return fresh(rng, 100)


@finds_three_quarters_of_fresh_images.expect
def _(images, truth):
    return {"labels": truth}


@probe("predict", cases=1, hidden=True, share=0.8)
def finds_four_fifths_of_fresh_images(s, images):
    return {"labels": ask(s, images)}


@finds_four_fifths_of_fresh_images.inputs
def _(rng):
    return fresh(rng, 200)


@finds_four_fifths_of_fresh_images.expect
def _(images, truth):
    return {"labels": truth}


@probe("predict", cases=1, hidden=True, share=0.85)
def finds_85_percent_of_fresh_images(s, images):
    return {"labels": ask(s, images)}


@finds_85_percent_of_fresh_images.inputs
def _(rng):
    return fresh(rng, 200)


@finds_85_percent_of_fresh_images.expect
def _(images, truth):
    return {"labels": truth}


@probe(
    "test_predict",
    judges="predict",
    wrong=(
        "PR-training-mode",
        "PR-scores",
        "PR-drops-the-rest",
        "PR-of-the-batch",
        "PR-floats",
        "PR-sorted",
    ),
)
def accepts_a_right_predict_and_rejects_wrong_ones(s, implementation):
    s.test_predict(implementation)
    return {"accepts": np.array(True)}


@accepts_a_right_predict_and_rejects_wrong_ones.broken
def ten_too_large(right):
    """labels go from 10 to 19"""
    return lambda images: right(images) + 10


@accepts_a_right_predict_and_rejects_wrong_ones.broken
def without_the_axis_of_one_image(right):
    """one image gets a number, not an array of one label"""
    return lambda images: right(images) if len(images) > 1 else right(images)[0]


@accepts_a_right_predict_and_rejects_wrong_ones.broken
def of_the_first_call(right):
    """whatever comes later, it returns what the first call returned"""
    kept = []

    def wrong(images):
        kept.append(right(images))
        return kept[0]

    return wrong


@accepts_a_right_predict_and_rejects_wrong_ones.broken
def as_a_list(right):
    """a list of numbers, no array"""
    return lambda images: right(images).tolist()
