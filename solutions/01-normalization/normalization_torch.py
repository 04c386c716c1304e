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
# # Data normalization in PyTorch
#
# You have prepared data in NumPy. Now you do it on tensors, batch by batch,
# and in modules that carry their statistics with them.
# At the end you train the lecture's network on raw images and on the ones that you prepared.
#
# **How it works.** Replace each `raise NotImplementedError` by your code. Run the cell.
# Run the check below it, as often as you like. A check never stops the notebook.
#
# **Time.** 130 minutes for the seven exercises, and 30 for the experiment and the three questions.
# ●○○ is a warm-up, ●●○ needs paper, ●●● needs patience.
#
# **Devices.** Your functions get tensors and return tensors on the same device.
# So make new tensors from the ones you got: `torch.zeros_like(x)` and not `torch.zeros(...)`.
# No function may change its inputs.
# Compute in float32 or in float64, as you like, except where a docstring names the type of the result.
#
# Shapes: images have the shape `(N, C, H, W)`. The channels come second, not last as in NumPy.
# `eq. (…)` is an equation of the chapter *Data normalization*.

# %%
import torch
from torch import nn

import autograder
from lab.data import load
from lab.device import pick_device

check = autograder.checks("01-normalization/normalization_torch")
device = pick_device()

# %% [markdown]
# ## Two traps to know first
#
# `x.std()` divides by $N - 1$ in PyTorch, and by $N$ in NumPy. This course divides by $N$:
# `x.std(correction=0)`. So do `x.var(correction=0)` and `torch.cov(..., correction=0)`.
#
# Numbers of 8 bits stay numbers of 8 bits, as in NumPy: $16^2 = 256$ becomes 0.
# Sums are different: they are computed in 64 bits.

# %% listing="two-traps"
numbers = torch.tensor([1.0, 3.0, 5.0, 7.0])
print("x.var()             ", numbers.var().item(), "= 20 / 3")
print("x.var(correction=0) ", numbers.var(correction=0).item(), "= 20 / 4")
pixels = torch.tensor([15, 16, 17], dtype=torch.uint8)
print("squares in 8 bits   ", *(pixels**2).tolist())
print("squares in float32  ", *(pixels.float() ** 2).tolist())

# %% [markdown]
# ## 1. From pictures to tensors (●○○, 5 minutes)
#
# A picture is stored as whole numbers from 0 to 255, its channels last.
# PyTorch wants floats, and the channels second. Many tutorials do both with `ToTensor`.
#
# Divide by 255: the largest value that a pixel **can** have, not the largest one in this batch.
# That is {eq}`dn-minmax` with the range of the camera. `permute` changes the order of axes.
# `reshape` and `view` do not: they read the same numbers in the same order and cut them elsewhere.


# %% solution="images_to_tensor"
def images_to_tensor(images):
    """Pixels as a network wants them, {eq}`dn-minmax` with min 0 and max 255.

    images: (N, H, W, C) uint8, a tensor. Returns float32 (N, C, H, W), with values in [0, 1].

    Example: one picture of two pixels, (255, 0, 51) and (0, 0, 102), has the shape (1, 1, 2, 3).
    It gives (1, 3, 1, 2), with the channels (1, 0), (0, 0) and (0.2, 0.4).
    """
    ### BEGIN SOLUTION
    return images.permute(0, 3, 1, 2).float() / 255
    ### END SOLUTION


# %% check="images_to_tensor" points=3
check(images_to_tensor)

# %% [markdown]
# ## 2. The statistics of a loader (●●○, 25 minutes)
#
# Mean and deviation of every channel, over all pixels of all training images:
# {eq}`dn-channel-mean`, {eq}`dn-channel-var`. The images come in batches, and the last batch is smaller.
# Go through the loader **once**: a loader that flips or crops at random returns other images the second time.
#
# Each batch has its own count, mean and sum of squared deviations $M_2$.
# Merge them into what you have: {eq}`dn-merge-count`, {eq}`dn-merge-mean`, {eq}`dn-merge-m2`.
# To average the deviations of batches would be wrong: it forgets that batches differ in brightness.
#
# Images may be `uint8`. The mean of the squares minus the square of the mean is no good idea in float32:
# it subtracts two large numbers that are nearly equal.
#
# A channel that is constant has the deviation 0, or what rounding leaves of 0, such as 1e-8.
# Return it as it is. The guard against dividing by it belongs in the next exercise.


# %% solution="loader_stats"
def loader_stats(loader):
    """Mean and standard deviation of each channel, {eq}`dn-channel-mean`, {eq}`dn-channel-var`, in one pass.

    loader: yields pairs (images, labels), as a DataLoader does. images: (N_t, C, H, W), floats or uint8.
    Returns mean, std: two tensors of floats (C,), float32 or float64.
    The squares are divided by the number of pixels n.

    Example: two batches of pictures of one pixel, 2, 4 and then 9, give the mean 5 and
    the deviation sqrt(26 / 3) = 2.944.
    """
    ### BEGIN SOLUTION
    n, mean, M2 = 0, 0.0, 0.0
    for x, _ in loader:
        x = x.to(torch.promote_types(x.dtype, torch.float32))
        n_b = x.numel() // x.shape[1]
        var_b, mean_b = torch.var_mean(x, dim=(0, 2, 3), correction=0)
        M2_b = n_b * var_b
        delta = mean_b - mean
        mean = mean + delta * n_b / (n + n_b)
        M2 = M2 + M2_b + delta**2 * n * n_b / (n + n_b)
        n = n + n_b
    return mean, torch.sqrt(M2 / n)
    ### END SOLUTION


# %% check="loader_stats" points=6
check(loader_stats)

# %% [markdown]
# ## 3. A module that carries its statistics (●●○, 25 minutes)
#
# A trained network is of no use to people who do not know how its images were prepared.
# So put the preparation into the network. Then it is saved and loaded, and moves to the GPU with it.
#
# `mean` and `std` are not trained: they are **buffers**. Make them with `self.register_buffer("mean", ...)`.
# A plain attribute would be lost when the model is saved. A parameter would be trained.
#
# The module does the same in training and in evaluation: its statistics are those of the training set,
# {eq}`dn-train-only`. Gradients must reach `x`: later units look for the image that fools a network.
#
# A feature that never varied in training has `std` 0. Divide it by 1 instead. This guard belongs here,
# where the division is. `std == 0` is enough; a small bound such as `std < 1e-6` is right too,
# and catches what rounding leaves of 0.
# `inverse` goes back, to look at an image again. It undoes what `forward` does.


# %% solution="Standardize"
class Standardize(nn.Module):
    """Standardize each feature with given statistics, {eq}`dn-standardize`.

    Buffers: mean (C,), std (C,). In both methods, axis 1 holds the features.

    Example: mean = 10 and std = 2 make 14 a 2, and inverse makes 2 a 14.
    """

    def __init__(self, mean, std):
        """mean, std: (C,), tensors of floats, of the training set."""
        super().__init__()
        ### BEGIN SOLUTION
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        ### END SOLUTION

    def forward(self, x):
        """x: (N, C) or (N, C, H, W), floats or uint8. Returns the same shape.

        The type is that of x, so that float16 stays float16. For uint8 it is that of mean.
        Gradients reach x.
        """
        ### BEGIN SOLUTION
        shape = [1, -1] + [1] * (x.dim() - 2)
        std = torch.where(self.std > 0, self.std, torch.ones_like(self.std))
        z = (x - self.mean.view(shape)) / std.view(shape)
        return z.to(x.dtype) if x.is_floating_point() else z
        ### END SOLUTION

    def inverse(self, z):
        """z: (N, C) or (N, C, H, W), floats. Returns the x that forward makes z of, {eq}`dn-inverse`."""
        ### BEGIN SOLUTION
        shape = [1, -1] + [1] * (z.dim() - 2)
        std = torch.where(self.std > 0, self.std, torch.ones_like(self.std))
        return (self.mean.view(shape) + std.view(shape) * z).to(z.dtype)
        ### END SOLUTION


# %% check="Standardize" points=8
check(Standardize)

# %% [markdown]
# ## 4. Folding it away (●●○, 15 minutes)
#
# Standardization multiplies each input channel by a number and adds another one.
# The first layer of the network multiplies and adds anyway.
# So one layer can do the work of both, on raw pixels:
#
# $$\sum_j W_{kj} \frac{x_j - \mu_j}{\mathrm{std}_j} + b_k = \sum_j W'_{kj} x_j + b'_k$$
#
# Find $W'$ and $b'$ with {eq}`dn-standardize`. For a convolution $W$ has the axes
# `(out, in, kh, kw)`: every number of the kernel meets a pixel of channel `in`.
# All standard deviations are above zero here.


# %% solution="fold_standardization"
def fold_standardization(weight, bias, mean, std):
    """Weight and bias of one layer that standardizes and then does what the given layer does.

    weight: (out, in), or (out, in, kh, kw) of a convolution without padding. bias: (out,) or None.
    mean, std: (in,). Returns weight, bias: of the shape of weight, and (out,).

    Example: weight = [[6.0]], bias = [1.0], mean = [10.0], std = [2.0] gives [[3.0]] and [-29.0].
    """
    ### BEGIN SOLUTION
    columns = [1, -1] + [1] * (weight.dim() - 2)
    folded = weight / std.view(columns)
    shift = (folded * mean.view(columns)).flatten(1).sum(dim=1)
    return folded, (-shift if bias is None else bias - shift)
    ### END SOLUTION


# %% check="fold_standardization" points=4
check(fold_standardization)

# %% [markdown]
# **Question.** A convolution with padding puts zeros around its input. You fold standardization into it,
# as you did above. The results are the same in the middle of the image, and different at its border. Why?
# What would you have to put around the raw image, so that they are the same everywhere?

# %% [markdown] question="dn-padding" points=2
# *Your answer here.*

# %% [markdown]
# ## 5. One image at a time: global contrast (●●○, 10 minutes)
#
# Now each image has its own mean and its own deviation, over **all** of its values: {eq}`dn-gcn`.
# A dark photograph and a bright one come out alike. Nothing is learned from the training set.
#
# $\lambda$ and $\epsilon$ keep an image without contrast from being blown up.
# `keepdim=True` keeps a result ready for broadcasting.


# %% solution="global_contrast"
def global_contrast(x, scale=1.0, lam=0.0, eps=1e-8):
    """Global contrast normalization of each image, {eq}`dn-gcn`.

    x: (N, C, H, W), floats. Returns the same shape, on its device.
    Gradients flow through the statistics.

    Example: an image with the values 1, 3, 5, 7 gives -3, -1, 1, 3 over sqrt(5). With lam = 4, over 3.
    """
    ### BEGIN SOLUTION
    centred = x - x.mean(dim=(1, 2, 3), keepdim=True)
    contrast = torch.sqrt(lam + (centred**2).mean(dim=(1, 2, 3), keepdim=True))
    return scale * centred / contrast.clamp(min=eps)
    ### END SOLUTION


# %% check="global_contrast" points=4
check(global_contrast)

# %% [markdown]
# ## 6. One neighbourhood at a time: local contrast (●●●, 25 minutes)
#
# A photograph with a bright window and a dark corner has no one brightness.
# So every pixel gets a mean and a variance of its own: those of the window around it,
# $2r + 1$ by $2r + 1$ pixels, for each channel by itself: {eq}`dn-lcn-mean`, {eq}`dn-lcn-var`, {eq}`dn-lcn`.
#
# `nn.functional.avg_pool2d` averages windows, on a GPU as well. Give it the side of the window,
# a stride of 1, and a padding that keeps the size. At the border only the pixels inside the image count.
# Look for the argument of `nn.functional.avg_pool2d` that says so.
#
# The variance of a window is the mean of the squares minus the square of the mean.
# You met the danger of that in exercise 2. It is small when the numbers are small:
# subtract the mean of each image first. That changes no variance, and what is subtracted later is less.


# %% solution="local_contrast"
def local_contrast(x, radius, eps):
    """Local contrast normalization with a window of side 2 * radius + 1, {eq}`dn-lcn`.

    x: (N, C, H, W), floats. Returns the same shape, on the same device.

    Example: the row 0, 0, 6 (one image of 1 x 3 pixels) with radius 1 has the local means 0, 2, 3, the local
    variances 0, 8, 9 and, with eps = 1, the result 0, -2 / 3, 3 / sqrt(10).
    """

    ### BEGIN SOLUTION
    def local_mean(values):
        window = {"kernel_size": 2 * radius + 1, "stride": 1, "padding": radius}
        return nn.functional.avg_pool2d(values, **window, count_include_pad=False)

    x = x - x.mean(dim=(2, 3), keepdim=True)
    mean = local_mean(x)
    var = (local_mean(x**2) - mean**2).clamp(min=0)
    return (x - mean) / torch.sqrt(var + eps)
    ### END SOLUTION


# %% check="local_contrast" points=6
check(local_contrast)

# %% [markdown]
# ## 7. Whitening as a module (●●●, 25 minutes)
#
# Neighbouring pixels are nearly equal. ZCA whitening removes what one value says about the others:
# {eq}`dn-cov`, {eq}`dn-eig`, {eq}`dn-zca`.
#
# `fit` learns from the training set and fills the buffers. `forward` uses them, and only them.
# So a whitened image does not depend on the other images of its batch.
# Images are flattened to rows of `D` numbers first, and come back in their own shape.
#
# `torch.linalg.eigh` returns the eigenvalues, and the eigenvectors as **columns** of a matrix.
# Tensors have two kinds of `=`: `self.mean.copy_(m)` writes into the buffer, on its device and in its type.
# In `fit` gradients are of no use: `torch.no_grad()`. In `forward` they must reach `x`, as in exercise 3.


# %% solution="ZCA"
class ZCA(nn.Module):
    """ZCA whitening, {eq}`dn-zca`. Buffers: mean (D,), starts at 0; matrix (D, D), starts as the identity."""

    def __init__(self, num_features):
        super().__init__()
        ### BEGIN SOLUTION
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("matrix", torch.eye(num_features))
        ### END SOLUTION

    def fit(self, x, eps):
        """Fill the buffers from the training set x, (N, D) or (N, C, H, W), floats. Returns self.

        Example: the rows (1, 0) and (-1, 0) have the covariance [[1, 0], [0, 0]].
        With eps = 0.25 the matrix is [[1 / sqrt(1.25), 0], [0, 2]].
        """
        ### BEGIN SOLUTION
        with torch.no_grad():
            rows = x.flatten(1)
            mean = rows.mean(dim=0)
            centred = rows - mean
            lam, U = torch.linalg.eigh(centred.T @ centred / len(rows))
            self.mean.copy_(mean)
            self.matrix.copy_(U / torch.sqrt(lam.clamp(min=0) + eps) @ U.T)
        return self
        ### END SOLUTION

    def forward(self, x):
        """x: (N, D) or (N, C, H, W) with C * H * W = D. Returns the whitened x in the same shape.

        Gradients reach x.
        """
        ### BEGIN SOLUTION
        rows = (x.flatten(1) - self.mean) @ self.matrix
        return rows.reshape(x.shape)
        ### END SOLUTION


# %% check="ZCA" points=7
check(ZCA)

# %% [markdown]
# ## Your module in a network
#
# Your module on real images, in front of the lecture's network.
# The cell prints the statistics of the training images, and the mean deviation within one image.
# Why is the second smaller?
#
# Then it saves the network with its preparation, loads it into one that was made with wrong statistics,
# and folds the preparation into the first convolution. All three must give the same scores, up to rounding.

# %% experiment="module-in-a-network"
import io

from torch.utils.data import DataLoader, TensorDataset

from lab.nets import lecture_cnn

data = load("photo_patches")
images = images_to_tensor(torch.from_numpy(data.train_images)).to(device)
labels = torch.from_numpy(data.train_labels).to(device)
mean, std = loader_stats(DataLoader(TensorDataset(images, labels), batch_size=128))
print("mean of each channel           ", mean.tolist())
print("deviation over all pixels      ", std.tolist())
print("mean deviation within an image ", images.std(dim=(2, 3), correction=0).mean(dim=0).tolist())

net = lecture_cnn().to(device)
model = nn.Sequential(Standardize(mean.float(), std.float()), net).to(device)
scores = model(images[:8])
file = io.BytesIO()
torch.save(model.state_dict(), file)
file.seek(0)
loaded = nn.Sequential(Standardize(torch.zeros(3), torch.ones(3)), lecture_cnn(seed=1)).to(device)
loaded.load_state_dict(torch.load(file, map_location=device))
print("saved and loaded, largest difference:", (loaded(images[:8]) - scores).abs().max().item())

first = next(layer for layer in net if isinstance(layer, nn.Conv2d))
folded = fold_standardization(first.weight, first.bias, mean, std)
with torch.no_grad():
    for parameter, value in zip((first.weight, first.bias), folded, strict=True):
        parameter.copy_(value)
print("folded, largest difference:          ", (net(images[:8]) - scores).abs().max().item())

# %% [markdown]
# ## What libraries have
#
# | yours | a library's | what differs |
# |---|---|---|
# | `images_to_tensor` | `ToTensor` of torchvision | takes one picture at a time; leaves floats as they are |
# | `Standardize` | `Normalize` of torchvision | refuses a deviation of 0; its statistics are not saved |
# | `global_contrast` | `nn.functional.layer_norm` over C, H, W | `eps` is your `lam`; no `scale` for all |
# | `local_contrast` | `uniform_filter` of `scipy.ndimage` for the windows | the border is yours to correct |
# | `ZCA` | `PCA(whiten=True)` of scikit-learn | does not turn back; divides by $N - 1$; no `eps` |
#
# One of them is in PyTorch itself. The difference should be rounding, and nothing else.

# %% experiment="parity"
few = images[:8]
library = nn.functional.layer_norm(few, few.shape[1:], eps=0.01)
print("largest difference:", (global_contrast(few, lam=0.01) - library).abs().max().item())

# %% [markdown]
# ## Experiment: the same network, the same pictures, prepared in five ways
#
# The lecture's network has two convolutions and two dense layers.
# It learns to tell photographs from 32×32 patches of them, with Adam and one learning rate for all.
# It is trained on the raw pixels, 0 to 255, and on the images that your code prepares, with three seeds each.
# Nothing else differs. It takes about a minute and a half on one quiet CPU core, and longer on a busy one.
# If one of your functions is not ready, take its line out of `preparations`.


# %% listing="preparations"
def tensors(*arrays):
    """Arrays of pictures, (N, H, W, C) uint8, as your tensors."""
    return [images_to_tensor(torch.from_numpy(a)).to(device) for a in arrays]


def to_unit_range(train, images):
    """Nothing but the division by 255."""
    return tensors(train, images)


def standardized(train, images):
    """With the statistics of the training images alone."""
    train, images = tensors(train, images)
    layer = Standardize(*loader_stats((batch, None) for batch in train.split(128)))
    return layer(train), layer(images)


def global_contrasts(train, images):
    """lam is the variance of an image that hardly differs from one grey."""
    return [global_contrast(x, lam=0.001) for x in tensors(train, images)]


def local_contrasts(train, images):
    """Windows of 7 x 7 pixels. eps is the variance of a deviation of 10 grey levels."""
    return [local_contrast(x, 3, eps=(10 / 255) ** 2) for x in tensors(train, images)]


# %% [markdown]
# **Predict first.** Write down, before you run the next cell:
# which of the five will learn fastest, and which slowest? How far will the last one be behind the first,
# in percent of the validation images? Does it matter whether pixels run to 255 or to 1, and why?
# Local contrast takes away the colours of large areas. Will that help or hurt here?
# A wrong prediction costs no points. A missing reason does.

# %% [markdown] question="dn-predict" points=2
# *Your prediction here, with a reason for each.*

# %% experiment="preparations"
from lab.experiments import normalization as experiment

preparations = {
    "to [0, 1]": to_unit_range,
    "standardized": standardized,
    "global contrast": global_contrasts,
    "local contrast": local_contrasts,
}
results = experiment.compare(preparations, size="short")
experiment.plot_training_curves(results)

# %% experiment="preparations-plot"
experiment.plot_preparations(results)

# %% [markdown]
# **Explain.** Compare the figures with your prediction, and say where it was wrong. Then answer:
#
# 1. Had we trained by *plain gradient descent*, what would raw pixels do to it? Use the Hessian of a linear
#    model, {eq}`dn-hessian`, and the largest learning rate, {eq}`dn-max-lr`. What does the large mean do?
# 2. We trained with *Adam*, which scales the step of every weight by itself.
#    Which of these troubles does it repair, and which not?
#    Look at the loss of the first epoch: what do raw pixels do to the signal on its way through the layers?
# 3. Look at the distances between the dots of one preparation. Which differences between preparations
#    could be chance?

# %% [markdown] question="dn-explain" points=3
# *Your explanation here.*

# %% [markdown]
# You can now prepare images on any device, in one pass, and ship the preparation with the network.
# Go back to *What goes wrong* in the chapter, and find the exercise in which you met each case.
