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
# # Batch normalization in PyTorch
#
# You have written batch normalization in NumPy. Now you will make a layer of it:
# one that trains on images, can be saved and loaded, and runs on a GPU.
# At the end you will train a network with it and without it.
#
# **Time.** About two hours, the experiment included.
#
# **Devices.** Your functions get tensors and return tensors on the same device.
# So make new tensors from the ones you got: `torch.zeros_like(x)` and not `torch.zeros(...)`.
# Do not use PyTorch's own `batch_norm`: it is what you are building.
# The checks below do not notice it; it is flagged to the instructor.
#
# Shapes: `(N, D)` is a batch of examples with $D$ features.
# `(N, C, H, W)` is a batch of images with $C$ channels. In both, axis 1 holds the features.

# %%
import torch
from torch import nn

import autograder
from lab.device import pick_device

check = autograder.checks("02-batchnorm/batchnorm_torch")
device = pick_device()

# %% [markdown]
# ## Two conventions to know first
#
# PyTorch's layer normalizes as your NumPy functions do. It differs in what it **keeps**.
#
# | | your NumPy functions | PyTorch |
# |---|---|---|
# | `momentum` weighs | the old value, 0.9 | the **new** batch, 0.1 |
# | variance that normalizes | divided by $N$ | divided by $N$ |
# | variance that is kept | divided by $N$ | divided by $N - 1$ |
# | running variance starts at | 0 | 1 |
# | names | `gamma`, `beta` | `weight`, `bias` |
#
# And a trap: `x.var(axis=0)` divides by $N$ in NumPy. `x.var(dim=0)` divides by $N - 1$ in PyTorch.
# `x.var(dim=0, correction=0)` divides by $N$.

# %% listing="two-variances"
numbers = torch.tensor([1.0, 3.0, 5.0, 7.0])
print("x.var()             ", numbers.var().item(), "= 20 / 3")
print("x.var(correction=0) ", numbers.var(correction=0).item(), "= 20 / 4")

# %% [markdown]
# ## 1. Forward pass for examples and for images (●○○, 10 minutes)
#
# One function for both shapes: {eq}`bn-mean` to {eq}`bn-scale-shift`, and {eq}`bn-spatial` for images.
# Average over all axes but axis 1. `keepdim=True` keeps the result ready for broadcasting.
# `gamma` has shape `(C,)`: bring it to `(1, C, 1, 1)` with `view`.


# %% solution="batchnorm_train"
def batchnorm_train(x, gamma, beta, eps=1e-5):
    """Batch normalization with the statistics of the batch, {eq}`bn-normalize`, {eq}`bn-scale-shift`.

    x: (N, D) or (N, C, H, W). gamma, beta: (D,) or (C,). Returns y of the shape of x, on its device.
    Gradients flow through the mean and the variance.
    """
    ### BEGIN SOLUTION
    axes = [d for d in range(x.dim()) if d != 1]
    shape = [1, -1] + [1] * (x.dim() - 2)
    mean = x.mean(dim=axes, keepdim=True)
    var = x.var(dim=axes, correction=0, keepdim=True)
    x_hat = (x - mean) / torch.sqrt(var + eps)
    return gamma.view(shape) * x_hat + beta.view(shape)
    ### END SOLUTION


# %% check="batchnorm_train" points=4
check(batchnorm_train)

# %% [markdown]
# ## 2. Running statistics, the PyTorch way (●●○, 10 minutes)
#
# Here `momentum` weighs the new batch, and the variance is divided by $M - 1$: {eq}`bn-torch-running`.
# $M$ counts all values of a channel: $N H W$ for images.
#
# The kept statistics must not remember how they were computed.
# Otherwise every step adds to one endless graph, and memory fills up: use `torch.no_grad()`.


# %% solution="update_running"
def update_running(running_mean, running_var, x, momentum=0.1):
    """New running statistics after the batch x, {eq}`bn-torch-running`.

    running_mean, running_var: (C,). x: (N, C) or (N, C, H, W).
    Returns two new tensors (C,) without a graph; the old ones stay as they are.

    Example: running_var = 1, momentum = 0.1 and x = 1, 3, 5, 7 give 0.9 * 1 + 0.1 * 20 / 3 = 1.567.
    """
    ### BEGIN SOLUTION
    axes = [d for d in range(x.dim()) if d != 1]
    with torch.no_grad():
        mean = x.mean(dim=axes)
        var = x.var(dim=axes, correction=1)
        new_mean = (1 - momentum) * running_mean + momentum * mean
        new_var = (1 - momentum) * running_var + momentum * var
    return new_mean, new_var
    ### END SOLUTION


# %% check="update_running" points=4
check(update_running)

# %% [markdown]
# ## 3. The layer (●●○, 20 minutes)
#
# A layer holds two kinds of tensors. `nn.Parameter`: what the optimizer changes, `weight` and `bias`.
# Buffers: what is saved and moved with the layer, but not trained.
# Make them with `self.register_buffer("running_mean", ...)`.
# A plain attribute would be lost when the model is saved, and would stay on the CPU.
#
# `self.training` says which mode the layer is in.
# In training it normalizes with the batch and updates the buffers.
# In evaluation it normalizes with the buffers, {eq}`bn-inference`, and leaves them alone.
#
# You may call your two functions, if their checks pass, or write the formulas again.


# %% solution="BatchNorm"
class BatchNorm(nn.Module):
    """nn.BatchNorm1d and nn.BatchNorm2d in one: the same names in state_dict, the same numbers.

    Parameters: weight (starts at 1), bias (0). Buffers: running_mean (0), running_var (1),
    num_batches_tracked (the integer 0, one more with each batch in training).
    """

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        ### BEGIN SOLUTION
        self.eps = eps
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))
        ### END SOLUTION

    def forward(self, x):
        """x: (N, C) or (N, C, H, W). Returns a tensor of the same shape."""
        ### BEGIN SOLUTION
        axes = [d for d in range(x.dim()) if d != 1]
        shape = [1, -1] + [1] * (x.dim() - 2)
        if self.training:
            mean, var = x.mean(dim=axes), x.var(dim=axes, correction=0)
            with torch.no_grad():
                M = x.numel() / x.shape[1]
                self.running_mean += self.momentum * (mean - self.running_mean)
                self.running_var += self.momentum * (var * M / (M - 1) - self.running_var)
                self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        x_hat = (x - mean.view(shape)) / torch.sqrt(var.view(shape) + self.eps)
        return self.weight.view(shape) * x_hat + self.bias.view(shape)
        ### END SOLUTION


# %% check="BatchNorm" points=8
check(BatchNorm)

# %% [markdown]
# With one value per channel ($M = 1$) the variance that is kept would be 0 / 0.
# PyTorch's layer raises an error then. Yours may do the same. It is not checked.
#
# **Question.** You send the same image through a trained network twice:
# once alone, once in a batch of 64. In which mode do the two answers differ, and why?
# A friend forgets `model.eval()` and tests one image at a time.
# What does your layer normalize then, and what can it return? Think of a layer behind a linear one.

# %% [markdown] question="bn-one-image" points=2
# *Your answer here.*

# %% [markdown]
# ## 4. A function with its own backward pass (●●●, 20 minutes)
#
# Until now, autograd found the gradients. Here you write them:
# {eq}`bn-closed`, {eq}`bn-dgamma`, {eq}`bn-dbeta`.
# `forward` keeps what `backward` needs with `ctx.save_for_backward(...)`.
# `backward` gets `dout` and returns one gradient per argument of `forward`. For `eps` that is `None`.
#
# `torch.autograd.gradcheck` compares your gradients with numerical ones. The check below calls it.


# %% solution="BatchNormFunction"
class BatchNormFunction(torch.autograd.Function):
    """Batch normalization of x: (N, D) with a backward pass in closed form."""

    @staticmethod
    def forward(ctx, x, gamma, beta, eps):
        """Returns y: (N, D), {eq}`bn-scale-shift`. Non-tensors like eps can be kept as ctx.eps = eps."""
        ### BEGIN SOLUTION
        std = torch.sqrt(x.var(dim=0, correction=0) + eps)
        x_hat = (x - x.mean(dim=0)) / std
        ctx.save_for_backward(x_hat, gamma, std)
        return gamma * x_hat + beta
        ### END SOLUTION

    @staticmethod
    def backward(ctx, dout):
        """Returns dx, dgamma, dbeta, None: one gradient for each argument of forward."""
        ### BEGIN SOLUTION
        x_hat, gamma, std = ctx.saved_tensors
        N = len(dout)
        dbeta = dout.sum(dim=0)
        dgamma = (dout * x_hat).sum(dim=0)
        dx = gamma / std * (dout - dbeta / N - x_hat * dgamma / N)
        return dx, dgamma, dbeta, None
        ### END SOLUTION


# %% check="BatchNormFunction" points=6
check(BatchNormFunction)

# %% [markdown]
# ## 5. From NumPy to PyTorch (●○○, 5 minutes)
#
# You have trained with your NumPy functions. Now you want to go on in PyTorch.
# Two numbers must change: see the table at the top. All batches had the same size.


# %% solution="convert_to_torch"
def convert_to_torch(momentum, running_var, n):
    """PyTorch's momentum and running variance from those of the NumPy notebook, {eq}`bn-torch-running`.

    momentum: the weight of the old value. running_var: (D,), kept from variances divided by n.
    n: the number of values per feature in each batch. Returns momentum (a number), running_var (D,).

    Example: momentum = 0.9, running_var = [3.0], n = 4 gives 0.1, [4.0].
    """
    ### BEGIN SOLUTION
    return 1 - momentum, running_var * n / (n - 1)
    ### END SOLUTION


# %% check="convert_to_torch" points=3
check(convert_to_torch)

# %% [markdown]
# ## 6. Folding (●●○, 10 minutes)
#
# In evaluation, batch normalization multiplies by a constant and adds a constant.
# So does the layer before it. The two can be made one: {eq}`bn-fold`.
# Then batch normalization costs nothing on the device that runs the model.


# %% solution="fold_batchnorm"
def fold_batchnorm(weight, bias, bn_weight, bn_bias, running_mean, running_var, eps=1e-5):
    """Weight and bias of one layer that does the work of two, {eq}`bn-fold`.

    weight: (out, in) of a linear layer, or (out, in, kh, kw) of a convolution. bias: (out,) or None.
    The other tensors: (out,). Returns weight, bias: of the shape of weight, and (out,).
    """
    ### BEGIN SOLUTION
    scale = bn_weight / torch.sqrt(running_var + eps)
    if bias is None:
        bias = torch.zeros_like(running_mean)
    rows = scale.view([-1] + [1] * (weight.dim() - 1))
    return weight * rows, (bias - running_mean) * scale + bn_bias
    ### END SOLUTION


# %% check="fold_batchnorm" points=4
check(fold_batchnorm)

# %% [markdown]
# ## 7. Freezing (●●○, 10 minutes)
#
# A network was trained on a million photographs. It should now learn from your fifty.
# Its batch normalization should stay as it is.
# In training mode such a layer normalizes with the batch and updates its buffers: evaluation mode stops both.
# The optimizer changes `weight` and `bias`: stop their gradients.
# All other layers stay as they are. `model.modules()` finds layers inside of layers.
#
# Remember that `model.train()` puts these layers back into training mode. So freeze after it.

# %%
LIBRARY_LAYERS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


# %% solution="freeze_batchnorm"
def freeze_batchnorm(model):
    """Stop everything that moves in the batch normalization layers of model, and nothing else.

    A module is such a layer if isinstance(module, LIBRARY_LAYERS). Changes the model; returns nothing.
    """
    ### BEGIN SOLUTION
    for module in model.modules():
        if isinstance(module, LIBRARY_LAYERS):
            module.eval()
            module.requires_grad_(False)
    ### END SOLUTION


# %% check="freeze_batchnorm" points=3
check(freeze_batchnorm)

# %% [markdown]
# ## Parity: your layer beside PyTorch's
#
# Both layers get the same state, the same four batches of images, and then one batch in evaluation.
# In float64 the largest differences should be about 1e-15: rounding, and nothing else.


# %% listing="parity"
def largest_differences(mine, library, batches):
    """The largest difference of outputs, gradients and buffers of two layers that see the same batches."""
    library.load_state_dict(mine.state_dict())
    found = {"output": 0.0, "gradient": 0.0, "evaluation": 0.0}
    for x in batches[:-1]:
        inputs = [x.clone().requires_grad_(True) for _ in range(2)]
        outputs = [layer(leaf) for layer, leaf in zip((mine, library), inputs, strict=True)]
        for y in outputs:
            (y * torch.cos(y)).sum().backward()
        found["output"] = max(found["output"], (outputs[0] - outputs[1]).abs().max().item())
        gap = (inputs[0].grad - inputs[1].grad).abs().max().item()
        found["gradient"] = max(found["gradient"], gap)
    mine.eval()
    library.eval()
    found["evaluation"] = (mine(batches[-1]) - library(batches[-1])).abs().max().item()
    for name, buffer in library.named_buffers():
        found[name] = (buffer - mine.state_dict()[name]).abs().max().item()
    return found


# %% experiment="parity"
dtype = torch.float32 if device.type == "mps" else torch.float64  # Apple's GPU has no float64
images = [3 + 2 * torch.randn(8, 5, 6, 7, dtype=dtype, device=device) for _ in range(5)]
mine, library = BatchNorm(5).to(device, dtype), nn.BatchNorm2d(5).to(device, dtype)
for name, difference in largest_differences(mine, library, images).items():
    print(f"{name:20} {difference:.1e}")

# %% [markdown]
# ## Experiment: learning rates and initial weights
#
# A small convolutional network learns to tell photographs from 32×32 patches of them.
# It is trained with your layer and without it, for several learning rates
# and several sizes of the first weights, with three seeds each. It takes about a minute on two CPU cores.
#
# **Predict first.** Write down, before you run the cell:
# from which learning rate on will the network without batch normalization fail? And the one with it?
# What happens to both when the first weights are ten times too large, or ten times too small?
# A wrong prediction costs nothing. A missing reason does.

# %% [markdown] question="bn-predict" points=2
# *Your prediction here, with a reason for each.*

# %% [markdown]
# *Diverged* in a picture means: with at least one of the three seeds the loss is no finite number any more.
# A curve ends there, because it shows the mean over all seeds. The other seeds may have trained well.

# %% experiment="learning-rates"
from lab.experiments import batchnorm as experiment

results = experiment.compare(BatchNorm, size="short")
experiment.plot_training_curves(results)

# %% experiment="learning-rates-plot"
experiment.plot_learning_rates(results)

# %% experiment="weight-scales-plot"
experiment.plot_weight_scales(results)

# %% [markdown]
# **Explain.** Compare the pictures with your prediction, and say where it was wrong.
# Then explain two things that you see, each with an equation of the chapter:
# what batch normalization does to a layer whose weights are ten times too large,
# and why a large learning rate hurts the network with batch normalization less.

# %% [markdown] question="bn-explain" points=3
# *Your explanation here.*

# %% [markdown]
# You have built the layer, saved it, folded it and frozen it, and you know what it buys.
# Go back to *What goes wrong* in the chapter and explain each case with your layer.
