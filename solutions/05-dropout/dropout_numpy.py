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
# # Dropout in NumPy
#
# You will write dropout in its two forms, forward and backward, and for images.
# Then you take the average over all networks that it trains, and find the penalty that it hides.
# At the end you write the test that finds a wrong dropout.
#
# **How it works.** Replace each `raise NotImplementedError` by your code. Run the cell,
# then the check below it. A check never stops the notebook. You may check as often as you like.
#
# **Marks.** Every function is marked on its own. A mistake in one costs nothing in the next,
# as long as you do not call your own functions. Where you call them, check them first.
#
# **Time.** About an hour and a half. ●○○ is a warm-up, ●●○ needs paper, ●●● needs patience.
#
# `p` is the probability of **dropping** a unit, as in PyTorch, with $0 \le p < 1$.
# Some papers and courses call the probability of keeping it $p$. Here that is $q = 1 - p$.
# Your functions draw no numbers. They get uniform numbers `u` from $[0, 1)$.
# So the same call gives the same result. No function may change its inputs.
# `eq. (…)` is an equation of the chapter *Dropout*.

# %%
import matplotlib.pyplot as plt
import numpy as np

import autograder

check = autograder.checks("05-dropout/dropout_numpy")

# %% [markdown]
# ## Worked example: two units, four masks
#
# Two units hold 3 and 4. The next unit sums them with the weights 2 and −1. So the full network gives 2.
# Each unit is dropped with $p = 0.2$ and kept with $q = 0.8$. There are four cases:
#
# | $m_1$ | $m_2$ | probability | sum |
# |---|---|---|---|
# | 0 | 0 | $0.2 \cdot 0.2 = 0.04$ | 0 |
# | 1 | 0 | $0.8 \cdot 0.2 = 0.16$ | 6 |
# | 0 | 1 | $0.2 \cdot 0.8 = 0.16$ | −4 |
# | 1 | 1 | $0.8 \cdot 0.8 = 0.64$ | 2 |
#
# The mean is $0.16 \cdot 6 - 0.16 \cdot 4 + 0.64 \cdot 2 = 1.6$.
# That is $q \cdot 2$, as {eq}`do-four-masks` says.

# %% listing="four-masks"
x, w, p = np.array([3.0, 4.0]), np.array([2.0, -1.0]), 0.2
q = 1 - p
masks = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
probabilities = np.array([p * p, q * p, p * q, q * q])
sums = (masks * x) @ w
print("sums             ", sums)
print("mean of the sums ", (probabilities * sums).sum().round(3))
print("q times the full ", (q * x @ w).round(3))

# %% [markdown]
# ## 1. The mask (●○○, 3 minutes)
#
# One uniform number decides about one unit: {eq}`do-mask`.
# The share of numbers below $p$ is $p$. These units are dropped.


# %% solution="keep_mask"
def keep_mask(u, p):
    """Which units are kept, {eq}`do-mask`.

    u: uniform numbers in [0, 1), any shape. p: probability of dropping, 0 <= p < 1.
    Returns booleans of the shape of u: True where the unit is kept, also where u equals p.

    Example: u = 0.1, 0.7, 0.3 and p = 0.2 gives False, True, True.
    """
    ### BEGIN SOLUTION
    return u >= p
    ### END SOLUTION


# %% check="keep_mask" points=2
check(keep_mask)

# %% [markdown]
# ## 2. Vanilla dropout (●○○, 5 minutes)
#
# In training: multiply by the mask, {eq}`do-vanilla-train`. A boolean counts as 0 or 1.
# In prediction nothing is dropped.
# The worked example says by what to multiply instead: {eq}`do-vanilla-test`.


# %% solution="vanilla_dropout"
def vanilla_dropout(x, u, p, training):
    """Dropout that scales in prediction, {eq}`do-vanilla-train` and {eq}`do-vanilla-test`.

    (Srivastava et al. 2014, who call the probability of keeping p.)
    x: (N, D). u: (N, D), not used in prediction. training: True or False. Returns y: (N, D).

    Example: x = 5, -3, 2, u = 0.1, 0.7, 0.3 and p = 0.2 gives 0, -3, 2 in training
    and 4, -2.4, 1.6 in prediction.
    """
    ### BEGIN SOLUTION
    if training:
        return x * (u >= p)
    return x * (1 - p)
    ### END SOLUTION


# %% check="vanilla_dropout" points=3
check(vanilla_dropout)

# %% [markdown]
# ## 3. Inverted dropout (●○○, 4 minutes)
#
# Scale in training instead, {eq}`do-inverted-train`. Then prediction is the identity, {eq}`do-inverted-test`:
# a network in use need not know that dropout was ever there. PyTorch does it so.


# %% solution="dropout_forward"
def dropout_forward(x, u, p, training):
    """Dropout that scales in training, {eq}`do-inverted-train` and {eq}`do-inverted-test`.

    x: (N, D). u: (N, D), not used in prediction. training: True or False. Returns y: (N, D).

    Example: x = 5, -3, 2, u = 0.1, 0.7, 0.3 and p = 0.2 gives 0, -3.75, 2.5 in training.
    """
    ### BEGIN SOLUTION
    if not training:
        return x
    return x * (u >= p) / (1 - p)
    ### END SOLUTION


# %% check="dropout_forward" points=4
check(dropout_forward)

# %% [markdown]
# **Question** (4 minutes). A network has three linear layers, each after a vanilla dropout with $p = 0.2$,
# and no biases. Its author forgets to scale in prediction.
# By what factor is the mean output too large? Is the class with the largest output then a wrong one?
# What happens to the probabilities after softmax?

# %% [markdown] question="do-forgotten" points=2
# *Your answer here.*

# %% [markdown]
# ## 4. Backward (●●○, 7 minutes)
#
# `dout` is the gradient of the loss with respect to `y`.
# For a fixed `u`, each output of {eq}`do-inverted-train` is its input times a number: {eq}`do-backward`.
# So use the mask of the forward pass, not a new one.


# %% solution="dropout_backward"
def dropout_backward(dout, u, p, training):
    """The gradient of inverted dropout with respect to its input, {eq}`do-backward`.

    dout: (N, D). u: (N, D), the numbers of the forward pass. training: True or False. Returns dx: (N, D).

    Example: dout = 1, 2, 3, u = 0.1, 0.7, 0.3 and p = 0.2 gives 0, 2.5, 3.75 in training
    and 1, 2, 3 in prediction.
    """
    ### BEGIN SOLUTION
    if not training:
        return dout
    return dout * (u >= p) / (1 - p)
    ### END SOLUTION


# %% check="dropout_backward" points=4
check(dropout_backward)

# %% [markdown]
# The numerical gradient must agree. `u` stays the same in all calls: with a new mask at every call,
# the difference quotient would compare two different functions.

# %% experiment="gradient-check"
rng = np.random.default_rng(0)
x, u, dout = rng.normal(size=(4, 3)), rng.random((4, 3)), rng.normal(size=(4, 3))
h = 1e-5
numerical = np.zeros_like(x)
for i in np.ndindex(x.shape):
    step = np.zeros_like(x)
    step[i] = h
    difference = dropout_forward(x + step, u, 0.3, True) - dropout_forward(x - step, u, 0.3, True)
    numerical[i] = (difference * dout).sum() / (2 * h)
print("largest difference:", np.abs(dropout_backward(dout, u, 0.3, True) - numerical).max())

# %% [markdown]
# ## 5. Images: whole channels (●●○, 6 minutes)
#
# Neighbouring pixels of a channel say nearly the same. If one of them is dropped, the next one tells.
# Spatial dropout drops whole channels: one decision per image and channel, {eq}`do-spatial`.
# Bring the mask into a shape that broadcasts over height and width.


# %% solution="spatial_dropout"
def spatial_dropout(images, u, p):
    """Inverted dropout of whole channels, in training, {eq}`do-spatial`.

    (Tompson et al. 2015.) images: (N, H, W, C). u: (N, C). Returns an array like images.
    """
    ### BEGIN SOLUTION
    keep = u >= p
    return images * keep[:, None, None, :] / (1 - p)
    ### END SOLUTION


# %% check="spatial_dropout" points=4
check(spatial_dropout)

# %% [markdown]
# ## 6. The average of all networks (●●●, 14 minutes)
#
# Each mask makes a network of its own. With $D$ units there are $2^D$ of them.
# Which average of them is the prediction?
# Here the network is a softmax on top of $D$ units, so small that you can run all of them.
#
# The first lines are written: the masks and the outputs, as in the worked example.
# `all_masks` and `softmax` are given.
# You write what was done by hand there: the probability of **each** mask, {eq}`do-ensemble`.
# Then average in two ways:
#
# - the arithmetic mean, weighted by these probabilities, {eq}`do-ensemble`;
# - the geometric mean with the same weights, then divided by its sum, {eq}`do-geometric`.
#
# A weighted geometric mean is the exponential of a weighted sum of logarithms.


# %%
def all_masks(D):
    """All masks of D units, one per row: (2**D, D), of zeros and ones."""
    return np.arange(2**D)[:, None] >> np.arange(D) & 1


def softmax(z):
    """Probabilities along the last axis."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


print(all_masks(2))


# %% solution="ensemble_average"
def ensemble_average(x, W, b, p):
    """The average over all networks that vanilla dropout of x makes of softmax(x @ W + b).

    {eq}`do-ensemble`, {eq}`do-geometric`. x: (D,). W: (D, K). b: (K,). The bias is never dropped.
    Returns the arithmetic mean (K,) and the normalized geometric mean (K,), in this order.

    Example: one unit, x = 1, W = (2, 0), b = (0, 0), p = 0.25. The two networks give 0.5, 0.5
    (probability 0.25) and 0.881, 0.119 (probability 0.75).
    So the means are 0.786, 0.214 and 0.818, 0.182.
    """
    D = len(x)
    masks = all_masks(D)
    outputs = softmax((masks * x) @ W + b)  # (2**D, K)
    ### BEGIN SOLUTION
    kept = masks.sum(axis=1)
    weights = (1 - p) ** kept * p ** (D - kept)
    arithmetic = weights @ outputs
    geometric = np.exp(weights @ np.log(outputs))
    return arithmetic, geometric / geometric.sum()
    ### END SOLUTION


# %% check="ensemble_average" points=6
check(ensemble_average)

# %% [markdown]
# ## Experiment: one pass, many passes, all passes (5 minutes)
#
# Ten units and two classes: 1024 networks. Left: the mean of the first $T$ random passes, for five runs.
# The two lines are the exact mean of all networks, and one pass of the network scaled by $q$.
# Right: both again, for weights of different size.
# Before you run it: to which of the two lines will the random passes go?


# %% experiment="many-passes"
rng = np.random.default_rng(5)
D, p, T = 10, 0.5, 3000
x, W, b = rng.normal(1, 0.5, D), rng.normal(0, 1, (D, 2)), np.zeros(2)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
for _ in range(5):
    passes = softmax(vanilla_dropout(np.tile(x, (T, 1)), rng.random((T, D)), p, True) @ W + b)[:, 0]
    left.semilogx(np.arange(1, T + 1), passes.cumsum() / np.arange(1, T + 1), color="0.7", lw=1)
exact, geometric = ensemble_average(x, W, b, p)
scaled = softmax(vanilla_dropout(x, None, p, False) @ W + b)
left.axhline(exact[0], color="C0", label="all networks")
left.axhline(scaled[0], color="C1", ls="--", label="scaled network")
left.set(xlabel="passes $T$", ylabel="probability of class 0", ylim=(0, 1))
left.legend()

sizes = np.linspace(-2, 2, 81)
right.plot(sizes, [ensemble_average(x, s * W, b, p)[0][0] for s in sizes], color="C0")
right.plot(sizes, [softmax((1 - p) * x @ (s * W))[0] for s in sizes], color="C1", ls="--")
right.set(xlabel="size of the weights", ylim=(0, 1))
plt.show()
print("all networks, geometric mean:", geometric)
print("scaled network, one pass:    ", scaled)

# %% [markdown]
# **Question** (4 minutes). Which of the two curves on the right is more sure of itself, and why is there
# no difference for small weights? The two last lines that are printed agree in all digits.
# Say why, with {eq}`do-geometric-exact`.
# Would they still agree if a hidden layer with ReLU stood between the dropped units and the softmax?

# %% [markdown] question="do-which-average" points=3
# *Your answer here.*

# %% [markdown]
# ## 7. A penalty in disguise (●●○, 6 minutes)
#
# A linear regression, its inputs dropped at random. The mean loss over all masks is the loss without dropout
# plus a penalty on the weights: {eq}`do-penalty`. It is the variance of {eq}`do-inverted-var`,
# carried through the weights and added up over the examples. Compute the penalty alone.


# %% solution="dropout_penalty"
def dropout_penalty(x, w, p):
    """What inverted dropout on x adds to the sum of squared errors of x @ w, on average, {eq}`do-penalty`.

    (Srivastava et al. 2014, section 9.1.) x: (N, D). w: (D,). Returns one number.

    Example: x = (1, 2), (3, 0), w = (1, -2), p = 0.2: 0.25 * (1 * 10 + 4 * 4) = 6.5.
    """
    ### BEGIN SOLUTION
    squares = (x**2).sum(axis=0)
    return p / (1 - p) * (w**2 * squares).sum()
    ### END SOLUTION


# %% check="dropout_penalty" points=3
check(dropout_penalty)

# %% [markdown]
# ## Experiment: dropout against its penalty (4 minutes)
#
# Two hundred examples with six features of different size. Features 0 and 1 say nearly the same.
# The bars are exact: the weights of least squares, and those that minimize the loss with the penalty.
# The dots are weights trained with a new mask in every step, averaged over the second half of the training.
# Before you run it: which weights will shrink most?

# %% experiment="penalty"
rng = np.random.default_rng(1)
N, D, p, steps = 200, 6, 0.5, 20_000
x = rng.normal(size=(N, D)) * np.array([1.0, 1.0, 0.3, 0.3, 2.0, 1.0])
x[:, 1] = x[:, 0] + 0.1 * rng.normal(size=N)
target = x @ np.array([2.0, -1.0, 1.5, -1.5, 0.5, 0.0]) + 0.5 * rng.normal(size=N)

w, average = np.zeros(D), np.zeros(D)
for step in range(steps):
    noisy = dropout_forward(x, rng.random((N, D)), p, True)
    w -= 0.02 / N * noisy.T @ (noisy @ w - target)
    average += w / (steps // 2) if step >= steps // 2 else 0.0

strength = np.array([dropout_penalty(x, unit, p) for unit in np.eye(D)])  # of each squared weight
with_penalty = np.linalg.solve(x.T @ x + np.diag(strength), x.T @ target)
least_squares = np.linalg.solve(x.T @ x, x.T @ target)

place = np.arange(D)
plt.figure(figsize=(7, 3.2), layout="constrained")
plt.bar(place - 0.2, least_squares, 0.4, color="0.8", label="least squares")
plt.bar(place + 0.2, with_penalty, 0.4, color="C0", label="least squares with the penalty")
plt.plot(place + 0.2, average, "o", color="C1", label="trained with dropout")
plt.axhline(0, color="0.3", lw=0.8)
plt.xlabel("weight")
plt.legend()
plt.show()
print("largest difference from the penalty:", np.abs(average - with_penalty).max().round(3))

# %% [markdown]
# **Question** (4 minutes). Weight decay adds $\lambda \sum_j w_j^2$ instead.
# When are the two penalties the same?
# By what factor does dropout shrink the weight of a feature that is not correlated with the others?
# Does the size of the feature matter? What do weights 0 and 1 show about units that rely on each other?

# %% [markdown] question="do-shrunk" points=2
# *Your answer here.*

# %% [markdown]
# ## 8. What the passes disagree about (●●○, 8 minutes)
#
# Leave dropout on in prediction and run the network $T$ times. You get $T$ answers for each image.
# Their mean is the prediction, {eq}`do-mc-mean`. Its entropy says how unsure it is, {eq}`do-mc-entropy`.
# Two reasons hide in it. Every pass may be unsure by itself. Or every pass is sure, but they disagree.
# Subtract the mean entropy of the passes, {eq}`do-mc-information`, and the disagreement remains.
#
# The logarithm is the natural one. A probability may be 0, and $0 \log 0$ counts as 0.


# %% solution="uncertainty"
def uncertainty(probabilities):
    """What T passes with dropout say together, {eq}`do-mc-mean` to {eq}`do-mc-information`.

    (Gal & Ghahramani 2016.) probabilities: (T, N, K): pass, example, class. They may be exactly 0.
    Returns the mean (N, K), its entropy (N,), and the information (N,), in this order.

    Example: two passes, one example: (1, 0) and (0.5, 0.5). The mean is (0.75, 0.25), its entropy 0.562,
    the entropies of the passes are 0 and 0.693, so the information is 0.216.
    """
    ### BEGIN SOLUTION

    def entropies(P):
        logs = np.log(np.where(P > 0, P, 1.0))
        return -(P * logs).sum(axis=-1)

    mean = probabilities.mean(axis=0)
    entropy = entropies(mean)
    information = entropy - entropies(probabilities).mean(axis=0)
    return mean, entropy, information
    ### END SOLUTION


# %% check="uncertainty" points=4
check(uncertainty)

# %% [markdown]
# ## 9. The quarrel with batch normalization (●●○, 7 minutes)
#
# Batch normalization after dropout collects the variance of its inputs in training.
# In prediction it divides by what it has collected.
# But dropout adds variance in training, {eq}`do-bn-train`, and none in prediction, {eq}`do-bn-test`.
# By what factor do they differ, {eq}`do-bn-ratio`?


# %% solution="variance_shift"
def variance_shift(x, p):
    """The variance of each feature after inverted dropout, in training divided by in prediction.

    {eq}`do-bn-ratio` (Li et al. 2019). x: (N, D), with the variance divided by N. Returns (D,).

    Example: x = 1, 3 (one feature) and p = 0.2: mean 2, variance 1, so 1.25 + 4 * 0.25 = 2.25.
    """
    ### BEGIN SOLUTION
    mu, var = x.mean(axis=0), x.var(axis=0)
    return 1 / (1 - p) + mu**2 / var * p / (1 - p)
    ### END SOLUTION


# %% check="variance_shift" points=3
check(variance_shift)

# %% [markdown]
# **Question** (4 minutes). Dropout with $p = 0.4$ stands right before batch normalization.
# The inputs have mean 0.
# Which standard deviation has the output of batch normalization in prediction?
# Is it better or worse if the inputs come from a ReLU? Where would you put dropout instead?

# %% [markdown] question="do-before-norm" points=2
# *Your answer here.*

# %% [markdown]
# ## 10. Your own test (●●●, 10 minutes)
#
# Write the test that you would want before you trust somebody's `dropout_forward`. It gets a function.
# Where the function is wrong, your test raises an error: use `assert`.
# Any error counts as a rejection, as in pytest.
# Where the function is right, your test returns. Whatever it returns is ignored, `True` and `False` too.
# It is marked on one right implementation and on several wrong ones.
# The right one keeps where `u >= p`, as section 1 does, and your test must go by that.
#
# The check here takes your own `dropout_forward` for the right one. Pass section 3 first.
# If yours keeps where `u < 1 - p`, a right test rejects it, and the check tells you so.
# Write `u >= p` in section 3, and the check can judge your test.
#
# Compare with `np.allclose`. Two right functions may round differently: `x / (1 - p)` and
# `x * (1 / (1 - p))` need not agree in the last digit. `==` and `np.array_equal` reject one of them.
# The inputs are yours to choose, and some hide mistakes. What does $p = 0.5$ hide?
# Would you see that a whole row shares one decision? That prediction is touched?


# %% solution="test_dropout"
def test_dropout(implementation):
    """Raise an error unless implementation(x, u, p, training) is right. Else return.

    Right means section 3: in training, units with u < p are dropped and the others divided by 1 - p;
    in prediction, the identity.
    Use assert and np.allclose. Any error counts as a rejection, returning counts as acceptance.
    """
    ### BEGIN SOLUTION
    x = np.array([[5.0, -3.0, 2.0], [1.0, 4.0, -6.0]])
    u = np.array([[0.1, 0.7, 0.3], [0.9, 0.2, 0.6]])
    dropped = np.array([[0.0, -4.0, 8 / 3], [4 / 3, 0.0, -8.0]])
    assert np.allclose(implementation(x, u, 0.25, True), dropped)
    assert np.allclose(implementation(x, u, 0.25, False), x)
    ### END SOLUTION


# %% check="test_dropout" points=5
check(test_dropout)

# %% [markdown]
# You have written dropout, and a test that checks it.
# The next notebook, `dropout_torch`, makes a layer of it,
# and measures the gap between training and validation images.
