"""Starts, strides and writes of the page's figure: against NumPy's own views and copies."""

from __future__ import annotations

import numpy as np
import pytest

from lab.figures import strides
from tests.site.figure_arithmetic import call, call_each, evaluate

NAMES = [
    *("x", "x[1:]", "x[:, 1:3]", "x[::2]", "x[:, ::-1]", "x[:, 2]", "x.T"),
    *("x.reshape(2, 6)", "x[[2, 0]]", "x[x > 6]"),
]


def made(name: str) -> tuple[np.ndarray, np.ndarray]:
    """x, and what the expression makes of it."""
    x = np.arange(12.0).reshape(3, 4)
    return x, eval(name, {"x": x})


@pytest.mark.parametrize("name", NAMES)
def test_every_entry_lies_where_numpy_has_it_and_a_write_changes_what_it_changes_there(name: str) -> None:
    x, array = made(name)
    entries = list(np.ndindex(*array.shape))
    told = call_each("strides", "memories", [(name, entry, True) for entry in entries])
    for entry, found in zip(entries, told, strict=True):
        x, array = made(name)
        array[entry] = 99
        assert found["x"] == x.ravel().tolist()
        assert found["own"] == (None if np.shares_memory(array, x) else array.ravel().tolist())


@pytest.mark.parametrize("name", NAMES)
def test_the_words_are_numpys_shape_and_strides_and_the_byte_of_the_entry(name: str) -> None:
    x, array = made(name)
    last = tuple(size - 1 for size in array.shape)
    told = call("strides", "describe", name, last, False).replace("\N{MINUS SIGN}", "-")
    assert f"shape {array.shape}, strides {array.strides} bytes" in told
    copied = not np.shares_memory(array, x)
    owner = array if copied else x
    byte = array[..., None][last].__array_interface__["data"][0] - owner.__array_interface__["data"][0]
    assert told.endswith(f"= {byte}.")
    assert ("is a copy" in told) == copied
    assert eval(told.split("at byte ")[1].split(" = ")[0].replace("·", "*")) == byte


def test_the_figure_offers_these_arrays_and_no_others() -> None:
    evaluate(
        "strides", f"if (Object.keys(module.VIEWS).join() !== {','.join(NAMES)!r}) throw new Error('other');"
    )


def test_a_mark_beyond_the_array_is_brought_into_it() -> None:
    assert call("strides", "marked", {"shape": [2, 4]}, 4, 5) == [1, 3]
    assert call("strides", "marked", {"shape": [3]}, 1, 5) == [1]


def test_the_twin_says_what_the_page_says() -> None:
    for name, array in strides.EXAMPLES.items():
        x, expected = made(name)
        np.testing.assert_array_equal(array, expected)
        told = strides.described(name, array)
        assert f"shape {expected.shape}, strides {expected.strides}" in told
        assert told.endswith("a copy") != np.shares_memory(expected, x)
