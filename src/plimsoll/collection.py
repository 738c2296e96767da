"""What can be answered by a list: items with their ids, numbered from 0, and what is known of each.

A collection is written into a bundle once, as two members of its own, and a model only knows numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from plimsoll.errors import BundleError, DataError
from plimsoll.ids import Ids, check_packed, spelled, unpacked
from plimsoll.members import arrays_of, check, parse_json, save
from plimsoll.packed_texts import PackedTexts
from plimsoll.rows import NUMERIC, Cells, Coded, Rows
from plimsoll.schema import USABLE, Kind, Schema

NAME = "collection"
ARRAYS, ABOUT = f"{NAME}.safetensors", f"{NAME}.json"
_IDS = ("ids", "text", "ends")


@dataclass(frozen=True)
class Collection:
    """Items by number: their ``ids``, and ``rows`` with a row each of the columns of ``schema``, whose target is the id's column.

    >>> from plimsoll.schema import Column, Kind
    >>> schema = Schema((Column("year", Kind.NUMBER),), "film")
    >>> films = Collection(Ids.of(["2", "10"]), Rows(2, {"year": np.array([1995.0, np.nan])}), schema)
    >>> films.find(10), films.ids[0], Collection.read(films.members()).rows.numbers("year")[0]
    (1, '2', np.float64(1995.0))
    """

    ids: Ids
    rows: Rows
    schema: Schema

    def __len__(self) -> int:
        return len(self.ids)

    def find(self, cell: Any) -> int:
        """The number of the item whose id a cell holds, however it is written; -1 where there is none."""
        return self.ids.find(spelled(cell))

    def members(self, of: str = NAME) -> dict[str, bytes]:
        """The collection as members of a bundle, by name: the same bytes every time."""
        arrays: dict[str, NDArray[Any]] = dict(self.ids.arrays())
        for k, name in enumerate(self.schema.names):
            arrays |= _stored(k, self.rows.columns[name])
        about = {"count": len(self), "schema": self.schema.as_json()}
        return {f"{of}.safetensors": save(arrays), f"{of}.json": msgspec.json.encode(about)}

    @staticmethod
    def read(members: Mapping[str, bytes | memoryview], of: str = NAME) -> Collection:
        """What ``members`` wrote under this name, each byte of it checked. Raises BundleError where they are no collection."""
        held, told = f"{of}.safetensors", f"{of}.json"
        for name in (held, told):
            if name not in members:
                raise BundleError(f"{name}: is not in the bundle, so its answers have no names.")
            check(name, members[name])
        count, schema = _about(told, parse_json(told, members[told]))
        arrays = arrays_of(held, members[held])
        ids = Ids.read(held, {name: arrays.pop(name) for name in _IDS if name in arrays})
        if len(ids) != count:
            raise BundleError(f"{held}: holds {len(ids):,} ids where {told} says {count:,}.")
        columns = {
            column.name: _fetched(held, k, count, column.kind, arrays) for k, column in enumerate(schema.columns)
        }
        if arrays:
            raise BundleError(f'{held}: holds "{min(arrays)[:60]}", which is no part of a collection.')
        return Collection(ids, Rows(count, columns), schema)


def _about(place: str, value: Any) -> tuple[int, Schema]:
    if not isinstance(value, dict) or set(value) != {"count", "schema"} or type(value["count"]) is not int:
        raise BundleError(f"{place}: is not about a collection.")
    try:
        schema = Schema.from_json(value["schema"])
    except DataError as fault:
        raise BundleError(f"{place}: {fault}") from None
    if len(set(schema.names)) != len(schema.names) or any(column.kind not in USABLE for column in schema.columns):
        raise BundleError(f"{place}: a column is there twice, or is of a kind that items do not have.")
    return value["count"], schema


def _stored(place: int, cells: Cells) -> dict[str, NDArray[Any]]:
    if isinstance(cells, Coded):
        held = cells.values if isinstance(cells.values, PackedTexts) else PackedTexts.of(cells.values)
        text, ends = np.ascontiguousarray(held.text), np.ascontiguousarray(held.ends)
        return {f"codes{place}": np.ascontiguousarray(cells.codes), f"text{place}": text, f"ends{place}": ends}
    assert isinstance(cells, np.ndarray)
    return {f"numbers{place}": np.ascontiguousarray(cells)}


def _fetched(file: str, place: int, count: int, kind: Kind, arrays: dict[str, NDArray[Any]]) -> Cells:
    numeric = kind in NUMERIC
    wanted = ("numbers",) if numeric else ("codes", "text", "ends")
    found = [arrays.pop(f"{name}{place}", None) for name in wanted]
    first = found[0]
    due = np.dtype(np.float64 if numeric else np.int32)
    if first is None or first.dtype != due or first.shape != (count,):
        raise BundleError(f"{file}: column {place} is not {count:,} cells of its kind.")
    if numeric:
        if np.isinf(first).any():
            raise BundleError(f"{file}: column {place} holds a number that is not finite.")
        return first
    text, ends = found[1], found[2]
    if text is None or ends is None:
        raise BundleError(f"{file}: column {place} has codes without their values.")
    check_packed(file, text, ends)
    if len(first) and not (first.min() >= -1 and first.max() < len(ends)):
        raise BundleError(f"{file}: column {place} has a code without a value.")
    # Categories are few and often looked up; texts are as many as there are items, and stay where they are.
    return Coded(first, PackedTexts(text, ends) if kind is Kind.TEXT else tuple(unpacked(text, ends)))
