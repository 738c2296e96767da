"""What is popular among people who are alike in what is known of them: what can be said to somebody who has done nothing yet.

The chance of an item is that of all people, times for each column how much more often those with the same value came to it
(naive Bayes). A value that few events speak of says little: it counts as so many events of everybody besides its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.ids import check_packed, packed, unpacked
from plimsoll.rows import NUMERIC, Coded, Histories, Rows, Value
from plimsoll.schema import Schema
from plimsoll.scorer import floats, pieces

Array = NDArray[Any]
_PRIOR = 200.0  # events of everybody that stand beside those of a value
_VALUES = 50  # of a column, the commonest ones
_BINS = 4  # that a number is cut into
_LEAST = 20  # people who share a value that is told of
PREFIX = "segment"  # of the names of arrays
MOST = 1 << 26  # cells of all lifts


@dataclass(frozen=True)
class Told:
    """One column: the ``values`` of a column of words, or the ``edges`` of a column of numbers; and of each value or bin the
    logarithm of how much oftener each item is come to, shape (values, many)."""

    values: tuple[str, ...]
    edges: NDArray[np.float64]
    lifts: NDArray[np.float32]

    def place(self, value: Value) -> int:
        """Which line speaks of a value; -1 where none does."""
        if isinstance(value, str):
            return self.values.index(value) if value in self.values else -1
        if isinstance(value, float) and value == value and len(self.edges):
            return int(np.searchsorted(self.edges, value, side="right"))
        return -1


@dataclass(frozen=True)
class Segments:
    """A column of users each, in the order in which a request gives their values."""

    columns: tuple[Told, ...]

    def lift(self, values: Sequence[Value], many: int) -> NDArray[np.float32]:
        """How much oftener, as a logarithm, people like this one come to each item, shape (many,); zeros where nothing is known."""
        found = np.zeros(many, dtype=np.float32)
        for column, value in zip(self.columns, values, strict=True):
            if (place := column.place(value)) >= 0:
                found += column.lifts[place]
        return found

    def arrays(self) -> dict[str, Array]:
        found: dict[str, Array] = {}
        for at, column in enumerate(self.columns):
            text, ends = packed([value.encode() for value in column.values])
            parts: dict[str, Array] = {"text": text, "ends": ends, "edges": column.edges, "lifts": column.lifts}
            found |= {f"{PREFIX}{at}.{name}": array for name, array in parts.items()}
        return found


def fit(told: Histories, users: Rows, schema: Schema) -> Segments:
    """``users`` has a row for each history, and ``schema`` its columns.

    >>> from plimsoll.rows import Past
    >>> from plimsoll.schema import Column, Kind
    >>> seen = Histories.of([Past.of([0, 1])] * 30 + [Past.of([2])] * 30, 3)
    >>> users = Rows(60, {"town": Coded.of(["a"] * 30 + ["b"] * 30)})
    >>> found = fit(seen, users, Schema((Column("town", Kind.CATEGORY),), "item"))
    >>> (found.lift(["a"], 3) > 0).tolist(), found.lift(["c"], 3).tolist()
    ([True, True, False], [0.0, 0.0, 0.0])
    """
    if not schema.columns:  # most jobs know nothing of users, and need not go over their events once more
        return Segments(())
    many = told.many
    whole = _counted(told, np.zeros(len(told), dtype=np.int64), 1)[0]
    share = (whole + 1.0) / (whole.sum() + many)
    found = []
    for column in schema.columns:
        cells = users.columns[column.name]
        names, edges, places = _worded(cells) if isinstance(cells, Coded) else _binned(users.numbers(column.name))
        lines = max(1, len(names) if column.kind not in NUMERIC else len(edges) + 1)
        if lines * many > MOST:
            names, edges, places, lines = (), np.zeros(0), np.full(len(told), -1), 1
        counts = _counted(told, places, lines)
        chance = (counts + _PRIOR * share) / (counts.sum(axis=1, keepdims=True) + _PRIOR)
        found.append(Told(names, edges, np.log(chance / share).astype(np.float32)))
    return Segments(tuple(found))


def _worded(cells: Coded) -> tuple[tuple[str, ...], NDArray[np.float64], NDArray[np.int64]]:
    """The common values, and the line of each row."""
    often = np.bincount(cells.codes[cells.codes >= 0], minlength=len(cells.values))
    order = [code for code in np.argsort(-often, kind="stable")[:_VALUES].tolist() if often[code] >= _LEAST]
    line = np.full(len(cells.values) + 1, -1, dtype=np.int64)
    line[order] = np.arange(len(order))
    return tuple(cells.values[code] for code in order), np.zeros(0), line[cells.codes]


def _binned(cells: NDArray[np.float64]) -> tuple[tuple[str, ...], NDArray[np.float64], NDArray[np.int64]]:
    """The edges of bins of about as many rows each, and the bin of each row."""
    known = cells[np.isfinite(cells)]
    if len(known) < _LEAST:
        return (), np.zeros(0), np.full(len(cells), -1)
    edges = np.unique(np.quantile(known, np.arange(1, _BINS) / _BINS))
    edges = edges[edges > known.min()]  # a bin below the least would be empty
    return (), edges, np.where(np.isfinite(cells), np.searchsorted(edges, cells, side="right"), -1)


def _counted(told: Histories, places: NDArray[np.int64], lines: int) -> NDArray[np.float64]:
    """Events of each item by the line of their user, shape (lines, many); of users of no line, none."""
    found, at = np.zeros((lines, told.many)), 0
    for piece in pieces(told):
        rows, events = piece.events()
        line = places[at : at + len(piece)][rows]
        keys = line * told.many + piece.items[events]
        found += np.bincount(keys[line >= 0], minlength=found.size).reshape(found.shape)
        at += len(piece)
    return found


def of(arrays: Mapping[str, Array], many: int, schema: Schema) -> Segments:
    """What ``arrays`` wrote, for these columns of users. Raises ValueError and KeyError where they cannot be that."""
    found = []
    for at, column in enumerate(schema.columns):
        text, ends, edges, lifts = (arrays[f"{PREFIX}{at}.{name}"] for name in ("text", "ends", "edges", "lifts"))
        check_packed("segments", text, ends)
        names = tuple(unpacked(text, ends))
        lines = max(1, len(edges) + 1 if column.kind in NUMERIC else len(names))
        if (
            edges.ndim != 1
            or edges.dtype != np.float64
            or not (np.diff(edges) > 0).all()
            or len(set(names)) != len(names)
        ):
            raise ValueError(f"the values of {column.name} are not told apart")
        found.append(Told(names, edges, floats(lifts, "lifts", lines, many)))
    return Segments(tuple(found))
