"""Words that no document has, and those that were probably meant.

Terms are stems, so what is looked for near a word is a term; what is asked for instead, and shown, is a word of a document that has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from plimsoll.inverted import Index
from plimsoll.letters import WORD
from plimsoll.word_forms import Forms

SHORTEST = 4  # letters of a word that may be a slip
_SHORT = 7  # letters up to which one slip is forgiven, and above which two are
_MOST = 64  # terms that are weighed against one another
_TRIED = 4  # of which the likeliest are looked up in documents
_ENDING = 4  # letters behind a term in which a slip kept the stem from being found


def meant(word: str, indexes: Sequence[Index], forms: Forms) -> str | None:
    """The word that this one was probably meant to be: one slip away, two where it has more than seven letters.

    Terms as near are tried by how many documents have them. A slip in the ending of a word leaves another stem than the word has
    (heatign is none of heat), so terms that the word begins with come next, where a form of theirs is as near. None for a
    word that is short, or has a digit: a number beside another is no slip.
    """
    analyser = indexes[0].analyser
    terms = analyser.terms_of(word)
    if len(word) < SHORTEST or len(terms) != 1 or analyser.units != "words" or any(map(str.isdigit, word)):
        return None
    edits = 1 if len(word) <= _SHORT else 2
    for term in near(terms[0], edits, indexes)[:_TRIED]:
        if forms[term]:
            return forms.nearest(term, word, edits) or forms.nearest(term, word, len(word) + _MOST)
    return next((found for term in _begun(terms[0], indexes) if (found := forms.nearest(term, word, edits))), None)


def near(term: str, edits: int, indexes: Sequence[Index]) -> list[str]:
    """The terms so few edits away: those with the fewest first, and of these the one that is in most documents."""
    slips: dict[str, int] = {}
    for index in indexes:
        for number, distance in index.lexicon.near(term, edits, _MOST, np.diff(index.starts)):
            slips[index.lexicon.term(number)] = distance
    return sorted(slips, key=lambda term: (slips[term], -frequency(term, indexes), term))


def _begun(term: str, indexes: Sequence[Index]) -> Iterator[str]:
    """The terms that another begins with, the longest first."""
    for end in range(len(term) - 1, max(SHORTEST, len(term) - _ENDING) - 1, -1):
        if known([term[:end]], indexes):
            yield term[:end]


def frequency(term: str, indexes: Sequence[Index]) -> int:
    """How many documents have a term."""
    return sum(int(index.starts[k + 1] - index.starts[k]) for index in indexes if (k := index.lexicon.find(term)) >= 0)


def known(terms: Sequence[str], indexes: Sequence[Index]) -> bool:
    """Whether each of these terms is in a document."""
    return all(any(index.lexicon.find(term) >= 0 for index in indexes) for term in terms)


def replaced(text: str, words: Mapping[str, str]) -> str:
    """A text with some of its words replaced.

    >>> replaced("wimd tunnel, 'wimd'", {"wimd": "wind"})
    "wind tunnel, 'wind'"
    """
    return WORD.sub(lambda found: words.get(found[0], found[0]), text) if words else text
