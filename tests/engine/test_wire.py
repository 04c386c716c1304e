"""Frames from a child are hostile until read."""

import json
import os
import struct
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from autograder.engine import wire

ANY = st.sampled_from([np.float64, np.float32, np.int64, np.uint8, np.bool_, np.complex128])


def until(seconds):
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


@pytest.fixture
def pipe():
    read, write = os.pipe()
    yield read, write
    for fd in (read, write):
        try:
            os.close(fd)
        except OSError:
            continue


def raw(header: bytes, body: bytes = b"") -> bytes:
    return struct.pack("<I", len(header)) + header + body


@given(ANY.flatmap(lambda dtype: arrays(dtype, array_shapes(min_dims=0, max_dims=4, max_side=4))))
def test_any_array_crosses_unchanged(x):
    read, write = os.pipe()
    try:
        wire.send(write, {"status": "values"}, {"x": x})
        header, found = wire.receive(read, until(5))
    finally:
        os.close(read)
        os.close(write)
    assert header == {"status": "values"}
    assert found["x"].dtype == x.dtype and found["x"].shape == x.shape
    assert found["x"].tobytes() == x.tobytes()
    assert found["x"].flags.writeable


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(struct.pack("<I", 1 << 30), id="a header of a gigabyte"),
        pytest.param(raw(b"not json"), id="no JSON"),
        pytest.param(raw(b"[" * 60_000), id="JSON nested 60,000 deep"),
        pytest.param(raw(b"[]"), id="no object"),
        pytest.param(raw(b"{}"), id="no list of arrays"),
        pytest.param(raw(json.dumps({"arrays": [["x", "|O", [1]]]}).encode()), id="an object array"),
        pytest.param(raw(json.dumps({"arrays": [["x", "<f8", [1 << 39]]]}).encode()), id="four terabytes"),
        pytest.param(raw(json.dumps({"arrays": [["x", "<f8", [-1]]]}).encode()), id="a negative axis"),
        pytest.param(raw(json.dumps({"arrays": [["x", "<f8", [1.5]]]}).encode()), id="half an axis"),
        pytest.param(raw(json.dumps({"arrays": [["x", "<f8", [True]]]}).encode()), id="a boolean axis"),
        pytest.param(raw(json.dumps({"arrays": [["x", "<f8", [0]]] * 2}).encode()), id="one name twice"),
        pytest.param(raw(json.dumps({"arrays": [["x", "<f8", [0]]] * 999}).encode()), id="too many arrays"),
    ],
)
def test_a_frame_that_breaks_the_rules_is_refused_before_anything_is_allocated(pipe, frame):
    read, write = pipe
    threading.Thread(target=os.write, args=(write, frame), daemon=True).start()
    with pytest.raises(wire.BadFrame):
        wire.receive(read, until(5))


def test_silence_ends_at_the_deadline(pipe):
    with pytest.raises(wire.Silence):
        wire.receive(pipe[0], until(0.05))


def test_half_a_frame_is_silence_too(pipe):
    os.write(pipe[1], raw(b'{"arrays": []}')[:9])
    with pytest.raises(wire.Silence):
        wire.receive(pipe[0], until(0.05))


def test_a_dead_peer_is_closed(pipe):
    os.close(pipe[1])
    with pytest.raises(wire.Closed):
        wire.receive(pipe[0], until(5))


def test_sending_to_somebody_who_does_not_read_ends_at_the_deadline(pipe):
    os.set_blocking(pipe[1], False)
    with pytest.raises(wire.Silence):
        wire.send(pipe[1], {}, {"x": np.zeros(1 << 20)}, until(0.05))


def test_object_arrays_are_never_sent(pipe):
    with pytest.raises(TypeError, match="dtype"):
        wire.send(pipe[1], {}, {"x": np.array([object()])})


def test_a_frame_that_would_be_refused_is_not_sent(pipe):
    for header, bodies in [({}, {"x": np.zeros(3 << 20)}), ({"x": "x" * (1 << 17)}, {})]:
        with pytest.raises(wire.TooLarge):
            wire.send(pipe[1], header, bodies, bounds=wire.FROM_STUDENT)
    wire.send(pipe[1], {"said": "still whole"}, {}, bounds=wire.FROM_STUDENT)
    assert wire.receive(pipe[0], until(5)) == ({"said": "still whole"}, {})


def test_bounds_are_those_that_were_named(pipe):
    many = {f"x{i}": np.zeros(1) for i in range(300)}
    strict = wire.Bounds(header=64 << 10, arrays=256, body=wire.TRUSTED.body)
    for bounds, refused in [(wire.TRUSTED, False), (strict, True)]:
        wire.send(pipe[1], {}, many)
        if refused:
            with pytest.raises(wire.BadFrame):
                wire.receive(pipe[0], until(5), bounds)
        else:
            assert len(wire.receive(pipe[0], until(5), bounds)[1]) == 300
