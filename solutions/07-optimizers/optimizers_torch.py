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
# # Optimizers in PyTorch
#
# You have written optimizers in NumPy, as functions of one array.
# A network has many arrays. Now you will make optimizers of the kind that `torch.optim` has:
# they keep a state for each parameter, have settings for each group, and can be saved and loaded.
# Then you will train with them.
#
# **Time.** About two and a half hours, the experiments included.
#
# **Devices.** Parameters may be on a GPU. So make new tensors from those you got:
# `torch.zeros_like(w)` and not `torch.zeros(w.shape)`.
# Do not use PyTorch's own optimizers inside of your answers, nor its functions that clip gradients:
# they are what you are building.
# The checks below do not notice it; it is flagged to the instructor.
#
# In code, `w` is a parameter, `w.grad` the gradient of the mean loss, `lr` the learning rate $\eta$,
# `v` the velocity, `m` the mean gradient, and `s` the mean of its squares.

# %%
import copy

import torch
from torch import nn

import autograder
from lab.device import pick_device

check = autograder.checks("07-optimizers/optimizers_torch")
device = pick_device()
F = nn.functional

# %% [markdown]
# ## Three traps to know first
#
# **Gradients add up.** `backward()` adds to what is in `w.grad` already.
# Without `zero_grad()` each step uses the sum of all gradients so far.
#
# **An update is no part of the loss.** A parameter requires a gradient, so PyTorch refuses to change it
# in place. Inside of `torch.no_grad()` nothing is recorded, and it may be changed.
#
# **Two things are called weight decay.** In `torch.optim.SGD` and `torch.optim.Adam`, `weight_decay` adds
# `weight_decay * w` to the gradient, {eq}`op-coupled`. In `AdamW` the weights shrink by themselves.
# Below, the gradient of the loss is zero for three steps. Without momentum the two would agree.

# %% listing="torch-traps"
w = nn.Parameter(torch.tensor([2.0]))
for _ in range(3):
    (w**2).sum().backward()
    print("gradient of w squared at 2:", w.grad.item())
try:
    w -= 0.1 * w.grad
except RuntimeError as error:
    print("w -= ... says:", error)

w = nn.Parameter(torch.tensor([1.0]))
w.grad = torch.zeros(1)
library = torch.optim.SGD([w], lr=0.1, momentum=0.9, weight_decay=0.1)
for _ in range(3):
    library.step()
print(f"three steps with decay in the gradient: {w.item():.4f}; decay alone: {(1 - 0.1 * 0.1) ** 3:.4f}")

# %% [markdown]
# ## A worked example
#
# This optimizer moves each number by `lr` against the sign of its gradient.
# It shows all the parts that you need:
#
# - **Settings.** `super().__init__(params, defaults)` gets the parameters and a dict of default settings.
#   It makes `self.param_groups`, a list of dicts. Each has its list of parameters under `"params"`
#   and its own value of every setting.
#   Read the settings from there at every step: a schedule writes a new `"lr"` into each group.
# - **State.** `self.state[w]` is a dict for the parameter `w`, empty at first.
#   What you keep there is saved by `state_dict()`, and moved to the right device by `load_state_dict()`.
#   What you keep as an attribute of your own, `self.v`, is lost.
# - **The step.** Under `torch.no_grad()`, in place: `w.sub_(...)`, or `w -= ...`.
#   `w = w - ...` makes a new tensor, and the network keeps the old one.
#
# It leaves out one thing. A parameter that had no part in the loss has `w.grad` = `None`.
# Its turn is passed over: neither the parameter nor its state changes.


# %% listing="sign-descent"
class SignDescent(torch.optim.Optimizer):
    """Each number moves by lr against the sign of its gradient. It counts the steps, to show where."""

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                p.sub_(group["lr"] * p.grad.sign())
                self.state[p]["steps"] = self.state[p].get("steps", 0) + 1


torch.manual_seed(0)
layer = nn.Linear(2, 1)
signs = SignDescent([{"params": [layer.weight]}, {"params": [layer.bias], "lr": 0.5}], lr=0.1)
before = copy.deepcopy(layer)
layer(torch.tensor([[3.0, -4.0]])).sum().backward()
signs.step()
weight_step, bias_step = layer.weight - before.weight, layer.bias - before.bias
print("weights moved by", [round(step, 6) for step in weight_step.flatten().tolist()])
print("the bias moved by", round(bias_step.item(), 6))
print("state:", signs.state_dict()["state"])

# %% [markdown]
# ## 1. SGD, with momentum and without (●●○, 20 minutes)
#
# One class for {eq}`op-step`, {eq}`op-momentum` and {eq}`op-nesterov`, as `torch.optim.SGD` is.
# Weight decay is coupled: the gradient becomes `w.grad + weight_decay * w`, {eq}`op-coupled`.
# That sum goes into the velocity. `w.grad` itself must not change: others read it.
#
# Keep the velocity as `self.state[w]["momentum_buffer"]`, under the name that PyTorch uses.
# It must be a tensor of its own. `w.grad` is overwritten in the next step.


# %% solution="SGD"
class SGD(torch.optim.Optimizer):
    """Gradient descent with momentum, {eq}`op-momentum`, or Nesterov's, {eq}`op-nesterov`."""

    def __init__(self, params, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
        """params: parameters, or groups of them (dicts). weight_decay: coupled, {eq}`op-coupled`.

        Raises ValueError for a negative lr; the message names the value that came.
        """
        ### BEGIN SOLUTION
        if lr < 0:
            raise ValueError(f"Expected a learning rate of 0 or more, got {lr}.")
        settings = {"lr": lr, "momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay}
        super().__init__(params, settings)
        ### END SOLUTION

    def step(self):
        """One step of every parameter that has a gradient, in place and unrecorded.

        Example: w = 1, gradients 2 and then 3, lr = 0.1, momentum = 0.5: the velocity is 2 and then 4,
        and w is 0.8 and then 0.4. With nesterov the steps are 0.1 * 3 and 0.1 * 5: 0.7 and then 0.2.
        """
        ### BEGIN SOLUTION
        with torch.no_grad():
            for settings in self.param_groups:
                for w in settings["params"]:
                    if w.grad is None:
                        continue
                    dw = w.grad + settings["weight_decay"] * w
                    if settings["momentum"]:
                        state, mu = self.state[w], settings["momentum"]
                        v = mu * state.get("momentum_buffer", 0) + dw
                        state["momentum_buffer"] = v
                        dw = dw + mu * v if settings["nesterov"] else v
                    w -= settings["lr"] * dw
        ### END SOLUTION


# %% check="SGD" points=7
check(SGD)

# %% [markdown]
# ## 2. AdamW (●●●, 25 minutes)
#
# The weights shrink, and then Adam steps: {eq}`op-adamw`, with {eq}`op-adam-moments` and {eq}`op-adam`.
# With `weight_decay=0` it is Adam.
#
# - Keep three things for each parameter: `"step"`, an `int`; `"exp_avg"`, which is `m`;
#   and `"exp_avg_sq"`, which is `s`. All three count as zero before the first step.
#   Whether `__init__` puts the zeros there, or the first step, is up to you.
# - Count the steps for **each parameter**, from 1.
#   A parameter that was passed over twice is two steps behind, and so is its bias correction.
# - `eps` is added outside of the root.


# %% solution="AdamW"
class AdamW(torch.optim.Optimizer):
    """Adam with decoupled weight decay, {eq}`op-adamw` (Loshchilov and Hutter 2019)."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        """params: parameters, or groups of them (dicts). betas: of the mean and of the mean square.

        Raises ValueError for a negative lr, and unless 0 <= beta < 1 for both betas;
        the message names the value that came.
        """
        ### BEGIN SOLUTION
        if lr < 0:
            raise ValueError(f"Expected a learning rate of 0 or more, got {lr}.")
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"Expected betas from 0 to below 1, got {betas}.")
        settings = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, settings)
        ### END SOLUTION

    def step(self):
        """One step of every parameter that has a gradient, in place and unrecorded.

        Example: w = 1, gradient 4, lr = 0.1, weight_decay = 0.5, eps = 0: the first step gives
        1 * (1 - 0.1 * 0.5) - 0.1 * 4 / 4 = 0.85, whatever the betas are.
        """
        ### BEGIN SOLUTION
        with torch.no_grad():
            for settings in self.param_groups:
                beta1, beta2 = settings["betas"]
                for w in settings["params"]:
                    if w.grad is None:
                        continue
                    state = self.state[w]
                    t = state.get("step", 0) + 1
                    m = beta1 * state.get("exp_avg", 0) + (1 - beta1) * w.grad
                    s = beta2 * state.get("exp_avg_sq", 0) + (1 - beta2) * w.grad**2
                    state.update(step=t, exp_avg=m, exp_avg_sq=s)
                    m_hat, s_hat = m / (1 - beta1**t), s / (1 - beta2**t)
                    w *= 1 - settings["lr"] * settings["weight_decay"]
                    w -= settings["lr"] * m_hat / (s_hat.sqrt() + settings["eps"])
        ### END SOLUTION


# %% check="AdamW" points=8
check(AdamW)

# %% [markdown]
# ## Parity: your optimizers beside PyTorch's
#
# Each row trains a small network twice from the same start, in 64-bit numbers, for 40 steps.
# The learning rate changes on the way.
# The last column is the largest difference between the weights of the two networks.
# Up to about 1e-10 it is rounding: the two compute in another order. More is another algorithm.


# %% listing="parity"
SETTINGS = [
    ("SGD", {"lr": 0.3}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.3, "weight_decay": 0.05}),
    ("SGD", {"lr": 0.05, "momentum": 0.95, "nesterov": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.7, "nesterov": True, "weight_decay": 0.2}),
    ("SGD", {"lr": 0.2, "weight_decay": 0.1}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.1, "betas": (0.5, 0.6), "weight_decay": 0.0}),
    ("AdamW", {"lr": 0.03, "betas": (0.0, 0.9), "eps": 1e-2}),
    ("AdamW", {"lr": 0.03, "betas": (0.9, 0.7), "weight_decay": 0.3}),
    ("AdamW", {"lr": 0.5, "betas": (0.99, 0.9999), "eps": 1.0, "weight_decay": 1.0}),
    ("AdamW", {"lr": 0.01, "betas": (0.8, 0.99), "eps": 1e-12, "weight_decay": 2.0}),
]


def trained(make, **settings):
    """All weights of a small network after 40 steps of training with make(parameters, **settings)."""
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(30, 5, generator=generator, dtype=torch.float64, device="cpu").to(device)
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 1)).double().to(device)
    runner = make(net.parameters(), **settings)
    first_rate = runner.param_groups[0]["lr"]
    for t in range(40):
        runner.param_groups[0]["lr"] = first_rate / (1 + t % 7)
        runner.zero_grad()
        F.mse_loss(net(points), points[:, :1] ** 2).backward()
        runner.step()
    return torch.cat([weight.detach().flatten() for weight in net.parameters()])


# %% experiment="parity"
for name, settings in SETTINGS:
    mine = trained({"SGD": SGD, "AdamW": AdamW}[name], **settings)
    gap = (mine - trained(getattr(torch.optim, name), **settings)).abs().max()
    print(f"{name:6} {settings!s:72} {gap:.0e}")

# %% [markdown]
# PyTorch's own have more to offer: `dampening` (the new gradient enters the velocity with a smaller weight,
# but the first one does not), `amsgrad`, `maximize`, and `foreach=True` or `fused=True`, which handle many
# parameters in one call to the device.
#
# **Question.** A training run was stopped after 1000 steps. The weights were saved, the optimizer was not.
# The run goes on with the saved weights and a new optimizer.
# What is different in the first steps with AdamW, and what with SGD and momentum?
# Think of $t$, of the size of the first step, and of what the averages had known.
# Another run makes a new optimizer at the start of every epoch. What has become of its momentum?

# %% [markdown] question="op-torch-state" points=2
# *Your answer here.*

# %% [markdown]
# ## 3. Clip the gradients (●●○, 10 minutes)
#
# {eq}`op-clip`: if the gradient is longer than `max_norm`, shorten it to that length.
# The 1e-6 in the equation only keeps it from dividing by zero.
# The length is that of **all** gradients together, as if they were one long vector:
# the root of the sum of all squares.
# So the direction stays.
#
# `parameters` may be `model.parameters()`. That is a generator: you can go through it once.


# %% solution="clip_gradients"
def clip_gradients(parameters, max_norm):
    """Scale all gradients by one number so that their norm is at most max_norm, {eq}`op-clip`.

    parameters: tensors, in a list or from a generator. Those without a gradient are passed over.
    Changes the gradients, and returns their norm from before (0 if there is none).

    Example: gradients (3, 0) and (4), max_norm = 1: they become (0.6, 0) and (0.8); it returns 5.
    """
    ### BEGIN SOLUTION
    gradients = [w.grad for w in parameters if w.grad is not None]
    norm = sum((dw**2).sum() for dw in gradients) ** 0.5
    scale = min(1.0, max_norm / (norm + 1e-6))
    for dw in gradients:
        dw *= scale
    return norm
    ### END SOLUTION


# %% check="clip_gradients" points=5
check(clip_gradients)

# %% [markdown]
# ## 4. What should decay? (●○○, 10 minutes)
#
# Weight decay is meant for the matrices and filters of a network.
# Biases, and the gamma and beta of a normalization layer, are usually left alone.
# They are few, and pulling gamma to zero fights what the layer is for.
# All of those have one axis; the weights of linear layers and convolutions have two and more.
# Count axes, and you need no list of layers.


# %% solution="parameter_groups"
def parameter_groups(model, weight_decay):
    """Two groups for an optimizer: parameters with two axes or more decay, those with one or none do not.

    Returns a list of two dicts with the keys "params" and "weight_decay": first the one that decays.
    Every parameter of the model is in exactly one of them.

    Example: nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)) has one parameter in the first group,
    and three in the second.
    """
    ### BEGIN SOLUTION
    matrices = [w for w in model.parameters() if w.ndim > 1]
    vectors = [w for w in model.parameters() if w.ndim <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    ### END SOLUTION


# %% check="parameter_groups" points=3
check(parameter_groups)

# %% [markdown]
# **Question.** In the third trap above, three steps with decay in the gradient gave 0.9444,
# and decay alone gives 0.9703. Where does the difference come from, and what would it be without momentum?
# In Adam the coupled decay is divided by $\sqrt{\hat s}$, too. Two weights are equally large;
# one always has large gradients, the other has small ones. Which of them is held back less, and why?

# %% [markdown] question="op-torch-decay" points=2
# *Your answer here.*

# %% [markdown]
# ## 5. One step of training (●●○, 10 minutes)
#
# Five things in the right order: forget the old gradients, compute the loss, go backward, clip, step.
# Each wrong order runs without an error.
#
# `loss_function` gives the mean over the batch; leave it as it is.
# Return a number, not a tensor: a tensor would hold on to the whole graph of the batch.
# You may call `clip_gradients`, if its check passes, or write it out again.


# %% solution="train_step"
def train_step(model, optimizer, loss_function, x, y, max_norm=None):
    """One step on the batch (x, y); returns the loss before the step, as a float.

    loss_function(model(x), y) is a tensor with one number. Gradients that are left from before do not
    count. max_norm: the gradients are clipped to this norm, {eq}`op-clip`; None: they are not clipped.
    Leave the model in the mode it is in, or set training mode.
    """
    ### BEGIN SOLUTION
    optimizer.zero_grad()
    scores = model(x)
    loss = loss_function(scores, y)
    loss.backward()
    if max_norm is not None:
        clip_gradients(model.parameters(), max_norm)
    optimizer.step()
    return loss.item()
    ### END SOLUTION


# %% check="train_step" points=5
check(train_step)

# %% [markdown]
# Now all of it together. A small network learns handwritten digits, one full batch of 200 per step.

# %% experiment="together"
from lab.data import read
from lab.training import as_tensors

digits = as_tensors(read("digits"), device=device)
images, labels = digits.train_x[:200], digits.train_y[:200]
torch.manual_seed(0)
net = nn.Sequential(nn.Flatten(), nn.Linear(64, 40), nn.BatchNorm1d(40), nn.ReLU(), nn.Linear(40, 10))
net = net.to(device)
adamw = AdamW(parameter_groups(net, weight_decay=0.1), lr=0.01)
losses = [train_step(net, adamw, F.cross_entropy, images, labels, max_norm=1.0) for _ in range(60)]
print("loss at step 1, 20, 40, 60:", *(f"{losses[t]:.3f}" for t in (0, 19, 39, 59)))

# %% [markdown]
# **Question.** Three friends train this network with your SGD, `lr=0.1` and no momentum.
# Each has made one slip.
# The first goes backward, forgets the gradients, and steps.
# The second steps, and clips after that.
# The third never forgets old gradients, and does not clip.
# Try each of them for 60 steps, beside the right order. What does each see in the loss, and why?
# One of the three may even be pleased. Which optimizer is that by accident, with which setting?
# When does it fail? Think of a narrow valley, or of noisy gradients.

# %% [markdown] question="op-torch-order" points=3
# *Your answer here.*

# %% [markdown]
# ## 6. Newton's step (●●○, 15 minutes)
#
# {eq}`op-newton-damped`. The gradient and the Hessian $H$ come from PyTorch:
# `torch.func.grad(f)` and `torch.func.hessian(f)` are functions of $w$.
# `torch.linalg.solve(A, b)` gives $A^{-1} b$ without an inverse.


# %% solution="newton_step"
def newton_step(f, w, damping):
    """One step of Newton's method from w, {eq}`op-newton-damped`.

    f: a function of a tensor (D,) that returns one number, made of torch operations. w: (D,).
    damping: delta, 0 or more. Returns a new tensor (D,) without a graph; w stays as it is.

    Example: f(w) = 3 w^2 at w = 2 has the gradient 12 and H = 6. With damping 0 the step leads to 0,
    with damping 2 to 2 - 12 / 8 = 0.5.
    """
    ### BEGIN SOLUTION
    w = w.detach()
    dw, H = torch.func.grad(f)(w), torch.func.hessian(f)(w)
    damped = H + damping * torch.eye(len(w), dtype=w.dtype, device=w.device)
    return w - torch.linalg.solve(damped, dw)
    ### END SOLUTION


# %% check="newton_step" points=4
check(newton_step)

# %% [markdown]
# On a quadratic one step is enough, however narrow the valley. At a saddle it is not what you want.
# There the damping must be larger than the size of the most negative curvature.
# Then every curvature plus damping is positive, and the step leads downhill again.


# %% listing="saddle"
def valley(w):
    """A bowl with the condition number 1000."""
    return (1000 * w[0] ** 2 + w[1] ** 2) / 2


def saddle(w):
    """Up along the first axis, down along the second; flat in the middle."""
    return (w[0] ** 2 - w[1] ** 2) / 2


# %% experiment="saddle"
here = torch.tensor([1.0, 1.0])
for name, f, damping in (("valley", valley, 0.0), ("saddle", saddle, 0.0), ("saddle", saddle, 1.5)):
    there = [round(number, 4) for number in newton_step(f, here, damping).tolist()]
    print(f"{name}, damping {damping}: from [1, 1] to {there}")

# %% [markdown]
# And the price: $H$ has $D^2$ numbers, {eq}`op-newton-cost`. The cell counts them for two networks.

# %% experiment="price"
from lab.nets import count_parameters, dense_cnn, small_cnn

for name, model in {"small_cnn": small_cnn(), "dense_cnn": dense_cnn()}.items():
    D = count_parameters(model)["trained"]
    print(f"{name}: D = {D:,}; H takes {4 * D**2 / 1e9:,.1f} GB; solving: {D**3 / 3:.0e} multiplications")

# %% [markdown]
# **Question.** Explain the three results for the valley and the saddle with the eigenvalues of $H$.
# Why does damping of 1.5 turn the step along the second axis around, from -1 to 2?
# What would damping of 0.5 do at the saddle?
# Why is Newton's method not used for the networks in the last cell?

# %% [markdown] question="op-torch-newton" points=2
# *Your answer here.*

# %% [markdown]
# ## Experiment: a second-order method from the library
#
# L-BFGS guesses the curvature from the last few gradients. It never builds $H$.
# `torch.optim.LBFGS` computes the loss several times in a step, to find a good step length.
# So it wants a function that does it: a *closure*.
# To be fair, count evaluations of the loss and not steps.
#
# The task is softmax regression on 1000 digits, with a little weight decay so that there is one minimum.
# Every evaluation uses all digits: there is no noise. The gap is the distance to the least loss found
# by any of the five. So whoever found it has the gap 0, by definition.
#
# Before you run it: which of the five is nearest to the minimum after 20 evaluations, and which after 200?


# %% listing="evaluations"
def losses_by_evaluation(make, x, y, evaluations):
    """The loss of softmax regression at its first evaluations, with the optimizer make(parameters)."""
    weight = torch.zeros(x.shape[1], 10, dtype=x.dtype, device=x.device, requires_grad=True)
    runner, seen = make([weight]), []

    def closure():
        runner.zero_grad()
        value = F.cross_entropy(x @ weight, y) + 1e-3 * weight.square().sum()
        value.backward()
        seen.append(value.item())
        return value

    while len(seen) < evaluations:
        if isinstance(runner, torch.optim.LBFGS):
            runner.step(closure)
        else:
            closure()
            runner.step()
    return seen[:evaluations]


# %% experiment="lbfgs"
flat, answers = digits.train_x[:1000].flatten(1).double(), digits.train_y[:1000]
makers = {
    "gradient descent": lambda weights: SGD(weights, lr=0.2),
    "momentum": lambda weights: SGD(weights, lr=0.1, momentum=0.9),
    "Nesterov": lambda weights: SGD(weights, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda weights: AdamW(weights, lr=0.03, weight_decay=0.0),
    "L-BFGS": lambda weights: torch.optim.LBFGS(weights, line_search_fn="strong_wolfe"),
}
curves = {name: losses_by_evaluation(make, flat, answers, 400) for name, make in makers.items()}
least = min(min(curve) for curve in curves.values())
print("gap after     20      50     100     200 evaluations")
for name, curve in curves.items():
    print(f"{name:17}" + "".join(f"{min(curve[:n]) - least:8.0e}" for n in (20, 50, 100, 200)))

# %% [markdown]
# L-BFGS has found the least loss itself. Look at the others for the size of what is left:
# which of them comes second, and is it the one that you expected?
#
# On a real network with small batches the advantage of L-BFGS is gone: two gradients of different batches
# differ by noise, and not by curvature alone.
#
# ## Experiment: which rate, which optimizer?
#
# A small convolutional network learns to tell photographs from 32×32 patches of them.
# It is trained with your SGD, with momentum 0.9, and with your AdamW without decay, which is Adam.
# Each gets a range of learning rates, and each rate three seeds. The rate is constant.
# It takes one to four minutes on a CPU.
#
# Here the *best* rate is that of the lowest training loss at the end, median of the three seeds:
# read it off the left picture. A rate is *good* if this loss is at most 0.3 above that of the best.
# Two rates per factor of ten and three seeds do not tell rates apart that are closer than a factor of 3.
# There are 300 validation images, so one of them is 0.3 % of the accuracy.
#
# **Predict first.** Write down, before you run the cell:
# at which rate is each of the three best, roughly? Which has the widest range of good rates?
# Does the one with the lowest training loss also have the best validation accuracy?
# A wrong prediction costs nothing. A missing reason does.

# %% [markdown] question="op-torch-predict" points=2
# *Your prediction here, with a reason for each.*

# %% experiment="rates"
from lab.experiments import optimizers as experiment

own = {
    "SGD": lambda weights, lr: SGD(weights, lr=lr),
    "momentum": lambda weights, lr: SGD(weights, lr=lr, momentum=0.9),
    "Adam": lambda weights, lr: AdamW(weights, lr=lr, weight_decay=0.0),
}
results = experiment.compare(own, size="short")
experiment.plot_rates(results)

# %% [markdown]
# The crosses at the upper edge are rates where the loss of at least one seed was no number at the end.
#
# The next pictures show each optimizer over the epochs at one rate.
# It is the rate of the greatest validation accuracy, median of the seeds: the right picture above.
# It need not be the best rate of the left picture. The legend says which one it is.

# %% experiment="curves"
experiment.plot_curves(results)

# %% [markdown]
# **Explain.** Compare the pictures with your prediction, and say where it was wrong.
# Explain the place of each optimizer's best rate with what one step does: how large is it in Adam,
# whatever the gradient? How much of it does momentum add up?
# Which differences are no larger than the spread of the three seeds?

# %% [markdown] question="op-torch-explain" points=3
# *Your explanation here.*

# %% [markdown]
# You have built optimizers that could train any network of this course.
# Go back to *What goes wrong* in the chapter and explain each case with your classes.
