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
_FEW = 4_096  # documents of which each call takes longer than to add up all their scores
_SHARE, _SHARE_OF_FEW = 8, 32  # a term in more than this part of the documents has a weight for each
_AT_HAND = 1 << 16  # terms whose postings are kept at hand
_Row = tuple[Array | None, Array]  # documents, None for all of them, and their weights


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
        """Scores, with room for whole rows. Terms are summed in one order, so a score does not hang on that of the words."""
        sums = np.zeros(self.room, dtype=np.float32)
        for docs, weights in self._asked(text):
            if docs is None:
                sums += weights
            else:
                np.add.at(sums, docs, weights)
        return sums

    def _asked(self, text: str) -> list[_Row]:
        """The rows of the terms of a text, in their order, each once."""
        numbers, rows = self.index.numbers(text), self._rows
        if len(set(numbers)) == len(numbers):
            return list(map(rows.__getitem__, sorted(numbers)))
        times = sorted(Counter(numbers).items())
        return [_again(rows[number], many) if many > 1 else rows[number] for number, many in times]

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


def _again(row: _Row, times: int) -> _Row:
    """The weights of a term that is asked for so many times."""
    return row[0], row[1] * np.float32(times)


class _Rows(dict[int, _Row]):
    """The documents and weights of a term, at hand once it was asked for. A term in a good part of the documents has a weight for
    each of all, and no documents: to add all of them up is quicker than to go from one to the next."""

    def __init__(self, model: Bm25) -> None:
        super().__init__()
        self._model = model
        self._wide: dict[int, _Row] = {}
        few = model.index.many <= _FEW
        self._share = _SHARE_OF_FEW if few else _SHARE
        self._kind = (
            np.intp if few else np.int32
        )  # numpy goes to places of its own kind in less time, but they are twice as long

    def lay(self) -> None:
        """Works out those of the terms that are in a good part of the documents."""
        spread = np.diff(self._model.index.starts)
        for number in np.flatnonzero(spread * self._share > self._model.index.many).tolist():
            self[number]

    def __missing__(self, number: int) -> _Row:
        row = self._wide.get(number) or self._made(number)
        if len(self) >= _AT_HAND:
            self.clear()
        self[number] = row
        return row

    def _made(self, number: int) -> _Row:
        docs, weights = self._model.index.documents(number), self._model.weights_of(number)
        if len(docs) * self._share <= self._model.index.many:
            return docs.astype(self._kind, copy=False), weights
        row = np.zeros(self._model.room, dtype=np.float32)
        row[docs] = weights
        return self._wide.setdefault(number, (None, row))
