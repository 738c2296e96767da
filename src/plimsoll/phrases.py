"""Phrases: documents in which terms stand at given distances, by the places that an index keeps of each occurrence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Occurrences:
    """Of one term: its documents, rising, how many places it has in each, and these, document after document."""

    docs: Array
    sizes: Array
    places: Array

    def within(self, docs: Array, offset: int) -> NDArray[np.int64]:
        """Where a phrase would begin that has the term ``offset`` words from its begin, in documents that all have the term:
        document and place in one number, rising."""
        ends = np.cumsum(self.sizes, dtype=np.int64)
        chosen = np.searchsorted(self.docs, docs)
        sizes = self.sizes[chosen].astype(np.int64)
        begins = ends[chosen] - sizes
        at = np.repeat(begins - (np.cumsum(sizes) - sizes), sizes) + np.arange(int(sizes.sum()), dtype=np.int64)
        place = self.places[at].astype(np.int64) - offset
        key = (np.repeat(docs.astype(np.int64), sizes) << 32) + place
        return key[place >= 0]


def documents(terms: Sequence[tuple[Occurrences, int]]) -> Array:
    """The documents, rising, in which each term stands so many words behind a place that is common to them all.

    >>> to = Occurrences(np.array([0, 1]), np.array([2, 1]), np.array([0, 4, 0]))
    >>> be = Occurrences(np.array([0, 1]), np.array([2, 1]), np.array([1, 5, 2]))
    >>> documents([(to, 0), (be, 1)]).tolist(), documents([(to, 0), (be, 2)]).tolist()
    ([0], [1])
    """
    rare = sorted(terms, key=lambda term: len(term[0].docs))
    docs = rare[0][0].docs
    for term in {id(term): term for term, _ in rare[1:]}.values():
        docs = common(docs, term.docs)
    keys: Array | None = None
    for term, offset in rare:
        if not len(docs):
            break
        found = term.within(docs, offset)
        keys = found if keys is None else common(keys, found)
        docs = _rising(keys >> 32)
    return docs


def common(few: Array, many: Array) -> Array:
    """The numbers that both have; ``many`` rises."""
    if not len(many):
        return few[:0]
    place = np.minimum(np.searchsorted(many, few), len(many) - 1)
    return np.asarray(few[many[place] == few])


def _rising(values: Array) -> Array:
    """Numbers that do not fall, each once."""
    return values[np.flatnonzero(np.diff(values, prepend=-1))]
