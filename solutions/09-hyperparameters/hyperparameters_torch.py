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
# # Debugging and hyperparameter search in PyTorch
#
# A training program can be wrong without any error message. It runs, the loss even falls,
# and the result is worse than it should be. Then people search for better hyperparameters,
# and search for days. So first comes the program, and then the search.
#
# Here you test a model on one batch before anything else. You find the fault in four training programs from
# their curves, and repair them. Then you let a gradient choose the hyperparameters of a Gaussian process,
# and write the function that a search library calls.
# At the end your parts search on a real problem, against random search.
#
# **Time.** About two and a half hours, the experiments included.
#
# **Devices.** All tensors that a function gets are where its model is. Make new ones from those.
#
# **Not allowed.** Libraries for Gaussian processes, such as GPyTorch and scikit-learn, and optuna before the
# experiments: they are what you are building. The checks below do not notice it; it is flagged to
# the instructor.
#
# `eq. (…)` is an equation of the chapter *Hyperparameter search and debugging a training run*.

# %%
import copy
import math

import torch
from torch import nn

import autograder
from lab.device import pick_device

check = autograder.checks("09-hyperparameters/hyperparameters_torch")
device = pick_device()
F = nn.functional

# %% [markdown]
# ## Worked example: what the first number says
#
# A classifier that knows nothing gives each of $K$ classes the probability $1/K$.
# Its loss is $\log K$, {eq}`hp-start-loss`. For ten classes that is 2.303.
# So the first loss of a new network should be near it, before any step.
#
# The cell makes the same network three times, and multiplies the weights of its last layer.
# Scores that are far apart mean that the network is sure, and a new network that is sure is mostly wrong.

# %% listing="start-loss"
torch.manual_seed(0)
images, labels = torch.randn(200, 64), torch.randint(10, (200,))
for factor in (0.1, 1, 30):
    torch.manual_seed(1)
    new = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    with torch.no_grad():
        new[2].weight.mul_(factor)
        first = F.cross_entropy(new(images), labels).item()
    print(f"last weights times {factor:4}: first loss {first:.3f}, and log 10 is {math.log(10):.3f}")

# %% [markdown]
# ## 1. One batch, learned by heart (●○○, 12 minutes)
#
# The cheapest test of a model, its loss and its data: can it learn **one** batch by heart?
# If not, no hyperparameter will help. Train a copy on the same batch again and again with Adam,
# and return two numbers: the loss before the first step, and the loss after the last one.
# The first should be near $\log K$, the second near 0.
#
# - It is a test, so it must leave no trace. The model keeps its weights, its gradients,
#   its buffers and its modes.
# - The copy is in training mode, for both losses too: that is the program that will be trained.


# %% solution="overfits_one_batch"
def overfits_one_batch(model, x, y, steps, lr):
    """Train a copy of the model on one batch. Returns the mean cross-entropy before and after, two floats.

    model: any module from x to scores (N, K); it stays as it is. x: (N, ...). y: (N,), whole numbers.
    steps: how many steps of torch.optim.Adam with the rate lr. The copy is in training mode.

    Example: scores 0 for each of 3 classes at the start: the first number is log 3 = 1.0986.
    """
    ### BEGIN SOLUTION
    twin = copy.deepcopy(model).train()
    adam = torch.optim.Adam(twin.parameters(), lr=lr)
    start = F.cross_entropy(twin(x), y).item()
    for _step in range(steps):
        adam.zero_grad()
        F.cross_entropy(twin(x), y).backward()
        adam.step()
    return start, F.cross_entropy(twin(x), y).item()
    ### END SOLUTION


# %% check="overfits_one_batch" points=4
check(overfits_one_batch)

# %% [markdown]
# ## Four programs, four faults
#
# Each of the next four programs runs without an error. Each of them is wrong.
# The way to work is the same for all:
#
# 1. Read what the program **should** do: its docstring is right.
# 2. Run it, and look at its curves beside a healthy one. What is odd?
# 3. Say which fault would look like that. Then read the program, and find it.
# 4. Copy the program into the cell below, under its new name, and repair it. Change no more than you need.
#    Run the cell with the curves again, with your `repaired_a` in place of `train_a`.
#
# The next cell prepares the digits: 8×8 pixels, 1000 images to train on and 497 to validate with.
# The healthy curve comes from `lab.training.train`, with the same network, rate and data.

# %% experiment="healthy"
from lab.data import read
from lab.plots import figure, house_style
from lab.training import Images, as_tensors, train

digits = as_tensors(read("digits"), device=device)
x, y = digits.train_x.flatten(1), digits.train_y
data = Images(x[:1000], y[:1000], x[1000:], y[1000:])


def digit_net(units=64, dropout=0.0):
    """64 pixels, a hidden layer, ten scores; always the same start."""
    torch.manual_seed(0)
    parts = (nn.Linear(64, units), nn.ReLU(), nn.Dropout(dropout), nn.Linear(units, 10))
    return nn.Sequential(*parts).to(device)


def healthy(lr):
    """Fifteen training losses as they should be, of batches of 32 and without momentum."""
    return train(digit_net(), data, lr=lr, epochs=15, batch_size=32, seed=0, momentum=0.0).loss


@house_style
def draw(curves, title):
    """curves: by name, one value per epoch; dashed where the name is that of a healthy curve."""
    fig, (ax,) = figure(width=6)
    for name, curve in curves.items():
        ax.plot(range(1, len(curve) + 1), curve, "--" if "healthy" in name else "-", label=name)
    ax.set(xlabel="epoch", title=title)
    ax.legend()
    return fig


batches = list(zip(data.train_x.split(32), data.train_y.split(32), strict=True))

# %% [markdown]
# ## 2. Program A (●●○, 12 minutes)
#
# Its loss falls faster than it should, and then it comes back. A smaller rate hides it, and does not cure it.
# Is the rate too large?


# %% listing="program-a"
def train_a(net, batches, epochs, lr):
    """Plain gradient descent, one step per batch. Returns the training loss of each epoch, a list of floats.

    The loss of an epoch is the mean over its examples, each from before the step of its batch.
    batches: a list of inputs and labels (n,); n may differ. The net is in training mode.
    """
    sgd = torch.optim.SGD(net.parameters(), lr=lr)
    net.train()
    curve = []
    for _ in range(epochs):
        sgd.zero_grad()
        summed, count = 0.0, 0
        for images, labels in batches:
            loss = F.cross_entropy(net(images), labels)
            loss.backward()
            sgd.step()
            summed += loss.item() * len(labels)
            count += len(labels)
        curve.append(summed / count)
    return curve


# %% experiment="curves-a"
program_a = train_a  # put repaired_a here when you have it
draw({"program A": program_a(digit_net(), batches, 15, 0.1), "healthy": healthy(0.1)}, "training loss")


# %% solution="repaired_a"
def repaired_a(net, batches, epochs, lr):
    """What train_a should do. net: changed in place. Returns a list of floats, one per epoch.

    Example: batches of 3 and 1 images whose losses are 1.0 and 3.0 in an epoch: its number is 1.5.
    """
    ### BEGIN SOLUTION
    optimizer = torch.optim.SGD(net.parameters(), lr)
    losses = []
    net.train()
    while len(losses) < epochs:
        total, seen = 0.0, 0
        for x, y in batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            total += len(y) * loss.item()
            seen += len(y)
        losses.append(total / seen)
    return losses
    ### END SOLUTION


# %% check="repaired_a" points=4
check(repaired_a)

# %% [markdown]
# ## 3. Program B (●●○, 12 minutes)
#
# Nearly nine images of ten are right, and the network is sure of them. Only the loss stays above 1.46.
# Three times as many epochs do not help. What is 1.46?


# %% listing="program-b"
def train_b(net, batches, epochs, lr):
    """Plain gradient descent on the cross-entropy. Returns two lists with one float per epoch each.

    The first has the mean loss over the examples of the epoch. It is finite where scores are 1000 apart.
    The second says how sure the net was: the mean over the examples of their largest probability.
    Both are from before the step of the batch. batches: a list of inputs and labels (n,); n may differ.
    """
    sgd = torch.optim.SGD(net.parameters(), lr=lr)
    net.train()
    curve, sure = [], []
    for _ in range(epochs):
        summed, certainty, count = 0.0, 0.0, 0
        for images, labels in batches:
            outputs = F.softmax(net(images), dim=1)
            loss = F.cross_entropy(outputs, labels)
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            summed += loss.item() * len(labels)
            certainty += outputs.max(dim=1).values.sum().item()
            count += len(labels)
        curve.append(summed / count)
        sure.append(certainty / count)
    return curve, sure


# %% experiment="curves-b"
program_b = train_b  # put repaired_b here when you have it
fitted = digit_net()
curve, sure = program_b(fitted, batches, 15, 0.3)
right = (fitted(data.train_x).argmax(dim=1) == data.train_y).float().mean().item()
print(f"right on the training images: {right:.1%}")
draw({"loss of program B": curve, "how sure it is": sure, "healthy loss": healthy(0.3)}, "training images")


# %% solution="repaired_b"
def repaired_b(net, batches, epochs, lr):
    """What train_b should do. net: changed in place. Returns two lists of floats.

    Example: one image, scores (log 9, 0) and label 1: the loss is log 10 = 2.3026, and the net is 0.9 sure.
    """
    ### BEGIN SOLUTION
    optimizer = torch.optim.SGD(net.parameters(), lr)
    losses, confidences = [], []
    net.train()
    while len(losses) < epochs:
        total, sureness, seen = 0.0, 0.0, 0
        for x, y in batches:
            scores = net(x)
            loss = F.cross_entropy(scores, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += len(y) * loss.item()
            sureness += scores.softmax(dim=1).amax(dim=1).sum().item()
            seen += len(y)
        losses.append(total / seen)
        confidences.append(sureness / seen)
    return losses, confidences
    ### END SOLUTION


# %% check="repaired_b" points=4
check(repaired_b)

# %% [markdown]
# ## 4. Program C (●●○, 10 minutes)
#
# This one learns nothing. Which number does its loss stay at, and what would you know if you knew nothing?


# %% listing="program-c"
def train_c(net, x, y, orders, batch_size, lr):
    """Plain gradient descent, the examples in another order in each epoch. Returns its losses, a list.

    x: (N, ...). y: (N,). Both stay as they are. orders: for each epoch the numbers 0 to N - 1 in some order,
    a tensor (N,). The epoch visits x[order[0]], x[order[1]], ... and cuts them into batches;
    the last one may be smaller. The loss of an epoch is the mean over its N examples.
    """
    sgd = torch.optim.SGD(net.parameters(), lr=lr)
    net.train()
    curve = []
    for order in orders:
        shuffled, summed = x[order], 0.0
        for start in range(0, len(x), batch_size):
            images = shuffled[start : start + batch_size]
            labels = y[start : start + batch_size]
            loss = F.cross_entropy(net(images), labels)
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            summed += loss.item() * len(labels)
        curve.append(summed / len(x))
    return curve


# %% experiment="curves-c"
program_c = train_c  # put repaired_c here when you have it
torch.manual_seed(0)
orders = [torch.randperm(1000).to(device) for _ in range(15)]
curve = program_c(digit_net(), data.train_x, data.train_y, orders, 32, 0.1)
draw({"program C": curve, "healthy": healthy(0.1)}, "training loss")


# %% solution="repaired_c"
def repaired_c(net, x, y, orders, batch_size, lr):
    """What train_c should do. net: changed in place. Returns a list of floats, one per order.

    Example: N = 5, batch_size 2, order (3, 0, 4, 1, 2): the batches are the examples 3 and 0, 4 and 1, and 2.
    """
    ### BEGIN SOLUTION
    optimizer = torch.optim.SGD(net.parameters(), lr)
    losses = []
    net.train()
    for permuted in orders:
        total = 0.0
        for rows in permuted.split(batch_size):
            loss = F.cross_entropy(net(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += len(rows) * loss.item()
        losses.append(total / len(permuted))
    return losses
    ### END SOLUTION


# %% check="repaired_c" points=4
check(repaired_c)

# %% [markdown]
# ## 5. Program D (●●●, 20 minutes)
#
# This one has **two** faults. It trains a network with dropout on 320 images, a fifth of whose labels were
# drawn anew, so it overfits. It should give back the best network that it had.
#
# - The training loss of a network with dropout is higher than without it. Where is the program's?
# - Compare the lowest point of its validation curve with the loss of the network that it gives back.


# %% listing="program-d"
def train_d(net, batches, validation, epochs, lr):
    """Gradient descent with momentum; keeps the epoch with the least validation loss, the first of two.

    Each epoch trains in training mode, then measures the loss of all validation examples in evaluation mode.
    At the end the net has the parameters and the buffers of the best epoch, and is in evaluation mode.
    batches: a list of inputs and labels (n,); n may differ. validation: inputs and labels (N,).
    Returns two lists of floats, one per epoch: training losses (means over examples) and validation losses.
    """
    sgd = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
    net.train()
    curve, watched = [], []
    least, best = math.inf, None
    for _ in range(epochs):
        summed, count = 0.0, 0
        for images, labels in batches:
            loss = F.cross_entropy(net(images), labels)
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            summed += loss.item() * len(labels)
            count += len(labels)
        curve.append(summed / count)
        net.eval()
        with torch.no_grad():
            held_out = F.cross_entropy(net(validation[0]), validation[1]).item()
        watched.append(held_out)
        if held_out < least:
            least, best = held_out, net.state_dict()
    net.load_state_dict(best)
    return curve, watched


# %% experiment="curves-d"
program_d = train_d  # put repaired_d here when you have it
torch.manual_seed(3)
few = data.train_y[:320].cpu()
noisy = torch.where(torch.rand(320) < 0.2, torch.randint(10, (320,)), few).to(device)
noisy_data = Images(data.train_x[:320], noisy, data.test_x, data.test_y)
noisy_batches = list(zip(data.train_x[:320].split(32), noisy.split(32), strict=True))

fitted = digit_net(128, dropout=0.5)
curve, watched = program_d(fitted, noisy_batches, (data.test_x, data.test_y), 40, 0.05)
with torch.no_grad():
    given_back = F.cross_entropy(fitted(data.test_x), data.test_y).item()
print(f"least validation loss {min(watched):.3f}, of the network that comes back {given_back:.3f}")
right = train(digit_net(128, 0.5), noisy_data, lr=0.05, epochs=40, batch_size=32, seed=0).loss
draw({"training, program D": curve, "validation, program D": watched, "training, healthy": right}, "loss")


# %% solution="repaired_d"
def repaired_d(net, batches, validation, epochs, lr):
    """What train_d should do. net: changed in place. Returns two lists of floats.

    Example: the validation losses of four epochs are 0.9, 0.5, 0.7 and 0.5: at the end the net is as it was
    after the second epoch, and the four losses are returned all the same.
    """
    ### BEGIN SOLUTION
    optimizer = torch.optim.SGD(net.parameters(), lr, momentum=0.9)
    x_val, y_val = validation
    fitted, held_out = [], []
    while len(fitted) < epochs:
        net.train()
        total, seen = 0.0, 0
        for x, y in batches:
            loss = F.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += len(y) * loss.item()
            seen += len(y)
        fitted.append(total / seen)
        net.eval()
        with torch.no_grad():
            now = F.cross_entropy(net(x_val), y_val).item()
        if now < min(held_out, default=math.inf):
            best_state = copy.deepcopy(net.state_dict())
        held_out.append(now)
    net.load_state_dict(best_state)
    return fitted, held_out
    ### END SOLUTION


# %% check="repaired_d" points=6
check(repaired_d)

# %% [markdown]
# **Question** (10 minutes). For each of the four programs: what in its curves was odd, and which fault does
# that show? Where does the number 1.46 come from? Compute it for ten classes.
# Somebody has program A and tries smaller rates until the loss falls. What do they get, and what do they pay?
# Suppose that each program was run on one batch alone, the same for 200 epochs, as `overfits_one_batch` does.
# Which of the faults would that show, and which not? Why?

# %% [markdown] question="hp-torch-curves" points=3
# *Your answer here.*

# %% [markdown]
# ## 6. The evidence, as a tensor (●●○, 15 minutes)
#
# The Gaussian process of the NumPy notebook has hyperparameters of its own: the length $l$, the scale $s$
# and the noise $\sigma$. Grid search over three of them? There is something better.
# The logarithm of the probability that the process gives to the measured values, {eq}`hp-evidence`,
# has a gradient. Write it in torch, and autograd knows that gradient.
#
# - The three come as **logarithms**: $l = e^{\text{log\_length}}$, and so on. All numbers are allowed then,
#   and a step multiplies. $s$ and $\sigma$ are standard deviations: their squares stand in
#   {eq}`hp-kernel` and {eq}`hp-cholesky`.
# - Use `torch.linalg.cholesky` and `torch.cholesky_solve`. A determinant of 200 small numbers is 0 in a
#   computer, and its logarithm is $-\infty$.
# - No `.item()`, no `float()`, no `no_grad`: the gradient must reach all that you are given.


# %% solution="log_evidence"
def log_evidence(x, y, log_length, log_scale, log_noise):
    """The log marginal likelihood of a Gaussian process with mean 0, {eq}`hp-evidence`.

    x: (n,). y: (n,). log_length, log_scale, log_noise: tensors with one number each, natural logarithms of
    l, s and sigma. All have one dtype and one device. Returns a tensor with one number, of that dtype.
    Source: Rasmussen and Williams (2006), eq. 2.30 and algorithm 2.1.

    Example: x = (0, 1), y = (1, 0.5), all three logarithms 0: K + sigma^2 I is 2 on the diagonal and
    exp(-1/2) = 0.6065 beside it, and it returns -2.7434.
    """
    ### BEGIN SOLUTION
    gaps = (x[:, None] - x) / log_length.exp()
    K = (2 * log_scale).exp() * torch.exp(-0.5 * gaps**2)
    L = torch.linalg.cholesky(K + (2 * log_noise).exp() * torch.eye(len(x)).to(x))
    alpha = torch.cholesky_solve(y[:, None], L)[:, 0]
    return -0.5 * (y @ alpha) - L.diagonal().log().sum() - 0.5 * len(x) * math.log(2 * math.pi)
    ### END SOLUTION


# %% check="log_evidence" points=5
check(log_evidence)

# %% [markdown]
# ## 7. Follow its gradient (●●○, 12 minutes)
#
# The best hyperparameters are those with the highest evidence. Start somewhere and go up, with Adam.
# Adam goes **down**, so it must be given something that falls.
#
# The function that you climb is an argument: your `log_evidence` with its data, or any other function of
# three logarithms.
# Work in 64 bits. The Cholesky decomposition of points that are close together needs them.


# %% solution="fit_gp"
def fit_gp(evidence, length, scale, noise, steps, lr):
    """Climb the evidence by torch.optim.Adam with the rate lr. Returns length, scale and noise, three floats.

    evidence(log_length, log_scale, log_noise): a tensor with one number; its arguments are 64-bit tensors
    with one number each, natural logarithms. length, scale, noise: where to start, positive floats.
    Each step changes all three logarithms at once. steps: how many; 0 gives back the start.

    Example: in the first step Adam changes each logarithm by lr: start 0.5, lr 0.1, and the evidence grows
    with the length: after one step the length is 0.5 * exp(0.1) = 0.5526.
    """
    ### BEGIN SOLUTION
    logs = torch.tensor([length, scale, noise], dtype=torch.float64).log().requires_grad_()
    climber = torch.optim.Adam([logs], lr=lr, maximize=True)
    for _step in range(steps):
        climber.zero_grad()
        evidence(*logs).backward()
        climber.step()
    return tuple(logs.exp().tolist())
    ### END SOLUTION


# %% check="fit_gp" points=4
check(fit_gp)

# %% [markdown]
# Twelve trials of a real search: the logarithm of the rate, and the validation loss after eight epochs.
# The cell fits your process to the standardized losses, from four starts. Then it draws the evidence along
# the length, while scale and noise keep their fitted values.

# %% experiment="evidence"
from lab.experiments import hyperparameters as hp

exponents = torch.linspace(-4, 0, 12, dtype=torch.float64)
found = torch.tensor([[*hp.losses(hp.BASE | {"lr": 10**e})][-1] for e in exponents.tolist()]).double()
found = found.nan_to_num(nan=math.inf).clamp(max=math.log(10))  # a lost run knows nothing
y_trials = (found - found.mean()) / found.std()


def evidence_of_trials(*logs):
    """Of the twelve trials, for the three logarithms."""
    return log_evidence(exponents, y_trials, *logs)


def at(*values):
    """The evidence for a length, a scale and a noise, a float."""
    return evidence_of_trials(*torch.tensor(values, dtype=torch.float64).log()).item()


for start in (0.1, 0.5, 2.0, 10.0):
    fit = fit_gp(evidence_of_trials, start, 1.0, 0.3, 300, 0.05)
    told = "length {:.3f}, scale {:.3f}, noise {:.3f}".format(*fit)
    print(f"start at length {start:4}: {told}, evidence {at(*fit):.3f}")


@house_style
def draw_fit(fit, lengths):
    """The trials, and the evidence along the length with the fitted scale and noise."""
    fig, (trials, evidence) = figure(2)
    trials.plot(exponents, found, "o")
    trials.set(xlabel="log10 of the rate", ylabel="validation loss")
    evidence.semilogx(lengths, [at(length, *fit[1:]) for length in lengths])
    evidence.axvline(fit[0], color="0.5", linestyle="--")
    evidence.set(xlabel="length", ylabel="log evidence", ylim=(-50, 0))
    return fig


draw_fit(fit_gp(evidence_of_trials, 0.5, 1.0, 0.3, 300, 0.05), [0.05 * 1.1**k for k in range(45)])

# %% [markdown]
# **Question** (6 minutes). Which length does the evidence choose, and does that fit the picture of the
# trials? Do all starts end at the same place? What does a process with length 0.05 say between two trials,
# and why does it get little evidence, although its curve passes close to all of them?
# Why may you fit these three numbers to the very values that the process is for, without validation data?
# And why is that less safe with four trials than with twelve?

# %% [markdown] question="hp-torch-evidence" points=2
# *Your answer here.*

# %% [markdown]
# ## 8. What a search library asks for (●●○, 15 minutes)
#
# A library such as optuna (Akiba et al. 2019) makes a *trial* and calls your objective with it.
# The objective asks the trial for values, trains, and returns the number that should be small.
# While it trains it tells the trial each epoch's loss, and asks whether it should go on.
#
# | call | says |
# | --- | --- |
# | `trial.suggest_float(name, low, high, log=True)` | give me a float, uniform on a log scale |
# | `trial.suggest_categorical(name, choices)` | give me one of these |
# | `trial.report(loss, step)` | this is the loss after epoch `step`, counted from 0 |
# | `trial.should_prune()` | is it hopeless? asked after each report |
#
# Momentum is uniform in the logarithm of $1 - \mu$, {eq}`hp-one-minus`: so ask for `one_minus_momentum`.


# %%
class Pruned(Exception):
    """A trial that is not worth its time."""


# %% [markdown]
# - `train(settings)` is a **generator**: it trains one epoch each time that it is asked for the next loss.
#   Who turns it into a list first has paid for all epochs.
# - A loss that is infinite or no number is not reported: the run is lost, and that is `Pruned` as well.


# %% solution="make_objective"
def make_objective(train):
    """The objective of a search: a function of a trial that returns the loss after the last epoch, a float.

    train(settings): a generator of validation losses (floats), one per epoch, at least one.
    settings: {"lr": ..., "momentum": ..., "width": ...}, asked for anew in each trial:
    lr from 1e-4 to 1 and one_minus_momentum from 0.01 to 0.5, both on a log scale;
    width one of [16, 32, 64, 128]. Raises Pruned as soon as the trial should be pruned, or a loss is not
    finite.

    Example: train yields 0.9, 0.5 and 0.6: the trial is told (0.9, 0), (0.5, 1) and (0.6, 2), is asked
    three times whether to prune, and 0.6 is returned.
    """
    ### BEGIN SOLUTION

    def objective(trial):
        settings = {
            "lr": trial.suggest_float("lr", 1e-4, 1.0, log=True),
            "momentum": 1 - trial.suggest_float("one_minus_momentum", 0.01, 0.5, log=True),
            "width": trial.suggest_categorical("width", [16, 32, 64, 128]),
        }
        for epoch, loss in enumerate(train(settings)):
            if not math.isfinite(loss):
                raise Pruned
            trial.report(loss, epoch)
            if trial.should_prune():
                raise Pruned
        return loss

    return objective
    ### END SOLUTION


# %% check="make_objective" points=5
check(make_objective)

# %% [markdown]
# ## Parity: the evidence and the steps beside PyTorch's own
#
# `torch.distributions` has the density of a Gaussian with any covariance. It wants the whole matrix.
# Where the difference is about 1e-12, it is rounding.

# %% experiment="parity"
torch.manual_seed(0)
points, values = torch.rand(40).double() * 3, torch.randn(40).double()
length, s, sigma = 0.4, 1.3, 0.2
squares = (points[:, None] - points) ** 2
covariance = s**2 * torch.exp(-squares / (2 * length**2)) + sigma**2 * torch.eye(40).double()
library = torch.distributions.MultivariateNormal(torch.zeros(40).double(), covariance).log_prob(values)
own = log_evidence(points, values, *torch.tensor([length, s, sigma], dtype=torch.float64).log())
print(f"log evidence: {own.item():.6f}, of the library {library.item():.6f}, gap {(own - library).abs():.0e}")

# %% [markdown]
# ## Experiments: does a search pay?
#
# The problem: 1000 digits of 14×14 pixels to train on and 1000 others to choose with, one hidden layer,
# eight epochs.
# First **two** hyperparameters, the rate and the dropout. Nine trials as a 3×3 grid, and nine at random.
# Where the grid lies is drawn, three times, and each trial is trained with three seeds.
#
# Then **your objective**, with its three hyperparameters, in optuna: 20 trials, drawn at random or by TPE,
# which learns from the trials before (Bergstra et al. 2011), each in three searches.
# Then the same with pruning: a trial ends when what it reports is worse than the median of the trials before.
# At last the best settings of all of them are trained again with five new seeds.
# All of it takes about a minute and a half on a CPU core.
#
# **Predict first.** Write down before you run the cells: which nine trials find the better loss, and why?
# How much better than random is TPE after 20 trials of three hyperparameters?
# Which share of the epochs does pruning save, and what does it lose?
# With new seeds, is the winner as good as the search has told? A wrong prediction costs nothing.
# A missing reason does.

# %% [markdown] question="hp-torch-predict" points=2
# *Your prediction here, with a reason for each.*

# %% experiment="grid-or-random"
grid_results = hp.compare_grids(size="short")
for way, row in hp.grid_table(grid_results).items():
    told = f"best loss {row['mean']:.3f} ± {row['std']:.3f}, {row['values']} different rates"
    print(f"{way:8} {told}")
hp.plot_grids(grid_results)


# %% experiment="optuna"
def train_problem(settings):
    """The validation loss after each epoch; all else is as in hp.BASE."""
    return hp.losses(hp.BASE | settings)


objective = make_objective(train_problem)
whole = hp.run_optuna(objective, samplers=("random", "TPE"), size="short", pruned=(Pruned,))
cut = hp.run_optuna(objective, samplers=("random", "TPE"), size="short", prune=True, pruned=(Pruned,))
for name, results in {"all epochs": whole, "with pruning": cut}.items():
    for way in ("random", "TPE"):
        runs = [run for run in results["runs"] if run["way"] == way]
        best = [
            min(run["loss"][0] for run in runs if run["number"] == k and run["state"] == "COMPLETE")
            for k in range(3)
        ]
        paid = sum(run["reported"] for run in runs)
        print(f"{name:12} {way:6} best", *(f"{loss:.3f}" for loss in best), f"   epochs paid {paid:4}")
hp.plot_searches(whole)

# %% experiment="winner"
winner = min((run for run in whole["runs"] if run["state"] == "COMPLETE"), key=lambda run: run["loss"][0])
settings = {key: winner["params"][key] for key in ("lr", "width")}
settings["momentum"] = 1 - winner["params"]["one_minus_momentum"]
print("winner:", settings, f"told loss {winner['loss'][0]:.3f}")
for name, config in {"winner": hp.BASE | settings, "first guess by hand": hp.BASE}.items():
    again = torch.tensor([[*hp.losses(config, seed)][-1] for seed in range(100, 105)])
    print(f"{name:19} with five new seeds: {again.mean():.3f} ± {again.std():.3f}")

# %% [markdown]
# **Explain.** Compare what you see with your prediction, and say where it was wrong.
# How many different rates has the grid tried, and how many the random search? Which of the two
# hyperparameters matters more, and how do you see it?
# Which differences between random and TPE are larger than the spread of the searches?
# What does pruning save, and for which trials is it dangerous? Think of the rate.
# Does the winner keep its promise with new seeds? These losses are from the same validation images:
# which part of the winner's luck do they still hide, and what would show it?
# A friend wants to search over six hyperparameters with ten trials. What do you advise?

# %% [markdown] question="hp-torch-explain" points=3
# *Your explanation here.*

# %% [markdown]
# You can tell a wrong program from a wrong hyperparameter, and you know what a search buys.
# Go back to *What goes wrong* in the chapter, and name for each case the curve that shows it.
