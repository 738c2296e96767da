"""Delimited text, CSV and TSV: its head, its rows, and which of its lines is at fault."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from plimsoll.cells import plain
from plimsoll.errors import DataError
from plimsoll.lines import lines

_DELIMITERS = (",", ";", "\t", "|")
_PEEK = 1 << 18  # characters of a file in which its delimiter is looked for
_LONG = 1 << 26  # a header longer than this is not one
_SMALL = 50_000_000  # bytes up to which a whole file may be looked at before its types are settled
_LOOK = 100_000  # rows looked at in a larger one
_REPEATED = 0.2  # texts with fewer distinct values than this share of the rows looked at are stored as categories
_TYPES = (pl.Boolean, pl.Int64, pl.Float64)  # the narrowest first
_PADDED = r"^(?:\+|[+-]?0[0-9])"  # a number that would not be written so again, such as 007

csv.field_size_limit(1 << 30)


@dataclass(frozen=True)
class Head:
    """What the first line says: the columns' names, and what stands between cells."""

    names: tuple[str, ...]
    delimiter: str


def head(path: Path) -> Head:
    """The names and the delimiter of a CSV or TSV file, gzipped or not.

    Raises DataError where the file is empty, is not UTF-8 or names two columns alike.
    """
    text = _peek(path)
    if not text.strip():
        raise DataError(f"{path}: the file is empty. Give one with a header and rows.")
    tabs = path.name.lower().removesuffix(".gz").endswith(".tsv")
    try:
        delimiter = sniff(text, "\t" if tabs else ",")
        cells = next(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error:  # it refuses one thing here: lines that end as they once did on Macs
        raise DataError(
            f"{path}: a carriage return stands alone in a line. Save the file with lines that end in \\n."
        ) from None
    names = [name or f"column_{place}" for place, name in enumerate(cells, 1)]
    seen: set[str] = set()
    twins = [name for name in names if name in seen or seen.add(name)]  # type: ignore[func-returns-value]  # add gives None
    if twins:
        raise DataError(
            f"{path}, line 1: {', '.join(dict.fromkeys(twins))} is the name of several columns. Rename all but one."
        )
    return Head(tuple(names), delimiter)


def sniff(text: str, usual: str) -> str:
    """The delimiter of a text: the usual one, unless it gives a single column and another gives several, alike in each row.

    >>> sniff("a;b\\n1;2\\n", ",")
    ';'
    >>> sniff("a,b\\n1;2,3\\n", ",")
    ','
    """
    best, most = usual, 1
    for delimiter in (usual, *(other for other in _DELIMITERS if other != usual)):
        rows = [row for row in islice(csv.reader(io.StringIO(text), delimiter=delimiter), 50) if row]
        counts = {len(row) for row in rows}
        if delimiter == usual and rows and len(rows[0]) > 1:
            return usual
        if len(counts) == 1 and max(counts) > most:
            best, most = delimiter, max(counts)
    return best


def read(path: Path) -> pl.DataFrame:
    """All rows. A column is of numbers or booleans where every cell is; empty cells are missing.

    Raises DataError with the line at fault where it can be named.
    """
    top = head(path)
    small = path.stat().st_size * (8 if path.name.lower().endswith(".gz") else 1) < _SMALL
    try:
        frame = _scanned(path, top, None if small else _LOOK)
    except (pl.exceptions.PolarsError, OSError) as fault:
        if small:
            raise DataError(blame(path, top, str(fault))) from None
        try:  # a column changed its type further down
            frame = _scanned(path, top, None)
        except (pl.exceptions.PolarsError, OSError) as again:
            raise DataError(blame(path, top, str(again))) from None
    frame.columns = list(top.names)
    if not small:
        frame = pl.DataFrame([cells.shrink_dtype() if cells.dtype == pl.Int64 else cells for cells in frame])
    # Polars fills a short row with missing cells, so only a gap in the last column can hide one.
    if small and len(top.names) > 1 and frame[:, -1].null_count() and (number := _short_row(path, top)):
        raise DataError(
            f"{path}, line {number}: the row has fewer cells than the header's {len(top.names)}. Mend or remove the line."
        )
    return frame


def batches(path: Path, size: int) -> Iterator[pl.DataFrame]:
    """The rows in order, at most ``size`` at a time, in constant memory; every cell is a text, as the file has it."""
    top = head(path)
    try:
        for batch in _texts(path, top).collect_batches(chunk_size=size, maintain_order=True):
            batch.columns = list(top.names)
            yield from batch.iter_slices(size)  # a chunk size is a wish to polars; a caller counts on it
    except (pl.exceptions.PolarsError, OSError) as fault:
        raise DataError(blame(path, top, str(fault))) from None


def types(path: Path) -> Mapping[str, Any]:
    """What every cell of a column can be cast to without loss: Int64, Float64, Boolean, else String.

    Looks at all rows, in constant memory. A code such as 007 is no number here, so it can be written as it was.
    """
    able = dict.fromkeys(head(path).names, _TYPES)
    for batch in batches(path, _LOOK):
        for cells in batch:
            if left := able[cells.name]:
                able[cells.name] = _fitting(plain(cells).drop_nulls(), left)
    # A column without a cell fits them all.
    return {name: pl.Null if left == _TYPES else (*left, pl.String)[0] for name, left in able.items()}


def _fitting(cells: pl.Series, types: Sequence[Any]) -> tuple[Any, ...]:
    """Those of the types that every cell can be cast to."""
    padded = cells.str.contains(_PADDED).any()
    return tuple(
        dtype
        for dtype in types
        if (
            cells.is_in(["true", "false"]).all()
            if dtype == pl.Boolean
            else not padded and not cells.cast(dtype, strict=False).null_count()
        )
    )


def _texts(path: Path, top: Head) -> pl.LazyFrame:
    return pl.scan_csv(path, glob=False, separator=top.delimiter, infer_schema=False)


def _scanned(path: Path, top: Head, look: int | None) -> pl.DataFrame:
    rows = pl.scan_csv(path, glob=False, separator=top.delimiter, infer_schema_length=look)
    # Numbers too long for 64 bits are kept as texts: polars takes some that even 128 bits cannot hold.
    schema: dict[str, Any] = {
        name: pl.String if dtype == pl.Int128 else dtype for name, dtype in rows.collect_schema().items()
    }
    if look is not None:
        # Texts that repeat are stored once from the start: ten million of them are then 40 MB, not a gigabyte.
        sample = rows.head(look).collect()
        few = [cells.name for cells in sample if cells.dtype == pl.String]
        few = [name for name in few if sample[name].n_unique() < _REPEATED * sample.height]
        schema |= dict.fromkeys(few, pl.Categorical)
    return pl.scan_csv(path, glob=False, separator=top.delimiter, schema=schema).collect(engine="streaming")


def _short_row(path: Path, top: Head) -> int | None:
    """The line on which a row with fewer cells than the header ends, or None."""
    return _odd_row(path, top, lambda count: count < len(top.names))


def blame(path: Path, top: Head, fault: str) -> str:
    """A sentence for a file that polars refused: the line at fault where it can be found, else polars' own words."""
    wide = len(top.names)
    if path.name.lower().endswith(".gz"):
        for _ in lines(path):
            pass  # reading it to the end says whether it is whole
    if "more fields" in fault and (number := _odd_row(path, top, lambda count: count > wide)):
        return f"{path}, line {number}: the row has more cells than the header's {wide}. Quote cells that hold a {_named(top.delimiter)}, or mend the line."
    if "utf-8" in fault.lower():
        for _ in lines(path):
            pass  # reading it names the line
    first = (fault.splitlines() or ["no reason given"])[0]
    if first.startswith('could not parse `"'):
        return f"{path}: a quote is opened and not closed near {first[17:60]} … Mend the line."
    return f"{path}: cannot be read as a table ({first}). Check that the file is whole."


def _odd_row(path: Path, top: Head, odd: Callable[[int], bool]) -> int | None:
    reader = csv.reader(lines(path), delimiter=top.delimiter)
    try:
        return next((reader.line_num for row in reader if row and odd(len(row))), None)
    except csv.Error:
        return reader.line_num


def _named(delimiter: str) -> str:
    return {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}[delimiter]


def _peek(path: Path) -> str:
    """The start of the file: the whole header at least, however many columns it names."""
    parts, size = [], 0
    for line in lines(path):
        if "\0" in line:
            raise DataError(f"{path}: this is not text. Save the file as CSV in UTF-8.")
        parts.append(line)
        size += len(line)
        if size > _LONG:
            raise DataError(f"{path}, line {len(parts)}: the line does not end. Check that the file is a table.")
        if size > _PEEK and len(parts) > 2:
            break
    return "".join(parts)
