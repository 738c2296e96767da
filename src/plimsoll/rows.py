"""Rows as a recipe sees them: columns as arrays, whatever file or request they came from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from plimsoll.schema import Column, Kind, Schema


class Past(NamedTuple):
    """One history: what somebody came to, the oldest first, and how much each event counts; shape (events,) each."""

    items: NDArray[np.int32]
    weights: NDArray[np.float32]

    @staticmethod
    def of(items: Sequence[int]) -> Past:
        """A history of events that count one each."""
        return Past(np.array(items, dtype=np.int32), np.ones(len(items), dtype=np.float32))


# One cell of one row: a number (nan: missing), a text (None: missing), a signal of shape (frames, channels), float32
# (no frames: missing), or a history. Booleans are 0.0 and 1.0, times are seconds since 1970 in UTC.
Value = float | str | NDArray[np.float32] | Past | None
NUMERIC = (Kind.NUMBER, Kind.BOOLEAN, Kind.TIME)
_LEVEL = 50  # frames that a signal's level is taken of


@dataclass(frozen=True)
class Coded:
    """A column of texts, as numbers into the values that occur; -1 is missing."""

    codes: NDArray[np.int32]
    values: Sequence[str]

    @staticmethod
    def of(texts: Sequence[str | None]) -> Coded:
        """
        >>> Coded.of(["a", None, "b", "a"]).codes.tolist()
        [0, -1, 1, 0]
        """
        place: dict[str, int] = {}
        codes = [-1 if text is None else place.setdefault(text, len(place)) for text in texts]
        return Coded(np.array(codes, dtype=np.int32), tuple(place))

    @cached_property
    def places(self) -> dict[str, int]:
        """The code of each value."""
        return {value: code for code, value in enumerate(self.values)}

    def take(self, index: NDArray[np.intp]) -> Coded:
        return Coded(self.codes[index], self.values)

    def each(self) -> Iterator[str | None]:
        """The texts in order, one at a time: of texts that lie packed no more is held."""
        return (None if code < 0 else self.values[code] for code in self.codes.tolist())

    def texts(self) -> list[str | None]:
        if len(self.codes) < len(self.values):  # a few of many, which may lie packed
            return [None if code < 0 else self.values[code] for code in self.codes.tolist()]
        table = [*self.values, None]  # code -1 finds the None at the end
        return [table[code] for code in self.codes.tolist()]


@dataclass(frozen=True)
class Signals:
    """A column of signals: each cell is a stretch of ``samples``, shape (frames, channels), which no row copies.

    Stretches may overlap: in decoding, the rows of one stream begin together and end ever later, and a row may be judged
    by all that its stretch holds. ``samples`` may be mapped from a file, of any type of number.

    >>> signals = Signals(np.arange(12).reshape(6, 2), np.array([0, 2]), np.array([2, 6]))
    >>> signals.cell(1).tolist(), signals.last(3)[0].tolist()
    ([[4.0, 5.0], [6.0, 7.0], [8.0, 9.0], [10.0, 11.0]], [[0, 1], [0, 1], [2, 3]])
    """

    samples: NDArray[Any]
    starts: NDArray[np.int64]  # shape (rows,), in frames
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def channels(self) -> int:
        return int(self.samples.shape[1])

    def take(self, index: NDArray[np.intp]) -> Signals:
        return Signals(self.samples, self.starts[index], self.ends[index])

    def cell(self, row: int) -> NDArray[np.float32]:
        """One row's signal, shape (frames, channels), float32."""
        return np.asarray(self.samples[self.starts[row] : self.ends[row]], dtype=np.float32)

    def cells(self) -> list[NDArray[np.float32]]:
        return [self.cell(row) for row in range(len(self))]

    def last(self, frames: int) -> NDArray[Any]:
        """The last frames of each row, shape (rows, frames, channels), of the samples' type.

        Where a row is shorter its first frame stands before it as often as needed; a row of no frames is all zeros.
        """
        if not len(self.samples):
            return np.zeros((len(self), frames, self.channels), dtype=self.samples.dtype)
        place = self.ends[:, None] - frames + np.arange(frames)
        found: NDArray[Any] = self.samples[np.minimum(np.maximum(place, self.starts[:, None]), len(self.samples) - 1)]
        empty = self.ends <= self.starts
        if empty.any():
            found[empty] = 0
        return found

    def streams(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.intp]]:
        """Where each stream begins and where the last of its rows ends, in frames, and the stream that each row is of.

        >>> begins, ends, whose = Signals(np.zeros((9, 1)), np.array([4, 0, 4]), np.array([6, 3, 8])).streams()
        >>> begins.tolist(), ends.tolist(), whose.tolist()
        ([0, 4], [3, 8], [1, 0, 1])
        """
        begins, whose = np.unique(self.starts, return_inverse=True)
        ends = np.zeros(len(begins), dtype=np.int64)
        np.maximum.at(ends, whose, self.ends)
        return begins, ends, whose

    def ending(self, frames: int) -> Signals:
        """The same of which each row keeps its last frames at most."""
        return Signals(self.samples, np.maximum(self.starts, self.ends - frames), self.ends)

    def levels(self) -> NDArray[np.float64]:
        """How strong each row's signal is at its end: the root mean square of its last frames, shape (rows,); nan where none."""
        if not len(self):
            return np.zeros(0)
        last = self.last(min(_LEVEL, int(max(1, (self.ends - self.starts).max())))).astype(np.float32)
        return np.where(self.ends > self.starts, np.sqrt((last**2).mean(axis=(1, 2), dtype=np.float64)), np.nan)

    @staticmethod
    def of(cells: Sequence[NDArray[Any] | None], channels: int) -> Signals:
        """Signals that stand apart, put one after another."""
        held = [np.zeros((0, channels), dtype=np.float32) if cell is None else cell for cell in cells]
        ends = np.cumsum([len(cell) for cell in held], dtype=np.int64)
        samples = np.concatenate(held) if held else np.zeros((0, channels), dtype=np.float32)
        return Signals(samples, ends - np.array([len(cell) for cell in held], dtype=np.int64), ends)


@dataclass(frozen=True)
class Histories:
    """A column of histories: each cell is a stretch of events, the oldest first, which no row copies.

    ``items`` are numbers into a collection of ``many`` items, ``times`` seconds since 1970 in UTC, ``weights`` how much each
    event counts; all of shape (events,), and they may be mapped from a file. Stretches of one user may overlap: what was
    known of them at one moment, and at a later one.

    >>> told = Histories(np.array([4, 2, 7], dtype=np.int32), np.arange(3), np.ones(3, np.float32), np.array([0, 0]), np.array([1, 3]), 9)
    >>> told.cell(1).tolist(), told.last(2).tolist()
    ([4, 2, 7], [[-1, 4], [2, 7]])
    """

    items: NDArray[np.int32]
    times: NDArray[np.int64]
    weights: NDArray[np.float32]
    starts: NDArray[np.int64]  # shape (rows,), in events
    ends: NDArray[np.int64]
    many: int

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def lengths(self) -> NDArray[np.int64]:
        return self.ends - self.starts

    def take(self, index: NDArray[np.intp]) -> Histories:
        return Histories(self.items, self.times, self.weights, self.starts[index], self.ends[index], self.many)

    def cell(self, row: int) -> NDArray[np.int32]:
        """The items of one row, the oldest first, shape (events,)."""
        return np.asarray(self.items[self.starts[row] : self.ends[row]])

    def past(self, row: int) -> Past:
        return Past(self.cell(row), np.asarray(self.weights[self.starts[row] : self.ends[row]]))

    @staticmethod
    def of(cells: Sequence[Past], many: int) -> Histories:
        """Histories that stand apart, put one after another; without times, each event has its place for one."""
        ends = np.cumsum([len(cell.items) for cell in cells], dtype=np.int64)
        items, weights = (np.concatenate(parts) for parts in zip(Past.of([]), *cells, strict=True))
        starts = ends - np.array([len(cell.items) for cell in cells], dtype=np.int64)
        return Histories(items, np.arange(len(items)), weights, starts, ends, many)

    def last(self, events: int) -> NDArray[np.int32]:
        """The items of the last events of each row, shape (rows, events), the newest last; -1 before the first of them."""
        place = self.ends[:, None] - events + np.arange(events)
        if not len(self.items):
            return np.full(place.shape, -1, dtype=np.int32)
        found = self.items[np.maximum(place, 0)]
        return np.where(place >= self.starts[:, None], found, np.int32(-1))

    def events(self) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Every event of every row: the row that it is of, and its place among the events, shape (all,) each."""
        lengths = self.lengths
        rows = np.repeat(np.arange(len(self)), lengths)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return rows, np.repeat(self.starts, lengths) + within


Cells = NDArray[np.float64] | Coded | Signals | Histories


@dataclass(frozen=True)
class Rows:
    """A batch of rows. Numbers, booleans and times are float64 arrays; categories and texts are Coded.

    >>> from plimsoll.schema import Column
    >>> schema = Schema((Column("age", Kind.NUMBER), Column("job", Kind.CATEGORY)), "y")
    >>> rows = Rows.of_values(schema, [(39.0, "cook"), (float("nan"), None)])
    >>> len(rows), rows.texts("job").texts()
    (2, ['cook', None])
    """

    count: int
    columns: Mapping[str, Cells]

    def __len__(self) -> int:
        return self.count

    def numbers(self, name: str) -> NDArray[np.float64]:
        cells = self.columns[name]
        assert isinstance(cells, np.ndarray), name
        return cells

    def texts(self, name: str) -> Coded:
        cells = self.columns[name]
        assert isinstance(cells, Coded), name
        return cells

    def signals(self, name: str) -> Signals:
        cells = self.columns[name]
        assert isinstance(cells, Signals), name
        return cells

    def histories(self, name: str) -> Histories:
        cells = self.columns[name]
        assert isinstance(cells, Histories), name
        return cells

    def take(self, index: NDArray[np.intp]) -> Rows:
        taken = {
            name: cells[index] if isinstance(cells, np.ndarray) else cells.take(index)
            for name, cells in self.columns.items()
        }
        return Rows(len(index), taken)

    def parted(self, name: str) -> Iterator[tuple[str, NDArray[np.intp]]]:
        """Each value of a column of words that occurs, with the numbers of its rows; nothing where no column is named."""
        cells = self.texts(name) if name else Coded(np.zeros(0, dtype=np.int32), ())
        for code, value in enumerate(cells.values):
            if len(mine := np.flatnonzero(cells.codes == code)):
                yield value, mine

    def chunks(self, size: int) -> Iterator[Rows]:
        """The same rows in batches, in order; no rows are one empty batch."""
        for start in range(0, max(1, self.count), size):
            yield self.take(np.arange(start, min(start + size, self.count)))

    def values(self, schema: Schema) -> list[tuple[Value, ...]]:
        """The rows as tuples in the schema's order, as ``Model.answer`` takes them."""
        lists = []
        for name in schema.names:
            lists.append(listed(self.columns[name]))
        return list(zip(*lists, strict=True))

    @staticmethod
    def of_values(schema: Schema, rows: Sequence[Sequence[Value]]) -> Rows:
        columns: dict[str, Cells] = {}
        for place, column in enumerate(schema.columns):
            cells = [row[place] for row in rows]
            if column.kind in NUMERIC:
                columns[column.name] = np.array(cells, dtype=np.float64)
            elif column.layout is not None:
                columns[column.name] = Signals.of(cells, len(column.layout.channels))  # type: ignore[arg-type]  # signals
            elif column.kind is Kind.HISTORY:
                columns[column.name] = Histories.of(cells, column.distinct)  # type: ignore[arg-type]  # histories
            else:
                columns[column.name] = Coded.of(cells)  # type: ignore[arg-type]  # a text column holds texts
        return Rows(len(rows), columns)


def plain(cells: Cells) -> NDArray[np.float64] | Coded:
    """A column as figures or codes, for what counts and compares cells: a signal is spoken for by its level, and a history by
    how long it is."""
    if isinstance(cells, Histories):
        return cells.lengths.astype(np.float64)
    return cells.levels() if isinstance(cells, Signals) else cells


def listed(cells: Cells) -> list[Any]:
    """The cells of a column, one after another, as ``Model.answer`` takes them."""
    if isinstance(cells, Coded):
        return cells.texts()
    if isinstance(cells, Histories):
        return [cells.past(row) for row in range(len(cells))]
    return cells.cells() if isinstance(cells, Signals) else cells.tolist()


def missing(column: Column) -> Value:
    """What a cell is of which nothing is known."""
    if column.layout is not None:
        return np.zeros((0, len(column.layout.channels)), dtype=np.float32)
    if column.kind is Kind.HISTORY:
        return Past.of([])
    return math.nan if column.kind in NUMERIC else None
