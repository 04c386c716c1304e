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
# # Optimizers in NumPy
#
# You will write the rules that turn a gradient into a step: momentum, Nesterov, AdaGrad, RMSProp,
# Adam, AdamW and Newton. You will watch each of them on a narrow valley.
# At the end you write the test that finds a wrong Adam.
#
# **How it works.** Replace each `raise NotImplementedError` by your code. Run the cell,
# then the check below it. A check never stops the notebook. You may check as often as you like.
#
# **Marks.** Every function is marked on its own. A mistake in one costs nothing in the next,
# as long as you do not call your own functions. Where you call them, check them first.
#
# **Time.** About two hours. ●○○ is a warm-up, ●●○ needs paper, ●●● needs patience.
#
# `w` are the weights, `dw` is the gradient of the loss, `lr` is the learning rate $\eta$.
# `eq. (…)` is an equation of the chapter *Optimizers*.

# %%
import matplotlib.pyplot as plt
import numpy as np

import autograder

check = autograder.checks("07-optimizers/optimizers_numpy")

# %% [markdown]
# ## Worked example: one step, and what is remembered
#
# Every optimizer here is a function: `w, state = optimizer(w, dw, state, lr, ...)`.
# It takes one step and returns the new weights.
#
# Most optimizers remember something, such as a velocity. That is what `state` is for.
# It is a dictionary. Before the first step it is empty: `{}`.
# After each step the function returns a **new** dictionary, and the next call gets it.
# So `state.get("v", 0)` is the velocity of the step before, or 0 in the first step.
#
# A function changes none of its arguments: not `w`, not `dw`, not `state`, and no array in `state`.
# Write `w = w - …`, which makes a new array. `w -= …` writes into the array of the caller.
#
# Plain gradient descent, {eq}`op-step`, remembers nothing. It is written for you,
# and so is `follow`, which takes many steps and keeps the path.


# %% listing="sgd-and-follow"
def sgd(w, dw, state, lr):
    """One step of gradient descent. w, dw: any shape, the same. Returns the new w and the new state."""
    return w - lr * dw, {}


def follow(optimizer, gradient, w, steps, **settings):
    """The path of an optimizer. gradient(w) gives dw. Returns the points (steps + 1, D), the first is w."""
    path, state = [w], {}
    for _ in range(steps):
        w, state = optimizer(w, gradient(w), state, **settings)
        path.append(w)
    return np.array(path)


curvatures = np.array([1.0, 20.0])
start = np.array([-2.0, 1.0])


def bowl(w):
    """The loss of a narrow valley, one curvature per direction."""
    return (curvatures * w**2).sum(axis=-1) / 2


def bowl_gradient(w):
    return curvatures * w


path = follow(sgd, bowl_gradient, start, steps=3, lr=0.09)
print(path.round(3))
print("each direction shrinks by its own factor:", (path[1] / path[0]).round(3))

# %% [markdown]
# By {eq}`op-contraction` the factors are $1 - 0.09 \cdot 1 = 0.91$ and $1 - 0.09 \cdot 20 = -0.8$.
# The flat direction creeps, the steep one jumps from side to side.
#
# ## 1. How large may the steps be? (●○○, 5 minutes)
#
# On a bowl you can compute it. The steepest direction sets the limit, {eq}`op-limit`.
# The best rate makes the two extreme directions shrink equally fast, {eq}`op-best-rate`.


# %% solution="good_rates"
def good_rates(curvatures):
    """What gradient descent can do on a bowl, {eq}`op-limit` and {eq}`op-best-rate`.

    curvatures: (D,), all positive, in any order.
    Returns three numbers: the learning rate from which on it no longer converges, the best learning rate,
    and the factor by which each step shrinks the distance at the best one.

    Example: curvatures 1 and 4: 0.5, 0.4 and 0.6.
    """
    ### BEGIN SOLUTION
    low, high = curvatures.min(), curvatures.max()
    return 2 / high, 2 / (low + high), (high - low) / (high + low)
    ### END SOLUTION


# %% check="good_rates" points=2
check(good_rates)

# %% [markdown]
# Three rates on the valley. Before you run it: which of them crosses the valley in each step?


# %% experiment="three-rates"
def draw(ax, paths, title="", height=1.6):
    """Paths by name, over the contours of the bowl."""
    u, v = np.meshgrid(np.linspace(-2.6, 2.6, 201), np.linspace(-height, height, 201))
    levels = 0.3 * 1.9 ** np.arange(8)
    ax.contour(u, v, bowl(np.stack([u, v], axis=-1)), levels, colors="0.85", linewidths=0.8)
    for name, path in paths.items():
        ax.plot(*path.T, ".-", label=name, lw=1, ms=4)
    ax.set(title=title, xlim=(-2.6, 2.6), ylim=(-height, height))
    ax.legend(fontsize=8)


largest, best, factor = good_rates(curvatures)
figure, axes = plt.subplots(1, 3, figsize=(11, 2.6), sharey=True, layout="constrained")
for ax, rate in zip(axes, (0.3 * best, best, 1.02 * largest), strict=True):
    path = follow(sgd, bowl_gradient, start, steps=20, lr=rate)
    draw(ax, {"SGD": path}, f"rate {rate:.3f}, loss after 20 steps {bowl(path[-1]):.2g}")
plt.show()

# %% [markdown]
# **Question** (4 minutes). With $\kappa = 20$, how many steps does SGD at its best rate need
# until the distance is a hundredth of what it was? With $\kappa = 200$?
# A colleague multiplies his loss by 10, so that the gradients are larger and training is faster.
# What happens to the best rate, and to the number of steps?

# %% [markdown] question="op-narrow" points=2
# *Your answer here.*

# %% [markdown]
# ## 2. Momentum (●○○, 6 minutes)
#
# Across the valley the gradients change sign from step to step. Along the valley they all agree.
# So add them up, and let old ones fade: {eq}`op-momentum`. What cancels goes, what agrees grows.
#
# The learning rate stands **outside** of the velocity, as in PyTorch. The gradient counts in full:
# there is no factor $1 - \mu$ before it.


# %% solution="momentum"
def momentum(w, dw, state, lr, mu):
    """One step with momentum, {eq}`op-momentum` (Polyak 1964, in the form of PyTorch).

    w, dw: any shape, the same. state: {} or {"v": velocity}. 0 <= mu < 1.
    Returns the new w and the new state {"v": velocity}.

    Example: w = 1, dw = 2, velocity 4, lr = 0.1, mu = 0.5: the new velocity is 4, and w becomes 0.6.
    """
    ### BEGIN SOLUTION
    v = mu * state.get("v", 0) + dw
    return w - lr * v, {"v": v}
    ### END SOLUTION


# %% check="momentum" points=3
check(momentum)

# %% [markdown]
# Both at their best rates, for the same valley. Polyak's best rate and momentum are {eq}`op-momentum-best`.
# Momentum with the rate of SGD is there, too: at the same rate it brakes across the valley.
# Because it brakes, it stands a larger rate. At its own best one it swings wider at first,
# and still is done sooner.

# %% experiment="momentum-path"
low, high = np.sqrt(curvatures.min()), np.sqrt(curvatures.max())
polyak = {"lr": (2 / (low + high)) ** 2, "mu": ((high - low) / (high + low)) ** 2}
best = good_rates(curvatures)[1]
paths = {
    "SGD": follow(sgd, bowl_gradient, start, steps=40, lr=best),
    "momentum, rate of SGD": follow(momentum, bowl_gradient, start, steps=40, lr=best, mu=polyak["mu"]),
    "momentum": follow(momentum, bowl_gradient, start, steps=40, **polyak),
}
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3), layout="constrained")
draw(left, paths, height=2.4)
for name, path in paths.items():
    right.semilogy(np.linalg.norm(path, axis=1), label=name)
right.set(xlabel="step", title="distance to the minimum")
right.legend()
plt.show()
print("SGD: rate", round(best, 3), "  momentum: rate", round(polyak["lr"], 3), "mu", round(polyak["mu"], 3))
for name, path in paths.items():
    print(f"{name:22s}across the valley after 1 to 4 steps: {path[1:5, 1].round(2)}")


# %% [markdown]
# ### Where does the learning rate stand?
#
# Sutskever et al. (2013) and the course cs231n put the learning rate **inside** of the velocity,
# {eq}`op-momentum-inside`. It is given below. As long as the rate is constant, the paths are the same,
# {eq}`op-momentum-same`. Here the rate is divided by ten after 45 steps, on a slope that is the same
# everywhere: the gradient is always 1. Before you run it: which of the two slows down at once?


# %% listing="rate-inside"
def momentum_inside(w, dw, state, lr, mu):
    """Momentum with the learning rate inside of the velocity: v is a step, not a sum of gradients."""
    step = mu * state.get("step", 0.0) - lr * dw
    return w + step, {"step": step}


# %% experiment="inside-outside"
def decayed(optimizer, mu=0.9, steps=90):
    """The path of an optimizer whose rate falls from 0.02 to 0.002 after half of the steps."""
    w, state, path = np.zeros(1), {}, [0.0]
    for t in range(steps):
        w, state = optimizer(w, np.ones(1), state, 0.02 if t < steps // 2 else 0.002, mu)
        path.append(w[0])
    return np.array(path)


outside, inside = decayed(momentum), decayed(momentum_inside)
lengths = {name: np.abs(np.diff(path)) for name, path in (("outside", outside), ("inside", inside))}
plt.figure(figsize=(7, 3), layout="constrained")
for name, length in lengths.items():
    plt.semilogy(np.arange(1, 91), length, ".-", label=f"rate {name}")
plt.axvline(45.5, color="0.7", lw=1)
plt.xlabel("step")
plt.title("length of the steps on a constant slope")
plt.legend()
plt.show()
print("largest difference before the decay:", np.abs(outside - inside)[:46].max())
print("lengths of steps")
for t in (45, 46, 56, 68, 90):
    print(f"{t:3d}  outside {lengths['outside'][t - 1]:.4f}  inside {lengths['inside'][t - 1]:.4f}")

# %% [markdown]
# **Question** (4 minutes). From step 45 to step 46, why does one form shorten its step to a tenth,
# and the other only to nine tenths? The steps of both end at 0.02. By how much is the inside form too long
# at step 46? How many steps later is about a third of that left, and when a tenth?
# You copy a schedule and $\mu$ from a paper with the inside form, and train in PyTorch.
# Where in the training do the two runs differ?

# %% [markdown] question="op-two-forms" points=2
# *Your answer here.*

# %% [markdown]
# ## 3. Nesterov (●●○, 8 minutes)
#
# Momentum will carry you on anyway. So ask for the gradient where you will be: {eq}`op-lookahead`.
# But a training loop computes the gradient at the weights that it has.
# A change of variables brings the rule into the form {eq}`op-nesterov`, which only needs that one:
# first the new velocity as before, then a step along the gradient **plus** $\mu$ times the new velocity.


# %% solution="nesterov"
def nesterov(w, dw, state, lr, mu):
    """One step of Nesterov's momentum, {eq}`op-nesterov` (Sutskever et al. 2013, in the form of PyTorch).

    w, dw: any shape, the same. state: {} or {"v": velocity}. 0 <= mu < 1.
    Returns the new w and the new state {"v": velocity}.

    Example: w = 1, dw = 2, velocity 4, lr = 0.1, mu = 0.5: the new velocity is 4, and w becomes 0.6.
    These are the numbers of momentum, too. With the velocity 8 the two differ: the new velocity is 6, and
    w becomes 0.5 (with momentum 0.4).
    """
    ### BEGIN SOLUTION
    v = mu * state.get("v", 0) + dw
    return w - lr * (dw + mu * v), {"v": v}
    ### END SOLUTION


# %% check="nesterov" points=4
check(nesterov)

# %% [markdown]
# The look-ahead form is given. Its velocity is a step, with the learning rate inside: call it $v'$.
# It keeps the weights $w$, and asks for the gradient at $\theta = w + \mu v'$.
# By {eq}`op-nesterov-same` your path is the path of these $\theta$.


# %% listing="look-ahead"
def look_ahead(gradient, w, steps, lr, mu):
    """The points w + mu * velocity of Nesterov's momentum as it was published: (steps + 1, D)."""
    velocity = np.zeros_like(w)
    seen = [w]
    for _ in range(steps):
        velocity = mu * velocity - lr * gradient(w + mu * velocity)
        w = w + velocity
        seen.append(w + mu * velocity)
    return np.array(seen)


# %% experiment="look-ahead-same"
mine = follow(nesterov, bowl_gradient, start, steps=50, lr=0.03, mu=0.8)
theirs = look_ahead(bowl_gradient, start, steps=50, lr=0.03, mu=0.8)
print("largest difference of the two paths:", np.abs(mine - theirs).max())

figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
heavy = follow(momentum, bowl_gradient, start, steps=30, lr=0.03, mu=0.8)
draw(ax, {"momentum": heavy, "Nesterov": mine[:31]})
plt.show()

# %% [markdown]
# ## Noise (3 minutes to read)
#
# In a network the gradient of a batch is noisy. Let the noise have the variance $\sigma^2$.
# Then $w$ never comes to rest. It jitters around the minimum with the variance of {eq}`op-noise`.
# The figure compares the formula with a simulation. At each rate 2000 weights move on their own.

# %% experiment="noise-floor"
rng = np.random.default_rng(0)
curvature, sigma = 2.0, 0.5
rates = [0.01, 0.03, 0.1, 0.3, 0.9]
measured = []
for rate in rates:
    w, state = np.zeros(2000), {}
    for _ in range(max(200, int(6 / rate))):
        w, state = sgd(w, curvature * w + sigma * rng.normal(size=2000), state, rate)
    measured.append(w.var())
many = np.geomspace(0.01, 0.95, 50)
plt.figure(figsize=(5, 3), layout="constrained")
plt.loglog(many, many * sigma**2 / (curvature * (2 - many * curvature)), color="C0", label="formula")
plt.loglog(rates, measured, "o", color="C1", label="measured")
plt.xlabel("learning rate")
plt.title("variance of the weights at the end")
plt.legend()
plt.show()

# %% [markdown]
# **Question** (4 minutes). For small rates, what does half the rate do to the variance of $w$,
# and what to the number of steps that you need to get there?
# What would you do with the rate in the course of a training?
# The variance grows without bound at one rate. Which one is it here, and which equation says so?

# %% [markdown] question="op-noise-floor" points=2
# *Your answer here.*

# %% [markdown]
# ## 4. AdaGrad (●○○, 5 minutes)
#
# One rate for all directions is the trouble. So give each weight a rate of its own:
# divide its step by the size of its gradients so far, {eq}`op-adagrad`.
# All operations are element by element. `eps` stands **outside** of the root, as in PyTorch.


# %% solution="adagrad"
def adagrad(w, dw, state, lr, eps):
    """One step of AdaGrad, {eq}`op-adagrad` (Duchi et al. 2011).

    w, dw: any shape, the same. state: {} or {"s": sum of the squared gradients}.
    Returns the new w and the new state {"s": sum}, which includes this gradient.

    Example: w = 1, dw = 3, sum 16, lr = 0.1, eps = 1: the new sum is 25, and w becomes 1 - 0.3 / 6 = 0.95.
    """
    ### BEGIN SOLUTION
    s = state.get("s", 0) + dw**2
    return w - lr * dw / (np.sqrt(s) + eps), {"s": s}
    ### END SOLUTION


# %% check="adagrad" points=3
check(adagrad)

# %% [markdown]
# ## 5. RMSProp (●○○, 4 minutes)
#
# AdaGrad never forgets. RMSProp takes a moving average in place of the sum, {eq}`op-rmsprop`.
# The step is the same. Its first step is a large one: see {eq}`op-rmsprop-first`.


# %% solution="rmsprop"
def rmsprop(w, dw, state, lr, rho, eps):
    """One step of RMSProp, {eq}`op-rmsprop` (Tieleman & Hinton 2012).

    w, dw: any shape, the same. state: {} or {"s": average of the squared gradients}. 0 <= rho < 1.
    Returns the new w and the new state {"s": average}, which includes this gradient.

    Example: w = 1, dw = 2, average 5, lr = 0.1, rho = 0.8, eps = 1. The new average is 4.8,
    and w becomes 1 - 0.2 / 3.191 = 0.937.
    """
    ### BEGIN SOLUTION
    s = rho * state.get("s", 0) + (1 - rho) * dw**2
    return w - lr * dw / (np.sqrt(s) + eps), {"s": s}
    ### END SOLUTION


# %% check="rmsprop" points=3
check(rmsprop)

# %% [markdown]
# A gradient that is always 1. How long are the steps?
# Compare with {eq}`op-adagrad-decay` and {eq}`op-rmsprop-first`.

# %% experiment="step-lengths"
plt.figure(figsize=(7, 3), layout="constrained")
for name, optimizer, settings in (
    ("AdaGrad", adagrad, {"eps": 1e-8}),
    ("RMSProp", rmsprop, {"rho": 0.99, "eps": 1e-8}),
):
    path = follow(optimizer, np.ones_like, np.zeros(1), steps=1000, lr=0.01, **settings)
    lengths = -np.diff(path[:, 0])
    plt.loglog(np.arange(1, 1001), lengths, label=name)
    print(f"{name:8s} step 1: {lengths[0]:.4f}, step 100: {lengths[99]:.4f}, step 1000: {lengths[999]:.5f}")
plt.axhline(0.01, color="0.7", lw=1, label="learning rate")
plt.xlabel("step")
plt.title("length of the steps")
plt.legend()
plt.show()

# %% [markdown]
# ## 6. Adam (●●○, 10 minutes)
#
# Adam takes an average of the gradients, as momentum does, and one of their squares, as RMSProp does:
# {eq}`op-adam-moments`. Both start at zero, so in the first steps both are too small.
# By how much, see {eq}`op-adam-bias`. Divide it out, then step: {eq}`op-adam`.
#
# `t` is the number of the step. It is 1 in the first step, and it lives in the state.
# The state keeps the averages as they are, without the correction.


# %% solution="adam"
def adam(w, dw, state, lr, beta1, beta2, eps):
    """One step of Adam, {eq}`op-adam-moments` and {eq}`op-adam` (Kingma & Ba 2015, Algorithm 1).

    w, dw: any shape, the same. state: {} or {"m": average of dw, "s": average of dw**2, "t": steps done}.
    0 <= beta1, beta2 < 1. eps: outside of the root. Returns the new w and the new state.

    Example, first step: w = 1, dw = 2, lr = 0.1, beta1 = 0.9, beta2 = 0.99, eps = 0.5. m = 0.2 and s = 0.04
    are corrected to 2 and 4, so w becomes 1 - 0.1 * 2 / 2.5 = 0.92.
    """
    ### BEGIN SOLUTION
    t = state.get("t", 0) + 1
    m = beta1 * state.get("m", 0) + (1 - beta1) * dw
    s = beta2 * state.get("s", 0) + (1 - beta2) * dw**2
    m_hat = m / (1 - beta1**t)
    s_hat = s / (1 - beta2**t)
    return w - lr * m_hat / (np.sqrt(s_hat) + eps), {"m": m, "s": s, "t": t}
    ### END SOLUTION


# %% check="adam" points=5
check(adam)

# %% [markdown]
# ## 7. What if nobody corrects? (●○○, 4 minutes)
#
# Many texts say: without the correction the first steps of Adam are too small.
# Compute it. The gradient is constant and `eps` is 0.
# How many times as long is the step without the correction, {eq}`op-adam-ratio`?


# %% solution="uncorrected_ratio"
def uncorrected_ratio(beta1, beta2, steps):
    """The step of Adam without correction, divided by the step with it, {eq}`op-adam-ratio`.

    For a constant gradient and eps = 0. steps: integers (T,), the numbers of the steps, counted from 1.
    Returns (T,).

    Example: beta1 = 0.5, beta2 = 0.75, steps = 1, 2 gives 1 and 1.134.
    """
    ### BEGIN SOLUTION
    return (1 - beta1**steps) / np.sqrt(1 - beta2**steps)
    ### END SOLUTION


# %% check="uncorrected_ratio" points=2
check(uncorrected_ratio)

# %% experiment="correction"
steps = np.arange(1, 3001)
plt.figure(figsize=(7, 3), layout="constrained")
for beta1, beta2 in ((0.9, 0.999), (0.9, 0.99), (0.9, 0.9), (0.0, 0.999)):
    name = rf"$\beta_1$ = {beta1}, $\beta_2$ = {beta2}"
    plt.loglog(steps, uncorrected_ratio(beta1, beta2, steps), label=name)
plt.axhline(1, color="0.7", lw=1)
plt.xlabel("step")
plt.title("step without correction / step with correction")
plt.legend()
plt.show()
print("usual betas, steps 1, 10, 1000:", uncorrected_ratio(0.9, 0.999, np.array([1, 10, 1000])).round(2))

# %% [markdown]
# **Question** (4 minutes). Are the first steps without correction too small or too large,
# with the usual $\beta_1 = 0.9$ and $\beta_2 = 0.999$? Why, in one sentence about the two averages?
# Where is the ratio largest, and why does it fall again?
# For which $\beta_1$ and $\beta_2$ would the many texts be right?

# %% [markdown] question="op-first-steps" points=2
# *Your answer here.*

# %% [markdown]
# ## 8. AdamW (●●○, 6 minutes)
#
# Weight decay pulls each weight towards zero. With SGD it is the same as a penalty on the squares.
# With Adam it is not: a penalty goes into the gradient, and so it is divided by the root, {eq}`op-coupled`.
# Weights with large gradients then hardly decay.
# AdamW shrinks the weights directly, {eq}`op-adamw`: multiply, then take the step of Adam.
# The gradient, `m` and `s` see nothing of it.


# %% solution="adamw"
def adamw(w, dw, state, lr, beta1, beta2, eps, weight_decay):
    """One step of AdamW, {eq}`op-adamw` (Loshchilov & Hutter 2019, in the form of PyTorch).

    As `adam`, with the same state. weight_decay: its strength, before it is multiplied by lr.

    Example, first step: w = 1, dw = 2, lr = 0.1, beta1 = 0.9, beta2 = 0.99, eps = 0.5, weight_decay = 0.3.
    The weight shrinks to 0.97, then the step of Adam takes 0.08 off: 0.89.
    """
    ### BEGIN SOLUTION
    return adam(w * (1 - lr * weight_decay), dw, state, lr, beta1, beta2, eps)
    ### END SOLUTION


# %% check="adamw" points=4
check(adamw)

# %% [markdown]
# ## 9. Newton (●●○, 8 minutes)
#
# The optimizers so far guess the curvature from gradients. Newton asks for it: the Hessian $H$.
# Where the loss is a quadratic, the step {eq}`op-newton` lands on the point with gradient zero, in one go.
# Where $H$ is nearly singular the step is huge.
# So add $\delta$ to the diagonal first, {eq}`op-newton-damped`.
#
# You need not compute an inverse: `np.linalg.solve(A, b)` gives $A^{-1} b$.


# %% solution="newton"
def newton(w, dw, H, damping):
    """One damped step of Newton, {eq}`op-newton-damped`.

    w, dw: (D,). H: (D, D), symmetric. damping: a number, at least 0. Returns the new w, nothing else.

    Example: w = (1, 1), dw = (2, 6), H = diag(1, 3), damping = 1: w becomes (0, -0.5). With damping 0 it
    would become (-1, -1).
    """
    ### BEGIN SOLUTION
    return w - np.linalg.solve(H + damping * np.eye(len(w)), dw)
    ### END SOLUTION


# %% check="newton" points=4
check(newton)

# %% [markdown]
# On the left the narrow valley. On the right a saddle, $f = (w_1^2 - w_2^2) / 2$: downhill is away from 0.
# Before you run it: where does Newton go on the right, and where does SGD?

# %% experiment="newton-saddle"
w = np.array([1.0, 0.5])
print("valley, one step:", newton(w, bowl_gradient(w), np.diag(curvatures), damping=0.0))

saddle = np.diag([1.0, -1.0])
print("saddle, one step:", newton(w, saddle @ w, saddle, damping=0.0))
print("saddle, 20 steps of SGD:", follow(sgd, lambda w: saddle @ w, w, steps=20, lr=0.1)[-1].round(3))
print("saddle, one step with damping 2:", newton(w, saddle @ w, saddle, damping=2.0))

# %% [markdown]
# **Question** (4 minutes). Why does Newton go to the saddle, by {eq}`op-newton-saddle`?
# What does the damping have to do with it, and why must it be larger than 1 here?
# A network has 25 million weights. How many numbers has its Hessian, and how many bytes are that
# at 4 bytes each? How many multiplications does one step take, {eq}`op-newton-cost`?

# %% [markdown] question="op-why-not-newton" points=2
# *Your answer here.*

# %% [markdown]
# ## Experiment: six optimizers, each at its best (5 minutes)
#
# Three landscapes. Each optimizer gets the rate, out of 33, at which the loss after 40 steps is lowest.
# Momentum and Nesterov get the best `mu` out of four, too: the usual 0.9 is far too much for $\kappa = 20$.
# The tilted bowl is the bowl, turned by 30 degrees. The saddle has a minimum on either side, with loss 0.
# Before you run it: which optimizers do not notice that the bowl was turned? Why do the others?

# %% experiment="landscapes"
angle = np.pi / 6
turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
tilted = turn @ np.diag(curvatures) @ turn.T
landscapes = {
    "bowl": (bowl, bowl_gradient, start),
    "tilted bowl": (lambda w: w @ tilted @ w / 2, lambda w: tilted @ w, turn @ start),
    "saddle": (
        lambda w: w[0] ** 4 / 4 - w[0] ** 2 / 2 + 10 * w[1] ** 2 + 0.25,
        lambda w: np.array([w[0] ** 3 - w[0], 20 * w[1]]),
        np.array([0.01, 1.0]),
    ),
}
optimizers = {
    "SGD": (sgd, [{}]),
    "momentum": (momentum, [{"mu": mu} for mu in (0.4, 0.6, 0.8, 0.9)]),
    "Nesterov": (nesterov, [{"mu": mu} for mu in (0.4, 0.6, 0.8, 0.9)]),
    "AdaGrad": (adagrad, [{"eps": 1e-8}]),
    "RMSProp": (rmsprop, [{"rho": 0.9, "eps": 1e-8}]),
    "Adam": (adam, [{"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}]),
}
rates = np.geomspace(1e-3, 10, 33)


def at_its_best(optimizer, choices, loss, gradient, w):
    """The lowest loss after 40 steps, and the rate and mu that reach it."""
    tried = []
    for settings in choices:
        for rate in rates:
            end = loss(follow(optimizer, gradient, w, 40, lr=rate, **settings)[-1])
            tried.append((np.nan_to_num(end, nan=np.inf), rate, settings.get("mu")))
    lowest, rate, mu = min(tried, key=lambda one: one[0])
    return f"{lowest:.1e} at {rate:.3f}" + (f", mu {mu}" if mu else "        ")


print(f"{'loss after 40 steps':20s}" + "".join(f"{name + ' ' * 8:>27s}" for name in landscapes))
with np.errstate(all="ignore"):
    for name, (optimizer, choices) in optimizers.items():
        cells = [at_its_best(optimizer, choices, *landscape) for landscape in landscapes.values()]
        print(f"{name:20s}" + "".join(f"{cell:>27s}" for cell in cells))

# %% [markdown]
# AdaGrad's best rate on the bowl is the largest that was tried, and still larger ones do better.
# The first step throws each weight `lr` away, and the second leads back. The gradient out there, about
# $\lambda \eta$ in size, has filled the sum. So the third step is about
# $\eta \cdot \lambda w / (\lambda \eta) = w$, from $w$ right to 0, whatever the curvature.
# That needs a curvature for each weight alone: on the tilted bowl the best rate is a moderate one.

# %% [markdown]
# ## Experiment: the first steps of a logistic regression (4 minutes)
#
# 300 examples, 10 features of very different size. Adam with the usual betas, with and without correction,
# at a small rate and at a large one.
# A trick turns the correction off: start with `t` at a million, and $1 - \beta^t$ is 1.
# Before you run it: at which rate will the missing correction hurt? Can it help?


# %% experiment="with-and-without"
rng = np.random.default_rng(3)
features = rng.normal(size=(300, 10))
labels = (features @ rng.normal(size=10) + rng.normal(size=300) > 0) * 1.0
x = features * np.geomspace(0.1, 10, 10)


def logistic_loss(w):
    z = x @ w
    return np.mean(np.logaddexp(0, z) - labels * z)


def logistic_gradient(w):
    return x.T @ (1 / (1 + np.exp(-(x @ w))) - labels) / len(x)


figure, axes = plt.subplots(1, 2, figsize=(10, 3), layout="constrained")
zeros = np.zeros(10)
for ax, rate in zip(axes, (0.1, 1.0), strict=True):
    for name, state in (("with correction", {}), ("without", {"m": zeros, "s": zeros, "t": 10**6})):
        w, losses = zeros, [logistic_loss(zeros)]
        for _ in range(300):
            w, state = adam(w, logistic_gradient(w), state, rate, 0.9, 0.999, 1e-8)
            losses.append(logistic_loss(w))
        ax.loglog(np.arange(1, 302), losses, label=name)
        told = ", ".join(f"{n}: {losses[n]:.2f}" for n in (0, 1, 10, 100, 300))
        print(f"rate {rate}, {name + ', loss after steps':34s}{told}")
    ax.set(xlabel="step + 1", title=f"loss, rate {rate}")
    ax.legend()
plt.show()

# %% [markdown]
# ## 10. Your own test (●●●, 15 minutes)
#
# Write the test that you would want before you trust somebody's `adam`. It gets a function.
# Where the function is wrong, your test raises an error: use `assert`.
# Any error counts as a rejection, as in pytest.
# Where the function is right, your test returns. Whatever it returns is ignored, `True` and `False` too.
# It is marked on one right implementation and on several wrong ones.
#
# Right means section 6: `eps` **outside** of the root and added **after** the correction,
# the state with the keys `"m"`, `"s"` and `"t"`, and no argument changed.
#
# The check here takes your own `adam` for the right one. Pass section 6 first.
#
# Compare with `np.allclose`: two right functions may round differently.
# The inputs are yours to choose, and most choices hide something.
# What does one step hide? A gradient that is constant, or only grows? One weight alone?
# An `eps` of 1e-8? A rate that stays? Betas of 0.9 and 0.999, or of one half?
# Would you see a state that is never read, one that is changed in place, or a `w` that is?
# And would you see one number for all weights where each should have its own?


# %% solution="test_adam"
def test_adam(implementation):
    """Raise an error unless implementation(w, dw, state, lr, beta1, beta2, eps) is right. Else return.

    Right means section 6: it returns (new w, new state), and changes none of its arguments.
    Use assert and np.allclose. Any error counts as a rejection, returning counts as acceptance.
    """
    ### BEGIN SOLUTION
    w, state = np.array([1.0, -2.0, 0.5]), {}
    sizes = np.array([[1.0, -0.5, 2.0], [-9.0, 4.0, 6.0], [0.1, 0.0, -0.2], [0.2, -0.1, 0.1]])
    beta1, beta2, eps = 0.7, 0.9, 0.05
    mean, square = np.zeros(3), np.zeros(3)
    for t, (dw, lr) in enumerate(zip(sizes, [0.3, 0.2, 0.5, 0.1], strict=True), 1):
        mean = beta1 * mean + (1 - beta1) * dw
        square = beta2 * square + (1 - beta2) * dw**2
        root = np.sqrt(square / (1 - beta2**t))
        wanted = w - lr * mean / (1 - beta1**t) / (root + eps)
        old = [np.array(a) for a in (w, dw, state.get("m", 0), state.get("s", 0), state.get("t", 0))]
        new, following = implementation(w, dw, state, lr, beta1, beta2, eps)
        now = [w, dw, state.get("m", 0), state.get("s", 0), state.get("t", 0)]
        assert all(np.array_equal(a, b) for a, b in zip(old, now, strict=True))
        assert np.allclose(new, wanted)
        assert np.allclose(following["m"], mean) and np.allclose(following["s"], square)
        assert following["t"] == t
        w, state = new, following
    ### END SOLUTION


# %% check="test_adam" points=5
check(test_adam)

# %% [markdown]
# You have written seven optimizers, and a test that checks one.
# The next notebook, `optimizers_torch`, makes classes of them that train a network.
