"""What the checks ask of the PyTorch notebook, and the inputs they ask it on.

Inputs: all axes of different lengths, p far from a half, inputs of both signs and an exact zero, random
upstream gradients, masks whose share of kept units is not 1 - p and in which rows and columns differ."""

import numpy as np

from autograder import probe

FEW = 2.0**-20  # so few units are kept that numbers of one's own keep none; exact in single precision, too


def few_kept(rng, N, D):
    """Uniform numbers (N, D) on all sides of FEW and of 1 - FEW, in the first row and column, too."""
    kinds = np.array([FEW / 4, 0.3, 0.7, 1 - FEW / 4])
    return kinds[(rng.permutation(N)[:, None] + rng.permutation(D)) % 4]


def tensor(array):
    """A tensor that shares the array's memory, so that a change in place is seen."""
    import torch

    return torch.as_tensor(array)


def away_from_zero(rng, *shape):
    """Numbers of both signs, none near zero: a zero in the output was dropped."""
    return rng.uniform(0.5, 3, shape) * rng.choice([-1.0, 1.0], shape)


def drop_probability(rng):
    """Neither one half nor near it: p and 1 - p must not be taken for each other."""
    return float(rng.choice([rng.uniform(0.22, 0.36), rng.uniform(0.66, 0.78)]))


def factors(y, x):
    """The least and the greatest y / x where y is not zero: what survivors are scaled by."""
    ratio = (y / x)[y != 0].detach()
    if ratio.numel() == 0:
        ratio = ratio.new_zeros(1)
    return {"least_factor": ratio.min(), "greatest_factor": ratio.max()}


def fact(value):
    return np.array(bool(value))


def given_numbers(rng, *shape):
    return {"x": away_from_zero(rng, *shape), "u": rng.uniform(size=shape), "p": drop_probability(rng)}


def eighths(rng):
    """Numbers (2, 4) on both sides of p = 0.25 and of 1 - p, and each of the two exactly."""
    return rng.permutation(8).reshape(2, 4) / 8


ROUNDING = 1e-6  # a scale of 32 bits is as right as one of 64


@probe("apply_dropout")
def drops_where_u_is_below_p(s, x, u, p):
    return {"kept": s.apply_dropout(tensor(x), tensor(u), p, True) != 0}


@drops_where_u_is_below_p.inputs
def _(rng):
    return given_numbers(rng, 6, 7)


@probe("apply_dropout", cases=1)
def keeps_a_unit_whose_number_is_exactly_p(s, x, u, p):
    return {"kept": s.apply_dropout(tensor(x), tensor(u), p, True) != 0}


@keeps_a_unit_whose_number_is_exactly_p.inputs
def _(rng):
    return {"x": away_from_zero(rng, 2, 4), "u": eighths(rng), "p": 0.25}


@probe("apply_dropout", cases=1)
def follows_the_given_numbers(s, x, u, p):
    return {"kept": s.apply_dropout(tensor(x), tensor(u), p, True) != 0}


@follows_the_given_numbers.inputs
def _(rng):
    return {"x": away_from_zero(rng, 5, 4), "u": few_kept(rng, 5, 4), "p": 1 - FEW}


@probe("apply_dropout", rtol=ROUNDING)
def divides_the_survivors_by_the_probability_of_keeping(s, x, u, p):
    return factors(s.apply_dropout(tensor(x), tensor(u), p, True), tensor(x))


@divides_the_survivors_by_the_probability_of_keeping.inputs
def _(rng):
    return given_numbers(rng, 6, 7)


@probe("apply_dropout", cases=2, rtol=ROUNDING)
def leaves_everything_alone_in_evaluation(s, x, u, p):
    y = s.apply_dropout(tensor(x), tensor(u), p, False)
    return {"anything_is_dropped": fact((y == 0).any()), **factors(y, tensor(x))}


@leaves_everything_alone_in_evaluation.inputs
def _(rng):
    return given_numbers(rng, 6, 7)


@probe("apply_dropout", cases=2, rtol=ROUNDING)
def lets_the_gradient_through_the_survivors(s, x, u, p, dout):
    leaf = tensor(x).clone().requires_grad_(True)
    y = s.apply_dropout(leaf, tensor(u), p, True)
    y.backward(tensor(dout))
    same = ((leaf.grad != 0) == (y != 0)).all()
    return {"gradient_reaches_survivors_only": fact(same), **factors(leaf.grad, tensor(dout))}


@lets_the_gradient_through_the_survivors.inputs
def _(rng):
    return {**given_numbers(rng, 6, 7), "dout": away_from_zero(rng, 6, 7)}


@probe("apply_dropout", cases=2)
def drops_nothing_for_p_0_and_everything_for_p_1(s, x, u, dout):
    found = {}
    for p in (0, 1):
        leaf = tensor(x).clone().requires_grad_(True)
        y = s.apply_dropout(leaf, tensor(u), p, True)
        if p == 0 or y.requires_grad:  # zeros that come from nowhere are right, too
            y.backward(tensor(dout))
        dx = leaf.grad if leaf.grad is not None else 0 * tensor(dout)
        found |= {f"y_for_p_{p}": y + 0, f"dx_for_p_{p}": dx + 0}
    return found


def extreme_numbers(rng):
    """Uniform numbers, the least possible one among them."""
    u = rng.uniform(size=(4, 5))
    u.flat[rng.integers(u.size)] = 0.0
    return {"x": away_from_zero(rng, 4, 5), "u": u, "dout": away_from_zero(rng, 4, 5)}


@drops_nothing_for_p_0_and_everything_for_p_1.inputs
def _(rng):
    return extreme_numbers(rng)


@probe("apply_dropout", cases=1)
def works_with_one_number_per_channel(s, x, u, p):
    y = s.apply_dropout(tensor(x), tensor(u), p, True)
    kept = y != 0
    whole = (kept.all(dim=3) == kept.any(dim=3)).all() and (kept.all(dim=2) == kept.any(dim=2)).all()
    return {"shape": np.array(y.shape), "channels_are_dropped_as_a_whole": fact(whole)}


@works_with_one_number_per_channel.inputs
def _(rng):
    return {"x": away_from_zero(rng, 3, 5, 2, 4), "u": rng.uniform(size=(3, 5, 1, 1)), "p": 0.4}


def types_kept(function):
    """Is the type of the output that of the input, for 16, 32 and 64 bits?"""
    import torch

    found = {}
    for bits, dtype in ((16, torch.float16), (32, torch.float32), (64, torch.float64)):
        x = torch.ones(3, 5, 2, 4, dtype=dtype)
        found[f"y_of_{bits}_bits_is_of_{bits}_bits"] = fact(function(x).dtype == dtype)
    return found


def stays_on_device(function, shape):
    """Asked on a device that computes shapes only, beside the CPU: as a GPU would be."""
    import torch

    x = torch.empty(*shape, device="meta")
    y = function(x)
    return {"shape": np.array(y.shape), "y_is_on_the_device_of_x": fact(y.device == x.device)}


@probe("apply_dropout", cases=1)
def keeps_the_type_of_its_input(s, p):
    import torch

    return types_kept(lambda x: s.apply_dropout(x, torch.ones(x.shape), p, True))


@keeps_the_type_of_its_input.inputs
def _(rng):
    return {"p": 0.3}


@probe("apply_dropout", cases=1)
def stays_on_the_device_of_its_input(s, shape, p):
    import torch

    return stays_on_device(lambda x: s.apply_dropout(x, torch.empty_like(x), p, True), shape)


@stays_on_the_device_of_its_input.inputs
def _(rng):
    return {"shape": [2, 3, 5, 4], "p": 0.3}


@probe("apply_dropout", cases=1)
def keeps_type_and_device_where_everything_is_dropped(s, shape, p):
    import torch

    def function(x):
        return s.apply_dropout(x, torch.ones_like(x), p, True)

    return {**types_kept(function), **stays_on_device(function, shape)}


@keeps_type_and_device_where_everything_is_dropped.inputs
def _(rng):
    return {"shape": [2, 3, 5, 4], "p": 1.0}


def small_probability(rng):
    """Small enough that something is kept even where only a few decisions are taken."""
    return float(rng.uniform(0.27, 0.36))


def batch_for_layer(rng, *shape):
    return {"x": away_from_zero(rng, *shape), "p": small_probability(rng)}


def shares(kind, p, shape, calls):
    """The share of zeros and the share of the rest, over many calls of new layers."""
    import torch

    x = torch.ones(*shape)
    zeros = sum((kind(p)(x.clone()) == 0).sum() for _ in range(calls)) / (calls * x.numel())
    return {"share_of_zeros": zeros, "share_of_the_rest": 1 - zeros}


SUMS = {
    "call": (1, 2),
    "example": (2,),
    "unit_of_a_batch": (1,),
}  # of calls, examples, units: over which axes


def spreads(kind, p, shape, calls):
    """How much numbers of zeros vary, over sqrt(n p q), the deviation for n independent decisions."""
    import torch

    x = torch.ones(*shape)
    zero = torch.stack([kind(p)(x.clone()) == 0 for _ in range(calls)]).double()
    zero = zero.reshape(calls, *shape[:2], -1).mean(dim=3)
    found = {}
    for name, axes in SUMS.items():
        count = zero.sum(dim=axes)
        decisions_each = zero.numel() / count.numel()
        found[f"spread_of_one_{name}"] = count.std(correction=0) / (decisions_each * p * (1 - p)) ** 0.5
    return found


def spreads_of_independent_decisions():
    return {f"spread_of_one_{name}": 1.0 for name in SUMS}


def seed_survives(make_and_call):
    """Is the seed of torch the same before and after?"""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(20_261_121)
        make_and_call()
        return fact(torch.initial_seed() == 20_261_121)


@probe("Dropout", rtol=ROUNDING)
def scales_what_it_keeps(s, x, p):
    return factors(s.Dropout(p)(tensor(x)), tensor(x))


@scales_what_it_keeps.inputs
def _(rng):
    return batch_for_layer(rng, 20, 30)


@probe("Dropout", cases=1, rtol=0.045)
def drops_its_share(s, p, shape, calls):
    return shares(s.Dropout, p, shape, calls)


@drops_its_share.inputs
def _(rng):
    return {"p": small_probability(rng), "shape": [20, 20], "calls": 500}


@drops_its_share.expect
def _(p, shape, calls):
    return {"share_of_zeros": p, "share_of_the_rest": 1 - p}


def kept_by(layer, shape):
    import torch

    return layer(torch.ones(*shape)) != 0


@probe("Dropout", cases=2)
def draws_new_numbers_at_every_call(s, shape, p):
    layer = s.Dropout(p)
    first, second, other = kept_by(layer, shape), kept_by(layer, shape), kept_by(s.Dropout(p), shape)
    return {
        "a_second_call_drops_the_same_units": fact((first == second).all()),
        "another_layer_drops_the_same_units": fact((first == other).all()),
    }


@draws_new_numbers_at_every_call.inputs
def _(rng):
    return {"shape": [40, 45], "p": small_probability(rng)}


@probe("Dropout", cases=2)
def decides_for_every_number_by_itself(s, shape, p):
    kept = kept_by(s.Dropout(p), shape)
    return {
        "examples_are_kept_or_lost_as_a_whole": fact((kept.all(dim=1) | ~kept.any(dim=1)).all()),
        "all_examples_lose_the_same_units": fact((kept == kept[:1]).all()),
    }


@decides_for_every_number_by_itself.inputs
def _(rng):
    return {"shape": [40, 45], "p": small_probability(rng)}


@probe("Dropout", cases=1)
def decides_so_on_any_number_of_axes(s, p, batch, row):
    kept = kept_by(s.Dropout(p), batch)
    names = ("images", "channels", "rows", "columns")
    same = [(kept == kept.narrow(axis, 0, 1)).all() for axis in range(4)]
    single = kept_by(s.Dropout(p), row)
    return {
        **{f"all_{name}_share_their_fate": fact(v) for name, v in zip(names, same, strict=True)},
        "all_numbers_of_one_axis_share_their_fate": fact((single == single[0]).all()),
    }


@decides_so_on_any_number_of_axes.inputs
def _(rng):
    return {"p": small_probability(rng), "batch": [20, 9, 5, 4], "row": [300]}


@probe("Dropout", cases=1, rtol=0.25)
def drops_more_at_one_call_and_fewer_at_another(s, p, shape, calls):
    return spreads(s.Dropout, p, shape, calls)


@drops_more_at_one_call_and_fewer_at_another.inputs
def _(rng):
    return {"p": small_probability(rng), "shape": [20, 25], "calls": 600}


@drops_more_at_one_call_and_fewer_at_another.expect
def _(p, shape, calls):
    return spreads_of_independent_decisions()


@probe("Dropout", cases=1)
def leaves_the_seed_alone(s, x, p):
    return {"the_seed_is_the_same_afterwards": seed_survives(lambda: s.Dropout(p)(tensor(x)))}


@leaves_the_seed_alone.inputs
def _(rng):
    return batch_for_layer(rng, 4, 5)


@probe("Dropout", cases=2)
def takes_batches_of_any_size(s, x, p):
    layer = s.Dropout(p)
    sizes = (len(x), 3, 1)
    return {f"shape_of_{n}": np.array(layer(tensor(x[:n])).shape) for n in sizes}


@takes_batches_of_any_size.inputs
def _(rng):
    return batch_for_layer(rng, 5, 4)


def evaluation(layer, x):
    """What a layer does in evaluation, in facts that do not hang on chance if it drops."""
    y = layer.eval()(tensor(x))
    return {"anything_is_dropped": fact((y == 0).any()), **factors(y, tensor(x))}


@probe("Dropout", cases=2, rtol=ROUNDING)
def is_the_identity_in_evaluation(s, x, p):
    layer = s.Dropout(p)
    layer(tensor(x))
    return evaluation(layer, x)


@is_the_identity_in_evaluation.inputs
def _(rng):
    return batch_for_layer(rng, 20, 30)


@probe("Dropout", cases=2, rtol=ROUNDING)
def sends_the_gradient_the_way_of_the_values(s, x, p, dout):
    leaf = tensor(x).clone().requires_grad_(True)
    y = s.Dropout(p)(leaf)
    y.backward(tensor(dout))
    same = ((leaf.grad != 0) == (y != 0)).all()
    return {"gradient_reaches_survivors_only": fact(same), **factors(leaf.grad, tensor(dout))}


@sends_the_gradient_the_way_of_the_values.inputs
def _(rng):
    return {**batch_for_layer(rng, 20, 30), "dout": away_from_zero(rng, 20, 30)}


def refusal(make, p):
    """The message of the ValueError that p brings, None where it brings none."""
    try:
        make(p)
    except ValueError as error:
        return str(error)
    return None


@probe("Dropout", cases=1)
def refuses_a_p_that_is_no_probability(s, outside, inside):
    told = {p: refusal(s.Dropout, p) for p in (*outside, *inside)}
    return {
        **{f"p_{p}_is_refused": fact(message is not None) for p, message in told.items()},
        **{f"the_error_says_that_{p:g}_came": fact(f"{p:g}" in (told[p] or "")) for p in outside},
    }


@refuses_a_p_that_is_no_probability.inputs
def _(rng):
    return {"outside": [-0.1, 1.1, 50.0], "inside": [0.0, 0.3, 1.0]}


@probe("Dropout", cases=1, rtol=ROUNDING)
def reads_p_at_every_call(s, x, first, second):
    layer = s.Dropout(first)
    layer(tensor(x))
    layer.p = second
    found = factors(layer(tensor(x)), tensor(x))
    layer.p = 0.0
    return {**found, "anything_is_dropped_for_p_0": fact((layer(tensor(x)) == 0).any())}


@reads_p_at_every_call.inputs
def _(rng):
    return {"x": away_from_zero(rng, 20, 30), "first": 0.3, "second": float(rng.uniform(0.55, 0.7))}


@probe("Dropout", cases=1)
def takes_p_0_and_p_1(s, x):
    return {f"y_for_p_{p}": s.Dropout(p)(tensor(x)) + 0 for p in (0, 1)}


@takes_p_0_and_p_1.inputs
def _(rng):
    return {"x": away_from_zero(rng, 4, 5)}


@probe("Dropout", cases=1)
def keeps_the_type_it_is_given(s, p):
    return types_kept(s.Dropout(p))


@keeps_the_type_it_is_given.inputs
def _(rng):
    return {"p": 0.3}


@probe("Dropout", cases=1)
def draws_on_the_device_of_its_input(s, shape, p):
    return stays_on_device(s.Dropout(p), shape)


@draws_on_the_device_of_its_input.inputs
def _(rng):
    return {"shape": [2, 3, 5, 4], "p": 0.3}


@probe("Dropout", cases=1)
def keeps_both_where_it_drops_everything(s, shape, p):
    return {**types_kept(s.Dropout(p)), **stays_on_device(s.Dropout(p), shape)}


@keeps_both_where_it_drops_everything.inputs
def _(rng):
    return {"shape": [2, 3, 5, 4], "p": 1.0}


@probe("Dropout", cases=1, rtol=ROUNDING, hidden=True)
def drops_half_by_default(s, x):
    return {**factors(s.Dropout()(tensor(x)), tensor(x)), "p": s.Dropout().p}


@drops_half_by_default.inputs
def _(rng):
    return {"x": away_from_zero(rng, 20, 30)}


@probe("DropoutFunction")
def keeps_where_u_is_not_below_p(s, x, u, p):
    return {"kept": s.DropoutFunction.apply(tensor(x), tensor(u), p) != 0}


@keeps_where_u_is_not_below_p.inputs
def _(rng):
    return given_numbers(rng, 6, 7)


@probe("DropoutFunction", cases=1)
def keeps_where_u_equals_p(s, x, u, p):
    return {"kept": s.DropoutFunction.apply(tensor(x), tensor(u), p) != 0}


@keeps_where_u_equals_p.inputs
def _(rng):
    return {"x": away_from_zero(rng, 2, 4), "u": eighths(rng), "p": 0.25}


@probe("DropoutFunction", cases=1)
def goes_by_the_given_numbers(s, x, u, p):
    return {"kept": s.DropoutFunction.apply(tensor(x), tensor(u), p) != 0}


@goes_by_the_given_numbers.inputs
def _(rng):
    return {"x": away_from_zero(rng, 5, 4), "u": few_kept(rng, 5, 4), "p": 1 - FEW}


@probe("DropoutFunction", rtol=ROUNDING)
def scales_the_survivors(s, x, u, p):
    return factors(s.DropoutFunction.apply(tensor(x), tensor(u), p), tensor(x))


@scales_the_survivors.inputs
def _(rng):
    return given_numbers(rng, 6, 7)


def function_gradient(s, x, u, p, dout):
    leaf = tensor(x).clone().requires_grad_(True)
    y = s.DropoutFunction.apply(leaf, tensor(u), p)
    y.backward(tensor(dout))
    return y.detach(), leaf.grad


@probe("DropoutFunction")
def sends_the_gradient_to_the_survivors_alone(s, x, u, p, dout):
    y, dx = function_gradient(s, x, u, p, dout)
    return {
        "gradient_reaches_every_survivor": fact((dx != 0)[y != 0].all()),
        "gradient_reaches_a_dropped_unit": fact((dx != 0)[y == 0].any()),
    }


@sends_the_gradient_to_the_survivors_alone.inputs
def _(rng):
    return {**given_numbers(rng, 20, 30), "dout": away_from_zero(rng, 20, 30)}


@probe("DropoutFunction", rtol=ROUNDING)
def scales_the_gradient_as_the_values(s, x, u, p, dout):
    _y, dx = function_gradient(s, x, u, p, dout)
    return factors(dx, tensor(dout))


@scales_the_gradient_as_the_values.inputs
def _(rng):
    return {**given_numbers(rng, 20, 30), "dout": away_from_zero(rng, 20, 30)}


@probe("DropoutFunction", cases=2, rtol=ROUNDING)
def sends_the_gradient_to_inputs_that_are_zero(s, x, u, p, dout):
    _y, dx = function_gradient(s, x, u, p, dout)
    return {"dx_where_x_is_zero_and_kept": dx[tensor(x) == 0]}


@sends_the_gradient_to_inputs_that_are_zero.inputs
def _(rng):
    x, u = away_from_zero(rng, 12, 10), rng.uniform(size=(12, 10))
    zero = rng.uniform(size=x.shape) < 0.5
    x[zero] = 0
    u[zero] = rng.uniform(0.45, 0.55, zero.sum())  # kept, also by whoever keeps where u < 1 - p
    return {"x": x, "u": u, "p": float(rng.uniform(0.22, 0.36)), "dout": away_from_zero(rng, 12, 10)}


@probe("DropoutFunction", cases=1, rtol=ROUNDING)
def keeps_the_masks_of_two_calls_apart(s, x, u, p, dout):
    leaf = tensor(x).clone().requires_grad_(True)
    y, _later = (s.DropoutFunction.apply(leaf, tensor(numbers), p) for numbers in u)
    y.backward(tensor(dout))
    same = ((leaf.grad != 0) == (y != 0)).all()
    return {"gradient_follows_the_mask_of_its_own_call": fact(same), **factors(leaf.grad, tensor(dout))}


@keeps_the_masks_of_two_calls_apart.inputs
def _(rng):
    given = given_numbers(rng, 6, 7)
    return {**given, "u": rng.uniform(size=(2, 6, 7)), "dout": away_from_zero(rng, 6, 7)}


@probe("DropoutFunction", cases=1)
def survives_p_0_and_p_1(s, x, u, dout):
    found = {}
    for p in (0, 1):
        y, dx = function_gradient(s, x, u, p, dout)
        found |= {f"y_for_p_{p}": y + 0, f"dx_for_p_{p}": dx + 0}
    return found


@survives_p_0_and_p_1.inputs
def _(rng):
    return extreme_numbers(rng)


@probe("DropoutFunction", cases=1)
def works_with_numbers_of_16_bits(s, p):
    import torch

    return types_kept(lambda x: s.DropoutFunction.apply(x, torch.ones(x.shape), p))


@works_with_numbers_of_16_bits.inputs
def _(rng):
    return {"p": 0.3}


@probe("SpatialDropout", cases=2, rtol=ROUNDING)
def scales_the_channels_it_keeps(s, x, p):
    return factors(s.SpatialDropout(p)(tensor(x)), tensor(x))


@scales_the_channels_it_keeps.inputs
def _(rng):
    return batch_for_layer(rng, 20, 16, 3, 2)


@probe("SpatialDropout", cases=1, rtol=0.045)
def drops_its_share_of_the_channels(s, p, shape, calls):
    return shares(s.SpatialDropout, p, shape, calls)


@drops_its_share_of_the_channels.inputs
def _(rng):
    return {"p": small_probability(rng), "shape": [20, 20, 2, 3], "calls": 500}


@drops_its_share_of_the_channels.expect
def _(p, shape, calls):
    return {"share_of_zeros": p, "share_of_the_rest": 1 - p}


@probe("SpatialDropout")
def drops_whole_channels_of_single_images(s, shape, p):
    kept = kept_by(s.SpatialDropout(p), shape)
    names = ("images", "channels", "rows", "columns")
    same = [(kept == kept.narrow(axis, 0, 1)).all() for axis in range(4)]
    return {f"all_{name}_share_their_fate": fact(v) for name, v in zip(names, same, strict=True)}


@drops_whole_channels_of_single_images.inputs
def _(rng):
    return {"shape": [40, 36, 4, 5], "p": small_probability(rng)}


@probe("SpatialDropout", cases=2)
def draws_anew_for_every_batch(s, shape, p):
    layer = s.SpatialDropout(p)
    first, second, other = kept_by(layer, shape), kept_by(layer, shape), kept_by(s.SpatialDropout(p), shape)
    return {
        "a_second_call_drops_the_same_channels": fact((first == second).all()),
        "another_layer_drops_the_same_channels": fact((first == other).all()),
        "shape_of_a_smaller_batch": np.array(kept_by(layer, [5, *shape[1:]]).shape),
    }


@draws_anew_for_every_batch.inputs
def _(rng):
    return {"shape": [40, 36, 4, 5], "p": small_probability(rng)}


@probe("SpatialDropout", cases=1, rtol=0.25)
def drops_now_more_now_fewer_channels(s, p, shape, calls):
    return spreads(s.SpatialDropout, p, shape, calls)


@drops_now_more_now_fewer_channels.inputs
def _(rng):
    return {"p": small_probability(rng), "shape": [20, 25, 2, 3], "calls": 600}


@drops_now_more_now_fewer_channels.expect
def _(p, shape, calls):
    return spreads_of_independent_decisions()


@probe("SpatialDropout", cases=1, rtol=ROUNDING)
def asks_for_p_at_every_call(s, x, first, second):
    layer = s.SpatialDropout(first)
    layer(tensor(x))
    layer.p = second
    return factors(layer(tensor(x)), tensor(x))


@asks_for_p_at_every_call.inputs
def _(rng):
    return {
        "x": away_from_zero(rng, 20, 16, 3, 2),
        "first": 0.3,
        "second": float(rng.uniform(0.55, 0.7)),
    }


@probe("SpatialDropout", cases=1)
def takes_any_p_from_0_to_1(s, x):
    return {f"y_for_p_{p}": s.SpatialDropout(p)(tensor(x)) + 0 for p in (0, 1)}


@takes_any_p_from_0_to_1.inputs
def _(rng):
    return {"x": away_from_zero(rng, 4, 5, 3, 2)}


@probe("SpatialDropout", cases=1)
def changes_no_seed(s, x, p):
    return {"the_seed_is_the_same_afterwards": seed_survives(lambda: s.SpatialDropout(p)(tensor(x)))}


@changes_no_seed.inputs
def _(rng):
    return batch_for_layer(rng, 4, 5, 3, 2)


@probe("SpatialDropout", cases=2, rtol=ROUNDING)
def leaves_images_alone_in_evaluation(s, x, p):
    return evaluation(s.SpatialDropout(p), x)


@leaves_images_alone_in_evaluation.inputs
def _(rng):
    return batch_for_layer(rng, 20, 16, 3, 2)


@probe("SpatialDropout", cases=1, rtol=ROUNDING)
def sends_the_gradient_through_the_channels_it_keeps(s, x, p, dout):
    leaf = tensor(x).clone().requires_grad_(True)
    y = s.SpatialDropout(p)(leaf)
    y.backward(tensor(dout))
    same = ((leaf.grad != 0) == (y != 0)).all()
    return {"gradient_reaches_survivors_only": fact(same), **factors(leaf.grad, tensor(dout))}


@sends_the_gradient_through_the_channels_it_keeps.inputs
def _(rng):
    return {**batch_for_layer(rng, 20, 16, 3, 2), "dout": away_from_zero(rng, 20, 16, 3, 2)}


@probe("SpatialDropout", cases=1)
def runs_on_any_device_and_type(s, shape, p):
    layer = s.SpatialDropout(p)
    return {**stays_on_device(layer, shape), **types_kept(layer)}


@runs_on_any_device_and_type.inputs
def _(rng):
    return {"shape": [2, 3, 5, 4], "p": 0.3}


def nested_model(ps):
    """Dropout layers at three depths, one a subclass, beside a pooling layer that has a p of its own."""
    from torch import nn

    class OwnKind(nn.Dropout2d):
        pass

    class PowerMean(nn.Module):
        def __init__(self):
            super().__init__()
            self.p = 3.0

    inner = nn.Sequential(
        nn.Linear(2, 2), nn.Dropout1d(ps[0]), nn.Sequential(OwnKind(ps[1]), nn.Dropout(ps[2]))
    )
    top = {"first": nn.Dropout(ps[3]), "second": nn.Dropout2d(ps[4])}
    return nn.ModuleDict(
        {**top, "inner": inner, "list": nn.ModuleList([nn.Dropout3d(ps[5])]), "pool": PowerMean()}
    )


@probe("set_dropout", cases=2)
def reaches_every_dropout_layer(s, ps, p):
    from torch import nn

    model = nested_model(ps)
    s.set_dropout(model, p)
    deep = [model.inner[1], *model.inner[2], model.list[0]]
    alone = nn.Dropout(ps[0])
    s.set_dropout(alone, p)
    return {
        "p_of_the_layers": np.array([float(layer.p) for layer in (model.first, model.second, *deep)]),
        "p_of_a_model_that_is_one_layer": alone.p,
    }


@reaches_every_dropout_layer.inputs
def _(rng):
    return {"ps": rng.uniform(0.1, 0.4, 6), "p": float(rng.uniform(0.55, 0.7))}


@probe("set_dropout", cases=2)
def returns_how_many_there_are(s, ps, p):
    from torch import nn

    return {
        "number_in_a_deep_model": s.set_dropout(nested_model(ps), p),
        "number_where_there_is_none": s.set_dropout(nn.Linear(2, 3), p),
    }


@returns_how_many_there_are.inputs
def _(rng):
    ps = rng.uniform(0.1, 0.4, 6)
    return {"ps": ps, "p": float(ps[2])}


@probe("set_dropout", cases=1)
def changes_nothing_else(s, ps, p):
    model = nested_model(ps).eval()
    model.inner.train()
    s.set_dropout(model, p)
    modes = [module.training for module in model.modules()]
    others = [hasattr(module, "p") for module in (model, model.inner, model.inner[0], model.list)]
    return {
        "p_of_the_pooling_layer": model.pool.p,
        "training": np.array(modes),
        "a_layer_without_p_has_one_now": fact(any(others)),
    }


@changes_nothing_else.inputs
def _(rng):
    return {"ps": rng.uniform(0.1, 0.4, 6), "p": 0.6}


def counting_model(first, second, mean, var):
    """A network whose dropout layers, in training, multiply by other numbers at each call, always the same.

    Batch normalization is in it, and a layer that is louder in training."""
    from torch import nn

    def counting(kind, step):
        class Counting(kind):
            calls = 0

            def forward(self, x):
                if not self.training:
                    return x
                self.calls += 1
                return x * (0.5 + step * self.calls)

        return Counting(0.5)

    class Louder(nn.Module):
        def forward(self, x):
            return 1.5 * x if self.training else x

    def linear(weight):
        layer = nn.Linear(*weight.shape[::-1], bias=False).double()
        layer.weight.data = tensor(weight).clone()
        return layer

    norm = nn.BatchNorm1d(len(mean)).double()
    norm.running_mean, norm.running_var = tensor(mean).clone(), tensor(var).clone()
    body = nn.Sequential(norm, counting(nn.Dropout, 0.6), nn.Tanh(), counting(nn.Dropout2d, 0.3))
    return nn.Sequential(linear(first), body, Louder(), counting(nn.Dropout, 0.2), linear(second))


def model_inputs(rng):
    return {
        "x": rng.normal(size=(5, 4)),
        "passes": int(rng.integers(3, 6)),
        "first": rng.normal(size=(6, 4)),
        "second": 0.7 * rng.normal(size=(3, 6)),
        "mean": rng.normal(size=6),
        "var": rng.uniform(0.5, 2, 6),
    }


def predicted(s, net, x, passes):
    """What mc_predict returns; a switch for gradients that it left off is put back."""
    import torch

    with torch.enable_grad():
        return s.mc_predict(net, tensor(x), passes)


def predictions(s, x, passes, model):
    """What comes out for a model that was in training before, and for one that was in evaluation."""
    nets = {"training": counting_model(**model).train(), "evaluation": counting_model(**model).eval()}
    return {mode: predicted(s, net, x, passes) for mode, net in nets.items()}


@probe("mc_predict")
def averages_the_probabilities_of_the_passes(s, x, passes, **model):
    found = predictions(s, x, passes, model)
    return {f"mean_of_a_model_in_{mode}": mean for mode, (mean, _std) in found.items()}


@averages_the_probabilities_of_the_passes.inputs
def _(rng):
    return model_inputs(rng)


@probe("mc_predict")
def measures_how_far_the_passes_differ(s, x, passes, **model):
    found = predictions(s, x, passes, model)
    return {f"std_of_a_model_in_{mode}": std for mode, (_mean, std) in found.items()}


@measures_how_far_the_passes_differ.inputs
def _(rng):
    return model_inputs(rng)


@probe("mc_predict", cases=2)
def leaves_the_running_statistics_alone(s, x, passes, **model):
    net = counting_model(**model)
    predicted(s, net, x, passes)
    return {"running_mean": net[1][0].running_mean, "running_var": net[1][0].running_var}


@leaves_the_running_statistics_alone.inputs
def _(rng):
    return model_inputs(rng)


def modes_after(s, net, x, passes):
    predicted(s, net, x, passes)
    return np.array([module.training for module in net.modules()])


@probe("mc_predict", cases=1)
def puts_every_mode_back(s, x, passes, **model):
    training, evaluating, mixed = (counting_model(**model) for _ in range(3))
    training.train()
    evaluating.eval()
    mixed.train()
    mixed[1][0].eval()
    mixed[1][3].eval()
    return {
        "modes_of_a_model_in_training": modes_after(s, training, x, passes),
        "modes_of_a_model_in_evaluation": modes_after(s, evaluating, x, passes),
        "modes_of_a_model_with_frozen_parts": modes_after(s, mixed, x, passes),
    }


@puts_every_mode_back.inputs
def _(rng):
    return model_inputs(rng)


@probe("mc_predict", cases=1)
def remembers_no_graph(s, x, passes, **model):
    mean, std = predicted(s, counting_model(**model), x, passes)
    return {f"{n}_requires_a_gradient": fact(t.requires_grad) for n, t in (("mean", mean), ("std", std))}


@remembers_no_graph.inputs
def _(rng):
    return model_inputs(rng)


@probe("mc_predict", cases=1)
def leaves_gradients_and_seed_as_they_were(s, x, passes, **model):
    import torch

    net = counting_model(**model)
    with torch.enable_grad():
        same_seed = seed_survives(lambda: s.mc_predict(net, tensor(x), passes))
        switched_on = torch.is_grad_enabled()
    return {
        "gradients_are_on_afterwards": fact(switched_on),
        "all_weights_still_want_gradients": fact(all(w.requires_grad for w in net.parameters())),
        "the_seed_is_the_same_afterwards": same_seed,
    }


@leaves_gradients_and_seed_as_they_were.inputs
def _(rng):
    return model_inputs(rng)


@probe("mc_predict", cases=1, hidden=True)
def works_for_one_example_alone(s, x, passes, **model):
    mean, std = predicted(s, counting_model(**model), x[:1], passes)
    return {"mean": mean, "std": std}


@works_for_one_example_alone.inputs
def _(rng):
    return model_inputs(rng)
