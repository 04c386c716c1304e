"""What the checks ask of the NumPy notebook, and the inputs they ask it on.

Inputs: images without symmetry and without a dark border, all axes of different lengths, one of height and
width odd and one even, other numbers for every image, offsets and boxes that differ in rows and columns."""

import numpy as np

from autograder import probe


def photos(rng, N=5, H=4, W=7, C=2):
    """Images whose pixels are all different, far from 0 and from 1; 11 bits each: they compress well."""
    values = np.linspace(200, 1640, N * H * W * C).round() / 2048
    return rng.permutation(values).reshape(N, H, W, C)


@probe("flip", cases=2)
def mirrors_the_images_whose_coin_says_so(s, images, coin):
    return {"y": s.flip(images, coin)}


@mirrors_the_images_whose_coin_says_so.inputs
def _(rng):
    return {"images": photos(rng), "coin": np.array([True, *rng.permutation([True, False, True]), False])}


@probe("flip", cases=1)
def mirrors_colour_images_and_a_single_one(s, images, coin):
    return {
        "y": s.flip(images, coin),
        "y_for_one_image_and_True": s.flip(images[:1], np.array([True])),
        "y_for_all_coins_False": s.flip(images, np.zeros(len(images), dtype=bool)),
    }


@mirrors_colour_images_and_a_single_one.inputs
def _(rng):
    return {"images": photos(rng, 4, 5, 6, 3), "coin": np.array([False, True, True, False])}


def offsets(rng, pad, N=5):
    """Offsets (2, N), both ends among them; other ones in rows and columns, and for every image."""
    while True:
        found = rng.integers(0, 2 * pad + 1, (2, N))
        ends = {0, 2 * pad} <= set(found.ravel().tolist())
        if (
            ends
            and len({*map(tuple, found.T)}) == N
            and (found[0] != found[1]).all()
            and (found[:, 0] != pad).all()
        ):
            return found


@probe("pad_and_crop", cases=2)
def moves_each_image_by_its_own_offset(s, images, pad, top, left):
    return {"y": s.pad_and_crop(images, pad, top, left)}


@moves_each_image_by_its_own_offset.inputs
def _(rng):
    top, left = offsets(rng, 3)
    return {"images": photos(rng, 5, 6, 8, 2), "pad": 3, "top": top, "left": left}


@probe("pad_and_crop", cases=1, hidden=True)
def moves_colour_images_by_one_pixel(s, images, pad, top, left):
    return {"y": s.pad_and_crop(images, pad, top, left)}


@moves_colour_images_by_one_pixel.inputs
def _(rng):
    top, left = offsets(rng, 1, 4)
    return {"images": photos(rng, 4, 6, 5, 3), "pad": 1, "top": top, "left": left}


@probe("rotation_coordinates")
def reads_at_the_place_that_is_turned_back(s, angle, H, W):
    rows, cols = s.rotation_coordinates(angle, H, W)
    return {"rows": rows, "cols": cols}


@reads_at_the_place_that_is_turned_back.inputs
def _(rng):
    angle = rng.permutation([rng.uniform(10, 35), rng.uniform(55, 80), rng.uniform(-80, -55)])
    H, W = rng.permutation([4, 7])
    return {"angle": angle, "H": int(H), "W": int(W)}


@probe("rotation_coordinates", cases=1)
def turns_by_right_angles(s, angle, H, W):
    rows, cols = s.rotation_coordinates(angle, H, W)
    return {"rows": rows, "cols": cols}


@turns_by_right_angles.inputs
def _(rng):
    return {"angle": np.array([90.0, 0.0, -90.0, 180.0]), "H": 5, "W": 6}


def between(rng, shape, size):
    """Places between 0 and size - 1, none near a whole number or in the middle of two."""
    return rng.integers(0, size - 1, shape) + rng.choice([-1, 1], shape) * rng.uniform(0.1, 0.4, shape) + 0.5


@probe("bilinear", cases=2)
def weighs_the_four_neighbours(s, images, rows, cols):
    return {"y": s.bilinear(images, rows, cols)}


@weighs_the_four_neighbours.inputs
def _(rng):
    shape = (5, 3, 6)
    return {"images": photos(rng), "rows": between(rng, shape, 4), "cols": between(rng, shape, 7)}


@probe("bilinear", cases=2)
def fades_out_over_the_border_and_is_0_beyond(s, images, rows, cols):
    return {"y": s.bilinear(images, rows, cols)}


@fades_out_over_the_border_and_is_0_beyond.inputs
def _(rng):
    rows, cols = between(rng, (4, 2, 9), 5), between(rng, (4, 2, 9), 6)
    rows[:, :, 0], rows[:, :, 1], rows[:, :, 2] = -0.3, 4.3, -1.4
    rows[:, :, 3], cols[:, :, 4] = 5.2, -rng.uniform(0.55, 0.8)
    cols[:, :, 5], cols[:, :, 6], cols[:, :, 7], rows[:, :, 8] = 5.6, -2.3, 6.4, -9.7
    rows[:, 1, 8], cols[:, 1, 8] = -0.2, 5.3
    return {"images": photos(rng, 4, 5, 6, 3), "rows": rows, "cols": cols}


@probe("bilinear", cases=1)
def gives_the_pixel_itself_at_whole_numbers(s, images, rows, cols):
    return {"y": s.bilinear(images, rows, cols)}


@gives_the_pixel_itself_at_whole_numbers.inputs
def _(rng):
    rows, cols = np.broadcast_arrays(np.arange(-1.0, 5)[:, None], np.arange(-1.0, 8))
    return {"images": photos(rng, 2), "rows": np.stack([rows] * 2), "cols": np.stack([cols] * 2)}


def exposed(rng, N, H, W, C):
    """Images of different brightness, whose channels differ in brightness, too."""
    light = rng.permutation(np.linspace(0.45, 0.9, N))[:, None, None, None]
    return photos(rng, N, H, W, C) * light * rng.permutation(np.linspace(0.6, 1, C))


@probe("brightness_contrast", cases=2)
def brightens_and_stretches_each_image(s, images, brightness, contrast):
    return {"y": s.brightness_contrast(images, brightness, contrast)}


@brightens_and_stretches_each_image.inputs
def _(rng):
    # faint enough that nothing is clipped
    brightness, contrast = (
        rng.permutation([0.5, 0.7, 1.15, 1.3, 1.4]),
        rng.permutation([0.4, 0.6, 0.8, 1.2, 1.3]),
    )
    return {"images": 0.2 + 0.3 * exposed(rng, 5, 4, 7, 2), "brightness": brightness, "contrast": contrast}


@probe("brightness_contrast", cases=2)
def clips_once_at_the_end(s, images, brightness, contrast):
    return {"y": s.brightness_contrast(images, brightness, contrast)}


@clips_once_at_the_end.inputs
def _(rng):
    images = exposed(rng, 4, 5, 6, 3)
    brightness, contrast = rng.uniform(1.6, 2.2, (2, 4))
    # made dark: contrast before brightness would leave the range where the result does not
    light = images.mean(axis=(1, 2, 3)).argmax()
    brightness[light], contrast[light] = rng.uniform(0.45, 0.55), rng.uniform(2.3, 2.7)
    # made so bright that contrast has to bring something back
    other = (light + 1) % 4
    brightness[other], contrast[other] = 1.6 / images[other].max(), 0.6
    return {"images": images, "brightness": brightness, "contrast": contrast}


def specks(rng, p, N=5, H=4, W=7):
    """Uniform numbers (N, H, W) on both sides of p / 2, of p and of (1 - p) / 2, and likewise below 1."""
    low = np.array([p / 4, 0.4 * p, 0.7 * p, p / 4 + 0.25])
    kinds = np.concatenate([low, 1 - low, [0.5]])
    return np.stack([rng.permutation(np.resize(kinds, H * W)).reshape(H, W) for _ in range(N)])


@probe("salt_and_pepper", cases=2)
def turns_a_share_of_the_pixels_black_or_white(s, images, u, p):
    return {"y": s.salt_and_pepper(images, u, p)}


@turns_a_share_of_the_pixels_black_or_white.inputs
def _(rng):
    p = float(rng.uniform(0.18, 0.28))
    return {"images": photos(rng), "u": specks(rng, p), "p": p}


@probe("salt_and_pepper", cases=1)
def decides_at_the_thresholds_themselves(s, images, u, p):
    return {"y": s.salt_and_pepper(images, u, p)}


@decides_at_the_thresholds_themselves.inputs
def _(rng):
    u = specks(rng, 0.25, 4, 5, 6)
    u[:, 0, 0], u[:, 1, 1], u[:, 2, 3] = 0.125, 0.875, 0.0
    return {"images": photos(rng, 4, 5, 6, 3), "u": u, "p": 0.25}


@probe("salt_and_pepper", cases=1)
def hits_all_channels_of_a_pixel_together(s, images, u, p):
    before = np.array(images)
    hit = np.asarray(s.salt_and_pepper(images, u, p)) != before
    return {"pixels_are_hit_in_some_channels_only": (hit.any(axis=-1) != hit.all(axis=-1)).any()}


@hits_all_channels_of_a_pixel_together.inputs
def _(rng):
    return {"images": photos(rng, 4, 9, 8, 3), "u": rng.random((4, 9, 8)), "p": 0.5}


@probe("cutout", cases=2)
def cuts_a_hole_around_each_centre(s, images, row, column, size):
    return {"y": s.cutout(images, row, column, size)}


@cuts_a_hole_around_each_centre.inputs
def _(rng):
    row, column = rng.permutation([2, 3, 4, 5]), rng.permutation([1, 3, 5, 6])
    return {"images": photos(rng, 4, 7, 8, 2), "row": row, "column": column, "size": 3}


@probe("cutout", cases=1)
def cuts_holes_of_even_size(s, images, row, column, size):
    return {"y": s.cutout(images, row, column, size)}


@cuts_holes_of_even_size.inputs
def _(rng):
    row, column = rng.permutation([2, 3, 4, 5]), rng.permutation([6, 2, 5, 3])
    return {"images": photos(rng, 4, 7, 8, 3), "row": row, "column": column, "size": int(rng.choice([2, 4]))}


@probe("cutout", cases=2)
def cuts_the_hole_off_at_the_border(s, images, row, column, size):
    return {"y": s.cutout(images, row, column, size)}


@cuts_the_hole_off_at_the_border.inputs
def _(rng):
    row, column = np.array([0, 5, 3, 2, 0]), np.array([3, 4, 0, 6, 6])
    order = rng.permutation(5)
    return {"images": photos(rng, 5, 6, 7, 2), "row": row[order], "column": column[order], "size": 5}


def pairs(rng, N=5, C=2):
    """Images, labels, partners in a ring (none is the inverse of itself), and weights far from a half."""
    order = rng.permutation(N)
    partner = np.empty(N, dtype=int)
    partner[order] = np.roll(order, 1)
    lam = rng.permutation(np.where(np.arange(N) % 2, rng.uniform(0.1, 0.35, N), rng.uniform(0.65, 0.9, N)))
    return {
        "images": photos(rng, N, 4, 7, C),
        "y": rng.dirichlet(np.full(3, 0.7), N) if N > 4 else np.eye(6)[rng.permutation(6)[:N]],
        "partner": partner,
        "lam": lam,
    }


@probe("mixup", cases=2)
def blends_each_image_with_its_partner(s, images, y, partner, lam):
    mixed, _labels = s.mixup(images, y, partner, lam)
    return {"images": mixed}


@blends_each_image_with_its_partner.inputs
def _(rng):
    return pairs(rng)


@probe("mixup")
def blends_the_labels_in_the_same_way(s, images, y, partner, lam):
    _mixed, labels = s.mixup(images, y, partner, lam)
    return {"labels": labels}


@blends_the_labels_in_the_same_way.inputs
def _(rng):
    return pairs(rng)


@probe("mixup", cases=1, hidden=True)
def lets_two_images_have_one_partner(s, images, y, partner, lam):
    mixed, labels = s.mixup(images, y, partner, lam)
    return {"images": mixed, "labels": labels}


@lets_two_images_have_one_partner.inputs
def _(rng):
    return {**pairs(rng, 4, 3), "partner": np.array([2, 3, 3, 1])}


def boxes(rng, H, W):
    """Five boxes inside of images of H x W pixels, one of them large: top, left, height, width."""
    height, width = rng.permutation([[1, 2], [2, 5], [3, 4], [4, 6], [4, 2]]).T
    top, left = rng.integers(0, H - height + 1), rng.integers(0, W - width + 1)
    return {"top": top, "left": left, "height": height, "width": width}


def pasted(rng, **box):
    given = pairs(rng)
    del given["lam"]
    return {**given, "images": photos(rng, 5, 5, 7, 2), **(box or boxes(rng, 5, 7))}


@probe("cutmix", cases=2)
def pastes_a_box_of_the_partner(s, images, y, partner, **box):
    found, _labels = s.cutmix(images, y, partner, **box)
    return {"images": found}


@pastes_a_box_of_the_partner.inputs
def _(rng):
    return pasted(rng)


@probe("cutmix")
def mixes_the_labels_by_area(s, images, y, partner, **box):
    _found, labels = s.cutmix(images, y, partner, **box)
    return {"labels": labels}


@mixes_the_labels_by_area.inputs
def _(rng):
    given = pasted(rng)
    given["images"][:, :, :3] = 0  # black pasted on black counts, too, though no pixel changes
    return given


def over_the_border(rng):
    """Boxes that reach over each of the four borders, and one that lies outside."""
    box = np.array([[-2, 1, 4, 4], [3, 5, 5, 6], [1, -1, 3, 4], [-1, 4, 3, 5], [6, 2, 2, 3]])
    names = ("top", "left", "height", "width")
    return dict(zip(names, rng.permutation(box).T, strict=True))


@probe("cutmix", cases=2)
def cuts_the_box_off_at_the_border(s, images, y, partner, **box):
    found, _labels = s.cutmix(images, y, partner, **box)
    return {"images": found}


@cuts_the_box_off_at_the_border.inputs
def _(rng):
    return pasted(rng, **over_the_border(rng))


@probe("cutmix", cases=2)
def counts_the_pixels_that_were_really_pasted(s, images, y, partner, **box):
    _found, labels = s.cutmix(images, y, partner, **box)
    return {"labels": labels}


@counts_the_pixels_that_were_really_pasted.inputs
def _(rng):
    return pasted(rng, **over_the_border(rng))


@probe(
    "test_pad_and_crop",
    judges="pad_and_crop",
    wrong=("AU7", "AU8", "AU9", "AU10", "AU11", "AU13", "PC-image-0"),
)
def accepts_a_right_crop_and_rejects_wrong_ones(s, implementation):
    s.test_pad_and_crop(implementation)
    return {"accepts": np.array(True)}


@accepts_a_right_crop_and_rejects_wrong_ones.broken
def one_offset_for_all(right):
    """every image of the batch gets the offset of the first one (with one image nobody sees it)"""

    def wrong(images, pad, top, left):
        return right(images, pad, np.full_like(top, top[0]), np.full_like(left, left[0]))

    return wrong


@accepts_a_right_crop_and_rejects_wrong_ones.broken
def rows_and_columns_exchanged(right):
    """top counts columns and left counts rows (with top = left nobody sees it)"""

    def wrong(images, pad, top, left):
        return right(images, pad, left, top)

    return wrong


@accepts_a_right_crop_and_rejects_wrong_ones.broken
def other_direction(right):
    """the image moves up where it should move down, and left where it should move right"""

    def wrong(images, pad, top, left):
        return right(images, pad, 2 * pad - top, 2 * pad - left)

    return wrong


@accepts_a_right_crop_and_rejects_wrong_ones.broken
def wrapped_around(right):
    """what leaves the image on one side enters it again on the other one, as np.roll does"""

    def wrong(images, pad, top, left):
        shifts = zip(images, pad - top, pad - left, strict=True)
        return np.stack([np.roll(image, (int(r), int(c)), axis=(0, 1)) for image, r, c in shifts])

    return wrong


@accepts_a_right_crop_and_rejects_wrong_ones.broken
def reflected(right):
    """the border mirrors the image and is not zero (images with a black border hide it)"""

    def wrong(images, pad, top, left):
        (height, width), border = images.shape[1:3], ((0, 0), (pad, pad), (pad, pad), (0, 0))
        big = np.pad(images, border, mode="symmetric")
        windows = zip(big, top, left, strict=True)
        return np.stack([image[t : t + height, c : c + width] for image, t, c in windows])

    return wrong


@accepts_a_right_crop_and_rejects_wrong_ones.broken
def never_moved(right):
    """the images come back as they were (with an offset of pad nobody sees it)"""

    def wrong(images, pad, top, left):
        return images.copy()

    return wrong


@accepts_a_right_crop_and_rejects_wrong_ones.broken
def all_from_the_first_image(right):
    """every window is cut out of the first image (with images that are all alike nobody sees it)"""

    def wrong(images, pad, top, left):
        return right(np.repeat(images[:1], len(images), axis=0), pad, top, left)

    return wrong


@accepts_a_right_crop_and_rejects_wrong_ones.broken
def mirrored_windows(right):
    """the windows are mirrored (the sum of the pixels does not show it)"""

    def wrong(images, pad, top, left):
        return right(images, pad, top, left)[:, :, ::-1]

    return wrong


@accepts_a_right_crop_and_rejects_wrong_ones.broken
def last_offset_missing(right):
    """an offset of 2 * pad counts as 2 * pad - 1 (with smaller offsets nobody sees it)"""

    def wrong(images, pad, top, left):
        return right(images, pad, np.minimum(top, 2 * pad - 1), np.minimum(left, 2 * pad - 1))

    return wrong


@accepts_a_right_crop_and_rejects_wrong_ones.broken
def inputs_overwritten(right):
    """the result is right, but it is written into the images that were given"""

    def wrong(images, pad, top, left):
        images[...] = right(images.copy(), pad, top, left)
        return images

    return wrong
