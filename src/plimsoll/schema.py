"""Columns, their kinds and roles: what a table is, whoever reads it."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from plimsoll.errors import DataError, nearest


class Kind(enum.StrEnum):
    """What the values of a column are."""

    NUMBER = "number"
    CATEGORY = "category"
    BOOLEAN = "boolean"
    TEXT = "text"
    TIME = "time"
    SIGNAL = "signal"
    HISTORY = "history"
    QUERY = "query"
    ID = "id"


# Kinds of single values that a model may read. An id says who a row is, not what it is like.
ASKING = (
    Kind.HISTORY,
    Kind.QUERY,
)  # what a list is asked for by: one such column, and ``distinct`` are what may be listed
USABLE = (Kind.NUMBER, Kind.CATEGORY, Kind.BOOLEAN, Kind.TEXT, Kind.TIME)
MOST_CHANNELS = 4_096


@dataclass(frozen=True)
class Axis:
    """One axis of a signal's channels: its name, its size, and whether it closes in a ring, as electrodes around a wrist do."""

    name: str
    size: int
    ring: bool = False


@dataclass(frozen=True)
class Layout:
    """How a signal lies in memory: shape (frames, channels), the channels being the product of their axes in C order.

    ``rate`` is in frames a second (Hz). The axis of time has no entry: it is always the first.

    >>> Layout(200.0, ("a", "b"), (Axis("electrode", 2, ring=True),)).frames(0.25)
    50
    """

    rate: float
    channels: tuple[str, ...]
    axes: tuple[Axis, ...] = ()

    def frames(self, seconds: float) -> int:
        """Whole frames in so many seconds, at least one."""
        return max(1, round(seconds * self.rate))

    def as_json(self) -> dict[str, Any]:
        axes = [{"name": axis.name, "size": axis.size, "ring": axis.ring} for axis in self.axes]
        return {"rate": self.rate, "channels": list(self.channels), "axes": axes}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Layout:
        """The layout that ``as_json`` wrote. Raises DataError where it cannot be one."""
        axes = tuple(Axis(str(a["name"]), int(a["size"]), bool(a["ring"])) for a in value["axes"])
        found = Layout(float(value["rate"]), tuple(str(name) for name in value["channels"]), axes)
        many = len(found.channels)
        if not 0 < many <= MOST_CHANNELS or (axes and math.prod(axis.size for axis in axes) != many):
            raise DataError(f"A signal of {many} channels does not go with its axes.")
        if not 0 < found.rate < 1e9:
            raise DataError(f"A signal of {found.rate} frames a second cannot be.")
        return found


@dataclass(frozen=True)
class Column:
    """One column: its name, its kind, and a few facts seen in the training rows."""

    name: str
    kind: Kind
    missing: float = 0.0  # share of empty cells
    distinct: int = (
        0  # different values seen (an estimate above a million rows); of a history or a query, the items that there are
    )
    example: str = ""  # one value, for documentation and for the OpenAPI page
    layout: Layout | None = None  # of a signal

    def as_json(self) -> dict[str, Any]:
        said = {
            "name": self.name,
            "kind": self.kind.value,
            "missing": self.missing,
            "distinct": self.distinct,
            "example": self.example,
        }
        return said if self.layout is None else {**said, "layout": self.layout.as_json()}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Column:
        kind, layout = Kind(value["kind"]), value.get("layout")
        if (kind is Kind.SIGNAL) != (layout is not None):
            raise DataError(f'The column "{value["name"]}" is a signal without a layout, or has one and is none.')
        counted = float(value["missing"]), int(value["distinct"]), str(value["example"])
        if kind in ASKING and not 0 < counted[1] < 2**31:
            raise DataError(f'The column "{value["name"]}" asks for a list of {counted[1]} items.')
        return Column(str(value["name"]), kind, *counted, None if layout is None else Layout.from_json(layout))


@dataclass(frozen=True)
class Schema:
    """The columns that a model reads, in order, and the target with its classes.

    ``classes`` are the target's values as text, sorted; empty for regression. ``class_type`` says what
    they were in the data (``text``, ``integer`` or ``boolean``), so that an answer has the data's type.

    >>> schema = Schema((Column("age", Kind.NUMBER),), "income", ("no", "yes"))
    >>> schema.names, schema["age"].kind.value
    (('age',), 'number')
    """

    columns: tuple[Column, ...]
    target: str
    classes: tuple[str, ...] = ()
    class_type: str = "text"
    ignored: tuple[str, ...] = field(default=())

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise DataError(f'There is no column "{name}". {nearest(name, self.names)}')

    def of(self, *kinds: Kind) -> tuple[str, ...]:
        """The names of the columns of these kinds, in order."""
        return tuple(column.name for column in self.columns if column.kind in kinds)

    @property
    def lists(self) -> int:
        """How many items answers may list; 0 where answers are no lists."""
        return next((column.distinct for column in self.columns if column.kind in ASKING), 0)

    def without(self, names: Sequence[str]) -> Schema:
        return replace(self, columns=tuple(c for c in self.columns if c.name not in set(names)))

    def class_value(self, index: int) -> str | int | bool:
        """A class as the data wrote it: a text, an integer or a boolean."""
        text = self.classes[index]
        if self.class_type == "integer":
            return int(text)
        return text == "true" if self.class_type == "boolean" else text

    def as_json(self) -> dict[str, Any]:
        return {
            "columns": [column.as_json() for column in self.columns],
            "target": self.target,
            "classes": list(self.classes),
            "class_type": self.class_type,
            "ignored": list(self.ignored),
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Schema:
        """The schema that ``as_json`` wrote. Raises DataError where a part is missing or of a wrong type."""
        try:
            columns = tuple(Column.from_json(each) for each in value["columns"])
            classes = tuple(str(name) for name in value["classes"])
            ignored = tuple(str(name) for name in value["ignored"])
            return Schema(columns, str(value["target"]), classes, str(value["class_type"]), ignored)
        except (KeyError, TypeError, ValueError) as fault:
            raise DataError(f"The schema is not one that Plimsoll wrote: {fault}.") from None
