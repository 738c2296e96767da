"""What was noted beside the samples of recordings, laid end to end as their samples are, and only when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.resampling import frames
from plimsoll.takes import Take

Array = NDArray[Any]


@dataclass(frozen=True)
class Span:
    """The frames ``begin`` to ``end`` of a take, as ``at`` and the ``frames`` from there of all samples. ``part`` is how many
    frames came of one, and ``heard`` how many of their stream had gone in before."""

    take: Take
    begin: int
    end: int
    at: int
    frames: int
    part: Fraction = Fraction(1)
    heard: int = 0

    def of(self, track: Array) -> Array:
        """The values of a track for the frames that came of this span: each that of the latest frame heard by then."""
        if self.part == 1:
            return track[self.begin : self.end]
        due = frames(self.heard, self.part) + np.arange(self.frames)
        return np.asarray(track[self.begin + due * self.part.denominator // self.part.numerator - self.heard])


@dataclass(frozen=True)
class Texts:
    """Texts a frame, as numbers into the texts that occur: a tenth of the room. It is indexed like an array, and gives arrays."""

    codes: NDArray[np.int32]
    values: Array

    @property
    def shape(self) -> tuple[int, ...]:
        return self.codes.shape

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, index: Any) -> Any:
        return self.values[self.codes[index]]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.asarray(self.values[self.codes], dtype=dtype)


@dataclass(frozen=True)
class Tracks(Mapping[str, Any]):
    """Tracks by name, each of shape (frames,): an array of numbers, or Texts.

    A recording that has no track of the name says nothing there: nan, or an empty text.
    """

    total: int
    spans: Sequence[Span]
    _made: dict[str, Any] = field(default_factory=dict, repr=False)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for span in self.spans for name in span.take.tracks))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            if not any(name in span.take.tracks for span in self.spans):
                raise KeyError(name)
            self._made[name] = self._laid(name)
        return self._made[name]

    def _laid(self, name: str) -> Any:
        parts = [part for span in self.spans if (part := self._part(span, name)) is not None]
        if any(part.dtype.kind not in "iufb" for _, part in parts):
            return self._texts(parts)
        kind = np.result_type(*(part.dtype for _, part in parts))
        if len(parts) < len(self.spans):
            kind = np.result_type(kind, np.float32)  # some have no such track, which is nan
        found = np.zeros(self.total, kind) if kind.kind != "f" else np.full(self.total, np.nan, kind)
        for span, values in parts:
            found[span.at : span.at + len(values)] = values
        return found

    @staticmethod
    def _part(span: Span, name: str) -> tuple[Span, Array] | None:
        made = span.take.tracks.get(name)
        return None if made is None else (span, span.of(made()))

    def _texts(self, parts: Sequence[tuple[Span, Array]]) -> Texts:
        place, codes = {"": 0}, np.zeros(self.total, dtype=np.int32)
        for span, part in parts:
            values, local = np.unique(part.astype(np.str_), return_inverse=True)
            known = np.array([place.setdefault(str(value), len(place)) for value in values], dtype=np.int32)
            codes[span.at : span.at + len(part)] = known[local] if len(part) else 0
        return Texts(codes, np.array(list(place), dtype=np.str_))
