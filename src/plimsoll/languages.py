"""Which language documents are in, by the words that only hold a sentence together: they are a third of most texts, and each
language has its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice

from plimsoll.letters import plain, words
from plimsoll.stop_words import LISTS

NONE = "none"
_WORDS = 50_000  # that are looked at
_LEAST = 0.15  # of all words, that are the language's own such words


def of(texts: Iterable[str | None]) -> str:
    """The language of texts by its name, "none" where no language that is known holds them together.

    >>> of(["The wing of a bird and that of an aeroplane are not the same."]), of(["Der Flügel und die Luft sind nicht gleich."])
    ('english', 'german')
    >>> of(["7f3a 99 x12 qty stock nr"])
    'none'
    """
    spoken = Counter(islice((plain(word) for text in texts for word in words(text or "")), _WORDS))
    known = {name: frozenset(held.split()) for name, held in LISTS.items()}
    # A word of several languages tells them apart no more than one of none.
    shares = {name: sum(spoken[word] for word in held) for name, held in known.items()}
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] > _LEAST * spoken.total() else NONE
