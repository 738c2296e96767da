"""A column of signals as a tensor of the Open Inference Protocol: shape [rows, frames, channels], all rows of one length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.errors import RequestError
from plimsoll.rows import Signals
from plimsoll.schema import Column, Layout
from plimsoll.serve.request import MOST_FRAMES


def rows_of(shape: Sequence[int], layout: Layout, place: str) -> int:
    """How many rows a tensor of such a shape holds. Raises RequestError where it is none of this layout.

    >>> rows_of([3, 50, 2], Layout(200.0, ("a", "b")), "$")
    3
    >>> rows_of([50, 2], Layout(200.0, ("a", "b")), "$.inputs[0]")
    Traceback (most recent call last):
    plimsoll.errors.RequestError: $.inputs[0].shape: expected [rows, frames, 2], got [50, 2]
    """
    many = len(layout.channels)
    if len(shape) != 3 or min(shape) < 0 or shape[2] != many:
        raise RequestError(f"{place}.shape", f"expected [rows, frames, {many}], got {list(shape)!r:.60}")
    if shape[1] > MOST_FRAMES:
        raise RequestError(f"{place}.shape", f"more than {MOST_FRAMES} frames", 413)
    return shape[0]


def signals(told: Sequence[Any] | NDArray[np.float64], shape: Sequence[int], place: str) -> Signals:
    """The cells of a column, of as many elements as the shape says. Raises RequestError where one is no finite number."""
    try:
        with np.errstate(over="ignore"):
            flat = np.asarray(told, dtype=np.float64).astype(np.float32)
    except (TypeError, ValueError, OverflowError):
        raise RequestError(place, "expected numbers, as sensors give them") from None
    if not np.isfinite(flat).all():
        raise RequestError(f"{place}[{int(np.argmin(np.isfinite(flat)))}]", "expected a finite number")
    rows, frames, channels = shape
    begins = np.arange(rows, dtype=np.int64) * frames
    return Signals(flat.reshape(-1, channels), begins, begins + frames)


def none(layout: Layout, count: int) -> Signals:
    """A column of which nothing was sent."""
    nothing = np.zeros(count, dtype=np.int64)
    return Signals(np.zeros((0, len(layout.channels)), dtype=np.float32), nothing, nothing)


def shape_of(one: Column) -> list[int]:
    """What the metadata say of a column's shape: -1 where any size goes."""
    return [-1] if one.layout is None else [-1, -1, len(one.layout.channels)]


def flat(data: Any) -> Any:
    """Elements that are nested as the shape says, in one list; what is none is left as it came."""
    for _ in range(2):
        if isinstance(data, list) and data and all(isinstance(part, list) for part in data):
            data = [each for part in data for each in part]
    return data
