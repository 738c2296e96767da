"""WAV files as takes."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.errors import DataError
from plimsoll.job import Sensor
from plimsoll.takes import Strip, Take, layout


def read(file: Path, sensor: Sensor) -> list[Take]:
    """The one take of a WAV file, its samples mapped where they can be. Raises DataError where it cannot be read."""
    rate, held, notes = _opened(file, *_state(file))
    found = layout(str(file), float(rate), "audio", held.shape[1], sensor.ring, axis="channel")
    # Eight bits are told from the middle of their range.
    dtype = np.dtype(np.int8) if held.dtype == np.uint8 else held.dtype
    return [
        Take(
            str(file), sensor.array or "audio", Strip(len(held), held.shape[1], dtype, _parts(file)), found, notes=notes
        )
    ]


def _state(file: Path) -> tuple[int, int]:
    facts = file.stat()
    return facts.st_size, facts.st_mtime_ns


@functools.lru_cache(maxsize=1)  # a file's parts are read one after another; of more files, a machine gives no maps
def _opened(file: Path, _size: int, _changed: int) -> tuple[int, NDArray[Any], tuple[str, ...]]:
    """The rate, the samples, shape (frames, channels), and what is to be said of the file."""
    from scipy.io import wavfile

    for mapped in (True, False):  # 24 bits cannot be mapped, and a file that ends too soon neither
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            try:
                rate, held = wavfile.read(file, mmap=mapped)
            except Exception as fault:  # SciPy raises whatever a field comes to
                if mapped:
                    continue
                raise DataError(
                    f"{file}: cannot be read as WAV ({(str(fault).splitlines() or ['it is garbled'])[0]}). Check that the file is whole."
                ) from None
        cut = any("EOF" in str(warning.message) for warning in heard)
        shaped = held if held.ndim > 1 else held[:, None]
        return int(rate), shaped, ("ends before its header says",) if cut else ()
    raise AssertionError


def _parts(file: Path) -> Callable[[int, int], NDArray[Any]]:
    def part(begin: int, end: int) -> NDArray[Any]:
        held = _opened(file, *_state(file))[1][begin:end]
        return (held.astype(np.int16) - 128).astype(np.int8) if held.dtype == np.uint8 else np.array(held)

    return part
