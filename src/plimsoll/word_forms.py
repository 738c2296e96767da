"""How a term is written in the documents that have it: an index knows stems, and people ask and read words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from plimsoll.lexicon import Lexicon
from plimsoll.remembered import Remembered
from plimsoll.shelf import Shelf

_LOOKED = 64  # documents with a term of which
_READ = 4  # the shortest are read, so many of them
_LETTERS = 20_000  # of each field
_KEPT = 10_000  # terms whose forms are remembered


class Forms:
    """The words of some documents on these shelves, by their term."""

    def __init__(self, shelves: Sequence[Shelf]) -> None:
        self._shelves, self._analyser = shelves, shelves[0].index.analyser
        self._held = Remembered(self._read, _KEPT)

    def __getitem__(self, term: str) -> tuple[str, ...]:
        """The words that have this term and no other, those of short documents first; () where none is near the beginning of any."""
        return self._held[term]

    def short(self, term: str) -> str | None:
        """A word with this term and no other, the term itself where it is one; None where none is found."""
        return term if self._analyser.terms_of(term) == (term,) else next(iter(self[term]), None)

    def nearest(self, term: str, word: str, edits: int) -> str | None:
        """The form of a term that is so few slips away from a word, written small where that is; None where none is."""
        forms = {form.lower(): form for form in reversed(self[term])}
        near = (table := Lexicon.of_terms(forms)).near(word.lower(), edits, 1)
        if not near:
            return None
        found = table.term(near[0][0])
        return found if word.islower() else forms[found]

    def _read(self, term: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(form for shelf in self._shelves for form in self._of(term, shelf)))

    def _of(self, term: str, shelf: Shelf) -> Iterator[str]:
        index = shelf.index
        if (row := index.lexicon.find(term)) < 0:
            return
        some = index.docs[index.starts[row] : min(index.starts[row + 1], index.starts[row] + _LOOKED)]
        for place in np.argsort(index.lengths[:, some].sum(axis=0), kind="stable")[:_READ].tolist():
            for field in index.fields:
                text = shelf.text(field, int(some[place]))[:_LETTERS]
                for begin, end, terms in self._analyser.spans(text):
                    if tuple(terms) == (term,):
                        yield text[begin:end]
