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
# # Weight penalties and noise in PyTorch
#
# You have written penalties, thresholds and noise in NumPy, one array at a time.
# A network has many arrays, and some of them are no weights.
# Here you write seven pieces that work with any PyTorch model.
# Then each gets its place in one training loop, and you see which of them helps a network
# that knows its images by heart.
#
# **Time.** About two hours, the experiments included.
#
# **Devices.** Weights and images may be on a GPU. Make new tensors where the old ones are,
# and of their dtype: `torch.randn_like(x)` and not `torch.randn(x.shape)`.
#
# **Not allowed.** `label_smoothing`, `renorm` and `softshrink` of PyTorch: they are what you are building.
# The checks do not notice it; it is flagged to the instructor.
#
# `eq. (…)` is an equation of the chapter *Weight penalties and noise*.

# %%
import copy
import math

import torch
from torch import nn

import autograder
from lab.device import pick_device

check = autograder.checks("06-regularization/regularization_torch")
device = pick_device()
F = nn.functional

# %% [markdown]
# ## Three traps to know first
#
# **Everything decays.** `weight_decay` of an optimizer acts on each parameter that it got:
# on biases, and on the $\gamma$ of a normalization, too. Nobody asked for these to be small.
#
# **It is not in the loss.** The number that you print has no penalty in it.
#
# **One name, two things.** In `SGD` and `Adam`, `weight_decay` is added to the gradient, and goes where
# gradients go: into the velocity, {eq}`rg-momentum-decay`, or under a root, {eq}`rg-adam-l2`.
# In `AdamW` the weights shrink by themselves, {eq}`rg-decoupled`.
#
# Below, the gradient of the loss is zero, for three steps with the rate 0.1. One weight is 1.
# Adam divides the decay by its own size, so each step has the length of the rate.


# %% listing="torch-traps"
def decayed(optimizer, steps=3):
    """What is left of a weight of 1 where the loss has no slope. optimizer: makes one, from a list."""
    w = nn.Parameter(torch.ones(1))
    stepping = optimizer([w])
    for _ in range(steps):
        w.grad = torch.zeros(1)
        stepping.step()
    return w.item()


settings = {"lr": 0.1, "weight_decay": 0.1}
print(f"SGD:           {decayed(lambda w: torch.optim.SGD(w, **settings)):.4f}")
print(f"with momentum: {decayed(lambda w: torch.optim.SGD(w, momentum=0.9, **settings)):.4f}")
print(f"Adam:          {decayed(lambda w: torch.optim.Adam(w, **settings)):.4f}")
print(f"AdamW:         {decayed(lambda w: torch.optim.AdamW(w, **settings)):.4f}")

# %% [markdown]
# ## 1. A penalty in the loss (●○○, 10 minutes)
#
# {eq}`rg-l1` and {eq}`rg-l2` for a whole model: all of its weights, wherever they are.
#
# - A parameter is a **weight** here if it has more than one axis. So the kernels of convolutions count,
#   and biases and the parameters of normalizations do not.
# - The gradient comes by itself, as long as you compute with tensors: no `.item()`, no `.detach()`.
# - The caller may still need the loss without the penalty. `loss += ...` would change it: `loss` is
#   a tensor, and `+=` works in place.


# %% solution="penalized_loss"
def penalized_loss(loss, model, l1, l2):
    """The loss with an L1 and an L2 penalty on the weights, {eq}`rg-objective`.

    loss: a tensor with one number, which may have a graph. model: any module. l1: the strength of
    {eq}`rg-l1`. l2: the strength of {eq}`rg-l2`, half the sum of squares. Weights are the parameters
    with more than one axis. Returns a new tensor with one number; gradients flow from it to the weights.

    Example: loss 1, one weight matrix (3, -4), bias 2, l1 = 0.1, l2 = 0.2: 1 + 0.7 + 2.5 = 4.2.
    """
    ### BEGIN SOLUTION
    weights = [w for w in model.parameters() if w.ndim > 1]
    absolute = sum(w.abs().sum() for w in weights)
    squared = sum(w.square().sum() for w in weights)
    return loss + l1 * absolute + l2 / 2 * squared
    ### END SOLUTION


# %% check="penalized_loss" points=4
check(penalized_loss)

# %% [markdown]
# **Question** (6 minutes). A friend trains with `torch.optim.Adam(model.parameters(), weight_decay=0.01)`,
# you with `torch.optim.Adam(model.parameters())` and `penalized_loss(loss, model, 0, 0.01)`.
# Which parameters go the same way in both, and which do not? What differs in what the two of you print?
# Now she takes `AdamW`, with the same number.
# One weight has gradients a hundred times as large as another one.
# By which factor does each of the two shrink in a step, with her optimizer and with yours, {eq}`rg-adam-l2`?

# %% [markdown] question="rg-torch-decay" points=2
# *Your answer here.*

# %% [markdown]
# ## 2. The soft threshold, in place (●●○, 10 minutes)
#
# A gradient step never stops at zero. The proximal step does, {eq}`rg-ista`: first the optimizer's step
# on the loss *without* L1, then the soft threshold {eq}`rg-soft` on what came out.
# So this function is called after `optimizer.step()`, with the threshold `lr * lam`.
#
# - It changes the parameters **in place**. The optimizer has them in its list,
#   and what it holds must be what the model uses.
# - The numbers stay where they lie. `w.data = ...` puts another tensor in their place,
#   and whoever had a view of the old one goes on with old numbers.
# - It is no part of a loss: `torch.no_grad()`. The gradients in `.grad` stay as they are.


# %% solution="soft_threshold_"
def soft_threshold_(parameters, threshold):
    """Move every number of every parameter towards zero by threshold, no further than zero, {eq}`rg-soft`.

    In place. parameters: something to iterate over, a generator perhaps. threshold: a number, at least 0.
    Each parameter stays the same object, in the same memory. Returns nothing.

    Example: a parameter (2, 0.3, -0.8) and threshold 0.5: it becomes (1.5, 0, -0.3).
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        for w in parameters:
            shrunk = (w.abs() - threshold).clamp(min=0)
            w.copy_(w.sign() * shrunk)
    ### END SOLUTION


# %% check="soft_threshold_" points=4
check(soft_threshold_)

# %% [markdown]
# ## 3. A bound for each unit (●●○, 12 minutes)
#
# Max-norm, {eq}`rg-max-norm`: the norm of the weights that lead into **one** unit is at most $c$.
# Whoever is longer is shortened to $c$, in its own direction. Whoever is shorter stays as it is.
#
# - Mind the layout. The weight of `nn.Linear(300, 700)` has the shape (700, 300): what was a column of $W$
#   in NumPy is a row here.
# - A unit of a convolution is an output channel. All weights that lead into it are on axes 1, 2 and 3
#   of the kernel.
# - A unit whose weights are all 0 stays so: 0 / 0 is not a number.
# - Biases have no bound. All is done in place, as before. Write into `layer.weight` itself: `reshape` and
#   `flatten` may make a copy, as for kernels that lie in memory in the order *channels last*.


# %% solution="max_norm_"
def max_norm_(layer, c):
    """Shorten the weights that lead into each unit to the norm c, where they are longer, {eq}`rg-max-norm`.

    In place (Srivastava et al. 2014). layer: nn.Linear or nn.Conv2d. c: a positive number.
    The weight stays the same object, in the same memory; the bias is left alone. Returns nothing.

    Example: nn.Linear(2, 2), weight ((3, 4), (0.6, 0.8)), c = 2: it becomes ((1.2, 1.6), (0.6, 0.8)).
    """
    ### BEGIN SOLUTION
    weight = layer.weight
    with torch.no_grad():
        lengths = weight.flatten(1).norm(dim=1)
        factors = (c / lengths).clamp(max=1)
        weight.mul_(factors.view(-1, *[1] * (weight.ndim - 1)))
    ### END SOLUTION


# %% check="max_norm_" points=4
check(max_norm_)

# %% [markdown]
# ## 4. Early stopping (●●●, 20 minutes)
#
# Training is a path from small weights to large ones, {eq}`rg-early`. So stop on the way, at the epoch
# where the loss on **validation** images is lowest. Nobody knows which one it is before it is over:
# wait for `patience` epochs that bring nothing better, then stop, and go back to the best.
#
# - After each epoch the loop calls `step`. It returns `True` at the first epoch where `patience` epochs
#   in a row have brought nothing better. With `patience` = 2 the losses 3, 2, 2.5, 2 stop at the fourth.
# - Better means lower than the lowest so far. Equal is not better, and a loss that is no number is not.
# - Keep a **copy** of what the model was. `model.state_dict()` is none: its tensors are the model's own,
#   and training goes on in them.
# - Weights are not everything. The running statistics of a normalization belong to the best model, too.


# %% solution="EarlyStopping"
class EarlyStopping:
    """Says when to stop, and gives the model of the best epoch back.

    patience: epochs in a row that may bring nothing better. best_loss: the lowest loss so far, infinite
    before the first. best_state: a copy of the model's state_dict at that epoch, None before the first.
    """

    def __init__(self, patience):
        """patience: 1 or more."""
        ### BEGIN SOLUTION
        self.patience = patience
        self.best_loss = math.inf
        self.best_state = None
        self.waited = 0
        ### END SOLUTION

    def step(self, loss, model):
        """After an epoch. loss: a number, of validation images. model: any module, which stays as it is.

        Returns True if training should stop now, and False otherwise.
        """
        ### BEGIN SOLUTION
        self.waited += 1
        if loss < self.best_loss:
            self.best_loss = loss
            self.best_state = copy.deepcopy(model.state_dict())
            self.waited = 0
        return self.waited >= self.patience
        ### END SOLUTION

    def restore(self, model):
        """Give the model the numbers of the best epoch, in its own tensors. Before there is one: do nothing.

        best_state stays good for another time.
        """
        ### BEGIN SOLUTION
        if self.best_state is not None:
            model.load_state_dict(self.best_state)
        ### END SOLUTION


# %% check="EarlyStopping" points=7
check(EarlyStopping)

# %% [markdown]
# **Question** (5 minutes). You train 20 networks with other settings, stop each at its best epoch by the loss
# on 300 validation images, take the best of the 20, and report its accuracy on these 300 images.
# Why is that too good to be true, and what do you report instead?
# What goes wrong with `patience = 1`, and what does a large patience cost?

# %% [markdown] question="rg-torch-stopping" points=2
# *Your answer here.*

# %% [markdown]
# ## 5. Cross-entropy with smoothed labels (●●○, 10 minutes)
#
# {eq}`rg-smooth` in the loss, as a module. The gradient {eq}`rg-smooth-gradient` comes by itself.
#
# - Start from `log_softmax`. The logarithm of a probability that was rounded to 0 is infinite.
# - Read `self.eps` at every call: others may change it later.
# - The mode makes no difference, as in PyTorch. So a smoothed loss on validation images is larger than the
#   plain one, even where all labels are right. Do not compare the two.


# %% solution="SmoothedCrossEntropy"
class SmoothedCrossEntropy(nn.Module):
    """nn.CrossEntropyLoss with the targets of {eq}`rg-smooth` (Szegedy et al. 2016), mean over the batch."""

    def __init__(self, eps=0.1):
        """eps: 0 <= eps < 1."""
        super().__init__()
        self.eps = eps

    def forward(self, scores, y):
        """scores: (N, K), before softmax. y: (N,), integers. Returns a tensor with one number.

        Example: one example, scores (0, log 3), y = 1, eps = 0.2: the targets are (0.1, 0.9) and the
        probabilities (1/4, 3/4), so the loss is -0.1 log(1/4) - 0.9 log(3/4) = 0.398.
        """
        ### BEGIN SOLUTION
        log_p = scores.log_softmax(dim=1)
        of_the_right = log_p.gather(1, y[:, None]).mean()
        return -(1 - self.eps) * of_the_right - self.eps * log_p.mean()
        ### END SOLUTION


# %% check="SmoothedCrossEntropy" points=4
check(SmoothedCrossEntropy)

# %% [markdown]
# ## 6. Noise on the images (●●○, 15 minutes)
#
# "Learn hard": {eq}`rg-noise`. In training each image is tossed a coin. With probability `p` it gets
# Gaussian noise with the standard deviation `sigma`, on every number by itself. Otherwise it stays as it is.
# In evaluation nothing happens.
#
# - **One** coin for each image, and new coins and new noise at every call.
# - `sigma` is in the scale of the images as they come. For standardized images 0.5 is half a deviation.
#   For pixels from 0 to 255 it would be nothing.
# - Nothing is cut off at 0 or 1, and nothing is scaled by $1/p$.
# - The input is a part of the data set. `x += noise` would change the data set for good,
#   and in the next epoch noise comes on top of noise.
# - Set no seed. The type and the device of the images stay, 16-bit numbers included.
#
# The checks count: the share of noisy images, the size of the noise, and how much both vary. A right layer
# fails by bad luck less than once in a million checks.


# %% solution="GaussianNoise"
class GaussianNoise(nn.Module):
    """In training, Gaussian noise on a share of the images, {eq}`rg-noise`."""

    def __init__(self, sigma, p=1.0):
        """sigma: standard deviation of the noise, at least 0. p: the probability that an image gets it.

        Both are read at every call, as self.sigma and self.p.
        """
        super().__init__()
        self.sigma, self.p = sigma, p

    def forward(self, x):
        """x: (N, ...), any number of axes; the first counts the images. Returns a tensor like x.

        Example: sigma = 0 or p = 0 returns the numbers of x.
        """
        ### BEGIN SOLUTION
        if not self.training:
            return x
        one_each = (len(x), *[1] * (x.ndim - 1))
        coins = torch.rand(one_each, device=x.device) < self.p
        noise = self.sigma * torch.randn_like(x)
        return x + coins * noise
        ### END SOLUTION


# %% check="GaussianNoise" points=6
check(GaussianNoise)

# %% [markdown]
# **Question** (6 minutes). The images are standardized: mean 0, variance 1. Your layer has $\sigma = 0.8$ and
# $p = 1/2$, and right behind it stands a batch normalization.
# Which variance does it see in training, and which in evaluation?
# With $\gamma = 1$ and $\beta = 0$, which standard deviation do its outputs have in evaluation,
# and which had they in training? Which exercise of unit 05 was about the same thing?
# Name one way to avoid it.

# %% [markdown] question="rg-torch-noise-norm" points=2
# *Your answer here.*

# %% [markdown]
# ## 7. Averaging over what is random (●●●, 15 minutes)
#
# Whatever was drawn at random in training, the right prediction is the mean over it: {eq}`rg-marginal`.
# The expectation is over **probabilities**. Estimate it by `draws` calls of the model, with the random
# layers on and everything else as in evaluation: batch normalization uses its running statistics
# and does not move them.
#
# `kinds` says which layers are random: a tuple of classes, as `isinstance` takes it. It may name layers
# that you have never seen. They may be anywhere in the model.
#
# Afterwards each module is in the mode in which it was, and there is no graph.

# %%
RANDOM_LAYERS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, GaussianNoise)


# %% solution="predict_marginal"
def predict_marginal(model, x, draws, kinds=RANDOM_LAYERS):
    """Class probabilities, averaged over what the random layers draw, {eq}`rg-marginal`.

    model: returns scores (N, K), before softmax. x: the batch. draws: how often the model is called on it.
    kinds: classes of the layers that are in training mode meanwhile, layers with no others inside of them;
    all others are in evaluation mode.
    Returns the mean of the probabilities, (N, K), without a graph. Then every module is in its old mode.

    Example: one class of one image has 0.7, then 0.9 in two draws: its mean is 0.8.
    """
    ### BEGIN SOLUTION
    before = {module: module.training for module in model.modules()}
    model.eval()
    for layer in before:
        if isinstance(layer, kinds):
            layer.train()
    total = 0
    with torch.no_grad():
        for _draw in range(draws):
            total = total + model(x).softmax(dim=1)
    for layer, mode in before.items():
        layer.training = mode
    return total / draws
    ### END SOLUTION


# %% check="predict_marginal" points=5
check(predict_marginal)

# %% [markdown]
# ## Parity: your pieces beside PyTorch's
#
# Three steps of plain SGD with your penalty against the optimizer's `weight_decay` on the weights alone;
# then your threshold, your bound and your loss against what the library has.


# %% experiment="parity"
def small_net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 4)).to(device)


x, y = torch.randn(20, 6, device=device), torch.randint(4, (20,), device=device)
mine, theirs = small_net(), small_net()
weights = [w for w in theirs.parameters() if w.ndim == 2]
biases = [b for b in theirs.parameters() if b.ndim == 1]
plain = torch.optim.SGD(mine.parameters(), lr=0.1)
decaying = torch.optim.SGD([{"params": weights, "weight_decay": 0.3}, {"params": biases}], lr=0.1)
for _ in range(3):
    for net, optimizer in ((mine, plain), (theirs, decaying)):
        loss = F.cross_entropy(net(x), y)
        loss = penalized_loss(loss, net, 0.0, 0.3) if net is mine else loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
gap = max((a - b).abs().max().item() for a, b in zip(mine.parameters(), theirs.parameters(), strict=True))
print(f"penalized_loss and SGD's weight_decay, three steps: {gap:.0e}")

w = nn.Parameter(torch.randn(50, 7, device=device))
expected = F.softshrink(w.detach(), 0.4)
soft_threshold_([w], 0.4)
print(f"soft_threshold_ and softshrink: {(w - expected).abs().max().item():.0e}")

layer = nn.Conv2d(5, 9, 3, device=device)
expected = layer.weight.detach().renorm(2, 0, 0.5)
max_norm_(layer, 0.5)
print(f"max_norm_ and renorm: {(layer.weight - expected).abs().max().item():.0e}")

scores = 5 * torch.randn(20, 4, device=device)
gap = SmoothedCrossEntropy(0.2)(scores, y) - F.cross_entropy(scores, y, label_smoothing=0.2)
print(f"SmoothedCrossEntropy and label_smoothing: {abs(gap.item()):.0e}")

# %% [markdown]
# ## Where each piece has its place
#
# One loop holds them all. Read it from the top: what is random stands before the model, what is wanted
# of the weights stands in the loss or behind the step, and what watches stands behind the epoch.

# %% listing="training-loop"
from lab.data import read
from lab.training import accuracy, as_tensors

torch.set_num_threads(1)  # small networks: more threads cost more than they bring


def fit(net, data, optimizer, criterion=F.cross_entropy, penalty=None, after_step=None, epochs=30):
    """Train on batches of 32. penalty(loss, net): the loss with more in it. after_step(): once a step."""
    order = torch.Generator().manual_seed(0)
    for _ in range(epochs):
        net.train()
        for rows in torch.randperm(len(data.train_x), generator=order).split(32):
            rows = rows.to(data.train_x.device)
            loss = criterion(net(data.train_x[rows]), data.train_y[rows])
            if penalty:
                loss = penalty(loss, net)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if after_step:
                after_step()
    return accuracy(net, data.test_x, data.test_y)


# %% [markdown]
# ## Experiment: two ways to L1 (8 minutes)
#
# A network with 64 inputs and 100 hidden units learns 300 handwritten digits. Once L1 is in the loss,
# once it is the soft threshold after each step, both with plain SGD and with Adam.
# Adam gets larger strengths as well. How many weights are exactly zero, how many are smaller than 0.001?

# %% experiment="zeros"
digits = as_tensors(read("digits"), train_size=300, device=device)


def zeros_and_accuracy(make, lr, lam, proximal):
    """Share of weights that are 0, share of those below 0.001, and share of right answers."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10)).to(device)
    weights = [w for w in net.parameters() if w.ndim == 2]
    optimizer = make(net.parameters(), lr=lr)
    penalty, after_step = None, None
    if proximal:
        after_step = lambda: soft_threshold_(weights, lr * lam)  # noqa: E731
    else:
        penalty = lambda loss, net: penalized_loss(loss, net, lam, 0.0)  # noqa: E731
    right = fit(net, digits, optimizer, penalty=penalty, after_step=after_step)
    flat = torch.cat([w.detach().flatten() for w in weights]).abs()
    return (flat == 0).double().mean().item(), (flat < 1e-3).double().mean().item(), right


print(f"{'':32} {'zero':>6} {'< 0.001':>8} {'right':>6}")
sgd = ("SGD", torch.optim.SGD, 0.1, (0.001, 0.003))
for name, make, lr, strengths in (sgd, ("Adam", torch.optim.Adam, 0.001, (0.003, 0.1))):
    for lam in strengths:
        for way in ("in the loss", "soft threshold"):
            zero, small, right = zeros_and_accuracy(make, lr, lam, way == "soft threshold")
            print(f"{name:5} lam {lam:<7} {way:16} {zero:8.0%} {small:8.0%} {right:6.0%}")

# %% [markdown]
# **Question** (6 minutes). Why are there no exact zeros with L1 in the loss, however long you train?
# Between which two values does a weight $w$ that wants to be zero go to and fro under plain SGD
# (in letters: $w$, $\eta$, $\lambda$)?
# With Adam the step of each weight is divided by a root of its own, but your threshold is the same for all.
# Is what you reach then still the minimum of the loss with L1, {eq}`rg-ista`?
# Which other pair of methods of this unit differs in the same way?

# %% [markdown] question="rg-torch-zeros" points=2
# *Your answer here.*

# %% [markdown]
# ## Experiment: which of them helps? (10 minutes)
#
# The network of unit 05, with 500 patches of ten photographs that it can learn by heart.
# Once plain, and once with each of four of your pieces, with Adam, 16 epochs and three seeds.
# It takes the better part of a minute on a CPU core.
#
# `Way` says which piece goes where: `after_step` gets the model and the learning rate, `layer` makes
# what stands before the model, `stopping` makes what watches. An L2 penalty would be
# `objective=lambda loss, net: penalized_loss(loss, net, 0.0, 0.01)`. Change the strengths and run it again.
#
# **Predict first.** Write down before you run the cell: for which ways will the *training* accuracy stay
# below that of the plain network, and why? Which will have a lower loss on new images, and which a higher
# accuracy? For label smoothing give a reason for your guess about the loss. Which epoch will early stopping
# go back to, an early or a late one?
# A wrong prediction costs nothing. A missing reason does.
#
# Early stopping looks at 150 of the 300 new images. The table and the first picture show the other 150,
# which chose nothing. The curves show all 300. A dot is the epoch that the network goes back to.

# %% [markdown] question="rg-torch-predict" points=2
# *Your prediction here, with a reason for each.*

# %% experiment="ways"
from lab.experiments import regularization
from lab.experiments.regularization import Way


def weights_of(net):
    return [w for w in net.parameters() if w.ndim > 1]


ways = {
    "soft threshold": Way(after_step=lambda net, lr: soft_threshold_(weights_of(net), lr * 0.1)),
    "smoothed labels": Way(criterion=SmoothedCrossEntropy(0.1)),
    "noise": Way(layer=lambda: GaussianNoise(0.5, 0.5)),
    "stopped early": Way(stopping=lambda: EarlyStopping(3)),
}
results = regularization.compare(ways, size="short")
regularization.plot_ways(results)

# %% experiment="ways-curves"
regularization.plot_curves(results)

# %% experiment="ways-numbers"
keys = {"train_accuracy": ".0%", "test_accuracy": ".0%", "test_loss": ".2f", "weights/zeros": ".0%"}
print(f"{'mean ± deviation':16} {'train':>12} {'new':>12} {'loss':>12} {'zeros':>12}   epoch of each network")
for way in ("plain", *ways):
    found = {key: regularization.summary(results, key, way=way) for key in keys}
    numbers = [f"{s['mean']:{keys[key]}} ± {s['std']:{keys[key]}}" for key, s in found.items()]
    epochs = [run["epochs"][-1] for run in results["runs"] if run["way"] == way]
    print(f"{way:16}", *(f"{number:>12}" for number in numbers), " ", *epochs)

# %% [markdown]
# ## Experiment: noise at test (3 minutes)
#
# Two networks were trained with your `GaussianNoise`, of a whole deviation: one with noise on each image,
# one with noise on half of them. Test images come with noise, too, or without.
# One noisy copy of an image is one draw. Is the mean over 30 draws better than one,
# and is no noise at all better than both? Which of the two networks has ever seen an image without noise?
# One seed and 300 images: a few per cent are chance.

# %% experiment="marginal"
photographs = as_tensors(read("photo_patches"), 500, 300, device=device)
for p in (1.0, 0.5):
    net = Way(layer=lambda p=p: GaussianNoise(1.0, p)).net(seed=0).to(device)
    fit(net, photographs, torch.optim.Adam(net.parameters(), lr=0.001), epochs=10)
    predictions = {f"{n} draws": predict_marginal(net, photographs.test_x, n) for n in (1, 30)}
    predictions["no noise"] = predict_marginal(net, photographs.test_x, 1, kinds=())
    for name, probabilities in predictions.items():
        right = (probabilities.argmax(dim=1) == photographs.test_y).double().mean().item()
        loss = F.nll_loss(probabilities.log(), photographs.test_y).item()
        print(f"p = {p}: {name:9} {right:4.0%} right, loss {loss:.2f}")

# %% [markdown]
# **Explain.** Compare the pictures with your prediction, and say where it was wrong.
# Which differences are larger than the spread of the three seeds?
# Then explain three things that you see, each with an equation of the chapter: one about a penalty,
# one about smoothed labels or early stopping, and one about noise.

# %% [markdown] question="rg-torch-explain" points=3
# *Your explanation here.*

# %% [markdown]
# You have seven pieces that go into any training loop, and you know what each of them changes.
# Go back to *What goes wrong* in the chapter, and explain each case with one of them.
