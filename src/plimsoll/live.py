"""A search over a bundle's documents and over those that came later, as one.

Later documents stand on shelves of their own, each scored by what the bundle's model knew. What a call brings makes a new shelf, and shelves of
about one size are put together, so that there are few and none is made anew often (O'Neil et al. 1996, log-structured merge).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from plimsoll.box import Box, Page, Wanted
from plimsoll.collection import Collection
from plimsoll.ids import Ids
from plimsoll.later import Cells, Change, Later
from plimsoll.packed_texts import PackedTexts
from plimsoll.rows import Cells as Column
from plimsoll.rows import Coded, Rows
from plimsoll.schema import Kind, Schema
from plimsoll.shelf import Mask, Ranks, Shelf


@dataclass(frozen=True)
class _Made:
    """A shelf of later documents and the ``cells`` of those of them that are still there."""

    shelf: Shelf
    cells: Mapping[str, Cells]

    def without(self, names: Sequence[str]) -> _Made:
        """The same once these are gone; the shelf that pages are being made of meanwhile stays as it is."""
        gone = set(names) & self.cells.keys()
        if not gone:
            return self
        left = {name: cells for name, cells in self.cells.items() if name not in gone}
        return _Made(Shelf(self.shelf.finder, self.shelf.documents, _lost(self.shelf, gone)), left)


class Live:
    """A search box over a collection and its ``later`` documents: what a call changed is seen by the next page, whoever made it."""

    def __init__(
        self, finder: Ranks, collection: Collection, later: Later, fields: Sequence[str] | None = None
    ) -> None:
        self._first, self._later = Shelf(finder, collection), later
        self._made: list[_Made] = []
        self._box = Box(finder, collection, fields)
        self._calls = 0
        self._lock = threading.Lock()

    def page(self, wanted: Wanted) -> Page:
        """The documents that are wanted, as ``Box.page``."""
        return self.box().page(wanted)

    def box(self) -> Box:
        """The box over all documents that there are now."""
        if self._later.calls() != self._calls:
            with self._lock:
                self._refresh()
        return self._box

    def _refresh(self) -> None:
        calls = self._later.calls()  # before the changes are read: what comes between is read again, and is the same
        if calls == self._calls:  # another thread was here first
            return
        changes = list(self._later.since(self._calls))
        names = [change.id for change in changes]
        self._first = Shelf(self._first.finder, self._first.documents, _lost(self._first, names))
        kept = [made for each in self._made if (made := each.without(names)).cells]
        self._made = _stacked(
            kept, {change.id: change.cells for change in changes if change.cells is not None}, self._first
        )
        self._box = self._box.beside([made.shelf for made in self._made], self._first.alive)
        self._calls = calls


def _lost(shelf: Shelf, names: Sequence[str] | set[str]) -> Mask | None:
    """Which documents of a shelf are still there once these are gone; None: all."""
    numbers = [number for name in names if (number := shelf.documents.ids.find(name)) >= 0]
    if not numbers:
        return shelf.alive
    alive = np.ones(len(shelf.documents), dtype=bool) if shelf.alive is None else shelf.alive.copy()
    alive[numbers] = False
    return alive


def _stacked(made: list[_Made], new: dict[str, Cells], first: Shelf) -> list[_Made]:
    """The shelves with one more for what is new: each is more than twice as large as the next, or they are put together."""
    if not new:
        return made
    while made and len(made[-1].cells) <= 2 * len(new):
        new = {**made[-1].cells, **new}
        made = made[:-1]
    documents = of_cells(new, first.documents.schema)
    texts = {name: documents.rows.texts(name).texts() for name in first.index.fields}
    return [*made, _Made(Shelf(first.finder.beside(texts), documents), new)]


def of_cells(told: Mapping[str, Cells], schema: Schema) -> Collection:
    """A collection of documents by their ids."""
    ids = Ids.of(told)
    return Collection(ids, Rows.of_values(schema, [told[name] for name in ids.names(range(len(ids)))]), schema)


def compacted(collection: Collection, changes: Sequence[Change]) -> Collection:
    """All documents that there are after these changes, as one collection for a new run."""
    alive = _lost_of(collection, [change.id for change in changes])
    kept = collection.rows.take(np.flatnonzero(alive))
    new = of_cells({change.id: change.cells for change in changes if change.cells is not None}, collection.schema)
    names = [*collection.ids.names(np.flatnonzero(alive).tolist()), *new.ids.names(range(len(new)))]
    ids = Ids.of(names)
    order = np.argsort(np.array([ids.find(name) for name in names], dtype=np.int64))
    kinds = {column.name: column.kind for column in collection.schema.columns}
    columns = {name: _joined(kept.columns[name], new.rows.columns[name], kinds[name]) for name in kinds}
    return Collection(ids, Rows(len(ids), columns).take(order), collection.schema)


def _lost_of(collection: Collection, names: Sequence[str]) -> Mask:
    alive = np.ones(len(collection), dtype=bool)
    alive[[number for name in names if (number := collection.ids.find(name)) >= 0]] = False
    return alive


def _joined(one: Column, other: Column, kind: Kind) -> Column:
    if not isinstance(one, Coded) or not isinstance(other, Coded):
        return np.concatenate([one, other])
    if kind is not Kind.TEXT:
        return Coded.of([*one.texts(), *other.texts()])
    # Hardly a text is there twice, so none is looked for.
    codes = np.where(other.codes < 0, np.int32(-1), other.codes + np.int32(len(one.values)))
    return Coded(np.concatenate([one.codes, codes]).astype(np.int32), PackedTexts.of(chain(one.values, other.values)))
