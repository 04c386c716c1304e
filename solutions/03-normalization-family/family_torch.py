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
# # The normalization family in PyTorch
#
# You have the family as functions. Now you make layers of it, as a network needs them:
# with parameters that are trained, buffers that are saved, and an error where nothing can be computed.
# You take batch normalization out of a finished network, and you find out of any model
# whether it looks at the neighbours of an example.
# At the end your layers train networks on images, on sequences, and from bad starts.
#
# **Time.** About two and a half hours, the experiments included.
#
# **Devices.** Make new tensors where the old ones are, and of their dtype: `torch.zeros_like(x)`,
# or `torch.eye(D, dtype=x.dtype, device=x.device)`.
#
# A check sends an `x` on the device `meta`: every computer has it, and it computes shapes only.
#
# **Not allowed.** PyTorch's own `layer_norm`, `group_norm`, `instance_norm`, `batch_norm` and `weight_norm`:
# they are what you are building. The checks do not notice it; it is flagged to the instructor.
# `nn.GroupNorm` is allowed where section 5 asks for it.
#
# **New tensors.** No layer and no function changes what it is given. In particular `x -= mu` would overwrite
# the caller's numbers, also through a view of them.
#
# `eq. (…)` is an equation of the chapter *The normalization family*.

# %%
import copy
import math

import torch
from torch import nn

import autograder
from lab.device import pick_device

check = autograder.checks("03-normalization-family/family_torch")
device = pick_device()

# %% [markdown]
# ## Two traps to know first
#
# **The variance.** `x.var(dim=-1)` divides by the number of entries less 1.
# Every layer of the family divides by the number itself: `correction=0`, {eq}`nf-var`.
#
# **A plain tensor is nobody's.** What you assign as `nn.Parameter` is trained, saved, moved with the layer.
# What you register as a buffer is saved and moved. A tensor that you only assign is none of these.


# %% listing="plain-tensor"
class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.tensor([2.0])
        self.shift = nn.Parameter(torch.tensor([3.0]))
        self.register_buffer("seen", torch.tensor([4.0]))


print("saved:  ", list(Plain().state_dict()))
print("trained:", [name for name, _ in Plain().named_parameters()])
print("in 64 bits:", {name: getattr(Plain().double(), name).dtype for name in ("scale", "shift", "seen")})

# %% [markdown]
# ## 1. Layer normalization (●●○, 12 minutes)
#
# Which entries share a mean, {eq}`nf-set`? In PyTorch's layer it is those that differ in the last axes only,
# as many as `shape` has. All axes before them are left alone: examples, in a transformer also the places
# of a text. So the sets may be smaller than those of {eq}`nf-axes`, which takes all axes but the first.
# `shape` may be a number, for one axis.
#
# `weight` and `bias` are $\gamma$ and $\beta$ of {eq}`nf-affine`. Here they have the shape `shape`:
# one of each for each *entry*. (The chapter's layer norm over $(C, H, W)$ has one for each channel.)


# %% solution="LayerNorm"
class LayerNorm(nn.Module):
    """nn.LayerNorm: sets over the last axes, {eq}`nf-mean` to {eq}`nf-affine`.

    Parameters: weight (starts at 1) and bias (0), both of the given shape.
    """

    def __init__(self, shape, eps=1e-5):
        """shape: the lengths of the last axes, a tuple or list, or a number for one axis."""
        super().__init__()
        ### BEGIN SOLUTION
        self.shape = (shape,) if isinstance(shape, int) else tuple(shape)
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(self.shape))
        self.bias = nn.Parameter(torch.zeros(self.shape))
        ### END SOLUTION

    def forward(self, x):
        """x: (..., *shape). Returns a tensor of the same shape.

        Example: LayerNorm(3), new, with eps = 0: the row 1, 3, 8 becomes -1.019, -0.340, 1.359.
        """
        ### BEGIN SOLUTION
        axes = tuple(range(-len(self.shape), 0))
        mu = x.mean(dim=axes, keepdim=True)
        var = x.var(dim=axes, correction=0, keepdim=True)
        return self.weight * ((x - mu) / torch.sqrt(var + self.eps)) + self.bias
        ### END SOLUTION


# %% check="LayerNorm" points=4
check(LayerNorm)

# %% [markdown]
# ## 2. Group normalization (●●○, 12 minutes)
#
# The groups are neighbours: with 6 channels and 2 groups, channels 0, 1, 2 and channels 3, 4, 5.
# Statistics belong to a group of an image, `weight` and `bias` to a channel, {eq}`nf-affine`.
#
# Channels that cannot be shared out evenly have no such groups. Say so with a `ValueError` when the layer
# is made, in one sentence that names both numbers. An error in the first batch would come late.


# %% solution="GroupNorm"
class GroupNorm(nn.Module):
    """nn.GroupNorm for images: the channels of a group share mean and variance, {eq}`nf-axes`.

    Parameters: weight (starts at 1) and bias (0), both (channels,).
    """

    def __init__(self, groups, channels, eps=1e-5):
        """groups: how many. Raises a ValueError if they do not divide the channels."""
        super().__init__()
        ### BEGIN SOLUTION
        if channels % groups:
            raise ValueError(f"{channels} channels cannot be divided evenly among {groups} groups")
        self.groups = groups
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        ### END SOLUTION

    def forward(self, x):
        """x: (N, C, H, W). Returns a tensor of the same shape.

        Example: one image of one pixel, four channels 0, 2, 10, 16, in 2 groups, eps = 0: -1, 1, -1, 1.
        """
        ### BEGIN SOLUTION
        grouped = x.reshape(len(x), self.groups, -1)
        mu = grouped.mean(dim=2, keepdim=True)
        var = grouped.var(dim=2, correction=0, keepdim=True)
        x_hat = ((grouped - mu) / torch.sqrt(var + self.eps)).reshape(x.shape)
        return self.weight.view(-1, 1, 1) * x_hat + self.bias.view(-1, 1, 1)
        ### END SOLUTION


# %% check="GroupNorm" points=4
check(GroupNorm)

# %% [markdown]
# ## 3. Instance normalization that says no (●○○, 8 minutes)
#
# Your group normalization with as many groups as channels is instance normalization, {eq}`nf-limits`.
# Which maps are too small for it? On maps of one pixel every set has one entry, and the output is `bias`,
# whatever the image shows. Nothing crashes, and nothing is learned. So raise a `ValueError` there,
# as PyTorch does, and in both modes: the layer does the same in training and in evaluation, {eq}`nf-same`.
# One row of pixels is enough to go on, and so is a map of one colour, such as a black image.


# %% solution="InstanceNorm"
class InstanceNorm(nn.Module):
    """nn.InstanceNorm2d with affine=True: each channel of each image by itself, {eq}`nf-axes`.

    Parameters: weight (starts at 1) and bias (0), both (channels,).
    """

    def __init__(self, channels, eps=1e-5):
        super().__init__()
        ### BEGIN SOLUTION
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        ### END SOLUTION

    def forward(self, x):
        """x: (N, C, H, W). Returns a tensor of the same shape. Raises a ValueError if H = W = 1.

        Example: one channel of pixels 0, 2, 4, 10, weight 2, bias 1, eps = 0: -1.138, -0.069, 1, 4.207.
        """
        ### BEGIN SOLUTION
        if x.shape[2] * x.shape[3] == 1:
            raise ValueError("instance normalization needs more than one pixel per channel, H = W = 1 came")
        mu = x.mean(dim=(2, 3), keepdim=True)
        var = x.var(dim=(2, 3), correction=0, keepdim=True)
        x_hat = (x - mu) / torch.sqrt(var + self.eps)
        return self.weight.view(-1, 1, 1) * x_hat + self.bias.view(-1, 1, 1)
        ### END SOLUTION


# %% check="InstanceNorm" points=3
check(InstanceNorm)

# %% [markdown]
# ## 4. A backward pass of your own (●●●, 20 minutes)
#
# So far autograd found the gradients. It keeps every intermediate tensor for that.
# A function with its own backward pass keeps only what {eq}`nf-group-backward`, {eq}`nf-dgamma` and
# {eq}`nf-dbeta` need. `backward` returns one gradient for each argument of `forward`; for `groups` and `eps`
# that is `None`. Mind where $\gamma$ stands, {eq}`nf-dxhat`.
#
# What you hand to `ctx.save_for_backward(...)` in `forward` is in `ctx.saved_tensors` in `backward`, in the
# same order. It takes tensors; a number is kept by an assignment, such as `ctx.groups = groups`.
# Nobody calls `forward` by its name: `GroupNormFunction.apply(x, gamma, beta, groups, eps)` does, and tells
# autograd of `backward`.
#
# `torch.autograd.gradcheck` compares your gradients to difference quotients. *Parity* below calls it.


# %% solution="GroupNormFunction"
class GroupNormFunction(torch.autograd.Function):
    """Group normalization of images with a backward pass in closed form, {eq}`nf-group-backward`."""

    @staticmethod
    def forward(ctx, x, gamma, beta, groups, eps):
        """x: (N, C, H, W). gamma, beta: (C,). Returns y: (N, C, H, W), {eq}`nf-affine`."""
        ### BEGIN SOLUTION
        grouped = x.reshape(len(x), groups, -1)
        ivar = torch.rsqrt(grouped.var(dim=2, correction=0, keepdim=True) + eps)
        x_hat = (grouped - grouped.mean(dim=2, keepdim=True)) * ivar
        ctx.save_for_backward(x_hat, gamma, ivar)
        return gamma.view(-1, 1, 1) * x_hat.reshape(x.shape) + beta.view(-1, 1, 1)
        ### END SOLUTION

    @staticmethod
    def backward(ctx, dout):
        """dout: (N, C, H, W). Returns dx, dgamma, dbeta, None, None: one for each argument of forward.

        Example: four channels of one pixel, 0, 0, 3, 3, one group, gamma = 1, eps = 0, dout = 0, 3, 0, 0:
        dx = -1, 1, 0, 0.
        """
        ### BEGIN SOLUTION
        x_hat, gamma, ivar = ctx.saved_tensors
        dx_hat = (dout * gamma.view(-1, 1, 1)).reshape(x_hat.shape)
        centre = dx_hat.mean(dim=2, keepdim=True)
        spread = (dx_hat * x_hat).mean(dim=2, keepdim=True)
        dx = ivar * (dx_hat - centre - x_hat * spread)
        dgamma = (dout * x_hat.reshape(dout.shape)).sum(dim=(0, 2, 3))
        dbeta = dout.sum(dim=(0, 2, 3))
        return dx.reshape(dout.shape), dgamma, dbeta, None, None
        ### END SOLUTION


# %% check="GroupNormFunction" points=6
check(GroupNormFunction)

# %% [markdown]
# ## 5. Take batch normalization out (●●○, 12 minutes)
#
# Somebody gives you a network with batch normalization, and only two of your images fit into the memory.
# Put group normalization in the place of every `nn.BatchNorm2d`, also in a block of a block.
# `model.named_children()` has the names and modules one level down, and `setattr(model, name, module)` puts
# another module there. A function that calls itself reaches all levels.
#
# The new layers go on with the old $\gamma$, $\beta$ and `eps`, in the old dtype and on the old device:
# a new `nn.GroupNorm` is float32 on the CPU. The running statistics are of no use to them.
# A block may have a `forward` of its own, for instance $x + f(x)$. Put modules into a copy of it,
# and do not build it anew.
# Where the groups do not divide the channels, take the greatest common divisor: `math.gcd(groups, channels)`.
# The model that you get stays as it is, and shares nothing with the one that you return.


# %% solution="replace_batchnorm"
def replace_batchnorm(model, groups):
    """A copy of the model with an nn.GroupNorm in the place of every nn.BatchNorm2d.

    model: any module that holds no module twice; it may be an nn.BatchNorm2d itself. Each of its
    nn.BatchNorm2d has weight and bias.
    Each new layer has weight, bias and eps of the old one, its dtype and device, and gcd(groups, C) groups.
    All else is copied as it is: forward, parameters, buffers, modes.

    Example: nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6)) and groups = 4: the second layer of
    the copy is an nn.GroupNorm with 2 groups for 6 channels.
    """
    ### BEGIN SOLUTION
    if isinstance(model, nn.BatchNorm2d):
        C = model.num_features
        layer = nn.GroupNorm(math.gcd(groups, C), C, eps=model.eps)
        layer.weight, layer.bias = copy.deepcopy(model.weight), copy.deepcopy(model.bias)
        return layer
    model = copy.deepcopy(model)
    for name, child in model.named_children():
        setattr(model, name, replace_batchnorm(child, groups))
    return model
    ### END SOLUTION


# %% check="replace_batchnorm" points=4
check(replace_batchnorm)

# %% [markdown]
# Now do it to a network that was trained: batch normalization, four epochs on patches of ten photographs.
# Its layers have 16, 32, 32, 64 and 64 channels: with 64 groups each channel is a group of its own.
# Before you run it, note a guess for each number of groups: what becomes of the accuracy when nothing but
# the kind of the layers changes? (The cell takes some seconds.)

# %% experiment="replaced"
from lab.experiments import family
from lab.experiments.family_data import prepared
from lab.experiments.family_measures import fit
from lab.nets import batch_norm, small_cnn

photographs = prepared("photos", family.SIZES["short"].images)
trained = small_cnn(batch_norm, seed=0)
accuracy = fit(trained, photographs, rate=0.03, batch=32, epochs=4, seed=0)["test_accuracy"]
print(f"batch normalization: {accuracy:.0%} of the test images are right")
for groups in (1, 4, 64):
    other = replace_batchnorm(trained, groups)
    at_once, later = (
        fit(other, photographs, rate=0.03, batch=32, epochs=epochs, seed=0)["test_accuracy"]
        for epochs in (0, 1)
    )
    print(f"groups: {groups:2}   at once {at_once:.0%}, after an epoch of training {later:.0%}")

# %% [markdown]
# **Question** (6 minutes). The new layers have the old $\gamma$ and $\beta$. What became of the accuracy,
# and why? What does an old layer compute in evaluation, and what does the new one compute in its place?
# For which kind of channel do the two differ a lot?
# Behind its last normalization this network has a ReLU, and then averages each channel over its places.
# What is left of a channel there if every channel is a group of its own?
# Would you go on training from the old weights? What would you compare that with?

# %% [markdown] question="nf-torch-replace" points=2
# *Your answer here.*

# %% [markdown]
# ## 6. Does a model look at the neighbours? (●●○, 12 minutes)
#
# By {eq}`nf-same` the output of an example may not change when other examples of the batch do.
# Do not read the code of the model, and do not look for layers by their names: measure.
# Which two calls must give an example the same output, if the model is innocent?
#
# - The model is asked in the mode that it is in. Batch normalization depends on the batch
#   in training mode only.
# - Afterwards the model is what it was: modes, parameters, running statistics. A copy is the easy way.
# - Three traps. A batch normalization in training mode refuses a single example of features.
#   A mean over the batch stays the same when the batch is put in another order, or comes twice.
#   And the largest entry stays where it is when you leave out an example that does not hold it.
# - Rounding is no dependence: outputs may differ in their last digits, in float32 by about $10^{-6}$
#   of their size. A difference of a thousandth is a dependence.


# %% solution="depends_on_batch"
def depends_on_batch(model, x):
    """True if the output of an example changes with the other examples of its batch, {eq}`nf-same`.

    model: any module that draws no random numbers, in any mode; it is left as it was. x: (N, ...), N >= 4,
    floats, all examples different. Row n of model(x) is the output of example n. Returns True or False.

    Example: nn.BatchNorm1d(3), new: True. The same after eval(): False. nn.LayerNorm(3): False.
    """
    ### BEGIN SOLUTION
    half, far = len(x) // 2, 3 * x.abs().max()
    others = x.clone()
    others[half::2] += far
    others[half + 1 :: 2] -= 3 * far
    with torch.no_grad():
        y, z = (copy.deepcopy(model)(batch)[:half] for batch in (x, others))
    return not torch.allclose(y, z, rtol=1e-4, atol=1e-5)
    ### END SOLUTION


# %% check="depends_on_batch" points=4
check(depends_on_batch)

# %% [markdown]
# ## 7. Whitening as a layer (●●●, 20 minutes)
#
# Decorrelated batch normalization whitens each batch in training, {eq}`nf-whiten`, by the symmetric root.
# A layer needs it fast and with gradients, so take `steps` steps of {eq}`nf-newton`, from the identity.
# Why few of them, you see in *How many steps?* of the NumPy notebook. The iteration is part of the graph,
# so gradients flow through mean, trace and matrix.
#
# In evaluation the layer uses a running mean, and a running matrix: an average of the matrices $W$
# of the batches, not of their covariances. Both are buffers. `momentum` weighs the new batch, as in PyTorch.
# The buffers remember no graph: update them under `torch.no_grad()`.
# Then $\gamma$ and $\beta$ per feature, as ever.


# %% solution="DecorrelatedBatchNorm"
class DecorrelatedBatchNorm(nn.Module):
    """Whitening of a batch (N, D) by Newton's iteration, {eq}`nf-newton` (Huang et al. 2019).

    Parameters: weight (starts at 1) and bias (0), both (D,). Buffers: running_mean (0), of shape (D,),
    and running_matrix (the identity), of shape (D, D).
    """

    def __init__(self, D, eps=1e-3, steps=5, momentum=0.1):
        """eps: added to the diagonal of the covariance. steps: of the iteration."""
        super().__init__()
        ### BEGIN SOLUTION
        self.eps, self.steps, self.momentum = eps, steps, momentum
        self.weight = nn.Parameter(torch.ones(D))
        self.bias = nn.Parameter(torch.zeros(D))
        self.register_buffer("running_mean", torch.zeros(D))
        self.register_buffer("running_matrix", torch.eye(D))
        ### END SOLUTION

    def forward(self, x):
        """x: (N, D). Returns weight * ((x - mu) @ W) + bias, of the same shape.

        Example: D = 1, the batch 1, 5, eps = 0: the covariance is 4 and W = 0.5 after any number of steps.
        The new layer returns -1, 1. Its running mean is then 0.3 and its running matrix 0.95.
        """
        ### BEGIN SOLUTION
        mu, W = self.running_mean, self.running_matrix
        if self.training:
            mu = x.mean(dim=0)
            eye = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
            sigma = (x - mu).T @ (x - mu) / len(x) + self.eps * eye
            trace = sigma.trace()
            W = eye
            for _step in range(self.steps):
                W = (3 * W - W @ W @ W @ sigma / trace) / 2
            W = W / torch.sqrt(trace)
            with torch.no_grad():
                self.running_mean += self.momentum * (mu - self.running_mean)
                self.running_matrix += self.momentum * (W - self.running_matrix)
        return self.weight * ((x - mu) @ W) + self.bias
        ### END SOLUTION


# %% check="DecorrelatedBatchNorm" points=6
check(DecorrelatedBatchNorm)

# %% [markdown]
# **Question** (5 minutes). A friend whitens 64 features with batches of 32 examples.
# Subtract their mean from 32 examples: how many dimensions do they span at most? So how many eigenvalues of
# the covariance are zero before `eps` is added? What does the layer do in these directions, in training with
# the batch itself, and in evaluation with other examples?
# Name two settings that you would change first, each with a reason.
# Why would whitening in groups of 16 features help?

# %% [markdown] question="nf-torch-whiten" points=2
# *Your answer here.*

# %% [markdown]
# ## 8. Weight normalization (●●○, 10 minutes)
#
# No statistics at all: the layer normalizes its own weights, {eq}`nf-weight-norm`, row by row.
# `v` and `g` are trained in the place of `w`. Autograd then does {eq}`nf-wn-dg` and {eq}`nf-wn-dv` for you,
# if `w` is computed anew in each forward pass.


# %% solution="WeightNormLinear"
class WeightNormLinear(nn.Module):
    """A linear layer with w = g v / |v| for each output, {eq}`nf-weight-norm` (Salimans & Kingma 2016).

    Parameters: v (outputs, inputs), g (outputs,), bias (outputs,). At the start v has random entries, such as
    those of a new nn.Linear, g is the length of each row of v, so that w = v, and bias is 0.
    """

    def __init__(self, inputs, outputs):
        super().__init__()
        ### BEGIN SOLUTION
        self.v = nn.Parameter(nn.Linear(inputs, outputs).weight.detach())
        self.g = nn.Parameter(self.v.detach().norm(dim=1))
        self.bias = nn.Parameter(torch.zeros(outputs))
        ### END SOLUTION

    def forward(self, x):
        """x: (N, inputs). Returns x @ w.T + bias: (N, outputs).

        Example: v = (3, 4), g = 10, bias = 1: w = (6, 8). x = (1, 1) gives 15.
        """
        ### BEGIN SOLUTION
        w = self.v * (self.g / self.v.norm(dim=1)).view(-1, 1)
        return x @ w.T + self.bias
        ### END SOLUTION


# %% check="WeightNormLinear" points=3
check(WeightNormLinear)

# %% [markdown]
# ## Parity: your layers beside PyTorch's
#
# The same numbers into both: outputs, the gradient of the input, and those of the parameters.
# In 64 bits the largest differences should be about 1e-14: rounding, and nothing else.
# At the end PyTorch compares the gradients of your `GroupNormFunction` to difference quotients.


# %% listing="parity"
def largest_differences(mine, library, pairs, x):
    """The largest difference of outputs and of gradients. pairs: (own parameter, the library's), alike."""
    torch.manual_seed(0)
    with torch.no_grad():
        for p, q in pairs:
            q.copy_(torch.randn_like(q))
            p.copy_(q.view_as(p))
    inputs = [x.clone().requires_grad_() for _ in range(2)]
    outputs = [layer(leaf) for layer, leaf in zip((mine, library), inputs, strict=True)]
    for y in outputs:
        (y * torch.cos(y)).sum().backward()
    gaps = [(inputs[0].grad - inputs[1].grad).abs().max()]
    gaps += [(p.grad - q.grad.view_as(p)).abs().max() for p, q in pairs]
    return (outputs[0] - outputs[1]).abs().max().item(), max(gaps).item()


# %% experiment="parity"
dtype = torch.float32 if device.type == "mps" else torch.float64  # Apple's GPU has no float64
images = 3 + 2 * torch.randn(4, 6, 5, 7, dtype=dtype, device=device)
for mine, library in (
    (LayerNorm((5, 7)), nn.LayerNorm((5, 7))),
    (GroupNorm(2, 6), nn.GroupNorm(2, 6)),
    (InstanceNorm(6), nn.InstanceNorm2d(6, affine=True)),
):
    mine, library = mine.to(device, dtype), library.to(device, dtype)
    named = (sorted(layer.named_parameters()) for layer in (mine, library))  # bias, then weight
    pairs = [(p, q) for (_, p), (_, q) in zip(*named, strict=True)]
    output, gradient = largest_differences(mine, library, pairs, images)
    print(f"{type(library).__name__:16} output {output:.0e}   gradients {gradient:.0e}")

mine = WeightNormLinear(7, 3).to(device, dtype)
library = nn.utils.parametrizations.weight_norm(nn.Linear(7, 3)).to(device, dtype)
g, v = library.parametrizations.weight.original0, library.parametrizations.weight.original1
pairs = [(mine.g, g), (mine.v, v), (mine.bias, library.bias)]
output, gradient = largest_differences(mine, library, pairs, images[0, 0])
print(f"weight norm      output {output:.0e}   gradients {gradient:.0e}")

if dtype == torch.float64:  # difference quotients need the digits
    leaves = [torch.rand(shape).to(images).requires_grad_() for shape in ((2, 6, 2, 3), 6, 6)]
    passed = torch.autograd.gradcheck(lambda *given: GroupNormFunction.apply(*given, 2, 1e-3), leaves)
    print("gradcheck of your function:", "passed" if passed else "not passed")

# %% [markdown]
# ## Experiments: what each choice keeps and loses (30 minutes)
#
# Four trainings with your layers, with three seeds each, and six pictures. On one CPU core the first training
# takes about a minute, the other three about twenty seconds together.
#
# - **Batch sizes.** A small convolutional network learns to tell photographs from 32×32 patches of them.
#   It has batch normalization, or your group normalization in 4 groups. Batches have 32 images, or 2.
#   The learning rate falls in proportion to the batch size.
# - **Another light.** The networks trained with batches of 32 are tested on images in another light, the same
#   for all. There are four kinds. Contrast: the distance of each pixel from mid grey is multiplied.
#   Brightness: a number is added. Colour: red is multiplied, and blue is divided. Contrast, clipped:
#   what is darker than black or brighter than white is cut off.
# - **Whitening.** Two hidden layers on small digits: batch normalization, whitening by ZCA and by PCA
#   with eigenvectors, and your layer.
# - **Sequences.** A recurrent network reads a digit row by row, {eq}`nf-recurrent`. It has no normalization,
#   one batch normalization for all steps, or your layer normalization.
#   In the test some sequences are longer than any in training: they have empty rows before the digit,
#   or behind it.
# - **Lengths.** Two hidden layers of your `WeightNormLinear`, at several learning rates. They are trained by
#   plain gradient descent on batches: no momentum, no weight decay.
# - **Starts.** The same layers beside plain ones, from the usual weights,
#   and from weights that are ten times too small or too large.
#   Your $g$ begins as the length of $v$, so that $w = v$.
#
# **Predict first.** Write down before you run the cells, with a reason for each:
#
# 1. How much does each of the two normalizations lose at batches of 2?
# 2. Which change of the light does each of the two notice least, {eq}`nf-invariance-image`?
# 3. Which whitening trains best? Which loses most when the statistics of evaluation mode are used?
# 4. What does each recurrent network do with empty rows before the digit, and behind it?
# 5. Which lengths $|v|$ grow, {eq}`nf-wn-growth`, and at which rates most?
# 6. Does weight normalization repair the start with small weights? The one with large weights?
#
# A wrong prediction costs nothing. A missing reason does.

# %% [markdown] question="nf-torch-predict" points=2
# *Your predictions 1 to 6 here, with a reason for each.*

# %% experiment="batch-sizes"
images_results = family.compare({"my group norm": lambda channels: GroupNorm(4, channels)}, size="short")
family.plot_batch_sizes(images_results)

# %% experiment="illumination"
family.plot_illumination(images_results)

# %% experiment="whitening"
whitening_results = family.compare_whitening({"my whitening": DecorrelatedBatchNorm}, size="short")
family.plot_whitening(whitening_results)

# %% experiment="recurrent"
recurrent_results = family.compare_recurrent({"my layer norm": LayerNorm}, size="short")
family.plot_recurrent(recurrent_results)

# %% experiment="lengths"
weights_results = family.compare_weights(WeightNormLinear, size="short")
family.plot_lengths(weights_results)

# %% experiment="starts"
family.plot_starts(weights_results)

# %% [markdown]
# **Explain.** Compare the pictures with your prediction, and say where it was wrong.
# Which differences are larger than the spread of the three seeds?
# Then explain three things that you see, each with an equation of the chapter: one about the batch size
# or the light, one about the recurrent networks, one about weight normalization.

# %% [markdown] question="nf-torch-explain" points=3
# *Your explanation here.*

# %% [markdown]
# You have the family as layers, and a measurement that tells whether a model looks at its batch.
# For yourself, without points: choose two cases of *What goes wrong* in the chapter. Make the mistake
# in your layer on purpose. Does it show as the chapter says?
