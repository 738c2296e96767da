"""Parquet files as takes: a column a channel, and beside them columns of times and labels; or many takes in one long table."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.errors import DataError, JobError, nearest
from plimsoll.job import Sensor
from plimsoll.takes import STAMPS, Strip, Take, layout, paced, rate_of

Array = NDArray[Any]
RECORDING = "recording"  # the column that says which take a row of a long table is of
TABLE = ("file", "path", "start", "length")  # columns that a table of recordings has, and samples have not
_NUMBERED = re.compile(r"^(.*?)[ _.\-]?\d+$")


@dataclass(frozen=True)
class _Columns:
    """What the columns of a file are."""

    name: str
    channels: tuple[str, ...]
    stamps: str | None
    beside: tuple[str, ...]


def is_table(file: Path) -> bool:
    """Whether a file lists recordings, and holds no samples itself."""
    return any(name in _schema(file) for name in TABLE)


def read(file: Path, sensor: Sensor) -> list[Take]:
    """The takes of a Parquet file, in the order of its rows. Raises DataError and JobError in one line.

    The channels are the columns of numbers whose names share a stem, such as emg0 to emg7, the largest such family; or
    where there is none, all columns of decimal numbers; ``sensor.array`` names the stem, or the one column. A column
    ``recording`` parts a long table into takes, each of rows that follow one another.
    """
    with _whole(file):
        return _takes(file, sensor)


def _takes(file: Path, sensor: Sensor) -> list[Take]:
    schema = _schema(file)
    columns = _columns(file, schema, sensor)
    said = rate_of({name: _number(text) for name, text in pl.read_parquet_metadata(file).items()})
    whole = _constant(file, columns.beside, RECORDING in schema)
    if RECORDING not in schema:
        return [_take(file, columns, sensor, said, 0, _rows(file), None, whole[None])]
    ends = (
        pl.scan_parquet(file, glob=False)
        .select(pl.col(RECORDING).cast(pl.String).rle())
        .collect()[RECORDING]
        .struct.unnest()
    )
    lengths, names = ends["len"].to_list(), ends["value"].to_list()
    if len(set(names)) != len(names):
        raise DataError(
            f'{file}: the rows of a recording do not follow one another. Sort it by "{RECORDING}" and time.'
        )
    starts = np.cumsum([0, *lengths])
    return [
        _take(file, columns, sensor, said, int(start), length, name, whole[name])
        for start, length, name in zip(starts, lengths, names, strict=False)
    ]


@contextmanager
def _whole(file: Path) -> Iterator[None]:
    """What a broken file comes to in polars, as one line of ours; it may even panic, which is no Exception."""
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as fault:
        first = (str(fault).splitlines() or [""])[0]
        raise DataError(f"{file}: cannot be read as Parquet ({first}). Check that the file is whole.") from None


def _schema(file: Path) -> dict[str, Any]:
    with _whole(file):
        return dict(pl.scan_parquet(file, glob=False).collect_schema())


def _rows(file: Path) -> int:
    return int(pl.scan_parquet(file, glob=False).select(pl.len()).collect().item())


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def _columns(file: Path, schema: dict[str, Any], sensor: Sensor) -> _Columns:
    stamps = next(
        (
            name
            for name in schema
            if name.lower() in STAMPS and (schema[name].is_numeric() or schema[name].is_temporal())
        ),
        None,
    )
    free = [name for name, dtype in schema.items() if dtype.is_numeric() and name not in (stamps, RECORDING)]
    name, channels = _channels(file, schema, free, sensor.array)
    kept = {*channels, stamps, RECORDING}
    beside = tuple(column for column, dtype in schema.items() if column not in kept and not dtype.is_nested())
    return _Columns(name, tuple(channels), stamps, beside)


def _channels(file: Path, schema: dict[str, Any], free: Sequence[str], wanted: str) -> tuple[str, list[str]]:
    families: dict[str, list[str]] = {}
    for name in free:
        if (found := _NUMBERED.match(name)) is not None:
            families.setdefault(found[1], []).append(name)
    if wanted:
        found_ = families.get(wanted) or [name for name in free if name == wanted]
        if not found_:
            raise JobError(f'{file}: holds no columns "{wanted}" of numbers. {nearest(wanted, [*families, *free])}')
        return wanted, found_
    widest = max(families.values(), key=len, default=[])
    if len(widest) > 1:
        if sum(len(each) == len(widest) for each in families.values()) > 1:
            raise JobError(
                f"{file}: which columns are the signal? Write --signals :NAME, one of {', '.join(families)}."
            )
        return _NUMBERED.match(widest[0])[1] or "signal", widest  # type: ignore[index]  # it matched above
    decimals = [name for name in free if schema[name].is_float()]
    if not decimals:
        raise JobError(
            f"{file}: which columns are the signal? None is of decimal numbers. Write --signals :NAME, such as the emg of emg0, emg1."
        )
    return "signal", decimals


def _take(
    file: Path,
    columns: _Columns,
    sensor: Sensor,
    said: float,
    start: int,
    frames: int,
    name: str | None,
    whole: dict[str, Any],
) -> Take:
    stamps = None if columns.stamps is None else functools.partial(_stamps, file, columns.stamps, start, frames)
    rate = said or (_paced(file, columns, start, frames) if columns.stamps and not sensor.rate else 0.0)
    place = str(file) if name is None else f"{file}:{name}"
    types = [np.dtype(_numpy(file, column)) for column in columns.channels]
    strip = Strip(frames, len(columns.channels), np.result_type(*types), _parts(file, columns.channels, start))
    tracks = {column: functools.partial(_track, file, column, start, frames) for column in columns.beside}
    found = layout(place, rate, columns.name, strip.channels, sensor.ring, columns.channels)
    return Take(place, columns.name, strip, found, tracks, stamps, whole)


def _numpy(file: Path, name: str) -> Any:
    return pl.Series([], dtype=_schema(file)[name]).to_numpy().dtype


def _read(file: Path, names: Sequence[str], start: int, frames: int) -> pl.DataFrame:
    with _whole(file):
        return pl.scan_parquet(file, glob=False).select(names).slice(start, frames).collect()


def _parts(file: Path, names: Sequence[str], start: int) -> Callable[[int, int], Array]:
    return lambda begin, end: _read(file, names, start + begin, end - begin).to_numpy()


def _track(file: Path, name: str, start: int, frames: int) -> Array:
    cells = _read(file, [name], start, frames)[name]
    if cells.dtype in (pl.Categorical, pl.Enum, pl.String):
        return cells.cast(pl.String).fill_null("").to_numpy().astype(np.str_)
    return np.asarray(cells.cast(pl.Int8).to_numpy() if cells.dtype == pl.Boolean else cells.to_numpy())


def _stamps(file: Path, name: str, start: int, frames: int) -> Array:
    cells = _read(file, [name], start, frames)[name]
    if isinstance(cells.dtype, pl.Datetime):
        return np.asarray(cells.cast(pl.Datetime("us")).dt.epoch("us").to_numpy() / 1e6)
    if isinstance(cells.dtype, pl.Duration):
        return np.asarray(cells.dt.total_microseconds().to_numpy() / 1e6)
    return np.asarray(cells.cast(pl.Float64, strict=False).to_numpy())


def _paced(file: Path, columns: _Columns, start: int, frames: int) -> float:
    """The rate by the stamps; whole numbers may be ticks of any kind, and say none."""
    assert columns.stamps is not None
    if _schema(file)[columns.stamps].is_integer():
        return 0.0
    return paced(_stamps(file, columns.stamps, start, min(frames, 100_000)))


def _constant(file: Path, names: Sequence[str], several: bool) -> dict[str | None, dict[str, Any]]:
    """Of each take, by its name, the columns that hold one value throughout: they are said of the whole of it."""
    rows = pl.scan_parquet(file, glob=False).select(
        *names, pl.lit(None, pl.String).alias(RECORDING) if not several else pl.col(RECORDING).cast(pl.String)
    )
    ends = [
        end
        for name in names
        for end in (pl.col(name).min().alias(f"{name} least"), pl.col(name).max().alias(f"{name} most"))
    ]
    found: dict[str | None, dict[str, Any]] = {}
    for row in rows.group_by(RECORDING).agg(*ends).collect().iter_rows(named=True):
        whole = {} if row[RECORDING] is None else {RECORDING: row[RECORDING]}
        found[row[RECORDING]] = whole | {
            name: row[f"{name} least"]
            for name in names
            if row[f"{name} least"] is not None and row[f"{name} least"] == row[f"{name} most"]
        }
    return found or {None: {}}
