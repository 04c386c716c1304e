"""What the checks ask of the PyTorch notebook, and the inputs they ask it on.

Inputs: images without symmetry and without a dark border, all axes of different lengths, one of height and
width odd and one even, other numbers for every image, offsets and boxes that differ in rows and columns."""

import numpy as np

from autograder import probe


def photos(rng, N=5, H=4, W=7, C=2):
    """Images whose pixels are all different, far from 0 and from 1; 11 bits each: they compress well."""
    values = np.linspace(200, 1640, N * H * W * C).round() / 2048
    return rng.permutation(values).reshape(N, H, W, C)


def tensor(array):
    """A tensor that shares the array's memory, so that a change in place is seen."""
    import torch

    return torch.as_tensor(array)


def fact(value):
    return np.array(bool(value))


def tensor_photos(rng, N=5, C=2, H=4, W=7):
    """Images (N, C, H, W) whose pixels are all different, far from 0 and from 1."""
    return photos(rng, N, H, W, C).transpose(0, 3, 1, 2).copy()


ROUNDING = 1e-7  # the order of products and sums is free


def devices(values):
    """Where tensors live, those in lists too. Single numbers may live on the CPU."""
    import torch

    if isinstance(values, torch.Tensor):
        return {values.device.type} if values.ndim else set()
    return set().union(*map(devices, values)) if isinstance(values, (list, tuple)) else set()


MOVES = ("__getitem__", "__setitem__", "copy_", "to", "type_as")  # may get tensors of two devices


def on_another_device(function):
    """Asked on a device that computes shapes only, beside the CPU: as strict as a GPU would be."""
    import torch

    class Strict(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, called, types, args=(), kwargs=None):
            name, everything = getattr(called, "__name__", ""), [*args, *(kwargs or {}).values()]
            if name not in MOVES and len(devices(everything)) > 1:
                raise RuntimeError(f"Expected all tensors to be on the same device, but {name} got two.")
            return called(*args, **(kwargs or {}))

    try:
        with Strict():
            y = function("meta")
    except (NotImplementedError, RuntimeError) as error:
        if "nonzero" in str(error) or "item()" in str(error):  # right on a GPU, but hangs on numbers
            return fact(True)
        raise
    return fact(y.device.type == "meta")


def types_of_output(function, *bits):
    """Is the type of the output that of the input?"""
    import torch

    names = {16: torch.float16, 32: torch.float32, 64: torch.float64}
    return {f"y_of_{b}_bits_is_of_{b}_bits": fact(function(names[b]).dtype == names[b]) for b in bits}


@probe("RandomFlip", cases=2)
def mirrors_every_image_for_p_1_and_none_for_p_0(s, images):
    return {
        "y_for_p_1": s.RandomFlip(1.0)(tensor(images)),
        "y_for_p_0": s.RandomFlip(0.0)(tensor(images)),
    }


@mirrors_every_image_for_p_1_and_none_for_p_0.inputs
def _(rng):
    return {"images": tensor_photos(rng)}


@probe("RandomFlip", cases=1)
def changes_nothing_in_evaluation(s, images):
    return {"y": s.RandomFlip(1.0).eval()(tensor(images))}


@changes_nothing_in_evaluation.inputs
def _(rng):
    return {"images": tensor_photos(rng)}


@probe("RandomFlip", cases=1)
def reads_p_at_every_call(s, images):
    layer = s.RandomFlip(0.0)
    before = layer(tensor(images))
    layer.p = 1.0
    return {
        "y_for_p_0": before,
        "y_after_layer_p_was_set_to_1": layer(tensor(images)),
        "y_of_a_new_layer_for_p_1": s.RandomFlip(1.0)(tensor(images)),
    }


@reads_p_at_every_call.inputs
def _(rng):
    return {"images": tensor_photos(rng)}


def all_in_the_batch(outputs, images):
    """Is each output one of the images or a mirror image of one, at whatever place of the batch?"""
    import torch

    if outputs.shape[1:] != images.shape[1:]:
        return False
    candidates = torch.cat([images, images.flip(3)])
    return (outputs[:, None] == candidates).flatten(2).all(dim=2).any(dim=1).all()


@probe("RandomFlip", cases=2)
def decides_for_each_image_and_at_every_call(s, images, p):
    given, layer = tensor(images), s.RandomFlip(p)
    first, *others = [layer(given) for _ in range(40)]
    fresh = [s.RandomFlip(p)(given) for _ in range(40)]
    mirrored, same = first == given.flip(3), first == given
    found = {
        "each_pixel_is_that_of_the_image_or_of_its_mirror_image": fact((mirrored | same).all()),
        "each_output_is_some_image_of_the_batch_or_its_mirror_image": fact(all_in_the_batch(first, given)),
        "all_images_share_their_fate": fact(mirrored.all() or same.all()),
        "forty_calls_do_the_same": fact(all((first == other).all() for other in others)),
        "forty_new_layers_do_the_same": fact(all((first == other).all() for other in fresh)),
    }
    for axis, name in enumerate(("channels", "rows", "columns"), 1):
        found[f"all_{name}_are_mirrored_together"] = fact((mirrored.all(axis) == mirrored.any(axis)).all())
    return found


@decides_for_each_image_and_at_every_call.inputs
def _(rng):
    p = float(rng.choice([rng.uniform(0.25, 0.35), rng.uniform(0.65, 0.75)]))
    return {"images": tensor_photos(rng, 50, 2, 3, 4), "p": p}


def mirrored_ones(layer, batch, calls):
    """Which of the images were mirrored, (calls, batch)."""
    import torch

    pair = torch.tensor([0.0, 1.0]).expand(batch, 1, 1, 2)
    return torch.stack([layer(pair.clone())[:, 0, 0, 0] for _ in range(calls)])


# rtol: a coin for each batch is told by the next probe, and its share must not hang on luck here
@probe("RandomFlip", cases=1, rtol=0.3)
def mirrors_its_share(s, p, batch, calls):
    import torch

    each = [
        mirrored_ones(s.RandomFlip(p), batch, 1) for _ in range(calls)
    ]  # coins may be kept, no trouble here
    share = torch.cat(each).double().mean()
    always = mirrored_ones(s.RandomFlip(1.0), batch, 60).double().mean()
    return {"share_of_mirrored": share, "share_of_the_rest": 1 - share, "share_of_mirrored_for_p_1": always}


@mirrors_its_share.inputs
def _(rng):
    return {"p": float(rng.uniform(0.27, 0.36)), "batch": 50, "calls": 800}


@mirrors_its_share.expect
def _(p, batch, calls):
    return {"share_of_mirrored": p, "share_of_the_rest": 1 - p, "share_of_mirrored_for_p_1": 1.0}


@probe("RandomFlip", cases=1, rtol=0.25)
def mirrors_more_at_one_call_and_fewer_at_another(s, p, batch, calls):
    import torch

    count = mirrored_ones(s.RandomFlip(p), batch, calls).double().sum(dim=1)
    fresh = torch.cat([mirrored_ones(s.RandomFlip(p), batch, 1) for _ in range(calls)]).double().sum(dim=1)
    of_independent_coins = (batch * p * (1 - p)) ** 0.5
    return {
        "deviation_over_that_of_independent_coins": count.std() / of_independent_coins,
        "deviation_of_new_layers_over_that_of_independent_coins": fresh.std() / of_independent_coins,
        "share_of_mirrored_for_p_1": mirrored_ones(s.RandomFlip(1.0), batch, 60).double().mean(),
    }


@mirrors_more_at_one_call_and_fewer_at_another.inputs
def _(rng):
    return {"p": float(rng.uniform(0.27, 0.36)), "batch": 40, "calls": 400}


@mirrors_more_at_one_call_and_fewer_at_another.expect
def _(p, batch, calls):
    return {
        "deviation_over_that_of_independent_coins": 1.0,
        "deviation_of_new_layers_over_that_of_independent_coins": 1.0,
        "share_of_mirrored_for_p_1": 1.0,
    }


@probe("RandomFlip", cases=1)
def draws_the_same_again_after_the_same_seed(s, images, seed):
    import torch

    layer = s.RandomFlip(0.5)
    with torch.random.fork_rng(devices=[]):
        found = []
        for _ in range(2):
            torch.manual_seed(seed)
            found.append(layer(tensor(images)))
    return {"two_calls_after_the_same_seed_are_equal": fact((found[0] == found[1]).all())}


@draws_the_same_again_after_the_same_seed.inputs
def _(rng):
    return {"images": tensor_photos(rng, 60, 1, 2, 3), "seed": int(rng.integers(1000))}


@probe("RandomFlip", cases=1)
def keeps_the_type_and_the_device_of_its_images(s, shape):
    import torch

    found = types_of_output(lambda dtype: s.RandomFlip(0.5)(torch.ones(*shape, dtype=dtype)), 16, 32, 64)
    on_device = on_another_device(lambda where: s.RandomFlip(0.5)(torch.empty(*shape, device=where)))
    return {**found, "y_is_on_the_device_of_the_images": on_device}


@keeps_the_type_and_the_device_of_its_images.inputs
def _(rng):
    return {"shape": [6, 2, 3, 5]}


def reading_matrices(rng, N=3):
    """Matrices (N, 2, 3) near the identity, none symmetric, that move by up to one and a half pixels."""
    return np.concatenate(
        [np.eye(2) + rng.uniform(-0.4, 0.4, (N, 2, 2)), rng.uniform(-1.5, 1.5, (N, 2, 1))], axis=2
    )


@probe("warp", cases=1)
def changes_nothing_for_the_identity(s, images):
    return {"y": s.warp(tensor(images), tensor(np.tile(np.eye(2, 3), (len(images), 1, 1))))}


@changes_nothing_for_the_identity.inputs
def _(rng):
    return {"images": tensor_photos(rng, 3)}


@probe("warp", cases=2, rtol=ROUNDING)
def moves_by_whole_pixels_and_fills_with_zeros(s, images, matrices):
    return {"y": s.warp(tensor(images), tensor(matrices))}


@moves_by_whole_pixels_and_fills_with_zeros.inputs
def _(rng):
    moves = rng.permutation([(1, 2), (-1, 3), (2, -1), (-2, -3), (0, 1)])[:3]
    matrices = np.concatenate([np.tile(np.eye(2), (3, 1, 1)), moves[:, :, None]], axis=2)
    return {"images": tensor_photos(rng, 3), "matrices": matrices}


@probe("warp", cases=2, rtol=ROUNDING)
def reads_where_the_matrix_of_each_image_says(s, images, matrices):
    return {"y": s.warp(tensor(images), tensor(matrices))}


@reads_where_the_matrix_of_each_image_says.inputs
def _(rng):
    return {"images": tensor_photos(rng, 3), "matrices": reading_matrices(rng)}


@probe("warp", cases=2, rtol=ROUNDING)
def lets_zeros_outside_count_as_neighbours(s, images, matrices):
    return {"y": s.warp(tensor(images), tensor(matrices))}


@lets_zeros_outside_count_as_neighbours.inputs
def _(rng):
    away = rng.uniform(0.2, 0.8, (3, 2)) * rng.choice([-1, 1], (3, 2))
    matrices = np.concatenate([np.tile(1.3 * np.eye(2), (3, 1, 1)), away[:, :, None]], axis=2)
    return {"images": tensor_photos(rng, 3, 2, 6, 5), "matrices": matrices}


@probe("warp", cases=1, rtol=ROUNDING)
def warps_images_of_one_row_and_of_one_column(s, row, column, along_the_row, along_the_column):
    return {
        "y_of_one_row": s.warp(tensor(row), tensor(along_the_row)),
        "y_of_one_column": s.warp(tensor(column), tensor(along_the_column)),
    }


@warps_images_of_one_row_and_of_one_column.inputs
def _(rng):
    away = np.tile(np.eye(2, 3), (2, 3, 1, 1))
    away[0, :, 1, 2], away[1, :, 0, 2] = rng.uniform(0.2, 0.8, (2, 3))
    row, column = tensor_photos(rng, 3, 2, 1, 5), tensor_photos(rng, 3, 2, 4, 1)
    return {"row": row, "column": column, "along_the_row": away[0], "along_the_column": away[1]}


@probe("warp", cases=1, rtol=1e-6)
def lets_gradients_through_to_images_and_matrices(s, images, matrices, dout):
    x, m = (tensor(v).clone().requires_grad_(True) for v in (images, matrices))
    s.warp(x, m).backward(tensor(dout))
    zero = 0 * tensor(dout)
    return {
        "gradient_of_the_images": zero if x.grad is None else x.grad,
        "gradient_of_the_matrices": 0 * tensor(matrices) if m.grad is None else m.grad,
    }


@lets_gradients_through_to_images_and_matrices.inputs
def _(rng):
    return {
        "images": tensor_photos(rng, 3),
        "matrices": reading_matrices(rng),
        "dout": rng.normal(size=(3, 2, 4, 7)),
    }


@probe("warp", cases=1)
def warps_on_the_device_of_the_images_in_their_type(s, shape):
    import torch

    def warped(**like):
        eye = torch.eye(2, 3, **like).expand(shape[0], -1, -1)
        return s.warp(torch.ones(*shape, **like), eye)

    return {
        **types_of_output(lambda dtype: warped(dtype=dtype), 32, 64),
        "y_is_on_the_device_of_the_images": on_another_device(lambda where: warped(device=where)),
    }


@warps_on_the_device_of_the_images_in_their_type.inputs
def _(rng):
    return {"shape": [5, 2, 3, 4]}


def drawn(s, u, **settings):
    found = s.crop_boxes(tensor(u), **settings)
    if len(found) != 4:
        raise ValueError(f"four tensors were expected (top, left, height, width), {len(found)} were returned")
    top, left, height, width = found
    return {"top": top, "left": left, "height": height, "width": width}


@probe("crop_boxes", rtol=ROUNDING)
def draws_area_and_ratio(s, u, **settings):
    found = drawn(s, u, **settings)
    return {"height": found["height"], "width": found["width"]}


@draws_area_and_ratio.inputs
def _(rng):
    return {"u": rng.random((6, 4)), "H": 30, "W": 44, "scale": [0.1, 0.35], "ratio": [0.6, 2.3]}


@probe("crop_boxes", rtol=ROUNDING)
def draws_a_place_where_the_box_fits(s, u, **settings):
    found = drawn(s, u, **settings)
    return {"top": found["top"], "left": found["left"]}


@draws_a_place_where_the_box_fits.inputs
def _(rng):
    return {"u": rng.random((6, 4)), "H": 30, "W": 44, "scale": [0.1, 0.35], "ratio": [0.6, 2.3]}


@probe("crop_boxes", cases=2, rtol=ROUNDING)
def cuts_boxes_that_are_too_high_or_too_wide(s, u, **settings):
    return drawn(s, u, **settings)


@cuts_boxes_that_are_too_high_or_too_wide.inputs
def _(rng):
    u = rng.random((7, 4))
    u[:, 1] = np.linspace(0.02, 0.98, 7)
    return {"u": u, "H": 30, "W": 44, "scale": [0.7, 0.9], "ratio": [0.3, 4.5]}


@probe("crop_boxes", cases=1, rtol=ROUNDING)
def takes_the_usual_scale_and_ratio_if_none_is_given(s, u, **settings):
    return drawn(s, u, **settings)


@takes_the_usual_scale_and_ratio_if_none_is_given.inputs
def _(rng):
    return {"u": rng.random((6, 4)), "H": 40, "W": 28}


@probe("crop_boxes", cases=1)
def draws_boxes_on_the_device_of_u_in_its_type(s, H, W):
    import torch

    def top(**like):
        return sum(s.crop_boxes(torch.full((5, 4), 0.5, **like), H, W))

    return {
        **types_of_output(lambda dtype: top(dtype=dtype), 32, 64),
        "boxes_are_on_the_device_of_u": on_another_device(lambda where: top(device=where)),
    }


@draws_boxes_on_the_device_of_u_in_its_type.inputs
def _(rng):
    return {"H": 9, "W": 12}


def cropped(s, images, box, size):
    return {"y": s.crop_and_resize(tensor(images), *(tensor(side) for side in box), size)}


# rtol: whole numbers divided by whole numbers have 32 bits
@probe("crop_and_resize", cases=2, rtol=1e-5)
def cuts_out_pixels_if_the_box_has_that_size(s, images, box, size):
    return cropped(s, images, box, size)


@cuts_out_pixels_if_the_box_has_that_size.inputs
def _(rng):
    top, left = rng.permutation([0, 1, 2, 3, 3]), rng.permutation([0, 2, 4, 5, 6])
    return {
        "images": tensor_photos(rng, 5, 2, 6, 9),
        "box": np.array([top, left, np.full(5, 3), np.full(5, 3)]),
        "size": 3,
    }


def boxes_inside(rng, N, H, W):
    """Boxes (4, N) inside of the image that no whole pixel, no other image and no other axis explains."""
    height, width = rng.uniform(0.3, 0.55, N) * H, rng.uniform(0.35, 0.6, N) * W
    room = np.array([H - height, W - width])
    top, left = rng.uniform(0.15, 0.85, (2, N)) * room
    return np.array([top, left, height, width])


@probe("crop_and_resize", cases=2, rtol=ROUNDING)
def reads_in_the_middle_of_each_strip(s, images, box, size):
    return cropped(s, images, box, size)


@reads_in_the_middle_of_each_strip.inputs
def _(rng):
    return {"images": tensor_photos(rng, 4, 2, 8, 11), "box": boxes_inside(rng, 4, 8, 11), "size": 5}


@probe("crop_and_resize", cases=1, rtol=ROUNDING)
def enlarges_the_whole_image_without_a_dark_frame(s, images, box, size):
    return cropped(s, images, box, size)


@enlarges_the_whole_image_without_a_dark_frame.inputs
def _(rng):
    box = np.array([np.zeros(3), np.zeros(3), np.full(3, 4.0), np.full(3, 6.0)])
    return {"images": tensor_photos(rng, 3, 2, 4, 6), "box": box, "size": 7}


@probe("crop_and_resize", cases=2, rtol=ROUNDING)
def makes_images_smaller_and_single_pixels(s, images, box, size, pixel):
    small = cropped(s, images, box, size)["y"]
    return {"y": small, "y_for_size_1": cropped(s, images, box, pixel)["y"]}


@makes_images_smaller_and_single_pixels.inputs
def _(rng):
    return {
        "images": tensor_photos(rng, 5, 3, 8, 11),
        "box": boxes_inside(rng, 5, 8, 11),
        "size": 2,
        "pixel": 1,
    }


@probe("crop_and_resize", cases=1)
def crops_on_the_device_of_the_images_in_their_type(s, shape, size):
    import torch

    def made(**like):
        N, _, H, W = shape
        box = [torch.full((N,), side, **like) for side in (0.0, 1.0, H - 1.0, W - 1.0)]
        return s.crop_and_resize(torch.ones(*shape, **like), *box, size)

    return {
        **types_of_output(lambda dtype: made(dtype=dtype), 32, 64),
        "y_is_on_the_device_of_the_images": on_another_device(lambda where: made(device=where)),
    }


@crops_on_the_device_of_the_images_in_their_type.inputs
def _(rng):
    return {"shape": [5, 2, 3, 4], "size": 6}


def mixed_labels(rng, N=5, K=4):
    """Rows of probabilities of which the greatest two are no neighbours of one half."""
    y = rng.dirichlet(np.full(K, 0.7), N)
    return 0.97 * y + 0.03 / K


@probe("soft_cross_entropy", rtol=ROUNDING)
def averages_the_cross_entropy_over_the_images(s, scores, y):
    return {"loss": s.soft_cross_entropy(tensor(scores), tensor(y))}


@averages_the_cross_entropy_over_the_images.inputs
def _(rng):
    return {"scores": rng.normal(0.4, 1.5, (5, 4)), "y": mixed_labels(rng)}


@probe("soft_cross_entropy", cases=1, rtol=ROUNDING)
def takes_labels_of_one_class_too(s, scores, y):
    return {"loss": s.soft_cross_entropy(tensor(scores), tensor(y))}


@takes_labels_of_one_class_too.inputs
def _(rng):
    return {"scores": rng.normal(0.4, 1.5, (5, 4)), "y": np.eye(4)[[2, 0, 3, 3, 1]]}


@probe("soft_cross_entropy", cases=2, rtol=ROUNDING)
def stays_finite_for_large_scores(s, scores, y):
    return {
        "loss": s.soft_cross_entropy(tensor(scores), tensor(y)),
        "loss_for_a_thousandth_of_the_scores": s.soft_cross_entropy(tensor(scores / 1000), tensor(y)),
    }


@stays_finite_for_large_scores.inputs
def _(rng):
    scores = rng.permuted(np.tile([-900.0, 30.0, 400.0, 1100.0], (5, 1)), axis=1)
    return {"scores": scores + rng.normal(size=(5, 4)), "y": mixed_labels(rng)}


@probe("soft_cross_entropy", cases=1, rtol=1e-6)
def lets_the_gradient_through_to_the_scores(s, scores, y):
    leaf = tensor(scores).clone().requires_grad_(True)
    s.soft_cross_entropy(leaf, tensor(y)).backward()
    return {"gradient": leaf.grad}


@lets_the_gradient_through_to_the_scores.inputs
def _(rng):
    return {"scores": rng.normal(0.4, 1.5, (5, 4)), "y": mixed_labels(rng)}


@probe("ten_crops", cases=2)
def shows_corners_middle_and_their_mirror_images(s, images, size):
    return {"views": s.ten_crops(tensor(images), size)}


@shows_corners_middle_and_their_mirror_images.inputs
def _(rng):
    return {"images": tensor_photos(rng, 4, 2, 7, 11), "size": 3}


@probe("ten_crops", cases=1)
def rounds_the_middle_up_and_to_the_left(s, images, size):
    return {"views": s.ten_crops(tensor(images), size)}


@rounds_the_middle_up_and_to_the_left.inputs
def _(rng):
    return {"images": tensor_photos(rng, 4, 2, 8, 6), "size": 3}


@probe("ten_crops", cases=1)
def takes_views_of_the_full_height(s, images, size):
    return {"views": s.ten_crops(tensor(images), size)}


@takes_views_of_the_full_height.inputs
def _(rng):
    return {"images": tensor_photos(rng, 4, 2, 3, 7), "size": 3}


def small_model(weight, norm=None):
    """Scores (N, K) of images of any size: layers with a mode, the mean over all places, a matrix (C, K)."""
    import torch
    from torch import nn

    class Linear(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(tensor(weight).clone())

        def forward(self, images):
            return images.mean(dim=(2, 3)) @ self.weight

    if norm is None:
        return nn.Sequential(Linear())
    layer = nn.BatchNorm2d(len(weight), affine=False, dtype=torch.float64)
    layer.running_mean, layer.running_var = tensor(norm[0]).clone(), tensor(norm[1]).clone()
    return nn.Sequential(layer, nn.Sequential(nn.Dropout(0.0), Linear()))


def views_and_weight(rng, V=3, N=4, C=2, H=5, W=6, K=7):
    """Views whose probabilities differ so much that no two ways to average them agree."""
    return {
        "views": tensor_photos(rng, V * N, C, H, W).reshape(V, N, C, H, W)
        * rng.uniform(0.3, 3, (V, N, C, 1, 1)),
        "weight": 2.5 * rng.normal(size=(C, K)),
    }


def predicted(s, model, views):
    """The answer of predict_views; a switch for gradients that was left off is put back."""
    import torch

    with torch.enable_grad():
        return s.predict_views(model, views)


@probe("predict_views", rtol=ROUNDING)
def averages_the_probabilities_over_the_views(s, views, weight):
    return {"mean": predicted(s, small_model(weight).eval(), tensor(views))}


@averages_the_probabilities_over_the_views.inputs
def _(rng):
    return views_and_weight(rng)


@probe("predict_views", cases=1, rtol=ROUNDING)
def takes_a_list_of_views_of_several_sizes(s, first, second, weight):
    return {"mean": predicted(s, small_model(weight).eval(), [tensor(first), tensor(second)])}


@takes_a_list_of_views_of_several_sizes.inputs
def _(rng):
    given = views_and_weight(rng, V=2)
    first, second = given["views"]
    return {"first": first, "second": second[:, :, :3, :4].copy(), "weight": given["weight"]}


def with_norm(rng):
    return {**views_and_weight(rng), "norm": np.array([rng.uniform(0.2, 1, 2), rng.uniform(0.3, 2, 2)])}


@probe("predict_views", cases=2, rtol=ROUNDING)
def predicts_in_evaluation_mode(s, views, weight, norm):
    model = small_model(weight, norm).train()
    mean = predicted(s, model, tensor(views))
    return {
        "mean": mean,
        "running_mean_afterwards": model[0].running_mean,
        "mean_if_it_was_in_evaluation_mode": predicted(s, small_model(weight, norm).eval(), tensor(views)),
    }


@predicts_in_evaluation_mode.inputs
def _(rng):
    return with_norm(rng)


@probe("predict_views", cases=1)
def puts_every_module_back_into_its_mode(s, views, weight, norm, training):
    model = small_model(weight, norm)
    for module, first in zip(model.modules(), training, strict=True):
        module.training = first
    predicted(s, model, tensor(views))
    return {"modes_afterwards": np.array([module.training for module in model.modules()])}


@puts_every_module_back_into_its_mode.inputs
def _(rng):
    return {**with_norm(rng), "training": [True, False, True, True, False]}


@probe("predict_views", cases=1)
def leaves_a_model_in_evaluation_mode_there(s, views, weight, norm):
    model = small_model(weight, norm).eval()
    predicted(s, model, tensor(views))
    return {"modes_afterwards": np.array([module.training for module in model.modules()])}


@leaves_a_model_in_evaluation_mode_there.inputs
def _(rng):
    return with_norm(rng)


@probe("predict_views", cases=1)
def keeps_no_graph_and_leaves_the_switch_for_gradients_alone(s, views, weight):
    import torch

    model = small_model(weight)
    with torch.enable_grad():
        mean = s.predict_views(model, tensor(views))
        on = torch.is_grad_enabled()
        with torch.no_grad():
            s.predict_views(model, tensor(views))
            still_off = not torch.is_grad_enabled()
        return {
            "the_mean_has_a_graph": fact(mean.requires_grad),
            "gradients_are_on_afterwards": fact(on),
            "gradients_that_were_off_are_off_afterwards": fact(still_off),
            "parameters_can_be_trained_afterwards": fact(all(p.requires_grad for p in model.parameters())),
        }


@keeps_no_graph_and_leaves_the_switch_for_gradients_alone.inputs
def _(rng):
    return views_and_weight(rng)
