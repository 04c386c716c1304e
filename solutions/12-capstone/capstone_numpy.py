# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What is a gain? in NumPy
#
# A table says: "with trick X, 0.9 points more". You will write what it takes to believe it, or not.
# You will count what a network costs, and say how sure an accuracy and a difference are.
# You will share a gain out among tricks in three ways, and choose members of an ensemble within a budget.
# At the end you write the test that finds a wrong comparison.
#
# **How it works.** Replace each `raise NotImplementedError` by your code. Run the cell,
# then the check below it. A check never stops the notebook. You may check as often as you like.
#
# **Marks.** Every function is marked on its own. A mistake in one costs nothing in the next,
# as long as you do not call your own functions. Where you call them, check them first.
#
# **Time.** About two and a half hours. ●○○ is a warm-up, ●●○ needs paper, ●●● needs patience.
#
# `eq. (…)` is an equation of the chapter *The capstone: an accuracy ladder*.

# %%
import itertools
import math

import matplotlib.pyplot as plt
import numpy as np

import autograder
from lab import load

check = autograder.checks("12-capstone/capstone_numpy")

# %% [markdown]
# ## Worked example: what a linear layer costs
#
# A layer costs memory for its **parameters**, and time for its **multiplications**.
# A linear layer from D inputs to K outputs has a weight for each pair and a bias for each output.
# For one example each weight is used once, {eq}`cp-linear-cost`.
# We count multiplications only: there are about as many additions.


# %% listing="linear-cost"
def linear_cost(d, out):
    """What a linear layer with a bias costs: (parameters, multiplications for one example)."""
    return d * out + out, d * out


# %% [markdown]
# A network for digits of 8x8 pixels, with 32 hidden units: 64 to 32, then 32 to 10.
# Work the two pairs of numbers out on paper. Then run the cell.

# %% experiment="linear-costs"
for d, out in ((64, 32), (32, 10)):
    print(d, "to", out, "costs", linear_cost(d, out))

# %% [markdown]
# ## 1. What a convolution costs (●○○, 8 minutes)
#
# A filter of k x k weights runs over all input channels, and there is one filter, and one bias, for each
# output channel, {eq}`cp-conv-parameters`. How many places does it stop at, down and across?
# That is {eq}`cp-conv-size`. At each of them every weight is used once, {eq}`cp-conv-products`.


# %% solution="conv_cost"
def conv_cost(c_in, c_out, k, height, width, stride=1, pad=0, bias=True):
    """What one convolution costs, {eq}`cp-conv-parameters` to {eq}`cp-conv-products`.

    c_in, c_out: channels. k: the filters are k x k. height, width: of the image, in pixels. pad: rows and
    columns of zeros on each side. bias: True or False.
    Returns four whole numbers: parameters, multiplications for one image, and the height and the width of
    what comes out. Adding the bias is no multiplication.

    Example: 3 to 8 channels, k = 5, an image of 32x16, stride 2, pad 1, with bias: 608 parameters,
    63,000 multiplications, and 15x7 pixels come out.
    """
    ### BEGIN SOLUTION
    out_height = (height + 2 * pad - k) // stride + 1
    out_width = (width + 2 * pad - k) // stride + 1
    weights = c_out * c_in * k**2
    return weights + c_out * bias, weights * out_height * out_width, out_height, out_width
    ### END SOLUTION


# %% check="conv_cost" points=3
check(conv_cost)

# %% [markdown]
# ## 2. What a network costs (●●○, 12 minutes)
#
# Now the sum over the layers. The output of one layer is the input of the next, so follow the shape.
# A network is a list of tuples, the kind of the layer first:
#
# - `("conv", c_out, k, stride, pad, bias)`, as in section 1.
# - `("batch norm",)` trains a scale and a shift for each channel. Its running statistics are not trained.
# - `("relu",)` has nothing to train.
# - `("pool", k)` has nothing to train. Its windows of k x k pixels lie side by side.
#   A remainder at the border is cut off.
# - `("linear", out)` with a bias, {eq}`cp-linear-cost`. It takes all numbers that come in as one vector.
#   After it there are `out` channels of 1x1 pixel.
#
# Multiplications of convolutions and linear layers count, the others are few.


# %% solution="network_cost"
def network_cost(layers, shape):
    """What a network costs: (trained parameters, multiplications for one image), two whole numbers.

    layers: a list of tuples, as above. shape: of an image, (channels, height, width).

    Example: [("conv", 8, 3, 1, 1, False), ("batch norm",), ("relu",), ("pool", 2), ("linear", 10)] on
    (3, 6, 5) costs 72 * 3 + 16 + (8 * 3 * 2) * 10 + 10 = 722 parameters, and 216 * 30 + 480 = 6960
    multiplications.
    """
    ### BEGIN SOLUTION
    c, height, width = shape
    parameters = products = 0
    for kind, *settings in layers:
        trained = used = 0
        if kind == "conv":
            sizes = (c, settings[0], settings[1], height, width)
            trained, used, height, width = conv_cost(*sizes, *settings[2:])
            c = settings[0]
        elif kind == "batch norm":
            trained = 2 * c
        elif kind == "pool":
            height, width = height // settings[0], width // settings[0]
        elif kind == "linear":
            used = c * height * width * settings[0]
            trained = used + settings[0]
            c, height, width = settings[0], 1, 1
        parameters, products = parameters + trained, products + used
    return parameters, products
    ### END SOLUTION


# %% check="network_cost" points=4
check(network_cost)

# %% [markdown]
# ## Experiment: where are the parameters, and where is the time? (3 minutes)
#
# The network of the ladder, `lab/ladder_net.py`, at its smallest: eight convolutions, 8 channels at first.
# After each layer: what the network costs up to there.
# Before you run it: which layers have most parameters, and which most multiplications?


# %% listing="ladder-network"
def ladder_network(w):
    """The layers of the ladder's network with w channels at first, for images (3, 32, 32)."""

    def conv(c_out, *pool):
        return [("conv", c_out, 3, 1, 1, False), ("batch norm",), *pool, ("relu",)]

    half = ("pool", 2)
    last = [*conv(8 * w, half), *conv(8 * w), *conv(8 * w), ("pool", 4), ("linear", 10)]
    return [*conv(w), *conv(2 * w, half), *conv(2 * w), *conv(2 * w), *conv(4 * w, half), *last]


# %% experiment="ladder-cost"
layers = ladder_network(8)
for end in range(1, len(layers) + 1):
    if layers[end - 1][0] in ("conv", "linear"):
        parameters, products = network_cost(layers[:end], (3, 32, 32))
        name = " ".join(str(part) for part in layers[end - 1][:2])
        print(f"up to {name:10} {parameters:7,} parameters, {products:10,} multiplications")
for w in (8, 16):
    print(f"{w} channels at first:", network_cost(ladder_network(w), (3, 32, 32)))

# %% [markdown]
# ## 3. How sure is an accuracy? (●●○, 10 minutes)
#
# 45 of 50 images right: 90 %. On 50 other images it would be another number.
# Wilson's interval holds all accuracies a that are at most `z` standard errors away from what was measured,
# where the error is that of a itself, {eq}`cp-wilson-quadratic`. Solved for a that is {eq}`cp-wilson`.
# With z = 1.96 it holds the true one in about 95 of 100 such measurements.
# It never leaves 0 to 1, and it is right with no mistake at all, too.


# %% solution="accuracy_interval"
def accuracy_interval(correct, z=1.96):
    """An accuracy with Wilson's interval, {eq}`cp-wilson` (Wilson 1927).

    correct: (N,), True where the answer is right. z: standard errors on each side.
    Returns three numbers between 0 and 1: the accuracy that was measured, the lower and the upper end.

    Example: 45 of 50 right: 0.9, 0.786 and 0.957. All of 50 right: 1, 0.929 and 1.
    """
    ### BEGIN SOLUTION
    N, accuracy = len(correct), np.mean(correct)
    centre = (accuracy + z**2 / (2 * N)) / (1 + z**2 / N)
    half = z / (1 + z**2 / N) * np.sqrt(accuracy * (1 - accuracy) / N + z**2 / (4 * N**2))
    return accuracy, centre - half, centre + half
    ### END SOLUTION


# %% check="accuracy_interval" points=4
check(accuracy_interval)

# %% [markdown]
# ## 4. A gain on the same images (●○○, 8 minutes)
#
# Two networks answered the **same** images. Most images are easy for both, or hard for both.
# So do not compare two accuracies: look at each image, {eq}`cp-paired`.
# What an image gains is -1, 0 or 1. The gain is the mean of these numbers, and its error is that of a mean,
# {eq}`cp-paired-error`.


# %% solution="paired_gain"
def paired_gain(before, after):
    """The gain in accuracy and its standard error, image by image, {eq}`cp-paired-error`.

    before, after: (N,) booleans, True where the answer is right; the same images in the same order.
    Returns two numbers: the gain, below 0 for a loss, and its standard error.

    Example: before = [True, False, False, True, False], after = [True, True, True, False, False]:
    the images gain 0, 1, 1, -1 and 0. The gain is 0.2, its standard error 0.374.
    """
    ### BEGIN SOLUTION
    d = np.asarray(after, dtype=int) - np.asarray(before, dtype=int)
    return d.mean(), d.std(ddof=1) / np.sqrt(len(d))
    ### END SOLUTION


# %% check="paired_gain" points=4
check(paired_gain)

# %% [markdown]
# ## 5. Gains over seeds (●○○, 6 minutes)
#
# Error bars over images say nothing of the next training. For that one trains again, with other seeds.
# Each seed trains every rung of a ladder. A gain is the difference of two neighbouring rungs **with the
# same seed**: where both begin with the same weights, what a lucky start gives cancels, {eq}`cp-seeds`.


# %% solution="seed_gains"
def seed_gains(accuracies):
    """The gain of each rung over the one before it, paired by seed, {eq}`cp-seeds`.

    accuracies: an array (R, S), of R rungs, the first one at the bottom, and S seeds.
    Returns two arrays (R - 1,): the mean gains, and their standard errors over the seeds (ddof = 1).

    Example: np.array([[70, 74, 72], [73, 75, 74]]) gives the gains 3, 1 and 2: mean 2, error 0.577.
    """
    ### BEGIN SOLUTION
    g = np.diff(accuracies, axis=0)
    return g.mean(axis=1), g.std(axis=1, ddof=1) / np.sqrt(g.shape[1])
    ### END SOLUTION


# %% check="seed_gains" points=3
check(seed_gains)

# %% [markdown]
# ## Sixteen networks to compare
#
# From here on you compare networks that you train: small ones, on 300 digits of 8x8 pixels.
# There are four tricks. Each may be on or off.
#
# - `momentum`: 0.9, unit 7.
# - `decay`: the rate falls along a line to 0, unit 8.
# - `noise`: Gaussian noise on the pixels, unit 6.
# - `shifts`: each image moves by up to one pixel each way, unit 10.
#
# 700 other digits are for measuring, and for choosing. The 300 test digits wait until all is chosen.


# %% listing="small-network"
def shifted(x, rng):
    """Images (N, 8, 8), each moved by up to one pixel each way; zeros come in."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    top, left = rng.integers(3, size=(2, len(x), 1))
    rows, columns = top + np.arange(8), left + np.arange(8)
    return padded[np.arange(len(x))[:, None, None], rows[:, :, None], columns[:, None, :]]


def probabilities_of(weights, x):
    """The network's answer to images (N, 8, 8): (N, 10)."""
    W1, b1, W2, b2 = weights
    z = np.maximum(x.reshape(len(x), -1) @ W1 + b1, 0) @ W2 + b2
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def slopes(weights, x, y):
    """The gradient of the mean cross-entropy of a batch, one array for each of the weights."""
    W1, b1, W2, _ = weights
    flat = x.reshape(len(x), -1)
    hidden = np.maximum(flat @ W1 + b1, 0)
    error = (probabilities_of(weights, x) - np.eye(10)[y]) / len(y)
    back = (error @ W2.T) * (hidden > 0)
    return [flat.T @ back, back.sum(axis=0), hidden.T @ error, error.sum(axis=0)]


def train(tricks, seed, x, y, units=32, epochs=40, batch=20, rate=0.05):
    """The weights of a network 64 - units - 10 after SGD. tricks: a set of names."""
    rng = np.random.default_rng(seed)
    scales = ((64, units), (2 / 64) ** 0.5), ((units, 10), (1 / units) ** 0.5)
    weights = [a for shape, scale in scales for a in (rng.normal(0, scale, shape), np.zeros(shape[1]))]
    speed = [np.zeros_like(w) for w in weights]
    batches = len(x) // batch
    for step in range(epochs * batches):
        if step % batches == 0:
            order = rng.permutation(len(x))
        rows = order[step % batches * batch :][:batch]
        seen = shifted(x[rows], rng) if "shifts" in tricks else x[rows]
        if "noise" in tricks:
            seen = seen + 0.3 * rng.normal(size=seen.shape)
        lr = rate * (1 - step / (epochs * batches)) if "decay" in tricks else rate
        for w, v, g in zip(weights, speed, slopes(weights, seen, y[rows]), strict=True):
            v *= 0.9 if "momentum" in tricks else 0
            v += g
            w -= lr * v
    return weights


# %% experiment="sixteen-networks"
digits = load("digits")
images, labels = digits.train_images.reshape(-1, 8, 8) / 16, digits.train_labels
x, y, x_measure, y_measure = images[:300], labels[:300], images[300:1000], labels[300:1000]
x_test, y_test = digits.test_images.reshape(-1, 8, 8) / 16, digits.test_labels

TRICKS, SEEDS = ["momentum", "decay", "noise", "shifts"], range(5)
correct = {}  # a set of tricks -> (seeds, images), True where right
for size in range(len(TRICKS) + 1):
    for tricks in map(frozenset, itertools.combinations(TRICKS, size)):
        answers = [probabilities_of(train(tricks, seed, x, y), x_measure) for seed in SEEDS]
        correct[tricks] = np.argmax(answers, axis=2) == y_measure
        a = 100 * correct[tricks].mean(axis=1)
        print(f"{' + '.join(sorted(tricks)) or 'none':34} {a.mean():5.1f} ± {a.std(ddof=1):.1f}")

# %% [markdown]
# ## Experiment: paired or not (5 minutes)
#
# Two of the sixteen: momentum alone, and momentum with decay. Is decay a gain?
# The standard error of the gain, in three ways: as if each network had answered images of its own, paired by
# image, and paired by seed. The first two are those of seed 0.
# Before you run it: which error is the largest, and why?

# %% experiment="paired-or-not"
plain, decayed = correct[frozenset({"momentum"})], correct[frozenset({"momentum", "decay"})]
for name, c in (("momentum", plain[0]), ("momentum + decay", decayed[0])):
    a, low, high = 100 * np.array(accuracy_interval(c))
    print(f"{name:18} {a:.1f} % ({low:.1f} to {high:.1f})")
unpaired = np.sqrt(plain[0].var(ddof=1) / 700 + decayed[0].var(ddof=1) / 700)
gain, error = paired_gain(plain[0], decayed[0])
table = 100 * np.array([plain.mean(axis=1), decayed.mean(axis=1)])
over_seeds, seed_error = seed_gains(table)
print(f"seed 0, unpaired:  {100 * gain:.2f} ± {100 * unpaired:.2f}")
print(f"seed 0, by image:  {100 * gain:.2f} ± {100 * error:.2f}")
print(f"5 seeds, by seed:  {over_seeds[0]:.2f} ± {seed_error[0]:.2f}")
print("changed their mind:", (plain[0] != decayed[0]).sum(), "of 700 images")
for one, two in itertools.pairwise(["none", "momentum", "momentum + decay"]):
    pair = [correct[frozenset(n.split(" + ")) - {"none"}].mean(axis=1) for n in (one, two)]
    apart = np.sqrt(sum(p.var(ddof=1) for p in pair) / 5)
    g, e = seed_gains(np.array(pair))
    print(f"{one} to {two}: {100 * g[0]:.2f}, error paired {100 * e[0]:.2f}, unpaired {100 * apart:.2f}")

# %% [markdown]
# **Question** (8 minutes). Seed 0: by image the error is about a quarter of the unpaired one.
# How many images changed sides, and what nearly cancels in {eq}`cp-covariance`?
# A friend sees that the two intervals overlap, and concludes that nothing can be said. What is wrong with it?
# The last two lines have two pairs of rungs. For which of them does pairing by seed buy more, and why?
# Then: what may you say about decay after momentum? Which of the errors tells you about other seeds?

# %% [markdown] question="cp-numpy-error-bars" points=3
# *Your answer here.*

# %% [markdown]
# ## 6. A ladder (●●○, 8 minutes)
#
# A ladder adds one trick after another, and says what each adds to those below it, {eq}`cp-ladder`.
# `measure(tricks)` trains a network with this set of tricks, and returns its accuracy.
# A set that may be the key of a dictionary is a `frozenset`: `frozenset(["flip", "crop"])`.
# With brackets for one name as well: without them it is a set of letters.
# Training takes hours: measure each set that you need **once**.


# %% solution="ladder_gains"
def ladder_gains(measure, order):
    """What each trick adds to those before it, {eq}`cp-ladder`.

    measure(tricks): the accuracy with a frozenset of names, the empty one too. order: a list of names, the
    first one is added first. Returns a dict: name -> gain. Measures every set on the way once.

    Example: with v(none) = 70, v(flip) = 73, v(crop) = 72 and v(flip, crop) = 74 the order ["flip", "crop"]
    gives {"flip": 3, "crop": 1}, and the order ["crop", "flip"] gives {"crop": 2, "flip": 2}.
    """
    ### BEGIN SOLUTION
    v = [measure(frozenset(order[:k])) for k in range(len(order) + 1)]
    return {name: v[k + 1] - v[k] for k, name in enumerate(order)}
    ### END SOLUTION


# %% check="ladder_gains" points=3
check(ladder_gains)

# %% [markdown]
# ## 7. What each would leave behind (●○○, 5 minutes)
#
# A ladder asks what a trick adds to those before it. An ablation asks what is lost without it:
# all tricks but one, {eq}`cp-leave-one-out`. Here, too, each set is measured once.


# %% solution="losses_without"
def losses_without(measure, tricks):
    """What is lost where one trick is left out of all, {eq}`cp-leave-one-out`.

    measure: as in section 6. tricks: a list of names. Returns a dict: name -> loss, above 0 where the trick
    helps the others. Measures every set that it needs once.

    Example: v(none) = 70, v(flip) = 73, v(crop) = 72 and v(flip, crop) = 74: {"flip": 2, "crop": 1}.
    """
    ### BEGIN SOLUTION
    everything = frozenset(tricks)
    top = measure(everything)
    return {name: top - measure(everything - {name}) for name in tricks}
    ### END SOLUTION


# %% check="losses_without" points=2
check(losses_without)

# %% [markdown]
# ## 8. A share that no order decides (●●●, 15 minutes)
#
# Take **all** orders, and average the gain of each trick over them: Shapley's value, {eq}`cp-shapley`.
# K tricks have K! orders, but only 2^K sets. Measure each set once, all of them.
# You may go through the orders, or weigh the sets with the factor of the equation: `math.factorial` helps.
# `itertools.permutations(tricks)` gives all orders, `itertools.combinations(tricks, n)` all sets of size n.


# %% solution="shapley_gains"
def shapley_gains(measure, tricks):
    """The mean gain of each trick over all orders, {eq}`cp-shapley` (Shapley 1953).

    measure: as in section 6. tricks: a list of K names, K at most 6. Returns a dict: name -> gain.
    Measures each of the 2^K sets once.

    Example: v(none) = 70, v(flip) = 73, v(crop) = 72 and v(flip, crop) = 74: flip adds 3 to none and 2 to
    crop, so its gain is 2.5; crop has 1.5.
    """
    ### BEGIN SOLUTION
    K, names = len(tricks), frozenset(tricks)
    sets = [frozenset(s) for n in range(K + 1) for s in itertools.combinations(tricks, n)]
    v = {s: measure(s) for s in sets}
    gains = dict.fromkeys(tricks, 0.0)
    for s in sets:
        for name in names - s:
            orders = math.factorial(len(s)) * math.factorial(K - len(s) - 1)
            gains[name] += orders / math.factorial(K) * (v[s | {name}] - v[s])
    return gains
    ### END SOLUTION


# %% check="shapley_gains" points=5
check(shapley_gains)

# %% [markdown]
# ## Experiment: whose gain is it? (5 minutes)
#
# The sixteen networks again, with the mean over five seeds. Two ladders in different orders, what each trick
# would leave behind, and Shapley's values. The last column is the sum of the row.
# Before you run it: which trick has the largest share, and for which one will the order matter most?

# %% experiment="whose-gain"


def measured(tricks):
    return 100 * correct[tricks].mean()


rows = {
    "ladder, as listed": ladder_gains(measured, TRICKS),
    "ladder, reversed": ladder_gains(measured, TRICKS[::-1]),
    "left out of all": losses_without(measured, TRICKS),
    "Shapley": shapley_gains(measured, TRICKS),
}
print(f"{'':18}" + "".join(f"{name:>10}" for name in [*TRICKS, "sum"]))
for name, gains in rows.items():
    numbers = [gains[trick] for trick in TRICKS]
    print(f"{name:18}" + "".join(f"{number:10.1f}" for number in [*numbers, sum(numbers)]))

orders = [ladder_gains(measured, order) for order in itertools.permutations(TRICKS)]
plt.figure(figsize=(6, 3), layout="constrained")
for place, name in enumerate(TRICKS):
    plt.plot(np.linspace(-0.3, 0.3, 24) + place, sorted(o[name] for o in orders), ".", color="0.6")
    plt.plot(place, rows["Shapley"][name], "_", ms=40, color="C1")
plt.xticks(range(4), TRICKS)
plt.ylabel("points")
plt.title("the gain of each trick in all 24 ladders, and their mean")
plt.show()

# %% [markdown]
# **Question** (8 minutes). What is lost without each sums to 16.7 points, but all four together bring -7.0.
# Which of the four losses makes most of this? Between which two accuracies in the table of sixteen does it
# lie, and what do the tricks of the lower one have in common?
# Decay loses points alone, and without it all four are worse: find the four accuracies, and say in one
# sentence what decay needs.
# A paper reports the ladder in the first row: "momentum 1.4, shifts -9.0". Which claim about momentum does
# it support, and which not? Which row would you print, with which sentence?

# %% [markdown] question="cp-numpy-whose-gain" points=3
# *Your answer here.*

# %% [markdown]
# ## 9. Members within a budget (●●●, 15 minutes)
#
# An ensemble averages the probabilities of its members, {eq}`cp-ensemble`. Each member costs something, in
# parameters or in time. Begin with none. In each round try every member that is not in yet and whose cost
# still fits, and take the one with which the **mean** has the lowest cross-entropy, {eq}`cp-greedy`.
# Stop when none fits, or when none lowers the cross-entropy any more.


# %% solution="choose_members"
def choose_members(probabilities, y, costs, budget):
    """The members of an ensemble, chosen one by one, {eq}`cp-greedy` (after Caruana et al. 2004).

    probabilities: (M, N, K), of M networks for N validation images and K classes, all above 0.
    y: (N,), the classes. costs: (M,). budget: what all members together may cost at most.
    Returns a list of at most M whole numbers, in the order in which they were chosen; none comes twice.
    Of two that are equally good take the one with the lower number. The first member that fits always counts
    as better than none. Where nothing fits the list is empty.

    Example: for two images of class 0 the members say 0.9 and 0.1, 0.2 and 0.8, 0.5 and 0.4. Member 2 is the
    best alone: its cross-entropy is 0.80. With member 1 the mean says 0.35 and 0.6, which is 0.78. With
    member 0 it would be 0.87. All three together say 0.533 and 0.433, which is 0.73. So, with costs of 1
    each, a budget of 3 gives [2, 1, 0], and one of 2 gives [2, 1].
    """
    ### BEGIN SOLUTION
    p = probabilities[:, np.arange(len(y)), y]
    chosen, spent, lowest = [], 0, np.inf
    while True:
        free = [m for m in range(len(p)) if m not in chosen and spent + costs[m] <= budget]
        if not free:
            return chosen
        means = (p[chosen].sum(axis=0) + p[free]) / (len(chosen) + 1)
        losses = -np.log(means).mean(axis=1)
        best = free[losses.argmin()]
        if losses.min() >= lowest:
            return chosen
        chosen.append(best)
        spent, lowest = spent + costs[best], losses.min()
    ### END SOLUTION


# %% check="choose_members" points=6
check(choose_members)

# %% [markdown]
# ## 10. Eight bits for a weight (●●○, 10 minutes)
#
# A weight of eight bytes can be stored in one: a whole number from -127 to 127, times a scale that all
# weights of an output channel share, {eq}`cp-quantize`. The error is at most half a step,
# {eq}`cp-quantize-error`. A channel whose weights are all 0 must not divide by 0.


# %% solution="quantize"
def quantize(w):
    """Weights as whole numbers of eight bits and a scale per channel, {eq}`cp-quantize` (Jacob et al. 2018).

    w: (C_out, ...), floats, two axes or more. Returns two arrays: q, of the shape of w and of dtype np.int8,
    and the scales (C_out,), floats. q times its scale is near w. A channel of zeros has q = 0 and a finite
    scale, and causes no warning.

    Example: [[2.54, -1.0], [0.1, -12.7]] has the scales 0.02 and 0.1, and q = [[127, -50], [1, -127]].
    """
    ### BEGIN SOLUTION
    rows = w.reshape(len(w), -1)
    scale = np.abs(rows).max(axis=1) / 127
    divisor = np.where(scale > 0, scale, 1)
    q = np.round(rows / divisor[:, None])
    return q.reshape(w.shape).astype(np.int8), scale
    ### END SOLUTION


# %% check="quantize" points=4
check(quantize)

# %% [markdown]
# ## Experiment: what fits into 20,000 bytes? (6 minutes)
#
# Fifteen networks, of 8, 16 and 32 hidden units and five seeds, with momentum, decay and noise.
# Each is trained on 150 of the 300 digits, drawn by its seed. A file may have 20,000 bytes, {eq}`cp-budget`.
# A weight may be stored in eight bytes or in one. The 700 digits choose the members.
# The 300 test digits, of other writers, are looked at once, at the end.
# Before you run it: how many networks fit in each way, and will the chosen ones beat the best alone?

# %% experiment="what-fits"
BUDGET = 20_000


def stored(weights):
    """The weights as they come back out of the file, with W1 and W2 in eight bits."""
    back = []
    for w in weights:
        if w.ndim == 2:
            q, scale = quantize(w.T)
            w = (q * scale[:, None]).T
        back.append(w)
    return back


networks = []
for units, seed in itertools.product((8, 16, 32), range(5)):
    rows = np.random.default_rng(seed).permutation(300)[:150]
    networks.append(train({"momentum", "decay", "noise"}, seed, x[rows], y[rows], units))
parameters = np.array([network_cost([("linear", len(w[1])), ("linear", 10)], (1, 8, 8))[0] for w in networks])
biases = np.array([len(w[1]) + 10 for w in networks])
# one byte for a weight; eight for a bias, and for the scale of a channel
in_one = [stored(w) for w in networks], parameters - biases + 16 * biases
ways = {"eight bytes": (networks, 8 * parameters), "one byte": in_one}
for name, (_, costs) in ways.items():
    fit = [f"{BUDGET // cost} of {units} units" for units, cost in zip((8, 16, 32), costs[::5], strict=True)]
    print(f"{name} for a weight:", ", or ".join(fit))

# %% experiment="budget-table"
hits = {}
print(f"{'':24}{'units':>14}{'bytes':>8}{'loss':>8}  {'700 digits':>10}  {'300 test digits':>22}")
for name, (kept, costs) in ways.items():
    p = np.array([probabilities_of(w, x_measure) for w in kept])
    fits = [m for m in range(len(kept)) if costs[m] <= BUDGET]
    alone = max(fits, key=lambda m: (p[m].argmax(axis=1) == y_measure).mean())
    for label, members in (("best alone", [alone]), ("chosen", choose_members(p, y_measure, costs, BUDGET))):
        mean = p[members].mean(axis=0)
        loss = -np.log(mean[np.arange(700), y_measure]).mean()
        test = np.mean([probabilities_of(kept[m], x_test) for m in members], axis=0)
        hits[name, label] = test.argmax(axis=1) == y_test
        units = ", ".join(str(len(kept[m][1])) for m in members)
        a, low, high = 100 * np.array(accuracy_interval(hits[name, label]))
        seen = f"{100 * (mean.argmax(axis=1) == y_measure).mean():9.1f} %"
        end = f"{a:5.1f} % ({low:.1f} to {high:.1f})"
        print(f"{name:12}{label:12}{units:>14}{costs[members].sum():8,}{loss:8.3f}  {seen}  {end:>22}")
gain, error = paired_gain(hits["eight bytes", "best alone"], hits["one byte", "chosen"])
print(f"from the first row to the last, test digits: {100 * gain:.1f} ± {100 * error:.1f} points")
pairs = [pair for w, v in zip(networks, in_one[0], strict=True) for pair in zip(w, v, strict=True)]
print("largest change of a weight by the storage:", max(np.abs(w - v).max() for w, v in pairs).round(4))

# %% [markdown]
# **Question** (6 minutes). What did the smaller numbers cost in loss, and what did they buy?
# Compare the last line with the intervals of the first and the last row: is the gain on the test digits one
# that you would report? All accuracies on the test digits lie below those on the 700.
# Give two reasons, and say which of them the choice of members is guilty of.

# %% [markdown] question="cp-numpy-budget" points=2
# *Your answer here.*

# %% [markdown]
# ## 11. Your own test (●●○, 12 minutes)
#
# Write the test that you would want before you trust somebody's `paired_gain`. It gets a function.
# Where the function is wrong, your test raises an error: use `assert`. Any error counts as a rejection,
# as in pytest. Where the function is right, your test returns. Whatever it returns is ignored, `True` and
# `False` too. It is marked on right implementations and on wrong ones.
#
# Right means section 4, with booleans in, and no argument changed. Two numbers of any kind are right, in a
# tuple, a list or an array: do not ask for a type. The check here takes your own `paired_gain` for the right
# one. Pass section 4 first.
#
# Compare with `np.isclose`. What do your numbers hide? A gain that is never negative? Images that are never
# lost? Answers that are all in one order? So many images that N and N - 1 are the same?


# %% solution="test_paired_gain"
def test_paired_gain(implementation):
    """Raise an error unless implementation(before, after) is right. Else return.

    Right means section 4. Use assert and np.isclose. Any error counts as a rejection, returning counts as
    acceptance.
    """
    ### BEGIN SOLUTION
    rng = np.random.default_rng(0)
    for N, easy, easier in ((23, 0.4, 0.8), (37, 0.9, 0.5), (1000, 0.7, 0.75)):
        pair = rng.random((2, N)) < [[easy], [easier]]
        before, after = pair[0].copy(), pair[1].copy()
        gain, error = implementation(before, after)
        assert np.array_equal([before, after], pair)
        won, lost = (pair[1] & ~pair[0]).sum(), (pair[0] & ~pair[1]).sum()
        variance = (won + lost - (won - lost) ** 2 / N) / (N - 1)
        assert np.isclose(gain, (won - lost) / N)
        assert np.isclose(error, (variance / N) ** 0.5)
    ### END SOLUTION


# %% check="test_paired_gain" points=4
check(test_paired_gain)

# %% [markdown]
# You can say what a network costs, how sure a gain is, and whose it is.
# The next notebook, `capstone_torch`, is the capstone: a network of your own within a budget, and an ablation
# that somebody else may believe.
