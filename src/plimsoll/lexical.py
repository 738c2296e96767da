"""BM25 as a finder, with k1, b and boosts settled by judged queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import relevance
from plimsoll.bm25 import Bm25
from plimsoll.finding import Study, Texts, worth
from plimsoll.inverted import Index, build
from plimsoll.scorer import taken
from plimsoll.weighing import METHODS, Learned, Weighing

Array = NDArray[Any]
_K1, _B, _BOOSTS = (0.6, 0.9, 1.2, 1.5, 2.0), (0.3, 0.5, 0.75, 0.9), (0.5, 2.0, 4.0)
_MOST = 400  # queries that settings are compared on
_DEPTH = 20  # of lists that are compared


@dataclass(frozen=True)
class Lexical:
    """A weighed index as a finder."""

    model: Bm25

    @property
    def index(self) -> Index:
        return self.model.index

    def best(self, text: str, depth: int, among: NDArray[np.bool_] | None = None) -> Array:
        return self.model.best(text, depth, among)

    def because(self, text: str, document: int) -> list[tuple[str, float]]:
        return self.model.because(text, document)

    def beside(self, texts: Texts) -> Lexical:
        return Lexical(self.model.beside(build(texts, self.index.analyser)))

    def arrays(self) -> dict[str, Array]:
        by, facts = self.model.weighing, self.model.facts
        numbers = [METHODS.index(by.method), by.k1, by.b, by.delta]
        return {
            "weighing": np.array(numbers),
            "boosts": np.array(by.boosts, dtype=np.float64),
            "idf": facts.idf,
            "unknown": np.array(facts.unknown),
            "means": facts.means,
        }


def fit(study: Study, index: Index, method: str = "lucene") -> Lexical:
    """An index by a formula of ``weighing``, with the settings that find most for the queries of a study."""
    return Lexical(Bm25.of(index, _settled(index, Weighing(method=method, boosts=(1.0,) * len(index.fields)), study)))


def of(arrays: Mapping[str, Array], index: Index) -> Lexical:
    """The finder that ``arrays`` wrote. Raises ValueError where they are not those of the index."""
    weighing, boosts, idf, unknown, means = taken(arrays, "weighing boosts idf unknown means")
    method, k1, b, delta = weighing.tolist()
    by = Weighing(METHODS[int(method)], k1, b, delta, tuple(boosts.tolist()))
    if idf.shape != (len(index.lexicon),) or means.shape != (len(index.fields),):
        raise ValueError("frequencies that are not those of the index")
    return Lexical(Bm25.of(index, by, Learned(idf, float(unknown), means)))


def _settled(index: Index, weighing: Weighing, study: Study) -> Weighing:
    """The k1 and b, and then the boost of each field, that find most for the queries that may be learned from."""
    best, top = weighing, _worth(index, weighing, study)
    until = study.clock.left / 2
    for tried in _tried(weighing):
        for each in tried(best):
            if study.clock.left < until:
                return best
            found = _worth(index, each, study)
            if found > top:
                best, top = each, found
    return best


def _worth(index: Index, weighing: Weighing, study: Study) -> float:
    """nDCG of the first ten. What a weighing finds for a query is the same in every fold."""
    known: dict[str, float] = study.shared((index.analyser, weighing), dict)
    queries = list(study.queries)[:_MOST]
    new = [k for k, text in enumerate(queries) if text not in known]
    if new:
        model = Bm25.of(index, weighing, eager=False)
        each = worth([model.best(queries[k], _DEPTH) for k in new], study.truth[new])
        known.update(zip((queries[k] for k in new), each.tolist(), strict=True))
    return relevance.mean(np.array([known[text] for text in queries]))


def _tried(weighing: Weighing) -> Iterator[Any]:
    yield lambda best: [replace(best, k1=k1, b=b) for k1 in _K1 for b in _B]
    for field in range(len(weighing.boosts) if len(weighing.boosts) > 1 else 0):
        yield lambda best, field=field: [
            replace(best, boosts=tuple(boost if k == field else own for k, own in enumerate(best.boosts)))
            for boost in _BOOSTS
        ]
