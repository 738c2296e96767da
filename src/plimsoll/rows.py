"""Rows as a recipe sees them: columns as arrays, whatever file or request they came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plimsoll.schema import Kind, Schema

# One cell of one row: a number (nan: missing), or a text (None: missing). Booleans are 0.0 and 1.0,
# times are seconds since 1970 in UTC.
Value = float | str | None
NUMERIC = (Kind.NUMBER, Kind.BOOLEAN, Kind.TIME)


@dataclass(frozen=True)
class Coded:
    """A column of texts, as numbers into the values that occur; -1 is missing."""

    codes: NDArray[np.int32]
    values: tuple[str, ...]

    @staticmethod
    def of(texts: Sequence[str | None]) -> Coded:
        """
        >>> Coded.of(["a", None, "b", "a"]).codes.tolist()
        [0, -1, 1, 0]
        """
        place: dict[str, int] = {}
        codes = [-1 if text is None else place.setdefault(text, len(place)) for text in texts]
        return Coded(np.array(codes, dtype=np.int32), tuple(place))

    def take(self, index: NDArray[np.intp]) -> Coded:
        return Coded(self.codes[index], self.values)

    def texts(self) -> list[str | None]:
        table = [*self.values, None]  # code -1 finds the None at the end
        return [table[code] for code in self.codes.tolist()]


Cells = NDArray[np.float64] | Coded


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
        assert not isinstance(cells, Coded), name
        return cells

    def texts(self, name: str) -> Coded:
        cells = self.columns[name]
        assert isinstance(cells, Coded), name
        return cells

    def take(self, index: NDArray[np.intp]) -> Rows:
        taken = {
            name: cells.take(index) if isinstance(cells, Coded) else cells[index]
            for name, cells in self.columns.items()
        }
        return Rows(len(index), taken)

    def chunks(self, size: int) -> Iterator[Rows]:
        """The same rows in batches, in order; no rows are one empty batch."""
        for start in range(0, max(1, self.count), size):
            yield self.take(np.arange(start, min(start + size, self.count)))

    def values(self, schema: Schema) -> list[tuple[Value, ...]]:
        """The rows as tuples in the schema's order, as ``Model.answer`` takes them."""
        lists = []
        for name in schema.names:
            cells = self.columns[name]
            lists.append(cells.texts() if isinstance(cells, Coded) else cells.tolist())
        return list(zip(*lists, strict=True))

    @staticmethod
    def of_values(schema: Schema, rows: Sequence[Sequence[Value]]) -> Rows:
        columns: dict[str, Cells] = {}
        for place, column in enumerate(schema.columns):
            cells = [row[place] for row in rows]
            if column.kind in NUMERIC:
                columns[column.name] = np.array(cells, dtype=np.float64)
            else:
                columns[column.name] = Coded.of(cells)  # type: ignore[arg-type]  # a text column holds texts
        return Rows(len(rows), columns)
