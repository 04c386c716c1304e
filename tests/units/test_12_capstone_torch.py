"""The capstone in PyTorch: the solutions against closed forms, torch's own files, and a plain simulation."""

import io
import math
from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lab import photo_patches
from lab.training import as_tensors

SOLVED = ("12-capstone", "capstone_torch")
SEEDS = [5, 2, 9]


def network_of(seed=0):
    """A convolution, batch norm that has seen images, dropout, two linear layers."""
    torch.manual_seed(seed)
    net = nn.Sequential(
        *(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.4), nn.Flatten()),
        *(nn.Linear(4 * 4 * 3, 7), nn.Linear(7, 5)),
    )
    for _ in range(5):
        net(1 + 2 * torch.randn(8, 3, 6, 5))
    return net


def some_images(seed, N=9):
    return torch.tensor(np.random.default_rng(seed).normal(1, 2, (N, 3, 6, 5)), dtype=torch.float32)


def coloured(seed, N):
    rng = np.random.default_rng(seed)
    colour, noise = rng.integers(0, 256, (N, 1, 1, 3)), rng.integers(-60, 61, (N, 32, 32, 3))
    return (colour + noise).clip(0, 255).astype(np.uint8)


def state(module):
    return {name: values.clone() for name, values in module.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(v, other[k]) for k, v in one.items())


@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 6), st.integers(1, 4), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_every_pixel_is_standardized_by_its_channel(answers, N, H, W, C, seed):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (N, H, W, C), dtype=np.uint8)
    mean, std = rng.uniform(0.2, 0.7, C), rng.uniform(0.1, 0.4, C)
    x = answers["to_network"](images, mean, std)
    assert x.dtype == torch.float32 and x.shape == (N, C, H, W)
    n, h, w, c = (int(rng.integers(k)) for k in (N, H, W, C))
    expected = (int(images[n, h, w, c]) / 255 - mean[c]) / std[c]
    assert x[n, c, h, w].item() == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_pixels_become_what_the_lab_trains_on(answers):
    """lab.training prepares images by code of its own."""
    from lab.data import read

    data = read("photo_patches")
    pixels = data.train_images / 255
    mean, std = pixels.mean(axis=(0, 1, 2)), pixels.std(axis=(0, 1, 2))
    own = answers["to_network"](data.test_images[:20], mean, std)
    theirs = as_tensors(data, 20, 20, torch.device("cpu")).test_x
    torch.testing.assert_close(own, theirs, rtol=1e-4, atol=1e-5)


def test_the_worked_numbers_of_the_docstrings_are_right(answers):
    x = answers["to_network"](np.full((1, 1, 1, 1), 102, np.uint8), np.array([0.5]), np.array([0.2]))
    assert x.item() == pytest.approx(-0.5)
    assert answers["stored_numbers"](nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))) == 16
    arrays = answers["pack"](nn.BatchNorm1d(2))
    kinds = {name: (values.shape, values.dtype.name) for name, values in arrays.items()}
    floats = dict.fromkeys(("weight", "bias", "running_mean", "running_var"), ((2,), "float16"))
    assert kinds == {**floats, "num_batches_tracked": ((), "int64")}
    assert simulated(answers, [2.0, 3.0, 2.0, 2.0, 9.0], 8.0) == (3, [0, 0.25, 0.625])
    found = answers["leave_one_out"](
        lambda chosen, seed: {2: 0.8, 1: 0.7 if "flip" in chosen else 0.85}[len(chosen)],
        ["flip", "crop"],
        [0, 1],
    )
    np.testing.assert_allclose([found["flip"], found["crop"]], [[-0.05, -0.05], [0.1, 0.1]], atol=1e-12)


def test_the_numbers_stored_are_those_of_a_file_of_torch(answers):
    """torch.save of the floating point tensors, by their storages: the shared weight is written once."""
    net = network_of()
    assert answers["stored_numbers"](net) == (3 * 4 * 9 + 4) + 4 * 4 + (48 * 7 + 7) + (7 * 5 + 5)
    square = nn.Linear(6, 6)
    shared = nn.Sequential(square, nn.ReLU(), square, nn.Linear(6, 2))
    stored = {v.untyped_storage().data_ptr(): v.untyped_storage().nbytes() for v in state_of(shared)}
    assert answers["stored_numbers"](shared) == sum(stored.values()) // 4


def state_of(module):
    return module.state_dict().values()


def test_the_ladder_network_fits_the_budget_as_the_notebook_says(answers):
    """104 thousand numbers with 8 channels; twice the channels are about four times the numbers."""
    count = answers["stored_numbers"]
    assert round(count(answers["build_network"]()), -3) in {104_000, 105_000}
    wide = answers["network"](answers["Tricks"](batch_norm=True), 16, 0)
    assert 3.8 < count(wide) / count(answers["build_network"]()) < 4.1
    assert 2 * count(wide) > 500_000


def test_packing_rounds_by_at_most_one_part_in_2048(answers):
    """IEEE 754 binary16: 11 bits, so half a unit in the last place is 2^-11, for normal numbers."""
    net = network_of()
    for name, packed in answers["pack"](net).items():
        exact = net.state_dict()[name].double().numpy()
        normal = np.abs(exact) > 2.0**-14
        assert (np.abs(packed - exact)[normal] <= 2.0**-11 * np.abs(exact)[normal]).all()


def test_a_file_that_was_saved_and_loaded_gives_the_same_network(answers):
    net, other = network_of(0), network_of(1)
    file = io.BytesIO()
    np.savez(file, **answers["pack"](net))
    file.seek(0)
    with np.load(file) as arrays:
        answers["unpack"](other, dict(arrays))
    for name, values in state(net).items():
        expected = values.half().float() if values.is_floating_point() else values
        assert torch.equal(other.state_dict()[name], expected)
    assert answers["pack"](other).keys() == answers["pack"](net).keys()


def test_packed_arrays_do_not_change_while_training_goes_on(answers):
    net = network_of()
    arrays = answers["pack"](net)
    before = {name: values.copy() for name, values in arrays.items()}
    net(some_images(1)).square().sum().backward()
    torch.optim.SGD(net.parameters(), lr=0.1).step()
    assert all(np.array_equal(arrays[name], before[name]) for name in before)
    assert {v.dtype for v in net.parameters()} == {torch.float32}


@pytest.mark.parametrize("change", ["missing", "extra", "shape", "scalar"])
def test_what_does_not_fit_is_named_and_nothing_is_loaded(answers, change):
    net = network_of(0)
    arrays, before = answers["pack"](network_of(1)), state(net)
    name = "6.weight"
    if change == "missing":
        del arrays[name]
    elif change == "extra":
        name = "8.weight"
        arrays[name] = np.ones(3, np.float16)
    else:
        arrays[name] = np.ones((7, 5) if change == "shape" else (), np.float16)
    with pytest.raises(ValueError, match=name):
        answers["unpack"](net, arrays)
    assert same(before, state(net))


def simulated(answers, durations, seconds, since=123.0):
    """Number of epochs and shares, by a clock that each epoch puts forward."""
    now, shares = [since], []

    def epoch(share):
        now[0] += durations[len(shares)]
        shares.append(share)

    return answers["train_within"](epoch, seconds, lambda: now[0]), shares


@given(st.lists(st.integers(1, 40), min_size=30, max_size=30), st.integers(1, 200))
@settings(max_examples=200, deadline=None)
def test_the_budget_holds_whenever_no_later_epoch_is_longer_than_all_before(answers, durations, seconds):
    durations = [*durations, *[200] * 300]
    n, shares = simulated(answers, durations, seconds)
    spent = np.cumsum([0, *durations])
    assert n == len(shares) >= 1
    np.testing.assert_allclose(shares, spent[:n] / seconds)
    for k in range(1, n):  # each epoch that began would have fitted, had it taken as long as the longest
        assert spent[k] + max(durations[:k]) <= seconds
    assert spent[n] + max(durations[:n]) > seconds


@given(st.integers(1, 12), st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_equal_epochs_fill_a_budget_of_whole_epochs(answers, n, each):
    found, shares = simulated(answers, [each] * 20, n * each)
    assert found == n
    np.testing.assert_allclose(shares, np.arange(n) / n)


class Linear(nn.Module):
    """Scores that are linear in the pixels, to compute by hand."""

    def __init__(self, seed):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(np.random.default_rng(seed).normal(size=(90, 4))))

    def forward(self, x):
        return x.flatten(1).double() @ self.w


@given(st.integers(1, 4), st.integers(1, 11), st.integers(1, 13))
@settings(max_examples=25, deadline=None)
def test_probabilities_are_the_mean_over_models_and_mirror_images_whatever_the_batch(answers, M, N, batch):
    x = some_images(N, N)
    models = [Linear(k) for k in range(M)]
    expected = np.zeros((N, 4))
    for view in (x.numpy(), x.numpy()[:, :, :, ::-1]):
        for model in models:
            e = np.exp(view.reshape(N, -1).astype(np.float64) @ model.w.detach().numpy())
            expected += e / e.sum(axis=1, keepdims=True) / (2 * M)
    found = answers["mean_probabilities"](models, x, batch)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(found.sum(dim=1), np.ones(N))


def test_the_mean_is_at_least_as_good_as_the_members_are_on_average(answers):
    """Jensen: the cross-entropy of the mean is at most the mean cross-entropy, on any labels."""
    x, y = some_images(3, 40), torch.arange(40) % 4
    models = [Linear(k) for k in range(5)]
    loss = -answers["mean_probabilities"](models, x, 16)[range(40), y].log().mean()
    alone = [-answers["mean_probabilities"]([m], x, 16)[range(40), y].log().mean() for m in models]
    assert loss <= torch.stack(alone).mean() + 1e-12


@given(st.lists(st.booleans(), min_size=16, max_size=16))
@settings(max_examples=20, deadline=None)
def test_every_mode_is_put_back_and_the_statistics_stay(answers, modes):
    models = [network_of(0), network_of(1)]
    parts = [part for model in models for part in model.modules()]
    for part, mode in zip(parts, modes, strict=True):
        part.training = mode
    before = [state(model) for model in models]
    answers["mean_probabilities"](models, some_images(4), 4)
    assert [part.training for part in parts] == modes
    assert all(same(kept, state(model)) for kept, model in zip(before, models, strict=True))


def additive(worth):
    """An accuracy to which each trick adds what it is worth, and each seed its own luck."""
    return lambda chosen, seed: 0.5 + sum(worth[k] for k in chosen) + 0.01 * math.sin(seed)


@given(st.dictionaries(st.sampled_from("abcdef"), st.floats(-0.1, 0.1), min_size=1))
@settings(max_examples=25, deadline=None)
def test_where_tricks_add_up_each_loses_what_it_is_worth_without_any_spread(answers, worth):
    """And then any order of the ladder gives the same gains: here order does not matter."""
    found = answers["leave_one_out"](additive(worth), list(worth), SEEDS)
    assert found.keys() == worth.keys()
    for name, lost in found.items():
        np.testing.assert_allclose(lost, np.full(3, worth[name]), atol=1e-12)


def test_two_tricks_that_do_the_same_lose_nothing_each(answers):
    """Their ladder gains add up to 0.2 in every order, their losses to 0: leave-one-out is no ladder."""

    def value(chosen, seed):
        return 0.5 + 0.2 * bool(chosen)

    found = answers["leave_one_out"](value, ["a", "b"], SEEDS)
    assert all((lost == 0).all() for lost in found.values())
    for order in permutations("ab"):
        steps = [value(frozenset(order[:k]), 0) for k in range(3)]
        assert np.diff(steps).sum() == pytest.approx(0.2)


def test_each_network_is_trained_once(answers):
    asked = []

    def train(chosen, seed):
        asked.append((chosen, seed))
        return hash(chosen) % 7 / 10

    answers["leave_one_out"](train, ["a", "b", "c", "d"], SEEDS)
    assert len(asked) == len(set(asked)) == 5 * 3


def test_labels_are_those_of_torch_layers_alone(answers):
    """The file, read into the network by load_state_dict, asked image by image."""
    images = coloured(0, 12)
    weights = answers["weights"]
    net = answers["build_network"]()
    own = {name: torch.as_tensor(weights[name]) for name in net.state_dict()}
    net.load_state_dict(own)
    net.eval()
    x = torch.tensor(((images / 255 - weights["mean"]) / weights["std"]).transpose(0, 3, 1, 2)).float()
    with torch.no_grad():
        p = [(net(v[None]).softmax(1) + net(v[None].flip(-1)).softmax(1))[0] for v in x]
    np.testing.assert_array_equal(answers["predict"](images), torch.stack(p).argmax(dim=1))


def test_the_reference_reaches_every_step_with_room_to_spare(answers):
    """Three points above the highest share, on the worst of 20 draws of fresh images."""
    rng = np.random.default_rng(20)
    right = []
    for _ in range(20):
        images, labels, _ = photo_patches.fresh(200, rng)
        right.append((answers["predict"](images) == labels).mean())
    assert min(right) > 0.85 + 0.03


def test_the_file_of_the_reference_is_within_the_budget(notebook):
    import base64

    sizes = [len(base64.b64decode(data)) for data in notebook.unit.beside.values()]
    assert 0 < sum(sizes) <= notebook.unit.limits.array_bytes == 520_000


def test_the_names_in_a_file_fit_beside_all_the_numbers_that_are_allowed(notebook, answers):
    """The arrays of the ladder's network, whose names and headers do not depend on its width."""
    net, file = answers["build_network"](), io.BytesIO()
    np.savez(file, mean=np.ones(3), std=np.ones(3), **answers["pack"](net))
    beside_numbers = len(file.getvalue()) - 2 * answers["stored_numbers"](net)
    assert 0 < beside_numbers < notebook.unit.limits.array_bytes - 500_000


def test_the_students_test_needs_images_that_get_different_labels(answers):
    """The colours of its images make the reference say at least four classes."""
    assert len(set(answers["predict"](coloured(0, 23)).tolist())) >= 4
