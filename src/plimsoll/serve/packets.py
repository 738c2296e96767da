"""Samples as they travel: what a stream begins with, and each packet after it, as bytes or as JSON.

A packet of bytes is a header of twelve and its samples, all little-endian: a number that counts packets (uint32), the time
on the sender's clock at which its last frame was taken (float64 in seconds, or uint64 in microseconds), then the frames one
after another, each of one number a channel (int8, int16 or float32). As JSON it is ``{"seq": 0, "time": 0.05, "frames":
[[…], …]}``.
"""

from __future__ import annotations

import math
import struct
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from plimsoll.errors import DataError, RequestError
from plimsoll.schema import Layout
from plimsoll.serve.routes import decoded
from plimsoll.serve.session import Chunk, as_frames, finite

TYPES: dict[str, np.dtype[Any]] = {"int8": np.dtype("<i1"), "int16": np.dtype("<i2"), "float32": np.dtype("<f4")}
_HEADS = {"seconds": struct.Struct("<Id"), "microseconds": struct.Struct("<IQ")}
HEADER = 12  # bytes
NUMBERS = 2**32  # packets until their number begins again at 0
_LATEST = 1e12  # seconds that a clock may show
_NEAR = 0.01  # share by which a stated rate may be off
_LOOKS = '{"person": "P01", "rate": 200, "format": "int16"}'
_PACKET = '{"seq": 0, "time": 0.05, "frames": [[…], …]}'


class Hello(msgspec.Struct, forbid_unknown_fields=True):
    """What a stream begins with: who wears the sensor, at how many frames a second it comes, and how packets are written;
    and, where the server's own bounds are not meant, seconds that a missing packet is waited for and that are made up."""

    person: Annotated[str, msgspec.Meta(max_length=1_000)] | int | None = None
    rate: float | None = None
    format: Literal["int8", "int16", "float32", "json"] = "float32"
    clock: Literal["seconds", "microseconds"] = "seconds"
    reorder: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] | None = None
    fill: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] | None = None


class Packet(NamedTuple):
    """``sent`` is the sender's time of the last of its frames, in seconds; nan where it has no clock."""

    seq: int
    sent: float
    frames: Chunk


class End(NamedTuple):
    """What a sender says last, to be told what is still to be told."""


class _Json(msgspec.Struct, forbid_unknown_fields=True):
    seq: Annotated[int, msgspec.Meta(ge=0, lt=NUMBERS)] = 0
    time: float | None = None
    frames: list[list[float]] = []
    end: bool = False


def hello(text: str | bytes, layout: Layout) -> Hello:
    """The first message of a stream. Raises RequestError where it is none, or does not go with the bundle."""
    found = decoded(text if isinstance(text, bytes) else text.encode(), Hello, _LOOKS)
    if found.rate is not None and not abs(found.rate / layout.rate - 1.0) <= _NEAR:
        raise RequestError(
            "$.rate", f"this bundle hears {layout.rate:g} frames a second, not {found.rate:g}. Resample before sending."
        )
    return found


def packed(seq: int, sent: float, frames: NDArray[Any], form: str = "float32", clock: str = "seconds") -> bytes:
    """A packet of bytes, as ``read`` takes it.

    >>> layout = Layout(200.0, ("a", "b"))
    >>> read(packed(7, 0.5, np.array([[1, -2]]), "int8"), Hello(format="int8"), layout, 100)
    Packet(seq=7, sent=0.5, frames=array([[ 1., -2.]], dtype=float32))
    """
    stamp = sent if clock == "seconds" else round(sent * 1e6)
    return _HEADS[clock].pack(seq % NUMBERS, stamp) + np.ascontiguousarray(frames, dtype=TYPES[form]).tobytes()


def read(data: bytes | str, asked: Hello, layout: Layout, most: int) -> Packet | End:
    """A packet of at most so many frames. Raises RequestError where it is none."""
    found = _json(data, layout) if isinstance(data, str) else _bytes(data, asked, layout)
    if isinstance(found, Packet) and len(found.frames) > most:
        raise RequestError(
            "$", f"a packet of {len(found.frames)} frames is too large. Send at most {most} at once.", 413
        )
    return found


def _bytes(data: bytes, asked: Hello, layout: Layout) -> Packet:
    if asked.format == "json":
        raise RequestError("$", "bytes came, and JSON was said to come. Say another format in the first message.")
    dtype = TYPES[asked.format]
    many = len(layout.channels)
    size = dtype.itemsize * many
    if len(data) < HEADER or (len(data) - HEADER) % size:
        raise RequestError(
            "$", f"a packet of {len(data)} bytes is not {HEADER} of header and whole frames of {many} × {asked.format}"
        )
    seq, stamp = _HEADS[asked.clock].unpack_from(data)
    samples = np.frombuffer(data, dtype, offset=HEADER).reshape(-1, many)
    sent = stamp if asked.clock == "seconds" else stamp * 1e-6
    return _checked(seq, sent, samples, layout)


def _json(text: str, layout: Layout) -> Packet | End:
    found = decoded(text.encode(), _Json, _PACKET)
    if found.end:
        return End()
    try:
        frames = as_frames(found.frames, layout)
    except DataError as fault:
        raise RequestError("$.frames", str(fault)) from None
    return _checked(found.seq, math.nan if found.time is None else found.time, frames, layout)


def _checked(seq: int, sent: float, samples: NDArray[Any], layout: Layout) -> Packet:
    if abs(sent) >= _LATEST:
        raise RequestError("$.time", f"the time of a packet is {sent!s:.20}. Send seconds on a clock.")
    try:
        return Packet(seq, sent, finite(samples, layout))
    except DataError as fault:
        raise RequestError("$.frames", str(fault)) from None
