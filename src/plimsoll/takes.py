"""Takes: what files of samples hold, told before a sample is read; samples are read in parts, when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.errors import DataError
from plimsoll.schema import MOST_CHANNELS, Axis, Layout

Array = NDArray[Any]
RATES = ("rate", "fs", "sampling_rate", "sample_rate", "samplerate", "sampling_frequency", "sfreq")
STAMPS = ("time", "times", "timestamp", "timestamps", "t")
_PART = 1 << 23  # bytes that are read at once
_GAP = 1.5  # frames without a stamp from which on there is a gap


@dataclass(frozen=True)
class Strip:
    """Values a frame, shape (frames, channels), of which ``part(begin, end)`` reads some; ``whole`` gives all
    of them at once where that is as well."""

    frames: int
    channels: int
    dtype: np.dtype[Any]
    part: Callable[[int, int], Array]
    whole: Callable[[], Array] | None = None

    @staticmethod
    def of(samples: Array) -> Strip:
        """Samples in memory, shape (frames, channels), or (frames,) of one channel."""
        held = samples if samples.ndim > 1 else samples[:, None]
        return Strip(len(held), held.shape[1], held.dtype, lambda begin, end: held[begin:end], lambda: held)

    def parts(self, begin: int, end: int) -> Iterator[Array]:
        """The frames from ``begin`` to ``end``, a few megabytes at a time.

        >>> strip = Strip.of(np.arange(3))
        >>> [part.tolist() for part in strip.parts(1, 3)]
        [[[1], [2]]]
        """
        step = max(1, _PART // max(1, self.channels * self.dtype.itemsize))
        for start in range(begin, end, step):
            yield self.part(start, min(start + step, end))


@dataclass(frozen=True)
class Take:
    """One recording as its file has it.

    ``signal`` is what the signal is called, and ``layout.rate`` is 0 where the file does not say it. ``tracks`` give what
    was noted beside the samples, shape (frames,), and ``stamps`` when each frame was taken, in seconds. ``said`` is what
    is told of the whole of it, such as who it is of. ``short`` are labels of too few frames, by name with their number.
    """

    place: str  # the file, and where in it
    signal: str
    samples: Strip
    layout: Layout
    tracks: Mapping[str, Callable[[], Array]] = field(default_factory=dict)
    stamps: Callable[[], Array] | None = None
    said: Mapping[str, Any] = field(default_factory=dict)
    short: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def layout(
    place: str, rate: float, name: str, channels: int, ring: bool, names: Sequence[str] = (), axis: str = "electrode"
) -> Layout:
    """The layout of channels in a row. Raises DataError where there are none, or too many to be channels."""
    if not 0 < channels <= MOST_CHANNELS:
        raise DataError(
            f"{place}: {channels:,} channels cannot be. Samples have the shape (frames, channels); turn them if it is the other way round."
        )
    said = tuple(names) if len(set(names)) == channels else tuple(f"{name}{k}" for k in range(channels))
    return Layout(rate, said, (Axis(axis, channels, ring),))


def rate_of(found: Mapping[str, Any]) -> float:
    """A rate among things said by name, 0 where there is none.

    >>> rate_of({"Fs": 2000}), rate_of({"fs": "fast"})
    (2000.0, 0.0)
    """
    lower = {str(name).lower(): value for name, value in found.items()}
    for name in RATES:
        value = np.asarray(lower.get(name, 0.0))
        if value.size == 1 and value.dtype.kind in "iuf" and 0 < float(value.ravel()[0]) < 1e9:
            return float(value.ravel()[0])
    return 0.0


def paced(stamps: Array) -> float:
    """Frames a second by the times at which they were taken, in seconds: the middle one of their steps; 0 where none is told.

    What lies within half a percent of a whole number is that number.

    >>> paced(np.arange(50) / 199.9), paced(np.array([1.0]))
    (200.0, 0.0)
    """
    steps = np.diff(np.asarray(stamps, dtype=np.float64)[:100_000])
    steps = steps[np.isfinite(steps) & (steps > 0)]
    if not len(steps):
        return 0.0
    rate = 1.0 / float(np.median(steps))
    whole = round(rate)
    return float(whole) if whole and abs(rate - whole) <= 0.005 * whole else float(f"{rate:.4g}")


def gaps(stamps: Array, rate: float) -> tuple[int, float, int]:
    """How often stamps jump ahead of the rate, the longest jump in seconds, and how often they go back.

    >>> gaps(np.array([0.0, 0.1, 0.5, 0.4]), 10.0)
    (1, 0.4, 1)
    """
    steps = np.diff(np.asarray(stamps, dtype=np.float64))
    steps = steps[np.isfinite(steps)]
    ahead = steps[steps > _GAP / rate + 1e-9]
    return len(ahead), round(float(ahead.max()), 4) if len(ahead) else 0.0, int((steps < 0).sum())
