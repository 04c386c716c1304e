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
# # The normalization family in NumPy
#
# Batch normalization averages over the examples of the batch. You will average over other axes:
# layer, instance and group normalization, forward and backward. Then you will whiten a batch,
# once by eigenvectors and once by multiplications alone, and normalize weights instead of activations.
# At the end you write the test that finds a wrong group normalization.
#
# **How it works.** Replace each `raise NotImplementedError` by your code. Run the cell,
# then the check below it. A check never stops the notebook. You may check as often as you like.
#
# **Marks.** Every function is marked on its own. A mistake in one costs nothing in the next,
# as long as you do not call your own functions. Where you call them, check them first.
#
# **Time.** About two and a half hours. ●○○ is a warm-up, ●●○ needs paper, ●●● needs patience.
#
# `x` has shape `(N, D)`, one row per example, or `(N, C, H, W)`: N images with C channels.
# `gamma` and `beta` have one entry per feature, `(D,)`, or per channel, `(C,)`.
# Variances are biased: divide by the number of entries. `eps` stands inside the root.
# Your functions return new arrays. No function may change its inputs.
# A loop over the examples is right, but slow: NumPy does without it.
# `eq. (…)` is an equation of the chapter *The normalization family*. What is `ivar` here is $1/s$ there.

# %%
import matplotlib.pyplot as plt
import numpy as np

import autograder

check = autograder.checks("03-normalization-family/family_numpy")

# %% [markdown]
# ## Worked example: how many means does an array have?
#
# `axis` names the axes that are averaged **away**. What is left counts the means.
# With `keepdims=True` an averaged axis stays, with length 1. The result then fits the array again:
# NumPy stretches an axis of length 1 to any length. Without it, shapes that do not fit raise an error,
# and shapes that fit by accident give wrong numbers in silence.

# %% listing="means"
table = np.array([[0.0, 2.0, 4.0], [10.0, 12.0, 20.0]])  # two examples, three features
for axis in [(0,), (1,), (0, 1)]:
    means = table.mean(axis=axis, keepdims=True)
    print(f"axis {axis}: {means.size} means, shape {means.shape}: {means.ravel()}")
print("each row less its own mean\n", table - table.mean(axis=1, keepdims=True))

# %% [markdown]
# ## 1. One function for the whole family (●○○, 8 minutes)
#
# The members of the family differ in one thing: which entries share a mean and a variance,
# {eq}`nf-set`. Write the rest once: {eq}`nf-mean`, {eq}`nf-var` and {eq}`nf-normalize`.
# Entries that differ only in their places along `axes` form one set.
# Also return `ivar`, one over the root of variance plus `eps`: the backward passes will want it.
# Average the squares of `x - mu`. The mean of `x**2` less `mu**2` is the same on paper, but it loses
# its digits where the mean is large and the variance is not.


# %% solution="normalize"
def normalize(x, axes, eps=1e-5):
    """Subtract the mean over `axes`, divide by the root of the variance plus eps, {eq}`nf-normalize`.

    x: any shape. axes: a tuple of axes. Returns x_hat, with the shape of x, and ivar = 1 / sqrt(var + eps),
    where the axes that were averaged have length 1.

    Example: x = [[0, 2], [10, 16]], axes = (1,), eps = 0: x_hat = [[-1, 1], [-1, 1]], ivar = [[1], [1/3]].
    With axes = (0,) x_hat = [[-1, -1], [1, 1]], ivar = [[1/5, 1/7]].
    """
    ### BEGIN SOLUTION
    mu = x.mean(axis=axes, keepdims=True)
    var = x.var(axis=axes, keepdims=True)
    ivar = 1 / np.sqrt(var + eps)
    return (x - mu) * ivar, ivar
    ### END SOLUTION


# %% check="normalize" points=3
check(normalize)

# %% [markdown]
# ## 2. Layer normalization (●○○, 6 minutes)
#
# Each example is normalized over **its own** features, {eq}`nf-axes`. Then every feature gets its scale
# and its shift, {eq}`nf-affine`. The batch has no say in it: {eq}`nf-same`.


# %% solution="layer_norm"
def layer_norm(x, gamma, beta, eps=1e-5):
    """Normalize each example over its features, then scale and shift each feature (Ba et al. 2016).

    x: (N, D). gamma, beta: (D,). Returns y: (N, D).

    Example: one row x = 1, 3, 8, gamma = 1, 2, 3, beta = 0, 0, 10, eps = 0: mean 4, variance 26/3,
    y = -1.019, -0.679, 14.076.
    """
    ### BEGIN SOLUTION
    x_hat, _ = normalize(x, (1,), eps)
    return gamma * x_hat + beta
    ### END SOLUTION


# %% check="layer_norm" points=3
check(layer_norm)

# %% [markdown]
# ## 3. Layer normalization, backward (●●●, 20 minutes)
#
# `dout` is the gradient of the loss with respect to `y`. Every example used the same `gamma` and `beta`:
# {eq}`nf-dgamma` and {eq}`nf-dbeta`. For `dx`, go back to `x_hat` first, {eq}`nf-dxhat`.
# From there three paths lead to an entry of `x`: straight, through the variance, through the mean,
# {eq}`nf-path-var` and {eq}`nf-path-mu`. {eq}`nf-staged` adds them up, path by path.
# {eq}`nf-layer-backward` is the same in closed form. Both ways are right.
#
# Two things to watch. Over which axis runs each of the four sums? And what do you sum, `dout` or `dx_hat`?
# When you are done, look at the rows of `dx`, {eq}`nf-row-sums`. Then compare with a difference quotient.
# Take the sum of `dout * y` for the loss, with the `y` of your `layer_norm`. Move one entry of `x`
# by 1e-5 up and down. The change of the loss over 2e-5 is that entry of `dx`.


# %% solution="layer_norm_backward"
def layer_norm_backward(dout, x, gamma, eps=1e-5):
    """All gradients of layer normalization, {eq}`nf-layer-backward`, {eq}`nf-dgamma`, {eq}`nf-dbeta`.

    dout, x: (N, D). gamma: (D,). Returns dx: (N, D), dgamma: (D,), dbeta: (D,), in this order.

    Example: x = 0, 0, 3, 3 (one row), gamma = 1, eps = 0, dout = 0, 3, 0, 0: dx = -1, 1, 0, 0.
    """
    ### BEGIN SOLUTION
    x_hat, ivar = normalize(x, (1,), eps)
    dgamma = (dout * x_hat).sum(axis=0)
    dbeta = dout.sum(axis=0)
    dx_hat = dout * gamma
    centre = dx_hat.mean(axis=1, keepdims=True)
    spread = (dx_hat * x_hat).mean(axis=1, keepdims=True)
    dx = ivar * (dx_hat - centre - x_hat * spread)
    return dx, dgamma, dbeta
    ### END SOLUTION


# %% check="layer_norm_backward" points=6
check(layer_norm_backward)

# %% [markdown]
# ## 4. Instance normalization (●○○, 6 minutes)
#
# Now images. Each channel of each image is a set of its own, {eq}`nf-axes`.
# `gamma` and `beta` are still one number per **channel**: give them axes of length 1, so that they meet
# the right axis of `x`.


# %% solution="instance_norm"
def instance_norm(x, gamma, beta, eps=1e-5):
    """Normalize each channel of each image over its pixels, then scale and shift (Ulyanov et al. 2016).

    x: (N, C, H, W). gamma, beta: (C,). Returns y: (N, C, H, W).

    Example: a channel with the pixels 0, 2, 4, 10, gamma = 2, beta = 1, eps = 0: mean 4, variance 14,
    y = -1.138, -0.069, 1, 4.207.
    """
    ### BEGIN SOLUTION
    x_hat, _ = normalize(x, (2, 3), eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]
    ### END SOLUTION


# %% check="instance_norm" points=3
check(instance_norm)

# %% [markdown]
# **Question** (5 minutes). A network gets a normalization at its input, in front of everything else:
# batch normalization, layer normalization over $(C, H, W)$, or instance normalization.
# Which of the three would you take for each of these tasks, and which one would be the worst?
# Say what each of the two takes away, and whether the task needs it.
#
# 1. Was the picture taken by day or by night?
# 2. Which number is on the plate of the car, in the sun, in the rain and under coloured lamps?
# 3. Is the fruit green or red? It fills the picture. The strength of the lamp differs from picture
#    to picture, its colour does not.
#
# One point for two of the tasks, two for all three.

# %% [markdown] question="nf-day-night" points=2
# *Your answer here.*

# %% [markdown]
# ## 5. Group normalization (●●○, 12 minutes)
#
# Between all channels and one channel lies a group of them, {eq}`nf-axes`. Groups are neighbours:
# with 6 channels and 2 groups, channels 0, 1, 2 are one group and 3, 4, 5 the other.
# A reshape splits the axis of the channels into two: which group, and which channel of it.
# In which order must the two stand? Try `np.arange(6)`.
#
# The statistics belong to a group, `gamma` and `beta` still belong to a channel.
# One group, or as many as channels: which members of the family are these, {eq}`nf-limits`?


# %% solution="group_norm"
def group_norm(x, gamma, beta, groups, eps=1e-5):
    """Normalize each group of channels of each image, then scale and shift each channel (Wu & He 2018).

    x: (N, C, H, W). gamma, beta: (C,). groups: how many, a divisor of C. Returns y: (N, C, H, W).

    Example: one image of one pixel, four channels 0, 2, 10, 16, groups = 2, gamma = 1, beta = 0, eps = 0:
    y = -1, 1, -1, 1.
    """
    ### BEGIN SOLUTION
    N, C, H, W = x.shape
    grouped = x.reshape(N, groups, C // groups, H, W)
    x_hat, _ = normalize(grouped, (2, 3, 4), eps)
    x_hat = x_hat.reshape(N, C, H, W)
    return gamma[:, None, None] * x_hat + beta[:, None, None]
    ### END SOLUTION


# %% check="group_norm" points=5
check(group_norm)

# %% [markdown]
# **Question** (5 minutes).
#
# 1. Sets of one entry. For each of the four members (batch, layer, instance, group normalization) name
#    a shape of `x` for which every set has one entry in training.
#    What are `dx`, `dgamma` and `dbeta` then? (1 point)
# 2. Sets of two entries, p and q. Write `x_hat` of both with p - q and `eps`. What of p and q is left
#    where `eps` is tiny, and what where it is large beside the variance? (1 point)

# %% [markdown] question="nf-small-sets" points=2
# *Your answer here.*

# %% [markdown]
# ## 6. Group normalization, backward (●●●, 15 minutes)
#
# The derivation is the one of section 3. Only the sets are others: {eq}`nf-group-backward`.
# `gamma` differs from channel to channel, so inside a set it differs, too.
# `dgamma` and `dbeta` collect over everything that used them.


# %% solution="group_norm_backward"
def group_norm_backward(dout, x, gamma, groups, eps=1e-5):
    """All gradients of group normalization, {eq}`nf-group-backward`, {eq}`nf-dgamma`, {eq}`nf-dbeta`.

    dout, x: (N, C, H, W). gamma: (C,). groups: a divisor of C.
    Returns dx: (N, C, H, W), dgamma: (C,), dbeta: (C,), in this order.

    Example: the row of section 3 as four channels of one pixel, 0, 0, 3, 3, groups = 1, gamma = 1, eps = 0,
    dout = 0, 3, 0, 0: dx = -1, 1, 0, 0.
    """
    ### BEGIN SOLUTION
    N, C, H, W = x.shape
    parts = (N, groups, C // groups, H, W)
    x_hat, ivar = normalize(x.reshape(parts), (2, 3, 4), eps)
    dx_hat = (dout * gamma[:, None, None]).reshape(parts)
    centre = dx_hat.mean(axis=(2, 3, 4), keepdims=True)
    spread = (dx_hat * x_hat).mean(axis=(2, 3, 4), keepdims=True)
    dx = ivar * (dx_hat - centre - x_hat * spread)
    dgamma = (dout * x_hat.reshape(x.shape)).sum(axis=(0, 2, 3))
    dbeta = dout.sum(axis=(0, 2, 3))
    return dx.reshape(x.shape), dgamma, dbeta
    ### END SOLUTION


# %% check="group_norm_backward" points=5
check(group_norm_backward)

# %% [markdown]
# ## 7. Whiten a batch (●●○, 12 minutes)
#
# So far every entry was scaled by itself. Features that say nearly the same still say nearly the same.
# Whitening takes the correlations away, too: {eq}`nf-whiten`. The covariance is over the batch, divided by N,
# with `eps` on its diagonal. Its eigenvectors are the **columns** of U in `np.linalg.eigh`, which returns
# the eigenvalues first. Of all matrices that whiten take the symmetric one, {eq}`nf-zca`.
# Why this one? It stays closest to the data, {eq}`nf-closest`, and its axes do not swap, {eq}`nf-swap`:
# the second experiment below shows this. The chapter multiplies a column by the matrix from the left.
# Your examples are rows, so the matrix stands on the right. As W is symmetric, it is the same one.


# %% solution="decorrelated_batchnorm"
def decorrelated_batchnorm(x, eps=1e-3):
    """Whiten a batch by the symmetric root of its inverse covariance, {eq}`nf-zca` (Huang et al. 2018).

    x: (N, D). eps is added to the diagonal of the covariance. Returns y: (N, D), the mean mu: (D,) and
    the symmetric matrix W: (D, D), where y = (x - mu) @ W.

    Example: x = (1, 0), (-1, 0), (0, 3), (0, -3), eps = 0: the variances are 0.5 and 4.5, the covariance
    is 0. W has 1.414 and 0.471 on its diagonal, and the first row of y is (1.414, 0).
    """
    ### BEGIN SOLUTION
    mu = x.mean(axis=0)
    xc = x - mu
    sigma = xc.T @ xc / len(x) + eps * np.eye(x.shape[1])
    eigenvalues, U = np.linalg.eigh(sigma)
    W = U / np.sqrt(eigenvalues) @ U.T
    return xc @ W, mu, W
    ### END SOLUTION


# %% check="decorrelated_batchnorm" points=5
check(decorrelated_batchnorm)

# %% [markdown]
# ## 8. The same root without eigenvectors (●●○, 12 minutes)
#
# Eigenvectors are slow on a GPU, and their gradient blows up where two eigenvalues meet.
# The iteration {eq}`nf-newton` comes close to the inverse root with multiplications alone.
# It needs eigenvalues between 0 and 3. So divide by the trace first, and give the result its size back
# at the end.
#
# Take **every step** in the precision of `sigma`. `np.eye(D)` holds float64, and one such matrix makes
# everything float64. To round the result to float32 does not undo this:
# the left panel of the experiment below would be a copy of the middle one.


# %% solution="newton_schulz"
def newton_schulz(sigma, steps):
    """The inverse root of sigma, approximately, by so many steps from the identity, {eq}`nf-newton`.

    sigma: (D, D), symmetric, eigenvalues positive, float32 or float64. steps: 0 or more.
    Returns (D, D), computed in the precision of sigma (Huang et al. 2019, algorithm 1).

    Example: sigma = 4 (D = 1): the trace is 4, sigma over its trace is 1, any number of steps gives 0.5.
    sigma = diag(1, 3): 0 steps give diag(0.5, 0.5), 1 step gives diag(0.6875, 0.5625).
    """
    ### BEGIN SOLUTION
    trace = np.trace(sigma)
    scaled = sigma / trace
    P = np.eye(len(sigma), dtype=sigma.dtype)
    for _step in range(steps):
        P = (3 * P - P @ P @ P @ scaled) / 2
    return P / np.sqrt(trace)
    ### END SOLUTION


# %% check="newton_schulz" points=4
check(newton_schulz)

# %% [markdown]
# ## Experiment: how many steps? (5 minutes)
#
# A covariance is given by its eigenvalues: 8 of them, from 1 down to one over the condition number.
# The error is the largest entry of $|W \Sigma W - I|$, taken in float64.
# On the left your `newton_schulz` in float32, in the middle in float64.
# A curve ends where the error is infinite or nan.
# On the right one eigenvalue alone, without the division by the trace: the matrices
# of {eq}`nf-newton` then are numbers. Its error is $|p \sqrt{\lambda} - 1|$.
# (The chapter has a figure of this with other matrices and another norm. Its numbers are not these.)
#
# Before you run it: how does the error fall from step to step? Is it smaller after 40 steps than after 7?


# %% listing="newton-error"
def covariance(condition, dtype=np.float64, D=8):
    """A matrix with D eigenvalues from 1 down to 1 / condition, evenly on a logarithmic scale."""
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(D, D)))[0]
    return ((turn * np.geomspace(1, 1 / condition, D)) @ turn.T).astype(dtype)


def whitening_error(sigma, W):
    """The largest entry of |W sigma W - I|, computed in float64."""
    sigma, W = sigma.astype(float), W.astype(float)
    return np.abs(W @ sigma @ W - np.eye(len(sigma))).max()


def errors_of_one_eigenvalue(value, steps):
    """|p sqrt(value) - 1| before each step, from p = 1."""
    p, errors = 1.0, []
    for _ in range(steps):
        errors.append(abs(p * value**0.5 - 1))
        p *= 1.5 - value * p * p / 2
    return errors


# %% experiment="newton"
steps = np.arange(41)
figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), sharey=True, layout="constrained")
with np.errstate(all="ignore"):
    for ax, dtype in zip(axes, (np.float32, np.float64), strict=False):
        print(f"{dtype.__name__}: error after 3, 5, 7, 10, 20 steps")
        for condition in (10, 100, 1000, 10000, 1000000):
            sigma = covariance(condition, dtype)
            errors = [whitening_error(sigma, newton_schulz(sigma, T)) for T in steps]
            ax.semilogy(steps, errors, label=f"condition number {condition:,}")
            print(f"  condition {condition:9,}:" + "".join(f" {errors[T]:8.1e}" for T in (3, 5, 7, 10, 20)))
        ax.set(title=dtype.__name__, xlabel="steps", ylim=(1e-16, 1e4))
    for value in (0.01, 0.5, 2.5, 2.99, 3.01, 5.01):
        axes[2].semilogy(steps[:21], errors_of_one_eigenvalue(value, 21), label=f"eigenvalue {value}")
axes[2].set(title="one eigenvalue, no trace", xlabel="steps")
axes[0].set_ylabel("error")
axes[0].legend(fontsize=7)
axes[2].legend(fontsize=7)
plt.show()

# %% [markdown]
# **Question** (8 minutes). $s_k = \lambda p_k^2$ as in {eq}`nf-newton-scalar`.
#
# 1. Which eigenvalue holds the error up? By which factor does its s grow in a step while s is small?
#    About how many steps does that make for condition number 1000? How many more steps can the trace cost
#    than a division by the largest eigenvalue? (1 point)
# 2. By {eq}`nf-newton-error` the error falls from step to step. In the first two panels it comes back.
#    The derivation says of P and $\Sigma_N$ something that rounded matrices do not keep. What is it,
#    and which part of P does the equation therefore say nothing about?
#    What would you take: more digits or fewer steps? Use the printed numbers. (1 point)
# 3. On the right: for which s is $s_{k+1} = s_k$? Where do s and p go from below 3, from 3.01, and from 5.01?
#    Which of the three would $|W \Sigma W - I|$ not tell from a success? (1 point)

# %% [markdown] question="nf-newton-limits" points=3
# *Your answer here.*

# %% [markdown]
# ## Experiment: two ways to be white (4 minutes)
#
# Six mini-batches from one and the same distribution: two features, slightly correlated, 128 examples each.
# Three points are the same in all of them and marked. Above, each batch is whitened along its eigenvectors,
# widest direction first, {eq}`nf-pca`. Below, by your `decorrelated_batchnorm`, {eq}`nf-zca`.
# The eigenvectors are read off your W: it has the same ones.
#
# Before you run it: what will the two rows have in common, and which of them would you want to train on?

# %% experiment="axes"
correlation = 0.05
rng = np.random.default_rng(1)
marked = np.array([[1.5, 0.5], [-0.5, 1.5], [-1.0, -1.0]])
figure, axes = plt.subplots(2, 6, figsize=(11, 4), sharex=True, sharey=True, layout="constrained")
places = {"PCA": [], "ZCA": []}
for above, below in axes.T:
    batch = np.vstack([marked, rng.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], 125)])
    y, _, W = decorrelated_batchnorm(batch)
    for ax, kind, white in ((above, "PCA", y @ np.linalg.eigh(W)[1]), (below, "ZCA", y)):
        places[kind].append(white[:3])
        ax.scatter(*white[3:].T, s=3, c="0.7")
        for point, colour, sign in zip(white, ("C0", "C1", "C2"), ("o", "s", "^"), strict=False):
            ax.plot(*point, sign, c=colour, ms=8)
        ax.set(xticks=[], yticks=[], aspect="equal")
for ax, (kind, found) in zip(axes[:, 0], places.items(), strict=True):
    moves = np.linalg.norm(np.diff(found, axis=0), axis=2)
    ax.set_ylabel(f"{kind}\nmoves: {moves.mean():.2f}")
    print(f"{kind}: a marked point moves by {moves.mean():.2f} per batch, at most by {moves.max():.2f}")
plt.show()

# %% [markdown]
# **Question** (6 minutes).
#
# 1. Which eigenvalues does the covariance of the distribution have, written with `correlation`?
#    Set it to 0.5 and run the cell again. Which of the two means falls by much, which does not,
#    and why? (1 point)
# 2. Somebody wants to mend the upper row at 0.05: the eigenvalues stay sorted, and each eigenvector gets
#    the sign that makes its first entry positive. Which moves does this stop, and which not?
#    Which eigenvectors does a covariance with two equal eigenvalues have, and which root? (1 point)

# %% [markdown] question="nf-swapped-axes" points=2
# *Your answer here.*

# %% [markdown]
# ## Worked example: weights with a length of their own
#
# Normalize the weights instead, {eq}`nf-weight-norm`. Each output k of a layer has its row of weights.
# A row is a length, `g[k]`, times a direction, `v[k]` over its own length. Both are trained.


# %% listing="weight-norm"
def weight_norm(v, g):
    """Rows in the directions of those of v, with the lengths g. v: (K, D). g: (K,). Returns w: (K, D)."""
    return v * (g / np.sqrt((v**2).sum(axis=1)))[:, np.newaxis]


print(weight_norm(np.array([[3.0, 4.0], [0.0, 2.0]]), np.array([10.0, 1.0])))

# %% [markdown]
# ## 9. Weight normalization, backward (●●○, 12 minutes)
#
# A gradient with respect to `w` arrives. How much of it goes to the length, {eq}`nf-wn-dg`, and how much to
# the direction, {eq}`nf-wn-dv`? On paper, differentiate $w = g\, v / |v|$ for one row. Do not forget that
# $|v|$ depends on every entry of $v$.


# %% solution="weight_norm_backward"
def weight_norm_backward(dw, v, g):
    """The gradients of v and g, {eq}`nf-wn-dv` and {eq}`nf-wn-dg` (Salimans & Kingma 2016, eq. 3).

    dw, v: (K, D), one row per output. g: (K,), of either sign. Returns dv: (K, D), dg: (K,), in this order.

    Example: v = (3, 4), g = 10, dw = (5, 0): |v| = 5, dg = 3, dv = 2 (5 - 1.8, 0 - 2.4) = (6.4, -4.8).
    """
    ### BEGIN SOLUTION
    length = np.linalg.norm(v, axis=1, keepdims=True)
    v_hat = v / length
    dg = (dw * v_hat).sum(axis=1)
    dv = g[:, None] / length * (dw - dg[:, None] * v_hat)
    return dv, dg
    ### END SOLUTION


# %% check="weight_norm_backward" points=4
check(weight_norm_backward)

# %% [markdown]
# **Question** (5 minutes). `dv` is orthogonal to `v`, so a step of plain gradient descent makes $|v|$ longer.
#
# 1. Does this still hold with weight decay on `v`? And with momentum? (1 point)
# 2. Do the weights `w` that the network uses grow with $|v|$? At a fixed learning rate, with which power
#    of $|v|$ does the angle fall by which `v` turns in a step? (1 point)

# %% [markdown] question="nf-weight-length" points=2
# *Your answer here.*

# %% [markdown]
# ## 10. Your own test (●●●, 15 minutes)
#
# Write the test that you would want before you trust somebody's `group_norm`. It gets a function.
# Where the function is wrong, your test raises an error: use `assert`.
# Any error counts as a rejection, as in pytest.
# Where the function is right, your test returns. Whatever it returns is ignored, `True` and `False` too.
# It is marked on right implementations and on several wrong ones. Right ones may add up in another order
# than yours, and then the last digits differ: compare with `np.allclose`, not with `==`.
#
# The check here takes your own `group_norm` for the right one. Pass section 5 first.
# Where does the truth come from? A slow way that you trust is enough: two loops and one `mean`.
# And what do your inputs hide? One image? One value of `groups`? As many groups as channels in a group?
# One row of pixels? A few entries of `y` instead of all?
# Channels that all look alike? `gamma` of ones, `beta` of zeros? A tiny `eps`?
# And would you see that an input was overwritten? A truth that is computed from it afterwards may agree.


# %% solution="test_group_norm"
def test_group_norm(implementation):
    """Raise an error unless implementation(x, gamma, beta, groups, eps) is right. Else return.

    Right means section 5: every entry of y, for any divisor of C, and the inputs as they were.
    Use assert. Any error counts as a rejection, returning counts as acceptance.
    """
    ### BEGIN SOLUTION
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 6, 4, 5)) * rng.uniform(0.3, 2, (3, 6, 1, 1)) + rng.normal(size=(3, 6, 1, 1))
    gamma, beta, eps = rng.uniform(0.5, 2, 6), rng.normal(size=6), 0.1
    for size in (1, 2, 3, 6):
        given = [x.copy(), gamma.copy(), beta.copy()]
        y = implementation(*given, 6 // size, eps)
        assert all((a == b).all() for a, b in zip(given, (x, gamma, beta), strict=True))
        assert y.shape == x.shape
        for n, c in np.ndindex(3, 6):
            own = x[n, c // size * size :][:size]
            x_hat = (x[n, c] - own.mean()) / np.sqrt(own.var() + eps)
            assert np.allclose(y[n, c], gamma[c] * x_hat + beta[c])
    ### END SOLUTION


# %% check="test_group_norm" points=4
check(test_group_norm)

# %% [markdown]
# You have the whole family in one function and its axes, forward and backward, and a test that tells its
# members apart. The next notebook, `family_torch`, makes layers of them and puts them to work on images.
