"""What a job is given to learn from: a table, or recordings with their samples, as one frame of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl
from numpy.typing import NDArray

from plimsoll import data, infer, moments, recordings
from plimsoll.job import Job, Sensor
from plimsoll.listed import FILES, PLACES
from plimsoll.recordings import Recordings
from plimsoll.rows import Rows
from plimsoll.schema import Layout, Schema


@dataclass(frozen=True)
class Source:
    """``frame`` has a row for every answer; cells of the signals, whose ``layouts`` are known, are places among ``samples``.

    ``said`` are the columns that a model may learn from beside them; all of them where None.
    """

    frame: pl.DataFrame
    samples: NDArray[Any] | None = None
    layouts: Mapping[str, Layout] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    said: tuple[str, ...] | None = None
    sensor: Sensor | None = None  # the job's, with what was settled in reading

    @property
    def readable(self) -> pl.DataFrame:
        """The columns that say something of a row, or by which rows are parted."""
        return self.frame if self.said is None else self.frame.select(self.said)


def read(given: Any, job: Job, labelled: bool = True, known: Mapping[str, Layout] | None = None) -> Source:
    """The rows of a path or a frame, as the job takes them; not ``labelled`` where they are only to be answered.

    Signals are made ready as those that models ``known`` by name were. Raises DataError and JobError.
    """
    if job.signals is None:
        return Source(data.read(given))
    label = job.predict if job.decode and labelled else ""
    for name, layout in (known or {}).items():
        return _heard(recordings.alike(given, job.signals, name, layout, job.decode, label), job, labelled)
    return _heard(recordings.read(given, job.signals, job.decode, label), job, labelled)


def beside(given: Any, job: Job, first: Source) -> Source:
    """More rows for the same models. Raises DataError and JobError."""
    return read(given, job, known=first.layouts)


def _heard(held: Recordings, job: Job, labelled: bool) -> Source:
    """The rows of recordings: of a job that decodes their moments, else themselves."""
    layouts = {held.name: held.layout}
    assert job.signals is not None
    sensor = replace(job.signals, heard=held.rate if held.rate != held.layout.rate else 0.0)
    if job.decode is None:
        named = (held.name, job.predict, *job.split.columns)
        # Where a recording lies is nothing to learn from, nor what files say of themselves, unless the job names it.
        kept = [name for name in held.frame.columns if name in named or (held.table and name not in (*FILES, *PLACES))]
        return Source(held.frame, held.samples, layouts, held.warnings, tuple(kept), sensor)
    made = moments.of(held, job, labelled)
    beside = [job.decode.person] if job.decode.person else []
    said = tuple(dict.fromkeys([held.name, *beside, job.predict, *job.split.columns]))
    return Source(made.frame, held.samples, layouts, made.warnings, said, sensor)


def batches(
    given: Any, job: Job, schema: Schema, size: int, labelled: bool = False
) -> Iterator[tuple[pl.DataFrame, Rows]]:
    """The rows of a path in order, at most ``size`` at a time: as they are shown, and as a model of this schema reads them.

    Of recordings, and of the moments in them, the places of the samples are not shown. Raises DataError and JobError.
    """
    if job.signals is None:
        for frame in data.batches(given, size):
            yield frame, infer.to_rows(frame, schema)
        return
    known = {column.name: column.layout for column in schema.columns if column.layout is not None}
    held = read(given, job, labelled, known)
    for frame in held.frame.iter_slices(size):
        yield frame.drop(*held.layouts, *moments.INNER, strict=False), infer.to_rows(frame, schema, held.samples)
