"""Latent semantic analysis: documents as points in a space of a few hundred axes, in which words that go together lie together
(Deerwester et al. 1990), so that a document is found which has none of the words of a query.

A term of a document counts log(1 + how often), times how unevenly it is spread over documents (Dumais 1991). Axes are those of a
truncated SVD (Halko, Martinsson and Tropp 2011). A query is a short document; its score of a document is their cosine, worked out
for each document: exact, a product of a matrix and a vector.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import dense, small_world
from plimsoll.clock import Clock
from plimsoll.dense import unit
from plimsoll.finding import Study, Texts
from plimsoll.inverted import Index, build
from plimsoll.knobs import Knobs
from plimsoll.scorer import floats, taken
from plimsoll.small_world import SmallWorld

Array = NDArray[Any]
KNOBS: dict[str, tuple[Any, ...]] = {
    "rank": (200, 100, 300),
    "spread": ("entropy", "idf"),  # by what a term weighs
    "short": (0.33, 0.0, 0.66),  # how much more the terms of a short field count
}
_OVER, _ROUNDS = 10, 6  # axes more than wanted, and times that they are turned towards the best
_TINY = np.float32(1e-12)
_NOWHERE = 1e-5  # what is shorter lies off the axes, and what is left of it is rounding


@dataclass(frozen=True)
class Axes:
    """What was learned of words: of each term of an index, its ``terms`` times its weight, shape (terms, rank), and how much
    an occurrence in each field counts (``boosts``, shape (fields,))."""

    index: Index
    terms: NDArray[np.float32]
    boosts: NDArray[np.float32]

    @property
    def rank(self) -> int:
        return int(self.terms.shape[1])

    def point(self, text: str) -> NDArray[np.float32]:
        """Where a query lies, shape (rank,): of length one, or nowhere (zeros) where none of its words is known."""
        return unit(self.parts(text)[1].sum(axis=0, dtype=np.float32), _NOWHERE)

    def parts(self, text: str) -> tuple[list[int], NDArray[np.float32]]:
        """The terms of a query and what each adds to its point, shape (terms, rank)."""
        times = Counter(self.index.numbers(text))
        numbers = sorted(times)
        counted = np.log1p(np.array([times[number] for number in numbers], dtype=np.float32))
        return numbers, self.terms[numbers] * counted[:, None]

    def points(self, index: Index) -> NDArray[np.float32]:
        """Where the documents of an index lie, shape (documents, rank); its analyser is the one that was learned with."""
        found = np.zeros((index.many, self.rank), dtype=np.float32)
        same = index is self.index
        for number in range(len(index.lexicon)):
            own = number if same else self.index.lexicon.find(index.lexicon.term(number))
            if own >= 0:
                place = slice(int(index.starts[number]), int(index.starts[number + 1]))
                found[index.docs[place]] += counted(index.counts[:, place], self.boosts)[:, None] * self.terms[own]
        return unit(found, _NOWHERE)


@dataclass(frozen=True)
class Lsa:
    """Documents of an ``index`` as ``points`` of length one on ``axes``, shape (documents, rank).

    >>> from plimsoll.analysis import Analyser
    >>> texts = {"text": ["a wing in flow", "wing and tail", "tail of a plane", "boiling water", "water and steam"]}
    >>> found = fit(build(texts, Analyser()), rank=2)
    >>> sorted(found.best("plane", 3)["item"].tolist())  # of which the third alone has the word
    [0, 1, 2]
    """

    axes: Axes
    index: Index
    points: NDArray[np.float32]
    world: SmallWorld | None = None

    @property
    def graphs(self) -> dict[str, bytes]:
        """Nothing stands beside the arrays."""
        return {}

    def point(self, text: str) -> NDArray[np.float32]:
        """Where a query lies, shape (rank,)."""
        return self.axes.point(text)

    def best(self, text: str, depth: int, among: NDArray[np.bool_] | None = None) -> Array:
        """The documents with the largest cosine, of those with one above zero. Where only some may be listed, and for long lists, all
        are looked at."""
        near = None if small_world.every(depth, among) else self.world
        point = self.point(text)
        scores = dense.towards(self.points, point) if near is None else near.towards(point)
        return dense.best(scores, self.index.many, depth, among)

    def because(self, text: str, document: int) -> list[tuple[str, float]]:
        """The terms of the query with what each adds to the cosine: they sum to it, the largest first."""
        numbers, parts = self.axes.parts(text)
        length = np.linalg.norm(parts.sum(axis=0, dtype=np.float32))
        shares = parts @ self.points[document] / max(length, _TINY)
        told = [
            (self.axes.index.lexicon.term(number), float(share)) for number, share in zip(numbers, shares, strict=True)
        ]
        return sorted(told, key=lambda part: (-abs(part[1]), part[0]))

    def beside(self, texts: Texts) -> Lsa:
        return self.over(build(texts, self.index.analyser), texts)

    def over(self, index: Index, _texts: Texts) -> Lsa:
        """Other documents, of this index, on the same axes."""
        return Lsa(self.axes, index, self.axes.points(index))

    def arrays(self) -> dict[str, Array]:
        return {
            "terms": self.axes.terms,
            "boosts": self.axes.boosts,
            "points": self.points,
            **(self.world.arrays() if self.world else {}),
        }


def fit(
    index: Index, rank: int, spread: str = "entropy", short: float = 0.0, seed: int = 0, clock: Clock | None = None
) -> Lsa:
    """The axes of an index, ``rank`` at most, and its documents on them.

    ``spread`` is "entropy" or "idf": by what a term weighs. ``short`` is how much more the terms of a short field count: the mean
    length of the longest over its own, to that power. Raises ValueError where no document has a term.
    """
    from scipy import sparse

    if not len(index.docs):
        raise ValueError("no document has a word")
    boosts = _boosts(index, short)
    values = counted(index.counts, boosts)
    weights = _entropy(index, boosts) if spread == "entropy" else _idf(index)
    shape = (index.many, len(index.lexicon))
    matrix = sparse.csc_matrix(
        (values * np.repeat(weights, np.diff(index.starts)), index.docs, index.starts), shape=shape
    )
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1), dtype=np.float32).ravel())
    matrix = sparse.diags(1 / np.maximum(lengths, _TINY)).tocsr().astype(np.float32) @ matrix.tocsr()
    axes = Axes(index, _right(matrix, rank, seed, clock) * weights[:, None], boosts)
    return Lsa(axes, index, axes.points(index))


def shared(study: Study, knobs: Knobs) -> Lsa:
    """The model of a study's documents by ``KNOBS``: the folds of a trial share it, for no judgement was looked at."""
    index, settings = study.index(knobs), (int(knobs["rank"]), str(knobs["spread"]), float(knobs["short"]))

    def fitted() -> Lsa:
        found = fit(index, *settings, seed=study.seed, clock=study.clock)
        asked = map(found.point, study.queries)
        return replace(found, world=small_world.made(found.points, asked, study.seed, study.clock))

    made: Lsa = study.shared((index.analyser, settings), fitted)
    return made


def of(arrays: Mapping[str, Array], index: Index) -> Lsa:
    """The model that ``arrays`` wrote. Raises ValueError where they are not those of the index."""
    own, rest = small_world.parted(arrays)
    terms, boosts, points = taken(rest, "terms boosts points")
    floats(terms, "terms", len(index.lexicon), -1)
    axes = Axes(index, terms, floats(boosts, "boosts", len(index.fields)))
    points = floats(points, "points", index.many, axes.rank)
    return Lsa(axes, index, points, small_world.of(own, points))


def memory(documents: float, words: float, rank: float) -> float:
    """Bytes that a fit holds at most beside the index: the matrix and its copies, and a few of the axes.

    There are about 30 times the root of all words many terms (Heaps 1978)."""
    axes = 4.0 * rank * (3.0 * documents + 3.0 * 30.0 * math.sqrt(words))
    return 40.0 * words + axes + small_world.memory(documents, rank)


def work(documents: float, words: float, rank: float) -> float:
    """Operations of a fit: products of a sparse matrix, and of a tall one with itself."""
    turning = 2.0 * (_ROUNDS + 1) * rank * (words + rank * documents)
    return turning + small_world.work(documents, rank)


def counted(counts: Array, boosts: Array) -> NDArray[np.float32]:
    """How much occurrences count, by field, shape (fields, postings): shape (postings,)."""
    return np.asarray(np.log1p(boosts @ counts.astype(np.float32)), dtype=np.float32)


def _boosts(index: Index, short: float) -> NDArray[np.float32]:
    means = np.maximum(index.lengths.mean(axis=1), _TINY)
    return np.asarray((means.max() / means) ** short, dtype=np.float32)


def _entropy(index: Index, boosts: Array) -> NDArray[np.float32]:
    """One for a term in one document, zero for one that is alike in all."""
    held = (boosts @ index.counts.astype(np.float32)).astype(np.float64)
    all_ = np.add.reduceat(held, index.starts[:-1])
    share = held / np.repeat(all_, np.diff(index.starts))
    entropy = np.add.reduceat(-share * np.log(share), index.starts[:-1])
    return np.asarray(1.0 - entropy / np.log(max(index.many, 2)), dtype=np.float32)


def _idf(index: Index) -> NDArray[np.float32]:
    return np.asarray(np.log((1.0 + index.many) / (1.0 + np.diff(index.starts))) + 1.0, dtype=np.float32)


def _right(matrix: Any, rank: int, seed: int, clock: Clock | None) -> NDArray[np.float32]:
    """The first right singular vectors of a sparse matrix, shape (columns, rank); those it has come to where the time is up."""
    wanted = min(rank + _OVER, *matrix.shape)
    start = np.random.default_rng(seed).standard_normal((matrix.shape[1], wanted), dtype=np.float32)
    turned, back = np.linalg.qr(matrix @ start)[0], matrix.T.tocsr()
    for at in range(_ROUNDS):
        if clock is not None:
            clock.note("turning axes", at / _ROUNDS)
            if clock.up:
                break
        turned = np.linalg.qr(matrix @ np.linalg.qr(back @ turned)[0])[0]
    found, _, _ = np.linalg.svd(back @ turned, full_matrices=False)
    return np.ascontiguousarray(found[:, : min(rank, wanted)], dtype=np.float32)
