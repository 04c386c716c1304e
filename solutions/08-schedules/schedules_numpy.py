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
# The oldest schedule: keep the rate for `period` steps, then keep a share `gamma` of it, {eq}`sc-step`.
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
