"""The words of a query and what they mean in one sum: BM25 as a share of the most that it could be, and a cosine.

How much each counts is settled by judged queries, and one of them may count nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from plimsoll import dense, finding, lexical, lsa, relevance, small_world, top
from plimsoll.bm25 import Bm25
from plimsoll.finding import Study, Texts
from plimsoll.inverted import Index, build
from plimsoll.lexical import Lexical
from plimsoll.scorer import scalar
from plimsoll.small_world import SmallWorld

Array = NDArray[Any]
MEANING = "meaning"  # what a part of a score is called that is no word's
_SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
_TINY = 1e-9
_MOST = 400  # queries that shares are compared on
_DEPTH = 20  # of lists that are compared
_ALSO = 200  # documents that are looked at for their words, however far they lie
_KINDS = ("words.", "meaning.")


class Meaning(Protocol):
    """Documents as points of length one, shape (documents, axes), in a small ``world`` where they are very many, and queries among them;
    ``graphs`` are members beside the arrays."""

    @property
    def index(self) -> Index: ...

    @property
    def points(self) -> NDArray[np.float32]: ...

    @property
    def world(self) -> SmallWorld | None: ...

    @property
    def graphs(self) -> Mapping[str, bytes]: ...

    def point(self, text: str) -> NDArray[np.float32]: ...

    def over(self, index: Index, texts: Texts, /) -> Self: ...

    def arrays(self) -> dict[str, Array]: ...


Load = Callable[[Mapping[str, Array], Index], Meaning]


@dataclass(frozen=True)
class Heard:
    """A query and what is worked out of it for the documents of ``parts``, each once and when it is asked for: of ``every`` one, or of
    those that may well be among the best."""

    parts: Fused
    text: str
    every: bool = False

    @cached_property
    def numbers(self) -> list[int]:
        """Its terms, of those that the documents have."""
        return self.parts.index.numbers(self.text)

    @cached_property
    def words(self) -> NDArray[np.float32]:
        """BM25 of each document, shape (documents,)."""
        return self.parts.words.summed(self.numbers)

    @cached_property
    def point(self) -> NDArray[np.float32]:
        return self.parts.meaning.point(self.text)

    @cached_property
    def cosines(self) -> NDArray[np.float32]:
        """Of each document, with zeros beyond; where there is a graph, of those near the query and of those with its words."""
        meaning = self.parts.meaning
        if meaning.world is None or self.every:
            return dense.towards(meaning.points, self.point)
        return meaning.world.towards(self.point, self._with_words)

    @property
    def _with_words(self) -> Array:
        """The first documents by their words alone."""
        scores = np.zeros(top.room(len(self.words)), dtype=np.float32)
        scores[: len(self.words)] = self.words
        found = top.best(scores, _ALSO)["item"]
        return found[found >= 0]

    @cached_property
    def many(self) -> int:
        """The terms of the query, known or not."""
        return len(self.parts.told.index.analyser.terms(self.text))

    @cached_property
    def most(self) -> float:
        """What a document would score that had nothing but the terms of the query: the same, whatever documents are asked, and above 0."""
        told = self.parts.told
        known = self.numbers if told is self.parts.words else told.index.numbers(self.text)
        return max(float(told.facts.idf[known].sum()) + told.facts.unknown * (self.many - len(known)), _TINY)


@dataclass(frozen=True)
class Fused:
    """``share`` is that of the cosine; ``told`` is the BM25 that was learned, of the same documents or of earlier ones."""

    words: Bm25
    meaning: Meaning
    share: float
    told: Bm25

    @property
    def index(self) -> Index:
        return self.words.index

    def hear(self, text: str, every: bool = False) -> Heard:
        return Heard(self, text, every)

    def scores(self, heard: Heard) -> NDArray[np.float32]:
        """The score of each document, with zeros beyond (see ``top.room``)."""
        if self.share == 1.0:
            return heard.cosines
        if self.share > 0.0:
            found = heard.cosines * np.float32(self.share)
        else:
            found = np.zeros(top.room(self.index.many), dtype=np.float32)
        found[: self.index.many] += heard.words * np.float32((1 - self.share) / heard.most)
        return found

    def best(self, text: str, depth: int, among: NDArray[np.bool_] | None = None) -> Array:
        return self.listed(self.hear(text, small_world.every(depth, among)), depth, among)

    def listed(self, heard: Heard, depth: int, among: NDArray[np.bool_] | None = None) -> Array:
        """The list of a query that was worked out, or is about to be."""
        scores = self.scores(heard)
        return dense.best(scores if among is None else scores.copy(), self.index.many, depth, among)

    def because(self, text: str, document: int) -> list[tuple[str, float]]:
        """What each word adds, and what is added by meaning: together they are the score."""
        least = np.float32((1 - self.share) / self.hear(text).most)
        parts = [(term, float(part * least)) for term, part in self.words.because(text, document) if self.share < 1]
        if self.share > 0:
            cosine = float(self.meaning.points[document] @ self.meaning.point(text))
            parts.append((MEANING, self.share * cosine))
        return sorted(parts, key=lambda part: (-abs(part[1]), part[0]))

    def beside(self, texts: Texts) -> Fused:
        return self.over(build(texts, self.index.analyser), texts)

    def over(self, index: Index, texts: Texts) -> Fused:
        """Other documents, of this index, by what was learned of these."""
        return Fused(self.words.beside(index), self.meaning.over(index, texts), self.share, self.told)

    @property
    def graphs(self) -> Mapping[str, bytes]:
        return self.meaning.graphs

    def arrays(self) -> dict[str, Array]:
        parts = (Lexical(self.words).arrays(), self.meaning.arrays())
        told = {
            f"{kind}{name}": array for kind, part in zip(_KINDS, parts, strict=True) for name, array in part.items()
        }
        return told | {"share": np.array(self.share)}


def of(arrays: Mapping[str, Array], index: Index, load: Load = lsa.of) -> Fused:
    """The model that ``arrays`` wrote; ``load`` makes what it knows of meaning. Raises ValueError where they are not those of the index."""
    odd = {name for name in arrays if not name.startswith(_KINDS)}
    if odd != {"share"}:
        raise ValueError(f"arrays of no part: {', '.join(sorted(odd))[:80]}")
    own, rest = ({name.removeprefix(k): arrays[name] for name in arrays if name.startswith(k)} for k in _KINDS)
    words, share = lexical.of(own, index).model, scalar(arrays["share"], "share")
    if not 0 <= share <= 1:
        raise ValueError(f"a share of {share}")
    return Fused(words, load(rest, index), share, words)


def fit(study: Study, meaning: Meaning) -> Fused:
    """BM25 with what it settles, and the share with which both find most for the queries of a study; of shares that find as much
    the first, so that nothing is added that finds nothing."""
    words = lexical.fit(study, meaning.index).model
    plain = Fused(words, meaning, 0.0, words)
    tried, lists = [replace(plain, share=share) for share in _SHARES], []
    for text in study.queries[:_MOST]:
        if study.clock.up:
            break
        heard = plain.hear(text)
        lists.append([each.listed(heard, _DEPTH) for each in tried])
    if not lists:
        return plain
    truth = study.truth[: len(lists)]
    worth = [relevance.mean(finding.worth(each, truth)) for each in np.stack(lists, axis=1)]
    return tried[worth.index(max(worth))]
