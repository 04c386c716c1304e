import numpy as np
from autograder import probe


@probe("flip", cases=2)
def mirrors_the_images_whose_coin_says_so(s, images, coin):
    return {"y": s.flip(images, coin)}


@probe("flip", cases=1)
def mirrors_colour_images_and_a_single_one(s, images, coin):
    return {
        "y": s.flip(images, coin),
        "y_for_one_image_and_True": s.flip(images[:1], np.array([True])),
        "y_for_all_coins_False": s.flip(images, np.zeros(len(images), dtype=bool)),
    }


@probe("pad_and_crop", cases=2)
def moves_each_image_by_its_own_offset(s, images, pad, top, left):
    return {"y": s.pad_and_crop(images, pad, top, left)}


@probe("rotation_coordinates")
def reads_at_the_place_that_is_turned_back(s, angle, H, W):
    rows, cols = s.rotation_coordinates(angle, H, W)
    return {"rows": rows, "cols": cols}


@probe("rotation_coordinates", cases=1)
def turns_by_right_angles(s, angle, H, W):
    rows, cols = s.rotation_coordinates(angle, H, W)
    return {"rows": rows, "cols": cols}


@probe("bilinear", cases=2)
def weighs_the_four_neighbours(s, images, rows, cols):
    return {"y": s.bilinear(images, rows, cols)}


@probe("bilinear", cases=2)
def fades_out_over_the_border_and_is_0_beyond(s, images, rows, cols):
    return {"y": s.bilinear(images, rows, cols)}


@probe("bilinear", cases=1)
def gives_the_pixel_itself_at_whole_numbers(s, images, rows, cols):
    return {"y": s.bilinear(images, rows, cols)}


@probe("brightness_contrast", cases=2)
def brightens_and_stretches_each_image(s, images, brightness, contrast):
    return {"y": s.brightness_contrast(images, brightness, contrast)}


@probe("brightness_contrast", cases=2)
def clips_once_at_the_end(s, images, brightness, contrast):
    return {"y": s.brightness_contrast(images, brightness, contrast)}


@probe("salt_and_pepper", cases=2)
def turns_a_share_of_the_pixels_black_or_white(s, images, u, p):
    return {"y": s.salt_and_pepper(images, u, p)}


@probe("salt_and_pepper", cases=1)
def decides_at_the_thresholds_themselves(s, images, u, p):
    return {"y": s.salt_and_pepper(images, u, p)}


@probe("salt_and_pepper", cases=1)
def hits_all_channels_of_a_pixel_together(s, images, u, p):
    before = np.array(images)
    hit = np.asarray(s.salt_and_pepper(images, u, p)) != before
    return {"pixels_are_hit_in_some_channels_only": (hit.any(axis=-1) != hit.all(axis=-1)).any()}


@probe("cutout", cases=2)
def cuts_a_hole_around_each_centre(s, images, row, column, size):
    return {"y": s.cutout(images, row, column, size)}


@probe("cutout", cases=1)
def cuts_holes_of_even_size(s, images, row, column, size):
    return {"y": s.cutout(images, row, column, size)}


@probe("cutout", cases=2)
def cuts_the_hole_off_at_the_border(s, images, row, column, size):
    return {"y": s.cutout(images, row, column, size)}


@probe("mixup", cases=2)
def blends_each_image_with_its_partner(s, images, y, partner, lam):
    mixed, _labels = s.mixup(images, y, partner, lam)
    return {"images": mixed}


@probe("mixup")
def blends_the_labels_in_the_same_way(s, images, y, partner, lam):
    _mixed, labels = s.mixup(images, y, partner, lam)
    return {"labels": labels}


@probe("cutmix", cases=2)
def pastes_a_box_of_the_partner(s, images, y, partner, **box):
    found, _labels = s.cutmix(images, y, partner, **box)
    return {"images": found}


@probe("cutmix")
def mixes_the_labels_by_area(s, images, y, partner, **box):
    _found, labels = s.cutmix(images, y, partner, **box)
    return {"labels": labels}


@probe("cutmix", cases=2)
def cuts_the_box_off_at_the_border(s, images, y, partner, **box):
    found, _labels = s.cutmix(images, y, partner, **box)
    return {"images": found}


@probe("cutmix", cases=2)
def counts_the_pixels_that_were_really_pasted(s, images, y, partner, **box):
    _found, labels = s.cutmix(images, y, partner, **box)
    return {"labels": labels}


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
