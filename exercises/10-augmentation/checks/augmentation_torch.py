import numpy as np
from autograder import probe


def tensor(array):
    """A tensor that shares the array's memory, so that a change in place is seen."""
    import torch

    return torch.as_tensor(array)


def fact(value):
    return np.array(bool(value))


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


@probe("RandomFlip", cases=1)
def changes_nothing_in_evaluation(s, images):
    return {"y": s.RandomFlip(1.0).eval()(tensor(images))}


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


def mirrored_ones(layer, batch, calls):
    """Which of the images were mirrored, (calls, batch)."""
    import torch

    pair = torch.tensor([0.0, 1.0]).expand(batch, 1, 1, 2)
    return torch.stack([layer(pair.clone())[:, 0, 0, 0] for _ in range(calls)])


@probe("RandomFlip", cases=1, rtol=0.3)
def mirrors_its_share(s, p, batch, calls):
    import torch

    each = [
        mirrored_ones(s.RandomFlip(p), batch, 1) for _ in range(calls)
    ]  # coins may be kept, no trouble here
    share = torch.cat(each).double().mean()
    always = mirrored_ones(s.RandomFlip(1.0), batch, 60).double().mean()
    return {"share_of_mirrored": share, "share_of_the_rest": 1 - share, "share_of_mirrored_for_p_1": always}


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


@probe("RandomFlip", cases=1)
def keeps_the_type_and_the_device_of_its_images(s, shape):
    import torch

    found = types_of_output(lambda dtype: s.RandomFlip(0.5)(torch.ones(*shape, dtype=dtype)), 16, 32, 64)
    on_device = on_another_device(lambda where: s.RandomFlip(0.5)(torch.empty(*shape, device=where)))
    return {**found, "y_is_on_the_device_of_the_images": on_device}


@probe("warp", cases=1)
def changes_nothing_for_the_identity(s, images):
    return {"y": s.warp(tensor(images), tensor(np.tile(np.eye(2, 3), (len(images), 1, 1))))}


@probe("warp", cases=2, rtol=ROUNDING)
def moves_by_whole_pixels_and_fills_with_zeros(s, images, matrices):
    return {"y": s.warp(tensor(images), tensor(matrices))}


@probe("warp", cases=2, rtol=ROUNDING)
def reads_where_the_matrix_of_each_image_says(s, images, matrices):
    return {"y": s.warp(tensor(images), tensor(matrices))}


@probe("warp", cases=2, rtol=ROUNDING)
def lets_zeros_outside_count_as_neighbours(s, images, matrices):
    return {"y": s.warp(tensor(images), tensor(matrices))}


@probe("warp", cases=1, rtol=ROUNDING)
def warps_images_of_one_row_and_of_one_column(s, row, column, along_the_row, along_the_column):
    return {
        "y_of_one_row": s.warp(tensor(row), tensor(along_the_row)),
        "y_of_one_column": s.warp(tensor(column), tensor(along_the_column)),
    }


@probe("warp", cases=1, rtol=1e-6)
def lets_gradients_through_to_images_and_matrices(s, images, matrices, dout):
    x, m = (tensor(v).clone().requires_grad_(True) for v in (images, matrices))
    s.warp(x, m).backward(tensor(dout))
    zero = 0 * tensor(dout)
    return {
        "gradient_of_the_images": zero if x.grad is None else x.grad,
        "gradient_of_the_matrices": 0 * tensor(matrices) if m.grad is None else m.grad,
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


@probe("crop_boxes", rtol=ROUNDING)
def draws_a_place_where_the_box_fits(s, u, **settings):
    found = drawn(s, u, **settings)
    return {"top": found["top"], "left": found["left"]}


@probe("crop_boxes", cases=2, rtol=ROUNDING)
def cuts_boxes_that_are_too_high_or_too_wide(s, u, **settings):
    return drawn(s, u, **settings)


@probe("crop_boxes", cases=1, rtol=ROUNDING)
def takes_the_usual_scale_and_ratio_if_none_is_given(s, u, **settings):
    return drawn(s, u, **settings)


@probe("crop_boxes", cases=1)
def draws_boxes_on_the_device_of_u_in_its_type(s, H, W):
    import torch

    def top(**like):
        return sum(s.crop_boxes(torch.full((5, 4), 0.5, **like), H, W))

    return {
        **types_of_output(lambda dtype: top(dtype=dtype), 32, 64),
        "boxes_are_on_the_device_of_u": on_another_device(lambda where: top(device=where)),
    }


def cropped(s, images, box, size):
    return {"y": s.crop_and_resize(tensor(images), *(tensor(side) for side in box), size)}


@probe("crop_and_resize", cases=2, rtol=1e-5)
def cuts_out_pixels_if_the_box_has_that_size(s, images, box, size):
    return cropped(s, images, box, size)


@probe("crop_and_resize", cases=2, rtol=ROUNDING)
def reads_in_the_middle_of_each_strip(s, images, box, size):
    return cropped(s, images, box, size)


@probe("crop_and_resize", cases=1, rtol=ROUNDING)
def enlarges_the_whole_image_without_a_dark_frame(s, images, box, size):
    return cropped(s, images, box, size)


@probe("crop_and_resize", cases=2, rtol=ROUNDING)
def makes_images_smaller_and_single_pixels(s, images, box, size, pixel):
    small = cropped(s, images, box, size)["y"]
    return {"y": small, "y_for_size_1": cropped(s, images, box, pixel)["y"]}


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


@probe("soft_cross_entropy", rtol=ROUNDING)
def averages_the_cross_entropy_over_the_images(s, scores, y):
    return {"loss": s.soft_cross_entropy(tensor(scores), tensor(y))}


@probe("soft_cross_entropy", cases=1, rtol=ROUNDING)
def takes_labels_of_one_class_too(s, scores, y):
    return {"loss": s.soft_cross_entropy(tensor(scores), tensor(y))}


@probe("soft_cross_entropy", cases=2, rtol=ROUNDING)
def stays_finite_for_large_scores(s, scores, y):
    return {
        "loss": s.soft_cross_entropy(tensor(scores), tensor(y)),
        "loss_for_a_thousandth_of_the_scores": s.soft_cross_entropy(tensor(scores / 1000), tensor(y)),
    }


@probe("soft_cross_entropy", cases=1, rtol=1e-6)
def lets_the_gradient_through_to_the_scores(s, scores, y):
    leaf = tensor(scores).clone().requires_grad_(True)
    s.soft_cross_entropy(leaf, tensor(y)).backward()
    return {"gradient": leaf.grad}


@probe("ten_crops", cases=2)
def shows_corners_middle_and_their_mirror_images(s, images, size):
    return {"views": s.ten_crops(tensor(images), size)}


@probe("ten_crops", cases=1)
def rounds_the_middle_up_and_to_the_left(s, images, size):
    return {"views": s.ten_crops(tensor(images), size)}


@probe("ten_crops", cases=1)
def takes_views_of_the_full_height(s, images, size):
    return {"views": s.ten_crops(tensor(images), size)}


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


def predicted(s, model, views):
    """The answer of predict_views; a switch for gradients that was left off is put back."""
    import torch

    with torch.enable_grad():
        return s.predict_views(model, views)


@probe("predict_views", rtol=ROUNDING)
def averages_the_probabilities_over_the_views(s, views, weight):
    return {"mean": predicted(s, small_model(weight).eval(), tensor(views))}


@probe("predict_views", cases=1, rtol=ROUNDING)
def takes_a_list_of_views_of_several_sizes(s, first, second, weight):
    return {"mean": predicted(s, small_model(weight).eval(), [tensor(first), tensor(second)])}


@probe("predict_views", cases=2, rtol=ROUNDING)
def predicts_in_evaluation_mode(s, views, weight, norm):
    model = small_model(weight, norm).train()
    mean = predicted(s, model, tensor(views))
    return {
        "mean": mean,
        "running_mean_afterwards": model[0].running_mean,
        "mean_if_it_was_in_evaluation_mode": predicted(s, small_model(weight, norm).eval(), tensor(views)),
    }


@probe("predict_views", cases=1)
def puts_every_module_back_into_its_mode(s, views, weight, norm, training):
    model = small_model(weight, norm)
    for module, first in zip(model.modules(), training, strict=True):
        module.training = first
    predicted(s, model, tensor(views))
    return {"modes_afterwards": np.array([module.training for module in model.modules()])}


@probe("predict_views", cases=1)
def leaves_a_model_in_evaluation_mode_there(s, views, weight, norm):
    model = small_model(weight, norm).eval()
    predicted(s, model, tensor(views))
    return {"modes_afterwards": np.array([module.training for module in model.modules()])}


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
