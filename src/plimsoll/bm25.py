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
from plimsoll.weighing import Learned, Weighing, learned, parts, shares

Array = NDArray[Any]
_PIECE = 1 << 22  # postings that are weighed together
_SHARE = 8  # a term in more than this part of the documents has a weight for each
_AT_HAND = 1 << 16  # terms whose postings are kept at hand
_Row = tuple[Array | None, Array]


@dataclass(frozen=True)
class Bm25:
    """An index that is weighed by the frequencies in ``facts``; ``shares`` is what an occurrence counts in each field of each
    document, shape (fields, documents). Without ``weights``, shape (postings,), those of a term are worked out when it is
    asked for: for weighings that are tried on a few queries (``eager=False``).

    >>> from plimsoll.analysis import Analyser
    >>> from plimsoll.inverted import build
    >>> found = Bm25.of(build({"text": ["a red hat", "hats and hats", "a red coat"]}, Analyser()))
    >>> found.best("red hats", 2)["item"].tolist(), [term for term, _ in found.because("red hats", 0)]
    ([0, 1], ['hat', 'red'])
    """

    index: Index
    weighing: Weighing
    facts: Learned
    shares: NDArray[np.float32]
    weights: NDArray[np.float32] | None

    @staticmethod
    def of(index: Index, weighing: Weighing | None = None, facts: Learned | None = None, eager: bool = True) -> Bm25:
        """An index weighed by its own frequencies, or by others'. Raises ValueError for boosts that are not one a field."""
        weighing = weighing or Weighing()
        facts = facts or learned(index, weighing)
        held = shares(index, weighing, facts.means)
        made = Bm25(index, weighing, facts, held, _weighed(index, weighing, facts, held) if eager else None)
        if eager:
            made._rows.lay()
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
                weight = self.weights_of(number)[place]
                found.append((self.index.lexicon.term(number), float(weight * np.float32(times))))
        return sorted(found, key=lambda part: (-part[1], part[0]))

    def _sums(self, text: str) -> NDArray[np.float32]:
        """Scores, with room for whole blocks. Terms are summed in their order: a score is the same in whichever order they are asked."""
        sums, rows = np.zeros(self.room, dtype=np.float32), self._rows
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
    def room(self) -> int:
        """Scores that there is room for: those of documents, and zeros that make up a table."""
        return top.room(self.index.many)

    @cached_property
    def _rows(self) -> _Rows:
        return _Rows(self)

    def weights_of(self, number: int) -> NDArray[np.float32]:
        """The weights of a term's postings."""
        own = slice(int(self.index.starts[number]), int(self.index.starts[number + 1]))
        if self.weights is not None:
            return self.weights[own]
        return parts(self.index, own, self.shares, self.weighing) * np.float32(self.facts.idf[number])


def _weighed(index: Index, weighing: Weighing, facts: Learned, held: Array) -> NDArray[np.float32]:
    """The weights of all postings."""
    found = np.repeat(facts.idf.astype(np.float32), np.diff(index.starts))
    for begin in range(0, len(found), _PIECE):
        piece = slice(begin, begin + _PIECE)
        found[piece] *= parts(index, piece, held, weighing)
    return found


class _Rows(dict[int, _Row]):
    """The documents and weights of a term, at hand once it was asked for."""

    def __init__(self, model: Bm25) -> None:
        super().__init__()
        self._model = model
        self._full: dict[int, _Row] = {}
        # numpy goes to places of its own kind quicker; of many documents that would be a copy of all postings.
        self._kind = np.intp if top.rows(model.index.many) == 1 else np.int32

    def lay(self) -> None:
        """Gives a term that very many documents have a weight for each document, and no documents: to add all of them up is
        quicker than to go from one to the next."""
        spread = np.diff(self._model.index.starts)
        for number in np.flatnonzero(spread * _SHARE > self._model.index.many).tolist():
            row = np.zeros(self._model.room, dtype=np.float32)
            row[self._model.index.documents(number)] = self._model.weights_of(number)
            self._full[number] = (None, row)

    def __missing__(self, number: int) -> _Row:
        row = self._full.get(number)
        if row is None:
            docs = self._model.index.documents(number)
            row = (docs.astype(self._kind, copy=False), self._model.weights_of(number))
        if len(self) >= _AT_HAND:
            self.clear()
        self[number] = row
        return row
