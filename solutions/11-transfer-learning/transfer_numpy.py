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
# # Transfer learning in NumPy
#
# You will prepare images for a network that others have trained, and put a head on its features:
# first the class means, then a linear head that learns. You will look at the features from their widest side,
# and compare two of them by one number. Then you will see what a fresh head does to good features.
# At the end you write the test that finds a wrong loss.
#
# **How it works.** Replace each `raise NotImplementedError` by your code. Run the cell,
# then the check below it. A check never stops the notebook. You may check as often as you like.
#
# **Marks.** Every function is marked on its own. A mistake in one costs nothing in the next,
# as long as you do not call your own functions. Where you call them, check them first.
#
# **Time.** About two and a half hours. ●○○ is a warm-up, ●●○ needs paper, ●●● needs patience.
#
# The **source** is a network that has seen other images. Its **backbone** turns an image into D features.
# The **target** is your own task, with K classes. `features` has shape `(N, D)`: one row per image.
# Labels `y` have shape `(N,)` and hold whole numbers from 0 to K - 1.
# A **head** gives the scores `features @ W + b`, with `W` of shape `(D, K)` and `b` of shape `(K,)`.
# Your functions draw no random numbers and return new arrays. No function may change its inputs.
# A loop over the images is right, but slow: NumPy does without it.
# `eq. (…)` is an equation of the chapter *Transfer learning*.

# %%
import matplotlib.pyplot as plt
import numpy as np

import autograder

check = autograder.checks("11-transfer-learning/transfer_numpy")

# %% [markdown]
# ## Worked example: one entry per row, and one 1 per row
#
# Four images, three classes. How do you read, in each row, the score of the image's own class?
# Two index arrays side by side name one entry per row: row 0 and column `labels[0]`, row 1 and column
# `labels[1]`, and so on. `scores[:, labels]` is another thing: it takes four columns of every row.
#
# And how do you write a 1 there? The rows of the identity matrix are the labels as vectors.
# A product with their transpose adds up the rows of each class.

# %% listing="rows"
scores = np.array([[0.0, 1, 2], [10, 11, 12], [20, 21, 22], [30, 31, 32]])
labels = np.array([2, 0, 0, 1])
print("own scores", scores[np.arange(4), labels], "  not", scores[:, labels].shape)
onehot = np.eye(3)[labels]
print("labels as rows\n", onehot)
print("rows of the scores, added up for each class\n", onehot.T @ scores)

# %% [markdown]
# ## 1. Prepare the images (●○○, 5 minutes)
#
# The source saw its images as floats from 0 to 1, less a mean, divided by a standard deviation:
# {eq}`tl-prepare`. Both are numbers per channel, of the images that **the source** was trained on.
# Its weights belong to them.
# So your images get the same treatment, whatever their own mean is.


# %% solution="prepare"
def prepare(images, mean, std):
    """Images as the source network wants them, {eq}`tl-prepare`.

    images: (N, H, W, C), whole numbers of 8 bits, 0 to 255. mean, std: (C,), of the source's training images,
    on the scale from 0 to 1. Returns floats (N, H, W, C).

    Example: a pixel 51 in a channel with mean 0.3 and std 0.2: 51 / 255 = 0.2 becomes -0.5.
    """
    ### BEGIN SOLUTION
    return (images / 255 - mean) / std
    ### END SOLUTION


# %% check="prepare" points=2
check(prepare)

# %% [markdown]
# **Question** (4 minutes). A friend standardizes her images by their own mean and standard deviation,
# as she always does. The loss of her new head falls nicely. What do the first layers of the source
# get to see? Why does nothing crash, and how could she have noticed?

# %% [markdown] question="tl-own-statistics" points=2
# *Your answer here.*

# %% [markdown]
# ## 2. The mean of each class (●○○, 8 minutes)
#
# The simplest classifier on features learns nothing but means, {eq}`tl-class-means`.
# It needs one image per class. And without one?
# Then there is no mean. `0 / 0` gives `nan`, and `nan` travels on in silence. So say it: raise a `ValueError`
# whose sentence names what was expected and what came.


# %% solution="class_means"
def class_means(features, y, K):
    """The mean of the features of each class, {eq}`tl-class-means`.

    features: (N, D). y: (N,), labels from 0 to K - 1. K: the number of classes.
    Returns (K, D): row k belongs to class k. Raises ValueError where a class has no image.

    Example: features 1, 3 and 8 (D = 1), y = 1, 1, 0: the means are 8 and 2.
    """
    ### BEGIN SOLUTION
    counts = np.bincount(y, minlength=K)
    if not counts.all():
        raise ValueError(f"Expected an image of every class, but class {counts.argmin()} has none.")
    return np.eye(K)[y].T @ features / counts[:, None]
    ### END SOLUTION


# %% check="class_means" points=3
check(class_means)

# %% [markdown]
# ## 3. The nearest mean (●●○, 10 minutes)
#
# A new image gets the class whose mean is nearest. The distances of all N images to all K means want an array
# of shape `(N, K, D)`. But $|f|^2$ is the same for all classes, so it decides nothing. What is left of
# $|f - \mu_k|^2$ is linear in $f$: {eq}`tl-nearest`. One product of matrices does it.
# So the nearest mean is a head, too, and one that nobody has trained.


# %% solution="nearest"
def nearest(features, means):
    """The class of the nearest mean (Euclidean distance), {eq}`tl-nearest`.

    features: (N, D). means: (K, D). Returns labels (N,), whole numbers. Of classes that are equally near
    the smallest label counts.

    Example: means 0 and 4 (D = 1). The features 1, 3 and 2 get the labels 0, 1 and 0.
    """
    ### BEGIN SOLUTION
    closeness = features @ means.T - (means**2).sum(axis=1) / 2
    return closeness.argmax(axis=1)
    ### END SOLUTION


# %% check="nearest" points=3
check(nearest)

# %% [markdown]
# ## 4. The loss of a head, and its gradient (●●○, 20 minutes)
#
# Now a head that learns. The loss is the mean cross-entropy of the softmax of the scores,
# plus `weight_decay / 2` times the sum of the squares of W: {eq}`tl-loss`. The bias does not decay.
# The gradient is {eq}`tl-gradient`. With respect to the scores it is what the network believes
# less what is right, divided by N.
#
# Scores may be as large as 1000, and $e^{1000}$ is no number of 64 bits. Subtract the largest score
# **of each row** first: the probabilities stay the same, {eq}`tl-stable`.
# And do not take the logarithm of a probability: $e^{-1000}$ is 0 in 64 bits, and its logarithm is not −1000.


# %% solution="softmax_loss"
def softmax_loss(W, b, features, y, weight_decay):
    """Mean cross-entropy plus weight decay, {eq}`tl-loss`, and its gradient, {eq}`tl-gradient`.

    W: (D, K). b: (K,). features: (N, D). y: (N,), labels. weight_decay: a number, not negative.
    Returns the loss (a number), dW (D, K) and db (K,), in this order. Finite for scores of 1000.

    Example: one image with the feature 2 and the label 0, W = (0, 1), b = (0, -2), weight_decay = 0.5:
    both scores are 0. The loss is log 2 + 0.25 = 0.943, dW = (-1, 1.5), db = (-0.5, 0.5).
    """
    ### BEGIN SOLUTION
    scores = features @ W + b
    scores = scores - scores.max(axis=1, keepdims=True)
    log_p = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    N = len(y)
    loss = -log_p[np.arange(N), y].mean() + weight_decay / 2 * (W**2).sum()
    error = (np.exp(log_p) - np.eye(W.shape[1])[y]) / N
    return loss, features.T @ error + weight_decay * W, error.sum(axis=0)
    ### END SOLUTION


# %% check="softmax_loss" points=5
check(softmax_loss)

# %% [markdown]
# ## 5. Train the head (●●○, 8 minutes)
#
# The features do not change while a head learns. So the loss is convex in W and b, {eq}`tl-convex`:
# plain gradient descent on all images, from zeros, is enough. You may call your `softmax_loss`.


# %% solution="train_head"
def train_head(features, y, K, lr, steps, weight_decay):
    """A linear head by gradient descent on all images at once, from W = 0 and b = 0.

    features: (N, D). y: (N,), labels. K: the number of classes. lr: the learning rate. steps: how many.
    weight_decay: as in softmax_loss. Returns W (D, K) and b (K,).

    Example: one image with the feature 2 and the label 0, K = 2, lr = 0.1, no decay. After one step
    W = (0.1, -0.1) and b = (0.05, -0.05).
    """
    ### BEGIN SOLUTION
    W, b = np.zeros((features.shape[1], K)), np.zeros(K)
    for _step in range(steps):
        _, dW, db = softmax_loss(W, b, features, y, weight_decay)
        W, b = W - lr * dW, b - lr * db
    return W, b
    ### END SOLUTION


# %% check="train_head" points=3
check(train_head)

# %% [markdown]
# **Question** (5 minutes). A friend begins with random weights of size 10, you with zeros.
# Both take very many steps with the same rate and the same weight decay.
# What do your heads have in common at the end, and why?
# Now both train without weight decay, on 20 images with 128 features. All images are soon classified right.
# What do the loss and the size of W do from there on?
# Why does a network with a hidden layer not begin with zeros?

# %% [markdown] question="tl-one-minimum" points=2
# *Your answer here.*

# %% [markdown]
# ## 6. Fold the standardization into the head (●●○, 10 minutes)
#
# Descent is faster on features that are standardized: $z = (f - m) / \sigma$, {eq}`tl-standardize`,
# with mean and standard deviation per **feature**. The head then works on $z$.
# Must everybody who uses it keep m and sigma? No: a head after a linear map is a head, {eq}`tl-fold`.


# %% solution="fold"
def fold(W, b, m, sigma):
    """The head for features as they are, from a head for z = (f - m) / sigma, {eq}`tl-fold`.

    W: (D, K). b: (K,). m, sigma: (D,), sigma positive. Returns the new W (D, K) and the new b (K,).

    Example: one feature and one class, W = 6, b = 1, m = 2, sigma = 3: the new W is 2, the new b is -3.
    """
    ### BEGIN SOLUTION
    W = W / sigma[:, None]
    return W, b - m @ W
    ### END SOLUTION


# %% check="fold" points=3
check(fold)

# %% [markdown]
# ## Experiment: few images (10 minutes)
#
# Now real features. The source network was trained on 25,000 images of 100 classes (CIFAR-100).
# The targets are patches of ten photographs, and handwritten digits. Both are new to it.
# From 1 to 25 images of each class are drawn to learn from, three times. All heads see the same images.
# Four heads: your nearest mean and your linear head, on the source's features and on the prepared pixels.
# Both heads get standardized inputs, so that no feature counts more only because its numbers are large.
# The linear head is trained with half of the largest rate that is surely stable
# (the text below {eq}`tl-convex` says which), and then folded.
#
# Before you run it: where will the nearest mean beat the linear head?
# Which target gains more from the features?


# %% listing="probe"
def standardization(x):
    """Mean and standard deviation of each feature. What hardly varies among few images is not enlarged."""
    sigma = x.std(axis=0)
    return x.mean(axis=0), np.maximum(sigma, sigma.mean() / 10)


def linear_head(x, y, K, weight_decay=0.1, steps=300):
    """A head for the features as they are, trained on standardized ones."""
    m, sigma = standardization(x)
    z = (x - m) / sigma
    widest = np.linalg.eigvalsh(z @ z.T + 1)[-1] / len(z)  # with a feature of ones for the bias
    W, b = train_head(z, y, K, 1 / (widest / 2 + weight_decay), steps, weight_decay)
    return fold(W, b, m, sigma)


def first_of_each(y, count):
    """The places of the first images of each class, so many of each."""
    return np.concatenate([np.flatnonzero(y == k)[:count] for k in np.unique(y)])


# %% experiment="few-images"
from lab.experiments import transfer

counts = (1, 2, 5, 10, 25)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
for ax, target in zip(axes, ("photos", "digits"), strict=True):
    right = {}
    for seed in range(3):
        d = transfer.features(target, per_class=counts[-1], seed=seed)
        K, y = len(d.classes), d.train_labels
        pixels = [prepare(v, d.mean, d.std).reshape(len(v), -1) for v in (d.train_images, d.test_images)]
        for kind, (x, x_test) in {"features": (d.train_features, d.test_features), "pixels": pixels}.items():
            for count in counts:
                few = first_of_each(y, count)
                m, sigma = standardization(x[few])
                means = class_means((x[few] - m) / sigma, y[few], K)
                W, b = linear_head(x[few], y[few], K)
                answers = {
                    f"nearest mean, {kind}": nearest((x_test - m) / sigma, means),
                    f"linear head, {kind}": (x_test @ W + b).argmax(axis=1),
                }
                for head, answer in answers.items():
                    share = 100 * (answer == d.test_labels).mean()
                    right.setdefault(head, {}).setdefault(count, []).append(share)
    print(f"{target}: % right for {', '.join(map(str, counts))} images per class")
    for head, found in right.items():
        mean, spread = (f([found[c] for c in counts], axis=1) for f in (np.mean, np.std))
        print(f"  {head:23}" + "".join(f" {m:5.1f} ± {s:3.1f}" for m, s in zip(mean, spread, strict=True)))
        line = "--" if "pixels" in head else "-"
        ax.errorbar(counts, mean, spread, fmt=f"o{line}", ms=4, capsize=3, label=head)
    ax.set(title=target, xscale="log", xlabel="images per class", xticks=counts, xticklabels=counts)
axes[0].set_ylabel("test images right, %")
axes[0].legend(fontsize=8)
plt.show()

# %% [markdown]
# **Question** (6 minutes). Compare with what you expected. For how many images per class are features
# better than pixels, for each target, and by how much? Compare with the spread of the three draws.
# Where is the nearest mean as good as the linear head, and why just there?
# The source has never seen a digit. Why do its features help, or not? What would you have to measure
# to say from how many images on a whole network, trained on them alone, is better?

# %% [markdown] question="tl-few-images" points=3
# *Your answer here.*

# %% [markdown]
# ## 7. The widest directions (●●○, 15 minutes)
#
# 128 features cannot be drawn, two can. Which two directions keep most of the variance?
# The eigenvectors of the covariance with the largest eigenvalues, {eq}`tl-pca`.
# The singular value decomposition of the **centred** features gives them at once, {eq}`tl-svd`:
# they are the first rows of its third factor. A direction may come out with either sign.


# %% solution="pca"
def pca(features, k):
    """The k directions of the largest variance, {eq}`tl-svd`.

    features: (N, D). k: at most min(N - 1, D). Returns three arrays: the mean (D,), the directions (k, D) as
    rows of length 1, the one with the largest variance first, and the share (k,) of each in the variance.

    Example: the features (0, 1), (2, 1), (1, 0), (1, 2), (4, 1), (-2, 1) have the mean (1, 1).
    The first direction is (1, 0) or (-1, 0). Its share is 20 / 22 = 0.909.
    """
    ### BEGIN SOLUTION
    mean = features.mean(axis=0)
    _, S, directions = np.linalg.svd(features - mean, full_matrices=False)
    share = S**2 / (S**2).sum()
    return mean, directions[:k], share[:k]
    ### END SOLUTION


# %% check="pca" points=4
check(pca)

# %% [markdown]
# ## Experiment: two pictures of the same images (4 minutes)
#
# Test images, at their first two coordinates. On the left those of their pixels, on the right
# those of the source's features. The colours are the classes; your `pca` does not know them.
# Below each picture stands what two coordinates are good for: the share of the variance that they keep,
# and how many of the images are nearest to the mean of their own class, in the picture and with all features.

# %% experiment="pictures"
figure, axes = plt.subplots(2, 2, figsize=(8, 7.4), layout="constrained")
for row, target in zip(axes, ("photos", "digits"), strict=True):
    d = transfer.features(target, per_class=1, seed=0)
    pixels = prepare(d.test_images, d.mean, d.std).reshape(len(d.test_images), -1)
    for ax, (kind, x) in zip(row, {"pixels": pixels, "features": d.test_features}.items(), strict=True):
        mean, directions, share = pca(x, 2)
        flat = (x - mean) @ directions.T
        both = [
            100 * (nearest(v, class_means(v, d.test_labels, len(d.classes))) == d.test_labels).mean()
            for v in (flat, x)
        ]
        ax.scatter(*flat.T, c=d.test_labels, cmap="tab10", s=8)
        ax.set(xticks=[], yticks=[], title=f"{target}, {kind}")
        ax.set_xlabel(
            f"{100 * share.sum():.0f} % of the variance, {both[0]:.0f} % right (all: {both[1]:.0f} %)"
        )
plt.show()

# %% [markdown]
# **Question** (4 minutes). In which pictures do classes lie apart?
# Is that where the share of the variance is large?
# Two classes lie on top of each other in a picture. Does that mean that no linear head can tell them apart?
# And does a large share of the variance mean that the two directions are good ones for your task?

# %% [markdown] question="tl-two-pictures" points=2
# *Your answer here.*

# %% [markdown]
# ## 8. What reaches the backbone (●●○, 12 minutes)
#
# Fine-tuning sends the gradient on, through the head, into the backbone, {eq}`tl-features-gradient`.
# What does it do there? The smallest model that shows it has two linear layers, {eq}`tl-linear-model`:
# the backbone B gives the features $f = B x$, the head v gives one score $v \cdot f$.
# The loss is half of the mean squared error. Its gradient with respect to B is {eq}`tl-feature-step`.


# %% solution="feature_step"
def feature_step(x, y, B, v):
    """The gradient of half of the mean squared error with respect to the backbone, {eq}`tl-feature-step`.

    x: (N, d), inputs. y: (N,), targets, any numbers. B: (k, d): the features of one input x are B x.
    v: (k,): the score is v . f. Returns dB (k, d).

    Example: one input x = 2 with target 1, B = 3 and v = 0.5: the score is 3, the residual 2,
    and dB = 0.5 * 2 * 2 = 2.
    """
    ### BEGIN SOLUTION
    residual = x @ (B.T @ v) - y
    return np.outer(v, residual @ x) / len(y)
    ### END SOLUTION


# %% check="feature_step" points=3
check(feature_step)

# %% [markdown]
# ## 9. How alike are two sets of features? (●●○, 10 minutes)
#
# Two networks may see the same, and write it down in another order or at another scale.
# Linear centred kernel alignment does not mind, {eq}`tl-cka`. It is 1 where one set of features is
# the other one, rotated and enlarged, and 0 where no feature of one is correlated with any of the other.
# It compares the same N images in the same order. The two may have different numbers of features.


# %% solution="cka"
def cka(a, b):
    """Linear centred kernel alignment, {eq}`tl-cka` (Kornblith et al. 2019).

    a: (N, D), b: (N, D'), features of the same images. Returns one number from 0 to 1.

    Example: a = 0, 1, 2 and b = 0, 0, 1 (one feature each) give 0.75, the square of their correlation.
    """
    ### BEGIN SOLUTION
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    alike = np.linalg.norm(a.T @ b) ** 2
    return alike / (np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b))
    ### END SOLUTION


# %% check="cka" points=4
check(cka)

# %% [markdown]
# ## Experiment: what a fresh head does to good features (5 minutes)
#
# The linear model, with features that are as good as can be: the head `best` is right for every input.
# Eight inputs to learn from span four of twenty dimensions.
# A thousand other inputs are at right angles to these four.
# Three ways to train: the head alone, backbone and head together from a random head,
# and both together from the head that was trained alone. All numbers are medians of ten draws.
# `cka` compares features after the training with those before: of the eight inputs,
# and of as many new ones that are mixtures of inputs inside and outside.
#
# Before you run it: which way ends with the smallest error on the eight? And outside?


# %% listing="fine-tune"
def train_both(x, y, B, v, lr, backbone_lr, steps, look):
    """Gradient descent on head and backbone. Returns both at the end, and look(B, v) before every step."""
    seen = []
    for _ in range(steps):
        seen.append(look(B, v))
        features = x @ B.T
        gap = features @ v - y
        dB = feature_step(x, y, B, v)
        v, B = v - lr * gap @ features / len(y), B - backbone_lr * dB
    return B, v, np.array(seen)


# %% experiment="outside"
def three_ways(rng, d=20, k=3, inside=4, steps=1000):
    """By name, the errors (steps, 2) inside and outside, and cka (2,) of the inputs and of mixtures."""
    directions = np.linalg.qr(rng.normal(size=(d, d)))[0]
    x = rng.normal(size=(8, inside)) @ directions[:inside]
    x_outside = rng.normal(size=(1000, d - inside)) @ directions[inside:]
    x_mixed = rng.normal(size=(8, d)) @ directions
    B0, best, fresh = rng.normal(size=(k, d)) / 2, rng.normal(size=k), rng.normal(size=k)
    y, y_outside = x @ B0.T @ best, x_outside @ B0.T @ best

    def errors(B, v):
        return ((x @ B.T @ v - y) ** 2).mean(), ((x_outside @ B.T @ v - y_outside) ** 2).mean()

    B, probe, seen = train_both(x, y, B0, fresh, 0.1, 0, steps, errors)
    ways = {"head alone": (B, seen)}
    for name, v in (("together, random head", fresh), ("together, head first", probe)):
        B, _, seen = train_both(x, y, B0, v, 0.1, 0.1, steps, errors)
        ways[name] = B, seen
    return {name: (seen, [cka(v @ B0.T, v @ B.T) for v in (x, x_mixed)]) for name, (B, seen) in ways.items()}


draws = [three_ways(np.random.default_rng(seed)) for seed in range(10)]
figure, panels = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True, layout="constrained")
for name in draws[0]:
    seen = np.median([draw[name][0] for draw in draws], axis=0)
    alike = np.median([draw[name][1] for draw in draws], axis=0)
    for ax, curve in zip(panels, seen.T, strict=True):
        ax.semilogy(curve, label=name)
    error, outside = seen[-1]
    print(
        f"{name:22} error {error:.1e}, outside {outside:.1e}, cka {alike[0]:.3f}, of mixtures {alike[1]:.3f}"
    )
for ax, title in zip(panels, ("the eight inputs", "inputs at right angles"), strict=True):
    ax.set(title=f"squared error, {title}", xlabel="step")
panels[0].set_ylim(1e-8, 30)
panels[0].legend(fontsize=8)
plt.show()

# %% [markdown]
# **Question** (5 minutes). Which of the three curves on the right stays high, although the one on the left
# falls? Which equation says that B is the same as before on all inputs at right angles to the span?
# What has changed for them? Why does the third way hardly move the backbone?
# Somebody looks at the error on inputs like the eight only. What would she choose, and what would she miss?
# Would `cka` have warned her?

# %% [markdown] question="tl-outside" points=2
# *Your answer here.*

# %% [markdown]
# ## 10. Your own test (●●●, 15 minutes)
#
# Write the test that you would want before you trust somebody's `softmax_loss`. It gets a function.
# Where the function is wrong, your test raises an error: use `assert`.
# Any error counts as a rejection, as in pytest.
# Where the function is right, your test returns. Whatever it returns is ignored, `True` and `False` too.
# It is marked on one right implementation and on several wrong ones.
#
# The check here takes your own `softmax_loss` for the right one. Pass section 4 first.
#
# A gradient has a witness of its own: difference quotients of the loss. But they find only where loss and
# gradient disagree. Who judges the loss? And what do your inputs hide? Weights of zero? No weight decay,
# or one of 1? One image? Labels that are all the same? What about scores of 1000, and of -1000?
# And would you see that an input was overwritten, W or another one?


# %% solution="test_softmax_loss"
def test_softmax_loss(implementation):
    """Raise an error unless implementation(W, b, features, y, weight_decay) is right. Else return.

    Right means section 4: loss, dW and db, finite for scores of 1000, inputs as they were.
    Use assert. Any error counts as a rejection, returning counts as acceptance.
    """
    ### BEGIN SOLUTION
    rng = np.random.default_rng(0)
    W, b, f = rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=(5, 3))
    y = np.array([3, 0, 1, 1, 2])
    given = [v.copy() for v in (W, b, f, y)]
    loss, dW, db = implementation(W, b, f, y, 0.7)
    assert all((v == before).all() for v, before in zip((W, b, f, y), given, strict=True))
    p = np.exp(f @ W + b)
    p /= p.sum(axis=1, keepdims=True)
    p_own, share = p[range(5), y], (p - (y[:, None] == range(4))) / 5
    assert np.isclose(loss, 0.35 * np.sum(W * W) - np.log(p_own).mean())
    assert np.allclose(dW, f.T @ share + 0.7 * W) and np.allclose(db, np.ones(5) @ share)
    f = np.array([[1.0, 0], [-1, -2]])  # the scores: 1000 and 0, -1000 and -2000
    loss, dW, db = implementation(1000 * np.eye(2), np.zeros(2), f, np.array([0, 1]), 0.0)
    assert np.isclose(loss, 500) and np.allclose(dW, [[-0.5, 0.5], [-1, 1]]) and np.allclose(db, [0.5, -0.5])
    ### END SOLUTION


# %% check="test_softmax_loss" points=4
check(test_softmax_loss)

# %% [markdown]
# You have put a head on the features of another network, and you know what a gradient does to them.
# The next notebook, `transfer_torch`, opens the backbone: what to freeze, what to thaw, and at which rate.
