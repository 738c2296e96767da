"""An inverted index: of each term the documents that have it, how often in each field, and where. It is the same for every
family that ranks documents; what a query asks of it are documents, never scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import phrases
from plimsoll.analysis import Analyser
from plimsoll.index_build import Say, read
from plimsoll.index_checks import check
from plimsoll.letters import LONGEST, words
from plimsoll.lexicon import Lexicon
from plimsoll.postings import Laid
from plimsoll.remembered import Remembered

Array = NDArray[Any]
_KNOWN = 1 << 16  # words of queries whose terms are kept at hand
_LEXICON = "lexicon."
_ARRAYS = ("starts", "docs", "counts", "place_starts", "places", "lengths")


@dataclass(frozen=True)
class Index:
    """Documents are numbers from 0 on, and so are terms, in the order of the lexicon.

    ``starts``, shape (terms + 1,): where the postings of each term begin. ``docs``, shape (postings,): documents, rising within
    a term. ``counts``, shape (fields, postings): how often it is in each field, 65,535 at most. ``place_starts`` and ``places``:
    where the term stands in the document, posting after posting, so many of each as it counts; words that are stopped leave a
    gap, and so does the end of a field. ``lengths``, shape (fields, documents): terms of each.

    >>> index = build({"text": ["a red hat", None, "hats and a red coat"]}, Analyser())
    >>> index.matching("hat").tolist(), index.phrase("red hat").tolist()
    ([True, False, True], [True, False, False])
    """

    analyser: Analyser
    lexicon: Lexicon
    fields: tuple[str, ...]
    starts: NDArray[np.int64]
    docs: NDArray[np.int32]
    counts: NDArray[np.uint16]
    place_starts: NDArray[np.int64]
    places: NDArray[np.int32]
    lengths: NDArray[np.int32]

    @property
    def many(self) -> int:
        """How many documents there are."""
        return int(self.lengths.shape[1])

    @cached_property
    def _known(self) -> Remembered[str, tuple[int, ...]]:
        return Remembered(self._looked_up, _KNOWN, lambda word: len(word) <= LONGEST)

    def _looked_up(self, word: str) -> tuple[int, ...]:
        found = map(self.lexicon.find, self.analyser.terms_of(word))
        return tuple(number for number in found if number >= 0)

    def numbers(self, text: str) -> list[int]:
        """The terms of a text that the index has, in order, each as often as it is there."""
        return list(chain.from_iterable(map(self._known.__getitem__, words(text))))

    def documents(self, number: int) -> NDArray[np.int32]:
        """The documents that have a term, rising."""
        return self.docs[self.starts[number] : self.starts[number + 1]]

    def matching(self, text: str) -> NDArray[np.bool_]:
        """Which documents have any of its terms, shape (documents,)."""
        found = np.zeros(self.many, dtype=bool)
        for number in set(self.numbers(text)):
            found[self.documents(number)] = True
        return found

    def phrase(self, text: str) -> NDArray[np.bool_]:
        """Which documents have its terms one after another, and so many words apart, where words between are stopped. A text
        without terms is in none, and so is one with a term that the index lacks."""
        found, wanted, offset = np.zeros(self.many, dtype=bool), list[tuple[int, int]](), 0
        longest = self.lengths.max(initial=0)
        for word in words(text):
            terms, numbers = self.analyser.terms_of(word), self._known[word]
            if len(numbers) < len(terms) or len(wanted) + len(numbers) > longest:
                return found
            wanted += zip(numbers, range(offset, offset + len(numbers)), strict=True)
            offset += max(1, len(terms))
        if wanted:
            held = {number: self._occurrences(number) for number, _ in wanted}
            first = wanted[0][1]
            found[phrases.documents([(held[number], place - first) for number, place in wanted])] = True
        return found

    def _occurrences(self, number: int) -> phrases.Occurrences:
        own = slice(self.starts[number], self.starts[number + 1])
        places = self.places[self.place_starts[number] : self.place_starts[number + 1]]
        return phrases.Occurrences(self.docs[own], self.counts[:, own].sum(axis=0, dtype=np.int64), places)

    def followed(self, numbers: Sequence[int], begin: int, end: int) -> NDArray[np.bool_]:
        """Which documents have these terms one after another, and right behind them any of those from ``begin`` up to ``end``."""
        found = np.zeros(self.many, dtype=bool)
        if not numbers:
            found[self.docs[self.starts[begin] : self.starts[end]]] = True
            return found
        terms = [(self._occurrences(number), place) for place, number in enumerate(numbers)]
        found[phrases.documents([*terms, (self._of_any(begin, end), len(numbers))])] = True
        return found

    def _of_any(self, begin: int, end: int) -> phrases.Occurrences:
        """Where any of the terms from ``begin`` up to ``end`` stands, as if they were one."""
        own = slice(self.starts[begin], self.starts[end])
        sizes = self.counts[:, own].sum(axis=0, dtype=np.int64)
        places = self.places[self.place_starts[begin] : self.place_starts[end]]
        keys = np.sort((np.repeat(self.docs[own].astype(np.int64), sizes) << 32) + places)
        docs, many = np.unique(keys >> 32, return_counts=True)
        return phrases.Occurrences(docs.astype(np.int32), many, (keys & 0xFFFFFFFF).astype(np.int32))

    def arrays(self) -> dict[str, Array]:
        """What ``of`` makes the same index of, by name."""
        held = {f"{_LEXICON}{name}": array for name, array in self.lexicon.arrays().items()}
        return held | {name: getattr(self, name) for name in _ARRAYS}

    @staticmethod
    def of(arrays: Mapping[str, Array], analyser: Analyser, fields: tuple[str, ...]) -> Index:
        """The index that ``arrays`` wrote; they may be read-only. Raises ValueError where they cannot be one, and what the
        lexicon raises."""
        missing = set(_ARRAYS) - arrays.keys()
        if missing:
            raise ValueError(f"an index without {', '.join(sorted(missing))}")
        words = {name.removeprefix(_LEXICON): array for name, array in arrays.items() if name not in _ARRAYS}
        lexicon = Lexicon.of(words)
        held = Laid(*(arrays[name] for name in _ARRAYS))
        check(held, len(lexicon), len(fields))
        return _index(analyser, lexicon, fields, held)


def build(texts: Mapping[str, Iterable[str | None]], analyser: Analyser, say: Say | None = None) -> Index:
    """The index of documents whose fields are given side by side, a text or None of each document, in their order.

    ``say`` is told the share that is done, from 0 to 1. Raises ValueError where fields differ in length, and DataError for a
    document of more than two thousand million words.
    """
    terms, held = read(texts, analyser, say)
    return _index(analyser, Lexicon.of_terms(terms), tuple(texts), held)


def _index(analyser: Analyser, lexicon: Lexicon, fields: tuple[str, ...], held: Laid) -> Index:
    return Index(analyser, lexicon, fields, *(getattr(held, name) for name in _ARRAYS))
