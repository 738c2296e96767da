"""Samples of many recordings laid end to end in one file on disk, which is mapped: they may be larger than memory.

The file has no name, so nothing is left of it when the program ends, however it does.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import filters, recording_checks
from plimsoll.errors import DataError
from plimsoll.filters import Ready
from plimsoll.listed import Piece
from plimsoll.recording_checks import Findings, Look
from plimsoll.resampling import frames, ratio
from plimsoll.tracks import Span

Array = NDArray[Any]


@dataclass
class Spool:
    """Pieces go on one after another; ``ready`` makes what prepares a stream of a rate from its start, None where nothing does."""

    dtype: np.dtype[Any]
    channels: int
    wanted: float
    ready: Callable[[float], Ready | None]
    found: Findings
    file: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    at: int = 0

    def add(self, stream: Sequence[tuple[Piece, float]]) -> list[Span | None]:
        """Lays the pieces of a stream with their rates end to end; None for each that had to be left out, which breaks the stream."""
        spans: list[Span | None] = []
        made, heard, rate = None, 0, 0.0
        for piece, its in stream:
            if its != rate:
                made, heard, rate = self.ready(its), 0, its
                if spans:
                    self._part()
            spans.append(self._piece(piece, rate, made, heard))
            heard, rate = heard + piece.end - piece.begin, rate if spans[-1] else 0.0
        return spans

    def _part(self) -> None:
        """One frame of nothing, so that what lies on either side is not taken for one stretch."""
        self.file.write(np.zeros((1, self.channels), self.dtype).tobytes())
        self.at += 1

    def _piece(self, piece: Piece, rate: float, made: Ready | None, heard: int) -> Span | None:
        look, start, last = Look(), self.at, None
        try:
            for part in piece.take.samples.parts(piece.begin, piece.end):
                look.add(part)
                given = (
                    made.push(part)
                    if made is not None
                    else filters.filled(part, last)
                    if part.dtype.kind == "f"
                    else part
                )
                last = given[-1] if len(given) else last
                self.file.write(np.ascontiguousarray(given, dtype=self.dtype).tobytes())
                self.at += len(given)
        except DataError as fault:
            self.found.add("lost", piece.name, str(fault).partition(": ")[2])
            self._back(start)
            return None
        if look.corrupt or not look.frames:
            self.found.add(
                "corrupt" if look.frames else "empty", piece.name, f"{100 * look.broken:.2g} %" if look.frames else ""
            )
            self._back(start)
            return None
        recording_checks.of_samples(self.found, piece.name, look, piece.take)
        part_ = ratio(rate, self.wanted) if rate != self.wanted else Fraction(1)
        assert made is None or self.at - start == frames(heard + look.frames, part_) - frames(heard, part_)
        return Span(piece.take, piece.begin, piece.end, start, self.at - start, part_, heard)

    def _back(self, start: int) -> None:
        self.at = start
        self.file.seek(start * self.channels * self.dtype.itemsize)
        self.file.truncate()

    def mapped(self) -> Array:
        """All samples, shape (frames, channels), which live as long as they are used, whether or not the file is closed."""
        self.file.flush()
        shape = (self.at, self.channels)
        if not self.at:
            return np.zeros(shape, self.dtype)
        return np.asarray(np.memmap(self.file, dtype=self.dtype, mode="r", shape=shape))
