"""A short name for what a probe brought back: failures that are equal up to rounding bear the same one.

Digests are for the instructor's report alone. They are kept beside the verdicts, never in them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator

import numpy as np

from autograder.running import Outcome

LEVELS = 256  # entries are told apart in steps of 1/256 of the array's largest one
MOST = 1 << 20  # entries of an array that are looked at: a huge answer costs no more than a large one
OFFSET = 0.37  # no simple fraction lies where one step ends: rounding seldom moves an entry to the next


def digest(answers: Iterable[Outcome]) -> str:
    """16 hexadecimal digits for the answers to all cases of a probe, in their order.

    float32 results that differ by rounding agree but for about one entry in 40,000."""
    seen = hashlib.sha256()
    for answer in answers:
        for part in _parts(answer):
            seen.update(len(part).to_bytes(8, "little") + part)
    return seen.hexdigest()[:16]


def _parts(answer: Outcome) -> Iterator[bytes]:
    yield answer.status.encode()
    if answer.status != "values":
        yield answer.error.partition("\n")[0].encode()
        return
    yield repr(sorted(answer.modified)).encode()
    for name, array in sorted(answer.arrays.items()):
        yield f"{name} {array.shape} {array.dtype.kind}".encode()
        yield _coarse(array)


def _coarse(array: np.ndarray) -> bytes:
    """Where the entries are NaN or infinite, the magnitude of the largest one, and all as parts of it."""
    first = array.reshape(-1)[:MOST]
    values = (np.stack([first.real, first.imag]) if array.dtype.kind == "c" else first).astype(np.float64)
    finite = np.isfinite(values)
    pattern = np.where(finite, 0, np.where(np.isnan(values), 2, np.sign(values))).astype(np.int8)
    values = np.where(finite, values, 0.0)
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0.0:
        return pattern.tobytes()
    magnitude = math.floor(math.log2(largest) * LEVELS + OFFSET)
    steps = np.floor(values / largest * LEVELS + OFFSET).astype(np.int16)
    return pattern.tobytes() + magnitude.to_bytes(4, "little", signed=True) + steps.tobytes()
