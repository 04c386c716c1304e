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
# # Schedules, batch size and ensembles in NumPy
#
# You will write the rates of every step: decays, cosine, warm-up, cycles, restarts.
# You will gather the gradient of a large batch from small ones, and scale the rate with the batch.
# You will clip gradients, and average what networks say and what they weigh.
# At the end you write the test that finds a wrong schedule.
#
# **How it works.** Replace each `raise NotImplementedError` by your code. Run the cell,
# then the check below it. A check never stops the notebook. You may check as often as you like.
#
# **Marks.** Every function is marked on its own. A mistake in one costs nothing in the next,
# as long as you do not call your own functions. Where you call them, check them first.
#
# **Time.** About two and a half hours. ●○○ is a warm-up, ●●○ needs paper, ●●● needs patience.
#
# `eq. (…)` is an equation of the chapter *Schedules, batch size and ensembles*.

# %%
import matplotlib.pyplot as plt
import numpy as np

import autograder
from lab import load

check = autograder.checks("08-schedules/schedules_numpy")

# %% [markdown]
# ## Worked example: a rate that stays
#
# A schedule is a function of the step. It says which rate that step uses.
#
# - `t` is the number of the step. The first step has `t = 0`.
# - There are `T` steps in all, so the last one has `t = T - 1`.
# - `t` is one whole number, or an array of them, (n,), in any order. Your functions work for both.
#   With an array they return one rate for each entry.
# - `lr0` is the largest rate, `lr_min` the least one. Both are floats.
#
# NumPy's operations do both at once, such as `np.cos`, `np.minimum` and `np.where`.
# An `if t < 3:` works for one step only: an array is neither true nor false.
# No function of this notebook changes its arguments: make a new array.


# %% listing="constant-and-descend"
def constant(t, lr0):
    """The schedule that does nothing. t: a step or an array of steps (n,). Returns a rate for each."""
    return lr0 + 0.0 * t


def descend(rates, w, curvature=1.0, sigma=1.0):
    """SGD on many noisy bowls side by side. The loss of each is curvature * w**2 / 2, its minimum is 0.

    rates: (T,), one for each step. w: (M,), where M runs begin. Each gradient has noise with the standard
    deviation sigma. Returns the weights before the first step and after each, (T + 1, M).
    """
    rng = np.random.default_rng(0)
    path = [w]
    for rate in rates:
        gradient = curvature * w + sigma * rng.normal(size=w.shape)
        w = w - rate * gradient
        path.append(w)
    return np.array(path)


def distance(path):
    """How far the runs are from the minimum after each step, root mean square: (T + 1,)."""
    return np.sqrt((path**2).mean(axis=1))


# %% experiment="constant-rates"
steps = np.arange(300)
plt.figure(figsize=(7, 3), layout="constrained")
for colour, rate in zip(("C0", "C1", "C2"), (0.02, 0.1, 0.5), strict=True):
    far = distance(descend(constant(steps, rate), np.full(2000, 10.0)))
    floor = np.sqrt(rate / (2 - rate))
    plt.semilogy(far, color=colour, label=f"rate {rate}")
    plt.axhline(floor, color=colour, lw=0.8, ls="--")
    print(f"rate {rate}: after 20 steps {far[20]:.2f}, after 300 {far[300]:.3f}, expected {floor:.3f}")
plt.xlabel("step")
plt.title("distance from the minimum, and what the equation says (dashed)")
plt.legend()
plt.show()

# %% [markdown]
# **Question** (5 minutes). The dashed lines are the root of {eq}`sc-noise-floor`, for a curvature and a
# noise of 1. Which of the three rates would you take for 20 steps, and which for 300?
# For small rates: by which factor does a tenth of the rate change the distance in the end?
# How many times as many steps does it take to come close?
# Say in one sentence what a schedule should do, and which part of it each of the two answers wants.

# %% [markdown] question="sc-constant-rate" points=2
# *Your answer here.*

# %% [markdown]
# ## 1. Step decay (●○○, 5 minutes)
#
# The simplest decay: keep the rate for `period` steps, then keep a share `gamma` of it, {eq}`sc-step`.
# Step `period` is the first that uses the smaller rate.


# %% solution="step_decay"
def step_decay(t, lr0, gamma, period):
    """The rate of step t: lr0, and gamma times as much after every period steps, {eq}`sc-step`.

    t: a step or an array of steps (n,), counted from 0. 0 < gamma < 1. period: a whole number of steps.
    Returns the rate of each step, of the shape of t.

    Example: lr0 = 2, gamma = 0.1, period = 3: the steps 0, 2, 3 and 6 have the rates 2, 2, 0.2 and 0.02.
    """
    ### BEGIN SOLUTION
    return lr0 * gamma ** (t // period)
    ### END SOLUTION


# %% check="step_decay" points=2
check(step_decay)

# %% [markdown]
# ## 2. Two smooth decays (●○○, 5 minutes)
#
# Exponential decay loses the same share in every step, {eq}`sc-exponential`.
# 1/t decay loses less and less, {eq}`sc-inverse`: its rates add up to infinity,
# and their squares do not, {eq}`sc-robbins-monro`.


# %% solution="smooth_decays"
def smooth_decays(t, lr0, k):
    """The rates of step t by exponential decay, {eq}`sc-exponential`, and by 1/t decay, {eq}`sc-inverse`.

    t: a step or an array of steps (n,), counted from 0. k > 0: how fast they fall.
    Returns two things of the shape of t: the exponential rates, then the 1/t rates.

    Example: lr0 = 2, k = 0.5: step 0 has 2 and 2, step 2 has 0.736 and 1.
    """
    ### BEGIN SOLUTION
    return lr0 * np.exp(-k * t), lr0 / (1 + k * t)
    ### END SOLUTION


# %% check="smooth_decays" points=3
check(smooth_decays)

# %% [markdown]
# ## 3. Cosine (●●○, 8 minutes)
#
# Half a wave of a cosine, from `lr0` down to `lr_min`, {eq}`sc-cosine`. Slow at both ends, fast between.
# Step 0 uses `lr0`. The wave is at `lr_min` at `t = T`, after the last step.
# Who goes on training past `T` stays at `lr_min`: the rate must not rise again.


# %% solution="cosine"
def cosine(t, lr0, lr_min, T):
    """The rate of step t along half a cosine, {eq}`sc-cosine` (Loshchilov & Hutter 2017, without restarts).

    t: a step or an array of steps (n,), counted from 0. T: the number of steps, at least 1.
    Returns lr0 for t = 0, falls to lr_min at t = T, and is lr_min from there on. Of the shape of t.

    Example: lr0 = 2, lr_min = 1, T = 3: the steps 0, 1, 2, 3 and 4 have 2, 1.75, 1.25, 1 and 1.
    """
    ### BEGIN SOLUTION
    share = np.minimum(t / T, 1)
    return lr_min + (lr0 - lr_min) / 2 * (1 + np.cos(np.pi * share))
    ### END SOLUTION


# %% check="cosine" points=4
check(cosine)

# %% [markdown]
# ## 4. Warm-up, then cosine (●●○, 10 minutes)
#
# At the start of training a large step does the most harm: the loss is often steep and bends sharply there,
# and the statistics of optimizer and normalization rest on few batches yet.
# So begin with small rates: in the first `W` steps the rate rises along a straight line, {eq}`sc-warmup`.
# Its first step is not wasted: it uses `lr0 / W`, and step `W - 1` uses `lr0`.
# Then the cosine begins, at `lr0`. It has the rest of the steps, and is at `lr_min` at `t = T` as before.
# You may call your `cosine` for that part, if its check has passed.


# %% solution="warmup_cosine"
def warmup_cosine(t, lr0, lr_min, W, T):
    """The rate of step t: W steps of warm-up from lr0 / W to lr0, then a cosine, {eq}`sc-warmup`.

    t: a step or an array of steps (n,), counted from 0. 0 <= W < T. With W = 0 it is the cosine alone.
    The cosine begins with lr0 at t = W, ends at lr_min at t = T, and stays there. Of the shape of t.

    Example: lr0 = 2, lr_min = 1, W = 2, T = 5: the steps 0 to 6 have 1, 2, 2, 1.75, 1.25, 1 and 1.
    """
    ### BEGIN SOLUTION
    rising = lr0 * (t + 1) / max(W, 1)
    return np.where(t < W, rising, cosine(t - W, lr0, lr_min, T - W))
    ### END SOLUTION


# %% check="warmup_cosine" points=5
check(warmup_cosine)

# %% [markdown]
# ## 5. Triangles (●●○, 8 minutes)
#
# Smith lets the rate go up and down again, {eq}`sc-triangular`: `s` steps up along a straight line from
# `lr_base` to `lr_max`, `s` steps down, and so on. Large rates leave bad places, small ones settle in good
# ones. A remainder, `%`, tells where in its cycle a step is.


# %% solution="triangular"
def triangular(t, lr_base, lr_max, s):
    """The rate of step t in triangular cycles, {eq}`sc-triangular` (Smith 2017).

    t: a step or an array of steps (n,), counted from 0. s: the steps of half a cycle, up or down.
    Returns lr_base for t = 0, lr_max for t = s, lr_base for t = 2 s, and so on. Of the shape of t.

    Example: lr_base = 1, lr_max = 4, s = 3: the steps 0 to 7 have 1, 2, 3, 4, 3, 2, 1 and 2.
    """
    ### BEGIN SOLUTION
    x = t % (2 * s) / s
    return lr_base + (lr_max - lr_base) * (1 - np.abs(x - 1))
    ### END SOLUTION


# %% check="triangular" points=4
check(triangular)

# %% [markdown]
# ## 6. Restarts and snapshots (●●○, 8 minutes)
#
# Cosines of `period` steps, one after the other: at the end of each the rate jumps back up to `lr0`,
# {eq}`sc-restarts`. Just before it jumps, the network has settled. That is the moment for a copy of its
# weights, {eq}`sc-snapshot`: five cycles give five networks for the price of one.
# Say for each step which rate it uses, and whether a snapshot is taken **after** it.
# Here, too, your `cosine` may help.


# %% solution="restarts"
def restarts(t, lr0, lr_min, period):
    """The rate of step t, {eq}`sc-restarts`, and whether a snapshot follows it, {eq}`sc-snapshot`.

    t: a step or an array of steps (n,), counted from 0. period: the steps of one cycle, at least 2.
    Returns two things of the shape of t: the rates (lr0 in the first step of each cycle), and True where
    the step is the last one of its cycle, else False (Loshchilov & Hutter 2017, Huang et al. 2017).

    Example: lr0 = 2, lr_min = 1, period = 3: the steps 0 to 4 have the rates 2, 1.75, 1.25, 2 and 1.75,
    and a snapshot follows step 2.
    """
    ### BEGIN SOLUTION
    inside = t % period
    return cosine(inside, lr0, lr_min, period), inside == period - 1
    ### END SOLUTION


# %% check="restarts" points=4
check(restarts)

# %% [markdown]
# ## Experiment: what a schedule buys on a noisy bowl (6 minutes)
#
# The bowl from above, the same noise, 300 steps, and seven schedules. Each has the same largest rate.
# The cosine has a warm-up of 20 steps.
# Left the rates, right the distance from the minimum. The table has a second bowl, a flat one: its curvature
# is 0.01, and its gradients have no noise. Of all the distance, how much is left there after 300 steps?
# Before you run it: which of the seven ends nearest, on the first bowl and on the flat one?

# %% experiment="noisy-bowl"
T = 300
steps = np.arange(T)
exponential, inverse = smooth_decays(steps, 0.5, 0.03)
schedules = {
    "constant": constant(steps, 0.5),
    "step": step_decay(steps, 0.5, 0.2, 100),
    "exponential": exponential,
    "1/t": inverse,
    "cosine": warmup_cosine(steps, 0.5, 0.0, 20, T),
    "triangular": triangular(steps, 0.05, 0.5, 50),
    "restarts": restarts(steps, 0.5, 0.0, 60)[0],
}
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
print(f"{'':12s} distance after 60 steps, after 300; sum of the rates; left on the flat bowl")
for name, rates in schedules.items():
    far = distance(descend(rates, np.full(2000, 10.0)))
    left.plot(steps, rates, label=name)
    right.semilogy(far, label=name)
    left_over = descend(rates, np.ones(1), curvature=0.01, sigma=0.0)[-1, 0]
    print(f"{name:12s} {far[60]:23.3f} {far[T]:11.3f} {rates.sum():18.1f} {left_over:21.2f}")
left.set(xlabel="step", title="rate")
right.set(xlabel="step", title="distance from the minimum")
right.legend(fontsize=8)
plt.show()

# %% [markdown]
# **Question** (6 minutes). Why is the constant rate no nearer after 300 steps than after 60? What happens
# to the distance right after each jump of the restarts, and how long does it take to come back?
# Exponential decay ends nearest on the first bowl, and is the worst one on the flat bowl. Show with the sum
# of its rates why so much is left there: on a bowl of curvature $h$, by which factor does one step of a small
# rate shrink the distance, and all steps together? Which half of {eq}`sc-robbins-monro` does exponential
# decay break, were it to go on for ever? Which schedule would you take for a loss with steep and flat
# directions?

# %% [markdown] question="sc-which-schedule" points=2
# *Your answer here.*

# %% [markdown]
# ## Real images, and a gradient (2 minutes to read)
#
# From here on batches matter. The images are the 8 x 8 digits of scikit-learn, and the model is one
# layer with softmax. `on_digits` returns a function that gives the mean loss and the mean gradient of any
# batch.


# %% listing="loss-and-gradient"
def on_digits(weights):
    """The loss of a softmax layer as a function of a batch. weights: (64, 10).

    The function takes x: (n, 64) and labels y: (n,), and returns the mean cross-entropy of these n
    examples, a number, and its gradient with respect to the weights, (64, 10).
    """

    def loss_and_gradient(x, y):
        z = x @ weights
        top = z.max(axis=1, keepdims=True)
        log_p = z - top - np.log(np.exp(z - top).sum(axis=1, keepdims=True))
        rows = np.arange(len(y))
        error = np.exp(log_p)
        error[rows, y] -= 1
        return -log_p[rows, y].mean(), x.T @ error / len(y)

    return loss_and_gradient


# %% experiment="digits"
digits = load("digits")
images = digits.train_images.reshape(len(digits.train_images), -1) / digits.train_images.max()
test_images = digits.test_images.reshape(len(digits.test_images), -1) / digits.train_images.max()
loss, gradient = on_digits(np.zeros((64, 10)))(images, digits.train_labels)
print("loss before training:", loss.round(4), "  log 10:", np.log(10).round(4), "  gradient:", gradient.shape)

# %% [markdown]
# ## 7. A large batch from small ones (●●○, 10 minutes)
#
# A batch of 512 does not fit into memory. So send it through in pieces of `b` examples, one after the other,
# and add up, {eq}`sc-accumulate` and {eq}`sc-epoch-mean`. The result is exactly that of the whole batch.
# Each piece gives a **mean** over its own examples, and the last piece may be smaller.
# What is the weight of each piece?


# %% solution="accumulated_gradient"
def accumulated_gradient(loss_and_gradient, x, y, b):
    """Mean loss and gradient of a batch, from pieces of b examples, {eq}`sc-accumulate`.

    loss_and_gradient(x, y): the mean loss, a number, and the mean gradient, an array, of the examples that
    it gets: at least one, and at most b of them at a time. The gradient may have any shape, such as (64, 10).
    x: (N, D). y: (N,). The last piece may be smaller.
    Returns two things: the mean loss and the mean gradient of all N examples.

    Example: two pieces, of 3 examples and of 1, with the losses 2 and 6: the loss is 3.
    """
    ### BEGIN SOLUTION
    loss, gradient = 0.0, 0.0
    for first in range(0, len(x), b):
        part, labels = x[first : first + b], y[first : first + b]
        share = len(part) / len(x)
        own_loss, own_gradient = loss_and_gradient(part, labels)
        loss, gradient = loss + share * own_loss, gradient + share * own_gradient
    return loss, gradient
    ### END SOLUTION


# %% check="accumulated_gradient" points=5
check(accumulated_gradient)

# %% [markdown]
# ## Experiment: how noisy is a batch? (4 minutes)
#
# After 30 steps on all images, draw many batches of B images and look at their gradients: how far are they
# from the gradient of all images? The standard deviation over the batches, root mean square over the weights.
# Before you run it: how many times as large must the batch be, so that half of the noise is left?

# %% experiment="batch-noise"
weights = np.zeros((64, 10))
for _ in range(30):
    weights = weights - 0.5 * on_digits(weights)(images, digits.train_labels)[1]

rng = np.random.default_rng(0)
loss_and_gradient = on_digits(weights)
sizes = np.array([1, 4, 16, 64, 256])
noise = []
for B in sizes:
    drawn = [rng.integers(len(images), size=B) for _ in range(400)]
    gradients = np.array([loss_and_gradient(images[i], digits.train_labels[i])[1] for i in drawn])
    noise.append(np.sqrt(gradients.var(axis=0).mean()))
for B, deviation in zip(sizes, noise, strict=True):
    print(f"B = {B:3d}: standard deviation {deviation:.5f}, times the root of B {deviation * B**0.5:.4f}")
signal = np.sqrt((loss_and_gradient(images, digits.train_labels)[1] ** 2).mean())
plt.figure(figsize=(5, 3), layout="constrained")
plt.loglog(sizes, noise, "o-", label="noise of the gradient")
plt.axhline(signal, color="0.6", label="the gradient of all images")
plt.xlabel("batch size")
plt.legend()
plt.show()

# %% [markdown]
# **Question** (6 minutes). The batches are drawn with replacement. Which equation do the printed numbers
# confirm? How many images does half the noise cost, and what does the time of a step do meanwhile, on a
# machine that computes images one after the other? A friend trains for 30 epochs on 50,000 images, once with
# batches of 32, once of 512, at the same rate. The large batches end 4 points lower. "Large batches
# generalize worse", he says. How many steps did each run take, {eq}`sc-steps`? What else should he compare?

# %% [markdown] question="sc-half-the-noise" points=3
# *Your answer here.*

# %% [markdown]
# ## 8. The rate of a large batch (●●○, 6 minutes)
#
# Batches that are k times as large take k times fewer steps. To come as far, each step must be k times as
# long: the linear rule, {eq}`sc-linear`. That rests on gradients that hardly change within k steps.
# In the first steps they do change, so a large rate is warmed up: from `t = 0` on the rate rises
# along a straight line, as in section 4, and reaches the scaled rate at step `W - 1`. There it stays.


# %% solution="scaled_rate"
def scaled_rate(t, lr0, B, B0, W):
    """The rate of step t for batches of B, by the linear rule with warm-up, {eq}`sc-linear-warmup`.

    t: a step or an array of steps (n,), counted from 0. lr0: the rate that suits batches of B0.
    W: the steps of the warm-up; 0 for none. Returns the rates, of the shape of t (Goyal et al. 2017).

    Example: lr0 = 0.1, B0 = 32, B = 128, W = 4: the steps 0 to 5 have 0.1, 0.2, 0.3, 0.4, 0.4 and 0.4.
    """
    ### BEGIN SOLUTION
    largest = lr0 * B / B0
    return largest * np.minimum((t + 1) / max(W, 1), 1)
    ### END SOLUTION


# %% check="scaled_rate" points=3
check(scaled_rate)

# %% [markdown]
# ## 9. Clip the gradient (●●○, 6 minutes)
#
# One bad batch can throw the weights far away. So limit the length of the step's gradient, and keep its
# direction, {eq}`sc-clip`: one norm over **all** arrays together, one factor for all.
# PyTorch adds 1e-6 to the norm before it divides, so that a norm of 0 does no harm. The check takes both.


# %% solution="clip_gradients"
def clip_gradients(grads, c):
    """The gradients, shortened to a joint norm of at most c, {eq}`sc-clip` (Pascanu et al. 2013).

    grads: a list of arrays of any shapes, one per parameter. c > 0. Returns a list of new arrays of the same
    shapes. Gradients whose joint norm is below c stay as they are.

    Example: grads = [np.array([3.0]), np.array([[0.0, 4.0]])] have the norm 5. With c = 1 they become [0.6]
    and [[0, 0.8]], with c = 10 they stay.
    """
    ### BEGIN SOLUTION
    norm = np.sqrt(sum((g**2).sum() for g in grads))
    factor = min(1.0, c / (norm + 1e-6))
    return [factor * g for g in grads]
    ### END SOLUTION


# %% check="clip_gradients" points=4
check(clip_gradients)

# %% [markdown]
# ## 10. What several networks say together (●●○, 8 minutes)
#
# M networks saw the same N examples. Each has its own logits. First make probabilities of them, by softmax,
# for each network and example. Then average over the networks, {eq}`sc-ensemble`.
# Logits may be large: 1000 must not overflow. Subtract the largest one first.


# %% solution="ensemble"
def ensemble(logits):
    """The mean of the members' probabilities, {eq}`sc-ensemble`.

    logits: (M, N, K), of M members for N examples and K classes. Returns probabilities: (N, K).

    Example: two members, one example, logits (log 3, 0) and (0, log 3): the members say (3/4, 1/4) and
    (1/4, 3/4), the ensemble (1/2, 1/2). With (log 3, 0) and (log 7, 0) it says (13/16, 3/16).
    """
    ### BEGIN SOLUTION
    scores = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return (scores / scores.sum(axis=-1, keepdims=True)).mean(axis=0)
    ### END SOLUTION


# %% check="ensemble" points=4
check(ensemble)

# %% [markdown]
# ## 11. Average the weights (●●○, 10 minutes)
#
# An ensemble must run M networks. The average of their weights is one network.
# Stochastic weight averaging (SWA) takes the mean of all weights so far, {eq}`sc-swa`.
# An exponential moving average (EMA) forgets old ones, {eq}`sc-ema`. Neither needs to keep the old weights.
#
# The training loop goes on to change its weights in place. So what you return must be a new array,
# in the first call too.


# %% solution="update_average"
def update_average(average, w, n, decay=None):
    """The average of weights after one more: their mean, {eq}`sc-swa`, or with a decay {eq}`sc-ema`.

    n counts the weights before the new one; in the equation n counts it, too.
    average: of the first n weights, of the shape of w; None where n = 0. w: the new weights, any shape.
    decay: None for the mean of all n + 1 weights; a number below 1 is the share of the old average that an
    EMA keeps. Returns the new average, a new array. With n = 0 that is a copy of w, with a decay as well.

    Example: average = np.array([2.0]), w = np.array([6.0]): with n = 3 the mean becomes 3;
    with decay = 0.9 the EMA becomes 2.4.
    """
    ### BEGIN SOLUTION
    if n == 0:
        return w.copy()
    if decay is None:
        return average + (w - average) / (n + 1)
    return decay * average + (1 - decay) * w
    ### END SOLUTION


# %% check="update_average" points=4
check(update_average)

# %% [markdown]
# ## Experiment: average over time (4 minutes)
#
# The noisy bowl once more, at the constant rate 0.5. Next to the weights themselves: their mean from step
# 100 on (SWA), and an EMA with 0.95. And the cosine with its warm-up, which has no average.
# Before you run it: can an average of weights be nearer to the minimum than each of them?

# %% experiment="averages"
path = descend(constant(steps, 0.5), np.full(2000, 10.0))
means = {"SWA from step 100": (100, None), "EMA, 0.95": (0, 0.95)}
plt.figure(figsize=(7, 3), layout="constrained")
lines = {"constant 0.5": distance(path), "cosine": distance(descend(schedules["cosine"], path[0]))}
for name, (begin, decay) in means.items():
    average, averages = None, []
    for n, w in enumerate(path[begin:]):
        average = update_average(average, w, n, decay)
        averages.append(average)
    lines[name] = np.concatenate([np.full(begin, np.nan), distance(np.array(averages))])
for name, far in lines.items():
    plt.semilogy(far, label=name)
    print(f"{name:18s} distance after 300 steps {far[-1]:.3f}")
plt.xlabel("step")
plt.title("distance from the minimum")
plt.legend()
plt.show()

# %% [markdown]
# ## Experiment: average over networks (4 minutes)
#
# Five softmax layers. Each is trained on 100 digits of its own. Together: the mean of their probabilities,
# and the one layer whose weights are the mean of theirs. Beside them the mean of the logits: which of the
# means is better is not the same for every model and data set.
# Before you run it: can the ensemble be worse than its mean member, in loss? In accuracy?

# %% experiment="members"
rng = np.random.default_rng(0)
members = []
for _ in range(5):
    own = rng.choice(len(images), size=100, replace=False)
    weights = np.zeros((64, 10))
    for _ in range(300):
        weights = weights - 0.5 * on_digits(weights)(images[own], digits.train_labels[own])[1]
    members.append(weights)
logits = np.array([test_images @ weights for weights in members])
average = None
for n, weights in enumerate(members):
    average = update_average(average, weights, n)


def report(name, logits):
    p = ensemble(logits)
    right = p.argmax(axis=1) == digits.test_labels
    loss = -np.log(p[np.arange(len(p)), digits.test_labels]).mean()
    print(f"{name:24s} accuracy {right.mean():.3f}  loss {loss:.4f}")
    return loss


losses = [report(f"member {m + 1}", logits[m : m + 1]) for m in range(5)]
print(f"{'mean of the members':24s}                 loss {np.mean(losses):.4f}")
together = {
    "mean of probabilities": logits,
    "mean of logits": logits.mean(axis=0)[None],
    "mean of weights": (test_images @ average)[None],
}
for name, own_logits in together.items():
    report(name, own_logits)

# %% [markdown]
# **Question** (6 minutes). Which inequality says that the loss of the ensemble is at most the mean loss of
# its members, and when are the two equal? The last two lines are the same: why, for this model?
# Would they be for a network with a hidden layer? Take one network, and a copy with two hidden units
# exchanged: what do the two compute, and what does the mean of their weights compute?
# Why may the weights along **one** training run be averaged, then?

# %% [markdown] question="sc-which-average" points=3
# *Your answer here.*

# %% [markdown]
# ## 12. Your own test (●●●, 15 minutes)
#
# Write the test that you would want before you trust somebody's `warmup_cosine`. It gets a function.
# Where the function is wrong, your test raises an error: use `assert`. Any error counts as a rejection,
# as in pytest. Where the function is right, your test returns. Whatever it returns is ignored, `True` and
# `False` too. It is marked on right implementations and on wrong ones.
#
# Right means section 4: one step or an array of steps, in any order, `W = 0` too, past the end, and no
# argument changed. The check here takes your own `warmup_cosine` for the right one. Pass section 4 first.
# If your test rejects it even so, look at both: either may be the one that is wrong.
#
# Compare with `np.allclose`: two right functions may round differently, and return arrays or numbers.
# What do your numbers hide? An `lr_min` of 0? A `W` that is half of `T`? Steps of 0 and `T` only?
# A tolerance that is too large? Would you see a rate that rises again after the end,
# or one that is right in an array and wrong alone?


# %% solution="test_warmup_cosine"
def test_warmup_cosine(implementation):
    """Raise an error unless implementation(t, lr0, lr_min, W, T) is right. Else return.

    Right means section 4. Use assert and np.allclose. Any error counts as a rejection, returning counts as
    acceptance.
    """
    ### BEGIN SOLUTION
    for lr0, lr_min, W, T in ((1.3, 0.4, 3, 10), (0.7, 0.2, 0, 6), (2.1, 0.0, 1, 5)):
        rates = []
        for step in range(2 * T + 8):
            way = min((step - W) / (T - W), 1)
            wave = lr_min + (lr0 - lr_min) * np.cos(np.pi / 2 * way) ** 2
            rates.append((step + 1) / W * lr0 if step < W else wave)
        order = np.random.default_rng(0).permutation(2 * T + 8)
        given = order.copy()
        found = np.asarray(implementation(given, lr0, lr_min, W, T))
        assert np.array_equal(given, order)
        assert found.shape == order.shape and np.allclose(found, np.array(rates)[order])
        for step, right in enumerate(rates):
            alone = np.asarray(implementation(step, lr0, lr_min, W, T))
            assert alone.size == 1 and np.allclose(alone, right)
    ### END SOLUTION


# %% check="test_warmup_cosine" points=5
check(test_warmup_cosine)

# %% [markdown]
# You have written eight schedules, and three kinds of averages.
# The next notebook, `schedules_torch`, trains networks with them.
