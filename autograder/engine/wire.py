"""Frames between processes: u32 length, JSON header, raw array bytes. Never pickle.

A frame from a child is hostile until read: sizes, names, dtypes and shapes are bounded before anything
is allocated, and `left` bounds how long a frame may take: asked again and again, it says for how many seconds
to wait before it is asked the next time, and 0 when the time is up.
"""

from __future__ import annotations

import json
import math
import os
import select
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

DTYPES = {
    f"{order}{kind}"
    for order, kinds in {
        "<": ("f8", "f4", "f2", "i8", "i4", "i2", "u8", "u4", "u2", "c8", "c16"),
        "|": ("i1", "u1", "b1"),
    }.items()
    for kind in kinds
}
Arrays = dict[str, np.ndarray]
Left = Callable[[], float]


@dataclass(frozen=True)
class Bounds:
    """How much one frame may hold: bytes of its header, arrays, and bytes of all arrays together."""

    header: int
    arrays: int
    body: int


FROM_STUDENT = Bounds(64 << 10, 256, 16 << 20)
TRUSTED = Bounds(64 << 20, 1 << 20, 1 << 30)  # from the parent, or from the reference


class TooLarge(ValueError):
    """The frame would be refused on the other side; nothing of it was sent."""


class BadFrame(ValueError):
    """The other side does not keep to the protocol."""


class Silence(TimeoutError):
    """The other side did not answer in its time."""


class Closed(EOFError):
    """The other side is gone."""


def send(
    fd: int,
    header: dict[str, Any],
    arrays: Arrays | None = None,
    left: Left | None = None,
    bounds: Bounds = TRUSTED,
) -> None:
    """Write one frame; with `left`, without blocking, for the other side may not read."""
    if left is not None:
        os.set_blocking(fd, False)
    size = sum(array.nbytes for array in (arrays or {}).values())
    if size > bounds.body or len(arrays or {}) > bounds.arrays:
        raise TooLarge(f"{size:,} bytes of arrays are too many: at most {bounds.body:,} can be sent")
    listed, bodies = [], []
    for name, array in (arrays or {}).items():
        plain = np.ascontiguousarray(array).reshape(array.shape)
        dtype = plain.dtype.newbyteorder("<") if plain.dtype.byteorder == ">" else plain.dtype
        plain = plain.astype(dtype, copy=False)
        if plain.dtype.str not in DTYPES:
            raise TypeError(f"{name} has dtype {plain.dtype}, which cannot be compared")
        listed.append([name, plain.dtype.str, list(plain.shape)])
        bodies.append(plain.tobytes())
    text = json.dumps({**header, "arrays": listed}).encode()
    if len(text) > bounds.header:
        raise TooLarge(f"{len(text):,} characters besides arrays are too many: send arrays")
    _write(fd, struct.pack("<I", len(text)) + text + b"".join(bodies), left)


def receive(
    fd: int, left: Left | None = None, bounds: Bounds = FROM_STUDENT
) -> tuple[dict[str, Any], Arrays]:
    """Read one frame; Closed, Silence or BadFrame otherwise."""
    if left is not None:
        os.set_blocking(fd, False)
        _still(left)  # who always has a frame ready gets no time for nothing
    (length,) = struct.unpack("<I", _read(fd, 4, left))
    if length > bounds.header:
        raise BadFrame("header too long")
    header = _header(_read(fd, length, left))
    specs = _specs(header.pop("arrays", None), bounds)
    body, arrays, start = _read(fd, sum(size for *_, size in specs), left), {}, 0
    for name, dtype, shape, size in specs:
        part = bytearray(memoryview(body)[start : start + size])  # its own, and one may write to it
        arrays[name] = np.frombuffer(part, dtype=dtype).reshape(shape)
        start += size
    return header, arrays


def _header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text.decode())
    except (ValueError, RecursionError):
        raise BadFrame("the header is not JSON") from None
    if type(header) is not dict:
        raise BadFrame("the header is not an object")
    return header


def _specs(listed: Any, bounds: Bounds) -> list[tuple[str, str, list[int], int]]:
    if type(listed) is not list or len(listed) > bounds.arrays:
        raise BadFrame("arrays are not listed")
    specs: list[tuple[str, str, list[int], int]] = []
    total = 0
    for item in listed:
        if type(item) is not list or len(item) != 3:
            raise BadFrame("an array needs name, dtype and shape")
        name, dtype, shape = item
        if type(name) is not str or len(name) > 300 or type(dtype) is not str or dtype not in DTYPES:
            raise BadFrame("a name or dtype is not allowed")
        if (
            type(shape) is not list
            or len(shape) > 32
            or any(type(n) is not int or not 0 <= n < 1 << 40 for n in shape)
        ):
            raise BadFrame("a shape is not allowed")
        size = math.prod(shape) * np.dtype(dtype).itemsize
        total += max(size, math.prod(n or 1 for n in shape))  # empty ones may be too wide for NumPy
        if total > bounds.body:
            raise BadFrame("arrays too large")
        specs.append((name, dtype, shape, size))
    if len({s[0] for s in specs}) < len(specs):
        raise BadFrame("two arrays have one name")
    return specs


def _write(fd: int, data: bytes, left: Left | None) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            assert left is not None, "the other side does not read"
            while not select.select([], [fd], [], _still(left))[1]:
                continue
        except BrokenPipeError:
            raise Closed from None


def _read(fd: int, size: int, left: Left | None) -> bytes:
    found = bytearray()
    while len(found) < size:
        try:
            chunk = os.read(fd, min(size - len(found), 1 << 20))
        except BlockingIOError:
            assert left is not None, "the other side does not write"
            while not select.select([fd], [], [], _still(left))[0]:
                continue
        else:
            if not chunk:
                raise Closed
            found += chunk
    return bytes(found)


def _still(left: Left) -> float:
    seconds = left()
    if seconds <= 0:
        raise Silence
    return seconds
