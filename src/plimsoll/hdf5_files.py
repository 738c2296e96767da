"""HDF5 files as takes: arrays of shape (frames, channels), or records of a frame each, with what is noted beside them.

The public layouts of generic-neuromotor-interface, emg2qwerty and emg2pose are records of a time and of electrodes; what
is theirs alone is in ``hdf5_notes``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import hdf5_notes, intervals
from plimsoll.errors import DataError, JobError, MissingExtra, UserError, nearest
from plimsoll.job import Sensor
from plimsoll.schema import Axis, Layout
from plimsoll.takes import STAMPS, Strip, Take, layout, paced, rate_of

Array = NDArray[Any]
_BANDS = ("emg_left", "emg_right")  # the fields of two bands that are one signal
_MOST = 20_000  # objects in a file that are looked at
_PACKED = 1_100  # times that a filter may have made samples smaller; what claims more is a bomb


@dataclass(frozen=True)
class _Signal:
    """Where a signal lies in a file: a dataset, and of records the fields."""

    path: str
    name: str
    fields: tuple[str, ...]
    frames: int
    channels: int
    dtype: np.dtype[Any]


@contextmanager
def opened(file: Path) -> Iterator[Any]:
    """The file, open for reading. Raises DataError where it is not whole, MissingExtra where h5py is not installed."""
    try:
        import h5py
    except ImportError:
        raise MissingExtra("h5py is not installed, which reads HDF5. Write: pip install 'plimsoll[signals]'") from None
    try:
        with h5py.File(file, "r") as held:
            yield held
    except UserError:
        raise
    except Exception as fault:  # a garbled file makes the library raise of any kind
        said = (str(fault).splitlines() or [type(fault).__name__])[0]
        raise DataError(f"{file}: cannot be read as HDF5 ({said}). Check that the file is whole.") from None


def read(file: Path, sensor: Sensor) -> list[Take]:
    """The takes of an HDF5 file: one signal, or one of the same name in each of several groups. Raises DataError and JobError."""
    with opened(file) as held:
        arrays = _arrays(held)
        several = _picked(file, _signals(arrays), sensor)
        return [_take(file, held, arrays, signal, sensor, len(several) > 1) for signal in several]


def _arrays(held: Any) -> dict[str, Any]:
    """The datasets of a file by their paths; never by a link that leads elsewhere, and none whose values lie elsewhere."""
    found: dict[str, Any] = {}
    seen = [0]

    def look(path: str, item: Any) -> bool | None:
        seen[0] += 1
        if hasattr(item, "dtype") and "_i_table/" not in path and not item.is_virtual and not item.external:
            found[path] = item
        return True if seen[0] >= _MOST else None

    held.visititems(look)
    return found


def _signals(arrays: Mapping[str, Any]) -> list[_Signal]:
    found = []
    for path, each in arrays.items():
        name = path.rpartition("/")[2]
        if each.dtype.names and len(each.shape) == 1:
            found += _of_records(path, each)
        elif each.dtype.kind in "iufb" and len(each.shape) in (1, 2) and not _of_pandas(each):
            wide = each.shape[1] if len(each.shape) > 1 else 0
            found.append(_Signal(path, name, (), each.shape[0], wide, each.dtype))
    return found


def _of_pandas(each: Any) -> bool:
    return "pandas_type" in each.parent.attrs


def _of_records(path: str, each: Any) -> list[_Signal]:
    wide = [key for key in each.dtype.names if len(each.dtype[key].shape) == 1 and each.dtype[key].base.kind in "iuf"]
    if not wide or _of_pandas(each):
        return []
    sets: list[tuple[str, ...]] = [_BANDS] if set(_BANDS) <= set(wide) else []
    sets += [(key,) for key in wide]
    found = []
    for fields in sets:
        types = [each.dtype[key] for key in fields]
        many, dtype = sum(one.shape[0] for one in types), np.result_type(*(one.base for one in types))
        found.append(_Signal(path, "emg" if fields == _BANDS else fields[0], fields, each.shape[0], many, dtype))
    return found


def _picked(file: Path, found: Sequence[_Signal], sensor: Sensor) -> list[_Signal]:
    """The signal that is asked for, in each group that has it; else the only one there can be."""
    if sensor.array:
        wanted = sensor.array.strip("/")
        named = [each for each in found if wanted in (each.path, each.name, each.path.rpartition("/")[2])]
        if not named:
            known = {each.path for each in found} | {each.name for each in found}
            raise JobError(f'{file}: holds no array "{sensor.array}". {nearest(sensor.array, known)}')
        return [each for each in named if each.name == named[0].name]
    records = [each for each in found if each.fields]
    likely = [each for each in records if each.name == "emg"] or records or [each for each in found if each.channels]
    likely = likely or list(found)
    if len({each.name for each in likely}) != 1:
        names = ", ".join(sorted({each.name for each in likely})[:12])
        raise JobError(
            f"{file}: which array holds the signal? Write --signals {file.name}:NAME, one of {names or 'none: it holds no arrays of numbers'}."
        )
    return likely


def _take(file: Path, held: Any, arrays: Mapping[str, Any], signal: _Signal, sensor: Sensor, several: bool) -> Take:
    each = arrays[signal.path]
    _check_stored(file, each)
    place = f"{file}:{signal.path}" if several else str(file)
    tracks = _fields(file, each, signal) | _beside(file, arrays, signal)
    stamps = next((tracks.pop(key) for key in list(tracks) if key.lower() in STAMPS), None)
    said = hdf5_notes.said(held, signal.path)
    rate = hdf5_notes.rate(held, signal.path) or rate_of(_scalars(arrays, signal))
    rate = rate or (paced(stamps()) if stamps is not None and not sensor.rate else 0.0)
    for name, table in hdf5_notes.tables(held, signal.path).items():
        tracks[name] = intervals.tracked(table, signal.frames, sensor.rate or rate, stamps)
    channels = max(signal.channels, 1)
    strip = Strip(signal.frames, channels, signal.dtype, _parts(file, signal))
    found = _layout(place, rate, signal, channels, sensor, each)
    return Take(place, signal.name, strip, found, tracks, stamps, said, _short(arrays, signal, tracks))


def _check_stored(file: Path, each: Any) -> None:
    claimed, stored = each.size * each.dtype.itemsize, each.id.get_storage_size()
    if claimed > _PACKED * stored + (1 << 20):
        raise DataError(
            f"{file}: {each.name} says that it holds {claimed:,} bytes, and {stored:,} are there. Check that the file is whole."
        )


def _layout(place: str, rate: float, signal: _Signal, channels: int, sensor: Sensor, each: Any) -> Layout:
    if signal.fields == _BANDS and channels % 2 == 0:
        half = channels // 2
        names = tuple(f"{side}{k}" for side in ("left", "right") for k in range(half))
        return Layout(rate, names, (Axis("band", 2), Axis("electrode", half, True)))
    band = bool(signal.fields) and hdf5_notes.is_wristband(signal.path)
    return layout(place, rate, signal.name, channels, sensor.ring or band, hdf5_notes.channel_names(each))


def _parts(file: Path, signal: _Signal) -> Callable[[int, int], Array]:
    def part(begin: int, end: int) -> Array:
        with opened(file) as held:  # opened anew: a handle cannot be handed on
            if not signal.fields:
                read: Array = held[signal.path][begin:end]
                return read if read.ndim > 1 else read[:, None]
            records = held[signal.path].fields(list(signal.fields))[begin:end]
            return np.concatenate([records[key] for key in signal.fields], axis=1)

    return part


def _fields(file: Path, each: Any, signal: _Signal) -> dict[str, Callable[[], Array]]:
    """The other fields of the records, a track each; of one that holds several values, a track for each of them."""
    found: dict[str, Callable[[], Array]] = {}
    for key in each.dtype.names or ():
        if key in signal.fields:
            continue
        shape = each.dtype[key].shape
        if not shape:
            found[key] = functools.partial(_field, file, signal.path, key, None)
        elif len(shape) == 1:
            found |= {f"{key}{k}": functools.partial(_field, file, signal.path, key, k) for k in range(shape[0])}
    return found


def _field(file: Path, path: str, key: str, place: int | None) -> Array:
    with opened(file) as held:
        found = held[path].fields(key)[()]
    return _texts(found if place is None else found[:, place])


def _beside(file: Path, arrays: Mapping[str, Any], signal: _Signal) -> dict[str, Callable[[], Array]]:
    """The arrays of one value a frame in the same group."""
    group = signal.path.rpartition("/")[0]
    return {
        path.rpartition("/")[2]: functools.partial(_whole, file, path)
        for path, each in arrays.items()
        if path != signal.path
        and path.rpartition("/")[0] == group
        and each.shape == (signal.frames,)
        and not each.dtype.names
    }


def _whole(file: Path, path: str) -> Array:
    with opened(file) as held:
        each = held[path]
        _check_stored(file, each)
        return _texts(each[()])


def _texts(found: Array) -> Array:
    """Bytes and objects as texts."""
    if found.dtype.kind not in "SO":
        return found
    return np.array(
        [cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell) for cell in found.tolist()],
        dtype=np.str_,
    )


def _scalars(arrays: Mapping[str, Any], signal: _Signal) -> dict[str, Any]:
    group = signal.path.rpartition("/")[0]
    near = {path: each for path, each in arrays.items() if path.rpartition("/")[0] in ("", group) and each.size == 1}
    return {path.rpartition("/")[2]: each[()] for path, each in near.items() if each.dtype.kind in "iuf"}


def _short(arrays: Mapping[str, Any], signal: _Signal, tracks: Mapping[str, Any]) -> dict[str, int]:
    group = signal.path.rpartition("/")[0]
    return {
        path.rpartition("/")[2]: each.shape[0]
        for path, each in arrays.items()
        if path.rpartition("/")[0] == group
        and len(each.shape) == 1
        and path.rpartition("/")[2] not in tracks
        and path != signal.path
    }
