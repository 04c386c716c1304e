"""What students wrote into the NumPy notebook: named as what it is, accepted where it is right."""

import pytest

from autograder.probes import Given
from autograder.running import run_probe

SOLVED = ("04-initialization", "initialization_numpy")

BLOCK = (
    "v = x @ W1\n    h = relu(v)\n    u = x + h @ W2\n    du = dout * (u > 0)\n    dv = du @ W2.T * (v > 0)\n"
)
SIGMOID = "a = 1 / (1 + np.exp(-z))\n    return "

SLIPS = {
    "a kink at the slope": (
        "leaky_relu_backward",
        "LR-kink-at-slope",
        "return dout * np.where(z > slope, 1, slope)",
    ),
    "the negative side alone": (
        "leaky_relu_backward",
        "LR-negative-of-relu",
        "return dout * slope * (z <= 0)",
    ),
    "the slope above, nothing below": (
        "leaky_relu_backward",
        "LR-positive-slope",
        "return dout * np.where(z > 0, slope, 0)",
    ),
    "slopes that are cut to whole numbers": (
        "leaky_relu_backward",
        "LR-relu",
        "dz = np.ones_like(z, dtype=int)\n    dz[z <= 0] = slope\n    return dout * dz",
    ),
    "a sum over everything": ("sigmoid_backward", "SB-sum-of-all", SIGMOID + "np.sum(dout * a * (1 - a))"),
    "a gain that falls with the square": (
        "he_normal",
        "HN-slope-minus-outside",
        "return (1 - slope**2) * np.sqrt(2 / fan_in) * rng.standard_normal((fan_in, fan_out))",
    ),
    "the square of too much": (
        "he_normal",
        "HN-whole-gain-squared",
        "return rng.normal(0, np.sqrt(2 / fan_in) / (1 + slope), (fan_in, fan_out))",
    ),
    "a 4 for a 2": (
        "he_normal",
        "HN-4",
        "return rng.normal(0, 2 / np.sqrt(fan_in * (1 + slope**2)), (fan_in, fan_out))",
    ),
    "the skip masked, the branch not": (
        "residual_block_backward",
        "BB-branch-and-dW2-from-dout",
        BLOCK + "    dv = dout @ W2.T * (v > 0)\n    return du + dv @ W1.T, x.T @ dv, h.T @ dout",
    ),
    "dx and dW1 alone": (
        "residual_block_backward",
        "BB-only-two",
        BLOCK + "    return du + dv @ W1.T, x.T @ dv",
    ),
}


@pytest.mark.parametrize(("exercise", "mistake", "body"), SLIPS.values(), ids=SLIPS)
def test_a_slip_gets_its_own_name_in_every_check_that_fails(exercise, mistake, body, notebook, questions):
    names = notebook.with_body(exercise, body)
    for asked in questions:
        failed = [v for v in notebook.verdicts(names, exercise, asked) if not v.passed]
        assert failed and {v.mistake for v in failed} == {mistake}, failed


UNNAMED = {
    "a kink below 0": ("leaky_relu_backward", "return dout * np.where(z > -0.01, 1, slope)"),
    "another gain": (
        "he_normal",
        "return rng.normal(0, np.sqrt(2 / (1 + slope**3) / fan_in), (fan_in, fan_out))",
    ),
    "a dict": ("fan_in_and_out", "return {'fan_in': shape[0], 'fan_out': shape[1]}"),
    "a text": ("fan_in_and_out", "return 'two'"),
    "a dict of gradients": ("residual_block_backward", "return {'dx': x}"),
}


@pytest.mark.parametrize(("exercise", "body"), UNNAMED.values(), ids=UNNAMED)
def test_what_no_mistake_describes_gets_no_name(exercise, body, notebook, questions):
    for asked in questions:
        verdicts = notebook.verdicts(notebook.with_body(exercise, body), exercise, asked)
        assert not all(v.passed for v in verdicts) and {v.mistake for v in verdicts} == {None}, verdicts


def test_one_thing_that_came_back_is_called_by_its_type(notebook, questions):
    for exercise in ("fan_in_and_out", "residual_block_backward"):
        names = notebook.with_body(exercise, "return {}")
        assert all("one dict was" in v.message for v in notebook.verdicts(names, exercise, questions[0]))


HEAD = (
    "rng = np.random.default_rng(3)\n    dout, x = rng.normal(size=(2, 6, 3))\n"
    "    W1, W2 = rng.normal(size=(3, 5)), {W2}\n    given = [v.copy() for v in (dout, x, W1, W2)]\n"
    "    found = implementation(*given)\n    h = relu(x @ W1)\n    d2 = dout * (x + h @ W2 > 0)\n"
    "    d1 = d2 @ W2.T * (h > 0)\n    right = d2 + d1 @ W1.T, x.T @ d1, h.T @ d2\n"
    "    for k, v in enumerate((dout, x, W1, W2)):\n        assert {changed} or (given[k] == v).all()\n"
    "    for a, b in zip(found, right, strict=True):\n        assert {close}"
)
CLOSE = "a.shape == b.shape and np.allclose(a, b)"
RANDOM = "rng.normal(size=(5, 3))"

LAZY = {
    "a W2 of zeros": ("np.zeros((5, 3))", "False", CLOSE, {"first_layer_lost"}),
    "the first entries": (RANDOM, "False", "np.isclose(a[0, 0], b[0, 0])", {"last_entry_off"}),
    "sums": (RANDOM, "False", "np.isclose(a.sum(), b.sum())", {"upside_down"}),
    "sizes": (RANDOM, "False", "np.isclose((a**2).sum(), (b**2).sum())", {"upside_down"}),
    "no look at W1": (RANDOM, "k == 2", CLOSE, {"first_weights_overwritten"}),
    "nothing is left out": (RANDOM, "False", CLOSE, set()),
}


@pytest.mark.parametrize(("W2", "changed", "close", "overlooked"), LAZY.values(), ids=LAZY)
def test_the_check_itself_finds_out_a_lazy_test(W2, changed, close, overlooked, notebook):
    body = HEAD.format(W2=W2, changed=changed, close=close)
    assert overlooked <= accepted_breakers(notebook, body)
    assert overlooked or not accepted_breakers(notebook, body)


def test_an_overwritten_array_is_another_one_whatever_the_signs_are(notebook):
    """With x > 0 everywhere a breaker that masks x would change nothing."""
    body = HEAD.format(W2=RANDOM, changed="False", close=CLOSE).replace(
        "    W1, W2", "    x = abs(x)\n    W1, W2", 1
    )
    assert not {b for b in accepted_breakers(notebook, body) if b.endswith("overwritten")}


def accepted_breakers(notebook, body):
    """The broken functions of the released check that a test with this body lets pass."""
    names = notebook.with_body("test_residual_block_backward", body)
    probe = next(p for p in notebook.unit.probes.values() if p.judges == "residual_block_backward")
    right = notebook.reference.given(Given("residual_block_backward"))
    assert run_probe(probe, names, {"implementation": right}).status == "values"
    broken = {b.__name__: b(right) for b in probe.breakers}
    return {n for n, f in broken.items() if run_probe(probe, names, {"implementation": f}).status == "values"}
