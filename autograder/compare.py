"""Are these arrays the expected ones, and if not, what differs first?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

FLOOR = 1e-6  # keeps the relative error finite where all expected numbers are zero
MISTAKE_RTOL = 3e-4  # float32 noise stays under 2e-5, the nearest two mistakes differ by 1e-3
ALMOST = ". Almost right: is a number float32 on the way, or a constant not the argument that was given?"
KINDS = {"b": "True/False values", "i": "integers", "u": "integers", "f": "floats", "c": "complex numbers"}


class Difference(NamedTuple):
    """The first thing that differs: kind is "names", "shape", "dtype", "nan", "value" or "share"."""

    kind: str
    array: str
    sentence: str


def default_rtol(dtype: np.dtype) -> float:
    """Bound on the relative error by the precision of what was returned; float16 earns no wider one."""
    return 1e-4 if dtype.kind == "f" and dtype.itemsize < 8 else 1e-9


def difference(
    got: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray], rtol: float | None = None
) -> Difference | None:
    """None where `got` equals `expected`, in names, shapes, NaN pattern, kind of dtype and values.

    rtol: bound for float64; lower precisions never get a narrower bound than their own.
    """
    if got.keys() != expected.keys():
        return Difference("names", "", f"returned {_listed(got)}, expected {_listed(expected)}")
    for name, wanted in expected.items():
        found = None if _near(got[name], wanted, rtol) else _compare_one(name, got[name], wanted, rtol)
        if found:
            return found
    return None


def shortfall(
    got: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray], share: float
) -> Difference | None:
    """None where at least this share of the entries of each array is the expected one.

    Names, shapes and kinds of numbers must agree as in `difference`."""
    if got.keys() != expected.keys():
        return difference(got, expected)
    for name, wanted in expected.items():
        if got[name].shape != wanted.shape or KINDS[got[name].dtype.kind] != KINDS[wanted.dtype.kind]:
            return _compare_one(name, got[name], wanted, None)
        right = float((got[name] == wanted).mean())
        if right < share:
            return Difference("share", name, f"{right:.1%} of {name} are right, {share:.0%} are asked")
    return None


def agree(got: Mapping[str, np.ndarray], wanted: Mapping[str, np.ndarray], rtol: float) -> bool:
    """`difference(...) is None`, without finding words where they are not needed."""
    return got.keys() == wanted.keys() and all(
        _near(got[name], array, rtol) or _compare_one(name, got[name], array, rtol) is None
        for name, array in wanted.items()
    )


def _near(got: np.ndarray, wanted: np.ndarray, rtol: float | None) -> bool:
    """Equal at first sight, as nearly all are: finite numbers of one shape and kind, within the bound."""
    if got.shape != wanted.shape or {got.dtype.kind, wanted.dtype.kind} != {"f"} or not got.size:
        return False
    with np.errstate(all="ignore"):
        error = np.abs(got - wanted).max() / (np.abs(wanted).max() + FLOOR)
    return bool(error <= _bound(got.dtype, rtol))


def _compare_one(name: str, got: np.ndarray, wanted: np.ndarray, rtol: float | None) -> Difference | None:
    if got.shape != wanted.shape:
        return Difference("shape", name, f"{name} has shape {got.shape}, expected {wanted.shape}")
    if KINDS[got.dtype.kind] != KINDS[wanted.dtype.kind]:
        return Difference(
            "dtype", name, f"{name} holds {KINDS[got.dtype.kind]}, expected {KINDS[wanted.dtype.kind]}"
        )
    a, b = (np.asarray(v, dtype=complex if v.dtype.kind == "c" else float) for v in (got, wanted))
    odd = ~((np.isfinite(a) & np.isfinite(b)) | (a == b) | (np.isnan(a) & np.isnan(b)))
    if odd.any():
        at = _place(odd)
        return Difference("nan", name, f"{name}{_shown(at)} is {got[at]:.6g}, expected {wanted[at]:.6g}")
    with np.errstate(all="ignore"):
        gap = np.where(np.isfinite(a) & np.isfinite(b), np.abs(a - b), 0.0)
    error = _error(gap, b)
    if error <= _bound(got.dtype, rtol):
        return None
    at = _place(gap)
    if wanted.dtype.kind == "b":
        return Difference(
            "value", name, f"{name}{_shown(at)} is {bool(got[at])}, expected {bool(wanted[at])}"
        )
    largest = f"largest at {name}{_shown(at)} = {got[at]:.6g}, expected {wanted[at]:.6g}"
    hint = ALMOST if error < 1e-4 else ""
    return Difference("value", name, f"{name}: relative error {error:.1e}, {largest}{hint}")


def _bound(dtype: np.dtype, rtol: float | None) -> float:
    own = default_rtol(dtype)
    if rtol is None:
        return own
    return max(rtol, own) if dtype.kind == "f" and dtype.itemsize < 8 else rtol


def _error(gap: np.ndarray, wanted: np.ndarray) -> float:
    """max|a - b| / (max|b| + floor)."""
    if gap.size == 0:
        return 0.0
    finite = np.where(np.isfinite(wanted), np.abs(wanted), 0.0)
    with np.errstate(over="ignore"):
        return float(gap.max() / (finite.max() + FLOOR))


def _place(size: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(size)), size.shape))


def _shown(place: tuple[int, ...]) -> str:
    return "[" + ", ".join(map(str, place)) + "]" if place else ""


def _listed(arrays: Mapping[str, np.ndarray]) -> str:
    return ", ".join(arrays) or "nothing"
