"""Who did what with which item, and when: a table of events as arrays by user and time.

The table is read twice in batches, first for the ids that occur and then for the events, so it may be larger than memory:
what stays is twenty bytes an event.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll import gathering
from plimsoll.cells import numbers, texts
from plimsoll.chronology import Loose, order_of, seconds
from plimsoll.errors import DataError
from plimsoll.gathering import Numbering, column
from plimsoll.ids import Ids
from plimsoll.rows import Histories
from plimsoll.schema import Kind
from plimsoll.spelling import WHITE

Array = NDArray[Any]
PARTS = {"train": 0, "training": 0, "valid": 1, "validation": 1, "val": 1, "dev": 1, "test": 2}
_LATEST = 2.0**62  # no time, in whatever unit, is so late
_HEAVIEST = float(np.finfo(np.float32).max)
_PENDING = 2_000_000  # ids that are gathered before those that repeat are let go of


@dataclass(frozen=True)
class Columns:
    """What the columns of a table of events are called; "" where there is none.

    Without ``time`` the order of the table is that of time. Without ``weight`` every event counts one. ``part`` says of each
    event whether it is to train, valid or test.
    """

    user: str
    item: str
    time: str = ""
    weight: str = ""
    part: str = ""


@dataclass(frozen=True)
class Told:
    """What was counted while events were read: ``rows`` of the table, those ``without`` a user or an item, those
    ``timeless``, and ``copies`` of the same user, item and time, of which one is kept."""

    rows: int
    without: int = 0
    timeless: int = 0
    copies: int = 0

    @property
    def warnings(self) -> tuple[str, ...]:
        """
        >>> Told(100, without=2).warnings
        ('2 of 100 rows have no user or no item and are left out.',)
        """
        of = f"of {self.rows:,} rows"
        said = {
            f"{self.without:,} {of} have no user or no item and are left out.": self.without,
            f"{self.timeless:,} {of} have no time and are left out.": self.timeless,
            f"{self.copies:,} {of} repeat a user, an item and a time; of each one is kept, with the largest weight.": self.copies,
        }
        return tuple(text for text, number in said.items() if number)


@dataclass(frozen=True)
class Interactions:
    """Events by user and time, those of one time by item. ``histories`` has a row for every one of ``users``, by number;
    ``parts`` says of each event whether it is to train (0), valid (1) or test (2), None where no column does.
    Without times of their own (not ``timed``) events have their places in the table for times."""

    users: Ids
    items: Ids
    histories: Histories
    told: Told
    timed: bool
    parts: NDArray[np.int8] | None = None

    def __len__(self) -> int:
        return len(self.histories.items)

    @property
    def lone(self) -> int:
        """Users with one event."""
        return int((self.histories.lengths == 1).sum())

    @property
    def ties(self) -> int:
        """Events that share user and time with the one before them: their order is that of their items, which says nothing."""
        same = self.histories.times[1:] == self.histories.times[:-1]
        inner = self.histories.starts[1:]
        return int(same.sum()) - int(same[inner - 1].sum())


def read(source: Any, named: Columns, beside: pl.Series | None = None) -> Interactions:
    """The events of a path or a frame; ``beside`` are ids of items, as ``spelled``, that may have no event.

    Raises JobError for a column that is not there, and DataError for a table without events, a weight that is negative or
    no number, and a part that is not train, valid or test.

    >>> rows = pl.DataFrame({"who": ["b", "a", "b"], "what": [3, 1, 2], "when": [20, 5, 10]})
    >>> held = read(rows, Columns("who", "what", "when"))
    >>> held.users.names([0, 1]), held.items.names(held.histories.cell(1))
    (['a', 'b'], ['2', '3'])
    """
    users, items, rows = _occurring(source, named, beside)
    if not len(users) or not len(items):
        raise DataError(f'No row has a "{named.user}" and a "{named.item}". Check the columns.')
    events, told = _coded(source, named, Numbering.by(users), Numbering.by(items), rows)
    if not len(events.who):
        raise DataError(f'No row has a "{named.user}", a "{named.item}" and a "{named.time}". Check the columns.')
    return _ordered(events, told, users, items, bool(named.time))


def _occurring(source: Any, named: Columns, beside: pl.Series | None) -> tuple[Ids, Ids, int]:
    users, items, rows = _Gathered(), _Gathered(), 0
    if beside is not None:
        items.add(beside)
    for frame in gathering.batches(source):
        user, item = column(frame, named.user, "--to"), column(frame, named.item, "--recommend")
        users.add(user)
        items.add(item)
        rows += frame.height
    return users.ids(), items.ids(), rows


class _Gathered:
    """The distinct ids of many batches."""

    def __init__(self) -> None:
        self.parts: list[pl.Series] = []
        self.pending = 0

    def add(self, cells: pl.Series) -> None:
        fresh = gathering.spelled(cells.unique()).unique()
        self.parts.append(fresh)
        self.pending += len(fresh)
        if self.pending > _PENDING:
            self.parts, self.pending = [pl.concat(self.parts).unique()], 0

    def ids(self) -> Ids:
        return gathering.ids(pl.concat(self.parts) if self.parts else pl.Series([], dtype=pl.String))


def _coded(source: Any, named: Columns, users: Numbering, items: Numbering, rows: int) -> tuple[Loose, Told]:
    who, which = np.empty(rows, np.int32), np.empty(rows, np.int32)
    times = np.empty(rows, np.float64)
    weights = np.empty(rows, np.float32) if named.weight else None
    parts = np.empty(rows, np.int8) if named.part else None
    row = filled = without = timeless = 0
    for frame in gathering.batches(source):
        user, item = users.of(frame[named.user]), items.of(frame[named.item])
        when = _times(frame, named.time, row)
        known = (user >= 0) & (item >= 0)
        kept = known & ~np.isnan(when)
        into = slice(filled, filled + int(kept.sum()))
        who[into], which[into], times[into] = user[kept], item[kept], when[kept]
        if weights is not None:
            weights[into] = _weights(frame, named.weight, row)[kept]
        if parts is not None:
            parts[into] = _parts(frame, named.part)[kept]
        row, filled = row + frame.height, into.stop
        without, timeless = without + int((~known).sum()), timeless + int((known & ~kept).sum())
    held = slice(0, filled)
    some = (None if each is None else each[held] for each in (weights, parts))
    return Loose(who[held], which[held], times[held], *some), Told(rows, without, timeless)  # type: ignore[arg-type]  # in their order


def _times(frame: pl.DataFrame, name: str, row: int) -> NDArray[np.float64]:
    if not name:
        return np.arange(row, row + frame.height, dtype=np.float64)
    found = numbers(column(frame, name, "--time"), Kind.TIME)
    return np.where(np.abs(found) < _LATEST, found, np.nan)


def _weights(frame: pl.DataFrame, name: str, row: int) -> NDArray[np.float64]:
    cells = column(frame, name, "--weight")
    found = numbers(cells, Kind.NUMBER)
    wrong = np.flatnonzero(~((found >= 0) & (found <= _HEAVIEST)))
    if len(wrong):
        cell = cells[int(wrong[0])]
        raise DataError(
            f'Row {row + int(wrong[0]) + 1:,}: "{name}" is {"empty" if cell is None else f"{cell}"}. A weight is a number from 0 up; mend the row or leave it out.'
        )
    return found


def _parts(frame: pl.DataFrame, name: str) -> NDArray[np.int8]:
    found = texts(column(frame, name, "--split")).str.strip_chars(WHITE).str.to_lowercase()
    if odd := [word for word in found.unique().to_list() if word not in PARTS]:
        raise DataError(
            f'--split column:{name}: "{odd[0] or ""}" is none of train, valid and test. Write one of them in every row.'
        )
    return found.replace_strict(list(PARTS), list(PARTS.values()), return_dtype=pl.Int8).to_numpy()


def _ordered(events: Loose, told: Told, users: Ids, items: Ids, timed: bool) -> Interactions:
    """By user, time and item: one array after another, each let go of once it is in order, so that few are there twice."""
    counts, order, fresh = order_of(events, len(users))
    copies = len(order) - int(fresh.sum())
    kept = order[fresh] if copies else order
    if copies:
        counts = np.bincount(events.who[kept], minlength=len(users))
    events.who = np.empty(0, np.int32)
    which, events.which = events.which[kept], np.empty(0, np.int32)
    times, events.times = events.times[kept], np.empty(0)
    parts = None if events.parts is None else events.parts[kept]
    if events.weights is None:
        weights = np.broadcast_to(np.float32(1), len(kept))
    else:  # of copies the largest, so that a table read twice over is the same table
        weights = np.maximum.reduceat(events.weights[order], np.flatnonzero(fresh)) if copies else events.weights[kept]
    ends = np.cumsum(counts, dtype=np.int64)
    histories = Histories(which, seconds(times), weights, ends - counts, ends, len(items))
    return Interactions(users, items, histories, replace(told, copies=copies), timed, parts)
