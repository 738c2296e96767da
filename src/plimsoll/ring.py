"""Sensors that stand in a ring: turned along an axis that has a name, never along time; and a sensor that has fallen silent."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.errors import JobError
from plimsoll.rows import Cells, Rows, Signals
from plimsoll.schema import Axis, Layout

Array = NDArray[Any]


def axis_of(layout: Layout) -> Axis | None:
    """The axis of the channels that closes in a ring; None where there is none."""
    return next((axis for axis in layout.axes if axis.ring and axis.size > 1), None)


def by_axes(layout: Layout) -> NDArray[np.intp]:
    """The numbers of the channels, laid out along their axes; in a row where these have no names."""
    return np.arange(len(layout.channels)).reshape([axis.size for axis in layout.axes] or [-1])


def order(layout: Layout, by: int) -> NDArray[np.intp]:
    """Which channel stands where once the ring is turned by so many places, shape (channels,): electrode k moves to k + by.

    >>> order(Layout(200.0, ("a0", "a1", "a2", "b0", "b1", "b2"), (Axis("row", 2), Axis("column", 3, ring=True))), 1).tolist()
    [2, 0, 1, 5, 3, 4]

    Raises JobError where no axis is a ring.
    """
    ring = axis_of(layout)
    if ring is None:
        raise JobError("The channels do not stand in a ring, so they cannot be turned. Say that they do with --ring.")
    place = layout.axes.index(ring)
    return np.roll(by_axes(layout), by, axis=place).ravel()


def turned(samples: Array, layout: Layout, by: int) -> Array:
    """Samples whose last axis are the channels, the ring turned by so many places. Each channel's course of time stays whole.

    >>> ring = Layout(200.0, ("a", "b", "c"), (Axis("electrode", 3, ring=True),))
    >>> turned(np.array([[1, 2, 3], [4, 5, 6]]), ring, 1).tolist()
    [[3, 1, 2], [6, 4, 5]]
    """
    return np.asarray(samples[..., order(layout, by)])


def silenced(samples: Array, channel: int) -> Array:
    """The same with one channel that gives nothing, as a sensor that has come off.

    >>> silenced(np.array([[1, 2], [3, 4]]), 0).tolist()
    [[0, 2], [0, 4]]
    """
    found = samples.copy()
    found[..., channel] = 0
    return found


def streams_of(rows: Rows, name: str) -> Rows:
    """The same rows, whose signal holds no samples but theirs: what is changed in it then costs no more than these rows.

    >>> rows = Rows(2, {"emg": Signals(np.arange(10)[:, None], np.array([4, 4]), np.array([6, 7]))})
    >>> found = streams_of(rows, "emg").signals("emg")
    >>> found.samples[:, 0].tolist(), found.starts.tolist(), found.ends.tolist()
    ([4, 5, 6], [0, 0], [2, 3])
    """
    signals = rows.signals(name)
    if not len(signals):
        return rows
    starts, ends, whose = signals.streams()
    moved = np.cumsum(ends - starts) - (ends - starts) - starts
    samples = np.concatenate([signals.samples[start:end] for start, end in zip(starts, ends, strict=True)])
    return having(rows, name, Signals(samples, signals.starts + moved[whose], signals.ends + moved[whose]))


def having(rows: Rows, name: str, signals: Signals) -> Rows:
    """The same rows with another signal in the place of this one."""
    columns: dict[str, Cells] = {**rows.columns, name: signals}
    return Rows(len(rows), columns)
