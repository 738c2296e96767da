"""Numbers and categories of a row as models read them: the same in a batch and one row at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.rows import NUMERIC, Coded, Rows, Value
from plimsoll.schema import Kind, Schema

_DAY = 86_400.0
_YEAR = 365.2425
# What a moment is like, beside when it was: parts of a time column, in the order of ``_moment``.
MOMENT = ("days", "hour", "weekday", "day_of_year")
MISSING = -1e30  # below every number, so that a tree sees a missing cell as a value of its own


def _moment(seconds: float) -> tuple[float, float, float, float]:
    days = seconds / _DAY
    return days, (days % 1.0) * 24.0, (days // 1.0 + 3.0) % 7.0, days % _YEAR


@dataclass(frozen=True)
class Numbers:
    """The numeric view of a schema: numbers and booleans as they are, times as ``MOMENT``.

    >>> from plimsoll.schema import Column
    >>> numbers = Numbers.of(Schema((Column("when", Kind.TIME), Column("age", Kind.NUMBER)), "y"))
    >>> numbers.one((0.0, 7.0))
    [0.0, 0.0, 3.0, 0.0, 7.0]
    """

    names: tuple[str, ...]
    places: tuple[int, ...]  # of each column in the schema
    times: tuple[bool, ...]

    @staticmethod
    def of(schema: Schema) -> Numbers:
        chosen = [(i, c.name, c.kind is Kind.TIME) for i, c in enumerate(schema.columns) if c.kind in NUMERIC]
        return Numbers(tuple(n for _, n, _ in chosen), tuple(i for i, _, _ in chosen), tuple(t for _, _, t in chosen))

    @property
    def width(self) -> int:
        return sum(len(MOMENT) if time else 1 for time in self.times)

    def matrix(self, rows: Rows, dtype: type = np.float64) -> NDArray[Any]:
        """Shape (rows, width); nan where a cell is missing."""
        out: NDArray[Any] = np.empty((len(rows), self.width), dtype=dtype, order="F")
        place = 0
        for name, time in zip(self.names, self.times, strict=True):
            cells = rows.numbers(name)
            if time:
                days = cells / _DAY
                parts = (days, (days % 1.0) * 24.0, (np.floor(days) + 3.0) % 7.0, days % _YEAR)
            else:
                parts = (cells,)  # type: ignore[assignment]  # one part in place of four
            for part in parts:
                out[:, place] = part
                place += 1
        return out

    def one(self, values: Sequence[Value]) -> list[float]:
        """The same for one row."""
        if not any(self.times):
            return [values[place] for place in self.places]  # type: ignore[misc]  # numeric by the schema
        out: list[float] = []
        for place, time in zip(self.places, self.times, strict=True):
            value: float = values[place]  # type: ignore[assignment]
            out.extend(_moment(value) if time else (value,))
        return out


@dataclass(frozen=True)
class Ordered:
    """Categories as numbers in the order of what they tell about the target; rare ones share a place."""

    name: str
    place: int
    code: Mapping[str, float]
    other: float  # a value that was rare, or never seen

    @staticmethod
    def fit(name: str, place: int, cells: Coded, target: NDArray[Any], classes: int, least: int = 5) -> Ordered:
        """Values sorted by their smoothed mean target, or by the main direction of their class shares."""
        known = cells.codes >= 0
        codes, size = cells.codes[known], len(cells.values)
        count = np.bincount(codes, minlength=size)
        if classes > 2 and size:
            table = np.zeros((size, classes))
            np.add.at(table, (codes, target[known]), 1.0)
            table += 10.0 * np.bincount(target, minlength=classes) / len(target)
            table /= table.sum(axis=1, keepdims=True)
            centred = table - table.mean(axis=0)
            _, _, axes = np.linalg.svd(centred, full_matrices=False)
            mean = centred @ (axes[0] * np.sign(axes[0][np.argmax(np.abs(axes[0]))]))
        else:
            total = np.bincount(codes, weights=target[known].astype(float), minlength=size)
            mean = (total + 10.0 * float(target.mean())) / (count + 10.0)
        common = np.flatnonzero(count >= min(least, max(1, len(target) // 50))).tolist()
        ranked = sorted(common, key=lambda k: (float(mean[k]), cells.values[k]))
        return Ordered(name, place, {cells.values[k]: float(rank) for rank, k in enumerate(ranked)}, -1.0)

    def column(self, rows: Rows) -> NDArray[np.float64]:
        cells = rows.texts(self.name)
        table = np.array([*(self.code.get(value, self.other) for value in cells.values), MISSING])
        return np.asarray(table[cells.codes])

    def one(self, value: Value) -> float:
        return MISSING if value is None else self.code.get(value, self.other)  # type: ignore[arg-type]

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "place": self.place, "values": sorted(self.code, key=lambda v: self.code[v])}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Ordered:
        code = {str(text): float(rank) for rank, text in enumerate(value["values"])}
        return Ordered(str(value["name"]), int(value["place"]), code, -1.0)
