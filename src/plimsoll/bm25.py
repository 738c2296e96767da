"""BM25 and its relatives over an index: the weight of each posting is worked out before anybody asks.

A query's score of a document is the sum of the weights of its terms there, those that it has several times as often. What
has none of them scores nothing. Fields are combined as BM25F does (Robertson, Zaragoza and Taylor 2004; the length of each field taken by itself).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import top
from plimsoll.inverted import Index
from plimsoll.summing import Sums
from plimsoll.weighing import Learned, Weighing, learned, parts, shares

Array = NDArray[Any]
_PIECE = 1 << 22  # postings that are weighed together


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
            made._sums.lay(np.diff(index.starts))
        return made

    def beside(self, index: Index) -> Bm25:
        """Other documents, weighed by what was learned of these; a term that these lack is as rare as one in no document."""
        own, other = self.index.lexicon, index.lexicon
        found = np.array([own.find(other.term(number)) for number in range(len(other))], dtype=np.int64)
        idf = np.where(found >= 0, np.r_[self.facts.idf, self.facts.unknown][found], self.facts.unknown)
        return Bm25.of(index, self.weighing, replace(self.facts, idf=idf), self.weights is not None)

    def scores(self, text: str) -> NDArray[np.float32]:
        """The score of each document, shape (documents,); 0 where no term of the text is."""
        return self.summed(self.index.numbers(text))

    def summed(self, numbers: Sequence[int]) -> NDArray[np.float32]:
        """The scores for terms of the index, as ``Index.numbers`` gives them."""
        return self._sums.of(numbers)[: self.index.many]

    def best(self, text: str, depth: int, among: NDArray[np.bool_] | None = None) -> Array:
        """The best documents, ``ranking.RANKED`` of shape (depth,), -1 where fewer have a term of the text: those that sorting
        all ``scores`` gives, of equals the lower number first. ``among``, shape (documents,), says which may be listed."""
        sums = self._sums.of(self.index.numbers(text))
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

    @cached_property
    def _sums(self) -> Sums:
        return Sums(self.index.many, self.room, lambda number: (self.index.documents(number), self.weights_of(number)))

    @property
    def room(self) -> int:
        """Scores that there is room for: those of documents, and zeros that make up a table."""
        return top.room(self.index.many)

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
