"""Columns, their kinds and roles: what a table is, whoever reads it."""

from __future__ import annotations

import enum
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
    ID = "id"


# Kinds that a model may read. An id says who a row is, not what it is like.
USABLE = (Kind.NUMBER, Kind.CATEGORY, Kind.BOOLEAN, Kind.TEXT, Kind.TIME)


@dataclass(frozen=True)
class Column:
    """One column: its name, its kind, and a few facts seen in the training rows."""

    name: str
    kind: Kind
    missing: float = 0.0  # share of empty cells
    distinct: int = 0  # different values seen (an estimate above a million rows)
    example: str = ""  # one value, for documentation and for the OpenAPI page

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind.value,
            "missing": self.missing,
            "distinct": self.distinct,
            "example": self.example,
        }


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
            columns = tuple(
                Column(str(c["name"]), Kind(c["kind"]), float(c["missing"]), int(c["distinct"]), str(c["example"]))
                for c in value["columns"]
            )
            classes = tuple(str(name) for name in value["classes"])
            ignored = tuple(str(name) for name in value["ignored"])
            return Schema(columns, str(value["target"]), classes, str(value["class_type"]), ignored)
        except (KeyError, TypeError, ValueError) as fault:
            raise DataError(f"The schema is not one that Plimsoll wrote: {fault}.") from None
