import numpy as np
from autograder import probe


def tensor(array):
    """A tensor that shares the array's memory, so that a change in place is seen."""
    import torch

    return torch.as_tensor(array)


def factors(y, x):
    """The least and the greatest y / x where y is not zero: what survivors are scaled by."""
    ratio = (y / x)[y != 0].detach()
    if ratio.numel() == 0:
        ratio = ratio.new_zeros(1)
    return {"least_factor": ratio.min(), "greatest_factor": ratio.max()}


def fact(value):
    return np.array(bool(value))


@probe("apply_dropout")
def drops_where_u_is_below_p(s, x, u, p):
    return {"kept": s.apply_dropout(tensor(x), tensor(u), p, True) != 0}


@probe("apply_dropout")
def divides_the_survivors_by_the_probability_of_keeping(s, x, u, p):
    return factors(s.apply_dropout(tensor(x), tensor(u), p, True), tensor(x))


@probe("apply_dropout", cases=2)
def leaves_everything_alone_in_evaluation(s, x, u, p):
    y = s.apply_dropout(tensor(x), tensor(u), p, False)
    return {"anything_is_dropped": fact((y == 0).any()), **factors(y, tensor(x))}


@probe("apply_dropout", cases=2)
def lets_the_gradient_through_the_survivors(s, x, u, p, dout):
    leaf = tensor(x).clone().requires_grad_(True)
    y = s.apply_dropout(leaf, tensor(u), p, True)
    y.backward(tensor(dout))
    same = ((leaf.grad != 0) == (y != 0)).all()
    return {"gradient_reaches_survivors_only": fact(same), **factors(leaf.grad, tensor(dout))}


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


@probe("apply_dropout", cases=1)
def works_with_one_number_per_channel(s, x, u, p):
    y = s.apply_dropout(tensor(x), tensor(u), p, True)
    kept = y != 0
    whole = (kept.all(dim=3) == kept.any(dim=3)).all() and (kept.all(dim=2) == kept.any(dim=2)).all()
    return {"shape": np.array(y.shape), "channels_are_dropped_as_a_whole": fact(whole)}


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


@probe("apply_dropout", cases=1)
def stays_on_the_device_of_its_input(s, shape, p):
    import torch

    return stays_on_device(lambda x: s.apply_dropout(x, torch.empty_like(x), p, True), shape)


def shares(layer, shape, calls):
    """The share of zeros and the share of the rest, over many calls."""
    import torch

    x = torch.ones(*shape)
    zeros = sum((layer(x) == 0).double().mean() for _ in range(calls)) / calls
    return {"share_of_zeros": zeros, "share_of_the_rest": 1 - zeros}


@probe("Dropout")
def scales_what_it_keeps(s, x, p):
    return factors(s.Dropout(p)(tensor(x)), tensor(x))


@probe("Dropout", cases=2, rtol=0.15)
def drops_its_share(s, p, shape, calls):
    return shares(s.Dropout(p), shape, calls)


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


@probe("Dropout", cases=2)
def decides_for_every_number_by_itself(s, shape, p):
    kept = kept_by(s.Dropout(p), shape)
    return {
        "examples_are_kept_or_lost_as_a_whole": fact((kept.all(dim=1) | ~kept.any(dim=1)).all()),
        "all_examples_lose_the_same_units": fact((kept == kept[:1]).all()),
    }


@probe("Dropout", cases=2)
def takes_batches_of_any_size(s, x, p):
    layer = s.Dropout(p)
    sizes = (len(x), 3, 1)
    return {f"shape_of_{n}": np.array(layer(tensor(x[:n])).shape) for n in sizes}


def evaluation(layer, x):
    """What a layer does in evaluation, in facts that do not hang on chance if it drops."""
    y = layer.eval()(tensor(x))
    return {"anything_is_dropped": fact((y == 0).any()), **factors(y, tensor(x))}


@probe("Dropout", cases=2)
def is_the_identity_in_evaluation(s, x, p):
    layer = s.Dropout(p)
    layer(tensor(x))
    return evaluation(layer, x)


@probe("Dropout", cases=2)
def sends_the_gradient_the_way_of_the_values(s, x, p, dout):
    leaf = tensor(x).clone().requires_grad_(True)
    y = s.Dropout(p)(leaf)
    y.backward(tensor(dout))
    same = ((leaf.grad != 0) == (y != 0)).all()
    return {"gradient_reaches_survivors_only": fact(same), **factors(leaf.grad, tensor(dout))}


def refuses(make, p):
    try:
        make(p)
    except ValueError:
        return fact(True)
    return fact(False)


@probe("Dropout", cases=1)
def refuses_a_p_that_is_no_probability(s, outside, inside):
    return {f"p_{p}_is_refused": refuses(s.Dropout, p) for p in (*outside, *inside)}


@probe("Dropout", cases=1)
def reads_p_at_every_call(s, x, first, second):
    layer = s.Dropout(first)
    layer(tensor(x))
    layer.p = second
    found = factors(layer(tensor(x)), tensor(x))
    layer.p = 0.0
    return {**found, "anything_is_dropped_for_p_0": fact((layer(tensor(x)) == 0).any())}


@probe("Dropout", cases=1)
def takes_p_0_and_p_1(s, x):
    return {f"y_for_p_{p}": s.Dropout(p)(tensor(x)) + 0 for p in (0, 1)}


@probe("Dropout", cases=1)
def keeps_the_type_it_is_given(s, p):
    return types_kept(s.Dropout(p))


@probe("Dropout", cases=1)
def draws_on_the_device_of_its_input(s, shape, p):
    return stays_on_device(s.Dropout(p), shape)


@probe("DropoutFunction")
def keeps_where_u_is_not_below_p(s, x, u, p):
    return {"kept": s.DropoutFunction.apply(tensor(x), tensor(u), p) != 0}


@probe("DropoutFunction")
def scales_the_survivors(s, x, u, p):
    return factors(s.DropoutFunction.apply(tensor(x), tensor(u), p), tensor(x))


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


@probe("DropoutFunction")
def scales_the_gradient_as_the_values(s, x, u, p, dout):
    _y, dx = function_gradient(s, x, u, p, dout)
    return factors(dx, tensor(dout))


@probe("DropoutFunction", cases=2)
def sends_the_gradient_to_inputs_that_are_zero(s, x, u, p, dout):
    _y, dx = function_gradient(s, x, u, p, dout)
    return {"gradient_reaches_every_zero_that_was_kept": fact((dx != 0)[tensor(x) == 0].all())}


@probe("DropoutFunction", cases=1)
def survives_p_0_and_p_1(s, x, u, dout):
    found = {}
    for p in (0, 1):
        y, dx = function_gradient(s, x, u, p, dout)
        found |= {f"y_for_p_{p}": y + 0, f"dx_for_p_{p}": dx + 0}
    return found


@probe("DropoutFunction", cases=1)
def works_with_numbers_of_16_bits(s, p):
    import torch

    return types_kept(lambda x: s.DropoutFunction.apply(x, torch.ones(x.shape), p))


@probe("SpatialDropout", cases=2)
def scales_the_channels_it_keeps(s, x, p):
    return factors(s.SpatialDropout(p)(tensor(x)), tensor(x))


@probe("SpatialDropout", cases=2, rtol=0.15)
def drops_its_share_of_the_channels(s, p, shape, calls):
    return shares(s.SpatialDropout(p), shape, calls)


@probe("SpatialDropout")
def drops_whole_channels_of_single_images(s, shape, p):
    kept = kept_by(s.SpatialDropout(p), shape)
    names = ("images", "channels", "rows", "columns")
    same = [(kept == kept.narrow(axis, 0, 1)).all() for axis in range(4)]
    return {f"all_{name}_share_their_fate": fact(v) for name, v in zip(names, same, strict=True)}


@probe("SpatialDropout", cases=2)
def draws_anew_for_every_batch(s, shape, p):
    layer = s.SpatialDropout(p)
    first, second, other = kept_by(layer, shape), kept_by(layer, shape), kept_by(s.SpatialDropout(p), shape)
    return {
        "a_second_call_drops_the_same_channels": fact((first == second).all()),
        "another_layer_drops_the_same_channels": fact((first == other).all()),
        "shape_of_a_smaller_batch": np.array(kept_by(layer, [5, *shape[1:]]).shape),
    }


@probe("SpatialDropout", cases=2)
def leaves_images_alone_in_evaluation(s, x, p):
    return evaluation(s.SpatialDropout(p), x)


@probe("SpatialDropout", cases=1)
def sends_the_gradient_through_the_channels_it_keeps(s, x, p, dout):
    leaf = tensor(x).clone().requires_grad_(True)
    y = s.SpatialDropout(p)(leaf)
    y.backward(tensor(dout))
    same = ((leaf.grad != 0) == (y != 0)).all()
    return {"gradient_reaches_survivors_only": fact(same), **factors(leaf.grad, tensor(dout))}


@probe("SpatialDropout", cases=1)
def runs_on_any_device_and_type(s, shape, p):
    layer = s.SpatialDropout(p)
    return {**stays_on_device(layer, shape), **types_kept(layer)}


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
    model = nested_model(ps)
    s.set_dropout(model, p)
    deep = [model.inner[1], *model.inner[2], model.list[0]]
    return {"p_of_the_layers": np.array([float(layer.p) for layer in (model.first, model.second, *deep)])}


@probe("set_dropout", cases=2)
def returns_how_many_there_are(s, ps, p):
    from torch import nn

    return {
        "number_in_a_deep_model": s.set_dropout(nested_model(ps), p),
        "number_where_there_is_none": s.set_dropout(nn.Linear(2, 3), p),
    }


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


def predictions(s, x, passes, model):
    """What comes out for a model that was in training before, and for one that was in evaluation."""
    nets = {"training": counting_model(**model).train(), "evaluation": counting_model(**model).eval()}
    return {mode: s.mc_predict(net, tensor(x), passes) for mode, net in nets.items()}


@probe("mc_predict")
def averages_the_probabilities_of_the_passes(s, x, passes, **model):
    found = predictions(s, x, passes, model)
    return {f"mean_of_a_model_in_{mode}": mean for mode, (mean, _std) in found.items()}


@probe("mc_predict")
def measures_how_far_the_passes_differ(s, x, passes, **model):
    found = predictions(s, x, passes, model)
    return {f"std_of_a_model_in_{mode}": std for mode, (_mean, std) in found.items()}


@probe("mc_predict", cases=2)
def leaves_the_running_statistics_alone(s, x, passes, **model):
    net = counting_model(**model)
    s.mc_predict(net, tensor(x), passes)
    return {"running_mean": net[1][0].running_mean, "running_var": net[1][0].running_var}


def modes_after(s, net, x, passes):
    s.mc_predict(net, tensor(x), passes)
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


@probe("mc_predict", cases=1)
def remembers_no_graph(s, x, passes, **model):
    mean, std = s.mc_predict(counting_model(**model), tensor(x), passes)
    return {f"{n}_requires_a_gradient": fact(t.requires_grad) for n, t in (("mean", mean), ("std", std))}
