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


def costs_of(found):
    """The size first: where it is wrong the multiplications are, too."""
    by_name = numbers(found, "parameters", "multiplications", "height", "width")
    return {name: by_name[name] for name in ("height", "width", "parameters", "multiplications")}


@probe("conv_cost", cases=2)
def counts_a_convolution(s, c_in, c_out, k, height, width, stride, pad, bias):
    return costs_of(s.conv_cost(c_in, c_out, k, height, width, stride, pad, bias))


@probe("conv_cost", cases=1)
def counts_one_without_a_bias(s, c_in, c_out, k, height, width, stride, pad, bias):
    return {
        **costs_of(s.conv_cost(c_in, c_out, k, height, width, stride, pad, False)),
        "parameters_with_a_bias": number(
            s.conv_cost(c_in, c_out, k, height, width, stride, pad, bias)[0], "parameters"
        ),
    }


@probe("conv_cost", cases=1)
def has_a_stride_of_1_no_padding_and_a_bias_by_default(s, c_in, c_out, k, height, width):
    return costs_of(s.conv_cost(c_in, c_out, k, height, width))


def cost(s, layers, shape):
    return numbers(s.network_cost(layers, shape), "parameters", "multiplications")


@probe("network_cost", cases=2)
def adds_up_the_layers(s, layers, shape):
    return cost(s, layers, shape)


@probe("network_cost", cases=1)
def counts_convolutions_alone(s, layers, shape):
    return cost(s, layers, shape)


@probe("network_cost", cases=1)
def counts_linear_layers_alone(s, layers, shape):
    return cost(s, layers, shape)


@probe("network_cost", cases=1)
def follows_the_shape_through_pools(s, layers, shape):
    return cost(s, layers, shape)


def interval(s, correct, *z):
    """Both ends in one array: where one of them is 0 its rounding error has no measure of its own."""
    found = numbers(s.accuracy_interval(correct, *z), "accuracy", "low", "high")
    return {"accuracy": found["accuracy"], "low_and_high": np.array([found["low"], found["high"]])}


@probe("accuracy_interval", cases=2)
def holds_the_accuracies_within_z_errors(s, correct, z):
    return interval(s, correct, z)


@probe("accuracy_interval", cases=1)
def takes_196_errors_by_default(s, correct):
    return interval(s, correct)


@probe("accuracy_interval", cases=1)
def has_a_width_where_all_are_right_or_wrong(s, correct, z):
    found = {f"{k}_all_right": v for k, v in interval(s, correct | True, z).items()}
    found |= {f"{k}_all_wrong": v for k, v in interval(s, correct & False, z).items()}
    one_wrong = np.arange(len(correct)) > 0
    found |= {f"{k}_one_wrong": v for k, v in interval(s, one_wrong, z).items()}
    return {**found, **interval(s, correct, z)}


def gain(s, before, after):
    """In single precision, too: booleans have none to lose, and N - 1 for N changes a percent."""
    return numbers(s.paired_gain(before, after), "gain", "error")


@probe("paired_gain", cases=2, rtol=1e-5)
def compares_image_by_image(s, before, after):
    return gain(s, before, after)


@probe("paired_gain", cases=1, rtol=1e-5)
def says_a_loss_too(s, before, after):
    return gain(s, before, after)


@probe("seed_gains", cases=2, rtol=1e-5)
def pairs_the_rungs_by_seed(s, accuracies):
    return several(s.seed_gains(accuracies), "gains", "errors")


@probe("seed_gains", cases=1, rtol=1e-5)
def takes_whole_percent(s, accuracies):
    return several(s.seed_gains(accuracies), "gains", "errors")


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


@probe("ladder_gains", cases=2)
def adds_one_trick_after_another(s, names, values, order):
    return shared(s.ladder_gains, names, values, order)


@probe("ladder_gains", cases=1)
def minds_the_order(s, names, values):
    backwards = names[::-1]
    one = shared(s.ladder_gains, names, values, names)
    other = shared(s.ladder_gains, backwards[::-1], values, backwards)
    return {**one, **{f"{k}_reversed": v for k, v in other.items()}}


@probe("ladder_gains", cases=1)
def trains_each_rung_once(s, names, values):
    return trained(s.ladder_gains, names, values)


@probe("losses_without", cases=2)
def leaves_one_out_of_all(s, names, values):
    return shared(s.losses_without, names, values, names)


@probe("losses_without", cases=1)
def leaves_one_of_three_out(s, names, values):
    return shared(s.losses_without, names, values, names)


@probe("losses_without", cases=1)
def trains_the_network_with_all_tricks_once(s, names, values):
    return trained(s.losses_without, names, values)


@probe("shapley_gains", cases=2)
def averages_over_all_orders(s, names, values):
    return shared(s.shapley_gains, names, values, names)


@probe("shapley_gains", cases=1)
def shares_among_three(s, names, values):
    return shared(s.shapley_gains, names, values, names)


@probe("shapley_gains", cases=1)
def trains_each_set_once(s, names, values):
    return trained(s.shapley_gains, names, values)


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


@probe("choose_members", cases=4)
def adds_the_best_for_the_mean_while_it_fits(s, probabilities, y, costs, budget):
    return chosen(s, probabilities, y, costs, budget)


@probe("choose_members", cases=4)
def stops_where_none_helps(s, probabilities, y, costs, budget):
    return chosen(s, probabilities, y, costs, budget)


@probe("choose_members", cases=2)
def passes_over_what_does_not_fit(s, probabilities, y, costs, budget):
    return chosen(s, probabilities, y, costs, budget)


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


@probe("quantize", cases=2)
def scales_each_filter_by_itself(s, w):
    return stored(s, w)


@probe("quantize", cases=1)
def takes_a_matrix(s, w):
    return stored(s, w)


@probe("quantize", cases=1)
def bears_a_channel_of_zeros(s, w):
    return stored(s, w)


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
