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
# # Weight penalties and noise in NumPy
#
# You will write what keeps a network from learning its training set by heart:
# penalties on the weights, a bound on their size, an early end, labels that are less sure, and noise.
# You will see which of the penalties makes exact zeros, and which penalty the noise hides.
# At the end you write the test that finds a wrong early stopping.
#
# **How it works.** Replace each `raise NotImplementedError` by your code. Run the cell,
# then the check below it. A check never stops the notebook. You may check as often as you like.
#
# **Marks.** Every function is marked on its own. A mistake in one costs nothing in the next,
# as long as you do not call your own functions. Where you call them, check them first.
#
# **Time.** About two hours. ●○○ is a warm-up, ●●○ needs paper, ●●● needs patience.
#
# `W` has shape `(fan_in, fan_out)`: one column per unit, $z = x W + b$. `lam` is the strength $\lambda$ of a
# penalty in the loss. Biases are not penalized. Your functions return new arrays. No function may change its
# inputs. `eq. (…)` is an equation of the chapter *Weight penalties and noise*.

# %%
import numpy as np

import autograder

check = autograder.checks("06-regularization/regularization_numpy")

# %% [markdown]
# ## Worked example: one weight, two penalties
#
# The loss is $\frac{1}{2} (w - w^\star)^2$: without a penalty the best weight is $w^\star$.
# Now add a penalty of strength $\lambda = 0.5$, {eq}`rg-objective`. Where is the minimum then?
# No calculus yet: compute the sum for very many $w$, and take the smallest.
#
# Before you run it: which of the two penalties gets the weight 0.3 to exactly zero?

# %% listing="one-weight"
candidates = np.linspace(-3, 3, 6001)
strength = 0.5
print("  w*     L2      L1")
for best in (2.0, 0.8, 0.3, -0.3, -2.0):
    loss = (candidates - best) ** 2 / 2
    with_l2 = candidates[np.argmin(loss + strength / 2 * candidates**2)]
    with_l1 = candidates[np.argmin(loss + strength * np.abs(candidates))]
    print(f"{best:5.1f}  {with_l2:6.3f}  {with_l1:6.3f}")

# %% [markdown]
# L2 shrinks every weight by the same factor, here $1 / 1.5$. That is {eq}`rg-l2-eigen` with $h = 1$.
# L1 takes the same amount off every weight, here 0.5, and stops at zero.
#
# ## 1. An L2 penalty (●○○, 5 minutes)
#
# The penalty {eq}`rg-l2` goes into the loss **and** into the gradient, {eq}`rg-l2-gradient`.
# The factor one half belongs to both. The bias gets no penalty: it moves the output and does not steepen it.


# %% solution="add_l2"
def add_l2(loss, dW, db, W, b, lam):
    """Loss and gradients of a layer with an L2 penalty on its weights, {eq}`rg-l2`, {eq}`rg-l2-gradient`.

    loss: a number. dW, W: (fan_in, fan_out). db, b: (fan_out,). lam: the strength.
    Returns the loss with the penalty, dW with its gradient, and db, in this order.

    Example: loss = 1, dW = (10, 20), db = 5, W = (2, -4), b = 3, lam = 0.1: 1 + 0.05 * 20 = 2,
    dW = (10.2, 19.6), db = 5.
    """
    ### BEGIN SOLUTION
    penalty = lam / 2 * (W**2).sum()
    return loss + penalty, dW + lam * W, db
    ### END SOLUTION


# %% check="add_l2" points=3
check(add_l2)

# %% [markdown]
# Do loss and gradient belong together? Difference quotients know: move one weight up and down by a little,
# and look how far the loss moves. `difference_quotients` does so for every weight. You may use it everywhere.


# %% listing="difference-quotients"
def difference_quotients(f, W, h=1e-5):
    """The gradient of f(W), one entry after the other. f returns a number. Returns an array like W."""
    gradient = np.zeros(W.shape)
    for place in np.ndindex(W.shape):
        step = np.zeros(W.shape)
        step[place] = h
        gradient[place] = (f(W + step) - f(W - step)) / (2 * h)
    return gradient


# %% experiment="gradient-check"
rng = np.random.default_rng(0)
W, b, zeros = rng.normal(size=(4, 3)), rng.normal(size=3), np.zeros((4, 3))
quotients = difference_quotients(lambda V: add_l2(0.0, zeros, b, V, b, 0.3)[0], W)
print("largest difference:", np.abs(add_l2(0.0, zeros, b, W, b, 0.3)[1] - quotients).max())

# %% [markdown]
# ## 2. L1 and the elastic net (●○○, 7 minutes)
#
# The L1 penalty adds up absolute values, {eq}`rg-l1`. Its slope is 1 or −1, however small the weight is,
# {eq}`rg-l1-gradient`. At exactly 0 it has no slope. Take 0 there, as PyTorch does.
#
# The elastic net mixes L1 and L2, {eq}`rg-elastic` and {eq}`rg-elastic-gradient`.
# With $a = 1$ it is L1, with $a = 0$ it is L2. So one function gives all three.


# %% solution="elastic_net"
def elastic_net(W, lam, a):
    """The penalty of the elastic net and its gradient, {eq}`rg-elastic` and {eq}`rg-elastic-gradient`.

    (Zou & Hastie 2005, in the form of scikit-learn.) W: any shape. lam: the strength.
    a: the share of L1, 0 <= a <= 1. Returns the penalty, one number, and its gradient, an array like W.
    Where a weight is exactly 0, the gradient is 0.

    Example: W = (2, -4, 0), lam = 0.1, a = 0.75: 0.1 * (0.75 * 6 + 0.125 * 20) = 0.7,
    and the gradient is (0.125, -0.175, 0).
    """
    ### BEGIN SOLUTION
    penalty = a * np.abs(W).sum() + (1 - a) / 2 * (W**2).sum()
    slope = a * np.sign(W) + (1 - a) * W
    return lam * penalty, lam * slope
    ### END SOLUTION


# %% check="elastic_net" points=4
check(elastic_net)

# %% [markdown]
# ## 3. The soft threshold (●●○, 8 minutes)
#
# A step along the gradient of L1 has the same length everywhere. So it jumps over zero and back.
# Ask for the minimum instead, as in the worked example: {eq}`rg-prox`. Case by case it is {eq}`rg-soft`:
# every number moves towards zero by `t`, and what would get to the other side stays at zero.
# `v` and `t` are the names of {eq}`rg-soft`.


# %% solution="soft_threshold"
def soft_threshold(v, t):
    """Every number moved towards zero by t, and no further than zero, {eq}`rg-soft`.

    v: any shape. t: a number, at least 0. Returns an array like v.

    Example: v = 2, 0.3, -0.8 and t = 0.5 gives 1.5, 0, -0.3.
    """
    ### BEGIN SOLUTION
    return np.sign(v) * np.maximum(np.abs(v) - t, 0)
    ### END SOLUTION


# %% check="soft_threshold" points=4
check(soft_threshold)

# %% [markdown]
# ## 4. Labels that are less sure (●●○, 12 minutes)
#
# With the target 1 for the right class, the loss always falls a little more as the scores grow.
# So soften the target, {eq}`rg-smooth`: every class gets $\epsilon / K$, and the right one the rest on top.
# The loss is the cross-entropy with these targets, the mean over the examples. Its gradient is
# {eq}`rg-smooth-gradient`: as short as the one you know.
#
# Scores may be 800 or −800, and $e^{800}$ is no number of 64 bits. Subtract the largest score of each
# example first, and take the logarithm of the **sum**, not of a probability that may be 0.


# %% solution="smoothed_cross_entropy"
def smoothed_cross_entropy(scores, y, eps):
    """Cross-entropy with smoothed labels, and its gradient, {eq}`rg-smooth` and {eq}`rg-smooth-gradient`.

    (Szegedy et al. 2016, in the form of PyTorch's label_smoothing.) scores: (N, K), before softmax.
    y: (N,), integers from 0 to K - 1. eps: 0 <= eps < 1.
    Returns the mean loss, one number, and the gradient with respect to scores, (N, K).

    Example: one example, scores = (0, 0), y = 0, eps = 0.2: the target is (0.9, 0.1), the loss is
    log 2 = 0.693, and the gradient is (-0.4, 0.4).
    """
    ### BEGIN SOLUTION
    N, K = scores.shape
    z = scores - scores.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    q = np.full((N, K), eps / K)
    q[np.arange(N), y] += 1 - eps
    return -(q * log_p).sum() / N, (np.exp(log_p) - q) / N
    ### END SOLUTION


# %% check="smoothed_cross_entropy" points=5
check(smoothed_cross_entropy)
