"""Which kind a column is, from its values and its name."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from plimsoll.cells import plain, seconds, texts
from plimsoll.schema import Kind
from plimsoll.spelling import WHITE

_MOST = 1_000_000  # rows up to which distinct values are counted one by one
_SAMPLE = 200_000  # rows in which the words of a text are looked at
_SURE = 0.95  # share of cells that must parse for a text to be a number or a time
_MANY = 20  # rows below which distinct values say nothing
_FEW = 50  # distinct values that make a category, however long they are
_ABSENT = ("na", "n/a", "nan", "null", "none", "?", "-", "#n/a")
_UUID = r"^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$"
_NAMED = re.compile(r"(^|[_\s.\-])(id|ids|uuid|guid)$|[a-z](Id|ID)$", re.ASCII)


@dataclass(frozen=True)
class Facts:
    """What was counted in a column."""

    rows: int
    missing: float
    distinct: int
    example: str
    nested: bool  # cells are lists, records or raw bytes

    @property
    def filled(self) -> int:
        return round(self.rows * (1 - self.missing))

    @property
    def ratio(self) -> float:
        """Distinct values per cell that holds one."""
        return self.distinct / max(self.filled, 1)


def named_id(name: str) -> bool:
    """
    >>> named_id("row_id"), named_id("customerId"), named_id("paid"), named_id("ID")
    (True, True, False, True)
    """
    return _NAMED.search(name) is not None or name in ("ID", "Id", "UUID")


def look(cells: pl.Series) -> Facts:
    """What can be counted in a column.

    >>> facts = look(pl.Series("size", [1.5, float("nan"), 2.0, 2.0]))
    >>> facts.missing, facts.distinct, facts.example
    (0.25, 2, '1.5')
    """
    rows, cells = len(cells), plain(cells)
    if _nested(cells.dtype):
        return Facts(rows, 1.0, 0, "", True)
    filled = _clean(cells).drop_nulls()
    # Above a million rows an estimate does: only ratios near 1 and small counts are asked for.
    distinct = filled.n_unique() if rows <= _MOST else filled.to_frame().select(pl.all().approx_n_unique()).item()
    example = str(filled[0])[:200] if len(filled) else ""
    return Facts(rows, 1 - len(filled) / max(rows, 1), int(distinct), example, False)


def kind_of(cells: pl.Series, facts: Facts) -> Kind | None:
    """The kind of a column, or None where it says nothing: constant, empty, or cells that are no single value.

    >>> column = pl.Series("size", ["1.5", "2", "n/a"])
    >>> kind_of(column, look(column)).value
    'number'
    """
    if facts.nested or facts.distinct + (facts.missing > 0) <= 1:
        return None
    if cells.dtype == pl.Boolean:
        return Kind.BOOLEAN
    if isinstance(cells.dtype, pl.Date | pl.Datetime):
        return Kind.TIME
    if cells.dtype in (pl.String, pl.Categorical, pl.Enum):
        return _kind_of_texts(plain(cells), facts, cells.name)
    return Kind.ID if cells.dtype.is_integer() and _counts_rows(plain(cells), facts, cells.name) else Kind.NUMBER


def _clean(cells: pl.Series) -> pl.Series:
    if cells.dtype.is_float():
        return cells.fill_nan(None)
    return cells.set(cells == "", None) if cells.dtype == pl.String else cells


def _nested(dtype: pl.DataType) -> bool:
    return dtype.is_nested() or dtype in (pl.Binary, pl.Object, pl.Null)


def _counts_rows(cells: pl.Series, facts: Facts, name: str) -> bool:
    """Whether whole numbers only say which row it is: distinct, and rising row by row with few gaps, or named an id."""
    if named_id(name):
        return facts.ratio > _SURE and facts.filled > 1
    if facts.rows < _MANY or facts.ratio < 0.99 or facts.missing > 0:
        return False
    low, high = int(cells.min()), int(cells.max())  # type: ignore[arg-type]  # integers have both
    return cells.is_sorted() and high - low < 2 * facts.rows


def _kind_of_texts(cells: pl.Series, facts: Facts, name: str) -> Kind:
    sample = texts(cells.gather_every(max(len(cells) // _SAMPLE, 1))).drop_nulls().str.strip_chars(WHITE)
    told = sample.filter(~sample.str.to_lowercase().is_in(_ABSENT))
    # A few cells, looked at in Python, spare most columns the costly parsing of all.
    first = [text.lower() for text in told.head(100).to_list()]
    if first and set(first) <= {"true", "false"} and told.str.to_lowercase().is_in(["true", "false"]).all():
        return Kind.BOOLEAN
    ends = any(text[-1].isdigit() or text[-1] == "." for text in first)
    if ends and _share(told.cast(pl.Float64, strict=False)) >= _SURE:
        return Kind.NUMBER
    if sum(text[:4].isdigit() for text in first) * 2 > len(first) and _share(seconds(told)) >= _SURE:
        return Kind.TIME
    return _kind_of_words(sample, facts, name)


def _kind_of_words(sample: pl.Series, facts: Facts, name: str) -> Kind:
    """An id, a text or a category: by how often values repeat, and by how many words they have."""
    words = float(np.nan_to_num(sample.str.count_matches(r"\S+").mean()))  # type: ignore[arg-type]  # a mean of counts
    if facts.ratio > _SURE and (facts.filled >= _MANY or named_id(name)):
        token = words <= 1.05 and (sample.str.contains(r"\d") | sample.str.contains(_UUID)).mean() > _SURE  # type: ignore[operator]
        if token or named_id(name):
            return Kind.ID
    if facts.distinct <= _FEW and facts.ratio <= 0.5:
        return Kind.CATEGORY
    length = float(np.nan_to_num(sample.str.len_chars().mean()))  # type: ignore[arg-type]
    wordy = words >= 3 and (facts.ratio > 0.05 or facts.distinct > 1000)
    return Kind.TEXT if wordy or (facts.ratio > 0.5 and words > 1.5 and length >= 15) else Kind.CATEGORY


def _share(parsed: pl.Series) -> float:
    return 1 - parsed.null_count() / max(parsed.len(), 1)
