"""NPZ files as takes: what is in them, told by the heads of their arrays. Pickled arrays are never read."""

from __future__ import annotations

import functools
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import intervals
from plimsoll.errors import DataError, JobError, UserError, nearest
from plimsoll.job import Sensor
from plimsoll.takes import RATES, STAMPS, Strip, Take, layout, paced, rate_of

Array = NDArray[Any]
_MOST = 16 << 30  # bytes of an array that is read whole
_SMALL = 1 << 20  # values that are looked at to see what they say


@dataclass(frozen=True)
class _Head:
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def bytes(self) -> int:
        return int(np.prod([float(part) for part in self.shape])) * self.dtype.itemsize


def read(file: Path, sensor: Sensor) -> list[Take]:
    """The one take of an NPZ file: the array of two dimensions, and beside it those of one value a frame.

    Raises DataError and JobError in one line.
    """
    try:
        heads = _heads(file)
        return [_take(file, heads, sensor)]
    except UserError:
        raise
    except Exception as fault:  # a garbled head raises of any kind
        raise DataError(f"{file}: cannot be read as NPZ ({_first(fault)}). Check that the file is whole.") from None


def _first(fault: Exception) -> str:
    return (str(fault).splitlines() or [type(fault).__name__])[0]


def _take(file: Path, heads: Mapping[str, _Head], sensor: Sensor) -> Take:
    name = _name(heads, sensor, file)
    head = heads[name]
    frames, wide = head.shape[0], head.shape[1] if len(head.shape) > 1 else 1
    if head.bytes > _MOST:
        raise DataError(f"{file}: {name} is too large to be read whole. Save it as HDF5, which is read in parts.")
    tracks = {
        key: functools.partial(_loaded, file, key)
        for key, each in heads.items()
        if key != name and each.shape == (frames,) and not each.dtype.names
    }
    stamps = next((tracks.pop(key) for key in STAMPS if key in tracks), None)
    small = {key: _loaded(file, key) for key, each in heads.items() if each.shape in ((), (1,)) and key in RATES}
    rate = rate_of(small) or (paced(stamps()) if stamps is not None and not sensor.rate else 0.0)
    for key, each in heads.items():
        if each.dtype.names and len(each.shape) == 1 and each.shape[0] <= _SMALL:
            table = _loaded(file, key)
            if found := intervals.of({column: table[column].tolist() for column in each.dtype.names}):
                tracks[key] = intervals.tracked(found, frames, sensor.rate or rate, stamps)  # type: ignore[assignment]
    short = {
        key: each.shape[0]
        for key, each in heads.items()
        if len(each.shape) == 1 and key not in tracks and each.dtype.kind != "V"
    }
    strip = Strip(
        frames, wide, head.dtype, lambda begin, end: _samples(file, name)[begin:end], lambda: _samples(file, name)
    )
    return Take(str(file), name, strip, layout(str(file), rate, name, wide, sensor.ring), tracks, stamps, short=short)


def _heads(file: Path) -> dict[str, _Head]:
    """The shape and the type of each array, without its values."""
    found = {}
    with zipfile.ZipFile(file) as held:
        for member in held.infolist():
            if not member.filename.endswith(".npy"):
                continue
            with held.open(member) as stream:
                version = np.lib.format.read_magic(stream)
                reader = (
                    np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                )
                shape, _, dtype = reader(stream)
            if not dtype.hasobject:
                found[member.filename.removesuffix(".npy")] = _Head(shape, dtype)
    return found


def _samples(file: Path, name: str) -> Array:
    held = _loaded(file, name)
    return held if held.ndim > 1 else held[:, None]


def _loaded(file: Path, name: str) -> Array:
    facts = file.stat()
    return _array(file, name, facts.st_size, facts.st_mtime_ns)


@functools.lru_cache(maxsize=1)  # its parts are read one after another
def _array(file: Path, name: str, _size: int, _changed: int) -> Array:
    try:
        with np.load(file, allow_pickle=False) as held:
            return np.asarray(held[name])
    except Exception as fault:
        raise DataError(f"{file}: {name} cannot be read ({_first(fault)}). Check that the file is whole.") from None


def _name(heads: Mapping[str, _Head], sensor: Sensor, file: Path) -> str:
    if sensor.array:
        if sensor.array not in heads:
            raise JobError(f'{file}: holds no array "{sensor.array}". {nearest(sensor.array, heads)}')
        if len(heads[sensor.array].shape) not in (1, 2):
            raise JobError(
                f"{file}: {sensor.array} has the shape {heads[sensor.array].shape}. A signal has the shape (frames, channels)."
            )
        return sensor.array
    found = [name for name, head in heads.items() if len(head.shape) == 2 and head.dtype.kind in "iufb"]
    if len(found) != 1:
        raise JobError(
            f"{file}: which array holds the signal? Write --signals {file.name}:NAME, one of {', '.join(heads) or 'none: it holds no arrays'}."
        )
    return found[0]
