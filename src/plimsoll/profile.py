"""What can be said of some rows before anything is fitted to them: their shape, and how much their columns tell."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from plimsoll.rows import Coded, Histories, Rows, Signals, plain
from plimsoll.schema import Kind, Schema

Array = NDArray[Any]
_SAMPLE = 4_000  # rows that are looked at; the same ones each time
_BINS = 12  # that a number is cut into
_STEPS, _STRIDES = 64, 16
_ASKED = 50  # rows written as requests
_FRAMES = 10  # of a signal in them: a chunk of a stream


@dataclass(frozen=True)
class Profile:
    """The rows that a model is to learn from, in a dozen numbers.

    ``steps`` counts the quantile bins of all numbers, 64 of each at most, and ``strides`` those with 16 at most; ``levels`` the values of all categories that
    occur twice or more, and ``spelled`` their characters; ``letters`` are the characters of text in a row, on average.
    ``events`` are those of all histories, and ``items`` what they may be of.
    ``waves`` counts the columns of signals, ``channels`` those of all of them, and ``frames`` are those of a second.
    ``signal`` is the share of the target's variance that the best column explains by itself, and ``signals`` the sum
    over all of them: what is easily said is learned in a few steps, and what is not takes many. ``described`` are the
    bytes that a bundle needs to describe the columns, and ``request`` those of a row as it is asked, on average.
    """

    rows: int
    numbers: int = 0
    steps: int = 0
    strides: int = 0
    categories: int = 0
    levels: int = 0
    spelled: int = 0
    texts: int = 0
    letters: float = 0.0
    classes: int = 0
    waves: int = 0
    channels: int = 0
    frames: float = 0.0
    missing: float = 0.0
    signal: float = 0.0
    signals: float = 0.0
    described: int = 0
    request: float = 0.0
    events: float = 0.0
    items: int = 0

    @property
    def columns(self) -> int:
        return self.numbers + self.categories + self.texts + self.waves

    @property
    def outputs(self) -> int:
        """Sums that a model of scores keeps: one for a number or two classes."""
        return 1 if self.classes <= 2 else self.classes

    def shared(self, share: float) -> Profile:
        """That of a share of the rows."""
        return replace(self, rows=max(1, int(self.rows * share)), events=self.events * share)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def of(rows: Rows, target: Array, schema: Schema) -> Profile:
    """The profile of rows with their target: class numbers, or values.

    >>> from plimsoll.schema import Column
    >>> rows = Rows(4, {"age": np.array([1.0, 2.0, 3.0, np.nan])})
    >>> of(rows, np.array([0, 0, 1, 1]), Schema((Column("age", Kind.NUMBER),), "y", ("no", "yes"))).missing
    0.25
    """
    count, classes = len(rows), len(schema.classes)
    pick = np.linspace(0, count - 1, min(count, _SAMPLE)).astype(np.intp) if count else np.zeros(0, dtype=np.intp)
    seen, truth = rows.take(pick), _centred(np.asarray(target[pick]), classes)
    texts = schema.of(Kind.TEXT)
    names = [name for name in schema.names if name not in texts]
    told = [_explained(_codes(plain(seen.columns[name])), truth) for name in names]
    categories = [cells for name in names if isinstance(cells := seen.columns[name], Coded)]
    levels = [_twice(whole) for name in names if isinstance(whole := rows.columns[name], Coded)]
    numbers = [cells for name in names if isinstance(cells := seen.columns[name], np.ndarray)]
    layouts = [column.layout for column in schema.columns if column.layout is not None]
    return Profile(
        rows=count,
        numbers=len(numbers),
        steps=sum(_quantiles(cells, _STEPS) for cells in numbers),
        strides=sum(_quantiles(cells, _STRIDES) for cells in numbers),
        categories=len(categories),
        levels=sum(map(len, levels)),
        spelled=sum(len(value) for values in levels for value in values),
        texts=len(texts),
        letters=sum(_letters(seen.texts(name)) for name in texts),
        classes=classes,
        waves=len(layouts),
        channels=sum(len(layout.channels) for layout in layouts),
        frames=sum(layout.rate for layout in layouts),
        missing=float(np.mean([_absent(plain(seen.columns[name])) for name in schema.names]))
        if schema.names and count
        else 0.0,
        signal=max(told, default=0.0),
        signals=float(sum(told)),
        described=len(msgspec.json.format(msgspec.json.encode(schema.as_json()))),
        request=_request(seen, schema),
        events=float(sum(rows.histories(name).lengths.sum() for name in schema.of(Kind.HISTORY))),
        items=schema.lists,
    )


def _quantiles(cells: Array, count: int) -> int:
    """Into how many bins quantiles cut a number: fewer than asked for where values repeat."""
    known = cells[~np.isnan(cells)]
    return 1 + len(np.unique(np.quantile(known, np.arange(1, count) / count))) if len(known) else 1


def _request(rows: Rows, schema: Schema) -> float:
    """Bytes of a row as JSON, on average over some."""
    some = rows.take(np.arange(min(len(rows), _ASKED)))
    short = {
        name: cells.ending(_FRAMES) if isinstance(cells, Signals) else cells
        for name, cells in some.columns.items()
        if not isinstance(cells, Histories)  # who is asked about is named
    }
    schema = schema.without(schema.of(Kind.HISTORY))
    values = Rows(len(some), short).values(schema)
    asked = [dict(zip(schema.names, row, strict=True)) for row in values]
    return len(msgspec.json.encode(asked, enc_hook=np.ndarray.tolist)) / max(1, len(asked))


def _twice(cells: Coded) -> list[str]:
    """The values that occur twice or more: what a model of categories learns something of."""
    count = np.bincount(cells.codes[cells.codes >= 0], minlength=len(cells.values))
    return [value for value, many in zip(cells.values, count.tolist(), strict=True) if many >= 2]


def _centred(target: Array, classes: int) -> Array:
    """Shape (rows, outputs), each column with a mean of zero; what came next is nothing that a column explains."""
    if target.dtype.names:
        return np.zeros((len(target), 1))
    table = np.eye(classes)[target] if classes else np.asarray(target, dtype=float)[:, None]
    return np.asarray(table - table.mean(axis=0)) if len(table) else table


def _codes(cells: Array | Coded) -> Array:
    """Small whole numbers: a category's codes, or the quantile bin of a number; what is missing is one of its own."""
    if isinstance(cells, Coded):
        return cells.codes + 1
    known = cells[~np.isnan(cells)]
    cuts = np.unique(np.quantile(known, np.arange(1, _BINS) / _BINS)) if len(known) else np.zeros(0)
    return np.where(np.isnan(cells), 0, 1 + np.searchsorted(cuts, cells))


def _explained(codes: Array, truth: Array) -> float:
    """The share of the target's variance between the groups, less what as many groups would explain by chance."""
    whole = float((truth**2).sum())
    if whole <= 0:
        return 0.0
    _, place, counts = np.unique(codes, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(place, weights=column, minlength=len(counts)) for column in truth.T])
    share = float((sums**2 / counts).sum()) / whole
    chance = (len(counts) - 1) / max(1, len(codes) - 1)
    return max(0.0, (share - chance) / max(1e-9, 1.0 - chance)) if chance < 1.0 else 0.0


def _letters(cells: Coded) -> float:
    sizes = np.array([*map(len, cells.values), 0], dtype=float)
    return float(sizes[cells.codes].mean()) if len(cells.codes) else 0.0


def _absent(cells: Array | Coded) -> float:
    return float(np.mean(cells.codes < 0)) if isinstance(cells, Coded) else float(np.mean(np.isnan(cells)))
