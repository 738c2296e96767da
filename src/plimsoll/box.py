"""The search box: one call from what is asked to a page of documents, whatever family ranks them.

All that is asked for beside the ranking comes down to two things that every family takes: a text, and the documents that may be
listed. Only what is asked for is worked out, so that a plain query costs what its ranking costs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from plimsoll import facets, hits
from plimsoll.collection import Collection
from plimsoll.errors import RequestError, nearest
from plimsoll.facets import Facet, Filter
from plimsoll.highlight import Marker
from plimsoll.shelf import Mask, Ranks, Shelf
from plimsoll.wording import Asked, Wording

MOST_K = 100  # documents of a page
DEEPEST = 1_000  # places from the first that a page may reach to


@dataclass(frozen=True)
class Wanted:
    """What is asked: ``query`` in the language of ``asking``; ``k`` documents after the first ``skip``; ``where`` in that of ``facets``, the room,
    and the columns of ``facets`` to count. ``fields`` are the columns that come back with a document; without any, with ``highlight`` all
    that it has, and else none. ``why`` tells the parts of each score, ``count`` how many documents match."""

    query: str
    k: int = 10
    skip: int = 0
    where: Mapping[str, Any] = field(default_factory=dict)
    facets: tuple[str, ...] = ()
    highlight: bool = True
    why: bool = False
    typos: bool = True
    fields: tuple[str, ...] | None = None
    count: bool = False


@dataclass(frozen=True)
class Page:
    """``hits``, the best first: each with its ``id`` and ``score``; as asked for ``text`` (the fields that are searched: a snippet with its marks,
    or all of it) and ``about`` (the other columns); ``why`` and ``matched``. ``total``: documents that have a word of the query and
    that the request lets in; None where nobody asked. ``corrected``: the query that was carried out instead. ``passed``: what of
    the query was passed over, and why."""

    hits: list[dict[str, Any]]
    total: int | None = None
    facets: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    corrected: str | None = None
    passed: tuple[str, ...] = ()


class Box:
    """A search box over a finder's documents, and over shelves of others ``beside`` them that the same analyser read.

    Raises RequestError, with the place of the fault, for what is asked in a wrong way; the text of a query is never wrong.
    """

    def __init__(
        self,
        finder: Ranks,
        collection: Collection,
        fields: Sequence[str] | None = None,
        alive: Mask | None = None,
        beside: Sequence[Shelf] = (),
    ) -> None:
        self._shelves = (Shelf(finder, collection, alive), *beside)
        self._collection = collection
        self._searched = tuple(finder.index.fields if fields is None else fields)
        self._wording = Wording(self._shelves)
        self._others = tuple(name for name in collection.schema.names if name not in self._searched)
        self._whole = len(collection.ids.whole) > 0
        self._facets: dict[str, Facet] = {}

    @property
    def shelves(self) -> tuple[Shelf, ...]:
        """All documents that it searches; of two with one id only one is still there."""
        return self._shelves

    def beside(self, shelves: Sequence[Shelf], alive: Mask | None = None) -> Box:
        """The same box with other shelves beside the first, of whose documents those are left that are ``alive``. What was
        learned of words and columns goes along."""
        first = self._shelves[0]
        box = Box(first.finder, first.documents, self._searched, alive, shelves)
        box._facets = self._facets
        box._wording.remember(self._wording)
        return box

    def page(self, wanted: Wanted) -> Page:
        """The documents that are wanted."""
        _check(wanted, self._collection)
        kept = facets.filters(wanted.where, self._collection.schema) if wanted.where else ()
        counted = [self._facet(name, f"$.facets[{k}]") for k, name in enumerate(wanted.facets)]
        asked = self._wording.understood(wanted.query, wanted.typos)
        if not asked.text:
            nothing = {each.name: list[dict[str, Any]]() for each in counted}
            return Page([], 0 if wanted.count or counted else None, nothing, asked.corrected, asked.passed)
        demands = [self._demands(shelf, asked, kept) for shelf in self._shelves]
        best = self._best(asked.text, wanted.skip + wanted.k, demands)[wanted.skip :]
        total, counts = self._counts(asked.text, demands, counted) if wanted.count or counted else (None, {})
        return Page(self._told(best, asked.text, wanted), total, counts, asked.corrected, asked.passed)

    def _demands(self, shelf: Shelf, asked: Asked, kept: Sequence[Filter]) -> _Demands:
        masks = [] if shelf.alive is None else [shelf.alive]
        if not asked.query.bare:
            masks += self._wording.lets_in(asked.query, shelf)
        return _Demands(_all(masks), {each.name: each.mask(shelf.documents) for each in kept})

    def _best(self, text: str, depth: int, demands: Sequence[_Demands]) -> list[_Found]:
        """The best documents of all shelves; of those that score the same the one on the earlier shelf comes first."""
        found: list[_Found] = []
        for shelf, demand in zip(self._shelves, demands, strict=True):
            if len(shelf.documents):
                best = shelf.finder.best(text, depth, demand.among()).tolist()
                found += [_Found(shelf, number, score) for number, score in best if number >= 0]
        if len(self._shelves) > 1:
            found.sort(key=lambda each: -each.score)
        return found[:depth]

    def _counts(
        self, text: str, demands: Sequence[_Demands], counted: Sequence[Facet]
    ) -> tuple[int, dict[str, list[dict[str, Any]]]]:
        """How many documents match, and of these how many have each value."""
        total, counts = 0, {each.name: Counter[Any]() for each in counted}
        for shelf, demand in zip(self._shelves, demands, strict=True):
            matching = shelf.index.matching(text)
            total += int(np.asarray(_all([matching, demand.among()])).sum())
            for each in counted:
                among = _all([matching, demand.among(but=each.name)])
                counts[each.name].update(each.count(shelf.documents, np.asarray(among)))
        return total, {each.name: each.told(counts[each.name]) for each in counted}

    def _told(self, best: Sequence[_Found], text: str, wanted: Wanted) -> list[dict[str, Any]]:
        named = wanted.fields or ((*self._searched, *self._others) if wanted.highlight else ())
        marker = None
        if wanted.highlight and named:
            marker = Marker(hits.weights(text, self._shelves), self._shelves[0].index.analyser)
        teller = hits.Teller(text, self._searched, named, marker, wanted.why)
        return [teller.told(shelf, number, score, self._whole) for shelf, number, score in best]

    def _facet(self, name: str, place: str) -> Facet:
        if name not in self._facets:
            self._facets[name] = facets.facet(name, self._collection, place)
        return self._facets[name]


class _Found(NamedTuple):
    shelf: Shelf
    number: int
    score: float


@dataclass(frozen=True)
class _Demands:
    """What a request demands of the documents of one shelf: by its ``query``, and by each of the ``columns``."""

    query: Mask | None
    columns: Mapping[str, Mask]

    def among(self, but: str = "") -> Mask | None:
        """The documents that are let in, the filter of one column left out; None: all."""
        return _all([self.query, *(mask for name, mask in self.columns.items() if name != but)])


def _all(masks: Sequence[Mask | None]) -> Mask | None:
    """Where all of these hold; None where there are none."""
    there = [mask for mask in masks if mask is not None]
    return reduce(np.logical_and, there) if there else None


def _check(wanted: Wanted, collection: Collection) -> None:
    """Raises RequestError where a page cannot be, or names a column that is not there."""
    if not 1 <= wanted.k <= MOST_K:
        raise RequestError("$.k", f"expected a whole number of 1 to {MOST_K}, got {wanted.k}")
    if not 0 <= wanted.skip <= DEEPEST - wanted.k:
        raise RequestError(
            "$.skip",
            f"expected a whole number of 0 to {DEEPEST - wanted.k:,} for {wanted.k} documents, got {wanted.skip}. Narrow the query by a word or a filter.",
        )
    for place, name in enumerate(wanted.fields or ()):
        if name not in collection.schema.names:
            raise RequestError(
                f"$.fields[{place}]", f"there is no such column. {nearest(name[:100], collection.schema.names)}"
            )
