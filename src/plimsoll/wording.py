"""From what is asked to the text that is ranked by, and to the documents that it lets in.

A word that no document has is taken for the one that was probably meant; one with a star stands for the words that begin so. What is passed over
is said.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from plimsoll import asking, letters, typos
from plimsoll.asking import Query
from plimsoll.beginnings import Beginnings
from plimsoll.remembered import Remembered
from plimsoll.shelf import Mask, Shelf
from plimsoll.word_forms import Forms

MOST_MENDED = 4  # words of a query that are looked for near others: each is compared with the whole lexicon
_MEANT = 10_000  # words that no document has, of which it is remembered what was meant
_KEPT = 100_000  # words that are remembered as known


@dataclass(frozen=True)
class Asked:
    """A query once it is understood: the ``text`` to rank by, "" where there is nothing to look for; what it demands; the query that is
    ``corrected``, None where nothing was; and what was ``passed`` over."""

    text: str
    query: Query
    corrected: str | None
    passed: tuple[str, ...]


class Wording:
    """Understands queries over these shelves, whose analyser is one."""

    def __init__(self, shelves: Sequence[Shelf]) -> None:
        self._shelves, self._indexes = shelves, [shelf.index for shelf in shelves]
        self._analyser = self._indexes[0].analyser
        self._known: dict[str, bool] = {}  # words of documents and stop words: whether they have a term
        self._forms = Forms(shelves)
        self._beginnings = Beginnings(shelves, self._forms)
        self._meant: Remembered[str, str | None] = Remembered(
            lambda word: typos.meant(word, self._indexes, self._forms), _MEANT
        )

    def understood(self, text: str, mend: bool = True) -> Asked:
        """What a query asks for."""
        query, passed = asking.parse(text), list[str]()
        words = letters.words(query.text)
        new = [word for word in words if word not in self._known]  # none for nearly all queries, and then this is all
        swaps = self._mended(dict.fromkeys(new), _literal(query), mend, passed) if new else {}
        ranked = typos.replaced(query.text, swaps)
        found = any(self._known.get(word, True) for word in words)
        if query.cut:
            passed.append(
                f"Only the beginning of the query was read: {asking.LETTERS:,} letters, {asking.MOST} of each sign."
            )
        if not query.bare:
            more = self._begun(query.prefixes, passed)
            query, ranked, found = self._sound(query, passed), " ".join([ranked, *more]).strip(), found or bool(more)
        if not found:
            passed.append(_why_nothing(text, query, words))
        return Asked(ranked if found else "", query, typos.replaced(text, swaps) if swaps else None, tuple(passed))

    def remember(self, other: Wording) -> None:
        """Takes over which words are known."""
        self._known = other._known

    def lets_in(self, query: Query, shelf: Shelf) -> list[Mask]:
        """The documents of a shelf that each demand of a query lets in."""
        return [
            *(shelf.index.phrase(phrase) for phrase in query.phrases),
            *(self._holding(word, shelf) for word in query.must),
            *(~self._holding(word, shelf) for word in query.without),
        ]

    def _mended(self, words: Iterable[str], literal: set[str], mend: bool, passed: list[str]) -> dict[str, str]:
        """What is asked for instead of words that no document has, but for those that are meant as they stand; what is known is
        remembered."""
        swaps: dict[str, str] = {}
        tried = 0
        if len(self._known) > _KEPT:
            self._known.clear()
        for said in words:
            word = said.strip("'")  # quotes of another kind
            terms = self._analyser.terms_of(word)
            if typos.known(terms, self._indexes):
                self._known[said] = bool(terms)
                continue
            tried += 1
            meant = self._meant[word] if mend and tried <= MOST_MENDED and said not in literal else None
            if meant is not None:
                swaps[word] = meant
            elif tried <= MOST_MENDED:
                passed.append(f'No document has "{word[:60]}".')
        return swaps

    def _begun(self, prefixes: Sequence[str], passed: list[str]) -> list[str]:
        """The words that are ranked by where one with a star was asked for."""
        found: list[str] = []
        for prefix in prefixes:
            words = self._beginnings.words(prefix)
            if not words:
                passed.append(f'No word begins with "{prefix[:60]}".')
            found += words
        return found

    def _holding(self, word: str, shelf: Shelf) -> Mask:
        """The documents that have a word, a phrase, or any word that begins so."""
        index = shelf.index
        if word.endswith("*"):
            return self._beginnings.documents(word[:-1], shelf)
        return index.phrase(word) if len(index.analyser.terms(word)) > 1 else index.matching(word)

    def _sound(self, query: Query, passed: list[str]) -> Query:
        """The same without demands that say nothing: those of stop words, or of signs."""

        def sound(said: tuple[str, ...]) -> tuple[str, ...]:
            kept = tuple(each for each in said if each.endswith("*") or self._analyser.terms(each))
            passed.extend(f'"{each[:60]}" is made of stop words alone.' for each in said if each not in kept)
            return kept

        phrases, must, without = map(sound, (query.phrases, query.must, query.without))
        return dataclasses.replace(query, phrases=phrases, must=must, without=without)


def _literal(query: Query) -> set[str]:
    """The words that a document must have as they are typed."""
    return set() if query.bare else set(letters.words(" ".join((*query.phrases, *query.must))))


def _why_nothing(text: str, query: Query, words: Sequence[str]) -> str:
    if words:
        return f"There are only stop words in the query: {', '.join(dict.fromkeys(words[:8]))}."
    if query.without:
        return "The query says only what is not to be there."
    return "There is no word in the query." if text.strip() else "The query is empty."
