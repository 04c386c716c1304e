"""NumPy's parts in PyTorch: the solutions against plain loops, scikit-learn, closed forms and torch's own."""

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix
from torch import nn

from lab.data import read
from lab.experiments import arrays

SOLVED = ("00-numpy", "arrays_torch")
F = nn.functional
SIDES = st.integers(1, 5)
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


@settings(max_examples=30, deadline=None)
@given(N=SIDES, H=SIDES, W=SIDES, C=SIDES, seed=st.integers(0, 99))
def test_every_pixel_of_a_batch_is_a_share_of_255(answers, N, H, W, C, seed):
    images = np.random.default_rng(seed).integers(0, 256, (N, H, W, C), dtype=np.uint8)
    x = answers["to_batch"](images[:, ::-1])
    assert x.shape == (N, C, H, W) and x.dtype == torch.float32 and x.is_contiguous()
    for n, h, w, c in np.ndindex(*images.shape):
        assert x[n, c, h, w].item() == pytest.approx(int(images[n, H - 1 - h, w, c]) / 255, rel=1e-6)


def test_a_batch_has_memory_of_its_own(answers):
    images = np.full((2, 3, 4, 1), 255, dtype=np.uint8)
    answers["to_batch"](images).zero_()
    assert (images == 255).all()


def test_a_batch_takes_pictures_that_may_not_be_written_to(answers):
    images = np.zeros((2, 3, 4, 1), dtype=np.uint8)
    images.flags.writeable = False
    assert not answers["to_batch"](images).any()


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64])
def test_the_score_of_the_label_is_what_numpy_finds(answers, dtype):
    draw = np.random.default_rng(2)
    scores, labels = draw.normal(size=(40, 6)), draw.integers(0, 6, 40)
    found = answers["label_scores"](torch.tensor(scores), torch.tensor(labels).to(dtype))
    np.testing.assert_array_equal(found, scores[np.arange(40), labels])


def test_the_score_of_the_label_sends_its_gradient_to_that_place_alone(answers):
    scores = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    labels, dout = torch.tensor([2, 0, 0, 1, 2]), torch.randn(5, dtype=torch.float64)
    answers["label_scores"](scores, labels).backward(dout)
    expected = torch.zeros(5, 3, dtype=torch.float64)
    for n, k in enumerate(labels):
        expected[n, k] = dout[n]
    assert torch.equal(scores.grad, expected)


@settings(max_examples=40, deadline=None)
@given(N=st.integers(1, 60), K=st.integers(2, 30), seed=st.integers(0, 99))
def test_pairs_are_counted_as_scikit_learn_counts_them(answers, N, K, seed):
    labels, predicted = np.random.default_rng(seed).integers(0, K, (2, N))
    for dtype in (torch.uint8, torch.int64):
        found = answers["count_pairs"](torch.tensor(labels).to(dtype), torch.tensor(predicted).to(dtype), K)
        np.testing.assert_array_equal(found, confusion_matrix(labels, predicted, labels=range(K)))


def test_no_examples_are_a_table_of_zeros(answers):
    nothing = torch.zeros(0, dtype=torch.int64)
    assert torch.equal(answers["count_pairs"](nothing, nothing, 3), torch.zeros(3, 3, dtype=torch.int64))


LEAVES = st.one_of(
    st.integers(0, 5).map(torch.zeros), st.integers(), st.text(max_size=3), st.none(), st.booleans()
)
BATCHES = st.recursive(
    LEAVES,
    lambda part: st.one_of(
        st.lists(part, max_size=3),
        st.lists(part, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=2), part, max_size=3),
    ),
    max_leaves=8,
)


def same_but_elsewhere(moved, batch):
    """Is it the same structure, with every tensor on the device "meta"?"""
    if isinstance(batch, torch.Tensor):
        return moved.is_meta and moved.shape == batch.shape and moved.dtype == batch.dtype
    if type(moved) is not type(batch):
        return False
    if isinstance(batch, dict):
        return list(moved) == list(batch) and all(same_but_elsewhere(moved[k], batch[k]) for k in batch)
    if isinstance(batch, (list, tuple)):
        return len(moved) == len(batch) and all(map(same_but_elsewhere, moved, batch))
    return moved == batch


@settings(max_examples=100, deadline=None)
@given(batch=BATCHES)
def test_whatever_is_nested_moves_and_keeps_its_structure(answers, batch):
    assert same_but_elsewhere(answers["move"](batch, "meta"), batch)


def test_moving_is_in_the_graph(answers):
    x = torch.ones(3, requires_grad=True)
    (moved,) = answers["move"]([x * 2], torch.device("cpu"))
    moved.sum().backward()
    assert torch.equal(x.grad, torch.full((3,), 2.0))


def softmax_loss(labels):
    """Mean cross-entropy of scores (N, K)."""
    return lambda z: F.cross_entropy(z, labels)


def test_the_gradient_of_the_mean_cross_entropy_is_p_minus_y_by_n(answers):
    z = np.random.default_rng(3).normal(size=(6, 4))
    labels = np.array([0, 3, 1, 1, 2, 0])
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    found = answers["gradient"](softmax_loss(torch.tensor(labels)), torch.tensor(z))
    np.testing.assert_allclose(found, (p - np.eye(4)[labels]) / 6, rtol=1e-12, atol=1e-14)


def test_the_gradient_of_a_linear_layer_is_the_upstream_one_times_w_transposed(answers):
    draw = torch.Generator().manual_seed(4)
    W, dout = (torch.randn(*shape, generator=draw).double() for shape in ((5, 3), (7, 3)))
    x = torch.randn(7, 5, generator=draw).double()
    torch.testing.assert_close(answers["gradient"](lambda t: (dout * (t @ W)).sum(), x), dout @ W.T)


def test_a_second_call_finds_the_same_gradient_and_x_has_not_changed(answers):
    x = torch.tensor([1.0, -3.0], requires_grad=True)
    found = [answers["gradient"](lambda t: (t**2).sum(), x) for _ in range(2)]
    assert all(dx.tolist() == [2.0, -6.0] for dx in found)
    assert x.grad is None and x.requires_grad and x.is_leaf and x.tolist() == [1.0, -3.0]


@settings(max_examples=30, deadline=None)
@given(h=st.floats(0.01, 0.5), seed=st.integers(0, 99))
def test_central_differences_of_a_cube_are_off_by_h_squared(answers, h, seed):
    """f = sum of a x^3 has the third derivative 6 a: by the formula of the error they are off by h^2 a."""
    a, x = (torch.tensor(v) for v in np.random.default_rng(seed).uniform(0.5, 2, (2, 3, 2)))
    right = 3 * a * x**2
    found = answers["gradient_error"](lambda t: (a * t**3).sum(), x, right, h)
    size = right.max() + (right + h**2 * a).max()
    assert found == pytest.approx((h**2 * a.max() / size).item(), rel=1e-6)


def test_a_right_gradient_passes_and_a_wrong_one_does_not(answers):
    z, labels = torch.randn(5, 3, generator=torch.Generator().manual_seed(5)), torch.tensor([0, 2, 1, 1, 0])
    f = softmax_loss(labels)
    dz = answers["gradient"](f, z)
    assert answers["gradient_error"](f, z, dz) < 1e-6
    assert answers["gradient_error"](f, z, 5 * dz) == pytest.approx(4 / 6, rel=1e-4)
    assert answers["gradient_error"](f, z, -dz) == pytest.approx(1, rel=1e-4)
    assert answers["gradient_error"](f, z.double(), answers["gradient"](f, z.double())) < 1e-8


def test_the_examples_of_the_docstrings_are_right(answers):
    image = np.array([[[[255, 0, 51], [0, 0, 102]]]], dtype=np.uint8)
    expected = torch.tensor([[[[1.0, 0.0]], [[0.0, 0.0]], [[0.2, 0.4]]]])
    torch.testing.assert_close(answers["to_batch"](image), expected)
    square, x = (lambda t: (t**2).sum()), torch.tensor([1.0, -3.0])
    assert answers["gradient_error"](square, x, torch.tensor([2.0, -6.0])) < 1e-9
    assert answers["gradient_error"](square, x, torch.tensor([2.0, 6.0])) == pytest.approx(1, rel=1e-9)
    loss = answers["mean_squared_error"](torch.tensor([1.0, 2.0]), torch.tensor([3.0, 5.0]))
    assert loss.item() == 6.5
    w = torch.tensor(1.0, requires_grad=True)
    (4 * w).backward()
    answers["sgd_step"]([w], 0.1)
    assert w.item() == pytest.approx(0.6) and w.grad is None and w.requires_grad
    model = answers["LinearClassifier"](torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.0]), 1)
    model.load_state_dict(
        {**model.state_dict(), "W": torch.tensor([[1.0], [10.0]]), "b": torch.tensor([5.0])}
    )
    assert model(torch.tensor([[3.0, 6.0]])).item() == 16


SHAPES = st.lists(st.integers(1, 3), max_size=3).map(tuple)


@settings(max_examples=200, deadline=None)
@given(one=SHAPES, other=SHAPES)
def test_the_loss_takes_equal_shapes_and_no_others(answers, one, other):
    p, t = torch.randn(one).double(), torch.randn(other).double()
    if one == other:
        expected = F.mse_loss(p, t)
        torch.testing.assert_close(answers["mean_squared_error"](p, t), expected)
    else:
        with pytest.raises(ValueError, match="shape"):
            answers["mean_squared_error"](p, t)


def test_five_steps_are_those_of_torch_s_sgd(answers):
    torch.manual_seed(6)
    mine = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)).double()
    mine[0].bias.requires_grad_(False)
    theirs = copy.deepcopy(mine)
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.3)
    x, y = torch.randn(9, 4).double(), torch.arange(9) % 3
    for _ in range(5):
        for net in (mine, theirs):
            F.cross_entropy(net(x), y).backward()
        answers["sgd_step"](mine.parameters(), 0.3)
        optimizer.step()
        optimizer.zero_grad()
    for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-14, atol=1e-15)


def test_a_step_changes_the_memory_of_the_weight(answers):
    w = torch.ones(3, requires_grad=True)
    window, place = w.detach(), w.data_ptr()
    w.sum().backward()
    answers["sgd_step"]([w], 0.25)
    assert window.tolist() == [0.75] * 3 and w.data_ptr() == place


def classifier(answers, D=12, K=4, dtype=torch.float64, seed=7):
    """A model with random numbers in all of its tensors."""
    draw = torch.Generator().manual_seed(seed)
    mean, std = (torch.rand(D, generator=draw).to(dtype) + 0.5 for _ in range(2))
    model = answers["LinearClassifier"](mean, std, K)
    with torch.no_grad():
        for w in model.parameters():
            w.copy_(torch.randn(w.shape, generator=draw))
    return model


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_classifier_is_torch_s_linear_layer_on_standardized_pixels(answers, dtype):
    model = classifier(answers, dtype=dtype)
    layer = nn.Linear(12, 4, dtype=dtype)
    layer.load_state_dict({"weight": model.W.T, "bias": model.b})
    x = torch.randn(5, 3, 2, 2, dtype=dtype)
    torch.testing.assert_close(model(x), layer((x.reshape(5, -1) - model.mean) / model.std))


def test_the_classifier_is_saved_loaded_and_moved_as_a_whole(answers):
    model, other = classifier(answers), classifier(answers, seed=8)
    assert set(model.state_dict()) == {"W", "b", "mean", "std"}
    assert {name for name, _ in model.named_parameters()} == {"W", "b"}
    x = torch.randn(3, 12).double()
    other.load_state_dict(model.state_dict())
    torch.testing.assert_close(other(x), model(x), rtol=0, atol=0)
    assert all(values.is_meta for values in model.to("meta").state_dict().values())


def test_a_trained_classifier_is_the_one_of_the_equations(answers):
    """Ten steps beside NumPy, with dz = (p - Y) / N, dW = x^T dz and db = the sum of dz."""
    draw = np.random.default_rng(9)
    x, labels = draw.normal(2, 3, (20, 5)), draw.integers(0, 3, 20)
    mean, std = x.mean(axis=0), x.std(axis=0)
    model = answers["LinearClassifier"](torch.tensor(mean), torch.tensor(std), 3)
    z, W, b = (x - mean) / std, np.zeros((5, 3)), np.zeros(3)
    for _ in range(10):
        scores = model(torch.tensor(x))
        (scores.logsumexp(1) - answers["label_scores"](scores, torch.tensor(labels))).mean().backward()
        answers["sgd_step"](model.parameters(), 0.2)
        p = np.exp(z @ W + b)
        dz = (p / p.sum(axis=1, keepdims=True) - np.eye(3)[labels]) / 20
        W, b = W - 0.2 * z.T @ dz, b - 0.2 * dz.sum(axis=0)
    np.testing.assert_allclose(model.W.detach(), W, rtol=1e-12)
    np.testing.assert_allclose(model.b.detach(), b, rtol=1e-11, atol=1e-14)


# What the rubrics of the questions say.


def descend(answers, params, loss, lr, steps, *, forget):
    """The losses. Without `forget` each gradient is put back after the step, and the next one added."""
    losses = []
    for _ in range(steps):
        value = loss()
        value.backward()
        gradients = [w.grad.clone() for w in params]
        answers["sgd_step"](params, lr)
        for w, dw in zip(params, gradients, strict=True):
            w.grad = None if forget else dw
        losses.append(value.item())
    return np.array(losses)


@pytest.mark.parametrize("eta", [0.3, 1.7, 3.9])
def test_on_a_bowl_a_gradient_that_is_not_forgotten_swings_for_ever(answers, eta):
    """w_t = A cos(theta t + phi) with cos theta = 1 - eta / 2, through w_0 = 1 and w_1 = 1 - eta."""
    w = torch.ones((), dtype=torch.float64, requires_grad=True)
    losses = descend(answers, [w], lambda: w**2 / 2, eta, 500, forget=False)
    theta = math.acos(1 - eta / 2)
    cosine, sine = (wave(theta * np.arange(500)) for wave in (np.cos, np.sin))
    np.testing.assert_allclose(losses, (cosine + (1 - eta - cosine[1]) / sine[1] * sine) ** 2 / 2, atol=1e-9)
    assert losses[400:].max() > 0.45
    if eta == 0.3:
        assert 2 * math.pi / theta == pytest.approx(11.3, abs=0.05)


@pytest.mark.parametrize(
    ("forget", "loss", "train", "test"), [(True, 0.137, 0.979, 0.883), (False, 0.023, 0.996, 0.877)]
)
def test_on_the_digits_the_same_mistake_lowers_the_training_loss(answers, forget, loss, train, test):
    digits = read("digits")
    x, test_x = (answers["to_batch"](images) for images in (digits.train_images, digits.test_images))
    y, test_y = torch.tensor(digits.train_labels), torch.tensor(digits.test_labels)
    std = x.flatten(1).std(0, correction=0)
    model = answers["LinearClassifier"](x.flatten(1).mean(0), torch.where(std > 0, std, 1.0), 10)
    weights = list(model.parameters())
    losses = descend(answers, weights, lambda: F.cross_entropy(model(x), y), 0.1, 300, forget=forget)
    right = [(model(a).argmax(1) == b).double().mean().item() for a, b in ((x, y), (test_x, test_y))]
    assert [losses[-1], *right] == pytest.approx([loss, train, test], abs=0.006)


def test_a_small_step_is_nothing_in_bfloat16_and_something_in_float16():
    changed = {}
    for dtype in (torch.bfloat16, torch.float16):
        w, dw = torch.tensor([0.1], dtype=dtype), torch.tensor([0.02], dtype=dtype)
        changed[dtype] = [(w - rate * dw != w).item() for rate in (0.003, 0.1)]
        spacing = 2.0**-4 * torch.finfo(dtype).eps
        assert spacing == pytest.approx({torch.bfloat16: 4.9e-4, torch.float16: 6.1e-5}[dtype], rel=0.01)
    assert changed == {torch.bfloat16: [False, True], torch.float16: [True, True]}
    assert torch.tensor(65_520.0).half().isinf() and torch.tensor(65_520.0).bfloat16().isfinite()
    assert torch.tensor(2e-8).half() == 0 and torch.tensor(2e-8).bfloat16() > 0


def own_step(answers):
    """The step of the notebook's experiment."""

    def step(W, b, x, y, lr):
        scores = x @ W + b
        loss = (scores.logsumexp(dim=1) - answers["label_scores"](scores, y)).mean()
        loss.backward()
        answers["sgd_step"]([W, b], lr)
        return loss.item()

    return step


def test_the_same_classifier_in_numpy_has_the_same_numbers(answers):
    results = arrays.compare(own_step(answers), size="tiny")
    assert arrays.largest_difference(results, "torch and NumPy", "float64") < 1e-12
    assert arrays.largest_difference(results, "torch and NumPy", "float32") < 1e-5


@needs_gpu
def test_all_parts_work_on_a_gpu(answers):
    model = classifier(answers, dtype=torch.float32).to("cuda")
    x, y = answers["move"]((torch.randn(9, 12), torch.arange(9, dtype=torch.uint8) % 4), "cuda")
    loss = (model(x).logsumexp(1) - answers["label_scores"](model(x), y)).mean()
    loss.backward()
    answers["sgd_step"](model.parameters(), 0.1)
    counts = answers["count_pairs"](y, model(x).argmax(1), 4)
    assert counts.device.type == "cuda" and counts.sum() == 9
    dx = answers["gradient"](lambda t: F.cross_entropy(t, y.long()), model(x))
    assert answers["gradient_error"](lambda t: F.cross_entropy(t, y.long()), model(x), dx) < 1e-5
