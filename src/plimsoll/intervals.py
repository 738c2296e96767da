"""Events and intervals as a track: what was going on at each frame, from a table of when it began and ended."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
REST = "rest"  # the label where nothing is noted
POINT = 0.1  # seconds that an event without an end stands for
NAMES = ("label", "name", "key", "trial_type", "prompt", "stage", "event", "value", "text")
_STARTS = ("start", "onset", "time", "begin")
_ENDS = ("end", "stop", "offset")
_LENGTHS = ("duration", "length")


@dataclass(frozen=True)
class Intervals:
    """What lasted from when to when, in seconds by the clock of the recording's stamps, or from its start."""

    labels: tuple[str, ...]
    starts: Array
    ends: Array

    def track(self, frames: int, rate: float, stamps: Array | None = None) -> Array:
        """The label of each frame, shape (frames,), REST where there is none; where two overlap, the one that began later.

        >>> Intervals(("a",), np.array([0.2]), np.array([0.4])).track(6, 10.0).tolist()
        ['rest', 'rest', 'a', 'a', 'rest', 'rest']
        """
        begin, end = (self._places(times, frames, rate, stamps) for times in (self.starts, self.ends))
        values, codes = np.unique([REST, *self.labels], return_inverse=True)
        found = np.full(frames, codes[0])
        for k in np.argsort(self.starts, kind="stable"):
            found[begin[k] : max(end[k], begin[k] + 1)] = codes[k + 1]
        return np.asarray(values[found])

    @staticmethod
    def _places(times: Array, frames: int, rate: float, stamps: Array | None) -> NDArray[np.int64]:
        if stamps is not None:
            return np.searchsorted(stamps, times).astype(np.int64)
        return np.clip(np.round(times * rate), 0, frames).astype(np.int64)


def of(columns: Mapping[str, Sequence[Any]]) -> Intervals | None:
    """The intervals of a table by its columns: a label, a start, and an end or a duration; None where it is no such table.

    Without an end, an event stands for POINT seconds. Rows without a time or a label are left out.

    >>> of({"onset": [1.0], "duration": [0.5], "trial_type": ["fist"]})
    Intervals(labels=('fist',), starts=array([1.]), ends=array([1.5]))
    """
    by = {name.lower(): list(cells) for name, cells in columns.items()}
    label, start = _first(by, NAMES), _first(by, _STARTS)
    if label is None or start is None:
        return None
    end, length = _first(by, _ENDS), _first(by, _LENGTHS)
    starts = _times(start)
    ends = _times(end) if end is not None else starts + (_times(length) if length is not None else POINT)
    ends = np.where(np.isfinite(ends), ends, starts + POINT)
    named = [_told(cell) for cell in label]
    kept = [k for k, name in enumerate(named) if name and math.isfinite(starts[k])]
    return Intervals(tuple(named[k] for k in kept), starts[kept], ends[kept])


def tracked(found: Intervals, frames: int, rate: float, stamps: Callable[[], Array] | None) -> Callable[[], Array]:
    """The track of intervals, made when it is asked for."""
    return lambda: found.track(frames, rate or 1.0, None if stamps is None else np.asarray(stamps(), dtype=np.float64))


def _first(by: Mapping[str, list[Any]], names: Sequence[str]) -> list[Any] | None:
    return next((by[name] for name in names if name in by), None)


def _times(cells: Sequence[Any]) -> NDArray[np.float64]:
    return np.array([_time(cell) for cell in cells], dtype=np.float64)


def _time(cell: Any) -> float:
    try:
        found = float(cell)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return found if abs(found) < 1e12 else math.nan


def _told(cell: Any) -> str:
    """A label as a word; white space is one too, for a space bar is a key."""
    if isinstance(cell, bytes):
        cell = cell.decode("utf-8", "replace")
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    text = str(cell)
    return text if text.strip() or not text else {" ": "space", "\n": "enter", "\t": "tab"}.get(text, "space")
