"""Documents that are ranked together, by a finder that knows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from plimsoll.collection import Collection
from plimsoll.inverted import Index

Mask = NDArray[np.bool_]


class Ranks(Protocol):
    """What a search box needs of a family of models: its index, its best documents for a text, and why one is among them."""

    @property
    def index(self) -> Index: ...

    def best(self, text: str, depth: int, among: Mask | None = None) -> NDArray[Any]: ...

    def because(self, text: str, document: int) -> list[tuple[str, float]]: ...

    def beside(self, texts: Mapping[str, Sequence[str | None]]) -> Self: ...


@dataclass(frozen=True)
class Shelf:
    """``documents`` by the numbers that ``finder`` knows them by; ``alive`` are those that are still there, None: all."""

    finder: Ranks
    documents: Collection
    alive: Mask | None = None

    @property
    def index(self) -> Index:
        return self.finder.index

    def text(self, field: str, number: int) -> str:
        """What stands in a field of a document; "" where nothing does."""
        cells = self.documents.rows.texts(field)
        code = int(cells.codes[number])
        return cells.values[code] if code >= 0 else ""

    def fields(self, text: str, number: int) -> list[str]:
        """The fields of a document that have a term of a text."""
        found = np.zeros(len(self.index.fields), dtype=bool)
        for term in dict.fromkeys(self.index.analyser.terms(text)):
            if (place := self._posting(term, number)) >= 0:
                found |= self.index.counts[:, place] > 0
        return [name for name, held in zip(self.index.fields, found.tolist(), strict=True) if held]

    def _posting(self, term: str, number: int) -> int:
        """Where the index says that a document has a term; -1 where it has not."""
        if (row := self.index.lexicon.find(term)) < 0:
            return -1
        begin, end = int(self.index.starts[row]), int(self.index.starts[row + 1])
        place = begin + int(np.searchsorted(self.index.docs[begin:end], number))
        return place if place < end and self.index.docs[place] == number else -1
