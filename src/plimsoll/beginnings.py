"""The words that begin in a given way: which documents have any, and those that are in most of them.

An index knows terms, and these are words, grams or pieces. So a word that begins so has certain terms one after another, and then one that
begins as what is left of it does.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from plimsoll import letters
from plimsoll.analysis import EDGE, INSIDE, Analyser
from plimsoll.inverted import Index
from plimsoll.shelf import Mask, Shelf
from plimsoll.word_forms import Forms

EXPANDED = 16  # words that one with a star stands for in the ranking: those in most documents
_ENDING = 3  # letters that the end of a word with a star may have beyond its stem
_LOOKED = 64  # documents that are read for their words, where terms are none
_LETTERS = 20_000  # of each field
Way = tuple[tuple[str, ...], str]  # terms one after another, and how the next one begins


class Beginnings:
    """What begins so in documents on these shelves."""

    def __init__(self, shelves: Sequence[Shelf], forms: Forms) -> None:
        self._shelves, self._forms = shelves, forms
        self._analyser = shelves[0].index.analyser
        self._whole = dataclasses.replace(self._analyser, units="words", pieces=(), stem="", stop="")

    def documents(self, prefix: str, shelf: Shelf) -> Mask:
        """The documents of a shelf that have a word that begins so."""
        if letters.is_run(prefix) and len(letters.pairs(prefix)) > 1:
            return shelf.index.phrase(prefix)
        held = np.zeros(len(shelf.documents), dtype=bool)
        for rows, begin, end in self._rows(prefix, shelf.index):
            held |= shelf.index.followed(rows, begin, end)
        return held

    def words(self, prefix: str) -> list[str]:
        """Words that begin so, as documents have them; those that are in most of these come first."""
        if letters.is_run(prefix):
            return [prefix] if any(self.documents(prefix, shelf).any() for shelf in self._shelves) else []
        many = self._terms(prefix) if self._analyser.units == "words" else self._read(prefix)
        return [word for word, _ in many.most_common(EXPANDED)]

    def _plain(self, prefix: str) -> str:
        return "".join(self._whole.terms(prefix))

    def _rows(self, prefix: str, index: Index) -> Iterator[tuple[list[int], int, int]]:
        """Each way in which the terms of an index begin so, as their numbers. Terms may be stems: where none begins so, the end of
        the word may be one that stems lose, and up to three letters of it are left out."""
        bare = self._plain(prefix)
        for lost in range(min(_ENDING, max(len(bare) - 3, 0)) + 1 if self._analyser.stem else 1):
            found = list(_found(ways(bare[: len(bare) - lost], self._analyser), index))
            yield from found
            if found:
                return

    def _terms(self, prefix: str) -> Counter[str]:
        many: Counter[str] = Counter()
        for shelf in self._shelves:
            index = shelf.index
            for _, begin, end in self._rows(prefix, index):
                sizes = np.diff(index.starts[begin : end + 1])
                for place in np.argsort(-sizes, kind="stable")[:EXPANDED].tolist():
                    if (word := self._forms.short(index.lexicon.term(begin + place))) is not None:
                        many[word] += int(sizes[place])
        return many

    def _read(self, prefix: str) -> Counter[str]:
        """Where terms are parts of words, some documents are read for the words that begin so."""
        bare, many = self._plain(prefix), Counter[str]()
        for shelf in self._shelves:
            for number in np.flatnonzero(self.documents(prefix, shelf))[:_LOOKED].tolist():
                texts = (shelf.text(field, number)[:_LETTERS] for field in shelf.index.fields)
                said = {letters.plain(word, self._analyser.fold) for text in texts for word in letters.words(text)}
                many.update(word for word in said if word.startswith(bare))
        return many


def ways(bare: str, analyser: Analyser) -> list[Way]:
    """How the terms of a word that begins so begin.

    >>> ways("sock", Analyser("grams", size=3, stem="", stop="")), ways("so", Analyser("grams", size=4, stem="", stop=""))
    ([(('_so', 'soc'), 'ock')], [((), '_so')])
    >>> ways("windy", Analyser("pieces", stem="", stop="", pieces=("wi", "wind", "##y")))
    [((), 'windy'), (('wind',), '##y')]
    """
    if not bare:
        return []
    if analyser.units == "grams":
        marked, size = EDGE + bare, analyser.size
        grams = [marked[k : k + size] for k in range(max(1, len(marked) - size + 1))]
        return [(tuple(grams[:-1]), grams[-1])]
    return _cut(bare, frozenset(analyser.pieces)) if analyser.units == "pieces" else [((), bare)]


def _cut(rest: str, known: frozenset[str]) -> list[Way]:
    """A word is cut by the longest piece that is known: one that goes beyond what is asked for, or the longest within."""
    found: list[Way] = []
    first: tuple[str, ...] = ()
    while True:
        lead = INSIDE if first else ""
        found.append((first, lead + rest))
        size = next((size for size in range(len(rest), 1, -1) if lead + rest[:size] in known), 1)
        if size == len(rest):
            return found
        first, rest = (*first, lead + rest[:size]), rest[size:]


def _found(told: Sequence[Way], index: Index) -> Iterator[tuple[list[int], int, int]]:
    for first, last in told:
        rows = [index.lexicon.find(term) for term in first]
        begin, end = index.lexicon.starting(last)
        if end > begin and min(rows, default=0) >= 0:
            yield rows, begin, end
