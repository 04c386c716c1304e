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
# # Activations, initialization and skip connections in NumPy
#
# A signal goes up through twenty layers, and a gradient comes down. You will write what they meet on the way:
# five activations backward, the weights of Glorot and of He, and a block with a skip connection.
# With a probe of your own you will watch signal and gradient die, explode or live.
# At the end you write the test that finds a wrong block.
#
# **How it works.** Replace each `raise NotImplementedError` by your code. Run the cell,
# then the check below it. A check never stops the notebook. You may check as often as you like.
#
# **Marks.** Every function is marked on its own. A mistake in one costs nothing in the next,
# as long as you do not call your own functions. Where you call them, check them first.
#
# **Time.** About two and a half hours. ●○○ is a warm-up, ●●○ needs paper, ●●● needs patience.
#
# `x` has shape `(N, D)`: one row per example. A layer computes $z = x W$ and $a = f(z)$. z is its
# pre-activation, a its activation, and `W` has shape `(fan_in, fan_out)`. There are no biases here. `dout` is
# the gradient of the loss with respect to what a function returned, with the same shape. Your functions
# return new arrays. No function may change its inputs. A loop over the examples is right, but slow: NumPy
# does without it. `eq. (…)` is an equation of the chapter *Activations, initialization and skip connections*.

# %%
import matplotlib.pyplot as plt
import numpy as np

import autograder

check = autograder.checks("04-initialization/initialization_numpy")

# %% [markdown]
# ## Worked example: ReLU, forward and backward
#
# An activation works on each entry alone. So its backward pass is short, {eq}`in-chain`:
# the upstream gradient times the slope at `z`. The slope of ReLU is 0 or 1, {eq}`in-relu-slope`.
# At 0 it has no slope. PyTorch takes 0 there, and so do we.
#
# Is it right? Difference quotients know: move one entry of `z` up and down by a little,
# and look how far the loss moves. `difference_quotients` does so for every entry. You may use it everywhere.


# %% listing="relu"
def relu(z):
    """max(0, z), entry by entry. z: any shape."""
    return np.maximum(0, z)


def relu_backward(dout, z):
    """The gradient with respect to z. dout, z: the same shape."""
    return dout * (z > 0)


def difference_quotients(f, x, dout, h=1e-6):
    """The gradient of sum(f(x) * dout) with respect to x, one entry after the other."""
    gradient = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[place] = h
        gradient[place] = ((f(x + step) - f(x - step)) * dout).sum() / (2 * h)
    return gradient


z, dout = np.array([[-2.0, 0.5, 3.0]]), np.array([[10.0, 20.0, -30.0]])
print("backward ", relu_backward(dout, z))
print("quotients", difference_quotients(relu, z, dout))

# %% [markdown]
# ## 1. The sigmoid, backward (●○○, 8 minutes)
#
# The slope of the sigmoid needs nothing but its output: $a (1 - a)$, {eq}`in-sigmoid-slope`. But `z` may be
# 800 or −800, and $e^{800}$ is no number of 64 bits: NumPy makes it `inf`. Which formulas survive that? `1 /
# inf` is 0. `inf / inf` is `nan`, and `nan` travels on in silence. With {eq}`in-softplus-safe` no large
# exponential needs to be computed. `np.where` computes **both** its sides and then picks, so it may warn of
# an `overflow` or an `invalid value` on the side that it does not take. A warning costs nothing, a `nan` in
# your result does.


# %% solution="sigmoid_backward"
def sigmoid_backward(dout, z):
    """The gradient of the sigmoid with respect to z, {eq}`in-sigmoid-slope`. No nan for z = 800 or -800.

    dout, z: the same shape. Returns dz, with this shape.

    Example: z = 0, dout = 8: the slope is 1/4, dz = 2. For z = 2 the slope is 0.105.
    """
    ### BEGIN SOLUTION
    e = np.exp(-np.abs(z))
    a = np.where(z >= 0, 1, e) / (1 + e)
    return dout * a * (1 - a)
    ### END SOLUTION


# %% check="sigmoid_backward" points=3
check(sigmoid_backward)

# %% [markdown]
# ## 2. The hyperbolic tangent, backward (●○○, 4 minutes)
#
# tanh is a sigmoid that was stretched and moved, {eq}`in-tanh`. Its output lies around 0.
# Its slope is four times as steep in the middle, {eq}`in-tanh-slope`. `np.tanh` bears every `z`.


# %% solution="tanh_backward"
def tanh_backward(dout, z):
    """The gradient of tanh with respect to z, {eq}`in-tanh-slope`. No nan for z = 800 or -800.

    dout, z: the same shape. Returns dz, with this shape.

    Example: z = 0, dout = 8: dz = 8. For z = 1 the slope is 1 - 0.7616 ** 2 = 0.42.
    """
    ### BEGIN SOLUTION
    a = np.tanh(z)
    return dout * (1 - a**2)
    ### END SOLUTION


# %% check="tanh_backward" points=2
check(tanh_backward)

# %% [markdown]
# **Question** (5 minutes). A friend subtracts 1/2 from the output of every sigmoid and leaves all else as it
# is. What changes in {eq}`in-sign`, what in {eq}`in-vanish`? She then multiplies the result by 2. Which
# activation is that, and at which place is it taken? What changes now? Could the weights of the next layer
# have done the same? Could its biases?

# %% [markdown] question="in-one-sign" points=2
# *Your answer here.*

# %% [markdown]
# ## 3. Leaky ReLU, backward (●○○, 5 minutes)
#
# ReLU is flat below 0. A unit that is below 0 for every example gets no gradient, so no step moves its
# weights: it is **dead**. Leaky ReLU keeps a small slope, {eq}`in-leaky`. With `slope = 0` it is ReLU. At
# `z = 0` take `slope`, as PyTorch does.


# %% solution="leaky_relu_backward"
def leaky_relu_backward(dout, z, slope):
    """The gradient of leaky ReLU with respect to z, {eq}`in-leaky` (Maas et al. 2013).

    dout, z: the same shape. slope: of the negative side, a number from 0 to 1, and of z = 0.
    Returns dz, with the shape of z.

    Example: z = -2, 0, 3, dout = 10, 20, -30, slope = 0.1: dz = 1, 2, -30.
    """
    ### BEGIN SOLUTION
    return dout * np.where(z > 0, 1.0, slope)
    ### END SOLUTION


# %% check="leaky_relu_backward" points=3
check(leaky_relu_backward)

# %% [markdown]
# ## Worked example: ELU does not overflow
#
# ELU bends softly towards −α, {eq}`in-elu`. `np.where` computes **both** sides and then picks, so
# `np.exp` also meets the large positive `z`. `np.minimum(z, 0)` keeps them away.
# `np.expm1(z)` is $e^z - 1$ without the loss of digits near 0.


# %% listing="elu"
def elu(z, alpha):
    """z above 0, alpha * (exp(z) - 1) elsewhere. z: any shape."""
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


print(elu(np.array([-800.0, -1.0, -1e-12, 2.0, 800.0]), 1.5))

# %% [markdown]
# ## 4. ELU, backward (●●○, 6 minutes)
#
# Differentiate {eq}`in-elu` on paper. At `z = 0` take the formula of the negative side, as PyTorch does.
# `z` may be 800: `0 * inf` is `nan`.


# %% solution="elu_backward"
def elu_backward(dout, z, alpha):
    """The gradient of ELU with respect to z, {eq}`in-elu` (Clevert et al. 2016). No nan for z = 800 or -800.

    dout, z: the same shape. alpha: a positive number. Returns dz, with the shape of z.

    Example: z = -1, 0, 2, dout = 10, 10, 10, alpha = 1.5: dz = 5.518, 15, 10.
    """
    ### BEGIN SOLUTION
    return dout * np.where(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0)))
    ### END SOLUTION


# %% check="elu_backward" points=3
check(elu_backward)

# %% [markdown]
# ## 5. Maxout, backward (●●○, 10 minutes)
#
# A maxout unit computes K pre-activations, its pieces, and passes the largest on, {eq}`in-maxout`.
# Only the piece that won has moved the output, so it gets the whole gradient. The others get 0.
# Of pieces that are equal the first one wins.


# %% solution="maxout_backward"
def maxout_backward(dout, z):
    """The gradient of max(z, axis=1) with respect to z, {eq}`in-maxout` (Goodfellow et al. 2013).

    z: (N, K, M): example, piece, unit. dout: (N, M). Returns dz: (N, K, M). Of equal pieces the first wins.

    Example: one example, one unit, the pieces -1, 4, 4, dout = 5: dz = 0, 5, 0.
    """
    ### BEGIN SOLUTION
    winner = z.argmax(axis=1)[:, None]
    pieces = np.arange(z.shape[1])[:, None]
    return dout[:, None] * (pieces == winner)
    ### END SOLUTION


# %% check="maxout_backward" points=3
check(maxout_backward)

# %% [markdown]
# **Question** (5 minutes). A friend trains with ReLU, and after one step with a large learning rate a third
# of the units is dead. What has happened to their weights, and why does no later step move them? What else
# could bring such a unit back? How would leaky ReLU, ELU and tanh have fared? A unit is 0 for 9 of 10
# examples: is it dead? What must you look at to tell the two apart?

# %% [markdown] question="in-dead" points=2
# *Your answer here.*

# %% [markdown]
# ## 6. The variance of a product (●○○, 5 minutes)
#
# Now the weights. How large is $z = \sum_j a_j W_j$ for random weights? It is a sum of products.
# For independent X and Y the variance of the product has three terms, {eq}`in-var-product`.
# Try it out when you are done: draw a million pairs, and compare with `(X * Y).var()`.


# %% solution="product_variance"
def product_variance(mean_x, var_x, mean_y, var_y):
    """var(X Y) for independent X and Y, {eq}`in-var-product`. Numbers in, a number out.

    Example: means 2 and 3, variances 1 and 4: 1 * 4 + 1 * 9 + 4 * 4 = 29.
    """
    ### BEGIN SOLUTION
    return var_x * var_y + var_x * mean_y**2 + var_y * mean_x**2
    ### END SOLUTION


# %% check="product_variance" points=2
check(product_variance)

# %% [markdown]
# ## 7. How many inputs, how many outputs? (●○○, 6 minutes)
#
# `fan_in` is the number of terms in the sum that makes one output, {eq}`in-var-sum`.
# `fan_out` is the number of outputs that one input goes to. For a dense layer both stand in the shape.
# A convolution sums over all channels and over the whole kernel, {eq}`in-conv-fan`,
# and an input goes into as many places of every output channel. A kernel need not be square:
# it has height times width pixels.


# %% solution="fan_in_and_out"
def fan_in_and_out(shape):
    """fan_in and fan_out of a layer from the shape of its weights, {eq}`in-conv-fan`.

    shape: a tuple, (in, out) of a dense layer, or (out, in, height, width) of a convolution.
    Returns two whole numbers, fan_in first.

    Example: (300, 100) gives 300 and 100. 16 filters of 5 x 5 on RGB images, (16, 3, 5, 5), give 75 and 400.
    """
    ### BEGIN SOLUTION
    if len(shape) == 2:
        return shape[0], shape[1]
    out_channels, in_channels, height, width = shape
    return in_channels * height * width, out_channels * height * width
    ### END SOLUTION


# %% check="fan_in_and_out" points=2
check(fan_in_and_out)

# %% [markdown]
# ## 8. Glorot's weights (●●○, 8 minutes)
#
# Near 0 tanh is a straight line of slope 1. Then the signal on its way up wants var(W) = 1 / fan_in,
# {eq}`in-var-sum`, and the gradient on its way down 1 / fan_out, {eq}`in-backward`.
# Glorot and Bengio take the middle, {eq}`in-glorot`.
# Here the weights are uniform between −r and r. Which r has this variance, {eq}`in-uniform`?
#
# All random numbers come from `rng`, a generator that the caller hands in: `rng.uniform`, not `np.random`.
# So the caller decides what is drawn, and can draw it again.


# %% solution="glorot_uniform"
def glorot_uniform(fan_in, fan_out, rng):
    """Weights uniform between -r and r with the variance {eq}`in-glorot` (Glorot & Bengio 2010, eq. 16).

    fan_in, fan_out: whole numbers. rng: a np.random.Generator. Returns W: (fan_in, fan_out).

    Example: fan_in = 4, fan_out = 2: r = 1, the variance is 1/3.
    """
    ### BEGIN SOLUTION
    r = np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-r, r, (fan_in, fan_out))
    ### END SOLUTION


# %% check="glorot_uniform" points=3
check(glorot_uniform)

# %% [markdown]
# ## 9. He's weights (●●○, 8 minutes)
#
# ReLU takes half of the second moment away, {eq}`in-second-moment`, so the weights need twice the variance:
# {eq}`in-he`. Leaky ReLU takes less away: its gain is {eq}`in-gain`, and the standard deviation of the
# weights is the gain over $\sqrt{\text{fan\_in}}$. These weights are normal.


# %% solution="he_normal"
def he_normal(fan_in, fan_out, rng, slope=0.0):
    """Normal weights for layers of leaky ReLU, of ReLU with slope = 0 (He et al. 2015, eq. 10 and 15).

    The mean is 0, the standard deviation the gain of {eq}`in-gain` over the root of fan_in.
    rng: a np.random.Generator. Returns W: (fan_in, fan_out).

    Example: fan_in = 8, slope = 0: the standard deviation is 0.5. With slope = 0.5 it is 0.447.
    """
    ### BEGIN SOLUTION
    std = np.sqrt(2 / ((1 + slope**2) * fan_in))
    return rng.normal(0, std, (fan_in, fan_out))
    ### END SOLUTION


# %% check="he_normal" points=3
check(he_normal)

# %% [markdown]
# **Question** (5 minutes). A network with one hidden layer of ReLU. One friend sets all weights to 0.1.
# Another one draws W1 with your `he_normal` and sets W2 to 0. A third one sets W1 to 0 and draws W2.
# For each: which gradients are 0 in the first step, and which in the second? How many different units has
# the hidden layer in the end? What must differ between two units, so that they learn different things?

# %% [markdown] question="in-equal-weights" points=2
# *Your answer here.*

# %% [markdown]
# ## 10. A probe for the signal (●○○, 8 minutes)
#
# How large is the signal on its way up? Send a batch through the layers, and note after each activation one
# number: the standard deviation of all its entries. It takes a second, before any training.


# %% solution="layer_stds"
def layer_stds(x, weights, activation):
    """The standard deviation of the activations after each layer, over all entries.

    x: (N, D). weights: a list of L matrices W, one per layer, in order. activation: a function of z.
    Returns L numbers as an array (L,). A layer is activation(x @ W), and its result is the next layer's x.

    Example: x = [[1], [3]], weights [[2]] and [[-2]], activation np.abs:
    the activations are 2 and 6, then 4 and 12. The standard deviations are 2 and 4.
    """
    ### BEGIN SOLUTION
    stds = []
    for W in weights:
        x = activation(x @ W)
        stds.append(x.std())
    return np.array(stds)
    ### END SOLUTION


# %% check="layer_stds" points=4
check(layer_stds)

# %% [markdown]
# ## Experiment: twenty layers, up and down (10 minutes)
#
# Twenty layers of 100 units, a random batch of 200 examples, random weights: too small (0.01), Glorot's,
# He's, and three times He's. Above: the standard deviation of the activations, layer by layer, from your
# `layer_stds`. Below: that of the gradient with respect to `z`, from the last layer down to the first, by
# your backward functions. The last picture shows the activations themselves in layers 1, 10 and 20.
#
# Before you run it: which of the twelve pairs will still see its signal in layer 20, and its gradient in
# layer 1?


# %% listing="gradients"
def gradient_stds(x, weights, activation, backward, dout):
    """The standard deviation of the gradient with respect to z of each layer, first layer first.

    x, weights, activation: as in layer_stds. backward(dout, z): that of the activation.
    dout: the gradient with respect to the activations of the last layer.
    """
    pre_activations = []
    for W in weights:
        pre_activations.append(x @ W)
        x = activation(pre_activations[-1])
    sizes = []
    for z, W in zip(pre_activations[::-1], weights[::-1], strict=True):
        dz = backward(dout, z)
        sizes.insert(0, dz.std())
        dout = dz @ W.T
    return np.array(sizes)


# %% experiment="twenty-layers"
L, D = 20, 100
rng = np.random.default_rng(0)
x, dout = rng.normal(size=(2, 200, D))
activations = {
    "sigmoid": (lambda z: (1 + np.tanh(z / 2)) / 2, sigmoid_backward),
    "tanh": (np.tanh, tanh_backward),
    "ReLU": (relu, lambda dout, z: leaky_relu_backward(dout, z, 0.0)),
}
initializers = {
    "0.01": lambda: 0.01 * rng.normal(size=(D, D)),
    "Glorot": lambda: glorot_uniform(D, D, rng),
    "He": lambda: he_normal(D, D, rng),
    "3 He": lambda: 3 * he_normal(D, D, rng),
}
layers = np.arange(1, L + 1)
figure, axes = plt.subplots(2, 3, figsize=(10, 5), sharex=True, sharey="row", layout="constrained")
networks = {name: [draw() for _ in range(L)] for name, draw in initializers.items()}
print("std in layer 20, of the gradient in layer 1, and that over the gradient in layer 20")
for (up, down), (name, (activation, backward)) in zip(axes.T, activations.items(), strict=True):
    for kind, weights in networks.items():
        signal = layer_stds(x, weights, activation)
        gradient = gradient_stds(x, weights, activation, backward, dout)
        print(f"{name:8} {kind:7} {signal[-1]:8.1e} {gradient[0]:8.1e} {gradient[0] / gradient[-1]:8.1e}")
        up.semilogy(layers, signal, "o-", ms=3, label=kind)
        down.semilogy(layers, gradient, "s-", ms=3, label=kind)
    up.set(title=name)
    down.set(xlabel="layer", xticks=(1, 5, 10, 15, 20))
axes[0, 0].set_ylabel("std of the activations")
axes[1, 0].set_ylabel("std of the gradient")
axes[0, 0].legend(fontsize=8)
plt.show()

figure, axes = plt.subplots(3, 4, figsize=(10, 5), layout="constrained")
for row, (name, (activation, _)) in zip(axes, activations.items(), strict=True):
    for ax, (kind, weights) in zip(row, networks.items(), strict=True):
        a = x
        for layer, W in enumerate(weights, start=1):
            a = activation(a @ W)
            if layer in (1, 10, 20):
                ax.hist(a.ravel(), bins=40, histtype="step", density=True, label=f"layer {layer}")
        ax.set(title=f"{name}, {kind}", yscale="log")
        ax.tick_params(axis="x", labelsize=7)
        ax.tick_params(axis="y", which="both", left=False, labelleft=False)
axes[0, 0].legend(fontsize=7)
plt.show()

# %% [markdown]
# **Question** (8 minutes). Compare with what you expected. By which factor per layer does the signal of ReLU
# shrink with Glorot's weights, and which equation says so? The gradient of the sigmoid vanishes with all
# four, also where the standard deviation of its activations looks healthy: why, and what does that number
# hide? Weights three times He's put tanh at its ends. What do you see in its histograms? Does its gradient
# vanish there? Put numbers into {eq}`in-backward` before you answer. Which pairs would you train?

# %% [markdown] question="in-twenty-layers" points=3
# *Your answer here.*

# %% [markdown]
# ## 11. A block with a skip connection (●●○, 8 minutes)
#
# Let the layers learn only what is to be **added** to their input, {eq}`in-skip`.
# A residual block has a branch of two layers. Its result is added to the input, then comes the second ReLU,
# {eq}`in-residual-block`. Where is there no activation? The messages of the checks use the names of the
# chapter: $v = x W_1$, $h = \operatorname{relu}(v)$ and $u = x + h W_2$.


# %% solution="residual_block"
def residual_block(x, W1, W2):
    """relu(x + relu(x W1) W2), {eq}`in-residual-block` (He et al. 2016).

    x: (N, D). W1: (D, H). W2: (H, D). Returns y: (N, D). x stays as it is.

    Example: x = (1, -2), W1 = (3, 1) as a column, W2 = (-2, 4): the branch is 1 and then (-2, 4), y = (0, 2).
    """
    ### BEGIN SOLUTION
    h = relu(x @ W1)
    return relu(x + h @ W2)
    ### END SOLUTION


# %% check="residual_block" points=3
check(residual_block)

# %% [markdown]
# ## 12. The block, backward (●●●, 20 minutes)
#
# Node by node, from the end: the last ReLU, the sum, the branch. A sum hands its gradient to **both**
# of its terms, and `x` was used twice, so `dx` is a sum as well. {eq}`in-skip-backward` shows what that does.
# For a product $z = x W$ you know $dx = dz\, W^T$ and $dW = x^T dz$, {eq}`in-chain`.
# Which quantity does each ReLU look at to decide what passes? No check asks what happens at exactly 0.
# `difference_quotients` tells you whether you are right.


# %% solution="residual_block_backward"
def residual_block_backward(dout, x, W1, W2):
    """All gradients of y = relu(x + relu(x W1) W2), {eq}`in-residual-block`.

    dout, x: (N, D). W1: (D, H). W2: (H, D). Returns dx: (N, D), dW1: (D, H), dW2: (H, D), in this order.

    Example: that of section 11 with dout = (5, 10): dx = (120, 50), dW1 = (40, -80), dW2 = (0, 10).
    """
    ### BEGIN SOLUTION
    z1 = x @ W1
    h = relu(z1)
    dz2 = relu_backward(dout, x + h @ W2)
    dz1 = relu_backward(dz2 @ W2.T, z1)
    return dz2 + dz1 @ W1.T, x.T @ dz1, h.T @ dz2
    ### END SOLUTION


# %% check="residual_block_backward" points=6
check(residual_block_backward)

# %% [markdown]
# ## Experiment: twenty blocks (6 minutes)
#
# Twenty blocks of 64 units. What changes is the size of the branches:
# weights of 0.01, with the skip connection and without it, weights of He,
# weights of He where the second layer of each branch is divided by $\sqrt{20}$, and zeros there.
# In the last variant the skip connection takes along only half of its input, $\tfrac12 x + F(x)$,
# {eq}`in-scaled-identity`, with weights of 0.01.
# Left: the standard deviation after each block. Right: that of the gradient with respect to its input.
# One of the six curves soon leaves the picture, and two lie nearly on each other.
#
# Before you run it: after twenty blocks, which signal has died, which has exploded? And the gradients?


# %% listing="blocks"
def through_blocks(x, blocks, dout, keep=1.0):
    """Standard deviations after each block, and of the gradient with respect to each block's input.

    blocks: pairs W1, W2. keep: the share of its input that the skip connection takes along:
    keep * x + F(x) = keep * (x + F(x) / keep), and relu(keep * z) = keep * relu(z).
    """
    inputs, up, down = [x], [], []
    for W1, W2 in blocks:
        inputs.append(keep * residual_block(inputs[-1], W1, W2 / keep))
        up.append(inputs[-1].std())
    for x, (W1, W2) in zip(inputs[-2::-1], blocks[::-1], strict=True):
        dout, _, _ = residual_block_backward(keep * dout, x, W1, W2 / keep)
        down.insert(0, dout.std())
    return np.array(up), np.array(down)


# %% experiment="twenty-blocks"
L, D = 20, 64
rng = np.random.default_rng(0)
x, dout = rng.normal(size=(2, 200, D))
he = [(he_normal(D, D, rng), he_normal(D, D, rng)) for _ in range(L)]
small = [(0.01 * rng.normal(size=(D, D)), 0.01 * rng.normal(size=(D, D))) for _ in range(L)]
plain = [W for block in small for W in block]
found = {
    "0.01, no skip": (
        layer_stds(x, plain, relu)[1::2],
        gradient_stds(x, plain, relu, relu_backward, dout)[::2],
    ),
    "0.01": through_blocks(x, small, dout),
    "He": through_blocks(x, he, dout),
    "He, branch / √20": through_blocks(x, [(W1, W2 / L**0.5) for W1, W2 in he], dout),
    "He, branch 0": through_blocks(x, [(W1, 0 * W2) for W1, W2 in he], dout),
    "0.01, half the input": through_blocks(x, small, dout, keep=0.5),
}
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
print("std after block 20, and of the gradient at the input of block 1")
for name, (up, down) in found.items():
    print(f"{name:21} {up[-1]:8.1e} {down[0]:8.1e}")
    left.semilogy(np.arange(1, L + 1), up, "o-", ms=3, label=name)
    right.semilogy(np.arange(1, L + 1), down, "s-", ms=3, label=name)
for ax, what in ((left, "activations"), (right, "gradient")):
    ax.set(title=f"std of the {what}", xlabel="block", xticks=(1, 5, 10, 15, 20), ylim=(1e-8, 1e5))
right.legend(fontsize=7)
plt.show()

# %% [markdown]
# **Question** (8 minutes). Which of the six would you train? Why does the gradient reach block 1 with
# weights of 0.01, although it does not without the skip? Multiply out {eq}`in-skip-backward` for two
# blocks: how many paths are there, and how many for twenty? Why does He's branch explode here, and where
# does the $\sqrt{20}$ come from, {eq}`in-branch-variance`? Half the input sounds harmless: divide the two
# numbers of the last line by those of the line `0.01`. Which power are they? With a branch of zeros, which
# weights of a block learn in the first step?

# %% [markdown] question="in-twenty-blocks" points=3
# *Your answer here.*

# %% [markdown]
# ## 13. Your own test (●●●, 15 minutes)
#
# Write the test that you would want before you trust somebody's `residual_block_backward`. It gets a
# function. Where the function is wrong, your test raises an error: use `assert`. Any error counts as a
# rejection, as in pytest. Where the function is right, your test returns. Whatever it returns is ignored,
# `True` and `False` too. It is marked on a right implementation and on wrong ones, and those are others than
# the check here has: who tests all three gradients, entry by entry, need not know them.
#
# The check here takes your own `residual_block_backward` for the right one. Pass section 12 first.
#
# Difference quotients are a witness, for each of the three gradients. What do your inputs hide? Weights of
# zero? A `dout` of ones? An `x` that is positive everywhere, or one example only? Does every ReLU close for
# some entries and open for others, the last one too? And would you see that an input was overwritten, x or
# another one?


# %% solution="test_residual_block_backward"
def test_residual_block_backward(implementation):
    """Raise an error unless implementation(dout, x, W1, W2) is right. Else return.

    Right means section 12: dx, dW1 and dW2, each with the shape of its array, and the inputs as they were.
    Use assert. Any error counts as a rejection, returning counts as acceptance.
    """
    ### BEGIN SOLUTION
    rng = np.random.default_rng(0)
    dout, x = rng.normal(size=(2, 6, 3))
    W1, W2 = rng.normal(size=(3, 5)), rng.normal(size=(5, 3))
    given = [v.copy() for v in (dout, x, W1, W2)]
    found = implementation(*given)
    assert all((v == before).all() for v, before in zip(given, (dout, x, W1, W2), strict=True))

    def y(x, W1, W2):
        return relu(x + relu(x @ W1) @ W2)

    expected = (
        difference_quotients(lambda v: y(v, W1, W2), x, dout),
        difference_quotients(lambda v: y(x, v, W2), W1, dout),
        difference_quotients(lambda v: y(x, W1, v), W2, dout),
    )
    for gradient, right in zip(found, expected, strict=True):
        assert gradient.shape == right.shape and np.allclose(gradient, right, atol=1e-6)
    ### END SOLUTION


# %% check="test_residual_block_backward" points=4
check(test_residual_block_backward)

# %% [markdown]
# You have seen the signal die and explode, and two ways to keep it alive: weights of the right size, and
# skips. The next notebook, `initialization_torch`, looks into real networks, and trains deep ones.
