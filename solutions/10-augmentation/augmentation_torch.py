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
# # Data augmentation in PyTorch
#
# You have written the transforms in NumPy, with random numbers that were handed to you.
# Now you write what a training program needs: a layer that flips, a warp and a random resized crop
# for a whole batch on the device, a loss for mixed labels, and a prediction from many views.
# Then you measure which augmentation helps a network that has few images.
#
# **Time.** About two hours, the experiments included.
#
# **Devices.** Your functions get tensors and return tensors of the same type on the same device.
# A new tensor needs to be told: `torch.arange(5, dtype=images.dtype, device=images.device)`.
# No function changes its inputs. No function needs a loop over the images of a batch.
# No check counts your loops, but the experiments are slow with them.
#
# Images have the shape `(N, C, H, W)`: channels come before rows and columns.
# Rows come before columns, wherever both are named, with one exception that section 2 warns of.
# `eq. (…)` is an equation of the chapter *Data augmentation*.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

import autograder
from lab.device import pick_device
from lab.figures.augmentation import cat

check = autograder.checks("10-augmentation/augmentation_torch")
device = pick_device()
F = nn.functional

# %% [markdown]
# ## Three traps to know first
#
# **Axes have moved.** `x[:, :, ::-1]` mirrored left and right in NumPy, where columns were axis 2.
# Here axis 2 holds the rows. And PyTorch knows no negative steps: it has `x.flip(dim)`.
# `torch.rot90` turns axes 0 and 1 unless you say otherwise, the images and the channels.
#
# **The mode.** Augmentation belongs to training. A test image is changed only if you ask for it.
# A layer that asks `self.training` gets this right by `model.eval()`, as dropout does.
#
# **Workers.** A `DataLoader` with workers copies the data set into each of them.
# A NumPy generator kept in the data set is copied as well, with its state:
# all workers draw the same numbers. Numbers from `torch.rand` differ from worker to worker.

# %% listing="axes"
pixels = torch.arange(12).reshape(1, 2, 2, 3)
print("two channels of two rows and three columns\n", pixels[0])
print("flip(2): the rows\n", pixels.flip(2)[0, 0])
print("flip(3): the columns\n", pixels.flip(3)[0, 0])
print("rot90 without axes:", tuple(torch.rot90(pixels).shape))

# %% [markdown]
# ## 1. A layer that mirrors (●●○, 10 minutes)
#
# In training, each image is mirrored left and right with probability `p`, {eq}`au-flip`.
# In evaluation nothing happens. The layer draws one number per **image**, new ones at every call.
# `torch.rand(3)` gives three uniform numbers in [0, 1). With the shape `(3, 1, 1, 1)` they fit to images.
#
# Set no seed, and keep `p` as `self.p`: others may change it later.
# The numbers come from PyTorch, so that `torch.manual_seed` in a program makes its run repeatable.
# No two runs of this layer are equal, so one of the checks counts.
# Its tolerance is wide: a right layer fails by bad luck less than once in a million checks.


# %% solution="RandomFlip"
class RandomFlip(nn.Module):
    """In training, mirror each image left and right with probability p, {eq}`au-flip`."""

    def __init__(self, p=0.5):
        """p: the probability of mirroring an image, from 0 to 1. It is read at every call."""
        super().__init__()
        self.p = p

    def forward(self, images):
        """images: (N, C, H, W). Returns a tensor of the same shape, type and device.

        Example: one image of one row with the pixels 1, 2, 3 and p = 1 gives 3, 2, 1 in training,
        and 1, 2, 3 in evaluation.
        """
        ### BEGIN SOLUTION
        if not self.training:
            return images
        coin = torch.rand(len(images), 1, 1, 1, device=images.device) < self.p
        return torch.where(coin, images.flip(3), images)
        ### END SOLUTION


# %% check="RandomFlip" points=4
check(RandomFlip)

# %% [markdown]
# **Question** (4 minutes). A friend calls his flip once for all training images, before the first epoch.
# Another friend flips in every step, and when she measures the accuracy on the validation images, too.
# What does each of them lose? How would each have noticed? `RandomFlip` stands inside of the model:
# whose mistake does that rule out, and on what does the other friend still depend?

# %% [markdown] question="au-torch-when" points=2
# *Your answer here.*

# %% [markdown]
# ## Worked example: how `F.grid_sample` counts
#
# `F.grid_sample(images, grid)` reads between the pixels, as your `bilinear` does, for a whole batch
# and on any device. `grid` has the shape `(N, P, Q, 2)`: a place for each pixel of the output.
# Two things are different.
#
# - **x comes first.** `grid[..., 0]` is the column and `grid[..., 1]` the row.
# - **Places run from −1 to 1**, whatever the size. With `align_corners=False` these are the **edges**
#   of the image: its left edge, half a pixel left of the centre of column 0, is −1, and its right edge is 1.
#   So column $c$ of $W$ is at $x = (2 c + 1) / W - 1$.
#   With `align_corners=True`, −1 and 1 are the centres of the first and of the last pixel.
#
# Some versions warn if you do not say which of the two you mean. Say it always.

# %% listing="grid-sample"
row = torch.tensor([10.0, 20.0, 30.0, 40.0]).reshape(1, 1, 1, 4)  # one image, one row, four columns
for x in (-1.0, -0.75, 0.0, 0.75, 1.0):
    place = torch.tensor([x, 0.0]).reshape(1, 1, 1, 2)
    edges, centres = (F.grid_sample(row, place, align_corners=a).item() for a in (False, True))
    print(f"x = {x:5}: {edges:5.1f} with edges at -1 and 1, {centres:5.1f} with centres at -1 and 1")

# %% [markdown]
# ## 2. Warp a batch (●●●, 25 minutes)
#
# Each image gets a matrix of its own, $M$ with 2 rows and 3 columns. It says where to **read**,
# so it is the inverse map already, {eq}`au-inverse` and {eq}`au-affine`: no matrix has to be inverted.
#
# Take an output pixel $r$ rows and $c$ columns from the centre $((H - 1) / 2, (W - 1) / 2)$.
# It reads at the place that is $M (r, c, 1)$ from the centre of the input: first the row, then the column.
# Outside of the image all is 0, and neighbours outside count as 0, {eq}`au-bilinear`.
#
# A place that lies $d$ columns from the centre: which $x$ is that? The formula of the worked example
# becomes very short. Useful are `torch.meshgrid(..., indexing="ij")`, `@` and `torch.stack`.


# %% solution="warp"
def warp(images, matrices):
    """Read each image where its matrix says, {eq}`au-inverse`, {eq}`au-bilinear`. Outside all is 0.

    images: (N, C, H, W). matrices: (N, 2, 3), of the type of the images. The output pixel that lies
    (r, c) from the centre, in pixels, rows first, reads at matrices[n] @ (r, c, 1) from the centre.
    Returns a tensor of the shape, type and device of images. Gradients flow to images and to matrices.

    Example: one image of one row with the pixels 1, 2, 4 and the matrix ((1, 0, 0), (0, 1, 0.25)).
    Each pixel reads a quarter of a pixel further right: 1.25, 2.5, 3.
    """
    ### BEGIN SOLUTION
    N, _, H, W = images.shape
    row = torch.arange(H, dtype=images.dtype, device=images.device) - (H - 1) / 2
    col = torch.arange(W, dtype=images.dtype, device=images.device) - (W - 1) / 2
    r, c = torch.meshgrid(row, col, indexing="ij")
    places = torch.stack([r, c, torch.ones_like(r)]).reshape(3, H * W)
    rows, cols = (matrices @ places).reshape(N, 2, H, W).unbind(dim=1)
    grid = torch.stack([2 * cols / W, 2 * rows / H], dim=3)
    return F.grid_sample(images, grid, align_corners=False)
    ### END SOLUTION


# %% check="warp" points=7
check(warp)

# %% [markdown]
# ## 3. Draw boxes for a random resized crop (●●○, 12 minutes)
#
# The most used augmentation for photographs: cut out a box of random size, shape and place,
# and make an image of the old size of it. First the boxes, {eq}`au-crop-area`.
#
# - `scale` speaks of the **area**: a share $s$ of the area of the image.
# - `ratio` is width over height. It is drawn so that its **logarithm** is uniform:
#   2 : 1 is then as likely as 1 : 2, {eq}`au-log-ratio`.
# - A box that is too high or too wide is cut to the height or width of the image.
#   (PyTorch's own transform draws again instead, up to ten times.)
# - The place is uniform among all places where the box fits.
#
# The box need not begin or end at whole pixels. `top` is how far its upper edge lies below the upper edge
# of the image. So `top = 2`, `height = 3` is rows 2, 3 and 4.


# %% solution="crop_boxes"
def crop_boxes(u, H, W, scale=(0.08, 1.0), ratio=(3 / 4, 4 / 3)):
    """A box for each image, by its area and its aspect ratio, {eq}`au-crop-area`, {eq}`au-log-ratio`.

    u: (N, 4), uniform numbers in [0, 1): for the area, for the ratio, for top and for left, in this order.
    H, W: the size of the images, in pixels. scale: least and greatest share of the area, uniform between.
    ratio: least and greatest width / height, its logarithm uniform between theirs.
    Returns top, left, height, width, in this order: (N,) each, in pixels, not rounded, on the device of u.
    Heights above H become H, widths above W become W. The box is inside the image.

    Example: H = 6, W = 10, scale = (0.2, 0.6), ratio = (0.5, 4.5), u = 0.5, 0.5, 0.5, 0.75: the area is 24,
    the ratio 1.5, and the box has top 1, left 3, height 4, width 6.
    """
    ### BEGIN SOLUTION
    area = (scale[0] + (scale[1] - scale[0]) * u[:, 0]) * H * W
    r = ratio[0] * (ratio[1] / ratio[0]) ** u[:, 1]
    height = (area / r).sqrt().clamp(max=H)
    width = (area * r).sqrt().clamp(max=W)
    return u[:, 2] * (H - height), u[:, 3] * (W - width), height, width
    ### END SOLUTION


# %% check="crop_boxes" points=5
check(crop_boxes)

# %% [markdown]
# **Question** (5 minutes). A friend reads `scale` as the share of the **side**; {eq}`au-crop-mean` has
# the mean areas. Let the image be square, the ratio always 1, and `scale=(0.08, 1)`, uniform.
# Which share of his crops is smaller than a quarter of the image, and which of yours?
# His program runs, and his network learns. Compare its training and its validation accuracy with those of the
# network of a friend who reads `scale` as the area: what may differ, and why is that no proof of a mistake?
# Which single number could he have printed to be sure?

# %% [markdown] question="au-torch-area" points=2
# *Your answer here.*

# %% [markdown]
# ## 4. Crop and resize (●●○, 15 minutes)
#
# Now read the boxes: `size` × `size` places in each, evenly spread. The box is divided into `size` strips of
# equal height, and output row $i$ reads in the **middle** of strip $i$. Columns go in the same way.
# So the places are at $\frac12, \frac32, \dots$ strips from the upper edge of the box, {eq}`au-resize`.
#
# The first line of that equation counts from the upper **edge** of the image, the last one from the centre
# of its first pixel. `align_corners=False` wants edges: the upper edge of the image is −1, the lower one 1.
#
# This is the one place of the unit where pixels outside of the image do not count as 0.
# A box at the border that is enlarged reads up to half a pixel beyond the last centre,
# and zeros would draw a dark frame. Here the nearest pixel of the image counts: `padding_mode="border"`.


# %% solution="crop_and_resize"
def crop_and_resize(images, top, left, height, width, size):
    """Make an image of size x size of a box in each image, {eq}`au-resize`, {eq}`au-bilinear`.

    images: (N, C, H, W). top, left, height, width: (N,), whole numbers or of the type of the images,
    in pixels from the upper and left edges: top = 2, height = 3 is rows 2, 3, 4. size: a whole number.
    Returns (N, C, size, size) with the type and device of images. Reading beyond the border gives
    the nearest pixel of the image.

    Example: one image of one row with the pixels 1, 2, 4, top 0, left 0, height 1, width 3. size = 1 gives 2.
    With left = 1 and width = 2, size = 1 gives 3, the mean of 2 and 4.
    """
    ### BEGIN SOLUTION
    _, _, H, W = images.shape
    middles = (torch.arange(size, dtype=images.dtype, device=images.device) + 0.5) / size
    y = 2 * (top[:, None] + height[:, None] * middles) / H - 1
    x = 2 * (left[:, None] + width[:, None] * middles) / W - 1
    grid = torch.stack([x[:, None, :].expand(-1, size, -1), y[:, :, None].expand(-1, -1, size)], dim=3)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    ### END SOLUTION


# %% check="crop_and_resize" points=5
check(crop_and_resize)

# %% [markdown]
# **A picture.** Above, one photograph warped by twelve matrices near the identity.
# Below, twelve random resized crops of it. Is a cat to be seen in each?
# The smallest share of the area is 0.08 in most programs, a value from photographs of one large object.

# %% experiment="gallery"
torch.manual_seed(1)
N = 12
photo = torch.tensor(cat(96), dtype=torch.float32, device=device).permute(2, 0, 1)
photos = photo.expand(N, -1, -1, -1)
matrices = torch.eye(2, 3, device=device) + 0.2 * torch.randn(N, 2, 3, device=device)
boxes = crop_boxes(torch.rand(N, 4, device=device), 96, 96)

figure, axes = plt.subplots(2, N, figsize=(12, 2.3), layout="constrained")
for ax, picture in zip(axes[0], warp(photos, matrices), strict=True):
    ax.imshow(picture.permute(1, 2, 0).cpu())
for ax, picture in zip(axes[1], crop_and_resize(photos, *boxes, 48), strict=True):
    ax.imshow(picture.clamp(0, 1).permute(1, 2, 0).cpu())
for ax in axes.flat:
    ax.axis("off")
plt.show()

# %% [markdown]
# ## 5. Cross-entropy with mixed labels (●○○, 8 minutes)
#
# Mixup and CutMix give labels such as 0.7 cat and 0.3 dog: rows of probabilities.
# The loss is $-\sum_k y_k \log p_k$ for each image, and the mean over the images, {eq}`au-mixup-loss`.
# Take the logarithm of softmax in one go, with `log_softmax`: the logarithm of a softmax that is
# rounded to 0 is $-\infty$. Write it without PyTorch's loss functions: the check sees numbers only,
# but below you compare your loss with PyTorch's, and who grades gets a list of such calls.


# %% solution="soft_cross_entropy"
def soft_cross_entropy(scores, y):
    """Mean over the images of the cross-entropy between y and the softmax of the scores, {eq}`au-mixup-loss`.

    scores: (N, K), before softmax. y: (N, K), rows of probabilities. Returns one number, a tensor without
    axes. Gradients flow to scores.

    Example: scores 0, 0 and y = 0.3, 0.7 give log 2 = 0.693.
    """
    ### BEGIN SOLUTION
    log_p = scores.log_softmax(dim=1)
    return -(y * log_p).sum(dim=1).mean()
    ### END SOLUTION


# %% check="soft_cross_entropy" points=3
check(soft_cross_entropy)

# %% [markdown]
# ## 6. Ten crops (●●○, 8 minutes)
#
# At test time one image can be looked at more than once, {eq}`au-tta`.
# The classic choice is ten views: the four corners, the middle, and the mirror images of these five.


# %% solution="ten_crops"
def ten_crops(images, size):
    """Ten views of each image: four corners, the middle, and the mirror images of these five, {eq}`au-tta`.

    images: (N, C, H, W). size: height and width of the views, at most H and W.
    Returns (10, N, C, size, size): upper left, upper right, lower left, lower right, middle,
    then these five mirrored left and right, in the same order.
    The middle view begins at row (H - size) // 2 and at column (W - size) // 2.

    Example: one image of 1 x 3 pixels, 1, 2, 3, and size 1: the views are 1, 3, 1, 3, 2, 1, 3, 1, 3, 2.
    """
    ### BEGIN SOLUTION
    bottom, right = images.shape[2] - size, images.shape[3] - size
    corners = [(0, 0), (0, right), (bottom, 0), (bottom, right), (bottom // 2, right // 2)]
    five = torch.stack([images[:, :, top : top + size, left : left + size] for top, left in corners])
    return torch.cat([five, five.flip(4)])
    ### END SOLUTION


# %% check="ten_crops" points=4
check(ten_crops)

# %% [markdown]
# ## 7. Predict from many views (●●○, 12 minutes)
#
# The prediction for an image is the mean of the **probabilities** over its views, {eq}`au-tta`.
# Views may come as one tensor, or as a list of batches of different sizes, for networks that take any size.
#
# The model must be in evaluation mode, and afterwards as you found it. Some of its modules may have been in
# training mode and some not. No graph is needed. The switch for gradients stays as it was, too.


# %% solution="predict_views"
def predict_views(model, views):
    """The mean over the views of the class probabilities, in evaluation mode, without a graph, {eq}`au-tta`.

    model: returns scores (N, K), before softmax. views: V batches (N, C, H, W) of the same N images,
    as a tensor (V, N, C, H, W) or as a list, where H and W may differ from view to view.
    Returns (N, K). Every module is in the same mode afterwards as before.

    Example: a class has the probability 0.9 in one view and 0.6 in the other: the mean is 0.75.
    """
    ### BEGIN SOLUTION
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    with torch.no_grad():
        each = [model(view).softmax(dim=1) for view in views]
    for module, mode in modes:
        module.training = mode
    return torch.stack(each).mean(dim=0)
    ### END SOLUTION


# %% check="predict_views" points=4
check(predict_views)

# %% [markdown]
# ## Parity: your functions beside libraries
#
# SciPy's `affine_transform` reads at `matrix @ (row, column) + offset`, counted from pixel (0, 0).
# Its mode `"grid-constant"` lets zeros outside count as neighbours, as you do.
# Its mode `"constant"` gives 0 for every place outside of the outermost centres: look at the difference.
# `F.interpolate` resizes whole images. `F.cross_entropy` takes rows of probabilities as well.

# %% experiment="parity"
from scipy.ndimage import affine_transform

generator = torch.Generator().manual_seed(2)
images = torch.rand(4, 3, 9, 14, dtype=torch.float64, generator=generator)
matrices = torch.eye(2, 3) + 0.3 * torch.randn(4, 2, 3, dtype=torch.float64, generator=generator)
scores, y = torch.randn(2, 6, 5, dtype=torch.float64, generator=generator)
y = y.softmax(dim=1)


def by_scipy(images, matrices, mode):
    """The same warp by SciPy, an image and a channel at a time."""
    centre = (np.array(images.shape[2:]) - 1) / 2
    out = np.empty(images.shape)
    for n, matrix in enumerate(matrices.numpy()):
        offset = centre + matrix[:, 2] - matrix[:, :2] @ centre
        for c, channel in enumerate(images[n].numpy()):
            out[n, c] = affine_transform(channel, matrix[:, :2], offset, order=1, mode=mode)
    return torch.tensor(out)


def difference(mine, theirs):
    return f"{(mine - theirs).abs().max().item():.1e}"


whole = [torch.full((4,), side) for side in (0, 0, 9, 14)]
mine = warp(images, matrices)
print("warp, scipy.ndimage, grid-constant:", difference(mine, by_scipy(images, matrices, "grid-constant")))
print("warp, scipy.ndimage, constant:     ", difference(mine, by_scipy(images, matrices, "constant")))
resized = F.interpolate(images, size=(20, 20), mode="bilinear", align_corners=False)
print("crop_and_resize, F.interpolate:    ", difference(crop_and_resize(images, *whole, 20), resized))
library = F.cross_entropy(scores, y)
print("soft_cross_entropy, F.cross_entropy:", difference(soft_cross_entropy(scores, y), library))

# %% [markdown]
# Libraries differ, and most differences are conventions:
#
# | what | here | elsewhere |
# |---|---|---|
# | `F.affine_grid` | pixels, rows first | −1 to 1, x first: for W ≠ H a rotation matrix shears, too |
# | random resized crop | boxes cut to the image | torchvision rounds, and draws again where it does not fit |
# | ten crops | mirror images of the five crops | torchvision mirrors first: its sixth view is our seventh |
# | smaller images | read at single places | Pillow and `antialias=True` average over all pixels of a strip |

# %% [markdown]
# ## Experiment: many views at test time (5 minutes)
#
# A small network learns to tell ten photographs from 32 × 32 patches of them. It has 1000 patches.
# Your `RandomFlip` is the first layer of the model. The last ones take the mean over all places,
# so it takes images of any size. Then 500 test patches are shown to it in several ways.
# Three seeds, half a minute.
#
# **Predict first.** Order the five rows of the table by their loss. Will "five scales" help a network
# that has only seen one scale?


# %%
def scaled(images, size):
    """Whole images at another size."""
    H, W = images.shape[2:]
    box = [torch.full((len(images),), side, device=images.device) for side in (0, 0, H, W)]
    return crop_and_resize(images, *box, size)


def loss_and_right(p, labels):
    """The mean of -log p of the right class, and how many of a hundred are right."""
    of_label = p[torch.arange(len(p)), labels]
    return [-of_label.log().mean().item(), 100 * (p.argmax(dim=1) == labels).float().mean().item()]


# %% experiment="views"
from lab.data import read
from lab.nets import batch_norm, small_cnn
from lab.training import as_tensors, train

patches = as_tensors(read("photo_patches"), train_size=1000, test_size=500, device=device)
x, labels = patches.test_x, patches.test_y
VIEWS = {
    "the patch itself": [x],
    "itself and its mirror image": [x, x.flip(3)],
    "the middle, 28 × 28": ten_crops(x, 28)[4:5],
    "ten crops, 28 × 28": ten_crops(x, 28),
    "five scales, 24 to 40": [scaled(x, size) for size in (24, 28, 32, 36, 40)],
}
table = {name: [] for name in VIEWS}
for seed in range(3):
    torch.manual_seed(seed)
    net = nn.Sequential(RandomFlip(), small_cnn(batch_norm, seed=seed))
    train(net, patches, lr=0.05, epochs=12, batch_size=50, seed=seed)
    for name, views in VIEWS.items():
        each = [loss_and_right(predict_views(net, [view]), labels)[0] for view in views]
        table[name].append([*loss_and_right(predict_views(net, views), labels), np.mean(each)])
rows_of = {name: np.array(rows) for name, rows in table.items()}  # seeds; loss, right, mean loss of a view


def spread(numbers, digits=3):
    return f"{numbers.mean():.{digits}f} ± {numbers.std():.{digits}f}"


print(f"{'':28} {'loss of the mean':>16} {'right, %':>12} {'mean loss of a view':>20}")
for name, rows in rows_of.items():
    loss, right, of_one = rows.T
    print(f"{name:28} {spread(loss):>16} {spread(right, 1):>12} {spread(of_one):>20}")
print("\ndifference to the patch itself, by the same network")
for name, rows in rows_of.items():
    loss, right, _ = (rows - rows_of["the patch itself"]).T
    print(f"{name:28} {spread(loss):>16} {spread(right, 1):>12}")

# %% [markdown]
# **Question** (5 minutes). Where does the inequality of {eq}`au-group` show in the table,
# and where is it an equality?
# Compare "ten crops" with the middle crop, and with the patch itself. Which question does each answer?
# The three networks differ more from each other than the rows do, but each network has met all rows.
# Which of the differences in the second table are larger than their own spread? What does each row cost?

# %% [markdown] question="au-torch-views" points=2
# *Your answer here.*

# %% [markdown]
# ## Experiment: which augmentation helps? (12 minutes)
#
# A small network learns handwritten digits from ten images of each class, and then another one learns to tell
# five photographs from patches of them, with ten patches of each. Few images: does it matter now
# what you do with them? Of one seed, every run has the same images, the same first weights
# and the same number of steps; only the augmentation differs. Your functions do the work.
# Three seeds, one to two minutes on two CPU cores.
#
# **Predict first.** Write down, before you run the cells: for digits, which of the four helps most,
# and which harms? For photographs, is your order the same? (Mixup is tried on digits alone.)
# For which will the *training* accuracy (on unchanged images) rise most slowly?
# A wrong prediction costs nothing. A missing reason does.
#
# In the pictures a dot is a seed, and a bar is their mean with the standard deviation on both sides.
# The axes do not begin at 0, and those of digits and photographs differ.

# %% [markdown] question="au-torch-predict" points=2
# *Your prediction here, with a reason for each.*


# %%
def mirror(images, generator):
    """RandomFlip draws from PyTorch's own generator, which the cells below set to a seed."""
    return RandomFlip(0.5)(images)


def small_warp(images, generator):
    """A random affine map near the identity, with a shift of up to a few pixels."""
    noise = torch.randn(len(images), 2, 3, device=images.device, generator=generator)
    sizes = torch.tensor([0.15, 0.15, 2.0], device=images.device)
    return warp(images, torch.eye(2, 3, device=images.device) + noise * sizes)


def resized_crop(images, generator):
    H, W = images.shape[2:]
    u = torch.rand(len(images), 4, device=images.device, generator=generator)
    return crop_and_resize(images, *crop_boxes(u, H, W), H)


def blend(images, y, generator):
    """Mixup with one uniform number per image: the partner is the image before in the shuffled batch."""
    lam = torch.rand(len(images), 1, device=images.device, generator=generator)
    partner = torch.arange(len(images)).roll(1)
    image_lam = lam[:, :, None, None]
    return image_lam * images + (1 - image_lam) * images[partner], lam * y + (1 - lam) * y[partner]


# %% experiment="digits"
from lab.experiments import augmentation as experiment

transforms = {"mirror": mirror, "small warp": small_warp, "resized crop": resized_crop}
torch.manual_seed(0)
digits = experiment.compare(transforms, {"mixup": blend}, size="short", data="digits")
experiment.plot_transforms(digits)

# %% experiment="digits-curves"
experiment.plot_curves(digits)

# %% experiment="photos"
torch.manual_seed(0)
photographs = experiment.compare(transforms, size="short")
experiment.plot_transforms(photographs)

# %% experiment="photos-curves"
experiment.plot_curves(photographs)

# %% [markdown]
# **Explain.** Compare the pictures with your prediction, and say where it was wrong.
# Which of the differences are larger than the spread of the three seeds?
# If there are none, say so: that is a result, too.
# Why may the same transform help one data set and harm the other, or do nothing?
# What does the accuracy on the training images tell about all of this?

# %% [markdown] question="au-torch-explain" points=3
# *Your explanation here.*

# %% [markdown]
# You have built a pipeline that runs where the network runs, and you have measured what it buys.
# Go back to *What goes wrong* in the chapter and explain each case with your functions.
