"""Read tables: a file, a folder, a glob, or a frame in memory, into one polars frame.

Nothing is guessed about meaning here; ``infer`` says what the columns are.
"""

from __future__ import annotations

import glob
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from plimsoll import delimited, jsonlines
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
# How files begin that are often given another ending.
_MARKS = {
    b"PAR1": "Parquet",
    b"ARROW1": "Arrow",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip or Excel",
    b"SQLite": "SQLite",
}
_TEXTS = ("csv", "tsv", "jsonl", "ndjson", "json")


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
    listed = path.parent.iterdir() if path.parent.is_dir() else ()
    beside = [child.name for child in listed if not child.name.startswith(".")]
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
    """The rows in order, at most ``size`` at a time, with the same columns throughout.

    Memory is constant, but for a list in JSON and for a stream of Arrow, which are held whole. Cells of CSV come as
    the texts that the file has; ``infer.to_rows`` reads either alike, and ``types`` says what they can be cast to.
    Raises DataError as ``read`` does.
    """
    names: list[str] = []
    for file in files(path):
        for batch in _batches(file, size):
            names = names or batch.columns
            _same_columns(file, batch.columns, names)
            yield batch if batch.columns == names else pl.DataFrame([batch.get_column(name) for name in names])


def types(path: str | Path) -> Mapping[str, Any]:
    """The polars type that each column of ``batches`` can be cast to, by all rows of all files.

    Raises DataError as ``read`` does.
    """
    found: dict[str, set[Any]] = {}
    for file in files(path):
        for name, dtype in _types(file).items():
            found.setdefault(name, set()).add(dtype)
    return {name: _common(dtypes - {pl.Null}) for name, dtypes in found.items()}


def _common(dtypes: set[Any]) -> Any:
    if len(dtypes) == 1:
        return next(iter(dtypes))
    return pl.Float64 if dtypes and all(dtype.is_numeric() for dtype in dtypes) else pl.String


def _types(path: Path) -> Mapping[str, Any]:
    kind = _whole(path)
    if kind in ("csv", "tsv"):
        return delimited.types(path)
    if kind in _TEXTS:
        return jsonlines.types(path)
    return next(iter(_batches(path, 1)), pl.DataFrame()).schema


def _read_file(path: Path) -> pl.DataFrame:
    kind = _whole(path)
    if kind in ("csv", "tsv"):
        return delimited.read(path)
    try:
        if kind in _TEXTS:
            return jsonlines.read(path)
        return pl.read_parquet(path, glob=False) if kind == "parquet" else _read_arrow(path)
    except (pl.exceptions.PolarsError, OSError) as fault:
        raise _unreadable(path, fault) from None


def _batches(path: Path, size: int) -> Iterator[pl.DataFrame]:
    kind = _whole(path)
    if kind in ("csv", "tsv"):
        yield from delimited.batches(path, size)
        return
    try:
        if kind in _TEXTS:
            yield from jsonlines.batches(path, size)
            return
        rows = pl.scan_parquet(path, glob=False) if kind == "parquet" else _scan_arrow(path)
        for batch in rows.collect_batches(chunk_size=size, maintain_order=True):
            yield from batch.iter_slices(size)  # a chunk size is a wish to polars; a caller counts on it
    except (pl.exceptions.PolarsError, OSError) as fault:
        raise _unreadable(path, fault) from None


def _whole(path: Path) -> str:
    """The kind of a file, once its first bytes do not say that it is empty or of another kind."""
    kind, gz = ending(path), path.name.lower().endswith(".gz")
    try:
        with path.open("rb") as stream:
            first = stream.read(16)
    except OSError as fault:
        raise DataError(f"{path}: cannot be read ({fault.strerror}). Check the file and its rights.") from None
    if not first:
        raise DataError(f"{path}: the file is empty. Give one with a header and rows.")
    found = next((name for mark, name in _MARKS.items() if first.startswith(mark)), None)
    if kind in _TEXTS and found and not (gz and found == "gzip"):
        raise DataError(
            f"{path}: this is a {found} file, not {kind}. Give it the ending of what it is, or save it as {kind}."
        )
    return kind


def _read_arrow(path: Path) -> pl.DataFrame:
    try:
        return pl.read_ipc(glob.escape(str(path)))
    except pl.exceptions.PolarsError:
        return pl.read_ipc_stream(path)


def _scan_arrow(path: Path) -> pl.LazyFrame:
    try:
        rows = pl.scan_ipc(glob.escape(str(path)))
        rows.collect_schema()
    except pl.exceptions.PolarsError:
        return pl.read_ipc_stream(path).lazy()  # a stream says nowhere where its parts begin
    return rows


def _unreadable(path: Path, fault: Exception) -> DataError:
    first = (str(fault).splitlines() or [""])[0]
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
    names = parts[0][1].columns
    for path, other in parts[1:]:
        _same_columns(path, other.columns, names)
    if len(parts) == 1:
        return parts[0][1]
    ordered = [pl.DataFrame([frame.get_column(name) for name in names]) for _, frame in parts]
    try:
        return pl.concat(ordered, how="vertical_relaxed")
    except pl.exceptions.PolarsError as fault:
        raise DataError(
            f"{parts[0][0].parent}: the files' columns are of types that do not go together ({str(fault).splitlines()[0]}). Give files of one kind."
        ) from None


def _same_columns(path: Path, found: Sequence[str], wanted: Sequence[str]) -> None:
    if odd := set(found) ^ set(wanted):
        raise DataError(
            f"{path}: its columns are not those of the first file; {', '.join(sorted(odd)[:5])} is in one only."
        )
