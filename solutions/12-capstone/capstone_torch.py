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
# # The capstone: a network within a budget
#
# Here you build the best network that you can, within a budget that is the same for everybody.
# You hand in this notebook and one file of weights, `capstone.npz`. They are graded on images
# that nobody has seen before: they are cut anew from the photographs when your work is graded.
#
# But the accuracy is the smaller part. The larger one is what you can **say** about your network:
# which of its parts helped, how sure you are, and what you do not know.
#
# **Time.** About three hours, and some minutes in which the computer trains. Begin early:
# whoever compares three tricks with three seeds trains twelve networks.
#
# **Points.** The checks give 40, ten of them for `predict`. A reader gives 32: your plan 3, the table 10,
# its reading 10, the report 6, what failed 3.
#
# **The budget.**
#
# - *File*: the numbers in `capstone.npz` take at most 500,000 bytes, {eq}`cp-budget`. The file, with the
#   names in it, may have 520,000 bytes. A larger one is not read. Other files of arrays share this room:
#   hand in none.
# - *Time*: training takes at most 300 seconds on two CPU cores, for all networks in the file **together**.
#   Searching and ablations are not counted, but they are reported.
# - *Data*: the training images of `photo_patches`. No other data, no weights from elsewhere.
# - Ensembles, mirrored images at test time and numbers of 16 or 8 bits are allowed. They cost what they cost,
#   and they are reported. Sections 3 and 5 are checked with 16 bits; section 5 says how to go on to 8.
#
# **The rule.** The test images are not trained on, and nothing is chosen by them: no network, no rate,
# no number of epochs. What is chosen is chosen on a part of the training images. Whoever breaks the rule
# measures nothing any more, and the report has to say which images chose what.
#
# **Words.** A **trick** is one thing that may be switched on or off. `eq. (…)` is an equation of the
# chapter *The capstone*.

# %%
from pathlib import Path

import numpy as np
import torch
from torch import nn

import autograder
from lab.ladder import Tricks
from lab.ladder_net import network

check = autograder.checks("12-capstone/capstone_torch")
F = nn.functional

# %% [markdown]
# ## 1. From pixels to a network (●○○, 8 minutes)
#
# Images come as bytes, 0 to 255, with the colours last. The network wants floating point numbers,
# with the colours first, and each channel standardized: minus its mean, divided by its standard deviation.
#
# Three traps. Bytes wrap around: 10 - 20 is 246. The mean and the deviation are those of pixels **divided
# by 255**. And images may be views, such as `images[:, :, ::-1]`: PyTorch takes no negative strides.


# %% solution="to_network"
def to_network(images, mean, std):
    """Bytes as a network wants them.

    images: uint8 (N, H, W, C), an array or a view of one; it is not changed. mean, std: arrays (C,), of the
    pixels divided by 255. Returns a tensor (N, C, H, W) of float32: each channel divided by 255, minus its
    mean, divided by its std.

    Example: a pixel 102 is 0.4; with the mean 0.5 and the deviation 0.2 it becomes -0.5.
    """
    ### BEGIN SOLUTION
    x = (images / 255 - mean) / std
    return torch.tensor(x.transpose(0, 3, 1, 2), dtype=torch.float32)
    ### END SOLUTION


# %% check="to_network" points=3
check(to_network)

# %% [markdown]
# ## 2. How many numbers does it hold? (●○○, 8 minutes)
#
# A budget counts what must be stored, {eq}`cp-budget`. These are not only the numbers that training moves:
# without the running mean and variance of batch normalization the network is another one.
# They are buffers. PyTorch also stores a counter, `num_batches_tracked`. It is an integer, it
# changes no answer,
# and here it does not count.
#
# One tensor may stand in two places of a model: two layers that share their weights. It is stored once.


# %% solution="stored_numbers"
def stored_numbers(model):
    """How many numbers must be stored, so that the model answers as it does, {eq}`cp-budget`.

    All parameters, frozen ones too, and all buffers of floating point numbers; a tensor that stands in two
    places counts once. Returns an int.

    Example: nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)) has 6 + 2 in its first layer,
    2 + 2 parameters and 2 + 2 running statistics in its second: 16.
    """
    ### BEGIN SOLUTION
    held = [*model.parameters(), *model.buffers()]
    return sum(values.numel() for values in held if values.is_floating_point())
    ### END SOLUTION


# %% check="stored_numbers" points=3
check(stored_numbers)

# %% [markdown]
# ## 3. Pack it (●●○, 8 minutes)
#
# A file of NumPy arrays, `np.savez`, holds a network on any machine. Numbers of 16 bits take half the room of
# numbers of 32, and are rounded by at most one part in 2048, {eq}`cp-half`. That is no harm to a network
# whose training was full of noise.
#
# What you pack is a photograph of this moment. Training may go on, and it must not change the photograph.
# Nor may the photograph change the model: `model.half()` works in place.


# %% solution="pack"
def pack(model):
    """The state of a model as NumPy arrays, by the names of its state_dict, {eq}`cp-half`.

    Floating point numbers become float16; integers keep their dtype. The arrays have memory of their own:
    nothing that happens to the model later changes them. The model stays as it is.

    Example: the entries of nn.BatchNorm1d(2) are "weight", "bias", "running_mean", "running_var", each (2,)
    of float16, and "num_batches_tracked", () of int64.
    """
    ### BEGIN SOLUTION
    arrays = {}
    for name, values in model.state_dict().items():
        kept = values.half() if values.is_floating_point() else values
        arrays[name] = kept.cpu().numpy().copy()
    return arrays
    ### END SOLUTION


# %% check="pack" points=2
check(pack)

# %% [markdown]
# ## 4. And unpack it (●●○, 12 minutes)
#
# A file may be the wrong one: of last week's network, with a layer more, or with other widths.
# Then nothing is loaded, not even the half that fits, and the error says **what** does not fit.
#
# Beware of the helpful: a tensor of shape (4,) takes an array of shape (1,) or () without a word.


# %% solution="unpack"
def unpack(model, arrays):
    """Load arrays, as pack returns them, into the model, in place.

    arrays: by name; every name of the model's state_dict and no other, each of the shape of its tensor.
    Else: ValueError, whose text has one such name, and the model stays as it was. Parameters and buffers
    keep their dtype and device, and remain the same tensors: an optimizer that has them still has them.

    Example: arrays without "bias" raise ValueError("bias ...").
    """
    ### BEGIN SOLUTION
    state = model.state_dict()
    for name in sorted(state.keys() | arrays.keys()):
        expected = tuple(state[name].shape) if name in state else "nothing"
        came = np.shape(arrays[name]) if name in arrays else "nothing"
        if expected != came:
            raise ValueError(f"{name}: {expected} was expected, {came} came")
    for name, values in state.items():
        values.copy_(torch.as_tensor(arrays[name]))
    ### END SOLUTION


# %% check="unpack" points=4
check(unpack)

# %% [markdown]
# ## 5. Your network (●●○, 10 minutes, and as long as you like)
#
# Here you say what you train. Begin with the network of the ladder: `network(tricks, channels, seed)` has
# eight convolutions, and `channels=8` makes about 104,000 numbers. `Tricks(batch_norm=True)` is what changes
# its layers. Later come back and build one of your own, layer by layer if you like.
#
# What does `channels=16` cost, by {eq}`cp-conv-parameters`? Four times as much, and a file of 16 bits
# is too large.
#
# The network of this section must fit with 16 bits, as `pack` stores them. Whoever stores 8 bits can have
# up to twice as many numbers: build that network in a function of another name, with packing and unpacking
# of its own. What `predict` needs of it belongs into the cell of section 9.
# The file also holds a name and a header for each array, about 260 bytes: that is what the last 20,000 of its
# 520,000 bytes are for.


# %% solution="build_network"
def build_network(seed=0):
    """A network of your own, with random weights drawn from this seed.

    From images (N, 3, 32, 32) as to_network makes them to scores (N, 10), one for each class, before any
    softmax. As float16 its stored numbers take at most 500,000 bytes, {eq}`cp-budget`. It has the same layers
    for every seed.
    """
    ### BEGIN SOLUTION
    return network(Tricks(batch_norm=True), 8, seed)
    ### END SOLUTION


# %% check="build_network" points=2
check(build_network)

# %% [markdown]
# ## 6. Train until the time is up (●●○, 12 minutes)
#
# With a budget of seconds nobody knows beforehand how many epochs there will be. So the learning rate
# cannot be a function of the epoch. It can be one of the **share of the time that is spent**, {eq}`cp-time`:
# 0 at the start, 1 at the end, on a slow machine and on a fast one.
#
# Stop before the budget is broken, not after: an epoch begins only if the **longest** one so far would fit.
# The first epoch always begins. Fitting exactly is fitting.


# %% solution="train_within"
def train_within(epoch, seconds, clock):
    """Call epoch(share) again and again, as long as the time lasts, {eq}`cp-time`.

    epoch: trains for a while; share is the part of the budget that is spent when it begins, 0 at first.
    seconds: the budget, more than 0. clock: clock() is the time in seconds since some moment, such as
    time.perf_counter. The next epoch begins if the time spent plus the longest epoch so far is at most
    `seconds`. Returns the number of epochs.

    Example: seconds = 8, and epochs take 2, 3, 2 and 2 seconds. They begin at the shares 0, 0.25 and 0.625;
    then 7 seconds are spent, 7 + 3 > 8, and 3 is returned.
    """
    ### BEGIN SOLUTION
    start = begun = clock()
    epochs, longest = 0, 0.0
    while begun - start + longest <= seconds:
        epoch((begun - start) / seconds)
        ended = clock()
        longest = max(longest, ended - begun)
        begun = ended
        epochs += 1
    return epochs
    ### END SOLUTION


# %% check="train_within" points=4
check(train_within)

# %% [markdown]
# ## 7. Many networks, two views (●●○, 12 minutes)
#
# The cross-entropy of a mean of probabilities, {eq}`cp-ensemble`, is never above the mean of the members'
# cross-entropies. Mostly it is right more often, too.
# A network can also be asked twice: about the image, and about its mirror image. Left and right change
# places, so it is the **last** axis that turns.
#
# It is asked in evaluation mode and without a graph. Afterwards each module has the mode that it had before.


# %% solution="mean_probabilities"
def mean_probabilities(models, x, batch):
    """The mean of the probabilities of all models for each image and its mirror image, {eq}`cp-ensemble`.

    models: a list of M modules from images to scores (N, K). x: (N, C, H, W). A model gets at most `batch`
    images at a time; a smaller last batch counts as well. Probabilities are the softmax of scores. Returns a
    tensor (N, K), without a graph: the mean over 2 M of them. Models are asked in evaluation mode; afterwards
    each of their modules has the mode that it had before.

    Example: one model gives an image (0.6, 0.4) and its mirror image (0.2, 0.8): the result is (0.4, 0.6).
    """
    ### BEGIN SOLUTION
    was = [(part, part.training) for model in models for part in model.modules()]
    for model in models:
        model.eval()
    rows = []
    with torch.no_grad():
        for part in x.split(batch):
            p = [model(view).softmax(dim=1) for model in models for view in (part, part.flip(-1))]
            rows.append(torch.stack(p).mean(dim=0))
    for module, training in was:
        module.training = training
    return torch.cat(rows)
    ### END SOLUTION


# %% check="mean_probabilities" points=4
check(mean_probabilities)

# %% [markdown]
# ## 8. What each trick is worth (●●○, 12 minutes)
#
# Switch one trick off, leave all others on, and look what is lost: {eq}`cp-leave-one-out`.
# Both networks begin with the same seed, so their difference is taken seed by seed, {eq}`cp-seeds`.
#
# Trainings are dear. With K tricks and S seeds there are (K + 1) S of them, and none is done twice.


# %% solution="leave_one_out"
def leave_one_out(train, tricks, seeds):
    """What is lost without each of the tricks, seed by seed, {eq}`cp-leave-one-out`.

    train: train(chosen, seed) trains a network with a frozenset of tricks and returns its accuracy. tricks:
    a list of names. seeds: a list of integers. Returns a dict: for each trick an array (S,), the accuracy
    with all tricks minus that with all but this one, in the order of the seeds; positive if the trick helps.
    Each network is trained once.

    Example: train gives 0.8 with both of {"flip", "crop"}, 0.7 with "flip" alone and 0.85 with "crop" alone,
    for each of two seeds: {"flip": array([-0.05, -0.05]), "crop": array([0.1, 0.1])}.
    """
    ### BEGIN SOLUTION
    everything = frozenset(tricks)
    whole = np.array([train(everything, seed) for seed in seeds])
    losses = {}
    for trick in tricks:
        without = np.array([train(everything - {trick}, seed) for seed in seeds])
        losses[trick] = whole - without
    return losses
    ### END SOLUTION


# %% check="leave_one_out" points=4
check(leave_one_out)

# %% [markdown]
# ## Before you train
#
# **Look at the spread first.** Here are two rungs of the ladder in a small form, one trick
# apart, with three seeds each. The program is `lab.ladder`; the chapter has the whole ladder.
# How far are the seeds of one rung apart, and how far the means of the two?
# It is measured on the test images. That is fair, as nothing is chosen by it: leave it at that.
# Six trainings took five minutes on two cores that had other work, too.

# %% experiment="rungs"
from lab import ladder

rungs = {name: ladder.RUNGS[name] for name in ("flip", "crop")}
*_, rung_results = ladder.ladder(rungs=rungs)
ladder.plot_ladder(rung_results)

# %% [markdown]
# **Which images may choose.** All patches of one class come from one photograph. It is divided into cells of
# 64 × 64 pixels: a quarter of them are test cells, and the others are training cells.
# Patches of one cell overlap. So a validation image must come from a cell that **no** training image is from:
# otherwise the network has seen half of its pixels. `photo_patches.training_cells()` says
# which cell each training image is from. Below, every sixth cell is held back.
#
# **Your plan** (10 minutes). Write it down before you train, and do not change it afterwards.
# A wrong prediction costs nothing. A missing reason does.
#
# 1. Which tricks will you compare, and for which one do you expect the largest loss when it is left out?
#    How many points, and how large will the standard deviation over the seeds be?
# 2. How will you spend the bytes and the seconds: one network or several, of which width,
#    in which format, and why?
# 3. Three accuracies of your network: on the training images, on the held-back cells, on fresh images.
#    In which order will they be, and why?
#
# And keep a list of **all** runs from the first one on, with what was changed: the report asks for it.

# %% [markdown] question="cp-plan" points=3
# *Your plan here, with reasons.*

# %% [markdown]
# ## Train (10 minutes)
#
# This cell trains one network for `SECONDS` and saves it. Change what you like in it: it is yours.
# `TRICKS` are those of the ladder; the rate rises over the first fifth of the time and then falls to 0,
# {eq}`cp-time`. It is measured on the held-back cells and, to see how far it has learnt them by heart, on the
# training images, and nowhere else. Its epochs have 1024 images, drawn anew for each: so the clock is read
# often. The cell takes a little more than `SECONDS`.
#
# One thread suits so small a network, and other programs too. With two cores you may train two at a time.

# %% experiment="training"
import time

from lab import data, ladder, photo_patches
from lab.device import pick_device

SECONDS = 60  # of the 300 that you have
TRICKS = {"flip": {"flip": True}, "crop": {"crop": 4}, "penalty": {"weight_decay": 1e-3}}

torch.set_num_threads(1)
device = pick_device()
photos = data.load("photo_patches")
held = photo_patches.training_cells() % 6 == 0
pixels = photos.train_images[~held] / 255
mean, std = pixels.mean(axis=(0, 1, 2)), pixels.std(axis=(0, 1, 2))
x_all = to_network(photos.train_images, mean, std).to(device)
y_all = torch.as_tensor(photos.train_labels).to(device)
rows_held = torch.as_tensor(held).to(device)
x, y = x_all[~rows_held], y_all[~rows_held]


def prepared(names, seed, images=4096, each=None, peak=0.05):
    """A new network, and a function epoch(share) that trains it with these tricks on `each` of the images."""
    settings = {key: value for name in names for key, value in TRICKS[name].items()}
    decay, tricks = settings.pop("weight_decay", 0.0), Tricks(**settings)
    model = build_network(seed).to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), peak, momentum=0.9, nesterov=True, weight_decay=decay)
    draws = torch.Generator(device).manual_seed(seed)

    def epoch(share):
        model.train()
        for group in optimizer.param_groups:
            group["lr"] = peak * min((share + 0.02) / 0.2, (1.02 - share) / 0.8)
        order = torch.randperm(images, generator=draws, device=device)[:each]
        for some in order[: len(order) // 64 * 64].split(64):
            loss = F.cross_entropy(model(ladder.changed(x[some], tricks, draws)), y[some])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"\r{share:4.0%} of the time, loss {loss.item():.2f}", end="")

    return model, epoch


def accuracy_of(models, images, labels):
    return (mean_probabilities(models, images, 250).argmax(dim=1) == labels).float().mean().item()


model, epoch = prepared(TRICKS, seed=0, each=1024)
epochs = train_within(epoch, SECONDS, time.perf_counter)
np.savez("capstone.npz", mean=mean, std=std, **pack(model))
print(f"\n{epochs} epochs in {SECONDS} seconds on {device}, {stored_numbers(model):,} numbers,")
size = Path("capstone.npz").stat().st_size
print(f"a file of {size:,} bytes{'' if size <= 520_000 else ', TOO LARGE: it will not be read'}")
print("accuracy with mirrored images:")
for name, part in (("training images", ~rows_held), ("held-back cells", rows_held)):
    print(f"  {name}: {accuracy_of([model], x_all[part], y_all[part]):.1%}")

# %% [markdown]
# ## 9. Predict (●●●, 15 minutes)
#
# The function that is graded. It gets images and returns labels. Nothing else of your machine is there:
# no data set, no optimizer, and no network but the one in your file. So the file must have **all** it needs,
# also the mean and the standard deviation of the training images.
#
# Graders run this notebook from the top, without the experiments, beside your `capstone.npz`.
# So names of the training cell, such as `model`, `mean` or `device`, are not there: a `predict` that uses
# them works here and fails there. To see it as graders do, save the notebook and run, in its folder,
# `autograder check capstone_torch.ipynb`.
#
# The file is read when this cell runs. So run the cell again after every training,
# and hand in both files together.
#
# Your `predict` may use `unpack`, `to_network` and `mean_probabilities`, or not: it is judged by its labels.
# Of several networks in one file give each name a number in front, such as `0.bias` and `1.bias`.
# Half of the points here depend on the accuracy on fresh images of the test cells, step by step:
# 30 %, 60 %, 75 %, 80 % and 85 % right. What you see on the held-back cells is a fair guess.
# The other half asks what every `predict` must do, however good its weights are.


# %% solution="predict"
def weights_beside(name="capstone.npz"):
    """The arrays of a file beside this notebook, by name; an empty dict while there is no such file."""
    if not Path(name).exists():
        return {}
    with np.load(name) as file:
        return dict(file)


weights = weights_beside()


def predict(images):
    """The classes of images, by the network whose weights are in `capstone.npz`.

    images: uint8 (N, 32, 32, 3), N at least 1; they are not changed. Returns integers (N,), 0 to 9, an array.
    The label of an image does not depend on the other images, nor on their order, nor on earlier calls.
    """
    ### BEGIN SOLUTION
    model = build_network()
    own = {name: values for name, values in weights.items() if name not in ("mean", "std")}
    unpack(model, own)
    x = to_network(images, weights["mean"], weights["std"])
    return mean_probabilities([model], x, 100).argmax(dim=1).numpy()
    ### END SOLUTION


# %% check="predict" points=10
check(predict)

# %% [markdown]
# No check in this notebook knows how often your `predict` is right; only grading does. So ask it about the
# held-back cells. It must come within a point or two of what the training cell has printed. If it does not,
# `predict` does something else: other colours, another mean, or the weights of another run.

# %% experiment="predicted"
labels_held = predict(photos.train_images[held])
right = (labels_held == photos.train_labels[held]).mean()
print(f"predict is right about {right:.1%} of the images from held-back cells")

# %% [markdown]
# ## 10. Your own test (●●●, 15 minutes)
#
# Write the test that you would want before you hand in somebody's `predict`. It gets a function.
# Where the function is wrong, your test raises an error: use `assert`. Any error counts as a rejection.
# Where the function is right, your test returns. Whatever it returns is ignored.
# It is marked on one right implementation and on several wrong ones.
#
# The check here takes your own `predict` for the right one: pass section 9 first.
#
# Your test has no photographs and no labels, so it cannot ask **how often** predict is right.
# It can ask what must hold for any weights: read the docstring again. What would a forgotten `eval()` do to
# an image that comes alone, and to the same image among others? And do your images get different labels?
# Where all labels are alike, nobody sees that they changed places: draw images of different colours.


# %% solution="test_predict"
def test_predict(implementation):
    """Raise an error unless implementation(images) does what the docstring of predict promises. Else return.

    It holds for any weights: which labels are right is not asked.
    Use assert. Any error counts as a rejection, returning counts as acceptance.
    """
    ### BEGIN SOLUTION
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (23, 1, 1, 3)) + rng.integers(-60, 61, (23, 32, 32, 3))
    images = images.clip(0, 255).astype(np.uint8)
    given = images.copy()
    labels = implementation(images)
    assert (images == given).all()
    assert isinstance(labels, np.ndarray) and labels.shape == (23,)
    assert np.issubdtype(labels.dtype, np.integer) and labels.min() >= 0 and labels.max() <= 9
    assert (implementation(images) == labels).all()
    assert (implementation(images[::-1]) == labels[::-1]).all()
    alone = [implementation(images[i : i + 1]) for i in range(23)]
    assert (np.concatenate(alone) == labels).all()
    ### END SOLUTION


# %% check="test_predict" points=4
check(test_predict)

# %% [markdown]
# ## The ablation (60 minutes)
#
# Now the part that counts most. Which of your tricks helped, and how sure are you?
# The cell leaves out each trick in turn, with three seeds, and measures on the held-back cells.
# It counts epochs, not seconds, so that whoever repeats it gets the same numbers.
# The runs are short: three epochs on 1500 images. Twelve of them took six minutes on two cores that had
# other work, too. That is a **start**: what a trick is worth depends on how long one trains.
# For your ablation take your own tricks, as many seeds as you can, and as many epochs as your network gets.

# %% experiment="ablation"
EPOCHS, IMAGES, SEEDS = 3, 1500, [0, 1, 2]
accuracies = {}


def accuracy_with(names, seed):
    """On the held-back cells, of a network that is trained with these tricks for a few epochs."""
    model, epoch = prepared(names, seed, IMAGES)
    for k in range(EPOCHS):
        epoch(k / EPOCHS)
    accuracies[names, seed] = accuracy_of([model], x_all[rows_held], y_all[rows_held])
    return accuracies[names, seed]


losses = leave_one_out(accuracy_with, list(TRICKS), SEEDS)
together = np.array([accuracies[frozenset(TRICKS), seed] for seed in SEEDS])
print(f"\rall tricks: {together.mean():.1%} ± {together.std(ddof=1):.1%} on {held.sum()} held-back images")
for trick, lost in losses.items():
    by_seed = ", ".join(f"{100 * value:+.1f}" for value in lost)
    error = lost.std(ddof=1) / np.sqrt(len(lost))
    print(f"without {trick:7} lost: {100 * lost.mean():+.1f} ± {100 * error:.1f} points (by seed: {by_seed})")

# %% [markdown]
# ### Your table
#
# Write your ablation as a table, from runs of **your** network. It needs:
#
# - a row for the network with everything, and a row for each part that you left out: at least three parts.
#   A part may be a trick, half of the width, a second member, the mirror image at test time, or 16 bits;
# - at least three seeds, the same in every row; mean and standard deviation of the accuracy;
# - the paired loss of each row, {eq}`cp-leave-one-out`, positive where the part helps, and its standard
#   error, {eq}`cp-seeds`: the standard deviation of the differences over the root of the number of seeds;
# - what all rows have in common: images, epochs or seconds, which images were measured on, and how many.
#
# Whoever has to guess how a number came about cannot use it.
# Keep the code that made the table in the notebook, **in the cell above**: it is not run when your work is
# graded. A new cell of your own would be run, without the cells that train: it would fail, or take hours.
# `accuracy_with` knows tricks only. For another part, such as half of the width or one view in place of two,
# write a function like it.

# %% [markdown] question="cp-ablation" points=10
# *Your table here, and what a reader must know to repeat it.*

# %% [markdown]
# ### What follows from it
#
# Read your own table as a stranger would. Say, with your numbers:
#
# - Which losses are larger than chance, and which are not? There are two sources of chance,
#   {eq}`cp-two-sources`. Which of them does your standard error contain?
# - Would the losses add up to what all parts gain together? Say why, or why not, with {eq}`cp-telescope`.
# - What does your table **not** show: for more epochs, more images, other data, other orders?
# - Your accuracy on the held-back cells: is it a fair forecast of that on fresh images, and what makes it
#   too good, or too bad?
# - What did you expect in your plan, and where were you wrong?

# %% [markdown] question="cp-reading" points=10
# *Your reading here.*

# %% [markdown]
# ### The report
#
# Six lines:
#
# 1. The stored numbers, their format, and the bytes of the file.
# 2. The seconds of training, of **all** networks in the file together, and the device.
# 3. Which images chose the tricks, the rates and the moment to stop?
# 4. Ensembles, and mirrored images at test time: how many passes of a network does one prediction take?
# 5. **Every** run that you have made, also those that you did not use: how many, and what was changed?
# 6. When, and how often, did you look at the test images?

# %% [markdown] question="cp-report" points=6
# *Your report here.*

# %% [markdown]
# ### What failed
#
# Describe one thing that you tried and that did not help, or made it worse. What did you expect, and why?
# What did you measure? Which run would tell your explanation from another one?

# %% [markdown] question="cp-failed" points=3
# *Your answer here.*

# %% [markdown]
# Hand in this notebook and `capstone.npz`. Before you do, `autograder check capstone_torch.ipynb` runs
# it as graders do, beside your file and without the experiments. On Colab the file lies on a machine that is
# not yours: download it (the folder on the left) before you leave, and upload it when you come back.
#
# You have built a network, and you can say what you know about it.
# The second is what the next reader of a paper of yours will look for.
