"""How rare words are among documents: counted over some of them, as much as telling words apart asks for."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plimsoll.collection import Collection
from plimsoll.documents import text_of

_WORD = re.compile(r"\w+")
_MOST = 5_000  # documents whose words are counted


def words(text: str) -> list[str]:
    """The words of a text in order, in small letters.

    >>> words("Wings, and wings.")
    ['wings', 'and', 'wings']
    """
    return _WORD.findall(text.lower())


@dataclass(frozen=True)
class Rarity:
    """Of ``many`` documents, in how many each word is."""

    many: int
    counts: Counter[str]

    def of(self, word: str) -> float:
        """The logarithm of all documents to those that have the word; about zero where all have it (Spärck Jones 1972)."""
        return max(math.log((self.many + 1) / (self.counts[word] + 0.5)), 0.0)

    def usual(self, word: str) -> bool:
        """Whether more than half of the documents have the word: nobody remembers one of them by it."""
        return 2 * self.counts[word] > self.many


def counted(collection: Collection, fields: Sequence[str]) -> Rarity:
    """By documents all through the collection.

    >>> from plimsoll import documents
    >>> import polars as pl
    >>> told = counted(documents.read(pl.DataFrame({"id": [1, 2], "text": ["of wings", "of heat"]})).collection, ["text"])
    >>> told.of("of") < told.of("heat") < told.of("unheard")
    True
    """
    places = np.linspace(0, len(collection) - 1, min(_MOST, len(collection))).astype(int)
    counts: Counter[str] = Counter()
    for place in places.tolist():
        counts.update(set(words(text_of(collection, fields, place))))
    return Rarity(len(places), counts)
