"""Arrays in NumPy: the solutions against torch, SciPy, scikit-learn and NumPy's own rules."""

import itertools

import numpy as np
import pytest
import scipy.special
import torch
from scipy.spatial.distance import cdist
from sklearn.metrics import confusion_matrix

from lab import load

SOLVED = ("00-numpy", "arrays_numpy")


def test_the_examples_in_the_docstrings_are_right(answers):
    same, close = np.testing.assert_array_equal, np.testing.assert_allclose
    pixels = np.array([10, 200], dtype=np.uint8)
    same(answers["brighten"](pixels, 60), [70, 255])
    same(answers["brighten"](pixels, -60), [0, 140])
    same(answers["crop"](np.arange(1, 10).reshape(1, 3, 3), 1, 0, 1, 2), [[[4, 5]]])
    labels, predicted = np.array([0, 0, 0, 1]), np.array([0, 2, 2, 1])
    same(answers["confusion"](labels, predicted, 3), [[1, 0, 2], [0, 1, 0], [0, 0, 0]])
    close(answers["softmax"](np.log([1.0, 3, 4])), [1 / 8, 3 / 8, 4 / 8])
    assert answers["broadcast_shape"]((5, 1), (4,)) == (5, 4)
    assert answers["broadcast_shape"]((3,), ()) == (3,)
    assert answers["broadcast_shape"]((1, 2), (0, 2)) == (0, 2)
    close(answers["squared_distances"](np.array([[0.0, 0], [3, 0]]), np.array([[0.0, 4]])), [[16], [25]])
    close(answers["gram"](np.array([[[[1.0, 2]], [[3, 5]]]])), [[[2.5, 6.5], [6.5, 17]]])
    grad = np.array([[1, 2, 3], [4, 5, 6]])
    for shape, expected in (((3,), [5, 7, 9]), ((2, 1), [[6], [15]]), ((2, 3), grad), ((), 21)):
        same(answers["sum_to_shape"](grad, shape), expected)
    dx, dW, db = answers["linear_backward"](np.array([[10]]), np.array([[1, 2]]), np.array([[3], [4]]))
    same(dx, [[30, 40]])
    same(dW, [[10], [20]])
    same(db, [10])
    close(answers["numerical_gradient"](lambda x: (x**3).sum(), np.array([2.0, -1.0]), h=0.1), [12.01, 3.01])


def test_the_table_of_the_broadcasting_rule_is_right(answers):
    rule = answers["broadcast_shape"]
    assert rule((32, 3, 28, 28), (3, 1, 1)) == (32, 3, 28, 28)
    assert rule((10, 1), (7,)) == (10, 7)
    with pytest.raises(ValueError, match="broadcast"):
        rule((4, 3), (4,))


@pytest.mark.parametrize("amount", [-255, -60, -1, 0, 1, 60, 255])
def test_every_byte_is_brightened_as_in_whole_numbers(answers, amount):
    every = np.arange(256, dtype=np.uint8)
    found = answers["brighten"](every, amount)
    assert found.dtype == np.uint8
    assert found.tolist() == [min(max(byte + amount, 0), 255) for byte in range(256)]


def test_a_crop_is_that_of_torch_and_changing_it_changes_no_image(answers):
    images = np.random.default_rng(0).integers(0, 256, (4, 9, 7, 3), dtype=np.uint8)
    kept = images.copy()
    part = answers["crop"](images, 2, 1, 5, 3)
    expected = torch.tensor(images).narrow(1, 2, 5).narrow(2, 1, 3)
    np.testing.assert_array_equal(part, expected)
    part[:] = 0
    np.testing.assert_array_equal(images, kept)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_confusions_are_those_of_scikit_learn(answers, dtype):
    labels, predicted = np.random.default_rng(1).integers(0, 17, (2, 500)).astype(dtype)
    expected = confusion_matrix(labels, predicted, labels=range(20))
    np.testing.assert_array_equal(answers["confusion"](labels, predicted, 20), expected)


@pytest.mark.parametrize("shape", [(5,), (4, 3), (2, 4, 3, 5)])
@pytest.mark.parametrize("size", [1.0, 1e4])
def test_softmax_is_that_of_scipy_and_of_torch(answers, shape, size):
    z = size * np.random.default_rng(2).normal(size=shape)
    p = answers["softmax"](z)
    np.testing.assert_allclose(p, scipy.special.softmax(z, axis=-1), rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(p, torch.tensor(z).softmax(dim=-1), rtol=1e-12, atol=1e-300)


SIZES = [0, 1, 2, 3]
SHAPES = [shape for n in range(4) for shape in itertools.product(SIZES, repeat=n)]


def test_the_rule_agrees_with_numpy_on_all_small_shapes(answers):
    """All pairs of shapes of up to three axes with sizes from 0 to 3."""
    for a, b in itertools.product(SHAPES, SHAPES):
        try:
            expected = np.broadcast_shapes(a, b)
        except ValueError:
            with pytest.raises(ValueError, match="broadcast"):
                answers["broadcast_shape"](a, b)
        else:
            assert answers["broadcast_shape"](a, b) == expected


def test_distances_are_those_of_scipy(answers):
    a, b = np.random.default_rng(3).normal(size=(2, 30, 6))
    found = answers["squared_distances"](a, b[:20])
    np.testing.assert_allclose(found, cdist(a, b[:20], "sqeuclidean"), rtol=1e-10)


def test_without_the_cut_rounding_makes_distances_negative(answers):
    """The trap of exercise 6 is real, and the cut at 0 closes it."""
    a = np.random.default_rng(4).normal(300, 40, (60, 8))
    squares = (a**2).sum(axis=1)
    assert (squares[:, None] - 2 * a @ a.T + squares).min() < 0
    assert answers["squared_distances"](a, a).min() == 0


def test_gram_matrices_are_those_of_torch(answers):
    x = np.random.default_rng(5).normal(size=(3, 4, 5, 6))
    flat = torch.tensor(x).flatten(2)
    np.testing.assert_allclose(answers["gram"](x), torch.bmm(flat, flat.mT) / 30, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("shape", [(), (5,), (1,), (3, 1), (1, 5), (2, 1, 5), (1, 1, 1), (4, 2, 1, 5)])
def test_the_gradient_of_what_was_repeated_is_that_of_autograd(answers, shape):
    operand = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    grad = torch.tensor(np.random.default_rng(6).normal(size=(4, 2, 3, 5)))
    (operand + torch.zeros_like(grad)).backward(grad)
    np.testing.assert_allclose(answers["sum_to_shape"](grad.numpy(), shape), operand.grad, rtol=1e-12)


def test_a_linear_layer_has_the_gradients_of_autograd(answers):
    rng = np.random.default_rng(7)
    x, W, b = (torch.tensor(rng.normal(size=s), requires_grad=True) for s in ((6, 4), (4, 3), (3,)))
    dout = rng.normal(size=(6, 3))
    (x @ W + b).backward(torch.tensor(dout))
    found = answers["linear_backward"](dout, x.detach().numpy(), W.detach().numpy())
    for mine, tensor in zip(found, (x, W, b), strict=True):
        np.testing.assert_allclose(mine, tensor.grad, rtol=1e-12)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4)])
def test_the_numerical_gradient_is_near_the_derivative(answers, shape):
    x = np.random.default_rng(8).normal(size=shape)
    found = answers["numerical_gradient"](lambda x: np.sin(x).sum() + x.sum() ** 2, x)
    np.testing.assert_allclose(found, np.cos(x) + 2 * x.sum(), rtol=1e-8, atol=1e-9)


def test_the_error_of_the_numerical_gradient_falls_with_the_square_of_h(answers):
    x = np.array([0.3, -0.7])
    errors = [
        np.abs(answers["numerical_gradient"](lambda x: np.exp(x).sum(), x, h=h) - np.exp(x)).max()
        for h in (0.1, 0.01)
    ]
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.01)
    assert errors[0] == pytest.approx(0.1**2 / 6 * np.exp(0.3), rel=0.01)


def test_the_numerical_gradient_survives_a_function_that_keeps_its_argument(answers):
    """f returns the array that it got; 0-d arrays are such numbers."""
    found = answers["numerical_gradient"](lambda x: x, np.array(3.0), h=0.1)
    np.testing.assert_allclose(found, 1.0)


def test_no_function_changes_what_it_was_given(answers):
    rng = np.random.default_rng(9)
    images = rng.integers(0, 256, (3, 6, 5), dtype=np.uint8)
    x, W, dout = rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), rng.normal(size=(4, 2))
    calls = {
        "brighten": (images, 70),
        "crop": (images, 1, 1, 3, 2),
        "confusion": (np.array([1, 1, 0]), np.array([1, 0, 0]), 2),
        "softmax": (x,),
        "squared_distances": (x, x + 1),
        "gram": (x.reshape(1, 2, 3, 2),),
        "sum_to_shape": (x, (1, 3)),
        "linear_backward": (dout, x, W),
        "numerical_gradient": (lambda x: (x**2).sum(), x),
    }
    for name, arguments in calls.items():
        arrays = [a for a in arguments if isinstance(a, np.ndarray)]
        before = [a.copy() for a in arrays]
        answers[name](*arguments)
        for array, kept in zip(arrays, before, strict=True):
            np.testing.assert_array_equal(array, kept, err_msg=name)


def test_the_gradients_of_the_classifier_are_those_of_autograd(answers):
    rng = np.random.default_rng(10)
    x, labels = rng.normal(size=(9, 5)), rng.integers(4, size=9)
    W, b = (torch.tensor(rng.normal(size=s), requires_grad=True) for s in ((5, 4), (4,)))
    expected = torch.nn.functional.cross_entropy(torch.tensor(x) @ W + b, torch.tensor(labels))
    expected.backward()
    found = answers["loss_and_gradients"](x, labels, W.detach().numpy(), b.detach().numpy())
    for mine, right in zip(found, (expected.detach(), W.grad, b.grad), strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-10)


def test_what_the_rubric_says_of_views_and_copies():
    a = np.arange(12).reshape(3, 4)
    ways = {"b": a[1:], "c": a[[1, 2]], "d": a.T, "e": a[a > 3], "f": a.T.reshape(-1)}
    assert ways["f"].tolist() == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]
    a[1, 0] = 99
    assert [name for name, array in ways.items() if 99 in array] == ["b", "d"]
    assert [name for name, array in ways.items() if np.shares_memory(a, array)] == ["b", "d"]


def test_what_the_rubric_says_of_the_distances_after_a_move(answers):
    rng = np.random.default_rng(0)
    points, others = rng.normal(size=(400, 64)), rng.normal(size=(300, 64))
    expected = cdist(points, others, "sqeuclidean")
    far = answers["squared_distances"](points + 1e8, others + 1e8)
    assert np.abs(far - expected).max() > expected.max() / 2
    centre = (others + 1e8).mean(axis=0)
    near = answers["squared_distances"](points + 1e8 - centre, others + 1e8 - centre)
    np.testing.assert_allclose(near, expected, rtol=1e-6)
    squares = ((points + 1e8) ** 2).sum(axis=1)
    assert set(np.spacing(squares)) <= {64.0, 128.0}


def test_what_the_rubric_says_of_the_first_step(answers):
    rng = np.random.default_rng(11)
    x, labels = rng.normal(size=(50, 6)), rng.integers(10, size=50)
    W, b = np.zeros((6, 10)), np.zeros(10)
    loss, dW, db = answers["loss_and_gradients"](x, labels, W, b)
    assert loss == pytest.approx(np.log(10))
    np.testing.assert_allclose(db, 0.1 - np.bincount(labels, minlength=10) / 50, atol=1e-15)
    assert db.sum() == pytest.approx(0, abs=1e-15)
    moved = answers["loss_and_gradients"](x, labels, W, b + 7)
    np.testing.assert_allclose(moved[0], loss)
    np.testing.assert_allclose(moved[1], dW, atol=1e-15)


def test_what_the_notebook_says_of_digits_drawn_at_random(answers):
    """94 to 97 % right where the test images come from the same writers."""
    data = load("digits")
    x = np.concatenate([data.train_images, data.test_images]).reshape(-1, 64) / 16
    labels = np.concatenate([data.train_labels, data.test_labels])
    right = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        order, W, b = rng.permutation(len(x)), np.zeros((64, 10)), np.zeros(10)
        test, train = order[:300], order[300:]
        for batch in itertools.chain(*(np.array_split(rng.permutation(train), 47) for _ in range(10))):
            _, dW, db = answers["loss_and_gradients"](x[batch], labels[batch], W, b)
            W, b = W - 0.5 * dW, b - 0.5 * db
        right.append(((x[test] @ W + b).argmax(axis=1) == labels[test]).mean())
    assert min(right) > 0.93 and max(right) < 0.98
