"""Filters of a signal: a band, and the mains with its harmonics taken out. Causal, and the same in chunks as in one go.

Each is a cascade of second-order sections, designed by the bilinear transform (Butterworth 1930; Oppenheim and Schafer
1989, chapter 7; the notch by Regalia and Mitra 1987). NumPy alone, so that what serves a stream needs no SciPy.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.errors import JobError
from plimsoll.job import Sensor
from plimsoll.resampling import Resampler

Array = NDArray[np.float64]
_ORDER = 4  # of each end of a band: 24 dB an octave
_QUALITY = 30.0  # of a notch: its frequency over its width, so that it follows the mains' drift at each harmonic
_HARMONICS = 40  # of the mains, at most: beyond, there is little of them
_BLOCK = 96  # frames at once: more cost more in products than they save in calls


def sections(sensor: Sensor, rate: float) -> Array:
    """The filters that a sensor asks for at this rate, shape (sections, 6): b0 b1 b2 1 a1 a2, as SciPy's ``sos``.

    Raises JobError where a frequency is not below half the rate.

    >>> sections(Sensor(low=20.0, high=90.0, notch=50.0), 200.0).shape
    (5, 6)
    """
    for flag, frequency in (("--band", sensor.low), ("--band", sensor.high), ("--notch", sensor.notch)):
        if frequency >= rate / 2:
            raise JobError(
                f"{flag}: {frequency:g} Hz is not below half of {rate:g} Hz, the rate of the signal. Name a lower one, or leave it out."
            )
    parts = [butterworth(sensor.low, rate, above=True)] if sensor.low else []
    parts += [butterworth(sensor.high, rate, above=False)] if sensor.high else []
    parts += [notch(sensor.notch * k, rate) for k in range(1, _HARMONICS + 1) if 0 < sensor.notch * k < rate / 2 * 0.98]
    return np.concatenate(parts) if parts else np.zeros((0, 6))


def butterworth(cutoff: float, rate: float, above: bool) -> Array:
    """A Butterworth filter of fourth order that lets through what lies above the cutoff (Hz), or below; shape (2, 6)."""
    bent = np.tan(
        np.pi * cutoff / rate
    )  # the bilinear transform bends frequencies; this is where the cutoff comes to lie
    found = []
    for k in range(_ORDER // 2):
        damping = 2.0 * np.sin(np.pi * (2 * k + 1) / (2 * _ORDER))
        scale = 1.0 / (1.0 + damping * bent + bent**2)
        b = np.array([1.0, -2.0, 1.0]) if above else bent**2 * np.array([1.0, 2.0, 1.0])
        a = [1.0, 2.0 * (bent**2 - 1.0) * scale, (1.0 - damping * bent + bent**2) * scale]
        found.append([*(b * scale), *a])
    return np.array(found)


def notch(frequency: float, rate: float) -> Array:
    """One frequency (Hz) taken out, shape (1, 6); a thirtieth of it wide at half the power."""
    angle = 2.0 * np.pi * frequency / rate
    gain, turn = 1.0 / (1.0 + np.tan(angle / _QUALITY / 2.0)), np.cos(angle)
    return np.array([[gain, -2.0 * gain * turn, gain, 1.0, -2.0 * gain * turn, 2.0 * gain - 1.0]])


@dataclass
class Cascade:
    """Sections one after another, with what they remember of the channels that they have heard.

    A section goes by its state, so a block of frames is one product of a matrix with those frames and one with the
    state: what costs most, a call, comes once a block and not once a frame. The state begins as if the first frame had
    stood for ever, so that a stream's level at its start is no step.

    >>> low = Cascade.of(butterworth(20.0, 200.0, above=False))
    >>> np.round(low.push(np.full((3, 1), 5.0))[:, 0], 9).tolist()
    [5.0, 5.0, 5.0]
    """

    onward: Array  # (block, block): answers from the frames of a block
    recalled: Array  # (block, state): and from the state before it
    kept: Array  # (state, block): the state from the frames
    powers: Array  # (block + 1, state, state): and from the state so many frames before
    settled: Array  # (state,): what a frame of 1.0 that stands for ever leaves
    _state: Array | None = field(default=None, repr=False)

    @staticmethod
    def of(sos: Array, block: int = _BLOCK) -> Cascade:
        step, entry, out, through = _system(sos)
        width = len(entry)
        powers = np.empty((block + 1, width, width))
        powers[0] = np.eye(width)
        for k in range(block):
            powers[k + 1] = step @ powers[k]
        heard = powers[:block] @ entry  # (block, state): what a frame has left after so many more
        echo = np.concatenate([[through], heard[:-1] @ out])
        lag = np.arange(block)[:, None] - np.arange(block)
        settled = np.asarray(np.linalg.solve(np.eye(width) - step, entry), dtype=np.float64)
        return Cascade(
            np.where(lag >= 0, echo[lag], 0.0), powers[:block].transpose(0, 2, 1) @ out, heard[::-1].T, powers, settled
        )

    def push(self, chunk: NDArray[Any]) -> Array:
        """The chunk, shape (frames, channels), filtered."""
        found = np.empty(chunk.shape)
        for start in range(0, len(chunk), len(self.onward)):
            found[start : start + len(self.onward)] = self._block(chunk[start : start + len(self.onward)])
        return found

    def _block(self, chunk: NDArray[Any]) -> Array:
        x, many = chunk.astype(np.float64), len(chunk)
        before = self.settled[:, None] * x[0] if self._state is None else self._state
        self._state = self.kept[:, -many:] @ x + self.powers[many] @ before
        return np.asarray(self.onward[:many, :many] @ x + self.recalled[:many] @ before)


def _system(sos: Array) -> tuple[Array, Array, Array, float]:
    """The sections as one linear system: state' = step · state + entry · x, y = out · state + through · x."""
    width = 2 * len(sos)
    states, x = np.eye(width, width + 1), np.eye(1, width + 1, width)[0]  # a column for each part of the state, and x
    for k, (b0, b1, b2, _, a1, a2) in enumerate(sos):
        first, second = states[2 * k].copy(), states[2 * k + 1].copy()
        y = b0 * x + first
        states[2 * k], states[2 * k + 1] = b1 * x - a1 * y + second, b2 * x - a2 * y
        x = y
    return states[:, :-1], states[:, -1], x[:-1], float(x[-1])


@dataclass
class Ready:
    """A stream made ready for a model as it comes: brought to the layout's rate, then filtered; float32.

    A value that is no number counts as the last one that was, or it would stay in the filters for ever.
    """

    resampler: Resampler | None
    cascade: Cascade | None
    _last: NDArray[np.float32] | None = field(default=None, repr=False)

    def push(self, chunk: NDArray[Any]) -> NDArray[np.float32]:
        """What a chunk of shape (frames, channels) comes to; of another rate, as many frames as are due."""
        if not len(chunk):
            return np.zeros(chunk.shape, dtype=np.float32)
        held: NDArray[Any] = filled(chunk, self._last)
        self._last = held[-1]
        if self.resampler is not None:
            held = self.resampler.push(held)
        if self.cascade is not None and len(held):
            held = self.cascade.push(held)
        return held.astype(np.float32)


def filled(chunk: NDArray[Any], last: NDArray[Any] | None) -> NDArray[np.float32]:
    """The chunk as float32, each value that is no number replaced by its channel's last one that was, 0 where none was.

    >>> filled(np.array([[np.nan], [2.0], [np.nan]]), None)[:, 0].tolist()
    [0.0, 2.0, 2.0]
    """
    with np.errstate(over="ignore"):
        found = chunk.astype(np.float32)
    good = np.isfinite(found)
    if good.all():
        return found
    before = np.zeros((1, found.shape[1]), dtype=np.float32) if last is None else last[None]
    whole, known = np.concatenate([before, found]), np.concatenate([np.ones_like(good[:1]), good])
    place = np.maximum.accumulate(np.where(known, np.arange(len(whole))[:, None], 0), axis=0)
    return np.asarray(np.take_along_axis(whole, place, axis=0)[1:])


def asked(sensor: Sensor | None, rate: float, wanted: float) -> bool:
    """Whether anything is to be done to samples of this rate, where another is wanted."""
    return sensor is not None and (rate != wanted or max(sensor.low, sensor.high, sensor.notch) > 0)


def ready(sensor: Sensor, rate: float, wanted: float) -> Ready:
    """What makes a stream at ``rate`` (Hz) ready, from its start: resampled to ``wanted``, then filtered as the sensor asks.

    Raises JobError where a frequency does not go with the rate.

    >>> made = ready(Sensor(low=20.0), 400.0, 200.0)
    >>> made.push(np.ones((10, 2))).shape, made.push(np.ones((1, 2))).shape
    ((5, 2), (1, 2))
    """
    designed = _designed(sensor, wanted)
    resampler = Resampler.between(rate, wanted) if rate != wanted else None
    return Ready(resampler, None if designed is None else replace(designed, _state=None))


@functools.lru_cache(maxsize=8)  # a design takes a millisecond, and every stream has the same
def _designed(sensor: Sensor, rate: float) -> Cascade | None:
    sos = sections(sensor, rate)
    return Cascade.of(sos) if len(sos) else None
