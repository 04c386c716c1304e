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
# # The same in PyTorch
#
# A tensor is an array that can do two things more: it can live on a GPU, and it can find gradients.
# All that you know of shapes, axes, views and broadcasting holds for tensors as well.
# Here you meet what is different. At the end your parts train a classifier,
# and its numbers are those of NumPy.
#
# **How it works.** Replace each `raise NotImplementedError` by your code. Run the cell.
# Run the check below it, as often as you like. A check never stops the notebook.
#
# **Time.** About two hours, the experiments included.
# ●○○ is a warm-up, ●●○ needs paper, ●●● needs patience.
#
# **Devices.** A device is where the numbers of a tensor are: `cpu`, or a GPU such as `cuda`.
# Tensors that meet in a computation must be on one device.
# So put new tensors where the ones that you got are: `torch.arange(N, device=x.device)`.
# The checks ask for it in the exercises 3 and 9; on a GPU it matters everywhere.
#
# **Not allowed.** PyTorch's ready optimizers, `nn.Linear` and the ready losses of mean squares:
# they are what you are building. The checks below do not notice it; it is flagged to the instructor.
#
# `eq. (…)` is an equation of the chapter *NumPy for the rest of the course*.

# %%
import numpy as np
import torch
from torch import nn

import autograder
from lab.device import pick_device

check = autograder.checks("00-numpy/arrays_torch")
device = pick_device()
F = nn.functional
print(f"Your tensors can live on: {device}")

# %% [markdown]
# ## What has another name, and what is different
#
# | | NumPy | PyTorch |
# |---|---|---|
# | a sum over the examples | `x.sum(axis=0)` | `x.sum(dim=0)`, and `axis=0` works too |
# | keep the axis | `keepdims=True` | `keepdim=True` |
# | another type | `x.astype(np.float32)` | `x.to(torch.float32)`, `x.float()` |
# | a copy | `x.copy()` | `x.clone()` |
# | other order of axes, a view | `x.transpose(0, 3, 1, 2)` | `x.permute(0, 3, 1, 2)` |
# | type of `1.5` | `float64` | `float32` |
# | type of an index | any integers | integers; `uint8` is taken for a mask, `gather` wants `int64` |
# | `x.std()` divides by | $N$ | $N - 1$ |
# | steps backward, `x[::-1]` | a view | an error: `x.flip(0)` makes a copy |
#
# `torch.from_numpy(array)` makes a tensor that **shares** the memory of the array.
# `torch.tensor(array)` copies it. `tensor.numpy()` shares again.

# %% listing="what-differs"
array = np.array([1.0, 2.0, 3.0])
shared, copied = torch.from_numpy(array), torch.tensor(array)
array[0] = 100.0
print("shared:", shared.tolist(), "  copied:", copied.tolist())
print("types: ", shared.dtype, torch.tensor([1.0, 2.0, 3.0]).dtype)

scores = torch.tensor([10.0, 20.0, 30.0])
places = torch.tensor([1, 0, 1])
print("places as int64:", scores[places].tolist(), "  as a mask:", scores[places.bool()].tolist())

# %% [markdown]
# ## 1. A batch for a network (●○○, 8 minutes)
#
# Pictures are stored as whole numbers, their channels last. A network wants floats in $[0, 1]$,
# and the channels in front of height and width. Do both, and divide by 255:
# the largest value that a pixel **can** have.
#
# - `permute` changes the order of the axes. `reshape` does not: it cuts the same numbers elsewhere.
# - `permute` gives a view. Its numbers still lie in memory as before. `.contiguous()` lays them out anew.
# - Somebody may have flipped the pictures: `images[:, :, ::-1]` is a view that steps backward,
#   and PyTorch refuses it. An `images.copy()` steps forward.


# %% solution="to_batch"
def to_batch(images):
    """Pictures as a network wants them.

    images: (N, H, W, C) uint8, a NumPy array, maybe a view that steps backward. It stays as it is.
    Returns a contiguous tensor (N, C, H, W) of float32, with numbers in [0, 1], on the CPU.

    Example: one picture of two pixels, (255, 0, 51) and (0, 0, 102), has the shape (1, 1, 2, 3).
    It gives (1, 3, 1, 2), with the channels (1, 0), (0, 0) and (0.2, 0.4).
    """
    ### BEGIN SOLUTION
    pixels = torch.from_numpy(images.copy())
    return pixels.permute(0, 3, 1, 2).contiguous() / 255
    ### END SOLUTION


# %% check="to_batch" points=3
check(to_batch)

# %% [markdown]
# ## 2. One score of each row (●○○, 8 minutes)
#
# A classifier gives $K$ scores for each example. The loss asks for one of them: the score of the right class.
# In NumPy two arrays of indices do it: the numbers of the rows, and the labels.
# Two ways lead there in PyTorch:
#
# - `scores[rows, labels]`, with `rows` = 0, 1, ..., N - 1, as `torch.arange(N)` makes it;
# - `scores.gather(1, index)` takes from each row the columns that the same row of `index` names.
#   `index` has two axes, as `scores` has.
#
# Labels are often stored in 8 bits. But PyTorch takes an index of type `uint8` for a mask.
# Make them `int64` first: `labels.long()`.


# %% solution="label_scores"
def label_scores(scores, labels):
    """The score of the right class of each example. Gradients flow back to the scores.

    scores: (N, K) floats. labels: (N,) integers of any type, from 0 to K - 1, on the same device.
    Returns (N,): scores[n, labels[n]] for each n.

    Example: scores ((1, 2, 3), (4, 5, 6)) and labels (2, 0) give (3, 4).
    """
    ### BEGIN SOLUTION
    return scores.gather(1, labels.long()[:, None])[:, 0]
    ### END SOLUTION


# %% check="label_scores" points=3
check(label_scores)

# %% [markdown]
# ## 3. Which class is taken for which? (●●○, 10 minutes)
#
# Count how often an example of class $l$ is taken for class $p$: a table with $K$ rows and $K$ columns.
# `counts[labels, predicted] += 1` counts a pair that comes twice **once**, as in NumPy:
# the right side is computed once, and written twice to the same place.
#
# - `torch.bincount(x, minlength=M)` counts how often each of the numbers 0 to M - 1 is in `x`: (n,).
#   A pair is one number: its place in the table when the rows are laid one after the other.
# - `counts.index_put_((rows, columns), values, accumulate=True)` adds each time.
# - Whole numbers in 8 bits wrap around, as in NumPy, {eq}`np-mod`. There may be more than 16 classes.


# %% solution="count_pairs"
def count_pairs(labels, predicted, K):
    """How often class l was taken for class p.

    labels, predicted: (N,) integers of any type, from 0 to K - 1. K: the number of classes.
    Returns counts: (K, K) int64, on their device; row l is the right class, column p the predicted one.

    Example: labels (0, 2, 2), predicted (1, 2, 2), K = 3: counts[0, 1] is 1, counts[2, 2] is 2, all others 0.
    """
    ### BEGIN SOLUTION
    places = labels.long() * K + predicted.long()
    return torch.bincount(places, minlength=K * K).view(K, K)
    ### END SOLUTION


# %% check="count_pairs" points=3
check(count_pairs)

# %% [markdown]
# ## 4. All of it to the device (●●○, 12 minutes)
#
# A batch is rarely one tensor. It may be a pair of images and labels, or a dict with masks and names.
# Write one function that moves all tensors in it. It calls itself for what is inside.
#
# - `x.to(device)` **returns** the moved tensor. It changes nothing in place.
# - A list stays a list, a tuple a tuple and a dict a dict, with the same keys in the same order.
#   They are new ones: the batch that you got stays as it is.
# - Types stay, and so do gradients: labels are still whole numbers afterwards.


# %% solution="move"
def move(batch, device):
    """The same batch with all tensors on the device.

    batch: a tensor; or a dict, list or tuple of batches, within each other as deep as you like;
    anything else (a number, text, None, an array) is handed back as it is.
    device: "cuda", torch.device("cpu") or the like.

    Example: move({"x": x, "more": (y, "cat.png")}, "cuda") is a new dict of x on the GPU and
    a new tuple of y on the GPU and "cat.png".
    """
    ### BEGIN SOLUTION
    if isinstance(batch, torch.Tensor):
        return batch.to(device)
    if isinstance(batch, dict):
        return {key: move(part, device) for key, part in batch.items()}
    if isinstance(batch, (list, tuple)):
        return type(batch)([move(part, device) for part in batch])
    return batch
    ### END SOLUTION


# %% check="move" points=4
check(move)

# %% [markdown]
# ## Worked example: autograd
#
# You have derived {eq}`np-linear-dx` and {eq}`np-linear-dW` on paper. PyTorch applies the chain rule,
# {eq}`np-chain`, by itself. A tensor with `requires_grad=True` is watched: each operation on it is noted.
# `loss.backward()` goes back through the notes and **adds** what it finds to `.grad`, but only of leaves.
# A **leaf** is a tensor that you made, such as `W` below. A watched tensor that was computed from others,
# such as `x @ W`, is none: its `.grad` stays `None`, and so does that of `W.clone()`.

# %% listing="autograd"
x = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
W = torch.tensor([[0.5, -1.0], [2.0, 0.1]], requires_grad=True)
loss = ((x @ W) ** 2).sum()
loss.backward()
print("by autograd:", W.grad.tolist())
print("by hand:    ", (x.T @ (2 * (x @ W.detach()))).tolist())
((x @ W) ** 2).sum().backward()
print("once more:  ", W.grad.tolist(), "it was added")
try:
    W -= 0.1 * W.grad
except RuntimeError as error:
    print("in place:   ", error)
with torch.no_grad():
    W -= 0.1 * W.grad
print("unwatched:  ", [[round(number, 1) for number in row] for row in W.tolist()])

# %% [markdown]
# ## 5. The gradient at a point (●●○, 12 minutes)
#
# A function from a tensor to one number: what is its gradient at `x`?
# The caller wants nothing but the answer. Afterwards `x` must be as it was:
# the same numbers, not watched if it was not, and nothing added to `x.grad`.
#
# - `x.detach()` is a new tensor with the numbers of `x`, in the same memory, and with no past.
#   Whether it is watched is its own affair: `leaf.requires_grad_()` turns that on.
# - `torch.autograd.grad(value, leaf)` returns a **tuple** of gradients, and leaves every `.grad` alone.


# %% solution="gradient"
def gradient(f, x):
    """df/dx at x, a new tensor without a graph.

    f: from a tensor of the shape of x to a tensor with one number. x: floats, any shape; it may be watched,
    have a gradient of its own, or be the result of a computation. It stays as it is in all of this.

    Example: f(x) = (x ** 2).sum() at x = (1, -3) gives (2, -6).
    """
    ### BEGIN SOLUTION
    leaf = x.detach().requires_grad_()
    (dx,) = torch.autograd.grad(f(leaf), leaf)
    return dx
    ### END SOLUTION


# %% check="gradient" points=4
check(gradient)

# %% [markdown]
# ## 6. Is a gradient right? (●●○, 15 minutes)
#
# Autograd finds gradients, but soon you will write some yourself, and then you want to know.
# Compare a gradient with central differences, {eq}`np-central`: move one number of `x` up and down by `h`,
# and see how `f` changes. How far apart are two gradients? {eq}`np-relative`.
#
# - Compute in **float64**, whatever the type of `x`. In float32 the differences drown in rounding,
#   {eq}`np-total-error`.
# - Each call of `f` gets a tensor of the shape of `x`, in which one number is moved and all others are not.
# - A view changes what it is a view of. `x.double()` of a float64 tensor is that tensor itself, no copy.


# %% solution="gradient_error"
def gradient_error(f, x, dx, h=1e-5):
    """How far dx is from the central differences of f at x, {eq}`np-central`, by {eq}`np-relative`.

    f: from a tensor of the shape of x to a tensor with one number. x: floats, any shape. dx: of that shape.
    Both stay as they are. h: the step. Returns a float: max|a - b| / (max|a| + max|b|),
    with a = dx and b the central differences, in float64. Where all numbers of both are 0, it is 0.

    Example: f(x) = (x ** 2).sum() at x = (1, -3): the central differences are (2, -6). dx = (2, -6) gives 0,
    up to rounding, and dx = (2, 6) gives 12 / (6 + 6) = 1.
    """
    ### BEGIN SOLUTION
    numerical = torch.zeros_like(x, dtype=torch.float64)
    for i in np.ndindex(*x.shape):
        e = torch.zeros_like(numerical)
        e[i] = h
        numerical[i] = (f(x.detach() + e) - f(x.detach() - e)).item() / (2 * h)
    gap = (dx.detach() - numerical).abs().max().item()
    size = dx.abs().max().item() + numerical.abs().max().item()
    return gap / size if size else 0.0
    ### END SOLUTION


# %% check="gradient_error" points=4
check(gradient_error)

# %% [markdown]
# ## 7. A loss that is careful (●○○, 8 minutes)
#
# A network returns `(N, 1)`, the targets have the shape `(N,)`. Broadcasting, {eq}`np-broadcast`, makes
# $N \times N$ differences of them without a word: each prediction meets each target.
# The loss is a number, training runs, and the network learns next to nothing.
# So compare the shapes first, and raise a `ValueError` that names both.


# %% solution="mean_squared_error"
def mean_squared_error(prediction, target):
    """The mean of the squared differences, a tensor of shape (). Gradients flow back.

    prediction: floats, any shape. target: numbers, the same shape.
    Raises a ValueError where the shapes differ, also where they could be broadcast; its text holds both.

    Example: (1, 2) and (3, 5) give (4 + 9) / 2 = 6.5. Shapes (2, 1) and (2,) are an error.
    """
    ### BEGIN SOLUTION
    if prediction.shape != target.shape:
        shapes = f"{tuple(prediction.shape)} and {tuple(target.shape)}"
        raise ValueError(f"prediction and target must have the same shape, they have {shapes}")
    return (prediction - target).square().mean()
    ### END SOLUTION


# %% check="mean_squared_error" points=3
check(mean_squared_error)

# %% [markdown]
# ## 8. A step downhill (●●○, 12 minutes)
#
# The step of gradient descent: $w \leftarrow w - \eta \, \mathrm{d}w$ for each parameter $w$.
#
# - Change the tensors **in place**: the network holds them. `w = w - ...` makes a new tensor and
#   gives it the old name; the network does not learn of it.
# - PyTorch refuses to change a watched tensor in place, unless it looks away: `with torch.no_grad():`.
# - Afterwards forget the gradient: `w.grad = None`. Otherwise the next `backward()` adds to it.
# - `params` may be a generator, such as `model.parameters()`: you can go through it once.
# - A parameter without a gradient, `w.grad is None`, had no part in the loss. It stays.


# %% solution="sgd_step"
def sgd_step(params, lr):
    """One step of gradient descent, in place. Afterwards every gradient is None (or all zeros).

    params: an iterable of tensors, maybe a generator. lr: the learning rate. Returns nothing.

    Example: w = 1 with w.grad = 4 and lr = 0.1 becomes 0.6, still watched, with w.grad None.
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        for w in params:
            if w.grad is not None:
                w -= lr * w.grad
                w.grad = None
    ### END SOLUTION


# %% check="sgd_step" points=4
check(sgd_step)

# %% [markdown]
# ## 9. A module (●●○, 15 minutes)
#
# `nn.Module` holds tensors together: those that are trained, and those that only belong to it.
#
# - `nn.Parameter(tensor)` as an attribute is trained: `model.parameters()` finds it.
# - `self.register_buffer("name", tensor)` makes `self.name`. It is not trained, but saved, loaded
#   and moved with the rest.
# - A plain tensor as an attribute is neither. It is lost when the model is saved, and `model.to(device)`
#   leaves it behind.
# - `mean.new_zeros(2, 3)` makes zeros of the type of `mean`, on its device. `torch.zeros(2, 3)` makes
#   float32 on the CPU, and float32 times float64 is an error.
#
# The classifier standardizes its pixels with the mean and the deviation that it was given,
# and then takes {eq}`np-linear`. It returns scores: the softmax, {eq}`np-softmax`, belongs to the loss.
# Flatten the images with `flatten(1)`: `view` refuses images whose numbers do not lie in order.


# %% solution="LinearClassifier"
class LinearClassifier(nn.Module):
    """Scores ((x - mean) / std) W + b of images, {eq}`np-linear`.

    Parameters: W (D, K), b (K,); both start at 0, with the type and on the device of mean.
    Buffers: mean (D,), std (D,).

    Example: mean = (1, 2), std = (2, 4), W = ((1,), (10,)) and b = (5,): the image (3, 6) becomes (1, 1),
    and its only score is 1 + 10 + 5 = 16.
    """

    def __init__(self, mean, std, K):
        """mean, std: (D,) floats, std > 0, of the training images. K: the number of classes."""
        super().__init__()
        ### BEGIN SOLUTION
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.W = nn.Parameter(mean.new_zeros(len(mean), K))
        self.b = nn.Parameter(mean.new_zeros(K))
        ### END SOLUTION

    def forward(self, x):
        """x: (N, D), or images (N, C, H, W) with C H W = D. Returns scores: (N, K)."""
        ### BEGIN SOLUTION
        return (x.flatten(1) - self.mean) / self.std @ self.W + self.b
        ### END SOLUTION


# %% check="LinearClassifier" points=5
check(LinearClassifier)

# %% [markdown]
# ## All parts together
#
# Now your parts train a classifier on the digits: 1497 images to learn from, 300 to test it on.
# Their pixels go up to 16 only, which does no harm: the classifier standardizes them.
# Each step uses all images. The loss is the mean of minus the logarithm of the probability,
# {eq}`np-softmax`, of the right class: $\log \sum_j e^{z_{nj}} - z_{nk}$, with $k$ the label.
#
# Before it trains, the cell asks your `gradient_error` whether autograd is right about the first images.

# %% experiment="own-classifier"
import matplotlib.pyplot as plt

from lab.data import load

digits = load("digits")
train = to_batch(digits.train_images), torch.from_numpy(digits.train_labels)
test = to_batch(digits.test_images), torch.from_numpy(digits.test_labels)
(train_x, train_y), (test_x, test_y) = move([train, test], device)
mean, std = train_x.flatten(1).mean(dim=0), train_x.flatten(1).std(dim=0, correction=0)
std = torch.where(std > 0, std, 1.0)  # a pixel that is always black


def cross_entropy(scores, labels):
    """The mean over the examples: a tensor with one number."""
    return (scores.logsumexp(dim=1) - label_scores(scores, labels)).mean()


def loss_of_first_images(W):
    x = (train_x[:30].flatten(1) - mean) / std
    return cross_entropy(x.cpu().to(W.dtype) @ W, train_y[:30].cpu())


def descend(forget=True, lr=0.1, steps=300):
    """The trained model and its losses. Without `forget` every gradient stays, and the next one is added."""
    model, losses = LinearClassifier(mean, std, 10).to(device), []
    for _ in range(steps):
        loss = cross_entropy(model(train_x), train_y)
        loss.backward()
        losses.append(loss.item())
        gradients = [w.grad.clone() for w in model.parameters()]
        sgd_step(model.parameters(), lr)
        if not forget:
            for w, dw in zip(model.parameters(), gradients, strict=True):
                w.grad = dw
    return model, losses


first = torch.zeros(64, 10)
off = gradient_error(loss_of_first_images, first, gradient(loss_of_first_images, first))
print(f"autograd in float32 and central differences in float64: relative error {off:.0e}")

model, losses = descend()
counts = count_pairs(test_y, model(test_x).argmax(dim=1), 10)
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}, right on test images: {counts.trace() / counts.sum():.1%}")
print(counts.cpu())

# %% [markdown]
# ### A gradient that is not forgotten
#
# What if `sgd_step` did not forget the gradients? Then step $t$ goes along $g_1 + g_2 + \dots + g_t$.
# The cell tries it twice, always beside the right way:
# on the bowl $f(w) = \frac{1}{2} a w^2$ with $a = 1$ and the rate $\eta = 0.3$, from $w = 1$,
# and with your classifier on the digits. What do you expect?

# %% experiment="not-forgotten"
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
for forget, name in ((True, "forgotten"), (False, "not forgotten")):
    w, path = torch.ones(1, requires_grad=True), []
    for _ in range(60):
        path.append(w.item())
        (w**2 / 2).sum().backward()
        dw = w.grad.clone()
        sgd_step([w], 0.3)
        w.grad = None if forget else dw
    left.plot(path, label=name)
    model, losses = descend(forget)
    right.plot(losses, label=name)
    told = [
        (model(x).argmax(dim=1) == y).double().mean().item()
        for x, y in ((train_x, train_y), (test_x, test_y))
    ]
    print(f"{name:14} last loss {losses[-1]:.3f}, right: training {told[0]:.1%}, test {told[1]:.1%}")
left.set(title="a bowl", xlabel="step", ylabel="w")
right.set(title="digits", xlabel="step", ylabel="training loss", yscale="log")
right.legend()
plt.show()

# %% [markdown]
# **Question** (8 minutes). For the bowl, show that without forgetting
# $w_{t+1} = (2 - \eta a) \, w_t - w_{t-1}$. What kind of motion is that, and does it ever come to rest?
# On the digits the same mistake makes the training loss fall **faster**. Why there, and not on the bowl?
# Think of where the lowest point is, and of which way the gradients point from step to step.
# Somebody says: "The loss falls, so my code is right." What do you answer, and what would you check instead?

# %% [markdown] question="np-torch-forget" points=3
# *Your answer here.*

# %% [markdown]
# ## How long does it take, and where?
#
# The product of two matrices in two types, on the CPU, and on the GPU if there is one.
# A GPU takes orders and works on while Python goes on: before you read the clock, wait for it.
# `.item()` waits too, as it needs the number. The first call of all is slower: it is not counted.

# %% experiment="devices"
import time


def wait():
    """Until the device has done all that it was told."""
    if device.type in ("cuda", "mps"):
        getattr(torch, device.type).synchronize()


def milliseconds(f, rounds=5):
    """The least and the most of some rounds, after one that is not counted."""
    times = []
    for _ in range(rounds + 1):
        wait()
        start = time.perf_counter()
        f()
        wait()
        times.append(1000 * (time.perf_counter() - start))
    return f"{min(times[1:]):8.2f} to {max(times[1:]):8.2f} ms"


for place in dict.fromkeys([torch.device("cpu"), device]):
    wide = [] if place.type == "mps" else [torch.float64]  # Apple's GPU has no float64
    for dtype in (*wide, torch.float32):
        for n in (64, 512):
            A, B = (torch.randn(n, n, dtype=dtype, device=place) for _ in range(2))
            print(f"{place!s:6} {dtype!s:14} {n:4} x {n:<4} {milliseconds(lambda A=A, B=B: A @ B)}")
if device.type != "cpu":
    there = torch.randn(512, 512)
    print(f"to {device} and back: {milliseconds(lambda: move(move(there, device), 'cpu'))}")

# %% [markdown]
# ## Experiments: are the numbers the same?
#
# The linear classifier of the NumPy notebook, from the same first weights, with the same batches:
# once in NumPy, with gradients derived on paper, and once with the parts that you have written here.
# After each of 760 steps the largest difference of the weights is divided by the largest weight.
#
# Then your step trains in four types of numbers, at two learning rates, with three seeds each:
# `float64`, `float32`, and two of 16 bits. `float16` has 11 significant bits, the leading 1 counted,
# and reaches to 65,504. `bfloat16` has 8, and reaches as far as `float32`. It takes half a minute.
#
# **Predict first.** Write down, before you run the cells or look it up:
# how large is the difference between NumPy and PyTorch after 760 steps, in float64 and in float32?
# Does it grow?
# Which of the four types trains as well as float64, at the rate 0.1 and at 0.003?
# A wrong prediction costs nothing. A missing reason does.

# %% [markdown] question="np-torch-predict" points=2
# *Your prediction here, with a reason for each.*

# %% experiment="numpy-and-torch"
from lab.experiments import arrays


def my_step(W, b, x, y, lr):
    """One step on the mean cross-entropy of x W + b, in place. Returns the loss before it."""
    loss = cross_entropy(x @ W + b, y)
    loss.backward()
    sgd_step([W, b], lr)
    return loss.item()


results = arrays.compare(my_step, size="short")
for pair, dtype in (
    ("torch and NumPy", "float64"),
    ("torch and NumPy", "float32"),
    ("float32 and float64", "float32"),
):
    print(f"{pair:20} {dtype}: at most {arrays.largest_difference(results, pair, dtype):.1e}")
arrays.plot_differences(results)

# %% [markdown]
# Now the four types. `least step` is the distance from 0.1 to the next number of that type:
# a change of less than half of it changes nothing.

# %% experiment="formats"
for dtype in ("float64", "float32", "float16", "bfloat16"):
    tenth = torch.tensor(0.1, dtype=getattr(torch, dtype))
    bits = {2: torch.int16, 4: torch.int32, 8: torch.int64}[tenth.element_size()]
    least = (tenth.view(bits) + 1).view(tenth.dtype).double() - tenth.double()
    told = []
    for rate in (0.1, 0.003):
        at = {"part": "formats", "dtype": dtype, "rate": rate}
        loss, right = (arrays.summary(results, key, **at) for key in ("loss", "test_accuracy"))
        told.append(f"rate {rate:5}: loss {loss['mean']:.4f} ± {loss['std']:.4f}, right {right['mean']:.1%}")
    print(f"{dtype:8} least step {least:.0e}   {'   '.join(told)}")
arrays.plot_formats(results)

# %% [markdown]
# **Explain.** Compare what you see with your prediction, and say where it was wrong.
# NumPy and PyTorch add up the same numbers, in another order.
# Give three numbers of float32 whose sum depends on the order, and say why.
# {eq}`np-total-error` has a name for the size of one rounding, relative to a number.
# How many of those are your differences, in float64 and in float32?
# If you saw 1e-4 in float64, would that be rounding? What else could it be?
# One type falls behind at both rates, and at one of them far more. A gradient of 0.02 at a weight of 0.1:
# what does the step do in that type, at each rate? Why does the other type of 16 bits hold out here,
# and where would **it** fail? Give one way to train with 16 bits that avoids what you saw.

# %% [markdown] question="np-torch-explain" points=3
# *Your explanation here.*

# %% [markdown]
# You have moved data, gradients and a model from NumPy to PyTorch, and the numbers came with them.
# The other units do the same: first NumPy, where every line is yours, then PyTorch.
