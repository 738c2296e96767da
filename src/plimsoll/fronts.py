"""Fronts: what a net is given in place of samples. Frames come in, and every ``hop`` of them one frame of features goes out.

A front stands before the graph of a net, in training and in serving alike, for Fourier transforms and eigenvectors are no
operators of a graph. It looks back only, and what it still needs of the past is its state, so that chunks give what the
whole gives. Two are in the house: ``covariances``, how channels move together in bands of the spectrum (multivariate power
frequency features), and ``spectrogram``, the energy of each channel in bands.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from plimsoll import bands, covariance
from plimsoll.bands import Bands
from plimsoll.knobs import Knobs, Value
from plimsoll.rows import Signals
from plimsoll.schema import Layout

Array = NDArray[Any]
MOST_CHANNELS = 32
MOST = 1 << 16  # frames of a window, and features
_FLOOR = 1e-3  # of a covariance, of a signal at a level of one
_NUMBERS = 1 << 21  # that are worked on at once
_PIECE = 1 << 16  # frames of a stream at once
_SEEN = 2_000  # moments from which the level is taken
_WELCH = 64  # frames of a piece, at most
_MUSCLE = (20.0, 50.0, 100.0, 225.0, 375.0, 700.0, 1_000.0)  # Hz, where a signal is that fast

Word = Literal["covariances", "spectrogram"]
_Count = Annotated[int, msgspec.Meta(ge=1, le=MOST)]
_Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Front(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A front as a bundle holds it: plain numbers.

    Every ``hop`` frames of a stream its last ``frames`` are told by one frame of features. ``edges`` are those of its bands,
    in shares of half the rate; ``piece`` the frames of one Fourier transform. What it hears has ``middle`` taken away, a
    number for each channel, and is divided by ``level``, one for all, so that channels stay as strong beside each other as
    they are.
    """

    kind: Word
    frames: _Count
    hop: _Count
    piece: _Count
    edges: Annotated[list[_Share], msgspec.Meta(min_length=2, max_length=256)]
    middle: Annotated[list[float], msgspec.Meta(min_length=1, max_length=4_096)]
    level: float

    def width(self, channels: int) -> int:
        """Features of a frame of so many channels."""
        return KINDS[self.kind].width(channels, len(self.edges))

    @property
    def features(self) -> int:
        """Those of a frame."""
        return self.width(len(self.middle))

    def checked(self, channels: int) -> Front:
        """Itself. Raises ValueError where its numbers do not go together, or with so many channels."""
        rising = all(low <= high for low, high in zip(self.edges, self.edges[1:], strict=False))
        whole = all(map(math.isfinite, (*self.middle, self.level))) and self.level > 0
        fits = self.hop <= self.frames and self.piece <= self.frames and 0 < self.features <= MOST
        if not (rising and whole and fits and len(self.middle) == channels <= MOST_CHANNELS):
            raise ValueError("the front and what it hears do not go together")
        return self

    def layout(self, layout: Layout) -> Layout:
        """What a net hears behind it: so many features, at a slower rate."""
        return Layout(layout.rate / self.hop, tuple(f"f{k}" for k in range(self.features)))

    def places(self, orders: NDArray[np.intp]) -> NDArray[np.intp]:
        """Where each feature is found once the channels stand in these orders, shape (orders, features)."""
        return np.stack([KINDS[self.kind].places(order, len(self.edges)) for order in orders])

    def reach(self, steps: int) -> int:
        """Frames that so many frames of features look back."""
        return self.frames + (steps - 1) * self.hop

    def steps(self, frames: int) -> int:
        """Frames of features whose reach is within so many frames."""
        return 1 + (frames - self.frames) // self.hop

    def windows(self, frames: Array) -> NDArray[np.float32]:
        """Features of stretches, shape (stretches, frames, channels) to (stretches, steps, features)."""
        many, steps = len(frames), max(0, self.steps(frames.shape[1]))
        whose, begins = np.repeat(np.arange(many), steps), np.tile(np.arange(steps) * self.hop, many)
        found = np.empty((many * steps, self.features), dtype=np.float32)
        part = max(1, _NUMBERS // (self.frames * len(self.middle)))
        for k in range(0, len(found), part):
            some = slice(k, k + part)
            cut = frames[whose[some, None], begins[some, None] + np.arange(self.frames)]
            found[some] = self._told((cut - np.array(self.middle)) / self.level)
        return found.reshape(many, steps, self.features)

    def _told(self, windows: Array) -> Array:
        return KINDS[self.kind].of(windows, self)

    def step(self, chunk: Array, state: Array) -> tuple[NDArray[np.float32], Array]:
        """The features that a chunk of a stream completes, shape (steps, features), and what to go on with.

        The state of a stream's start is a chunk of no frames; its first frame then stands before it as often as needed.
        """
        if not len(state):
            state = np.repeat(chunk[:1], self.frames - self.hop, axis=0)
        held = np.concatenate([state, chunk])
        steps = max(0, self.steps(len(held)))
        return self.windows(held[None])[0], held[steps * self.hop :].copy()

    def heard(self, signals: Signals) -> Signals:
        """The same moments, told of features: those of each stream once, however many of its moments there are.

        Before each stream stands one frame more, that of its first sample for ever: what it is filled up with.
        """
        begins, ends, whose = signals.streams()
        counts = np.maximum(0, ends - begins) // self.hop + 1
        places = np.cumsum(counts) - counts
        found = np.empty((int(counts.sum()), self.features), dtype=np.float32)
        for begin, end, place in zip(begins.tolist(), ends.tolist(), places.tolist(), strict=True):
            self._stream(signals.samples[begin:end], found[place:])
        lengths = np.maximum(0, signals.ends - signals.starts) // self.hop + 1
        return Signals(found, places[whose], places[whose] + lengths)

    def _stream(self, samples: Array, found: Array) -> None:
        first = finite(samples[:1]) if len(samples) else np.zeros((1, len(self.middle)), dtype=np.float32)
        found[:1] = self.windows(np.repeat(first, self.frames, axis=0)[None])[0]
        state, at = first[:0], 1
        for begin in range(0, len(samples), _PIECE):
            told, state = self.step(finite(samples[begin : begin + _PIECE]), state)
            found[at : at + len(told)] = told
            at += len(told)


@dataclass(frozen=True)
class Plain:
    """The front of a net that hears samples as they are: each frame is one frame of features."""

    hop: int = 1

    def width(self, channels: int) -> int:
        return channels

    def layout(self, layout: Layout) -> Layout:
        return layout

    def places(self, orders: NDArray[np.intp]) -> NDArray[np.intp]:
        return orders

    def reach(self, steps: int) -> int:
        return steps

    def steps(self, frames: int) -> int:
        return frames

    def windows(self, frames: Array) -> Array:
        return frames

    def step(self, chunk: Array, state: Array) -> tuple[Array, Array]:
        return chunk, state

    def heard(self, signals: Signals) -> Signals:
        return signals


PLAIN = Plain()


def finite(frames: Array) -> Array:
    """Frames as a net takes them: float32, and where a sample is not a number, zero."""
    found = np.ascontiguousarray(frames, dtype=np.float32)
    return found if np.isfinite(found).all() else np.nan_to_num(found, posinf=0.0, neginf=0.0)


@dataclass(frozen=True)
class Kind:
    """One kind of front: its knobs, in seconds; how they cut a signal of a rate (Hz); and its features, by a function of
    windows, shape (windows, frames, channels), and the front."""

    options: Mapping[str, tuple[Value, ...]]
    piece: Callable[[int], int]
    edges: Callable[[float, int], Array]  # rate, frames
    of: Callable[[Array, Front], Array]
    width: Callable[[int, int], int]  # channels, edges
    places: Callable[[NDArray[np.intp], int], NDArray[np.intp]]
    work: Callable[[int, int, int], float]  # channels, frames, edges → multiplications of one frame of features
    slow: float = 1.0  # times as long that windows and steps are of a signal slower than any sound

    def cut(self, rate: float, knobs: Knobs, most: int = MOST) -> tuple[int, int]:
        """Frames of a window, and from one to the next, at this rate."""
        pace = rate * (self.slow if rate < bands.HEARD else 1.0)
        frames = min(most, MOST, max(4, round(float(knobs["look"]) * pace)))
        return frames, min(frames, max(1, round(float(knobs["step"]) * pace)))


def learned(kind: Word, layout: Layout, signals: Signals, knobs: Knobs, most: int = MOST) -> Front:
    """The front of this kind for such a signal: its level is that of the moments to learn from, and no window is longer
    than ``most`` frames."""
    way = KINDS[kind]
    frames, hop = way.cut(layout.rate, knobs, most)
    picked = np.linspace(0, len(signals) - 1, min(len(signals), _SEEN)).astype(np.intp)
    seen = finite(signals.take(picked).last(min(frames, 200))).reshape(-1, signals.channels).astype(np.float64)
    level = float(seen.std(axis=0).mean()) if seen.size else 1.0
    middle = seen.mean(axis=0) if seen.size else np.zeros(signals.channels)
    edges = np.clip(way.edges(layout.rate, frames) / (layout.rate / 2), 0.0, 1.0)
    made = Front(kind, frames, hop, way.piece(frames), edges.tolist(), middle.tolist(), level if level > 1e-9 else 1.0)
    return made.checked(signals.channels)


def work(kind: str, channels: int, rate: float, knobs: Knobs) -> float:
    """Multiplications of a second of signal."""
    way = KINDS[kind]
    frames, hop = way.cut(rate, knobs)
    return rate / hop * way.work(channels, frames, len(way.edges(rate, frames)))


def width(kind: str, channels: int, rate: float, knobs: Knobs) -> tuple[int, float]:
    """Features of a frame, and frames of features a second."""
    way = KINDS[kind]
    frames, hop = way.cut(rate, knobs)
    return way.width(channels, len(way.edges(rate, frames))), rate / hop


def _muscle(rate: float) -> Array:
    """The edges of bands in which muscles speak, in Hz; below 2 kHz in shares of half the rate."""
    shares = np.array(covariance.BANDS) * rate / 2
    return np.array([edge for edge in _MUSCLE if edge <= rate / 2]) if rate >= 2 * _MUSCLE[-1] else shares


def _mel(rate: float, frames: int) -> Array:
    """The edges of bands that overlap by half, evenly spread in mel: 40 of a sound, of anything slower half its bins."""
    heard = rate >= bands.HEARD
    return bands.spread(50.0 if heard else rate / frames, rate, 40 if heard else max(2, min(20, frames // 4)))


def _covariances(windows: Array, front: Front) -> Array:
    return covariance.banded(windows, _FLOOR, front.edges, front.piece)


def _spectrogram(windows: Array, front: Front) -> Array:
    told = _triangles(tuple(front.edges), front.frames).of_windows(windows.transpose(0, 2, 1))
    return np.asarray(told.reshape(len(windows), -1))


@lru_cache(maxsize=16)
def _triangles(edges: tuple[float, ...], frames: int) -> Bands:
    with np.errstate(divide="ignore", invalid="ignore"):  # a band of no width, which members may name, holds nothing
        made = bands.between(np.array(edges), 2.0, frames, 1)
    return replace(made, weights=np.nan_to_num(made.weights, nan=0.0, posinf=0.0, neginf=0.0))


def _spectrogram_places(order: NDArray[np.intp], edges: int) -> NDArray[np.intp]:
    return (order[:, None] * (edges - 2) + np.arange(edges - 2)).ravel()


def _welch(frames: int) -> int:
    return min(_WELCH, max(4, frames // 2))


KINDS: Mapping[str, Kind] = {
    "covariances": Kind(
        {"look": (0.2, 0.1, 0.4), "step": (0.025, 0.05)},
        _welch,
        lambda rate, _: _muscle(rate),
        _covariances,
        lambda channels, edges: (edges - 1) * channels * (channels + 1) // 2,
        lambda order, edges: covariance.banded_places(order, edges - 1),
        lambda channels, frames, edges: (
            4.0 * channels * frames * (8 + channels) + 30.0 * (edges - 1) * channels**3 + 100.0
        ),
    ),
    "spectrogram": Kind(
        {"look": (0.032, 0.064, 0.16), "step": (0.01, 0.02)},
        lambda frames: frames,
        _mel,
        _spectrogram,
        lambda channels, edges: (edges - 2) * channels,
        _spectrogram_places,
        lambda channels, frames, edges: channels * frames * (2.0 * math.log2(4 * frames) + edges),
        slow=5.0,
    ),
}
