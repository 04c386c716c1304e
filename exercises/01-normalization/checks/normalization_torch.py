import numpy as np
from autograder import probe


def tensor(array):
    """A tensor that shares the array's memory, so that a change in place is seen."""
    import torch

    return torch.as_tensor(array)


@probe("images_to_tensor", rtol=1e-6)
def scales_pixels_and_puts_the_channels_second(s, images):
    return {"x": s.images_to_tensor(tensor(images))}


@probe("images_to_tensor", cases=1)
def returns_single_precision(s, images):
    x = s.images_to_tensor(tensor(images))
    return {"bits_of_each_number": np.array(8 * x.element_size())}


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


@probe("loader_stats", rtol=1e-5)
def averages_over_all_pixels_of_all_batches(s, batches):
    mean, _std = s.loader_stats(Loader(batches))
    return {"mean": mean}


@probe("loader_stats", rtol=1e-5)
def finds_the_deviation_over_all_pixels_of_all_batches(s, batches):
    _mean, std = s.loader_stats(Loader(batches))
    return {"std": std}


@probe("loader_stats", cases=2, rtol=1e-5)
def works_for_numbers_of_eight_bits(s, batches):
    mean, std = s.loader_stats(Loader(batches))
    return {"mean": mean, "std": std}


@probe("loader_stats", cases=1)
def goes_through_the_loader_once(s, batches):
    loader = Loader(batches)
    s.loader_stats(loader)
    return {"passes_through_the_loader": np.array(loader.passes)}


@probe("loader_stats", cases=1)
def survives_channels_far_from_zero_in_float32(s, batches, offset):
    far, near = (
        tensor(s.loader_stats(Loader([(x - shift).astype(np.float32) for x in batches]))[1]).double()
        for shift in (0, offset)
    )
    same = bool(((far - near).abs() < 0.02 * near.abs()).all())
    return {"std_is_the_same_far_from_zero": np.array(same)}


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


@probe("Standardize", rtol=1e-6)
def standardizes_images_with_the_given_statistics(s, x, mean, std):
    return {"z": standardizer(s, mean, std)(tensor(x))}


@probe("Standardize", cases=2, rtol=1e-6)
def standardizes_tables_with_the_given_statistics(s, x, mean, std):
    return {"z": standardizer(s, mean, std)(tensor(x))}


@probe("Standardize", cases=2, rtol=1e-6)
def divides_a_constant_channel_by_one(s, x, mean, std):
    return {"z": standardizer(s, mean, std)(tensor(x))}


@probe("Standardize", cases=2, rtol=1e-6)
def takes_images_of_eight_bits(s, x, mean, std):
    return {"z": standardizer(s, mean, std)(tensor(x))}


@probe("Standardize", cases=1, rtol=1e-6)
def does_the_same_in_training_and_in_evaluation(s, x, mean, std):
    layer = standardizer(s, mean, std)
    return {"in_training": layer.train()(tensor(x)), "in_evaluation": layer.eval()(tensor(x))}


@probe("Standardize", cases=1)
def keeps_its_statistics_in_buffers(s, mean, std):
    return kept_as(standardizer(s, mean, std), ("mean", "std"))


@probe("Standardize", cases=1, rtol=1e-6)
def uses_the_statistics_that_are_loaded_into_it(s, x, mean, std):
    layer = standardizer(s, mean - 1, std + 2)
    layer.load_state_dict({"mean": tensor(mean).clone(), "std": tensor(std).clone()}, strict=False)
    return {"z": layer(tensor(x))}


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


@probe("Standardize", cases=2, rtol=1e-6)
def goes_back_to_the_images(s, z, mean, std):
    return {"x": standardizer(s, mean, std).inverse(tensor(z))}


@probe("Standardize", cases=1, rtol=1e-6)
def goes_back_to_a_table(s, z, mean, std):
    return {"x": standardizer(s, mean, std).inverse(tensor(z))}


@probe("Standardize", cases=2, rtol=1e-6)
def passes_gradients_to_its_input(s, x, dz, mean, std):
    leaf = tensor(x).clone().requires_grad_(True)
    standardizer(s, mean, std)(leaf).backward(tensor(dz))
    return {"x.grad": leaf.grad}


def folded_into(s, weight, bias, mean, std):
    given = [None if a is None else tensor(a) for a in (weight, bias, mean, std)]
    return s.fold_standardization(*given)


@probe("fold_standardization", rtol=1e-6)
def divides_the_weight_of_a_linear_layer(s, **inputs):
    weight, _bias = folded_into(s, **inputs)
    return {"weight": weight}


@probe("fold_standardization", rtol=1e-6)
def moves_the_means_into_the_bias(s, **inputs):
    _weight, bias = folded_into(s, **inputs)
    return {"bias": bias}


@probe("fold_standardization", cases=2, rtol=1e-6)
def folds_standardization_into_a_convolution(s, **inputs):
    weight, bias = folded_into(s, **inputs)
    return {"weight": weight, "bias": bias}


@probe("fold_standardization", cases=2, rtol=1e-6)
def makes_a_bias_where_there_was_none(s, **inputs):
    weight, bias = folded_into(s, **inputs)
    return {"weight": weight, "bias": bias}


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


@probe("global_contrast", rtol=1e-6)
def gives_every_image_the_same_contrast(s, x, scale, lam, eps):
    return {"y": s.global_contrast(tensor(x), scale, lam, eps)}


@probe("global_contrast", cases=2, rtol=1e-6)
def divides_by_eps_where_there_is_less_contrast(s, x, scale, lam, eps):
    return {"y": s.global_contrast(tensor(x), scale, lam, eps)}


@probe("global_contrast", cases=2, rtol=1e-6)
def works_with_its_default_arguments(s, x):
    return {"y": s.global_contrast(tensor(x))}


@probe("global_contrast", cases=2, rtol=1e-6)
def lets_gradients_through_the_contrast(s, x, scale, lam, eps, dy):
    leaf = tensor(x).clone().requires_grad_(True)
    s.global_contrast(leaf, scale, lam, eps).backward(tensor(dy))
    return {"x.grad": leaf.grad}


@probe("global_contrast", cases=1)
def makes_no_tensors_on_another_device(s, x, scale, lam, eps):
    return on_its_device(lambda x: s.global_contrast(x, scale, lam, eps), tensor(x))


@probe("local_contrast", rtol=1e-4)
def gives_every_neighbourhood_the_same_contrast(s, x, radius, eps):
    return {"y": s.local_contrast(tensor(x), radius, eps)}


@probe("local_contrast", cases=2, rtol=1e-4)
def works_for_larger_windows(s, x, radius, eps):
    return {"y": s.local_contrast(tensor(x), radius, eps)}


@probe("local_contrast", cases=1, rtol=1e-4)
def works_for_images_as_small_as_the_window(s, x, radius, eps):
    return {"y": s.local_contrast(tensor(x), radius, eps)}


@probe("local_contrast", cases=1)
def survives_bright_images_in_float32(s, x, radius, eps, offset):
    bright, dark = (
        s.local_contrast(tensor((x - shift).astype(np.float32)), radius, eps).double()
        for shift in (0, offset)
    )
    same = bool(((bright - dark).abs() < 0.05).all())
    return {"y_is_the_same_for_brighter_images": np.array(same)}


@probe("local_contrast", cases=1)
def makes_no_tensors_elsewhere(s, x, radius, eps):
    return on_its_device(lambda x: s.local_contrast(x, radius, eps), tensor(x))


def whitener(s, D):
    return s.ZCA(D).double()


@probe("ZCA", rtol=1e-4)
def learns_the_mean_and_the_matrix(s, x, eps):
    layer = whitener(s, x.shape[1])
    layer.fit(tensor(x), eps)
    return {"mean": layer.mean, "matrix": layer.matrix}


@probe("ZCA", cases=2, rtol=1e-4)
def whitens_other_data_with_what_it_learned(s, x, new, eps):
    layer = whitener(s, x.shape[1])
    layer.fit(tensor(x), eps)
    return {"z": layer(tensor(new))}


@probe("ZCA", cases=2, rtol=1e-4)
def flattens_images_and_returns_images(s, x, new, eps):
    layer = whitener(s, x[0].size)
    layer.fit(tensor(x), eps)
    return {"z": layer(tensor(new))}


@probe("ZCA", cases=1, rtol=1e-4)
def survives_features_that_are_copies(s, x, eps):
    layer = whitener(s, x.shape[1])
    layer.fit(tensor(x), eps)
    return {"z": layer(tensor(x))}


@probe("ZCA", cases=1)
def starts_by_changing_nothing(s, num_features):
    layer = s.ZCA(num_features)
    return {"mean": layer.mean, "matrix": layer.matrix}


@probe("ZCA", cases=1)
def keeps_what_it_learned_in_buffers(s, x, eps):
    layer = whitener(s, x.shape[1])
    layer.fit(tensor(x), eps)
    return kept_as(layer, ("mean", "matrix"))


@probe("ZCA", cases=1, rtol=1e-4)
def whitens_with_what_is_loaded_into_it(s, x, mean, matrix):
    layer = whitener(s, len(mean))
    state = {"mean": tensor(mean).clone(), "matrix": tensor(matrix).clone()}
    layer.load_state_dict(state, strict=False)
    return {"z": layer(tensor(x))}


@probe("ZCA", cases=1)
def keeps_no_graph_of_the_training_set(s, x, eps):
    layer = whitener(s, x.shape[1])
    layer.fit(tensor(x).clone().requires_grad_(True), eps)
    buffers = {"mean": layer.mean, "matrix": layer.matrix}
    return {f"{name}_requires_a_gradient": np.array(b.requires_grad) for name, b in buffers.items()}


@probe("ZCA", cases=1)
def returns_itself_from_fit(s, x, eps):
    layer = whitener(s, x.shape[1])
    return {"what_fit_returns_is_the_module": np.array(layer.fit(tensor(x), eps) is layer)}


@probe("ZCA", cases=2, rtol=1e-4)
def passes_gradients_through_the_whitening(s, x, dz, eps):
    layer = whitener(s, x.shape[1])
    layer.fit(tensor(x), eps)
    leaf = tensor(x).clone().requires_grad_(True)
    layer(leaf).backward(tensor(dz))
    return {"x.grad": leaf.grad}
