"""Read tables: a file, a folder, a glob, or a frame in memory, into one polars frame.

Nothing is guessed about meaning here; ``infer`` says what the columns are.
"""

from __future__ import annotations

import glob
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from plimsoll.delimited import Head, blame, head, lines, short_row
from plimsoll.errors import DataError, nearest

ENDINGS = (
    ".csv",
    ".csv.gz",
    ".tsv",
    ".tsv.gz",
    ".parquet",
    ".jsonl",
    ".jsonl.gz",
    ".ndjson",
    ".ndjson.gz",
    ".json",
    ".json.gz",
    ".arrow",
    ".feather",
    ".ipc",
)
_SMALL = 50_000_000  # bytes up to which a whole file may be looked at before its types are settled
_LOOK = 100_000  # rows looked at in a larger one
_REPEATED = 0.2  # texts with fewer distinct values than this share of the rows looked at are stored as categories


def read(source: Any) -> pl.DataFrame:
    """All rows of a path, a folder, a glob, or of a polars, pandas or pyarrow table. Empty cells are missing.

    Raises DataError with the file, and the line where one can be named.

    >>> read(pl.DataFrame({"a": [1, 2]})).shape
    (2, 1)
    """
    if isinstance(source, str | Path):
        return _joined([(path, _read_file(path)) for path in files(source)])
    if isinstance(source, pl.LazyFrame):
        return source.collect()
    return source if isinstance(source, pl.DataFrame) else _foreign(source)


def files(source: str | Path) -> list[Path]:
    """The files that a path, a folder or a glob names, sorted. Raises DataError where there are none."""
    path = Path(source)
    if path.is_file():
        ending(path)
        return [path]
    if path.is_dir():
        found = sorted(child for child in path.iterdir() if child.is_file() and child.name.lower().endswith(ENDINGS))
    else:
        found = [Path(name) for name in sorted(glob.glob(str(source))) if Path(name).is_file()]
    if found:
        return found
    if path.is_dir():
        raise DataError(f"{path}: the folder holds no table. Give one with files ending in {', '.join(ENDINGS)}.")
    beside = [child.name for child in path.parent.iterdir()] if path.parent.is_dir() else []
    hint = nearest(path.name, beside) if beside else "Check the folder's name."
    raise DataError(f"{path}: there is no such file. {hint}")


def ending(path: Path) -> str:
    """What a file is by its ending, without the dot and without ``.gz``.

    >>> ending(Path("rows.CSV.gz"))
    'csv'
    """
    name = path.name.lower()
    if not name.endswith(ENDINGS):
        raise DataError(f"{path}: this ending is not known. Give a file ending in {', '.join(ENDINGS)}.")
    return name.removesuffix(".gz").rpartition(".")[2]


def batches(path: str | Path, size: int) -> Iterator[pl.DataFrame]:
    """The rows in order, at most ``size`` at a time, in constant memory, with the same columns and types throughout.

    Cells of CSV and JSON come as texts, for what a column holds further on is not known yet; ``infer.to_rows``
    casts them. Raises DataError as ``read`` does.
    """
    for file in files(path):
        kind = ending(file)
        if kind in ("csv", "tsv"):
            yield from _csv_batches(file, size)
        elif kind in ("jsonl", "ndjson", "json"):
            yield from _json_batches(file, size)
        else:
            lazy = pl.scan_parquet(file) if kind == "parquet" else pl.scan_ipc(file)
            yield from _guarded(file, lambda lazy=lazy: _collected(lazy, size))  # type: ignore[misc]  # bound now


def _read_file(path: Path) -> pl.DataFrame:
    kind = ending(path)
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty. Give one with a header and rows.")
    if kind in ("csv", "tsv"):
        return _read_csv(path, head(path))
    try:
        if kind == "parquet":
            return pl.read_parquet(path)
        return _read_arrow(path) if kind in ("arrow", "feather", "ipc") else _read_json(path)
    except (pl.exceptions.PolarsError, OSError) as fault:
        raise _unreadable(path, fault) from None


def _read_csv(path: Path, top: Head) -> pl.DataFrame:
    small = path.stat().st_size * (8 if path.name.endswith(".gz") else 1) < _SMALL
    try:
        frame = _scan(path, top, None if small else _LOOK)
    except pl.exceptions.PolarsError as fault:
        if small:
            raise DataError(blame(path, top, str(fault))) from None
        try:  # a column changed its type further down
            frame = _scan(path, top, None)
        except pl.exceptions.PolarsError as again:
            raise DataError(blame(path, top, str(again))) from None
    frame.columns = list(top.names)
    # Polars fills a short row with missing cells, so only a gap in the last column can hide one.
    if small and len(top.names) > 1 and frame[:, -1].null_count() and (number := short_row(path, top)):
        raise DataError(
            f"{path}, line {number}: the row has fewer cells than the header's {len(top.names)}. Mend or remove the line."
        )
    return frame


def _scan(path: Path, top: Head, look: int | None) -> pl.DataFrame:
    options: dict[str, Any] = {"separator": top.delimiter, "infer_schema_length": look}
    if look is None:
        return pl.scan_csv(path, **options).collect(engine="streaming")
    # Texts that repeat are stored once from the start: ten million of them are then 40 MB, not a gigabyte.
    sample = pl.scan_csv(path, **options).head(look).collect()
    few = {
        name: pl.Categorical
        for name, dtype in sample.schema.items()
        if dtype == pl.String and sample[name].n_unique() < _REPEATED * sample.height
    }
    return pl.scan_csv(path, **options, schema_overrides=few).collect(engine="streaming")


def _read_json(path: Path) -> pl.DataFrame:
    first = next((line.strip() for line in lines(path) if line.strip()), "")
    if first.startswith("["):
        raw = b"".join(line.encode() for line in lines(path))
        try:
            return pl.DataFrame(msgspec.json.decode(raw), infer_schema_length=None, strict=False)
        except (msgspec.DecodeError, TypeError) as fault:
            raise DataError(
                f"{path}: not a list of rows in JSON ({fault}). Write one object a line, or a list of objects."
            ) from None
    return pl.read_ndjson(path, infer_schema_length=None)


def _read_arrow(path: Path) -> pl.DataFrame:
    try:
        return pl.read_ipc(path)
    except pl.exceptions.PolarsError:
        return pl.read_ipc_stream(path)


def _unreadable(path: Path, fault: Exception) -> DataError:
    first = (str(fault).splitlines() or [""])[0]
    if ending(path) in ("jsonl", "ndjson", "json"):
        for number, line in enumerate(lines(path), 1):
            try:
                msgspec.json.decode(line.strip() or "{}", type=dict[str, Any])
            except msgspec.DecodeError as wrong:
                return DataError(f"{path}, line {number}: not a row in JSON ({wrong}). Write one object a line.")
    if "duplicate" in first.lower():
        return DataError(f"{path}: two columns have the same name ({first}). Rename one of them.")
    return DataError(f"{path}: cannot be read as {ending(path)} ({first}). Check that the file is whole.")


def _foreign(source: Any) -> pl.DataFrame:
    """A pandas or pyarrow table. Neither is imported here: who holds one has done so."""
    pandas, pyarrow = sys.modules.get("pandas"), sys.modules.get("pyarrow")
    if pandas is not None and isinstance(source, pandas.DataFrame):
        _no_twins([str(name) for name in source.columns], "the pandas frame")
        return pl.DataFrame([_pandas_column(str(name), source[name]) for name in source.columns])
    if pyarrow is not None and isinstance(source, pyarrow.Table):
        _no_twins(source.column_names, "the pyarrow table")
        found = pl.from_arrow(source)
        assert isinstance(found, pl.DataFrame)
        return found
    raise DataError(f"{type(source).__name__} is not a table. Give a path, or a polars, pandas or pyarrow table.")


def _pandas_column(name: str, column: Any) -> pl.Series:
    try:
        found = pl.Series(pl.from_pandas(column.reset_index(drop=True), nan_to_null=True))
    except Exception:  # pandas may hold cells of several types in one column: any of pyarrow's errors means that
        found = pl.Series([None if cell is None or cell != cell else str(cell) for cell in column], dtype=pl.String)
    return found.alias(name)


def _no_twins(names: Sequence[str], where: str) -> None:
    twins = sorted({name for name in names if list(names).count(name) > 1}) if len(set(names)) < len(names) else []
    if twins:
        raise DataError(f"{where}: {', '.join(twins)} is the name of several columns. Rename all but one.")


def _joined(parts: Sequence[tuple[Path, pl.DataFrame]]) -> pl.DataFrame:
    first, frame = parts[0]
    for path, other in parts[1:]:
        if odd := set(frame.columns) ^ set(other.columns):
            raise DataError(
                f"{path}: its columns are not those of {first.name}; {', '.join(sorted(odd))} is in one only."
            )
    if len(parts) == 1:
        return frame
    return pl.concat([other.select(frame.columns) for _, other in parts], how="vertical_relaxed")


def _guarded(path: Path, make: Callable[[], Iterator[pl.DataFrame]]) -> Iterator[pl.DataFrame]:
    try:
        yield from make()
    except (pl.exceptions.PolarsError, OSError) as fault:
        raise _unreadable(path, fault) from None


def _collected(lazy: pl.LazyFrame, size: int) -> Iterator[pl.DataFrame]:
    for batch in lazy.collect_batches(chunk_size=size, maintain_order=True):
        yield from batch.iter_slices(size)  # a chunk size is a wish to polars; a caller counts on it


def _csv_batches(path: Path, size: int) -> Iterator[pl.DataFrame]:
    top = head(path)
    lazy = pl.scan_csv(path, separator=top.delimiter, infer_schema=False)
    try:
        for batch in _collected(lazy, size):
            batch.columns = list(top.names)
            yield batch
    except pl.exceptions.PolarsError as fault:
        raise DataError(blame(path, top, str(fault))) from None


def _json_batches(path: Path, size: int) -> Iterator[pl.DataFrame]:
    # A first pass finds every key: a column may appear for the first time in the last row.
    names = dict.fromkeys(name for row in _json_rows(path) for name in row)
    held: list[list[str | None]] = []
    for row in _json_rows(path):
        held.append([_text(row.get(name)) for name in names])
        if len(held) == size:
            yield pl.DataFrame(held, schema=dict.fromkeys(names, pl.String), orient="row")
            held = []
    if held:
        yield pl.DataFrame(held, schema=dict.fromkeys(names, pl.String), orient="row")


def _json_rows(path: Path) -> Iterator[dict[str, Any]]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    for number, line in enumerate(lines(path), 1):
        if number == 1 and line.lstrip().startswith("["):
            yield from _read_json(path).iter_rows(named=True)  # a list has no rows to stream
            return
        try:
            if line.strip():
                yield decoder.decode(line)
        except msgspec.DecodeError as fault:
            raise DataError(f"{path}, line {number}: not a row in JSON ({fault}). Write one object a line.") from None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()  # true, 3, 2.5 and lists as JSON writes them
