"""Recordings: a row each, and their samples in one array, which is on disk where they are many.

What a signal is called, how fast it was taken, where it lies and how it is filtered is the job's ``Sensor``; which
recordings there are is found by ``listed``; what happens moment by moment is made of this by ``moments``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll import filters, listed, recording_checks
from plimsoll.errors import DataError, JobError
from plimsoll.infer import PLACE
from plimsoll.job import Decode, Sensor
from plimsoll.listed import Listed, Piece
from plimsoll.recording_checks import Findings, Look
from plimsoll.schema import Layout
from plimsoll.spool import Spool
from plimsoll.tracks import Span, Tracks

Array = NDArray[Any]
_KEPT = (np.int8, np.int16, np.float32)  # the types that samples may have; the first that holds them all


@dataclass(frozen=True)
class Recordings:
    """``frame`` has a row a recording, in the order in which they were made, with the column ``name`` of cells {begin, end}
    into ``samples``, shape (frames, channels), which are of ``layout.rate`` and filtered. ``tracks`` are what was noted
    beside the samples, shape (frames,). ``rate`` is the one at which a stream of such samples comes, before it is made
    ready; ``table`` says whether the other columns are those of a table that somebody wrote."""

    name: str
    frame: pl.DataFrame
    samples: Array
    layout: Layout
    tracks: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    rate: float = 0.0
    table: bool = True

    @property
    def begins(self) -> NDArray[np.int64]:
        return self.frame[self.name].struct.field(PLACE[0]).to_numpy().astype(np.int64)

    @property
    def ends(self) -> NDArray[np.int64]:
        return self.frame[self.name].struct.field(PLACE[1]).to_numpy().astype(np.int64)


def read(source: Any, sensor: Sensor, decode: Decode | None = None, label: str = "") -> Recordings:
    """The recordings of a table, a folder or a file, with their samples (``listed.of`` says of which).

    Samples are brought to one rate, ``sensor.resample`` or the commonest, and filtered stream by stream: a stream is the
    recordings of a session that ``decode`` names, or one recording. Where ``label`` is a track, it is checked. What is
    wrong with a recording is said in the warnings; one that cannot be used is left out. Raises DataError and JobError.
    """
    found = listed.of(source, sensor)
    if not found.pieces:
        raise DataError("There are no recordings. Give a table with a row a recording, or a folder of files.")
    name = found.pieces[0].take.signal
    if name in found.frame.columns:
        raise JobError(f'"{name}" is a column of the table and the name of the signal. Rename the column.')
    _check_channels(found.pieces)
    rates = _rates(found.pieces, sensor)
    common = Counter(rates).most_common(1)[0][0]
    reading = _Reading(found, sensor, decode, label, rates, sensor.resample or common)
    return reading.recordings(name, common)


def alike(
    source: Any, sensor: Sensor, name: str, layout: Layout, decode: Decode | None = None, label: str = ""
) -> Recordings:
    """Recordings made ready as a signal was that models know by this name and layout: of its rate and its channels.

    Raises DataError where they have other channels, and what ``read`` raises.
    """
    found = read(source, replace(sensor, resample=layout.rate), decode, label)
    if len(found.layout.channels) != len(layout.channels):
        raise DataError(
            f"These recordings have {len(found.layout.channels):,} channels, and {len(layout.channels):,} are needed. Give recordings of the same sensor."
        )
    return replace(found, name=name, frame=found.frame.rename({found.name: name}), layout=layout)


@dataclass(frozen=True)
class _Reading:
    """The recordings that were found, and what is to become of them."""

    listed: Listed
    sensor: Sensor
    decode: Decode | None
    label: str
    rates: Sequence[float]
    wanted: float
    found: Findings = field(default_factory=Findings)

    def recordings(self, name: str, common: float) -> Recordings:
        for lost, why in self.listed.lost:
            self.found.add("lost", lost, why)
        for take, rate in {id(p.take): (p, r) for p, r in zip(self.listed.pieces, self.rates, strict=True)}.values():
            recording_checks.of_stamps(self.found, take.name, take.take, rate)
        pieces = self._labelled()
        samples, spans, tracks = self._as_they_are(pieces) or self._spooled(pieces)
        kept = [k for k, span in enumerate(spans) if span is not None]
        if not kept:
            raise DataError(f"No recording can be used. {' '.join(self.found.lines(self._total))}")
        held = [span for span in spans if span is not None]
        frame, names = self.listed.frame[[pieces[k][0] for k in kept]], [pieces[k][1].name for k in kept]
        recording_checks.of_lengths(self.found, names, [span.end - span.begin for span in held])
        tracks = Tracks(len(samples), held) if tracks is None else tracks
        told = self._check_labels(frame, names, held, tracks)
        said = [*self.found.lines(self._total), *told, *recording_checks.rates(Counter(self.rates), self.wanted)]
        places = [span.at for span in held], [span.at + span.frames for span in held]
        cells = pl.DataFrame(dict(zip(PLACE, places, strict=True)), schema=dict.fromkeys(PLACE, pl.Int64)).to_struct(
            name
        )
        layout = replace(pieces[kept[0]][1].take.layout, rate=self.wanted)
        return Recordings(
            name, frame.with_columns(cells), samples, layout, tracks, tuple(said), common, self.listed.table
        )

    @property
    def _total(self) -> int:
        return len(self.listed.pieces) + len(self.listed.lost)

    def _labelled(self) -> list[tuple[int, Piece, float]]:
        """The pieces by their rows, with their rates, without those whose label does not cover their samples."""
        found = []
        for row, (piece, rate) in enumerate(zip(self.listed.pieces, self.rates, strict=True)):
            many = piece.take.short.get(self.label)
            if many is None or self.label in piece.take.tracks:
                found.append((row, piece, rate))
            else:
                self.found.add(
                    "unlabelled",
                    piece.name,
                    f'"{self.label}" has {many:,} values for {piece.take.samples.frames:,} frames',
                )
        return found

    def _as_they_are(
        self, pieces: Sequence[tuple[int, Piece, float]]
    ) -> tuple[Array, list[Span | None], Mapping[str, Any]] | None:
        """The samples where they lie already, None where they must be written anew."""
        takes = {id(piece.take): piece.take for _, piece, _ in pieces}
        if len(takes) != 1 or filters.asked(self.sensor, pieces[0][2], self.wanted):
            return None
        take = next(iter(takes.values()))
        if take.samples.whole is None or take.samples.dtype not in _KEPT:
            return None
        samples = take.samples.whole()
        looks = [_looked(samples[piece.begin : piece.end]) for _, piece, _ in pieces]
        if any(look.odd or not look.frames for look in looks):
            return None
        for (_, piece, _), look in zip(pieces, looks, strict=True):
            recording_checks.of_samples(self.found, piece.name, look, take)
        spans: list[Span | None] = [Span(take, p.begin, p.end, p.begin, p.end - p.begin) for _, p, _ in pieces]
        return samples, spans, Tracks(len(samples), [Span(take, 0, len(samples), 0, len(samples))])

    def _spooled(self, pieces: Sequence[tuple[int, Piece, float]]) -> tuple[Array, list[Span | None], None]:
        work = any(filters.asked(self.sensor, rate, self.wanted) for _, _, rate in pieces)
        types = {np.dtype(np.float32) if work else piece.take.samples.dtype for _, piece, _ in pieces}
        dtype = next(
            np.dtype(kept) for kept in _KEPT if kept is np.float32 or all(np.can_cast(each, kept) for each in types)
        )
        channels = len(self.listed.pieces[0].take.layout.channels)
        spool = Spool(
            dtype,
            channels,
            self.wanted,
            lambda rate: filters.ready(self.sensor, rate, self.wanted) if work else None,
            self.found,
        )
        spans: list[Span | None] = []
        with spool.file:
            for stream in self._streams(pieces):
                spans += spool.add([(piece, rate) for _, piece, rate in stream])
            return spool.mapped(), spans, None

    def _streams(self, pieces: Sequence[tuple[int, Piece, float]]) -> list[list[tuple[int, Piece, float]]]:
        """The pieces that follow one another without a break."""
        decode = self.decode
        names = (
            [name for name in (decode.person, decode.session) if name in self.listed.frame.columns]
            if decode and decode.session
            else []
        )
        keys = self.listed.frame.select(names).rows() if names else []
        found: list[list[tuple[int, Piece, float]]] = []
        for each in pieces:
            before = found[-1][-1] if found else None
            goes_on = (
                before is not None and bool(keys) and keys[each[0]] == keys[before[0]] and _follows(before[1], each[1])
            )
            if goes_on:
                found[-1].append(each)
            else:
                found.append([each])
        return found

    def _check_labels(
        self, frame: pl.DataFrame, names: Sequence[str], spans: Sequence[Span], tracks: Mapping[str, Any]
    ) -> list[str]:
        if not self.label or self.label not in tracks:
            return []
        track = tracks[self.label]
        seen = [np.unique(track[span.at : span.at + span.frames]) for span in spans]
        recording_checks.of_labels(self.found, names, seen)
        return recording_checks.disagreeing(frame, names, seen, but=(*listed.FILES, *listed.PLACES))


def _looked(samples: Array) -> Look:
    look = Look()
    look.add(samples)
    return look


def _follows(before: Piece, piece: Piece) -> bool:
    """Whether one piece goes on where the other ends: in the same take, or as the whole of the next one."""
    if before.take is piece.take:
        return piece.begin == before.end
    return piece.begin == 0 and before.end == before.take.samples.frames


def _check_channels(pieces: Sequence[Piece]) -> None:
    first = pieces[0]
    for piece in pieces:
        found, wanted = piece.take.samples.channels, first.take.samples.channels
        if found != wanted:
            raise DataError(
                f"{piece.name} has {found:,} channels, and {first.name} has {wanted:,}. Give recordings of one sensor, or name the array that they share with --signals."
            )


def _rates(pieces: Sequence[Piece], sensor: Sensor) -> list[float]:
    """The rate of each: the stated one, else the one that its file says."""
    found = [sensor.rate or piece.take.layout.rate for piece in pieces]
    if not all(rate > 0 for rate in found):
        piece = pieces[next(k for k, rate in enumerate(found) if not rate > 0)]
        raise JobError(f"{piece.take.place}: does not say how fast it was sampled. Write --rate, such as --rate 200Hz.")
    return found
