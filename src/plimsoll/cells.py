"""Cells as numbers, as times and as codes, whatever type a file gave them."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.rows import Coded
from plimsoll.schema import Kind
from plimsoll.spelling import ABSENT, MOMENT, WHITE, boolean, category_text, feature_text, microseconds

_PART = 1_000_000  # times parsed at once: their parts take ten times the room of the times


def plain(cells: pl.Series) -> pl.Series:
    """A column without its name, which polars takes for a pattern where it begins with ^ and ends with $.

    >>> plain(pl.Series("^a$", [1])).name
    ''
    """
    return cells.alias("")


def texts(cells: pl.Series) -> pl.Series:
    """Cells as texts; blank ones and nan are missing.

    >>> texts(pl.Series(["a", " ", None])).to_list()
    ['a', None, None]
    """
    cells = plain(cells)
    if cells.dtype.is_float():
        cells = cells.fill_nan(None)
    if cells.dtype.is_nested() or cells.dtype in (pl.Binary, pl.Object):
        return pl.Series([None] * len(cells), dtype=pl.String)
    found = cells.cast(pl.String)
    return found.set(found.str.strip_chars(WHITE) == "", None)


def numbers(cells: pl.Series, kind: Kind) -> NDArray[np.float64]:
    """Cells as float64, nan where one is missing or does not fit the kind; times as seconds since 1970 in UTC.

    >>> numbers(pl.Series(["1.5", " 2", "x"]), Kind.NUMBER).tolist()
    [1.5, 2.0, nan]
    >>> numbers(pl.Series(["1970-01-02", "1970-01-01T00:00:01Z"]), Kind.TIME).tolist()
    [86400.0, 1.0]
    """
    cells = plain(cells)
    if cells.dtype in (pl.Categorical, pl.Enum) or (cells.dtype == pl.String and kind is Kind.BOOLEAN):
        coded = codes(cells, tidy=False)
        table = _spelled(pl.Series(coded.values, dtype=pl.String), kind)
        return np.append(_fitting(table.to_numpy(), kind), np.nan)[coded.codes]
    found = _spelled(cells, kind) if cells.dtype == pl.String else _typed(cells, kind)
    return _fitting(found.to_numpy(), kind)


def misfits(cells: pl.Series, found: NDArray[np.float64]) -> pl.Series:
    """The cells that say something, and yet count as missing in what ``numbers`` made of them.

    >>> given = pl.Series(["1", "old", None, " "])
    >>> misfits(given, numbers(given, Kind.NUMBER)).to_list()
    ['old']
    """
    if cells.null_count() == int(np.isnan(found).sum()):
        return pl.Series([], dtype=pl.String)
    said = texts(cells)
    return said.filter(pl.Series(np.isnan(found)) & said.is_not_null() & ~said.is_in(ABSENT))


def _fitting(values: NDArray[np.float64], kind: Kind) -> NDArray[np.float64]:
    odd = ~np.isin(values, (0.0, 1.0)) if kind is Kind.BOOLEAN else ~np.isfinite(values)
    return np.where(odd, np.nan, values) if odd.any() else values


def _typed(cells: pl.Series, kind: Kind) -> pl.Series:
    """Cells that are no texts as float64, without a copy where they are so already."""
    if isinstance(cells.dtype, pl.Datetime | pl.Date):
        found = cells.cast(pl.Datetime("us")).dt.epoch("us").cast(pl.Float64) / 1e6
    elif isinstance(cells.dtype, pl.Duration):
        found = cells.dt.total_microseconds().cast(pl.Float64) / 1e6
    elif cells.dtype == pl.Time:
        found = cells.cast(pl.Int64).cast(pl.Float64) / 1e9
    elif cells.dtype.is_numeric() or (cells.dtype == pl.Boolean and kind is Kind.BOOLEAN):
        found = cells.cast(pl.Float64, strict=False)
    else:  # true and false are no numbers, and lists are nothing
        found = pl.Series([None], dtype=pl.Float64).new_from_index(0, len(cells))
    return found.fill_null(np.nan) if found.null_count() else found


def _spelled(cells: pl.Series, kind: Kind) -> pl.Series:
    """Texts as float64."""
    if kind is Kind.BOOLEAN:
        return pl.Series([boolean(text) for text in cells.to_list()], dtype=pl.Float64).fill_null(np.nan)
    found = cells.str.strip_chars(WHITE).cast(pl.Float64, strict=False)
    if kind is Kind.TIME and found.null_count() > cells.null_count():  # no moment is spelled as a number is
        times = seconds(cells)
        found = times.zip_with(times.is_not_null(), found)  # a bare number at a time's place is seconds already
    return found.fill_null(np.nan)


def seconds(cells: pl.Series) -> pl.Series:
    """Texts as seconds since 1970, missing where one is no date or time: ``spelling.seconds`` for a whole column.

    >>> seconds(pl.Series(["1970-01-01 01:00+01:00", "soon"])).to_list()
    [0.0, None]
    """
    cells = plain(cells)
    return pl.concat([_seconds(cells.slice(start, _PART)) for start in range(0, max(len(cells), 1), _PART)])


def _seconds(cells: pl.Series) -> pl.Series:
    found = cells.str.strip_chars(WHITE).str.extract_groups(MOMENT).struct.unnest()
    year, month, day, hour, minute, second, decimals, sign, ahead, apart = found.get_columns()
    whole = [
        part.cast(pl.Int64).fill_null(0).to_numpy() for part in (year, month, day, hour, minute, second, ahead, apart)
    ]
    micro = decimals.fill_null("").str.head(6).str.pad_end(6, "0").cast(pl.Int64).to_numpy()
    since, real = microseconds(whole, micro, (sign == "-").fill_null(False).to_numpy())
    times = pl.Series(since / 1e6, dtype=pl.Float64)
    return times.set(~pl.Series(real & year.is_not_null().to_numpy()), None)


def codes(cells: pl.Series, tidy: bool, feature: bool = False) -> Coded:
    """Cells as numbers into their distinct texts, in the order of the texts. ``tidy`` makes 3 and 3.0 one category,
    and of a ``feature`` makes NA and its like missing.

    >>> codes(pl.Series([3.0, 1.0, None]), tidy=True)
    Coded(codes=array([ 1,  0, -1], dtype=int32), values=('1', '3'))
    """
    cells = plain(cells)
    if cells.dtype not in (pl.String, pl.Categorical, pl.Enum):
        cells = texts(cells)
    distinct = cells.drop_nulls().unique().cast(pl.String).sort()
    raw = distinct.to_list()
    # Looking up each distinct text once is what keeps ten million rows quick.
    places = cells.cast(pl.Enum(distinct)).to_physical().cast(pl.Int32).fill_null(-1).to_numpy()
    spell = (feature_text if feature else category_text) if tidy else str
    kept = [spell(text) for text in raw]
    values = tuple(sorted({text for text in kept if text.strip()}))
    if list(values) == raw:
        return Coded(places, values)
    number = {text: place for place, text in enumerate(values)}
    table = np.array([number.get(text, -1) for text in kept] + [-1], dtype=np.int32)
    return Coded(table[places], values)
