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
# # Dropout in PyTorch
#
# You have written dropout in NumPy, with random numbers that were handed to you.
# Now you will make layers of it that draw their own, with gradients, on any device.
# Then you will train with them, and ask a network how sure it is.
#
# **Time.** About two hours, the experiments included.
#
# **Devices.** Your functions get tensors and return tensors on the same device.
# So draw random numbers where the input is: `torch.rand_like(x)` and not `torch.rand(x.shape)`.
# Do not use PyTorch's own dropout: it is what you are building.
# The checks below do not notice it; it is flagged to the instructor.
#
# Shapes: `(N, D)` is a batch of examples with $D$ features.
# `(N, C, H, W)` is a batch of images with $C$ channels.
# In code, `keep` is $q = 1 - p$, the probability of keeping.

# %%
import torch
from torch import nn

import autograder
from lab.device import pick_device

check = autograder.checks("05-dropout/dropout_torch")
device = pick_device()
F = nn.functional

# %% [markdown]
# ## Three traps to know first
#
# **p drops.** In PyTorch, `p` is the probability of dropping a unit, as in the chapter.
# In the paper of Srivastava et al. (2014) and in cs231n, `p` is the probability of keeping it.
# Whoever copies `p = 0.8` from there loses four units of five.
#
# **The function does not know the mode.** `nn.Dropout` is a layer: `model.eval()` switches it off.
# `F.dropout` is a function. Its argument `training` is `True` unless you say otherwise.
# So inside a model always write `F.dropout(x, p, training=self.training)`.
#
# **Dropout2d counts axes.** `nn.Dropout2d` wants a batch of images, four axes.
# Give it one image `(C, H, W)` and it takes the channels for examples and the rows for channels.
# It drops rows of pixels, and all you get is a warning.


# %% listing="torch-traps"
class Careless(nn.Module):
    """A model with F.dropout that does not say in which mode it is."""

    def forward(self, x):
        return F.dropout(x, 0.2)


ones = torch.ones(1000)
print("p drops:            ", f"{(nn.Dropout(0.2)(ones) == 0).float().mean():.2f} of the units are zero")
print("nn.Dropout, eval:   ", f"{(nn.Dropout(0.2).eval()(ones) == 0).float().mean():.2f}")
print("F.dropout, eval:    ", f"{(Careless().eval()(ones) == 0).float().mean():.2f}")

# %% experiment="one-image"
image = torch.ones(2, 5, 4)  # one image: two channels, five rows, four columns
print(nn.Dropout2d(0.5)(image))

# %% [markdown]
# ## 1. Dropout with given numbers (●○○, 10 minutes)
#
# The function of the NumPy notebook, for tensors:
# {eq}`do-mask`, {eq}`do-inverted-train`, {eq}`do-inverted-test`.
# Three things are new.
#
# - **Gradients** flow by themselves, as long as you compute with tensors: no `.detach()`, no `.numpy()`.
# - **The type stays.** Networks are often trained with 16-bit numbers.
#   `x` times a mask of booleans keeps the type of `x`; `x` times `mask.float()` may not.
# - **p = 1** drops everything. The output is zero, and so is the gradient. Without care it is 0 / 0.


# %% solution="apply_dropout"
def apply_dropout(x, u, p, training):
    """Inverted dropout: in training {eq}`do-inverted-train`, otherwise x, {eq}`do-inverted-test`.

    x: a tensor. u: uniform numbers in [0, 1) of the shape of x, or of one that broadcasts to it.
    p: the probability of dropping, from 0 to 1. A unit is dropped where u < p.
    Returns y with the shape, type and device of x. Gradients flow from y to x.

    Example: x = 3, 3, u = 0.1, 0.9, p = 0.25, training=True gives 0, 4.
    """
    ### BEGIN SOLUTION
    if not training:
        return x
    scale = 1 / (1 - p) if p < 1 else 0.0
    return x * (u >= p) * scale
    ### END SOLUTION


# %% check="apply_dropout" points=5
check(apply_dropout)

# %% [markdown]
# ## 2. The layer (●●○, 15 minutes)
#
# A layer that draws its own numbers, new ones at every call. `self.training` says which mode it is in.
# You may call `apply_dropout`, if its check passes, or write the formula again.
#
# - Keep `p` as `self.p`, and read it at every call: others may change it later.
# - A `p` outside of 0 to 1 is an error: raise `ValueError`, and say what was expected and what came.
#   The value that came must stand in the message.
# - Do not set a seed. Setting one is for whoever runs the whole program.
#   Think what a seed in `forward` would do.
# - With 16-bit `x`, draw the numbers with 32 bits: `torch.rand_like(x, dtype=torch.float32)`.
#   Uniform numbers of 16 bits are multiples of a coarse step, so the share of zeros would be a little off.
#
# No two runs of this layer are equal, so the checks count: over many units, is the share of zeros near `p`?
# And does the number of zeros vary from call to call as much as it must when each unit decides by itself?
# Counting leaves a tolerance. It is wide: a right layer fails by bad luck less than once in a million checks.


# %% solution="Dropout"
class Dropout(nn.Module):
    """nn.Dropout: in training each number is zero with probability p, the rest grow by 1 / (1 - p)."""

    def __init__(self, p=0.5):
        """p: the probability of dropping. Raises ValueError unless 0 <= p <= 1."""
        super().__init__()
        ### BEGIN SOLUTION
        if not 0 <= p <= 1:
            raise ValueError(f"Expected a probability of dropping between 0 and 1, got {p}.")
        self.p = p
        ### END SOLUTION

    def forward(self, x):
        """x: a tensor of any shape. Returns a tensor of the same shape, type and device."""
        ### BEGIN SOLUTION
        return apply_dropout(x, torch.rand_like(x), self.p, self.training)
        ### END SOLUTION


# %% check="Dropout" points=8
check(Dropout)

# %% [markdown]
# **Question.** A friend's network uses `F.dropout(x, 0.5)` in its `forward`, in three places.
# He calls `model.eval()`, and classifies the same image twice. The answers differ.
# Why? How does he mend it without changing `forward`'s other lines?
# Another friend set a seed in the `forward` of her dropout layer, so that her runs can be repeated.
# Her two predictions are equal, in training mode too. What has become of "a new network at every step"?

# %% [markdown] question="do-torch-modes" points=2
# *Your answer here.*

# %% [markdown]
# ## 3. A function with its own backward pass (●●○, 15 minutes)
#
# Now you write the gradient yourself: {eq}`do-backward`. It needs the mask, the **same** mask.
# `forward` keeps it with `ctx.save_for_backward(...)`. Numbers can be kept as `ctx.scale = ...`.
# `backward` returns one gradient per argument of `forward`: for `u` and `p` that is `None`.
#
# What to keep is a choice. The mask of booleans takes one byte per unit, `x` itself four.
# Can the mask be found again from `y`? Think of an input that is zero.


# %% solution="DropoutFunction"
class DropoutFunction(torch.autograd.Function):
    """Inverted dropout in training mode, with a backward pass of its own."""

    @staticmethod
    def forward(ctx, x, u, p):
        """x, u: tensors of one shape. p: the probability of dropping, from 0 to 1. Returns y of
        {eq}`do-inverted-train`, with the shape and type of x."""
        ### BEGIN SOLUTION
        kept = u >= p
        ctx.save_for_backward(kept)
        ctx.scale = 1 / (1 - p) if p < 1 else 0.0
        return x * kept * ctx.scale
        ### END SOLUTION

    @staticmethod
    def backward(ctx, dout):
        """dout: the gradient of the loss with respect to y. Returns dx, None, None, {eq}`do-backward`."""
        ### BEGIN SOLUTION
        (kept,) = ctx.saved_tensors
        return dout * kept * ctx.scale, None, None
        ### END SOLUTION


# %% check="DropoutFunction" points=5
check(DropoutFunction)

# %% [markdown]
# PyTorch can compare your gradient with a numerical one. It calls the function many times,
# so the function must give the same answer each time. With `u` handed in, it does.

# %% experiment="gradcheck"
inputs = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
numbers = torch.rand(4, 5, dtype=torch.float64)
print(torch.autograd.gradcheck(lambda x: DropoutFunction.apply(x, numbers, 0.3), inputs))

# %% [markdown]
# ## 4. Whole channels (●●○, 10 minutes)
#
# In an image, neighbouring pixels say nearly the same. A dropped pixel can be guessed from those around it,
# so dropping single pixels hides little. Drop the whole channel: {eq}`do-spatial`.
# That is one number per example and channel.
# Give `u` the shape `(N, C, 1, 1)`, and broadcasting does the rest.


# %% solution="SpatialDropout"
class SpatialDropout(nn.Module):
    """nn.Dropout2d: in training each channel of each image is zero with probability p, {eq}`do-spatial`."""

    def __init__(self, p=0.5):
        """p: the probability of dropping, from 0 to 1. It is read at every call."""
        super().__init__()
        self.p = p

    def forward(self, images):
        """images: (N, C, H, W). Returns a tensor of the same shape, type and device."""
        ### BEGIN SOLUTION
        u = torch.rand_like(images[:, :, :1, :1])
        return apply_dropout(images, u, self.p, self.training)
        ### END SOLUTION


# %% check="SpatialDropout" points=5
check(SpatialDropout)

# %% [markdown]
# ## 5. Another p for the whole model (●○○, 5 minutes)
#
# You train with `p = 0.5` for a while, and then want `0.2` everywhere.
# The layers sit in blocks inside of blocks: `model.modules()` visits them all.
# PyTorch has four kinds of dropout layers for us. None of them is a subclass of another.
# The layers that you have written are not among them.

# %%
DROPOUT_LAYERS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)


# %% solution="set_dropout"
def set_dropout(model, p):
    """Give every dropout layer of model the probability p, and change nothing else.

    A module is such a layer if isinstance(module, DROPOUT_LAYERS). Returns how many there are.

    Example: for nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout2d(0.5))) it returns 2.
    """
    ### BEGIN SOLUTION
    layers = [module for module in model.modules() if isinstance(module, DROPOUT_LAYERS)]
    for layer in layers:
        layer.p = p
    return len(layers)
    ### END SOLUTION


# %% check="set_dropout" points=3
check(set_dropout)

# %% [markdown]
# The number is worth a look. A model that drops with `F.dropout` has no such layer:
# you get 0, and nothing has changed.
#
# ## 6. How sure is the network? (●●●, 20 minutes)
#
# Leave dropout on while predicting, and call the network several times.
# In each call every example meets one of the $2^n$ networks, drawn anew.
# Where they agree, the answer is firm.
# This is Monte Carlo dropout (Gal and Ghahramani 2016): {eq}`do-mc-mean`.
#
# `model.train()` would switch dropout on, and batch normalization with it.
# Then each prediction would hang on the other images of its batch,
# and the running statistics would learn from the test images.
# So put the whole model into evaluation mode first, and then the dropout layers alone into training mode.
#
# Afterwards the model must be as you found it. Some of its modules may have been in training mode
# and some not: note the mode of each one before you start. The seed and the switch for gradients stay, too.


# %% solution="mc_predict"
def mc_predict(model, x, passes):
    """Mean and standard deviation of the class probabilities over several passes with dropout on.

    model: returns scores (N, K), before softmax; its dropout layers are the DROPOUT_LAYERS.
    x: the batch. passes: how often the model is called on the whole batch.
    Returns mean (N, K), {eq}`do-mc-mean`, and std (N, K), divided by the number of passes,
    both without a graph. Every module is in the same mode afterwards as before.

    Example: one class of one image has 0.7, then 0.9 in two passes: mean 0.8, std 0.1.
    """
    ### BEGIN SOLUTION
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    for module in model.modules():
        if isinstance(module, DROPOUT_LAYERS):
            module.train()
    with torch.no_grad():
        probabilities = torch.stack([model(x).softmax(dim=1) for _ in range(passes)])
    for module, mode in modes:
        module.training = mode
    return probabilities.mean(dim=0), probabilities.std(dim=0, correction=0)
    ### END SOLUTION


# %% check="mc_predict" points=6
check(mc_predict)

# %% [markdown]
# ## Parity: your layers beside PyTorch's
#
# With the same seed your layer and PyTorch's would still drop other units:
# they use the random numbers differently.
# So compare what does not hang on chance:
# the share of zeros, the size of what is kept, the mean, the gradient,
# whether whole channels go, and what happens in evaluation.


# %% listing="parity"
def describe(layer, x):
    """What a dropout layer does with x: (N, C, H, W), as numbers that hardly hang on chance."""
    leaf = x.clone().requires_grad_(True)
    y = layer.train()(leaf)
    y.sum().backward()
    zero = y == 0
    return {
        "share of zeros": zero.double().mean().item(),
        "kept, y / x": (y / x)[~zero].mean().item(),
        "kept, gradient": leaf.grad[~zero].mean().item(),
        "mean": y.mean().item(),
        "whole channels": (zero.all(dim=(2, 3)) == zero.any(dim=(2, 3))).all().item(),
        "same in evaluation": torch.equal(layer.eval()(x), x),
    }


def shown(value):
    """A number with three digits, or yes and no."""
    return ("no", "yes")[value] if isinstance(value, bool) else f"{value:.3f}"


# %% experiment="parity"
images = 1 + torch.rand(64, 100, 5, 6, device=device)
pairs = {"Dropout": (Dropout, nn.Dropout), "SpatialDropout": (SpatialDropout, nn.Dropout2d)}
for name, (mine, library) in pairs.items():
    print(f"{name:22} {'mine':>8} {'library':>8}")
    theirs = describe(library(0.3), images)
    for what, value in describe(mine(0.3), images).items():
        print(f"  {what:20} {shown(value):>8} {shown(theirs[what]):>8}")

# %% [markdown]
# What PyTorch has, and what each drops in training:
#
# | name | one decision per | remark |
# |---|---|---|
# | `nn.Dropout` | number | yours |
# | `nn.Dropout1d` | channel of `(N, C, L)` | |
# | `nn.Dropout2d` | channel of `(N, C, H, W)` | your `SpatialDropout` |
# | `nn.Dropout3d` | channel of `(N, C, D, H, W)` | |
# | `nn.AlphaDropout` | number | keeps mean *and* variance; for networks with SELU |
# | `nn.FeatureAlphaDropout` | channel | the same for whole channels |
# | `F.dropout`, `F.dropout1d` to `3d` | as the layer | on by default: say `training=self.training` |
# | `F.alpha_dropout`, `F.feature_alpha_dropout` | as the layer | off by default: say so here, too |
#
# The layers have a second argument, `inplace=True`. It overwrites the input to save memory.
# Where the layer before needs its own output for its gradient, `backward` fails then.
#
# ## Experiment: dropout before batch normalization
#
# In training, dropout leaves the mean alone and makes the variance larger.
# A batch normalization layer behind it learns that larger variance, and in evaluation it is gone.
#
# **Predict first.** Take units with mean 0 and `p = 0.5`. By which factor is the variance in training larger?
# Now send them through ReLU, so that their mean is positive.
# Is the factor larger or smaller? See {eq}`do-bn-ratio`.
#
# The cell measures it with your layer. `momentum=None` makes the running variance the plain mean over
# all batches.


# %% listing="variance-ratio"
@torch.no_grad()
def measured_ratio(dropout, x, passes=50):
    """What nn.BatchNorm1d learns as variance behind dropout, over what it meets in evaluation. x: (N, D)."""
    mode = dropout.training
    norm = nn.BatchNorm1d(x.shape[1], momentum=None).to(x.device, x.dtype)
    net = nn.Sequential(dropout, norm).train()
    for _ in range(passes):
        net(x)
    ratio = norm.running_var / dropout.eval()(x).var(dim=0)
    dropout.train(mode)
    return ratio.mean().item()


def predicted_ratio(x, p):
    """The ratio by {eq}`do-bn-ratio`, mean over the features of x: (N, D)."""
    keep = 1 - p
    return (1 / keep + p / keep * x.mean(dim=0) ** 2 / x.var(dim=0)).mean().item()


# %% experiment="variance-ratio"
centred = torch.randn(2000, 100, device=device)
for name, x in {"mean zero": centred, "behind a ReLU": centred.relu()}.items():
    print(f"{name:14} measured  predicted")
    for p in (0.0, 0.2, 0.5, 0.8):
        print(f"   p = {p:3} {measured_ratio(Dropout(p), x):12.3f} {predicted_ratio(x, p):10.3f}")

# %% [markdown]
# **Question.** Your measurement agrees with the formula. With gamma = 1 and beta = 0,
# the layer behind batch normalization was trained on numbers with standard deviation 1.
# Which standard deviation does it meet in evaluation, for `p = 0.5` behind a ReLU?
# Write down an order of convolution, batch normalization,
# ReLU and dropout in which *this* batch normalization
# sees the same variance in both modes.
# A network has ten such blocks, one behind the other. Has your order removed the shift everywhere?

# %% [markdown] question="do-torch-order" points=2
# *Your answer here.*

# %% [markdown]
# ## Experiment: how sure is the network?
#
# A small network learns handwritten digits, with `nn.Dropout`.
# Then `mc_predict` asks it about three kinds of images:
# test digits that it names rightly, test digits that it names wrongly, and test digits turned by 90 degrees,
# which it has never seen.
#
# **Predict first.** For which of the three will the passes differ most? A turned 0 is still a 0.
# What is a turned 6?


# %% listing="certainty"
def certainty(net, images, labels, passes=100):
    """Probability of the class that is named, its deviation over the passes, and which names are right."""
    mean, std = mc_predict(net, images, passes)
    probability, named = mean.max(dim=1)
    return probability, std.gather(1, named[:, None]).squeeze(1), named == labels


# %% experiment="certainty"
from lab.data import read
from lab.training import as_tensors, train

digits = as_tensors(read("digits"), device=device)
torch.manual_seed(0)
net = nn.Sequential(nn.Flatten(), nn.Linear(64, 100), nn.ReLU(), nn.Dropout(0.5), nn.Linear(100, 10))
train(net, digits, lr=0.05, epochs=10, batch_size=32, seed=0)

probability, std, right = certainty(net, digits.test_x, digits.test_y)
turned = certainty(net, digits.test_x.rot90(1, dims=(2, 3)), digits.test_y)
groups = {"right": (probability[right], std[right]), "wrong": (probability[~right], std[~right])}
groups["turned"] = turned[:2]
print(f"{'':8} {'images':>6} {'probability':>12} {'std':>6}")
for name, (sure, spread) in groups.items():
    print(f"{name:8} {len(sure):6} {sure.mean().item():12.2f} {spread.mean().item():6.2f}")
print(f"Of the turned digits {turned[2].double().mean().item():.0%} are named rightly,")
print(f"and {(turned[0] > 0.9).double().mean().item():.0%} are named with a probability above 0.9.")

# %% [markdown]
# The passes differ where the network has doubts. But read the last line, too:
# a network can agree with itself and be wrong. A small standard deviation is no proof.
#
# ## Experiment: knowing by heart
#
# A network with two convolutions and 256 hidden units learns to tell photographs from 32×32 patches of them.
# It gets 500 patches, few enough to know by heart.
# It is trained with your layer before the hidden layer and behind it, for `p` = 0, 0.2, 0.5 and 0.8,
# with three seeds each. Loss and accuracy are measured without dropout, on the training patches
# and on patches that the network has never seen. It takes about a minute on two CPU cores.
#
# **Predict first.** Write down, before you run the cell:
# for which `p` will the *training* loss be lowest after the last epoch, and for which the *validation* loss?
# Which validation loss stops falling first, if the spread of the seeds lets you tell?
# Will the validation *accuracy* tell the same story as the validation loss?
# A wrong prediction costs nothing. A missing reason does.

# %% [markdown] question="do-torch-predict" points=2
# *Your prediction here, with a reason for each.*

# %% experiment="gap"
from lab.experiments import dropout as experiment

results = experiment.compare(Dropout, size="short")
experiment.plot_gap(results)

# %% experiment="gap-accuracy"
experiment.plot_accuracy(results)

# %% [markdown]
# **Explain.** Compare the pictures with your prediction, and say where it was wrong.
# Then explain what the gap between the two losses says, and what dropout does to it as `p` grows.
# What is the price, in training loss and in epochs?
# Which differences are no larger than the spread of the three seeds?

# %% [markdown] question="do-torch-explain" points=3
# *Your explanation here.*

# %% [markdown]
# You have built dropout with gradients, for units and for channels, and asked a network how sure it is.
# Go back to *What goes wrong* in the chapter and explain each case with your layer.
