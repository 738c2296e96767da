"""Which recordings there are: those that a table lists, or all that lie in a folder, each with the take that holds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from plimsoll import data, folders, parquet_files, signal_files
from plimsoll.errors import DataError, JobError, UserError, nearest
from plimsoll.job import Sensor
from plimsoll.takes import Take

FILES = ("file", "path")  # columns that name the file of a recording
PLACES = ("start", "length")
_SHOWN = 3  # names in a message


@dataclass(frozen=True)
class Piece:
    """One recording: the frames from ``begin`` to ``end`` of a take. ``name`` is what messages call it."""

    name: str
    take: Take
    begin: int
    end: int


@dataclass(frozen=True)
class Listed:
    """``frame`` has a row for each of ``pieces``. ``table`` says whether somebody wrote it; ``lost`` are the recordings that
    cannot be read, with the reason."""

    frame: pl.DataFrame
    pieces: tuple[Piece, ...]
    table: bool
    lost: tuple[tuple[str, str], ...] = ()


def of(source: Any, sensor: Sensor) -> Listed:
    """The recordings of a table, of a folder, of a glob or of one file of samples. Raises DataError and JobError.

    A table that names a file a row, in a column ``file`` or ``path``, is looked up beside itself; else all its recordings
    lie in one file, at ``start`` and ``length`` in frames. Of a folder without a table every file of samples is read, in the
    order of their names, and its columns are ``file``, what the files say of themselves, and what sub-folders say that are
    named like ``person=P01``; other names of folders are in ``folder``, and mean nothing until a job names it.
    """
    found = None if not isinstance(source, str | Path) else folders.of_samples(Path(source))
    if found is not None:
        return _of_folder(*found, sensor)
    frame = data.read(folders.table(source))
    base = folders.base(source)
    column = next((name for name in FILES if name in frame.columns), None)
    if column is None or sensor.file:
        return _of_one(frame, signal_files.read(folders.held_in(base, sensor), sensor))
    return _of_many(frame, column, base, sensor)


def _of_one(frame: pl.DataFrame, takes: Sequence[Take]) -> Listed:
    """A table whose recordings lie in one file."""
    key = parquet_files.RECORDING
    if len(takes) > 1:
        if key not in frame.columns:
            raise DataError(
                f'The samples are of {len(takes):,} recordings. Give the table a column "{key}" that says which a row is.'
            )
        by = {str(take.said.get(key, take.place.rpartition(":")[2])): take for take in takes}
        names = frame[key].cast(pl.String).to_list()
        if odd := [name for name in names if name not in by]:
            raise DataError(f'{key} "{odd[0]}" of the table is none of the samples. {nearest(str(odd[0]), by)}')
        return Listed(frame, tuple(Piece(name, by[name], 0, by[name].samples.frames) for name in names), True)
    take = takes[0]
    if frame.height == 1 and PLACES[0] not in frame.columns:
        return Listed(frame, (Piece("row 1", take, 0, take.samples.frames),), True)
    begins, ends = _places(frame, [take] * frame.height)
    return Listed(
        frame, tuple(Piece(f"row {k + 1}", take, b, e) for k, (b, e) in enumerate(zip(begins, ends, strict=True))), True
    )


def _places(frame: pl.DataFrame, takes: Sequence[Take]) -> tuple[list[int], list[int]]:
    """Where each recording lies among the samples: ``start`` and ``length``, in frames."""
    for name in PLACES:
        if name not in frame.columns:
            raise DataError(
                f'The table has no column "{name}". {nearest(name, frame.columns)} It says where a recording lies, in frames.'
            )
        if frame[name].null_count() or frame[name].cast(pl.Int64, strict=False).null_count():
            raise DataError(
                f'The column "{name}" holds cells that are no whole number. It says where a recording lies, in frames.'
            )
    start, length = (frame[name].cast(pl.Int64).to_numpy() for name in PLACES)
    many = np.array([take.samples.frames for take in takes])
    wrong = np.flatnonzero((start < 0) | (length < 0) | (length > many) | (start > many - length))
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            f"Row {row + 1} of the table points at frames {start[row]} to {int(start[row]) + int(length[row])}; {Path(takes[row].place).name} has {many[row]:,}."
        )
    return start.tolist(), (start + length).tolist()


def _of_many(frame: pl.DataFrame, column: str, base: Path, sensor: Sensor) -> Listed:
    """A table that names a file a row."""
    names = [name or "" for name in frame[column].cast(pl.String).to_list()]
    missing = [k for k, name in enumerate(names) if not name or not (base / name).is_file()]
    if missing:
        row = missing[0]
        raise DataError(
            f'The table points at {len(missing):,} files that are not there: row {row + 1} at "{names[row]}" in {base or Path.cwd()}. Mend its column "{column}".'
        )
    rows, pieces, lost = [], [], _Lost()
    for row, name in enumerate(names):
        takes = lost.tried(name, lambda name=name: _single(base / name, sensor))
        if takes:
            rows.append(row)
            pieces.append(Piece(name, takes[0], 0, takes[0].samples.frames))
    lost.check(pieces)
    kept = frame[rows]
    if any(name in frame.columns for name in PLACES):
        begins, ends = _places(kept, [piece.take for piece in pieces])
        pieces = [Piece(p.name, p.take, b, e) for p, b, e in zip(pieces, begins, ends, strict=True)]
    return Listed(kept, tuple(pieces), True, tuple(lost.reasons))


def _single(file: Path, sensor: Sensor) -> list[Take]:
    found = signal_files.read(file, sensor)
    if len(found) != 1:
        raise DataError(
            f"{file}: holds {len(found):,} recordings, and the table names one. Write --signals :NAME for one of them."
        )
    return found


def _of_folder(folder: Path, files: Sequence[Path], sensor: Sensor) -> Listed:
    """Every file of samples in a folder, each with what is said of it."""
    told, pieces, lost = [], [], _Lost()
    for file in files:
        name = str(file.relative_to(folder))
        for take in lost.tried(name, lambda file=file: signal_files.read(file, sensor)):
            part = take.place.removeprefix(str(file))
            pieces.append(Piece(name + part, take, 0, take.samples.frames))
            told.append(
                {
                    "file": name + part,
                    **folders.said(file.relative_to(folder)),
                    **{k: v for k, v in take.said.items() if k != "file"},
                }
            )
    lost.check(pieces)
    frame = pl.DataFrame(
        [
            pl.Series(column, [row.get(column) for row in told], strict=False)
            for column in dict.fromkeys(k for row in told for k in row)
        ]
    )
    return Listed(frame, tuple(pieces), False, tuple(lost.reasons))


class _Lost:
    """What cannot be read, with the reasons; all of it is an error, some of it is left out."""

    def __init__(self) -> None:
        self.reasons: list[tuple[str, str]] = []
        self._faults: list[UserError] = []

    def tried(self, name: str, read: Any) -> list[Take]:
        try:
            found: list[Take] = read()
        except (DataError, JobError) as fault:
            self._faults.append(fault)
            self.reasons.append((name, str(fault).partition(": ")[2] or str(fault)))
            return []
        return found

    def check(self, pieces: Sequence[Piece]) -> None:
        if self._faults and not pieces:
            raise self._faults[0]
