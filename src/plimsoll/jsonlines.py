"""Rows in JSON: one object a line, or one list of objects."""

from __future__ import annotations

import glob
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from plimsoll.errors import DataError
from plimsoll.lines import lines

_MARK = "\ufeff"  # what some editors write before the first line


def read(path: Path) -> pl.DataFrame:
    """All rows. A key that a row lacks is a missing cell; cells of several types are texts, as JSON writes them.

    Raises DataError with the line at fault.
    """
    source = _source(path)
    try:
        return pl.read_ndjson(source, infer_schema_length=None)
    except (pl.exceptions.PolarsError, OSError):
        # Polars cannot join some types, and does not say which line is no JSON: looking at each row does both.
        source.seek(0) if isinstance(source, io.BytesIO) else None
        return pl.read_ndjson(source, schema=types(path))


def batches(path: Path, size: int) -> Iterator[pl.DataFrame]:
    """The rows in order, at most ``size`` at a time, with the same columns and types throughout.

    Lines are read in constant memory. A list of rows is held whole, as its end says whether it is one.
    """
    source = _source(path)
    rows = pl.scan_ndjson(source, schema=types(path))
    for batch in rows.collect_batches(chunk_size=size, maintain_order=True):
        yield from batch.iter_slices(size)


def types(path: Path) -> Mapping[str, Any]:
    """The type of each column, by all rows: a key or a decimal may appear for the first time in the last of them."""
    seen: dict[str, set[Any]] = {}
    for row in _rows(path):
        for name, cell in row.items():
            seen.setdefault(name, set()).add(_type(cell))
    if not seen:
        raise DataError(f"{path}: the file holds no rows. Give one with an object a line.")
    return {name: _joined(found - {pl.Null}) for name, found in seen.items()}


def _type(cell: Any) -> Any:
    if isinstance(cell, bool):
        return pl.Boolean
    if isinstance(cell, int):
        return pl.Int64 if -(2**63) <= cell < 2**63 else pl.Float64
    return pl.Null if cell is None else pl.Float64 if isinstance(cell, float) else pl.String


def _joined(found: set[Any]) -> Any:
    if len(found) == 1:
        return next(iter(found))
    return pl.Float64 if found == {pl.Int64, pl.Float64} else pl.String


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    for number, line in enumerate(lines(path), 1):
        if number == 1 and line.lstrip().startswith("["):
            yield from _list(path)
            return
        try:
            if line.strip():
                yield decoder.decode(line)
        except (msgspec.DecodeError, RecursionError) as fault:
            raise DataError(f"{path}, line {number}: not a row in JSON ({fault}). Write one object a line.") from None


def _list(path: Path) -> list[dict[str, Any]]:
    try:
        return msgspec.json.decode("".join(lines(path)), type=list[dict[str, Any]])
    except (msgspec.DecodeError, RecursionError) as fault:
        raise DataError(
            f"{path}: not a list of rows in JSON ({fault}). Write one object a line, or a list of objects."
        ) from None


def _source(path: Path) -> Path | io.BytesIO:
    """The file itself, or its rows as plain lines where polars would not take it as it is."""
    first = next(lines(path, keep_mark=True), "")
    if first.lstrip(_MARK).lstrip().startswith("["):
        return io.BytesIO(b"\n".join(map(msgspec.json.encode, _list(path))))
    # Polars would take brackets in a file's name for a pattern.
    return io.BytesIO("".join(lines(path)).encode()) if first.startswith(_MARK) else Path(glob.escape(str(path)))
