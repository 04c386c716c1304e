"""Tests of linear_backward as students write them, each of which overlooks something: they are found out."""

import pytest

from autograder.probes import Given
from autograder.running import run_probe

SOLVED = ("00-numpy", "arrays_numpy")

RANDOM = "rng = np.random.default_rng(0)\n    "
FORMULAS = (
    "    expected = dout @ W.T, x.T @ dout, dout.sum(axis=0)\n"
    "    kept = dout.copy(), x.copy(), W.copy()\n"
    "    found = implementation(dout, x, W)\n"
)
COMPARE = "    assert all(np.allclose(f, e) for f, e in zip(found, expected, strict=True))\n"
SHAPES = "    assert all(np.shape(f) == e.shape for f, e in zip(found, expected))\n"
UNCHANGED = "    assert all((a == b).all() for a, b in zip(kept, (dout, x, W)))\n"
LAZY_TESTS = {
    "dout of ones": (
        "dout, x, W = np.ones((5, 3)), rng.normal(size=(5, 4)), rng.normal(size=(4, 3))\n",
        COMPARE + SHAPES + UNCHANGED,
        {"dout_of_ones"},
    ),
    "a zip that stops": (
        "dout, x, W = rng.normal(size=(5, 3)), rng.normal(size=(5, 4)), rng.normal(size=(4, 3))\n",
        "    assert all(f.shape == e.shape and np.allclose(f, e) for f, e in zip(found, expected))\n"
        + UNCHANGED,
        {"bias_missing"},
    ),
    "square arrays": (
        "dout, x, W = rng.normal(size=(4, 4)), rng.normal(size=(4, 4)), rng.normal(size=(4, 4))\n",
        COMPARE + SHAPES + UNCHANGED,
        {"right_where_the_sizes_are_equal"},
    ),
    "positive numbers": (
        "dout, x, W = rng.random((5, 3)), rng.random((5, 4)), rng.random((4, 3))\n",
        COMPARE + SHAPES + UNCHANGED,
        {"signs_lost"},
    ),
    "one example": (
        "dout, x, W = rng.normal(size=(1, 3)), rng.normal(size=(1, 4)), rng.normal(size=(4, 3))\n",
        COMPARE + SHAPES + UNCHANGED,
        {"first_example_only", "dx_of_the_wrong_example"},
    ),
    "shapes not compared": (
        "dout, x, W = rng.normal(size=(5, 3)), rng.normal(size=(5, 4)), rng.normal(size=(4, 3))\n",
        COMPARE + UNCHANGED,
        {"bias_as_a_row"},
    ),
    "arguments never looked at": (
        "dout, x, W = rng.normal(size=(5, 3)), rng.normal(size=(5, 4)), rng.normal(size=(4, 3))\n",
        COMPARE + SHAPES,
        {"dout_overwritten", "x_overwritten", "weights_overwritten"},
    ),
    "shapes only": (
        "dout, x, W = rng.normal(size=(5, 3)), rng.normal(size=(5, 4)), rng.normal(size=(4, 3))\n",
        SHAPES + UNCHANGED,
        {"bias_forgotten", "one_percent_too_large"},
    ),
}


@pytest.mark.parametrize(("numbers", "asserts", "overlooked"), LAZY_TESTS.values(), ids=LAZY_TESTS)
def test_a_lazy_test_of_the_gradients_is_found_out(numbers, asserts, overlooked, notebook):
    names = notebook.with_body("test_linear_backward", RANDOM + numbers + FORMULAS + asserts)
    probe = next(p for p in notebook.unit.probes.values() if p.of == "test_linear_backward")
    right = notebook.reference.given(Given(probe.judges))
    assert run_probe(probe, names, {"implementation": right}).status == "values"
    broken = {b.__name__: b(right) for b in probe.breakers}
    lets_pass = {
        name
        for name, f in broken.items()
        if run_probe(probe, names, {"implementation": f}).status == "values"
    }
    assert overlooked <= lets_pass
