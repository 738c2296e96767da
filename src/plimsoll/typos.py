"""Words that no document has, and those that were probably meant.

Terms are stems, so what is looked for near a word is a term; what is asked for instead, and shown, is a word of a document that has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from plimsoll.letters import WORD
from plimsoll.inverted import Index

SHORTEST = 4  # letters of a word that may be a slip
_SHORT = 7  # letters up to which one slip is forgiven, and above which two are
_MOST = 64  # terms that are weighed against one another


def near(word: str, indexes: Sequence[Index]) -> list[str]:
    """The terms that a word was probably meant to have, the likeliest first: those with the fewest slips, and of these the one that is in
    most documents. None for a word that is short, or has a digit: a number beside another is no slip.
    """
    analyser = indexes[0].analyser
    terms = analyser.terms_of(word)
    if len(word) < SHORTEST or len(terms) != 1 or analyser.units != "words" or any(map(str.isdigit, word)):
        return []
    edits = 1 if len(word) <= _SHORT else 2
    slips: dict[str, int] = {}
    for index in indexes:
        for number, distance in index.lexicon.near(terms[0], edits, _MOST, np.diff(index.starts)):
            slips[index.lexicon.term(number)] = distance
    return sorted(slips, key=lambda term: (slips[term], -frequency(term, indexes), term))


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
