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
# penalty in the loss. Biases are not penalized. No function may change its inputs: compute into new arrays.
# What stays as it is may be returned as it came. Arrays hold floats, unless a docstring says otherwise.
# Write the functions in NumPy. `eq. (…)` is an equation of the chapter *Weight penalties and noise*.

# %%
import matplotlib.pyplot as plt
import numpy as np

import autograder
from lab import load

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
# ## 4. One proximal step (●●○, 8 minutes)
#
# Now train with it. Take a step along the gradient of the loss **alone**, then move to the minimum of the
# penalty around the place where you are: {eq}`rg-ista`. For the elastic net that is {eq}`rg-elastic-prox`:
# first the soft threshold, then a division. The learning rate multiplies every strength.


# %% solution="proximal_step"
def proximal_step(w, dw, lr, lam, a):
    """One step of proximal gradient descent with the elastic net, {eq}`rg-ista` and {eq}`rg-elastic-prox`.

    w, dw: any shape, the same. dw: the gradient of the loss without the penalty. lr: the learning rate.
    lam, a: as in `elastic_net`. Returns the new w.

    Example: w = (2, 0.3), dw = (5, 1), lr = 0.2, lam = 1, a = 0.5. After the gradient: (1, 0.1).
    After the threshold 0.1: (0.9, 0). Divided by 1.1: (0.818, 0).
    """
    ### BEGIN SOLUTION
    v = w - lr * dw
    t = lr * lam
    kept = np.maximum(np.abs(v) - t * a, 0)
    return np.sign(v) * kept / (1 + t * (1 - a))
    ### END SOLUTION


# %% check="proximal_step" points=4
check(proximal_step)

# %% [markdown]
# ## Experiment: who finds the zeros? (6 minutes)
#
# Twenty features, and only four of them matter. Sixty examples with noise. One loss, 30 strengths,
# three ways: L2, L1 along its gradient, and L1 with proximal steps. Each line is one weight.
# Before you run it: in which picture will lines lie exactly on zero?


# %% experiment="paths"
def paths(step, x, target, strengths, steps=1000):
    """For each strength the weights after so many steps from zero: (strengths, D)."""
    lr = 0.9 / np.linalg.eigvalsh(x.T @ x / len(x)).max()
    found = []
    for lam in strengths:
        w = np.zeros(x.shape[1])
        for _ in range(steps):
            w = step(w, x.T @ (x @ w - target) / len(x), lr, lam)
        found.append(w)
    return np.array(found)


rng = np.random.default_rng(2)
truth = np.array([3, -2, 1.5, -1] + 16 * [0])
x = rng.normal(size=(60, 20))
target = x @ truth + rng.normal(size=60)
strengths = np.geomspace(0.01, 3, 30)
ways = {
    "L2": lambda w, dw, lr, lam: proximal_step(w, dw, lr, lam, 0),
    "L1, along its gradient": lambda w, dw, lr, lam: w - lr * (dw + elastic_net(w, lam, 1)[1]),
    "L1, proximal steps": lambda w, dw, lr, lam: proximal_step(w, dw, lr, lam, 1),
}
found = {name: paths(step, x, target, strengths) for name, step in ways.items()}

figure, axes = plt.subplots(1, 3, figsize=(11, 3), sharey=True, layout="constrained")
for ax, (name, path) in zip(axes, found.items(), strict=True):
    ax.semilogx(strengths, path[:, 4:], color="0.7", lw=1)
    ax.semilogx(strengths, path[:, :4], lw=2)
    ax.set(title=name, xlabel=r"strength $\lambda$")
plt.show()
nearly = np.abs(found["L1, along its gradient"][20, 4:])
print("along the gradient, lambda 0.51: largest size of the 16 others:", nearly.max().round(2))
print("with proximal steps, lambda 0.51:", found["L1, proximal steps"][20, :4].round(2))
print("weights that are exactly zero, of 20 (in brackets: below 0.01)")
for k in (0, 10, 16, 20, 25):
    counts = [f"{(p[k] == 0).sum():2d} ({(np.abs(p[k]) < 0.01).sum():2d})" for p in found.values()]
    print(
        f"lambda {strengths[k]:5.2f}:  " + "   ".join(f"{n} {c}" for n, c in zip(found, counts, strict=True))
    )

# %% [markdown]
# **Question** (5 minutes). Count the zeros of the three ways. Why has L1 along its gradient none,
# and what sets how far from zero its weights jump? (The learning rate is 0.37.
# By how much does the penalty alone move a weight that is nearly zero, in one step?
# The gradient of the loss moves it, too.)
# Would a smaller learning rate make zeros? At $\lambda = 0.51$ the four weights that matter are too small
# as well: their true values are 3, −2, 1.5 and −1. By how much, in the mean of the four, and why?
# What would you do about it once you know which four they are?

# %% [markdown] question="rg-zeros" points=3
# *Your answer here.*

# %% [markdown]
# ## 5. Weight decay and momentum (●●○, 8 minutes)
#
# There are two places for weight decay. **Coupled**: it is the gradient of L2 and goes into the velocity.
# **Decoupled**: the weights shrink by themselves, and the velocity sees nothing of it, {eq}`rg-decoupled`.
# Both rules are in {eq}`rg-momentum-decay`. For plain SGD they are the same.
# Decoupled, shrink before the step, as PyTorch does. Afterwards counts as right, too.
# The learning rate stands outside of the velocity, and multiplies the decay.


# %% solution="momentum_step"
def momentum_step(w, velocity, dw, lr, momentum, weight_decay, decoupled):
    """One step of SGD with momentum and weight decay of either kind, {eq}`rg-momentum-decay`.

    w, velocity, dw: any shape, the same. dw: the gradient of the loss alone. decoupled: True or False.
    Returns the new w and the new velocity.

    Example: w = 1, velocity = 4, dw = 2, lr = 0.1, momentum = 0.5, weight_decay = 0.2. Coupled: the velocity
    is 2 + 2.2 = 4.2, and w becomes 0.58. Decoupled: the velocity is 4, and w becomes 0.98 - 0.4 = 0.58, too.
    The difference is in the velocity: the next step will show it.
    """
    ### BEGIN SOLUTION
    slope = dw if decoupled else dw + weight_decay * w
    shrunk = w * (1 - lr * weight_decay) if decoupled else w
    velocity = momentum * velocity + slope
    return shrunk - lr * velocity, velocity
    ### END SOLUTION


# %% check="momentum_step" points=4
check(momentum_step)

# %% [markdown]
# A weight that the loss does not need: its gradient is always 0. It starts at 1.
# Before you run it: is one kind of decay faster in the first step? And in the steps after it?

# %% experiment="two-decays"
plt.figure(figsize=(7, 3), layout="constrained")
for decoupled in (False, True):
    w, velocity, path = np.ones(1), np.zeros(1), [1.0]
    for _ in range(120):
        w, velocity = momentum_step(w, velocity, np.zeros(1), 0.1, 0.9, 0.1, decoupled)
        path.append(w[0])
    name = "decoupled" if decoupled else "coupled"
    plt.plot(path, ".-", label=name)
    print(f"{name:9s} after 1, 2, 3, 120 steps:", np.round(path, 4)[[1, 2, 3, 120]])
plt.axhline(0, color="0.7", lw=1)
plt.xlabel("step")
plt.title("a weight without a gradient")
plt.legend()
plt.show()

# %% [markdown]
# **Question** (4 minutes). The coupled weight goes through zero. How can decay overshoot?
# A paper trains with coupled decay 0.0005, momentum 0.95 and a rate of 0.02.
# Which decoupled `weight_decay` has nearly the same effect in the long run?
# After how many steps has this decoupled decay halved a weight without a gradient?
# Then the rate is divided by ten. How many steps does it take now?

# %% [markdown] question="rg-two-decays" points=2
# *Your answer here.*

# %% [markdown]
# ## 6. Max-norm (●●○, 6 minutes)
#
# A penalty pulls always. A bound only acts where it is exceeded, {eq}`rg-max-norm`:
# the weights that come into one unit are scaled down together, so that their norm is `c`.
# Columns within the bound stay as they are, and a column of zeros is one of them.


# %% solution="max_norm"
def max_norm(W, c):
    """W with every column scaled down to norm c where its norm is larger, {eq}`rg-max-norm`.

    (Srivastava et al. 2014.) W: (fan_in, fan_out). c: a number above 0. Returns an array like W, without nan.

    Example: the columns (3, 4) and (0.3, 0.4) and c = 1 give (0.6, 0.8) and (0.3, 0.4).
    """
    ### BEGIN SOLUTION
    norms = np.linalg.norm(W, axis=0)
    return W * (c / np.maximum(norms, c))
    ### END SOLUTION


# %% check="max_norm" points=4
check(max_norm)

# %% [markdown]
# ## 7. Early stopping (●●○, 10 minutes)
#
# After each epoch you measure the validation loss. It falls, then it rises, and it jitters all the time.
# An epoch is an improvement if its loss is **smaller** than all before it.
# Stop as soon as `patience` epochs in a row brought none. Then go back to the best epoch.
# The section *Early stopping* of the chapter has these three rules, and an example by hand.
#
# You get the whole list here. A program that trains does not: at epoch 5 it knows nothing of epoch 6.
# So what comes after the stop must not change your answer.


# %% solution="early_stopping"
def early_stopping(losses, patience):
    """When training stops, and which epoch was the best until then. Epochs are counted from 0.

    losses: (T,), the validation losses, in order. The first is a number, later ones may be nan (a training
    that broke down): nan is no improvement. patience: at least 1.
    Returns two integers: the last epoch that is trained, and the best epoch up to it. Without a stop the last
    epoch is T - 1. Of equal losses the first is the best.

    Example: losses 5, 4, 4.5, 4, 3 and patience 2: epochs 2 and 3 bring nothing new. So 3 and 1.
    With patience 3 training would go on: 4 and 4.
    """
    ### BEGIN SOLUTION
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        elif epoch - best >= patience:
            return epoch, best
    return len(losses) - 1, best
    ### END SOLUTION


# %% check="early_stopping" points=5
check(early_stopping)

# %% [markdown]
# Twenty runs. The validation loss is a smooth curve with its minimum at epoch 30, plus noise.
# What does patience buy, and what does it cost?

# %% experiment="patience"
rng = np.random.default_rng(0)
epochs = np.arange(200)
smooth = 1 + (np.log((epochs + 3) / 33)) ** 2 / 4
patiences = np.array([1, 2, 3, 5, 8, 12, 20, 30])
stops, bests = np.array(
    [[early_stopping(run, p) for p in patiences] for run in smooth + 0.03 * rng.normal(size=(20, 200))]
).transpose(2, 0, 1)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
left.plot(epochs, smooth + 0.03 * rng.normal(size=200), color="0.7", lw=1, label="measured, one run")
left.plot(epochs, smooth, color="C0", label="without noise")
left.set(xlabel="epoch", title="validation loss")
left.legend()
right.plot(patiences, stops.mean(axis=0), "o-", label="epochs trained")
right.plot(patiences, bests.mean(axis=0), "o-", label="best epoch")
right.set(xlabel="patience", title="mean of 20 runs")
right.legend()
plt.show()
print("patience                            ", patiences)
print("last epoch, in mean                 ", stops.mean(axis=0).round(1))
print("true loss of the best epoch, in mean", smooth[bests].mean(axis=0).round(3))

# %% [markdown]
# **Question** (4 minutes). With patience 1, where do the runs stop, and why so early?
# Which patience would you choose here, and what does it cost in epochs?
# You report the smallest validation loss that was **measured**, at the best epoch.
# Is it too low, too high or right, and how would you find out?

# %% [markdown] question="rg-patience" points=2
# *Your answer here.*

# %% [markdown]
# ## 8. Labels that are less sure (●●○, 11 minutes)
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

# %% [markdown]
# How far apart do the scores of the classes end? Here the scores themselves are trained, of one example,
# with 10 classes. The dotted lines are {eq}`rg-smooth-optimum`.

# %% experiment="score-gap"
plt.figure(figsize=(7, 3), layout="constrained")
for k, eps in enumerate((0.0, 0.01, 0.1, 0.3)):
    scores, gaps = np.zeros((1, 10)), []
    for _ in range(1000):
        scores = scores - smoothed_cross_entropy(scores, np.array([0]), eps)[1]
        gaps.append(scores[0, 0] - scores[0, 1])
    plt.plot(gaps, color=f"C{k}", label=rf"$\epsilon$ = {eps}")
    if eps:
        plt.axhline(np.log(10 * (1 - eps) / eps + 1), color=f"C{k}", ls=":")
plt.xlabel("step")
plt.title("score of the right class minus that of another")
plt.legend()
plt.show()

# %% [markdown]
# **Question** (4 minutes). The curve of $\epsilon = 0$ still rises after 1000 steps. Where does it end?
# A network with two classes is trained with $\epsilon = 0.1$ until its loss is as small as it can be.
# Which probability does it give the right class, and which loss does it have?
# It gets 4 of 10 new images wrong. Has label smoothing made its probabilities honest?

# %% [markdown] question="rg-smoothing" points=2
# *Your answer here.*

# %% [markdown]
# ## 9. Learn hard (●○○, 5 minutes)
#
# Add noise to the training images, but not to all: each image has a coin, {eq}`rg-noise`.
# What is hit gets noise on every pixel. The rest stays as it is, so that clean images are learned, too.
# The data set stays clean: the next pass over it gets other noise.


# %% solution="noisy"
def noisy(images, coins, noise, sigma, p):
    """Images with Gaussian noise on some of them, {eq}`rg-noise`.

    images, noise: (N, H, W, C), noise with mean 0 and standard deviation 1. coins: (N,), uniform in [0, 1):
    image n is hit where coins[n] < p. sigma: the standard deviation, in the units of images. Nothing is
    clipped. Returns an array like images.

    Example: two images of one pixel, 5 and 6, noise 1 and -2, coins 0.7 and 0.1, sigma = 0.5, p = 0.3:
    5 and 5.
    """
    ### BEGIN SOLUTION
    hit = (coins < p)[:, None, None, None]
    return images + sigma * hit * noise
    ### END SOLUTION


# %% check="noisy" points=3
check(noisy)

# %% [markdown]
# ## Experiment: the penalty that noise hides (5 minutes)
#
# A linear model tells the digits 3 and 8 apart, from 64 pixels. Three ways to get its weights, as pictures:
# least squares; least squares with the L2 penalty of {eq}`rg-noise-linear`, exactly; and 4000 steps on noisy
# images, new noise in each, averaged over the second half. Before you run it: what will noise do to weights
# of pixels at the border, which are nearly always black?

# %% experiment="hidden-penalty"
digits = load("digits")
chosen = np.isin(digits.train_labels, (3, 8))
images = digits.train_images[chosen] / 16
images = images - images.mean(axis=0)
target = np.where(digits.train_labels[chosen] == 3, 1.0, -1.0)
N, sigma, p = len(images), 0.3, 0.5
x = images.reshape(N, 64)

least_squares = np.linalg.lstsq(x, target, rcond=None)[0]
with_penalty = np.linalg.solve(x.T @ x / N + p * sigma**2 * np.eye(64), x.T @ target / N)

rng = np.random.default_rng(0)
w, average = np.zeros(64), np.zeros(64)
for step in range(4000):
    seen = noisy(images, rng.random(N), rng.normal(size=images.shape), sigma, p).reshape(N, 64)
    w -= 0.3 * seen.T @ (seen @ w - target) / N
    average += w / 2000 if step >= 2000 else 0.0

figure, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
weights = {"least squares": least_squares, "with the penalty": with_penalty, "with noise": average}
for ax, (name, pixels) in zip(axes, weights.items(), strict=True):
    limit = np.abs(pixels).max()
    shown = ax.imshow(pixels.reshape(8, 8), cmap="RdBu", vmin=-limit, vmax=limit)
    figure.colorbar(shown, ax=ax)
    ax.set(title=name, xticks=[], yticks=[])
plt.show()
print("norms:", {name: float(np.linalg.norm(pixels).round(3)) for name, pixels in weights.items()})
print("largest difference, noise against penalty:", np.abs(average - with_penalty).max().round(4))

# %% [markdown]
# **Question** (4 minutes). Why do the two pictures on the right agree, although one never saw a penalty?
# Somebody keeps $\sigma = 0.3$, but his images go from 0 to 255. What does the noise do then?
# Somebody else gives noise to all images instead of to half of them. Which `sigma` makes up for it,
# as far as this penalty goes? For a network the two are not the same. Name one reason.

# %% [markdown] question="rg-hidden-penalty" points=2
# *Your answer here.*

# %% [markdown]
# ## 10. Your own test (●●●, 15 minutes)
#
# Write the test that you would want before you trust somebody's `early_stopping`. It gets a function.
# Where the function is wrong, your test raises an error: use `assert`.
# Any error counts as a rejection, as in pytest.
# Where the function is right, your test returns. Whatever it returns is ignored, `True` and `False` too.
# It is marked on one right implementation and on several wrong ones.
#
# The check here takes your own `early_stopping` for the right one. Pass section 7 first.
#
# Choose losses so that each mistake shows. Where would you see that the counter of bad epochs never starts
# again from zero? That an equal loss counts as better? That the best epoch is looked for behind the stop?
# That the function stops right, and returns the wrong best one? What about nan, and a list that never stops?
# And did the function leave the losses as they were? Keep a copy.
# Give the losses as an array, and compare whole numbers with `==`.


# %% solution="test_early_stopping"
def test_early_stopping(implementation):
    """Raise an error unless implementation(losses, patience) is right. Else return.

    Right means section 7: it returns the last epoch that is trained and the best one up to it.
    Use assert. Any error counts as a rejection, returning counts as acceptance.
    """
    ### BEGIN SOLUTION
    nan = float("nan")
    for losses, patience, stop, best in [
        ([5, 4, 4.5, 4, 3, 9, 3.5, 2], 2, 3, 1),
        ([5, 4, 4.5, 4, 3, 9, 3.5, 2], 3, 7, 7),
        ([5, 6, 4, 3, 3.5, 3.2, nan, 3.1, 1], 4, 7, 3),
        ([5, nan, 4, 6], 2, 3, 2),
        ([3, 2, 4, 3, 2.5, 1], 3, 4, 1),
    ]:
        given = np.array(losses, dtype=float)
        assert tuple(implementation(given, patience)) == (stop, best)
        assert np.array_equal(given, losses, equal_nan=True)
    ### END SOLUTION


# %% check="test_early_stopping" points=5
check(test_early_stopping)

# %% [markdown]
# You have written seven ways to make a network less sure of what it has learned by heart, and a test.
# The next notebook, `regularization_torch`, brings them into the training loop,
# and measures which of them helps.
