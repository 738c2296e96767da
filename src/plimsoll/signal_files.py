"""Files of samples: NPZ, HDF5, Parquet and WAV, each read as takes by a room of its own."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path

from plimsoll import data, intervals
from plimsoll.errors import DataError
from plimsoll.job import Sensor
from plimsoll.takes import Take

# Loaded when a file of the kind is met: each may need a library of its own.
_ROOMS = {
    ".npz": "npz_files",
    ".h5": "hdf5_files",
    ".hdf5": "hdf5_files",
    ".hdf": "hdf5_files",
    ".wav": "wav_files",
    ".parquet": "parquet_files",
}
ENDINGS = tuple(_ROOMS)
# Beside take.wav, a table of its events: a label, a start (onset), and an end or a duration, in seconds.
_EVENTS = (".events.csv", ".events.tsv", "_events.csv", "_events.tsv")


def read(file: Path, sensor: Sensor) -> list[Take]:
    """What a file holds, without its samples yet. Raises DataError and JobError in one line, and MissingExtra."""
    room = _ROOMS.get(file.suffix.lower())
    if room is None:
        raise DataError(f"{file}: this ending is not known among samples. Give a file ending in {', '.join(ENDINGS)}.")
    if not file.is_file():
        raise DataError(f"{file}: there is no such file. Name the file of the samples with --signals.")
    if not file.stat().st_size:
        raise DataError(f"{file}: the file is empty. Give one with samples.")
    found: list[Take] = importlib.import_module(f"plimsoll.{room}").read(file, sensor)
    return [_noted(file, take, sensor) if len(found) == 1 else take for take in found]


def are_events(file: Path) -> bool:
    """Whether a table is one of events beside a file of samples.

    >>> are_events(Path("take.events.csv")), are_events(Path("events.csv"))
    (True, False)
    """
    return file.name.lower().endswith(_EVENTS)


def _noted(file: Path, take: Take, sensor: Sensor) -> Take:
    """The take with the events that stand in a table beside its file, as a track by the name of the labels' column."""
    beside = next((path for ending in _EVENTS if (path := file.with_name(file.stem + ending)).is_file()), None)
    if beside is None:
        return take
    table = data.read(beside)
    found = intervals.of(table.to_dict(as_series=False))
    if found is None:
        raise DataError(f"{beside}: is no table of events. Give it the columns onset, duration and label, in seconds.")
    name = next(column for known in intervals.NAMES for column in table.columns if column.lower() == known)
    rate = sensor.rate or take.layout.rate
    track = intervals.tracked(found, take.samples.frames, rate, take.stamps)
    return replace(take, tracks={**take.tracks, name: track})
