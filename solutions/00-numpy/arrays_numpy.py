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
# # Arrays in NumPy
#
# You will write ten small functions that the rest of the course leans on: images that stay images, parts
# that are copies, counts, softmax, the broadcasting rule, distances, sums of products, gradients of arrays,
# and the numerical gradient that checks them. Then you write a test, and train your first classifier
# with your own functions.
#
# **How it works.** Replace each `raise NotImplementedError` by your code. Run the cell.
# Run the check below it. A check never stops the notebook. You may check as often as you like.
#
# **Marks.** Every function is marked on its own. A mistake in one costs nothing in the next,
# as long as you do not call your own functions. Where you call them, check them first.
#
# **Time.** About two hours. ●○○ is a warm-up, ●●○ needs paper, ●●● needs patience.
#
# **Rules for all of them.** No function changes its arguments: what you return is new, and what you were
# given stays as it was. Sizes are yours to read from `x.shape`: nothing here is always 3 or always square.
#
# `eq. (…)` is an equation of the chapter *NumPy for the rest of the course*.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

import autograder
from lab import load

check = autograder.checks("00-numpy/arrays_numpy")

# %% [markdown]
# ## Worked example: pixels that wrap around
#
# An array has a shape and a dtype. Images come as `uint8`: whole numbers from 0 to 255, one byte each.
# There is no 256 in a byte. A sum that is too large starts again at 0, {eq}`np-mod`, and nobody tells you.
# To compute with pixels, take a wider dtype first.

# %% listing="wrap-around"
pixels = np.array([10, 100, 200, 250], dtype=np.uint8)
print("10 + 60 and so on, in bytes:   ", pixels + np.uint8(60))
wide = pixels.astype(np.int64)
print("the same in 64 bits:           ", wide + 60)
print("what 260 and 310 are in a byte:", np.array([260, 310]).astype(np.uint8))

# %% [markdown]
# ## 1. Brighter images (●○○, 6 minutes)
#
# A photograph gets brighter when every pixel grows by the same amount, and darker when `amount` is negative.
# What is above 255 becomes 255: white stays white. What is below 0 becomes 0.


# %% solution="brighten"
def brighten(images, amount):
    """Add amount to every pixel; what is above 255 becomes 255, what is below 0 becomes 0.

    images: uint8, of any shape, such as (N, H, W, C). amount: a whole number from -255 to 255.
    Returns a new uint8 array of the same shape.

    Example: the pixels 10 and 200 become 70 and 255 with amount = 60, and 0 and 140 with amount = -60.
    """
    ### BEGIN SOLUTION
    return np.clip(images.astype(np.int16) + amount, 0, 255).astype(np.uint8)
    ### END SOLUTION


# %% check="brighten" points=3
check(brighten)

# %% [markdown]
# ## 2. A part of each image (●○○, 6 minutes)
#
# A slice `x[2:5]` copies nothing. It is a **view**: a window on the memory of `x`, {eq}`np-offset`.
# Who writes into the window writes into `x`. Often that is what you want, as it costs nothing.
# Here it is not: the caller will change the crops and needs the images later. So return a copy.
#
# `np.shares_memory(a, b)` says whether two arrays overlap in memory.


# %% solution="crop"
def crop(images, top, left, height, width):
    """The same part of every image, as a copy that shares no memory with images.

    images: (N, H, W) for grey images, (N, H, W, C) for colours, of any dtype. The part has the rows top to
    top + height - 1 and the columns left to left + width - 1, and lies inside the images.
    Returns (N, height, width) or (N, height, width, C), of the dtype of images.

    Example: one image with the rows 1 2 3, 4 5 6 and 7 8 9. top = 1, left = 0, height = 1, width = 2: 4 5.
    """
    ### BEGIN SOLUTION
    rows, columns = slice(top, top + height), slice(left, left + width)
    return images[:, rows, columns].copy()
    ### END SOLUTION


# %% check="crop" points=3
check(crop)

# %% [markdown]
# **Question** (6 minutes). Answer before you run anything, then run it and correct yourself.
#
# ```python
# a = np.arange(12).reshape(3, 4)
# b = a[1:]
# c = a[[1, 2]]
# d = a.T
# e = a[a > 3]
# f = d.reshape(-1)
# a[1, 0] = 99
# ```
#
# Which of `b`, `c`, `d`, `e` and `f` hold 99 now? Say for each whether it is a view or a copy.
# In which order does `f` show the elements of `a`, as numbers 0 to 11 of their places in memory?
# Why can no view have that order, {eq}`np-offset`?
# A program loads 60,000 images of 32 × 32 × 3 bytes, keeps one slice `images[0]`, and forgets the rest.
# How many bytes stay in memory? Which word more would have freed them?

# %% [markdown] question="np-what-is-shared" points=2
# *Your answer here.*

# %% [markdown]
# ## Worked example: arrays as indices
#
# An array of booleans picks the entries where it is true. The order stays.
# An array of integers picks by number, as often as a number occurs.
# Two arrays of integers go **together**, pair by pair: `scores[[0, 1], [2, 0]]` are the two entries
# `scores[0, 2]` and `scores[1, 0]`. Two slices would give a block. All three results are copies.


# %% listing="pick-and-only"
def only(images, labels, wanted):
    """The images and labels of the wanted classes, in their order. images: (N, ...). labels: (N,)."""
    keep = np.isin(labels, wanted)
    return images[keep], labels[keep]


def pick(scores, labels):
    """Of each row n of scores, (N, K), the entry in column labels[n]: (N,)."""
    return scores[np.arange(len(labels)), labels]


labels = np.array([2, 0, 2, 1])
scores = np.array([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2], [0.3, 0.3, 0.4], [0.6, 0.3, 0.1]])
print("labels 0 and 2 only:       ", only(scores, labels, [0, 2])[1])
print("the score of the right one:", pick(scores, labels))
print("not the same: scores[:, labels] has the shape", scores[:, labels].shape)

# %% [markdown]
# ## 3. Count the confusions (●●○, 8 minutes)
#
# A classifier has said something about N images. How often did it take a 4 for a 9?
# Entry `[4, 9]` of the confusion matrix counts it. There is one row per true class, one column per answer.
#
# One trap: `counts[labels, predicted] += 1` reads all entries first and writes them afterwards.
# A pair that occurs twice is read twice as 0 and written twice as 1. Two ways round it are `np.add.at`,
# which adds one after the other, and `np.bincount`, which counts how often each whole number occurs.
# The other trap you know already: labels may come in bytes.


# %% solution="confusion"
def confusion(labels, predicted, K):
    """How often class i was taken for class j: entry [i, j].

    labels, predicted: (N,), whole numbers from 0 to K - 1, of any integer dtype, uint8 too. Not every class
    need occur in them. Returns integers: (K, K).

    Example: labels 0 0 0 1, predicted 0 2 2 1, K = 3: the rows are 1 0 2, then 0 1 0, then 0 0 0.
    """
    ### BEGIN SOLUTION
    counts = np.zeros((K, K), dtype=int)
    np.add.at(counts, (labels, predicted), 1)
    return counts
    ### END SOLUTION


# %% check="confusion" points=3
check(confusion)

# %% [markdown]
# ## 4. Softmax (●●○, 8 minutes)
#
# `x.sum(axis=1)` takes a sum along axis 1, and that axis is gone: (N, K) becomes (N,).
# `keepdims=True` leaves it there with size 1: (N, 1). Then the result goes with `x` again.
#
# Softmax turns each row of scores into probabilities: positive, with the sum 1, {eq}`np-softmax`.
# `np.exp(1000)` is infinite. So subtract the largest score **of each row** first:
# by {eq}`np-softmax-shift` that changes nothing else.
# `axis=-1` is the last axis, however many there are.


# %% solution="softmax"
def softmax(z):
    """Probabilities from scores, along the last axis, {eq}`np-softmax`.

    z: (..., K), any number of axes before the last, also none. Scores of any size, such as 1000 or -1000,
    and rows of very different size in one array. Returns the same shape; every row has the sum 1.

    Example: scores log 1, log 3, log 4 give 1/8, 3/8, 4/8.
    """
    ### BEGIN SOLUTION
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)
    ### END SOLUTION


# %% check="softmax" points=4
check(softmax)

# %% [markdown]
# ## 5. The broadcasting rule (●●○, 12 minutes)
#
# (N, K) minus (N, 1) worked. When do two shapes go together, and what comes out? {eq}`np-broadcast`:
#
# 1. Write the shapes below each other, **aligned on the right**. Fill the shorter one with 1 on the left.
# 2. In each column the sizes must be equal, or one of them must be 1. Else it is an error.
# 3. The result has the other size where one is 1. The array with the 1 is repeated along that axis.
#
# ```
#   (32, 3, 28, 28)            (10, 1)            (4, 3)
#       (3,  1,  1)                (7)               (4)
#   (32, 3, 28, 28)            (10, 7)             error
# ```
#
# Write the rule itself, on tuples, without NumPy's own `np.broadcast_shapes` and its relatives.
# (The check does not see them. The grader does, and you would learn nothing.)
# A size may be 0: an empty batch. It follows the same rule, and `max` does not.


# %% solution="broadcast_shape"
def broadcast_shape(a, b):
    """The shape of x + y for arrays of the shapes a and b, {eq}`np-broadcast`.

    a, b: tuples of whole numbers, 0 or larger, of any lengths; () is the shape of a single number.
    Returns a tuple of whole numbers. Raises ValueError where the shapes do not go together.

    Examples: (5, 1) and (4,) give (5, 4); (3,) and () give (3,); (1, 2) and (0, 2) give (0, 2).
    """
    ### BEGIN SOLUTION
    ndim = max(len(a), len(b))
    a, b = (1,) * (ndim - len(a)) + a, (1,) * (ndim - len(b)) + b
    if any(i != j and 1 not in (i, j) for i, j in zip(a, b, strict=True)):
        raise ValueError(f"{a} and {b} do not broadcast")
    return tuple(j if i == 1 else i for i, j in zip(a, b, strict=True))
    ### END SOLUTION


# %% check="broadcast_shape" points=4
check(broadcast_shape)

# %% [markdown]
# ## 6. All distances at once (●●○, 10 minutes)
#
# How far is each of N points from each of M others? No loop over the pairs is needed.
# `a[:, None]` has an axis more, of size 1: (N, 1, D). Minus `b`, (M, D), that is (N, M, D).
#
# That array is large. {eq}`np-distance` needs (N, M) only, and one product of matrices.
# It has its price: where two points are equal, rounding may leave something like $-10^{-10}$.
# A squared distance is never negative, and its root must not be `nan`. See to it.


# %% solution="squared_distances"
def squared_distances(a, b):
    """The squared distance of each row of a to each row of b, {eq}`np-distance`. Without a loop.

    a: (N, D). b: (M, D). Floats. Returns (N, M), nowhere negative. (The check does not see a loop. The
    experiment below does.)

    Example: a = [[0, 0], [3, 0]] and b = [[0, 4]] give [[16], [25]].
    """
    ### BEGIN SOLUTION
    a2, b2 = np.sum(a**2, axis=1), np.sum(b**2, axis=1)
    return np.maximum(a2[:, None] - 2 * a @ b.T + b2, 0)
    ### END SOLUTION


# %% check="squared_distances" points=4
check(squared_distances)

# %% [markdown]
# ## Experiment: a loop and its array form (5 minutes)
#
# The same distances in three ways: a loop over the pairs, the large array (N, M, D), and the product of
# matrices. Then all points are moved by $10^8$ along each axis. No distance changes by that.
# If your `squared_distances` makes the large array as well, write {eq}`np-distance` as one more function
# and add it to the three. Before you run it: guess the two factors of time.
# Which of the three will not survive the move?


# %% experiment="three-ways"
def with_loops(a, b):
    found = np.empty((len(a), len(b)))
    for n in range(len(a)):
        for m in range(len(b)):
            found[n, m] = ((a[n] - b[m]) ** 2).sum()
    return found


def with_a_large_array(a, b):
    return ((a[:, None] - b) ** 2).sum(axis=2)


rng = np.random.default_rng(0)
points, others = rng.normal(size=(400, 64)), rng.normal(size=(300, 64))
expected = with_loops(points, others)
for way in (with_loops, with_a_large_array, squared_distances):
    rounds = []
    for _ in range(5):
        begin = time.perf_counter()
        way(points, others)
        rounds.append(1000 * (time.perf_counter() - begin))
    far = way(points + 1e8, others + 1e8)
    error = np.abs(far - expected).max() / expected.max()
    print(f"{way.__name__:20s} {min(rounds):8.2f} to {max(rounds):8.2f} ms, error after the move {error:.1e}")

# %% [markdown]
# **Question** (6 minutes). By which factors is each form faster than the one before, on your machine?
# What does Python do for each pair in the loop that the array forms do not?
# Now a and b have 60,000 rows of 3072 numbers each (float64). How many bytes has (N, M, D), and how many
# has the result? How would you find, for each row of `a`, the nearest row of `b` in 4 GB of memory?
# Float64 has about 16 digits. Why does the form of {eq}`np-distance` fail after the move?
# Which one line of code, put before that form, repairs it?

# %% [markdown] question="np-loop-or-array" points=2
# *Your answer here.*

# %% [markdown]
# ## 7. Sums of products (●●○, 6 minutes)
#
# `np.einsum` writes a sum as a formula does. Each array gets a letter per axis. Letters that the result
# does not have are summed over: `np.einsum("nd,dk->nk", x, W)` is `x @ W`.
#
# A network looks at an image with C channels. How alike are the channels i and j? Multiply them pixel by
# pixel and take the mean over the pixels, {eq}`np-einsum`. That is the Gram matrix of the image: its style.


# %% solution="gram"
def gram(x):
    """For each image the mean products of its channels, {eq}`np-einsum` (after Gatys et al. 2016).

    x: (N, C, H, W). Returns (N, C, C): entry [n, i, j] is the mean over the pixels of channel i times
    channel j of image n.

    Example: one image of two pixels, channel 0 is 1 2, channel 1 is 3 5: the rows are 2.5 6.5 and 6.5 17.
    """
    ### BEGIN SOLUTION
    H, W = x.shape[2:]
    return np.einsum("nihw,njhw->nij", x, x) / (H * W)
    ### END SOLUTION


# %% check="gram" points=3
check(gram)

# %% [markdown]
# ## 8. The gradient of what was repeated (●●○, 10 minutes)
#
# In `y = x + b` with `x`: (N, K) and `b`: (K,), every entry of `b` is used N times.
# Change `b[0]` a little, and N entries of `y` change. So the loss changes by the sum of their gradients:
# **the gradient of a repeated array is the sum over the axes along which it was repeated**,
# {eq}`np-unbroadcast`.
# And a gradient always has the shape of what it is the gradient of.
#
# Two kinds of axes were repeated: those that the array did not have (on the left), and those of size 1.


# %% solution="sum_to_shape"
def sum_to_shape(grad, shape):
    """The gradient of an array that was broadcast, {eq}`np-unbroadcast`.

    grad: the gradient of the result, of any shape. shape: a tuple, of the array before it was broadcast to
    grad.shape; () for a single number. Returns the gradient of that array, of this shape.

    Example: grad = [[1, 2, 3], [4, 5, 6]]: for (3,) it is [5, 7, 9], for (2, 1) it is [[6], [15]],
    for (2, 3) it has the numbers of grad, and for () it is 21.
    """
    ### BEGIN SOLUTION
    missing = grad.ndim - len(shape)
    grad = grad.sum(axis=tuple(range(missing)))
    repeated = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return grad.sum(axis=repeated, keepdims=True)
    ### END SOLUTION


# %% check="sum_to_shape" points=4
check(sum_to_shape)

# %% [markdown]
# ## 9. Back through a linear layer (●●○, 10 minutes)
#
# The forward pass is $y = x W + b$, {eq}`np-linear`. Somebody hands you `dout`, the gradient of the loss with
# respect to y. {eq}`np-chain` is the chain rule for one entry of x. Written for all entries it is a
# product of matrices. Write down the three shapes first: there is nearly always one product that fits.


# %% solution="linear_backward"
def linear_backward(dout, x, W):
    """The gradients of a linear layer y = x W + b, {eq}`np-linear-dx` to {eq}`np-linear-db`.

    dout: (N, K), the gradient of the loss with respect to y. x: (N, D). W: (D, K).
    Returns dx: (N, D), dW: (D, K) and db: (K,), in this order. Sums over the examples, not means:
    the 1/N of a mean loss is in dout already.

    Example: x = [[1, 2]], W = [[3], [4]], dout = [[10]]: dx = [[30, 40]], dW = [[10], [20]], db = [10].
    """
    ### BEGIN SOLUTION
    return dout @ W.T, x.T @ dout, dout.sum(axis=0)
    ### END SOLUTION


# %% check="linear_backward" points=4
check(linear_backward)

# %% [markdown]
# ## 10. The numerical gradient (●●○, 12 minutes)
#
# Is a gradient right? Ask the function itself. Move one entry of `x` a little up and a little down, and
# see how `f` changes, {eq}`np-central`. That is slow, two calls for each entry. It is how every backward
# pass of this course is checked.
#
# Work on a copy of your own, in float64: `np.array(x, dtype=float)` makes one. In an array of integers
# `x[i] += h` would add 0, and in float32 the difference would drown in rounding, {eq}`np-total-error`.
# `np.ndindex(x.shape)` runs through all places of an array of any shape.


# %% solution="numerical_gradient"
def numerical_gradient(f, x, h=1e-5):
    """The gradient of f at x by central differences, {eq}`np-central`.

    f: takes an array of the shape of x, returns a number. x: an array of any shape, () too, of floats or
    integers; it stays as it was. h: the step. Returns float64, of the shape of x.

    Example: f(x) = (x**3).sum() at x = [2, -1] with h = 0.1 gives [12.01, 3.01].
    """
    ### BEGIN SOLUTION
    x = np.array(x, dtype=float)
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        old = x[i]
        x[i] = old + h
        above = float(f(x))
        x[i] = old - h
        below = float(f(x))
        x[i] = old
        gradient[i] = (above - below) / (2 * h)
    return gradient
    ### END SOLUTION


# %% check="numerical_gradient" points=4
check(numerical_gradient)

# %% [markdown]
# ## 11. Your own test (●●●, 15 minutes)
#
# Write the test that you would want before you trust somebody's `linear_backward`. It gets a function.
# Where the function is wrong, your test raises an error: use `assert`. Any error counts as a rejection,
# as in pytest. Where the function is right, your test returns. Whatever it returns is ignored.
#
# Right means section 9. The check here takes your own `linear_backward` for the right one, so pass section 9
# first. If your test rejects it even so, look at both: either may be the one that is wrong.
#
# With `numerical_gradient` you need no formula: `f(x)` is the sum of `dout * (x @ W + b)`. Its gradients
# with respect to x, W and b are what the function should return. Compare with `np.allclose`, and compare
# the shapes, as `np.allclose` broadcasts.
# What do your numbers hide? A `dout` of ones? N = D = K? Numbers that are all positive? A single example?
# Is anything that was handed in changed afterwards?


# %% solution="test_linear_backward"
def test_linear_backward(implementation):
    """Raise an error unless implementation(dout, x, W) is right. Else return.

    Right means section 9. Use assert and np.allclose. Any error counts as a rejection, returning counts as
    acceptance.
    """
    ### BEGIN SOLUTION
    rng = np.random.default_rng(0)
    dout, x, W, b = (rng.normal(size=shape) for shape in ((5, 3), (5, 4), (4, 3), 3))
    handed_in = dout.copy(), x.copy(), W.copy()
    found = implementation(*handed_in)
    expected = (
        numerical_gradient(lambda x: np.sum(dout * (x @ W + b)), x),
        numerical_gradient(lambda W: np.sum(dout * (x @ W + b)), W),
        numerical_gradient(lambda b: np.sum(dout * (x @ W + b)), b),
    )
    for mine, right in zip(found, expected, strict=True):
        assert np.shape(mine) == right.shape and np.allclose(mine, right, rtol=1e-6)
    for after, before in zip(handed_in, (dout, x, W), strict=True):
        assert np.array_equal(after, before)
    ### END SOLUTION


# %% check="test_linear_backward" points=4
check(test_linear_backward)

# %% [markdown]
# ## Your first classifier
#
# All the parts are there. A linear layer gives each class a score, softmax makes probabilities of them, and
# the loss is the mean of $-\log p$ of the right class: the cross-entropy. Its gradient with respect to the
# scores is $(p - Y) / N$, where Y has a 1 in the column of the right class, {eq}`np-softmax-grad`.
# The weights take a step against their gradient. That is all of training, here and in every later unit.


# %% listing="loss-and-gradients"
def loss_and_gradients(x, labels, W, b):
    """Mean cross-entropy of a linear classifier, and its gradients. x: (N, D). W: (D, K). b: (K,)."""
    p = softmax(x @ W + b)
    loss = -np.log(pick(p, labels)).mean()
    dz = p.copy()
    dz[np.arange(len(labels)), labels] -= 1
    _, dW, db = linear_backward(dz / len(labels), x, W)
    return loss, dW, db


# %% [markdown]
# ## Experiment: train it on digits (5 minutes)
#
# First the check of the gradient, on 20 images, then 10 epochs of batches of 32.
# Before you run it: what is the loss of a classifier that knows nothing, and gives ten classes the same
# probability? How many of a hundred digits will a linear classifier get right?

# %% experiment="first-classifier"
digits = load("digits")
largest = digits.train_images.max()
x = digits.train_images.reshape(len(digits.train_images), -1) / largest
test_x = digits.test_images.reshape(len(digits.test_images), -1) / largest
W, b = np.zeros((x.shape[1], 10)), np.zeros(10)

first, _, db = loss_and_gradients(x, digits.train_labels, W, b)
few, few_labels = x[:20], digits.train_labels[:20]
by_formula = loss_and_gradients(few, few_labels, W, b)[1]
by_difference = numerical_gradient(lambda W: loss_and_gradients(few, few_labels, W, b)[0], W)
print("loss before the first step:", first)
print("largest difference of the gradients:", np.abs(by_formula - by_difference).max())
print("db before the first step:", db.round(4))
print("share of each class:     ", (np.bincount(digits.train_labels) / len(x)).round(4))


def train(x, labels, epochs, lr, B=32):
    """Weights and bias after so many epochs of SGD, and the loss of every batch."""
    rng, losses = np.random.default_rng(0), []
    W, b = np.zeros((x.shape[1], 10)), np.zeros(10)
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for begin in range(0, len(x), B):
            batch = order[begin : begin + B]
            loss, dW, db = loss_and_gradients(x[batch], labels[batch], W, b)
            W, b = W - lr * dW, b - lr * db
            losses.append(loss)
    return W, b, losses


W, b, losses = train(x, digits.train_labels, epochs=10, lr=0.5)
answers = (test_x @ W + b).argmax(axis=1)
counts = confusion(digits.test_labels, answers, 10)
print("right answers on the test images:", counts.trace() / counts.sum())

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
left.plot(losses, lw=0.8)
left.set(xlabel="step", title="loss of each batch")
right.imshow(counts, cmap="Blues")
for i, j in np.ndindex(counts.shape):
    right.text(j, i, counts[i, j], ha="center", va="center", color="w" if counts[i, j] > 20 else "k", size=7)
right.set(xlabel="answer", ylabel="true class", xticks=range(10), yticks=range(10), title="confusions")
plt.show()

# %% [markdown]
# The loss is small, and yet a tenth of the test digits is wrong. They are the last 30 of each class, most
# likely written by other people. With 300 test images drawn at random from all, the same classifier gets
# 94 to 97 % of them right. What counts as a fair test is a question of its own.
#
# **Question** (8 minutes). Why is the loss before the first step the logarithm of 10, whatever the images
# are? Derive what `db` is before the first step, from {eq}`np-softmax-grad` and {eq}`np-linear-db`, and
# compare with the two printed lines. What is its sum, and why?
# Now add the number 7 to every entry of `b`. What happens to the loss, and what to the gradients? Why?
# A friend starts with W = 0 and a mistake: her `dW` is divided by N a second time. Her gradient check fails.
# Her training loss still falls. Why does it, and what would she have seen without the check?

# %% [markdown] question="np-first-classifier" points=3
# *Your answer here.*

# %% [markdown]
# You can now read every formula of the course as shapes, and check every gradient.
# The next notebook, `arrays_torch`, does the same with tensors.
