"""Documents with columns of every kind, and a finder that is nothing but counting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plimsoll import inverted, ranking
from plimsoll.analysis import Analyser
from plimsoll.collection import Collection
from plimsoll.ids import Ids
from plimsoll.inverted import Index
from plimsoll.rows import Rows
from plimsoll.schema import Column, Kind, Schema

FIELDS = ("title", "text")
SCHEMA = Schema(
    (
        Column("title", Kind.TEXT),
        Column("text", Kind.TEXT),
        Column("lang", Kind.CATEGORY),
        Column("year", Kind.NUMBER),
        Column("open", Kind.BOOLEAN),
        Column("seen", Kind.TIME),
    ),
    "id",
    ignored=("same",),
)
NAN = float("nan")
DOCUMENTS: dict[str, tuple[Any, ...]] = {
    "1": ("Wind tunnels", "A wind tunnel moves air past a wing.", "en", 1950.0, 1.0, 0.0),
    "2": ("Heated wings", "Aerodynamic heating of a thin wing, and of a thick one.", "en", 1958.0, 0.0, 86_400.0),
    "3": ("Grenzschicht", "Die Strömung an der Platte.", "de", 1904.0, 1.0, NAN),
    "4": ("Boundary layers", "The laminar boundary layer on a plate. The layer grows.", None, NAN, NAN, 180_000.0),
    "5": ("Of plates", "A boundary is where a layer ends, says the plate.", "en", 1961.0, 0.0, 259_200.0),
}


def collection(documents: Mapping[str, Sequence[Any]] = DOCUMENTS) -> Collection:
    ids = Ids.of(documents)
    return Collection(ids, Rows.of_values(SCHEMA, [documents[name] for name in ids.names(range(len(ids)))]), SCHEMA)


class Counting:
    """A document scores, for each term of the query, how often it has it over the letters of the term that are not shared; what is
    learned is only how much a term is worth."""

    def __init__(self, index: Index, worth: Mapping[str, float] | None = None) -> None:
        self.index = index
        many = np.diff(index.starts)
        terms = [index.lexicon.term(k) for k in range(len(index.lexicon))]
        own = {term: 1.0 + 1.0 / float(n) for term, n in zip(terms, many, strict=True)}
        self.worth = own if worth is None else worth

    def scores(self, text: str) -> np.ndarray:
        found = np.zeros(self.index.many)
        for term in self.index.analyser.terms(text):
            if (row := self.index.lexicon.find(term)) >= 0:
                span = slice(self.index.starts[row], self.index.starts[row + 1])
                found[self.index.docs[span]] += self.worth.get(term, 2.0) * self.index.counts[:, span].sum(axis=0)
        return found.astype(np.float32)

    def best(self, text: str, depth: int, among: np.ndarray | None = None) -> np.ndarray:
        scores = self.scores(text)
        scores[scores <= 0] = -np.inf
        if among is not None:
            scores[~among] = -np.inf
        return ranking.best_one(scores, None, depth)

    def because(self, text: str, document: int) -> list[tuple[str, float]]:
        parts = {term: float(self.scores(term)[document]) for term in dict.fromkeys(self.index.analyser.terms(text))}
        return sorted(((term, part) for term, part in parts.items() if part > 0), key=lambda pair: -pair[1])

    def beside(self, texts: Mapping[str, Sequence[str | None]]) -> Counting:
        return Counting(inverted.build(texts, self.index.analyser), self.worth)


def finder(documents: Collection, analyser: Analyser | None = None) -> Counting:
    texts = {name: documents.rows.texts(name).texts() for name in FIELDS}
    return Counting(inverted.build(texts, analyser or Analyser()))
