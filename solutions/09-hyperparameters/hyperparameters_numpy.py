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
# # Hyperparameter search in NumPy
#
# You will draw hyperparameters on the right scales, count how many trials you need,
# and drop the bad ones early. You will let a Gaussian process choose the next trial.
# You will see how lucky the winner of a search was, and read the curves of sick runs.
# At the end you write the test that finds a wrong acquisition function.
#
# **How it works.** Replace each `raise NotImplementedError` by your code. Run the cell,
# then the check below it. A check never stops the notebook. You may check as often as you like.
#
# **Marks.** Every function is marked on its own. A mistake in one costs nothing in the next,
# as long as you do not call your own functions. Where you call them, check them first.
#
# **Time.** About two and a half hours. ●○○ is a warm-up, ●●○ needs paper, ●●● needs patience.
#
# `eq. (…)` is an equation of the chapter *Hyperparameter search and debugging a training run*.

# %%
import itertools

import matplotlib.pyplot as plt
import numpy as np

import autograder
from lab import load

check = autograder.checks("09-hyperparameters/hyperparameters_numpy")

# %% [markdown]
# ## Worked example: a grid, and what it repeats
#
# A **configuration** is a dictionary: the name of each hyperparameter and its value.
# A **trial** is one training with one configuration.
# A grid tries all combinations of the values that you list, {eq}`hp-grid-distinct`.


# %% listing="grid"
def grid(values):
    """All combinations. values: name -> list of values. The first name changes slowest. Returns dicts."""
    return [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())]


def distinct(trials, name):
    """How many different values of one hyperparameter the trials have."""
    return len({trial[name] for trial in trials})


# %%
trials = grid({"lr": [0.01, 0.1, 1.0], "weight_decay": [1e-5, 1e-4, 1e-3]})
print(len(trials), "trials, the first four:", *trials[:4], sep="\n")
print("values of lr:", distinct(trials, "lr"), "  values of weight_decay:", distinct(trials, "weight_decay"))

# %% [markdown]
# ## Experiment: nine trials (3 minutes)
#
# Only one of two hyperparameters matters. Both are numbers from 0 to 1, and the best place for the
# important one, `a`, is unknown: it is drawn anew 2000 times. The score is the distance from it.
# Before you run the cell: 9 trials on a grid, or 9 random ones. Which comes closer to the best `a`?

# %% experiment="nine-trials"
rng = np.random.default_rng(0)
best_a = rng.uniform(size=2000)
on_grid = np.array([trial["a"] for trial in grid({"a": [1 / 6, 3 / 6, 5 / 6], "b": [1 / 6, 3 / 6, 5 / 6]})])
at_random = rng.uniform(size=(2000, 9))
gaps = {
    "grid, 3 x 3": np.abs(on_grid - best_a[:, None]).min(axis=1),
    "random, 9": np.abs(at_random - best_a[:, None]).min(axis=1),
    "grid, 9 x 1": np.abs((np.arange(9) + 0.5) / 9 - best_a[:, None]).min(axis=1),
}
plt.figure(figsize=(6, 3), layout="constrained")
for name, gap in gaps.items():
    plt.plot(np.sort(gap), np.linspace(0, 1, len(gap)), label=name)
    print(f"{name:12s} mean distance {gap.mean():.3f}, 90 % are below {np.quantile(gap, 0.9):.3f}")
plt.xlabel("distance from the best a")
plt.ylabel("share of the searches")
plt.legend()
plt.show()

# %% [markdown]
# **Question** (6 minutes). Here only `a` matters. Now let the two act only through their sum: the score
# is the distance from a best sum, which is the sum of two uniform numbers. Change a copy of the cell so;
# in the third search `b` is 0.5. How many different sums does each of the three try, and from where to where?
# Rank the three again, by the mean and by the last number. What explains the change? And which of the three
# would you take if you did not know which of the two cases is yours?

# %% [markdown] question="hp-nine-trials" points=2
# *Your answer here.*

# %% [markdown]
# ## 1. A rate on a logarithmic scale (●○○, 5 minutes)
#
# Rates between 0.0001 and 1: half of your trials should be below 0.01, the middle on a logarithmic scale.
# So draw the **exponent** uniformly, {eq}`hp-log-uniform`. Its density is {eq}`hp-log-density`.
# The randomness comes from outside: `u` is uniform on [0, 1), and you turn it into a rate.


# %% solution="log_uniform"
def log_uniform(u, low, high):
    """Values between low and high, uniform on a logarithmic scale, {eq}`hp-log-uniform`.

    u: uniform on [0, 1), one number or an array of any shape. 0 < low < high.
    u = 0 gives low, u towards 1 gives high. Returns values of the shape of u.

    Example: low = 0.0001, high = 1: u = 0, 0.25 and 0.5 give 0.0001, 0.001 and 0.01.
    """
    ### BEGIN SOLUTION
    return low * (high / low) ** u
    ### END SOLUTION


# %% check="log_uniform" points=3
check(log_uniform)

# %% [markdown]
# ## 2. Draw whole configurations (●●○, 10 minutes)
#
# A search space says for each hyperparameter how to draw it. There are four kinds.
#
# - `("linear", low, high)`: uniform, such as a dropout rate.
# - `("log", low, high)`: uniform on a logarithmic scale, such as a rate.
# - `("one-minus", low, high)`: such as a momentum from 0.9 to 0.999. What matters is its distance from 1:
#   0.99 averages over 100 steps, 0.999 over 1000. So that distance is uniform on a logarithmic
#   scale, {eq}`hp-one-minus`.
# - `("choice", first, second, ...)`: one of the values, each equally likely.
#
# Row `i` of `u` makes configuration `i`. Column `j` belongs to the `j`-th name of the space.
# For the first three kinds `u = 0` gives `low`, and `u` towards 1 gives `high`.
# You may call your `log_uniform`, if its check has passed.


# %% solution="sample"
def sample(u, space):
    """Configurations from uniform numbers. {eq}`hp-log-uniform`, {eq}`hp-one-minus`.

    u: (n, d), uniform on [0, 1). space: a dict with d names; each has a tuple that begins with its kind,
    "linear", "log", "one-minus" or "choice". Choices are taken in order: with three of them, u below 1/3 is
    the first. Returns a list of n dicts, each with the names of the space and their values.

    Example: u = [[0.5, 0.5, 0.7]], space = {"lr": ("log", 0.01, 1.0), "momentum": ("one-minus", 0.9, 0.999),
    "width": ("choice", 16, 32, 64)}: [{"lr": 0.1, "momentum": 0.99, "width": 64}].
    """
    ### BEGIN SOLUTION
    draw = {
        "linear": lambda p, low, high: low + p * (high - low),
        "log": lambda p, low, high: low * (high / low) ** p,
        "one-minus": lambda p, low, high: 1 - (1 - low) * ((1 - high) / (1 - low)) ** p,
        "choice": lambda p, *values: values[int(p * len(values))],
    }
    return [
        {name: draw[kind](p, *rest) for p, (name, (kind, *rest)) in zip(row, space.items(), strict=True)}
        for row in u
    ]
    ### END SOLUTION


# %% check="sample" points=5
check(sample)

# %% [markdown]
# ## Worked example: the chance to hit
#
# Call the best 5 % of all configurations good, whatever they are. One random trial is good with probability
# 0.05, and misses with 0.95. All `n` miss with 0.95 to the power of `n`. That is {eq}`hp-hit`.
# The number of hyperparameters does not occur in it.


# %% listing="chance-to-hit"
def chance_to_hit(share, n):
    """Probability that at least one of n random trials is among the best share, {eq}`hp-hit`."""
    return 1 - (1 - share) ** n


# %%
for n in (1, 10, 20, 60):
    print(f"{n:2d} trials hit the best 5 % with probability {chance_to_hit(0.05, n):.3f}")

# %% [markdown]
# ## 3. How many trials? (●○○, 6 minutes)
#
# Now the other way round: you want to be sure enough. Solve {eq}`hp-hit` for `n`, {eq}`hp-trials`.


# %% solution="trials_needed"
def trials_needed(share, confidence):
    """The least number of random trials that hits the best share with this probability, {eq}`hp-trials`.

    share, confidence: above 0 and below 1. Returns a whole number.

    Example: for the best 5 % with 95 %: 59. For the best half with 75 %: 2.
    """
    ### BEGIN SOLUTION
    return int(np.ceil(np.log(1 - confidence) / np.log(1 - share)))
    ### END SOLUTION


# %% check="trials_needed" points=3
check(trials_needed)

# %% [markdown]
# ## 4. Which trial was best? (●○○, 6 minutes)
#
# The trials are over, each has a validation loss. Some diverged: their loss is `nan`, or infinite.
# What does `np.argmin([np.nan, 0.3, 0.2])` say? Try it.


# %% solution="best_trial"
def best_trial(losses):
    """Where the smallest loss of the trials is that did not diverge: its place in losses, from 0.

    losses: (n,), an array of floats. nan, inf and -inf are diverged trials. Of equal losses the first counts.
    Returns a whole number. Where all trials diverged, it raises a ValueError that says so.

    Example: losses nan, 0.3, 0.2: 2.
    """
    ### BEGIN SOLUTION
    finite = np.isfinite(losses)
    if not finite.any():
        raise ValueError("all trials diverged: no loss is a finite number")
    return int(np.argmin(np.where(finite, losses, np.inf)))
    ### END SOLUTION


# %% check="best_trial" points=3
check(best_trial)

# %% [markdown]
# ## A network to search on (2 minutes to read)
#
# A network with one hidden layer of ReLUs for the digits, small enough that a training takes a moment.
# Its hyperparameters: the rate, the momentum, the weight decay, the width, the scale of the first weights.


# %% listing="train"
def forward(weights, x):
    """Hidden layer (N, H) and log-probabilities (N, K) of a network. x: (N, D)."""
    W1, b1, W2, b2 = weights
    h = np.maximum(x @ W1 + b1, 0)
    z = h @ W2 + b2
    z = z - z.max(axis=1, keepdims=True)
    return h, z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def loss_of(weights, x, y):
    """Mean cross-entropy."""
    return -forward(weights, x)[1][np.arange(len(y)), y].mean()


def accuracy_of(weights, x, y):
    return (forward(weights, x)[1].argmax(axis=1) == y).mean()


def gradients(weights, x, y):
    """Of the mean cross-entropy, one for each array of weights."""
    h, log_p = forward(weights, x)
    dz = np.exp(log_p)
    dz[np.arange(len(y)), y] -= 1
    dz /= len(y)
    dh = dz @ weights[2].T * (h > 0)
    return [x.T @ dh, dh.sum(axis=0), h.T @ dz, dz.sum(axis=0)]


def train(config, x, y, x_val, y_val, epochs=10, seed=0, shuffle=True):
    """SGD with momentum on batches of 32. Returns the weights and the losses, (epochs + 1, 2).

    The losses, of training and of validation, are those before the first epoch and after each.
    """
    rng = np.random.default_rng(seed)
    sizes = [(x.shape[1], config.get("width", 32)), (config.get("width", 32), 10)]
    weights = []
    for n_in, n_out in sizes:
        weights += [rng.normal(0, config.get("init", 1) * (2 / n_in) ** 0.5, (n_in, n_out)), np.zeros(n_out)]
    velocity = [np.zeros_like(w) for w in weights]
    losses = [[loss_of(weights, x, y), loss_of(weights, x_val, y_val)]]
    with np.errstate(all="ignore"):  # some rates diverge: that is a result, too
        for _ in range(epochs):
            order = rng.permutation(len(x)) if shuffle else np.arange(len(x))
            for batch in np.split(order, range(32, len(x), 32)):
                for w, v, g in zip(weights, velocity, gradients(weights, x[batch], y[batch]), strict=True):
                    v[...] = config.get("momentum", 0) * v - config["lr"] * g
                    w += v - config["lr"] * config.get("weight_decay", 0) * w
            losses.append([loss_of(weights, x, y), loss_of(weights, x_val, y_val)])
    return weights, np.array(losses)


# %% [markdown]
# ## Experiment: sixty random trials (4 minutes)
#
# 500 images to train on, 500 others for validation. The test images wait until the end.
# The experiment draws 60 configurations and trains each for 10 epochs.
# Before you run it: which of the five will you see in the picture? How many trials end no better
# than they began, at the loss of knowing nothing, {eq}`hp-start-loss`?

# %% experiment="random-search"
digits = load("digits")
images = digits.train_images.reshape(len(digits.train_images), -1) / 16.0
x, y, x_val, y_val = images[:500], digits.train_labels[:500], images[500:1000], digits.train_labels[500:1000]
x_test, y_test = digits.test_images.reshape(-1, 64) / 16.0, digits.test_labels

space = {
    "lr": ("log", 1e-4, 3.0),
    "momentum": ("one-minus", 0.1, 0.99),
    "weight_decay": ("log", 1e-6, 1e-2),
    "width": ("choice", 16, 32, 64),
    "init": ("log", 0.1, 10.0),
}
configs = sample(np.random.default_rng(0).uniform(size=(60, len(space))), space)
results = []
for number, config in enumerate(configs):
    weights, losses = train(config, x, y, x_val, y_val)
    results.append((losses[-1, 1], accuracy_of(weights, x_val, y_val)))
    print(f"\r{number + 1} of {len(configs)} trials", end="")
val_losses, val_accuracies = np.array(results).T
winner = best_trial(val_losses)
print(f"\n{(~(val_losses < np.log(10))).sum()} of 60 end at log 10 = 2.303 or above, or diverged")
print(f"best: trial {winner}, loss {val_losses[winner]:.3f}, accuracy {val_accuracies[winner]:.3f}")
print({name: value if name == "width" else round(float(value), 5) for name, value in configs[winner].items()})

figure, axes = plt.subplots(1, len(space), figsize=(11, 2.6), sharey=True, layout="constrained")
for ax, (name, (kind, *_)) in zip(axes, space.items(), strict=True):
    ax.scatter([config[name] for config in configs], val_accuracies, s=12)
    ax.set(xlabel=name, xscale="log" if kind == "log" else "linear")
axes[0].set_ylabel("validation accuracy")
plt.show()

# %% [markdown]
# ## 5. What one trial more would bring (●●○, 10 minutes)
#
# You have the scores of `m` trials, such as accuracies: higher is better. Had you stopped after `n` of them,
# how good would the best have been? That depends on the luck of the order.
# So average over all draws of `n` of the `m` scores, **with** replacement. No draws are needed for that:
# the best of `n` is at most the `i`-th smallest score with probability $(i/m)^n$. From this follows
# {eq}`hp-best-so-far` (Dodge et al. 2019).


# %% solution="expected_best"
def expected_best(scores, n):
    """The expected best of n scores, drawn with replacement from those measured, {eq}`hp-best-so-far`.

    scores: (m,), higher is better, in any order; equal ones may occur. n: one whole number from 1 on,
    or an array of them, (k,); n may exceed m. Returns floats of the shape of n.

    Example: scores 3, 1: the best of 1 is 2 on average, the best of 2 is 2.5.
    """
    ### BEGIN SOLUTION
    m = len(scores)
    at_most = (np.arange(m + 1) / m) ** np.expand_dims(n, -1)
    return np.diff(at_most) @ np.sort(scores)
    ### END SOLUTION


# %% check="expected_best" points=5
check(expected_best)

# %% [markdown]
# ## Experiment: a rate on the wrong scale (3 minutes)
#
# 60 trials once more, but the rate is drawn uniformly between its bounds, on a linear scale.
# Before you run it: how many linear trials replace ten logarithmic ones?

# %% experiment="log-or-linear"
u = np.random.default_rng(0).uniform(size=(60, len(space)))
linear = sample(u, space | {"lr": ("linear", 1e-4, 3.0)})
linear_accuracies = []
for number, config in enumerate(linear):
    linear_accuracies.append(accuracy_of(train(config, x, y, x_val, y_val)[0], x_val, y_val))
    print(f"\r{number + 1} of {len(linear)} trials", end="")
print()
numbers = np.arange(1, 61)
plt.figure(figsize=(6, 3), layout="constrained")
for name, accuracies in (("log", val_accuracies), ("linear", linear_accuracies)):
    best = expected_best(np.array(accuracies), numbers)
    plt.plot(numbers, best, label=f"rate on a {name} scale")
    print(f"{name:6s} expected best of 1, 3, 10, 30:", best[[0, 2, 9, 29]].round(3))
plt.xlabel("trials")
plt.ylabel("expected best validation accuracy")
plt.legend()
plt.show()

# %% [markdown]
# ## 6. Successive halving (●●●, 15 minutes)
#
# Most trials look bad after one epoch. Why train them to the end? Start all `n` with a small budget `r`.
# Keep the best part, `n / eta` of them, and give these `eta` times the budget. And so on,
# {eq}`hp-halving`, as long as at least one is kept. The best of the last rung wins.
#
# `evaluate(config, budget)` trains from the beginning and returns the loss. It is expensive:
# call it once for each configuration of a rung, and never for one that was dropped.
# A loss of `nan` is as bad as an infinite one: both rank behind all numbers.


# %% solution="successive_halving"
def successive_halving(evaluate, configs, budget, eta):
    """The winner of successive halving and its rungs, {eq}`hp-halving` (Jamieson & Talwalkar 2016).

    evaluate(config, budget): a loss, lower is better; inf and nan rank last. configs: a list of n of them.
    budget: of each configuration of the first rung. eta: a whole number, at least 2. A rung of n_k keeps the
    best n_k // eta and multiplies the budget by eta; where that would keep none, it is the last rung.
    Of equal losses the one that comes first in configs is better, in every rung.
    Returns two things: the best configuration of the last rung, and a list of pairs, one for each rung:
    how many configurations were evaluated in it, and the budget of each.

    Example: 20 configurations, budget 2, eta = 3: rungs (20, 2), (6, 6), (2, 18).
    """
    ### BEGIN SOLUTION
    alive, rungs = list(configs), []
    while True:
        losses = np.array([evaluate(config, budget) for config in alive])
        rungs.append((len(alive), budget))
        order = np.argsort(losses, kind="stable")  # nan comes last
        keep = len(alive) // eta
        if keep == 0:
            return alive[order[0]], rungs
        alive = [alive[i] for i in np.sort(order[:keep])]
        budget = budget * eta
    ### END SOLUTION


# %% check="successive_halving" points=6
check(successive_halving)

# %% [markdown]
# ## Experiment: halve the sixty (4 minutes)
#
# The configurations from above, from 1 epoch on, with `eta = 3`.
# Before you run it: how many epochs does it train in all? The 60 trials above took 600.

# %% experiment="halving"
calls = []


def evaluate(config, epochs):
    calls.append(epochs)
    print(f"\r{len(calls)} trainings, {sum(calls)} epochs", end="")
    return train(config, x, y, x_val, y_val, epochs=epochs)[1][-1, 1]


chosen, rungs = successive_halving(evaluate, configs, 1, 3)
print("\nrungs (configurations, epochs of each):", rungs)
place = next(i for i, config in enumerate(configs) if config == chosen)
rank = 1 + (val_losses < val_losses[place]).sum()
print(f"chosen: trial {place}, which was number {rank} of 60 after 10 epochs")

early = np.array([train(config, x, y, x_val, y_val, epochs=1)[1][-1, 1] for config in configs])
ok = np.isfinite(early) & np.isfinite(val_losses)
ranks = [np.argsort(np.argsort(values[ok])) for values in (early, val_losses)]
plt.figure(figsize=(3.4, 3.2), layout="constrained")
plt.scatter(*ranks, s=12)
plt.xlabel("rank after 1 epoch")
plt.ylabel("rank after 10 epochs")
plt.title(f"rank correlation {np.corrcoef(*ranks)[0, 1]:.2f}")
plt.show()

# %% [markdown]
# **Question** (6 minutes). How many epochs did it cost, and how many would all 60 have cost with the budget
# of the last rung, {eq}`hp-halving-cost`? What does it rely on, and which picture shows that?
# Name a hyperparameter for which the first epoch misleads, and say why. What would you change then:
# the first budget, `eta`, or the number of configurations?

# %% [markdown] question="hp-early-ranks" points=3
# *Your answer here.*

# %% [markdown]
# ## Worked example: functions that are smooth on the scale of l
#
# So far no trial learned from those before it. To learn, we need an idea of how the loss of one rate is
# related to that of another: close rates, close losses. The **kernel** says that in numbers,
# {eq}`hp-kernel`: the covariance of two values of the function. `length` is how far one must go
# for another value, `scale` how large the values are.


# %% listing="kernel"
def kernel(x, z, length, scale):
    """The covariance of f(x) and f(z), {eq}`hp-kernel`. x: (n,), z: (m,). Returns (n, m)."""
    return scale**2 * np.exp(-((x[:, None] - z[None, :]) ** 2) / (2 * length**2))


# %% experiment="draws"
place = np.linspace(0, 5, 101)
figure, axes = plt.subplots(1, 2, figsize=(8, 2.4), sharey=True, layout="constrained")
for ax, length in zip(axes, (0.3, 1.5), strict=True):
    K = kernel(place, place, length, 2.0)
    ax.plot(place, np.random.default_rng(0).multivariate_normal(np.zeros(101), K, size=4).T)
    ax.set_title(f"four functions, length {length}, scale 2")
plt.show()

# %% [markdown]
# ## 7. What the trials say about the rest (●●●, 15 minutes)
#
# `y` are the losses at `x`, with noise of the standard deviation `noise`. At other places `x_new` the
# function is unknown: a Gaussian with the mean {eq}`hp-posterior-mean` and the variance
# {eq}`hp-posterior-var`. The function has the mean 0 before any trial. The noise belongs to the trials,
# not to the function: it stands on the diagonal of the trials' matrix, and nowhere else.
#
# Never invert a matrix to multiply by it: `np.linalg.solve(A, b)` gives the product of the inverse
# of `A` with `b`. You may take `kernel` from above. Rounding can make a variance of 0 slightly negative:
# what is its root then?


# %% solution="gp_posterior"
def gp_posterior(x, y, x_new, length, scale, noise):
    """Mean and standard deviation of a Gaussian process after some trials, {eq}`hp-posterior-mean`.

    (Rasmussen & Williams 2006, eq. 2.23 to 2.26.) x, y: (n,), places and values of the trials.
    x_new: (m,). length, scale: of the kernel, {eq}`hp-kernel`. noise: the standard deviation of the noise
    in y, at least 0. Returns two things: the mean at x_new, (m,), and the standard deviation of the function
    there, without the noise of a new trial, (m,), {eq}`hp-posterior-var`. A variance that rounding makes
    negative is 0.

    Example: one trial, x = [2.0], y = [3.0], scale = 2, noise = 1. At x_new = [2.0] the mean is
    4 / 5 * 3 = 2.4 and the variance 4 - 4 / 5 * 4 = 0.8. Far away the mean is 0 and the variance 4.
    """
    ### BEGIN SOLUTION
    K = kernel(x, x, length, scale) + noise**2 * np.eye(len(x))
    K_new = kernel(x, x_new, length, scale)
    L = np.linalg.cholesky(K)
    v = np.linalg.solve(L, K_new)
    mean = v.T @ np.linalg.solve(L, y)
    variance = scale**2 - (v**2).sum(axis=0)
    return mean, np.sqrt(np.maximum(variance, 0))
    ### END SOLUTION


# %% check="gp_posterior" points=6
check(gp_posterior)

# %% [markdown]
# ## 8. Where is a better trial most likely, and how much better? (●●○, 12 minutes)
#
# `best` is the lowest loss so far. A new trial with the loss `f` improves on it by
# {eq}`hp-improvement`: nothing, if `f` is higher. `f` is not known, but its mean `mu` and its standard
# deviation `sd` are. The mean of the improvement over all `f` is {eq}`hp-ei`. Its first part
# is large where the mean is low, its second where little is known.
# A margin `xi` asks for an improvement by more than that.
#
# Where `sd` is 0, nothing is left to chance, {eq}`hp-ei-zero`. Density and distribution function
# of the standard normal are given, above the function.


# %% solution="expected_improvement"
from math import erf


def normal_density(z):
    """Density of the standard normal distribution at z, any shape."""
    return np.exp(-0.5 * np.square(z)) / np.sqrt(2 * np.pi)


def normal_cdf(z):
    """Probability that a standard normal number is at most z, any shape."""
    return 0.5 * (1 + np.vectorize(erf, otypes=[float])(np.divide(z, np.sqrt(2))))


def expected_improvement(mu, sd, best, xi=0.0):
    """By how much a new trial will be below best - xi, in expectation, {eq}`hp-ei`.

    (Jones, Schonlau & Welch 1998.) mu, sd: mean and standard deviation of the loss, arrays of one shape;
    sd >= 0. It changes neither. best: the lowest loss so far. xi: the margin.
    Where sd = 0 it is {eq}`hp-ei-zero`.
    Returns values of the shape of mu. None is negative.

    Example: mu = [0.0], sd = [2.0], best = 0: [0.798], 2 / root of 2 pi. With sd = [0.0], best = 3: [3.0].
    """
    ### BEGIN SOLUTION
    gain = best - mu - xi
    safe = np.where(sd > 0, sd, 1.0)
    z = gain / safe
    value = gain * normal_cdf(z) + safe * normal_density(z)
    return np.where(sd > 0, value, np.maximum(gain, 0.0))
    ### END SOLUTION


# %% check="expected_improvement" points=5
check(expected_improvement)

# %% [markdown]
# ## The loop that uses both (2 minutes to read)
#
# The losses are standardized first, so that a mean of 0 and a `scale` of 1 fit them.
# It calls your two functions: pass their checks first.


# %% listing="bayesian-search"
def next_trial(x, y, candidates, length=0.5, noise=0.1):
    """The candidate with the largest expected improvement, after the losses y at x."""
    y = (y - y.mean()) / max(y.std(), 1e-9)
    mean, sd = gp_posterior(x, y, candidates, length, 1.0, noise)
    return candidates[np.argmax(expected_improvement(mean, sd, y.min()))]


def bayesian_search(loss, candidates, x, trials):
    """Places and losses of the trials: those at x first, then one after the other by `next_trial`."""
    x = np.array(x)
    y = np.array([loss(place) for place in x])
    while len(x) < trials:
        x = np.append(x, next_trial(x, y, candidates))
        y = np.append(y, loss(x[-1]))
    return x, y


# %% [markdown]
# ## Experiment: learn from the trials (5 minutes)
#
# One dimension: the rate, as its logarithm, from 0.0001 to 10. Each training costs time,
# so the cell first measures the loss of 51 rates with 3 seeds, and the searches look it up.
# A run that ends above the loss of knowing nothing, {eq}`hp-start-loss`, counts as that.
# Random and Bayesian search begin with the same three rates; the grid is run in random order.
# Before you run it: after how many trials is the Bayesian search better than the random one?

# %% experiment="bayes"
exponents = np.linspace(-4, 1, 51)
table = np.empty((3, 51))
for seed in range(3):
    for j, exponent in enumerate(exponents):
        losses = train({"lr": 10**exponent}, x, y, x_val, y_val, epochs=5, seed=seed)[1]
        table[seed, j] = np.nan_to_num(min(losses[-1, 1], np.log(10)), nan=np.log(10))
    print(f"\r{seed + 1} of 3 seeds measured", end="")
print()

budget, rng = 12, np.random.default_rng(0)
found = {"random": [], "grid": [], "bayesian": []}
places = exponents[np.round(np.linspace(0, 50, budget)).astype(int)]
for repeat in range(60):
    measured = dict(zip(exponents, table[repeat % 3], strict=True))
    at_random = rng.choice(exponents, budget, replace=False)
    _, tried = bayesian_search(measured.get, exponents, at_random[:3], budget)  # they begin alike
    found["bayesian"].append(np.minimum.accumulate(tried))
    found["random"].append(np.minimum.accumulate([measured[place] for place in at_random]))
    found["grid"].append(np.minimum.accumulate([measured[place] for place in rng.permutation(places)]))
plt.figure(figsize=(6, 3), layout="constrained")
for name, curves in found.items():
    curve = np.mean(curves, axis=0)
    plt.plot(np.arange(1, budget + 1), curve, "o-", ms=3, label=name)
    spread = np.std(curves, axis=0)[[2, 5, 8, 11]].round(2)
    print(f"{name:9s} after 3, 6, 9, 12 trials", curve[[2, 5, 8, 11]].round(3), "+-", spread)
plt.axhline(table.min(axis=1).mean(), color="0.6", lw=0.8, label="the best of all 51")
plt.xlabel("trials")
plt.ylabel("lowest loss so far, mean of 60")
plt.legend()
plt.show()

# %% [markdown]
# One of the searches, as it went: the mean of the process, two standard deviations to both sides,
# and the expected improvement.

# %% experiment="bayes-steps"
measured = dict(zip(exponents, table[0], strict=True))
tried, values = bayesian_search(measured.get, exponents, exponents[[5, 25, 45]], 7)
figure, axes = plt.subplots(2, 3, figsize=(10, 4), sharex=True, layout="constrained", height_ratios=[3, 1])
for (upper, lower), n in zip(axes.T, (3, 5, 7), strict=True):
    centre, spread = values[:n].mean(), values[:n].std()
    mean, sd = gp_posterior(tried[:n], (values[:n] - centre) / spread, exponents, 0.5, 1.0, 0.1)
    improvement = expected_improvement(mean, sd, (values[:n].min() - centre) / spread)
    upper.plot(exponents, table[0], color="0.6", lw=1)
    low, middle, high = (centre + spread * (mean + k * sd) for k in (-2, 0, 2))
    upper.plot(exponents, middle)
    upper.fill_between(exponents, low, high, alpha=0.2)
    upper.plot(tried[:n], values[:n], "ko", ms=4)
    upper.set(title=f"after {n} trials", ylim=(-1, 4))
    lower.plot(exponents, improvement, color="C1")
    lower.axvline(exponents[improvement.argmax()], color="C1", lw=0.8, ls="--")
    lower.set_xlabel("logarithm of the rate, base 10")
axes[0, 0].set_ylabel("loss")
axes[1, 0].set_ylabel("expected improvement")
plt.show()

# %% [markdown]
# **Question** (7 minutes). Which of the two parts of {eq}`hp-ei` chose the places that are far from all
# trials, and which those next to the best? Compare the three searches, with their spread in mind: how many
# trials does the Bayesian one save, and is it better at the end? What would a `length` of 5 or of 0.05 do?
# Ten machines stand idle. What do you lose, if you run ten trials at a time?

# %% [markdown] question="hp-explore-exploit" points=3
# *Your answer here.*

# %% [markdown]
# ## 9. How good is the winner? (●●○, 8 minutes)
#
# `validation` says for each model and each validation image whether the model was right. The model with the
# highest share wins. It was chosen **because** its number is high, so that number is too high.
# What an independent test set says of the same model is honest, {eq}`hp-holdout`,
# as long as nobody chose by it.


# %% solution="winners_curse"
def winners_curse(validation, test):
    """The model that is best on the validation images, and its two accuracies, {eq}`hp-holdout`.

    validation: (m, n_val), test: (m, n_test), True where model i is right on image j.
    Returns three things: the place of the chosen model, from 0, its validation accuracy and its test
    accuracy. Of equally good models the first is chosen.

    Example: validation [[1, 0, 1, 0], [1, 1, 1, 0]], test [[1, 1], [0, 1]], as booleans: 1, 0.75 and 0.5.
    """
    ### BEGIN SOLUTION
    accuracies = validation.mean(axis=1)
    chosen = accuracies.argmax()
    return chosen, accuracies[chosen], test[chosen].mean()
    ### END SOLUTION


# %% check="winners_curse" points=4
check(winners_curse)

# %% [markdown]
# ## Experiment: fifty equal models (4 minutes)
#
# 50 models that are equally good: each is right with probability 0.9 on each image, on its own.
# Choose the best of them on `n` validation images. Repeat 200 times.
# Before you run it: how much too good does the winner look, with 100 images? With 1000?

# %% experiment="equal-models"
rng = np.random.default_rng(0)
for n in (100, 300, 1000):
    found = []
    for _ in range(200):
        right, right_on_test = rng.uniform(size=(50, n)) < 0.9, rng.uniform(size=(50, 500)) < 0.9
        found.append(winners_curse(right, right_on_test)[1:])
    validation, test = np.mean(found, axis=0)
    expected = 0.9 + 2.249 * np.sqrt(0.9 * 0.1 / n)  # 2.249: the mean of the largest of 50 standard normals
    print(f"n = {n:4d}: winner on validation {validation:.3f} (expected {expected:.3f}), on test {test:.3f}")

# %% [markdown]
# And the winner of your own search, on the test images, which nobody has touched until now.
# Beside it the same configuration with five other seeds, which nobody chose.
# Before you run it: what would these five say, if luck alone made the winner look better on validation?

# %% experiment="own-winner"
for name, seeds in (("the winner", [0]), ("five other seeds", range(1, 6))):
    found = [train(configs[winner], x, y, x_val, y_val, seed=seed)[0] for seed in seeds]
    on_val = np.mean([accuracy_of(weights, x_val, y_val) for weights in found])
    on_test = np.mean([accuracy_of(weights, x_test, y_test) for weights in found])
    print(f"{name:16s} validation {on_val:.3f}, test {on_test:.3f}")

# %% [markdown]
# Runs that nobody chose fall as far from validation to test: most of the gap is not luck. Training and
# validation images come from the same part of the set, mixed. The test images are the last 30 of each class,
# and they look different. Independent is not all that a test set must be: it must be like what comes later.

# %% [markdown]
# ## Experiment: seven patients (4 minutes)
#
# One healthy run and six sick ones, in an order that the cell draws. The letters are all that you see.
# In some order they are: all is well; the rate is too high; the rate is far too small;
# the labels do not belong to the images; too few images for too long;
# all first weights are 0; the validation images were scaled in another way than the training images.

# %% experiment="patients"
mixed = np.random.default_rng(5).permutation(500)
well = {"lr": 0.1, "momentum": 0.5}
patients = [
    (well, x, y, x_val),
    ({"lr": 2.2, "momentum": 0.5}, x, y, x_val),
    ({"lr": 1e-4, "momentum": 0.5}, x, y, x_val),
    (well, x, y[mixed], x_val),
    ({"lr": 0.3, "momentum": 0.5, "width": 64}, x[:40], y[:40], x_val),
    (well | {"init": 0}, x, y, x_val),
    (well, x, y, x_val * 16),
]
figure, axes = plt.subplots(2, 4, figsize=(11, 4.6), sharex=True, layout="constrained")
for ax, letter, i in zip(axes.flat, "ABCDEFG", np.random.default_rng(14).permutation(7), strict=False):
    settings, x_own, y_own, x_check = patients[i]
    losses = train(settings, x_own, y_own, x_check, y_val, epochs=30)[1]
    ax.plot(losses, label=["training", "validation"])
    ax.axhline(np.log(10), color="0.6", lw=0.8, ls="--")
    ax.set(title=letter, ylim=(0, 4))
    first, last = np.round(losses[0], 2), np.round(losses[-1], 2)
    print(f"{letter}: training {first[0]} to {last[0]}, validation {first[1]} to {last[1]}")
axes[0, 0].legend()
axes[1, 3].axis("off")
plt.show()

# %% [markdown]
# **Question** (10 minutes). Diagnose A to G. For each say which feature of the two curves decides:
# where they begin, where they end, whether they part, whether they are smooth. The dashed line is
# {eq}`hp-start-loss`, and three runs stay close to it with both curves: say what tells these three apart,
# in the curves, the printed numbers or in an experiment of a minute. For one sick run of your choice:
# what would you check first in its code?

# %% [markdown] question="hp-patients" points=4
# *Your answer here.*

# %% [markdown]
# ## 10. Your own test (●●●, 15 minutes)
#
# Write the test that you would want before you trust somebody's `expected_improvement`. It gets a function.
# Where the function is wrong, your test raises an error: use `assert`. Any error counts as a rejection,
# as in pytest. Where the function is right, your test returns. Whatever it returns is ignored, `True` and
# `False` too. It is marked on right implementations and on wrong ones.
#
# Right means section 8. The check here takes your own `expected_improvement` for the right one.
# Pass section 8 first. If your test rejects it even so, look at both: either may be the one that is wrong.
# The check knows nine wrong ones. The mark uses others as well.
#
# A test that repeats the formula repeats its mistakes. The **definition** is another way to the number:
# the mean of {eq}`hp-improvement` over many values of `f`. Spread them evenly, and weigh each by
# its density, or draw them. What tolerance does your way allow?
# What do your numbers hide? An `sd` of 1 is its own square. A margin of 0 is no margin.
# What if `best` is always below `mu`? And where `sd` is 0? What becomes of the arrays that it was given?


# %% solution="test_expected_improvement"
def test_expected_improvement(implementation):
    """Raise an error unless implementation(mu, sd, best, xi) is right. Else return.

    Right means section 8. mu and sd are arrays of one shape. Use assert and np.allclose. Any error counts as
    a rejection, returning counts as acceptance.
    """
    ### BEGIN SOLUTION
    mu = np.array([0.3, -1.2, 2.0, 0.7, 0.1, 0.9])
    sd = np.array([0.6, 1.7, 2.5, 0.2, 0.0, 0.0])
    z = np.linspace(-9, 9, 20001)
    weight = np.exp(-(z**2) / 2)
    for best, xi in ((0.9, 0.0), (0.4, 0.25), (-0.8, 0.1)):
        f = mu[:, None] + sd[:, None] * z
        expected = np.maximum(best - f - xi, 0) @ weight / weight.sum()
        given = mu.copy(), sd.copy()
        assert np.allclose(implementation(*given, best, xi), expected, rtol=1e-4, atol=1e-7)
        assert np.array_equal(given, (mu, sd))
    assert np.allclose(implementation(mu, sd, 0.9), implementation(mu, sd, 0.9, 0.0))
    ### END SOLUTION


# %% check="test_expected_improvement" points=5
check(test_expected_improvement)

# %% [markdown]
# You have written a search from its draws to its winner, and you know how lucky that winner was.
# In the next notebook, `hyperparameters_torch`, autograd fits the length of the kernel, and you repair four
# training programs.
