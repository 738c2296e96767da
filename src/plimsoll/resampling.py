"""A signal brought to another rate, causally: a polyphase filter that carries what it needs from chunk to chunk.

The filter is a windowed sinc (Kaiser 1974) turned into the one of minimum phase by its cepstrum (Oppenheim and Schafer
1989, chapter 12): it holds back what the new rate cannot carry, and delays the rest by few frames.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from plimsoll.errors import JobError

Array = NDArray[np.float64]
_REACH = 10  # zero crossings on either side, at the lower of the two rates
_BETA = 5.0  # of the Kaiser window: what folds back is 50 dB down
_MOST = 1_000  # the largest part of a ratio of rates: 44,100 to 16,000 is 160 to 441
_PART = 4_096  # frames at once


def ratio(rate: float, wanted: float) -> Fraction:
    """Frames to come out a frame that goes in, as a ratio of small whole numbers. Raises JobError where there is none.

    >>> ratio(44100.0, 16000.0)
    Fraction(160, 441)
    """
    found = Fraction(wanted / rate).limit_denominator(_MOST)
    if not found or found.numerator > _MOST or abs(float(found) * rate / wanted - 1.0) > 1e-4:
        raise JobError(
            f"{rate:g} Hz cannot be brought to {wanted:g} Hz: their ratio is none of numbers up to {_MOST:,}. Name another --resample."
        )
    return found


def frames(count: int, part: Fraction) -> int:
    """How many frames come out, once so many have gone in.

    >>> frames(5, Fraction(1, 2)), frames(5, Fraction(2, 1))
    (3, 10)
    """
    return -(-count * part.numerator // part.denominator)


@functools.lru_cache(maxsize=8)
def taps(part: Fraction) -> Array:
    """The filter of each phase, shape (phases, taps), newest frame first; the taps of each sum to one."""
    up, down = part.numerator, part.denominator
    wide = max(up, down)
    place = np.arange(-_REACH * wide, _REACH * wide + 1)
    window = np.sinc(place / wide) * np.kaiser(len(place), _BETA)
    found = _minimum_phase(window)
    found = np.concatenate([found, np.zeros(-len(found) % up)]).reshape(-1, up).T
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def _minimum_phase(window: Array) -> Array:
    """The filter of the same gain at every frequency whose answer comes soonest."""
    size = 1 << int(np.ceil(np.log2(len(window) * 16)))
    gain = np.abs(np.fft.rfft(window, size))
    cepstrum = np.fft.irfft(np.log(np.maximum(gain, gain.max() * 1e-6)), size)
    folded = np.zeros(size)
    folded[0], folded[size // 2] = cepstrum[0], cepstrum[size // 2]
    folded[1 : size // 2] = 2.0 * cepstrum[1 : size // 2]
    return np.asarray(np.fft.irfft(np.exp(np.fft.rfft(folded)), size)[: len(window)])


@dataclass
class Resampler:
    """``push`` takes chunks at one rate and gives those of another; together they are what the whole would give.

    A frame of the new rate comes as soon as the frames up to its time are in. Before the first frame, that frame counts
    as having stood for ever.

    >>> Resampler(Fraction(1, 2)).push(np.full((5, 1), 3.0))[:, 0].round(9).tolist()
    [3.0, 3.0, 3.0]
    """

    part: Fraction
    _held: Array | None = field(default=None, repr=False)  # the last frames that went in, less the first of all
    _first: Array | None = field(default=None, repr=False)
    _heard: int = 0

    @staticmethod
    def between(rate: float, wanted: float) -> Resampler:
        return Resampler(ratio(rate, wanted))

    def push(self, chunk: NDArray[Any]) -> Array:
        """The frames that are due once a chunk of shape (frames, channels) is in."""
        parts = [self._push(chunk[k : k + _PART]) for k in range(0, max(1, len(chunk)), _PART)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _push(self, chunk: NDArray[Any]) -> Array:
        if not len(chunk):
            return np.zeros(chunk.shape)
        bank = taps(self.part)
        reach = bank.shape[1]
        if self._held is None or self._first is None:
            self._first = chunk[0].astype(np.float64)
            self._held = np.zeros((reach - 1, chunk.shape[1]))
        whole = np.concatenate([self._held, chunk - self._first])
        up, down = self.part.numerator, self.part.denominator
        begin, end = frames(self._heard, self.part), frames(self._heard + len(chunk), self.part)
        windows = sliding_window_view(whole, reach, axis=0)  # (frames of the chunk, channels, taps)
        found = np.empty((end - begin, chunk.shape[1]))
        for k in range(min(up, end - begin)):  # frames of one phase are one product
            newest, phase = divmod((begin + k) * down, up)
            place = found[k::up]
            np.matmul(windows[newest - self._heard :: down][: len(place)], bank[phase, ::-1], out=place)
        self._held, self._heard = whole[len(whole) - reach + 1 :], self._heard + len(chunk)
        return found + self._first
