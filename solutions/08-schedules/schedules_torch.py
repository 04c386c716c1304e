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
# # Schedules, batch size and ensembles in PyTorch
#
# One network, one optimizer, the same number of images seen: and runs end at quite different accuracies.
# Here you write the parts of a training run that make the difference.
# A schedule that PyTorch's own optimizers obey, an epoch in the right order, large batches in small memory,
# a measure of the noise in the gradient, and four ways to get more out of a run than its last weights.
# At the end your parts train networks, and you see what each way buys and what it costs.
#
# **Time.** About two and a half hours, the experiments included.
#
# **Devices.** All tensors that a function gets are where its model is. Make new ones from those.
#
# **Not allowed.** PyTorch's ready schedulers, and `AveragedModel` and `update_bn` of
# `torch.optim.swa_utils`: they are what you are building. `LRScheduler`, from which you derive, is allowed,
# and so is `nn.utils.clip_grad_norm_`. The checks below do not notice it; it is flagged to the instructor.
#
# Steps are counted from 0. `eq. (…)` is an equation of the chapter *Schedules, batch size and ensembles*.

# %%
import copy
import math

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler

import autograder
from lab.device import pick_device

check = autograder.checks("08-schedules/schedules_torch")
device = pick_device()
F = nn.functional

# %% [markdown]
# ## Three traps to know first
#
# **Who steps first?** The optimizer steps with the rate of step $t$. Only then does the scheduler write
# the rate of step $t + 1$ into the optimizer. The other way round, the rate of step 0 is never used.
#
# **A state is no copy.** `model.state_dict()` holds the tensors of the model themselves.
# The next step changes them, in the dict as well.
#
# **A copy of a copy.** `dict(...)` and `list(...)` make a new container for the same tensors.
# `copy.deepcopy` makes new tensors.

# %% listing="traps"
weight = nn.Parameter(torch.tensor([1.0]))
sgd = torch.optim.SGD([weight], lr=1.0)
halving = torch.optim.lr_scheduler.ExponentialLR(sgd, 0.5)
rates = []
for _ in range(3):
    rates.append(sgd.param_groups[0]["lr"])
    sgd.step()
    halving.step()
print("rates that the steps used:", rates)

torch.manual_seed(0)
layer = nn.Linear(1, 1)
saved, shallow, deep = layer.state_dict(), dict(layer.state_dict()), copy.deepcopy(layer.state_dict())
with torch.no_grad():
    layer.weight.fill_(7.0)
print("after a change:", *(f"{kept['weight'].item():.2f}" for kept in (saved, shallow, deep)))

# %% [markdown]
# ## Worked example: a scheduler
#
# This rate falls along a straight line and is 0 at step `T`. All parts of a scheduler are there:
#
# - `super().__init__(optimizer)` keeps the rate of each group of parameters in `self.base_lrs`,
#   and asks `get_lr` for the rates of step 0. So your own settings must be there **before**.
# - The first scheduler of an optimizer notes that rate in the group as well, as `initial_lr`.
#   A second one takes its `base_lrs` from there, and not from the rate that the first one left in `lr`.
# - `self.last_epoch` is the number of the step $t$, whatever its name says. `step()` counts it on.
# - `get_lr` returns a list: one rate for each group.
# - All attributes but the optimizer are in `state_dict()`, and `load_state_dict()` brings them back.


# %% listing="straight-line"
class StraightLine(LRScheduler):
    """From the rate of each group down to 0 at step T."""

    def __init__(self, optimizer, T):
        self.T = T
        super().__init__(optimizer)

    def get_lr(self):
        rest = max(0.0, 1 - self.last_epoch / self.T)
        return [rest * base for base in self.base_lrs]


sgd = torch.optim.SGD([{"params": [layer.weight]}, {"params": [layer.bias], "lr": 0.1}], lr=1.0)
line = StraightLine(sgd, T=4)
for t in range(6):
    print(f"step {t}: rates", *(f"{group['lr']:.3f}" for group in sgd.param_groups))
    sgd.step()
    line.step()

# %% [markdown]
# ## 1. Warm-up and cosine (●●○, 15 minutes)
#
# Write `get_lr` for {eq}`sc-warmup`. The warm-up takes `W` steps: step $t$ uses
# $\eta_0 (t + 1) / W$, so that the first step is not wasted, and step $W - 1$ has the full rate.
# From step $W$ on the rate falls along half a cosine, from $\eta_0$ to `lr_min` at step $T$.
# Past $T$ it stays there.
#
# Compute the rate from $t$ alone. A rate that is made from the last one goes wrong
# as soon as somebody asks twice.


# %% solution="WarmupCosine"
class WarmupCosine(LRScheduler):
    """Linear warm-up, then half a cosine, {eq}`sc-warmup`.

    W: steps of the warm-up, 0 for none. T: steps in all, more than W. lr_min: the least rate, of all groups.
    """

    def __init__(self, optimizer, W, T, lr_min=0.0):
        self.W, self.T, self.lr_min = W, T, lr_min
        super().__init__(optimizer)

    def get_lr(self):
        """The rates of step self.last_epoch: a list with one number for each group of parameters.

        Example: base rate 0.8, W = 2, T = 6, lr_min = 0.2: the rates of the steps 0 to 7 are
        0.4, 0.8, 0.8, 0.712, 0.5, 0.288, 0.2, 0.2.
        """
        ### BEGIN SOLUTION
        t = self.last_epoch
        if t < self.W:
            return [lr0 * (t + 1) / self.W for lr0 in self.base_lrs]
        done = min(1.0, (t - self.W) / (self.T - self.W))
        high = (1 + math.cos(math.pi * done)) / 2
        return [self.lr_min + high * (lr0 - self.lr_min) for lr0 in self.base_lrs]
        ### END SOLUTION


# %% check="WarmupCosine" points=4
check(WarmupCosine)

# %% [markdown]
# ## 2. An epoch in the right order (●●○, 15 minutes)
#
# For each batch: forget the old gradients, compute the mean cross-entropy, go backward, clip,
# let the optimizer step, and let the schedule move on. Each wrong order runs without an error.
#
# - Train in training mode. Somebody may have measured the accuracy just before.
# - `F.cross_entropy` takes scores, not probabilities, and gives the mean over the batch.
# - The schedule moves on once per **step**, not once per epoch.
# - The norm for clipping is that of all gradients together, {eq}`sc-clip`. `max_norm=None`: no clipping.
# - Return the mean over all **examples**, {eq}`sc-epoch-mean`. The last batch may be smaller.
# - `batches` may be a generator: you can go through it once, and it has no length.


# %% solution="train_epoch"
def train_epoch(model, batches, optimizer, schedule=None, max_norm=None):
    """One step for each batch. Returns the mean loss over all examples, each from before its step: a float.

    batches: pairs of inputs and labels (n,), n may differ. schedule: has step(), or is None.
    max_norm: the bound for the norm of the gradient, {eq}`sc-clip`, or None.

    Example: batches of 3 and 1 images with the mean losses 1.0 and 3.0: it returns 1.5.
    """
    ### BEGIN SOLUTION
    model.train()
    total, seen = 0.0, 0
    for x, y in batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        if max_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        if schedule is not None:
            schedule.step()
        total += len(y) * loss.item()
        seen += len(y)
    return total / seen
    ### END SOLUTION


# %% check="train_epoch" points=5
check(train_epoch)

# %% [markdown]
# ## 3. A large batch in a small memory (●●○, 15 minutes)
#
# A batch of 512 images does not fit. Eight parts of 64 do, one after the other:
# `backward()` adds to what is in `.grad`, and the mean over the batch is a weighted sum of the
# means over the parts, {eq}`sc-accumulate`. The last part may be smaller. Then its weight is smaller, too.
#
# - Go backward for each part before the next one goes forward: that frees the part's memory.
# - What is in `.grad` from before does not count.
# - It is no step: the weights stay as they are. So do the modes of all modules, in the call and after it.


# %% solution="backward_in_parts"
def backward_in_parts(model, loss_function, x, y, micro_batch):
    """Let every .grad be the gradient of the mean loss over the whole batch, {eq}`sc-accumulate`.

    micro_batch examples go through the model at a time, fewer only in the last part.
    loss_function(model(x), y): a tensor with one number, the mean over the examples it gets.
    x: (N, ...). y: (N, ...). Returns the mean loss over all N, a float.

    Example: N = 7, micro_batch = 3: parts of 3, 3 and 1 examples, which count 3/7, 3/7 and 1/7.
    """
    ### BEGIN SOLUTION
    model.zero_grad()
    whole = 0.0
    for part, answers in zip(x.split(micro_batch), y.split(micro_batch), strict=True):
        loss = loss_function(model(part), answers) * (len(part) / len(x))
        loss.backward()
        whole += loss.item()
    return whole
    ### END SOLUTION


# %% check="backward_in_parts" points=4
check(backward_in_parts)

# %% [markdown]
# **With batch normalization it is not the same.** The cell compares your gradient with that of the whole
# batch, for two networks. They differ in nothing but batch normalization.
# The difference is divided by the length of the gradient.
# The number after it says how often the running statistics were updated.

# %% experiment="accumulation"
from lab.data import read
from lab.training import as_tensors

digits = as_tensors(read("digits"), device=device)
images, labels = digits.train_x[:512], digits.train_y[:512]


def digit_net(seed, norm=nn.Identity, units=64):
    """64 pixels, a hidden layer, ten scores."""
    torch.manual_seed(seed)
    hidden = (nn.Linear(64, units), norm(units), nn.ReLU())
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(units, 10)).to(device)


def gradient_from(net, micro_batch):
    """All gradients of a copy of the network, one after the other, and the copy."""
    net = copy.deepcopy(net)
    backward_in_parts(net, F.cross_entropy, images, labels, micro_batch)
    return torch.cat([w.grad.flatten() for w in net.parameters()]), net


for norm in (nn.Identity, nn.BatchNorm1d):
    start = digit_net(0, norm)
    right, _ = gradient_from(start, 512)
    for micro_batch in (256, 64, 16, 4):
        found, after = gradient_from(start, micro_batch)
        updates = after.state_dict().get("2.num_batches_tracked", torch.tensor(0)).item()
        gap = ((found - right).norm() / right.norm()).item()
        print(f"{norm.__name__:12} parts of {micro_batch:3}: difference {gap:.1e}, updates {updates}")

# %% [markdown]
# **Question** (6 minutes). Why is the difference only rounding without batch normalization,
# and real with it? Which step of {eq}`sc-accumulate` fails? Why does it grow as the parts get smaller?
# What else in the network is not what it would be after one large batch?
# Somebody replaces the batch normalization by group normalization. What do you expect, and why?

# %% [markdown] question="sc-torch-accumulate" points=2
# *Your answer here.*

# %% [markdown]
# ## 4. How noisy is the gradient? (●●○, 12 minutes)
#
# A batch gives a gradient that is off. Off by how much? Take the gradient $g$ of all examples as one long
# vector, and the gradients $g_b$ of several batches.
# Compute the root of the mean of the squared distances:
#
# $$
# \sqrt{\frac{1}{n} \sum_{b=1}^{n} \lVert g_b - g \rVert^2}
# $$
#
# {eq}`sc-noise` says how it depends on the size of the batches, for each number of the gradient.
# The squared distance adds up the squares of all numbers, so it depends on the size in the same way.
# You will see whether a network keeps to it.
#
# - The `.grad` of the parameters stays what it was, None or numbers: somebody may be in the middle of a step.
#   `torch.autograd.grad(loss, parameters)` returns gradients and leaves `.grad` alone.
#   The model has the same modes afterwards, too.
# - Frozen parameters have no gradient, and no part in it.


# %% solution="gradient_noise"
def gradient_noise(model, loss_function, x, y, batches):
    """Root mean square distance between the gradients of batches and that of all examples.

    loss_function(model(x), y): the mean loss. x: (N, ...). y: (N,). batches: a list of index tensors,
    the rows of x and y in each batch; sizes may differ, and each batch counts the same.
    Each gradient is one vector of all parameters that are not frozen. Returns a float.

    Example: one weight, gradient 1 for all examples; three batches with the gradients 1, 4 and 5:
    the squared distances are 0, 9 and 16, and it returns the root of 25/3, 2.887.
    """
    ### BEGIN SOLUTION
    trained = [w for w in model.parameters() if w.requires_grad]

    def gradient(rows):
        loss = loss_function(model(x[rows]), y[rows])
        return torch.cat([dw.flatten() for dw in torch.autograd.grad(loss, trained)])

    whole = gradient(slice(None))
    squares = [(gradient(rows) - whole).square().sum().item() for rows in batches]
    return math.sqrt(sum(squares) / len(squares))
    ### END SOLUTION


# %% check="gradient_noise" points=4
check(gradient_noise)

# %% [markdown]
# Before you run it: the batches get four times as large from line to line. What happens to the noise?
# The last column is the length of the gradient of all examples. The images of a batch are drawn **with**
# replacement here: even a batch as large as the training data, 1497 images, is not those images.

# %% experiment="noise"
rows = torch.Generator().manual_seed(1)
for steps in (0, 200):
    net = digit_net(0)
    descent = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(steps):
        backward_in_parts(net, F.cross_entropy, digits.train_x, digits.train_y, 2000)
        descent.step()
    backward_in_parts(net, F.cross_entropy, digits.train_x, digits.train_y, 2000)
    length = torch.cat([w.grad.flatten() for w in net.parameters()]).norm().item()
    for B in (4, 16, 64, 256):
        drawn = [torch.randint(len(digits.train_x), (B,), generator=rows).to(device) for _ in range(100)]
        noise = gradient_noise(net, F.cross_entropy, digits.train_x, digits.train_y, drawn)
        told = f"noise {noise:.4f}, times root of B {noise * B**0.5:.3f}, length {length:.4f}"
        print(f"after {steps:3} steps, B = {B:3}: {told}")

# %% [markdown]
# **Question** (6 minutes). What is constant in your table, and which equation says so?
# How large must a batch be, at the start and after 200 steps, so that the noise is as long as the gradient?
# Is that less than there are training images? What does that say about the batch size that is worth its price
# early and late in training?
# A batch of 256 costs 64 times as much to compute as one of 4. By which factor is it less noisy?

# %% [markdown] question="sc-torch-noise" points=2
# *Your answer here.*

# %% [markdown]
# ## 5. Snapshots (●●○, 12 minutes)
#
# A schedule with restarts passes through a good place at the end of each period, {eq}`sc-snapshot`.
# Keep the model as it is there: parameters **and** buffers, and copies of them (the second trap).
# Later each copy becomes a model of its own.


# %% solution="Snapshots"
class Snapshots:
    """Copies of the state of a model after chosen steps, {eq}`sc-snapshot` (Huang et al. 2017).

    Example: steps = (1, 4). In the loop, after step t: snapshots.after_step(t). After step 5
    snapshots.models() is a list of two models: as it was after step 1, and as it was after step 4.
    """

    def __init__(self, model, steps):
        """model: the one that is trained. steps: any iterable of whole numbers, in any order."""
        ### BEGIN SOLUTION
        self.model, self.steps, self.kept = model, {int(t) for t in steps}, []
        ### END SOLUTION

    def after_step(self, t):
        """To be called after each step t. Keeps a copy of parameters and buffers if t is a chosen step."""
        ### BEGIN SOLUTION
        if t in self.steps:
            self.kept.append(copy.deepcopy(self.model.state_dict()))
        ### END SOLUTION

    def models(self):
        """A list of new models in evaluation mode, one for each copy, the earliest first.

        They share no memory with the trained model, with each other or with the copies.
        The trained model stays as it is.
        """
        ### BEGIN SOLUTION
        members = [copy.deepcopy(self.model).eval() for _ in self.kept]
        for member, state in zip(members, self.kept, strict=True):
            member.load_state_dict(state)
        return members
        ### END SOLUTION


# %% check="Snapshots" points=4
check(Snapshots)

# %% [markdown]
# ## 6. An ensemble answers (●●○, 10 minutes)
#
# The mean of the **probabilities** of several models, {eq}`sc-ensemble`. The mean of the scores
# is something else: a normalized product of the probabilities.
#
# - Ask in evaluation mode, and without a graph.
# - Afterwards every module is in the mode that it had before. Some may be in training mode and some not.


# %% solution="ensemble_probabilities"
def ensemble_probabilities(models, x):
    """The mean of the models' probabilities, {eq}`sc-ensemble`.

    models: a list of modules from x to scores (N, K), asked in evaluation mode. Returns (N, K), no graph.

    Example: one image, scores (0, 0) of one model and (log 9, 0) of another: the probabilities are
    (0.5, 0.5) and (0.9, 0.1), and it returns ((0.7, 0.3),).
    """
    ### BEGIN SOLUTION
    modes = [(part, part.training) for model in models for part in model.modules()]
    with torch.no_grad():
        p = torch.stack([F.softmax(model.eval()(x), dim=1) for model in models]).mean(dim=0)
    for m, mode in modes:
        m.training = mode
    return p
    ### END SOLUTION


# %% check="ensemble_probabilities" points=4
check(ensemble_probabilities)

# %% [markdown]
# ## 7. An average of weights (●●●, 15 minutes)
#
# Instead of the predictions, average the weights, and ask **one** model.
# With `decay=None` it is the mean of all models that it was shown, {eq}`sc-swa`.
# With a decay $d$ it is the moving average, {eq}`sc-ema`.
#
# - The first model that it is shown counts fully, in both kinds: the average is then that model.
#   The numbers that the average was made with do not count.
# - Parameters are averaged, frozen ones as well. Buffers are copied from the model that was shown last:
#   running statistics of an average are no average of running statistics.
#   The next exercise sets them right. A count of batches is a whole number, and stays one.
# - No graph. The model that it is shown does not change, nor do its modes and gradients.


# %% solution="WeightAverage"
class WeightAverage:
    """A model whose parameters are averages over training, {eq}`sc-swa` and {eq}`sc-ema`.

    Attributes: average, a model of its own; updates, how many models it was shown.

    Example: one weight, shown as 1, 2 and 6. With decay = None the average is 1, 1.5 and 3.
    With decay = 0.9 it is 1, 1.1 and 1.59.
    """

    def __init__(self, model, decay=None):
        """model: what the average looks like; it is copied. decay: d, 0 included, or None for the mean."""
        ### BEGIN SOLUTION
        self.average, self.decay, self.updates = copy.deepcopy(model), decay, 0
        ### END SOLUTION

    def update(self, model):
        """Take the parameters of this model into the average, and its buffers as they are."""
        ### BEGIN SOLUTION
        self.updates += 1
        share = 1 / self.updates
        if self.decay is not None and self.updates > 1:
            share = 1 - self.decay
        with torch.no_grad():
            for mean, w in zip(self.average.parameters(), model.parameters(), strict=True):
                mean.lerp_(w, share)
            for old, new in zip(self.average.buffers(), model.buffers(), strict=True):
                old.copy_(new)
        ### END SOLUTION


# %% check="WeightAverage" points=5
check(WeightAverage)

# %% [markdown]
# ## 8. Running statistics for new weights (●●●, 15 minutes)
#
# The running statistics of a batch normalization belong to the weights below it.
# Averaged weights are new weights: nobody has measured what passes through them.
# So forget the old statistics, send the training images through once more, and let every
# `nn.BatchNorm1d`, `nn.BatchNorm2d` and `nn.BatchNorm3d` take the mean over all batches.
#
# - The method `reset_running_stats` of a normalization forgets. While its `momentum` is None, PyTorch takes
#   the mean of all batches since then, each counting the same. With a number the last batches count most.
# - Statistics are measured with the **whole** model in training mode, as in training: dropout drops.
#   The weights stay as they are: no graph, no step. So do gradients from before.
# - Afterwards every module has the mode, and every normalization the momentum, that it had before.


# %% solution="refresh_batchnorm"
def refresh_batchnorm(model, batches):
    """Replace the running statistics of every batch normalization by the mean over these batches, in place.

    model: any module; one without batch normalization stays as it is. batches: an iterable of inputs.

    Example: nn.BatchNorm1d(1), the batches ((1,), (3,)) and ((4,), (8,)): their means are 2 and 6,
    their variances (divided by n - 1, as the running variance is) 2 and 8. Afterwards running_mean is 4
    and running_var is 5.
    """
    ### BEGIN SOLUTION
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
    modes = [(part, part.training) for part in model.modules()]
    norms = [(part, part.momentum) for part in model.modules() if isinstance(part, kinds)]
    for norm, _ in norms:
        norm.reset_running_stats()
        norm.momentum = None
    model.train()
    with torch.no_grad():
        for x in batches:
            model(x)
    for norm, momentum in norms:
        norm.momentum = momentum
    for m, mode in modes:
        m.training = mode
    ### END SOLUTION


# %% check="refresh_batchnorm" points=4
check(refresh_batchnorm)

# %% [markdown]
# ## Parity: your parts beside PyTorch's
#
# PyTorch counts the warm-up and the cosine as two schedulers, one after the other.
# Where your difference is about 1e-7 or less, it is rounding. More is something else.

# %% experiment="parity"
from torch.optim import lr_scheduler, swa_utils


def rates_of(make, steps=25):
    """The rates of an optimizer whose scheduler is make(optimizer)."""
    descent = torch.optim.SGD([nn.Parameter(torch.ones(1, device=device))], lr=0.8)
    scheduler, used = make(descent), []
    for _ in range(steps):
        used.append(descent.param_groups[0]["lr"])
        descent.step()
        scheduler.step()
    return torch.tensor(used, dtype=torch.float64, device="cpu")


def in_two_parts(optimizer):
    up = lr_scheduler.LambdaLR(optimizer, lambda step: (step + 1) / 5)
    down = lr_scheduler.CosineAnnealingLR(optimizer, 15, eta_min=0.1)
    return lr_scheduler.SequentialLR(optimizer, [up, down], milestones=[5])


gap = (rates_of(lambda optimizer: WarmupCosine(optimizer, 5, 20, 0.1)) - rates_of(in_two_parts)).abs()
print(f"rates of the steps 0 to 20: {gap[:21].max().item():.0e}, and past the end: {gap.max().item():.0e}")

net = digit_net(0, nn.BatchNorm1d)
descent = torch.optim.SGD(net.parameters(), lr=0.3, momentum=0.9)
mine, theirs = WeightAverage(net), swa_utils.AveragedModel(net)
my_ema = WeightAverage(net, 0.9)
their_ema = swa_utils.AveragedModel(net, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.9))
for _ in range(6):
    train_epoch(net, zip(images.split(128), labels.split(128), strict=True), descent, max_norm=1.0)
    for average in (mine, my_ema):
        average.update(net)
    for average in (theirs, their_ema):
        average.update_parameters(net)
refresh_batchnorm(mine.average, images.split(128))
swa_utils.update_bn(images.split(128), theirs)
for name, own, library in (("mean", mine, theirs), ("EMA", my_ema, their_ema)):
    states = own.average.state_dict().values(), library.module.state_dict().values()
    pairs = zip(*states, strict=True)
    print(f"{name}: largest difference {max((a - b).abs().max().item() for a, b in pairs):.0e}")

# %% [markdown]
# **Question** (6 minutes). Past step 20 the two schedules of the first line are not the same.
# Print both: what does each of them do, and when does it matter in a run of 20 steps?
# A run of 1000 steps with your `WarmupCosine` stops after 400 of them: base rate 1, `W = 100`, `lr_min = 0`.
# It is continued with the saved model and a new optimizer and scheduler, made with the same numbers,
# without loading their states.
# What is the rate of the next step, what should it be, and how do the rates go on? What else is lost?

# %% [markdown] question="sc-torch-resume" points=2
# *Your answer here.*

# %% [markdown]
# ## Experiments: what does each of them buy?
#
# A small convolutional network with batch normalization learns to tell ten photographs from
# 16×16 patches of them. All runs below take 160 steps of 32 images, with momentum 0.9 and three seeds.
# `task.lr`, the largest rate of the second experiment, is 0.05.
# It takes one to three minutes on a CPU core.
#
# - **Schedules.** A constant rate, a cosine, and your warm-up with a cosine, each at two rates, 0.03 and 0.3.
#   The pictures show each at its better rate; the table has both.
# - **More than the last weights.** One network; five, each from its own start; five snapshots of **one** run
#   with five cycles; the mean of the weights in the last quarter of one run; and the mean of the weights
#   of the five networks.
#
# **Predict first.** Write down before you run the cells: at which of the two rates is each schedule better,
# and which one suffers most from the wrong one?
# What is best for the accuracy, five networks, five snapshots or averaged weights,
# and what is best for its cost? How good is the mean of the weights of five independent networks?
# A wrong prediction costs nothing. A missing reason does.

# %% [markdown] question="sc-torch-predict" points=2
# *Your prediction here, with a reason for each.*

# %% experiment="schedules"
from lab.experiments import ensembles, schedules

own = {"my warm-up, cosine": lambda optimizer, T: WarmupCosine(optimizer, T // 10, T)}
schedule_results = schedules.compare(own, size="short", train_epoch=train_epoch)
schedules.plot_schedules(schedule_results)

# %% experiment="schedule-curves"
for way in ("constant", "cosine", "my warm-up, cosine"):
    for rate in (0.03, 0.3):
        right = schedules.summary(schedule_results, way=way, rate=rate)
        print(f"{way:20} rate {rate:4}: right on test images {right['mean']:6.1%} ± {right['std']:.1%}")
schedules.plot_curves(schedule_results)

# %% [markdown]
# Now the five ways. The picture says how many seconds of training went into each.
# "One network" is the mean over the five members, each alone: one of them may be a lucky one.
# The last way takes the five members as they are: its seconds leave their training out.

# %% experiment="ensembles"
five = {}


def one_network(task, member=0):
    """Trained for task.steps steps, with your schedule and your loop."""
    net = task.new_net(member)
    descent = task.optimizer(net)
    schedule = WarmupCosine(descent, task.steps // 10, task.steps)
    train_epoch(net, task.batches(member), descent, schedule)
    return net


def five_members(task):
    """From five starts; they are kept for the last way."""
    five[task.seed] = [one_network(task, member) for member in range(5)]
    return five[task.seed]


def five_snapshots(task):
    """One run with five cycles; a cycle begins with a new scheduler at the full rate."""
    net, P = task.new_net(), task.steps // 5
    descent = task.optimizer(net)
    kept = Snapshots(net, [P * cycle + P - 1 for cycle in range(5)])
    for t, batch in enumerate(task.batches()):
        if t % P == 0:
            schedule = WarmupCosine(descent, 0, P)
        train_epoch(net, [batch], descent, schedule)
        kept.after_step(t)
    return kept.models()


def averaged(task):
    """A run whose rate falls to a half; the mean of the weights after every 8th step of the last quarter."""
    net = task.new_net()
    descent = task.optimizer(net)
    schedule = WarmupCosine(descent, task.steps // 10, task.steps, lr_min=task.lr / 2)
    swa = WeightAverage(net)
    for t, batch in enumerate(task.batches()):
        train_epoch(net, [batch], descent, schedule)
        if t >= 3 * task.steps // 4 and t % 8 == 7:
            swa.update(net)
    refresh_batchnorm(swa.average, [x for x, _ in task.batches(steps=32)])
    return [swa.average]


def weights_of_members(task):
    """One network with the mean of the weights of the five."""
    mean = WeightAverage(task.new_net())
    for net in five[task.seed]:
        mean.update(net)
    refresh_batchnorm(mean.average, [x for x, _ in task.batches(steps=32)])
    return [mean.average]


ways = {
    "five members": five_members,
    "five snapshots": five_snapshots,
    "averaged weights": averaged,
    "weights of five members": weights_of_members,
}
ensemble_results = ensembles.compare(
    ways, size="short", probabilities=ensemble_probabilities, alone="five members"
)
ensembles.plot_ensembles(ensemble_results)

# %% experiment="ensemble-table"
print("                            accuracy       loss   members   they disagree")
for row in ensembles.table(ensemble_results):
    right, alone = row["accuracy"], row["member_accuracy"]["mean"]
    told = f"{right['mean']:6.1%} ± {right['std']:4.1%}   {row['loss']['mean']:6.3f}   {alone:7.1%}"
    print(f"{row['way']:25} {told}   {row['disagreement']['mean']:12.1%}")

# %% [markdown]
# **Explain.** Compare what you see with your prediction, and say where it was wrong.
# Which differences are larger than the spread of the seeds? There are 500 test images: one is 0.2 %.
# The loss tells more than the accuracy. What does each way buy there, and for which cost?
# Why is the mean of the weights of independent networks so bad, although each of them is good,
# and the mean of the weights of one run is not? Permute the hidden units of a network in your mind:
# is it another function, and is the mean of the two?
# Whose members disagree more, the five networks or the five snapshots? By {eq}`sc-ambiguity` disagreement is
# only one part of what counts. What is the other, and how do five short cycles do there?

# %% [markdown] question="sc-torch-explain" points=3
# *Your explanation here.*

# %% [markdown]
# You have the parts of a training run of your own: its rate, its batches and its last step.
# Go back to *What goes wrong* in the chapter, and explain each case that your parts can show.
