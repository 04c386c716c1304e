"""What the checks ask of the PyTorch notebook, and the inputs they ask it on.

Inputs: all axes of different lengths, means far from zero, features of different scale, constant features,
8-bit integers, a ragged last batch, an eps that can be seen (rules 1 to 9 of the catalogue).

The exercises of the two notebooks have different names: a probe belongs to the exercise it names."""

import numpy as np

from autograder import Given, probe  # noqa: F401


def tensor(array):
    """A tensor that shares the array's memory, so that a change in place is seen."""
    import torch

    return torch.as_tensor(array)


def photographs(rng, *shape):
    """Pictures (N, H, W, C) of 8 bits, none of them 0 or 255; pictures and channels differ."""
    N, _, _, C = shape
    bright = rng.permutation(np.linspace(70, 180, N)).reshape(N, 1, 1, 1)
    scale = rng.permutation(np.linspace(8, 30, C))
    return np.clip(bright + scale * rng.normal(size=shape) + 9 * np.arange(C), 3, 240).astype(np.uint8)


def channels_second(rng, *shape):
    """float64 images (N, C, H, W): means far from zero, channels of different scale, images that differ."""
    N, C, H, W = shape
    scale = rng.permutation(np.geomspace(0.4, 4, C)).reshape(C, 1, 1)
    centre = rng.permutation(np.linspace(-4, 7, C) + rng.uniform(0, 1, C)).reshape(C, 1, 1)
    texture = rng.normal(size=shape) + 1.5 * rng.normal(size=(N, 1, 1, 1)) + rng.normal(size=(1, 1, H, W))
    return texture * scale + centre


@probe("images_to_tensor", rtol=1e-6)
def scales_pixels_and_puts_the_channels_second(s, images):
    return {"x": s.images_to_tensor(tensor(images))}


@scales_pixels_and_puts_the_channels_second.inputs
def _(rng):
    return {"images": photographs(rng, 2, 4, 5, 3)}


@probe("images_to_tensor", cases=1)
def returns_single_precision(s, images):
    x = s.images_to_tensor(tensor(images))
    return {"bits_of_each_number": np.array(8 * x.element_size())}


@returns_single_precision.inputs
def _(rng):
    return {"images": photographs(rng, 2, 4, 5, 3)}


class Loader:
    """Batches with labels, as a DataLoader yields them; it counts how often it was gone through."""

    def __init__(self, batches):
        self.batches = [tensor(x) for x in batches]
        self.passes = 0

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        self.passes += 1
        return ((x, tensor(np.arange(len(x)))) for x in self.batches)


# rtol 1e-5 below: statistics of single precision are right
@probe("loader_stats", rtol=1e-5)
def averages_over_all_pixels_of_all_batches(s, batches):
    mean, _std = s.loader_stats(Loader(batches))
    return {"mean": mean}


@averages_over_all_pixels_of_all_batches.inputs
def _(rng):
    return {"batches": [channels_second(rng, n, 4, 3, 2) + t for t, n in enumerate((3, 3, 2))]}


@probe("loader_stats", rtol=1e-5)
def finds_the_deviation_over_all_pixels_of_all_batches(s, batches):
    _mean, std = s.loader_stats(Loader(batches))
    return {"std": std}


@finds_the_deviation_over_all_pixels_of_all_batches.inputs
def _(rng):
    return {"batches": [channels_second(rng, n, 4, 3, 2) + t for t, n in enumerate((3, 3, 2))]}


@probe("loader_stats", cases=2, rtol=1e-5)
def works_for_numbers_of_eight_bits(s, batches):
    mean, std = s.loader_stats(Loader(batches))
    return {"mean": mean, "std": std}


@works_for_numbers_of_eight_bits.inputs
def _(rng):
    sizes = (4, 4, 4, 1)
    return {"batches": [photographs(rng, n, 3, 5, 2).transpose(0, 3, 1, 2).copy() for n in sizes]}


@probe("loader_stats", cases=1)
def goes_through_the_loader_once(s, batches):
    loader = Loader(batches)
    s.loader_stats(loader)
    return {"passes_through_the_loader": np.array(loader.passes)}


@goes_through_the_loader_once.inputs
def _(rng):
    return {"batches": [channels_second(rng, n, 3, 2, 4) for n in (3, 3, 2)]}


@probe("loader_stats", cases=1)
def survives_channels_far_from_zero_in_float32(s, batches, offset):
    far, near = (
        tensor(s.loader_stats(Loader([(x - shift).astype(np.float32) for x in batches]))[1]).double()
        for shift in (0, offset)
    )
    same = bool(((far - near).abs() < 0.02 * near.abs()).all())
    return {"std_is_the_same_far_from_zero": np.array(same)}


@survives_channels_far_from_zero_in_float32.inputs
def _(rng):
    far = rng.uniform(5e3, 8e3, (2, 1, 1))
    return {"batches": [(far + rng.normal(size=(n, 2, 5, 6))).round(3) for n in (8, 8, 3)], "offset": far}


# rtol 1e-6 below: single precision on the way is right, what type comes out is asked by itself
def standardizer(s, mean, std):
    """The student's module, in float64, with these statistics."""
    return s.Standardize(tensor(mean).clone(), tensor(std).clone()).double()


def kept_as(layer, names):
    """Per name: is it saved, is it trained, does it move with the module?"""
    saved, trained = set(layer.state_dict()), {name for name, _ in layer.named_parameters()}
    layer.to("meta")  # a device that computes shapes only
    found = {}
    for name in names:
        place = getattr(getattr(layer, name, None), "device", None)
        found[f"{name}_is_in_state_dict"] = np.array(name in saved)
        found[f"{name}_is_a_parameter"] = np.array(name in trained)
        found[f"{name}_is_moved_with_the_module"] = np.array(str(place) == "meta")
    return found


def channel_statistics(rng, C):
    return {
        "mean": rng.permutation(np.linspace(-3, 6, C) + rng.uniform(0.1, 0.9, C)),
        "std": rng.permutation(np.linspace(0.4, 3.1, C) + rng.uniform(0, 0.2, C)),
    }


@probe("Standardize", rtol=1e-6)
def standardizes_images_with_the_given_statistics(s, x, mean, std):
    return {"z": standardizer(s, mean, std)(tensor(x))}


@standardizes_images_with_the_given_statistics.inputs
def _(rng):
    return {"x": channels_second(rng, 2, 5, 3, 4), **channel_statistics(rng, 5)}


@probe("Standardize", cases=2, rtol=1e-6)
def standardizes_tables_with_the_given_statistics(s, x, mean, std):
    return {"z": standardizer(s, mean, std)(tensor(x))}


@standardizes_tables_with_the_given_statistics.inputs
def _(rng):
    return {"x": channels_second(rng, 7, 4, 1, 1)[:, :, 0, 0].copy(), **channel_statistics(rng, 4)}


@probe("Standardize", cases=2, rtol=1e-6)
def divides_a_constant_channel_by_one(s, x, mean, std):
    return {"z": standardizer(s, mean, std)(tensor(x))}


@divides_a_constant_channel_by_one.inputs
def _(rng):
    statistics = channel_statistics(rng, 5)
    statistics["std"][rng.integers(5)] = 0.0
    return {"x": channels_second(rng, 2, 5, 3, 4), **statistics}


@probe("Standardize", cases=2, rtol=1e-6)
def takes_images_of_eight_bits(s, x, mean, std):
    return {"z": standardizer(s, mean, std)(tensor(x))}


@takes_images_of_eight_bits.inputs
def _(rng):
    statistics = {"mean": rng.uniform(90, 160, 3), "std": rng.uniform(15, 60, 3)}
    return {"x": photographs(rng, 2, 4, 5, 3).transpose(0, 3, 1, 2).copy(), **statistics}


@probe("Standardize", cases=1, rtol=1e-6)
def does_the_same_in_training_and_in_evaluation(s, x, mean, std):
    layer = standardizer(s, mean, std)
    return {"in_training": layer.train()(tensor(x)), "in_evaluation": layer.eval()(tensor(x))}


@does_the_same_in_training_and_in_evaluation.inputs
def _(rng):
    return {"x": channels_second(rng, 2, 5, 3, 4), **channel_statistics(rng, 5)}


@probe("Standardize", cases=1)
def keeps_its_statistics_in_buffers(s, mean, std):
    return kept_as(standardizer(s, mean, std), ("mean", "std"))


@keeps_its_statistics_in_buffers.inputs
def _(rng):
    return channel_statistics(rng, 3)


@probe("Standardize", cases=1, rtol=1e-6)
def uses_the_statistics_that_are_loaded_into_it(s, x, mean, std):
    layer = standardizer(s, mean - 1, std + 2)
    layer.load_state_dict({"mean": tensor(mean).clone(), "std": tensor(std).clone()}, strict=False)
    return {"z": layer(tensor(x))}


@uses_the_statistics_that_are_loaded_into_it.inputs
def _(rng):
    return {"x": channels_second(rng, 2, 5, 3, 4), **channel_statistics(rng, 5)}


@probe("Standardize", cases=1)
def keeps_the_type_of_its_input(s, x, mean, std):
    import torch

    types = {16: torch.float16, 32: torch.float32, 64: torch.float64}
    found = {}
    for own in (32, 64):
        layer = standardizer(s, mean, std).to(types[own])
        bits = [8 * layer(tensor(x).to(t)).element_size() for t in types.values()]
        found[f"bits_of_z_for_x_of_16_32_64_and_statistics_of_{own}"] = np.array(bits)
    return found


@keeps_the_type_of_its_input.inputs
def _(rng):
    return {"x": channels_second(rng, 2, 5, 3, 4), **channel_statistics(rng, 5)}


@probe("Standardize", cases=2, rtol=1e-6)
def goes_back_to_the_images(s, z, mean, std):
    return {"x": standardizer(s, mean, std).inverse(tensor(z))}


@goes_back_to_the_images.inputs
def _(rng):
    return {"z": channels_second(rng, 2, 5, 3, 4), **channel_statistics(rng, 5)}


@probe("Standardize", cases=1, rtol=1e-6)
def goes_back_to_a_table(s, z, mean, std):
    return {"x": standardizer(s, mean, std).inverse(tensor(z))}


@goes_back_to_a_table.inputs
def _(rng):
    return {"z": channels_second(rng, 7, 4, 1, 1)[:, :, 0, 0].copy(), **channel_statistics(rng, 4)}


@probe("Standardize", cases=2, rtol=1e-6)
def passes_gradients_to_its_input(s, x, dz, mean, std):
    leaf = tensor(x).clone().requires_grad_(True)
    standardizer(s, mean, std)(leaf).backward(tensor(dz))
    return {"x.grad": leaf.grad}


@passes_gradients_to_its_input.inputs
def _(rng):
    dz = rng.normal(size=(2, 5, 3, 4))
    return {"x": channels_second(rng, 2, 5, 3, 4), "dz": dz, **channel_statistics(rng, 5)}


def layer_to_fold_into(rng, *shape):
    in_channels = shape[1]
    return {
        "weight": rng.normal(size=shape),
        "bias": rng.normal(1, 0.5, shape[0]),
        **channel_statistics(rng, in_channels),
    }


def folded_into(s, weight, bias, mean, std):
    given = [None if a is None else tensor(a) for a in (weight, bias, mean, std)]
    return s.fold_standardization(*given)


@probe("fold_standardization", rtol=1e-6)
def divides_the_weight_of_a_linear_layer(s, **inputs):
    weight, _bias = folded_into(s, **inputs)
    return {"weight": weight}


@divides_the_weight_of_a_linear_layer.inputs
def _(rng):
    return layer_to_fold_into(rng, 4, 3)


@probe("fold_standardization", rtol=1e-6)
def moves_the_means_into_the_bias(s, **inputs):
    _weight, bias = folded_into(s, **inputs)
    return {"bias": bias}


@moves_the_means_into_the_bias.inputs
def _(rng):
    return layer_to_fold_into(rng, 4, 3)


@probe("fold_standardization", cases=2, rtol=1e-6)
def folds_standardization_into_a_convolution(s, **inputs):
    weight, bias = folded_into(s, **inputs)
    return {"weight": weight, "bias": bias}


@folds_standardization_into_a_convolution.inputs
def _(rng):
    return layer_to_fold_into(rng, 4, 3, 2, 5)


@probe("fold_standardization", cases=2, rtol=1e-6)
def makes_a_bias_where_there_was_none(s, **inputs):
    weight, bias = folded_into(s, **inputs)
    return {"weight": weight, "bias": bias}


@makes_a_bias_where_there_was_none.inputs
def _(rng):
    return {**layer_to_fold_into(rng, 4, 3, 2, 5), "bias": None}


def on_its_device(f, x):
    """Does f mix x with tensors that are made without a device?

    Asked in two ways: a GPU's tensors may be mixed with one number of the CPU, and may be compared."""
    import torch

    try:
        with torch.device("meta"):  # where a tensor lands that is made without a device
            y = f(x)
    except RuntimeError:
        x = x.to("meta")
        y = f(x)
    return {"y_is_on_the_device_of_x": np.array(y.device == x.device)}


def contrast_inputs(rng):
    return {
        "x": channels_second(rng, 3, 4, 2, 5),
        "scale": float(rng.uniform(1.6, 2.4)),
        "lam": float(rng.uniform(0.6, 0.9)),
        "eps": 1e-8,
    }


@probe("global_contrast", rtol=1e-6)
def gives_every_image_the_same_contrast(s, x, scale, lam, eps):
    return {"y": s.global_contrast(tensor(x), scale, lam, eps)}


@gives_every_image_the_same_contrast.inputs
def _(rng):
    return contrast_inputs(rng)


@probe("global_contrast", cases=2, rtol=1e-6)
def divides_by_eps_where_there_is_less_contrast(s, x, scale, lam, eps):
    return {"y": s.global_contrast(tensor(x), scale, lam, eps)}


@divides_by_eps_where_there_is_less_contrast.inputs
def _(rng):
    faint = np.array([1.0, 0.002, 0.0]).reshape(3, 1, 1, 1)
    eps = float(rng.uniform(0.04, 0.08))
    return {**contrast_inputs(rng), "x": faint * channels_second(rng, 3, 4, 2, 5), "lam": 0.0, "eps": eps}


@probe("global_contrast", cases=2, rtol=1e-6)
def works_with_its_default_arguments(s, x):
    return {"y": s.global_contrast(tensor(x))}


@works_with_its_default_arguments.inputs
def _(rng):
    return {"x": channels_second(rng, 3, 4, 2, 5)}


@probe("global_contrast", cases=2, rtol=1e-6)
def lets_gradients_through_the_contrast(s, x, scale, lam, eps, dy):
    leaf = tensor(x).clone().requires_grad_(True)
    s.global_contrast(leaf, scale, lam, eps).backward(tensor(dy))
    return {"x.grad": leaf.grad}


@lets_gradients_through_the_contrast.inputs
def _(rng):
    return {**contrast_inputs(rng), "dy": rng.normal(size=(3, 4, 2, 5)) + 0.5}


@probe("global_contrast", cases=1)
def makes_no_tensors_on_another_device(s, x, scale, lam, eps):
    return on_its_device(lambda x: s.global_contrast(x, scale, lam, eps), tensor(x))


@makes_no_tensors_on_another_device.inputs
def _(rng):
    return contrast_inputs(rng)


# rtol 1e-4 below: single precision on the way is right, and small variances enlarge its rounding
@probe("local_contrast", rtol=1e-4)
def gives_every_neighbourhood_the_same_contrast(s, x, radius, eps):
    return {"y": s.local_contrast(tensor(x), radius, eps)}


@gives_every_neighbourhood_the_same_contrast.inputs
def _(rng):
    return {"x": channels_second(rng, 2, 3, 7, 5), "radius": 1, "eps": float(rng.uniform(0.3, 0.6))}


@probe("local_contrast", cases=2, rtol=1e-4)
def works_for_larger_windows(s, x, radius, eps):
    return {"y": s.local_contrast(tensor(x), radius, eps)}


@works_for_larger_windows.inputs
def _(rng):
    return {"x": channels_second(rng, 2, 4, 7, 9), "radius": 3, "eps": float(rng.uniform(0.3, 0.6))}


@probe("local_contrast", cases=1, rtol=1e-4)
def works_for_images_as_small_as_the_window(s, x, radius, eps):
    return {"y": s.local_contrast(tensor(x), radius, eps)}


@works_for_images_as_small_as_the_window.inputs
def _(rng):
    return {"x": channels_second(rng, 2, 4, 3, 3), "radius": 1, "eps": float(rng.uniform(0.3, 0.6))}


@probe("local_contrast", cases=1)
def survives_bright_images_in_float32(s, x, radius, eps, offset):
    bright, dark = (
        s.local_contrast(tensor((x - shift).astype(np.float32)), radius, eps).double()
        for shift in (0, offset)
    )
    same = bool(((bright - dark).abs() < 0.05).all())
    return {"y_is_the_same_for_brighter_images": np.array(same)}


@survives_bright_images_in_float32.inputs
def _(rng):
    far = rng.uniform(5e3, 8e3, (2, 1, 1, 1))
    x = (far + rng.normal(size=(2, 3, 8, 9))).round(3)
    return {"x": x, "radius": 2, "eps": 0.1, "offset": far}


@probe("local_contrast", cases=1)
def makes_no_tensors_elsewhere(s, x, radius, eps):
    return on_its_device(lambda x: s.local_contrast(x, radius, eps), tensor(x))


@makes_no_tensors_elsewhere.inputs
def _(rng):
    return {"x": channels_second(rng, 2, 3, 7, 5), "radius": 1, "eps": 0.3}


def mixed_features(rng, N, D):
    """Rows whose features are correlated, with means far from zero."""
    mix = rng.normal(size=(D, D)) + np.diag(rng.uniform(1, 3, D))
    return rng.normal(size=(N, D)) @ mix + rng.permutation(np.linspace(-3, 5, D))


def whitener(s, D):
    return s.ZCA(D).double()


@probe("ZCA", rtol=1e-4)
def learns_the_mean_and_the_matrix(s, x, eps):
    layer = whitener(s, x.shape[1])
    layer.fit(tensor(x), eps)
    return {"mean": layer.mean, "matrix": layer.matrix}


@learns_the_mean_and_the_matrix.inputs
def _(rng):
    return {"x": mixed_features(rng, 12, 4), "eps": float(rng.uniform(0.2, 0.4))}


@probe("ZCA", cases=2, rtol=1e-4)
def whitens_other_data_with_what_it_learned(s, x, new, eps):
    layer = whitener(s, x.shape[1])
    layer.fit(tensor(x), eps)
    return {"z": layer(tensor(new))}


@whitens_other_data_with_what_it_learned.inputs
def _(rng):
    x = mixed_features(rng, 12, 4)
    return {"x": x, "new": x[:5] * 1.3 + rng.normal(size=(5, 4)), "eps": float(rng.uniform(0.2, 0.4))}


@probe("ZCA", cases=2, rtol=1e-4)
def flattens_images_and_returns_images(s, x, new, eps):
    layer = whitener(s, x[0].size)
    layer.fit(tensor(x), eps)
    return {"z": layer(tensor(new))}


@flattens_images_and_returns_images.inputs
def _(rng):
    eps = float(rng.uniform(2, 4))
    return {"x": channels_second(rng, 9, 2, 3, 4), "new": channels_second(rng, 5, 2, 3, 4), "eps": eps}


@probe("ZCA", cases=1, rtol=1e-4)
def survives_features_that_are_copies(s, x, eps):
    layer = whitener(s, x.shape[1])
    layer.fit(tensor(x), eps)
    return {"z": layer(tensor(x))}


@survives_features_that_are_copies.inputs
def _(rng):
    x = mixed_features(rng, 12, 4)
    return {"x": np.concatenate([x, 2 * x[:, :1]], axis=1), "eps": float(rng.uniform(0.2, 0.4))}


@probe("ZCA", cases=1)
def starts_by_changing_nothing(s, num_features):
    layer = s.ZCA(num_features)
    return {"mean": layer.mean, "matrix": layer.matrix}


@starts_by_changing_nothing.inputs
def _(rng):
    return {"num_features": 5}


@probe("ZCA", cases=1)
def keeps_what_it_learned_in_buffers(s, x, eps):
    layer = whitener(s, x.shape[1])
    layer.fit(tensor(x), eps)
    return kept_as(layer, ("mean", "matrix"))


@keeps_what_it_learned_in_buffers.inputs
def _(rng):
    return {"x": mixed_features(rng, 12, 4), "eps": 0.3}


@probe("ZCA", cases=1, rtol=1e-4)
def whitens_with_what_is_loaded_into_it(s, x, mean, matrix):
    layer = whitener(s, len(mean))
    state = {"mean": tensor(mean).clone(), "matrix": tensor(matrix).clone()}
    layer.load_state_dict(state, strict=False)
    return {"z": layer(tensor(x))}


@whitens_with_what_is_loaded_into_it.inputs
def _(rng):
    root = rng.normal(size=(4, 4))
    return {"x": mixed_features(rng, 6, 4), "mean": rng.normal(2, 1, 4), "matrix": root @ root.T}


@probe("ZCA", cases=1)
def keeps_no_graph_of_the_training_set(s, x, eps):
    layer = whitener(s, x.shape[1])
    layer.fit(tensor(x).clone().requires_grad_(True), eps)
    buffers = {"mean": layer.mean, "matrix": layer.matrix}
    return {f"{name}_requires_a_gradient": np.array(b.requires_grad) for name, b in buffers.items()}


@keeps_no_graph_of_the_training_set.inputs
def _(rng):
    return {"x": mixed_features(rng, 12, 4), "eps": 0.3}


@probe("ZCA", cases=1)
def returns_itself_from_fit(s, x, eps):
    layer = whitener(s, x.shape[1])
    return {"what_fit_returns_is_the_module": np.array(layer.fit(tensor(x), eps) is layer)}


@returns_itself_from_fit.inputs
def _(rng):
    return {"x": mixed_features(rng, 12, 4), "eps": 0.3}


@probe("ZCA", cases=2, rtol=1e-4)
def passes_gradients_through_the_whitening(s, x, dz, eps):
    layer = whitener(s, x.shape[1])
    layer.fit(tensor(x), eps)
    leaf = tensor(x).clone().requires_grad_(True)
    layer(leaf).backward(tensor(dz))
    return {"x.grad": leaf.grad}


@passes_gradients_through_the_whitening.inputs
def _(rng):
    return {"x": mixed_features(rng, 12, 4), "dz": rng.normal(size=(12, 4)) + 0.4, "eps": 0.3}
