"""BM25 and its relatives over an index: the weight of each posting is worked out before anybody asks.

A query's score of a document is the sum of the weights of its terms there, those that it has several times as often. What
has none of them scores nothing. Fields are combined as BM25F does (Robertson, Zaragoza and Taylor 2004; the length of each field taken by itself).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import top
from plimsoll.inverted import Index
from plimsoll.weighing import Learned, Weighing, learned, saturated, shares

Array = NDArray[Any]
_PIECE = 1 << 22  # postings that are weighed together
_SHARE = 8  # a term in more than this part of the documents has a weight for each
_AT_HAND = 1 << 16  # terms whose postings are kept at hand
_Row = tuple[Array | None, Array]


@dataclass(frozen=True)
class Bm25:
    """An index that is weighed; ``facts`` are the frequencies that it is weighed by. Without ``weights`` those of a term are worked out
    when it is asked for: for weighings that are tried on a few queries.

    >>> from plimsoll.analysis import Analyser
    >>> from plimsoll.inverted import build
    >>> found = Bm25.of(build({"text": ["a red hat", "hats and hats", "a red coat"]}, Analyser()))
    >>> found.best("red hats", 2)["item"].tolist(), [term for term, _ in found.because("red hats", 0)]
    ([0, 1], ['hat', 'red'])
    """

    index: Index
    weighing: Weighing
    facts: Learned
    weights: NDArray[np.float32] | None = None

    @staticmethod
    def of(index: Index, weighing: Weighing | None = None, facts: Learned | None = None, eager: bool = True) -> Bm25:
        """An index weighed by its own frequencies, or by others. Raises ValueError for boosts that are not one a field."""
        weighing = weighing or Weighing()
        made = Bm25(index, weighing, facts or learned(index, weighing))
        if not eager:
            made._shares  # noqa: B018  # boosts that do not fit are told here
            return made
        made = replace(made, weights=made._weighed())
        made._rows  # noqa: B018  # else the first query would wait for them
        return made

    def beside(self, index: Index) -> Bm25:
        """Other documents, weighed by what was learned of these; a term that these lack is as rare as one in no document."""
        own, other = self.index.lexicon, index.lexicon
        found = np.array([own.find(other.term(number)) for number in range(len(other))], dtype=np.int64)
        idf = np.where(found >= 0, np.r_[self.facts.idf, self.facts.unknown][found], self.facts.unknown)
        return Bm25.of(index, self.weighing, replace(self.facts, idf=idf), self.weights is not None)

    def scores(self, text: str) -> NDArray[np.float32]:
        """The score of each document, shape (documents,); 0 where no term of the text is."""
        return self._sums(text)[: self.index.many]

    def best(self, text: str, depth: int, among: NDArray[np.bool_] | None = None) -> Array:
        """The best documents, ``ranking.RANKED`` of shape (depth,), -1 where fewer have a term of the text: those that sorting
        all ``scores`` gives, of equals the lower number first. ``among``, shape (documents,), says which may be listed."""
        sums = self._sums(text)
        if among is not None:
            np.copyto(sums[: self.index.many], np.float32(0), where=~among)
        return top.best(sums, depth)

    def because(self, text: str, document: int) -> list[tuple[str, float]]:
        """The terms of the text that the document has, with their parts of its score: the biggest first."""
        found = []
        for number, times in Counter(self.index.numbers(text)).items():
            docs = self.index.documents(number)
            place = int(np.searchsorted(docs, document))
            if place < len(docs) and docs[place] == document:
                weight = self._weights(number)[place]
                found.append((self.index.lexicon.term(number), float(weight * np.float32(times))))
        return sorted(found, key=lambda part: (-part[1], part[0]))

    def _sums(self, text: str) -> NDArray[np.float32]:
        """Scores, with room for whole blocks. Terms are summed in their order: a score is the same in whichever order they are asked."""
        sums, rows = np.zeros(self._room, dtype=np.float32), self._rows
        times: dict[int, int] = {}
        for number in self.index.numbers(text):
            times[number] = times.get(number, 0) + 1
        for number in sorted(times):
            docs, weights = rows[number]
            if times[number] > 1:
                weights = weights * np.float32(times[number])
            if docs is None:
                sums += weights
            else:
                np.add.at(sums, docs, weights)
        return sums

    @cached_property
    def _room(self) -> int:
        return top.room(self.index.many)

    @cached_property
    def _rows(self) -> _Rows:
        return _Rows(self)

    def _weights(self, number: int) -> NDArray[np.float32]:
        """The weights of a term's postings."""
        own = slice(int(self.index.starts[number]), int(self.index.starts[number + 1]))
        if self.weights is not None:
            return self.weights[own]
        return self._parts(own) * np.float32(self.facts.idf[number])

    def _weighed(self) -> NDArray[np.float32]:
        """The weights of all postings."""
        found = np.repeat(self.facts.idf.astype(np.float32), np.diff(self.index.starts))
        for begin in range(0, len(found), _PIECE):
            piece = slice(begin, min(len(found), begin + _PIECE))
            found[piece] *= self._parts(piece)
        return found

    def _parts(self, postings: slice) -> NDArray[np.float32]:
        """How much postings count before it is asked how rare their terms are."""
        docs, counts = self.index.docs[postings], self.index.counts[:, postings]
        frequency = counts[0] * self._shares[0][docs]
        for field in range(1, len(counts)):
            frequency += counts[field] * self._shares[field][docs]
        return saturated(frequency, self.weighing)

    @cached_property
    def _shares(self) -> NDArray[np.float32]:
        return shares(self.index, self.weighing, self.facts.means)


class _Rows(dict[int, _Row]):
    """The documents and weights of a term, at hand once it was asked for. One in very many documents has a weight for each of all
    documents and needs no documents: adding all of it up is quicker than going from one to the next."""

    def __init__(self, model: Bm25) -> None:
        super().__init__()
        self.model, self.full = model, dict[int, _Row]()
        if model.weights is not None:
            spread = np.diff(model.index.starts)
            for number in np.flatnonzero(spread * _SHARE > model.index.many).tolist():
                row = np.zeros(top.room(model.index.many), dtype=np.float32)
                row[model.index.documents(number)] = model._weights(number)
                self.full[number] = (None, row)

    def __missing__(self, number: int) -> _Row:
        row = self.full.get(number) or (self.model.index.documents(number), self.model._weights(number))
        if len(self) >= _AT_HAND:
            self.clear()
        self[number] = row
        return row
