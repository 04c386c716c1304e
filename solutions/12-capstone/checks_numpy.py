"""What the checks ask of capstone_numpy, and the inputs they ask it on.

Inputs: images that are not square, strides that leave a remainder, filters of several sizes; accuracies far
from a half, at 0 and at 1; more images won than lost, and the reverse; accuracies of tricks that interact, so
that each order has its own ladder; members that are good together, not alone; each axis of another length."""

import itertools

import numpy as np

from autograder import probe


def came(found):
    kinds = {type(None): "None", np.ndarray: "an array", dict: "a dict", list: "a list", tuple: "a tuple"}
    kind = kinds.get(type(found), f"a {type(found).__name__}")
    return kind + (f" of length {len(found)}" if isinstance(found, (list, tuple)) else "")


def number(found, name):
    """One number, of any kind: whole ones may come as floats. Its precision stays."""
    value = np.asarray(found)
    if found is None or value.size != 1 or value.dtype.kind not in "biuf":
        raise TypeError(f"{name}: one number was expected, and {came(found)} came")
    return value.reshape(()) if value.dtype.kind == "f" else np.array(float(value.reshape(())))


def several(found, *names):
    """Results by name; where there are not as many, an error that says what came."""
    listed = isinstance(found, (tuple, list)) or (isinstance(found, np.ndarray) and found.ndim)
    if not listed or len(found) != len(names):
        count = {2: "two", 3: "three", 4: "four"}[len(names)]
        raise TypeError(f"{count} things were expected ({', '.join(names)}), and {came(found)} came")
    return dict(zip(names, found, strict=True))


def numbers(found, *names):
    return {name: number(value, name) for name, value in several(found, *names).items()}


def an_image(rng):
    """Neither square, nor a multiple of the other side."""
    height = int(rng.integers(9, 14))
    return {"height": height, "width": height + int(rng.integers(3, 7))}


def costs_of(found):
    """The size first: where it is wrong the multiplications are, too."""
    by_name = numbers(found, "parameters", "multiplications", "height", "width")
    return {name: by_name[name] for name in ("height", "width", "parameters", "multiplications")}


@probe("conv_cost", cases=2)
def counts_a_convolution(s, c_in, c_out, k, height, width, stride, pad, bias):
    return costs_of(s.conv_cost(c_in, c_out, k, height, width, stride, pad, bias))


@counts_a_convolution.inputs
def _(rng):
    """Steps of 3 that leave a remainder of one row, and of two columns; far wider than high."""
    k, steps = int(rng.choice([4, 5])), int(rng.integers(4, 7))
    sizes = {"height": 3 * steps + 1 + k - 8, "width": 3 * (steps + 5) + 2 + k - 8}
    channels = {"c_in": int(rng.integers(6, 9)), "c_out": 11}
    return {**channels, "k": k, **sizes, "stride": 3, "pad": 4, "bias": True}


@probe("conv_cost", cases=1)
def counts_one_without_a_bias(s, c_in, c_out, k, height, width, stride, pad, bias):
    return {
        **costs_of(s.conv_cost(c_in, c_out, k, height, width, stride, pad, False)),
        "parameters_with_a_bias": number(
            s.conv_cost(c_in, c_out, k, height, width, stride, pad, bias)[0], "parameters"
        ),
    }


@counts_one_without_a_bias.inputs
def _(rng):
    return {
        "c_in": 5,
        "c_out": int(rng.integers(7, 10)),
        "k": 6,
        **an_image(rng),
        "stride": 2,
        "pad": 1,
        "bias": True,
    }


@probe("conv_cost", cases=1)
def has_a_stride_of_1_no_padding_and_a_bias_by_default(s, c_in, c_out, k, height, width):
    return costs_of(s.conv_cost(c_in, c_out, k, height, width))


@has_a_stride_of_1_no_padding_and_a_bias_by_default.inputs
def _(rng):
    return {"c_in": int(rng.integers(3, 6)), "c_out": int(rng.integers(7, 10)), "k": 3, **an_image(rng)}


@probe("conv_cost", cases=1, hidden=True)
def counts_filters_of_one_pixel_and_of_the_whole_image(s, c_in, c_out, height, width):
    one = costs_of(s.conv_cost(c_in, c_out, 1, height, width, 2, 0, False))
    whole = costs_of(s.conv_cost(c_in, c_out, height, height, width, 3, 0, True))
    return {**one, **{f"{name}_of_the_whole": value for name, value in whole.items()}}


@counts_filters_of_one_pixel_and_of_the_whole_image.inputs
def _(rng):
    return {"c_in": int(rng.integers(3, 6)), "c_out": int(rng.integers(7, 10)), **an_image(rng)}


def cost(s, layers, shape):
    return numbers(s.network_cost(layers, shape), "parameters", "multiplications")


def some_channels(rng, n):
    """Different ones, in no order."""
    return [int(c) for c in rng.permutation([5, 7, 8, 9, 11])[:n]]


@probe("network_cost", cases=2)
def adds_up_the_layers(s, layers, shape):
    return cost(s, layers, shape)


@adds_up_the_layers.inputs
def _(rng):
    """A pool that cuts off a remainder, a stride, a bias here and none there, two linear layers."""
    a, b, c = some_channels(rng, 3)
    layers = [("conv", a, 3, 1, 1, False), ("batch norm",), ("relu",), ("pool", 2)]
    layers += [("conv", b, 5, 2, 1, True), ("relu",), ("batch norm",), ("pool", 3)]
    layers += [("linear", 4 * c), ("relu",), ("batch norm",), ("linear", 6)]
    return {"layers": layers, "shape": (3, int(rng.integers(30, 34)), int(rng.integers(38, 42)))}


@probe("network_cost", cases=1)
def counts_convolutions_alone(s, layers, shape):
    return cost(s, layers, shape)


@counts_convolutions_alone.inputs
def _(rng):
    a, b, c = some_channels(rng, 3)
    layers = [("conv", a, 3, 2, 0, True), ("conv", b, 2, 3, 2, False), ("conv", c, 4, 1, 1, True)]
    return {"layers": layers, "shape": (4, 31, int(rng.integers(36, 40)))}


@probe("network_cost", cases=1)
def counts_linear_layers_alone(s, layers, shape):
    return cost(s, layers, shape)


@counts_linear_layers_alone.inputs
def _(rng):
    a, b = some_channels(rng, 2)
    return {"layers": [("linear", 3 * a), ("relu",), ("linear", b), ("linear", 4)], "shape": (2, 3, 5)}


@probe("network_cost", cases=1)
def follows_the_shape_through_pools(s, layers, shape):
    return cost(s, layers, shape)


@follows_the_shape_through_pools.inputs
def _(rng):
    """Batch norm sees 3x5 pixels: neither side is one of its counts per channel."""
    a, b = some_channels(rng, 2)
    layers = [
        ("pool", 2),
        ("conv", a, 3, 1, 0, True),
        ("pool", 3),
        ("pool", 2),
        ("batch norm",),
        ("linear", b),
    ]
    return {"layers": layers, "shape": (6, int(rng.integers(49, 52)), 69)}


def interval(s, correct, *z):
    """Both ends in one array: where one of them is 0 its rounding error has no measure of its own."""
    found = numbers(s.accuracy_interval(correct, *z), "accuracy", "low", "high")
    return {"accuracy": found["accuracy"], "low_and_high": np.array([found["low"], found["high"]])}


def right_or_wrong(rng, N, right):
    """Exactly so many right ones, anywhere."""
    return rng.permutation(np.arange(N) < right)


@probe("accuracy_interval", cases=2)
def holds_the_accuracies_within_z_errors(s, correct, z):
    return interval(s, correct, z)


@holds_the_accuracies_within_z_errors.inputs
def _(rng):
    N = int(rng.integers(31, 40))
    right = round(N * float(rng.choice([0.15, 0.8, 0.9])))
    return {"correct": right_or_wrong(rng, N, right), "z": float(rng.uniform(1.2, 1.7))}


@probe("accuracy_interval", cases=1)
def takes_196_errors_by_default(s, correct):
    return interval(s, correct)


@takes_196_errors_by_default.inputs
def _(rng):
    return {"correct": right_or_wrong(rng, 43, int(rng.integers(30, 37)))}


@probe("accuracy_interval", cases=1)
def has_a_width_where_all_are_right_or_wrong(s, correct, z):
    found = {f"{k}_all_right": v for k, v in interval(s, correct | True, z).items()}
    found |= {f"{k}_all_wrong": v for k, v in interval(s, correct & False, z).items()}
    one_wrong = np.arange(len(correct)) > 0
    found |= {f"{k}_one_wrong": v for k, v in interval(s, one_wrong, z).items()}
    return {**found, **interval(s, correct, z)}


@has_a_width_where_all_are_right_or_wrong.inputs
def _(rng):
    return {"correct": right_or_wrong(rng, 17, int(rng.integers(3, 6))), "z": float(rng.uniform(2.2, 2.8))}


def gain(s, before, after):
    """In single precision, too: booleans have none to lose, and N - 1 for N changes a percent."""
    return numbers(s.paired_gain(before, after), "gain", "error")


def two_networks(rng, N, won, lost, both):
    """So many images won, lost, and right in both; the others are wrong in both."""
    kind = rng.permutation(np.repeat([0, 1, 2, 3], [won, lost, both, N - won - lost - both]))
    return {"before": (kind == 1) | (kind == 2), "after": (kind == 0) | (kind == 2)}


@probe("paired_gain", cases=2, rtol=1e-5)
def compares_image_by_image(s, before, after):
    return gain(s, before, after)


@compares_image_by_image.inputs
def _(rng):
    return two_networks(rng, 37 + int(rng.integers(5)), 7 + int(rng.integers(3)), 2, 20)


@probe("paired_gain", cases=1, rtol=1e-5)
def says_a_loss_too(s, before, after):
    return gain(s, before, after)


@says_a_loss_too.inputs
def _(rng):
    return two_networks(rng, 29, 3, 8 + int(rng.integers(3)), 11)


@probe("paired_gain", cases=1, hidden=True, rtol=1e-5)
def compares_a_few_images(s, before, after):
    return gain(s, before, after)


@compares_a_few_images.inputs
def _(rng):
    return two_networks(rng, 11, 4, 1, int(rng.integers(2, 5)))


@probe("seed_gains", cases=2, rtol=1e-5)
def pairs_the_rungs_by_seed(s, accuracies):
    return several(s.seed_gains(accuracies), "gains", "errors")


@pairs_the_rungs_by_seed.inputs
def _(rng):
    """Seeds that are lucky on every rung, and rungs that do not all gain."""
    luck, steps = rng.normal(0, 4, 3), np.array([[60.0], [67], [66], [74], [81]])
    return {"accuracies": steps + luck + rng.normal(0, 1, (5, 3))}


@probe("seed_gains", cases=1, hidden=True, rtol=1e-5)
def compares_two_rungs(s, accuracies):
    return several(s.seed_gains(accuracies), "gains", "errors")


@compares_two_rungs.inputs
def _(rng):
    return {"accuracies": np.array([[0.61], [0.68]]) + rng.normal(0, 0.04, (2, 7))}


@probe("seed_gains", cases=1, rtol=1e-5)
def takes_whole_percent(s, accuracies):
    return several(s.seed_gains(accuracies), "gains", "errors")


@takes_whole_percent.inputs
def _(rng):
    rows = np.array([[61], [70], [68], [79]]) + np.array([0, 4, 9, 1, 7, 2]) + rng.integers(0, 4, (4, 6))
    return {"accuracies": rows}


class Measure:
    """An accuracy for each set of names, and how often each was asked for."""

    def __init__(self, names, values):
        sets = (s for n in range(len(names) + 1) for s in itertools.combinations(names, n))
        self.values = dict(zip(map(frozenset, sets), map(float, values), strict=True))
        self.asked = []

    def __call__(self, tricks):
        if not isinstance(tricks, (set, frozenset)):
            raise TypeError(f"measure takes a frozenset of names, and {came(tricks)} came")
        unknown = sorted(str(t) for t in frozenset(tricks).difference(*self.values))
        if unknown:
            said = "frozenset('crop') holds the letters of the name, frozenset(['crop']) holds the name"
            raise ValueError(f"measure was asked for {', '.join(unknown)}, and no trick is called so: {said}")
        self.asked.append(frozenset(tricks))
        return self.values[self.asked[-1]]

    def trained(self):
        """How many sets were measured, and how many of these measurements were not needed."""
        different = len(set(self.asked))
        return {"sets_trained": np.array(different), "trained_again": np.array(len(self.asked) - different)}


def by_name(found, names):
    """The numbers of a dict in the order of the names, which may be another one than the dict's."""
    if not isinstance(found, dict):
        raise TypeError(f"a dict was expected, name -> gain, and {came(found)} came")
    if found.keys() != set(names):
        raise ValueError(f"the dict has the names {sorted(map(str, found))}, expected {sorted(names)}")
    return np.array([number(found[name], name) for name in names])


def shared(f, names, values, listed):
    """What f says of these names, in the order in which it is handed them, whatever it does to the list."""
    order = list(listed)
    return {"gains": by_name(f(Measure(names, values), listed), order)}


def trained(f, names, values):
    measure, order = Measure(names, values), list(names)
    by_name(f(measure, names), order)
    return measure.trained()


def a_game(rng, *names):
    """Accuracies in points: no order has the ladder of another, and not every trick helps the others."""
    names = [str(n) for n in rng.permutation(names)]
    sizes = np.array([bin(k).count("1") for k in range(2 ** len(names))])
    values = 60 + 4 * np.sort(sizes) + rng.permutation(np.linspace(-3, 3, len(sizes)))
    values += rng.normal(0, 0.1, len(sizes))
    one_less = np.sort(values[-1 - len(names) : -1])
    values[-1 - len(names) :] = [*one_less, 0.4 * one_less[-1] + 0.6 * one_less[0]]
    return {"names": names, "values": values}


@probe("ladder_gains", cases=2)
def adds_one_trick_after_another(s, names, values, order):
    return shared(s.ladder_gains, names, values, order)


@adds_one_trick_after_another.inputs
def _(rng):
    game = a_game(rng, "noise", "flip", "batch norm", "crop")
    return {**game, "order": [str(n) for n in rng.permutation(game["names"])]}


@probe("ladder_gains", cases=1)
def minds_the_order(s, names, values):
    backwards = names[::-1]
    one = shared(s.ladder_gains, names, values, names)
    other = shared(s.ladder_gains, backwards[::-1], values, backwards)
    return {**one, **{f"{k}_reversed": v for k, v in other.items()}}


@minds_the_order.inputs
def _(rng):
    return a_game(rng, "wide", "deep", "dropout")


@probe("ladder_gains", cases=1)
def trains_each_rung_once(s, names, values):
    return trained(s.ladder_gains, names, values)


@trains_each_rung_once.inputs
def _(rng):
    return a_game(rng, "wide", "deep", "dropout")


@probe("losses_without", cases=2)
def leaves_one_out_of_all(s, names, values):
    return shared(s.losses_without, names, values, names)


@leaves_one_out_of_all.inputs
def _(rng):
    return a_game(rng, "noise", "flip", "batch norm", "crop")


@probe("losses_without", cases=1)
def leaves_one_of_three_out(s, names, values):
    return shared(s.losses_without, names, values, names)


@leaves_one_of_three_out.inputs
def _(rng):
    return a_game(rng, "wide", "deep", "dropout")


@probe("losses_without", cases=1)
def trains_the_network_with_all_tricks_once(s, names, values):
    return trained(s.losses_without, names, values)


@trains_the_network_with_all_tricks_once.inputs
def _(rng):
    return a_game(rng, "wide", "deep", "dropout")


@probe("shapley_gains", cases=2)
def averages_over_all_orders(s, names, values):
    return shared(s.shapley_gains, names, values, names)


@averages_over_all_orders.inputs
def _(rng):
    return a_game(rng, "noise", "flip", "batch norm", "crop")


@probe("shapley_gains", cases=1)
def shares_among_three(s, names, values):
    return shared(s.shapley_gains, names, values, names)


@shares_among_three.inputs
def _(rng):
    return a_game(rng, "wide", "deep", "dropout")


@probe("shapley_gains", cases=1, hidden=True)
def shares_between_two_and_among_five(s, names, values, pair, pair_values):
    five = shared(s.shapley_gains, names, values, names)
    two = shared(s.shapley_gains, pair, pair_values, pair)
    return {**five, **{f"{k}_of_two": v for k, v in two.items()}}


@shares_between_two_and_among_five.inputs
def _(rng):
    two = a_game(rng, "on", "off")
    five = a_game(rng, "wide", "deep", "dropout", "flip", "crop")
    return {**five, "pair": two["names"], "pair_values": two["values"]}


@probe("shapley_gains", cases=1)
def trains_each_set_once(s, names, values):
    return trained(s.shapley_gains, names, values)


@trains_each_set_once.inputs
def _(rng):
    return a_game(rng, "wide", "deep", "dropout")


def members(found):
    """Their numbers, of any whole kind."""
    if not isinstance(found, (list, tuple, np.ndarray)):
        raise TypeError(f"a list of members was expected, and {came(found)} came")
    chosen = np.asarray(found)
    if chosen.size == 0:
        return np.zeros(0, dtype=int)
    if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
        raise TypeError(f"a list of whole numbers was expected, and one like {found[0]!r} came")
    return chosen.astype(int)


def chosen(s, probabilities, y, costs, budget):
    return {"members": members(s.choose_members(probabilities, y, costs, budget))}


def opinions(rng, M, N, K):
    """Probabilities of members that err on images of their own; some are too sure, and some are not."""
    y = rng.integers(K, size=N)
    z = 5 * np.eye(K)[y] + rng.normal(0, 5, (M, N, K))
    p = np.exp(rng.uniform(0.6, 1.3, (M, 1, 1)) * z)
    return {"probabilities": p / p.sum(axis=2, keepdims=True), "y": y}


@probe("choose_members", cases=4)
def adds_the_best_for_the_mean_while_it_fits(s, probabilities, y, costs, budget):
    return chosen(s, probabilities, y, costs, budget)


@adds_the_best_for_the_mean_while_it_fits.inputs
def _(rng):
    """Some of the members cost half of the budget."""
    costs = rng.permutation([2, 3, 4, 8, 11, 12, 13])
    return {**opinions(rng, 7, 61, 4), "costs": costs, "budget": int(rng.integers(15, 18))}


@probe("choose_members", cases=4)
def stops_where_none_helps(s, probabilities, y, costs, budget):
    return chosen(s, probabilities, y, costs, budget)


@stops_where_none_helps.inputs
def _(rng):
    """The budget is enough for all; half of the members are bad, and all together are worse than one."""
    asked = opinions(rng, 10, 83, 5)
    asked["probabilities"] = (asked["probabilities"] + 0.6 * np.eye(5)[asked["y"]]) / 1.6
    bad = rng.permutation(10)[:5]
    asked["probabilities"][bad] = rng.dirichlet(np.full(5, 0.3), (5, 83)) * 0.99 + 0.002
    return {**asked, "costs": rng.uniform(1, 2, 10), "budget": 30.0}


@probe("choose_members", cases=2)
def passes_over_what_does_not_fit(s, probabilities, y, costs, budget):
    return chosen(s, probabilities, y, costs, budget)


@passes_over_what_does_not_fit.inputs
def _(rng):
    """Two are chosen, and the one that would be the best third costs too much."""
    asked = opinions(rng, 6, 47, 3)
    own = asked["probabilities"][:, np.arange(47), asked["y"]]
    order = []
    while len(order) < 3:
        rivals = np.log(own[order].sum(axis=0) + own).mean(axis=1)
        rivals[order] = -np.inf
        order.append(int(rivals.argmax()))
    costs = rng.permutation([4.0, 5.0, 6.0, 6.5, 7.0, 7.5]) / 8
    costs[order] = [*rng.permutation([2, 3]) / 8, 40.0]
    return {**asked, "costs": costs, "budget": 1.375}


@probe("choose_members", cases=2)
def takes_none_twice_and_none_where_none_fits(s, probabilities, y, costs, tight):
    """Of a member and its copy only one fits; where both do a copy changes nothing, and powers of two leave
    no rounding error that could. One that is surely wrong is better than none. Of three the best alone stays
    alone, though the two others are better together."""
    coins = np.full((2, 8, 2), 0.5)
    nearly_0 = np.array([[[1e-44, 1 - 1e-44]]])
    own = np.array([[0.6, 0.6], [0.99, 0.3], [0.31, 0.98]])
    three = np.stack([own, 1 - own], axis=2)
    asked = {
        "a_tiny_budget": (probabilities, y, costs, tight),
        "a_copy": (probabilities[[0, 0]], y, costs[[0, 0]], 1.5 * costs[0]),
        "a_copy_that_fits": (coins, y[:8] % 2, costs[:2], costs.sum()),
        "two_that_are_better_together": (three, 0 * y[:2], costs[:3], costs.sum()),
        "a_budget_met_exactly": (probabilities[:1], y, costs[:1], costs[0]),
        "a_loss_of_101": (nearly_0, 0 * y[:1], costs[:1], costs.sum()),
    }
    found = {f"members_with_{name}": chosen(s, *case)["members"] for name, case in asked.items()}
    return {**found, **chosen(s, probabilities, y, costs, costs.sum())}


@takes_none_twice_and_none_where_none_fits.inputs
def _(rng):
    """Many images and many members, most of which help."""
    return {**opinions(rng, 9, 150, 3), "costs": rng.permutation(np.arange(3, 12)) / 8, "tight": 0.25}


def stored(s, w):
    """Of a channel of zeros the scale may be any finite number."""
    with np.errstate(invalid="raise", divide="raise"):
        found = several(s.quantize(w), "q", "scale")
    q, scale = np.asarray(found["q"]), np.asarray(found["scale"])
    used = np.abs(w).reshape(len(w), -1).max(axis=1) > 0
    return {
        "q": found["q"],
        "bytes_of_q": np.array(q.nbytes),
        "scales_that_are_not_finite": np.array((~np.isfinite(scale)).sum()),
        "scale": np.where(used, scale, 0) if scale.shape == used.shape else scale,
    }


def some_weights(rng, *shape):
    """Channels of several sizes, whose largest weight is negative here and positive there; no ties."""
    w = rng.uniform(-1, 0.8, shape) * np.exp(rng.normal(0, 1, (shape[0],) + (1,) * (len(shape) - 1)))
    w.reshape(shape[0], -1)[::2] *= -1
    return w


@probe("quantize", cases=2)
def scales_each_filter_by_itself(s, w):
    return stored(s, w)


@scales_each_filter_by_itself.inputs
def _(rng):
    return {"w": some_weights(rng, 5, 4, 3, 2)}


@probe("quantize", cases=1)
def takes_a_matrix(s, w):
    return stored(s, w)


@takes_a_matrix.inputs
def _(rng):
    """One of the channels is tiny, so that a constant that is added to its scale shows."""
    w, tiny = some_weights(rng, 6, 7), rng.integers(6)
    w[tiny] *= 2e-9 / np.abs(w[tiny]).max()
    return {"w": w}


@probe("quantize", cases=1)
def bears_a_channel_of_zeros(s, w):
    return stored(s, w)


@bears_a_channel_of_zeros.inputs
def _(rng):
    w = some_weights(rng, 4, 3, 2)
    w[rng.integers(4)] = 0
    return {"w": w}


@probe(
    "test_paired_gain",
    judges="paired_gain",
    wrong=(
        "PG-unpaired",
        "PG-covariance-added",
        "PG-errors-subtracted",
        "PG-error-after",
        "PG-ddof",
        "PG-mcnemar",
        "PG-std",
        "PG-over-N",
        "PG-variance",
        "PG-root-N-less-1",
        "PG-interval",
        "PG-only-changed",
        "PG-share-of-changed",
        "PG-disagree",
        "PG-won",
        "PG-relative",
        "PG-count",
        "PG-xor",
        "PG-unsigned",
    ),
)
def accepts_a_right_comparison_and_rejects_wrong_ones(s, implementation):
    s.test_paired_gain(implementation)
    return {"accepts": np.array(True)}


@accepts_a_right_comparison_and_rejects_wrong_ones.broken
def answers_overwritten(right):
    """the numbers are right, but the answers before are overwritten"""

    def wrong(before, after):
        found = right(before.copy(), after.copy())
        before[...] = after
        return found

    return wrong


@accepts_a_right_comparison_and_rejects_wrong_ones.broken
def later_answers_overwritten(right):
    """the numbers are right, but the answers after are overwritten"""

    def wrong(before, after):
        found = right(before.copy(), after.copy())
        after[...] = before
        return found

    return wrong


@accepts_a_right_comparison_and_rejects_wrong_ones.broken
def no_losses(right):
    """a loss is told as a gain"""

    def wrong(before, after):
        gain, error = right(before, after)
        return abs(gain), error

    return wrong


@accepts_a_right_comparison_and_rejects_wrong_ones.broken
def answers_sorted(right):
    """the answers of each network are sorted first, so that the images no longer belong together"""
    return lambda before, after: right(np.sort(before), np.sort(after))


@accepts_a_right_comparison_and_rejects_wrong_ones.broken
def error_2_percent_too_small(right):
    """the error is two percent too small"""

    def wrong(before, after):
        gain, error = right(before, after)
        return gain, 0.98 * error

    return wrong


@accepts_a_right_comparison_and_rejects_wrong_ones.broken
def a_thousand_images(right):
    """it always divides by the root of 1000"""

    def wrong(before, after):
        gain, error = right(before, after)
        return gain, error * (len(before) / 1000) ** 0.5

    return wrong


@accepts_a_right_comparison_and_rejects_wrong_ones.broken
def swapped(right):
    """before and after change places"""
    return lambda before, after: right(after, before)


@accepts_a_right_comparison_and_rejects_wrong_ones.broken
def no_error(right):
    """the error is always 0"""

    def wrong(before, after):
        return right(before, after)[0], 0.0

    return wrong


@accepts_a_right_comparison_and_rejects_wrong_ones.broken
def last_left_out(right):
    """the last image is left out"""
    return lambda before, after: right(before[:-1], after[:-1])
