"""What the columns of documents say: which documents a request lets in, and how many there are of each value.

A filter is written as its column's values are: ``{"lang": "en"}``, ``{"lang": ["en", "de"]}`` for any of them, null for those that
say nothing; of numbers and times also ``{"year": {"from": 1990, "to": 2000}}``, both ends in it, or ``below`` for an end that is
not. A time that is a day alone is the whole of it at the end ``to``. A facet's counts leave the filter of its own column out, so
that what else could be chosen is seen beside what was; each of them is written as the filter that would choose it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.collection import Collection
from plimsoll.errors import RequestError, nearest
from plimsoll.ids import spelled
from plimsoll.one_cell import taken
from plimsoll.rows import NUMERIC, Coded, Value
from plimsoll.schema import Kind, Schema

Mask = NDArray[np.bool_]
MOST_VALUES = 20  # of a facet that are counted: the most frequent
MOST_CHOSEN = 10_000  # values that a filter lists
RANGES = 5  # that a facet of numbers has
_LEAST = 1e-300  # numbers that are no further apart are not told apart
_ENDS = ("from", "to", "below")
_DAY = re.compile(r"\s*\d{4}[-/]\d{1,2}[-/]\d{1,2}\s*")
_DAY_LONG = 86_400.0
_LAST = _DAY_LONG - 1e-6  # seconds from the beginning of a day to the last of it
COUNTED = (*NUMERIC, Kind.CATEGORY)  # kinds of columns with values that come again


@dataclass(frozen=True)
class Filter:
    """One column's: its cell is one of ``values`` (None: missing), or lies between ``low`` and ``high``, with ``high`` itself
    unless it is ``open``."""

    name: str
    values: frozenset[Value] | None = None
    low: float = -math.inf
    high: float = math.inf
    open: bool = False

    def mask(self, documents: Collection) -> Mask:
        """The documents that it lets in, shape (documents,)."""
        if self.name not in documents.rows.columns:
            return _ids(documents, self.values or frozenset())
        cells = documents.rows.columns[self.name]
        if isinstance(cells, Coded):
            return _coded(cells, self.values or frozenset())
        numbers = documents.rows.numbers(self.name)
        if self.values is None:
            return (numbers >= self.low) & ((numbers < self.high) if self.open else (numbers <= self.high))
        found = np.isin(numbers, np.array([value for value in self.values if isinstance(value, float)]))
        return found | np.isnan(numbers) if None in self.values else found


def filters(where: Mapping[str, Any], schema: Schema, place: str = "$.where") -> tuple[Filter, ...]:
    """What ``where`` asks for, one filter a column. Raises RequestError with the place of a fault.

    >>> from plimsoll.schema import Column
    >>> films = Schema((Column("year", Kind.NUMBER), Column("lang", Kind.CATEGORY)), "film")
    >>> filters({"year": {"from": 1990}, "lang": "en"}, films)[1].values
    frozenset({'en'})
    >>> filters({"yaer": 1990}, films)
    Traceback (most recent call last):
    plimsoll.errors.RequestError: $.where.yaer: there is no such column. Did you mean "year"?
    """
    if not isinstance(where, Mapping):
        raise RequestError(place, "expected an object of columns and what they are to be")
    return tuple(_filter(str(name), said, schema, f"{place}.{str(name)[:100]}") for name, said in where.items())


def _filter(name: str, said: Any, schema: Schema, place: str) -> Filter:
    kind = kind_of(name, schema, place)
    if kind is Kind.TEXT:
        raise RequestError(place, 'the column is a text. Put its words into the query, a phrase "in quotes".')
    if isinstance(said, Mapping):
        return _between(name, said, kind, place)
    if not isinstance(said, list | tuple):
        return Filter(name, frozenset([_value(said, kind, place)]))
    if len(said) > MOST_CHOSEN:
        raise RequestError(place, f"more than {MOST_CHOSEN:,} values. Ask for fewer.", 413)
    return Filter(name, frozenset(_value(each, kind, f"{place}[{k}]") for k, each in enumerate(said)))


def kind_of(name: str, schema: Schema, place: str) -> Kind:
    """The kind of a column, or of the ids. Raises RequestError where there is no such one."""
    if name == schema.target:
        return Kind.ID
    if name in schema.ignored:
        raise RequestError(place, "the column was left out when the model was made: ids, constants and lists are.")
    if name not in schema.names:
        raise RequestError(place, f"there is no such column. {nearest(name[:100], (*schema.names, schema.target))}")
    return schema[name].kind


def _value(said: Any, kind: Kind, place: str) -> Value:
    """A cell as it is compared: None where it is missing."""
    try:
        found = taken(kind, said)
    except ValueError as fault:
        raise RequestError(place, str(fault)) from None
    return None if found != found else spelled(said) if kind is Kind.ID else found


def _between(name: str, said: Mapping[Any, Any], kind: Kind, place: str) -> Filter:
    if kind not in (Kind.NUMBER, Kind.TIME):
        raise RequestError(place, "only numbers and times have a from and a to. Write a value, or a list of them.")
    if odd := [str(each) for each in said if each not in _ENDS]:
        raise RequestError(f"{place}.{odd[0][:100]}", f"there is no such end. {nearest(odd[0][:100], _ENDS)}")
    if "to" in said and "below" in said:
        raise RequestError(place, "has two upper ends, to and below. Keep one.")
    ends = {end: _end(each, kind, f"{place}.{end}") for end, each in said.items() if each is not None}
    if "to" in ends and kind is Kind.TIME and isinstance(said["to"], str) and _DAY.fullmatch(said["to"]):
        ends["to"] += _LAST
    low, high = ends.get("from", -math.inf), ends.get("to", ends.get("below", math.inf))
    if low > high:
        raise RequestError(place, "ends before it begins")
    return Filter(name, None, low, high, "below" in ends)


def _end(said: Any, kind: Kind, place: str) -> float:
    found = _value(said, kind, place)
    if not isinstance(found, float):
        raise RequestError(place, "expected a value, got a blank")
    return found


def _coded(cells: Coded, values: frozenset[Value]) -> Mask:
    chosen = np.zeros(len(cells.values) + 1, dtype=bool)  # the last is that of code -1, missing
    chosen[[cells.places[value] for value in values if isinstance(value, str) and value in cells.places]] = True
    chosen[-1] = None in values
    return np.asarray(chosen[cells.codes])


def _ids(documents: Collection, values: frozenset[Value]) -> Mask:
    found = np.zeros(len(documents), dtype=bool)
    numbers = [documents.ids.find(value) for value in values if isinstance(value, str)]
    found[[number for number in numbers if number >= 0]] = True
    return found


@dataclass(frozen=True)
class Facet:
    """A column whose values are counted; of numbers and times the ``edges`` between ranges."""

    name: str
    kind: Kind
    edges: tuple[float, ...] = ()

    def count(self, documents: Collection, among: Mask) -> Counter[Any]:
        """How many of these documents have each value, by the value; by the place of its range where it is a number."""
        cells = documents.rows.columns[self.name]
        if isinstance(cells, Coded):
            codes = cells.codes[among]
            many = np.bincount(codes[codes >= 0], minlength=len(cells.values))
            return Counter({cells.values[code]: int(many[code]) for code in np.flatnonzero(many).tolist()})
        numbers = documents.rows.numbers(self.name)[among]
        numbers = numbers[~np.isnan(numbers)]
        places = numbers if self.kind is Kind.BOOLEAN else np.searchsorted(np.array(self.edges), numbers, side="right")
        return Counter({int(place): int(n) for place, n in zip(*np.unique(places, return_counts=True), strict=True)})

    def told(self, many: Counter[Any]) -> list[dict[str, Any]]:
        """The counts as they are given back: the most frequent values first, then by name; ranges in their order."""
        if self.kind is Kind.CATEGORY or self.kind is Kind.BOOLEAN:
            ordered = sorted(many.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_VALUES]
            boolean = self.kind is Kind.BOOLEAN
            return [{"value": bool(value) if boolean else value, "count": count} for value, count in ordered]
        ends = (None, *self.edges, None)
        told: list[dict[str, Any]] = []
        for place in range(len(self.edges) + 1):
            range_ = {"from": ends[place], "below": ends[place + 1], "count": many[place]}
            told.append({word: end for word, end in range_.items() if end is not None})
        return told if many else []


def facet(name: str, documents: Collection, place: str = "$.facets") -> Facet:
    """The facet of a column, whose ranges are those of all documents, so that they stay where they are from one query to the
    next. Raises RequestError where a column has no values to be counted."""
    kind = kind_of(name, documents.schema, place)
    if kind not in COUNTED:
        raise RequestError(place, "the column has another value in each document. Count one of categories or numbers.")
    if kind not in (Kind.NUMBER, Kind.TIME):
        return Facet(name, kind)
    return Facet(name, kind, edges(documents.rows.numbers(name), _DAY_LONG if kind is Kind.TIME else 1.0))


def edges(numbers: NDArray[np.float64], unit: float = 1.0, ranges: int = RANGES) -> tuple[float, ...]:
    """Numbers, round in ``unit``, that part these into about so many ``ranges`` of the same size: fewer where many are equal.

    >>> edges(np.arange(1950.0, 2020.0)), edges(np.array([1.0, 1.0]))
    ((1964.0, 1978.0, 1992.0, 2006.0), ())
    """
    known = numbers[~np.isnan(numbers)]
    least, most = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    if not _LEAST < (width := (most - least) / unit) < math.inf:
        return ()
    cuts = np.quantile(known, np.arange(1, ranges) / ranges)
    step = _round(width / (ranges * 4)) * unit
    found = sorted({float(f"{np.round(cut / step) * step:.15g}") for cut in cuts.tolist()})
    return tuple(edge for edge in found if least < edge <= most)


def _round(width: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is no wider."""
    power = 10.0 ** math.floor(math.log10(width))
    return max((part * power for part in (1.0, 2.0, 5.0) if part * power <= width * (1 + 1e-9)), default=power)
