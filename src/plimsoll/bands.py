"""What a recording sounds like at a level of one: its energy in bands of frequency, window by window, and their course.

Bands are triangles that overlap by half, evenly spread in mel (Stevens, Volkmann and Newman 1937, in the form of
O'Shaughnessy 1987): 40 of them in windows of 32 ms, every 10 ms, where a signal is fast enough to be heard.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
HEARD = 2_000.0  # Hz from which a signal is taken for a sound
_FAST = 192_000.0  # Hz above which windows grow no longer
_WINDOW, _HOP, _LOWEST = 0.032, 0.010, 50.0  # seconds, seconds and Hz, of a sound
_SLOW = (64, 20)  # frames of a window and from one to the next, of anything slower
_FLOOR = 1e-3  # added to an energy, of a signal at a root mean square of one
_PART = 4_096  # windows at once


def levelled(cell: Array) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A recording with each channel at a root mean square of one, and the logarithms of what they were, shape (channels,)."""
    held = np.nan_to_num(cell.astype(np.float32), posinf=0.0, neginf=0.0)
    level = np.sqrt((held.astype(np.float64) ** 2).mean(axis=0)) if len(held) else np.zeros(held.shape[1])
    loud = np.where(level > 0, level, 1.0)
    return (held / loud.astype(np.float32)).astype(np.float32), np.log(level + 1e-6).astype(np.float32)


@dataclass(frozen=True)
class Bands:
    """Windows of ``frames`` every ``hop``, and the weights of the frequencies in each band, shape (frequencies, bands)."""

    frames: int
    hop: int
    weights: NDArray[np.float64]

    @property
    def count(self) -> int:
        return int(self.weights.shape[1])

    def energies(self, signal: Array) -> NDArray[np.float64]:
        """Logarithms of the energies of a signal, shape (frames,), with at least one window: shape (windows, bands).

        >>> rate = 8_000.0
        >>> tone = np.sin(2 * np.pi * 1_000.0 * np.arange(4_000) / rate)
        >>> of(rate).energies(tone).mean(axis=0).argmax() == np.abs(of(rate).middles(rate) - 1_000.0).argmin()
        np.True_
        """
        cut = np.lib.stride_tricks.sliding_window_view(signal.astype(np.float64), self.frames)[:: self.hop]
        parts = [self.of_windows(cut[k : k + _PART]) for k in range(0, len(cut), _PART)]
        return np.concatenate(parts)

    def of_windows(self, windows: Array) -> Array:
        """The same of windows, shape (…, frames): shape (…, bands)."""
        spectrum = np.fft.rfft(windows * _hann(self.frames), 2 * (len(self.weights) - 1))
        return np.asarray(np.log((spectrum.real**2 + spectrum.imag**2) @ self.weights + _FLOOR))

    def middles(self, rate: float) -> Array:
        """The frequency at which each band is widest, in Hz, shape (bands,)."""
        return np.asarray(self.weights.argmax(axis=0) * rate / 2 / (len(self.weights) - 1))


def _hann(frames: int) -> Array:
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(frames) / frames)


def of(rate: float) -> Bands:
    """The bands for a signal of so many frames a second; one that is faster than any sound is treated as if slowed down."""
    heard, rate = rate >= HEARD, min(rate, _FAST)
    frames, hop = (round(_WINDOW * rate), round(_HOP * rate)) if heard else _SLOW
    return between(spread(_LOWEST if heard else rate / frames, rate, 40 if heard else 20), rate, frames, hop)


def spread(lowest: float, rate: float, count: int) -> Array:
    """The edges of so many bands evenly spread in mel, from the lowest to half the rate, in Hz, shape (count + 2,)."""
    return _hertz(np.linspace(_mel(lowest), _mel(rate / 2), count + 2))


def between(edges: Array, rate: float, frames: int, hop: int) -> Bands:
    """Triangles from each edge (Hz) to the one after the next, over windows of so many frames."""
    size = 2 ** int(np.ceil(np.log2(2 * frames)))
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    at = np.fft.rfftfreq(size, 1.0 / rate)[:, None]
    return Bands(frames, hop, np.maximum(0.0, np.minimum((at - low) / (middle - low), (high - at) / (high - middle))))


def _mel(hertz: Array | float) -> Array:
    """In units of 1,127 mel; so written it keeps its precision at a rate of a sample a day."""
    return np.asarray(np.log1p(np.asarray(hertz) / 700.0))


def _hertz(mel: Array) -> Array:
    return np.asarray(700.0 * np.expm1(mel))


def course(parts: Array, segments: int) -> NDArray[np.float64]:
    """Features of windows, shape (windows, width), as means over equal stretches of time and the deviation over all of it.

    >>> course(np.array([[0.0], [2.0], [4.0], [6.0]]), 2).round(2).tolist()
    [1.0, 5.0, 2.24]
    """
    edges = np.arange(segments + 1) * len(parts) // segments
    means = [parts[a : max(a + 1, b)].mean(axis=0) for a, b in pairwise(edges.tolist())]
    return np.concatenate([*means, parts.std(axis=0)])
