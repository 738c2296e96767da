"""Ids out of the columns of a table, whatever type a file gave them; and a collection out of a table of items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll import data, infer
from plimsoll.cells import plain, texts
from plimsoll.collection import Collection
from plimsoll.errors import DataError, JobError, nearest
from plimsoll.ids import POINTED, WHOLE, Ids
from plimsoll.rows import Rows
from plimsoll.schema import Kind, Schema
from plimsoll.spelling import WHITE

SIZE = 1_000_000  # rows of a batch
_DENSE = 4  # numbers from the least id to the largest, for each id, up to which a table of them is kept


def batches(source: Any, size: int = SIZE) -> Iterator[pl.DataFrame]:
    """The rows of a path or a frame in order. Of a file of text every cell is a text, so that 01 is not 1 yet."""
    if isinstance(source, str | Path):
        yield from data.batches(source, size)
    else:
        yield from data.read(source).iter_slices(size)


def spelled(cells: pl.Series) -> pl.Series:
    """Cells as ids, missing where there is none: ``ids.spelled`` for a whole column.

    >>> spelled(pl.Series([1.0, None, 2.5])).to_list(), spelled(pl.Series([" 1.0", "01", ""])).to_list()
    (['1', None, '2.5'], ['1', '01', None])
    """
    cells = plain(cells)
    found = texts(cells)
    if cells.dtype.is_float():
        whole = cells.cast(pl.Int64, strict=False)
        found = whole.cast(pl.String).zip_with((whole.cast(cells.dtype) == cells).fill_null(False), found)
    return found.str.strip_chars(WHITE).str.replace(POINTED, "$1")


def ids(cells: pl.Series) -> Ids:
    """The distinct ones of ids that are ``spelled``, in order.

    >>> list(ids(pl.Series(["b", "a", None, "b"])).names(range(2)))
    ['a', 'b']
    """
    distinct = cells.drop_nulls().unique()
    if distinct.str.contains(WHOLE).all():
        return Ids.of_whole(distinct.cast(pl.Int64).sort().to_numpy().copy())
    ordered = distinct.sort()
    text = ordered.str.join("")[0].encode()
    ends = ordered.str.len_bytes().cast(pl.Int64).cum_sum().to_numpy()
    return Ids(np.zeros(0, np.int64), np.frombuffer(text, np.uint8), ends.copy())


@dataclass(frozen=True)
class Numbering:
    """Turns columns of ids into numbers, many cells at once."""

    ids: Ids
    texts: pl.DataFrame  # of ids that are texts, each with its number
    dense: NDArray[
        np.int32
    ]  # of ids that are numbers close to one another: the number of each from the least on, or -1

    @staticmethod
    def by(known: Ids) -> Numbering:
        number, none = np.arange(len(known), dtype=np.int32), np.zeros(0, np.int32)
        if not len(known.whole):
            held = pl.Series("id", known.names(range(len(known))), dtype=pl.String)
            return Numbering(known, pl.DataFrame([held, pl.Series("number", number)]), none)
        least, most = int(known.whole[0]), int(known.whole[-1])
        if most - least >= _DENSE * len(known):
            return Numbering(known, pl.DataFrame(), none)
        dense = np.full(most - least + 1, -1, dtype=np.int32)
        dense[known.whole - least] = number
        return Numbering(known, pl.DataFrame(), dense)

    def of(self, cells: pl.Series) -> NDArray[np.int32]:
        """The number of each cell's id, shape (rows,); -1 where it has none, or one that is not known.

        >>> Numbering.by(Ids.of(["2", "10"])).of(pl.Series(["10", "02", None, "2"])).tolist()
        [1, -1, -1, 0]
        """
        cells = plain(cells)
        if len(self.ids.whole):
            return self._whole(_integers(cells))
        found = pl.DataFrame({"id": spelled(cells)}).join(self.texts, on="id", how="left", maintain_order="left")
        return found["number"].fill_null(-1).to_numpy()

    def _whole(self, cells: pl.Series) -> NDArray[np.int32]:
        wanted = cells.fill_null(np.iinfo(np.int64).min).to_numpy()  # no id is so long
        if len(self.dense):
            place = np.clip(wanted, self.ids.whole[0], self.ids.whole[-1]) - self.ids.whole[0]
            return np.where(
                (wanted >= self.ids.whole[0]) & (wanted <= self.ids.whole[-1]), self.dense[place], -1
            ).astype(np.int32)
        place = np.minimum(np.searchsorted(self.ids.whole, wanted), len(self.ids.whole) - 1)
        return np.where(self.ids.whole[place] == wanted, place, -1).astype(np.int32)


def _integers(cells: pl.Series) -> pl.Series:
    """Ids as 64-bit numbers, missing where one is written in another way than a number is."""
    if cells.dtype.is_integer():
        return cells.cast(pl.Int64, strict=False)
    if cells.dtype != pl.String:
        cells = spelled(cells)
    found = cells.cast(pl.Int64, strict=False)
    if not (found.cast(pl.String).eq_missing(cells)).all():  # padded, pointed or blank ones: the slower way
        cells = spelled(cells)
        found = cells.cast(pl.Int64, strict=False).set(~cells.str.contains(WHOLE).fill_null(False), None)
    return found


def column(frame: pl.DataFrame, name: str, flag: str) -> pl.Series:
    """A column by its name. Raises JobError with the flag that named it."""
    if name not in frame.columns:
        raise JobError(f'{flag} "{name}" is not a column. {nearest(name, frame.columns)}')
    return frame[name]


def _named(frame: pl.DataFrame, name: str, flag: str, of: str) -> pl.Series:
    if name not in frame.columns:
        raise JobError(
            f'The {of} have no column "{name}", as {flag} names it. {nearest(name, frame.columns)} Rename that one.'
        )
    return frame[name]


def names(source: Any, but: str) -> list[str]:
    """The columns of a table beside one; none where there is no table."""
    first = next(iter(batches(source)), None) if source else None
    return [] if first is None else [name for name in first.columns if name != but]


def listed(source: Any, name: str, flag: str = "--recommend", of: str = "items") -> pl.Series:
    """The id of each row of a table of items, or of users, as ``spelled``. Raises DataError where one is missing or is there
    twice, and JobError where there is no such column."""
    parts = [spelled(_named(frame, name, flag, of)) for frame in batches(source)]
    if not parts:
        raise DataError(f"The table of {of} has no rows. Leave --{of} out, or give one with a row for each.")
    found = pl.concat(parts)
    if lost := found.null_count():
        raise DataError(f'{lost:,} rows of the {of} have no "{name}". Leave those rows out.')
    twins = found.filter(found.is_duplicated())
    if len(twins):
        raise DataError(f'"{twins[0]}" is the "{name}" of several rows of the {of}. Keep one of them.')
    return found


def check_named(about: Sequence[str], kinds: Mapping[str, Kind], unread: Sequence[str]) -> None:
    """Raises JobError where a kind is stated, or a column ignored, that is none of those that tell ``about`` items and users."""
    for flag, names in (("--kind", kinds), ("--ignore", unread)):
        for each in names:
            if each not in about:
                said = nearest(each, about) if about else "There is no such table: name one with --items."
                raise JobError(f'{flag} "{each}" is not a column of what is known of items. {said}')


def collection(
    known: Ids,
    name: str,
    source: Any = None,
    kinds: Mapping[str, Kind] | None = None,
    unread: tuple[str, ...] = (),
    flag: str = "--recommend",
    of: str = "items",
) -> Collection:
    """The items of ``known`` with what a table says of them, by its column ``name``; without a table nothing is. ``flag`` and ``of``
    are what is said of a fault: users have a table too.

    Kinds of columns are inferred as those of any table, over the rows that name an item of ``known``; an item without a
    row has cells that are missing. Raises DataError and JobError.
    """
    if source is None:
        return Collection(known, Rows(len(known), {}), Schema((), name))
    number = Numbering.by(known).of(listed(source, name, flag, of))
    frame = data.read(source)
    columns, ignored = infer.columns_of([cells for cells in frame if cells.name not in (name, *unread)], kinds or {})
    schema = Schema(columns, name, ignored=(*unread, *ignored))
    place = np.full(len(known), frame.height, dtype=np.intp)  # of an item without a row: the empty one behind the last
    place[number[number >= 0]] = np.flatnonzero(number >= 0)
    return Collection(known, infer.to_rows(pl.concat([frame, frame.clear(1)]), schema).take(place), schema)
