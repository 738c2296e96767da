"""Cells as numbers, as times and as codes, whatever type a file gave them."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.rows import Coded, category_text
from plimsoll.schema import Kind

_DAY = r"^\s*\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?)?\s*$"
_WORDS = {"true": 1.0, "yes": 1.0, "y": 1.0, "t": 1.0, "false": 0.0, "no": 0.0, "n": 0.0, "f": 0.0}


def texts(cells: pl.Series) -> pl.Series:
    """Cells as texts; blank ones and nan are missing.

    >>> texts(pl.Series(["a", " ", None])).to_list()
    ['a', None, None]
    """
    if cells.dtype.is_float():
        cells = cells.fill_nan(None)
    if cells.dtype.is_nested() or cells.dtype in (pl.Binary, pl.Object):
        return pl.Series(cells.name, [None] * len(cells), dtype=pl.String)
    found = cells.cast(pl.String)
    return found.set(found.str.strip_chars() == "", None)


def numbers(cells: pl.Series, kind: Kind) -> NDArray[np.float64]:
    """Cells as float64, nan where one is missing or does not fit the kind; times as seconds since 1970 in UTC.

    >>> numbers(pl.Series(["1.5", " 2", "x"]), Kind.NUMBER).tolist()
    [1.5, 2.0, nan]
    >>> numbers(pl.Series(["1970-01-02", "1970-01-01T00:00:01Z"]), Kind.TIME).tolist()
    [86400.0, 1.0]
    """
    if cells.dtype in (pl.Categorical, pl.Enum):
        coded = codes(cells, tidy=False)
        table = np.append(numbers(pl.Series(coded.values, dtype=pl.String), kind), np.nan)
        return np.asarray(table[coded.codes])
    if isinstance(cells.dtype, pl.Datetime | pl.Date):
        found = cells.cast(pl.Datetime("us")).dt.epoch("us").cast(pl.Float64) / 1e6
    elif isinstance(cells.dtype, pl.Duration):
        found = cells.dt.total_microseconds().cast(pl.Float64) / 1e6
    elif cells.dtype == pl.String:
        found = _parsed(cells.str.strip_chars(), kind)
    elif cells.dtype.is_numeric() or cells.dtype in (pl.Boolean, pl.Null):
        found = cells.cast(pl.Float64, strict=False)
    elif cells.dtype == pl.Time:
        found = cells.cast(pl.Int64).cast(pl.Float64) / 1e9
    else:
        found = pl.Series([None] * len(cells), dtype=pl.Float64)
    values = np.array(found.fill_null(np.nan).to_numpy(), dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    return values


def _parsed(cells: pl.Series, kind: Kind) -> pl.Series:
    found = cells.cast(pl.Float64, strict=False)
    if kind is Kind.TIME:
        times = seconds(cells)
        return times.zip_with(times.is_not_null(), found)  # a bare number at a time's place is seconds already
    if kind is Kind.BOOLEAN:
        words = cells.str.to_lowercase().replace_strict(
            list(_WORDS), list(_WORDS.values()), default=None, return_dtype=pl.Float64
        )
        return words.zip_with(words.is_not_null(), found)
    return found


def seconds(cells: pl.Series) -> pl.Series:
    """ISO 8601 dates and times as seconds since 1970; one without an offset is UTC; missing where a text is neither.

    >>> seconds(pl.Series(["1970-01-01 01:00+01:00", "soon"])).to_list()
    [0.0, None]
    """
    text = pl.col("t")
    plain = (
        text.str.replace_all("/", "-", literal=True)
        .str.replace("T", " ", literal=True)
        .str.replace(",", ".", literal=True)
    )
    bare = plain.str.replace(r"\s*(Z|[+-]\d{2}:?\d{2})$", "")
    day_only = plain.str.contains(r"^\s*\d+-\d+-\d+\s*$")
    stamp = pl.when(day_only).then(plain).otherwise(bare).str.strip_chars()
    formats = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")
    when = pl.coalesce([stamp.str.to_datetime(form, time_unit="us", strict=False) for form in formats])
    sign, hours, minutes = (
        text.str.extract(r":\d{2}(?:[.,]\d+)?\s*([+-])(\d{2}):?(\d{2})\s*$", group) for group in (1, 2, 3)
    )
    offset = (hours.cast(pl.Float64) * 3600 + minutes.cast(pl.Float64) * 60) * pl.when(sign == "-").then(-1).otherwise(
        1
    )
    fits = text.str.contains(_DAY)
    value = when.dt.epoch("us").cast(pl.Float64) / 1e6 - offset.fill_null(0.0)
    return pl.DataFrame({"t": cells}).select(pl.when(fits).then(value)).to_series()


def codes(cells: pl.Series, tidy: bool) -> Coded:
    """Cells as numbers into their distinct texts, in the order of the texts. ``tidy`` makes 3 and 3.0 one category.

    >>> codes(pl.Series([3.0, 1.0, None]), tidy=True)
    Coded(codes=array([ 1,  0, -1], dtype=int32), values=('1', '3'))
    """
    if cells.dtype not in (pl.String, pl.Categorical, pl.Enum):
        cells = texts(cells)
    distinct = cells.drop_nulls().unique().cast(pl.String).sort()
    raw = distinct.to_list()
    # Looking up each distinct text once is what keeps ten million rows quick.
    places = cells.cast(pl.Enum(distinct)).to_physical().cast(pl.Int32).fill_null(-1).to_numpy()
    kept = [category_text(text) if tidy else text for text in raw]
    values = tuple(sorted({text for text in kept if text.strip()}))
    if list(values) == raw:
        return Coded(places, values)
    number = {text: place for place, text in enumerate(values)}
    table = np.array([number.get(text, -1) for text in kept] + [-1], dtype=np.int32)
    return Coded(table[places], values)
