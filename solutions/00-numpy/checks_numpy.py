"""What the checks ask of arrays_numpy, and the inputs they ask it on.

Inputs: axes of different lengths, pixels at both ends of a byte, numbers of both signs, shapes with sizes of
0 and 1, counts of pairs that recur, a step h that shows, arrays of integers and of float32."""

import operator

import numpy as np

from autograder import probe


def fact(value):
    return np.array(bool(value))


def has_dtype(found, dtype):
    return fact(np.asarray(found).dtype == dtype)


def brightened(s, images, amount):
    found = s.brighten(images, amount)
    return {"images": found, "is_uint8": has_dtype(found, np.uint8)}


@probe("brighten", cases=2)
def stays_white_above_255(s, images, amount):
    return brightened(s, images, amount)


@stays_white_above_255.inputs
def _(rng):
    """No pixel is white before, some are afterwards."""
    images = rng.integers(5, 230, (2, 3, 5, 4), dtype=np.uint8)
    images.flat[:2] = 199, 127
    return {"images": images, "amount": int(rng.integers(57, 120))}


@probe("brighten", cases=2)
def stays_black_below_0(s, images, amount):
    return brightened(s, images, amount)


@stays_black_below_0.inputs
def _(rng):
    images = rng.integers(20, 250, (3, 4, 5), dtype=np.uint8)
    images.flat[:2] = 31, 221
    return {"images": images, "amount": -int(rng.integers(57, 120))}


@probe("brighten", cases=1)
def bears_the_largest_amounts(s, images, amount):
    return {
        **brightened(s, images, amount),
        "images_plus_255": s.brighten(images, 255),
        "images_minus_255": s.brighten(images, -255),
    }


@bears_the_largest_amounts.inputs
def _(rng):
    """The pixel that becomes 256 is among them."""
    images = rng.integers(2, 254, 11, dtype=np.uint8)
    amount = int(rng.integers(140, 200))
    images[:4] = 0, 255, 1, 256 - amount
    return {"images": images, "amount": amount}


def cropped(s, images, top, left, height, width):
    found = s.crop(images, top, left, height, width)
    return {"crop": found, "keeps_the_dtype": has_dtype(found, images.dtype)}


@probe("crop", cases=2)
def cuts_the_same_part_of_grey_images(s, images, top, left, height, width):
    return cropped(s, images, top, left, height, width)


@cuts_the_same_part_of_grey_images.inputs
def _(rng):
    """More images and rows than any slice needs, so that a wrong axis gives something."""
    images = rng.permutation(11 * 13 * 17).reshape(11, 13, 17).astype(np.uint16)
    return {"images": images, "top": int(rng.integers(4, 6)), "left": 3, "height": 5, "width": 6}


@probe("crop", cases=1)
def cuts_the_same_part_of_colour_images(s, images, top, left, height, width):
    return cropped(s, images, top, left, height, width)


@cuts_the_same_part_of_colour_images.inputs
def _(rng):
    images = rng.integers(0, 256, (4, 10, 9, 2), dtype=np.uint8)
    return {"images": images, "top": int(rng.integers(2, 4)), "left": 4, "height": 6, "width": 3}


@probe("crop", cases=1)
def reaches_the_last_row_and_column(s, images, height, width):
    H, W = images.shape[1:]
    return cropped(s, images, H - height, W - width, height, width)


@reaches_the_last_row_and_column.inputs
def _(rng):
    return {"images": rng.normal(size=(3, 9, 11)), "height": int(rng.integers(5, 7)), "width": 4}


@probe("crop", cases=1)
def begins_at_the_first_row_and_column(s, images, height, width):
    return cropped(s, images, 0, 0, height, width)


@begins_at_the_first_row_and_column.inputs
def _(rng):
    return {"images": rng.normal(size=(2, 8, 7)), "height": int(rng.integers(4, 6)), "width": 3}


@probe("crop", cases=1)
def shares_no_memory_with_the_images(s, images, top, left, height, width):
    """A part that is the whole is a block of memory: who copies only what is none returns a view there."""
    part, whole = s.crop(images, top, left, height, width), s.crop(images, 0, 0, *images.shape[1:])
    return {
        "crop": part,
        "crop_of_everything": whole,
        "shares_memory_with_images": fact(np.shares_memory(np.asarray(part), images)),
        "shares_memory_where_the_part_is_the_whole": fact(np.shares_memory(np.asarray(whole), images)),
    }


@shares_no_memory_with_the_images.inputs
def _(rng):
    images = rng.integers(0, 256, (5, 7, 9), dtype=np.uint8)
    return {"images": images, "top": 2, "left": int(rng.integers(1, 4)), "height": 3, "width": 4}


@probe("confusion", cases=2)
def counts_pairs_as_often_as_they_occur(s, labels, predicted, K):
    return {"counts": s.confusion(labels, predicted, K)}


@counts_pairs_as_often_as_they_occur.inputs
def _(rng):
    """Every class occurs, pairs recur, and more answers are right than wrong."""
    labels = np.concatenate([np.arange(5), rng.integers(0, 5, 60)])
    predicted = np.where(rng.uniform(size=65) < 0.6, labels, rng.integers(0, 5, 65))
    predicted[-1] = 4
    return {"labels": labels, "predicted": predicted, "K": 5}


@probe("confusion", cases=1)
def has_a_row_and_a_column_for_classes_that_do_not_occur(s, labels, predicted, K):
    return {"counts": s.confusion(labels, predicted, K)}


@has_a_row_and_a_column_for_classes_that_do_not_occur.inputs
def _(rng):
    """Class 2 and the last ones are missing."""
    return {"labels": rng.choice([0, 1, 3], 30), "predicted": rng.choice([0, 1, 3, 4], 30), "K": 7}


@probe("confusion", cases=1)
def takes_labels_in_bytes(s, labels, predicted, K):
    return {"counts": s.confusion(labels, predicted, K)}


@takes_labels_in_bytes.inputs
def _(rng):
    """K * K is more than a byte holds."""
    labels = rng.integers(0, 19, 80, dtype=np.uint8)
    predicted = rng.permutation(labels)
    labels[:3], predicted[:3] = 18, 18
    return {"labels": labels, "predicted": predicted, "K": 19}


@probe("confusion", cases=1)
def counts_more_than_a_byte_holds(s, labels, predicted, K):
    return {"counts": s.confusion(labels, predicted, K)}


@counts_more_than_a_byte_holds.inputs
def _(rng):
    labels = rng.integers(0, 2, 900, dtype=np.uint8)
    return {"labels": labels, "predicted": np.where(rng.uniform(size=900) < 0.8, labels, 2), "K": 3}


@probe("softmax", cases=2)
def makes_probabilities_of_each_row(s, z):
    return {"p": s.softmax(z)}


@makes_probabilities_of_each_row.inputs
def _(rng):
    return {"z": rng.normal(0, 2, (4, 3))}


@probe("softmax", cases=1)
def bears_rows_of_very_different_size(s, z):
    return {"p": s.softmax(z)}


@bears_rows_of_very_different_size.inputs
def _(rng):
    """One row is near 1000, one near -1000, two have both signs."""
    z = rng.normal(0, 1, (4, 5))
    z[0] += 1000
    z[1] -= 1000
    z[2, :3] += 30_000
    z[2, 3:] -= 900
    z[3, :3] += 500
    z[3, 3:] -= 500
    return {"z": z}


@probe("softmax", cases=1)
def takes_any_number_of_axes(s, z, one):
    return {"p": s.softmax(z), "p_of_one_row": s.softmax(one)}


@takes_any_number_of_axes.inputs
def _(rng):
    return {"z": rng.normal(0, 2, (2, 4, 3, 5)), "one": rng.normal(0, 2, 6)}


@probe("softmax", cases=1)
def takes_as_many_rows_as_classes(s, z):
    """Then no wrong axis raises an error."""
    return {"p": s.softmax(z)}


@takes_as_many_rows_as_classes.inputs
def _(rng):
    return {"z": rng.normal(0, 2, (4, 4))}


@probe("softmax", cases=1)
def takes_whole_numbers(s, z):
    return {"p": s.softmax(z)}


@takes_whole_numbers.inputs
def _(rng):
    return {"z": rng.integers(-4, 5, (6, 4))}


def shape_of(s, a, b):
    """The shape as an array; what the student returns may be any sequence of whole numbers."""
    found = s.broadcast_shape(a, b)
    if found is None:
        raise TypeError("None came where a shape was expected")
    return np.array([operator.index(size) for size in found], dtype=int)


def refused(s, a, b):
    """Is there a ValueError, as is asked for?"""
    try:
        s.broadcast_shape(a, b)
    except ValueError:
        return fact(True)
    return fact(False)


def sizes(rng, n):
    """Sizes of 2 and more, all different."""
    return tuple(int(size) for size in rng.permutation(np.arange(2, 9))[:n])


@probe("broadcast_shape", cases=1)
def stretches_a_1_in_the_first_shape(s, a, b):
    return {"shape": shape_of(s, a, b), "shape_of_equals": shape_of(s, b, b)}


@probe("broadcast_shape", cases=1)
def stretches_a_1_in_the_second_shape(s, a, b):
    return {"shape": shape_of(s, b, a), "shape_of_equals": shape_of(s, b, b)}


@stretches_a_1_in_the_first_shape.inputs
@stretches_a_1_in_the_second_shape.inputs
def _(rng):
    N, C, H = sizes(rng, 3)
    return {"a": (N, 1, H, 1), "b": (N, C, H, 3)}


@probe("broadcast_shape", cases=1)
def stretches_both(s, a, b):
    return {"shape": shape_of(s, a, b), "shape_the_other_way_round": shape_of(s, b, a)}


@stretches_both.inputs
def _(rng):
    N, C, H = sizes(rng, 3)
    return {"a": (N, 1, H, 1), "b": (N, C, 1, 1)}


@probe("broadcast_shape", cases=1)
def takes_large_sizes(s, a, b):
    """A rule needs no memory."""
    return {"shape": shape_of(s, a, b), "shape_the_other_way_round": shape_of(s, b, a)}


@takes_large_sizes.inputs
def _(rng):
    large = 10_000_000 + int(rng.integers(1000))
    return {"a": (5, 1, large), "b": (large, 1)}


@probe("broadcast_shape", cases=2)
def aligns_shapes_on_the_right(s, a, b):
    return {
        "shape": shape_of(s, a, b),
        "shape_the_other_way_round": shape_of(s, b, a),
    }


@aligns_shapes_on_the_right.inputs
def _(rng):
    N, C, H, W = sizes(rng, 4)
    return {"a": (N, C, H, W), "b": (H, 1)}


@probe("broadcast_shape", cases=1)
def takes_the_shape_of_a_number(s, a):
    return {
        "shape": shape_of(s, a, ()),
        "shape_the_other_way_round": shape_of(s, (), a),
        "shape_of_two_numbers": shape_of(s, (), ()),
    }


@takes_the_shape_of_a_number.inputs
def _(rng):
    N, C, *_ = sizes(rng, 3)
    return {"a": (N, 1, C)}


@probe("broadcast_shape", cases=1)
def refuses_sizes_that_differ(s, a, b, left, twice):
    return {
        "raises_ValueError": refused(s, a, b),
        "raises_ValueError_the_other_way_round": refused(s, b, a),
        "raises_ValueError_where_only_the_left_fits": refused(s, a, left),
        "raises_ValueError_for_a_multiple": refused(s, (twice, 1), (2 * twice, 1)),
    }


@refuses_sizes_that_differ.inputs
def _(rng):
    N, C, H, W = sizes(rng, 4)
    return {"a": (N, C, H), "b": (W, H), "left": (N, C), "twice": W}


@probe("broadcast_shape", cases=1)
def takes_an_empty_batch(s, a, b):
    return {
        "shape": shape_of(s, a, b),
        "shape_the_other_way_round": shape_of(s, b, a),
        "raises_ValueError_for_0_beside_a_larger_size": refused(s, (0, 3), (5, 3)),
    }


@takes_an_empty_batch.inputs
def _(rng):
    C, H, *_ = sizes(rng, 2)
    return {"a": (0, C, 1), "b": (1, 1, H)}


@probe("squared_distances", cases=2)
def measures_each_pair(s, a, b):
    return {"squares": s.squared_distances(a, b)}


@measures_each_pair.inputs
def _(rng):
    return {"a": rng.normal(1, 2, (7, 3)), "b": rng.normal(-1, 1.5, (5, 3))}


@probe("squared_distances", cases=1)
def takes_as_many_points_as_features(s, a, b):
    """Then every axis has the same length, and a sum along a wrong one raises no error."""
    return {"squares": s.squared_distances(a, b)}


@takes_as_many_points_as_features.inputs
def _(rng):
    return {"a": rng.normal(1, 2, (4, 4)), "b": rng.normal(-1, 1.5, (4, 4))}


@probe("squared_distances", cases=1, rtol=1e-6)
def is_never_negative(s, a, b):
    squares = np.asarray(s.squared_distances(a, b))
    return {
        "squares_of_the_first": np.atleast_1d(squares)[:4],
        "all_are_0_or_larger": fact(np.all(squares >= 0)),
    }


@is_never_negative.inputs
def _(rng):
    """Every point of a stands in b, too, and another one very near, far from the origin: rounding would go
    below 0 somewhere, whatever the order of the sums."""
    a = rng.normal(300, 40, (40, 8))
    near = a + 1e-9 * rng.normal(size=a.shape)
    return {"a": a, "b": np.concatenate([a, near, rng.normal(300, 40, (3, 8))])}


@probe("squared_distances", cases=1)
def measures_small_distances(s, a, b):
    """What is small is not nothing."""
    return {"squares": s.squared_distances(a, b)}


@measures_small_distances.inputs
def _(rng):
    """No square is as large as 0.001, and one is below a billionth."""
    a, b = 1e-3 * rng.uniform(-2, 2, (5, 3)), 1e-3 * rng.uniform(-2, 2, (4, 3))
    b[1] = a[2] + 1e-5
    return {"a": a, "b": b}


@probe("squared_distances", cases=1)
def takes_one_point(s, a, b):
    return {
        "squares_to_one": s.squared_distances(a, b[:1]),
        "squares_of_one": s.squared_distances(a[:1], b),
        "squares_of_each": s.squared_distances(a, b),
    }


@takes_one_point.inputs
def _(rng):
    return {"a": rng.normal(1, 2, (6, 2)), "b": rng.normal(-1, 1.5, (3, 2))}


@probe("gram", cases=2)
def multiplies_the_channels_of_each_image(s, x):
    return {"products": s.gram(x)}


@multiplies_the_channels_of_each_image.inputs
def _(rng):
    """Means far from 0, so that what is centred shows; no axis as long as another."""
    return {"x": rng.normal(0.8, 1.3, (2, 3, 5, 7))}


@probe("gram", cases=1)
def takes_square_images(s, x):
    """Then width and height have one length, and an exchange of the two raises no error."""
    return {"products": s.gram(x)}


@takes_square_images.inputs
def _(rng):
    return {"x": rng.normal(0.8, 1.3, (3, 4, 6, 6))}


@probe("gram", cases=1)
def takes_one_image_of_one_channel(s, x):
    return {"products": s.gram(x[:1, :1]), "products_of_all": s.gram(x)}


@takes_one_image_of_one_channel.inputs
def _(rng):
    return {"x": rng.normal(0.8, 1.3, (4, 2, 3, 5))}


@probe("sum_to_shape", cases=2)
def sums_over_axes_that_were_not_there(s, grad, shape):
    return {"gradient": s.sum_to_shape(grad, shape)}


@sums_over_axes_that_were_not_there.inputs
def _(rng):
    return {"grad": rng.normal(size=(2, 6, 5, 3)), "shape": (5, 3)}


@probe("sum_to_shape", cases=2)
def sums_over_axes_of_size_1_and_keeps_them(s, grad, shape):
    return {"gradient": s.sum_to_shape(grad, shape)}


@sums_over_axes_of_size_1_and_keeps_them.inputs
def _(rng):
    return {
        "grad": rng.normal(size=(4, 3, 2, 5)),
        "shape": (1, 3, 1, 5) if rng.uniform() < 0.5 else (4, 1, 1, 5),
    }


@probe("sum_to_shape", cases=1)
def sums_over_both_kinds_of_axes(s, grad, shape):
    return {"gradient": s.sum_to_shape(grad, shape)}


@sums_over_both_kinds_of_axes.inputs
def _(rng):
    return {"grad": rng.normal(size=(4, 3, 6, 5)), "shape": (1, 6, 1)}


@probe("sum_to_shape", cases=1)
def knows_numbers_and_arrays_that_were_not_repeated(s, grad):
    return {
        "gradient_of_a_number": s.sum_to_shape(grad, ()),
        "gradient_of_the_same_shape": s.sum_to_shape(grad, grad.shape),
        "gradient_with_sizes_of_1_on_both_sides": s.sum_to_shape(grad[:, :1], (1, 1, 5)),
    }


@knows_numbers_and_arrays_that_were_not_repeated.inputs
def _(rng):
    return {"grad": rng.normal(size=(2, 3, 5))}


@probe("sum_to_shape", cases=1)
def is_not_fooled_by_equal_sizes(s, grad, shape):
    """Aligned on the left the shape fits as well."""
    return {"gradient": s.sum_to_shape(grad, shape)}


@is_not_fooled_by_equal_sizes.inputs
def _(rng):
    return {"grad": rng.normal(size=(3, 3, 3)), "shape": (1, 3)}


def gradients(s, dout, x, W):
    """Three results by name; where there are not three, an error that says what came."""
    found = s.linear_backward(dout, x, W)
    if not isinstance(found, (tuple, list)) or len(found) != 3:
        came = f"{len(found)} things" if isinstance(found, (tuple, list)) else f"a {type(found).__name__}"
        came = "None" if found is None else came
        raise TypeError(f"three things were expected (dx, dW, db), and {came} came")
    return dict(zip(("dx", "dW", "db"), found, strict=True))


@probe("linear_backward", cases=2)
def finds_dx(s, dout, x, W):
    return {"dx": gradients(s, dout, x, W)["dx"]}


@probe("linear_backward", cases=2)
def finds_dW(s, dout, x, W):  # noqa: N802
    return {"dW": gradients(s, dout, x, W)["dW"]}


@probe("linear_backward", cases=2)
def finds_db(s, dout, x, W):
    return {"db": gradients(s, dout, x, W)["db"]}


@finds_dx.inputs
@finds_dW.inputs
@finds_db.inputs
def _(rng):
    return {"dout": rng.normal(size=(6, 3)), "x": rng.normal(0.5, 1, (6, 4)), "W": rng.normal(size=(4, 3))}


@probe("linear_backward", cases=1)
def is_right_where_all_sizes_are_equal(s, dout, x, W):
    """Then no wrong product raises an error."""
    return gradients(s, dout, x, W)


@is_right_where_all_sizes_are_equal.inputs
def _(rng):
    return {"dout": rng.normal(size=(3, 3)), "x": rng.normal(0.5, 1, (3, 3)), "W": rng.normal(size=(3, 3))}


@probe("linear_backward", cases=1, hidden=True)
def takes_one_example_and_one_class(s, dout, x, W):
    return {
        **gradients(s, dout, x, W),
        **{f"{name}_of_one": g for name, g in gradients(s, dout[:1, :1], x[:1], W[:, :1]).items()},
    }


@takes_one_example_and_one_class.inputs
def _(rng):
    return {"dout": rng.normal(size=(5, 2)), "x": rng.normal(0.5, 1, (5, 3)), "W": rng.normal(size=(3, 2))}


def wavy(weights, seen):
    """A function of an array whose differences show their h; it notes in seen the shapes that came.

    Products and no powers: they round alike on every processor, and in float32 the difference shows it."""

    def f(x):
        seen.append(np.shape(x))
        flat, total = np.ravel(x), np.sum(x)
        cubes = flat * flat * flat
        return float(
            (np.ravel(weights) * cubes + cubes * flat * flat).sum() + total * total / (2 * flat.size)
        )

    return f


def slopes(s, weights, x, **step):
    seen = []
    found = s.numerical_gradient(wavy(weights, seen), x, **step)
    return {"gradient": found, "f_got_another_shape": fact(set(seen) - {x.shape})}


def point(rng, *shape):
    """A place, and weights for that function: both signs, nothing small, and a slope below 0 at the first."""
    x = rng.choice([-1, 1], shape) * rng.uniform(0.6, 1.6, shape)
    weights = rng.choice([-1, 1], shape) * rng.uniform(0.7, 1.9, shape)
    weights.flat[0], x.flat[0] = -rng.uniform(8, 9), 1.1
    return {"weights": weights, "x": x}


@probe("numerical_gradient", cases=2, rtol=1e-7)
def takes_central_differences(s, weights, x, h):
    return slopes(s, weights, x, h=h)


@takes_central_differences.inputs
def _(rng):
    return {**point(rng, 5), "h": float(rng.uniform(0.25, 0.4))}


@probe("numerical_gradient", cases=1, rtol=1e-7)
def takes_arrays_of_any_shape(s, weights, x, h):
    found = slopes(s, weights, x, h=h)
    one = slopes(s, weights[0, 1, 1], np.array(x[0, 1, 1]), h=h)
    return {**found, "gradient_at_a_number": one["gradient"]}


@takes_arrays_of_any_shape.inputs
def _(rng):
    return {**point(rng, 2, 4, 3), "h": float(rng.uniform(0.25, 0.4))}


@probe("numerical_gradient", cases=1, rtol=1e-6)
def has_a_step_of_its_own(s, weights, x):
    return slopes(s, weights, x)


@has_a_step_of_its_own.inputs
def _(rng):
    return point(rng, 3, 2)


@probe("numerical_gradient", cases=1, rtol=1e-6)
def takes_whole_numbers_and_float32(s, weights, x):
    single = x.astype(np.float32)
    whole = slopes(s, weights, np.rint(2 * x).astype(int))
    in_single = slopes(s, weights, single)
    return {
        "gradient_at_whole_numbers": whole["gradient"],
        "gradient_in_float32": in_single["gradient"],
        "the_first_is_float64": has_dtype(whole["gradient"], np.float64),
        "the_second_is_float64": has_dtype(in_single["gradient"], np.float64),
    }


@takes_whole_numbers_and_float32.inputs
def _(rng):
    return point(rng, 4)


@probe("numerical_gradient", cases=1, rtol=1e-7)
def leaves_x_as_it_was(s, weights, x, h):
    """To the last bit: the engine compares x before and after."""
    return slopes(s, weights, x, h=h)


@leaves_x_as_it_was.inputs
def _(rng):
    return {**point(rng, 3, 5), "h": float(rng.uniform(0.25, 0.4))}


# A mistake that writes into the argument stands below as a broken function and not in `wrong`:
# the engine serves those from another process, where the arguments are copies.


@probe(
    "test_linear_backward",
    judges="linear_backward",
    wrong=(
        "LB-dx-untransposed",
        "LB-dW-transposed",
        "LB-dW-mean",
        "LB-db-mean",
        "LB-db-axis",
        "LB-db-column",
        "LB-db-all",
        "LB-db-dout",
        "LB-order",
        "LB-two",
        "LB-minus",
        "LB-dW-first",
        "LB-dx-mean",
    ),
)
def accepts_right_gradients_and_rejects_wrong_ones(s, implementation):
    s.test_linear_backward(implementation)
    return {"accepts": np.array(True)}


@accepts_right_gradients_and_rejects_wrong_ones.broken
def dout_overwritten(right):
    """the gradients are right, but dout is overwritten"""

    def wrong(dout, x, W):
        found = [np.array(g) for g in right(dout, x, W)]
        dout *= 0
        return tuple(found)

    return wrong


@accepts_right_gradients_and_rejects_wrong_ones.broken
def x_overwritten(right):
    """the gradients are right, but x is overwritten"""

    def wrong(dout, x, W):
        found = [np.array(g) for g in right(dout, x, W)]
        x += 1
        return tuple(found)

    return wrong


@accepts_right_gradients_and_rejects_wrong_ones.broken
def weights_overwritten(right):
    """the gradients are right, but W has taken a step already"""

    def wrong(dout, x, W):
        found = [np.array(g) for g in right(dout, x, W)]
        W -= 0.1 * found[1]
        return tuple(found)

    return wrong


@accepts_right_gradients_and_rejects_wrong_ones.broken
def dout_of_ones(right):
    """it takes the gradient of the sum of y: dout is taken for ones"""

    def wrong(dout, x, W):
        return right(np.ones_like(dout), x, W)

    return wrong


@accepts_right_gradients_and_rejects_wrong_ones.broken
def signs_lost(right):
    """dx has lost its signs (where all numbers are positive nobody sees it)"""

    def wrong(dout, x, W):
        dx, dW, db = right(dout, x, W)
        return np.abs(dx), dW, db

    return wrong


@accepts_right_gradients_and_rejects_wrong_ones.broken
def first_example_only(right):
    """dW and db know the first example only (of one example nobody sees it)"""

    def wrong(dout, x, W):
        dx, _, _ = right(dout, x, W)
        _, dW, db = right(dout[:1], x[:1], W)
        return dx, dW, db

    return wrong


@accepts_right_gradients_and_rejects_wrong_ones.broken
def bias_forgotten(right):
    """db is all zeros"""

    def wrong(dout, x, W):
        dx, dW, db = right(dout, x, W)
        return dx, dW, np.zeros_like(db)

    return wrong


@accepts_right_gradients_and_rejects_wrong_ones.broken
def bias_as_a_row(right):
    """db is (1, K): np.allclose broadcasts and does not see it"""

    def wrong(dout, x, W):
        dx, dW, db = right(dout, x, W)
        return dx, dW, db[None]

    return wrong


@accepts_right_gradients_and_rejects_wrong_ones.broken
def bias_missing(right):
    """db does not come at all (a loop over zip stops at the shorter one and does not see it)"""

    def wrong(dout, x, W):
        dx, dW, _ = right(dout, x, W)
        return dx, dW

    return wrong


@accepts_right_gradients_and_rejects_wrong_ones.broken
def right_where_the_sizes_are_equal(right):
    """dW is multiplied by N / D (where N and D are equal nobody sees it)"""

    def wrong(dout, x, W):
        dx, dW, db = right(dout, x, W)
        return dx, dW * len(x) / len(W), db

    return wrong


@accepts_right_gradients_and_rejects_wrong_ones.broken
def one_percent_too_large(right):
    """dW is one percent too large"""

    def wrong(dout, x, W):
        dx, dW, db = right(dout, x, W)
        return dx, 1.01 * dW, db

    return wrong


@accepts_right_gradients_and_rejects_wrong_ones.broken
def dx_of_the_wrong_example(right):
    """dx has its rows in the reverse order"""

    def wrong(dout, x, W):
        dx, dW, db = right(dout, x, W)
        return dx[::-1], dW, db

    return wrong
