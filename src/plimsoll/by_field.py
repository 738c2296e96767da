"""BM25 of each field by itself, worked out for all fields in one pass over the postings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.bm25 import Bm25
from plimsoll.summing import Sums
from plimsoll.weighing import saturated, shares

Array = NDArray[Any]


@dataclass(frozen=True)
class ByField:
    """The first ``fields`` of a model's index, each as if a document had no other: a term is as rare as it is in all together.

    >>> from plimsoll.analysis import Analyser
    >>> from plimsoll.inverted import build
    >>> index = build({"title": ["hats", "coats"], "text": ["red", "a red hat"]}, Analyser())
    >>> (ByField(Bm25.of(index), 2).scores(index.numbers("hat")) > 0).tolist()
    [[True, False], [False, True]]
    """

    model: Bm25
    fields: int

    def scores(self, numbers: Sequence[int]) -> NDArray[np.float32]:
        """What these terms of the index score in each field of each document, shape (fields, documents)."""
        return self._sums.of(numbers).reshape(self.fields, self.model.index.many)

    @cached_property
    def _sums(self) -> Sums:
        """A place for each field and document: those of a field stand together."""
        index = self.model.index
        many = self.fields * index.many
        made = Sums(many, many, self._posted)
        if many:
            made.lay(np.diff(index.starts))
        return made

    @cached_property
    def _shares(self) -> NDArray[np.float32]:
        return shares(self.model.index, replace(self.model.weighing, boosts=()), self.model.facts.means)

    def _posted(self, number: int) -> tuple[Array, NDArray[np.float32]]:
        """Where a term stands, and what it weighs there."""
        index = self.model.index
        own = slice(int(index.starts[number]), int(index.starts[number + 1]))
        counts, documents = index.counts[: self.fields, own], index.docs[own]
        field, posting = counts.nonzero()
        there = documents[posting]
        weights = saturated(counts[field, posting] * self._shares[field, there], self.model.weighing)
        return field * index.many + there, weights * np.float32(self.model.facts.idf[number])
