"""What the checks of the PyTorch notebook ask, and the inputs that they ask it on."""

import numpy as np

from autograder import probe


def watched(array):
    """A tensor with memory of its own whose gradient is wanted."""
    return tensor(array).requires_grad_()


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


def one_tensor(answer):
    """What was returned, if it is a tensor; else an error that says what came."""
    import torch

    if answer is None:
        raise TypeError("a tensor was expected, None was returned: is a `return` missing?")
    if not isinstance(answer, torch.Tensor):
        raise ValueError(f"a tensor was expected, a {type(answer).__name__} was returned")
    return answer


def elsewhere_unless_told():
    """New tensors land on "meta", but for those that are made of a tensor, or moved afterwards.

    "meta" is a device that computes shapes only: it stands for a GPU beside the CPU. What is moved back
    from there has no numbers any more: zeros stand for them."""
    import torch
    from torch.overrides import TorchFunctionMode

    of_a_tensor = (torch.tensor, torch.as_tensor, torch.asarray, torch.sparse_coo_tensor)

    class Moving(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            kwargs = kwargs or {}
            if function in of_a_tensor and "device" not in kwargs:
                source = next((a for a in reversed(args[:2]) if isinstance(a, torch.Tensor)), None)
                kwargs |= {} if source is None else {"device": source.device}
            try:
                return function(*args, **kwargs)
            except NotImplementedError as error:
                if "copy out of meta" not in str(error):
                    raise
            zeros = torch.zeros(args[0].shape, dtype=args[0].dtype, device="cpu")
            return function(zeros, *args[1:], **kwargs)

    return Moving()


def computes_where_the_inputs_are(ask):
    """Is the answer on the CPU where everything lands elsewhere that is made without a device?"""
    import torch

    try:
        with torch.device("meta"), elsewhere_unless_told():
            answer = ask()
    except (RuntimeError, NotImplementedError, IndexError) as error:
        if error.args and ("meta" in str(error).lower() or "device" in str(error)):
            return {"is_on_the_device_of_the_labels": fact(False)}
        raise
    return {"is_on_the_device_of_the_labels": fact(one_tensor(answer).device.type == "cpu")}


def far_from_0(rng, *shape):
    """Numbers of both signs, none of them small."""
    return rng.choice([-1, 1], shape) * rng.uniform(0.3, 1.2, shape)


def pictures(rng, N, H, W, C):
    """Neither 0 nor 255 is among the pixels."""
    return rng.integers(20, 230, (N, H, W, C), dtype=np.uint8)


@probe("to_batch", cases=2)
def puts_the_channels_in_front_and_divides_by_255(s, images):
    return {"x": one_tensor(s.to_batch(images)).float()}


@puts_the_channels_in_front_and_divides_by_255.inputs
def _(rng):
    return {"images": pictures(rng, 2, 5, 7, 3)}


@probe("to_batch", cases=1)
def returns_float32_that_lies_in_order(s, images):
    x = one_tensor(s.to_batch(images))
    kind = {"is_of_floats": fact(x.is_floating_point()), "bits_of_a_number": np.array(8 * x.element_size())}
    return {**kind, "is_contiguous": fact(x.is_contiguous())}


@returns_float32_that_lies_in_order.inputs
def _(rng):
    return {"images": pictures(rng, 3, 4, 6, 2)}


@probe("to_batch", cases=2)
def takes_pictures_that_were_flipped(s, images):
    """A view that steps backward, and one of other rows."""
    turned = {"flipped": images[:, :, ::-1], "upside_down": images[1:, ::-1]}
    return {name: one_tensor(s.to_batch(view)).float() for name, view in turned.items()}


@takes_pictures_that_were_flipped.inputs
def _(rng):
    return {"images": pictures(rng, 3, 2, 5, 4)}


def rows_and_labels(rng, N, K, dtype):
    """Scores of (N, K), and labels of which at least one is K - 1."""
    labels = rng.permutation(np.append(rng.integers(0, K, N - 1), K - 1))
    return {"scores": rng.normal(0, 2, (N, K)), "labels": labels.astype(dtype)}


@probe("label_scores", cases=2)
def takes_one_score_of_each_row(s, scores, labels):
    return {"right": s.label_scores(tensor(scores), tensor(labels))}


@takes_one_score_of_each_row.inputs
def _(rng):
    return rows_and_labels(rng, 9, 5, np.int64)


@probe("label_scores", cases=2)
def takes_labels_of_8_and_of_32_bits(s, scores, labels):
    scores, labels = tensor(scores), tensor(labels)
    return {"of_8": s.label_scores(scores, labels.byte()), "of_32": s.label_scores(scores, labels.int())}


@takes_labels_of_8_and_of_32_bits.inputs
def _(rng):
    """No label is 0, which a mask passes over."""
    given = rows_and_labels(rng, 4, 6, np.int64)
    return {**given, "labels": np.maximum(given["labels"], 1)}


@probe("label_scores", cases=1)
def takes_a_single_example(s, scores, labels):
    """And all of them, with a shape of their own."""
    scores, labels = tensor(scores), tensor(labels)
    return {"of_one": s.label_scores(scores[-1:], labels[-1:]), "of_all": s.label_scores(scores, labels)}


@takes_a_single_example.inputs
def _(rng):
    return rows_and_labels(rng, 3, 4, np.int64)


@probe("label_scores", cases=1)
@with_gradients
def lets_gradients_flow_back_to_the_scores(s, scores, labels, dout):
    scores = watched(scores)
    right = one_tensor(s.label_scores(scores, tensor(labels)))
    if right.requires_grad:
        (right * tensor(dout)).sum().backward()
    reached = scores.grad is not None
    dscores = scores.grad if reached else np.zeros(scores.shape)
    return {"a_gradient_reaches_the_scores": fact(reached), "dscores": dscores}


@lets_gradients_flow_back_to_the_scores.inputs
def _(rng):
    return {**rows_and_labels(rng, 7, 3, np.int64), "dout": far_from_0(rng, 7)}


def pairs(rng, N, K):
    """Labels and predictions below K. The pair (1, K - 1) comes three times at least, one after the other."""
    labels, predicted = rng.integers(0, K, (2, N))
    labels[2:5], predicted[2:5] = 1, K - 1
    return {"labels": labels, "predicted": predicted}


@probe("count_pairs", cases=2)
def counts_every_pair(s, labels, predicted, K):
    """Labels and predictions are tensors in the memory of the inputs: a change shows."""
    import torch

    counts = s.count_pairs(torch.from_numpy(labels), torch.from_numpy(predicted), K)
    return {"counts": one_tensor(counts).double()}


@counts_every_pair.inputs
def _(rng):
    found = pairs(rng, 31, 4)
    return {name: np.append(values, 3) for name, values in found.items()} | {"K": 4}


@probe("count_pairs", cases=2)
def has_zeros_for_classes_that_never_come(s, labels, predicted, K):
    counts = s.count_pairs(tensor(labels), tensor(predicted), K)
    return {"counts": one_tensor(counts).double()}


@has_zeros_for_classes_that_never_come.inputs
def _(rng):
    return {**pairs(rng, 17, 3), "K": 5}


@probe("count_pairs", cases=2)
def counts_labels_of_8_bits_of_many_classes(s, labels, predicted, K):
    """One pair comes more often than 8 bits can count."""
    import torch

    counts = one_tensor(s.count_pairs(tensor(labels).byte(), tensor(predicted).byte(), K))
    return {"counts": counts.double(), "is_int64": fact(counts.dtype == torch.int64)}


@counts_labels_of_8_bits_of_many_classes.inputs
def _(rng):
    often = {"labels": np.full(300, 21), "predicted": np.full(300, 17)}
    return {name: np.append(values, often[name]) for name, values in pairs(rng, 60, 23).items()} | {"K": 23}


@probe("count_pairs", cases=1)
def returns_whole_numbers_of_64_bits(s, labels, predicted, K):
    import torch

    counts = one_tensor(s.count_pairs(tensor(labels), tensor(predicted), K))
    whole = fact(not counts.is_floating_point())
    return {"are_whole_numbers": whole, "is_int64": fact(counts.dtype == torch.int64)}


@returns_whole_numbers_of_64_bits.inputs
def _(rng):
    return {**pairs(rng, 14, 3), "K": 3}


@probe("count_pairs", cases=1)
def makes_the_table_where_the_labels_are(s, labels, predicted, K):
    labels, predicted = tensor(labels), tensor(predicted)
    return computes_where_the_inputs_are(lambda: s.count_pairs(labels, predicted, K))


@makes_the_table_where_the_labels_are.inputs
def _(rng):
    return {**pairs(rng, 14, 3), "K": 3}


def walked(batch):
    """The batch itself and all that is in it, containers before their parts."""
    yield batch
    if isinstance(batch, (dict, list, tuple)):
        for part in batch.values() if isinstance(batch, dict) else batch:
            yield from walked(part)


def kinds(batch):
    """A number for each thing in the batch: what it is."""
    import torch

    known = (dict, list, tuple, torch.Tensor, str, bool, int, float, np.ndarray, type(None))
    found = [next((i for i, kind in enumerate(known) if isinstance(p, kind)), -1) for p in walked(batch)]
    return np.array(found)


def tensors_in(batch):
    import torch

    return [part for part in walked(batch) if isinstance(part, torch.Tensor)]


def elsewhere(batch):
    """For each tensor in the batch: is it on the device "meta"?"""
    return np.array([x.device.type == "meta" for x in tensors_in(batch)], dtype=bool)


@probe("move", cases=1)
def moves_a_tensor_and_what_is_in_a_list_a_tuple_and_a_dict(s, x, y):
    x, y = tensor(x), tensor(y)
    batches = {"tensor": x, "number": x.sum(), "list": [x, y], "tuple": (y, x), "dict": {"x": x, "y": y}}
    return {f"moved_as_a_{name}": elsewhere(s.move(batch, "meta")) for name, batch in batches.items()}


@moves_a_tensor_and_what_is_in_a_list_a_tuple_and_a_dict.inputs
def _(rng):
    return {"x": rng.normal(0, 1, (2, 3)), "y": rng.integers(0, 9, 4)}


@probe("move", cases=1)
def moves_what_lies_deeper(s, x, y):
    import torch

    x, y = tensor(x), tensor(y)
    moved = s.move({"a": [x, (y, {"b": x})], "c": ([y], [[x]])}, torch.device("meta"))
    return {"moved": elsewhere(moved)}


@moves_what_lies_deeper.inputs
def _(rng):
    return {"x": rng.normal(0, 1, (3, 2)), "y": rng.integers(0, 9, 5)}


@probe("move", cases=1)
def keeps_lists_tuples_and_dicts_with_their_keys(s, x, y):
    x, y = tensor(x), tensor(y)
    moved = s.move({"z": [x, (y, x), []], "a": ((y,), {"n": [x]}), "k": ()}, "meta")
    keys = list(moved) if isinstance(moved, dict) else []
    numbered = s.move({7: x, 3: y}, "meta")
    numbers = [key if isinstance(key, int) else -1 for key in numbered] if isinstance(numbered, dict) else []
    found = {"kinds": kinds(moved), "keys": np.array([ord(str(key)[0]) for key in keys])}
    return {**found, "keys_that_are_numbers": np.array(numbers)}


@keeps_lists_tuples_and_dicts_with_their_keys.inputs
def _(rng):
    return {"x": rng.normal(0, 1, (2, 4)), "y": rng.integers(0, 9, 3)}


@probe("move", cases=1)
def hands_back_what_is_no_tensor(s, x, numbers):
    batch = [tensor(x), "cat.png", 3, None, {"true": True, "numbers": numbers, "half": 0.5}]
    moved = s.move(batch, "meta")
    same = moved[4]["numbers"] if len(moved) == 5 else None
    kept = same if isinstance(same, np.ndarray) else np.zeros(0)
    return {"kinds": kinds(moved), "numbers": kept, "text_alone": fact(s.move("ship", "meta") == "ship")}


@hands_back_what_is_no_tensor.inputs
def _(rng):
    return {"x": rng.normal(0, 1, (2, 3)), "numbers": rng.normal(0, 1, 5)}


@probe("move", cases=1)
def leaves_the_batch_that_it_got_alone(s, x, y):
    import torch

    batch = {"x": tensor(x), "list": [tensor(y), {"deep": tensor(x)}]}
    s.move(batch, "meta")
    found = [not part.is_meta for part in walked(batch) if isinstance(part, torch.Tensor)]
    return {"tensors_that_stayed": np.array(found), "kinds": kinds(batch)}


@leaves_the_batch_that_it_got_alone.inputs
def _(rng):
    return {"x": rng.normal(0, 1, (4, 3)), "y": rng.integers(0, 9, 2)}


@probe("move", cases=1)
@with_gradients
def keeps_numbers_types_and_gradients(s, x, y):
    """Moved to where they are already, and one tensor that is watched."""
    import torch

    given = {"x": watched(x), "mask": tensor(y) > 4, "y": tensor(y), "bytes": tensor(y).byte()}
    given |= {"wide": tensor(x).double(), "half": tensor(x).half()}
    moved = s.move(given, torch.device("cpu"))
    found = {f"{name}_keeps_its_type": fact(moved[name].dtype == given[name].dtype) for name in given}
    return {**found, "x": moved["x"], "y": moved["y"], "x_is_still_watched": fact(moved["x"].requires_grad)}


@keeps_numbers_types_and_gradients.inputs
def _(rng):
    return {"x": rng.normal(0, 1, (2, 3)).astype(np.float32), "y": rng.integers(0, 9, 7)}


def curved(weights):
    """A function of tensors of the shape of the weights: cubes, and a square of the sum."""
    weights = tensor(weights)
    return lambda x: (weights.to(x.dtype) * x**3).sum() + x.sum() ** 2


def point(rng, *shape):
    return {"x": far_from_0(rng, *shape), "weights": far_from_0(rng, *shape)}


@probe("gradient", cases=2)
@with_gradients
def finds_the_gradient(s, x, weights):
    return {"dx": s.gradient(curved(weights), tensor(x))}


@finds_the_gradient.inputs
def _(rng):
    return point(rng, 3, 4)


@probe("gradient", cases=1)
@with_gradients
def takes_any_shape(s, x, weights, number):
    one = one_tensor(s.gradient(lambda t: t**3, tensor(number)))
    return {"of_three_axes": s.gradient(curved(weights), tensor(x)), "of_one_number": one}


@takes_any_shape.inputs
def _(rng):
    return {**point(rng, 2, 4, 3), "number": rng.uniform(1.2, 2)}


@probe("gradient", cases=1)
@with_gradients
def leaves_x_unwatched(s, x, weights):
    """`x` is a tensor in the memory of the input: a change shows."""
    import torch

    t = torch.from_numpy(x)
    s.gradient(curved(weights), t)
    return {"x_is_watched": fact(t.requires_grad), "x_has_a_gradient": fact(t.grad is not None)}


@leaves_x_unwatched.inputs
def _(rng):
    return point(rng, 5, 2)


@probe("gradient", cases=1)
@with_gradients
def leaves_the_gradient_of_x_alone(s, x, weights, before):
    t = watched(x)
    t.grad = tensor(before)
    dx = one_tensor(s.gradient(curved(weights), t))
    kept = np.zeros(0) if t.grad is None else t.grad
    return {"dx": dx.clone(), "x_grad": kept, "x_is_watched": fact(t.requires_grad)}


@leaves_the_gradient_of_x_alone.inputs
def _(rng):
    return {**point(rng, 4, 3), "before": far_from_0(rng, 4, 3)}


@probe("gradient", cases=1)
@with_gradients
def takes_the_result_of_a_computation(s, x, weights):
    """And what is behind it gets no gradient."""
    first = watched(x)
    dx = one_tensor(s.gradient(curved(weights), 2 * first))
    return {"dx": dx, "a_gradient_went_further_back": fact(first.grad is not None)}


@takes_the_result_of_a_computation.inputs
def _(rng):
    return point(rng, 2, 5)


@probe("gradient", cases=1)
@with_gradients
def returns_a_tensor_of_the_type_of_x_without_a_graph(s, x, weights):
    """In float32 the gradient has four right digits at the least: those of one in float64."""
    import torch

    found, both = {}, []
    for dtype in (torch.float32, torch.float64):
        dx = one_tensor(s.gradient(curved(weights), tensor(x).to(dtype)))
        found[f"is_{dtype}".replace("torch.", "")] = fact(dx.dtype == dtype)
        found[f"hangs_in_a_graph_{dtype}".replace("torch.", "")] = fact(dx.requires_grad)
        both.append(dx.detach().double())
    one, other = both
    alike = one.shape == other.shape and (one - other).abs().max() <= 1e-4 * other.abs().max()
    return {**found, "float32_has_four_right_digits": fact(alike), "dx": other}


@returns_a_tensor_of_the_type_of_x_without_a_graph.inputs
def _(rng):
    return point(rng, 3, 2)


CLOSE = 1e-6  # the rounding in a difference, divided by 2h


@probe("gradient_error", cases=2, rtol=CLOSE)
@with_gradients
def says_how_far_off_a_gradient_is(s, x, weights, dx, h):
    """For a gradient, and for one that is twenty times as large."""
    f, t = curved(weights), tensor(x)
    given = {"error": tensor(dx), "error_of_20_times_dx": tensor(20 * dx)}
    return {name: np.array(float(s.gradient_error(f, t, claimed, h))) for name, claimed in given.items()}


@says_how_far_off_a_gradient_is.inputs
def _(rng):
    """`h` is so large that the differences are off themselves. They are positive, and `dx` is too small."""
    given = {name: np.abs(values) for name, values in point(rng, 2, 3).items()}
    return {**given, "dx": rng.uniform(0.5, 1.5, (2, 3)), "h": float(rng.uniform(0.15, 0.25))}


@probe("gradient_error", cases=1, rtol=CLOSE)
@with_gradients
def takes_gradients_of_three_axes(s, x, weights, dx, h):
    """One gradient is too large, another too small."""
    f, t = curved(weights), tensor(x)
    given = {"error": tensor(dx), "error_of_a_hundredth_of_dx": tensor(dx / 100)}
    return {name: np.array(float(s.gradient_error(f, t, claimed, h))) for name, claimed in given.items()}


@takes_gradients_of_three_axes.inputs
def _(rng):
    """The differences are positive, and `dx` is too large, a hundredth of it too small."""
    given = {name: np.abs(values) for name, values in point(rng, 2, 3, 4).items()}
    return {**given, "dx": rng.uniform(100, 150, (2, 3, 4)), "h": float(rng.uniform(0.1, 0.2))}


@probe("gradient_error", cases=1)
@with_gradients
def finds_a_right_gradient_right_in_float32_as_well(s, x, weights):
    """With the step that it has by itself. In float32 the rounding is chance: one digit of it is asked."""
    found = {}
    for bits, bound in ((32, 1e-5), (64, 1e-9)):
        t = tensor(x.astype(f"float{bits}"))
        dx = 3 * tensor(weights).to(t.dtype) * t**2 + 2 * t.sum()
        error = float(s.gradient_error(curved(weights), t, dx))
        found[f"below_{bound:.0e}_with_{bits}_bits"] = fact(error < bound)
        shown = 0.0 if error < bound else error
        found[f"error_with_{bits}_bits"] = np.array(round(shown, 1) if bits == 32 else shown)
    return found


@finds_a_right_gradient_right_in_float32_as_well.inputs
def _(rng):
    return point(rng, 3, 5)


@probe("gradient_error", cases=1)
@with_gradients
def moves_one_number_at_a_time(s, x, weights, dx):
    """At each call: the shape that f gets, and how many numbers are not those of x, but for rounding."""
    f, at, moved = curved(weights), tensor(x), []

    def watching(t):
        moved.append(int(((t.detach() - at).abs() > 1e-9).sum()) if t.shape == at.shape else -1)
        return f(t)

    s.gradient_error(watching, at.clone(), tensor(dx))
    own = {"f_gets_tensors_of_the_shape_of_x": np.array(min(moved, default=-1) >= 0)}
    return {**own, "most_numbers_moved_at_once": np.array(max(moved, default=0))}


@moves_one_number_at_a_time.inputs
def _(rng):
    return {**point(rng, 3, 2), "dx": far_from_0(rng, 3, 2)}


@probe("gradient_error", cases=1, rtol=CLOSE)
@with_gradients
def leaves_x_and_the_gradient_alone(s, x, weights, dx, h):
    """Both are tensors in the memory of the inputs: a change shows. One more time, they are watched."""
    import torch

    f, at, claimed = curved(weights), torch.from_numpy(x), torch.from_numpy(dx)
    plain = s.gradient_error(f, at, claimed, h)
    again = float(s.gradient_error(f, watched(x), watched(dx), h))
    number = fact(isinstance(plain, (int, float, np.number)))
    errors = {"error": np.array(float(plain)), "error_of_watched_tensors": np.array(again)}
    return {**errors, "is_a_plain_number": number}


@leaves_x_and_the_gradient_alone.inputs
def _(rng):
    """All numbers are positive: were the signs to differ, the error would be 1 for many mistakes."""
    given = {name: np.abs(values) for name, values in point(rng, 4, 2).items()}
    return {**given, "dx": rng.uniform(0.5, 1.5, (4, 2)), "h": float(rng.uniform(0.1, 0.2))}


@probe("gradient_error", cases=1, rtol=2e-3)
@with_gradients
def measures_a_tiny_gradient_by_its_own_size(s, x, weights, factor, h):
    """All derivatives are negative and smaller than 1e-8, and dx is a multiple of the gradient."""
    f, t = curved(weights), tensor(x)
    dx = 1e-10 * (3 * tensor(weights) * t**2 + 2 * t.sum())
    return {"error": np.array(float(s.gradient_error(lambda x: 1e-10 * f(x), t, factor * dx, h)))}


@measures_a_tiny_gradient_by_its_own_size.inputs
def _(rng):
    given = {name: -np.abs(values) for name, values in point(rng, 2, 3).items()}
    return {**given, "factor": float(rng.uniform(1.5, 2.5)), "h": float(rng.uniform(0.1, 0.2))}


@probe("gradient_error", cases=1)
@with_gradients
def is_0_where_both_are_0(s, x):
    x = tensor(x)
    return {"error": np.array(float(s.gradient_error(lambda t: 0 * (t * x).sum(), x, 0 * x)))}


@is_0_where_both_are_0.inputs
def _(rng):
    return {"x": far_from_0(rng, 3, 2)}


@probe("mean_squared_error", cases=2)
def takes_the_mean_of_the_squares(s, prediction, target):
    return {"loss": one_tensor(s.mean_squared_error(tensor(prediction), tensor(target)))}


@takes_the_mean_of_the_squares.inputs
def _(rng):
    return {"prediction": rng.normal(1, 2, (5, 3)), "target": rng.normal(-1, 1, (5, 3))}


@probe("mean_squared_error", cases=1)
def takes_targets_that_are_whole_numbers(s, prediction, target):
    return {"loss": one_tensor(s.mean_squared_error(tensor(prediction), tensor(target)))}


@takes_targets_that_are_whole_numbers.inputs
def _(rng):
    return {"prediction": rng.normal(1, 2, 7), "target": rng.integers(-3, 4, 7)}


@probe("mean_squared_error", cases=1)
@with_gradients
def lets_the_gradient_of_the_loss_flow_back(s, prediction, target):
    p = watched(prediction)
    loss = one_tensor(s.mean_squared_error(p, tensor(target)))
    if loss.requires_grad:
        loss.sum().backward()
    reached = p.grad is not None
    dprediction = p.grad if reached else np.zeros(p.shape)
    return {"a_gradient_reaches_the_prediction": fact(reached), "dprediction": dprediction}


@lets_the_gradient_of_the_loss_flow_back.inputs
def _(rng):
    return {"prediction": rng.normal(1, 2, (4, 3)), "target": rng.normal(-1, 1, (4, 3))}


UNLIKE = {
    "column_and_row": ((6, 1), (6,)),
    "row_and_column": ((6,), (6, 1)),
    "column_and_lying_row": ((6, 1), (1, 6)),
    "table_and_row": ((4, 3), (3,)),
    "row_and_number": ((6,), ()),
    "lying_row_and_row": ((1, 6), (6,)),
    "as_many_numbers": ((4, 3), (2, 6)),
    "other_lengths": ((5,), (4,)),
}


def names_both(shapes, text):
    """Are all sizes of both shapes in the text?"""
    import re

    return {str(size) for shape in shapes for size in shape} <= set(re.findall(r"\d+", text))


@probe("mean_squared_error", cases=1)
def refuses_shapes_that_differ(s, numbers):
    """Is there an error for each pair of shapes, is it a ValueError, and does it name both?"""
    import torch

    errors, returned, numbers = {}, [], tensor(numbers)
    for name, shapes in UNLIKE.items():
        one, other = (numbers[: int(np.prod(shape))].reshape(shape) for shape in shapes)
        try:
            returned.append(s.mean_squared_error(one, other))
        except NotImplementedError:
            raise
        except Exception as error:
            errors[name] = error
    found = {f"refuses_{name}": fact(name in errors) for name in UNLIKE}
    odd = [answer for answer in returned if not isinstance(answer, torch.Tensor)]
    kinds = [type(e) for e in errors.values()]
    texts = {name: str(e) for name, e in errors.items() if isinstance(e, ValueError)}
    return {
        **found,
        "all_errors_are_ValueErrors": fact(all(issubclass(kind, ValueError) for kind in kinds)),
        "some_are_AssertionErrors": fact(AssertionError in kinds),
        "the_ValueErrors_say_something": fact(all(texts.values())),
        "the_ValueErrors_name_both_shapes": fact(all(names_both(UNLIKE[n], t) for n, t in texts.items())),
        "returns_an_error_or_nothing": fact(odd),
    }


@refuses_shapes_that_differ.inputs
def _(rng):
    return {"numbers": rng.normal(0, 1, 12)}


def weights_with_gradients(values, gradients):
    """A list of watched tensors, each with its gradient."""
    weights = [watched(value) for value in values]
    for w, dw in zip(weights, gradients, strict=True):
        w.grad = tensor(dw)
    return weights


def downhill(rng):
    shapes = (3, 2), (4,), (2, 1, 5)
    return {
        "values": [far_from_0(rng, *shape) for shape in shapes],
        "gradients": [far_from_0(rng, *shape) for shape in shapes],
        "lr": float(rng.uniform(0.1, 0.3)),
    }


def named(weights):
    """All the weights, each under a name of its own."""
    return {f"w{i}": w for i, w in enumerate(weights, 1)}


@probe("sgd_step", cases=2)
@with_gradients
def moves_every_weight_against_its_gradient(s, values, gradients, lr):
    weights = weights_with_gradients(values, gradients)
    s.sgd_step(weights, lr)
    return named(weights)


@moves_every_weight_against_its_gradient.inputs
def _(rng):
    return downhill(rng)


@probe("sgd_step", cases=1)
@with_gradients
def moves_a_single_number(s, w, dw, lr):
    """As in the example of the docstring."""
    weights = weights_with_gradients([w], [dw])
    s.sgd_step(weights, lr)
    return named(weights)


@moves_a_single_number.inputs
def _(rng):
    return {"w": rng.uniform(2, 3), "dw": rng.uniform(0.3, 0.7), "lr": float(rng.uniform(0.1, 0.3))}


@probe("sgd_step", cases=1)
@with_gradients
def forgets_every_gradient(s, values, gradients, lr):
    weights = weights_with_gradients(values, gradients)
    s.sgd_step(weights, lr)
    return {"forgotten": np.array([w.grad is None or not w.grad.any().item() for w in weights])}


@forgets_every_gradient.inputs
def _(rng):
    return downhill(rng)


@probe("sgd_step", cases=1)
@with_gradients
def goes_through_a_generator(s, values, gradients, lr):
    weights = weights_with_gradients(values, gradients)
    s.sgd_step((w for w in weights), lr)
    forgotten = [w.grad is None or not w.grad.any().item() for w in weights]
    return {**named(weights), "forgotten": np.array(forgotten)}


@goes_through_a_generator.inputs
def _(rng):
    return downhill(rng)


@probe("sgd_step", cases=1)
@with_gradients
def leaves_a_weight_without_a_gradient_where_it_is(s, values, gradients, lr):
    """It is the first of them, and the last one is frozen."""
    weights = weights_with_gradients(values, gradients)
    weights[0].grad = weights[2].grad = None
    weights[2].requires_grad_(False)
    s.sgd_step(weights, lr)
    return {**named(weights), "the_last_is_watched": fact(weights[2].requires_grad)}


@leaves_a_weight_without_a_gradient_where_it_is.inputs
def _(rng):
    return downhill(rng)


@probe("sgd_step", cases=1)
@with_gradients
def leaves_weights_that_can_be_trained_on(s, values, gradients, lr):
    weights = weights_with_gradients(values, gradients)
    s.sgd_step(weights, lr)
    found = {f"w{i}_is_watched": fact(w.requires_grad) for i, w in enumerate(weights, 1)}
    return {**found, "are_leaves": np.array([w.is_leaf for w in weights])}


@leaves_weights_that_can_be_trained_on.inputs
def _(rng):
    return downhill(rng)


@probe("sgd_step", cases=1)
@with_gradients
def goes_down_in_three_steps(s, values, lr):
    """The loss is a bowl with its lowest point at 2; each step goes forward and backward anew."""
    weights, losses = [watched(value) for value in values], []
    for step in range(3):
        loss = sum(((w - 2) ** 2).sum() for w in weights)
        loss.backward()
        losses.append(loss.item())
        s.sgd_step(weights, lr * 0.8**step)
    return {"losses": np.array(losses), **named(weights)}


@goes_down_in_three_steps.inputs
def _(rng):
    given = downhill(rng)
    return {"values": given["values"], "lr": given["lr"]}


def classifier(s, mean, std, W, b):
    """The student's module, in 64 bits, with these numbers in its documented names."""
    import torch

    model = s.LinearClassifier(tensor(mean), tensor(std), len(b)).double()
    with torch.no_grad():
        for name, values in (("W", W), ("b", b)):
            own = getattr(model, name)
            if own.shape != values.shape:
                raise ValueError(f"{name} has shape {tuple(own.shape)}, expected {values.shape}")
            own.copy_(tensor(values))
    return model


def four_tensors(rng, D, K):
    return {
        "mean": rng.normal(3, 1, D),
        "std": rng.uniform(1.5, 3, D),
        "W": rng.normal(0, 1, (D, K)),
        "b": far_from_0(rng, K),
    }


@probe("LinearClassifier", cases=2)
@with_gradients
def standardizes_and_gives_scores(s, mean, std, W, b, x):
    return {"scores": classifier(s, mean, std, W, b)(tensor(x))}


@standardizes_and_gives_scores.inputs
def _(rng):
    return {**four_tensors(rng, 5, 3), "x": rng.normal(3, 2, (7, 5))}


@probe("LinearClassifier", cases=1)
@with_gradients
def takes_images(s, mean, std, W, b, x):
    return {"scores": classifier(s, mean, std, W, b)(tensor(x))}


@takes_images.inputs
def _(rng):
    return {**four_tensors(rng, 24, 5), "x": rng.normal(3, 2, (6, 3, 4, 2))}


@probe("LinearClassifier", cases=1)
@with_gradients
def takes_images_whose_numbers_do_not_lie_in_order(s, mean, std, W, b, x):
    """They come with their channels last, and permute puts them in front."""
    model, images = classifier(s, mean, std, W, b), tensor(x).permute(0, 3, 1, 2)
    return {"scores": model(images), "scores_of_one": model(images[:1])}


@takes_images_whose_numbers_do_not_lie_in_order.inputs
def _(rng):
    return {**four_tensors(rng, 30, 4), "x": rng.normal(3, 2, (7, 5, 3, 2))}


@probe("LinearClassifier", cases=1)
@with_gradients
def starts_at_0_with_the_type_of_mean(s, mean, std, x):
    """float64 in this case, and nobody says .double()."""
    import torch

    model = s.LinearClassifier(tensor(mean), tensor(std), 3)
    kept = {name: getattr(model, name) for name in ("W", "b", "mean", "std")}
    wide = {f"{name}_is_float64": fact(kept[name].dtype == torch.float64) for name in ("W", "b")}
    return {**kept, **wide, "scores": model(tensor(x))}


@starts_at_0_with_the_type_of_mean.inputs
def _(rng):
    given = four_tensors(rng, 4, 3)
    return {"mean": given["mean"], "std": given["std"], "x": rng.normal(3, 2, (5, 4))}


@probe("LinearClassifier", cases=1)
@with_gradients
def starts_on_the_device_of_mean(s, mean, std):
    """A device that computes shapes only: who looks at the numbers of mean and std is not asked further."""
    try:
        model = s.LinearClassifier(tensor(mean).to("meta"), tensor(std).to("meta"), 4)
    except (RuntimeError, NotImplementedError) as error:
        if "meta" not in str(error):
            raise
        return {f"{name}_is_there": fact(True) for name in ("W", "b")}
    return {f"{name}_is_there": fact(getattr(model, name).is_meta) for name in ("W", "b")}


@starts_on_the_device_of_mean.inputs
def _(rng):
    given = four_tensors(rng, 5, 4)
    return {"mean": given["mean"], "std": given["std"]}


@probe("LinearClassifier", cases=1)
@with_gradients
def trains_its_two_parameters_and_nothing_else(s, mean, std, W, b, x, dout):
    model = classifier(s, mean, std, W, b)
    (model(tensor(x)) * tensor(dout)).sum().backward()
    trained = dict(model.named_parameters())
    gradients = {f"d{name}": getattr(trained.get(name), "grad", None) for name in ("W", "b")}
    found = {name: np.zeros(0) if dw is None else dw for name, dw in gradients.items()}
    return {**found, "trained_tensors": np.array(len(trained))}


@trains_its_two_parameters_and_nothing_else.inputs
def _(rng):
    return {**four_tensors(rng, 4, 3), "x": rng.normal(3, 2, (6, 4)), "dout": far_from_0(rng, 6, 3)}


@probe("LinearClassifier", cases=1)
@with_gradients
def saves_and_loads_all_four_tensors(s, mean, std, W, b, x):
    model = classifier(s, mean, std, W, b)
    state = {name: values.clone() for name, values in model.state_dict().items()}
    other = s.LinearClassifier(tensor(std), tensor(mean), len(b)).double()
    other.load_state_dict(state)
    found = {f"saves_{name}": fact(name in state) for name in ("W", "b", "mean", "std")}
    return {**found, "saved_tensors": np.array(len(state)), "scores_after_loading": other(tensor(x))}


@saves_and_loads_all_four_tensors.inputs
def _(rng):
    return {**four_tensors(rng, 6, 4), "x": rng.normal(3, 2, (3, 6))}


@probe("LinearClassifier", cases=1)
@with_gradients
def moves_with_all_that_belongs_to_it(s, mean, std, W, b):
    """To a device that computes shapes only, and to 32 bits."""
    import torch

    model = classifier(s, mean, std, W, b)
    where = {}
    for name in ("W", "b", "mean", "std"):
        where[f"{name}_becomes_float32"] = fact(getattr(model.float(), name).dtype == torch.float32)
        where[f"{name}_moves"] = fact(getattr(model.to("meta"), name).is_meta)
    return where


@moves_with_all_that_belongs_to_it.inputs
def _(rng):
    return four_tensors(rng, 5, 2)


@probe("LinearClassifier", cases=1)
@with_gradients
def treats_each_image_alone_in_both_modes(s, mean, std, W, b, x):
    """Training or not, one image or a batch: the same scores. Images stay as they are."""
    import torch

    model, images = classifier(s, mean, std, W, b), torch.from_numpy(x)
    return {"in_training": model.train()(images), "of_one": model.eval()(images[2:3])}


@treats_each_image_alone_in_both_modes.inputs
def _(rng):
    return {**four_tensors(rng, 3, 4), "x": rng.normal(3, 2, (5, 3))}
