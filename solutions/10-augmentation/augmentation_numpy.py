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
# # Data augmentation in NumPy
#
# You will mirror, shift, turn and recolour whole batches of images, cut holes into them and mix them.
# Then you look at all of it in one picture, and measure which changes help and which destroy the label.
# At the end you write the test that finds a wrong random crop.
#
# **How it works.** Replace each `raise NotImplementedError` by your code. Run the cell,
# then the check below it. A check never stops the notebook. You may check as often as you like.
#
# **Marks.** Every function is marked on its own. A mistake in one costs nothing in the next,
# as long as you do not call your own functions. Where you call them, check them first.
#
# **Time.** About two and a half hours. ●○○ is a warm-up, ●●○ needs paper, ●●● needs patience.
#
# Images have shape `(N, H, W, C)` and hold floats from 0 to 1. Rows come first and run from top to bottom,
# then columns, from left to right. H and W may differ, and C may be any number.
# Your functions draw no random numbers. They get them, one for each **image**, in arrays of shape `(N,)`,
# or one for each **pixel** where each pixel is changed by itself.
# So the same call gives the same result. No function may change its inputs.
# A loop over the images is right, but slow: NumPy's indexing does without it.
# `eq. (…)` is an equation of the chapter *Data augmentation*.

# %%
import matplotlib.pyplot as plt
import numpy as np

import autograder
from lab import load
from lab.figures.augmentation import cat

check = autograder.checks("10-augmentation/augmentation_numpy")

# %% [markdown]
# ## Worked example: one index array per axis
#
# Two images of 2 × 3 pixels and one channel. The first gives its column 2, the second its column 0.
# Index arrays that stand side by side are broadcast against each other. So `image` of shape `(2, 1)`,
# `row` of shape `(1, 2)` and `column` of shape `(2, 1)` name $2 \times 2$ pixels: both rows of both images.
# NumPy fetches all of them. This replaces a loop over images.

# %% listing="index-arrays"
two = np.arange(12).reshape(2, 2, 3, 1)
image = np.arange(2)[:, None]
row = np.arange(2)[None, :]
column = np.array([2, 0])[:, None]
print("first image\n", two[0, :, :, 0], "\nsecond image\n", two[1, :, :, 0])
print("column 2 of the first, column 0 of the second\n", two[image, row, column, 0])

# %% [markdown]
# ## 1. Mirror (●○○, 5 minutes)
#
# Mirror an image left to right where its coin is `True`: {eq}`au-flip`.
# Each image has a coin of its own.


# %% solution="flip"
def flip(images, coin):
    """Mirror left and right where the coin is True, {eq}`au-flip`.

    images: (N, H, W, C). coin: (N,), True or False. Returns an array like images.

    Example: one image of one row with the pixels 1, 2, 3 and coin = True gives 3, 2, 1.
    """
    ### BEGIN SOLUTION
    y = images.copy()
    y[coin] = images[coin][:, :, ::-1]
    return y
    ### END SOLUTION


# %% check="flip" points=2
check(flip)

# %% [markdown]
# ## 2. Pad and crop (●●○, 12 minutes)
#
# Put `pad` zeros around each image. Then cut a window of the old size out of it, {eq}`au-pad-crop`.
# The window of image $n$ begins at `top[n]`, `left[n]`. An offset of `pad` in both gives back the image.
# Offsets run from 0 to `2 * pad`, both included. So a generator of offsets is
# `rng.integers(0, 2 * pad + 1, N)`: the upper end of `integers` is never drawn.


# %% solution="pad_and_crop"
def pad_and_crop(images, pad, top, left):
    """Shift each image by its own offset: pad with zeros, cut a window of the old size, {eq}`au-pad-crop`.

    images: (N, H, W, C). pad: a whole number, the width of the border. top, left: (N,), whole numbers
    from 0 to 2 * pad, the first row and column of the window. Returns an array like images.

    Example: one image of one row with the pixels 1, 2, 3, pad = 1, top = 1. left = 0 gives 0, 1, 2,
    left = 2 gives 2, 3, 0.
    """
    ### BEGIN SOLUTION
    N, H, W, _ = images.shape
    padded = np.pad(images, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    rows = top[:, None] + np.arange(H)
    cols = left[:, None] + np.arange(W)
    return padded[np.arange(N)[:, None, None], rows[:, :, None], cols[:, None, :]]
    ### END SOLUTION


# %% check="pad_and_crop" points=3
check(pad_and_crop)

# %% [markdown]
# **Question** (4 minutes). A friend draws one coin and one offset for each **batch**, which needs less code.
# Does each image, over many epochs, see the same changes as before?
# What becomes different in the gradient of a step? Think of its mean and of its variance.

# %% [markdown] question="au-per-batch" points=2
# *Your answer here.*

# %% [markdown]
# ## Worked example: enlarge, by reading
#
# How do you make an image twice as large, about its centre $c$? You might **write**: send each pixel $p$
# of the input to $c + 2 (p - c)$. Then most pixels of the output get nothing. The result has holes.
#
# **Read** instead. Each pixel of the output asks: where in the input do I come from?
# That is the inverse map, $c + (p - c) / 2$, {eq}`au-inverse`. No output pixel is forgotten.
# The answer lies between pixels, as a rule. Section 4 deals with that.
#
# The centre of five pixels, 0 to 4, is pixel 2. In general it is $(H - 1) / 2$.

# %% listing="zoom"


def zoom_coordinates(scale, H, W):
    """Where the pixels of images enlarged about their centre read.

    scale: (N,). Returns rows, cols: (N, H, W) each.
    """
    row, col = np.indices((H, W))
    factor = scale[:, None, None]
    rows = (row - (H - 1) / 2) / factor + (H - 1) / 2
    cols = (col - (W - 1) / 2) / factor + (W - 1) / 2
    return rows, cols


rows, cols = zoom_coordinates(np.array([1.0, 2.0]), 5, 5)
print("scale 1 reads rows", rows[0, :, 0])
print("scale 2 reads rows", rows[1, :, 0])

# %% [markdown]
# ## 3. Turn about the centre (●●○, 15 minutes)
#
# The content is to turn by `angle` degrees, counter-clockwise as you see it.
# Where must each output pixel read? At the place that is turned **back**: {eq}`au-rotation`.
# Two traps: `np.cos` wants radians. And rows run down, so a formula for axes that point up
# turns the wrong way.


# %% solution="rotation_coordinates"
def rotation_coordinates(angle, H, W):
    """Where output pixels read if the content turns counter-clockwise about the centre, {eq}`au-rotation`.

    angle: (N,), in degrees. H, W: the size of the images; the centre is (H - 1) / 2, (W - 1) / 2.
    Returns rows, cols: (N, H, W) each, in this order. They may lie between pixels and outside of the image.

    Example: H = W = 3. For 90 degrees, pixel (0, 0) reads at row 0, column 2.
    For 30 degrees it reads at row -0.366, column 0.634.
    """
    ### BEGIN SOLUTION
    theta = np.deg2rad(angle)[:, None, None]
    r = np.arange(H)[:, None] - (H - 1) / 2
    c = np.arange(W) - (W - 1) / 2
    rows = r * np.cos(theta) + c * np.sin(theta) + (H - 1) / 2
    cols = c * np.cos(theta) - r * np.sin(theta) + (W - 1) / 2
    return rows, cols
    ### END SOLUTION


# %% check="rotation_coordinates" points=4
check(rotation_coordinates)

# %% [markdown]
# ## 4. Read between the pixels (●●●, 20 minutes)
#
# A place has four neighbours. Weigh them by how near they are: {eq}`au-bilinear`.
# With the whole row above $i = \lfloor r \rfloor$ and $a = r - i$, row $i$ has the weight $1 - a$
# and row $i + 1$ the weight $a$. Columns go in the same way.
# (The place $r$ and the row $i$ are $h'$ and $h_0$ in the chapter.)
#
# Neighbours outside of the image count as 0. So an image fades out over one pixel, and is 0 beyond.
# Three traps. `astype(int)` cuts towards zero: −0.3 becomes 0, while its floor is −1.
# An index of −1 is no error, it is the last row. And an index of H is an error:
# make indices valid with `clip`, and set the weight of what lies outside to zero.


# %% solution="bilinear"
def bilinear(images, rows, cols):
    """Read each image at places between its pixels, {eq}`au-bilinear`. Outside of the image all is 0.

    images: (N, H, W, C). rows, cols: (N, P, Q), any finite numbers: where image n is read, in pixels.
    Returns (N, P, Q, C).

    Example: one image of one row with the pixels 1, 2, 4. Row 0 and column 1.25 gives 2.5,
    row 0.5 and column 1 gives 1, column -0.3 gives 0.7, column 3 gives 0.
    """
    ### BEGIN SOLUTION
    N, H, W, _ = images.shape
    i, j = np.floor(rows).astype(int), np.floor(cols).astype(int)
    a, b = (rows - i)[..., None], (cols - j)[..., None]

    def pixel(i, j):
        inside = (i >= 0) & (i < H) & (j >= 0) & (j < W)
        found = images[np.arange(N)[:, None, None], i.clip(0, H - 1), j.clip(0, W - 1)]
        return found * inside[..., None]

    above = (1 - b) * pixel(i, j) + b * pixel(i, j + 1)
    below = (1 - b) * pixel(i + 1, j) + b * pixel(i + 1, j + 1)
    return (1 - a) * above + a * below
    ### END SOLUTION


# %% check="bilinear" points=6
check(bilinear)

# %% [markdown]
# **Question** (5 minutes). An image of 100 × 100 pixels is enlarged by the factor 2 about its centre,
# by **writing**: each input pixel is put at the rounded place where it belongs.
# The output has 100 × 100 pixels, too. Which share of them stays empty?
# An image is turned by 10 degrees, and the result by −10 degrees, both by reading.
# Name two ways in which the result differs from the first image. Why do programs that need several transforms
# multiply the matrices first?

# %% [markdown] question="au-reading" points=2
# *Your answer here.*

# %% [markdown]
# ## 5. Brightness and contrast (●●○, 8 minutes)
#
# First brightness: each image times its own number, $b x$, {eq}`au-brightness`. Then contrast,
# {eq}`au-contrast`: stretch the differences from the mean $m$ of the image by the factor $g$.
# The mean is that of the image **after** brightness, over all its pixels and channels: one number per image.
# Clip to the range from 0 to 1 **once**, at the end.


# %% solution="brightness_contrast"
def brightness_contrast(images, brightness, contrast):
    """Multiply each image, stretch it about its mean, clip it to [0, 1], {eq}`au-contrast`.

    images: (N, H, W, C). brightness, contrast: (N,), not negative. Returns an array like images.

    Example: one image with the pixels 0.1, 0.3, brightness 2, contrast 1.5: bright is 0.2, 0.6, its mean 0.4,
    the result 0.1, 0.7.
    """
    ### BEGIN SOLUTION
    b, c = (v[:, None, None, None] for v in (brightness, contrast))
    bright = b * images
    mean = bright.mean(axis=(1, 2, 3), keepdims=True)
    return np.clip((bright - mean) * c + mean, 0, 1)
    ### END SOLUTION


# %% check="brightness_contrast" points=3
check(brightness_contrast)

# %% [markdown]
# ## 6. Salt and pepper (●○○, 6 minutes)
#
# A share $p$ of the pixels is lost: half of them turn black, half white, {eq}`au-salt-pepper`.
# A pixel is lost with all its channels. One uniform number per **pixel** decides.


# %% solution="salt_and_pepper"
def salt_and_pepper(images, u, p):
    """Set a share p of the pixels to 0 or to 1, {eq}`au-salt-pepper`.

    images: (N, H, W, C). u: (N, H, W), uniform numbers in [0, 1). p: the share, 0 <= p <= 1.
    Where u < p / 2 all channels become 0, where u >= 1 - p / 2 they become 1. Returns an array like images.

    Example: pixels 0.5, 0.5, 0.5, u = 0.05, 0.5, 0.95, p = 0.2 gives 0, 0.5, 1.
    """
    ### BEGIN SOLUTION
    u = u[..., None]
    peppered = np.where(u < p / 2, 0.0, images)
    return np.where(u >= 1 - p / 2, 1.0, peppered)
    ### END SOLUTION


# %% check="salt_and_pepper" points=2
check(salt_and_pepper)

# %% [markdown]
# ## 7. Cutout (●●○, 10 minutes)
#
# A square hole of zeros in each image, {eq}`au-cutout`. Its centre may be any pixel, so the hole may reach
# over the border. Then it is cut off there: holes at the border are smaller.
# The hole begins `size // 2` rows above its centre, and `size // 2` columns to the left of it.


# %% solution="cutout"
def cutout(images, row, column, size):
    """Set a square of size x size pixels in each image to 0, {eq}`au-cutout` (DeVries & Taylor 2017).

    images: (N, H, W, C). row, column: (N,), whole numbers, the centre of each hole. size: a whole number.
    The hole has the rows from row - size // 2 to row - size // 2 + size - 1, as far as they are in the image;
    the columns likewise. Returns an array like images.

    Example: size 2 and centre (0, 3) in 4 x 4 pixels: only row 0, columns 2 and 3 become 0.
    """
    ### BEGIN SOLUTION
    _, H, W, _ = images.shape
    r = np.arange(H) - (row - size // 2)[:, None]
    c = np.arange(W) - (column - size // 2)[:, None]
    rows, cols = (r >= 0) & (r < size), (c >= 0) & (c < size)
    hole = rows[:, :, None] & cols[:, None, :]
    return np.where(hole[..., None], 0.0, images)
    ### END SOLUTION


# %% check="cutout" points=3
check(cutout)

# %% [markdown]
# ## 8. Mixup (●○○, 6 minutes)
#
# Blend each image with a partner of the same batch, and the labels in the same proportion, {eq}`au-mixup`.
# Labels are rows of probabilities, one row per image. `lam` is the weight of the image itself.


# %% solution="mixup"
def mixup(images, y, partner, lam):
    """Blend image n with image partner[n], labels too, {eq}`au-mixup` (Zhang et al. 2018).

    images: (N, H, W, C). y: (N, K), rows of probabilities. partner: (N,), whole numbers from 0 to N - 1.
    lam: (N,), the weight of image n; its partner has 1 - lam.
    Returns the images (N, H, W, C) and the labels (N, K), in this order.

    Example: pixels 1 and 5, labels (1, 0) and (0, 1), partner = 1, 0, lam = 0.75, 0.5 gives pixels 2 and 3,
    labels (0.75, 0.25) and (0.5, 0.5).
    """
    ### BEGIN SOLUTION
    w = lam[:, None, None, None]
    mixed = w * images + (1 - w) * images[partner]
    labels = lam[:, None] * y + (1 - lam)[:, None] * y[partner]
    return mixed, labels
    ### END SOLUTION


# %% check="mixup" points=2
check(mixup)

# %% [markdown]
# **Question** (5 minutes). A network is trained with mixup, two classes, and $\lambda$ is always 0.7.
# Image and partner always come from different classes. How small can the training loss become
# ({eq}`au-mixup-floor`), and which probabilities must the network give then?
# Why can a training loss with mixup be higher than the validation loss, although nothing is wrong?

# %% [markdown] question="au-mixup-floor" points=2
# *Your answer here.*

# %% [markdown]
# ## 9. CutMix (●●●, 15 minutes)
#
# Do not blend: paste. A box of each image is replaced by the same box of its partner, {eq}`au-cutmix`.
# A box is given by its first row and column and by its height and width. It may begin above or to the left of
# the image, at negative numbers, and may reach over the other borders. Only what is inside counts.
# The label is mixed by the pixels that were **really** pasted, not by those that were asked for.


# %% solution="cutmix"
def cutmix(images, y, partner, top, left, height, width):
    """Paste a box of image partner[n] into image n, mix the labels by area, {eq}`au-cutmix`.

    (Yun et al. 2019.) images: (N, H, W, C). y: (N, K), rows of probabilities.
    partner: (N,), whole numbers from 0 to N - 1.
    top, left, height, width: (N,), whole numbers. Box n has the rows from top to top + height - 1 and the
    columns from left to left + width - 1, as far as they are in the image.
    Returns the images (N, H, W, C) and the labels (N, K), in this order. The label of the partner has
    the share of the pixels that come from it.

    Example: 4 x 5 pixels, top = -1, left = 3, height = 3, width = 4: rows 0 and 1, columns 3 and 4
    are pasted, 4 of 20 pixels. So the partner's label has the weight 0.2.
    """
    ### BEGIN SOLUTION
    _, H, W, _ = images.shape
    r, c = np.arange(H), np.arange(W)
    rows = (r >= top[:, None]) & (r < (top + height)[:, None])
    cols = (c >= left[:, None]) & (c < (left + width)[:, None])
    box = rows[:, :, None] & cols[:, None, :]
    pasted = np.where(box[..., None], images[partner], images)
    share = box.mean(axis=(1, 2))[:, None]
    return pasted, (1 - share) * y + share * y[partner]
    ### END SOLUTION


# %% check="cutmix" points=5
check(cutmix)

# %% [markdown]
# ## More transforms, given
#
# Most geometric transforms are a matrix about the centre, read through your `bilinear`.
# `warp_coordinates` takes matrices of 3 × 3 in homogeneous coordinates, {eq}`au-projective`.
# They say where the content goes. So the function inverts them: it reads where the content comes from.
# With the last row 0, 0, 1 they are affine, {eq}`au-affine`. The lens is {eq}`au-lens`.
# Colours turn about the grey axis by {eq}`au-hue`. Turns by 90 degrees need no reading between pixels:
# `np.rot90` with the axes of rows and columns, 1 and 2 here. Its default axes would turn other things.


# %% listing="warp"
def warp_coordinates(matrices, H, W):
    """Where output pixels read if the content is mapped by (N, 3, 3) matrices, in pixels (row, column, 1)
    from the centre. Returns rows, cols: (N, H, W)."""
    centre = np.array([(H - 1) / 2, (W - 1) / 2])[:, None, None]
    places = np.concatenate([np.indices((H, W)) - centre, np.ones((1, H, W))])
    sources = np.einsum("nij,jhw->inhw", np.linalg.inv(matrices), places)
    return sources[0] / sources[2] + centre[0], sources[1] / sources[2] + centre[1]


# %%
def matrix(linear=((1, 0), (0, 1)), perspective=(0, 0)):
    """One 3 x 3 matrix, (1, 3, 3): a linear map of (row, column), and the slopes of a projection."""
    return np.block([[np.array(linear), np.zeros((2, 1))], [np.array(perspective), np.ones((1, 1))]])[None]


def lens_coordinates(k, H, W):
    """Reading further out, the further from the centre: barrel for k > 0, {eq}`au-lens`. k: (N,)."""
    row, col = np.indices((H, W)) - np.array([(H - 1) / 2, (W - 1) / 2])[:, None, None]
    stretch = 1 + k[:, None, None] * (row**2 + col**2) / (row[0, 0] ** 2 + col[0, 0] ** 2)
    return row * stretch + (H - 1) / 2, col * stretch + (W - 1) / 2


# %% listing="hue"
def rotate_hue(images, angle):
    """Turn the colours of each image about the grey axis, {eq}`au-hue`. images: (N, H, W, 3). angle: (N,)."""
    cos, sin = (f(np.radians(angle))[:, None, None] for f in (np.cos, np.sin))
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)  # (1, 1, 1) / sqrt(3) times a vector
    turn = cos * np.eye(3) + sin * cross + (1 - cos) / 3
    return np.clip(images @ turn.transpose(0, 2, 1)[:, None], 0, 1)


# %%
def add_noise(images, normal, sigma):
    """Gaussian noise, {eq}`au-noise`. normal: standard normal numbers, like images. sigma: its size."""
    return np.clip(images + sigma * normal, 0, 1)


def blur(images, sigma):
    """A Gaussian filter, first over axis 1, then over axis 2; borders are repeated."""
    reach = int(3 * sigma + 1)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    for axis in (1, 2):
        border = [(reach, reach) if a == axis else (0, 0) for a in range(4)]
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(images, border, "edge"), len(weights), axis)
        images = windows @ weights
    return images


def illuminate(images, strength):
    """Light from one side: a ramp of factors over the columns. strength: (N,), above 0 from the right."""
    ramp = np.linspace(-1, 1, images.shape[2])[:, None]
    return np.clip(images * (1 + strength[:, None, None, None] * ramp), 0, 1)


# %% [markdown]
# ## Experiment: the gallery (3 minutes)
#
# All transforms, on one picture, by your functions. Which of them would you allow for cats? For digits?
# For photographs of the eye, where the doctor must know left from right? For satellite images?

# %% experiment="gallery"
picture = cat(72)[None]
H, W = picture.shape[1:3]
rng = np.random.default_rng(3)
one = np.ones(1)
other = rotate_hue(picture[:, :, ::-1], 120 * one)
pair, labels, swap = np.concatenate([picture, other]), np.eye(2), np.array([1, 0])


def warped(linear=((1, 0), (0, 1)), perspective=(0, 0)):
    return bilinear(picture, *warp_coordinates(matrix(linear, perspective), H, W))


gallery = {
    "original": picture,
    "mirrored": flip(picture, one > 0),
    "shifted": pad_and_crop(picture, 12, np.array([20]), np.array([4])),
    "by 90°": np.rot90(picture, axes=(1, 2)),
    "by 20°": bilinear(picture, *rotation_coordinates(20 * one, H, W)),
    "larger": bilinear(picture, *zoom_coordinates(1.4 * one, H, W)),
    "smaller": bilinear(picture, *zoom_coordinates(0.7 * one, H, W)),
    "stretched": warped(((1, 0), (0, 1.4))),
    "sheared": warped(((1, 0), (0.4, 1))),
    "projected": warped(perspective=(0.006, 0.002)),
    "lens": bilinear(picture, *lens_coordinates(0.4 * one, H, W)),
    "dark": brightness_contrast(picture, 0.5 * one, one),
    "contrast": brightness_contrast(picture, one, 2 * one),
    "hue": rotate_hue(picture, 90 * one),
    "light": illuminate(picture, 0.7 * one),
    "blur": blur(picture, 1.5),
    "noise": add_noise(picture, rng.normal(size=picture.shape), 0.1),
    "salt, pepper": salt_and_pepper(picture, rng.random(picture.shape[:3]), 0.1),
    "cutout": cutout(picture, np.array([30]), np.array([60]), 30),
    "mixup": mixup(pair, labels, swap, 0.6 * np.ones(2))[0],
    "CutMix": cutmix(pair, labels, swap, *np.array([[20, 0], [35, 0], [40, 9], [50, 9]]))[0],
}
figure, axes = plt.subplots(3, 7, figsize=(10, 4.8), layout="constrained")
for ax, (name, shown) in zip(axes.flat, gallery.items(), strict=True):
    ax.imshow(shown[0], interpolation="none")
    ax.set_title(name, fontsize=9)
    ax.axis("off")
plt.show()

# %% [markdown]
# ## Experiment: which changes keep the label? (6 minutes)
#
# Ten handwritten digits of each class to learn from. Nine changed copies of each are added.
# The classifier is the simplest of all: a test image gets the label of the nearest training image.
# The training images are drawn five times. In each draw all transforms start from the same images,
# so compare within a draw: how many points does a transform win or lose against no copies?
# The dots are these five differences, the bars their mean. After ± stands the standard deviation of the five.
# Before you run it: order the transforms. Which will do harm?


# %%
def nearest_labels(train, labels, test):
    """The label of the nearest training image, for each test image."""
    a, b = test.reshape(len(test), -1), train.reshape(len(train), -1)
    return labels[((b**2).sum(axis=1) - 2 * a @ b.T).argmin(axis=1)]


def few_images(images, labels, rng, each=10):
    """So many images of each class, at random, and their labels."""
    rows = np.concatenate([rng.permutation(np.flatnonzero(labels == k))[:each] for k in range(10)])
    return images[rows], labels[rows]


def turned(images, angle):
    return bilinear(images, *rotation_coordinates(angle, *images.shape[1:3]))


CHANGES = {
    "nothing": lambda x, rng: x,
    "shift, up to 2 pixels": lambda x, rng: pad_and_crop(x, 2, *rng.integers(0, 5, (2, len(x)))),
    "turn, up to 15°": lambda x, rng: turned(x, rng.uniform(-15, 15, len(x))),
    "turn, up to 60°": lambda x, rng: turned(x, rng.uniform(-60, 60, len(x))),
    "turn, up to 180°": lambda x, rng: turned(x, rng.uniform(-180, 180, len(x))),
    "mirror": lambda x, rng: flip(x, rng.random(len(x)) < 0.5),
    "contrast": lambda x, rng: brightness_contrast(x, *rng.uniform(0.7, 1.3, (2, len(x)))),
    "salt and pepper, 10 %": lambda x, rng: salt_and_pepper(x, rng.random(x.shape[:3]), 0.1),
    "cutout, 9 × 9": lambda x, rng: cutout(x, *rng.integers(0, 28, (2, len(x))), 9),
}

# %% experiment="labels"
digits = load("mnist5k")
x_train, x_test = digits.train_images / 255, digits.test_images / 255
right, gain = {}, {}
for name, change in CHANGES.items():
    right[name], confused, errors = [], 0, 0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        few, labels = few_images(x_train, digits.train_labels, rng)
        copies = change(np.tile(few, (9, 1, 1, 1)), rng)
        answer = nearest_labels(np.concatenate([few, copies]), np.tile(labels, 10), x_test)
        right[name].append(100 * (answer == digits.test_labels).mean())
        errors += (answer != digits.test_labels).sum()
        confused += sum((answer[digits.test_labels == k] == 15 - k).sum() for k in (6, 9))
    gain[name] = np.subtract(right[name], right["nothing"])
    points = f"{gain[name].mean():+5.1f} ± {gain[name].std():.1f} points"
    print(f"{name:22} {np.mean(right[name]):.1f} % right, {points}, 6 and 9: {confused:2} of {errors} errors")

plt.figure(figsize=(7, 3.4), layout="constrained")
plt.barh(list(gain), [values.mean() for values in gain.values()], color="0.85")
for place, values in enumerate(gain.values()):
    plt.plot(values, [place] * 5, "o", color="C0", ms=4)
plt.axvline(0, color="C1", ls="--")
plt.gca().invert_yaxis()
plt.xlabel("more test images right than without copies, points")
plt.show()

# %% [markdown]
# **Question** (5 minutes). Compare with your order.
# Which differences have the same sign in all five draws?
# Why does a turn by up to 180° do harm? Which share of its errors are 6 for 9 or 9 for 6?
# With salt and pepper no answer becomes right or wrong: what do specks do to the distance between
# a copy and a test image? What would a network do with such copies?

# %% [markdown] question="au-labels" points=3
# *Your answer here.*

# %% [markdown]
# ## Experiment: many views at test time (5 minutes)
#
# A softmax regression learns from a hundred digits. At test time each image is shown in nine views:
# shifted by one pixel in all directions, by your `pad_and_crop`.
# The probabilities are averaged, {eq}`au-tta`.
# The loss of the mean is never above the mean of the losses, {eq}`au-group`.
# Before you run it: will the mean of nine views beat the one view in the middle?


# %%
def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def probabilities(images, weights):
    """Softmax regression: the probabilities (N, K) of the classes. weights: (H * W * C + 1, K)."""
    x = images.reshape(len(images), -1)
    return softmax(x @ weights[:-1] + weights[-1])


def learn(images, labels, change, rng, steps=400, rate=0.5):
    """Weights of a softmax regression by gradient descent, every step on newly changed images."""
    weights = np.zeros((images[0].size + 1, 10))
    for _ in range(steps):
        x = change(images, rng)
        error = probabilities(x, weights) - np.eye(10)[labels]
        weights[:-1] -= rate / len(x) * x.reshape(len(x), -1).T @ error
        weights[-1] -= rate * error.mean(axis=0)
    return weights


def loss_and_right(p, labels):
    return -np.log(p[np.arange(len(p)), labels]).mean(), 100 * (p.argmax(axis=1) == labels).mean()


# %% experiment="views"
shifts = np.indices((3, 3)).reshape(2, 9)
for name in ("nothing", "shift, up to 2 pixels"):
    table = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        few, labels = few_images(x_train, digits.train_labels, rng)
        weights = learn(few, labels, CHANGES[name], rng)
        views = [pad_and_crop(x_test, 1, *np.tile(shift[:, None], len(x_test))) for shift in shifts.T]
        each = np.array([probabilities(view, weights) for view in views])
        middle = loss_and_right(each[4], digits.test_labels)
        single = np.mean([loss_and_right(p, digits.test_labels) for p in each], axis=0)
        together = loss_and_right(each.mean(axis=0), digits.test_labels)
        table.append([middle, single, together])
    print(f"trained with: {name}")
    for row, mean, std in zip(
        ("  view in the middle", "  a view, on average", "  mean of nine views"),
        np.mean(table, axis=0),
        np.std(table, axis=0),
        strict=True,
    ):
        print(f"{row}: loss {mean[0]:.3f} ± {std[0]:.3f}, right {mean[1]:.1f} ± {std[1]:.1f} %")

# %% [markdown]
# **Question** (5 minutes). Between which of the six rows does the inequality show?
# Does it promise that the mean of nine views beats the view in the middle? Does it here?
# What has the training with shifts to do with it?
# What do the nine views cost?

# %% [markdown] question="au-views" points=2
# *Your answer here.*

# %% [markdown]
# ## 10. Your own test (●●○, 12 minutes)
#
# Write the test that you would want before you trust somebody's `pad_and_crop`. It gets a function.
# Where the function is wrong, your test raises an error: use `assert`.
# Any error counts as a rejection, as in pytest.
# Where the function is right, your test returns. Whatever it returns is ignored, `True` and `False` too.
# It is marked on one right implementation and on several wrong ones.
#
# The check here takes your own `pad_and_crop` for the right one. Pass section 2 first.
#
# The inputs are yours to choose, and some hide mistakes. What does an offset of `pad` hide?
# Offsets that are all smaller than `2 * pad`? One image, or images that are all alike?
# Images that are square, or black at the border, or the same offset in both directions?
# Would you see that rows and columns were exchanged? That the function wrote into its input?


# %% solution="test_pad_and_crop"
def test_pad_and_crop(implementation):
    """Raise an error unless implementation(images, pad, top, left) is right. Else return.

    Right means section 2: zeros around each image, a window for each image, inputs as they were.
    Use assert. Any error counts as a rejection, returning counts as acceptance.
    """
    ### BEGIN SOLUTION
    images = np.arange(1.0, 49.0).reshape(2, 3, 4, 2)
    given = images.copy()
    out = implementation(images, 2, np.array([0, 3]), np.array([4, 1]))
    wanted = np.zeros((2, 3, 4, 2))
    wanted[0, 2:, :2] = given[0, :1, 2:]
    wanted[1, :2, 1:] = given[1, 1:, :3]
    assert out.shape == wanted.shape and np.allclose(out, wanted)
    assert (images == given).all()
    ### END SOLUTION


# %% check="test_pad_and_crop" points=4
check(test_pad_and_crop)

# %% [markdown]
# You have written the transforms that most training programs use, and a test that checks one of them.
# The next notebook, `augmentation_torch`, runs them in batches on the device,
# and measures what they do for a network.
