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
# # Transfer learning in PyTorch
#
# A network has seen 25,000 images of other things. You have a hundred of your own.
# Here you write the seven small functions that a transfer needs: freeze a backbone and mean it,
# put a new head on it, compute features once, give each stage its own learning rate,
# and thaw one stage after another.
# Most mistakes here raise no error. The network trains, only worse than it could.
# At the end your functions train a real network in five ways, and you see which was worth its price.
#
# **Time.** About two hours, the experiment included.
#
# **Words.** The **backbone** turns images into features, the **head** turns features into scores,
# {eq}`tl-split`. The backbone is an `nn.Sequential` of named **stages**, such as `stem`, `stage1`, `pool`.
# A parameter is **frozen** if its `requires_grad` is False.
# `eq. (…)` is an equation of the chapter *Transfer learning*.
#
# **Devices.** Your functions work where the backbone is. Nobody else needs to know where that is.

# %%
import copy
from collections import OrderedDict

import torch
from torch import nn

import autograder

check = autograder.checks("11-transfer-learning/transfer_torch")
F = nn.functional

# %% [markdown]
# ## Three traps to know first
#
# **A frozen network still changes.** `requires_grad = False` concerns parameters.
# The running mean and variance of batch normalization are none: they are buffers.
# In training mode every forward pass moves them, and no gradient is needed for it.
#
# **The mode belongs to every module.** `model.train()` goes through all modules of the model.
# It also wakes a layer that you have put into evaluation mode a line before.
#
# **A name on the wrong object.** `backbone.requires_grad = False` gives the module a new attribute,
# which nobody reads. No parameter is frozen, and no error is raised.
# The method with the underscore at its end does it: `backbone.requires_grad_(False)`.

# %% listing="traps"
layer = nn.BatchNorm2d(2)
for p in layer.parameters():
    p.requires_grad = False
batch = torch.arange(24.0).reshape(3, 2, 2, 2)
layer(batch)
print("frozen, and yet its running mean is", layer.running_mean)

layer.eval()
around = nn.Sequential(layer)
around.train()
print("in evaluation mode, until the model is told to train:", layer.training)

other = nn.Linear(2, 3)
other.requires_grad = False
print("other.requires_grad = False leaves", [p.requires_grad for p in other.parameters()])

# %% [markdown]
# **Question** (4 minutes). A friend has frozen all parameters of a backbone with batch normalization.
# He calls `model.train()`, trains the head for a thousand steps with batches of eight images,
# and saves the model.
# Two things about the backbone's **answers** are not as he thinks: one during training, one afterwards.
# Which are they? Would it have helped him to compare the saved parameters with the old ones?
# What should he have compared?

# %% [markdown] question="tl-torch-frozen" points=2
# *Your answer here.*

# %% [markdown]
# ## 1. Freeze a backbone, and mean it (●●○, 15 minutes)
#
# Write a module that wraps a backbone and leaves it alone, whatever happens around it:
#
# - No parameter of the backbone requires a gradient, from the start.
# - The backbone computes in evaluation mode, {eq}`tl-bn-frozen`, even after `model.train()` of a model
#   that contains the wrapper. PyTorch tells the modules one by one: it calls the method `train(mode)`
#   of each child. So a wrapper that has a `train` of its own decides what happens.
# - The features have no graph. A head can still be trained on them.
#
# `module.train(mode)` returns the module, so that `model = Model().train()` works; keep that.
# `module.eval()` calls `self.train(False)`. You need not write it.


# %% solution="FrozenBackbone"
class FrozenBackbone(nn.Module):
    """A backbone that training leaves alone: no gradients, and always evaluation mode, {eq}`tl-bn-frozen`."""

    def __init__(self, backbone):
        """backbone: a module. It becomes a part of this one, as self.backbone."""
        super().__init__()
        ### BEGIN SOLUTION
        self.backbone = backbone.requires_grad_(False)
        self.backbone.eval()
        ### END SOLUTION

    def train(self, mode=True):
        """Called for every change of mode. The backbone stays in evaluation mode. Returns self."""
        ### BEGIN SOLUTION
        super().train(mode=mode)
        self.backbone.eval()
        return self
        ### END SOLUTION

    def forward(self, images):
        """images: (N, C, H, W). Returns the features of the backbone, (N, D), without a graph.

        Example: the backbone is one nn.BatchNorm1d(1) with running mean 3, running variance 4 and eps 0.
        An image 5 gets the feature (5 - 3) / 2 = 1, before and after train().
        """
        ### BEGIN SOLUTION
        with torch.no_grad():
            return self.backbone(images)
        ### END SOLUTION


# %% check="FrozenBackbone" points=7
check(FrozenBackbone)

# %% [markdown]
# ## 2. A new head (●○○, 5 minutes)
#
# The source's head names the source's classes. Yours are others, and there are fewer of them.
# So a new linear layer comes in its place. What should its weights be at the start?
# A head of random weights sends noise into the backbone at the first step, {eq}`tl-fresh-head`.
# A head of zeros sends nothing, and still learns: its own gradient is not zero, {eq}`tl-gradient`.


# %% solution="new_head"
def new_head(width, classes):
    """A linear layer that begins with zeros, {eq}`tl-fresh-head`.

    From features (N, width) to scores (N, classes), {eq}`tl-scores`. Returns an nn.Linear with weight
    and bias, all zero, which can be trained.

    Example: new_head(128, 10) has 1290 parameters, and every score is 0 before the first step.
    """
    ### BEGIN SOLUTION
    layer = nn.Linear(width, classes)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
    ### END SOLUTION


# %% check="new_head" points=3
check(new_head)

# %% [markdown]
# ## 3. Compute the features once (●●○, 12 minutes)
#
# A frozen backbone gives the same features in every epoch. So compute them once and keep them, {eq}`tl-cost`.
# The head then trains on arrays of 128 numbers an image, hundreds of epochs in a second.
#
# - Go through the images in batches of at most `batch_size`: the pixels in between need far more memory
#   than the features. The last batch may be smaller, and it counts, too.
# - The images may be on another device than the backbone. Each batch goes to the backbone, and
#   the features stay there.
# - Evaluation mode, no graph. Afterwards every module is in the mode that it had before.
#   Some may have been in training mode and some not.
#
# A head is trained on these features later. PyTorch refuses to train on what was computed under
# `torch.inference_mode()`; `torch.no_grad()` has no such trouble.


# %% solution="cache_features"
def cache_features(backbone, images, batch_size=250):
    """The features of all images, computed in evaluation mode and in batches, without a graph, {eq}`tl-cost`.

    images: (N, C, H, W), on any device. Returns (N, D) in the order of the images, on the device of the
    backbone's parameters and in the dtype of what it computes. Every module of the backbone is in the same
    mode afterwards as before.

    Example: 7 images and batch_size = 3: the backbone sees batches of 3, 3 and 1 images; 7 rows come back.
    """
    ### BEGIN SOLUTION
    was = {module: module.training for module in backbone.modules()}
    where = next(backbone.parameters()).device
    backbone.eval()
    with torch.no_grad():
        parts = [backbone(images[i : i + batch_size].to(where)) for i in range(0, len(images), batch_size)]
    for module in was:
        module.training = was[module]
    return torch.cat(parts)
    ### END SOLUTION


# %% check="cache_features" points=5
check(cache_features)

# %% [markdown]
# **Question** (6 minutes). A cache that is filled from augmented images holds one draw of each image, says
# *What it costs* in the chapter. `nn.Sequential(RandomFlip(), backbone)` goes into your function: the layer
# of chapter 10 mirrors images in training mode. Does your cache hold such a draw? Why?
#
# A friend wants both augmentation and a cache. Her backbone is frozen, in evaluation mode.
# She caches R draws of each image, and each step of her head takes one of the R by lot.
# What must she cache of mirrored images, so that her head is trained as it would be without a cache?
# Why are two random draws of each image not enough for that?
# Then she crops the images and changes their brightness as well. What does her head miss now, whatever R is,
# and how would its loss show that? She trains for E epochs: from which R on does the cache save no pass
# of the backbone, {eq}`tl-cost`?

# %% [markdown] question="tl-torch-cache" points=2
# *Your answer here.*

# %% [markdown]
# ## Worked example: what a group of parameters is
#
# An optimizer has a list `param_groups`. Each group is a dict with its parameters under `"params"`
# and its own value of every setting, such as `"lr"`.
# You hand in a list of dicts. What a dict does not name is taken from the optimizer's defaults.
#
# Never ask `p in list_of_tensors`: `==` compares tensors number by number, and the answer is an error,
# or an accident. A parameter is known by its identity: `p is q`, or `id(p)`.

# %% listing="groups"
first, second = nn.Linear(2, 1), nn.Linear(1, 1)
optimizer = torch.optim.SGD(
    [{"params": first.parameters(), "lr": 0.5}, {"params": list(second.parameters())}], lr=0.1, momentum=0.9
)
for group in optimizer.param_groups:
    print([tuple(p.shape) for p in group["params"]], "lr", group["lr"], "momentum", group["momentum"])

# %% [markdown]
# ## 4. A learning rate for each stage (●●○, 12 minutes)
#
# First stages see edges and colours, which most images share. The last ones see what the source was about.
# So let the last stages move further than the first, {eq}`tl-group-rates`: the head has the rate `lr`,
# the last stage `lr * decay`, the one before `lr * decay**2`, and so on.
#
# Two details. A stage without parameters, such as `pool`, does not count: no power of `decay` is lost on it.
# And frozen parameters are left out, those of the head too. A stage of which some or all parameters
# are frozen does count, so that no rate depends on what is frozen; a group without parameters is not wanted.


# %% solution="parameter_groups"
def parameter_groups(backbone, head, lr, decay):
    """Groups for an optimizer: the head, then the stages from the last to the first, {eq}`tl-group-rates`.

    backbone: an nn.Sequential of stages. head: a module. Returns a list of dicts with the keys "params",
    a list of parameters, and "lr": lr for the head, lr * decay for the last stage that has parameters,
    lr * decay**2 for the one before. Frozen parameters are in no group, and no group is empty.

    Example: stages a, b and pool, which has no parameters, lr = 0.1, decay = 0.5: three groups,
    for the head, b and a, with the rates 0.1, 0.05 and 0.025.
    """
    ### BEGIN SOLUTION
    with_parameters = [stage for stage in backbone if any(True for _ in stage.parameters())]
    groups = []
    for k, part in enumerate([head, *reversed(with_parameters)]):
        trained = [p for p in part.parameters() if p.requires_grad]
        if trained:
            groups.append({"params": trained, "lr": lr * decay**k})
    return groups
    ### END SOLUTION


# %% check="parameter_groups" points=5
check(parameter_groups)

# %% [markdown]
# ## 5. Freeze all but the last stages (●●○, 10 minutes)
#
# With `n` stages from the end the fine-tuning begins: these get gradients, and **all others none**,
# whatever they had before. Again, stages without parameters do not count.
#
# `n = 0` freezes the whole backbone, and an `n` beyond the number of stages opens all of it.
# Python's slices count from the end in a way of their own. Try `[1, 2, 3][-0:]` before you rely on them.


# %% solution="unfreeze_last"
def unfreeze_last(backbone, n):
    """Let the last n stages that have parameters require gradients, and no other stage.

    backbone: an nn.Sequential of named stages. Returns the names of the n stages, a list in the order of the
    backbone. Only requires_grad changes: the mode of every module stays as it is.

    Example: stages stem, stage1 and pool, which has no parameters. n = 1 opens stage1 and returns ["stage1"];
    n = 0 returns []; n = 5 returns ["stem", "stage1"].
    """
    ### BEGIN SOLUTION
    named = [(name, stage) for name, stage in backbone.named_children() if [*stage.parameters()]]
    backbone.requires_grad_(requires_grad=False)
    last = named[max(0, len(named) - n) :]
    for _, stage in last:
        stage.requires_grad_()
    return [name for name, _ in last]
    ### END SOLUTION


# %% check="unfreeze_last" points=4
check(unfreeze_last)

# %% [markdown]
# ## 6. Which modules train? (●●○, 10 minutes)
#
# Half of the backbone is frozen now, and half is not: `FrozenBackbone` is for whole backbones.
# Before each training step the modes have to be right:
#
# - Every module is in training mode, dropout too, wherever it stands.
# - Only a batch normalization layer whose parameters are **all** frozen stays in evaluation mode,
#   and its running statistics stay what they are, {eq}`tl-bn-frozen`.
#
# The parameters say what is frozen. So a layer without any, `affine=False`, says nothing: there is none here.
# Batch normalization comes as `nn.BatchNorm1d`, `nn.BatchNorm2d` and `nn.BatchNorm3d`.
# Layer and group normalization keep no statistics: for them the mode makes no difference.


# %% solution="set_modes"
def set_modes(model):
    """Training mode, but a batch normalization layer whose parameters are all frozen is in evaluation mode.

    model: any module, in whatever modes; each of its batch normalization layers has parameters. It is changed
    in place; parameters and their requires_grad are not.

    Example: nn.Sequential(nn.BatchNorm2d(3), nn.Dropout(0.1)) with frozen parameters: after the call the
    first one is in evaluation mode, the second one in training mode.
    """
    ### BEGIN SOLUTION
    model.train()
    for layer in model.modules():
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
            layer.train(any(p.requires_grad for p in layer.parameters()))
    ### END SOLUTION


# %% check="set_modes" points=4
check(set_modes)

# %% [markdown]
# ## 7. Thaw a stage while training goes on (●●○, 12 minutes)
#
# In gradual unfreezing the next stage joins after some epochs (Howard and Ruder 2018).
# Gradients are not enough: an optimizer moves what it was given, and nothing else.
# A new optimizer would work. But it would forget the velocities of all parameters that train already.
# `optimizer.add_param_group({"params": [...], "lr": ...})` adds a group to the old one.
# It refuses a parameter that it has already.
#
# A program that goes through epochs may ask for the same stage twice. The second call changes nothing.


# %% solution="thaw"
def thaw(optimizer, stage, lr):
    """Let a stage require gradients, and the optimizer train it with the rate lr from now on.

    The parameters of the stage that the optimizer does not have yet become one new group. Its other settings,
    such as momentum, are the optimizer's defaults. Parameters that the optimizer has keep their group and
    their rate. If none is new, no group is added. Everything else stays as it is: the defaults, and
    gradients, state and settings of the other parameters.

    Example: an optimizer with one group for the head. thaw(optimizer, stage, 0.01) gives it a second one,
    with the rate 0.01; the same call again leaves it with two.
    """
    ### BEGIN SOLUTION
    stage.requires_grad_()
    has = {id(q) for group in optimizer.param_groups for q in group["params"]}
    new = [p for p in stage.parameters() if id(p) not in has]
    if new:
        optimizer.add_param_group({"params": new, "lr": lr})
    ### END SOLUTION


# %% check="thaw" points=4
check(thaw)

# %% [markdown]
# **Question** (6 minutes). *What goes wrong* in the chapter knows both of these mistakes. How far do they go?
#
# A friend builds `optimizer = torch.optim.SGD(model.parameters(), lr=0.01)`, without momentum and decay,
# and then writes `model[1] = new_head(128, 10)`. No part is frozen. The chapter says what becomes of
# the new head's parameters. What becomes of the backbone's, {eq}`tl-features-gradient`?
# Which number is the training loss after a thousand steps, with ten classes?
# With `model[1] = nn.Linear(128, 10)` in its place, what is different, and why is it harder to notice?
#
# Another friend freezes a stage in the middle of the training, by `requires_grad_(False)`, and calls
# `optimizer.zero_grad(set_to_none=False)` in each step. His optimizer has momentum 0.9 and no weight decay.
# One of the frozen stage's parameters had the velocity v in the last step before. How far does it still move,
# in all? And what becomes of it with weight decay?
#
# For each friend write one line that would have shown him what is wrong.

# %% [markdown] question="tl-torch-optimizer" points=2
# *Your answer here.*

# %% [markdown]
# ## Parity: two ways that must agree
#
# No library has these functions, but three things have to agree, whatever the network is:
#
# - A head on a `FrozenBackbone` and a head on `cache_features` are trained by the same batches. Both end with
#   the same weights, though one of them never saw an image.
# - A frozen batch normalization is a scale and a shift, {eq}`tl-bn-frozen`. PyTorch can multiply them into
#   the convolution before it, `fuse_conv_bn_eval`. The features stay what they are.
# - With `decay = 1` your groups train as one group of all parameters does.
#
# A number up to about 1e-12 is rounding. The network here is a small one with random weights, on the CPU:
# some GPUs have no numbers of 64 bits.


# %% listing="small-network"
def small_network(seed=0):
    """A backbone of three stages with batch normalization, in 64 bits, after some batches in training."""
    torch.manual_seed(seed)
    backbone = nn.Sequential(
        OrderedDict(
            stem=nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU()),
            stage1=nn.Sequential(nn.Conv2d(6, 12, 3, stride=2), nn.BatchNorm2d(12), nn.ReLU()),
            pool=nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        )
    )
    for _ in range(20):
        backbone(1 + 2 * torch.randn(16, 3, 12, 12))
    return backbone.double()


def train_steps(model, optimizer, x, y, steps=30, size=10):
    """Steps of cross-entropy on batches that follow each other; x may be images or features."""
    model.train()
    for step in range(steps):
        rows = (torch.arange(size) + step * size) % len(x)
        optimizer.zero_grad()
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()


# %% experiment="parity"
def largest_gap(one, other):
    return f"{max((p - q).abs().max().item() for p, q in zip(one, other, strict=True)):.0e}"


generator = torch.Generator().manual_seed(1)
y = torch.randint(4, (40,), generator=generator)
colours = 2 * torch.randn(4, 3, 1, 1, dtype=torch.float64, generator=generator)
x = torch.randn(40, 3, 12, 12, dtype=torch.float64, generator=generator) + colours[y]
heads = [new_head(12, 4).double() for _ in range(2)]
whole = nn.Sequential(FrozenBackbone(small_network()), heads[0])
train_steps(whole, torch.optim.SGD(heads[0].parameters(), lr=0.1), x, y)
features = cache_features(small_network(), x, batch_size=16)
train_steps(heads[1], torch.optim.SGD(heads[1].parameters(), lr=0.1), features, y)
print("head on a frozen backbone, head on cached features:", largest_gap(*(h.parameters() for h in heads)))

backbone = small_network().eval()
fused = copy.deepcopy(backbone)
for stage in (fused.stem, fused.stage1):
    stage[0] = torch.nn.utils.fusion.fuse_conv_bn_eval(stage[0], stage[1])
    stage[1] = nn.Identity()
frozen = FrozenBackbone(backbone).train()
print("batch normalization multiplied into its convolution:", largest_gap(frozen(x), fused(x)))

models = [nn.Sequential(small_network(), new_head(12, 4).double()) for _ in range(2)]
groups = parameter_groups(models[0][0], models[0][1], lr=0.1, decay=1.0)
for model, parameters in zip(models, (groups, models[1].parameters()), strict=True):
    train_steps(model, torch.optim.SGD(parameters, lr=0.1, momentum=0.9), x, y)
print("groups with decay 1, one group:", largest_gap(*(model.parameters() for model in models)))

# %% [markdown]
# ## What a fresh head sends back
#
# Here is the first step of {eq}`tl-fresh-head` in numbers: the gradient that reaches the stem through a head
# of zeros, through a head of random weights, and through a head that was trained on cached features first.

# %% experiment="first-step"
heads = {
    "a head of zeros": new_head(12, 4),
    "a head of random weights": nn.Linear(12, 4),
    "a head that was trained first": new_head(12, 4),
}
for head in heads.values():
    head.double()
nn.init.normal_(heads["a head of random weights"].weight, std=12**-0.5)
probe = heads["a head that was trained first"]
train_steps(probe, torch.optim.SGD(probe.parameters(), lr=0.5), features, y, steps=2000, size=40)
for name, head in heads.items():
    backbone = small_network().eval()
    F.cross_entropy(head(backbone(x)), y).backward()
    arrived = backbone.stem[0].weight.grad.norm().item()
    print(f"{name:30} sends a gradient of length {arrived:.4f} to the stem")

# %% [markdown]
# The trained head sends little because its errors are small. {eq}`tl-probe-first` promises no more than that.
# Put `y = y[torch.randperm(40)]` into the first line of the cell above and run it: labels that have nothing
# to do with the images cannot be fitted. What does the trained head send now? By {eq}`tl-features-gradient`
# the size of its weights is a factor of it.
# Then remove the line, and run the code below *Parity* again: it makes the old labels anew.
#
# ## Experiment: five ways to use a source (10 minutes)
#
# The source has learned 100 kinds of things from CIFAR-100. The target is to say from which of ten
# photographs a patch of 32 × 32 pixels comes, with ten patches of each. Your functions do it in five ways:
#
# - **from scratch**: the same architecture with random weights, all of it trained, half as long again,
#   with three times the rate, and on images that are prepared by their own statistics;
# - **frozen**: `cache_features`, and a linear head on the features; nothing else is trained;
# - **fine-tuned**: begins with that head, then all parts train at one rate;
# - **rates per stage**: the same with `decay = 0.3` in your `parameter_groups`;
# - **gradual**: one rate, but `unfreeze_last` opens one stage at first, and `thaw` one more in each quarter.
#
# Before every step your `set_modes` sets the modes. While fine-tuning, no stage that trains may be
# under `torch.no_grad()`: its gradients would be None, it would not move, and nobody would complain.
#
# **Predict first.** Write down before you run the cell: which of the five is best, and which is worst?
# In the second picture, linear CKA compares the features to those at the start, {eq}`tl-cka`: the source's,
# or random ones where the network is trained from scratch. Where will it end lowest?
# Then the same for handwritten digits, which look like nothing in CIFAR-100.
# A wrong prediction costs nothing. A missing reason does.

# %% [markdown] question="tl-torch-predict" points=2
# *Your prediction here, with a reason for each.*

# %% experiment="five-ways"
from lab.experiments import transfer

mine = transfer.Tools(
    FrozenBackbone, new_head, cache_features, parameter_groups, unfreeze_last, set_modes, thaw
)
photographs = transfer.compare(mine, target="photos", per_class=10, size="short")
transfer.plot_methods(photographs)

# %% experiment="five-ways-curves"
transfer.plot_curves(photographs)

# %% experiment="digits"
digits = transfer.compare(mine, target="digits", per_class=10, size="short")
transfer.plot_methods(digits)

# %% experiment="digits-curves"
transfer.plot_curves(digits)

# %% [markdown]
# **Explain.** Compare the pictures with your prediction, and say where it was wrong.
# Which differences are larger than the spread of the three seeds?
# What did fine-tuning change in the features, and did it pay?
# "From scratch" takes 120 steps and the others 80, but "frozen" takes none: what does each way cost?
# Which would you try first on a target of your own, and what would make you try another one?

# %% [markdown] question="tl-torch-explain" points=3
# *Your explanation here.*

# %% [markdown]
# You have fine-tuned a network, and you know which of its parts moved and why.
# Go back to *What goes wrong* in the chapter, and explain each case that your functions can show.
