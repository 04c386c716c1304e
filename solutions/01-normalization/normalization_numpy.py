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
# # Data normalization in NumPy
#
# You will bring features, colour channels, whole images and small windows to one scale.
# Then you remove the correlations too, and measure what that does to the loss.
# At the end you write a test that finds a leak of validation data.
#
# **How it works.** Replace each `raise NotImplementedError` by your code. Run the cell,
# then the check below it. A check never stops the notebook. What you wrote in the chapter, paste here.
#
# **Marks.** Every function is marked on its own. A mistake in one costs nothing in the next,
# as long as you do not call your own functions.
#
# **Time.** About two hours and a quarter. ●○○ is a warm-up, ●●○ needs paper, ●●● needs patience.
#
# A table `x` has shape `(N, D)`, one row per example and one column per feature.
# Images have shape `(N, H, W, C)`: the channels come last. Pixels may be whole numbers of 8 bits, 0 to 255.
# Statistics divide by $N$, not by $N - 1$. No function may change its inputs.
# `eq. (…)` is an equation of the chapter *Data normalization*.

# %%
import matplotlib.pyplot as plt
import numpy as np

import autograder
from lab import load

check = autograder.checks("01-normalization/normalization_numpy")

# %% [markdown]
# ## Worked example: a mean of each column, and a trap
#
# Three examples, two features, stored as numbers of 8 bits.
# `axis=0` runs over the examples. The means are floats, so the differences are floats, and right.
#
# The middle row holds numbers of 8 bits, so a difference from it does too.
# There is no −20 in 8 bits: 10 − 30 becomes 236. NumPy does not warn you.

# %% listing="eight-bits"
pixels = np.array([[10, 200], [30, 220], [50, 240]], dtype=np.uint8)
column_means = pixels.mean(axis=0)
print("mean of each column:", column_means)
print("minus the means:", *pixels - column_means)
print("minus the middle row:", *pixels - pixels[1])

# %% [markdown]
# ## 1. Scale to the range from 0 to 1 (●○○, 8 minutes)
#
# Map the smallest **training** value of each feature to 0 and the largest to 1: {eq}`dn-minmax`.
# Other data get the same map. So a new example may land below 0 or above 1. Leave it there.
#
# A feature that never varies in training has the range 0. Divide it by 1 instead.
# The inputs may be of 8 bits: see the trap above.


# %% solution="minmax_scale"
def minmax_scale(x_train, x):
    """Scale x with the smallest and the largest value that each feature has in x_train, {eq}`dn-minmax`.

    x_train: (N, D). x: (M, D). Both hold floats or integers, uint8 included. Returns floats: (M, D).
    A feature that is constant in x_train is divided by 1.

    Example: x_train = 2, 4, 6 (one feature) and x = 3, 10 gives 0.25, 2.
    """
    ### BEGIN SOLUTION
    x_train, x = x_train.astype(float), x.astype(float)
    low, high = x_train.min(axis=0), x_train.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    return (x - low) / span
    ### END SOLUTION


# %% check="minmax_scale" points=3
check(minmax_scale)

# %% [markdown]
# ## 2. Standardize (●○○, 10 minutes)
#
# One odd value squeezes all others in the range from 0 to 1. Mean and standard deviation
# suffer less: {eq}`dn-mean`, {eq}`dn-var`, {eq}`dn-standardize`.
# Again they come from the training data alone, also for the validation data: {eq}`dn-train-only`.
#
# A feature that is constant in training is divided by 1. How do you find it? `std == 0` misses some:
# the mean of three values 0.1 is rounded to a number above 0.1, and their standard deviation is `1.4e-17`.
# Ask whether the largest value equals the smallest.


# %% solution="standardize"
def standardize(x_train, x):
    """Standardize x_train and x, both with the mean and the standard deviation of x_train.

    {eq}`dn-mean` to {eq}`dn-train-only`. x_train: (N, D). x: (M, D). Both hold floats or integers.
    Compute in float64. Returns two arrays: the standardized x_train (N, D), the standardized x (M, D).
    A feature that is constant in x_train is divided by 1, also where rounding leaves it a tiny
    standard deviation, as for 0.1, 0.1, 0.1.

    Example: x_train = 1, 3, 5, 7 (one feature) and x = 4, 8 gives -1.342, -0.447, 0.447, 1.342
    and 0, 1.789.
    """
    ### BEGIN SOLUTION
    mean = x_train.mean(axis=0)
    std = x_train.std(axis=0)
    divisor = np.where(x_train.max(axis=0) > x_train.min(axis=0), std, 1.0)
    train = (x_train - mean) / divisor
    return train, (x - mean) / divisor
    ### END SOLUTION


# %% check="standardize" points=4
check(standardize)

# %% [markdown]
# **Question** (5 minutes). A friend standardizes the whole data set and then splits it into training and
# validation data. Which numbers of the training do the validation data reach in this way?
# Is the measured validation error too good or too bad, and when does it matter most?
# What would your friend do with one new photograph, months later?

# %% [markdown] question="dn-leak" points=2
# *Your answer here.*

# %% [markdown]
# ## 3. The statistics of a data set that does not fit into memory (●●○, 25 minutes)
#
# For images, one mean and one standard deviation per **channel**, over all pixels of all images:
# {eq}`dn-channel-mean`, {eq}`dn-channel-var`. The images come in batches. The last batch may be shorter.
#
# The mean of the batches' means is wrong then. The mean of their standard deviations misses
# that the batches differ from one another. Keep three numbers per channel: the count of values $n$,
# their mean, and $M_2$, the sum of their squared deviations. Merge each batch into them:
# {eq}`dn-merge-count`, {eq}`dn-merge-mean`, {eq}`dn-merge-m2`.
#
# The mean square minus the squared mean is no way out: where the mean is large, these are two large
# numbers that nearly agree, and rounding eats the difference.


# %% solution="channel_stats"
def channel_stats(batches):
    """Mean and standard deviation of each channel over all pixels of all images, in one pass.

    {eq}`dn-channel-mean` to {eq}`dn-merge-m2` (Chan, Golub & LeVeque 1983).
    batches: an iterable of arrays (N_t, H, W, C), uint8 or float; the last one may be shorter.
    It can be run through once, and the memory of a batch is used again for the next one:
    keep numbers, not batches. Compute in float64. Returns mean, std: (C,) each, in this order.

    Example: one channel, first batch 1, 3, second batch 8: n = 3, mean = 4, M2 = 2 + 6**2 * 2 * 1 / 3 = 26,
    std = sqrt(26 / 3) = 2.944.
    """
    ### BEGIN SOLUTION
    n, mean, m2 = 0, 0.0, 0.0
    for images in batches:
        rows = images.reshape(-1, images.shape[-1]).astype(float)
        n_b, mean_b = len(rows), rows.mean(axis=0)
        m2_b = ((rows - mean_b) ** 2).sum(axis=0)
        delta = mean_b - mean
        m2 = m2 + m2_b + delta**2 * n * n_b / (n + n_b)
        mean = mean + delta * n_b / (n + n_b)
        n = n + n_b
    return mean, np.sqrt(m2 / n)
    ### END SOLUTION


# %% check="channel_stats" points=6
check(channel_stats)

# %% [markdown]
# **Question** (5 minutes). For CIFAR-10 with pixels from 0 to 1 you find two triples in many programs:
# standard deviations of 0.247, 0.243, 0.262 and of 0.202, 0.199, 0.201.
# One is the mean over the images of the standard deviation inside one image.
# Which one, and what is it missing?
# How large is the variance of a channel after a division by these numbers?

# %% [markdown] question="dn-two-stds" points=2
# *Your answer here.*

# %% [markdown]
# ## 4. Standardize images (●○○, 2 minutes)
#
# Now the statistics are given, one number per channel. One line is enough.


# %% solution="standardize_images"
def standardize_images(images, mean, std):
    """Standardize each channel with given statistics, {eq}`dn-standardize`.

    images: (N, H, W, C), uint8 or float. mean, std: (C,), on the scale of the pixels.
    Returns floats: (N, H, W, C).
    """
    ### BEGIN SOLUTION
    return (images - mean) / std
    ### END SOLUTION


# %% check="standardize_images" points=2
check(standardize_images)

# %% [markdown]
# ## Worked example: back to a picture
#
# To look at what a network sees, undo the map: {eq}`dn-inverse`. Two traps lie in the conversion to 8 bits.
# It cuts off what follows the point: round first. And it wraps around: −1 would become 255,
# so numbers below 0 become 0 and numbers above 255 become 255.


# %%
def restore_images(z, mean, std):
    """The picture behind standardized images z (N, H, W, C), as uint8. mean, std: (C,)."""
    pixels = np.rint(mean + std * z)
    return np.clip(pixels, 0, 255).astype(np.uint8)


print(restore_images(np.array([0.117, -3, 4]).reshape(1, 1, 3, 1), np.array([100]), np.array([50])).ravel())

# %% [markdown]
# ## 5. One image at a time: global contrast (●●○, 10 minutes)
#
# A photograph taken at dusk is dark and flat. That is about the light, not about the object.
# Global contrast normalization takes the mean and the contrast of **every image**, over all of
# its pixels and channels together: {eq}`dn-gcn`.
# `lam` under the root and `eps` in the maximum keep a nearly empty image from becoming all noise.


# %% solution="global_contrast_normalize"
def global_contrast_normalize(images, scale=1.0, lam=0.0, eps=1e-8):
    """Give every image mean 0 and the contrast `scale`, {eq}`dn-gcn`.

    (Goodfellow, Bengio & Courville 2016, equation 12.3.)
    images: (N, H, W, C), uint8 or float. Returns floats: (N, H, W, C).

    Example: one image with the four values 1, 3, 5, 7, scale = 2, lam = 4: its mean is 4, its mean square
    deviation 5, and it becomes -2, -0.667, 0.667, 2. With eps = 6 it becomes -1, -0.333, 0.333, 1.
    """
    ### BEGIN SOLUTION
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    centred = images - mean
    square = (centred**2).mean(axis=(1, 2, 3), keepdims=True)
    contrast = np.sqrt(lam + square)
    return scale * centred / np.maximum(eps, contrast)
    ### END SOLUTION


# %% check="global_contrast_normalize" points=4
check(global_contrast_normalize)

# %% [markdown]
# ## 6. One neighbourhood at a time: local contrast (●●○, 12 minutes)
#
# Half of the photograph lies in the shade. Now every pixel is compared with its **neighbours**.
# Its window reaches `radius` pixels up, down, left and right. At the border the window is cut off:
# only pixels inside the image count, in the sum and in the number that you divide by.
# Each channel is on its own: {eq}`dn-lcn-mean`, {eq}`dn-lcn-var`, {eq}`dn-lcn`.
#
# `window_sum` is given. It adds up windows without a loop over the pixels; outside the image it finds nothing
# to add. How can it also **count** the pixels of each window?
#
# The variance of a window is the mean of its squares minus the square of its mean. Here that is safe enough:
# pixels are small numbers, float64 has 16 digits, and `eps` covers the rest.


# %%
def window_sum(values, radius):
    """For every place, the sum over the window around it, cut off at the border. values: (N, H, W, C)."""

    def near(size):
        """Row i of this matrix is 1 at the places within radius of i."""
        place = np.arange(size)
        return (np.abs(place[:, None] - place) <= radius).astype(float)

    _, H, W, _ = values.shape
    return np.einsum("ih,nhwc,kw->nikc", near(H), values, near(W), optimize=True)


# %% solution="local_contrast_normalize"
def local_contrast_normalize(images, radius, eps):
    """Standardize every pixel by the mean and the variance of the window around it, {eq}`dn-lcn`.

    images: (N, H, W, C), uint8 or float. radius: whole number, the window has side 2 * radius + 1.
    Compute in float64. Returns floats: (N, H, W, C).

    Example: one image, one channel, one row 1, 3, 8, radius = 1, eps = 0. The first pixel's window is 1, 3:
    mean 2, variance 1, result -1. The second one's is 1, 3, 8: mean 4, variance 26 / 3, result -0.340.
    """
    ### BEGIN SOLUTION
    x = images.astype(float)
    count = window_sum(np.ones_like(x), radius)
    mean = window_sum(x, radius) / count
    var = window_sum(x**2, radius) / count - mean**2
    return (x - mean) / np.sqrt(var + eps)
    ### END SOLUTION


# %% check="local_contrast_normalize" points=5
check(local_contrast_normalize)

# %% [markdown]
# **Question** (5 minutes). Three photographs are spoiled: one is twice as bright as it should be,
# one has a red cast (its red channel is 40 too large everywhere), and a shadow covers the left half of one.
# Which of the three faults is removed by standardization with the statistics of the training set,
# which by global and which by local contrast normalization? What do the two contrast methods throw away
# that may matter for a class?

# %% [markdown] question="dn-three-faults" points=2
# *Your answer here.*

# %% [markdown]
# ## 7. Whitening (●●●, 15 minutes)
#
# Standardized features may still say the same thing twice: neighbouring pixels do.
# Whitening turns to the axes of the covariance, {eq}`dn-cov` and {eq}`dn-eig`, divides by the standard
# deviation along each, and turns back: {eq}`dn-zca`. With `eps` small, the covariance becomes
# the identity: {eq}`dn-white-cov`. The way with the turn back is called ZCA, and you write it here.
# Without the turn it is PCA whitening, {eq}`dn-pca-whiten`: white as well, but images no longer look
# like images.
#
# `np.linalg.eigh(covariance)` returns the eigenvalues, in ascending order,
# and a matrix whose **columns** are the eigenvectors.


# %% solution="whitening"
def whitening(x, eps):
    """The mean of x, and the matrix W that whitens it: z = (x - mean) @ W, {eq}`dn-zca`.

    (ZCA: Bell & Sejnowski 1997.) x: (N, D) training data, floats or integers. eps: added to every eigenvalue.
    The covariance divides by N. Returns mean: (D,), W: (D, D), in this order.

    Example: x = (3, 0), (-3, 0), (0, 1), (0, -1) has mean (0, 0) and the covariance diag(4.5, 0.5).
    With eps = 0.5, W = diag(0.447, 1).
    """
    ### BEGIN SOLUTION
    mu = x.mean(axis=0)
    centred = x - mu
    covariance = centred.T @ centred / len(x)
    lam, U = np.linalg.eigh(covariance)
    scaled = U / np.sqrt(lam + eps)
    return mu, scaled @ U.T
    ### END SOLUTION


# %% check="whitening" points=5
check(whitening)

# %% [markdown]
# ## 8. What it buys: the shape of the loss (●●○, 10 minutes)
#
# A linear model with squared error has the loss of {eq}`dn-hessian`, a bowl.
# Its Hessian is $H = X^\top X / N$, and nothing is centred in it.
# The largest eigenvalue of $H$ limits the learning rate, {eq}`dn-max-lr`.
# The smallest one says how slowly gradient descent then moves along the flattest direction.
# Their ratio is the condition number, {eq}`dn-condition`. The best one is 1: a round bowl.


# %% solution="curvature"
def curvature(x):
    """The condition number of the Hessian of {eq}`dn-hessian`, and the bound on the learning rate.

    {eq}`dn-condition`, {eq}`dn-max-lr`. x: (N, D) with N > D, floats or integers, uint8 included.
    Returns condition, max_lr: two floats, in this order.

    Example: x = (3, 0), (-3, 0), (0, 1), (0, -1) has H = diag(4.5, 0.5), so condition = 9 and max_lr = 0.444.
    """
    ### BEGIN SOLUTION
    x = x.astype(float)
    hessian = x.T @ x / len(x)
    eigenvalues = np.linalg.eigvalsh(hessian)
    largest, smallest = eigenvalues[-1], eigenvalues[0]
    return largest / smallest, 2 / largest
    ### END SOLUTION


# %% check="curvature" points=4
check(curvature)

# %% [markdown]
# ## 9. Your own test (●●●, 15 minutes)
#
# Write the test that you would want before you trust somebody's `standardize(x_train, x)`.
# It gets a function. Where the function is wrong, your test raises an error: use `assert`.
# Any error counts as a rejection, as in pytest. Where the function is right, your test returns.
# To return counts as acceptance, whatever is returned: `True` and `False` are ignored.
# It is marked on one right implementation and on several wrong ones.
#
# The check takes your own `standardize` for the right one. Pass section 2 first.
# The inputs are yours to choose, and some hide mistakes. Which inputs hide a leak?
# Would you notice that a constant feature becomes NaN, or that it becomes enormous in new data?


# %% solution="test_standardize"
def test_standardize(implementation):
    """Raise an error unless implementation(x_train, x) returns the right two arrays. Else return.

    Right means section 2: statistics per feature, of x_train alone; constant features divided by 1.
    Use assert and np.allclose. Any error counts as a rejection, returning counts as acceptance.
    """
    ### BEGIN SOLUTION
    x_train = np.array([[1.0, -200.0, 7.0], [3.0, 100.0, 7.0], [5.0, 0.0, 7.0], [7.0, 500.0, 7.0]])
    x = np.array([[4.0, 40.0, 7.0], [-8.0, 900.0, 9.0]])
    train, other = implementation(x_train, x)
    centre, size = np.array([4.0, 100.0, 7.0]), np.array([np.sqrt(5), np.sqrt(65000), 1.0])
    assert np.allclose(train, (x_train - centre) / size)
    assert np.allclose(other, (x - centre) / size)
    ### END SOLUTION


# %% check="test_standardize" points=5
check(test_standardize)

# %% [markdown]
# ## Experiment: the bowl, step by step (5 minutes)
#
# A linear model predicts a number from each of two tables. The first is made up: 500 weather reports with
# temperature (kelvin), pressure (pascal), humidity (percent) and wind (metres per second), which depend on
# one another. The second holds real pictures: grey patches of 8 x 8 pixels, 64 features.
#
# Above are the eigenvalues of the Hessian after each step; the legend holds the condition number.
# Below is gradient descent, each time with half of its largest stable learning rate:
# how much of the loss above the best one is left.
#
# Centring takes $\mu^\top \mu$ out of the Hessian, {eq}`dn-mean-eigenvalue`, so the largest eigenvalue
# cannot grow. The condition number may fall or rise: the smallest eigenvalue cannot grow either.
# Before you run it, write down for the weather in which order you expect the four curves.


# %%
def halved(images):
    """Images (N, H, W, C) of half the height and width: the mean of every block of 2 x 2 pixels."""
    N, H, W, C = images.shape
    return images.reshape(N, H // 2, 2, W // 2, 2, C).mean(axis=(2, 4))


def weather(N=500, seed=0):
    """A made-up table (N, 4): temperature in kelvin, pressure in pascal, humidity in percent, wind in m/s."""
    rng = np.random.default_rng(seed)
    season, storm, noise = rng.normal(size=N), rng.normal(size=N), rng.normal(size=(4, N))
    temperature = 284 + 8 * season - 2 * storm + 2 * noise[0]
    pressure = 101_300 + 200 * season - 800 * storm + 300 * noise[1]
    humidity = 72 - 7 * season + 8 * storm + 4 * noise[2]
    wind = 5 + 1.5 * storm + noise[3]
    return np.stack([temperature, pressure, humidity, wind], axis=1)


def prepared(x):
    """The table x in four states, by name."""
    mean, W = whitening(x, eps=1e-6)
    return {"raw": x, "centred": x - mean, "standardized": standardize(x, x)[0], "whitened": (x - mean) @ W}


def descent(x, target, steps=200):
    """The share of the excess loss that is left after each step, from weights of zero."""
    hessian, rate = x.T @ x / len(x), curvature(x)[1] / 2
    distance = -np.linalg.solve(hessian, x.T @ target / len(x))  # from the best weights
    left = []
    for _ in range(steps):
        left.append(distance @ hessian @ distance)
        distance = distance - rate * hessian @ distance
    return np.array(left) / left[0]


# %% experiment="the-bowl"
data = load("photo_patches")
grey = halved(halved(data.train_images / 255)).mean(axis=3).reshape(len(data.train_images), -1)
reports = weather()
weights = np.random.default_rng(1).normal(size=(2, 64))
tables = {"weather": (reports, weights[0, :4]), "pictures": (grey, weights[1])}
figure, axes = plt.subplots(2, 2, figsize=(9, 6.5), layout="constrained")
for column, (title, (table, w)) in zip(axes.T, tables.items(), strict=True):
    target = standardize(table, table)[0] @ w
    for name, x in prepared(table).items():
        eigenvalues = np.linalg.eigvalsh(x.T @ x / len(x))[::-1]
        places = np.arange(1, len(eigenvalues) + 1)
        column[0].semilogy(places, eigenvalues, marker=".", label=f"{name}: {curvature(x)[0]:.3g}")
        column[1].semilogy(descent(x, target), label=name)
    column[0].set(title=title, xlabel="eigenvalue, from the largest")
    column[0].xaxis.get_major_locator().set_params(integer=True)
    column[0].legend(title="condition number")
    column[1].set(xlabel="step of gradient descent", ylim=(1e-6, 2))
    column[1].legend()
axes[0, 0].set_ylabel("eigenvalue of the Hessian")
axes[1, 0].set_ylabel("excess loss left")
plt.show()

# %% [markdown]
# **Question** (5 minutes). For the weather: which eigenvalue does centring remove, and what does
# the division by the standard deviation repair? Why does the same division change nearly nothing
# for the pictures? Whitening wins both times. Name a reason why networks are still mostly trained on
# standardized images.

# %% [markdown] question="dn-bowl" points=3
# *Your answer here.*

# %% [markdown]
# ## Extra: what a network sees (5 minutes, no marks)
#
# Six photo-patches, halved in size, before and after each step. The last one is a piece of sky.
# Where a result is no picture, grey is 0, black is −2.5 and white is 2.5.
# Before you run it, think: which rows will still have colours, and in which row will edges stand out?


# %%
def around_grey(z):
    """Numbers from -2.5 to 2.5 as pixels from 0 to 1."""
    return np.clip(z / 5 + 0.5, 0, 1)


# %% experiment="what-a-network-sees"
data = load("photo_patches")
photos = halved(data.train_images)
mean, std = channel_stats([photos[i : i + 512] for i in range(0, len(photos), 512)])
standard = standardize_images(photos, mean, std)
rows = standard.reshape(len(standard), -1)
centre, W = whitening(rows, eps=0.1)
white = ((rows - centre) @ W).reshape(standard.shape)

steps = {
    "raw": photos / 255,
    "standardized": around_grey(standard),
    "global contrast": around_grey(global_contrast_normalize(photos)),
    "local contrast": around_grey(local_contrast_normalize(photos, radius=3, eps=25.0)),
    "whitened": around_grey(white),
}
shown = [110, 189, 87, 96, 254, 41]
figure, axes = plt.subplots(len(steps), len(shown), figsize=(7.5, 6.2), layout="constrained")
for row, (name, pictures) in zip(axes, steps.items(), strict=True):
    for axis, i in zip(row, shown, strict=True):
        axis.imshow(pictures[i])
        axis.set(xticks=[], yticks=[])
    row[0].set_ylabel(name, rotation=0, ha="right", va="center")
for axis, i in zip(axes[0], shown, strict=True):
    axis.set_title(data.classes[data.train_labels[i]], fontsize=9)
plt.show()

# %% [markdown]
# You have normalized data in five ways, and measured why. The next notebook, `normalization_torch`,
# makes layers of it that keep their statistics, and trains a network on images.
