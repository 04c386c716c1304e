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
# # Batch normalization in NumPy
#
# You will write batch normalization: forward, backward, at test time, and for images.
# Then you will write the test that checks your backward pass.
#
# **How it works.** Replace each `raise NotImplementedError` by your code. Run the cell.
# Run the check below it. A check never stops the notebook. You may check as often as you like.
#
# **Marks.** Every function is marked on its own. A mistake in one costs nothing in the next,
# as long as you do not call your own functions. Where you call them, check them first.
#
# **Time.** About two and a half hours. ●○○ is a warm-up, ●●○ needs paper, ●●● needs patience.
#
# Shapes: $N$ examples in the batch, $D$ features. `x` has shape `(N, D)`: one row per example.
# Statistics have shape `(D,)`: one number per feature. All arrays hold float64.
# `eq. (…)` is an equation of the chapter *Batch normalization*.

# %%
import matplotlib.pyplot as plt
import numpy as np

import autograder

check = autograder.checks("02-batchnorm/batchnorm_numpy")

# %% [markdown]
# ## Worked example: standardize four numbers
#
# Two features, four examples. The first feature is 1, 3, 5, 7. Its mean is 4.
# Its deviations are −3, −1, 1, 3. Their mean square is (9 + 1 + 1 + 9) / 4 = 5: the variance.
# Divide each deviation by √5. The result has mean 0 and variance 1.
#
# NumPy does it for all features at once. `axis=0` runs down the column: over the examples.

# %% listing="standardize-by-hand"
x = np.array([[1.0, 10.0], [3.0, 30.0], [5.0, 20.0], [7.0, 40.0]])
mean = x.mean(axis=0)
variance = x.var(axis=0)
standardized = (x - mean) / np.sqrt(variance)
print("mean     ", mean)
print("variance ", variance)
print(standardized.round(3))

# %% [markdown]
# ## 1. Forward pass (●○○, 10 minutes)
#
# The worked example lacks two things.
# A constant feature has variance 0: add `eps` under the root, {eq}`bn-normalize`.
# The network may want another scale and another centre.
# It learns them as `gamma` and `beta`, {eq}`bn-scale-shift`.


# %% solution="batchnorm_forward"
def batchnorm_forward(x, gamma, beta, eps=1e-5):
    """Normalize each feature over the batch, then scale and shift.

    {eq}`bn-mean` to {eq}`bn-scale-shift` (Ioffe & Szegedy 2015, Algorithm 1).
    x: (N, D). gamma, beta: (D,). Returns y: (N, D).

    Example: x = 1, 3, 5, 7 (one feature), gamma = 2, beta = 10, eps = 0
    gives y = 7.317, 9.106, 10.894, 12.683.
    """
    ### BEGIN SOLUTION
    mu = x.mean(axis=0)
    var = x.var(axis=0)
    x_hat = (x - mu) / np.sqrt(var + eps)
    return gamma * x_hat + beta
    ### END SOLUTION


# %% check="batchnorm_forward" points=4
check(batchnorm_forward)

# %% [markdown]
# **Question.** One feature of a batch is constant: every example has the value 7.
# What does your function return for this feature? What would it return without `eps`?
# What does `eps` do to a feature whose variance is about as large as `eps`?

# %% [markdown] question="bn-why-eps" points=2
# *Your answer here.*

# %% [markdown]
# ## 2. Running statistics (●●○, 10 minutes)
#
# At test time there may be one image only. It has no batch to take a mean of.
# So training keeps an average of the statistics of its batches:
# {eq}`bn-running-mean` and {eq}`bn-running-var`.
# Both start at zero. Here `momentum` weighs the **old** value.
# The variance is the one of your forward pass: divided by $N$.


# %% solution="running_statistics"
def running_statistics(batches, momentum=0.9):
    """The exponential averages of the batch means and variances, after the last batch.

    {eq}`bn-running-mean`, {eq}`bn-running-var`.
    batches: a list of arrays (N_t, D); the last one may be shorter. Start from zeros.
    Batches may hold integers; the result holds floats.
    Returns running_mean, running_var: (D,) each.

    Example: momentum = 0.9 and batch means 10, then 20: running_mean = 1, then 0.9 * 1 + 0.1 * 20 = 2.9.
    """
    ### BEGIN SOLUTION
    D = batches[0].shape[1]
    running_mean, running_var = np.zeros(D), np.zeros(D)
    for x in batches:
        mu, var = x.mean(axis=0), x.var(axis=0)
        running_mean = momentum * running_mean + (1 - momentum) * mu
        running_var = momentum * running_var + (1 - momentum) * var
    return running_mean, running_var
    ### END SOLUTION


# %% check="running_statistics" points=4
check(running_statistics)

# %% [markdown]
# ## 3. At test time (●○○, 5 minutes)
#
# Now the statistics are given: {eq}`bn-inference`. Nothing is computed from the test batch.
# So the answer for one image does not depend on the images beside it.


# %% solution="batchnorm_inference"
def batchnorm_inference(x, running_mean, running_var, gamma, beta, eps=1e-5):
    """Normalize with the statistics that training has kept, {eq}`bn-inference`.

    x: (N, D), where N may be 1. running_mean, running_var, gamma, beta: (D,). Returns y: (N, D).
    """
    ### BEGIN SOLUTION
    x_hat = (x - running_mean) / np.sqrt(running_var + eps)
    return gamma * x_hat + beta
    ### END SOLUTION


# %% check="batchnorm_inference" points=3
check(batchnorm_inference)

# %% [markdown]
# ## 4. Backward: the parameters (●●○, 10 minutes)
#
# From here on, `dout` is the gradient of the loss with respect to `y`. It has the shape of `y`.
# Each example used the same `beta` and the same `gamma`. So their gradients add up over the batch:
# {eq}`bn-dbeta` and {eq}`bn-dgamma`.


# %% solution="parameter_gradients"
def parameter_gradients(dout, x, eps=1e-5):
    """The gradients of gamma and beta, {eq}`bn-dgamma` and {eq}`bn-dbeta`.

    dout, x: (N, D). Returns dgamma, dbeta: (D,) each, in this order.
    """
    ### BEGIN SOLUTION
    mu, var = x.mean(axis=0), x.var(axis=0)
    x_hat = (x - mu) / np.sqrt(var + eps)
    dgamma = (dout * x_hat).sum(axis=0)
    dbeta = dout.sum(axis=0)
    return dgamma, dbeta
    ### END SOLUTION


# %% check="parameter_gradients" points=4
check(parameter_gradients)

# %% [markdown]
# ## 5. Backward: the statistics (●●○, 15 minutes)
#
# `dx_hat` is the gradient with respect to `x_hat`, {eq}`bn-dxhat`. Here it is given.
# Each feature has one variance and one mean. All $N$ examples used them, so their gradients are sums.
# On paper, differentiate $\hat x = (x - \mu)(\mathrm{var} + \epsilon)^{-1/2}$:
# once by $\mathrm{var}$, once by $\mu$.
# You should arrive at {eq}`bn-dvar` and {eq}`bn-dmu`.


# %% solution="statistics_gradients"
def statistics_gradients(dx_hat, x, eps=1e-5):
    """The gradients of the batch variance and of the batch mean, {eq}`bn-dvar` and {eq}`bn-dmu`.

    dx_hat, x: (N, D). Returns dvar, dmu: (D,) each, in this order.
    """
    ### BEGIN SOLUTION
    mu, var = x.mean(axis=0), x.var(axis=0)
    inv_std = 1 / np.sqrt(var + eps)
    dvar = (dx_hat * (x - mu)).sum(axis=0) * -0.5 * inv_std**3
    dmu = -(dx_hat * inv_std).sum(axis=0)
    return dvar, dmu
    ### END SOLUTION


# %% check="statistics_gradients" points=4
check(statistics_gradients)

# %% [markdown]
# ## 6. Backward: the input (●●○, 10 minutes)
#
# An entry of `x` reaches the loss on three paths: directly, through the variance, through the mean.
# {eq}`bn-dx` adds the three.
# `dvar` and `dmu` come in as arrays. Use them as they are.


# %% solution="input_gradient"
def input_gradient(dx_hat, x, dvar, dmu, eps=1e-5):
    """The gradient of the input from the gradients on its three paths, {eq}`bn-dx`.

    dx_hat, x: (N, D). dvar, dmu: (D,). Returns dx: (N, D).
    """
    ### BEGIN SOLUTION
    N = x.shape[0]
    mu, var = x.mean(axis=0), x.var(axis=0)
    inv_std = 1 / np.sqrt(var + eps)
    return dx_hat * inv_std + dvar * 2 * (x - mu) / N + dmu / N
    ### END SOLUTION


# %% check="input_gradient" points=4
check(input_gradient)

# %% [markdown]
# ## 7. Backward: the whole in closed form (●●●, 20 minutes)
#
# Put {eq}`bn-dvar` and {eq}`bn-dmu` into {eq}`bn-dx`. What remains is {eq}`bn-closed`.
# Its two sums are no new work: compare them with `dbeta` and `dgamma`.
# You may also chain your three functions. Both ways are right.


# %% solution="batchnorm_backward"
def batchnorm_backward(dout, x, gamma, eps=1e-5):
    """All gradients of batch normalization, {eq}`bn-closed`, {eq}`bn-dgamma`, {eq}`bn-dbeta`.

    dout, x: (N, D). gamma: (D,). Returns dx: (N, D), dgamma: (D,), dbeta: (D,), in this order.
    """
    ### BEGIN SOLUTION
    N = x.shape[0]
    mu, var = x.mean(axis=0), x.var(axis=0)
    inv_std = 1 / np.sqrt(var + eps)
    x_hat = (x - mu) * inv_std
    dbeta = dout.sum(axis=0)
    dgamma = (dout * x_hat).sum(axis=0)
    dx = gamma * inv_std / N * (N * dout - dbeta - x_hat * dgamma)
    return dx, dgamma, dbeta
    ### END SOLUTION


# %% check="batchnorm_backward" points=6
check(batchnorm_backward)

# %% [markdown]
# **Question.** A linear layer with a bias $b$ stands right before batch normalization.
# What happens to the output when $b$ grows by 1? What is the gradient of $b$?
# Say which term of {eq}`bn-closed` shows it. What follows for the layer?

# %% [markdown] question="bn-bias" points=2
# *Your answer here.*

# %% [markdown]
# ## 8. Images (●●○, 15 minutes)
#
# A convolution uses one filter at all pixels.
# So batch normalization keeps one mean and one variance per **channel**.
# Every pixel of every image is an example, {eq}`bn-spatial`.
# Bring `x` into the shape `(N * H * W, C)`, {eq}`bn-spatial-shape`, call `batchnorm`, and go back.
#
# The default of `batchnorm` is your own function. You may also compute without it, over three axes.


# %% solution="spatial_batchnorm"
def spatial_batchnorm(x, gamma, beta, eps=1e-5, batchnorm=batchnorm_forward):
    """Batch normalization of images: one mean and one variance per channel, {eq}`bn-spatial`.

    x: (N, C, H, W). gamma, beta: (C,). batchnorm: called as batchnorm(rows, gamma, beta, eps),
    with rows: (M, C). Returns y: (N, C, H, W).
    """
    ### BEGIN SOLUTION
    N, C, H, W = x.shape
    rows = x.transpose(0, 2, 3, 1).reshape(-1, C)
    y = batchnorm(rows, gamma, beta, eps)
    return y.reshape(N, H, W, C).transpose(0, 3, 1, 2)
    ### END SOLUTION


# %% check="spatial_batchnorm" points=4
check(spatial_batchnorm)

# %% [markdown]
# ## 9. The numerical gradient (●●○, 15 minutes)
#
# A derivation may be wrong. A difference quotient is only inexact.
# Take one entry of `x`. Move it up by `h`, then down by `h`.
# See how the number `(f(x) * dout).sum()` changes: {eq}`bn-numerical`.
# Do so for every entry. Leave `x` as you found it.


# %% solution="numerical_gradient"
def numerical_gradient(f, x, dout, h=1e-5):
    """The gradient of sum(f(x) * dout) by central differences, {eq}`bn-numerical`.

    f: takes an array like x and returns an array like dout. x: float64, any shape.
    Returns an array of the shape of x. x itself is not changed.

    Example: f(x) = x**3, x = 2, dout = 1, h = 0.1: (2.1**3 - 1.9**3) / 0.2 = 12.01.
    """
    ### BEGIN SOLUTION
    gradient = np.empty_like(x)
    for i in np.ndindex(x.shape):
        plus, minus = x.copy(), x.copy()
        plus[i] += h
        minus[i] -= h
        gradient[i] = ((f(plus) - f(minus)) * dout).sum() / (2 * h)
    return gradient
    ### END SOLUTION


# %% check="numerical_gradient" points=4
check(numerical_gradient)

# %% [markdown]
# ## 10. Your own test (●●●, 20 minutes)
#
# Write the test that you would want before you trust a backward pass.
# It gets a function. When the function is wrong, it must raise an `AssertionError`.
# When the function is right, it must simply return.
# Use `assert`: a returned `True` or `False` is ignored.
# It is marked on one right implementation and on several wrong ones.
#
# The check takes your own `batchnorm_backward` for the right one. Pass sections 1, 7 and 9 first.
# `batchnorm_forward` and `numerical_gradient` give you the truth.
# The choice of inputs is yours, and it decides: some inputs hide mistakes.
# Ask yourself what `dout` full of ones does to `dx`, and what `gamma = 1` hides.


# %% solution="test_batchnorm_backward"
def test_batchnorm_backward(implementation):
    """Raise AssertionError unless implementation(dout, x, gamma, eps) returns the right dx, dgamma, dbeta.

    Use assert and np.allclose.
    """
    ### BEGIN SOLUTION
    rng = np.random.default_rng(0)
    x, dout = rng.normal(3, 0.5, (6, 4)), rng.normal(size=(6, 4))
    gamma, beta, eps = rng.normal(1, 0.5, 4), rng.normal(size=4), 0.05
    expected = (
        numerical_gradient(lambda z: batchnorm_forward(z, gamma, beta, eps), x, dout),
        numerical_gradient(lambda g: batchnorm_forward(x, g, beta, eps), gamma, dout),
        numerical_gradient(lambda b: batchnorm_forward(x, gamma, b, eps), beta, dout),
    )
    for got, wanted in zip(implementation(dout, x, gamma, eps), expected, strict=True):
        assert got.shape == wanted.shape
        assert np.allclose(got, wanted, rtol=1e-5, atol=1e-7)
    ### END SOLUTION


# %% check="test_batchnorm_backward" points=5
check(test_batchnorm_backward)

# %% [markdown]
# ## Experiment: a deep network with weights of the wrong size
#
# Ten layers: multiply by a random matrix, apply ReLU. No training.
# The entries of the matrices have standard deviation `scale * sqrt(2 / width)`; `scale = 1` is He's choice.
# The picture shows the size of the activations, layer by layer, for four scales.
# Before you run it, draw on paper what you expect, without and with batch normalization.


# %%
def activation_sizes(scale, normalize, layers=10, width=200, seed=0):
    """The standard deviation of the activations after each layer of a random ReLU network."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(256, width))
    sizes = []
    for _ in range(layers):
        x = x @ rng.normal(0, scale * np.sqrt(2 / width), (width, width))
        if normalize:
            x = batchnorm_forward(x, np.ones(width), np.zeros(width))
        x = np.maximum(x, 0)
        sizes.append(x.std())
    return sizes


# %% experiment="weight-scales"
figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), sharey=True)
for axis, normalize in zip(axes, (False, True), strict=True):
    for scale in (0.5, 1.0, 1.5, 2.0):
        axis.semilogy(range(1, 11), activation_sizes(scale, normalize), marker="o", label=f"scale {scale}")
    axis.set(title="with batch normalization" if normalize else "without", xlabel="layer")
axes[0].set_ylabel("standard deviation of the activations")
axes[1].legend()
plt.show()

# %% [markdown]
# **Question.** Without batch normalization, by what factor does the size change per layer,
# for `scale = 0.5` and for `scale = 2`? Why do the four curves fall onto one another with it?
# What could still go wrong if a layer had `scale = 1e-4`?

# %% [markdown] question="bn-weight-scale" points=2
# *Your answer here.*

# %% [markdown]
# You have written batch normalization, and a test that checks it. The next notebook, `batchnorm_torch`,
# makes a layer of it and trains a network on images.
